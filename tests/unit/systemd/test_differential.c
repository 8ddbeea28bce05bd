// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random trees of units: the library must agree with systemd itself, and each unit gets exactly the
 * limits in the files that systemd reads for it.
 *
 * test_differential DMEM-GENERATOR SYSTEMD DIRECTORY TREES [FIRST-SEED [DMEMCTL]]
 *
 * With 0 trees: succeeds if this systemd can be used.
 *
 * systemd runs with --test, which only loads units and prints them. It refuses to do that as root.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "units/units.h"
#include "complaints.h"
#include "tap.h"
#include "tree.h"

#define HELPER	"/dmem-apply"
#define NOBODY	"65534"

static void write_tree(struct tree *t, unsigned int seed)
{
	char path[100], unit[TREE_NAME];

	put("etc/x.target", "[Unit]\nDefaultDependencies=no\n");
	for (size_t i = 0; tree_unit(t, i, unit); i++) {
		snprintf(path, sizeof(path), "etc/x.target.wants/%s", unit);
		link_to(path, "/nowhere");
	}
	tree_make(t, seed);
	for (size_t i = 0; i < t->n; i++) {
		if (t->file[i].link)
			link_to(t->file[i].path, t->file[i].text);
		else
			put(t->file[i].path, "%s", t->file[i].text);
	}
}

/* A path that is no plain file or link to one, where the tree has no file yet. */
static void odd(const char *path)
{
	static const char * const links[] = {
		"/dev/zero", "/proc/version", "../elsewhere/a.service", "../elsewhere/sub", "dirlink/../a.service",
		"/nowhere/a.service", "./../elsewhere/./empty", "dirlink/a.service", "dirlink/sub.conf/a.service",
	};
	/* To itself, for one of them. The drop-ins of two aliases come in any order. */
	static const char * const aliases[] = {
		"vendor/a.service", "vendor/v.service", "dirlink", "./vendor/../vendor/a.service", "w.service/a.service",
	};
	const char *name = strrchr(path, '/') + 1;
	struct stat st;

	if (!lstat(tap_path(path), &st))
		return;
	switch (rand() % 5) {
	case 0:
		mkdir(tap_path(path), 0755);
		break;
	case 1:
		/* One that systemd opened would stop it. */
		if (!strstr(path, ".d/"))
			mkfifo(tap_path(path), 0644);
		break;
	case 2:
		put(path, "%s", "");
		break;
	case 3:
		if (!strcmp(name, "v.service") || !strcmp(name, "a.service")) {
			link_to(path, aliases[(size_t)rand() % (*name == 'v' ? sizeof(aliases) / sizeof(*aliases) : 1)]);
			break;
		}
		/* Fall through. */
	default:
		/* systemd would read a device without an end as a drop-in for ever. */
		link_to(path, links[!!strstr(path, ".d/") + (size_t)rand() % (sizeof(links) / sizeof(*links) - 1)]);
	}
}

static void write_odd(void)
{
	static const char * const dirs[] = { "etc", "run", "lib" };
	static const char * const names[] = {
		"a.service", "a-b.service", "w.service", "t@.service", "t@x.service", "t-u@x.service", "al.service",
		"v.service", "a.service.d/50-b.conf", "a-.service.d/90-c.conf", "w.service.d/a b$.conf",
		"t@.service.d/\xff.conf", "a-b-c.service",
	};
	static const char * const dropin_dirs[] = { "w.service.d", "t@x.service.d", "a-b.service.d", "al.service.d" };
	char path[200];

	put("elsewhere/a.service", "[Service]\nExecStart=/bin/true\n[X-Dmem]\nDeviceMemoryMax=heap/system 1001T\n");
	put("elsewhere/sub/sub.conf", "[X-Dmem]\nDeviceMemoryMax=heap/system 1002T\n");
	put("elsewhere/sub/a.service", "[Service]\nExecStart=/bin/true\n");
	put("elsewhere/empty", "%s", "");
	for (size_t d = 0; d < sizeof(dirs) / sizeof(*dirs); d++) {
		for (size_t i = 0; i < sizeof(dropin_dirs) / sizeof(*dropin_dirs); i++) {
			struct stat st;

			snprintf(path, sizeof(path), "%s/%s", dirs[d], dropin_dirs[i]);
			if (!lstat(tap_path(path), &st) || rand() % 3)
				continue;
			/* 252 looks for the target of a relative link in its own directory. */
			if (rand() % 2)
				link_to(path, tap_path("elsewhere/sub"));
			else
				put(path, "[X-Dmem]\n");
		}
		snprintf(path, sizeof(path), "%s/dirlink", dirs[d]);
		link_to(path, "../elsewhere/sub");
		snprintf(path, sizeof(path), "%s/vendor/a.service", dirs[d]);
		put(path, "[Service]\nExecStart=/bin/true\n[X-Dmem]\nDeviceMemoryMax=heap/system 1003T\n");
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			char parent[200];
			struct stat st;

			snprintf(path, sizeof(path), "%s/%s", dirs[d], names[i]);
			snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
			/* Not into a path that is no directory. */
			if (rand() % 4 || (!stat(tap_path(parent), &st) && !S_ISDIR(st.st_mode)) ||
			    (stat(tap_path(parent), &st) && !lstat(tap_path(parent), &st)))
				continue;
			if (strstr(path, ".d/"))
				mkdir(tap_path(parent), 0755);
			odd(path);
		}
	}
}

static int run_systemd(const char *systemd)
{
	const char *plain[] = { systemd, "--test", "--system", "--unit=x.target", NULL };
	const char *root[] = { "/usr/bin/setpriv", "--reuid=" NOBODY, "--regid=" NOBODY,
			       "--clear-groups", systemd, "--test", "--system", "--unit=x.target",
			       NULL };

	return run(geteuid() ? plain : root);
}

struct unit {
	char name[64];
	bool loaded, masked, more;
	struct tree_limits limits, given;
	char fragment[2000], paths[4000];
};

/* Adds the content of a file, except of a device, which has no end. */
static void add_file(const char *path, struct tree_limits *limits)
{
	struct stat st;

	if (!stat(path, &st) && S_ISREG(st.st_mode))
		tree_read(path, limits);
}

/* As systemd prints it: links to directories are followed. */
static void add_path(char *buf, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[4096], *real;

	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	real = realpath(dir, NULL);
	snprintf(buf + strlen(buf), size - strlen(buf), "%s%s\n", real ? real : dir, slash);
	free(real);
}

/* Do we have a unit file with a text for it? */
static bool has_text(struct dmem_units *u, const char *name)
{
	struct dmem_unit_file **f;
	struct dmem_unit_limits limits;
	size_t n;

	if (dmem_units_files(u, name, &f, &n) || dmem_units_merge(u, f, n, true, "/", &limits))
		abort();
	return n && !strstr(f[0]->path, ".d/") && !f[0]->masks;
}

static void finish(struct dmem_units *u, struct unit *s, int *compared, char *why, size_t size)
{
	struct dmem_unit_file **f;
	char ours[4000] = "";
	size_t n, i;

	if (*s->name && s->masked && !*why && has_text(u, s->name))
		snprintf(why, size, "%s: is a mask for systemd only", s->name);
	if (!*s->name || !s->loaded || *why)
		return;
	if (dmem_units_files(u, s->name, &f, &n))
		abort();
	for (i = 0; i < n; i++) {
		if (strstr(f[i]->path, ".d/"))
			add_path(ours, sizeof(ours), f[i]->path);
	}
	++*compared;
	if (strcmp(s->fragment, n && !strstr(f[0]->path, ".d/") ? f[0]->path : ""))
		snprintf(why, size, "%s: systemd's unit file is '%s', ours '%s'", s->name, s->fragment,
			 n ? f[0]->path : "");
	else if (strcmp(ours, s->paths))
		snprintf(why, size, "%s: systemd reads\n%swe say\n%s", s->name, s->paths, ours);
	else if (s->more || !tree_same(&s->limits, &s->given))
		snprintf(why, size, "%s: gets %s%s; the files say %s\n%s", s->name,
			 tree_text(&s->given), s->more ? " and more" : "", tree_text(&s->limits),
			 s->paths);
}

/* Reads the output of systemd, unit by unit. */
static int compare(struct dmem_units *u, char *why, size_t size)
{
	static char line[8192], path[4096];
	struct unit s = { 0 };
	FILE *f = fopen(tap_path("out"), "r");
	int compared = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "\t-> Unit ", 9)) {
			finish(u, &s, &compared, why, size);
			memset(&s, 0, sizeof(s));
			sscanf(line, "\t-> Unit %63[^:\n]", s.name);
			if (!strstr(s.name, ".service"))
				*s.name = 0;
		} else if (strstr(line, "Unit Load State: loaded")) {
			s.loaded = true;
		} else if (strstr(line, "Unit Load State: masked")) {
			s.masked = true;
		} else if (sscanf(line, " Fragment Path: %4095[^\n]", path) == 1) {
			add_file(path, &s.limits);
			snprintf(s.fragment, sizeof(s.fragment), "%.1999s", path);
		} else if (sscanf(line, " DropIn Path: %4095[^\n]", path) == 1) {
			if (strstr(path, "/zz-dmem.conf"))
				continue;
			add_file(path, &s.limits);
			add_path(s.paths, sizeof(s.paths), path);
		} else if (strstr(line, "Command Line: " HELPER)) {
			s.more |= tree_any(&s.given) || !tree_given(line, &s.given);
		}
	}
	finish(u, &s, &compared, why, size);
	if (f)
		fclose(f);
	return compared;
}

/* Special characters in a command reach the program unchanged. */
static void quoting(char **argv)
{
	char path[4200], option[4300];
	const char *gen[] = { argv[1], option, "--helper=" HELPER, path, NULL };
	const char *want = "Command Line: " HELPER " \"--max=a;\\$\\$b%\\\"c'\\\\n;=50%\" --max=t-y=1\n";
	char *line;

	tap_dir(argv[3]);
	put("etc/x.target", "[Unit]\nDefaultDependencies=no\nWants=t@y.service\n");
	put("etc/t@.service", "[Service]\nExecStart=/bin/true\n[X-Dmem]\n"
	    "DeviceMemoryMax=a;$b%%%%\\x22c\\'\\\\n; 50%%\nDeviceMemoryMax=%%p-%%i 1\n");
	snprintf(path, sizeof(path), "%s", tap_path("gen"));
	mkdir(path, 0755);
	snprintf(option, sizeof(option), "--unit-path=%s", tap_path("etc"));
	run(gen);
	snprintf(option, sizeof(option), "%s:%s", tap_path("etc"), tap_path("gen"));
	setenv("SYSTEMD_UNIT_PATH", option, 1);
	run_systemd(argv[2]);
	unsetenv("SYSTEMD_UNIT_PATH");
	line = strstr(get("out"), "Command Line: " HELPER);
	if (line)
		line[strcspn(line, "\n") + 1] = 0;
	check_text(line ? line : "no command", want, "systemd reads what was quoted");
}

/* dmemctl verify finds the same mistakes as the generator, and no others in such files. The
 * generator has written to "err". */
static void compare_verify(const char *dmemctl, const char *search, char *why, size_t size)
{
	const char *argv[] = { dmemctl, "verify", NULL }, *how;
	static const char prefix[] = "dmem-generator: ";
	static char said[100000];
	char *save, *l;

	*said = 0;
	for (l = strtok_r(get("err"), "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		l += strncmp(l, prefix, sizeof(prefix) - 1) ? 0 : sizeof(prefix) - 1;
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", l);
	}
	setenv("SYSTEMD_UNIT_PATH", search, 1);
	run(argv);
	unsetenv("SYSTEMD_UNIT_PATH");
	how = complaints_differ(said, get("out"));
	if (how)
		snprintf(why, size, "%s", how);
}

static void ignore(void *data, const struct dmem_report *r)
{
	(void)data;
	(void)r;
}

int main(int argc, char **argv)
{
	/* The generator's directory is among the others, as in a real search path. */
	static const char * const inputs[] = { "etc", "run", "lib" };
	static struct tree tree = { .prefix = "", .dir = inputs, .n_dirs = 3, .types = true };
	static char search[20000], path[20000], option[20100], why[10000];
	int trees, first, units = 0, done = 0;

	if (argc < 5)
		return 2;
	trees = atoi(argv[4]);
	if (!trees) {
		tap_dir(argv[3]);
		put("etc/x.target", "[Unit]\nDefaultDependencies=no\n");
		setenv("SYSTEMD_UNIT_PATH", tap_path("etc"), 1);
		return run_systemd(argv[2]) || !strstr(get("out"), "-> Unit x.target:");
	}
	first = argc > 5 ? atoi(argv[5]) : 1;
	tap_start();
	RUN(quoting, argv);
	for (int t = first; t < first + trees && !*why; t++) {
		const char *gen[] = { argv[1], option, "--helper=" HELPER, path, NULL };
		struct dmem_units u;

		tap_dir(argv[3]);
		write_tree(&tree, (unsigned int)t);
		if (t % 2)
			write_odd();
		snprintf(path, sizeof(path), "%s", tap_path("gen"));
		mkdir(path, 0755);
		snprintf(search, sizeof(search), "%s:%s:%s", tap_path("etc"), tap_path("run"),
			 tap_path("lib"));
		snprintf(option, sizeof(option), "--unit-path=%s", search);
		if (run(gen)) {
			snprintf(why, sizeof(why), "tree %d: dmem-generator failed: %s", t, get("err"));
			break;
		}
		if (argc > 6)
			compare_verify(argv[6], search, why, sizeof(why));
		if (dmem_units_load(&u, "", search, ignore, NULL))
			abort();
		snprintf(option, sizeof(option), "%s:%s:%s:%s", tap_path("etc"), tap_path("run"),
			 tap_path("gen"), tap_path("lib"));
		setenv("SYSTEMD_UNIT_PATH", option, 1);
		if (run_systemd(argv[2]))
			snprintf(why, sizeof(why), "tree %d: systemd --test failed: %s", t, get("err"));
		unsetenv("SYSTEMD_UNIT_PATH");
		units += compare(&u, why, sizeof(why));
		dmem_units_free(&u);
		done++;
		if (*why)
			printf("# tree %d\n", t);
	}
	check(!*why && done == trees && units > 8 * trees,
	      "systemd reads the same files, and finds the caps that they say",
	      "after %d trees and %d units: %s", done, units, why);
	printf("# %d trees, %d units\n", done, units);
	return tap_end();
}
