// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Words of a command line, on a machine of plain files.
 *
 * test_word DIRECTORY
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "units/word.h"
#include "board.h"

#define ALL	(DMEM_WORD_UNIT | DMEM_WORD_CGROUP | DMEM_WORD_REGION)
#define UNITS	(DMEM_WORD_UNIT | DMEM_WORD_CGROUP)
#define REGIONS	DMEM_WORD_REGION
#define QEMU	"machine-qemu\\x2d1\\x2dcam.scope"

static struct dmem_arena arena;
static struct dmem_sys sys;
static struct dmem_regions regions;

/* "unit camera.service in system.slice/camera.service", or the problem. */
static const char *find(unsigned int kinds, const char *word)
{
	struct dmem_words all = {
		.sys = &sys, .arena = &arena, .regions = &regions, .kinds = kinds,
	};
	struct dmem_word w;
	const char *text;
	int ret = dmem_word_find(&all, word, &w);

	dmem_words_free(&all);
	if (ret)
		return w.problem ? w.problem : dmem_printf(&arena, "error %d", -ret);
	text = w.kind == DMEM_WORD_UNIT ? "unit" : w.kind == DMEM_WORD_CGROUP ? "cgroup" : "region";
	text = dmem_printf(&arena, "%s %s", text, w.name);
	return w.kind == DMEM_WORD_UNIT ? dmem_printf(&arena, "%s in %s", text,
						      w.cgroup ? w.cgroup : "-") : text;
}

static const char *kinds_name(unsigned int kinds)
{
	return kinds == ALL ? "unit, cgroup or region" : kinds == UNITS ? "unit or cgroup" :
	       kinds == REGIONS ? "region" : "unit";
}

static void meanings(void)
{
	static const struct {
		unsigned int kinds;
		const char *word, *want;
	} words[] = {
		{ ALL, "camera", "unit camera.service in system.slice/camera.service" },
		{ UNITS, "camera.service", "unit camera.service in system.slice/camera.service" },
		{ ALL, "cam", "unit camera.service in system.slice/camera.service" },
		{ ALL, "stopped", "unit stopped.service in -" },
		{ ALL, "eye@left", "unit eye@left.service in system.slice/eye@left.service" },
		{ ALL, "ear@left", "unit eye@left.service in system.slice/eye@left.service" },
		{ ALL, "eye@", "unit eye@.service in -" },
		{ ALL, "media.slice", "unit media.slice in media.slice" },
		{ ALL, "later.slice", "unit later.slice in -" },
		{ ALL, QEMU, "unit " QEMU " in machine.slice/" QEMU },
		{ ALL, "/lxc/a\\x1b[m", "cgroup lxc/a\x1b[m" },
		{ ALL, "/lxc/\\xff\\x20b", "cgroup lxc/\xff b" },
		{ ALL, "/machine.slice/" QEMU, "cgroup machine.slice/" QEMU },
		{ ALL, "machine.slice/" QEMU "/", "cgroup machine.slice/" QEMU },
		{ ALL, "/sys/fs/cgroup/media.slice", "cgroup media.slice" },
		{ ALL, "/sys/fs/cgroup//media.slice/", "cgroup media.slice" },
		{ ALL, "/sys/fs/cgroup", "cgroup " },
		{ ALL, "/", "cgroup " },
		{ ALL, "/system.slice/box.service/payload", "cgroup system.slice/box.service/payload" },
		{ ALL, "system.slice//box.service/payload", "cgroup system.slice/box.service/payload" },
		{ ALL, "docker", "cgroup docker" },
		{ ALL, "odd,name", "cgroup odd,name" },
		{ ALL, CAMERA, "region " CAMERA },
		{ REGIONS, CAMERA, "region " CAMERA },
		{ ALL, "dma_heap/camera@64000000", "region " CAMERA },
		{ ALL, "/dev/dma_heap/camera@64000000", "region " CAMERA },
		{ REGIONS, "/dev/dma_heap/system", "region " SYSTEM },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		check_text(find(words[i].kinds, words[i].word), words[i].want,
			   dmem_printf(&arena, "'%s' as %s", words[i].word, kinds_name(words[i].kinds)));
}

#define USER	"user.slice/user-1000.slice/user@1000.service/app.slice"
#define APP	"app-gnome-Cam\\x20era-1.scope"
#define NO(unit) unit ": the system manager has no unit " unit

static void problems(void)
{
	static const struct {
		unsigned int kinds;
		const char *word, *want;
	} words[] = {
		{ ALL, "nope", "nope: no unit nope.service, and no region of this name: see systemctl status "
			       "nope.service" },
		{ UNITS, "nope", "nope: no unit nope.service: see systemctl status nope.service" },
		{ REGIONS, "nope", "nope: no such region: see lsdmem" },
		{ UNITS, "/nope/x", "/nope/x: no such cgroup: see systemd-cgls" },
		{ ALL, "nope/x", "nope/x: no such cgroup or region: see systemd-cgls" },
		{ ALL, "dma_heap/nope", "dma_heap/nope: no such heap: see ls /dev/dma_heap" },
		{ ALL, "/dev/dma_heap/odd",
		  "/dev/dma_heap/odd: the heap has no region and cannot be limited: see dmemctl doctor" },
		{ ALL, "camera@64000000", "camera@64000000: no unit camera@64000000.service, and no region of "
		  "this name: did you mean " CAMERA "?" },
		{ UNITS, "camera@64000000", "camera@64000000: no unit camera@64000000.service: did you mean "
					    "the region " CAMERA "? See lsdmem --tree " CAMERA },
		{ REGIONS, "camera@64000000", "camera@64000000: no such region: did you mean "
					      CAMERA "?" },
		{ REGIONS, "cma/camera", "cma/camera: no such region: did you mean " CAMERA "?" },
		{ REGIONS, "display", "display: no such region: did you mean " DISPLAY "?" },
		{ REGIONS, "dma_heap/sytem", "dma_heap/sytem: no such heap: did you mean " SYSTEM "?" },
		{ REGIONS, "camera.service", "camera.service: no such region: see lsdmem" },
		{ UNITS, CAMERA, CAMERA ": a region, not a unit or cgroup: see lsdmem --tree " CAMERA },
		{ UNITS, "/dev/dma_heap/system",
		  "/dev/dma_heap/system: a region, not a unit or cgroup: see lsdmem --tree "
						 SYSTEM },
		{ UNITS, "kamera", "kamera: no unit kamera.service: did you mean camera.service?" },
		{ UNITS, "media", "media: no unit media.service: did you mean media.slice?" },
		{ UNITS, "system.slice/camera", "system.slice/camera: no such cgroup: did you mean "
						"camera.service?" },
		{ UNITS, "masked", "masked.service: the unit is masked: see systemctl status masked.service" },
		{ UNITS, "../../etc", "../../etc: not the name of a cgroup: write its path below "
				      "/sys/fs/cgroup, without '..'" },
		{ DMEM_WORD_UNIT, "a,b", "a,b: not the name of a unit: write NAME.service or NAME.slice" },
		{ ALL, APP, NO(APP) ": did you mean /" USER "/" APP "?" },
		{ UNITS, APP, NO(APP) ": did you mean /" USER "/" APP "?" },
		{ UNITS, "app.slice", NO("app.slice") ": did you mean /" USER "?" },
		{ UNITS, "player.service", NO("player.service") ": did you mean /" USER "/player.service?" },
		{ UNITS, "player", "player: the system manager has no unit player.service: did you mean /" USER
				   "/player.service?" },
		{ UNITS, "payload", "payload: the system manager has no unit payload.service: did you mean "
				    "/system.slice/box.service/payload?" },
		{ ALL, "init.scope", NO("init.scope") ", and 2 cgroups have this name: write the path of one, "
				     "such as /system.slice/box.service/init.scope" },
		{ ALL, "camer", "camer: no unit camer.service, and no region of this name: did you mean "
				"camera.service?" },
		{ ALL, "displa", "displa: no unit displa.service, and no region of this name: did you "
				 "mean " DISPLAY "?" },
		{ UNITS, "camer/", "camer/: no such cgroup: did you mean camera.service?" },
		{ UNITS, "camera//", "camera//: no such cgroup: did you mean camera.service?" },
		{ UNITS, "display/", "display/: no such cgroup: see systemd-cgls" },
		{ ALL, "", "empty name: see --help" },
		{ UNITS, "system.slice/camera.service/cgroup.procs",
		  "system.slice/camera.service/cgroup.procs: no such cgroup: see systemd-cgls" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		check_text(find(words[i].kinds, words[i].word), words[i].want,
			   dmem_printf(&arena, "'%s' as %s", words[i].word, kinds_name(words[i].kinds)));
}

/* The name of the default area depends on the kernel's command line. */
static void default_area(void)
{
	static const char why[] = ": write cma/reserved: cma= in /proc/cmdline replaces the default area of "
				  "the device tree; dma_heap/default_cma_region is the default area in both cases";
	static const struct {
		unsigned int kinds;
		const char *word, *none;
	} words[] = {
		{ REGIONS, "cma/linux,cma", "cma/linux,cma: no such region" },
		{ REGIONS, "dma_heap/linux,cma", "dma_heap/linux,cma: no such heap" },
		{ REGIONS, "/dev/dma_heap/linux,cma", "/dev/dma_heap/linux,cma: no such heap" },
		{ ALL, "cma/linux,cma", "cma/linux,cma: no such cgroup or region" },
	};
	struct dmem_region reserved = { .name = "cma/reserved" };
	struct dmem_regions all = regions, one = { .region = &reserved, .n = 1 };

	put("root/proc/cmdline", "quiet cma=256M\n");
	regions = one;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		check_text(find(words[i].kinds, words[i].word), dmem_printf(&arena, "%s%s", words[i].none, why),
			   dmem_printf(&arena, "'%s' as %s", words[i].word, kinds_name(words[i].kinds)));
	check_text(find(REGIONS, "cma/camera"), "cma/camera: no such region: if the default area is meant, "
		   "write cma/reserved: cma= in /proc/cmdline replaces that of the device tree", "another missing area, with cma= on the command line");
	check_text(find(REGIONS, "cma/reserve"), "cma/reserve: no such region: did you mean cma/reserved?",
		   "a similar name is proposed");
	put("root/proc/cmdline", "quiet\n");
	reserved.name = "cma/linux,cma";
	check_text(find(REGIONS, "cma/reserved"), "cma/reserved: no such region: write cma/linux,cma: the "
		   "default area has the other name with cma= in /proc/cmdline only; dma_heap/default_cma_region "
		   "is the default area in both cases", "the name with cma=, without cma= on the command line");
	regions = all;
}

/* Words of any length and content end in a meaning or in a problem. */
static void any_word(void)
{
	char word[600];

	for (size_t len = 1; len < sizeof(word); len += 7) {
		memset(word, 'x', len);
		word[len] = 0;
		check(!strstr(find(ALL, word), "error"), dmem_printf(&arena, "a word of %zu letters", len), "%zu letters: %s", len, find(ALL, word));
	}
	check(strstr(find(ALL, "a/\x1b[2J\n"), "no such cgroup") != NULL,
	      "control characters in a missing path are reported",
	      "%s", find(ALL, "a/\x1b[2J\n"));
}

int main(int argc, char **argv)
{
	struct tool t = { 0 };

	if (argc != 2)
		return 2;
	t.dir = argv[1];
	tap_start();
	board(&t);
	fake_bare_cgroup("docker");
	fake_bare_cgroup("lxc/a\x1b[m");
	fake_bare_cgroup("lxc/\xff b");
	fake_bare_cgroup("odd,name");
	fake_bare_cgroup("machine.slice/" QEMU);
	fake_bare_cgroup(USER "/" APP);
	fake_bare_cgroup(USER "/player.service");
	fake_bare_cgroup("system.slice/box.service/init.scope");
	fake_bare_cgroup(USER "/init.scope");
	put("root/sys/class/dma_heap/odd/dmem_region", "\n");
	if (dmem_sys_open(&sys, tap_path("root")) ||
	    dmem_regions_read(&sys, &arena, NULL, NULL, &regions))
		return 2;
	sys.path = dmem_strdup(&arena, tap_path("root"));
	RUN(meanings);
	RUN(problems);
	RUN(default_area);
	RUN(any_word);
	dmem_sys_close(&sys);
	dmem_arena_free(&arena);
	return tap_end();
}
