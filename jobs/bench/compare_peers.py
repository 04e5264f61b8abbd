#!/usr/bin/env python3
"""Times quad8-mpi beside its peers on this machine, in turn, and prints medians and ratios.

The peers are PETSc's CG on the same system (with Jacobi, GAMG, and BoomerAMG by default and tuned), dolfinx with BoomerAMG and deal.II's
matrix-free multigrid (step-37) on squares of about as many unknowns, where quad8-mpi solves their problem to their
residual, NumPy/SciPy assembly, and the published figures of the Python programs that this one replaces.

Debian 12; as root or with sudo it installs what is missing. Leave the machine alone meanwhile: all need its bandwidth.
"""
from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from common import (JOBS, Bench, check, fail, option_parser, output_of, prepared_bench, read_json, run, say,
                    whole_number)
from peers import report, step37

PYTHON = '/usr/bin/python3'     # Debian's, which sees Debian's packages; another one may come first in PATH
PEERS = Path(__file__).resolve().parent/'peers'
# PETSc's defaults, and what the manual of hypre recommends for large problems, without and with an aggressive level.
BOOMERAMG = {
    'boomeramg': (),
    'boomeramg-hmis': ('-pc_hypre_boomeramg_coarsen_type', 'HMIS', '-pc_hypre_boomeramg_interp_type', 'ext+i',
                       '-pc_hypre_boomeramg_P_max', '4'),
    'boomeramg-pmis': ('-pc_hypre_boomeramg_coarsen_type', 'PMIS', '-pc_hypre_boomeramg_interp_type', 'ext+i',
                       '-pc_hypre_boomeramg_P_max', '4', '-pc_hypre_boomeramg_agg_nl', '1'),
}
OPTIONAL = ('dolfinx', 'dealii', 'larger')


def left_out(text: str) -> set[str]:
    """Parses the value of --without."""
    names = set(text.split(','))
    if not names <= set(OPTIONAL):
        raise argparse.ArgumentTypeError(f"takes some of {', '.join(OPTIONAL)}, not '{text}'")
    return names


def mesh_file(text: str) -> Path:
    """Parses the value of --mesh."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"no mesh file '{text}'")
    return Path(text).resolve()


def output_file(text: str) -> Path:
    """Parses the value of --output."""
    if not Path(text).parent.is_dir():
        raise argparse.ArgumentTypeError(f"no folder for '{text}'")
    return Path(text).resolve()


def parse_arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = option_parser(__doc__)
    parser.add_argument('--ranks', type=whole_number(1), default=2, metavar='N',
                        help='MPI ranks of all solvers, one thread each (default 2)')
    parser.add_argument('--refine', type=whole_number(0), default=3, metavar='K',
                        help='uniform refinements of the mesh (default 3)')
    parser.add_argument('--repeats', type=whole_number(1), default=5, metavar='N',
                        help='runs of each solver, in turn; the table shows medians (default 5)')
    parser.add_argument('--mesh', type=mesh_file, metavar='FILE', help='HDF5 mesh (default: the built-in Y-channel)')
    parser.add_argument('--max-iterations', type=whole_number(0), default=500, metavar='N',
                        help='stop the Jacobi solves there, since the time of an iteration needs no full solve; u is '
                             'then not compared; 0 = run both to convergence and compare u (default 500)')
    parser.add_argument('--without', type=left_out, default=set(), metavar='LIST',
                        help='leave out dolfinx, dealii (a download of 260 MB) or larger (the run with one refinement '
                             'more)')
    parser.add_argument('--output', type=output_file, metavar='FILE', help='also write every number as JSON')
    return parser.parse_args()


def install(without: set[str]) -> None:
    """Installs the packages of the peers, where they are missing."""
    packages = ['python3-petsc4py', 'python3-h5py', 'python3-scipy', 'python3-numpy']
    if 'dolfinx' not in without:
        packages += ['python3-dolfinx']
    if 'dealii' not in without:
        packages += ['libdeal.ii-dev', 'libdeal.ii-doc', 'cmake']
    check([JOBS/'install.sh', *packages], limit=None)


class Comparison:
    """The runs of a comparison; each writes NAME.json into the folder of the bench."""

    def __init__(self, bench: Bench, args: argparse.Namespace) -> None:
        self.bench, self.args = bench, args
        self.mesh = [str(args.mesh)] if args.mesh else []
        bench.env |= {f'{library}_NUM_THREADS': '1' for library in ('OMP', 'OPENBLAS', 'MKL')}

    def path(self, name: str) -> Path:
        """Returns the path of a file in the folder of the bench."""
        return self.bench.work/name

    def printed(self, name: str, command: list[str | Path], ranks: int | None = None) -> Path:
        """Runs a command, on so many ranks if given, and returns the file that holds what it printed."""
        with self.path(name).open('w') as file:
            check(self.bench.mpirun(ranks, command) if ranks else command, env=self.bench.env, stdout=file)
        return self.path(name)

    def jacobi(self, name: str, iterations: int) -> None:
        """Solves with Jacobi; 0 iterations: to convergence. A capped run may end unconverged, with exit code 1."""
        limit = ['--max-iterations', str(iterations)] if iterations else []
        record = self.path(f'{name}.json')
        command = [self.bench.program, *self.mesh, '--refine', str(self.args.refine), '--preconditioner', 'jacobi',
                   '--threads', '1', '--rtol', '1e-8', *limit, '-o', self.path('xl.h5'), '--json', record, '--quiet']
        with self.path('stderr').open('w') as stderr:
            code = run(self.bench.mpirun(self.args.ranks, command), env=self.bench.env, stderr=stderr)
        if code not in ((0, 1) if iterations else (0,)) or not record.is_file():
            say(self.path('stderr').read_text(errors='replace'))
            fail(f'quad8-mpi ended with exit code {code}')

    def multigrid(self, name: str, *options: str | Path) -> None:
        """Solves with multigrid, and writes the seconds of the whole command beside the record."""
        record, start = self.path(f'{name}.json'), time.perf_counter()
        self.bench.solve(self.args.ranks, *options, '-o', self.path('out.h5'), '--json', record)
        self.path(f'{name}.json.clock').write_text(f'{time.perf_counter() - start}\n')

    def refined(self, name: str, more: int = 0, *options: str) -> None:
        """Solves with multigrid on the refined mesh, with so many refinements more."""
        self.multigrid(name, *self.mesh, '--refine', str(self.args.refine + more), *options)

    def petsc(self, name: str, *options: str) -> None:
        """Solves the system of the assembly with PETSc."""
        command = [PYTHON, PEERS/'petsc_cg.py', self.path('system.npz'), '-ksp_type', 'cg', *options]
        self.printed(f'{name}.json', command, self.args.ranks)

    def assemble(self) -> int:
        """Makes mesh and system of the peers, and returns the number of unknowns."""
        say('Mesh')
        self.jacobi('mesh', 1)
        say('Assembly in NumPy/SciPy')
        versions = read_json(self.printed('versions.json', [PYTHON, PEERS/'versions.py']))
        programs = {'quad8_mpi': [self.bench.program, '--version'], 'mpi': ['mpirun', '--version']}
        versions |= {name: output_of(command).splitlines()[0] for name, command in programs.items()}
        self.path('versions.json').write_text(json.dumps(versions))
        command = [PYTHON, PEERS/'numpy_assembly.py', self.path('xl.h5'), self.path('system.npz')]
        return read_json(self.printed('assembly.json', command))['unknowns']

    def same_system(self, i: int) -> None:
        """Solves the same system by PETSc and by quad8-mpi, in turn."""
        cap = self.args.max_iterations
        self.petsc(f'petsc_{i}', '-pc_type', 'jacobi', *(['-ksp_max_it', str(cap)] if cap else []))
        self.jacobi(f'quad8_{i}', cap)
        for name, options in BOOMERAMG.items():
            self.petsc(f'{name}_{i}', '-pc_type', 'hypre', '-pc_hypre_type', 'boomeramg', *options)
        self.multigrid(f'file_{i}', self.path('xl.h5'))
        self.petsc(f'gamg_{i}', '-pc_type', 'gamg')
        self.refined(f'nested_{i}')
        self.refined(f'tight_{i}', 0, '--rtol', '1e-12')

    def dolfinx(self, i: int, side: int, levels: int) -> None:
        """Solves on a square of elements by dolfinx and by quad8-mpi."""
        self.printed(f'dolfinx_{i}.json', [PYTHON, PEERS/'dolfinx_cg.py', str(side << levels)], self.args.ranks)
        self.multigrid(f'like_dolfinx_{i}', 'solve', self.path('dolfinx.toml'), '--refine', str(levels))

    def dealii(self, i: int, program: Path, levels: int) -> None:
        """Solves the problem of step-37 by deal.II and by quad8-mpi."""
        printed = self.printed('step37.log', [program], self.args.ranks).read_text()
        self.path(f'step37_{i}.json').write_text(json.dumps(step37.record(printed)))
        self.multigrid(f'like_step37_{i}', 'solve', self.path('step37.toml'), '--refine', str(levels),
                       '--rtol', '1e-12')

    def run(self) -> None:
        """Runs all solvers in turn."""
        side, levels, q2_levels = report.squares(self.assemble())
        check([PYTHON, PEERS/'square.py', str(side), self.bench.work])
        without, rounds = self.args.without, range(1, self.args.repeats + 1)
        if 'dealii' not in without:
            say("deal.II's step-37")
            program = step37.build(self.path('step37'), q2_levels)
        for i in rounds:
            say(f'Solve {i} of {self.args.repeats}')
            self.same_system(i)
            if 'dolfinx' not in without:
                self.dolfinx(i, side, levels)
            if 'dealii' not in without:
                self.dealii(i, program, levels)
        # One refinement more beside none: both meet the same memory, and not what the peers leave of it.
        for i in rounds if 'larger' not in without else ():
            say(f'Sizes {i} of {self.args.repeats}')
            self.refined(f'small_{i}')
            self.refined(f'larger_{i}', 1)


def main() -> None:
    """Installs the peers, runs all solvers and prints the tables."""
    args = parse_arguments()
    install(args.without)
    output_of([PYTHON, PEERS/'versions.py'])
    with prepared_bench() as bench:
        Comparison(bench, args).run()
        result = report.report(bench.work, args.ranks, args.max_iterations)
    print(report.table(result))
    if args.output:
        args.output.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
