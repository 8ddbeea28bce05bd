// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks whether recorded loads fit the sizes and limits of a product. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"
#include "dmemctl/section.h"
#include "check.h"
#include "num.h"

enum result { FITS, TOO_SMALL, REFUSED_SOME, NOT_SIZED, UNKNOWN };

struct row {
	size_t region;			/* index in struct needs */
	const char *unit;		/* NULL: the region itself */
	uint64_t need, size;		/* bytes; of a unit: its peak and its limit */
	uint64_t refused;		/* requests, or DMEM_UNKNOWN: a unit */
	enum result result;
};

struct check {
	struct ctl *c;
	const struct model *m;
	const struct needs *n;
	const struct check_options *k;
	struct dmem_arena arena;
	struct dmem_units units;
	uint64_t *size;			/* of each region in the product, or DMEM_UNKNOWN */
	struct row *row;
	size_t n_rows, limits;
	bool error;			/* something could not be checked: a message was printed */
};

static int add_row(struct check *k, struct row row)
{
	struct row *more = dmem_grow(&k->arena, k->row, k->n_rows, sizeof(*more));

	if (!more)
		return -ENOMEM;
	k->row = more;
	more[k->n_rows++] = row;
	return 0;
}

/* ---- regions ---- */

/* Sizes from the command line count before those of the tree, which is only read if one is
 * missing. */
static int find_sizes(struct check *k, const struct needs_options *o)
{
	bool missing = false;
	uint64_t *tree;
	int ret = 0;

	k->size = dmem_alloc(&k->arena, (k->n->n + 1) * sizeof(*k->size));
	tree = dmem_alloc(&k->arena, (k->n->n + 1) * sizeof(*tree));
	if (!k->size || !tree)
		return -ENOMEM;
	for (size_t i = 0; i < k->n->n; i++) {
		const struct needs_region *g = &k->n->region[i];

		k->size[i] = o->size ? o->size[g->region - k->m->region] : DMEM_UNKNOWN;
		missing |= g->cma && k->size[i] == DMEM_UNKNOWN;
	}
	if (missing)
		ret = board_sizes(&k->c->cli, &k->m->notes, k->n, &k->k->board, tree);
	for (size_t i = 0; i < k->n->n && missing && !ret; i++) {
		if (k->size[i] == DMEM_UNKNOWN)
			k->size[i] = tree[i];
	}
	/* Without a tree, each area is unknown, and refused requests still count. */
	k->error |= ret == -EINVAL;
	return ret == -EINVAL ? 0 : ret;
}

/* A slice also counts requests of cgroups in it that are not recorded. */
static uint64_t count_refused(const struct needs_region *g)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < g->n; i++)
		sum = needs_sum(sum, g->service[i].refused);
	for (size_t i = 0; i < g->n_above; i++)
		sum = max_u64(sum, g->above[i].refused);
	return sum;
}

static int check_region(struct check *k, size_t region, const struct needs_options *o)
{
	const struct needs_region *g = &k->n->region[region];
	struct row r = {
		.region = region, .need = g->size, .size = k->size[region],
		.refused = count_refused(g),
	};

	if (r.size != DMEM_UNKNOWN)
		r.result = r.need > r.size ? TOO_SMALL : FITS;
	else
		r.result = needs_propose(g, o).reason == NEEDS_NOT_SIZED ? NOT_SIZED : UNKNOWN;
	if (r.refused && r.result != TOO_SMALL)
		r.result = REFUSED_SOME;
	if (r.size == DMEM_UNKNOWN && g->cma) {
		cli_error(&k->c->cli, "%s: its size is unknown: it is no area of the device tree: "
			  "add --size=%s=SIZE", g->region->name, g->region->name);
		k->error = true;
	}
	return add_row(k, r);
}

/* ---- limits ---- */

/* Files may have the name of a heap, and no machine is there to look it up: the region of a heap
 * has the same name behind the slash. */
static bool is_region(const char *name, const char *region)
{
	const char *heap = dmem_region_heap(name), *slash = strchr(region, '/');

	return heap ? slash && !strcmp(heap, slash + 1) : !strcmp(name, region);
}

static const struct dmem_limit *find_limit(const struct section *s, const char *region)
{
	const struct dmem_limit *last = NULL;

	for (size_t i = 0; i < s->n; i++) {
		if (s->limit[i].kind == DMEM_MAX && is_region(s->limit[i].region, region))
			last = &s->limit[i];
	}
	return last;
}

static int check_limit(struct check *k, size_t region, const struct needs_service *s)
{
	const struct needs_region *g = &k->n->region[region];
	const char *unit = k->m->service[s->service].unit;
	int type = unit ? dmem_unit_type(unit) : -1, ret;
	uint64_t size = k->size[region] == DMEM_UNKNOWN ? g->region->capacity : k->size[region];
	struct row r = { .region = region, .unit = unit, .need = s->peak, .refused = DMEM_UNKNOWN };
	const struct dmem_limit *l;
	struct section files;

	if (type != DMEM_SERVICE && type != DMEM_SLICE)
		return 0;
	ret = section_read(k->c, &k->units, unit, &files);
	if (ret)
		return ret;
	k->error |= files.unusable || files.merged.mistake_file;
	l = find_limit(&files, g->region->name);
	if (!l)
		return 0;
	k->limits++;
	r.size = l->value.percent && size == DMEM_UNKNOWN ? DMEM_UNKNOWN :
		dmem_resolve_value(&l->value, size);
	if (r.size == DMEM_UNKNOWN) {
		cli_error(&k->c->cli, "%s: %s: the size of the region is unknown: add --size=%s=SIZE",
			  unit, l->text, g->region->name);
		k->error = true;
	}
	r.result = r.size == DMEM_UNKNOWN ? UNKNOWN : r.need > r.size ? TOO_SMALL : FITS;
	return add_row(k, r);
}

static void report(void *data, const struct dmem_report *r)
{
	struct ctl *c = data;

	cli_error(&c->cli, "%s:%u: '%s' %s: %s", r->file, r->line, r->word, r->what, r->remedy);
}

/* The directory takes the place of systemd's own, so that no file of this machine counts. */
static int load_units(struct check *k)
{
	int fd = open(k->k->units, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	char *path = fd < 0 ? NULL : realpath(k->k->units, NULL);

	if (!path) {
		cli_error(&k->c->cli, "%s: %s", k->k->units, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EINVAL;
	}
	close(fd);
	if (strchr(path, ':')) {
		cli_error(&k->c->cli, "%s: a path with a colon cannot be read: rename the directory",
			  path);
		ret = -EINVAL;
	} else {
		ret = dmem_units_load(&k->units, "", path, report, k->c);
		if (ret)
			cli_error(&k->c->cli, "%s: %s", path, strerror(-ret));
	}
	free(path);
	return ret == -ENOMEM ? ret : ret ? -EINVAL : 0;
}

static int check_limits(struct check *k)
{
	int ret = load_units(k);

	for (size_t i = 0; i < k->n->n && !ret; i++) {
		const struct needs_region *g = &k->n->region[i];

		for (size_t s = 0; s < g->n && !ret; s++)
			ret = check_limit(k, i, &g->service[s]);
		for (size_t s = 0; s < g->n_above && !ret; s++)
			ret = check_limit(k, i, &g->above[s]);
	}
	/* A wrong directory must not count as limits that are large enough. */
	if (!ret && !k->limits) {
		cli_error(&k->c->cli, "%s: no file there limits a recorded unit: name the directory "
			  "that has UNIT.d", k->k->units);
		ret = -EINVAL;
	}
	k->error |= ret == -EINVAL;
	return ret == -EINVAL ? 0 : ret;
}

/* ---- output ---- */

enum { REGION, UNIT, NEED, SIZE, REFUSED, RESULT, SHORT, COLUMNS };

static const struct table_column columns[COLUMNS] = {
	[REGION] = { "REGION", "name of the region", TABLE_TEXT, 0 },
	[UNIT] = { "UNIT", "unit with a limit; none: the region", TABLE_TEXT, TABLE_CUT },
	[NEED] = { "NEED", "need with headroom; of a unit: its peak", TABLE_SIZE, 0 },
	[SIZE] = { "SIZE", "size in the tree; of a unit: its limit", TABLE_SIZE, 0 },
	[REFUSED] = { "REFUSED", "refused requests in the histories", TABLE_COUNT, 0 },
	[RESULT] = { "RESULT", "whether it fits", TABLE_TEXT, 0 },
	[SHORT] = { "SHORT", "missing bytes", TABLE_SIZE, 0 },
};

static const char *result_text(const struct row *r, bool json, char buf[CLI_SIZE + 16])
{
	static const char * const words[] = {
		[FITS] = "fits", [TOO_SMALL] = "too small", [REFUSED_SOME] = "refused",
		[NOT_SIZED] = "not sized", [UNKNOWN] = "unknown",
	};
	char size[CLI_SIZE];

	if (json || r->result != TOO_SMALL)
		return words[r->result];
	snprintf(buf, CLI_SIZE + 16, "too small by %s", cli_size(size, r->need - r->size, false));
	return buf;
}

static int print(const struct check *k)
{
	static const int ids[COLUMNS] = { REGION, UNIT, NEED, SIZE, REFUSED, RESULT, SHORT };
	const struct table_options o = { .json = k->k->json };
	struct table *t = table_new("check", columns, ids, o.json ? COLUMNS : COLUMNS - 1, &o);
	int ret;

	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < k->n_rows; i++) {
		const struct row *r = &k->row[i];
		struct table_line *l = table_line(t, NULL);
		char text[CLI_SIZE + 16];

		table_text(t, l, REGION, k->n->region[r->region].region->name);
		if (r->unit)
			table_text(t, l, UNIT, r->unit);
		table_number(t, l, NEED, r->need);
		table_number(t, l, SIZE, r->size);
		table_number(t, l, REFUSED, r->refused);
		table_text(t, l, RESULT, result_text(r, o.json, text));
		table_number(t, l, SHORT, r->result == TOO_SMALL ? r->need - r->size : 0);
	}
	ret = table_print(t);
	table_free(t);
	/* A full disk must not count as a load that does not fit. */
	return ret ? ret : fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

static int verdict(const struct check *k)
{
	for (size_t i = 0; i < k->n_rows; i++) {
		if (k->row[i].result == TOO_SMALL || k->row[i].result == REFUSED_SOME)
			return CHECK_TOO_SMALL;
	}
	return k->error ? CHECK_ERROR : CHECK_FITS;
}

int check_plan(struct ctl *c, const struct model *m, const struct needs *n,
	       const struct needs_options *o, const struct check_options *options)
{
	struct check k = { .c = c, .m = m, .n = n, .k = options };
	int ret = find_sizes(&k, o);

	for (size_t i = 0; i < n->n && !ret; i++)
		ret = check_region(&k, i, o);
	if (!ret && options->units)
		ret = check_limits(&k);
	if (!ret)
		ret = print(&k);
	if (ret == -ENOMEM)
		cli_error(&c->cli, "out of memory");
	ret = ret ? CHECK_ERROR : verdict(&k);
	if (options->units)
		dmem_units_free(&k.units);
	dmem_arena_free(&k.arena);
	return ret;
}
