// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_progress PROGRESS DIRECTORY - tests that progress counts files, keeps the log of
 * the build and reports its failure
 */
#include <stdio.h>

#include "judge_test.h"

/* A build of @n files. */
#define BUILD(n)	"i=0; while [ $i -lt " n " ]; do echo \"  CC      $i.o\"; i=$((i + 1)); done"

static const struct test {
	const char *name, *count;
	const char *command;	/* of the shell */
	int status;
	const char *prints;	/* with "=" in front, all of the output */
	const char *log;	/* expected, or NULL */
	const char *new_count;	/* expected */
} tests[] = {
	{ "an estimate, where no build was complete", NULL, BUILD("3"), 0, "t: 3 of 7 files, 0m0", NULL, "" },
	{ "the count of the last complete build", "200\n", BUILD("3"), 0, "t: 3 of 200 files, 0m0", NULL,
	  "200\n" },
	{ "fewer files than the last time", "200\n", BUILD("150"), 0, "t: 150 of 200 files, 0m0", NULL,
	  "200\n" },
	{ "more files than the last time", "200\n", BUILD("201"), 0, "t: 201 files, 0m0", NULL, "201\n" },
	{ "as many files as a complete build has", NULL, BUILD("100"), 0, "t: 100 files, 0m0", NULL, "100\n" },
	{ "fewer files than a complete build has", NULL, BUILD("99"), 0, "t: 99 files, 0m0", NULL, "" },
	{ "a failed build does not count", NULL, BUILD("150") "; exit 1", 1, "t: 150 files", NULL, "" },
	{ "lines of a compiler", NULL,
	  "echo '  CC  a'; echo '  AS  b'; echo '  HOSTCC  c'; echo '  LD  d'; echo ' CC  e'",
	  0, "t: 3 of 7 files", "  CC  a\n  AS  b\n  HOSTCC  c\n  LD  d\n CC  e\n", "" },
	{ "a line in two pieces", NULL, "printf '  C'; sleep 0.1; echo 'C  a'; printf '  CC  b'", 0,
	  "t: 1 of 7 files",
	  "  CC  a\n  CC  b", "" },
	{ "a line longer than the buffer", NULL, "printf '%5000d\\n  CC  a\\n' 1", 0, "t: 1 of 7 files", NULL,
	  "" },
	{ "nothing to compile", NULL, "echo done; echo error >&2", 0, "=", "done\nerror\n", "" },
	{ "the first error", NULL,
	  "echo a; echo 'b.c: error: x'; echo 'c.c: error: y'; echo 'make: *** Error 1'; exit 2", 1,
	  "=error: the build failed: b.c: error: x (log: log)\n", NULL, "" },
	{ "an error of the compiler after one of make", NULL,
	  "echo 'make: *** Error 1'; echo 'b.c: error: x'; exit 2", 1,
	  "=error: the build failed: b.c: error: x (log: log)\n", NULL, "" },
	{ "a full disk", NULL, "echo 'b.c: error: x'; echo 'as: No space left on device'; exit 1", 1,
	  "=error: the build failed: as: No space left on device: free some space, "
	  "or set DMEM_CACHE= to a larger disk (log: log)\n",
	  NULL, "" },
	{ "killed", NULL, "kill -9 $$", 1, "=error: the build failed: no error in its output (log: log)\n",
	  NULL, "" },
};

static bool one(const struct place *place, size_t i, const char **name)
{
	const struct test *t = &tests[i];
	bool all = *t->prints == '=';
	char cmd[4096];

	*name = t->name;
	put_file(place->dir, "count", t->count);
	put_file(place->dir, "build", t->command);
	snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' t log count 7 sh build 2>&1", place->dir, place->program);
	if (!prints(cmd, t->status, t->prints + all, all))
		return false;
	snprintf(cmd, sizeof(cmd), "cat '%s/count' 2>/dev/null; :", place->dir);
	if (!prints(cmd, 0, t->new_count, true))
		return false;
	snprintf(cmd, sizeof(cmd), "cat '%s/log'", place->dir);
	return !t->log || prints(cmd, 0, t->log, true);
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, sizeof(tests) / sizeof(tests[0]), NULL, one);
}
