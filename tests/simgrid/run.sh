#!/usr/bin/env bash
# Solves on a simulated cluster: the real solver, every message of it on the
# network of platform.xml, as in
#   tests/simgrid/run.sh 256 --refine 3
# with the options of solve (a built-in mesh alone; no files are written).
# Prints the part of a run record that there is, with simulated seconds, and a
# table of the stages on the standard error stream. Work takes no time, so that
# all numbers are the same again; with COMPUTE=1 it takes the time it takes here.
# SimGrid of Debian 12 manages 512 ranks. For --refine 1 they take two to
# four minutes of one core, 2 GB of memory and 5 GB below /tmp; 256 take half a
# minute. Collective operations are those that Open MPI chooses: SimGrid's own
# send to all at once, and its time then grows with the fifth power of the ranks.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ranks=$1
shift
command -v smpirun >/dev/null || {
    echo "run.sh: no SimGrid: apt-get install libsimgrid-dev" >&2
    exit 1
}
library=$("$here/build.sh")
hosts=$(mktemp)
trap 'rm -f "$hosts"' EXIT
seq -f node-%.0f 0 $((ranks - 1)) >"$hosts"
compute=no
[ -n "${COMPUTE:-}" ] && compute=yes
smpirun -np "$ranks" -platform "$here/platform.xml" -hostfile "$hosts" --log=root.thres:critical \
    --cfg=smpi/wtime:0 --cfg=smpi/lat-factor:0:1 --cfg=smpi/bw-factor:0:1 --cfg=smpi/host-speed:10Gf --cfg=smpi/coll-selector:ompi \
    --cfg=smpi/simulate-computation:$compute "$library" "$@"
