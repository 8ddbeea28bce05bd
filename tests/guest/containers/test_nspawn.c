// SPDX-License-Identifier: GPL-2.0-or-later
/* systemd-nspawn runs in an ordinary service, so the limit is in a section [X-Dmem]. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define SETTINGS	"/srv/nspawn/camera.nspawn"
#define DROP_IN		"/srv/nspawn/50-dmem.conf"
#define UNIT		"systemd-nspawn@camera.service"
#define OTHER_UNIT	"systemd-nspawn@player.service"
#define SLICE		CGROUPS "/machine.slice"
#define MINE		SLICE "/" UNIT
#define OTHER		SLICE "/" OTHER_UNIT
#define STAYS		"/run/systemd/nspawn/unix-export/camera"
#define MACHINES	"/var/lib/machines/"
#define ONE_HEAP	"Bind=/dev/dma_heap/" CAMERA_HEAP
#define ALL_HEAPS	"Bind=/dev/dma_heap"
#define SEE		SEE_CGROUP " " FIND_USAGE " " FIND_CAPACITY " "
#define SAYS_SEE	SEE_CGROUP " 0\n" FIND_USAGE " 0\n" FIND_CAPACITY " 0\n"
#define NO_USERS	"PrivateUsers=no"
#define USERS		"PrivateUsers=100000:65536"

FIXTURE(nspawn) {
	int unused;
};

FIXTURE_SETUP(nspawn)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, run("mkdir", "-p", MACHINES, NULL));
	ASSERT_EQ(0, run("cp", "-a", ROOTFS, MACHINES "camera", NULL));
	ASSERT_EQ(0, run("cp", "-a", ROOTFS, MACHINES "player", NULL));
}

FIXTURE_TEARDOWN(nspawn)
{
	run("systemctl", "stop", UNIT, OTHER_UNIT, "machine.slice", NULL);
	run("systemctl", "reset-failed", NULL);
	run("rm", "-rf", MACHINES "camera", MACHINES "player", NULL);
	EXPECT_TRUE(wait_gone(SLICE, 10));
	EXPECT_EQ(0, containers_end());
	/* Left by a failed test. */
	run("umount", STAYS, NULL);
}

/* The machine with other words for probe, and a log for the test. */
static int machine_of(const char *id, const char *words, const char *heaps, const char *users)
{
	char path[200], dir[100];
	int ret;

	snprintf(path, sizeof(path), "/etc/systemd/nspawn/%s.nspawn", id);
	snprintf(dir, sizeof(dir), "systemd-nspawn@%s.service.d", id);
	ret = file_from(path, SETTINGS, WORDS, words, ONE_HEAP, heaps, NO_USERS, users, NULL);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/50-dmem.conf", dir);
	ret = file_from(path, DROP_IN, NULL);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/60-out.conf", dir);
	return unit_write(path, "[Service]\nStandardOutput=append:" OUT "\n"
			  "StandardError=append:" OUT "\n");
}

static int machine(const char *id, const char *words, const char *heaps)
{
	return machine_of(id, words, heaps, NO_USERS);
}

/* The output without the changes that a terminal has made. */
static const char *plain(void)
{
	static char text[4096];
	size_t n = 0;

	for (const char *p = out(); *p && n < sizeof(text) - 1; p++) {
		if (*p != '\r')
			text[n++] = *p;
	}
	text[n] = 0;
	return text;
}

/* A line may arrive in parts. */
static bool wait_plain(const char *line)
{
	long long end = now_ms() + SOON * 1000LL;

	while (!strstr(plain(), line)) {
		if (now_ms() > end)
			return false;
		sleep_ms(20);
	}
	return true;
}

/* The payload is in a cgroup below the service, without the controller; the service has the
 * limit. */
TEST_F_TIMEOUT(nspawn, two_machines, 200)
{
	ASSERT_EQ(0, machine("camera", "/probe " SEE LIFT " " OTHER_HEAP " caps " TOO_MUCH " "
			     FITS " hold", ONE_HEAP));
	ASSERT_EQ(0, machine("player", "/probe " MODEST " hold", ONE_HEAP));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start(UNIT)) TH_LOG("%s", out());
	ASSERT_TRUE(wait_plain(SAYS_LIMITED)) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(plain(), "cgroup /\nmax No such file or directory\n")) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(plain(), SAYS_SEE LIFT " 2\n" OTHER_HEAP " 2\n")) TH_LOG("%s", out());
	out_clear();
	ASSERT_EQ(0, start(OTHER_UNIT)) TH_LOG("%s", out());
	ASSERT_TRUE(wait_plain(SAYS_MODEST)) TH_LOG("%s", out());

	ASSERT_STREQ(MINE "/payload", cgroup_of_pid(first_pid(MINE "/payload")));
	EXPECT_FALSE(exists(MINE "/payload/dmem.max"));
	EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(MINE, CAMERA));
	EXPECT_EQ(1, refused(MINE, CAMERA));
	EXPECT_EQ(0, refused(SLICE, CAMERA));
	ASSERT_STREQ(OTHER "/payload", cgroup_of_pid(first_pid(OTHER "/payload")));
	EXPECT_EQ(8 * MIB, dmem_read(OTHER, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_current(OTHER, CAMERA));
	EXPECT_EQ(0, refused(OTHER, CAMERA));
}

/* A section of machine.slice applies to all machines together. */
TEST_F_TIMEOUT(nspawn, slice_around_all, 200)
{
	ASSERT_EQ(0, unit_write("machine.slice.d/50-dmem.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA
				" 10M\n"));
	ASSERT_EQ(0, machine("camera", "/probe " FITS " hold", ONE_HEAP));
	ASSERT_EQ(0, machine("player", "/probe " MODEST " " CAMERA_HEAP "=2 hold", ONE_HEAP));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start(UNIT)) TH_LOG("%s", out());
	ASSERT_TRUE(wait_plain(FITS " 0\n")) TH_LOG("%s", out());
	ASSERT_EQ(0, start(OTHER_UNIT)) TH_LOG("%s", out());
	ASSERT_TRUE(wait_plain(CAMERA_HEAP "=2 0\n")) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(plain(), MODEST " 12\n")) TH_LOG("%s", out());
	EXPECT_EQ(10 * MIB, dmem_read(SLICE, "dmem.max", CAMERA));
	EXPECT_EQ(1, refused(SLICE, CAMERA));
	EXPECT_EQ(0, refused(MINE, CAMERA));
	EXPECT_EQ(0, refused(OTHER, CAMERA));
}

/* With a user namespace, the node must belong to the user that is root inside. */
TEST_F_TIMEOUT(nspawn, user_namespace, 200)
{
	static const char * const says[] = { SAYS_DENIED, SAYS_LIMITED };

	ASSERT_EQ(0, machine_of("camera", GREEDY, ONE_HEAP, USERS));
	ASSERT_EQ(0, reload());
	for (int i = 0; i < 2; i++) {
		out_clear();
		ASSERT_EQ(0, chown(HEAP_FILE, i ? MAPPED_USER : 0, 0));
		EXPECT_EQ(0, start(UNIT)) TH_LOG("%s", out());
		EXPECT_TRUE(wait_plain(says[i])) TH_LOG("%s", out());
		ASSERT_EQ(0, chown(HEAP_FILE, 0, 0));
		EXPECT_EQ(MAPPED_USER, user_of_pid(first_pid(MINE "/payload")));
		EXPECT_EQ(i, refused(MINE, CAMERA));
		ASSERT_EQ(0, stop(UNIT));
	}
}

/*
 * Heaps without a device rule cannot be opened. The machine ends with the engine, and systemd
 * removes the cgroups. A mount of nspawn remains: the next start fails because of it, and removes
 * it.
 */
TEST_F_TIMEOUT(nspawn, killed_engine, 200)
{
	ASSERT_EQ(0, machine("camera", "/probe " OTHER_HEAP " " FITS " hold", ALL_HEAPS));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start(UNIT)) TH_LOG("%s", out());
	ASSERT_TRUE(wait_plain(FITS " 0\n")) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(plain(), OTHER_HEAP " 1\n")) TH_LOG("%s", out());
	EXPECT_EQ(8 * MIB, dmem_current(MINE, CAMERA));
	ASSERT_EQ(0, kill(atoi(property(UNIT, "MainPID")), SIGKILL));
	EXPECT_TRUE(wait_property(UNIT, "ActiveState", "failed", 20));
	EXPECT_TRUE(wait_gone(MINE, 10));
	EXPECT_EQ(0, dmem_wait_current(SLICE, CAMERA, 0, 10000));
	out_clear();
	EXPECT_NE(0, start(UNIT));
	EXPECT_NE(NULL, strstr(out(), "'" STAYS "' exists already")) TH_LOG("%s", out());
	out_clear();
	ASSERT_EQ(0, start(UNIT)) TH_LOG("%s", out());
	ASSERT_TRUE(wait_plain(FITS " 0\n")) TH_LOG("%s", out());
	EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
}

TEST_HARNESS_MAIN
