// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe - the program of test services: executes its words one after the other
 *
 * HEAP=MIB	allocates a buffer, and prints "HEAP=MIB ERRNO"
 * caps		prints its cgroup, and the limits there
 * read:PATH	prints "read:PATH ERRNO": tries to read the file
 * lift:REGION	prints "lift:REGION ERRNO": tries to remove its cgroup's limit
 * usage:REGION	prints "usage:REGION BYTES" from dmem.current of /sys/fs/cgroup
 * find:PATH	prints "find:PATH NUMBER": the number of files of that name in the
 *		directory and below
 * mount:DIR	prints "mount:DIR ERRNO": tries to mount a cgroup file system
 * leak		gives all its buffers to the service manager, to be kept
 * ready	tells the service manager that it has started
 * hold		waits for a signal
 * crash	dies by a signal
 * fail		ends with exit code 1
 * cat		copies its input to its output
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/dma-heap.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUFFERS	64

static int buffer[BUFFERS], n_buffers;

/* One write per line: other processes may write to the same file. */
static void say(const char *a, const char *b)
{
	char line[1000];
	int n = snprintf(line, sizeof(line), "%s%s\n", a, b);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(3);
}

static void say_error(const char *word, int err)
{
	char number[16];

	snprintf(number, sizeof(number), " %d", err);
	say(word, number);
}

static void take(const char *word)
{
	char path[300];
	const char *eq = strrchr(word, '=');
	struct dma_heap_allocation_data data = {
		.len = strtoull(eq + 1, NULL, 10) << 20,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int fd, err = 0;

	snprintf(path, sizeof(path), "/dev/dma_heap/%.*s", (int)(eq - word), word);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, DMA_HEAP_IOCTL_ALLOC, &data))
		err = errno;
	else if (n_buffers < BUFFERS)
		buffer[n_buffers++] = (int)data.fd;
	if (fd >= 0)
		close(fd);
	say_error(word, err);
}

static void print_limits(void)
{
	char line[600], path[700];
	FILE *f = fopen("/proc/self/cgroup", "r");

	if (!f || !fgets(line, sizeof(line), f) || strncmp(line, "0::", 3))
		_exit(4);
	fclose(f);
	line[strcspn(line, "\n")] = 0;
	say("cgroup ", line + 3);
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/dmem.max", line + 3);
	f = fopen(path, "r");
	if (!f) {
		say("max ", strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (strcmp(strrchr(line, ' '), " max"))
			say("max ", line);
	}
	fclose(f);
}

static void try_read(const char *word)
{
	int fd = open(strchr(word, ':') + 1, O_RDONLY | O_CLOEXEC);
	char c;

	say_error(word, fd < 0 || read(fd, &c, 1) < 0 ? errno : 0);
	if (fd >= 0)
		close(fd);
}

/* In a cgroup namespace its own cgroup is the root. */
static void try_lift(const char *word)
{
	int fd = open("/sys/fs/cgroup/dmem.max", O_WRONLY | O_CLOEXEC);

	say_error(word, fd < 0 || dprintf(fd, "%s max\n", strchr(word, ':') + 1) < 0 ? errno : 0);
	if (fd >= 0)
		close(fd);
}

static void usage(const char *word)
{
	const char *region = strchr(word, ':') + 1, *number = NULL;
	char line[600], text[700];
	size_t len = strlen(region);
	FILE *f = fopen("/sys/fs/cgroup/dmem.current", "r");

	while (f && !number && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, region, len) && line[len] == ' ')
			number = line + len + 1;
	}
	if (f)
		fclose(f);
	snprintf(text, sizeof(text), "%s %s", word, number ? number : "-");
	say(text, "");
}

/* nftw() cannot pass these to its callback. */
static const char *wanted;
static int found;

static int look(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	found += type == FTW_F && !strcmp(path + at->base, wanted);
	return 0;
}

static void find(const char *word)
{
	char dir[600];
	const char *slash = strrchr(word, '/');

	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - word - 5), word + 5);
	wanted = slash + 1;
	found = 0;
	if (nftw(dir, look, 16, FTW_PHYS))
		found = -1;
	say_error(word, found);
}

static void try_mount(const char *word)
{
	say_error(word, mount("cgroup2", strchr(word, ':') + 1, "cgroup2", 0, NULL) ? errno : 0);
}

/* Like sd_pid_notify_with_fds(). */
static void notify(const char *text, int *fds, int n)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	struct iovec iov = { (void *)text, strlen(text) };
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(buffer))];
	} control = { .h = { CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr msg = { .msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1 };
	size_t len = path ? strlen(path) : 0;
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!len || len >= sizeof(to.sun_path))
		_exit(5);
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = 0;
	msg.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (n) {
		memcpy(CMSG_DATA(&control.h), fds, n * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	if (sendmsg(s, &msg, 0) < 0)
		_exit(6);
	close(s);
}

static void copy(void)
{
	char buf[512];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0) {
		if (write(STDOUT_FILENO, buf, (size_t)n) != n)
			_exit(7);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *w = argv[i];

		if (strchr(w, '='))
			take(w);
		else if (!strncmp(w, "read:", 5))
			try_read(w);
		else if (!strncmp(w, "lift:", 5))
			try_lift(w);
		else if (!strncmp(w, "usage:", 6))
			usage(w);
		else if (!strncmp(w, "find:/", 6))
			find(w);
		else if (!strncmp(w, "mount:", 6))
			try_mount(w);
		else if (!strcmp(w, "caps"))
			print_limits();
		else if (!strcmp(w, "leak"))
			notify("FDSTORE=1", buffer, n_buffers);
		else if (!strcmp(w, "ready"))
			notify("READY=1", NULL, 0);
		else if (!strcmp(w, "cat"))
			copy();
		else if (!strcmp(w, "crash"))
			abort();
		else if (!strcmp(w, "fail"))
			return 1;
		else if (!strcmp(w, "hold"))
			pause();
		else
			return 2;
	}
	return 0;
}
