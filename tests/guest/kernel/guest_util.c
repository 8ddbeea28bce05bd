// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest_util.h"

#define RECORD_BUF	8192

int dmem_renew(struct dmem_test *t)
{
	cg_test_remove(t->cg);
	return cg_test_create(&t->cg);
}

int file_set(const char *dir, const char *file, const char *text)
{
	char *path = cg_control(dir, file), old[64];
	int ret = read_text(path, old, sizeof(old));

	if (ret >= 0)
		undo_add(path, old);
	free(path);
	return ret < 0 ? ret : cg_write(dir, file, (char *)text);
}

int dmem_enable_memory(const struct dmem_test *t)
{
	char *top = strdup(t->cg), *control = cg_control(t->root, SUBTREE_CONTROL);
	int ret = 0;

	*strrchr(top, '/') = '\0';
	if (cg_read_strstr(t->root, SUBTREE_CONTROL, "memory")) {
		ret = cg_write(t->root, SUBTREE_CONTROL, "+memory");
		if (!ret)
			undo_add(control, "-memory");
	}
	if (!ret)
		ret = cg_write(top, SUBTREE_CONTROL, "+memory");
	if (!ret)
		ret = cg_write(t->cg, SUBTREE_CONTROL, "+memory");
	free(control);
	free(top);
	return ret;
}

int dma_accounting(bool on)
{
	return mount("cgroup2", cgroup2_mount(), "cgroup2", MS_REMOUNT,
		     on ? "memory_dma_accounting" : "") ? -errno : 0;
}

long long kernel_memory(const char *cg)
{
	return cg_read_key_long(cg, "memory.stat", "kernel ");
}

bool dmem_is_on(void)
{
	return cgroup2_mount() &&
	       !cg_read_strstr(cgroup2_mount(), "cgroup.controllers", "dmem");
}

int dmem_reserve_above(const struct dmem_test *t, const char *top, long long bytes)
{
	int ret = dmem_set(top, "dmem.min", t->heap.region, bytes);

	return ret ? ret : dmem_set(t->cg, "dmem.min", t->heap.region, bytes);
}

char *cg_outside(const char *top)
{
	char *cg;

	if (asprintf(&cg, "%s.outside", top) < 0)
		abort();
	undo_run(cg);
	undo_add(cg, UNDO_REMOVE);
	if (!cg_create(cg))
		return cg;
	free(cg);
	return NULL;
}

int cpu_count(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* Returns an fd for the messages that the kernel logs from now on. */
int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

/* Counts the records that contain needle; reads all records available. */
int kmsg_count(int fd, const char *needle)
{
	char buf[RECORD_BUF];
	int n = 0;

	for (;;) {
		ssize_t ret = read(fd, buf, sizeof(buf) - 1);

		if (ret < 0 && errno == EPIPE)
			continue;	/* records were overwritten */
		if (ret <= 0)
			return n;
		buf[ret] = '\0';
		if (strstr(buf, needle))
			n++;
	}
}

char *trace_dir(void)
{
	char *dir;

	if (asprintf(&dir, "/sys/kernel/tracing/instances/dmem_selftest.%d", (int)getpid()) < 0)
		abort();
	if (access("/sys/kernel/tracing/trace", F_OK))
		mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	undo_add(dir, UNDO_REMOVE);
	mkdir(dir, 0700);
	return dir;
}

void cpu_pin(int n)
{
	cpu_set_t all, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	n %= CPU_COUNT(&all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

void run_threads(int n, void *(*fn)(void *), void *args, size_t size)
{
	pthread_t *threads = calloc(n, sizeof(*threads));
	int i;

	for (i = 0; i < n; i++) {
		if (pthread_create(&threads[i], NULL, fn,
				   (char *)args + i * size))
			abort();
	}
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

int lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}
