# shellcheck shell=bash
# Functions with which the scripts of tests/ report tests. To be sourced.

# skip TEXT: prints which tests are skipped, and why. Fails where QUAD8_MPI_REQUIRE_TOOLS is set.
skip() {
    if [ -n "${QUAD8_MPI_REQUIRE_TOOLS:-}" ]; then
        echo "error: $1" >&2
        return 1
    fi
    echo "skipped: $1" >&2
}

# counts LOG: prints the numbers of passed, failed and ignored tests in the output of cargo test.
counts() {
    awk '/^test result: / { passed += $4; failed += $6; ignored += $8 }
        END { printf "%d passed, %d failed, %d ignored\n", passed, failed, ignored }' "$1"
}

# skips LOG: prints the reasons for which tests were ignored or skipped, in the output of cargo test,
# of pytest -rs and of the scripts that call skip.
skips() {
    sed -n 's/^test \[\([^]]*\)\].* \.\.\. ignored.*/ignored: \1/p' "$1" | sort | uniq -c
    sed -n 's/^SKIPPED \[[0-9]*\] /skipped: /; /^skipped: /p' "$1"
}
