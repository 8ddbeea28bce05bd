// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the job's cgroup from that of slurmstepd. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "dmem/look.h"
#include "jobdir.h"

static const char no_memory[] = "out of memory";

/* A copy of the path in the line of cgroup v2, without the first slash. */
static char *own_cgroup(struct dmem_arena *a, const char *proc)
{
	char *file = dmem_printf(a, "%s/self/cgroup", proc), *line, *path = NULL;
	struct dmem_text t = { 0 };

	if (file && !dmem_read_at(AT_FDCWD, file, &t)) {
		line = strncmp(t.s, "0::/", 4) ? strstr(t.s, "\n0::/") : t.s;
		if (line) {
			line += *line == '\n' ? 5 : 4;
			path = dmem_strndup(a, line, strcspn(line, "\n"));
		}
	}
	dmem_text_free(&t);
	return path;
}

/* Cuts the last name off, and returns it; NULL: there is no other one before it. */
static char *cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return NULL;
	*slash = 0;
	return slash + 1;
}

const char *slurm_job_path(struct dmem_arena *a, const char *proc, uint32_t job, char **path)
{
	static const char elsewhere[] = "slurmstepd is not in the cgroup of this job: set "
		"ProctrackType=proctrack/cgroup in slurm.conf, and CgroupPlugin=cgroup/v2 in cgroup.conf";
	char name[32], *own = own_cgroup(a, proc), *last, *step, *dir;

	if (!own)
		return "slurmstepd is in no cgroup of version 2: boot with "
		       "systemd.unified_cgroup_hierarchy=1";
	*path = dmem_strdup(a, own);
	if (!*path)
		return no_memory;
	snprintf(name, sizeof(name), "job_%u", job);
	last = cut(own);
	step = last ? cut(own) : NULL;
	if (!step || strcmp(last, "slurm") || strncmp(step, "step_", 5))
		return elsewhere;
	dir = strrchr(own, '/');
	if (strcmp(dir ? dir + 1 : own, name))
		return elsewhere;
	(*path)[strlen(own)] = 0;
	return NULL;
}

char *slurm_job_place(struct dmem_arena *a, const char *node, uint32_t job)
{
	if (node && (!*node || strchr(node, '/')))
		return NULL;
	return dmem_printf(a, "system.slice/%s%sslurmstepd.scope/job_%u", node ? node : "", node ? "_" : "", job);
}
