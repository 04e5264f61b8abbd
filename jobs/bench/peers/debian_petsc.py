"""Finds petsc4py where Debian keeps it."""
import glob
import os
import re
import sys


def petsc4py_module():
    """Imports petsc4py, also where Debian's link /usr/lib/petsc, the only place its .pth file looks in, is missing.

    Debian keeps petsc4py in the folder of each PETSc build: /usr/lib/petscdir/VERSION/ARCH-real/lib/python3/dist-packages.
    """
    try:
        import petsc4py
    except ModuleNotFoundError:
        builds = glob.glob('/usr/lib/petscdir/petsc[0-9].*/*-real/lib/python3/dist-packages')
        if not builds:
            raise
        newest = max(builds, key=lambda path: [int(n) for n in re.findall(r'\d+', path.split('/')[4])])
        os.environ['PETSC_DIR'] = newest.removesuffix('/lib/python3/dist-packages')
        sys.path.append(newest)
        import petsc4py
    return petsc4py
