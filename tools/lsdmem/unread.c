// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages about files that could not be read, and about cgroups that cannot be seen. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lsdmem.h"

#define DEBUGFS	"sys/kernel/debug/"

void unread_note(void *data, const char *path, int err)
{
	struct unread *u = &((struct lsdmem *)data)->unread;

	/* Most users have no access to debugfs: name the missing columns, not the path. */
	if (!strncmp(path, DEBUGFS, strlen(DEBUGFS)) && (err == EACCES || err == EPERM)) {
		u->debug = strstr(path, "/dma_buf/") ? "buffers that no process holds" : "LARGEST";
		return;
	}
	if (u->err) {
		u->more++;
		return;
	}
	u->err = err;
	snprintf(u->path, sizeof(u->path), "%s", path);
}

void unseen_say(const struct lsdmem *l)
{
	if (l->inner && l->limits)
		cli_error(&l->cli, "in a cgroup namespace, as in a container: LIMIT is the lowest limit that "
			  "is seen here; cgroups above may have a lower one, which cannot be seen");
}

void unread_say(const struct lsdmem *l)
{
	const struct unread *u = &l->unread;
	const char *sep = "";
	char text[1024], more[64] = "";
	size_t len = 0;

	if (!u->err && !u->debug && !u->processes)
		return;
	if ((u->debug || u->processes) && geteuid())
		len += (size_t)snprintf(text + len, sizeof(text) - len, "not root: ");
	if (u->processes) {
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"some processes cannot be read");
		sep = "; ";
	}
	if (u->debug) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s need%s debugfs", sep,
					u->debug, strcmp(u->debug, "LARGEST") ? "" : "s");
		sep = "; ";
	}
	if (u->more)
		snprintf(more, sizeof(more), ", and %u more file%s", u->more,
			 u->more > 1 ? "s" : "");
	if (u->err)
		snprintf(text + len, sizeof(text) - len, "%scannot read /%s: %s%s", sep, u->path,
			 strerror(u->err), more);
	cli_error(&l->cli, "%s", text);
}
