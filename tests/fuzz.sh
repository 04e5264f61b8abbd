#!/usr/bin/env bash
# Fuzzes the readers, all or those that are named, for SECONDS (600) each:
#
#   tests/fuzz.sh [SECONDS|keep] [READER...]
#   tests/fuzz.sh 7200 gmsh npz
#
# Failing inputs go to fuzz/artifacts/. "keep" instead leaves at most 20 inputs of a reader in
# fuzz/corpus/: those of all found so far that reach the most code. Both need a nightly toolchain and
# cargo-fuzz. The tests read every input of fuzz/corpus/ once (tests/mpi/inputs.rs).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-600}
shift $(($# > 0))
if [ $# -eq 0 ]; then
    set -- case checkpoint expression gmsh hdf5 npz partition record results xlsx
fi
. jobs/mpi-env.sh
export ASAN_OPTIONS=detect_leaks=0      # Open MPI leaks at the end
for target in "$@"; do
    echo "== $target"
    new=fuzz/target/corpus/$target kept=fuzz/corpus/$target control=$PWD/fuzz/target/corpus/$target.control
    mkdir -p "$new"
    rm -f "$control"
    # HDF5 takes more memory than the other readers, whatever it reads.
    case $target in checkpoint | hdf5 | partition | results) memory=2048 ;; *) memory=64 ;; esac
    case $seconds in
        keep) how=("$kept" "$new" -- -set_cover_merge=1 -use_counters=0 -merge_control_file="$control") ;;
        *) how=("$new" "$kept" -- -max_total_time="$seconds" -print_final_stats=1) ;;
    esac
    cargo +nightly fuzz run "$target" "${how[@]}" -max_len=16384 -malloc_limit_mb="$memory" -rss_limit_mb=3000 \
        -timeout=60 -detect_leaks=0
    [ "$seconds" != keep ] || tests/fuzz_seeds.py "$control" "$kept"
done
