// SPDX-License-Identifier: GPL-2.0-or-later
/* The unit search path: directories, names and aliases. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "units.h"

#define BUCKETS		4096
#define MAX_HOPS	8

/* systemd's own list, without the three directories of generators. */
#define TRANSIENT	"/run/systemd/transient"
#define SEARCH_PATH				\
	"/etc/systemd/system.control:"		\
	"/run/systemd/system.control:"		\
	TRANSIENT ":"				\
	"/etc/systemd/system:"			\
	"/etc/systemd/system.attached:"		\
	"/run/systemd/system:"			\
	"/run/systemd/system.attached:"		\
	"/usr/local/lib/systemd/system:"	\
	"/usr/lib/systemd/system:"		\
	"/lib/systemd/system"

/* These are not read, but links into them are aliases like others. */
#define GENERATED				\
	"/run/systemd/generator.early:"		\
	"/run/systemd/generator:"		\
	"/run/systemd/generator.late"

/* True if the directory was not seen yet: /lib may be a link to /usr/lib. */
static bool is_new_dir(struct dmem_units *u, const char *path, struct stat *st)
{
	int fd = dmem_units_open(u, path, O_DIRECTORY);
	bool ok;

	if (fd < 0) {
		if (fd != -ENOENT)
			dmem_units_report(u, path, path, "cannot be read, so its units are ignored",
					  "make it readable for root");
		return false;
	}
	ok = !fstat(fd, st);
	close(fd);
	for (int i = 0; ok && i < u->n_dirs; i++)
		ok = u->id[i].ino != st->st_ino || u->id[i].dev != st->st_dev;
	return ok;
}

static int add_dir(struct dmem_units *u, const char *path, bool read)
{
	const char **all = dmem_grow(&u->arena, u->search.s, u->search.n, sizeof(*all)), **dir;
	size_t n = (size_t)u->n_dirs;
	struct stat st;
	void *id;

	if (!path || !all)
		return -ENOMEM;
	u->search.s = all;
	all[u->search.n++] = path;
	if (!read || !is_new_dir(u, path, &st))
		return 0;
	dir = dmem_grow(&u->arena, u->dir, n, sizeof(*dir));
	id = dmem_grow(&u->arena, u->id, n, sizeof(*u->id));
	if (!dir || !id)
		return -ENOMEM;
	u->dir = dir;
	u->id = id;
	u->dir[n] = path;
	u->id[n].dev = st.st_dev;
	u->id[n].ino = st.st_ino;
	u->n_dirs++;
	return 0;
}

static int add_dirs(struct dmem_units *u, const char *path, bool read)
{
	int ret = 0;

	while (*path && !ret) {
		size_t len = strcspn(path, ":");

		if (len)
			ret = add_dir(u, dmem_strndup(&u->arena, path, len), read);
		path += len + (path[len] == ':');
	}
	return ret;
}

static size_t hash(const struct dmem_units *u, const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h & (u->n_buckets - 1);
}

struct dmem_unit *dmem_units_find(const struct dmem_units *u, const char *name)
{
	struct dmem_unit *unit = u->bucket[hash(u, name)];

	while (unit && strcmp(unit->name, name))
		unit = unit->next;
	return unit;
}

static int type_of_level(const char *name)
{
	for (int t = 0; t < DMEM_TYPES; t++) {
		if (!strcmp(name, dmem_type_names[t]))
			return t;
	}
	return -EINVAL;
}

int dmem_units_add(struct dmem_units *u, const char *name, struct dmem_unit **unit)
{
	struct dmem_unit *new, **b;
	int type = dmem_unit_type(name), level = type_of_level(name);

	*unit = dmem_units_find(u, name);
	if (*unit)
		return 0;
	if (type < 0 && level < 0)
		return -EINVAL;
	new = dmem_alloc(&u->arena, sizeof(*new));
	b = dmem_grow(&u->arena, u->unit, u->n_units, sizeof(*b));
	if (!new || !b)
		return -ENOMEM;
	u->unit = b;
	u->unit[u->n_units++] = new;
	new->name = dmem_strdup(&u->arena, name);
	new->dir = dmem_alloc(&u->arena, (size_t)u->n_dirs * sizeof(*new->dir) + 1);
	if (!new->name || !new->dir)
		return -ENOMEM;
	new->type = type < 0 ? level : type;
	new->type_level = type < 0;
	b = &u->bucket[hash(u, name)];
	new->next = *b;
	*b = new;
	*unit = new;
	return 0;
}

/* A dangling link is no directory, and no setting is lost. */
static void no_dropin_dir(struct dmem_units *u, const char *path, const char *name, int err)
{
	if (err == ENOTDIR)
		dmem_units_report(u, path, name, "is not a directory, so systemd ignores it",
				  "create a directory, and move the file into it");
	else if (err != ENOENT)
		dmem_units_report(u, path, name,
				  dmem_printf(&u->arena, "cannot be read: %s", strerror(err)),
				  "make it readable for root");
}

static int load_dropin_dir(struct dmem_units *u, int d, const char *name)
{
	size_t len = strlen(name) - 2;
	struct dmem_dropin_dir *dd;
	struct dmem_unit *unit;
	const char *path;
	struct dirent *de;
	char *base;
	DIR *dir;
	int fd, ret;

	base = dmem_strndup(&u->arena, name, len);
	path = dmem_printf(&u->arena, "%s/%s", u->dir[d], name);
	if (!base || !path)
		return -ENOMEM;
	ret = dmem_units_add(u, base, &unit);
	if (ret)
		return ret == -EINVAL ? 0 : ret;
	fd = dmem_units_open(u, path, O_DIRECTORY);
	if (fd < 0) {
		no_dropin_dir(u, path, name, -fd);
		return 0;
	}
	dir = fdopendir(fd);
	dd = dmem_alloc(&u->arena, sizeof(*dd));
	if (!dir || !dd) {
		if (dir)
			closedir(dir);
		else
			close(fd);
		return -ENOMEM;
	}
	unit->dir[d] = dd;
	while ((de = readdir(dir))) {
		struct dmem_unit_file *f;
		size_t n = strlen(de->d_name);

		if (*de->d_name == '.' || n <= 5 || strcmp(de->d_name + n - 5, ".conf"))
			continue;
		f = dmem_grow(&u->arena, dd->file, dd->n, sizeof(*f));
		if (!f)
			break;
		dd->file = f;
		f += dd->n++;
		*f = (struct dmem_unit_file){
			.name = dmem_strdup(&u->arena, de->d_name),
			.path = dmem_printf(&u->arena, "%s/%s", path, de->d_name),
		};
		if (!f->name || !f->path)
			break;
	}
	closedir(dir);
	return de ? -ENOMEM : 0;
}

/* True if a link @from to @to may be an alias. */
static bool alias_ok(const char *from, const char *to)
{
	int type = dmem_unit_type(from);
	const char *i = dmem_unit_instance(from), *j = dmem_unit_instance(to);

	if (type != dmem_unit_type(to))
		return false;
	if (type != DMEM_SERVICE && type != DMEM_SOCKET && type != DMEM_TARGET &&
	    type != DMEM_DEVICE && type != DMEM_TIMER && type != DMEM_PATH)
		return false;
	if (!i || !j)
		return !i && !j;
	if (dmem_unit_is_template(to))
		return true;
	return dmem_unit_is_instance(from) && !strcmp(i, j);
}

/* True if @path is below @dir. The number of slashes does not matter. */
static bool is_below(const char *path, const char *dir)
{
	for (;;) {
		size_t len, dir_len;

		path += strspn(path, "/");
		dir += strspn(dir, "/");
		if (!*dir)
			return *path;
		len = strcspn(path, "/");
		dir_len = strcspn(dir, "/");
		if (len != dir_len || strncmp(path, dir, len))
			return false;
		path += len;
		dir += len;
	}
}

bool dmem_unit_is_transient(const struct dmem_unit *unit)
{
	return unit->fragment && is_below(unit->fragment->path, TRANSIENT);
}

/* Sets the unit's alias, if the link is one. 1: systemd ignores the link. */
static int load_link(struct dmem_units *u, int d, struct dmem_unit *unit, int dir_fd)
{
	const char *path, *name;
	char to[4096];
	ssize_t n = readlinkat(dir_fd, unit->name, to, sizeof(to) - 1);
	bool alias = false;

	if (n < 0)
		return 1;
	to[n] = 0;
	path = *to == '/' ? to : dmem_printf(&u->arena, "%s/%s", u->dir[d], to);
	path = path ? dmem_units_chase(u, path) : NULL;
	if (!path)
		return 1;
	unit->masked = !strcmp(path, "/dev/null");
	for (size_t i = 0; i < u->search.n && !alias; i++)
		alias = is_below(path, u->search.s[i]);
	/* A link out of the search path is an ordinary unit file. */
	if (!alias)
		return 0;
	/* A link into a directory below the search path is an alias, too. */
	name = strrchr(path, '/') + 1;
	if (!strcmp(name, unit->name) || !alias_ok(unit->name, name))
		return 1;
	unit->alias_of = name;
	return 0;
}

/* systemd accepts files and links as units; for anything else it searches the next directory. */
static void no_unit_file(struct dmem_units *u, int d, const char *name, mode_t mode)
{
	const char *path = dmem_printf(&u->arena, "%s/%s", u->dir[d], name);

	if (path)
		dmem_units_report(u, path, name, dmem_printf(&u->arena,
							     "is a %s, so systemd ignores it",
							     dmem_file_type(mode)),
				  S_ISDIR(mode) ? dmem_printf(&u->arena, "rename it to %s.d if it "
							      "contains drop-ins", name) :
						  "replace it by a file");
}

struct entry {
	const char *name;
	unsigned char type;		/* like d_type of struct dirent */
};

static int load_name(struct dmem_units *u, int d, int dir_fd, const struct entry *e)
{
	size_t n = strlen(e->name);
	struct dmem_unit_file *f;
	struct dmem_unit *unit;
	struct stat st;
	int ret;

	if (n > 2 && !strcmp(e->name + n - 2, ".d"))
		return load_dropin_dir(u, d, e->name);
	if (dmem_unit_type(e->name) < 0)
		return 0;
	st.st_mode = DTTOIF(e->type);
	if (e->type == DT_UNKNOWN && fstatat(dir_fd, e->name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
		no_unit_file(u, d, e->name, st.st_mode);
		return 0;
	}
	ret = dmem_units_add(u, e->name, &unit);
	if (ret)
		return ret;
	if (unit->fragment || unit->alias_of || unit->masked)
		return 0;
	ret = S_ISLNK(st.st_mode) ? load_link(u, d, unit, dir_fd) : 0;
	if (ret)
		return ret < 0 ? ret : 0;
	if (unit->alias_of || unit->masked)
		return 0;
	f = dmem_alloc(&u->arena, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->name = unit->name;
	f->path = dmem_printf(&u->arena, "%s/%s", u->dir[d], unit->name);
	unit->fragment = f;
	return f->path ? 0 : -ENOMEM;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Sorted, so that messages have the same order each time. */
static int load_dir(struct dmem_units *u, int d)
{
	int fd = dmem_units_open(u, u->dir[d], O_DIRECTORY), ret = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct entry *all = NULL, *more;
	struct dirent *de;
	size_t n = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (!ret && (de = readdir(dir))) {
		more = dmem_grow(&u->arena, all, n, sizeof(*all));
		if (more) {
			all = more;
			all[n].type = de->d_type;
			all[n].name = dmem_strdup(&u->arena, de->d_name);
		}
		ret = more && all[n++].name ? 0 : -ENOMEM;
	}
	if (n)
		qsort(all, n, sizeof(*all), compare_entries);
	for (size_t i = 0; i < n && !ret; i++)
		ret = load_name(u, d, fd, &all[i]);
	closedir(dir);
	return ret;
}

/* Stores at each unit the names that are links to it. */
static int link_aliases(struct dmem_units *u)
{
	size_t n = u->n_units;

	for (size_t i = 0; i < n; i++) {
		const char *instance = NULL, *target = u->unit[i]->alias_of;
		struct dmem_unit *to = u->unit[i], **more;

		if (!target)
			continue;
		if (dmem_unit_is_instance(to->name))
			instance = dmem_unit_instance(to->name);
		for (int hop = 0; to && target && hop < MAX_HOPS; hop++) {
			to = dmem_units_find(u, target);
			target = to ? to->alias_of : NULL;
		}
		if (!to || target)
			continue;
		/* If an instance is a link to a template, it means the template's instance. */
		if (instance && dmem_unit_is_template(to->name)) {
			const char *name = dmem_unit_with_instance(&u->arena, to->name, instance,
				(size_t)(strrchr(instance, '.') - instance));
			int ret = name ? dmem_units_add(u, name, &to) : -ENOMEM;

			if (ret)
				return ret;
		}
		/* foo@x.service -> foo@.service is foo@x.service itself. */
		if (to == u->unit[i]) {
			to->alias_of = NULL;
			continue;
		}
		u->unit[i]->alias_of = to->name;
		more = dmem_grow(&u->arena, to->alias, to->n_alias, sizeof(*more));
		if (!more)
			return -ENOMEM;
		to->alias = more;
		to->alias[to->n_alias++] = u->unit[i];
	}
	return 0;
}

/* If b@x.service has only drop-ins, and b@.service is an alias of a@.service, b@x.service is an
 * alias of a@x.service. A unit file of a@x.service prevents this. */
static int link_instances(struct dmem_units *u)
{
	size_t n = u->n_units;
	int ret;

	for (size_t i = 0; i < n; i++) {
		struct dmem_unit *unit = u->unit[i], *template, *to;
		const char *instance = dmem_unit_instance(unit->name), *name;

		if (!dmem_unit_is_instance(unit->name) || unit->fragment || unit->masked ||
		    unit->alias_of)
			continue;
		name = dmem_unit_with_instance(&u->arena, unit->name, "", 0);
		if (!name)
			return -ENOMEM;
		template = dmem_units_find(u, name);
		if (!template || !template->alias_of)
			continue;
		name = dmem_unit_with_instance(&u->arena, template->alias_of, instance,
					       (size_t)(strrchr(instance, '.') - instance));
		ret = name ? dmem_units_add(u, name, &to) : -ENOMEM;
		if (ret)
			return ret;
		if (!to->fragment && !to->masked && !to->alias_of)
			unit->alias_of = to->name;
	}
	return 0;
}

int dmem_units_load(struct dmem_units *u, const char *root, const char *path,
		    dmem_report_fn report, void *data)
{
	size_t len;
	int ret;

	*u = (struct dmem_units){
		.sys.root = -1, .n_buckets = BUCKETS,
		.report = report, .report_data = data,
	};
	u->bucket = dmem_alloc(&u->arena, BUCKETS * sizeof(*u->bucket));
	if (!u->bucket)
		return -ENOMEM;
	ret = dmem_sys_open(&u->sys, *root ? root : NULL);
	if (ret)
		return ret;
	/* As in $SYSTEMD_UNIT_PATH: a colon at the end appends systemd's own directories. */
	len = path ? strlen(path) : 0;
	if (len)
		ret = add_dirs(u, path, true);
	if (!ret && (!len || path[len - 1] == ':')) {
		ret = add_dirs(u, SEARCH_PATH, true);
		if (!ret)
			ret = add_dirs(u, GENERATED, false);
	}
	for (int d = 0; d < u->n_dirs && !ret; d++)
		ret = load_dir(u, d);
	if (!ret)
		ret = link_aliases(u);
	return ret ? ret : link_instances(u);
}

void dmem_units_free(struct dmem_units *u)
{
	dmem_sys_close(&u->sys);
	dmem_arena_free(&u->arena);
}
