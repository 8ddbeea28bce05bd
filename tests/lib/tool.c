// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs lsdmem on a fake machine. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"
#include "tool.h"

#define MAX_WORDS	32

int tool(const struct tool *t, const char *args)
{
	const char *argv[MAX_WORDS + 1] = { 0 };
	char copy[1024], root[4096], *save;
	size_t n = 0;

	for (size_t i = 0; t->before[i]; i++)
		argv[n++] = t->before[i];
	snprintf(root, sizeof(root), "%s", tap_path("root"));
	argv[n++] = t->program;
	argv[n++] = "--sysroot";
	argv[n++] = root;
	snprintf(copy, sizeof(copy), "%s", args);
	for (char *w = strtok_r(copy, " ", &save); w && n < MAX_WORDS; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	return run(argv);
}

int jq(const struct tool *t, const char *filter)
{
	char out[4096];
	const char *argv[] = { t->jq, "-e", filter, out, NULL };

	snprintf(out, sizeof(out), "%s", tap_path("json"));
	unlink(out);
	if (rename(tap_path("out"), out))
		return -1;
	return run(argv);
}
