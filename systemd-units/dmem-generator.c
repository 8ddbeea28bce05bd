// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-generator - make native drop-ins of all [X-Dmem] sections
 *
 * dmem-generator [--root=DIR] [--unit-path=DIRS] [--helper=PATH] NORMAL [EARLY LATE]
 *
 * systemd merges drop-ins by file name: of all files with one name that count
 * for a unit, it reads the one of the most specific level. So each level that
 * differs from the more general ones gets a file of the one reserved name, with
 * everything in it that holds there.
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
	struct dmem_caps caps;
	enum effect effect;
	bool done, written;
};

/* A word may be as long as its file, and the kernel's log takes no line of more than
 * 1,024 bytes, in which the remedy is to be. */
static void report(void *data, const struct dmem_report *r)
{
	bool cut = strlen(r->word) > MAX_WORD;
	int len = cut ? MAX_WORD : (int)strlen(r->word);
	struct generator *g = data;
	char line[16] = "";

	g->mistakes++;
	if (r->line)
		snprintf(line, sizeof(line), ":%u", r->line);
	log_line(&g->log, LOG_WARNING, "%s%s: '%.*s%s' %s: %s", r->file, line, len, r->word,
		 cut ? "..." : "", r->what, r->remedy);
}

static void complain(struct generator *g, const char *file, unsigned int line, const char *word,
		     const char *what, const char *remedy)
{
	struct dmem_report r = { file, line, word, what, remedy };

	report(g, &r);
}

/* Caps must not wait for what sets caps. */
static bool ours(const char *name)
{
	if (dmem_unit_type(name) != DMEM_SERVICE)
		return false;
	return !strncmp(name, "dmem-slice@", 11) || !strcmp(name, "dmem-controller.service") ||
	       (!strncmp(name, "dmem-slice-", 11) && strchr(name, '@'));
}

/* What other files would do to our drop-in. */
static void check_dropins(struct generator *g, struct dmem_unit_file **f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct dmem_section *s = &f[i]->section;
		int order = strcmp(f[i]->name, DROPIN);

		if (f[i]->told || f[i]->state != PARSED)
			continue;
		f[i]->told = true;
		if (!order)
			complain(g, f[i]->path, 0, DROPIN, "hides the caps that dmem-generator writes",
				 "give it another name");
		else if (order > 0 && s->clears_line)
			complain(g, f[i]->path, s->clears_line, "ExecCondition=",
				 "drops the caps of this unit",
				 "give the file a name that sorts before " DROPIN);
	}
}

static void wrong_type(struct generator *g, struct dmem_unit_file **f, size_t n, int type)
{
	for (size_t i = 0; i < n; i++) {
		char *what;

		if (f[i]->told || !f[i]->section.present)
			continue;
		f[i]->told = true;
		what = dmem_printf(&g->units.arena, "does nothing for a %s unit",
				   dmem_type_names[type]);
		if (what)
			complain(g, f[i]->path, f[i]->section.line, "[" DMEM_SECTION "]", what,
				 type <= DMEM_SCOPE ? "cap its slice" :
				 "put it in a service or a slice");
	}
}

/* Names in a slice's section cannot depend on the unit: it is another one's
 * command that has them. Takes out those that do. */
static bool drop_specifiers(struct dmem_caps *caps)
{
	size_t kept = 0, n = caps->n;

	for (size_t i = 0; i < n; i++) {
		const char *p = strchr(caps->cap[i].region, '%');

		while (p && p[1] == '%')
			p = strchr(p + 2, '%');
		if (!p)
			caps->cap[kept++] = caps->cap[i];
	}
	caps->n = kept;
	return kept != n;
}

static void service_effect(struct generator *g, struct level *l)
{
	const struct dmem_obstacle *o = dmem_caps_obstacle(&l->caps);
	char *word, *what;

	if (!o)
		return;
	l->effect = l->caps.strict ? REFUSAL : NOTHING;
	word = dmem_printf(&g->units.arena, "%s=", o->key);
	what = dmem_printf(&g->units.arena, "keeps the caps from being set inside %s", l->unit->name);
	if (word && what)
		complain(g, o->file, o->line, word, what, "cap its slice");
}

static void slice_effect(struct generator *g, struct level *l)
{
	const char *file = l->caps.file ? l->caps.file : l->caps.mistake_file;

	if (!strcmp(l->unit->name, "-.slice")) {
		/* What reaches it from slice.d/ is no mistake. */
		if (!strstr(file, "/slice.d/"))
			complain(g, file, 0, "-.slice", "is the root, which has no caps",
				 "cap the slices below it");
		l->effect = NOTHING;
		return;
	}
	if (drop_specifiers(&l->caps)) {
		complain(g, file, 0, "%", "is a specifier in a slice's section",
			 "write the region's name as it is");
		if (!l->caps.mistake_file)
			l->caps.mistake_file = file;
	}
}

static int compile(struct generator *g, struct level *l)
{
	struct dmem_unit_file **f;
	int type = l->unit->type;
	size_t n;

	l->effect = NOTHING;
	if (ours(l->unit->name))
		return 0;
	if (dmem_units_files(&g->units, l->unit->name, &f, &n) ||
	    dmem_units_merge(&g->units, f, n, false, g->helper, &l->caps))
		return -ENOMEM;
	if (type != DMEM_SERVICE && type != DMEM_SLICE) {
		wrong_type(g, f, n, type);
		return 0;
	}
	if (!dmem_caps_any(&l->caps))
		return 0;
	/* Now it matters what else these files say. */
	if (dmem_units_merge(&g->units, f, n, true, g->helper, &l->caps))
		return -ENOMEM;
	/* An empty unit file is a mask. */
	if (n && f[0] == l->unit->fragment && f[0]->masks)
		return 0;
	check_dropins(g, f, n);
	l->effect = CAPS;
	if (type == DMEM_SERVICE)
		service_effect(g, l);
	else
		slice_effect(g, l);
	return 0;
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

	if (system_slice && l->effect == CAPS) {
		ret = write_system_slice(g, &l->caps);
		l->effect = NOTHING;
	}
	if (ret)
		return ret;
	if (!from && l->effect == NOTHING)
		return 0;
	if (from && from->effect == l->effect &&
	    (l->effect != CAPS || dmem_caps_equal(&from->caps, &l->caps)))
		return 0;
	l->written = true;
	if (l->unit->type == DMEM_SERVICE)
		return write_service(g, name, l->effect, &l->caps);
	return write_slice(g, name, l->effect, &l->caps);
}

/* The more general levels come first: what they write decides what this one must.
 * None of them can depend on this one. */
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
	ret = compile(g, l);
	if (ret)
		return ret;
	/* One level that cannot be written must not cost the others theirs. */
	ret = emit(g, l);
	if (ret)
		log_line(&g->log, LOG_ERR, "%s: cannot write the caps of %s: %s", g->out,
			 l->unit->name, strerror(-ret));
	return 0;
}

/* So that messages and files come in the same order each time. */
static int compare_levels(const void *a, const void *b)
{
	return strcmp(((const struct level *)a)->unit->name, ((const struct level *)b)->unit->name);
}

/* Drop-ins in foo-@x.service.d/ count for the instance x of all templates with
 * that prefix, which therefore differ from what the template has. */
static int add_instances(struct dmem_units *u, const struct dmem_unit *of)
{
	const char *instance = dmem_unit_instance(of->name);
	size_t n = u->n_units, prefix, len;

	if (!dmem_unit_is_instance(of->name) || instance - of->name < 2 || instance[-2] != '-')
		return 0;
	prefix = (size_t)(instance - 1 - of->name);
	len = (size_t)(strrchr(instance, '.') - instance);
	for (size_t i = 0; i < n; i++) {
		const char *t = u->unit[i]->name, *name;

		if (strncmp(t, of->name, prefix) || !dmem_unit_is_template(t))
			continue;
		if (u->unit[i]->alias_of)
			t = u->unit[i]->alias_of;
		name = dmem_unit_with_instance(&u->arena, t, instance, len);
		if (!name || !dmem_units_add(u, name))
			return -ENOMEM;
	}
	return 0;
}

/* An instance with a file of its own: by an alias of its template, systemd makes
 * another unit of the template. */
static int add_by_alias(struct dmem_units *u, const struct dmem_unit *of)
{
	const char *instance = dmem_unit_instance(of->name), *name;
	const struct dmem_unit *template;

	if (!dmem_unit_is_instance(of->name) || (!of->fragment && !of->masked))
		return 0;
	name = dmem_unit_with_instance(&u->arena, of->name, "", 0);
	if (!name)
		return -ENOMEM;
	template = dmem_units_find(u, name);
	for (size_t i = 0; template && i < template->n_alias; i++) {
		if (!dmem_unit_is_template(template->alias[i]->name))
			continue;
		name = dmem_unit_with_instance(&u->arena, template->alias[i]->name, instance,
					       (size_t)(strrchr(instance, '.') - instance));
		if (!name || !dmem_units_add(u, name))
			return -ENOMEM;
	}
	return 0;
}

static int generate(struct generator *g)
{
	/* They exist without a file, or what is general must not reach them. */
	static const char * const always[] = {
		"-.slice", "system.slice", "dmem-slice@.service", "dmem-slice-@.service",
		"dmem-controller.service",
	};
	struct dmem_units *u = &g->units;
	struct level *level;
	size_t n = u->n_units;

	for (size_t i = 0; i < n; i++) {
		if (add_instances(u, u->unit[i]) || add_by_alias(u, u->unit[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++) {
		if (!dmem_units_add(u, always[i]))
			return -ENOMEM;
	}
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
		fprintf(stderr, "usage: dmem-generator [--root=DIR] NORMAL-DIR [EARLY-DIR LATE-DIR]\n");
		return DMEM_USAGE;
	}
	/* As systemd runs it: with three directories, on the real system. */
	g.log.console = argc - optind != 3 || *root;
	g.out = argv[optind];
	ret = dmem_units_load(&g.units, root, path, report, &g);
	if (!ret)
		ret = generate(&g);
	if (ret)
		log_line(&g.log, LOG_ERR, "no caps of services and slices: %s", strerror(-ret));
	dmem_units_free(&g.units);
	return ret ? 1 : 0;
}
