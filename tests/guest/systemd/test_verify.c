// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * systemd reports no problem in installed and generated files. Also the effect of the
 * distribution's services at boot.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define INSTALLED	"/usr/lib/systemd/system/"
#define GENERATED	"/run/systemd/generator/"
#define ETC		"/etc/systemd/system/"
#define EXAMPLES	"/usr/share/doc/dmem/examples/"
#define HEAPS		"/dev/dma_heap"
#define RULES		"/etc/udev/rules.d/70-dmem-heap.rules"
#define DAEMON		"/usr/bin/camera-daemon"
#define CONTROLLER	"dmem-controller.service"
#define GROUP		"dma-heap"
#define EXAMPLE_UNITS	ETC "camera.service " ETC "camera.slice " ETC "display.slice " ETC "media.slice"
/* systemd-analyze is slow, since each instruction is emulated. */
#define TIMEOUT		120

FIXTURE(verify) {
	int unused;
};

FIXTURE_SETUP(verify)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(verify)
{
	EXPECT_EQ(0, units_end());
}

/* Installs all examples, and the program that one of them starts. */
static int write_examples(void)
{
	static const char * const example[] = {
		"camera.service", "camera.slice", "display.slice", "media.slice",
	};
	char path[200];
	int err = 0;

	for (size_t i = 0; i < sizeof(example) / sizeof(*example) && !err; i++) {
		snprintf(path, sizeof(path), EXAMPLES "%s", example[i]);
		err = access(path, R_OK) ? -errno : unit_write(example[i], "%s", text_of(path));
	}
	if (!err)
		err = unit_write(DAEMON, "#!/bin/sh\nexec " PROBE " hold\n");
	return err || !chmod(DAEMON, 0755) ? err : -errno;
}

/* The messages of systemd about these files, joined by blanks. Generated files are found because
 * their directory comes first. The guest has our manual pages, but no man. */
static const char *verdict(const char *units)
{
	static char text[8192];
	char command[2000];
	int bad;

	snprintf(command, sizeof(command),
		 "SYSTEMD_UNIT_PATH=" GENERATED ": systemd-analyze verify --man=no %s", units);
	bad = run("sh", "-c", command, NULL);
	*text = 0;
	for (const char *l = output(), *end; *l; l = *end ? end + 1 : end) {
		end = strchrnul(l, '\n');
		/* Units of the distribution may need programs that the guest does not have. */
		if (strncmp(l, INSTALLED, sizeof(INSTALLED) - 1) ||
		    !strncmp(l + sizeof(INSTALLED) - 1, "dmem-", 5))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s\n",
				 (int)(end - l), l);
	}
	return *text || !bad ? text : output();
}

TEST_F_TIMEOUT(verify, installed, TIMEOUT)
{
	EXPECT_STREQ("", verdict(INSTALLED CONTROLLER " " INSTALLED "dmem-slice@.service "
				 INSTALLED "dmem-slice@.service:dmem-slice@a-b.service"));
	EXPECT_STREQ("\"man:dmem-generator(8)\"", property(CONTROLLER, "Documentation"));
	EXPECT_STREQ("\"man:dmem-generator(8)\"", property("dmem-slice@a.service", "Documentation"));
	EXPECT_EQ(0, access("/usr/share/man/man8/dmem-generator.8", R_OK));
	EXPECT_EQ(0, access("/usr/share/man/man8/dmem-apply.8", R_OK));
}

TEST_F_TIMEOUT(verify, examples, TIMEOUT)
{
	ASSERT_EQ(0, write_examples());
	EXPECT_STREQ("", verdict(EXAMPLE_UNITS));
	ASSERT_EQ(0, reload());
	EXPECT_STREQ("", verdict(EXAMPLE_UNITS
				 " " INSTALLED "dmem-slice@.service:dmem-slice@camera.service"
				 " " INSTALLED "dmem-slice@.service:dmem-slice@media.service"));
}

/* Each kind of file that the generator writes. */
TEST_F_TIMEOUT(verify, generated, TIMEOUT)
{
	ASSERT_EQ(0, unit_write("dv-.service.d/a.conf", "[X-Dmem]\nDeviceMemoryMax=" SYSTEM " 1T\n"));
	ASSERT_EQ(0, unit_write("dv-a.service", "[Service]\nExecStart=/bin/true\n"));
	ASSERT_EQ(0, unit_write("dv-b.service", "[Service]\nExecStart=/bin/true\n"
				"[X-Dmem]\nDeviceMemoryMax=\n"));
	ASSERT_EQ(0, unit_write("dv@.service", "[Service]\nExecStart=/bin/true\n"
				"[X-Dmem]\nDeviceMemoryMax=cma/%%i 50%%\nDeviceMemoryStrict=yes\n"));
	ASSERT_EQ(0, unit_write("dv-c.service", "[Service]\nExecStart=/bin/true\nRootDirectory=/tmp\n"
				"[X-Dmem]\nDeviceMemoryMax=" SYSTEM " 1G\nDeviceMemoryStrict=yes\n"));
	ASSERT_EQ(0, unit_write("dv-.slice.d/a.conf", "[X-Dmem]\nDeviceMemoryMax=" SYSTEM " 1T\n"));
	ASSERT_EQ(0, unit_write("dv-a.slice", "[X-Dmem]\nDeviceMemoryMax=" SYSTEM " 1G\n"
				"DeviceMemoryLow=" CAMERA " 12.5%%\nDeviceMemoryStrict=yes\n"));
	ASSERT_EQ(0, unit_write("dv-b.slice", "[X-Dmem]\nDeviceMemoryMax=\n"));
	ASSERT_EQ(0, unit_write("system.slice.d/dv.conf", "[X-Dmem]\nDeviceMemoryMax=" SYSTEM " 1T\n"));
	ASSERT_EQ(0, reload());
	EXPECT_EQ(0, access(GENERATED "dv-.service.d/zz-dmem.conf", R_OK));
	EXPECT_EQ(0, access(GENERATED "dmem-slice-dv-@.service", R_OK));
	EXPECT_NE(NULL, strstr(property("sysinit.target", "Wants"), "dmem-slice@system.service"));
	EXPECT_STREQ("", verdict(ETC "dv-a.service " ETC "dv-b.service " ETC "dv@.service "
				 ETC "dv-c.service " ETC "dv-a.slice " ETC "dv-b.slice "
				 INSTALLED "dmem-slice@.service:dmem-slice@dv-a.service "
				 INSTALLED "dmem-slice@.service:dmem-slice@system.service "
				 GENERATED "dmem-slice-dv-@.service:dmem-slice-dv-@dv-n.service "
				 INSTALLED "sysinit.target"));
}

/* The messages about a unit, or "" if its drop-in is listed without one. */
static const char *trouble(const char *unit)
{
	static const char * const words[] = {
		"warning", "bad", "unknown", "error", "fail", "not-found", "invalid", "ignor",
	};

	if (run("systemctl", "status", "--no-pager", "--full", "--", unit, NULL))
		return "it is not active";
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcasestr(output(), words[i]))
			return words[i];
	}
	return strstr(output(), "zz-dmem.conf\n") ? "" : "no drop-in of ours is listed";
}

TEST_F_TIMEOUT(verify, status, TIMEOUT)
{
	ASSERT_EQ(0, write_examples());
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("camera.service")) TH_LOG("%s", output());
	EXPECT_STREQ("", trouble("camera.service")) TH_LOG("%s", output());
	EXPECT_STREQ("", trouble("camera.slice")) TH_LOG("%s", output());
	EXPECT_EQ(24 * MIB, limit_of("camera.service", "dmem.max", CAMERA));
	EXPECT_STREQ("no", property("camera.service", "NeedDaemonReload"));
	EXPECT_STREQ("no", property("camera.slice", "NeedDaemonReload"));
}

/* The unit is enabled only by the preset, at the first boot. */
TEST_F_TIMEOUT(verify, preset, TIMEOUT)
{
	EXPECT_EQ(0, run("systemctl", "is-enabled", CONTROLLER, NULL));
	EXPECT_STREQ("enabled\n", output());
	EXPECT_TRUE(is_active(CONTROLLER));
	EXPECT_EQ(0, run("systemctl", "disable", CONTROLLER, NULL)) TH_LOG("%s", output());
	EXPECT_NE(0, run("systemctl", "is-enabled", CONTROLLER, NULL));
	EXPECT_STREQ("disabled\n", output());
	/* Our preset enables it: it is not enabled by default. */
	ASSERT_EQ(0, unit_write("/etc/systemd/system-preset/95-nothing.preset", "disable *\n"));
	EXPECT_EQ(0, run("systemctl", "preset", CONTROLLER, NULL)) TH_LOG("%s", output());
	EXPECT_EQ(0, run("systemctl", "is-enabled", CONTROLLER, NULL));
	EXPECT_STREQ("enabled\n", output());
}

/* The number of heaps, or of those with another group or mode. */
static int heaps(gid_t group, mode_t mode, bool others)
{
	DIR *d = opendir(HEAPS);
	int n = 0;

	for (struct dirent *de; d && (de = readdir(d));) {
		struct stat st;

		if (*de->d_name == '.' || fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		n += !others || st.st_uid || st.st_gid != group || st.st_mode != (S_IFCHR | mode);
	}
	if (d)
		closedir(d);
	return n;
}

/* The result for a process whose only group is this one. */
static const char *probe_as(const char *group)
{
	char groups[50];

	snprintf(groups, sizeof(groups), "--groups=%s", group);
	run("setpriv", "--reuid=65534", "--regid=65534", groups, PROBE, CAMERA_HEAP "=1", NULL);
	return output();
}

FIXTURE(heaps) {
	int unused;
};

FIXTURE_SETUP(heaps)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

/* udev does not change a device when its rule is removed. */
FIXTURE_TEARDOWN(heaps)
{
	EXPECT_EQ(0, units_end());
	EXPECT_EQ(0, run("udevadm", "control", "--reload", NULL));
	EXPECT_EQ(0, run("sh", "-c", "chown root:root " HEAPS "/* && chmod 600 " HEAPS "/*", NULL));
	EXPECT_EQ(0, heaps(0, 0600, true));
}

/* The group is made at boot, and gets the heaps after the rule is copied. */
TEST_F_TIMEOUT(heaps, rule, TIMEOUT)
{
	const char *line = strstr(text_of("/etc/group"), "\n" GROUP ":x:");
	gid_t group;

	ASSERT_NE(NULL, line);
	group = (gid_t)atoi(line + sizeof("\n" GROUP ":x:") - 1);
	EXPECT_NE(0U, group);
	EXPECT_GT(heaps(0, 0, false), 2);
	EXPECT_EQ(0, heaps(0, 0600, true));
	EXPECT_STREQ(CAMERA_HEAP "=1 13\n", probe_as(GROUP));
	ASSERT_EQ(0, unit_write(RULES, "%s", text_of(EXAMPLES "70-dmem-heap.rules")));
	ASSERT_EQ(0, run("udevadm", "control", "--reload", NULL)) TH_LOG("%s", output());
	ASSERT_EQ(0, run("udevadm", "trigger", "--subsystem-match=dma_heap", "--settle", NULL))
		TH_LOG("%s", output());
	EXPECT_EQ(0, heaps(group, 0660, true));
	EXPECT_STREQ(CAMERA_HEAP "=1 0\n", probe_as(GROUP));
	EXPECT_STREQ(CAMERA_HEAP "=1 13\n", probe_as("nogroup"));
}

TEST_HARNESS_MAIN
