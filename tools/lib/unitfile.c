// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading unit files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "units.h"

#define MAX_FILE	(1 << 20)

int dmem_units_open(const struct dmem_units *u, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK),
		.resolve = RESOLVE_IN_ROOT,
	};

	if (!*u->root)
		return open(path, (int)how.flags);
	return (int)syscall(SYS_openat2, u->root_fd, path, &how, sizeof(how));
}

int dmem_units_read(struct dmem_units *u, struct dmem_unit_file *f, char **text, size_t *len)
{
	int fd = dmem_units_open(u, f->path, 0), ret = 0;
	struct stat st;
	ssize_t n;

	*text = NULL;
	*len = 0;
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size) {
		f->empty = true;
		goto out;
	}
	if (st.st_size > MAX_FILE) {
		const struct dmem_report r = {
			f->path, 0, f->name, "is too large: its section does not count",
			"put the section into a drop-in",
		};

		u->report(u->report_data, &r);
		goto out;
	}
	*text = malloc((size_t)st.st_size);
	if (!*text) {
		ret = -ENOMEM;
		goto out;
	}
	n = read(fd, *text, (size_t)st.st_size);
	*len = n > 0 ? (size_t)n : 0;
out:
	close(fd);
	return ret;
}

int dmem_units_parse(struct dmem_units *u, struct dmem_unit_file *f, bool all)
{
	char *text;
	size_t len;
	int ret;

	if (f->state == PARSED || (f->state == WITHOUT_SECTION && !all))
		return 0;
	ret = dmem_units_read(u, f, &text, &len);
	f->state = WITHOUT_SECTION;
	if (!ret && (all || dmem_section_hint(text ? text : "", len))) {
		ret = dmem_section_parse(&u->arena, f->path, text ? text : "", len, u->report,
					 u->report_data, &f->section);
		f->state = PARSED;
	}
	free(text);
	return ret;
}
