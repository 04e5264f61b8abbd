#!/usr/bin/env bash
# Runs the real solver on a simulated cluster, with all messages on the network of platform.xml:
#
#   tests/simgrid/run.sh 256 --refine 3
#
# The options are those of solve. Only built-in meshes can be solved, and no files are written.
# Prints a partial run record with simulated seconds, and a table of the stages on the standard
# error stream. Computation takes no time, so that all numbers are repeatable. With COMPUTE=1 it
# takes as long as on this machine.
#
# SimGrid of Debian 12 supports 512 ranks, which take 2 GB of memory and 5 GB below /tmp. With
# --refine 1, 64 ranks take up to a minute of one core and 256 some minutes, since a rank probes for
# the lengths of its messages and SimGrid simulates each probe. Collective operations use
# the algorithms of Open MPI: those of SimGrid send to all ranks at once, and its time then grows
# with the fifth power of the ranks.
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
# A probe that finds nothing takes 10 ns, 100 us without the option.
polling=(--cfg=smpi/iprobe:1e-8 --cfg=smpi/test:1e-8)
compute=no
[ -n "${COMPUTE:-}" ] && compute=yes
smpirun -np "$ranks" -platform "$here/platform.xml" -hostfile "$hosts" --log=root.thres:critical \
    --cfg=smpi/wtime:0 --cfg=smpi/lat-factor:0:1 --cfg=smpi/bw-factor:0:1 --cfg=smpi/host-speed:10Gf --cfg=smpi/coll-selector:ompi \
    "${polling[@]}" --cfg=smpi/simulate-computation:$compute "$library" "$@"
