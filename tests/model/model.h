/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the program "model", see model.c. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>

/* A deliberate flaw, which the model must find. */
struct flaw {
	const char *name;
	const char *what;
};

/* The name of the selected flaw; "": none. */
extern const char *flaw;
bool has_flaw(const char *name);

/* Explore less, for slow builds. */
extern bool quick;

/*
 * Both return true if all properties hold, and otherwise print a shortest way to a violation. They
 * print the number of explored states, and fail if it is smaller than expected.
 */
extern const struct flaw sequential_flaws[];
bool run_sequential(void);

extern const struct flaw interleave_flaws[];
bool run_interleave(void);

#endif
