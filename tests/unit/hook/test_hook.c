// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-hook on a tree of plain files. The container's process is a child of this test, so that its
 * pid is a real one, and its entries of /proc are plain files.
 *
 * test_hook DMEM-HOOK DIRECTORY INSTALLED-DMEM-HOOK FILE-OF-HOOKS.D MANUAL
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hook/policy.h"
#include "hook/state.h"
#include "tap.h"

#define MIB	1048576
#define CAM	"cma/camera@64000000"
#define SYS	"heap/system"
#define SCOPE	"machine.slice/libpod-1.scope"
#define CTR	"cg/" SCOPE "/container"
#define ONE_MIB	CAM " 1048576\n"

static const char *hook, *dir, *installed;
static pid_t child;

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;)
		pause();
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void put_stat(const char *file, int pid, unsigned long start)
{
	put(file, "%d (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 %lu 1 1\n", pid, start);
}

static void put_cgroup(const char *path)
{
	char file[64];

	snprintf(file, sizeof(file), "proc/%d/cgroup", child);
	put(file, "%s", path);
}

/* A container of crun in a scope that systemd has made, and an engine in a service. */
static void machine(void)
{
	char file[64];

	tap_dir(dir);
	unsetenv("FAKE_CG");
	unsetenv("FAKE_CG_THEN");
	setenv("FAKE_SLEEP", tap_path("slept"), 1);
	put("cg/cgroup.controllers", "cpu dmem\n");
	put("cg/cgroup.subtree_control", "cpu\n");
	put("cg/.regions", CAM " %d\n" SYS " %d\n", 40 * MIB, 1000 * MIB);
	put("cg/machine.slice/cgroup.controllers", "cpu\n");
	put("cg/machine.slice/cgroup.subtree_control", "%s", "");
	put("cg/" SCOPE "/cgroup.controllers", "%s", "");
	put("cg/" SCOPE "/cgroup.subtree_control", "%s", "");
	put(CTR "/cgroup.controllers", "%s", "");
	put(CTR "/cgroup.subtree_control", "%s", "");
	put(CTR "/cgroup.procs", "%d\n", child);
	put("heaps/camera@64000000/dmem_region", CAM "\n");
	/* Process 1 has the same files as the hook. */
	put("proc/1/stat", "%s", "");
	link_to("proc/1/root", "/");
	put("proc/self/cgroup", "0::/system.slice/engine.service\n");
	put("proc/self/uid_map", "         0          0 4294967295\n");
	put_stat("proc/self/stat", 1, 1000);
	snprintf(file, sizeof(file), "proc/%d/stat", child);
	put_stat(file, child, 999);
	put_cgroup("0::/" SCOPE "/container\n");
}

static void put_policy(const char *text)
{
	put("hook.conf", "%s", text);
	chmod(tap_path("hook.conf"), 0644);
	/* It must not be writable by others either. */
	chmod(tap_path("."), 0755);
}

/* Runs the hook with these arguments, up to a NULL, and the document in the file "in". */
static int go_with(const char *first, ...) __attribute__((sentinel));

static int go_with(const char *first, ...)
{
	char root[4200], proc[4200], heaps[4200], policy[4200], log[4200];
	const char *argv[16] = { hook, root, proc, heaps, policy, log, "--timeout=10" };
	int n = 7;
	va_list ap;

	snprintf(root, sizeof(root), "--cgroup-root=%s", tap_path("cg"));
	snprintf(proc, sizeof(proc), "--proc=%s", tap_path("proc"));
	snprintf(heaps, sizeof(heaps), "--heaps=%s", tap_path("heaps"));
	snprintf(policy, sizeof(policy), "--policy=%s", tap_path("hook.conf"));
	snprintf(log, sizeof(log), "--log=%s", tap_path("log"));
	va_start(ap, first);
	for (const char *arg = first; arg && n < 15; arg = va_arg(ap, const char *))
		argv[n++] = arg;
	va_end(ap);
	return run(argv);
}

/* The document that runc writes, with these annotations. */
static void document(const char *annotations)
{
	put("in", "{\"ociVersion\":\"1.0.2\",\"id\":\"c1\",\"status\":\"creating\",\"pid\":%d,"
	    "\"bundle\":\"/srv/b\",\"annotations\":{%s}}\n", child, annotations);
}

/* Runs the hook for a container with these annotations. */
static int go(const char *annotations, const char *arg)
{
	document(annotations);
	return go_with(arg, NULL);
}

#define MAX(value)	"\"dmem.pool/max\":\"" value "\""
#define STRICT		",\"dmem.pool/strict\":\"yes\""

/* Without strict: a warning, and the container starts. With it: one line, and it does not. */
static void fails(const char *annotations, const char *arg, const char *text, const char *name)
{
	char strict[300];
	int ret = go(annotations, arg);

	check(ret == 0 && strstr(get("err"), text) && strstr(get("err"), "dmem-hook: warning: "), name,
	      "exit code %d: %s", ret, get("err"));
	document(annotations);
	ret = go_with("--strict", arg, NULL);
	snprintf(strict, sizeof(strict), "%s, strictly, in one line", name);
	check(ret == 1 && strstr(get("err"), text) && !strstr(get("err"), "warning") &&
	      strchr(get("err"), '\n') == get("err") + strlen(get("err")) - 1, strict,
	      "exit code %d: %s", ret, get("err"));
}

/* Both regions are limited, in the container's own cgroup and in no other. */
static void test_annotation(void)
{
	machine();
	check(go(MAX(CAM " 8M; " SYS " 50%"), NULL) == 0, "an annotation with two regions is taken",
	      "%s", get("err"));
	check_text(get(CTR "/dmem.max"), CAM " 8388608\n" SYS " 524288000\n", "both regions are limited");
	check_text(get("err"), "", "nothing is printed");
	check_text(get("cg/" SCOPE "/dmem.max"), "", "the scope around it has no limit");
	check_text(get("cg/" SCOPE "/cgroup.subtree_control"), "dmem\n", "dmem is enabled in the scope");
	check_text(get(CTR "/cgroup.subtree_control"), "", "dmem is not enabled in the container's cgroup");
	check_text(get(CTR "/dmem.min"), "", "nothing is reserved");
	machine();
	check(go(MAX("dma_heap/camera@64000000 1M"), NULL) == 0, "a heap is a name of its region", "%s",
	      get("err"));
	check_text(get(CTR "/dmem.max"), ONE_MIB, "the region of the heap is limited");
	machine();
	check(go(MAX(";\\n" CAM "\\t1M;\\n ;"), NULL) == 0, "blanks and empty parts are allowed", "%s",
	      get("err"));
	check_text(get(CTR "/dmem.max"), ONE_MIB, "the one region is limited");
	machine();
	check(go("\"a\":\"b\"", NULL) == 0 && !*get("err"), "a container without a limit starts", "%s",
	      get("err"));
	check_text(get("cg/cgroup.subtree_control"), "cpu\n", "nothing is enabled for it");
	machine();
	put("cg/cgroup.controllers", "cpu\n");
	fails(MAX(CAM " 1M"), NULL, "no dmem controller", "a kernel without the controller is a failure");
}

/* Each wrong annotation is named; a strict start ends. */
static void test_mistakes(void)
{
	machine();
	fails(MAX(CAM), NULL, "annotation dmem.pool/max: '" CAM "' is not REGION SIZE",
	      "a region without a size is a mistake");
	fails(MAX(CAM " 1X"), NULL, "invalid size", "a wrong size is a mistake");
	fails(MAX(CAM " 1M 2M"), NULL, "is not REGION SIZE", "a third word is a mistake");
	fails(MAX(CAM " '1M"), NULL, "is not REGION SIZE", "an open quote is a mistake");
	fails(MAX("cma/none 1M"), NULL, "cma/none 1M: no such region", "an unknown region is a failure");
	fails("\"dmem.pool/max\":7", NULL, "is no text", "a number is a mistake");
	fails(MAX(CAM " 1\\u0000M"), NULL, "is no text", "a text with a zero is a mistake");
	fails("\"dmem.pool/mx\":\"" CAM " 1M\"", NULL, "annotation dmem.pool/mx: unknown",
	      "an unknown annotation is a mistake");
	fails("\"dmem.pool/strict\":\"maybe\"", NULL, "write yes or no", "strict is yes or no");
	check_text(get(CTR "/dmem.max"), "", "none of them has set a limit");
	go(MAX("a\\u001b[2Jb 1"), NULL);
	check(!strchr(get("err"), '\033'), "control characters are not printed", "%s", get("err"));
	go(MAX("cma/none 1M; " CAM " 1M"), NULL);
	check_text(get(CTR "/dmem.max"), ONE_MIB, "the other regions are limited");
	machine();
	go(MAX("cma/none 1M"), NULL);
	check(strstr(get("log"), "container c1: cma/none 1M: no such region") != NULL,
	      "the message is logged, since crun does not show it", "%s", get("log"));
	machine();
	check(go(MAX("cma/none 1M") STRICT, NULL) == 1, "an annotation makes the start strict", "%s",
	      get("err"));
	document(MAX("cma/none 1M") ",\"dmem.pool/strict\":\"no\"");
	check(go_with("--strict", NULL) == 1, "an annotation does not make it less strict", "%s", get("err"));
}

/* Arguments are stronger than annotations, and these are stronger than the policy. */
static void test_order(void)
{
	machine();
	put_policy("[Hook]\nDeviceMemoryMax=" CAM " 3M\nDeviceMemoryMax=* 1G\n"
		   "DeviceMemoryMaxCeiling=" CAM " 20M\n");
	check(go(MAX(CAM " 2M"), "--max=" CAM "=30M") == 0, "three sources of a limit are taken", "%s",
	      get("err"));
	check_text(get(CTR "/dmem.max"), CAM " 31457280\n" SYS " 1073741824\n",
		   "the argument is set, above the ceiling");
	machine();
	put_policy("[Hook]\nDeviceMemoryMax=" CAM " 3M\n");
	go(MAX(CAM " 5M"), NULL);
	check_text(get(CTR "/dmem.max"), CAM " 5242880\n", "the annotation is set, above the default");
	machine();
	put_policy("[Hook]\nDeviceMemoryMax=" CAM " 3M\n");
	go("", NULL);
	check_text(get(CTR "/dmem.max"), CAM " 3145728\n", "a container that asks for nothing gets the default");
	setenv("DMEM_MAX", CAM "=1M", 1);
	setenv("dmem.pool/max", CAM " 1M", 1);
	machine();
	go("", NULL);
	check_text(get(CTR "/dmem.max"), "", "the environment is no source");
	unsetenv("DMEM_MAX");
	unsetenv("dmem.pool/max");
}

/* A user cannot get more than the ceiling: not by asking, and not by asking for nothing. */
static void test_ceiling(void)
{
	static const char policy[] = "[Hook]\nDeviceMemoryMaxCeiling=* 10%\n"
				     "DeviceMemoryMaxCeiling=dma_heap/camera@64000000 6M\n";

	machine();
	put_policy(policy);
	fails(MAX(CAM " 7M"), NULL, CAM ": dmem.max: 7340032 is above the ceiling of ",
	      "a limit above the ceiling is a failure");
	check_text(get(CTR "/dmem.max"), CAM " 6291456\n" SYS " 104857600\n", "the ceilings are set");
	machine();
	put_policy(policy);
	fails(MAX(CAM " max"), NULL, "is above the ceiling", "no limit is above the ceiling");
	machine();
	put_policy(policy);
	check(go(MAX(CAM " 6M"), NULL) == 0 && !*get("err"), "a limit at the ceiling is allowed", "%s",
	      get("err"));
	machine();
	put_policy(policy);
	go("", NULL);
	check_text(get(CTR "/dmem.max"), CAM " 6291456\n" SYS " 104857600\n",
		   "a container that asks for nothing gets the ceilings");
	machine();
	put_policy(policy);
	go(MAX(CAM " 7X"), NULL);
	check_text(get(CTR "/dmem.max"), CAM " 6291456\n" SYS " 104857600\n",
		   "one with a mistake gets the ceilings");
	machine();
	put_policy(policy);
	put("in", "{\"pid\":%d,\"annotations\":{\"x\":\"%01000d", child, 0);
	check(go_with(NULL, NULL) == 1, "a document that cannot be read ends the start", "%s", get("err"));
}

/* A reservation takes memory from others: an annotation has it only if the policy allows it. */
static void test_reservation(void)
{
	static const char min[] = "\"dmem.pool/min\":\"" CAM " 2M\"";

	machine();
	fails(min, NULL, CAM ": dmem.min: 2097152 is above the ceiling", "an annotation reserves nothing");
	check_text(get(CTR "/dmem.min"), "", "dmem.min is not written");
	machine();
	put_policy("[Hook]\nDeviceMemoryMinCeiling=" CAM " 3M\n");
	check(go(min, NULL) == 0 && !*get("err"), "the policy allows a reservation", "%s", get("err"));
	check_text(get(CTR "/dmem.min"), CAM " 2097152\n", "dmem.min is written");
	check_text(get(CTR "/dmem.max"), "", "dmem.max is not");
	machine();
	check(go("", "--min=" CAM "=4M") == 0, "an argument reserves", "%s", get("err"));
	check_text(get(CTR "/dmem.min"), CAM " 4194304\n", "dmem.min is that of the argument");
}

/* The file must be root's alone, and without a mistake: otherwise no container starts. */
static void test_policy_file(void)
{
	static const char * const wrong[] = {
		"DeviceMemoryMax=" CAM " 1M\n", "[Hook]\nDeviceMemoryMax=" CAM "\n",
		"[Hook]\nDeviceMemoryMaximum=" CAM " 1M\n", "[Hook]\nDeviceMemoryStrict=perhaps\n",
		"[X-Dmem]\nDeviceMemoryMax=" CAM " 1M\n", "[Hook]\nDeviceMemoryMax\n",
	};
	static const char * const empty[] = { "", "\n", "# [Hook]\n" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		tap_case("mistake %zu", i + 1);
		machine();
		put_policy(wrong[i]);
		check(go(MAX(CAM " 1M"), NULL) == 1 && strstr(get("err"), "hook.conf: line "),
		      "a mistake in the policy ends the start", "%s", get("err"));
	}
	/* Writing a policy, not under another name, empties it first. */
	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		tap_case("empty %zu", i + 1);
		machine();
		put_policy(empty[i]);
		check(go(MAX(CAM " 1M"), NULL) == 1 && strstr(get("err"), "hook.conf: the file has no section [Hook]"),
		      "an empty policy ends the start", "%s", get("err"));
		check_text(get(CTR "/dmem.max"), "", "no limit is written");
	}
	tap_case("%s", "");
	machine();
	put_policy("[Hook]\n");
	check(go(MAX(CAM " 1M"), NULL) == 0 && !*get("err"), "a policy without rules is allowed", "%s",
	      get("err"));
	machine();
	put_policy("[Hook]\n");
	chmod(tap_path("hook.conf"), 0664);
	check(go(MAX(CAM " 1M"), NULL) == 1 && strstr(get("err"), "can be written by others"),
	      "a policy that others can write ends the start", "%s", get("err"));
	machine();
	put("elsewhere", "[Hook]\n");
	link_to("hook.conf", "elsewhere");
	check(go(MAX(CAM " 1M"), NULL) == 1, "a link in the place of the policy ends the start", "%s",
	      get("err"));
	if (!geteuid()) {
		machine();
		put_policy("[Hook]\n");
		check(!chown(tap_path("hook.conf"), 12345, 0) && go(MAX(CAM " 1M"), NULL) == 1 &&
		      strstr(get("err"), "does not belong to root"),
		      "a policy of another user ends the start", "%s", get("err"));
	}
	machine();
	put_policy("[Hook]\nDeviceMemoryStrict=yes\n");
	check(go(MAX("cma/none 1M"), NULL) == 1, "the policy makes each start strict", "%s", get("err"));
}

/* Runs the hook with the policy file "etc/dmem/hook.conf", as process 1 sees it below proc/1/root. */
static int go_hidden(void)
{
	char policy[4200];

	snprintf(policy, sizeof(policy), "--policy=%s", tap_path("etc/dmem/hook.conf"));
	document(MAX(CAM " 1M"));
	return go_with(policy, NULL);
}

static void ends(const char *text, const char *name)
{
	int ret = go_hidden();

	check(ret == 1 && strstr(get("err"), text) && !*get(CTR "/dmem.max"), name, "exit code %d: %s", ret,
	      get("err"));
}

/* Process 1 is in another mount namespace, with this policy or, if it is NULL, without one. */
static void other_namespace(const char *text)
{
	char path[4200];

	machine();
	unlink(tap_path("proc/1/root"));
	put("proc/1/root/empty", "%s", "");
	snprintf(path, sizeof(path), "proc/1/root%s", tap_path("etc/dmem/hook.conf"));
	if (text)
		put(path, "%s", text);
}

/* A policy that is not seen is not the same as none. */
static void test_hidden(void)
{
	char path[4200];

	tap_case("no file anywhere");
	machine();
	check(go_hidden() == 0 && !*get("err"), "a container starts without a policy", "%s", get("err"));
	put("etc/dmem/other", "%s", "");
	check(go_hidden() == 0 && !*get("err"), "a directory without a policy does not matter", "%s", get("err"));
	other_namespace(NULL);
	check(go_hidden() == 0 && !*get("err"), "another namespace without a policy does not matter", "%s",
	      get("err"));

	tap_case("hidden");
	other_namespace("[Hook]\n");
	ends("process 1 sees this file", "a policy of process 1 that is not seen ends the start");
	put("etc/dmem/other", "%s", "");
	ends("process 1 sees this file", "an empty directory over it does not help");
	put("etc/dmem/hook.conf", "[Hook]\nDeviceMemoryMaxCeiling=" CAM " 512K\n");
	check(go_hidden() == 0 && strstr(get("err"), "is above the ceiling"), "the engine's own policy counts",
	      "%s", get("err"));

	tap_case("link");
	machine();
	link_to("etc/dmem", "nowhere");
	ends("no file is seen below ", "a directory that is a link to nothing ends the start");
	machine();
	put("there/other", "%s", "");
	link_to("etc/dmem", "../there");
	check(go_hidden() == 0 && !*get("err"), "a directory that is a good link does not matter", "%s",
	      get("err"));
	machine();
	link_to("etc", "nowhere");
	ends("no file is seen below ", "a directory further above that is a link to nothing ends the start");
	machine();
	put("etc/dmem", "%s", "");
	ends("Not a directory", "a file in place of the directory ends the start");

	tap_case("link of process 1");
	other_namespace(NULL);
	snprintf(path, sizeof(path), "proc/1/root%s", tap_path("etc/dmem"));
	link_to(path, "/nowhere");
	ends("no file is seen below ", "a link to nothing ends the start");
	other_namespace(NULL);
	link_to(path, "/empty-but-there");
	put("proc/1/root/empty-but-there/hook.conf", "[Hook]\n");
	ends("process 1 sees this file", "an absolute link is followed below its root");

	tap_case("process 1 not readable");
	machine();
	unlink(tap_path("proc/1/root"));
	ends("for process 1 not known", "an unknown root of process 1 ends the start");
	put("proc/1/mountinfo", "21 1 253:0 / / rw - ext4 /dev/root rw\n");
	put("proc/self/mountinfo", "84 1 253:0 / / rw - ext4 /dev/root rw\n");
	ends("for process 1 not known", "another mount of the same files ends the start");
	put("proc/self/mountinfo", "20 21 0:5 / /proc rw - proc none rw\n21 1 253:0 / / rw - ext4 /dev/root rw\n");
	check(go_hidden() == 0 && !*get("err"), "the same mount does not matter", "%s", get("err"));
	put("etc/dmem/hook.conf", "[Hook]\n");
	check(go_hidden() == 0 && !*get("err"), "it does not matter if there is a policy here", "%s", get("err"));
	tap_case("%s", "");
}

/* Rules hold for each region that a container can use. */
static void test_rules(void)
{
	static const char late[] = "[Hook]\nDeviceMemoryMaxCeiling=cma/late 512K\n";
	pid_t pid;

	/* A region that an annotation has waited for: its rule was unknown before. */
	machine();
	put_policy(late);
	unsetenv("FAKE_SLEEP");
	pid = fork();
	if (!pid) {
		while (access(tap_path("cg/dmem.capacity"), F_OK))
			usleep(10000);
		usleep(300000);
		put("cg/dmem.capacity", CAM " 41943040\n" SYS " 1048576000\ncma/late 4194304\n");
		_exit(0);
	}
	check(go(MAX("cma/late 1M"), NULL) == 0 && strstr(get("err"), "is above the ceiling"),
	      "the ceiling of a region that appears late holds", "%s", get("err"));
	waitpid(pid, NULL, 0);
	check_text(get(CTR "/dmem.max"), "cma/late 524288\n", "it has the ceiling");

	machine();
	put_policy("[Hook]\nDeviceMemoryMaxCeiling=cma/none 1M\nDeviceMemoryMax=dma_heap/none 1M\n");
	check(go(MAX(CAM " 2M"), NULL) == 0 && !*get("err"), "rules for missing regions have no effect", "%s",
	      get("err"));

	/* In a cgroup namespace. */
	machine();
	put_policy("[Hook]\nDeviceMemoryMaxCeiling=" CAM " 10%\n");
	unlink(tap_path("cg/.regions"));
	put("cg/dmem.current", CAM " 0\n" SYS " 0\n");
	check(go(MAX(CAM " 2M"), NULL) == 0 && strstr(get("err"), "is above the ceiling"),
	      "a percentage of an unknown capacity is a ceiling", "%s", get("err"));
	check_text(get(CTR "/dmem.max"), CAM " 0\n", "it is zero");

	machine();
	put_policy("[Hook]\nDeviceMemoryMaxCeiling=dma_heap/camera@64000000 1M\n");
	rename(tap_path("heaps"), tap_path("hidden"));
	check(go(MAX(CAM " 2M"), NULL) == 1 && strstr(get("err"), "hook.conf: dma_heap/camera@64000000 1M: "),
	      "a rule for a heap ends the start if no heap is seen", "%s", get("err"));
}

/* The process in the document must be the container's, from the beginning to the end. */
static void test_process(void)
{
	char file[64], then[4300];
	pid_t other;

	machine();
	snprintf(file, sizeof(file), "proc/%d/stat", child);
	put_stat(file, child, 1001);
	fails(MAX(CAM " 1M"), NULL, "another process has got the container's pid",
	      "a process that is younger than the hook is not the container's");
	machine();
	put(CTR "/cgroup.procs", "1\n%d\n", child + 1);
	fails(MAX(CAM " 1M"), NULL, "is not in the cgroup of that path", "the cgroup must list the process");
	check_text(get(CTR "/dmem.max"), "", "no limit is written there");
	machine();
	other = child;
	child = sleeper();
	machine();
	end(child);
	fails(MAX(CAM " 1M"), NULL, "the container's process has ended", "a process that has ended is refused");
	child = other;

	machine();
	snprintf(file, sizeof(file), "proc/%d/cgroup", child);
	snprintf(then, sizeof(then), "echo 0::/elsewhere >%s", tap_path(file));
	setenv("FAKE_CG_THEN", then, 1);
	check(go(MAX(CAM " 1M") STRICT, NULL) == 1 &&
	      strstr(get("err"), "was moved to another cgroup"), "a process that is moved meanwhile is noticed",
	      "%s", get("err"));
	machine();
	other = child;
	child = sleeper();
	machine();
	snprintf(then, sizeof(then), "kill -9 %d; sleep 0.3", child);
	setenv("FAKE_CG_THEN", then, 1);
	check(go(MAX(CAM " 1M") STRICT, NULL) == 1 && strstr(get("err"), "process has ended"),
	      "a process that ends meanwhile is noticed", "%s", get("err"));
	unsetenv("FAKE_CG_THEN");
	end(child);
	child = other;
}

/* The limit must not be one of the engine, of the root, or of another tree. */
static void test_cgroup(void)
{
	machine();
	put("proc/self/cgroup", "0::/" SCOPE "/container\n");
	fails(MAX(CAM " 1M"), NULL, "no cgroup of its own", "the engine's own cgroup is refused");
	put("proc/self/cgroup", "0::/" SCOPE "/container/engine\n");
	fails(MAX(CAM " 1M"), NULL, "no cgroup of its own", "a cgroup above the engine is refused");
	check_text(get(CTR "/dmem.max"), "", "the engine has no limit");
	put("proc/self/cgroup", "0::/" SCOPE "/container2\n");
	check(go(MAX(CAM " 1M"), NULL) == 0 && !*get("err"), "a cgroup with a similar name is another one",
	      "%s", get("err"));
	machine();
	put_cgroup("0::/\n");
	fails(MAX(CAM " 1M"), NULL, "no cgroup of its own", "the root is refused");
	put_cgroup("0::/../../x\n");
	fails(MAX(CAM " 1M"), NULL, "in no cgroup of this tree", "a cgroup outside of the namespace is refused");
	put_cgroup("0::/" SCOPE "/../../../proc\n");
	fails(MAX(CAM " 1M"), NULL, "is not in the mounted tree", "a path does not leave the tree");
	put_cgroup("12:cpu:/x\n1:name=systemd:/y\n");
	fails(MAX(CAM " 1M"), NULL, "needs cgroup v2", "a container of cgroup v1 is refused");
	put_cgroup("0::/none\n");
	fails(MAX(CAM " 1M"), NULL, "is not in the mounted tree", "a cgroup that does not exist is refused");
	machine();
	put_cgroup("12:cpu:/x\n0::/" SCOPE "/container\n");
	go(MAX(CAM " 1M"), NULL);
	check_text(get(CTR "/dmem.max"), ONE_MIB, "lines of cgroup v1 do not matter");
	/* runc with systemd: the payload is in the scope. */
	machine();
	put("cg/" SCOPE "/cgroup.procs", "7\n%d\n", child);
	put_cgroup("0::/" SCOPE "\n");
	go(MAX(CAM " 1M"), NULL);
	check_text(get("cg/" SCOPE "/dmem.max"), ONE_MIB, "a scope without an inner cgroup is limited");
	check_text(get("cg/" SCOPE "/cgroup.subtree_control"), "", "dmem is not enabled in it");
	/* The driver cgroupfs, below a pod. */
	machine();
	put("cg/pods/p/c/cgroup.procs", "%d\n", child);
	put("cg/pods/p/c/cgroup.subtree_control", "%s", "");
	put("cg/pods/p/cgroup.subtree_control", "%s", "");
	put("cg/pods/cgroup.subtree_control", "%s", "");
	put_cgroup("0::/pods/p/c\n");
	check(go(MAX(CAM " 1M"), NULL) == 0 && !*get("err"), "cgroupfs and a pod are no obstacle", "%s",
	      get("err"));
	check_text(get("cg/pods/p/c/dmem.max"), ONE_MIB, "the container of the pod is limited");
	check_text(get("cg/pods/p/dmem.max"), "", "the pod is not");
	/* A cgroup above has a process, so that the kernel refuses +dmem there. */
	machine();
	setenv("FAKE_CG", "cgroup.subtree_control:16", 1);
	fails(MAX(CAM " 1M"), NULL, "cannot be enabled above this cgroup", "a process above is a failure");
	unsetenv("FAKE_CG");
}

/* The value is read back. */
static void test_read_back(void)
{
	machine();
	setenv("FAKE_CG", "dmem.max:0", 1);
	fails(MAX(CAM " 1M"), NULL, CAM ": written, but not applied", "a write without an effect is a failure");
	unsetenv("FAKE_CG");
	go("", "--max=" CAM "=4M");
	setenv("FAKE_CG", "dmem.max:0", 1);
	check(go("", "--max=" CAM "=1M") == 0 && strstr(get("err"), "not applied"),
	      "the value of before is no success", "%s", get("err"));
	setenv("FAKE_CG", "dmem.max:13", 1);
	fails(MAX(CAM " 1M"), NULL, CAM ": no permission", "a write without a permission is a failure");
	setenv("FAKE_CG", "dmem.max:5", 1);
	fails(MAX(CAM " 1M"), NULL, CAM ": the limit cannot be written", "a refused write is a failure");
	unsetenv("FAKE_CG");
}

/* Another hook or the runtime itself has set a limit before. */
static void test_second_hook(void)
{
	machine();
	go("", "--max=" CAM "=4M");
	check_text(get(CTR "/dmem.max"), CAM " 4194304\n", "the hook of a device sets its limit");
	go(MAX(CAM " 8M"), NULL);
	check_text(get(CTR "/dmem.max"), CAM " 4194304\n", "an annotation does not raise it");
	go(MAX(CAM " 2M"), NULL);
	check_text(get(CTR "/dmem.max"), CAM " 2097152\n", "an annotation lowers it");
	go("", "--max=" CAM "=4M");
	check_text(get(CTR "/dmem.max"), CAM " 2097152\n", "an argument does not raise it");
	put_policy("[Hook]\nDeviceMemoryMax=" CAM " 1M\nDeviceMemoryMaxCeiling=" CAM " 3M\n");
	go("", NULL);
	check_text(get(CTR "/dmem.max"), CAM " 2097152\n", "the policy leaves a limit that exists");
}

/* Runs the hook of a device, with an argument, and that of the annotations, in both orders. */
static void in_both_orders(const char *policy, const char *annotations, const char *arg, const char *limits,
			   const char *name)
{
	for (int first = 0; first < 2; first++) {
		tap_case(first ? "the device's hook is first" : "the device's hook is last");
		machine();
		if (policy)
			put_policy(policy);
		go(annotations, first ? arg : NULL);
		go(annotations, first ? NULL : arg);
		check_text(get(CTR "/dmem.max"), limits, name);
	}
	tap_case("%s", "");
}

/* The order of the hooks does not matter. */
static void test_two_orders(void)
{
	in_both_orders(NULL, MAX(CAM " 4M"), "--max=" CAM "=8M", CAM " 4194304\n",
		       "the lower one of two limits counts");
	in_both_orders("[Hook]\nDeviceMemoryMax=" CAM " 4M\n", "", "--max=" CAM "=8M", CAM " 8388608\n",
		       "an argument replaces the default of the policy");
	in_both_orders("[Hook]\nDeviceMemoryMax=" CAM " 4M\n", MAX(CAM " 4M"), "--max=" CAM "=8M", CAM " 4194304\n",
		       "a limit of an annotation is no default");
	in_both_orders("[Hook]\nDeviceMemoryMaxCeiling=" CAM " 6M\n", "", "--max=" CAM "=8M", CAM " 6291456\n",
		       "two hooks give no more than the ceiling");
}

/* --cgroup-conf of Podman, or the runtime itself, has set values that no hook has seen. */
static void test_set_before(void)
{
	static const char policy[] = "[Hook]\nDeviceMemoryMaxCeiling=" CAM " 1M\nDeviceMemoryMinCeiling=" CAM " 2M\n";

	for (int strict = 0; strict < 2; strict++) {
		tap_case(strict ? "strict" : "not strict");
		machine();
		put_policy(policy);
		put(CTR "/dmem.max", CAM " 10485760\n" SYS " 5242880\n");
		check(go("", strict ? "--strict" : NULL) == strict &&
		      strstr(get("err"), CAM ": dmem.max: 10485760 is above the ceiling of "),
		      "a limit of before above the ceiling is named", "%s", get("err"));
		check_text(get(CTR "/dmem.max"), CAM " 1048576\n" SYS " 5242880\n", "it is lowered, and no other one");
		put(CTR "/dmem.min", CAM " 4194304\n" SYS " 1048576\n");
		check(go("", strict ? "--strict" : NULL) == strict &&
		      strstr(get("err"), CAM ": dmem.min: 4194304 is above the ceiling of "),
		      "a reservation above it is named", "%s", get("err"));
		check_text(get(CTR "/dmem.min"), CAM " 2097152\n" SYS " 1048576\n",
			   "that is lowered, and no other one");
	}
	tap_case("%s", "");
	machine();
	put_policy(policy);
	put(CTR "/dmem.max", CAM " 524288\n");
	put(CTR "/dmem.min", CAM " 524288\n");
	check(go("", NULL) == 0 && !*get("err"), "values below the ceilings are left", "%s", get("err"));
	check_text(get(CTR "/dmem.max"), CAM " 524288\n", "the limit is as before");
	check_text(get(CTR "/dmem.min"), CAM " 524288\n", "the reservation is as before");
}

/* Under a policy that is not strict, this failure ends the start in one line; without one it does not. */
static void holds(const char *annotations, const char *text, const char *name)
{
	char other[300];
	int ret = go(annotations, NULL);

	check(ret == 1 && strstr(get("err"), text) && !strstr(get("err"), "warning: "), name, "exit code %d: %s", ret,
	      get("err"));
	unlink(tap_path("hook.conf"));
	ret = go(MAX(CAM " 1M"), NULL);
	snprintf(other, sizeof(other), "%s, but not without a policy", name);
	check(ret == 0 && strstr(get("err"), "warning: "), other, "exit code %d: %s", ret, get("err"));
}

static void ceilings(void)
{
	machine();
	put_policy("[Hook]\nDeviceMemoryMaxCeiling=* 1M\n");
}

/* A user must not escape from the policy by a failure. */
static void test_policy_holds(void)
{
	char then[4300], file[64];
	int ret;

	ceilings();
	put("proc/self/cgroup", "0::/" SCOPE "/container\n");
	holds("", "no cgroup of its own", "a container in the engine's cgroup does not start");
	ceilings();
	put("cg/cgroup.controllers", "cpu\n");
	holds("", "no dmem controller", "a missing controller ends the start");
	ceilings();
	put_cgroup("0::/" SCOPE "/container (deleted)\n");
	holds("", "is not in the mounted tree", "a removed cgroup ends the start");
	ceilings();
	setenv("FAKE_CG", "dmem.max:5", 1);
	holds("", CAM ": the limit cannot be written", "a limit that cannot be written ends the start");
	ceilings();
	setenv("FAKE_CG", "dmem.max:0", 1);
	holds("", CAM ": written, but not applied", "a limit without an effect ends the start");
	unsetenv("FAKE_CG");
	ceilings();
	setenv("FAKE_CG_AT", "1", 1);
	ret = go("", NULL);
	check(ret == 1, "the first one of two writes ends the start", "exit code %d: %s", ret, get("err"));
	unsetenv("FAKE_CG_AT");
	ceilings();
	snprintf(file, sizeof(file), "proc/%d/cgroup", child);
	snprintf(then, sizeof(then), "echo 0::/elsewhere >%s", tap_path(file));
	setenv("FAKE_CG_THEN", then, 1);
	ret = go("", NULL);
	check(ret == 1 && strstr(get("err"), "was moved"), "a process that is moved meanwhile ends the start",
	      "exit code %d: %s", ret, get("err"));
	unsetenv("FAKE_CG_THEN");
	ceilings();
	unlink(tap_path("cg/.regions"));
	holds("", "no such cgroup", "regions that cannot be read end the start");
	ceilings();
	ret = go(MAX("cma/none 1X") ",\"dmem.pool/x\":\"\"", NULL);
	check(ret == 0 && strstr(get("err"), "warning: "), "a mistake of the user does not", "exit code %d: %s", ret,
	      get("err"));
	check_text(get(CTR "/dmem.max"), CAM " 1048576\n" SYS " 1048576\n", "the ceilings are set");
	/* A failure after a warning is not lost. */
	ceilings();
	setenv("FAKE_CG", "dmem.max:5", 1);
	ret = go(MAX(CAM " 1X"), NULL);
	check(ret == 1 && strstr(get("err"), "cannot be written"), "the reason is printed after a warning",
	      "exit code %d: %s", ret, get("err"));
	/* This policy has no rule for the region. */
	machine();
	put_policy("[Hook]\nDeviceMemoryMaxCeiling=cma/none 1M\n");
	setenv("FAKE_CG", "dmem.max:5", 1);
	ret = go(MAX(CAM " 1M"), NULL);
	check(ret == 0 && strstr(get("err"), "cannot be written"), "a limit that the policy does not ask for is a warning",
	      "exit code %d: %s", ret, get("err"));
	unsetenv("FAKE_CG");
	/* The word of a removed cgroup may be a part of a name. */
	machine();
	put("cg/a (deleted) b/c/cgroup.procs", "%d\n", child);
	put("cg/a (deleted) b/c/cgroup.subtree_control", "%s", "");
	put("cg/a (deleted) b/cgroup.subtree_control", "%s", "");
	put_cgroup("0::/a (deleted) b/c\n");
	check(go(MAX(CAM " 1M"), NULL) == 0 && !*get("err"), "a name may have the word of a removed cgroup", "%s",
	      get("err"));
	check_text(get("cg/a (deleted) b/c/dmem.max"), ONE_MIB, "its container is limited");
	machine();
	put("cg/..a/x (deleted)/cgroup.procs", "%d\n", child);
	put("cg/..a/x (deleted)/cgroup.subtree_control", "%s", "");
	put("cg/..a/cgroup.subtree_control", "%s", "");
	put_cgroup("0::/..a/x (deleted)\n");
	check(go(MAX(CAM " 1M"), NULL) == 0 && !*get("err"), "so may one whose last word it is, below two dots", "%s",
	      get("err"));
	check_text(get("cg/..a/x (deleted)/dmem.max"), ONE_MIB, "its container is limited, too");
}

/* The lower one of a default and a ceiling is given to those who ask for none. */
static void test_default_below_ceiling(void)
{
	static const char policy[] = "[Hook]\nDeviceMemoryMax=* 64M\nDeviceMemoryMaxCeiling=" CAM " 8M\n";

	machine();
	put_policy(policy);
	check(go("", NULL) == 0 && !*get("err"), "a default above the ceiling is no failure", "%s", get("err"));
	check_text(get(CTR "/dmem.max"), CAM " 8388608\n" SYS " 67108864\n", "the ceiling lowers the default");
	machine();
	put_policy(policy);
	go(MAX(CAM " 9X"), NULL);
	check_text(get(CTR "/dmem.max"), CAM " 8388608\n" SYS " 67108864\n", "a mistake does not give more");
}

/* A signal that is there before the hook starts: the time is over before the policy is read. */
static void test_early_end(void)
{
	char args[6][4200];
	const char *argv[] = { hook, args[0], args[1], args[2], args[3], args[4], NULL };
	sigset_t set;
	int status = -1;
	pid_t pid;

	ceilings();
	document("");
	snprintf(args[0], sizeof(*args), "--cgroup-root=%s", tap_path("cg"));
	snprintf(args[1], sizeof(*args), "--proc=%s", tap_path("proc"));
	snprintf(args[2], sizeof(*args), "--heaps=%s", tap_path("heaps"));
	snprintf(args[3], sizeof(*args), "--policy=%s", tap_path("hook.conf"));
	snprintf(args[4], sizeof(*args), "--log=%s", tap_path("log"));
	pid = fork();
	if (!pid) {
		sigemptyset(&set);
		sigaddset(&set, SIGALRM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGALRM);
		dup2(open(tap_path("in"), O_RDONLY), 0);
		dup2(open(tap_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
		execv(hook, (char **)argv);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 1, "an end before the policy is read ends the start",
	      "status %x: %s", status, get("err"));
	check(strstr(get("log"), "the time is over") != NULL, "the end is logged", "%s", get("log"));
}

/* Root's limits are written before the hook waits for a region of the user. */
static void test_arguments_first(void)
{
	char then[4300];
	int ret;

	machine();
	snprintf(then, sizeof(then), "test ! -e %s", tap_path("slept"));
	setenv("FAKE_CG_THEN", then, 1);
	ret = go(MAX("cma/none 1M"), "--max=" CAM "=1M");
	unsetenv("FAKE_CG_THEN");
	check(ret == 0 && !access(tap_path("slept"), F_OK), "an argument is written before the wait for a region",
	      "exit code %d: %s", ret, get("err"));
	check_text(get(CTR "/dmem.max"), ONE_MIB, "the argument is set");
}

/* Other directories and owners of the policy, and of the cgroups above. */
static void test_owners(void)
{
	static const char map[] = "0 1000 1\n1 100000 65536\n";

	machine();
	put_policy("[Hook]\n");
	chmod(tap_path("."), 0777);
	check(go(MAX(CAM " 1M"), NULL) == 1 && strstr(get("err"), "the directory can be written by others"),
	      "a directory that others can write ends the start", "%s", get("err"));
	chmod(tap_path("."), 0755);
	if (geteuid())
		return;
	check(!chown(tap_path("."), 12345, 0) && go(MAX(CAM " 1M"), NULL) == 1 &&
	      strstr(get("err"), "the directory does not belong to root"),
	      "a directory of another user ends the start", "%s", get("err"));
	chown(tap_path("."), 0, 0);

	tap_case("user namespace");
	put("proc/self/uid_map", "%s", map);
	put("proc/sys/kernel/overflowuid", "65534\n");
	chown(tap_path("hook.conf"), 12345, 0);
	check(go(MAX(CAM " 1M"), NULL) == 1 && strstr(get("err"), "does not belong to root"),
	      "a policy of another user ends the start", "%s", get("err"));
	chown(tap_path("hook.conf"), 65534, 0);
	check(go(MAX(CAM " 1M"), NULL) == 0 && !*get("err"), "the overflow user may be root outside", "%s", get("err"));
	put("proc/self/uid_map", "0 1000 1\n1 0 1\n");
	check(go(MAX(CAM " 1M"), NULL) == 1 && strstr(get("err"), "does not belong to root"),
	      "it is not root outside if root is mapped", "%s", get("err"));

	tap_case("cgroups");
	ceilings();
	chown(tap_path("cg/machine.slice"), 12345, 0);
	fails("", NULL, "machine.slice: this cgroup is not root's", "a cgroup above that a user owns is named");
	ceilings();
	chmod(tap_path("cg/machine.slice/cgroup.subtree_control"), 0666);
	fails("", NULL, "machine.slice: this cgroup is not root's", "a cgroup whose controllers others turn off is named");
	ceilings();
	chown(tap_path(CTR), 12345, 0);
	check(go("", NULL) == 0 && !*get("err"), "the container's own cgroup may be the user's", "%s", get("err"));
	tap_case("%s", "");
}

/* A heap that is there, but has no region: its rule must not be dropped as one of another machine. */
static void test_heap_without_region(void)
{
	static const char rule[] = "[Hook]\nDeviceMemoryMaxCeiling=dma_heap/camera@64000000 1M\n";

	machine();
	put_policy(rule);
	put("heaps/camera@64000000/dmem_region", "%s", "");
	check(go("", NULL) == 1 && strstr(get("err"), "hook.conf: dma_heap/camera@64000000 1M: the heap has no region"),
	      "a rule for a heap with an empty region ends the start", "%s", get("err"));
	unlink(tap_path("heaps/camera@64000000/dmem_region"));
	check(go("", NULL) == 1 && strstr(get("err"), "the heap has no region"),
	      "a rule for a heap without that file ends the start", "%s", get("err"));
}

/* A flood of annotations is one line. */
static void test_unknown_annotations(void)
{
	char text[20000] = "";

	for (int i = 0; i < 500; i++)
		sprintf(text + strlen(text), "%s\"dmem.pool/x%d\":\"\"", i ? "," : "", i);
	machine();
	check(go(text, NULL) == 0 && strstr(get("err"), "annotation dmem.pool/x0 and 499 more: unknown"),
	      "unknown annotations are counted", "%.300s", get("err"));
	check(strchr(get("log"), '\n') == get("log") + strlen(get("log")) - 1, "the log has one line for them", "%.300s",
	      get("log"));
}

/* json-c ends a key at its first zero. */
static void test_keys(void)
{
	machine();
	fails(MAX(CAM " 8M") ",\"dmem.pool/max\\u0000z\":\"" CAM " 30M\"", NULL, "a key has a zero in it",
	      "a key with a zero is refused");
	fails("\"a\\u0000\" :\"b\"", NULL, "a key has a zero in it", "blanks before the colon do not matter");
	check_text(get(CTR "/dmem.max"), "", "no limit is written");
	check(go(MAX(CAM " 1M") ",\"a\\\\u0000\":\"b\\u0000\"", NULL) == 0 && !*get("err"),
	      "an escaped backslash is none, nor is a value", "%s", get("err"));
}

/* Containers of a pod have the pod's annotations. */
static void test_pod(void)
{
	static const char pod[] = MAX(CAM " 9M") ",\"dmem.pool/max.container.front\":\"" CAM " 1M\","
				  "\"dmem.pool/max.container.back\":\"" CAM " 2M\"";
	static const char * const engine[] = { "io.kubernetes.cri.container-name", "io.kubernetes.container.name" };
	char text[600];

	for (int i = 0; i < 2; i++) {
		tap_case("%s", engine[i]);
		machine();
		snprintf(text, sizeof(text), "%s,\"%s\":\"front\"", pod, engine[i]);
		go(text, NULL);
		check_text(get(CTR "/dmem.max"), ONE_MIB, "the annotation of the container is taken");
		machine();
		snprintf(text, sizeof(text), "%s,\"%s\":\"other\"", pod, engine[i]);
		go(text, NULL);
		check_text(get(CTR "/dmem.max"), CAM " 9437184\n", "a container without one has that of the pod");
	}
	/* Podman before 4.5.1 takes annotations from the image. */
	tap_case("image");
	machine();
	go(MAX(CAM " 2M; " SYS " 1M") ",\"dmem.pool/max.container.x\":\"" CAM " max; " SYS " 512K\","
	   "\"io.kubernetes.cri.container-name\":\"x\"", NULL);
	check_text(get(CTR "/dmem.max"), CAM " 2097152\n" SYS " 524288\n", "the annotation of a container only lowers");
	machine();
	go(MAX(CAM " 1M") ",\"dmem.pool/max.container.x\":\"\",\"io.kubernetes.cri.container-name\":\"x\"", NULL);
	check_text(get(CTR "/dmem.max"), ONE_MIB, "an empty one lifts nothing");
	tap_case("no name");
	machine();
	go(pod, NULL);
	check_text(get(CTR "/dmem.max"), CAM " 9437184\n", "the pod's annotation is taken");
	check_text(get("err"), "", "those of containers are no mistakes");
}

/* Each document that is none ends a strict start, and a start with a policy. */
static void test_documents(void)
{
	static const char * const wrong[] = {
		"", "\n", "{", "[]", "null", "7", "{}", "{\"pid\":0}", "{\"pid\":1}", "{\"pid\":-5}",
		"{\"pid\":\"77\"}", "{\"pid\":1e3}", "{\"pid\":4294967297}", "{\"pid\":77}x",
		"{\"pid\":77}{\"pid\":78}", "{\"pid\":77,\"annotations\":[]}", "{\"pid\":77,\"id\":\"\xff\"}",
		"{\"pid\":77,}",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		int ret;

		tap_case("document %zu", i + 1);
		machine();
		put("in", "%s", wrong[i]);
		ret = go_with(NULL, NULL);
		check(ret == 0 && strstr(get("err"), "warning: the state document"), "a wrong document is a warning",
		      "exit code %d: %s", ret, get("err"));
		ret = go_with("--max=" CAM "=1M", NULL);
		check(ret == 1 && strstr(get("err"), "dmem-hook: the state document"),
		      "a wrong document does not drop root's arguments", "exit code %d: %s", ret, get("err"));
		ret = go_with("--strict", NULL);
		check(ret == 1 && strstr(get("err"), "state document"), "a wrong document is a strict failure",
		      "exit code %d: %s", ret, get("err"));
		check_text(get(CTR "/dmem.max"), "", "no limit is written");
	}
}

/* The hook reads no more than HOOK_STATE_MAX. */
static void test_size(void)
{
	FILE *f;

	machine();
	f = fopen(tap_path("in"), "w");
	fprintf(f, "{\"pid\":%d,\"x\":\"", child);
	for (unsigned int i = 0; i < HOOK_STATE_MAX; i++)
		fputc('x', f);
	fputs("\"}", f);
	fclose(f);
	check(go_with("--strict", NULL) == 1 && strstr(get("err"), "it is too long"),
	      "a document of more than 4 MiB is refused", "%s", get("err"));
	check(go_with("--max=" CAM "=1M", NULL) == 1, "it does not drop root's arguments", "%s", get("err"));
}

static int64_t ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The engine does not close the pipe: the hook ends after its timeout, 1 s, and not for ever. */
static void test_deadline(void)
{
	pid_t pid;

	static const char * const more[] = { NULL, "--strict", "--max=" CAM "=1M" };

	for (int i = 0; i < 3; i++) {
		int64_t start = ms();
		int p[2], err, status = -1;
		char proc[4200], root[4200], log[4200];

		tap_case("%s", more[i] ? more[i] : "not strict");
		machine();
		snprintf(proc, sizeof(proc), "--proc=%s", tap_path("proc"));
		snprintf(root, sizeof(root), "--cgroup-root=%s", tap_path("cg"));
		snprintf(log, sizeof(log), "--log=%s", tap_path("log"));
		if (pipe(p) || (pid = fork()) < 0)
			abort();
		if (!pid) {
			dup2(p[0], 0);
			err = open(tap_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
			dup2(err, 2);
			execl(hook, hook, "--policy=/none", proc, root, log, "--timeout=1", more[i], NULL);
			_exit(99);
		}
		waitpid(pid, &status, 0);
		close(p[0]);
		close(p[1]);
		check(WIFEXITED(status) && WEXITSTATUS(status) == !!i, "the timeout decides the start",
		      "status %x: %s", status, get("err"));
		check(ms() - start >= 900 && ms() - start < 20000, "the hook ends after its timeout", "%d ms",
		      (int)(ms() - start));
		check(strstr(get("err"), "the time is over") != NULL, "the timeout is named", "%s", get("err"));
		check_text(get("log"), "<3>dmem-hook: the time is over, see --timeout=\n", "the timeout is logged");
	}
	tap_case("%s", "");
	/* An unknown region is waited for, but not for ever. */
	machine();
	unsetenv("FAKE_SLEEP");
	pid = fork();
	if (!pid) {
		/* The hook has enabled the controller, and looks for the region. */
		while (access(tap_path("cg/dmem.capacity"), F_OK))
			usleep(10000);
		usleep(100000);
		put("cg/dmem.capacity", CAM " 41943040\n" SYS " 1048576000\ncma/late 4194304\n");
		_exit(0);
	}
	check(go(MAX("cma/late 1M"), NULL) == 0 && !*get("err"), "a region that appears late is waited for",
	      "%s", get("err"));
	waitpid(pid, NULL, 0);
	check_text(get(CTR "/dmem.max"), "cma/late 1048576\n", "it is limited");
}

/* An engine without root's rights is told the way that works. */
static void test_rootless(void)
{
	machine();
	put("proc/self/uid_map", "0 1000 1\n1 100000 65536\n");
	setenv("FAKE_CG", "cgroup.subtree_control:13", 1);
	fails(MAX(CAM " 1M"), NULL, "limit user-UID.slice with a section [X-Dmem]", "a rootless engine is named");
	unsetenv("FAKE_CG");
	machine();
	put("proc/self/uid_map", "0 1000 1\n1 100000 65536\n");
	check(go(MAX(CAM " 1M"), NULL) == 0 && !*get("err"), "a tree that root has prepared is used", "%s",
	      get("err"));
	check_text(get(CTR "/dmem.max"), ONE_MIB, "the container of the user is limited");
}

static void test_command_line(const char *manual)
{
	static const char * const wrong[] = {
		"--max=" CAM, "--max=" CAM "=1X", "--max==1M", "--what", "word", "--timeout=0",
		"--timeout=301", "--timeout=x", "--timeout=5x", "--max",
	};
	static const char * const options[] = { "--max", "--min", "--strict", "--timeout", "--help", "--version" };
	char text[40000] = "";
	FILE *f;

	machine();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		tap_case("%s", wrong[i]);
		document("");
		check(go_with(wrong[i], NULL) == 2 && *get("err"), "a wrong command line is exit code 2", "%s",
		      get("err"));
	}
	tap_case("%s", "");
	check(go_with("--version", NULL) == 0, "the version is printed", "%s", get("err"));
	check(!strncmp(get("out"), "dmem-hook ", 10), "the version is on standard output", "%s", get("out"));
	check(go_with("--help", NULL) == 0, "the help is printed", "%s", get("err"));
	f = fopen(manual, "r");
	if (!f || !fread(text, 1, sizeof(text) - 1, f))
		abort();
	fclose(f);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		tap_case("%s", options[i]);
		check(strstr(get("out"), options[i]) != NULL, "the help has the option", "%s", get("out"));
		check(strstr(text, options[i]) != NULL, "the manual has the option", "it does not");
	}
	tap_case("%s", "");
}

/* A loader would use LD_PRELOAD of the environment. */
static void test_static(void)
{
	char head[65536];
	int fd = open(installed, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	check(n > 64 && !memmem(head, (size_t)n, "ld-linux", 8) && !memmem(head, (size_t)n, "/ld-musl", 8),
	      "the program has no loader", "%zd bytes", n);
	if (fd >= 0)
		close(fd);
}

/* The installed file turns the hook on for containers that ask for it, and for no others. */
static void test_hooks_d(const char *file)
{
	char text[2000] = "";
	FILE *f = fopen(file, "r");

	check(f && fread(text, 1, sizeof(text) - 1, f), "the file can be read", "%s", file);
	if (f)
		fclose(f);
	check(strstr(text, "\"^dmem\\\\.pool/\"") != NULL, "an annotation asks for the hook", "%s", text);
	check(!strstr(text, "always"), "no other container has it", "%s", text);
	check(strstr(text, "\"createRuntime\"") && !strstr(text, "prestart"), "it runs at createRuntime", "%s", text);
	check(strstr(text, "/dmem-hook\"") && *text == '{', "it is JSON with the program's path", "%s", text);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	hook = argv[1];
	dir = argv[2];
	installed = argv[3];
	child = sleeper();
	tap_start();
	RUN(test_annotation);
	RUN(test_mistakes);
	RUN(test_order);
	RUN(test_ceiling);
	RUN(test_reservation);
	RUN(test_policy_file);
	RUN(test_hidden);
	RUN(test_rules);
	RUN(test_process);
	RUN(test_cgroup);
	RUN(test_read_back);
	RUN(test_second_hook);
	RUN(test_two_orders);
	RUN(test_set_before);
	RUN(test_policy_holds);
	RUN(test_default_below_ceiling);
	RUN(test_early_end);
	RUN(test_arguments_first);
	RUN(test_owners);
	RUN(test_heap_without_region);
	RUN(test_unknown_annotations);
	RUN(test_keys);
	RUN(test_pod);
	RUN(test_documents);
	RUN(test_size);
	RUN(test_deadline);
	RUN(test_rootless);
	RUN(test_command_line, argv[5]);
	RUN(test_static);
	RUN(test_hooks_d, argv[4]);
	end(child);
	return tap_end();
}
