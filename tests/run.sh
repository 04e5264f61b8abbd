#!/usr/bin/env bash
# Runs the tests that every change must pass, and installs their tools:
#
#   tests/run.sh [--all] [ARGUMENTS of cargo test]
#   tests/run.sh --test mpi
#
# With --all it runs all tests: also those on more ranks, every fault in every stage, a cluster, a
# simulated cluster, memcheck, ParaView, a browser, the dependencies and the files of a release.
# QUAD8_MPI_WHEEL=FILE adds the test of a wheel.
# A missing tool is an error with --all or where CI is set. Otherwise the tests that need it are
# skipped. The summary at the end lists what ran and what was skipped or ignored, with the reason.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/harness/report.sh
. tests/harness/report.sh
all=
if [ "${1:-}" = --all ]; then
    shift
    all=1
    export QUAD8_MPI_ALL=1
    # Everything is built here, and nothing debugged: builds take a tenth less time without line tables.
    export CARGO_PROFILE_RELEASE_DEBUG=none
fi
[ -z "$all${CI:-}" ] || export QUAD8_MPI_REQUIRE_TOOLS=1

log=$(mktemp)
jobs=$(mktemp)
parts=()

summary() {
    echo "== summary"
    [ ${#parts[@]} -eq 0 ] || printf '%s\n' "${parts[@]}"
    printf '%-17s %s, %d s\n' 'in all' "$(counts "$log")" $SECONDS
    skips "$log"
    rm -f "$log" "$jobs"
    # After a failure its tests may still run.
    [ -z "${cluster:-}" ] || pkill --parent "$cluster" || true
}
trap summary EXIT

# part NAME COMMAND...: runs the command, and records its result and time for the summary.
part() {
    local name=$1 start=$SECONDS result=passed
    shift
    echo "== $name"
    "$@" 2>&1 | tee -a "$log" || result=FAILED
    parts+=("$(printf '%-17s %s, %d s' "$name" "$result" $((SECONDS - start)))")
    [ "$result" = passed ]
}

# Prints the output of the tests of the cluster until they end.
of_cluster() {
    tail --pid="$cluster" --follow --lines=+1 "$jobs"
    grep -q '^test result: ok' "$jobs"
}

# Reports the simulated solver, which has been built meanwhile.
simulated_cluster() {
    command -v smpirun >/dev/null || skip "simulated cluster: no SimGrid: apt-get install libsimgrid-dev"
    wait "$simulation" || true
    part "simulated cluster" tests/simgrid/build.sh
}

# cargo_part NAME COMPONENT ARGUMENTS...: runs a part that needs a component of the Rust toolchain.
cargo_part() {
    local name=$1 component=$2
    shift 2
    if cargo "$1" --version >/dev/null 2>&1; then
        part "$name" cargo "$@"
    else
        skip "$name: no cargo $1: rustup component add $component" 2>&1 | tee -a "$log"
    fi
}

if [ -n "$all" ]; then
    gmsh=(libglu1-mesa libxft2 libxcursor1 libxinerama1)
    part packages jobs/install.sh valgrind libsimgrid-dev qemu-user chromium-headless-shell "${gmsh[@]}"
    part cluster tests/cluster/install.sh
    # Work that fills the time while a compiler or a download waits. Failures are reported below, where the results are
    # used.
    (tests/harness/readers.sh && [ -x tests/harness/paraview.sh ] && tests/harness/paraview.sh) >/dev/null 2>&1 &
    downloads=$!
    nice tests/simgrid/build.sh >/dev/null 2>&1 &
    simulation=$!
else
    part packages jobs/install.sh
fi
cargo_part format rustfmt fmt --check
# Lints and documentation share the checked dependencies, and the tests the build scripts.
cargo_part lints clippy clippy --release --locked --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" part documentation cargo doc --release --locked --no-deps --document-private-items --quiet
if [ -n "$all" ]; then
    part dependencies tests/deny.sh
    part "release build" tests/release.sh
    wait "$downloads" || true
    if [ -x tests/harness/paraview.sh ]; then
        QUAD8_MPI_PVPYTHON=$(tests/harness/paraview.sh) && export QUAD8_MPI_PVPYTHON
    fi
fi
if readers=$(tests/harness/readers.sh); then
    export QUAD8_MPI_PYTHON=$readers
else
    skip "tests that use Python: no VTK, h5py, matplotlib, pytest: install python3-venv" 2>&1 | tee -a "$log"
fi
if [ $# -eq 0 ]; then
    # Unit tests need no speed: without optimisation they are built in half the time, and with checks
    # of overflow and assertions. Their stacks are as large as that of the main thread.
    checked=(opt-level=0 overflow-checks=true debug-assertions=true)
    part "unit tests" env RUST_MIN_STACK=8388608 \
        cargo test --release --locked --lib "${checked[@]/#/--config=profile.release.package.quad8-mpi.}"
    part "build of tests" cargo test --release --locked --test '*' --no-run
    [ -z "$all" ] || simulated_cluster
    part "tests of program" cargo test --release --locked --test cli
    # The jobs of the cluster wait most of the time, and the other parts run meanwhile.
    cargo test --release --locked --test cluster >"$jobs" 2>&1 &
    cluster=$!
    part "tests on ranks" cargo test --release --locked --test mpi
    part "examples of docs" cargo test --release --locked --doc
else
    [ -z "$all" ] || simulated_cluster
    part "cargo test" cargo test --release --locked "$@"
fi
[ -z "${QUAD8_MPI_PYTHON:-}" ] || part python "$QUAD8_MPI_PYTHON" -m pytest python/tests
[ -z "$all" ] || part "release files" "${QUAD8_MPI_PYTHON:-python3}" tests/packaging/release.py
[ $# -gt 0 ] || part "cluster tests" of_cluster
if [ -n "${QUAD8_MPI_WHEEL:-}" ]; then
    part wheel tests/packaging/wheel.py "$QUAD8_MPI_WHEEL"
elif [ -n "$all" ]; then
    echo "skipped: wheel: set QUAD8_MPI_WHEEL to one that jobs/packaging/wheel.py has built" | tee -a "$log"
fi
