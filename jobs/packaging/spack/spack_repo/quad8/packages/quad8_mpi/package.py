"""Recipe for Spack 1.0 or later. It builds the checkout that it lies in:

    spack repo add jobs/packaging/spack/spack_repo/quad8 && spack install quad8-mpi ^openmpi
"""

from pathlib import Path

from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class Quad8Mpi(Package):
    """Distributed finite element solver for 2D potential problems on 8-node quadrilaterals."""

    git = str(Path(__file__).resolve().parents[7])

    license("MIT")

    version("main", branch="main")

    depends_on("c", type="build")
    depends_on("rust@1.89:", type="build")
    depends_on("llvm+clang", type="build")
    depends_on("mpi")
    depends_on("hdf5+mpi")

    def setup_build_environment(self, env):
        mpi, hdf5 = self.spec["mpi"], self.spec["hdf5"]
        env.set("MPICC", mpi.mpicc)
        env.set("HDF5_DIR", hdf5.prefix)
        env.set("LIBCLANG_PATH", self.spec["llvm"].prefix.lib)
        env.set("CARGO_HOME", join_path(self.stage.path, "cargo"))
        env.set("CARGO_TARGET_DIR", join_path(self.stage.path, "target"))
        libraries = [lib for part in (mpi, hdf5) for lib in part.libs.directories]
        env.set("RUSTFLAGS", " ".join(f"-C link-arg=-Wl,-rpath,{lib}" for lib in libraries))

    def install(self, spec, prefix):
        cargo = which("cargo", required=True)
        cargo("install", "--locked", "--no-track", "--path", ".", "--root", prefix)
        program = Executable(join_path(prefix.bin, "quad8-mpi"))
        for arguments, folder, name in (
            (["man"], prefix.share.man.man1, "quad8-mpi.1"),
            (["completions", "bash"], prefix.share.join("bash-completion").completions, "quad8-mpi"),
        ):
            mkdirp(folder)
            with open(join_path(folder, name), "w") as text:
                program(*arguments, output=text)
        install_tree("jobs", prefix.share.join("quad8-mpi").jobs)

    def test_version(self):
        """the program starts and names its libraries"""
        program = which(self.prefix.bin.join("quad8-mpi"), required=True)
        assert "HDF5" in program("--version", output=str.split)
