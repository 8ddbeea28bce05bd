// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The third act of dmem-demo: no cgroup has a limit. One has a reservation, and allocates last.
 */
#include "demo.h"

#define RESERVED_MIB	16

/* Free memory of the region in MiB, without the kernel's own use. */
static unsigned long free_mib(const char *region)
{
	char path[300];
	unsigned long pages;
	FILE *f;

	/* The region is named after the area, cma/<area>. */
	snprintf(path, sizeof(path), "/sys/kernel/mm/%s/available_pages", region);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%lu", &pages) != 1)
		wrong("cannot read %s", path);
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE) / MIB;
}

void reserve_act(void)
{
	char *region = heap_region(CAMERA_HEAP);
	unsigned long rest = free_mib(region) - RESERVED_MIB;
	struct worker early, late;
	struct taken got, own;

	printf("\nAct 3: no limits, but one reservation:\n");
	make_group(CAMERA);
	make_group(DISPLAY);
	set_min(CAMERA, region, RESERVED_MIB);

	printf("\n%s starts first and allocates 1 MiB buffers from heap %s until that fails.\n",
	       DISPLAY, CAMERA_HEAP);
	early = start_taker(DISPLAY);
	got = take(&early, CAMERA_HEAP, 1000);
	expect_taken(DISPLAY, CAMERA_HEAP, &got, rest, 1);
	if (event(DISPLAY, region, "reserved") != got.refused)
		wrong("%s: %lu requests failed, of which %lu because of the reservation", DISPLAY,
		      got.refused, event(DISPLAY, region, "reserved"));
	printf("  Allocated: %lu buffers. The next %lu requests failed: %s.\n", got.buffers,
	       got.refused, strerror(got.err));
	printf("  The rest of the region is reserved.\n");

	printf("\n%s starts last and does the same.\n", CAMERA);
	late = start_taker(CAMERA);
	own = take(&late, CAMERA_HEAP, 1000);
	expect_taken(CAMERA, CAMERA_HEAP, &own, RESERVED_MIB, 1);
	expect_current(CAMERA, region, RESERVED_MIB);
	printf("  Allocated: its %lu MiB. The region is full.\n", own.buffers);
	add_row(CAMERA, region, own.refused);
	add_row(DISPLAY, region, got.refused);

	print_table();
	stop_worker(&early);
	stop_worker(&late);
	expect_nothing_left();
	printf("Both programs were killed. Every counter is back to zero.\n");
	remove_group(CAMERA);
	remove_group(DISPLAY);
}
