"""The interface of the Python programs."""

import numpy as np
import pytest

from quad8_mpi import InputError, Quad8FEMSolver, mesh


class Recorder:
    """Progress callback that keeps its calls."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda **arguments: self.calls.append((name, arguments))


@pytest.fixture
def mesh_file(square, tmp_path):
    """Writes the square without names, with a node that no element uses."""
    path = tmp_path / "mesh.h5"
    mesh([*square.x, 0.5], [*square.y, 0.5], square.quad8).save(path)
    return path


def test_the_results_are_those_of_the_python_programs(mesh_file):
    callback = Recorder()
    solver = Quad8FEMSolver(
        mesh_file=mesh_file,
        p0=101328.8281,
        rho=0.6125,
        gamma=2.5,
        rtol=1e-10,
        atol=0.0,
        maxiter=15000,
        bc_tolerance=1e-9,
        cg_print_every=50,
        assembly_print_every=50000,
        num_workers=1,
        batch_size=1000,
        implementation_name="CPU",
        verbose=False,
        progress_callback=callback,
    )
    results = solver.run()
    assert set(results) == {
        *("u", "vel", "abs_vel", "pressure", "converged", "iterations"),
        *("timing_metrics", "solution_stats", "mesh_info", "solver_config"),
    }
    # The node that no element uses is 0.
    assert results["u"] == pytest.approx([2.5, 0, 0, 2.5, 1.25, 0, 1.25, 2.5, 0])
    assert results["vel"] == pytest.approx(np.array([[2.5, 0]]))
    assert results["pressure"] == pytest.approx([101328.8281 - 0.6125 * 2.5**2], abs=1e-6)
    assert results["converged"] is True
    stages = {"load_mesh", "assemble_system", "apply_bc", "solve_system", "compute_derived"}
    assert stages | {"total_workflow", "total_program_time"} <= set(results["timing_metrics"])
    assert all(isinstance(seconds, float) for seconds in results["timing_metrics"].values())
    assert results["solution_stats"]["u_range"] == pytest.approx([0, 2.5])
    assert results["mesh_info"] == {
        "nodes": 9,
        "elements": 1,
        "matrix_nnz": results["mesh_info"]["matrix_nnz"],
        "element_type": "quad8",
        "nodes_per_element": 8,
    }
    assert results["solver_config"]["tolerance"] == 1e-10
    assert (solver.Nnds, solver.Nels) == (9, 1)
    names = [name for name, _ in callback.calls]
    assert names[:3] == ["on_stage_start", "on_stage_complete", "on_mesh_loaded"]
    assert names[-1] == "on_solve_complete"


def test_figures_and_results_are_files(mesh_file, tmp_path, needs):
    needs("matplotlib")
    results = Quad8FEMSolver(mesh_file, verbose=False).run(tmp_path / "figures", tmp_path / "out.h5")
    assert results["export_file"].exists()
    assert set(results["visualization_files"]) == {"u", "speed", "pressure"}
    assert all(path.stat().st_size > 1000 for path in results["visualization_files"].values())


def test_a_run_that_does_not_converge_says_so():
    results = Quad8FEMSolver("y-channel", maxiter=2, verbose=False).run()
    assert results["converged"] is False
    assert results["iterations"] == 2


def test_wrong_arguments_are_named(mesh_file):
    with pytest.raises(TypeError, match="max_iter"):
        Quad8FEMSolver(mesh_file, max_iter=3)
    with pytest.raises(InputError, match="density is a finite number"):
        Quad8FEMSolver(mesh_file, rho=float("nan")).run()
