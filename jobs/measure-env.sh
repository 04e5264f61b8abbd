# Source this in scripts that measure: builds the program, which is then $solver, goes to the root of the project, and
# makes $work, a folder that is removed at the end.
# shellcheck shell=bash disable=SC2034
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
cargo build --release --locked
solver=$(realpath -m -- "${CARGO_TARGET_DIR:-target}")/release/quad8-mpi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
. jobs/mpi-env.sh
