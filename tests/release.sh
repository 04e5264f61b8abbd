#!/usr/bin/env bash
# Builds the program with the features that users get and checks that it has no fault injection, which is a feature for
# tests alone (fault-injection in Cargo.toml). The program is never run, so it needs no optimisation.
# Cargo puts it in the place of the program that the tests built; the next cargo test puts theirs back.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --locked --config 'profile.release.package.quad8-mpi.opt-level=0'
program=${CARGO_TARGET_DIR:-target}/release/quad8-mpi
if found=$(grep --text --only-matching -E 'QUAD8_MPI_(FAULT|MESSAGE_BYTES)' "$program" | sort -u); then
    echo "release.sh: $program reads $found" >&2
    exit 1
fi
