// SPDX-License-Identifier: GPL-2.0-or-later
/* set --propagate: raises dmem.min of the cgroups above one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "propagate.h"

/* How often the sums are calculated while other programs change them. */
#define MAX_PASSES	8

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What find_all() has found for one cgroup above. */
struct level {
	const char *cgroup;
	uint64_t *now;		/* its own reservation, for each item */
	uint64_t *sum;		/* of the requests of its children, for each item */
};

/* How add_children() counts a reservation that another user may write. */
enum foreign { REFUSED, LEFT_OUT };

static bool is_reservation(const struct change_item *it)
{
	return it->kind == DMEM_MIN && !region_is_unreserved(it->region);
}

static int failed(struct ctl *c, const char *cgroup, const char *region, enum dmem_status s)
{
	cli_error(&c->cli, "/%s: %s: %s", cgroup, region, dmem_status_text(s));
	return s == DMEM_NO_MEMORY ? -ENOMEM : -EIO;
}

/* Reads a figure of a cgroup; without a line, and without a file, it is the one that is in force. */
static enum dmem_status value_of(const struct change *ch, const char *cgroup, enum dmem_kind kind,
				 const char *region, uint64_t *v)
{
	enum dmem_status s = dmem_cgroup_get(ch->root, cgroup, kind == DMEM_MAX ? "dmem.max" : "dmem.min",
					     region, v);

	if (s != DMEM_NO_REGION && s != DMEM_NO_CGROUP)
		return s;
	*v = kind == DMEM_MAX ? DMEM_NO_LIMIT : 0;
	return DMEM_OK;
}

/* The part of a reservation that the kernel counts, which has whole pages. */
static uint64_t requested(const struct change_item *it, uint64_t min, uint64_t max)
{
	uint64_t r = least(least(min, max), it->capacity == DMEM_UNKNOWN ? DMEM_NO_LIMIT : it->capacity);

	return r == DMEM_NO_LIMIT ? r : r - r % (uint64_t)sysconf(_SC_PAGESIZE);
}

/* dmem.max of the cgroup that @ch changes. */
static enum dmem_status own_max(const struct change *ch, const char *cgroup, const char *region,
				uint64_t *max)
{
	for (size_t i = 0; i < ch->n; i++) {
		if (ch->item[i].kind != DMEM_MAX || strcmp(ch->item[i].region, region))
			continue;
		*max = ch->item[i].value;
		return DMEM_OK;
	}
	return value_of(ch, cgroup, DMEM_MAX, region, max);
}

/* The kernel gives the files of a cgroup to the user who makes it. */
static bool others_may_write(const struct stat *st)
{
	return (st->st_uid && st->st_uid != geteuid()) || st->st_mode & (S_IWGRP | S_IWOTH);
}

/* Reads a reservation that is added up, and finds out whether it is @foreign: whoever can make one here
 * would raise those of the cgroups above. One descriptor for both, see dmem_cgroup_get_owned(). */
static int read_min(struct ctl *c, const struct change *ch, const char *cgroup, const char *region,
		    uint64_t *min, bool *foreign)
{
	struct stat st = { 0 };
	enum dmem_status s = dmem_cgroup_get_owned(ch->root, cgroup, "dmem.min", region, min, &st);

	*foreign = false;
	if (s == DMEM_NO_REGION || s == DMEM_NO_CGROUP) {
		*min = 0;
		return 0;
	}
	if (s != DMEM_OK)
		return failed(c, cgroup, region, s);
	*foreign = *min && others_may_write(&st);
	return 0;
}

static int refuse(struct ctl *c, const char *cgroup, const char *region)
{
	cli_error(&c->cli, "/%s: another user may write its reservation of %s, which --propagate would add "
		  "up: set the reservations of the cgroups above instead", cgroup, region);
	return -EPERM;
}

/* Adds the request of one cgroup to a sum. */
static int add_request(struct ctl *c, const struct change *ch, const char *cgroup,
		       const struct change_item *it, enum foreign how, uint64_t *sum)
{
	uint64_t min, max;
	enum dmem_status s;
	bool foreign;
	int ret = read_min(c, ch, cgroup, it->region, &min, &foreign);

	if (ret || (foreign && how == LEFT_OUT))
		return ret;
	if (foreign)
		return refuse(c, cgroup, it->region);
	s = value_of(ch, cgroup, DMEM_MAX, it->region, &max);
	if (s != DMEM_OK)
		return failed(c, cgroup, it->region, s);
	min = requested(it, min, max);
	*sum = *sum + min < *sum ? DMEM_NO_LIMIT : *sum + min;
	return 0;
}

/* Adds the requests of the children of @above, except @child, to @sum. */
static int add_children(struct ctl *c, const struct change *ch, const char *above, const char *child,
			const struct change_item *it, enum foreign how, uint64_t *sum)
{
	const char *dir = dmem_printf(ch->arena, "sys/fs/cgroup/%s", above), **names;
	size_t n;
	int ret = dir ? dmem_sys_list(&ch->sys, dir, ch->arena, &names, &n) : -ENOMEM;

	if (ret) {
		if (ret != -ENOMEM)
			cli_error(&c->cli, "/%s: cannot list the cgroups in it: %s", above, strerror(-ret));
		return ret;
	}
	for (size_t i = 0; i < n; i++) {
		const char *path = dmem_printf(ch->arena, "%s%s%s", above, *above ? "/" : "", names[i]);

		if (!path)
			return -ENOMEM;
		if (child && !strcmp(path, child))
			continue;
		/* The files of the directory are no cgroups, and have no such files. */
		ret = add_request(c, ch, path, it, how, sum);
		if (ret)
			return ret;
	}
	return 0;
}

static size_t depth_of(const char *cgroup)
{
	size_t n = 0;

	for (const char *p = cgroup; (p = strchr(p, '/')); p++)
		n++;
	return n;
}

/* Finds the sum for one reservation in @up: that of @child counts @below bytes, which becomes that of
 * @up. */
static int find_one(struct ctl *c, const struct change *ch, const struct level *up, const char *child,
		    size_t i, uint64_t *below)
{
	const struct change_item *it = &ch->item[i];
	enum dmem_status s;
	uint64_t max;
	bool foreign;
	int ret = read_min(c, ch, up->cgroup, it->region, &up->now[i], &foreign);

	if (ret)
		return ret;
	if (foreign)
		return refuse(c, up->cgroup, it->region);
	s = value_of(ch, up->cgroup, DMEM_MAX, it->region, &max);
	if (s != DMEM_OK)
		return failed(c, up->cgroup, it->region, s);
	up->sum[i] = *below;
	ret = add_children(c, ch, up->cgroup, child, it, REFUSED, &up->sum[i]);
	*below = requested(it, up->sum[i] > up->now[i] ? up->sum[i] : up->now[i], max);
	return ret;
}

/* Finds the names of the cgroups above. */
static int find_levels(const struct change *ch, const char *cgroup, struct level *up, size_t n)
{
	const char *child = cgroup;

	while (n--) {
		up[n].cgroup = dmem_strndup(ch->arena, child, (size_t)(strrchr(child, '/') - child));
		up[n].now = dmem_alloc(ch->arena, (ch->n + 1) * sizeof(*up[n].now));
		up[n].sum = dmem_alloc(ch->arena, (ch->n + 1) * sizeof(*up[n].sum));
		if (!up[n].cgroup || !up[n].now || !up[n].sum)
			return -ENOMEM;
		child = up[n].cgroup;
	}
	return 0;
}

/* Finds the sums, from the lowest cgroup up: @up[0] is the one next to the root. @total: of the cgroups
 * below the root, for each item. */
static int find_all(struct ctl *c, const struct change *ch, const char *cgroup, struct level *up, size_t n,
		    uint64_t *total)
{
	const char *child = cgroup;
	int ret = 0;

	for (size_t i = 0; i < ch->n && !ret; i++) {
		const struct change_item *it = &ch->item[i];
		uint64_t max;
		enum dmem_status s = own_max(ch, cgroup, it->region, &max);

		if (s != DMEM_OK)
			ret = failed(c, cgroup, it->region, s);
		else
			total[i] = requested(it, it->value, max);
	}
	while (n-- && !ret) {
		for (size_t i = 0; i < ch->n && !ret; i++) {
			if (is_reservation(&ch->item[i]))
				ret = find_one(c, ch, &up[n], child, i, &total[i]);
		}
		child = up[n].cgroup;
	}
	for (size_t i = 0; i < ch->n && !ret; i++) {
		if (is_reservation(&ch->item[i]))
			ret = add_children(c, ch, "", child, &ch->item[i], REFUSED, &total[i]);
	}
	return ret;
}

/* ---- warnings ---- */

/* Warns if a cgroup reserves less than the cgroups below it, even with the sum. */
static int warn_level(struct ctl *c, const struct change *ch, const struct level *up, size_t i)
{
	const struct change_item *it = &ch->item[i];
	char max_text[CLI_SIZE], min_text[CLI_SIZE];
	enum dmem_status s;
	uint64_t max;

	s = value_of(ch, up->cgroup, DMEM_MAX, it->region, &max);
	if (s != DMEM_OK)
		return failed(c, up->cgroup, it->region, s);
	cli_size(min_text, up->sum[i], false);
	if (max < up->sum[i])
		cli_error(&c->cli, "warning: /%s: the reservations below add up to %s of %s but its "
			  "limit (dmem.max) is only %s: raise the limit", up->cgroup, min_text, it->region,
			  cli_size(max_text, max, false));
	else if (requested(it, up->sum[i], max) < up->sum[i])
		cli_error(&c->cli, "warning: /%s: the reservations below add up to %s of %s but the "
			  "region has only %s: lower some of them", up->cgroup, min_text, it->region,
			  cli_size(max_text, it->capacity, false));
	return 0;
}

/* Warns if all cgroups reserve more than the region has: the kernel then lowers all of them. */
static void warn_total(struct ctl *c, const struct change_item *it, uint64_t total)
{
	char sum[CLI_SIZE], capacity[CLI_SIZE];

	if (it->capacity != DMEM_UNKNOWN && total > it->capacity)
		cli_error(&c->cli, "warning: the reservations of all cgroups add up to %s of %s but the "
			  "region has only %s, so each is a part of what it should be: lower some of "
			  "them", cli_size(sum, total, false), it->region,
			  cli_size(capacity, it->capacity, false));
}

/* In a namespace, the root of the tree is a cgroup with files of its own. */
static void warn_hidden(struct ctl *c, const struct change *ch, const struct change_item *it)
{
	if (!faccessat(ch->root, "dmem.min", F_OK, 0))
		cli_error(&c->cli, "warning: %s: the cgroups above this container cannot be seen: let "
			  "them reserve as much", it->region);
}

static int warn(struct ctl *c, const struct change *ch, const struct level *up, size_t n,
		const uint64_t *total)
{
	int ret = 0;

	for (size_t i = 0; i < ch->n && !ret; i++) {
		if (!is_reservation(&ch->item[i]))
			continue;
		for (size_t k = 0; k < n && !ret; k++)
			ret = warn_level(c, ch, &up[k], i);
		warn_total(c, &ch->item[i], total[i]);
		warn_hidden(c, ch, &ch->item[i]);
	}
	return ret;
}

/* ---- changes ---- */

static int check_one(struct ctl *c, const struct change *ch, struct raised *r)
{
	struct change one = {
		.arena = ch->arena, .root = ch->root, .sys = ch->sys, .dry = true, .item = &r->item, .n = 1,
	};

	return change_check(c, &one, r->cgroup);
}

/*
 * Writes a value, unless there is one as large by now. Sets *@again in both cases. Not change_apply(),
 * which restores the old value after a failure: another program may have written its own.
 */
static int write_one(struct ctl *c, const struct change *ch, struct raised *r, bool *again)
{
	struct change_item *it = &r->item;
	enum dmem_status s = dmem_cgroup_enable(ch->root, r->cgroup);
	uint64_t now;

	/* The last step before the write: a larger value that comes in between would be lost. */
	if (s == DMEM_OK)
		s = value_of(ch, r->cgroup, DMEM_MIN, it->region, &it->old);
	if (s != DMEM_OK)
		return failed(c, r->cgroup, it->region, s);
	*again = true;
	if (it->old >= it->value)
		return 0;
	/* Set before the write: a write that failed may still have changed the limit. */
	it->done = true;
	s = dmem_cgroup_set(ch->root, r->cgroup, DMEM_MIN, it->region, it->value);
	if (s == DMEM_NO_EFFECT && value_of(ch, r->cgroup, DMEM_MIN, it->region, &now) == DMEM_OK &&
	    now >= it->value)
		return 0;
	return s == DMEM_OK ? 0 : failed(c, r->cgroup, it->region, s);
}

/* Keeps a change that is being made, so that it can be undone. */
static struct raised *keep(struct propagate *p, const struct change *ch, const char *cgroup,
			   const struct change_item *it, uint64_t value)
{
	struct raised *more = dmem_grow(ch->arena, p->up, p->n, sizeof(*more));
	const char *text = dmem_printf(ch->arena, "%s=%llu", it->region, (unsigned long long)value);

	if (!more || !text)
		return NULL;
	p->up = more;
	more[p->n] = (struct raised){ .cgroup = cgroup, .item = *it };
	more[p->n].item.text = text;
	more[p->n].item.value = value;
	more[p->n].item.done = false;
	return &more[p->n++];
}

/* Raises one reservation, unless it is as large by now. Sets *@again if the sums must be compared again:
 * it was raised, or is not the one that they contain. */
static int raise_one(struct ctl *c, const struct change *ch, const struct level *up, size_t i,
		     struct propagate *p, bool *again)
{
	const struct change_item *it = &ch->item[i];
	struct raised *r;
	uint64_t now, below = 0;
	enum dmem_status s = value_of(ch, up->cgroup, DMEM_MIN, it->region, &now);
	int ret;

	if (s != DMEM_OK)
		return failed(c, up->cgroup, it->region, s);
	if (now >= up->sum[i]) {
		*again = *again || up->now[i] < up->sum[i];
		return 0;
	}
	ret = add_children(c, ch, up->cgroup, NULL, it, REFUSED, &below);
	if (ret)
		return ret;
	r = keep(p, ch, up->cgroup, it, up->sum[i]);
	if (!r)
		return -ENOMEM;
	r->item.old = now;
	r->below = below;
	ret = ch->dry ? check_one(c, ch, r) : write_one(c, ch, r, again);
	/* Nothing was written. */
	if (!ch->dry && !r->item.done)
		p->n--;
	return ret;
}

/* True if another user may make cgroups in this one, write its reservation, disable the controller in it,
 * or move processes to it. */
static bool has_foreign_files(const struct change *ch, const char *cgroup, const struct stat *dir)
{
	static const char * const files[] = { "cgroup.procs", "cgroup.subtree_control", "dmem.min" };

	if (others_may_write(dir))
		return true;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		const char *path = dmem_printf(ch->arena, "%s/%s", cgroup, files[i]);
		struct stat st;

		/* Out of memory, it counts as delegated. A file that is missing is nobody's. */
		if (!path || (!fstatat(ch->root, path, &st, AT_SYMLINK_NOFOLLOW) && others_may_write(&st)))
			return true;
	}
	return false;
}

/*
 * In a delegated subtree, its user writes the reservations of the siblings. They have no effect beyond
 * those of the unit, and must not become reservations of the system.
 */
static int check_delegated(struct ctl *c, const struct change *ch, const struct level *up, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = strrchr(up[i].cgroup, '/');
		int type = dmem_unit_type(name ? name + 1 : up[i].cgroup);
		struct stat st;

		if (fstatat(ch->root, up[i].cgroup, &st, AT_SYMLINK_NOFOLLOW))
			return failed(c, up[i].cgroup, "dmem.min", DMEM_NO_CGROUP);
		/* A user in a tree of their own, below cgroups of root. */
		if (!st.st_uid && geteuid())
			return failed(c, up[i].cgroup, "dmem.min", DMEM_PERMISSION);
		if (type != DMEM_SERVICE && type != DMEM_SCOPE && !has_foreign_files(ch, up[i].cgroup, &st))
			continue;
		cli_error(&c->cli, "/%s: it is delegated, and its user may write the reservations that "
			  "--propagate would add up: set the reservation of this cgroup instead",
			  up[i].cgroup);
		return -EPERM;
	}
	return 0;
}

static int raise_all(struct ctl *c, const struct change *ch, const struct level *up, size_t n,
		     struct propagate *p, bool *again)
{
	int ret = 0;

	/* From the top: at no moment has a cgroup less than the sum below it that held before. */
	for (size_t k = 0; k < n && !ret; k++) {
		for (size_t i = 0; i < ch->n && !ret; i++) {
			if (is_reservation(&ch->item[i]))
				ret = raise_one(c, ch, &up[k], i, p, again);
		}
	}
	return ret;
}

/*
 * Lets no other run of this command, nor its undo, work in the part of the tree below the cgroup next
 * to the root: a run that found a value large enough must not lose it to the undo of the run that
 * raised it. A unit that has moved to another part meanwhile has another lock. Only one is held at a
 * time, so that two runs never wait for each other.
 */
static int lock(struct ctl *c, const struct change *ch, const char *cgroup, struct propagate *p)
{
	const char *top = dmem_strndup(ch->arena, cgroup, strcspn(cgroup, "/"));
	int fd;

	if (!top)
		return -ENOMEM;
	if (p->locked && !strcmp(p->locked, top))
		return 0;
	propagate_unlock(p);
	fd = dmem_cgroup_lock(ch->root, top);
	/* Without the file, this is a copy of a machine, or the next step finds no cgroup. */
	if (fd == -ENOENT)
		return 0;
	if (fd < 0) {
		cli_error(&c->cli, "/%s/cgroup.kill: %s: --propagate locks this file: run it as its owner",
			  top, strerror(-fd));
		return fd;
	}
	p->lock = fd;
	p->locked = top;
	return 0;
}

void propagate_unlock(struct propagate *p)
{
	if (p->locked)
		close(p->lock);
	p->locked = NULL;
}

/* Calculates the sums and raises once. */
static int one_pass(struct ctl *c, const struct change *ch, const char *cgroup, bool last,
		    struct propagate *p)
{
	size_t n = depth_of(cgroup);
	struct level *up = dmem_alloc(ch->arena, (n + 1) * sizeof(*up));
	uint64_t *total = dmem_alloc(ch->arena, (ch->n + 1) * sizeof(*total));
	bool again = false;
	int ret = up && total ? find_levels(ch, cgroup, up, n) : -ENOMEM;

	if (!ret)
		ret = check_delegated(c, ch, up, n);
	if (!ret && !ch->dry)
		ret = lock(c, ch, cgroup, p);
	if (!ret)
		ret = find_all(c, ch, cgroup, up, n, total);
	if (!ret)
		ret = raise_all(c, ch, up, n, p, &again);
	if (ret || (again && !ch->dry))
		return ret ? ret : -EAGAIN;
	return last ? warn(c, ch, up, n, total) : 0;
}

/*
 * The kernel has no way to raise a value only if it is smaller. A program that writes a larger one
 * between our read and our write has relied on it for the reservations below: the sums are compared
 * again after each write, until nothing is left to raise.
 */
int propagate_raise(struct ctl *c, const struct change *ch, const char *cgroup, bool last,
		    struct propagate *p)
{
	int ret = -EAGAIN;

	for (unsigned int i = 0; i < MAX_PASSES && ret == -EAGAIN; i++)
		ret = one_pass(c, ch, cgroup, last, p);
	if (ret == -EAGAIN)
		cli_error(&c->cli, "/%s: other programs change the reservations at the same time: try again",
			  cgroup);
	return ret;
}

/* The value to go back to: the one from before; or the sum of the requests below, if another program has
 * raised that meanwhile and so relies on the raised value. Requests of other users do not count: they
 * would keep a reservation of the system by a write at the right moment. */
static int find_back(struct ctl *c, const struct change *ch, const struct raised *r, uint64_t *back)
{
	uint64_t below = 0;
	int ret = add_children(c, ch, r->cgroup, NULL, &r->item, LEFT_OUT, &below);

	*back = below > r->below && below > r->item.old ? below : r->item.old;
	*back = least(*back, r->item.value);
	return ret;
}

/* DMEM_NO_EFFECT: another program has written its own value, which stays. */
static int put_back(struct ctl *c, const struct change *ch, const struct raised *r, uint64_t value)
{
	enum dmem_status s = dmem_cgroup_set(ch->root, r->cgroup, DMEM_MIN, r->item.region, value);

	if (s == DMEM_OK || s == DMEM_NO_EFFECT || s == DMEM_NO_CGROUP)
		return 0;
	return failed(c, r->cgroup, r->item.region, s);
}

/*
 * Another program may find the raised value large enough, and set a reservation below it after these
 * were added up. So they are added up again after each write, until the value is right.
 */
static int undo_one(struct ctl *c, const struct change *ch, const struct raised *r)
{
	const struct change_item *it = &r->item;
	uint64_t set = it->value, back;

	for (unsigned int i = 0; i < MAX_PASSES; i++) {
		int ret = find_back(c, ch, r, &back);
		enum dmem_status s;

		if (ret)
			return ret;
		/* The last step before the write, as in write_one(). */
		s = dmem_cgroup_is(ch->root, r->cgroup, DMEM_MIN, it->region, set);
		if (s == DMEM_NO_CGROUP)
			return 0;
		if (s != DMEM_OK) {
			/* The write may have failed without an effect. */
			if (dmem_cgroup_is(ch->root, r->cgroup, DMEM_MIN, it->region, it->old) != DMEM_OK)
				cli_error(&c->cli, "/%s: %s: another program has changed the reservation: "
					  "it stays", r->cgroup, it->region);
			return 0;
		}
		if (back == set)
			return 0;
		ret = put_back(c, ch, r, back);
		if (ret)
			return ret;
		set = back;
	}
	cli_error(&c->cli, "/%s: %s: other programs change the reservations below: it stays raised",
		  r->cgroup, it->region);
	return put_back(c, ch, r, it->value);
}

void propagate_undo(struct ctl *c, const struct change *ch, struct propagate *p)
{
	while (p->n) {
		const struct raised *r = &p->up[--p->n];

		/* False: a dry run. */
		if (!r->item.done)
			continue;
		/* A lock that fails is reported. Without it, undo_one() looks again as well. */
		(void)lock(c, ch, r->cgroup, p);
		if (undo_one(c, ch, r))
			cli_error(&c->cli, "/%s: %s: the old reservation cannot be restored", r->cgroup,
				  r->item.region);
	}
}

/* A size that dmemctl reads back as the same number. */
static const char *exact(char buf[CLI_SIZE], uint64_t v)
{
	static const char units[] = "KMG";
	int unit = -1;

	if (v == DMEM_NO_LIMIT)
		return strcpy(buf, "max");
	while (v && !(v % 1024) && unit < 2) {
		v /= 1024;
		unit++;
	}
	snprintf(buf, CLI_SIZE, "%llu%.*s", (unsigned long long)v, unit >= 0, unit >= 0 ? units + unit : "");
	return buf;
}

/* The name of the slice with this cgroup, for a shell, or NULL. */
static const char *slice_of(struct dmem_arena *a, const char *cgroup)
{
	const char *name = strrchr(cgroup, '/'), *path;
	char *other = NULL;

	name = name ? name + 1 : cgroup;
	if (dmem_unit_type(name) != DMEM_SLICE)
		return NULL;
	path = dmem_slice_path(a, name, &other);
	if (!path || (strcmp(path, cgroup) && !(other && !strcmp(other, cgroup))))
		return NULL;
	/* Names of units have no quotes. */
	return strchr(name, '\\') ? dmem_printf(a, "'%s'", name) : name;
}

static void say_one(struct dmem_arena *a, const struct raised *r, bool dry)
{
	const struct change_item *it = &r->item;
	const char *slice = slice_of(a, r->cgroup);
	char old[CLI_SIZE], value[CLI_SIZE];

	printf("/%s: reservation of %s %s from %s to %s", r->cgroup, it->region,
	       dry ? "would be raised" : "raised", exact(old, it->old), exact(value, it->value));
	/* Other cgroups have no drop-in. */
	if (slice)
		printf(" until the slice stops: to keep it, run dmemctl set %s --min=%s=%s", slice,
		       it->region, value);
	putchar('\n');
}

void propagate_say(const struct change *ch, const struct propagate *p)
{
	for (size_t i = 0; i < p->n; i++)
		say_one(ch->arena, &p->up[i], ch->dry);
}
