// SPDX-License-Identifier: GPL-2.0-or-later
/* Boots systemd as the first process of new namespaces. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"

#define NAMESPACES	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID)
#define PATH		4096
#define POLL_MS		20
#define DATAGRAMS	"1000"

static void path_in(const struct boot *b, const char *name, char path[PATH])
{
	snprintf(path, PATH, "%s/%s", b->dir, name);
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	_exit(125);
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		fail(path);
	close(fd);
}

static void bind_over(const char *from, const char *to)
{
	if (mount(from, to, NULL, MS_BIND, NULL))
		fail(to);
}

/* Makes a cgroup, which is the root in the new cgroup namespace. */
static void own_cgroup(const struct boot *b)
{
	char top[PATH], path[2 * PATH];
	int fd;

	path_in(b, "cgroup", top);
	mkdir(top, 0700);
	if (mount("cgroup2", top, "cgroup2", 0, NULL))
		fail("mount cgroup2");
	snprintf(path, sizeof(path), "%s/dmem-host-%d", top, (int)getppid());
	if (mkdir(path, 0755) && errno != EEXIST)
		fail(path);
	strcat(path, "/cgroup.procs");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		fail(path);
	close(fd);
	if (!b->host_cgroups && unshare(CLONE_NEWCGROUP))
		fail("unshare");
	umount2(top, MNT_DETACH);
}

/* In a container, systemd leaves the clock and the host's devices alone. */
static void first_process(const struct boot *b)
{
	char units[2 * PATH], generators[PATH], target[PATH], from[PATH];
	char *env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "container=test", units, generators, NULL };

	if (mount("proc", "/proc", "proc", 0, NULL) || mount("tmpfs", "/run", "tmpfs", 0, "mode=755"))
		fail("mount");
	umount2("/sys/fs/cgroup", MNT_DETACH);
	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL))
		fail("mount cgroup2");
	mkdir("/run/lock", 0755);
	mkdir("/run/systemd", 0755);
	mkdir("/run/systemd/journal", 0755);
	touch("/run/systemd/journal/socket");
	path_in(b, "journal", from);
	bind_over(from, "/run/systemd/journal/socket");
	bind_over("/dev/null", "/dev/kmsg");
	path_in(b, "var", from);
	if (!access(from, F_OK))
		bind_over(from, "/var/lib");
	path_in(b, "console", from);
	touch(from);
	bind_over(from, "/dev/console");
	snprintf(units, sizeof(units), "SYSTEMD_UNIT_PATH=%s/units:/run/systemd/generator", b->dir);
	snprintf(generators, sizeof(generators), "SYSTEMD_GENERATOR_PATH=%s/gen", b->dir);
	snprintf(target, sizeof(target), "--unit=%s", b->target);
	execle(b->systemd, b->systemd, "--system", target, "--log-target=console", NULL, env);
	fail(b->systemd);
}

/* Returns the pid of systemd outside of its namespaces, or -1. */
static pid_t start(const struct boot *b)
{
	int fds[2], status;
	pid_t pid, first = -1;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(NAMESPACES) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			fail("unshare");
		own_cgroup(b);
		first = fork();
		if (!first) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			first_process(b);
		}
		if (write(fds[1], &first, sizeof(first)) != sizeof(first))
			_exit(125);
		/* Wait here: this process's parent waits for no other child. */
		if (waitpid(first, &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status)))
			_exit(125);
		_exit(0);
	}
	close(fds[1]);
	if (read(fds[0], &first, sizeof(first)) != sizeof(first))
		first = -1;
	close(fds[0]);
	if (first < 0 && pid > 0)
		waitpid(pid, &status, 0);
	return first;
}

/* By default a socket queues ten datagrams, and more than ten units start at once. The limit
 * belongs to the network namespace. */
static bool allow_many_datagrams(void)
{
	int fd;
	bool ok;

	if (unshare(CLONE_NEWNET))
		return false;
	fd = open("/proc/sys/net/unix/max_dgram_qlen", O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, DATAGRAMS, strlen(DATAGRAMS)) > 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static int journal_socket(const struct boot *b)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char path[PATH];
	int fd = allow_many_datagrams() ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;

	path_in(b, "journal", path);
	unlink(path);
	/* Shorter than 100 letters, since the caller's directory is in /tmp. */
	if (fd < 0 || strlen(path) >= sizeof(to.sun_path))
		return -1;
	strcpy(to.sun_path, path);
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) || chmod(path, 0666)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void receive(struct boot *b, int fd)
{
	ssize_t n;

	while (b->size - b->used > 4096 && (n = recv(fd, b->journal + b->used, 4000, 0)) >= 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (b->journal[b->used + (size_t)i] == '\n')
				b->journal[b->used + (size_t)i] = ' ';
		}
		b->used += (size_t)n;
		b->journal[b->used++] = '\n';
		b->journal[b->used] = 0;
	}
}

static void remove_cgroups(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	char sub[2 * PATH];

	while (d && (de = readdir(d))) {
		if (de->d_type != DT_DIR || *de->d_name == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);
		remove_cgroups(sub);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

/* In a process of its own, since it mounts. Killed processes leave their cgroups a little later. */
static void clean(const struct boot *b)
{
	char top[PATH], path[2 * PATH];
	pid_t pid = fork();

	if (pid) {
		waitpid(pid, NULL, 0);
		return;
	}
	path_in(b, "cgroup", top);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("cgroup2", top, "cgroup2", 0, NULL))
		_exit(1);
	snprintf(path, sizeof(path), "%s/dmem-host-%d", top, (int)getppid());
	for (int i = 0; i < 100 && !access(path, F_OK); i++) {
		remove_cgroups(path);
		usleep(POLL_MS * 1000);
	}
	_exit(0);
}

static int give_away(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return lchown(path, BOOT_USER, BOOT_USER);
}

bool boot_give_away(const char *dir)
{
	return !nftw(dir, give_away, 16, FTW_PHYS);
}

bool boot_copy(const char *from, const char *to)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/cp", "/bin/cp", from, to, NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status && !chmod(to, 0755);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

bool boot_run(struct boot *b)
{
	char done[PATH];
	double end = now() + b->seconds;
	int fd = journal_socket(b);
	bool ok = false;
	pid_t first;

	b->used = 0;
	b->journal[0] = 0;
	path_in(b, b->done, done);
	unlink(done);
	first = fd < 0 ? -1 : start(b);
	while (first > 0 && !ok && now() < end && !kill(first, 0)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		poll(&p, 1, POLL_MS);
		receive(b, fd);
		ok = !access(done, F_OK);
	}
	if (first > 0)
		kill(first, SIGKILL);
	while (first > 0 && waitpid(-1, NULL, 0) > 0)
		;
	if (fd >= 0) {
		receive(b, fd);
		close(fd);
	}
	clean(b);
	return ok;
}

const char *boot_problem(const char *systemd)
{
	int status;
	pid_t pid;

	if (geteuid())
		return "needs root";
	if (access(systemd, X_OK))
		return "no systemd on this machine";
	pid = fork();
	if (!pid) {
		if (unshare(NAMESPACES | CLONE_NEWCGROUP))
			_exit(1);
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("cgroup2", "/mnt", "cgroup2", 0, NULL))
			_exit(2);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return "cannot start a process";
	if (WEXITSTATUS(status) == 1)
		return "the kernel refuses new namespaces";
	return WEXITSTATUS(status) ? "the kernel refuses to mount cgroup2" : NULL;
}
