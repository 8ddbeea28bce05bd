// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints the rows of "dmemctl watch" as columns of text, or as JSON. */
#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"
#include "columns.h"
#include "screen.h"

enum {
	COL_NAME, COL_REGION, COL_CGROUP, COL_UNIT, COL_CAPACITY, COL_CHARGED, COL_UNACCOUNTED,
		COL_PEAK,
	COL_MIN, COL_LOW, COL_MAX, COL_LIMIT, COL_FREE, COL_REFUSED, COL_NEW, COL_STATE, COL_BAR,
	COLUMNS
};

/* Rows that are printed at a time: a table needs a kilobyte for each. */
#define CHUNK		2000
#define MIN_NAME	16
#define MIN_BAR		10
#define MAX_BAR		60
#define PLAIN_BAR	14	/* width, without a terminal */
#define DEPTH		64	/* levels of branches that are drawn */
#define NAME_ROOM	(4096 + 8 * DEPTH)

static const struct table_column columns[COLUMNS] = {
	[COL_NAME] = { "NAME", "region or cgroup", TABLE_TEXT, TABLE_CUT },
	[COL_REGION] = { "REGION", "region", TABLE_TEXT, 0 },
	[COL_CGROUP] = { "CGROUP", "path of the cgroup", TABLE_TEXT, TABLE_CUT },
	[COL_UNIT] = { "UNIT", "systemd unit", TABLE_TEXT, TABLE_CUT },
	[COL_CAPACITY] = { "CAPACITY", "size of the region", TABLE_SIZE, 0 },
	[COL_CHARGED] = { "CHARGED", "bytes charged to the cgroup, or to all cgroups",
			  TABLE_SIZE, 0 },
	[COL_UNACCOUNTED] = { "UNACCOUNTED", "bytes of the region in use without a charge",
			      TABLE_SIZE, 0 },
	[COL_PEAK] = { "PEAK", "highest charge", TABLE_SIZE, 0 },
	[COL_MIN] = { "MIN", "dmem.min", TABLE_SIZE, 0 },
	[COL_LOW] = { "LOW", "dmem.low", TABLE_SIZE, 0 },
	[COL_MAX] = { "MAX", "dmem.max", TABLE_SIZE, 0 },
	[COL_LIMIT] = { "LIMIT", "effective limit: smallest MAX up to the root, or capacity",
			TABLE_SIZE, 0 },
	[COL_FREE] = { "FREE", "bytes that can be charged before a limit or the capacity",
		       TABLE_SIZE, 0 },
	[COL_REFUSED] = { "REFUSED", "refused requests of the cgroup and those below it",
			  TABLE_COUNT, 0 },
	[COL_NEW] = { "NEW", "refused requests since dmemctl watch started", TABLE_COUNT, 0 },
	[COL_STATE] = { "STATE", "\"limit\": limit reached; \"no room\": region full",
			TABLE_TEXT, 0 },
	[COL_BAR] = { "USE", "CHARGED in LIMIT as a bar; + is not charged", TABLE_TEXT, 0 },
};

static const int defaults[] = {
	COL_NAME, COL_CHARGED, COL_PEAK, COL_LIMIT, COL_FREE, COL_REFUSED, COL_NEW, COL_STATE,
	COL_BAR,
};
static const int json_defaults[] = {
	COL_REGION, COL_CGROUP, COL_CAPACITY, COL_CHARGED, COL_UNACCOUNTED, COL_PEAK, COL_MIN,
	COL_LOW,
	COL_MAX, COL_LIMIT, COL_FREE, COL_REFUSED, COL_NEW, COL_STATE,
};

/* Columns to leave out if the terminal is too narrow, the first one first. */
static const int dispensable[] = {
	COL_BAR, COL_PEAK, COL_REFUSED, COL_LIMIT, COL_STATE, COL_NEW, COL_FREE,
};

#define N(array)	(sizeof(array) / sizeof(*(array)))

void columns_begin(struct columns *c)
{
	*c = (struct columns){ .n = N(defaults), .utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8") };
	memcpy(c->id, defaults, sizeof(defaults));
}

bool columns_choose(struct columns *c, const char *list, char **wrong)
{
	const int *base = c->json ? json_defaults : defaults;
	int n = table_columns(columns, COLUMNS, list, base,
			      c->json ? N(json_defaults) : N(defaults),
			      c->id, wrong);

	if (n < 0)
		return false;
	c->n = (size_t)n;
	c->chosen = true;
	return true;
}

void columns_help(FILE *f)
{
	table_help(f, columns, COLUMNS);
}

/* ---- the cells of a row ---- */

/* "a/b": the path of a cgroup below the one in the row above, or below the root. */
static void put_path(const struct dmem_node *n, const struct dmem_node *above, char *buf,
		     size_t size)
{
	size_t skip = above && above->parent ? dmem_node_path(above, buf, size) + 1 : 0;
	size_t len = dmem_node_path(n, buf, size);

	if (len < size && skip && skip < len)
		memmove(buf, buf + skip, len - skip + 1);
	if (!*buf)
		snprintf(buf, size, "/");
}

/* "│ ├─": the branches of the tree before a cgroup's name. */
static size_t put_branches(const struct columns *c, const struct view *v, const struct view_row *r,
			   char *buf, size_t size)
{
	static const char * const ascii[] = { "| ", "  ", "|-", "`-" };
	static const char * const drawn[] = { "│ ", "  ", "├─", "└─" };
	const char * const *part = c->utf8 ? drawn : ascii;
	const char *parts[DEPTH];
	size_t n = 0, len = 0;

	if (r->node)
		parts[n++] = part[r->last ? 3 : 2];
	for (r = &v->row[r->parent]; r->node && n < DEPTH; r = &v->row[r->parent])
		parts[n++] = part[r->last];
	*buf = 0;
	while (n--)
		len += (size_t)snprintf(buf + len, size - len, "%s", parts[n]);
	return len;
}

static void put_name(const struct columns *c, const struct view *v, const struct view_row *r,
		     char *buf, size_t size)
{
	size_t len;

	if (!r->node) {
		snprintf(buf, size, "%s", v->tree->regions->region[r->region].name);
		return;
	}
	if (c->list || c->json) {
		len = (size_t)snprintf(buf, size, c->json ? "/" : "  /");
		put_path(r->node, NULL, buf + len - !r->node->parent, size - len);
		return;
	}
	len = put_branches(c, v, r, buf, size);
	put_path(r->node, v->row[r->parent].node, buf + len, size - len);
}

static unsigned int columns_of(const char *s)
{
	unsigned int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* Cuts the middle out of a printable text: names of units often differ only at their ends. */
static void shorten(const struct columns *c, char *s, unsigned int most)
{
	const char *mark = c->utf8 ? "…" : "..", *tail;
	unsigned int n = columns_of(mark);
	size_t head;

	if (columns_of(s) <= most)
		return;
	head = screen_fit(s, (most - n) / 2);
	tail = s + head;
	/* Cut between characters, not inside one. */
	while (columns_of(tail) > most - n - (most - n) / 2)
		for (tail++; (*tail & 0xc0) == 0x80; tail++)
			;
	memmove(s + head + strlen(mark), tail, strlen(tail) + 1);
	memcpy(s + head, mark, strlen(mark));
}

static unsigned int share(uint64_t part, uint64_t whole, unsigned int cells)
{
	double n = (double)part / (double)whole * cells + 0.5;

	return n < cells ? (unsigned int)n : cells;
}

/* "[###++....]": charged, used without a charge, free. It is completely filled only at the
 * limit. */
static void put_bar(const struct view *v, const struct view_row *r, char *buf, unsigned int width)
{
	const struct dmem_region *g = &v->tree->regions->region[r->region];
	uint64_t charged = view_charged(v, r), limit = view_limit(v, r), used = charged;
	unsigned int cells = width - 2, full, more;

	*buf = 0;
	if (!limit || limit >= DMEM_UNKNOWN || charged >= DMEM_UNKNOWN)
		return;
	if (!r->node && g->available <= limit)
		used = limit - g->available;
	else if (!r->node && g->unaccounted < DMEM_UNKNOWN - charged)
		used = charged + g->unaccounted;
	full = share(charged, limit, cells);
	more = share(used, limit, cells);
	more = more > full ? more : full;
	more -= used < limit && more == cells;
	full = full < more ? full : more;
	*buf = '[';
	memset(buf + 1, '#', full);
	memset(buf + 1 + full, '+', more - full);
	memset(buf + 1 + more, '.', cells - more);
	strcpy(buf + 1 + cells, "]");
}

static void set_names(const struct columns *c, struct table *t, struct table_line *l,
		      const struct view *v, const struct view_row *r, unsigned int most)
{
	char buf[NAME_ROOM], harmless[TEXT_ROOM(sizeof(buf))], name[256];
	const char *unit;
	size_t len;

	if (table_wants(t, COL_NAME)) {
		put_name(c, v, r, buf, sizeof(buf));
		text_put(harmless, buf, strlen(buf), c->json ? TEXT_JSON : TEXT_LOCALE);
		if (most)
			shorten(c, harmless, most);
		table_text(t, l, COL_NAME, harmless);
	}
	table_text(t, l, COL_REGION, v->tree->regions->region[r->region].name);
	if (!r->node || (!table_wants(t, COL_CGROUP) && !table_wants(t, COL_UNIT)))
		return;
	*buf = '/';
	dmem_node_path(r->node, buf + 1, sizeof(buf) - 1);
	table_text(t, l, COL_CGROUP, buf);
	unit = dmem_cgroup_unit(buf + 1, &len);
	if (!unit || len >= sizeof(name))
		return;
	memcpy(name, unit, len);
	name[len] = 0;
	table_text(t, l, COL_UNIT, name);
}

static bool is_figure(int id)
{
	return columns[id].type == TABLE_SIZE || columns[id].type == TABLE_COUNT;
}

/* Regions have no limits, and cgroups have no capacity. */
static bool has_figure(const struct view_row *r, int id)
{
	switch (id) {
	case COL_MIN:
	case COL_LOW:
	case COL_MAX:
		return r->node;
	case COL_CAPACITY:
	case COL_UNACCOUNTED:
		return !r->node;
	default:
		return true;
	}
}

static uint64_t figure_of(const struct view *v, const struct view_row *r, int id)
{
	const struct dmem_region *g = &v->tree->regions->region[r->region];

	switch (id) {
	case COL_MIN:
		return dmem_tree_figure(v->tree, r->node, r->region, DMEM_F_MIN);
	case COL_LOW:
		return dmem_tree_figure(v->tree, r->node, r->region, DMEM_F_LOW);
	case COL_MAX:
		return dmem_tree_figure(v->tree, r->node, r->region, DMEM_F_MAX);
	case COL_CAPACITY:
		return g->capacity;
	case COL_UNACCOUNTED:
		return g->unaccounted;
	case COL_CHARGED:
		return view_charged(v, r);
	case COL_PEAK:
		return view_peak(v, r);
	case COL_LIMIT:
		return view_limit(v, r);
	case COL_FREE:
		return view_free_bytes(v, r);
	case COL_REFUSED:
		return view_refused(v, r);
	default:
		return view_refused(v, r) == DMEM_UNKNOWN ? DMEM_UNKNOWN : r->since;
	}
}

/* The text of a figure. */
static const char *figure_text(const struct columns *c, const struct view *v,
			       const struct view_row *r,
			       int id, char buf[CLI_SIZE])
{
	*buf = 0;
	if (id == COL_NEW && r->since)
		snprintf(buf, CLI_SIZE, "+%llu", (unsigned long long)r->since);
	else if (id != COL_NEW && has_figure(r, id))
		cli_size(buf, figure_of(v, r, id), c->bytes || columns[id].type == TABLE_COUNT);
	return buf;
}

static void set_figures(const struct columns *c, struct table *t, struct table_line *l,
			const struct view *v, const struct view_row *r)
{
	char buf[CLI_SIZE];

	for (int id = 0; id < COLUMNS; id++) {
		if (!is_figure(id) || !table_wants(t, id))
			continue;
		if (!c->json)
			table_text(t, l, id, figure_text(c, v, r, id, buf));
		else if (has_figure(r, id))
			table_number(t, l, id, figure_of(v, r, id));
	}
	table_text(t, l, COL_STATE, view_state_text(v, r));
}

/* ---- tables ---- */

struct layout {
	int id[COLUMNS];
	unsigned int width[COLUMNS];	/* with a terminal */
	size_t n;
	unsigned int name, bar;		/* widths; @name is 0: unlimited */
	unsigned int most;		/* a longer name is shortened; 0: never */
};

/* The width that a column needs for these rows, or its least width. Paths are preferred to other
 * columns. */
static unsigned int width_of(const struct columns *c, const struct view *v, size_t from, size_t n,
			     int id)
{
	size_t width = strlen(columns[id].name);
	char buf[CLI_SIZE];

	if (id == COL_NAME)
		return MIN_NAME;
	if (id == COL_BAR)
		return MIN_BAR;
	for (size_t i = from; i < from + n; i++) {
		const char *text = id == COL_STATE ? view_state_text(v, &v->row[i]) :
				   is_figure(id) ? figure_text(c, v, &v->row[i], id, buf) : "";

		width = text && strlen(text) > width ? strlen(text) : width;
	}
	return (unsigned int)width;
}

static unsigned int width_of_all(const struct layout *l)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += l->width[i] + (i > 0);
	return sum;
}

static void leave_out(struct layout *l, int id)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->id[i] != id)
			continue;
		l->n--;
		memmove(&l->id[i], &l->id[i + 1], (l->n - i) * sizeof(*l->id));
		memmove(&l->width[i], &l->width[i + 1], (l->n - i) * sizeof(*l->width));
		return;
	}
}

static unsigned int longest_name(const struct columns *c, const struct view *v, size_t from,
				 size_t n)
{
	char buf[NAME_ROOM], harmless[TEXT_ROOM(sizeof(buf))];
	unsigned int longest = 4;

	for (size_t i = from; i < from + n; i++) {
		unsigned int len;

		put_name(c, v, &v->row[i], buf, sizeof(buf));
		text_put(harmless, buf, strlen(buf), TEXT_LOCALE);
		len = columns_of(harmless);
		longest = len > longest ? len : longest;
	}
	return longest;
}

static void find_layout(const struct columns *c, const struct view *v, size_t from, size_t n,
			unsigned int width, struct layout *l)
{
	unsigned int name, least, spare;

	*l = (struct layout){ .n = c->n, .bar = PLAIN_BAR };
	memcpy(l->id, c->id, c->n * sizeof(*l->id));
	if (!width)
		return;
	for (size_t i = 0; i < l->n; i++)
		l->width[i] = width_of(c, v, from, n, l->id[i]);
	name = longest_name(c, v, from, n);
	least = c->list && name > MIN_NAME ?
		(name < 2 * width / 5 ? name : 2 * width / 5) : MIN_NAME;
	for (size_t i = 0; i < l->n; i++) {
		if (l->id[i] == COL_NAME)
			l->width[i] = least;
	}
	for (size_t i = 0; !c->chosen && i < N(dispensable) && width_of_all(l) > width; i++)
		leave_out(l, dispensable[i]);
	spare = width > width_of_all(l) ? width - width_of_all(l) : 0;
	name = name > least ? name - least : 0;
	/* Names get the spare room first, and the bar gets the rest. */
	l->most = least + (name < spare ? name : spare);
	spare -= name < spare ? name : spare;
	l->bar = MIN_BAR + spare < MAX_BAR ? MIN_BAR + spare : MAX_BAR;
}

static struct table *new_table(const struct columns *c, FILE *f, const struct layout *l,
			       unsigned int width, bool headings)
{
	/* Without a terminal, lines may have any length. */
	struct table_options o = {
		.json = c->json, .bytes = c->bytes, .no_headings = !headings, .stream = f,
		.width = width ? width : 65535,
	};

	return table_new("rows", columns, l->id, l->n, &o);
}

static int print_rows(const struct columns *c, FILE *f, const struct view *v, size_t from, size_t n,
		      const struct layout *l, unsigned int width, bool headings)
{
	struct table *t = new_table(c, f, l, width, headings);
	char bar[MAX_BAR + 1];
	int ret = t ? 0 : -ENOMEM;

	/* One table per chunk, printed below each other. */
	for (size_t i = 0; l->name && t && i < l->n; i++)
		table_fix_width(t, l->id[i],
				l->id[i] == COL_NAME ? l->name : l->id[i] == COL_BAR ? l->bar : 10);
	for (size_t i = from; t && i < from + n; i++) {
		const struct view_row *r = &v->row[i];
		struct table_line *line = table_line(t, NULL);

		set_names(c, t, line, v, r, l->most);
		set_figures(c, t, line, v, r);
		if (!table_wants(t, COL_BAR))
			continue;
		put_bar(v, r, bar, l->bar);
		table_text(t, line, COL_BAR, bar);
	}
	if (t)
		ret = table_print(t);
	table_free(t);
	return ret;
}

int columns_print(const struct columns *c, FILE *f, const struct view *v, size_t from, size_t n,
		  unsigned int width)
{
	struct layout l;
	int ret = 0;

	find_layout(c, v, from, n, width, &l);
	if (n > CHUNK && !width)
		l.name = longest_name(c, v, from, n);
	for (size_t i = 0; (i < n || !i) && !ret; i += CHUNK)
		ret = print_rows(c, f, v, from + i, n - i < CHUNK ? n - i : CHUNK, &l, width, !i);
	return ret;
}

/* Prints the elements of {"rows": [...]} in one line: strings never contain line ends with blanks
 * after them. */
static void put_elements(FILE *f, const char *text)
{
	const char *from = strchr(text, '['), *to = strrchr(text, ']');

	for (const char *s = from ? from + 1 : text; from && to && s < to; s++) {
		if (*s == '\n')
			s += strspn(s, "\n ") - 1;
		else
			fputc(*s, f);
	}
}

int columns_print_json(const struct columns *c, FILE *f, const struct view *v)
{
	struct layout l = { .n = c->chosen ? c->n : N(json_defaults), .bar = PLAIN_BAR };
	int ret = 0;

	memcpy(l.id, c->chosen ? c->id : json_defaults, l.n * sizeof(*l.id));
	fputc('[', f);
	for (size_t i = 0; i < v->n && !ret; i += CHUNK) {
		char *text = NULL;
		size_t len;
		FILE *m = open_memstream(&text, &len);

		ret = m ? print_rows(c, m, v, i, v->n - i < CHUNK ? v->n - i : CHUNK, &l, 0,
				     true) : -ENOMEM;
		if (m && fclose(m))
			ret = -ENOMEM;
		if (!ret && i)
			fputc(',', f);
		if (!ret)
			put_elements(f, text);
		free(text);
	}
	fputc(']', f);
	return ret;
}
