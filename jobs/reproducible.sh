#!/usr/bin/env bash
# What --reproducible costs: the same solve with it and without, in turn, and the ratios of the medians.
#
#   jobs/reproducible.sh [--ranks 2] [--refine 3] [--repeats 5]
#
# Leave the machine alone meanwhile.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ranks=2 refine=3 repeats=5
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --ranks) ranks=$2 ;;
        --refine) refine=$2 ;;
        --repeats) repeats=$2 ;;
        *) printf 'reproducible.sh: unknown argument %s; see --help\n' "$1" >&2; exit 2 ;;
    esac
    shift 2
done

# shellcheck source=jobs/measure-env.sh
. "$here/measure-env.sh"

for ((i = 1; i <= repeats; i++)); do
    for kind in plain reproducible; do
        option=()
        [[ $kind == plain ]] || option=(--reproducible)
        mpirun -n "$ranks" "$solver" --refine "$refine" --quiet --threads 1 "${option[@]}" \
            -o "$work/out.h5" --json "$work/$kind-$i.json"
    done
done

/usr/bin/python3 - "$work" "$repeats" <<'PYTHON'
import json, statistics, sys

work, repeats = sys.argv[1], int(sys.argv[2])
runs = {kind: [json.load(open(f"{work}/{kind}-{i}.json")) for i in range(1, repeats + 1)] for kind in ("plain", "reproducible")}
solve = ("assemble_system", "apply_bc", "setup_preconditioner", "solve_system")
values = {
    "assembly, setup, solve (s)": lambda run: sum(run["timing_metrics"][stage]["max"] for stage in solve),
    "whole run (s)": lambda run: run["timing_metrics"]["total_workflow"]["max"],
    "memory (MiB)": lambda run: run["memory"]["peak_bytes_sum"] / 2**20,
}
print(f"{runs['plain'][0]['mesh_info']['used_nodes']:,} unknowns, {runs['plain'][0]['parallel']['ranks']} ranks, medians of {repeats}")
for name, of in values.items():
    plain, reproducible = (statistics.median(map(of, runs[kind])) for kind in ("plain", "reproducible"))
    print(f"{name:28} plain {plain:8.3f}   reproducible {reproducible:8.3f}   ratio {reproducible / plain:.2f}")
PYTHON
