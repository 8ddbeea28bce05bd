// SPDX-License-Identifier: GPL-2.0-or-later
/* Follows links of the unit search path. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "units.h"

#define MAX_LINKS	32

/* Reads the link @path, whose parents are no links. Returns its length, 0 if it is no link, or a
 * negative errno. */
static ssize_t target_of(const struct dmem_units *u, const char *path, char *to, size_t size)
{
	struct stat st;
	ssize_t n;

	path++;
	if (fstatat(u->sys.root, path, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return 0;
	n = readlinkat(u->sys.root, path, to, size - 1);
	to[n > 0 ? n : 0] = 0;
	return n < 0 ? -errno : n;
}

const char *dmem_units_chase(struct dmem_units *u, const char *path)
{
	const char *done = "", *rest = path;
	int links = 0;

	for (;;) {
		const char *name = rest + strspn(rest, "/"), *slash, *full;
		size_t len = strcspn(name, "/");
		char to[4096];
		ssize_t n;

		rest = name + len;
		if (!len)
			return *done ? done : "/";
		if (len == 1 && *name == '.')
			continue;
		if (len == 2 && !strncmp(name, "..", 2)) {
			slash = strrchr(done, '/');
			done = slash ? dmem_strndup(&u->arena, done, (size_t)(slash - done)) : "";
			if (!done)
				return NULL;
			continue;
		}
		full = dmem_printf(&u->arena, "%s/%.*s", done, (int)len, name);
		if (!full)
			return NULL;
		n = target_of(u, full, to, sizeof(to));
		if (n == -ENOENT)
			return strstr(rest, "/.") ? NULL : dmem_printf(&u->arena, "%s%s", full, rest);
		/* The last part of the path is not followed. */
		if (n < 0 || (n && rest[strspn(rest, "/")] && ++links > MAX_LINKS))
			return NULL;
		if (!n || !rest[strspn(rest, "/")]) {
			done = full;
			continue;
		}
		if (*to == '/')
			done = "";
		rest = dmem_printf(&u->arena, "%s/%s", to, rest);
		if (!rest)
			return NULL;
	}
}
