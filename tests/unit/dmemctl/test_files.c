// SPDX-License-Identifier: GPL-2.0-or-later
/* Histories that are compressed, damaged, or in two files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmemctl/history/unpack.h"
#include "past.h"
#include "tap.h"

#define CAM	"cma/camera@64000000"
#define MIB	(1024 * 1024ull)
#define SAMPLES	400

static const char *dmemctl, *top;

static const struct format {
	const char *program, *suffix;
} formats[] = { { "gzip", ".gz" }, { "zstd", ".zst" }, { "xz", ".xz" } };

#define FORMATS	(sizeof(formats) / sizeof(*formats))

/* Runs "dmemctl plan" on files of the test's directory. */
static int plan(const char *words)
{
	char script[12000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	snprintf(script, sizeof(script), "cd '%s' && exec '%s' plan %s", tap_path(""), dmemctl, words);
	return run(argv);
}

static void shell(const char *command)
{
	char script[12000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	snprintf(script, sizeof(script), "cd '%s' && { %s; }", tap_path(""), command);
	if (run(argv)) {
		printf("Bail out! %s: %s\n", command, get("err"));
		exit(2);
	}
}

static void pack(const char *program, const char *name)
{
	char command[1000];

	snprintf(command, sizeof(command), "%s -f -k '%s'", program, name);
	shell(command);
}

/* A history of one boot, of which the second half is in another segment. */
static void make(const char *name, uint64_t from, uint64_t n)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", from * 1000, 1000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 7, "system.slice/a.service");
	past_look(&t, from * 1000, "r0=%llu,0,-,%llu c0.0=%llu,%llu", MIB, 40 * MIB, MIB, MIB);
	/* Figures that compress badly, so that a piece of the file has many of them. */
	for (uint64_t i = 1; i < n; i++) {
		uint64_t size = (i * 2654435761u % 3000 + 1) * 4096;

		past_look(&t, (from + i) * 1000, "r0=%llu c0.0=%llu,%llu", (unsigned long long)size,
			  (unsigned long long)size, 12 * MIB);
	}
	past_write(&t, name);
}

static unsigned int samples(void)
{
	const char *at = strstr(get("out"), "\"samples\":");

	return at ? (unsigned int)atoi(at + 10) : 0;
}

static void same_plan(void)
{
	static char want[1 << 16];

	tap_dir(top);
	make("plain", 0, SAMPLES);
	plan("plain");
	snprintf(want, sizeof(want), "%s", get("out"));
	for (size_t i = 0; i < FORMATS; i++) {
		char name[64];

		tap_case("%s", formats[i].program);
		pack(formats[i].program, "plain");
		snprintf(name, sizeof(name), "plain%s", formats[i].suffix);
		check(!plan(name) && !*get("err"), "a compressed history is read", "%s", get("err"));
		check_text(get("out"), want, "the plan is that of the plain one");
		snprintf(name, sizeof(name), "mv plain%s other", formats[i].suffix);
		shell(name);
		check(!plan("other") && !strcmp(get("out"), want), "its name does not matter", "%s", get("err"));
	}
	tap_case("%s", "");
}

/* Each combination is one history, and each file is read once. */
static void two_files(void)
{
	static const char * const names[] = { "", ".gz", ".zst", ".xz" };

	for (size_t i = 0; i < 16; i++) {
		const char *new = names[i % 4], *old = names[i / 4];
		char words[100];

		tap_case("h%s, h.1%s", new, old);
		tap_dir(top);
		make("d/h.1", 0, 100);
		make("d/h", 100, 100);
		for (size_t k = 0; k < FORMATS; k++) {
			if (!strcmp(new, formats[k].suffix))
				pack(formats[k].program, "d/h"), unlink(tap_path("d/h"));
			if (!strcmp(old, formats[k].suffix))
				pack(formats[k].program, "d/h.1"), unlink(tap_path("d/h.1"));
		}
		snprintf(words, sizeof(words), "--json d/h%s", new);
		check(!plan(words) && strstr(get("out"), "{\"histories\":1,") && samples() == 200,
		      "the older part is read with the file", "%u samples: %s", samples(), get("err"));
		check(!plan("--json d") && strstr(get("out"), "{\"histories\":1,") && samples() == 200,
		      "in a directory, too", "%u samples: %s", samples(), get("err"));
	}
	tap_case("%s", "");
}

/* Cut anywhere, the samples before are read, and a line names the file. */
static void cut_off(void)
{
	for (size_t i = 0; i < FORMATS; i++) {
		unsigned int wrong = 0, some = 0, none = 0;
		char name[64], cut[200], text[100];
		struct stat st;

		tap_case("%s", formats[i].program);
		tap_dir(top);
		make("h", 0, SAMPLES);
		pack(formats[i].program, "h");
		snprintf(name, sizeof(name), "h%s", formats[i].suffix);
		stat(tap_path(name), &st);
		snprintf(text, sizeof(text), "c%s: damaged", formats[i].suffix);
		for (off_t len = 1; len <= 8; len++) {
			int ret;

			snprintf(cut, sizeof(cut), "head -c %lld %s >c%s", (long long)(st.st_size * len / 8 - 1), name,
				 formats[i].suffix);
			shell(cut);
			snprintf(cut, sizeof(cut), "--json c%s", formats[i].suffix);
			ret = plan(cut);
			if (!strstr(get("err"), text) || samples() > SAMPLES)
				wrong++;
			else if (!ret && samples() && strstr(get("err"), "cut off: only the first "))
				some++;
			else if (ret == 1 && strstr(get("err"), " finds no text in it"))
				none++;
			else
				wrong++;
		}
		/* zstd and xz write blocks: this history is one. */
		check(!wrong && some + none == 8 && (some >= 7 || i), "a file that is cut off", "%u read, %u not, %u wrong: %s",
		      some, none, wrong, get("err"));
	}
	tap_case("%s", "");
}

static void flipped_bits(void)
{
	for (size_t i = 0; i < FORMATS; i++) {
		unsigned int wrong = 0, told = 0;
		char name[64], bad[64];
		static char text[1 << 16];
		size_t len;
		FILE *o;

		tap_case("%s", formats[i].program);
		tap_dir(top);
		make("h", 0, SAMPLES);
		pack(formats[i].program, "h");
		snprintf(name, sizeof(name), "h%s", formats[i].suffix);
		snprintf(bad, sizeof(bad), "--json b%s", formats[i].suffix);
		o = fopen(tap_path(name), "r");
		len = o ? fread(text, 1, sizeof(text), o) : 0;
		if (o)
			fclose(o);
		for (size_t k = 0; k < 20; k++) {
			size_t at = (k * 2654435761u + 5) % len;
			int ret;

			text[at] ^= (char)(1 << k % 8);
			o = fopen(tap_path(bad + 7), "w");
			fwrite(text, 1, len, o);
			fclose(o);
			text[at] ^= (char)(1 << k % 8);
			ret = plan(bad);
			wrong += ret < 0 || ret > 1 || samples() > SAMPLES;
			/* Some bits mean nothing, such as a time in the header. */
			told += *get("err") != 0;
		}
		check(!wrong && told >= 15, "damage is found", "%u wrong, %u of 20 told", wrong, told);
	}
	tap_case("%s", "");
}

static void not_ours(void)
{
	tap_dir(top);
	make("h", 0, 10);
	put("d/letter", "Dear reader, this is no history.\n");
	put("d/empty", "%s", "");
	pack("gzip", "d/letter");
	pack("xz", "d/empty");
	check(plan("d/letter.gz") == 1 && strstr(get("err"), "d/letter.gz: not a history"),
	      "a compressed letter is not a history", "%s", get("err"));
	check(plan("d/empty.xz") == 1 && strstr(get("err"), "d/empty.xz: damaged: xz finds no text in it"),
	      "nor is nothing", "%s", get("err"));
	check(plan("d") == 1 && strstr(get("err"), "no history found: 4 other files skipped"),
	      "they are skipped in a directory", "%s", get("err"));
	check(!plan("--json h d") && samples() == 10, "beside a history", "%s", get("err"));
	shell("cp h i && ln -s i.1 i.1");
	check(!plan("--json i") && samples() == 10 && strstr(get("err"), "i: its older part is not read: Too many levels"),
	      "an older part that cannot be read", "%s", get("err"));
	make("e/h.1", 0, 10);
	mkdir(tap_path("e/h"), 0755);
	check(!plan("--json e") && samples() == 10, "a directory is not continued by a history", "%s", get("err"));
}

static bool reads(const char *words, unsigned int histories, unsigned int want)
{
	char start[64];

	snprintf(start, sizeof(start), "{\"histories\":%u,", histories);
	return !plan(words) && strstr(get("out"), start) && samples() == want && !*get("err");
}

/* A link could lead to a file that is read anyway, or to the directory itself. */
static void links(void)
{
	tap_dir(top);
	make("d/h", 0, 10);
	shell("ln -s h d/latest && ln -s . d/s && ln -s nowhere d/t && ln -s d e");
	check(reads("--json d", 1, 10), "links below a directory are not followed", "%s%s", get("out"), get("err"));
	check(reads("--json e", 1, 10) && reads("--json d/latest", 1, 10) && reads("--json d/s", 1, 10),
	      "a link that is named is followed", "%s%s", get("out"), get("err"));
	make("f", 0, 10);
	shell("rm d/h");
	make("d/h", 10, 10);
	shell("ln -s ../f d/h.1");
	check(reads("--json d", 1, 10) && reads("--json d/h", 1, 20), "nor are those to the older part of a history",
	      "%u samples: %s", samples(), get("err"));
	shell("rm d/h d/h.1 && cp f d/h.1 && ln -s ../f d/h");
	check(reads("--json d", 1, 10), "an older part is read without a link to the other one", "%u samples: %s", samples(),
	      get("err"));
	shell("rm d/h.1");
	check(plan("d") == 1 && strstr(get("err"), "no history found: 4 other files skipped"), "links count as skipped", "%s",
	      get("err"));
}

static void surroundings(void)
{
	tap_dir(top);
	make("h", 0, 10);
	pack("gzip", "h");
	pack("zstd", "h");
	pack("xz", "h");
	setenv("XZ_OPT", "--no-such-option", 1);
	setenv("XZ_DEFAULTS", "--no-such-option", 1);
	setenv("GZIP", "--no-such-option", 1);
	for (size_t i = 0; i < FORMATS; i++) {
		char words[64];

		tap_case("%s", formats[i].program);
		snprintf(words, sizeof(words), "h%s", formats[i].suffix);
		check(!plan(words) && !*get("err"), "variables do not change the arguments", "%s", get("err"));
	}
	tap_case("%s", "");
	unsetenv("XZ_OPT");
	unsetenv("XZ_DEFAULTS");
	unsetenv("GZIP");
	setenv("PATH", "/nowhere", 1);
	check(plan("h.zst") == 1 && strstr(get("err"), "h.zst: the program zstd is missing: install it, or"),
	      "a missing program is named", "%s", get("err"));
	put("p/zstd", "#!/bin/sh\n");
	chmod(tap_path("p/zstd"), 0644);
	setenv("PATH", tap_path("p"), 1);
	check(plan("h.zst") == 1 && strstr(get("err"), "h.zst: cannot run the program zstd: Permission denied: repair it, or"),
	      "one that cannot be run is not missing", "%s", get("err"));
	put("p/zstd", "#!/bin/sh\nexit 127\n");
	chmod(tap_path("p/zstd"), 0755);
	check(plan("h.zst") == 1 && strstr(get("err"), "h.zst: damaged: zstd finds no text in it"),
	      "nor is one that fails, whatever its status is", "%s", get("err"));
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("TMPDIR", "/proc/nowhere", 1);
	check(plan("h.gz") == 1 && strstr(get("err"), "h.gz: cannot write its text to a temporary file in /proc/nowhere: No such") &&
	      strstr(get("err"), "set TMPDIR"), "a directory that cannot be written is named", "%s", get("err"));
	setenv("TMPDIR", tap_path("t"), 1);
	mkdir(tap_path("t"), 0755);
	check(!plan("h.gz") && !rmdir(tap_path("t")), "nothing is left in it", "%s", get("err"));
	unsetenv("TMPDIR");
}

static int unpack_it(const char *name, uint64_t max, struct unpacked *u, off_t *size)
{
	int from = open(tap_path(name), O_RDONLY | O_CLOEXEC), why = 0, ret;
	int to = open(tap_path("text"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char start[UNPACK_MAGIC] = "";
	const char *program;
	struct stat st;

	if (pread(from, start, sizeof(start), 0) < 0)
		return -errno;
	program = unpack_program(start, sizeof(start));
	ret = program ? unpack(program, from, to, 100, max, u, &why) : -ENOENT;
	fstat(to, &st);
	*size = st.st_size;
	close(from);
	close(to);
	return ret;
}

/* A small file can have any amount of text. */
static void bombs(void)
{
	struct unpacked u;
	off_t size;

	tap_dir(top);
	make("h", 0, 10);
	for (size_t i = 0; i < FORMATS; i++) {
		char command[200], name[64];
		int ret;

		tap_case("%s", formats[i].program);
		snprintf(name, sizeof(name), "bomb%s", formats[i].suffix);
		snprintf(command, sizeof(command), "{ cat h; head -c 8000000 /dev/zero; } | %s -c >%s", formats[i].program, name);
		shell(command);
		ret = unpack_it(name, 100000, &u, &size);
		check(ret == -EFBIG && size <= 100100, "the text ends at the bound", "%d, %lld bytes", ret, (long long)size);
		ret = unpack_it(name, 10000000, &u, &size);
		check(!ret && !u.damaged && u.size > 8000000 && (uint64_t)size == u.size + 100, "below it, all is text",
		      "%d, %lld bytes", ret, (long long)size);
		snprintf(command, sizeof(command), "head -c 8000000 /dev/zero | %s -c >%s", formats[i].program, name);
		shell(command);
		ret = unpack_it(name, 10000000, &u, &size);
		check(ret == -EBADMSG && !size, "of other files nothing is written", "%d, %lld bytes", ret, (long long)size);
	}
	tap_case("%s", "");
}

/* The text would have to fit in memory. */
static void long_lines(void)
{
	struct dmem_text t = { 0 };

	tap_dir(top);
	make("whole", 0, 10);
	past_head(&t, "aaaaaaaa", 0, 1000, false);
	t.s[--t.len] = 0;
	past_write(&t, "long");
	shell("cp long h && truncate -s 140000000 h && cp whole i && tail -c 1 whole >>h && truncate -s 100000000 i && "
	      "cat whole >>i");
	check(plan("h") == 1 && strstr(get("err"), "h: not a history: it has a line of more than 128M"),
	      "a line that is too long for memory", "%s", get("err"));
	check(!plan("--json i") && samples() == 10, "a shorter one is damage", "%u samples: %s", samples(), get("err"));
}

/* After a crash or with a full disk, there may be nothing in the file that continues the older part. */
static void empty_file(void)
{
	tap_dir(top);
	make("d/h.1", 0, 100);
	put("d/h", "%s", "");
	check(!plan("--json d/h") && samples() == 100 && strstr(get("err"), "d/h: not a history: only its older part is read"),
	      "the older part is read without the file", "%u samples: %s", samples(), get("err"));
	check(!plan("--json d") && samples() == 100, "in a directory, too", "%u samples: %s", samples(), get("err"));
	shell("printf '\\037\\213 damaged' >d/h");
	check(!plan("--json d/h") && samples() == 100 && strstr(get("err"), "gzip finds no text in it"),
	      "and beside a damaged file", "%u samples: %s", samples(), get("err"));
}

/* A caller may have closed descriptors, and may ignore the ends of its children. */
static void callers(void)
{
	static const char * const given[] = {
		"%s plan --json h.%s <&-", "%s plan --json h.%s <&- 2>&-", "exec env --ignore-signal=CHLD %s plan --json h.%s",
	};
	char command[9000];

	tap_dir(top);
	make("h", 0, 10);
	pack("gzip", "h");
	pack("zstd", "h");
	pack("xz", "h");
	for (size_t i = 0; i < FORMATS; i++) {
		for (size_t k = 0; k < sizeof(given) / sizeof(*given); k++) {
			const char *argv[] = { "/bin/sh", "-c", command, NULL };
			size_t len = (size_t)snprintf(command, sizeof(command), "cd '%s' && ", tap_path(""));

			snprintf(command + len, sizeof(command) - len, given[k], dmemctl, formats[i].suffix + 1);
			tap_case("%s, %zu", formats[i].program, k);
			check(!run(argv) && samples() == 10 && !*get("err"), "the file is read, and is not damaged", "%s",
			      get("err"));
		}
	}
	tap_case("%s", "");
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: test_files DMEMCTL DIR\n");
		return 2;
	}
	dmemctl = argv[1];
	top = argv[2];
	tap_start();
	RUN(same_plan);
	RUN(two_files);
	RUN(cut_off);
	RUN(flipped_bits);
	RUN(not_ours);
	RUN(links);
	RUN(surroundings);
	RUN(bombs);
	RUN(long_lines);
	RUN(empty_file);
	RUN(callers);
	return tap_end();
}
