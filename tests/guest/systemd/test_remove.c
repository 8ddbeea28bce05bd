// SPDX-License-Identifier: GPL-2.0-or-later
/* Our programs are removed, by uninstall and by accident. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

/* The commands of "make uninstall". */
#define UNINSTALL	"/tests/uninstall"
#define KEPT		"/run/dmem-tests/kept"
#define GENERATOR	"/usr/lib/systemd/system-generators/dmem-generator"
#define APPLY		"/usr/libexec/dmem-apply"
#define LIMITS		"[X-Dmem]\nDeviceMemoryMax=" CAMERA " %dM\n%s"
#define STRICT		"DeviceMemoryStrict=yes\n"

static int shell(const char *script)
{
	return run("sh", "-c", script, NULL);
}

/* Restores all files and reloads. Harmless if nothing is missing. */
static int put_back(void)
{
	if (shell("cp -a --remove-destination " KEPT "/. /"))
		return -1;
	return reload() || run("systemctl", "enable", "dmem-controller.service", NULL);
}

static const char *failed_units(void)
{
	run("systemctl", "list-units", "--failed", "--plain", "--no-legend", NULL);
	return output();
}

FIXTURE(remove) {
	char *failed;	/* units that had failed before */
};

/* Units with and without strict limits: of each kind a service with a limit, and one without in a
 * slice that has one. */
static int write_units(void)
{
	int ret = 0;

	/* systemd keeps the state of a unit that is named in another one. */
	ret |= unit_write("lax.service", "[Unit]\nAfter=strict.service\n" SERVICE
			  "ExecStart=" PROBE " hold\n" LIMITS, 8, "");
	ret |= unit_write("lax.slice", LIMITS, 16, "");
	ret |= unit_write("in-lax.service", SERVICE "Slice=lax.slice\n"
			  "ExecStart=" PROBE " hold\n");
	ret |= unit_write("strict.service", SERVICE "ExecStart=" PROBE " caps hold\n" LIMITS,
			  8, STRICT);
	ret |= unit_write("strict.slice", LIMITS, 16, STRICT);
	ret |= unit_write("in-strict.service", SERVICE "Slice=strict.slice\n"
			  "ExecStart=" PROBE " caps hold\n");
	return ret || reload();
}

FIXTURE_SETUP(remove)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, shell("rm -rf " KEPT "; mkdir " KEPT " && cd / && "
			   "cp -a --parents $(realpath $(sed -n 's/^rm -r*f //p' " UNINSTALL ")) " KEPT))
		TH_LOG("%s", output());
	ASSERT_EQ(0, access(KEPT GENERATOR, X_OK));
	ASSERT_EQ(0, access(KEPT APPLY, X_OK));
	ASSERT_EQ(0, write_units());
	self->failed = strdup(failed_units());
}

FIXTURE_TEARDOWN(remove)
{
	EXPECT_EQ(0, put_back()) TH_LOG("%s", output());
	EXPECT_EQ(0, units_end());
}

/* True if systemd has a command or dependency of ours for this unit. */
static bool ours_left(const char *unit)
{
	run("systemctl", "show", "-p", "DropInPaths,ExecCondition,Wants,Requires,After", unit, NULL);
	return strstr(output(), "dmem");
}

/* After make uninstall, systemd has no setting of ours, and all units start without limits. */
TEST_F_TIMEOUT(remove, uninstall, 200)
{
	static const char * const unit[] = {
		"lax.service", "strict.service", "lax.slice", "strict.slice",
	};
	const int n = sizeof(unit) / sizeof(*unit);

	ASSERT_EQ(0, start("lax.service"));
	ASSERT_EQ(0, start("in-lax.service"));
	for (int i = 0; i < n; i++)
		EXPECT_TRUE(ours_left(unit[i]));
	ASSERT_EQ(8 * MIB, limit_of("lax.service", "dmem.max", CAMERA));
	ASSERT_EQ(16 * MIB, limit_of("lax.slice", "dmem.max", CAMERA));
	run("sh", UNINSTALL, NULL);
	for (int i = 0; i < n; i++)
		EXPECT_FALSE(ours_left(unit[i])) TH_LOG("%s", output());
	EXPECT_EQ(1, shell("ls -R /run/systemd/generator* /etc/systemd/system |"
			   "grep -E 'zz-dmem|dmem-slice|dmem-controller'"))
		TH_LOG("%s", output());
	/* Running units keep their limits. */
	EXPECT_EQ(8 * MIB, limit_of("lax.service", "dmem.max", CAMERA));
	EXPECT_EQ(16 * MIB, limit_of("lax.slice", "dmem.max", CAMERA));

	EXPECT_EQ(0, restart("lax.service"));
	EXPECT_TRUE(has_no_limit("lax.service", CAMERA));
	EXPECT_EQ(0, start("strict.service"));
	EXPECT_TRUE(has_no_limit("strict.service", CAMERA));
	EXPECT_EQ(0, start("in-strict.service"));
	EXPECT_TRUE(has_no_limit("strict.slice", CAMERA));
	EXPECT_STREQ(self->failed, failed_units());

	ASSERT_EQ(0, put_back()) TH_LOG("%s", output());
	ASSERT_EQ(0, restart("strict.service"));
	EXPECT_EQ(8 * MIB, limit_of("strict.service", "dmem.max", CAMERA));
	ASSERT_EQ(0, stop("strict.slice"));
	ASSERT_EQ(0, start("in-strict.service"));
	EXPECT_EQ(16 * MIB, limit_of("strict.slice", "dmem.max", CAMERA));
	EXPECT_EQ(0, stop("strict.slice"));
	EXPECT_EQ(0, stop("lax.slice"));
}

/* Without the reload, systemd still has our commands, but the program is missing. */
TEST_F_TIMEOUT(remove, without_reload, 200)
{
	ASSERT_EQ(0, start("lax.service"));
	ASSERT_EQ(0, shell("sed -n '/^rm /p' " UNINSTALL " | sh")) TH_LOG("%s", output());
	ASSERT_NE(0, access(GENERATOR, F_OK));
	ASSERT_NE(0, access(APPLY, F_OK));
	EXPECT_EQ(8 * MIB, limit_of("lax.service", "dmem.max", CAMERA));
	/* They start without limits. */
	EXPECT_EQ(0, restart("lax.service"));
	EXPECT_TRUE(is_active("lax.service"));
	EXPECT_TRUE(has_no_limit("lax.service", CAMERA));
	EXPECT_EQ(0, start("in-lax.service")) TH_LOG("%s", output());
	EXPECT_TRUE(is_active("in-lax.service"));
	EXPECT_TRUE(has_no_limit("lax.slice", CAMERA));
	/* They do not run without the limit. systemd reports that it skipped the one, and that the
	 * service required by the other's slice does not exist. */
	EXPECT_EQ(0, start("strict.service"));
	EXPECT_FALSE(is_active("strict.service"));
	EXPECT_STREQ("exec-condition", property("strict.service", "Result"));
	EXPECT_EQ(5, start("in-strict.service"));
	EXPECT_FALSE(is_active("in-strict.service"));
	EXPECT_STREQ("", out());
	EXPECT_STREQ(self->failed, failed_units());

	/* The omitted reload. */
	ASSERT_EQ(0, reload());
	EXPECT_EQ(0, start("strict.service"));
	EXPECT_TRUE(has_no_limit("strict.service", CAMERA));
	EXPECT_EQ(0, start("in-strict.service"));
	EXPECT_TRUE(has_no_limit("strict.slice", CAMERA));
	EXPECT_STREQ(self->failed, failed_units());
	EXPECT_EQ(0, stop("strict.slice"));
	EXPECT_EQ(0, stop("lax.slice"));
}

/* Only the program was removed: the services for the slices exist, and fail. */
TEST_F_TIMEOUT(remove, program, 200)
{
	ASSERT_EQ(0, unlink(APPLY));
	EXPECT_EQ(0, start("in-lax.service"));
	EXPECT_TRUE(has_no_limit("lax.slice", CAMERA));
	EXPECT_EQ(0, run("systemctl", "is-failed", "dmem-slice@lax.service", NULL));
	EXPECT_EQ(1, start("in-strict.service"));
	EXPECT_FALSE(is_active("in-strict.service"));
	EXPECT_FALSE(is_active("strict.slice"));
	EXPECT_EQ(0, run("systemctl", "is-failed", "dmem-slice@strict.service", NULL));
	EXPECT_STREQ("", out());
	EXPECT_EQ(0, run("systemctl", "reset-failed", "dmem-slice@*.service", NULL));
	EXPECT_EQ(0, stop("lax.slice"));
}

/* Only the generator was removed: its drop-ins are in force until the reload. */
TEST_F_TIMEOUT(remove, generator, 200)
{
	ASSERT_EQ(0, unlink(GENERATOR));
	ASSERT_EQ(0, start("strict.service"));
	EXPECT_EQ(8 * MIB, limit_of("strict.service", "dmem.max", CAMERA));
	ASSERT_EQ(0, start("in-strict.service"));
	EXPECT_EQ(16 * MIB, limit_of("strict.slice", "dmem.max", CAMERA));
	EXPECT_EQ(0, stop("strict.slice"));
}

TEST_HARNESS_MAIN
