// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl doctor: each finding where there is one, alone, and nothing where nothing is
 * wrong.
 *
 * test_doctor DMEMCTL JQ DIRECTORY
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/look.h"
#include "units/word.h"
#include "board.h"

#define CAMERA_CG	CG "system.slice/camera.service/"
#define CAMERA_UNIT	LIB "camera.service"
#define SYSTEMD		"root/usr/lib/systemd/system-generators/dmem-generator"

static struct tool t;

static void no_cgroup2(void)
{
	unlink(tap_path(CG "cgroup.controllers"));
}

static void no_controller(void)
{
	put(CG "cgroup.controllers", "cpu dmemory xdmem\n");
	put("root/proc/cmdline", "quiet xcgroup_disable=dmem cgroup_disable=memory,dmemory "
				 "root=dmem\n");
}

static void disabled(void)
{
	put(CG "cgroup.controllers", "cpu\n");
	put("root/proc/cmdline", "quiet cgroup_disable=pids cgroup_disable=memory,dmem\n");
}

static void not_enabled(void)
{
	put(CG "cgroup.subtree_control", "cpu\n");
}

static void heap_not_accounted(void)
{
	put("root/sys/class/dma_heap/odd/dmem_region", "\n");
}

static void heap_does_not_tell(void)
{
	put("root/sys/class/dma_heap/odd/dev", "251:9\n");
}

static void no_generator(void)
{
	unlink(tap_path(SYSTEMD));
}

static void no_generator_needed(void)
{
	no_generator();
	put(CAMERA_UNIT, EXEC);
	put(LIB "media.slice", "%s", "");
}

static void masked_by_link(void)
{
	link_to("root/etc/systemd/system-generators/dmem-generator", "/dev/null");
}

static void masked_by_empty_file(void)
{
	put("root/run/systemd/system-generators/dmem-generator", "%s", "");
}

static void another_generator(void)
{
	put("root/etc/systemd/system-generators/dmem-generator", "x");
}

static void no_apply(void)
{
	unlink(tap_path("root/usr/libexec/dmem-apply"));
}

static void local_apply(void)
{
	no_apply();
	put("root/usr/local/libexec/dmem-apply", "x");
}

static void slice_unit_masked(void)
{
	link_to(ETC "dmem-slice@.service", "/dev/null");
}

static void controller_unit_masked(void)
{
	link_to(ETC "dmem-controller.service", "/dev/null");
}

static void no_region(void)
{
	put(LIB "stopped.service.d/a.conf", "[X-Dmem]\nDeviceMemoryMax=cma/none 1M\n");
	put(LIB "other.service", EXEC "[X-Dmem]\nDeviceMemoryMax=cma/none 1M\n");
}

static void limit_differs(void)
{
	put(CAMERA_CG "dmem.max", CAMERA " 20971520\n");
}

/* Its start went on without dmem-apply, or somebody else has lifted it. */
static void limit_not_set(void)
{
	put(CAMERA_CG "dmem.max", CAMERA " max\n");
}

#define MEDIA_PROPAGATES	"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 10M\nDeviceMemoryMinPropagate=yes\n"

/* A service that does not run has come, and the slice is still as before. */
static void slice_reserves_less(void)
{
	put(LIB "media.slice", MEDIA_PROPAGATES);
	put(LIB "late.service", EXEC "Slice=media.slice\n[X-Dmem]\nDeviceMemoryMin=" CAMERA " 4M\n");
}

/* The last service with a reservation is gone. */
static void slice_reserves_more(void)
{
	put(LIB "media.slice", MEDIA_PROPAGATES);
	put(CG "media.slice/dmem.min", CAMERA " 9437184\n");
	put(CG "media.slice/dmem.stat", CAMERA " local=0 dying=0 reserved=9437184 committed=9437184\n");
}

/* The service for a prefix or for all slices sets no reservation to 0. */
static void slice_of_all_reserves_more(void)
{
	slice_reserves_more();
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 10M\n");
	put(LIB "slice.d/x.conf", "[X-Dmem]\nDeviceMemoryMinPropagate=yes\n");
}

/* A service that never started names it. */
static void slice_reserves_nothing_there(void)
{
	put(LIB "media.slice", MEDIA_PROPAGATES);
	put(LIB "late.service", EXEC "Slice=media.slice\n[X-Dmem]\nDeviceMemoryMin=cma/none 4M\n");
}

static void slice_reserves_enough(void)
{
	slice_reserves_more();
	put(LIB "late.service", EXEC "Slice=media.slice\n[X-Dmem]\nDeviceMemoryMin=" CAMERA " 9M\n");
}

static void limit_is_rounded(void)
{
	put(CAMERA_UNIT, EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 25165825\n");
}

static void by_two_names(void)
{
	put(CAMERA_UNIT, EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 1M\n"
	    "DeviceMemoryMax=dma_heap/camera@64000000 24M\n");
}

static void instance_differs(void)
{
	put(LIB "eye@.service",
	    EXEC "[X-Dmem]\nDeviceMemoryMax=cma/%%%%i 1M\nDeviceMemoryMax=" CAMERA " 1M\n"
		 "DeviceMemoryMax=\nDeviceMemoryMin=" CAMERA " 50%%\n");
}

static void not_enabled_for_unit(void)
{
	static const char *const files[] = { "max",  "min",    "low", "current",
					     "peak", "events", "stat" };
	char path[300];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), CAMERA_CG "dmem.%s", files[i]);
		unlink(tap_path(path));
	}
}

static void mistake(void)
{
	put(LIB "stopped.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " lots\n");
}

static void obstacle(void)
{
	put(LIB "stopped.service", EXEC "RootImage=/x.raw\n[X-Dmem]\nDeviceMemoryMax=" CAMERA " 1M"
											      "\n");
}

static void no_obstacle(void)
{
	put(LIB "stopped.service", EXEC "RootImage=/x.raw\n");
}

/* ---- refused requests ---- */

#define SINCE	" since the cgroup was created"

static void events(const char *cgroup, const char *text)
{
	char path[300];

	snprintf(path, sizeof(path), CG "%s/dmem.events", cgroup);
	put(path, CAMERA " %s\n", text);
}

static void local_events(const char *cgroup, const char *text)
{
	char path[300];

	snprintf(path, sizeof(path), CG "%s/dmem.events.local", cgroup);
	put(path, DISPLAY " max=9 alloc_fail=9 exhausted=9 reserved=9\n" CAMERA " %s\n", text);
}

static void own_limit(void)
{
	events("system.slice", "max=3 alloc_fail=3 exhausted=0 reserved=0");
	events("system.slice/camera.service", "max=3 alloc_fail=3 exhausted=0 reserved=0");
}

static void own_limit_lifted(void)
{
	own_limit();
	put(CAMERA_UNIT, EXEC);
	put(CAMERA_CG "dmem.max", CAMERA " max\n");
}

/* The cgroup below that made the requests is gone: dmem.events has them, .local has not. */
static void local_counts(void)
{
	events("system.slice", "max=3 alloc_fail=3 exhausted=5 reserved=0");
	local_events("system.slice", "max=0 alloc_fail=0 exhausted=0 reserved=0");
	events("system.slice/camera.service", "max=1 alloc_fail=1 exhausted=0 reserved=0");
	local_events("system.slice/camera.service", "max=1 alloc_fail=1 exhausted=0 reserved=0");
}

static void limit_above(void)
{
	put(CG "system.slice/dmem.max", CAMERA " 10485760\n");
	events("system.slice", "max=2 alloc_fail=7 exhausted=0 reserved=0");
	local_events("system.slice", "max=2 alloc_fail=0 exhausted=0 reserved=0");
	events("system.slice/camera.service", "max=5 alloc_fail=7 exhausted=0 reserved=0");
	local_events("system.slice/camera.service", "max=5 alloc_fail=7 exhausted=0 reserved=0");
}

static void no_room_in_pieces(void)
{
	put("root/sys/kernel/debug/cma/camera@64000000/maxchunk", "4095\n");
	events("system.slice/camera.service", "max=0 alloc_fail=0 exhausted=37 reserved=0");
	events("system.slice", "max=0 alloc_fail=0 exhausted=37 reserved=0");
}

static void no_room_unseen(void)
{
	no_room_in_pieces();
	unlink(tap_path("root/sys/kernel/debug/cma/camera@64000000/maxchunk"));
}

static void no_room_busy(void)
{
	no_room_in_pieces();
	put("root/sys/kernel/debug/cma/camera@64000000/maxchunk", "8192\n");
}

static void no_room_full(void)
{
	no_room_in_pieces();
	put("root/sys/kernel/mm/cma/camera@64000000/available_pages", "16\n");
	put("root/sys/kernel/debug/cma/camera@64000000/maxchunk", "1\n");
}

static void no_room_nearly_full(void)
{
	no_room_in_pieces();
	put("root/sys/kernel/mm/cma/camera@64000000/available_pages", "1279\n");
	put("root/sys/kernel/debug/cma/camera@64000000/maxchunk", "1279\n");
}

static void no_room_once_full(void)
{
	no_room_in_pieces();
	put("root/sys/kernel/debug/cma/camera@64000000/maxchunk", "8192\n");
	put(CG "dmem.peak", CAMERA " 36700161\n");
}

static void no_room_never_full(void)
{
	no_room_once_full();
	put(CG "dmem.peak", CAMERA " 36700160\n");
}

static void no_room_for_others(void)
{
	no_room_full();
	put("root/sys/kernel/mm/cma/camera@64000000/unaccounted_pages", "8192\n");
}

static void reserved_for_others(void)
{
	put(CG "media.slice/dmem.min", CAMERA " 9437184\n");
	put(CG "media.slice/dmem.stat", CAMERA " local=0 dying=0 reserved=9437184 committed=9437184\n");
	events("system.slice", "max=0 alloc_fail=0 exhausted=0 reserved=1");
	events("system.slice/camera.service", "max=0 alloc_fail=0 exhausted=0 reserved=1");
}

static void of_a_path(void)
{
	static const char cg[] = "machine.slice/machine-qemu\\x2d1.scope/a b";
	struct fake f = { .kernel = FAKE_OURS, .n = 1, .region = { { CAMERA, 40 * MIB } } };
	const struct fake_use use = { CAMERA, .current = 1 * MIB, .max = 2 * MIB, .ev_max = 1,
				      .alloc_fail = 1 };

	fake_cgroup(&f, cg, &use, 1);
}

/* Only with --runtime does set take a scope, and none of the other units but by its path. */
static void of_a_scope(void)
{
	struct fake f = { .kernel = FAKE_OURS, .n = 1, .region = { { CAMERA, 40 * MIB } } };
	const struct fake_use use = { CAMERA, .current = 1 * MIB, .max = 2 * MIB, .ev_max = 1,
				      .alloc_fail = 1 };

	fake_cgroup(&f, "system.slice/lone.scope", &use, 1);
	fake_cgroup(&f, "system.slice/far.mount", &use, 1);
}

/* ---- limit files of others ---- */

static void anybody_writes(void)
{
	chmod(tap_path(CAMERA_CG "dmem.max"), 0666);
}

static void anybody_writes_below(void)
{
	anybody_writes();
	put(CG "system.slice/dmem.max", CAMERA " 25165824\n");
}

static void anybody_writes_both(void)
{
	anybody_writes_below();
	chmod(tap_path(CG "system.slice/dmem.max"), 0666);
}

static void own_business(void)
{
	struct fake f = { .kernel = FAKE_OURS, .n = 1, .region = { { CAMERA, 40 * MIB } } };
	const struct fake_use use = { CAMERA, .max = 2 * MIB };

	fake_cgroup(&f, "system.slice/box.service/payload", &use, 1);
	chmod(tap_path(CG "system.slice/box.service/payload/dmem.max"), 0666);
}

/* ---- reservations that the kernel does not show ---- */

static void min_without_stat(void)
{
	put(CAMERA_CG "dmem.min", CAMERA " 8388608\n");
	unlink(tap_path(CAMERA_CG "dmem.stat"));
	put(CG "system.slice/dmem.min", CAMERA " 4194304\n");
	put(CG "system.slice/dmem.stat", CAMERA " local=0 dying=0 reserved=4194304 committed=4194304\n");
}

/* Below a cgroup that lacks as much, and is reported. */
static void min_below_another(void)
{
	struct fake f = { .kernel = FAKE_OURS, .n = 1, .region = { { "drm/0/vram", 512 * MIB } } };
	const struct fake_use use = { "drm/0/vram", .min = 2 * MIB };

	fake_cgroup(&f, "", NULL, 0);
	put(CG "dmem.capacity", CAMERA " 41943040\ndrm/0/vram 536870912\n");
	fake_cgroup(&f, "job.scope", NULL, 0);
	fake_cgroup(&f, "job.scope/job_1", &use, 1);
	fake_cgroup(&f, "job.scope/job_1/step_0", &use, 1);
}

static void min_with_enough_above(void)
{
	min_without_stat();
	put(CG "system.slice/dmem.min", CAMERA " 8388608\n");
	put(CG "system.slice/dmem.stat", CAMERA " local=0 dying=0 reserved=8388608 committed=8388608\n");
}

static void min_of_system_heap(void)
{
	put(CAMERA_CG "dmem.min", SYSTEM " 8388608\n");
}

static void min_of_system_heap_above_max(void)
{
	put(CAMERA_CG "dmem.min", SYSTEM " 2097152000\n");
	put(CAMERA_CG "dmem.max", CAMERA " 25165824\n" SYSTEM " 1048576\n");
}

/* As a kernel without dmem.stat, and as one that has all of it reserved. */
static void min_above_capacity(void)
{
	put(CG "system.slice/dmem.min", CAMERA " 4294967296\n");
	unlink(tap_path(CG "system.slice/dmem.stat"));
	put(CAMERA_CG "dmem.min", CAMERA " 41943041\n");
	put(CAMERA_CG "dmem.stat", CAMERA " local=0 dying=0 reserved=41943041 committed=41943041\n");
}

static void two_min(const char *one, const char *other)
{
	put(CG "system.slice/dmem.min", CAMERA " %s\n", one);
	put(CG "system.slice/dmem.stat", CAMERA " local=0 dying=0 reserved=%s committed=0\n", one);
	put(CG "media.slice/dmem.min", CAMERA " %s\n", other);
	unlink(tap_path(CG "media.slice/dmem.stat"));
	put(CG "media.slice/dmem.max", CAMERA " max\n");
	put(LIB "media.slice", "%s", "");
}

static void min_sum_above_capacity(void)
{
	two_min("20971520", "20975616");
}

static void min_sum_with_all(void)
{
	two_min("4096", "max");
}

static void min_sum_is_capacity(void)
{
	two_min("20971520", "20971520");
}

/* ---- a renamed area ---- */

static void renamed(void)
{
	static const struct fake f = { .kernel = FAKE_OURS };

	put(CG "dmem.capacity", "cma/reserved 268435456\n");
	put(CG "dmem.current", "cma/reserved 0\n");
	put("root/proc/cmdline", "console=ttyS0 cma=256M\n");
	fake_heap(&f, "default_cma_region", "cma/reserved");
	unlink(tap_path(LIB "media.slice"));
	put(CAMERA_UNIT, EXEC "[X-Dmem]\nDeviceMemoryMax=cma/linux,cma 1M\n");
	put(CG "dmem.stat", "%s", "");
}

static void renamed_back(void)
{
	renamed();
	put(CG "dmem.capacity", "cma/linux,cma 268435456\n");
	put(CG "dmem.current", "cma/linux,cma 0\n");
	put("root/sys/class/dma_heap/default_cma_region/dmem_region", "cma/linux,cma\n");
	put("root/proc/cmdline", "console=ttyS0 cma=0\n");
	put(CAMERA_UNIT, EXEC "[X-Dmem]\nDeviceMemoryMax=cma/reserved 1M\n");
}

#define SECTION	"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 1M\n"

static void in_quadlet(void)
{
	put("root/etc/containers/systemd/eye.container", "[Container]\n" SECTION);
	put("root/run/systemd/generator/eye.service",
	    "[Unit]\nSourcePath=/etc/containers/systemd/eye.container\n" SECTION);
}

static void generated(void)
{
	put("root/run/systemd/generator/other.service", EXEC SECTION);
}

static void of_user(void)
{
	put("root/etc/passwd", "u:x:1000:1000::/var/home/u:/bin/sh\n");
	put("root/var/home/u/.config/systemd/user/eye.service", EXEC SECTION);
}

static void in_socket(void)
{
	put(LIB "eye.socket", "[Socket]\nListenStream=/run/eye\n");
	put(ETC "eye.socket.d/a.conf", SECTION);
}

static void without_d(void)
{
	put(ETC "camera.service/50-dmem.conf", SECTION);
}

static void of_docker(void)
{
	put(LIB "docker.service", "[Service]\nExecStart=/usr/bin/dockerd\n");
	put(ETC "docker.service.d/a.conf", SECTION);
}

static void of_docker_for_all(void)
{
	put(LIB "docker.service", "[Service]\nExecStart=/usr/bin/dockerd\n");
	put(ETC "service.d/a.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " max\n");
	/* A drop-in comes after the unit file. */
	put(ETC "camera.service.d/b.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24M\n");
}

static void max_above_capacity(void)
{
	put(CG "system.slice/other.service/dmem.max", DISPLAY " 50331649\n");
}

static void max_is_capacity(void)
{
	put(CG "media.slice/dmem.max", CAMERA " max\n");
	put(LIB "media.slice", "%s", "");
	put(CAMERA_UNIT, EXEC);
	put(CAMERA_CG "dmem.max", CAMERA " 41943040\n");
}

static void max_below_peak(void)
{
	put(CAMERA_CG "dmem.peak", CAMERA " 25165825\n");
}

static void max_below_current(void)
{
	put(CAMERA_CG "dmem.max", CAMERA " 8388607\n");
	put(CAMERA_UNIT, EXEC);
}

static void max_is_current(void)
{
	put(CAMERA_CG "dmem.max", CAMERA " 8388608\n");
	put(CAMERA_CG "dmem.peak", CAMERA " 8388608\n");
	put(CAMERA_UNIT, EXEC);
}

static void max_is_peak(void)
{
	put(CAMERA_CG "dmem.peak", CAMERA " 25165824\n");
}

static void min_above_max(void)
{
	put(CAMERA_CG "dmem.min", CAMERA " 25165825\n");
}

static void min_is_max(void)
{
	put(CAMERA_CG "dmem.min", CAMERA " 25165824\n");
	put(CAMERA_CG "dmem.stat", CAMERA " local=8388608 dying=0 reserved=25165824 "
					  "committed=25165824\n");
}

static void min_not_kept(void)
{
	put(CAMERA_CG "dmem.min", CAMERA " 8388608\n");
	put(CAMERA_CG "dmem.stat", CAMERA " local=8388608 dying=0 reserved=4194304 "
					  "committed=8388608\n");
}

static void min_is_kept(void)
{
	put(CAMERA_CG "dmem.min", CAMERA " 8388608\n");
	put(CAMERA_CG "dmem.stat", CAMERA " local=8388608 dying=0 reserved=8388608 "
					  "committed=8388608\n");
}

/* 24M + 30M of 40M is there from the start: see base(). */
static void limits_fit(void)
{
	put(CG "media.slice/dmem.max", CAMERA " 16777216\n");
	put(LIB "media.slice", "%s", "");
}

static void limits_do_not_fit(void)
{
	put(CG "media.slice/dmem.max", CAMERA " 16777217\n");
	put(LIB "media.slice", "%s", "");
}

/* A cgroup below the slice has no more than the slice. */
static void limits_within_slice(void)
{
	limits_fit();
	put(CG "system.slice/other.service/dmem.max", CAMERA " 41943040\n");
	put(CG "system.slice/dmem.max", CAMERA " 25165824\n");
}

static void in_pieces(void)
{
	put("root/sys/kernel/debug/cma/camera@64000000/maxchunk", "4095\n");
}

static void in_few_pieces(void)
{
	put("root/sys/kernel/debug/cma/camera@64000000/maxchunk", "4096\n");
}

static void dying(void)
{
	put(CG "dmem.stat", CAMERA " local=0 dying=3145728 reserved=0 committed=0\n");
}

/* One of them is of a cgroup that is there. */
static void dying_with_buffers(void)
{
	static const struct fake ours = { .kernel = FAKE_OURS };
	struct fake_buffer b[] = {
		{ .ino = 71, .size = 3 * MIB, .exporter = "camera@64000000", .region = CAMERA },
		{ .ino = 72, .size = 1 * MIB, .exporter = "camera@64000000", .region = CAMERA },
	};

	dying();
	b[0].cgroup = 999999999;
	b[1].cgroup = fake_cgroup_id("system.slice/camera.service");
	fake_process(77, "hog\x1b[31m");
	fake_fd(&ours, 77, 5, &b[0]);
	fake_fd(&ours, 77, 6, &b[1]);
}

/* Nothing is counted as dying, and yet more is charged than the cgroups have. */
static void leaked(void)
{
	static const struct fake ours = { .kernel = FAKE_OURS };
	struct fake_buffer b = {
		.ino = 71, .size = 8 * MIB, .exporter = "camera@64000000", .region = CAMERA,
		.cgroup = 999999999,
	};

	put(CG "dmem.current", CAMERA " 16777216\n" DISPLAY " 0\n" SYSTEM " 0\n");
	fake_process(812, "decoder");
	fake_fd(&ours, 812, 7, &b);
}

static void unreadable(void)
{
	chmod(tap_path("root/sys/kernel/debug"), 0);
	chmod(tap_path(CAMERA_CG "dmem.peak"), 0);
}

/* Control characters in a cgroup's name do not reach the terminal. */
static void bad_name(void)
{
	struct fake f = { .kernel = FAKE_OURS, .n = 1, .region = { { DISPLAY, 48 * MIB } } };
	static const struct fake_use use = { DISPLAY, .max = 49 * MIB };

	fake_cgroup(&f, "x\x1b[31m", &use, 1);
}

/* Nothing to say: the limits of the two units fit. */
static void base(void)
{
	board(&t);
	put(CG "media.slice/dmem.max", CAMERA " 10485760\n");
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 10M\n");
}

static const struct {
	const char *name;
	void (*make)(void);
	const char *said;		/* with a line break after it; NULL: all is well */
	int code;
} cases[] = {
	{ "no cgroup v2", no_cgroup2,
	  "problem: /sys/fs/cgroup: no cgroup v2 tree is mounted: boot with "
	  "systemd.unified_cgroup_hierarchy=1\n",
	  1 },
	{ "no controller", no_controller,
	  "problem: /sys/fs/cgroup: the kernel has no dmem controller: "
	  "build it with CONFIG_CGROUP_DMEM, which Linux has since 6.14\n",
	  1 },
	{ "it is disabled", disabled,
	  "problem: /proc/cmdline: cgroup_disable=dmem disables the controller: remove it from the "
	  "configuration of the boot loader\n",
	  1 },
	{ "it is not enabled", not_enabled,
	  "problem: /sys/fs/cgroup: the dmem controller is not enabled in any cgroup: run systemctl enable "
	  "--now dmem-controller.service\n",
	  1 },
	{ "a heap is not accounted", heap_not_accounted,
	  "problem: /dev/dma_heap/odd: not accounted, so a process that can open it can exhaust the memory "
	  "behind it: see the boot log for the reason, and restrict access to the device until then\n",
	  1 },
	{ "a heap does not tell", heap_does_not_tell,
	  "note: /dev/dma_heap/odd: the kernel does not report its region: use a kernel with the patches for "
	  "dmem regions of heaps\n",
	  0 },
	{ "no generator", no_generator,
	  "problem: dmem-generator: not installed, so the units' sections [X-Dmem] have no effect: install "
	  "dmem-systemd\n",
	  1 },
	{ "no generator, and no section", no_generator_needed, NULL, 0 },
	{ "the generator is masked", masked_by_link,
	  "problem: etc/systemd/system-generators/dmem-generator: masks the generator, so the units' sections "
	  "[X-Dmem] have no effect: remove this file, and run systemctl daemon-reload\n",
	  1 },
	{ "it is masked by an empty file", masked_by_empty_file,
	  "problem: run/systemd/system-generators/dmem-generator: masks the generator, so the units' sections "
	  "[X-Dmem] have no effect: remove this file, and run systemctl daemon-reload\n",
	  1 },
	{ "another generator is no mask", another_generator, NULL, 0 },
	{ "no dmem-apply", no_apply,
	  "problem: /usr/libexec/dmem-apply: missing, so no unit gets its limits: install dmem-systemd\n",
	  1 },
	{ "one in /usr/local", local_apply, NULL, 0 },
	{ "dmem-slice@ is masked", slice_unit_masked,
	  "problem: dmem-slice@.service: masked, so no slice gets its limits: run systemctl unmask "
	  "dmem-slice@.service\n",
	  1 },
	{ "dmem-controller is masked", controller_unit_masked,
	  "note: dmem-controller.service: masked, so the controller is enabled only when the first unit needs "
	  "it: run systemctl unmask dmem-controller.service\n",
	  0 },
	{ "a section names no region", no_region,
	  "problem: other.service: its section limits cma/none, which is not a region: see lsdmem for the "
	  "names, and load the driver of the region\n",
	  1 },
	{ "a limit is not as in the section", limit_differs,
	  "problem: camera.service: its section sets max=" CAMERA "=24M, but dmem.max of " CAMERA
	  " is 20M: dmemctl apply camera.service\n",
	  1 },
	{ "a limit of the section is not set", limit_not_set,
	  "problem: camera.service: its section sets max=" CAMERA "=24M, but dmem.max of " CAMERA
	  " is max: dmemctl apply camera.service\n",
	  1 },
	{ "a slice reserves less than the units in it", slice_reserves_less,
	  "problem: media.slice: its section sets min=" CAMERA "=4M, but dmem.min of " CAMERA
	  " is 0B: dmemctl apply media.slice\n",
	  1 },
	{ "a slice reserves for nobody", slice_reserves_more,
	  "note: media.slice: reserves 9M of " CAMERA ", which no unit in it reserves any more: systemctl start "
	  "dmem-slice@media.service\n",
	  0 },
	{ "a slice of many reserves for nobody", slice_of_all_reserves_more,
	  "note: media.slice: reserves 9M of " CAMERA ", which no unit in it reserves any more: dmemctl set /media.slice "
	  "--min=" CAMERA "=0\n",
	  0 },
	{ "a unit in a slice names no region", slice_reserves_nothing_there,
	  "note: media.slice: units in it reserve cma/none, which is not a region: see lsdmem for the names, and load the "
	  "driver of the region\n",
	  0 },
	{ "a slice reserves as much as the units in it", slice_reserves_enough, NULL, 0 },
	{ "the kernel rounds", limit_is_rounded, NULL, 0 },
	{ "the last one of a region counts", by_two_names, NULL, 0 },
	{ "a limit of an instance", instance_differs,
	  "problem: eye@left.service: its section sets min=" CAMERA "=50%, but dmem.min of " CAMERA
	  " is 0B: dmemctl apply eye@left.service\n",
	  1 },
	{ "not enabled for a unit", not_enabled_for_unit,
	  "problem: camera.service: has a section, but the controller is not enabled for its cgroup: dmemctl "
	  "apply camera.service\n",
	  1 },
	{ "a mistake", mistake,
	  "problem: stopped.service: its section has a mistake in /usr/lib/systemd/system/stopped.service:4: "
	  "see dmemctl verify\n",
	  1 },
	{ "an obstacle", obstacle,
	  "problem: stopped.service: RootImage= in /usr/lib/systemd/system/stopped.service:3 keeps limits from "
	  "being set inside it: limit its slice\n",
	  1 },
	{ "it is none without a section", no_obstacle, NULL, 0 },
	{ "a section in a quadlet", in_quadlet,
	  "problem: /etc/containers/systemd/eye.container:2: [X-Dmem] is in a quadlet, which dmem-generator "
	  "does not read: put it into /etc/systemd/system/eye.service.d/50-dmem.conf, the drop-in of the "
	  "service generated from the quadlet\n",
	  1 },
	{ "a section in a generated unit", generated,
	  "problem: /run/systemd/generator/other.service:3: [X-Dmem] is in a file that a generator has written, "
	  "which dmem-generator does not read: put it into /etc/systemd/system/other.service.d/50-dmem.conf\n",
	  1 },
	{ "a section in a user's unit", of_user,
	  "problem: /var/home/u/.config/systemd/user/eye.service:3: [X-Dmem] is in a unit of a user, which "
	  "dmem-generator does not read: limit all processes of this user, in "
	  "/etc/systemd/system/user-1000.slice.d/50-dmem.conf\n",
	  1 },
	{ "a section in a socket", in_socket,
	  "problem: /etc/systemd/system/eye.socket.d/a.conf:1: [X-Dmem] has no effect in a socket unit: put it "
	  "into /etc/systemd/system/eye.service.d/50-dmem.conf, or limit the slice of the socket\n",
	  1 },
	{ "a directory without .d", without_d,
	  "problem: /etc/systemd/system/camera.service/50-dmem.conf:1: [X-Dmem] is in a directory whose name does "
	  "not end in .d, which systemd does not read: rename it to "
	  "/etc/systemd/system/camera.service.d/50-dmem.conf\n",
	  1 },
	{ "a limit of a container daemon", of_docker,
	  "note: docker.service: its limit does not apply to its containers, which are in "
	  "system.slice/docker-ID.scope or in their cgroup_parent: limit a slice, in "
	  "/etc/systemd/system/NAME.slice.d/50-dmem.conf, and give it "
	  "to the containers: cgroup_parent: NAME.slice of Compose, or --cgroup-parent=NAME.slice, see "
	  "docs/containers.md\n",
	  0 },
	{ "a limit for all services is meant for the daemon", of_docker_for_all, NULL, 0 },
	{ "its own limit refused", own_limit,
	  "note: system.slice/camera.service: its own limit refused 3 requests for " CAMERA SINCE
	  "; now 8M of 24M are charged: if the cgroup needs more: dmemctl set camera.service --max=" CAMERA
	  "=SIZE, and dmemctl plan proposes a size\n",
	  0 },
	{ "its own limit refused, and is lifted", own_limit_lifted,
	  "note: system.slice/camera.service: its own limit refused 3 requests for " CAMERA SINCE
	  "; the cgroup has no limit now: set a limit again, unless it was removed on purpose\n",
	  0 },
	{ "requests of cgroups that are gone", local_counts,
	  "note: system.slice/camera.service: its own limit refused 1 request for " CAMERA SINCE
	  "; now 8M of 24M are charged: if the cgroup needs more: dmemctl set camera.service --max=" CAMERA
	  "=SIZE, and dmemctl plan proposes a size\n",
	  0 },
	{ "a limit above refused", limit_above,
	  "note: system.slice: its own limit refused 2 requests for " CAMERA SINCE
	  "; now 8M of 10M are charged: if the cgroup needs more: dmemctl set system.slice --max=" CAMERA
	  "=SIZE, and dmemctl plan proposes a size\n"
	  "note: system.slice/camera.service: its own limit refused 5 requests for " CAMERA SINCE
	  "; now 8M of 24M are charged: if the cgroup needs more: dmemctl set camera.service --max=" CAMERA
	  "=SIZE, and dmemctl plan proposes a size\n"
	  "note: system.slice/camera.service: the limit of system.slice refused 2 requests for " CAMERA
	  SINCE "; there, now 8M of 10M are charged: raise that limit, or lower the limits of the other "
		  "cgroups in it"
	  "\n",
	  0 },
	{ "no room, in pieces", no_room_in_pieces,
	  "note: system.slice/camera.service: no room for 37 requests for " CAMERA SINCE
	  "; now 32M of the region are free, in pieces of 16M at most: the region is fragmented: restart the "
	  "processes that hold small buffers, see lsdmem --buffers\n"
	  "note: " CAMERA ": 32M are free, in pieces of 16M at most: restart the processes that hold small "
	  "buffers in between, see lsdmem --buffers\n",
	  0 },
	{ "no room, and the pieces cannot be seen", no_room_unseen,
	  "note: system.slice/camera.service: no room for 37 requests for " CAMERA SINCE
	  "; now 32M of the region are free, so it may be fragmented, or have pages that could not be moved, "
	  "which this kernel does not show: to see fragmentation, build the kernel with CONFIG_CMA_DEBUGFS, "
	  "mount debugfs, and see the column LARGEST of lsdmem as root\n",
	  0 },
	{ "no room, in one piece", no_room_busy,
	  "note: system.slice/camera.service: no room for 37 requests for " CAMERA SINCE
	  "; now 32M of the region are free, the largest piece is 32M, so pages that could not be moved may be "
	  "the reason: allocate early and keep the buffers, or make the region larger: busy page cache and "
	  "pinned pages can be in a CMA area\n",
	  0 },
	{ "no room, and full", no_room_full,
	  "note: system.slice/camera.service: no room for 37 requests for " CAMERA SINCE
	  "; now 64K of the region are free: limit the cgroups that use the region, or make it larger: run "
	  "dmemctl record, then dmemctl plan\n",
	  0 },
	{ "no room, and nearly full", no_room_nearly_full,
	  "note: system.slice/camera.service: no room for 37 requests for " CAMERA SINCE
	  "; now 5M of the region are free: limit the cgroups that use the region, or make it larger: run "
	  "dmemctl record, then dmemctl plan\n",
	  0 },
	{ "no room, and it was full once", no_room_once_full,
	  "note: system.slice/camera.service: no room for 37 requests for " CAMERA SINCE
	  "; now 32M of the region are free, but its peak was 35M, so it may have been full: limit the cgroups "
	  "that use the region, or make it larger: run dmemctl record, then dmemctl plan\n",
	  0 },
	{ "no room, and it was never full", no_room_never_full,
	  "note: system.slice/camera.service: no room for 37 requests for " CAMERA SINCE
	  "; now 32M of the region are free, the largest piece is 32M, so pages that could not be moved may be "
	  "the reason: allocate early and keep the buffers, or make the region larger: busy page cache and "
	  "pinned pages can be in a CMA area\n",
	  0 },
	{ "no room, and much is not charged", no_room_for_others,
	  "note: system.slice/camera.service: no room for 37 requests for " CAMERA SINCE
	  "; now 64K of the region are free, and 32M are in use without a charge: limit the cgroups that use "
	  "the region, or make it larger: run dmemctl record, then dmemctl plan\n",
	  0 },
	{ "reserved for others", reserved_for_others,
	  "note: system.slice/camera.service: reservations of other cgroups refused 1 request "
	  "for " CAMERA SINCE "; now media.slice has reserved 9M and uses 0B: lower dmem.min of the other "
	  "cgroups, or set dmem.min of this cgroup as well\n",
	  0 },
	{ "a name that a shell needs in quotes", of_a_path,
	  "note: machine.slice/machine-qemu\\x2d1.scope/a b: its own limit refused 1 request for " CAMERA
	  SINCE "; now 1M of 2M are charged: if the cgroup needs more: dmemctl set "
	  "'/machine.slice/machine-qemu\\x2d1.scope/a b' --max=" CAMERA "=SIZE, and dmemctl plan proposes a size"
	  "\n",
	  0 },
	{ "of a scope and of a mount", of_a_scope,
	  "note: system.slice/far.mount: its own limit refused 1 request for " CAMERA SINCE "; now 1M of 2M "
	  "are charged: if the cgroup needs more: dmemctl set /system.slice/far.mount --max=" CAMERA "=SIZE, "
	  "and dmemctl plan proposes a size\n"
	  "note: system.slice/lone.scope: its own limit refused 1 request for " CAMERA SINCE "; now 1M of 2M "
	  "are charged: if the cgroup needs more: dmemctl set --runtime lone.scope --max=" CAMERA "=SIZE, and "
	  "dmemctl plan proposes a size\n",
	  0 },
	{ "anybody can write to a limit", anybody_writes,
	  "problem: system.slice/camera.service: every user can write to its dmem.max and remove its limit of "
	  CAMERA "; no cgroup above has a limit that holds: make root the owner of the file, or dmemctl set "
		  "system.slice --max=" CAMERA "=SIZE\n",
	  1 },
	{ "a limit above holds", anybody_writes_below,
	  "note: system.slice/camera.service: every user can write to its dmem.max and remove its limit of "
	  CAMERA "; the limit of system.slice, 24M, still holds: change nothing if that limit is low enough\n",
	  0 },
	{ "a limit above does not hold either", anybody_writes_both,
	  "problem: system.slice: every user can write to its dmem.max and remove its limit of "
	  CAMERA "; no cgroup above has a limit that holds: make root the owner of the file, and put the "
		  "cgroup into a slice with a limit\n"
	  "problem: system.slice/camera.service: every user can write to its dmem.max and remove its limit of "
	  CAMERA "; no cgroup above has a limit that holds: make root the owner of the file, or dmemctl set "
		  "system.slice --max=" CAMERA "=SIZE\n",
	  1 },
	{ "a delegated unit limits itself", own_business,
	  "note: system.slice/box.service/payload: every user can write to its dmem.max and remove its limit "
	  "of "
	  CAMERA "; no cgroup above has a limit that holds: make root the owner of the file, or dmemctl set "
		  "box.service --max=" CAMERA "=SIZE\n",
	  0 },
	{ "dmem.min, and less above", min_without_stat,
	  "problem: system.slice/camera.service: dmem.min of " CAMERA " is 8M, and system.slice above reserves "
	  "only 4M, which bounds it: reserve as much for each cgroup above, and not more than the region has\n",
	  1 },
	{ "dmem.min of a cgroup below another", min_below_another,
	  "problem: job.scope/job_1: dmem.min of drm/0/vram is 2M, and job.scope above reserves only 0B, which "
	  "bounds it: reserve as much for each cgroup above, and not more than the region has\n",
	  1 },
	{ "dmem.min, and as much above", min_with_enough_above, NULL, 0 },
	{ "dmem.min of the system heap", min_of_system_heap,
	  "problem: system.slice/camera.service: dmem.min of " SYSTEM " is 8M, but the kernel has no "
	  "reservations for this region: set it to 0, and limit the other cgroups\n",
	  1 },
	{ "dmem.min of the system heap, above all else", min_of_system_heap_above_max,
	  "problem: system.slice/camera.service: dmem.min of " SYSTEM " is 2G, but the kernel has no "
	  "reservations for this region: set it to 0, and limit the other cgroups\n",
	  1 },
	{ "dmem.min above the region", min_above_capacity,
	  "problem: system.slice: dmem.min of " CAMERA " is 4G, but the region has only 40M: lower it\n"
	  "problem: system.slice/camera.service: dmem.min of " CAMERA " is 41943041, but the region has only "
	  "41943040: lower it\n",
	  1 },
	{ "reservations add up to more", min_sum_above_capacity,
	  "problem: " CAMERA ": the reservations add up to 41947136, but the region has only 41943040: not all "
	  "of them can be met: lower dmem.min of some cgroups directly below the root\n",
	  1 },
	{ "one reserves all, and another", min_sum_with_all,
	  "problem: " CAMERA ": the reservations add up to 41947136, but the region has only 41943040: not all "
	  "of them can be met: lower dmem.min of some cgroups directly below the root\n",
	  1 },
	{ "reservations add up to the region", min_sum_is_capacity, NULL, 0 },
	{ "cma= on the command line", renamed,
	  "problem: camera.service: its section limits cma/linux,cma, which is not a region: write "
	  "cma/reserved: cma= in /proc/cmdline replaces the default area of the device tree; "
	  "dma_heap/default_cma_region is the default area in both cases\n",
	  1 },
	{ "no cma= on the command line", renamed_back,
	  "problem: camera.service: its section limits cma/reserved, which is not a region: write "
	  "cma/linux,cma: the default area has the other name with cma= in /proc/cmdline only; "
	  "dma_heap/default_cma_region is the default area in both cases\n",
	  1 },
	{ "dmem.max above the capacity", max_above_capacity,
	  "problem: system.slice/other.service: dmem.max of " DISPLAY
	  " is 50331649, but the region has only 50331648: lower it, or set max\n",
	  1 },
	{ "dmem.max at the capacity", max_is_capacity, NULL, 0 },
	{ "dmem.max below the peak", max_below_peak,
	  "note: system.slice/camera.service: dmem.max of " CAMERA
	  " is 25165824, but its peak was 25165825: raise it, unless the cgroup needs less now\n",
	  0 },
	{ "dmem.max at the peak", max_is_peak, NULL, 0 },
	{ "dmem.max below the charge", max_below_current,
	  "problem: system.slice/camera.service: dmem.max of " CAMERA " is 8388607, but 8388608 are charged: "
	  "restart the processes that hold the memory, see lsdmem --buffers\n",
	  1 },
	{ "dmem.max at the charge", max_is_current, NULL, 0 },
	{ "dmem.min above dmem.max", min_above_max,
	  "problem: system.slice/camera.service: dmem.min of " CAMERA
	  " is 25165825, but dmem.max is only 25165824: raise dmem.max, or lower dmem.min\n",
	  1 },
	{ "dmem.min at dmem.max", min_is_max, NULL, 0 },
	{ "dmem.min is not kept", min_not_kept,
	  "problem: system.slice/camera.service: dmem.min of " CAMERA
	  " is 8M, but only 4M of it are effective: reserve as much for each cgroup above, and not more than "
	  "the region has\n",
	  1 },
	{ "dmem.min is kept", min_is_kept, NULL, 0 },
	{ "caps add up to the region", limits_fit, NULL, 0 },
	{ "caps add up to more", limits_do_not_fit,
	  "note: " CAMERA ": the limits add up to 41943041, but the region has only 41943040: not all of them "
	  "can be used at once: lower some limits, or set dmem.min for the memory that must be available\n",
	  0 },
	{ "a slice holds its units", limits_within_slice, NULL, 0 },
	{ "free in pieces", in_pieces,
	  "note: " CAMERA ": 32M are free, in pieces of 16M at most: restart the "
	  "processes that hold small buffers in between, see lsdmem --buffers\n",
	  0 },
	{ "free in two pieces", in_few_pieces, NULL, 0 },
	{ "removed cgroups hold memory", dying,
	  "problem: " CAMERA ": 3M are charged to removed cgroups: end the processes that hold the memory, see "
	  "lsdmem --buffers\n",
	  1 },
	{ "and who holds it", dying_with_buffers,
	  "problem: " CAMERA ": 3M are charged to removed cgroups: end the processes that hold the memory, see "
	  "lsdmem --buffers\nnote: " CAMERA ": a buffer of 3M, whose cgroup was removed, is held by "
	  "hog\\x1b[31m (pid 77): end or restart these processes\n",
	  1 },
	{ "a buffer that is not counted as one of a removed cgroup", leaked,
	  "note: " CAMERA ": a buffer of 8M, whose cgroup was removed, is held by decoder (pid 812): end or "
	  "restart these processes\n",
	  0 },
	{ "a cgroup's name is harmless", bad_name,
	  "problem: x\\x1b[31m: dmem.max of " DISPLAY " is 49M, but the region has only 48M: lower it, or set "
	  "max\n",
	  1 },
};

static void one(size_t i)
{
	char text[4200], json[200];
	size_t lines = 0;
	int code;

	tap_case("%s", cases[i].name);
	base();
	cases[i].make();
	code = tool(&t, "doctor");
	snprintf(text, sizeof(text), "%s", get("out"));
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	check(code == cases[i].code && !*get("err") &&
		      (cases[i].said ? !strcmp(text, cases[i].said)
				     : strstr(text, "no problems: ") == text),
	      "the text", "exit code %d: %s%s", code, text, get("err"));
	code = tool(&t, "doctor --json");
	if (!cases[i].said)
		snprintf(json, sizeof(json), ".findings == []");
	else
		snprintf(json, sizeof(json),
			 "(.findings | length) == %zu and all(.findings[]; keys == [\"finding\", "
			 "\"remedy\", \"severity\", \"subject\"] and all(.[]; . != null and . != "
			 "\"\"))",
			 lines);
	check(code == cases[i].code && !jq(&t, json), "JSON has the same findings",
	      "exit code %d: %s%s",
	      code, get("json"), get("err"));
}

static void as_nobody(void)
{
	static const char *const words[] = { "/usr/bin/setpriv",
					     "--bounding-set=-all",
					     "--inh-caps=-all",
					     "--reuid=65534",
					     "--regid=65534",
					     "--clear-groups",
					     NULL };
	const char *debug =
		"note: sys/kernel/debug/cma: cannot be read: Permission denied: run as root\n";

	base();
	unreadable();
	if (!geteuid())
		memcpy(t.before, words, sizeof(words));
	check(tool(&t, "doctor") == 0 && strstr(get("out"), debug) &&
		      strstr(get("out"), "note: "
					 "sys/fs/cgroup/system.slice/camera.service/dmem.peak: "
					 "cannot be read"),
	      "what may not be read is noted", "%s%s", get("out"), get("err"));
	memset(t.before, 0, sizeof(t.before));
	chmod(tap_path("root/sys/kernel/debug"), 0755);
}

static void command_lines(void)
{
	static const struct {
		const char *line;
		bool has;
	} lines[] = {
		{ "cma=64M", true }, { "quiet cma=64M@0x0\n", true }, { "a\ncma=1", true },
		{ "quiet", false }, { "xcma=64M", false }, { "cma_pernuma=64M", false }, { "cma", false },
		{ "cma=0", false }, { "cma=0@0x0 quiet", false }, { "cma=0x1000000", true },
		{ "cma=64M cma=0", false }, { "cma=0 cma=64M", true }, { "", false }, { NULL, false },
	};

	char name[100];

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const char *line = lines[i].line ? lines[i].line : "(none)";

		snprintf(name, sizeof(name), "command line %zu, '%.*s', %s", i,
			 (int)strcspn(line, "\n"), line,
			 lines[i].has ? "reserves CMA memory" : "reserves no CMA memory");
		check(dmem_cmdline_has_cma(lines[i].line) == lines[i].has, name, "%s", line);
	}
}

/* In each file the n-th line of a name belongs to the n-th region, in any order. */
static void two_of_a_name(void)
{
	unsigned int what = DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_MAX);
	const struct dmem_region *first, *second;
	struct dmem_arena a = { 0 };
	struct dmem_regions r = { 0 };
	struct dmem_tree tree = { 0 };
	struct dmem_sys sys;
	size_t i, k;

	tap_dir(t.dir);
	put(CG "cgroup.controllers", "dmem\n");
	put(CG "cgroup.subtree_control", "dmem\n");
	put(CG "dmem.capacity", "z 9\nb 100\na 5\nb 200\n");
	put(CG "dmem.current", "z 3\nb 10\na 1\nb 20\n");
	put(CG "x.slice/dmem.current", "b 7\na 1\nz 2\nb 8\n");
	put(CG "x.slice/dmem.max", "z 9\nb 70\na max\nb max\n");
	check(!dmem_sys_open(&sys, tap_path("root")) && !dmem_regions_read(&sys, &a, NULL, NULL, &r) &&
	      !dmem_tree_read(&sys, &a, &r, "", what, 9, NULL, NULL, &tree) && r.n == 4,
	      "two regions of one name", "%zu regions", r.n);
	first = dmem_regions_find(&r, "b");
	second = dmem_regions_find(&r, "b#2");
	check(first && second && first->capacity == 100 && second->capacity == 200 &&
	      first->current == 10 && second->current == 20, "each with its own figures", "no");
	i = dmem_regions_index(&r, "b", 0);
	k = dmem_regions_index(&r, "b#2", 0);
	check(tree.root->child && dmem_tree_figure(&tree, tree.root->child, i, DMEM_F_CURRENT) == 7 &&
	      dmem_tree_figure(&tree, tree.root->child, k, DMEM_F_CURRENT) == 8 &&
	      dmem_tree_figure(&tree, tree.root->child, i, DMEM_F_MAX) == 70 &&
	      dmem_tree_figure(&tree, tree.root->child, k, DMEM_F_MAX) == DMEM_NO_LIMIT,
	      "in cgroups, too", "no");
	dmem_sys_close(&sys);
	dmem_arena_free(&a);
	expect(&t, "doctor", 1, "problem: b: dmem.capacity has two regions of this name: limits apply to one "
	       "of them only, and 20B is charged without a limit in the other: end the processes that hold "
	       "files of the old device, see lsof and lsdmem --buffers\n", NULL);
	put(CG "x.slice/dmem.max", "z 9\nb max\na max\nb max\n");
	expect(&t, "doctor", 0, "note: b: dmem.capacity has two", NULL);
	put(CG "x.slice/dmem.events", "z max=0\nb max=1\na max=0\nb max=2\n");
	put(CG "x.slice/dmem.events.local", "z max=0\nb max=1\na max=0\nb max=2\n");
	expect(&t, "doctor", 0, "its own limit refused 1 request for b since", NULL);
	expect(&t, "doctor", 0, "its own limit refused 2 requests for b#2 since", NULL);
	put(CG "x.slice/dmem.max", "z 9\nb 70\na max\nb 80\n");
	chmod(tap_path(CG "x.slice/dmem.max"), 0666);
	put(CG "x.slice/y.service/dmem.max", "z 9\nb 70\na max\nb 80\n");
	chmod(tap_path(CG "x.slice/y.service/dmem.max"), 0666);
	put(CG "x.slice/y.service/dmem.current", "b 1\na 0\nz 0\nb 1\n");
	put(CG "cgroup.procs", "%s", "");
	expect(&t, "doctor", 1, "make root the owner of the file, or dmemctl set x.slice --max=b=SIZE\n", NULL);
	expect(&t, "doctor", 1, "its limit of b#2; no cgroup above has a limit that holds: make root the owner "
	       "of the file, or end the processes that hold files of the old device", NULL);
	check(!strstr(get("out"), "b#2="), "no command for what no command can mean", "%s", get("out"));
}

/* Which regions have a size that dmemctl plan proposes. */
static void plan_sizes(void)
{
	static const struct {
		const char *region;
		bool planned;
	} each[] = { { "dma/coherent/vpu@90000000", true }, { "tee/secure@a0000000", true }, { "heap/x", false } };
	char text[300];

	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		struct fake f;
		const struct fake_use use = { each[i].region, .max = 4 * MIB, .ev_max = 3, .alloc_fail = 3 };

		tap_case("%s", each[i].region);
		tap_dir(t.dir);
		fake_start(&f, FAKE_OURS);
		fake_region(&f, each[i].region, 16 * MIB);
		fake_cgroup(&f, "", NULL, 0);
		fake_cgroup(&f, "x.slice", &use, 1);
		tool(&t, "doctor");
		snprintf(text, sizeof(text), "if the cgroup needs more: dmemctl set x.slice --max=%s=SIZE%s\n",
			 each[i].region, each[i].planned ? ", and dmemctl plan proposes a size" : "");
		check(strstr(get("out"), text) != NULL, "the remedy", "%s", get("out"));
	}
}

/* A tree of the kernel's own, without our patches. The machine has neither areas nor heaps. */
static void others(void)
{
	struct fake f;

	for (int k = FAKE_6_14; k < FAKE_OURS; k++) {
		static const struct fake_use root = { "drm/0/vram", .current = 1 * MIB };

		tap_case("kernel %d", k);
		tap_dir(t.dir);
		fake_start(&f, (enum fake_kernel)k);
		fake_region(&f, "drm/0/vram", 512 * MIB);
		fake_cgroup(&f, "", &root, 1);
		fake_cgroup(&f, "user.slice", &root, 1);
		expect(&t, "doctor", 0, "no problems: 1 region, 2 cgroups\n", NULL);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	t = (struct tool){ .program = argv[1], .jq = argv[2], .dir = argv[3] };
	tap_start();
	base();
	expect(&t, "doctor", 0, "no problems: 3 regions, 9 cgroups\n", NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		RUN(one, i);
	base();
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 10M\nDeviceMemoryMax=cma/%%n "
								   "1M\n");
	expect(&t, "doctor", 1, "problem: media.slice: 1 limit of its section cannot be used",
	       "invalid region name 'cma/%n'");
	RUN(as_nobody);
	RUN(command_lines);
	RUN(two_of_a_name);
	RUN(plan_sizes);
	RUN(others);
	base();
	expect(&t, "doctor --help", 0, "Usage: dmemctl doctor", NULL);
	expect(&t, "doctor -x", 2, NULL, "unknown option: -x");
	expect(&t, "doctor camera", 2, NULL, "unexpected argument: camera");
	return tap_end();
}
