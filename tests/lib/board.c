// SPDX-License-Identifier: GPL-2.0-or-later
/* A machine of plain files where units run, and where nothing is wrong. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"

static void cgroup(const struct fake *f, const char *path, const char *control,
		   const struct fake_use *use)
{
	char name[512];

	fake_cgroup(f, path, use, use ? 1 : 0);
	snprintf(name, sizeof(name), CG "%s/cgroup.controllers", path);
	put(name, "dmem\n");
	snprintf(name, sizeof(name), CG "%s/cgroup.subtree_control", path);
	put(name, "%s", control);
}

static void cgroups(const struct fake *f)
{
	static const struct fake_use all = { CAMERA, .current = 8 * MIB };
	static const struct fake_use above = { CAMERA, .current = 8 * MIB, .peak = 9 * MIB };
	static const struct fake_use camera = {
		CAMERA, .current = 8 * MIB, .peak = 9 * MIB, .max = 24 * MIB, .local = 8 * MIB,
	};
	static const struct fake_use media = { CAMERA, .max = 30 * MIB };

	fake_cgroup(f, "", &all, 1);
	cgroup(f, "system.slice", "dmem\n", &above);
	cgroup(f, "system.slice/camera.service", "", &camera);
	cgroup(f, "system.slice/other.service", "", NULL);
	cgroup(f, "system.slice/box.service", "", NULL);
	fake_bare_cgroup("system.slice/box.service/payload");
	put(CG "system.slice/box.service/payload/cgroup.subtree_control", "%s", "");
	cgroup(f, "system.slice/eye@left.service", "", NULL);
	cgroup(f, "system.slice/lone.scope", "", NULL);
	cgroup(f, "media.slice", "", &media);
}

static void units(void)
{
	put(LIB "camera.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24M\n");
	link_to(ETC "cam.service", "/usr/lib/systemd/system/camera.service");
	put(LIB "other.service", EXEC);
	put(LIB "box.service", EXEC "Delegate=yes\n");
	put(LIB "stopped.service", EXEC);
	link_to(ETC "masked.service", "/dev/null");
	put(LIB "eye@.service", EXEC);
	link_to(ETC "ear@.service", "/usr/lib/systemd/system/eye@.service");
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 30M\n");
}

void board(const struct tool *t)
{
	struct fake f;

	tap_dir(t->dir);
	unsetenv("FAKE_CG");
	fake_start(&f, FAKE_OURS);
	fake_region(&f, CAMERA, 40 * MIB);
	fake_region(&f, DISPLAY, 48 * MIB);
	fake_region(&f, SYSTEM, 1000 * MIB);
	fake_area(&f, "camera@64000000", 40 * MIB, 32 * MIB, 0, 32 * MIB);
	fake_area(&f, "display@60000000", 48 * MIB, 48 * MIB, 0, 48 * MIB);
	fake_heap(&f, "camera@64000000", CAMERA);
	fake_heap(&f, "display@60000000", DISPLAY);
	fake_heap(&f, "system", SYSTEM);
	cgroups(&f);
	units();
	put("root/usr/lib/systemd/system-generators/dmem-generator", "x");
	put("root/usr/libexec/dmem-apply", "x");
	put("root/proc/cmdline", "quiet\n");
}

static FILE *shot;

static int take(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char text[65536];
	ssize_t n = 0;
	int fd;

	(void)ftw;
	fprintf(shot, "%s %o\n", path, st->st_mode);
	if (type == FTW_SL)
		n = readlink(path, text, sizeof(text));
	if (type == FTW_F) {
		fd = open(path, O_RDONLY);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text));
		if (fd >= 0)
			close(fd);
	}
	if (n > 0)
		fwrite(text, 1, (size_t)n, shot);
	return 0;
}

char *snapshot(void)
{
	char *text = NULL;
	size_t len;

	shot = open_memstream(&text, &len);
	if (!shot || nftw(tap_path("root"), take, 16, FTW_PHYS) || fclose(shot)) {
		printf("Bail out! the tree cannot be read\n");
		exit(2);
	}
	return text;
}

void same_tree(char *before, const char *name)
{
	char *after = snapshot(), *a = before, *b = after;

	/* nftw() has an order of its own, which is the same for the same directories. */
	while (*a && *a == *b) {
		a++;
		b++;
	}
	check(*a == *b, name, "was: %.300s\nis: %.300s", a, b);
	free(before);
	free(after);
}

bool is_there(const char *rel)
{
	struct stat st;

	return !lstat(tap_path(rel), &st);
}

static bool found(const char *file, const char *want)
{
	const char *text = get(file);

	return want && *want ? strstr(text, want) != NULL : !*text;
}

/* The length of the first line of a text. */
static int first_line(const char *text)
{
	return (int)strcspn(text, "\n");
}

void expect(const struct tool *t, const char *args, int code, const char *out, const char *err)
{
	int got = tool(t, args);
	bool o = found("out", out), e = found("err", err);
	const char *shown = err && *err ? err : out && *out ? out : NULL;
	char text[1024], name[512];

	snprintf(name, sizeof(name), "'%s' returns %d", args, code);
	if (shown)
		snprintf(name + strlen(name), sizeof(name) - strlen(name), " and prints: %.*s",
			 first_line(shown), shown);
	snprintf(text, sizeof(text), "%s", get("out"));
	check(got == code && o && e, name, "exit code %d, not %d; stdout: %s; stderr: %s", got,
	      code, text, get("err"));
}

void expect_refused(const struct tool *t, const char *args, const char *err)
{
	char *before = snapshot(), name[512];

	expect(t, args, 1, NULL, err);
	snprintf(name, sizeof(name), "'%s' changes no file: %.*s", args, first_line(err), err);
	same_tree(before, name);
}
