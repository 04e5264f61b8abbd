#!/usr/bin/env bash
# Solves on a simulated cluster and compares the solution with that of a real run:
#
#   tests/simgrid/compare.sh 256 --refine 1
#
# Arguments are those of run.sh. The real run has REAL (2) ranks. Fails where the solutions differ
# by more than 100 times the tolerance (--rtol), or the iterations by more than two. Also prints one
# iteration and the setup beside the prediction of `quad8-mpi model` for the same ranks, mesh and
# network; "messages" and "bytes" are those of one iteration on all ranks.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${QUAD8_MPI:-$(realpath -m -- "${CARGO_TARGET_DIR:-$here/../../target}")/release/quad8-mpi}
[ -x "$program" ] || (cd "$here/../.." && cargo build --release --locked)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
# shellcheck source=jobs/mpi-env.sh
. "$here/../../jobs/mpi-env.sh"

"$here/run.sh" "$@" >"$work/simulated.json"
(cd "$work" && mpirun -n "${REAL:-2}" "$program" "${@:2}" --threads 1 --quiet --json real.json)
/usr/bin/python3 - "$work/simulated.json" "$work/real.json" <<'PYTHON'
import json, sys

simulated, real = (json.load(open(path)) for path in sys.argv[1:])
bound = 100 * real["solver_config"]["rtol"]
ranks = (simulated["parallel"]["ranks"], real["parallel"]["ranks"])
iterations = (simulated["iterations"], real["iterations"])
print(f"\n{'':10} {ranks[0]:>14} simulated {ranks[1]:>8} real ranks  difference")
print(f"iterations {iterations[0]:>24} {iterations[1]:>19}")
is_same = abs(iterations[0] - iterations[1]) <= 2
for name, of in (
    ("largest u", lambda run: run["u_range"][1]),
    ("mean u", lambda run: run["u_mean"]),
    ("deviation", lambda run: run["u_std"]),
):
    a, b = (of(run["solution_stats"]) for run in (simulated, real))
    print(f"{name:10} {a:>24.15g} {b:>19.15g}  {abs(a / b - 1):10.1e}")
    is_same &= abs(a / b - 1) <= bound
sys.exit(0 if is_same else "compare.sh: the simulated solve is not that of the real run")
PYTHON
# The network of crossbar.xml.
"$program" model --network --latency 2 --overhead 0 --bandwidth 100 --ranks-per-node 1 --compare "$work/simulated.json"
