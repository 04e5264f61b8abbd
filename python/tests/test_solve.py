"""Solving and checking: meshes, conditions, options and what is printed."""

import subprocess

import numpy as np
import pytest

import quad8_mpi


def test_the_flow_between_two_sides_is_that_of_the_conditions(square):
    result = quad8_mpi.solve(square, boundary={"inlet": {"robin": {"gamma": 2.5}}, "outlet": {"dirichlet": 0}})
    assert result.converged
    assert result.flow == pytest.approx({"inlet": 2.5, "outlet": -2.5})
    assert result.u == pytest.approx(2.5 * (1 - square.x))
    assert result.velocity == pytest.approx(np.array([[2.5, 0.0]]), abs=1e-6)


def test_ranks_give_the_same_solution(channel, capsys):
    result = quad8_mpi.solve("y-channel", ranks=2)
    assert result.u == pytest.approx(channel.u, abs=1e-6)
    assert result.record["parallel"]["ranks"] == 2
    printed = capsys.readouterr()
    assert "converged in" in printed.out
    assert "\nfiles " not in printed.out
    assert printed.err == ""


def test_without_progress_nothing_is_printed(square, capfd):
    quad8_mpi.solve(square, progress=False)
    assert capfd.readouterr() == ("", "")


def test_warnings_are_printed_and_kept(square, capsys):
    clockwise = quad8_mpi.mesh(square.x, square.y, square.quad8[:, [0, 3, 2, 1, 7, 6, 5, 4]], square.boundaries)
    result = quad8_mpi.solve(clockwise)
    assert "warning: " in capsys.readouterr().err
    assert "clockwise" in result.warnings[0]


def test_all_options_reach_the_program(square):
    result = quad8_mpi.solve(
        square,
        boundary={"inlet": {"robin": {"p": 1, "gamma": "2*(1 + 0*x)"}}, "outlet": {"dirichlet": np.float32(0.5)}},
        k=2,
        f="1 + x",
        regions={"all": {"k": 3}},
        physics="heat",
        names={"u": {"name": 'the "T"', "unit": "°C"}},
        scale=2,
        refine=np.int64(1),
        gamma=1.5,
        p0=10,
        density=2,
        rtol=1e-9,
        max_iterations=50,
        preconditioner="jacobi",
        operator="assembled",
        threads=1,
        arguments=["--partitioner", "metis"],
        progress=False,
    )
    config, conditions = result.record["solver_config"], result.record["conditions"]
    assert result.label("u") == 'the "T" (°C)'
    assert result.x.max() == 2
    assert len(result.quad8) == 4
    assert result.record["conductivity_range"] == [3, 3]
    assert {(c["boundary"], c["source"]) for c in conditions} >= {("inlet", "case"), ("outlet", "case")}
    assert result.flow["outlet"] != 0
    given = {"rtol": 1e-9, "max_iterations": 50, "preconditioner": "jacobi", "operator": "assembled"}
    assert given.items() <= config.items()


def test_a_conductivity_may_depend_on_the_direction(square):
    boundary = {"inlet": {"robin": {"gamma": -1.75}}, "outlet": {"dirichlet": "x - 0.5*y"}}
    result = quad8_mpi.solve(square, boundary=boundary, k=[2, "0.5", np.float64(1)], rtol=1e-12, progress=False)
    assert result.u == pytest.approx(result.x - 0.5 * result.y)
    both = quad8_mpi.solve(square, k=(4, 1), regions={"all": {"k": [9, 1]}}, progress=False)
    assert both.record["conductivity_range"] == [1, 9]
    with pytest.raises(quad8_mpi.InputError, match=r"k is one value, \[kx, ky\] or \[kxx, kxy, kyy\]"):
        quad8_mpi.solve(square, k=[1, 2, 3, 4], progress=False)


def test_materials_may_be_data_of_the_mesh(square):
    nodes = 1 + square.x
    mesh = quad8_mpi.mesh(square.x, square.y, square.quad8, square.boundaries, data={"k": nodes, "f": [2]})
    one = quad8_mpi.solve(mesh, k={"data": "k"}, f={"data": "f"}, progress=False)
    other = quad8_mpi.solve(square, k="1 + x", f=2, progress=False)
    assert one.u == pytest.approx(other.u, rel=1e-12)
    assert one.flow == pytest.approx(other.flow)
    with pytest.raises(quad8_mpi.InputError, match="has no dataset 'f' for k or f"):
        quad8_mpi.solve(square, f={"data": "f"}, progress=False)
    for bad in ({"k": [1, 2]}, {"x": [1]}, {"k": [np.nan]}):
        with pytest.raises(quad8_mpi.InputError):
            quad8_mpi.mesh(square.x, square.y, square.quad8, data=bad)


def test_reproducible_results_do_not_depend_on_the_ranks():
    results = [quad8_mpi.solve("elbow", ranks=ranks, reproducible=4, progress=False) for ranks in (1, 2)]
    assert np.array_equal(results[0].u, results[1].u)


def test_an_output_is_kept(square, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result = quad8_mpi.solve(square, output="out.h5")
    assert result.path == tmp_path / "out.h5"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.h5", "out.xdmf"]
    assert "files " in capsys.readouterr().out
    again = quad8_mpi.read("out.h5")
    assert np.array_equal(again.u, result.u)
    assert again.flow == result.flow
    # Results are a mesh.
    assert quad8_mpi.solve("out.h5", progress=False).u == pytest.approx(result.u)


def test_a_case_file_is_solved_as_it_is(square, tmp_path):
    square.save(tmp_path / "mesh.h5")
    case = tmp_path / "case.toml"
    case.write_text('mesh = "mesh.h5"\nboundary.inlet.dirichlet = 7\n')
    assert quad8_mpi.solve(case, progress=False).u.max() == pytest.approx(7)
    with pytest.raises(quad8_mpi.InputError, match="gamma belong into it"):
        quad8_mpi.solve(case, gamma=1)


def test_an_iteration_that_does_not_converge_keeps_its_last_iterate(needs):
    with pytest.raises(quad8_mpi.NotConverged, match="not converged after 2 iterations") as caught:
        quad8_mpi.solve(max_iterations=2, progress=False)
    assert caught.value.code == 1
    assert not caught.value.result.converged
    assert caught.value.result.iterations == 2
    needs("matplotlib")
    assert caught.value.result.plot().get_title() == "not converged"


def test_the_mesh_is_refined_until_the_error_is_small():
    mesh = {"channel": "cylinder", "nodes": 600}
    result = quad8_mpi.solve(mesh, until_error=0.003, progress=False)
    levels = result.record["accuracy"]["levels"]
    assert levels[-1]["error_estimate_percent"] <= 0.3 < levels[-2]["error_estimate_percent"]
    assert len(result.x) == result.record["mesh_info"]["nodes"]
    with pytest.raises(quad8_mpi.NotConverged, match="rate of convergence is 2") as caught:
        quad8_mpi.solve(mesh, until_error=1e-12, progress=False)
    assert str(caught.value).endswith("where the estimate is largest.")
    assert caught.value.result.converged
    with pytest.raises(quad8_mpi.InputError, match="until_error is a finite number"):
        quad8_mpi.solve(mesh, until_error="0.1%")


def test_check_reports_good_and_bad_meshes(square):
    good = quad8_mpi.check(square, boundary={"inlet": {"dirichlet": 1}})
    assert good
    assert good.verdict == "good"
    assert good.mesh["conditions"][0]["condition"] == {"dirichlet": 1}
    folded = quad8_mpi.mesh(square.x, square.y, [[0, 1, 2, 3, 6, 5, 4, 7]], square.boundaries)
    bad = quad8_mpi.check(folded)
    assert not bad
    assert "Jacobian" in bad.errors[0]
    with pytest.raises(quad8_mpi.InputError, match="Jacobian"):
        quad8_mpi.solve(folded, progress=False)
    with pytest.raises(quad8_mpi.InputError, match="did you mean inlet"):
        quad8_mpi.solve(square, boundary={"inlte": "natural"}, progress=False)


def test_the_built_in_meshes_are_those_of_the_program():
    program = quad8_mpi.program.find_program()
    printed = subprocess.run([program, "meshes"], capture_output=True, text=True, check=True).stdout
    lines = printed.split("\n\n")[0].splitlines()[1:]
    assert tuple(line.split()[0] for line in lines) == quad8_mpi.case.BUILT_IN
    lines = printed.split("\n\n")[2].splitlines()[1::2]
    assert tuple(line.split()[0] for line in lines) == quad8_mpi.case.CHANNELS


def test_a_channel_has_dimensions_and_a_size():
    result = quad8_mpi.solve({"channel": "venturi", "throat": np.float64(0.25), "nodes": 2000}, progress=False)
    assert abs(len(result.x) / 2000 - 1) < 0.2
    assert abs(max(result.speed) / 10 - 1) < 0.1
    with pytest.raises(quad8_mpi.InputError, match="did you mean throat"):
        quad8_mpi.solve({"channel": "venturi", "troat": 1}, progress=False)


def test_a_well_feeds_two_drains():
    boundary = {"inlet": {"dirichlet": 0}, "outlet": {"dirichlet": 0}}
    mesh = {"channel": "channel", "length": 2, "nodes": 1000}
    result = quad8_mpi.solve(mesh, boundary=boundary, wells=[{"at": (0.5, 0.3), "strength": 4}], progress=False)
    assert result.flow["inlet"] == pytest.approx(-3, abs=1e-3)
    assert result.flow["outlet"] == pytest.approx(-1, abs=1e-3)
