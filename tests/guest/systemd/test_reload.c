// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits and daemon-reload: under load, with mistakes, and with a generator that dies. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "unit.h"

#define RELOADS		10
#define REEXECS		3
#define DISPLAY_HEAP	"display@60000000"
#define MIN_STARTS	3
#define SETTLE_SECONDS	20
#define SCRATCH		"/run/dmem-tests"
#define HOLD		SERVICE "ExecStart=" PROBE " hold\n"
/* A file here hides the generator of the same name in other directories. */
#define WRAPPER		"/etc/systemd/system-generators/dmem-generator"
#define GENERATOR	"/usr/lib/systemd/system-generators/dmem-generator"
#define SAVED		SCRATCH "/saved"
#define GENERATED	"/run/systemd/generator"
/* SD_MESSAGE_UNIT_STARTING of systemd/sd-messages.h */
#define UNIT_STARTING	"MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5"

FIXTURE(reload) {
	int kmsg;
};

FIXTURE_SETUP(reload)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN(reload)
{
	EXPECT_EQ(0, units_end());
}

/* ---- under load ---- */

struct worker {
	char unit[32], out[64], record[300];
	/* The child counts, and keeps the output of the first failure. */
	volatile int starts, failures;
	char said[500];
	pid_t pid;
};

static const struct {
	const char *heap, *region, *slice;
	int mib;
} load_limits[] = {
	{ CAMERA_HEAP, CAMERA, "system", 8 },
	{ "system", SYSTEM, "system", 16 },
	{ DISPLAY_HEAP, DISPLAY, "churn", 4 },
};

#define WORKERS		(sizeof(load_limits) / sizeof(*load_limits))

struct load {
	volatile bool stop;
	struct worker worker[WORKERS];
};

static void work(struct load *load, struct worker *w)
{
	while (!load->stop) {
		if (!run("systemctl", "start", w->unit, NULL)) {
			w->starts++;
			continue;
		}
		if (!w->failures++)
			snprintf(w->said, sizeof(w->said), "%s", output());
	}
	_exit(0);
}

static int worker_write(struct worker *w, int i)
{
	const char *heap = load_limits[i].heap, *region = load_limits[i].region;
	const char *slice = load_limits[i].slice;
	bool own = !strcmp(slice, "system");
	int mib = load_limits[i].mib, len;

	snprintf(w->unit, sizeof(w->unit), "load%d.service", i);
	snprintf(w->out, sizeof(w->out), SCRATCH "/load%d", i);
	unlink(w->out);
	len = snprintf(w->record, sizeof(w->record), "%s=%d 0\n%s=1 12\ncgroup /%s.slice/%s\n",
		       heap, mib, heap, slice, w->unit);
	if (own)
		snprintf(w->record + len, sizeof(w->record) - (size_t)len, "max %s %d\n",
			 region, mib << 20);
	else
		snprintf(w->record + len, sizeof(w->record) - (size_t)len,
			 "max No such file or directory\n");
	if (!own && unit_write("churn.slice", "[Unit]\nStopWhenUnneeded=yes\n"
			       "[X-Dmem]\nDeviceMemoryMax=%s %dM\n", region, mib))
		return -1;
	return unit_write(w->unit, "[Unit]\nStartLimitIntervalSec=0\n"
			  "[Service]\nType=oneshot\nStandardOutput=append:%s\nSlice=%s.slice\n"
			  "ExecStart=" PROBE " %s=%d %s=1 caps\n%s%s %dM\n",
			  w->out, slice, heap, mib, heap,
			  own ? "[X-Dmem]\nDeviceMemoryMax=" : "# ", region, mib);
}

/* Services that start and end all the time, each with its own limit; the last one has none, but is
 * in a slice that starts and stops with it. */
static struct load *load_begin(void)
{
	struct load *load = shared_alloc(sizeof(*load));

	for (size_t i = 0; load && i < WORKERS; i++) {
		if (worker_write(&load->worker[i], (int)i))
			return NULL;
	}
	if (!load || reload())
		return NULL;
	for (size_t i = 0; i < WORKERS; i++) {
		struct worker *w = &load->worker[i];

		w->pid = fork();
		if (w->pid < 0)
			return NULL;
		if (!w->pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(load, w);
		}
	}
	return load;
}

static bool load_has_run(struct load *load)
{
	for (size_t i = 0; i < WORKERS; i++) {
		if (load->worker[i].starts < MIN_STARTS)
			return false;
	}
	return true;
}

/* systemd may run a unit once more after a reload, without a program that waits for it: such a run
 * must have ended, too, before runs and records are counted. */
static bool load_end(struct load *load)
{
	bool ended = true;

	load->stop = true;
	for (size_t i = 0; i < WORKERS; i++)
		wait_exit(load->worker[i].pid);
	for (size_t i = 0; i < WORKERS; i++) {
		const char *unit = load->worker[i].unit;

		ended &= wait_property(unit, "Job", "", SETTLE_SECONDS);
		ended &= wait_property(unit, "ActiveState", "inactive", SETTLE_SECONDS);
	}
	return ended;
}

static int count(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* The number of @record in @text; -1 if there is other text. */
static int times(const char *text, const char *record)
{
	size_t len = strlen(record);
	int n = 0;

	for (; *text; text += len, n++) {
		if (strncmp(text, record, len))
			return -1;
	}
	return n;
}

/*
 * How often systemd started a unit. After a reload it may start one once more: a program that
 * waited for one job then finds two runs.
 */
static int runs_of(const char *unit)
{
	run("journalctl", "--sync", NULL);
	run("journalctl", "-b", "-q", "-o", "cat", "-u", unit, UNIT_STARTING, NULL);
	return count(output(), "\n");
}

/* Its messages with the number of each job, for the report of a failure. */
static const char *jobs_of(const char *unit)
{
	run("journalctl", "-b", "-q", "-o", "json", "--output-fields=JOB_ID,JOB_RESULT,INVOCATION_ID,MESSAGE",
	    "-u", unit, NULL);
	return output();
}

static int write_keep(void)
{
	if (unit_write("keep.service", HOLD "Slice=keep.slice\n"
		       "[X-Dmem]\nDeviceMemoryMax=" DISPLAY " 6M\n"
		       "DeviceMemoryMin=" DISPLAY " 2M\n"))
		return -1;
	return unit_write("keep.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 50%%\n");
}

static bool keep_has_limits(void)
{
	static const char slice[] = "/sys/fs/cgroup/keep.slice";
	static const char service[] = "/sys/fs/cgroup/keep.slice/keep.service";

	return dmem_read(service, "dmem.max", DISPLAY) == 6 * MIB &&
	       dmem_read(service, "dmem.min", DISPLAY) == 2 * MIB &&
	       dmem_read(slice, "dmem.max", CAMERA) == 20 * MIB;
}

/* The name of a unit, the content of its section, and the messages about it. */
static const struct {
	const char *unit, *section, *said;
} mistakes[] = {
	{ "bad-section.service", "[X-Dmen]\nDeviceMemoryMax=" CAMERA " 8M\n",
	  "4: 'X-Dmen' is an unknown section" },
	{ "bad-key.service", "[X-Dmem]\nDeviceMemoryMaks=" CAMERA " 8M\n",
	  "5: 'DeviceMemoryMaks' is not a key of [X-Dmem]" },
	{ "bad-size.service", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24Q\n",
	  "5: '24Q' is not a size" },
	{ "bad-word.service", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M please\n",
	  "5: 'please' is an unexpected word" },
};

#define MISTAKES	(sizeof(mistakes) / sizeof(*mistakes))

/* The kernel's log since the last call for this descriptor. */
static const char *kernel_log(int fd)
{
	static char log[65536];
	size_t used = 0;
	char record[8192];
	ssize_t n;

	while ((n = read(fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		record[n < 0 ? 0 : n] = 0;
		used += (size_t)snprintf(log + used, sizeof(log) - used, "%s", record);
		if (used >= sizeof(log))
			break;
	}
	return used ? log : "";
}

static int write_mistakes(void)
{
	for (size_t i = 0; i < MISTAKES; i++) {
		if (unit_write(mistakes[i].unit, HOLD "%s[X-Dmem]\nDeviceMemoryMax=" DISPLAY " 4M\n",
			       mistakes[i].section))
			return -1;
	}
	return 0;
}

/* Each start finds its limit, also during a reload and with mistakes in other units. */
TEST_F_TIMEOUT(reload, under_load, 250)
{
	struct load *load;
	char line[300];
	const char *log;
	int runs;

	ASSERT_EQ(0, write_keep());
	load = load_begin();
	ASSERT_NE(NULL, load);
	ASSERT_EQ(0, start("keep.service"));
	for (int i = 0; i < RELOADS || !load_has_run(load); i++) {
		if (i == RELOADS / 2) {
			ASSERT_EQ(0, write_mistakes());
		}
		kernel_log(self->kmsg);
		ASSERT_EQ(0, reload()) TH_LOG("%s", output());
		log = kernel_log(self->kmsg);
		/* Each message appears once per reload. */
		for (size_t k = 0; k < MISTAKES; k++) {
			snprintf(line, sizeof(line), "]: /etc/systemd/system/%s:%s: ",
				 mistakes[k].unit, mistakes[k].said);
			EXPECT_EQ(i >= RELOADS / 2, count(log, line)) TH_LOG("%s", log);
			EXPECT_EQ(i >= RELOADS / 2, count(log, mistakes[k].unit));
		}
		ASSERT_TRUE(keep_has_limits());
	}
	EXPECT_TRUE(load_end(load));
	for (size_t i = 0; i < WORKERS; i++) {
		struct worker *w = &load->worker[i];

		EXPECT_EQ(0, w->failures) TH_LOG("%s: %s", w->unit, w->said);
		runs = runs_of(w->unit);
		EXPECT_EQ(runs, times(text_of(w->out), w->record)) {
			TH_LOG("%s", text_of(w->out));
			TH_LOG("%s", jobs_of(w->unit));
		}
		EXPECT_LE(w->starts, runs);
		if (w->starts != runs)
			TH_LOG("%s: %d runs for %d starts: %s", w->unit, runs, w->starts, jobs_of(w->unit));
	}
	/* Units with a mistake have the valid limits, and get a warning. */
	for (size_t i = 0; i < MISTAKES; i++) {
		const char *unit = mistakes[i].unit;

		EXPECT_EQ(0, start(unit)) TH_LOG("%s", output());
		EXPECT_EQ(4 * MIB, limit_of(unit, "dmem.max", DISPLAY));
		EXPECT_EQ(DMEM_MAX, limit_of(unit, "dmem.max", CAMERA));
		snprintf(line, sizeof(line), "system.slice/%s: /etc/systemd/system/%s:%.*s: "
			 "the section has a mistake: ", unit, unit,
			 (int)strcspn(mistakes[i].said, ":"), mistakes[i].said);
		EXPECT_TRUE(logged("dmem-apply", line)) TH_LOG("%s: %s", line, output());
		ASSERT_EQ(0, stop(unit));
	}
	/* The same units, strict. */
	for (size_t i = 0; i < MISTAKES; i++) {
		snprintf(line, sizeof(line), "%s.d/strict.conf", mistakes[i].unit);
		ASSERT_EQ(0, unit_write(line, "[X-Dmem]\nDeviceMemoryStrict=yes\n"));
	}
	ASSERT_EQ(0, reload());
	for (size_t i = 0; i < MISTAKES; i++) {
		const char *unit = mistakes[i].unit;

		EXPECT_EQ(1, start(unit));
		EXPECT_EQ(0, run("systemctl", "is-failed", unit, NULL)) TH_LOG("%s", output());
		run("systemctl", "status", unit, NULL);
		EXPECT_NE(NULL, strstr(output(), "(code=exited, status=255")) TH_LOG("%s", output());
	}
	EXPECT_EQ(0, stop("keep.slice"));
}

static long long units_loaded(void)
{
	run("systemctl", "show", "-P", "UnitsLoadTimestampMonotonic", NULL);
	return atoll(output());
}

static int records(const struct worker *w)
{
	return count(text_of(w->out), "cgroup ");
}

/* Waits until each has run twice from now on: an interrupted one starts again. */
static bool load_goes_on(struct load *load, int seconds)
{
	long long end = now_ms() + seconds * 1000LL;
	int begin[WORKERS];

	for (size_t i = 0; i < WORKERS; i++)
		begin[i] = records(&load->worker[i]);
	for (size_t i = 0; i < WORKERS; i++) {
		while (records(&load->worker[i]) < begin[i] + 2) {
			if (now_ms() > end)
				return false;
			sleep_ms(20);
		}
	}
	return true;
}

/* A program that waits for a job loses its connection, and the job goes on: each run must still
 * have its limit. */
TEST_F_TIMEOUT(reload, reexec_under_load, 200)
{
	long long before, end;
	struct load *load;

	ASSERT_EQ(0, write_keep());
	load = load_begin();
	ASSERT_NE(NULL, load);
	ASSERT_EQ(0, start("keep.service"));
	for (int i = 0; i < REEXECS; i++) {
		before = units_loaded();
		ASSERT_LT(0, before);
		run("systemctl", "daemon-reexec", NULL);
		end = now_ms() + 30000;
		while (units_loaded() <= before) {
			ASSERT_GT(end, now_ms()) TH_LOG("%s", output());
			sleep_ms(20);
		}
		ASSERT_TRUE(keep_has_limits());
		ASSERT_TRUE(load_goes_on(load, 60));
	}
	EXPECT_TRUE(load_end(load));
	for (size_t i = 0; i < WORKERS; i++) {
		struct worker *w = &load->worker[i];

		ASSERT_TRUE(wait_property(w->unit, "ActiveState", "inactive", 30));
		EXPECT_LE(w->starts, times(text_of(w->out), w->record))
			TH_LOG("%s", text_of(w->out));
	}
	EXPECT_EQ(0, stop("keep.slice"));
}

/* ---- drop-ins of other authors ---- */

/* Each of the two mistakes is reported in one line. */
TEST_F_TIMEOUT(reload, later_dropins, 120)
{
	const char *log;

	ASSERT_EQ(0, unit_write("later.service", HOLD "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n"));
	ASSERT_EQ(0, unit_write("later.service.d/zzz-x.conf", "[Service]\nExecCondition=\n"));
	ASSERT_EQ(0, unit_write("same.service", HOLD "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n"));
	ASSERT_EQ(0, unit_write("same.service.d/zz-dmem.conf", "[Service]\nNice=3\n"));
	kernel_log(self->kmsg);
	ASSERT_EQ(0, reload());
	log = kernel_log(self->kmsg);
	EXPECT_EQ(1, count(log, "]: /etc/systemd/system/later.service.d/zzz-x.conf:2: 'ExecCondition=' removes "
			   "the limits of this unit: ")) TH_LOG("%s", log);
	EXPECT_EQ(1, count(log, "]: /etc/systemd/system/same.service.d/zz-dmem.conf: 'zz-dmem.conf' hides the "
			   "limits that dmem-generator writes: "))
		TH_LOG("%s", log);
	EXPECT_EQ(2, count(log, "dmem-generator["));
	/* They are reported but not repaired, as the line says. */
	ASSERT_EQ(0, start("later.service"));
	EXPECT_TRUE(has_no_limit("later.service", CAMERA));
	ASSERT_EQ(0, start("same.service"));
	EXPECT_TRUE(has_no_limit("same.service", CAMERA));
	/* The remedy in the lines helps. */
	ASSERT_EQ(0, unit_remove("later.service.d/zzz-x.conf"));
	ASSERT_EQ(0, unit_remove("same.service.d/zz-dmem.conf"));
	ASSERT_EQ(0, unit_write("later.service.d/x.conf", "[Service]\nExecCondition=\n"));
	ASSERT_EQ(0, unit_write("same.service.d/nice.conf", "[Service]\nNice=3\n"));
	ASSERT_EQ(0, reload());
	EXPECT_EQ(0, count(kernel_log(self->kmsg), "dmem-generator["));
	ASSERT_EQ(0, restart("later.service"));
	EXPECT_EQ(8 * MIB, limit_of("later.service", "dmem.max", CAMERA));
	ASSERT_EQ(0, restart("same.service"));
	EXPECT_EQ(8 * MIB, limit_of("same.service", "dmem.max", CAMERA));
}

/* ---- a generator that dies ---- */

/* The number of generated drop-ins equal to the copy. -1: one differs. */
static int as_saved(void)
{
	char copy[PATH_MAX], *text;
	glob_t g;
	int n = 0;

	if (glob(GENERATED "/*/zz-dmem.conf", 0, NULL, &g))
		return 0;
	for (size_t i = 0; i < g.gl_pathc && n >= 0; i++) {
		snprintf(copy, sizeof(copy), SAVED "%s", g.gl_pathv[i] + strlen(GENERATED));
		text = strdup(text_of(g.gl_pathv[i]));
		n = *text && !strcmp(text, text_of(copy)) ? n + 1 : -1;
		free(text);
	}
	globfree(&g);
	return n;
}

/* A script in place of the generator, and the number of drop-ins afterwards. */
static const struct {
	const char *wrapper;
	int left;
} deaths[] = {
	{ "kill -KILL $$\n", 0 },
	/* SIGXFSZ at the first byte that it writes. */
	{ "ulimit -f 0\nexec " GENERATOR " \"$@\"\n", 0 },
	/* The generator blocks in a message about many20.service until it is killed: it has
	 * finished keep.service, keep.slice, that slice's service, and ten others. */
	{ "mkdir -p \"$1/many20.service.d\"\n"
	  "mkfifo \"$1/many20.service.d/.zz-dmem.conf.new\"\n"
	  GENERATOR " \"$@\" &\n"
	  "until [ -e \"$1/many19.service.d/zz-dmem.conf\" ]; do sleep 0.02; done\n"
	  "kill -KILL $!\n", 3 + 10 },
};

/* Running units keep their limits, no file is incomplete, and the next reload repairs the rest. */
TEST_F_TIMEOUT(reload, generator_dies, 150)
{
	char name[32];
	int all;

	ASSERT_EQ(0, write_keep());
	for (int i = 10; i < 30; i++) {
		snprintf(name, sizeof(name), "many%d.service", i);
		/* On a fast machine one of them starts more often than the default allows. */
		ASSERT_EQ(0, unit_write(name, "[Unit]\nStartLimitIntervalSec=0\n" HOLD
					"[X-Dmem]\nDeviceMemoryMax=" CAMERA " %dM\n", i));
	}
	ASSERT_EQ(0, reload());
	run("rm", "-rf", SAVED, NULL);
	ASSERT_EQ(0, run("cp", "-a", GENERATED, SAVED, NULL)) TH_LOG("%s", output());
	/* The machine may have units of its own. */
	all = as_saved();
	ASSERT_LE(3 + 20, all);
	ASSERT_EQ(0, start("keep.service"));
	for (size_t i = 0; i < sizeof(deaths) / sizeof(*deaths); i++) {
		ASSERT_EQ(0, unit_write(WRAPPER, "#!/bin/sh\n%s", deaths[i].wrapper));
		ASSERT_EQ(0, chmod(WRAPPER, 0755));
		ASSERT_EQ(0, reload());
		EXPECT_EQ(deaths[i].left, as_saved()) TH_LOG("%s", deaths[i].wrapper);
		EXPECT_TRUE(keep_has_limits());
		/* No limit: the generator did not handle this unit. */
		ASSERT_EQ(0, restart("many25.service"));
		EXPECT_TRUE(has_no_limit("many25.service", CAMERA));

		ASSERT_EQ(0, unit_remove(WRAPPER));
		ASSERT_EQ(0, reload());
		EXPECT_EQ(all, as_saved());
		EXPECT_TRUE(keep_has_limits());
		ASSERT_EQ(0, restart("many25.service"));
		EXPECT_EQ(25 * MIB, limit_of("many25.service", "dmem.max", CAMERA));
	}
	EXPECT_EQ(0, stop("keep.slice"));
}

TEST_HARNESS_MAIN
