// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine of the expected outputs. */
#include <string.h>

#include "machine.h"

#define N(array)	(sizeof(array) / sizeof(*(array)))

#define CAMERA		"cma/camera@64000000"
#define DISPLAY		"cma/display@60000000"
#define DEFAULT		"cma/linux,cma"
#define VRAM		"drm/0000:03:00.0/vram0"
#define STOLEN		"drm/0000:03:00.0/stolen"

/* A graphics card, which kernels without the series support, too. */
static void graphics(struct fake *f)
{
	static const struct fake_use game[] = {
		{ VRAM, .current = 3 * 1024 * MIB, .peak = 3584 * MIB, .max = 4096 * MIB, .low = 1024 * MIB },
	}, desktop[] = {
		{ VRAM, .current = 512 * MIB + 300 * KIB, .peak = 700 * MIB, .min = 256 * MIB },
		{ STOLEN, .current = 8 * MIB, .peak = 8 * MIB },
	}, user[] = {
		{ VRAM, .current = 3584 * MIB + 300 * KIB, .peak = 4000 * MIB },
		{ STOLEN, .current = 8 * MIB, .peak = 8 * MIB },
	}, nothing[] = {
		{ VRAM, .current = 0 },
	};
	struct fake_use root[2];

	memcpy(root, user, sizeof(root));
	fake_region(f, STOLEN, 128 * MIB);
	fake_region(f, VRAM, 8192 * MIB);
	fake_heap(f, "linux,cma", NULL);
	fake_heap(f, "system", NULL);
	fake_cgroup(f, "", root, N(root));
	fake_cgroup(f, "user.slice", user, N(user));
	fake_cgroup(f, "user.slice/user-1000.slice", user, N(user));
	fake_cgroup(f, "user.slice/user-1000.slice/game.scope", game, N(game));
	fake_cgroup(f, "user.slice/user-1000.slice/desktop.scope", desktop, N(desktop));
	fake_cgroup(f, "system.slice", nothing, N(nothing));
	fake_cgroup(f, "system.slice/cron.service", nothing, N(nothing));
	fake_bare_cgroup("init.scope");
}

static void pools(struct fake *f)
{
	fake_region(f, CAMERA, 40 * MIB);
	fake_region(f, DISPLAY, 48 * MIB);
	fake_region(f, DEFAULT, 64 * MIB);
	fake_region(f, "heap/system", 1987 * MIB);
	fake_area(f, "camera@64000000", 40 * MIB, 15 * MIB, 1 * MIB, 8 * MIB);
	fake_area(f, "display@60000000", 48 * MIB, 24 * MIB, 0, 24 * MIB);
	fake_area(f, "linux,cma", 64 * MIB, 63 * MIB + 896 * KIB, 128 * KIB, 62 * MIB);
	/* An area for huge pages is no region. */
	fake_area(f, "hugetlb0", 512 * MIB, 512 * MIB, 0, 512 * MIB);
	fake_heap(f, "camera@64000000", CAMERA);
	fake_heap(f, "display@60000000", DISPLAY);
	fake_heap(f, "linux,cma", DEFAULT);
	fake_heap(f, "default_cma_region", DEFAULT);
	fake_heap(f, "system", "heap/system");
	fake_heap(f, "odd", NULL);
}

/* Of the camera's 24 MiB, a removed cgroup holds 3, and a container holds 1. */
static void services(struct fake *f)
{
	static const struct fake_use root[] = {
		/* The kernel shows events and the limit of the root only in a cgroup namespace. */
		{ CAMERA, .current = 24 * MIB, .peak = 31 * MIB, .ev_max = 9, .alloc_fail = 9,
		  .exhausted = 2, .reserved = 1, .dying = 3 * MIB,
		  .max = 36 * MIB },
		{ DISPLAY, .current = 24 * MIB, .peak = 24 * MIB + 4 * KIB, .ev_max = 3, .alloc_fail = 3 },
		{ "heap/system", .current = 2 * MIB, .peak = 3 * MIB },
	}, system[] = {
		{ CAMERA, .current = 23 * MIB, .peak = 30 * MIB, .ev_max = 5, .alloc_fail = 5,
		  .exhausted = 2, .reserved = 1, .dying = 3 * MIB },
		{ DISPLAY, .current = 24 * MIB, .peak = 24 * MIB + 4 * KIB, .ev_max = 3, .alloc_fail = 3 },
	}, camera[] = {
		{ CAMERA, .current = 16 * MIB, .peak = 16 * MIB, .min = 16 * MIB, .max = 16 * MIB,
		  .ev_max = 2, .alloc_fail = 2, .local = 16 * MIB },
	}, display[] = {
		{ CAMERA, .current = 4 * MIB, .peak = 4 * MIB, .max = 4 * MIB, .ev_max = 3,
		  .alloc_fail = 3, .exhausted = 2, .reserved = 1, .local = 4 * MIB },
		{ DISPLAY, .current = 24 * MIB, .peak = 24 * MIB + 4 * KIB, .max = 24 * MIB, .ev_max = 3,
		  .alloc_fail = 3, .local = 24 * MIB },
	}, machine[] = {
		{ CAMERA, .current = 1 * MIB, .peak = 2 * MIB, .max = 2 * MIB, .alloc_fail = 4, .ev_max = 4 },
		{ "heap/system", .current = 2 * MIB, .peak = 3 * MIB },
	}, payload[] = {
		{ CAMERA, .current = 1 * MIB, .peak = 2 * MIB, .alloc_fail = 4, .local = 1 * MIB },
		{ "heap/system", .current = 2 * MIB, .peak = 3 * MIB, .local = 2 * MIB },
	}, closed[] = {
		{ DEFAULT, .max = FAKE_NOTHING },
	}, late[] = {
		{ DEFAULT, .min = 8 * MIB }, { "heap/system", .low = 16 * MIB },
	};

	fake_cgroup(f, "", root, N(root));
	fake_cgroup(f, "system.slice", system, N(system));
	fake_cgroup(f, "system.slice/camera.service", camera, N(camera));
	fake_cgroup(f, "system.slice/cron.service", NULL, 0);
	fake_cgroup(f, "system.slice/display.service", display, N(display));
	fake_cgroup(f, "system.slice/late.service", late, N(late));
	fake_cgroup(f, "system.slice/ssh.service", closed, N(closed));
	fake_cgroup(f, "machine.slice", machine, N(machine));
	fake_cgroup(f, "machine.slice/c1.scope", machine, N(machine));
	fake_cgroup(f, "machine.slice/c1.scope/payload", payload, N(payload));
	fake_bare_cgroup("init.scope");
}

/* The camera's program has two fds and a mapping of one buffer, and has passed it to the display's
 * program, which has closed another buffer and kept the mapping. */
static void buffers(struct fake *f)
{
	const struct fake_buffer frame = {
		101, 3 * MIB, "camera@64000000", "frame 0", CAMERA,
		fake_cgroup_id("system.slice/camera.service"),
	}, mapped = {
		102, 4 * MIB, "display@60000000", NULL, DISPLAY, fake_cgroup_id("system.slice/display.service"),
	}, scanout = {
		103, 8 * MIB, "drm", "scanout", DISPLAY, fake_cgroup_id("system.slice/display.service"),
	}, removed = {
		104, 3 * MIB, "camera@64000000", NULL, CAMERA, 1ull << 62,
	}, free_ride = {
		105, 64 * KIB, "odd", NULL, NULL, 0,
	}, shown[] = { frame, mapped, scanout, removed, free_ride };

	fake_process(1, "systemd");
	fake_process(2, "kthreadd");
	fake_process(812, "camera");
	fake_fd(f, 812, 5, &frame);
	fake_fd(f, 812, 6, &frame);
	fake_other_fd(812, 7, "socket:[77]");
	fake_maps(812, &frame, 1, false);
	fake_process(900, "display");
	fake_fd(f, 900, 9, &frame);
	fake_fd(f, 900, 10, &removed);
	fake_fd(f, 900, 11, &free_ride);
	fake_maps(900, &mapped, 1, true);
	fake_bufinfo(f, shown, N(shown));
}

bool machine(struct fake *f, const char *name)
{
	static const char * const kernels[] = { "6.14", "7.2", "7.3" };

	for (unsigned int k = 0; k < N(kernels); k++) {
		if (!strcmp(name, kernels[k])) {
			fake_start(f, (enum fake_kernel)k);
			graphics(f);
			return true;
		}
	}
	fake_start(f, FAKE_OURS);
	if (!strcmp(name, "empty")) {
		fake_cgroup(f, "", NULL, 0);
		fake_cgroup(f, "system.slice", NULL, 0);
		fake_process(1, "init");
		return true;
	}
	f->namespaced = !strcmp(name, "container");
	if (!f->namespaced && strcmp(name, "ours"))
		return false;
	pools(f);
	services(f);
	buffers(f);
	return true;
}
