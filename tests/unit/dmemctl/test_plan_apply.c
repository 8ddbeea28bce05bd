// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "dmemctl plan" with --diff and --apply, on a machine of plain files, and with a simulated systemd.
 * Histories may be hostile.
 *
 * test_plan_apply DMEMCTL FAKE-MANAGER DBUS-DAEMON JQ DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmemctl/record/appid.h"
#include "board.h"
#include "bus.h"
#include "past.h"

#define ID		"0123456789abcdef0123456789abcdef"
#define SLICE		"system.slice"
#define CAM		"system.slice/camera.service"
#define OTHER		"system.slice/other.service"
#define HEAD		"# Written by dmemctl set, which overwrites this file.\n[X-Dmem]\n"
#define NO_MAX		UINT64_MAX
#define ROUNDS		12

typedef unsigned long long ull;

static struct tool t;

/* ---- histories ---- */

/* A cgroup with a charge, and the limits that were recorded with it. */
struct use {
	const char *path;
	uint64_t used, max, min;
};

struct past {
	const char *boot, *id, *host, *region;	/* @id: not hashed; NULL: no identity */
	uint64_t total;				/* charge of the region */
	uint64_t from;				/* ms since PAST_WALL */
};

/* The machine of board(), with a name. */
static void machine_here(void)
{
	board(&t);
	put("root/etc/machine-id", ID "\n");
	put("root/proc/sys/kernel/hostname", "here\n");
}

static const char *figure(char buf[32], uint64_t v)
{
	if (v == NO_MAX)
		return "max";
	snprintf(buf, 32, "%llu", (ull)v);
	return buf;
}

static void put_identity(struct dmem_text *text, const struct past *p)
{
	struct hist_identity who = { .host = p->host };
	char hashed[APPID_TEXT];

	appid_machine(p->id, hashed);
	who.machine = hashed;
	snprintf(who.boot, sizeof(who.boot), "%.8s-0000-0000-0000-000000000000", p->boot);
	hist_put_identity(text, PAST_WALL, &who);
}

/* Appends one boot to the history "h". */
static void add_boot(const struct past *p, const struct use *use, size_t n)
{
	char items[4000] = "", max[32], min[32], *before;
	struct dmem_text text = { 0 };

	if (p->id)
		put_identity(&text, p);
	past_head(&text, p->boot, p->from + 1000, 1000, false);
	past_region(&text, 0, p->region);
	for (unsigned int i = 0; i < n; i++) {
		past_cgroup(&text, i, i + 1, use[i].path);
		sprintf(items + strlen(items), " c%u.0=0,0,0,0,0,0,%s,%s", i, figure(max, use[i].max),
			figure(min, use[i].min));
	}
	past_look(&text, p->from + 1000, "r0=0,0,-,%llu%s", 40 * MIB, items);
	*items = 0;
	for (unsigned int i = 0; i < n; i++)
		sprintf(items + strlen(items), " c%u.0=%llu,%llu", i, (ull)use[i].used, (ull)use[i].used);
	past_look(&text, p->from + 2000, "r0=%llu%s", (ull)p->total, items);
	past_look(&text, p->from + 62000, "%s", "");
	past_end(&text, p->from + 63000);
	before = strdup(get("h"));
	put("h", "%s%.*s", before, (int)text.len, text.s);
	dmem_text_free(&text);
	free(before);
}

static void write_history(const struct past *p, const struct use *use, size_t n)
{
	unlink(tap_path("h"));
	add_boot(p, use, n);
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A history of this machine, and of the camera's region. */
#define HISTORY(bytes, ...) do { \
		const struct past past_ = { "aaaaaaaa", ID, "here", CAMERA, bytes, 0 }; \
		const struct use use_[] = { __VA_ARGS__ }; \
		write_history(&past_, use_, COUNT(use_)); \
	} while (0)

/* The camera needs 16M, and the other service 8M. */
static const struct use usual_use[] = {
	{ SLICE, 24 * MIB, NO_MAX, 0 }, { CAM, 16 * MIB, 24 * MIB, 0 }, { OTHER, 8 * MIB, NO_MAX, 0 },
};

static void usual(void)
{
	const struct past p = { "aaaaaaaa", ID, "here", CAMERA, 24 * MIB, 0 };

	machine_here();
	write_history(&p, usual_use, COUNT(usual_use));
}

/* "plan --headroom=0 @options h": need and limits are those recorded. */
static const char *words(const char *options)
{
	static char text[4][1000];
	static unsigned int turn;
	char *s = text[turn++ % 4];

	snprintf(s, 1000, "plan --headroom=0 %s %s", options, tap_path("h"));
	return s;
}

/* Runs it. The result is in "out" and "err". */
static int plan(const char *options)
{
	return tool(&t, words(options));
}

/* --apply fails with @err, and changes no file. */
static void refused(const char *name, const char *err)
{
	char *before = snapshot();
	int ret = plan("--apply");

	check(ret == 1 && strstr(get("err"), err), name, "%d: %s", ret, get("err"));
	check(strstr(get("err"), "nothing was changed") != NULL, "it says that nothing was changed", "%s", get("err"));
	same_tree(before, "and no file has changed");
}

static bool prints(int ret, const char *options, const char *out, const char *err)
{
	return plan(options) == ret && strstr(get("out"), out) && (*err ? strstr(get("err"), err) != NULL : !*get("err"));
}

/* The value of the camera's region in a file of a cgroup. */
static char *limit_of(const char *cgroup, const char *file)
{
	static char value[300];
	char path[300], *p;

	snprintf(path, sizeof(path), CG "%s/%s", cgroup, file);
	p = strstr(get(path), CAMERA " ");
	p = p ? p + strlen(CAMERA " ") : NULL;
	snprintf(value, sizeof(value), "%.*s", p ? (int)strcspn(p, "\n") : 0, p ? p : "");
	return value;
}

/* ---- the comparison ---- */

static void test_diff(void)
{
	static const char table[] =
		"REGION              UNIT           KEY  NOW PROPOSED CHANGE\n"
		CAMERA "                size 40M      40M same\n"
		CAMERA " camera.service max  24M      16M -8M\n"
		CAMERA " camera.service min   0B      16M new\n"
		CAMERA " other.service  max  max       8M new\n"
		CAMERA " other.service  min   0B       8M new\n"
		CAMERA " system.slice   min   0B      24M new\n";

	usual();
	check(!plan("--diff") && !*get("err"), "the comparison succeeds", "%s", get("err"));
	check_text(get("out"), table, "the recorded limits and the proposed ones");
	check(!plan("--diff --json") &&
	      !jq(&t, ".diff | length == 6 and .[0].key == \"size\" and .[0].unit == null and "
		      ".[1].now == 25165824 and .[1].proposed == 16777216 and .[1].change == \"-\" and "
		      ".[3].now == \"max\" and .[5].unit == \"system.slice\""), "the same as JSON", "%s", get("json"));
}

/* Each kind of change. Of two boots, the limits of the later one count. */
static void test_changes(void)
{
	const struct past late = { "bbbbbbbb", ID, "here", CAMERA, 16 * MIB, 100000 };
	const struct past early = { "aaaaaaaa", ID, "here", CAMERA, 16 * MIB, 0 };
	const struct use first[] = { { CAM, 16 * MIB, 2 * MIB, 0 } }, last[] = { { CAM, 16 * MIB, 1 * MIB, 0 } };

	machine_here();
	HISTORY(16 * MIB, { CAM, 16 * MIB, 8 * MIB, 20 * MIB });
	check(prints(0, "--diff", "max   8M      16M +8M", ""), "a limit grows", "%s", get("out"));
	check(strstr(get("out"), "min  20M      16M -4M") != NULL, "a reservation shrinks", "%s", get("out"));
	HISTORY(16 * MIB, { CAM, 16 * MIB, 16 * MIB, 16 * MIB });
	check(prints(0, "--diff", "max  16M      16M same", ""), "a limit is the same", "%s", get("out"));
	add_boot(&late, last, 1);
	check(prints(0, "--diff", "max   1M      16M +15M", ""), "the limit of the last boot counts", "%s", get("out"));
	write_history(&late, last, 1);
	add_boot(&early, first, 1);
	check(prints(0, "--diff", "max   1M      16M +15M", ""), "also if it is the first one in the file", "%s", get("out"));
	HISTORY(0, { SLICE, 0, NO_MAX, 0 }, { CAM, 0, NO_MAX, 0 });
	check(plan("--diff") == 1 && strstr(get("err"), "no cgroup was charged"), "a history without charges", "%s",
	      get("err"));
	HISTORY(16 * MIB, { "init.scope", 16 * MIB, NO_MAX, 0 });
	check(prints(0, "--diff", "a scope: limit its slice", ""), "a scope has a remark", "%s", get("out"));
	HISTORY(16 * MIB, { SLICE, 16 * MIB, 30 * MIB, 0 }, { CAM, 16 * MIB, 16 * MIB, 0 });
	check(prints(0, "--diff", "max  30M        - kept", ""), "a limit without a proposal is kept", "%s", get("out"));
	check(prints(0, "--diff --svg=-", "<svg", "") && !strstr(get("out"), "KEY"), "a printed chart is alone", "%s",
	      get("out"));
}

/* ---- limits that are set ---- */

static void test_apply(void)
{
	static char preview[2000];
	char *before;

	usual();
	before = snapshot();
	check(prints(0, "--apply --dry-run", "all checks passed: nothing was changed", ""), "a preview", "%s%s",
	      get("out"), get("err"));
	same_tree(before, "the preview changes no file");
	snprintf(preview, sizeof(preview), "%s", get("out"));
	*strstr(preview, "\n\n") = 0;
	check(!plan("--diff") && !strncmp(get("out"), preview, strlen(preview)),
	      "the preview is the comparison, if nothing has changed since", "%s", preview);
	check(prints(0, "--apply", "5 limits of 3 units set", ""), "all limits are set", "%s%s", get("out"), get("err"));
	check(!strncmp(get("out"), preview, strlen(preview)), "the table is that of the preview", "%s", get("out"));
	check_text(limit_of(CAM, "dmem.max"), "16777216", "the camera's limit");
	check_text(limit_of(CAM, "dmem.min"), "16777216", "the camera's reservation");
	check_text(limit_of(OTHER, "dmem.max"), "8388608", "the other limit");
	check_text(limit_of(SLICE, "dmem.min"), "25165824", "the slice reserves the sum");
	check_text(get(CONTROL "camera.service.d/90-dmemctl.conf"),
		   HEAD "DeviceMemoryMax=" CAMERA " 16M\nDeviceMemoryMin=" CAMERA " 16M\n", "the drop-in");
	check_text(get(CONTROL "system.slice.d/90-dmemctl.conf"), HEAD "DeviceMemoryMin=" CAMERA " 24M\n",
		   "the drop-in of the slice");
	check(prints(0, "--apply", "same", "") && !strstr(get("out"), "new") && !strstr(get("out"), "-8M"),
	      "present limits are those in force, not those recorded", "%s", get("out"));
	check(!plan("--apply --json") && !jq(&t, "[.diff[] | .change == \"same\"] | all"), "and as JSON", "%s", get("json"));
}

static void test_runtime(void)
{
	usual();
	check(prints(0, "--apply --runtime", "5 limits", ""), "limits until the next boot", "%s", get("err"));
	check(is_there(RUN_CONTROL "camera.service.d/91-dmemctl-runtime.conf") && !is_there(CONTROL "camera.service.d"),
	      "only the runtime drop-in is there", "it is not");
}

/* A unit that does not run has the limits at its next start. */
static void test_stopped(void)
{
	machine_here();
	HISTORY(16 * MIB, { SLICE, 16 * MIB, NO_MAX, 0 }, { SLICE "/stopped.service", 16 * MIB, NO_MAX, 0 });
	check(prints(0, "--apply", "stopped.service: not running: the limits take effect at the next start", ""),
	      "a unit that does not run", "%s%s", get("out"), get("err"));
	check(strstr(get("out"), "stopped.service max    -      16M unknown") != NULL, "its present limit is unknown", "%s",
	      get("out"));
	check(strstr(get(CONTROL "stopped.service.d/90-dmemctl.conf"), "DeviceMemoryMax=" CAMERA " 16M\n") != NULL,
	      "it has a drop-in", "%s", get(CONTROL "stopped.service.d/90-dmemctl.conf"));
}

/* Reservations that shrink, limits that grow, limits that shrink, reservations that grow; slices
 * grow before the services in them, and shrink after them. The last step writes all limits. */
static void test_order(void)
{
	static const char want[] =
		"camera.service dmem.min " CAMERA " 16777216\n"
		"system.slice dmem.min " CAMERA " 25165824\n"
		"camera.service dmem.max " CAMERA " 16777216\n"
		"camera.service dmem.min " CAMERA " 16777216\n"
		"other.service dmem.max " CAMERA " 8388608\n"
		"system.slice dmem.min " CAMERA " 25165824\n"
		"camera.service dmem.max " CAMERA " 16777216\n"
		"camera.service dmem.min " CAMERA " 16777216\n"
		"other.service dmem.max " CAMERA " 8388608\n"
		"other.service dmem.min " CAMERA " 8388608\n";

	usual();
	put(CG CAM "/dmem.max", CAMERA " 12582912\n");
	put(CG CAM "/dmem.min", CAMERA " 20971520\n");
	put(CG SLICE "/dmem.min", CAMERA " 31457280\n");
	setenv("FAKE_CG_LOG", tap_path("log"), 1);
	check(prints(0, "--apply", "5 limits", ""), "limits in both directions", "%s", get("err"));
	unsetenv("FAKE_CG_LOG");
	check_text(get("log"), want, "each step comes before those that take more");
}

/* ---- rollback ---- */

/* The limits of all cgroups in question, in one text. */
static void limits(char text[1000])
{
	static const char * const paths[] = { SLICE, CAM, OTHER };

	*text = 0;
	for (size_t i = 0; i < 3; i++) {
		sprintf(text + strlen(text), "%s ", limit_of(paths[i], "dmem.max"));
		sprintf(text + strlen(text), "%s\n", limit_of(paths[i], "dmem.min"));
	}
}

static void set_limits(const char *path, uint64_t max, uint64_t min)
{
	char file[200], text[32];

	snprintf(file, sizeof(file), CG "%s/dmem.max", path);
	put(file, CAMERA " %s\n", figure(text, max));
	snprintf(file, sizeof(file), CG "%s/dmem.min", path);
	put(file, CAMERA " %llu\n", (ull)min);
}

/* Each write fails once: all limits are as before, and so are the drop-ins. */
static void test_rollback(void)
{
	char before[1000], after[1000], at[16], wrong[4000] = "";
	int n = 0, ret;

	do {
		usual();
		set_limits(CAM, 12 * MIB, 20 * MIB);
		set_limits(OTHER, 30 * MIB, 1 * MIB);
		set_limits(SLICE, NO_MAX, 30 * MIB);
		put(CONTROL "other.service.d/90-dmemctl.conf", HEAD "DeviceMemoryLow=" CAMERA " 1M\n");
		limits(before);
		snprintf(at, sizeof(at), "%d", ++n);
		setenv("FAKE_CG_AT", at, 1);
		ret = plan("--apply");
		unsetenv("FAKE_CG_AT");
		limits(after);
		if (!ret)
			break;
		if (strcmp(before, after) || is_there(CONTROL "camera.service.d") || is_there(CONTROL "system.slice.d") ||
		    strcmp(get(CONTROL "other.service.d/90-dmemctl.conf"), HEAD "DeviceMemoryLow=" CAMERA " 1M\n") ||
		    !strstr(get("err"), "the limit cannot be written"))
			snprintf(wrong, sizeof(wrong), "write %d: %s%s%.1500s", n, before, after, get("err"));
	} while (n < 50 && !*wrong);
	check(!*wrong, "a write that fails restores all limits and drop-ins", "%s", wrong);
	check(n > 10 && !ret && strcmp(before, after), "there are several writes, and without a failure all are set",
	      "%d: %s", n, after);
	check(strstr(get(CONTROL "other.service.d/90-dmemctl.conf"), "DeviceMemoryLow=" CAMERA " 1M\n") != NULL,
	      "the drop-in keeps the limits that the plan does not have", "%s",
	      get(CONTROL "other.service.d/90-dmemctl.conf"));
}

/* A signal ends the program when all limits are set. */
static void test_signal(void)
{
	int ret;

	usual();
	setenv("FAKE_CG_TERM", "1", 1);
	ret = plan("--apply");
	unsetenv("FAKE_CG_TERM");
	check(ret == -15 && strstr(get("out"), "PROPOSED"), "a signal ends it, after the table", "%d: %s", ret, get("out"));
	check(!strcmp(limit_of(OTHER, "dmem.min"), "8388608") && !strcmp(limit_of(CAM, "dmem.max"), "16777216") &&
	      is_there(CONTROL "other.service.d/90-dmemctl.conf"), "all limits are set", "%s", limit_of(OTHER, "dmem.min"));
}

static unsigned int random_number(unsigned int *seed, unsigned int n)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % n;
}

/* 0: a reservation shrinks; 1: a limit grows; 2: a limit shrinks; 3: a reservation grows; -1: the
 * limit has this value. Keeps the new value. */
static int step_of(uint64_t now[3][2], char *line)
{
	static const char * const names[] = { "system.slice", "camera.service", "other.service" };
	char name[64], file[16], region[64], value[32];
	uint64_t v, old;
	int i = 0, min;

	if (sscanf(line, "%63s %15s %63s %31s", name, file, region, value) != 4)
		return -2;
	while (i < 3 && strcmp(names[i], name))
		i++;
	min = !strcmp(file, "dmem.min");
	if (i == 3)
		return -2;
	v = strcmp(value, "max") ? strtoull(value, NULL, 10) : NO_MAX;
	old = now[i][min];
	now[i][min] = v;
	if (v == old)
		return -1;
	return min ? (v < old ? 0 : 3) : v > old ? 1 : 2;
}

/* Random limits now and in the plan. The log of all writes must not take before it gives. */
static void test_random(void)
{
	static const char * const paths[] = { SLICE, CAM, OTHER };
	char wrong[4000] = "";
	unsigned int seed = 7;

	for (int round = 0; round < ROUNDS && !*wrong; round++) {
		uint64_t a = (2 + random_number(&seed, 4)) * 4 * MIB, b = (1 + random_number(&seed, 3)) * 4 * MIB;
		const struct past p = { "aaaaaaaa", ID, "here", CAMERA, a + b, 0 };
		const struct use use[] = {
			{ SLICE, a + b, NO_MAX, 0 }, { CAM, a, NO_MAX, 0 }, { OTHER, b, NO_MAX, 0 },
		};
		uint64_t now[3][2], want[3][2] = { { 0, a + b }, { a, a }, { b, b } };
		int step = 0;

		machine_here();
		write_history(&p, use, 3);
		for (int i = 0; i < 3; i++) {
			now[i][0] = i && random_number(&seed, 3) ? (2 + random_number(&seed, 9)) * 4 * MIB : NO_MAX;
			now[i][1] = random_number(&seed, 8) * 4 * MIB;
			set_limits(paths[i], now[i][0], now[i][1]);
		}
		want[0][0] = now[0][0];
		setenv("FAKE_CG_LOG", tap_path("log"), 1);
		if (plan("--apply"))
			snprintf(wrong, sizeof(wrong), "round %d: %.3000s", round, get("err"));
		unsetenv("FAKE_CG_LOG");
		for (char *line = strtok(get("log"), "\n"); line; line = strtok(NULL, "\n")) {
			int now_step = step_of(now, line);

			if (now_step == -2 || (now_step >= 0 && now_step < step))
				snprintf(wrong, sizeof(wrong), "round %d: step %d behind %d: %.200s", round, now_step, step,
					 line);
			step = now_step > step ? now_step : step;
		}
		if (memcmp(now, want, sizeof(now)))
			snprintf(wrong, sizeof(wrong), "round %d: other limits than those of the plan", round);
	}
	check(!*wrong, "random limits take nothing before they have given, and end as planned", "%s", wrong);
}

/* ---- refusals ---- */

static void test_machine(void)
{
	static const char * const ids[] = { "fedcba9876543210fedcba9876543210", NULL, ID };
	static const char * const hosts[] = { "here", NULL, "there" };
	static const char * const errors[] = {
		"recorded on another machine (here, ", "the history does not name its machine",
		"recorded on another machine (there, ",
	};

	for (size_t i = 0; i < 3; i++) {
		const struct past p = { "aaaaaaaa", ids[i], hosts[i], CAMERA, 24 * MIB, 0 };

		tap_case("machine %zu", i);
		machine_here();
		write_history(&p, usual_use, COUNT(usual_use));
		refused("a history of another machine is refused", errors[i]);
		check(prints(0, "--apply --accept=quantile,machine", "5 limits", ""), "the user can accept it", "%s",
		      get("err"));
	}
	tap_case("one boot of two");
	usual();
	add_boot(&(struct past){ "bbbbbbbb", ids[0], "here", CAMERA, 24 * MIB, 0 }, usual_use, COUNT(usual_use));
	refused("one boot of another machine is refused", "boot bbbbbbbb-0000-0000-0000-000000000000: recorded on another");
	tap_case("no id");
	usual();
	unlink(tap_path("root/etc/machine-id"));
	refused("a machine without an id is refused", "this machine has no id");
	tap_case("%s", "");
}

static void test_load(void)
{
	usual();
	check(plan("--apply --quantile=0.9") == 1 && strstr(get("err"), "use --accept=quantile"),
	      "a quantile is refused", "%s", get("err"));
	check(prints(0, "--apply --dry-run --quantile=0.9 --accept=quantile", "passed", ""), "and accepted", "%s", get("err"));
	check(plan("--apply --without=other") == 1 && strstr(get("err"), "use --accept=changes"),
	      "a changed load is refused", "%s", get("err"));
	check(prints(0, "--apply --dry-run --without=other --accept=changes", "passed", ""), "a changed load is accepted",
	      "%s", get("err"));
	check(prints(0, "--apply --dry-run --size=" CAMERA "=20M", "passed", ""), "a trial of a size changes no load", "%s",
	      get("err"));
}

static void test_units(void)
{
	char *before;

	tap_case("no unit");
	machine_here();
	HISTORY(16 * MIB, { CAM, 8 * MIB, NO_MAX, 0 }, { SLICE "/ghost.service", 4 * MIB, NO_MAX, 0 },
		{ SLICE "/spook.service", 4 * MIB, NO_MAX, 0 });
	refused("a unit that is not there", "ghost.service: no unit ghost.service");
	check(strstr(get("err"), "spook.service: no unit") != NULL, "all of them are reported", "%s", get("err"));
	tap_case("masked");
	HISTORY(8 * MIB, { SLICE "/masked.service", 8 * MIB, NO_MAX, 0 });
	refused("a masked unit", "the unit is masked");
	tap_case("alias");
	HISTORY(8 * MIB, { SLICE "/cam.service", 8 * MIB, NO_MAX, 0 });
	refused("an alias of a unit", "cam.service: another name of camera.service");
	tap_case("elsewhere");
	HISTORY(8 * MIB, { "evil.slice/camera.service", 8 * MIB, NO_MAX, 0 });
	refused("a unit in another slice",
		"camera.service: recorded as /evil.slice/camera.service, but is /system.slice/camera.service");
	tap_case("twice");
	HISTORY(16 * MIB, { "evil.slice/camera.service", 8 * MIB, NO_MAX, 0 }, { CAM, 8 * MIB, NO_MAX, 0 });
	refused("a unit in two slices", "recorded as /evil.slice/camera.service and as /system.slice/camera.service");
	tap_case("no slice");
	HISTORY(8 * MIB, { "ghost.slice", 8 * MIB, NO_MAX, 0 }, { "ghost.slice/stopped.service", 8 * MIB, NO_MAX, 0 });
	refused("a slice that is not there", "ghost.slice: no such slice");
	tap_case("wrong slice");
	HISTORY(8 * MIB, { "system.slice/media.slice", 8 * MIB, NO_MAX, 0 },
		{ "system.slice/media.slice/stopped.service", 8 * MIB, NO_MAX, 0 });
	refused("a slice in a wrong place", "/system.slice/media.slice: no cgroup of a unit media.slice");
	tap_case("template");
	HISTORY(8 * MIB, { SLICE "/eye@.service", 8 * MIB, NO_MAX, 0 });
	refused("a template", "/system.slice/eye@.service: no cgroup of a unit");
	tap_case("delegated");
	HISTORY(8 * MIB, { SLICE "/box.service/payload", 8 * MIB, NO_MAX, 0 });
	refused("a cgroup in a delegated unit", "the plan has no limit of a service or slice");
	tap_case("charged");
	HISTORY(4 * MIB, { CAM, 4 * MIB, NO_MAX, 0 });
	refused("a limit below the charge", "more than the limit is in use: 8M is charged, the limit would be 4M");
	tap_case("later file");
	usual();
	put("root/usr/lib/systemd/system/other.service.d/95-last.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 10M\n");
	refused("a file that is read later", "another file of other.service is read later");
	tap_case("no directory");
	usual();
	put(CONTROL "other.service.d", "a file");
	refused("a directory that cannot be made", "other.service.d: Not a directory");
	tap_case("full disk");
	usual();
	before = snapshot();
	setenv("FAKE_CG", "new:28", 1);
	check(plan("--apply") == 1 && strstr(get("err"), "No space left on device"), "a full disk", "%s", get("err"));
	unsetenv("FAKE_CG");
	same_tree(before, "and no file has changed");
	tap_case("%s", "");
}

/* Names that could reach other files, other lines of a file, or other units. */
static void test_hostile(void)
{
	static const char * const paths[] = {
		"system.slice/../../../etc/x.service", "../x.service", "system.slice/..service", "/etc/x.service",
		"system.slice/a\nb.service", "system.slice/a b.service", "system.slice/a%n.service", "init.scope",
		"system.slice/\x1b[2J.service", "-.slice", "system.slice/.service", "user.slice/user-0.slice/session-1.scope",
		"system.slice/x.service.d/y.service", "system.slice/x.service\n[Service]\nExecStart=sh",
	};
	static const char * const regions[] = {
		"dma_heap/../../../etc/shadow", "dma_heap/camera@64000000", "cma/none", "a b", "a\n[Service]", "..", "cma/x\ty",
		"/dev/dma_heap/system",
	};
	char *before;
	int set = 0;

	for (size_t i = 0; i < COUNT(paths); i++) {
		tap_case("path %zu", i);
		machine_here();
		HISTORY(8 * MIB, { paths[i], 8 * MIB, NO_MAX, 0 });
		before = snapshot();
		set += !plan("--apply");
		same_tree(before, "no file has changed");
		check(!strchr(get("err"), '\033') && !strchr(get("out"), '\033'), "nothing controls the terminal", "%s",
		      get("err"));
	}
	for (size_t i = 0; i < COUNT(regions); i++) {
		const struct past p = { "aaaaaaaa", ID, "here", regions[i], 16 * MIB, 0 };
		const struct use use[] = { { CAM, 16 * MIB, NO_MAX, 0 } };

		tap_case("region %zu", i);
		machine_here();
		write_history(&p, use, 1);
		before = snapshot();
		set += !plan("--apply");
		same_tree(before, "no file has changed");
	}
	tap_case("%s", "");
	check(!set, "no hostile name is set", "%d", set);
}

static void test_usage(void)
{
	static const char * const wrong[] = {
		"--diff --apply", "--diff --check", "--apply --by=machine", "--dry-run", "--runtime", "--accept=machine",
		"--apply --svg=x", "--apply --units=x", "--diff --merge=a,b", "--apply --split=a:b", "--apply --accept=x",
		"--apply --accept=machine,", "--apply --accept=", "--apply --alerts=x",
	};
	size_t bad = 0;

	usual();
	for (size_t i = 0; i < COUNT(wrong); i++)
		bad += plan(wrong[i]) != 2 || !strstr(get("err"), "--help");
	check(!bad, "wrong combinations of options are wrong command lines", "%zu", bad);
}

/* ---- with systemd ---- */

static size_t count(const char *what)
{
	size_t n = 0;

	for (const char *p = get("calls"); (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void test_systemd(struct bus *bus, const char *how)
{
	char *before;

	machine_here();
	HISTORY(16 * MIB, { SLICE, 16 * MIB, NO_MAX, 0 }, { CAM, 16 * MIB, 24 * MIB, 0 });
	before = snapshot();
	tap_case("%s", *how ? how : "works");
	setenv("FAKE_BUS", "1", 1);
	if (!bus_start(bus, how)) {
		printf("Bail out! there is no bus\n");
		exit(2);
	}
	if (*how) {
		check(plan("--apply") == 1 && strstr(get("err"), "daemon-reload"), "a reload that fails", "%s", get("err"));
		same_tree(before, "a failed reload restores all files");
	} else {
		free(before);
		check(prints(0, "--apply --dry-run", "passed", "") && !count("Reload"), "a preview reloads nothing", "%s",
		      get("calls"));
		check(prints(0, "--apply", "3 limits of 2 units", ""), "with systemd", "%s%s", get("out"), get("err"));
		check(count("Reload") == 1, "systemd is reloaded once for all units", "%s", get("calls"));
		setenv("FAKE_CG", "dmem.min:13", 1);
		put(CG CAM "/dmem.min", CAMERA " 0\n");
		check(plan("--apply") == 1 && count("Reload") == 3, "and again after all is restored", "%s", get("calls"));
		unsetenv("FAKE_CG");
	}
	bus_stop(bus);
	unsetenv("FAKE_BUS");
	tap_case("%s", "");
}

int main(int argc, char **argv)
{
	struct bus bus = { 0 };

	if (argc != 6)
		return 2;
	t = (struct tool){ .program = argv[1], .jq = argv[4], .dir = argv[5] };
	bus.manager = argv[2];
	bus.daemon = argv[3];
	tap_start();
	RUN(test_diff);
	RUN(test_changes);
	RUN(test_apply);
	RUN(test_runtime);
	RUN(test_stopped);
	RUN(test_order);
	RUN(test_rollback);
	RUN(test_signal);
	RUN(test_random);
	RUN(test_machine);
	RUN(test_load);
	RUN(test_units);
	RUN(test_hostile);
	RUN(test_usage);
	RUN(test_systemd, &bus, "");
	RUN(test_systemd, &bus, "reload");
	return tap_end();
}
