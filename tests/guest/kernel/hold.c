// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#include "hold.h"
#include "media.h"

#define MODULE	"dmem_hold"
#define PARAMS	"/sys/module/" MODULE "/parameters"

int hold_load(void)
{
	int ret = module_load(MODULE, "");

	return ret == -EEXIST ? 0 : ret;
}

int hold_unload(void)
{
	return module_unload(MODULE);
}

int hold_open(void)
{
	int wait, fd;

	/* udev may take its time. */
	for (wait = 0; wait < 50; wait++) {
		fd = open("/dev/" MODULE, O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		sleep_ms(20);
	}
	return -errno;
}

pid_t hold_notify(const char *cg)
{
	const char *path = cg + strlen(cgroup2_mount());
	pid_t pid = fork();
	int fd, ret;

	if (pid)
		return pid;
	fd = hold_open();
	ret = fd < 0 || write(fd, path, strlen(path)) > 0 ? 0 : -errno;
	/* It is not to be held in its exit as well. */
	close(fd);
	if (ret == -EOPNOTSUPP)
		_exit(HOLD_LOCKED);
	if (fd < 0 || (ret && ret != -EBUSY))
		_exit(HOLD_FAILED);
	_exit(ret ? HOLD_ARMED : HOLD_NOT_ARMED);
}

pid_t hold_wait(void)
{
	int wait;

	for (wait = 0; wait < 1000; wait++) {
		char text[32];

		if (read_text(PARAMS "/held", text, sizeof(text)) > 0 && atoi(text))
			return atoi(text);
		sleep_ms(10);
	}
	return 0;
}

int hold_end(pid_t pid)
{
	int ret = cg_write(PARAMS, "held", "0");

	return ret ? ret : wait_exit(pid);
}
