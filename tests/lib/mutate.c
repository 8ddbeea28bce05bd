// SPDX-License-Identifier: GPL-2.0-or-later
/* Random changes of texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutate.h"

#define MAX_TEXT	2000

static size_t pick(unsigned long *state, size_t n)
{
	*state = *state * 6364136223846793005UL + 1442695040888963407UL;
	return (size_t)(*state >> 33) % n;
}

/* Inserts as much of the text as fits. Returns the new length. */
static size_t put_in(char *buf, size_t n, size_t at, const char *text, size_t len)
{
	if (n + len > MAX_TEXT)
		return n;
	memmove(buf + at + len, buf + at, n - at);
	memcpy(buf + at, text, len);
	return n + len;
}

static size_t change(const struct mutate *m, unsigned long *state, char *buf, size_t n)
{
	size_t at = pick(state, n + 1), len;
	char copy[MAX_TEXT];
	const char *w;

	switch (pick(state, 5)) {
	case 0:
		if (at < n)
			buf[at] = (char)pick(state, 256);
		return n;
	case 1:
		len = pick(state, n - at + 1);
		memmove(buf + at, buf + at + len, n - at - len);
		return n - len;
	case 2:
		len = pick(state, n - at + 1);
		memcpy(copy, buf + at, len);
		return put_in(buf, n, pick(state, n + 1), copy, len);
	default:
		w = m->word[pick(state, m->n_words)];
		return put_in(buf, n, at, w, *w ? strlen(w) : 1);
	}
}

int mutate_main(int argc, char **argv, const struct mutate *m)
{
	long rounds = argc > 1 ? atol(argv[1]) : 1000;
	unsigned long state = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;

	for (long r = 0; r < rounds; r++) {
		const char *seed = m->seed[pick(&state, m->n_seeds)];
		size_t n = strlen(seed);
		char buf[MAX_TEXT], *exact;

		memcpy(buf, seed, n);
		for (size_t i = pick(&state, 8); i; i--)
			n = change(m, &state, buf, n);
		/* A buffer of the exact size, so that a sanitizer detects each read behind it. */
		exact = malloc(n ? n : 1);
		if (!exact) {
			fprintf(stderr, "fuzz: no memory\n");
			return 1;
		}
		memcpy(exact, buf, n);
		LLVMFuzzerTestOneInput((const uint8_t *)exact, n);
		free(exact);
	}
	return 0;
}
