// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints a plan as drop-ins of units. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* ---- units ---- */

int report_units_find(struct report_units *u, const struct model *m, const struct needs *n)
{
	*u = (struct report_units){ .m = m, .n = n };
	for (size_t i = 0; i < n->n; i++) {
		const struct needs_region *g = &n->region[i];

		for (size_t k = 0; k < g->n; k++) {
			const struct needs_service *s = &g->service[k];

			if (s->limit != DMEM_UNKNOWN &&
			    dmem_map_put(&u->limit, s->service, i, s->limit + 1))
				return -ENOMEM;
			/* A slice must reserve the sum of the reservations in it. */
			for (uint32_t p = s->service; p != MODEL_NONE && s->reservation;
			     p = m->service[p].parent) {
				uint64_t sum = dmem_map_get(&u->min, p, i) + s->reservation;

				if (dmem_map_put(&u->min, p, i, sum))
					return -ENOMEM;
			}
		}
	}
	return 0;
}

void report_units_free(struct report_units *u)
{
	dmem_map_free(&u->limit);
	dmem_map_free(&u->min);
}

const char *report_exact(char buf[REPORT_EXACT], uint64_t v)
{
	static const char units[] = "KMG";
	int unit = -1;

	while (v && unit < 2 && v % 1024 == 0) {
		v /= 1024;
		unit++;
	}
	snprintf(buf, REPORT_EXACT, "%" PRIu64 "%.1s", v, unit < 0 ? "" : units + unit);
	return buf;
}

static void print_key(FILE *f, const char *key, const char *region, uint64_t v)
{
	char size[REPORT_EXACT];

	fprintf(f, "%s=", key);
	for (; *region; region++)
		fprintf(f, *region == '%' ? "%%%%" : "%c", *region);
	fprintf(f, " %s\n", report_exact(size, v));
}

bool report_unit(FILE *f, const struct report_units *u, uint32_t service)
{
	const char *unit = u->m->service[service].unit;
	int type = unit ? dmem_unit_type(unit) : -1;
	bool any = false;

	if (type != DMEM_SERVICE && type != DMEM_SLICE)
		return false;
	for (size_t i = 0; i < u->n->n; i++) {
		const struct needs_region *g = &u->n->region[i];
		uint64_t limit = dmem_map_get(&u->limit, service, i);
		uint64_t min = dmem_map_get(&u->min, service, i);

		/* Reservations are planned for CMA areas only. */
		if (!g->cma)
			min = 0;
		/* Histories are not trusted: a region's name must be valid in a unit file. */
		if ((!limit && !min) || dmem_region_problem(g->region->name))
			continue;
		if (!any)
			fprintf(f, "# Written by dmemctl plan from %s. Check the limits: see "
				"dmemctl-plan(8).\n", u->m->prometheus ? "answers of Prometheus" :
				"recorded histories");
		if (!any)
			report_changes(f, u->m, "# The recorded load was changed: ", "\n");
		fprintf(f, "%s", any ? "" : "[X-Dmem]\n");
		any = true;
		if (limit)
			print_key(f, "DeviceMemoryMax", g->region->name, limit - 1);
		if (min)
			print_key(f, "DeviceMemoryMin", g->region->name, min);
	}
	return any;
}
