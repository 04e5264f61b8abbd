// Where the time of a run went: stages, levels of multigrid, and single ranks.
"use strict";

// Parts of a time, with their colours.
const PARTS = [
    ["computing", "#0072b2"],
    ["halo exchange", "#e69f00"],
    ["reductions", "#009e73"],
    ["other communication", "#cc79a7"],
];
const KINDS = ["halo", "reductions", "others"];

// Opacity of communication beside computing, as hexadecimal digits.
const PALE = "59";

/** Adds the numbers of two objects or arrays with the same keys. */
function add(a, b) {
    if (typeof a === "number") return a + b;
    if (Array.isArray(a)) return a.map((value, i) => add(value, b[i]));
    return Object.fromEntries(Object.entries(a).map(([key, value]) => [key, add(value, b[key])]));
}

/** Returns the times of a stage, the sum of those of its keys; nothing where the record has none. */
function timesOf({ keys }, stages) {
    const [first, ...others] = keys.map((key) => stages[key]).filter(Boolean);
    return others.reduce(add, first);
}

/** Returns the rows of the stages and levels of a record: name, times, start and details. */
function timeRows(record) {
    const rows = [];
    let start = 0;
    for (const stage of page.stages) {
        const split = timesOf(stage, record.breakdown.stages);
        if (!split) continue;
        rows.push({ name: stage.name, split, start });
        if (stage.keys.includes("solve_system")) rows.push(...levelRows(record, start));
        start += split.seconds.max;
    }
    return rows;
}

function levelRows(record, start) {
    let from = start;
    return record.breakdown.levels.map((split, i) => {
        const size = record.convergence?.levels?.[i]?.unknowns;
        const name = `\u00a0\u00a0\u00a0level\u00a0${i}${size === undefined ? "" : `\u00a0(${count(size)})`}`;
        const row = { name, split, start: from };
        from += split.seconds.max;
        return row;
    });
}

/** Shows the times of a record: stages one after the other, and levels of multigrid within the iterations. */
function showTimes(record) {
    const rows = timeRows(record);
    const total = Math.max(
        ...rows.map(({ start, split }) => start + split.seconds.max),
        record.breakdown.stages.total_workflow?.seconds.max ?? 0,
    );
    const cells = ({ name, split, start }) => {
        const seconds = [split.compute.mean, ...KINDS.map((kind) => split[kind].seconds.mean)];
        const drawn = stack(
            seconds.map((part, i) => [part, PARTS[i][1], PARTS[i][0]]),
            start,
            total,
            split.seconds,
        );
        const communication = seconds.slice(1).reduce((sum, part) => sum + part, 0);
        const bytes = KINDS.reduce((sum, kind) => sum + split[kind].bytes.mean, 0) * record.parallel.ranks;
        const share = split.seconds.mean > 0 ? (100 * communication) / split.seconds.mean : 0;
        return [
            name,
            drawn,
            number(split.seconds.max, 3),
            number(split.seconds.mean, 3),
            number((100 * split.seconds.max) / total, 3),
            number(share, 3),
            number(bytes / 2 ** 20, 3),
        ];
    };
    const heading = [
        record.breakdown.levels.length > 0 ? "stage, level (unknowns)" : "stage",
        `from 0 to ${number(total, 4)} s`,
        "slowest rank (s)",
        "mean (s)",
        "of all (%)",
        "communication (%)",
        "MiB sent",
    ];
    const shown = bars(table(heading, rows.map(cells), 2));
    const colours = legend(
        [...PARTS, ["from the fastest to the slowest rank", "#222"]],
        " (parts: means over the ranks)",
    );
    const { memory, parallel, start_up: startUp } = record;
    const more = facts([
        ["layout", layout(parallel)],
        ["start of MPI", startUp ? `${number(startUp.max, 3)} s` : null],
        [
            "an iteration",
            record.breakdown.iterations?.mean
                ? `${number(record.breakdown.iterations.mean.seconds.max, 3)} s` +
                  (record.breakdown.iterations.bandwidth > 0
                      ? `, ${number(record.breakdown.iterations.bandwidth, 3)} GB/s`
                      : "")
                : null,
        ],
        ["load imbalance", number(parallel.load_imbalance, 4)],
        ["peak memory", `${mebibytes(memory?.peak_bytes_sum)}, at most ${mebibytes(memory?.peak_bytes_max)} a rank`],
    ]);
    $("stages").replaceChildren(colours, shown, ...rankTimes(record), more);
    const warnings = (record.warnings ?? []).map((text) =>
        element("span", { className: "warning" }, `Warning: ${text}. `),
    );
    $("limited").replaceChildren(
        ...warnings,
        ...(record.limited_by ? [element("strong", {}, "Limited by: "), record.limited_by, "."] : []),
    );
}

/** Adds the seconds of computing to the times of a stage on single ranks. */
const withComputing = (times) => ({
    ...times,
    computing: times.seconds.map((seconds, i) => Math.max(0, seconds - times.communication[i])),
});

/** Returns a chart of single ranks, its legend, and a table of the seconds; nothing without times of several ranks. */
function rankTimes({ breakdown, parallel }) {
    const { ranks, stages } = breakdown.by_rank ?? {};
    if (!(ranks?.length > 1 && stages.total_workflow)) return [];
    const names = ranks.map((rank) => `rank\u00a0${count(rank)}`);
    const shown = page.stages
        .map((stage, i) => ({ name: stage.name, colour: COLOURS[i], times: timesOf(stage, stages) }))
        .filter(({ times }) => times)
        .map(({ times, ...stage }) => ({ ...stage, ...withComputing(times) }));
    const caption =
        ranks.length < parallel.ranks ? `${ranks.length} of ${plural(parallel.ranks, "rank")}` : "Each rank";
    const colours = legend(
        shown.map(({ name, colour }) => [name, colour]),
        "Pale: communication and waiting. Slowest: longest in computing.",
    );
    return [rankChart(names, shown, withComputing(stages.total_workflow), caption), colours, rankTable(names, shown)];
}

/** Draws a row a rank: the stages one after the other. The rank that computes longest is marked. */
function rankChart(names, stages, all, caption) {
    const longest = Math.max(...all.seconds);
    const slowest = all.computing.indexOf(Math.max(...all.computing));
    const parts = (i) =>
        stages.flatMap(({ name, colour, computing, communication }) => [
            [computing[i], colour, `${name}, computing`],
            [communication[i], colour + PALE, `${name}, communication`],
        ]);
    const row = (name, i) => [
        i === slowest ? `${name},\u00a0slowest` : name,
        stack(parts(i), 0, longest),
        number(all.computing[i], 3),
        number(all.communication[i], 3),
    ];
    const heading = ["rank", `from 0 to ${number(longest, 4)} s`, "computing (s)", "communication (s)"];
    const shown = bars(table(heading, names.map(row), 2, caption));
    shown.id = "ranks";
    shown.querySelectorAll("tbody tr")[slowest]?.classList.add("chosen");
    return shown;
}

/** Returns a table of the seconds of each stage on each rank, to open. */
function rankTable(names, stages) {
    const cell = ({ computing, communication }, i) => `${number(computing[i], 3)} + ${number(communication[i], 3)}`;
    const rows = names.map((name, i) => [name, ...stages.map((stage) => cell(stage, i))]);
    const heading = ["rank", ...stages.map(({ name }) => name)];
    const summary = element("summary", {}, "Computing + communication of each stage on each rank (s)");
    return element("details", {}, summary, table(heading, rows));
}
