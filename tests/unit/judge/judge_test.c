// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "judge_test.h"
#include "tap.h"

void put_file(const char *dir, const char *name, const char *text)
{
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!text) {
		remove(path);
		return;
	}
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f)) {
		perror(path);
		exit(2);
	}
}

int output_of(const char *cmd, char *out, size_t size)
{
	FILE *p = popen(cmd, "r");
	size_t len;
	int status;

	*out = 0;
	if (!p)
		return -1;
	len = fread(out, 1, size - 1, p);
	out[len] = 0;
	status = pclose(p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void show_output(int status, char *out)
{
	printf("# status %d, output:\n", status);
	for (char *s = strtok(out, "\n"); s; s = strtok(NULL, "\n"))
		printf("#   %s\n", s);
}

bool prints(const char *cmd, int status, const char *text, bool all)
{
	char out[16384];
	int got = output_of(cmd, out, sizeof(out));

	if (got == status && (all ? !strcmp(out, text) : !!strstr(out, text)))
		return true;
	printf("# expected: status %d, %s\n", status, text);
	show_output(got, out);
	return false;
}

int run_cases(int argc, char **argv, size_t n, void (*prepare)(const struct place *), one_case *one)
{
	struct place place;
	const char *name;
	bool ok;

	if (argc != 3) {
		fprintf(stderr, "usage: %s program directory\n", argv[0]);
		return 2;
	}
	place = (struct place){ .program = argv[1], .dir = argv[2] };
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir(place.dir, 0755);
	if (prepare)
		prepare(&place);
	tap_start();
	for (size_t i = 0; i < n; i++) {
		ok = one(&place, i, &name);
		check(ok, name, "the case failed");
	}
	return tap_end();
}
