// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dmem_fd_owner.h"

int fd_owner(pid_t pid, int fd, struct dmem_owner *owner)
{
	char path[64], buf[DMEM_FILE_BUF], *line, *save, *end;
	int regions = 0, cgroups = 0, bad = 0, ret;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d",
		 (int)(pid ? pid : getpid()), fd);
	ret = read_text(path, buf, sizeof(buf));
	if (ret < 0)
		return ret;
	memset(owner, 0, sizeof(*owner));
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		/*
		 * The lines after it may belong to the name, which any process
		 * can set.
		 */
		if (!strncmp(line, "name:\t", 6))
			break;
		if (strncmp(line, "dmem_", 5))
			continue;
		if (!strncmp(line, "dmem_region:\t", 13)) {
			snprintf(owner->region, sizeof(owner->region), "%s",
				 line + 13);
			regions++;
		} else if (!strncmp(line, "dmem_cgroup:\t", 13)) {
			owner->cgroup = strtoull(line + 13, &end, 10);
			bad += *end || line[13] < '1' || line[13] > '9';
			cgroups++;
		} else {
			bad++;
		}
	}
	if (!regions && !cgroups && !bad)
		return -ENODATA;
	return regions == 1 && cgroups == 1 && !bad ? 0 : -EBADMSG;
}
