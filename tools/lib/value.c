// SPDX-License-Identifier: GPL-2.0-or-later
/* Amounts of memory and names of regions, as administrators write them. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "dmem.h"

const char * const dmem_kind_names[DMEM_KINDS] = { "max", "min", "low" };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* @s is what follows the whole number: at most two digits after a dot. */
static int parse_percent(const char *s, uint64_t whole, struct dmem_value *v)
{
	uint64_t part = 0;

	if (*s == '.') {
		if (!is_digit(*++s))
			return -EINVAL;
		part = (*s++ - '0') * 10;
		if (is_digit(*s))
			part += *s++ - '0';
	}
	if (strcmp(s, "%"))
		return -EINVAL;
	if (whole > 100 || whole * 100 + part > 10000)
		return -ERANGE;
	v->percent = true;
	v->n = whole * 100 + part;
	return 0;
}

int dmem_parse_value(const char *s, struct dmem_value *v)
{
	static const char suffixes[] = "KMGT";
	uint64_t n = 0;
	unsigned int shift = 0;

	v->percent = false;
	v->n = DMEM_NO_LIMIT;
	if (!strcmp(s, "max") || !strcmp(s, "infinity"))
		return 0;
	if (!is_digit(*s))
		return -EINVAL;
	for (; is_digit(*s); s++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return -ERANGE;
	}
	if (*s == '%' || *s == '.')
		return parse_percent(s, n, v);
	if (*s && strchr(suffixes, *s))
		shift = 10 * (unsigned int)(strchr(suffixes, *s++) - suffixes + 1);
	/* As systemd, KB and KiB are both 1024 bytes. */
	if (shift && !strcmp(s, "iB"))
		s += 2;
	if (*s == 'B')
		s++;
	if (*s)
		return -EINVAL;
	/* The largest number means "no limit", which has a word of its own. */
	if (n > (UINT64_MAX - 1) >> shift)
		return -ERANGE;
	v->n = n << shift;
	return 0;
}

uint64_t dmem_resolve_value(const struct dmem_value *v, uint64_t capacity)
{
	if (!v->percent)
		return v->n;
	/* In two parts, so that no capacity overflows. */
	return capacity / 10000 * v->n + capacity % 10000 * v->n / 10000;
}

const char *dmem_region_heap(const char *region)
{
	static const char prefix[] = "dma_heap/", device[] = "/dev/";

	/* A program names a heap by its device. No region starts with a slash. */
	if (!strncmp(region, device, sizeof(device) - 1) &&
	    !strncmp(region + sizeof(device) - 1, prefix, sizeof(prefix) - 1))
		region += sizeof(device) - 1;
	if (strncmp(region, prefix, sizeof(prefix) - 1))
		return NULL;
	return region + sizeof(prefix) - 1;
}

const char *dmem_region_problem(const char *region)
{
	const char *heap = dmem_region_heap(region);

	if (!*region)
		return "is empty";
	if (strlen(region) > DMEM_REGION_LEN)
		return "is too long for a region";
	for (const char *p = region; *p; p++) {
		if (*p <= ' ' || *p > '~')
			return "has a character that no region has";
	}
	if (!heap)
		return NULL;
	/* This one becomes part of a path. */
	if (!*heap || strchr(heap, '/') || !strcmp(heap, ".") || !strcmp(heap, ".."))
		return "is not the name of a heap";
	return NULL;
}

int dmem_parse_bool(const char *v)
{
	static const char * const yes[] = { "yes", "y", "true", "t", "on", "1" };
	static const char * const no[] = { "no", "n", "false", "f", "off", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (!strcasecmp(v, yes[i]))
			return 1;
		if (!strcasecmp(v, no[i]))
			return 0;
	}
	return -EINVAL;
}
