// SPDX-License-Identifier: GPL-2.0-or-later
/* Warns of limits that can be set but have no effect, or not the intended one. */
#include <string.h>

#include "change.h"
#include "section.h"

/* Like cli_size(), but in bytes if both sizes would get the same text. */
static const char *size_beside(char buf[CLI_SIZE], uint64_t size, uint64_t other)
{
	char beside[CLI_SIZE];

	cli_size(buf, size, false);
	return cli_size(buf, size, !strcmp(buf, cli_size(beside, other, false)));
}

/* The dmem.max that will be in force for the region: from this change, the files, or the cgroup. */
static uint64_t max_of(struct change *ch, const char *cgroup, const struct section *files,
		       const char *region)
{
	uint64_t max = DMEM_NO_LIMIT;

	for (size_t i = 0; i < ch->n; i++) {
		if (ch->item[i].kind == DMEM_MAX && !strcmp(ch->item[i].region, region))
			return ch->item[i].value;
	}
	for (size_t i = 0; files && i < files->n; i++) {
		struct change_item found;

		if (files->limit[i].kind == DMEM_MAX &&
		    change_find(ch, &files->limit[i], &found) == DMEM_OK &&
		    !strcmp(found.region, region))
			max = found.value;
	}
	if (max == DMEM_NO_LIMIT && *cgroup &&
	    dmem_cgroup_get(ch->root, cgroup, "dmem.max", region, &max) != DMEM_OK)
		max = DMEM_NO_LIMIT;
	return max;
}

static void warn_max(struct ctl *c, const struct change_item *it)
{
	char value[CLI_SIZE], capacity[CLI_SIZE];

	if (it->value == DMEM_NO_LIMIT || it->capacity == DMEM_UNKNOWN || it->value <= it->capacity)
		return;
	cli_error(&c->cli, "warning: %s: the limit is %s but the region has only %s, so nothing is "
		  "refused: lower it, or set max",
		  it->text, size_beside(value, it->value, it->capacity),
		  size_beside(capacity, it->capacity, it->value));
}

/* The nearest ancestor that reserves less than @min, or NULL. */
static const char *less_above(struct change *ch, const char *cgroup, const struct change_item *it,
			      uint64_t *above)
{
	for (const char *slash = strrchr(cgroup, '/'); slash;
	     slash = memrchr(cgroup, '/', (size_t)(slash - cgroup))) {
		const char *path = dmem_strndup(ch->arena, cgroup, (size_t)(slash - cgroup));

		if (path &&
		    dmem_cgroup_get(ch->root, path, "dmem.min", it->region, above) == DMEM_OK &&
		    *above < it->value)
			return path;
	}
	return NULL;
}

/* Buffers of a heap without its own area come from the system's memory. */
bool region_is_unreserved(const char *region)
{
	return !strncmp(region, "heap/", strlen("heap/"));
}

static void warn_min(struct ctl *c, struct change *ch, const char *cgroup,
		     const struct section *files,
		     const struct change_item *it)
{
	uint64_t max = max_of(ch, cgroup, files, it->region), above = 0;
	char value[CLI_SIZE], other[CLI_SIZE];
	const char *path;

	if (!it->value)
		return;
	if (region_is_unreserved(it->region)) {
		cli_error(&c->cli, "warning: %s: the reservation is %s, "
			  "but " UNRESERVED ": " UNRESERVED_REMEDY,
			  it->text, cli_size(value, it->value, false));
		return;
	}
	if (it->capacity != DMEM_UNKNOWN && it->value > it->capacity) {
		cli_error(&c->cli, "warning: %s: the reservation is %s but the region has only %s: "
			  "lower it", it->text,
			  size_beside(value, it->value, it->capacity),
			  size_beside(other, it->capacity, it->value));
		return;
	}
	if (it->value > max) {
		cli_error(&c->cli, "warning: %s: the reservation is %s but the limit (dmem.max) is "
			  "only %s: lower it, or raise the limit",
			  it->text, size_beside(value, it->value, max),
			  size_beside(other, max, it->value));
		return;
	}
	path = ch->propagate ? NULL : less_above(ch, cgroup, it, &above);
	if (path)
		cli_error(&c->cli, "warning: %s: the reservation is %s but /%s above reserves only "
			  "%s, which bounds it: reserve as much there",
			  it->text, size_beside(value, it->value, above), path,
			  size_beside(other, above, it->value));
}

/* Warns if an earlier reservation is larger than the new limit. */
static void warn_old_min(struct ctl *c, struct change *ch, const char *cgroup,
			 const struct change_item *it)
{
	char value[CLI_SIZE], other[CLI_SIZE];
	uint64_t min;

	for (size_t i = 0; i < ch->n; i++) {
		if (ch->item[i].kind == DMEM_MIN && !strcmp(ch->item[i].region, it->region))
			return;
	}
	if (!*cgroup ||
	    dmem_cgroup_get(ch->root, cgroup, "dmem.min", it->region, &min) != DMEM_OK ||
	    min == DMEM_NO_LIMIT || min <= it->value)
		return;
	cli_error(&c->cli, "warning: %s: the limit is %s but the reservation (dmem.min) is %s: "
		  "lower the reservation as well",
		  it->text, size_beside(value, it->value, min), size_beside(other, min, it->value));
}

/* The kernel has two regions of one name if a device was registered again while a file of the old
 * one is open. */
static void warn_twice(struct ctl *c, struct change *ch, const struct change_item *it)
{
	size_t n = dmem_cgroup_lines(ch->root, "dmem.capacity", it->region);

	if (n > 1)
		cli_error(&c->cli, "warning: %s: the kernel has %zu regions of this name and "
			  "limits only the first: end the processes that still use the removed "
			  "device, see dmemctl doctor",
			  it->text, n);
}

void change_warn(struct ctl *c, struct change *ch, const char *cgroup, const struct section *files)
{
	for (size_t i = 0; i < ch->n; i++) {
		const struct change_item *it = &ch->item[i];

		warn_twice(c, ch, it);
		if (it->kind == DMEM_MAX) {
			warn_max(c, it);
			warn_old_min(c, ch, cgroup, it);
		} else if (it->kind == DMEM_MIN) {
			warn_min(c, ch, cgroup, files, it);
		}
	}
}
