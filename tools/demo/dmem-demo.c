// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-demo - two services, three pools, and a cap that holds
 *
 * Every figure printed was read from the kernel or counted here, and every
 * sentence is checked: the first that is not true ends the program.
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

	printf("Two services share a board. Each gets a plan:\n");
	make_group(CAMERA);
	make_group(DISPLAY);
	set_max(CAMERA, cam, 8);
	set_max(DISPLAY, cam, 4);
	set_max(DISPLAY, dis, 24);
	set_max(CAMERA, def, 6);

	printf("\nA greedy program in %s takes 1 MiB buffers of heap %s until refused.\n",
	       CAMERA, CAMERA_HEAP);
	greedy = start_taker(CAMERA);
	got = take(&greedy, CAMERA_HEAP, 1000);
	expect_taken(CAMERA, CAMERA_HEAP, &got, 8, 1);
	expect_current(CAMERA, cam, 8);
	printf("  It got %lu, then %lu times: %s. It keeps them all.\n", got.buffers,
	       got.refused, strerror(got.err));
	add_row(CAMERA, cam, got.refused);

	printf("\nIts neighbour %s wants 4 MiB of the same pool, and 30 MiB of its own.\n", DISPLAY);
	neighbour = start_taker(DISPLAY);
	got = take(&neighbour, CAMERA_HEAP, 4);
	expect_taken(DISPLAY, CAMERA_HEAP, &got, 4, 0);
	expect_current(DISPLAY, cam, 4);
	add_row(DISPLAY, cam, got.refused);
	got2 = take(&neighbour, DISPLAY_HEAP, 30);
	expect_taken(DISPLAY, DISPLAY_HEAP, &got2, 24, 1);
	expect_current(DISPLAY, dis, 24);
	printf("  It got its %lu MiB of %s, and %lu MiB of %s up to its own cap.\n", got.buffers,
	       cam, got2.buffers, dis);
	add_row(DISPLAY, dis, got2.refused);

	printf("\nHeaps %s and %s are two names of one pool. Can one be used when the other is refused?\n",
	       DEFAULT_HEAP, DEFAULT_ALIAS);
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
	printf("  No: 4 MiB by the first name leave %lu MiB by the second, then both refuse.\n",
	       got.buffers);
	add_row(CAMERA, def, got.refused + got2.refused);

	print_table();
	stop_worker(&greedy);
	stop_worker(&neighbour);
	stop_worker(&escaper);
	expect_nothing_left();
	printf("All three programs were killed, and every counter is back to zero, the root's too.\n");
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
