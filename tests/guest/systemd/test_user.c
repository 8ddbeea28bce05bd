// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits above and below a user's manager, and in other cgroups that are no services. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define UID		1000
#define HEAP		"/dev/dma_heap/" CAMERA_HEAP
#define HOME		"/run/dmem-tests/home"
#define USER_UNITS	HOME "/.config/systemd/user/"
#define SLICE		"/sys/fs/cgroup/user.slice/user-1000.slice"
#define MANAGER		SLICE "/user@1000.service"
#define APPS		"/user.slice/user-1000.slice/user@1000.service/app.slice"
#define APP_SLICE	"/sys/fs/cgroup" APPS
#define AS_USER		"setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", \
			"env", "XDG_RUNTIME_DIR=/run/user/1000"
#define LIMIT		"[X-Dmem]\nDeviceMemoryMax=" CAMERA " "
/* A service of the user that allocates its limit, and a bit more. */
#define GREEDY(mib)	SERVICE "Type=oneshot\n" \
			"ExecStart=" PROBE " " CAMERA_HEAP "=" #mib " " CAMERA_HEAP "=1 caps\n"
#define REFUSED(mib)	CAMERA_HEAP "=" #mib " 0\n" CAMERA_HEAP "=1 12\n"

/* Writes to a file as the user. Returns 0 or an errno. */
static int user_write(const char *path, const char *text)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid < 0 ? errno : wait_exit(pid);
	if (setgid(UID) || setuid(UID))
		_exit(errno);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(errno);
	_exit(0);
}

static int add_line(const char *path, const char *line)
{
	FILE *f = fopen(path, "ae");

	if (!f)
		return -errno;
	fputs(line, f);
	return fclose(f);
}

FIXTURE(user) {
	char *passwd, *group;
};

FIXTURE_SETUP(user)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	self->passwd = strdup(text_of("/etc/passwd"));
	self->group = strdup(text_of("/etc/group"));
	ASSERT_EQ(0, add_line("/etc/passwd", "tester:x:1000:1000::" HOME ":/bin/sh\n"));
	ASSERT_EQ(0, add_line("/etc/group", "tester:x:1000:\n"));
	ASSERT_EQ(0, chmod(HEAP, 0666));
	ASSERT_EQ(0, chmod(OUT, 0666));
	/* On other machines it comes from a login. */
	ASSERT_EQ(0, unit_write("user@.service.d/10-runtime.conf", "[Service]\n"
				"Environment=XDG_RUNTIME_DIR=/run/user/%%i\n"));
}

static void put_text(const char *path, const char *text)
{
	FILE *f = text ? fopen(path, "we") : NULL;

	if (!f)
		return;
	fputs(text, f);
	fclose(f);
}

FIXTURE_TEARDOWN(user)
{
	/* Stop all units in it, too. */
	stop("user.slice");
	EXPECT_EQ(0, units_end());
	chmod(HEAP, 0600);
	put_text("/etc/passwd", self->passwd);
	put_text("/etc/group", self->group);
}

static int start_manager(void)
{
	return reload() || start("user@1000.service");
}

static int user_start(const char *unit)
{
	return run(AS_USER, "systemctl", "--user", "start", unit, NULL);
}

/* Limits at all levels of the administrator's units apply to services of the user's manager. */
TEST_F_TIMEOUT(user, service, 200)
{
	static const char * const dropin[] = {
		"user.slice.d/50-dmem.conf", "user-.slice.d/50-dmem.conf",
		"user-1000.slice.d/50-dmem.conf", "user@1000.service.d/50-dmem.conf",
	};

	ASSERT_EQ(0, unit_write(USER_UNITS "greedy.service", GREEDY(8)));
	for (size_t i = 0; i < sizeof(dropin) / sizeof(*dropin); i++) {
		ASSERT_EQ(0, unit_write(dropin[i], LIMIT "8M\n"));
		/* It may be active since the boot. */
		ASSERT_EQ(0, stop("user.slice"));
		ASSERT_EQ(0, start_manager()) TH_LOG("%s", output());
		EXPECT_EQ(0, user_start("greedy.service")) TH_LOG("%s", output());
		EXPECT_STREQ(REFUSED(8) "cgroup " APPS "/greedy.service\n"
			     "max No such file or directory\n", out()) TH_LOG("%s", dropin[i]);
		out_clear();
		ASSERT_EQ(0, unit_remove(dropin[i]));
	}
}

/* The user can set smaller limits for own services, but not larger ones. */
TEST_F_TIMEOUT(user, own_caps, 200)
{
	ASSERT_EQ(0, unit_write("user-1000.slice.d/50-dmem.conf", LIMIT "20M\n"));
	ASSERT_EQ(0, unit_write("user@.service.d/50-dmem.conf", LIMIT "16M\n"));
	ASSERT_EQ(0, unit_write(USER_UNITS "four.service", GREEDY(4)));
	ASSERT_EQ(0, unit_write(USER_UNITS "sixteen.service", GREEDY(16)));
	ASSERT_EQ(0, unit_write(USER_UNITS "capped.service", GREEDY(2)
				"ExecCondition=/usr/libexec/dmem-apply --max=" CAMERA "=2M\n"));
	ASSERT_EQ(0, stop("user.slice"));
	ASSERT_EQ(0, start_manager()) TH_LOG("%s", output());
	ASSERT_EQ(0, user_start("app.slice"));
	EXPECT_EQ(20 * MIB, dmem_read(SLICE, "dmem.max", CAMERA));
	EXPECT_EQ(16 * MIB, dmem_read(MANAGER, "dmem.max", CAMERA));

	/* Our programs do not enable the controller for the user's manager. */
	EXPECT_EQ(ENOENT, user_write(APP_SLICE "/dmem.max", CAMERA " 4194304"));
	EXPECT_EQ(0, user_start("capped.service"));
	EXPECT_STREQ("", out());
	EXPECT_TRUE(logged("dmem-apply", "/capped.service: the cgroup is below a delegated unit"))
		TH_LOG("%s", output());
	ASSERT_EQ(0, user_write(MANAGER "/cgroup.subtree_control", "+dmem"));
	EXPECT_EQ(0, user_write(APP_SLICE "/dmem.max", CAMERA " 4194304"));
	/* A reload does not undo the user's own change. */
	ASSERT_EQ(0, run(AS_USER, "systemctl", "--user", "daemon-reload", NULL));
	EXPECT_EQ(0, user_start("four.service"));
	EXPECT_STREQ(REFUSED(4) "cgroup " APPS "/four.service\n"
		     "max No such file or directory\n", out());

	/* With the controller in the user's slice, our command sets the limit. */
	out_clear();
	ASSERT_EQ(0, user_write(APP_SLICE "/cgroup.subtree_control", "+dmem"));
	EXPECT_EQ(0, user_start("capped.service"));
	EXPECT_STREQ(REFUSED(2) "cgroup " APPS "/capped.service\nmax " CAMERA " 2097152\n", out());

	/* With a larger limit, that of the administrator applies. */
	out_clear();
	EXPECT_EQ(0, user_write(APP_SLICE "/dmem.max", CAMERA " 33554432"));
	EXPECT_EQ(32 * MIB, dmem_read(APP_SLICE, "dmem.max", CAMERA));
	EXPECT_EQ(0, user_start("sixteen.service"));
	EXPECT_STREQ(REFUSED(16) "cgroup " APPS "/sixteen.service\n", out());

	/* The user cannot write to the administrator's limit. */
	EXPECT_EQ(EACCES, user_write(MANAGER "/dmem.max", CAMERA " max"));
	EXPECT_EQ(EACCES, user_write(MANAGER "/dmem.min", CAMERA " 1048576"));
	EXPECT_EQ(EACCES, user_write(SLICE "/dmem.max", CAMERA " max"));
	EXPECT_EQ(EACCES, user_write(SLICE "/cgroup.subtree_control", "-dmem"));
	EXPECT_EQ(EACCES, user_write("/sys/fs/cgroup/cgroup.procs", "0"));
	EXPECT_EQ(EACCES, user_write("/sys/fs/cgroup/system.slice/cgroup.procs", "0"));
	EXPECT_EQ(20 * MIB, dmem_read(SLICE, "dmem.max", CAMERA));
	EXPECT_EQ(16 * MIB, dmem_read(MANAGER, "dmem.max", CAMERA));
}

/* ---- cgroups that are no services ---- */

FIXTURE(place) {
	int unused;
};

FIXTURE_SETUP(place)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(place)
{
	EXPECT_EQ(0, units_end());
}

/* A scope has no section, but its slice may have one. */
TEST_F_TIMEOUT(place, scope_in_machine_slice, 120)
{
	ASSERT_EQ(0, unit_write("machine.slice.d/50-dmem.conf", LIMIT "8M\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, stop("machine.slice"));
	EXPECT_EQ(0, run("systemd-run", "--scope", "--quiet", "--slice=machine.slice",
			 "--unit=guest.scope", PROBE, CAMERA_HEAP "=8", CAMERA_HEAP "=1", "caps",
			 NULL));
	EXPECT_STREQ(REFUSED(8) "cgroup /machine.slice/guest.scope\n"
		     "max No such file or directory\n", output());
	EXPECT_EQ(8 * MIB, limit_of("machine.slice", "dmem.max", CAMERA));
	EXPECT_EQ(0, stop("machine.slice"));
}

/* A section without an effect is reported, and the unit is unchanged. */
TEST_F_TIMEOUT(place, wrong_types, 120)
{
	static const struct {
		const char *path, *text, *type;
		int line;
	} wrong[] = {
		{ "wrong.socket", "[Socket]\nListenStream=/run/dmem-tests/wrong.socket\n",
		  "socket", 3 },
		{ "run-wrong.mount", "[Mount]\nWhat=tmpfs\nType=tmpfs\nWhere=/run/wrong\n",
		  "mount", 5 },
		{ "wrong.scope.d/50-dmem.conf", "", "scope", 1 },
	};
	char line[200];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ASSERT_EQ(0, unit_write(wrong[i].path, "%s" LIMIT "8M\n", wrong[i].text));
	ASSERT_EQ(0, unit_write("wrong.service", SERVICE "ExecStart=" PROBE " hold\n"));
	ASSERT_EQ(0, reload());
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(line, sizeof(line), "/etc/systemd/system/%s:%d: '[X-Dmem]' has no effect in a %s "
			 "unit: ", wrong[i].path, wrong[i].line,
			 wrong[i].type);
		EXPECT_TRUE(logged("dmem-generator", line)) TH_LOG("%s: %s", line, output());
	}
	EXPECT_EQ(0, start("wrong.socket"));
	EXPECT_EQ(0, start("run-wrong.mount"));
	EXPECT_STREQ("", property("wrong.socket", "DropInPaths"));
	EXPECT_STREQ("", property("run-wrong.mount", "DropInPaths"));
	EXPECT_EQ(0, run("systemd-run", "--scope", "--quiet", "--unit=wrong.scope", PROBE,
			 CAMERA_HEAP "=9", NULL));
	EXPECT_STREQ(CAMERA_HEAP "=9 0\n", output());
}

TEST_HARNESS_MAIN
