// Charts of lines, by uPlot, and bars of time.
"use strict";

// Colours that also colour-blind people tell apart (M. Okabe, K. Ito, Color universal design, 2008).
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442"];
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

const PRINTED_WIDTH = 660;
const charts = new Map();

/**
 * Draws lines over the same x into an element, in place of what it holds.
 * `lines`: [{ label, values, points }]; null is a gap. `options`: { x, y, name, isLogarithmic,
 * isWhole, isDoubling }: whole numbers on the x axis, or powers of two on all logarithmic axes.
 */
function chart(target, x, lines, options) {
    charts.get(target)?.destroy();
    target.replaceChildren();
    target.className = "chart";
    target.setAttribute("role", "img");
    target.setAttribute("aria-label", options.name);
    const positive = (value) => (options.isLogarithmic && value <= 0 ? null : value);
    const series = lines.map(({ label, points }, i) => ({
        label,
        stroke: COLOURS[i % COLOURS.length],
        dash: DASHES[Math.floor(i / COLOURS.length) % DASHES.length],
        width: 2,
        points: { show: Boolean(points) },
        value: (_, value) => number(value),
    }));
    const font = "13px system-ui, sans-serif";
    const axis = (label) => ({
        label,
        font,
        labelFont: font,
        labelSize: 24,
        ticks: { stroke: "#bbb" },
        grid: { stroke: "#e6e6e6" },
    });
    const plain = (_, values) => values.map((value) => number(value, 7));
    const base = options.isDoubling ? 2 : 10;
    const power = (value) => Math.log(value) / Math.log(base);
    const powers = (_, values) =>
        values.map((value) => (Math.abs(power(value) - Math.round(power(value))) < 1e-9 ? value : null));
    const short = (value) => (options.isDoubling ? number(value) : value.toExponential(0));
    const logarithmic = (axis) => ({
        ...axis,
        filter: powers,
        values: (_, values) => values.map((value) => (value ? short(value) : "")),
        grid: { ...axis.grid, filter: powers },
        ticks: { ...axis.ticks, filter: powers },
    });
    const yAxis = { ...axis(options.y), size: 76, values: plain };
    const xAxis = { ...axis(options.x), values: plain };
    if (options.isWhole)
        xAxis.incrs = [1, 2, 5]
            .flatMap((step) => [0, 1, 2, 3, 4, 5, 6].map((power) => step * 10 ** power))
            .sort((a, b) => a - b);
    const plot = new uPlot(
        {
            ...sizeOf(target),
            scales: {
                x: { time: false, distr: options.isDoubling ? 3 : 1, log: base },
                y: { distr: options.isLogarithmic ? 3 : 1, log: base },
            },
            axes: [options.isDoubling ? logarithmic(xAxis) : xAxis, options.isLogarithmic ? logarithmic(yAxis) : yAxis],
            series: [{ label: options.x, value: (_, value) => number(value) }, ...series],
        },
        [x, ...lines.map((line) => line.values.map(positive))],
        target,
    );
    charts.set(target, plot);
    sizes.observe(target);
}

const sizeOf = (target) => ({ width: Math.max(target.clientWidth, 240), height: 320 });
const fit = () => charts.forEach((plot, target) => plot.setSize(sizeOf(target)));
const sizes = new ResizeObserver(fit);
window.addEventListener("beforeprint", () =>
    charts.forEach((plot) => plot.setSize({ width: PRINTED_WIDTH, height: 280 })),
);
window.addEventListener("afterprint", fit);

/**
 * Draws parts of a time, each with seconds, colour and name, one after the other from `start` on an
 * axis of `total` seconds; below them a line over the `range` of the ranks, if it is given.
 */
function stack(parts, start, total, range) {
    const SVG = "http://www.w3.org/2000/svg";
    const percent = (seconds) => `${(100 * Math.max(0, seconds)) / (total || 1)}%`;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true");
    const rectangle = (from, seconds, y, height, colour, name) => {
        const made = document.createElementNS(SVG, "rect");
        const values = { x: percent(from), width: percent(seconds), y: `${y}%`, height: `${height}%`, fill: colour };
        Object.entries(values).forEach(([key, value]) => made.setAttribute(key, value));
        if (name) {
            const title = document.createElementNS(SVG, "title");
            title.textContent = `${name}: ${number(seconds, 3)} s`;
            made.append(title);
        }
        svg.append(made);
    };
    rectangle(0, total, 0, 100, "#f4f4f4");
    let from = start;
    for (const [seconds, colour, name] of parts) {
        rectangle(from, seconds, 12, 62, colour, name);
        from += seconds;
    }
    if (range) rectangle(start + range.min, range.max - range.min, 82, 10, "#222");
    return svg;
}

/** Widens the second column of a table, which holds bars. */
function bars(shown) {
    shown.firstChild.classList.add("bars");
    shown.querySelectorAll("td:nth-child(2)").forEach((cell) => cell.classList.add("bar"));
    return shown;
}

/** Explains colours, each with its name. */
function legend(names, ...more) {
    const swatch = ([name, colour]) => {
        const made = element("span", { className: "swatch" });
        made.style.background = colour;
        return element("span", {}, made, name);
    };
    return element("p", { className: "legend" }, ...names.map(swatch), ...more);
}
