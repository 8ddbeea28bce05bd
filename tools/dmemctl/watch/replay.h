/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The samples of a history, as dmem_regions_read_some() and dmem_tree_read() return those of a
 * machine. */
#ifndef REPLAY_H
#define REPLAY_H

#include "dmemctl/history/inputs.h"
#include "view.h"

#define REPLAY_END	1

struct replay {
	struct inputs in;
	/* Called before each sample: the former one is still valid. @ms: the time between them, or 0.
	 * Returns 0, REPLAY_END, or a negative errno. */
	int (*wait)(void *data, uint64_t ms);
	/* Called with each sample; @wall: ms since 1970. Returns the same. */
	int (*show)(void *data, uint64_t wall);
	void *data;
	/* The sample, valid until the next one */
	struct dmem_regions regions;
	struct dmem_tree tree;
	/* Private */
	struct walk w;
	struct walk_filter all;
	struct dmem_arena arena;
	unsigned int depth;
	uint64_t last;			/* time of the last sample */
	int err;			/* of a function above */
};

/* Reads the history and finds the words on the command line in it. Prints errors. An exit code.
 * Call replay_close() in any case. */
int replay_open(struct replay *r, const struct cli *cli, char *path, struct dmem_arena *a,
		char **words, size_t n, struct view_options *o);

/* Passes all samples on. An exit code. */
int replay_run(struct replay *r);
void replay_close(struct replay *r);

#endif
