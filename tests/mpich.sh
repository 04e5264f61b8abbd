#!/usr/bin/env bash
# Runs tests of the program with Debian's MPICH instead of Open MPI (minutes for the build):
#
#   tests/mpich.sh [NAMES of tests of --test cli]
#
# Without names: the refusals, failures, faults, signals, checkpoints and disks. Tests of Open MPI's
# own options are ignored. To compare the bits with those of Open MPI:
#
#   $(tests/harness/readers.sh) tests/compare_binaries.py --mpirun mpirun.mpich \
#       target/release/quad8-mpi target/mpich/release/quad8-mpi
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs/install.sh mpich libmpich-dev libhdf5-mpich-dev
HDF5_DIR=$(dirname "$(pkg-config --variable=PluginDir hdf5-mpich)")
export HDF5_DIR MPICC=mpicc.mpich MPIRUN=mpirun.mpich CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/mpich
[ $# -gt 0 ] || set -- refused ends_the_job leaves_no_rank signal checkpoint disk error
for name in "$@"; do
    cargo test --release --locked --test cli -- "$name"
done
