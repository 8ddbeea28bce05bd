// SPDX-License-Identifier: GPL-2.0-or-later
/* Containers for tests of all engines. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define POLL_MS		20
#define SETTLE_MS	10000
#define CONFIG_SIZE	8192
#define LINE_SIZE	2000
#define LIST_SIZE	65536
#define APPEND		" </dev/null >>" OUT " 2>&1"

static const char * const region[] = { CAMERA, DISPLAY };
static long long before[2];
static char there[LIST_SIZE], is_there[LIST_SIZE];

static void add(const char *what)
{
	size_t used = strlen(is_there);

	snprintf(is_there + used, LIST_SIZE - used, "%s\n", what);
}

/* systemd's own services may start and stop at any time. */
static int add_cgroup(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type != FTW_D)
		return FTW_CONTINUE;
	if (!strcmp(path, CGROUPS "/system.slice"))
		return FTW_SKIP_SUBTREE;
	add(path);
	return FTW_CONTINUE;
}

static void add_mounts(void)
{
	char line[LINE_SIZE], path[LINE_SIZE];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		/* systemd mounts these for its services. */
		if (sscanf(line, "%*s %*s %*s %*s %1999s", path) == 1 &&
		    strncmp(path, "/run/credentials/", 17))
			add(path);
	}
	if (f)
		fclose(f);
}

/* Processes of containers, and those that outlive an engine as their monitor. */
static void add_processes(void)
{
	static const char * const name[] = { "probe\n", "conmon\n", "lxc-start\n" };
	char path[100];
	struct dirent *de;
	DIR *d = opendir("/proc");

	while (d && (de = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%.20s/comm", de->d_name);
		for (size_t i = 0; *de->d_name >= '1' && *de->d_name <= '9' && i < 3; i++) {
			if (!strcmp(text_of(path), name[i]))
				add(path);
		}
	}
	if (d)
		closedir(d);
}

/* Stores the present cgroups, mounts and processes in is_there. */
static void look_around(void)
{
	*is_there = 0;
	nftw(CGROUPS, add_cgroup, 16, FTW_PHYS | FTW_ACTIONRETVAL);
	add_mounts();
	add_processes();
}

/* True if a list has all lines of another one. With @what, prints the missing ones. */
static bool has_all(const char *list, const char *of, const char *what)
{
	static char line[PATH_MAX + 2], text[LIST_SIZE + 2];
	bool all = true;

	snprintf(text, sizeof(text), "\n%s", list);
	while (*of) {
		int len = (int)strcspn(of, "\n") + 1;

		snprintf(line, sizeof(line), "\n%.*s", len, of);
		if (!strstr(text, line)) {
			if (what)
				printf("# %s%s", what, line + 1);
			all = false;
		}
		of += len;
	}
	return all;
}

static bool all_is_as_before(const char *more, const char *less)
{
	bool nothing_more = has_all(there, is_there, more);

	return has_all(is_there, there, less) && nothing_more;
}

const char *containers_begin(void)
{
	const char *why = units_begin();

	if (why)
		return why;
	for (int i = 0; i < 2; i++)
		before[i] = dmem_current(CGROUPS, region[i]);
	look_around();
	memcpy(there, is_there, sizeof(there));
	return NULL;
}

int containers_end(void)
{
	long long end = now_ms() + SETTLE_MS;
	int ret = units_end();

	for (int i = 0; i < 2; i++) {
		if (dmem_wait_current(CGROUPS, region[i], before[i], SETTLE_MS) != before[i])
			ret = -EBUSY;
	}
	for (look_around(); !all_is_as_before(NULL, NULL) && now_ms() < end; look_around())
		sleep_ms(POLL_MS);
	return all_is_as_before("left behind: ", "lost: ") ? ret : -EBUSY;
}

static int replace(char *text, char *at, size_t len, const char *by)
{
	if (strlen(text) - len + strlen(by) >= CONFIG_SIZE)
		return -ENOSPC;
	memmove(at + strlen(by), at + len, strlen(at + len) + 1);
	memcpy(at, by, strlen(by));
	return 0;
}

/* config.json has the numbers twice: for the device node, and for the device rule. */
static int put_numbers(char *text)
{
	static const char * const zeros[] = { "\"major\": 0, \"minor\": 0", "c 0:0" };
	char numbers[64], *at;
	struct stat st;
	int ret = 0;

	if (stat("/dev/dma_heap/" CAMERA_HEAP, &st))
		return -errno;
	for (int i = 0; i < 2; i++) {
		snprintf(numbers, sizeof(numbers), i ? "c %u:%u" : "\"major\": %u, \"minor\": %u",
			 major(st.st_rdev), minor(st.st_rdev));
		while (!ret && (at = strstr(text, zeros[i])))
			ret = replace(text, at, strlen(zeros[i]), numbers);
	}
	return ret;
}

int file_from(const char *path, const char *shipped, ...)
{
	char text[CONFIG_SIZE], *at;
	const char *from, *to;
	int ret = 0;
	va_list ap;

	snprintf(text, sizeof(text), "%s", text_of(shipped));
	va_start(ap, shipped);
	while (!ret && (from = va_arg(ap, const char *))) {
		to = va_arg(ap, const char *);
		at = strstr(text, from);
		ret = at && !strstr(at + 1, from) ? replace(text, at, strlen(from), to) : -ENOENT;
	}
	va_end(ap);
	if (!ret)
		ret = put_numbers(text);
	return ret ? ret : unit_write(path, "%s", text);
}

const char *bundle(const char *id)
{
	static char path[100];

	snprintf(path, sizeof(path), BUNDLES "-%s", id);
	return path;
}

const char *bundle_config(const char *id)
{
	static char path[120];

	snprintf(path, sizeof(path), "%s/config.json", bundle(id));
	return path;
}

/* Makes a line that redirects its output to OUT; @in_front comes first. */
static bool line_for(char *line, const char *in_front, const char *fmt, va_list ap)
{
	size_t n = (size_t)snprintf(line, LINE_SIZE, "%s", in_front);

	n += (size_t)vsnprintf(line + n, LINE_SIZE - n, fmt, ap);
	if (n + strlen(APPEND) >= LINE_SIZE)
		return false;
	strcat(line, APPEND);
	return true;
}

int shell_out(const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;
	bool good;

	va_start(ap, fmt);
	good = line_for(line, "", fmt, ap);
	va_end(ap);
	return good ? run("sh", "-c", line, NULL) : -1;
}

pid_t spawn_out(const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;
	bool good;
	pid_t pid;

	va_start(ap, fmt);
	good = line_for(line, "exec ", fmt, ap);
	va_end(ap);
	pid = good ? fork() : -1;
	if (pid)
		return pid;
	setsid();
	execlp("sh", "sh", "-c", line, NULL);
	_exit(127);
}

void kill_hard(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

pid_t first_pid(const char *cg)
{
	char path[PATH_MAX + 20];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cg);
	return atoi(text_of(path));
}

const char *cgroup_of_pid(pid_t pid)
{
	static char cg[PATH_MAX];
	const char *line;

	snprintf(cg, sizeof(cg), "/proc/%d/cgroup", pid);
	line = strstr(text_of(cg), "0::");
	snprintf(cg, sizeof(cg), "%s%s", line ? CGROUPS : "", line ? line + 3 : "");
	cg[strcspn(cg, "\n")] = 0;
	return cg;
}

long long user_of_pid(pid_t pid)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return pid > 0 && !stat(path, &st) ? (long long)st.st_uid : -1;
}

long long refused(const char *cg, const char *name)
{
	return dmem_nested(cg, "dmem.events.local", name, "max");
}

bool exists(const char *path)
{
	return !access(path, F_OK);
}

static bool wait_path(const char *path, bool is_there, int seconds)
{
	long long end = now_ms() + seconds * 1000LL;

	while (exists(path) != is_there) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

bool wait_exists(const char *path, int seconds)
{
	return wait_path(path, true, seconds);
}

bool wait_gone(const char *path, int seconds)
{
	return wait_path(path, false, seconds);
}
