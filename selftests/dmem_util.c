// SPDX-License-Identifier: GPL-2.0
/* The dmem controller's files, and the heaps that the selftests allocate from. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest.h"

#include "dmem_util.h"

#define FILES			65536
#define MIN_FREE		(4LL << 20)

/* Returns the text after "<region>" at the start of a line, or NULL. */
static const char *region_values(const char *text, const char *region)
{
	size_t len = strlen(region);

	while (text && (strncmp(text, region, len) || text[len] != ' ')) {
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return text ? text + len : NULL;
}

static long long dmem_value(const char *text, const char *region)
{
	const char *value = region_values(text, region);

	if (!value)
		return -ENODATA;
	return strncmp(value, " max\n", 5) ? strtoll(value, NULL, 10) : DMEM_MAX;
}

/* The number after " <key>=" */
static long long dmem_nested_value(const char *text, const char *region, const char *key)
{
	const char *word = region_values(text, region);
	size_t len = strlen(key);

	for (; word && *word == ' '; word += strcspn(word, "\n ")) {
		word++;
		if (!strncmp(word, key, len) && word[len] == '=')
			return strtoll(word + len + 1, NULL, 10);
	}
	return -ENODATA;
}

long long dmem_nested(const char *cg, const char *file, const char *region, const char *key)
{
	char buf[DMEM_FILE_BUF];
	int ret = cg_read(cg, file, buf, sizeof(buf));

	return ret < 0 ? ret : dmem_nested_value(buf, region, key);
}

long long dmem_read(const char *cg, const char *file, const char *region)
{
	char buf[DMEM_FILE_BUF];
	int ret = cg_read(cg, file, buf, sizeof(buf));

	return ret < 0 ? ret : dmem_value(buf, region);
}

long long dmem_current(const char *cg, const char *region)
{
	return dmem_read(cg, "dmem.current", region);
}

long long dmem_peak(const char *cg, const char *region)
{
	return dmem_read(cg, "dmem.peak", region);
}

/* Only for figures that change asynchronously. Returns the last value. */
long long dmem_wait_current(const char *cg, const char *region,
			    long long want, int timeout_ms)
{
	long long end = now_ms() + timeout_ms, val;

	while ((val = dmem_current(cg, region)) != want && now_ms() < end)
		sleep_ms(2);
	return val;
}

int dmem_set(const char *cg, const char *file, const char *region, long long bytes)
{
	char text[DMEM_NAME_LEN + 32];
	int ret;

	if (bytes == DMEM_MAX)
		snprintf(text, sizeof(text), "%s max", region);
	else
		snprintf(text, sizeof(text), "%s %lld", region, bytes);
	ret = cg_write(cg, file, text);
	if (ret)
		return ret;
	return dmem_read(cg, file, region) == bytes ? 0 : -EBADMSG;
}

int dmem_set_max(const char *cg, const char *region, long long bytes)
{
	return dmem_set(cg, "dmem.max", region, bytes);
}

long long cma_read(const char *area, const char *file)
{
	char dir[PATH_MAX], buf[64];
	int ret;

	snprintf(dir, sizeof(dir), "/sys/kernel/mm/cma/%s", area);
	ret = cg_read(dir, file, buf, sizeof(buf));
	return ret ? ret : strtoll(buf, NULL, 10);
}

const char *region_area(const char *region)
{
	return strncmp(region, "cma/", 4) ? NULL : region + 4;
}

static int heap_cmp(const void *a, const void *b)
{
	return strcmp(((struct dmem_heap *)a)->name, ((struct dmem_heap *)b)->name);
}

static bool is_named(const char *variable, const char *heap)
{
	const char *names = getenv(variable) ?: "";
	size_t len = strlen(heap);

	while (*names && (strcspn(names, ":") != len || strncmp(names, heap, len))) {
		names += strcspn(names, ":");
		names += *names == ':';
	}
	return !!*names;
}

static void mark_usable(struct dmem_heap *heaps, int n)
{
	int i, j;

	for (i = 0; i < n; i++)
		heaps[i].usable = is_named(DMEM_TEST_HEAP, heaps[i].name) ||
				  !strcmp(heaps[i].name, "system");
	for (i = 0; i < n; i++) {
		for (j = 0; j < n && heaps[i].region[0]; j++) {
			if (is_named(DMEM_TEST_HEAP, heaps[j].name) &&
			    !strcmp(heaps[i].region, heaps[j].region))
				heaps[i].usable = true;
		}
	}
}

int heap_list(struct dmem_heap *heaps, int max)
{
	DIR *dir = opendir("/dev/dma_heap");
	struct dirent *ent;
	int n = 0;

	if (!dir)
		return -errno;
	while (n < max && (ent = readdir(dir))) {
		struct dmem_heap *h = &heaps[n];
		char path[PATH_MAX];
		int ret;

		if (ent->d_name[0] == '.')
			continue;
		memset(h, 0, sizeof(*h));
		snprintf(h->name, sizeof(h->name), "%s", ent->d_name);
		snprintf(path, sizeof(path), "/sys/class/dma_heap/%s/dmem_region", h->name);
		ret = read_text(path, h->region, sizeof(h->region));
		h->has_region_file = ret >= 0;
		h->region[strcspn(h->region, "\n")] = '\0';
		n++;
	}
	closedir(dir);
	qsort(heaps, n, sizeof(*heaps), heap_cmp);
	mark_usable(heaps, n);
	return n;
}

bool region_is_private(const char *region)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n = heap_list(heaps, DMEM_HEAPS);

	for (i = 0; i < n; i++) {
		if (!strcmp(heaps[i].region, region) &&
		    (!strcmp(heaps[i].name, "default_cma_region") ||
		     is_named(DMEM_TEST_SHARED, heaps[i].name)))
			return false;
	}
	return !!region_area(region);
}

int heap_open(const char *name)
{
	int fd = cg_open("/dev/dma_heap", name, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A new dma-buf's fd. */
int heap_alloc_flags(int heap_fd, uint64_t len, uint32_t fd_flags, uint64_t heap_flags)
{
	struct dma_heap_allocation_data data = {
		.len = len, .fd_flags = fd_flags, .heap_flags = heap_flags,
	};

	if (ioctl(heap_fd, DMA_HEAP_IOCTL_ALLOC, &data))
		return -errno;
	return (int)data.fd;
}

int heap_alloc(int heap_fd, long long len)
{
	return heap_alloc_flags(heap_fd, len, O_RDWR | O_CLOEXEC, 0);
}

int heap_fill(int heap_fd, long long size, int *fds, int max)
{
	long long page = sysconf(_SC_PAGESIZE);
	struct rlimit lim = { FILES, FILES };
	int fd, n = 0;

	setrlimit(RLIMIT_NOFILE, &lim);
	while (size && n < max) {
		fd = heap_alloc(heap_fd, size);
		if (fd >= 0)
			fds[n++] = fd;
		else if (size == page)
			size = 0;
		else
			size = size > 4 * page ? size / 4 / page * page : page;
	}
	return n;
}

/* Opens the heap for the test, or sets the reason and returns false. */
static bool use_heap(struct dmem_test *t, enum dmem_kind kind)
{
	const char *names = kind == DMEM_CMA ? getenv(DMEM_TEST_HEAP) : "system";
	struct dmem_heap heaps[DMEM_HEAPS];
	char name[DMEM_NAME_LEN];
	long long avail;
	int i, n;

	if (!names || !*names) {
		snprintf(t->reason, sizeof(t->reason),
			 DMEM_TEST_HEAP " does not name a CMA heap for the tests");
		return false;
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(names, ":"), names);
	n = heap_list(heaps, DMEM_HEAPS);
	for (i = 0; i < n && strcmp(heaps[i].name, name); i++)
		;
	if (i >= n || !heaps[i].region[0] ||
	    (kind == DMEM_CMA && !region_area(heaps[i].region))) {
		snprintf(t->reason, sizeof(t->reason), "no %s heap \"%.99s\" with a dmem region",
			 kind == DMEM_CMA ? "CMA" : "system", name);
		return false;
	}
	t->heap = heaps[i];
	t->area = region_area(t->heap.region);
	avail = t->area ? cma_read(t->area, "available_pages") : -1;
	if (avail >= 0 && avail * t->page < MIN_FREE) {
		snprintf(t->reason, sizeof(t->reason), "heap \"%.99s\" has less than 4 MiB free",
			 name);
		return false;
	}
	t->heap_fd = heap_open(name);
	if (t->heap_fd < 0)
		snprintf(t->reason, sizeof(t->reason), "cannot open heap \"%.99s\": %s", name,
			 strerror(-t->heap_fd));
	return t->heap_fd >= 0;
}

/* A kernel without any heap lacks a feature; else a name of no heap is a mistake. */
static bool has_named_heaps(struct dmem_test *t)
{
	const char *names = getenv(DMEM_TEST_HEAP) ?: "";
	char path[PATH_MAX];
	int len;

	for (; *names && !access("/dev/dma_heap", F_OK); names += len + (names[len] == ':')) {
		len = strcspn(names, ":");
		snprintf(path, sizeof(path), "/dev/dma_heap/%.*s", len, names);
		if (access(path, F_OK)) {
			snprintf(t->reason, sizeof(t->reason), DMEM_TEST_HEAP
				 " names \"%.*s\", which is not in /dev/dma_heap", len, names);
			return false;
		}
	}
	return true;
}

int dmem_begin(struct dmem_test *t, enum dmem_kind kind)
{
	int ret;

	memset(t, 0, sizeof(*t));
	t->heap_fd = -1;
	t->root = cgroup2_mount();
	t->page = sysconf(_SC_PAGESIZE);
	if (!t->root || cg_read_strstr(t->root, "cgroup.controllers", "dmem")) {
		snprintf(t->reason, sizeof(t->reason), "%s", t->root ?
			 "no dmem controller in cgroup2 (CONFIG_CGROUP_DMEM, cgroup_disable=dmem)" :
			 "cgroup2 is not mounted");
		return KSFT_SKIP;
	}
	if (geteuid()) {
		snprintf(t->reason, sizeof(t->reason), "needs root");
		return KSFT_SKIP;
	}
	if (!has_named_heaps(t))
		return -ENODEV;
	ret = cg_test_create(&t->cg);
	if (ret)
		snprintf(t->reason, sizeof(t->reason), "cannot make a cgroup below %s: %s",
			 t->root, strerror(-ret));
	else if (kind != DMEM_NO_HEAP && !use_heap(t, kind))
		ret = KSFT_SKIP;
	if (ret)
		dmem_end(t);
	return ret;
}

void dmem_end(struct dmem_test *t)
{
	if (t->heap_fd >= 0)
		close(t->heap_fd);
	t->heap_fd = -1;
	if (t->cg)
		cg_test_remove(t->cg);
	t->cg = NULL;
}

int cg_alloc(const char *cg, int heap_fd, long long len)
{
	int sv[2], fd = -ECHILD, status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return -errno;
	pid = cg_fork(cg);
	if (!pid) {
		fd = heap_alloc(heap_fd, len);
		/* The errno is the status. */
		_exit(fd < 0 ? -fd : send_fd(sv[1], fd) ? ECHILD : 0);
	}
	close(sv[1]);
	status = pid < 0 ? ECHILD : wait_exit(pid);
	fd = status ? -status : recv_fd(sv[0]);
	close(sv[0]);
	return fd;
}
