// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reader of histories against anything, with checksums that are right: it must
 * not crash, and never give a number that it has not named.
 *
 * As a program: fuzz_history ROUNDS SEED. With -fsanitize=fuzzer and -DFUZZER it is a
 * target for libFuzzer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/history/history.h"
#include "mutate.h"

#define BOOT		"01234567-89ab-cdef-0123-456789abcdef"

struct seen {
	unsigned int regions, cgroups;
	bool head, sample, notes;
	unsigned int nodes;
};

static void require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_history: %s\n", what);
	abort();
}

static int on_head(void *data, const struct hist_head *h)
{
	*(struct seen *)data = (struct seen){ .head = true };
	require(strlen(h->boot) == HIST_BOOT && h->page && h->block, "a head without a part");
	return 0;
}

static int on_region(void *data, unsigned int region, const char *name)
{
	struct seen *s = data;

	require(s->head && region == s->regions++ && *name, "a region that is out of order");
	return 0;
}

static int on_cgroup(void *data, unsigned int cgroup, uint64_t life, const char *path)
{
	struct seen *s = data;

	require(s->head && cgroup == s->cgroups++ && life <= UINT64_MAX && path,
		"a cgroup that is out of order");
	return 0;
}

static int on_sample(void *data, uint64_t mono, uint64_t wall)
{
	((struct seen *)data)->sample = true;
	require(mono < DMEM_UNKNOWN && wall < DMEM_UNKNOWN, "no time");
	return 0;
}

static int on_region_figures(void *data, unsigned int region, const uint64_t *v, size_t n)
{
	const struct seen *s = data;

	require(s->sample && region < s->regions && v && n && n <= HIST_R_FIGURES, "no such region");
	return 0;
}

static int on_figures(void *data, unsigned int cgroup, unsigned int region, const uint64_t *v,
		      size_t n)
{
	const struct seen *s = data;

	require(cgroup < s->cgroups, "no such cgroup");
	require(s->sample && region < s->regions && v && n && n <= HIST_FIGURES, "no such region");
	return 0;
}

static int on_gone(void *data, unsigned int cgroup)
{
	require(cgroup < ((struct seen *)data)->cgroups, "no such cgroup has gone");
	return 0;
}

static int on_buffer(void *data, uint64_t ino, int cgroup, unsigned int region, uint64_t size)
{
	const struct seen *s = data;

	require(cgroup >= -1 && cgroup < (int)s->cgroups && region < s->regions, "no such payer");
	require(ino < DMEM_UNKNOWN && size < DMEM_UNKNOWN, "no such buffer");
	return 0;
}

static int on_notes(void *data, uint64_t wall)
{
	*(struct seen *)data = (struct seen){ .notes = true };
	require(wall < DMEM_UNKNOWN, "no time");
	return 0;
}

static int on_node(void *data, const char *path)
{
	struct seen *s = data;

	require(s->notes && *path == '/' && ++s->nodes <= HIST_NODES, "a node that is none");
	return 0;
}

static int on_property(void *data, const char *name, const void *value, size_t len)
{
	const struct seen *s = data;

	require(s->notes && s->nodes && *name && value && len <= HIST_PROPERTY, "a property of nothing");
	return 0;
}

static int on_word(void *data, const char *word)
{
	require(((struct seen *)data)->notes && word, "a word without notes");
	return 0;
}

static int on_noted(void *data)
{
	require(((struct seen *)data)->notes, "the end of no notes");
	return 0;
}

static int on_identity(void *data, uint64_t wall, const struct hist_identity *id)
{
	const char *facts[] = { id->machine, id->host, id->model, id->release };

	require(data && wall < DMEM_UNKNOWN && strlen(id->boot) == HIST_BOOT, "the machine of no boot");
	for (size_t i = 0; i < 4; i++)
		require(!facts[i] || (*facts[i] && strlen(facts[i]) < HIST_FACT), "no fact");
	return 0;
}

static const struct hist_ops ops = {
	.head = on_head, .region = on_region, .cgroup = on_cgroup, .sample = on_sample,
	.region_figures = on_region_figures, .figures = on_figures, .gone = on_gone,
	.buffer = on_buffer, .notes = on_notes, .node = on_node, .property = on_property, .word = on_word,
	.noted = on_noted, .identity = on_identity,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dmem_text t = { 0 };
	struct seen seen = { 0 };
	struct hist_found found, sealed;

	require(!hist_read((const char *)data, size, &ops, &seen, &found), "an error");
	/* The same lines, as the writer would have ended them. */
	for (size_t at = 0; at < size; ) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t n = end ? (size_t)(end - data) - at : size - at;
		struct hist_line l;

		hist_begin(&l, &t, n ? (char)data[at] : 'S');
		hist_add(&l, "%.*s", n ? (int)n - 1 : 0, (const char *)data + at + 1);
		require(!hist_end(&l), "no memory");
		at += n + 1;
	}
	seen = (struct seen){ 0 };
	require(!hist_read(t.s ? t.s : "", t.len, &ops, &seen, &sealed), "an error");
	require(!sealed.torn, "the writer has cut a line");
	dmem_text_free(&t);
	return 0;
}

#ifndef FUZZER

static const char * const seeds[] = {
	"H 1 " BOOT " 1 2 3 4096 4194304 1\nR 0 cma/a\nR 1 heap/b\nC 0 7 a.service\nC 1 9 b%20c\n"
	"S 1 2 r0=1,2,-,4 r1=max c0.1=1,2,3,4,5,6,max,8 b12=1.0,4096 b13=-.1,5\nS 2 3 f12 x0 c1.0=-\nE 5\n",
	"H 2 1\nD / #size-cells=00000001\nD /reserved-memory/a no-map= reg=00ff\nK cma=1M\nN 2\nH 3 new\nS 1 2\nH 1 " BOOT " 0 0 1 1 - 0\nR 0 x\nS 0 0 r0=0\n",
};

static const char * const words[] = {
	"H 1 " BOOT " ", "R ", "C ", "S ", "E ", "D /", "K ", "N ", "H 2 ", "\n", " ", "0", "1", "=", ",", "-", "max", ".", "%", "%0",
	"%20", "18446744073709551613", "18446744073709551614", "r0=", "c0.0=", "b1=", "f", "x", "\0",
};

int main(int argc, char **argv)
{
	static const struct mutate m = {
		.seed = seeds, .n_seeds = sizeof(seeds) / sizeof(*seeds),
		.word = words, .n_words = sizeof(words) / sizeof(*words),
	};

	return mutate_main(argc, argv, &m);
}

#endif
