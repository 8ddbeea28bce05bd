/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KEYS_H
#define KEYS_H

enum key {
	KEY_NONE, KEY_QUIT, KEY_REFRESH, KEY_SORT, KEY_REVERSE, KEY_TREE, KEY_SLOWER, KEY_FASTER,
	KEY_HELP, KEY_UP, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN,
	KEY_HOME, KEY_END,
};

/* All zero is the start. */
struct keys {
	enum { KEYS_GROUND, KEYS_ESCAPE, KEYS_SEQUENCE } state;
	unsigned int number;	/* the first one of a sequence */
};

/* The key that is complete with the next byte from a terminal, or KEY_NONE. */
enum key keys_next(struct keys *k, unsigned char c);

/* Nothing more has come: an Esc that came last was a key of its own. */
void keys_idle(struct keys *k);

#endif
