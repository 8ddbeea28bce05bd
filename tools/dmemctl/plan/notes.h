/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device trees from the notes of histories. Does no I/O. */
#ifndef NOTES_H
#define NOTES_H

#include "dmem/dmem.h"

struct notes_property {
	const char *name;
	const void *value;
	size_t len;
};

struct notes_node {
	const char *path;		/* "/", or "/a" or "/a/b" */
	struct notes_property *property;
	size_t n;
};

/* The notes of one segment. */
struct notes_tree {
	struct dmem_arena arena;	/* owns all strings */
	uint64_t wall;			/* ms since 1970 */
	struct notes_node *node;
	size_t n;
	/* "cma=64M" and "coherent_pool=1M" from the command line, or NULL */
	const char *cma, *coherent;
};

/* All zero is empty. */
struct notes {
	struct dmem_arena arena;
	struct notes_tree *tree;	/* without duplicates, in the order of the files */
	size_t n;
	bool too_many;			/* some trees were dropped */
	struct notes_tree now;		/* the tree of the current segment */
};

/* A segment of notes starts. Its notes count only after notes_end(). All return 0 or -ENOMEM. */
int notes_begin(struct notes *n, uint64_t wall);
int notes_node(struct notes *n, const char *path);
int notes_property(struct notes *n, const char *name, const void *value, size_t len);
int notes_word(struct notes *n, const char *word);
int notes_end(struct notes *n);

/* Returns the flattened tree, which the caller frees. NULL: *@err is -ENOMEM, or -EBADMSG: the
 * notes are not a tree. */
void *notes_flatten(const struct notes_tree *t, int *err);

void notes_free(struct notes *n);

#endif
