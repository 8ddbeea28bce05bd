/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints plans to a stream, which may be memory. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "needs.h"

void report_text(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o);
void report_json(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o);

void report_json_text(FILE *f, const char *s);

/* A size that is not rounded, such as "5132K". Returns @buf. */
#define REPORT_EXACT	24
const char *report_exact(char buf[REPORT_EXACT], uint64_t v);

/* The options that change the load, in one line: "--scale=a.service=2 --without=b.service". Names
 * are harmless. Prints nothing if there are none. */
void report_changes(FILE *f, const struct model *m, const char *before, const char *after);
void report_changes_json(FILE *f, const struct model *m);

/* The first lines of each text: the histories, and changes of the load. */
void report_head(FILE *f, const struct model *m, const struct needs *n);

/* Prints a line that belongs to the item above it. */
void report_more(FILE *f, const char *text);

/* Plans of answers of Prometheus. "Prometheus: 2 machines". */
void report_answers(char *buf, size_t size, const struct model *m);
/* The origin of sizes of buffers that were not recorded, as lines below an item. */
void report_estimate(FILE *f, const struct model *m);
/* Facts that the answers do not have. Prints nothing for histories. */
void report_unknown(FILE *f, const struct model *m);
/* A member of an object after a comma, or nothing. */
void report_prometheus_json(FILE *f, const struct model *m);

/* One line, or several, with the services of a conflict; @behind: a text to add, or NULL. */
void report_conflict(FILE *f, const struct model *m, const struct needs_region *g,
		     const struct needs_conflict *c, const char *behind);
/* The same as an object; @more: its further members, with a comma in front, or "". */
void report_conflict_json(FILE *f, const struct model *m, const struct needs_region *g,
			  const struct needs_conflict *c, const char *more);

/* "22min 4s". Returns @buf. */
#define REPORT_DURATION	64
const char *report_duration(char buf[REPORT_DURATION], uint64_t ms);

/* The services that can run together in each region, see pairs.h. */
void report_pairs(FILE *f, const struct model *m, const struct needs *n);
void report_pairs_json(FILE *f, const struct model *m, const struct needs_region *g);
/* Number of services of a region in the text. */
#define REPORT_PAIRS	12

/* The trial of another size, if the region has one. */
void report_trial(FILE *f, const struct model *m, const struct needs_region *g);
void report_trial_method(FILE *f);
void report_trial_json(FILE *f, const struct model *m, const struct needs_region *g);

/* The duration of the largest use, as a line below it. */
void report_peak(FILE *f, const struct needs_region *g);

/* How certain the figures of a region, or of a service in it, are. */
void report_confidence(FILE *f, const struct model *m, const struct needs_region *g);
void report_confidence_method(FILE *f);
void report_confidence_json(FILE *f, const struct model *m, const struct needs_region *g);
/* As members of an object, each after a comma. */
void report_confidence_service(FILE *f, const struct needs_service *s);
/* Reservations: sets, requests that lowered them, and requests that the plan refuses. */
void report_reserve(FILE *f, const struct model *m, const struct needs_region *g);
void report_reserve_method(FILE *f);
/* Members of the object of a region, and of a service. Each follows a comma. */
void report_reserve_json(FILE *f, const struct model *m, const struct needs_region *g);
void report_set_json(FILE *f, const struct model *m, const struct needs_service *s);

/* Memory in use without a charge, if there is any. */
void report_kernel_use(FILE *f, const struct model *m, const struct needs_region *g);
void report_kernel_use_json(FILE *f, const struct model *m, const struct needs_region *g);

/* Limits and reservations by service and region, with those of slices. */
struct report_units {
	const struct model *m;
	const struct needs *n;
	struct dmem_map limit, min;	/* bytes; limits are stored plus 1 */
};

/* 0 or -ENOMEM. Release @u in both cases. */
int report_units_find(struct report_units *u, const struct model *m, const struct needs *n);
void report_units_free(struct report_units *u);

/* Prints the drop-in of one unit. False: the plan has no values for it, and nothing was printed. */
bool report_unit(FILE *f, const struct report_units *u, uint32_t service);

/* Prints a chart with the worst boot of each region. 0 or -ENOMEM. */
int report_svg(FILE *f, const struct model *m, const struct needs *n,
	       const struct needs_options *o);

#endif
