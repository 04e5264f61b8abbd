#!/usr/bin/env bash
# Runs checks of the library (tests/mpi) under valgrind's memcheck on two ranks: those of the
# communicator, the halo exchange and the files, or those that the arguments select:
#
#   tests/valgrind.sh halo::
#
# The suppressions are those of Open MPI and tests/valgrind.supp.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs/install.sh valgrind
if [ $# -eq 0 ]; then
    set -- comm:: halo:: io::
fi
export QUAD8_MPI_VALGRIND=1
for group in "$@"; do
    cargo test --release --locked --test mpi -- --skip ranks_1 --skip ranks_3 --skip ranks_4 --skip ranks_7 --skip ranks_16 "$group"
done
