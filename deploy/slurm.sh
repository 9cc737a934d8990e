#!/bin/bash
# A sweep on Slurm: a job array, one part for each task, then the merge when all are done. The results'
# folder must be on a file system that all nodes have.
#
#   LASTBYTE_OUT=/shared/results sbatch --array=1-16 deploy/slurm.sh
#   sbatch --dependency=afterany:JOB --wrap 'lastbyte merge /shared/results'
#
# A task that is preempted or whose node fails is queued again with the same number, and goes on in the
# same file.
#SBATCH --job-name=lastbyte-sweep
#SBATCH --array=1-16
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --requeue
#SBATCH --signal=TERM@60
#SBATCH --output=lastbyte-sweep-%A-%a.log
set -euo pipefail
exec "${LASTBYTE:-lastbyte}" sweep --seeds "${LASTBYTE_SEEDS:-0..1000000}" \
    --out "${LASTBYTE_OUT:?the folder for the results, on a file system that all nodes have}" \
    -j "${SLURM_CPUS_PER_TASK:-1}"
