// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints the records of a history as text. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histlog.h"

#define LOG	(1 << 20)

struct log {
	char s[LOG];
	size_t len;
};

static int say(void *data, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int say(void *data, const char *fmt, ...)
{
	struct log *l = data;
	va_list ap;

	if (l->len >= LOG - 1)
		return 0;
	va_start(ap, fmt);
	l->len += (size_t)vsnprintf(l->s + l->len, LOG - l->len, fmt, ap);
	va_end(ap);
	return 0;
}

static int on_head(void *data, const struct hist_head *h)
{
	return say(data, "head %s wall=%" PRIu64 " mono=%" PRIu64 " every %" PRIu64 " page=%" PRIu64
		   " block=%" PRIu64 " buffers=%d\n", h->boot, h->wall, h->mono, h->interval,
		   h->page, h->block == DMEM_UNKNOWN ? 0 : h->block, h->buffers);
}

static int on_region(void *data, unsigned int region, const char *name)
{
	return say(data, "region %u '%s'\n", region, name);
}

static int on_cgroup(void *data, unsigned int cgroup, uint64_t life, const char *path)
{
	return say(data, "cgroup %u %" PRIu64 " '%s'\n", cgroup, life, path);
}

static int on_sample(void *data, uint64_t mono, uint64_t wall)
{
	return say(data, "sample %" PRIu64 " %" PRIu64 "\n", mono, wall);
}

static void say_figures(void *data, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] == DMEM_UNKNOWN)
			say(data, " ?");
		else if (v[i] == DMEM_NO_LIMIT)
			say(data, " none");
		else
			say(data, " %" PRIu64, v[i]);
	}
	say(data, "\n");
}

static int on_region_figures(void *data, unsigned int region, const uint64_t *v, size_t n)
{
	say(data, "r%u:", region);
	say_figures(data, v, n);
	return 0;
}

static int on_figures(void *data, unsigned int cgroup, unsigned int region, const uint64_t *v,
		      size_t n)
{
	say(data, "c%u r%u:", cgroup, region);
	say_figures(data, v, n);
	return 0;
}

static int on_gone(void *data, unsigned int cgroup)
{
	return say(data, "gone %u\n", cgroup);
}

static int on_buffer(void *data, uint64_t ino, int cgroup, unsigned int region, uint64_t size)
{
	return say(data, "buffer %" PRIu64 " c%d r%u %" PRIu64 "\n", ino, cgroup, region, size);
}

static int on_freed(void *data, uint64_t ino)
{
	return say(data, "freed %" PRIu64 "\n", ino);
}

static int on_end(void *data, uint64_t mono)
{
	return say(data, "end %" PRIu64 "\n", mono);
}

static int on_notes(void *data, uint64_t wall)
{
	return say(data, "notes %" PRIu64 "\n", wall);
}

static int on_node(void *data, const char *path)
{
	return say(data, "node '%s'\n", path);
}

static int on_property(void *data, const char *name, const void *value, size_t len)
{
	const unsigned char *v = value;

	say(data, "property %s", name);
	for (size_t i = 0; i < len; i++)
		say(data, " %u", v[i]);
	return say(data, "\n");
}

static int on_word(void *data, const char *word)
{
	return say(data, "word '%s'\n", word);
}

static int on_noted(void *data)
{
	return say(data, "noted\n");
}

static const char *known(const char *s)
{
	return s ? s : "?";
}

static int on_identity(void *data, uint64_t wall, const struct hist_identity *id)
{
	return say(data, "identity %" PRIu64 " %s machine=%s host=%s model=%s release=%s\n", wall, id->boot,
		   known(id->machine), known(id->host), known(id->model), known(id->release));
}

const struct hist_ops histlog_ops = {
	on_head, on_region, on_cgroup, on_sample, on_region_figures, on_figures, on_gone, on_buffer,
	on_freed, on_end, on_notes, on_node, on_property, on_word, on_noted,
	on_identity,
};

const char *histlog(const char *text, size_t len, struct hist_found *found)
{
	static struct log logs[2];
	static int n;
	struct log *l = &logs[n++ % 2];
	char *exact = malloc(len ? len : 1);

	/* A buffer of the exact size, so that a sanitizer detects each read behind it. */
	memcpy(exact, text, len);
	l->len = 0;
	l->s[0] = 0;
	if (hist_read(exact, len, &histlog_ops, l, found))
		say(l, "error\n");
	free(exact);
	return l->s;
}
