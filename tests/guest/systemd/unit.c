// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes, starts and removes units for tests. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dmem_util.h"
#include "unit.h"

#define UNITS		"/etc/systemd/system"
#define MAX_FILES	256
#define MAX_STARTED	256
#define MAX_ARGS	24
#define POLL_MS		20

static char *file[MAX_FILES], *started[MAX_STARTED];
static int n_files, n_started;
static char said[65536], content[65536];

static const char *full(const char *path, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", *path == '/' ? "" : UNITS "/", path);
	return buf;
}

const char *text_of(const char *path)
{
	size_t used = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && used < sizeof(content) - 1 &&
	       (n = read(fd, content + used, sizeof(content) - 1 - used)) > 0)
		used += (size_t)n;
	content[used] = 0;
	if (fd >= 0)
		close(fd);
	return content;
}

static int run_args(const char *const *argv)
{
	size_t used = 0;
	int p[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(p[1], 1);
		dup2(p[1], 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(p[1]);
	while (used < sizeof(said) - 1 && (n = read(p[0], said + used, sizeof(said) - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = 0;
	close(p[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int run(const char *program, ...)
{
	const char *argv[MAX_ARGS] = { program };
	va_list ap;
	int n = 0;

	va_start(ap, program);
	while (n < MAX_ARGS - 1 && argv[n])
		argv[++n] = va_arg(ap, const char *);
	va_end(ap);
	return run_args(argv);
}

const char *output(void)
{
	return said;
}

const char *units_begin(void)
{
	n_files = n_started = 0;
	if (access("/run/systemd/system", F_OK))
		return "systemd is not the first process here";
	if (access("/sys/fs/cgroup/dmem.capacity", F_OK))
		return "the controller is not enabled: dmem-controller.service did not run";
	mkdir("/run/dmem-tests", 0755);
	out_clear();
	return NULL;
}

int unit_write(const char *path, const char *fmt, ...)
{
	char name[PATH_MAX], dir[PATH_MAX];
	va_list ap;
	FILE *f;
	int bad;

	full(path, name, sizeof(name));
	for (char *p = strchr(name + 1, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(p - name), name);
		mkdir(dir, 0755);
	}
	f = fopen(name, "we");
	if (!f)
		return -errno;
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	bad = ferror(f);
	if (fclose(f) || bad)
		return -EIO;
	if (n_files == MAX_FILES)
		return -ENOSPC;
	file[n_files++] = strdup(name);
	return 0;
}

int unit_remove(const char *path)
{
	char name[PATH_MAX], *slash;

	full(path, name, sizeof(name));
	if (unlink(name))
		return -errno;
	slash = strrchr(name, '/');
	*slash = 0;
	/* Removes a directory of drop-ins with its last file. */
	if (strlen(name) > 2 && !strcmp(name + strlen(name) - 2, ".d"))
		rmdir(name);
	return 0;
}

/* Runs systemctl with a word and the names of all started units. */
static int all_started(const char *word)
{
	const char *argv[MAX_STARTED + 3] = { "systemctl", word };

	for (int i = 0; i < n_started; i++)
		argv[i + 2] = started[i];
	return run_args(argv);
}

int units_end(void)
{
	int ret = 0;

	if (n_started) {
		all_started("stop");
		/* is-active returns 0 if any of them is active. */
		if (!all_started("is-active"))
			ret = -EBUSY;
		if (!all_started("is-failed"))
			all_started("reset-failed");
	}
	for (int i = n_files - 1; i >= 0; i--) {
		unit_remove(file[i]);
		free(file[i]);
	}
	while (n_started)
		free(started[--n_started]);
	/* The next test that writes units reloads. */
	n_files = 0;
	return ret;
}

static void remember(const char *unit)
{
	for (int i = 0; i < n_started; i++) {
		if (!strcmp(started[i], unit))
			return;
	}
	if (n_started < MAX_STARTED)
		started[n_started++] = strdup(unit);
}

int start(const char *unit)
{
	remember(unit);
	return run("systemctl", "start", unit, NULL);
}

int restart(const char *unit)
{
	remember(unit);
	return run("systemctl", "restart", unit, NULL);
}

int stop(const char *unit)
{
	return run("systemctl", "stop", unit, NULL);
}

int reload(void)
{
	return run("systemctl", "daemon-reload", NULL);
}

const char *property(const char *unit, const char *name)
{
	run("systemctl", "show", "-P", name, "--", unit, NULL);
	if (*said)
		said[strlen(said) - 1] = 0;
	return said;
}

bool is_active(const char *unit)
{
	return !strcmp(property(unit, "ActiveState"), "active");
}

bool wait_property(const char *unit, const char *name, const char *want, int seconds)
{
	long long end = now_ms() + seconds * 1000LL;

	while (strcmp(property(unit, name), want)) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

const char *cgroup_of(const char *unit)
{
	static char path[PATH_MAX];
	const char *cg = property(unit, "ControlGroup");

	snprintf(path, sizeof(path), "%s%s", *cg ? "/sys/fs/cgroup" : "", cg);
	return path;
}

long long limit_of(const char *unit, const char *limit, const char *region)
{
	const char *cg = cgroup_of(unit);

	return *cg ? dmem_read(cg, limit, region) : -ENOENT;
}

bool has_no_limit(const char *unit, const char *region)
{
	long long limit = limit_of(unit, "dmem.max", region);

	return *cgroup_of(unit) && (limit == DMEM_MAX || limit == -ENOENT);
}

const char *out(void)
{
	return text_of(OUT);
}

void out_clear(void)
{
	close(open(OUT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
}

bool wait_out(const char *line, int seconds)
{
	long long end = now_ms() + seconds * 1000LL;

	while (!strstr(out(), line)) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

bool logged(const char *identifier, const char *text)
{
	run("journalctl", "--sync", NULL);
	run("journalctl", "-b", "-o", "cat", "-t", identifier, NULL);
	return strstr(said, text);
}
