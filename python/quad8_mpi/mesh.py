"""Meshes from arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import FileError, InputError

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
#: Test of points: takes arrays x and y and returns an array of booleans.
Predicate: TypeAlias = Callable[[Floats, Floats], ArrayLike]

#: Names in a mesh file that data cannot have.
_OWN = ("x", "y", "quad8", "boundaries", "regions")

#: Nodes of the four edges of an element: both corners and the middle.
_EDGES = ((0, 1, 4), (1, 2, 5), (2, 3, 6), (3, 0, 7))


@dataclass(frozen=True, eq=False)
class Mesh:
    """Mesh of 8-node quadrilaterals, checked by :func:`mesh`.

    Attributes
    ----------
    x, y : ndarray, shape (N,)
        Coordinates of the nodes (m).
    quad8 : ndarray, shape (E, 8)
        Nodes of each element from 0: corners counter-clockwise, then the middles of edges 0-1,
        1-2, 2-3, 3-0.
    boundaries : dict of str to ndarray, shape (M, 2)
        Edges of each boundary by their corner nodes.
    regions : dict of str to ndarray, shape (M,)
        Elements of each region.
    data : dict of str to ndarray, shape (E,) or (N,)
        Values of the elements or of the nodes, for materials.
    """

    x: Floats
    y: Floats
    quad8: Integers
    boundaries: Mapping[str, Integers] = field(default_factory=dict)
    regions: Mapping[str, Integers] = field(default_factory=dict)
    data: Mapping[str, Floats] = field(default_factory=dict)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an HDF5 mesh, as the program reads it.

        Raises
        ------
        FileError
            The file cannot be written.
        """
        try:
            with h5py.File(path, "w") as file:
                file["x"], file["y"], file["quad8"] = self.x, self.y, self.quad8
                for group in ("boundaries", "regions"):
                    for name, array in getattr(self, group).items():
                        file[f"{group}/{name}"] = array
                for name, array in self.data.items():
                    file[name] = array
        except OSError as error:
            raise FileError(f"cannot write {os.fspath(path)}: {error}") from error

    def __repr__(self) -> str:
        names = ", ".join(self.boundaries) or "none"
        return f"Mesh({self.x.size:,} nodes, {len(self.quad8):,} elements, boundaries: {names})"


def mesh(
    x: ArrayLike,
    y: ArrayLike,
    quad8: ArrayLike,
    boundaries: Mapping[str, ArrayLike | Predicate] | None = None,
    regions: Mapping[str, ArrayLike | Predicate] | None = None,
    data: Mapping[str, ArrayLike] | None = None,
) -> Mesh:
    """Returns a mesh from arrays.

    Parameters
    ----------
    x, y : array_like, shape (N,)
        Coordinates of the nodes (m).
    quad8 : array_like of int, shape (E, 8)
        Nodes of each element from 0: corners counter-clockwise, then the middles of edges 0-1,
        1-2, 2-3, 3-0.
    boundaries : dict, optional
        By name: edges as pairs of corner nodes, shape (M, 2); or a function of arrays x and y that
        is true at the middles of the boundary edges to take.
    regions : dict, optional
        By name: elements, shape (M,); or a function of arrays x and y that is true at the centres
        of the elements to take.
    data : dict, optional
        By name: a value for each element or node, for materials, as in ``solve(..., k={"data":
        "k"})``.

    Raises
    ------
    InputError
        An array of another shape or type, a node or an element that does not exist, a name that
        takes no edge or element.

    Examples
    --------
    >>> mesh([0, 1, 1, 0, 0.5, 1, 0.5, 0], [0, 0, 1, 1, 0, 0.5, 1, 0.5], [[0, 1, 2, 3, 4, 5, 6, 7]],
    ...      boundaries={"inlet": lambda x, y: x == 0, "outlet": [[1, 2]]})
    Mesh(8 nodes, 1 elements, boundaries: inlet, outlet)
    """
    xs, ys = _floats("x", x), _floats("y", y)
    if xs.shape != ys.shape:
        raise InputError(f"x has {xs.size} values and y has {ys.size}")
    elements = _integers("quad8", quad8, (-1, 8), xs.size)
    if elements.size == 0:
        raise InputError("quad8 has no element")
    edges = np.concatenate([elements[:, nodes] for nodes in _EDGES])
    edges = edges[np.bincount(edges[:, 2], minlength=xs.size)[edges[:, 2]] == 1]
    middles, centres = edges[:, 2], elements[:, :4]
    named = _named("boundaries", boundaries, edges[:, :2], (xs[middles], ys[middles]), xs.size)
    numbers = np.arange(len(elements))
    places = (xs[centres].mean(axis=1), ys[centres].mean(axis=1))
    parts = _named("regions", regions, numbers, places, len(elements))
    return Mesh(xs, ys, elements, named, parts, _data(data, (len(elements), xs.size)))


def _data(given: Mapping[str, ArrayLike] | None, sizes: tuple[int, int]) -> dict[str, Floats]:
    """Returns the data of the elements or nodes by name."""
    values = {}
    for name, array in (given or {}).items():
        if not isinstance(name, str) or not name or "/" in name or name in _OWN:
            raise InputError(f"the name of data is a text without '/', and none of {', '.join(_OWN)}, not {name!r}")
        values[name] = _floats(f"data[{name!r}]", array)
        if values[name].size not in sizes:
            raise InputError(f"data[{name!r}] has {values[name].size} values, not {sizes[0]} (elements) or {sizes[1]} (nodes)")
    return values


def _named(
    what: str,
    given: Mapping[str, Any] | None,
    everything: Integers,
    places: tuple[Floats, Floats],
    limit: int,
) -> dict[str, Integers]:
    """Returns the parts of the mesh by name, from arrays or from tests of their places."""
    if given is not None and not isinstance(given, Mapping):
        raise InputError(f"{what} is a dict, not {type(given).__name__}")
    parts = {}
    for name, part in (given or {}).items():
        if not isinstance(name, str) or not name or "/" in name:
            raise InputError(f"a name in {what} is a text without '/', not {name!r}")
        place = f"{what}[{name!r}]"
        if callable(part):
            holds = np.broadcast_to(np.asarray(part(*places), dtype=bool), places[0].shape)
            parts[name] = everything[holds]
        else:
            parts[name] = _integers(place, part, (-1, *everything.shape[1:]), limit)
        if len(parts[name]) == 0:
            raise InputError(f"{place} takes nothing")
    return parts


def _floats(name: str, given: ArrayLike) -> Floats:
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is not an array of numbers: {error}") from error
    if array.ndim != 1:
        raise InputError(f"{name} has the shape {array.shape}, not (N,)")
    if not np.isfinite(array).all():
        raise InputError(f"{name}[{np.flatnonzero(~np.isfinite(array))[0]}] is not finite")
    return array


def _integers(name: str, given: ArrayLike, shape: tuple[int, ...], limit: int) -> Integers:
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise InputError(f"{name} is not an array: {error}") from error
    wanted = "(" + ", ".join("M" if n < 0 else str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"
    if array.ndim != len(shape) or array.shape[1:] != shape[1:]:
        raise InputError(f"{name} has the shape {array.shape}, not {wanted}")
    if array.dtype.kind not in "iu":
        raise InputError(f"{name} holds {array.dtype}, not integers")
    if array.size and not (array.min() >= 0 and array.max() < limit):
        raise InputError(f"{name} holds {array.min()} to {array.max()}, not numbers from 0 to {limit - 1}")
    return array.astype(np.int64)
