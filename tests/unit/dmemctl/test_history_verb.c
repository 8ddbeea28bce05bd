// SPDX-License-Identifier: GPL-2.0-or-later
/* "dmemctl history" on histories whose contents are known. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "past.h"
#include "tap.h"

#define CAM	"cma/camera@64000000"
#define CMA	"cma/linux,cma"
#define MIB	(1024 * 1024ull)
#define PAGE	4096ull
#define SEEDS	30
#define SERVICES 5
#define BUFFERS	40

static const char *dmemctl, *fast, *top, *jq_program, *example;

typedef unsigned long long ull;

/* Runs the verb in the test's directory. */
static int call(const char *program, const char *verb, const char *words)
{
	char script[12000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	snprintf(script, sizeof(script), "cd '%s' && exec '%s' %s %s", tap_path(""), program, verb, words);
	return run(argv);
}

static int history(const char *words)
{
	return call(dmemctl, "history", words);
}

static int query(const char *filter)
{
	const char *argv[] = { jq_program, "-e", "-s", filter, NULL };
	int ret;

	rename(tap_path("out"), tap_path("in"));
	ret = run(argv);
	rename(tap_path("in"), tap_path("out"));
	return ret;
}

static bool same_files(const char *a, const char *b)
{
	char script[9000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	snprintf(script, sizeof(script), "cmp '%s' '%s'", tap_path(a), tap_path(b));
	return !run(argv);
}

/* ---- random histories ---- */

static uint64_t state;

static uint64_t pick(uint64_t n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % n;
}

static const char * const paths[SERVICES] = {
	"system.slice/a.service", "system.slice/b.service", "media.slice/c.service", "media.slice/d.service",
	"media.slice/c.service/inner",
};

/* A machine with a recorder, which tells changes as the real one does. */
static struct machine {
	struct {
		uint64_t life, now[2], peak[2], told[2], told_peak[2], refused, told_refused;
		int number;
	} s[SERVICES];
	struct {
		uint64_t size;
		int owner;		/* -1: nobody who is recorded */
		unsigned int region;
	} b[BUFFERS];
	uint64_t ino[BUFFERS], next_ino, next_life;
	int numbers;
} m;

static void add_items(char *items, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void add_items(char *items, size_t size, const char *fmt, ...)
{
	size_t len = strlen(items);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(items + len, size - len, fmt, ap);
	va_end(ap);
}

static void name_service(struct dmem_text *t, size_t i)
{
	m.s[i].number = m.numbers++;
	past_cgroup(t, (unsigned int)m.s[i].number, m.s[i].life, paths[i]);
}

static void tell_sums(char *items, size_t size, bool all)
{
	uint64_t sum[2] = { 0 };

	for (size_t i = 0; i < SERVICES; i++) {
		for (size_t r = 0; r < 2; r++)
			sum[r] += m.s[i].life && i != 4 ? m.s[i].now[r] : 0;
	}
	for (size_t k = 0; k < BUFFERS; k++) {
		if (m.b[k].size && m.b[k].owner < 0)
			sum[m.b[k].region] += m.b[k].size;
	}
	for (size_t r = 0; r < 2; r++) {
		add_items(items, size, "%sr%zu=%llu", *items ? " " : "", r, (ull)sum[r]);
		if (all)
			add_items(items, size, ",%llu,-,%llu", (ull)(r * 128 * PAGE), (ull)((40 + 24 * r) * MIB));
		else if (!pick(5))
			add_items(items, size, ",%llu,%llu", (ull)(r * 128 * PAGE), (ull)(pick(40) * MIB));
	}
}

static void tell_service(char *items, size_t size, size_t i, bool all)
{
	for (size_t r = 0; r < 2; r++) {
		if (all || m.s[i].refused != m.s[i].told_refused)
			add_items(items, size, " c%d.%zu=%llu,%llu,0,%llu,0,0,max,0", m.s[i].number, r,
				  (ull)m.s[i].now[r], (ull)m.s[i].peak[r], (ull)m.s[i].refused);
		else if (m.s[i].now[r] != m.s[i].told[r] || m.s[i].peak[r] != m.s[i].told_peak[r])
			add_items(items, size, " c%d.%zu=%llu,%llu", m.s[i].number, r, (ull)m.s[i].now[r],
				  (ull)m.s[i].peak[r]);
		m.s[i].told[r] = m.s[i].now[r];
		m.s[i].told_peak[r] = m.s[i].peak[r];
	}
	m.s[i].told_refused = m.s[i].refused;
}

static void tell_buffer(char *items, size_t size, size_t k)
{
	add_items(items, size, " b%llu=", (ull)m.ino[k]);
	if (m.b[k].owner < 0)
		add_items(items, size, "-");
	else
		add_items(items, size, "%d", m.s[m.b[k].owner].number);
	add_items(items, size, ".%u,%llu", m.b[k].region, (ull)m.b[k].size);
}

static void charge(size_t i, unsigned int r, int64_t size)
{
	m.s[i].now[r] += (uint64_t)size;
	if (m.s[i].now[r] > m.s[i].peak[r])
		m.s[i].peak[r] = m.s[i].now[r] + (pick(6) ? 0 : pick(100) * PAGE);
}

/* One step of the machine, and its sample. @all: a segment starts. */
static void step(struct dmem_text *t, uint64_t mono, bool all, bool buffers)
{
	static char items[60000];
	static const uint64_t sizes[] = { 1, 2, 3, 17, 256, 300, 768 };
	char freed[4000] = "", gone[400] = "";
	bool new[BUFFERS] = { false }, born[SERVICES] = { false };

	for (size_t i = 0; i < SERVICES; i++) {
		if (m.s[i].life && !pick(12)) {
			/* It ends; some of its buffers outlive it. */
			for (size_t k = 0; k < BUFFERS; k++) {
				if (!m.b[k].size || m.b[k].owner != (int)i)
					continue;
				if (pick(3)) {
					add_items(freed, sizeof(freed), " f%llu", (ull)m.ino[k]);
					m.b[k].size = 0;
				}
				m.b[k].owner = -1;
			}
			if (!all && m.s[i].number >= 0)
				add_items(gone, sizeof(gone), " x%d", m.s[i].number);
			memset(&m.s[i], 0, sizeof(m.s[i]));
		} else if (!m.s[i].life && !pick(3)) {
			m.s[i].life = ++m.next_life;
			m.s[i].number = -1;
			born[i] = true;
		}
	}
	for (size_t k = 0; k < BUFFERS; k++) {
		if (m.b[k].size && !pick(8)) {
			add_items(freed, sizeof(freed), " f%llu", (ull)m.ino[k]);
			if (m.b[k].owner >= 0)
				charge((size_t)m.b[k].owner, m.b[k].region, -(int64_t)m.b[k].size);
			m.b[k].size = 0;
		} else if (!m.b[k].size && !pick(6)) {
			size_t i = pick(SERVICES);

			m.b[k].size = sizes[pick(7)] * PAGE;
			m.b[k].region = (unsigned int)pick(2);
			m.b[k].owner = m.s[i].life && pick(10) ? (int)i : -1;
			m.ino[k] = ++m.next_ino;
			if (m.b[k].owner >= 0)
				charge(i, m.b[k].region, (int64_t)m.b[k].size);
			new[k] = true;
		}
	}
	for (size_t i = 0; i < SERVICES; i++)
		m.s[i].refused += m.s[i].life && !born[i] && !pick(15);
	for (size_t i = 0; i < SERVICES; i++) {
		if (m.s[i].life && (all || m.s[i].number < 0))
			name_service(t, i);
	}
	*items = 0;
	tell_sums(items, sizeof(items), all);
	for (size_t i = 0; i < SERVICES; i++) {
		if (m.s[i].life)
			tell_service(items, sizeof(items), i, all || born[i]);
	}
	add_items(items, sizeof(items), "%s", gone);
	if (buffers && !all)
		add_items(items, sizeof(items), "%s", freed);
	for (size_t k = 0; k < BUFFERS && buffers; k++) {
		if (m.b[k].size && (all || new[k]))
			tell_buffer(items, sizeof(items), k);
	}
	past_look(t, mono, "%s", items);
}

static void put_line(struct dmem_text *t, const char *text)
{
	struct hist_line l;

	hist_begin(&l, t, *text);
	hist_add(&l, "%s", text + 1);
	hist_end(&l);
}

/* Times are those of the samples, in ms since 1970. Returns their number. */
static size_t make_random(uint64_t seed, const char *name, uint64_t *times)
{
	struct dmem_text t = { 0 };
	bool buffers;
	size_t n = 0;

	state = seed * 977;
	buffers = pick(3);
	for (unsigned int boot = 0; boot < 1 + seed % 3; boot++) {
		uint64_t mono = 1000 + pick(5000) + boot * 1000000000ull;
		const struct hist_identity id = {
			"", seed % 2 ? "0123456789abcdef0123456789abcdef" : NULL, "board", "Test board", "7.3.4",
		};
		struct hist_identity this = id;
		char bits[16];

		snprintf(bits, sizeof(bits), "%08x", 0xaaaa0000 + boot);
		snprintf(this.boot, sizeof(this.boot), "%.8s-0000-0000-0000-000000000000", bits);
		hist_put_identity(&t, PAST_WALL + mono, &this);
		put_line(&t, "H 2 1764000000000");
		put_line(&t, "D / compatible=746573742c626f61726400");
		put_line(&t, "N 1");
		memset(&m, 0, sizeof(m));
		m.next_life = 100 * boot;
		for (unsigned int i = 0; i < 30 + pick(40); i++) {
			bool all = !i || !pick(15);

			if (i && all && !pick(3))
				past_end(&t, mono + 10);
			if (!pick(20))
				mono += 100000;
			if (all) {
				past_head(&t, bits, mono, 1000, buffers);
				past_region(&t, 0, CAM);
				past_region(&t, 1, CMA);
				m.numbers = 0;
				for (size_t k = 0; k < SERVICES; k++)
					m.s[k].number = -1;
			}
			step(&t, mono, all, buffers);
			times[n++] = PAST_WALL + mono;
			mono += 1000 + pick(2) * pick(30000);
		}
		if (pick(2))
			past_end(&t, mono);
	}
	past_write(&t, name);
	return n;
}

/* The plan of a history, as JSON. */
static const char *plan_of(const char *words, char *out, size_t size)
{
	char all[500];

	snprintf(all, sizeof(all), "--json %s", words);
	if (call(fast, "plan", all))
		printf("# %s: %s\n", words, get("err"));
	snprintf(out, size, "%s", get("out"));
	return out;
}

static char *seconds(uint64_t ms, char buf[32])
{
	snprintf(buf, 32, "@%llu.%03llu", (ull)ms / 1000, (ull)ms % 1000);
	return buf;
}

/* Cut at any sample and put together again, the plan is the same. */
static void halves(void)
{
	static char whole[1 << 20], merged[1 << 20];
	static uint64_t times[1000];
	unsigned int wrong = 0, copies = 0, valid = 0, cuts = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		/* Without sanitizers it takes a tenth of the time. */
		const char *program = seed % 5 ? fast : dmemctl;
		char words[500], at[32];
		size_t n;

		tap_dir(top);
		n = make_random(seed, "whole", times);
		copies += !call(program, "history", "--copy -o copy whole") && same_files("copy", "whole");
		plan_of("whole", whole, sizeof(whole));
		for (int i = 0; i < 3; i++) {
			seconds(times[pick(n - 1) + 1], at);
			snprintf(words, sizeof(words), "--copy -o a --until=%s whole", at);
			valid += !call(program, "history", words) && !*get("err");
			snprintf(words, sizeof(words), "--copy --output=b --since=%s whole", at);
			valid += !call(program, "history", words) && !*get("err");
			valid += !call(program, "history", "--copy a b -o c") && !*get("err");
			plan_of("c", merged, sizeof(merged));
			cuts++;
			if (!*whole || strcmp(whole, merged)) {
				wrong++;
				printf("# seed %llu, cut at %s\n# %s\n# %s\n", (ull)seed, at, whole, merged);
			}
		}
	}
	check(copies == SEEDS, "a copy of everything is the same file", "%u of %d", copies, SEEDS);
	check(valid == 3 * cuts, "each half is a history", "%u of %u", valid, 3 * cuts);
	check(!wrong && cuts == 3 * SEEDS, "the plan of the halves is the plan of the whole", "%u of %u differ",
	      wrong, cuts);
}

/* ---- a known history ---- */

/* Two units in two regions, with a buffer each; @boot distinguishes machines. */
static void make(const char *name, const char *boot, uint64_t from, const char *host)
{
	struct dmem_text t = { 0 };
	struct hist_identity id = { "", NULL, host, NULL, NULL };

	snprintf(id.boot, sizeof(id.boot), "%.8s-0000-0000-0000-000000000000", boot);
	if (host)
		hist_put_identity(&t, PAST_WALL + from, &id);
	past_head(&t, boot, from, 1000, true);
	past_region(&t, 0, CAM);
	past_region(&t, 1, CMA);
	past_cgroup(&t, 0, 7, "system.slice/a.service");
	past_cgroup(&t, 1, 8, "media.slice/b, \"c\".service");
	past_look(&t, from, "r0=%llu,0,-,%llu r1=%llu,%llu,-,%llu c0.0=%llu,%llu,0,0,0,0,max,0 c1.1=%llu,%llu b5=0.0,%llu "
		  "b6=1.1,%llu", MIB, 40 * MIB, 2 * MIB, MIB, 64 * MIB, MIB, MIB, 2 * MIB, 3 * MIB, MIB, 2 * MIB);
	past_look(&t, from + 60000, "r0=%llu c0.0=%llu,%llu,0,3", 4 * MIB, 4 * MIB, 4 * MIB);
	past_look(&t, from + 120000, "r0=0 c0.0=0 x0 f5");
	past_end(&t, from + 120500);
	past_write(&t, name);
}

static void summary(void)
{
	tap_dir(top);
	make("h", "aaaaaaaa", 0, "board-1");
	make("i", "bbbbbbbb", 1000, "board-2\033[31m");
	make("k", "bbbbbbbb", 1000, "\302\23331m\302\240");
	check(!history("--json k") && strstr(get("out"), "\"host\":\"\\u009b31m\302\240\"") && !query("true"),
	      "JSON is harmless, too", "%s", get("out"));
	check(!history("h") && !*get("err"), "a summary", "%s", get("err"));
	check_text(get("out"),
		   "1 history, 607B of text, 2 cgroups with figures, buffers recorded\n"
		   "damage: 0 lines\n\n"
		   "board-1\n"
		   "  time      2025-11-24 16:00:00 to 2025-11-24 16:02:00 UTC\n"
		   "  recorded  2min 0s, 1 boot, 3 samples\n\n"
		   "REGION                   CAPACITY  CHARGED UNACCOUNTED\n"
		   "cma/camera@64000000           40M       4M          0B\n"
		   "cma/linux,cma                 64M       2M          1M\n", "its text");
	check(!history("h i") && strstr(get("out"), "2 histories, ") && strstr(get("out"), "\nboard-1\n") &&
	      strstr(get("out"), "\nboard-2\\x1b[31m\n"), "each machine has its lines, and is harmless", "%s", get("out"));
	check(!history("--region=linux,cma --unit=a h") && strstr(get("out"), "0 cgroups with") &&
	      !strstr(get("out"), "camera@"), "of a selection", "%s", get("out"));
	put("j", "%sdamage\n", get("h"));
	check(!history("j") && strstr(get("out"), "\ndamage: 1 line\n"), "damage is counted", "%s", get("out"));
}

static void selections(void)
{
	tap_dir(top);
	make("h", "aaaaaaaa", 0, "board-1");
	check(!history("--json h") && !query("length == 16 and all(.[]; .boot == \"aaaaaaaa-0000-0000-0000-000000000000\" "
	      "and .host == \"board-1\" and .time == 1764000000000 + .mono)"), "each record has machine, boot and time", "%s",
	      get("out"));
	check(!query("[.[] | select(.kind == \"cgroup\" and .cgroup == \"system.slice/a.service\")] == [.[] | "
	      "select(.kind == \"cgroup\" and .region == \"cma/camera@64000000\")] and "
	      "(map(select(.kind == \"cgroup\"))[2] | .charged == 4194304 and .peak == 4194304 and .ev_alloc_fail == 3 and "
	      ".ev_reserved == 0 and .max == \"max\" and .min == 0)"), "a record has all figures, also unchanged ones",
	      "%s", get("out"));
	check(!query("map(.kind) == [\"sample\",\"region\",\"region\",\"cgroup\",\"cgroup\",\"buffer\",\"buffer\",\"sample\","
	      "\"region\",\"cgroup\",\"sample\",\"region\",\"cgroup\",\"gone\",\"freed\",\"end\"]"), "in the order of the file",
	      "%s", get("out"));
	check(!history("--json --since='2025-11-24 16:01' h") && !query("map(.kind) == [\"sample\",\"region\",\"region\","
	      "\"cgroup\",\"cgroup\",\"buffer\",\"buffer\",\"sample\",\"region\",\"cgroup\",\"gone\",\"freed\",\"end\"] and "
	      "(.[4] | .cgroup == \"media.slice/b, \\\"c\\\".service\" and .peak == 3145728)"),
	      "from a time on, the first sample has the whole state", "%s", get("out"));
	check(!history("--json --until=2025-11-24T16:01 h") && !query("map(select(.kind == \"sample\")) | length == 1"),
	      "before a time", "%s", get("out"));
	check(!history("--json --unit=a h") && !query("all(.[]; .cgroup == null or .cgroup == \"system.slice/a.service\") and "
	      "([.[] | select(.inode == 6)] | length == 1 and .[0].cgroup == null)"), "a unit, with the buffers of others", "%s",
	      get("out"));
	check(!history("--json --unit=/media.slice h") && !history("--json --unit=/sys/fs/cgroup/media.slice h") &&
	      !history("--json --unit=media.slice h") && !query("any(.[]; .cgroup // \"\" | startswith(\"media\")) and "
	      "all(.[]; .cgroup // \"\" | startswith(\"system\") | not)"), "a slice, with the cgroups below", "%s",
	      get("out"));
	check(!history("--json --region=camera@64000000 h") && !query("all(.[]; .region == null or .region == "
	      "\"cma/camera@64000000\") and all(.[]; .inode != 6)"), "a region without its kind", "%s", get("out"));
	check(history("--copy '--unit=b,*' h --region=linux,cma -o x") == 1 &&
	      strstr(get("err"), "b,*: no such unit or cgroup in this history") && access(tap_path("x"), F_OK),
	      "a unit that is not there, and no file", "%s", get("err"));
	check(history("--json --unit=/media.slic h") == 1 && history("--json --unit=a.serv h") == 1 &&
	      history("--json --unit=service h") == 1, "a part of a name is no name", "%s", get("out"));
	check(history("--copy --region=nope h") == 1 && strstr(get("err"), "nope: no such region in this history"),
	      "a region that is not there", "%s", get("err"));
	check(!history("--copy --unit=a.service --region=" CAM " h -o x") && !call(dmemctl, "plan", "--json x") &&
	      !query(".[0].regions | length == 1 and .[0].need > 0 and (.[0].services | length == 1)"),
	      "a plan reads a selection", "%s", get("err"));
}

static void csv(void)
{
	char *line;

	tap_dir(top);
	make("h", "aaaaaaaa", 0, NULL);
	check(!history("--csv h") && !strncmp(get("out"), "kind,time,boot,mono,machine,host,region,cgroup,charged,peak,", 60),
	      "CSV has a heading", "%s", get("out"));
	line = strstr(get("out"), "\ncgroup,1764000000000,aaaaaaaa-0000-0000-0000-000000000000,0,,,\"cma/linux,cma\","
		      "\"media.slice/b, \"\"c\"\".service\",2097152,3145728,,,,,,,,,,,\n");
	check(line != NULL, "commas and quotes are quoted", "%s", get("out"));
	check(!history("--csv --since=2030-01-01 h") && strstr(get("out"), ",size\n") && strlen(strstr(get("out"), ",size\n")) == 6,
	      "a selection without samples is the heading", "%s", get("out"));
}

static void outputs(void)
{
	struct stat before, after;

	tap_dir(top);
	make("h", "aaaaaaaa", 0, NULL);
	put("copy", "%s", get("h"));
	put("old", "old text");
	stat(tap_path("h"), &before);
	check(!history("--copy h -o h") && same_files("h", "copy"), "a history can replace itself", "%s", get("err"));
	stat(tap_path("h"), &after);
	check(before.st_ino != after.st_ino, "the file is replaced, and not written over", "no");
	check(history("--copy --unit=none h -o old") == 1 && !strcmp(get("old"), "old text"), "a failure leaves the old file", "%s",
	      get("err"));
	check(history("--copy --since=2030-01-01 h -o old") == 1 && !strcmp(get("old"), "old text") && strstr(get("err"),
	      "no sample is selected: the first is of 2025-11-24 16:00:00, and the last of 2025-11-24 16:02:00 UTC"),
	      "a copy of nothing would be no history", "%s", get("err"));
	check(history("--copy h -o no/file") == 1 && strstr(get("err"), "no/file: No such file"), "a directory that is not there",
	      "%s", get("err"));
	check(!history("--copy h -o -") && *get("out"), "standard output", "no");
	check(history("--copy h >/dev/full") == 1 && strstr(get("err"), "No space left"), "a full disk", "%s", get("err"));
	setenv("TMPDIR", "/proc/none", 1);
	check(history("--copy h -o old") == 1 && strstr(get("err"), "temporary file in /proc/none: No such"),
	      "a temporary file that cannot be made", "%s", get("err"));
	unsetenv("TMPDIR");
}

/* A plan must not take two recorders at the same time for one. */
static void overlap(void)
{
	tap_dir(top);
	make("a", "aaaaaaaa", 0, NULL);
	make("b", "aaaaaaaa", 30000, NULL);
	make("c", "aaaaaaaa", 121000, NULL);
	check(history("--copy a b -o m") == 1 && strstr(get("err"), " b: it overlaps with the history before it, which started earlier in the same boot: name it first"),
	      "recordings that overlap are refused", "%s", get("err"));
	check(!history("--copy b a -o m") && !history("--copy a c -o n"), "the remedy works", "%s", get("err"));
	check(!call(fast, "plan", "--json a b") && !query(".[0].histories == 2"), "a plan of both", "%s", get("err"));
	put("want", "%s", strstr(get("out"), "\"boots\""));
	check(!call(fast, "plan", "--json m"), "there is a plan of the merged one", "%s", get("err"));
	put("got", "%s", strstr(get("out"), "\"boots\""));
	check(same_files("want", "got"), "it is the plan of both", "%s", get("got"));
}

static void damage(void)
{
	char *text, *at;

	tap_dir(top);
	make("h", "aaaaaaaa", 0, "board");
	text = strdup(get("h"));
	at = strstr(text, " S 60000 ");
	if (at)
		at[3] = '7';
	put("d", "%s", text);
	check(!history("--copy d -o e") && strstr(get("err"), "3 lines skipped: damaged, or dependent"), "damage is reported",
	      "%s", get("err"));
	check(!history("e") && strstr(get("out"), "damage: 0 lines") && strstr(get("out"), "1 sample\n"),
	      "and is not copied", "%s", get("out"));
	text[strlen(text) - 5] = 0;
	put("g.1", "%s", text);
	put("g", "%s", get("h"));
	check(!history("g") && strstr(get("out"), "1 history, ") && strstr(get("out"), " 4 samples"),
	      "an incomplete line does not hide the next file", "%s", get("out"));
	free(text);
}

/* Changes some characters of lines, and writes their checksums again: what no recorder writes. */
static void garble(char *text, const char *name)
{
	static const char letters[] = "0123456789,.=-rcxbfSCREH %";
	struct dmem_text t = { 0 };
	char *line, *save;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *record = line + 9;

		if (!pick(4))
			record[pick(strlen(record))] = letters[pick(sizeof(letters) - 1)];
		if (*record && pick(40))
			put_line(&t, record);
	}
	past_write(&t, name);
}

/* Whatever a history has, a copy is valid, and a copy of it is the same. */
static void garbled(void)
{
	static uint64_t times[1000];
	unsigned int wrong = 0, copied = 0, same = 0;
	char at[32], words[200];

	for (uint64_t seed = 1; seed <= 40; seed++) {
		char *text;
		size_t n;
		int ret;

		tap_dir(top);
		n = make_random(seed, "h", times);
		text = strdup(get("h"));
		garble(text, "g");
		free(text);
		seconds(times[pick(n)], at);
		snprintf(words, sizeof(words), "--copy --since=%s g -o x", at);
		ret = history(words);
		wrong += ret < 0 || ret > 1;
		if (ret)
			continue;
		copied++;
		ret = history("--copy x -o y");
		same += !ret && !*get("err") && same_files("x", "y");
		wrong += history(seed % 2 ? "--json g" : "--csv g") > 1;
		wrong += history("g") > 1;
	}
	check(!wrong && copied > 15, "invented records do no harm", "%u wrong, %u copied", wrong, copied);
	check(same == copied, "a copy of them is a valid history", "%u of %u", same, copied);
}

/* True if the copy is valid, and stands for the same records. */
static bool is_copied(struct dmem_text *t)
{
	bool valid;

	unlink(tap_path("h"));
	past_write(t, "h");
	valid = !history("--copy h -o x") && !*get("err") && !history("--json h") && !*get("err");
	put("want", "%s", get("out"));
	valid = valid && !history("--json x") && !*get("err");
	put("got", "%s", get("out"));
	return valid && same_files("want", "got");
}

/* What the format allows, although no recorder writes it. */
static void unusual(void)
{
	struct hist_identity one = { "aaaaaaaa-0000-0000-0000-000000000000", NULL, "one", NULL, NULL };
	struct hist_identity two = { "bbbbbbbb-0000-0000-0000-000000000000", NULL, "two", NULL, NULL };
	struct dmem_text t = { 0 };

	tap_dir(top);
	past_head(&t, "aaaaaaaa", 0, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 7, "system.slice/a.service");
	past_look(&t, 0, "r0=4096 c0.0=4096");
	past_look(&t, 1000, "x0");
	past_look(&t, 2000, "r0=0");
	past_look(&t, 3000, "x0 r0=4096");
	past_write(&t, "h");
	check(!history("--copy --since=@1764000002 h -o x") && !history("--json x") && !*get("err") &&
	      !query("map(.kind) == [\"sample\",\"region\",\"sample\",\"region\"]"), "a cgroup that goes twice", "%s%s",
	      get("err"), get("x"));
	past_head(&t, "aaaaaaaa", 0, 1000, true);
	past_region(&t, 0, CAM);
	past_look(&t, 0, "r0=4096");
	past_look(&t, 1000, "r0=0");
	past_region(&t, 1, CMA);
	past_look(&t, 2000, "r1=4096 b5=-.1,4096");
	check(is_copied(&t) && same_files("h", "x"), "a region that appears later", "%s%s", get("err"), get("x"));
	put_line(&t, "H 2 1764000000000");
	put_line(&t, "D / model=61");
	put_line(&t, "N 1");
	put_line(&t, "K cma=1M");
	put_line(&t, "N 1");
	past_head(&t, "aaaaaaaa", 0, 1000, true);
	past_region(&t, 0, CAM);
	past_look(&t, 0, "r0=4096");
	check(is_copied(&t) && same_files("h", "x"), "notes that end twice", "%s%s", get("err"), get("x"));
	hist_put_identity(&t, PAST_WALL, &one);
	hist_put_identity(&t, PAST_WALL, &two);
	past_head(&t, "aaaaaaaa", 0, 1000, true);
	past_region(&t, 0, CAM);
	past_look(&t, 0, "r0=4096");
	past_head(&t, "bbbbbbbb", 0, 1000, true);
	past_region(&t, 0, CAM);
	past_look(&t, 0, "r0=4096");
	check(is_copied(&t) && strstr(get("got"), "two"), "the identity of a later segment", "%s%s", get("err"), get("x"));
}

static void mistakes(void)
{
	static const struct {
		const char *words, *said;
	} wrong[] = {
		{ "", "missing history" }, { "--copy --json h", "only one of --copy, --json and --csv" },
		{ "--since=yesterday h", "invalid time 'yesterday': write a time in UTC such as '2026-11-29 14:30'" },
		{ "--since=@ h", "invalid time '@'" }, { "--until=2026-13-01 h", "invalid time '2026-13-01'" },
		{ "--since=@-5 h", "invalid time '@-5'" }, { "--since=@5 --until=@5 h", "--until= must be later" },
		{ "--unit= h", "--unit= needs a name" }, { "--region= h", "--region= needs a name" },
		{ "--output= h", "--output= needs a file" }, { "--nope h", "--nope" }, { "--since", "--since" },
	};

	tap_dir(top);
	make("h", "aaaaaaaa", 0, NULL);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		tap_case("'%s'", wrong[i].words);
		check(history(wrong[i].words) == 2 && strstr(get("err"), wrong[i].said) && !*get("out"), "a wrong command line",
		      "%s", get("err"));
	}
	tap_case("%s", "");
	check(history("nothing") == 1 && strstr(get("err"), "nothing: No such file or directory"), "a file that is not there", "%s",
	      get("err"));
	mkdir(tap_path("empty"), 0755);
	check(history("empty") == 1 && strstr(get("err"), "no history found"), "an empty directory", "%s", get("err"));
	check(!history("--help") && strstr(get("out"), "Usage: dmemctl history"), "help", "%s", get("out"));
}

/* The history of the README, at each of its samples. */
static void documented(void)
{
	static char whole[1 << 18], merged[1 << 18];
	unsigned int n = 0, same = 0;
	char words[9000], *line, *save, *text;

	tap_dir(top);
	snprintf(words, sizeof(words), "--csv '%s'", example);
	history(words);
	text = strdup(get("out"));
	snprintf(words, sizeof(words), "'%s'", example);
	plan_of(words, whole, sizeof(whole));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char at[32];

		if (strncmp(line, "sample,", 7) || !n++)
			continue;
		seconds(strtoull(line + 7, NULL, 10), at);
		snprintf(words, sizeof(words), "--copy -o a --until=%s '%s'", at, example);
		call(fast, "history", words);
		snprintf(words, sizeof(words), "--copy -o b --since=%s '%s'", at, example);
		call(fast, "history", words);
		call(fast, "history", "--copy a b -o c");
		same += !strcmp(plan_of("c", merged, sizeof(merged)), whole);
	}
	check(n > 20 && same == n - 1, "the documented history can be cut at each sample", "%u of %u", same, n - 1);
	free(text);
}

/* The commands of the manual. */
static void manual(const char *page)
{
	char line[1024], script[12000], name[100];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	FILE *f = fopen(page, "r");
	size_t done = 0;

	tap_dir(top);
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "\tdmemctl ", 9))
			continue;
		snprintf(script, sizeof(script), "cd '%s' && cp '%s' camera.history && '%s' %s", tap_path(""), example, dmemctl,
			 line + 9);
		snprintf(name, sizeof(name), "command %zu succeeds", ++done);
		check(!run(argv) && !*get("err"), name, "%s: %s", line, get("err"));
	}
	if (f)
		fclose(f);
	check(done == 3 && same_files("camera.history", "day.history"), "the day is the whole history", "%zu commands", done);
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: test_history_verb DMEMCTL FAST-DMEMCTL DIR JQ HISTORY MANUAL\n");
		return 2;
	}
	dmemctl = argv[1];
	fast = argv[2];
	top = argv[3];
	jq_program = argv[4];
	example = argv[5];
	tap_start();
	RUN(halves);
	RUN(summary);
	RUN(selections);
	RUN(csv);
	RUN(outputs);
	RUN(overlap);
	RUN(damage);
	RUN(garbled);
	RUN(unusual);
	RUN(mistakes);
	RUN(documented);
	RUN(manual, argv[6]);
	return tap_end();
}
