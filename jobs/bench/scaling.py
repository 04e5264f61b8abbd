#!/usr/bin/env python3
"""Runs a scaling study: the runs in turn, their records, the memory bandwidth beside them, and the report.

    scaling.py strong  [--ranks 1,2,4,8] [--threads T]   one problem on ever more ranks
    scaling.py weak    [--ranks 1,2,4,8] [--threads T]   as much for each rank, however many they are
    scaling.py threads [--cores N]                       one problem by ranks, by threads and by mixtures of both

QUAD8_MPI_LAUNCH starts the ranks (as in "srun --mpi=pmix"; default: mpirun of this machine, bound to cores where there
are enough), QUAD8_MPI is the program (default: target/release, which is built where it is missing).
"""
from __future__ import annotations

import argparse
import array
import math
import os
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from common import (JOBS, build, check, fail, mpi_environment, option_parser, output_of, program_path, say,
                    usable_cores, whole_number)

UNKNOWNS = {'strong': 10_000_000, 'threads': 4_000_000, 'weak': 500_000}


def rank_list(text: str) -> list[int]:
    """Parses the value of --ranks."""
    if not re.fullmatch(r'[1-9]\d*(,[1-9]\d*)*', text, re.ASCII):
        raise argparse.ArgumentTypeError(f"takes numbers as in 1,2,4, not '{text}'")
    return sorted(set(map(int, text.split(','))))


def physical_cores() -> int:
    """Returns the number of cores that may be used: one rank a core, not one a hardware thread."""
    try:
        listed = subprocess.run(['lscpu', '-p=CORE,SOCKET'], check=True, stdout=subprocess.PIPE, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return usable_cores()
    cores = {line for line in listed.splitlines() if not line.startswith('#')}
    return min(len(cores), usable_cores()) or usable_cores()


def parse_arguments() -> argparse.Namespace:
    """Parses the command line."""
    number = whole_number(1)
    parser = option_parser(__doc__)
    parser.add_argument('mode', choices=UNKNOWNS, metavar='strong|weak|threads')
    parser.add_argument('--ranks', type=rank_list, metavar='LIST',
                        help='MPI ranks of the runs (default 1, 2, 4, ... up to the cores of this machine)')
    parser.add_argument('--threads', type=number, default=1, metavar='T', help='threads of each rank (default 1)')
    parser.add_argument('--cores', type=number, metavar='N',
                        help='up to so many cores (default: those of this machine)')
    parser.add_argument('--repeats', type=number, default=3, metavar='N',
                        help='runs of each, in turn; tables show medians (default 3)')
    parser.add_argument('--unknowns', type=number, metavar='N',
                        help='size to approximate by a mesh and its refinements: of the problem (strong: '
                             'default 10,000,000, threads: 4,000,000), or for each rank (weak: default 500,000)')
    parser.add_argument('--mesh', default='', help='this mesh: a file (not for weak), or the name of a built-in one')
    parser.add_argument('--refine', type=whole_number(0), metavar='K',
                        help='number of refinements (not for weak; default 0 with a file, else that nearest to '
                             '--unknowns)')
    parser.add_argument('--stream', type=number, metavar='MIB',
                        help='size of the arrays of the bandwidth measurement (default: beyond the caches)')
    parser.add_argument('--out', type=Path, metavar='DIR',
                        help='folder for records, tables and pictures (default scaling-MODE)')
    parser.add_argument('--submit', action='store_true',
                        help='submit the study to Slurm (jobs/strong.sbatch, jobs/weak.sbatch)')
    args = parser.parse_args()
    if args.mode == 'weak' and (args.refine is not None or Path(args.mesh).is_file()):
        parser.error('weak takes no mesh file, and chooses the refinement itself')
    if args.mode == 'threads' and (args.ranks or args.threads != 1):
        parser.error('threads takes --cores alone: it tries ranks and threads')
    return args


def doublings(last: int) -> list[int]:
    """Returns 1, 2, 4, ... and the last one."""
    return [1 << i for i in range((last - 1).bit_length())] + [last]


def splits(args: argparse.Namespace, cores: int) -> list[tuple[int, int]]:
    """Returns ranks and threads of each run."""
    cores = args.cores or cores
    if args.mode == 'threads':
        return [(total//threads, threads) for total in doublings(cores) for threads in doublings(total)
                if total % threads == 0]
    return [(ranks, args.threads) for ranks in args.ranks or doublings(max(cores//args.threads, 1))]


def submit(args: argparse.Namespace, ranks: int) -> None:
    """Replaces this script by sbatch, whose job runs this script inside its allocation."""
    job = JOBS/f'{args.mode}.sbatch'
    if not job.is_file():
        fail(f'--submit: there is no {job}')
    given = {name: value for name, value in vars(args).items() if name not in ('mode', 'submit') and value}
    if args.ranks:
        given['ranks'] = ','.join(map(str, args.ranks))
    if args.refine is not None:
        given['refine'] = args.refine
    options = [part for name, value in given.items() for part in (f'--{name}', str(value))]
    command = ['sbatch', f'--ntasks={ranks}', f'--cpus-per-task={args.threads}', str(job), *options]
    try:
        os.execvp('sbatch', command)
    except FileNotFoundError:
        fail('--submit needs Slurm: no sbatch here')


class Launcher:
    """The program and the command that starts its ranks."""

    def __init__(self, cores: int) -> None:
        self.program = os.environ.get('QUAD8_MPI') or str(program_path())
        if not os.environ.get('QUAD8_MPI') and not os.access(self.program, os.X_OK):
            build()
        self.cores = cores
        self.command = os.environ.get('QUAD8_MPI_LAUNCH', '').split()
        self.env = dict(os.environ) if self.command else mpi_environment()
        self.is_open_mpi = not self.command and 'Open MPI' in output_of(['mpirun', '--version'])

    def __call__(self, ranks: int, threads: int, *arguments: str | Path) -> list[str | Path]:
        """Returns the command line of a run; ranks are bound to cores where there are enough."""
        command = self.command or ['mpirun']
        if self.is_open_mpi and ranks*threads > self.cores:
            command = ['mpirun', '--bind-to', 'none']
        elif self.is_open_mpi:
            command = ['mpirun', '--map-by', f'slot:PE={threads}', '--bind-to', 'core:if-supported']
        return [*command, '-n', str(ranks), self.program, *arguments]


def built_in_meshes(launcher: Launcher) -> list[tuple[str, int, int]]:
    """Returns name, elements and boundary edges of each built-in mesh."""
    lines = map(str.split, output_of(launcher(1, 1, 'meshes'), launcher.env).splitlines())
    sizes = [(line[0], int(line[1]), int(line[2])) for line in lines if all(map(str.isdigit, line[1:3])) and line[2:]]
    # A mesh without holes has 3 E + B + 1 nodes for E elements and B edges on its boundary.
    return [(name, elements, nodes - 3*elements - 1) for name, elements, nodes in sizes]


def nearest(meshes: list[tuple[str, int, int]], wanted: int, ranks: int | None = None) -> tuple[str, int]:
    """Returns and prints mesh and refinements of what comes nearest to so many unknowns."""
    # A refinement makes four elements of one and two edges of one.
    sizes = [(name, k, 3*elements*4**k + edges*2**k + 1) for name, elements, edges in meshes for k in range(13)]
    name, levels, nodes = min(sizes, key=lambda size: abs(math.log(size[2]/wanted)))
    prefix = f'{ranks} ranks, {nodes//ranks} unknowns on each: ' if ranks else ''
    say(f'{prefix}{name}, --refine {levels}: {nodes} unknowns, {100*nodes//wanted} % of what was asked for')
    return name, levels


def npy(shape: tuple[int, ...], numbers: array.array[Any]) -> bytes:
    """Formats numbers as NumPy's .npy, version 1.0, in rows of `shape`."""
    kind = {'d': 'f8', 'q': 'i8'}[numbers.typecode]
    header = repr({'descr': ('<' if sys.byteorder == 'little' else '>') + kind, 'fortran_order': False, 'shape': shape})
    header += ' '*(-(len(header) + 11) % 64) + '\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() + numbers.tobytes()


def write_rectangle(path: Path, columns: int, rows: int) -> None:
    """Writes the mesh (.npz) of a rectangle of unit squares, its nodes row by row."""
    x, y, quad8 = array.array('d'), array.array('d'), array.array('q')
    number: dict[tuple[int, int], int] = {}
    for j in range(2*rows + 1):
        for i in range(0, 2*columns + 1, 1 + j % 2):
            number[i, j] = len(x)
            x.append(i/2)
            y.append(j/2)
    nodes = ((0, 0), (2, 0), (2, 2), (0, 2), (1, 0), (2, 1), (1, 2), (0, 1))
    for j in range(0, 2*rows, 2):
        for i in range(0, 2*columns, 2):
            quad8.extend(number[i + a, j + b] for a, b in nodes)
    shapes = {'x': (len(x),), 'y': (len(y),), 'quad8': (rows*columns, 8)}
    with zipfile.ZipFile(path, 'w') as archive:
        for (name, shape), numbers in zip(shapes.items(), (x, y, quad8)):
            archive.writestr(f'{name}.npy', npy(shape, numbers))


def rectangle(out: Path, wanted: int, ranks: int) -> tuple[str, int]:
    """Writes a rectangle whose refinement has so many unknowns to within a percent, and returns it with the levels."""
    side = math.sqrt(wanted/3)
    # Enough elements for a percent, and for parts of 64 of them.
    levels = max(0, int(math.log2(side/max(64, 8*math.sqrt(ranks)))))
    parts = 2**levels
    columns = max(1, round(side/parts))
    rows = max(1, round((wanted - 1 - 2*parts*columns)/(3*parts*columns + 2)/parts))
    path = out/f'rectangle-{columns}x{rows}.npz'
    write_rectangle(path, columns, rows)
    nodes = 3*columns*rows*parts**2 + 2*(columns + rows)*parts + 1
    say(f'{ranks} ranks, {nodes//ranks} unknowns on each: rectangle of {columns} x {rows} elements, --refine {levels}: '
        f'{nodes} unknowns, {100*nodes/wanted:.1f} % of what was asked for')
    return str(path), levels


def problems(args: argparse.Namespace, ranks: list[int], launcher: Launcher) -> dict[int, tuple[str, int]]:
    """Returns mesh and refinements by number of ranks."""
    if args.refine is not None or Path(args.mesh).is_file():
        mesh = str(Path(args.mesh).resolve()) if Path(args.mesh).is_file() else args.mesh or 'y-channel'
        return dict.fromkeys(ranks, (mesh, args.refine or 0))
    unknowns = args.unknowns or UNKNOWNS[args.mode]
    if args.mode == 'weak' and not args.mesh:
        return {count: rectangle(args.out, unknowns*count, count) for count in ranks}
    meshes = [mesh for mesh in built_in_meshes(launcher) if args.mesh in ('', mesh[0])]
    if not meshes:
        fail(f"'{args.mesh}' is neither a file nor a built-in mesh")
    if args.mode == 'weak':
        return {count: nearest(meshes, unknowns*count, count) for count in ranks}
    return dict.fromkeys(ranks, nearest(meshes, unknowns))


def measure(args: argparse.Namespace, pairs: list[tuple[int, int]], launcher: Launcher) -> None:
    """Measures the memory bandwidth, then runs the solves in turn, and writes their records."""
    mesh_of = problems(args, [ranks for ranks, _ in pairs], launcher)
    size = ['--size', str(args.stream)] if args.stream else []
    for ranks, threads in pairs:
        say(f'memory bandwidth: {ranks} x {threads}')
        check(launcher(ranks, threads, 'bench', 'stream', '--threads', str(threads),
                       '--json', args.out/f'stream-{ranks}x{threads}.json', '--quiet', *size),
              limit=None, env=launcher.env)
    for i in range(1, args.repeats + 1):
        for ranks, threads in pairs:
            say(f'run {i} of {args.repeats}: {ranks} x {threads}')
            mesh, refine = mesh_of[ranks]
            check(launcher(ranks, threads, mesh, '--refine', str(refine), '--threads', str(threads), '--quiet',
                           '-o', args.out/'results.h5', '--json', args.out/f'run-{ranks}x{threads}-{i}.json'),
                  limit=None, env=launcher.env)
            for ending in ('h5', 'xdmf'):
                (args.out/f'results.{ending}').unlink(missing_ok=True)


def report(args: argparse.Namespace, program: str) -> None:
    """Writes tables, pictures and a page, and prints the table of the study."""
    out = args.out
    base = [program, 'report', *sorted(out.glob('*.json')), '--weak' if args.mode == 'weak' else '--strong']
    claims = ['--claims'] if args.mode == 'threads' else []
    for form in ('md', 'csv'):
        check([*base, '--table', 'scaling', *claims, '--format', form, '--output', out/f'scaling.{form}'])
        for table in ('stages', 'iteration'):
            check([*base, '--table', table, '--format', form, '--output', out/f'{table}.{form}'])
    for form in ('svg', 'png'):
        check([*base, '--output', out/'scaling.txt', *claims, '--plot', out/f'speed-up.{form}'])
    check([*base, '--format', 'html', '--output', out/'study.html'])
    print((out/'scaling.txt').read_text(), (out/'iteration.md').read_text(), sep='\n', end='', flush=True)
    say(f'Records, tables and pictures are in {out}; open study.html there in a browser')


def main() -> None:
    """Runs the study, or submits it."""
    args = parse_arguments()
    cores = physical_cores()
    pairs = splits(args, cores)
    if args.submit:
        submit(args, pairs[-1][0])
    launcher = Launcher(cores)
    args.out = (args.out or Path(f'scaling-{args.mode}')).resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    if any(args.out.glob('*.json')):
        fail(f'{args.out} holds records: choose another --out')
    measure(args, pairs, launcher)
    report(args, launcher.program)


if __name__ == '__main__':
    main()
