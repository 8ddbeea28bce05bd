// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl - set, show, check, record and plan limits of device memory */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "dmemctl.h"

struct verb {
	const char *name;
	int (*run)(struct ctl *c, int argc, char **argv);
	const char *help;
};

static const struct verb verbs[] = {
	{ "set", verb_set, "set limits of a unit or cgroup, now and for later starts" },
	{ "show", verb_show, "show charges and limits of units, and the limits in their files" },
	{ "apply", verb_apply, "set the limits in a unit's files now" },
	{ "run", verb_run, "run a command with limits" },
	{ "verify", verb_verify, "find mistakes in unit files" },
	{ "doctor", verb_doctor, "check configuration and limits, and print remedies" },
	{ "record", verb_record, "record the use of device memory in a file" },
	{ "plan", verb_plan, "calculate sizes of regions, and limits of units" },
	{ "history", verb_history, "show, cut, merge and convert recorded files" },
	{ "watch", verb_watch, "show charges and refused requests as they happen" },
	{ "metrics", verb_metrics, "print figures for Prometheus, or write them to a file" },
	{ "cdi", verb_cdi, "write files that give containers heaps with limits" },
};

#define N_VERBS		(sizeof(verbs) / sizeof(*verbs))

static void help(void)
{
	printf("Usage: dmemctl [--sysroot=DIR] VERB ...\n\n"
	       "Manage limits of device memory for services and cgroups.\n\n");
	for (size_t i = 0; i < N_VERBS; i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
	printf("\n"
	       "  -h, --help          print this help; each verb has its own\n"
	       "  -V, --version       print the version\n"
	       "      --sysroot=DIR   use the files below DIR instead of this machine's\n\n"
	       "See dmemctl(8).\n");
}

static const struct verb *find(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' }, { "sysroot", 1, NULL, 's' },
		{ 0 },
	};
	struct ctl c = { .cli.program = "dmemctl" };
	static const char letters[] = "+:hV";
	char name[32];
	const struct verb *v;
	int opt;

	setlocale(LC_CTYPE, "");
	opterr = 0;
	/* "+" in @letters: stop at the verb, which has its own options. */
	while ((opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			help();
			return cli_close_stdout(&c.cli, CLI_OK);
		case 'V':
			printf("dmemctl %s\n", CLI_VERSION);
			return cli_close_stdout(&c.cli, CLI_OK);
		case 's':
			/* "--sysroot=$UNSET" must not change this machine. */
			if (!*optarg)
				return cli_usage(&c.cli, "--sysroot= needs a directory");
			c.sysroot = optarg;
			break;
		default:
			return cli_bad_option(&c.cli, opt, letters, argv);
		}
	}
	if (optind == argc)
		return cli_usage(&c.cli, "missing verb");
	v = find(argv[optind]);
	if (!v)
		return cli_usage(&c.cli, "unknown verb: %s", argv[optind]);
	snprintf(name, sizeof(name), "dmemctl %s", v->name);
	c.cli.program = name;
	argc -= optind;
	argv += optind;
	/* Start again for the verb: 0 makes glibc read the first letter of optstring anew. */
	optind = 0;
	return cli_close_stdout(&c.cli, v->run(&c, argc, argv));
}
