// SPDX-License-Identifier: GPL-2.0-or-later
/* Decodes keys as terminals send them: characters, and sequences that start with Esc. */
#include "keys.h"

static enum key letter(unsigned char c)
{
	switch (c) {
	case 'q':
	case 'Q':
		return KEY_QUIT;
	case ' ':
	case 'L' & 0x1f:
		return KEY_REFRESH;
	case 's':
		return KEY_SORT;
	case 'r':
		return KEY_REVERSE;
	case 't':
		return KEY_TREE;
	case '+':
		return KEY_SLOWER;
	case '-':
		return KEY_FASTER;
	case '?':
	case 'h':
		return KEY_HELP;
	case 'k':
		return KEY_UP;
	case 'j':
		return KEY_DOWN;
	default:
		return KEY_NONE;
	}
}

/* The key of a sequence, by its last letter or its number. */
static enum key sequence(unsigned char last, unsigned int number)
{
	switch (last) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'H':
		return KEY_HOME;
	case 'F':
		return KEY_END;
	case '~':
		break;
	default:
		return KEY_NONE;
	}
	switch (number) {
	case 1:
	case 7:
		return KEY_HOME;
	case 4:
	case 8:
		return KEY_END;
	case 5:
		return KEY_PAGE_UP;
	case 6:
		return KEY_PAGE_DOWN;
	default:
		return KEY_NONE;
	}
}

enum key keys_next(struct keys *k, unsigned char c)
{
	/* Esc starts a new sequence even inside another one. */
	if (c == 0x1b) {
		*k = (struct keys){ KEYS_ESCAPE, 0 };
		return KEY_NONE;
	}
	if (k->state == KEYS_GROUND)
		return letter(c);
	if (k->state == KEYS_ESCAPE) {
		k->state = c == '[' || c == 'O' ? KEYS_SEQUENCE : KEYS_GROUND;
		return KEY_NONE;
	}
	/* No key of interest has a number above 99. */
	if (c >= '0' && c <= '9' && k->number < 100)
		k->number = 10 * k->number + (c - '0');
	if (c >= 0x20 && c < 0x40)
		return KEY_NONE;
	k->state = KEYS_GROUND;
	return sequence(c, k->number);
}

void keys_idle(struct keys *k)
{
	if (k->state == KEYS_ESCAPE)
		k->state = KEYS_GROUND;
}
