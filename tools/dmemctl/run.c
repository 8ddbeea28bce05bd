// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl run - run a command with its own limits */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/text.h"
#include "change.h"
#include "manager.h"
#include "options.h"

/* Same codes as env, timeout and nohup; smaller ones are the command's. */
enum { RUN_FAILED = 125, RUN_CANNOT_EXEC = 126, RUN_NOT_FOUND = 127 };

static void help(void)
{
	printf("Usage: dmemctl run [options] --max=REGION=SIZE ... [--] COMMAND [ARGUMENT...]\n\n"
	       "Run a command in a scope of its own. The limits are set before it starts. If\n"
	       "they cannot be set, it is not started.\n\n"
	       "      --max=REGION=SIZE   limit; these three options are those of dmemctl set\n"
	       "      --min=REGION=SIZE\n"
	       "      --low=REGION=SIZE\n"
	       "      --unit=NAME         name of the scope\n"
	       "      --slice=SLICE       slice that contains the scope\n"
	       "  -h, --help              print this help\n\n"
	       "The exit status is that of the command, 125 if it was not started, 126 if it\n"
	       "cannot be executed, and 127 if it does not exist.\n");
}

/* The cgroup of this process, without a leading slash. */
static const char *own_cgroup(struct ctl *c, struct dmem_arena *a)
{
	const char *line = dmem_first_line(a, AT_FDCWD, "/proc/self/cgroup");

	if (!line || strncmp(line, "0::/", 4)) {
		cli_error(&c->cli, "%s", dmem_status_text(DMEM_NO_CGROUP2));
		return NULL;
	}
	return line + 4;
}

static int enter(struct ctl *c, struct manager *m, struct dmem_arena *a, const struct options *o,
		 const char *command)
{
	char *what = dmem_printf(a, "dmemctl run %s", command);
	const char *name = o->unit;
	int ret = 0;

	if (!name)
		name = dmem_printf(a, "dmem-run-%d.scope", (int)getpid());
	else if (dmem_unit_type(name) < 0)
		name = dmem_printf(a, "%s.scope", name);
	if (!name || !what)
		ret = -ENOMEM;
	else if (dmem_unit_type(name) != DMEM_SCOPE) {
		cli_error(&c->cli, "--unit=%s: not the name of a scope: use a name that ends in "
			  ".scope", o->unit);
		ret = -EINVAL;
	} else if (o->slice && dmem_unit_type(o->slice) != DMEM_SLICE) {
		cli_error(&c->cli,
			  "--slice=%s: not the name of a slice: use a name that ends in .slice",
			  o->slice);
		ret = -EINVAL;
	} else {
		/* systemd accepts UTF-8 only. */
		char *plain = text_harmless(what, TEXT_UTF8);

		ret = plain ? manager_scope(c, m, name, o->slice, plain) : -ENOMEM;
		free(plain);
	}
	return ret;
}

static int limit(struct ctl *c, struct dmem_arena *a, struct change *ch)
{
	const char *cgroup = own_cgroup(c, a);

	return cgroup ? change_apply(c, ch, cgroup) : -EIO;
}

/* Checks regions and sizes before it makes a scope. */
static int prepare(struct ctl *c, struct dmem_arena *a, const struct options *o, struct change *ch)
{
	int ret = change_open(c, a, ch);

	for (size_t i = 0; i < o->n && !ret; i++)
		ret = change_add(c, ch, &o->limit[i]);
	return ret;
}

static int run(struct ctl *c, struct dmem_arena *a, const struct options *o, char **command)
{
	struct change ch = { .root = -1, .sys.root = -1 };
	struct manager m = { 0 };
	int ret = manager_open(c, &m);

	if (!ret)
		ret = prepare(c, a, o, &ch);
	if (!ret)
		ret = enter(c, &m, a, o, command[0]);
	if (!ret)
		ret = limit(c, a, &ch);
	change_close(&ch);
	manager_close(&m);
	if (ret == -ENOMEM)
		cli_error(&c->cli, "out of memory");
	if (ret)
		return RUN_FAILED;
	execvp(command[0], command);
	ret = errno;
	cli_error(&c->cli, "%s: %s", command[0], strerror(ret));
	return ret == ENOENT ? RUN_NOT_FOUND : RUN_CANNOT_EXEC;
}

int verb_run(struct ctl *c, int argc, char **argv)
{
	struct dmem_arena a = { 0 };
	struct options o = { 0 };
	int ret = options_limits(c, &a, argc, argv, OPTIONS_RUN, &o);

	if (o.help) {
		help();
		ret = CLI_OK;
	} else if (ret != CLI_OK) {
		ret = RUN_FAILED;
	} else if (c->sysroot) {
		cli_error(&c->cli, "--sysroot cannot be combined with run: the command runs on "
			  "this machine");
		ret = RUN_FAILED;
	} else if (optind == argc || !o.n) {
		cli_usage(&c->cli, "%s", optind == argc ? "missing command" :
			  "no limits: add --max=, --min= or --low=");
		ret = RUN_FAILED;
	} else {
		ret = run(c, &a, &o, argv + optind);
	}
	dmem_arena_free(&a);
	return ret;
}
