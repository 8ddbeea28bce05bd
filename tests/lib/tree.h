/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random trees of units, and the limits in them by a simple reader. For tests that compare with
 * systemd itself, on the host and in the guest.
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
	char text[640];		/* or the target of the link */
	bool link;
};

struct tree {
	/* Set by the caller: */
	const char *prefix;		/* of all units' names, to avoid real ones */
	const char * const *dir;	/* directories for files, in systemd's order */
	int n_dirs;
	bool types;			/* also drop-ins for all units of a type */
	bool slices;			/* also slices */
	/* Sorted so that they can be written in this order. Equal for equal seeds. */
	struct tree_file file[TREE_FILES];
	size_t n;
};

/* In units of 1T, which is more than any region has: such a limit refuses nothing if it comes into
 * force. 0: none. */
struct tree_limits {
	int n[TREE_KINDS][TREE_REGIONS];
	bool strict;
};

void tree_make(struct tree *t, unsigned int seed);

/* The name of the @i-th unit to check, or NULL. Some are aliases, some do not exist, and the
 * services come first. */
const char *tree_unit(const struct tree *t, size_t i, char name[TREE_NAME]);

/* Adds the content of a file, which applies after those read before. */
void tree_read(const char *path, struct tree_limits *limits);

/* Parses the arguments of dmem-apply. False: there is another argument. */
bool tree_given(const char *command, struct tree_limits *limits);

bool tree_any(const struct tree_limits *limits);
bool tree_same(const struct tree_limits *x, const struct tree_limits *y);

/* A text for messages, valid until the second call after this one. */
const char *tree_text(const struct tree_limits *limits);

#endif
