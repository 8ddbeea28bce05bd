// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * To be run last on a kernel with CONFIG_DEBUG_KMEMLEAK: all that the other programs
 * have had must be gone, or be found from somewhere. An object that is young, or whose
 * address was on its way when it was looked for, is not a leak: what is found twice is.
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

/* Tells what is found, up to a number of lines; returns how many objects there are. */
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
