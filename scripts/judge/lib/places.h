/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/coverage/places: the places of a kernel that take memory from a finite pool, and
 * whether each is charged. The head of that file describes its lines.
 */
#ifndef JUDGE_PLACES_H
#define JUDGE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

enum place_class {
	PLACE_CHARGED,
	PLACE_OPEN,
	PLACE_FIXED,
	PLACE_ADMIN,
	PLACE_PAGES,
	PLACE_SPACE,
	PLACE_API,
	PLACE_TEST,
	PLACE_CLASSES
};

/* A function that takes memory. */
struct place_call {
	char *name;
	char *below;		/* counts in files whose path begins with it; NULL: in all */
	struct strings marks;	/* words that show a charge, see the head of the file */
};

/* The name of a function that returns a mark: it stands for the mark in other functions. */
struct place_alias {
	char *name, *mark;
	int line;		/* of kernel/coverage/places */
	bool proved;		/* a function of this name has the mark */
};

/* A word that shows that a driver uses another place. */
struct place_through {
	char *name, *path;
	char *function;		/* or NULL */
	int line;		/* of kernel/coverage/places */
	int count;		/* files, as the file says */
	int found;		/* files in the tree */
};

enum place_pool {
	PLACE_CMA,
	PLACE_DEVICE,
};

/* The driver of a place, as in /sys/bus/<bus>/drivers; "/protected": of protected heaps */
struct place_driver {
	char *name;
	char *compatible;	/* or NULL */
	enum place_pool pool;
	char *place;		/* PATH[:FUNCTION] */
	int line;		/* of kernel/coverage/places */
	bool found;		/* its name is a string in that directory of the tree */
};

struct place {
	enum place_class class;
	char *path;		/* of a file; of a directory, with a "/" at the end */
	char *function;		/* or NULL: all of the file or directory */
	/* The function that has the mark for these calls, or NULL: the function of each call */
	char *by_path, *by_function;
	char *reason;
	int line;		/* of kernel/coverage/places */
	int count;		/* calls, as the file says */
	int found;		/* calls in the tree */
};

struct places {
	const char *file;
	struct place_call *calls;
	int n_calls;
	struct place_alias *aliases;
	int n_aliases;
	struct place_through *throughs;
	int n_throughs;
	struct place_driver *drivers;
	int n_drivers;
	struct place *list;
	int n;
	struct strings hand;	/* directories without rules for a whole directory */
};

extern const char * const place_class_names[PLACE_CLASSES];

/* Reads a file. Ends the program with a message if it has a mistake. */
void places_read(struct places *p, const char *file);
void places_free(struct places *p);

/*
 * The line for a call: that of the function, else of the file, else of the longest
 * directory; NULL if there is none.
 */
struct place *places_find(const struct places *p, const char *path, const char *function);

/* The line that names PATH[:FUNCTION], or NULL. */
const struct place *places_named(const struct places *p, const char *name);

/* The call of this name that counts in the file, or NULL. */
const struct place_call *places_call(const struct places *p, const char *name, size_t len, const char *path);

struct place_through *places_through(const struct places *p, const char *name, size_t len);

#endif
