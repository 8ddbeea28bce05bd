// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-hog - allocate buffers from a heap until refused, then hold them
 *
 * dmem-hog [-g CGROUP-DIRECTORY] HEAP [SIZE-IN-MIB [COUNT]]
 */
#include <stdlib.h>

#include "heap.h"

static int usage(void)
{
	fprintf(stderr, "usage: dmem-hog [-g cgroup-directory] heap [MiB-per-buffer [count]]\n");
	return 2;
}

int main(int argc, char **argv)
{
	unsigned long size = 1, count = ~0UL, n;
	int heap, c;

	while ((c = getopt(argc, argv, "g:")) != -1) {
		if (c != 'g')
			return usage();
		if (enter_cgroup(optarg)) {
			fprintf(stderr, "dmem-hog: cannot enter %s: %s: create it with mkdir\n",
				optarg, strerror(errno));
			return 1;
		}
	}
	if (optind >= argc || argc - optind > 3)
		return usage();
	if (argc - optind > 1)
		size = strtoul(argv[optind + 1], NULL, 0);
	if (argc - optind > 2)
		count = strtoul(argv[optind + 2], NULL, 0);
	if (!size)
		return usage();

	heap = heap_open(argv[optind]);
	if (heap < 0) {
		fprintf(stderr, "dmem-hog: /dev/dma_heap/%s: %s: see ls /dev/dma_heap\n",
			argv[optind], strerror(errno));
		return 1;
	}
	for (n = 0; n < count; n++) {
		if (heap_alloc(heap, size * MIB) < 0)
			break;
	}
	if (n < count)
		printf("dmem-hog: holds %lu MiB in %lu buffers; the next was refused: %s\n",
		       n * size, n, strerror(errno));
	else
		printf("dmem-hog: holds %lu MiB in %lu buffers, as asked\n", n * size, n);
	fflush(stdout);
	pause();
	return 0;
}
