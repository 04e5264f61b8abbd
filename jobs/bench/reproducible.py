#!/usr/bin/env python3
"""Measures what --reproducible costs: the same solve with it and without, in turn, and the ratios of the medians.

Leave the machine alone meanwhile.
"""
from __future__ import annotations

from statistics import median
from typing import Any

from common import Bench, option_parser, prepared_bench, read_json, whole_number

KINDS = {'plain': [], 'reproducible': ['--reproducible']}
SOLVE = ('assemble_system', 'apply_bc', 'setup_preconditioner', 'solve_system')
VALUES = {
    'assembly, setup, solve (s)': lambda run: sum(run['timing_metrics'][stage]['max'] for stage in SOLVE),
    'whole run (s)': lambda run: run['timing_metrics']['total_workflow']['max'],
    'memory (MiB)': lambda run: run['memory']['peak_bytes_sum']/2**20,
}


def measure(bench: Bench, ranks: int, refine: int, repeats: int) -> dict[str, list[dict[str, Any]]]:
    """Returns the records of all runs by kind."""
    runs: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    record = bench.work/'run.json'
    for _ in range(repeats):
        for kind, options in KINDS.items():
            bench.solve(ranks, '--refine', str(refine), *options, '-o', bench.work/'out.h5', '--json', record)
            runs[kind].append(read_json(record))
    return runs


def main() -> None:
    """Measures and prints the table."""
    parser = option_parser(__doc__)
    parser.add_argument('--ranks', type=whole_number(1), default=2, metavar='N', help='MPI ranks (default 2)')
    parser.add_argument('--refine', type=whole_number(0), default=3, metavar='K',
                        help='refinements of the Y-channel (default 3)')
    parser.add_argument('--repeats', type=whole_number(1), default=5, metavar='N', help='runs of each kind (default 5)')
    args = parser.parse_args()
    with prepared_bench() as bench:
        runs = measure(bench, args.ranks, args.refine, args.repeats)
    first = runs['plain'][0]
    unknowns, ranks = first['mesh_info']['used_nodes'], first['parallel']['ranks']
    print(f'{unknowns:,} unknowns, {ranks} ranks, medians of {args.repeats}')
    for name, value in VALUES.items():
        plain, reproducible = (median(map(value, runs[kind])) for kind in KINDS)
        print(f'{name:28} plain {plain:8.3f}   reproducible {reproducible:8.3f}   ratio {reproducible/plain:.2f}')


if __name__ == '__main__':
    main()
