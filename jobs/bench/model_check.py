#!/usr/bin/env python3
"""Checks how well `quad8-mpi model` predicts runs on this machine.

Runs of one mesh on one number of ranks set the model, which then stands beside the medians of runs of other meshes,
sizes and ranks.

The first mesh on the first number of ranks sets the model. Before each run another program fills as much memory: the
host of a virtual machine takes back pages that are not in use and returns them many times slower than the machine
itself, which assembly and setup would then measure. Between the two, STREAM and messages are measured with as many
ranks as the run has. Leave the machine alone meanwhile.
"""
from __future__ import annotations

from pathlib import Path

from common import Bench, check, option_parser, prepared_bench, usable_cores, whole_number, whole_numbers


def built_in_meshes(text: str) -> list[tuple[str, str]]:
    """Parses names and refinements of built-in meshes, as in 'y-channel:3 venturi:3'."""
    return [(name, refine or '0') for name, _, refine in (mesh.partition(':') for mesh in text.split())]


def measure(bench: Bench, ranks: int, mesh: tuple[str, str], name: str, out: Path) -> None:
    """Measures bandwidth, messages and one run, and writes their records."""
    check([bench.program, 'bench', 'stream', '--quiet', '--threads', '1', '--size', '800', '--repeats', '2'])
    bench.solve(ranks, 'bench', 'stream', '--repeats', '5', '--json', out/f'stream-{name}.json')
    if ranks > 1:
        messages = ['bench', 'messages', '--quiet', '--work', '100', '--repeats', '3',
                    '--json', out/f'messages-{name}.json']
        check(bench.mpirun(ranks, [bench.program, *messages]), env=bench.env)
    bench.solve(ranks, mesh[0], '--refine', mesh[1], '-o', bench.work/'out.h5', '--json', out/f'run-{name}.json')


def main() -> None:
    """Measures all runs and prints them beside the model."""
    cores = usable_cores()
    parser = option_parser(__doc__)
    parser.add_argument('--ranks', type=whole_numbers(1), default=[cores, 1], metavar='LIST',
                        help='numbers of MPI ranks (default: the cores of this machine, and 1)')
    parser.add_argument('--meshes', type=built_in_meshes, default='y-channel:3 y-channel:2 venturi:3 s-bend:3',
                        metavar='LIST', help='built-in meshes with their refinements (default "%(default)s")')
    parser.add_argument('--repeats', type=whole_number(1), default=5, metavar='N', help='runs of each (default 5)')
    parser.add_argument('--out', type=Path, metavar='FOLDER', help='keep all records there')
    args = parser.parse_args()
    with prepared_bench() as bench:
        out = args.out or bench.work
        out.mkdir(parents=True, exist_ok=True)
        for i in range(1, args.repeats + 1):
            for mesh in args.meshes:
                for ranks in args.ranks:
                    measure(bench, ranks, mesh, f'{mesh[0]}-{mesh[1]}-{ranks}-{i}', out)
        mesh, refine = args.meshes[0]
        messages = sorted(out.glob('messages-*.json'))
        check([bench.program, 'model', '--ranks', '1', '--cores', str(cores),
               '--record', *sorted(out.glob(f'run-{mesh}-{refine}-{args.ranks[0]}-*.json')),
               '--stream', *sorted(out.glob('stream-*.json')),
               *(['--messages', *messages] if messages else []),
               '--compare', *sorted(out.glob('run-*.json'))])


if __name__ == '__main__':
    main()
