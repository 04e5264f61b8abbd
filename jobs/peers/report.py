#!/usr/bin/python3
"""The tables of compare_peers.sh.

    report.py versions [NAME=VERSION ...]          versions and machine, as JSON
    report.py squares ASSEMBLY.json                squares with about as many unknowns: elements a side of a coarse one and
                                                   its refinements, and refinements of one of Q2 elements
    report.py table FOLDER --ranks 2 [--max-iterations N] [--output FILE.json]

`table` reads the records of all runs in FOLDER and prints medians and ratios.
Needs python3-numpy, python3-scipy, python3-h5py and python3-petsc4py of Debian.
"""
import argparse
import csv
import json
import math
import os
import platform
import re
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from debian_petsc import petsc4py_module

PUBLISHED = Path(__file__).with_name('published.csv')


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


def start_up(folder: Path, pattern: str) -> list[float]:
    """Seconds of the commands before and after the program's own clock: launcher, libraries, MPI."""
    seconds = []
    for path in sorted(folder.glob(f'{pattern}_*.json')):
        start, end = map(float, Path(f'{path}.clock').read_text().split())
        seconds.append(end - start - json.loads(path.read_text())['timing_metrics']['total_workflow']['max'])
    return seconds


def squares(unknowns: int) -> tuple[int, int, int]:
    """Elements a side of a coarse square of serendipity elements and its refinements, and refinements of one of Q2."""
    # n^2 elements have (n + 1)^2 + 2 n (n + 1) serendipity nodes, 4^l elements (2^(l + 1) + 1)^2 of Q2.
    side = (math.sqrt(1 + 3*unknowns) - 2)/3
    refinements = max(0, round(math.log2(side/18)))
    return round(side/2**refinements), refinements, max(1, round(math.log2(math.sqrt(unknowns)) - 1))


STAGES = {'assembly': ('assemble_system', 'apply_bc'), 'setup': ('setup_preconditioner',), 'solve': ('solve_system',),
          'post-processing': ('compute_derived', 'export'), 'whole run': ('total_workflow',)}


def our_stages(run: dict[str, Any]) -> dict[str, float]:
    return {stage: sum(run['timing_metrics'][part]['max'] for part in parts) for stage, parts in STAGES.items()}


def peer_stages(run: dict[str, Any]) -> dict[str, float]:
    return {stage: run[f'{stage}_s'] for stage in ('assembly', 'setup', 'solve') if f'{stage}_s' in run}


# Name, records, what the solver is measured against (one of ours), and to what it solves.
SOLVERS = (('quad8-mpi, mesh from a file', 'file', 'file', '1e-8'),
           ('PETSc + BoomerAMG, same system', 'boomeramg', 'file', '1e-8'),
           ('PETSc + GAMG, same system', 'gamg', 'file', '1e-8'),
           ('quad8-mpi, --refine', 'nested', 'nested', '1e-8'),
           ('quad8-mpi, --refine', 'tight', 'tight', '1e-12'),
           ('quad8-mpi, the square of dolfinx, --refine', 'like_dolfinx', 'like_dolfinx', '1e-8'),
           ('dolfinx + BoomerAMG, square', 'dolfinx', 'like_dolfinx', '1e-8'),
           ('quad8-mpi, the problem of step-37, --refine', 'like_step37', 'like_step37', '1e-12'),
           ('deal.II step-37, square, Q2', 'step37', 'like_step37', '1e-12'),
           ('quad8-mpi, --refine once more', 'larger', 'nested', '1e-8'))


def counted(stages: dict[str, float]) -> float:
    return sum(stages[stage] for stage in ('assembly', 'setup', 'solve') if stage in stages)


def unknowns(run: dict[str, Any]) -> int:
    return run['unknowns'] if 'unknowns' in run else run['mesh_info']['used_nodes'] - run['mesh_info']['fixed_nodes']


def growth(folder: Path) -> float | None:
    """How many times as long an unknown takes with one refinement more; nothing where that is left out."""
    if not list(folder.glob('larger_*.json')):
        return None
    small, larger = (median(counted(our_stages(run))/unknowns(run) for run in records(folder, f'{size}_*.json'))
                     for size in ('small', 'larger'))
    return larger/small


def solvers(folder: Path) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, pattern, beside, rtol in SOLVERS:
        if not list(folder.glob(f'{pattern}_*.json')):
            continue                       # left out with --without
        runs = records(folder, f'{pattern}_*.json')
        if not all(run['converged'] for run in runs):
            sys.exit(f'{name} did not converge')
        stages = [our_stages(run) if 'timing_metrics' in run else peer_stages(run) for run in runs]
        sums = [counted(t) for t in stages]
        found[pattern] = {'name': name, 'rtol': rtol, 'unknowns': unknowns(runs[0]), 'iterations': runs[0]['iterations'],
                          **{stage: [t[stage] for t in stages] for stage in stages[0]}, 'counted': sums,
                          'beside': beside, 'ratio': median(found.get(beside, {'counted': sums})['counted'])/median(sums)}
        if 'memory' in runs[0]:
            found[pattern]['start-up'] = start_up(folder, pattern)
            found[pattern]['bytes an unknown'] = median(run['memory']['peak_bytes_sum'] for run in runs)/unknowns(runs[0])
    return list(found.values())


def operators(ours: list[dict[str, Any]], petsc: list[dict[str, Any]], assembly: dict[str, Any]) -> dict[str, Any]:
    """One product with the operator, in double precision, and what it reads."""
    products = [run['convergence']['seconds']['operator']/run['iterations'] for run in ours]
    info = ours[0]['mesh_info']
    # 28 numbers and 8 node numbers an element; a number, a column and its part of the offsets an entry.
    our_bytes = (8*info['matrix_nnz'] + 4*8*info['elements'])/info['used_nodes']
    petsc_bytes = (12*assembly['nonzeros'] + 4*assembly['unknowns'])/assembly['unknowns']
    matmult = [run['matmult_s'] for run in petsc]
    return {'ours_s': products, 'petsc_s': matmult, 'speedup': median(matmult)/median(products),
            'bytes an unknown': [our_bytes, petsc_bytes]}


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
    if not cap and not all(run['converged'] for run in ours + petsc):
        sys.exit('a Jacobi solve did not converge')

    our_iteration = [run['timing_metrics']['solve_system']['max']/run['iterations'] for run in ours]
    our_assembly = [our_stages(run)['assembly'] for run in ours]
    petsc_iteration = [run['iteration_s'] for run in petsc]
    plain, tuned = numpy_run['plain_s'], numpy_run['tuned_s']
    result = {
        **machine, 'ranks': ranks, 'repeats': len(ours), 'max_iterations': cap or None,
        **{key: numpy_run[key] for key in ('nodes', 'elements', 'unknowns', 'nonzeros')},
        'iteration_s': {'quad8_mpi': our_iteration, 'petsc': petsc_iteration},
        'assembly_s': {'quad8_mpi': our_assembly, 'numpy_plain': plain, 'numpy_tuned': tuned,
                       'numpy_elimination': numpy_run['elimination_s']},
        'iterations': {'quad8_mpi': ours[0]['iterations'], 'petsc': petsc[0]['iterations']},
        'iteration_ratio': median(our_iteration)/median(petsc_iteration),
        'assembly_speedup': {'plain': median(plain)/median(our_assembly), 'tuned': median(tuned)/median(our_assembly)},
        'operator': operators(ours, petsc, numpy_run),
        'solvers': solvers(folder),
        'larger': growth(folder),
    }
    if not cap:
        result['u_max'] = {'quad8_mpi': [run['solution_stats']['u_range'][1] for run in ours],
                           'petsc': [run['u_max'] for run in petsc]}
        result['u_max_difference'] = max(abs(a - b) for a in result['u_max']['quad8_mpi']
                                         for b in result['u_max']['petsc'])
    return result


def markdown(rows: list[tuple[str, ...]]) -> list[str]:
    """A table with its columns aligned; the first row is its head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    line = lambda cells: '| ' + ' | '.join([cells[0].ljust(widths[0])] +
                                           [c.rjust(w) for c, w in zip(cells[1:], widths[1:])]) + ' |'
    rule = '| ' + ' | '.join(['-'*widths[0]] + ['-'*(w - 1) + ':' for w in widths[1:]]) + ' |'
    return [line(rows[0]), rule, *map(line, rows[1:])]


def solver_rows(found: list[dict[str, Any]]) -> list[str]:
    rows = [('median s (min-max of the sum)', 'to', 'unknowns', 'assembly', 'setup', 'solve', 'iterations', 'sum', 'ours / it',
             'whole run', 'bytes an unknown')]
    for entry in found:
        cell = lambda stage: f'{median(entry[stage]):.3f}' if stage in entry else ''
        ratio = f'{entry["ratio"]:.2f}' if 'whole run' not in entry else ''
        rows.append((entry['name'], entry['rtol'], f'{entry["unknowns"]:,}', cell('assembly'), cell('setup'), cell('solve'),
                     str(entry['iterations']), spread(entry['counted']), ratio, cell('whole run'),
                     f'{entry["bytes an unknown"]:.0f}' if 'bytes an unknown' in entry else ''))
    return markdown(rows)


def kernel_rows(r: dict[str, Any]) -> list[str]:
    iteration, assembly, operator = r['iteration_s'], r['assembly_s'], r['operator']
    ours, petsc = operator['bytes an unknown']
    rows = [
        ('median (min-max)', 'quad8-mpi', 'peer', 'ours / it'),
        ('product with the operator, ms; PETSc MatMult', spread(operator['ours_s'], 1e3), spread(operator['petsc_s'], 1e3),
         f'1/{operator["speedup"]:.2f}'),
        ('bytes of the operator, an unknown', f'{ours:.0f}', f'{petsc:.0f}', f'{ours/petsc:.2f}'),
        ('Jacobi-CG iteration, ms; PETSc', spread(iteration['quad8_mpi'], 1e3), spread(iteration['petsc'], 1e3),
         f'{r["iteration_ratio"]:.2f}'),
        ('assembly, s; NumPy/SciPy, plain', spread(assembly['quad8_mpi']), spread(assembly['numpy_plain']),
         f'1/{r["assembly_speedup"]["plain"]:.0f}'),
        ('assembly, s; NumPy/SciPy, tuned', spread(assembly['quad8_mpi']), spread(assembly['numpy_tuned']),
         f'1/{r["assembly_speedup"]["tuned"]:.0f}'),
    ]
    if not r['max_iterations']:
        rows.append(('largest u after Jacobi-CG', *(f'{v[0]:.12g}' for v in r['u_max'].values()),
                     f'{r["u_max_difference"]:.1e} apart'))
    return markdown(rows)


def published_rows(found: list[dict[str, Any]]) -> list[str]:
    """The six Python programs on their Y-channel of 338,544 elements, as they were published, and this one."""
    with PUBLISHED.open() as file:
        runs = [run for run in csv.DictReader(line for line in file if not line.startswith('#'))
                if run['mesh'] == 'Y-shaped']
    rows = [('s', 'assembly', 'solve', 'post-processing', 'total', 'iterations', 'peak memory', 'start-up')]
    rows += [(f'{run["solver"]}, published', run['assembly_s'], run['solve_s'], '', run['total_s'], run['iterations'], '', '')
             for run in runs]
    for entry in found:
        if entry['name'].startswith('quad8-mpi') and entry['beside'] in ('file', 'nested'):
            memory = entry['bytes an unknown']*entry['unknowns']/2**20
            solve = median(a + b for a, b in zip(entry['setup'], entry['solve']))
            rows.append((f'{entry["name"]}, {entry["unknowns"]:,} unknowns', f'{median(entry["assembly"]):.2f}', f'{solve:.2f}',
                         f'{median(entry["post-processing"]):.2f}', f'{median(entry["whole run"]):.2f}',
                         str(entry['iterations']), f'{memory:.0f} MiB', f'{median(entry["start-up"]):.2f}'))
    return markdown(rows)


def table(r: dict[str, Any]) -> str:
    cap = r['max_iterations']
    lines = [f'{r["machine"]}: {r["cpu"]}, {r["cores"]} cores, {r["system"]}',
             f'{r["quad8_mpi"]}; PETSc {r["petsc"]}, NumPy {r["numpy"]}, SciPy {r["scipy"]}; {r["mpi"]}',
             f'{r["elements"]} elements, {r["unknowns"]} unknowns, {r["nonzeros"]} matrix entries; {r["ranks"]} ranks of one '
             f'thread (NumPy: one core), {r["repeats"]} repeats in turn', '',
             *solver_rows(r['solvers']), '',
             'Sums count assembly, setup and solve; PETSc has its matrix already, and step-37 its setup with the assembly.',
             'The whole run goes from the mesh to the results file.', '',
             *kernel_rows(r), '', *published_rows(r['solvers'])]
    if r['larger']:
        lines += ['', f'Seconds an unknown with one refinement more: {r["larger"]:.2f} times those without, in turn.']
    if cap:
        lines += ['', f'Jacobi solves stop after {cap} iterations at most, for their time only: u is not compared. '
                      '--max-iterations 0 runs both to convergence.']
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    p = commands.add_parser('versions')
    p.add_argument('more', nargs='*', metavar='NAME=VERSION', help='further entries for the record')
    p = commands.add_parser('squares')
    p.add_argument('assembly', type=Path)
    p = commands.add_parser('table')
    p.add_argument('folder', type=Path)
    p.add_argument('--ranks', type=int, required=True)
    p.add_argument('--max-iterations', type=int, default=0)
    p.add_argument('--output', type=Path)
    args = parser.parse_args()

    if args.command == 'versions':
        print(json.dumps(versions() | dict(entry.split('=', 1) for entry in args.more)))
    elif args.command == 'squares':
        print(*squares(json.loads(args.assembly.read_text())['unknowns']))
    else:
        result = report(args.folder, args.ranks, args.max_iterations)
        print(table(result))
        if args.output:
            args.output.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
