// SPDX-License-Identifier: GPL-2.0
/* Does the operations on the kernel, see torture.h and torture_worker.h */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dmem_dma_driver.h"
#include "torture_worker.h"

#define BUSY_MS	2000

void tt_remark(struct tt_worker *k, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(k->note, k->note_size, format, ap);
	va_end(ap);
}

static struct tt_slot *slot_of(struct tt_worker *k, int slot)
{
	return &k->w->slot[k->number][slot];
}

void tt_must(struct tt_worker *k, const char *what, const char *where, int ret)
{
	if (ret < 0)
		tt_fail(k->w, "worker %d cannot %s %s: %s", k->number, what, where,
			strerror(-ret));
}

/* A process that has exited may stay in the cgroup for a moment. */
static int write_control(const char *path, const char *text)
{
	long long end = now_ms() + BUSY_MS;
	int ret;

	while ((ret = cg_write(path, "cgroup.subtree_control", (char *)text)) == -EBUSY &&
	       now_ms() < end)
		sleep_ms(1);
	return ret;
}

struct tt_handle *tt_free_handle(struct tt_worker *k)
{
	int i;

	for (i = 0; i < TT_HANDLES; i++) {
		if (k->handle[i].type == FREE)
			return &k->handle[i];
	}
	return NULL;
}

struct tt_handle *tt_some_handle(struct tt_worker *k, unsigned int number, int types)
{
	int i;

	for (i = 0; i < TT_HANDLES; i++) {
		struct tt_handle *h = &k->handle[(number + i) % TT_HANDLES];

		if (h->type != FREE && types & 1 << h->type)
			return h;
	}
	return NULL;
}

#define COMMON	-1	/* instead of a slot: the one of all workers of the slice */

static const char *path_of(struct tt_worker *k, int slot)
{
	return slot == COMMON ? k->w->common[k->number % TT_SLICES] : slot_of(k, slot)->path;
}

bool tt_allocate(struct tt_worker *k, int slot, int region, int pages, int type,
		 int (*fn)(struct tt_worker *k, int slot, int number, long long len), int number)
{
	struct tt_handle *h = tt_free_handle(k);
	struct tt_world *w = k->w;
	int node, ret;

	if (!h)
		return false;
	tt_lock(k);
	node = slot == COMMON ? w->region[region].common[k->number % TT_SLICES] :
	       tt_payer(w, k->number, slot, region);
	tt_begin_request(w, region, node);
	tt_unlock(k);
	ret = fn(k, slot, number, pages * w->t->page);
	tt_lock(k);
	if (ret == -ENOMEM)
		tt_was_refused(w, region, node);
	else if (ret >= 0)
		h->buf = tt_granted(w, region, node, pages);
	tt_unlock(k);
	tt_remark(k, "%d pages of %s for %s: %s", pages, w->region[region].name,
		  strstr(path_of(k, slot), "slice"), ret < 0 ? "refused" : "granted");
	if (ret < 0) {
		if (ret != -ENOMEM)
			tt_must(k, "take memory in", path_of(k, slot), ret);
		return false;
	}
	h->type = type;
	h->fd = ret;
	h->len = pages * w->t->page;
	return true;
}

static int by_itself(struct tt_worker *k, int slot, int heap, long long len)
{
	(void)slot;
	return heap_alloc(k->w->heap_fd[heap], len);
}

static int by_child(struct tt_worker *k, int slot, int heap, long long len)
{
	return cg_alloc(path_of(k, slot), k->w->heap_fd[heap], len);
}

static int by_driver(struct tt_worker *k, int slot, int method, long long len)
{
	(void)slot;
	return dma_alloc(k->dev, method, len, DMEM_DMA_ACCOUNT);
}

/* A slot that exists and may have processes; -1 if the number means none. */
static int enterable(struct tt_worker *k, unsigned int number)
{
	int slot = number % TT_SLOTS;

	return slot_of(k, slot)->exists && !slot_of(k, slot)->enabled ? slot : -1;
}

static void do_alloc(struct tt_worker *k, const struct tt_op *op)
{
	int heap = op->a % k->w->heaps, slot = enterable(k, op->a / 16), method;

	switch (op->kind) {
	case TT_ALLOC:
		tt_allocate(k, k->at, k->w->heap_region[heap], tt_pages(op->b), FD, by_itself,
			    heap);
		break;
	case TT_ALLOC_CHILD:
		if (slot >= 0)
			tt_allocate(k, slot, k->w->heap_region[heap], tt_pages(op->b), FD,
				    by_child, heap);
		break;
	case TT_ALLOC_COMMON:
		tt_allocate(k, COMMON, k->w->heap_region[heap], tt_pages(op->b), FD, by_child,
			    heap);
		break;
	default:
		method = op->a % DMEM_DMA_METHODS;
		if (k->dev >= 0)
			tt_allocate(k, k->at, k->w->dma_region, tt_pages(op->b), DMA, by_driver,
				    method);
	}
}

static void put_all(struct tt_worker *k, const struct tt_handle *h)
{
	int i;

	for (i = 0; i < h->n; i++)
		tt_put(k->w, h->held[i]);
}

static void drop(struct tt_worker *k, struct tt_handle *h)
{
	tt_lock(k);
	if (h->type == CHILD)
		put_all(k, h);
	else
		tt_put(k->w, h->buf);
	tt_unlock(k);
	switch (h->type) {
	case FD:
		close(h->fd);
		break;
	case MAP:
		munmap(h->map, h->len);
		break;
	case DMA:
		tt_must(k, "free", "what the driver gave", dma_free(k->dev, h->fd));
		break;
	case CHILD:
		kill(h->pid, SIGKILL);
		wait_exit(h->pid);
		slot_of(k, h->slot)->processes--;
		break;
	case CAMERA:
	case DUMB:
	case IMPORT:
		tt_release(k, h);
		break;
	case FREE:
		break;
	}
	memset(h, 0, sizeof(*h));
}

static void do_close(struct tt_worker *k, const struct tt_op *op)
{
	static const char * const what[] = {
		[FD] = "an fd",
		[MAP] = "a mapping",
		[DMA] = "the driver's memory",
		[CAMERA] = "the camera's part",
		[DUMB] = "the display's handle",
		[IMPORT] = "the importer's handle",
	};
	struct tt_handle *h = tt_some_handle(k, op->a, op->kind == TT_KILL ? 1 << CHILD :
					     ~(1 << CHILD));

	if (!h)
		return;
	if (h->type == CHILD)
		tt_remark(k, "a child with %d references", h->n);
	else
		tt_remark(k, "%s of buffer %d", what[h->type], h->buf);
	drop(k, h);
}

static void do_dup(struct tt_worker *k, const struct tt_op *op)
{
	int types = op->kind == TT_MAP ? 1 << FD | 1 << CAMERA | 1 << DUMB : 1 << FD;
	struct tt_handle *h = tt_some_handle(k, op->a, types), *new = tt_free_handle(k);

	if (!h || !new)
		return;
	new->buf = h->buf;
	new->len = h->len;
	if (op->kind == TT_MAP) {
		new->type = MAP;
		new->map = tt_map(k, h);
		tt_must(k, "map", "a buffer", new->map == MAP_FAILED ? -errno : 0);
	} else {
		new->type = FD;
		new->fd = dup(h->fd);
		tt_must(k, "dup", "a buffer", new->fd < 0 ? -errno : 0);
	}
	tt_lock(k);
	tt_get(k->w, h->buf);
	tt_unlock(k);
	if (new->type == MAP && new->map != MAP_FAILED)
		memset(new->map, k->number, 1);
	tt_remark(k, "buffer %d", h->buf);
}

/* A buffer in transit is in the inbox and in the socket, in the same order. */
static void do_send(struct tt_worker *k, const struct tt_op *op)
{
	struct tt_handle *h = tt_some_handle(k, op->a, 1 << FD);
	int to = op->b % k->w->workers;
	struct tt_inbox *in = &k->w->inbox[to];

	if (!h)
		return;
	tt_lock(k);
	if (in->n < TT_INBOX) {
		tt_get(k->w, h->buf);
		in->buf[in->n++] = h->buf;
		tt_must(k, "send", "a buffer", send_fd(in->sock[0], h->fd));
		tt_remark(k, "buffer %d to worker %d", h->buf, to);
	}
	tt_unlock(k);
}

static void do_receive(struct tt_worker *k)
{
	struct tt_inbox *in = &k->w->inbox[k->number];
	struct tt_handle *h = tt_free_handle(k);

	if (!h)
		return;
	tt_lock(k);
	if (in->n) {
		h->type = FD;
		h->buf = in->buf[0];
		h->len = k->w->buf[h->buf].pages * k->w->t->page;
		memmove(in->buf, in->buf + 1, --in->n * sizeof(in->buf[0]));
		h->fd = recv_fd(in->sock[1]);
		tt_must(k, "receive", "a buffer", h->fd);
		tt_remark(k, "buffer %d", h->buf);
	}
	tt_unlock(k);
}

static void do_fork(struct tt_worker *k, const struct tt_op *op)
{
	struct tt_handle *h = tt_free_handle(k);
	int slot = enterable(k, op->a), i;

	if (!h || slot < 0)
		return;
	tt_lock(k);
	for (i = 0; i < TT_HANDLES; i++) {
		struct tt_handle *mine = &k->handle[i];

		if (mine->type != FD && mine->type != MAP)
			continue;
		h->held[h->n++] = mine->buf;
		tt_get(k->w, mine->buf);
	}
	tt_unlock(k);
	h->type = CHILD;
	h->slot = slot;
	h->pid = cg_fork(slot_of(k, slot)->path);
	tt_must(k, "fork into", slot_of(k, slot)->path, h->pid < 0 ? -errno : 0);
	if (!h->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	slot_of(k, slot)->processes++;
	tt_remark(k, "in %s, with %d references", strstr(slot_of(k, slot)->path, "slice"), h->n);
}

static void do_move(struct tt_worker *k, const struct tt_op *op)
{
	int slot = enterable(k, op->a);

	if (slot < 0 || slot == k->at)
		return;
	tt_must(k, "enter", slot_of(k, slot)->path, cg_enter_current(slot_of(k, slot)->path));
	slot_of(k, k->at)->processes--;
	slot_of(k, slot)->processes++;
	k->at = slot;
	tt_remark(k, "to %s", strstr(slot_of(k, slot)->path, "slice"));
}

/* The tree. Only its worker changes a slot; all workers change the models. */

static void do_create(struct tt_worker *k, const struct tt_op *op)
{
	int slot = 1 + op->a % (TT_SLOTS - 1), parent = op->b % slot;
	struct tt_slot *s = slot_of(k, slot), *p = slot_of(k, parent);
	char *path;
	int ret;

	if (s->exists || !p->exists)
		return;
	tt_lock(k);
	ret = tt_nodes_left(k->w, TT_WORKERS);
	tt_unlock(k);
	if (!ret)
		return;
	path = cg_name_indexed(p->path, "", slot);
	snprintf(s->path, sizeof(s->path), "%s", path);
	free(path);
	ret = cg_create(s->path) ? -errno : 0;
	tt_must(k, "create", s->path, ret);
	s->exists = !ret;
	s->parent = parent;
	tt_lock(k);
	if (p->enabled)
		tt_add_node(k->w, s, p, 0);
	tt_unlock(k);
	tt_remark(k, "%s", strstr(s->path, "slice"));
}

static bool has_children(struct tt_worker *k, int slot, bool enabled)
{
	int i;

	for (i = 1; i < TT_SLOTS; i++) {
		struct tt_slot *s = slot_of(k, i);

		if (s->exists && s->parent == slot && (s->enabled || !enabled))
			return true;
	}
	return false;
}

static void do_remove(struct tt_worker *k, const struct tt_op *op)
{
	int slot = 1 + op->a % (TT_SLOTS - 1);
	struct tt_slot *s = slot_of(k, slot);

	if (!s->exists || s->processes || has_children(k, slot, false))
		return;
	tt_remark(k, "%s", strstr(s->path, "slice"));
	tt_must(k, "remove", s->path, cg_destroy(s->path) ? -errno : 0);
	s->exists = false;
	s->enabled = false;
	tt_lock(k);
	tt_remove_node(k->w, s);
	tt_unlock(k);
}

static void do_enable(struct tt_worker *k, const struct tt_op *op, bool enable)
{
	int slot = op->a % TT_SLOTS, i;
	struct tt_slot *s = slot_of(k, slot);
	bool ok;

	if (!s->exists || s->enabled == enable || s->node[0] == RM_NONE ||
	    (enable ? s->processes > 0 : has_children(k, slot, true)))
		return;
	tt_lock(k);
	ok = !enable || tt_nodes_left(k->w, TT_WORKERS * TT_SLOTS);
	tt_unlock(k);
	if (!ok)
		return;
	tt_must(k, enable ? "enable dmem in" : "disable dmem in", s->path,
		write_control(s->path, enable ? "+dmem" : "-dmem"));
	s->enabled = enable;
	tt_lock(k);
	for (i = 1; i < TT_SLOTS; i++) {
		struct tt_slot *c = slot_of(k, i);

		if (!c->exists || c->parent != slot)
			continue;
		if (enable)
			tt_add_node(k->w, c, s, 0);
		else
			tt_remove_node(k->w, c);
	}
	tt_unlock(k);
	tt_remark(k, "%s", strstr(s->path, "slice"));
}

static void write_limit(struct tt_worker *k, const char *path, const char *file, int region,
			int value)
{
	tt_must(k, file, path, dmem_set(path, file, k->w->region[region].name,
					value == RM_UNLIMITED ? DMEM_MAX :
					value * k->w->t->page));
	tt_remark(k, "%d in %s, of %s", value, strstr(path, "slice"), k->w->region[region].name);
}

/*
 * A driver's request that a reservation refuses is served without a charge from other
 * memory, which no file shows.
 */
static bool may_reserve(const struct tt_worker *k, const struct tt_op *op, int region)
{
	return (op->kind != TT_MIN && op->kind != TT_SLICE_MIN) ||
	       !tt_has_fallback(k->w, region);
}

static void do_limit(struct tt_worker *k, const struct tt_op *op)
{
	struct tt_slot *s = slot_of(k, op->a % TT_SLOTS);
	int region = op->a / 16 % k->w->regions, value = op->b % 64;
	struct tt_region *r = &k->w->region[region];
	int node = s->node[region];

	if (!s->exists || node == RM_NONE || !may_reserve(k, op, region))
		return;
	if (op->kind == TT_MAX && op->b / 64 % 2)
		value = RM_UNLIMITED;
	write_limit(k, s->path, op->kind == TT_MIN ? "dmem.min" : op->kind == TT_LOW ?
		    "dmem.low" : "dmem.max", region, value);
	tt_lock(k);
	if (op->kind == TT_MIN)
		rm_set_min(&r->m, node, value);
	else if (op->kind == TT_MAX)
		rm_set_max(&r->m, node, value);
	else
		r->x[node].low = value;
	tt_unlock(k);
}

/* Slices: other workers charge them at the same time. */
static void do_slice(struct tt_worker *k, const struct tt_op *op)
{
	int region = op->a % k->w->regions, value = op->b % TT_SLICE_LIMIT;
	struct tt_region *r = &k->w->region[region];
	int slice = k->number, node;

	if (slice >= TT_SLICES || !may_reserve(k, op, region))
		return;
	node = r->slice[slice];
	if (op->kind == TT_SLICE_MAX) {
		tt_lock(k);
		tt_raise_now(k->w, region, slice, value);
		if (r->x[node].bound < value)
			r->x[node].bound = value;
		tt_unlock(k);
	}
	write_limit(k, k->w->slice[slice], op->kind == TT_SLICE_MIN ? "dmem.min" : "dmem.max",
		    region, value);
	tt_lock(k);
	if (op->kind == TT_SLICE_MIN)
		rm_set_min(&r->m, node, value);
	else
		rm_set_max(&r->m, node, value);
	tt_unlock(k);
}

static void do_op(struct tt_worker *k, const struct tt_op *op)
{
	switch ((enum tt_kind)op->kind) {
	case TT_ALLOC:
	case TT_ALLOC_CHILD:
	case TT_ALLOC_COMMON:
	case TT_ALLOC_DMA:
		do_alloc(k, op);
		break;
	case TT_CLOSE:
	case TT_KILL:
		do_close(k, op);
		break;
	case TT_DUP:
	case TT_MAP:
		do_dup(k, op);
		break;
	case TT_SEND:
		do_send(k, op);
		break;
	case TT_RECEIVE:
		do_receive(k);
		break;
	case TT_FORK:
		do_fork(k, op);
		break;
	case TT_MOVE:
		do_move(k, op);
		break;
	case TT_CREATE:
		do_create(k, op);
		break;
	case TT_REMOVE:
		do_remove(k, op);
		break;
	case TT_ENABLE:
	case TT_DISABLE:
		do_enable(k, op, op->kind == TT_ENABLE);
		break;
	case TT_MIN:
	case TT_LOW:
	case TT_MAX:
		do_limit(k, op);
		break;
	case TT_SLICE_MIN:
	case TT_SLICE_MAX:
		do_slice(k, op);
		break;
	case TT_CAMERA:
	case TT_QUEUE:
	case TT_DUMB:
	case TT_EXPORT:
	case TT_IMPORT:
		tt_do_device(k, op);
		break;
	case TT_KINDS:
		break;
	}
}

/* Nothing is left, neither here nor under way to here. */
static void finish(struct tt_worker *k)
{
	int i;

	for (i = 0; i < TT_HANDLES; i++) {
		if (k->handle[i].type != FREE)
			drop(k, &k->handle[i]);
	}
	while (k->w->inbox[k->number].n) {
		do_receive(k);
		drop(k, &k->handle[0]);
	}
	tt_close_devices(k);
}

static void wait_for(struct tt_world *w, struct tt_pace *pace, int round)
{
	while (pace->go <= round && !w->failed)
		sleep_ms(1);
}

/*
 * Runs until its operations are done, or anything is wrong. Rounds in which it has
 * nothing to do count as well; the one after the last is to let all go.
 */
void tt_work(struct tt_world *w, struct tt_pace *pace, int worker, const struct tt_op *ops,
	     int n, struct tt_note *notes)
{
	int rounds = n ? ops[n - 1].round + 1 : 0, round, i = 0;
	struct tt_worker k = { .w = w, .number = worker };

	tt_open_devices(&k);
	k.note_size = sizeof(notes->text);
	for (round = 0; round < rounds; round++) {
		wait_for(w, pace, round);
		for (; i < n && ops[i].round == round && !w->failed; i++) {
			if (ops[i].worker != worker)
				continue;
			k.note = notes[i].text;
			k.note[0] = '\0';
			do_op(&k, &ops[i]);
			/* An operation without meaning in this state was not done. */
			w->did[ops[i].kind] += !!k.note[0];
		}
		pace->arrived++;
	}
	wait_for(w, pace, rounds);
	k.note_size = 0;
	finish(&k);
	pace->arrived++;
}
