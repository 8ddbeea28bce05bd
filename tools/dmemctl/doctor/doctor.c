// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl doctor - check the configuration and the limits in force, one line per finding */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "prove.h"

/* More would be a mistake of a script. */
#define MAX_WORDS	256

static void help(void)
{
	printf("Usage: dmemctl doctor [options]\n\n"
	       "Check the controller, the heaps, the units' sections, the running containers,\n"
	       "all limits and regions.\n"
	       "Print one line for each problem or note: the object, the finding, the remedy.\n\n"
	       "      --prove=REGION  instead, allocate up to a small limit in a scratch cgroup,\n"
	       "                      and one page more, which must be refused; repeatable\n"
	       "      --runtime-root=DIR  also check the containers of a runtime that has this\n"
	       "                      directory as --root; repeatable\n"
	       "  -J, --json          print JSON\n"
	       "  -h, --help          print this help\n\n"
	       "The exit status is 0 without a problem, 1 with one, 2 for a wrong command line.\n");
}

/* A file that cannot be read is not a problem of the machine's configuration. */
static void unread(void *data, const char *path, int err)
{
	struct doctor *d = data;

	doctor_say(d, NOTE, path, "run as root", "cannot be read: %s", strerror(err));
}

static int examine(struct doctor *d)
{
	unsigned int all = DMEM_BIT(DMEM_FIGURES) - 1;
	int ret = dmem_sys_open(&d->sys, d->c->sysroot);

	if (ret) {
		cli_error(&d->c->cli, "%s: %s", d->c->sysroot ? d->c->sysroot : "/", strerror(-ret));
		return ret;
	}
	ret = section_load(d->c, &d->units, true);
	if (ret || !doctor_controller(d))
		return ret;
	ret = dmem_regions_read(&d->sys, d->arena, unread, d, &d->regions);
	if (!ret)
		ret = dmem_tree_read(&d->sys, d->arena, &d->regions, "", all, UINT32_MAX, unread, d,
				     &d->tree);
	if (ret)
		return ret;
	doctor_heaps(d);
	doctor_drivers(d);
	doctor_units(d);
	doctor_places(d);
	doctor_installed(d);
	doctor_limits(d);
	doctor_owners(d);
	doctor_containers(d);
	doctor_events(d);
	doctor_regions(d);
	return d->err;
}

static void say_none(const struct doctor *d)
{
	printf("no problems: %zu region%s, %zu cgroup%s", d->regions.n,
	       d->regions.n == 1 ? "" : "s", d->tree.n, d->tree.n == 1 ? "" : "s");
	if (d->containers)
		printf(", %zu container%s", d->containers, d->containers == 1 ? "" : "s");
	putchar('\n');
}

static int doctor(struct doctor *d)
{
	int ret = d->json ? doctor_say_json(d) : 0;

	if (!ret)
		ret = examine(d);
	if (!ret && d->table)
		ret = table_print(d->table);
	if (ret == -ENOMEM)
		cli_error(&d->c->cli, "out of memory");
	if (!ret && !d->table && !d->problems && !d->notes)
		say_none(d);
	return ret || d->problems ? CLI_FAILED : CLI_OK;
}

struct words {
	const char *of[MAX_WORDS];
	size_t n;
};

static int run(struct doctor *d, const struct words *proofs)
{
	if (!proofs->n)
		return doctor(d);
	if (d->n_roots)
		return cli_usage(&d->c->cli, "--runtime-root cannot be combined with --prove");
	if (!d->c->sysroot)
		return doctor_prove(d, proofs->of, proofs->n);
	cli_error(&d->c->cli, "--sysroot cannot be combined with --prove: the heaps are those of "
		  "this machine");
	return CLI_FAILED;
}

static bool add(struct words *w, const char *word)
{
	if (w->n == MAX_WORDS)
		return false;
	w->of[w->n++] = word;
	return true;
}

static int parse(struct doctor *d, int argc, char **argv, struct words *proofs, struct words *roots, bool *done)
{
	static const struct option options[] = {
		{ "prove", 1, NULL, 'p' }, { "runtime-root", 1, NULL, 'r' }, { "json", 0, NULL, 'J' },
		{ "help", 0, NULL, 'h' }, { 0 },
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":Jh", options, NULL)) != -1) {
		if (opt == 'h') {
			help();
			*done = true;
			return CLI_OK;
		}
		if (opt == 'p' && !add(proofs, optarg))
			return cli_usage(&d->c->cli, "--prove=%s: more than %d regions", optarg, MAX_WORDS);
		if (opt == 'r' && !add(roots, optarg))
			return cli_usage(&d->c->cli, "--runtime-root=%s: more than %d directories", optarg,
					 MAX_WORDS);
		if (opt == 'J')
			d->json = true;
		if (opt == ':' || opt == '?')
			return cli_bad_option(&d->c->cli, opt, ":Jh", argv);
	}
	if (optind < argc)
		return cli_usage(&d->c->cli, "unexpected argument: %s", argv[optind]);
	return CLI_OK;
}

int verb_doctor(struct ctl *c, int argc, char **argv)
{
	struct doctor d = { .c = c, .sys.root = -1, .units.sys.root = -1 };
	struct words proofs = { .n = 0 }, roots = { .n = 0 };
	bool done = false;
	int ret;

	d.arena = &d.units.arena;
	ret = parse(&d, argc, argv, &proofs, &roots, &done);
	if (ret || done)
		return ret;
	d.root = roots.of;
	d.n_roots = roots.n;
	ret = run(&d, &proofs);
	table_free(d.table);
	dmem_units_free(&d.units);
	dmem_sys_close(&d.sys);
	return ret;
}
