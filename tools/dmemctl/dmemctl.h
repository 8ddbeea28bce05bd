/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each verb has its own file and its own command line: argv[0] is the verb. */
#ifndef DMEMCTL_H
#define DMEMCTL_H

#include "cli/cli.h"
#include "dmem/look.h"

struct ctl {
	struct cli cli;			/* for messages: "dmemctl VERB" */
	const char *sysroot;		/* NULL: this machine */
};

/* Each verb returns an exit code (of enum cli, or one from its manual page), prints its result on
 * stdout and errors on stderr. */
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
int verb_cdi(struct ctl *c, int argc, char **argv);
int verb_history(struct ctl *c, int argc, char **argv);

#endif
