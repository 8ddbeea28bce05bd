// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A library of a unit's user. In each process that loads it, it writes a line with
 * the process's uid and name to the file "ran" beside itself.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* For LD_AUDIT. */
unsigned int la_version(unsigned int version);

unsigned int la_version(unsigned int version)
{
	return version;
}

__attribute__((constructor)) static void ran(void)
{
	char path[4096], line[100], comm[17] = "";
	const char *slash;
	Dl_info info;
	int fd;

	if (!dladdr((void *)la_version, &info))
		return;
	slash = strrchr(info.dli_fname, '/');
	snprintf(path, sizeof(path), "%.*s/ran", slash ? (int)(slash - info.dli_fname) : 1,
		 slash ? info.dli_fname : ".");
	prctl(PR_GET_NAME, comm);
	snprintf(line, sizeof(line), "uid=%u comm=%s\n", getuid(), comm);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, line, strlen(line)) < 0)
		_exit(126);
	close(fd);
}
