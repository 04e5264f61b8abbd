#!/usr/bin/env bash
# Runs the default case RUNS times (50) on 32 ranks, with pauses on random ranks in every
# stage: no run may hang, and all must have the same bits.
#
#   tests/soak.sh [RUNS]
#
# With QUAD8_MPI_SEEDS=N it also compares distributed with direct solves on N random meshes.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs/install.sh
QUAD8_MPI_ALL=1 QUAD8_MPI_SOAK=${1:-50} cargo test --release --locked --test cli -- runs_with_pauses_have_the_same_bits
if [ -n "${QUAD8_MPI_SEEDS:-}" ]; then
    cargo test --release --locked --test mpi -- random::
fi
