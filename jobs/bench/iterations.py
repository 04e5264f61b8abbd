#!/usr/bin/env python3
"""Counts iterations of multigrid-CG to 1e-8 on the built-in meshes, and on others, refined again and again.

Prints a line for each mesh and number of ranks: unknowns and iterations by level; - where the mesh cannot be refined
so far, because an element of it is folded.
"""
from __future__ import annotations

import sys
from pathlib import Path

from common import Bench, option_parser, prepared_bench, read_json, run, whole_numbers

BUILT_IN = ('y-channel', 'venturi', 'backward-step', 'elbow', 's-bend', 't-junction')


def count(bench: Bench, mesh: str, level: int, ranks: int) -> str:
    """Returns unknowns and iterations of a solve, or - where an element is folded."""
    record, messages = bench.work/'run.json', bench.work/'stderr'
    command = bench.mpirun(ranks, [bench.program, mesh, '--refine', str(level), '--threads', '1', '--quiet',
                                   '-o', bench.work/'out.h5', '--json', record])
    with messages.open('w') as stderr:
        code = run(command, limit=600, env=bench.env, stderr=stderr)
    if code == 0:
        solved = read_json(record)
        return f'{solved["mesh_info"]["used_nodes"]}: {solved["iterations"]}'
    text = messages.read_text(errors='replace')
    if 'is folded' in text:
        return '-'
    sys.exit(text or f'quad8-mpi ended with exit code {code}')


def main() -> None:
    """Solves on every mesh and prints the counts."""
    parser = option_parser(__doc__)
    parser.add_argument('--ranks', type=whole_numbers(1), default=[1, 16], metavar='LIST',
                        help='numbers of MPI ranks (default "1 16")')
    parser.add_argument('--levels', type=whole_numbers(0), default=[0, 1, 2, 3], metavar='LIST',
                        help='numbers of refinements (default "0 1 2 3")')
    parser.add_argument('meshes', nargs='*', type=Path, metavar='MESH', help='further meshes: files')
    args = parser.parse_args()
    with prepared_bench() as bench:
        for mesh in (*BUILT_IN, *map(Path.resolve, args.meshes)):
            for ranks in args.ranks:
                counts = ''.join(f'  {count(bench, str(mesh), level, ranks)}' for level in args.levels)
                print(f'{Path(mesh).name}, {ranks} ranks:{counts}', flush=True)


if __name__ == '__main__':
    main()
