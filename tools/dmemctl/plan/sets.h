/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of buffers: a service needs all buffers of its set, or it does not start. And the order in
 * which services get reservations. Both are options of the command line. Does no I/O.
 */
#ifndef SETS_H
#define SETS_H

#include "holding.h"
#include "model.h"

/* The origin of a set. */
enum set_source {
	SET_USUAL,		/* no buffers are known: the usual charge counts as one buffer */
	SET_SIZE,		/* buffers of the size that most bytes had, within the usual charge */
	SET_HELD,		/* the buffers that it had for at least half of the time */
	SET_GIVEN,		/* by an option */
};

struct buffer_set {
	enum set_source from;
	struct holding h;
	uint64_t rest;		/* bytes that belong to no known buffer */
	uint64_t bytes;		/* sum of all */
};

/* Fills in the set of a service: @held as in holdings_usual(), @buffer is a size or 0, and @usual is
 * its usual charge. The sum is @usual, or @held if that is more. */
void set_derive(struct buffer_set *s, const struct holding *held, uint64_t buffer, uint64_t usual);

/* The largest part of the set in whole buffers that has at most @max bytes: its bytes. Takes the
 * largest buffers first, and the rest last. */
uint64_t set_part(const struct buffer_set *s, uint64_t max);

/* Pieces in the set, and in its first @bytes: each buffer, and the rest as one. */
uint64_t set_pieces(const struct buffer_set *s);
uint64_t set_pieces_in(const struct buffer_set *s, uint64_t bytes);

/* ---- options ---- */

struct sets_option {
	const char *text;	/* the whole value */
	const char *unit, *region;	/* @region: NULL or a name */
	struct holding h;	/* --set: a size of 0 is unknown */
	bool first;		/* --reserve-first, not --set */
	/* Resolved. */
	const bool *in;		/* by service */
	uint32_t at;		/* region, or MODEL_NONE: the only one that it uses */
	uint32_t used, by;	/* region with its memory, and service; or MODEL_NONE: none yet */
};

/* All zero: no option. */
struct sets {
	struct dmem_arena arena;
	struct sets_option *option;
	size_t n;
	size_t n_services;
	const char *problem;	/* the reason of -EINVAL: one line */
};

/* "UNIT[,UNIT]...", and "UNIT[:REGION]=COUNT[xSIZE][+COUNTxSIZE]...". 0, -ENOMEM, or -EINVAL: see
 * s->problem. */
int sets_parse_first(struct sets *s, const char *text);
int sets_parse_set(struct sets *s, const char *text);

/* Finds the units and regions in @m, after whatif_resolve(). As above. */
int sets_resolve(struct sets *s, const struct model *m);

/* Replaces the set of a service with memory in this CMA area by that of an option. @buffer: the size
 * of most of its bytes, or 0. @page: size of a page. @s may be NULL. As above. */
int sets_apply(struct sets *s, const struct model *m, uint32_t service, uint32_t region,
	       uint64_t buffer, uint64_t page, struct buffer_set *set);

/* The place of the service in the order of --reserve-first, or UINT32_MAX: it is not named. @s may be
 * NULL. */
uint32_t sets_rank(const struct sets *s, uint32_t service);

/* -EINVAL: a unit of an option has no memory in a CMA area. As above. */
int sets_check(struct sets *s);

void sets_free(struct sets *s);

#endif
