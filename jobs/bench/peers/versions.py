#!/usr/bin/python3
"""Prints versions and machine as one JSON line; fails where a package is missing.

Needs python3-numpy, python3-scipy, python3-h5py and python3-petsc4py of Debian.
"""
import json
import os
import platform
import re
import sys
from pathlib import Path

import h5py
import numpy as np
import scipy

from debian_petsc import petsc4py_module


def versions() -> dict[str, str]:
    """Returns versions and machine; ends the script where PETSc is not built for real double numbers."""
    petsc4py = petsc4py_module()
    from petsc4py import PETSc
    if PETSc.ScalarType is not np.float64:
        sys.exit(f'PETSc is built for {PETSc.ScalarType.__name__}: set PETSC_DIR to a build for real double numbers')
    cpu = re.search(r'^model name\s*:\s*(.*)', Path('/proc/cpuinfo').read_text(), re.MULTILINE)
    return {'machine': platform.node(), 'cpu': cpu[1] if cpu else platform.machine(),
            'cores': str(len(os.sched_getaffinity(0))), 'system': platform.platform(),
            'petsc': '.'.join(map(str, PETSc.Sys.getVersion())), 'petsc4py': petsc4py.__version__,
            'petsc_dir': petsc4py.get_config()['PETSC_DIR'], 'python': platform.python_version(),
            'numpy': np.__version__, 'scipy': scipy.__version__, 'h5py': h5py.__version__}


if __name__ == '__main__':
    print(json.dumps(versions()))
