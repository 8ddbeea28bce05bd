// SPDX-License-Identifier: GPL-2.0-or-later
/* Pacemaker's placement by the utilization of regions, with its own simulator and no cluster. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define SHIPPED		"/srv/pacemaker/cib.xml"
#define CIB		"/run/dmem-tests/cib.xml"
#define SET		"CIB_file=" CIB " sh /srv/pacemaker/utilization.sh "
#define SIMULATE	"crm_simulate --simulate --xml-file=" CIB

FIXTURE(pacemaker) {
	int unused;
};

FIXTURE_SETUP(pacemaker)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, file_from(CIB, SHIPPED, NULL));
}

FIXTURE_TEARDOWN(pacemaker)
{
	EXPECT_EQ(0, containers_end());
}

/* The number of services that run on a node at the end of the last simulation. */
static int services_on(const char *node)
{
	const char *end = strstr(out(), "Revised Cluster Status:");
	char text[80];
	int n = 0;

	snprintf(text, sizeof(text), "Started %s\n", node);
	for (; end && (end = strstr(end, text)); end++)
		n++;
	return n;
}

static int stopped(void)
{
	const char *end = strstr(out(), "Revised Cluster Status:");
	int n = 0;

	for (; end && (end = strstr(end, "Stopped\n")); end++)
		n++;
	return n;
}

/*
 * Each of two nodes has the 40M of this machine, and the third has no region. Two services of 24M are on
 * one node each, and the third service stays stopped. Without the strategy, each node gets one.
 */
TEST_F_TIMEOUT(pacemaker, utilization, 120)
{
	ASSERT_EQ(0, shell_out(SET "board-1 && " SET "board-2")) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(text_of(CIB), "name=\"" CAMERA "\" value=\"40\"")) TH_LOG("%s", text_of(CIB));
	out_clear();
	ASSERT_EQ(0, shell_out(SIMULATE)) TH_LOG("%s", out());
	EXPECT_EQ(1, services_on("board-1")) TH_LOG("%s", out());
	EXPECT_EQ(1, services_on("board-2"));
	EXPECT_EQ(0, services_on("board-3"));
	EXPECT_EQ(1, stopped());

	out_clear();
	ASSERT_EQ(0, shell_out("sed -i 's/value=\"utilization\"/value=\"default\"/' " CIB " && " SIMULATE));
	EXPECT_EQ(1, services_on("board-3")) TH_LOG("%s", out());
	EXPECT_EQ(0, stopped());
}

/* If a node fails, its service moves only where the region has room: nowhere. */
TEST_F_TIMEOUT(pacemaker, failed_node, 120)
{
	ASSERT_EQ(0, shell_out(SET "board-1 && " SET "board-2")) TH_LOG("%s", out());
	out_clear();
	ASSERT_EQ(0, shell_out(SIMULATE " --node-down=board-2")) TH_LOG("%s", out());
	EXPECT_EQ(1, services_on("board-1")) TH_LOG("%s", out());
	EXPECT_EQ(0, services_on("board-2"));
	EXPECT_EQ(2, stopped());
}

/* The limit of the service's unit is the number that the cluster counts with. */
TEST_F_TIMEOUT(pacemaker, unit, 60)
{
	EXPECT_NE(NULL, strstr(text_of(SHIPPED), "name=\"" CAMERA "\" value=\"24\""));
	ASSERT_EQ(0, start("camera@1.service"));
	EXPECT_EQ(24 * MIB, limit_of("camera@1.service", "dmem.max", CAMERA));
}

TEST_HARNESS_MAIN
