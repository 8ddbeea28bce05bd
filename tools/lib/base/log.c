// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes one line to the journal, or to the kernel's log if there is no journal. */
#include <fcntl.h>
#include <linux/major.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "dmem/dmem.h"
#include "log.h"

#ifndef JOURNAL
#define JOURNAL	"/run/systemd/journal/socket"
#define KMSG	"/dev/kmsg"
#endif
/* The kernel cuts longer lines. */
#define KMSG_MAX	1024
#define KMSG_MINOR	11

/* Connected, so that write() is enough. */
static int open_journal(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void journal_message(char *msg, size_t size, const char *name, int priority, const char *text)
{
	snprintf(msg, size, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=%s\n", priority, name, text);
}

static int to_journal(const char *name, int priority, const char *text)
{
	char msg[2048];
	ssize_t n;
	int fd = open_journal();

	if (fd < 0)
		return -1;
	journal_message(msg, sizeof(msg), name, priority, text);
	n = send(fd, msg, strlen(msg), MSG_NOSIGNAL);
	close(fd);
	return n < 0 ? -1 : 0;
}

static bool is_kmsg(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(MEM_MAJOR, KMSG_MINOR);
}

static int open_file(const char *path, int flags)
{
	/* The file may be a FIFO: do not wait until another process reads it. */
	int wait = flags & O_CREAT ? 0 : O_NONBLOCK;
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | wait | flags, 0644);

	/* A bind mount of the unit may have hidden the device by another file of root. */
	if (fd >= 0 && !(flags & O_CREAT) && !is_kmsg(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int to_file(const char *path, int flags, const char *line)
{
	int fd = open_file(path, flags);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, line, strlen(line));
	close(fd);
	return n < 0 ? -1 : 0;
}

int log_prepare(const struct log *l, int priority, const char *text, char *msg, size_t size)
{
	int fd;

	snprintf(msg, size, "<%d>%s: %s\n", priority, l->name, text);
	if (l->file)
		return open_file(l->file, O_APPEND | O_CREAT);
	fd = open_journal();
	if (fd < 0)
		return open_file(KMSG, 0);
	journal_message(msg, size, l->name, priority, text);
	return fd;
}

void log_line(const struct log *l, int priority, const char *fmt, ...)
{
	char text[1500], line[1700];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* The text may come from a file: escape line ends and control characters. */
	dmem_make_printable(text);
	if (l->console) {
		fprintf(stderr, "%s: %s\n", l->name, text);
		return;
	}
	if (l->file) {
		snprintf(line, sizeof(line), "<%d>%s: %s\n", priority, l->name, text);
		to_file(l->file, O_APPEND | O_CREAT, line);
		return;
	}
	if (!l->kmsg && !to_journal(l->name, priority, text))
		return;
	n = snprintf(line, KMSG_MAX, "<%d>%s[%d]: %s\n", priority, l->name, (int)getpid(), text);
	if (n >= KMSG_MAX)
		line[KMSG_MAX - 2] = '\n';
	/* A container has no kernel log. */
	if (to_file(KMSG, 0, line) && l->kmsg)
		to_journal(l->name, priority, text);
}
