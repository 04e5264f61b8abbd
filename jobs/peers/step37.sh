#!/usr/bin/env bash
# deal.II's own example of matrix-free geometric multigrid (step-37), as Debian ships it, in two dimensions on one mesh:
#
#   step37.sh build FOLDER REFINEMENTS     4^REFINEMENTS Q2 elements of the unit square
#   step37.sh record OUTPUT                what a run printed, as one JSON line
#
# Needs libdeal.ii-dev, libdeal.ii-doc (the example's source) and cmake of Debian.
set -euo pipefail

source=/usr/share/doc/libdeal.ii-doc/examples/step-37/step-37.cc

build() {
    local folder=$1 refinements=$2
    mkdir -p "$folder"
    # One cycle instead of a series, and no picture: only the solve is timed.
    sed -e 's/\(dimension *= \)3/\12/' -e 's/cycle < 9 - dim;/cycle < 1;/' \
        -e "s/refine_global(3 - dim)/refine_global($((refinements - 1)))/" -e '/output_results(cycle);/d' \
        "$source" >"$folder/step-37.cc"
    cat >"$folder/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.13)
find_package(deal.II 9.4 REQUIRED)
deal_ii_initialize_cached_variables()
project(step-37 CXX)
add_executable(step-37 step-37.cc)
deal_ii_setup_target(step-37 RELEASE)
END
    cmake -S "$folder" -B "$folder/build" -DCMAKE_BUILD_TYPE=Release >/dev/null
    cmake --build "$folder/build" >/dev/null
}

record() {
    local unknowns setup iterations solve
    unknowns=$(sed -n 's/^Number of degrees of freedom: //p' "$1")
    setup=$(sed -n 's/^Total setup time *(wall) \(.*\)s$/\1/p' "$1")
    iterations=$(sed -n 's/^Time solve (\([0-9]*\) iterations).*/\1/p' "$1")
    solve=$(sed -n 's|^Time solve .*/\([0-9.e+-]*\)s$|\1|p' "$1")
    printf '{"unknowns": %s, "setup_s": %s, "solve_s": %s, "iterations": %s, "converged": true}\n' \
        "$unknowns" "$setup" "$solve" "$iterations"
}

"$@"
