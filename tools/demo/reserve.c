// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The third act of dmem-demo: nobody has a cap, and the one who comes late has
 * reserved what he needs.
 */
#include "demo.h"

#define RESERVED_MIB	16

/* What is there for cgroups, the kernel's own use aside. */
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

	printf("\nIn the third act nobody has a cap:\n");
	make_group(CAMERA);
	make_group(DISPLAY);
	set_min(CAMERA, region, RESERVED_MIB);

	printf("\n%s comes first, and takes 1 MiB buffers of heap %s until refused.\n", DISPLAY,
	       CAMERA_HEAP);
	early = start_taker(DISPLAY);
	got = take(&early, CAMERA_HEAP, 1000);
	expect_taken(DISPLAY, CAMERA_HEAP, &got, rest, 1);
	if (event(DISPLAY, region, "reserved") != got.refused)
		wrong("%s was refused %lu times, and for the reservation %lu times", DISPLAY,
		      got.refused, event(DISPLAY, region, "reserved"));
	printf("  It got %lu, then %lu times: %s. What is left is reserved.\n", got.buffers,
	       got.refused, strerror(got.err));

	printf("\n%s comes late, and wants all that it can get.\n", CAMERA);
	late = start_taker(CAMERA);
	own = take(&late, CAMERA_HEAP, 1000);
	expect_taken(CAMERA, CAMERA_HEAP, &own, RESERVED_MIB, 1);
	expect_current(CAMERA, region, RESERVED_MIB);
	printf("  It got its %lu MiB, and the pool is full.\n", own.buffers);
	add_row(CAMERA, region, own.refused);
	add_row(DISPLAY, region, got.refused);

	print_table();
	stop_worker(&early);
	stop_worker(&late);
	expect_nothing_left();
	printf("Both were killed, and every counter is back to zero.\n");
	remove_group(CAMERA);
	remove_group(DISPLAY);
}
