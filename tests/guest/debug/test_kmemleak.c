// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs last on a kernel with CONFIG_DEBUG_KMEMLEAK: all memory of the other programs must be freed,
 * or reachable. A young object, or one whose address was being moved during a scan, is no leak:
 * only objects found twice count.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#include "dmem_util.h"

#define DEBUGFS		"/sys/kernel/debug"
#define KMEMLEAK	DEBUGFS "/kmemleak"
#define SCANS		3
#define YOUNG_MS	6000

/* Prints the objects that were found, up to a number of lines; returns their number. */
static int report(void)
{
	FILE *f = fopen(KMEMLEAK, "r");
	char line[512];
	int n = 0;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		n += !strncmp(line, "unreferenced object", 19);
		if (n <= 20)
			ksft_print_msg("%s", line);
	}
	fclose(f);
	return n;
}

int main(void)
{
	int i, ret;

	ksft_print_header();
	ksft_set_plan(2);
	for (i = 0, ret = 0; i < SCANS && !ret; i++) {
		sleep_ms(YOUNG_MS);
		ret = cg_write(DEBUGFS, "kmemleak", "scan");
	}
	ksft_test_result(!ret, "it is on: %s\n", strerror(-ret));
	ret = report();
	ksft_test_result(!ret, "%d objects that nobody knows of\n", ret);
	ksft_finished();
}
