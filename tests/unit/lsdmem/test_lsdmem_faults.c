// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lsdmem with missing, wrong or vanishing files, and the list of files that it reads.
 *
 * test_lsdmem_faults LSDMEM DIR JQ LSDMEM-WITH-SPY
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

	tap_case("%s", name);
	check(rc == 1 && !*get("out"), "the status is 1, without output", "status %d, %s", rc,
	      get("out"));
	check_text(get("err"), line, "one message on stderr");
	tap_case("%s", "");
}

/* It says this one line, and does not fail. */
static void says(const struct tool *t, const char *args, const char *line, const char *name)
{
	int rc = tool(t, args);

	tap_case("%s", name);
	check(!rc && *get("out"), "the status is 0, with output", "status %d, %s", rc, get("err"));
	check_text(get("err"), line, "one message on stderr");
	tap_case("%s", "");
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
	fails_with(t, "--tree --json", DMEM_NO_REGIONS, "no tree of a region");
	fake_start(&f, FAKE_OURS);
	put(CGROUP "/cgroup.subtree_control", "cpu memory\n");
	fake_area(&f, "linux,cma", 64 * MIB, 63 * MIB, 0, 62 * MIB);
	fake_heap(&f, "linux,cma", "cma/linux,cma");
	fails_with(t, "-rn", DMEM_NOT_ENABLED, "not enabled, and the heaps name regions");
}

/* A container whose cgroup lacks the controller, with and without +dmem above it. */
static void test_container_without_files(const struct tool *t)
{
	static const char line[] = "lsdmem: the cgroup of this container has no dmem files: either the kernel has no dmem "
		"controller, or it is not enabled for this cgroup, and only a cgroup above can have a limit, which cannot "
		"be seen here: run lsdmem outside of the container\n";
	struct fake f;

	tap_dir(t->dir);
	fake_start(&f, FAKE_OURS);
	put(CGROUP "/cgroup.type", "domain\n");
	put(CGROUP "/cgroup.controllers", "cpu memory\n");
	put(CGROUP "/cgroup.subtree_control", "cpu\n");
	fails(t, "", line, "the controller is not there");
	fails(t, "--tree -J", line, "no tree either");
	put(CGROUP "/cgroup.controllers", "cpu dmem memory\n");
	fails(t, "", line, "the files are not there");
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
	     "Is a directory\n", "one unreadable file");
	tool(t, "--tree -J");
	check(!jq(t, "[.. | objects | select(.unit == \"camera.service\")][0] | .max == null and "
		  ".charged == 16777216 and .min == 16777216 and .refused == 2"),
	      "the figure of an unreadable file is null, the others are shown", "%s", get("json"));
	says(t, "--tree -o NAME,PEAK cma/linux,cma", "lsdmem: cannot read /sys/fs/cgroup/system.slice/"
	     "camera.service/dmem.max: Is a directory\n", "the choice of rows needs the file");
	check(!tool(t, "--tree --all -o NAME,PEAK") && !*get("err"),
	      "with --all, the file is not read",
	      "%s", get("err"));
	break_file(CGROUP "/machine.slice/dmem.current");
	break_file(CGROUP "/system.slice/dmem.events");
	says(t, "--tree", "lsdmem: cannot read /sys/fs/cgroup/machine.slice/dmem.current: Is a directory, and "
	     "2 more files\n", "several unreadable files");
	break_file("root/sys/kernel/mm/cma/linux,cma/available_pages");
	says(t, "", "lsdmem: cannot read /sys/kernel/mm/cma/linux,cma/available_pages: Is a directory, and 1 "
	     "more file\n", "an unreadable file of an area");
	tool(t, "-J");
	check(!jq(t, ".regions[2] | .free == null and .unaccounted == 131072 and .capacity == 67108864"),
	      "figures of an area that cannot be read are null", "%s", get("json"));
}

static void test_garbage(const struct tool *t)
{
	struct fake f;

	start(t, &f, "ours");
	put(CGROUP "/system.slice/dmem.current", "cma/camera@64000000 -1\ncma/linux,cma\n\n 5\n"
	    "nobody/knows 7\ncma/display@60000000 99999999999999999999999\nheap/system 4096x\n");
	put(CGROUP "/system.slice/dmem.events", "cma/camera@64000000 alloc_fail= max=x exhausted=3\n");
	put("root/sys/kernel/mm/cma/linux,cma/available_pages", "18446744073709551615\n");
	check(!tool(t, "--tree --all -J") && !*get("err"), "text that is no number is no error",
	      "%s", get("err"));
	check(!jq(t, "[.regions[].children[] | select(.unit == \"system.slice\")] | length == 4 and "
		  "all(.[]; .charged == null) and .[0].refused == 3"), "text that is no number is shown as null", "%s", get("json"));
	tool(t, "-J");
	check(!jq(t, ".regions[2].free == null"), "a number that is too large is shown as null",
	      "%s", get("json"));
	put("root/proc/812/fdinfo/5", "%s", "");
	put("root/proc/812/fdinfo/6", "ino:\t101\nsize:\tx\nexp_name:\n");
	put("root/proc/900/maps", "nonsense\n\n7f00-8000 rw-s 0 00:0b 101 /dmabuf:");
	put("root/sys/kernel/debug/dma_buf/bufinfo", "\tx\n00000001\t1\t1\t1\n1\t2\t3\t4\t5\t6\n");
	check(!tool(t, "--buffers -rn -o INODE") && !*get("err"), "buffers: garbage is no error", "%s",
	      get("err"));
	check_text(get("out"), "101\n104\n105\n", "buffers: garbage is shown as no buffer");
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
		   "without debugfs, all other columns are shown");
	check(!tool(&u, "-o NAME,FREE") && !*get("err"),
	      "no message about columns that are not shown",
	      "%s", get("err"));
	check(!tool(&u, "--tree") && !*get("err"), "a tree needs no privilege", "%s", get("err"));
	says(&u, "--buffers -rn -o INODE,PROCESSES", "lsdmem: not root: some processes cannot be read; buffers "
	     "that no process holds need debugfs\n", "not root, buffers");
	check_text(get("out"), "101 camera[812]\\x20display[900]\n102 display[900]\n104 display[900]\n"
		   "105 display[900]\n", "without root, buffers of readable processes are shown");
	/* The kernel's list, but not all the processes. */
	chmod(tap_path("root/sys/kernel/debug"), 0755);
	tool(&u, "--buffers -J -o INODE,PROCESSES,KERNEL");
	check(!jq(t, ".buffers[] | select(.inode == 103) | .processes == null and .kernel == null"),
	      "holders are unknown if a process cannot be read", "%s", get("json"));
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
	check(strstr(get("out"), "103 -\n") != NULL,
	      "with hidden processes, the kernel is not shown as the only holder", "%s",
	      get("out"));
}

/* Mappings without an fd, with and without a source for the size. Another buffer shows the
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
	check(!tool(t, "--buffers -rn -o INODE,SIZE,FDS,MAPS,PROCESSES"),
	      "buffers that are only mapped are no error",
	      "%s", get("err"));
	check_text(get("out"), "",
		   "a mapped buffer is not shown if the device of buffers is unknown");
	fake_fd(&f, 33, 3, &other);
	tool(t, "--buffers -rn -o INODE,SIZE,FDS,MAPS,PROCESSES");
	check_text(get("out"), "6 1M 1 1 a\\x20b[33]\n7 - 0 2 a\\x20b[33]\n",
		   "a mapped buffer has an unknown size and is counted once");
	remove(tap_path("root/proc/33/fd/3"));
	fake_bufinfo(&f, &b, 1);
	tool(t, "--buffers -rn -o INODE,SIZE,FDS,MAPS,PROCESSES");
	check_text(get("out"), "7 5M 0 2 a\\x20b[33]\n",
		   "the size of a mapped buffer comes from debugfs");
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
	check_text(get("out"), "7 1M 1 1 camera[21]\n", "a mapping of another device is no buffer");
	log = get("log");
	check(strstr(log, "/proc/20/maps") && !strstr(log, "map_files"), "no link in map_files is followed",
	      "%s", log);
	put("root/proc/20/maps", "7f00-8000 r--s 0 00:0b 2 /dmabuf:x\n");
	fake_bufinfo(&f, &b, 1);
	tool(t, "--buffers -rn -o INODE,SIZE,FDS,MAPS,PROCESSES");
	check_text(get("out"), "7 1M 1 1 camera[21]\n",
		   "a mapping that debugfs does not list is no buffer");
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
	check(!tool(t, "--buffers -rn -o INODE,SIZE,REGION,ID,FDS,MAPS"),
	      "a buffer with many holders is no error", "%s", get("err"));
	check_text(get("out"), "9 4K cma/a 1152921504606846976 500 50\n10 4K - - 1 0\n",
		   "a buffer with many holders has one row");
	tool(t, "--buffers -J -o PROCESSES,EXPORTER");
	check(!jq(t, ".buffers[0].processes | length == 50 and .[0] == \"p[10]\" and .[49] == \"p[59]\""),
	      "each holder is listed once", "%s", get("json"));
	tool(t, "--buffers -J -o EXPORTER");
	check(!jq(t, ".buffers[1].exporter == \"heap\""),
	      "the exporter comes from the kernel, not from the buffer's name", "%s",
	      get("json"));
}

/* The kernel's list names the owners of buffers that no process has a descriptor of: 40 is mapped,
 * 41 on its way in a message. A descriptor of 42 names an owner that is newer than the list. A name
 * cannot give 43 an owner, and for 44 and 45, a line that the name of 46 has and the kernel's own
 * contradict each other. */
static void test_listed_owners(const struct tool *t)
{
	static const struct fake_buffer listed[] = {
		{ 46, 4096, "heap", "x\n1\t\t\t\th\t44\tn", "cma/a", 6 },
		{ 45, 4096, "heap", NULL, "cma/a", 5 },
		{ 44, 4096, "heap", NULL, "cma/b", 4 },
		{ 45, 4096, "heap", NULL, "cma/a", 6 },
		{ 43, 4096, "heap", "x\ndmem_region:\ta\ndmem_cgroup:\t1", NULL, 0 },
		{ 42, 4096, "heap", NULL, "cma/a", 2 },
		{ 41, 4096, "heap", "y", "cma/a", 1ull << 61 },
		{ 40, 4096, "heap", NULL, "cma/b", 7 },
		{ 47, 4096, "heap", "dmem_region:\tcma/c", "cma/b", 9 },
	};
	static const struct fake_buffer moved = { 42, 4096, "heap", NULL, "cma/b", 3 };
	struct fake f;

	tap_dir(t->dir);
	fake_start(&f, FAKE_OURS);
	fake_process(1, "init");
	fake_process(20, "camera");
	fake_fd(&f, 20, 3, &moved);
	fake_maps(20, listed + 7, 1, true);
	fake_bufinfo(&f, listed, sizeof(listed) / sizeof(*listed));
	check(!tool(t, "--buffers -rn -o INODE,REGION,ID,FDS") && !*get("err"), "owners in the kernel's list are no error",
	      "%s", get("err"));
	check_text(get("out"), "40 cma/b 7 0\n41 cma/a 2305843009213693952 0\n42 cma/b 3 1\n43 - - 0\n44 - - 0\n"
		   "45 - - 0\n46 - - 0\n47 cma/b 9 0\n", "the owners of buffers without a descriptor are those of the list");
	fake_start(&f, FAKE_7_3);
	fake_bufinfo(&f, listed + 7, 1);
	tool(t, "--buffers -rn -o INODE,REGION,ID,FDS");
	check(strstr(get("out"), "40 - - 0\n") != NULL, "a list without owners leaves the owner unknown", "%s",
	      get("out"));
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
		fake_bufinfo(&f, both + 1, 1);
		snprintf(later, sizeof(later), "%s", tap_path("later"));
		snprintf(now, sizeof(now), "%s", tap_path(bufinfo));
		rename(now, later);
		fake_bufinfo(&f, both, 2);
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
	check(gone > 5 && kept <= 1 && gone + kept == n - 1,
	      "a buffer that is freed during the run is not shown",
	      "of %d: %d times gone, %d times there", n - 1, gone, kept);
	check_text(get("out"), "20\n21\n", "a buffer that is not freed is shown");
}

static void test_output(const struct tool *t)
{
	static const char * const views[] = { "", "--tree --all", "--buffers", "--help", "--version", "-J" };
	int rc, status, ends[2];
	char title[100];
	struct fake f;
	pid_t pid;

	start(t, &f, "ours");
	link_to("out", "/dev/full");
	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		rc = tool(t, views[i]);
		snprintf(title, sizeof(title), "'%s' to a full device has status 1", views[i]);
		check(rc == 1, title, "status %d: %s", rc, views[i]);
		snprintf(title, sizeof(title), "'%s' to a full device prints the error", views[i]);
		check_text(get("err"), "lsdmem: cannot write: No space left on device\n", title);
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
	check(rc == 1 && strstr(get("err"), "lsdmem: cannot write") == get("err"),
	      "a device that gets full later is an error",
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
		      ignored ? "a reader that exits is no failure if SIGPIPE is ignored" :
		      "a reader that exits ends the program by SIGPIPE", "status %#x", status);
		check_text(get("err"), "",
			   ignored ? "no message if SIGPIPE is ignored" : "no message by SIGPIPE");
	}
}

/* Runs it on a terminal of that width. Returns the output, valid until the next call. */
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
	char *text, title[100];
	struct fake f;

	start(t, &f, "ours");
	for (size_t i = 0; i < 3; i++) {
		text = on_terminal(t, 80, views[i]);
		snprintf(title, sizeof(title), "'%s' fits 80 columns", views[i]);
		check(*text && longest_line(text) <= 80, title, "%zu: %s", longest_line(text),
		      text);
	}
	text = on_terminal(t, 80, "-n");
	check(strstr(text, "cma/display@60000000") && strstr(text, " 63.9M ") && strstr(text, " 128K "),
	      "in 80 columns, typical names and figures are not cut", "%s", text);
	text = on_terminal(t, 80, "--buffers");
	check(strstr(text, "/system.slice/camera.service") != NULL,
	      "in 80 columns, the cgroup of a buffer is not cut", "%s", text);
	for (size_t i = 0; i < 3; i++) {
		text = on_terminal(t, 200, views[i]);
		snprintf(title, sizeof(title), "'%s' fits 200 columns", views[i]);
		check(*text && longest_line(text) <= 200, title, "%zu: %s", longest_line(text),
		      text);
	}
	text = on_terminal(t, 200, "-n");
	check(strstr(text, " default_cma_region linux,cma") != NULL,
	      "in 200 columns, all heaps are shown", "%s", text);
	tool(t, "-n");
	check(strstr(get("out"), " default_cma_region linux,cma") != NULL,
	      "in a file, all heaps are shown", "%s", get("out"));
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
			snprintf(name, sizeof(name), "%s vanishes at call %d", what, n);
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
				snprintf(name, sizeof(name),
					 "other lines stay when %s vanishes at call %d", what, n);
				check(false, name, "call %d: %s", n, line);
			}
		}
	}
	unsetenv("SPY_AT");
	unsetenv("SPY_CGROUP");
	unsetenv("SPY_GONE");
	snprintf(name, sizeof(name), "%s may vanish at any of %d calls", what, n - 1);
	check(!bad && n > 20 && n < 1000 && strcmp(whole, without), name, "%d wrong", bad);
	snprintf(name, sizeof(name), "%s is shown if it does not vanish", what);
	check_text(get("out"), whole, name);
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
	RUN(test_no_controller, &t);
	RUN(test_container_without_files, &t);
	RUN(test_half_readable, &t);
	RUN(test_garbage, &t);
	RUN(test_usual_user, &t);
	RUN(test_hidden_processes, &t);
	RUN(test_only_mapped, &t);
	RUN(test_forged_maps, &t, argv[4]);
	RUN(test_counted_once, &t);
	RUN(test_output, &t);
	RUN(test_widths, &t);
	/* controllers, capacity; for each cgroup its files, of which the root has fewer */
	RUN(test_reads, &spied, "--tree -o NAME,CHARGED --all", 2 + 10, "dmem.c");
	RUN(test_reads, &spied, "--tree", 2 + 1 + 9 * 6 + 1, NULL);
	RUN(test_reads, &spied, "-o NAME", 2, "dmem.capacity");
	RUN(test_reads, &spied, "", 2 + 2 + 6 + 2 * 1 + 3 * 3, NULL);
	RUN(test_listed_owners, &t);
	RUN(test_freed, &spied);
	RUN(test_vanishing, &spied, CGROUP "/system.slice/display.service",
		       "--tree --all -nr -o PATH,REGION,CHARGED,MAX,REFUSED");
	RUN(test_vanishing, &spied, "root/proc/900", "--buffers -nr -o INODE,SIZE,NAME");
	return tap_end();
}
