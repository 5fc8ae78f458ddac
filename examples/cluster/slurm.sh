#!/bin/bash
# Two ranks on each of four hosts: sbatch examples/cluster/slurm.sh train.py. The script needs BackupAndRestore to go on.
#SBATCH --nodes=4 --ntasks-per-node=2 --cpus-per-task=8
#SBATCH --requeue --open-mode=append
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
for attempt in 1 2 3 4; do
    # -K ends the step when a rank dies. --mpi: pmi2 for MPICH, pmix for Open MPI; `srun --mpi=list` says what there is.
    srun -K --mpi="${LAMELLA_SRUN_MPI:-pmi2}" python -m mpi4py "$@" && exit
    echo "attempt $attempt failed" >&2
done
exit 1
