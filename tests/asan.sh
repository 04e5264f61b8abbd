#!/usr/bin/env bash
# Runs the checks of the library on 1 to 16 ranks (tests/mpi) with AddressSanitizer in all Rust code, which takes three
# times as long after ten minutes of compiling into target/asan. Arguments are the checks, as in
#   tests/asan.sh comm:: halo:: io::
# The sanitizer is an unstable option of the compiler, so this asks the installed one to take those.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs/install.sh
host=$(rustc -vV | sed -n 's/^host: //p')
export QUAD8_MPI_ALL=1
export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/asan"
export ASAN_OPTIONS=detect_leaks=0      # of what Open MPI leaves behind at the end
# valgrind cannot run what has a sanitizer in it.
cargo test --release --locked --target "$host" --test mpi -- --skip memcheck "$@"
