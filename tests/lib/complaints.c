// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "complaints.h"

/* True for complaints of verify only. It also reads drop-ins that others hide. */
static bool is_verifys(const char *line, size_t len)
{
	static const char * const words[] = {
		": warning: '", "' has no effect in [", "' comes before any section",
		", which dmem-generator does not read", ", which systemd does not read", "no mistakes: ",
		" removes when the unit stops", "' is in a file that is not a unit",
		".conf' is a directory, which systemd cannot read: ",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (memmem(line, len, words[i], strlen(words[i])))
			return true;
	}
	return false;
}

/* True if the lines are equal, where "..." in @a stands for any text. */
static bool is_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const char *cut = memmem(a, a_len, "...' ", 5);
	size_t start = cut ? (size_t)(cut - a) : 0, end = a_len - start - 3;

	if (!cut)
		return a_len == b_len && !memcmp(a, b, a_len);
	return b_len >= a_len && !memcmp(a, b, start) && !memcmp(cut + 3, b + b_len - end, end);
}

static bool has(const char *all, const char *line, size_t len, bool cut_in_all)
{
	while (*all) {
		size_t n = strcspn(all, "\n");

		if (cut_in_all ? is_same(all, n, line, len) : is_same(line, len, all, n))
			return true;
		all += n + (all[n] == '\n');
	}
	return false;
}

const char *complaints_differ(const char *generator, const char *verify)
{
	static char why[2000];

	for (const char *l = generator; *l; l += strcspn(l, "\n"), l += *l == '\n') {
		size_t n = strcspn(l, "\n");

		if (has(verify, l, n, false))
			continue;
		snprintf(why, sizeof(why), "only dmem-generator says: %.*s\nverify:\n%.1000s", (int)n, l, verify);
		return why;
	}
	for (const char *l = verify; *l; l += strcspn(l, "\n"), l += *l == '\n') {
		size_t n = strcspn(l, "\n");

		if (is_verifys(l, n) || has(generator, l, n, true))
			continue;
		snprintf(why, sizeof(why), "only dmemctl verify says: %.*s\ngenerator:\n%.1000s", (int)n, l,
			 generator);
		return why;
	}
	return NULL;
}
