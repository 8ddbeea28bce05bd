// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-generator - make native drop-ins from all sections [X-Dmem]
 *
 * dmem-generator [--root=DIR] [--unit-path=DIRS] [--helper=PATH] NORMAL [EARLY LATE]
 *
 * systemd merges drop-ins by file name: of all files with one name that apply to a unit, it reads
 * the one of the most specific level. So each level that differs from the more general ones gets a
 * file of the one reserved name, with all settings that apply there.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "generator.h"

#ifndef HELPER
#define HELPER	"/usr/libexec/dmem-apply"
#endif

#define MAX_WORD	80

struct level {
	struct dmem_unit *unit;
	struct dmem_list levels;
	struct dmem_unit_limits limits;
	enum dmem_effect effect;
	bool done, written;
};

/* A word may be as long as its file, but the kernel's log cuts lines at 1,024 bytes, and the remedy
 * at the end of the line must not be lost. */
static void report(void *data, const struct dmem_report *r)
{
	bool cut = strlen(r->word) > MAX_WORD;
	int len = cut ? MAX_WORD : (int)strlen(r->word);
	struct generator *g = data;
	char line[16] = "";

	g->mistakes += !r->warning;
	if (r->line)
		snprintf(line, sizeof(line), ":%u", r->line);
	log_line(&g->log, LOG_WARNING, "%s%s: %s'%.*s%s' %s: %s", r->file, line,
		 r->warning ? "warning: " : "", len, r->word, cut ? "..." : "", r->what, r->remedy);
}

/* The drop-in that systemd would read if this level had none. */
static const struct level *inherited(struct generator *g, const struct level *l)
{
	for (size_t i = 0; i < l->levels.n; i++) {
		struct dmem_unit *unit = dmem_units_find(&g->units, l->levels.s[i]);

		const struct level *more = unit ? unit->user : NULL;

		if (more && more != l && more->written)
			return more;
	}
	return NULL;
}

static int emit(struct generator *g, struct level *l)
{
	const struct level *from = inherited(g, l);
	const char *name = l->unit->name;
	bool system_slice = !strcmp(name, "system.slice");
	int ret = 0;

	if (system_slice && l->effect == DMEM_LIMITS) {
		ret = write_system_slice(g, &l->limits);
		l->effect = DMEM_NOTHING;
	}
	if (ret)
		return ret;
	if (!from && l->effect == DMEM_NOTHING)
		return 0;
	if (from && from->effect == l->effect &&
	    (l->effect != DMEM_LIMITS || dmem_unit_limits_equal(&from->limits, &l->limits)))
		return 0;
	if (l->unit->type == DMEM_SERVICE)
		ret = write_service(g, name, l->effect, &l->limits);
	else
		ret = write_slice(g, name, l->effect, &l->limits);
	/* After a failure, more specific levels must not rely on this file. */
	l->written = !ret;
	return ret;
}

/* Handles more general levels first: this level depends on their files, and none of them depends on
 * this one. */
static int settle(struct generator *g, struct level *l)
{
	int ret = 0;

	if (l->done)
		return 0;
	l->done = true;
	for (size_t i = 0; i < l->levels.n && !ret; i++) {
		struct dmem_unit *unit = dmem_units_find(&g->units, l->levels.s[i]);

		if (unit && unit->user)
			ret = settle(g, unit->user);
	}
	if (ret)
		return ret;
	ret = dmem_units_effect(&g->units, l->unit, g->helper, &l->limits, &l->effect);
	if (ret)
		return ret;
	/* Continue with the other levels after a failure. */
	ret = emit(g, l);
	if (ret) {
		g->failed = true;
		log_line(&g->log, LOG_ERR, "%s: cannot write the limits of %s: %s", g->out,
			 l->unit->name, strerror(-ret));
	}
	return 0;
}

/* Sorted, so that messages and files have the same order each time. */
static int compare_levels(const void *a, const void *b)
{
	return strcmp(((const struct level *)a)->unit->name, ((const struct level *)b)->unit->name);
}

static int generate(struct generator *g)
{
	struct dmem_units *u = &g->units;
	struct level *level;
	size_t n;

	if (dmem_units_add_unnamed(u, g->helper))
		return -ENOMEM;
	level = dmem_alloc(&u->arena, u->n_units * sizeof(*level));
	if (!level)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < u->n_units; i++) {
		struct level *l = &level[n];

		if (u->unit[i]->alias_of || u->unit[i]->masked)
			continue;
		l->unit = u->unit[i];
		if (dmem_units_levels(u, l->unit->name, &l->levels))
			return -ENOMEM;
		n++;
	}
	qsort(level, n, sizeof(*level), compare_levels);
	for (size_t i = 0; i < n; i++)
		level[i].unit->user = &level[i];
	for (size_t i = 0; i < n; i++) {
		if (settle(g, &level[i]))
			return -ENOMEM;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", 1, NULL, 'r' }, { "unit-path", 1, NULL, 'u' },
		{ "helper", 1, NULL, 'h' }, { 0 },
	};
	struct generator g = { .log = { .name = "dmem-generator", .kmsg = 1 }, .helper = HELPER };
	const char *root = "", *path = getenv("SYSTEMD_UNIT_PATH");
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			root = optarg;
		else if (c == 'u')
			path = optarg;
		else if (c == 'h')
			g.helper = optarg;
		else
			return DMEM_USAGE;
	}
	if (argc - optind != 3 && argc - optind != 1) {
		fprintf(stderr,
			"usage: dmem-generator [--root=DIR] [--unit-path=DIRS] [--helper=PATH] "
			"NORMAL-DIR [EARLY-DIR LATE-DIR]\n");
		return DMEM_USAGE;
	}
	/* systemd runs it with three directories on the real system. */
	g.log.console = argc - optind != 3 || *root;
	g.out = argv[optind];
	ret = dmem_units_load(&g.units, root, path, report, &g);
	if (!ret)
		ret = generate(&g);
	if (ret)
		log_line(&g.log, LOG_ERR, "no limits for services and slices: %s", strerror(-ret));
	dmem_units_free(&g.units);
	return ret || g.failed ? 1 : 0;
}
