// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parsers of lsdmem against anything: they must not crash, and must agree among
 * themselves. To be built with sanitizers.
 *
 * As a program: fuzz_look ROUNDS SEED, random changes of some files. With
 * -fsanitize=fuzzer and -DFUZZER it is a target for libFuzzer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/table.h"
#include "cli/text.h"
#include "dmem/look.h"
#include "mutate.h"

static void require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* As it is, in memory of exactly that size. */
static char *copy_of(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	require(s != NULL, "no memory");
	memcpy(s, data, size);
	s[size] = 0;
	return s;
}

static void check_lines(char *text)
{
	char *end = text + strlen(text), *region, *rest;

	while (dmem_next_line(&text, &region, &rest)) {
		uint64_t n = dmem_number(rest);

		require(*region && !strpbrk(region, " \n") && !strchr(rest, '\n'), "line: a bad name");
		require(rest <= end && text <= end, "line: beyond the end");
		require(strcmp(rest, "max") || n == DMEM_NO_LIMIT, "number: max is none");
		require(n == DMEM_NO_LIMIT || n == DMEM_UNKNOWN || n == strtoull(rest, NULL, 10),
			"number: another one");
		dmem_keyed_number(rest, "max");
		dmem_keyed_number(rest, "alloc_fail");
	}
	require(!*text, "line: an end before the end");
}

static void check_dmabufs(char *text)
{
	struct dmem_dmabuf d;
	size_t lines = 1, found = 0;

	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	while (dmem_dmabuf_next(&text, &d)) {
		require(d.size != DMEM_UNKNOWN && d.ino != DMEM_UNKNOWN && d.exporter &&
			!strchr(d.exporter, '\t') && (d.cgroup == DMEM_UNKNOWN) == !d.region &&
			(!d.region || !strchr(d.region, '\n')),
			"bufinfo: half a buffer");
		require(++found <= lines, "bufinfo: more buffers than lines");
	}
	require(!*text, "bufinfo: an end before the end");
}

static void check_fdinfo(char *text)
{
	struct dmem_dmabuf d;

	if (!dmem_dmabuf_fdinfo(text, &d))
		return;
	require(d.size != DMEM_UNKNOWN && d.ino != DMEM_UNKNOWN && d.exporter, "fdinfo: half a buffer");
	require(!strchr(d.exporter, '\n') && (!d.region || !strchr(d.region, '\n')),
		"fdinfo: a text with lines");
}

static void check_map(const char *line)
{
	uint64_t ino, dev;

	if (!dmem_dmabuf_map(line, &ino, &dev))
		return;
	require(dev != DMEM_UNKNOWN && ino != DMEM_UNKNOWN && strstr(line, "/dmabuf:"), "map: of nothing");
}

/* As util-linux writes them: rounded, and no more digits than need be. */
static void check_known_sizes(void)
{
	static const struct {
		uint64_t n;
		const char *text;
	} known[] = {
		{ 0, "0B" }, { 1023, "1023B" }, { 1024, "1K" }, { 1536, "1.5K" }, { 1 << 20, "1M" },
		{ 1047552, "1023K" }, { 1048525, "1M" }, { 1048524, "1023.9K" }, { 1075, "1K" }, { 1076, "1.1K" },
		{ 24 << 20, "24M" }, { (3ull << 30) / 2, "1.5G" }, { 1ull << 60, "1E" },
		{ DMEM_UNKNOWN - 1, "16E" }, { DMEM_NO_LIMIT, "max" }, { DMEM_UNKNOWN, "-" },
	};
	char buf[CLI_SIZE];

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		require(!strcmp(cli_size(buf, known[i].n, false), known[i].text), known[i].text);
}

static void check_size(const char *text)
{
	char buf[CLI_SIZE], bytes[CLI_SIZE];
	uint64_t n = strtoull(text, NULL, 0);

	/* 1023.9G is the longest. */
	require(strlen(cli_size(buf, n, false)) <= 7, "size: too long");
	require(!strchr(buf, '.') || buf[strlen(buf) - 2] != '0', "size: .0");
	if (n < DMEM_UNKNOWN)
		require(strtoull(cli_size(bytes, n, true), NULL, 10) == n, "size: other bytes");
}

static void check_json(const char *text)
{
	const char *words[] = { text, "", text };
	char *array = json_array(words, 3);
	size_t quotes = 0;

	require(array != NULL, "json: no memory");
	for (const char *c = array; *c; c++) {
		require((unsigned char)*c >= 0x20, "json: a bare control character");
		if (*c == '\\')
			c++;
		else
			quotes += *c == '"';
	}
	require(quotes == 6, "json: a text is not closed");
	free(array);
}

/* The printed text is harmless, does not change when it is printed again, and can be decoded to the
 * name. */
static void check_text(const char *text)
{
	for (int reader = TEXT_LOCALE; reader <= TEXT_JSON; reader++) {
		char *once = text_harmless(text, reader), *twice = once ? text_harmless(once, reader) : NULL;
		struct dmem_arena a = { 0 };
		const char *name = dmem_name_decode(&a, text), *back = once ? dmem_name_decode(&a, once) : NULL;

		require(once && twice && name && back, "text: no memory");
		require(!strcmp(once, twice), "text: harmless text is changed");
		require(!strcmp(name, back), "text: the printed name is not the way back");
		for (const char *c = once; *c && reader != TEXT_JSON; c++)
			require((unsigned char)*c >= ' ' && *c != 0x7f, "text: a control character");
		free(once);
		free(twice);
		dmem_arena_free(&a);
	}
}

static void check_known_texts(void)
{
	static const struct {
		const char *text, *locale, *utf8, *json;
	} known[] = {
		{ "app-a\\x2db.scope", "app-a\\x2db.scope", "app-a\\x2db.scope", "app-a\\x2db.scope" },
		{ "a b", "a b", "a b", "a b" },
		{ "\xc3\xbc", "\\xc3\\xbc", "\xc3\xbc", "\xc3\xbc" },
		{ "\x1b[31m\n\x7f", "\\x1b[31m\\x0a\\x7f", "\\x1b[31m\\x0a\\x7f", "\x1b[31m\n\x7f" },
		{ "\xff\xc3", "\\xff\\xc3", "\\xff\\xc3", "\\xff\\xc3" },
		/* CSI of C1, an overlong slash, a surrogate, and the other direction */
		{ "\xc2\x9b", "\\xc2\\x9b", "\\xc2\\x9b", "\xc2\x9b" },
		{ "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf", "\\xc0\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80" },
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae", "\\xe2\\x80\\xae", "\xe2\x80\xae" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const char *want[] = { known[i].locale, known[i].utf8, known[i].json };

		for (int reader = TEXT_LOCALE; reader <= TEXT_JSON; reader++) {
			char *got = text_harmless(known[i].text, reader);

			require(got && !strcmp(got, want[reader]), want[reader]);
			free(got);
		}
	}
}

static void check_columns(const char *text)
{
	static const struct table_column all[] = {
		{ "NAME", "", TABLE_TEXT, 0 }, { "SIZE", "", TABLE_SIZE, 0 },
		{ "EV_MAX", "", TABLE_COUNT, 0 },
	};
	static const int defaults[] = { 0, 1 };
	int ids[TABLE_MAX];
	char *wrong;
	int n = table_columns(all, 3, text, defaults, 2, ids, &wrong);

	require(n == -1 ? wrong != NULL : n >= 1 && n <= 3 && !wrong, "columns: neither right nor wrong");
	for (int i = 0; i < n; i++)
		require(ids[i] >= 0 && ids[i] < 3, "columns: none of ours");
	free(wrong);
}

static void check_path(const char *text)
{
	size_t len;
	const char *unit = dmem_cgroup_unit(text, &len);

	require(!unit || (unit >= text && unit + len <= text + strlen(text) && len), "unit: outside of the path");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void (*const cutting[])(char *) = { check_lines, check_dmabufs, check_fdinfo };
	void (*const looking[])(const char *) = {
		check_map, check_size, check_json, check_text, check_columns, check_path,
	};

	for (size_t i = 0; i < sizeof(cutting) / sizeof(*cutting); i++) {
		char *s = copy_of(data, size);

		cutting[i](s);
		free(s);
	}
	for (size_t i = 0; i < sizeof(looking) / sizeof(*looking); i++) {
		char *s = copy_of(data, size);

		looking[i](s);
		free(s);
	}
	return 0;
}

#ifndef FUZZER

static const char * const seeds[] = {
	"cma/camera@64000000 4096\ncma/linux,cma max\ndrm/0000:03:00.0/vram0 18446744073709551615\n",
	"cma/a max=5 alloc_fail=5 exhausted=0 reserved=1\nheap/system max=0 alloc_fail=0 exhausted=2\n",
	"pos:\t0\nflags:\t02000002\nmnt_id:\t11\nino:\t101\nsize:\t4096\ncount:\t2\nexp_name:\tcamera\n"
	"name:\tframe 0\ndmem_region:\tcma/camera\ndmem_cgroup:\t2718\n",
	"7f0000000000-7f0000400000 rw-s 00000000 00:0b 102                          /dmabuf:frame",
	"\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\tino\tname\n"
	"00004096\t00000002\t00000007\t00000002\tcamera\t00000101\t<none>\n\tAttached Devices:\n\tvivid\n"
	"Total 1 devices attached\n\n\nTotal 1 objects, 4096 bytes\n",
	"name,SIZE,ev_max", "+Name", "1073741823", "0xfffffffffffffffd", "1048575",
	"system.slice/system-getty.slice/getty@tty1.service/x", "user.slice/_cgroup.slice/a-b.scope",
	"\xc3\xa4\xf0\x9f\x98\x80\xed\xa0\x80\xc0\xaf\xff\"\\\x01\x7f",
};

static const char * const words[] = {
	" ", "\n", "\t", "max", "max=", "=", "0", "99999999999999999999", "18446744073709551614", "ino:\t",
	"size:\t", "exp_name:\t", "name:\t", "dmem_cgroup:\t", "/dmabuf:", "<none>", ",", "+", ".slice", "/",
	"\"", "\\", "\xff", "\xe2\x82", "\x1b",
};

int main(int argc, char **argv)
{
	static const struct mutate m = {
		.seed = seeds, .n_seeds = sizeof(seeds) / sizeof(*seeds),
		.word = words, .n_words = sizeof(words) / sizeof(*words),
	};

	check_known_sizes();
	check_known_texts();
	return mutate_main(argc, argv, &m);
}

#endif
