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
 *   request in the      the user's. It only makes a limit 0 where there would be none
 *   answer
 *   cgroup tree         the kernel's; the path is that of slurmstepd itself, which root has made
 *   working directory,  slurmd's or the user's: no relative path is opened, no file of the job's is
 *   files               read, and what slurmstepd has open is not touched
 *
 * After the job, slurmd runs "slurmstepd spank epilog", which calls slurm_spank_job_epilog(). Slurm
 * does not look for processes whose slurmstepd was killed: they would keep memory that it gives to
 * the next job. The path of job_N is that of the node there, since this process is not in it.
 *
 * A refused batch job drains its node. So only what is wrong with the node or its configuration is
 * refused. What a job's user can cause, such as an end of the job at this moment, is a limit of 0.
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

/* Set when the plugin was called, and when the step's limits are in force. Tasks are forks of the
 * slurmstepd that set them. */
static bool called, limited;

/* One start of a step. */
struct start {
	struct dmem_arena arena;
	struct slurm_conf conf;
	uint32_t job;
	char *path;		/* of job_N, below the root of the tree */
	int root;
	bool shut;		/* the allocation is not known */
	/* For each GRES of the configuration: */
	uint64_t *bytes;	/* or DMEM_NO_LIMIT */
	const char **region;	/* the kernel's name; NULL: there is nothing to limit */
};

/* Prints the reason why the job is refused, to slurmd's log and to srun. For defects of the node. */
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

/* The same for a job without a known allocation, which starts, and gets nothing of any region. */
static int shut(struct start *s, const char *what, const char *problem)
{
	slurm_error(NAME ": job %u gets no device memory: %s%s%s", s->job, what, *what ? ": " : "", problem);
	for (size_t i = 0; i < s->conf.n; i++)
		s->bytes[i] = 0;
	s->shut = true;
	return 0;
}

/* ---- the names of GRES ---- */

static const char no_such_gres[] = "GresTypes in slurm.conf has no such GRES";

/* Sets *@wrong to the first GRES that slurmctld does not know, or NULL. 0, or an error of Slurm's. */
static int find_wrong(const struct start *s, const struct slurm_map **wrong)
{
	slurm_conf_t *ctl = NULL;

	*wrong = NULL;
	if (slurm_load_ctl_conf(0, &ctl))
		return errno ? errno : EPROTO;
	if (!ctl)
		return EPROTO;
	for (size_t i = s->conf.n; i--;) {
		if (!slurm_gres_listed(ctl->gres_plugins, s->conf.map[i].gres))
			*wrong = &s->conf.map[i];
	}
	slurm_free_ctl_conf(ctl);
	return 0;
}

/* In slurmd. It must start without slurmctld, too. */
static int check_names(const struct start *s)
{
	const struct slurm_map *wrong;
	int err = find_wrong(s, &wrong);

	if (err) {
		slurm_error(NAME ": the names of GRES are not checked: slurmctld does not send its configuration: %s",
			    slurm_strerror(err));
		return 0;
	}
	if (!wrong)
		return 0;
	slurm_error(NAME ": plugstack.conf: %s: %s", wrong->limit.text, no_such_gres);
	return REFUSE;
}

/* Before a job gets no limit because it has no such GRES: with a misspelt name, no job has it. */
static int check_unlimited(struct start *s)
{
	const struct slurm_map *wrong;
	int err = find_wrong(s, &wrong);

	if (err)
		return shut(s, "slurmctld does not send its configuration", slurm_strerror(err));
	return wrong ? refuse(s, wrong->limit.text, no_such_gres) : 0;
}

/* ---- the allocation ---- */

/* slurmctld sends no allocation of a job that does not run any more, as if it had none. */
static bool runs(const slurm_job_info_t *job)
{
	uint32_t state = job->job_state & JOB_STATE_BASE;

	return state == JOB_RUNNING || state == JOB_SUSPENDED;
}

static const char *state_name(const slurm_job_info_t *job)
{
	static const char * const names[] = {
		[JOB_PENDING] = "PENDING", [JOB_COMPLETE] = "COMPLETED", [JOB_CANCELLED] = "CANCELLED",
		[JOB_FAILED] = "FAILED", [JOB_TIMEOUT] = "TIMEOUT", [JOB_NODE_FAIL] = "NODE_FAIL",
		[JOB_PREEMPTED] = "PREEMPTED", [JOB_BOOT_FAIL] = "BOOT_FAIL", [JOB_DEADLINE] = "DEADLINE",
		[JOB_OOM] = "OUT_OF_MEMORY",
	};
	uint32_t state = job->job_state & JOB_STATE_BASE;

	return state < sizeof(names) / sizeof(*names) && names[state] ? names[state] : "another state";
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

static bool has_node(const slurm_job_info_t *job, const char *node)
{
	__auto_type list = slurm_hostlist_create(job->nodes ? job->nodes : "");
	bool found;

	if (!list)
		return false;
	found = slurm_hostlist_find(list, node) >= 0;
	slurm_hostlist_destroy(list);
	return found;
}

/* The place of @node in slurmctld's table of nodes, or -1. */
static int find_node(const char *node)
{
	node_info_msg_t *all = NULL;
	int place = -1;

	if (slurm_load_node(0, &all, SHOW_ALL | SHOW_LOCAL) || !all)
		return -1;
	/* Entries without a node have no name. */
	for (uint32_t i = 0; i < all->record_count && place < 0; i++) {
		const char *name = all->node_array[i].name;

		if (name && !strcmp(name, node))
			place = (int)i;
	}
	slurm_free_node_info_msg(all);
	return place;
}

/* True if all nodes of the job have the same counts, as after --gres. */
static bool same_counts(const struct start *s, const slurm_job_info_t *job)
{
	for (size_t i = 0; i < s->conf.n; i++) {
		uint64_t first, count;

		if (slurm_gres_count(job->gres_detail_str[0], s->conf.map[i].gres, &first))
			return false;
		for (uint32_t k = 1; k < job->gres_detail_cnt; k++) {
			if (slurm_gres_count(job->gres_detail_str[k], s->conf.map[i].gres, &count) ||
			    count != first)
				return false;
		}
	}
	return true;
}

/* The place of the node's part in the allocation, or -1. The parts are in the order of slurmctld's
 * table. The order of job->nodes is another one for some names, or after a job has lost a node. The
 * table is large, and is read only if it matters. */
static int find_part(const struct start *s, const slurm_job_info_t *job, const char *node)
{
	int place = same_counts(s, job) ? 0 : slurm_node_place(job->node_inx, find_node(node));

	return place >= 0 && (uint32_t)place < job->gres_detail_cnt ? place : -1;
}

/* True if the user asked for the GRES, which the user may write in any way. */
static bool asked(const slurm_job_info_t *job, const char *gres)
{
	return slurm_gres_asked(job->tres_per_node, gres) || slurm_gres_asked(job->tres_per_job, gres) ||
	       slurm_gres_asked(job->tres_per_socket, gres) || slurm_gres_asked(job->tres_per_task, gres);
}

/* The limit of a job that has nothing of a GRES on this node. */
static uint64_t without(const struct start *s, const slurm_job_info_t *job, const struct slurm_map *m)
{
	if (!asked(job, m->gres))
		return s->conf.unlisted ? DMEM_NO_LIMIT : 0;
	slurm_error(NAME ": job %u asked for %s and has none on this node: its limit is 0. If no job has any, "
		    "set SelectType=select/cons_tres in slurm.conf", s->job, m->gres);
	return 0;
}

/* Sets the limits in bytes. @text: the part of this node. */
static int take_amounts(struct start *s, const slurm_job_info_t *job, const char *text)
{
	bool unlimited = false;

	for (size_t i = 0; i < s->conf.n; i++) {
		const struct slurm_map *m = &s->conf.map[i];
		uint64_t count;

		if (slurm_gres_count(text, m->gres, &count))
			return shut(s, text, "this text of slurmctld is no allocation of GRES");
		if (slurm_gres_bytes(m, count, &s->bytes[i]))
			return shut(s, m->limit.text, "the allocation is too large");
		if (!count)
			s->bytes[i] = without(s, job, m);
		unlimited = unlimited || s->bytes[i] == DMEM_NO_LIMIT;
	}
	return unlimited ? check_unlimited(s) : 0;
}

/* The user can end the job or take nodes from it at any time. */
static int read_job(struct start *s, const job_info_msg_t *all)
{
	const char *node = getenv("SLURMD_NODENAME");
	const slurm_job_info_t *job = find_job(all, s->job);
	int part;

	if (!job)
		return shut(s, "", "slurmctld does not know the job");
	if (!runs(job))
		return shut(s, "slurmctld does not run the job", state_name(job));
	/* A job without any GRES. */
	if (!job->gres_detail_cnt)
		return take_amounts(s, job, NULL);
	if (!node || !has_node(job, node))
		return shut(s, job->nodes ? job->nodes : "", "this node is none of the job's");
	part = find_part(s, job, node);
	if (part < 0)
		return shut(s, node, "slurmctld does not tell which amount is that of this node");
	return take_amounts(s, job, job->gres_detail_str[part]);
}

static int read_allocation(struct start *s)
{
	job_info_msg_t *all = NULL;
	int ret;

	if (slurm_load_job(&all, s->job, SHOW_DETAIL | SHOW_LOCAL))
		return shut(s, "slurmctld does not send the allocation", slurm_strerror(errno));
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

	status = dmem_limit_find(&s->arena, s->root, NULL, s->conf.heaps, &m->limit, &s->region[i],
				 &capacity);
	if (status != DMEM_OK) {
		s->region[i] = NULL;
		if (s->bytes[i] == DMEM_NO_LIMIT || (!s->bytes[i] && is_absent(s, m, status)))
			return 0;
		return refuse(s, m->limit.text, dmem_region_status_text(s->root, m->limit.region, status));
	}
	for (size_t k = 0; k < i; k++) {
		if (s->region[k] && !strcmp(s->region[k], s->region[i]))
			return refuse(s, m->limit.text, "this region has a GRES already");
	}
	return 0;
}

/* The kernel refuses a limit below the use, as after the user has reduced the allocation. Then the
 * job cannot get more than it has. */
static int lower(const struct start *s, const char *region, uint64_t now)
{
	uint64_t used;

	slurm_error(NAME ": job %u uses more of %s than it is allocated, and gets no more of it", s->job, region);
	if (dmem_cgroup_get(s->root, s->path, "dmem.current", region, &used) == DMEM_OK && used < now)
		dmem_cgroup_set(s->root, s->path, DMEM_MAX, region, used);
	return 0;
}

static int write_limit(const struct start *s, size_t i)
{
	const char *region = s->region[i];
	uint64_t now = DMEM_NO_LIMIT;
	enum dmem_status status;

	/* Without the file or the line, there is no limit. */
	dmem_cgroup_get(s->root, s->path, "dmem.max", region, &now);
	/* While slurmctld is away, the limit of an earlier step is the best one that is known. */
	if (s->shut && now != DMEM_NO_LIMIT)
		return 0;
	if (s->bytes[i] == DMEM_NO_LIMIT && now == DMEM_NO_LIMIT)
		return 0;
	status = dmem_cgroup_set(s->root, s->path, DMEM_MAX, region, s->bytes[i]);
	if (status == DMEM_BELOW_USAGE)
		return lower(s, region, now);
	return status == DMEM_OK ? 0 : refuse(s, region, dmem_status_text(status));
}

static int set_limits(struct start *s)
{
	int ret = 0;

	/* All names are known before the first limit is written. */
	for (size_t i = 0; i < s->conf.n && !ret; i++)
		ret = find_region(s, i);
	for (size_t i = 0; i < s->conf.n && !ret; i++)
		ret = s->region[i] ? write_limit(s, i) : 0;
	return ret;
}

/* True if the job has a region to limit, unless the node has none of it. */
static bool anything(const struct start *s)
{
	for (size_t i = 0; i < s->conf.n; i++) {
		if (s->bytes[i] != DMEM_NO_LIMIT)
			return true;
	}
	return false;
}

/* Takes back the limits of earlier steps. Where no limit can be, there is nothing to do. */
static int release_job(struct start *s)
{
	if (slurm_job_path(&s->arena, s->conf.proc, s->job, &s->path) ||
	    dmem_cgroup_open(s->conf.cgroup_root, s->conf.fake, &s->root) != DMEM_OK)
		return 0;
	return set_limits(s);
}

/* On a node that can set no limits. With --unlisted=none, jobs without an allocation run there, and
 * this one may be such a job. */
static int cannot_limit(const struct start *s, const char *what, const char *problem)
{
	return s->shut && s->conf.unlisted ? 0 : refuse(s, what, problem);
}

static int limit_job(struct start *s)
{
	const char *problem = slurm_job_path(&s->arena, s->conf.proc, s->job, &s->path);
	enum dmem_status status;

	if (problem)
		return cannot_limit(s, "", problem);
	status = dmem_cgroup_open(s->conf.cgroup_root, s->conf.fake, &s->root);
	if (status == DMEM_OK)
		status = dmem_cgroup_enable_delegated(s->root, s->path);
	if (status != DMEM_OK)
		return cannot_limit(s, s->path, dmem_status_text(status));
	return set_limits(s);
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
	if (!ret && s.conf.n)
		ret = check_names(&s);
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
	called = true;
	ret = begin(&s, spank, argc, argv);
	if (!ret)
		ret = read_allocation(&s);
	if (!ret)
		ret = anything(&s) ? limit_job(&s) : release_job(&s);
	end(&s);
	limited = !ret;
	return ret;
}

/* Slurm calls the plugins in the order of plugstack.conf. After a positive result of one that is
 * required, it goes on with the step without the rest of them. */
int slurm_spank_task_init_privileged(spank_t spank, int argc, char **argv)
{
	(void)spank;
	(void)argc;
	(void)argv;
	if (spank_context() != S_CTX_REMOTE || limited)
		return 0;
	/* Where the plugin is "optional", the task starts all the same. The reason is in the log. */
	if (called)
		return REFUSE;
	slurm_error(NAME ": the task is refused, since the job has no limit: another plugin has failed. Put the line "
		    "of " NAME ".so first in plugstack.conf");
	return REFUSE;
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
