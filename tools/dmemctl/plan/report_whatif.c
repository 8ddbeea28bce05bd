// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints changes of the load, and the requests that a region of another size would have refused. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "report.h"
#include "whatif.h"

/* ---- changes ---- */

/* Prints an option, in JSON with its quotes and escapes. */
static void put_change(FILE *f, const struct whatif_option *o, bool json)
{
	char *text = text_harmless(o->text, TEXT_UTF8);
	size_t size = text ? strlen(text) + 16 : 0;
	char *option = text ? malloc(size) : NULL;

	if (option)
		snprintf(option, size, "--%s=%s", whatif_name(o->kind), text);
	if (json)
		report_json_text(f, option ? option : "");
	else
		fprintf(f, "%s", option ? option : "");
	free(option);
	free(text);
}

static void put_changes(FILE *f, const struct model *m, const char *between, bool json)
{
	bool any = false;

	for (size_t i = 0; m->whatif && i < m->whatif->n; i++) {
		if (m->whatif->option[i].kind == WHATIF_SIZE)
			continue;
		fprintf(f, "%s", any ? between : "");
		put_change(f, &m->whatif->option[i], json);
		any = true;
	}
}

void report_changes(FILE *f, const struct model *m, const char *before, const char *after)
{
	if (!m->whatif)
		return;
	fprintf(f, "%s", before);
	put_changes(f, m, " ", false);
	fprintf(f, "%s", after);
}

void report_changes_json(FILE *f, const struct model *m)
{
	fprintf(f, "[");
	put_changes(f, m, ",", true);
	fprintf(f, "]");
}

/* ---- trials ---- */

/* "2 recorded requests" */
static void put_refused(FILE *f, const struct model *m, uint64_t n)
{
	if (n)
		fprintf(f, "%" PRIu64, n);
	else
		fprintf(f, "no");
	fprintf(f, m->whatif ? " request%s of this load" : " recorded request%s", n > 1 ? "s" : "");
}

static int width_of(const struct model *m, const struct trial *t)
{
	size_t width = strlen("SERVICE");

	for (size_t i = 0; i < t->n; i++) {
		size_t len = strlen(model_name(m, t->service[i].service));

		width = len > width ? len : width;
	}
	return (int)width;
}

static void print_services(FILE *f, const struct model *m, const struct trial *t)
{
	int width = width_of(m, t);

	fprintf(f, "    %-*s %8s %8s %8s %8s  %s\n", width, "SERVICE", "REFUSED", "ASKED", "RUN", "FREE",
		"FIRST (UTC)");
	for (size_t i = 0; i < t->n; i++) {
		const struct trial_service *s = &t->service[i];
		char asked[CLI_SIZE], run[CLI_SIZE], free[CLI_SIZE], when[CLI_DATE];

		cli_date(when, s->time);
		fprintf(f, "    %-*s %8" PRIu64 " %8s %8s %8s  %s\n", width,
			model_name(m, s->service), s->refused, cli_size(asked, s->asked, false),
			cli_size(run, s->run, false), cli_size(free, s->free, false), when);
	}
}

/* Explains a largest free run that is not smaller than the request. */
static void print_alignment(FILE *f, const struct needs_region *g)
{
	char size[CLI_SIZE];
	bool any = false;

	for (size_t i = 0; i < g->trial.n; i++)
		any |= g->trial.service[i].run >= g->trial.service[i].asked;
	if (any)
		fprintf(f, "    A RUN as large as the request has no free part at a multiple of up to %s.\n",
			cli_size(size, g->unit, false));
}

void report_trial(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct trial *t = &g->trial;
	char size[REPORT_EXACT], smallest[REPORT_EXACT], most[CLI_SIZE];

	if (t->size == DMEM_UNKNOWN)
		return;
	/* Not rounded: one byte decides. */
	report_exact(size, t->size);
	fprintf(f, "\n  In %s: ", size);
	put_refused(f, m, t->refused);
	fprintf(f, " would have been refused.\n");
	if (t->refused_least != t->refused)
		fprintf(f, "    It is %" PRIu64 " if buffers freed between two samples made room for others.\n",
			t->refused_least);
	if (t->refused)
		print_services(f, m, t);
	print_alignment(f, g);
	fprintf(f, "    %s is the smallest size without a refused request, without headroom.\n",
		report_exact(smallest, t->smallest));
	if (g->cma && t->size % g->block)
		fprintf(f, "    %s is not a multiple of the block, %s: CMA has whole blocks.\n", size,
			cli_size(most, g->block, false));
	if (!g->cma)
		fprintf(f, "    Only sums are compared: the region needs no contiguous memory.\n");
	else if (!g->sizes_known)
		fprintf(f, "    Sizes of buffers are estimates. The sum, at most %s at once, %s.\n",
			cli_size(most, g->together_most, false),
			g->together_most > t->size ? "does not fit" : "fits");
}

void report_trial_method(FILE *f)
{
	fprintf(f, "  --size: the recorded requests in their order, in a region of that size. A refused\n"
		"  buffer does not exist afterwards; RUN is the largest free run at the first refusal.\n"
		"  After a refusal, the service might have acted differently: tried again, asked\n"
		"  for less, or ended. Peaks between samples are not included.\n");
}

/* ---- JSON ---- */

static void json_service(FILE *f, const struct model *m, const struct trial_service *s)
{
	fprintf(f, "{\"service\":");
	report_json_text(f, model_name(m, s->service));
	fprintf(f, ",\"cgroup\":");
	if (s->service < m->n_services)
		report_json_text(f, m->service[s->service].path);
	else
		fprintf(f, "null");
	fprintf(f, ",\"refused\":%" PRIu64 ",\"first_time\":%" PRIu64 ",\"asked\":%" PRIu64 ",\"largest_run\":%"
		PRIu64 ",\"free\":%" PRIu64 "}", s->refused, s->time, s->asked, s->run, s->free);
}

void report_trial_json(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct trial *t = &g->trial;

	if (t->size == DMEM_UNKNOWN) {
		fprintf(f, "null");
		return;
	}
	fprintf(f, "{\"size\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"refused_least\":%" PRIu64
		",\"smallest\":%" PRIu64 ",\"sum_only\":%s,\"services\":[", t->size, t->refused,
		t->refused_least, t->smallest, g->cma ? "false" : "true");
	for (size_t i = 0; i < t->n; i++) {
		fprintf(f, "%s", i ? "," : "");
		json_service(f, m, &t->service[i]);
	}
	fprintf(f, "]}");
}
