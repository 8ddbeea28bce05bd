// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where messages go: to a journal of our own, with log.c built for names in this directory.
 *
 * test_log DIRECTORY
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"
#include "tap.h"

#ifndef JOURNAL
#define JOURNAL	"journal"
#endif

static int journal(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return -1;
	return fd;
}

static const char *received(int fd)
{
	static char text[4096];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return text;
}

int main(int argc, char **argv)
{
	struct log l = { .name = "prog" };
	int fd;

	if (argc != 2)
		return 2;
	tap_start();
	tap_dir(argv[1]);
	if (chdir(argv[1]))
		return 2;
	fd = journal();
	check(fd >= 0, "a journal", "there is none");
	log_line(&l, LOG_WARNING, "a\nPRIORITY=0 %s", "\xc2\x9b");
	check_text(received(fd), "PRIORITY=4\nSYSLOG_IDENTIFIER=prog\nMESSAGE=a?PRIORITY=0 ??\n", "one message, of one line");
	/* The kernel's log is first, and a container has none. */
	l.kmsg = 1;
	log_line(&l, LOG_ERR, "b");
	check_text(received(fd), "PRIORITY=3\nSYSLOG_IDENTIFIER=prog\nMESSAGE=b\n", "without a kernel's log");
	put("kmsg", "%s", "");
	log_line(&l, LOG_ERR, "c");
	check_text(received(fd), "PRIORITY=3\nSYSLOG_IDENTIFIER=prog\nMESSAGE=c\n", "a file in its place is none");
	check_text(get("kmsg"), "", "and is not written to");
	remove("kmsg");
	mkfifo("kmsg", 0666);
	/* No reader comes: an open that waits for one is ended. */
	alarm(5);
	log_line(&l, LOG_ERR, "c");
	alarm(0);
	check_text(received(fd), "PRIORITY=3\nSYSLOG_IDENTIFIER=prog\nMESSAGE=c\n", "a FIFO in its place holds nothing");
	l.file = "log";
	log_line(&l, LOG_ERR, "d");
	check_text(get("log"), "<3>prog: d\n", "a file");
	check_text(received(fd), "", "and nowhere else");
	close(fd);
	return tap_end();
}
