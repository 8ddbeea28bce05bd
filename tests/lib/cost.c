// SPDX-License-Identifier: GPL-2.0-or-later
/* Counts the instructions of a program, and its memory. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cost.h"
#include "tap.h"

#define WORDS	40

/* The number after "I refs:", in which commas stand between thousands, or 0. */
static double refs(const char *s)
{
	double n = 0;

	s = strstr(s, "refs:");
	for (s = s ? s + 5 : ""; *s && *s != '\n'; s++)
		n = *s >= '0' && *s <= '9' ? 10 * n + *s - '0' : n;
	return n;
}

double cost_instructions(const char *valgrind, const char *open, const char *const *argv)
{
	const char *all[WORDS + 1] = {
		valgrind, "--tool=cachegrind", "--cache-sim=no",
		"--cachegrind-out-file=/dev/null",
	};
	int ret;

	for (size_t n = 4; *argv && n < WORDS; n++)
		all[n] = *argv++;
	if (open)
		setenv("LD_PRELOAD", open, 1);
	ret = run(all);
	unsetenv("LD_PRELOAD");
	return ret ? 0 : refs(get("err"));
}

long cost_memory(const char *const *argv)
{
	struct rusage u;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!freopen(tap_path("out"), "w", stdout) || !freopen(tap_path("err"), "w", stderr))
			_exit(126);
		execv(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &u) != pid)
		return -1;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? u.ru_maxrss : -1;
}
