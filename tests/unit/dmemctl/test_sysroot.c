// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --sysroot on a hostile tree: each file and directory that a verb may use is, in turn, a
 * link to its counterpart outside of the tree, or a FIFO. Nothing outside is opened, read,
 * changed or made, and no verb waits.
 *
 * test_sysroot DMEMCTL LSDMEM DIRECTORY
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board.h"

#define MAX_PATHS	1000
#define EVENTS		(IN_OPEN | IN_ACCESS | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVE)

static struct tool ctl, lsdmem;
static const char *path[MAX_PATHS];
static size_t n_paths;
static int notify = -1;

static const struct verb {
	struct tool *tool;
	const char *args;
} verbs[] = {
	{ &ctl, "set camera --max=dma_heap/camera@64000000=20M" },
	{ &ctl, "set stopped --runtime --min=" CAMERA "=1M" },
	{ &ctl, "set camera --revert" },
	{ &ctl, "apply camera media.slice" },
	{ &ctl, "show camera /media.slice" },
	{ &ctl, "doctor" },
	{ &ctl, "verify" },
	{ &ctl, "record --count=1 --buffers" },
	{ &ctl, "watch --count=1 camera" },
	{ &ctl, "metrics --all" },
	{ &lsdmem, "-tO" },
	{ &lsdmem, "-BO" },
};

#define N_VERBS	(sizeof(verbs) / sizeof(*verbs))

static void make_tree(void)
{
	static const struct fake_buffer b = {
		.ino = 7, .size = 4 * MIB, .exporter = "camera@64000000", .region = CAMERA,
	};
	struct fake f = { .kernel = FAKE_OURS };

	board(&ctl);
	fake_process(70, "camera");
	fake_fd(&f, 70, 3, &b);
	fake_process(71, "viewer");
	fake_maps(71, &b, 1, true);
	fake_bufinfo(&f, &b, 1);
	put("root/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
	put("root/proc/self/cgroup", "0::/system.slice/camera.service\n");
	put("root/etc/systemd/system.control/camera.service.d/90-dmemctl.conf",
	    "# Written by dmemctl set, which overwrites this file.\n[X-Dmem]\nDeviceMemoryMax=" CAMERA " "
	    "21M\n");
	put("root/run/systemd/system.control/stopped.service.d/91-dmemctl-runtime.conf",
	    "[X-Dmem]\nDeviceMemoryMin=" CAMERA " 1M\n");
	put(ETC "camera.service.d/50-own.conf", "[X-Dmem]\nDeviceMemoryMin=" CAMERA " 1M\n");
	/* As a run of record leaves them. */
	if (tool(&ctl, "record --count=1"))
		check(false, "record", "%s", get("err"));
	put("root/var/lib/dmem/record.history.1", "%s", get("root/var/lib/dmem/record.history"));
}

/* One cgroup is as good as another: those of camera.service and above. */
static bool is_like_others(const char *rel)
{
	static const char top[] = "sys/fs/cgroup/";
	const char *slash = strrchr(rel, '/');
	char dir[300];

	if (strncmp(rel, top, strlen(top)))
		return false;
	snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - rel), rel);
	return strncmp("sys/fs/cgroup/system.slice/camera.service/", dir, strlen(dir));
}

static int add_path(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	const char *rel = name + strlen(tap_path("root")) + 1;

	(void)st;
	(void)type;
	if (ftw->level && n_paths < MAX_PATHS && !is_like_others(rel))
		path[n_paths++] = strdup(rel);
	return 0;
}

static int watch_dir(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_SL ? 0 : inotify_add_watch(notify, name, EVENTS | IN_DONT_FOLLOW) < 0;
}

/* The changes outside of the tree, or "". */
static const char *events(void)
{
	static char text[4096];
	char buf[4096] __attribute__((aligned(8)));
	size_t len = 0;
	ssize_t n = read(notify, buf, sizeof(buf));

	*text = 0;
	for (char *p = buf; n > 0 && p < buf + n; ) {
		const struct inotify_event *e = (void *)p;

		/* Not "outside" itself, to which no link leads. */
		if (e->len || !(e->mask & IN_ISDIR))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%x %s; ", e->mask,
						e->len ? e->name : "");
		if (len >= sizeof(text))
			break;
		p += sizeof(*e) + e->len;
	}
	return text;
}

/* False: a verb was ended by a signal, which SIGALRM is if it waits. */
static bool ends(const struct verb *v, const char *rel)
{
	char copy[300], root[4200], *save;
	const char *argv[12] = { v->tool->program, "--sysroot", root };
	int status, n = 3;
	pid_t pid;

	snprintf(root, sizeof(root), "%s", tap_path("root"));
	snprintf(copy, sizeof(copy), "%s", v->args);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		alarm(20);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execv(argv[0], (char **)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) < 3)
		return true;
	return check(false, rel, "%s: status %x", v->args, status);
}

/* "../" as often as a path has parts, and more. */
static void relative_link(char *buf, size_t size, const char *to)
{
	size_t len = 0;

	for (int i = 0; i < 40; i++)
		len += (size_t)snprintf(buf + len, size - len, "../");
	snprintf(buf + len, size - len, "%s", to + 1);
}

/* One path of the tree becomes a link. False: something outside has been reached. */
static bool with_link(const char *rel, bool relative)
{
	char inside[4200], outside[4200], to[4400];
	bool ok = true;

	make_tree();
	snprintf(inside, sizeof(inside), "%s/%s", tap_path("root"), rel);
	snprintf(outside, sizeof(outside), "%s", tap_path("outside"));
	mkdir(outside, 0755);
	strcat(outside, "/moved");
	snprintf(to, sizeof(to), "%s", outside);
	if (relative)
		relative_link(to, sizeof(to), outside);
	if (rename(inside, outside) || symlink(to, inside))
		return check(false, rel, "%s", strerror(errno));
	notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (nftw(tap_path("outside"), watch_dir, 16, FTW_PHYS))
		return check(false, rel, "it cannot be watched: %s", strerror(errno));
	/* Accesses by nftw() itself. */
	while (*events())
		;
	for (size_t i = 0; i < N_VERBS && ok; i++) {
		const char *what;

		ok = ends(&verbs[i], rel);
		what = events();
		if (*what)
			ok = check(false, rel, "%s: events outside: %s", verbs[i].args, what);
	}
	close(notify);
	return ok;
}

static bool with_fifo(const char *rel)
{
	char inside[4200];
	struct stat st;
	bool ok = true;

	make_tree();
	snprintf(inside, sizeof(inside), "%s/%s", tap_path("root"), rel);
	if (lstat(inside, &st) || !S_ISREG(st.st_mode))
		return true;
	if (unlink(inside) || mkfifo(inside, 0644))
		return check(false, rel, "%s", strerror(errno));
	for (size_t i = 0; i < N_VERBS && ok; i++)
		ok = ends(&verbs[i], rel);
	return ok;
}

static void hostile(void)
{
	size_t links = 0, fifos = 0;

	make_tree();
	nftw(tap_path("root"), add_path, 16, FTW_PHYS);
	for (size_t i = 0; i < n_paths; i++) {
		links += with_link(path[i], i % 2);
		fifos += with_fifo(path[i]);
	}
	check(n_paths > 80 && links == n_paths, "links out of the tree, with / and with ..", "%zu of %zu",
	      links, n_paths);
	check(fifos == n_paths, "FIFOs", "%zu of %zu", fifos, n_paths);
}

/* All writes stay below the directory: no link leads out of it. */
static void refused(void)
{
	char *before;

	make_tree();
	rename(tap_path("root/sys/fs/cgroup"), tap_path("root/sys/fs/other"));
	link_to("root/sys/fs/cgroup", "other");
	before = snapshot();
	expect(&ctl, "set camera --max=" CAMERA "=20M", 1, NULL, "/sys/fs/cgroup: reached through a link");
	expect(&ctl, "set /media.slice --max=" CAMERA "=20M", 1, NULL, "reached through a link");
	expect(&ctl, "apply camera", 1, NULL, "reached through a link");
	same_tree(before, "nothing is written through a link");
	expect(&ctl, "show -rn -o UNIT,MAX media.slice", 0, "media.slice 30M", NULL);
}

/* The sizes of files outside are none of a buffer. */
static void sizes(void)
{
	const struct fake_buffer b[] = {
		{ .ino = 6, .size = 2 * MIB, .exporter = "heap" }, { .ino = 7, .size = 4 * MIB },
	};
	struct fake f = { .kernel = FAKE_OURS };
	char target[4200];

	make_tree();
	check(!tool(&lsdmem, "-Bbrn -o INODE,SIZE") && !strcmp(get("out"), "7 4194304\n"), "the size of a buffer",
	      "%s", get("out"));
	put("outside-size", "%s", "0123456789");
	put("root/proc/70/fd/3", "%s", "");
	unlink(tap_path("root/proc/70/fd/3"));
	fake_fd(&f, 70, 4, &b[0]);
	fake_maps(71, b, 2, true);
	unlink(tap_path("root/sys/kernel/debug/dma_buf/bufinfo"));
	snprintf(target, sizeof(target), "%s", tap_path("outside-size"));
	if (system(NULL)) {
		char command[9000];

		snprintf(command, sizeof(command), "for f in '%s'/*; do ln -sf '%s' \"$f\"; done",
			 tap_path("root/proc/71/map_files"), target);
		check(!system(command), "the links are made", "%s", command);
	}
	check(!tool(&lsdmem, "-Bbrn -o INODE,SIZE") && !strcmp(get("out"), "6 2097152\n7 -\n"),
	      "not the size of a file outside", "%s", get("out"));
}

static void defaults(void)
{
	struct stat before = { 0 }, after = { 0 };
	int was, is;

	make_tree();
	was = stat("/var/lib/dmem", &before);
	unlink(tap_path("root/var/lib/dmem/record.history"));
	unlink(tap_path("root/var/lib/dmem/record.history.1"));
	unlink(tap_path("root/var/lib/dmem/record.history.lock"));
	rmdir(tap_path("root/var/lib/dmem"));
	expect(&ctl, "record --count=1", 0, NULL, NULL);
	check(is_there("root/var/lib/dmem/record.history"), "the default output is in the tree", "it is not");
	is = stat("/var/lib/dmem", &after);
	check(was == is && before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
	      before.st_mtim.tv_nsec == after.st_mtim.tv_nsec, "and not on this machine", "it is");
}

static void empty(void)
{
	const char *none[] = { ctl.program, "--sysroot=", "show", NULL };
	const char *none_ls[] = { lsdmem.program, "--sysroot=", NULL };
	const char *none_verify[] = { ctl.program, "verify", "--root=", NULL };
	const char *nowhere[] = { ctl.program, "--sysroot=/none/of/it", "set", "camera",
				  "--max=" CAMERA "=1M", NULL };

	make_tree();
	check(run(none) == 2 && strstr(get("err"), "needs a directory"), "dmemctl --sysroot=", "%s", get("err"));
	check(run(none_ls) == 2 && strstr(get("err"), "needs a directory"), "lsdmem --sysroot=", "%s",
	      get("err"));
	check(run(none_verify) == 2 && strstr(get("err"), "needs a directory"), "verify --root=", "%s",
	      get("err"));
	check(run(nowhere) == 1 && strstr(get("err"), "/none/of/it: No such file"), "no such directory", "%s",
	      get("err"));
	expect(&ctl, "run --max=" CAMERA "=1M true", 125, NULL, "--sysroot cannot be combined with run");
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	ctl = (struct tool){ .program = argv[1], .dir = argv[3] };
	lsdmem = (struct tool){ .program = argv[2], .dir = argv[3] };
	tap_start();
	RUN(refused);
	RUN(sizes);
	RUN(defaults);
	RUN(empty);
	RUN(hostile);
	return tap_end();
}
