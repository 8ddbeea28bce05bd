// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl metrics on a tree of plain files: a parser of Prometheus' own client must
 * find every figure of the tree, and nothing else; and the file is whole at any time.
 *
 * test_metrics DMEMCTL DIRECTORY FAST-DMEMCTL
 *
 * The last one is built without sanitizers, to be killed at each system call.
 */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dmemctl/metrics/metrics.h"
#include "fake.h"
#include "tap.h"
#include "killed.h"

#define CG		"root/sys/fs/cgroup"
#define FILES		5
#define EVENTS		4
#define MAX_CALLS	2000
#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

/* The text for the collector, and the strict reader of OpenMetrics. */
#define READER(module)							\
	"import sys\n"							\
	"from prometheus_client." module " import text_fd_to_metric_families as read\n"	\
	"for m in read(open(sys.argv[1], encoding='utf-8', newline='\\n')):\n"	\
	"  for s in m.samples:\n"					\
	"    keys = ['cgroup', 'heap', 'reason', 'region', 'unit', 'duplicate']\n"	\
	"    assert not set(s.labels) - set(keys), s.labels\n"		\
	"    words = [s.name, m.type] + [s.labels.get(k, '') for k in keys[:-1]]\n"	\
	"    words[-1] += s.labels.get('duplicate', '')\n"		\
	"    sys.stdout.buffer.write(('|'.join(words) + '|%d\\n' % s.value).encode())\n"

static const char *dmemctl, *dir;

/* Regions may have any character that can be seen; cgroups may have any but two. */
static const char * const regions[] = {
	"cma/camera@64000000", "cma/linux,cma", "drm/a\"b\\c=d{e}", "heap/system",
};

static const struct {
	const char *path, *unit;
	/* As a label has it, where that differs. */
	const char *label;
} cgroups[] = {
	{ "system.slice", "system.slice", NULL },
	{ "system.slice/camera.service", "camera.service", NULL },
	{ "system.slice/camera.service/payload", "camera.service", NULL },
	{ "system.slice/dev-a\\x2db.swap", "dev-a\\x2db.swap", NULL },
	{ "lxc/a \"b\" {c=\"d\",}", "", NULL },
	{ "lxc/\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "", NULL },
	/* The second one of the same labels */
	{ "lxc/\xff", "2", "lxc/\\xff" },
	{ "lxc/\\xff", "", NULL },
	{ "lxc/\xef\xbf\xbd" "ff", "", NULL },
	{ "lxc/\x1b[2J", "", "lxc/\\x1b[2J" },
	{ "lxc/\xc2\x9b", "", "lxc/\\xc2\\x9b" },
};

static const char * const files[FILES] = {
	"dmem.current", "dmem.peak", "dmem.min", "dmem.low", "dmem.max",
};

static const char * const families[FILES] = {
	"dmem_cgroup_charged_bytes", "dmem_cgroup_peak_bytes", "dmem_cgroup_min_bytes",
	"dmem_cgroup_low_bytes", "dmem_cgroup_max_bytes",
};

static const char * const event_families[EVENTS] = {
	"dmem_cgroup_limit_hits_total||", "dmem_cgroup_refused_total||limit",
	"dmem_cgroup_refused_total||exhausted", "dmem_cgroup_refused_total||reserved",
};

/* All figures are different. Some need more digits than a double has: the text must have them,
 * though readers may lose them. */
static uint64_t figure(size_t cgroup, size_t region, size_t which)
{
	return 4096 * (1 + which + 16 * (region + 16 * (cgroup + 1)));
}

static bool is_max(size_t cgroup, size_t region)
{
	return (cgroup + region) % 3 == 0;
}

static void put_cgroup(size_t c)
{
	char rel[500], text[4096];

	for (size_t f = 0; f < FILES; f++) {
		size_t n = 0;

		for (size_t r = 0; r < COUNT(regions); r++) {
			if (f == 4 && is_max(c, r))
				n += (size_t)sprintf(text + n, "%s max\n", regions[r]);
			else
				n += (size_t)sprintf(text + n, "%s %" PRIu64 "\n", regions[r],
						     figure(c, r, f));
		}
		snprintf(rel, sizeof(rel), CG "/%s/%s", cgroups[c].path, files[f]);
		put(rel, "%s", text);
	}
	*text = 0;
	for (size_t r = 0; r < COUNT(regions); r++) {
		sprintf(text + strlen(text), "%s max=%" PRIu64 " alloc_fail=%" PRIu64
			" exhausted=%" PRIu64 " reserved=%" PRIu64 "\n", regions[r],
			figure(c, r, 5), figure(c, r, 6), figure(c, r, 7), figure(c, r, 8));
	}
	snprintf(rel, sizeof(rel), CG "/%s/dmem.events", cgroups[c].path);
	put(rel, "%s", text);
}

static void put_root(const char *file, uint64_t plus)
{
	char rel[500], text[1000] = "";

	for (size_t r = 0; r < COUNT(regions); r++)
		sprintf(text + strlen(text), "%s %" PRIu64 "\n", regions[r], 1000000 + r + plus);
	snprintf(rel, sizeof(rel), CG "/%s", file);
	put(rel, "%s", text);
}

static void machine(void)
{
	tap_dir(dir);
	put_root("dmem.capacity", 10);
	put_root("dmem.current", 20);
	put_root("dmem.peak", 30);
	for (size_t c = 0; c < COUNT(cgroups); c++)
		put_cgroup(c);
	/* Neither uses nor limits anything. */
	put(CG "/idle/dmem.current", "%s 0\n%s 0\n", regions[0], regions[1]);
	put(CG "/idle/dmem.peak", "%s 0\n", regions[0]);
	put(CG "/idle/dmem.max", "%s max\n", regions[0]);
	put(CG "/off/cgroup.procs", "%s", "");
	put("root/sys/class/dma_heap/camera@64000000/dmem_region", "%s\n", regions[0]);
	put("root/sys/class/dma_heap/vendor/dmem_region", "\n");
	put("root/sys/class/dma_heap/old/uevent", "%s", "");
	put("root/sys/kernel/mm/cma/camera@64000000/unaccounted_pages", "3\n");
	put("root/sys/kernel/mm/cma/camera@64000000/available_pages", "5\n");
	put("root/sys/kernel/mm/cma/camera@64000000/total_pages", "7\n");
	put("root/sys/kernel/debug/cma/camera@64000000/maxchunk", "2\n");
}

/* Runs it with these words after the options that all have. */
static int go(const char *a, const char *b)
{
	char root[4200];
	const char *argv[] = { dmemctl, root, "metrics", a, b, NULL };

	snprintf(root, sizeof(root), "--sysroot=%s", tap_path("root"));
	return run(argv);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

/* The lines of @text in order, in place of it. */
static void sort_lines(char *text)
{
	char **line = calloc(strlen(text) + 1, sizeof(*line)), *copy = strdup(text), *save, *l;
	size_t n = 0;

	for (l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		line[n++] = l;
	qsort(line, n, sizeof(*line), compare);
	for (size_t i = 0; i < n; i++)
		text += sprintf(text, "%s\n", line[i]);
	free(copy);
	free(line);
}

/* The expected fields: name, type, cgroup, heap, reason, region, unit, value. */
static char *expected(bool all)
{
	static char text[1 << 18];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;

	for (size_t r = 0; r < COUNT(regions); r++) {
		n += (size_t)sprintf(text + n, "dmem_region_capacity_bytes|gauge||||%s||%zu\n"
				     "dmem_region_charged_bytes|gauge||||%s||%zu\n"
				     "dmem_region_peak_bytes|gauge||||%s||%zu\n"
				     "dmem_cgroup_charged_bytes|gauge|/|||%s||%zu\n"
				     "dmem_cgroup_peak_bytes|gauge|/|||%s||%zu\n"
				     "dmem_cgroup_limit_bytes|gauge|/|||%s||%zu\n",
				     regions[r], 1000010 + r, regions[r], 1000020 + r, regions[r],
				     1000030 + r, regions[r], 1000020 + r, regions[r], 1000030 + r,
				     regions[r], 1000010 + r);
		if (all)
			n += (size_t)sprintf(text + n, "dmem_cgroup_limit_bytes|gauge|/idle|||%s||%zu\n",
					     regions[r], 1000010 + r);
	}
	n += (size_t)sprintf(text + n, "dmem_scrape_success|gauge||||||1\n");
	n += (size_t)sprintf(text + n, "dmem_region_unaccounted_bytes|gauge||||%s||%zu\n"
			     "dmem_region_free_bytes|gauge||||%s||%zu\n"
			     "dmem_region_largest_free_bytes|gauge||||%s||%zu\n"
			     "dmem_heap_accounted|gauge||camera@64000000||%s||1\n"
			     "dmem_heap_accounted|gauge||vendor||||0\n", regions[0], 3 * page,
			     regions[0], 5 * page, regions[0], 2 * page, regions[0]);
	if (all)
		n += (size_t)sprintf(text + n, "dmem_cgroup_charged_bytes|gauge|/idle|||%s||0\n"
				     "dmem_cgroup_charged_bytes|gauge|/idle|||%s||0\n"
				     "dmem_cgroup_peak_bytes|gauge|/idle|||%s||0\n", regions[0],
				     regions[1], regions[0]);
	for (size_t i = 0; i < COUNT(cgroups) * COUNT(regions); i++) {
		size_t c = i / COUNT(regions), r = i % COUNT(regions);
		const char *label = cgroups[c].label ? cgroups[c].label : cgroups[c].path;

		for (size_t f = 0; f < (is_max(c, r) ? 4 : FILES); f++)
			n += (size_t)sprintf(text + n, "%s|gauge|/%s|||%s|%s|%" PRIu64 "\n",
					     families[f], label, regions[r], cgroups[c].unit,
					     figure(c, r, f));
		/* The capacity is smaller than all of the limits. */
		n += (size_t)sprintf(text + n, "dmem_cgroup_limit_bytes|gauge|/%s|||%s|%s|%zu\n", label,
				     regions[r], cgroups[c].unit, 1000010 + r);
		for (size_t e = 0; e < EVENTS; e++) {
			const char *reason = strchr(event_families[e], '|') + 1;

			n += (size_t)sprintf(text + n, "%.*s|counter|/%s|%s|%s|%s|%" PRIu64 "\n",
					     (int)strcspn(event_families[e], "|"),
					     event_families[e], label, reason, regions[r],
					     cgroups[c].unit, figure(c, r, 5 + e));
		}
	}
	sort_lines(text);
	return text;
}

static void read_by(const char *reader, const char *rel, bool all, const char *name)
{
	const char *argv[] = { "/usr/bin/python3", "-c", reader, tap_path(rel), NULL };
	int rc = run(argv);
	char *got;

	if (rc) {
		check(false, name, "exit code %d: %s", rc, get("err"));
		return;
	}
	got = get("out");
	sort_lines(got);
	check_text(got, expected(all), name);
}

static void values(void)
{
	machine();
	check(!go(NULL, NULL) && !*get("err"), "it prints", "%s", get("err"));
	put("text", "%s", get("out"));
	read_by(READER("parser"), "text", false, "the text format has each figure");
	check(!strstr(get("text"), "# TYPE dmem_cgroup_refused counter") &&
	      strstr(get("text"), "# TYPE dmem_cgroup_refused_total counter"),
	      "a counter is named as its samples there", "it is not");
	check(!go("--all", NULL) && !*get("err"), "it prints all", "%s", get("err"));
	put("text", "%s", get("out"));
	read_by(READER("parser"), "text", true, "--all has those that do nothing");
	check(!go("--openmetrics", NULL) && !*get("err"), "it prints OpenMetrics", "%s", get("err"));
	put("text", "%s", get("out"));
	read_by(READER("openmetrics.parser"), "text", false, "OpenMetrics has each figure");
	check(!go("-o", tap_path("dmem.prom")) && !*get("out"), "it writes a file", "%s", get("err"));
	read_by(READER("parser"), "dmem.prom", false, "the file has each figure");
}

/* ---- sizes of buffers ---- */

#define OTHER	"heap/system"

/* Prints "suffix region end value" of each sample of the histogram, in the order of the text. */
#define SIZES_READER(module)						\
	"import sys\n"							\
	"from prometheus_client." module " import text_fd_to_metric_families as read\n"	\
	"for m in read(open(sys.argv[1], encoding='utf-8', newline='\\n')):\n"	\
	"  for s in m.samples:\n"					\
	"    if m.name in ('dmem_buffers_complete', 'dmem_region_buffer_size_bytes'):\n"	\
	"      end = s.labels.get('le', '')\n"				\
	"      end = end if end in ('', '+Inf') else '%d' % float(end)\n"	\
	"      print(m.type, s.name[5:], s.labels.get('region', ''), end, '%d' % s.value)\n"

/* As the numbers of the fake machine say, one by one. */
static const struct fake_buffer held[] = {
	{ 11, 4096, "camera", NULL, "cma/camera@64000000", 0 },
	{ 12, 4097, "camera", NULL, "cma/camera@64000000", 0 },
	{ 13, 8 * MIB, "camera", "frame", "cma/camera@64000000", 0 },
	{ 14, 8 * MIB, "camera", NULL, "cma/camera@64000000", 0 },
	{ 15, 1024 * MIB, "camera", NULL, "cma/camera@64000000", 0 },
	{ 16, 1024 * MIB + 1, "camera", NULL, "cma/camera@64000000", 0 },
	{ 17, 64 * KIB, "system", NULL, OTHER, 0 },
	/* No region, and no heap that has one */
	{ 18, 32 * KIB, "vendor", NULL, NULL, 0 },
	{ 19, 32 * KIB, "exp", NULL, NULL, 0 },
};

static char *expected_sizes(const char *type, const char *sum, const char *n, bool complete)
{
	static char text[1 << 15];
	static const char * const names[] = { "cma/camera@64000000", OTHER, "heap/unused" };
	size_t len = (size_t)sprintf(text, "gauge buffers_complete   %d\n", complete);

	for (size_t r = 0; r < COUNT(names); r++) {
		uint64_t all = 0, bytes = 0;

		for (uint64_t end = 4096; ; end *= 2) {
			bool last = end > 1024 * MIB;

			all = bytes = 0;
			for (size_t i = 0; i < COUNT(held); i++) {
				if (!held[i].region || strcmp(held[i].region, names[r]) || (held[i].size > end && !last))
					continue;
				all++;
				bytes += held[i].size;
			}
			len += (size_t)sprintf(text + len, "%s region_buffer_size_bytes_bucket %s ", type, names[r]);
			if (last)
				break;
			len += (size_t)sprintf(text + len, "%" PRIu64 " %" PRIu64 "\n", end, all);
		}
		len += (size_t)sprintf(text + len, "+Inf %" PRIu64 "\n%s region_buffer_size_bytes%s %s  %" PRIu64 "\n",
				       all, type, n, names[r], all);
		len += (size_t)sprintf(text + len, "%s region_buffer_size_bytes%s %s  %" PRIu64 "\n", type, sum,
				       names[r], bytes);
	}
	return text;
}

/* @kernel: of what is known of a buffer. */
static void holding_machine(enum fake_kernel kernel)
{
	struct fake f;

	tap_dir(dir);
	fake_start(&f, FAKE_OURS);
	fake_region(&f, "cma/camera@64000000", 4096 * MIB);
	fake_region(&f, OTHER, 4096 * MIB);
	fake_region(&f, "heap/unused", 4096 * MIB);
	fake_heap(&f, "camera", "cma/camera@64000000");
	fake_heap(&f, "system", OTHER);
	fake_heap(&f, "vendor", NULL);
	fake_cgroup(&f, "", NULL, 0);
	f.kernel = kernel;
	fake_process(1, "init");
	fake_process(7, "camera");
	for (size_t i = 0; i < COUNT(held); i++)
		fake_fd(&f, 7, 3 + (int)i, &held[i]);
	/* A second descriptor is not a second buffer. */
	fake_process(8, "viewer");
	fake_fd(&f, 8, 3, &held[2]);
	fake_bufinfo(&f, held, COUNT(held));
}

static void read_sizes(const char *reader, const char *want, const char *name)
{
	const char *argv[] = { "/usr/bin/python3", "-c", reader, tap_path("text"), NULL };
	int rc = run(argv);

	if (rc)
		check(false, name, "exit code %d: %s", rc, get("err"));
	else
		check_text(get("out"), want, name);
}

static void sizes(void)
{
	holding_machine(FAKE_OURS);
	check(!go(NULL, NULL) && !strstr(get("out"), "_buffer"), "without --buffers, they are not read", "%s", get("out"));
	check(!go("--buffers", NULL) && !*get("err"), "it prints sizes", "%s", get("err"));
	put("text", "%s", get("out"));
	read_sizes(SIZES_READER("parser"), expected_sizes("histogram", "_sum", "_count", true), "each size is counted once");
	check(strstr(get("text"), ",le=\"4096\"} ") && strstr(get("text"), ",le=\"1.048576e+06\"} ") &&
	      strstr(get("text"), ",le=\"1.073741824e+09\"} "), "ends are written as Prometheus does", "%s", get("text"));
	check(!go("--buffers", "--openmetrics") && !*get("err"), "it prints sizes as OpenMetrics", "%s", get("err"));
	put("text", "%s", get("out"));
	read_sizes(SIZES_READER("openmetrics.parser"), expected_sizes("gaugehistogram", "_gsum", "_gcount", true),
		   "OpenMetrics has the same sizes");
	check(strstr(get("text"), ",le=\"4096.0\"} ") && strstr(get("text"), ",le=\"524288.0\"} ") &&
	      strstr(get("text"), ",le=\"1.048576e+06\"} ") && strstr(get("text"), ",le=\"+Inf\"} "),
	      "OpenMetrics writes ends as numbers with a point", "%s", get("text"));

	/* The kernel's list is for root, and has those without a descriptor. */
	unlink(tap_path("root/sys/kernel/debug/dma_buf/bufinfo"));
	check(!go("--buffers", NULL), "without debugfs it prints sizes", "%s", get("err"));
	put("text", "%s", get("out"));
	read_sizes(SIZES_READER("parser"), expected_sizes("histogram", "_sum", "_count", false), "without debugfs, there may be more");

	/* A reader that does not see PID 1 does not see all processes. */
	holding_machine(FAKE_OURS);
	check(!rename(tap_path("root/proc/1"), tap_path("root/proc/9")) && !go("--buffers", NULL),
	      "without all processes it prints sizes", "%s", get("err"));
	put("text", "%s", get("out"));
	read_sizes(SIZES_READER("parser"), expected_sizes("histogram", "_sum", "_count", false),
		   "without all processes, there may be more");

	/* Before the series, fdinfo has no region, but the heap of a buffer has one. */
	holding_machine(FAKE_7_3);
	check(!go("--buffers", NULL), "without regions in fdinfo it prints sizes", "%s", get("err"));
	put("text", "%s", get("out"));
	read_sizes(SIZES_READER("parser"), expected_sizes("histogram", "_sum", "_count", true), "the region is that of the heap");
}

/* Incomplete or missing text. */
static void partial(void)
{
	tap_dir(dir);
	put("root/sys/class/dma_heap/none/dmem_region", "\n");
	check(go(NULL, NULL) == 1 && strstr(get("err"), "no "), "without the controller, it fails",
	      "%s", get("err"));
	check_text(get("out"), "# HELP dmem_scrape_success Whether the regions and the cgroups could be read.\n"
		   "# TYPE dmem_scrape_success gauge\ndmem_scrape_success 0\n# HELP dmem_heap_accounted "
		   "Whether buffers of the heap are charged to a region.\n"
		   "# TYPE dmem_heap_accounted gauge\ndmem_heap_accounted{heap=\"none\"} 0\n# EOF\n",
		   "without the controller, what is left");
	machine();
	mkdir(tap_path(CG "/half"), 0755);
	mkdir(tap_path(CG "/half/dmem.max"), 0755);
	put(CG "/half/dmem.current", "%s 77\n", regions[1]);
	check(!go(NULL, NULL) && strstr(get("err"), "/sys/fs/cgroup/half/dmem.max: Is a directory"),
	      "what cannot be read is told", "%s", get("err"));
	check(strstr(get("out"), "dmem_cgroup_charged_bytes{cgroup=\"/half\",region=\"cma/linux,cma\"} 77\n"),
	      "the rest is there", "%s", get("out"));
	check(!strstr(get("out"), "dmem_cgroup_max_bytes{cgroup=\"/half\""), "and nothing is made up",
	      "%s", get("out"));
	/* Kernels before the series: no refusals. */
	tap_dir(dir);
	put_root("dmem.capacity", 0);
	put(CG "/a.slice/dmem.current", "%s 5\n", regions[0]);
	put(CG "/a.slice/dmem.max", "%s max\n", regions[0]);
	check(!go(NULL, NULL) && !strstr(get("out"), "_total") && strstr(get("out"), "} 5\n"),
	      "without dmem.events", "%s", get("out"));
}

static void usage(void)
{
	machine();
	check(go("--no-such", NULL) == 2, "a wrong option", "not 2");
	check(go("--buffers=1", NULL) == 2, "--buffers has no value", "not 2");
	check(go("word", NULL) == 2, "a word too many", "not 2");
	check(go("--help", NULL) == 0 && strstr(get("out"), "Usage: dmemctl metrics"), "--help", "no");
}

static ino_t inode(const char *rel, mode_t *mode)
{
	struct stat st;

	if (lstat(tap_path(rel), &st))
		return 0;
	*mode = st.st_mode;
	return st.st_ino;
}

/* How many files there are in a directory that is not the program's only one. */
static int entries(void)
{
	const char *argv[] = { "/bin/ls", "-A", tap_path("d"), NULL };
	int n = 0;

	run(argv);
	for (const char *p = get("out"); *p; p++)
		n += *p == '\n';
	return n;
}

static void replaced(void)
{
	mode_t mode = 0, old_mask = umask(0177);
	struct rlimit small = { 3000, RLIM_INFINITY }, before;
	char text[1 << 18];
	ino_t old;
	int ret;

	machine();
	mkdir(tap_path("d"), 0700);
	put("d/dmem.prom", "old\n");
	old = inode("d/dmem.prom", &mode);
	check(!go("-o", tap_path("d/dmem.prom")), "it replaces a file", "%s", get("err"));
	check(inode("d/dmem.prom", &mode) != old && mode == (S_IFREG | 0644),
	      "it is a new one, for everybody to read", "mode %o", mode);
	umask(old_mask);
	strcpy(text, get("d/dmem.prom"));
	check(strlen(text) > 10000 && !strcmp(text + strlen(text) - 6, "# EOF\n") && entries() == 1,
	      "it is whole, and alone", "%zu bytes, %d files", strlen(text), entries());

	/* As on a full disk: the old one stays. */
	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	/* Our own output may be a file that is longer. */
	setrlimit(RLIMIT_FSIZE, &small);
	ret = go("-o", tap_path("d/dmem.prom"));
	setrlimit(RLIMIT_FSIZE, &before);
	check(ret == 1, "no room is a failure", "%d", ret);
	check(strstr(get("err"), "cannot write") && strstr(get("err"), strerror(EFBIG)),
	      "it says so", "%s", get("err"));
	check(!strcmp(text, get("d/dmem.prom")) && entries() == 1, "without room, the old one stays",
	      "%d files, %zu bytes", entries(), strlen(get("d/dmem.prom")));

	/* It may be somebody else's. */
	put("d/.dmem.prom.new", "%s%s", text, text);
	check(!go("-o", tap_path("d/dmem.prom")) && !strcmp(text, get("d/dmem.prom")) &&
	      entries() == 2, "what others have put there is left alone", "%d files", entries());
	unlink(tap_path("d/.dmem.prom.new"));
	mkfifo(tap_path("d/fifo"), 0600);
	ret = go("-o", tap_path("d/fifo"));
	check(ret == 1 && inode("d/fifo", &mode) && S_ISFIFO(mode) &&
	      strstr(get("err"), "not a regular file") && entries() == 2,
	      "a fifo is not replaced", "%d, mode %o", ret, mode);
	link_to("d/stdout", "/dev/stdout");
	ret = go("-o", tap_path("d/stdout"));
	check(ret == 1 && inode("d/stdout", &mode) && S_ISLNK(mode), "a link to a device stays", "%d: %s",
	      ret, get("err"));
	unlink(tap_path("d/stdout"));
	check(go("-o", tap_path("d/none/x")) == 1 && strstr(get("err"), strerror(ENOENT)),
	      "no directory is a failure", "%s", get("err"));
}

/* Its standard output has no room. */
static void full(void)
{
	char script[9000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	machine();
	snprintf(script, sizeof(script), "exec '%s' --sysroot='%s' metrics >/dev/full", dmemctl,
		 tap_path("root"));
	check(run(argv) == 1, "/dev/full is a failure", "%s", get("err"));
	check_text(get("err"), "dmemctl metrics: cannot write: No space left on device\n", "it is named, once");
	check(go("-o", "/dev/full") == 1 && strstr(get("err"), "not a regular file"), "a device is no file to replace",
	      "%s", get("err"));
}

/* Two writers at a time, and one reader. */
static void together(void)
{
	char text[1 << 18];
	pid_t pid[2];
	int bad = 0, reads = 0, left = 2, status;

	machine();
	mkdir(tap_path("d"), 0755);
	go("-o", tap_path("d/dmem.prom"));
	strcpy(text, get("d/dmem.prom"));
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i])
			continue;
		/* run() has its files in the test's directory. */
		for (int k = 0; k < 20 && !go("-o", tap_path("d/dmem.prom")); k++)
			status = k;
		_exit(status != 19);
	}
	while (left) {
		pid_t done = waitpid(-1, &status, WNOHANG);

		bad += strcmp(text, get("d/dmem.prom")) != 0;
		reads++;
		if (done > 0) {
			left--;
			bad += status != 0;
		}
	}
	check(!bad && reads > 20 && entries() == 1, "two at a time, and a reader",
	      "%d of %d were wrong, %d files", bad, reads, entries());
}

static void killed(const char *fast)
{
	char root[4200], out[4200], new[1 << 18];
	const char *argv[] = { fast, root, "metrics", out, NULL };
	int calls, n, old = 0, wrong = 0;

	/* A small machine, as all of it is read each time. */
	tap_dir(dir);
	put_root("dmem.capacity", 10);
	put_cgroup(0);
	mkdir(tap_path("d"), 0755);
	snprintf(root, sizeof(root), "--sysroot=%s", tap_path("root"));
	snprintf(out, sizeof(out), "--output=%s", tap_path("d/dmem.prom"));
	calls = run_until(argv, MAX_CALLS);
	strcpy(new, get("d/dmem.prom"));
	check(calls > 0 && calls < MAX_CALLS && strlen(new) > 4096, "it can be traced", "%d calls",
	      calls);
	for (n = 1; n <= calls && !wrong; n++) {
		put("d/dmem.prom", "old\n");
		if (run_until(argv, n) != n || entries() > 2)
			wrong = n;
		else if (!strcmp(get("d/dmem.prom"), "old\n"))
			old++;
		else if (strcmp(get("d/dmem.prom"), new))
			wrong = n;
	}
	check(!wrong && old > 10 && old < calls, "killed at any system call, the file is whole",
	      "call %d of %d, %d times the old one", wrong, calls, old);
	printf("# killed at %d system calls, after %d of them the file was the new one\n", calls,
	       calls - old);
}

/* Takes the escapes of the format off a label. False: it is none. */
static bool unlabel(const char *s, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\')
			i++;
		else if ((unsigned char)s[i] < ' ' || s[i] == 0x7f || s[i] == '"')
			return false;
		*out++ = s[i];
	}
	*out = 0;
	return true;
}

/* Any bytes: the label is UTF-8, says the C library, and leads back to them. */
static void labels(void)
{
	static const char * const words[] = {
		"\xef\xbf\xbd", "\\", "\"", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\xc2\x85",
		"\xe2\x82", "\xf0\x9f\x98\x80", "a", "\xff", "\xc3\xbc", "\x1b", "\xe0\x80\xaf",
	};
	unsigned long long state = 1, rounds = 20000;
	char why[100] = "";

	for (unsigned long long i = 0; i < rounds && !*why; i++) {
		char name[64], *label = NULL, back[400];
		struct dmem_arena a = { 0 };
		size_t n = 0, len;
		FILE *f = open_memstream(&label, &len);

		for (int k = 0; k < 6; k++) {
			size_t pick;

			state = state * 6364136223846793005ULL + 1442695040888963407ULL;
			pick = (state >> 33) % (COUNT(words) + 4);
			if (pick < COUNT(words)) {
				memcpy(name + n, words[pick], strlen(words[pick]));
				n += strlen(words[pick]);
			} else {
				name[n++] = (char)(state >> 45 | 1);
			}
		}
		name[n] = 0;
		metrics_label(f, name, n);
		fclose(f);
		if (mbstowcs(NULL, label, 0) == (size_t)-1)
			snprintf(why, sizeof(why), "round %llu: no UTF-8", i);
		else if (!unlabel(label, len, back) ||
			 strcmp(dmem_name_decode(&a, back), dmem_name_decode(&a, name)))
			snprintf(why, sizeof(why), "round %llu: does not lead back", i);
		dmem_arena_free(&a);
		free(label);
	}
	check(!*why, "labels are UTF-8, and lead back to the names", "%s", why);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	dmemctl = argv[1];
	dir = argv[2];
	tap_start();
	check(setlocale(LC_CTYPE, "C.UTF-8") != NULL, "there is a locale to judge by", "C.UTF-8");
	RUN(labels);
	RUN(values);
	RUN(partial);
	RUN(sizes);
	RUN(usage);
	RUN(replaced);
	RUN(full);
	RUN(together);
	RUN(killed, argv[3]);
	return tap_end();
}
