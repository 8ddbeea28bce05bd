// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads unit files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "units.h"

#define MAX_FILE	(1 << 20)

int dmem_units_open(const struct dmem_units *u, const char *path, int flags)
{
	return dmem_sys_open_any(&u->sys, path, flags | O_NONBLOCK);
}

void dmem_units_report(struct dmem_units *u, const char *file, const char *word, const char *what,
		       const char *remedy)
{
	const struct dmem_report r = { file, 0, word, what, remedy, false };

	if (u->report && file && what && remedy)
		u->report(u->report_data, &r);
}

const char *dmem_file_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return "directory";
	case S_IFIFO: return "FIFO";
	case S_IFSOCK: return "socket";
	case S_IFCHR:
	case S_IFBLK: return "device";
	default: return "file";
	}
}

static void unreadable(struct dmem_units *u, struct dmem_unit_file *f, const char *what, const char *remedy)
{
	/* A file is read up to two times, but reported once. */
	if (!f->unreadable)
		dmem_units_report(u, f->path, f->name, what, remedy);
	f->unreadable = true;
}

/* True if the file has a text. An empty file and any device mask the unit for systemd. */
static bool has_text(struct dmem_units *u, struct dmem_unit_file *f, const struct stat *st)
{
	if (S_ISREG(st->st_mode) && st->st_size > MAX_FILE) {
		unreadable(u, f, "is too large, so its section is ignored",
			   "put the section into a drop-in");
		return false;
	}
	if (S_ISREG(st->st_mode) && st->st_size)
		return true;
	f->masks = S_ISREG(st->st_mode) || S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
	if (!f->masks)
		unreadable(u, f, dmem_printf(&u->arena, "is a %s, which systemd cannot read",
					     dmem_file_type(st->st_mode)), "replace it by a file");
	return false;
}

static int read_text(int fd, size_t size, char **text, size_t *len)
{
	ssize_t n = 1;

	*text = malloc(size);
	if (!*text)
		return -ENOMEM;
	while (*len < size && n > 0) {
		n = read(fd, *text + *len, size - *len);
		*len += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? -errno : 0;
}

int dmem_units_read(struct dmem_units *u, struct dmem_unit_file *f, char **text, size_t *len)
{
	int fd = dmem_units_open(u, f->path, 0), ret = 0;
	struct stat st;

	*text = NULL;
	*len = 0;
	if (fd < 0)
		ret = fd;
	else if (fstat(fd, &st))
		ret = -errno;
	else if (has_text(u, f, &st))
		ret = read_text(fd, (size_t)st.st_size, text, len);
	if (fd >= 0)
		close(fd);
	if (!ret || ret == -ENOMEM)
		return ret;
	/* systemd ignores a dangling link. */
	if (ret == -ENOENT)
		return 0;
	/* A socket cannot be opened. */
	unreadable(u, f, dmem_printf(&u->arena, "cannot be read: %s", strerror(-ret)),
		   "make it readable for root");
	free(*text);
	*text = NULL;
	*len = 0;
	return 0;
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
