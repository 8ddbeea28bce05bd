// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the JSON of Prometheus' HTTP API. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

void answers_free(struct answers *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->series[i].value);
	free(a->series);
	dmem_map_free(&a->keys);
	dmem_arena_free(&a->arena);
}

static int by_time(const void *a, const void *b)
{
	const struct answer_value *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return (x->v > y->v) - (x->v < y->v);
}

void answers_sort(struct answers *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct answer_series *s = &a->series[i];
		size_t n = 0;

		if (s->n)
			qsort(s->value, s->n, sizeof(*s->value), by_time);
		for (size_t k = 0; k < s->n; k++) {
			bool again = n && s->value[n - 1].t == s->value[k].t;

			a->contradictions += again && s->value[n - 1].v != s->value[k].v;
			n -= again;
			s->value[n++] = s->value[k];
		}
		s->n = n;
	}
}

#ifdef NO_JSONC

int answers_add(struct answers *a, const char *text, size_t len)
{
	(void)text;
	(void)len;
	a->problem = "this dmemctl was built without json-c: plan with histories of dmemctl record";
	return -EINVAL;
}

#else

#include <json-c/json.h>

#define MAX_DEPTH	16
#define MAX_LABELS	64
#define MAX_TIME_S	253402300799.0	/* the end of the year 9999 */
/* Steps of a median; a usual answer has one. */
#define MAX_STEPS	256
/* Of an answer with one value. */
#define ONE_MINUTE_MS	60000

#define NOT_FROM	"query the metrics of dmemctl metrics with /api/v1/query_range, without functions"

static const struct {
	const char *name;
	int metric;		/* -1: known, and not needed */
} metrics[] = {
	{ "dmem_region_charged_bytes", ANSWER_REGION + HIST_R_CURRENT },
	{ "dmem_region_unaccounted_bytes", ANSWER_REGION + HIST_R_UNACCOUNTED },
	{ "dmem_region_largest_free_bytes", ANSWER_REGION + HIST_R_LARGEST },
	{ "dmem_region_capacity_bytes", ANSWER_REGION + HIST_R_CAPACITY },
	{ "dmem_region_peak_bytes", ANSWER_REGION_PEAK },
	{ "dmem_region_buffer_size_bytes_bucket", ANSWER_BUCKET },
	{ "dmem_buffers_complete", ANSWER_COMPLETE },
	{ "dmem_scrape_success", ANSWER_SUCCESS },
	{ "dmem_cgroup_charged_bytes", ANSWER_CGROUP + HIST_CURRENT },
	{ "dmem_cgroup_peak_bytes", ANSWER_CGROUP + HIST_PEAK },
	{ "dmem_cgroup_limit_hits_total", ANSWER_CGROUP + HIST_EV_MAX },
	{ "dmem_cgroup_refused_total", ANSWER_CGROUP + HIST_EV_ALLOC_FAIL },
	{ "dmem_cgroup_max_bytes", ANSWER_CGROUP + HIST_MAX },
	{ "dmem_cgroup_min_bytes", ANSWER_CGROUP + HIST_MIN },
	{ "node_boot_time_seconds", ANSWER_BOOT },
	{ "dmem_region_free_bytes", -1 }, { "dmem_heap_accounted", -1 },
	{ "dmem_region_buffer_size_bytes_count", -1 },
	{ "dmem_region_buffer_size_bytes_sum", -1 },
	{ "dmem_region_buffer_size_bytes_gcount", -1 },
	{ "dmem_region_buffer_size_bytes_gsum", -1 },
	{ "dmem_cgroup_low_bytes", -1 }, { "dmem_cgroup_limit_bytes", -1 },
};

#define N_METRICS	(sizeof(metrics) / sizeof(*metrics))

struct label {
	const char *name, *value;
};

/* One element of the result. */
struct element {
	struct label label[MAX_LABELS];		/* of the machine, sorted */
	size_t n;
	const char *name, *region, *cgroup, *reason, *end, *instance;
	bool duplicate, wrong;
};

static int problem(struct answers *a, const char *text)
{
	a->problem = text ? text : "out of memory";
	return text ? -EINVAL : -ENOMEM;
}

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *m;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &m) ||
	    !json_object_is_type(m, type))
		return NULL;
	return m;
}

/* A text without zeros in it, or NULL. */
static const char *text_of(struct json_object *o)
{
	const char *s;

	if (!json_object_is_type(o, json_type_string))
		return NULL;
	s = json_object_get_string(o);
	return strlen(s) == (size_t)json_object_get_string_len(o) ? s : NULL;
}

static const char *text_in(struct json_object *o, const char *key)
{
	return text_of(member(o, key, json_type_string));
}

/* ---- labels ---- */

static int by_label(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static void take_label(struct element *e, const char *name, const char *value)
{
	static const char * const own[] = { "__name__", "region", "cgroup", "reason", "le" };
	const char **to[] = { &e->name, &e->region, &e->cgroup, &e->reason, &e->end };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (!strcmp(name, own[i])) {
			*to[i] = value;
			return;
		}
	}
	e->duplicate |= !strcmp(name, "duplicate");
	if (!strcmp(name, "unit") || !strcmp(name, "heap"))
		return;
	if (!strcmp(name, "instance"))
		e->instance = value;
	if (e->n == MAX_LABELS)
		e->wrong = true;
	else
		e->label[e->n++] = (struct label){ name, value };
}

static void take_labels(struct element *e, struct json_object *labels)
{
	*e = (struct element){ .region = "", .cgroup = "", .reason = "", .end = "", .instance = "" };
	json_object_object_foreach(labels, name, value) {
		const char *text = text_of(value);

		e->wrong |= !text || strlen(text) >= HIST_NAME;
		if (!e->wrong)
			take_label(e, name, text);
	}
	if (!e->wrong)
		qsort(e->label, e->n, sizeof(*e->label), by_label);
}

/* The labels of the machine as one text. NULL: out of memory. */
static const char *target_of(struct answers *a, const struct element *e)
{
	char *text = NULL, *copy = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < e->n; i++)
		fprintf(f, "%s%s=\"%s\"", i ? "," : "", e->label[i].name, e->label[i].value);
	if (!fclose(f))
		copy = dmem_strdup(&a->arena, text);
	free(text);
	return copy;
}

/* ---- series ---- */

static int note_unknown(struct answers *a, const char *name)
{
	size_t room = sizeof(a->unknown) / sizeof(*a->unknown);

	for (size_t i = 0; i < room && a->unknown[i]; i++) {
		if (!strcmp(a->unknown[i], name))
			return 0;
	}
	if (a->n_unknown < room) {
		a->unknown[a->n_unknown] = dmem_strdup(&a->arena, name);
		if (!a->unknown[a->n_unknown])
			return -ENOMEM;
	}
	a->n_unknown++;
	return 0;
}

/* 1: the series is used; 0: it is not, or -ENOMEM. */
static int find_metric(struct answers *a, const struct element *e, int *metric)
{
	size_t i = 0;

	while (e->name && i < N_METRICS && strcmp(metrics[i].name, e->name))
		i++;
	if (!e->name) {
		a->nameless++;
		return 0;
	}
	if (i == N_METRICS)
		return note_unknown(a, e->name);
	*metric = metrics[i].metric;
	if (*metric != ANSWER_CGROUP + HIST_EV_ALLOC_FAIL || !strcmp(e->reason, "limit"))
		return *metric >= 0;
	if (!strcmp(e->reason, "exhausted"))
		*metric = ANSWER_CGROUP + HIST_EV_EXHAUSTED;
	else if (!strcmp(e->reason, "reserved"))
		*metric = ANSWER_CGROUP + HIST_EV_RESERVED;
	else
		*metric = -1;
	return *metric >= 0;
}

static bool parse_end(const char *s, uint64_t *end)
{
	char *rest;
	double v;

	*end = DMEM_UNKNOWN;
	if (!strcmp(s, "+Inf"))
		return true;
	if (*s < '0' || *s > '9')
		return false;
	v = strtod(s, &rest);
	if (*rest || !(v >= 1 && v <= (double)ANSWER_VALUE))
		return false;
	*end = (uint64_t)v;
	return true;
}

static bool is_complete(const struct element *e, int metric, uint64_t *end)
{
	bool of_cgroup = metric >= ANSWER_CGROUP && metric < ANSWER_CGROUP + HIST_FIGURES;

	*end = DMEM_UNKNOWN;
	if (metric >= ANSWER_COMPLETE)
		return true;
	if (!*e->region || e->duplicate || (of_cgroup && *e->cgroup != '/'))
		return false;
	return metric != ANSWER_BUCKET || parse_end(e->end, end);
}

static bool is_same(const struct answer_series *a, const struct answer_series *b)
{
	return a->metric == b->metric && a->end == b->end && !strcmp(a->target, b->target) &&
	       !strcmp(a->region, b->region) && !strcmp(a->cgroup, b->cgroup);
}

/* The index of the series, which is added if it is new, or -ENOMEM. */
static int64_t find_series(struct answers *a, const struct answer_series *s)
{
	char *key = dmem_printf(&a->arena, "%d %llu %s %s %s", (int)s->metric,
				(unsigned long long)s->end, s->region, s->cgroup, s->target);
	uint64_t hash, nth = 0, v;
	struct answer_series *more;

	if (!key)
		return -ENOMEM;
	hash = dmem_map_text(key, strlen(key));
	while ((v = dmem_map_get(&a->keys, hash, nth))) {
		if (is_same(&a->series[v - 1], s))
			return (int64_t)v - 1;
		nth++;
	}
	more = dmem_room(a->series, a->n, &a->room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	a->series = more;
	more[a->n++] = *s;
	more += a->n - 1;
	more->region = dmem_strdup(&a->arena, s->region);
	more->cgroup = dmem_strdup(&a->arena, s->cgroup);
	more->instance = dmem_strdup(&a->arena, s->instance);
	if (!more->region || !more->cgroup || !more->instance ||
	    dmem_map_put(&a->keys, hash, nth, a->n))
		return -ENOMEM;
	return (int64_t)a->n - 1;
}

/* ---- values ---- */

/* Digits are exact; parts of a byte count as one. */
static bool parse_value(const char *s, uint64_t *v)
{
	size_t digits = strspn(s, "0123456789");
	char *end;
	double d;

	if (digits && digits < 19 && !s[digits]) {
		*v = strtoull(s, NULL, 10);
		return *v <= ANSWER_VALUE;
	}
	d = ceil(strtod(s, &end));
	/* Not hexadecimal, and no word. */
	if (end == s || s[strspn(s, "0123456789.eE+-")] || *end || !(d >= 0 && d <= (double)ANSWER_VALUE))
		return false;
	*v = (uint64_t)d;
	return true;
}

static bool parse_pair(struct json_object *o, uint64_t most, struct answer_value *v)
{
	struct json_object *time;
	const char *text;
	double t;

	if (!json_object_is_type(o, json_type_array) || json_object_array_length(o) != 2)
		return false;
	time = json_object_array_get_idx(o, 0);
	text = text_of(json_object_array_get_idx(o, 1));
	if (!text || (!json_object_is_type(time, json_type_double) &&
		      !json_object_is_type(time, json_type_int)))
		return false;
	t = json_object_get_double(time);
	if (!(t >= 0 && t <= MAX_TIME_S) || !parse_value(text, &v->v))
		return false;
	v->t = (uint64_t)llround(t * 1000);
	return v->v <= most;
}

static int take_values(struct answers *a, struct answer_series *s, struct json_object *values)
{
	uint64_t most = s->metric == ANSWER_BUCKET ? ANSWER_BUFFERS : ANSWER_VALUE;

	for (size_t i = 0; i < json_object_array_length(values); i++) {
		struct answer_value *more, v;

		if (!parse_pair(json_object_array_get_idx(values, i), most, &v)) {
			a->no_value++;
			continue;
		}
		more = dmem_room(s->value, s->n, &s->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->value = more;
		more[s->n++] = v;
	}
	return 0;
}

static int take_element(struct answers *a, struct json_object *o, uint64_t interval)
{
	struct json_object *labels = member(o, "metric", json_type_object);
	struct json_object *values = member(o, "values", json_type_array);
	struct answer_series s = { .file = a->files, .interval = interval };
	struct element e;
	int metric, ret;
	int64_t at;

	if (!labels)
		return problem(a, "an element of the result has no labels: " NOT_FROM);
	take_labels(&e, labels);
	ret = e.wrong ? 0 : find_metric(a, &e, &metric);
	a->ambiguous += e.wrong;
	if (ret <= 0)
		return ret;
	if (!values || !is_complete(&e, metric, &s.end)) {
		a->native += !values;
		a->ambiguous += values != NULL;
		return 0;
	}
	s.metric = (enum answer_metric)metric;
	s.region = metric < ANSWER_COMPLETE ? e.region : "";
	s.cgroup = *e.cgroup ? e.cgroup + 1 : "";
	s.instance = e.instance;
	s.target = target_of(a, &e);
	at = s.target ? find_series(a, &s) : -ENOMEM;
	if (at < 0)
		return (int)at;
	if (a->series[at].interval < interval)
		a->series[at].interval = interval;
	return take_values(a, &a->series[at], values);
}

/* ---- answers ---- */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The time between two values, in ms: the median of those in the first series. */
static uint64_t find_interval(struct json_object *result)
{
	uint64_t step[MAX_STEPS];
	size_t n = 0;

	for (size_t i = 0; i < json_object_array_length(result) && n < MAX_STEPS; i++) {
		struct json_object *values = member(json_object_array_get_idx(result, i), "values",
						    json_type_array);
		size_t len = values ? json_object_array_length(values) : 0;
		struct answer_value last = { 0 }, v;

		for (size_t k = 0; k < len && n < MAX_STEPS; k++) {
			if (!parse_pair(json_object_array_get_idx(values, k), UINT64_MAX, &v))
				continue;
			if (last.t && v.t > last.t)
				step[n++] = v.t - last.t;
			last = v;
		}
	}
	if (!n)
		return ONE_MINUTE_MS;
	qsort(step, n, sizeof(*step), by_size);
	return step[(n - 1) / 2];
}

static int say_type(struct answers *a, const char *type)
{
	if (!type)
		return problem(a, "it has no result: it is no answer of Prometheus' HTTP API");
	return problem(a, dmem_printf(&a->arena, "its result is a %s, at one time: use "
				      "/api/v1/query_range in place of /api/v1/query", type));
}

static int say_error(struct answers *a, struct json_object *top)
{
	const char *type = text_in(top, "errorType"), *error = text_in(top, "error");

	return problem(a, dmem_printf(&a->arena, "Prometheus refused the query: %s%s%s", type ? type : "",
				      type && error ? ": " : "", error ? error : ""));
}

static int take_warning(struct answers *a, struct json_object *top)
{
	struct json_object *warnings = member(top, "warnings", json_type_array);
	const char *text = NULL;

	if (warnings && json_object_array_length(warnings))
		text = text_of(json_object_array_get_idx(warnings, 0));
	if (!text || a->warning)
		return 0;
	a->warning = dmem_strdup(&a->arena, text);
	return a->warning ? 0 : -ENOMEM;
}

static int take_answer(struct answers *a, struct json_object *top)
{
	const char *status = text_in(top, "status"), *type;
	struct json_object *data, *result;
	uint64_t interval;
	int ret;

	if (!status)
		return problem(a, "it has no status: it is no answer of Prometheus' HTTP API");
	if (strcmp(status, "success"))
		return say_error(a, top);
	data = member(top, "data", json_type_object);
	type = text_in(data, "resultType");
	result = member(data, "result", json_type_array);
	if (!type || strcmp(type, "matrix"))
		return say_type(a, type);
	if (!result)
		return say_type(a, NULL);
	ret = take_warning(a, top);
	interval = find_interval(result);
	for (size_t i = 0; i < json_object_array_length(result) && !ret; i++)
		ret = take_element(a, json_object_array_get_idx(result, i), interval);
	a->answers++;
	return ret;
}

static int add_one(struct answers *a, struct json_tokener *t, const char *text, size_t len,
		   size_t *used)
{
	struct json_object *top = json_tokener_parse_ex(t, text, (int)len);
	enum json_tokener_error error = json_tokener_get_error(t);
	int ret;

	if (error == json_tokener_continue)
		ret = problem(a, "it ends too early: the transfer was cut off, query again");
	else if (error != json_tokener_success)
		ret = problem(a, "it is not JSON: write the answer of /api/v1/query_range to a file");
	else
		ret = take_answer(a, top);
	*used = json_tokener_get_parse_end(t);
	json_object_put(top);
	json_tokener_reset(t);
	return ret;
}

int answers_add(struct answers *a, const char *text, size_t len)
{
	struct json_tokener *t = len < INT_MAX ? json_tokener_new_ex(MAX_DEPTH) : NULL;
	size_t at = 0, used, before = a->answers;
	int ret = t ? 0 : -ENOMEM;

	while (!ret) {
		while (at < len && text[at] && strchr(" \t\r\n", text[at]))
			at++;
		if (at == len)
			break;
		ret = add_one(a, t, text + at, len - at, &used);
		at += used;
	}
	if (!ret && a->answers == before)
		ret = problem(a, "it is empty: write the answer of /api/v1/query_range to a file");
	if (t)
		json_tokener_free(t);
	a->files++;
	return ret;
}

#endif
