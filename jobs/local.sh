#!/usr/bin/env bash
# Installs what is missing, builds the release and solves on all cores of this
# machine: the built-in Y-channel, or whatever the arguments say, as in
#   jobs/local.sh MESH.h5 -o OUT.h5 --refine 2
# RANKS=4 jobs/local.sh uses four ranks.
set -euo pipefail

jobs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$jobs/install.sh"
cargo build --release --locked --manifest-path "$jobs/../Cargo.toml"

# One rank a core, not one a hardware thread.
cores=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
usable=$(nproc)
[ "$cores" -ge 1 ] && [ "$cores" -lt "$usable" ] && usable=$cores

# shellcheck source=jobs/mpi-env.sh
. "$jobs/mpi-env.sh"
program=$(realpath -m "${CARGO_TARGET_DIR:-$jobs/../target}/release/quad8-mpi")
mpirun -n "${RANKS:-$usable}" "$program" "$@"
echo "Results are in $PWD. For the options: $program --help"
