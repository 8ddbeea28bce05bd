// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spank_dmem.so in Debian's Slurm on two machines with a network between them. This one is the
 * controller and the node n1. The other one, where test_node runs, is n2, which has no display.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "slurm.h"
#include "unit.h"

/* remote.socket of the other machine */
#define OTHER		"10.1.0.2"
#define OTHER_PORT	7000
#define END		"/run/dmem-tests/end"
#define READ_ONLY	"/run/dmem-tests/read-only"
#define PLUGSTACK	"/etc/slurm/plugstack.conf"
#define CALLS		"required spank_dmem.so cma_camera:1M=" CAMERA " cma_display:1M=" DISPLAY
#define DISPLAY_HEAP	"display@60000000"
#define PIPE		"/run/dmem-tests/pipe"
#define JOB_CGROUP	"system.slice/*slurmstepd.scope/job_%d"

/* Seconds. The other machine may boot later than this one. */
#define FIRST		400
#define SECONDS		700

static const char *const machines[] = { "n1", "n2" };
static char *before[2];	/* dmem.current of each */

/* ---- the other machine ---- */

static char answer[65536];

static int connect_other(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(OTHER_PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, OTHER, &to.sin_addr);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_text(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Runs a line of the other machine's shell. Returns its exit code, or -1 without an answer. */
static int remote(const char *text)
{
	int fd = connect_other();
	size_t used = 0;
	ssize_t n = -1;
	char *mark;

	*answer = 0;
	if (fd < 0)
		return -1;
	/* In a subshell, so that the last line is printed whatever the text does. */
	if (send_text(fd, "(") && send_text(fd, text) && send_text(fd, "\n)\necho \"#exit $?\"\n") &&
	    !shutdown(fd, SHUT_WR)) {
		while (used < sizeof(answer) - 1 && (n = read(fd, answer + used, sizeof(answer) - 1 - used)) > 0)
			used += (size_t)n;
	}
	close(fd);
	answer[used] = 0;
	mark = strstr(answer, "#exit ");
	if (n || !mark)
		return -1;
	*mark = 0;
	return atoi(mark + 6);
}

/*
 * Runs a line of the shell on the machine of a node; answer has its output. Returns its exit code,
 * or -1.
 */
static int on(const char *node, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int on(const char *node, const char *fmt, ...)
{
	char text[2000];
	va_list ap;
	int ret;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strcmp(node, "n1"))
		return remote(text);
	ret = run("sh", "-c", text, NULL);
	snprintf(answer, sizeof(answer), "%s", output());
	return ret;
}

/* Repeats the line until it succeeds and prints what is wanted, for that many seconds. */
static bool wait_on(const char *node, const char *text, const char *want, int seconds)
{
	long long end = now_ms() + seconds * 1000LL;

	while (on(node, "%s", text) || strcmp(answer, want)) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

/* ---- jobs and counters ---- */

/* What a job has printed so far, without the name of its heap. */
static const char *printed(int job, const char *node)
{
	on(node, "sed 's/.*=//' " JOBS "/%d 2>/dev/null", job);
	return answer;
}

static bool wait_printed(int job, const char *node, const char *want)
{
	char text[200];

	snprintf(text, sizeof(text), "sed 's/.*=//' " JOBS "/%d", job);
	return wait_on(node, text, want, SOON);
}

/* The camera's value in a file of a job's cgroup: bytes, DMEM_MAX, or -1. */
static long long job_value(int job, const char *node, const char *file)
{
	if (on(node, "sed -n 's,^" CAMERA " ,,p' " CGROUPS "/" JOB_CGROUP "/%s", job, file) || !*answer)
		return -1;
	return strcmp(answer, "max\n") ? strtoll(answer, NULL, 10) : DMEM_MAX;
}

/* The camera's use on the machine, in bytes, or -1. */
static long long used(const char *node)
{
	if (on(node, "sed -n 's,^" CAMERA " ,,p' " CGROUPS "/dmem.current") || !*answer)
		return -1;
	return strtoll(answer, NULL, 10);
}

/* Waits until each counter of both machines is as before the test. */
static bool wait_counters(void)
{
	for (int i = 0; i < 2; i++) {
		if (!wait_on(machines[i], "cat " CGROUPS "/dmem.current", before[i], SOON))
			return false;
	}
	return true;
}

static bool in_log(const char *node, const char *text)
{
	return !on(node, "grep -qF '%s' /run/slurm/%s.log", text, node);
}

/* A new file: a slurmstepd that reads the old one goes on with it. */
static int plugstack(const char *node, const char *text)
{
	return on(node, "echo '%s' >" PLUGSTACK ".new && mv " PLUGSTACK ".new " PLUGSTACK, text);
}

/* ---- the cluster ---- */

/* The servers go on after a test. */
static int servers(void)
{
	return on("n1", "systemctl start munge slurmctld slurmd") ||
	       on("n2", "systemctl start munge slurmd");
}

FIXTURE(jobs) {
	int unused;
};

FIXTURE_SETUP(jobs)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_TRUE(wait_on("n2", "true", "", FIRST)) TH_LOG("no answer from the other machine");
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, on(machines[i], "mkdir -p " JOBS " && chmod 777 " JOBS)) TH_LOG("%s", answer);
		ASSERT_EQ(0, used(machines[i]));
		ASSERT_EQ(0, on(machines[i], "cat " CGROUPS "/dmem.current"));
		before[i] = strdup(answer);
		ASSERT_NE(NULL, before[i]);
		ASSERT_EQ(0, plugstack(machines[i], CALLS));
	}
	ASSERT_EQ(0, servers()) TH_LOG("%s", answer);
	ASSERT_TRUE(wait_idle(SOON)) TH_LOG("%s", output());
}

FIXTURE_TEARDOWN(jobs)
{
	line("scancel --user=operator");
	/* A slurmstepd may still wait for a pipe. */
	on("n2", "umount " READ_ONLY "; for p in " PIPE "?; do test ! -p $p || : <>$p; done; rm -f " PIPE "?");
	line("scontrol update nodename=n2 state=resume");
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, plugstack(machines[i], CALLS));
	EXPECT_TRUE(wait_idle(SOON)) TH_LOG("%s", output());
	EXPECT_TRUE(wait_counters()) TH_LOG("%s", answer);
	for (int i = 0; i < 2; i++)
		on(machines[i], "rm -rf " JOBS);
	EXPECT_EQ(0, units_end());
}

/*
 * Two jobs go to different machines, each of which has room for one. A third one waits until one of
 * them ends.
 */
TEST_F_TIMEOUT(jobs, places, SECONDS)
{
	int a = submit("--gres=cma_camera:24", "HEAP=24 hold"), b, c;
	char first[20], second[20];

	ASSERT_LT(0, a) TH_LOG("%s", output());
	b = submit("--gres=cma_camera:24", "HEAP=24 hold");
	ASSERT_LT(0, b) TH_LOG("%s", output());
	ASSERT_TRUE(wait_field(a, "%T", "RUNNING")) TH_LOG("%s", field(a, "%T %r"));
	ASSERT_TRUE(wait_field(b, "%T", "RUNNING")) TH_LOG("%s", field(b, "%T %r"));
	snprintf(first, sizeof(first), "%s", field(a, "%N"));
	snprintf(second, sizeof(second), "%s", field(b, "%N"));
	ASSERT_TRUE((!strcmp(first, "n1") && !strcmp(second, "n2")) ||
		    (!strcmp(first, "n2") && !strcmp(second, "n1"))) TH_LOG("%s and %s", first, second);
	ASSERT_TRUE(wait_printed(a, first, "24 0\n")) TH_LOG("%s", answer);
	ASSERT_TRUE(wait_printed(b, second, "24 0\n")) TH_LOG("%s", answer);
	EXPECT_EQ(24 * MIB, job_value(a, first, "dmem.max"));
	EXPECT_EQ(24 * MIB, job_value(b, second, "dmem.max"));
	EXPECT_EQ(24 * MIB, used("n1"));
	EXPECT_EQ(24 * MIB, used("n2"));
	c = submit("--gres=cma_camera:24", "HEAP=24 hold");
	ASSERT_LT(0, c) TH_LOG("%s", output());
	ASSERT_TRUE(wait_field(c, "%T %r", "PENDING Resources")) TH_LOG("%s", field(c, "%T %r"));
	ASSERT_EQ(0, line("scancel %d", a)) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(c, first, "24 0\n")) TH_LOG("%s", field(c, "%T %r"));
	EXPECT_STREQ(first, field(c, "%N"));
	EXPECT_EQ(24 * MIB, job_value(c, first, "dmem.max"));
	EXPECT_EQ(24 * MIB, used("n1"));
	EXPECT_EQ(24 * MIB, used("n2"));
}

/* A job on the other machine gets its allocation to the byte and then ENOMEM. */
TEST_F_TIMEOUT(jobs, amount, SECONDS)
{
	int job = submit("--gres=cma_camera:24 -w n2", "HEAP=25 HEAP=24 HEAP=1 hold");
	char text[200];

	ASSERT_LT(0, job) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(job, "n2", "25 12\n24 0\n1 12\n")) TH_LOG("%s", answer);
	EXPECT_EQ(24 * MIB, job_value(job, "n2", "dmem.max"));
	EXPECT_EQ(24 * MIB, job_value(job, "n2", "dmem.current"));
	EXPECT_EQ(24 * MIB, used("n2"));
	EXPECT_EQ(0, used("n1"));
	ASSERT_EQ(0, line("scancel %d", job)) TH_LOG("%s", output());
	ASSERT_TRUE(wait_idle(SOON)) TH_LOG("%s", output());
	snprintf(text, sizeof(text), "spank_dmem: job=%d region=" CAMERA " max=25165824 peak=25165824 refused=2",
		 job);
	EXPECT_TRUE(in_log("n2", text));
}

/* A job on both machines has its amount on each. */
TEST_F_TIMEOUT(jobs, both, SECONDS)
{
	EXPECT_EQ(0, line("cd /; " AS_USER "srun -N2 --gres=cma_camera:24 " JOB " HEAP=25 HEAP=24 | sort"));
	EXPECT_STREQ(CAMERA_HEAP "=24 0\n" CAMERA_HEAP "=24 0\n" CAMERA_HEAP "=25 12\n" CAMERA_HEAP "=25 12\n",
		     output());
}

static bool has_display(const char *node)
{
	return !on(node, "grep -q '^" DISPLAY " ' " CGROUPS "/dmem.capacity");
}

static const char *impossible(const char *options)
{
	return submit(options, "hold") ? "it is accepted" : output();
}

/* Slurm never starts a job with an allocation on a node without the region, though the node is idle. */
TEST_F_TIMEOUT(jobs, node_without, SECONDS)
{
	const char *const no = "Requested node configuration is not available";
	int job, next;

	ASSERT_TRUE(has_display("n1"));
	ASSERT_FALSE(has_display("n2"));
	EXPECT_NE(NULL, strstr(impossible("--gres=cma_display:1 -w n2"), no)) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(impossible("--gres=cma_display:1 -N2"), no)) TH_LOG("%s", output());
	job = submit("--gres=cma_display:24", DISPLAY_HEAP "=25 " DISPLAY_HEAP "=24 hold");
	ASSERT_LT(0, job) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(job, "n1", "25 12\n24 0\n")) TH_LOG("%s", field(job, "%T %N %r"));
	next = submit("--gres=cma_display:24", "hold");
	ASSERT_LT(0, next) TH_LOG("%s", output());
	ASSERT_TRUE(wait_field(next, "%T %r", "PENDING Resources")) TH_LOG("%s", field(next, "%T %r"));
	EXPECT_STREQ("idle\n", node_state("n2"));
	/* Others run there: the plugin needs no region for a limit of 0. */
	EXPECT_EQ(0, line("cd /; " AS_USER "srun -Q -w n2 echo runs"));
	EXPECT_STREQ("runs\n", output());
}

/* Nothing remains of a cancelled job on the other machine. */
TEST_F_TIMEOUT(jobs, cancelled, SECONDS)
{
	int job = submit("--gres=cma_camera:24 -w n2", "HEAP=24 hold");

	ASSERT_LT(0, job) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(job, "n2", "24 0\n")) TH_LOG("%s", answer);
	ASSERT_EQ(24 * MIB, used("n2"));
	ASSERT_EQ(0, line("scancel %d", job)) TH_LOG("%s", output());
	EXPECT_TRUE(wait_field(job, "%T", "CANCELLED")) TH_LOG("%s", output());
	EXPECT_TRUE(wait_counters()) TH_LOG("%s", answer);
	ASSERT_TRUE(wait_idle(SOON)) TH_LOG("%s", output());
	EXPECT_NE(0, on("n2", "ls -d " CGROUPS "/" JOB_CGROUP, job)) TH_LOG("%s", answer);
}

/* Waits until a slurmstepd on n2 reads the pipe, runs the line there, and writes the pipe. */
static int in_launch(int pipe, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int in_launch(int pipe, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return on("n2", "exec 3>" PIPE "%d && %s && mv " PLUGSTACK ".next " PLUGSTACK " && echo '" CALLS "' >&3",
		  pipe, text);
}

/*
 * A job that is cancelled while a step starts gets no device memory and drains no node. The user
 * could drain all of them. With PrologFlags=Contain, "extern" is the first step of a job, and the
 * batch script the second one. slurmstepd waits in plugstack.conf, which includes a pipe.
 */
static void cancelled_at_launch(struct __test_metadata *_metadata, int step)
{
	char text[200];
	int job;

	ASSERT_EQ(0, on("n2", "mkfifo " PIPE "1 " PIPE "2")) TH_LOG("%s", answer);
	ASSERT_EQ(0, plugstack("n2", "include " PIPE "1"));
	job = submit("--gres=cma_camera:8 -w n2", "HEAP=1 hold");
	ASSERT_LT(0, job) TH_LOG("%s", output());
	for (int i = 1; i < step; i++)
		ASSERT_EQ(0, in_launch(i, "echo include " PIPE "%d >" PLUGSTACK ".next", i + 1)) TH_LOG("%s", answer);
	ASSERT_EQ(0, in_launch(step, "echo '" CALLS "' >" PLUGSTACK ".next && scancel %d", job)) TH_LOG("%s", answer);
	EXPECT_TRUE(wait_idle(SOON)) TH_LOG("%s", output());
	EXPECT_STREQ("CANCELLED", field(job, "%T"));
	snprintf(text, sizeof(text), "spank_dmem: job %d gets no device memory: slurmctld does not run the job: CANCELLED",
		 job);
	EXPECT_TRUE(in_log("n2", text));
	EXPECT_STRNE("1 0\n", printed(job, "n2"));
}

TEST_F_TIMEOUT(jobs, cancelled_before_extern, SECONDS)
{
	cancelled_at_launch(_metadata, 1);
}

TEST_F_TIMEOUT(jobs, cancelled_before_batch, SECONDS)
{
	cancelled_at_launch(_metadata, 2);
}

/*
 * Slurm forgets the processes of a job whose slurmstepd was killed. Their memory must not remain
 * allocated when the job has ended.
 */
TEST_F_TIMEOUT(jobs, killed_slurmstepd, SECONDS)
{
	int job = submit("--gres=cma_camera:24 -w n2", "HEAP=24 hold"), next;
	char text[100];

	ASSERT_LT(0, job) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(job, "n2", "24 0\n")) TH_LOG("%s", answer);
	ASSERT_EQ(0, on("n2", "kill -9 $(cat " CGROUPS "/" JOB_CGROUP "/step_batch/slurm/cgroup.procs)", job))
		TH_LOG("%s", answer);
	/* The limit stays as long as the processes do. */
	EXPECT_EQ(24 * MIB, job_value(job, "n2", "dmem.max"));
	EXPECT_EQ(24 * MIB, used("n2"));
	ASSERT_EQ(0, line("scancel %d", job)) TH_LOG("%s", output());
	EXPECT_TRUE(wait_counters()) TH_LOG("%s", answer);
	ASSERT_TRUE(wait_idle(SOON)) TH_LOG("%s", output());
	snprintf(text, sizeof(text), "spank_dmem: job=%d killed_steps=1", job);
	EXPECT_TRUE(in_log("n2", text));
	next = submit("--gres=cma_camera:24 -w n2", "HEAP=24 hold");
	ASSERT_LT(0, next) TH_LOG("%s", output());
	EXPECT_TRUE(wait_printed(next, "n2", "24 0\n")) TH_LOG("%s", answer);
}

/* A job whose limit cannot be written on the other machine does not run there. */
TEST_F_TIMEOUT(jobs, no_write, SECONDS)
{
	char text[200];
	int refused, job;

	/* After a job, dmem is enabled there, and only limits are left to write. */
	ASSERT_EQ(0, line("cd /; " AS_USER "srun -w n2 true")) TH_LOG("%s", output());
	ASSERT_EQ(0, on("n2", "mkdir -p " READ_ONLY " && mount --bind " CGROUPS " " READ_ONLY " && "
			"mount -o remount,bind,ro " READ_ONLY)) TH_LOG("%s", answer);
	ASSERT_EQ(0, plugstack("n2", CALLS " --cgroup-root=" READ_ONLY)) TH_LOG("%s", answer);
	EXPECT_NE(0, line("cd /; " AS_USER "srun --gres=cma_camera:8 -w n2 " JOB " HEAP=1"));
	/* Step "extern" is refused already. */
	EXPECT_NE(NULL, strstr(output(), "Nodes n2 are still not ready")) TH_LOG("%s", output());
	EXPECT_EQ(NULL, strstr(output(), CAMERA_HEAP)) TH_LOG("%s", output());
	EXPECT_TRUE(wait_idle(SOON)) TH_LOG("%s", output());
	refused = submit("--requeue --gres=cma_camera:8 -w n2", "HEAP=9 HEAP=8 hold");
	ASSERT_LT(0, refused) TH_LOG("%s", output());
	/* The node takes no more jobs, and the other one does. */
	ASSERT_TRUE(wait_node("n2", "drained\n")) TH_LOG("%s", output());
	snprintf(text, sizeof(text), "spank_dmem: job %d is refused: " CAMERA ": the cgroup tree is read-only", refused);
	EXPECT_TRUE(in_log("n2", text));
	EXPECT_STREQ("", printed(refused, "n2"));
	EXPECT_TRUE(wait_counters()) TH_LOG("%s", answer);
	job = submit("--gres=cma_camera:8", "HEAP=9 HEAP=8 hold");
	ASSERT_LT(0, job) TH_LOG("%s", output());
	ASSERT_TRUE(wait_printed(job, "n1", "9 12\n8 0\n")) TH_LOG("%s", field(job, "%T %N %r"));
	ASSERT_EQ(0, on("n2", "umount " READ_ONLY)) TH_LOG("%s", answer);
	ASSERT_EQ(0, plugstack("n2", CALLS)) TH_LOG("%s", answer);
	ASSERT_EQ(0, line("scontrol update nodename=n2 state=resume")) TH_LOG("%s", output());
	EXPECT_TRUE(wait_field(refused, "%T %r", "PENDING launch failed requeued held"))
		TH_LOG("%s", field(refused, "%T %r"));
	/* Slurm would wait two minutes more. */
	ASSERT_EQ(0, line("scontrol update jobid=%d starttime=now && scontrol release %d", refused, refused))
		TH_LOG("%s", output());
	EXPECT_TRUE(wait_printed(refused, "n2", "9 12\n8 0\n")) TH_LOG("%s", field(refused, "%T %r"));
}

static void end_other(void)
{
	on("n2", "touch " END);
}

/* The other machine ends with this program, also after failures: test_harness_run() calls exit(). */
int main(int argc, char **argv)
{
	atexit(end_other);
	return test_harness_run(argc, argv);
}
