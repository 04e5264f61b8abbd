#!/usr/bin/env bash
# Builds the solver for SimGrid's SMPI (Debian: libsimgrid-dev) and prints where
# the library is. The same sources and versions as ever, with SMPI in place of
# MPI; it takes the place of HDF5's own MPI, too, which is never called.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$here/../../target/simgrid
# The build script of mpi-sys looks at its own files alone.
if [ -d "$target" ] && [ -n "$(find "$here/include" "$here/mpicc" -newer "$target" -print -quit)" ]; then
    cargo clean --quiet --release --locked --manifest-path "$here/../../Cargo.toml" --target-dir "$target" -p mpi-sys
fi
# Every simulated rank loads a copy: it is kept small.
# Work takes no simulated time unless COMPUTE asks for it, so that a quick build does.
[ -n "${COMPUTE:-}" ] || export CARGO_PROFILE_RELEASE_OPT_LEVEL=1
export MPICC=$here/mpicc CARGO_INCREMENTAL=0 CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_STRIP=symbols
cargo build --quiet --release --locked --manifest-path "$here/../../Cargo.toml" --target-dir "$target" --example smpi
touch "$target"
realpath "$target/release/examples/libsmpi.so"
