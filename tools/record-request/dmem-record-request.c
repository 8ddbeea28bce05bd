// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-record-request - request a sample of this service's use of device memory
 *
 * dmem-record-request [SOCKET]
 *
 * The command of ExecStopPost= in examples/dmem-record-stop.conf. It runs as the service's own user
 * and needs no privilege: the recorder finds the service by the credentials of the connection, and
 * no data is sent on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dmem/look.h"
#include "base/log.h"

#define SOCKET		"/run/dmem/record-now"
#define WAIT_MS		2000
#define NAP_MS		50

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits for one byte, the answer. 0 or a negative errno. */
static int ask(const char *path, int64_t deadline)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret = -ETIMEDOUT;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left;
	char byte;

	if (fd < 0)
		return -errno;
	memcpy(to.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	left = deadline - now_ms();
	if (left > 0 && poll(&p, 1, (int)left) > 0)
		ret = read(fd, &byte, 1) == 1 ? 0 : -ECONNRESET;
	close(fd);
	return ret;
}

/* The recorder's own service must not request a sample when it stops, since that would start it
 * again. */
static bool is_recorder(void)
{
	struct dmem_text t = { 0 };
	bool is = !dmem_read_at(AT_FDCWD, "/proc/self/cgroup", &t) &&
		strstr(t.s, "/dmem-record-now@");

	dmem_text_free(&t);
	return is;
}

int main(int argc, char **argv)
{
	const struct log log = { .name = "dmem-record-request" };
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };
	const char *path = argc > 1 ? argv[1] : SOCKET;
	int64_t deadline = now_ms() + WAIT_MS;
	int ret;

	if (argc > 2 || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return 2;
	if (is_recorder())
		return 0;
	/* systemd closes a connection at once if there are too many. */
	for (;;) {
		ret = ask(path, deadline);
		if ((ret != -ECONNRESET && ret != -EAGAIN) || now_ms() + NAP_MS >= deadline)
			break;
		nanosleep(&nap, NULL);
	}
	if (!ret)
		return 0;
	log_line(&log, LOG_WARNING, "%s: %s: the last peak of this service is not recorded: %s",
		 path,
		 strerror(-ret), ret == -ENOENT || ret == -ECONNREFUSED ?
		 "run systemctl enable --now dmem-record-now.socket" :
		 "see journalctl -u 'dmem-record-now@*'");
	return 1;
}
