// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A cgroup tree of plain files, for dmem-apply linked with --wrap=write and --wrap=mkdirat: writes
 * have the same effects as in the kernel.
 *
 * A file ".regions" in the root contains the later dmem.capacity. With FAKE_CG set to FILE:ERRNO,
 * writes to files of that name fail, or with errno 0 succeed without an effect. "new" is a file
 * that has no name yet. FAKE_CG_THEN is a command of the shell that runs after each limit is
 * written, such as one that moves the process to another cgroup. FAKE_CG_LOG is a file that gets
 * a line for each limit that is written, and FAKE_CG_AT=N makes the Nth of them fail, and only that
 * one. With FAKE_CG_TERM, the program gets SIGTERM before each of them.
 *
 * FAKE_CG_KERNEL has words about the kernel, from a file of tests/trees. With it, a region without a
 * line in the file is refused.
 *
 * one-line			a write has one line, as since 7.3
 * several-lines		a write has any number of lines
 * max-below-usage-ignored	a dmem.max below the usage is written without an effect or an error
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
int __real_mkdirat(int dir, const char *name, mode_t mode);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);

static void get(const char *dir, const char *name, char *buf, size_t size)
{
	char path[5000];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		n = read(fd, buf, size - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = 0;
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[5000];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || __real_write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

/* Makes the files of a cgroup, if the controller is enabled for it. */
static void populate(const char *dir)
{
	static const char * const files[] = { "dmem.max", "dmem.min", "dmem.low", "dmem.current" };
	char path[4600];

	put(dir, "cgroup.controllers", "dmem\n");
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		if (access(path, F_OK))
			put(dir, files[i], "");
	}
}

static void then(void)
{
	const char *command = getenv("FAKE_CG_THEN");

	if (command && system(command))
		abort();
}

static void enable(const char *dir)
{
	char text[65536], path[4500];
	struct dirent *de;
	DIR *d = opendir(dir);

	get(dir, "cgroup.subtree_control", text, sizeof(text));
	if (!strstr(text, "dmem")) {
		text[strcspn(text, "\n")] = 0;
		snprintf(path, sizeof(path), "%.1000s%sdmem\n", text, *text ? " " : "");
		put(dir, "cgroup.subtree_control", path);
	}
	get(dir, ".regions", text, sizeof(text));
	if (*text)
		put(dir, "dmem.capacity", text);
	while (d && (de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") || de->d_type != DT_DIR)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		populate(path);
	}
	if (d)
		closedir(d);
}

/* False: this write fails. */
static bool note(const char *dir, const char *file, const char *text)
{
	static int writes;
	const char *log = getenv("FAKE_CG_LOG"), *at = getenv("FAKE_CG_AT");
	const char *name = strrchr(dir, '/');
	FILE *f = log ? fopen(log, "a") : NULL;

	if (getenv("FAKE_CG_TERM"))
		kill(getpid(), SIGTERM);
	if (f) {
		fprintf(f, "%s %s %s", name ? name + 1 : dir, file, text);
		fclose(f);
	}
	return !at || ++writes != atoi(at);
}

/* The number of a region in a file. -1: it has none. */
static long long number(const char *dir, const char *file, const char *text)
{
	size_t len = strcspn(text, " ");
	char all[65536], *line, *save;

	get(dir, file, all, sizeof(all));
	for (line = strtok_r(all, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, text, len) && line[len] == ' ')
			return strtoll(line + len, NULL, 10);
	}
	return -1;
}

/* Handles the line of one region, which keeps its place. */
static void limit(const char *dir, const char *file, const char *text)
{
	char old[65536], all[70000] = "", *line, *save;
	size_t len = strcspn(text, " ");
	bool found = false;

	get(dir, file, old, sizeof(old));
	for (line = strtok_r(old, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		bool same = !strncmp(line, text, len) && line[len] == ' ';

		sprintf(all + strlen(all), same ? "%s" : "%s\n", same ? text : line);
		found = found || same;
	}
	if (!found)
		strcat(all, text);
	put(dir, file, all);
}

/* Handles a write as the kernel of FAKE_CG_KERNEL. 0 or an errno. */
static int limit_as(const char *kernel, const char *dir, const char *file, const char *text)
{
	char copy[1000], one[1002], *line, *save;

	text += strspn(text, " \n");
	if (!strstr(kernel, "several-lines") && text[strcspn(text, "\n")] && text[strcspn(text, "\n") + 1])
		return EINVAL;
	snprintf(copy, sizeof(copy), "%s", text);
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *value = strchr(line, ' ');

		if (!value || number(dir, file, line) < 0)
			return EINVAL;
		if (strstr(kernel, "max-below-usage-ignored") && !strcmp(file, "dmem.max") &&
		    strcmp(value, " max") && strtoll(value, NULL, 10) < number(dir, "dmem.current", line))
			continue;
		snprintf(one, sizeof(one), "%s\n", line);
		limit(dir, file, one);
	}
	return 0;
}

/* Handles a write of limits. 0 or an errno. */
static int write_limits(const char *dir, const char *file, const char *text)
{
	const char *kernel = getenv("FAKE_CG_KERNEL");
	int ret = 0;

	if (!note(dir, file, text))
		return EIO;
	if (kernel)
		ret = limit_as(kernel, dir, file, text);
	else
		limit(dir, file, text);
	if (!ret)
		then();
	return ret;
}

ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
	char link[64], path[4200], text[1000], *file, *mode = getenv("FAKE_CG");
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = 0;
	file = strrchr(path, '/');
	if (!file || n >= sizeof(text))
		return __real_write(fd, buf, n);
	*file++ = 0;
	memcpy(text, buf, n);
	text[n] = 0;
	if (*file == '#')
		file = "new";
	if (mode && !strncmp(mode, file, strlen(file)) && mode[strlen(file)] == ':') {
		errno = atoi(mode + strlen(file) + 1);
		return errno ? -1 : (ssize_t)n;
	}
	if (!strcmp(file, "cgroup.subtree_control") && !strcmp(text, "+dmem\n"))
		enable(path);
	else if (!strcmp(file, "dmem.max") || !strcmp(file, "dmem.min") || !strcmp(file, "dmem.low")) {
		int err = write_limits(path, file, text);

		if (err) {
			errno = err;
			return -1;
		}
	} else
		return __real_write(fd, buf, n);
	return (ssize_t)n;
}

int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
	char link[64], path[4200], made[4500], on[100];
	int ret = __real_mkdirat(dir, name, mode);
	ssize_t len;

	if (ret)
		return ret;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = 0;
	snprintf(made, sizeof(made), "%s/cgroup.subtree_control", path);
	if (access(made, F_OK))
		return 0;
	snprintf(made, sizeof(made), "%s/%s", path, name);
	put(made, "cgroup.subtree_control", "");
	put(made, "cgroup.procs", "");
	put(made, "cgroup.kill", "");
	get(path, "cgroup.subtree_control", on, sizeof(on));
	if (strstr(on, "dmem"))
		populate(made);
	else
		put(made, "cgroup.controllers", "\n");
	return 0;
}
