#!/usr/bin/python3
"""Writes the problems of dolfinx_cg.py and of deal.II's step-37 for quad8-mpi: a square and two case files.

    square.py N FOLDER

writes square.h5, N x N elements of the unit square, and beside it dolfinx.toml and step37.toml, which solve on it.
Needs python3-numpy and python3-h5py of Debian.
"""
import sys
from pathlib import Path

import h5py
import numpy as np

CASES = {
    'dolfinx': '''\
mesh = "square.h5"
boundary = { left = { robin = { p = 0, gamma = 2.5 } }, right = { dirichlet = 0 } }
''',
    'step37': '''\
mesh = "square.h5"
boundary = { left = { dirichlet = 0 }, right = { dirichlet = 0 }, bottom = { dirichlet = 0 }, top = { dirichlet = 0 } }
material = { k = "1/(0.05 + 2*(x^2 + y^2))", f = 1 }
''',
}


def square(n: int) -> dict[str, np.ndarray]:
    """Returns the datasets of a mesh of n x n elements."""
    # The lattice of half an element's side, without the middles of the elements.
    j, i = np.divmod(np.arange((2*n + 1)**2), 2*n + 1)
    kept = (i % 2 == 0) | (j % 2 == 0)
    node = (np.cumsum(kept) - 1).reshape(2*n + 1, 2*n + 1)
    at = lambda di, dj: node[dj:dj + 2*n:2, di:di + 2*n:2].ravel()
    places = ((0, 0), (2, 0), (2, 2), (0, 2), (1, 0), (2, 1), (1, 2), (0, 1))
    sides = {'left': node[::2, 0], 'right': node[::2, -1], 'bottom': node[0, ::2], 'top': node[-1, ::2]}
    return {'x': i[kept]/(2*n), 'y': j[kept]/(2*n), 'quad8': np.stack([at(*place) for place in places], axis=1),
            **{f'boundaries/{name}': np.stack([side[:-1], side[1:]], axis=1) for name, side in sides.items()}}


def main() -> None:
    """Writes the files."""
    n, folder = int(sys.argv[1]), Path(sys.argv[2])
    with h5py.File(folder/'square.h5', 'w') as file:
        for name, values in square(n).items():
            file[name] = values
    for name, text in CASES.items():
        (folder/f'{name}.toml').write_text(text)


if __name__ == '__main__':
    main()
