# shellcheck shell=bash
# Source this for what the scripts of tests/ print about tests.

# skip WHAT: says which part of the tests is skipped, and why. With QUAD8_MPI_REQUIRE_TOOLS=1 it fails instead.
skip() {
    if [ -n "${QUAD8_MPI_REQUIRE_TOOLS:-}" ]; then
        echo "error: $1" >&2
        return 1
    fi
    echo "skipped: $1" >&2
}

# counts LOG: prints how many tests passed, failed and were ignored in the output of cargo test.
counts() {
    awk '/^test result: / { passed += $4; failed += $6; ignored += $8 }
        END { printf "%d passed, %d failed, %d ignored\n", passed, failed, ignored }' "$1"
}
