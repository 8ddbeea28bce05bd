/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random changes of texts, to run a target of libFuzzer without libFuzzer. */
#ifndef MUTATE_H
#define MUTATE_H

#include <stddef.h>
#include <stdint.h>

struct mutate {
	const char * const *seed;	/* texts to change, of at most 2000 bytes */
	size_t n_seeds;
	/* Texts to insert, besides single bytes; "" is a zero. */
	const char * const *word;
	size_t n_words;
};

/* The target, defined by each fuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Use it as main() of "fuzz ROUNDS SEED": the same seed makes the same texts. */
int mutate_main(int argc, char **argv, const struct mutate *m);

#endif
