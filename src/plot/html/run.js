// What a run did: tables and convergence.
"use strict";

const { run, flow, runs } = page;
const first = runs[0] ?? {};

/** Describes a condition, as it stands in a run record or in a case. */
function conditionText(condition) {
    if (condition === undefined || condition === null) return "–";
    if (typeof condition === "string") return condition;
    const [[kind, data]] = Object.entries(condition);
    const value = (given) =>
        typeof given === "number" ? number(given, 7) : typeof given === "string" ? given : JSON.stringify(given);
    const isTable = typeof data === "object" && data !== null && !Array.isArray(data);
    return isTable
        ? `${kind}: ${Object.entries(data)
              .map(([key, given]) => `${key} = ${value(given)}`)
              .join(", ")}`
        : `${kind}: ${value(data)}`;
}

/** Returns name, condition and flows of each boundary. */
function boundaryRows() {
    const names = new Set([...page.boundaries.map(({ name }) => name), ...(flow.boundary ?? [])]);
    return [...names].map((name) => {
        const recorded = first.conditions?.find(({ boundary }) => boundary === name);
        const at = (flow.boundary ?? []).indexOf(name);
        const isDefault = recorded?.source === "default" ? " (default)" : "";
        const potential = Number.isFinite(recorded?.potential) ? `, at u = ${number(recorded.potential, 6)}` : "";
        return {
            name,
            condition: conditionText(recorded?.condition ?? page.case?.boundary?.[name]) + potential + isDefault,
            flow: flow.flow?.[at],
            sampled: flow.sampled?.[at],
        };
    });
}

/** Shows the boundaries; a row that is chosen is shown in the picture, too. */
function showBoundaries(target, map) {
    const rows = boundaryRows();
    const unit = flow.units ? ` (${raised(flow.units)})` : "";
    for (const boundary of map.boundaries) {
        const row = rows.find(({ name }) => name === boundary.name);
        const amount = Number.isFinite(row.flow)
            ? `, ${flow.long_name ?? "flow"} ${withUnit(number(row.flow), flow.units)}`
            : "";
        boundary.text = row.condition + amount;
    }
    const choose = (name) => {
        map.chosen = name;
        map.redraw();
        shown.querySelectorAll("tbody tr").forEach((line, i) => line.classList.toggle("chosen", rows[i].name === name));
    };
    const button = (name) => {
        const made = element("button", { type: "button" }, name);
        made.addEventListener("focus", () => choose(name));
        made.addEventListener("click", () => choose(name));
        made.addEventListener("pointerenter", () => choose(name));
        return made;
    };
    const cells = ({ name, condition, flow: amount, sampled }) => [
        button(name),
        condition,
        number(amount),
        number(sampled),
    ];
    const shown = table(
        ["boundary", "condition", `${flow.long_name ?? "flow"}${unit}`, "sampled at the edges"],
        rows.map(cells),
        2,
    );
    const balance = [
        ["source", number(flow.source)],
        ["imbalance over the inflow", number(flow.relative_imbalance, 3)],
    ];
    if (rows.length === 0) target.append(element("p", {}, "No boundary has a name."));
    else target.append(shown, facts(balance));
}

function showSummary(target) {
    const stats = first.solution_stats ?? {};
    const names = first.names ?? {};
    const range = (values, label) =>
        values ? `${withUnit(`${number(values[0])} to ${number(values[1])}`, label?.unit)}` : null;
    const refined = run.refine > 0 ? `, refined ${plural(run.refine, "time")}` : "";
    const sizes = `${plural(page.elements, "element")}, ${plural(page.nodes, "node")}`;
    target.append(
        facts([
            ["mesh", run.mesh ? `${run.mesh}${refined}: ${sizes}` : sizes],
            [
                "part shown",
                page.window && page.window.map((corner) => corner.map((x) => number(x, 7)).join(", ")).join(" to "),
            ],
            ["physics", [run.physics, run.geometry].filter(Boolean).join(", ")],
            ["solver", run.operator && `${run.preconditioner_used ?? run.preconditioner}, operator ${run.operator}`],
            ["iterations", run.rtol && `${count(run.iterations)}, ${run.converged ? "converged" : "not converged"}`],
            ["relative residual", run.rtol && `${number(run.relative_residual, 3)} (wanted ${number(run.rtol, 3)})`],
            [
                "estimated error",
                Number.isFinite(run.error_estimate_percent)
                    ? `${number(run.error_estimate_percent, 3)} % of the energy norm`
                    : null,
            ],
            [names.u?.name ?? "u", range(stats.u_range, names.u)],
            [names.magnitude?.name ?? "speed", range(stats.speed_node_range, names.magnitude)],
            [
                "density and pressure p0",
                run.physics === "flow" ? `${number(run.density)} kg/m³, ${number(run.p0, 9)} Pa` : null,
            ],
            ["ran on", run.ranks && `${layout(run)} (${run.host})`],
            ["program", run.program],
            ["libraries", run.mpi && `${run.mpi}; HDF5 ${run.hdf5}; METIS ${run.metis}`],
        ]),
    );
}

function showMaterials(target) {
    const { material, region = {}, source = [] } = page.case ?? {};
    const value = (given) =>
        given === undefined
            ? "–"
            : typeof given === "number"
              ? number(given, 7)
              : typeof given === "string"
                ? given
                : JSON.stringify(given);
    const rows = [["everywhere else", material], ...Object.entries(region)].filter(([, given]) => given);
    if (rows.length === 1) rows[0][0] = "everywhere";
    if (rows.length === 0) target.append(element("p", {}, "The results hold no case."));
    else
        target.append(
            table(
                ["region", "k", "f"],
                rows.map(([name, given]) => [name, value(given.k), value(given.f)]),
            ),
        );
    if (source.length > 0)
        target.append(
            table(
                ["well at (m)", "strength"],
                source.map(({ at, strength }) => [at.map((x) => number(x)).join(", "), number(strength)]),
            ),
        );
}

/** Shows the relative residuals of the results, or of all run records. */
function showConvergence(target) {
    const histories =
        runs.length > 0
            ? runs.map((record) => [record.file, record.relative_residuals])
            : [[page.file, page.relative_residuals]];
    const shown = histories.filter(([, history]) => history.length > 1);
    if (shown.length === 0) {
        target.append(element("p", {}, "There are no residuals."));
        return;
    }
    const iterations = [...new Set(shown.flatMap(([, history]) => history.map(([iteration]) => iteration)))].sort(
        (a, b) => a - b,
    );
    const lines = shown.map(([label, history]) => {
        const at = new Map(history);
        return { label, values: iterations.map((iteration) => at.get(iteration)), points: history.length < 60 };
    });
    chart(target, iterations, lines, {
        x: "iteration",
        y: "relative residual",
        name: "Convergence",
        isLogarithmic: true,
        isWhole: true,
    });
}
