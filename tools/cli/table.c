// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables, printed by libsmartcols. */
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dmem/look.h"
#include "json.h"
#include "table.h"
#include "text.h"

struct table {
	struct libscols_table *tb;
	const struct table_column *all;
	struct table_options o;
	int at[TABLE_MAX];		/* place of each of @all, or -1 */
	int id[TABLE_MAX];		/* index in @all, by place */
	size_t n;
	int err;			/* the first error */
};

/* struct table_line is libsmartcols' line. */
static struct libscols_line *theirs(struct table_line *l)
{
	return (struct libscols_line *)l;
}

/* CHARGED is read from dmem.current, so CURRENT is accepted as its name. */
#define OTHER_NAME	"CURRENT"

static int find(const struct table_column *all, size_t n, const char *name, size_t len)
{
	if (len == strlen(OTHER_NAME) && !strncasecmp(OTHER_NAME, name, len)) {
		name = "CHARGED";
		len = strlen(name);
	}
	for (size_t i = 0; i < n; i++) {
		if (strlen(all[i].name) == len && !strncasecmp(all[i].name, name, len))
			return (int)i;
	}
	return -1;
}

/* Adds each column once: JSON must not have a key twice. */
static size_t add(int ids[TABLE_MAX], size_t n, int id)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == id)
			return n;
	}
	if (n < TABLE_MAX)
		ids[n] = id;
	return n + 1;
}

int table_columns(const struct table_column *all, size_t n, const char *list,
		  const int *defaults, size_t n_defaults, int ids[TABLE_MAX], char **wrong)
{
	size_t used = 0, len;

	*wrong = NULL;
	if (*list == '+') {
		list++;
		for (size_t i = 0; i < n_defaults; i++)
			used = add(ids, used, defaults[i]);
	}
	for (const char *w = list;; w += len + 1) {
		int id;

		len = strcspn(w, ",");
		id = find(all, n, w, len);
		if (id < 0) {
			*wrong = strndup(w, len);
			return -1;
		}
		used = add(ids, used, id);
		if (!w[len])
			break;
	}
	return used > TABLE_MAX ? -1 : (int)used;
}

void table_help(FILE *f, const struct table_column *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, " %13s  %s\n", all[i].name, all[i].help);
}

static bool is_number(const struct table_column *c)
{
	return c->type == TABLE_SIZE || c->type == TABLE_COUNT;
}

static int json_type(enum table_type type)
{
	switch (type) {
	case TABLE_SIZE:
	case TABLE_COUNT:
	case TABLE_LIST:
	case TABLE_VALUE:
		/* Printed without quotes: arrays of libsmartcols cannot be empty. */
		return SCOLS_JSON_NUMBER;
	case TABLE_BOOL:
		return SCOLS_JSON_BOOLEAN_OPTIONAL;
	default:
		return SCOLS_JSON_STRING;
	}
}

static int add_column(struct table *t, int id)
{
	const struct table_column *c = &t->all[id];
	struct libscols_column *cl;
	int flags = 0;

	if (is_number(c))
		flags |= SCOLS_FL_RIGHT;
	if (c->flags & TABLE_CUT)
		flags |= SCOLS_FL_TRUNC;
	if (c->flags & TABLE_TREE && t->o.tree)
		flags |= SCOLS_FL_TREE;
	/* As wide as its cells, or at most half of the terminal if it may be cut. */
	cl = scols_table_new_column(t->tb, c->name, c->flags & TABLE_CUT ? 0.5 : 0, flags);
	if (!cl || scols_column_set_json_type(cl, json_type(c->type)))
		return -ENOMEM;
	return 0;
}

static int set_up(struct table *t, const char *name, const struct table_options *o)
{
	int err = scols_table_set_name(t->tb, name);

	if (!err)
		err = scols_table_enable_json(t->tb, o->json);
	if (!err)
		err = scols_table_enable_noheadings(t->tb, o->no_headings);
	/* libsmartcols would print a backslash as "\x5c"; the cells are escaped already. */
	if (!err)
		err = scols_table_enable_noencoding(t->tb, 1);
	if (!err && o->stream)
		err = scols_table_set_stream(t->tb, o->stream);
	if (!err && o->width) {
		err = scols_table_set_termforce(t->tb, SCOLS_TERMFORCE_ALWAYS);
		if (!err)
			err = scols_table_set_termwidth(t->tb, o->width);
	}
	return err;
}

struct table *table_new(const char *name, const struct table_column *all, const int *ids,
			size_t n_ids, const struct table_options *o)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->all = all;
	t->o = *o;
	memset(t->at, -1, sizeof(t->at));
	t->tb = scols_new_table();
	if (!t->tb || set_up(t, name, o))
		goto fail;
	for (size_t i = 0; i < n_ids; i++) {
		if (add_column(t, ids[i]))
			goto fail;
		t->at[ids[i]] = (int)i;
		t->id[t->n++] = ids[i];
	}
	return t;
fail:
	table_free(t);
	return NULL;
}

struct table_line *table_line(struct table *t, struct table_line *parent)
{
	struct libscols_line *l;

	if (t->err)
		return NULL;
	l = scols_table_new_line(t->tb, theirs(parent));
	if (!l)
		t->err = -ENOMEM;
	return (struct table_line *)l;
}

void table_heading(struct table *t, int id, const char *heading)
{
	struct libscols_column *cl;

	if (t->err || !table_wants(t, id) || t->o.json || t->o.raw)
		return;
	cl = scols_table_get_column(t->tb, (size_t)t->at[id]);
	if (!cl || scols_column_set_name(cl, heading))
		t->err = -ENOMEM;
}

void table_fix_width(struct table *t, int id, unsigned int width)
{
	struct libscols_column *cl;

	if (t->err || !table_wants(t, id))
		return;
	cl = scols_table_get_column(t->tb, (size_t)t->at[id]);
	if (!cl || scols_column_set_whint(cl, width) ||
	    scols_column_set_flags(cl, scols_column_get_flags(cl) | SCOLS_FL_STRICTWIDTH))
		t->err = -ENOMEM;
}

bool table_wants(const struct table *t, int id)
{
	return t->at[id] >= 0;
}

/* Gives @s to libsmartcols, which frees it with the line. NULL: out of memory. */
static void give(struct table *t, struct table_line *l, int id, char *s)
{
	if (!s || scols_line_refer_data(theirs(l), (size_t)t->at[id], s)) {
		t->err = -ENOMEM;
		free(s);
	}
}

void table_text(struct table *t, struct table_line *l, int id, const char *s)
{
	if (t->err || !l || !s || !table_wants(t, id) ||
	    (t->o.json && t->all[id].type == TABLE_VALUE))
		return;
	give(t, l, id, text_harmless(s, t->o.json ? TEXT_JSON : TEXT_LOCALE));
}

void table_json(struct table *t, struct table_line *l, int id, const char *json)
{
	if (!t->err && l && t->o.json && table_wants(t, id))
		give(t, l, id, strdup(json));
}

void table_number(struct table *t, struct table_line *l, int id, uint64_t n)
{
	bool size = t->all[id].type == TABLE_SIZE;
	char buf[CLI_SIZE];

	if (!table_wants(t, id) || n == DMEM_UNKNOWN)
		return;
	if (size && n == DMEM_NO_LIMIT && t->o.json)
		table_text(t, l, id, "\"max\"");
	else
		table_text(t, l, id, cli_size(buf, n, !size || t->o.bytes || t->o.json));
}

void table_bool(struct table *t, struct table_line *l, int id, bool b)
{
	table_text(t, l, id, b ? "yes" : "no");
}

/* Joins the escaped words with blanks. */
static char *join(const char * const *words, size_t n)
{
	size_t size = 1;
	char *all, *end;

	for (size_t i = 0; i < n; i++)
		size += TEXT_ROOM(strlen(words[i]));
	all = malloc(size);
	if (!all)
		return NULL;
	end = all;
	*end = 0;
	for (size_t i = 0; i < n; i++) {
		if (i)
			*end++ = ' ';
		end += text_put(end, words[i], strlen(words[i]), TEXT_LOCALE);
	}
	return all;
}

void table_list(struct table *t, struct table_line *l, int id, const char * const *words, size_t n)
{
	if (t->err || !l || !table_wants(t, id))
		return;
	give(t, l, id, t->o.json ? json_array(words, n) : join(words, n));
}

/* Writes unknown numbers in text output. */
static int fill_unknown(struct table *t)
{
	struct libscols_iter *it = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_line *l;
	int ret = it ? 0 : -ENOMEM;

	while (!ret && !scols_table_next_line(t->tb, it, &l)) {
		for (size_t i = 0; i < t->n && !ret; i++) {
			const struct libscols_cell *c = scols_line_get_cell(l, i);

			if (is_number(&t->all[t->id[i]]) && !scols_cell_get_data(c))
				ret = scols_line_set_data(l, i, "-") ? -ENOMEM : 0;
		}
	}
	scols_free_iter(it);
	return ret;
}

static void print_raw_cell(FILE *f, const char *s, bool first)
{
	if (!first)
		putc(' ', f);
	if (!s || !*s)
		putc('-', f);
	for (; s && *s; s++) {
		if (*s == ' ')
			fputs("\\x20", f);
		else
			putc(*s, f);
	}
}

/* Prints lines in the order in which they were added: parents first. */
static int print_raw(struct table *t)
{
	struct libscols_iter *it = scols_new_iter(SCOLS_ITER_FORWARD);
	FILE *f = t->o.stream ? t->o.stream : stdout;
	struct libscols_line *l;

	if (!it)
		return -ENOMEM;
	for (size_t i = 0; i < t->n && !t->o.no_headings; i++)
		print_raw_cell(f, t->all[t->id[i]].name, !i);
	if (!t->o.no_headings)
		putc('\n', f);
	while (!scols_table_next_line(t->tb, it, &l)) {
		for (size_t i = 0; i < t->n; i++)
			print_raw_cell(f, scols_cell_get_data(scols_line_get_cell(l, i)), !i);
		putc('\n', f);
	}
	scols_free_iter(it);
	return 0;
}

int table_print(struct table *t)
{
	int ret;

	if (t->err)
		return t->err;
	if (t->o.raw)
		return print_raw(t);
	ret = t->o.json ? 0 : fill_unknown(t);
	if (ret)
		return ret;
	return scols_print_table(t->tb) ? -ENOMEM : 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->tb);
	free(t);
}
