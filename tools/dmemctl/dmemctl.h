/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One verb, one file. Each gets its own command line: argv[0] is the verb. */
#ifndef DMEMCTL_H
#define DMEMCTL_H

#include "cli/cli.h"
#include "dmem/look.h"

struct ctl {
	struct cli cli;			/* "dmemctl VERB" */
	const char *sysroot;		/* NULL: this machine */
};

/* Each returns an exit code (enum cli's, or what its man page says), prints what is
 * asked for on stdout, and what is wrong on stderr. */
int verb_set(struct ctl *c, int argc, char **argv);
int verb_show(struct ctl *c, int argc, char **argv);
int verb_apply(struct ctl *c, int argc, char **argv);
int verb_run(struct ctl *c, int argc, char **argv);
int verb_verify(struct ctl *c, int argc, char **argv);
int verb_doctor(struct ctl *c, int argc, char **argv);
int verb_record(struct ctl *c, int argc, char **argv);
int verb_watch(struct ctl *c, int argc, char **argv);
int verb_metrics(struct ctl *c, int argc, char **argv);
int verb_plan(struct ctl *c, int argc, char **argv);

#endif
