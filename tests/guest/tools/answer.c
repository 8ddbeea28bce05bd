// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds numbers in the JSON of "dmemctl plan". */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

/* The first @what from @from on that comes before @end, or NULL. */
static const char *find_before(const char *from, const char *what, const char *end)
{
	const char *at = from ? strstr(from, what) : NULL;

	return at && (!end || at < end) ? at : NULL;
}

static long long number_before(const char *from, const char *key, const char *end)
{
	char quoted[64], *rest;
	const char *at;
	long long v;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = find_before(from, quoted, end);
	if (!at)
		return -1;
	at += strlen(quoted);
	v = strtoll(at, &rest, 10);
	return rest == at ? -1 : v;
}

const char *answer_region(const char *json, const char *region)
{
	char text[320];

	snprintf(text, sizeof(text), "{\"region\":\"%s\"", region);
	return strstr(json, text);
}

static const char *end_of(const char *region)
{
	return region ? strstr(region + 1, "{\"region\":") : NULL;
}

static const char *trial_of(const char *region)
{
	return find_before(region, "\"trial\":{", end_of(region));
}

long long answer_number(const char *region, const char *key)
{
	return number_before(region, key, region ? strstr(region, "\"services\":") : NULL);
}

long long answer_of_reservations(const char *region, const char *key)
{
	const char *end = end_of(region);

	return number_before(find_before(region, "\"whole_sets\":", end), key, end);
}

long long answer_trial_number(const char *region, const char *key)
{
	return number_before(trial_of(region), key, end_of(region));
}

static long long number_of(const char *from, const char *end, const char *cgroup, const char *key)
{
	const char *at;
	char text[320];

	snprintf(text, sizeof(text), "\"cgroup\":\"%s\"", cgroup);
	at = find_before(from, text, end);
	return number_before(at, key, at ? strchr(at, '}') : NULL);
}

long long answer_service(const char *region, const char *cgroup, const char *key)
{
	return number_of(region, region ? strstr(region, "\"conflicts\":") : NULL, cgroup, key);
}

long long answer_trial(const char *region, const char *cgroup, const char *key)
{
	return number_of(trial_of(region), end_of(region), cgroup, key);
}
