// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-generator, killed at any moment: all files written by then are complete.
 *
 * test_kill DMEM-GENERATOR DIRECTORY
 *
 * The test stops it at each of its system calls, and kills it before the first, then before the
 * second, and so on: nothing changes in between.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"
#include "killed.h"

#define ETC	"root/etc/systemd/system/"
#define LIB	"root/usr/lib/systemd/system/"
#define LIMIT(what)	"[X-Dmem]\nDeviceMemoryMax=" what "\n"
#define EXEC	"[Service]\nExecStart=/bin/true\n"
#define MAX_CALLS	2000

/* Everything that the generator can write: drop-ins with limits, without, and that
 * refuse; of units, prefixes, templates and types; a template, and a link. */
static void write_units(void)
{
	put(LIB "service.d/a.conf", LIMIT("s 1"));
	put(LIB "slice.d/a.conf", LIMIT("l 1"));
	put(ETC "system.slice.d/a.conf", LIMIT("l 2"));
	put(ETC "user-.slice.d/a.conf", LIMIT("l 3"));
	put(ETC "media.slice", LIMIT("l 4") "DeviceMemoryStrict=yes\n");
	put(LIB "foo-.service.d/a.conf", LIMIT("f 1"));
	put(LIB "foo-bar.service", EXEC LIMIT("f 2"));
	put(LIB "foo@.service", EXEC LIMIT("cma/%%i 1"));
	put(ETC "foo@x.service.d/a.conf", LIMIT("f 3"));
	put(ETC "none.service.d/a.conf", "[X-Dmem]\nDeviceMemoryMax=\n");
	put(LIB "none.service", EXEC);
	put(LIB "refused.service", EXEC "RootImage=/x.raw\n" LIMIT("r 1")
	    "DeviceMemoryStrict=yes\n");
	put(LIB "mistake.service", EXEC LIMIT("m 1 1"));
}

static int generate_until(const char *generator, const char *out, int n)
{
	char root[4200];
	const char *argv[] = { generator, root, "--helper=/h", out, NULL };

	snprintf(root, sizeof(root), "--root=%s", tap_path("root"));
	return run_until(argv, n);
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), len = strlen(end);

	return n > len && !strcmp(name + n - len, end);
}

/* Would systemd read a file of this name, there? Hidden ones are left out here, to
 * see that they do not even look like a unit. */
static bool is_read(const char *dir, const char *name)
{
	if (ends_with(dir, ".d"))
		return ends_with(name, ".conf");
	return ends_with(name, ".service") || ends_with(name, ".slice");
}

static bool same_content(const char *a, const char *b)
{
	static char text[2][65536];
	const char *path[] = { a, b };
	ssize_t n[2];

	for (int i = 0; i < 2; i++) {
		int fd = open(path[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (fd < 0 && errno == ELOOP) {
			n[i] = readlink(path[i], text[i], sizeof(text[i]));
			continue;
		}
		n[i] = fd < 0 ? -1 : read(fd, text[i], sizeof(text[i]));
		if (fd >= 0)
			close(fd);
	}
	return n[0] > 0 && n[0] == n[1] && !memcmp(text[0], text[1], (size_t)n[0]);
}

/* How many files in @part are as in @whole. Negative: one is not, whose name is
 * in @why, or has a name that it must not have. */
static int compare(const char *part, const char *whole, char *why, size_t size)
{
	DIR *d = opendir(part);
	struct dirent *de;
	int files = 0;

	while (d && (de = readdir(d)) && files >= 0) {
		char a[2000], b[2000];
		struct stat st;
		int below;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		snprintf(a, sizeof(a), "%s/%s", part, de->d_name);
		snprintf(b, sizeof(b), "%s/%s", whole, de->d_name);
		if (!lstat(a, &st) && S_ISDIR(st.st_mode)) {
			below = compare(a, b, why, size);
			files = below < 0 ? below : files + below;
		} else if (is_read(part, de->d_name) && same_content(a, b)) {
			files++;
		} else if (is_read(part, de->d_name) || *de->d_name != '.') {
			snprintf(why, size, "%.900s", a);
			files = -1;
		}
	}
	if (d)
		closedir(d);
	return files;
}

int main(int argc, char **argv)
{
	char whole[4200], part[4200], name[20], why[1000] = "";
	int calls, n, files = 0, first = -1, all;

	if (argc != 3)
		return 2;
	tap_start();
	tap_dir(argv[2]);
	write_units();
	snprintf(whole, sizeof(whole), "%s", tap_path("whole"));
	mkdir(whole, 0755);
	calls = generate_until(argv[1], whole, MAX_CALLS);
	all = compare(whole, whole, why, sizeof(why));
	check(calls > 0 && calls < MAX_CALLS && all > 10, "the generator can be traced",
	      "%d system calls, %d files, %s", calls, all, why);
	for (n = 1; n <= calls && !*why; n++) {
		snprintf(name, sizeof(name), "killed-%d", n);
		snprintf(part, sizeof(part), "%s", tap_path(name));
		mkdir(part, 0755);
		if (generate_until(argv[1], part, n) != n)
			snprintf(why, sizeof(why), "it was not killed");
		else
			files = compare(part, whole, why, sizeof(why));
		first = n == 1 ? files : first;
	}
	/* Its last call is the one that ends it. */
	check(!*why && !first && files == all, "killed at any system call, it leaves whole files only",
	      "before call %d of %d: %s; %d files, %d of %d", n - 1, calls, why, first, files, all);
	printf("# killed at %d system calls, %d files\n", calls, all);
	return tap_end();
}
