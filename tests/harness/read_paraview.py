"""Opens a file in ParaView and prints the values at a point as JSON:

    pvpython read_paraview.py FILE X Y READER...

READER is the name of a reader, or 'default' for the one that ParaView chooses.
"""

import json
import os
import sys

from paraview import servermanager, simple

# The Xdmf3 readers find the data only beside an absolute path.
path = os.path.abspath(sys.argv[1])
point = [float(sys.argv[2]), float(sys.argv[3]), 0.0]


def open_with(reader):
    """Opens the file with a reader."""
    if reader == "default":
        return simple.OpenDataFile(path)
    files = "FileNames" if reader == "XDMFReader" else "FileName"
    return getattr(simple, reader)(**{files: [path]})


def values(data, row):
    """Returns the arrays of a data set at one point or cell, by name."""
    arrays = (data.GetArray(i) for i in range(data.GetNumberOfArrays()))
    return {array.GetName(): list(array.GetTuple(row)) for array in arrays}


def flow(source):
    """Returns the number of points of all arrows, and the bounds of stream lines from the left."""
    vectors = ["POINTS", "vel_node"]
    glyph = simple.Glyph(Input=source, GlyphType="Arrow", OrientationArray=vectors, ScaleArray=vectors)
    lines = simple.StreamTracer(Input=source, Vectors=vectors, SeedType="Line")
    left, right, low, high = source.GetDataInformation().GetBounds()[:4]
    x, margin = left + 0.05 * (right - left), 0.1 * (high - low)
    lines.SeedType.Point1, lines.SeedType.Point2 = [x, low + margin, 0.0], [x, high - margin, 0.0]
    lines.SeedType.Resolution = 4
    for filter in glyph, lines:
        filter.UpdatePipeline()
    return {
        "arrows": glyph.GetDataInformation().GetNumberOfPoints(),
        "streams": list(lines.GetDataInformation().GetBounds()),
    }


found = {}
for reader in sys.argv[4:]:
    source = open_with(reader)
    source.UpdatePipeline()
    grid = servermanager.Fetch(source)
    node = grid.FindPoint(point)
    cell = next(c for c in range(grid.GetNumberOfCells()) if node in map(grid.GetCell(c).GetPointId, range(8)))
    found[reader] = {
        "type": grid.GetCellType(0),
        "cells": grid.GetNumberOfCells(),
        "at": list(grid.GetPoint(node)),
        **values(grid.GetPointData(), node),
        **values(grid.GetCellData(), cell),
        **flow(source),
    }
print(json.dumps(found))
