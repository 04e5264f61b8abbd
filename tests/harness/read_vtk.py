"""Reads a file with the readers of VTK, as ParaView does, and prints its content as JSON:

    read_vtk.py FILE
"""

import json
import sys

from vtkmodules.util.numpy_support import vtk_to_numpy

if sys.argv[1].endswith(".xdmf"):
    from vtkmodules.vtkIOXdmf2 import vtkXdmfReader as Reader
else:
    from vtkmodules.vtkIOHDF import vtkHDFReader as Reader

reader = Reader()
reader.SetFileName(sys.argv[1])
reader.Update()
output = reader.GetOutputDataObject(0)
# Several partitions are concatenated.
is_split = output.IsA("vtkPartitionedDataSet")
grids = [output.GetPartition(i) for i in range(output.GetNumberOfPartitions())] if is_split else [output]
found = {"types": [], "points": [], "cells": [], "point": {}, "cell": {}}
for grid in grids:
    if grid is None or grid.GetNumberOfCells() == 0:
        continue
    first = len(found["points"]) // 3
    found["points"] += vtk_to_numpy(grid.GetPoints().GetData()).ravel().tolist()
    for i in range(grid.GetNumberOfCells()):
        cell = grid.GetCell(i)
        found["types"] = sorted({*found["types"], cell.GetCellType()})
        found["cells"].append([first + cell.GetPointId(a) for a in range(8)])
    for group, data in ("point", grid.GetPointData()), ("cell", grid.GetCellData()):
        for array in (data.GetArray(i) for i in range(data.GetNumberOfArrays())):
            found[group].setdefault(array.GetName(), []).extend(vtk_to_numpy(array).ravel().tolist())
print(json.dumps(found).replace("NaN", "null"))
