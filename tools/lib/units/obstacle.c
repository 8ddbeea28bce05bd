// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Settings of a service that hide dmem-apply from its commands: "+" lifts neither another root
 * directory nor mounts. dmem-apply itself needs no other file: it is linked statically, and enters
 * the mounts of the first process.
 *
 * Also settings with which systemd may not run it at all: an environment that leaves no room for
 * its arguments, and a working directory that root cannot enter.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "dmem/dmem.h"

enum key {
	ROOT_DIRECTORY, ROOT_IMAGE, ROOT_MSTACK, EXTENSION_IMAGES, EXTENSION_DIRECTORIES,
	TMPFS, BIND, BIND_READ_ONLY, IMAGES, KEYS
};

static const char * const keys[KEYS] = {
	"RootDirectory", "RootImage", "RootMStack",
	/* Their /usr is mounted over that of the machine. */
	"ExtensionImages", "ExtensionDirectories",
	"TemporaryFileSystem", "BindPaths", "BindReadOnlyPaths", "MountImages",
};

#define START_ONLY	"RootDirectoryStartOnly"
#define ENVIRONMENT	"EnvironmentFile"
#define DIRECTORY	"WorkingDirectory"
#define USER		"User"
#define DYNAMIC_USER	"DynamicUser"

static bool is_start_key(const char *key)
{
	return !strcmp(key, ENVIRONMENT) || !strcmp(key, DIRECTORY) || !strcmp(key, USER) ||
	       !strcmp(key, DYNAMIC_USER);
}

bool dmem_obstacle_key(const char *key)
{
	if (is_start_key(key))
		return true;
	for (int i = 0; i < KEYS; i++) {
		if (!strcmp(key, keys[i]))
			return true;
	}
	return !strcmp(key, START_ONLY);
}

/* The value of a specifier that is the same in all units of the system manager. NULL: it is not
 * known here. */
static const char *value_of(char letter)
{
	static const char * const values[] = {
		"C/var/cache", "E/etc", "L/var/log", "S/var/lib", "t/run", "%%",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		if (*values[i] == letter)
			return values[i] + 1;
	}
	return NULL;
}

/*
 * The path in systemd's form: without double slashes and single dots. NULL: out of memory, or
 * systemd ignores the path, since it is not absolute or has a ".." in it. If it ends at a specifier
 * with an unknown value, *@open is set.
 */
static char *path_of(struct dmem_arena *a, const char *text, bool *open)
{
	size_t room = strlen(text) * sizeof("/var/cache") + 2, len;
	char *all = dmem_alloc(a, room), *out, *path;
	const char *value;

	*open = false;
	path = dmem_alloc(a, room);
	if (!all || !path)
		return NULL;
	for (out = all; *text && !*open; text++) {
		if (*text != '%' || !text[1]) {
			*out++ = *text;
			continue;
		}
		value = value_of(*++text);
		*open = !value;
		if (value)
			out = stpcpy(out, value);
	}
	if (*all != '/' && !(*open && !*all))
		return NULL;
	for (out = path; *all; all += len) {
		all += strspn(all, "/");
		len = strcspn(all, "/");
		if (len == 2 && !strncmp(all, "..", 2) && !(*open && !all[len]))
			return NULL;
		if (len > NAME_MAX)
			return NULL;
		if (!len || (len == 1 && *all == '.'))
			continue;
		*out++ = '/';
		memcpy(out, all, len);
		out += len;
	}
	/* The unknown specifier may be a part of the name, or several names. */
	return out - path < PATH_MAX ? path : NULL;
}

/* Flags of cut(): the characters that end a part, and those that it keeps. */
#define BLANK	1
#define COLON	2
#define QUOTES	4	/* quotes enclose blanks and colons; they are removed */
#define ESCAPES	8	/* escapes are kept */
#define C_ESCAPES 32	/* as in C, and of a colon; else, of any character */
#define HERE	16	/* do not skip leading blanks: the part may be empty */

/* Cuts off the next part, and sets *@end to the character that ended it. NULL: there is none, or a
 * quote or an escape is not complete: systemd does not read further either. */
static char *cut(char **s, int how, char *end)
{
	char *in = *s, *part, *out, quote = 0;
	size_t taken;
	int c;

	if ((how & BLANK) && !(how & HERE))
		in += strspn(in, " \t\r\n");
	part = out = in;
	if (!*in)
		return NULL;
	for (; *in; in++) {
		if (!quote && (((how & BLANK) && strchr(" \t\r\n", *in)) || ((how & COLON) && *in == ':')))
			break;
		if ((how & QUOTES) && (quote ? *in == quote : *in == '"' || *in == '\'')) {
			quote = quote ? 0 : *in;
			continue;
		}
		if (*in == '\\' && (how & C_ESCAPES) && in[1] != ':') {
			c = dmem_conf_escape(in + 1, &taken);
			if (c < 0)
				return NULL;
			*out++ = (char)c;
			in += taken;
			continue;
		}
		if (*in == '\\' && !(how & ESCAPES) && !*++in)
			return NULL;
		if (*in == '\\' && (how & ESCAPES) && in[1])
			*out++ = *in++;
		*out++ = *in;
	}
	if (quote)
		return NULL;
	*end = *in;
	*s = *in ? in + 1 : in;
	*out = 0;
	return part;
}

static int add_mount(struct dmem_arena *a, struct dmem_unit_limits *limits,
		     const struct dmem_mount *m)
{
	/* Not dmem_grow(), since a reset makes the array shorter. */
	struct dmem_mount *all = dmem_alloc(a, (limits->n_mounts + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	if (limits->n_mounts)
		memcpy(all, limits->mount, limits->n_mounts * sizeof(*all));
	all[limits->n_mounts++] = *m;
	limits->mount = all;
	return 0;
}

/* Adds a mount point, if the path is valid. @from is the source of the mount, or NULL for a new
 * file system. */
static int add_path(struct dmem_arena *a, struct dmem_unit_limits *limits, struct dmem_mount m,
		    const char *from, const char *to)
{
	bool open;
	const char *source = from ? path_of(a, from, &open) : NULL;

	m.path = path_of(a, to, &m.open);
	if (!m.path || (from && !source))
		return 0;
	/* A bind mount of a directory at its own place hides nothing. */
	m.same = source && !open && !m.open && m.o.key != keys[IMAGES] && !strcmp(source, m.path);
	return add_mount(a, limits, &m);
}

/* "PATH[:OPTIONS]". */
static int add_tmpfs(struct dmem_arena *a, struct dmem_unit_limits *limits, char *text,
		     struct dmem_mount m)
{
	char *word, *path, end;
	int ret = 0;

	while (!ret && (word = cut(&text, BLANK | QUOTES, &end))) {
		path = cut(&word, COLON, &end);
		if (path)
			ret = add_path(a, limits, m, NULL, path);
	}
	return ret;
}

/* "SOURCE:PATH[:OPTIONS]". */
static int add_images(struct dmem_arena *a, struct dmem_unit_limits *limits, char *text,
		      struct dmem_mount m)
{
	char *word, *from, *to, end;
	int ret = 0;

	while (!ret && (word = cut(&text, BLANK | QUOTES | ESCAPES, &end))) {
		from = cut(&word, COLON | C_ESCAPES, &end);
		to = from ? cut(&word, COLON | C_ESCAPES, &end) : NULL;
		if (to)
			ret = add_path(a, limits, m, from + (*from == '-'), to);
	}
	return ret;
}

/* "SOURCE[:PATH[:OPTIONS]]". */
static int add_binds(struct dmem_arena *a, struct dmem_unit_limits *limits, char *text,
		     struct dmem_mount m)
{
	const char *options;
	char *from, *to, end;
	bool open;
	int ret = 0;

	while (!ret && (from = cut(&text, BLANK | COLON | QUOTES, &end))) {
		from += strspn(from, "-+");
		/* If the path is invalid, systemd reads the rest of the word as the next part. */
		if (!path_of(a, from, &open))
			continue;
		to = end == ':' ? cut(&text, BLANK | COLON | QUOTES | HERE, &end) : from;
		if (to && !path_of(a, to, &open))
			continue;
		options = to && end == ':' ? cut(&text, BLANK | QUOTES | HERE, &end) : "";
		if (!to || (!options && *text))
			break;
		/* A systemd that does not know an option does not make the mount; a newer one
		 * may. */
		m.unsure = options && *options && strcmp(options, "rbind") && strcmp(options, "norbind");
		ret = add_path(a, limits, m, from, to);
	}
	return ret;
}

/* The two keys of bind mounts share one list. */
static enum key list_of(enum key k)
{
	return k == BIND_READ_ONLY ? BIND : k;
}

static void reset(struct dmem_unit_limits *limits, enum key k)
{
	size_t kept = 0;

	for (size_t i = 0; i < limits->n_mounts; i++) {
		if (limits->mount[i].list != (int)list_of(k))
			limits->mount[kept++] = limits->mount[i];
	}
	limits->n_mounts = kept;
}

static void set_root(struct dmem_arena *a, struct dmem_unit_limits *limits, enum key k,
		     const char *value, const struct dmem_obstacle *o)
{
	bool open;
	char *path = *value ? path_of(a, value, &open) : NULL;

	limits->obstacle[k] = path && (*path || open) ? *o : (struct dmem_obstacle){ 0 };
}

/* Adds "[-]PATH", or for a working directory also "[-]~". */
static int add_start_path(struct dmem_arena *a, struct dmem_unit_limits *limits, const char *value,
			  struct dmem_start_path p)
{
	bool directory = !strcmp(p.o.key, DIRECTORY);
	struct dmem_start_path *all;

	if (!*value) {
		if (directory)
			limits->working_directory = (struct dmem_start_path){ 0 };
		else
			limits->n_start_paths = 0;
		return 0;
	}
	value += *value == '-';
	p.home = directory && !strcmp(value, "~");
	p.path = p.home ? "" : path_of(a, value, &p.open);
	if (!p.path)
		return 0;
	if (directory) {
		limits->working_directory = p;
		return 0;
	}
	/* Not dmem_grow(), since a reset makes the array shorter. */
	all = dmem_alloc(a, (limits->n_start_paths + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	if (limits->n_start_paths)
		memcpy(all, limits->start_path, limits->n_start_paths * sizeof(*all));
	all[limits->n_start_paths++] = p;
	limits->start_path = all;
	return 0;
}

static int add_start_key(struct dmem_arena *a, struct dmem_unit_limits *limits, const char *key,
			 const char *value, const char *file, unsigned int line)
{
	struct dmem_start_path p = { .o = { .file = file, .line = line } };
	int yes;

	if (!strcmp(key, USER)) {
		limits->other_user = *value && strcmp(value, "root") && strcmp(value, "0");
		return 0;
	}
	if (!strcmp(key, DYNAMIC_USER)) {
		yes = *value ? dmem_parse_bool(value) : 0;
		if (yes >= 0)
			limits->dynamic_user = yes;
		return 0;
	}
	p.o.key = !strcmp(key, DIRECTORY) ? DIRECTORY : ENVIRONMENT;
	return add_start_path(a, limits, value, p);
}

bool dmem_obstacle_ends_file(struct dmem_arena *a, const char *key, const char *value)
{
	bool open;

	for (int k = 0; k <= ROOT_MSTACK; k++) {
		if (!strcmp(key, keys[k]))
			return *value && !path_of(a, value, &open);
	}
	return false;
}

int dmem_obstacle_add(struct dmem_arena *a, struct dmem_unit_limits *limits, const char *key,
		      const char *value, const char *file, unsigned int line)
{
	struct dmem_mount m = { .o = { .file = file, .line = line } };
	int k = 0, yes;
	char *text;

	if (!strcmp(key, START_ONLY)) {
		yes = *value ? dmem_parse_bool(value) : 0;
		if (yes >= 0)
			limits->root_start_only = yes;
		return 0;
	}
	if (is_start_key(key))
		return add_start_key(a, limits, key, value, file, line);
	while (k < KEYS && strcmp(key, keys[k]))
		k++;
	if (k == KEYS)
		return 0;
	m.o.key = keys[k];
	m.empty = k == TMPFS;
	if (k == EXTENSION_IMAGES || k == EXTENSION_DIRECTORIES) {
		limits->obstacle[k] = *value ? m.o : (struct dmem_obstacle){ 0 };
		return 0;
	}
	if (k <= ROOT_MSTACK) {
		set_root(a, limits, (enum key)k, value, &m.o);
		return 0;
	}
	if (!*value) {
		reset(limits, (enum key)k);
		return 0;
	}
	m.list = (int)list_of((enum key)k);
	text = dmem_strdup(a, value);
	if (!text)
		return -ENOMEM;
	return k == TMPFS ? add_tmpfs(a, limits, text, m) :
	       k == IMAGES ? add_images(a, limits, text, m) : add_binds(a, limits, text, m);
}

/* True if the mount is at dmem-apply or above it. */
static bool covers(const struct dmem_mount *m, const char *program)
{
	size_t len = strlen(m->path);

	return !strncmp(m->path, program, len) && (program[len] == '/' || !program[len]);
}

/* True if @m is over @below: systemd makes deeper mounts later, and prefers the bind mount of two
 * at one directory. */
static bool is_over(const struct dmem_mount *m, const struct dmem_mount *below)
{
	size_t len = strlen(m->path), below_len = below ? strlen(below->path) : 0;

	if (!below || len != below_len)
		return !below || len > below_len;
	if (m->empty != below->empty)
		return below->empty;
	return !m->same;
}

const struct dmem_obstacle *dmem_unit_limits_obstacle(const struct dmem_unit_limits *limits)
{
	const struct dmem_mount *top = NULL;

	/* With RootDirectoryStartOnly=, ExecCondition= runs in the root of the machine. */
	for (int k = limits->root_start_only ? EXTENSION_IMAGES : 0; k < TMPFS; k++) {
		if (limits->obstacle[k].key)
			return &limits->obstacle[k];
	}
	for (size_t i = 0; i < limits->n_mounts; i++) {
		const struct dmem_mount *m = &limits->mount[i];

		if (m->open || m->anywhere)
			return &m->o;
		if (covers(m, limits->program) && is_over(m, top))
			top = m;
	}
	return top && !top->same ? &top->o : NULL;
}

const struct dmem_obstacle *dmem_unit_limits_shaped(const struct dmem_unit_limits *limits)
{
	/* Without another user, the unit has nobody to protect the limit from. A strict unit does
	 * not start after a failure before dmem-apply. */
	if (limits->strict || !(limits->other_user || limits->dynamic_user))
		return NULL;
	return limits->shaped.key ? &limits->shaped : NULL;
}
