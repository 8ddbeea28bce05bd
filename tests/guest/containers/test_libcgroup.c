// SPDX-License-Identifier: GPL-2.0-or-later
/* libcgroup's programs: a group is a cgroup, and each write sets one region. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define CONFIG		"/etc/cgconfig.conf"
#define OTHER_CONFIG	"/run/dmem-tests/cgconfig.conf"
#define MINE		CGROUPS "/camera"
#define OTHER		CGROUPS "/player"
#define TELLS		"max " CAMERA " 8388608\nmax " DISPLAY " 4194304\n"
#define EXEC		"cgexec -g dmem:%s " ROOTFS "/probe caps "
#define VALUE_CAMERA	"dmem.max = \"" CAMERA " 8M\";"
#define VALUE_DISPLAY	"dmem.max = \"" DISPLAY " 4M\";"

FIXTURE(libcgroup) {
	pid_t payload;
};

FIXTURE_VARIANT(libcgroup) {
	const char *dir;
	/* Results of limits in a value of two lines. */
	long long camera, display;
};

FIXTURE_VARIANT_ADD(libcgroup, v3) {
	.dir = "",
	.camera = DMEM_MAX,
	.display = DMEM_MAX,
};

/* Debian 12 has other programs and another library. */
FIXTURE_VARIANT_ADD(libcgroup, v2) {
	.dir = "/opt/libcgroup",
	.camera = 8 * MIB,
	.display = 4 * MIB,
};

FIXTURE_SETUP(libcgroup)
{
	const char *why = containers_begin();
	char path[200];

	if (why)
		SKIP(return, "%s", why);
	if (!*variant->dir)
		return;
	snprintf(path, sizeof(path), "%s/bin:%s", variant->dir, getenv("PATH"));
	setenv("PATH", path, 1);
	snprintf(path, sizeof(path), "%s/lib", variant->dir);
	setenv("LD_LIBRARY_PATH", path, 1);
}

FIXTURE_TEARDOWN(libcgroup)
{
	kill_hard(self->payload);
	if (exists(MINE))
		run("cgdelete", "dmem:camera", NULL);
	if (exists(OTHER))
		run("cgdelete", "dmem:player", NULL);
	EXPECT_EQ(0, containers_end());
	EXPECT_FALSE(exists(MINE));
	EXPECT_FALSE(exists(OTHER));
}

/* The shipped cgconfig.conf, with programs that start in its groups or are moved there. */
TEST_F_TIMEOUT(libcgroup, configuration, 120)
{
	char pid[20];

	ASSERT_EQ(0, run("cgconfigparser", "-l", CONFIG, NULL)) TH_LOG("%s", output());
	EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_read(MINE, "dmem.max", DISPLAY));
	EXPECT_EQ(8 * MIB, dmem_read(OTHER, "dmem.max", CAMERA));
	EXPECT_EQ(DMEM_MAX, dmem_read(OTHER, "dmem.max", DISPLAY));
	ASSERT_EQ(0, shell_out(EXEC TOO_MUCH " " FITS, "camera")) TH_LOG("%s", out());
	EXPECT_STREQ("cgroup /camera\n" TELLS SAYS_LIMITED, out());
	EXPECT_EQ(1, refused(MINE, CAMERA));
	out_clear();
	ASSERT_EQ(0, shell_out(EXEC MODEST, "player")) TH_LOG("%s", out());
	EXPECT_STREQ("cgroup /player\nmax " CAMERA " 8388608\n" SAYS_MODEST, out());
	EXPECT_EQ(0, refused(OTHER, CAMERA));

	self->payload = spawn_out(ROOTFS "/probe hold");
	snprintf(pid, sizeof(pid), "%d", self->payload);
	ASSERT_EQ(0, run("cgclassify", "-g", "dmem:player", pid, NULL)) TH_LOG("%s", output());
	EXPECT_STREQ(OTHER, cgroup_of_pid(self->payload));
}

/* Charges end with the program, and the group stays until it is deleted. */
TEST_F_TIMEOUT(libcgroup, killed, 120)
{
	ASSERT_EQ(0, run("cgconfigparser", "-l", CONFIG, NULL)) TH_LOG("%s", output());
	self->payload = spawn_out("cgexec -g dmem:camera " ROOTFS "/probe " FITS " hold");
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_EQ(8 * MIB, dmem_current(MINE, CAMERA));
	EXPECT_STREQ(MINE, cgroup_of_pid(self->payload));
	kill_hard(self->payload);
	self->payload = 0;
	EXPECT_EQ(0, dmem_wait_current(MINE, CAMERA, 0, 10000));
	EXPECT_EQ(0, run("cgdelete", "dmem:camera", NULL)) TH_LOG("%s", output());
	EXPECT_FALSE(exists(MINE));
}

TEST_F_TIMEOUT(libcgroup, by_hand, 120)
{
	ASSERT_EQ(0, run("sh", "/srv/libcgroup/by-hand.sh", NULL)) TH_LOG("%s", output());
	EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_read(MINE, "dmem.max", DISPLAY));
	EXPECT_EQ(0, run("cgget", "-r", "dmem.max", "camera", NULL));
	EXPECT_NE(NULL, strstr(output(), "\t" CAMERA " 8388608\n")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "\t" DISPLAY " 4194304\n")) TH_LOG("%s", output());
	/* cgset reports a mistake. */
	EXPECT_NE(0, run("cgset", "-r", "dmem.max=cma/not-there 8M", "camera", NULL));
}

/* The same name twice: cgset sets neither and exits with 0, and the file is rejected. */
TEST_F_TIMEOUT(libcgroup, name_twice, 120)
{
	ASSERT_EQ(0, run("cgcreate", "-g", "dmem:camera", NULL)) TH_LOG("%s", output());
	EXPECT_EQ(0, run("cgset", "-r", "dmem.max=" CAMERA " 8M", "-r", "dmem.max=" DISPLAY " 4M",
			 "camera", NULL));
	EXPECT_NE(NULL, strstr(output(), "can't be set")) TH_LOG("%s", output());
	EXPECT_EQ(DMEM_MAX, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(DMEM_MAX, dmem_read(MINE, "dmem.max", DISPLAY));
	ASSERT_EQ(0, run("cgdelete", "dmem:camera", NULL));

	ASSERT_EQ(0, unit_write(OTHER_CONFIG, "group player {\n\tdmem {\n\t\t%s\n\t}\n}\n"
				"group camera {\n\tdmem {\n\t\t%s\n\t\t%s\n\t}\n}\n",
				VALUE_CAMERA, VALUE_CAMERA, VALUE_DISPLAY));
	EXPECT_NE(0, run("cgconfigparser", "-l", OTHER_CONFIG, NULL));
	EXPECT_FALSE(exists(MINE));
	EXPECT_FALSE(exists(OTHER));
}

/* 3.1 ignores values of several lines without a message: so there is no limit and no error. */
TEST_F_TIMEOUT(libcgroup, several_lines, 120)
{
	ASSERT_EQ(0, unit_write(OTHER_CONFIG, "group camera {\n\tdmem {\n"
				"\t\tdmem.max = \"%s 8M\n%s 4M\";\n\t}\n}\n", CAMERA, DISPLAY));
	EXPECT_EQ(0, run("cgconfigparser", "-l", OTHER_CONFIG, NULL)) TH_LOG("%s", output());
	EXPECT_EQ(variant->camera, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(variant->display, dmem_read(MINE, "dmem.max", DISPLAY));
	/* To copy a group, libcgroup reads and writes such a value. */
	EXPECT_EQ(0, run("cgset", "-r", "dmem.max=" CAMERA " 8M", "camera", NULL));
	ASSERT_EQ(0, run("cgcreate", "-g", "dmem:player", NULL));
	EXPECT_EQ(0, run("cgset", "--copy-from", "camera", "player", NULL));
	EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(variant->camera, dmem_read(OTHER, "dmem.max", CAMERA));
	EXPECT_EQ(variant->display, dmem_read(OTHER, "dmem.max", DISPLAY));
}

TEST_HARNESS_MAIN
