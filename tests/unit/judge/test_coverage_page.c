// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_coverage_page COVERAGE_PAGE DIRECTORY - tests that coverage_page computes the shares of
 * boards from the classes of places
 */
#include <stdbool.h>
#include <stdio.h>

#include "judge_test.h"

#define PLACES \
	"call get\n" \
	"through 9 ops drivers/vb2.c\n" \
	"charged 1 drivers/vb2.c queues\n" \
	"open 2 drivers/codec.c tables\n" \
	"charged 1 drivers/codec.c:user references\n" \
	"open 3 kernel/pool.c pools\n" \
	"fixed 40 drivers/net/ rings\n" \
	"fixed 1 drivers/probe.c:probe firmware\n" \
	"driver vb cma drivers/vb2.c\n" \
	"driver cod@x,y cma drivers/codec.c\n" \
	"driver pool device kernel/pool.c\n"
#define SUM(n, all)	"\nLoads of which at least 95 % are charged: " #n " of " #all ".\n"
#define HEAD		"| load | MiB | charged | not charged |\n|---|---|---|---|\n"

static const struct test {
	const char *name, *section, *boards;
	int status;
	const char *says;	/* with "=" in front, all of the output */
} tests[] = {
	{ "all is charged", "boards", "board A\nuse 2 512 ops queues\nuse 1 2048 drivers/codec.c:user references\n", 0,
	  "=" HEAD "| A | 3.0 | 100 % | – |\n" SUM(1, 1) },
	{ "a part is charged", "boards", "board A\nuse 19 1024 ops queues\nuse 1 1025 drivers/codec.c more, tables\n", 0,
	  "=" HEAD "| A | 20.0 | 94 % | more, tables (`codec.c`), 1.0 MiB |\n" SUM(0, 1) },
	{ "nothing is charged", "boards", "board A B\nuse 1 1024 drivers/codec.c x\nuse 2 1024 drivers/codec.c y\n", 0,
	  "=" HEAD "| A B | 3.0 | 0 % | x (`codec.c`), 1.0 MiB; y (`codec.c`), 2.0 MiB |\n" SUM(0, 1) },
	{ "a pool that is not charged", "boards", "board A\nuse 1 1024 ops+kernel/pool.c x\n", 0,
	  "=" HEAD "| A | 1.0 | 0 % | x (`pool.c`), 1.0 MiB |\n" SUM(0, 1) },
	{ "a driver that is not charged, in a pool that is", "boards", "board A\nuse 1 1024 drivers/codec.c+ops x\n", 0,
	  "=" HEAD "| A | 1.0 | 0 % | x (`codec.c`), 1.0 MiB |\n" SUM(0, 1) },
	{ "two boards", "boards", "# text\n\nboard A\nuse 1 1024 ops x\nboard B\nuse 1 1024 ops y\n", 0,
	  "=" HEAD "| A | 1.0 | 100 % | – |\n| B | 1.0 | 100 % | – |\n" SUM(2, 2) },
	{ "less than a MiB", "boards", "board A\nuse 1 1023 drivers/codec.c y\n", 0, "| A | 1.0 | 0 % | y (`codec.c`), 1023 KiB |\n" },
	{ "exactly 95 %", "boards", "board A\nuse 19 1024 ops x\nuse 1 1024 drivers/codec.c y\nboard B\nuse 1 1 drivers/codec.c z\n", 0,
	  SUM(1, 2) },
	{ "a place of the driver itself", "boards", "board A\nuse 1 1024 drivers/probe.c:probe x\n", 2,
	  "boards:2: drivers/probe.c:probe is \"fixed\": only \"charged\" and \"open\" count" },
	{ "an unknown place", "boards", "board A\nuse 1 1024 drivers/gone.c x\n", 2, "boards:2: drivers/gone.c is no place of places" },
	{ "an unknown function", "boards", "board A\nuse 1 1024 drivers/codec.c:gone x\n", 2,
	  "boards:2: drivers/codec.c:gone is no place of places" },
	{ "a file of a directory's rule", "boards", "board A\nuse 1 1024 drivers/net/a.c x\n", 2,
	  "boards:2: drivers/net/a.c is no place of places" },
	{ "no size", "boards", "board A\nuse 1 0 ops x\n", 2, "boards:2: no number: 0" },
	{ "a negative number", "boards", "board A\nuse -1 1 ops x\n", 2, "boards:2: no number: -1" },
	{ "no text", "boards", "board A\nuse 1 1 ops\n", 2, "boards:2: expected: use COUNT SIZE PLACE TEXT" },
	{ "a use without a board", "boards", "use 1 1 ops x\n", 2, "boards:1: expected \"board\"" },
	{ "a board without a use", "boards", "board A\nboard B\nuse 1 1 ops x\n", 2, "boards: board A has no \"use\"" },
	{ "no boards", "boards", "# none\n", 2, "boards has no boards" },
	{ "classes", "classes", "board A\nuse 1 1 ops x\n", 0,
	  "=| class | lines | calls |\n|---|---|---|\n| charged | 2 | 2 |\n| open | 2 | 5 |\n| fixed | 2 | 41 |\n| admin | 0 | 0 |\n"
	  "| pages | 0 | 0 |\n| space | 0 | 0 |\n| api | 0 | 0 |\n| test | 0 | 0 |\n" },
	{ "open places", "open", "board A\nuse 1 1 ops x\n", 0,
	  "=| place | calls | memory |\n|---|---|---|\n| `drivers/codec.c` | 2 | tables |\n| `kernel/pool.c` | 3 | pools |\n" },
	{ "charged places", "charged", "board A\nuse 1 1 ops x\n", 0,
	  "| `drivers/vb2.c` | 1 | queues |\n| `drivers/codec.c`, `user()` | 1 | references |\n" },
	{ "words", "through", "board A\nuse 1 1 ops x\n", 0, "| `ops` | 9 | `drivers/vb2.c` | yes |\n" },
	{ "other places", "rest", "board A\nuse 1 1 ops x\n", 0,
	  "| `drivers/net/` | 40 | fixed | rings |\n| `drivers/probe.c`, `probe()` | 1 | fixed | firmware |\n" },
	{ "drivers", "drivers", "board A\nuse 1 1 ops x\n", 0,
	  "static const struct uncharged uncharged[] = {\n"
	  "\t{ \"cod\", \"x,y\", true,\n\t  \"tables\" },\n\t{ \"pool\", NULL, false,\n\t  \"pools\" },\n};\n" },
	{ "an unknown section", "more", "board A\nuse 1 1 ops x\n", 2, "no section more" },
};

static void prepare(const struct place *place)
{
	put_file(place->dir, "places", PLACES);
}

static bool one(const struct place *place, size_t i, const char **name)
{
	const struct test *t = &tests[i];
	bool all = *t->says == '=';
	char cmd[4096];

	*name = t->name;
	put_file(place->dir, "boards", t->boards);
	snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' %s places boards 2>&1", place->dir, place->program, t->section);
	return prints(cmd, t->status, t->says + all, all);
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, sizeof(tests) / sizeof(tests[0]), prepare, one);
}
