// SPDX-License-Identifier: GPL-2.0-or-later
/* Judges by the path of a file why its section [X-Dmem] is not read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "placement.h"

#define ADMIN		"/etc/systemd/system"
#define NEW		"50-dmem.conf"
#define UNREAD		", which dmem-generator does not read"

static bool has_suffix(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

static bool has_prefix(const char *s, const char *start)
{
	return !strncmp(s, start, strlen(start));
}

static int say(struct dmem_place *p, const char *what, const char *remedy)
{
	p->what = what;
	p->remedy = remedy;
	return what && remedy ? 0 : -ENOMEM;
}

static void ignore(void *data, const struct dmem_report *r)
{
	(void)data;
	(void)r;
}

/* Keeps the judgement only if the text has a section. */
static int only_with_section(struct dmem_arena *a, const char *text, size_t len,
			     struct dmem_place *p)
{
	struct dmem_section s = { 0 };
	int ret = 0;

	if (p->what && text && dmem_section_hint(text, len))
		ret = dmem_section_parse(a, "", text, len, ignore, NULL, &s);
	p->line = s.line;
	if (!s.present)
		p->what = p->remedy = NULL;
	return ret;
}

static bool is_unit(const char *name)
{
	return dmem_unit_type(name) >= 0;
}

/* The type of "socket": a directory "socket.d" applies to all units of the type. */
static int type_of(const char *name)
{
	int type = dmem_unit_type(name);

	for (int t = 0; type < 0 && t < DMEM_TYPES; t++) {
		if (!strcmp(name, dmem_type_names[t]))
			return t;
	}
	return type;
}

/* ---- values of the file itself ---- */

struct key {
	struct dmem_arena *arena;
	const char *section, *key;	/* NULL: any section */
	const char *value;
};

static int look_for(void *data, unsigned int line, const char *section, const char *key,
		    const char *value)
{
	struct key *k = data;

	(void)line;
	if (!section || !key || !value || strcmp(key, k->key) ||
	    (k->section && strcmp(section, k->section)))
		return 0;
	k->value = dmem_strdup(k->arena, value);
	return k->value ? 0 : -ENOMEM;
}

/* The last value of a key, or NULL. */
static int value_of(struct dmem_arena *a, const char *text, size_t len, const char *section,
		    const char *key, const char **value)
{
	struct key k = { .arena = a, .section = section, .key = key };
	int ret = dmem_conf_parse(text ? text : "", len, look_for, &k);

	*value = k.value && *k.value ? k.value : NULL;
	return ret;
}

/* ---- quadlets ---- */

/* Names that Podman's generator gives to services, unless the quadlet has ServiceName=. */
static const struct {
	const char *suffix, *section, *added;
} quadlets[] = {
	{ ".container", "Container", "" },
	{ ".pod", "Pod", "-pod" },
	{ ".kube", "Kube", "" },
	{ ".volume", "Volume", "-volume" },
	{ ".network", "Network", "-network" },
	{ ".image", "Image", "-image" },
	{ ".build", "Build", "-build" },
	{ ".artifact", "Artifact", "-artifact" },
};

#define N_QUADLETS	(sizeof(quadlets) / sizeof(*quadlets))

/* The index in that list of the file's kind, or N_QUADLETS. */
static size_t quadlet(const char *name)
{
	size_t i = 0;

	while (i < N_QUADLETS && !has_suffix(name, quadlets[i].suffix))
		i++;
	return i;
}

/* The quadlet that a file belongs to: the file's own name, or that of "camera.container.d/". */
static char *quadlet_name(struct dmem_arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *end = slash, *dir = end;

	if (quadlet(name) < N_QUADLETS || !slash)
		return dmem_strdup(a, name);
	while (dir > path && dir[-1] != '/')
		dir--;
	if (end - dir < 3 || strncmp(end - 2, ".d", 2))
		return dmem_strdup(a, name);
	return dmem_strndup(a, dir, (size_t)(end - dir) - 2);
}

static int quadlet_service(struct dmem_arena *a, const char *name, const char *text, size_t len,
			   const char **service)
{
	size_t i = quadlet(name), base = strlen(name) - strlen(quadlets[i].suffix);
	const char *own;
	bool template;
	int ret = value_of(a, text, len, quadlets[i].section, "ServiceName", &own);

	if (ret)
		return ret;
	template = base && name[base - 1] == '@';
	if (own)
		*service = dmem_printf(a, "%s.service", own);
	else
		*service = dmem_printf(a, "%.*s%s%s.service", (int)(base - template), name,
				       quadlets[i].added, template ? "@" : "");
	return *service ? 0 : -ENOMEM;
}

static const char *user_remedy(struct dmem_arena *a, long long uid)
{
	if (uid == DMEM_NO_UID)
		return "limit all processes of each user, in " ADMIN "/user-.slice.d/" NEW;
	return dmem_printf(a,
			   "limit all processes of this user, in " ADMIN "/user-%lld.slice.d/" NEW,
			   uid);
}

static const char *pod_note(const char *name)
{
	return has_suffix(name, ".pod") ?
	       "; each container of the pod has a service of its own" : "";
}

static int in_quadlet(struct dmem_arena *a, const char *path, const char *text, size_t len,
		      bool users, long long uid, struct dmem_place *p)
{
	char *name = quadlet_name(a, path);
	const char *what = "is in a quadlet" UNREAD;
	int ret;

	if (!name)
		return -ENOMEM;
	if (users)
		return say(p, "is in a quadlet of a user" UNREAD, user_remedy(a, uid));
	if (quadlet(name) == N_QUADLETS)
		return say(p, "is in a directory of quadlets" UNREAD,
			   "put it into a drop-in of the service, " ADMIN "/NAME.service.d/" NEW);
	ret = quadlet_service(a, name, text, len, &p->service);
	if (ret)
		return ret;
	/* A template's drop-in applies to all instances. */
	return say(p, what, dmem_printf(a, "put it into " ADMIN "/%s.d/" NEW ", the drop-in of the "
					"service generated from the quadlet%s", p->service,
					pod_note(name)));
}

/* ---- units ---- */

/* The unit with the processes, if @unit only starts it. */
static int started_by(struct dmem_arena *a, const char *unit, int type, const char *text,
		      size_t len, const char **service)
{
	const char *key = type == DMEM_SOCKET ? "Service" : "Unit", *accept = NULL;
	const char *dot = strrchr(unit, '.');
	int ret = value_of(a, text, len, NULL, key, service);

	if (!ret && type == DMEM_SOCKET)
		ret = value_of(a, text, len, NULL, "Accept", &accept);
	if (ret || *service)
		return ret;
	/* Each connection gets an instance. */
	*service = dmem_printf(a, "%.*s%s.service", (int)(dot - unit), unit,
			       accept && strchr("yYtT1", *accept) && !strchr(unit, '@') ? "@" : "");
	return *service ? 0 : -ENOMEM;
}

/* The slice of a unit, or NULL if the text does not show it. */
static int slice_of(struct dmem_arena *a, const char *unit, int type, const char *text, size_t len,
		    const char **slice)
{
	int ret = value_of(a, text, len, NULL, "Slice", slice);

	if (ret || *slice)
		return ret;
	if (type == DMEM_MOUNT || type == DMEM_SWAP)
		*slice = "system.slice";
	else if (has_prefix(unit, "session-"))
		*slice = "user-.slice";
	else if (has_prefix(unit, "machine-"))
		*slice = "machine.slice";
	return 0;
}

int dmem_place_type(struct dmem_arena *a, const char *unit, const char *text, size_t len,
		    struct dmem_place *p)
{
	int type = type_of(unit), ret;
	const char *what, *name = NULL;

	*p = (struct dmem_place){ 0 };
	if (type < 0 || type == DMEM_SERVICE || type == DMEM_SLICE)
		return 0;
	what = dmem_printf(a, "has no effect in a %s unit", dmem_type_names[type]);
	if (type == DMEM_TARGET || type == DMEM_DEVICE)
		return say(p, what, "put it into a drop-in of a service or slice, "
			   ADMIN "/NAME.service.d/" NEW);
	if (type == DMEM_MOUNT || type == DMEM_SWAP || type == DMEM_SCOPE) {
		ret = slice_of(a, unit, type, text, len, &name);
		if (ret)
			return ret;
		return say(p, what, dmem_printf(a, "limit its slice, in " ADMIN "/%s.d/" NEW,
						name ? name : "SLICE"));
	}
	/* A drop-in for all units of a type, or a type that starts no service. */
	if (!is_unit(unit) || type == DMEM_AUTOMOUNT)
		return say(p, what, "put it into a drop-in of the service, " ADMIN
			   "/NAME.service.d/" NEW);
	ret = started_by(a, unit, type, text, len, &name);
	if (ret)
		return ret;
	/* A socket unit has processes of its own. */
	return say(p, what, dmem_printf(a, "put it into " ADMIN "/%s.d/" NEW "%s", name,
					type == DMEM_SOCKET ? ", or limit the slice of the socket" : ""));
}

/* True for copies that editors and packages leave, and for disabled files: their limits are not
 * intended to apply. */
static bool is_leftover(const char *name)
{
	static const char * const ends[] = {
		"~", ".bak", ".orig", ".rej", ".swp", ".swo", ".save", ".old", ".tmp", ".disabled",
		".dpkg-old", ".dpkg-new", ".dpkg-dist", ".dpkg-bak", ".dpkg-tmp", ".dpkg-remove",
		".ucf-old", ".ucf-new", ".ucf-dist", ".rpmsave", ".rpmnew", ".rpmorig",
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (has_suffix(name, ends[i]))
			return true;
	}
	return *name == '.' || *name == '#';
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Replaces each run of bytes that unit names cannot have by one underscore. */
static char *clean_name(struct dmem_arena *a, const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
	char *clean, *end;

	name += strspn(name, "@");
	clean = end = dmem_strdup(a, name);
	for (size_t n; clean && *name; name += n) {
		n = strspn(name, good);
		memcpy(end, name, n);
		end += n;
		name += n;
		n = strcspn(name, good);
		if (n)
			*end++ = '_';
	}
	if (clean)
		*end = 0;
	return clean;
}

/* "camera" and "camera.conf" are probably for camera.service. */
static char *likely_unit(struct dmem_arena *a, const char *name)
{
	char *stem = clean_name(a, name), *dot;

	if (!stem)
		return NULL;
	if (has_suffix(stem, ".conf"))
		stem[strlen(stem) - strlen(".conf")] = 0;
	if (type_of(stem) >= 0)
		return stem;
	if (!*stem || *stem == '.')
		return dmem_strdup(a, "NAME.service");
	dot = strrchr(stem, '.');
	if (dot && dot > stem)
		*dot = 0;
	stem = dmem_printf(a, "%s.service", stem);
	return !stem || is_unit(stem) ? stem : dmem_strdup(a, "NAME.service");
}

/* True for a name with the suffix of a unit that is no valid unit name. */
static bool is_bad_unit(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!dot || is_unit(name))
		return false;
	for (int t = 0; t < DMEM_TYPES; t++) {
		if (!strcmp(dot + 1, dmem_type_names[t]))
			return true;
	}
	return false;
}

static bool has_limits(const char *unit)
{
	int type = type_of(unit);

	return type == DMEM_SERVICE || type == DMEM_SLICE;
}

static char *conf_name(struct dmem_arena *a, const char *name)
{
	return dmem_printf(a, "%s%s", name, has_suffix(name, ".conf") ? "" : ".conf");
}

/* "camera.service.wants/50-dmem.conf" was probably meant as a drop-in of camera.service; a file
 * with the name of a unit is about that unit. */
static int in_dependencies(struct dmem_arena *a, const char *dir, const char *name, struct dmem_place *p)
{
	const char *what = "is in a directory in which systemd reads only the file names";
	char *unit = dmem_strndup(a, dir, (size_t)(strrchr(dir, '.') - dir)), *conf;

	if (!unit)
		return -ENOMEM;
	if (is_unit(name) && has_limits(name))
		return say(p, what, dmem_printf(a, "put it into " ADMIN "/%s.d/" NEW, name));
	if (is_unit(name) || !has_limits(unit))
		return say(p, what, "put it into a drop-in of a service or slice, " ADMIN "/NAME.service.d/" NEW);
	conf = conf_name(a, name);
	return conf ? say(p, what, dmem_printf(a, "put it into " ADMIN "/%s.d/%s", unit, conf)) : -ENOMEM;
}

/* Handles a drop-in DIR/NAME with a wrong DIR; proposes the right one. */
static int in_dropin_dir(struct dmem_arena *a, const char *unit, const char *name, const char *what,
			 struct dmem_place *p)
{
	char *conf = conf_name(a, name);

	if (!conf || !unit)
		return -ENOMEM;
	return say(p, what, dmem_printf(a, "rename it to " ADMIN "/%s.d/%s", unit, conf));
}

/* Handles a file in a directory of units whose name is no unit name. */
static int in_no_unit(struct dmem_arena *a, const char *name, struct dmem_place *p)
{
	char *unit = dmem_strndup(a, name, strlen(name) - (has_suffix(name, ".d") ? 2 : 0));

	if (!unit)
		return -ENOMEM;
	if (has_suffix(name, ".d") && type_of(unit) >= 0)
		return say(p, "is in a file that has the name of a drop-in directory",
			   dmem_printf(a, "create a directory of this name, and put it into "
				       ADMIN "/%s/" NEW, name));
	unit = likely_unit(a, name);
	if (!unit)
		return -ENOMEM;
	if (!is_unit(unit) && !has_suffix(name, ".conf"))
		return say(p,
			   "is in a file that is not a unit, because its name has no unit suffix",
			   dmem_printf(a, "put it into " ADMIN "/%s.d/" NEW, unit));
	return say(p, is_bad_unit(name) ?
		   "is in a file that is not a unit, because its name has characters that are "
		   "invalid in a unit name" :
		   "is in a file that is not a unit, because its name has no unit suffix",
		   has_suffix(name, ".conf") ?
		   dmem_printf(a, "put it into " ADMIN "/%s.d/%s", unit, name) :
		   dmem_printf(a, "rename it to " ADMIN "/%s, or put it into " ADMIN "/%s.d/" NEW, unit, unit));
}

/* Handles "camera.service.d/50-dmem.conf" below a directory of units. */
static int in_search_path(struct dmem_arena *a, const char *rest, const char *text, size_t len,
			  struct dmem_place *p)
{
	const char *slash = strchr(rest, '/'), *name = file_name(rest);
	char *dir;

	*p = (struct dmem_place){ 0 };
	if (is_leftover(name))
		return 0;
	if (!slash && is_unit(rest))
		return 0;
	if (!slash && quadlet(rest) < N_QUADLETS) {
		int ret = in_quadlet(a, rest, text, len, false, DMEM_NO_UID, p);

		/* Podman does not search this directory for quadlets. */
		p->service = NULL;
		return ret;
	}
	if (!slash)
		return in_no_unit(a, rest, p);
	dir = dmem_strndup(a, rest, (size_t)(slash - rest));
	if (!dir)
		return -ENOMEM;
	if (is_leftover(dir))
		return 0;
	if (has_suffix(dir, ".wants") || has_suffix(dir, ".requires") || has_suffix(dir, ".upholds"))
		return in_dependencies(a, dir, name, p);
	if (!has_suffix(dir, ".d"))
		return in_dropin_dir(a, type_of(dir) >= 0 ? dir : likely_unit(a, dir), name,
				     "is in a directory whose name does not end in .d, which systemd "
				     "does not read", p);
	dir[strlen(dir) - 2] = 0;
	if (type_of(dir) < 0)
		return in_dropin_dir(a, likely_unit(a, dir), name,
				     "is in a directory that belongs to no unit, which systemd "
				     "does not read",
				     p);
	if (strchr(slash + 1, '/'))
		return in_dropin_dir(a, dir, name, "is in a subdirectory of a drop-in directory, "
				     "which systemd does not read", p);
	if (!has_suffix(name, ".conf"))
		return in_dropin_dir(a, dir, name, "is in a file whose name does not end in .conf, "
				     "which systemd does not read", p);
	return 0;
}

int dmem_place_unit(struct dmem_arena *a, const char *rest, const char *text, size_t len,
		    struct dmem_place *p)
{
	int ret = in_search_path(a, rest, text, len, p);

	return ret ? ret : only_with_section(a, text, len, p);
}

/* The unit that a path below a directory of units belongs to, or NULL. */
static char *unit_of(struct dmem_arena *a, const char *rest)
{
	size_t n = strcspn(rest, "/");
	char *unit;

	if (rest[n] && n > 2 && !strncmp(rest + n - 2, ".d", 2))
		n -= 2;
	unit = dmem_strndup(a, rest, n);
	return unit && type_of(unit) >= 0 ? unit : NULL;
}

/* Handles a generated file: proposes an administrator's drop-in for the same unit. */
static int in_made(struct dmem_arena *a, const char *rest, const char *what, struct dmem_place *p)
{
	char *unit = unit_of(a, rest);

	return say(p, what, dmem_printf(a, "put it into " ADMIN "/%s.d/" NEW,
					unit ? unit : "NAME.service"));
}

static int in_nspawn(struct dmem_arena *a, const char *name, struct dmem_place *p)
{
	char *machine = dmem_strndup(a, name, strlen(name) - strlen(".nspawn"));
	char *instance = machine ? dmem_escape(a, machine) : NULL;

	if (!instance)
		return -ENOMEM;
	return say(p, "is in the settings of a machine" UNREAD,
		   dmem_printf(a, "put it into " ADMIN "/systemd-nspawn@%s.service.d/" NEW, instance));
}

/* Handles a file directly below "systemd/", such as "system.conf.d/x.conf". */
static int in_systemd(struct dmem_arena *a, const char *rest, struct dmem_place *p)
{
	char *unit = unit_of(a, rest);

	if (has_prefix(rest, "user.conf"))
		return say(p, "is in the configuration of systemd itself" UNREAD,
			   user_remedy(a, DMEM_NO_UID));
	if (has_prefix(rest, "system.conf"))
		return say(p, "is in the configuration of systemd itself" UNREAD,
			   "put it into " ADMIN "/service.d/" NEW ", the drop-in of all services");
	if (unit && !is_unit(unit))
		unit = NULL;
	if (unit)
		return say(p, "is in a file beside the directory of units, which systemd does not read",
			   strchr(rest, '/') ?
			   dmem_printf(a, "move it to " ADMIN "/%s.d/%s", unit, file_name(rest)) :
			   dmem_printf(a, "move it to " ADMIN "/%s", unit));
	return say(p, "is in a file that is not a unit" UNREAD,
		   "put it into a drop-in of a service or slice, " ADMIN "/NAME.service.d/" NEW);
}

/* ---- the path ---- */

/* The text after the last "/word/" of a path, or NULL. */
static const char *after(const char *path, const char *word)
{
	const char *found = NULL;

	for (const char *s = strstr(path, word); s; s = strstr(s + 1, word))
		found = s;
	return found ? found + strlen(word) : NULL;
}

/* The number in "/run/user/1000" at the end of the first @len bytes, or DMEM_NO_UID. */
static long long runtime_uid(const char *path, size_t len)
{
	static const char dir[] = "/run/user/";
	size_t n = len;

	while (n && path[n - 1] >= '0' && path[n - 1] <= '9')
		n--;
	if (n == len || n < sizeof(dir) - 1 ||
	    strncmp(path + n - (sizeof(dir) - 1), dir, sizeof(dir) - 1))
		return DMEM_NO_UID;
	return atoll(path + n);
}

static bool ends_in(const char *path, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && !strncmp(path + len - n, end, n);
}

/* True if the directory with this path belongs to a user. */
static bool is_users(const char *path, size_t len, long long *uid)
{
	long long id = runtime_uid(path, len);

	if (id != DMEM_NO_UID)
		*uid = id;
	return id != DMEM_NO_UID || ends_in(path, len, "/.config") ||
	       ends_in(path, len, "/.local/share") || ends_in(path, len, "/etc/xdg") ||
	       (ends_in(path, len, "/share") && !ends_in(path, len, "/usr/share"));
}

/* True if any parent directory belongs to a user: below it, the user can choose all names, also
 * those of system directories. Sets the user, if known. */
static bool of_user(const char *path, long long *uid)
{
	static const char word[] = "/systemd/", quadlets[] = "/containers";

	for (const char *s = strstr(path, word); s; s = strstr(s + 1, word)) {
		const char *rest = s + strlen(word);
		size_t before = (size_t)(s - path);
		bool of_quadlets = ends_in(path, before, quadlets);

		if (of_quadlets)
			before -= strlen(quadlets);
		if (is_users(path, before, uid))
			return true;
		if (!of_quadlets && (has_prefix(rest, "user/") || has_prefix(rest, "user.control/")))
			return true;
		if (!of_quadlets || !has_prefix(rest, "users/"))
			continue;
		if (rest[6] >= '0' && rest[6] <= '9')
			*uid = atoll(rest + 6);
		return true;
	}
	return false;
}

static int in_users_unit(struct dmem_arena *a, long long uid, struct dmem_place *p)
{
	return say(p, "is in a unit of a user" UNREAD, user_remedy(a, uid));
}

static int below_systemd(struct dmem_arena *a, const char *rest, const char *text, size_t len,
			 struct dmem_place *p)
{
	static const char * const read[] = { "system/", "system.control/", "system.attached/" };
	const char *below = strchr(rest, '/');

	for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++) {
		if (has_prefix(rest, read[i]))
			return in_search_path(a, rest + strlen(read[i]), text, len, p);
	}
	if (has_prefix(rest, "generator/") || has_prefix(rest, "generator.early/") ||
	    has_prefix(rest, "generator.late/"))
		return in_made(a, below + 1, "is in a file that a generator has written" UNREAD, p);
	if (has_prefix(rest, "transient/"))
		return in_made(a, below + 1, "is in a transient unit, whose files systemd removes when "
			       "the unit stops", p);
	return in_systemd(a, rest, p);
}

/* A quadlet has the section of its kind: networkd also uses the suffix .network. */
static int is_quadlet(struct dmem_arena *a, const char *path, const char *text, size_t len)
{
	char *name = quadlet_name(a, path), *head;
	size_t i = name ? quadlet(name) : N_QUADLETS;
	bool found;

	if (!name)
		return -ENOMEM;
	if (i == N_QUADLETS || has_suffix(name, ".network"))
		return 0;
	head = dmem_printf(a, "[%s]", quadlets[i].section);
	if (!head)
		return -ENOMEM;
	found = strcmp(name, file_name(path)) || (text && memmem(text, len, head, strlen(head)));
	return found;
}

static int by_path(struct dmem_arena *a, const char *path, const char *text, size_t len,
		   long long uid, struct dmem_place *p)
{
	bool users = of_user(path, &uid);
	const char *rest;
	int ret;

	*p = (struct dmem_place){ 0 };
	if (*path != '/' || is_leftover(file_name(path)))
		return 0;
	if (after(path, "/containers/systemd/"))
		return in_quadlet(a, path, text, len, users, uid, p);
	if (has_suffix(path, ".nspawn"))
		return in_nspawn(a, file_name(path), p);
	rest = after(path, "/systemd/");
	if (rest)
		return users ? in_users_unit(a, uid, p) : below_systemd(a, rest, text, len, p);
	ret = is_quadlet(a, path, text, len);
	return ret > 0 ? in_quadlet(a, path, text, len, false, uid, p) : ret;
}

int dmem_place(struct dmem_arena *a, const char *path, const char *text, size_t len,
	       long long uid, struct dmem_place *p)
{
	int ret = by_path(a, path, text, len, uid, p);

	return ret ? ret : only_with_section(a, text, len, p);
}

int dmem_place_of_user(struct dmem_arena *a, const char *path, bool quadlets, const char *text,
		       size_t len, long long uid, struct dmem_place *p)
{
	int ret;

	*p = (struct dmem_place){ 0 };
	if (is_leftover(file_name(path)))
		return 0;
	ret = quadlets ? in_quadlet(a, path, text, len, true, uid, p) : in_users_unit(a, uid, p);
	return ret ? ret : only_with_section(a, text, len, p);
}
