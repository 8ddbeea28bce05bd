/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buffers that a service has at one time, and for how long it has exactly these. No I/O. */
#ifndef HOLDING_H
#define HOLDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Different sizes at one time, at most. With more, the set is unknown. */
#define HOLDING_SIZES	8
/* Different sets of one service, at most. Later ones count as unknown. */
#define HOLDING_SETS	64

struct holding_size {
	uint64_t size, count;
};

/* Buffers of a few sizes, the largest first. */
struct holding {
	struct holding_size of[HOLDING_SIZES];
	size_t n;
};

struct holding_time {
	struct holding h;
	uint64_t time;		/* ms */
};

/* All zero is empty. */
struct holdings {
	struct holding now;
	size_t lost;		/* buffers in existence that @now has no place for */
	uint64_t since;
	uint64_t time;		/* ms with any buffer */
	struct holding_time *set;
	size_t n;
};

/* A buffer of @size bytes comes or goes at @clock, in ms. 0 or -ENOMEM. */
int holdings_change(struct holdings *h, uint64_t size, bool more, uint64_t clock);

/* Counts the time up to @clock. 0 or -ENOMEM. */
int holdings_count(struct holdings *h, uint64_t clock);

/* Adds the times of @from. 0 or -ENOMEM. */
int holdings_merge(struct holdings *h, const struct holdings *from);

/* The buffers that the service had for at least half of the time in which it had any, or NULL. */
const struct holding *holdings_usual(const struct holdings *h);

/* Sum of all sizes. Saturates. */
uint64_t holding_bytes(const struct holding *h);
uint64_t holding_buffers(const struct holding *h);

void holdings_free(struct holdings *h);

#endif
