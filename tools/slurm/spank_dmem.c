// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spank_dmem.so - limit the device memory of each Slurm job to the amount that it was allocated
 *
 * plugstack.conf:  required spank_dmem.so GRES[:UNIT]=REGION... [--unlisted=none]
 *
 * Slurm schedules each region as a GRES with a count and no files. slurmstepd makes the job's cgroup,
 * moves to job_N/step_M/slurm below it, and calls slurm_spank_init_post_opt() before it forks a
 * task. There, this plugin writes dmem.max of job_N, which holds for all steps of the job.
 *
 * Control over the parts, in slurmstepd, which runs as root:
 *
 *   arguments           plugstack.conf: root's
 *   environment         of slurmstepd: slurmd's, which is root's. Only SLURMD_NODENAME is read, which
 *                       slurmstepd itself sets from slurmd's configuration
 *   job's environment,  the user's, as are its arguments and options of SPANK: never read. A job can
 *   arguments, options  set SLURM_JOB_GRES there, which must not be its limit
 *   job id              slurmd's, from slurmctld's signed credential
 *   allocation          slurmctld's answer to a request of root's, over its own authenticated channel
 *   cgroup tree         the kernel's; the path is that of slurmstepd itself, which root has made
 *   working directory,  slurmd's or the user's: no relative path is opened, no file of the job's is
 *   files               read, and what slurmstepd has open is not touched
 *
 * After the job, slurmd runs "slurmstepd spank epilog", which calls slurm_spank_job_epilog(). Slurm
 * does not look for processes whose slurmstepd was killed: they would keep memory that it gives to
 * the next job. The path of job_N is that of the node there, since this process is not in it.
 *
 * A result other than 0 must be negative: up to 24.11 and perhaps later, slurmstepd takes a positive
 * one, such as ESPANK_ERROR, for a success.
 *
 * The plugin is not linked with libslurm: slurmstepd has these functions, and a second copy of the
 * library would have no configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <slurm/slurm.h>
#include <slurm/spank.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/look.h"
#include "gres.h"
#include "jobdir.h"
#include "strays.h"

#define NAME	"spank_dmem"
#define REFUSE	(-1)
/* A process that is killed ends at once, unless a driver keeps it. */
#define KILL_SECONDS	30

SPANK_PLUGIN(dmem, 1)

static const char no_memory[] = "out of memory";

/* One start of a step. */
struct start {
	struct dmem_arena arena;
	struct slurm_conf conf;
	uint32_t job;
	char *path;		/* of job_N, below the root of the tree */
	int root;
	/* For each GRES of the configuration: */
	uint64_t *bytes;
	const char **region;	/* the kernel's name; NULL: there is nothing to limit */
};

/* Prints the reason why the job is refused, to slurmd's log and to srun. */
static int refuse(const struct start *s, const char *what, const char *problem)
{
	slurm_error(NAME ": job %u is refused: %s%s%s", s->job, what, *what ? ": " : "", problem);
	return REFUSE;
}

static int read_conf(struct start *s, int argc, char **argv)
{
	const char *word, *problem = slurm_conf_parse(&s->arena, argc, argv, &s->conf, &word);

	if (!problem)
		return 0;
	slurm_error(NAME ": plugstack.conf: %s%s%s", word ? word : "", word ? ": " : "", problem);
	return REFUSE;
}

/* ---- the allocation ---- */

/* slurmctld sends no allocation of a job that does not run any more, as if it had none. */
static bool runs(const slurm_job_info_t *job)
{
	uint32_t state = job->job_state & JOB_STATE_BASE;

	return state == JOB_RUNNING || state == JOB_SUSPENDED;
}

/* The answer has all tasks of an array, or all components of a heterogeneous job, if the id is that
 * of the first one. */
static const slurm_job_info_t *find_job(const job_info_msg_t *all, uint32_t id)
{
	for (uint32_t i = 0; i < all->record_count; i++) {
		if (all->job_array[i].job_id == id)
			return &all->job_array[i];
	}
	return NULL;
}

/* The place of this node in the job, or -1. S_JOB_NODEID is the place in the step, which may have
 * fewer nodes. */
static int own_place(const slurm_job_info_t *job)
{
	const char *node = getenv("SLURMD_NODENAME");
	__auto_type list = slurm_hostlist_create(job->nodes ? job->nodes : "");
	int place = -1;

	if (!list)
		return -1;
	if (node && *node)
		place = slurm_hostlist_find(list, node);
	slurm_hostlist_destroy(list);
	return place;
}

/* Sets the limits in bytes. @text: the part of this node. */
static int take_amounts(struct start *s, const char *text)
{
	for (size_t i = 0; i < s->conf.n; i++) {
		const struct slurm_map *m = &s->conf.map[i];
		uint64_t count;

		if (slurm_gres_count(text, m->gres, &count))
			return refuse(s, text, "this text of slurmctld is no allocation of GRES");
		if (slurm_gres_bytes(m, count, &s->bytes[i]))
			return refuse(s, m->limit.text, "the allocation is too large");
	}
	return 0;
}

static int read_job(struct start *s, const job_info_msg_t *all)
{
	const slurm_job_info_t *job = find_job(all, s->job);
	int place;

	if (!job)
		return refuse(s, "", "slurmctld does not know the job");
	if (!runs(job))
		return refuse(s, "", "the job has ended");
	/* A job without any GRES. */
	if (!job->gres_detail_cnt)
		return take_amounts(s, NULL);
	place = own_place(job);
	if (place < 0 || (uint32_t)place >= job->gres_detail_cnt)
		return refuse(s, job->nodes ? job->nodes : "", "this node is none of the job's");
	return take_amounts(s, job->gres_detail_str[place]);
}

static int read_allocation(struct start *s)
{
	job_info_msg_t *all = NULL;
	int ret;

	if (slurm_load_job(&all, s->job, SHOW_DETAIL | SHOW_LOCAL))
		return refuse(s, "slurmctld does not send the allocation", slurm_strerror(errno));
	ret = read_job(s, all);
	slurm_free_job_info_msg(all);
	return ret;
}

/* ---- the limits ---- */

/* True if the node has no memory of the region at all, so that a limit of 0 needs no file. A heap
 * without a region is memory that cannot be limited. */
static bool is_absent(struct start *s, const struct slurm_map *m, enum dmem_status status)
{
	const char *heap = dmem_region_heap(m->limit.region), *path;
	struct stat st;

	if (!heap || status != DMEM_NO_HEAP_REGION)
		return status == DMEM_NO_REGION;
	path = dmem_printf(&s->arena, "%s/%s", s->conf.heaps, heap);
	return path && lstat(path, &st) && errno == ENOENT;
}

static int find_region(struct start *s, size_t i)
{
	const struct slurm_map *m = &s->conf.map[i];
	enum dmem_status status;
	uint64_t capacity;

	if (!s->bytes[i] && s->conf.unlisted)
		return 0;
	status = dmem_limit_find(&s->arena, s->root, NULL, s->conf.heaps, &m->limit, &s->region[i],
				 &capacity);
	if (status != DMEM_OK) {
		s->region[i] = NULL;
		if (!s->bytes[i] && is_absent(s, m, status))
			return 0;
		return refuse(s, m->limit.text, dmem_status_text(status));
	}
	for (size_t k = 0; k < i; k++) {
		if (s->region[k] && !strcmp(s->region[k], s->region[i]))
			return refuse(s, m->limit.text, "this region has a GRES already");
	}
	return 0;
}

static int write_limits(struct start *s)
{
	for (size_t i = 0; i < s->conf.n; i++) {
		enum dmem_status status;

		if (!s->region[i])
			continue;
		status = dmem_cgroup_set(s->root, s->path, DMEM_MAX, s->region[i], s->bytes[i]);
		if (status != DMEM_OK)
			return refuse(s, s->region[i], dmem_status_text(status));
	}
	return 0;
}

/* True if the job has a region to limit, unless the node has none of it. */
static bool anything(const struct start *s)
{
	for (size_t i = 0; i < s->conf.n; i++) {
		if (s->bytes[i] || !s->conf.unlisted)
			return true;
	}
	return false;
}

static int limit_job(struct start *s)
{
	const char *problem = slurm_job_path(&s->arena, s->conf.proc, s->job, &s->path);
	enum dmem_status status;
	int ret = 0;

	if (problem)
		return refuse(s, "", problem);
	status = dmem_cgroup_open(s->conf.cgroup_root, s->conf.fake, &s->root);
	if (status == DMEM_OK)
		status = dmem_cgroup_enable_delegated(s->root, s->path);
	if (status != DMEM_OK)
		return refuse(s, s->path, dmem_status_text(status));
	/* All names are known before the first limit is written. */
	for (size_t i = 0; i < s->conf.n && !ret; i++)
		ret = find_region(s, i);
	return ret ? ret : write_limits(s);
}

static int begin(struct start *s, spank_t spank, int argc, char **argv)
{
	if (read_conf(s, argc, argv))
		return REFUSE;
	if (spank_get_item(spank, S_JOB_ID, &s->job) != ESPANK_SUCCESS) {
		slurm_error(NAME ": Slurm does not tell the number of the job");
		return REFUSE;
	}
	s->bytes = dmem_alloc(&s->arena, s->conf.n * sizeof(*s->bytes));
	s->region = dmem_alloc(&s->arena, s->conf.n * sizeof(*s->region));
	return s->bytes && s->region ? 0 : refuse(s, "", no_memory);
}

static void end(struct start *s)
{
	if (s->root >= 0)
		close(s->root);
	dmem_arena_free(&s->arena);
}

/* ---- the end of a step ---- */

/* The number of requests that the job's limit refused, or DMEM_UNKNOWN. */
static uint64_t refused(struct start *s, const char *region)
{
	const char *file = dmem_printf(&s->arena, "%s/dmem.events", s->path);
	struct dmem_text t = { 0 };
	uint64_t n = DMEM_UNKNOWN;
	char *text, *name, *rest;

	if (file && !dmem_read_at(s->root, file, &t)) {
		text = t.s;
		while (dmem_next_line(&text, &name, &rest)) {
			if (!strcmp(name, region))
				n = dmem_keyed_number(rest, "max");
		}
	}
	dmem_text_free(&t);
	return n;
}

/* One line for each limited region. Kernels before 7.3 lack some of the files. */
static void report(struct start *s, const struct slurm_map *m)
{
	const char *region, *most = "", *refusals = "";
	uint64_t capacity, max, peak, n;

	if (dmem_limit_find(&s->arena, s->root, NULL, s->conf.heaps, &m->limit, &region, &capacity) != DMEM_OK ||
	    dmem_cgroup_get(s->root, s->path, "dmem.max", region, &max) != DMEM_OK || max == DMEM_NO_LIMIT)
		return;
	if (dmem_cgroup_get(s->root, s->path, "dmem.peak", region, &peak) == DMEM_OK)
		most = dmem_printf(&s->arena, " peak=%llu", (unsigned long long)peak);
	n = refused(s, region);
	if (n != DMEM_UNKNOWN)
		refusals = dmem_printf(&s->arena, " refused=%llu", (unsigned long long)n);
	if (most && refusals)
		slurm_info(NAME ": job=%u region=%s max=%llu%s%s", s->job, region, (unsigned long long)max,
			   most, refusals);
}

/* ---- the end of a job ---- */

/* -ENOENT: no cgroup of the job is left, which is usual. */
static int kill_strays(struct start *s)
{
	const char *node = getenv("SLURMD_NODENAME");
	int ret = -ENOENT;

	for (int i = 0; i < 2 && ret == -ENOENT; i++) {
		char *job = i || node ? slurm_job_place(&s->arena, i ? NULL : node, s->job) : NULL;

		if (job)
			ret = slurm_kill_strays(s->root, job, KILL_SECONDS);
	}
	return ret;
}

static int refuse_end(const struct start *s, int err)
{
	slurm_error(NAME ": job %u has processes without a slurmstepd that cannot be killed: %s", s->job,
		    slurm_strerror(-err));
	return REFUSE;
}

/* ---- the entry points ---- */

/* slurmd does not start with a mistake in plugstack.conf: otherwise each job would be refused. */
int slurm_spank_init(spank_t spank, int argc, char **argv)
{
	struct start s = { .root = -1 };
	int ret = 0;

	(void)spank;
	if (spank_context() == S_CTX_SLURMD)
		ret = read_conf(&s, argc, argv);
	end(&s);
	return ret;
}

int slurm_spank_init_post_opt(spank_t spank, int argc, char **argv)
{
	struct start s = { .root = -1 };
	int ret;

	/* srun, sbatch and salloc call it, too, as the user. */
	if (spank_context() != S_CTX_REMOTE)
		return 0;
	ret = begin(&s, spank, argc, argv);
	if (!ret)
		ret = read_allocation(&s);
	if (!ret && anything(&s))
		ret = limit_job(&s);
	end(&s);
	return ret;
}

/* The job's cgroup still exists, since slurmstepd is in it. */
int slurm_spank_exit(spank_t spank, int argc, char **argv)
{
	struct start s = { .root = -1 };

	if (spank_context() == S_CTX_REMOTE && !begin(&s, spank, argc, argv) &&
	    !slurm_job_path(&s.arena, s.conf.proc, s.job, &s.path) &&
	    dmem_cgroup_open(s.conf.cgroup_root, s.conf.fake, &s.root) == DMEM_OK) {
		for (size_t i = 0; i < s.conf.n; i++)
			report(&s, &s.conf.map[i]);
	}
	end(&s);
	return 0;
}

/* If this fails, slurmctld drains the node: memory of the job is still allocated there. */
int slurm_spank_job_epilog(spank_t spank, int argc, char **argv)
{
	struct start s = { .root = -1 };
	int ret = 0;

	if (spank_context() != S_CTX_JOB_SCRIPT)
		return 0;
	ret = begin(&s, spank, argc, argv);
	if (!ret && dmem_cgroup_open(s.conf.cgroup_root, s.conf.fake, &s.root) == DMEM_OK) {
		int killed = kill_strays(&s);

		if (killed > 0)
			slurm_info(NAME ": job=%u killed_steps=%d", s.job, killed);
		if (killed < 0 && killed != -ENOENT)
			ret = refuse_end(&s, killed);
	}
	end(&s);
	return ret;
}
