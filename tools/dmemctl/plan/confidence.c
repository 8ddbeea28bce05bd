// SPDX-License-Identifier: GPL-2.0-or-later
/* Calculates from durations and differences how certain a plan is. */
#include <errno.h>

#include "dmem/look.h"
#include "confidence.h"

/* The rule of three: -ln(0.05) is 3. */
#define RULE_OF	3

/* The part of a peak that counts as its tolerance. Above the steps to which a tally rounds, which
 * are less than 1/500 of its largest value. */
#define TOLERANCE	100

uint64_t confidence_needed(unsigned int permille)
{
	return (RULE_OF * 1000 + 999 - permille) / (1000 - permille);
}

/* ---- use over time ---- */

int confidence_rise(struct confidence_use *u, uint64_t from, uint64_t to)
{
	int ret;

	if (to <= from)
		return 0;
	ret = tally_add(&u->rises, from, 1);
	return ret ? ret : tally_add(&u->rises, to, UINT64_MAX);
}

int confidence_merge(struct confidence_use *u, const struct confidence_use *from)
{
	int ret = tally_merge(&u->ms, &from->ms);

	return ret ? ret : tally_merge(&u->rises, &from->rises);
}

void confidence_free(struct confidence_use *u)
{
	tally_free(&u->ms);
	tally_free(&u->rises);
}

uint64_t confidence_near(uint64_t peak)
{
	return peak - peak / TOLERANCE;
}

double confidence_rarer_than(uint64_t time)
{
	uint64_t parts = time / CONFIDENCE_PART_MS;

	return parts > RULE_OF ? RULE_OF / (double)parts : 1;
}

static uint64_t percentile(const struct tally *t, uint64_t parts, unsigned int permille)
{
	return parts >= confidence_needed(permille) ? tally_percentile(t, permille) : DMEM_UNKNOWN;
}

struct confidence_time confidence_time(const struct confidence_use *u, uint64_t peak)
{
	uint64_t time = u->ms.weight, parts = time / CONFIDENCE_PART_MS;
	struct confidence_time c = {
		.time = time, .charged = time - tally_up_to(&u->ms, 0),
		.p50 = percentile(&u->ms, parts, 500), .p95 = percentile(&u->ms, parts, 950),
		.p99 = percentile(&u->ms, parts, 990),
	};
	uint64_t near = confidence_near(peak);

	if (!near)
		return c;
	c.peak_ms = time - tally_up_to(&u->ms, near - 1);
	/* A rise to the peak starts below it, and does not end there. */
	c.peak_times = tally_up_to(&u->rises, near - 1);
	return c;
}

/* ---- measured free runs ---- */

static int add_side(struct confidence_side *s, uint64_t by, uint64_t time)
{
	if (by > s->by.most)
		s->time = time;
	return tally_add(&s->by, by, 1);
}

int confidence_compare(struct confidence_runs *r, uint64_t time, uint64_t measured, uint64_t low,
		       uint64_t high)
{
	r->n++;
	if (measured < low)
		return add_side(&r->less, low - measured, time);
	if (measured > high)
		return add_side(&r->more, measured - high, time);
	r->equal++;
	return 0;
}

static int merge_side(struct confidence_side *s, const struct confidence_side *from, uint64_t time)
{
	if (from->by.most > s->by.most)
		s->time = time;
	return tally_merge(&s->by, &from->by);
}

int confidence_merge_runs(struct confidence_runs *r, const struct confidence_runs *from,
			  uint64_t less, uint64_t more)
{
	int ret = merge_side(&r->less, &from->less, less);

	r->n += from->n;
	r->equal += from->equal;
	return ret ? ret : merge_side(&r->more, &from->more, more);
}

void confidence_free_runs(struct confidence_runs *r)
{
	tally_free(&r->less.by);
	tally_free(&r->more.by);
}

struct confidence_error confidence_error(const struct confidence_side *s)
{
	return (struct confidence_error){
		.n = s->by.weight, .p50 = percentile(&s->by, s->by.weight, 500),
		.p95 = percentile(&s->by, s->by.weight, 950), .max = s->by.most, .time = s->time,
	};
}
