#!/usr/bin/env bash
# A scaling study: the runs in turn, their records, the memory bandwidth beside them, and the report.
#
#   jobs/scaling.sh strong  [--ranks 1,2,4,8] [--threads T]   one problem on ever more ranks
#   jobs/scaling.sh weak    [--ranks 1,2,4,8] [--threads T]   as much for each rank, however many they are
#   jobs/scaling.sh threads [--cores N]                       one problem by ranks, by threads and by mixtures of both
#
#   --ranks LIST     MPI ranks of the runs (default 1, 2, 4, ... up to the cores of this machine)
#   --threads T      threads of each rank (default 1)
#   --cores N        up to so many cores (default: those of this machine)
#   --repeats N      runs of each, in turn; tables show medians (default 3)
#   --unknowns N     size to come near to with a built-in mesh and its refinements: of the problem (strong: default
#                    10,000,000, threads: 4,000,000), or for each rank (weak: default 500,000)
#   --mesh MESH      this mesh: a file (not for weak), or the name of a built-in one
#   --refine K       so many refinements (not for weak; default 0 with --mesh FILE, else what comes near to --unknowns)
#   --stream MIB     size of the arrays of the bandwidth measurement (default: beyond the caches)
#   --out DIR        folder for records, tables and pictures (default scaling-MODE)
#   --submit         hand the study to Slurm (jobs/strong.sbatch, jobs/weak.sbatch)
#
# QUAD8_MPI_LAUNCH starts the ranks (as in "srun --mpi=pmix"; default: mpirun of this machine, bound to cores where they
# are enough), QUAD8_MPI is the program (default: target/release, which is built where it is missing).
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
fail() { printf 'scaling.sh: %s\n' "$1" >&2; exit 2; }
say() { printf '%s\n' "$*" >&2; }
number() {   # number OPTION VALUE SMALLEST
    { [[ $2 =~ ^[0-9]{1,12}$ ]] && ((10#$2 >= $3)); } || fail "$1 takes a whole number of at least $3, not '$2'"
    echo "$((10#$2))"
}

case ${1:-} in
    strong | weak | threads) mode=$1; shift ;;
    -h | --help) usage; exit 0 ;;
    *) fail "say strong, weak or threads; see --help" ;;
esac
arguments=("$@")

# One rank a core, not one a hardware thread.
machine=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
usable=$(nproc)
if ((machine < 1 || machine > usable)); then machine=$usable; fi

ranks='' threads=1 cores=$machine repeats=3 unknowns='' mesh='' refine='' stream='' out=scaling-$mode submit=''
while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --submit) submit=yes; shift; continue ;;
        --ranks | --threads | --cores | --repeats | --unknowns | --mesh | --refine | --stream | --out)
            (($# >= 2)) || fail "$1 needs a value" ;;
        *) fail "unknown argument '$1'; see --help" ;;
    esac
    case $1 in
        --ranks) ranks=$2 ;;
        --threads) threads=$(number "$1" "$2" 1) ;;
        --cores) cores=$(number "$1" "$2" 1) ;;
        --repeats) repeats=$(number "$1" "$2" 1) ;;
        --unknowns) unknowns=$(number "$1" "$2" 1) ;;
        --mesh) mesh=$2 ;;
        --refine) refine=$(number "$1" "$2" 0) ;;
        --stream) stream=$(number "$1" "$2" 1) ;;
        --out) out=$2 ;;
    esac
    shift 2
done
[[ -z $ranks || $ranks =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || fail "--ranks takes numbers as in 1,2,4, not '$ranks'"
[[ $mode != weak || ( -z $refine && ! -f $mesh ) ]] || fail "weak takes a built-in mesh and chooses its refinement"
[[ $mode != threads || ( -z $ranks && $threads == 1 ) ]] || fail "threads takes --cores alone: it tries ranks and threads"

doublings() {   # doublings LAST: 1 2 4 ... LAST
    local n
    for ((n = 1; n < $1; n *= 2)); do echo "$n"; done
    echo "$1"
}

# 1. Pairs of ranks and threads
pairs=()
if [[ $mode == threads ]]; then
    for all in $(doublings "$cores"); do
        for each in $(doublings "$all"); do
            ((all % each)) || pairs+=("$((all / each)) $each")
        done
    done
else
    [[ -n $ranks ]] || ranks=$(doublings "$((cores > threads ? cores / threads : 1))")
    for count in $(tr ',' '\n' <<<"$ranks" | sort -nu); do
        pairs+=("$count $threads")
    done
fi

# 2. Slurm calls this script again, inside its allocation.
if [[ -n $submit ]]; then
    command -v sbatch >/dev/null || fail '--submit needs Slurm: no sbatch here'
    job=$here/$mode.sbatch
    [[ -f $job ]] || fail "--submit: there is no $job"
    kept=()
    for argument in "${arguments[@]}"; do
        [[ $argument == --submit ]] || kept+=("$argument")
    done
    read -r most _ <<<"${pairs[-1]}"
    exec sbatch --ntasks="$most" --cpus-per-task="$threads" "$job" "${kept[@]}"
fi

# 3. The program and its launcher
program=${QUAD8_MPI:-}
if [[ -z $program ]]; then
    program=$(realpath -m -- "${CARGO_TARGET_DIR:-$here/../target}")/release/quad8-mpi
    [[ -x $program ]] || (cd "$here/.." && cargo build --release --locked)
fi
if [[ -z ${QUAD8_MPI_LAUNCH:-} ]]; then
    # shellcheck source=jobs/mpi-env.sh
    . "$here/mpi-env.sh"
fi
launch() {   # launch RANKS THREADS ARGUMENT...
    local count=$1 each=$2 launcher=(mpirun)
    if [[ -n ${QUAD8_MPI_LAUNCH:-} ]]; then
        read -ra launcher <<<"$QUAD8_MPI_LAUNCH"
    elif [[ $(mpirun --version 2>&1) == *"Open MPI"* ]]; then
        launcher+=(--bind-to none)
        ((count * each > machine)) || launcher=(mpirun --map-by "slot:PE=$each" --bind-to core:if-supported)
    fi
    "${launcher[@]}" -n "$count" "$program" "${@:3}" </dev/null
}

# 4. The problem. A mesh without holes has 3 E + B + 1 nodes for E elements and B edges on its boundary, and a
# refinement makes 4 E and 2 B of them.
builtins=''
nearest() {   # nearest UNKNOWNS: mesh, refinements and unknowns of the built-in mesh that comes nearest
    [[ -n $builtins ]] || builtins=$(launch 1 1 meshes)
    awk -v wanted="$1" -v only="$mesh" '
        $2 ~ /^[0-9]+$/ && $3 ~ /^[0-9]+$/ && (only == "" || $1 == only) {
            elements = $2; edges = $3 - 3 * $2 - 1
            for (k = 0; k < 13; k++) {
                n = 3 * elements * 4^k + edges * 2^k + 1
                off = log(n / wanted); if (off < 0) off = -off
                if (best == "" || off < least) { best = $1 " " k " " n; least = off }
            }
        }
        END { if (best == "") exit 1; print best }' <<<"$builtins" || fail "there is no built-in mesh '$mesh'"
}
problem() {   # problem RANKS: refinements and mesh
    if [[ -n $refine || -f $mesh ]]; then
        echo "${refine:-0}" "${mesh:-y-channel}"
        return
    fi
    local wanted=${unknowns:-10000000} found on=''
    case $mode in
        threads) wanted=${unknowns:-4000000} ;;
        weak) wanted=$((${unknowns:-500000} * $1)) ;;
    esac
    found=$(nearest "$wanted")
    read -r name levels nodes <<<"$found"
    [[ $mode != weak ]] || on="$1 ranks, $((nodes / $1)) unknowns on each: "
    say "$on$name, --refine $levels: $nodes unknowns, $((100 * nodes / wanted)) % of what was asked for"
    echo "$levels" "$name"
}

mkdir -p -- "$out"
out=$(realpath -- "$out")
[[ -z $(find "$out" -maxdepth 1 -name '*.json' -print -quit) ]] || fail "$out holds records: choose another --out"
[[ ! -f $mesh ]] || mesh=$(realpath -- "$mesh")
declare -A problems
for pair in "${pairs[@]}"; do
    read -r count each <<<"$pair"
    if [[ $mode == weak || -z ${chosen:-} ]]; then
        chosen=$(problem "$count")
    fi
    problems[$pair]=$chosen
done

# 5. The runs, in turn
for pair in "${pairs[@]}"; do
    read -r count each <<<"$pair"
    say "memory bandwidth: $count x $each"
    launch "$count" "$each" bench stream --threads "$each" --json "$out/stream-${count}x$each.json" --quiet \
        ${stream:+--size "$stream"}
done
for ((round = 1; round <= repeats; round++)); do
    for pair in "${pairs[@]}"; do
        read -r count each <<<"$pair"
        read -r levels name <<<"${problems[$pair]}"
        say "run $round of $repeats: $count x $each"
        launch "$count" "$each" "$name" --refine "$levels" --threads "$each" --quiet \
            -o "$out/results.h5" --json "$out/run-${count}x$each-$round.json"
        rm -f -- "$out"/results.{h5,xdmf}
    done
done

# 6. Tables and pictures
kind=(--strong) claims=()
[[ $mode != weak ]] || kind=(--weak)
[[ $mode != threads ]] || claims=(--claims)
report() { "$program" report "$out"/*.json "${kind[@]}" "$@"; }
for format in md csv; do
    report --table scaling "${claims[@]}" --format "$format" --output "$out/scaling.$format"
    report --table stages --format "$format" --output "$out/stages.$format"
done
for format in svg png; do
    report --output "$out/scaling.txt" "${claims[@]}" --plot "$out/speed-up.$format"
done
cat "$out/scaling.txt"
say "Records, tables and pictures are in $out"
