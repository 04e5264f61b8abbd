#!/usr/bin/env bash
# Runs the default case again and again on 16 and on 32 ranks (50 times each, or
# as often as the argument says) with pauses on random ranks in every stage: no
# run may hang, and all must have the same bits. With QUAD8_MPI_SEEDS=N the
# distributed solve is compared with the direct one on N random meshes, too.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs/install.sh
QUAD8_MPI_ALL=1 QUAD8_MPI_SOAK=${1:-50} cargo test --release --locked --test cli -- runs_with_pauses_have_the_same_bits
if [ -n "${QUAD8_MPI_SEEDS:-}" ]; then
    cargo test --release --locked --test mpi -- random::
fi
