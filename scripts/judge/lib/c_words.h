/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The identifiers of C code, with the function that each is in.
 *
 * This is a tokenizer, not a parser: it needs neither headers nor a configuration, so it
 * sees the code of all architectures and options. Comments, strings and "#if 0" are left
 * out. Of "#if ... #else" it reads both branches, and continues behind the second one at
 * the depth of braces where the first one began.
 *
 * Rust has no such functions here: each word is in a function "rust".
 */
#ifndef JUDGE_C_WORDS_H
#define JUDGE_C_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct c_word {
	const char *s;		/* not terminated */
	size_t len;
	int line;
	/*
	 * The function, macro or initialized variable that has the word; "" outside of
	 * all, as in a declaration. Valid during the call.
	 */
	const char *function;
	bool called;		/* "(" follows */
	int round;		/* "(" that are open, without that one */
};

/* Calls f() with each identifier of the text, in its order. */
void c_words(const char *text, size_t len, void (*f)(void *arg, const struct c_word *w), void *arg);
void rust_words(const char *text, size_t len, void (*f)(void *arg, const struct c_word *w), void *arg);

#endif
