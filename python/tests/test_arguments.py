"""Arguments of wrong types and names: errors before the program starts."""

import numpy as np
import pytest

import quad8_mpi
from quad8_mpi import FileError, InputError


@pytest.fixture(autouse=True)
def no_program(monkeypatch):
    """Lets every start of the program fail."""
    monkeypatch.setattr("quad8_mpi.solver.run", lambda *_: pytest.fail("the program was started"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mesh": 3}, "the mesh is a path, a name or a quad8_mpi.Mesh, not int"),
        ({"ranks": 0}, "ranks is a whole number from 1, not 0"),
        ({"ranks": 2.0}, "ranks is a whole number from 1, not 2.0"),
        ({"ranks": True}, "ranks is a whole number"),
        ({"boundary": [("inlet", "natural")]}, "boundary is a dict, not list"),
        ({"boundary": {1: "natural"}}, "the name of a boundary or region is a text, not 1"),
        ({"boundary": {"inlet": "natral"}}, "did you mean 'natural'?"),
        ({"boundary": {"inlet": 2.5}}, r"boundary\['inlet'\] is 2.5: write"),
        ({"boundary": {"inlet": {"dirichlet": 0, "robin": {}}}}, "write"),
        ({"boundary": {"inlet": np.zeros(2)}}, "write"),
        ({"boundary": {"inlet": {"natural": 0}}}, "write"),
        ({"boundary": {"inlet": {"drichlet": 0}}}, "did you mean 'dirichlet'?"),
        ({"boundary": {"inlet": {"dirichlet": None}}}, "is a finite number, not None"),
        ({"boundary": {"inlet": {"dirichlet": np.nan}}}, "is a finite number, not nan"),
        ({"boundary": {"inlet": {"flow": "x"}}}, "is a finite number, not 'x'"),
        ({"boundary": {"inlet": {"robin": 2.5}}}, "is a dict, not float"),
        ({"boundary": {"inlet": {"robin": {"p": 1}}}}, "has no 'gamma'"),
        ({"boundary": {"inlet": {"robin": {"gama": 1}}}}, "did you mean 'gamma'?"),
        ({"regions": {"sand": {"q": 1}}}, "known: k, f"),
        ({"regions": {"sand": 2}}, "is a dict, not int"),
        ({"wells": {"at": (0, 0)}}, "wells is a list of"),
        ({"wells": [{"at": (0, 0)}]}, r"wells\[0\] has no 'strength'"),
        ({"wells": [{"at": 0, "strength": 1}]}, r"wells\[0\]\['at'\] is \(x, y\), not 0"),
        ({"names": {"v": {}}}, "key of names"),
        ({"names": {"u": {"unit": 3}}}, "is a text, not 3"),
        ({"k": [1]}, "k is one value, "),
        ({"refine": -1}, "refine is a whole number from 0"),
        ({"refine": 1.5}, "refine is a whole number from 0"),
        ({"threads": "2"}, "threads is a whole number"),
        ({"rtol": "1e-8"}, "rtol is a finite number"),
        ({"physics": "heta"}, "did you mean 'heat'?"),
        ({"preconditioner": "amg"}, "known: multigrid, jacobi"),
        ({"k": 10**400}, "k is a finite number"),
        ({"preconditioner": np.zeros(2)}, "known: multigrid, jacobi"),
        ({"operator": []}, "known: elements, assembled"),
        ({"arguments": "--quiet"}, "arguments is a sequence of texts"),
        ({"arguments": ["--threads", 2]}, "arguments is a sequence of texts"),
        ({"output": 3}, "the output is a path, not int"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        quad8_mpi.solve(**arguments)


def test_any_name_can_be_written_to_a_case_file():
    # Python 3.10 has no such module.
    tomllib = pytest.importorskip("tomllib")
    name = "a \"b\" \\ \n\t\x01\x7f 'é' 𝒙 = [c]"
    given = {name: {"dirichlet": name}, "wall": "natural", "a-b_1": {"robin": {"p": 1e-300, "gamma": np.float64(0.1)}}}
    written = quad8_mpi.case.toml(quad8_mpi.case.build("y-channel", given, None, None, {"refine": 2}))
    assert tomllib.loads(written) == {"mesh": "y-channel", "refine": 2, "boundary": given}


def test_an_unknown_argument_is_a_type_error():
    with pytest.raises(TypeError, match="boundry"):
        quad8_mpi.solve(boundry={})


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        ("venturri", "did you mean 'venturi'?"),
        ("nothing.msh", "there is no mesh file nothing.msh"),
        (".", "there is no mesh file"),
    ],
)
def test_a_mesh_that_is_missing_is_named(mesh, message):
    with pytest.raises(FileError, match=message):
        quad8_mpi.solve(mesh)
    with pytest.raises(FileError, match=message):
        quad8_mpi.check(mesh)


X, Y, Q = [0, 1, 1, 0, 0.5, 1, 0.5, 0], [0, 0, 1, 1, 0, 0.5, 1, 0.5], [list(range(8))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X[1:], Y, Q), "x has 7 values and y has 8"),
        (([X], Y, Q), r"x has the shape \(1, 8\)"),
        ((["a"] * 8, Y, Q), "x is not an array of numbers"),
        (([np.inf, *X[1:]], Y, Q), r"x\[0\] is not finite"),
        ((X, Y, [[0, 1, 2, 3]]), r"quad8 has the shape \(1, 4\), not \(M, 8\)"),
        ((X, Y, [[1, 2, 3, 4, 5, 6, 7, 8]]), "quad8 holds 1 to 8, not numbers from 0 to 7"),
        ((X, Y, np.array(Q, float)), "quad8 holds float64, not integers"),
        ((X, Y, [[0, 1], [2]]), "quad8 is not an array"),
        ((X, Y, np.zeros((0, 8), int)), "quad8 has no element"),
        ((X, Y, Q, [[0, 1]]), "boundaries is a dict"),
        ((X, Y, Q, {"in/let": [[0, 1]]}), "without '/'"),
        ((X, Y, Q, {"inlet": [0, 1]}), r"not \(M, 2\)"),
        ((X, Y, Q, {"inlet": lambda x, y: x > 9}), "takes nothing"),
        ((X, Y, Q, {}, {"all": [1]}), "not numbers from 0 to 0"),
    ],
)
def test_wrong_arrays_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        quad8_mpi.mesh(*arguments)


def test_errors_are_also_those_of_python():
    assert issubclass(InputError, ValueError)
    assert issubclass(FileError, OSError)
    assert str(FileError("a text")) == "a text"
