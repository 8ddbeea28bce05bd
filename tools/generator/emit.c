// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes native drop-ins and units for dmem-generator. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generator.h"

#define HEAD	"# Written by dmem-generator at each daemon-reload. See " \
		"dmem-generator(8).\n"

/* Repeated as the last line, since a drop-in in service.d/ could set another slice. */
#define OWN_SLICE	"[Service]\nSlice=-.slice\n"

/* The same text as in dmem-slice@.service, with room for more lines of [Unit]. */
#define SLICE_UNIT				\
	"[Unit]\n"				\
	"Description=Device memory limits of %%i.slice\n" \
	"DefaultDependencies=no\n"		\
	"StartLimitIntervalSec=0\n"		\
	"IgnoreOnIsolate=yes\n"			\
	"RefuseManualStop=yes\n"		\
	"%s"					\
	"\n"					\
	"[Service]\n"				\
	"Type=oneshot\n"			\
	"Slice=-.slice\n"

/* Writes @dir/@name below the output directory, completely or not at all: systemd may kill the
 * generator at any time. */
static int put_file(struct generator *g, const char *dir, const char *name, const char *text)
{
	struct dmem_arena *a = &g->units.arena;
	char *path, *tmp, *sub;
	ssize_t n;
	int fd, err;

	sub = dmem_printf(a, "%s%s%s", g->out, *dir ? "/" : "", dir);
	path = dmem_printf(a, "%s%s%s/%s", g->out, *dir ? "/" : "", dir, name);
	tmp = dmem_printf(a, "%s%s%s/.%s.new", g->out, *dir ? "/" : "", dir, name);
	if (!sub || !path || !tmp)
		return -ENOMEM;
	if (mkdir(sub, 0755) && errno != EEXIST)
		return -errno;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	err = n < 0 ? errno : (size_t)n < strlen(text) ? ENOSPC : 0;
	close(fd);
	if (!err && rename(tmp, path))
		err = errno;
	if (err)
		unlink(tmp);
	return -err;
}

static int put_dropin(struct generator *g, const char *level, const char *text)
{
	char *dir = dmem_printf(&g->units.arena, "%s.d", level);

	return dir && text ? put_file(g, dir, DMEM_DROPIN, text) : -ENOMEM;
}

static char *quoted(struct generator *g, const char *text, bool specifiers)
{
	size_t n = dmem_quote(NULL, 0, text, specifiers);
	char *buf = dmem_alloc(&g->units.arena, n + 1);

	if (buf)
		dmem_quote(buf, n + 1, text, specifiers);
	return buf;
}

static int print_mistake(struct generator *g, FILE *f, const struct dmem_unit_limits *limits)
{
	char *file = quoted(g, limits->mistake_file, false);

	if (!file)
		return -ENOMEM;
	/* The name is only shown to users, but must not end the line. */
	for (char *p = file; *p; p++)
		*p = *p < ' ' || *p > '~' ? '?' : *p;
	fprintf(f, " \"--mistake=%s:%u\"", file, limits->mistake_line);
	return 0;
}

static int print_limit(struct generator *g, FILE *f, const struct dmem_section_limit *l)
{
	char *region = quoted(g, l->region, true), *value = quoted(g, l->value, false);

	if (!region || !value)
		return -ENOMEM;
	fprintf(f, " \"--%s%s=%s=%s\"", l->sum ? "sum-" : "", dmem_kind_names[l->kind], region, value);
	return 0;
}

/* The arguments of dmem-apply, each with a blank before it. @clear: also set the other reservations
 * to 0. */
static char *arguments(struct generator *g, const struct dmem_unit_limits *limits, bool clear)
{
	char *text = NULL, *s = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int ret = 0;

	if (!f)
		return NULL;
	fprintf(f, "%s%s", limits->strict ? " --strict" : "", clear ? " --clear-min" : "");
	if (limits->mistake_file)
		ret = print_mistake(g, f, limits);
	for (size_t i = 0; i < limits->n && !ret; i++)
		ret = print_limit(g, f, &limits->limit[i]);
	ret = ferror(f) ? -ENOMEM : ret;
	if (!fclose(f) && !ret)
		s = dmem_strndup(&g->units.arena, text, size);
	free(text);
	return s;
}

int write_service(struct generator *g, const char *level, enum dmem_effect e,
		  const struct dmem_unit_limits *limits)
{
	struct dmem_arena *a = &g->units.arena;
	char *args;

	if (e == DMEM_NOTHING)
		return put_dropin(g, level, HEAD "# No limit.\n");
	/* dmem-apply cannot run there, and this line does not need it. */
	if (e == DMEM_REFUSAL)
		return put_dropin(g, level, HEAD "[Unit]\nAssertPathExists=!/\n");
	args = arguments(g, limits, false);
	if (!args)
		return -ENOMEM;
	/*
	 * ExecCondition= and not ExecStartPre=: the unit's own ExecStartPre= would run before ours,
	 * without a limit. "+": as root and out of the unit's sandbox. "-": without it, a failure
	 * or a missing program would skip the unit, since a failed condition has that meaning.
	 */
	return put_dropin(g, level,
			  dmem_printf(a, HEAD "[Service]\nExecCondition=%s+%s%s\n",
				      limits->strict ? "" : "-", g->helper, args));
}

static char *slice_command(struct generator *g, const struct dmem_unit_limits *limits, bool clear)
{
	char *args = arguments(g, limits, clear);

	if (!args)
		return NULL;
	return dmem_printf(&g->units.arena, "ExecStart=+%s --slice=%%i.slice%s\n", g->helper, args);
}

/* "After=" the slice above "a-b" or, for a prefix, "a-". While systemd stops that slice, it would
 * remove its cgroup, and ours with it. */
static char *after_parent(struct generator *g, const char *name)
{
	const char *dash = strrchr(name, '-');

	if (!dash || dash == name)
		return dmem_strdup(&g->units.arena, "");
	return dmem_printf(&g->units.arena, "After=%.*s.slice\n", (int)(dash - name), name);
}

/* The command of dmem-slice@NAME.service. */
static int slice_service(struct generator *g, const char *name,
			 const struct dmem_unit_limits *limits)
{
	struct dmem_arena *a = &g->units.arena;
	char *unit = dmem_printf(a, "dmem-slice@%s.service", name);
	char *after = after_parent(g, name), *command = slice_command(g, limits, limits->propagate);

	if (!unit || !after || !command)
		return -ENOMEM;
	/* Nothing else waits for system.slice, which exists from the start. */
	if (!strcmp(name, "system"))
		after = "Before=sysinit.target\n";
	return put_dropin(g, unit, dmem_printf(a, HEAD "%s%s" OWN_SLICE "ExecStart=\n%s",
					       *after ? "[Unit]\n" : "", after, command));
}

/* Slices below a prefix, or all slices, are not known in advance: they get a template of their own,
 * whose instance is the slice. They have no sum, so the reservations of other programs stay. */
static int slice_template(struct generator *g, const char *unit, const char *prefix,
			  const struct dmem_unit_limits *limits)
{
	char *after = after_parent(g, prefix), *command = slice_command(g, limits, false), *text;

	if (!after || !command)
		return -ENOMEM;
	text = dmem_printf(&g->units.arena, HEAD SLICE_UNIT "%s", after, command);
	if (!text)
		return -ENOMEM;
	return put_file(g, "", unit, text);
}

int write_slice(struct generator *g, const char *level, enum dmem_effect e,
		const struct dmem_unit_limits *limits)
{
	struct dmem_arena *a = &g->units.arena;
	const char *dot = strrchr(level, '.');
	size_t len = dot ? (size_t)(dot - level) : 0;
	char *name = dmem_strndup(a, level, len), *service;
	bool many = !len || level[len - 1] == '-';
	int ret;

	if (e == DMEM_NOTHING)
		return put_dropin(g, level, HEAD "# No limit.\n");
	if (!name)
		return -ENOMEM;
	if (many) {
		service = dmem_printf(a, "dmem-slice-%s@.service", name);
		ret = service ? slice_template(g, service, name, limits) : -ENOMEM;
		service = dmem_printf(a, "dmem-slice-%s@%%N.service", name);
	} else {
		ret = slice_service(g, name, limits);
		service = dmem_printf(a, "dmem-slice@%s.service", name);
	}
	if (ret || !service)
		return ret ? ret : -ENOMEM;
	return put_dropin(g, level, dmem_printf(a, HEAD "[Unit]\n%s=%s\nAfter=%s\n"
						"PropagatesStopTo=%s\n",
						limits->strict ? "Requires" : "Wants",
						service, service, service));
}

int write_system_slice(struct generator *g, const struct dmem_unit_limits *limits)
{
	struct dmem_arena *a = &g->units.arena;
	char *link = dmem_printf(a, "%s/sysinit.target.wants/dmem-slice@system.service", g->out);
	char *dir = dmem_printf(a, "%s/sysinit.target.wants", g->out);

	if (!link || !dir)
		return -ENOMEM;
	if (mkdir(dir, 0755) && errno != EEXIST)
		return -errno;
	if (symlink("../dmem-slice@.service", link) && errno != EEXIST)
		return -errno;
	return slice_service(g, "system", limits);
}
