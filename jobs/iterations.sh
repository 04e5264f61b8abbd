#!/usr/bin/env bash
# Iterations of multigrid-CG to 1e-8 on the built-in meshes, and on others, refined again and again, on one rank and more.
#
#   jobs/iterations.sh [--ranks "1 16"] [--levels "0 1 2 3"] [MESH ...]
#
# Prints a line for each mesh and number of ranks: unknowns and iterations by level; - where the mesh cannot be refined
# so far, because an element of it is folded.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ranks='1 16' levels='0 1 2 3'
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --ranks) ranks=$2; shift 2 ;;
        --levels) levels=$2; shift 2 ;;
        *) break ;;
    esac
done
meshes=(y-channel venturi backward-step elbow s-bend t-junction)
for mesh in "$@"; do
    meshes+=("$(realpath -- "$mesh")")
done

# shellcheck source=jobs/measure-env.sh
. "$here/measure-env.sh"

# A number under a name that occurs once in a run record.
number() { sed -n "s/^ *\"$1\": \([0-9]*\),*$/\1/p" "$work/run.json" | head -n 1; }

for mesh in "${meshes[@]}"; do
    for n in $ranks; do
        line="$(basename "$mesh"), $n ranks:"
        for level in $levels; do
            if timeout 600 mpirun -n "$n" "$solver" "$mesh" --refine "$level" --threads 1 --quiet \
                -o "$work/out.h5" --json "$work/run.json" 2>"$work/stderr"; then
                line+="  $(number used_nodes): $(number iterations)"
            elif grep -q 'is folded' "$work/stderr"; then
                line+="  -"
            else
                cat "$work/stderr" >&2
                exit 1
            fi
        done
        echo "$line"
    done
done
