// SPDX-License-Identifier: GPL-2.0-or-later
/* lsdmem on real regions: compares its figures with the kernel's files. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define LSDMEM	"/usr/bin/lsdmem"
#define ROOT	"/sys/fs/cgroup"
#define PAGE	4096LL

#define lsdmem(...)	run(LSDMEM, __VA_ARGS__, NULL)

FIXTURE(lsdmem) {
	int heap;
	char *cg, *below;	/* processes run in the lower one */
};

FIXTURE_SETUP(lsdmem)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	self->heap = heap_open(CAMERA_HEAP);
	ASSERT_GE(self->heap, 0);
	self->cg = cg_name(ROOT, "t-lsdmem");
	ASSERT_EQ(0, cg_create_parent(self->cg));
	self->below = cg_name(self->cg, "below");
	ASSERT_EQ(0, cg_create(self->below));
}

FIXTURE_TEARDOWN(lsdmem)
{
	close(self->heap);
	EXPECT_EQ(0, cg_destroy(self->below));
	EXPECT_EQ(0, cg_destroy(self->cg));
	EXPECT_EQ(0, units_end());
}

/* The rest of the output line that starts with @start, or NULL. */
static const char *line(const char *start)
{
	static char text[4096];
	const char *p = output();

	while (strncmp(p, start, strlen(start))) {
		p = strchr(p, '\n');
		if (!p)
			return NULL;
		p++;
	}
	p += strlen(start);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(p, "\n"), p);
	return text;
}

static int area_file(const char *area, const char *file, char *text, size_t size)
{
	char path[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/cma/%s/%s", area, file);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0 ? 0 : -1;
}

/* Compares each column of the regions with its file. */
TEST_F(lsdmem, regions)
{
	static const char * const regions[] = { CAMERA, DISPLAY, DEFAULT };
	int fd = cg_alloc(self->below, self->heap, 3 * MIB);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, lsdmem("-rnb", "-o", "NAME,CAPACITY,CHARGED,UNACCOUNTED,FREE,LARGEST,PEAK"))
		TH_LOG("%s", output());
	for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++) {
		const char *area = region_area(regions[i]), *got;
		char want[300], start[100], chunk[32];

		ASSERT_EQ(0, area_file(area, "maxchunk", chunk, sizeof(chunk)));
		snprintf(start, sizeof(start), "%s ", regions[i]);
		snprintf(want, sizeof(want), "%lld %lld %lld %lld %lld %lld",
			 dmem_read(ROOT, "dmem.capacity", regions[i]),
			 dmem_read(ROOT, "dmem.current", regions[i]),
			 cma_read(area, "unaccounted_pages") * PAGE,
			 cma_read(area, "available_pages") * PAGE, atoll(chunk) * PAGE,
			 dmem_read(ROOT, "dmem.peak", regions[i]));
		got = line(start);
		ASSERT_NE(NULL, got) TH_LOG("%s", output());
		EXPECT_STREQ(want, got);
	}
	/* The figures are not all zero. */
	EXPECT_EQ(3 * MIB, dmem_read(ROOT, "dmem.current", CAMERA));
	EXPECT_LT(0, cma_read("linux,cma", "unaccounted_pages"));
	close(fd);
}

/* Two heaps use the default area. The system heap has no area. */
TEST_F(lsdmem, heaps)
{
	ASSERT_EQ(0, lsdmem("-rn", "-o", "NAME,HEAPS"));
	EXPECT_STREQ("default_cma_region\\x20linux,cma", line(DEFAULT " ")) TH_LOG("%s", output());
	ASSERT_EQ(0, lsdmem("-Jb", "-o", "NAME,FREE", SYSTEM));
	EXPECT_NE(NULL, strstr(output(), "\"free\": null")) TH_LOG("%s", output());
}

/* A refused request is counted, whichever limit refused it. */
TEST_F(lsdmem, refused)
{
	long long before;

	ASSERT_EQ(0, dmem_set_max(self->cg, CAMERA, 2 * MIB));
	ASSERT_EQ(0, lsdmem("-rn", "-o", "NAME,REFUSED", CAMERA));
	before = atoll(line(CAMERA " "));
	EXPECT_GT(0, cg_alloc(self->below, self->heap, 3 * MIB));
	EXPECT_GT(0, cg_alloc(self->below, self->heap, 64 * MIB));
	ASSERT_EQ(0, lsdmem("-rn", "-o", "NAME,REFUSED", CAMERA));
	EXPECT_EQ(before + 2, atoll(line(CAMERA " "))) TH_LOG("%s", output());
}

/* Charges, limits and effective limits of cgroups. */
TEST_F(lsdmem, tree)
{
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->cg, CAMERA, 6 * MIB));
	ASSERT_EQ(0, dmem_set_max(self->below, CAMERA, 8 * MIB));
	fd = cg_alloc(self->below, self->heap, 2 * MIB);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, lsdmem("--tree", "-rnb", "-o", "NAME,CHARGED,PEAK,MAX,LIMIT", CAMERA));
	EXPECT_STREQ("2097152 2097152 6291456 6291456", line("t-lsdmem ")) TH_LOG("%s", output());
	EXPECT_STREQ("2097152 2097152 8388608 6291456", line("below ")) TH_LOG("%s", output());
	/* No other cgroup is listed. */
	EXPECT_EQ(NULL, line("system.slice ")) TH_LOG("%s", output());
	ASSERT_EQ(0, lsdmem("--tree", "--all", "-rnb", "-o", "NAME,CHARGED", CAMERA));
	EXPECT_STREQ("0", line("system.slice ")) TH_LOG("%s", output());
	close(fd);
}

/* Each buffer is listed once, whatever holds it, and the sum is the charge. */
TEST_F(lsdmem, buffers)
{
	char want[300];
	int fd[2], copy;
	void *map;

	fd[0] = cg_alloc(self->below, self->heap, 3 * MIB);
	fd[1] = cg_alloc(self->below, self->heap, 5 * MIB);
	ASSERT_GE(fd[0], 0);
	ASSERT_GE(fd[1], 0);
	/* Programs that the test runs, such as lsdmem, must not inherit it. */
	ASSERT_EQ(0, fcntl(fd[0], F_SETFD, FD_CLOEXEC));
	ASSERT_EQ(0, fcntl(fd[1], F_SETFD, FD_CLOEXEC));
	copy = fcntl(fd[0], F_DUPFD_CLOEXEC, 0);
	map = mmap(NULL, 3 * MIB, PROT_READ, MAP_SHARED, fd[0], 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, lsdmem("--buffers", "-rnb", "-o", "SIZE,REGION,HEAP,CGROUP,FDS,MAPS,PROCESSES"));
	snprintf(want, sizeof(want), CAMERA " " CAMERA_HEAP " /t-lsdmem/below 2 1 test_lsdmem[%d]", getpid());
	EXPECT_STREQ(want, line("3145728 ")) TH_LOG("%s", output());
	snprintf(want, sizeof(want), CAMERA " " CAMERA_HEAP " /t-lsdmem/below 1 0 test_lsdmem[%d]", getpid());
	EXPECT_STREQ(want, line("5242880 ")) TH_LOG("%s", output());
	EXPECT_EQ(8 * MIB, dmem_current(self->below, CAMERA));
	/* Held only by a mapping. */
	close(copy);
	close(fd[0]);
	ASSERT_EQ(0, lsdmem("--buffers", "-rnb", "-o", "SIZE,FDS,MAPS,REGION,CGROUP"));
	EXPECT_STREQ("0 1 " CAMERA " /t-lsdmem/below", line("3145728 ")) TH_LOG("%s", output());
	munmap(map, 3 * MIB);
	close(fd[1]);
}

/* A buffer on its way from one process to another: no process has a descriptor, and the kernel
 * names the owner. */
TEST_F(lsdmem, buffer_in_message)
{
	int sock[2], fd = cg_alloc(self->below, self->heap, 3 * MIB);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], fd));
	close(fd);
	ASSERT_EQ(0, lsdmem("--buffers", "-rnb", "-o", "SIZE,FDS,MAPS,REGION,CGROUP"));
	EXPECT_STREQ("0 0 " CAMERA " /t-lsdmem/below", line("3145728 ")) TH_LOG("%s", output());
	close(sock[0]);
	close(sock[1]);
}

/* Without privileges, lsdmem reports missing access, and shows the rest. */
TEST_F(lsdmem, not_root)
{
	ASSERT_EQ(0, run("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
			 LSDMEM, "-rnb", "-o", "NAME,CAPACITY,LARGEST", CAMERA, NULL));
	EXPECT_NE(NULL, strstr(output(), CAMERA " 41943040 -\n")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "lsdmem: ")) TH_LOG("%s", output());
}

/* The root's files are missing: a container sees only its own limit. */
TEST_F(lsdmem, namespace)
{
	pid_t pid;

	ASSERT_EQ(0, dmem_set_max(self->below, CAMERA, 8 * MIB));
	pid = cg_fork(self->below);
	if (!pid) {
		execl("/bin/sh", "sh", "-c", "unshare -C -m sh -c 'mount -t cgroup2 none /sys/fs/cgroup && "
		      "exec " LSDMEM " --tree -rnb -o NAME,CHARGED,MAX " CAMERA "' >" OUT " 2>&1", NULL);
		_exit(127);
	}
	EXPECT_EQ(0, wait_exit(pid));
	EXPECT_NE(NULL, strstr(text_of(OUT), "0 8388608\n")) TH_LOG("%s", text_of(OUT));
}

TEST_HARNESS_MAIN
