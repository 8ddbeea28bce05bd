// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of Slurm, for tests in the guest of its controller. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmem_util.h"
#include "slurm.h"
#include "unit.h"

int line(const char *fmt, ...)
{
	char text[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return run("sh", "-c", text, NULL);
}

int submit(const char *options, const char *words)
{
	if (line("cd /; " AS_USER "sbatch --parsable --no-requeue -o " JOBS "/%%j %s " JOB " %s", options, words))
		return 0;
	return atoi(output());
}

const char *field(int job, const char *format)
{
	static char text[200];

	line("squeue -h -t all -j %d -o '%s' 2>/dev/null", job, format);
	snprintf(text, sizeof(text), "%s", output());
	text[strcspn(text, "\n")] = 0;
	return text;
}

bool wait_field(int job, const char *format, const char *want)
{
	long long end = now_ms() + SOON * 1000LL;

	while (strcmp(field(job, format), want)) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

const char *node_state(const char *name)
{
	line("sinfo -h -n %s -o %%T", name);
	return output();
}

bool wait_node(const char *name, const char *want)
{
	long long end = now_ms() + SOON * 1000LL;

	while (strcmp(node_state(name), want)) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

bool wait_idle(int seconds)
{
	long long end = now_ms() + seconds * 1000LL;

	while (line("test \"$(sinfo -h -o %%T)\" = idle")) {
		if (now_ms() > end)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}
