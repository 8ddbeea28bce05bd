// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random trees of units: what systemd itself makes of them is what the library
 * says, and each unit gets exactly the caps of the files that systemd reads for it.
 *
 * test_differential DMEM-GENERATOR SYSTEMD DIRECTORY TREES [FIRST-SEED]
 *
 * With 0 trees: ends well if this systemd can be used for that.
 *
 * systemd is run with --test, which only loads units and prints them. It refuses
 * to do that as root.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/lib/units.h"
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
	bool loaded, more;
	struct tree_caps caps, given;
	char paths[4000];
};

static void finish(struct dmem_units *u, struct unit *s, int *compared, char *why, size_t size)
{
	struct dmem_unit_file **f;
	char ours[4000] = "";
	size_t n, i;

	if (!*s->name || !s->loaded || *why)
		return;
	if (dmem_units_files(u, s->name, &f, &n))
		abort();
	for (i = 0; i < n; i++) {
		if (strstr(f[i]->path, ".d/"))
			snprintf(ours + strlen(ours), sizeof(ours) - strlen(ours), "%s\n", f[i]->path);
	}
	++*compared;
	if (strcmp(ours, s->paths))
		snprintf(why, size, "%s: systemd reads\n%swe say\n%s", s->name, s->paths, ours);
	else if (s->more || !tree_same(&s->caps, &s->given))
		snprintf(why, size, "%s: gets %s%s; the files say %s\n%s", s->name,
			 tree_text(&s->given), s->more ? " and more" : "", tree_text(&s->caps),
			 s->paths);
}

/* Reads what systemd printed, unit by unit. */
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
		} else if (sscanf(line, " Fragment Path: %4095s", path) == 1) {
			tree_read(path, &s.caps);
		} else if (sscanf(line, " DropIn Path: %4095s", path) == 1) {
			if (strstr(path, "/zz-dmem.conf"))
				continue;
			tree_read(path, &s.caps);
			strcat(s.paths, path);
			strcat(s.paths, "\n");
		} else if (strstr(line, "Command Line: " HELPER)) {
			s.more |= tree_any(&s.given) || !tree_given(line, &s.given);
		}
	}
	finish(u, &s, &compared, why, size);
	if (f)
		fclose(f);
	return compared;
}

/* What is special in a command's line reaches the program as it was written. */
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
	quoting(argv);
	for (int t = first; t < first + trees && !*why; t++) {
		const char *gen[] = { argv[1], option, "--helper=" HELPER, path, NULL };
		struct dmem_units u;

		tap_dir(argv[3]);
		write_tree(&tree, (unsigned int)t);
		snprintf(path, sizeof(path), "%s", tap_path("gen"));
		mkdir(path, 0755);
		snprintf(search, sizeof(search), "%s:%s:%s", tap_path("etc"), tap_path("run"),
			 tap_path("lib"));
		snprintf(option, sizeof(option), "--unit-path=%s", search);
		if (run(gen)) {
			snprintf(why, sizeof(why), "tree %d: dmem-generator failed: %s", t, get("err"));
			break;
		}
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
