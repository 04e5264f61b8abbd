#!/usr/bin/env bash
# Solves on several hosts without a scheduler, over ssh and TCP:
#
#   jobs/hosts.sh HOSTFILE MESH.h5 -o OUT.h5
#
# HOSTFILE has a line `NAME slots=RANKS` for each host. The program and this folder must have the same path on all of
# them. THREADS=4 jobs/hosts.sh ... uses four threads a rank.
set -euo pipefail

jobs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
hostfile=${1:-}
if [ ! -r "$hostfile" ]; then
    echo "hosts.sh: cannot read '$hostfile': jobs/hosts.sh HOSTFILE MESH.h5 -o OUT.h5, with lines NAME slots=RANKS" >&2
    exit 2
fi
ranks=$(awk '{ for (i = 2; i <= NF; i++) if (sub(/^slots=/, "", $i)) n += $i } END { print n + 0 }' "$hostfile")
threads=${THREADS:-1}
QUAD8_MPI_LAUNCHER=mpirun
OMPI_MCA_orte_default_hostfile=$(realpath -- "$hostfile")
export OMPI_MCA_orte_default_hostfile
# shellcheck source=jobs/launch.sh
. "$jobs/launch.sh"
((ranks > 0)) || fail "$hostfile gives no number of ranks: it needs lines NAME slots=RANKS"
launch "${@:2}"
