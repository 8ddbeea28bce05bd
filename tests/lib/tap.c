// SPDX-License-Identifier: GPL-2.0-or-later
/* What the tests in this directory share. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define TEXT	(1 << 20)

#define NAME	1024

static int tests, failures;
static const char *top;
static const char *only, *function;	/* NULL: all of them, none of them */
static bool only_found;
static char test_case[NAME / 2];
static void *names;

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(2);
}

static const char *without_test(const char *name)
{
	return strncmp(name, "test_", strlen("test_")) ? name : name + strlen("test_");
}

void tap_start(void)
{
	printf("TAP version 13\n");
	only = getenv("TAP_ONLY");
	only = only && *only ? without_test(only) : NULL;
}

bool tap_function(const char *name)
{
	function = name ? without_test(name) : NULL;
	*test_case = 0;
	if (!only || !function)
		return true;
	if (strcmp(function, only))
		return false;
	only_found = true;
	return true;
}

void tap_case(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(test_case, sizeof(test_case), fmt, ap);
	va_end(ap);
}

static void say(const char *text)
{
	char *copy = strdup(text), *save, *l;

	for (l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		printf("# %s\n", l);
	free(copy);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Enters a name; whether it was there before. */
static bool used_before(const char *name)
{
	char *copy = strdup(name), **entry = copy ? tsearch(copy, &names, by_name) : NULL;

	if (!entry)
		die("tsearch");
	if (*entry == copy)
		return false;
	free(copy);
	return true;
}

/* Prints a result with the name that is complete. */
static void result(bool ok, const char *name)
{
	if (used_before(name)) {
		printf("# duplicate test name: %s\n", name);
		ok = false;
	}
	failures += !ok;
	printf("%s %d %s\n", ok ? "ok" : "not ok", ++tests, name);
	fflush(stdout);
}

bool check(bool ok, const char *name, const char *fmt, ...)
{
	char text[4096], full[2 * NAME];
	va_list ap;

	if (!ok) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		say(text);
	}
	snprintf(full, sizeof(full), "%s%s%s%s%s", function ? function : "", function ? ": " : "",
		 function ? test_case : "", function && *test_case ? ": " : "", name);
	result(ok, full);
	return ok;
}

bool check_text(const char *got, const char *want, const char *name)
{
	bool ok = !strcmp(got, want);

	if (!ok) {
		say("wanted:");
		say(want);
		say("got:");
		say(got);
	}
	return check(ok, name, "differs");
}

int tap_end(void)
{
	if (only && !only_found) {
		printf("# TAP_ONLY: this program has no test function '%s'\n", only);
		result(false, "TAP_ONLY names a test function of this program");
	}
	printf("1..%d\n", tests);
	return failures != 0;
}

const char *tap_path(const char *rel)
{
	static char paths[8][4096];
	static unsigned int n;
	char *p = paths[n++ % 8];

	if (!top) {
		printf("Bail out! tap_path(\"%s\") before tap_dir()\n", rel);
		exit(2);
	}
	snprintf(p, sizeof(paths[0]), "%s%s%s", top, *rel ? "/" : "", rel);
	return p;
}

static void remove_below(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	char sub[4096];

	while (d && (de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);
		if (unlink(sub) && (errno == EISDIR || errno == EPERM)) {
			remove_below(sub);
			rmdir(sub);
		}
	}
	if (d)
		closedir(d);
}

void tap_dir(const char *path)
{
	top = path;
	remove_below(path);
	if (mkdir(path, 0755) && errno != EEXIST)
		die(path);
}

static void make_parents(const char *path)
{
	char part[4096];

	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
		if (mkdir(part, 0755) && errno != EEXIST)
			die(part);
	}
}

void put(const char *rel, const char *fmt, ...)
{
	const char *path = tap_path(rel);
	va_list ap;
	FILE *f;

	make_parents(path);
	f = fopen(path, "w");
	if (!f)
		die(path);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	if (fclose(f))
		die(path);
}

void link_to(const char *rel, const char *target)
{
	const char *path = tap_path(rel);

	make_parents(path);
	if (symlink(target, path))
		die(path);
}

static size_t read_into(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (f) {
		n = fread(buf, 1, size - 1, f);
		fclose(f);
	}
	buf[n] = 0;
	return n;
}

char *get(const char *rel)
{
	static char buf[TEXT];

	read_into(tap_path(rel), buf, sizeof(buf));
	return buf;
}

static size_t tree(const char *path, const char *shown, char *buf, size_t size)
{
	struct dirent **de;
	int n = scandir(path, &de, NULL, alphasort);
	char sub[4096], name[4096], to[4096];
	size_t used = 0;

	for (int i = 0; i < n; i++) {
		struct stat st;
		ssize_t len;

		snprintf(sub, sizeof(sub), "%s/%s", path, de[i]->d_name);
		snprintf(name, sizeof(name), "%s%s%s", shown, *shown ? "/" : "", de[i]->d_name);
		if (!strcmp(de[i]->d_name, ".") || !strcmp(de[i]->d_name, "..") || lstat(sub, &st))
			st.st_mode = 0;
		free(de[i]);
		if (S_ISDIR(st.st_mode)) {
			used += tree(sub, name, buf + used, size - used);
		} else if (S_ISLNK(st.st_mode)) {
			len = readlink(sub, to, sizeof(to) - 1);
			to[len > 0 ? len : 0] = 0;
			used += (size_t)snprintf(buf + used, size - used, "%s -> %s\n", name, to);
		} else if (S_ISREG(st.st_mode)) {
			used += (size_t)snprintf(buf + used, size - used, "%s:\n", name);
			used += read_into(sub, buf + used, size - used);
		}
	}
	if (n >= 0)
		free(de);
	buf[used] = 0;
	return used;
}

char *get_tree(const char *rel)
{
	static char buf[TEXT];

	tree(tap_path(rel), "", buf, sizeof(buf));
	return buf;
}

/* posix_spawn() and not fork(), which copies the page tables of the sanitizers' large mappings. */
int run(const char * const *argv)
{
	static const char * const names[] = { "in", "out", "err" };
	posix_spawn_file_actions_t files;
	int ret, status;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&files, fd, tap_path(names[fd]),
						 fd ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY | O_CREAT, 0644);
	ret = posix_spawn(&pid, argv[0], &files, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (ret)
		return 127;
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
