/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random changes of some texts, for a target of libFuzzer without libFuzzer. */
#ifndef MUTATE_H
#define MUTATE_H

#include <stddef.h>
#include <stdint.h>

struct mutate {
	const char * const *seed;	/* what is changed, of at most 2000 bytes */
	size_t n_seeds;
	/* What is put in, besides single bytes; "" is a zero. */
	const char * const *word;
	size_t n_words;
};

/* The target; each fuzzer has its own. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As main() of "fuzz ROUNDS SEED": the same seed gives the same texts. */
int mutate_main(int argc, char **argv, const struct mutate *m);

#endif
