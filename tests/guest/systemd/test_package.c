// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Debian package is installed, upgraded, removed and purged while services with limits run. The
 * guest image contains the files of "make install", for any release; a package has the libc of the
 * release that it was built on. So the package is installed here, over those files, and stays: the
 * tests that follow use its programs.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define NAME		"dmem-systemd"
#define DEB		"/tests/systemd/" NAME ".deb"
#define NEWER		"/run/dmem-tests/newer"
#define APPLY		"/usr/libexec/dmem-apply"
#define GENERATOR	"/usr/lib/systemd/system-generators/dmem-generator"
#define MASK		"/run/systemd/system-generators/dmem-generator"
#define SCRIPT(which)	"/var/lib/dpkg/info/" NAME "." which
#define ENABLED		"/etc/systemd/system/sysinit.target.wants/dmem-controller.service"
#define STATE		"/var/lib/systemd/deb-systemd-helper-"
#define SECONDS		120

#define FREE		CAMERA_HEAP "=9 0\n"
#define REFUSED		CAMERA_HEAP "=9 12\n"

static bool there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static int install(const char *deb)
{
	return run("dpkg", "-i", deb, NULL);
}

static int purge(void)
{
	return run("dpkg", "-P", NAME, NULL);
}

/* True if systemd would run the generator. */
static bool runs_generator(void)
{
	return !access(GENERATOR, X_OK) && !there(MASK);
}

static const char *version(void)
{
	run("dpkg-query", "-W", "-f", "${Version}", NAME, NULL);
	return output();
}

static bool installed(void)
{
	return !run("dpkg-query", "-W", "-f", "${db:Status-Status}", NAME, NULL) &&
	       !strcmp(output(), "installed");
}

static bool enabled(void)
{
	return !run("systemctl", "is-enabled", "dmem-controller.service", NULL);
}

/* The units that systemd reports as failed. */
static const char *failed(void)
{
	run("systemctl", "--failed", "--no-legend", "--plain", NULL);
	return output();
}

/* True if systemd has a command of ours for this unit. */
static bool has_line(const char *unit)
{
	return *property(unit, "ExecCondition") ||
	       strstr(property(unit, "DropInPaths"), "zz-dmem.conf");
}

/* The number of existing files of a list, and one of them; without directories that others also
 * use. */
static int files_there(const char *list, char one[PATH_MAX])
{
	static char copy[65536];
	struct stat st;
	char *save;
	int n = 0;

	*one = 0;
	snprintf(copy, sizeof(copy), "%s", list);
	for (char *p = strtok_r(copy, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		if (!there(p) || (!stat(p, &st) && S_ISDIR(st.st_mode) && !strstr(p, NAME)))
			continue;
		snprintf(one, PATH_MAX, "%s", p);
		n++;
	}
	return n;
}

FIXTURE(package) {
	int unused;
};

FIXTURE_SETUP(package)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	if (!installed())
		ASSERT_EQ(0, install(DEB)) TH_LOG("%s", output());
	ASSERT_EQ(0, unit_write("t-capped.service", "[Unit]\nStartLimitIntervalSec=0\n" SERVICE "Type=notify\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9 ready hold\n"
				"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n"
				"DeviceMemoryStrict=yes\n"));
}

FIXTURE_TEARDOWN(package)
{
	EXPECT_EQ(0, units_end());
	if (!installed())
		EXPECT_EQ(0, install(DEB)) TH_LOG("%s", output());
	if (!enabled())
		EXPECT_EQ(0, run("systemctl", "enable", "dmem-controller.service", NULL));
}

/* Installs on a system without any of our files, also without those of make install. */
TEST_F_TIMEOUT(package, installs, SECONDS)
{
	ASSERT_EQ(0, purge()) TH_LOG("%s", output());
	ASSERT_FALSE(there(APPLY));
	ASSERT_FALSE(there(ENABLED));
	ASSERT_EQ(0, install(DEB)) TH_LOG("%s", output());
	EXPECT_TRUE(enabled());
	EXPECT_TRUE(is_active("dmem-controller.service"));
	EXPECT_NE(NULL, strstr(text_of("/etc/group"), "dma-heap:"));
	/* The section existed before: it needs no reload. */
	ASSERT_EQ(0, start("t-capped.service")) TH_LOG("%s", output());
	EXPECT_EQ(8 * MIB, limit_of("t-capped.service", "dmem.max", CAMERA));
	EXPECT_STREQ(REFUSED, out());
	EXPECT_STREQ("", failed());
}

/* A running service continues, and the administrator's setting remains. */
TEST_F_TIMEOUT(package, upgrade, SECONDS)
{
	char pid[32], old[64];

	snprintf(old, sizeof(old), "%s", version());
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-capped.service"));
	snprintf(pid, sizeof(pid), "%s", property("t-capped.service", "MainPID"));
	ASSERT_EQ(0, run("dpkg-deb", "-R", DEB, NEWER, NULL)) TH_LOG("%s", output());
	ASSERT_EQ(0, run("sed", "-i", "s/^Version: .*/&+newer/", NEWER "/DEBIAN/control", NULL));
	ASSERT_EQ(0, run("dpkg-deb", "-b", "-Znone", NEWER, NEWER ".deb", NULL));
	ASSERT_EQ(0, install(NEWER ".deb")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(version(), "+newer"));
	EXPECT_TRUE(enabled());
	EXPECT_TRUE(is_active("dmem-controller.service"));
	EXPECT_STREQ(pid, property("t-capped.service", "MainPID"));
	EXPECT_EQ(8 * MIB, limit_of("t-capped.service", "dmem.max", CAMERA));
	ASSERT_EQ(0, restart("t-capped.service"));
	EXPECT_STREQ(REFUSED REFUSED, out());
	ASSERT_EQ(0, run("systemctl", "disable", "dmem-controller.service", NULL));
	ASSERT_EQ(0, install(DEB)) TH_LOG("%s", output());
	EXPECT_STREQ(old, version());
	EXPECT_FALSE(enabled());
	EXPECT_STREQ("", failed());
	run("rm", "-rf", NEWER, NEWER ".deb", NULL);
}

/*
 * At no time may a unit have a command whose program was removed: dpkg removes files after the
 * first script. The test stops at that moment, and then installs again.
 */
TEST_F_TIMEOUT(package, lines_go_before_the_program, SECONDS)
{
	ASSERT_EQ(0, reload());
	ASSERT_TRUE(has_line("t-capped.service"));
	ASSERT_EQ(0, run(SCRIPT("prerm"), "remove", NULL)) TH_LOG("%s", output());
	ASSERT_TRUE(there(APPLY) && there(GENERATOR));
	EXPECT_FALSE(has_line("t-capped.service"));
	ASSERT_EQ(0, reload());
	EXPECT_FALSE(has_line("t-capped.service"));
	ASSERT_EQ(0, start("t-capped.service"));
	EXPECT_STREQ(FREE, out());
	ASSERT_EQ(0, run(SCRIPT("postinst"), "abort-remove", NULL)) TH_LOG("%s", output());
	EXPECT_TRUE(runs_generator());
	EXPECT_TRUE(has_line("t-capped.service"));
	EXPECT_TRUE(is_active("dmem-controller.service"));
	ASSERT_EQ(0, restart("t-capped.service"));
	EXPECT_STREQ(FREE REFUSED, out());
	EXPECT_STREQ("", failed());
}

/* A mask made by the administrator is never removed by the package. */
TEST_F_TIMEOUT(package, masked_by_the_administrator, SECONDS)
{
	char target[20] = "";

	ASSERT_EQ(0, run("mkdir", "-p", "/run/systemd/system-generators", NULL));
	ASSERT_EQ(0, symlink("/dev/null", MASK));
	EXPECT_EQ(0, run(SCRIPT("prerm"), "remove", NULL)) TH_LOG("%s", output());
	EXPECT_EQ(0, run(SCRIPT("postinst"), "abort-remove", NULL)) TH_LOG("%s", output());
	EXPECT_EQ(0, run(SCRIPT("postinst"), "configure", NULL)) TH_LOG("%s", output());
	EXPECT_FALSE(has_line("t-capped.service"));
	EXPECT_EQ(9, readlink(MASK, target, sizeof(target)));
	EXPECT_STREQ("/dev/null", &target[0]);
	EXPECT_EQ(0, unlink(MASK));
	EXPECT_TRUE(runs_generator());
	ASSERT_EQ(0, reload());
	EXPECT_TRUE(has_line("t-capped.service"));
}

/* Then a unit with a section, even a strict one, has no limit. */
TEST_F_TIMEOUT(package, remove_and_come_back, SECONDS)
{
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-capped.service"));
	ASSERT_EQ(0, run("dpkg", "-r", NAME, NULL)) TH_LOG("%s", output());
	EXPECT_FALSE(there(APPLY));
	EXPECT_FALSE(there(MASK));
	EXPECT_FALSE(has_line("t-capped.service"));
	EXPECT_TRUE(is_active("t-capped.service"));
	ASSERT_EQ(0, restart("t-capped.service")) TH_LOG("%s", output());
	EXPECT_STREQ(REFUSED FREE, out());
	EXPECT_STREQ("", failed());
	ASSERT_EQ(0, install(DEB)) TH_LOG("%s", output());
	EXPECT_TRUE(enabled());
	ASSERT_EQ(0, restart("t-capped.service"));
	EXPECT_STREQ(REFUSED FREE REFUSED, out());
}

TEST_F_TIMEOUT(package, purge_leaves_nothing, SECONDS)
{
	static char list[65536];
	char one[PATH_MAX];

	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-capped.service"));
	ASSERT_EQ(0, run("dpkg", "-L", NAME, NULL));
	snprintf(list, sizeof(list), "%s", output());
	ASSERT_LE(10, files_there(list, one));
	ASSERT_TRUE(there(ENABLED));
	ASSERT_TRUE(there(STATE "enabled/dmem-controller.service.dsh-also"));
	ASSERT_EQ(0, purge()) TH_LOG("%s", output());
	EXPECT_EQ(0, files_there(list, one)) TH_LOG("%s", one);
	EXPECT_FALSE(there(ENABLED));
	EXPECT_FALSE(there(STATE "enabled/dmem-controller.service.dsh-also"));
	EXPECT_FALSE(there(STATE "masked/dmem-controller.service"));
	EXPECT_FALSE(there(SCRIPT("list")));
	EXPECT_FALSE(there(SCRIPT("postrm")));
	EXPECT_FALSE(there(MASK));
	EXPECT_FALSE(has_line("t-capped.service"));
	ASSERT_EQ(0, restart("t-capped.service")) TH_LOG("%s", output());
	EXPECT_STREQ(REFUSED FREE, out());
	EXPECT_STREQ("", failed());
}

TEST_HARNESS_MAIN
