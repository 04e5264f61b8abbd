#!/usr/bin/env bash
# Runs the checks of the communicator, the halo exchange and the files under
# valgrind's memcheck, on two ranks, with Open MPI's suppressions and our own
# (tests/valgrind.supp). Arguments are the checks (tests/mpi), as in
#   tests/valgrind.sh halo::
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
