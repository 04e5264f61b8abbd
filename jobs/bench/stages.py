#!/usr/bin/env python3
"""Times every stage of a run on one core, on ranks and on threads, from a file and refined, and prints medians.

The runs take turns, so that all meet the same machine. Columns: seconds on one rank of one thread, on N ranks of one
thread and on one rank of N threads; how many times as fast the ranks are as one; threads divided by ranks. A second
table divides the seconds an unknown of larger meshes by those of the first one, on N ranks. Leave the machine alone
meanwhile.

A virtual machine returns free memory to its host after some seconds. A run on a million unknowns after another one finds
memory that it can use at once, where sixteen million wait for the host. With --growth all runs wait long enough before
they start that they find the same.
"""
from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median
from typing import Any

from common import Bench, check, option_parser, prepared_bench, read_json, run, say, usable_cores, whole_number
from peers.report import markdown, unknowns

Layout = tuple[int, int]


def write_refined(bench: Bench, refine: int, path: Path) -> None:
    """Writes the refined Y-channel to a file: that of a run that is stopped after an iteration, exit code 1."""
    run(bench.mpirun(1, [bench.program, '--refine', str(refine), '--preconditioner', 'jacobi', '--max-iterations', '1',
                         '--quiet', '-o', path]), env=bench.env, stderr=(bench.work/'stderr').open('w'))


class Stages:
    """Runs of the program, and the seconds of their stages."""

    def __init__(self, bench: Bench, refine: int) -> None:
        self.bench, self.refine = bench, refine
        self.runs: dict[tuple[str, Layout], list[dict[str, float]]] = {}

    def time(self, case: str, layout: Layout, *options: str | Path) -> None:
        """Runs a case on so many ranks and threads."""
        (ranks, threads), record = layout, self.bench.work/'run.json'
        command = [self.bench.program, *options, '--threads', str(threads), '--quiet', '-o', self.bench.work/'out.h5',
                   '--json', record]
        start = time.perf_counter()
        # One rank would be bound to one core.
        check([*self.bench.mpirun(ranks, []), '--bind-to', 'none', *command], env=self.bench.env)
        clock, solved = time.perf_counter() - start, read_json(record)
        stages = {name: stage['max'] for name, stage in solved['timing_metrics'].items()}
        count = unknowns(solved)
        self.runs.setdefault((case, layout), []).append(
            {**stages, 'command': clock, 'iterations': solved['iterations'], 'unknowns': count,
             'bytes an unknown': solved['memory']['peak_bytes_sum']/count})

    def medians(self, case: str, layout: Layout) -> dict[str, float]:
        """Returns the medians of a case."""
        runs = self.runs[case, layout]
        return {name: median(one[name] for one in runs) for name in runs[0]}


def layout_table(stages: Stages, case: str, cores: int) -> list[str]:
    """Formats the stages of a case on one core, on ranks and on threads."""
    one, ranks, threads = (stages.medians(case, layout) for layout in ((1, 1), (cores, 1), (1, cores)))
    rows = [(f'{case}, {one["unknowns"]:,.0f} unknowns', '1 rank', f'{cores} ranks', f'1 rank, {cores} threads',
             'faster on ranks', 'threads / ranks')]
    for name in one:
        if name in ('iterations', 'unknowns', 'bytes an unknown'):
            continue
        rows.append((name, *(f'{t[name]:.3f}' for t in (one, ranks, threads)),
                     f'{one[name]/max(ranks[name], 1e-9):.2f}', f'{threads[name]/max(ranks[name], 1e-9):.2f}'))
    for name in ('iterations', 'bytes an unknown'):
        rows.append((name, *(f'{t[name]:.0f}' for t in (one, ranks, threads)), '', ''))
    return markdown(rows)


def growth_table(stages: Stages, first: str, larger: list[str], cores: int) -> list[str]:
    """Formats the seconds an unknown of larger meshes divided by those of the first one."""
    base = stages.medians(first, (cores, 1))
    others = [stages.medians(case, (cores, 1)) for case in larger]
    rows = [(f'an unknown, on {cores} ranks', f'{first}, ns', *(f'{case}, times' for case in larger))]
    for name in base:
        if name in ('iterations', 'unknowns', 'bytes an unknown'):
            continue
        share = base[name]/base['unknowns']
        rows.append((name, f'{1e9*share:.0f}', *(f'{t[name]/t["unknowns"]/max(share, 1e-15):.2f}' for t in others)))
    rows.append(('unknowns', *(f'{t["unknowns"]:,.0f}' for t in (base, *others))))
    rows.append(('iterations', *(f'{t["iterations"]:.0f}' for t in (base, *others))))
    rows.append(('bytes at the peak', *(f'{t["bytes an unknown"]:.0f}' for t in (base, *others))))
    return markdown(rows)


def main() -> None:
    """Runs everything in turn and prints the tables."""
    parser = option_parser(__doc__)
    parser.add_argument('--cores', type=whole_number(2), default=max(2, usable_cores()), metavar='N',
                        help='number of ranks and of threads (default: the usable cores)')
    parser.add_argument('--refine', type=whole_number(0), default=3, metavar='K',
                        help='refinements of the built-in Y-channel (default 3: a million unknowns)')
    parser.add_argument('--larger', type=whole_number(0), default=1, metavar='N',
                        help='also up to N refinements more (default 1), four times the unknowns each')
    parser.add_argument('--repeats', type=whole_number(1), default=5, metavar='N', help='runs of each kind (default 5)')
    parser.add_argument('--growth', type=whole_number(0), metavar='SECONDS',
                        help='print the second table only, and wait so long before each run; 20 were enough for docs/performance.md')
    parser.add_argument('--output', type=Path, metavar='FILE', help='also write every number as JSON')
    args = parser.parse_args()
    cores, is_growth = args.cores, args.growth is not None
    layouts = [(cores, 1)] if is_growth else [(1, 1), (cores, 1), (1, cores)]
    with prepared_bench() as bench:
        stages = Stages(bench, args.refine)
        cases: dict[str, tuple[str | Path, ...]] = {}
        if not is_growth:
            mesh = bench.work/'mesh.h5'
            write_refined(bench, args.refine, mesh)
            cases['from a file'] = (mesh,)
        cases |= {f'--refine {level}': ('--refine', str(level)) for level in range(args.refine, args.refine + args.larger + 1)}
        nested = [case for case in cases if case.startswith('--refine')]
        for i in range(args.repeats):
            say(f'Round {i + 1} of {args.repeats}')
            for case, options in cases.items():
                for layout in layouts:
                    time.sleep(args.growth or 0)
                    stages.time(case, layout, *options)
        for case in () if is_growth else cases:
            print(*layout_table(stages, case, cores), '', sep='\n')
        if nested[1:]:
            print(*growth_table(stages, nested[0], nested[1:], cores), sep='\n')
    if args.output:
        found: list[dict[str, Any]] = [{'case': case, 'ranks': layout[0], 'threads': layout[1], 'runs': runs}
                                       for (case, layout), runs in stages.runs.items()]
        args.output.write_text(json.dumps(found, indent=2) + '\n')


if __name__ == '__main__':
    main()
