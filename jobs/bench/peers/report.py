"""Makes the tables of compare_peers.py: medians and ratios of the records of all runs."""
from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from statistics import median
from typing import Any

PUBLISHED = Path(__file__).with_name('published.csv')


def records(folder: Path, pattern: str) -> list[dict[str, Any]]:
    """Reads all records of this pattern, of which there must be one."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob(pattern))]
    if not found:
        sys.exit(f'{folder}: no {pattern}')
    return found


def spread(values: list[float], factor: float = 1.0) -> str:
    """Formats the median and, in brackets, the smallest and the largest."""
    return f'{median(values)*factor:.4g} ({min(values)*factor:.4g}-{max(values)*factor:.4g})'


def start_up(folder: Path, pattern: str) -> list[float]:
    """Returns the seconds of each command before and after the program's own clock: launcher, libraries, MPI."""
    seconds = []
    for path in sorted(folder.glob(f'{pattern}_*.json')):
        command = float(Path(f'{path}.clock').read_text())
        seconds.append(command - our_stages(json.loads(path.read_text()))['whole run'])
    return seconds


def squares(unknowns: int) -> tuple[int, int, int]:
    """Returns elements a side and refinements of a square of serendipity elements, and refinements of one of Q2."""
    # n^2 elements have (n + 1)^2 + 2 n (n + 1) serendipity nodes, 4^l elements (2^(l + 1) + 1)^2 of Q2.
    side = (math.sqrt(1 + 3*unknowns) - 2)/3
    refinements = max(0, round(math.log2(side/18)))
    return round(side/2**refinements), refinements, max(1, round(math.log2(math.sqrt(unknowns)) - 1))


STAGES = {'assembly': ('assemble_system', 'apply_bc'), 'setup': ('setup_preconditioner',), 'solve': ('solve_system',),
          'post-processing': ('compute_derived', 'export'), 'whole run': ('total_workflow',)}


def our_stages(run: dict[str, Any]) -> dict[str, float]:
    """Returns the seconds of each stage in a record of quad8-mpi."""
    return {stage: sum(run['timing_metrics'][part]['max'] for part in parts) for stage, parts in STAGES.items()}


def peer_stages(run: dict[str, Any]) -> dict[str, float]:
    """Returns the seconds of each stage in a record of a peer, which may lack some."""
    return {stage: run[f'{stage}_s'] for stage in ('assembly', 'setup', 'solve') if f'{stage}_s' in run}


# Name, records, what the solver is measured against (one of ours), and to what it solves.
SOLVERS = (('quad8-mpi, mesh from a file', 'file', 'file', '1e-8'),
           ('PETSc + BoomerAMG, same system', 'boomeramg', 'file', '1e-8'),
           ('the same, HMIS, ext+i, P_max 4', 'boomeramg-hmis', 'file', '1e-8'),
           ('the same, PMIS, ext+i, P_max 4, agg_nl 1', 'boomeramg-pmis', 'file', '1e-8'),
           ('PETSc + GAMG, same system', 'gamg', 'file', '1e-8'),
           ('quad8-mpi, --refine', 'nested', 'nested', '1e-8'),
           ('quad8-mpi, --refine', 'tight', 'tight', '1e-12'),
           ('quad8-mpi, the square of dolfinx, --refine', 'like_dolfinx', 'like_dolfinx', '1e-8'),
           ('dolfinx + BoomerAMG, square', 'dolfinx', 'like_dolfinx', '1e-8'),
           ('quad8-mpi, the problem of step-37, --refine', 'like_step37', 'like_step37', '1e-12'),
           ('deal.II step-37, square, Q2', 'step37', 'like_step37', '1e-12'),
           ('quad8-mpi, --refine once more', 'larger', 'nested', '1e-8'))


def counted(stages: dict[str, float]) -> float:
    """Returns the sum of the compared stages."""
    return sum(stages[stage] for stage in ('assembly', 'setup', 'solve') if stage in stages)


def unknowns(run: dict[str, Any]) -> int:
    """Returns the number of unknowns of a run."""
    return run['unknowns'] if 'unknowns' in run else run['mesh_info']['used_nodes'] - run['mesh_info']['fixed_nodes']


def growth(folder: Path) -> float | None:
    """Returns the ratio of the seconds an unknown with one refinement more and without, if both were run."""
    if not list(folder.glob('larger_*.json')):
        return None
    small, larger = (median(counted(our_stages(run))/unknowns(run) for run in records(folder, f'{size}_*.json'))
                     for size in ('small', 'larger'))
    return larger/small


def solvers(folder: Path) -> list[dict[str, Any]]:
    """Returns times, sizes and ratio of each solver."""
    found: dict[str, dict[str, Any]] = {}
    for name, pattern, beside, rtol in SOLVERS:
        if not list(folder.glob(f'{pattern}_*.json')):
            continue                       # left out with --without
        runs = records(folder, f'{pattern}_*.json')
        if not all(run['converged'] for run in runs):
            sys.exit(f'{name} did not converge')
        stages = [our_stages(run) if 'timing_metrics' in run else peer_stages(run) for run in runs]
        sums = [counted(t) for t in stages]
        found[pattern] = {'name': name, 'rtol': rtol, 'options': runs[0].get('options', ''), 'unknowns': unknowns(runs[0]), 'iterations': runs[0]['iterations'],
                          **{stage: [t[stage] for t in stages] for stage in stages[0]}, 'counted': sums,
                          'beside': beside, 'ratio': median(found.get(beside, {'counted': sums})['counted'])/median(sums)}
        if 'memory' in runs[0]:
            found[pattern]['start-up'] = start_up(folder, pattern)
            found[pattern]['bytes an unknown'] = median(run['memory']['peak_bytes_sum'] for run in runs)/unknowns(runs[0])
    return list(found.values())


def beside_tuned(found: list[dict[str, Any]]) -> list[str]:
    """Returns a line for each of our runs: its times as parts of setup and solve of the fastest BoomerAMG."""
    tuned = min((entry for entry in found if 'BoomerAMG' in entry['name'] or 'P_max' in entry['name']
                 if entry['beside'] == 'file'), key=lambda entry: median(entry['counted']))
    best = median(tuned['counted'])
    lines = [f'Setup and solve of the fastest BoomerAMG on the same system ({tuned["options"] or "default options"}): {best:.3f} s.']
    for entry in found:
        if entry['beside'] in ('file', 'nested') and 'start-up' in entry:
            command = median(a + b for a, b in zip(entry['start-up'], entry['whole run']))
            lines.append(f'{entry["name"]} to {entry["rtol"]}, {entry["unknowns"]:,} unknowns: assembly, setup and solve take '
                         f'{median(entry["counted"])/best:.2f} of that, the command from start to exit {command:.2f} s, {command/best:.2f} of it.')
    return lines


def operators(ours: list[dict[str, Any]], petsc: list[dict[str, Any]], assembly: dict[str, Any]) -> dict[str, Any]:
    """Compares one product with the operator, in double precision, and the bytes that it reads."""
    products = [run['convergence']['seconds']['operator']/run['iterations'] for run in ours]
    info = ours[0]['mesh_info']
    # 28 numbers and 8 node numbers an element; a number, a column and its part of the offsets an entry.
    our_bytes = (8*info['matrix_nnz'] + 4*8*info['elements'])/info['used_nodes']
    petsc_bytes = (12*assembly['nonzeros'] + 4*assembly['unknowns'])/assembly['unknowns']
    matmult = [run['matmult_s'] for run in petsc]
    return {'ours_s': products, 'petsc_s': matmult, 'speedup': median(matmult)/median(products),
            'bytes an unknown': [our_bytes, petsc_bytes]}


def check(numpy_run: dict[str, Any], ours: list[dict[str, Any]], petsc: list[dict[str, Any]], ranks: int,
          cap: int) -> None:
    """Ends the script where the runs do not solve the same problem in the same way."""
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


def report(folder: Path, ranks: int, cap: int) -> dict[str, Any]:
    """Returns all numbers of the tables."""
    numpy_run, machine = records(folder, 'assembly.json')[0], records(folder, 'versions.json')[0]
    ours, petsc = records(folder, 'quad8_*.json'), records(folder, 'petsc_*.json')
    check(numpy_run, ours, petsc, ranks, cap)
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
    """Formats a table with its columns aligned; the first row is its head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    line = lambda cells: '| ' + ' | '.join([cells[0].ljust(widths[0])] +
                                           [c.rjust(w) for c, w in zip(cells[1:], widths[1:])]) + ' |'
    rule = '| ' + ' | '.join(['-'*widths[0]] + ['-'*(w - 1) + ':' for w in widths[1:]]) + ' |'
    return [line(rows[0]), rule, *map(line, rows[1:])]


def solver_rows(found: list[dict[str, Any]]) -> list[str]:
    """Formats the table of solvers."""
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
    """Formats the table of single products, iterations and assemblies."""
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
    """Formats the published times of the six Python programs on their Y-channel of 338,544 elements beside ours."""
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
    """Formats the whole report."""
    cap = r['max_iterations']
    lines = [f'{r["machine"]}: {r["cpu"]}, {r["cores"]} cores, {r["system"]}',
             f'{r["quad8_mpi"]}; PETSc {r["petsc"]}, NumPy {r["numpy"]}, SciPy {r["scipy"]}; {r["mpi"]}',
             f'{r["elements"]} elements, {r["unknowns"]} unknowns, {r["nonzeros"]} matrix entries; {r["ranks"]} ranks of one '
             f'thread (NumPy: one core), {r["repeats"]} repeats in turn', '',
             *solver_rows(r['solvers']), '',
             'Sums count assembly, setup and solve; PETSc has its matrix already, and step-37 its setup with the assembly.',
             'The whole run goes from the mesh to the results file.', '', *beside_tuned(r['solvers']), '',
             *kernel_rows(r), '', *published_rows(r['solvers'])]
    if r['larger']:
        lines += ['', f'Seconds an unknown with one refinement more: {r["larger"]:.2f} times those without, in turn.']
    if cap:
        lines += ['', f'Jacobi solves stop after {cap} iterations at most, for their time only: u is not compared. '
                      '--max-iterations 0 runs both to convergence.']
    return '\n'.join(lines)
