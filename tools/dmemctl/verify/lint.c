// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds mistakes in one unit file. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "units/placement.h"
#include "units/word.h"
#include "lint.h"

#define MAX_KEY		40
/* Letters that may be wrong. Our keys have 15 letters or more; a key of systemd differs by more. */
#define MAX_WRONG	2

struct linting {
	struct lint *l;
	const char *file;
	int err;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* The number of letters to insert, delete, change or swap with the next one, to turn @a into @b.
 * Ignores case. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[3][MAX_KEY + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > MAX_KEY || m > MAX_KEY)
		return UINT32_MAX;
	for (size_t i = 0; i <= n; i++) {
		unsigned int *now = row[i % 3], *before = row[(i + 2) % 3],
			*first = row[(i + 1) % 3];

		now[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			char x, y = lower(b[j - 1]);

			now[j] = (unsigned int)j;
			if (!i)
				continue;
			x = lower(a[i - 1]);
			now[j] = least(before[j] + 1, now[j - 1] + 1, before[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
				now[j] = least(now[j], first[j - 2] + 1, UINT32_MAX);
		}
	}
	return row[n % 3][m];
}

static bool starts_with(const char *s, const char *with)
{
	return !strncasecmp(s, with, strlen(with));
}

const char *lint_meant(const char *key)
{
	const char * const ours[] = {
		dmem_limit_keys[DMEM_MAX], dmem_limit_keys[DMEM_MIN], dmem_limit_keys[DMEM_LOW],
		DMEM_STRICT_KEY,
	};
	unsigned int nearest = UINT32_MAX;
	const char *meant = NULL;

	/* It begins with the name of another key. */
	if (distance(key, DMEM_PROPAGATE_KEY) <= MAX_WRONG)
		return DMEM_PROPAGATE_KEY;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		unsigned int d = starts_with(key, ours[i]) ? 0 : distance(key, ours[i]);

		if (d < nearest) {
			nearest = d;
			meant = ours[i];
		}
	}
	if (nearest <= MAX_WRONG)
		return meant;
	/* No other program has keys with these beginnings. */
	return starts_with(key, "DeviceMem") || starts_with(key, "Dmem") ? "" : NULL;
}

static void report(struct linting *li, dmem_report_fn fn, unsigned int line, const char *word,
		   const char *what, const char *remedy)
{
	struct dmem_report r = { li->file, line, word, what, remedy, false };

	if (!word || !what || !remedy)
		li->err = -ENOMEM;
	else
		fn(li->l->data, &r);
}

/* True if dmem_section_parse() reports this one. */
static bool is_told(const char *section, const char *key)
{
	if (dmem_section_meant(section))
		return true;
	return (!*section || !strncasecmp(section, "X-", 2)) && !strncmp(key, "DeviceMemory", 12);
}

static int one_line(void *data, unsigned int line, const char *section, const char *key,
		    const char *value)
{
	struct linting *li = data;
	const char *meant = section && key ? lint_meant(key) : NULL, *what, *remedy;

	(void)value;
	if (!meant || is_told(section, key))
		return 0;
	what = *section ? dmem_printf(li->l->arena, "has no effect in [%s]", section) :
			  "comes before any section";
	if (!strcmp(meant, key))
		remedy = "put it in [" DMEM_SECTION "]";
	else if (*meant)
		remedy = dmem_printf(li->l->arena, "write %s= in [" DMEM_SECTION "]", meant);
	else
		remedy = "[" DMEM_SECTION "] has DeviceMemoryMax=, DeviceMemoryMin=, DeviceMemoryLow=, "
			 DMEM_PROPAGATE_KEY "= and " DMEM_STRICT_KEY "=";
	report(li, li->l->mistake, line, key, what, remedy);
	return 0;
}

static int type_of(const char *unit)
{
	int type = unit ? dmem_unit_type(unit) : -1;

	for (int t = 0; unit && type < 0 && t < DMEM_TYPES; t++) {
		if (!strcmp(unit, dmem_type_names[t]))
			type = t;
	}
	return type;
}

/* Reports a section in a unit whose type has no limits. */
static void check_type(struct linting *li, const char *unit, unsigned int line, const char *text,
		       size_t len)
{
	struct dmem_place p;

	if (!unit)
		return;
	if (!strcmp(unit, "-.slice"))
		report(li, li->l->mistake, line, unit,
		       "is the root slice, which cannot have limits",
		       "limit the slices below it");
	else if (dmem_place_type(li->l->arena, unit, text, len, &p))
		li->err = -ENOMEM;
	else if (p.what)
		report(li, li->l->mistake, line, "[" DMEM_SECTION "]", p.what, p.remedy);
}

static void not_there(struct linting *li, const struct dmem_section_limit *c, const char *name,
		      const char *what, const char *otherwise)
{
	const char *why;

	if (dmem_region_renamed(li->l->arena, li->l->regions, li->l->cmdline, name, &why))
		li->err = -ENOMEM;
	else
		report(li, li->l->warning, c->line, name, what, why ? why : otherwise);
}

static const struct dmem_region *find_region(struct linting *li, const struct dmem_section_limit *c,
					     const char *name)
{
	const struct dmem_regions *r = li->l->regions;
	const char *heap = dmem_region_heap(name);
	const struct dmem_region *g;
	size_t i;

	if (!heap) {
		g = dmem_regions_find(r, name);
		if (!g)
			not_there(li, c, name, "is not a region of this machine", "see lsdmem");
		return g;
	}
	for (i = 0; i < r->n_heaps && strcmp(r->heap[i].name, heap); i++)
		;
	if (i == r->n_heaps)
		not_there(li, c, name, "is not a heap of this machine", "see ls /dev/dma_heap");
	else if (r->heap[i].told && !r->heap[i].region)
		report(li, li->l->warning, c->line, name, "is a heap without a region",
		       "see the kernel's log");
	else if (r->heap[i].told)
		return dmem_regions_find(r, r->heap[i].region);
	return NULL;
}

/* Compares with the machine. Regions depend on loaded drivers, so these are warnings. */
static void check_machine(struct linting *li, const struct dmem_section_limit *c, const char *unit)
{
	const struct dmem_region *g;
	const char *name = c->region;
	struct dmem_value v;
	char size[CLI_SIZE];

	if (!li->l->regions)
		return;
	/* The value of a template's specifiers is not known. */
	if (strchr(name, '%'))
		name = unit && type_of(unit) == DMEM_SERVICE && strchr(unit, '.') &&
		       !dmem_unit_is_template(unit) ? dmem_expand(li->l->arena, unit, name) : NULL;
	g = name ? find_region(li, c, name) : NULL;
	if (!g || g->capacity >= DMEM_UNKNOWN || dmem_parse_value(c->value, &v) || v.percent ||
	    v.n == DMEM_NO_LIMIT || v.n <= g->capacity)
		return;
	report(li, li->l->warning, c->line, c->value,
	       dmem_printf(li->l->arena, "is more than the size of %s, which is %s", g->name,
			   cli_size(size, g->capacity, false)),
	       "write less, or a percentage");
}

static void check_limit(struct linting *li, const struct dmem_section_limit *c, const char *unit)
{
	if (dmem_has_specifier(c->region) && type_of(unit) == DMEM_SLICE)
		report(li, li->l->mistake, c->line, c->region,
		       "has a specifier in the section of a slice",
		       "write the full name of the region");
	else
		check_machine(li, c, unit);
}

int lint_file(struct lint *l, const char *file, const char *unit, const char *text, size_t len,
	      bool *present)
{
	struct linting li = { .l = l, .file = file };
	struct dmem_section s;
	struct dmem_unit_limits limits = { 0 };
	int ret = dmem_section_parse(l->arena, file, text, len, l->mistake, l->data, &s);

	if (!ret)
		ret = dmem_conf_parse(text, len, one_line, &li);
	if (!ret)
		ret = dmem_unit_limits_add(l->arena, &limits, &s, "/");
	if (ret)
		return ret;
	*present = s.present;
	if (s.present)
		check_type(&li, unit, s.line, text, len);
	for (size_t i = 0; i < limits.n; i++)
		check_limit(&li, &limits.limit[i], unit);
	return li.err;
}
