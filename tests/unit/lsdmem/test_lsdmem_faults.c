// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lsdmem where something is wrong or lacking, and what it reads.
 *
 *   test_lsdmem_faults LSDMEM DIR JQ LSDMEM-WITH-SPY
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dmem/dmem.h"
#include "tap.h"
#include "machine.h"
#include "tool.h"

#define CGROUP	"root/sys/fs/cgroup"

static void start(const struct tool *t, struct fake *f, const char *name)
{
	tap_dir(t->dir);
	machine(f, name);
}

/* It fails, with this one line and nothing else. */
static void fails(const struct tool *t, const char *args, const char *line, const char *name)
{
	int rc = tool(t, args);

	check(rc == 1 && !*get("out"), name, "status %d, %s", rc, get("out"));
	check_text(get("err"), line, name);
}

/* It says this one line, and does not fail. */
static void says(const struct tool *t, const char *args, const char *line, const char *name)
{
	int rc = tool(t, args);

	check(!rc && *get("out"), name, "status %d, %s", rc, get("err"));
	check_text(get("err"), line, name);
}

/* It fails with the text of a status. */
static void fails_with(const struct tool *t, const char *args, enum dmem_status status, const char *name)
{
	char line[1000];

	snprintf(line, sizeof(line), "lsdmem: %s\n", dmem_status_text(status));
	fails(t, args, line, name);
}

static void test_no_controller(const struct tool *t)
{
	struct fake f;

	start(t, &f, "ours");
	put(CGROUP "/cgroup.controllers", "cpu dmemory memory\n");
	fails_with(t, "", DMEM_NO_CONTROLLER, "no dmem controller");
	fails_with(t, "--buffers -J", DMEM_NO_CONTROLLER, "no dmem controller, buffers");
	unlink(tap_path(CGROUP "/cgroup.controllers"));
	unlink(tap_path(CGROUP "/dmem.capacity"));
	unlink(tap_path(CGROUP "/dmem.current"));
	fails_with(t, "--tree", DMEM_NO_CGROUP2, "no cgroup v2");
	tap_dir(t->dir);
	check(tool(t, "") == 1 && strstr(get("err"), "lsdmem: cannot open '") && !*get("out"), "no root at all", "%s",
	      get("err"));
	/* Built, and not in use. */
	fake_start(&f, FAKE_7_3);
	put(CGROUP "/cgroup.subtree_control", "cpu memory\n");
	fails_with(t, "", DMEM_NOT_ENABLED, "the controller is not enabled");
	put(CGROUP "/cgroup.subtree_control", "cpu dmem memory\n");
	put(CGROUP "/dmem.capacity", "%s", "");
	fails_with(t, "", DMEM_NO_REGIONS, "no region");
	fails_with(t, "--tree --json", DMEM_NO_REGIONS, "no tree of one");
	fake_start(&f, FAKE_OURS);
	put(CGROUP "/cgroup.subtree_control", "cpu memory\n");
	fake_area(&f, "linux,cma", 64 * MIB, 63 * MIB, 0, 62 * MIB);
	fake_heap(&f, "linux,cma", "cma/linux,cma");
	fails_with(t, "-rn", DMEM_NOT_ENABLED, "not enabled, and the heaps tell of regions");
}

/* A directory in the place of a file: nobody can read that, root neither. */
static void break_file(const char *rel)
{
	unlink(tap_path(rel));
	if (mkdir(tap_path(rel), 0755))
		check(false, "a file is replaced", "%s: %s", rel, strerror(errno));
}

static void test_half_readable(const struct tool *t)
{
	struct fake f;

	start(t, &f, "ours");
	break_file(CGROUP "/system.slice/camera.service/dmem.max");
	says(t, "--tree", "lsdmem: cannot read /sys/fs/cgroup/system.slice/camera.service/dmem.max: "
	     "Is a directory\n", "one file cannot be read");
	tool(t, "--tree -J");
	check(!jq(t, "[.. | objects | select(.unit == \"camera.service\")][0] | .max == null and "
		  ".charged == 16777216 and .min == 16777216 and .refused == 2"),
	      "its figure is null, the others are there", "%s", get("json"));
	says(t, "--tree -o NAME,PEAK cma/linux,cma", "lsdmem: cannot read /sys/fs/cgroup/system.slice/"
	     "camera.service/dmem.max: Is a directory\n", "who is shown depends on it");
	check(!tool(t, "--tree --all -o NAME,PEAK") && !*get("err"), "with --all, it is not read",
	      "%s", get("err"));
	break_file(CGROUP "/machine.slice/dmem.current");
	break_file(CGROUP "/system.slice/dmem.events");
	says(t, "--tree", "lsdmem: cannot read /sys/fs/cgroup/machine.slice/dmem.current: Is a directory, and "
	     "2 more files\n", "several files, one line");
	break_file("root/sys/kernel/mm/cma/linux,cma/available_pages");
	says(t, "", "lsdmem: cannot read /sys/kernel/mm/cma/linux,cma/available_pages: Is a directory, and 1 "
	     "more file\n", "an area's file");
	tool(t, "-J");
	check(!jq(t, ".regions[2] | .free == null and .unaccounted == 131072 and .capacity == 67108864"),
	      "null there, too", "%s", get("json"));
}

static void test_garbage(const struct tool *t)
{
	struct fake f;

	start(t, &f, "ours");
	put(CGROUP "/system.slice/dmem.current", "cma/camera@64000000 -1\ncma/linux,cma\n\n 5\n"
	    "nobody/knows 7\ncma/display@60000000 99999999999999999999999\nheap/system 4096x\n");
	put(CGROUP "/system.slice/dmem.events", "cma/camera@64000000 alloc_fail= max=x exhausted=3\n");
	put("root/sys/kernel/mm/cma/linux,cma/available_pages", "18446744073709551615\n");
	check(!tool(t, "--tree --all -J") && !*get("err"), "what is no number is no error", "%s",
	      get("err"));
	check(!jq(t, "[.regions[].children[] | select(.unit == \"system.slice\")] | length == 4 and "
		  "all(.[]; .charged == null) and .[0].refused == 3"), "and is null", "%s", get("json"));
	tool(t, "-J");
	check(!jq(t, ".regions[2].free == null"), "as is what is too large", "%s", get("json"));
	put("root/proc/812/fdinfo/5", "%s", "");
	put("root/proc/812/fdinfo/6", "ino:\t101\nsize:\tx\nexp_name:\n");
	put("root/proc/900/maps", "nonsense\n\n7f00-8000 rw-s 0 00:0b 101 /dmabuf:");
	put("root/sys/kernel/debug/dma_buf/bufinfo", "\tx\n00000001\t1\t1\t1\n1\t2\t3\t4\t5\t6\n");
	check(!tool(t, "--buffers -rn -o INODE") && !*get("err"), "buffers: garbage is no error", "%s",
	      get("err"));
	check_text(get("out"), "101\n104\n105\n", "and no buffer");
}

static void test_usual_user(const struct tool *t)
{
	struct tool u = *t;
	struct fake f;

	start(t, &f, "ours");
	if (!geteuid()) {
		static const char * const before[] = {
			"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
			"--no-new-privs", "--",
		};

		memcpy(u.before, before, sizeof(before));
		u.before[6] = NULL;
	}
	chmod(tap_path("root/sys/kernel/debug"), 0);
	chmod(tap_path("root/proc/812/fd"), 0);
	says(&u, "", "lsdmem: not root: LARGEST needs debugfs\n", "not root");
	says(&u, "-rn -o +COMMITTED cma/camera@64000000", "lsdmem: not root: LARGEST needs debugfs\n",
	     "not root, other columns");
	check_text(get("out"), "cma/camera@64000000 40M 24M 1M 15M - 31M 12 camera@64000000 24M\n",
		   "all else is there");
	check(!tool(&u, "-o NAME,FREE") && !*get("err"), "nothing is said of what is not asked for",
	      "%s", get("err"));
	check(!tool(&u, "--tree") && !*get("err"), "a tree needs no privilege", "%s", get("err"));
	says(&u, "--buffers -rn -o INODE,PROCESSES", "lsdmem: not root: some processes cannot be read; buffers "
	     "that no process holds need debugfs\n", "not root, buffers");
	check_text(get("out"), "101 camera[812]\\x20display[900]\n102 display[900]\n104 display[900]\n"
		   "105 display[900]\n", "what is open to all is there");
	/* The kernel's list, but not all the processes. */
	chmod(tap_path("root/sys/kernel/debug"), 0755);
	tool(&u, "--buffers -J -o INODE,PROCESSES,KERNEL");
	check(!jq(t, ".buffers[] | select(.inode == 103) | .processes == null and .kernel == null"),
	      "who holds it is unknown if not all can be seen", "%s", get("json"));
	chmod(tap_path("root/proc/812/fd"), 0755);
	remove(tap_path("root/proc/1/fd/0"));
}

static void test_hidden_processes(const struct tool *t)
{
	struct fake f;

	start(t, &f, "ours");
	rename(tap_path("root/proc/1"), tap_path("root/proc/hidden"));
	says(t, "--buffers -rn -o INODE,KERNEL", geteuid() ?
	     "lsdmem: not root: some processes cannot be read\n" :
	     "lsdmem: some processes cannot be read\n", "processes are hidden");
	check(strstr(get("out"), "103 -\n") != NULL, "then nobody is said to be the only holder", "%s",
	      get("out"));
}

/* What no fd is open for, with and without what tells its size. Another buffer tells the
 * device. */
static void test_only_mapped(const struct tool *t)
{
	struct fake_buffer b = { 7, 5 * MIB, "camera@64000000", NULL, NULL, 0 };
	struct fake_buffer other = { 6, MIB, "heap", NULL, NULL, 0 }, three[] = { b, b, other };
	struct fake f;

	fake_start(&f, FAKE_OURS);
	tap_dir(t->dir);
	fake_start(&f, FAKE_OURS);
	fake_process(1, "init");
	fake_process(33, "a b");
	fake_maps(33, three, 3, true);
	check(!tool(t, "--buffers -rn -o INODE,SIZE,FDS,MAPS,PROCESSES"), "a buffer that is only mapped",
	      "%s", get("err"));
	check_text(get("out"), "", "is none if nothing tells which device has buffers");
	fake_fd(&f, 33, 3, &other);
	tool(t, "--buffers -rn -o INODE,SIZE,FDS,MAPS,PROCESSES");
	check_text(get("out"), "6 1M 1 1 a\\x20b[33]\n7 - 0 2 a\\x20b[33]\n",
		   "of unknown size, counted once: map_files is not asked");
	remove(tap_path("root/proc/33/fd/3"));
	fake_bufinfo(&b, 1);
	tool(t, "--buffers -rn -o INODE,SIZE,FDS,MAPS,PROCESSES");
	check_text(get("out"), "7 5M 0 2 a\\x20b[33]\n", "debugfs tells the size");
}

/* A file on a detached mount is named as a dma-buf is, and has an inode number that its
 * owner chooses. Its file system may be the owner's, and never answer. */
static void test_forged_maps(const struct tool *t, const char *with_spy)
{
	const struct fake_buffer b = { 7, MIB, "heap", NULL, NULL, 0 };
	struct tool spied = *t;
	struct fake f;
	char *log;

	spied.program = with_spy;
	tap_dir(t->dir);
	fake_start(&f, FAKE_OURS);
	fake_process(1, "init");
	fake_process(20, "forger");
	fake_maps(20, &b, 1, true);
	put("root/proc/20/maps", "7f00-8000 r--s 0 00:4e 2 /dmabuf:x\n8000-9000 r--s 0 00:4e 7 /dmabuf:x\n"
	    "9000-a000 r--s 0 08:0b 9 /dmabuf:x\n");
	fake_process(21, "camera");
	fake_fd(&f, 21, 3, &b);
	fake_maps(21, &b, 1, true);
	setenv("SPY_LOG", tap_path("log"), 1);
	tool(&spied, "--buffers -rn -o INODE,SIZE,FDS,MAPS,PROCESSES");
	unsetenv("SPY_LOG");
	check_text(get("out"), "7 1M 1 1 camera[21]\n", "a map of another device is of no buffer");
	log = get("log");
	check(strstr(log, "/proc/20/maps") && !strstr(log, "map_files"), "no link in map_files is followed",
	      "%s", log);
	put("root/proc/20/maps", "7f00-8000 r--s 0 00:0b 2 /dmabuf:x\n");
	fake_bufinfo(&b, 1);
	tool(t, "--buffers -rn -o INODE,SIZE,FDS,MAPS,PROCESSES");
	check_text(get("out"), "7 1M 1 1 camera[21]\n", "nor is one that debugfs has not listed");
}

/* Each fd, mapping and process counts, the buffer once. A name cannot tell lies. */
static void test_counted_once(const struct tool *t)
{
	struct fake_buffer b = { 9, 4096, "heap", "x\ndmem_cgroup:\t1\nino:\t3", "cma/a", 1ull << 60 };
	struct fake_buffer lie = { 10, 4096, "heap", "y\nsize:\t1\nexp_name:\tz\ndmem_region:\tcma/a",
				   NULL, 0 };
	struct fake f;

	tap_dir(t->dir);
	fake_start(&f, FAKE_OURS);
	fake_process(1, "init");
	for (int pid = 10; pid < 60; pid++) {
		fake_process(pid, "p");
		for (int fd = 3; fd < 13; fd++)
			fake_fd(&f, pid, fd, &b);
		fake_maps(pid, &b, 1, false);
	}
	fake_fd(&f, 10, 20, &lie);
	check(!tool(t, "--buffers -rn -o INODE,SIZE,REGION,ID,FDS,MAPS"), "many holders", "%s", get("err"));
	check_text(get("out"), "9 4K cma/a 1152921504606846976 500 50\n10 4K - - 1 0\n", "one buffer");
	tool(t, "--buffers -J -o PROCESSES,EXPORTER");
	check(!jq(t, ".buffers[0].processes | length == 50 and .[0] == \"p[10]\" and .[49] == \"p[59]\""),
	      "all its holders, each once", "%s", get("json"));
	tool(t, "--buffers -J -o EXPORTER");
	check(!jq(t, ".buffers[1].exporter == \"heap\""), "the exporter is the kernel's word", "%s",
	      get("json"));
}

/* While the processes are looked at, a buffer is freed that none of them had any more:
 * the kernel's list had it before, and does not have it after. */
static void test_freed(const struct tool *t)
{
	static const char bufinfo[] = "root/sys/kernel/debug/dma_buf/bufinfo";
	const struct fake_buffer both[] = {
		{ 20, 4096, "heap", NULL, NULL, 0 }, { 21, 4096, "heap", NULL, NULL, 0 },
	};
	char later[4096], now[4096], at[16];
	int n, gone = 0, kept = 0;
	struct fake f;

	for (n = 1; n < 60; n++) {
		tap_dir(t->dir);
		fake_start(&f, FAKE_OURS);
		fake_process(1, "init");
		fake_bufinfo(both + 1, 1);
		snprintf(later, sizeof(later), "%s", tap_path("later"));
		snprintf(now, sizeof(now), "%s", tap_path(bufinfo));
		rename(now, later);
		fake_bufinfo(both, 2);
		snprintf(at, sizeof(at), "%d", n);
		setenv("SPY_AT", at, 1);
		setenv("SPY_CGROUP", later, 1);
		setenv("SPY_GONE", now, 1);
		setenv("SPY_REPLACE", "1", 1);
		tool(t, "--buffers -rn -o INODE");
		unsetenv("SPY_AT");
		unsetenv("SPY_CGROUP");
		unsetenv("SPY_GONE");
		unsetenv("SPY_REPLACE");
		if (!access(later, F_OK))
			break;
		gone += !strcmp(get("out"), "21\n");
		kept += !strcmp(get("out"), "20\n21\n");
	}
	/* Between the last open and its read it is too late. */
	check(gone > 5 && kept <= 1 && gone + kept == n - 1, "a buffer that is freed meanwhile is none",
	      "of %d: %d times gone, %d times there", n - 1, gone, kept);
	check_text(get("out"), "20\n21\n", "and if it is not, it is one");
}

static void test_output(const struct tool *t)
{
	static const char * const views[] = { "", "--tree --all", "--buffers", "--help", "--version", "-J" };
	int rc, status, ends[2];
	struct fake f;
	pid_t pid;

	start(t, &f, "ours");
	link_to("out", "/dev/full");
	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		rc = tool(t, views[i]);
		check(rc == 1, "a full device is a failure", "status %d: %s", rc, views[i]);
		check_text(get("err"), "lsdmem: cannot write: No space left on device\n", "and is named");
	}
	unlink(tap_path("out"));
	/* More than stdio keeps: the error is one of long before. */
	for (int i = 0; i < 400; i++) {
		char name[64];

		snprintf(name, sizeof(name), "system.slice/many-%d.service", i);
		fake_bare_cgroup(name);
	}
	link_to("out", "/dev/full");
	rc = tool(t, "--tree --all");
	check(rc == 1 && strstr(get("err"), "lsdmem: cannot write") == get("err"), "a full device, late",
	      "status %d: %s", rc, get("err"));
	unlink(tap_path("out"));
	for (int ignored = 0; ignored < 2; ignored++) {
		char root[4096];

		snprintf(root, sizeof(root), "%s", tap_path("root"));
		if (pipe(ends))
			exit(2);
		close(ends[0]);
		pid = fork();
		if (!pid) {
			int err = open(tap_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0644);

			signal(SIGPIPE, ignored ? SIG_IGN : SIG_DFL);
			dup2(ends[1], 1);
			dup2(err, 2);
			execl(t->program, t->program, "--sysroot", root, "--tree", "--all", NULL);
			_exit(127);
		}
		close(ends[1]);
		waitpid(pid, &status, 0);
		check(ignored ? status == 0 : WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE,
		      "a reader that went away is no failure", "status %#x", status);
		check_text(get("err"), "", "and is not spoken of");
	}
}

/* On a terminal of that width. Returns what is printed there, good until the next call. */
static char *on_terminal(const struct tool *t, unsigned short columns, const char *arg)
{
	static char text[65536];
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	size_t len = 0;
	char root[4096];
	int master;
	pid_t pid;
	ssize_t n;

	snprintf(root, sizeof(root), "%s", tap_path("root"));
	pid = forkpty(&master, NULL, NULL, &size);
	if (!pid) {
		unsetenv("COLUMNS");
		execl(t->program, t->program, "--sysroot", root, arg, NULL);
		_exit(127);
	}
	while (pid > 0 && len < sizeof(text) - 1 && (n = read(master, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = 0;
	close(master);
	waitpid(pid, NULL, 0);
	return text;
}

/* In characters: those of the branches have three bytes. */
static size_t longest_line(const char *s)
{
	size_t longest = 0, len = 0;

	for (; *s; s++) {
		if (*s == '\n')
			len = 0;
		else if (*s != '\r' && (*s & 0xc0) != 0x80)
			len++;
		if (len > longest)
			longest = len;
	}
	return longest;
}

static void test_widths(const struct tool *t)
{
	static const char * const views[] = { "-n", "--tree", "--buffers" };
	struct fake f;
	char *text;

	start(t, &f, "ours");
	for (size_t i = 0; i < 3; i++) {
		text = on_terminal(t, 80, views[i]);
		check(*text && longest_line(text) <= 80, "80 columns", "%zu: %s",
		      longest_line(text), text);
	}
	text = on_terminal(t, 80, "-n");
	check(strstr(text, "cma/display@60000000") && strstr(text, " 63.9M ") && strstr(text, " 128K "),
	      "of a typical name and its figures, nothing is cut", "%s", text);
	text = on_terminal(t, 80, "--buffers");
	check(strstr(text, "/system.slice/camera.service") != NULL, "nor of who pays", "%s", text);
	for (size_t i = 0; i < 3; i++) {
		text = on_terminal(t, 200, views[i]);
		check(*text && longest_line(text) <= 200, "200 columns", "%zu: %s", longest_line(text), text);
	}
	text = on_terminal(t, 200, "-n");
	check(strstr(text, " default_cma_region linux,cma") != NULL, "then all heaps are there", "%s", text);
	tool(t, "-n");
	check(strstr(get("out"), " default_cma_region linux,cma") != NULL, "as in a file", "%s", get("out"));
}

/* Each file once, and none that no column needs. */
static void test_reads(const struct tool *t, const char *args, int files, const char *only)
{
	char name[256], *seen[2048];
	int opens = 0, reads = 0, twice = 0;
	struct fake f;
	char *text;

	start(t, &f, "ours");
	setenv("SPY_LOG", tap_path("log"), 1);
	tool(t, args);
	unsetenv("SPY_LOG");
	text = get("log");
	for (char *l = strtok(text, "\n"); l && opens + reads < 2048; l = strtok(NULL, "\n")) {
		for (int i = 0; i < opens + reads; i++)
			twice += !strcmp(seen[i], l) && strstr(l, "/root/");
		seen[opens + reads] = l;
		if (!strstr(l, "/root/"))
			continue;
		opens += !strncmp(l, "open ", 5);
		reads += !strncmp(l, "read ", 5);
		if (only && strstr(l, "/dmem.") && !strstr(l, only))
			twice++;
	}
	snprintf(name, sizeof(name), "each file is opened and read once: %s", args);
	check(opens == files && reads == files && !twice, name, "%d opens, %d reads, %d twice or for nothing",
	      opens, reads, twice);
}

/* A cgroup or a process vanishes at each point of the reading. */
static void test_vanishing(const struct tool *t, const char *what, const char *args)
{
	char name[256], at[16], cgroup[4096], gone[4096], *whole, *without;
	int n, bad = 0;
	struct fake f;

	start(t, &f, "ours");
	unlink(tap_path("root/sys/kernel/debug/dma_buf/bufinfo"));
	tool(t, args);
	whole = strdup(get("out"));
	snprintf(cgroup, sizeof(cgroup), "%s", tap_path(what));
	snprintf(gone, sizeof(gone), "%s", tap_path("gone"));
	rename(cgroup, gone);
	tool(t, args);
	without = strdup(get("out"));
	setenv("SPY_CGROUP", cgroup, 1);
	setenv("SPY_GONE", gone, 1);
	for (n = 1; n < 1000; n++) {
		int rc;

		rename(gone, cgroup);
		snprintf(at, sizeof(at), "%d", n);
		setenv("SPY_AT", at, 1);
		rc = tool(t, args);
		if (rc || *get("err")) {
			bad++;
			snprintf(name, sizeof(name), "gone at call %d", n);
			check(false, name, "status %d: %s", rc, get("err"));
		}
		/* Not reached: the program has fewer calls. */
		if (!access(cgroup, F_OK))
			break;
		/* Other cgroups' lines are there whenever it went. */
		for (const char *l = without; *l; l += strcspn(l, "\n") + 1) {
			char line[512];

			snprintf(line, sizeof(line), "%.*s\n", (int)strcspn(l, "\n"), l);
			if (!strstr(get("out"), line) && bad < 5) {
				bad++;
				check(false, "another line is gone", "call %d: %s", n, line);
			}
		}
	}
	unsetenv("SPY_AT");
	unsetenv("SPY_CGROUP");
	unsetenv("SPY_GONE");
	snprintf(name, sizeof(name), "it vanishes at any of %d calls: %s", n - 1, what);
	check(!bad && n > 20 && n < 1000 && strcmp(whole, without), name, "%d wrong", bad);
	check_text(get("out"), whole, "and if it does not, it is there");
	free(whole);
	free(without);
}

int main(int argc, char **argv)
{
	struct tool t = { 0 }, spied;

	if (argc < 5)
		return 2;
	t.program = argv[1];
	t.dir = argv[2];
	t.jq = argv[3];
	spied = t;
	spied.program = argv[4];
	setenv("LC_ALL", "C.UTF-8", 1);
	unsetenv("COLUMNS");
	tap_start();
	tap_dir(t.dir);
	test_no_controller(&t);
	test_half_readable(&t);
	test_garbage(&t);
	test_usual_user(&t);
	test_hidden_processes(&t);
	test_only_mapped(&t);
	test_forged_maps(&t, argv[4]);
	test_counted_once(&t);
	test_output(&t);
	test_widths(&t);
	/* controllers, capacity; for each cgroup its files, of which the root has fewer */
	test_reads(&spied, "--tree -o NAME,CHARGED --all", 2 + 10, "dmem.c");
	test_reads(&spied, "--tree", 2 + 1 + 9 * 6 + 1, NULL);
	test_reads(&spied, "-o NAME", 2, "dmem.capacity");
	test_reads(&spied, "", 2 + 2 + 6 + 2 * 1 + 3 * 3, NULL);
	test_freed(&spied);
	test_vanishing(&spied, CGROUP "/system.slice/display.service",
		       "--tree --all -nr -o PATH,REGION,CHARGED,MAX,REFUSED");
	test_vanishing(&spied, "root/proc/900", "--buffers -nr -o INODE,SIZE,NAME");
	return tap_end();
}
