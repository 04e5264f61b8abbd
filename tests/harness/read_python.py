"""Reads results with h5py and pyvista and prints the values at a point as JSON:

    read_python.py FILE.h5 X Y
"""

import json
import sys

import h5py
import numpy as np
import pyvista

path, point = sys.argv[1], [float(sys.argv[2]), float(sys.argv[3]), 0.0]


def at(points, cells, point_data, cell_data):
    """Returns the values at the node nearest to the point, and of a cell there."""
    node = int(np.argmin(np.linalg.norm(points - point, axis=1)))
    cell = int(np.argmax((cells == node).any(axis=1)))
    values = {name: point_data[name][node] for name in ("u", "vel_node", "abs_vel_node")}
    values |= {name: cell_data[name][cell] for name in ("vel", "abs_vel")}
    return {"at": points[node].tolist(), "cells": len(cells)} | {
        name: np.atleast_1d(value).tolist() for name, value in values.items()
    }


grid = pyvista.read(path.replace(".h5", ".xdmf"))
found = {"pyvista": at(grid.points, grid.cells_dict[pyvista.CellType.QUADRATIC_QUAD], grid.point_data, grid.cell_data)}
line = grid.sample_over_line([point[0], 0.1, 0.0], [point[0], 0.9, 0.0], resolution=4)
found["pyvista"]["sampled"] = line["u"].tolist()
with h5py.File(path) as file:
    data = dict(file.items()) | dict(file["vtk"].items())
    found["h5py"] = at(file["vtk/points"][:], file["quad8"][:], data, data)
print(json.dumps(found))
