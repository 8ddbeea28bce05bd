// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spank_dmem.so in a host that is no Slurm: this program has the functions of slurmstepd that the
 * plugin calls. The cgroup tree is one of plain files.
 *
 * test_slurm SPANK_DMEM.SO DIRECTORY INSTALLED-SPANK_DMEM.SO NM MANUAL
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <slurm/slurm.h>
#include <slurm/spank.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "slurm/gres.h"
#include "slurm/jobdir.h"
#include "slurm/strays.h"
#include "tap.h"

#define MIB	1048576
#define CAM	"cma/camera@64000000"
#define SYS	"heap/system"
#define SCOPE	"system.slice/slurmstepd.scope"
#define JOB	"cg/" SCOPE "/job_7"
#define MAP_CAM	"cma_camera:1M=" CAM
#define MAP_SYS	"sysheap=" SYS

static const char *dir, *installed, *nm, *manual;
static spank_f *init, *post_opt, *task_init, *leave, *epilog;

/* ---- the host ---- */

/* The state of slurmstepd and slurmctld. */
static struct {
	spank_context_t context;
	uint32_t job;
	slurm_job_info_t jobs[3];
	uint32_t n_jobs;
	int load_error;		/* of slurm_load_job(), or 0 */
	int loads, frees, lists;
	const char *gres_types;
	int conf_error;		/* of slurm_load_ctl_conf(), or 0 */
	int conf_loads, conf_frees;
	const char *nodes[4];	/* slurmctld's table; NULL: an entry without a node */
	int node_error;		/* of slurm_load_node(), or 0 */
	int node_loads, node_frees;
	int of_user;		/* how often something of the user was asked for */
	uint16_t flags;
	char log[8192];
} host;

static void note(const char *fmt, va_list ap)
{
	size_t len = strlen(host.log);

	vsnprintf(host.log + len, sizeof(host.log) - len, fmt, ap);
	len = strlen(host.log);
	snprintf(host.log + len, sizeof(host.log) - len, "\n");
}

void slurm_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(fmt, ap);
	va_end(ap);
}

void slurm_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(fmt, ap);
	va_end(ap);
}

char *slurm_strerror(int err)
{
	return err == ESLURM_INVALID_JOB_ID ? "Invalid job id specified" : strerror(err);
}

spank_context_t spank_context(void)
{
	return host.context;
}

spank_err_t spank_get_item(spank_t spank, spank_item_t item, ...)
{
	va_list ap;

	(void)spank;
	if (item != S_JOB_ID) {
		host.of_user++;
		return ESPANK_BAD_ARG;
	}
	if (!host.job)
		return ESPANK_NOT_REMOTE;
	va_start(ap, item);
	*va_arg(ap, uint32_t *) = host.job;
	va_end(ap);
	return ESPANK_SUCCESS;
}

/* A job says anything in its environment. */
spank_err_t spank_getenv(spank_t spank, const char *var, char *buf, int len)
{
	(void)spank;
	(void)var;
	host.of_user++;
	snprintf(buf, (size_t)len, "cma_camera:1000");
	return ESPANK_SUCCESS;
}

int slurm_load_job(job_info_msg_t **all, uint32_t job, uint16_t flags)
{
	host.loads++;
	host.flags = flags;
	if (host.load_error || job != host.job) {
		errno = host.load_error ? host.load_error : ESLURM_INVALID_JOB_ID;
		return -1;
	}
	*all = calloc(1, sizeof(**all));
	(*all)->record_count = host.n_jobs;
	(*all)->job_array = host.jobs;
	return 0;
}

void slurm_free_job_info_msg(job_info_msg_t *all)
{
	host.frees++;
	free(all);
}

int slurm_load_ctl_conf(time_t update, slurm_conf_t **conf)
{
	(void)update;
	if (host.conf_error) {
		errno = host.conf_error;
		return -1;
	}
	host.conf_loads++;
	*conf = calloc(1, sizeof(**conf));
	(*conf)->gres_plugins = (char *)host.gres_types;
	return 0;
}

void slurm_free_ctl_conf(slurm_conf_t *conf)
{
	host.conf_frees++;
	free(conf);
}

int slurm_load_node(time_t update, node_info_msg_t **all, uint16_t flags)
{
	(void)update;
	if (host.node_error || flags != (SHOW_ALL | SHOW_LOCAL)) {
		errno = host.node_error;
		return -1;
	}
	host.node_loads++;
	*all = calloc(1, sizeof(**all));
	(*all)->record_count = 4;
	(*all)->node_array = calloc(4, sizeof(*(*all)->node_array));
	for (int i = 0; i < 4; i++)
		(*all)->node_array[i].name = (char *)host.nodes[i];
	return 0;
}

void slurm_free_node_info_msg(node_info_msg_t *all)
{
	host.node_frees++;
	free(all->node_array);
	free(all);
}

/* A pointer to a type that releases of Slurm name differently. */
typedef __typeof__(slurm_hostlist_create(NULL)) names_t;

/* Names with commas between them: the text itself is the list. */
names_t slurm_hostlist_create(const char *names)
{
	host.lists++;
	return (names_t)strdup(names);
}

int slurm_hostlist_find(names_t list, const char *name)
{
	char *copy = strdup((const char *)list), *save, *word = strtok_r(copy, ",", &save);
	int place = 0;

	while (word && strcmp(word, name)) {
		word = strtok_r(NULL, ",", &save);
		place++;
	}
	free(copy);
	return word ? place : -1;
}

void slurm_hostlist_destroy(names_t list)
{
	host.lists--;
	free(list);
}

/* ---- a node ---- */

static char *details[4];
static int32_t ranges[6];

/* One job with one GRES detail for each of its nodes, of which the second one is this node. */
static void allocate(const char *other, const char *own)
{
	details[0] = (char *)other;
	details[1] = (char *)own;
	memcpy(ranges, (const int32_t[]){ 1, 2, -1 }, 3 * sizeof(*ranges));
	host.jobs[0] = (slurm_job_info_t){
		.job_id = 7, .job_state = JOB_RUNNING, .nodes = "n1,n2", .node_inx = ranges,
		.gres_detail_cnt = 2, .gres_detail_str = details,
	};
	host.n_jobs = 1;
}

/* A slurmstepd of step 0 of job 7, on the node n2. */
static void machine(void)
{
	tap_dir(dir);
	unsetenv("FAKE_CG");
	unsetenv("FAKE_CG_LOG");
	setenv("SLURMD_NODENAME", "n2", 1);
	memset(&host, 0, sizeof(host));
	host.context = S_CTX_REMOTE;
	host.job = 7;
	host.gres_types = "gpu,cma_camera,sysheap";
	host.nodes[1] = "n1";
	host.nodes[2] = "n2";
	allocate("cma_camera(CNT:3)", "cma_camera(CNT:8)");
	put("cg/cgroup.controllers", "cpu dmem\n");
	put("cg/cgroup.subtree_control", "cpu\n");
	put("cg/.regions", CAM " %d\n" SYS " %d\n", 40 * MIB, 1000 * MIB);
	put("cg/system.slice/cgroup.controllers", "cpu\n");
	put("cg/system.slice/cgroup.subtree_control", "%s", "");
	put("cg/" SCOPE "/cgroup.controllers", "%s", "");
	put("cg/" SCOPE "/cgroup.subtree_control", "%s", "");
	put(JOB "/cgroup.controllers", "%s", "");
	put(JOB "/cgroup.subtree_control", "%s", "");
	put(JOB "/step_0/slurm/cgroup.procs", "%s", "");
	put("heaps/camera@64000000/dmem_region", CAM "\n");
	put("proc/self/cgroup", "0::/" SCOPE "/job_7/step_0/slurm\n");
}

/* Calls the plugin with these arguments of plugstack.conf, up to a NULL. */
static int go_to(spank_f *fn, const char *first, va_list ap)
{
	char root[4200], proc[4200], heaps[4200];
	char *argv[12] = { root, proc, heaps };
	int n = 3;

	snprintf(root, sizeof(root), "--cgroup-root=%s", tap_path("cg"));
	snprintf(proc, sizeof(proc), "--proc=%s", tap_path("proc"));
	snprintf(heaps, sizeof(heaps), "--heaps=%s", tap_path("heaps"));
	for (const char *arg = first; arg && n < 12; arg = va_arg(ap, const char *))
		argv[n++] = (char *)arg;
	host.log[0] = 0;
	return fn(NULL, n, argv);
}

static int go(const char *first, ...) __attribute__((sentinel));

static int go(const char *first, ...)
{
	va_list ap;
	int ret;

	va_start(ap, first);
	ret = go_to(post_opt, first, ap);
	va_end(ap);
	return ret;
}

static int go_init(const char *first, ...) __attribute__((sentinel));

static int go_init(const char *first, ...)
{
	va_list ap;
	int ret;

	va_start(ap, first);
	ret = go_to(init, first, ap);
	va_end(ap);
	return ret;
}

static int go_task(const char *first, ...) __attribute__((sentinel));

static int go_task(const char *first, ...)
{
	va_list ap;
	int ret;

	va_start(ap, first);
	ret = go_to(task_init, first, ap);
	va_end(ap);
	return ret;
}

static int go_exit(const char *first, ...) __attribute__((sentinel));

static int go_exit(const char *first, ...)
{
	va_list ap;
	int ret;

	va_start(ap, first);
	ret = go_to(leave, first, ap);
	va_end(ap);
	return ret;
}

static int go_epilog(const char *first, ...) __attribute__((sentinel));

static int go_epilog(const char *first, ...)
{
	va_list ap;
	int ret;

	va_start(ap, first);
	ret = go_to(epilog, first, ap);
	va_end(ap);
	return ret;
}

/* slurmstepd of 22.05 and 24.11 refuses a step only if the result is negative. The reason is one
 * line, and nothing is written. */
static void refused(int ret, const char *text, const char *name)
{
	check(ret < 0, name, "result %d: %s", ret, host.log);
	tap_case("%s", name);
	check(strstr(host.log, text) && strchr(host.log, '\n') == host.log + strlen(host.log) - 1,
	      "one line has the reason", "%s", host.log);
	check_text(get(JOB "/dmem.max"), "", "no limit is written");
	check(host.loads == host.frees && !host.lists, "nothing is left", "%d %d %d", host.loads, host.frees,
	      host.lists);
	tap_case("%s", "");
}

/* The step starts and gets nothing, so that its node is not drained. */
static void closed(int ret, const char *text, const char *name)
{
	check(ret == 0, name, "result %d: %s", ret, host.log);
	tap_case("%s", name);
	check(strstr(host.log, "job 7 gets no device memory: ") && strstr(host.log, text) &&
	      strchr(host.log, '\n') == host.log + strlen(host.log) - 1, "one line has the reason", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 0\n", "the limit is 0");
	check(host.loads - !!host.load_error == host.frees && !host.lists && host.conf_loads == host.conf_frees &&
	      host.node_loads == host.node_frees, "nothing is left", "%d %d %d", host.loads, host.frees, host.lists);
	tap_case("%s", "");
}

/* ---- the tests ---- */

/* No task starts if slurm_spank_init_post_opt() was not called or has failed. */
static void test_task(void)
{
	machine();
	check(task_init != NULL, "Slurm finds the check", "%s", "");
	if (!task_init)
		return;
	check(go_task(MAP_CAM, NULL) < 0 && strstr(host.log, "first in plugstack.conf"),
	      "a task of a job without a limit is refused", "%s", host.log);
	host.context = S_CTX_LOCAL;
	check(go_task(MAP_CAM, NULL) == 0 && !*host.log, "other programs than slurmstepd do nothing", "%s", host.log);
	host.context = S_CTX_REMOTE;
	check(go(MAP_CAM, NULL) == 0 && go_task(MAP_CAM, NULL) == 0 && !*host.log,
	      "a task of a job with a limit starts", "%s", host.log);
	check(go("wrong", NULL) < 0 && go_task("wrong", NULL) < 0, "a task of a refused job does not", "%s", host.log);
	check(!*host.log, "and the reason is not printed again", "%s", host.log);
	host.jobs[0].gres_detail_cnt = 0;
	check(go(MAP_CAM, "--unlisted=none", NULL) == 0 && go_task(MAP_CAM, "--unlisted=none", NULL) == 0,
	      "a task of a job that needs no limit starts", "%s", host.log);
}

/* The limit is the allocation of this node, to the byte, in the job's cgroup and in no other. */
static void test_limit(void)
{
	machine();
	check(go(MAP_CAM, NULL) == 0, "a job with an allocation starts", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "its limit is 8 MiB");
	check_text(host.log, "", "nothing is printed");
	check_text(get(JOB "/cgroup.subtree_control"), "", "dmem is not enabled below the job");
	check_text(get("cg/" SCOPE "/cgroup.subtree_control"), "dmem\n", "dmem is enabled above the job");
	check_text(get("cg/" SCOPE "/dmem.max"), "", "the cgroup of all jobs has no limit");
	check(host.loads == 1 && host.frees == 1 && !host.lists, "the answer is freed", "%d %d %d", host.loads,
	      host.frees, host.lists);
	check(host.flags == (SHOW_DETAIL | SHOW_LOCAL), "details of this cluster are asked for", "%#x",
	      host.flags);
	machine();
	allocate("", "cma_camera(CNT:8388609)");
	check(go("cma_camera=" CAM, NULL) == 0, "without a unit, a count is bytes", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388609\n", "each byte counts");
	machine();
	check(go("cma_camera:1M=dma_heap/camera@64000000", NULL) == 0, "a heap is a name of its region", "%s",
	      host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "the region of the heap is limited");
}

/* Two regions are two writes, since the kernel takes one in each. */
static void test_two_regions(void)
{
	machine();
	setenv("FAKE_CG_LOG", tap_path("writes"), 1);
	allocate("", "gpu:2(IDX:0,1),sysheap(CNT:1000),cma_camera(CNT:8)");
	check(go(MAP_CAM, MAP_SYS, NULL) == 0, "a job with two regions starts", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n" SYS " 1000\n", "both are limited");
	check_text(get("writes"), "job_7 dmem.max " CAM " 8388608\njob_7 dmem.max " SYS " 1000\n",
		   "each is one write");
	machine();
	allocate("", "cma_camera(CNT:8)");
	check(go(MAP_CAM, MAP_SYS, NULL) == 0, "a job with one of two regions starts", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n" SYS " 0\n", "it gets nothing of the other one");
}

/* A job that asks for nothing gets nothing. */
static void test_no_gres(void)
{
	machine();
	allocate("", "");
	check(go(MAP_CAM, NULL) == 0, "a job without the GRES starts", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 0\n", "its limit is 0");
	machine();
	allocate("", NULL);
	check(go(MAP_CAM, NULL) == 0, "a node without any GRES of the job starts it", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 0\n", "the limit there is 0");
	machine();
	host.jobs[0].gres_detail_cnt = 0;
	check(go(MAP_CAM, NULL) == 0, "a job without any GRES starts", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 0\n", "the limit of that job is 0");
	machine();
	host.jobs[0].gres_detail_cnt = 0;
	check(go(MAP_CAM, "--unlisted=none", NULL) == 0, "--unlisted=none starts it, too", "%s", host.log);
	check_text(get(JOB "/dmem.max"), "", "there is no limit then");
	check_text(get("cg/cgroup.subtree_control"), "cpu\n", "nothing is enabled for it");
	machine();
	check(go(MAP_CAM, MAP_SYS, "--unlisted=none", NULL) == 0, "with --unlisted=none, an allocation counts",
	      "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "only the region of the allocation is limited");
	machine();
	host.jobs[0].gres_detail_cnt = 0;
	check(go(MAP_CAM, "--unlisted=0", NULL) == 0, "--unlisted=0 is the default", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 0\n", "with it, the limit is 0");
}

/* A node without the region cannot give it away. */
static void test_region_missing(void)
{
	machine();
	refused(go("cma_camera:1M=cma/none", NULL), "job 7 is refused: cma_camera:1M=cma/none: no such region",
		"an allocation of a region that the node lacks is refused");
	machine();
	allocate("", "sysheap(CNT:9),cma_camera(CNT:8)");
	refused(go(MAP_SYS, "cma_camera:1M=cma/none", NULL), "no such region",
		"no region is limited if another one is missing");
	machine();
	refused(go("cma_camera:1M=dma_heap/none", NULL), "the heap has no region",
		"an allocation of a heap that the node lacks is refused");
	machine();
	allocate("", "");
	check(go("cma_camera:1M=cma/none", "none=dma_heap/none", MAP_SYS, NULL) == 0,
	      "without an allocation, a missing region is no failure", "%s", host.log);
	check_text(get(JOB "/dmem.max"), SYS " 0\n", "the others are limited");
	machine();
	allocate("", "");
	put("heaps/plain/other", "%s", "");
	refused(go("cma_camera:1M=dma_heap/plain", NULL), "the heap has no region",
		"a heap that cannot be limited is refused");
}

/* A job without its limit does not start. */
static void test_write_fails(void)
{
	machine();
	setenv("FAKE_CG", "dmem.max:30", 1);
	refused(go(MAP_CAM, NULL), CAM ": the cgroup tree is read-only", "a write that fails is a refusal");
	setenv("FAKE_CG", "dmem.max:0", 1);
	refused(go(MAP_CAM, NULL), CAM ": written, but not applied", "a write without an effect is a refusal");
	machine();
	setenv("FAKE_CG", "cgroup.subtree_control:16", 1);
	refused(go(MAP_CAM, NULL), "cannot be enabled above this cgroup", "dmem that cannot be enabled is a refusal");
	unsetenv("FAKE_CG");
	machine();
	put("cg/cgroup.controllers", "cpu\n");
	refused(go(MAP_CAM, NULL), "no dmem controller", "a kernel without dmem is a refusal");
	allocate("", "");
	refused(go(MAP_CAM, NULL), "no dmem controller", "a limit of 0 needs dmem, too");
	check(go(MAP_CAM, "--unlisted=none", NULL) == 0, "without a limit to set, dmem is not needed", "%s",
	      host.log);
	machine();
	put(JOB "/dmem.current", CAM " %d\n", 9 * MIB);
	put(JOB "/dmem.max", "%s", "");
	put(JOB "/dmem.min", "%s", "");
	put(JOB "/dmem.low", "%s", "");
	check(go(MAP_CAM, NULL) == 0 && strstr(host.log, "uses more of " CAM " than it is allocated"),
	      "a job that uses more than its limit is no failure of the node", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 9437184\n", "it gets no more than it has");
}

/* Kernels without the series, or before 7.3, which ignores a limit of 3 MiB below the usage of 9 MiB. */
static void test_other_kernels(void)
{
	machine();
	setenv("FAKE_CG_KERNEL", "several-lines max-below-usage-ignored", 1);
	put(JOB "/dmem.current", CAM " %d\n", 9 * MIB);
	put(JOB "/dmem.max", CAM " max\n");
	put(JOB "/dmem.min", CAM " 0\n");
	put(JOB "/dmem.low", CAM " 0\n");
	check(go(MAP_CAM, NULL) == 0 && strstr(host.log, "uses more of " CAM " than it is allocated"),
	      "an ignored limit is found", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 9437184\n", "the job gets no more than it has");
	unsetenv("FAKE_CG_KERNEL");
	machine();
	put("cg/.regions", "drm/0/vram %d\n", MIB);
	refused(go(MAP_CAM, NULL), "this kernel has no regions for CMA areas and heaps",
		"a kernel that cannot have the region is a refusal with this reason");
}

/* Each text of the user's that could be taken for the allocation. */
static void test_environment(void)
{
	static const char * const names[] = {
		"SLURM_JOB_GRES", "SLURM_STEP_GRES", "SLURM_GRES", "SBATCH_GRES", "SLURM_JOB_GPUS", "DMEM_MAX",
		"SLURM_SPANK_DMEM", "SPANK_DMEM", "cma_camera",
	};

	machine();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		setenv(names[i], "cma_camera:1000", 1);
	setenv("SLURM_JOB_ID", "8", 1);
	setenv("SLURM_NODEID", "0", 1);
	check(go(MAP_CAM, NULL) == 0, "a job with a hostile environment starts", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "its limit is the allocation");
	check(!host.of_user, "neither the job's environment nor its arguments are asked for", "%d times",
	      host.of_user);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	unsetenv("SLURM_JOB_ID");
	unsetenv("SLURM_NODEID");
}

/* slurmctld's answer must be that of this job and of this node. */
static void test_allocation(void)
{
	machine();
	host.jobs[1] = host.jobs[0];
	host.jobs[0].job_id = 6;
	host.jobs[0].gres_detail_cnt = 0;
	host.jobs[2] = host.jobs[0];
	host.n_jobs = 3;
	check(go(MAP_CAM, NULL) == 0, "the answer may have other jobs of an array", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "the one with the number counts");
	machine();
	host.jobs[0].job_id = 6;
	closed(go(MAP_CAM, NULL), "does not know the job", "an answer without the job is no allocation");
	machine();
	host.n_jobs = 0;
	closed(go(MAP_CAM, NULL), "does not know the job", "an empty answer is no allocation");
	machine();
	host.jobs[0].job_state = JOB_SUSPENDED;
	check(go(MAP_CAM, NULL) == 0, "a suspended job has its allocation", "%s", host.log);
	machine();
	host.jobs[0].job_state = JOB_RUNNING | JOB_CONFIGURING;
	check(go(MAP_CAM, NULL) == 0, "a job whose node is prepared has its allocation", "%s", host.log);
	machine();
	setenv("SLURMD_NODENAME", "n1", 1);
	check(go(MAP_CAM, NULL) == 0, "the first node starts the job", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 3145728\n", "the first node has another amount");
	machine();
	setenv("SLURMD_NODENAME", "n3", 1);
	closed(go(MAP_CAM, NULL), "n1,n2: this node is none of the job's", "a node that the job has lost gives nothing");
	machine();
	unsetenv("SLURMD_NODENAME");
	closed(go(MAP_CAM, NULL), "this node is none of the job's", "a node without a name gives nothing");
	machine();
	host.jobs[0].gres_detail_cnt = 1;
	details[1] = NULL;
	ranges[0] = 0;
	check(go(MAP_CAM, NULL) == 0, "an answer with one part starts", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 3145728\n", "no part but the first one is read");
	machine();
	allocate("", "cma_camera(CNT:x)");
	closed(go(MAP_CAM, NULL), "cma_camera(CNT:x): this text of slurmctld is no allocation",
	       "a text of another form is no allocation");
	machine();
	allocate("", "cma_camera(CNT:17592186044416)");
	closed(go(MAP_CAM, NULL), "the allocation is too large", "2^64 bytes are no allocation");
	machine();
	host.job = 0;
	check(go(MAP_CAM, NULL) < 0 && !host.loads, "a job without a number is a refusal", "%s", host.log);
}

/* What a user can do at any time must not drain the node. The job gets nothing, whatever a job
 * without the GRES gets. */
static void test_no_allocation(void)
{
	static const struct {
		uint32_t state;
		const char *name;
	} ended[] = {
		{ JOB_PENDING, "PENDING" }, { JOB_PENDING | JOB_COMPLETING, "PENDING" },
		{ JOB_COMPLETE | JOB_COMPLETING, "COMPLETED" }, { JOB_CANCELLED | JOB_COMPLETING, "CANCELLED" },
		{ JOB_TIMEOUT, "TIMEOUT" }, { JOB_PREEMPTED, "PREEMPTED" }, { JOB_OOM, "OUT_OF_MEMORY" },
		{ JOB_END, "another state" },
	};
	char text[100], name[100];

	for (size_t i = 0; i < sizeof(ended) / sizeof(*ended); i++) {
		machine();
		host.jobs[0].job_state = ended[i].state;
		host.jobs[0].gres_detail_cnt = 0;
		snprintf(text, sizeof(text), "slurmctld does not run the job: %s\n", ended[i].name);
		snprintf(name, sizeof(name), "a job of the state %#x gets nothing", ended[i].state);
		closed(go(MAP_CAM, "--unlisted=none", NULL), text, name);
	}
	machine();
	host.load_error = ESLURM_INVALID_JOB_ID;
	closed(go(MAP_CAM, "--unlisted=none", NULL), "allocation: Invalid job id specified", "a job that is forgotten gets nothing");
	machine();
	host.load_error = ECONNREFUSED;
	closed(go(MAP_CAM, "--unlisted=none", NULL), "allocation: Connection refused", "without slurmctld, a job gets nothing");
	check(go(MAP_CAM, MAP_SYS, NULL) == 0, "nor of any region", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 0\n" SYS " 0\n", "each limit is 0");
	machine();
	host.load_error = ECONNREFUSED;
	check(go("cma_camera:1M=cma/none", MAP_SYS, NULL) == 0, "a missing region is no failure then", "%s", host.log);
	check_text(get(JOB "/dmem.max"), SYS " 0\n", "the others are limited then");
	setenv("FAKE_CG", "dmem.max:30", 1);
	check(go(MAP_CAM, NULL) < 0 && strstr(host.log, "is refused: " CAM ": the cgroup tree is read-only"),
	      "a limit of 0 that cannot be written is a refusal", "%s", host.log);
	machine();
	put("cg/cgroup.controllers", "cpu\n");
	host.load_error = ECONNREFUSED;
	check(go(MAP_CAM, "--unlisted=none", NULL) == 0 && strstr(host.log, "gets no device memory"),
	      "a node that needs no dmem controller needs none for a job that has ended", "%s", host.log);
	put("proc/self/cgroup", "4:cpu:/job_7/step_0/slurm\n");
	check(go(MAP_CAM, "--unlisted=none", NULL) == 0, "nor a cgroup of version 2", "%s", host.log);
	check(go(MAP_CAM, NULL) < 0, "by default, it is refused, like any other job there", "%s", host.log);
	machine();
	check(go(MAP_CAM, NULL) == 0, "an earlier step has a limit", "%s", host.log);
	host.load_error = ECONNREFUSED;
	check(go(MAP_CAM, NULL) == 0, "the next one starts without slurmctld", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "the job keeps its limit");
}

/* The parts of an answer are in the order of slurmctld's table, and not of the names. */
static void test_order(void)
{
	machine();
	host.jobs[0].nodes = (char *)"n2,n1";
	check(go(MAP_CAM, NULL) == 0, "the names of the nodes may have another order", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "the amount is that of the node in the table");
	check(host.node_loads == 1 && host.node_frees == 1, "the table is read and freed", "%d %d", host.node_loads,
	      host.node_frees);
	machine();
	host.nodes[2] = NULL;
	host.nodes[3] = "n2";
	memcpy(ranges, (const int32_t[]){ 1, 1, 3, 3, -1 }, 5 * sizeof(*ranges));
	check(go(MAP_CAM, NULL) == 0, "the table may have a gap", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "the gap has no part");
	machine();
	allocate("gpu:1(IDX:0),cma_camera(CNT:8)", "gpu:1(IDX:1),cma_camera(CNT:8)");
	host.node_error = ECONNREFUSED;
	check(go(MAP_CAM, NULL) == 0, "equal amounts need no table", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "they are the limit");
	machine();
	host.node_error = ECONNREFUSED;
	closed(go(MAP_CAM, NULL), "n2: slurmctld does not tell which amount", "without the table, the job gets nothing");
	machine();
	host.nodes[2] = "n3";
	closed(go(MAP_CAM, NULL), "does not tell which amount", "without the node in the table, the job gets nothing");
	machine();
	ranges[1] = 1;
	ranges[2] = -1;
	closed(go(MAP_CAM, NULL), "does not tell which amount", "without the node in the ranges, the job gets nothing");
	machine();
	host.jobs[0].node_inx = NULL;
	closed(go(MAP_CAM, NULL), "does not tell which amount", "without ranges, the job gets nothing");
	machine();
	host.nodes[3] = "n2";
	host.nodes[2] = NULL;
	ranges[1] = 3;
	closed(go(MAP_CAM, NULL), "does not tell which amount", "without the part of the node, the job gets nothing");
}

/* A user who asked for memory and was allocated none has no right to all of it. */
static void test_asked(void)
{
	static const char * const words[] = {
		"gres:cma_camera:8", "gres/cma_camera:8", "gres/cma_camera=8", "cma_camera", "gres:gpu:1,gres:cma_camera:big:8",
		"cpu:2;gres/cma_camera:1",
	};
	static const char * const other[] = {
		"", ",", "gres:gpu:cma_camera:1", "gres:cma_camera2:1", "gres:cma:1", "gres/xcma_camera=1", "cpu=2",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words) + 3; i++) {
		char *word = (char *)words[i < 6 ? i : 0];

		machine();
		host.jobs[0].gres_detail_cnt = 0;
		*(i < 6 ? &host.jobs[0].tres_per_node : i == 6 ? &host.jobs[0].tres_per_job :
		  i == 7 ? &host.jobs[0].tres_per_socket : &host.jobs[0].tres_per_task) = word;
		tap_case("request %zu, %s", i, word);
		check(go(MAP_CAM, "--unlisted=none", NULL) == 0 && strstr(host.log, "job 7 asked for cma_camera") &&
		      strstr(host.log, "SelectType=select/cons_tres"), "the log has the reason", "%s", host.log);
		check_text(get(JOB "/dmem.max"), CAM " 0\n", "the limit is 0");
		tap_case("%s", "");
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		machine();
		host.jobs[0].gres_detail_cnt = 0;
		host.jobs[0].tres_per_node = (char *)other[i];
		tap_case("request '%s'", other[i]);
		check(go(MAP_CAM, "--unlisted=none", NULL) == 0 && !*host.log, "another request is none", "%s", host.log);
		check_text(get(JOB "/dmem.max"), "", "there is no limit");
		tap_case("%s", "");
	}
	machine();
	host.jobs[0].tres_per_node = (char *)"gres:cma_camera:99";
	check(go(MAP_CAM, NULL) == 0 && !*host.log, "a request beside an allocation is not read", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "the limit is the allocation, not the request");
}

/* A misspelt name must not be a GRES that no job has, and no limit for all of them. */
static void test_names(void)
{
	machine();
	host.context = S_CTX_SLURMD;
	check(go_init("cma_camra=" CAM, NULL) < 0 && strstr(host.log,
	      "plugstack.conf: cma_camra=" CAM ": GresTypes in slurm.conf has no such GRES\n"),
	      "slurmd does not start with the name of no GRES", "%s", host.log);
	check(host.conf_loads == 1 && host.conf_frees == 1, "the configuration is freed", "%d %d", host.conf_loads,
	      host.conf_frees);
	check(go_init("cma=" CAM, NULL) < 0, "a part of a name is none", "%s", host.log);
	check(go_init(MAP_CAM, "sysheapx=" SYS, NULL) < 0, "each name counts", "%s", host.log);
	host.gres_types = NULL;
	check(go_init(MAP_CAM, NULL) < 0, "slurm.conf may have no GRES", "%s", host.log);
	host.gres_types = "cma_camera";
	check(go_init(MAP_CAM, NULL) == 0 && !*host.log, "it may have one", "%s", host.log);
	host.conf_error = ECONNREFUSED;
	check(go_init("cma_camra=" CAM, NULL) == 0 && strstr(host.log, "are not checked: ") &&
	      strstr(host.log, ": Connection refused\n"), "slurmd starts before slurmctld", "%s", host.log);
	machine();
	refused(go("cma_camra=" CAM, "--unlisted=none", NULL), "job 7 is refused: cma_camra=" CAM ": GresTypes",
		"no job is unlimited because of a misspelt name");
	machine();
	host.jobs[0].gres_detail_cnt = 0;
	host.conf_error = ECONNREFUSED;
	closed(go(MAP_CAM, "--unlisted=none", NULL), "does not send its configuration: Connection refused",
	       "no job is unlimited without a check of the names");
	machine();
	host.conf_error = ECONNREFUSED;
	check(go(MAP_CAM, "--unlisted=none", NULL) == 0 && !*host.log, "a job with a limit needs no check", "%s",
	      host.log);
}

/* A limit of an earlier step does not stay when the job has no allocation any more. */
static void test_taken_back(void)
{
	machine();
	check(go(MAP_CAM, "--unlisted=none", NULL) == 0, "a step has a limit", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "it is the allocation");
	host.jobs[0].gres_detail_cnt = 0;
	check(go(MAP_CAM, "--unlisted=none", NULL) == 0 && !*host.log, "a later step has no allocation", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " max\n", "the job has no limit any more");
	machine();
	allocate("", "sysheap(CNT:4096),cma_camera(CNT:8)");
	go(MAP_CAM, MAP_SYS, "--unlisted=none", NULL);
	allocate("", "sysheap(CNT:4096)");
	check(go(MAP_CAM, MAP_SYS, "--unlisted=none", NULL) == 0, "a later step has one of two allocations", "%s", host.log);
	check(strstr(get(JOB "/dmem.max"), CAM " max\n") != NULL, "the other limit is taken back", "%s",
	      get(JOB "/dmem.max"));
	check(strstr(get(JOB "/dmem.max"), SYS " 4096\n") != NULL, "the one is not", "%s", get(JOB "/dmem.max"));
}

/* The place of a node among those of a job. */
static void test_places(void)
{
	static const int32_t some[] = { 0, 1, 4, 4, 7, 9, -1 }, none[] = { -1 }, wrong[] = { 3, -1, -1 };
	static const int want[] = { 0, 1, -1, -1, 2, -1, -1, 3, 4, 5, -1 };

	for (int i = 0; i < 11; i++) {
		tap_case("node %d", i);
		check(slurm_node_place(some, i) == want[i], "its place is right", "%d", slurm_node_place(some, i));
		tap_case("%s", "");
	}
	check(slurm_node_place(some, -1) < 0 && slurm_node_place(none, 0) < 0 && slurm_node_place(NULL, 0) < 0 &&
	      slurm_node_place(wrong, 3) < 0, "otherwise there is none", "%s", "");
}

/* A path that is not below this job's cgroup is never written to. */
static void test_cgroup(void)
{
	static const char * const wrong[] = {
		"0::/system.slice/slurmd.service\n", "0::/" SCOPE "/job_70/step_0/slurm\n",
		"0::/" SCOPE "/job_7/step_0/user/task_0\n", "0::/" SCOPE "/job_7/slurm\n", "0::/slurm\n",
		"0::/" SCOPE "/job_7/step_0\n", "0::/" SCOPE "/xjob_7/step_0/slurm\n",
		"0::/" SCOPE "/job_7/other/slurm\n", "0::/" SCOPE "/job_7/step_0/slurm (deleted)\n", "0::/\n",
	};

	machine();
	put("proc/self/cgroup", "12:cpu:/job_9\n0::/" SCOPE "/job_7/step_batch/slurm\n");
	check(go(MAP_CAM, NULL) == 0, "a batch step is limited, beside a tree of version 1", "%s", host.log);
	check_text(get(JOB "/dmem.max"), CAM " 8388608\n", "the limit of a batch step is that of the job");
	machine();
	put("cg/job_7/cgroup.controllers", "%s", "");
	put("cg/job_7/cgroup.subtree_control", "%s", "");
	put("proc/self/cgroup", "0::/job_7/step_extern/slurm\n");
	check(go(MAP_CAM, NULL) == 0, "the job may be at the top of the tree", "%s", host.log);
	check_text(get("cg/job_7/dmem.max"), CAM " 8388608\n", "it is limited there");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char name[100];

		machine();
		put("proc/self/cgroup", "%s", wrong[i]);
		snprintf(name, sizeof(name), "cgroup %.*s is a refusal", (int)strlen(wrong[i]) - 1, wrong[i]);
		refused(go(MAP_CAM, NULL), "slurmstepd is not in the cgroup of this job", name);
	}
	machine();
	put("proc/self/cgroup", "4:cpu:/job_7/step_0/slurm\n");
	refused(go(MAP_CAM, NULL), "in no cgroup of version 2", "a tree of version 1 is a refusal");
	machine();
	put("proc/self/cgroup", "0::/../job_7/step_0/slurm\n");
	refused(go(MAP_CAM, NULL), "not the name of a cgroup", "a path out of the tree is a refusal");
}

/* The plugin is loaded in srun, sbatch, salloc and slurmd, too. */
static void test_contexts(void)
{
	static const spank_context_t others[] = {
		S_CTX_LOCAL, S_CTX_ALLOCATOR, S_CTX_SLURMD, S_CTX_JOB_SCRIPT, S_CTX_ERROR,
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		machine();
		host.context = others[i];
		tap_case("context %d", others[i]);
		check(go(MAP_CAM, NULL) == 0 && !host.loads && !*get(JOB "/dmem.max"), "nothing is limited", "%s",
		      host.log);
		check(go("wrong", NULL) == 0 && !*host.log, "arguments are not read", "%s", host.log);
		tap_case("%s", "");
	}
	machine();
	check(go_init("wrong", NULL) == 0, "slurmstepd reads its arguments later", "%s", host.log);
	host.context = S_CTX_LOCAL;
	check(go_init("wrong", NULL) == 0, "srun does not read them", "%s", host.log);
	host.context = S_CTX_SLURMD;
	check(go_init(MAP_CAM, NULL) == 0 && !*host.log, "slurmd starts with good arguments", "%s", host.log);
	check(go_init("wrong", NULL) < 0 && strstr(host.log, "plugstack.conf: wrong: write GRES=REGION"),
	      "slurmd does not start with a mistake", "%s", host.log);
}

static void test_arguments(void)
{
	static const struct {
		const char *word, *problem;
	} wrong[] = {
		{ "", "write GRES=REGION" }, { "cma_camera", "write GRES=REGION" },
		{ "=" CAM, "not the name of a GRES" }, { ":1M=" CAM, "not the name of a GRES" },
		{ "a,b=" CAM, "not the name of a GRES" }, { "a(b=" CAM, "not the name of a GRES" },
		{ "-a=" CAM, "not the name of a GRES" }, { "a=", "not the name of a region" },
		{ "a=dma_heap/..", "not the name of a region" }, { "a:=" CAM, "the unit is no size" },
		{ "a:0=" CAM, "the unit is no size" }, { "a:50%=" CAM, "the unit is no size" },
		{ "a:max=" CAM, "the unit is no size" }, { "a:1X=" CAM, "the unit is no size" },
		{ "cma_camera=other", "this GRES has a region already" },
		{ "other=" CAM, "this region has a GRES already" },
		{ "--unlisted=", "write 0 or none" }, { "--unlisted=max", "write 0 or none" },
		{ "--strict", "unknown option" },
	};

	machine();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char text[200], name[100];
		bool single = i < 14 || i > 15;

		snprintf(text, sizeof(text), "plugstack.conf: %s: %s", wrong[i].word, wrong[i].problem);
		snprintf(name, sizeof(name), "argument '%s' is a refusal", wrong[i].word);
		refused(single ? go(wrong[i].word, NULL) : go(MAP_CAM, wrong[i].word, NULL), text, name);
	}
	refused(go(NULL, NULL), "plugstack.conf: there is no GRES", "no argument is a refusal");
	check(!host.loads, "slurmctld is not asked", "%d times", host.loads);
	refused(go(MAP_CAM, "heap=dma_heap/camera@64000000", NULL), "this region has a GRES already",
		"two names of one region are a refusal");
	machine();
	put("cg/.regions", "linux,cma %d\na=b %d\n", 40 * MIB, MIB);
	allocate("", "a(CNT:1),b(CNT:2)");
	check(go("a:1K=linux,cma", "b:1K=a=b", NULL) == 0, "names of regions may have commas and =", "%s",
	      host.log);
	check_text(get(JOB "/dmem.max"), "linux,cma 1024\na=b 2048\n", "both of them are limited");
}

/* Slurm's text for one node. */
static void test_counts(void)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t count;
	} t[] = {
		{ NULL, 0, 0 }, { "", 0, 0 }, { "a(CNT:0)", 0, 0 }, { "a(CNT:5)", 0, 5 },
		{ "a(CNT:18446744073709551615)", 0, UINT64_MAX }, { "a(CNT:18446744073709551616)", -ERANGE, 0 },
		{ "a(CNT:18446744073709551615),a:x(CNT:1)", -ERANGE, 0 },
		{ "ab(CNT:5)", 0, 0 }, { "b(CNT:5)", 0, 0 }, { "xa(CNT:5)", 0, 0 },
		{ "a:big(CNT:5)", 0, 5 }, { "a:big(CNT:5),a:small(CNT:2)", 0, 7 },
		{ "a:3(IDX:0-2)", 0, 3 }, { "a:3(IDX:0,2,4),b(CNT:1)", 0, 3 }, { "b:3(IDX:0,2),a(CNT:1)", 0, 1 },
		{ "a:big:3(IDX:0-2)", 0, 3 }, { "a:4", 0, 4 }, { "b,a(CNT:1)", 0, 1 },
		{ "a:1(5/10),a(CNT:1)", 0, 2 },
		{ "a(CNT:)", -EINVAL, 0 }, { "a(CNT:-1)", -EINVAL, 0 }, { "a(CNT:1", -EINVAL, 0 },
		{ "a(CNT:1)x", -EINVAL, 0 }, { "a(CNT:1),", -EINVAL, 0 }, { ",a(CNT:1)", -EINVAL, 0 },
		{ "a(IDX:1)", -EINVAL, 0 }, { "a:", -EINVAL, 0 }, { "a:big", -EINVAL, 0 }, { "a(CNT:1K)", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		uint64_t count = 12345;
		int ret = slurm_gres_count(t[i].text, "a", &count);
		char name[100];

		snprintf(name, sizeof(name), "'%s'", t[i].text ? t[i].text : "no text");
		check(ret == t[i].ret && (ret || count == t[i].count), name, "%d, %llu", ret,
		      (unsigned long long)count);
	}
}

/* Appends an item in one of Slurm's forms. */
static void add_item(char *text, size_t size, const char *gres, unsigned int count, unsigned int form)
{
	static const char * const forms[] = {
		"%s%s(CNT:%u)", "%s%s:big(CNT:%u)", "%s%s:%u(IDX:0,3-5,9)", "%s%s:small:%u(IDX:1,2)", "%s%s:%u",
	};
	size_t len = strlen(text);

	snprintf(text + len, size - len, forms[form % 5], len ? "," : "", gres, count);
}

/* Random lists against a sum; then with one wrong byte, which must not be read as a larger list. */
static void test_random_counts(void)
{
	static const char * const names[] = { "a", "ab", "b", "gpu", "cma_camera" };
	unsigned int seed = 23;
	size_t wrong = 0, stray = 0, tried = 0;

	for (int i = 0; i < 20000; i++) {
		char text[600] = "", *copy;
		uint64_t sum = 0, count;
		size_t at;
		int items = 1 + rand_r(&seed) % 8, ret;

		for (int k = 0; k < items; k++) {
			unsigned int name = (unsigned int)rand_r(&seed) % 5, n = (unsigned int)rand_r(&seed) % 100000;

			add_item(text, sizeof(text), names[name], n, (unsigned int)rand_r(&seed));
			sum += name ? 0 : n;
		}
		wrong += slurm_gres_count(text, "a", &count) || count != sum;
		/* Exactly as long as the text, for the sanitizers. */
		copy = strdup(text);
		at = (size_t)rand_r(&seed) % strlen(copy);
		copy[at] = (char)(rand_r(&seed) % 256);
		ret = slurm_gres_count(copy, "a", &count);
		stray += ret && ret != -EINVAL && ret != -ERANGE;
		tried++;
		free(copy);
	}
	check(tried && !wrong, "the sum of random lists is right", "%zu of %zu are wrong", wrong, tried);
	check(!stray, "a wrong byte is an error or another list", "%zu of %zu have another result", stray, tried);
}

/* The use of the job, when a step ends. */
static void test_report(void)
{
	machine();
	go(MAP_CAM, MAP_SYS, NULL);
	put(JOB "/dmem.peak", CAM " 8388608\n");
	put(JOB "/dmem.events", CAM " max=3 alloc_fail=0\n" SYS " max=0 alloc_fail=0\n");
	check(go_exit(MAP_CAM, MAP_SYS, NULL) == 0, "the end of a step succeeds", "%s", host.log);
	check_text(host.log,
		   "spank_dmem: job=7 region=" CAM " max=8388608 peak=8388608 refused=3\n"
		   "spank_dmem: job=7 region=" SYS " max=0 refused=0\n", "the log has one line for each region");
	machine();
	put("cg/dmem.capacity", CAM " %d\n" SYS " %d\n", 40 * MIB, 1000 * MIB);
	put(JOB "/dmem.max", CAM " max\n" SYS " 4096\n");
	go_exit(MAP_CAM, MAP_SYS, NULL);
	check_text(host.log, "spank_dmem: job=7 region=" SYS " max=4096\n",
		   "neither a region without a limit nor a missing figure is reported");
	machine();
	check(go_exit(MAP_CAM, NULL) == 0 && !*host.log, "a job without dmem has no line", "%s", host.log);
	host.context = S_CTX_LOCAL;
	check(go_exit("wrong", NULL) == 0 && !*host.log, "the end of srun has none", "%s", host.log);
}

#define STRAY	"cg/system.slice/n2_slurmstepd.scope/job_7"

/* After a job with two steps, of which the first one has no slurmstepd any more. */
static void after_job(const char *job)
{
	char path[200];

	machine();
	host.context = S_CTX_JOB_SCRIPT;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/step_%d/slurm/cgroup.procs", job, i);
		put(path, "%s", i ? "1234\n" : "");
		snprintf(path, sizeof(path), "%s/step_%d/cgroup.events", job, i);
		put(path, "populated 1\nfrozen 0\n");
		snprintf(path, sizeof(path), "%s/step_%d/cgroup.kill", job, i);
		put(path, "%s", "");
	}
	snprintf(path, sizeof(path), "%s/user/cgroup.kill", job);
	put(path, "%s", "");
	snprintf(path, sizeof(path), "%s/user/cgroup.events", job);
	put(path, "populated 1\nfrozen 0\n");
}

static void nothing(int sig)
{
	(void)sig;
}

/* A kernel for the steps of @job: a step that is killed gets empty, and the plugin is woken up.
 * Returns the process, which a signal ends. */
static pid_t kernel_of(const char *job)
{
	struct sigaction woken = { .sa_handler = nothing };
	struct timespec ms = { .tv_nsec = 1000000 };
	char path[300];
	pid_t pid;

	sigaction(SIGUSR1, &woken, NULL);
	pid = fork();
	if (pid)
		return pid;
	for (;;) {
		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "%s/step_%d/cgroup.kill", job, i);
			if (!*get(path))
				continue;
			snprintf(path, sizeof(path), "%s/step_%d/cgroup.events", job, i);
			put(path, "populated 0\nfrozen 0\n");
		}
		kill(getppid(), SIGUSR1);
		nanosleep(&ms, NULL);
	}
}

static int end_job(const char *job)
{
	pid_t pid = kernel_of(job);
	int ret = go_epilog(MAP_CAM, NULL);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return ret;
}

/* Processes whose slurmstepd was killed do not outlive their job. */
static void test_strays(void)
{
	int root;

	after_job(STRAY);
	check(end_job(STRAY) == 0, "the end of a job succeeds", "%s", host.log);
	check_text(get(STRAY "/step_0/cgroup.kill"), "1", "processes without a slurmstepd are killed");
	check_text(get(STRAY "/step_1/cgroup.kill"), "", "those with one are not");
	check_text(get(STRAY "/user/cgroup.kill"), "", "a cgroup that is no step is left alone");
	check_text(host.log, "spank_dmem: job=7 killed_steps=1\n", "the log has a line");
	after_job(JOB);
	check(end_job(JOB) == 0, "the path may have no name of a node", "%s", host.log);
	check_text(get(JOB "/step_0/cgroup.kill"), "1", "the processes there are killed");
	after_job("cg/system.slice/n1_slurmstepd.scope/job_7");
	check(end_job("cg/system.slice/n1_slurmstepd.scope/job_7") == 0 && !*host.log, "usually, nothing is left",
	      "%s", host.log);
	check_text(get("cg/system.slice/n1_slurmstepd.scope/job_7/step_0/cgroup.kill"), "",
		   "another node's job of that number is left alone");
	after_job(STRAY);
	put(STRAY "/step_0/cgroup.events", "populated 0\nfrozen 0\n");
	check(end_job(STRAY) == 0 && !*host.log, "a step without processes is no failure", "%s", host.log);
	check_text(get(STRAY "/step_0/cgroup.kill"), "", "nothing is killed there");
	after_job(STRAY);
	unlink(tap_path(STRAY "/step_0/cgroup.kill"));
	check(end_job(STRAY) < 0 && strstr(host.log, "job 7 has processes without a slurmstepd that cannot be killed: "),
	      "processes that cannot be killed are a failure", "%s", host.log);
	after_job(STRAY);
	root = open(tap_path("cg"), O_RDONLY | O_DIRECTORY);
	check(slurm_kill_strays(root, "system.slice/n2_slurmstepd.scope/job_7", 1) == -ETIMEDOUT,
	      "processes that do not end are a failure", "%s", "");
	check_text(get(STRAY "/step_0/cgroup.kill"), "1", "they were killed");
	check(slurm_kill_strays(root, "system.slice/../job_7", 1) < 0, "a path out of the tree is a failure", "%s", "");
	close(root);
	after_job(STRAY);
	setenv("SLURMD_NODENAME", "../system.slice/n2", 1);
	check(end_job(STRAY) == 0 && !*get(STRAY "/step_0/cgroup.kill"),
	      "a name with a slash is none of a node", "%s", host.log);
	after_job(STRAY);
	host.context = S_CTX_REMOTE;
	check(go_epilog("wrong", NULL) == 0 && !*host.log, "slurmstepd of a step does nothing", "%s", host.log);
}

/* Another name could be called instead of one of slurmstepd. */
static void test_symbols(void)
{
	static const char want[] = "plugin_name plugin_type plugin_version slurm_spank_exit slurm_spank_init "
				   "slurm_spank_init_post_opt slurm_spank_job_epilog "
				   "slurm_spank_task_init_privileged spank_plugin_version ";
	const char *argv[] = { "/bin/sh", "-c",
			       "\"$1\" -D --defined-only \"$2\" | sed 's/.* //' | sort | tr '\\n' ' '", "sh", nm,
			       installed, NULL };
	const char *undefined[] = { "/bin/sh", "-c",
				    "\"$1\" -D --undefined-only \"$2\" | grep -c 'U slurm_load_job$'", "sh", nm,
				    installed, NULL };

	tap_dir(dir);
	if (!*nm) {
		check(true, "not run: there is no nm", "%s", "");
		return;
	}
	run(argv);
	check_text(get("out"), want, "the plugin has the names that Slurm calls, and no others");
	run(undefined);
	check_text(get("out"), "1\n", "Slurm's functions are those of the program that loads it");
}

static void test_manual(void)
{
	static const char * const words[] = { "--unlisted=none", "GRES", "UNIT", "plugstack.conf", "required" };
	const char *argv[] = { "/bin/cat", manual, NULL };

	tap_dir(dir);
	run(argv);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		check(strstr(get("out"), words[i]) != NULL, words[i], "is not in the manual");
}

int main(int argc, char **argv)
{
	void *plugin;

	if (argc != 6)
		return 2;
	dir = argv[2];
	installed = argv[3];
	nm = argv[4];
	manual = argv[5];
	plugin = dlopen(argv[1], RTLD_LAZY | RTLD_LOCAL);
	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		return 2;
	}
	init = (spank_f *)dlsym(plugin, "slurm_spank_init");
	post_opt = (spank_f *)dlsym(plugin, "slurm_spank_init_post_opt");
	task_init = (spank_f *)dlsym(plugin, "slurm_spank_task_init_privileged");
	leave = (spank_f *)dlsym(plugin, "slurm_spank_exit");
	epilog = (spank_f *)dlsym(plugin, "slurm_spank_job_epilog");
	if (!init || !post_opt || !leave || !epilog)
		return 2;
	tap_start();
	/* The first one: the plugin has not been called yet. */
	RUN(test_task);
	RUN(test_limit);
	RUN(test_two_regions);
	RUN(test_no_gres);
	RUN(test_region_missing);
	RUN(test_write_fails);
	RUN(test_other_kernels);
	RUN(test_environment);
	RUN(test_allocation);
	RUN(test_no_allocation);
	RUN(test_order);
	RUN(test_asked);
	RUN(test_names);
	RUN(test_taken_back);
	RUN(test_places);
	RUN(test_cgroup);
	RUN(test_contexts);
	RUN(test_arguments);
	RUN(test_counts);
	RUN(test_random_counts);
	RUN(test_report);
	RUN(test_strays);
	RUN(test_symbols);
	RUN(test_manual);
	return tap_end();
}
