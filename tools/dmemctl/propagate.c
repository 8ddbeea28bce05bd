// SPDX-License-Identifier: GPL-2.0-or-later
/* set --propagate: raises dmem.min of the cgroups above one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "propagate.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A figure of a cgroup, or the value that is in force without a line. */
static uint64_t value_of(const struct change *ch, const char *cgroup, enum dmem_kind kind,
			 const char *region)
{
	uint64_t v;

	if (dmem_cgroup_get(ch->root, cgroup, kind == DMEM_MAX ? "dmem.max" : "dmem.min", region, &v) ==
	    DMEM_OK)
		return v;
	return kind == DMEM_MAX ? DMEM_NO_LIMIT : 0;
}

/* The part of a reservation that the kernel counts. */
static uint64_t requested(const struct change_item *it, uint64_t min, uint64_t max)
{
	return least(least(min, max), it->capacity == DMEM_UNKNOWN ? DMEM_NO_LIMIT : it->capacity);
}

/* dmem.max of the cgroup that @ch changes. */
static uint64_t own_max(const struct change *ch, const char *cgroup, const char *region)
{
	for (size_t i = 0; i < ch->n; i++) {
		if (ch->item[i].kind == DMEM_MAX && !strcmp(ch->item[i].region, region))
			return ch->item[i].value;
	}
	return value_of(ch, cgroup, DMEM_MAX, region);
}

/* Adds the requests of the children of @above except @child to @sum. */
static int add_siblings(const struct change *ch, const char *above, const char *child,
			const struct change_item *it, uint64_t *sum)
{
	const char *dir = dmem_printf(ch->arena, "sys/fs/cgroup/%s", above), **names;
	size_t n;
	int ret = dir ? dmem_sys_list(&ch->sys, dir, ch->arena, &names, &n) : -ENOMEM;

	for (size_t i = 0; !ret && i < n; i++) {
		const char *path = dmem_printf(ch->arena, "%s/%s", above, names[i]);
		uint64_t min;

		if (!path)
			return -ENOMEM;
		/* The files of the directory are no cgroups, and have no such file. */
		if (!strcmp(path, child) ||
		    dmem_cgroup_get(ch->root, path, "dmem.min", it->region, &min) != DMEM_OK)
			continue;
		min = requested(it, min, value_of(ch, path, DMEM_MAX, it->region));
		*sum = *sum + min < *sum ? DMEM_NO_LIMIT : *sum + min;
	}
	return ret;
}

/* Adds one value to the changes of a cgroup. */
static int want(const struct change *ch, struct change *up, const struct change_item *it,
		uint64_t old, uint64_t value)
{
	struct change_item *more = dmem_grow(ch->arena, up->item, up->n, sizeof(*more));
	const char *text = dmem_printf(ch->arena, "%s=%llu", it->region, (unsigned long long)value);

	if (!more || !text)
		return -ENOMEM;
	up->item = more;
	more[up->n++] = (struct change_item){
		.kind = DMEM_MIN, .region = it->region, .text = text, .value = value, .old = old,
		.capacity = it->capacity,
	};
	return 0;
}

/* Finds the value of the cgroup @up for one reservation below it: in @child, of @below bytes, which
 * becomes that of @up. */
static int find_one(const struct change *ch, struct change *up, const char *child,
		    const struct change_item *it, uint64_t *below)
{
	uint64_t now = value_of(ch, up->cgroup, DMEM_MIN, it->region), sum = *below;
	int ret = add_siblings(ch, up->cgroup, child, it, &sum);

	if (ret)
		return ret;
	if (sum > now)
		ret = want(ch, up, it, now, sum);
	*below = requested(it, sum > now ? sum : now, value_of(ch, up->cgroup, DMEM_MAX, it->region));
	return ret;
}

static size_t depth_of(const char *cgroup)
{
	size_t n = 0;

	for (const char *p = cgroup; (p = strchr(p, '/')); p++)
		n++;
	return n;
}

/* Finds all values, from the lowest cgroup up: @up[0] is the one next to the root. */
static int find_all(const struct change *ch, const char *cgroup, struct change *up, size_t n)
{
	const char *child = cgroup;
	uint64_t *below = dmem_alloc(ch->arena, (ch->n + 1) * sizeof(*below));
	int ret = below ? 0 : -ENOMEM;

	for (size_t i = 0; i < ch->n && !ret; i++)
		below[i] = requested(&ch->item[i], ch->item[i].value,
				     own_max(ch, cgroup, ch->item[i].region));
	while (n-- && !ret) {
		const char *slash = strrchr(child, '/');
		const char *above = dmem_strndup(ch->arena, child, (size_t)(slash - child));

		if (!above)
			return -ENOMEM;
		up[n] = (struct change){
			.arena = ch->arena, .root = ch->root, .sys = ch->sys, .cgroup = above,
			.dry = ch->dry,
		};
		for (size_t i = 0; i < ch->n && !ret; i++) {
			const struct change_item *it = &ch->item[i];

			if (it->kind == DMEM_MIN && !region_is_unreserved(it->region))
				ret = find_one(ch, &up[n], child, it, &below[i]);
		}
		child = above;
	}
	return ret;
}

static void warn_max(struct ctl *c, const struct change *up)
{
	char max_text[CLI_SIZE], min_text[CLI_SIZE];

	for (size_t i = 0; i < up->n; i++) {
		const struct change_item *it = &up->item[i];
		uint64_t max = value_of(up, up->cgroup, DMEM_MAX, it->region);

		if (it->value > max)
			cli_error(&c->cli, "warning: /%s: the reservations below add up to %s of %s "
				  "but its limit (dmem.max) is only %s: raise the limit", up->cgroup,
				  cli_size(min_text, it->value, false), it->region,
				  cli_size(max_text, max, false));
		else if (it->capacity != DMEM_UNKNOWN && it->value > it->capacity)
			cli_error(&c->cli, "warning: /%s: the reservations below add up to %s of %s "
				  "but the region has only %s: lower some of them", up->cgroup,
				  cli_size(min_text, it->value, false), it->region,
				  cli_size(max_text, it->capacity, false));
	}
}

/* Keeps a change that is being made, so that it can be undone. */
static int keep(const struct change *up, struct propagate *p)
{
	struct change *more = dmem_grow(up->arena, p->up, p->n, sizeof(*more));

	if (!more)
		return -ENOMEM;
	p->up = more;
	more[p->n++] = *up;
	return 0;
}

int propagate_raise(struct ctl *c, const struct change *ch, const char *cgroup, struct propagate *p)
{
	size_t n = depth_of(cgroup);
	struct change *up = dmem_alloc(ch->arena, (n + 1) * sizeof(*up));
	int ret = up ? find_all(ch, cgroup, up, n) : -ENOMEM;

	/* From the top: at no moment has a cgroup less than the sum below it that held before. */
	for (size_t i = 0; i < n && !ret; i++) {
		if (!up[i].n)
			continue;
		ret = keep(&up[i], p);
		if (ret)
			break;
		warn_max(c, &up[i]);
		ret = ch->dry ? change_check(c, &p->up[p->n - 1], up[i].cgroup) :
				change_apply(c, &p->up[p->n - 1], up[i].cgroup);
	}
	return ret;
}

void propagate_undo(struct ctl *c, struct propagate *p)
{
	while (p->n)
		change_undo(c, &p->up[--p->n]);
}

/* A size that dmemctl reads back as the same number. */
static const char *exact(char buf[CLI_SIZE], uint64_t v)
{
	static const char units[] = "KMG";
	int unit = -1;

	while (v && !(v % 1024) && unit < 2) {
		v /= 1024;
		unit++;
	}
	snprintf(buf, CLI_SIZE, "%llu%.*s", (unsigned long long)v, unit >= 0, unit >= 0 ? units + unit : "");
	return buf;
}

static void say_one(const struct change *up, const struct change_item *it)
{
	const char *name = strrchr(up->cgroup, '/');
	char old[CLI_SIZE], value[CLI_SIZE];

	name = name ? name + 1 : up->cgroup;
	printf("/%s: reservation of %s %s from %s to %s", up->cgroup, it->region,
	       up->dry ? "would be raised" : "raised", exact(old, it->old), exact(value, it->value));
	/* Other cgroups have no drop-in. */
	if (dmem_unit_type(name) == DMEM_SLICE)
		printf(" until the slice stops: to keep it, run dmemctl set %s --min=%s=%s", name,
		       it->region, value);
	putchar('\n');
}

void propagate_say(const struct propagate *p)
{
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < p->up[i].n; k++)
			say_one(&p->up[i], &p->up[i].item[k]);
	}
}
