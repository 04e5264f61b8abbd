# shellcheck shell=bash disable=SC2154
# How every job starts the program. Sourced with $jobs (this folder), $ranks and $threads (per rank) set. Sets $QUAD8_MPI,
# the program, and $QUAD8_MPI_LAUNCH, the command that takes `-n RANKS PROGRAM ARGUMENTS` after it.

fail() {
    printf 'quad8-mpi job: %s\n' "$1" >&2
    exit 2
}

# shellcheck source=jobs/site.sh
. "$jobs/site.sh"
if [ -n "$QUAD8_MPI_MODULES" ]; then
    command -v module >/dev/null ||
        fail "no command 'module' for QUAD8_MPI_MODULES='$QUAD8_MPI_MODULES': source what defines it in jobs/site.sh, or leave the variable empty"
    # shellcheck disable=SC2086
    module load $QUAD8_MPI_MODULES
fi
QUAD8_MPI=${QUAD8_MPI:-$(realpath -m "${CARGO_TARGET_DIR:-$jobs/../target}/release/quad8-mpi")}
[ -x "$QUAD8_MPI" ] || fail "no program $QUAD8_MPI: build it (cargo build --release), or set QUAD8_MPI in jobs/site.sh"

# Each rank is pinned to cores of its own, one a thread.
case $QUAD8_MPI_LAUNCHER in
    srun)
        command -v srun >/dev/null || fail "no srun here: set QUAD8_MPI_LAUNCHER=mpirun in jobs/site.sh"
        srun --mpi=list 2>&1 | grep -qw -- "$SLURM_MPI_TYPE" ||
            fail "this Slurm's srun has no '$SLURM_MPI_TYPE' (srun --mpi=list): set QUAD8_MPI_LAUNCHER=mpirun, or another SLURM_MPI_TYPE, in jobs/site.sh"
        QUAD8_MPI_LAUNCH="srun --mpi=$SLURM_MPI_TYPE --exact --cpus-per-task=$threads --cpu-bind=cores --wait=10"
        ;;
    mpirun)
        QUAD8_MPI_LAUNCH="mpirun --map-by slot:PE=$threads --bind-to core -x SLURM_CPUS_PER_TASK"
        # A host that no longer answers is noticed after 20 s, not 8 minutes.
        export OMPI_MCA_oob_tcp_keepalive_time=10 OMPI_MCA_oob_tcp_keepalive_intvl=5 OMPI_MCA_oob_tcp_keepalive_probes=2
        ;;
    *) fail "QUAD8_MPI_LAUNCHER is '$QUAD8_MPI_LAUNCHER': it must be srun or mpirun, see jobs/site.sh" ;;
esac
# The program reads it; srun and mpirun give it to every rank.
export SLURM_CPUS_PER_TASK=$threads QUAD8_MPI QUAD8_MPI_LAUNCH

# has_ranks PID: whether a process has a child that runs.
has_ranks() {
    ps -o stat= --ppid "$1" | grep -qv '^Z'
}

# end_without_ranks PID: ends a mpirun whose ranks ended 30 s ago. Open MPI 4 may wait for ever at its own end after a
# rank was killed.
end_without_ranks() {
    local alone=0
    until has_ranks "$1"; do sleep 0.1; done
    while ((alone < 30)); do
        sleep 1
        if has_ranks "$1"; then alone=0; else alone=$((alone + 1)); fi
    done
    echo 'quad8-mpi job: mpirun has not ended 30 s after its ranks; it is ended now' >&2
    kill -KILL "$1"
}

# launch ARGUMENT...: runs the program on all ranks and returns its exit code. A warning of the scheduler (USR1) is
# sent to the ranks, too. They receive TERM themselves; this shell stays to report how they ended.
launch() {
    local pid='' watch='' interrupted code
    trap 'interrupted=1; [ -z "$pid" ] || kill -USR1 "$pid"' USR1
    trap 'interrupted=1' TERM
    # shellcheck disable=SC2086
    $QUAD8_MPI_LAUNCH -n "$ranks" "$QUAD8_MPI" "$@" &
    pid=$!
    if [ "$QUAD8_MPI_LAUNCHER" = mpirun ]; then
        end_without_ranks "$pid" &
        watch=$!
    fi
    while :; do
        interrupted='' code=0
        wait "$pid" || code=$?
        # A trap ends the wait with 128 and the number of its signal.
        { [ -n "$interrupted" ] && ((code > 128)); } || break
    done
    [ -z "$watch" ] || kill "$watch" 2>/dev/null || true
    explain "$code"
    return "$code"
}

# explain CODE: prints one sentence where the launcher ended the run, not the program, which prints its own message.
explain() {
    local why
    case $1 in
        [0-5]) return ;;
        137) why='a rank was killed (signal 9): most often a host ran out of memory; see --dry-run, and use more hosts' ;;
        134 | 135 | 136 | 139) why="a rank crashed (signal $(($1 - 128))); please report this with the output above" ;;
        143) why='the ranks were ended from outside (signal 15)' ;;
        205 | 255) why='a host or the network to it was lost; its name stands above' ;;
        *) why='the ranks did not start or were ended; the launcher says why above' ;;
    esac
    printf 'quad8-mpi job: the run ended with exit code %d, without results: %s\n' "$1" "$why" >&2
}

# 1,2,4,... and all ranks.
rank_counts() {
    local n=1 list=''
    for ((; n < ranks; n *= 2)); do list+=$n,; done
    echo "$list$ranks"
}
