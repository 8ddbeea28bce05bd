// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl doctor - is everything as it was meant? One line for each thing that is not */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

enum { SEVERITY, SUBJECT, FINDING, REMEDY, COLUMNS };

static const struct table_column columns[COLUMNS] = {
	[SEVERITY] = { "SEVERITY", "problem or note", TABLE_TEXT },
	[SUBJECT] = { "SUBJECT", "what it is about", TABLE_TEXT },
	[FINDING] = { "FINDING", "what was found", TABLE_TEXT },
	[REMEDY] = { "REMEDY", "what to do", TABLE_TEXT },
};

static void help(void)
{
	printf("Usage: dmemctl doctor [options]\n\n"
	       "Looks at the controller, the heaps, the units' sections, all limits and regions, and\n"
	       "prints one line for each thing that is not as it should be, with the remedy.\n\n"
	       "  -J, --json          JSON\n"
	       "  -h, --help          this text\n\n"
	       "The exit code is 0 without a problem, 1 with one, 2 for a wrong command line.\n");
}

const char *doctor_size(uint64_t bytes)
{
	static _Thread_local char buf[8][CLI_SIZE];
	static _Thread_local unsigned int n;

	return cli_size(buf[n++ % 8], bytes, false);
}

const char *doctor_size_beside(uint64_t bytes, uint64_t other)
{
	static _Thread_local char buf[8][CLI_SIZE];
	static _Thread_local unsigned int n;
	char beside[CLI_SIZE], *text = buf[n++ % 8];

	cli_size(text, bytes, false);
	if (bytes != other && !strcmp(text, cli_size(beside, other, false)))
		cli_size(text, bytes, true);
	return text;
}

void doctor_say(struct doctor *d, enum severity severity, const char *subject, const char *remedy,
		const char *fmt, ...)
{
	struct table_line *l;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (severity == PROBLEM)
		d->problems++;
	else
		d->notes++;
	if (!d->table) {
		char line[8192];

		snprintf(line, sizeof(line), "%s: %s: %s: %s", severity == PROBLEM ? "problem" : "note",
			 subject, text, remedy);
		/* Names of cgroups and of processes are whatever their owners like. */
		cli_harmless(line);
		puts(line);
		return;
	}
	l = table_line(d->table, NULL);
	table_text(d->table, l, SEVERITY, severity == PROBLEM ? "problem" : "note");
	table_text(d->table, l, SUBJECT, subject);
	table_text(d->table, l, FINDING, text);
	table_text(d->table, l, REMEDY, remedy);
}

/* What may not be read is not healthy or sick, only unknown. */
static void unread(void *data, const char *path, int err)
{
	struct doctor *d = data;

	doctor_say(d, NOTE, path, "be root", "cannot be read: %s", strerror(err));
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
	doctor_units(d);
	doctor_installed(d);
	doctor_limits(d);
	doctor_regions(d);
	return d->err;
}

static int doctor(struct doctor *d)
{
	static const int ids[] = { SEVERITY, SUBJECT, FINDING, REMEDY };
	const struct table_options o = { .json = true };
	int ret = 0;

	if (d->json) {
		d->table = table_new("findings", columns, ids, COLUMNS, &o);
		ret = d->table ? 0 : -ENOMEM;
	}
	if (!ret)
		ret = examine(d);
	if (!ret && d->table)
		ret = table_print(d->table);
	if (ret == -ENOMEM)
		cli_error(&d->c->cli, "no memory");
	if (!ret && !d->table && !d->problems && !d->notes)
		printf("nothing is wrong: %zu regions, %zu cgroups\n", d->regions.n, d->tree.n);
	return ret || d->problems ? CLI_FAILED : CLI_OK;
}

int verb_doctor(struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", 0, NULL, 'J' }, { "help", 0, NULL, 'h' }, { 0 },
	};
	struct doctor d = { .c = c, .sys.root = -1, .units.root_fd = -1 };
	int opt, ret;

	d.arena = &d.units.arena;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "Jh", options, NULL)) != -1) {
		if (opt == 'h') {
			help();
			return CLI_OK;
		}
		if (opt != 'J')
			return cli_bad_option(&c->cli, opt, "Jh", argv);
		d.json = true;
	}
	if (optind < argc)
		return cli_usage(&c->cli, "'%s' is too much", argv[optind]);
	ret = doctor(&d);
	table_free(d.table);
	dmem_units_free(&d.units);
	dmem_sys_close(&d.sys);
	return ret;
}
