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

#define REGIONS	4
#define HELPER	"/dmem-apply"
#define NOBODY	"65534"

static const char * const services[] = {
	"a.service", "a-b.service", "a-b-c.service", "a--b.service", "-a-b.service", "t@.service",
	"t@x.service", "t-u@.service", "t-u@x.service", "t-u@y-z.service", "w.service",
};

static const char * const aliases[][2] = {
	{ "al.service", "a.service" }, { "a-l-s.service", "w.service" },
	{ "x-b.service", "a-b-c.service" }, { "t-v@.service", "t@.service" },
	{ "o-p@q.service", "t-u@.service" }, { "al2.service", "al.service" },
	{ "t@x.service", "t@.service" },
};

static const char * const levels[] = {
	"service", "a-.service", "a-b-.service", "a--.service", "t-.service", "t-@.service",
	"t-@x.service", "x-.service", "o-.service", "o-p@.service", "a-l-.service", "t-u@.service",
	"t@.service", "al.service", "t-v@.service", "t-v@x.service", "a-l-s.service", "t@x.service",
	"a.service", "a-b.service", "a-b-c.service", "w.service", "t-u@x.service", "a--b.service",
};

static const char * const wanted[] = {
	"a.service", "a-b.service", "a-b-c.service", "a--b.service", "-a-b.service", "t@x.service",
	"t@n.service", "t-u@x.service", "t-u@y-z.service", "t-u@n.service", "w.service",
	"al.service", "a-l-s.service", "x-b.service", "t-v@x.service", "t-v@k.service",
	"o-p@q.service", "al2.service",
};

/* The generator's directory is among the others, as in a real search path. */
static const char * const dirs[] = { "etc", "run", "gen", "lib" };
static const int inputs[] = { 0, 1, 3 };

static const char * const names[] = { "10-a.conf", "50-b.conf", "90-c.conf", "zzz.conf" };

static int pick(int n)
{
	return rand() % n;
}

/* What a file says: nothing, caps, or a reset first. */
static void content(const char *path, bool fragment)
{
	char text[500];
	int n = snprintf(text, sizeof(text), fragment ? "[Service]\nExecStart=/bin/true\n" : "");

	if (pick(3)) {
		n += snprintf(text + n, sizeof(text) - (size_t)n, "[X-Dmem]\n");
		if (!pick(4))
			n += snprintf(text + n, sizeof(text) - (size_t)n, "DeviceMemoryMax=\n");
		for (int i = pick(3); i; i--)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "DeviceMemoryMax=r%d %d\n",
				      pick(REGIONS), 1 + pick(1000));
	}
	put(path, "%s", text);
}

static void random_tree(void)
{
	char path[300];
	size_t n;

	put("etc/x.target", "[Unit]\nDefaultDependencies=no\n");
	for (n = 0; n < sizeof(wanted) / sizeof(*wanted); n++) {
		snprintf(path, sizeof(path), "etc/x.target.wants/%s", wanted[n]);
		link_to(path, "/nowhere");
	}
	for (int d = 0; d < 3; d++) {
		for (n = 0; n < sizeof(services) / sizeof(*services); n++) {
			snprintf(path, sizeof(path), "%s/%s", dirs[inputs[d]], services[n]);
			if (d < 2 ? !pick(8) : pick(8)) {
				if (!pick(12))
					link_to(path, "/dev/null");
				else
					content(path, true);
			}
		}
		for (n = 0; n < sizeof(aliases) / sizeof(*aliases); n++) {
			snprintf(path, sizeof(path), "%s/%s", dirs[inputs[d]], aliases[n][0]);
			if (!pick(3) && access(tap_path(path), F_OK))
				link_to(path, aliases[n][1]);
		}
		for (n = 0; n < sizeof(levels) / sizeof(*levels); n++) {
			if (pick(4))
				continue;
			snprintf(path, sizeof(path), "%s/%s.d/%s", dirs[inputs[d]], levels[n],
				 names[pick(4)]);
			if (!pick(8))
				link_to(path, "/dev/null");
			else
				content(path, false);
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

/* What a unit's files give, one after the other. */
static void naive(const char *path, int *caps)
{
	char line[200];
	FILE *f = fopen(path, "r");
	int r, v;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strcmp(line, "DeviceMemoryMax=\n"))
			memset(caps, 0, REGIONS * sizeof(*caps));
		else if (sscanf(line, "DeviceMemoryMax=r%d %d", &r, &v) == 2)
			caps[r] = v;
	}
	if (f)
		fclose(f);
}

struct unit {
	char name[64], problem[300];
	bool loaded;
	int caps[REGIONS], given[REGIONS];
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
	else if (memcmp(s->caps, s->given, sizeof(s->caps)))
		snprintf(why, size, "%s: gets r0 %d, r1 %d, r2 %d, r3 %d; the files say %d, %d, %d, %d\n%s",
			 s->name, s->given[0], s->given[1], s->given[2], s->given[3], s->caps[0],
			 s->caps[1], s->caps[2], s->caps[3], s->paths);
}

/* Reads what systemd printed, unit by unit. */
static int compare(struct dmem_units *u, char *why, size_t size)
{
	static char line[8192], path[4096];
	struct unit s = { 0 };
	FILE *f = fopen(tap_path("out"), "r");
	int compared = 0, r, v;
	const char *p;

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
			naive(path, s.caps);
		} else if (sscanf(line, " DropIn Path: %4095s", path) == 1) {
			if (strstr(path, "/zz-dmem.conf"))
				continue;
			naive(path, s.caps);
			strcat(s.paths, path);
			strcat(s.paths, "\n");
		} else if (strstr(line, "Command Line: " HELPER)) {
			for (p = strstr(line, "--max=r"); p; p = strstr(p + 1, "--max=r")) {
				if (sscanf(p, "--max=r%d=%d", &r, &v) == 2)
					s.given[r] = v;
			}
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

		srand((unsigned int)t);
		tap_dir(argv[3]);
		random_tree();
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
