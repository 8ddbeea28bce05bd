// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl watch on a tree of plain files: in tmux, typed at, resized, stopped and
 * killed; and as tables, where there is no terminal.
 *
 * test_watch DMEMCTL DIRECTORY
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../tools/dmemctl/watch/keys.h"
#include "../systemd/tap.h"
#include "fake.h"

#define CAMERA	"cma/camera@64000000"
#define SYSTEM	"heap/system"
#define SECONDS	10	/* for what must come */
#define HEADING	"REGION, CGROUP                    USED    PEAK     MAX    LEFT  REFUSED   NEW"

static const char *dmemctl, *dir;
static struct fake machine;

/* What camera.service and all above it do. */
static void put_camera(uint64_t current, uint64_t refused)
{
	const struct fake_use service[] = {
		{ .region = CAMERA, .current = current, .peak = 10 * MIB, .max = 12 * MIB,
		  .ev_max = refused, .alloc_fail = refused },
	};
	const struct fake_use slice[] = {
		{ .region = CAMERA, .current = current + 2 * MIB, .peak = 14 * MIB, .max = 20 * MIB,
		  .ev_max = refused, .alloc_fail = refused + 1 },
		{ .region = SYSTEM, .current = 5 * MIB, .peak = 5 * MIB },
	};

	fake_cgroup(&machine, "system.slice/camera.service", service, 1);
	/* The kernel tells of a refusal above when it can be read below. */
	fake_cgroup(&machine, "system.slice", slice, 2);
}

static void start(void)
{
	const struct fake_use root[] = {
		{ .region = CAMERA, .current = 10 * MIB, .peak = 20 * MIB },
		{ .region = SYSTEM, .current = 5 * MIB },
	};
	const struct fake_use display[] = {
		{ .region = CAMERA, .current = 2 * MIB, .peak = 3 * MIB, .alloc_fail = 1 },
		{ .region = SYSTEM, .current = 5 * MIB, .peak = 5 * MIB },
	};

	tap_dir(dir);
	fake_start(&machine, FAKE_OURS);
	fake_region(&machine, CAMERA, 40 * MIB);
	fake_region(&machine, SYSTEM, 1024 * MIB);
	fake_area(&machine, "camera@64000000", 40 * MIB, 20 * MIB, 10 * MIB, 16 * MIB);
	fake_heap(&machine, "camera@64000000", CAMERA);
	fake_cgroup(&machine, "", root, 2);
	/* A kernel that has no peak of the root. */
	unlink(tap_path("root/sys/fs/cgroup/dmem.peak"));
	fake_cgroup(&machine, "system.slice/display.service", display, 2);
	fake_cgroup(&machine, "idle.slice", NULL, 0);
	put_camera(8 * MIB, 0);
}

/* ---- without a terminal ---- */

/* Runs a shell's command, in which $W is the program with its verb. */
static int shell(const char *fmt, ...)
{
	char script[2000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	va_list ap;
	int n;

	n = snprintf(script, sizeof(script), "W='%s --sysroot=%s watch'; ", dmemctl, tap_path("root"));
	va_start(ap, fmt);
	vsnprintf(script + n, sizeof(script) - (size_t)n, fmt, ap);
	va_end(ap);
	return run(argv);
}

/* Without the first line, which has the time in it. */
static const char *table(void)
{
	const char *end = strchr(get("out"), '\n');

	return end ? end + 1 : "";
}

static void tables(void)
{
	int rc;

	start();
	check(!shell("$W -n 1") && !*get("err"), "one table", "%s", get("err"));
	check_text(table(),
		   "REGION, CGROUP                    USED    PEAK     MAX    LEFT  REFUSED   NEW\n"
		   "cma/camera@64000000                20M       -     40M     20M [###+++......]\n"
		   "  system.slice                     10M     14M     20M     10M        1\n"
		   "  system.slice/camera.service       8M     10M     12M      4M        0\n"
		   "  system.slice/display.service      2M      3M     max     10M        1\n"
		   "heap/system                         5M       -      1G       - [............]\n"
		   "  system.slice                      5M      5M     max       -        0\n"
		   "  system.slice/display.service      5M      5M     max       -        0\n\n",
		   "its figures");
	check(strstr(get("out"), "  2 regions, 5 cgroups, 0 refused since ") != NULL, "its title", "%s",
	      get("out"));
	check(!shell("$W -n 1 camera " SYSTEM), "a region and a unit", "%s", get("err"));
	check_text(table(),
		   "REGION, CGROUP                    USED    PEAK     MAX    LEFT  REFUSED   NEW\n"
		   "heap/system                         5M       -      1G       - [............]\n\n",
		   "only what both allow");
	check(!shell("$W -n 1 --sort=use dma_heap/camera@64000000 /system.slice/"),
	      "a heap and a cgroup", "%s", get("err"));
	check_text(table(),
		   "REGION, CGROUP                    USED    PEAK     MAX    LEFT  REFUSED   NEW\n"
		   "cma/camera@64000000                20M       -     40M     20M [###+++......]\n"
		   "  system.slice                     10M     14M     20M     10M        1\n"
		   "  system.slice/camera.service       8M     10M     12M      4M        0\n"
		   "  system.slice/display.service      2M      3M     max     10M        1\n\n",
		   "the cgroup and all below it");
	rc = shell("$W -n 3 -i 0.1 | grep -c 'camera.service'");
	check(!rc && !strcmp(get("out"), "3\n"), "three tables", "exit code %d, %s", rc, get("out"));
	rc = shell("$W -n 2 -i 0.1 | tr -cd '\\033\\015' | wc -c");
	check(!rc && atoi(get("out")) == 0, "no escapes in a pipe", "%s", get("out"));
	rc = shell("$W -i 0.1 | head -n 3 | wc -l");
	check(!rc && atoi(get("out")) == 3 && !*get("err"), "a reader that goes away ends it", "%s%s",
	      get("out"), get("err"));
	check(shell("timeout 20 $W -i 0.1 >/dev/full") == 1 && strstr(get("err"), "cannot write"),
	      "/dev/full is a failure", "%s", get("err"));
}

static void usage(void)
{
	start();
	check(shell("$W --no-such") == 2, "a wrong option", "not 2");
	check(shell("$W -i 0") == 2 && shell("$W -i nan") == 2 && shell("$W -i 1x") == 2 &&
	      shell("$W -i 1e9") == 2, "a wrong interval", "not 2");
	check(shell("$W -n 0") == 2 && shell("$W -n -1") == 2 && shell("$W -n x") == 2,
	      "a wrong count", "not 2");
	check(shell("$W -s size") == 2, "a wrong order", "not 2");
	check(shell("$W -i") == 2 && strstr(get("err"), "wants a value"), "no value", "%s", get("err"));
	check(shell("$W cma/none") == 2 && strstr(get("err"), "'cma/none' is neither"),
	      "no such region", "%s", get("err"));
	check(!shell("$W --help") && strstr(get("out"), "Usage: dmemctl watch"), "--help", "no");
}

/* Other machines: names that a terminal would obey, and little to read. */
static void others(void)
{
	struct fake_use one = { .region = CAMERA, .current = MIB };

	start();
	fake_cgroup(&machine, "\x1b[2J\xc3\xbc", &one, 1);
	shell("$W -n 1 " CAMERA);
	check(strstr(table(), "  ?[2J?? ") != NULL, "names are harmless", "%s", get("out"));
	tap_dir(dir);
	fake_start(&machine, FAKE_6_14);
	fake_region(&machine, "drm/0000:03:00.0/vram0", 8192 * MIB);
	one.region = "drm/0000:03:00.0/vram0";
	fake_cgroup(&machine, "", &one, 1);
	fake_cgroup(&machine, "user.slice", &one, 1);
	shell("$W -n 1");
	check_text(table(),
		   "REGION, CGROUP            USED    PEAK     MAX    LEFT  REFUSED   NEW\n"
		   "drm/0000:03:00.0/vram0      1M       -      8G       - [............]\n"
		   "  user.slice                1M       -     max       -        -\n\n",
		   "a kernel without peaks and refusals");
	tap_dir(dir);
	put("root/etc/hostname", "none\n");
	shell("$W -n 1");
	check(strstr(table(), "There is no region") != NULL, "no controller", "%s", get("out"));
	/* A namespace's root is a cgroup. */
	tap_dir(dir);
	fake_start(&machine, FAKE_OURS);
	machine.namespaced = true;
	fake_region(&machine, CAMERA, 40 * MIB);
	one = (struct fake_use){ .region = CAMERA, .current = MIB, .peak = MIB, .max = 3 * MIB };
	fake_cgroup(&machine, "", &one, 1);
	/* There is less than it may take. */
	fake_area(&machine, "camera@64000000", 40 * MIB, MIB, 0, MIB);
	shell("$W -n 1");
	check(strstr(table(), "\n  /                      1M      1M      3M      1M        0\n") != NULL,
	      "inside a namespace", "%s", get("out"));
}

/* ---- tmux ---- */

#define TMUX	"/usr/bin/tmux"

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

/* One command, of up to six words. */
static const char *tmux(const char *a, ...)
{
	const char *argv[16] = { TMUX, "-S", tap_path("tmux"), "-f", "/dev/null", a };
	va_list ap;
	int n = 6;

	va_start(ap, a);
	while (n < 15 && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	if (run(argv))
		printf("# tmux %s: %s\n", a, get("err"));
	return get("out");
}

static const char *screen(void)
{
	return tmux("capture-pane", "-p", NULL);
}

/* Waits until the screen has this text, or has it no more. */
static bool seen(const char *text, bool wanted)
{
	for (int i = 0; i < 20 * SECONDS; i++) {
		if ((strstr(screen(), text) != NULL) == wanted)
			return true;
		nap();
	}
	return false;
}

static bool see(const char *text, const char *name)
{
	return check(seen(text, true), name, "'%s' is not there:\n%s", text, screen());
}

static void type(const char *key)
{
	tmux("send-keys", key, NULL);
}

/* What tmux knows of the terminal. */
static bool is_normal(void)
{
	char got[100];

	for (int i = 0; i < 20 * SECONDS; i++) {
		snprintf(got, sizeof(got), "%s",
			 tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}", NULL));
		if (!strcmp(got, "0 1\n"))
			return true;
		nap();
	}
	return false;
}

static void line(const char *text)
{
	tmux("send-keys", "-l", text, NULL);
	type("Enter");
}

/* Starts the program with these words by the shell in the terminal, its number in
 * file "pid". Waits until it is there. */
static void begin(const char *environment, const char *words)
{
	char text[2000];

	snprintf(text, sizeof(text), "clear; %s sh -c 'echo $$ >pid; exec $W %s'",
		 environment, words);
	line(text);
	if (!seen("q quit", true))
		check(false, "it starts", "%s", screen());
}

static pid_t pid(void)
{
	return (pid_t)atoi(get("pid"));
}

/* It has ended with this code, and the terminal is as it was before. */
static void ended(int code, const char *name)
{
	char text[100], before[1000];

	snprintf(before, sizeof(before), "%s", get("before"));
	check(is_normal(), name, "the terminal is not as it was:\n%s", screen());
	line("echo ended=$?; stty -g >after; echo code=$?");
	snprintf(text, sizeof(text), "ended=%d", code);
	see(text, "its exit code");
	check(seen("code=0", true) && *before && !strcmp(before, get("after")),
	      "the terminal is set as before", "%s%s", before, get("after"));
}

static void session(void)
{
	char program[9000];

	snprintf(program, sizeof(program), "%s --sysroot=%s watch", dmemctl, tap_path("root"));
	setenv("W", program, 1);
	setenv("TERM", "screen", 1);
	unsetenv("NO_COLOR");
	unsetenv("TMUX");
	tmux("new-session", "-d", "-x", "80", "-y", "14", "-c", dir, "/bin/sh", NULL);
	line("stty -g >before");
	for (int i = 0; i < 20 * SECONDS && !*get("before"); i++)
		nap();
}

static void whole_screen(void)
{
	const char *body;

	begin("", "-i 60");
	body = strchr(screen(), '\n');
	check_text(body ? body : "", "\n" HEADING "\n"
		   "cma/camera@64000000                20M       -     40M     20M [####++++.......]\n"
		   "  system.slice                     10M     14M     20M     10M        1\n"
		   "  system.slice/camera.service       8M     10M     12M      4M        0\n"
		   "  system.slice/display.service      2M      3M     max     10M        1\n"
		   "heap/system                         5M       -      1G       - [...............]\n"
		   "  system.slice                      5M      5M     max       -        0\n"
		   "  system.slice/display.service      5M      5M     max       -        0\n"
		   "\n\n\n\nq quit  space now  s sort: name\n", "a screen of 80 columns");
}

static void keys(void)
{
	type("s");
	see("s sort: use", "s sorts by use");
	type("s");
	see("s sort: refusals", "and by refusals");
	type("s");
	see("s sort: name", "and by name");
	tmux("resize-window", "-x", "80", "-y", "6", NULL);
	see("lines 1-3 of 7", "a lower window");
	type("Down");
	see("lines 2-4 of 7", "down");
	type("NPage");
	see("lines 5-7 of 7", "page down, and not beyond the end");
	type("Up");
	see("lines 4-6 of 7", "up");
	type("Home");
	see("lines 1-3 of 7", "home");
	type("End");
	see("lines 5-7 of 7", "end");
	type("PPage");
	see("lines 2-4 of 7", "page up");
	check(strstr(screen(), "\n  system.slice ") && !strstr(screen(), "cma/camera@64000000"),
	      "the lines are those", "%s", screen());
	type("PPage");
	see("lines 1-3 of 7", "and not before the start");
}

static void sizes(void)
{
	tmux("resize-window", "-x", "120", "-y", "14", NULL);
	see("[##############++++++++++++++...........................]", "a wide window has a longer bar");
	tmux("resize-window", "-x", "64", "-y", "14", NULL);
	see("  ..amera.service      8M", "a narrow one, less of a name");
	tmux("resize-window", "-x", "20", "-y", "5", NULL);
	seen("lines", false);
	check(seen("q quit  space now  s", true) && !strstr(screen(), "REFUSED"),
	      "a tiny one cuts the lines", "%s", screen());
	tmux("resize-window", "-x", "30", "-y", "1", NULL);
	check(seen("2 regions, 5 cgroups", true), "a window of one line", "%s", screen());
	tmux("resize-window", "-x", "80", "-y", "14", NULL);
	see(HEADING, "back to 80 columns");
}

static void remove_camera(void)
{
	const char *argv[] = {
		"/bin/rm", "-r", tap_path("root/sys/fs/cgroup/system.slice/camera.service"), NULL,
	};

	if (run(argv))
		check(false, "a cgroup can be removed", "%s", get("err"));
}

static void news(void)
{
	struct fake_use one = { .region = SYSTEM, .current = MIB };
	struct fake_use most = { .region = SYSTEM, .current = 6 * MIB };

	/* What is charged is not told, and it is not yet time. */
	put("root/sys/fs/cgroup/system.slice/camera.service/dmem.current", CAMERA " %llu\n", 9 * MIB);
	nap();
	check(strstr(screen(), "camera.service       8M") != NULL, "nothing before that", "%s", screen());
	type("Space");
	see("  system.slice/camera.service       9M", "space looks at once");
	put_camera(9 * MIB, 3);
	see("  system.slice/camera.service       9M     10M     12M      3M        3    +3",
	    "a refusal is seen at once");
	see("cgroups, 3 refused since", "and counted");
	/* A unit that starts again is another cgroup. */
	remove_camera();
	fake_cgroup(&machine, "new.slice", &one, 1);
	fake_cgroup(&machine, "most.slice", &most, 1);
	type("Space");
	see("  new.slice                         1M", "a new cgroup");
	check(!strstr(screen(), "camera.service"), "and one that is gone", "%s", screen());
	/* It is listened to from now on. */
	one.alloc_fail = 7;
	fake_cgroup(&machine, "new.slice", &one, 1);
	see("max       -        7    +7", "its refusals are seen at once");
	see("]\n  most.slice                        6M      6M     max       -        0\n  new.slice ",
	    "by name");
	type("s");
	see("]\n  most.slice                        6M      6M     max       -        0\n  system.slice ",
	    "by use");
	type("s");
	see("]\n  new.slice ", "by refusals");
	type("s");
}

static void ends(void)
{
	type("q");
	ended(0, "q gives the terminal back");
	begin("", "-i 60");
	kill(pid(), SIGTERM);
	ended(128 + SIGTERM, "SIGTERM gives it back");
	begin("", "-i 60");
	type("C-c");
	ended(128 + SIGINT, "Ctrl-C gives it back");
	begin("", "-i 60");
	type("C-z");
	check(is_normal(), "Ctrl-Z gives it back", "it does not");
	line("echo between");
	see("\nbetween", "there is a shell between");
	line("fg");
	see(HEADING, "and a screen again");
	kill(pid(), SIGSTOP);
	seen("Stopped", true);
	line("clear; fg");
	see(HEADING, "after a SIGSTOP too");
	type("q");
	ended(0, "q after that gives it back");
	begin("", "-i 0.2 -n 3");
	ended(0, "the end of --count gives it back");
}

static void by_time(void)
{
	put_camera(8 * MIB, 0);
	begin("", "-i 0.2");
	put_camera(3 * MIB, 0);
	see("  system.slice/camera.service       3M", "by time");
	type("q");
	ended(0, "q");
}

static void colours(void)
{
	begin("", "-i 60");
	put_camera(3 * MIB, 1);
	/* The slice's, which is written last. */
	seen("        2    +1", true);
	/* tmux tells what changes from one line to the next. */
	check(strstr(tmux("capture-pane", "-p", "-e", NULL), "\033[31m  system.slice  ") != NULL,
	      "a refusal is red", "%s", get("out"));
	type("q");
	is_normal();
	put_camera(3 * MIB, 0);
	begin("NO_COLOR=1", "-i 60");
	put_camera(3 * MIB, 1);
	seen("        2    +1", true);
	check(!strstr(tmux("capture-pane", "-p", "-e", NULL), "\033["), "NO_COLOR", "%s", get("out"));
	type("q");
	ended(0, "q without colours");
	line("clear; TERM=dumb $W -i 60 -n 1");
	seen("camera.service", true);
	check(!strcmp(tmux("display-message", "-p", "#{alternate_on}", NULL), "0\n"),
	      "a terminal that can do nothing gets a table", "%s", screen());
}

/* Keys come from where the screen is; and if that goes, so do we. */
static void without_keys(void)
{
	pid_t p;

	line("clear");
	begin("", "-i 0.3 -n 4 </dev/null");
	ended(0, "without keys, --count ends it");
	/* Not by a SIGHUP. */
	line("trap '' HUP");
	begin("", "-i 60");
	p = pid();
	tmux("kill-server", NULL);
	for (int i = 0; i < 20 * SECONDS && !kill(p, 0); i++)
		nap();
	check(p > 1 && kill(p, 0), "it ends with its terminal", "%d is still there", p);
}

/* ---- the parser of keys ---- */

static enum key key_of(const char *s)
{
	struct keys k = { 0 };
	enum key key = KEY_NONE;

	for (; *s; s++)
		key = keys_next(&k, (unsigned char)*s);
	return key;
}

static void sequences(void)
{
	static const struct {
		const char *bytes;
		enum key key;
	} t[] = {
		{ "q", KEY_QUIT }, { "Q", KEY_QUIT }, { " ", KEY_REFRESH }, { "\f", KEY_REFRESH },
		{ "s", KEY_SORT }, { "j", KEY_DOWN }, { "k", KEY_UP }, { "x", KEY_NONE },
		{ "\033[A", KEY_UP }, { "\033OA", KEY_UP }, { "\033[B", KEY_DOWN },
		{ "\033[1;5A", KEY_UP }, { "\033[5~", KEY_PAGE_UP }, { "\033[6~", KEY_PAGE_DOWN },
		{ "\033[H", KEY_HOME }, { "\033OF", KEY_END }, { "\033[1~", KEY_HOME },
		{ "\033[4~", KEY_END }, { "\033[7~", KEY_HOME }, { "\033[8~", KEY_END },
		{ "\033[6;5~", KEY_NONE }, { "\033[3~", KEY_NONE }, { "\033[4294967301~", KEY_NONE },
		{ "\033q", KEY_NONE }, { "\033[q", KEY_NONE }, { "\033[\033[A", KEY_UP },
		{ "\033[5\033[B", KEY_DOWN }, { "\033[Aq", KEY_QUIT }, { "\xff", KEY_NONE },
	};
	struct keys k = { 0 };
	unsigned long long state = 1;
	int bad = 0, known = 0;
	char name[100];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		snprintf(name, sizeof(name), "key %zu, %s", i, t[i].bytes + (*t[i].bytes == '\033'));
		check(key_of(t[i].bytes) == t[i].key, *t[i].bytes > ' ' || *t[i].bytes == '\033' ?
		      name : "a control key", "%d", key_of(t[i].bytes));
	}
	keys_next(&k, '\033');
	keys_idle(&k);
	check(keys_next(&k, 'q') == KEY_QUIT, "Esc, and later q", "not a q");
	/* Anything: no number is too large, and q is always heard in the end. */
	for (int i = 0; i < 200000; i++) {
		enum key key;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		key = keys_next(&k, state >> 40 & 1 ? (unsigned char)(state >> 33) :
				(unsigned char)"\033[O0123456789;~ABHFq"[(state >> 33) % 20]);
		bad += (unsigned int)key > KEY_END || k.number > 999;
		known += key != KEY_NONE;
	}
	keys_next(&k, 'x');
	keys_idle(&k);
	keys_next(&k, 'x');
	check(!bad && known > 1000 && keys_next(&k, 'q') == KEY_QUIT, "anything that is typed",
	      "%d wrong, %d known", bad, known);
}

int main(int argc, char **argv)
{
	struct rlimit no_core = { 0, 0 };

	if (argc != 3)
		return 2;
	dmemctl = argv[1];
	dir = argv[2];
	setrlimit(RLIMIT_CORE, &no_core);
	tap_start();
	sequences();
	tables();
	usage();
	others();
	start();
	session();
	whole_screen();
	keys();
	sizes();
	news();
	ends();
	by_time();
	colours();
	without_keys();
	return tap_end();
}
