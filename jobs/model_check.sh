#!/usr/bin/env bash
# How well `quad8-mpi model` foretells runs on this machine: runs of one mesh on one number of ranks set the model, which
# then stands beside the medians of runs of other meshes, sizes and ranks.
#
#   jobs/model_check.sh [--ranks "$(nproc) 1"] [--meshes "y-channel:3 y-channel:2 venturi:3 s-bend:3"] [--repeats 5]
#                       [--out FOLDER]
#
# The first mesh on the first number of ranks sets the model. Before each run something else fills as much memory: the
# host of a virtual machine takes back pages that nobody uses and gives them again many times slower than the machine
# itself, which assembly and setup would then measure. Between the two, STREAM and messages are measured with as many
# ranks as the run has. --out keeps all records. Leave the machine alone meanwhile.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ranks="$(nproc) 1" meshes='y-channel:3 y-channel:2 venturi:3 s-bend:3' repeats=5 out=
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --ranks) ranks=$2 ;;
        --meshes) meshes=$2 ;;
        --repeats) repeats=$2 ;;
        --out) out=$2 ;;
        *) printf 'model_check.sh: unknown argument %s; see --help\n' "$1" >&2; exit 2 ;;
    esac
    shift 2
done
read -ra ranks <<<"$ranks"
read -ra meshes <<<"$meshes"

out=${out:+$(realpath -m -- "$out")}
# shellcheck source=jobs/measure-env.sh
. "$here/measure-env.sh"
out=${out:-$work}
mkdir -p "$out"

cd "$work"
for ((i = 1; i <= repeats; i++)); do
    for mesh in "${meshes[@]}"; do
        for n in "${ranks[@]}"; do
            name=${mesh/:/-}-$n-$i
            "$solver" bench stream --quiet --threads 1 --size 800 --repeats 2
            mpirun -n "$n" "$solver" bench stream --quiet --threads 1 --repeats 5 --json "$out/stream-$name.json"
            ((n == 1)) || mpirun -n "$n" "$solver" bench messages --quiet --work 100 --repeats 3 \
                --json "$out/messages-$name.json"
            mpirun -n "$n" "$solver" "${mesh%:*}" --refine "${mesh#*:}" --quiet --threads 1 \
                -o out.h5 --json "$out/run-$name.json"
        done
    done
done

shopt -s nullglob
messages=("$out"/messages-*.json)
"$solver" model --ranks 1 --cores "$(nproc)" --record "$out/run-${meshes[0]/:/-}-${ranks[0]}-"*.json \
    --stream "$out"/stream-*.json ${messages:+--messages "${messages[@]}"} --compare "$out"/run-*.json
