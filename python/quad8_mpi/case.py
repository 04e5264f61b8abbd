"""Case files: conditions and options, checked and written as TOML."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .errors import FileError, InputError, unknown
from .mesh import Mesh

#: A number, or a formula in x and y, as in ``"2.5*(1 - y^2)"``.
Value: TypeAlias = float | int | str
#: A value, or the data of a mesh: ``{"data": NAME}``.
Coefficient: TypeAlias = Value | Mapping[str, str]
#: k in all directions, ``[kx, ky]`` or ``[kxx, kxy, kyy]``.
Conductivity: TypeAlias = Coefficient | Sequence[Coefficient]
#: ``{"dirichlet": V}``, ``{"robin": {"p": P, "gamma": G}}``, ``{"flow": Q}``, ``{"floating": Q}`` or ``"natural"``.
Condition: TypeAlias = str | Mapping[str, Any]
#: Name of a built-in mesh or channel, path of a mesh file, a mesh from arrays, or a channel with dimensions and size,
#: as in ``{"channel": "venturi", "throat": 0.4, "nodes": 1e6}``.
MeshLike: TypeAlias = "str | os.PathLike[str] | Mesh | Mapping[str, Any]"

#: Meshes inside the program.
BUILT_IN = ("y-channel", "venturi", "backward-step", "elbow", "s-bend", "t-junction")
#: Channels of any dimensions inside the program.
CHANNELS = (
    *("channel", "nozzle", "diffuser", "venturi", "s-bend", "t-junction", "elbow", "backward-step"),
    *("cylinder", "rectangle"),
)
#: Choices of the options that are names.
CHOICES = {
    "geometry": ("plane", "axisymmetric"),
    "physics": ("flow", "heat", "seepage", "electrostatics", "none"),
    "preconditioner": ("multigrid", "jacobi"),
    "operator": ("elements", "assembled"),
}


def mesh_source(mesh: MeshLike, folder: Path) -> str | dict[str, Any]:
    """Returns the mesh as a case file names it; a mesh from arrays is written to the folder first.

    Raises
    ------
    InputError
        The mesh is of another type.
    FileError
        There is no such file or built-in mesh.
    """
    if isinstance(mesh, Mesh):
        path = folder / "mesh.h5"
        mesh.save(path)
        return str(path)
    if isinstance(mesh, Mapping):
        values = {key: value for key, value in mesh.items() if key != "channel"}
        return {"channel": _text("mesh['channel']", mesh.get("channel"))} | {
            _name(key): number(f"mesh[{key!r}]", value) for key, value in values.items()
        }
    if not isinstance(mesh, (str, os.PathLike)):
        raise InputError(f"the mesh is a path, a name or a quad8_mpi.Mesh, not {type(mesh).__name__}")
    name = os.fspath(mesh)
    if os.path.exists(name) and not os.path.isdir(name):
        return os.path.abspath(name)
    if name in BUILT_IN or name in CHANNELS:
        return name
    if os.sep in name or "." in name:
        raise FileError(f"there is no mesh file {name}")
    raise FileError(f"there is no mesh file {name}, and {unknown('built-in mesh', name, (*BUILT_IN, *CHANNELS))}")


def build(
    mesh: str | dict[str, Any],
    boundary: Mapping[str, Condition] | None,
    regions: Mapping[str, Mapping[str, Conductivity]] | None,
    names: Mapping[str, Mapping[str, str]] | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns a case from arguments that are not None, as the tables of a case file.

    Raises
    ------
    InputError
        A name that does not exist, or a value of another type.
    """
    case: dict[str, Any] = {"mesh": mesh}
    for name, table in _TABLES.items():
        values = {key: check(key, options[key]) for key, check in table.items() if options.get(key) is not None}
        if name:
            case[name] = values
        else:
            case |= values
    case["boundary"] = {_name(key): condition(key, c) for key, c in _mapping("boundary", boundary).items()}
    case["region"] = {
        _name(region): _keys(f"regions[{region!r}]", values, {"k": _conductivity, "f": _coefficient})
        for region, values in _mapping("regions", regions).items()
    }
    case["source"] = _wells("wells", options.get("wells"))
    texts = {"name": _text, "unit": _text}
    quantities = dict.fromkeys(("u", "gradient", "flux", "flow"), lambda place, given: _keys(place, given, texts))
    case["names"] = _keys("names", names, quantities)
    return {key: value for key, value in case.items() if value not in ({}, [])}


def condition(boundary: str, given: Condition) -> Any:
    """Returns the condition of a boundary as a case file holds it."""
    place = f"boundary[{boundary!r}]"
    if isinstance(given, str):
        if given != "natural":
            raise unknown(f"condition {place} =", given, ["natural"])
        return given
    if not isinstance(given, Mapping) or len(given) != 1 or "natural" in given:
        raise InputError(f'{place} is {given!r}: write {{"dirichlet": V}}, {{"robin": {{"gamma": G}}}} or "natural"')
    ((kind, data),) = given.items()
    if kind == "dirichlet":
        return {kind: _value(f"{place}['dirichlet']", data)}
    if kind == "robin":
        keys = _keys(f"{place}['robin']", data, {"p": _value, "gamma": _value})
        if "gamma" not in keys:
            raise InputError(f"{place}['robin'] has no 'gamma'")
        return {kind: keys}
    if kind in ("flow", "floating"):
        return {kind: number(f"{place}[{kind!r}]", data)}
    raise unknown(f"condition in {place}:", kind, ("dirichlet", "robin", "flow", "floating"))


def toml(case: Mapping[str, Any]) -> str:
    """Returns a case as text of a case file."""
    return "".join(f"{key} = {_toml(value)}\n" for key, value in case.items())


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _toml(key)


def _mapping(place: str, given: Mapping[Any, Any] | None) -> Mapping[Any, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{place} is a dict, not {type(given).__name__}")
    return given


def _keys(place: str, given: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """Checks the keys and the values of a table."""
    table = _mapping(place, given)
    for key in table:
        if key not in known:
            raise unknown(f"key of {place}:", key, known)
    return {key: known[key](f"{place}[{key!r}]", value) for key, value in table.items()}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise InputError(f"the name of a boundary or region is a text, not {name!r}")
    return name


def _text(place: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"{place} is a text, not {value!r}")
    return value


def number(place: str, value: Any) -> float:
    """Returns a finite number.

    Raises
    ------
    InputError
        The value at this place is no number, or not finite.
    """
    with contextlib.suppress(OverflowError):
        if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    raise InputError(f"{place} is a finite number, not {value!r}")


def _count(place: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise InputError(f"{place} is a whole number from 0, not {value!r}")
    return int(value)


def _value(place: str, value: Any) -> Value:
    return value if isinstance(value, str) else number(place, value)


def _coefficient(place: str, value: Any) -> Coefficient:
    if not isinstance(value, Mapping):
        return _value(place, value)
    data = _keys(place, value, {"data": _text})
    if not data:
        raise InputError(f"{place} has no 'data'")
    return data


def _conductivity(place: str, value: Any) -> Conductivity:
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
        return _coefficient(place, value)
    if len(value) not in (2, 3):
        raise InputError(f"{place} is one value, [kx, ky] or [kxx, kxy, kyy], not {value!r}")
    return [_coefficient(place, component) for component in value]


def _wells(place: str, given: Any) -> list[dict[str, Any]]:
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence | type(None)):
        raise InputError(f'{place} is a list of {{"at": (X, Y), "strength": Q}}, not {given!r}')
    wells = [_keys(f"{place}[{i}]", well, {"at": _point, "strength": number}) for i, well in enumerate(given or [])]
    for i, well in enumerate(wells):
        if missing := {"at", "strength"} - well.keys():
            raise InputError(f"{place}[{i}] has no {min(missing)!r}")
    return wells


def _point(place: str, value: Any) -> list[float]:
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray) or len(value) != 2:
        raise InputError(f"{place} is (x, y), not {value!r}")
    return [number(place, coordinate) for coordinate in value]


def _choice(place: str, value: Any) -> str:
    if not isinstance(value, str) or value not in CHOICES[place]:
        raise unknown(place, value, CHOICES[place])
    return value


#: Tables of a case file with their keys and the checks of their values.
_TABLES: dict[str, dict[str, Any]] = {
    "": {"scale": number, "refine": _count, "physics": _choice, "geometry": _choice},
    "material": {"k": _conductivity, "f": _coefficient},
    "constants": {"gamma": number, "p0": number, "density": number},
    "solver": {
        "rtol": number,
        "max_iterations": _count,
        "preconditioner": _choice,
        "operator": _choice,
        "threads": _count,
        "reproducible": _count,
    },
}
