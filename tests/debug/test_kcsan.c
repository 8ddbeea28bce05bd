// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * To be run first on a kernel with CONFIG_KCSAN: from here on it looks for two CPUs
 * that use the same memory at the same time without saying so, in functions that the
 * series is about. What it finds is in the kernel's log.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kselftest.h"

#include "dmem_util.h"

#define DEBUGFS	"/sys/kernel/debug"
#define KCSAN	DEBUGFS "/kcsan"

static bool is_ours(const char *function)
{
	/* The compiler's own parts of a function are "name.part.0" and the like. */
	return strstr(function, "dmem") || !strncmp(function, "cma_", 4) ||
	       strstr(function, "cg_pool") || strstr(function, "_heap_");
}

/* Returns how many functions are looked at, or a negative error. */
static int watch_ours(void)
{
	char type, name[256], line[512], command[260];
	FILE *f = fopen("/proc/kallsyms", "r");
	int n = 0, ret;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*x %c %255s", &type, name) != 2 ||
		    (type != 't' && type != 'T') || !is_ours(name))
			continue;
		snprintf(command, sizeof(command), "!%s", name);
		ret = cg_write(DEBUGFS, "kcsan", command);
		if (ret) {
			fclose(f);
			return ret;
		}
		n++;
	}
	fclose(f);
	return n;
}

static bool is_on(void)
{
	FILE *f = fopen(KCSAN, "r");
	int on = 0;

	if (f) {
		if (fscanf(f, "enabled: %d", &on) != 1)
			on = 0;
		fclose(f);
	}
	return on;
}

int main(void)
{
	int ret;

	ksft_print_header();
	ksft_set_plan(2);
	ret = cg_write(DEBUGFS, "kcsan", "whitelist") ?: watch_ours();
	ksft_test_result(ret > 50, "%d functions are looked at\n", ret);
	ret = cg_write(DEBUGFS, "kcsan", "on");
	ksft_test_result(!ret && is_on(), "it is on: %s\n", strerror(-ret));
	ksft_finished();
}
