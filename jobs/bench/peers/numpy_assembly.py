#!/usr/bin/python3
"""Times assembly in NumPy/SciPy on one core, and makes the system for the other peers.

    numpy_assembly.py MESH.h5 SYSTEM.npz [--repeats 3]

Times the assembly of a mesh (x, y, quad8) in two ways: `plain`, whole-mesh einsum as one would write it first, and
`tuned`, blocks that fit the cache and one batched product for all Gauss points. Eliminates the outlet symmetrically,
orders the unknowns by reverse Cuthill-McKee, saves the system, and prints one JSON line. The problem is the default of
quad8-mpi: k = 1, inflow gamma = 2.5 at the smallest x, u = 0 at the largest x.
Needs python3-numpy, python3-scipy and python3-h5py of Debian.
"""
import argparse
import json
import sys
import time
from typing import Any, Callable

import numpy as np

GAMMA = 2.5            # inflow speed, m/s
EDGE_TOLERANCE = 1e-3  # how near to the smallest or largest x, in lengths of the edge
BLOCK = 4096           # elements whose arrays fit the second-level cache
EDGES = ((0, 4, 1), (1, 5, 2), (2, 6, 3), (3, 7, 0))
GAUSS = ((-np.sqrt(0.6), 5 / 9), (0.0, 8 / 9), (np.sqrt(0.6), 5 / 9))
GAUSS_POINTS = [(xi, eta, wx * wy) for xi, wx in GAUSS for eta, wy in GAUSS]


def shape_derivatives(xi: float, eta: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns dN/dxi and dN/deta of the eight serendipity functions: corners, then the middles of edges 0-1, 1-2, 2-3, 3-0."""
    dxi = np.array([(2*xi + eta)*(1 - eta)/4, (2*xi - eta)*(1 - eta)/4, (2*xi + eta)*(1 + eta)/4,
                    (2*xi - eta)*(1 + eta)/4, -xi*(1 - eta), (1 - eta**2)/2, -xi*(1 + eta), -(1 - eta**2)/2])
    deta = np.array([(2*eta + xi)*(1 - xi)/4, (2*eta - xi)*(1 + xi)/4, (2*eta + xi)*(1 + xi)/4,
                     (2*eta - xi)*(1 - xi)/4, -(1 - xi**2)/2, -eta*(1 + xi), (1 - xi**2)/2, -eta*(1 - xi)])
    return dxi, deta


def gradients(ex: np.ndarray, ey: np.ndarray, xi: float, eta: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns dN/d(x, y) (E, 8, 2) and |det J| (E); the absolute value makes clockwise elements count as they should."""
    dxi, deta = shape_derivatives(xi, eta)
    x_xi, x_eta, y_xi, y_eta = ex @ dxi, ex @ deta, ey @ dxi, ey @ deta
    det = x_xi*y_eta - x_eta*y_xi
    grad = np.empty((*ex.shape, 2))
    grad[:, :, 0] = np.multiply.outer(y_eta/det, dxi) - np.multiply.outer(y_xi/det, deta)
    grad[:, :, 1] = np.multiply.outer(x_xi/det, deta) - np.multiply.outer(x_eta/det, dxi)
    return grad, np.abs(det)


def stiffness_plain(ex: np.ndarray, ey: np.ndarray) -> np.ndarray:
    """Returns element matrices (E, 8, 8): one einsum over the whole mesh per Gauss point."""
    k = np.zeros((len(ex), 8, 8))
    for xi, eta, weight in GAUSS_POINTS:
        grad, det = gradients(ex, ey, xi, eta)
        k += np.einsum('e,eia,eja->eij', weight*det, grad, grad)
    return k


def stiffness_tuned(ex: np.ndarray, ey: np.ndarray) -> np.ndarray:
    """Returns the same, a block at a time: the weighted gradients of all nine points side by side, B (8, 18), and B B'."""
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
    """Returns the global matrix in CSR form: element matrices, triplets, sum."""
    from scipy.sparse import coo_matrix
    k = kernel(x[quad8], y[quad8])
    rows, cols = np.repeat(quad8, 8, axis=1), np.tile(quad8, (1, 8))
    return coo_matrix((k.ravel(), (rows.ravel(), cols.ravel())), shape=(x.size, x.size)).tocsr()


def boundary(x: np.ndarray, y: np.ndarray, quad8: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the load vector (N) of the inlet edges and the nodes of the outlet edges."""
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
    """Times both assemblies, saves the system and returns sizes and seconds."""
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


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mesh')
    parser.add_argument('system')
    parser.add_argument('--repeats', type=int, default=3)
    args = parser.parse_args()
    print(json.dumps(assemble(args.mesh, args.system, args.repeats)))
