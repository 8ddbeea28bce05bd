// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl show - charges and limits of units, and the limits in their files */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "section.h"
#include "target.h"

enum { UNIT, CGROUP, REGION, CHARGED, PEAK, MIN, LOW, MAX, LIMIT, REFUSED, SECTION, COLUMNS };

static const struct table_column columns[COLUMNS] = {
	[UNIT] = { "UNIT", "unit or cgroup", TABLE_TEXT, TABLE_CUT },
	[CGROUP] = { "CGROUP", "path of the cgroup", TABLE_TEXT, TABLE_CUT },
	[REGION] = { "REGION", "name of the region", TABLE_TEXT, 0 },
	[CHARGED] = { "CHARGED", "bytes charged", TABLE_SIZE, 0 },
	[PEAK] = { "PEAK", "highest charge since the start", TABLE_SIZE, 0 },
	[MIN] = { "MIN", "dmem.min", TABLE_SIZE, 0 },
	[LOW] = { "LOW", "dmem.low", TABLE_SIZE, 0 },
	[MAX] = { "MAX", "dmem.max", TABLE_SIZE, 0 },
	[LIMIT] = { "LIMIT", "effective limit: smallest MAX up to the root, or capacity",
		    TABLE_SIZE, 0 },
	[REFUSED] = { "REFUSED", "refused requests", TABLE_COUNT, 0 },
	[SECTION] = { "SECTION", "limits in the unit's files", TABLE_VALUE, TABLE_CUT },
};

static const int defaults[] = { UNIT, REGION, CHARGED, PEAK, MIN, MAX, LIMIT, REFUSED, SECTION };

#define N_DEFAULTS	(sizeof(defaults) / sizeof(*defaults))

struct show {
	struct dmem_sys sys;
	struct dmem_units units;
	struct manager manager;
	struct dmem_regions regions;
	struct dmem_tree tree;
	struct table_options opt;
	struct table *table;
	const char *list;
	bool all, help;
	size_t lines;
};

static void help(void)
{
	printf("Usage: dmemctl show [options] [UNIT|CGROUP...]\n\n"
	       "Print charges and limits of units, and the limits in their files.\n"
	       "Without names: units that use or limit a region, or have a section.\n\n"
	       "  -a, --all           include regions that the units neither use nor limit\n"
	       "  -b, --bytes         print sizes in bytes\n"
	       "  -J, --json          print JSON\n"
	       "  -n, --noheadings    print no headings\n"
	       "  -o, --output=LIST   columns; +LIST adds them to the default ones\n"
	       "  -r, --raw           print words with one blank between them\n"
	       "  -h, --help          print this help\n\n"
	       "Columns:\n");
	table_help(stdout, columns, COLUMNS);
}

static struct dmem_node *find_node(const struct show *s, const char *path)
{
	char buf[4096];

	for (struct dmem_node *n = s->tree.root; n; n = dmem_tree_next(n)) {
		if (dmem_node_path(n, buf, sizeof(buf)) < sizeof(buf) && !strcmp(buf, path))
			return n;
	}
	return NULL;
}

/* The limits of one region in the section: "max=24M min=16M", or "". NULL: out of memory. */
static const char *said(struct show *s, const struct section *sec, const char *region)
{
	const char *text = "";

	for (size_t i = 0; sec && i < sec->n && text; i++) {
		const struct dmem_limit *l = &sec->limit[i];

		if (!strcmp(dmem_regions_meant(&s->regions, l->region), region) &&
		    section_counts(sec, i, &s->regions))
			text = dmem_printf(&s->units.arena, "%s%s%s=%s", text, *text ? " " : "",
					   dmem_kind_names[l->kind], strrchr(l->text, '=') + 1);
	}
	return text;
}

/* The same for JSON: {"max":25165824,"min":"50%"}, or null. NULL: out of memory. */
static const char *said_json(struct show *s, const struct section *sec, const char *region)
{
	const char *text = "";

	for (size_t i = 0; sec && i < sec->n && text; i++) {
		const struct dmem_limit *l = &sec->limit[i];
		const char *sep = *text ? "," : "{";

		if (strcmp(dmem_regions_meant(&s->regions, l->region), region) ||
		    !section_counts(sec, i, &s->regions))
			continue;
		if (l->value.percent || l->value.n == DMEM_NO_LIMIT)
			text = dmem_printf(&s->units.arena, "%s%s\"%s\":\"%s\"", text, sep,
					   dmem_kind_names[l->kind],
					   l->value.percent ? strrchr(l->text, '=') + 1 : "max");
		else
			text = dmem_printf(&s->units.arena, "%s%s\"%s\":%" PRIu64, text, sep,
					   dmem_kind_names[l->kind], l->value.n);
	}
	if (!text || !*text)
		return text ? "null" : NULL;
	return dmem_printf(&s->units.arena, "%s}", text);
}

/* True if no earlier limit is of the same region. */
static bool first_of(const struct show *s, const struct section *sec, size_t i)
{
	const char *region = dmem_regions_meant(&s->regions, sec->limit[i].region);

	for (size_t k = 0; k < i; k++) {
		if (!strcmp(dmem_regions_meant(&s->regions, sec->limit[k].region), region))
			return false;
	}
	return true;
}

/* Adds the line of a unit and a region. @i: the region's index, or s->regions.n if it does not
 * exist. */
static int add_line(struct show *s, const struct target *t, const struct dmem_node *n, size_t i,
		    const char *region, const struct section *sec)
{
	static const struct { int id; enum dmem_figure f; } figures[] = {
		{ CHARGED, DMEM_F_CURRENT }, { PEAK, DMEM_F_PEAK }, { MIN, DMEM_F_MIN },
		{ LOW, DMEM_F_LOW }, { MAX, DMEM_F_MAX },
	};
	const char *path = t->cgroup ? dmem_printf(&s->units.arena, "/%s", t->cgroup) : NULL;
	const char *text = said(s, sec, region), *json = said_json(s, sec, region);
	struct table_line *l = table_line(s->table, NULL);

	if ((t->cgroup && !path) || !text || !json)
		return -ENOMEM;
	s->lines++;
	table_text(s->table, l, UNIT, t->unit ? t->unit : path);
	table_text(s->table, l, CGROUP, path);
	table_text(s->table, l, REGION, region);
	table_text(s->table, l, SECTION, text);
	table_json(s->table, l, SECTION, json);
	if (!n || i == s->regions.n)
		return 0;
	for (size_t k = 0; k < sizeof(figures) / sizeof(*figures); k++)
		table_number(s->table, l, figures[k].id,
			     dmem_tree_figure(&s->tree, n, i, figures[k].f));
	/* Only files of the controller have limits; the root has none. */
	if (n->figure || !n->parent)
		table_number(s->table, l, LIMIT, dmem_tree_limit(&s->tree, n, i));
	table_number(s->table, l, REFUSED, dmem_tree_refused(&s->tree, n, i));
	return 0;
}

/* Adds all lines of one target, whose cgroup is @n or NULL. @all: also regions without a charge and
 * without a limit. */
static int show_one(struct ctl *c, struct show *s, const struct target *t,
		    const struct dmem_node *n, bool all)
{
	struct section sec = { 0 };
	int ret = 0;

	if (t->unit)
		ret = section_read(c, &s->units, t->unit, &sec);
	for (size_t i = 0; i < s->regions.n && !ret; i++) {
		const char *region = s->regions.region[i].name;
		const char *text = said(s, &sec, region);

		if (!text)
			return -ENOMEM;
		if (*text || all || (n && dmem_tree_matters(&s->tree, n, i)))
			ret = add_line(s, t, n, i, region, &sec);
	}
	/* Regions of the section that do not exist. */
	for (size_t i = 0; i < sec.n && !ret; i++) {
		const char *region = dmem_regions_meant(&s->regions, sec.limit[i].region);

		if (!dmem_regions_find(&s->regions, region) && first_of(s, &sec, i))
			ret = add_line(s, t, n, s->regions.n, region, &sec);
	}
	return ret;
}

/* A target of the command line gets at least one line. */
static int show_named(struct ctl *c, struct show *s, const struct target *t)
{
	const struct dmem_node *n = t->cgroup ? find_node(s, t->cgroup) : NULL;
	size_t before = s->lines;
	int ret = show_one(c, s, t, n, s->all);

	return ret || s->lines > before ? ret : show_one(c, s, t, n, true);
}

/* Units that do not run, but have a section. */
static int show_files(struct ctl *c, struct show *s)
{
	size_t n;
	struct dmem_unit **unit = section_units(&s->units, &n);
	int ret = unit ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !ret; i++) {
		struct target t = { .unit = unit[i]->name, .type = unit[i]->type };

		ret = show_one(c, s, &t, NULL, s->all);
	}
	return ret;
}

static int show_all(struct ctl *c, struct show *s)
{
	char path[4096];
	int ret = 0;

	for (struct dmem_node *n = s->tree.root; n && !ret; n = dmem_tree_next(n)) {
		struct target t = { .cgroup = path, .type = -1 };
		const char *unit;
		size_t len;

		if (!n->parent || dmem_node_path(n, path, sizeof(path)) >= sizeof(path))
			continue;
		unit = dmem_cgroup_unit(path, &len);
		if (unit && !unit[len]) {
			struct dmem_unit *u;

			t.unit = dmem_strdup(&s->units.arena, unit);
			u = t.unit ? dmem_units_find(&s->units, t.unit) : NULL;
			if (u)
				u->user = u;
		}
		ret = show_one(c, s, &t, n, s->all);
	}
	return ret ? ret : show_files(c, s);
}

static int read_all(struct ctl *c, struct show *s)
{
	unsigned int figures = DMEM_REFUSALS | DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_PEAK) |
			       DMEM_BIT(DMEM_F_MIN) | DMEM_BIT(DMEM_F_LOW) | DMEM_BIT(DMEM_F_MAX);
	enum dmem_status status;
	int ret = dmem_sys_open(&s->sys, c->sysroot);

	if (ret) {
		cli_error(&c->cli, "%s: %s", c->sysroot ? c->sysroot : "/", strerror(-ret));
		return ret;
	}
	ret = section_load(c, &s->units, true);
	if (!ret)
		ret = dmem_regions_read(&s->sys, &s->units.arena, NULL, NULL, &s->regions);
	if (!ret)
		ret = dmem_tree_read(&s->sys, &s->units.arena, &s->regions, "", figures, UINT32_MAX,
				     NULL, NULL, &s->tree);
	if (ret == -ENOENT)
		cli_error(&c->cli, "%s", dmem_status_text(DMEM_NO_CGROUP2));
	status = ret ? DMEM_OK : dmem_regions_status(&s->sys, &s->regions);
	if (status != DMEM_OK) {
		cli_error(&c->cli, "%s", dmem_status_text(status));
		ret = -ENOENT;
	}
	return ret;
}

static int show(struct ctl *c, struct show *s, char **words, int n)
{
	int ids[TABLE_MAX], n_ids, ret;
	char *wrong = NULL;

	n_ids = N_DEFAULTS;
	memcpy(ids, defaults, sizeof(defaults));
	if (s->list)
		n_ids = table_columns(columns, COLUMNS, s->list, defaults, N_DEFAULTS, ids, &wrong);
	if (n_ids < 0) {
		ret = cli_usage(&c->cli, "unknown column: %s", wrong ? wrong : s->list);
		free(wrong);
		return ret;
	}
	ret = target_any_unit(words, n) ? manager_open(c, &s->manager) : 0;
	if (ret || read_all(c, s))
		return CLI_FAILED;
	s->table = table_new("units", columns, ids, (size_t)n_ids, &s->opt);
	if (!s->table)
		ret = -ENOMEM;
	for (int i = 0; i < n && !ret; i++) {
		struct target t;

		ret = target_find(c, &s->manager, &s->units.arena, words[i], &t);
		if (!ret && !t.unit && !find_node(s, t.cgroup)) {
			cli_error(&c->cli, "%s: %s", words[i], dmem_status_text(DMEM_NO_CGROUP));
			ret = -ENOENT;
		}
		if (!ret)
			ret = show_named(c, s, &t);
	}
	if (!ret && !n)
		ret = show_all(c, s);
	if (!ret)
		ret = table_print(s->table);
	if (ret == -ENOMEM)
		cli_error(&c->cli, "out of memory");
	return ret ? CLI_FAILED : CLI_OK;
}

static int parse(struct ctl *c, struct show *s, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "bytes", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'J' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "raw", no_argument, NULL, 'r' },
		{ 0 },
	};
	static const char letters[] = ":abJno:rh";
	int opt;

	opterr = 0;
	while (!s->help && (opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			s->all = true;
			break;
		case 'b':
			s->opt.bytes = true;
			break;
		case 'J':
			s->opt.json = true;
			break;
		case 'n':
			s->opt.no_headings = true;
			break;
		case 'o':
			s->list = optarg;
			break;
		case 'r':
			s->opt.raw = true;
			break;
		case 'h':
			s->help = true;
			break;
		default:
			return cli_bad_option(&c->cli, opt, letters, argv);
		}
	}
	return CLI_OK;
}

int verb_show(struct ctl *c, int argc, char **argv)
{
	struct show s = { .sys.root = -1, .units.sys.root = -1 };
	int ret = parse(c, &s, argc, argv);

	if (ret == CLI_OK && s.help)
		help();
	else if (ret == CLI_OK)
		ret = show(c, &s, argv + optind, argc - optind);
	table_free(s.table);
	manager_close(&s.manager);
	dmem_units_free(&s.units);
	dmem_sys_close(&s.sys);
	return ret;
}
