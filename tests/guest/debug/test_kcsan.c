// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs first on a kernel with CONFIG_KCSAN, and enables the search for data races between two CPUs.
 * The reports are in the kernel's log.
 */
#include <stdio.h>
#include <string.h>

#include "kselftest.h"

#include "dmem_util.h"

#define DEBUGFS	"/sys/kernel/debug"
#define KCSAN	DEBUGFS "/kcsan"

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
	ksft_set_plan(1);
	ret = cg_write(DEBUGFS, "kcsan", "on");
	ksft_test_result(!ret && is_on(), "it is on: %s\n", strerror(-ret));
	ksft_finished();
}
