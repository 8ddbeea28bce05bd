// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes the limits of one running cgroup: all of them, or none. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "units/word.h"
#include "change.h"

#define CGROUP	"/sys/fs/cgroup"
#define HEAPS	"sys/class/dma_heap"

/* The value in force if the file has no line for the region. */
static uint64_t unset(enum dmem_kind kind)
{
	return kind == DMEM_MAX ? DMEM_NO_LIMIT : 0;
}

static int failed(struct ctl *c, const char *where, const char *what, enum dmem_status s)
{
	cli_error(&c->cli, "%s%s%s: %s", where, *what ? ": " : "", what, dmem_status_text(s));
	return s == DMEM_NO_MEMORY ? -ENOMEM : -EIO;
}

static int open_failed(struct ctl *c, int err)
{
	const char *sysroot = c->sysroot ? c->sysroot : "";

	if (err == -ENOENT || err == -ENOTDIR)
		cli_error(&c->cli, "%s" CGROUP ": %s", sysroot, dmem_status_text(DMEM_NO_CGROUP2));
	else if (err == -ELOOP || err == -EXDEV)
		cli_error(&c->cli, "%s" CGROUP ": reached through a link, perhaps to the tree of "
			  "another machine: replace the link by a directory",
			  sysroot);
	else
		cli_error(&c->cli, "%s" CGROUP ": %s", sysroot, strerror(-err));
	return err;
}

int change_open(struct ctl *c, struct dmem_arena *a, struct change *ch)
{
	enum dmem_status s;
	int fd, ret;

	*ch = (struct change){ .arena = a, .root = -1 };
	ret = dmem_sys_open(&ch->sys, c->sysroot);
	if (ret) {
		cli_error(&c->cli, "%s: %s", c->sysroot ? c->sysroot : "/", strerror(-ret));
		return ret;
	}
	fd = dmem_sys_cgroup(&ch->sys);
	if (fd < 0)
		return open_failed(c, fd);
	s = dmem_cgroup_check(fd, c->sysroot);
	if (s != DMEM_OK) {
		close(fd);
		return open_failed(c, -ENOENT);
	}
	ch->root = fd;
	return 0;
}

void change_close(struct change *ch)
{
	if (ch->root >= 0)
		close(ch->root);
	ch->root = -1;
	dmem_sys_close(&ch->sys);
}

static struct change_item *find(struct change *ch, enum dmem_kind kind, const char *region)
{
	for (size_t i = 0; i < ch->n; i++) {
		if (ch->item[i].kind == kind && !strcmp(ch->item[i].region, region))
			return &ch->item[i];
	}
	return NULL;
}

enum dmem_status change_find(struct change *ch, const struct dmem_limit *l,
			     struct change_item *it)
{
	uint64_t capacity = 0;
	enum dmem_status s;

	*it = (struct change_item){ .kind = l->kind, .text = l->text };
	s = dmem_limit_find(ch->arena, ch->root, &ch->sys, HEAPS, l, &it->region, &capacity);
	/* The root has no dmem.capacity until the controller is enabled in some cgroup. */
	if (s == DMEM_NO_CGROUP && !ch->dry) {
		s = dmem_cgroup_use(ch->root);
		if (s == DMEM_OK)
			s = dmem_limit_find(ch->arena, ch->root, &ch->sys, HEAPS, l, &it->region,
					    &capacity);
	}
	it->value = dmem_resolve_value(&l->value, capacity);
	it->capacity = capacity;
	return s;
}

/* Reports an unknown region, and proposes a similar name if there is one. */
static int no_region(struct ctl *c, struct change *ch, const struct dmem_limit *l)
{
	struct dmem_words all = { .sys = &ch->sys, .arena = ch->arena, .kinds = DMEM_WORD_REGION };
	struct dmem_word w;
	int ret = dmem_word_find(&all, l->region, &w);
	enum dmem_status status = dmem_regions_status(&ch->sys, &all.own_regions);

	dmem_words_free(&all);
	if (status == DMEM_NO_REGIONS)
		cli_error(&c->cli, "%s", dmem_status_text(status));
	else if (ret && w.problem)
		cli_error(&c->cli, "%s", w.problem);
	else if (strchr(l->region, '#'))
		/* The other verbs number regions of the same name like this. */
		cli_error(&c->cli,
			  "%s: the kernel limits only the first of several regions of one name",
			  l->text);
	else
		cli_error(&c->cli, "%s: %s", l->text,
			  dmem_region_status_text(ch->root, l->region, DMEM_NO_REGION));
	return -EIO;
}

int change_add(struct ctl *c, struct change *ch, const struct dmem_limit *l)
{
	struct change_item found, *it;
	enum dmem_status s = change_find(ch, l, &found);

	if (s == DMEM_NO_CGROUP) {
		if (ch->dry) {
			static const struct dmem_regions none;

			return failed(c, l->text, "", dmem_regions_status(&ch->sys, &none));
		}
		cli_error(&c->cli, "%s: neither dmem.capacity nor dmem.current exists in " CGROUP
			  ": see dmemctl doctor", l->text);
		return -EIO;
	}
	if (s == DMEM_NO_REGION || s == DMEM_NO_HEAP_REGION)
		return no_region(c, ch, l);
	if (s != DMEM_OK)
		return failed(c, l->text, "", s);
	it = find(ch, found.kind, found.region);
	if (!it) {
		it = dmem_grow(ch->arena, ch->item, ch->n, sizeof(*it));
		if (!it)
			return -ENOMEM;
		ch->item = it;
		it += ch->n++;
	}
	*it = found;
	return 0;
}

static const char *file_of(struct change *ch, const struct change_item *it)
{
	return dmem_printf(ch->arena, "dmem.%s", dmem_kind_names[it->kind]);
}

static enum dmem_status get(struct change *ch, struct change_item *it)
{
	const char *file = file_of(ch, it);
	enum dmem_status s;

	if (!file)
		return DMEM_NO_MEMORY;
	s = dmem_cgroup_get(ch->root, ch->cgroup, file, it->region, &it->old);
	if (s != DMEM_NO_REGION)
		return s;
	it->old = unset(it->kind);
	return DMEM_OK;
}

void change_undo(struct ctl *c, struct change *ch)
{
	for (size_t i = ch->n; i-- > 0;) {
		struct change_item *it = &ch->item[i];
		enum dmem_status s;

		if (!it->done || it->step < ch->first)
			continue;
		it->done = false;
		s = dmem_cgroup_set(ch->root, ch->cgroup, it->kind, it->region, it->old);
		/* DMEM_BELOW_USAGE: the old limit is in force, although more is charged by now. */
		if (s != DMEM_OK && s != DMEM_BELOW_USAGE)
			cli_error(&c->cli, "%s: %s: the old limit cannot be restored: %s",
				  ch->cgroup, it->region,
				  dmem_status_text(s));
	}
}

static enum dmem_status apply_one(struct change *ch, struct change_item *it)
{
	/* Only the first value read is the old one: a second call would read our own. */
	enum dmem_status s = it->done ? DMEM_OK : get(ch, it);

	if (s != DMEM_OK)
		return s;
	/* Set before the write: a write that failed may still have changed the limit. */
	it->done = true;
	return dmem_cgroup_set(ch->root, ch->cgroup, it->kind, it->region, it->value);
}

/* Reports why one limit was not set. */
static int item_failed(struct ctl *c, struct change *ch, const struct change_item *it,
		       enum dmem_status s)
{
	char used_text[CLI_SIZE], value_text[CLI_SIZE];
	uint64_t used;

	if (s != DMEM_BELOW_USAGE ||
	    dmem_cgroup_get(ch->root, ch->cgroup, "dmem.current", it->region, &used) != DMEM_OK)
		return failed(c, ch->cgroup, it->text, s);
	cli_error(&c->cli, "%s: %s: more than the limit is in use: %s is charged, the limit would "
		  "be %s: end the processes that hold the memory, or set at least %llu",
		  ch->cgroup, it->text, cli_size(used_text, used, false),
		  cli_size(value_text, it->value, false), (unsigned long long)used);
	return -EIO;
}

/* Checks the cgroup first: without it, nothing else may be read or changed. */
static int begin(struct ctl *c, struct change *ch, const char *cgroup)
{
	enum dmem_status s;
	uint64_t none;

	ch->cgroup = cgroup;
	if (!*cgroup) {
		cli_error(&c->cli,
			  CGROUP ": the root cgroup cannot have limits: name a cgroup below it");
		return -EINVAL;
	}
	/* Every cgroup has this file, and the file never has a line "?". */
	s = dmem_cgroup_get(ch->root, cgroup, "cgroup.procs", "?", &none);
	if (s == DMEM_NO_REGION)
		return 0;
	if (s != DMEM_NO_CGROUP)
		return failed(c, cgroup, "", s);
	if (!ch->may_vanish)
		failed(c, cgroup, "", s);
	return -ENOENT;
}

static enum dmem_status check_one(struct change *ch, const struct change_item *it)
{
	const char *file = file_of(ch, it);
	const char *path = file ? dmem_printf(ch->arena, "%s/%s", ch->cgroup, file) : NULL;
	uint64_t used;

	if (!path)
		return DMEM_NO_MEMORY;
	if (faccessat(ch->root, path, W_OK, AT_EACCESS) && errno != ENOENT)
		return errno == EROFS ? DMEM_READ_ONLY : DMEM_PERMISSION;
	if (it->kind == DMEM_MAX && it->value != DMEM_NO_LIMIT &&
	    dmem_cgroup_get(ch->root, ch->cgroup, "dmem.current", it->region, &used) == DMEM_OK &&
	    used > it->value)
		return DMEM_BELOW_USAGE;
	return DMEM_OK;
}

int change_check(struct ctl *c, struct change *ch, const char *cgroup)
{
	int ret = begin(c, ch, cgroup);
	enum dmem_status s;

	if (ret)
		return ret;
	for (size_t i = 0; i < ch->n; i++) {
		s = check_one(ch, &ch->item[i]);
		if (s != DMEM_OK)
			return item_failed(c, ch, &ch->item[i], s);
	}
	return 0;
}

/* The cgroup was removed, and its limits with it. */
static int vanished(struct ctl *c, struct change *ch)
{
	for (size_t i = 0; i < ch->n; i++)
		ch->item[i].done = false;
	if (!ch->may_vanish)
		failed(c, ch->cgroup, "", DMEM_NO_CGROUP);
	return -ENOENT;
}

int change_apply(struct ctl *c, struct change *ch, const char *cgroup)
{
	int ret = begin(c, ch, cgroup);
	enum dmem_status s;

	if (ret)
		return ret;
	s = dmem_cgroup_enable(ch->root, cgroup);
	if (s == DMEM_NO_CGROUP)
		return vanished(c, ch);
	if (s != DMEM_OK)
		return failed(c, cgroup, "", s);
	for (size_t i = 0; i < ch->n; i++) {
		if (ch->item[i].step > ch->last)
			continue;
		s = apply_one(ch, &ch->item[i]);
		if (s == DMEM_OK)
			continue;
		if (s == DMEM_NO_CGROUP)
			return vanished(c, ch);
		item_failed(c, ch, &ch->item[i], s);
		change_undo(c, ch);
		return -EIO;
	}
	return 0;
}

int change_verify(struct change *ch, const struct change_item **other)
{
	for (size_t i = 0; i < ch->n; i++) {
		const struct change_item *it = &ch->item[i];
		enum dmem_status s;

		if (it->step > ch->last)
			continue;
		s = dmem_cgroup_is(ch->root, ch->cgroup, it->kind, it->region, it->value);
		*other = it;
		if (s == DMEM_NO_CGROUP)
			return -ENOENT;
		if (s != DMEM_OK)
			return s == DMEM_NO_MEMORY ? -ENOMEM : -EAGAIN;
	}
	return 0;
}
