// SPDX-License-Identifier: GPL-2.0-or-later
/* Containers of the tests, whichever engine starts them. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define POLL_MS		20
#define SETTLE_MS	10000
#define CONFIG_SIZE	8192

static const char * const region[] = { CAMERA, DISPLAY };
static long long before[2];

const char *containers_begin(void)
{
	const char *why = units_begin();

	if (why)
		return why;
	for (int i = 0; i < 2; i++)
		before[i] = dmem_current(CGROUPS, region[i]);
	return NULL;
}

int containers_end(void)
{
	int ret = units_end();

	for (int i = 0; i < 2; i++) {
		if (dmem_wait_current(CGROUPS, region[i], before[i], SETTLE_MS) != before[i])
			ret = -EBUSY;
	}
	return ret;
}

const char *bundle_path(const char *id)
{
	static char path[100];

	snprintf(path, sizeof(path), BUNDLES "-%s", id);
	return path;
}

/* The place of a text that is there once. */
static char *the_one(char *text, const char *what)
{
	char *at = strstr(text, what);

	return at && !strstr(at + 1, what) ? at : NULL;
}

static int replace(char *text, char *at, size_t len, const char *by)
{
	if (strlen(text) - len + strlen(by) >= CONFIG_SIZE)
		return -ENOSPC;
	memmove(at + strlen(by), at + len, strlen(at + len) + 1);
	memcpy(at, by, strlen(by));
	return 0;
}

int bundle_write(const char *id, ...)
{
	char text[CONFIG_SIZE], numbers[64], path[PATH_MAX];
	const char *from;
	struct stat st;
	int ret = 0;
	va_list ap;
	char *at;

	if (stat("/dev/dma_heap/" CAMERA_HEAP, &st))
		return -errno;
	snprintf(numbers, sizeof(numbers), "\"major\": %u, \"minor\": %u", major(st.st_rdev),
		 minor(st.st_rdev));
	snprintf(text, sizeof(text), "%s", text_of(CONFIG));
	va_start(ap, id);
	while (!ret && (from = va_arg(ap, const char *))) {
		at = the_one(text, from);
		ret = at ? replace(text, at, strlen(from), va_arg(ap, const char *)) : -ENOENT;
	}
	va_end(ap);
	/* The device is there twice: once to be made, once to be allowed. */
	while (!ret && (at = strstr(text, NUMBERS)))
		ret = replace(text, at, strlen(NUMBERS), numbers);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/config.json", bundle_path(id));
	return unit_write(path, "%s", text);
}

int shell_out(const char *fmt, ...)
{
	char line[2000];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = (size_t)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n + strlen(" >>" OUT " 2>&1") >= sizeof(line))
		return -1;
	strcat(line, " >>" OUT " 2>&1");
	return run("sh", "-c", line, NULL);
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

long long refused(const char *cg, const char *name)
{
	return dmem_nested(cg, "dmem.events.local", name, "max");
}

bool wait_gone(const char *path, int seconds)
{
	long long end = now_ms() + seconds * 1000LL;

	while (!access(path, F_OK)) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}
