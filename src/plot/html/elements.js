// Elements and numbers of a page. Texts become text nodes, whatever they contain.
"use strict";

const page = JSON.parse(document.getElementById("data").textContent);

const $ = (id) => document.getElementById(id);

/** Creates an element with properties and children, which are elements or texts. */
function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
}

/** Formats a number with so many significant digits; a dash where it is none. */
function number(value, digits = 5) {
    if (typeof value !== "number" || !Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    if (value !== 0 && (size >= 1e7 || size < 1e-4)) return value.toExponential(digits - 1).replace(/\.?0+e/, "e");
    return String(Number(value.toPrecision(digits)));
}

/** Formats a whole number with a space between thousands. */
const count = (value) => (Number.isFinite(value) ? String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f") : "–");

/** Formats bytes. */
const mebibytes = (value) => (Number.isFinite(value) ? `${count(Math.round(value / 2 ** 20))} MiB` : "–");

/** Puts a number before a noun. */
const plural = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

/** Describes ranks, threads and hosts. */
const layout = ({ ranks, threads_per_rank: threads, hosts }) =>
    `${plural(ranks, "rank")} of ${plural(threads, "thread")} on ${plural(hosts, "host")}`;

/** Puts a unit as it stands in a file after a number. */
const withUnit = (text, unit) => (unit ? `${text} ${raised(unit)}` : text);

/** Raises the powers in a unit. */
const raised = (unit) => unit.replaceAll("^2", "²").replaceAll("^3", "³");

/** Creates a table: cells are texts or elements, those of columns from `words` on numbers. */
function table(heading, rows, words = 1, caption = "") {
    const align = (at) => (at < words ? "" : "right");
    const head = element(
        "tr",
        {},
        ...heading.map((text, at) => element("th", { scope: "col", className: align(at) }, text)),
    );
    const cells = (row) =>
        row.map((text, at) =>
            at === 0 ? element("th", { scope: "row" }, text) : element("td", { className: align(at) }, text),
        );
    const body = element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row))));
    const made = element("table", {}, element("thead", {}, head), body);
    if (caption) made.prepend(element("caption", {}, caption));
    return element("div", { className: "scroll" }, made);
}

/** Creates a table of two columns without a heading; rows without a value are left out. */
function facts(rows) {
    const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== "–");
    const row = ([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value));
    return element("div", { className: "scroll" }, element("table", {}, element("tbody", {}, ...shown.map(row))));
}

/** Offers a text as a file. */
function save(name, text) {
    const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
