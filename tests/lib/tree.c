// SPDX-License-Identifier: GPL-2.0-or-later
/* Random trees of units, and the limits in them by a simple reader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

/* All names are without the tree's prefix. */
static const char * const services[] = {
	"a.service", "a-b.service", "a-b-c.service", "a--b.service", "-a-b.service", "t@.service",
	"t@x.service", "t-u@.service", "t-u@x.service", "t-u@y-z.service", "w.service",
};

static const char * const slices[] = {
	"a.slice", "a-b.slice", "a-b-c.slice", "d.slice", "e-f.slice",
};

static const char * const aliases[][2] = {
	{ "al.service", "a.service" }, { "a-l-s.service", "w.service" },
	{ "x-b.service", "a-b-c.service" }, { "t-v@.service", "t@.service" },
	{ "o-p@q.service", "t-u@.service" }, { "al2.service", "al.service" },
	{ "t@x.service", "t@.service" },
};

/* Names of types have no prefix either. */
static const char * const service_levels[] = {
	"service", "a-.service", "a-b-.service", "a--.service", "t-.service", "t-@.service",
	"t-@x.service", "x-.service", "o-.service", "o-p@.service", "a-l-.service", "t-u@.service",
	"t@.service", "al.service", "t-v@.service", "t-v@x.service", "a-l-s.service", "t@x.service",
	"t-v@k.service",
	"a.service", "a-b.service", "a-b-c.service", "w.service", "t-u@x.service", "a--b.service",
};

static const char * const slice_levels[] = {
	"slice", "a-.slice", "a-b-.slice", "a.slice", "a-b.slice", "a-b-c.slice", "d.slice",
	"e-.slice", "e-f.slice", "e-f-.slice",
};

static const char * const wanted[] = {
	"a.service", "a-b.service", "a-b-c.service", "a--b.service", "-a-b.service", "t@x.service",
	"t@n.service", "t-u@x.service", "t-u@y-z.service", "t-u@n.service", "w.service",
	"al.service", "a-l-s.service", "x-b.service", "t-v@x.service", "t-v@k.service",
	"o-p@q.service", "al2.service",
};

/* ... and these have no file. */
static const char * const wanted_slices[] = { "a-n.slice", "a-b-n.slice", "n.slice" };

static const char * const names[] = { "10-a.conf", "50-b.conf", "90-c.conf", "zzz.conf" };

/* In the guest, a drop-in for a type applies to all units that start at the same time, and each of
 * them would wait for a missing region. */
static const char * const regions[TREE_REGIONS] = {
	"cma/camera@64000000", "cma/display@60000000", "cma/linux,cma", "heap/system",
};

static const char * const keys[TREE_KINDS] = {
	"DeviceMemoryMax", "DeviceMemoryMin", "DeviceMemoryLow",
};

static const char * const options[TREE_KINDS] = { "max", "min", "low" };

static int pick(int n)
{
	return rand() % n;
}

static struct tree_file *new_file(struct tree *t, int d, const char *unit, const char *conf)
{
	struct tree_file *f = &t->file[t->n++];
	bool type = !strchr(unit, '.');

	if (t->n > TREE_FILES)
		abort();
	snprintf(f->path, sizeof(f->path), "%s/%s%s%s%s", t->dir[d], type ? "" : t->prefix, unit,
		 conf ? ".d/" : "", conf ? conf : "");
	f->link = false;
	*f->text = 0;
	return f;
}

static void new_link(struct tree *t, int d, const char *unit, const char *conf, const char *to)
{
	struct tree_file *f = new_file(t, d, unit, conf);

	snprintf(f->text, sizeof(f->text), "%s%s", *to == '/' ? "" : t->prefix, to);
	f->link = true;
}

static void line(struct tree_file *f, const char *text)
{
	if (strlen(f->text) + strlen(text) >= sizeof(f->text))
		abort();
	strcat(f->text, text);
}

/* Makes the content of a file: nothing, limits, or a reset first. */
static void content(struct tree_file *f, bool service, bool may_be_strict)
{
	char text[100];
	int kind;

	if (service)
		line(f, "[Service]\nExecStart=/bin/true\n");
	if (!pick(3))
		return;
	line(f, "[X-Dmem]\n");
	for (kind = 0; kind < TREE_KINDS; kind++) {
		if (pick(kind ? 8 : 4))
			continue;
		snprintf(text, sizeof(text), "%s=\n", keys[kind]);
		line(f, text);
	}
	for (int i = pick(3); i; i--) {
		kind = pick(3) ? 0 : pick(TREE_KINDS);
		snprintf(text, sizeof(text), "%s=%s %dT\n", keys[kind], regions[pick(TREE_REGIONS)],
			 1 + pick(1000));
		line(f, text);
	}
	if (may_be_strict && !pick(6))
		line(f, pick(3) ? "DeviceMemoryStrict=yes\n" : "DeviceMemoryStrict=no\n");
}

/* The last directory has most of the units, and the others hide some of them. */
static void add_units(struct tree *t, int d, const char * const *unit, size_t n, bool service)
{
	for (size_t i = 0; i < n; i++) {
		if (d < t->n_dirs - 1 ? pick(8) : !pick(8))
			continue;
		if (!pick(12))
			new_link(t, d, unit[i], NULL, "/dev/null");
		else
			content(new_file(t, d, unit[i], NULL), service, true);
	}
}

static bool is_there(const struct tree *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!strcmp(t->file[i].path, path))
			return true;
	}
	return false;
}

static void add_aliases(struct tree *t, int d)
{
	for (size_t i = 0; i < COUNT(aliases); i++) {
		char path[160];

		snprintf(path, sizeof(path), "%s/%s%s", t->dir[d], t->prefix, aliases[i][0]);
		if (!pick(t->n_dirs) && !is_there(t, path))
			new_link(t, d, aliases[i][0], NULL, aliases[i][1]);
	}
}

static void add_dropins(struct tree *t, int d, const char * const *level, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = names[pick(COUNT(names))];
		bool type = !strchr(level[i], '.');

		if (pick(type ? 3 : t->n_dirs + 1) || (type && !t->types))
			continue;
		if (!pick(8))
			new_link(t, d, level[i], name, "/dev/null");
		else
			content(new_file(t, d, level[i], name), false, !type);
	}
}

void tree_make(struct tree *t, unsigned int seed)
{
	srand(seed);
	t->n = 0;
	for (int d = 0; d < t->n_dirs; d++) {
		add_units(t, d, services, COUNT(services), true);
		add_aliases(t, d);
		add_dropins(t, d, service_levels, COUNT(service_levels));
		if (!t->slices)
			continue;
		add_units(t, d, slices, COUNT(slices), false);
		add_dropins(t, d, slice_levels, COUNT(slice_levels));
	}
}

const char *tree_unit(const struct tree *t, size_t i, char name[TREE_NAME])
{
	const char *unit = NULL;

	if (i < COUNT(wanted))
		unit = wanted[i];
	else if (t->slices && i - COUNT(wanted) < COUNT(slices))
		unit = slices[i - COUNT(wanted)];
	else if (t->slices && i - COUNT(wanted) - COUNT(slices) < COUNT(wanted_slices))
		unit = wanted_slices[i - COUNT(wanted) - COUNT(slices)];
	if (!unit)
		return NULL;
	snprintf(name, TREE_NAME, "%s%s", t->prefix, unit);
	return name;
}

static int region_of(const char *name)
{
	for (int r = 0; r < TREE_REGIONS; r++) {
		if (!strcmp(name, regions[r]))
			return r;
	}
	return -1;
}

void tree_read(const char *path, struct tree_limits *limits)
{
	char text[200], key[32], region[64], value[8];
	FILE *f = fopen(path, "r");

	while (f && fgets(text, sizeof(text), f)) {
		int n = 0, words = sscanf(text, "%31[^=]=%63s %dT", key, region, &n);

		for (int k = 0; k < TREE_KINDS; k++) {
			if (words < 1 || strcmp(key, keys[k]))
				continue;
			if (words == 3)
				limits->n[k][region_of(region)] = n;
			else
				memset(limits->n[k], 0, sizeof(limits->n[k]));
		}
		if (sscanf(text, "DeviceMemoryStrict=%7s", value) == 1)
			limits->strict = !strcmp(value, "yes");
	}
	if (f)
		fclose(f);
}

bool tree_given(const char *command, struct tree_limits *limits)
{
	const char *p;

	memset(limits, 0, sizeof(*limits));
	for (p = strstr(command, "--"); p; p = strstr(p + 2, "--")) {
		char option[8], region[64];
		int n, k = 0, r;

		/* Some trees have files that cannot be read. */
		if (!strncmp(p, "--slice=", 8) || !strncmp(p, "--mistake=", 10))
			continue;
		if (!strncmp(p, "--strict", 8) && !limits->strict) {
			limits->strict = true;
			continue;
		}
		if (sscanf(p, "--%7[^=]=%63[^=]=%dT", option, region, &n) != 3)
			return false;
		while (k < TREE_KINDS && strcmp(option, options[k]))
			k++;
		r = region_of(region);
		/* Each key and region once, and no value that removes a limit. */
		if (k == TREE_KINDS || r < 0 || n <= 0 || limits->n[k][r])
			return false;
		limits->n[k][r] = n;
	}
	return true;
}

bool tree_any(const struct tree_limits *limits)
{
	static const struct tree_limits none;

	return memcmp(limits->n, none.n, sizeof(none.n));
}

/* Without a limit, it does not matter whether the unit is strict. */
bool tree_same(const struct tree_limits *x, const struct tree_limits *y)
{
	if (memcmp(x->n, y->n, sizeof(x->n)))
		return false;
	return x->strict == y->strict || !tree_any(x);
}

const char *tree_text(const struct tree_limits *limits)
{
	static char text[2][1000];
	static unsigned int turn;
	char *buf = text[turn++ % 2];
	int used = snprintf(buf, sizeof(text[0]), "%s", limits->strict ? "strict" : "not strict");

	for (int k = 0; k < TREE_KINDS; k++) {
		for (int r = 0; r < TREE_REGIONS; r++) {
			if (limits->n[k][r])
				used += snprintf(buf + used, sizeof(text[0]) - (size_t)used,
						 ", %s %s %dT", options[k], regions[r],
						 limits->n[k][r]);
		}
	}
	return buf;
}
