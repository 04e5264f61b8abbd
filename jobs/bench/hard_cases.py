#!/usr/bin/env python3
"""Solves hard problems and compares the solutions with direct ones: slender elements, conductivities that jump, Robin
conditions near zero and near infinity.

Prints a line for each problem and number of ranks: the iterations, the seconds of the solve, the error, which is the
largest difference to the direct solution relative to its largest value, and the preconditioners with the iterations before
each. The direct solution has been refined iteratively with residuals in extended precision. Ends with exit code 1 where a
problem takes more than 30 iterations on one rank or 40 on several, or differs by more than it may. Needs NumPy, SciPy and
h5py.
"""
from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from common import Bench, fail, option_parser, prepared_bench, read_json, run, whole_numbers

try:
    import h5py
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import splu
except ImportError as missing:
    fail(f'{missing}: pip install h5py numpy scipy')

Map = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass
class Case:
    """Problem on the image of a grid over the unit square, with conditions on its left and right sides."""
    size: tuple[int, int]
    map: Map
    #: Conductivity as an expression of the case file, and as a function.
    k: tuple[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = ('1', lambda x, y: np.ones_like(x))
    #: Conditions of the sides.
    left: str = 'robin:0,2.5'
    right: str = 'dirichlet:0'
    #: Number of the lowest edges of the right side that have its condition; None for all edges.
    edges: int | None = None
    #: Largest error. An element with two conductivities loses as many digits of the smaller one as they differ by.
    accuracy: float = 1e-7


def rectangle(length: float, height: float) -> Map:
    return lambda s, t: (length*s, height*t)


def graded(strength: float) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a map of [0, 1] that refines towards 0."""
    return lambda t: 1 + np.tanh(strength*(t - 1))/math.tanh(strength)


def both(strength: float) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a map of [0, 1] that refines towards both ends."""
    return lambda t: 0.5*(1 + np.tanh(strength*(2*t - 1))/math.tanh(strength))


def turned(angle: float, other: Map) -> Map:
    def turn(s: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = other(s, t)
        return x*math.cos(angle) - y*math.sin(angle), x*math.sin(angle) + y*math.cos(angle)
    return turn


def sheared(factor: float, other: Map) -> Map:
    def shear(s: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = other(s, t)
        return x + factor*y, y
    return shear


def ring(inner: float, outer: float, part: float = 0.75) -> Map:
    """Returns a part of a ring, whose sides are radial."""
    def bend(s: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r = inner + (outer - inner)*t
        return r*np.cos(2*math.pi*part*s), r*np.sin(2*math.pi*part*s)
    return bend


def spiral(turns: float, width: float) -> Map:
    def wind(s: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r = 1 + s*turns*2*width + width*t
        return r*np.cos(2*math.pi*turns*s), r*np.sin(2*math.pi*turns*s)
    return wind


def pocket(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.hypot(x - 0.5, y - 0.5) < 0.3


def noise(x: np.ndarray, y: np.ndarray, n: int, decades: float) -> np.ndarray:
    value = np.sin(np.floor(n*x)*12.9898 + np.floor(n*y)*78.233)*43758.5453
    return 10.0**(decades*(value - np.floor(value) - 0.5))


def random_k(n: int, decades: float) -> tuple[str, Callable]:
    value = f'sin(floor({n}*x)*12.9898 + floor({n}*y)*78.233)*43758.5453'
    return f'10^({decades}*({value} - floor({value}) - 0.5))', lambda x, y: noise(x, y, n, decades)


def disk_k(inside: float) -> tuple[str, Callable]:
    return (f'1 + {inside - 1!r}*step(0.3 - hypot(x - 0.5, y - 0.5))',
            lambda x, y: np.where(pocket(x, y), inside, 1.0))


def board_k(n: int, high: float) -> tuple[str, Callable]:
    cell = f'floor({n}*x) + floor({n}*y)'
    return (f'1 + {high - 1!r}*({cell} - 2*floor(0.5*({cell})))',
            lambda x, y: np.where((np.floor(n*x) + np.floor(n*y)) % 2 > 0.5, high, 1.0))


def layers_k(n: int, high: float) -> tuple[str, Callable]:
    cell = f'floor({n}*y)'
    return (f'1 + {high - 1!r}*({cell} - 2*floor(0.5*{cell}))',
            lambda x, y: np.where(np.floor(n*y) % 2 > 0.5, high, 1.0))


def channel_k(inside: float) -> tuple[str, Callable]:
    return (f'1 + {inside - 1!r}*step(0.05 - abs(y - 0.5 - 0.2*sin(9*x)))',
            lambda x, y: np.where(np.abs(y - 0.5 - 0.2*np.sin(9*x)) < 0.05, inside, 1.0))


def smooth_k(decades: float) -> tuple[str, Callable]:
    return (f'10^({decades}*sin(5*x)*cos(4*y)/2)', lambda x, y: 10.0**(decades*np.sin(5*x)*np.cos(4*y)/2))


UNIT = rectangle(1, 1)
CASES: dict[str, Case] = {
    **{f'48 x 48 of {a}:1': Case((48, 48), rectangle(a, 1)) for a in (10, 100, 500, 1000, 10000)},
    **{f'48 x 48 of 1:{a}': Case((48, 48), rectangle(1, a)) for a in (100, 500, 10000)},
    '64 x 64 of 300:1': Case((64, 64), rectangle(300, 1)),
    '256 x 256 of 100:1': Case((256, 256), rectangle(100, 1)),
    '256 x 256 of 1000:1': Case((256, 256), rectangle(1000, 1)),
    '256 x 256 of 10000:1': Case((256, 256), rectangle(10000, 1)),
    '48 x 48 of 500:1 turned by 45': Case((48, 48), turned(math.pi/4, rectangle(500, 1))),
    '48 x 48 of 500:1 sheared': Case((48, 48), sheared(3, rectangle(500, 1))),
    'strip 400 x 4 of 100:1': Case((400, 4), rectangle(1000, 0.1)),
    'strip 1500 x 1': Case((1500, 1), rectangle(1500, 1)),
    'strip 1500 x 1 of 100:1': Case((1500, 1), rectangle(150000, 1)),
    'strip 700 x 3': Case((700, 3), rectangle(700, 3)),
    'strip 700 x 3 of 100:1': Case((700, 3), rectangle(70000, 3)),
    'strip 3 x 700 of 1:100': Case((3, 700), rectangle(3, 70000)),
    'aquifer 200 x 20': Case((200, 20), rectangle(20000, 20)),
    '50 x 90 tanh 7': Case((50, 90), lambda s, t: (3*s, graded(7)(t))),
    '50 x 90 tanh 7 along': Case((90, 50), lambda s, t: (graded(7)(s), t)),
    '60 x 60 both walls': Case((60, 60), lambda s, t: (3*s, both(5)(t))),
    '60 x 60 both ways': Case((60, 60), lambda s, t: (both(5)(s), both(5)(t))),
    'ring 60 x 30 of 200:1': Case((60, 30), ring(1, 1 + 30/60*2*math.pi*0.75/200)),
    'ring 60 x 30 of 1:200': Case((60, 30), ring(1, 1 + 30/60*2*math.pi*0.75*200)),
    'spiral 400 x 6': Case((400, 6), spiral(3, 0.01)),
    'fan 40 x 40': Case((40, 40), lambda s, t: ((0.001 + t)*np.cos(math.pi*s), (0.001 + t)*np.sin(math.pi*s))),
    'disk 1e8': Case((40, 40), UNIT, disk_k(1e8)),
    'disk 1e12': Case((40, 40), UNIT, disk_k(1e12), accuracy=1e-4),
    'disk 1e-8': Case((40, 40), UNIT, disk_k(1e-8), accuracy=1e-5),
    'disk 1e-12': Case((40, 40), UNIT, disk_k(1e-12), accuracy=0.1),
    'board 1e6': Case((48, 48), UNIT, board_k(12, 1e6)),
    'board 1e12': Case((48, 48), UNIT, board_k(12, 1e12)),
    'layers 1e6': Case((48, 48), UNIT, layers_k(12, 1e6)),
    'layers 1e12': Case((48, 48), UNIT, layers_k(12, 1e12)),
    'smooth over 9 decades': Case((64, 64), UNIT, smooth_k(9)),
    'random over 6 decades': Case((48, 48), UNIT, random_k(48, 6)),
    'random over 12 decades': Case((48, 48), UNIT, random_k(48, 12)),
    'channel 1e6': Case((60, 60), UNIT, channel_k(1e6)),
    'channel 1e-9': Case((60, 60), UNIT, channel_k(1e-9), accuracy=1e-4),
    'channel 1e12': Case((60, 60), UNIT, channel_k(1e12), accuracy=1e-3),
    'channel 1e-12': Case((60, 60), UNIT, channel_k(1e-12), accuracy=0.01),
    'outlet of one edge': Case((48, 48), UNIT, edges=1),
    'outlet of one edge, 100:1': Case((48, 48), rectangle(100, 1), edges=1),
    'robin 1e-12': Case((40, 40), UNIT, left='robin:0,1', right='robin:1e-12,0'),
    'robin 1e12': Case((40, 40), UNIT, left='robin:1e12,2.5e12', right='robin:1,0'),
    'robin 1e-6, 100:1': Case((48, 48), rectangle(100, 1), left='robin:0,1', right='robin:1e-6,0'),
    'plain 64 x 64': Case((64, 64), UNIT),
}


def lattice(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns x, y (nodes) and the nodes of the elements (elements, 8)."""
    nx, ny = case.size
    columns = 2*nx + 1
    s, t = np.meshgrid(np.arange(columns)/(2*nx), np.arange(2*ny + 1)/(2*ny))
    x, y = case.map(s.ravel(), t.ravel())
    i, j = np.meshgrid(2*np.arange(nx), 2*np.arange(ny))
    corner = (j*columns + i).ravel()
    steps = [(0, 0), (2, 0), (2, 2), (0, 2), (1, 0), (2, 1), (1, 2), (0, 1)]
    return x, y, np.stack([corner + dj*columns + di for di, dj in steps], axis=1)


def write(case: Case, path: Path) -> None:
    """Writes the mesh with the left side as inlet and the right side as outlet."""
    x, y, quad8 = lattice(case)
    nx, ny = case.size
    rows, outlet = np.arange(ny), np.arange(case.edges or ny)
    with h5py.File(path, 'w') as file:
        file['x'], file['y'], file['quad8'] = x, y, quad8.astype(np.int32)
        for name, element, (a, b) in (('inlet', rows*nx, (3, 0)), ('outlet', outlet*nx + nx - 1, (1, 2))):
            file[f'boundaries/{name}'] = np.stack([quad8[element, a], quad8[element, b]], axis=1).astype(np.int32)


GAUSS = (-math.sqrt(0.6), 0.0, math.sqrt(0.6))
WEIGHTS = (5/9, 8/9, 5/9)
Real = np.longdouble


def derivatives(xi: float, eta: float) -> np.ndarray:
    """Returns the derivatives (8, 2) of the shape functions of Quad8."""
    places = [(-1, -1), (1, -1), (1, 1), (-1, 1), (0, -1), (1, 0), (0, 1), (-1, 0)]
    found = []
    for a, b in places:
        if a and b:
            found.append((a*(1 + b*eta)*(2*a*xi + b*eta)/4, b*(1 + a*xi)*(a*xi + 2*b*eta)/4))
        elif a:
            found.append((a*(1 - eta*eta)/2, -eta*(1 + a*xi)))
        else:
            found.append((-xi*(1 + b*eta), b*(1 - xi*xi)/2))
    return np.array(found, dtype=Real)


def shapes(xi: float, eta: float) -> np.ndarray:
    """Returns the shape functions (8) of Quad8."""
    corners = [(1 + a*xi)*(1 + b*eta)*(a*xi + b*eta - 1)/4 for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return np.array(corners + [(1 - xi*xi)*(1 - eta)/2, (1 + xi)*(1 - eta*eta)/2, (1 - xi*xi)*(1 + eta)/2,
                               (1 - xi)*(1 - eta*eta)/2], dtype=Real)


def element_matrices(case: Case, x: np.ndarray, y: np.ndarray, quad8: np.ndarray) -> np.ndarray:
    """Returns the stiffness matrices (elements, 8, 8) in extended precision."""
    nodes_x, nodes_y = x[quad8].astype(Real), y[quad8].astype(Real)
    matrices = np.zeros((len(quad8), 8, 8), dtype=Real)
    for xi, weight_xi in zip(GAUSS, WEIGHTS):
        for eta, weight_eta in zip(GAUSS, WEIGHTS):
            d, n = derivatives(xi, eta), shapes(xi, eta)
            x_xi, x_eta, y_xi, y_eta = nodes_x @ d[:, 0], nodes_x @ d[:, 1], nodes_y @ d[:, 0], nodes_y @ d[:, 1]
            det = x_xi*y_eta - x_eta*y_xi
            gradients = np.stack([np.outer(y_eta, d[:, 0]) - np.outer(y_xi, d[:, 1]),
                                  np.outer(x_xi, d[:, 1]) - np.outer(x_eta, d[:, 0])], axis=1)/det[:, None, None]
            k = case.k[1]((nodes_x @ n).astype(float), (nodes_y @ n).astype(float)).astype(Real)
            matrices += (weight_xi*weight_eta*np.abs(det)*k)[:, None, None]*np.einsum('edi,edj->eij', gradients, gradients)
    return matrices


def side(case: Case, quad8: np.ndarray, right: bool) -> np.ndarray:
    """Returns the nodes (edges, 3) of a side: end, middle, end."""
    nx, ny = case.size
    elements = np.arange(case.edges or ny)*nx + nx - 1 if right else np.arange(ny)*nx
    return quad8[elements][:, [1, 5, 2] if right else [3, 7, 0]]


def direct_solution(case: Case) -> np.ndarray:
    """Returns u at the nodes of the lattice, refined with residuals in extended precision."""
    x, y, quad8 = lattice(case)
    matrices = element_matrices(case, x, y, quad8)
    b, fixed, edges_of = np.zeros(len(x), dtype=Real), np.zeros(len(x), dtype=bool), []
    u = np.zeros(len(x), dtype=Real)
    for condition, right in ((case.left, False), (case.right, True)):
        kind, values = condition.split(':')
        edges = side(case, quad8, right)
        if kind == 'dirichlet':
            fixed[edges] = True
            u[edges] = float(values)
            continue
        p, gamma = map(float, values.split(','))
        for s, weight in zip(GAUSS, WEIGHTS):
            n = np.array([s*(s - 1)/2, 1 - s*s, s*(s + 1)/2], dtype=Real)
            d = np.array([s - 0.5, -2*s, s + 0.5], dtype=Real)
            length = weight*np.hypot(x[edges].astype(Real) @ d, y[edges].astype(Real) @ d)
            np.add.at(b, edges, gamma*length[:, None]*n)
            edges_of.append((edges, p*length[:, None, None]*np.outer(n, n)))
    blocks = [(quad8, matrices), *edges_of]
    rows = np.concatenate([np.repeat(nodes, nodes.shape[1], axis=1).ravel() for nodes, _ in blocks])
    columns = np.concatenate([np.tile(nodes, (1, nodes.shape[1])).ravel() for nodes, _ in blocks])
    values = np.concatenate([block.ravel() for _, block in blocks])
    free = np.setdiff1d(np.unique(quad8), np.flatnonzero(fixed))
    matrix = coo_matrix((values.astype(float), (rows, columns)), shape=(len(x), len(x))).tocsr()[free][:, free]
    scale = 1/np.sqrt(matrix.diagonal())
    scaled = coo_matrix((matrix.tocoo().data*scale[matrix.tocoo().row]*scale[matrix.tocoo().col],
                         (matrix.tocoo().row, matrix.tocoo().col)), shape=matrix.shape).tocsc()
    factor = splu(scaled, permc_spec='MMD_AT_PLUS_A', diag_pivot_thresh=0.0, options={'SymmetricMode': True})

    def residual() -> np.ndarray:
        r = b.copy()
        # The stiffness has no part in the constant of u: its rows sum to zero.
        np.subtract.at(r, quad8, np.einsum('eij,eij->ei', matrices, u[quad8][:, None, :] - u[quad8][:, :, None]))
        for nodes, block in edges_of:
            np.subtract.at(r, nodes, np.einsum('eij,ej->ei', block, u[nodes]))
        return r[free]

    smallest = math.inf
    for _ in range(200):
        step = scale*factor.solve((scale*residual()).astype(float))
        size = float(np.abs(step).max()/max(np.abs(u + 0).max(), np.abs(step).max()))
        u[free] += step
        if size < 1e-15 or (size > 0.5*smallest and size < 1e-9):
            break
        smallest = min(size, smallest)
    used = np.zeros(len(x), dtype=bool)
    used[quad8] = True
    u[~used] = np.nan
    return u.astype(float)


def solve(bench: Bench, case: Case, ranks: int, options: list[str], exact: np.ndarray | None) -> tuple[str, bool]:
    """Solves a case. Returns what to print and whether it is as it should be."""
    mesh, out, record = bench.work/'mesh.h5', bench.work/'out.h5', bench.work/'run.json'
    for file in (out, record):
        file.unlink(missing_ok=True)
    write(case, mesh)
    command = [bench.program, mesh, '--k', case.k[0], '--bc', f'inlet={case.left}', '--bc', f'outlet={case.right}',
               '-o', out, '--json', record, '--quiet', *options]
    with (bench.work/'stderr').open('w') as stderr:
        code = run(bench.mpirun(ranks, command), limit=600, env=bench.env, stderr=stderr)
    if code:
        return f'exit code {code}: {(bench.work/"stderr").read_text(errors="replace").strip()}', False
    solved = read_json(record)
    used = ', '.join(f'{one["name"]} {one["precision"]} from {one["from_iteration"]}'
                     for one in solved['convergence']['preconditioners'])
    line = f'{solved["iterations"]:3} iterations, {solved["timing_metrics"]["solve_system"]["max"]:.3f} s'
    is_good = solved['iterations'] <= (30 if ranks == 1 else 40)
    if exact is not None:
        with h5py.File(out) as file:
            u = file['u'][:]
        error = np.nanmax(np.abs(u - exact))/np.nanmax(np.abs(exact))
        line += f', error {error:.1e}'
        is_good = is_good and error <= case.accuracy
    return f'{line}, {used}', is_good


def main() -> None:
    """Solves the cases and prints the table."""
    parser = option_parser(__doc__)
    parser.add_argument('--ranks', type=whole_numbers(1), default=[1, 2, 4, 16], metavar='LIST',
                        help='numbers of MPI ranks (default "1 2 4 16")')
    parser.add_argument('--only', default='', metavar='TEXT', help='only the cases whose names contain this text')
    parser.add_argument('--small', action='store_true', help='only the cases of at most 10,000 elements')
    parser.add_argument('--options', default='', metavar='TEXT',
                        help='further options of the program (default "--threads 1"); with --refine and with an assembled '
                             'operator, whose entries are rounded, the solutions are not compared')
    args = parser.parse_args()
    options, is_good = args.options.split() or ['--threads', '1'], True
    with prepared_bench() as bench:
        for name, case in CASES.items():
            if args.only not in name or args.small and math.prod(case.size) > 10_000:
                continue
            exact = None if {'--refine', 'assembled'} & set(options) else direct_solution(case)
            for ranks in args.ranks:
                line, as_expected = solve(bench, case, ranks, options, exact)
                print(f'{name:31} {ranks:2} ranks: {line}{"" if as_expected else "  <--"}', flush=True)
                is_good = is_good and as_expected
    sys.exit(0 if is_good else 1)


if __name__ == '__main__':
    main()
