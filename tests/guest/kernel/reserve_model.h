/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of dmem.min for memory that cannot be reclaimed: the tree of cgroups
 * of one region, the rule by which a request is granted or refused, and the
 * expected contents of the files. It does no I/O and has no global state and no
 * randomness: the same operations give the same answers.
 *
 * The model is written to be compared with the specification line by line. It
 * computes every figure anew from the charges, except for the effective
 * reservations, which are as of the last configuration. The kernel updates the
 * figures step by step; the tests show that both agree.
 *
 * Amounts are in units of the region.
 */
#ifndef SELFTESTS_RESERVE_MODEL_H
#define SELFTESTS_RESERVE_MODEL_H

#include <stdbool.h>

#ifndef RM_NODES
#define RM_NODES	16
#endif
#define RM_ROOT		0
#define RM_NONE		-1
#define RM_UNLIMITED	0x7fffffff	/* "max" in dmem.max */

enum rm_event {
	RM_EVENT_MAX,		/* its dmem.max refused a request */
	RM_EVENT_ALLOC_FAIL,	/* a request from it was refused by a dmem.max */
	RM_EVENT_RESERVED,	/* ... by the reservations of others */
	RM_EVENTS,
};

/* A cgroup. It stays after its removal for as long as it has charges. */
struct rm_node {
	bool used;		/* this is one */
	bool alive;		/* it was not removed */
	int parent;		/* RM_NONE for the root */
	int own;		/* charged to itself, not below */
	int min, max;		/* as written */
	int reserved;		/* E: effective, as of the last configuration */
	int peak;		/* dmem.peak: of granted requests only */
	/* dmem.events has the first, dmem.events.local the second. */
	int events[RM_EVENTS];
	int events_local[RM_EVENTS];
};

struct reserve_model {
	int capacity;		/* C */
	int unaccounted;	/* U */
	int nodes;		/* upper bound of the nodes in use */
	struct rm_node node[RM_NODES];
};

enum rm_verdict {
	RM_GRANTED,
	RM_LIMIT,		/* above the dmem.max of "at" */
	RM_RESERVED,		/* above the bound of "at", for reservations below it */
	RM_FULL,		/* the region has too few pages, with any reservations */
};

struct rm_answer {
	enum rm_verdict verdict;
	int at;
};

void rm_init(struct reserve_model *m, int capacity, int unaccounted);

/* Figures computed from own. */
int rm_usage(const struct reserve_model *m, int p);	/* dmem.current */
int rm_dying(const struct reserve_model *m, int p);	/* of dmem.stat */
int rm_wish(const struct reserve_model *m, int p);	/* r */
int rm_commit(const struct reserve_model *m, int p);
int rm_claim(const struct reserve_model *m, int p);	/* "committed" */
int rm_bound(const struct reserve_model *m, int p);

/*
 * Would a charge of n to p be granted? The limits are checked first, then the room
 * in the region, then the reservations.
 */
struct rm_answer rm_ask(const struct reserve_model *m, int p, int n);
struct rm_answer rm_ask_limits(const struct reserve_model *m, int p, int n);
struct rm_answer rm_ask_room(const struct reserve_model *m, int n);
struct rm_answer rm_ask_commits(const struct reserve_model *m, int p, int n);

/* The same, and applies it: the charge if it is granted, the events if not. */
struct rm_answer rm_charge(struct reserve_model *m, int p, int n);
void rm_uncharge(struct reserve_model *m, int p, int n);

/* Takes unaccounted pages (or returns them, if negative) without any check. */
void rm_unaccounted(struct reserve_model *m, int n);

void rm_set_min(struct reserve_model *m, int p, int min);
void rm_set_max(struct reserve_model *m, int p, int max);

/*
 * Divides the effective reservation of q among its children, and so on below
 * them. Writes and removals that change a wish do that for the parent of the cgroup
 * concerned, and a write to a cgroup of the top level with a wish does it as well.
 */
void rm_configure(struct reserve_model *m, int q);

/* A new cgroup, unrelated to a removed one of the same name. */
int rm_create(struct reserve_model *m, int parent);

/* Only for a cgroup without children. Its charges stay. */
bool rm_removable(const struct reserve_model *m, int p);
void rm_remove(struct reserve_model *m, int p);

#endif /* SELFTESTS_RESERVE_MODEL_H */
