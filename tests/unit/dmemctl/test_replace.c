// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that are replaced, in directories in which others can write. Linked with --wrap of
 * openat, openat64, linkat and fsync.
 *
 * test_replace DIRECTORY
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/replace.h"
#include "tap.h"

#define NOBODY	65534

int __real_openat(int dir, const char *path, int flags, ...);
int __real_linkat(int from, const char *path, int to, const char *name, int flags);
int __real_fsync(int fd);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
int __wrap_linkat(int from, const char *path, int to, const char *name, int flags);
int __wrap_fsync(int fd);

/* The call that fails from now on. */
static struct {
	int tmpfile, link;	/* an errno, or 0 */
	int times;		/* so often; -1: always */
} fault;

/* The steps that a crash must find in this order: 'f' the file is on the disk, 'd' the
 * directory; '+' when the new text was to be found by the name. */
static char steps[64];

static bool fails_now(int err)
{
	if (!err || !fault.times)
		return false;
	fault.times -= fault.times > 0;
	errno = err;
	return true;
}

int __wrap_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if ((flags & O_TMPFILE) == O_TMPFILE && fails_now(fault.tmpfile))
		return -1;
	/* A name that can be known may have been prepared. */
	if (flags & O_CREAT && !(flags & O_EXCL))
		check(false, "no file is opened that may be there", "%s", path);
	return __real_openat(dir, path, flags, mode);
}

int __wrap_openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return __wrap_openat(dir, path, flags, mode);
}

int __wrap_linkat(int from, const char *path, int to, const char *name, int flags)
{
	return fails_now(fault.link) ? -1 : __real_linkat(from, path, to, name, flags);
}

int __wrap_fsync(int fd)
{
	struct stat st;
	size_t n = strlen(steps);

	if (!fstat(fd, &st) && n + 3 < sizeof(steps))
		snprintf(steps + n, sizeof(steps) - n, "%s%s", S_ISDIR(st.st_mode) ? "d" : "f",
			 strcmp(get("d/file"), "new\n") ? "" : "+");
	return __real_fsync(fd);
}

static int entries(void)
{
	struct dirent *de;
	DIR *d = opendir(tap_path("d"));
	int n = 0;

	while (d && (de = readdir(d)))
		n += strcmp(de->d_name, ".") && strcmp(de->d_name, "..");
	if (d)
		closedir(d);
	return n;
}

static void start(const char *dir)
{
	tap_dir(dir);
	fault.tmpfile = fault.link = fault.times = 0;
	*steps = 0;
	mkdir(tap_path("d"), 0755);
}

static int replace(const char *text)
{
	return cli_replace(tap_path("d/file"), 0644, text, strlen(text));
}

static void good(const char *dir, const char *how, int tmpfile, int link)
{
	struct stat st;
	mode_t mask = umask(077);

	tap_case("%s", how);
	start(dir);
	fault.tmpfile = tmpfile;
	fault.link = link;
	fault.times = -1;
	put("d/file", "old\n");
	check(!replace("new\n") && !strcmp(get("d/file"), "new\n") && entries() == 1,
	      "the file has the new text and no other is left", "%s, %d files",
	      get("d/file"), entries());
	/* The first "f" is that of the file that could not be given a name. */
	check_text(steps, link ? "ffd+" : "fd+", "the file is on the disk before it has its name, and then the name");
	check(!stat(tap_path("d/file"), &st) && (st.st_mode & 07777) == 0644,
	      "the file has its mode", "%o", st.st_mode);
	unlink(tap_path("d/file"));
	check(!cli_create(tap_path("d/file"), 0600, "a", 1) && !strcmp(get("d/file"), "a"),
	      "a new file is created", "no");
	check(cli_create(tap_path("d/file"), 0600, "b", 1) == -EEXIST && !strcmp(get("d/file"), "a") &&
	      entries() == 1, "an existing file is not overwritten", "%s, %d files", get("d/file"), entries());
	unlink(tap_path("d/file"));
	link_to("d/file", "nowhere");
	check(cli_create(tap_path("d/file"), 0600, "b", 1) == -EEXIST && entries() == 1,
	      "a dangling link is not overwritten", "%d files", entries());
	umask(mask);
}

/* The type of the file with that name. */
static void places(const char *dir)
{
	struct stat st;
	char path[4200];

	start(dir);
	snprintf(path, sizeof(path), "%s", tap_path("d/file"));
	put("other", "other\n");
	link_to("d/file", "../other");
	check(!replace("new\n") && !lstat(path, &st) && S_ISREG(st.st_mode) && !strcmp(get("other"), "other\n"),
	      "a link is replaced, and not followed", "%s", get("other"));
	unlink(path);
	mkfifo(path, 0666);
	check(replace("new\n") == -EEXIST && !lstat(path, &st) && S_ISFIFO(st.st_mode) && entries() == 1,
	      "a FIFO stays", "%d files", entries());
	unlink(path);
	link_to("d/file", "/dev/null");
	check(replace("new\n") == -EEXIST && !lstat(path, &st) && S_ISLNK(st.st_mode) && entries() == 1,
	      "a link to a device stays", "%d files", entries());
	check(strstr(cli_replace_error(-EEXIST), "standard output") != NULL, "what to do", "no remedy");
	unlink(path);
	mkdir(path, 0755);
	check(replace("new\n") == -EISDIR && entries() == 1, "a directory stays", "%d files", entries());
	check(cli_replace("/dev/full", 0644, "x", 1) == -EEXIST && !lstat("/dev/full", &st) &&
	      S_ISCHR(st.st_mode), "/dev/full stays", "no");
	check(cli_replace(tap_path("d/none/file"), 0644, "x", 1) == -ENOENT, "no directory", "one");
	check(cli_replace(tap_path("d/"), 0644, "x", 1) == -EISDIR, "no name", "one");
	memset(path, 'x', 250);
	path[250] = 0;
	chdir(tap_path("d"));
	check(cli_replace(path, 0644, "x", 1) == -ENAMETOOLONG && entries() == 1, "too long a name", "no");
	chdir("/");
}

/* Files of another user in the directory, with names that were used in the past. */
static void neighbours(const char *dir)
{
	struct stat st, left;
	pid_t pid;
	int fd, pipes[2];
	char c;

	start(dir);
	chmod(tap_path("d"), 01777);
	put("d/file", "old\n");
	put("d/.file.new", "neighbour\n");
	chmod(tap_path("d/.file.new"), 0666);
	if (!geteuid() && (chown(tap_path("d/.file.new"), NOBODY, NOBODY) ||
			   chown(tap_path("d/file"), NOBODY, NOBODY) || chown(tap_path("d"), NOBODY, NOBODY)))
		check(false, "files of others", "%s", strerror(errno));
	if (pipe(pipes))
		return;
	pid = fork();
	if (!pid) {
		fd = open(tap_path("d/.file.new"), O_RDONLY);
		flock(fd, LOCK_EX);
		fd = open(tap_path("d"), O_RDONLY);
		flock(fd, LOCK_EX);
		if (write(pipes[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	check(read(pipes[0], &c, 1) == 1, "a neighbour holds locks", "no");
	alarm(20);
	check(!replace("new\n") && !strcmp(get("d/file"), "new\n"), "nobody's lock is waited for", "%s",
	      get("d/file"));
	alarm(0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	check(!stat(tap_path("d/file"), &st) && !stat(tap_path("d/.file.new"), &left) &&
	      st.st_uid == geteuid() && st.st_ino != left.st_ino && (st.st_mode & 0777) == 0644,
	      "the file is the writer's own", "user %u, mode %o", st.st_uid, st.st_mode);
	check_text(get("d/.file.new"), "neighbour\n", "the neighbour's is as it was");
	unlink(tap_path("d/.file.new"));
	mkfifo(tap_path("d/.file.new"), 0666);
	alarm(20);
	check(!replace("again\n") && !strcmp(get("d/file"), "again\n"), "a FIFO is not waited for", "no");
	alarm(0);
	unlink(tap_path("d/.file.new"));
	link_to("d/.file.new", "../victim");
	put("victim", "victim\n");
	check(!replace("again\n") && !strcmp(get("victim"), "victim\n"), "a link is not followed", "%s",
	      get("victim"));
	close(pipes[0]);
	close(pipes[1]);
}

static void faults(const char *dir)
{
	start(dir);
	fault.link = EEXIST;
	fault.times = 3;
	check(!replace("new\n") && entries() == 1, "names that are taken", "%d files", entries());
	start(dir);
	fault.link = EPERM;
	fault.times = -1;
	put("d/file", "old\n");
	check(replace("new\n") == -EPERM && !strcmp(get("d/file"), "old\n") && entries() == 1,
	      "no name can be given", "%s, %d files", get("d/file"), entries());
}

static void clean(const char *dir)
{
	int fd;

	start(dir);
	put("d/file", "1");
	put("d/.file.new", "2");
	put("d/.file.0123456789abcdef", "3");
	put("d/.file.0123", "4");
	put("d/.file2.0123456789abcdef", "5");
	put("d/.other.new", "6");
	fd = open(tap_path("d"), O_RDONLY | O_DIRECTORY);
	cli_replace_clean(fd, "file");
	close(fd);
	check(entries() == 4 && !*get("d/.file.new") && !*get("d/.file.0123456789abcdef") &&
	      !strcmp(get("d/.file.0123"), "4"), "only what was left goes", "%d files", entries());
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	tap_start();
	RUN(good, argv[1], "with O_TMPFILE", 0, 0);
	RUN(good, argv[1], "without O_TMPFILE", EOPNOTSUPP, 0);
	RUN(good, argv[1], "without /proc", 0, ENOENT);
	RUN(places, argv[1]);
	RUN(neighbours, argv[1]);
	RUN(faults, argv[1]);
	RUN(clean, argv[1]);
	return tap_end();
}
