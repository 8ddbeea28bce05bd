// SPDX-License-Identifier: GPL-2.0
/*
 * Compares the kernel with the model of reservations. A long sequence of
 * operations is applied to real cgroups and a real heap, and to the model:
 * charges, uncharges, dmem.min and dmem.max at all levels, removal and creation
 * of cgroups, disabling and enabling of the controller, pages that the kernel
 * takes for itself. After each operation, every file of every cgroup must agree
 * with the model.
 *
 * The setup takes all but a handful of the area's pages, so that each page
 * counts. A unit of the model is a page.
 *
 * The sequence is the same each time. DMEM_MODEL_SEED in the environment selects
 * another sequence, DMEM_MODEL_OPS another length.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"
#include "reserve_model.h"
#include "dmem_unaccounted.h"

#define SEED		20261123
#define OPS		3000
#define LEFT		8	/* pages */
#define SPARE		3	/* further pages that the kernel may take */
#define MAX_BUFS	64
#define FILE_BUF	4096
#define BUSY_MS		2000
#define TRIED		65536

/*
 * TOP contains all cgroups of the tests. slice and b have children while dmem is
 * enabled for these, and processes while it is not.
 */
enum place { ROOT, TOP, TEST, SLICE, A, B, C, OTHER, PLACES };

static const enum place parent_of[PLACES] = {
	[TOP] = ROOT, [TEST] = TOP, [SLICE] = TEST, [A] = SLICE, [B] = SLICE,
	[C] = B, [OTHER] = TEST,
};

static const char * const names[PLACES] = {
	"root", "top", "test", "slice", "a", "b", "c", "other",
};

enum file { CURRENT, PEAK, STAT, EVENTS, EVENTS_LOCAL, FILES };

static const char * const file_names[FILES] = {
	"dmem.current", "dmem.peak", "dmem.stat", "dmem.events", "dmem.events.local",
};

struct cgroup {
	char *path;
	bool exists;		/* its directory */
	bool enabled;		/* dmem for those below it */
	int node;		/* in the model, RM_NONE if dmem is disabled */
	int fd[FILES];
};

struct buffer {
	int fd, node, pages;
};

struct replay {
	struct dmem_test *t;
	struct reserve_model m;
	struct cgroup cg[PLACES];
	struct buffer buf[MAX_BUFS];
	int bufs;
	int base;		/* unaccounted at the beginning */
	unsigned int random;
	unsigned char tried[TRIED / 8];
	char text[512];		/* the operations done, or the fault found */
	int ops, granted, limit, reserved, full, exhausted, busy, again, starts;
};

enum op {
	CHARGE, UNCHARGE, SET_MIN, SET_MAX, CLEAR, REMOVE, CREATE, DISABLE,
	ENABLE, UNACCOUNTED,
};

struct step {
	enum op op;
	enum place place;
	int value;
};

FIXTURE(model) {
	struct dmem_test t;
	struct replay *r;
};

FIXTURE_SETUP(model)
{
	int ret = 0;

	begin_or_skip(_metadata, &self->t, DMEM_CMA);
	if (dmem_nested(self->t.root, "dmem.stat", self->t.heap.region,
			"reserved") < 0)
		ret = snprintf(self->t.reason, DMEM_NAME_LEN,
			       "no reservations in dmem.stat");
	else if (dmem_current(self->t.root, self->t.heap.region))
		ret = snprintf(self->t.reason, DMEM_NAME_LEN,
			       "others have buffers of the heap");
	else if (unaccounted_leave(self->t.area, LEFT + SPARE))
		ret = snprintf(self->t.reason, DMEM_NAME_LEN,
			       "cannot take the area's pages by /sys/kernel/debug/cma");
	if (ret) {
		unaccounted_return_all();
		dmem_end(&self->t);
		SKIP(return, "%s", self->t.reason);
	}
	self->r = calloc(1, sizeof(*self->r));
	self->r->t = &self->t;
}

FIXTURE_TEARDOWN(model)
{
	int i;

	for (i = 0; i < self->r->bufs; i++)
		close(self->r->buf[i].fd);
	unaccounted_return_all();
	dmem_end(&self->t);
	free(self->r);
}

static unsigned int dice(struct replay *r, unsigned int sides)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 17;
	r->random ^= r->random << 5;
	return r->random % sides;
}

/* For steps that fail in the test itself: no fault of the rule. */
static bool failed(struct replay *r, const char *what, int ret)
{
	snprintf(r->text, sizeof(r->text), "cannot %s: %s", what, strerror(-ret));
	return false;
}

/* cgroups */

static void close_files(struct cgroup *cg)
{
	int i;

	for (i = 0; i < FILES; i++) {
		if (cg->fd[i] >= 0)
			close(cg->fd[i]);
		cg->fd[i] = -1;
	}
	cg->node = RM_NONE;
}

static void open_files(struct cgroup *cg, int node)
{
	char path[PATH_MAX];
	int i;

	cg->node = node;
	for (i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", cg->path, file_names[i]);
		cg->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
}

static bool is_leaf(enum place p)
{
	return p == A || p == C || p == OTHER;
}

static bool has_dmem(struct replay *r, enum place p)
{
	return r->cg[p].node != RM_NONE;
}

static bool may_enter(struct replay *r, enum place p)
{
	return p >= SLICE && has_dmem(r, p) && !r->cg[p].enabled;
}

static bool make_cgroups(struct replay *r)
{
	char *top = strdup(r->t->cg);
	enum place p;
	int ret = 0;

	*strrchr(top, '/') = '\0';
	for (p = ROOT; p < PLACES; p++) {
		struct cgroup *cg = &r->cg[p];

		switch (p) {
		case ROOT:
			cg->path = strdup(r->t->root);
			break;
		case TOP:
			cg->path = top;
			break;
		case TEST:
			cg->path = strdup(r->t->cg);
			break;
		default:
			cg->path = cg_name(r->cg[parent_of[p]].path, names[p]);
			ret = is_leaf(p) ? cg_create(cg->path) :
					   cg_create_parent(cg->path);
			break;
		}
		if (ret)
			return failed(r, "make a cgroup", ret);
		cg->exists = true;
		cg->enabled = !is_leaf(p);
		open_files(cg, p ? rm_create(&r->m, r->cg[parent_of[p]].node) : RM_ROOT);
	}
	return true;
}

/* The contents of the files */

static bool read_line(struct replay *r, enum place p, enum file file, char *buf)
{
	const char *region = r->t->heap.region;
	size_t name = strlen(region);
	char *line, *end;
	ssize_t len;

	len = pread(r->cg[p].fd[file], buf, FILE_BUF - 1, 0);
	if (len <= 0)
		return failed(r, file_names[file], len ? -errno : -ENODATA);
	buf[len] = '\0';
	for (line = buf; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		if (strncmp(line, region, name) || line[name] != ' ')
			continue;
		memmove(buf, line + name, strlen(line + name) + 1);
		return true;
	}
	return failed(r, file_names[file], -ENODATA);
}

static long long value_of(const char *line, const char *key)
{
	char word[32];
	const char *at;

	snprintf(word, sizeof(word), " %s=", key);
	at = strstr(line, word);
	return at ? strtoll(at + strlen(word), NULL, 10) : -ENODATA;
}

static bool compare(struct replay *r, enum place p, enum file file,
		    const char *line, const char *key, int want, long long unit)
{
	long long value = *key ? value_of(line, key) : strtoll(line, NULL, 10);

	if (value == want * unit)
		return true;
	snprintf(r->text, sizeof(r->text), "%s %s of %s is %lld, model: %lld",
		 file_names[file], key, names[p], value, want * unit);
	return false;
}

/* Others have used the area before. */
static bool compare_root_peak(struct replay *r)
{
	char line[FILE_BUF];
	long long peak;

	if (!read_line(r, ROOT, PEAK, line))
		return false;
	peak = strtoll(line, NULL, 10);
	if (peak >= r->m.node[RM_ROOT].peak * r->t->page &&
	    peak <= r->m.capacity * r->t->page)
		return true;
	snprintf(r->text, sizeof(r->text), "dmem.peak of root is %lld, model: %d pages of %d",
		 peak, r->m.node[RM_ROOT].peak, r->m.capacity);
	return false;
}

static bool compare_cgroup(struct replay *r, enum place p)
{
	int node = r->cg[p].node;
	const struct rm_node *n = &r->m.node[node];
	long long page = r->t->page;
	char line[FILE_BUF];
	int i;
	static const struct {
		const char *key;
		enum rm_event event;
	} events[] = {
		{ "max", RM_EVENT_MAX },
		{ "alloc_fail", RM_EVENT_ALLOC_FAIL },
		{ "reserved", RM_EVENT_RESERVED },
	};

	if (!read_line(r, p, CURRENT, line) ||
	    !compare(r, p, CURRENT, line, "", rm_usage(&r->m, node), page) ||
	    !read_line(r, p, STAT, line) ||
	    !compare(r, p, STAT, line, "local", n->own, page) ||
	    !compare(r, p, STAT, line, "dying", rm_dying(&r->m, node), page) ||
	    !compare(r, p, STAT, line, "committed", rm_claim(&r->m, node), page))
		return false;
	if (p == ROOT)
		return compare_root_peak(r);
	if (!compare(r, p, STAT, line, "reserved", n->reserved, page))
		return false;
	if (!read_line(r, p, PEAK, line) ||
	    !compare(r, p, PEAK, line, "", n->peak, page) ||
	    !read_line(r, p, EVENTS, line))
		return false;
	for (i = 0; i < (int)ARRAY_SIZE(events); i++) {
		if (!compare(r, p, EVENTS, line, events[i].key,
			     n->events[events[i].event], 1))
			return false;
	}
	if (!read_line(r, p, EVENTS_LOCAL, line))
		return false;
	for (i = 0; i < (int)ARRAY_SIZE(events); i++) {
		if (!compare(r, p, EVENTS_LOCAL, line, events[i].key,
			     n->events_local[events[i].event], 1))
			return false;
	}
	return true;
}

static bool compare_all(struct replay *r)
{
	long long unaccounted = cma_read(r->t->area, "unaccounted_pages");
	enum place p;

	if (unaccounted != r->m.unaccounted) {
		snprintf(r->text, sizeof(r->text), "unaccounted_pages is %lld, not %d",
			 unaccounted, r->m.unaccounted);
		return false;
	}
	for (p = ROOT; p < PLACES; p++) {
		if (has_dmem(r, p) && !compare_cgroup(r, p))
			return false;
	}
	return true;
}

static long long count_exhausted(struct replay *r, enum place p)
{
	char line[FILE_BUF];

	return read_line(r, p, EVENTS_LOCAL, line) ?
	       value_of(line, "exhausted") : -ENODATA;
}

/* The operations */

static int room(struct replay *r)
{
	return r->m.capacity - r->m.unaccounted - rm_usage(&r->m, RM_ROOT);
}

/*
 * A request that the rule grants can fail because the area has no such block in
 * one piece, or because a page is busy. That counts as exhausted, and its charge is
 * returned without a trace in the peak.
 */
static bool do_charge(struct replay *r, enum place p, int n)
{
	long long end = now_ms() + BUSY_MS, before = count_exhausted(r, p), now;
	struct rm_answer answer = rm_ask(&r->m, r->cg[p].node, n);
	enum rm_verdict verdict = answer.verdict;
	bool may = verdict == RM_GRANTED, full = verdict == RM_FULL;
	bool exhausted, granted;
	int fd;

	for (;;) {
		fd = cg_alloc(r->cg[p].path, r->t->heap_fd, n * r->t->page);
		now = count_exhausted(r, p);
		exhausted = fd == -ENOMEM && now == before + 1;
		if (!may || !exhausted)
			break;
		r->exhausted++;
		if (n > 1)
			return true;
		if (now_ms() > end)
			return failed(r, "get a free page", fd);
		r->busy++;
		before = now;
		sleep_ms(1);
	}
	if (fd < 0 && fd != -ENOMEM)
		return failed(r, "allocate", fd);
	granted = fd >= 0;
	if (granted != may || exhausted != full) {
		snprintf(r->text, sizeof(r->text), "%s, the model: verdict %d at %d",
			 exhausted ? "exhausted" : fd < 0 ? "refused" : "granted",
			 verdict, answer.at);
		if (fd >= 0)
			close(fd);
		return false;
	}
	rm_charge(&r->m, r->cg[p].node, n);
	r->limit += verdict == RM_LIMIT;
	r->reserved += verdict == RM_RESERVED;
	r->full += verdict == RM_FULL;
	if (fd < 0)
		return true;
	r->granted++;
	r->buf[r->bufs].fd = fd;
	r->buf[r->bufs].node = r->cg[p].node;
	r->buf[r->bufs++].pages = n;
	return true;
}

static void do_uncharge(struct replay *r, int i)
{
	struct buffer buf = r->buf[i];

	close(buf.fd);
	rm_uncharge(&r->m, buf.node, buf.pages);
	r->buf[i] = r->buf[--r->bufs];
}

/* The number of cgroups with a reservation */
static int reservations(struct replay *r)
{
	int n = 0, i;

	for (i = RM_ROOT + 1; i < r->m.nodes; i++)
		n += r->m.node[i].reserved > 0;
	return n;
}

static bool do_write(struct replay *r, enum place p, enum op op, int value)
{
	int before = reservations(r), ret;

	ret = dmem_set(r->cg[p].path, op == SET_MIN ? "dmem.min" : "dmem.max",
		       r->t->heap.region,
		       value == RM_UNLIMITED ? DMEM_MAX : value * r->t->page);
	if (ret)
		return failed(r, "write", ret);
	if (op == SET_MIN)
		rm_set_min(&r->m, r->cg[p].node, value);
	else
		rm_set_max(&r->m, r->cg[p].node, value);
	r->starts += !before && reservations(r);
	return true;
}

/* No reservation at all: the kernel only compares limits and the room. */
static bool do_clear(struct replay *r)
{
	enum place p;

	for (p = TOP; p < PLACES; p++) {
		if (has_dmem(r, p) && r->m.node[r->cg[p].node].min &&
		    (!do_write(r, p, SET_MIN, 0) || !compare_all(r)))
			return false;
	}
	return true;
}

/* The cgroup stays in the model for as long as it is charged. */
static void forget(struct replay *r, enum place p)
{
	rm_remove(&r->m, r->cg[p].node);
	close_files(&r->cg[p]);
}

static bool do_remove(struct replay *r, enum place p)
{
	int ret = cg_destroy(r->cg[p].path) ? -errno : 0;

	if (ret)
		return failed(r, "remove", ret);
	r->cg[p].exists = false;
	if (has_dmem(r, p))
		forget(r, p);
	return true;
}

static bool do_create(struct replay *r, enum place p)
{
	struct cgroup *parent = &r->cg[parent_of[p]];
	int ret = cg_create(r->cg[p].path) ? -errno : 0;

	if (ret)
		return failed(r, "create", ret);
	r->cg[p].exists = true;
	if (parent->enabled)
		open_files(&r->cg[p], rm_create(&r->m, parent->node));
	return true;
}

/* The controller, for the children of p. */
static bool do_enable(struct replay *r, enum place p, bool enable)
{
	long long end = now_ms() + BUSY_MS;
	enum place c;
	int ret;

	/* A process that has exited may stay in the cgroup for a moment. */
	do {
		ret = cg_write(r->cg[p].path, "cgroup.subtree_control",
			       enable ? "+dmem" : "-dmem");
	} while (ret == -EBUSY && now_ms() < end);
	if (ret)
		return failed(r, enable ? "enable" : "disable", ret);
	r->cg[p].enabled = enable;
	for (c = SLICE; c < PLACES; c++) {
		if (parent_of[c] != p || !r->cg[c].exists)
			continue;
		if (enable)
			open_files(&r->cg[c], rm_create(&r->m, r->cg[p].node));
		else
			forget(r, c);
	}
	return true;
}

static bool do_unaccounted(struct replay *r, int n)
{
	int ret = n > 0 ? unaccounted_take(r->t->area, n) :
			  unaccounted_return(-n);

	if (ret)
		return failed(r, "take or return pages", ret);
	rm_unaccounted(&r->m, n);
	return true;
}

static bool do_step(struct replay *r, const struct step *s)
{
	switch (s->op) {
	case CHARGE:
		return do_charge(r, s->place, s->value);
	case UNCHARGE:
		do_uncharge(r, s->value);
		return true;
	case SET_MIN:
	case SET_MAX:
		return do_write(r, s->place, s->op, s->value);
	case CLEAR:
		return do_clear(r);
	case REMOVE:
		return do_remove(r, s->place);
	case CREATE:
		return do_create(r, s->place);
	case DISABLE:
	case ENABLE:
		return do_enable(r, s->place, s->op == ENABLE);
	case UNACCOUNTED:
		return do_unaccounted(r, s->value);
	}
	return false;
}

static void say_step(struct replay *r, const struct step *s, char *buf, size_t size)
{
	static const char * const ops[] = {
		"charge", "uncharge", "min", "max", "clear", "remove",
		"create", "disable", "enable", "unaccounted",
	};

	if (s->op == UNCHARGE)
		snprintf(buf, size, "uncharge %d from node %d",
			 r->buf[s->value].pages, r->buf[s->value].node);
	else
		snprintf(buf, size, "%s %s %d", ops[s->op], names[s->place], s->value);
}

/* A step that may be done now, or false. */
static bool roll_step(struct replay *r, struct step *s)
{
	/* The usage has to rise and fall: a full area grants little. */
	bool fill = r->ops / 40 % 2;
	unsigned int what = dice(r, 100);
	int slots = 0, i;

	for (i = 0; i < RM_NODES; i++)
		slots += !r->m.node[i].used;
	s->place = SLICE + dice(r, PLACES - SLICE);
	s->value = 0;
	if (what < (fill ? 46 : 34)) {
		/*
		 * The verdict is chosen first, or most requests would be
		 * refused. Few cgroups can be refused for a reservation.
		 */
		enum rm_verdict want = dice(r, 8);

		if (want >= 6)
			want = RM_RESERVED;
		s->op = CHARGE;
		for (i = 0; i < 64; i++) {
			s->place = SLICE + dice(r, PLACES - SLICE);
			s->value = dice(r, 4) ? 1 : 2 + dice(r, 4);
			if (may_enter(r, s->place) &&
			    (want > RM_FULL ||
			     rm_ask(&r->m, r->cg[s->place].node,
				    s->value).verdict == want))
				break;
		}
		return may_enter(r, s->place) && r->bufs < MAX_BUFS;
	}
	if (what < 62) {
		s->op = UNCHARGE;
		if (r->bufs)
			s->value = dice(r, r->bufs);
		return r->bufs;
	}
	if (what < 81) {
		s->op = SET_MIN;
		s->value = dice(r, 4) ? 1 + (int)dice(r, LEFT + 1) : 0;
		/* Without these two, no cgroup below can have a reservation. */
		if (!dice(r, 12) || !r->m.node[r->cg[TOP].node].min ||
		    !r->m.node[r->cg[TEST].node].min) {
			s->place = dice(r, 2) ? TOP : TEST;
			if (dice(r, 5))
				s->value = RM_UNLIMITED;
		}
		return has_dmem(r, s->place);
	}
	if (what < 86) {
		s->op = SET_MAX;
		if (!dice(r, 8))
			s->place = dice(r, 2) ? TOP : TEST;
		s->value = dice(r, 3) ? RM_UNLIMITED : (int)dice(r, LEFT + 2);
		return has_dmem(r, s->place);
	}
	if (what < 87) {
		s->op = CLEAR;
		return true;
	}
	if (what < 90) {
		s->op = REMOVE;
		return is_leaf(s->place) && r->cg[s->place].exists;
	}
	if (what < 93) {
		s->op = CREATE;
		return !r->cg[s->place].exists && slots &&
		       r->cg[parent_of[s->place]].exists;
	}
	if (what < 96) {
		s->place = dice(r, 3) ? B : SLICE;
		s->op = r->cg[s->place].enabled ? DISABLE : ENABLE;
		if (s->op == DISABLE)
			return s->place == B || !r->cg[B].enabled;
		/* A cgroup with processes cannot enable dmem for children. */
		return has_dmem(r, s->place) && slots >= 2;
	}
	s->op = UNACCOUNTED;
	s->value = dice(r, 2) ? 1 : -1;
	return s->value < 0 ? r->m.unaccounted > r->base :
	       r->m.unaccounted < r->base + SPARE && room(r);
}

/* A hash of the state and the step; equal states and steps have equal numbers. */
static unsigned int number_of(const struct replay *r, const struct step *s)
{
	unsigned int h = 2166136261u;
	enum place p;

	for (p = ROOT; p < PLACES; p++) {
		const struct rm_node *n = &r->m.node[r->cg[p].node];

		if (r->cg[p].node == RM_NONE)
			continue;
		h = (h ^ p) * 16777619u;
		h = (h ^ rm_usage(&r->m, r->cg[p].node)) * 16777619u;
		h = (h ^ n->own) * 16777619u;
		h = (h ^ n->reserved) * 16777619u;
		h = (h ^ n->max) * 16777619u;
	}
	h = (h ^ r->m.unaccounted) * 16777619u;
	h = (h ^ s->op) * 16777619u;
	h = (h ^ s->place) * 16777619u;
	h = (h ^ (s->op == UNCHARGE ? r->buf[s->value].node * 16 +
		  r->buf[s->value].pages : s->value)) * 16777619u;
	return (h ^ h >> 16) % TRIED;
}

static void choose_step(struct replay *r, struct step *s)
{
	unsigned int number;
	int i;

	for (i = 0; i < 8; i++) {
		while (!roll_step(r, s))
			;
		number = number_of(r, s);
		if (!(r->tried[number / 8] & 1 << number % 8))
			break;
	}
	r->again += i == 8;
	r->tried[number / 8] |= 1 << number % 8;
}

static unsigned int number_from_env(const char *name, unsigned int otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoul(s, NULL, 0) : otherwise;
}

#define HISTORY	12

TEST_F_TIMEOUT(model, replay, 280)
{
	unsigned int seed = number_from_env("DMEM_MODEL_SEED", SEED);
	int ops = number_from_env("DMEM_MODEL_OPS", OPS), i;
	struct dmem_test *t = &self->t;
	long long begin = now_ms();
	struct replay *r = self->r;
	char history[HISTORY][80] = {};
	bool ok;

	rm_init(&r->m, dmem_read(t->root, "dmem.capacity", t->heap.region) / t->page,
		cma_read(t->area, "unaccounted_pages"));
	ASSERT_EQ(LEFT + SPARE, room(r));
	r->base = r->m.unaccounted;
	r->random = seed ? seed : 1;
	ASSERT_TRUE(make_cgroups(r))
		TH_LOG("%s", r->text);
	ASSERT_TRUE(compare_all(r))
		TH_LOG("at the beginning: %s", r->text);
	/* Otherwise no cgroup below has a reservation. */
	ASSERT_TRUE(do_write(r, TOP, SET_MIN, RM_UNLIMITED))
		TH_LOG("%s", r->text);
	ASSERT_TRUE(do_write(r, TEST, SET_MIN, RM_UNLIMITED))
		TH_LOG("%s", r->text);

	for (r->ops = 0; r->ops < ops; r->ops++) {
		struct step s;

		choose_step(r, &s);
		say_step(r, &s, history[r->ops % HISTORY], sizeof(history[0]));
		ok = do_step(r, &s) && compare_all(r);
		EXPECT_TRUE(ok)
			TH_LOG("seed %u, operation %d, %s: %s", seed, r->ops,
			       history[r->ops % HISTORY], r->text);
		if (ok)
			continue;
		for (i = 0; i < HISTORY; i++)
			TH_LOG("before: %s", history[(r->ops + 1 + i) % HISTORY]);
		break;
	}
	TH_LOG("seed %u: %d operations in %lld ms, %d not new in their state",
	       seed, r->ops, now_ms() - begin, r->again);
	TH_LOG("%d charges granted, %d above a limit, %d reserved, %d in a full area",
	       r->granted, r->limit, r->reserved, r->full);
	TH_LOG("%d found no room, %d a busy page; %d times the first reservation",
	       r->exhausted - r->busy, r->busy, r->starts);
	/* The sequence, which depends on the seed only, covered every kind of answer. */
	if (ops >= OPS) {
		EXPECT_LT(ops / 20, r->granted);
		EXPECT_LT(ops / 40, r->limit);
		EXPECT_LT(ops / 80, r->reserved);
		EXPECT_LT(ops / 400, r->full);
		EXPECT_LT(5, r->starts);
	}
}

TEST_HARNESS_MAIN
