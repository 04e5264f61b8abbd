#!/usr/bin/env python3
"""Partitions a graph with a library for partition_quality.py.

    partitioners.py LIBRARY GRAPH.npz PARTS LARGEST PARTS.npy

LARGEST is the largest part over the mean that is allowed. Prints the seconds that the library takes. ParMETIS runs on
all ranks of mpirun. Ends with exit code 3 where the library is missing.
"""
from __future__ import annotations

import ctypes
import ctypes.util
import sys
import time
from typing import Callable

import numpy as np

MISSING = 3


def metis(offsets: np.ndarray, neighbours: np.ndarray, parts: int, largest: float,
          recursive: bool = False) -> np.ndarray:
    import pymetis
    options = pymetis.Options(ufactor=max(1, round(1000*(largest - 1))), seed=1)
    graph = pymetis.CSRAdjacency(offsets, neighbours)
    return np.array(pymetis.part_graph(parts, graph, recursive=recursive, options=options)[1])


def metis_recursive(offsets: np.ndarray, neighbours: np.ndarray, parts: int, largest: float) -> np.ndarray:
    return metis(offsets, neighbours, parts, largest, recursive=True)


def kaminpar(offsets: np.ndarray, neighbours: np.ndarray, parts: int, largest: float,
             context: str = 'default') -> np.ndarray:
    import kaminpar as library
    # The library takes a graph from a file only.
    path = f'{sys.argv[2]}.metis'
    with open(path, 'w') as file:
        print(len(offsets) - 1, len(neighbours)//2, file=file)
        for row in np.split(neighbours + 1, offsets[1:-1]):
            print(*row, file=file)
    graph = library.load_graph(path, library.GraphFileFormat.METIS)
    library.reseed(1)
    restart_clock()
    found = library.KaMinPar(2, library.context_by_name(context)).compute_partition(graph, parts, largest - 1)
    return np.array(found)


def kaminpar_strong(offsets: np.ndarray, neighbours: np.ndarray, parts: int, largest: float) -> np.ndarray:
    return kaminpar(offsets, neighbours, parts, largest, 'strong')


def parmetis(offsets: np.ndarray, neighbours: np.ndarray, parts: int, largest: float) -> np.ndarray:
    from mpi4py import MPI
    library = ctypes.CDLL('libparmetis.so.4.0')
    comm, count = MPI.COMM_WORLD, len(offsets) - 1
    blocks = np.array([count*rank//comm.size for rank in range(comm.size + 1)], dtype=np.int32)
    first, last = blocks[comm.rank:comm.rank + 2]
    rows = (offsets[first:last + 1] - offsets[first]).astype(np.int32)
    columns = neighbours[offsets[first]:offsets[last]].astype(np.int32)
    weights, bound = np.full(parts, 1/parts, dtype=np.float32), np.array([largest], dtype=np.float32)
    options, part = np.array([1, 0, 1], dtype=np.int32), np.zeros(max(1, last - first), dtype=np.int32)

    def at(array: np.ndarray) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data)

    def number(value: int) -> object:
        return ctypes.byref(ctypes.c_int32(value))
    handle = ctypes.c_void_p(MPI._addressof(comm))
    comm.Barrier()
    restart_clock()
    library.ParMETIS_V3_PartKway(at(blocks), at(rows), at(columns), None, None, number(0), number(0), number(1),
                                 number(parts), at(weights), at(bound), at(options), number(0), at(part), handle)
    whole = np.concatenate(comm.allgather(part[:last - first]))
    if comm.rank > 0:
        sys.exit()
    return whole


LIBRARIES: dict[str, Callable[[np.ndarray, np.ndarray, int, float], np.ndarray]] = {
    'metis': metis, 'metis-recursive': metis_recursive, 'kaminpar': kaminpar, 'kaminpar-strong': kaminpar_strong,
    'parmetis': parmetis}
clock = 0.0


def restart_clock() -> None:
    """Leaves out of the seconds what came before."""
    global clock
    clock = time.perf_counter()


def main() -> None:
    """Partitions, prints the seconds and writes the part of each vertex."""
    library, graph, parts, largest, output = sys.argv[1:]
    with np.load(graph) as arrays:
        offsets, neighbours = arrays['offsets'], arrays['neighbours']
    restart_clock()
    try:
        part = LIBRARIES[library](offsets, neighbours, int(parts), float(largest))
    except (ImportError, OSError) as error:
        print(f'{library}: {error}', file=sys.stderr)
        sys.exit(MISSING)
    print(time.perf_counter() - clock)
    np.save(output, part)


if __name__ == '__main__':
    main()
