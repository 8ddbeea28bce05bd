// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl verify - find mistakes in unit files */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"
#include "units/payload.h"
#include "units/placement.h"
#include "dmemctl/dmemctl.h"
#include "lint.h"
#include "dmemctl/section.h"

#define HELPER	"/usr/libexec/dmem-apply"

enum { FILE_NAME, LINE, SEVERITY, WORD, WHAT, REMEDY, COLUMNS };

static const struct table_column columns[COLUMNS] = {
	[FILE_NAME] = { "FILE", "path of the file", TABLE_TEXT, 0 },
	[LINE] = { "LINE", "line, 0 for the whole file", TABLE_COUNT, 0 },
	[SEVERITY] = { "SEVERITY", "mistake or warning", TABLE_TEXT, 0 },
	[WORD] = { "WORD", "word in the file", TABLE_TEXT, 0 },
	[WHAT] = { "WHAT", "mistake", TABLE_TEXT, 0 },
	[REMEDY] = { "REMEDY", "remedy", TABLE_TEXT, 0 },
};

struct finding {
	const char *file, *word, *what, *remedy;
	unsigned int line;
	bool warning;
	size_t order;
};

struct verify {
	struct ctl *c;
	struct dmem_units units;
	struct dmem_arena *arena;	/* belongs to @units */
	struct dmem_regions regions;
	struct lint lint;
	struct finding *finding;
	struct dmem_list quadlets;	/* services made from quadlets */
	size_t n, mistakes, files;
	int err;			/* the first error of dmemctl itself */
};

static void help(void)
{
	printf("Usage: dmemctl verify [--root=DIR] [--json] [FILE ...]\n\n"
	       "Find mistakes about device memory in unit files: in the given files, or in all\n"
	       "files of the unit search path.\n\n"
	       "      --root=DIR   check the units below DIR, with the regions there\n"
	       "  -J, --json       print JSON\n"
	       "  -h, --help       print this help\n\n"
	       "See dmemctl-verify(8).\n");
}

static void find(struct verify *v, const struct dmem_report *r, bool warning)
{
	struct finding *f = dmem_grow(v->arena, v->finding, v->n, sizeof(*f));

	if (f) {
		v->finding = f;
		f += v->n;
		*f = (struct finding){
			.file = dmem_strdup(v->arena, r->file), .line = r->line,
			.word = dmem_strdup(v->arena, r->word), .warning = warning, .order = v->n,
			.what = dmem_strdup(v->arena, r->what),
			.remedy = dmem_strdup(v->arena, r->remedy),
		};
	}
	if (!f || !f->file || !f->word || !f->what || !f->remedy) {
		v->err = -ENOMEM;
		return;
	}
	v->n++;
	v->mistakes += !warning;
}

static void mistake(void *data, const struct dmem_report *r)
{
	find(data, r, r->warning);
}

static void warning(void *data, const struct dmem_report *r)
{
	find(data, r, true);
}

/* lint_file() has reported it already. */
static void ignore(void *data, const struct dmem_report *r)
{
	(void)data;
	(void)r;
}

static void unread(struct verify *v, const char *path, int err)
{
	cli_error(&v->c->cli, "cannot read %s: %s", path,
		  err == E2BIG ? "the file or directory is too large" : strerror(err));
	v->err = v->err ? v->err : -err;
}

/* ---- the unit search path ---- */

/* True if a unit of this name can exist without a file in the search path: slices and scopes need
 * none, and a prefix ("foo-.service") applies to other units. */
static bool needs_no_file(const struct dmem_unit *u)
{
	const char *end = strrchr(u->name, '.'), *at = strchr(u->name, '@');

	return u->type_level || u->type == DMEM_SLICE || u->type == DMEM_SCOPE ||
	       (at ? at : end)[-1] == '-';
}

/* The library does not search the directories of generated units. */
static bool is_generated(struct verify *v, const char *name)
{
	static const char * const dirs[] = { "generator.early", "generator", "generator.late" };
	bool found = false;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && !found; i++) {
		char *path = dmem_printf(v->arena, "/run/systemd/%s/%s", dirs[i], name);
		int fd = path ? dmem_units_open(&v->units, path, 0) : -1;

		found = fd >= 0;
		if (found)
			close(fd);
	}
	return found;
}

/* True on a machine where Podman's generator has not run, such as an image. */
static bool is_quadlet(const struct verify *v, const char *name)
{
	size_t i = 0;

	while (i < v->quadlets.n && strcmp(v->quadlets.s[i], name))
		i++;
	return i < v->quadlets.n;
}

static bool has_file(struct verify *v, const struct dmem_unit *u)
{
	const struct dmem_unit *of = NULL;
	const char *template;

	if (u->fragment || u->alias_of || u->masked)
		return true;
	if (dmem_unit_is_instance(u->name)) {
		template = dmem_unit_with_instance(v->arena, u->name, "", 0);
		of = template ? dmem_units_find(&v->units, template) : NULL;
	}
	if (of && (of->fragment || of->alias_of || of->masked))
		return true;
	return is_generated(v, u->name) || is_quadlet(v, u->name);
}

static void check_unit_file(struct verify *v, const struct dmem_unit *u, struct dmem_unit_file *f)
{
	bool present = false;
	size_t len;
	char *text;
	int ret, fd = dmem_units_open(&v->units, f->path, 0);

	if (fd < 0) {
		/* A dangling link counts as no file. */
		if (fd != -ENOENT)
			unread(v, f->path, -fd);
		return;
	}
	close(fd);
	ret = dmem_units_read(&v->units, f, &text, &len);
	if (!ret)
		ret = lint_file(&v->lint, f->path, u->name, text ? text : "", len, &present);
	free(text);
	v->files++;
	if (ret)
		v->err = ret;
	if (present && f != u->fragment && !needs_no_file(u) && !has_file(v, u)) {
		const struct dmem_report r = {
			f->path, 0, u->name, "has no unit file",
			"rename the directory, unless such a unit is created at run time", true,
		};

		warning(v, &r);
	}
}

/* Reports the problems that dmem-generator would find in all files of a unit together. */
static void check_effect(struct verify *v, struct dmem_unit *u)
{
	enum dmem_effect effect;
	struct dmem_unit_limits limits;
	int ret = dmem_units_effect(&v->units, u, HELPER, &limits, &effect);

	if (ret)
		v->err = ret;
}

/* Reports a limit that does not apply to the intended processes, since they run in another cgroup.
 * A limit for all services is meant for the daemon, too. */
static void check_payload(struct verify *v, const struct dmem_unit *u)
{
	struct dmem_unit_limits limits = { 0 };
	struct dmem_payload p = { 0 };
	size_t i = 0;
	int ret = dmem_units_limits_of(&v->units, u->name, HELPER, &limits);

	while (i < limits.n && strstr(limits.limit[i].file, "/service.d/"))
		i++;
	if (!ret && i < limits.n)
		ret = dmem_units_payload(&v->units, u->name, &p);
	if (!ret && p.what) {
		const struct dmem_report r = {
			limits.limit[i].file, limits.limit[i].line, u->name,
			dmem_printf(v->arena, "has a limit that does not apply to its %s", p.what),
				p.remedy,
			true,
		};

		ret = r.what ? 0 : -ENOMEM;
		if (!ret)
			warning(v, &r);
	}
	if (ret)
		v->err = ret;
}

static void report_place(struct verify *v, const char *path, const struct dmem_place *p)
{
	const struct dmem_report r = { path, p->line, "[" DMEM_SECTION "]", p->what, p->remedy, false };

	mistake(v, &r);
}

/* True if the library has reported that systemd ignores the file. */
static bool is_said(const struct verify *v, const char *path)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!v->finding[i].line && !strcmp(v->finding[i].file, path))
			return true;
	}
	return false;
}

/* Reports a file that dmem-generator does not read: its limits have no effect. */
static int check_place(void *data, const char *path, const char *text, size_t len,
		       const struct dmem_place *p)
{
	struct verify *v = data;
	const char **more;
	bool present;

	if (p->service) {
		more = dmem_grow(v->arena, v->quadlets.s, v->quadlets.n, sizeof(*more));
		if (!more)
			return -ENOMEM;
		v->quadlets.s = more;
		more[v->quadlets.n++] = p->service;
	}
	if (!dmem_section_hint(text, len))
		return 0;
	v->files++;
	if (p->what && !is_said(v, path))
		report_place(v, path, p);
	/* The path may be freed before the findings are printed. */
	path = dmem_strdup(v->arena, path);
	return path ? lint_file(&v->lint, path, NULL, text, len, &present) : -ENOMEM;
}

static void cannot_read(void *data, const char *path, int err)
{
	unread(data, path, err);
}

static void check_places(struct verify *v)
{
	int ret = dmem_places_scan(&v->units, check_place, cannot_read, v);

	if (ret)
		v->err = ret;
}

static void check_units(struct verify *v)
{
	size_t n = v->units.n_units;

	check_places(v);
	for (size_t i = 0; i < n && v->err != -ENOMEM; i++) {
		struct dmem_unit *u = v->units.unit[i];

		if (u->fragment)
			check_unit_file(v, u, u->fragment);
		for (int d = 0; d < v->units.n_dirs; d++) {
			for (size_t k = 0; u->dir[d] && k < u->dir[d]->n; k++)
				check_unit_file(v, u, &u->dir[d]->file[k]);
		}
		if (u->type == DMEM_SERVICE && !u->type_level && !u->alias_of && !u->masked)
			check_payload(v, u);
	}
	if (dmem_units_add_unnamed(&v->units, HELPER))
		v->err = -ENOMEM;
	for (size_t i = 0; i < v->units.n_units && v->err != -ENOMEM; i++) {
		if (!v->units.unit[i]->alias_of && !v->units.unit[i]->masked)
			check_effect(v, v->units.unit[i]);
	}
}

/* ---- files of the command line ---- */

/* The unit that a path is for: "camera.service", "camera.service.d/50-dmem.conf". */
static const char *unit_of(struct dmem_arena *a, const char *path)
{
	const char *name = strrchr(path, '/'), *dir;

	name = name ? name + 1 : path;
	if (dmem_unit_type(name) >= 0 || name < path + 3 || strncmp(name - 3, ".d/", 3))
		return name;
	for (dir = name - 3; dir > path && dir[-1] != '/'; dir--)
		;
	return dmem_strndup(a, dir, (size_t)(name - 3 - dir));
}

static void check_file(struct verify *v, const struct dmem_sys *here, const char *path)
{
	char *real = realpath(path, NULL);
	struct dmem_text text = { 0 };
	struct dmem_place place;
	const char *unit = NULL;
	bool present;
	int ret = real ? dmem_sys_read(here, real, &text) : -errno;

	/* A bare file name does not show the unit of a drop-in: use the real path. */
	if (!ret)
		unit = unit_of(v->arena, strchr(path, '/') ? path : real);
	if (ret)
		unread(v, path, -ret);
	else
		ret = lint_file(&v->lint, path, unit, text.s, text.len, &present);
	if (!ret)
		ret = dmem_place(v->arena, real, text.s, text.len, DMEM_NO_UID, &place);
	if (!ret && place.what)
		report_place(v, path, &place);
	if (ret == -ENOMEM)
		v->err = ret;
	v->files++;
	dmem_text_free(&text);
	free(real);
}

static void check_files(struct verify *v, int n, char **paths)
{
	struct dmem_sys here;
	int ret = dmem_sys_open(&here, NULL);

	if (ret) {
		v->err = ret;
		return;
	}
	for (int i = 0; i < n && v->err != -ENOMEM; i++)
		check_file(v, &here, paths[i]);
	dmem_sys_close(&here);
}

/* ---- output ---- */

static int compare(const void *x, const void *y)
{
	const struct finding *a = x, *b = y;
	int order = strcmp(a->file, b->file);

	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static bool is_same(const struct finding *a, const struct finding *b)
{
	return a->line == b->line && !strcmp(a->file, b->file) && !strcmp(a->word, b->word) &&
	       !strcmp(a->what, b->what) && a->warning == b->warning;
}

/* A file is read alone and again with its unit, and its mistakes are found each time. */
static void drop_repeated(struct verify *v)
{
	size_t kept = 0, i, k;

	for (i = 0; i < v->n; i++) {
		/* Findings are sorted by file and line. */
		for (k = kept; k && v->finding[k - 1].line == v->finding[i].line &&
		     !strcmp(v->finding[k - 1].file, v->finding[i].file); k--) {
			if (is_same(&v->finding[k - 1], &v->finding[i]))
				break;
		}
		if (!k || !is_same(&v->finding[k - 1], &v->finding[i]))
			v->finding[kept++] = v->finding[i];
	}
	v->n = kept;
}

/* Prints a finding in one line; names and words of files are escaped. */
static int print_text(struct verify *v, const struct finding *f)
{
	char line[16] = "", *text;

	if (f->line)
		snprintf(line, sizeof(line), ":%u", f->line);
	text = dmem_printf(v->arena, "%s%s: %s'%s' %s: %s", f->file, line, f->warning ? "warning: " : "",
			   f->word, f->what, f->remedy);
	if (!text)
		return -ENOMEM;
	dmem_make_printable(text);
	puts(text);
	return 0;
}

static int print_json(const struct verify *v)
{
	static const int ids[] = { FILE_NAME, LINE, SEVERITY, WORD, WHAT, REMEDY };
	const struct table_options o = { .json = true };
	struct table *t = table_new("findings", columns, ids, COLUMNS, &o);
	int ret;

	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < v->n; i++) {
		const struct finding *f = &v->finding[i];
		struct table_line *l = table_line(t, NULL);

		table_text(t, l, FILE_NAME, f->file);
		table_number(t, l, LINE, f->line);
		table_text(t, l, SEVERITY, f->warning ? "warning" : "mistake");
		table_text(t, l, WORD, f->word);
		table_text(t, l, WHAT, f->what);
		table_text(t, l, REMEDY, f->remedy);
	}
	ret = table_print(t);
	table_free(t);
	return ret;
}

/* Reads the regions if this is a running machine: an image or a build machine has none. */
static int read_regions(struct verify *v)
{
	struct dmem_text t = { 0 };
	struct dmem_sys sys;
	int ret = dmem_sys_open(&sys, v->c->sysroot);

	if (ret)
		return ret;
	ret = dmem_regions_read_some(&sys, v->arena, DMEM_READ_CAPACITY | DMEM_READ_HEAPS, NULL,
				     NULL, &v->regions);
	v->lint.cmdline = dmem_sys_read(&sys, "proc/cmdline", &t) ? NULL : dmem_strdup(v->arena, t.s);
	dmem_text_free(&t);
	dmem_sys_close(&sys);
	/* Only a complete list shows which regions do not exist. */
	if (!ret && v->regions.complete)
		v->lint.regions = &v->regions;
	return ret;
}

static int verify(struct verify *v, bool json, int n, char **paths)
{
	const char *path = v->c->sysroot ? NULL : getenv("SYSTEMD_UNIT_PATH");
	int ret = dmem_units_load(&v->units, v->c->sysroot ? v->c->sysroot : "", path, n ? ignore : mistake, v);

	v->lint = (struct lint){
		.arena = v->arena, .mistake = mistake, .warning = warning, .data = v,
	};
	if (!ret)
		ret = read_regions(v);
	if (ret) {
		cli_error(&v->c->cli, "%s: %s", v->c->sysroot ? v->c->sysroot : "the unit files",
			  strerror(-ret));
		return CLI_FAILED;
	}
	if (n)
		check_files(v, n, paths);
	else
		check_units(v);
	if (v->n)
		qsort(v->finding, v->n, sizeof(*v->finding), compare);
	drop_repeated(v);
	ret = json ? print_json(v) : 0;
	for (size_t i = 0; i < v->n && !json && !ret; i++)
		ret = print_text(v, &v->finding[i]);
	if (!v->n && !v->err && !json)
		printf("no mistakes: %zu file%s\n", v->files, v->files == 1 ? "" : "s");
	if (ret == -ENOMEM || v->err == -ENOMEM)
		cli_error(&v->c->cli, "out of memory");
	return ret || v->err || v->mistakes ? CLI_FAILED : CLI_OK;
}

int verb_verify(struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", 1, NULL, 'r' }, { "json", 0, NULL, 'J' }, { "help", 0, NULL, 'h' }, { 0 },
	};
	struct verify v = { .c = c, .units.sys.root = -1 };
	bool json = false;
	int opt, ret;

	v.arena = &v.units.arena;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":Jh", options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			help();
			return CLI_OK;
		case 'J':
			json = true;
			break;
		case 'r':
			if (!*optarg)
				return cli_usage(&c->cli, "--root= needs a directory");
			c->sysroot = optarg;
			break;
		case ':':
			return cli_usage(&c->cli, "option needs a value: %s", argv[optind - 1]);
		default:
			return cli_usage(&c->cli, "unknown option: %s", argv[optind - 1]);
		}
	}
	ret = verify(&v, json, argc - optind, argv + optind);
	dmem_units_free(&v.units);
	return ret;
}
