"""Results: arrays, plots, tables, grids and files."""

import numpy as np
import pytest

import quad8_mpi
from quad8_mpi.program import run


def test_arrays_have_the_shapes_of_the_mesh(channel):
    nodes, elements = channel.x.size, len(channel.quad8)
    assert channel.u.shape == channel["abs_vel_node"].shape == (nodes,)
    assert channel.velocity.shape == channel.flux.shape == (elements, 2)
    assert channel.speed.shape == channel.pressure.shape == channel["error"].shape == (elements,)
    assert channel.boundaries["inlet"].shape == (52, 2)
    assert channel.regions["fluid"].shape == (elements,)
    assert channel.label("abs_vel") == "speed (m/s)"
    assert repr(channel).startswith("Result(16,397 nodes, 5,296 elements, converged in ")


def test_what_is_not_in_the_results_is_named(channel):
    with pytest.raises(quad8_mpi.InputError, match="did you mean 'vel_node'"):
        channel["velnode"]
    with pytest.raises(quad8_mpi.InputError, match="did you mean 'speed'"):
        channel.plot("spee")
    with pytest.raises(quad8_mpi.InputError, match="'nodes'"):
        channel.to_pandas("node")
    heat = quad8_mpi.solve("y-channel", physics="heat", progress=False)
    with pytest.raises(quad8_mpi.InputError, match="there is no dataset 'pressure'"):
        _ = heat.pressure


def test_a_probe_interpolates_inside_elements(channel, tmp_path):
    found = channel.probe([[0.5, 0.6], [0.1, 0.3]])
    assert list(found) == ["u", "velocity_x", "velocity_y", "speed", "pressure"]
    # At a node it is the value of the node.
    node = channel.quad8[7, 5]
    place = [[channel.x[node], channel.y[node]]]
    np.testing.assert_allclose(channel.probe(place)["u"], channel.u[node], rtol=1e-12)
    with pytest.raises(quad8_mpi.InputError, match=r"the point at x = 9, y = 0 lies outside"):
        channel.probe([[0.5, 0.6], [9, 0]])
    with pytest.raises(quad8_mpi.InputError, match="shape"):
        channel.probe([1, 2, 3])


def test_converted_results_are_read_as_those_of_the_python_programs(tmp_path, needs):
    result = quad8_mpi.solve("venturi", output=tmp_path / "out.h5", progress=False)
    for name in ("out.npz", "out.csv", "out.xlsx"):
        assert run(["convert", str(result.path), str(tmp_path / name)], 1, tmp_path, None) is None
    with np.load(tmp_path / "out.npz") as arrays:
        assert str(arrays["implementation_name"]) == "quad8-mpi"
        for name in ("x", "y", "quad8", "u", "vel", "abs_vel", "pressure"):
            np.testing.assert_array_equal(arrays[name], result[name])
    pandas = needs("pandas")
    nodes, elements = (pandas.read_csv(tmp_path / f"out_{name}.csv") for name in ("nodes", "elements"))
    np.testing.assert_array_equal(nodes["VELOCITY_POTENTIAL"], result.u)
    np.testing.assert_array_equal(elements["ABS_VEL_m_s"], result.speed)
    needs("openpyxl")
    sheet = pandas.read_excel(tmp_path / "out.xlsx")
    np.testing.assert_array_equal(sheet["VELOCITY POTENTIAL"], result.u)
    np.testing.assert_array_equal(sheet["Pressure (Pa)"].dropna(), result.pressure)
    assert sheet["#ELEMENT"].dropna().iloc[-1] == len(result.quad8)


@pytest.mark.parametrize("field", ["u", "speed", "pressure", "flux", "error", "partition"])
def test_every_field_is_drawn(channel, field, tmp_path, needs):
    needs("matplotlib")
    axes = channel.plot(field, mesh=field == "error", cmap="viridis")
    axes.figure.savefig(tmp_path / "figure.png")
    assert axes.get_xlabel() == "x (m)"


def test_errors_are_drawn_over_powers_of_ten_and_ranks_one_by_one(channel, needs):
    colors = needs("matplotlib.colors")
    drawn = lambda *args, **options: channel.plot(*args, **options).collections[0]
    assert isinstance(drawn("error").norm, colors.LogNorm)
    assert drawn("error", vmin=0, vmax=1).norm.vmax == 1
    ranks = drawn("partition")
    assert list(ranks.colorbar.get_ticks()) == list(range(int(channel["partition"].max()) + 1))


def test_the_label_of_an_axis_is_inside_the_figure(channel, needs):
    needs("matplotlib")
    axes = channel.plot("speed")
    axes.figure.draw_without_rendering()
    assert axes.yaxis.label.get_window_extent().x0 >= 0


def test_a_plot_leaves_out_nodes_without_an_element(square, needs):
    needs("matplotlib")
    mesh = quad8_mpi.mesh([*square.x, 9], [*square.y, 9], square.quad8, square.boundaries)
    result = quad8_mpi.solve(mesh, progress=False)
    assert np.isnan(result.u[8])
    assert result.plot("u").get_xlim()[1] == pytest.approx(1, abs=0.1)


def test_triangles_cover_an_element_once(square):
    from quad8_mpi.result import _TRIANGLES

    x, y = square.x[np.array(_TRIANGLES)].T, square.y[np.array(_TRIANGLES)].T
    areas = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    assert (areas > 0).all()
    assert areas.sum() / 2 == pytest.approx(1)


def test_tables_have_a_row_for_each_node_or_element(channel, needs):
    needs("pandas")
    nodes, elements = channel.to_pandas(), channel.to_pandas("elements")
    assert len(nodes) == channel.x.size
    assert len(elements) == len(channel.quad8)
    assert {"x", "y", "u", "vel_node_x", "pressure_node"} <= set(nodes)
    assert {"x", "y", "vel_x", "vel_y", "error", "partition"} <= set(elements)
    assert (nodes["u"] == channel.u).all()


def test_a_grid_holds_curved_elements_and_all_fields(channel, needs):
    needs("pyvista")
    grid = channel.to_pyvista()
    assert grid.n_cells == len(channel.quad8)
    assert grid.area == pytest.approx(2.662278833575113, rel=1e-3)
    assert np.array_equal(grid.point_data["u"], channel.u)
    assert grid.point_data["vel_node"].shape == (channel.x.size, 3)
    assert np.array_equal(grid.cell_data["abs_vel"], channel.speed)


@pytest.mark.parametrize(
    ("module", "extra", "use"),
    [
        ("matplotlib.pyplot", "plot", lambda result: result.plot()),
        ("pandas", "pandas", lambda result: result.to_pandas()),
        ("pyvista", "pyvista", lambda result: result.to_pyvista()),
    ],
)
def test_a_missing_package_is_named_with_its_extra(channel, monkeypatch, module, extra, use):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ImportError, match=rf"quad8_mpi\[{extra}\]"):
        use(channel)


@pytest.mark.parametrize("content", [None, b"", b"no HDF5"])
def test_a_file_without_results_is_refused(tmp_path, content):
    path = tmp_path / "out.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(quad8_mpi.FileError, match=r"out\.h5 cannot be read as results"):
        quad8_mpi.read(path)


def test_a_mesh_is_no_results_file(square, tmp_path):
    square.save(tmp_path / "mesh.h5")
    with pytest.raises(quad8_mpi.FileError, match="cannot be read as results"):
        quad8_mpi.read(tmp_path / "mesh.h5")
    with pytest.raises(quad8_mpi.FileError, match="cannot write"):
        square.save(tmp_path / "missing" / "mesh.h5")
    with pytest.raises(quad8_mpi.InputError, match="not int"):
        quad8_mpi.read(3)
