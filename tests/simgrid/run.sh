#!/usr/bin/env bash
# Runs the real solver on a simulated cluster, with all messages on a simulated network:
#
#   tests/simgrid/run.sh 256 --refine 3
#
# The options are those of solve. Only built-in meshes can be solved. Each rank writes its part of the
# results to a temporary file of its own: messages are simulated, file systems are not. Prints a
# partial run record with simulated seconds, and a table of the stages on the standard error stream.
# Computation takes no time, so that all numbers are repeatable. With COMPUTE=1 it takes as long as on
# this machine.
#
# The network is that of a file here: crossbar.xml, or PLATFORM=fat-tree or PLATFORM=dragonfly. Each
# rank has a node. All ranks take turns on one thread and share one copy of the library. Collective
# operations use the algorithms of Open MPI: those of SimGrid send to all ranks at once, and its time
# then grows with the fifth power of the ranks.
#
# SimGrid 3.32, that of Debian 12, walks through all messages under way whenever one ends: 2,048 ranks
# did not end in 50 minutes. SimGrid 4.1 took 12 minutes for them. It is built from its source
# (pip download --no-binary :all: simgrid; cmake -Denable_smpi=ON; make simgrid smpimain), and used
# where its smpi_script/bin comes first in PATH.
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
# Every rank has a file open.
ulimit -n "$(ulimit -Hn)"
# The probe of include/mpi.h takes simulated time, and no other one.
polling=(--cfg=smpi/iprobe:0 --cfg=smpi/test:0)
# Reductions take log2 P steps, as in MPICH: the table of Open MPI has up to twice as many on some numbers of ranks.
reductions=(--cfg=smpi/allreduce:rdb)
compute=no
[ -n "${COMPUTE:-}" ] && compute=yes
platform=$here/${PLATFORM:-crossbar}.xml
smpirun -no-privatize -np "$ranks" -platform "$platform" -hostfile "$hosts" --log=root.thres:critical \
    --cfg=smpi/wtime:0 --cfg=smpi/lat-factor:0:1 --cfg=smpi/bw-factor:0:1 --cfg=smpi/host-speed:10Gf --cfg=smpi/coll-selector:ompi \
    "${polling[@]}" "${reductions[@]}" --cfg=smpi/simulate-computation:$compute "$library" "$@"
