#!/usr/bin/python3
"""Solves by dolfinx with PETSc's CG and BoomerAMG: the same element (serendipity, degree 2) on a structured square.

    mpirun -n 2 dolfinx_cg.py N [PETSC OPTION ...]

N x N elements, k = 1, inflow 2.5 on the left, u = 0 on the right; to ||b - K u|| <= 1e-8 ||b||. A small problem goes
first, so that no compilation is timed. Prints one JSON line. Needs python3-dolfinx of Debian.
"""
import json
import sys
import time
from typing import Any

import numpy as np

from debian_petsc import petsc4py_module

petsc4py_module().init(sys.argv[2:])
import ufl
from dolfinx import fem, mesh
from dolfinx.fem import petsc
from mpi4py import MPI
from petsc4py import PETSc

COMM = MPI.COMM_WORLD


def clock() -> float:
    """Returns the time at which all ranks have come here. Collective."""
    COMM.barrier()
    return time.perf_counter()


def solve(n: int) -> dict[str, Any]:
    """Solves on n x n elements and returns the record. Collective."""
    domain = mesh.create_rectangle(COMM, [np.zeros(2), np.ones(2)], [n, n], mesh.CellType.quadrilateral)
    space = fem.FunctionSpace(domain, ('S', 2))
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    left, right = (mesh.locate_entities_boundary(domain, 1, lambda x, at=at: np.isclose(x[0], at)) for at in (0.0, 1.0))
    inlet = mesh.meshtags(domain, 1, left, np.ones(len(left), np.int32))
    ds = ufl.Measure('ds', domain=domain, subdomain_data=inlet)
    a = fem.form(ufl.inner(ufl.grad(u), ufl.grad(v))*ufl.dx)
    load = fem.form(2.5*v*ds(1))
    outlet = fem.dirichletbc(fem.Function(space), fem.locate_dofs_topological(space, 1, right))

    start = clock()
    matrix = petsc.assemble_matrix(a, bcs=[outlet])
    matrix.assemble()
    b = petsc.assemble_vector(load)
    petsc.apply_lifting(b, [a], [[outlet]])
    b.ghostUpdate(addv=PETSc.InsertMode.ADD, mode=PETSc.ScatterMode.REVERSE)
    petsc.set_bc(b, [outlet])
    assembled = clock()
    ksp = PETSc.KSP().create(COMM)
    ksp.setOperators(matrix)
    ksp.setType('cg')
    ksp.getPC().setType('hypre')
    ksp.getPC().setHYPREType('boomeramg')
    ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    ksp.setTolerances(rtol=1e-8, atol=0.0, divtol=1e30, max_it=10_000)
    ksp.setFromOptions()
    ksp.setUp()
    ready = clock()
    x = b.duplicate()
    ksp.solve(b, x)
    solved = clock()
    return {'unknowns': space.dofmap.index_map.size_global, 'ranks': COMM.size, 'assembly_s': assembled - start,
            'setup_s': ready - assembled, 'solve_s': solved - ready, 'iterations': ksp.getIterationNumber(),
            'converged': ksp.getConvergedReason() > 0, 'u_max': x.max()[1]}


if __name__ == '__main__':
    solve(4)
    record = solve(int(sys.argv[1]))
    if COMM.rank == 0:
        print(json.dumps(record))
