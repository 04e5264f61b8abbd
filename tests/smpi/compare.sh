#!/usr/bin/env bash
# Solves on a simulated cluster (see run.sh for arguments) and puts one iteration
# and the setup beside what `quad8-mpi model` says of the same ranks, mesh and
# network; "messages" and "bytes" are those of one iteration, of all ranks. As in
#   tests/smpi/compare.sh 256 --refine 1
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${QUAD8_MPI:-$(realpath -m -- "${CARGO_TARGET_DIR:-$here/../../target}")/release/quad8-mpi}
[ -x "$program" ] || (cd "$here/../.." && cargo build --release --locked)
record=$(mktemp --suffix=.json)
trap 'rm -f "$record"' EXIT
"$here/run.sh" "$@" >"$record"
# The network of platform.xml.
"$program" model --network --latency 2 --overhead 0 --bandwidth 100 --ranks-per-node 1 --compare "$record"
