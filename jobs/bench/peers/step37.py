"""Builds deal.II's own example of matrix-free geometric multigrid (step-37), as Debian ships it, in two dimensions.

Needs libdeal.ii-dev, libdeal.ii-doc (the example's source) and cmake of Debian.
"""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from common import check

SOURCE = Path('/usr/share/doc/libdeal.ii-doc/examples/step-37/step-37.cc')
PROJECT = '''\
cmake_minimum_required(VERSION 3.13)
find_package(deal.II 9.4 REQUIRED)
deal_ii_initialize_cached_variables()
project(step-37 CXX)
add_executable(step-37 step-37.cc)
deal_ii_setup_target(step-37 RELEASE)
'''


def one_solve(source: str, refinements: int) -> str:
    """Returns the source of one solve on 4^refinements Q2 elements of the unit square, without pictures."""
    source = re.sub(r'(dimension *= )3', r'\g<1>2', source)
    source = source.replace('cycle < 9 - dim;', 'cycle < 1;')
    source = source.replace('refine_global(3 - dim)', f'refine_global({refinements - 1})')
    return re.sub(r'.*output_results\(cycle\);.*\n', '', source)


def build(folder: Path, refinements: int) -> Path:
    """Builds the example for one mesh and returns its program."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder/'step-37.cc').write_text(one_solve(SOURCE.read_text(), refinements))
    (folder/'CMakeLists.txt').write_text(PROJECT)
    with (folder/'cmake.log').open('w') as log:
        check(['cmake', '-S', folder, '-B', folder/'build', '-DCMAKE_BUILD_TYPE=Release'], stdout=log)
        check(['cmake', '--build', folder/'build'], stdout=log)
    return folder/'build'/'step-37'


def record(printed: str) -> dict[str, Any]:
    """Returns what a run printed as a record."""
    number = r'([0-9.e+-]+)'
    unknowns = re.search(r'^Number of degrees of freedom: (\d+)', printed, re.MULTILINE)
    setup = re.search(rf'^Total setup time *\(wall\) {number}s$', printed, re.MULTILINE)
    solve = re.search(rf'^Time solve \((\d+) iterations\).*/{number}s$', printed, re.MULTILINE)
    if not (unknowns and setup and solve):
        raise SystemExit(f'step-37 printed no times:\n{printed}')
    return {'unknowns': int(unknowns[1]), 'setup_s': float(setup[1]), 'solve_s': float(solve[2]),
            'iterations': int(solve[1]), 'converged': True}
