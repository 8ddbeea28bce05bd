// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl set --propagate on a machine of plain files.
 *
 * test_propagate DMEMCTL DMEMCTL-WITHOUT-SANITIZERS DIRECTORY
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "killed.h"
#include "board.h"

#define SET		"set /top/mid/leaf --min=" CAMERA "=4M --propagate"
#define RAISED		"/top: reservation of " CAMERA " raised from 0 to 4M\n" \
			"/top/mid: reservation of " CAMERA " raised from 0 to 4M\n"

/* The number of writes, or of reads, is $n. */
#define COUNTED		"n=$(cat n 2>/dev/null || echo 0); n=$((n + 1)); echo $n >n; "
#define SETS(cg, bytes)	"echo '" CAMERA " '" bytes " >" CG cg "/dmem.min; "
#define HAS(cg, bytes)	"grep -q '^" CAMERA " " bytes "$' " CG cg "/dmem.min"

static struct tool t;
static const char *self;

static void cgroup(const char *path, unsigned int min, unsigned int max)
{
	char name[300];

	snprintf(name, sizeof(name), CG "%s/cgroup.procs", path);
	put(name, "%s", "");
	snprintf(name, sizeof(name), CG "%s/cgroup.controllers", path);
	put(name, "dmem\n");
	snprintf(name, sizeof(name), CG "%s/cgroup.subtree_control", path);
	put(name, "dmem\n");
	snprintf(name, sizeof(name), CG "%s/dmem.min", path);
	put(name, CAMERA " %llu\n" SYSTEM " 0\n", min * MIB);
	snprintf(name, sizeof(name), CG "%s/dmem.max", path);
	if (max)
		put(name, CAMERA " %llu\n" SYSTEM " max\n", max * MIB);
	else
		put(name, CAMERA " max\n" SYSTEM " max\n");
	snprintf(name, sizeof(name), CG "%s/dmem.low", path);
	put(name, CAMERA " 0\n" SYSTEM " 0\n");
	snprintf(name, sizeof(name), CG "%s/dmem.current", path);
	put(name, CAMERA " 0\n" SYSTEM " 0\n");
	snprintf(name, sizeof(name), CG "%s/cgroup.kill", path);
	put(name, "%s", "");
	if (chmod(tap_path(name), 0200))
		exit(2);
}

static void begin(void)
{
	board(&t);
	if (chdir(tap_path(".")))
		exit(2);
	unlink("n");
	cgroup("top", 0, 0);
	cgroup("top/mid", 0, 0);
	cgroup("top/mid/leaf", 0, 0);
	cgroup("top/mid/other", 0, 0);
	cgroup("top/side", 0, 0);
}

/* dmem.min of the camera's region, in MiB, or -1. */
static int min_of(const char *path)
{
	unsigned long long v;
	char name[300];

	snprintf(name, sizeof(name), CG "%s/dmem.min", path);
	return sscanf(get(name), CAMERA " %llu", &v) == 1 && !(v % MIB) ? (int)(v / MIB) : -1;
}

static void are(int top, int mid, int leaf)
{
	check(min_of("top") == top && min_of("top/mid") == mid && min_of("top/mid/leaf") == leaf,
	      "the reservations", "top %d, mid %d, leaf %d", min_of("top"), min_of("top/mid"),
	      min_of("top/mid/leaf"));
}

static void raises(void)
{
	char *before;

	begin();
	tap_case("nothing was reserved");
	expect(&t, SET, 0, RAISED, NULL);
	are(4, 4, 4);
	tap_case("again");
	before = snapshot();
	expect(&t, SET, 0, NULL, NULL);
	same_tree(before, "changes nothing");
	tap_case("less");
	expect(&t, "set /top/mid/leaf --min=" CAMERA "=1M --propagate", 0, NULL, NULL);
	are(4, 4, 1);
	tap_case("siblings");
	begin();
	cgroup("top/mid/other", 3, 2);
	cgroup("top/side", 5, 0);
	expect(&t, SET, 0, "/top: reservation of " CAMERA " raised from 0 to 11M\n"
	       "/top/mid: reservation of " CAMERA " raised from 0 to 6M\n", NULL);
	are(11, 6, 4);
	tap_case("a part is there");
	begin();
	cgroup("top", 1, 0);
	cgroup("top/mid", 20, 0);
	cgroup("top/side", 5, 0);
	expect(&t, SET, 0, "/top: reservation of " CAMERA " raised from 1M to 25M\n", NULL);
	are(25, 20, 4);
	tap_case("a limit bounds it");
	begin();
	expect(&t, "set /top/mid/leaf --min=" CAMERA "=16M --max=" CAMERA "=10M --propagate", 0,
	       "raised from 0 to 10M", "the limit (dmem.max) is only 10M");
	are(10, 10, 16);
	tap_case("a limit above");
	begin();
	cgroup("top/mid", 0, 3);
	expect(&t, SET, 0, "/top: reservation of " CAMERA " raised from 0 to 3M\n",
	       "warning: /top/mid: the reservations below add up to 4M of " CAMERA " but its limit (dmem.max) is "
	       "only 3M: raise the limit");
	are(3, 4, 4);
	tap_case("the region is smaller");
	begin();
	cgroup("top/side", 38, 0);
	expect(&t, SET, 0, "to 42M", "warning: /top: the reservations below add up to 42M of " CAMERA " but the "
	       "region has only 40M: lower some of them");
	tap_case("all cgroups together");
	begin();
	cgroup("top", 10, 0);
	cgroup("top/mid", 10, 0);
	cgroup("big", 38, 0);
	expect(&t, SET, 0, NULL, "warning: the reservations of all cgroups add up to 48M of " CAMERA " but the "
	       "region has only 40M, so each is a part of what it should be: lower some of them");
	tap_case("a limit above, and nothing to raise");
	begin();
	cgroup("top", 10, 0);
	cgroup("top/mid", 10, 3);
	expect(&t, SET, 0, NULL, "warning: /top/mid: the reservations below add up to 4M of " CAMERA " but its "
	       "limit (dmem.max) is only 3M: raise the limit");
	tap_case("a cgroup with a dot");
	begin();
	cgroup("top/mid/.hid", 6, 0);
	expect(&t, SET, 0, "/top/mid: reservation of " CAMERA " raised from 0 to 10M\n", NULL);
	tap_case("a part of a page");
	begin();
	expect(&t, "set /top/mid/leaf --min=" CAMERA "=33% --propagate", 0, "raised from 0 to 13516K\n", NULL);
	tap_case("a container's root");
	begin();
	put(CG "dmem.min", CAMERA " 0\n");
	expect(&t, SET, 0, RAISED, "warning: " CAMERA ": the cgroups above this container cannot be seen: let them "
	       "reserve as much");
	tap_case("no reservations in this region");
	begin();
	before = snapshot();
	expect(&t, "set /top/mid/leaf --min=" SYSTEM "=8M --propagate -n", 0, "nothing was changed",
	       "the kernel has no reservations for this region");
	same_tree(before, "nothing is raised");
	tap_case("directly below the root");
	expect(&t, "set /top --min=" CAMERA "=8M --propagate", 0, NULL, NULL);
	tap_case("another program");
	begin();
	setenv("FAKE_CG_THEN", "echo '" CAMERA " 7340032' >root/sys/fs/cgroup/top/side/dmem.min", 1);
	expect(&t, SET, 0, "/top: reservation of " CAMERA " raised from 4M to 11M\n", NULL);
	unsetenv("FAKE_CG_THEN");
	are(11, 4, 4);
	tap_case("another program lowers it again");
	begin();
	setenv("FAKE_CG_THEN", COUNTED "case $n in 3) echo '" CAMERA " 7340032' >root/sys/fs/cgroup/top/mid/other/dmem.min;; "
	       "5) echo '" CAMERA " 5242880' >root/sys/fs/cgroup/top/dmem.min;; esac", 1);
	expect(&t, SET, 0, "/top: reservation of " CAMERA " raised from 5M to 11M\n", NULL);
	are(11, 11, 4);
	tap_case("another program never ends");
	begin();
	setenv("FAKE_CG_THEN", COUNTED "echo '" CAMERA " '$((n * 1048576)) >root/sys/fs/cgroup/top/side/dmem.min", 1);
	expect(&t, SET, 1, NULL, "/top/mid/leaf: other programs change the reservations at the same time: try again");
	unsetenv("FAKE_CG_THEN");
	tap_case("another program raises more");
	begin();
	setenv("FAKE_CG_THEN", "echo '" CAMERA " 20971520' >root/sys/fs/cgroup/top/mid/dmem.min", 1);
	expect(&t, SET, 0, "/top: reservation of " CAMERA " raised from 4M to 20M\n", NULL);
	unsetenv("FAKE_CG_THEN");
	are(20, 20, 4);
}

/* A failure does not take from other programs. */
static void undo_with_others(void)
{
	tap_case("another value");
	begin();
	/* Once: not after the undo. */
	setenv("FAKE_CG_THEN", "test -e once || echo '" CAMERA " 20971520' >root/sys/fs/cgroup/top/dmem.min; : >once", 1);
	setenv("FAKE_CG_AT", "2", 1);
	expect(&t, SET, 1, NULL, "/top: " CAMERA ": another program has changed the reservation: it stays");
	are(20, 0, 0);
	tap_case("a reservation below");
	begin();
	setenv("FAKE_CG_THEN", "echo '" CAMERA " 3145728' >root/sys/fs/cgroup/top/side/dmem.min", 1);
	expect(&t, SET, 1, NULL, "the limit cannot be written");
	are(3, 0, 0);
	/* The other program has read 4M in /top, and writes after that is taken back. */
	tap_case("a reservation below, right after the write");
	begin();
	setenv("FAKE_CG_THEN", "if " HAS("top", "0") "; then " SETS("top/side", "3145728") "fi", 1);
	expect(&t, SET, 1, NULL, "the limit cannot be written");
	are(3, 0, 0);
	check(!strstr(get("err"), "another program"), "no other program is blamed", "%s", get("err"));
	tap_case("reservations below that change for ever");
	begin();
	setenv("FAKE_CG_THEN", COUNTED "if test $n -gt 1; then " SETS("top/side", "$((n % 2 * 1048576 + 1048576))") "fi", 1);
	expect(&t, SET, 1, NULL, "/top: " CAMERA ": other programs change the reservations below: it stays raised");
	are(4, 0, 0);
	unsetenv("FAKE_CG_THEN");
	unsetenv("FAKE_CG_AT");
}

static void read_then(const char *file, const char *command)
{
	setenv("FAKE_READ", file, 1);
	setenv("FAKE_READ_THEN", command, 1);
}

static void read_no_more(void)
{
	unsetenv("FAKE_READ");
	unsetenv("FAKE_READ_THEN");
}

/* A value that another program writes after it was read, and before ours is written. */
static void between(void)
{
	tap_case("a larger value");
	begin();
	/* The second read is the one that adds up the cgroups below /top. */
	read_then("/top/mid/dmem.min", COUNTED "if test $n = 2; then " SETS("top", "20971520") "fi");
	expect(&t, SET, 0, "/top/mid: reservation of " CAMERA " raised from 0 to 4M\n", NULL);
	are(20, 4, 4);
	tap_case("a smaller value is the one that an undo restores");
	begin();
	read_then("/top/mid/dmem.min", COUNTED "if test $n = 2; then " SETS("top", "2097152") "fi");
	setenv("FAKE_CG_AT", "3", 1);
	expect(&t, SET, 1, NULL, "the limit cannot be written");
	unsetenv("FAKE_CG_AT");
	are(2, 0, 0);
	read_no_more();
}

/* Another user writes a reservation of their own after its check. */
static void other_user(void)
{
	tap_case("35M, and 0 for each second look");
	begin();
	if (chown(tap_path(CG "top/side/dmem.min"), 1000, 1000))
		exit(2);
	read_then("/top/side/dmem.min", COUNTED "if test $((n % 2)) = 1; then " SETS("top/side", "36700160") "else "
		  SETS("top/side", "0") "fi");
	expect(&t, SET, 1, NULL, "/top/side: another user may write its reservation of " CAMERA);
	read_no_more();
	are(0, 0, 0);
	/* They must not keep 4M of the system either. */
	tap_case("after a cgroup above was raised");
	begin();
	if (chown(tap_path(CG "top/side/dmem.min"), 1000, 1000))
		exit(2);
	setenv("FAKE_CG_THEN", SETS("top/side", "36700160"), 1);
	expect(&t, SET, 1, NULL, "/top/side: another user may write its reservation of " CAMERA);
	unsetenv("FAKE_CG_THEN");
	are(0, 0, 0);
}

/* The second run begins while the first one undoes its changes, which goes on once the second one waits
 * for the lock, or has ended. */
static void two_runs(void)
{
	char command[5000];

	begin();
	unlink("second");
	unlink("over");
	unlink("pid");
	if (mkfifo("status", 0600) && errno != EEXIST)
		exit(2);
	/* The third write that succeeds takes the value of /top/mid back. */
	snprintf(command, sizeof(command), COUNTED "if test $n = 3; then "
		 "unset FAKE_CG_THEN FAKE_CG_AT; "
		 "(sh -c 'echo $$ >pid; exec \"$0\" --sysroot=root set /top/side --min=" CAMERA "=3M --propagate' "
		 "'%s' >second; s=$?; : >over; echo $s >status) & "
		 "until test -e over || grep -q -e \"-> FLOCK .* WRITE $(cat pid) \" /proc/locks; do "
		 "test -r /proc/locks || exit 1; done; fi", t.program);
	setenv("FAKE_CG_THEN", command, 1);
	setenv("FAKE_CG_AT", "3", 1);
	expect(&t, SET, 1, NULL, "the limit cannot be written");
	unsetenv("FAKE_CG_THEN");
	unsetenv("FAKE_CG_AT");
	check(is_there("second"), "begins", "no");
	if (!is_there("second"))
		return;
	check_text(get("status"), "0\n", "succeeds");
	check_text(get("second"), "/top: reservation of " CAMERA " raised from 0 to 3M\n", "has waited for the undo");
	are(3, 0, 0);
}

/* Only one run at a time, from the first look at the reservations to the end of an undo. */
static void locked(void)
{
	char command[5000];

	snprintf(command, sizeof(command), "'%s' --locked " CG "top/cgroup.kill || echo free >free", self);
	for (int i = 0; i < 3; i++) {
		tap_case(i == 2 ? "dry run" : i ? "undo" : "raise");
		begin();
		unlink("free");
		read_then("/top/side/dmem.min", command);
		setenv("FAKE_CG_THEN", command, 1);
		if (i == 1)
			setenv("FAKE_CG_AT", "3", 1);
		expect(&t, i == 2 ? SET " -n" : SET, i == 1, i == 1 ? NULL : "/top: reservation of " CAMERA,
		       i == 1 ? "the limit cannot be written" : NULL);
		unsetenv("FAKE_CG_AT");
		unsetenv("FAKE_CG_THEN");
		read_no_more();
		check(is_there("free") == (i == 2), "a run that changes reservations holds the lock", "no");
	}
	tap_case("another run");
	two_runs();
	tap_case("a file that cannot be locked");
	begin();
	if (unlink(tap_path(CG "top/cgroup.kill")) || mkdir(tap_path(CG "top/cgroup.kill"), 0700))
		exit(2);
	expect(&t, SET, 1, NULL, "/top/cgroup.kill: Is a directory: --propagate locks this file: run it as its owner");
	are(0, 0, 0);
	tap_case("a copy without the file");
	begin();
	if (unlink(tap_path(CG "top/cgroup.kill")))
		exit(2);
	expect(&t, SET, 0, RAISED, NULL);
}

/* The user of a delegated cgroup does not get the system's reservations. */
static void delegated(void)
{
	char *before;

	begin();
	cgroup("top/user@1.service", 0, 0);
	cgroup("top/user@1.service/evil", 39, 0);
	cgroup("top/user@1.service/x", 0, 0);
	if (chown(tap_path(CG "top/user@1.service/evil/dmem.min"), 1000, 1000))
		exit(2);
	before = snapshot();
	expect(&t, "set /top/user@1.service/x --min=" CAMERA "=1M --propagate", 1, NULL, "/top/user@1.service: it is "
	       "delegated, and its user may write the reservations that --propagate would add up: set the "
	       "reservation of this cgroup instead");
	same_tree(before, "of a unit");
	for (int i = 0; i < 8; i++) {
		static const char * const files[] = { "", "/cgroup.procs", "/cgroup.subtree_control", "/dmem.min" };
		char path[100];

		snprintf(path, sizeof(path), CG "top/mid%s", files[i / 2]);
		tap_case("a %s may write %s", i % 2 ? "group" : "user", path);
		begin();
		if (i % 2 ? chmod(tap_path(path), i == 1 ? 0775 : 0664) : chown(tap_path(path), 1000, 0))
			exit(2);
		before = snapshot();
		expect(&t, SET, 1, NULL, "/top/mid: it is delegated");
		same_tree(before, "nothing is changed");
	}
	/* A cgroup beside it that a user has made, and one that a group may change. */
	for (int i = 0; i < 2; i++) {
		tap_case(i ? "a group" : "a user");
		begin();
		cgroup("top/side", 5, 0);
		if (i ? chmod(tap_path(CG "top/side/dmem.min"), 0664) : chown(tap_path(CG "top/side/dmem.min"), 1000, 1000))
			exit(2);
		before = snapshot();
		expect(&t, SET, 1, NULL, "/top/side: another user may write its reservation of " CAMERA ", which --propagate "
		       "would add up: set the reservations of the cgroups above instead");
		same_tree(before, "beside it");
		put(CG "top/side/dmem.min", CAMERA " 0\n");
		expect(&t, SET, 0, RAISED, NULL);
	}
}

/* If one write fails, all values are as before. */
static void all_or_nothing(void)
{
	char at[12], *before;

	for (int i = 1; i <= 3; i++) {
		begin();
		cgroup("top", 1, 0);
		cgroup("top/side", 5, 0);
		before = snapshot();
		snprintf(at, sizeof(at), "%d", i);
		tap_case("write %d", i);
		setenv("FAKE_CG_AT", at, 1);
		expect(&t, SET, 1, NULL, "the limit cannot be written");
		unsetenv("FAKE_CG_AT");
		same_tree(before, "nothing is changed");
	}
	tap_case("order");
	begin();
	setenv("FAKE_CG_LOG", tap_path("log"), 1);
	expect(&t, SET, 0, RAISED, NULL);
	unsetenv("FAKE_CG_LOG");
	check_text(get("log"), "top dmem.min " CAMERA " 4194304\nmid dmem.min " CAMERA " 4194304\n"
		   "leaf dmem.min " CAMERA " 4194304\n", "a cgroup is raised before those in it");
	tap_case("dry run");
	begin();
	before = snapshot();
	expect(&t, SET " -n", 0, "/top/mid: reservation of " CAMERA " would be raised from 0 to 4M\n", NULL);
	same_tree(before, "nothing is changed");
}

static void units(void)
{
	char *before;

	board(&t);
	expect(&t, "set camera --min=" CAMERA "=4M --propagate", 0,
	       "/system.slice: reservation of " CAMERA " raised from 0 to 4M until the slice stops: to keep it, "
	       "run dmemctl set system.slice --min=" CAMERA "=4M\n", NULL);
	check(min_of("system.slice") == 4 && min_of("system.slice/camera.service") == 4, "of a unit", "%d %d",
	      min_of("system.slice"), min_of("system.slice/camera.service"));
	expect(&t, "set system.slice --min=" CAMERA "=4M", 0, NULL, NULL);
	board(&t);
	before = snapshot();
	setenv("FAKE_CG_AT", "2", 1);
	expect(&t, "set camera --min=" CAMERA "=4M --propagate", 1, NULL, "the limit cannot be written");
	unsetenv("FAKE_CG_AT");
	same_tree(before, "nor a drop-in is left");
	expect_refused(&t, "set stopped --min=" CAMERA "=4M --propagate", "stopped: not running, so --propagate "
		       "finds no cgroups above it: start it first, or set the slices that contain it");
	expect(&t, "set camera --max=" CAMERA "=4M --propagate", 2, NULL, "--propagate raises reservations: add "
	       "--min=");
	expect(&t, "set camera --revert --propagate", 2, NULL, "--propagate raises reservations: add --min=");
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

/* Random reservations and limits, and an independent sum. */
static void sums(void)
{
	unsigned int n = 0, value[8];
	char args[200];
	int i;

	srand(1);
	for (i = 0; i < 25 && n == 0; i++) {
		int mid, top;

		for (int k = 0; k < 8; k++)
			value[k] = (unsigned int)rand() % 6;
		begin();
		cgroup("top", value[0], 0);
		cgroup("top/mid", value[1], 0);
		cgroup("top/mid/other", value[2], value[3]);
		cgroup("top/side", value[4], value[5]);
		snprintf(args, sizeof(args), "set /top/mid/leaf --min=" CAMERA "=%uM --propagate", value[6]);
		mid = (int)value[6] + (int)(value[3] && value[3] < value[2] ? value[3] : value[2]);
		mid = max(mid, (int)value[1]);
		top = mid + (int)(value[5] && value[5] < value[4] ? value[5] : value[4]);
		top = max(top, (int)value[0]);
		if (tool(&t, args) || min_of("top") != top || min_of("top/mid") != mid)
			n++;
	}
	check(!n && i == 25, "the larger one of the own value and the sum", "%d: top %d, mid %d: %u %u %u %u %u %u %u",
	      i, min_of("top"), min_of("top/mid"), value[0], value[1], value[2], value[3], value[4], value[5],
	      value[6]);
}

/* After a run that was killed at any system call, another one leads to the same values. */
static void killed(const char *plain)
{
	char root[4200];
	const char *argv[] = { plain, "--sysroot", root, "set", "/top/mid/leaf", "--min=" CAMERA "=4M", "--propagate",
			       NULL };
	int calls, n, raised = 0;

	begin();
	cgroup("top/side", 5, 0);
	snprintf(root, sizeof(root), "%s", tap_path("root"));
	calls = run_until(argv, 100000);
	are(9, 4, 4);
	for (n = 1; n <= calls; n++) {
		cgroup("top", 0, 0);
		cgroup("top/mid", 0, 0);
		cgroup("top/mid/leaf", 0, 0);
		if (run_until(argv, n) != n)
			break;
		raised += min_of("top") == 9 && min_of("top/mid/leaf") == 0;
		if (run(argv) || min_of("top") != 9 || min_of("top/mid") != 4 || min_of("top/mid/leaf") != 4)
			break;
	}
	check(n == calls + 1 && raised, "killed at any system call, the next run leads to the same values",
	      "call %d of %d: top %d, mid %d", n, calls, min_of("top"), min_of("top/mid"));
}

/* For the commands of the shell: true if another program has locked the file. */
static bool is_locked(const char *file)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
}

int main(int argc, char **argv)
{
	char path[4200] = "";

	if (argc == 3 && !strcmp(argv[1], "--locked"))
		return is_locked(argv[2]) ? 0 : 1;
	if (argc != 4 || readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0)
		return 2;
	self = path;
	/* Files that a group may write are refused. */
	umask(022);
	t = (struct tool){ .program = argv[1], .dir = argv[3] };
	tap_start();
	RUN(raises);
	RUN(all_or_nothing);
	RUN(undo_with_others);
	RUN(between);
	RUN(other_user);
	RUN(locked);
	RUN(delegated);
	RUN(units);
	RUN(sums);
	RUN(killed, argv[2]);
	return tap_end();
}
