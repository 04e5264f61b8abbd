#!/usr/bin/env bash
# Runs the checks of the library (tests/mpi) on 1 to 16 ranks with AddressSanitizer in Rust code:
#
#   tests/asan.sh comm:: halo:: io::
#
# Arguments select checks. Compiling into target/asan takes ten minutes, and the checks three times
# as long as usual. RUSTC_BOOTSTRAP makes the compiler accept the sanitizer, which is unstable.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs/install.sh
host=$(rustc -vV | sed -n 's/^host: //p')
export QUAD8_MPI_ALL=1
export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/asan"
export ASAN_OPTIONS=detect_leaks=0      # Open MPI leaks at the end
# valgrind cannot run a program with a sanitizer.
cargo test --release --locked --target "$host" --test mpi -- --skip memcheck "$@"
