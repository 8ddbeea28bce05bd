/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroup of the job that a slurmstepd serves. proctrack/cgroup has made it, and moved slurmstepd
 * to job_N/step_M/slurm below it, before a SPANK plugin runs.
 */
#ifndef SLURM_JOBDIR_H
#define SLURM_JOBDIR_H

#include "dmem/dmem.h"

/* Finds the path of job_@job below the root of the tree, from this process's own cgroup. @proc: a
 * mount of procfs. Returns NULL, or the problem. */
const char *slurm_job_path(struct dmem_arena *a, const char *proc, uint32_t job, char **path);

/* The path that proctrack/cgroup gives to job_@job, for a program that is outside of it. @node: the
 * name of the node; NULL for a Slurm without --enable-multiple-slurmd, whose path has no name. NULL:
 * @node is no name of a file, or there is no memory. */
char *slurm_job_place(struct dmem_arena *a, const char *node, uint32_t job);

#endif
