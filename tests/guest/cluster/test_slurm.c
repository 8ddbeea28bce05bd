// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spank_dmem.so in Debian's Slurm: one controller and three nodes in one guest. All nodes have one
 * kernel, so n1 counts the area of the camera, and n2 that of the display. n3 has no region.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define CGROUPS		"/sys/fs/cgroup"
#define JOBS		"/run/dmem-tests/jobs"
#define READ_ONLY	"/run/dmem-tests/read-only"
#define AS_USER		"setpriv --reuid=operator --regid=operator --init-groups "
/* Runs probe, with the node's heap in place of HEAP. */
#define JOB		"/srv/slurm/job"
#define PLUGSTACK	"/etc/slurm/n1/plugstack.conf"
#define MAP_CAMERA	"cma_camera:1M=" CAMERA
#define CALLS		"required spank_dmem.so " MAP_CAMERA

/* Seconds. A job starts within two or three, and more if the host is busy. */
#define SOON		90
#define SECONDS		290
#define POLL_MS		100

static const struct node {
	const char *name, *heap, *region;
} nodes[] = {
	{ "n1", CAMERA_HEAP, CAMERA },
	{ "n2", "display@60000000", DISPLAY },
	{ "n3", "display@60000000", DISPLAY },
};

static long long before[2];

/* ---- commands of Slurm ---- */

/* Runs a line of the shell; output() has its output. Returns its exit code. */
static int line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int line(const char *fmt, ...)
{
	char text[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return run("sh", "-c", text, NULL);
}

/* Submits a job as a user. Returns its number, or 0. */
static int submit(const char *options, const char *words)
{
	if (line("cd /; " AS_USER "sbatch --parsable --no-requeue -o " JOBS "/%%j %s " JOB " %s", options, words))
		return 0;
	return atoi(output());
}

/* What a job has printed so far, without the name of its heap. */
static const char *printed(int job)
{
	line("sed 's/.*=//' " JOBS "/%d 2>/dev/null", job);
	return output();
}

/* One field of squeue, such as %T for the state. "" when the job is forgotten. */
static const char *field(int job, const char *format)
{
	static char text[200];

	line("squeue -h -t all -j %d -o '%s' 2>/dev/null", job, format);
	snprintf(text, sizeof(text), "%s", output());
	text[strcspn(text, "\n")] = 0;
	return text;
}

static bool wait_field(int job, const char *format, const char *want)
{
	long long end = now_ms() + SOON * 1000LL;

	while (strcmp(field(job, format), want)) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

static bool wait_printed(int job, const char *want)
{
	long long end = now_ms() + SOON * 1000LL;

	while (strcmp(printed(job), want)) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

static const struct node *node_of(int job)
{
	const char *name = field(job, "%N");

	for (size_t i = 0; i < 3; i++) {
		if (!strcmp(nodes[i].name, name))
			return &nodes[i];
	}
	return NULL;
}

static const char *node_state(const char *name)
{
	line("sinfo -h -n %s -o %%T", name);
	return output();
}

static bool wait_node(const char *name, const char *want)
{
	long long end = now_ms() + SOON * 1000LL;

	while (strcmp(node_state(name), want)) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

static const char *job_cgroup(int job, const struct node *n)
{
	static char path[100];

	snprintf(path, sizeof(path), CGROUPS "/system.slice/%s_slurmstepd.scope/job_%d", n->name, job);
	return path;
}

static bool in_log(const char *node, const char *text)
{
	return !line("grep -qF '%s' /run/slurm/%s.log", text, node);
}

static int plugstack(const char *text)
{
	FILE *f = fopen(PLUGSTACK, "we");
	int ret;

	if (!f)
		return -1;
	ret = fprintf(f, "%s\n", text) < 0;
	return fclose(f) || ret ? -1 : 0;
}

/* ---- the cluster ---- */

static bool all_idle(void)
{
	return !line("test \"$(sinfo -h -o '%%D %%T')\" = '3 idle'");
}

static bool wait_idle(void)
{
	long long end = now_ms() + SOON * 1000LL;

	while (!all_idle()) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

/* The servers go on after a test, so that only the first one waits for them. */
static int servers(void)
{
	return run("systemctl", "start", "munge", "slurmctld", NULL) ||
	       run("systemctl", "start", "slurmd@n1", "slurmd@n2", "slurmd@n3", NULL);
}

FIXTURE(slurm) {
	int unused;
};

FIXTURE_SETUP(slurm)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_TRUE(!mkdir(JOBS, 0777) || !access(JOBS, W_OK));
	ASSERT_EQ(0, chmod(JOBS, 0777));
	before[0] = dmem_current(CGROUPS, CAMERA);
	before[1] = dmem_current(CGROUPS, DISPLAY);
	ASSERT_EQ(0, plugstack(CALLS));
	ASSERT_EQ(0, servers()) TH_LOG("%s", output());
	ASSERT_TRUE(wait_idle()) TH_LOG("%s", output());
}

FIXTURE_TEARDOWN(slurm)
{
	line("scancel --user=operator; umount " READ_ONLY "; scontrol update nodename=n1 state=resume");
	EXPECT_EQ(0, plugstack(CALLS));
	EXPECT_EQ(0, servers()) TH_LOG("%s", output());
	EXPECT_TRUE(wait_idle()) TH_LOG("%s", output());
	EXPECT_EQ(before[0], dmem_wait_current(CGROUPS, CAMERA, before[0], SOON * 1000));
	EXPECT_EQ(before[1], dmem_wait_current(CGROUPS, DISPLAY, before[1], SOON * 1000));
	line("rm -rf " JOBS);
	EXPECT_EQ(0, units_end());
}

/*
 * The limit is the allocation, in the region of the job's node. The job gets it to the byte and
 * then ENOMEM, and the log of slurmd has its figures.
 */
TEST_F_TIMEOUT(slurm, amount, SECONDS)
{
	int job = submit("--gres=cma_camera:24 -w n1", "HEAP=25 HEAP=24 HEAP=1 hold");
	const struct node *n;
	char text[200];

	ASSERT_LT(0, job) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(job, "25 12\n24 0\n1 12\n")) TH_LOG("%s", printed(job));
	n = node_of(job);
	ASSERT_EQ(&nodes[0], n);
	EXPECT_EQ(24 * MIB, dmem_read(job_cgroup(job, n), "dmem.max", CAMERA));
	EXPECT_EQ(24 * MIB, dmem_current(job_cgroup(job, n), CAMERA));
	EXPECT_EQ(DMEM_MAX, dmem_read(job_cgroup(job, n), "dmem.max", DISPLAY));
	EXPECT_EQ(2, dmem_nested(job_cgroup(job, n), "dmem.events", CAMERA, "max"));
	ASSERT_EQ(0, line("scancel %d", job)) TH_LOG("%s", output());
	ASSERT_TRUE(wait_idle()) TH_LOG("%s", output());
	snprintf(text, sizeof(text), "spank_dmem: job=%d region=" CAMERA " max=25165824 peak=25165824 refused=2",
		 job);
	EXPECT_TRUE(in_log("n1", text));
}

/* The steps of a job share its limit, and a step of srun has it as well. */
TEST_F_TIMEOUT(slurm, steps, SECONDS)
{
	EXPECT_EQ(0, line("cd /; " AS_USER "srun --gres=cma_camera:8 -w n1 " JOB " HEAP=9 HEAP=8 HEAP=1"));
	EXPECT_STREQ(CAMERA_HEAP "=9 12\n" CAMERA_HEAP "=8 0\n" CAMERA_HEAP "=1 12\n", output());
	EXPECT_EQ(0, line("cd /; " AS_USER "salloc -Q --gres=cma_camera:8 -w n1 sh -c '"
			  "srun --overlap --gres=cma_camera:8 " JOB " HEAP=6 hold >" JOBS "/one & "
			  "until grep -q =6 " JOBS "/one; do sleep 0.1; done; "
			  "srun --overlap --gres=cma_camera:0 " JOB " HEAP=3 HEAP=2; kill $!; wait'"));
	EXPECT_NE(NULL, strstr(output(), CAMERA_HEAP "=3 12\n" CAMERA_HEAP "=2 0\n")) TH_LOG("%s", output());
	EXPECT_STREQ(CAMERA_HEAP "=6 0\n", text_of(JOBS "/one"));
}

/* A job that asks for nothing gets nothing, whatever its environment says. */
TEST_F_TIMEOUT(slurm, not_asked_for, SECONDS)
{
	int job;

	setenv("SLURM_JOB_GRES", "cma_camera:24", 1);
	job = submit("-w n1", "HEAP=1 hold");
	unsetenv("SLURM_JOB_GRES");
	ASSERT_LT(0, job) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(job, "1 12\n")) TH_LOG("%s", printed(job));
	EXPECT_EQ(0, dmem_read(job_cgroup(job, &nodes[0]), "dmem.max", CAMERA));
}

/*
 * Two jobs go to different nodes. A third one waits until one of them ends, though a node without
 * the region is idle.
 */
TEST_F_TIMEOUT(slurm, places, SECONDS)
{
	const struct node *first, *second;
	int a = submit("--gres=cma_camera:24", "HEAP=24 hold"), b, c;

	ASSERT_LT(0, a) TH_LOG("%s", output());
	b = submit("--gres=cma_camera:24", "HEAP=24 hold");
	ASSERT_LT(0, b) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(a, "24 0\n")) TH_LOG("%s", printed(a));
	ASSERT_TRUE(wait_printed(b, "24 0\n")) TH_LOG("%s", printed(b));
	first = node_of(a);
	second = node_of(b);
	ASSERT_NE(NULL, first);
	ASSERT_NE(NULL, second);
	ASSERT_NE(first, second);
	EXPECT_EQ(24 * MIB, dmem_current(job_cgroup(a, first), first->region));
	EXPECT_EQ(24 * MIB, dmem_current(job_cgroup(b, second), second->region));
	c = submit("--gres=cma_camera:24", "HEAP=24 hold");
	ASSERT_LT(0, c) TH_LOG("%s", output());
	ASSERT_TRUE(wait_field(c, "%T %r", "PENDING Resources")) TH_LOG("%s", field(c, "%T %r"));
	EXPECT_STREQ("idle\n", node_state("n3"));
	EXPECT_STREQ("", printed(c));
	ASSERT_EQ(0, line("scancel %d", a)) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(c, "24 0\n")) TH_LOG("%s", printed(c));
	EXPECT_EQ(first, node_of(c));
	EXPECT_EQ(24 * MIB, dmem_read(job_cgroup(c, first), "dmem.max", first->region));
}

/* Slurm never starts a job with an allocation on a node without the region. */
TEST_F_TIMEOUT(slurm, node_without, SECONDS)
{
	EXPECT_EQ(0, submit("--gres=cma_camera:1 -w n3", "hold"));
	EXPECT_NE(NULL, strstr(output(), "Requested node configuration is not available")) TH_LOG("%s", output());
	/* Others run there: the plugin needs no region for a limit of 0. */
	EXPECT_EQ(0, line("cd /; " AS_USER "srun -w n3 echo runs"));
	EXPECT_STREQ("runs\n", output());
}

/* Nothing remains of a cancelled job. */
TEST_F_TIMEOUT(slurm, cancelled, SECONDS)
{
	int job = submit("--gres=cma_camera:24 -w n1", "HEAP=24 hold");

	ASSERT_LT(0, job) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(job, "24 0\n")) TH_LOG("%s", printed(job));
	ASSERT_EQ(0, line("scancel %d", job)) TH_LOG("%s", output());
	EXPECT_TRUE(wait_field(job, "%T", "CANCELLED")) TH_LOG("%s", output());
	EXPECT_EQ(before[0], dmem_wait_current(CGROUPS, CAMERA, before[0], SOON * 1000));
	ASSERT_TRUE(wait_idle()) TH_LOG("%s", output());
	EXPECT_NE(0, access(job_cgroup(job, &nodes[0]), F_OK));
}

static pid_t stepd_of(int job)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/step_batch/slurm/cgroup.procs", job_cgroup(job, &nodes[0]));
	return atoi(text_of(path));
}

/*
 * Slurm forgets the processes of a job whose slurmstepd was killed. Their memory must not remain
 * allocated when the job has ended.
 */
TEST_F_TIMEOUT(slurm, killed_slurmstepd, SECONDS)
{
	int job = submit("--gres=cma_camera:24 -w n1", "HEAP=24 hold"), next;
	char text[100];
	pid_t stepd;

	ASSERT_LT(0, job) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(job, "24 0\n")) TH_LOG("%s", printed(job));
	stepd = stepd_of(job);
	ASSERT_LT(1, stepd);
	ASSERT_EQ(0, kill(stepd, SIGKILL));
	/* The limit stays as long as the processes do. */
	EXPECT_EQ(24 * MIB, dmem_read(job_cgroup(job, &nodes[0]), "dmem.max", CAMERA));
	ASSERT_EQ(0, line("scancel %d", job)) TH_LOG("%s", output());
	EXPECT_EQ(before[0], dmem_wait_current(CGROUPS, CAMERA, before[0], SOON * 1000));
	ASSERT_TRUE(wait_idle()) TH_LOG("%s", output());
	snprintf(text, sizeof(text), "spank_dmem: job=%d killed_steps=1", job);
	EXPECT_TRUE(in_log("n1", text));
	next = submit("--gres=cma_camera:24 -w n1", "HEAP=24 hold");
	ASSERT_LT(0, next) TH_LOG("%s", output());
	EXPECT_TRUE(wait_printed(next, "24 0\n")) TH_LOG("%s", printed(next));
}

/* A job whose limit cannot be written does not run. */
TEST_F_TIMEOUT(slurm, no_write, SECONDS)
{
	char text[200];
	int job;

	mkdir(READ_ONLY, 0755);
	ASSERT_EQ(0, mount(CGROUPS, READ_ONLY, NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mount(NULL, READ_ONLY, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	ASSERT_EQ(0, plugstack(CALLS " --cgroup-root=" READ_ONLY));
	EXPECT_NE(0, line("cd /; " AS_USER "srun --gres=cma_camera:8 -w n1 " JOB " HEAP=1"));
	EXPECT_NE(NULL, strstr(output(), "task 0 launch failed: Plugin initialization failed"))
		TH_LOG("%s", output());
	EXPECT_EQ(NULL, strstr(output(), CAMERA_HEAP)) TH_LOG("%s", output());
	job = submit("--gres=cma_camera:8 -w n1", "HEAP=1 hold");
	ASSERT_LT(0, job) TH_LOG("%s", output());
	/* The node takes no more jobs. */
	ASSERT_TRUE(wait_node("n1", "drained\n")) TH_LOG("%s", output());
	snprintf(text, sizeof(text), "spank_dmem: job %d is refused: " CAMERA ": the cgroup tree is read-only", job);
	EXPECT_TRUE(in_log("n1", text));
	EXPECT_STREQ("", printed(job));
	EXPECT_EQ(before[0], dmem_current(CGROUPS, CAMERA));
	EXPECT_STRNE("RUNNING", field(job, "%T"));
	ASSERT_EQ(0, umount(READ_ONLY));
	ASSERT_EQ(0, plugstack(CALLS));
	ASSERT_EQ(0, line("scontrol update nodename=n1 state=resume")) TH_LOG("%s", output());
	job = submit("--gres=cma_camera:8 -w n1", "HEAP=8 hold");
	ASSERT_LT(0, job) TH_LOG("%s", output());
	EXPECT_TRUE(wait_printed(job, "8 0\n")) TH_LOG("%s", printed(job));
}

/* With "optional", Slurm starts the job without a limit: this is what "required" is for. */
TEST_F_TIMEOUT(slurm, optional, SECONDS)
{
	int job;

	ASSERT_EQ(0, plugstack("optional spank_dmem.so cma_camera:1M=cma/none"));
	job = submit("--gres=cma_camera:8 -w n1", "HEAP=9 hold");
	ASSERT_LT(0, job) TH_LOG("%s", output());
	EXPECT_TRUE(wait_printed(job, "9 0\n")) TH_LOG("%s", printed(job));
	ASSERT_EQ(0, line("scancel %d", job)) TH_LOG("%s", output());
	ASSERT_TRUE(wait_idle()) TH_LOG("%s", output());
	ASSERT_EQ(0, plugstack("required spank_dmem.so cma_camera:1M=cma/none"));
	EXPECT_NE(0, line("cd /; " AS_USER "srun --gres=cma_camera:8 -w n1 " JOB " HEAP=9"));
	EXPECT_EQ(NULL, strstr(output(), CAMERA_HEAP)) TH_LOG("%s", output());
}

/* Starts the node n1 again with this text in plugstack.conf, which it refuses. */
static void refuses_to_start(struct __test_metadata *_metadata, const char *text, const char *reason)
{
	ASSERT_EQ(0, plugstack(text));
	EXPECT_NE(0, run("systemctl", "restart", "slurmd@n1", NULL)) TH_LOG("%s starts", text);
	EXPECT_TRUE(in_log("n1", reason)) TH_LOG("%s", text);
	run("systemctl", "reset-failed", "slurmd@n1", NULL);
}

/* A node does not start with a mistake in plugstack.conf, or without the plugin. */
TEST_F_TIMEOUT(slurm, mistakes, SECONDS)
{
	refuses_to_start(_metadata, "required spank_dmem.so cma_camera:1Z=" CAMERA,
			 "spank_dmem: plugstack.conf: cma_camera:1Z=" CAMERA ": the unit is no size");
	refuses_to_start(_metadata, "required spank_dmem_none.so " MAP_CAMERA, "spank_dmem_none.so");
}

TEST_HARNESS_MAIN
