// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses sizes and names of regions. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "dmem.h"

const char * const dmem_kind_names[DMEM_KINDS] = { "max", "min", "low" };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

#define MAX_DECIMALS	6	/* of a terabyte, these fit in 64 bits */

/* Parses the rest of a number: a dot and @decimals digits, whose value is *@part. */
static int parse_decimals(const char **s, uint64_t *part, int *decimals)
{
	*part = 0;
	*decimals = 0;
	if (**s != '.')
		return 0;
	for (++*s; is_digit(**s); ++*s) {
		if (++*decimals > MAX_DECIMALS)
			return -EINVAL;
		*part = *part * 10 + (uint64_t)(**s - '0');
	}
	return *decimals ? 0 : -EINVAL;
}

/* @part / 10^@decimals of @one, rounded down. */
static uint64_t fraction_of(uint64_t one, uint64_t part, int decimals)
{
	uint64_t scale = 1;

	while (decimals--)
		scale *= 10;
	return one * part / scale;
}

static int set_percent(uint64_t whole, uint64_t part, int decimals, struct dmem_value *v)
{
	if (decimals > 2)
		return -EINVAL;
	if (whole > 100 || (whole == 100 && part))
		return -ERANGE;
	v->percent = true;
	v->n = whole * 100 + fraction_of(100, part, decimals);
	return 0;
}

int dmem_parse_value(const char *s, struct dmem_value *v)
{
	static const char suffixes[] = "KMGT";
	uint64_t n = 0, part;
	unsigned int shift = 0;
	int decimals;

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
	/* lsdmem and dmemctl plan print sizes like this. */
	if (parse_decimals(&s, &part, &decimals))
		return -EINVAL;
	if (!strcmp(s, "%"))
		return set_percent(n, part, decimals, v);
	if (*s && strchr(suffixes, *s))
		shift = 10 * (unsigned int)(strchr(suffixes, *s++) - suffixes + 1);
	/* Like in systemd, KB and KiB are both 1024 bytes. */
	if (shift && !strcmp(s, "iB"))
		s += 2;
	if (*s == 'B')
		s++;
	if (*s || (decimals && !shift))
		return -EINVAL;
	/* The largest number is DMEM_NO_LIMIT, which is written as "max". */
	if (n > (UINT64_MAX - 1) >> shift)
		return -ERANGE;
	v->n = (n << shift) + fraction_of(1ull << shift, part, decimals);
	return v->n == DMEM_NO_LIMIT ? -ERANGE : 0;
}

uint64_t dmem_resolve_value(const struct dmem_value *v, uint64_t capacity)
{
	if (!v->percent)
		return v->n;
	/* In two parts, so that large capacities do not overflow. */
	return capacity / 10000 * v->n + capacity % 10000 * v->n / 10000;
}

const char *dmem_region_heap(const char *region)
{
	static const char prefix[] = "dma_heap/", device[] = "/dev/";

	/* Users may name a heap by its device: no region's name starts with a slash. */
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
		return "is too long for a region name";
	for (const char *p = region; *p; p++) {
		if (*p <= ' ' || *p > '~')
			return "has a character that is invalid in a region name";
	}
	if (!heap)
		return NULL;
	/* The name becomes a part of a path. */
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
