// Values along a line, as a chart and as CSV.
"use strict";

/** Samples all fields at points along a line between two points (m). */
function profile([x0, y0, x1, y1], count, isInside) {
    const rows = [];
    for (let i = 0; i < count; i++) {
        const t = i / (count - 1);
        const [x, y] = [(1 - t) * x0 + t * x1, (1 - t) * y0 + t * y1];
        const at = samplesOf([x, y]);
        const values = fields.map((field) => (isInside(at) ? field.at(...at) : NaN));
        rows.push({ x, y, distance: Math.hypot(x - x0, y - y0), values });
    }
    return rows;
}

/** Returns the position in samples of a point (m). */
const samplesOf = ([x, y]) => [(x - grid.left) / grid.step, (grid.top - y) / grid.step];

/** Returns the point (m) at a position in samples. */
const metresOf = ([x, y]) => [grid.left + x * grid.step, grid.top - y * grid.step];

/** Formats a coordinate (m), to a hundredth of a sample. */
const coordinate = (value) => value.toFixed(Math.min(Math.max(Math.ceil(2 - Math.log10(grid.step)), 0), 12));

/** Returns rows as CSV, with the columns of `quad8-mpi probe --line`; nothing stands for no value. */
function csvOf(rows) {
    const heading = ["x", "y", ...fields.map((field) => field.key), "distance"];
    const text = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(9))) : "");
    const line = ({ x, y, values, distance }) => [x, y, ...values, distance].map(text).join(",");
    return `${[heading.join(","), ...rows.map(line)].join("\n")}\n`;
}

/** Draws the values of a field along a line. */
function drawProfile(target, rows, field) {
    const at = fields.indexOf(field);
    const values = rows.map((row) => (Number.isFinite(row.values[at]) ? row.values[at] : null));
    if (values.every((value) => value === null)) {
        target.className = "";
        target.replaceChildren(element("p", { className: "hint" }, "The line lies outside of the domain."));
        return;
    }
    const line = { label: field.label, values };
    const name = `${field.name} along the line`;
    chart(
        target,
        rows.map((row) => row.distance),
        [line],
        { x: "distance (m)", y: field.label, name, isLogarithmic: field.is_logarithmic },
    );
}
