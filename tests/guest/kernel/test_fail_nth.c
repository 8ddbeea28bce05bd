// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation that the kernel makes during an operation fails once: the first, the
 * second, and so on until the operation makes fewer; and then again, together with the next
 * one and with the next two allocations of slab objects, so that the kernel's fallbacks
 * fail as well. After each failure the operation has either returned ENOMEM or succeeded
 * all the same; every charge belongs to existing memory, no page of the area, no fd and no
 * cgroup is lost, and the kernel has logged no warning.
 *
 * The failing allocations are those of slab objects and of pages (see "fail-nth" in the
 * kernel's Documentation/fault-injection), in the one process that does the operation.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_dma_driver.h"
#include "media.h"

#define PAGES		4
#define MOST		3000	/* points of an operation */
#define DEPTH		3	/* cgroups without a pool state */
#define ROW		3	/* largest number of failures in a row */
#define DEBUGFS		"/sys/kernel/debug/"
#define VIVID_BUFS	2

/* Results of the process that did the operation */
struct seen {
	bool injected;		/* the allocation was reached */
	int ret;		/* 0 or a negative errno */
	long long charged;	/* expected charge in bytes */
	long long current, available, unaccounted;	/* before the undo */
	int fds;		/* lowest free one, more than before */
};

/* An operation, which may fail; undone by the same process if it does not. */
struct operation {
	const char *name;
	int (*run)(struct operation *op);
	void (*undo)(struct operation *op);
	const char *region;
	bool may_be_elsewhere;	/* the memory, if CMA has no room */
	long long len;		/* bytes charged */
	int fd, arg;		/* the objects to work on */
	int other;		/* an error that means ENOMEM as well, or 0 */
	const char *says;	/* the kernel's message for a failure, or NULL */
	const char *file;	/* of the new cgroup, which is written to, or NULL */
	const char *text;	/* for it; or the path */
	int got;
};

struct fail {
	struct dmem_test t;
	struct seen *seen;
	char *cg;
	int kmsg[2];		/* fds for all messages, and for the expected ones */
	int points, failed;
	int row;		/* number of failures, from the n-th on */
};

/*
 * Allocations that may sleep fail as well, and without a message. After the n-th, a number
 * of further allocations of slab objects fail in a process that requests it (make-it-fail).
 * Those of pages do not, as a page fault would be repeated. All processes of the machine
 * share these files: they get their content back, also if this program is killed.
 */
static int set_faults(void)
{
	static const char * const dirs[] = { "failslab", "fail_page_alloc" };
	const struct {
		const char *file, *text;
		bool pages;
	} files[] = {
		{ "verbose", "0", false },
		{ "task-filter", "Y", false },
		{ "ignore-gfp-wait", "N", false },
		{ "ignore-gfp-highmem", "N", true },
		{ "min-order", "0", true },
	};
	unsigned int d, i;
	int ret = 0;

	for (d = 0; d < ARRAY_SIZE(dirs); d++) {
		char *dir = cg_name(DEBUGFS, dirs[d]);

		for (i = 0; i < ARRAY_SIZE(files) && !ret; i++) {
			if (!files[i].pages || d)
				ret = file_set(dir, files[i].file, files[i].text);
		}
		free(dir);
	}
	if (!ret)
		ret = file_set(DEBUGFS "failslab", "probability", "100");
	return ret;
}

/* Returns false if the test cannot run; reason has the cause. */
static bool begin(struct __test_metadata *_metadata, struct fail *self, enum dmem_kind kind)
{
	struct dmem_test *t = &self->t;
	int ret = dmem_begin(t, kind);

	if (ret == KSFT_SKIP)
		return false;
	ASSERT_EQ(0, ret)
		TH_LOG("%s", t->reason);
	if (set_faults()) {
		undo_run(DEBUGFS "fail");
		dmem_end(t);
		snprintf(t->reason, sizeof(t->reason),
			 "no fault injection (CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC)");
		return false;
	}
	self->seen = shared_alloc(sizeof(*self->seen));
	self->kmsg[0] = kmsg_open();
	self->kmsg[1] = kmsg_open();
	self->cg = cg_name(t->cg, "a");
	EXPECT_EQ(0, cg_create(self->cg));
	return true;
}

static void end(struct fail *self)
{
	undo_run(DEBUGFS "fail");
	dmem_end(&self->t);
}

static long long area_of(const char *region, const char *file)
{
	return region_area(region) ? cma_read(region_area(region), file) : 0;
}

/* Runs the operation in a process of its own, in cg. The n-th allocation fails. */
static void do_failing(struct fail *self, const char *cg, struct operation *op, int n)
{
	struct seen *seen = self->seen;
	int nth, all, low;
	char text[16] = "";

	/* The fail-nth file of the only thread. */
	nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	all = open("/proc/self/make-it-fail", O_RDWR | O_CLOEXEC);
	low = lowest_fd();
	/* Memory is locked, as a page fault in between would count as well. */
	if (nth < 0 || all < 0 || mlockall(MCL_CURRENT))
		_exit(2);
	if ((self->row > 1 && write(all, "1", 1) != 1) || dprintf(nth, "%d", n) < 0)
		_exit(2);
	seen->ret = op->run(op);
	if (pwrite(all, "0", 1, 0) != 1 || pread(nth, text, sizeof(text) - 1, 0) < 0 ||
	    pwrite(nth, "0", 1, 0) != 1)
		_exit(2);
	seen->injected = !atoi(text);
	seen->fds = lowest_fd() - low;
	seen->charged = seen->ret ? 0 : op->len;
	seen->current = dmem_current(cg, op->region);
	seen->available = area_of(op->region, "available_pages");
	seen->unaccounted = area_of(op->region, "unaccounted_pages");
	if (!seen->ret && op->undo)
		op->undo(op);
	_exit(0);
}

/*
 * Counts warnings and worse: other messages may have any cause. Messages of a debug kernel
 * about its own failed allocations do not count, nor does the number of messages that a
 * rate limit has suppressed.
 */
static int kmsg_warnings(int fd)
{
	char record[8192];
	int n = 0;

	for (;;) {
		ssize_t ret = read(fd, record, sizeof(record) - 1);

		if (ret < 0 && errno == EPIPE)
			continue;	/* records were overwritten */
		if (ret <= 0)
			return n;
		record[ret] = '\0';
		n += (atoi(record) & LOG_PRIMASK) <= LOG_WARNING &&
		     !strstr(record, ";kmemleak: ") &&
		     !strstr(record, " callbacks suppressed");
	}
}

/* Returns whether there may be another point. */
static bool fail_one(struct __test_metadata *_metadata, struct fail *self, const char *cg,
		     struct operation *op, int n)
{
	long long available = area_of(op->region, "available_pages");
	long long unaccounted = area_of(op->region, "unaccounted_pages");
	struct seen *seen = self->seen;
	char times[16];
	long long given;
	pid_t pid;

	memset(seen, 0, sizeof(*seen));
	snprintf(times, sizeof(times), "%d", self->row);
	ASSERT_EQ(0, file_set(DEBUGFS "failslab", "times", times));
	kmsg_count(self->kmsg[0], "");
	kmsg_count(self->kmsg[1], "");
	pid = cg_fork(cg);
	ASSERT_LE(0, pid);
	if (!pid)
		do_failing(self, cg, op, n);
	ASSERT_EQ(0, wait_exit(pid));

	given = (available - seen->available) * self->t.page;
	if (seen->ret != -op->other)
		EXPECT_EQ(seen->ret ? -ENOMEM : 0, seen->ret)
			TH_LOG("%s, point %d", op->name, n);
	if (seen->ret)
		EXPECT_TRUE(seen->injected)
			TH_LOG("%s failed without a reason", op->name);
	/* If the memory may come from elsewhere, only the part from CMA is charged. */
	EXPECT_EQ(op->may_be_elsewhere ? given : seen->charged, seen->current)
		TH_LOG("%s, point %d, returned %d", op->name, n, seen->ret);
	EXPECT_LE(seen->current, seen->charged);
	EXPECT_EQ(unaccounted, seen->unaccounted)
		TH_LOG("%s, point %d", op->name, n);
	if (seen->ret)
		EXPECT_EQ(available, seen->available)
			TH_LOG("%s, point %d", op->name, n);
	if (seen->ret)
		EXPECT_EQ(0, seen->fds)
			TH_LOG("%s, point %d", op->name, n);
	/* The state after the undo. */
	EXPECT_EQ(0, dmem_wait_current(self->t.cg, op->region, 0, 2000))
		TH_LOG("%s, point %d", op->name, n);
	EXPECT_EQ(available, area_of(op->region, "available_pages"))
		TH_LOG("%s, point %d", op->name, n);
	EXPECT_EQ(op->says ? kmsg_count(self->kmsg[1], op->says) : 0,
		  kmsg_warnings(self->kmsg[0]))
		TH_LOG("%s, point %d: the kernel has logged it", op->name, n);
	self->points += seen->injected;
	self->failed += seen->injected && seen->ret;
	EXPECT_GT(MOST, n)
		TH_LOG("%s does not come to its end", op->name);
	return seen->injected && _metadata->exit_code == KSFT_PASS;
}

static void tell(struct __test_metadata *_metadata, struct fail *self, struct operation *op)
{
	TH_LOG("%s: %d points tried, %d in a row, at %d it failed", op->name, self->points,
	       self->row, self->failed);
	EXPECT_LT(0, self->failed);
	self->points = 0;
	self->failed = 0;
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
}

/* Runs all points in cg, which has been charged before. */
static void fail_all(struct __test_metadata *_metadata, struct fail *self, struct operation *op)
{
	int n;

	for (self->row = 1; self->row <= ROW; self->row++) {
		for (n = 1; fail_one(_metadata, self, self->cg, op, n); n++)
			;
		tell(_metadata, self, op);
	}
}

/* In a cgroup that has no pool state, like those above it */
static bool fail_new(struct __test_metadata *_metadata, struct fail *self, char **cg,
		     struct operation *op, int n)
{
	bool more;
	int i;

	for (i = 1; i < DEPTH; i++)
		ASSERT_EQ(0, cg_create_parent(cg[i]));
	ASSERT_EQ(0, cg_create(cg[DEPTH]));
	if (op->file) {
		char *path = cg_name(cg[DEPTH], op->file);

		op->fd = open(path, O_WRONLY | O_CLOEXEC);
		free(path);
	}
	more = fail_one(_metadata, self, cg[DEPTH], op, n);
	if (op->file)
		close(op->fd);
	for (i = DEPTH; i; i--)
		ASSERT_EQ(0, cg_destroy(cg[i]));
	return more;
}

static void fail_all_new(struct __test_metadata *_metadata, struct fail *self,
			 struct operation *op)
{
	char *cg[DEPTH + 1] = { self->t.cg };
	int i, n;

	for (i = 0; i < DEPTH; i++)
		cg[i + 1] = cg_name(cg[i], "new");
	for (self->row = 1; self->row <= ROW; self->row++) {
		for (n = 1; fail_new(_metadata, self, cg, op, n); n++)
			;
		tell(_metadata, self, op);
	}
	for (i = 0; i < DEPTH; i++)
		free(cg[i + 1]);
}

FIXTURE(fail) {
	struct fail f;
};

FIXTURE_VARIANT(fail) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(fail, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(fail, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(fail)
{
	if (!begin(_metadata, &self->f, variant->kind))
		SKIP(return, "%s", self->f.t.reason);
}

FIXTURE_TEARDOWN(fail)
{
	end(&self->f);
}

static int run_heap(struct operation *op)
{
	op->got = heap_alloc(op->fd, op->len);
	return op->got < 0 ? op->got : 0;
}

static void close_got(struct operation *op)
{
	close(op->got);
}

static struct operation heap_operation(const struct fail *f, const char *name)
{
	return (struct operation) {
		.name = name,
		.run = run_heap,
		.undo = close_got,
		.region = f->t.heap.region,
		.len = PAGES * f->t.page,
		.fd = f->t.heap_fd,
	};
}

TEST_F_TIMEOUT(fail, alloc, 250)
{
	struct operation op = heap_operation(&self->f, "a buffer of a heap");

	close(cg_alloc(self->f.cg, self->f.t.heap_fd, self->f.t.page));
	fail_all(_metadata, &self->f, &op);
}

TEST_F_TIMEOUT(fail, first_charge, 250)
{
	struct operation op = heap_operation(&self->f, "the first buffer of a cgroup");

	fail_all_new(_metadata, &self->f, &op);
}

static int run_write(struct operation *op)
{
	ssize_t len = strlen(op->text);

	return write(op->fd, op->text, len) == len ? 0 : -errno;
}

static void fail_first(struct __test_metadata *_metadata, struct fail *f, const char *file)
{
	char text[DMEM_NAME_LEN + 16], name[64];
	struct operation op = {
		.name = name,
		.run = run_write,
		.region = f->t.heap.region,
		.file = file,
		.text = text,
	};

	snprintf(name, sizeof(name), "the first %s of a cgroup", file);
	snprintf(text, sizeof(text), "%s 4096", op.region);
	fail_all_new(_metadata, f, &op);
}

TEST_F_TIMEOUT(fail, limit, 250)
{
	fail_first(_metadata, &self->f, "dmem.max");
}

/* Including the changes to other cgroups' pool states, in a region with reservations */
TEST_F_TIMEOUT(fail, reservation, 250)
{
	char *top = strdup(self->f.t.cg);

	*strrchr(top, '/') = '\0';
	ASSERT_EQ(0, dmem_reserve_above(&self->f.t, top, DMEM_MAX));
	fail_first(_metadata, &self->f, "dmem.min");
	EXPECT_EQ(0, dmem_reserve_above(&self->f.t, top, 0));
	free(top);
}

/* Cgroups, and the controller for them */

static int run_create(struct operation *op)
{
	return cg_create(op->text) ? -errno : 0;
}

static void remove_created(struct operation *op)
{
	cg_destroy(op->text);
}

TEST_F_TIMEOUT(fail, create, 250)
{
	char *path = cg_name(self->f.t.cg, "created");
	struct operation op = {
		.name = "a cgroup with dmem",
		.run = run_create,
		.undo = remove_created,
		.says = "cgroup: cgroup_addrm_files: failed to add ",
		.region = self->f.t.heap.region,
		.text = path,
	};

	fail_all(_metadata, &self->f, &op);
	free(path);
}

/* Devices, whose memory is that of a CMA area */

FIXTURE(device) {
	struct fail f;
};

FIXTURE_SETUP(device)
{
	if (!begin(_metadata, &self->f, DMEM_CMA))
		SKIP(return, "%s", self->f.t.reason);
}

FIXTURE_TEARDOWN(device)
{
	end(&self->f);
}

/* A driver's memory, by all methods */

static int run_driver(struct operation *op)
{
	op->got = dma_alloc(op->fd, op->arg, op->len, DMEM_DMA_ACCOUNT);
	return op->got < 0 ? op->got : 0;
}

static void free_driver(struct operation *op)
{
	dma_free(op->fd, op->got);
}

TEST_F_TIMEOUT(device, driver, 250)
{
	static const char * const names[DMEM_DMA_METHODS] = {
		[DMEM_DMA_COHERENT] = "dma_alloc_attrs()",
		[DMEM_DMA_NO_MAPPING] = "dma_alloc_attrs() without a mapping",
		[DMEM_DMA_PAGES] = "dma_alloc_pages()",
		[DMEM_DMA_NONCONTIGUOUS] = "dma_alloc_noncontiguous()",
	};
	struct operation op = {
		.run = run_driver,
		.undo = free_driver,
		.may_be_elsewhere = true,
		.len = PAGES * self->f.t.page,
	};

	for (op.arg = 0; op.arg < DMEM_DMA_METHODS; op.arg++) {
		op.name = names[op.arg];
		op.fd = dma_driver_open(&self->f.t, op.arg);
		if (op.fd < 0)
			SKIP(return, "%s", self->f.t.reason);
		op.region = self->f.t.heap.region;
		fail_all(_metadata, &self->f, &op);
		EXPECT_EQ(0, dma_driver_close(op.fd));
	}
}

/* A camera's buffers; the driver may grant fewer. */
static int run_camera(struct operation *op)
{
	op->got = vivid_reqbufs(op->fd, V4L2_MEMORY_MMAP, op->arg, VIVID_BUFS, NULL);
	return op->got < 0 ? op->got : 0;
}

static void free_camera(struct operation *op)
{
	vivid_reqbufs(op->fd, V4L2_MEMORY_MMAP, 0, 0, NULL);
}

TEST_F_TIMEOUT(device, camera, 250)
{
	char path[32], region[DMEM_NAME_LEN];
	long long page = self->f.t.page, len;
	struct operation op = {
		.name = "a camera's buffers",
		.run = run_camera,
		.undo = free_camera,
		.says = "dma alloc of size ",
		.may_be_elsewhere = true,
		.region = region,
	};

	if (!default_area_region(region))
		SKIP(return, "no accounted default CMA area");
	modules_load(&vivid_modules);
	op.fd = vivid_open(path, sizeof(path));
	if (op.fd < 0)
		SKIP(return, "no vivid with allocators=1, and cannot load it");
	len = vivid_set_format(op.fd, 320, 180);
	ASSERT_LT(0, len);
	op.len = VIVID_BUFS * ((len + page - 1) / page * page);
	fail_all(_metadata, &self->f, &op);
	op.name = "a camera's buffers that are not coherent";
	op.arg = V4L2_MEMORY_FLAG_NON_COHERENT;
	fail_all(_metadata, &self->f, &op);
	close(op.fd);
	modules_unload(&vivid_modules);
}

/* A display's */
static int run_display(struct operation *op)
{
	struct dumb dumb;
	int ret = dumb_create(op->fd, op->arg, op->arg, &dumb);

	op->got = dumb.handle;
	return ret;
}

static void free_display(struct operation *op)
{
	dumb_destroy(op->fd, op->got);
}

TEST_F_TIMEOUT(device, display, 250)
{
	struct operation op = {
		.name = "a display's buffer",
		.run = run_display,
		.undo = free_display,
		.arg = 64,
		/* shmem returns this if it has no memory for an inode */
		.other = ENOSPC,
	};
	struct dmem_heap heap;
	struct dumb dumb;
	char path[32];

	modules_load(&display_modules);
	op.fd = display_open(path, sizeof(path));
	if (op.fd < 0)
		SKIP(return, "no display, and cannot load pl111");
	ASSERT_TRUE(dumb_find_heap(op.fd, op.arg, op.arg, &heap, &dumb));
	op.region = heap.region;
	op.len = dumb.size;
	fail_all(_metadata, &self->f, &op);
	close(op.fd);
	modules_unload(&display_modules);
}

/*
 * Regions are registered before the first process runs. A test in the kernel registers one,
 * and its allocations fail like those above, or together with all that follow.
 */
TEST_F_TIMEOUT(device, registration, 250)
{
	static const char *kunit = DEBUGFS "kunit/cgroup_dmem";
	char *path = cg_name(kunit, "results"), line[256];
	int points = 0, failed = 0, wrong = 0;
	FILE *f;

	ASSERT_EQ(0, file_set(DEBUGFS "failslab", "times", "-1"));
	if (cg_write(kunit, "run", "1"))
		SKIP(return, "no KUnit (CONFIG_CGROUP_DMEM_KUNIT_TEST, CONFIG_KUNIT_DEBUGFS)");
	f = fopen(path, "re");
	ASSERT_TRUE(!!f);
	while (fgets(line, sizeof(line), f)) {
		char *text = strstr(line, "test_registration_fails: ");

		if (text)
			sscanf(text, "%*s %d points, at %d it failed", &points, &failed);
		wrong += !!strstr(line, "not ok");
	}
	fclose(f);
	free(path);
	TH_LOG("a region: %d points tried, with one and with all that follow, at %d it failed",
	       points, failed);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(0, failed);
	EXPECT_LE(failed, points);
}

TEST_HARNESS_MAIN
