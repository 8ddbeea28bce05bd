// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses files of the controller: "region 4096", or "region key=1 other=2". */
#include <string.h>

#include "look.h"

static const struct {
	const char *file, *key;
} figures[DMEM_FIGURES] = {
	[DMEM_F_CURRENT] = { "dmem.current", NULL },
	[DMEM_F_PEAK] = { "dmem.peak", NULL },
	[DMEM_F_MIN] = { "dmem.min", NULL },
	[DMEM_F_LOW] = { "dmem.low", NULL },
	[DMEM_F_MAX] = { "dmem.max", NULL },
	[DMEM_F_EV_MAX] = { "dmem.events", "max" },
	[DMEM_F_EV_ALLOC_FAIL] = { "dmem.events", "alloc_fail" },
	[DMEM_F_EV_EXHAUSTED] = { "dmem.events", "exhausted" },
	[DMEM_F_EV_RESERVED] = { "dmem.events", "reserved" },
	[DMEM_F_LOCAL] = { "dmem.stat", "local" },
	[DMEM_F_DYING] = { "dmem.stat", "dying" },
	[DMEM_F_RESERVED] = { "dmem.stat", "reserved" },
	[DMEM_F_COMMITTED] = { "dmem.stat", "committed" },
};

const char *dmem_figure_file(enum dmem_figure f)
{
	return figures[f].file;
}

const char *dmem_figure_key(enum dmem_figure f)
{
	return figures[f].key;
}

bool dmem_next_line(char **text, char **region, char **rest)
{
	while (**text) {
		char *line = *text, *end = strchrnul(line, '\n'), *blank;

		*text = *end ? end + 1 : end;
		*end = 0;
		blank = memchr(line, ' ', (size_t)(end - line));
		if (!blank || blank == line)
			continue;
		*blank = 0;
		*region = line;
		*rest = blank + 1;
		return true;
	}
	return false;
}

/* The number at the start of @s. It must end at the end of a word. */
static uint64_t number(const char *s)
{
	uint64_t n = 0;

	if (*s < '0' || *s > '9')
		return DMEM_UNKNOWN;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return DMEM_UNKNOWN;
	}
	return *s && *s != ' ' && *s != '\n' ? DMEM_UNKNOWN : n;
}

uint64_t dmem_number(const char *s)
{
	if (!strncmp(s, "max", 3) && (!s[3] || s[3] == '\n'))
		return DMEM_NO_LIMIT;
	return number(s);
}

uint64_t dmem_keyed_number(const char *rest, const char *key)
{
	size_t len = strlen(key);

	while (*rest) {
		if (!strncmp(rest, key, len) && rest[len] == '=')
			return number(rest + len + 1);
		rest += strcspn(rest, " ");
		rest += strspn(rest, " ");
	}
	return DMEM_UNKNOWN;
}
