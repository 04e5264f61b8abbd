#!/usr/bin/python3
"""quad8-mpi beside PETSc (Jacobi-CG) and NumPy/SciPy (assembly): the parts that compare_petsc.sh puts together.

    compare_petsc.py versions [NAME=VERSION ...]
    compare_petsc.py assemble MESH.h5 SYSTEM.npz [--repeats 3]
    mpirun -n 2 compare_petsc.py solve SYSTEM.npz -ksp_type cg -pc_type jacobi [-ksp_max_it N] [PETSC OPTION ...]
    compare_petsc.py report FOLDER --ranks 2 [--max-iterations N] [--output FILE.json]

`assemble` times the assembly of a mesh (x, y, quad8) on one core, in NumPy/SciPy, in two ways: `plain`, whole-mesh
einsum as one would write it first, and `tuned`, blocks that fit the cache and one batched product for all Gauss
points. It eliminates the outlet symmetrically, orders the unknowns by reverse Cuthill-McKee and saves the system.
`solve` solves it with PETSc, contiguous rows on each rank, to ||b - K u|| <= 1e-8 ||b|| (unpreconditioned) unless the
options say otherwise. Each prints one JSON line. `report` reads FOLDER/assembly.json, petsc_*.json, quad8_*.json and
versions.json, and prints the table of medians.

The problem is the default of quad8-mpi: k = 1, inflow gamma = 2.5 at the smallest x, u = 0 at the largest x.
Needs python3-numpy, python3-scipy, python3-h5py and python3-petsc4py of Debian.
"""
import argparse
import glob
import json
import os
import platform
import re
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, Callable

import numpy as np

GAMMA = 2.5            # inflow speed, m/s
EDGE_TOLERANCE = 1e-3  # how near to the smallest or largest x, in lengths of the edge
BLOCK = 4096           # elements whose arrays fit the second-level cache
EDGES = ((0, 4, 1), (1, 5, 2), (2, 6, 3), (3, 7, 0))
GAUSS = ((-np.sqrt(0.6), 5 / 9), (0.0, 8 / 9), (np.sqrt(0.6), 5 / 9))
GAUSS_POINTS = [(xi, eta, wx * wy) for xi, wx in GAUSS for eta, wy in GAUSS]


# ---- assembly -------------------------------------------------------------------------------------------------------

def shape_derivatives(xi: float, eta: float) -> tuple[np.ndarray, np.ndarray]:
    """dN/dxi and dN/deta of the eight serendipity functions: corners, then the middles of edges 0-1, 1-2, 2-3, 3-0."""
    dxi = np.array([(2*xi + eta)*(1 - eta)/4, (2*xi - eta)*(1 - eta)/4, (2*xi + eta)*(1 + eta)/4,
                    (2*xi - eta)*(1 + eta)/4, -xi*(1 - eta), (1 - eta**2)/2, -xi*(1 + eta), -(1 - eta**2)/2])
    deta = np.array([(2*eta + xi)*(1 - xi)/4, (2*eta - xi)*(1 + xi)/4, (2*eta + xi)*(1 + xi)/4,
                     (2*eta - xi)*(1 - xi)/4, -(1 - xi**2)/2, -eta*(1 + xi), (1 - xi**2)/2, -eta*(1 - xi)])
    return dxi, deta


def gradients(ex: np.ndarray, ey: np.ndarray, xi: float, eta: float) -> tuple[np.ndarray, np.ndarray]:
    """dN/d(x, y) (E, 8, 2) and |det J| (E); the absolute value makes clockwise elements count as they should."""
    dxi, deta = shape_derivatives(xi, eta)
    x_xi, x_eta, y_xi, y_eta = ex @ dxi, ex @ deta, ey @ dxi, ey @ deta
    det = x_xi*y_eta - x_eta*y_xi
    grad = np.empty((*ex.shape, 2))
    grad[:, :, 0] = np.multiply.outer(y_eta/det, dxi) - np.multiply.outer(y_xi/det, deta)
    grad[:, :, 1] = np.multiply.outer(x_xi/det, deta) - np.multiply.outer(x_eta/det, dxi)
    return grad, np.abs(det)


def stiffness_plain(ex: np.ndarray, ey: np.ndarray) -> np.ndarray:
    """Element matrices (E, 8, 8): one einsum over the whole mesh per Gauss point."""
    k = np.zeros((len(ex), 8, 8))
    for xi, eta, weight in GAUSS_POINTS:
        grad, det = gradients(ex, ey, xi, eta)
        k += np.einsum('e,eia,eja->eij', weight*det, grad, grad)
    return k


def stiffness_tuned(ex: np.ndarray, ey: np.ndarray) -> np.ndarray:
    """The same, a block at a time: the weighted gradients of all nine points side by side, B (8, 18), and B B'."""
    k = np.empty((len(ex), 8, 8))
    for start in range(0, len(ex), BLOCK):
        block = slice(start, start + BLOCK)
        parts = []
        for xi, eta, weight in GAUSS_POINTS:
            grad, det = gradients(ex[block], ey[block], xi, eta)
            parts.append(np.sqrt(weight*det)[:, None, None]*grad)
        b = np.concatenate(parts, axis=2)
        np.matmul(b, b.transpose(0, 2, 1), out=k[block])
    return k


def stiffness_matrix(kernel: Callable, x: np.ndarray, y: np.ndarray, quad8: np.ndarray):
    """The global matrix in CSR form: element matrices, triplets, sum."""
    from scipy.sparse import coo_matrix
    k = kernel(x[quad8], y[quad8])
    rows, cols = np.repeat(quad8, 8, axis=1), np.tile(quad8, (1, 8))
    return coo_matrix((k.ravel(), (rows.ravel(), cols.ravel())), shape=(x.size, x.size)).tocsr()


def boundary(x: np.ndarray, y: np.ndarray, quad8: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The load vector (N) of the inlet edges and the nodes of the outlet edges."""
    edges = np.concatenate([quad8[:, list(edge)] for edge in EDGES])
    low, high = edges[:, [0, 2]].min(axis=1).astype(np.int64), edges[:, [0, 2]].max(axis=1)
    _, first, count = np.unique(low*x.size + high, return_index=True, return_counts=True)
    edges = edges[first[count == 1]]
    reach = EDGE_TOLERANCE*np.hypot(*(c[edges[:, 2]] - c[edges[:, 0]] for c in (x, y)))
    ends = x[quad8].min(), x[quad8].max()
    inlet, outlet = (edges[(np.abs(x[edges] - end) <= reach[:, None]).all(axis=1)] for end in ends)
    if not len(inlet) or not len(outlet):
        sys.exit('no inlet edge at the smallest x or no outlet edge at the largest x')
    load = np.zeros(x.size)
    for s, weight in GAUSS:
        shape, slope = np.array([s*(s - 1)/2, 1 - s*s, s*(s + 1)/2]), np.array([s - 0.5, -2*s, s + 0.5])
        length = np.hypot(x[inlet] @ slope, y[inlet] @ slope)
        np.add.at(load, inlet, GAMMA*weight*np.multiply.outer(length, shape))
    return load, np.unique(outlet)


def assemble(mesh: str, system: str, repeats: int) -> dict[str, Any]:
    import h5py
    from scipy.sparse.csgraph import reverse_cuthill_mckee
    with h5py.File(mesh) as file:
        x, y, quad8 = file['x'][:], file['y'][:], file['quad8'][:].astype(np.int32)

    seconds: dict[str, list[float]] = {'plain': [], 'tuned': []}
    for _ in range(repeats):
        for name, kernel in (('plain', stiffness_plain), ('tuned', stiffness_tuned)):
            start = time.perf_counter()
            k = stiffness_matrix(kernel, x, y, quad8)
            seconds[name].append(time.perf_counter() - start)

    start = time.perf_counter()
    load, outlet = boundary(x, y, quad8)
    free = np.setdiff1d(quad8, outlet)
    k, load = k[free][:, free], load[free]     # exact elimination; u = 0 at the outlet adds nothing to the load
    elimination = time.perf_counter() - start

    order = reverse_cuthill_mckee(k, symmetric_mode=True)
    k = k[order][:, order].tocsr()
    k.sort_indices()
    np.savez(system, indptr=k.indptr, indices=k.indices, values=k.data, load=load[order])
    return {'nodes': x.size, 'elements': len(quad8), 'unknowns': int(free.size), 'nonzeros': int(k.nnz),
            'plain_s': seconds['plain'], 'tuned_s': seconds['tuned'], 'elimination_s': elimination}


# ---- PETSc ----------------------------------------------------------------------------------------------------------

def petsc4py_module():
    """petsc4py, also where Debian's link /usr/lib/petsc, the only place its .pth file looks in, is missing.

    Debian keeps petsc4py in the folder of each PETSc build: /usr/lib/petscdir/VERSION/ARCH-real/lib/python3/dist-packages.
    """
    try:
        import petsc4py
    except ModuleNotFoundError:
        builds = glob.glob('/usr/lib/petscdir/petsc[0-9].*/*-real/lib/python3/dist-packages')
        if not builds:
            raise
        newest = max(builds, key=lambda path: [int(n) for n in re.findall(r'\d+', path.split('/')[4])])
        os.environ['PETSC_DIR'] = newest.removesuffix('/lib/python3/dist-packages')
        sys.path.append(newest)
        import petsc4py
    return petsc4py


def solve(system: str, options: list[str]) -> dict[str, Any] | None:
    """Collective: the solve and its timings, on rank 0; None elsewhere."""
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


# ---- report ---------------------------------------------------------------------------------------------------------

def versions() -> dict[str, str]:
    """Versions and machine; fails where a package is missing."""
    import h5py
    import scipy
    petsc4py = petsc4py_module()
    from petsc4py import PETSc
    if PETSc.ScalarType is not np.float64:
        sys.exit(f'PETSc is built for {PETSc.ScalarType.__name__}: set PETSC_DIR to a build for real double numbers')
    cpu = re.search(r'^model name\s*:\s*(.*)', Path('/proc/cpuinfo').read_text(), re.MULTILINE)
    return {'machine': platform.node(), 'cpu': cpu[1] if cpu else platform.machine(),
            'cores': str(len(os.sched_getaffinity(0))), 'system': platform.platform(),
            'petsc': '.'.join(map(str, PETSc.Sys.getVersion())), 'petsc4py': petsc4py.__version__,
            'petsc_dir': petsc4py.get_config()['PETSC_DIR'], 'python': platform.python_version(),
            'numpy': np.__version__, 'scipy': scipy.__version__, 'h5py': h5py.__version__}


def records(folder: Path, pattern: str) -> list[dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in sorted(folder.glob(pattern))]
    if not found:
        sys.exit(f'{folder}: no {pattern}')
    return found


def spread(values: list[float], factor: float = 1.0) -> str:
    """Median and, in brackets, smallest and largest."""
    return f'{median(values)*factor:.4g} ({min(values)*factor:.4g}-{max(values)*factor:.4g})'


def report(folder: Path, ranks: int, cap: int) -> dict[str, Any]:
    numpy_run, machine = records(folder, 'assembly.json')[0], records(folder, 'versions.json')[0]
    ours, petsc = records(folder, 'quad8_*.json'), records(folder, 'petsc_*.json')
    for run in petsc:
        if (run['ksp'], run['pc']) != ('cg', 'jacobi'):
            sys.exit(f'PETSc ran {run["ksp"]} with {run["pc"]}, not cg with jacobi')
        if run['ranks'] != ranks:
            sys.exit(f'PETSc saw {run["ranks"]} ranks, not {ranks}: is mpirun of the MPI that PETSc is linked with?')
    for run in ours:
        if run['mesh_info']['elements'] != numpy_run['elements']:
            sys.exit(f'different meshes: {run["mesh_info"]["elements"]} elements and {numpy_run["elements"]}')
        if not cap and not run['converged']:
            sys.exit('quad8-mpi did not converge')
    if not cap and not all(run['converged'] for run in petsc):
        sys.exit('PETSc did not converge')

    def our_time(run: dict[str, Any], *steps: str) -> float:
        return sum(run['timing_metrics'][step]['max'] for step in steps)

    our_iteration = [our_time(run, 'solve_system')/run['iterations'] for run in ours]
    our_assembly = [our_time(run, 'assemble_system', 'apply_bc') for run in ours]
    petsc_iteration = [run['iteration_s'] for run in petsc]
    plain, tuned = numpy_run['plain_s'], numpy_run['tuned_s']
    our_residual, petsc_residual = ours[0]['solution_stats']['relative_residual'], petsc[0]['relative_residual']
    result = {
        **machine, 'ranks': ranks, 'repeats': len(ours), 'max_iterations': cap or None,
        **{key: numpy_run[key] for key in ('nodes', 'elements', 'unknowns', 'nonzeros')},
        'iteration_s': {'quad8_mpi': our_iteration, 'petsc': petsc_iteration},
        'petsc_matmult_s': [run['matmult_s'] for run in petsc],
        'assembly_s': {'quad8_mpi': our_assembly, 'numpy_plain': plain, 'numpy_tuned': tuned,
                       'numpy_elimination': numpy_run['elimination_s']},
        'iterations': {'quad8_mpi': ours[0]['iterations'], 'petsc': petsc[0]['iterations']},
        'relative_residual': {'quad8_mpi': our_residual, 'petsc': petsc_residual},
        'iteration_ratio': median(our_iteration)/median(petsc_iteration),
        'assembly_speedup': {'plain': median(plain)/median(our_assembly), 'tuned': median(tuned)/median(our_assembly)},
    }
    result['multigrid'] = multigrid(folder)
    if not cap:
        result['u_max'] = {'quad8_mpi': [run['solution_stats']['u_range'][1] for run in ours],
                           'petsc': [run['u_max'] for run in petsc]}
        result['u_max_difference'] = max(abs(a - b) for a in result['u_max']['quad8_mpi']
                                         for b in result['u_max']['petsc'])
    return result


def multigrid(folder: Path) -> dict[str, dict[str, Any]]:
    """Seconds of the stages to rtol 1e-8, by solver; ours come with assembly and with the files."""
    def stages(run: dict[str, Any]) -> dict[str, float]:
        seconds = {name: span['max'] for name, span in run['timing_metrics'].items()}
        return {'assembly': seconds['assemble_system'] + seconds['apply_bc'], 'setup': seconds['setup_preconditioner'],
                'solve': seconds['solve_system'], 'whole_run': seconds['total_workflow']}

    def peer(name: str) -> tuple[list[dict[str, float]], list[dict[str, Any]]]:
        runs = records(folder, f'{name}_*.json')
        return [{'setup': run['setup_s'], 'solve': run['solve_s']} for run in runs], runs

    ours = records(folder, 'multigrid_*.json')
    found = {'quad8-mpi': ([stages(run) for run in ours], ours), 'PETSc BoomerAMG': peer('boomeramg'),
             'PETSc GAMG': peer('gamg')}
    if not all(run['converged'] for _, runs in found.values() for run in runs):
        sys.exit('a multigrid solve did not converge')
    result: dict[str, dict[str, Any]] = {}
    for name, (times, runs) in found.items():
        counted = [sum(t[s] for s in ('assembly', 'setup', 'solve') if s in t) for t in times]
        result[name] = {stage: [t[stage] for t in times] for stage in times[0]}
        result[name] |= {'counted': counted, 'iterations': runs[0]['iterations']}
    for entry in result.values():
        entry['ratio'] = median(result['quad8-mpi']['counted'])/median(entry['counted'])
    return result


def multigrid_rows(result: dict[str, dict[str, Any]]) -> list[str]:
    rows = [('to rtol 1e-8, s', 'assembly', 'setup', 'solve', 'iterations', 'sum', 'whole run', 'ours / it')]
    for name, entry in result.items():
        cell = lambda stage: f'{median(entry[stage]):.3g}' if stage in entry else '-'
        rows.append((name, cell('assembly'), cell('setup'), cell('solve'), str(entry['iterations']), spread(entry['counted']),
                     cell('whole_run'), f'{entry["ratio"]:.2f}'))
    widths = [max(len(row[i]) for row in rows) for i in range(8)]
    return ['  '.join([row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]) for row in rows]


def table(r: dict[str, Any]) -> str:
    iteration, assembly, cap = r['iteration_s'], r['assembly_s'], r['max_iterations']
    rows = [
        ('median (min-max)', 'quad8-mpi', 'peer', 'ratio'),
        ('Jacobi-CG iteration, ms', spread(iteration['quad8_mpi'], 1e3), spread(iteration['petsc'], 1e3),
         f'{r["iteration_ratio"]:.3f} (ours / PETSc)'),
        ('  one MatMult alone, ms', '', spread(r['petsc_matmult_s'], 1e3), ''),
        ('iterations' + (' (capped)' if cap else ''), str(r['iterations']['quad8_mpi']), str(r['iterations']['petsc']), ''),
        ('true relative residual', *(f'{v:.4e}' for v in r['relative_residual'].values()), ''),
        ('assembly, s; plain NumPy', spread(assembly['quad8_mpi']), spread(assembly['numpy_plain']),
         f'{r["assembly_speedup"]["plain"]:.1f} (NumPy / ours)'),
        ('            tuned NumPy', '', spread(assembly['numpy_tuned']),
         f'{r["assembly_speedup"]["tuned"]:.1f} (NumPy / ours)'),
        ('  elimination on top, s', '(included)', f'{assembly["numpy_elimination"]:.4g}', ''),
    ]
    if not cap:
        rows.append(('largest u', *(f'{v[0]:.12g}' for v in r['u_max'].values()),
                     f'{r["u_max_difference"]:.1e} (largest difference)'))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [f'{r["machine"]}: {r["cpu"]}, {r["cores"]} cores, {r["system"]}',
             f'{r["quad8_mpi"]}; PETSc {r["petsc"]}, NumPy {r["numpy"]}, SciPy {r["scipy"]}; {r["mpi"]}',
             f'{r["elements"]} elements, {r["unknowns"]} unknowns, {r["nonzeros"]} matrix entries; {r["ranks"]} ranks of one '
             f'thread (NumPy: one core), {r["repeats"]} repeats in turn', '']
    lines += ['  '.join([row[0].ljust(widths[0]), row[1].rjust(widths[1]), row[2].rjust(widths[2]), row[3]]).rstrip()
              for row in rows]
    lines += ['', *multigrid_rows(r['multigrid']),
              '(ours: assembly and setup and solve in the sum, mesh file to results file in the whole run; PETSc: its matrix is '
              'there already)']
    if cap:
        lines += ['', f'Jacobi solves stop after {cap} iterations at most, for their time only: u is not compared. '
                      '--max-iterations 0 runs both to convergence.']
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    p = commands.add_parser('versions')
    p.add_argument('more', nargs='*', metavar='NAME=VERSION', help='further entries for the record')
    p = commands.add_parser('assemble')
    p.add_argument('mesh')
    p.add_argument('system')
    p.add_argument('--repeats', type=int, default=3)
    p = commands.add_parser('solve')
    p.add_argument('system')
    p.add_argument('options', nargs=argparse.REMAINDER)
    p = commands.add_parser('report')
    p.add_argument('folder', type=Path)
    p.add_argument('--ranks', type=int, required=True)
    p.add_argument('--max-iterations', type=int, default=0)
    p.add_argument('--output', type=Path)
    args = parser.parse_args()

    if args.command == 'versions':
        print(json.dumps(versions() | dict(entry.split('=', 1) for entry in args.more)))
    elif args.command == 'assemble':
        print(json.dumps(assemble(args.mesh, args.system, args.repeats)))
    elif args.command == 'solve':
        record = solve(args.system, args.options)
        if record:
            print(json.dumps(record))
    else:
        result = report(args.folder, args.ranks, args.max_iterations)
        print(table(result))
        if args.output:
            args.output.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
