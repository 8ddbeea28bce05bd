// SPDX-License-Identifier: GPL-2.0-or-later
/* The format of histories: a reader returns only records that were written, whatever damage the
 * file has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "histlog.h"

#define BOOT1	"01234567-89ab-cdef-0123-456789abcdef"
#define BOOT2	"ffffffff-0000-1111-2222-333333333333"
static void names(struct dmem_text *t, const char *region, const char *cgroup)
{
	struct hist_line l;
	char title[100];

	snprintf(title, sizeof(title), "region %s is written", region);
	hist_begin(&l, t, 'R');
	hist_add(&l, " 0");
	hist_add_name(&l, region);
	check(!hist_end(&l), title, "no memory");
	snprintf(title, sizeof(title), "a cgroup of region %s is written", region);
	hist_begin(&l, t, 'C');
	hist_add(&l, " 0 42");
	hist_add_name(&l, cgroup);
	check(!hist_end(&l), title, "no memory");
}

static const uint64_t all[HIST_FIGURES] = { 4096, 8192, 1, 2, DMEM_UNKNOWN, 4, DMEM_NO_LIMIT, 0 };
static const uint64_t r_all[HIST_R_FIGURES] = { 1, DMEM_UNKNOWN, 3, DMEM_UNKNOWN - 1 };

/* Two segments of different boots. */
static void two_segments(struct dmem_text *t)
{
	struct hist_head h = { BOOT1, 1700000000000, 5000, 1000, 4096, 4 << 20, true };
	struct hist_line l;

	hist_put_head(t, &h);
	names(t, "cma/camera@64000000", "system.slice/a b%\n\x7f.service");
	hist_begin(&l, t, 'S');
	hist_add(&l, " 5000 1700000000000 r0");
	hist_add_figures(&l, r_all, HIST_R_FIGURES);
	hist_add(&l, " c0.0");
	hist_add_figures(&l, all, HIST_FIGURES);
	hist_add(&l, " b7=0.0,4096 b8=-.0,1");
	hist_end(&l);
	hist_begin(&l, t, 'S');
	hist_add(&l, " 6000 1700000001000 c0.0");
	hist_add_figures(&l, all + 1, 1);
	hist_add(&l, " f7 x0");
	hist_end(&l);
	hist_begin(&l, t, 'E');
	hist_add(&l, " 6500");
	hist_end(&l);
	memcpy(h.boot, BOOT2, HIST_BOOT);
	h.block = DMEM_UNKNOWN;
	h.buffers = false;
	h.mono = 10;
	hist_put_head(t, &h);
	names(t, "heap/system", "x");
	hist_begin(&l, t, 'S');
	hist_add(&l, " 10 1700000100000 c0.0");
	hist_add_figures(&l, all, 1);
	hist_end(&l);
}

static const char segment1[] =
	"head " BOOT1 " wall=1700000000000 mono=5000 every 1000 page=4096 block=4194304 buffers=1\n"
	"region 0 'cma/camera@64000000'\n"
	"cgroup 0 42 'system.slice/a b%\n\x7f.service'\n"
	"sample 5000 1700000000000\n"
	"r0: 1 ? 3 18446744073709551613\n"
	"c0 r0: 4096 8192 1 2 ? 4 none 0\n"
	"buffer 7 c0 r0 4096\n"
	"buffer 8 c-1 r0 1\n"
	"sample 6000 1700000001000\n"
	"c0 r0: 8192\n"
	"freed 7\n"
	"gone 0\n"
	"end 6500\n";
static const char segment2[] =
	"head " BOOT2 " wall=1700000000000 mono=10 every 1000 page=4096 block=0 buffers=0\n"
	"region 0 'heap/system'\n"
	"cgroup 0 42 'x'\n"
	"sample 10 1700000100000\n"
	"c0 r0: 4096\n";

static void round_trip(const struct dmem_text *t)
{
	struct hist_found f;
	char want[8192];

	snprintf(want, sizeof(want), "%s%s", segment1, segment2);
	check_text(histlog(t->s, t->len, &f), want, "what is written is read");
	check(f.records == 10 && !f.bad && !f.torn && !f.newer, "all records are whole",
	      "%zu records, %zu bad", f.records, f.bad);
	check(hist_is(t->s, t->len) && hist_is("", 0) && hist_is("0123", 4), "it is a history", "no");
	check(!hist_is("[Unit]\nDescription", 18) && !hist_is("01234567 S 1", 12) &&
	      !hist_is("0123456z", 8), "something else is none", "it is");
}

/* The machine of a boot, beside the segments. */
static void identity(void)
{
	const struct hist_identity id = {
		BOOT1, .machine = "0123456789abcdef0123456789abcdef", .host = "a b%=c", .release = "7.3.4",
	};
	const struct hist_identity none = { .boot = BOOT1 };
	struct dmem_text t = { 0 };
	struct hist_found f;
	struct hist_line l;
	size_t start;

	two_segments(&t);
	check(!hist_put_identity(&t, 1700000200000, &id), "an identity is written", "no memory");
	check_text(histlog(t.s, t.len, &f) + strlen(segment1) + strlen(segment2),
		   "identity 1700000200000 " BOOT1 " machine=0123456789abcdef0123456789abcdef host=a b%=c model=? "
		   "release=7.3.4\n", "an identity is read");
	check(f.records == 11 && !f.bad && !f.newer, "an identity is one record", "%zu, %zu bad", f.records, f.bad);
	check(!strcmp(hist_identity_first(&id), "machine") && !hist_identity_first(&none), "the first fact", "no");
	start = t.len;
	hist_begin(&l, &t, 'X');
	hist_end(&l);
	histlog(t.s, t.len, &f);
	check(!f.bad && f.newer == 1, "a record of a later version behind an identity is skipped", "%zu bad", f.bad);
	t.len = start;
	hist_begin(&l, &t, 'H');
	hist_add(&l, " 3 5 " BOOT2 " colour=red host=b");
	hist_end(&l);
	check(strstr(histlog(t.s, t.len, &f), "identity 5 " BOOT2 " machine=? host=b model=? release=?\n") && !f.bad,
	      "a fact of a later version is skipped", "%zu bad", f.bad);
	t.len = start;
	for (size_t i = 0; i < 4; i++) {
		static const char * const wrong[] = {
			" 3 5 " BOOT2 " host", " 3 5 " BOOT2 " host=", " 3 5 " BOOT2 " host=a host=b", " 3 5 ff host=a",
		};

		hist_begin(&l, &t, 'H');
		hist_add(&l, "%s", wrong[i]);
		hist_end(&l);
	}
	check(!strstr(histlog(t.s, t.len, &f), "identity 5") && f.bad == 4, "a malformed identity has no effect",
	      "%zu bad", f.bad);
	dmem_text_free(&t);
}

/* Cut anywhere: all whole records before, and not a byte more. */
static void cut_anywhere(const struct dmem_text *t)
{
	size_t whole = 0, wrong = 0;

	for (size_t len = 0; len <= t->len; len++) {
		struct hist_found f, g;
		const char *got, *want;
		size_t end;

		if (len && t->s[len - 1] == '\n')
			whole++;
		end = hist_whole(t->s, len);
		want = histlog(t->s, end, &g);
		got = histlog(t->s, len, &f);
		if (f.records != whole || f.bad || f.torn != (len != end) || strcmp(got, want))
			wrong++;
	}
	check(whole == 10 && !wrong, "cut at any byte, all whole records before it are read",
	      "%zu of %zu lengths are wrong, %zu records", wrong, t->len + 1, whole);
}

/* A flipped bit costs its line and the lines that depend on it, and nothing of other segments. */
static void flip_any_bit(const struct dmem_text *t)
{
	size_t second = (size_t)(strstr(strstr(t->s, " E "), "\n") + 1 - t->s), wrong = 0, tried = 0;
	char *bad = malloc(t->len);

	for (size_t at = 0; at < t->len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			struct hist_found f;
			const char *got;
			size_t from = hist_whole(t->s, at), keep;

			memcpy(bad, t->s, t->len);
			bad[at] ^= (char)(1 << bit);
			got = histlog(bad, t->len, &f);
			tried++;
			/* The other segment whole, and this one up to the line. The end of a
			 * line belongs to the next one, too. */
			if (at == second - 1) {
				wrong += strncmp(got, segment1, strlen(got));
			} else if (at < second) {
				char *line = strstr(got, segment2);

				keep = line ? (size_t)(line - got) : 0;
				wrong += !line || strncmp(got, segment1, keep) || line[strlen(segment2)];
			} else {
				keep = strlen(segment1);
				wrong += strncmp(got, segment1, keep) ||
					 strncmp(got + keep, segment2, strlen(got) - keep);
			}
			wrong += !f.bad && !f.torn;
			/* All before the line is there. */
			got = histlog(bad, from, &f);
			wrong += f.bad || f.torn;
		}
	}
	check(!wrong, "of a damaged file, what does not need the damaged line is read",
	      "%zu of %zu are wrong", wrong, tried);
	free(bad);
}

/* @payload as a line, with a good checksum. */
static void put_line(struct dmem_text *t, const char *payload)
{
	struct hist_line l;

	hist_begin(&l, t, *payload);
	hist_add(&l, "%s", payload + 1);
	hist_end(&l);
}

static void not_ours(void)
{
	static const char head[] = "H 1 " BOOT1 " 1 2 3 4096 - 0";
	static const char * const bad[] = {
		"H 1 " BOOT1 " 1 2 3 0 - 0", "H 1 " BOOT1 " 1 2 3 4096 max 0", "H 1 " BOOT1 " 1 2 3 4096 0 0",
		"H 1 " BOOT1 " 1 2 3 4096 - 2", "H 1 " BOOT1 "0 1 2 3 4096 - 0", "H 1 " BOOT1 " 1 2 3 4096 -",
		"R 1 a", "R 0 ", "R 0 a b", "R 0 a%", "R 0 a%0", "R 0 a%00", "R 0 a%zz", "R 00 a",
		"C 1 1 a", "C 0 a", "C 0 18446744073709551615 a", "S 1", "S 1 2 ", "S 1 2 r0=1", "S 1 2  ",
		"S 1 2 x0", "S 1 2 f", "S 1 2 b1=0.0,1", "S 1 2 q", "S 01 2", "S 1 2 3", "E", "E 1 2", "E -1",
		"Q", "S 18446744073709551616 2",
	};
	size_t wrong = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct dmem_text t = { 0 };
		struct hist_found f;

		put_line(&t, head);
		put_line(&t, bad[i]);
		put_line(&t, "E 9");
		put_line(&t, head);
		put_line(&t, "E 8");
		/* Neither the line is used, nor the lines up to the next segment. */
		if (!strstr(histlog(t.s, t.len, &f), "buffers=0\nhead") || f.records != 3 || f.bad != 2) {
			printf("# %s: %zu records\n", bad[i], f.records);
			wrong++;
		}
		dmem_text_free(&t);
	}
	check(!wrong, "a line that is no record ends its segment", "%zu are read", wrong);
}

static void nothing_of_half(void)
{
	struct dmem_text t = { 0 };
	struct hist_found f;

	put_line(&t, "H 1 " BOOT1 " 1 2 3 4096 - 0");
	put_line(&t, "R 0 a");
	put_line(&t, "S 1 2 r0=1 r1=2");
	check(!strstr(histlog(t.s, t.len, &f), "sample") && f.bad == 1,
	      "of a record that has a mistake, nothing is told", "it was");
	dmem_text_free(&t);
}

static void newer_version(void)
{
	struct dmem_text t = { 0 };
	struct hist_found f;

	put_line(&t, "H 4 something new");
	put_line(&t, "R 0 a");
	put_line(&t, "H 1 " BOOT1 " 1 2 3 4096 - 0");
	put_line(&t, "E 8");
	check_text(histlog(t.s, t.len, &f), "head " BOOT1 " wall=1 mono=2 every 3 page=4096 block=0 "
		   "buffers=0\nend 8\n", "of a later version nothing is read");
	check(f.newer == 2 && !f.bad && f.records == 2, "and that is told", "%zu", f.newer);
	dmem_text_free(&t);
}

/* A reader of version 1 alone takes a segment of notes for one of a later version. */
static void notes(void)
{
	static const char * const bad[] = {
		"H 2", "H 2 x", "H 2 1 2", "R 0 a", "S 1 2", "E 1", "D", "D ", "D x", "D /a b", "D /a b=0", "D /a b=0g",
		"D /a =00", "D /a B=00", "D /a b=00 ", "D /a  b=00", "D /%0 b=", "D /a abcdefghijklmnopqrstuvwxyz-67890=",
		"K", "K a b", "N", "N 1", "N 3", "N 02", "N 2 ",
	};
	struct dmem_text t = { 0 };
	struct hist_found f;
	struct hist_line l;
	size_t wrong = 0;

	hist_put_notes_head(&t, 1700000000000);
	put_line(&t, "D /");
	hist_begin(&l, &t, 'D');
	hist_add_name(&l, "/reserved-memory/a b%\n");
	hist_add_property(&l, "#size-cells", "\0\0\0\1", 4);
	hist_add_property(&l, "no-map", "", 0);
	hist_end(&l);
	hist_begin(&l, &t, 'K');
	hist_add_name(&l, "cma=64M");
	hist_end(&l);
	put_line(&t, "N 2");
	put_line(&t, "H 1 " BOOT1 " 1 2 3 4096 - 0");
	put_line(&t, "D /");
	check_text(histlog(t.s, t.len, &f), "notes 1700000000000\nnode '/'\nnode '/reserved-memory/a b%\n'\n"
		   "property #size-cells 0 0 0 1\nproperty no-map\nword 'cma=64M'\nnoted\n"
		   "head " BOOT1 " wall=1 mono=2 every 3 page=4096 block=0 buffers=0\n", "notes are read");
	check(f.records == 6 && f.bad == 1, "and in their segment only", "%zu, %zu", f.records, f.bad);
	dmem_text_free(&t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put_line(&t, "H 2 1");
		put_line(&t, "D /a b=00");
		put_line(&t, "D /b");
		put_line(&t, bad[i]);
		put_line(&t, "N 2");
		wrong += strstr(histlog(t.s, t.len, &f), "noted") || f.records != 3 || f.bad != 2;
		if (wrong)
			printf("# %s: %zu records\n", bad[i], f.records);
		dmem_text_free(&t);
	}
	check(!wrong, "notes with a line that is none are not complete", "%zu are", wrong);
	put_line(&t, "H 2 1");
	for (int i = 0; i < HIST_NODES + 1; i++)
		put_line(&t, "D /a");
	histlog(t.s, t.len, &f);
	check(f.records == HIST_NODES + 1 && f.bad == 1, "there is an end to nodes", "%zu", f.records);
	dmem_text_free(&t);
	put_line(&t, "H 2 1");
	hist_begin(&l, &t, 'D');
	hist_add(&l, " /");
	hist_add_property(&l, "reg", all, sizeof(all));
	hist_add(&l, " reg=%0*d", 2 * HIST_PROPERTY, 0);
	hist_end(&l);
	check(!strstr(histlog(t.s, t.len, &f), "error") && !f.bad, "a property of the largest size", "%zu", f.bad);
	hist_begin(&l, &t, 'D');
	hist_add(&l, " /a reg=%0*d", 2 * HIST_PROPERTY + 2, 0);
	hist_end(&l);
	histlog(t.s, t.len, &f);
	check(f.bad == 1, "and none that is larger", "%zu", f.bad);
	dmem_text_free(&t);
}

static int refuse(void *data, uint64_t mono)
{
	(void)data;
	return mono == 6500 ? -7 : 0;
}

static void an_op_ends_it(const struct dmem_text *t)
{
	const struct hist_ops one = { .end = refuse };
	struct hist_found f;
	int ret = hist_read(t->s, t->len, &one, NULL, &f);

	check(ret == -7 && f.records == 6,
	      "an op ends the reader", "%zu records", f.records);
}

int main(void)
{
	struct dmem_text t = { 0 };

	tap_start();
	two_segments(&t);
	RUN(round_trip, &t);
	RUN(cut_anywhere, &t);
	RUN(flip_any_bit, &t);
	RUN(not_ours);
	RUN(nothing_of_half);
	RUN(newer_version);
	RUN(notes);
	RUN(identity);
	RUN(an_op_ends_it, &t);
	dmem_text_free(&t);
	return tap_end();
}
