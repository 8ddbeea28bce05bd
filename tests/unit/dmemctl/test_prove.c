// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl doctor --prove, with a fake heap (see fake_heap.c) on a machine of plain files.
 *
 * test_prove DMEMCTL JQ DIRECTORY
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board.h"

#define CAMERA_HEAP	"dma_heap/camera@64000000"
#define NODE		"/dev/dma_heap/camera@64000000"
#define HOLDS		CAMERA ": the limit holds: " NODE " allocated 16K, and the limit refused the next page\n"

static struct tool t;

/* Not with --sysroot, which --prove refuses. */
static int doctor(const char *args)
{
	const char *argv[16] = { t.program, "doctor" };
	char copy[1024], *save;
	size_t n = 2;

	snprintf(copy, sizeof(copy), "%s", args);
	for (char *w = strtok_r(copy, " ", &save); w && n < 15; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	return run(argv);
}

/* A machine, and a heap that behaves like this; NULL: well. */
static void begin(const char *heap)
{
	board(&t);
	put(CG "cgroup.controllers", "cpu dmem\n");
	put(CG "cgroup.subtree_control", "cpu dmem\n");
	setenv("FAKE_ROOT", tap_path("root"), 1);
	setenv("FAKE_OWN", "0::/system.slice/lone.scope", 1);
	unsetenv("FAKE_HEAP");
	if (heap)
		setenv("FAKE_HEAP", heap, 1);
}

/* Runs the proof, and checks that it has left nothing. */
static void proves(const char *args, int code, const char *out)
{
	char *before = snapshot();
	int got = doctor(args);

	check(got == code && !strcmp(get("out"), out) && !*get("err"), "the result", "exit code %d: %s%s", got,
	      get("out"), get("err"));
	same_tree(before, "nothing is left");
}

static bool any_scratch(void)
{
	char *all = snapshot();
	bool any = strstr(all, "dmem-prove-");

	free(all);
	return any;
}

static void holds(void)
{
	begin(NULL);
	setenv("FAKE_HEAP_LOG", tap_path("log"), 1);
	tap_case("a region");
	proves("--prove=" CAMERA, 0, HOLDS);
	tap_case("the region of a heap");
	proves("--prove " CAMERA_HEAP, 0, HOLDS);
	tap_case("several");
	proves("--prove=" CAMERA " --prove=" SYSTEM " --prove=" DISPLAY, 0,
	       HOLDS SYSTEM ": the limit holds: /dev/dma_heap/system allocated 16K, and the limit refused the "
	       "next page\n" DISPLAY ": the limit holds: /dev/dma_heap/display@60000000 allocated 16K, and "
	       "the limit refused the next page\n");
	tap_case("%s", "");
	check_text(get("log"), "camera@64000000\ncamera@64000000\ncamera@64000000\nsystem\ndisplay@60000000\n",
		   "each heap is opened");
	unsetenv("FAKE_HEAP_LOG");
	check(!doctor("--json --prove=" CAMERA " --prove=" SYSTEM) &&
	      !jq(&t, "(.proofs | length) == 2 and (.proofs[0] | .region == \"" CAMERA "\" and .heap == "
		  "\"camera@64000000\" and .limit == 16384 and .allocated == 16384 and .charged == 16384 and "
		  ".result == \"holds\" and .remedy == null and (.cgroup | startswith(\"dmem-prove-\")))"),
	      "JSON of a limit that holds", "%s%s", get("json"), get("err"));
	begin("errno:4:12");
	tap_case("without dmem.events");
	proves("--prove=" CAMERA, 0, CAMERA ": the limit holds: " NODE " allocated 16K, and the next page was refused "
	       "(a kernel without dmem.events does not tell by which limit)\n");
	begin("tell:2:10");
	tap_case("a signal to dmemctl");
	check(doctor("--prove=" CAMERA) == -SIGUSR1, "ends it", "%s%s", get("out"), get("err"));
	check(!strcmp(get("out"), "") && !any_scratch(), "the cgroup is removed before that", "%s%s", get("out"),
	      get("err"));
}

static const struct {
	const char *heap, *result, *said;
} failures[] = {
	{ "open:2", "no-node", NODE " cannot be opened: No such file or directory: give the container the "
	  "device, or see ls /dev/dma_heap" },
	{ "open:13", "no-node", NODE " cannot be opened: Permission denied: run as root, or give this user "
	  "access to the device" },
	{ "admits", "exceeded", "the limit is 16K, but 20K were allocated, and 20K are charged: the limits of "
	  "this region do not work: report it with the version of the kernel" },
	{ "uncharged", "not-charged", NODE " allocated 20K, and nothing is charged: use a kernel with the "
	  "patches for dmem regions of heaps, and restrict access to the device until then" },
	{ "double:4", "wrong-charge", "16K were allocated, but 32K are charged: the limits of this region do "
	  "not work: report it with the version of the kernel" },
	{ "early:3", "too-early", "the limit is 16K, but it refused a page after 12K: the limits of this region "
	  "do not work: report it with the version of the kernel" },
	{ "hidden:1", "limit-above", "after 4K of 16K, the limit of a cgroup above refused, which cannot be "
	  "seen here: prove it outside of this container" },
	{ "hidden:4", "limit-above", "after 16K of 16K, the limit of a cgroup above refused, which cannot be "
	  "seen here: prove it outside of this container" },
	{ "full:2", "no-room", "no room for a page after 8K of 16K: the limit was not reached: prove it when "
	  "the region has free memory, see lsdmem" },
	{ "reserved:2", "reserved", "after 8K of 16K, reservations of other cgroups refused: the limit was not "
	  "reached: prove it when less is reserved or used, see lsdmem --tree" },
	{ "errno:1:12", "no-memory", "out of memory after 4K of 16K: the limit was not reached: prove it when "
	  "the machine has free memory" },
	{ "errno:4:5", "failed", NODE " refused a page: Input/output error: see the kernel's log" },
	{ "die:2:9", "killed", "the process that allocates was killed by signal 9 (Killed): see the kernel's "
	  "log for the reason, and prove it again" },
	{ "die:0:2", "killed", "the process that allocates was killed by signal 2 (Interrupt): see the "
	  "kernel's log for the reason, and prove it again" },
	{ "die:4:15", "killed", "the process that allocates was killed by signal 15 (Terminated): see the "
	  "kernel's log for the reason, and prove it again" },
	{ "quit:2", "failed", "the process that allocates ended without an answer: see the kernel's log for the "
	  "reason, and prove it again" },
	{ "hang:2", "killed", "the heap did not answer: see the kernel's log for a driver that hangs" },
	{ "stuck:2", "killed", "the heap did not answer: see the kernel's log for a driver that hangs" },
	{ "kept", "still-charged", "16K are still charged after the buffers were freed: see lsdmem --buffers" },
};

static void fails(size_t i)
{
	char text[1000], filter[200];
	int code;

	tap_case("%s", failures[i].heap);
	begin(failures[i].heap);
	snprintf(text, sizeof(text), "problem: " CAMERA ": %s\n", failures[i].said);
	proves("--prove=" CAMERA, 1, text);
	code = doctor("-J --prove=" CAMERA);
	snprintf(filter, sizeof(filter), ".proofs[0] | .result == \"%s\" and .finding + \": \" + .remedy == $ENV.SAID",
		 failures[i].result);
	setenv("SAID", failures[i].said, 1);
	check(code == 1 && !jq(&t, filter), "JSON has the same result", "%d %s%s", code, get("json"), get("err"));
}

static void without_a_try(void)
{
	begin(NULL);
	tap_case("no region");
	proves("--prove=cma/none", 1, "problem: cma/none: no such region: see lsdmem\n");
	tap_case("a similar one");
	proves("--prove=camera@64000000", 1, "problem: camera@64000000: no such region: did you mean " CAMERA "?\n");
	tap_case("no heap of this name");
	proves("--prove=dma_heap/none", 1, "problem: dma_heap/none: no such heap: see ls /dev/dma_heap\n");
	tap_case("a region without a heap");
	put(CG "dmem.capacity", "%sdrm/0/vram 1048576\n", get(CG "dmem.capacity"));
	proves("--prove=drm/0/vram", 1, "problem: drm/0/vram: no heap allocates from this region: prove a region "
	       "that has a heap, see the column HEAPS of lsdmem\n");
	tap_case("the others are proved");
	proves("--prove=cma/none --prove=" CAMERA, 1, "problem: cma/none: no such region: see lsdmem\n" HOLDS);
	tap_case("the second of a name");
	put(CG "dmem.capacity", CAMERA " 41943040\n" CAMERA " 41943040\n");
	proves("--prove=" CAMERA "#2", 1, "problem: " CAMERA "#2: the kernel limits only the first of several "
	       "regions of one name: end the processes that hold files of the old device, see lsof and lsdmem "
	       "--buffers\n");
	begin(NULL);
	tap_case("not enabled");
	put(CG "cgroup.subtree_control", "cpu\n");
	put(CG "system.slice/cgroup.subtree_control", "%s", "");
	proves("--prove=" CAMERA, 1, "problem: " CAMERA ": the dmem controller is not enabled in any cgroup: run "
	       "systemctl enable --now dmem-controller.service, or write +dmem to "
	       "/sys/fs/cgroup/cgroup.subtree_control\n");
	tap_case("no controller");
	begin(NULL);
	unlink(tap_path(CG "dmem.capacity"));
	unlink(tap_path(CG "dmem.current"));
	put(CG "cgroup.controllers", "cpu\n");
	put(CG "cgroup.subtree_control", "cpu\n");
	proves("--prove=" CAMERA, 1, "problem: " CAMERA ": the kernel has no dmem controller: build it with "
	       "CONFIG_CGROUP_DMEM, which Linux has since 6.14, and do not boot with cgroup_disable=dmem\n");
	tap_case("the limit cannot be written");
	begin(NULL);
	setenv("FAKE_CG", "dmem.max:5", 1);
	proves("--prove=" CAMERA, 1, "problem: " CAMERA ": the limit cannot be written: see the kernel's log\n");
	setenv("FAKE_CG", "cgroup.procs:13", 1);
	tap_case("the process cannot be moved");
	check(doctor("--prove=" CAMERA) == 1 && strstr(get("out"), "the process cannot be moved to /dmem-prove-") &&
	      strstr(get("out"), ": Permission denied: run as root, or in a cgroup that is delegated\n"),
	      "is reported", "%s%s", get("out"), get("err"));
	begin("busy");
	setenv("FAKE_CG", "dmem.max:5", 1);
	tap_case("the limit cannot be written, and the cgroup stays");
	check(doctor("--prove=" CAMERA) == 1 &&
	      strstr(get("out"), ": the limit cannot be written: see the kernel's log; and rmdir "
		     "/sys/fs/cgroup/dmem-prove-"), "both are reported", "%s%s", get("out"), get("err"));
	unsetenv("FAKE_CG");
	begin("busy");
	tap_case("the cgroup stays");
	check(doctor("--prove=" CAMERA) == 1 &&
	      strstr(get("out"), "the scratch cgroup cannot be removed: Device or resource busy: rmdir "
		     "/sys/fs/cgroup/dmem-prove-"), "is reported", "%s%s", get("out"), get("err"));
}

/* The highest cgroup that this user may change is used: that of a delegated unit, if it is not
 * root's tree. */
static void place(void)
{
	begin("above:2:system.slice");
	put(CG "cgroup.subtree_control", "cpu\n");
	put(CG "system.slice/dmem.max", CAMERA " 8192\n");
	put(CG "system.slice/dmem.events.local", CAMERA " max=8 alloc_fail=0 exhausted=0 reserved=0\n");
	check(doctor("--prove=" CAMERA) == 1, "in system.slice", "%s", get("err"));
	check_text(get("out"), "problem: " CAMERA ": after 8K of 16K, the limit of /system.slice refused, which is "
		   "8K: prove it as root, or end processes whose memory is charged there, see lsdmem --tree\n",
		   "the cgroup above is named");
	setenv("FAKE_OWN", "0::/media.slice", 1);
	check(doctor("--prove=" CAMERA) == 1 && strstr(get("out"), "is not enabled in any cgroup"),
	      "only cgroups above this process are used", "%s%s", get("out"), get("err"));
	begin(NULL);
	check(!doctor("-J --prove=" CAMERA) && !jq(&t, ".proofs[0].cgroup | contains(\"/\") | not"),
	      "the root is the first choice", "%s", get("json"));
}

/* A run that was killed has left a cgroup. One that is locked belongs to a proof that runs, perhaps in another
 * namespace of process ids, where it can have the id of this one or of no process here. */
static void old_ones(void)
{
	static const char * const others[] = { "dmem-other-1", "dmem-prove-4000000-x", "dmem-prove-4000000x",
					       "dmem-prove-+4000000" };
	char name[300], locked[300];
	int lock, other_lock, n_there = 0;

	begin("limit");
	snprintf(name, sizeof(name), CG "dmem-prove-%d/cgroup.kill", (int)getpid());
	put(name, "%s", "");
	put(CG "dmem-prove-4000000-1/cgroup.kill", "%s", "");
	snprintf(locked, sizeof(locked), CG "dmem-prove-4000001/cgroup.kill");
	put(locked, "%s", "");
	lock = open(tap_path(locked), O_WRONLY | O_CLOEXEC);
	check(lock >= 0 && !flock(lock, LOCK_EX), "a proof runs", "there is no lock");
	*strrchr(name, '/') = *strrchr(locked, '/') = 0;
	/* Each user can do this. */
	other_lock = open(tap_path(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(other_lock >= 0 && !flock(other_lock, LOCK_EX), "a user locks another one", "there is no lock");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		char other[300];

		snprintf(other, sizeof(other), CG "%s/cgroup.procs", others[i]);
		put(other, "%s", "");
	}
	/* The fake heap finds one scratch cgroup only. */
	setenv("FAKE_CG", "dmem.max:5", 1);
	doctor("--prove=" CAMERA);
	unsetenv("FAKE_CG");
	close(lock);
	close(other_lock);
	check(!is_there(name) && !is_there(CG "dmem-prove-4000000-1"), "those without a lock are removed", "%s%s",
	      get("out"), get("err"));
	check(is_there(locked), "that of a proof that runs is not", "%s%s", get("out"), get("err"));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		char other[300];

		snprintf(other, sizeof(other), CG "%s", others[i]);
		n_there += is_there(other);
	}
	check(n_there == 4, "cgroups with other names are not", "%d are left", n_there);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	t = (struct tool){ .program = argv[1], .jq = argv[2], .dir = argv[3] };
	tap_start();
	tap_dir(t.dir);
	RUN(holds);
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++)
		RUN(fails, i);
	RUN(without_a_try);
	RUN(place);
	RUN(old_ones);
	begin(NULL);
	check(doctor("--prove") == 2 && strstr(get("err"), "option needs a value: --prove"), "a value is needed",
	      "%s", get("err"));
	expect(&t, "doctor --prove=" CAMERA, 1, NULL, "--sysroot cannot be combined with --prove");
	return tap_end();
}
