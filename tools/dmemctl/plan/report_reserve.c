// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints sets of buffers, the requests that decided reservations, and memory without a charge. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "dmemctl/prometheus/convert.h"
#include "report.h"

static const char *name_of(const struct model *m, uint32_t service)
{
	return service < m->n_services ? model_name(m, service) :
	       service == MODEL_KERNEL(m) ? "the kernel" : "cgroups that are not recorded";
}

static const char *short_boot(const struct model *m, size_t boot, char buf[9])
{
	snprintf(buf, 9, "%.8s", m->boot[boot].id);
	return buf;
}

/* ---- sets ---- */

/* "5 x 3M + 1 x 512K" */
static void put_set(FILE *f, const struct buffer_set *s)
{
	char size[CLI_SIZE];
	bool any = false;

	for (size_t i = 0; i < s->h.n; i++, any = true)
		fprintf(f, "%s%" PRIu64 " x %s", any ? " + " : "", s->h.of[i].count,
			cli_size(size, s->h.of[i].size, false));
	if (s->rest || !any)
		fprintf(f, "%s%s", any ? " + " : "", cli_size(size, s->rest, false));
}

static const char *source_of(const struct buffer_set *s)
{
	static const char * const sources[] = {
		[SET_USUAL] = "usual charge", [SET_SIZE] = "derived from USUAL", [SET_HELD] = "derived",
		[SET_GIVEN] = "given",
	};

	return sources[s->from];
}

static int by_order(const void *a, const void *b)
{
	const struct needs_service *x = *(struct needs_service * const *)a;
	const struct needs_service *y = *(struct needs_service * const *)b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->set.bytes != y->set.bytes)
		return x->set.bytes < y->set.bytes ? -1 : 1;
	return (x > y) - (x < y);
}

static void print_set(FILE *f, const struct model *m, const struct needs_service *s, int width)
{
	char set[CLI_SIZE], reserved[CLI_SIZE];

	fprintf(f, "    %-*s %8s %8s  ", width, model_name(m, s->service), cli_size(set, s->set.bytes, false),
		cli_size(reserved, s->reservation, false));
	put_set(f, &s->set);
	fprintf(f, " (%s)\n", source_of(&s->set));
}

/* Prints the request that decided. */
static void print_request(FILE *f, const struct model *m, const struct reserve_cut *c, const char *what)
{
	char size[CLI_SIZE], when[CLI_DATE], boot[9];

	cli_date(when, c->time);
	if (c->asked)
		fprintf(f, "      %s, a request of %s for %s\n      would have been refused (%s UTC, boot %s).\n", what,
			name_of(m, c->service), cli_size(size, c->asked, false), when, short_boot(m, c->boot, boot));
	else
		fprintf(f, "      %s, more would be reserved than is free\n      %s(%s UTC, boot %s).\n", what,
			c->service == MODEL_KERNEL(m) ? "when memory without a charge grew " : "", when,
			short_boot(m, c->boot, boot));
}

static void print_cut(FILE *f, const struct model *m, const struct needs_service *s)
{
	uint64_t part = set_pieces_in(&s->set, s->reservation), all = set_pieces(&s->set);

	if (!s->cut.any)
		return;
	fprintf(f, "    %s: ", model_name(m, s->service));
	if (part)
		fprintf(f, "only %" PRIu64 " of %" PRIu64 " buffers, which complete no other set.\n", part, all);
	else
		fprintf(f, "nothing is reserved.\n");
	print_request(f, m, &s->cut, "With its whole set");
}

static void print_sets(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct needs_service **s = calloc(g->n + 1, sizeof(*s));
	int width = (int)strlen("SERVICE");

	if (!s)
		return;
	for (size_t i = 0; i < g->n; i++) {
		int len = (int)strlen(model_name(m, g->service[i].service));

		width = len > width ? len : width;
		s[i] = &g->service[i];
	}
	qsort(s, g->n, sizeof(*s), by_order);
	fprintf(f, "\n  Reservations in whole sets of buffers, in this order:\n    %-*s %8s %8s  %s\n", width, "SERVICE",
		"SET", "MIN", "BUFFERS OF THE SET");
	for (size_t i = 0; i < g->n; i++)
		print_set(f, m, s[i], width);
	for (size_t i = 0; i < g->n; i++)
		print_cut(f, m, s[i]);
	free(s);
}

static void print_part(FILE *f, const struct model *m, const struct needs_region *g)
{
	fprintf(f, "\n"
		"  Only %.0f%% of the usual use can be reserved, rounded down to whole buffers:\n"
		"  services take turns, and memory reserved for one is missing for another.\n",
		g->reserved * 100);
	if (g->cma)
		fprintf(f, "  To reserve whole sets of buffers, in an order: --reserve-first=UNIT.\n");
	if (g->cma && g->reserve.cut.any)
		print_request(f, m, &g->reserve.cut, "With more");
}

static void print_refused(FILE *f, const struct model *m, const struct reserve_refused *r, const char *reason)
{
	char size[CLI_SIZE], when[CLI_DATE], boot[9];

	if (!r->n)
		return;
	cli_date(when, r->first.time);
	fprintf(f, "\n  Warning: this plan refuses %" PRIu64 " recorded request%s, whatever is reserved:\n"
		"  %s. The first is %s of %s\n  (%s UTC, boot %s).\n", r->n, r->n == 1 ? "" : "s", reason,
		cli_size(size, r->first.asked, false), name_of(m, r->first.service), when,
		short_boot(m, r->first.boot, boot));
}

void report_reserve(FILE *f, const struct model *m, const struct needs_region *g)
{
	if (g->reserve.in_sets && g->n)
		print_sets(f, m, g);
	else if (g->reserved < 1 && g->n)
		print_part(f, m, g);
	print_refused(f, m, &g->reserve.limit, "MAX is smaller");
	print_refused(f, m, &g->reserve.full, "the planned size has no room");
}

void report_reserve_method(FILE *f)
{
	fprintf(f, "  Sets: the buffers that a service had for at least half of the time (derived),\n"
		"  or those of --set (given). MIN is a whole set, or 0: with a part of its set, a\n"
		"  service does not start. The units of --reserve-first come first, then those\n"
		"  with the smallest sets. Memory that completes no set goes to the first service\n"
		"  without one, in whole buffers. With these reservations, the kernel grants each\n"
		"  recorded request.\n");
}

/* ---- memory without a charge ---- */

/* A word of a machine's command line, for the area that the kernel's pools are in, or NULL. */
static const char *pools_of(const struct model *m, const struct needs_region *g)
{
	const char *word = NULL;

	for (size_t i = 0; i < m->notes.n && g->is_default && !word; i++)
		word = m->notes.tree[i].coherent;
	return word;
}

static uint64_t reserved_now(const struct needs_region *g)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < g->n && g->cma; i++) {
		if (g->service[i].min < DMEM_NO_LIMIT && g->service[i].min != DMEM_UNKNOWN)
			sum += g->service[i].min;
	}
	return sum;
}

static uint64_t gaps_of(const struct needs_region *g)
{
	return g->cma && g->placed_least > g->together ? g->placed_least - g->together : 0;
}

static void item(FILE *f, uint64_t bytes, const char *text)
{
	char size[CLI_SIZE];

	fprintf(f, "    %8s  %s", cli_size(size, bytes, false), text);
}

/* True if times since boot are known. */
static bool is_since_boot(const struct model *m)
{
	return !m->prometheus || m->prometheus->boot_times;
}

void report_kernel_use(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct kernel_use *k = &g->kernel;
	const char *pools = pools_of(m, g);
	uint64_t reserved = reserved_now(g), gaps = gaps_of(g);
	char when[CLI_DATE], boot[9], *harmless;

	if ((!k->known || !k->most) && !pools && !reserved)
		return;
	/* Histories are not trusted. */
	harmless = pools ? text_harmless(pools, TEXT_UTF8) : NULL;
	fprintf(f, "\n  Not charged to a cgroup:\n");
	if (k->known) {
		item(f, k->first, "at the first sample");
		if (is_since_boot(m))
			fprintf(f, ", %.3gs after the start", (double)k->first_t / 1000);
		fprintf(f, " of boot %s\n", short_boot(m, k->first_boot, boot));
	}
	if (k->known && k->grown) {
		cli_date(when, model_wall(&m->boot[k->most_boot], k->most_t));
		item(f, k->most, "later, at most ");
		fprintf(f, "(%s UTC, boot %s)\n", when, short_boot(m, k->most_boot, boot));
	}
	if (gaps)
		item(f, gaps, "between buffers, which start at multiples of their alignment\n");
	if (pools && harmless)
		fprintf(f, "              %.40s: pools of the kernel can be here\n", harmless);
	free(harmless);
	if (reserved)
		item(f, reserved, "reserved (dmem.min) when it was recorded, in sum\n");
	fprintf(f, "    Pages that others borrowed from the area are not in a history.\n");
}

/* ---- JSON ---- */

static void json_cut(FILE *f, const struct model *m, const char *key, const struct reserve_cut *c)
{
	if (!c->any) {
		fprintf(f, ",\"%s\":null", key);
		return;
	}
	fprintf(f, ",\"%s\":{\"service\":", key);
	if (c->asked)
		report_json_text(f, name_of(m, c->service));
	else
		fprintf(f, "null");
	fprintf(f, ",\"asked\":%" PRIu64 ",\"time\":%" PRIu64 ",\"boot\":", c->asked, c->time);
	report_json_text(f, m->boot[c->boot].id);
	fprintf(f, "}");
}

void report_set_json(FILE *f, const struct model *m, const struct needs_service *s)
{
	static const char * const sources[] = {
		[SET_USUAL] = "usual", [SET_SIZE] = "size", [SET_HELD] = "held", [SET_GIVEN] = "given",
	};

	fprintf(f, ",\"set\":{\"from\":\"%s\",\"bytes\":%" PRIu64 ",\"buffers\":[", sources[s->set.from], s->set.bytes);
	for (size_t i = 0; i < s->set.h.n; i++)
		fprintf(f, "%s{\"count\":%" PRIu64 ",\"size\":%" PRIu64 "}", i ? "," : "", s->set.h.of[i].count,
			s->set.h.of[i].size);
	fprintf(f, "],\"rest\":%" PRIu64 "},\"sets\":%" PRIu64, s->set.rest,
		s->set.bytes ? s->reservation / s->set.bytes : 0);
	json_cut(f, m, "cut", &s->cut);
}

void report_reserve_json(FILE *f, const struct model *m, const struct needs_region *g)
{
	fprintf(f, ",\"whole_sets\":%s,\"reserved_in\":%" PRIu64 ",\"above_limit\":%" PRIu64 ",\"no_room\":%" PRIu64,
		g->reserve.in_sets ? "true" : "false", g->reserve.size, g->reserve.limit.n, g->reserve.full.n);
	json_cut(f, m, "reserved_part_cut", &g->reserve.cut);
}

static void json_number(FILE *f, const char *key, uint64_t v, bool known)
{
	if (known)
		fprintf(f, "\"%s\":%" PRIu64 ",", key, v);
	else
		fprintf(f, "\"%s\":null,", key);
}

void report_kernel_use_json(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct kernel_use *k = &g->kernel;
	const char *pools = pools_of(m, g);

	fprintf(f, ",\"kernel_use\":{");
	json_number(f, "at_first_sample", k->first, k->known);
	json_number(f, "first_sample_ms", k->first_t, k->known && is_since_boot(m));
	json_number(f, "most", k->most, k->known);
	json_number(f, "most_time", k->known ? model_wall(&m->boot[k->most_boot], k->most_t) : 0, k->known);
	json_number(f, "grown", k->grown, k->known);
	json_number(f, "gaps", gaps_of(g), g->cma);
	json_number(f, "reserved", reserved_now(g), g->cma);
	fprintf(f, "\"movable\":null,\"coherent_pool\":");
	if (pools)
		report_json_text(f, pools);
	else
		fprintf(f, "null");
	fprintf(f, "}");
}
