#!/usr/bin/env bash
# Times quad8-mpi beside its peers on this machine, in turn, and prints medians and ratios: PETSc's CG on the same system
# (with Jacobi, BoomerAMG and GAMG), dolfinx with BoomerAMG and deal.II's matrix-free multigrid (step-37) on squares of
# about as many unknowns, where quad8-mpi solves their problem to their residual, NumPy/SciPy assembly, and the published
# figures of the Python programs that this one replaces.
#
#   jobs/compare_peers.sh [--ranks 2] [--refine 3] [--repeats 5] [--mesh MESH.h5] [--max-iterations 500]
#                         [--without dolfinx,dealii,larger] [--output FILE.json]
#
#   --ranks N           MPI ranks of all solvers, one thread each (default 2)
#   --refine K          uniform refinements of the mesh (default 3)
#   --repeats N         runs of each solver, in turn; the table shows medians (default 5)
#   --mesh FILE         HDF5 mesh (default: the built-in Y-channel)
#   --max-iterations N  stop the Jacobi solves there, since the time of an iteration needs no full solve; u is then not compared;
#                       0 = run both to convergence and compare u (default 500)
#   --without LIST      leave out dolfinx, dealii (a download of 260 MB) or larger (the run with one refinement more)
#   --output FILE       also write every number as JSON
#
# Debian 12; as root or with sudo it installs what is missing. Leave the machine alone meanwhile: all need its bandwidth.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=/usr/bin/python3                 # Debian's, which sees Debian's packages; another one may come first in PATH
peers=$here/peers
ranks=2 refine=3 repeats=5 mesh='' cap=500 output='' without=''

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
fail() { printf 'compare_peers.sh: %s\n' "$1" >&2; exit 2; }
number() {   # number OPTION VALUE SMALLEST
    { [[ $2 =~ ^[0-9]{1,9}$ ]] && ((10#$2 >= $3)); } || fail "$1 takes a whole number of at least $3, not '$2'"
    echo "$((10#$2))"
}

while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --ranks | --refine | --repeats | --mesh | --max-iterations | --without | --output) (($# >= 2)) || fail "$1 needs a value" ;;
        *) fail "unknown argument '$1'; see --help" ;;
    esac
    case $1 in
        --ranks) ranks=$(number "$1" "$2" 1) ;;
        --refine) refine=$(number "$1" "$2" 0) ;;
        --repeats) repeats=$(number "$1" "$2" 1) ;;
        --max-iterations) cap=$(number "$1" "$2" 0) ;;
        --mesh) [[ -f $2 ]] || fail "no mesh file '$2'"; mesh=$(realpath -- "$2") ;;
        --without) without=,$2, ;;
        --output) [[ -d $(dirname -- "$2") ]] || fail "no folder for '$2'"; output=$(realpath -m -- "$2") ;;
    esac
    shift 2
done

say() { printf '%s\n' "$*" >&2; }

wants() { [[ $without != *,$1,* ]]; }

# 1. Packages
packages=(python3-petsc4py python3-h5py python3-scipy python3-numpy)
! wants dolfinx || packages+=(python3-dolfinx)
! wants dealii || packages+=(libdeal.ii-dev libdeal.ii-doc cmake)
"$here/install.sh" "${packages[@]}"
"$python" "$peers/report.py" versions >/dev/null

# 2. The solver, and the mesh that it solves on
# shellcheck source=jobs/measure-env.sh
. "$here/measure-env.sh"
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

multigrid() {   # multigrid RECORD.json OPTION...; when the command started and ended goes beside the record
    local start=$EPOCHREALTIME
    mpi "$solver" "${@:2}" --threads 1 -o "$work/out.h5" --json "$1" --quiet
    printf '%s %s\n' "$start" "$EPOCHREALTIME" >"$1.clock"
}

petsc() {   # petsc RECORD.json OPTION...
    mpi "$python" "$peers/petsc_cg.py" "$work/system.npz" -ksp_type cg "${@:2}" >"$1"
}

say 'Mesh'
quad8 "$work/mesh.json" 1

# 3. The same system in NumPy/SciPy, and squares of about as many unknowns for those who make their own mesh
say 'Assembly in NumPy/SciPy'
"$python" "$peers/report.py" versions "quad8_mpi=$("$solver" --version | head -n 1)" "mpi=$(mpirun --version | head -n 1)" \
    >"$work/versions.json"
"$python" "$peers/numpy_assembly.py" "$work/xl.h5" "$work/system.npz" >"$work/assembly.json"
read -r side levels q2_levels < <("$python" "$peers/report.py" squares "$work/assembly.json")
"$python" "$peers/square.py" "$side" "$work"
if wants dealii; then
    say "deal.II's step-37"
    "$peers/step37.sh" build "$work/step37" "$q2_levels"
fi

# 4. All solvers, in turn
for ((i = 1; i <= repeats; i++)); do
    say "Solve $i of $repeats"
    petsc "$work/petsc_$i.json" -pc_type jacobi $( ((cap == 0)) || echo "-ksp_max_it $cap")
    quad8 "$work/quad8_$i.json" "$cap"
    petsc "$work/boomeramg_$i.json" -pc_type hypre -pc_hypre_type boomeramg
    multigrid "$work/file_$i.json" "$work/xl.h5"
    petsc "$work/gamg_$i.json" -pc_type gamg
    multigrid "$work/nested_$i.json" ${mesh:+"$mesh"} --refine "$refine"
    multigrid "$work/tight_$i.json" ${mesh:+"$mesh"} --refine "$refine" --rtol 1e-12
    if wants dolfinx; then
        mpi "$python" "$peers/dolfinx_cg.py" "$((side << levels))" >"$work/dolfinx_$i.json"
        multigrid "$work/like_dolfinx_$i.json" solve "$work/dolfinx.toml" --refine "$levels"
    fi
    if wants dealii; then
        mpi "$work/step37/build/step-37" >"$work/step37.log"
        "$peers/step37.sh" record "$work/step37.log" >"$work/step37_$i.json"
        multigrid "$work/like_step37_$i.json" solve "$work/step37.toml" --refine "$levels" --rtol 1e-12
    fi
done

# 5. One refinement more beside none, in turn: both meet the same memory, and not what the peers leave of it
if wants larger; then
    for ((i = 1; i <= repeats; i++)); do
        say "Sizes $i of $repeats"
        multigrid "$work/small_$i.json" ${mesh:+"$mesh"} --refine "$refine"
        multigrid "$work/larger_$i.json" ${mesh:+"$mesh"} --refine "$((refine + 1))"
    done
fi

# 6. Medians and ratios
"$python" "$peers/report.py" table "$work" --ranks "$ranks" --max-iterations "$cap" ${output:+--output "$output"}
