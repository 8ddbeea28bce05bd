/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Controls a whole terminal: alternate screen, no cursor, no echo. Uses only sequences that all
 * terminals of the last decades support, so no library is needed.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct screen {
	int in, out;		/* @in is -1 if keys cannot be read */
	struct termios saved;
	bool entered;
	unsigned int rows, columns;
};

/* True if standard output is a suitable terminal. Changes nothing. */
bool screen_find(struct screen *s);

/* Takes the terminal, also a second time. Returns 0 or a negative errno. */
int screen_enter(struct screen *s);

/* Restores the terminal. Does nothing if it was restored before. */
void screen_leave(struct screen *s);

/* Reads the terminal's size into @rows and @columns. */
void screen_measure(struct screen *s);

/* The number of bytes at the start of a printable @text that fit in @columns. */
size_t screen_fit(const char *text, unsigned int columns);

/* Writes all of the text. 0 or a negative errno. */
int screen_write(const struct screen *s, const char *text, size_t len);

#endif
