// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debian's Prometheus and node_exporter: the shipped timer writes figures, the shipped rules notice a
 * refused request, and a plan of a range query has what was allocated.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define DIR		"/var/lib/prometheus/node-exporter"
#define FIGURES		DIR "/dmem.prom"
#define API		"http://localhost:9090/api/v1/"
#define ANSWER		"/run/dmem-tests/answer.json"
#define OWNER		"cgroup=\"/system.slice/t-full.service\""
/* Emulated, and with two programs in Go: the time of a scrape and of an evaluation. */
#define STEP_S		5
#define SOON_S		120

/* Only the intervals are shorter than on a real server. */
static const char config[] =
	"global:\n"
	"  scrape_interval: 5s\n"
	"  scrape_timeout: 5s\n"
	"  evaluation_interval: 5s\n"
	"rule_files:\n"
	"- /usr/share/dmem-tools/dmem.rules.yml\n"
	"scrape_configs:\n"
	"- job_name: node\n"
	"  static_configs:\n"
	"  - targets: ['localhost:9100']\n";

static long long now_s(void)
{
	return (long long)time(NULL);
}

/* Runs until the command succeeds and its output has the text. */
static bool wait_shell(const char *command, const char *text)
{
	for (long long end = now_s() + SOON_S; now_s() < end; usleep(200000)) {
		if (!run("sh", "-c", command, NULL) && strstr(output(), text))
			return true;
	}
	return false;
}

/* Waits until the query has the text in its answer. */
static bool wait_query(const char *query, const char *text)
{
	char command[600];

	snprintf(command, sizeof(command), "curl -sS --fail -G " API "query --data-urlencode 'query=%s'", query);
	return wait_shell(command, text);
}

FIXTURE(prometheus) {
	long long start;	/* s since 1970 */
};

FIXTURE_SETUP(prometheus)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	self->start = now_s();
	mkdir(DIR, 0755);
	ASSERT_EQ(0, run("cp", "/usr/share/dmem-tools/dmem-metrics.service", "/usr/share/dmem-tools/dmem-metrics.timer",
			 "/run/systemd/system", NULL)) TH_LOG("%s", output());
	ASSERT_EQ(0, unit_write("/etc/prometheus/prometheus.yml", "%s", config));
	ASSERT_EQ(0, unit_write("/etc/default/prometheus-node-exporter", "ARGS=\"--collector.disable-defaults "
				"--collector.textfile --collector.stat --web.disable-exporter-metrics\"\n"));
	ASSERT_EQ(0, unit_write("t-full.service", SERVICE "ExecStart=/tests/cluster/probe "
				CAMERA_HEAP "=4 " CAMERA_HEAP "=4 " CAMERA_HEAP "=4 " CAMERA_HEAP "=4 " CAMERA_HEAP "=4 "
				CAMERA_HEAP "=4 " CAMERA_HEAP "=4 " CAMERA_HEAP "=4 " CAMERA_HEAP "=4 " CAMERA_HEAP "=4 "
				CAMERA_HEAP "=4 hold\n[X-Dmem]\nDeviceMemoryMax=" CAMERA " 40M\n"));
	ASSERT_EQ(0, reload());
}

FIXTURE_TEARDOWN(prometheus)
{
	run("systemctl", "stop", "dmem-metrics.timer", "dmem-metrics.service", NULL);
	unlink("/run/systemd/system/dmem-metrics.timer");
	unlink("/run/systemd/system/dmem-metrics.service");
	unlink(FIGURES);
	unlink(ANSWER);
	EXPECT_EQ(0, units_end());
}

/* The last messages of the server. */
static const char *journal(void)
{
	run("journalctl", "--no-pager", "-n", "20", "-u", "prometheus.service", NULL);
	return output();
}

/* The servers run. */
static bool begin(void)
{
	return !start("prometheus-node-exporter.service") && !start("prometheus.service") &&
	       wait_shell("curl -sS --fail http://localhost:9090/-/ready", "Ready");
}

/* The timer's first run writes the file, and each run replaces it. */
static bool figures_by_timer(void)
{
	return !start("dmem-metrics.timer") && wait_shell("cat " FIGURES, "\ndmem_scrape_success 1\n");
}

static int plan(const char *more)
{
	return run("dmemctl", "plan", "--from=prometheus", more, ANSWER, NULL);
}

static bool fetch(long long from)
{
	char command[600];

	snprintf(command, sizeof(command), "curl -sS --fail -G " API "query_range --data-urlencode "
		 "'query={__name__=~\"dmem_.+|node_boot_time_seconds\"}' -d start=%lld -d end=%lld -d step=%d >" ANSWER,
		 from, now_s(), STEP_S);
	return !run("sh", "-c", command, NULL);
}

/*
 * Ten buffers of 4M fill the region and the limit, and the eleventh is refused: both recorded ratios
 * rise to 1, the refusal fires at once, and the full region is pending for five minutes, which a slow
 * machine may need for this test. All in the rules as shipped.
 */
TEST_F_TIMEOUT(prometheus, refusal, 900)
{
	ASSERT_TRUE(begin()) TH_LOG("%s", journal());
	ASSERT_TRUE(figures_by_timer()) TH_LOG("%s", output());
	ASSERT_TRUE(wait_query("region:dmem_used:ratio{region=\"" CAMERA "\"} == 0", "\"0\"]")) TH_LOG("%s", output());
	ASSERT_EQ(0, run("curl", "-sS", "--fail", API "alerts", NULL)) TH_LOG("%s", output());
	EXPECT_EQ(NULL, strstr(output(), "DmemRequestsRefused")) TH_LOG("%s", output());
	EXPECT_EQ(NULL, strstr(output(), "DmemRegionNearlyFull")) TH_LOG("%s", output());

	ASSERT_EQ(0, start("t-full.service"));
	ASSERT_TRUE(wait_out(CAMERA_HEAP "=4 12\n", SOON_S)) TH_LOG("%s", out());
	ASSERT_EQ(0, run("systemctl", "start", "dmem-metrics.service", NULL)) TH_LOG("%s", output());
	EXPECT_TRUE(wait_query("region:dmem_used:ratio{region=\"" CAMERA "\"} == 1", "\"1\"]")) TH_LOG("%s", output());
	EXPECT_TRUE(wait_query("cgroup:dmem_limit_used:ratio{" OWNER "} == 1", "\"1\"]")) TH_LOG("%s", output());
	EXPECT_TRUE(wait_query("dmem_cgroup_refused_total{" OWNER ",reason=\"limit\"} == 1", "\"1\"]"))
		TH_LOG("%s", output());
	EXPECT_TRUE(wait_query("ALERTS{alertname=\"DmemRequestsRefused\",region=\"" CAMERA "\",reason=\"limit\","
			       "alertstate=\"firing\",severity=\"critical\"}", "\"1\"]")) TH_LOG("%s", output());
	EXPECT_TRUE(wait_query("ALERTS{alertname=\"DmemRegionNearlyFull\",region=\"" CAMERA "\","
			       "alertstate=~\"pending|firing\"}", "\"1\"]")) TH_LOG("%s", output());

	ASSERT_TRUE(fetch(self->start)) TH_LOG("%s", output());
	ASSERT_EQ(0, plan("--json")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "\"service\":\"t-full.service\",\"cgroup\":\"system.slice/t-full.service\",\"runs\":1,"
			       "\"peak\":41943040,")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "\"refused\":1,")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "\"region\":\"" CAMERA "\",\"capacity\":41943040,")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "\"together\":41943040,")) TH_LOG("%s", output());
	/* The sizes are ends of buckets, so they are exact. */
	EXPECT_NE(NULL, strstr(output(), "\"placed\":41943040,\"placed_least\":41943040,")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "\"machines\":1,\"interval_ms\":5000,")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "\"sizes\":\"upper bounds\",\"buffers_complete\":true}")) TH_LOG("%s", output());
	EXPECT_EQ(NULL, strstr(output(), "left out")) TH_LOG("%s", output());
	ASSERT_EQ(0, plan("--by=machine")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "decided by localhost:9100,")) TH_LOG("%s", output());

	/* An error of the server is that of the plan. */
	ASSERT_EQ(0, run("sh", "-c", "curl -sS -G " API "query_range -d 'query=dmem_region_capacity_bytes' -d start=0 -d end=1000000 "
			 "-d step=1 >" ANSWER, NULL));
	EXPECT_EQ(1, plan("--json")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "Prometheus refused the query: bad_data: exceeded maximum resolution of 11,000 points"))
		TH_LOG("%s", output());
	ASSERT_EQ(0, run("sh", "-c", "curl -sS -G " API "query -d 'query=dmem_region_capacity_bytes' >" ANSWER, NULL));
	EXPECT_EQ(1, plan("--json")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "its result is a vector, at one time: use /api/v1/query_range")) TH_LOG("%s", output());
}

TEST_HARNESS_MAIN
