// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calculates the largest reservations with which the kernel grants all recorded requests: each rise of a
 * charge is a request in a region of the proposed size, with the proposed limits and reservations. One
 * that would be refused for reservations lowers them. As all services count as running, and slices
 * reserve the sum of the reservations in them, lower ones refuse none of the requests before.
 */
#include <errno.h>
#include <stdlib.h>

#include "admit.h"
#include "needs.h"
#include "num.h"
#include "place.h"

/* Reservations are a multiple of this part of the usual use, if all services get the same part. */
#define PARTS		1024
/* Times to read the histories again for whole sets, at most. */
#define MAX_PASSES	16

enum phase {
	PHASE_PART,		/* the same part for all */
	PHASE_WHOLE,		/* whole sets, or nothing */
	PHASE_REST,		/* some buffers of the sets that are left out, as whole ones fit no more */
	PHASE_DONE,
};

/* A service with a reservation. */
struct keep {
	size_t at;		/* index in the region's array */
	uint32_t node, rank;
	uint64_t whole, want;	/* bytes: at most, and now */
	size_t dropped;		/* number of this event in the pass, or 0 */
	bool settled;
};

/* A cgroup of the tree. */
struct state {
	uint32_t service;	/* or MODEL_OTHERS */
	bool gone;		/* the cgroup was removed */
	uint64_t seen;		/* recorded charge without its descendants */
	uint64_t missing;	/* the part of it that was refused */
	uint64_t grows, shrinks;	/* in this sample */
};

struct keeper {
	struct needs_region *g;	/* NULL: all of it fits, whatever happens */
	enum phase phase;
	struct admit a;
	struct state *state;	/* by node */
	size_t states_room;
	struct keep *keep;	/* by order of reservation */
	unsigned int parts;
	size_t dropped;
	uint32_t *changed;	/* nodes with changes in this sample */
	size_t n_changed, changed_room;
	uint64_t page;
};

struct reserver {
	const struct model *m;
	const struct needs_options *o;
	struct keeper *keeper;		/* by region */
	struct dmem_map nodes;		/* by service and region */
	struct model_replay replay;
	size_t boot;
};

/* ---- the tree ---- */

static int64_t add_node(struct keeper *k, uint32_t service, uint32_t parent)
{
	int64_t node = parent == ADMIT_NONE ? ADMIT_ROOT : admit_add(&k->a, parent);
	struct state *more;

	if (node < 0)
		return node;
	more = dmem_room(k->state, (size_t)node, &k->states_room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	k->state = more;
	more[node] = (struct state){ .service = service };
	return node;
}

/* The cgroup's node, with all above it; or -ENOMEM. */
static int64_t node_of(struct reserver *r, struct keeper *k, uint32_t service)
{
	uint32_t region = (uint32_t)(k->g->region - r->m->region);
	int64_t node, parent;

	if (service >= r->m->n_services)
		return ADMIT_ROOT;
	node = (int64_t)dmem_map_get(&r->nodes, service, region);
	if (node)
		return node;
	parent = node_of(r, k, r->m->service[service].parent);
	if (parent < 0)
		return parent;
	node = add_node(k, service, (uint32_t)parent);
	if (node > 0 && dmem_map_put(&r->nodes, service, region, (uint64_t)node))
		return -ENOMEM;
	return node;
}

static uint64_t whole_pages(const struct keeper *k, uint64_t bytes)
{
	return bytes - bytes % k->page;
}

/* The kernel rounds down to pages. */
static void set_minimums(struct keeper *k)
{
	for (size_t i = 0; i < k->a.n; i++)
		k->a.node[i].min = 0;
	for (size_t i = 0; i < k->g->n; i++) {
		uint64_t min = whole_pages(k, k->keep[i].want);

		/* A slice must reserve the sum of the reservations in it. */
		for (uint32_t q = k->keep[i].node; q != ADMIT_ROOT; q = k->a.node[q].parent)
			k->a.node[q].min += min;
	}
	admit_configure(&k->a);
}

/* ---- lower reservations ---- */

/* The part of a reservation that is not in use, if @node had @more bytes. */
static uint64_t lack(const struct keeper *k, const struct keep *s, uint64_t want, uint32_t node, uint64_t more)
{
	uint64_t has = k->a.node[s->node].usage + (s->node == node ? more : 0);

	want = whole_pages(k, want);
	return want > has ? want - has : 0;
}

static uint64_t part(const struct keep *s, unsigned int parts)
{
	return parts == PARTS ? s->whole : (uint64_t)((double)s->whole * parts / PARTS);
}

static bool parts_fit(const struct keeper *k, unsigned int parts, uint64_t room, uint32_t node, uint64_t more)
{
	for (size_t i = 0; i < k->g->n; i++) {
		uint64_t v = lack(k, &k->keep[i], part(&k->keep[i], parts), node, more);

		if (v > room)
			return false;
		room -= v;
	}
	return true;
}

static void lower_parts(struct keeper *k, uint64_t room, uint32_t node, uint64_t more,
			const struct reserve_cut *cut)
{
	unsigned int low = 0, high = k->parts;

	if (!high || parts_fit(k, high, room, node, more))
		return;
	while (high - low > 1) {
		unsigned int mid = (low + high) / 2;

		if (parts_fit(k, mid, room, node, more))
			low = mid;
		else
			high = mid;
	}
	k->parts = low;
	for (size_t i = 0; i < k->g->n; i++)
		k->keep[i].want = part(&k->keep[i], low);
	k->g->reserve.cut = *cut;
}

/* Those first in the order keep theirs. */
static void lower_sets(struct keeper *k, uint64_t room, uint32_t node, uint64_t more,
		       const struct reserve_cut *cut)
{
	for (size_t i = 0; i < k->g->n; i++) {
		struct keep *s = &k->keep[i];
		struct needs_service *service = &k->g->service[s->at];
		uint64_t v = lack(k, s, s->want, node, more);

		if (v <= room) {
			room -= v;
			continue;
		}
		s->want = k->phase == PHASE_REST ? set_part(&service->set, s->want - v + room) : 0;
		room -= min_u64(room, lack(k, s, s->want, node, more));
		if (k->phase == PHASE_REST)
			continue;
		s->dropped = ++k->dropped;
		service->cut = *cut;
	}
}

/* Makes room for a request of @node for @more bytes. */
static void lower(struct keeper *k, uint32_t node, uint64_t more, const struct reserve_cut *cut)
{
	uint64_t room = admit_room(&k->a), usage = k->a.node[ADMIT_ROOT].usage + more;

	room = room > usage ? room - usage : 0;
	if (k->phase == PHASE_PART)
		lower_parts(k, room, node, more, cut);
	else
		lower_sets(k, room, node, more, cut);
	set_minimums(k);
}

/* ---- a sample ---- */

static struct reserve_cut request_of(const struct reserver *r, uint32_t service, uint64_t asked)
{
	return (struct reserve_cut){
		.any = true, .service = service, .asked = asked, .boot = r->boot,
		.time = model_wall(&r->m->boot[r->boot], r->replay.t),
	};
}

static void note_refused(struct reserve_refused *refused, const struct reserve_cut *first)
{
	if (!refused->n++)
		refused->first = *first;
}

/* Reservations that cannot be met are too large, even if nobody asks at this moment. */
static void check_commit(const struct reserver *r, struct keeper *k, uint32_t service)
{
	const struct admit_node *root = &k->a.node[ADMIT_ROOT];
	uint64_t room = admit_room(&k->a);
	struct reserve_cut cut;

	if (root->commit <= room || root->usage > room)
		return;
	cut = request_of(r, service, 0);
	lower(k, ADMIT_ROOT, 0, &cut);
}

/* Returns the new amount of unaccounted memory in *@unaccounted. 0 or -ENOMEM. */
static int find_changes(struct reserver *r, struct keeper *k, const struct model_area *now, uint64_t *unaccounted)
{
	k->n_changed = 0;
	for (size_t i = 0; i < now->n_changed; i++) {
		const struct model_consumer *c = now->changed[i];
		uint32_t *more = dmem_room(k->changed, k->n_changed, &k->changed_room, sizeof(*more));
		struct state *s;
		uint64_t never;
		int64_t node;

		if (!more)
			return -ENOMEM;
		k->changed = more;
		if (c->service == MODEL_KERNEL(r->m)) {
			*unaccounted = c->own;
			continue;
		}
		node = node_of(r, k, c->service);
		if (node < 0)
			return (int)node;
		s = &k->state[node];
		s->grows = c->own > s->seen ? c->own - s->seen : 0;
		s->shrinks = c->own < s->seen ? s->seen - c->own : 0;
		s->seen = c->own;
		s->gone = c->gone;
		/* Memory that was refused goes first. */
		never = min_u64(s->missing, s->shrinks);
		s->missing -= never;
		s->shrinks -= never;
		more[k->n_changed++] = (uint32_t)node;
	}
	return 0;
}

/* A buffer that outlives its cgroup moves up to the next one: that is no request. */
static void move_up(struct keeper *k)
{
	for (size_t i = 0; i < k->n_changed; i++) {
		uint32_t node = k->changed[i];
		struct state *s = &k->state[node];

		for (uint32_t q = node; k->state[q].gone && s->shrinks && q != ADMIT_ROOT; ) {
			struct state *up = &k->state[q = k->a.node[q].parent];
			uint64_t moved = min_u64(s->shrinks, up->grows);

			admit_uncharge(&k->a, node, moved);
			admit_charge(&k->a, q, moved);
			s->shrinks -= moved;
			up->grows -= moved;
		}
	}
}

static void shrink(struct keeper *k)
{
	for (size_t i = 0; i < k->n_changed; i++) {
		admit_uncharge(&k->a, k->changed[i], k->state[k->changed[i]].shrinks);
		k->state[k->changed[i]].shrinks = 0;
	}
}

/* Requests above a limit, which is that of the service: other requests do not matter. */
static void refuse_above_limits(struct reserver *r, struct keeper *k)
{
	for (size_t i = 0; i < k->n_changed; i++) {
		uint32_t node = k->changed[i];
		struct state *s = &k->state[node];
		struct reserve_cut request;

		if (!s->grows || admit_ask(&k->a, node, s->grows) != ADMIT_LIMIT)
			continue;
		request = request_of(r, s->service, s->grows);
		note_refused(&k->g->reserve.limit, &request);
		s->missing += s->grows;
		s->grows = 0;
	}
}

static void grow(struct reserver *r, struct keeper *k)
{
	for (size_t i = 0; i < k->n_changed; i++) {
		uint32_t node = k->changed[i];
		struct state *s = &k->state[node];
		enum admit_verdict verdict = s->grows ? admit_ask(&k->a, node, s->grows) : ADMIT_GRANTED;
		struct reserve_cut request;

		if (verdict != ADMIT_GRANTED)
			request = request_of(r, s->service, s->grows);
		if (verdict == ADMIT_FULL) {
			note_refused(&k->g->reserve.full, &request);
			s->missing += s->grows;
			continue;
		}
		if (verdict == ADMIT_RESERVED)
			lower(k, node, s->grows, &request);
		admit_charge(&k->a, node, s->grows);
	}
}

/* The order of events in a sample is unknown: requests count as first, if there is room for that. */
static void add_changes(struct reserver *r, struct keeper *k)
{
	uint64_t room = admit_room(&k->a), all = k->a.node[ADMIT_ROOT].usage;

	refuse_above_limits(r, k);
	for (size_t i = 0; i < k->n_changed; i++)
		all += k->state[k->changed[i]].grows;
	if (all > room)
		shrink(k);
	grow(r, k);
	shrink(k);
}

static int add_area(struct reserver *r, const struct model_area *now)
{
	struct keeper *k = &r->keeper[now->region];
	uint64_t before = k->a.unaccounted, unaccounted = before;
	uint32_t cause;
	int ret;

	if (!k->g || k->phase == PHASE_DONE)
		return 0;
	ret = find_changes(r, k, now, &unaccounted);
	if (ret)
		return ret;
	/* What the kernel takes, it takes without asking. */
	cause = unaccounted > before ? MODEL_KERNEL(r->m) : MODEL_OTHERS(r->m);
	k->a.unaccounted = max_u64(before, unaccounted);
	move_up(k);
	check_commit(r, k, cause);
	add_changes(r, k);
	k->a.unaccounted = unaccounted;
	for (size_t i = 0; i < k->n_changed; i++)
		k->state[k->changed[i]].grows = 0;
	return 0;
}

/* ---- a pass ---- */

/* At the start of a boot, no service has memory. */
static void start_boot(struct reserver *r, struct keeper *k)
{
	const struct model_boot *b = &r->m->boot[r->boot];
	uint64_t page = b->page ? b->page : 1;

	k->page = page;
	k->a.capacity = whole_pages(k, k->g->reserve.size);
	for (size_t i = 0; i < k->a.n; i++)
		k->state[i] = (struct state){ .service = k->state[i].service };
	for (size_t i = 0; i < k->g->n; i++) {
		uint64_t limit = k->g->service[k->keep[i].at].limit;

		k->a.node[k->keep[i].node].max = limit == DMEM_UNKNOWN ? ADMIT_UNLIMITED : whole_pages(k, limit);
	}
	admit_clear(&k->a);
	set_minimums(k);
	check_commit(r, k, MODEL_OTHERS(r->m));
}

static int add_boot(struct reserver *r, size_t boot)
{
	int ret, end;

	r->boot = boot;
	ret = model_replay_start(&r->replay, r->m, boot, MODEL_NONE);
	for (size_t i = 0; i < r->m->n_regions; i++) {
		if (r->keeper[i].g && r->keeper[i].phase != PHASE_DONE)
			start_boot(r, &r->keeper[i]);
	}
	while (!ret && model_replay_next(&r->replay)) {
		for (size_t i = 0; i < r->replay.n_active && !ret; i++)
			ret = add_area(r, r->replay.active[i]);
	}
	end = model_replay_end(&r->replay);
	return ret ? ret : end;
}

static void start_pass(struct keeper *k)
{
	k->dropped = 0;
	k->g->reserve.limit = k->g->reserve.full = (struct reserve_refused){ 0 };
}

/* A set that was left out counts as decided if the sets before it in the order are. With some of them
 * left out later, it could have been kept. Returns true if another pass has to find that out. */
static bool settle(struct keeper *k)
{
	size_t last = 0;
	bool open = false;

	for (size_t i = 0; i < k->g->n; i++) {
		struct keep *s = &k->keep[i];

		if (s->settled)
			continue;
		open |= s->dropped && s->dropped < last;
		last = max_u64(last, s->dropped);
		if (!open && s->dropped)
			s->settled = true;
		if (open)
			s->want = s->whole;
		if (open)
			s->dropped = 0;
	}
	return open;
}

/* Sets that are left out get the buffers for which there is room at all times. */
static bool start_rest(struct keeper *k)
{
	struct keep *sorted = calloc(k->g->n + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return false;
	for (int out = 0; out < 2; out++) {
		for (size_t i = 0; i < k->g->n; i++) {
			if ((k->keep[i].want == 0) == (out == 1))
				sorted[n++] = k->keep[i];
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (!sorted[i].want)
			sorted[i].want = set_part(&k->g->service[sorted[i].at].set,
						  sorted[i].whole ? sorted[i].whole - 1 : 0);
	}
	free(k->keep);
	k->keep = sorted;
	return true;
}

/* Returns 0: there is no further pass for this region; 1: there is one; or -ENOMEM. */
static int end_pass(struct keeper *k, unsigned int passes)
{
	bool out = false;

	if (k->phase != PHASE_WHOLE) {
		k->phase = PHASE_DONE;
		return 0;
	}
	if (passes < MAX_PASSES && settle(k))
		return 1;
	for (size_t i = 0; i < k->g->n; i++)
		out |= !k->keep[i].want && k->keep[i].whole;
	if (!out) {
		k->phase = PHASE_DONE;
		return 0;
	}
	k->phase = PHASE_REST;
	return start_rest(k) ? 1 : -ENOMEM;
}

static int run_passes(struct reserver *r)
{
	bool again = false;
	int ret = 0;

	for (size_t i = 0; i < r->m->n_regions; i++)
		again |= r->keeper[i].g != NULL;
	for (unsigned int passes = 1; again && !ret; passes++) {
		again = false;
		for (size_t i = 0; i < r->m->n_regions; i++) {
			if (r->keeper[i].g && r->keeper[i].phase != PHASE_DONE)
				start_pass(&r->keeper[i]);
		}
		for (size_t b = 0; b < r->m->n_boots && !ret; b++)
			ret = add_boot(r, b);
		for (size_t i = 0; i < r->m->n_regions && ret >= 0; i++) {
			if (!r->keeper[i].g || r->keeper[i].phase == PHASE_DONE)
				continue;
			ret = end_pass(&r->keeper[i], passes);
			again |= ret > 0;
		}
		ret = ret > 0 ? 0 : ret;
	}
	return ret;
}

/* ---- regions ---- */

static uint64_t whole_of(const struct needs_region *g, const struct needs_service *s)
{
	return min_u64(g->reserve.in_sets ? s->set.bytes : s->usual, s->limit);
}

/* True if all reservations fit in any case, and no limit refuses a recorded request. */
static bool is_easy(const struct needs_region *g)
{
	uint64_t left = g->reserve.size;

	if (g->all_peaks > left)
		return false;
	left -= g->all_peaks;
	for (size_t i = 0; i < g->n; i++) {
		const struct needs_service *s = &g->service[i];
		uint64_t more = whole_of(g, s);

		more -= min_u64(more, s->peak);
		if (more > left || s->limit < s->peak)
			return false;
		left -= more;
	}
	return true;
}

/* Those named by the user come first, then the smallest sets: so most services get theirs. */
static int by_order(const void *a, const void *b)
{
	const struct keep *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->whole != y->whole)
		return x->whole < y->whole ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static int add_keeps(struct reserver *r, struct keeper *k, struct needs_region *g)
{
	k->keep = calloc(g->n + 1, sizeof(*k->keep));
	if (!k->keep)
		return -ENOMEM;
	for (size_t i = 0; i < g->n; i++) {
		int64_t node = node_of(r, k, g->service[i].service);
		uint64_t whole = whole_of(g, &g->service[i]);

		if (node < 0)
			return (int)node;
		k->keep[i] = (struct keep){
			.at = i, .node = (uint32_t)node, .whole = whole, .want = whole,
			.rank = g->service[i].rank,
		};
	}
	if (g->reserve.in_sets && g->n)
		qsort(k->keep, g->n, sizeof(*k->keep), by_order);
	return 0;
}

static int add_region(struct reserver *r, struct needs_region *g)
{
	struct keeper *k = &r->keeper[g->region - r->m->region];
	uint64_t proposed = needs_propose(g, r->o).size;
	int ret;

	/* Reservations are planned for CMA areas only. */
	g->reserve.in_sets = r->o->sets && g->cma;
	g->reserve.size = proposed == DMEM_UNKNOWN ? g->size : proposed;
	for (size_t i = 0; i < g->n; i++)
		g->service[i].rank = sets_rank(r->o->sets, g->service[i].service);
	k->parts = PARTS;
	k->phase = g->reserve.in_sets ? PHASE_WHOLE : PHASE_PART;
	if (is_easy(g))
		return 0;
	k->g = g;
	ret = admit_start(&k->a, g->reserve.size);
	if (!ret && add_node(k, MODEL_OTHERS(r->m), ADMIT_NONE) < 0)
		ret = -ENOMEM;
	return ret ? ret : add_keeps(r, k, g);
}

/* ---- results ---- */

/* Rounds down to whole buffers: a part of a buffer is of no use. */
static uint64_t whole_buffers(const struct needs_service *s, uint64_t v, uint64_t page)
{
	uint64_t unit = s->buffer ? s->buffer : page;

	return v / unit * unit;
}

static void set_parts(const struct keeper *k, struct needs_region *g)
{
	g->reserved = (double)k->parts / PARTS;
	for (size_t i = 0; i < g->n; i++) {
		struct needs_service *s = &g->service[i];
		uint64_t whole = whole_of(g, s), v = (uint64_t)((double)whole * k->parts / PARTS);

		s->reservation = k->parts == PARTS ? whole : whole_buffers(s, v, g->page);
	}
}

static void set_sets(const struct keeper *k, struct needs_region *g)
{
	double all = 0, sum = 0;

	for (size_t i = 0; i < g->n; i++)
		g->service[i].reservation = whole_of(g, &g->service[i]);
	for (size_t i = 0; k->g && i < g->n; i++)
		g->service[k->keep[i].at].reservation = k->keep[i].want;
	for (size_t i = 0; i < g->n; i++) {
		all += (double)g->service[i].set.bytes;
		sum += (double)g->service[i].reservation;
		/* A later pass kept it. */
		if (g->service[i].reservation == whole_of(g, &g->service[i]))
			g->service[i].cut.any = false;
	}
	g->reserved = all > 0 ? sum / all : 1;
}

static void reserver_end(struct reserver *r)
{
	for (size_t i = 0; r->keeper && i < r->m->n_regions; i++) {
		admit_end(&r->keeper[i].a);
		free(r->keeper[i].state);
		free(r->keeper[i].keep);
		free(r->keeper[i].changed);
	}
	free(r->keeper);
	dmem_map_free(&r->nodes);
}

int needs_reserve(struct needs *n, const struct model *m, const struct needs_options *o)
{
	struct reserver r = { .m = m, .o = o };
	int ret = 0;

	r.keeper = calloc(m->n_regions + 1, sizeof(*r.keeper));
	if (!r.keeper)
		ret = -ENOMEM;
	for (size_t i = 0; i < n->n && !ret; i++)
		ret = add_region(&r, &n->region[i]);
	if (!ret)
		ret = run_passes(&r);
	for (size_t i = 0; i < n->n && !ret; i++) {
		struct needs_region *g = &n->region[i];
		const struct keeper *k = &r.keeper[g->region - m->region];

		if (g->reserve.in_sets)
			set_sets(k, g);
		else
			set_parts(k, g);
	}
	reserver_end(&r);
	return ret;
}
