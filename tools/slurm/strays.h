/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes of a job whose slurmstepd was killed. Slurm forgets them: it ends the job and gives its
 * allocation to others, while they go on and hold their memory.
 */
#ifndef SLURM_STRAYS_H
#define SLURM_STRAYS_H

/* Kills the processes of each step below the cgroup @job that has no slurmstepd any more, and waits
 * for their end. Steps with a slurmstepd are left alone: it ends them itself. @root: of the cgroup
 * tree. Returns the number of steps whose processes were killed, or a negative errno; -ENOENT: there
 * is no such cgroup, -ETIMEDOUT: a process did not end within @seconds. */
int slurm_kill_strays(int root, const char *job, int seconds);

#endif
