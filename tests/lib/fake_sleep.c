// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For dmem-apply linked with --wrap=nanosleep and --wrap=clock_gettime. With FAKE_SLEEP=FILE, time
 * passes by sleeping only, and a sleep ends at once. FILE gets the sum of them in milliseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int __real_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

static long slept;

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	const char *file = getenv("FAKE_SLEEP");
	FILE *f;

	if (!file)
		return __real_nanosleep(time, left);
	slept += (long)time->tv_sec * 1000 + time->tv_nsec / 1000000;
	f = fopen(file, "w");
	if (!f || fprintf(f, "%ld\n", slept) < 0 || fclose(f))
		abort();
	return 0;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	if (!getenv("FAKE_SLEEP"))
		return __real_clock_gettime(id, ts);
	ts->tv_sec = slept / 1000;
	ts->tv_nsec = slept % 1000 * 1000000;
	return 0;
}
