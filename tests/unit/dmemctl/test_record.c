// SPDX-License-Identifier: GPL-2.0-or-later
/* "dmemctl record" on trees of plain files that change meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "cost.h"
#include "fake.h"
#include "histlog.h"
#include "traced.h"

#define CAM		"cma/camera@64000000"
#define SYS		"heap/system"
#define SERVICE		"system.slice/camera.service"
#define WAIT_MS		10000
#define ARGS		24
#define UNITS		100

static const char *dmemctl, *fast, *top, *valgrind, *openat2_library;
static struct fake f;

/* ---- running it ---- */

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void sleep_ms(int ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Fills @argv with the program, the tree, the file "history", and @more up to a NULL. */
static void command(const char **argv, const char *program, const char * const *more)
{
	static char root[4096], out[4096];
	size_t n = 0;

	snprintf(root, sizeof(root), "--sysroot=%s", tap_path("root"));
	snprintf(out, sizeof(out), "--output=%s", tap_path("history"));
	argv[n++] = program;
	argv[n++] = root;
	argv[n++] = "record";
	argv[n++] = out;
	for (; *more && n < ARGS - 1; more++)
		argv[n++] = *more;
	argv[n] = NULL;
}

#define MORE(...)	((const char * const []){ __VA_ARGS__, NULL })

static int record(const char * const *more)
{
	const char *argv[ARGS];

	command(argv, dmemctl, more);
	return run(argv);
}

/* @limit: the largest file it may write, or 0. */
static pid_t start(const char *program, const char * const *more, rlim_t limit)
{
	const char *argv[ARGS];
	pid_t pid;

	command(argv, program, more);
	pid = fork();
	if (!pid) {
		int fd = open(tap_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
		struct rlimit l = { limit, limit };

		dup2(fd, 2);
		if (limit)
			setrlimit(RLIMIT_FSIZE, &l);
		execv(argv[0], (char **)argv);
		_exit(127);
	}
	return pid;
}

/* Its exit code, or -signal. */
static int end(pid_t pid, int sig)
{
	int status;

	if (sig)
		kill(pid, sig);
	if (waitpid(pid, &status, 0) != pid)
		return -1000;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static size_t size_of(const char *rel)
{
	struct stat st;

	return stat(tap_path(rel), &st) ? 0 : (size_t)st.st_size;
}

static const char *said(const char *rel, struct hist_found *found)
{
	static char text[1 << 20];
	FILE *o = fopen(tap_path(rel), "r");
	size_t n = o ? fread(text, 1, sizeof(text), o) : 0;

	if (o)
		fclose(o);
	return histlog(text, n, found);
}

/* Waits until the history has the text, which may be followed by more. */
static bool wait_for(const char *what)
{
	struct hist_found found;

	for (int i = 0; i < WAIT_MS / 5; i++) {
		if (strstr(said("history", &found), what))
			return true;
		sleep_ms(5);
	}
	printf("# there is no '%s'\n", what);
	return false;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* The segment can be read without earlier ones. */
static bool stands_alone(const char *rel)
{
	struct hist_found found;
	const char *log = said(rel, &found);

	return !strncmp(log, "head ", 5) && !found.bad;
}

/* ---- trees ---- */

static void clear(void)
{
	static const char * const files[] = { "history", "history.1", "history.lock" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(tap_path(files[i]));
}

static void use(const char *path, uint64_t current, uint64_t peak)
{
	const struct fake_use u = { .region = CAM, .current = current, .peak = peak };

	fake_cgroup(&f, path, &u, 1);
}

static void tree(void)
{
	const struct fake_use root = { .region = CAM, .current = 3 * MIB };
	const struct fake_use limited = { .region = CAM, .max = 8 * MIB, .min = MIB, .ev_max = 1,
					  .alloc_fail = 2, .exhausted = 3, .reserved = 4 };

	tap_dir(top);
	fake_start(&f, FAKE_OURS);
	fake_region(&f, CAM, 40 * MIB);
	fake_region(&f, SYS, 1024 * MIB);
	fake_area(&f, "camera@64000000", 40 * MIB, 36 * MIB, MIB, 16 * MIB);
	fake_cgroup(&f, "", &root, 1);
	use("system.slice", 3 * MIB, 4 * MIB);
	use(SERVICE, 3 * MIB, 4 * MIB);
	use(SERVICE "/inner", 2 * MIB, 2 * MIB);
	use("system.slice/idle.service", 0, 0);
	fake_cgroup(&f, "media.slice", NULL, 0);
	fake_cgroup(&f, "media.slice/display.service", &limited, 1);
	put("root/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
	put("root/proc/pagetypeinfo", "Page block order: 10\nPages per block:  1024\n");
}

/* ---- tests ---- */

static void one_look(void)
{
	struct hist_found found;
	const char *log;
	char want[512];

	tree();
	check(!record(MORE("--count=1")) && !*get("err"), "one sample", "%s", get("err"));
	log = said("history", &found);
	check(!found.bad && !found.torn && found.records == 8, "whole records", "%zu\n%s",
	      found.records, log);
	snprintf(want, sizeof(want), " every 1000 page=%ld block=%ld buffers=0\nregion 0 '" CAM
		 "'\nregion 1 '" SYS "'\n", sysconf(_SC_PAGESIZE), sysconf(_SC_PAGESIZE) << 10);
	check(strstr(log, want) && !strncmp(log, "head 11111111-2222-3333-4444-555555555555 ", 42),
	      "the head and the regions", "%s", log);
	check(strstr(log, "'media.slice/display.service'") && strstr(log, "'" SERVICE "'") &&
	      strstr(log, "'system.slice'") && count(log, "cgroup ") == 3,
	      "units that use or limit something, and what is in them is a part of them", "%s", log);
	check(strstr(log, "r0: 3145728 1048576 16777216 41943040\n") != NULL,
	      "the region's figures", "%s", log);
	check(strstr(log, "c0 r0: 0 0 1 2 3 4 8388608 1048576\n") &&
	      strstr(log, "c2 r0: 3145728 4194304 0 0 0 0 none 0\n"), "a cgroup's figures", "%s", log);
	check(!strncmp(strrchr(strstr(log, "sample"), 'e') - 1, "\nend ", 4) ||
	      strstr(log, "\nend "), "and the end", "%s", log);
}

static void chosen(void)
{
	struct hist_found found;
	const char *log;

	tree();
	check(!record(MORE("--count=1", "idle.service", "/sys/fs/cgroup/" SERVICE "/inner/")),
	      "units and cgroups that were chosen", "%s", get("err"));
	log = said("history", &found);
	check(strstr(log, "'system.slice/idle.service'") && strstr(log, "'" SERVICE "/inner'") &&
	      count(log, "cgroup ") == 2, "these, and no others", "%s", log);
	clear();
	put("root/sys/fs/cgroup/lxc/a\x1b/dmem.current", CAM " 4096\n");
	check(!record(MORE("--count=1", "idle", "lxc/a\\x1b")) && !*get("err"), "in other words", "%s", get("err"));
	log = said("history", &found);
	check(strstr(log, "'system.slice/idle.service'") && strstr(log, "'lxc/a\x1b'") && count(log, "cgroup ") == 2,
	      "the same meaning as for other verbs", "%s", log);
}

/* Words that name nothing: at once where the samples have an end. */
static void not_there(void)
{
	static const struct {
		const char *word, *want;
	} words[] = {
		{ "none.service", "none.service: no unit none.service: see systemctl status none.service\n" },
		{ "camer", "camer: no unit camer.service: did you mean camera.service?\n" },
		{ "/nope", "/nope: no such cgroup: see systemd-cgls\n" },
		{ CAM, CAM ": a region, not a unit or cgroup: see lsdmem --tree " CAM "\n" },
		{ "x.socket", "x.socket: no unit x.socket: see systemctl status x.socket\n" },
		{ "inst@", "inst@: a template is never running: write the name of an instance\n" },
		{ "eye@", "eye@: a template is never running: write the name of an instance\n" },
		{ "multi-user.target", "multi-user.target: a target has no cgroup: write the name of a service, "
				       "slice or scope\n" },
	};
	char want[300];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		tap_case("%s", words[i].word);
		tree();
		put("root/etc/systemd/system/eye@.service", "[Service]\n");
		put("root/etc/systemd/system/multi-user.target", "[Unit]\n");
		clear();
		snprintf(want, sizeof(want), "dmemctl record: %s", words[i].want);
		check(record(MORE("--count=3", "--interval=1ms", words[i].word)) == 1 &&
		      !strcmp(get("err"), want), "the message on stderr is the only output", "%s", get("err"));
		check(!*get("history"), "no history is written", "%s", get("history"));
	}
}

/* Of a unit that is known and does not run, it is only known at the end. */
static void never_came(void)
{
	pid_t pid;

	tree();
	put("root/etc/systemd/system/later.service", "[Service]\n");
	check(record(MORE("--count=2", "--interval=1ms", "later")) == 1 &&
	      strstr(get("err"), "later.service: no such cgroup, or the controller is not enabled for it: "
		     "waiting for it\n") &&
	      strstr(get("err"), "later.service: not found in any of the 2 samples\n"), "one that never came",
		      "%s", get("err"));
	check(record(MORE("--count=1", "later", "idle")) == 1 &&
	      !strcmp(get("err"), "dmemctl record: later.service: no such cgroup, or the controller is not "
		      "enabled for it\n"),
	      "nor in a single sample", "%s", get("err"));
	tree();
	pid = start(dmemctl, MORE("--interval=10ms", "camer", "none", "idle"), 0);
	check(wait_for("idle.service'"), "without an end it waits", "%s", get("err"));
	check(!end(pid, SIGTERM) &&
	      strstr(get("err"),
		     "camer: no unit camer.service: did you mean camera.service? (waiting for it)\n") &&
	      strstr(get("err"),
		     "none: no unit none.service: see systemctl status none.service (waiting for it)\n"),
	      "and tells the same", "%s", get("err"));
	/* A region never becomes a cgroup. */
	check(end(start(dmemctl, MORE(CAM), 0), 0) == 1 && strstr(get("err"), ": a region, not a unit or "
								  "cgroup"), "not for a region",
	      "%s", get("err"));
}

static void changes(void)
{
	struct hist_found found;
	const char *log;
	pid_t pid;

	tree();
	pid = start(dmemctl, MORE("--interval=10ms"), 0);
	check(wait_for("c2 r0: 3145728 4194304"), "it begins", "no");
	use(SERVICE, 6 * MIB, 7 * MIB);
	check(wait_for("c2 r0: 6291456 7340032\n"), "what has changed is told, and no more", "no");
	use("system.slice", 6 * MIB, 7 * MIB);
	check(wait_for("c1 r0: 6291456 7340032\n"), "of another one", "no");
	use("system.slice/idle.service", MIB, MIB);
	/* Nobody says that an old cgroup uses something now, but for the root. */
	fake_cgroup(&f, "", &(const struct fake_use){ .region = CAM, .current = 7 * MIB }, 1);
	check(wait_for("cgroup 3 ") && wait_for("c3 r0: 1048576"),
	      "a cgroup that begins to use something is found", "%s", said("history", &found));
	use("media.slice/new.service", 2 * MIB, 2 * MIB);
	check(wait_for("cgroup 4 ") && wait_for("c4 r0: 2097152"), "and a new one", "no");
	check(!end(pid, SIGTERM), "SIGTERM ends it well", "%s", get("err"));
	log = said("history", &found);
	check(!found.bad && !found.torn && strstr(log, "\nend "), "with a whole last record", "%s", log);
	check(count(log, "head ") == 1 && count(log, "cgroup 2 ") == 1, "names are told once", "%s", log);
	check(count(log, "sample") < 12, "nothing is written where nothing changes", "%s", log);
}

static void restart(void)
{
	struct hist_found found;
	char *old, *new;
	const char *log;
	pid_t pid;

	tree();
	old = strdup(tap_path("root/sys/fs/cgroup/" SERVICE));
	new = strdup(tap_path("moved"));
	pid = start(dmemctl, MORE("--interval=10ms"), 0);
	wait_for("c2 r0: 3145728");
	/* The files of a removed tree stay readable while they are open: the new ones must be
	 * read. */
	check(!rename(old, new), "the cgroup is removed", "%s", strerror(errno));
	use(SERVICE, 5 * MIB, 5 * MIB);
	check(wait_for("gone 2\n"), "a cgroup that was removed has gone", "no");
	check(wait_for("cgroup 3 ") && wait_for("c3 r0: 5242880 5242880"), "and made again, it is another one",
	      "%s", said("history", &found));
	use(SERVICE, 6 * MIB, 6 * MIB);
	check(wait_for("c3 r0: 6291456 6291456\n"), "of which all is seen", "no");
	check(!end(pid, SIGINT), "SIGINT ends it well", "%s", get("err"));
	log = said("history", &found);
	check(count(log, "gone ") == 1 && !strstr(strstr(log, "gone "), "c2 r0"), "nothing is told of the old one", "%s", log);
	free(old);
	free(new);
}

static void bounded(void)
{
	size_t largest = 0, rounds = 0, wrong = 0;
	struct hist_found found;
	pid_t pid;

	tree();
	/* Many looks in little time, and something new in each. */
	pid = start(fast, MORE("--interval=1ms", "--max-size=128K"), 0);
	wait_for("c2 r0: ");
	for (uint64_t i = 0; i < 100000 && rounds < 4 && largest < 256 * 1024; i++) {
		size_t now = size_of("history"), before = size_of("history.1");
		static size_t last;

		put("root/sys/fs/cgroup/" SERVICE "/dmem.current", CAM " %llu\n",
		    (unsigned long long)i * 4096);
		put("root/sys/fs/cgroup/" SERVICE "/dmem.peak", CAM " %llu\n",
		    (unsigned long long)(MIB + i) * 4096);
		rounds += now < last;
		last = now;
		if (now + before > largest)
			largest = now + before;
		if (now < last || i % 500)
			continue;
		/* While it is renamed, there may be none. */
		said("history", &found);
		wrong += found.bad || found.torn;
		said("history.1", &found);
		wrong += found.bad || found.torn;
	}
	check(!end(pid, SIGTERM), "it ends well", "%s", get("err"));
	check(rounds == 4 && largest > 96 * 1024, "the file was rotated", "%zu times, %zu bytes", rounds,
	      largest);
	check(largest <= 128 * 1024, "both are never larger than allowed", "%zu bytes", largest);
	check(!wrong && stands_alone("history") && stands_alone("history.1"), "each of them stands alone", "%zu", wrong);
	/* With a smaller bound than the existing file. */
	check(!record(MORE("--count=1", "--max-size=128K")), "once more", "%s", get("err"));
	put("history.1", "%0100000d\n", 0);
	check(!record(MORE("--count=1", "--max-size=128K")) && !size_of("history.1"),
	      "an older file that is too large goes", "%zu", size_of("history.1"));
}

static void one_writer(void)
{
	long long begin;
	pid_t pid;
	size_t size;

	tree();
	pid = start(dmemctl, MORE("--interval=1h"), 0);
	wait_for("c2 r0: ");
	size = size_of("history");
	check(record(MORE("--count=1")) == 1 && strstr(get("err"), "another recorder is writing to this file"),
	      "a second recorder is refused", "%s", get("err"));
	begin = now_us();
	check(record(MORE("--once")) == 1, "and so is --once", "%s", get("err"));
	begin = now_us() - begin;
	check(begin > 400000 && begin < WAIT_MS * 1000LL, "which has waited a little", "%lld us", begin);
	check(size == size_of("history"), "nothing is written", "%zu bytes", size_of("history"));
	check(!end(pid, SIGHUP), "a recorder that sleeps for long ends at once", "no");
	check(!record(MORE("--count=1")), "then the next one may", "%s", get("err"));
}

static void no_history(void)
{
	tree();
	put("history", "[Unit]\nDescription=precious\n");
	check(record(MORE("--count=1")) == 1 && strstr(get("err"), "not a history"),
	      "something else is not written to", "%s", get("err"));
	check_text(get("history"), "[Unit]\nDescription=precious\n", "and is as it was");
	clear();
	mkdir(tap_path("history"), 0755);
	check(record(MORE("--count=1")) == 1, "nor is a directory", "%s", get("err"));
	rmdir(tap_path("history"));
	link_to("history", "/dev/full");
	check(record(MORE("--count=1")) == 1, "nor a link", "%s", get("err"));
	clear();
}

/* Remains of a crash: half of a line, or zeros. */
static void after_a_crash(void)
{
	static const char zeros[5000];
	struct hist_found found;
	size_t whole;
	int fd;

	for (int i = 0; i < 3; i++) {
		tap_case("crash %d", i);
		tree();
		record(MORE("--count=1"));
		whole = size_of("history");
		fd = open(tap_path("history"), O_WRONLY | O_APPEND);
		if (i == 0)
			check(write(fd, "01234567 S 12", 13) == 13, "half of a line is written",
			      "no");
		else if (i == 1)
			check(write(fd, zeros, sizeof(zeros)) == sizeof(zeros), "zeros are written",
			      "no");
		else
			check(!ftruncate(fd, 5), "all but the start of the first line is cut off",
			      "no");
		close(fd);
		check(!record(MORE("--count=1")), "the recorder continues", "%s", get("err"));
		said("history", &found);
		check(!found.bad && !found.torn && found.records == (i == 2 ? 8 : 16),
		      "records follow the last whole line",
		      "%zu records, %zu bad, %zu bytes", found.records, found.bad, whole);
	}
}

/* Killed at any time, again and again. */
static void killed(void)
{
	size_t bad = 0, torn = 0, heads;
	struct hist_found found;

	tree();
	srandom(1);
	for (int i = 0; i < 40; i++) {
		size_t before = count(said("history", &found), "head ");
		pid_t pid = start(fast, MORE("--interval=1ms", "--max-size=128K"), 0);

		/* Half of them have begun, however busy the machine is. */
		for (int k = 0; i % 2 && k < WAIT_MS / 5 && count(said("history", &found), "head ") == before; k++)
			sleep_ms(5);
		for (int k = 0, n = (int)(random() % 20); k < n; k++)
			use(SERVICE, (uint64_t)random() % 1000 * 4096, MIB);
		end(pid, SIGKILL);
		said("history", &found);
		bad += found.bad;
		torn += found.torn;
	}
	heads = count(said("history", &found), "head ");
	check(!bad && !torn && heads > 10, "killed at any time, it leaves whole records",
	      "%zu bad, %zu torn, %zu segments", bad, torn, heads);
}

static void no_room(void)
{
	struct hist_found found;
	const char *log;
	size_t size;
	pid_t pid;

	tree();
	pid = start(dmemctl, MORE("--interval=5ms"), 2000);
	wait_for("c2 r0: 3145728");
	for (uint64_t i = 1; i < 2000 && !strstr(get("err"), "cannot write"); i++)
		use(SERVICE, i * 4096, MIB + i * 4096);
	check(strstr(get("err"), "No space left on device") != NULL, "a full disk is told of", "%s", get("err"));
	size = strlen(get("err"));
	sleep_ms(100);
	check(!kill(pid, 0) && size == strlen(get("err")), "once, and it goes on", "%s", get("err"));
	said("history", &found);
	check(!found.bad && !found.torn, "with whole records in the file", "%zu bad, torn: %d", found.bad,
	      found.torn);
	check(end(pid, SIGTERM) == 1, "what could not be written is a failure", "no");
	log = said("history", &found);
	check(!found.bad && !found.torn && size_of("history") <= 2000 && strstr(log, "c2 r0:"),
	      "nothing is half-written", "%zu bad, torn: %d", found.bad, found.torn);
}

/* With a disk of its own, which root can have. */
static void room_again(void)
{
	struct hist_found found;
	pid_t pid;
	int fd;

	if (geteuid() || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return;
	tree();
	mkdir(tap_path("disk"), 0755);
	if (mount("none", tap_path("disk"), "tmpfs", 0, "size=64k"))
		return;
	/* Of which "history" must be a file. */
	put("disk/filler", "%s", "");
	pid = fork();
	if (!pid) {
		char out[4096], root[4096];
		const char *argv[] = { dmemctl, root, "record", out, "--interval=5ms", NULL };

		snprintf(root, sizeof(root), "--sysroot=%s", tap_path("root"));
		snprintf(out, sizeof(out), "--output=%s", tap_path("disk/history"));
		fd = open(tap_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
		dup2(fd, 2);
		execv(argv[0], (char **)argv);
		_exit(127);
	}
	for (int i = 0; i < 1000 && !strstr(said("disk/history", &found), "c2 r0: "); i++)
		sleep_ms(5);
	fd = open(tap_path("disk/filler"), O_WRONLY);
	while (write(fd, get("out"), 4096) > 0 || write(fd, "x", 1) > 0)
		;
	for (uint64_t i = 1; i < 4000 && !strstr(get("err"), "cannot write"); i++)
		use(SERVICE, i * 4096, MIB);
	check(strstr(get("err"), "No space left on device") != NULL, "the disk is full", "%s", get("err"));
	use(SERVICE, 9 * MIB, 9 * MIB);
	sleep_ms(50);
	check(!ftruncate(fd, 0), "there is room again", "no");
	close(fd);
	for (int i = 0; i < 2000 && !strstr(said("disk/history", &found), "c2 r0: 9437184 9437184"); i++)
		sleep_ms(5);
	check(strstr(said("disk/history", &found), "c2 r0: 9437184 9437184") != NULL,
	      "what has changed meanwhile is told then", "%s", said("disk/history", &found));
	check(!end(pid, SIGTERM) && !found.bad && !found.torn && strstr(get("err"), "writing works again"),
	      "and all is well", "%s", get("err"));
	umount(tap_path("disk"));
}

static void removed(void)
{
	struct hist_found found;
	pid_t pid;

	tree();
	pid = start(dmemctl, MORE("--interval=10ms"), 0);
	wait_for("c2 r0: 3145728");
	unlink(tap_path("history"));
	use(SERVICE, 8 * MIB, 8 * MIB);
	check(wait_for("c2 r0: 8388608 8388608"), "removed, it is made again", "no");
	check(stands_alone("history"), "and stands alone", "%s", said("history", &found));
	end(pid, SIGTERM);
}

static void once(void)
{
	struct hist_found found;
	const char *log;

	tree();
	/* As in ExecStopPost=, or where the manager has put the command aside. */
	put("root/proc/self/cgroup", "0::/" SERVICE "/.control\n");
	check(!record(MORE("--once", "--unit=camera.service")), "the final peak", "%s", get("err"));
	check(!record(MORE("--once", "--unit=display.service")), "of one whose cgroup must be looked for",
	      "%s", get("err"));
	log = said("history", &found);
	check(count(log, " every 0 ") == 2, "which has one sample", "%s", log);
	check(count(log, "head ") == 2 && count(log, "cgroup 0 ") == 2 && count(log, "cgroup ") == 2 &&
	      strstr(log, "'" SERVICE "'\n") && strstr(log, "c0 r0: 3145728 4194304 0") &&
	      strstr(log, "'media.slice/display.service'\n") && strstr(log, "c0 r0: 0 0 1 2 3 4"),
	      "each is a segment", "%s", log);
	check(record(MORE("--once", "--unit=none.service")) == 1, "none that is not there", "%s", get("err"));
}

static void another_boot(void)
{
	struct hist_found found;
	const char *log;

	tree();
	record(MORE("--count=1"));
	put("root/proc/sys/kernel/random/boot_id", "99999999-2222-3333-4444-555555555555\n");
	record(MORE("--count=1"));
	log = said("history", &found);
	check(!found.bad && strstr(log, "head 11111111-") == log && strstr(log, "head 99999999-"),
	      "after a reboot there is a segment of that boot", "%s", log);
}

/* The machine, its names and the kernel's release are in each file before the first segment. */
static void identity(void)
{
	struct hist_found found;
	const char *log;
	pid_t pid;

	tree();
	put("root/etc/machine-id", "4f8a1c2b3d5e6f708192a3b4c5d6e7f8\n");
	put("root/proc/sys/kernel/hostname", "board 7\n");
	put("root/proc/sys/kernel/osrelease", "7.3.4-test\n");
	put("root/sys/class/dmi/id/sys_vendor", "Maker\n");
	put("root/sys/class/dmi/id/product_name", "Box\n");
	record(MORE("--count=1"));
	log = said("history", &found);
	/* As systemd-id128 --app-specific= prints it. */
	check(!strncmp(strchr(log, ' ') ? log : "", "identity ", 9) && !found.bad &&
	      strstr(log, " 11111111-2222-3333-4444-555555555555 machine=cb63f7d2927d444f90b3666eac6d32ce host=board 7 "
		     "model=Maker Box release=7.3.4-test\nhead "), "the machine comes first", "%s", log);
	check(!strstr(get("history"), "4f8a1c2b"), "the machine id itself is not recorded", "%s", get("history"));
	record(MORE("--count=1"));
	check(count(said("history", &found), "identity ") == 2, "each start of a recorder has it", "%s",
	      said("history", &found));

	put("root/sys/firmware/devicetree/base/model", "Test Board");
	put("root/etc/machine-id", "uninitialized\n");
	clear();
	pid = start(dmemctl, MORE("--interval=10ms"), 0);
	check(wait_for("machine=? host=board 7 model=Test Board release=7.3.4-test\n"),
	      "a device tree names the model, and the first boot has no machine id", "no");
	/* The next segment: a region is added. */
	put("root/proc/sys/kernel/hostname", "renamed\n");
	put("root/sys/fs/cgroup/dmem.capacity", CAM " 41943040\n");
	put("root/sys/fs/cgroup/dmem.current", CAM " 3145728\n");
	check(wait_for("host=renamed"), "a new host name is recorded with the next segment", "no");
	check(!end(pid, SIGTERM) && count(said("history", &found), "identity ") == 2, "once", "%s",
	      said("history", &found));

	clear();
	for (int i = 0; i < 3; i++)
		record(MORE("--once"));
	log = said("history", &found);
	check(count(log, "identity ") == 1 && count(log, "head ") == 3, "single samples have it once in a boot", "%s",
	      log);
	put("root/proc/sys/kernel/random/boot_id", "99999999-2222-3333-4444-555555555555\n");
	record(MORE("--once"));
	check(count(said("history", &found), "identity ") == 2, "and once in the next boot", "%s",
	      said("history", &found));

	clear();
	unlink(tap_path("root/sys/firmware/devicetree/base/model"));
	put("root/sys/class/dmi/id/sys_vendor", "%0256d\n", 1);
	put("root/sys/class/dmi/id/product_name", "%0256d\n", 2);
	record(MORE("--count=1"));
	check(count(said("history", &found), "identity ") == 1 && !found.bad, "names that are too long are left out", "%s",
	      said("history", &found));
}

static void buffers(void)
{
	struct fake_buffer b = { .ino = 77, .size = 2 * MIB, .exporter = "camera@64000000", .region = CAM };
	struct fake_buffer c = { .ino = 78, .size = MIB, .exporter = "camera@64000000" };
	struct fake_buffer sent = { .ino = 79, .size = 4096, .exporter = "camera@64000000", .region = CAM };
	struct hist_found found;
	pid_t pid;

	tree();
	fake_heap(&f, "camera@64000000", CAM);
	/* The kernel names the cgroup that the process was in. */
	b.cgroup = fake_cgroup_id(SERVICE "/inner");
	c.cgroup = 123456789;
	sent.cgroup = b.cgroup;
	fake_process(1, "init");
	fake_fd(&f, 1, 3, &b);
	pid = start(dmemctl, MORE("--interval=10ms", "--buffers"), 0);
	check(wait_for("buffer 77 c2 r0 2097152\n"), "a buffer, and the unit that pays", "no");
	fake_fd(&f, 1, 4, &c);
	check(wait_for("buffer 78 c-1 r0 1048576\n"), "of nobody who is known, by its heap", "no");
	/* On its way from one process to another, in a message. */
	fake_bufinfo(&f, &sent, 1);
	check(wait_for("buffer 79 c2 r0 4096\n") && !strstr(said("history", &found), "buffer 79 c-1"),
	      "the owner of a buffer without a descriptor is recorded with it", "%s", said("history", &found));
	unlink(tap_path("root/proc/1/fd/3"));
	check(wait_for("freed 77\n"), "freed", "no");
	check(!end(pid, SIGTERM) && strstr(said("history", &found), "buffers=1"), "and the head says so",
	      "%s", get("err"));
}

/* Runs it with so few file descriptors. */
static int with_files(unsigned int files, const char *more)
{
	char script[12000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	clear();
	snprintf(script, sizeof(script), "ulimit -n %u; exec %s --sysroot=%s record --output=%s %s", files, dmemctl,
		 tap_path("root"), tap_path("history"), more);
	return run(argv);
}

static void few_files(void)
{
	struct hist_found found;
	bool lost = false, all = true;
	char path[128], want[64];
	const char *log;
	pid_t pid;

	tree();
	for (int i = 0; i < UNITS; i++) {
		snprintf(path, sizeof(path), "system.slice/unit%d.service", i);
		use(path, MIB, 2 * MIB);
	}
	for (unsigned int files = 64; files <= 256; files *= 2) {
		tap_case("%u file descriptors", files);
		check(!with_files(files, "--count=2 --interval=1ms") && !*get("err"),
		      "the recorder succeeds without a message", "%s",
		      get("err"));
		log = said("history", &found);
		check(count(log, "cgroup ") == UNITS + 3 && count(log, " r0: 1048576 2097152 ") == UNITS,
		      "no cgroup is lost", "%u files: %zu, %zu", files, count(log, "cgroup "),
		      count(log, " r0: 1048576 2097152 "));
	}
	tap_case("%s", "");
	for (unsigned int files = 20; files > 10 && !lost; files--) {
		int rc = with_files(files, "--count=3 --interval=1ms");

		lost = strstr(get("err"), " not recorded, the first is /") != NULL;
		all &= lost || !rc == (count(said("history", &found), "cgroup ") == UNITS + 3);
		snprintf(want, sizeof(want), "LimitNOFILE=, which is %u\n", files);
		all &= !lost || (rc == 1 && count(get("err"), "\n") == 1 && strstr(get("err"), want));
	}
	check(lost && all, "with too few file descriptors, the recorder fails with one line", "%s",
	      get("err"));
	/* Files that are opened for each sample are those of the same cgroup. */
	clear();
	snprintf(path, sizeof(path), "%s/start", tap_path(""));
	put("start", "#!/bin/sh\nulimit -n 64\nexec %s \"$@\"\n", dmemctl);
	chmod(path, 0755);
	pid = start(path, MORE("--interval=10ms"), 0);
	snprintf(want, sizeof(want), " r0: %llu", (unsigned long long)MIB);
	wait_for(want);
	use("system.slice/unit7.service", 5 * MIB, 6 * MIB);
	check(wait_for(" r0: 5242880 6291456"), "changes are recorded with few file descriptors",
	      "no");
	check(!end(pid, SIGTERM), "it ends well", "%s", get("err"));
}

static void unread(void)
{
	struct hist_found found;

	tree();
	use("system.slice/bad.service", MIB, MIB);
	unlink(tap_path("root/sys/fs/cgroup/system.slice/bad.service/dmem.peak"));
	mkdir(tap_path("root/sys/fs/cgroup/system.slice/bad.service/dmem.peak"), 0755);
	check(record(MORE("--count=5", "--interval=1ms")) == 1, "a file that cannot be read is a failure", "%s",
	      get("err"));
	check_text(get("err"), "dmemctl record: 1 cgroup is not recorded, the first is "
		   "/sys/fs/cgroup/system.slice/bad.service: Is a directory\n", "it is told once");
	check(strstr(said("history", &found), " r0: 3145728 4194304 "), "the others are recorded", "%s",
	      said("history", &found));
}

static int waits, charged_at, found_at;

/* While the recorder waits after its samples 10 and 11: a charge of nobody, and one of a cgroup that
 * had none. */
static void charge_at_wait(void)
{
	struct fake_use root = { .region = CAM, .current = 4 * MIB };
	struct hist_found found;
	const char *log;

	if (++waits == 10)
		fake_cgroup(&f, "", &root, 1);
	if (waits == 11) {
		use("system.slice/idle.service", 2 * MIB, 2 * MIB);
		root.current = 6 * MIB;
		fake_cgroup(&f, "", &root, 1);
	}
	log = said("history", &found);
	if (!charged_at && strstr(log, "r0: 6291456"))
		charged_at = waits;
	if (!found_at && strstr(log, "idle.service'") && strstr(log, " r0: 2097152 2097152"))
		found_at = waits;
}

/* A charge that no recorded cgroup explains is looked for at once, also after another one
 * that nobody explained. */
static void unexplained(void)
{
	struct hist_found found;
	const char *argv[ARGS];
	const char *log;
	int calls;

	tree();
	command(argv, fast, MORE("--interval=1ms", "--count=25"));
	calls = run_calls(argv, charge_at_wait);
	log = said("history", &found);
	check(calls > 0 && strstr(log, "r0: 4194304") && strstr(log, "idle.service'"),
	      "a cgroup that has a charge by now", "is not recorded");
	check(charged_at && found_at >= charged_at && found_at <= charged_at + 2, "is recorded within two samples",
	      "after waits %d and %d\n%s", charged_at, found_at, log);
}

static void owner_of_buffer(void)
{
	struct fake_buffer b = { .ino = 99, .size = 2 * MIB, .exporter = "camera@64000000", .region = CAM };
	struct hist_found found;
	pid_t pid;

	tree();
	fake_process(1, "init");
	pid = start(dmemctl, MORE("--interval=20ms", "--buffers"), 0);
	wait_for("c2 r0: 3145728");
	sleep_ms(200);
	use("system.slice/idle.service", 2 * MIB, 2 * MIB);
	b.cgroup = fake_cgroup_id("system.slice/idle.service");
	fake_fd(&f, 1, 3, &b);
	check(wait_for("buffer 99 c3 r0 2097152\n"), "the owner of a buffer is recorded with it", "%s",
	      said("history", &found));
	check(!end(pid, SIGTERM) && !strstr(said("history", &found), "buffer 99 c-1"),
	      "and not later", "%s", said("history", &found));
}

/* How many cgroups the recorder waits for changes in. */
static size_t watches_of(pid_t pid)
{
	char dir[64], path[128], text[8192];
	size_t sum = 0;

	snprintf(dir, sizeof(dir), "/proc/%d/fdinfo", (int)pid);
	for (int fd = 3; fd < 64; fd++) {
		FILE *i;
		size_t n;

		snprintf(path, sizeof(path), "%s/%d", dir, fd);
		i = fopen(path, "r");
		if (!i)
			continue;
		n = fread(text, 1, sizeof(text) - 1, i);
		fclose(i);
		text[n] = 0;
		sum += count(text, "inotify wd:");
	}
	return sum;
}

/* The user of a service makes cgroups in it at will, and root has so many watches. */
static void cgroups_of_users(void)
{
	struct stat st;
	size_t before;
	pid_t pid;

	tree();
	put("history.lock", "%s", "");
	chmod(tap_path("history.lock"), 0644);
	pid = start(dmemctl, MORE("--interval=20ms"), 0);
	wait_for("c2 r0: 3145728");
	before = watches_of(pid);
	check(before == 3, "the root and the slices are watched, and nothing in a service", "%zu", before);
	check(!stat(tap_path("history.lock"), &st) && (st.st_mode & 0777) == 0600,
	      "nobody else can lock the recorder out", "%o", st.st_mode);
	check(!end(pid, SIGTERM), "and it ends well", "%s", get("err"));

	tree();
	pid = start(dmemctl, MORE("--interval=20ms", "/" SERVICE "/inner"), 0);
	wait_for("r0: 2097152");
	before = watches_of(pid);
	check(before == 4, "but where a cgroup in it is wanted", "%zu", before);
	check(!end(pid, SIGTERM), "and that ends well", "%s", get("err"));
}

/* All at once, as the kernel does. */
static void put_capacity(const char *text)
{
	put("new", "%s", text);
	rename(tap_path("new"), tap_path("root/sys/fs/cgroup/dmem.capacity"));
}

/* A region that goes, and one that has the name of another. */
static void regions_change(void)
{
	struct hist_found found;
	pid_t pid;

	tree();
	pid = start(dmemctl, MORE("--interval=10ms"), 0);
	wait_for("c2 r0: 3145728");
	put_capacity(CAM " 41943040\n");
	put("root/sys/fs/cgroup/dmem.current", CAM " %llu\n", 3 * MIB);
	for (int i = 0; i < WAIT_MS / 5 && count(said("history", &found), "head ") < 2; i++)
		sleep_ms(5);
	check(count(said("history", &found), "head ") == 2 && count(said("history", &found), "region 1 ") == 1,
	      "a region that has gone starts a segment without it", "%s", said("history", &found));
	put_capacity(CAM " 41943040\n" CAM " 20971520\n");
	put("root/sys/fs/cgroup/" SERVICE "/dmem.current", CAM " %llu\n" CAM " %llu\n", 3 * MIB, MIB);
	put("root/sys/fs/cgroup/dmem.current", CAM " %llu\n" CAM " %llu\n", 3 * MIB, MIB);
	check(wait_for("region 1 '" CAM "#2'") && wait_for(" r1: 1048576"), "and the second one of a name is another",
	      "%s", said("history", &found));
	check(!end(pid, SIGTERM), "and it ends well", "%s", get("err"));
}

/* A few files for each, of cgroups that are all recorded. */
static void more_cgroups(int from, int to)
{
	static const char current[] = CAM " 4096\n", max[] = CAM " 8192\n";
	char path[200];

	for (int i = from; i < to; i++) {
		snprintf(path, sizeof(path), "root/sys/fs/cgroup/s%02d.slice/u%05d.service/dmem.current", i % 50, i);
		put(path, "%s", current);
		snprintf(path, sizeof(path), "root/sys/fs/cgroup/s%02d.slice/u%05d.service/dmem.max", i % 50, i);
		put(path, "%s", max);
	}
}

/* Instructions of @samples samples, of which the first one finds all cgroups. */
static double instructions(const char *samples)
{
	const char *argv[ARGS];

	clear();
	command(argv, fast, MORE(samples, "--interval=1ms"));
	return cost_instructions(valgrind, openat2_library, argv);
}

/*
 * Most of the cost is that of reading the files, so that the square of the number would not be seen
 * if twice the number cost twice as much: the second thousand is compared with the first one.
 */
static void growth(void)
{
	enum { N = 1000 };
	double none, one, later, two;

	tree();
	none = instructions("--count=3");
	more_cgroups(0, N);
	one = instructions("--count=3");
	later = instructions("--count=13") - one;
	more_cgroups(N, 2 * N);
	two = instructions("--count=3");
	if (!check(none > 0 && one > none && two > one, "cgroups are recorded", "%.0f, %.0f, %.0f: %s", none, one, two,
		   get("err")))
		return;
	printf("# three samples: %.1f million instructions, %d cgroups %.1f, %d cgroups %.1f; ten more %.1f\n",
	       none / 1e6, N, one / 1e6, 2 * N, two / 1e6, later / 1e6);
	check(two - one < 1.06 * (one - none), "the cost grows with their number, and not with its square",
	      "%.2f times as much for the second thousand", (two - one) / (one - none));
	check(later > 0 && later < one / 8, "ten samples without a change cost an eighth of the first ones",
	      "%.3f of it", later / one);
	tap_dir(top);
}

static void mistakes(void)
{
	static const char * const wrong[] = {
		"--interval=0", "--interval=x", "--interval=-1", "--interval=25h", "--max-size=1K", "--max-size=50%",
		"--max-size=max", "--count=0", "--count=x", "--count=-1", "--no", "--unit=/", "",
	};
	size_t taken = 0;

	tree();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		taken += record(MORE("--count=1", wrong[i])) != 2;
	check(!taken && !size_of("history"), "what is no command line is refused", "%zu were taken", taken);
	check(!record(MORE("--help")) && strstr(get("out"), "Usage: dmemctl record"), "help", "%s", get("out"));
	tap_dir(top);
	fake_start(&f, FAKE_OURS);
	check(record(MORE("--count=1")) == 1 && *get("err"), "without the controller it ends", "%s", get("err"));
}

/* A device tree whose one area is that of tree(). */
static void device_tree(void)
{
	static const struct {
		const char *name, *value;
		size_t len;
	} files[] = {
		{ "#address-cells", "\0\0\0\1", 4 }, { "#size-cells", "\0\0\0\1", 4 },
		{ "compatible", "test,board", 11 },
		{ "reserved-memory/#address-cells", "\0\0\0\1", 4 }, { "reserved-memory/#size-cells", "\0\0\0\1", 4 },
		{ "reserved-memory/ranges", "", 0 },
		{ "reserved-memory/camera@64000000/compatible", "shared-dma-pool", 16 },
		{ "reserved-memory/camera@64000000/reusable", "", 0 },
		{ "reserved-memory/camera@64000000/reg", "\x64\0\0\0\x02\x80\0\0", 8 },
	};
	char rel[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		FILE *o;

		snprintf(rel, sizeof(rel), "root/sys/firmware/devicetree/base/%s", files[i].name);
		put(rel, "%s", "");
		o = fopen(tap_path(rel), "w");
		if (o) {
			fwrite(files[i].value, 1, files[i].len, o);
			fclose(o);
		}
	}
}

/* The commands of the man page, on the tree and with an end. */
static void documented(const char *page)
{
	char line[1024], command[8192], name[100];
	FILE *o = fopen(page, "r");
	size_t done = 0;

	tree();
	device_tree();
	fake_process(1, "init");
	put("bin/dmemctl", "#!/bin/sh\nverb=$1\nshift\n[ $verb != record ] || set -- --count=2 --interval=10ms \"$@\"\n"
	    "exec %s --sysroot=%s $verb \"$@\"\n", dmemctl, tap_path("root"));
	chmod(tap_path("bin/dmemctl"), 0755);
	while (o && fgets(line, sizeof(line), o)) {
		const char *argv[] = { "/bin/sh", "-c", command, NULL };

		if (strncmp(line, "\tdmemctl ", 9))
			continue;
		snprintf(command, sizeof(command), "PATH=%s:$PATH; cd %s && %s", tap_path("bin"), tap_path(""), line);
		snprintf(name, sizeof(name), "documented command %zu succeeds", ++done);
		check(!run(argv), name, "%s%s", line, get("err"));
	}
	if (o)
		fclose(o);
	check(done == 7 && size_of("camera.svg") && size_of("camera.dtso") &&
	      size_of("units/camera.service.d/50-dmem-plan.conf"), "the documented commands write their files", "%zu, %s", done,
	      get("err"));
}

static int ticks;

/* While the recorder waits, one service gets a page. */
static void tick(void)
{
	uint64_t sum = 3 * MIB + 4096 * (uint64_t)++ticks;
	const struct fake_use root = { .region = CAM, .current = sum };
	char path[128];

	snprintf(path, sizeof(path), "system.slice/unit%02d.service", ticks);
	use(path, 8192, 8192);
	use("system.slice", sum, 4 * MIB);
	fake_cgroup(&f, "", &root, 1);
}

/* System calls of a recorder, or a negative number. */
static int calls_of(int samples, void (*polls)(void))
{
	const char *argv[ARGS];
	char option[32];

	clear();
	snprintf(option, sizeof(option), "--count=%d", samples);
	command(argv, fast, MORE("--interval=1ms", option));
	return run_calls(argv, polls);
}

/*
 * A sample reads dmem.current of each cgroup, and each of four other files in every tenth sample. A
 * changed cgroup's other files are read at once. But for a few calls, reads are all that a sample
 * costs: to open the files each time would be three times as much, and a scan 40 times.
 */
static void cost(void)
{
	enum { SAMPLES = 20, EACH = 12 };
	int first, idle, busy, cgroups = UNITS + 5;
	struct hist_found found;
	char path[128];
	const char *log;

	tree();
	for (int i = 0; i < UNITS; i++) {
		snprintf(path, sizeof(path), "system.slice/unit%02d.service", i);
		use(path, 4096, 4096);
	}
	first = calls_of(1, NULL);
	idle = calls_of(1 + SAMPLES, NULL) - first;
	busy = calls_of(1 + SAMPLES, tick) - first;
	log = said("history", &found);
	printf("# %d cgroups: %d system calls for the first sample, %d and with changes %d for %d more\n", cgroups,
	       first, idle, busy, SAMPLES);
	check(first > 0 && idle > 0 && idle < SAMPLES * (cgroups * 7 / 5 + EACH),
	      "a sample costs 1.4 system calls for each cgroup", "%d for %d samples", idle, SAMPLES);
	check(busy > idle && busy < idle + SAMPLES * EACH, "a change costs a few system calls more",
	      "%d for %d samples, and %d without changes", busy, SAMPLES, idle);
	check(ticks == SAMPLES && count(log, "sample ") == 1 + SAMPLES && count(log, " r0: 8192 8192\n") == SAMPLES &&
	      !found.bad, "all was told", "%d changes, %zu samples", ticks, count(log, "sample "));
}

/* Runs dmemctl like root's service, with a connection as stdin whose other end, this process, is in
 * @cgroup. Returns its exit code, and in @answer the received bytes. */
static int record_peer(const char *cgroup, bool open, char answer[8])
{
	const char *argv[ARGS];
	char file[100];
	ssize_t n;
	int s[2], ret;
	pid_t pid;

	snprintf(file, sizeof(file), "root/proc/%d/cgroup", (int)getpid());
	put(file, "0::/%s\n", cgroup);
	command(argv, dmemctl, MORE("--once", "--peer"));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s))
		return -1;
	if (!open)
		close(s[0]);
	pid = fork();
	if (!pid) {
		int fd = creat(tap_path("err"), 0644);

		dup2(fd, 2);
		dup2(s[1], 0);
		execv(argv[0], (char **)argv);
		_exit(127);
	}
	close(s[1]);
	ret = end(pid, 0);
	n = open ? read(s[0], answer, 7) : 0;
	answer[n > 0 ? n : 0] = 0;
	if (open)
		close(s[0]);
	return ret;
}

/* The peer is identified by the kernel, and nothing is read from the connection. */
static void peer(void)
{
	struct hist_found found;
	char answer[8];
	const char *log;

	tree();
	check(!record_peer(SERVICE "/.control", true, answer) && !strcmp(answer, "\n"),
	      "the service of a peer, which gets an answer", "'%s' %s", answer, get("err"));
	log = said("history", &found);
	check(count(log, "cgroup ") == 1 && strstr(log, "'" SERVICE "'\n") &&
	      strstr(log, "c0 r0: 3145728 4194304 0"), "is all that is in the history", "%s", log);
	check(record_peer("user.slice/user-7.slice/session-1.scope", true, answer) == 1 && !*answer &&
	      strstr(get("err"), "is not in a service"), "a user's session is refused", "%s", get("err"));
	check(record_peer("user.slice/user-7.slice/user@7.service/app.slice/" SERVICE, true, answer) == 1 &&
	      !*answer, "so is a user's own service", "%s", get("err"));
	check(record_peer("", true, answer) == 1 && !*answer, "and the root", "%s", get("err"));
	check(record_peer(SERVICE, false, answer) == 1, "a peer that has gone", "%s", get("err"));
	check(record(MORE("--once", "--peer")) == 1 && strstr(get("err"), "stdin is not a socket"),
	      "no connection", "%s", get("err"));
	check(record(MORE("--peer")) == 2 && record(MORE("--once", "--peer", "--unit=a")) == 2,
	      "--peer is for one sample of one service", "%s", get("err"));
	log = said("history", &found);
	check(count(log, "cgroup ") == 1, "nothing of these is recorded", "%s", log);
}

/* A missing unit is named, and nothing is recorded. */
static void nothing_there(void)
{
	static const struct {
		const char *controllers, *subtree;
		enum dmem_status status;
	} trees[] = {
		{ NULL, NULL, DMEM_NO_CGROUP2 }, { "cpu memory\n", "", DMEM_NO_CONTROLLER },
		{ "cpu dmem\n", "cpu\n", DMEM_NOT_ENABLED }, { "cpu dmem\n", "dmem\n", DMEM_NO_REGIONS },
	};

	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
		tap_case("tree %zu", i);
		tap_dir(top);
		put("root/etc/hostname", "none\n");
		if (trees[i].controllers) {
			put("root/sys/fs/cgroup/cgroup.controllers", "%s", trees[i].controllers);
			put("root/sys/fs/cgroup/cgroup.subtree_control", "%s", trees[i].subtree);
		}
		check(record(MORE("--count=1")) == 1 && strstr(get("err"), dmem_status_text(trees[i].status)),
		      "the message has the reason for the missing regions", "%s", get("err"));
	}
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: test_record DMEMCTL FAST-DMEMCTL DIR dmemctl-plan.8.scd VALGRIND OPENAT2\n");
		return 2;
	}
	dmemctl = argv[1];
	fast = argv[2];
	top = argv[3];
	valgrind = argv[5];
	openat2_library = argv[6];
	tap_start();
	RUN(one_look);
	RUN(chosen);
	RUN(not_there);
	RUN(never_came);
	RUN(changes);
	RUN(restart);
	RUN(bounded);
	RUN(one_writer);
	RUN(no_history);
	RUN(after_a_crash);
	RUN(killed);
	RUN(no_room);
	RUN(removed);
	RUN(once);
	RUN(peer);
	RUN(another_boot);
	RUN(identity);
	RUN(buffers);
	RUN(few_files);
	RUN(unread);
	RUN(unexplained);
	RUN(owner_of_buffer);
	RUN(cgroups_of_users);
	RUN(regions_change);
	RUN(growth);
	RUN(mistakes);
	RUN(nothing_there);
	RUN(documented, argv[4]);
	RUN(cost);
	RUN(room_again);
	return tap_end();
}
