// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits of services whose programs can access little of the system, and none of our files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "unit.h"

#define SOCKET		"/run/dmem-tests/socket"
#define BYTES		"all that a client sends\nand nothing else\n"
#define FITS		CAMERA_HEAP "=8 0\n"
#define REFUSED		CAMERA_HEAP "=9 12\n"
#define NOT_LIMITED	CAMERA_HEAP "=9 0\n"
#define LIMIT_8M	"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n"
#define HEAP		"/dev/dma_heap/" CAMERA_HEAP
#define DROPIN		"/run/systemd/generator/t-box.service.d/zz-dmem.conf"

FIXTURE(box) {
	int unused;
};

/* The unit's settings, besides its command and its limit. */
FIXTURE_VARIANT(box) {
	const char *says;
};

FIXTURE_VARIANT_ADD(box, user) { .says = "User=nobody\n" };
FIXTURE_VARIANT_ADD(box, dynamic_user) { .says = "DynamicUser=yes\n" };
FIXTURE_VARIANT_ADD(box, no_new_privileges) {
	.says = "User=nobody\nNoNewPrivileges=yes\nCapabilityBoundingSet=\n"
};
FIXTURE_VARIANT_ADD(box, system_calls) {
	/* dmem-apply itself needs a system call that is not in these groups. */
	.says = "SystemCallFilter=@default @basic-io @file-system @io-event @process @signal ioctl\n"
		"SystemCallFilter=~openat2\nSystemCallErrorNumber=EPERM\n"
};
FIXTURE_VARIANT_ADD(box, read_only_cgroups) { .says = "ProtectControlGroups=yes\n" };
FIXTURE_VARIANT_ADD(box, no_cgroups) { .says = "InaccessiblePaths=/sys/fs/cgroup /usr/libexec\n" };
FIXTURE_VARIANT_ADD(box, private_mounts) { .says = "PrivateMounts=yes\nPrivateTmp=yes\n" };
FIXTURE_VARIANT_ADD(box, strict_system) {
	.says = "ProtectSystem=strict\nProtectHome=yes\nProtectProc=invisible\nProcSubset=pid\n"
		"ProtectKernelTunables=yes\nProtectKernelLogs=yes\n"
};
FIXTURE_VARIANT_ADD(box, no_devices) {
	.says = "DevicePolicy=closed\nDeviceAllow=" HEAP " r\n"
};
FIXTURE_VARIANT_ADD(box, no_network) { .says = "PrivateNetwork=yes\nRestrictAddressFamilies=none\n" };
FIXTURE_VARIANT_ADD(box, other_directory) { .says = "WorkingDirectory=-/no/such/directory\n" };
FIXTURE_VARIANT_ADD(box, low_limits) { .says = "LimitNOFILE=16\nLimitFSIZE=4096\nTasksMax=2\n" };

FIXTURE_SETUP(box)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	/* Any user may open the heap: so only the limit can refuse. */
	ASSERT_EQ(0, chmod(HEAP, 0666));
}

FIXTURE_TEARDOWN(box)
{
	chmod(HEAP, 0600);
	EXPECT_EQ(0, units_end());
}

TEST_F(box, is_capped)
{
	ASSERT_EQ(0, unit_write("t-box.service", SERVICE "Type=oneshot\n%s"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9 " CAMERA_HEAP "=8\n"
				LIMIT_8M "DeviceMemoryStrict=yes\n", variant->says));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-box.service")) TH_LOG("%s", output());
	EXPECT_STREQ(REFUSED FITS, out());
}

FIXTURE(tree) {
	int unused;
};

FIXTURE_SETUP(tree)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(tree)
{
	EXPECT_EQ(0, units_end());
	rmdir("/run/dmem-tests/root");
}

/* The unit's own cgroup has the limit, which its sub-cgroups share. */
TEST_F(tree, delegated)
{
	const char *where;
	char path[600];

	ASSERT_EQ(0, unit_write("t-deleg.service", SERVICE "Type=notify\nDelegate=yes\n"
				"ExecStart=" PROBE " caps " CAMERA_HEAP "=9 ready hold\n"
				LIMIT_8M));
	ASSERT_EQ(0, reload());
	/* The second start finds the control process in a cgroup of its own. */
	for (int i = 0; i < 2; i++) {
		out_clear();
		ASSERT_EQ(0, restart("t-deleg.service"));
		where = "cgroup /system.slice/t-deleg.service\nmax " CAMERA " 8388608\n" REFUSED;
		EXPECT_STREQ(where, out());
	}
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup_of("t-deleg.service"));
	EXPECT_EQ(NULL, strstr(text_of(path), "dmem"));
}

TEST_F(tree, delegated_subgroup)
{
	ASSERT_EQ(0, unit_write("t-deleg.service", SERVICE "Type=notify\nDelegate=yes\n"
				"DelegateSubgroup=inner\nExecStartPre=" PROBE " " CAMERA_HEAP "=9\n"
				"ExecStart=" PROBE " caps " CAMERA_HEAP "=9 ready hold\n"
				LIMIT_8M));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-deleg.service"));
	/* The sub-cgroup has no files of the controller, which was not enabled for it. */
	if (strcmp(property("t-deleg.service", "DelegateSubgroup"), "inner"))
		SKIP(return, "this systemd has no DelegateSubgroup=");
	EXPECT_STREQ(REFUSED "cgroup /system.slice/t-deleg.service/inner\n"
		     "max No such file or directory\n" REFUSED, out());
	EXPECT_EQ(8 * MIB, limit_of("t-deleg.service", "dmem.max", CAMERA));
}

/* Neither our command nor the service's can run: nothing runs without a limit. */
TEST_F(tree, missing_directory)
{
	ASSERT_EQ(0, unit_write("t-dir.service", SERVICE "Type=oneshot\n"
				"WorkingDirectory=/no/such/directory\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9\n" LIMIT_8M));
	ASSERT_EQ(0, reload());
	EXPECT_NE(0, start("t-dir.service"));
	EXPECT_STREQ("", out());
	EXPECT_STREQ("failed", property("t-dir.service", "ActiveState")) TH_LOG("%s", output());
}

static int client(char *buf, size_t size)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = SOCKET };
	size_t used = 0;
	ssize_t n;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s < 0 || connect(s, (struct sockaddr *)&to, sizeof(to)) ||
	    write(s, BYTES, strlen(BYTES)) != (ssize_t)strlen(BYTES))
		return -1;
	/* Reads the service's output, and that of dmem-apply before it. */
	while (used < strlen(BYTES) && (n = read(s, buf + used, size - 1 - used)) > 0)
		used += (size_t)n;
	buf[used] = 0;
	return s;
}

/* One instance per connection, which is also our program's stdin and stdout. */
TEST_F(tree, connection)
{
	char got[2000], name[300];
	const char *p;
	int s;

	ASSERT_EQ(0, unit_write("t-conn.socket", "[Socket]\nListenStream=" SOCKET "\nAccept=yes\n"));
	/* The second limit cannot be set, so our program logs a message. */
	ASSERT_EQ(0, unit_write("t-conn@.service", "[Service]\nStandardInput=socket\n"
				"StandardError=socket\nExecStart=" PROBE " cat\n"
				LIMIT_8M "DeviceMemoryMax=cma/not-there 1M\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-conn.socket"));
	s = client(got, sizeof(got));
	ASSERT_LE(0, s);
	EXPECT_STREQ(BYTES, got);
	run("systemctl", "list-units", "--plain", "--no-legend", "t-conn@*.service", NULL);
	p = output();
	ASSERT_EQ(1, sscanf(p, "%299s", name)) TH_LOG("no instance: %s", p);
	EXPECT_EQ(8 * MIB, limit_of(name, "dmem.max", CAMERA));
	shutdown(s, SHUT_WR);
	EXPECT_EQ(0, read(s, got, sizeof(got)));
	close(s);
	EXPECT_TRUE(logged("dmem-apply", "cma/not-there=1M"));
}

FIXTURE(obstacle) {
	int unused;
};

/* Settings that hide our program, or its files, from a service's commands. */
FIXTURE_VARIANT(obstacle) {
	const char *says, *word;
};

FIXTURE_VARIANT_ADD(obstacle, root_directory) {
	.says = "RootDirectory=/run/dmem-tests/root\n", .word = "'RootDirectory='"
};
FIXTURE_VARIANT_ADD(obstacle, root_image) {
	.says = "RootImage=/run/dmem-tests/image\n", .word = "'RootImage='"
};
FIXTURE_VARIANT_ADD(obstacle, hidden_program) {
	.says = "TemporaryFileSystem=/usr/libexec\n", .word = "'TemporaryFileSystem='"
};
FIXTURE_VARIANT_ADD(obstacle, hidden_by_bind) {
	.says = "BindPaths=/run:/usr/libexec\n", .word = "'BindPaths='"
};

FIXTURE_SETUP(obstacle)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(obstacle)
{
	EXPECT_EQ(0, units_end());
}

/* There is no drop-in, but an error with a remedy; a strict unit does not start. */
TEST_F(obstacle, is_reported)
{
	int from = kmsg_open();

	ASSERT_LE(0, from);
	ASSERT_EQ(0, unit_write("t-box.service", SERVICE "Type=oneshot\n%s"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9\n" LIMIT_8M, variant->says));
	ASSERT_EQ(0, reload());
	EXPECT_EQ(1, kmsg_count(from, variant->word));
	EXPECT_NE(0, access(DROPIN, F_OK));
	close(from);

	from = kmsg_open();
	ASSERT_EQ(0, unit_write("t-box.service.d/strict.conf", "[X-Dmem]\nDeviceMemoryStrict=yes\n"));
	ASSERT_EQ(0, reload());
	/* The message has the file and line of the obstacle, not of the section. */
	EXPECT_EQ(1, kmsg_count(from, "/t-box.service:4: "));
	close(from);
	EXPECT_EQ(0, access(DROPIN, F_OK));
	EXPECT_NE(0, start("t-box.service"));
	EXPECT_STREQ("", out());
}

TEST_HARNESS_MAIN
