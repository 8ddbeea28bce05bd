// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints samples as records that stand alone: each has all figures, also those that did not
 * change. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/text.h"
#include "export.h"

enum column {
	COL_KIND, COL_TIME, COL_BOOT, COL_MONO, COL_MACHINE, COL_HOST, COL_REGION, COL_CGROUP,
	COL_CHARGED, COL_PEAK, COL_EV_MAX, COL_ALLOC_FAIL, COL_EXHAUSTED, COL_RESERVED, COL_MAX,
	COL_MIN, COL_UNACCOUNTED, COL_LARGEST_RUN, COL_CAPACITY, COL_INODE, COL_SIZE,
	COLUMNS
};

static const char * const names[COLUMNS] = {
	[COL_KIND] = "kind", [COL_TIME] = "time", [COL_BOOT] = "boot", [COL_MONO] = "mono",
	[COL_MACHINE] = "machine", [COL_HOST] = "host", [COL_REGION] = "region",
	[COL_CGROUP] = "cgroup", [COL_CHARGED] = "charged", [COL_PEAK] = "peak",
	[COL_EV_MAX] = "ev_max", [COL_ALLOC_FAIL] = "ev_alloc_fail",
	[COL_EXHAUSTED] = "ev_exhausted", [COL_RESERVED] = "ev_reserved", [COL_MAX] = "max",
	[COL_MIN] = "min", [COL_UNACCOUNTED] = "unaccounted", [COL_LARGEST_RUN] = "largest_run",
	[COL_CAPACITY] = "capacity", [COL_INODE] = "inode", [COL_SIZE] = "size",
};

/* A record: of each column a text or a number, or neither. */
struct record_line {
	const char *text[COLUMNS];
	uint64_t number[COLUMNS];
	bool set[COLUMNS];
};

static void set_text(struct record_line *r, enum column c, const char *s)
{
	r->text[c] = s;
	r->set[c] = true;
}

static void set_number(struct record_line *r, enum column c, uint64_t v)
{
	r->number[c] = v;
	r->set[c] = true;
}

/* ---- formats ---- */

static int put_json_text(FILE *f, const char *s)
{
	char *array = json_array(&s, 1);

	if (!array)
		return -ENOMEM;
	/* Only the word itself, without the brackets around it. */
	fprintf(f, "%.*s", (int)strlen(array) - 2, array + 1);
	free(array);
	return 0;
}

static int put_json(FILE *f, const struct record_line *r)
{
	const char *before = "{";
	int ret = 0;

	for (int c = 0; c < COLUMNS && !ret; c++) {
		if (!r->set[c])
			continue;
		fprintf(f, "%s\"%s\":", before, names[c]);
		before = ",";
		if (r->text[c])
			ret = put_json_text(f, r->text[c]);
		else if (r->number[c] == DMEM_UNKNOWN)
			fprintf(f, "null");
		else if (r->number[c] == DMEM_NO_LIMIT)
			fprintf(f, "\"max\"");
		else
			fprintf(f, "%" PRIu64, r->number[c]);
	}
	fprintf(f, "}\n");
	return ret;
}

/* A field with a comma or a quote is quoted, as in RFC 4180. Control characters are escaped. */
static int put_csv_text(FILE *f, const char *s)
{
	char *safe = text_harmless(s, TEXT_UTF8);

	if (!safe)
		return -ENOMEM;
	if (!strpbrk(safe, ",\"")) {
		fprintf(f, "%s", safe);
		free(safe);
		return 0;
	}
	fputc('"', f);
	for (const char *p = safe; *p; p++)
		fprintf(f, *p == '"' ? "\"\"" : "%c", *p);
	fputc('"', f);
	free(safe);
	return 0;
}

/* An unknown number is an empty field. */
static int put_csv(FILE *f, const struct record_line *r)
{
	int ret = 0;

	for (int c = 0; c < COLUMNS && !ret; c++) {
		if (c)
			fputc(',', f);
		if (r->text[c])
			ret = put_csv_text(f, r->text[c]);
		else if (r->set[c] && r->number[c] == DMEM_NO_LIMIT)
			fprintf(f, "max");
		else if (r->set[c] && r->number[c] != DMEM_UNKNOWN)
			fprintf(f, "%" PRIu64, r->number[c]);
	}
	fprintf(f, "\n");
	return ret;
}

void export_finish(struct export *e)
{
	if (!e->csv || e->headed)
		return;
	e->headed = true;
	for (int c = 0; c < COLUMNS; c++)
		fprintf(e->f, "%s%s", c ? "," : "", names[c]);
	fprintf(e->f, "\n");
}

static int put_record(struct export *e, const struct record_line *r)
{
	int ret = e->csv ? put_csv(e->f, r) : put_json(e->f, r);

	return ret ? ret : ferror(e->f) ? -EIO : 0;
}

/* ---- records ---- */

static struct record_line start_record(const struct walk *w, const char *kind, uint64_t time,
				       uint64_t mono)
{
	struct record_line r = { 0 };

	set_text(&r, COL_KIND, kind);
	set_number(&r, COL_TIME, time);
	set_text(&r, COL_BOOT, w->head.boot);
	set_number(&r, COL_MONO, mono);
	if (w->id && w->id->machine)
		set_text(&r, COL_MACHINE, w->id->machine);
	if (w->id && w->id->host)
		set_text(&r, COL_HOST, w->id->host);
	return r;
}

static void set_region(struct record_line *r, const struct walk_region *g)
{
	set_text(r, COL_REGION, g->name);
	set_number(r, COL_CHARGED, g->v[HIST_R_CURRENT]);
	set_number(r, COL_UNACCOUNTED, g->v[HIST_R_UNACCOUNTED]);
	set_number(r, COL_LARGEST_RUN, g->v[HIST_R_LARGEST]);
	set_number(r, COL_CAPACITY, g->v[HIST_R_CAPACITY]);
}

static void set_figures(struct record_line *r, const struct walk *w, const struct walk_figures *g)
{
	static const enum column columns[HIST_FIGURES] = {
		[HIST_CURRENT] = COL_CHARGED, [HIST_PEAK] = COL_PEAK, [HIST_EV_MAX] = COL_EV_MAX,
		[HIST_EV_ALLOC_FAIL] = COL_ALLOC_FAIL, [HIST_EV_EXHAUSTED] = COL_EXHAUSTED,
		[HIST_EV_RESERVED] = COL_RESERVED, [HIST_MAX] = COL_MAX, [HIST_MIN] = COL_MIN,
	};

	set_text(r, COL_REGION, w->region[g->region].name);
	set_text(r, COL_CGROUP, w->cgroup[g->cgroup].path);
	for (int i = 0; i < HIST_FIGURES; i++)
		set_number(r, columns[i], g->v[i]);
}

static void set_buffer(struct record_line *r, const struct walk *w, const struct walk_buffer *b)
{
	set_number(r, COL_INODE, b->ino);
	if (b->size == DMEM_UNKNOWN)
		return;
	set_text(r, COL_REGION, w->region[b->region].name);
	set_number(r, COL_SIZE, b->size);
	if (b->cgroup >= 0)
		set_text(r, COL_CGROUP, w->cgroup[b->cgroup].path);
}

static int put_one(struct export *e, const struct walk *w, const struct walk_change *c)
{
	static const char * const kinds[] = {
		[WALK_REGION] = "region", [WALK_CGROUP] = "cgroup", [WALK_GONE] = "gone",
		[WALK_BUFFER] = "buffer", [WALK_FREED] = "freed",
	};
	struct record_line r = start_record(w, kinds[c->kind], w->time, w->mono);

	if (c->kind == WALK_REGION)
		set_region(&r, &w->region[c->at]);
	else if (c->kind == WALK_CGROUP)
		set_figures(&r, w, &w->figures[c->at]);
	else if (c->kind == WALK_GONE)
		set_text(&r, COL_CGROUP, w->cgroup[c->at].path);
	else
		set_buffer(&r, w, &c->buffer);
	return put_record(e, &r);
}

/* If earlier samples of the segment were left out: all that is known. */
static int put_all(struct export *e, const struct walk *w)
{
	int ret = 0;

	for (size_t i = 0; i < w->n_regions && !ret; i++) {
		if (w->region[i].kept && w->region[i].n)
			ret = put_one(e, w, &(struct walk_change){ .kind = WALK_REGION, .at = i });
	}
	for (size_t i = 0; i < w->n_figures && !ret; i++) {
		if (!w->cgroup[w->figures[i].cgroup].gone)
			ret = put_one(e, w, &(struct walk_change){ .kind = WALK_CGROUP, .at = i });
	}
	for (size_t i = 0; i < w->n_buffers && !ret; i++)
		ret = put_one(e, w, &(struct walk_change){ .kind = WALK_BUFFER,
							   .buffer = w->buffer[i] });
	return ret;
}

int export_sample(void *data, struct walk *w)
{
	struct export *e = data;
	struct record_line r = start_record(w, "sample", w->time, w->mono);
	bool all = e->stretch != w->stretch && !w->first;
	int ret;

	export_finish(e);
	e->stretch = w->stretch;
	ret = put_record(e, &r);
	for (size_t i = 0; i < w->n_changes && !ret; i++) {
		enum walk_kind kind = w->change[i].kind;

		if (!all || kind == WALK_GONE || kind == WALK_FREED)
			ret = put_one(e, w, &w->change[i]);
	}
	return ret || !all ? ret : put_all(e, w);
}

int export_end(void *data, struct walk *w, uint64_t mono)
{
	struct record_line r = start_record(w, "end", model_wall(w->boot, mono), mono);

	return put_record(data, &r);
}
