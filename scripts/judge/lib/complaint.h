/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a kernel's log that report a fault: WARNING, BUG, Oops, lockdep, KASAN and others. */
#ifndef JUDGE_COMPLAINT_H
#define JUDGE_COMPLAINT_H

#include <stdbool.h>

/* "[    1.234567] text" or "[    1.234567][  T1] text": returns text. */
char *message(char *line);

bool complains(const char *message);

/* Zeroed before the first line of a log. */
struct complaint {
	char text[512];		/* without numbers and addresses, which differ between boots */
	char subject[256];	/* the line that a "Call trace:" belongs to */
};

/*
 * Takes the messages of a log one by one, in order. Returns whether this one is a
 * complaint; then @c->text identifies it.
 */
bool complaint_next(struct complaint *c, const char *message);

#endif
