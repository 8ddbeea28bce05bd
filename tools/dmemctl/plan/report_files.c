// SPDX-License-Identifier: GPL-2.0-or-later
/* A plan as sections of units. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* ---- units ---- */

static bool is_below(const struct model *m, uint32_t service, uint32_t above)
{
	while (service != MODEL_NONE && service != above)
		service = m->service[service].parent;
	return service == above;
}

/* A service's own, or what the slice must have for those in it. */
static void find_limits(const struct model *m, const struct needs_region *g, uint32_t service,
			uint64_t *cap, uint64_t *reservation)
{
	*cap = DMEM_UNKNOWN;
	*reservation = 0;
	for (size_t i = 0; i < g->n; i++) {
		const struct needs_service *s = &g->service[i];

		if (s->service == service)
			*cap = s->cap;
		if (is_below(m, s->service, service))
			*reservation += s->reservation;
	}
}

static void print_key(FILE *f, const char *key, const char *region, uint64_t v)
{
	static const char units[] = "KMG";
	int unit = -1;

	fprintf(f, "%s=", key);
	for (; *region; region++)
		fprintf(f, *region == '%' ? "%%%%" : "%c", *region);
	while (v && unit < 2 && v % 1024 == 0) {
		v /= 1024;
		unit++;
	}
	fprintf(f, " %" PRIu64 "%.1s\n", v, unit < 0 ? "" : units + unit);
}

bool report_unit(FILE *f, const struct model *m, const struct needs *n, uint32_t service)
{
	const char *unit = m->service[service].unit;
	int type = unit ? dmem_unit_type(unit) : -1;
	bool any = false;

	if (type != DMEM_SERVICE && type != DMEM_SLICE)
		return false;
	for (size_t i = 0; i < n->n; i++) {
		const struct needs_region *g = &n->region[i];
		uint64_t cap, reservation;

		/* A history may come from anybody. */
		if (dmem_region_problem(g->region->name))
			continue;
		find_limits(m, g, service, &cap, &reservation);
		if (cap == DMEM_UNKNOWN && !reservation)
			continue;
		if (!any)
			fprintf(f, "# From recorded histories, by dmemctl plan. It is a start: see "
				"dmemctl-plan(8).\n[X-Dmem]\n");
		any = true;
		if (cap != DMEM_UNKNOWN)
			print_key(f, "DeviceMemoryMax", g->region->name, cap);
		/* Only areas of CMA can keep something free. */
		if (reservation && g->cma)
			print_key(f, "DeviceMemoryMin", g->region->name, reservation);
	}
	return any;
}
