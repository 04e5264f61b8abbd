"""Interface of the Python programs that quad8-mpi replaces."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from .result import Result, require
from .solver import NotConverged, solve

#: Stages of the Python programs, in their order.
_STAGES = ("load_mesh", "assemble_system", "apply_bc", "solve_system", "compute_derived")
#: Fields that ``run(output_dir=...)`` plots.
_FIGURES = ("u", "speed", "pressure")


class Quad8FEMSolver:
    """Solver with the arguments and the results of the Python programs.

    ``from quad8_mpi import Quad8FEMSolver`` takes the place of their imports, under whatever name
    they had (``Quad8FEMSolverNumba`` and others).

    Parameters
    ----------
    mesh_file : path-like
        Mesh file (.h5, .npz, .xlsx, .msh).
    p0 : float
        Stagnation pressure (Pa).
    rho : float
        Half of the density (kg/m^3), since the pressure is p0 - rho speed^2.
    gamma : float
        Inflow speed (m/s).
    rtol : float
        Relative residual to reach.
    maxiter : int
        Largest number of iterations.
    num_workers : int, optional
        Threads of each rank; by default its share of the cores.
    verbose : bool
        Show what the program prints.
    progress_callback : object, optional
        Its methods ``on_stage_start``, ``on_stage_complete``, ``on_mesh_loaded`` and
        ``on_solve_complete`` are called when the run has ended. ``on_iteration`` is not called.
    ranks : int
        MPI ranks.
    implementation_name : str
        Part of the names of figures.
    atol, bc_tolerance, cg_print_every, assembly_print_every, batch_size : optional
        Without meaning here.

    Attributes
    ----------
    x, y, quad8, Nnds, Nels
        The mesh, after a run.
    u, vel, abs_vel, pressure, converged, iterations, timing_metrics
        As in the results, after a run.
    result : quad8_mpi.Result
        All results, after a run.
    """

    def __init__(
        self,
        mesh_file: str | os.PathLike[str],
        p0: float = 101328.8281,
        rho: float = 0.6125,
        gamma: float = 2.5,
        rtol: float = 1e-8,
        *,
        maxiter: int = 15000,
        num_workers: int | None = None,
        verbose: bool = True,
        progress_callback: Any = None,
        ranks: int = 1,
        implementation_name: str = "MPI",
        atol: float = 0.0,
        bc_tolerance: float = 1e-9,
        cg_print_every: int = 50,
        assembly_print_every: int = 50000,
        batch_size: int = 1000,
    ) -> None:
        self.program_start_time = time.perf_counter()
        self.mesh_file = Path(mesh_file)
        self.p0, self.rho, self.gamma = p0, rho, gamma
        self.rtol, self.maxiter = rtol, maxiter
        self.num_workers, self.ranks = num_workers, ranks
        self.verbose = verbose
        self.progress_callback = progress_callback
        self.implementation_name = implementation_name

    def run(
        self,
        output_dir: str | os.PathLike[str] | None = None,
        export_file: str | os.PathLike[str] | None = None,
    ) -> dict[str, Any]:
        """Solves, and returns the results of the Python programs.

        Parameters
        ----------
        output_dir : path-like, optional
            Folder for figures of u, speed and pressure (with matplotlib).
        export_file : path-like, optional
            Results file to keep (.h5).

        Returns
        -------
        dict
            ``u``, ``vel``, ``abs_vel``, ``pressure``, ``converged``, ``iterations``,
            ``timing_metrics`` (s, of the slowest rank), ``solution_stats``, ``mesh_info``,
            ``solver_config``; with the arguments also ``visualization_files`` and ``export_file``.
            A run that does not converge is no error here: ``converged`` is False.

        Raises
        ------
        Quad8Error
            All errors of :func:`quad8_mpi.solve` but NotConverged.
        """
        if output_dir is not None:
            require("matplotlib.pyplot", "plot")
        try:
            self.result = solve(
                self.mesh_file,
                p0=self.p0,
                density=2 * self.rho,
                gamma=self.gamma,
                rtol=self.rtol,
                max_iterations=self.maxiter,
                ranks=self.ranks,
                threads=self.num_workers,
                output=export_file,
                progress=self.verbose,
            )
        except NotConverged as error:
            self.result = error.result
        results = self._results(self.result)
        if output_dir is not None:
            results["visualization_files"] = self._draw(Path(output_dir))
        if export_file is not None:
            results["export_file"] = Path(export_file)
        if self.progress_callback is not None:
            self._report(results)
        return results

    def _results(self, result: Result) -> dict[str, Any]:
        """Returns the dictionary of the Python programs, and keeps its arrays."""
        record = result.record or {}
        self.x, self.y, self.quad8 = result.x, result.y, result.quad8
        self.Nnds, self.Nels = len(self.x), len(self.quad8)
        # Nodes that no element uses are 0 in the Python programs.
        self.u = np.nan_to_num(result.u, nan=0.0)
        self.vel, self.abs_vel, self.pressure = result.velocity, result.speed, result.pressure
        self.converged, self.iterations = result.converged, result.iterations
        self.timing_metrics = {stage: times["max"] for stage, times in record["timing_metrics"].items()}
        self.timing_metrics["total_program_time"] = time.perf_counter() - self.program_start_time
        stats, config = record["solution_stats"], record["solver_config"]
        return {
            "u": self.u,
            "vel": self.vel,
            "abs_vel": self.abs_vel,
            "pressure": self.pressure,
            "converged": self.converged,
            "iterations": self.iterations,
            "timing_metrics": self.timing_metrics,
            "solution_stats": {
                key: stats[key] for key in ("u_range", "u_mean", "u_std", "final_residual", "relative_residual")
            },
            "mesh_info": {
                "nodes": self.Nnds,
                "elements": self.Nels,
                "matrix_nnz": record["mesh_info"]["matrix_nnz"],
                "element_type": "quad8",
                "nodes_per_element": 8,
            },
            "solver_config": {
                "linear_solver": "cg",
                "tolerance": config["rtol"],
                "max_iterations": config["max_iterations"],
                "preconditioner": config["preconditioner"],
            },
        }

    def _draw(self, folder: Path) -> dict[str, Path]:
        """Plots the fields and returns their files."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {}
        for field in _FIGURES:
            figure = self.result.plot(field).figure
            files[field] = folder / f"{field}_{self.implementation_name}.png"
            figure.savefig(files[field], dpi=150)
            require("matplotlib.pyplot", "plot").close(figure)
        return files

    def _report(self, results: dict[str, Any]) -> None:
        """Calls the methods of the progress callback."""
        callback = self.progress_callback
        for stage in _STAGES:
            callback.on_stage_start(stage=stage)
            callback.on_stage_complete(stage=stage, duration=self.timing_metrics[stage])
            if stage == "load_mesh":
                callback.on_mesh_loaded(
                    nodes=self.Nnds,
                    elements=self.Nels,
                    coordinates={"x": self.x.tolist(), "y": self.y.tolist()},
                    connectivity=self.quad8.tolist(),
                )
        keys = ("converged", "iterations", "timing_metrics", "solution_stats", "mesh_info")
        callback.on_solve_complete(**{key: results[key] for key in keys})
