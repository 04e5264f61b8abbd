#!/usr/bin/env bash
# Runs the tests of tests/run.sh several times and compares their results:
#
#   tests/repeat.sh RUNS [--load] [ARGUMENTS of cargo test]
#
# Prints one line a run. Fails where a test fails or two runs differ. With --load two other programs
# keep the cores busy.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/harness/report.sh
. tests/harness/report.sh
runs=${1:?how many runs?}
shift
folder=$(mktemp -d)
loops=()
# shellcheck disable=SC2317,SC2329
finish() {
    [ ${#loops[@]} -eq 0 ] || kill "${loops[@]}"
    [ "$result" -eq 0 ] && rm -rf -- "$folder" || echo "repeat.sh: the output of every run is in $folder"
}
result=1
trap finish EXIT

if readers=$(tests/harness/readers.sh); then export QUAD8_MPI_PYTHON=$readers; fi
load=
if [ "${1:-}" = --load ]; then
    shift
    load=1
fi
cargo test --release --locked --no-run "$@"
if [ -n "$load" ]; then
    for _ in 1 2; do
        while :; do :; done &
        loops+=($!)
    done
fi

result=0
for ((run = 1; run <= runs; run++)); do
    start=$SECONDS here=$folder/$run
    cargo test --release --locked --no-fail-fast "$@" >"$here.log" 2>"$here.err" || result=1
    grep '^test ' "$here.log" | grep -v '^test result: ' | tr -s ' ' | sort >"$here.tests" || true
    note=
    cmp -s "$here.tests" "$folder/1.tests" || note=', not as run 1' result=1
    echo "run $run of $runs: $(counts "$here.log"), $((SECONDS - start)) s$note"
    sed -n 's/^\(test .*[^ ]\) *\.\.\. FAILED$/  \1 FAILED/p' "$here.tests"
done
exit "$result"
