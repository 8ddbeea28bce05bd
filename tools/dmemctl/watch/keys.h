/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KEYS_H
#define KEYS_H

enum key {
	KEY_NONE, KEY_QUIT, KEY_REFRESH, KEY_SORT, KEY_REVERSE, KEY_TREE, KEY_SLOWER, KEY_FASTER,
	KEY_HELP, KEY_UP, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN,
	KEY_HOME, KEY_END,
};

/* State of the decoder. All zero is the start. */
struct keys {
	enum { KEYS_GROUND, KEYS_ESCAPE, KEYS_SEQUENCE } state;
	unsigned int number;	/* first one of a sequence */
};

/* Returns the key that this byte completes, or KEY_NONE. */
enum key keys_next(struct keys *k, unsigned char c);

/* Call this when no byte follows: returns KEY_ESC if the last one was an Esc, which is then no
 * start of a sequence. */
void keys_idle(struct keys *k);

#endif
