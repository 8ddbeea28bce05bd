// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * model [--quick] [--break FLAW] [sequential|interleave]
 * model --list
 *
 * Explores the meaning of dmem.min for memory that cannot be reclaimed: all states of small regions
 * (sequential.c), and all orders of the steps of the kernel's algorithm (interleave.c). Exits with
 * 0 if all properties hold, and otherwise with 1 after it has printed a shortest way to a
 * violation.
 *
 * --list prints the names of flaws for --break. The model must find each of them.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"

const char *flaw = "";
bool quick;

bool has_flaw(const char *name)
{
	return !strcmp(flaw, name);
}

static bool known(const struct flaw *f, const char *name)
{
	for (; f->name; f++) {
		if (!strcmp(f->name, name))
			return true;
	}
	return false;
}

static void list(const struct flaw *f)
{
	for (; f->name; f++)
		printf("%s\t%s\n", f->name, f->what);
}

static int usage(void)
{
	fprintf(stderr, "usage: model [--quick] [--list] [--break FLAW] [sequential|interleave]\n");
	return 2;
}

int main(int argc, char **argv)
{
	bool sequential = true, interleave = true;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick")) {
			quick = true;
		} else if (!strcmp(argv[i], "--list")) {
			list(sequential_flaws);
			list(interleave_flaws);
			return 0;
		} else if (!strcmp(argv[i], "--break") && i + 1 < argc) {
			flaw = argv[++i];
			sequential = known(sequential_flaws, flaw);
			interleave = known(interleave_flaws, flaw);
			if (!sequential && !interleave)
				return usage();
		} else if (!strcmp(argv[i], "sequential")) {
			interleave = false;
		} else if (!strcmp(argv[i], "interleave")) {
			sequential = false;
		} else {
			return usage();
		}
	}
	if (sequential && !run_sequential())
		return 1;
	if (interleave && !run_interleave())
		return 1;
	return 0;
}
