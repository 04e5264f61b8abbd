#!/usr/bin/python3
"""Solves a system of numpy_assembly.py by PETSc's CG, contiguous rows on each rank.

    mpirun -n 2 petsc_cg.py SYSTEM.npz [PETSC OPTION ...]

Solves to ||b - K u|| <= 1e-8 ||b|| (unpreconditioned) unless the options say otherwise, and prints one JSON line.
Needs python3-petsc4py and python3-numpy of Debian.
"""
import json
import sys
import time
from typing import Any

import numpy as np

from debian_petsc import petsc4py_module


def solve(system: str, options: list[str]) -> dict[str, Any] | None:
    """Solves, and returns the record on rank 0, None elsewhere. Collective."""
    petsc4py_module().init(options)
    from petsc4py import PETSc
    comm = PETSc.COMM_WORLD
    with np.load(system) as file:
        indptr, load = file['indptr'], file['load']
        n = load.size
        begin, end = n*comm.rank//comm.size, n*(comm.rank + 1)//comm.size
        mine = slice(indptr[begin], indptr[end])
        rows = ((indptr[begin:end + 1] - indptr[begin]).astype(PETSc.IntType),
                file['indices'][mine].astype(PETSc.IntType), file['values'][mine])
    matrix = PETSc.Mat().createAIJ(((end - begin, n), (end - begin, n)), csr=rows, comm=comm)
    matrix.setOption(PETSc.Mat.Option.SPD, True)
    b = matrix.createVecLeft()
    b.array[:] = load[begin:end]
    u, r = b.duplicate(), b.duplicate()

    ksp = PETSc.KSP().create(comm)
    ksp.setOperators(matrix)
    ksp.setType('cg')
    ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    ksp.setTolerances(rtol=1e-8, atol=0.0, divtol=1e30, max_it=10_000_000)
    ksp.setFromOptions()

    def clock() -> float:
        """Returns the time at which all ranks have come here. Collective."""
        comm.barrier()
        return time.perf_counter()

    matrix.mult(b, r)                          # the first product sets up the halo exchange: not timed
    start = clock()
    ksp.setUp()
    ready = clock()
    ksp.solve(b, u)
    solved = clock()
    products = 20
    for _ in range(products):
        matrix.mult(u, r)
    multiplied = clock()
    matrix.mult(u, r)
    r.aypx(-1.0, b)
    residual, u_max = r.norm()/b.norm(), u.max()[1]
    if comm.rank:
        return None
    iterations = ksp.getIterationNumber()
    return {'ksp': ksp.getType(), 'pc': ksp.getPC().getType(), 'options': ' '.join(options), 'ranks': comm.size, 'unknowns': n,
            'setup_s': ready - start, 'solve_s': solved - ready,
            'iteration_s': (solved - ready)/max(iterations, 1), 'matmult_s': (multiplied - solved)/products,
            'iterations': iterations, 'converged': ksp.getConvergedReason() > 0, 'relative_residual': residual,
            'u_max': u_max}


if __name__ == '__main__':
    record = solve(sys.argv[1], sys.argv[2:])
    if record:
        print(json.dumps(record))
