// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parsers against anything: they must not crash, and must agree among
 * themselves. To be built with sanitizers.
 *
 * As a program: fuzz ROUNDS SEED, random changes of some sections. With
 * -fsanitize=fuzzer and -DFUZZER it is a target for libFuzzer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmem/dmem.h"
#include "mutate.h"

static void require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static void count(void *data, const struct dmem_report *r)
{
	require(r->file && r->word && r->what && r->remedy, "a report lacks a part");
	++*(int *)data;
}

/* Reads a quoted word as systemd does: C's escapes, then %%, then $$. */
static void unquote(const char *in, char *out)
{
	for (; *in; in++) {
		if (*in == '\\' || (*in == '%' && in[1] == '%') || (*in == '$' && in[1] == '$'))
			in++;
		*out++ = *in;
	}
	*out = 0;
}

static void check_quoting(const char *s)
{
	size_t n = dmem_quote(NULL, 0, s, false);
	char *q = malloc(n + 1), *back = malloc(n + 1);

	require(q && back, "no memory");
	require(dmem_quote(q, n + 1, s, false) == n && strlen(q) == n, "quote: length");
	unquote(q, back);
	require(!strcmp(back, s), "quote: another text");
	free(q);
	free(back);
}

static void check_names(struct dmem_arena *a, const char *s)
{
	char *e = dmem_escape(a, s), *other, *path = dmem_slice_path(a, s, &other);
	struct dmem_value v;

	require(e && !strpbrk(e, "/ $%\""), "escape: a bad character is left");
	require(!path || (*path != '/' && !strstr(path, "/../") && !strstr(path, "//")),
		"slice: the path leaves the tree");
	require(!other || (path && strlen(other) < strlen(path)), "slice: another path without an escape less");
	if (dmem_unit_is_instance(s))
		require(dmem_unit_with_instance(a, s, "x", 1) != NULL, "no other instance");
	if (!dmem_parse_value(s, &v))
		require(!v.percent || dmem_resolve_value(&v, 1000) <= 1000,
			"more than everything");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dmem_arena arena = { 0 };
	struct dmem_section s;
	struct dmem_unit_limits limits = { 0 };
	int reports = 0;
	char *text;

	require(!dmem_section_parse(&arena, "f", (const char *)data, size, count, &reports, &s),
		"parser: an error without a reason");
	require(s.mistakes == (unsigned int)reports, "parser: a mistake without a report");
	/* The fast check may not miss a section that the parser finds. */
	if (s.present)
		require(dmem_section_hint((const char *)data, size), "hint: a section is missed");
	require(!dmem_unit_limits_add(&arena, &limits, &s, "/usr/libexec/dmem-apply"), "no memory");
	require(!dmem_unit_limits_add(&arena, &limits, &s, "/usr/libexec/dmem-apply"), "no memory");
	for (size_t i = 0; i < limits.n; i++) {
		struct dmem_value v;

		require(!dmem_region_problem(limits.limit[i].region), "caps: a bad region");
		require(!dmem_parse_value(limits.limit[i].value, &v), "caps: a bad value");
	}
	text = dmem_strndup(&arena, (const char *)data, size);
	require(text != NULL, "no memory");
	check_quoting(text);
	check_names(&arena, text);
	for (char *p = text; *p; p++) {
		if (*p == ' ' || *p == '=' || *p == '\n') {
			char *word = dmem_strndup(&arena, p + 1, strcspn(p + 1, " =\n"));

			require(word != NULL, "no memory");
			check_names(&arena, word);
		}
	}
	dmem_arena_free(&arena);
	return 0;
}

#ifndef FUZZER

static const char * const seeds[] = {
	"[X-Dmem]\nDeviceMemoryMax=cma/camera@64000000 24M\nDeviceMemoryMin=dma_heap/linux,cma 12.5%\n",
	("[Service]\nExecStart=/bin/true\nTemporaryFileSystem=/var:ro /usr\nBindPaths=/a:/b:rbind -/c\n"
	 "RootDirectory=/x\nExecCondition=\nSlice=%p-%i.slice\n[X-Dmem]\nDeviceMemoryStrict=yes\n"
	 "DeviceMemoryMinPropagate=yes\n"),
	"\xef\xbb\xbf; c\n[X-Dmem]\nDeviceMemoryLow=\\\n# x\n \"a b\" 'c' \\x41 1T \\\n\nDeviceMemoryLow=\n",
	"[X-Dmen]\nDeviceMemoyMax=%i%%%z max\n[X-Dmem\n", "a-b@c.slice=user-.slice d-e.slice -.slice",
};

static const char * const words[] = {
	"[X-Dmem]\n", "DeviceMemoryMax=", "%", "\\", "\"", "'", "=", " ", "\n", "\\\n", "[", "]", "#",
	"\\x", "\\x00", "99999999999999999999", "18446744073709551615", ":", "/", "..", "@", "-", ".slice",
	"$$", ";",
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
