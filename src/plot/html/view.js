// Connects the controls of the page with the picture, the line and the run.
"use strict";

const map = new FieldMap($("map"));
let shownField = fields[0];
let rows = [];

$("title").textContent = page.file;
document.title = `${page.file} – quad8-mpi`;
if (page.unconverged) {
    $("verdict").className = "warning";
    $("verdict").textContent = `Not converged: the relative residual is ${number(run.relative_residual, 3)}.`;
}

for (const field of fields) $("field").append(new Option(field.name, field.key));
if (!fields.some((field) => field.key === "u")) $("contours").querySelector("[value=u]").remove();

/** Shows the chosen field with its colours and contours. */
async function showField() {
    const field = fields.find(({ key }) => key === $("field").value) ?? fields[0];
    if (!field) {
        $("reading").textContent = "The results hold no field that can be shown.";
        return;
    }
    await field.load();
    shownField = field;
    map.show(field);
    map.canvas.setAttribute("aria-label", `Picture of the ${field.name}`);
    await showContours();
    showColours();
    if (rows.length > 0) drawProfile($("profile"), rows, shownField);
}

async function showContours() {
    const choice = $("contours").value;
    let field = choice === "u" ? fields.find(({ key }) => key === "u") : shownField;
    if (choice === "" || !field?.is_smooth) field = undefined;
    await field?.load();
    map.setContours(field);
}

/** Shows the range of the colours. */
function showColours() {
    const field = shownField;
    const [least, most] = field.range;
    const isClass = field.is_class;
    $("least").value = isClass ? "" : field.text(field.value(least));
    $("most").value = isClass ? "" : field.text(field.value(most));
    for (const id of ["least", "most", "whole-range"]) $(id).disabled = isClass;
    $("bar").classList.toggle("classes", isClass);
    if (isClass) {
        const last = Math.round(field.limits[1]);
        const ranks = Array.from({ length: Math.min(last + 1, COLOURS.length) }, (_, rank) => [
            String(rank),
            COLOURS[rank],
        ]);
        $("bar-label").replaceChildren(field.label, legend(ranks, last >= COLOURS.length ? " and so on" : ""));
        return;
    }
    const canvas = $("bar").querySelector("canvas");
    const context = canvas.getContext("2d");
    for (let x = 0; x < canvas.width; x++) {
        context.fillStyle = `rgb(${field.colour(x / (canvas.width - 1)).join(" ")})`;
        context.fillRect(x, 0, 1, 1);
    }
    const tick = (i) => element("span", {}, field.text(field.value(least + ((most - least) * i) / 4)));
    $("ticks").replaceChildren(...[0, 1, 2, 3, 4].map(tick));
    $("bar-label").replaceChildren(field.label);
}

function setRange() {
    if (!shownField) return;
    const values = ["least", "most"].map((id) => shownField.stored(Number($(id).value)));
    if (values.every(Number.isFinite) && values[0] < values[1]) shownField.range = values;
    showField();
}

/** Shows position and values at a position of the picture. */
function read(position, isSpoken = false) {
    const [x, y] = metresOf(position);
    const value = (name, key, text) => {
        const made = element("span", {}, `${name} `, element("b", {}, text));
        made.dataset.key = key;
        return made;
    };
    const parts = [value("x", "x", coordinate(x)), value("y", "y", coordinate(y))];
    const isInside = map.isInside(position);
    for (const field of fields.filter(({ codes }) => isInside && codes)) {
        parts.push(value(field.name, field.key, withUnit(field.text(field.at(...position)), field.unit)));
    }
    if (!isInside) parts.push(element("span", {}, "outside of the domain"));
    $("reading").setAttribute("aria-live", isSpoken ? "polite" : "off");
    $("reading").replaceChildren(...parts);
}

map.onRead = read;
map.onLine = (line) => {
    const ends = line.flatMap((point) => metresOf(point).map(coordinate));
    ["x0", "y0", "x1", "y1"].forEach((name, i) => ($("line").elements[name].value = ends[i]));
    $("line").requestSubmit();
};

$("line").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target.elements;
    const ends = ["x0", "y0", "x1", "y1"].map((name) =>
        form[name].value.trim() === "" ? NaN : Number(form[name].value),
    );
    if (!ends.every(Number.isFinite)) return;
    const points = Math.min(Math.max(Math.round(Number(form.count.value)) || 201, 2), 10000);
    await Promise.all(fields.map((field) => field.load()));
    map.line = [samplesOf(ends.slice(0, 2)), samplesOf(ends.slice(2))];
    map.redraw();
    rows = profile(ends, points, (position) => map.isInside(position));
    drawProfile($("profile"), rows, shownField);
    $("csv").disabled = false;
});

$("csv").addEventListener("click", () => save(`${page.file.replace(/\.[^.]*$/, "")}-line.csv`, csvOf(rows)));
$("field").addEventListener("change", showField);
$("contours").addEventListener("change", showContours);
$("least").addEventListener("change", setRange);
$("most").addEventListener("change", setRange);
$("whole-range").addEventListener("click", () => {
    if (!shownField) return;
    shownField.range = [...shownField.limits];
    showField();
});
$("named").addEventListener("change", (event) => {
    map.showsBoundaries = event.target.checked;
    map.redraw();
});
$("in").addEventListener("click", () => map.zoomBy(1.5));
$("out").addEventListener("click", () => map.zoomBy(1 / 1.5));
$("all").addEventListener("click", () => map.showAll());
$("draw").addEventListener("click", () => {
    map.isDrawing = !map.isDrawing;
    $("draw").setAttribute("aria-pressed", map.isDrawing);
    map.canvas.classList.toggle("drawing", map.isDrawing);
});

showSummary($("summary"));
showBoundaries($("conditions"), map);
showMaterials($("materials"));
showConvergence($("convergence"));
if (runs.length > 0) {
    $("time").hidden = false;
    runs.forEach((record, i) => $("run").append(new Option(record.file, i)));
    $("run").addEventListener("change", () => showTimes(runs[$("run").value]));
    showTimes(first);
}
// The shown field first; the values under the pointer then come from all.
showField().then(() => Promise.all(fields.map((field) => field.load())));
