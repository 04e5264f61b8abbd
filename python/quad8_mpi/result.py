"""Results of a solve."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import FileError, InputError, unknown
from .program import run, workspace

#: Triangles of an element, by its nodes.
_TRIANGLES = ((0, 4, 7), (1, 5, 4), (2, 6, 5), (3, 7, 6), (4, 5, 6), (4, 6, 7))
#: Datasets of the fields of a plot: at the nodes, or one value an element.
_NODE_FIELDS = {"u": "u", "speed": "abs_vel_node", "pressure": "pressure_node", "flux": "flux_node"}
_ELEMENT_FIELDS = ("error", "partition")
_RANKS_TOLD_APART = 10
#: VTK's number of an 8-node quadrilateral.
_VTK_QUADRATIC_QUAD = 23


class Result:
    """Results of a solve, in the numbering of its mesh. Arrays are read when they are used.

    Any dataset of a results file can be had by its name, as in ``result["vel_node"]``.

    Attributes
    ----------
    path : Path or None
        File of the results; None where ``solve`` had no ``output``.
    record : dict or None
        Run record: times, iterations, statistics, memory, conditions.
    converged : bool
        Whether the iteration reached its tolerance.
    iterations : int
        Iterations of conjugate gradients.
    flow : dict of str to float
        Flow through each boundary, positive into the domain.
    boundaries : dict of str to ndarray, shape (M, 2)
        Edges of each boundary by their corner nodes.
    regions : dict of str to ndarray, shape (M,)
        Elements of each region.
    """

    def __init__(self, source: Path | io.BytesIO, record: dict[str, Any] | None = None) -> None:
        self.path = source if isinstance(source, Path) else None
        self.record = record
        self._source = source
        self._arrays: dict[str, NDArray[Any]] = {}
        try:
            with h5py.File(source, "r") as file:
                run, flow = file["run"].attrs, file["run/flow"].attrs
                self.converged = bool(run["converged"])
                self.iterations = int(run["iterations"])
                self.flow: dict[str, float] = dict(
                    zip(map(str, flow["boundary"]), map(float, flow["flow"]), strict=True)
                )
                self._names: list[str] = [key for key in file if isinstance(file[key], h5py.Dataset)]
                self.boundaries = _arrays(file, "boundaries")
                self.regions = _arrays(file, "regions")
        except (OSError, KeyError) as error:
            raise FileError(f"{self.path or 'the results'} cannot be read as results: {error}") from error

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Returns a dataset.

        Raises
        ------
        InputError
            The results have no such dataset, such as the pressure of another physics than flow.
        """
        if name not in self._arrays:
            if name not in self._names:
                raise unknown("dataset", name, self._names)
            with self._open() as file:
                self._arrays[name] = file[name][()]
        return self._arrays[name]

    @property
    def names(self) -> list[str]:
        """Names of the datasets."""
        return list(self._names)

    @property
    def x(self) -> NDArray[np.float64]:
        """Coordinates x of the nodes (m), shape (N,)."""
        return self["x"]

    @property
    def y(self) -> NDArray[np.float64]:
        """Coordinates y of the nodes (m), shape (N,)."""
        return self["y"]

    @property
    def quad8(self) -> NDArray[np.int32]:
        """Nodes of the elements from 0, shape (E, 8)."""
        return self["quad8"]

    @property
    def u(self) -> NDArray[np.float64]:
        """Potential at the nodes, shape (N,); NaN at nodes that no element uses."""
        return self["u"]

    @property
    def velocity(self) -> NDArray[np.float64]:
        """Velocity -grad u of the elements, mean over the 2x2 Gauss points, shape (E, 2)."""
        return self["vel"]

    @property
    def speed(self) -> NDArray[np.float64]:
        """Speed of the elements, mean over the 2x2 Gauss points, shape (E,)."""
        return self["abs_vel"]

    @property
    def pressure(self) -> NDArray[np.float64]:
        """Pressure of the elements (Pa), shape (E,); of potential flow only."""
        return self["pressure"]

    @property
    def flux(self) -> NDArray[np.float64]:
        """Flux density -k grad u of the elements, shape (E, 2)."""
        return self["flux"] if "flux" in self._names else self.velocity

    @property
    def warnings(self) -> list[str]:
        """Warnings of the run."""
        return list(self.record["warnings"]) if self.record else []

    def label(self, name: str) -> str:
        """Returns the name and the unit of a dataset, as in ``"speed (m/s)"``."""
        if name not in self._names:
            raise unknown("dataset", name, self._names)
        with self._open() as file:
            attributes = file[name].attrs
            text, unit = attributes.get("long_name", name), attributes.get("units", "")
        return f"{text} ({unit})" if unit else str(text)

    def plot(self, field: str = "speed", *, ax: Any = None, mesh: bool = False, **options: Any) -> Any:
        """Plots a field with matplotlib.

        Parameters
        ----------
        field : {"speed", "u", "pressure", "flux", "error", "partition"}
            Field to plot: that at the nodes, but error (over powers of ten) and partition of the
            elements; of the flux its magnitude.
        ax : matplotlib.axes.Axes, optional
            Axes to plot on; new ones otherwise.
        mesh : bool
            Draw the edges of the elements, too.
        **options
            Further arguments of ``tripcolor``, such as ``cmap``.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            There is no such field.
        ImportError
            matplotlib is not installed.
        """
        known = [*_NODE_FIELDS, *_ELEMENT_FIELDS]
        if field not in known:
            raise unknown("field", field, known)
        name = _NODE_FIELDS.get(field, field)
        if field == "flux" and name not in self._names:
            name = "abs_vel_node"
        values = self[name] if self[name].ndim == 1 else np.linalg.norm(self[name], axis=1)
        used, quad8 = np.unique(self.quad8, return_inverse=True)
        x, y, quad8 = self.x[used], self.y[used], quad8.reshape(-1, 8)
        if field in _NODE_FIELDS:
            options = {"shading": "gouraud"} | options
            values = values[used]
        else:
            if not options.keys() & {"norm", "vmin", "vmax"}:
                options = self._colours_of_elements(field) | options
            values = values.repeat(len(_TRIANGLES))
        ax = require("matplotlib.pyplot", "plot").subplots(layout="compressed")[1] if ax is None else ax
        drawn = ax.tripcolor(x, y, quad8[:, _TRIANGLES].reshape(-1, 3), values, **options)
        if mesh:
            ring = quad8[:, [0, 4, 1, 5, 2, 6, 3, 7, 0]]
            collections = require("matplotlib.collections", "plot")
            lines = np.stack([x[ring], y[ring]], axis=-1)
            ax.add_collection(collections.LineCollection(lines, colors="black", linewidths=0.3))
        ax.set(aspect="equal", xlabel="x (m)", ylabel="y (m)")
        ticks = range(self._ranks()) if field == "partition" and self._ranks() <= _RANKS_TOLD_APART else None
        ax.figure.colorbar(drawn, ax=ax, label=self.label(name), ticks=ticks)
        if not self.converged:
            ax.set_title("not converged")
        return ax

    def _colours_of_elements(self, field: str) -> dict[str, Any]:
        """Returns colours over powers of ten for the error, and one for each of a few ranks."""
        colors = require("matplotlib.colors", "plot")
        largest = self["error"].max(initial=0) if field == "error" else 0
        if largest > 0:
            return {"norm": colors.LogNorm(1e-5 * largest, largest, clip=True)}
        if field == "partition" and self._ranks() <= _RANKS_TOLD_APART:
            return {"norm": colors.BoundaryNorm(np.arange(self._ranks() + 1) - 0.5, 256)}
        return {}

    def _ranks(self) -> int:
        return int(self["partition"].max(initial=0)) + 1

    def probe(self, points: ArrayLike) -> dict[str, NDArray[np.float64]]:
        """Evaluates the fields at points, inside the curved elements.

        Parameters
        ----------
        points : array-like, shape (M, 2)
            x and y (m) of the points.

        Returns
        -------
        dict of str to ndarray, shape (M,)
            ``u``, ``velocity_x``, ``velocity_y``, ``speed``, and as far as there are any ``pressure``,
            ``flux_x``, ``flux_y``.

        Raises
        ------
        InputError
            A point lies outside of the domain, or ``points`` has another shape.
        """
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
            raise InputError(f"points have the shape (M, 2), not {points.shape}")
        with workspace() as folder:
            results = self.path or folder / "results.h5"
            if isinstance(self._source, io.BytesIO):
                results.write_bytes(self._source.getvalue())
            np.savetxt(folder / "points.txt", points)
            table = folder / "table.csv"
            command = ["probe", str(results), "--points", str(folder / "points.txt"), "--output", str(table)]
            if error := run(command, 1, folder, None):
                raise error
            columns = np.atleast_1d(np.genfromtxt(table, delimiter=",", names=True))
        return {name: columns[name] for name in columns.dtype.names or () if name not in ("probe", "x", "y", "distance")}

    def to_pyvista(self) -> Any:
        """Returns a pyvista.UnstructuredGrid with all fields; vectors have a third column of zeros.

        Raises
        ------
        ImportError
            pyvista is not installed.
        """
        pyvista = require("pyvista", "pyvista")
        points = np.column_stack([self.x, self.y, np.zeros_like(self.x)])
        cells = np.insert(self.quad8.astype(np.int64), 0, 8, axis=1).ravel()
        grid = pyvista.UnstructuredGrid(cells, np.full(len(self.quad8), _VTK_QUADRATIC_QUAD, np.uint8), points)
        for data, count in ((grid.point_data, len(self.x)), (grid.cell_data, len(self.quad8))):
            for name in self._fields(count):
                values = self[name]
                data[name] = np.insert(values, 2, 0.0, axis=1) if values.ndim == 2 else values
        return grid

    def to_pandas(self, of: str = "nodes") -> Any:
        """Returns a pandas.DataFrame with a row for each node or element.

        Parameters
        ----------
        of : {"nodes", "elements"}
            The columns of a vector end in ``_x`` and ``_y``. Elements have the coordinates of their
            centres.

        Raises
        ------
        InputError
            ``of`` is something else.
        ImportError
            pandas is not installed.
        """
        if of not in ("nodes", "elements"):
            raise unknown("table", of, ("nodes", "elements"))
        pandas = require("pandas", "pandas")
        is_nodes = of == "nodes"
        places = (self.x, self.y) if is_nodes else (v[self.quad8[:, :4]].mean(axis=1) for v in (self.x, self.y))
        columns = dict(zip("xy", places, strict=True))
        for name in self._fields(len(self.x) if is_nodes else len(self.quad8)):
            values = self[name]
            columns |= (
                {name: values}
                if values.ndim == 1
                else {f"{name}_{axis}": v for axis, v in zip("xy", values.T, strict=True)}
            )
        return pandas.DataFrame(columns).rename_axis(index=of.removesuffix("s"))

    def __repr__(self) -> str:
        state = "converged" if self.converged else "NOT converged"
        return f"Result({self.x.size:,} nodes, {len(self.quad8):,} elements, {state} in {self.iterations} iterations)"

    def _open(self) -> h5py.File:
        try:
            return h5py.File(self._source, "r")
        except OSError as error:
            raise FileError(f"cannot read {self.path}: {error}") from error

    def _fields(self, count: int) -> list[str]:
        """Returns the names of the fields with so many values."""
        with self._open() as file:
            names = [name for name in self._names if name not in ("x", "y", "quad8")]
            return [name for name in names if file[name].shape[0] == count]


def read(path: str | os.PathLike[str]) -> Result:
    """Reads a results file of quad8-mpi.

    Parameters
    ----------
    path : path-like
        Results file (OUT.h5).

    Raises
    ------
    FileError
        The file cannot be read, or holds no results.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"the path of results is a text or a path, not {type(path).__name__}")
    return Result(Path(path).absolute())


def _arrays(file: h5py.File, group: str) -> Mapping[str, NDArray[np.int64]]:
    return {name: data[()].astype(np.int64) for name, data in file.get(group, {}).items()}


def require(module: str, extra: str) -> Any:
    """Imports an optional package, or name the extra that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise ImportError(f"this needs {package}: pip install {package}, or 'quad8_mpi[{extra}]'") from error
