// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plans of histories of anything, with checksums that are right: no crash, no end that does
 * not come, and figures that do not contradict each other.
 *
 * As a program: fuzz_plan ROUNDS SEED. With -fsanitize=fuzzer and -DFUZZER it is a target
 * for libFuzzer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/plan/pairs.h"
#include "dmemctl/plan/report.h"
#include "dmemctl/plan/whatif.h"
#include "mutate.h"

#define BOOT		"01234567-89ab-cdef-0123-456789abcdef"
#define OTHER		"11234567-89ab-cdef-0123-456789abcdef"

static void require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_plan: %s\n", what);
	abort();
}

/* The history twice, as FILE.1 and FILE. */
static ssize_t read_text(void *data, size_t file, uint64_t offset, void *buf, size_t len)
{
	const struct dmem_text *t = data;
	size_t n = offset < t->len ? t->len - (size_t)offset : 0;

	(void)file;
	n = n < len ? n : len;
	/* In pieces, so that lines are cut. */
	n = n > 100 ? 100 : n;
	memcpy(buf, t->s + offset, n);
	return (ssize_t)n;
}

static void check_region(const struct needs_region *g, const struct needs_options *o)
{
	struct needs_proposal p = needs_propose(g, o);
	uint64_t capacity = g->region->capacity;

	require(g->together <= g->together_most && g->placed_least <= g->placed, "the least is not the least");
	require(g->size >= g->need, "headroom is less than nothing");
	require(p.size == DMEM_UNKNOWN || capacity == DMEM_UNKNOWN || p.size >= capacity, "a region shrinks");
	for (size_t i = 0; i < g->n; i++) {
		const struct needs_service *s = &g->service[i];

		require(s->set.bytes >= s->set.rest && set_part(&s->set, s->set.bytes) == s->set.bytes, "a set has no sum");
		require(!g->reserve.in_sets || s->reservation <= s->set.bytes, "more than a set is reserved");
		require(!s->cut.any || s->reservation < s->set.bytes, "a whole set is less than one");
		require(s->reservation <= s->limit && s->peak_quantile <= s->peak, "a limit is below the reservation");
		require(!i || s->peak <= g->service[i - 1].peak, "peaks are not sorted");
	}
	for (size_t i = 0; i < g->conflicts.n; i++)
		require(g->conflicts.conflict[i].sum > g->conflicts.size - g->unaccounted || g->unaccounted,
			"a conflict that is none");
}

/* A size is enough if and only if nothing is refused in it. */
static void check_trial(const struct needs_region *g)
{
	const struct trial *t = &g->trial;
	uint64_t sum = 0;

	for (size_t i = 0; i < t->n; i++) {
		sum += t->service[i].refused;
		require(t->service[i].refused && t->service[i].asked, "a refused request of nothing");
		require(t->service[i].run <= t->service[i].free && t->service[i].free <= t->size,
			"a run is larger than the region");
	}
	require(sum == t->refused && t->refused_least <= t->refused, "refused requests do not add up");
	require(!t->refused || t->smallest > t->size, "the smallest size refuses requests");
	require(t->refused || t->smallest < t->size + g->block, "a size without refused requests is not enough");
}

/* A pair is up no longer than each of the two, and has places only for its sum or more. */
static void check_pairs(const struct needs_region *g)
{
	const struct pairs_region *p = g->pairs;

	for (size_t b = 1; b < p->n; b++) {
		for (size_t a = 0; a < b; a++) {
			const struct pairs_pair *pair = pairs_of(p, a, b);

			require(pair->time <= p->service[a].time && pair->time <= p->service[b].time,
				"a pair is up without one of the two");
			require(pair->most || !pair->time, "a time without a sample");
			require(pair->placed >= g->unaccounted, "a pair below the unaccounted memory");
		}
	}
	for (size_t i = 0; i < p->sets.n; i++)
		require(p->set[i].seen || !p->set[i].time, "a time of a set without a sample");
	for (size_t i = 0; i < p->n_groups; i++)
		require(p->group[i].fit <= p->group[i].n && p->group[i].most <= p->group[i].n, "more than a group");
}

#define MAX_REGIONS	64

static const char * const changes[][2] = {
	[WHATIF_SIZE] = { "cma/a=64K", "heap/b=5000" },
	[WHATIF_SCALE] = { "b=2.5", "a.slice=1000" },
	[WHATIF_WITHOUT] = { "b.service", "a.slice" },
	[WHATIF_ADD] = { "npu:cma/a=3x5000", "npu:heap/b=2x1M:with=b.service" },
	[WHATIF_MERGE] = { "cma/a,cma/c", "cma/a,cma/c,cma/d" },
	[WHATIF_SPLIT] = { "cma/a:b", "heap/b:b,a.service" },
};

/* Some of the changes, by the bits of @which. Those that do not suit the history are left out. */
static void change(struct whatif *w, struct model *m, uint64_t which)
{
	for (int kind = 0; kind < WHATIF_KINDS; kind++, which /= 3) {
		int ret = which % 3 ? whatif_parse(w, (enum whatif_kind)kind, changes[kind][which % 3 - 1]) : 0;

		require(!ret, "a change is not understood");
	}
	if (!whatif_resolve(w, m))
		return;
	require(w->problem != NULL, "an error without a text");
	m->whatif = NULL;
}

/* A changed sample has only regions of the model, and only buffers with a size. */
static void check_replay(const struct model *m)
{
	for (size_t b = 0; b < m->n_boots; b++) {
		struct model_replay r;
		int ret = model_replay_start(&r, m, b, MODEL_NONE);

		while (!ret && model_replay_next(&r)) {
			for (size_t i = 0; i < r.n_active; i++)
				require(r.active[i]->region < m->n_regions, "an unknown region");
			for (const struct model_event *e = r.from; e < r.to; e++)
				require(e->region < m->n_regions && (e->v || !m->whatif), "an event of nothing");
		}
		require(!model_replay_end(&r), "a replay fails");
	}
}

static void print(const struct model *m, const struct needs *n, const struct needs_options *o)
{
	FILE *f = fopen("/dev/null", "w");

	require(f != NULL, "there is no /dev/null");
	report_text(f, m, n, o);
	report_pairs(f, m, n);
	report_json(f, m, n, o);
	require(!report_svg(f, m, n, o), "no chart");
	fclose(f);
}

/* Sets of some services, if they were recorded. */
static void choose_sets(struct sets *s, const struct model *m, uint64_t which)
{
	int ret = 0;

	if (which & 1)
		ret = sets_parse_first(s, "b.service");
	if (!ret && which & 2)
		ret = sets_parse_set(s, "a.service=2x4096+1x12K");
	if (!ret && which & 4)
		ret = sets_parse_set(s, "b:cma/a=3");
	require(!ret, "a set is not understood");
	if (!s->n || !sets_resolve(s, m))
		return;
	require(s->problem != NULL, "an error of a set without a text");
	s->n = 0;
}

static void plan(struct dmem_text *t, uint64_t which)
{
	uint64_t sizes[MAX_REGIONS];
	struct sets s = { 0 };
	struct needs_options o = {
		.headroom = 0.1, .quantile = 0.9, .block = DMEM_UNKNOWN, .align_order = 8, .size = sizes,
		.confidence = true,
	};
	const uint64_t size[2] = { t->len, t->len };
	struct model m = { .in = { read_text, t } };
	struct needs n = { 0 };
	struct whatif w = { 0 };
	struct pairs found = { 0 };
	int ret;

	for (size_t i = 0; i < MAX_REGIONS; i++)
		sizes[i] = UINT64_C(4096) << (t->len + i) % 40;
	ret = model_add(&m, 0, 1, size);
	if (!ret)
		ret = model_sort(&m);
	if (!ret)
		change(&w, &m, which);
	require(m.n_regions <= MAX_REGIONS, "too many regions for this test");
	if (!ret)
		choose_sets(&s, &m, which);
	o.sets = s.n ? &s : NULL;
	if (!ret)
		ret = needs_find(&n, &m, &o);
	if (!ret)
		ret = pairs_find(&found, &m, &n, &o, SIZE_MAX);
	require(!ret || ret == -EMLINK || (ret == -EINVAL && s.problem), "an error");
	for (size_t i = 0; i < n.n && !ret; i++) {
		check_region(&n.region[i], &o);
		check_trial(&n.region[i]);
		check_pairs(&n.region[i]);
	}
	if (!ret) {
		check_replay(&m);
		print(&m, &n, &o);
	}
	pairs_free(&found);
	needs_free(&n);
	sets_free(&s);
	whatif_free(&w);
	model_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dmem_text t = { 0 };

	for (size_t at = 0; at < size; ) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t n = end ? (size_t)(end - data) - at : size - at;
		struct hist_line l;

		hist_begin(&l, &t, n ? (char)data[at] : 'S');
		hist_add(&l, "%.*s", n ? (int)n - 1 : 0, (const char *)data + at + 1);
		require(!hist_end(&l), "no memory");
		at += n + 1;
	}
	if (t.len)
		plan(&t, 0);
	if (t.len)
		plan(&t, t.len * UINT64_C(2654435761) >> 7);
	dmem_text_free(&t);
	return 0;
}

#ifndef FUZZER

static const char * const seeds[] = {
	"H 1 " BOOT " 1 2 1000 4096 4194304 1\nR 0 cma/a\nR 1 heap/b\nC 0 7 a.slice\nC 1 9 a.slice/b.service\n"
	"S 2 2 r0=8192,0,4096,65536 r1=4096 c0.0=4096 c1.0=4096,8192,1,2,3,4,max,8 b12=1.0,4096 b13=-.0,4096\n"
	"S 3000 3 f12 c1.0=0 c0.1=4096\nS 4000 4 b13=0.0,4096 x1\nE 5000\n",
	"H 1 " BOOT " 1 2 1000 4096 - 0\nR 0 cma/a\nC 0 7 a.service\nC 1 9 b.service\nS 2 2 c0.0=1048576 c1.0=65536\n"
	"S 5 2 c0.0=4096\nH 1 " BOOT " 1 1 1000 16384 - 1\nR 0 cma/a\nC 0 8 a.service\nS 1 9 c0.0=12345 r0=9,9,9,9\n"
	"H 1 " OTHER " 1 1 0 4096 - 0\nR 0 cma/c\nC 0 8 a.service\nS 1 9 c0.0=0,12345,0,7\nE 1\n",
	/* Services that take turns. */
	"H 1 " BOOT " 1 2 1000 4096 65536 1\nR 0 cma/a\nC 0 7 a.slice\nC 1 9 a.slice/b.service\nC 2 5 a.service\n"
	"S 2 2 r0=65536,4096,-,1048576 c0.0=65536 c1.0=65536 b1=1.0,32768 b2=1.0,32768\nS 3000 3 r0=81920 c0.0=0 c1.0=0 "
	"c2.0=81920 f1 f2 b3=2.0,40960 b4=2.0,40960\nS 4000 4 r0=81920,20480 x2\nS 5000 5 r0=0 f3 f4\nE 5000\n",
};

static const char * const words[] = {
	"H 1 " BOOT " ", "H 1 " OTHER " ", "R ", "C ", "S ", "E ", "\n", " ", "0", "1", "=", ",", "-", "max", ".", "%20",
	"18446744073709551613", "9223372036854775808", "1152921504606846976", "4096", "r0=", "c0.0=", "c1.0=", "b1=", "b2=",
	"f1", "f2", "x0", "x1", "1048576",
};

int main(int argc, char **argv)
{
	static const struct mutate m = {
		.seed = seeds, .n_seeds = sizeof(seeds) / sizeof(*seeds),
		.word = words, .n_words = sizeof(words) / sizeof(*words),
	};

	return mutate_main(argc, argv, &m);
}

#endif
