// SPDX-License-Identifier: GPL-2.0-or-later
/* rc_cgroup_settings of OpenRC: its own functions set the limits, without OpenRC as the first process. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define SERVICE_CGROUP	CGROUPS "/openrc.camera"
/* As openrc-run for a service, up to its start. */
#define START		"env RC_SVCNAME=camera PATH=/opt/openrc/bin:$PATH " \
			"LD_LIBRARY_PATH=/opt/openrc/lib sh -c '. /opt/openrc/sh/rc-cgroup.sh && " \
			"veinfo() { echo \"$@\"; } && . %s && cgroup2_set_limits && exec " ROOTFS "/probe %s'"

FIXTURE(openrc) {
	pid_t service;
};

FIXTURE_SETUP(openrc)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(openrc)
{
	kill_hard(self->service);
	EXPECT_TRUE(!rmdir(SERVICE_CGROUP) || errno == ENOENT);
	EXPECT_EQ(0, containers_end());
}

/* A line for each region in conf.d: the service has both limits when it starts. */
TEST_F_TIMEOUT(openrc, settings, 120)
{
	self->service = spawn_out(START, "/srv/openrc/camera", "caps " TOO_MUCH " " FITS " hold");
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(out(), SAYS_LIMITED)) TH_LOG("%s", out());
	EXPECT_EQ(8 * MIB, dmem_read(SERVICE_CGROUP, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_read(SERVICE_CGROUP, "dmem.max", DISPLAY));
	EXPECT_EQ(8 * MIB, dmem_current(SERVICE_CGROUP, CAMERA));
	EXPECT_EQ(1, refused(SERVICE_CGROUP, CAMERA));
}

/* OpenRC starts a service whose limit it could not set: only the shell prints an error. */
TEST_F_TIMEOUT(openrc, no_region, 120)
{
	ASSERT_EQ(0, file_from("/run/dmem-tests/camera", "/srv/openrc/camera", "cma/camera", "cma/none", NULL));
	self->service = spawn_out(START, "/run/dmem-tests/camera", "caps " TOO_MUCH " " FITS " hold");
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(out(), SAYS_FREE)) TH_LOG("%s", out());
	EXPECT_EQ(DMEM_MAX, dmem_read(SERVICE_CGROUP, "dmem.max", CAMERA));
}

TEST_HARNESS_MAIN
