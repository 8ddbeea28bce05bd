// SPDX-License-Identifier: GPL-2.0-or-later
/* What the sections of a unit say, as limits that can be set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "section.h"

#define HELPER	"/usr/libexec/dmem-apply"

static void report(void *data, const struct dmem_report *r)
{
	struct ctl *c = data;

	cli_error(&c->cli, "%s:%u: '%s' %s: %s", r->file, r->line, r->word, r->what, r->remedy);
}

static void ignore(void *data, const struct dmem_report *r)
{
	(void)data;
	(void)r;
}

int section_load(struct ctl *c, struct dmem_units *u, bool quiet)
{
	const char *path = c->sysroot ? NULL : getenv("SYSTEMD_UNIT_PATH");
	int ret = dmem_units_load(u, c->sysroot ? c->sysroot : "", path, quiet ? ignore : report, c);

	if (ret)
		cli_error(&c->cli, "the unit files cannot be read: %s", strerror(-ret));
	return ret;
}

/* A slice's section is set by another unit's command, so its names cannot depend on
 * the unit. */
static const char *expand(struct dmem_units *u, const char *unit, const char *region)
{
	for (const char *p = strchr(region, '%'); p; p = strchr(p + 2, '%')) {
		if (p[1] != '%' && dmem_unit_type(unit) == DMEM_SLICE)
			return NULL;
	}
	return dmem_expand(&u->arena, unit, region);
}

int section_read(struct ctl *c, struct dmem_units *u, const char *unit, struct section *s)
{
	int ret;

	*s = (struct section){ 0 };
	ret = dmem_units_caps(u, unit, HELPER, &s->caps);
	if (ret)
		return ret;
	s->limit = dmem_alloc(&u->arena, (s->caps.n + 1) * sizeof(*s->limit));
	if (!s->limit)
		return -ENOMEM;
	for (size_t i = 0; i < s->caps.n; i++) {
		const struct dmem_cap *cap = &s->caps.cap[i];
		const char *region = expand(u, unit, cap->region);
		const char *text = region ? dmem_printf(&u->arena, "%s=%s", region, cap->value) : NULL;

		if (text && dmem_limit_parse(&u->arena, cap->kind, text, &s->limit[s->n]) == DMEM_OK)
			s->n++;
		else
			cli_error(&c->cli, "%s: '%s' cannot be used: write the region's name as it is",
				  unit, cap->region);
	}
	return 0;
}

const struct dmem_limit *section_find(const struct section *s, enum dmem_kind kind,
				      const char *region)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->limit[i].kind == kind && !strcmp(s->limit[i].region, region))
			return &s->limit[i];
	}
	return NULL;
}
