// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares the options of dmemctl's verbs with their help, the manual pages and the completions.
 *
 * test_ctl_docs DMEMCTL FAKE-MANAGER DBUS-DAEMON DIRECTORY SOURCES MANUAL BASH ZSH
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "bus.h"
#include "docs.h"

#define TEXT	DOCS_TEXT

static struct tool t;

static const struct verb {
	const char *name, *source, *start;
	const char *completed;		/* the completions of bash for "--" */
	const char *manual;		/* of its own, or NULL: a section of dmemctl(8) */
} verbs[] = {
	{ "set", "options.c", "[OPTIONS_SET]",
	  "--dry-run --help --low --max --min --propagate --revert --runtime ", NULL },
	{ "show", "show.c", "options[] = {",
	  "--all --bytes --help --json --noheadings --output --raw ", NULL },
	{ "apply", "apply.c", "options[] = {", "--help ", NULL },
	{ "run", "options.c", "[OPTIONS_RUN]", "--help --low --max --min --slice --unit ", NULL },
	{ "doctor", "doctor/doctor.c", "options[] = {", "--help --json --prove ", NULL },
	{ "cdi", "cdi/cdi.c", "options[] = {", "--help --hook --output --plan --strict ",
	  "cdi/dmemctl-cdi.8.scd" },
	{ "history", "history/verb.c", "options[] = {",
	  "--copy --csv --help --json --output --region --since --unit --until ", "history/dmemctl-history.8.scd" },
	{ "watch", "watch/watch.c", "options[] = {",
	  "--batch --bytes --color --count --depth --help --interval --json --list --output --replay --reverse --sort --tree ",
	  "watch/dmemctl-watch.8.scd" },
};

/* Is there a word that starts the line, after blanks, or comes behind a short one? */
static bool has_line(const char *text, const char *option)
{
	size_t len = strlen(option);

	for (const char *p = text; (p = strstr(p, option)); p += len) {
		const char *before = p;

		if (p[len] && !strchr(" =,\n*[", p[len]))
			continue;
		while (before > text && before[-1] != '\n')
			before--;
		before += strspn(before, " ");
		if (before == p || (*before == '-' && before[1] != '-'))
			return true;
	}
	return false;
}

/* Is it in a line that starts with an option? */
static bool has_heading(const char *section, const char *bold)
{
	for (const char *p = section; (p = strstr(p, bold)); p++) {
		const char *line = p;

		while (line > section && line[-1] != '\n')
			line--;
		if (*line == '*')
			return true;
	}
	return false;
}

/* The section of the manual, as it is in bold there. */
static void section_of(const char *manual, const char *verb, char text[TEXT])
{
	char head[20] = "\n# ";
	const char *from, *to;

	for (size_t i = 0; verb[i]; i++)
		head[3 + i] = (char)(verb[i] - 'a' + 'A'), head[4 + i] = 0;
	strcat(head, "\n");
	from = strstr(manual, head);
	to = from ? strstr(from + 3, "\n# ") : NULL;
	snprintf(text, TEXT, "%.*s", to ? (int)(to - from) : 0, from ? from : "");
}

/* Each option in the source is in --help, in the manual and in zsh's completion; and there
 * are as many as in --help. */
static void test_options(const struct verb *v, const char *sources, const char *manual,
			 const char *zsh)
{
	static char source[TEXT], help[TEXT], section[TEXT];
	char path[4096], args[200], missing[1000] = "", *p, *end;
	int n = 0, lines = 0;

	snprintf(path, sizeof(path), "%s/%s", sources, v->source);
	docs_read(path, source);
	snprintf(args, sizeof(args), "%s --help", v->name);
	tool(&t, args);
	snprintf(help, sizeof(help), "%s", get("out"));
	section_of(manual, v->name, section);
	if (v->manual) {
		snprintf(path, sizeof(path), "%s/%s", sources, v->manual);
		docs_read(path, section);
	}
	p = strstr(source, v->start);
	end = p ? strstr(p, "{ 0 }") : NULL;
	for (p = p ? strchr(p, '{') + 1 : NULL; p && (p = strstr(p, "{ \"")) && p < end; p++) {
		char option[60], bold[80], given[80];

		snprintf(option, sizeof(option), "--%.*s", (int)strcspn(p + 3, "\""), p + 3);
		snprintf(bold, sizeof(bold), "*%s*", option);
		snprintf(given, sizeof(given), "%s%c", option,
			 p[strcspn(p, ",") + 2] == '1' ? '=' : '[');
		n++;
		if (!has_line(help, option) || !has_heading(section, bold) ||
		    (!strstr(zsh, given) && !strstr(zsh, option)))
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				 "%s ", option);
	}
	for (char *l = help; (l = strstr(l, "\n  ")); l++)
		lines += l[strspn(l, "\n ")] == '-';
	snprintf(args, sizeof(args),
		 "%s: every option is in --help, in the manual and in zsh's completion", v->name);
	check(n && n == lines && !*missing, args, "%d options, %d lines; not everywhere: %s", n,
	      lines, missing);
}

static void complete(const char *file, const char *words, const char *want)
{
	docs_complete(file, "dmemctl", t.program, words, want);
}

static void test_bash(const char *file)
{
	char words[5000], want[5000];

	put("bin/systemctl", "#!/bin/sh\necho 'camera.service loaded active running The camera'\n"
			     "echo 'dev-disk-by\\x2dlabel.device loaded active plugged'\necho "
			     "'cam-\\x2da.service loaded'\n");
	chmod(tap_path("bin/systemctl"), 0755);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		snprintf(words, sizeof(words), "%s --", verbs[i].name);
		complete(file, words, verbs[i].completed);
	}
	complete(file, "s", "set show ");
	complete(file, "--s", "--sysroot ");
	complete(file, "set cam", "cam-\\x2da.service camera.service ");
	complete(file, "set -n camera.service --ru", "--runtime ");
	complete(file, "show -o CHA", "CHARGED ");
	complete(file, "show --output = UNIT,pe", "UNIT,PEAK ");
	complete(file, "show -o +c", "+CGROUP +CHARGED ");
	complete(file, "doctor x", " ");
	snprintf(words, sizeof(words), "record --output = %s", tap_path("bi"));
	snprintf(want, sizeof(want), "%s ", tap_path("bin"));
	complete(file, words, want);
	snprintf(words, sizeof(words), "metrics -o %s", tap_path("bi"));
	complete(file, words, want);
	complete(file, "metrics --b", "--buffers ");
	snprintf(words, sizeof(words), "verify --root = %s", tap_path("bi"));
	complete(file, words, want);
	complete(file, "record --interval = 1", " ");
	snprintf(words, sizeof(words), "history --output = %s", tap_path("bi"));
	complete(file, words, want);
	complete(file, "plan --by = m", "machine model ");
	complete(file, "plan --accept = ", "changes machine quantile ");
	complete(file, "plan --a", "--accept --add --alerts --apply ");
	complete(file, "plan --c", "--check --check-units --cma-alignment --confidence ");
	snprintf(words, sizeof(words), "plan --alerts = %s", tap_path("bi"));
	snprintf(want, sizeof(want), "%s ", tap_path("bin"));
	complete(file, words, want);
	snprintf(words, sizeof(words), "plan --check-units = %s", tap_path("bi"));
	complete(file, words, want);
	complete(file, "history --unit = cam", "cam-\\x2da.service camera.service ");
	snprintf(words, sizeof(words), "--sysroot %s history --region = cma/c", tap_path("root"));
	complete(file, words, "cma/camera@64000000 ");
	snprintf(words, sizeof(words), "--sysroot = %s set camera --max = ", tap_path("root"));
	complete(file, words,
		 "cma/camera@64000000= cma/display@60000000= dma_heap/camera@64000000= "
		 "dma_heap/display@60000000= dma_heap/system= heap/system= ");
	snprintf(words, sizeof(words), "--sysroot %s set camera --max = cma/cam", tap_path("root"));
	complete(file, words, "cma/camera@64000000= ");
	snprintf(words, sizeof(words), "--sysroot %s doctor --prove = dma_heap/c", tap_path("root"));
	complete(file, words, "dma_heap/camera@64000000 ");
	complete(file, "watch -o NAME,l", "NAME,LIMIT NAME,LOW ");
	complete(file, "watch --sort = ch", "charged ");
	complete(file, "watch --color = ", "always auto never ");
	snprintf(words, sizeof(words), "--sysroot %s watch c", tap_path("root"));
	complete(file, words, "cam-\\x2da.service camera.service cma/camera@64000000 cma/display@60000000 ");
	complete(file, "plan --s", "--scale --set --shrink --size --split --svg ");
	complete(file, "plan --without = cam", "cam-\\x2da.service camera.service ");
	complete(file, "plan --scale = came", "camera.service= ");
	complete(file, "plan --set = came", "camera.service= ");
	complete(file, "plan --reserve-first = cam", "cam-\\x2da.service camera.service ");
	snprintf(words, sizeof(words), "--sysroot %s plan --size = c", tap_path("root"));
	complete(file, words, "cma/camera@64000000= cma/display@60000000= ");
	snprintf(words, sizeof(words), "--sysroot %s plan --merge = cma/d", tap_path("root"));
	complete(file, words, "cma/display@60000000, ");
	snprintf(words, sizeof(words), "--sysroot %s plan --split = h", tap_path("root"));
	complete(file, words, "heap/system: ");
	complete(file, "plan --add = cam", " ");
	complete(file, "plan --from = p", "prometheus ");
	snprintf(words, sizeof(words), "--sysroot %s cdi cma/d", tap_path("root"));
	complete(file, words, "cma/display@60000000= ");
	/* As bash cuts it. */
	snprintf(words, sizeof(words), "--sysroot %s set camera --min = cma/camera @ 64",
		 tap_path("root"));
	complete(file, words, "64000000= ");
}

/* Each command in the manual, in this order and as it stands there. */
static void test_examples(const char *manual)
{
	static char copy[TEXT];
	char path[4096], name[300], *save;
	int n = 0;

	put("bin/dmemctl",
	    "#!/bin/sh\ncase $* in\nrun*|*--prove*) exec '%s' \"$@\" ;;\n*) exec '%s' --sysroot='%s' \"$@\" "
	    ";;\nesac\n",
	    t.program, t.program, tap_path("root"));
	chmod(tap_path("bin/dmemctl"), 0755);
	put("bin/v4l2-ctl", "#!/bin/sh\ncat '%s'\n",
	    tap_path(CG "system.slice/lone.scope/dmem.max"));
	chmod(tap_path("bin/v4l2-ctl"), 0755);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", tap_path("bin"));
	setenv("PATH", path, 1);
	snprintf(copy, sizeof(copy), "%s", manual);
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		const char *argv[] = { "/bin/sh", "-euc", l + 1, NULL };
		int rc;

		if (strncmp(l, "\tdmemctl ", 9))
			continue;
		rc = run(argv);
		snprintf(name, sizeof(name), "the example '%s' succeeds", l + 1);
		check(!rc && !*get("err"), name, "status %d: %s%s", rc, get("out"), get("err"));
		n++;
		if (strstr(l, " set camera "))
			check(strstr(get(CONTROL "camera.service.d/90-dmemctl.conf"),
				     "camera@64000000 24M") &&
				      strstr(get(CG "system.slice/camera.service/dmem.max"),
					     CAMERA " 25165824\n"),
			      "the example of set writes the limit and the drop-in", "no");
		if (strstr(l, " run "))
			check(strstr(get("out"), CAMERA " 10485760\n") != NULL,
			      "the example of run sets a quarter of the region", "%s",
			      get("out"));
	}
	check(n == 7, "the manual has examples", "%d", n);
}

int main(int argc, char **argv)
{
	static char manual[TEXT], zsh[TEXT];
	struct bus bus = { 0 };

	if (argc != 9)
		return 2;
	t = (struct tool){ .program = argv[1], .dir = argv[4] };
	bus.manager = argv[2];
	bus.daemon = argv[3];
	setenv("LC_ALL", "C.UTF-8", 1);
	docs_read(argv[6], manual);
	docs_read(argv[8], zsh);
	tap_start();
	board(&t);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		RUN(test_options, &verbs[i], argv[5], manual, zsh);
	run((const char *[]){ "/usr/bin/zsh", "-n", argv[8], NULL });
	check(!*get("err"), "zsh understands its completion", "%s", get("err"));
	RUN(test_bash, argv[7]);
	if (!bus_start(&bus, "")) {
		printf("Bail out! there is no bus\n");
		return 2;
	}
	setenv("FAKE_BUS", "1", 1);
	setenv("FAKE_ROOT", tap_path("root"), 1);
	setenv("FAKE_OWN", "0::/system.slice/lone.scope", 1);
	RUN(test_examples, manual);
	bus_stop(&bus);
	return tap_end();
}
