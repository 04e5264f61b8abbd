#!/usr/bin/env bash
# Installs what is missing and runs everything that must hold: format, lints,
# documentation and all tests. Arguments go to cargo test, as in
#   tests/run.sh --test ranks
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs/install.sh
tests/cluster/install.sh || echo 'tests/run.sh: without the tests on a cluster' >&2

if cargo fmt --version >/dev/null 2>&1; then
    echo "== format"
    cargo fmt --check
fi
if cargo clippy --version >/dev/null 2>&1; then
    echo "== lints"
    cargo clippy --release --locked --all-targets -- -D warnings
fi
echo "== fuzz targets"
cargo check --locked --quiet --manifest-path fuzz/Cargo.toml
echo "== dependencies"
tests/deny.sh
echo "== documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --document-private-items --quiet
if command -v smpirun >/dev/null; then
    echo "== simulated cluster"
    tests/smpi/build.sh
fi
echo "== tests"
readers=$(tests/support/readers.sh) && export QUAD8_MPI_PYTHON="$readers"
cargo test --release --locked "$@"
