/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the program "model", see model.c. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>

/* A flaw that is put in on purpose, and must be found. */
struct flaw {
	const char *name;
	const char *what;
};

/* The flaw that was asked for, by name; none is "". */
extern const char *flaw;
bool has_flaw(const char *name);

/* Less of everything, for a build that is slow. */
extern bool quick;

/*
 * Both return true if nothing was found, and print what was, with the shortest
 * way there. They print what they have looked at, and find it too little if
 * it is less than it should be.
 */
extern const struct flaw sequential_flaws[];
bool run_sequential(void);

extern const struct flaw interleave_flaws[];
bool run_interleave(void);

#endif
