// SPDX-License-Identifier: GPL-2.0
/* Compares the kernel with the world, see torture.h */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "torture.h"

struct where {
	struct tt_world *w;
	const char *path;
	bool root;
	char text[DMEM_FILE_BUF];
};

static bool differs(struct where *at, const struct tt_region *r, const char *what,
		    long long is, long long want)
{
	if (is == want)
		return false;
	snprintf(at->w->text, sizeof(at->w->text), "%s of %s in %s is %lld, not %lld", what,
		 r->name, at->path, is, want);
	return true;
}

static bool load(struct where *at, const char *file)
{
	int ret = cg_read(at->path, file, at->text, sizeof(at->text));

	if (ret)
		snprintf(at->w->text, sizeof(at->w->text), "cannot read %s in %s", file,
			 at->path);
	return !ret;
}

/* The line of the region in the file, after its name, or NULL */
static const char *find_line(const struct where *at, const struct tt_region *r)
{
	size_t len = strlen(r->name);
	const char *line = at->text;

	while (line && (strncmp(line, r->name, len) || line[len] != ' ')) {
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return line ? line + len : NULL;
}

static long long value(const struct where *at, const struct tt_region *r)
{
	const char *line = find_line(at, r);

	if (!line)
		return -ENODATA;
	return strncmp(line, " max\n", 5) ? strtoll(line, NULL, 10) : DMEM_MAX;
}

/* The number after " <key>=" */
static long long nested(const struct where *at, const struct tt_region *r, const char *key)
{
	const char *word = find_line(at, r);
	size_t len = strlen(key);

	for (; word && *word == ' '; word += strcspn(word, "\n ")) {
		word++;
		if (!strncmp(word, key, len) && word[len] == '=')
			return strtoll(word + len + 1, NULL, 10);
	}
	return -ENODATA;
}

/* Refusals of all kinds: each has exactly one of the three. */
static bool same_refusals(struct where *at, const struct tt_region *r, const char *file,
			  int want)
{
	long long reserved = nested(at, r, "reserved");

	return !differs(at, r, file, nested(at, r, "alloc_fail") + nested(at, r, "exhausted") +
			(reserved < 0 ? 0 : reserved), want);
}

static long long limit(struct where *at, int pages)
{
	return pages == RM_UNLIMITED ? DMEM_MAX : pages * at->w->t->page;
}

/* One file at a time, for all regions: node[] is the cgroup's in each. */

static bool same_current(struct where *at, const int *node)
{
	int i;

	if (!load(at, "dmem.current"))
		return false;
	for (i = 0; i < at->w->regions; i++) {
		struct tt_region *r = &at->w->region[i];
		long long base = at->root ? r->current : 0;

		if (differs(at, r, "dmem.current", value(at, r),
			    base + rm_usage(&r->m, node[i]) * at->w->t->page))
			return false;
	}
	return true;
}

static bool same_stat(struct where *at, const int *node)
{
	long long page = at->w->t->page;
	int i;

	if (!load(at, "dmem.stat"))
		return false;
	for (i = 0; i < at->w->regions; i++) {
		struct tt_region *r = &at->w->region[i];

		if (differs(at, r, "dying", nested(at, r, "dying"), (at->root ? r->dying : 0) +
			    rm_dying(&r->m, node[i]) * page))
			return false;
		if (at->root)
			continue;
		if (differs(at, r, "local", nested(at, r, "local"),
			    r->m.node[node[i]].own * page))
			return false;
		if (r->pinned &&
		    (differs(at, r, "reserved", nested(at, r, "reserved"),
			     r->m.node[node[i]].reserved * page) ||
		     differs(at, r, "committed", nested(at, r, "committed"),
			     rm_claim(&r->m, node[i]) * page)))
			return false;
	}
	return true;
}

/* Refused requests are in no peak: it is 0 where none was granted. */
static bool same_peak(struct where *at, const int *node)
{
	long long page = at->w->t->page;
	int i;

	if (!load(at, "dmem.peak"))
		return false;
	for (i = 0; i < at->w->regions; i++) {
		struct tt_region *r = &at->w->region[i];
		const struct tt_extra *x = &r->x[node[i]];
		long long peak = value(at, r);

		if (peak < x->most * page)
			return !differs(at, r, "dmem.peak, below the usage,", peak,
					x->most * page);
		if (peak > limit(at, x->bound))
			return !differs(at, r, "dmem.peak, above the limit,", peak,
					x->bound * page);
		/* A driver may return one buffer because there is no second one. */
		if (!x->most && !tt_has_fallback(at->w, i) &&
		    differs(at, r, "dmem.peak, without a granted request,", peak,
			    0))
			return false;
	}
	return true;
}

static bool same_events(struct where *at, const int *node)
{
	int i;

	if (!load(at, "dmem.events"))
		return false;
	for (i = 0; i < at->w->regions; i++) {
		struct tt_region *r = &at->w->region[i];

		if (!same_refusals(at, r, "dmem.events", r->x[node[i]].refused))
			return false;
	}
	if (!load(at, "dmem.events.local"))
		return false;
	for (i = 0; i < at->w->regions; i++) {
		struct tt_region *r = &at->w->region[i];

		if (!same_refusals(at, r, "dmem.events.local", r->x[node[i]].refused_local))
			return false;
	}
	return true;
}

static bool same_limits(struct where *at, const int *node)
{
	static const char * const files[] = { "dmem.min", "dmem.low", "dmem.max" };
	int i, f;

	for (f = 0; f < 3; f++) {
		if (!load(at, files[f]))
			return false;
		for (i = 0; i < at->w->regions; i++) {
			struct tt_region *r = &at->w->region[i];
			const struct rm_node *n = &r->m.node[node[i]];

			if (differs(at, r, files[f], value(at, r),
				    limit(at, f == 0 ? n->min : f == 1 ? r->x[node[i]].low :
					  n->max)))
				return false;
		}
	}
	return true;
}

static bool same_cgroup(struct tt_world *w, const char *path, const int *node, bool all)
{
	struct where at = { .w = w, .path = path };

	if (!same_current(&at, node) || !same_stat(&at, node) || !same_peak(&at, node))
		return false;
	return !all || (same_events(&at, node) && same_limits(&at, node));
}

static bool same_root(struct tt_world *w)
{
	struct where at = { .w = w, .path = w->t->root, .root = true };
	int node[TT_REGIONS] = {};

	return same_current(&at, node) && same_stat(&at, node);
}

static bool sample_file(struct tt_world *w, const char *cg, const char *file,
			const struct tt_region *r, long long most)
{
	long long is = dmem_read(cg, file, r->name);

	if (is <= most)
		return true;
	tt_fail(w, "%s of %s in %s is %lld, where at most %lld bytes are possible", file,
		r->name, cg, is, most);
	return false;
}

bool tt_sample_files(struct tt_world *w)
{
	long long page = w->t->page;
	bool ok = true;
	int i, s;

	for (i = 0; i < w->regions && ok; i++) {
		const struct tt_region *r = &w->region[i];
		long long capacity = r->m.capacity * page;

		ok = sample_file(w, w->t->cg, "dmem.current", r, TT_LIMIT * page) &&
		     sample_file(w, w->t->cg, "dmem.peak", r, TT_LIMIT * page) &&
		     sample_file(w, w->t->root, "dmem.peak", r, capacity) &&
		     sample_file(w, w->t->root, "dmem.current", r,
				 capacity - r->m.unaccounted * page);
		for (s = 0; s < TT_SLICES && ok; s++) {
			ok = sample_file(w, w->slice[s], "dmem.current", r, r->now[s] * page);
		}
	}
	return ok;
}

long long tt_gap(const struct tt_world *w, const struct tt_region *r)
{
	long long page = w->t->page;

	if (!r->area)
		return 0;
	return dmem_read(w->t->root, "dmem.capacity", r->name) -
	       cma_read(r->area, "available_pages") * page -
	       cma_read(r->area, "unaccounted_pages") * page -
	       dmem_current(w->t->root, r->name);
}

/* Compares CMA's free and unaccounted pages with those from before */
static bool same_area(struct tt_world *w, const struct tt_region *r)
{
	long long gap = tt_gap(w, r), unaccounted = r->area ?
			cma_read(r->area, "unaccounted_pages") : r->m.unaccounted;

	if (gap != r->gap) {
		snprintf(w->text, sizeof(w->text),
			 "%lld bytes of %s are neither free, nor charged, nor unaccounted",
			 gap, r->name);
		return false;
	}
	if (unaccounted != r->m.unaccounted) {
		snprintf(w->text, sizeof(w->text), "unaccounted_pages of %s is %lld, not %d",
			 r->name, unaccounted, r->m.unaccounted);
		return false;
	}
	return true;
}

static bool same(struct tt_world *w, bool all)
{
	int node[TT_REGIONS], worker, i, s;

	for (i = 0; i < w->regions; i++) {
		if (!same_area(w, &w->region[i]))
			return false;
	}
	if (!same_root(w))
		return false;
	for (i = 0; i < w->regions; i++)
		node[i] = w->region[i].test;
	if (!same_cgroup(w, w->t->cg, node, all))
		return false;
	for (s = 0; s < TT_SLICES; s++) {
		for (i = 0; i < w->regions; i++)
			node[i] = w->region[i].slice[s];
		if (!same_cgroup(w, w->slice[s], node, all))
			return false;
		for (i = 0; i < w->regions; i++)
			node[i] = w->region[i].common[s];
		if (!same_cgroup(w, w->common[s], node, all))
			return false;
	}
	for (worker = 0; worker < w->workers; worker++) {
		for (s = 0; s < TT_SLOTS; s++) {
			const struct tt_slot *slot = &w->slot[worker][s];

			if (slot->exists && slot->node[0] != RM_NONE &&
			    !same_cgroup(w, slot->path, slot->node, all))
				return false;
		}
	}
	return true;
}

bool tt_compare(struct tt_world *w, bool all)
{
	long long end = now_ms() + w->late_ms;
	char text[sizeof(w->text)];

	while (!same(w, all)) {
		if (now_ms() > end) {
			memcpy(text, w->text, sizeof(text));
			tt_fail(w, "%s", text);
			return false;
		}
		sleep_ms(5);
	}
	return true;
}
