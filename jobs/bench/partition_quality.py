#!/usr/bin/env python3
"""Compares the partitions of quad8-mpi with those of METIS, ParMETIS, Scotch, PT-Scotch and KaMinPar on the same graph.

The vertices of the graph are elements, its edges the pairs of elements with a common edge. The meshes: the Y-channel, a
grid that is refined towards its borders, and a grid of slender elements. Columns: mesh and parts. Tables: pairs of
elements in different parts (edge cut) over the smallest; values that a rank sends in a halo exchange, at most; elements
of the largest part over the mean; seconds of the partition alone, those of quad8-mpi without reading and writing; peak
memory of the largest process. The libraries may give a part as much more than the mean as --room says; quad8-mpi always
gives as little as it can. A library that is missing is named and left out: Debian has ptscotch, scotch and, in
non-free, libparmetis4.0; PyPI has pymetis, kaminpar and mpi4py. Needs NumPy, SciPy and h5py.
"""
from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence

from common import JOBS, Bench, fail, option_parser, prepared_bench, say, whole_number, whole_numbers

try:
    import h5py
    import numpy as np
except ImportError as missing:
    fail(f'{missing}: pip install h5py numpy scipy')

from hard_cases import Case, both, rectangle, turned, write
from peers.partitioners import MISSING
from peers.report import markdown
from stages import write_refined


@dataclass
class Found:
    """Partition of a mesh."""
    part: np.ndarray
    seconds: float
    mebibytes: float


@dataclass
class Mesh:
    """Mesh file, and its graph in the formats of the libraries."""
    path: Path
    quad8: np.ndarray
    pairs: np.ndarray
    npz: Path
    scotch: Path


def graph(path: Path) -> Mesh:
    """Finds the elements with a common edge, by its middle node, and writes the graph."""
    with h5py.File(path) as file:
        quad8 = file['quad8'][:]
    middles = quad8[:, 4:].ravel()
    order = np.argsort(middles, kind='stable')
    same = np.flatnonzero(middles[order][1:] == middles[order][:-1])
    pairs = np.stack([order[same], order[same + 1]], axis=1)//4
    ends = np.concatenate([pairs, pairs[:, ::-1]])
    ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(ends[:, 0], minlength=len(quad8)))])
    mesh = Mesh(path, quad8, pairs, path.with_suffix('.npz'), path.with_suffix('.grf'))
    np.savez(mesh.npz, offsets=offsets, neighbours=ends[:, 1])
    with mesh.scotch.open('w') as file:
        print(f'0\n{len(quad8)} {len(ends)}\n0 000', file=file)
        for row in np.split(ends[:, 1], offsets[1:-1]):
            print(len(row), *row, file=file)
    return mesh


def largest_halo(quad8: np.ndarray, part: np.ndarray, parts: int) -> int:
    """Returns the most values that a rank sends where each node belongs to one of the parts at it, in turn."""
    places = np.unique((quad8.astype(np.int64)*parts + part[:, None]).ravel())
    node, at = places//parts, places % parts
    first = np.flatnonzero(np.r_[True, node[1:] != node[:-1]])
    count = np.diff(np.r_[first, len(node)])
    owner = at[first + np.add.reduceat(at, first) % count]
    return int(np.bincount(owner, weights=count - 1).max())


#: Runs a command and prints the peak memory of its processes (KiB) on a last line. Linux counts the memory of the
#: process that starts another one for that one too, so that this small one stands between.
MEASURE = ('import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); '
           'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)')


def measured(command: Sequence[str | Path], env: dict[str, str]) -> tuple[int, str, float, float]:
    """Runs a command. Returns its exit code, what it prints, its seconds and the MiB of the largest process."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, '-S', '-c', MEASURE, *command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, env=env)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, MISSING):
        fail(f'{command[0]}: exit code {done.returncode}: {done.stderr.strip()}')
    *printed, size = done.stdout.splitlines()
    return done.returncode, '\n'.join(printed), seconds, float(size)/1024


#: From a mesh, a number of parts, and the largest part over the mean that a library may make.
Partitioner = Callable[[Bench, Mesh, int, float], 'Found | None']


def ours(ranks: int, partitioner: str) -> Partitioner:
    """Returns the partitioner that stores a partition with quad8-mpi on so many ranks."""
    def partition(bench: Bench, mesh: Mesh, parts: int, _: float) -> Found:
        output = bench.work/'parts.h5'
        command = [bench.program, 'partition', mesh.path, '-o', output, '--partitioner', partitioner, '--quiet', '-n']
        if ranks > 1:
            command = bench.mpirun(ranks, command)
        # One part needs no partition.
        plain = min(measured([*command, '1'], bench.env)[2] for _ in range(2))
        _, _, seconds, size = measured([*command, str(parts)], bench.env)
        with h5py.File(output) as file:
            return Found(file['part'][:], seconds - plain, size)
    return partition


def library(name: str, ranks: int = 1) -> Partitioner:
    """Returns the partitioner that calls a library from Python."""
    def partition(bench: Bench, mesh: Mesh, parts: int, largest: float) -> Found | None:
        output = bench.work/'part.npy'
        command = [sys.executable, JOBS/'bench'/'peers'/'partitioners.py', name, mesh.npz, str(parts),
                   str(largest), output]
        code, printed, _, size = measured(bench.mpirun(ranks, command) if ranks > 1 else command, bench.env)
        return None if code == MISSING else Found(np.load(output), float(printed), size)
    return partition


def scotch(program: str, ranks: int = 1) -> Partitioner:
    """Returns the partitioner that runs a program of Scotch."""
    def partition(bench: Bench, mesh: Mesh, parts: int, largest: float) -> Found | None:
        output = bench.work/'scotch.map'
        command: list[str | Path] = [program, str(parts), mesh.scotch, output, f'-b{largest - 1:.4f}', '-vt',
                                     '-Cf']
        if not shutil.which(program):
            return None
        _, printed, _, size = measured(bench.mpirun(ranks, command) if ranks > 1 else command, bench.env)
        seconds = re.search(r'Mapping.*?([\d.e+-]+)$', printed, re.MULTILINE)
        vertex, part = np.loadtxt(output, dtype=np.int64, skiprows=1, unpack=True)
        whole = np.empty(len(part), dtype=np.int64)
        whole[vertex] = part
        return Found(whole, float(seconds[1]) if seconds else math.nan, size)
    return partition


PARTITIONERS: dict[str, Partitioner] = {
    'quad8-mpi two-level, 1 rank': ours(1, 'two-level'),
    'quad8-mpi two-level, 16 ranks': ours(16, 'two-level'),
    'quad8-mpi metis': ours(1, 'metis'),
    'METIS k-way': library('metis'),
    'METIS recursive': library('metis-recursive'),
    'ParMETIS, 2 ranks': library('parmetis', 2),
    'Scotch': scotch('scotch_gpart'),
    'PT-Scotch, 2 ranks': scotch('dgpart', 2),
    'KaMinPar, 2 threads': library('kaminpar'),
    'KaMinPar strong, 2 threads': library('kaminpar-strong'),
}


def meshes(bench: Bench, refine: int) -> dict[str, Path]:
    """Writes the meshes, each of about as many elements."""
    paths = {name: bench.work/f'{name}.h5' for name in ('y-channel', 'graded', 'slender')}
    write_refined(bench, refine, paths['y-channel'])
    count = 5296*4**refine
    side, rows = round(math.sqrt(count)), round(math.sqrt(count/34))
    write(Case((side, side), lambda s, t: (both(5)(s), both(5)(t))), paths['graded'])
    write(Case((34*rows, rows), turned(math.pi/4, rectangle(3400, 1))), paths['slender'])
    return paths


VALUES: dict[str, Callable[[dict], str]] = {
    'edge cut over the smallest': lambda one: f'{one["cut"]/one["best"]:.3f}',
    'values that a rank sends, at most': lambda one: f'{one["halo"]:,}',
    'largest part over the mean': lambda one: f'{one["imbalance"]:.3f}',
    's': lambda one: f'{one["seconds"]:.2f}',
    'MiB': lambda one: f'{one["MiB"]:.0f}',
}


def tables(found: list[dict]) -> list[str]:
    """Formats a table for each kind of value."""
    smallest: dict[tuple[str, int], int] = {}
    for one in found:
        cell = one['mesh'], one['parts']
        smallest[cell] = min(one['cut'], smallest.get(cell, one['cut']))
    for one in found:
        one['best'] = smallest[one['mesh'], one['parts']]
    by_key = {(one['name'], one['mesh'], one['parts']): one for one in found}
    lines: list[str] = []
    for title, value in VALUES.items():
        rows = [(title, *(f'{mesh}, {parts:,}' for mesh, parts in smallest))]
        if 'cut' in title:
            rows.append(('smallest edge cut', *(f'{cut:,}' for cut in smallest.values())))
        for name in dict.fromkeys(one['name'] for one in found):
            rows.append((name, *(value(by_key[name, *cell]) if (name, *cell) in by_key else '' for cell in smallest)))
        lines += [*markdown(rows), '']
    return lines


def quality(mesh: Mesh, parts: int, found: Found) -> dict:
    """Returns the numbers of a partition."""
    ends = found.part[mesh.pairs]
    return {'parts': parts, 'seconds': found.seconds, 'MiB': found.mebibytes,
            'cut': int((ends[:, 0] != ends[:, 1]).sum()), 'halo': largest_halo(mesh.quad8, found.part, parts),
            'imbalance': float(np.bincount(found.part, minlength=parts).max()*parts/len(found.part))}


def measure(bench: Bench, mesh: Mesh, only: str, parts_list: list[int], largest: float) -> list[dict]:
    """Partitions a mesh with every partitioner whose name matches an expression and whose library is there."""
    found = []
    for name, partition in PARTITIONERS.items():
        for parts in parts_list if re.search(only, name) else ():
            result = partition(bench, mesh, parts, largest)
            if result is None:
                say(f'{name}: missing, left out')
                break
            one = {'name': name, 'mesh': mesh.path.stem, **quality(mesh, parts, result)}
            say(f'{mesh.path.stem}, {parts} parts, {name}: cut {one["cut"]}, {one["seconds"]:.2f} s')
            found.append(one)
    return found


def main() -> None:
    """Partitions every mesh with every partitioner and prints the tables."""
    parser = option_parser(__doc__)
    parser.add_argument('--refine', type=whole_number(0), default=3, metavar='K',
                        help='refinements of the Y-channel, and size of the others (default 3: 338,944 elements)')
    parser.add_argument('--parts', type=whole_numbers(2), default=[16, 256, 4096], metavar='LIST',
                        help='numbers of parts (default "16 256 4096")')
    parser.add_argument('--room', type=float, default=3, metavar='PERCENT',
                        help='how much more than the mean a library may give a part (default 3)')
    parser.add_argument('--meshes', default='y-channel graded slender', metavar='LIST',
                        help='which meshes (default "y-channel graded slender")')
    parser.add_argument('--only', default='', metavar='TEXT',
                        help='only partitioners whose names match this expression')
    parser.add_argument('--output', type=Path, metavar='FILE', help='also write every number as JSON')
    args = parser.parse_args()
    found: list[dict] = []
    with prepared_bench() as bench:
        for name, path in meshes(bench, args.refine).items():
            if name in args.meshes.split():
                found += measure(bench, graph(path), args.only, args.parts, 1 + args.room/100)
    print(*tables(found), sep='\n')
    if args.output:
        args.output.write_text(json.dumps(found, indent=2) + '\n')


if __name__ == '__main__':
    main()
