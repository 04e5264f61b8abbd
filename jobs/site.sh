# shellcheck shell=bash
# What differs from site to site, in one place. Every job reads it. Where sbatch itself needs an account or a partition,
# source it before you submit:
#
#   . jobs/site.sh && sbatch jobs/solve.sbatch MESH.h5 -o OUT.h5

# export SBATCH_ACCOUNT=...
# export SBATCH_PARTITION=...

# What the program was built with, as for `module load`: "gcc openmpi hdf5-mpi". Empty: nothing is loaded.
QUAD8_MPI_MODULES=${QUAD8_MPI_MODULES:-}

# What starts the ranks: srun, or Open MPI's mpirun.
QUAD8_MPI_LAUNCHER=${QUAD8_MPI_LAUNCHER:-srun}

# How srun and the MPI library find each other, one of `srun --mpi=list`: pmix for Open MPI, pmi2 for MPICH.
SLURM_MPI_TYPE=${SLURM_MPI_TYPE:-pmix}

# The program, if it is not where cargo puts it.
QUAD8_MPI=${QUAD8_MPI:-}
