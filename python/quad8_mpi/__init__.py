"""Python interface of quad8-mpi, a distributed finite element solver for potential problems.

``solve`` starts the program on any number of MPI ranks and returns its results::

    import quad8_mpi

    result = quad8_mpi.solve("y-channel", boundary={"inlet": {"robin": {"gamma": 2.5}}}, ranks=2)
    print(result.flow["inlet"], result.speed.max())
    result.plot()

The equation is -div(k grad u) = f on a mesh of 8-node quadrilaterals.
"""

from .errors import (
    FileError,
    InputError,
    InternalError,
    LaunchError,
    Quad8Error,
    Stopped,
)
from .legacy import Quad8FEMSolver
from .mesh import Mesh, mesh
from .result import Result, read
from .solver import CheckReport, NotConverged, check, solve

__version__ = "0.2.0"

__all__ = [
    "CheckReport",
    "FileError",
    "InputError",
    "InternalError",
    "LaunchError",
    "Mesh",
    "NotConverged",
    "Quad8Error",
    "Quad8FEMSolver",
    "Result",
    "Stopped",
    "check",
    "mesh",
    "read",
    "solve",
]
