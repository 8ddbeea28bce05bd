// SPDX-License-Identifier: GPL-2.0-or-later
/* A plan as sections of units, and as a device tree. */
#include <inttypes.h>
#include <stdarg.h>
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

/* ---- device tree ---- */

static bool say_why(char **why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool say_why(char **why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(why, fmt, ap) < 0)
		*why = NULL;
	va_end(ap);
	return false;
}

static const char *area(const struct needs_region *g)
{
	return g->region->name + strlen("cma/");
}

/* The address in "camera@64000000". False: there is none. */
static bool base_of(const char *name, uint64_t *base)
{
	const char *at = strchr(name, '@');
	char *end;

	if (!at || !at[1] || strlen(at + 1) > 16 ||
	    strspn(at + 1, "0123456789abcdef") != strlen(at + 1))
		return false;
	*base = strtoull(at + 1, &end, 16);
	return true;
}

/* Areas that no device tree has made: by the command line, or by the kernel alone. */
static const char *other_way(const char *name)
{
	if (!strcmp(name, "reserved"))
		return "cma=";
	if (!strncmp(name, "numa", 4) && name[4] && !name[4 + strspn(name + 4, "0123456789")])
		return "numa_cma=";
	return NULL;
}

static void cells(FILE *f, unsigned int n, uint64_t v)
{
	if (n == 2)
		fprintf(f, "0x%" PRIx64 " ", v >> 32);
	fprintf(f, "0x%" PRIx64, v & UINT32_MAX);
}

static void print_node(FILE *f, const struct needs_region *g, uint64_t size, unsigned int n)
{
	uint64_t base;

	fprintf(f, "\n\t\t\t\t%s {\n\t\t\t\t\tcompatible = \"shared-dma-pool\";\n"
		"\t\t\t\t\treusable;\n", area(g));
	if (base_of(area(g), &base)) {
		fprintf(f, "\t\t\t\t\treg = <");
		cells(f, n, base);
		fprintf(f, " ");
		cells(f, n, size);
		fprintf(f, ">;\n");
	} else {
		fprintf(f, "\t\t\t\t\tsize = <");
		cells(f, n, size);
		fprintf(f, ">;\n\t\t\t\t\talignment = <");
		cells(f, n, g->block);
		fprintf(f, ">;\n");
	}
	if (!strcmp(area(g), "linux,cma"))
		fprintf(f, "\t\t\t\t\tlinux,cma-default;\n");
	fprintf(f, "\t\t\t\t};\n");
}

/* What the device tree's compiler takes for a node's name. */
static bool is_node_name(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+-@";
	const char *at = strchr(s, '@');

	return *s && strspn(s, letters) == strlen(s) && strspn(s, "0123456789,._+-@") == 0 &&
	       (!at || (at[1] && !strchr(at + 1, '@')));
}

static bool check_node(const struct needs *n, const struct needs_region *g, uint64_t size,
		       unsigned int n_cells, char **why)
{
	uint64_t base, other;

	if (!is_node_name(area(g)))
		return say_why(why, "%s cannot be the name of a node", g->region->name);
	if (!base_of(area(g), &base))
		base = 0;
	if (n_cells == 1 && (base > UINT32_MAX || size > UINT32_MAX))
		return say_why(why, "%s does not fit in one cell", g->region->name);
	if (base % g->block)
		return say_why(why, "%s would start in the middle of a block", g->region->name);
	for (size_t i = 0; base && i < n->n; i++) {
		if (!n->region[i].cma || !base_of(area(&n->region[i]), &other) || other <= base ||
		    other - base >= size)
			continue;
		return say_why(why, "%s would reach into %s: one of them must move, and with it its "
			       "name", g->region->name, n->region[i].region->name);
	}
	return true;
}

bool report_dts(FILE *f, const struct needs *n, const struct needs_options *o,
		unsigned int n_cells, char **why)
{
	bool any = false;

	*why = NULL;
	for (size_t i = 0; i < n->n; i++) {
		const struct needs_region *g = &n->region[i];

		if (!g->cma || other_way(area(g)))
			continue;
		any = true;
		if (!check_node(n, g, needs_propose(g, o).size, n_cells, why))
			return false;
	}
	if (!any)
		return say_why(why, "no region of these histories comes from a device tree");
	fprintf(f, "/* From recorded histories, by dmemctl plan. See dmemctl-plan(8). */\n"
		"/dts-v1/;\n/plugin/;\n\n/ {\n\tfragment@0 {\n\t\ttarget-path = \"/\";\n\n"
		"\t\t__overlay__ {\n\t\t\treserved-memory {\n\t\t\t\t#address-cells = <%u>;\n"
		"\t\t\t\t#size-cells = <%u>;\n\t\t\t\tranges;\n", n_cells, n_cells);
	for (size_t i = 0; i < n->n; i++) {
		const struct needs_region *g = &n->region[i];

		if (g->cma && other_way(area(g)))
			fprintf(f, "\n\t\t\t\t/* %s: on the kernel's command line, %s%" PRIu64 "M */\n",
				g->region->name, other_way(area(g)), needs_propose(g, o).size >> 20);
		else if (g->cma)
			print_node(f, g, needs_propose(g, o).size, n_cells);
	}
	fprintf(f, "\t\t\t};\n\t\t};\n\t};\n};\n");
	return true;
}
