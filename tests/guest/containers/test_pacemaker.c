// SPDX-License-Identifier: GPL-2.0-or-later
/* Pacemaker's placement by the utilization of regions: with its own simulator, and in a cluster of one node. */
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
/* The services of the shipped file, for the live cluster. */
#define RESOURCES	"/run/dmem-tests/resources.xml"
#define N_SERVICES	3
/* Seconds. The node waits 20 of them for others before it is alone. */
#define CLUSTER_SOON	180

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

/* ---- a live cluster ---- */

FIXTURE(pacemaker_live) {
	int unused;
};

FIXTURE_SETUP(pacemaker_live)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, run("systemctl", "start", "corosync.service", "pacemaker.service", NULL)) TH_LOG("%s", output());
}

FIXTURE_TEARDOWN(pacemaker_live)
{
	run("systemctl", "stop", "pacemaker.service", "corosync.service", NULL);
	run("systemctl", "stop", "camera@*.service", NULL);
	shell_out("rm -rf /var/lib/pacemaker/cib/* /var/lib/pacemaker/pengine/* /var/lib/corosync/*");
	run("systemctl", "reset-failed", NULL);
	EXPECT_EQ(0, containers_end());
}

/* Waits until a line of the shell succeeds. */
static bool wait_shell(const char *line)
{
	long long end = now_ms() + CLUSTER_SOON * 1000LL;

	while (run("sh", "-c", line, NULL)) {
		if (now_ms() > end)
			return false;
		sleep_ms(500);
	}
	return true;
}

/* The number of the one service that runs, or 0. */
static int the_service(void)
{
	int found = 0, n = 0;
	char unit[40];

	for (int i = 1; i <= N_SERVICES; i++) {
		snprintf(unit, sizeof(unit), "camera@%d.service", i);
		if (is_active(unit)) {
			found = i;
			n++;
		}
	}
	return n == 1 ? found : 0;
}

/*
 * The node offers its 40M by the script of the recipe. Of three services of 24M, one starts, with its limit, and
 * two stay stopped. When the one is disabled, another one starts.
 */
TEST_F_TIMEOUT(pacemaker_live, one_node, 600)
{
	char unit[40], line[200];
	int first;

	ASSERT_TRUE(wait_shell("crm_mon --one-shot | grep -F 'Online: [ board-1 ]'")) TH_LOG("%s", output());
	ASSERT_EQ(0, shell_out("crm_attribute --name stonith-enabled --update false && "
			       "crm_attribute --name placement-strategy --update utilization && "
			       "sh /srv/pacemaker/utilization.sh \"$(crm_node -n)\"")) TH_LOG("%s", out());
	ASSERT_EQ(0, run("crm_attribute", "--node=board-1", "--utilization", "--name=" CAMERA, "--query", "--quiet", NULL));
	EXPECT_STREQ("40\n", output());
	ASSERT_EQ(0, shell_out("sed -n '/<resources>/,/<.resources>/p' " SHIPPED " >" RESOURCES " && "
			       "cibadmin --replace --scope=resources --xml-file=" RESOURCES " && "
			       "crm_resource --wait --timeout=%d", CLUSTER_SOON)) TH_LOG("%s", out());

	first = the_service();
	ASSERT_NE(0, first) TH_LOG("%s", out());
	snprintf(unit, sizeof(unit), "camera@%d.service", first);
	EXPECT_EQ(24 * MIB, limit_of(unit, "dmem.max", CAMERA));

	snprintf(line, sizeof(line), "crm_resource --resource=camera-%d --set-parameter=target-role --meta "
		 "--parameter-value=Stopped && crm_resource --wait --timeout=%d", first, CLUSTER_SOON);
	ASSERT_EQ(0, shell_out("%s", line)) TH_LOG("%s", out());
	ASSERT_NE(0, the_service());
	ASSERT_NE(first, the_service());
	snprintf(unit, sizeof(unit), "camera@%d.service", the_service());
	EXPECT_EQ(24 * MIB, limit_of(unit, "dmem.max", CAMERA));
}

TEST_HARNESS_MAIN
