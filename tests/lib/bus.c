// SPDX-License-Identifier: GPL-2.0-or-later
/* Starts a system bus for a test, and a minimal systemd on it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "bus.h"

static pid_t start(const char * const *argv)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	/* Ends with the test, even if that is killed. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	execv(argv[0], (char **)argv);
	_exit(127);
}

static bool wait_until(bool (*what)(void))
{
	for (int i = 0; i < 500; i++) {
		if (what())
			return true;
		usleep(20000);
	}
	return false;
}

static bool has_socket(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), ret;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", tap_path("bus"));
	ret = connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return !ret;
}

static bool is_ready(void)
{
	return strstr(get("calls"), "ready") != NULL;
}

bool bus_start(struct bus *b, const char *how)
{
	char config[4200], calls[4096], address[4200];
	const char *daemon[] = { b->daemon, config, "--nofork", "--nopidfile", NULL };
	const char *manager[] = { b->manager, calls, how, NULL };

	b->manager_pid = -1;
	snprintf(config, sizeof(config), "--config-file=%s", tap_path("bus.conf"));
	snprintf(calls, sizeof(calls), "%s", tap_path("calls"));
	snprintf(address, sizeof(address), "unix:path=%s", tap_path("bus"));
	unlink(tap_path("bus"));
	put("calls", "%s", "");
	put("bus.conf",
	    "<busconfig>\n<type>system</type>\n<listen>%s</listen>\n<auth>EXTERNAL</auth>\n"
	    "<policy context=\"default\">\n<allow user=\"*\"/>\n<allow own=\"*\"/>\n<allow "
	    "send_type=\"*\"/>\n"
	    "<allow receive_type=\"*\"/>\n</policy>\n</busconfig>\n",
	    address);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	b->daemon_pid = start(daemon);
	if (!wait_until(has_socket))
		return false;
	if (!strcmp(how, "none"))
		return true;
	b->manager_pid = start(manager);
	return wait_until(is_ready);
}

static void stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

void bus_stop(struct bus *b)
{
	stop(b->manager_pid);
	stop(b->daemon_pid);
	b->manager_pid = b->daemon_pid = -1;
	unlink(tap_path("bus"));
}
