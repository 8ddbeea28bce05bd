// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-demo - show limits of two services in three regions
 *
 * The program prints only figures that it read from the kernel or counted itself, and checks each
 * sentence before it prints it. It ends at the first false one.
 */
#include "demo.h"

#define DISPLAY_HEAP	"display@60000000"
#define DEFAULT_HEAP	"linux,cma"
#define DEFAULT_ALIAS	"default_cma_region"

static void heap_act(void)
{
	struct worker greedy, neighbour, escaper;
	char *cam, *dis, *def, *alias;
	struct taken got, got2;

	cam = heap_region(CAMERA_HEAP);
	dis = heap_region(DISPLAY_HEAP);
	def = heap_region(DEFAULT_HEAP);
	alias = heap_region(DEFAULT_ALIAS);

	printf("Act 1: two services share the regions of a board. Their limits:\n");
	make_group(CAMERA);
	make_group(DISPLAY);
	set_max(CAMERA, cam, 8);
	set_max(DISPLAY, cam, 4);
	set_max(DISPLAY, dis, 24);
	set_max(CAMERA, def, 6);

	printf("\nA program in %s allocates 1 MiB buffers from heap %s until that fails.\n",
	       CAMERA, CAMERA_HEAP);
	greedy = start_taker(CAMERA);
	got = take(&greedy, CAMERA_HEAP, 1000);
	expect_taken(CAMERA, CAMERA_HEAP, &got, 8, 1);
	expect_current(CAMERA, cam, 8);
	printf("  Allocated: %lu buffers. The next %lu requests failed: %s.\n", got.buffers,
	       got.refused, strerror(got.err));
	printf("  The program keeps its buffers.\n");
	add_row(CAMERA, cam, got.refused);

	printf("\nIts neighbour %s requests 4 MiB of the same region, and 30 MiB of another.\n",
	       DISPLAY);
	neighbour = start_taker(DISPLAY);
	got = take(&neighbour, CAMERA_HEAP, 4);
	expect_taken(DISPLAY, CAMERA_HEAP, &got, 4, 0);
	expect_current(DISPLAY, cam, 4);
	add_row(DISPLAY, cam, got.refused);
	got2 = take(&neighbour, DISPLAY_HEAP, 30);
	expect_taken(DISPLAY, DISPLAY_HEAP, &got2, 24, 1);
	expect_current(DISPLAY, dis, 24);
	printf("  Allocated: %lu MiB of %s, all that it requested.\n", got.buffers, cam);
	printf("  Allocated: %lu MiB of %s, up to its limit there.\n", got2.buffers, dis);
	add_row(DISPLAY, dis, got2.refused);

	printf("\nHeaps %s and %s are two names of one region.\n", DEFAULT_HEAP, DEFAULT_ALIAS);
	printf("Does the second name give memory beyond the limit?\n");
	if (strcmp(def, alias))
		wrong("they are charged to two regions, %s and %s", def, alias);
	escaper = start_taker(CAMERA);
	got = take(&escaper, DEFAULT_HEAP, 4);
	expect_taken(CAMERA, DEFAULT_HEAP, &got, 4, 0);
	got = take(&escaper, DEFAULT_ALIAS, 1000);
	expect_taken(CAMERA, DEFAULT_ALIAS, &got, 2, 1);
	got2 = take(&escaper, DEFAULT_HEAP, 1000);
	expect_taken(CAMERA, DEFAULT_HEAP, &got2, 0, 1);
	expect_current(CAMERA, def, 6);
	printf("  No: after 4 MiB by the first name, the second gives %lu MiB. Then both fail.\n",
	       got.buffers);
	add_row(CAMERA, def, got.refused + got2.refused);

	print_table();
	stop_worker(&greedy);
	stop_worker(&neighbour);
	stop_worker(&escaper);
	expect_nothing_left();
	printf("All programs were killed. Every counter is back to zero, in the root cgroup too.\n");
	remove_group(CAMERA);
	remove_group(DISPLAY);
}

int main(void)
{
	heap_act();
	camera_act();
	reserve_act();
	return 0;
}
