#!/usr/bin/env bash
# Times quad8-mpi beside PETSc (CG on the same system: with Jacobi, and multigrid beside BoomerAMG and GAMG) and its
# assembly beside NumPy/SciPy, on this machine.
#
#   jobs/compare_petsc.sh [--ranks 2] [--refine 3] [--repeats 5] [--mesh MESH.h5] [--max-iterations 500] [--output FILE.json]
#
#   --ranks N           MPI ranks of both solvers, one thread each (default 2)
#   --refine K          uniform refinements of the mesh (default 3)
#   --repeats N         runs of each solver, in turn; the table shows medians (default 5)
#   --mesh FILE         HDF5 mesh (default: the built-in Y-channel)
#   --max-iterations N  stop the Jacobi solves there, since the time of an iteration needs no full solve; u is then not compared;
#                       0 = run both to convergence and compare u (default 500)
#   --output FILE       also write every number as JSON
#
# Debian 12; as root or with sudo it installs what is missing. Leave the machine alone meanwhile: both need its bandwidth.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=/usr/bin/python3                 # Debian's, which sees Debian's packages; another one may come first in PATH
compare=$here/compare_petsc.py
ranks=2 refine=3 repeats=5 mesh='' cap=500 output=''

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
fail() { printf 'compare_petsc.sh: %s\n' "$1" >&2; exit 2; }
number() {   # number OPTION VALUE SMALLEST
    { [[ $2 =~ ^[0-9]{1,9}$ ]] && ((10#$2 >= $3)); } || fail "$1 takes a whole number of at least $3, not '$2'"
    echo "$((10#$2))"
}

while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --ranks | --refine | --repeats | --mesh | --max-iterations | --output) (($# >= 2)) || fail "$1 needs a value" ;;
        *) fail "unknown argument '$1'; see --help" ;;
    esac
    case $1 in
        --ranks) ranks=$(number "$1" "$2" 1) ;;
        --refine) refine=$(number "$1" "$2" 0) ;;
        --repeats) repeats=$(number "$1" "$2" 1) ;;
        --max-iterations) cap=$(number "$1" "$2" 0) ;;
        --mesh) [[ -f $2 ]] || fail "no mesh file '$2'"; mesh=$(realpath -- "$2") ;;
        --output) [[ -d $(dirname -- "$2") ]] || fail "no folder for '$2'"; output=$(realpath -m -- "$2") ;;
    esac
    shift 2
done

say() { printf '%s\n' "$*" >&2; }

# 1. Packages
"$here/install.sh" python3-petsc4py python3-h5py python3-scipy python3-numpy
"$python" "$compare" versions >/dev/null

# 2. The solver, and the mesh that it solves on
cd "$here/.."
cargo build --release --locked
solver=${CARGO_TARGET_DIR:-target}/release/quad8-mpi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# shellcheck source=jobs/mpi-env.sh
. "$here/mpi-env.sh"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

mpi() { timeout --kill-after=10 3600 mpirun -n "$ranks" "$@"; }

quad8() {   # quad8 RECORD.json ITERATIONS (0: to convergence); a capped run may end unconverged, which is exit code 1
    local record=$1 limit=() code=0
    (($2 == 0)) || limit=(--max-iterations "$2")
    mpi "$solver" ${mesh:+"$mesh"} --refine "$refine" --preconditioner jacobi --threads 1 --rtol 1e-8 "${limit[@]}" \
        -o "$work/xl.h5" --json "$record" --quiet 2>"$work/stderr" || code=$?
    if ((code > 1 || (code == 1 && $2 == 0))) || [[ ! -s $record ]]; then
        cat "$work/stderr" >&2
        fail "quad8-mpi ended with exit code $code"
    fi
}

petsc() {   # petsc RECORD.json OPTION...
    mpi "$python" "$compare" solve "$work/system.npz" -ksp_type cg "${@:2}" >"$1"
}

multigrid() {   # multigrid RECORD.json: from the mesh file to the results file
    mpi "$solver" "$work/xl.h5" --preconditioner multigrid --threads 1 --rtol 1e-8 -o "$work/out.h5" --json "$1" --quiet
}

say 'Mesh'
quad8 "$work/mesh.json" 1

# 3. The same system in NumPy/SciPy
say 'Assembly in NumPy/SciPy'
"$python" "$compare" versions "quad8_mpi=$("$solver" --version | head -n 1)" "mpi=$(mpirun --version | head -n 1)" \
    >"$work/versions.json"
"$python" "$compare" assemble "$work/xl.h5" "$work/system.npz" >"$work/assembly.json"

# 4. Both solvers, in turn
for ((i = 1; i <= repeats; i++)); do
    say "Solve $i of $repeats"
    petsc "$work/petsc_$i.json" -pc_type jacobi $( ((cap == 0)) || echo "-ksp_max_it $cap")
    quad8 "$work/quad8_$i.json" "$cap"
    petsc "$work/boomeramg_$i.json" -pc_type hypre -pc_hypre_type boomeramg
    multigrid "$work/multigrid_$i.json"
    petsc "$work/gamg_$i.json" -pc_type gamg
done

# 5. Medians and ratios
"$python" "$compare" report "$work" --ranks "$ranks" --max-iterations "$cap" ${output:+--output "$output"}
