// A scaling study: charts of the curves, bars of the stages, and tables.
"use strict";

/** Draws curves over the number of cores, both logarithmic. */
function drawCurves(target, curves, y, isLogarithmic) {
    const cores = [...new Set(curves.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
    const lines = curves.map(({ label, points }) => {
        const at = new Map(points);
        return { label, values: cores.map((x) => at.get(x)), points: label !== "ideal" };
    });
    chart(target, cores, lines, { x: "cores", y, name: `${y} over the cores`, isLogarithmic, isDoubling: true });
}

/** Shows the stages of each point one after the other. */
function showStages(target) {
    const longest = Math.max(...page.points.map(({ total }) => total));
    const row = ({ layout: size, seconds, total }) => {
        const parts = seconds.map((part, i) => [part, COLOURS[i], page.stages[i]]);
        const rest = Math.max(0, total - seconds.reduce((sum, part) => sum + part, 0));
        return [layout(size), stack([...parts, [rest, "#999", "other"]], 0, longest), number(total, 4)];
    };
    const shown = table(["layout", `from 0 to ${number(longest, 4)} s`, "total (s)"], page.points.map(row), 2);
    const names = [...page.stages, "other"].map((name, i) => [name, i < page.stages.length ? COLOURS[i] : "#999"]);
    target.append(legend(names), bars(shown));
}

$("title").textContent = page.title;
document.title = `${page.title} – quad8-mpi`;
drawCurves($("speed-up"), page.curves, page.quantity, true);
const efficiency = ([cores, speedUp]) => [cores, (100 * speedUp) / cores];
const efficiencies = page.curves.map(({ label, points }) => ({ label, points: points.map(efficiency) }));
drawCurves($("efficiency"), efficiencies, "efficiency (%)", false);
showStages($("stages"));
for (const {
    caption,
    table: { heading, rows, words },
} of page.tables)
    $("tables").append(table(heading, rows, words, caption));
