// SPDX-License-Identifier: GPL-2.0-or-later
/* Derives sets of buffers, and parses those of the command line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units/similar.h"
#include "num.h"
#include "sets.h"

#define MAX_COUNT	65536
/* Bytes of a set: above any real size, and sums do not overflow. */
#define MAX_SET		(UINT64_C(1) << 50)
/* Names that an error lists, at most. */
#define MAX_NAMES	8

/* ---- sets ---- */

void set_derive(struct buffer_set *s, const struct holding *held, uint64_t buffer, uint64_t usual)
{
	*s = (struct buffer_set){ .from = SET_USUAL };
	if (held) {
		s->h = *held;
		s->from = SET_HELD;
	} else if (buffer && usual >= buffer) {
		s->h = (struct holding){ .of = { { buffer, usual / buffer } }, .n = 1 };
		s->from = SET_SIZE;
	}
	s->bytes = max_u64(holding_bytes(&s->h), usual);
	s->rest = s->bytes - holding_bytes(&s->h);
}

uint64_t set_part(const struct buffer_set *s, uint64_t max)
{
	uint64_t sum = 0;

	if (max >= s->bytes)
		return s->bytes;
	for (size_t i = 0; i < s->h.n; i++) {
		const struct holding_size *of = &s->h.of[i];
		uint64_t n = of->size ? min_u64(of->count, (max - sum) / of->size) : 0;

		sum += n * of->size;
		if (n < of->count)
			break;
	}
	return sum;
}

uint64_t set_pieces(const struct buffer_set *s)
{
	return holding_buffers(&s->h) + (s->rest > 0);
}

uint64_t set_pieces_in(const struct buffer_set *s, uint64_t bytes)
{
	uint64_t n = 0;

	if (bytes >= s->bytes)
		return set_pieces(s);
	for (size_t i = 0; i < s->h.n; i++) {
		const struct holding_size *of = &s->h.of[i];
		uint64_t fit = of->size ? min_u64(of->count, bytes / of->size) : 0;

		n += fit;
		bytes -= fit * of->size;
		if (fit < of->count)
			break;
	}
	return n;
}

/* ---- parsing ---- */

static int problem(struct sets *s, const char *text)
{
	s->problem = text;
	return text ? -EINVAL : -ENOMEM;
}

static int unfit(struct sets *s, const struct sets_option *o, const char *reason)
{
	if (!reason)
		return -ENOMEM;
	return problem(s, dmem_printf(&s->arena, "--%s=%s: %s", o->first ? "reserve-first" : "set", o->text,
				      reason));
}

/* NULL: out of memory. */
static struct sets_option *add_option(struct sets *s, const char *text, bool first)
{
	struct sets_option *more = dmem_grow(&s->arena, s->option, s->n, sizeof(*more));

	if (!more)
		return NULL;
	s->option = more;
	more += s->n;
	*more = (struct sets_option){
		.text = dmem_strdup(&s->arena, text), .first = first, .at = MODEL_NONE,
		.used = MODEL_NONE, .by = MODEL_NONE,
	};
	if (!more->text)
		return NULL;
	s->n++;
	return more;
}

static int invalid_first(struct sets *s, const char *text)
{
	return problem(s, dmem_printf(&s->arena, "invalid --reserve-first=%s: write UNIT or UNIT,UNIT, such as "
				      "camera.service,codec.service", text));
}

int sets_parse_first(struct sets *s, const char *text)
{
	char *copy = dmem_strdup(&s->arena, text), *comma;

	if (!copy)
		return -ENOMEM;
	for (char *unit = copy; unit; unit = comma) {
		struct sets_option *o;

		comma = strchr(unit, ',');
		if (comma)
			*comma++ = 0;
		if (!*unit)
			return invalid_first(s, text);
		o = add_option(s, unit, true);
		if (!o)
			return -ENOMEM;
		o->unit = o->text;
	}
	return 0;
}

/* "4" or "4x3M". Returns the end, or NULL. */
static const char *parse_size(const char *text, struct holding_size *of, struct dmem_arena *a)
{
	size_t len = strcspn(text, "+");
	char *piece = dmem_strndup(a, text, len), *end;
	struct dmem_value v;

	if (!piece || *piece < '1' || *piece > '9')
		return NULL;
	*of = (struct holding_size){ .count = strtoull(piece, &end, 10) };
	if (of->count > MAX_COUNT || (*end && *end != 'x'))
		return NULL;
	if (!*end)
		return text + len;
	if (dmem_parse_value(end + 1, &v) || v.percent || !v.n || v.n > MAX_SET / of->count)
		return NULL;
	of->size = v.n;
	return text + len;
}

/* Adds the sizes, the largest first. */
static bool parse_sizes(const char *text, struct holding *h, struct dmem_arena *a)
{
	for (bool more = true; more; ) {
		struct holding_size of;
		size_t at = 0;

		text = h->n < HOLDING_SIZES ? parse_size(text, &of, a) : NULL;
		if (!text)
			return false;
		while (at < h->n && h->of[at].size > of.size)
			at++;
		if (at < h->n && h->of[at].size == of.size)
			return false;
		memmove(h->of + at + 1, h->of + at, (h->n++ - at) * sizeof(*h->of));
		h->of[at] = of;
		more = *text == '+';
		text += more;
	}
	/* Only a single count can go without its size. */
	return (h->n == 1 || h->of[h->n - 1].size) && holding_bytes(h) <= MAX_SET;
}

int sets_parse_set(struct sets *s, const char *text)
{
	const char *sizes = strrchr(text, '=');
	struct sets_option *o = add_option(s, text, false);

	if (!o)
		return -ENOMEM;
	if (!sizes || sizes == text || !parse_sizes(sizes + 1, &o->h, &s->arena))
		return problem(s, dmem_printf(&s->arena, "invalid --set=%s: write UNIT=COUNT, UNIT=COUNTxSIZE or "
					      "UNIT:REGION=COUNTxSIZE, such as camera.service=5x3M", text));
	o->unit = dmem_strndup(&s->arena, text, (size_t)(sizes - text));
	return o->unit ? 0 : -ENOMEM;
}

/* ---- resolving ---- */

/* By service: the unit, and all below it. False: there is none. NULL in @in: out of memory. */
static bool find_unit(struct sets *s, const struct model *m, const char *unit, bool **in)
{
	bool any = false;

	*in = dmem_alloc(&s->arena, m->n_services + 1);
	for (uint32_t i = 0; *in && i < m->n_services; i++) {
		for (uint32_t p = i; p != MODEL_NONE && !(*in)[i]; p = m->service[p].parent)
			(*in)[i] = model_is_unit(&m->service[p], unit);
		any |= (*in)[i];
	}
	return any;
}

static int no_unit(struct sets *s, const struct model *m, const struct sets_option *o)
{
	struct dmem_nearest best = { 0 };
	char *list;

	for (uint32_t i = 0; i < m->n_services; i++) {
		const char *name = model_name(m, i);
		size_t len = strcspn(name, ".");

		dmem_similar(&best, o->unit, name, name, 0);
		list = dmem_strndup(&s->arena, name, len);
		if (!list)
			return -ENOMEM;
		dmem_similar(&best, o->unit, list, name, 1);
	}
	if (best.name)
		return unfit(s, o, dmem_printf(&s->arena, "no unit '%s' is recorded: did you mean %s?", o->unit,
					       best.name));
	list = dmem_printf(&s->arena, "no unit '%s' is recorded: recorded are", o->unit);
	for (uint32_t i = 0; i < m->n_services && i < MAX_NAMES && list; i++)
		list = dmem_printf(&s->arena, "%s%s %s", list, i ? "," : "", model_name(m, i));
	if (list && m->n_services > MAX_NAMES)
		list = dmem_printf(&s->arena, "%s and %zu more", list, m->n_services - MAX_NAMES);
	return unfit(s, o, list);
}

/* "UNIT:REGION": both names may contain ":", so the region decides. */
static int resolve_region(struct sets *s, const struct model *m, struct sets_option *o, bool **in)
{
	const char *unit = o->unit;

	for (const char *at = strchr(unit, ':'); at; at = strchr(at + 1, ':')) {
		int64_t region = model_find_region((struct model *)m, at + 1, false);

		if (region == -ENOMEM)
			return -ENOMEM;
		if (region < 0)
			continue;
		o->at = (uint32_t)region;
		o->region = m->region[region].name;
		o->unit = dmem_strndup(&s->arena, unit, (size_t)(at - unit));
		if (!o->unit)
			return -ENOMEM;
		return find_unit(s, m, o->unit, in) ? 0 : *in ? no_unit(s, m, o) : -ENOMEM;
	}
	return no_unit(s, m, o);
}

/* Two options must not be about the same service. */
static int find_double(struct sets *s, const struct model *m, const struct sets_option *o)
{
	for (const struct sets_option *b = s->option; b < o; b++) {
		if (b->first != o->first || (b->at != o->at && b->at != MODEL_NONE && o->at != MODEL_NONE))
			continue;
		for (size_t i = 0; i < s->n_services; i++) {
			if (o->in[i] && b->in[i] && !m->service[i].has_children)
				return unfit(s, o, dmem_printf(&s->arena, "%s has one already: --%s=%s: name it once",
							       model_name(m, (uint32_t)i),
							       o->first ? "reserve-first" : "set", b->text));
		}
	}
	return 0;
}

int sets_resolve(struct sets *s, const struct model *m)
{
	int ret = 0;

	s->n_services = m->n_services;
	for (size_t i = 0; i < s->n && !ret; i++) {
		struct sets_option *o = &s->option[i];
		bool *in;

		if (!find_unit(s, m, o->unit, &in))
			ret = !in ? -ENOMEM : o->first ? no_unit(s, m, o) : resolve_region(s, m, o, &in);
		o->in = in;
		if (!ret)
			ret = find_double(s, m, o);
	}
	return ret;
}

/* ---- use ---- */

static int apply(struct sets *s, const struct model *m, struct sets_option *o, uint32_t service,
		 uint32_t region, uint64_t buffer, uint64_t page, struct buffer_set *set)
{
	if (o->by != MODEL_NONE && o->by != service)
		return unfit(s, o, dmem_printf(&s->arena, "%s and %s are two services: write --set for each",
					       model_name(m, service), model_name(m, o->by)));
	o->by = service;
	if (o->at == MODEL_NONE && o->used != MODEL_NONE && o->used != region)
		return unfit(s, o, dmem_printf(&s->arena, "this unit has memory in several areas: write "
					       "--set=%s:%s=COUNTxSIZE for each", o->unit,
					       m->region[region].name));
	o->used = region;
	if (!o->h.of[0].size && !buffer)
		return unfit(s, o, dmem_printf(&s->arena, "the size of its buffers was not recorded: write "
					       "COUNTxSIZE"));
	*set = (struct buffer_set){ .from = SET_GIVEN, .h = o->h };
	if (!set->h.of[0].size)
		set->h.of[0].size = buffer;
	/* Each buffer has whole pages. */
	for (size_t i = 0; i < set->h.n && page; i++)
		set->h.of[i].size += (page - set->h.of[i].size % page) % page;
	set->bytes = holding_bytes(&set->h);
	return 0;
}

int sets_apply(struct sets *s, const struct model *m, uint32_t service, uint32_t region,
	       uint64_t buffer, uint64_t page, struct buffer_set *set)
{
	int ret = 0;

	for (size_t i = 0; s && i < s->n && !ret; i++) {
		struct sets_option *o = &s->option[i];

		if (!o->in[service] || (o->at != MODEL_NONE && o->at != region))
			continue;
		if (o->first)
			o->used = region;
		else
			ret = apply(s, m, o, service, region, buffer, page, set);
	}
	return ret;
}

uint32_t sets_rank(const struct sets *s, uint32_t service)
{
	for (size_t i = 0; s && i < s->n; i++) {
		if (s->option[i].first && s->option[i].in[service])
			return (uint32_t)i;
	}
	return UINT32_MAX;
}

int sets_check(struct sets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct sets_option *o = &s->option[i];

		if (o->used == MODEL_NONE && o->region)
			return unfit(s, o, dmem_printf(&s->arena, "it has no memory in %s, so nothing can be reserved",
						       o->region));
		if (o->used == MODEL_NONE)
			return unfit(s, o, "it has no memory in a CMA area, so nothing can be reserved");
	}
	return 0;
}

void sets_free(struct sets *s)
{
	dmem_arena_free(&s->arena);
}
