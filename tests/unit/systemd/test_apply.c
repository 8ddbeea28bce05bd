// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-apply on a tree of plain files: every exit code, and the resulting files.
 *
 * test_apply DMEM-APPLY DIRECTORY INSTALLED-DMEM-APPLY
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dmem/dmem.h"
#include "tap.h"

#define MIB	1048576
#define CAM	"cma/camera@64000000"
#define UNIT	"cg/system.slice/camera.service"

static const char *apply, *dir, *installed;

/* A machine with two regions, and a service that starts. */
static void machine(const char *controllers)
{
	tap_dir(dir);
	unsetenv("FAKE_CG");
	put("own", "0::/system.slice/camera.service\n");
	put("in", "not for us");
	put("cg/cgroup.controllers", "%s\n", controllers);
	put("cg/cgroup.subtree_control", "cpu\n");
	put("cg/.regions", CAM " %d\nheap/system %d\n", 40 * MIB, 1000 * MIB);
	put("cg/system.slice/cgroup.controllers", "cpu\n");
	put("cg/system.slice/cgroup.subtree_control", "%s", "");
	put(UNIT "/cgroup.controllers", "%s", "");
	put(UNIT "/cgroup.subtree_control", "%s", "");
	put("heaps/camera@64000000/dmem_region", CAM "\n");
	put("heaps/uncounted/dmem_region", "\n");
}

/* Runs it with up to four more arguments. */
static int go(const char *a, const char *b, const char *c, const char *d)
{
	char root[4200], own[4200], heaps[4200], log[4200];
	const char *more[] = { a, b, c, d }, *argv[12] = { apply, root, own, heaps, log };
	int n = 5;

	snprintf(root, sizeof(root), "--cgroup-root=%s", tap_path("cg"));
	snprintf(own, sizeof(own), "--own=%s", tap_path("own"));
	snprintf(heaps, sizeof(heaps), "--heaps=%s", tap_path("heaps"));
	snprintf(log, sizeof(log), "--log=%s", tap_path("log"));
	argv[n++] = "--wait=0";
	for (int i = 0; i < 4 && more[i]; i++)
		argv[n++] = more[i];
	return run(argv);
}

/* The exit code, its message, and silence everywhere else. */
static void expect(int got, int want, enum dmem_status message, const char *name)
{
	const char *log = get("log");
	bool said = strstr(log, dmem_status_text(message));
	char output[200];

	if (want == 0)
		said = !*log;
	check(got == want && said, name, "exit code %d, not %d; it said: %s", got, want, log);
	snprintf(output, sizeof(output), "%s: nothing is on stdout and stderr", name);
	if (*get("out") || *get("err"))
		check(false, output, "it wrote to stdout or stderr");
}

static void fails(enum dmem_status s, const char *name, const char *a, const char *b)
{
	char strict[200];

	expect(go(a, b, NULL, NULL), (int)s, s, name);
	snprintf(strict, sizeof(strict), "%s, strictly", name);
	expect(go("--strict", a, b, NULL), 255, s, strict);
}

static void good(void)
{
	machine("cpu dmem");
	expect(go("--max=" CAM "=24M", "--min=" CAM "=16M", "--max=heap/system=50%", NULL), 0, 0,
	       "a service's caps");
	check_text(get(UNIT "/dmem.max"), CAM " 25165824\nheap/system 524288000\n", "dmem.max");
	check_text(get(UNIT "/dmem.min"), CAM " 16777216\n", "dmem.min");
	check_text(get(UNIT "/dmem.low"), "", "dmem.low is left alone");
	check_text(get("cg/system.slice/dmem.max"), "", "so is the slice's cap");
	check_text(get("cg/system.slice/cgroup.subtree_control"), "dmem\n", "enabled above");
	check_text(get(UNIT "/cgroup.subtree_control"), "", "not enabled in the unit itself");
	check(!*get("out") && !*get("err"), "nothing on stdout or stderr", "there is");
	expect(go("--max=" CAM "=max", NULL, NULL, NULL), 0, 0, "no limit");
	check_text(get(UNIT "/dmem.max"), CAM " max\nheap/system 524288000\n", "dmem.max is max");
	expect(go("--max=dma_heap/camera@64000000=1M", NULL, NULL, NULL), 0, 0, "by the heap's name");
	check_text(get(UNIT "/dmem.max"), CAM " 1048576\nheap/system 524288000\n",
		   "the heap's region is capped");
	expect(go(NULL, NULL, NULL, NULL), 0, 0, "nothing to set");

	/* What no unit in a slice needs any more. */
	machine("dmem");
	expect(go("--min=" CAM "=1M", "--min=heap/system=2M", "--max=" CAM "=4M", NULL), 0, 0, "two reservations");
	expect(go("--clear-min", "--min=dma_heap/camera@64000000=3M", NULL, NULL), 0, 0, "one is left");
	check_text(get(UNIT "/dmem.min"), CAM " 3145728\nheap/system 0\n", "the other one is cleared");
	check_text(get(UNIT "/dmem.max"), CAM " 4194304\n", "and no limit");
	expect(go("--clear-min", NULL, NULL, NULL), 0, 0, "none is left");
	check_text(get(UNIT "/dmem.min"), CAM " 0\nheap/system 0\n", "all are cleared");
	expect(go("--min=" CAM "=1M", NULL, NULL, NULL), 0, 0, "one again");
	fails(DMEM_NO_REGION, "a region is missing", "--clear-min", "--min=gone=1M");
	check_text(get(UNIT "/dmem.min"), CAM " 1048576\nheap/system 0\n", "so no reservation is cleared");
	/* The slice itself does not depend on a region that only the units in it reserve. */
	check(!go("--strict", "--clear-min", "--min=heap/system=2M", "--sum-min=gone=1M") &&
	      strstr(get("log"), "the sum of the units in it, gone=1M: " ), "a region of a unit in the slice is missing",
	      "it said: %s", get("log"));
	check_text(get(UNIT "/dmem.min"), CAM " 0\nheap/system 2097152\n", "the others are set and cleared");
	check(!go("--wait=300", "--sum-min=gone=1M", NULL, NULL), "and nothing waits for it", "it said: %s", get("log"));
	remove(tap_path("log"));
	expect(go("--sum-min=" CAM "=1M", NULL, NULL, NULL), 0, 0, "the sum is set");
	expect(go("--clear-min", "--sum-min=" CAM "=1M", NULL, NULL), 0, 0, "the sum is kept");
	check_text(get(UNIT "/dmem.min"), CAM " 1048576\nheap/system 0\n", "and only that");
	setenv("FAKE_CG", "dmem.min:13", 1);
	check(!go("--strict", "--sum-min=" CAM "=2M", NULL, NULL) &&
	      strstr(get("log"), dmem_status_text(DMEM_PERMISSION)), "the sum cannot be set", "it said: %s", get("log"));
	expect(go("--clear-min", NULL, NULL, NULL), DMEM_PERMISSION, DMEM_PERMISSION, "it cannot be cleared");
	unsetenv("FAKE_CG");

	machine("dmem");
	put("own", "0::/system.slice/camera.service/.control\n");
	put(UNIT "/.control/cgroup.subtree_control", "%s", "");
	expect(go("--max=" CAM "=1M", NULL, NULL, NULL), 0, 0, "from a delegated unit's .control");
	check_text(get(UNIT "/dmem.max"), CAM " 1048576\n", "the unit is capped");

	machine("dmem");
	put("own", "12:cpu:/\n1:name=x:/\n0::/system.slice/camera.service\n");
	expect(go("--max=" CAM "=1M", NULL, NULL, NULL), 0, 0, "beside v1 hierarchies");
	check_text(get(UNIT "/dmem.max"), CAM " 1048576\n", "the cgroup of the v2 tree is limited");

	/* An enabled controller is not written again: the write may be forbidden. */
	machine("cpu dmem");
	expect(go("--max=" CAM "=1M", NULL, NULL, NULL), 0, 0, "the controller is enabled");
	setenv("FAKE_CG", "cgroup.subtree_control:13", 1);
	expect(go("--max=" CAM "=2M", NULL, NULL, NULL), 0, 0, "and is not enabled again");
	unsetenv("FAKE_CG");

	/* Another one enables it: it is listed, and nothing is there yet. */
	machine("cpu dmem");
	put("cg/cgroup.subtree_control", "cpu dmem\n");
	put("cg/system.slice/cgroup.controllers", "cpu dmem\n");
	put("cg/system.slice/cgroup.subtree_control", "dmem\n");
	expect(go("--max=" CAM "=1M", NULL, NULL, NULL), 0, 0, "while it is being enabled");
	check_text(get(UNIT "/dmem.max"), CAM " 1048576\n", "the cap waits for its file");

	/* After the failure of one limit, the others are set. */
	machine("dmem");
	expect(go("--max=cma/none=1M", "--max=" CAM "=1M", "--max=heap/system=x", NULL),
	       DMEM_BAD_VALUE, DMEM_NO_REGION, "one good cap of three");
	check_text(get(UNIT "/dmem.max"), CAM " 1048576\n", "the good one is set");
	machine("dmem");
	expect(go("--mistake=a.conf:3", "--max=" CAM "=1M", NULL, NULL), DMEM_MISTAKE, DMEM_MISTAKE,
	       "a section with a mistake");
	check(strstr(get("log"), "a.conf:3") != NULL, "the message has the place", "%s", get("log"));
	check_text(get(UNIT "/dmem.max"), CAM " 1048576\n", "what is right there is set");
}

static void slices(void)
{
	machine("cpu dmem");
	expect(go("--slice=media-video.slice", "--max=" CAM "=50%", NULL, NULL), 0, 0, "a new slice");
	check_text(get("cg/media.slice/media-video.slice/dmem.max"), CAM " 20971520\n",
		   "it is capped");
	check_text(get("cg/media.slice/dmem.max"), "", "the slice above is not");
	expect(go("--slice=media.slice", "--max=" CAM "=30M", NULL, NULL), 0, 0, "a slice that exists");
	check_text(get("cg/media.slice/dmem.max"), CAM " 31457280\n", "it is capped now");
	fails(DMEM_BAD_NAME, "the root slice", "--slice=-.slice", NULL);
	fails(DMEM_BAD_NAME, "no slice", "--slice=../x.slice", NULL);
	fails(DMEM_BAD_NAME, "a slice without a parent", "--slice=a--b.slice", NULL);
	symlink("/tmp", tap_path("cg/evil.slice"));
	symlink("media.slice", tap_path("cg/inner.slice"));
	fails(DMEM_BAD_NAME, "a slice that is a link inside the tree", "--slice=inner.slice",
	      "--max=" CAM "=1M");
	fails(DMEM_BAD_NAME, "a slice that is a link", "--slice=evil.slice", "--max=" CAM "=1M");
}

/* systemd escapes names of cgroups that the kernel could want for a file. */
static void escaped_slices(void)
{
	machine("cpu dmem");
	expect(go("--slice=memory.slice", "--max=" CAM "=24M", "--strict", NULL), 0, 0, "a slice called like a controller");
	check_text(get("cg/_memory.slice/dmem.max"), CAM " 25165824\n", "systemd's cgroup is limited");
	check(access(tap_path("cg/memory.slice"), F_OK), "and no other is made", "it is");
	/* Releases differ, and the limit must hold in all of them. */
	expect(go("--slice=devices-cam.slice", "--max=" CAM "=24M", "--strict", NULL), 0, 0,
	       "a slice that some releases escape");
	check_text(get("cg/_devices.slice/devices-cam.slice/dmem.max"), CAM " 25165824\n", "escaped, it is limited");
	check_text(get("cg/devices.slice/devices-cam.slice/dmem.max"), CAM " 25165824\n", "and as it is, too");
	check_text(get("cg/_devices.slice/dmem.max"), "", "the slice above is not");
	put("cg/devices.slice/devices-x.slice", "%s", "");
	fails(DMEM_NO_CGROUP, "one of both that cannot be made", "--slice=devices-x.slice", "--max=" CAM "=1M");
}

/* In a container without a cgroup namespace, systemd's root is below the one that is mounted. */
static void container(void)
{
	machine("cpu dmem");
	put("cg/cgroup.subtree_control", "cpu dmem\n");
	put("cg/dmem.capacity", CAM " %d\n", 40 * MIB);
	put("cg/docker/cgroup.subtree_control", "dmem\n");
	put("cg/docker/abc/cgroup.controllers", "cpu dmem\n");
	put("cg/docker/abc/cgroup.subtree_control", "cpu\n");
	put("own", "0::/docker/abc/dmem-slice@a-b.service\n");
	expect(go("--slice=a-b.slice", "--max=" CAM "=24M", "--strict", NULL), 0, 0, "a slice of a container");
	check_text(get("cg/docker/abc/a.slice/a-b.slice/dmem.max"), CAM " 25165824\n", "is limited there");
	check(access(tap_path("cg/a.slice"), F_OK), "and not on the host", "it is");
	put("own", "0::/docker/abc/dmem-slice-user-@user-7.service\n");
	expect(go("--slice=user-7.slice", "--max=" CAM "=24M", "--strict", NULL), 0, 0, "one below a prefix");
	check_text(get("cg/docker/abc/user.slice/user-7.slice/dmem.max"), CAM " 25165824\n", "is limited there, too");

	/* The host's own groups are the host's. */
	machine("cpu dmem");
	put("cg/docker/cgroup.controllers", "cpu\n");
	put("cg/docker/cgroup.subtree_control", "cpu\n");
	put("cg/docker/abc/cgroup.controllers", "cpu\n");
	put("cg/docker/abc/cgroup.subtree_control", "cpu\n");
	put("own", "0::/docker/abc/dmem-controller.service\n");
	expect(go("--slice=system.slice", NULL, NULL, NULL), DMEM_NO_CONTROLLER, DMEM_NO_CONTROLLER,
	       "a container whose host does not enable the controller");
	check_text(get("cg/cgroup.subtree_control"), "cpu\n", "nothing is enabled on the host");
	check_text(get("cg/docker/cgroup.subtree_control"), "cpu\n", "nor between it and the container");
	/* As somebody types it, in a shell. */
	machine("cpu dmem");
	put("own", "0::/user.slice/user-0.slice/session-1.scope\n");
	expect(go("--slice=a.slice", "--max=" CAM "=24M", "--strict", NULL), 0, 0, "a slice by hand");
	check_text(get("cg/a.slice/dmem.max"), CAM " 25165824\n", "is limited below the root");
}

static void fake(const char *mode)
{
	machine("cpu dmem");
	setenv("FAKE_CG", mode, 1);
}

static void failures(void)
{
	static const char * const bad[] = { "--nosuch", "word", "--max", "--max=x", "--wait=-1", "--wait=x",
					    "--wait=5s", "--wait=", "--wait=4294967297" };
	char name[100];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		machine("dmem");
		snprintf(name, sizeof(name), "usage: %s", bad[i]);
		expect(go(bad[i], NULL, NULL, NULL), DMEM_USAGE, DMEM_USAGE, name);
	}
	machine("cpu");
	fails(DMEM_NO_CONTROLLER, "a kernel without dmem", "--max=" CAM "=1M", NULL);
	machine("dmem");
	fails(DMEM_NO_CGROUP2, "no cgroup tree", "--cgroup-root=/proc/none", "--max=" CAM "=1M");
	put("own", "12:cpu:/\n1:name=systemd:/x\n");
	fails(DMEM_NO_CGROUP2, "a machine with v1 only", "--max=" CAM "=1M", NULL);
	put("own", "0::/\n");
	fails(DMEM_NO_OWN_CGROUP, "in the root cgroup", "--max=" CAM "=1M", NULL);
	put("own", "0::/a (deleted)\n");
	fails(DMEM_NO_OWN_CGROUP, "in a removed cgroup", "--max=" CAM "=1M", NULL);
	put("own", "0::/../a.service\n");
	fails(DMEM_BAD_NAME, "outside of the cgroup namespace", "--max=" CAM "=1M", NULL);
	put("own", "0::/gone.slice/a.service\n");
	fails(DMEM_NO_CGROUP, "the cgroup is gone", "--max=" CAM "=1M", NULL);

	machine("dmem");
	fails(DMEM_NO_REGION, "no such region", "--max=cma/none=1M", NULL);
	fails(DMEM_NO_HEAP_REGION, "no such heap", "--max=dma_heap/none=1M", NULL);
	fails(DMEM_NO_HEAP_REGION, "a heap that is not counted", "--max=dma_heap/uncounted=1M", NULL);
	fails(DMEM_BAD_NAME, "a heap outside of the directory", "--max=dma_heap/..=1M", NULL);
	fails(DMEM_BAD_NAME, "a region with a blank", "--max=a b=1M", NULL);
	fails(DMEM_BAD_VALUE, "no size", "--max=" CAM "=1X", NULL);
	put(UNIT "/dmem.current", CAM " %d\n", 2 * MIB);
	fails(DMEM_BELOW_USAGE, "a cap below the usage", "--max=" CAM "=1M", NULL);

	fake("cgroup.subtree_control:16");
	fails(DMEM_CANNOT_ENABLE, "the controller is refused", "--max=" CAM "=1M", NULL);
	fake("cgroup.subtree_control:0");
	fails(DMEM_CANNOT_ENABLE, "the controller is not enabled after all", "--max=" CAM "=1M", NULL);
	fake("cgroup.subtree_control:30");
	fails(DMEM_READ_ONLY, "a read-only tree", "--max=" CAM "=1M", NULL);
	fake("dmem.max:30");
	fails(DMEM_READ_ONLY, "a read-only file", "--max=" CAM "=1M", NULL);
	fake("dmem.max:13");
	fails(DMEM_PERMISSION, "no permission", "--max=" CAM "=1M", NULL);
	/* The kernel lists each region that it has, also without a limit. */
	fake("dmem.max:22");
	fails(DMEM_NO_REGION, "the kernel does not have the region", "--max=" CAM "=1M", NULL);
	put(UNIT "/dmem.max", CAM " max\n");
	fails(DMEM_WRITE_FAILED, "the write fails", "--max=" CAM "=1M", NULL);
	fake("dmem.max:0");
	fails(DMEM_NO_EFFECT, "a write that changes nothing", "--max=" CAM "=1M", NULL);
	machine("dmem");
	expect(go("--max=" CAM "=8M", NULL, NULL, NULL), 0, 0, "a first cap");
	setenv("FAKE_CG", "dmem.max:0", 1);
	fails(DMEM_NO_EFFECT, "a second that changes nothing", "--max=" CAM "=4M", NULL);
	fails(DMEM_NO_EFFECT, "nor does max", "--max=" CAM "=max", NULL);
	check_text(get(UNIT "/dmem.max"), CAM " 8388608\n", "the first one stands");

	machine("dmem");
	put("own", "0::/user.slice/user@7.service/app.slice/a.service\n");
	put("cg/user.slice/cgroup.controllers", "%s", "");
	put("cg/user.slice/cgroup.subtree_control", "%s", "");
	put("cg/user.slice/user@7.service/cgroup.controllers", "%s", "");
	put("cg/user.slice/user@7.service/cgroup.subtree_control", "%s", "");
	put("cg/user.slice/user@7.service/app.slice/cgroup.subtree_control", "%s", "");
	fails(DMEM_DELEGATED, "below a delegated unit", "--max=" CAM "=1M", NULL);
	check_text(get("cg/user.slice/user@7.service/cgroup.subtree_control"), "",
		   "a delegated unit is left alone");
}

/* The library's own guard, should a caller have none. */
static void bad_paths(void)
{
	static const char * const bad[] = { "..", "a/../b", "../a", "a/..", "/a", "a/", "a//b", "." };
	char name[100];
	uint64_t v;
	int fd;

	machine("dmem");
	dmem_cgroup_open(tap_path("cg"), true, &fd);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(name, sizeof(name), "cgroup '%s'", bad[i]);
		check(dmem_cgroup_make(fd, bad[i]) == DMEM_BAD_NAME &&
		      dmem_cgroup_enable(fd, bad[i]) == DMEM_BAD_NAME &&
		      dmem_cgroup_get(fd, bad[i], "dmem.max", CAM, &v) == DMEM_BAD_NAME &&
		      dmem_cgroup_set(fd, bad[i], DMEM_MAX, CAM, 1) == DMEM_BAD_NAME, name, "taken");
	}
	check(dmem_cgroup_set(fd, "system.slice", DMEM_MAX, "a b", 1) == DMEM_BAD_NAME,
	      "a region with a blank, in the library", "taken");
	close(fd);
}

/* The region appears while dmem-apply waits for it. */
static void late_region(void)
{
	pid_t pid;
	int rc;

	machine("dmem");
	put("cg/.regions", "heap/system 1000\n");
	pid = fork();
	if (!pid) {
		usleep(300000);
		put("cg/dmem.capacity", CAM " %d\n", 40 * MIB);
		_exit(0);
	}
	rc = go("--wait=20", "--max=" CAM "=25%", NULL, NULL);
	waitpid(pid, NULL, 0);
	expect(rc, 0, 0, "a region that appears later");
	check_text(get(UNIT "/dmem.max"), CAM " 10485760\n", "its capacity is the new one");
}

/* A unit with many regions that are not there starts as late as one with one. */
static void one_wait(void)
{
	int rc, ms;

	machine("dmem");
	setenv("FAKE_SLEEP", tap_path("slept"), 1);
	rc = go("--wait=4", "--max=cma/a=1M", "--max=cma/b=1M", "--min=cma/c=1M");
	unsetenv("FAKE_SLEEP");
	ms = atoi(get("slept"));
	check(rc == DMEM_NO_REGION && ms >= 4000 && ms < 5000, "all limits share one wait",
	      "exit code %d after %d ms", rc, ms);
	check(strstr(get("log"), "cma/a=1M") && strstr(get("log"), "cma/b=1M") && strstr(get("log"), "cma/c=1M"),
	      "and each has its message", "%s", get("log"));
}

static int lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Of a file's name or a word in it, nothing makes a second line, or reaches a terminal. */
static void messages(void)
{
	const char *log;

	machine("dmem");
	go("--mistake=a\nb\x1b[1m\x7f\r.conf:3", NULL, NULL, NULL);
	log = get("log");
	check(lines(log) == 1 && strstr(log, "a?b?[1m??.conf:3"), "control characters in a message", "%s", log);
	machine("dmem");
	go("--max=cma/a\n<0>false: alarm=1M", NULL, NULL, NULL);
	log = get("log");
	check(lines(log) == 1 && !strchr(log, '\033') && strstr(log, "cma/a?<0>false: alarm=1M"),
	      "a line end in a region's name", "%s", log);
}

/* Are all strings of the process's environment without their first letter? */
static bool has_empty_environment(pid_t pid)
{
	char path[64], env[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	f = fopen(path, "r");
	n = f ? fread(env, 1, sizeof(env) - 1, f) : 0;
	if (f)
		fclose(f);
	return n && !memchr(env, 'A', n) && !memchr(env, 'B', n);
}

/* The C library gets an environment of empty strings. */
static void environment(void)
{
	char root[4200], own[4200], *argv[] = { (char *)installed, root, own, "--max=cma/none=1M", "--wait=60", NULL };
	char *envp[] = { "A=glibc", "B=malloc", NULL };
	bool empty = false;
	pid_t pid;

	machine("dmem");
	snprintf(root, sizeof(root), "--cgroup-root=%s", tap_path("cg"));
	snprintf(own, sizeof(own), "--own=%s", tap_path("own"));
	put("cg/cgroup.subtree_control", "dmem\n");
	put("cg/system.slice/cgroup.subtree_control", "dmem\n");
	put("cg/dmem.capacity", "heap/system 1000\n");
	for (int kind = 0; kind < DMEM_KINDS; kind++) {
		char file[100];

		snprintf(file, sizeof(file), UNIT "/dmem.%s", dmem_kind_names[kind]);
		put(file, "%s", "");
	}
	pid = fork();
	if (!pid) {
		execve(installed, argv, envp);
		_exit(127);
	}
	for (int i = 0; i < 250 && !empty; i++) {
		usleep(20000);
		empty = has_empty_environment(pid);
	}
	check(empty, "the installed program empties its environment", "it does not");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	apply = argv[1];
	dir = argv[2];
	installed = argv[3];
	tap_start();
	RUN(good);
	RUN(slices);
	RUN(escaped_slices);
	RUN(container);
	RUN(failures);
	RUN(bad_paths);
	RUN(late_region);
	RUN(environment);
	RUN(one_wait);
	RUN(messages);
	return tap_end();
}
