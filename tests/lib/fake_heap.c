// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A heap for dmemctl doctor --prove, on a cgroup tree of plain files below FAKE_ROOT. FAKE_HEAP is
 * one of these; N is the number of buffers that are granted before:
 *
 * limit		the limit of the scratch cgroup refuses (the default)
 * open:ERRNO		the heap cannot be opened
 * admits		nothing is refused
 * uncharged		nothing is refused, and nothing is charged
 * double		a buffer is charged twice; the limit refuses the request after N
 * early:N		the limit refuses the request after N
 * above:N:PATH		the limit of this cgroup refuses
 * hidden:N		the limit of a cgroup above the namespace refuses
 * full:N reserved:N	there is no room, or it is reserved
 * errno:N:ERRNO	another failure, without an event
 * die:N:SIGNAL		the process gets a signal
 * quit:N		the process ends without an answer
 * hang:N		the driver hangs: there is never an answer
 * stuck:N		the same, and SIGKILL has no effect
 * tell:N:SIGNAL	dmemctl gets a signal, and the request is refused
 * kept			the memory stays charged
 * busy			the scratch cgroup cannot be removed
 *
 * FAKE_HEAP_LOG is a file that gets the name of each heap that is opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dmemctl/doctor/prove.h"

int __wrap_prove_heap_open(const char *heap);
int __wrap_prove_heap_alloc(int heap, size_t bytes);
void __real_taker_end(struct taker *t, struct taken *taken);
void __wrap_taker_end(struct taker *t, struct taken *taken);
int __real_poll(struct pollfd *p, nfds_t n, int ms);
int __wrap_poll(struct pollfd *p, nfds_t n, int ms);
int __real_kill(pid_t pid, int sig);
int __wrap_kill(pid_t pid, int sig);
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __real_nanosleep(const struct timespec *nap, struct timespec *left);
int __wrap_nanosleep(const struct timespec *nap, struct timespec *left);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);

static char scratch[4096], region[300];

static void find_scratch(void)
{
	char pattern[4200];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/sys/fs/cgroup/{,*/,*/*/}dmem-prove-*", getenv("FAKE_ROOT"));
	if (glob(pattern, GLOB_BRACE, NULL, &g) || g.gl_pathc != 1)
		abort();
	snprintf(scratch, sizeof(scratch), "%s", g.gl_pathv[0]);
	globfree(&g);
}

static FILE *open_at(const char *dir, const char *file, const char *mode)
{
	char path[4400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, mode);
	if (!f)
		abort();
	return f;
}

static void put_line(const char *dir, const char *file, const char *text)
{
	FILE *f = open_at(dir, file, "w");

	if (fprintf(f, "%s %s\n", region, text) < 0 || fclose(f))
		abort();
}

static void charge(unsigned long long bytes)
{
	char text[40];

	snprintf(text, sizeof(text), "%llu", bytes);
	put_line(scratch, "dmem.current", text);
}

/* The region and the number in dmem.max of the scratch cgroup. */
static unsigned long long limit(void)
{
	unsigned long long max = 0;
	FILE *f = open_at(scratch, "dmem.max", "r");

	if (fscanf(f, "%299s %llu", region, &max) != 2)
		abort();
	fclose(f);
	return max;
}

static const char *mode(const char *name)
{
	const char *m = getenv("FAKE_HEAP");
	size_t len = strlen(name);

	m = m ? m : "limit";
	return !strncmp(m, name, len) && (!m[len] || m[len] == ':') ? m + len + (m[len] == ':') : NULL;
}

int __wrap_prove_heap_open(const char *heap)
{
	const char *log = getenv("FAKE_HEAP_LOG"), *err = mode("open");
	FILE *f = log ? fopen(log, "a") : NULL;

	if (f) {
		fprintf(f, "%s\n", heap);
		fclose(f);
	}
	find_scratch();
	return err ? -atoi(err) : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int refuse(int max, int fail, int full, int reserved)
{
	char text[200];

	snprintf(text, sizeof(text), "max=%d alloc_fail=%d exhausted=%d reserved=%d", max, fail, full, reserved);
	put_line(scratch, "dmem.events", text);
	put_line(scratch, "dmem.events.local", text);
	return -ENOMEM;
}

static int refuse_above(const char *path)
{
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s/sys/fs/cgroup/%s", getenv("FAKE_ROOT"), path);
	put_line(dir, "dmem.events.local", "max=9 alloc_fail=0 exhausted=0 reserved=0");
	return refuse(0, 1, 0, 0);
}

static const char *hangs(void)
{
	static char path[4200];

	snprintf(path, sizeof(path), "%s/hangs", getenv("FAKE_ROOT"));
	return path;
}

static void hang(void)
{
	if (close(open(hangs(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)))
		abort();
	for (;;)
		pause();
}

int __wrap_prove_heap_alloc(int heap, size_t bytes)
{
	static unsigned long long used;
	static int granted;
	static const char * const when[] = { "early", "above", "hidden", "full", "reserved", "errno", "die",
					     "double", "quit", "tell", "hang", "stuck" };
	unsigned long long max = limit();

	(void)heap;
	for (size_t i = 0; i < sizeof(when) / sizeof(*when); i++) {
		const char *n = mode(when[i]), *rest = n ? strchr(n, ':') : NULL;

		if (!n || granted < atoi(n))
			continue;
		if (i == 0 || i == 7)
			return refuse(1, 1, 0, 0);
		if (i == 1)
			return refuse_above(rest + 1);
		if (i == 5)
			return -atoi(rest + 1);
		if (i == 6) {
			raise(atoi(rest + 1));
			abort();
		}
		if (i == 8)
			_exit(1);
		if (i == 9)
			kill(getppid(), atoi(rest + 1));
		if (i > 9)
			hang();
		return refuse(0, i == 2, i == 3, i == 4);
	}
	if (used + bytes > max && !mode("admits") && !mode("uncharged") && !mode("double"))
		return refuse(1, 1, 0, 0);
	used += bytes;
	granted++;
	charge(mode("uncharged") ? 0 : mode("double") ? used * 2 : used);
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* The time of a driver is over as soon as it hangs. A wait without a time would never end. */
int __wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	if (!mode("hang") && !mode("stuck"))
		return __real_poll(p, n, ms);
	if (ms < 0)
		abort();
	while (unlink(hangs()))
		__real_nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return 0;
}

int __wrap_kill(pid_t pid, int sig)
{
	return sig == SIGKILL && mode("stuck") ? 0 : __real_kill(pid, sig);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	static int calls;

	if (mode("stuck") && (!(options & WNOHANG) || ++calls > 10000))
		abort();
	return __real_waitpid(pid, status, options);
}

int __wrap_nanosleep(const struct timespec *nap, struct timespec *left)
{
	return mode("stuck") ? 0 : __real_nanosleep(nap, left);
}

void __wrap_taker_end(struct taker *t, struct taken *taken)
{
	__real_taker_end(t, taken);
	find_scratch();
	limit();
	if (!mode("kept"))
		charge(0);
}

/* In the kernel, the files of a cgroup do not keep it from being removed. */
int __wrap_unlinkat(int dir, const char *name, int flags)
{
	static const char * const files[] = {
		"dmem.max", "dmem.min", "dmem.low", "dmem.current", "dmem.events", "dmem.events.local",
		"cgroup.procs", "cgroup.controllers", "cgroup.subtree_control", "cgroup.kill",
	};
	int at;

	if (!(flags & AT_REMOVEDIR) || strncmp(name, "dmem-prove-", 11))
		return __real_unlinkat(dir, name, flags);
	if (mode("busy")) {
		errno = EBUSY;
		return -1;
	}
	at = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; at >= 0 && i < sizeof(files) / sizeof(*files); i++)
		__real_unlinkat(at, files[i], 0);
	if (at >= 0)
		close(at);
	return __real_unlinkat(dir, name, flags);
}
