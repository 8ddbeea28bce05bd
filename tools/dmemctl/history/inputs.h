/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The histories on a command line: opened, and read for their boots and clocks. */
#ifndef INPUTS_H
#define INPUTS_H

#include "files.h"
#include "walk.h"

struct inputs {
	const struct cli *cli;
	struct files files;
	struct model m;
	/* Private */
	struct inputs_history {
		size_t first, last;
		uint64_t size[2];
	} *history;
	size_t n;
};

/* Reads all histories of these files and directories, up to a NULL. Prints errors. An exit code.
 * Call inputs_free() in any case. */
int inputs_read(struct inputs *in, const struct cli *cli, char **paths);

/* Walks through all of them. An exit code, or a positive result of one of the walk's functions. */
int inputs_walk(struct inputs *in, struct walk *w);

/* The number of histories, and the bytes of their texts. */
size_t inputs_count(const struct inputs *in);
uint64_t inputs_bytes(const struct inputs *in);

void inputs_free(struct inputs *in);

#endif
