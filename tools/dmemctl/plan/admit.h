/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's rule for requests in a region with limits and reservations, see
 * docs/reservations.md: a tree of cgroups and their charges. Each request takes as many steps as the
 * cgroup has ancestors. Amounts are bytes, or any other unit. Does no I/O.
 */
#ifndef ADMIT_H
#define ADMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADMIT_ROOT	0
#define ADMIT_NONE	UINT32_MAX
#define ADMIT_UNLIMITED	UINT64_MAX

enum admit_verdict {
	ADMIT_GRANTED,
	ADMIT_LIMIT,		/* above the limit of the cgroup, or of one above it */
	ADMIT_FULL,		/* the region has no room, with any reservations */
	ADMIT_RESERVED,		/* the room is reserved for others */
};

struct admit_node {
	uint32_t parent;	/* a smaller index, or ADMIT_NONE: the root */
	uint64_t min, max;	/* as configured */
	uint64_t usage;		/* charges to the cgroup and below it */
	uint64_t reserved;	/* E: the effective reservation */
	uint64_t commit;	/* own charges, and the claims of the children */
};

/* Sums of charges and reservations must not overflow. */
struct admit {
	struct admit_node *node;	/* node[ADMIT_ROOT] is the root */
	size_t n, room;
	uint64_t capacity;
	uint64_t unaccounted;		/* in use without a charge */
};

/* Makes a tree that has only the root. All zero is no tree. 0 or -ENOMEM. */
int admit_start(struct admit *a, uint64_t capacity);
void admit_end(struct admit *a);

/* Adds a cgroup without a limit, reservation and charges. Its index, or -ENOMEM. */
int64_t admit_add(struct admit *a, uint32_t parent);

/* Divides the reservations anew, after a change of limits, reservations, the capacity or unaccounted
 * memory. */
void admit_configure(struct admit *a);

/* Would a request for @n be granted? */
enum admit_verdict admit_ask(const struct admit *a, uint32_t node, uint64_t n);

/* Charges without asking, and the opposite. */
void admit_charge(struct admit *a, uint32_t node, uint64_t n);
void admit_uncharge(struct admit *a, uint32_t node, uint64_t n);

/* The room for charges: the capacity without unaccounted memory. */
uint64_t admit_room(const struct admit *a);

/* Removes all charges and unaccounted memory, and keeps limits and reservations. */
void admit_clear(struct admit *a);

#endif
