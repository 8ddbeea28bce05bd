// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of devices behind an IOMMU: pages of the page allocator, which no region has. The
 * memory controller charges them to the cgroup of the process if cgroup2 is mounted with
 * memory_dma_accounting, and nobody is charged otherwise. This process is in a.
 *
 * The USB controller and the sound card use the IOMMU as long as this program runs.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"
#include "guest_util.h"
#include "sound.h"
#include "usbfs.h"

#define LEN		(8LL << 20)
#define SLACK		(1LL << 20)	/* for what else is charged to the cgroup */
#define REFUSALS	20
#define FLUSH_MS	5000		/* of memory.stat, at most */

#define PCI		"/sys/bus/pci"

static int usb_ret, sound_ret;

FIXTURE(iommu) {
	struct dmem_test t;
	char *a, *b;
	int dev;
	long long in_a, in_b;		/* kernel memory at the beginning */
	char regions[DMEM_FILE_BUF];	/* dmem.current of the test's cgroup */
};

#define IOMMU	FIXTURE_DATA(iommu)

FIXTURE_SETUP(iommu)
{
	struct dmem_test *t = &self->t;

	begin_or_skip(_metadata, t, DMEM_NO_HEAP);
	if (usb_ret == -ENOENT || sound_ret == -ENOENT)
		SKIP(return, "no USB controller and sound card with an IOMMU");
	ASSERT_EQ(0, usb_ret);
	ASSERT_EQ(0, sound_ret);
	if (dmem_enable_memory(t))
		SKIP(return, "no memory controller in cgroup2");
	self->dev = usbfs_open();
	ASSERT_LE(0, self->dev);
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	self->b = new_cgroup(_metadata, cg_create, t->cg, "b");
	ASSERT_EQ(0, cg_enter_current(self->a));
	self->in_a = kernel_memory(self->a);
	self->in_b = kernel_memory(self->b);
	ASSERT_EQ(0, cg_read(t->cg, "dmem.current", self->regions, sizeof(self->regions)));
	ASSERT_EQ(0, dma_accounting(true));
}

FIXTURE_TEARDOWN(iommu)
{
	dma_accounting(false);
	close(self->dev);
	dmem_end(&self->t);
}

/* memcg has charged these bytes, and dmem none, in any region. */
static void expect_charges(struct __test_metadata *_metadata, IOMMU *self, long long in_a,
			   long long in_b)
{
	char regions[DMEM_FILE_BUF];
	long long a = kernel_memory(self->a) - self->in_a;
	long long b = kernel_memory(self->b) - self->in_b;

	EXPECT_LT(in_a - SLACK, a);
	EXPECT_GT(in_a + SLACK, a);
	EXPECT_LT(in_b - SLACK, b);
	EXPECT_GT(in_b + SLACK, b);
	/* Some more pages are charged for each CPU. */
	EXPECT_LE(in_a, cg_read_long(self->a, "memory.current"));
	EXPECT_LE(in_b, cg_read_long(self->b, "memory.current"));
	EXPECT_EQ(0, cg_read(self->t.cg, "dmem.current", regions, sizeof(regions)));
	EXPECT_STREQ(self->regions, regions);
}

#define EXPECT_CHARGES(...)	expect_charges(_metadata, self, __VA_ARGS__)

/* In bytes above the present usage */
static void set_memory_max(struct __test_metadata *_metadata, const char *cg, long long more)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", cg_read_long(cg, "memory.current") + more);
	ASSERT_EQ(0, cg_write(cg, "memory.max", text));
}

static long long memory_event(const char *cg, const char *key)
{
	return cg_read_key_long(cg, "memory.events", key);
}

/* The last munmap() returns the charge. A mapping outlives the file. */
TEST_F(iommu, charged)
{
	void *p = usbfs_map(self->dev, LEN), *q;

	ASSERT_TRUE(!!p);
	EXPECT_CHARGES(LEN, 0);
	memset(p, 'x', LEN);
	q = usbfs_map(self->dev, LEN / 2);
	ASSERT_TRUE(!!q);
	EXPECT_CHARGES(LEN + LEN / 2, 0);
	EXPECT_EQ(0, munmap(p, LEN));
	EXPECT_CHARGES(LEN / 2, 0);
	close(self->dev);
	self->dev = -1;
	EXPECT_CHARGES(LEN / 2, 0);
	EXPECT_EQ(0, munmap(q, LEN / 2));
	EXPECT_CHARGES(0, 0);
}

/* Nobody is charged, and no limit holds, unless it is chosen. */
TEST_F(iommu, not_chosen)
{
	void *p;

	ASSERT_EQ(0, dma_accounting(false));
	set_memory_max(_metadata, self->a, LEN / 2);
	p = usbfs_map(self->dev, LEN);
	ASSERT_TRUE(!!p);
	EXPECT_CHARGES(0, 0);
	/* The choice is for new buffers. */
	ASSERT_EQ(0, dma_accounting(true));
	EXPECT_EQ(0, munmap(p, LEN));
	EXPECT_CHARGES(0, 0);
	p = usbfs_map(self->dev, LEN / 4);
	ASSERT_TRUE(!!p);
	EXPECT_CHARGES(LEN / 4, 0);
	ASSERT_EQ(0, dma_accounting(false));
	EXPECT_EQ(0, munmap(p, LEN / 4));
	EXPECT_CHARGES(0, 0);
}

/* The administrator can read whether the kernel has the option, and whether it is chosen. */
TEST_F(iommu, shown)
{
	char text[DMEM_FILE_BUF];

	ASSERT_EQ(0, cg_read("/sys/kernel/cgroup", "features", text, sizeof(text)));
	EXPECT_TRUE(!!strstr(text, "memory_dma_accounting\n"));
	ASSERT_EQ(0, cg_read("/proc/self", "mounts", text, sizeof(text)));
	EXPECT_TRUE(!!strstr(text, "memory_dma_accounting"));
	ASSERT_EQ(0, dma_accounting(false));
	ASSERT_EQ(0, cg_read("/proc/self", "mounts", text, sizeof(text)));
	EXPECT_FALSE(!!strstr(text, "memory_dma_accounting"));
}

/* mmap() fails: the process is not killed, and nothing is left. A neighbour has its own limit. */
TEST_F(iommu, limit)
{
	void *p, *q;

	set_memory_max(_metadata, self->a, LEN / 2);
	p = usbfs_map(self->dev, LEN);
	EXPECT_TRUE(!p);
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_CHARGES(0, 0);
	EXPECT_LT(0, memory_event(self->a, "max "));
	p = usbfs_map(self->dev, LEN / 4);
	ASSERT_TRUE(!!p);
	EXPECT_CHARGES(LEN / 4, 0);

	ASSERT_EQ(0, cg_enter_current(self->b));
	q = usbfs_map(self->dev, LEN);
	ASSERT_TRUE(!!q);
	EXPECT_CHARGES(LEN / 4, LEN);
	EXPECT_EQ(0, memory_event(self->b, "max "));
	munmap(p, LEN / 4);
	munmap(q, LEN);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(0, memory_event(self->a, "oom "));
	EXPECT_EQ(0, memory_event(self->a, "oom_kill "));
}

TEST_F(iommu, parent_limit)
{
	set_memory_max(_metadata, self->t.cg, LEN / 2);
	EXPECT_TRUE(!usbfs_map(self->dev, LEN));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(0, memory_event(self->t.cg, "oom "));
}

/* Repeated requests do not fill the log. */
TEST_F_TIMEOUT(iommu, refusals_are_quiet, 60)
{
	int killer = kmsg_open(), pages = kmsg_open(), i;

	ASSERT_LE(0, killer);
	ASSERT_LE(0, pages);
	set_memory_max(_metadata, self->a, LEN / 2);
	for (i = 0; i < REFUSALS; i++)
		EXPECT_TRUE(!usbfs_map(self->dev, LEN));
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(0, kmsg_count(killer, "oom"));
	EXPECT_EQ(0, kmsg_count(pages, "allocation failure"));
	close(killer);
	close(pages);
}

/* The charge stays where it was made, and is gone with the process. */
TEST_F(iommu, moved)
{
	int ends[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ends));
	pid = cg_fork(self->a);
	ASSERT_LE(0, pid);
	if (!pid) {
		c = !usbfs_map(self->dev, LEN) || cg_enter_current(self->b);
		if (write(ends[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ends[0], &c, 1));
	EXPECT_EQ(0, c);
	EXPECT_CHARGES(LEN, 0);
	kill(pid, SIGKILL);
	wait_exit(pid);
	EXPECT_CHARGES(0, 0);
}

/* Waits for memory.stat, since a stream has less than the kernel flushes it for. */
static bool wait_more_than(const char *cg, long long than, bool more)
{
	long long end = now_ms() + FLUSH_MS;

	while ((kernel_memory(cg) > than) != more && now_ms() < end)
		sleep_ms(100);
	return (kernel_memory(cg) > than) == more;
}

TEST_F(iommu, sound)
{
	long long most;
	int pcm;

	ASSERT_EQ(0, pcm_preallocate(0));
	pcm = pcm_open(0);
	ASSERT_LE(0, pcm);
	sleep_ms(FLUSH_MS / 2);
	most = kernel_memory(self->a) + PCM_BYTES - PCM_BYTES / 8;
	EXPECT_EQ(0, pcm_buffer(pcm, PCM_BYTES));
	EXPECT_TRUE(wait_more_than(self->a, most, true));
	EXPECT_CHARGES(PCM_BYTES, 0);
	EXPECT_EQ(0, pcm_prepare(pcm));
	EXPECT_EQ(0, pcm_free(pcm));
	EXPECT_TRUE(wait_more_than(self->a, most - PCM_BYTES / 2, false));
	close(pcm);
}

/* The driver's only device, which has the kernel's default until then, uses the IOMMU. */
static int use_iommu(const char *driver)
{
	char dir[64], group[512], *dev = NULL;
	struct dirent *ent;
	DIR *d;
	int ret;

	snprintf(dir, sizeof(dir), PCI "/drivers/%s", driver);
	d = opendir(dir);
	if (!d)
		return -errno;
	while (!dev && (ent = readdir(d))) {
		if (strchr(ent->d_name, ':'))
			dev = strdup(ent->d_name);
	}
	closedir(d);
	if (!dev)
		return -ENOENT;
	snprintf(group, sizeof(group), PCI "/devices/%s/iommu_group", dev);
	ret = access(group, F_OK) ? -errno : 0;
	if (!ret) {
		char *bind = cg_control(dir, "bind"), *type = cg_control(group, "type");
		char *unbind = cg_control(dir, "unbind");

		undo_add(bind, dev);
		undo_add(type, "identity");
		undo_add(unbind, dev);
		ret = cg_write(dir, "unbind", dev);
		if (!ret)
			ret = cg_write(group, "type", "DMA");
		if (!ret)
			ret = cg_write(dir, "bind", dev);
		free(bind);
		free(type);
		free(unbind);
	}
	free(dev);
	return ret;
}

int main(int argc, char **argv)
{
	if (dmem_is_on() && !geteuid()) {
		usb_ret = use_iommu("xhci_hcd");
		sound_ret = use_iommu("snd_ens1370");
	}
	return test_harness_run(argc, argv);
}
