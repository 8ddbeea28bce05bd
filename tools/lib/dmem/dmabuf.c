// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses the descriptions of dma-bufs in /proc and debugfs. */
#include <stdlib.h>
#include <string.h>

#include "look.h"

#define UNKNOWN	((struct dmem_dmabuf){ .ino = DMEM_UNKNOWN, .size = DMEM_UNKNOWN, \
				       .cgroup = DMEM_UNKNOWN })

bool dmem_is_dmabuf(const char *file)
{
	return !strncmp(file, "/dmabuf:", strlen("/dmabuf:"));
}

/* Decimal digits only; leading zeros are allowed. */
static uint64_t number(const char *s)
{
	uint64_t n = dmem_number(s);

	return n == DMEM_NO_LIMIT ? DMEM_UNKNOWN : n;
}

static char *cut(char **text, char at)
{
	char *s = *text, *end = strchr(s, at);

	*text = end ? end + 1 : s + strlen(s);
	if (end)
		*end = 0;
	return s;
}

bool dmem_dmabuf_fdinfo(char *text, struct dmem_dmabuf *d)
{
	*d = UNKNOWN;
	while (*text) {
		char *value = cut(&text, '\n'), *key = cut(&value, '\t');

		if (!strcmp(key, "ino:")) {
			d->ino = number(value);
		} else if (!strcmp(key, "size:")) {
			d->size = number(value);
		} else if (!strcmp(key, "exp_name:")) {
			d->exporter = value;
		} else if (!strcmp(key, "dmem_region:")) {
			d->region = value;
		} else if (!strcmp(key, "dmem_cgroup:")) {
			d->cgroup = number(value);
		} else if (!strcmp(key, "name:")) {
			/* Holders choose this name, and it may contain line ends: all keys of the
			 * kernel come before it. */
			d->name = value;
			break;
		}
	}
	return d->ino != DMEM_UNKNOWN && d->size != DMEM_UNKNOWN && d->exporter;
}

static const char *next_field(const char *s)
{
	s += strcspn(s, " ");
	return s + strspn(s, " ");
}

bool dmem_dmabuf_map(const char *line, uint64_t *ino, uint64_t *dev)
{
	const char *s = line;
	char *end;

	/* from-to, permissions, offset */
	for (int i = 0; i < 3; i++)
		s = next_field(s);
	if (strtoul(s, &end, 16) || *end != ':' || end == s)
		return false;
	*dev = strtoul(end + 1, &end, 16);
	if (*end != ' ')
		return false;
	s = next_field(s);
	*ino = number(s);
	return *ino != DMEM_UNKNOWN && dmem_is_dmabuf(next_field(s));
}

/* Reads the owner from the two lines behind a buffer's line. Holders choose the buffer's name, and
 * it may contain line ends. It has room for 31 bytes: too few for both lines with a region, whose
 * name has a slash. */
static void next_owner(char **text, struct dmem_dmabuf *d)
{
	static const char of_region[] = "dmem_region:\t", of_cgroup[] = "dmem_cgroup:\t";
	char *region = *text, *cgroup = strchr(region, '\n');

	if (!cgroup || strncmp(region, of_region, strlen(of_region)) ||
	    strncmp(cgroup + 1, of_cgroup, strlen(of_cgroup)))
		return;
	region = cut(text, '\n') + strlen(of_region);
	d->cgroup = number(cut(text, '\n') + strlen(of_cgroup));
	if (!strchr(region, '/'))
		d->cgroup = DMEM_UNKNOWN;
	d->region = d->cgroup == DMEM_UNKNOWN ? NULL : region;
}

bool dmem_dmabuf_next(char **text, struct dmem_dmabuf *d)
{
	while (**text) {
		char *line = cut(text, '\n');

		*d = UNKNOWN;
		d->size = number(cut(&line, '\t'));
		/* flags, mode, count */
		for (int i = 0; i < 3; i++)
			cut(&line, '\t');
		d->exporter = cut(&line, '\t');
		d->ino = number(cut(&line, '\t'));
		if (d->size == DMEM_UNKNOWN || d->ino == DMEM_UNKNOWN || !*line)
			continue;
		d->name = strcmp(line, "<none>") ? line : NULL;
		next_owner(text, d);
		return true;
	}
	return false;
}
