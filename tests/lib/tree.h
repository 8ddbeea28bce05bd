/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random trees of units, and what their files say if they are read naively. For
 * tests that have systemd itself as the judge, on the host and in the guest.
 */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>

#define TREE_KINDS	3
#define TREE_REGIONS	4
#define TREE_FILES	512
#define TREE_NAME	64

struct tree_file {
	char path[160];
	char text[640];		/* or where the link leads to */
	bool link;
};

struct tree {
	/* Set by the caller: */
	const char *prefix;		/* of the names of all units, so that they are nobody else's */
	const char * const *dir;	/* where files may be, in systemd's order */
	int n_dirs;
	bool types;			/* drop-ins for all units of a type, too */
	bool slices;			/* not only services */
	/* The same for the same seed, in an order in which they can be written. */
	struct tree_file file[TREE_FILES];
	size_t n;
};

/* In units of 1T, which is more than any region has: where such a cap comes into
 * force, it keeps nobody from anything. 0 is none. */
struct tree_caps {
	int n[TREE_KINDS][TREE_REGIONS];
	bool strict;
};

void tree_make(struct tree *t, unsigned int seed);

/* The name of the @i-th unit to look at, or NULL. Some are aliases, some are not
 * there, and the services come first. */
const char *tree_unit(const struct tree *t, size_t i, char name[TREE_NAME]);

/* Adds what a file says, which comes after those that were read before. */
void tree_read(const char *path, struct tree_caps *caps);

/* The caps in the arguments of dmem-apply. False: there is something else. */
bool tree_given(const char *command, struct tree_caps *caps);

bool tree_any(const struct tree_caps *caps);
bool tree_same(const struct tree_caps *x, const struct tree_caps *y);

/* For messages. Good until two calls later. */
const char *tree_text(const struct tree_caps *caps);

#endif
