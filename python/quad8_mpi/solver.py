"""Solving and checking by the program."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

from .case import Coefficient, Condition, Conductivity, MeshLike, build, mesh_source, number, toml
from .errors import FileError, InputError, LaunchError, Quad8Error
from .program import run, workspace
from .result import Result


class NotConverged(Quad8Error):
    """The iteration did not converge (exit code 1).

    Attributes
    ----------
    result : Result
        Results of the last iterate.
    """

    code = 1

    def __init__(self, message: str, result: Result) -> None:
        super().__init__(message)
        self.result = result


def solve(
    mesh: MeshLike = "y-channel",
    *,
    boundary: Mapping[str, Condition] | None = None,
    ranks: int = 1,
    threads: int | None = None,
    k: Conductivity | None = None,
    f: Coefficient | None = None,
    regions: Mapping[str, Mapping[str, Conductivity]] | None = None,
    wells: Sequence[Mapping[str, Any]] | None = None,
    physics: str | None = None,
    geometry: str | None = None,
    names: Mapping[str, Mapping[str, str]] | None = None,
    scale: float | None = None,
    refine: int | None = None,
    gamma: float | None = None,
    p0: float | None = None,
    density: float | None = None,
    rtol: float | None = None,
    max_iterations: int | None = None,
    preconditioner: str | None = None,
    operator: str | None = None,
    reproducible: int | None = None,
    until_error: float | None = None,
    output: str | os.PathLike[str] | None = None,
    arguments: Sequence[str] = (),
    progress: bool = True,
) -> Result:
    """Solves -div(k grad u) = f on a mesh of 8-node quadrilaterals.

    Arguments that are None have the defaults of the program. Values may be numbers or formulas in x
    and y, as in ``"2.5*(1 - y^2)"``.

    Parameters
    ----------
    mesh : str, path-like or Mesh
        Mesh file (HDF5, Gmsh MSH 4.1, .npz, .xlsx), built-in mesh, channel with dimensions as in
        ``{"channel": "venturi", "throat": 0.4, "nodes": 1e6}``, mesh from :func:`mesh`, or a
        case file (.toml), which then holds all conditions and options.
    boundary : dict, optional
        Condition of each boundary: ``{"dirichlet": V}`` for u = V, ``{"robin": {"p": P, "gamma":
        G}}`` for P u + k du/dn = G (P is 0 if left out), ``{"flow": Q}`` for a total flow,
        ``{"floating": Q}`` for one unknown potential with a total flow, or ``"natural"``.
    ranks : int
        MPI ranks.
    threads : int, optional
        Threads of each rank; by default its share of the cores.
    k, f : float, str or dict, optional
        Conductivity and source of the domain; ``{"data": NAME}`` for data of the mesh. Where k
        depends on the direction, it is ``[kx, ky]`` or ``[kxx, kxy, kyy]``.
    regions : dict, optional
        ``k`` and ``f`` of regions by name, where they differ.
    wells : list of dict, optional
        Sources at points: ``{"at": (x, y), "strength": Q}``, with Q as the flow into the domain.
    physics : {"flow", "heat", "seepage", "electrostatics", "none"}, optional
        Names and units of the results.
    geometry : {"plane", "axisymmetric"}, optional
        In axisymmetric geometry x is the distance from the axis.
    names : dict, optional
        Names and units in their place, as in ``{"u": {"name": "head", "unit": "m"}}``.
    scale : float, optional
        Factor of the coordinates of the mesh.
    refine : int, optional
        How many times every element is split into four.
    gamma : float, optional
        Inflow speed at inlets without a condition (m/s).
    p0, density : float, optional
        Stagnation pressure (Pa) and density (kg/m^3).
    rtol : float, optional
        Relative residual to reach.
    max_iterations : int, optional
        Largest number of iterations.
    preconditioner : {"multigrid", "jacobi"}, optional
    operator : {"elements", "assembled"}, optional
    reproducible : int, optional
        Virtual ranks, for the same bits on any number of ranks.
    until_error : float, optional
        Largest estimated error, relative to the energy norm: the mesh is refined until it is reached.
    output : path-like, optional
        Results file to keep (OUT.h5); otherwise the results are in memory only.
    arguments : sequence of str
        Further arguments of the program, as in ``["--max-time", "10"]``.
    progress : bool
        Show what the program prints.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        The mesh, a name, a condition or an option is wrong.
    NotConverged
        The iteration did not converge, or ``until_error`` was missed; the error holds the results of
        the last iterate.
    FileError
        A file cannot be read or written.
    Stopped
        A signal or ``--max-time`` stopped the run.
    InternalError
        The program failed.
    LaunchError
        The program or its mpirun cannot be started.
    KeyboardInterrupt
        Ctrl-C; all ranks have ended.
    """
    options = {key: value for key, value in locals().items() if key in _OPTIONS}
    _check_call(ranks, arguments, output)
    with workspace() as folder:
        case = _case_file(mesh, folder, boundary, regions, names, options)
        results = folder / "results.h5" if output is None else Path(output).absolute()
        record = folder / "record.json"
        command = ["solve", str(case), "--output", str(results), "--json", str(record), *arguments]
        if until_error is not None:
            command += ["--until-error", repr(number("until_error", until_error))]
        is_kept = output is not None
        error = run(command, int(ranks), folder, _printer(is_kept) if progress else None)
        not_converged = error is not None and error.code == 1 and not isinstance(error, LaunchError)
        if error is not None and not not_converged:
            raise error
        if not results.exists():
            raise InputError(f"the run has written no results: its arguments are {list(arguments)}")
        source = results if is_kept else io.BytesIO(results.read_bytes())
        result = Result(source, json.loads(record.read_text("utf-8")))
        if not_converged:
            # The file of the last iterate is removed; the error holds its results.
            raise NotConverged(str(error).split(" results.h5 holds")[0], result)
        return result


@dataclass(frozen=True)
class CheckReport:
    """Report on a mesh. It is true where the verdict is not ``"bad"``.

    Attributes
    ----------
    verdict : {"good", "doubtful", "bad"}
        ``"doubtful"``: elements are folded that a solve takes.
    errors : list of str
        All that a solve would refuse.
    warnings : list of str
        All that a solve would warn of.
    mesh : dict or None
        The mesh in numbers: nodes, elements, pieces, quality, boundaries, regions, conditions; None
        where it cannot be read.
    """

    verdict: str
    errors: list[str]
    warnings: list[str]
    mesh: dict[str, Any] | None

    def __bool__(self) -> bool:
        return self.verdict != "bad"


def check(
    mesh: MeshLike,
    *,
    boundary: Mapping[str, Condition] | None = None,
    k: Conductivity | None = None,
    f: Coefficient | None = None,
    regions: Mapping[str, Mapping[str, Conductivity]] | None = None,
    scale: float | None = None,
) -> CheckReport:
    """Checks a mesh, and conditions and materials on it, without solving.

    Parameters
    ----------
    mesh, boundary, k, f, regions, scale
        As for :func:`solve`.

    Returns
    -------
    CheckReport

    Raises
    ------
    InputError
        An argument is wrong. What is wrong with the mesh is in the report.
    FileError
        The mesh cannot be read.
    LaunchError
        The program cannot be started.
    """
    options = {key: value for key, value in locals().items() if key in _OPTIONS}
    with workspace() as folder:
        case = _case_file(mesh, folder, boundary, regions, None, options)
        report = folder / "report.json"
        error = run(["check", str(case), "--json", str(report)], 1, folder, None)
        if report.exists():
            found = json.loads(report.read_text("utf-8"))
            return CheckReport(found["verdict"], found["errors"], found["warnings"], found["mesh"])
        raise error or FileError(f"{case} was not checked")


#: Arguments that are options of a case.
_OPTIONS = (
    *("threads", "k", "f", "wells", "physics", "geometry", "scale", "refine", "gamma", "p0", "density"),
    *("rtol", "max_iterations", "preconditioner", "operator", "reproducible"),
)


def _printer(is_kept: bool) -> Callable[[str], None]:
    """Returns what prints a line of the program, without the line of files that are removed."""

    def show(line: str) -> None:
        if line.startswith("warning: "):
            print(line, file=sys.stderr)
        elif is_kept or not line.startswith("files "):
            print(line, flush=True)

    return show


def _check_call(ranks: int, arguments: Sequence[str], output: object) -> None:
    if isinstance(ranks, bool) or not isinstance(ranks, Integral) or ranks < 1:
        raise InputError(f"ranks is a whole number from 1, not {ranks!r}")
    if isinstance(arguments, str) or not all(isinstance(argument, str) for argument in arguments):
        raise InputError(f"arguments is a sequence of texts, not {arguments!r}")
    if not isinstance(output, (str, os.PathLike, type(None))):
        raise InputError(f"the output is a path, not {type(output).__name__}")


def _case_file(
    mesh: MeshLike,
    folder: Path,
    boundary: Mapping[str, Condition] | None,
    regions: Mapping[str, Mapping[str, Conductivity]] | None,
    names: Mapping[str, Mapping[str, str]] | None,
    options: Mapping[str, Any],
) -> Path:
    """Writes a case file into the folder and returns its path, or returns that of the caller."""
    source = mesh_source(mesh, folder)
    if isinstance(source, str) and source.endswith(".toml"):
        given = [key for key, value in options.items() if value is not None]
        given += [key for key, value in {"boundary": boundary, "regions": regions, "names": names}.items() if value]
        if given:
            raise InputError(f"{source} is a case file: {', '.join(given)} belong into it")
        return Path(source)
    path = folder / "arguments.toml"
    path.write_text(toml(build(source, boundary, regions, names, options)), encoding="utf-8")
    return path
