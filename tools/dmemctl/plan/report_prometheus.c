// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints the facts that answers of Prometheus do not have. */
#include <inttypes.h>

#include "dmemctl/prometheus/convert.h"
#include "report.h"

void report_answers(char *buf, size_t size, const struct model *m)
{
	const struct convert_facts *p = m->prometheus;

	snprintf(buf, size, "Prometheus: %zu machine%s", p->machines, p->machines == 1 ? "" : "s");
}

void report_estimate(FILE *f, const struct model *m)
{
	if (m->prometheus && m->prometheus->sizes) {
		report_more(f, "with upper bounds of the buffers' sizes, of a histogram: use");
		report_more(f, "record --buffers for more certainty");
		return;
	}
	report_more(f, "with sizes estimated from counters, each rise as one");
	report_more(f, "buffer: use record --buffers for more certainty");
}

static void print_sizes(FILE *f, const struct convert_facts *p)
{
	if (!p->sizes) {
		fprintf(f, "  The sizes of buffers%s.\n", p->any_sizes ?
			": the histograms are not used, as printed at the start" :
			", for which metrics --buffers has a histogram");
		return;
	}
	fprintf(f, "  The exact sizes of buffers, and their owners: each is as large as its bucket\n"
		"  in the histogram allows.\n");
	if (p->incomplete)
		fprintf(f, "  Some buffers, which the histogram does not count: the rest of the charges\n"
			"  is placed as one piece.\n");
}

void report_unknown(FILE *f, const struct model *m)
{
	const struct convert_facts *p = m->prometheus;
	char step[REPORT_DURATION];

	if (!p)
		return;
	report_duration(step, p->interval);
	fprintf(f, "\nThis is not in Prometheus' answers\n"
		"  The use between two values, which are %s apart%s.\n", step, p->peaks ?
		": a region can have had\n  a higher one. The peaks of cgroups are in the answers" :
		", nor the\n  peaks of cgroups: query dmem_cgroup_peak_bytes");
	print_sizes(f, p);
	fprintf(f, "  The order in which buffers were allocated and freed between two values, and\n"
		"  where they are.\n"
		"  The sizes of pages and blocks: pages of 4K are assumed.\n");
	if (p->gaps)
		fprintf(f, "  %zu gap%s without values: nothing is known about %s.\n", p->gaps,
			p->gaps == 1 ? "" : "s", p->gaps == 1 ? "it" : "them");
	fprintf(f, "  dmemctl record --buffers records all of this.\n");
}

void report_prometheus_json(FILE *f, const struct model *m)
{
	const struct convert_facts *p = m->prometheus;

	if (!p)
		return;
	fprintf(f, ",\"prometheus\":{\"answers\":%zu,\"machines\":%zu,\"interval_ms\":%" PRIu64
		",\"gaps\":%zu,\"reboots\":%zu,\"peaks\":%s,\"sizes\":\"%s\",\"buffers_complete\":%s}",
		p->answers, p->machines, p->interval, p->gaps, p->reboots, p->peaks ? "true" : "false",
		p->sizes ? "upper bounds" : "unknown",
		!p->sizes ? "null" : p->incomplete ? "false" : "true");
}
