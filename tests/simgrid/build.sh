#!/usr/bin/env bash
# Builds the solver for SimGrid's SMPI (Debian: libsimgrid-dev) and prints the path of the library.
# Sources and versions are the usual ones, with SMPI in place of MPI. SMPI also replaces the MPI of
# HDF5, which is never called.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$here/../../target/simgrid
version=$(smpirun -version)
# The build script of mpi-sys does not track these files and the version.
if [ -d "$target" ] && { [ "$(cat "$target/version" 2>/dev/null)" != "$version" ] ||
    [ -n "$(find "$here/include" "$here/mpicc" -newer "$target" -print -quit)" ]; }; then
    cargo clean --quiet --release --locked --manifest-path "$here/../../Cargo.toml" --target-dir "$target" -p mpi-sys
fi
# Work takes no simulated time unless COMPUTE is set, so the optimisation of a quick build suffices.
config=()
if [ -z "${COMPUTE:-}" ]; then
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=1
    config=(--config 'profile.release.package."*".opt-level=0')
fi
# The library is kept small, since every simulated rank loads a copy.
export MPICC=$here/mpicc CARGO_INCREMENTAL=0 CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_STRIP=symbols
cargo build "${config[@]}" --quiet --release --locked --manifest-path "$here/../../Cargo.toml" --target-dir "$target" --example smpi
echo "$version" >"$target/version"
touch "$target"
realpath "$target/release/examples/libsmpi.so"
