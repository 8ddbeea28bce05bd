// SPDX-License-Identifier: GPL-2.0-or-later
/* The section [X-Dmem], and what sections of several files make together. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "dmem.h"

enum what { CAP, RESET, STRICT, OBSTACLE };

struct dmem_entry {
	enum what what;
	int index;		/* kind of cap, or which obstacle */
	unsigned int line;
	bool yes;
	const char *region, *value;
};

/* The last one counts; from here on, they add up, and an empty one resets them. */
#define FIRST_LIST	3

static const char * const obstacles[DMEM_OBSTACLES] = {
	"RootDirectory", "RootImage", "RootMStack", "TemporaryFileSystem",
	"BindPaths", "BindReadOnlyPaths", "MountImages",
	/* Their /usr is put over the one of the machine. */
	"ExtensionImages", "ExtensionDirectories",
};

const char * const dmem_cap_keys[DMEM_KINDS] = {
	"DeviceMemoryMax", "DeviceMemoryMin", "DeviceMemoryLow",
};

#define ALL_KEYS	"DeviceMemoryMax=, DeviceMemoryMin=, DeviceMemoryLow= or " DMEM_STRICT_KEY "="

struct parse {
	struct dmem_arena *arena;
	struct dmem_section *s;
	dmem_report_fn report;
	void *data;
};

bool dmem_section_hint(const char *text, size_t len)
{
	static const char * const words[] = { "[X-", "[x-", "DeviceMem", "mem]", "MEM]" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (memmem(text, len, words[i], strlen(words[i])))
			return true;
	}
	/* A header that is not closed. */
	return memmem(text, len, "[Dmem", 5) || memmem(text, len, "[dmem", 5);
}

static void mistake(struct parse *p, unsigned int line, const char *word, const char *what,
		    const char *remedy)
{
	struct dmem_report r = {
		.file = p->s->file, .line = line, .word = word, .what = what, .remedy = remedy,
	};

	if (!p->s->mistakes++)
		p->s->mistake_line = line;
	p->report(p->data, &r);
}

/* Does one letter more, less or other make @a of @b? Case does not count. */
static bool nearly(const char *a, const char *b)
{
	while (*a && *b && strncasecmp(a, b, 1) == 0) {
		a++;
		b++;
	}
	if (!*a && !*b)
		return true;
	return (*a && !strcasecmp(a + 1, b)) || (*b && !strcasecmp(a, b + 1)) ||
	       (*a && *b && !strcasecmp(a + 1, b + 1));
}

bool dmem_section_meant(const char *section)
{
	return nearly(section, DMEM_SECTION) || !strcasecmp(section, "dmem");
}

static struct dmem_entry *new_entry(struct parse *p, enum what what, int index)
{
	struct dmem_section *s = p->s;
	struct dmem_entry *e;

	e = dmem_grow(p->arena, s->entry, s->n, sizeof(*e));
	if (!e)
		return NULL;
	s->entry = e;
	e = &s->entry[s->n++];
	*e = (struct dmem_entry){ .what = what, .index = index };
	return e;
}

/* Specifiers are systemd's to replace. Those that name the unit are the same
 * in all releases, and need nothing that may be missing at start. */
static bool specifiers_ok(const char *region)
{
	for (const char *c = strchr(region, '%'); c; c = strchr(c + 2, '%')) {
		if (!c[1] || !strchr("%iIjJnNpP", c[1]))
			return false;
	}
	return true;
}

static int parse_cap(struct parse *p, unsigned int line, enum dmem_kind kind, const char *text)
{
	char *rest = dmem_strdup(p->arena, text), *region, *amount, *more;
	struct dmem_value v;
	struct dmem_entry *e;
	const char *problem;
	int err, err2 = 0, err3 = 0;

	if (!rest)
		return -ENOMEM;
	region = dmem_conf_word(&rest, &err);
	amount = err ? NULL : dmem_conf_word(&rest, &err2);
	more = err || err2 ? NULL : dmem_conf_word(&rest, &err3);
	if (err || err2 || err3) {
		mistake(p, line, text, "has a quote that is not closed, or an unknown escape",
			"write REGION SIZE");
		return 0;
	}
	if (!amount) {
		mistake(p, line, region, "has no size",
			"write REGION SIZE, such as cma/camera@64000000 24M");
		return 0;
	}
	if (more) {
		mistake(p, line, more, "is one word too many", "write one region in a line");
		return 0;
	}
	problem = dmem_region_problem(region);
	if (problem) {
		mistake(p, line, region, problem, "see dmem.capacity in /sys/fs/cgroup");
		return 0;
	}
	if (!specifiers_ok(region)) {
		mistake(p, line, region, "has an unknown specifier",
			"write %% for a per cent sign; %i, %I, %j, %J, %n, %N, %p and %P can be used");
		return 0;
	}
	err = dmem_parse_value(amount, &v);
	if (err) {
		mistake(p, line, amount, err == -ERANGE ? "is too large" : "is not a size",
			"write bytes with K, M, G or T, a percentage of the region, or max");
		return 0;
	}
	e = new_entry(p, CAP, (int)kind);
	if (!e)
		return -ENOMEM;
	e->line = line;
	e->region = region;
	e->value = amount;
	return 0;
}

static int parse_bool(const char *v)
{
	static const char * const yes[] = { "yes", "y", "true", "t", "on", "1" };
	static const char * const no[] = { "no", "n", "false", "f", "off", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (!strcasecmp(v, yes[i]))
			return 1;
		if (!strcasecmp(v, no[i]))
			return 0;
	}
	return -EINVAL;
}

static int our_key(struct parse *p, unsigned int line, const char *key, const char *value)
{
	struct dmem_entry *e;
	int yes;

	if (!value) {
		mistake(p, line, key, "has no '='", "write KEY=VALUE");
		return 0;
	}
	for (int k = 0; k < DMEM_KINDS; k++) {
		if (strcmp(key, dmem_cap_keys[k]))
			continue;
		if (*value)
			return parse_cap(p, line, (enum dmem_kind)k, value);
		return new_entry(p, RESET, k) ? 0 : -ENOMEM;
	}
	if (strcmp(key, DMEM_STRICT_KEY)) {
		mistake(p, line, key, "is not a key of [" DMEM_SECTION "]", "write " ALL_KEYS);
		return 0;
	}
	yes = *value ? parse_bool(value) : 0;
	if (yes < 0) {
		mistake(p, line, value, "is neither yes nor no", "write " DMEM_STRICT_KEY "=yes or no");
		return 0;
	}
	e = new_entry(p, STRICT, 0);
	if (!e)
		return -ENOMEM;
	e->yes = yes;
	return 0;
}

static int service_key(struct parse *p, unsigned int line, const char *key, const char *value)
{
	struct dmem_entry *e;

	if (!strcmp(key, "ExecCondition") && !*value)
		p->s->clears_line = line;
	for (int i = 0; i < DMEM_OBSTACLES; i++) {
		if (strcmp(key, obstacles[i]))
			continue;
		e = new_entry(p, OBSTACLE, i);
		if (!e)
			return -ENOMEM;
		e->line = line;
		e->value = dmem_strdup(p->arena, value);
		return e->value ? 0 : -ENOMEM;
	}
	return 0;
}

static int one_line(void *data, unsigned int line, const char *section, const char *key,
		    const char *value)
{
	struct parse *p = data;

	if (!section) {
		if (strcasestr(key, "dmem"))
			mistake(p, line, key, "is not closed", "write [" DMEM_SECTION "]");
		return 0;
	}
	if (!*section) {
		if (key && !strncmp(key, "DeviceMemory", 12))
			mistake(p, line, key, "comes before any section",
				"write [" DMEM_SECTION "] above it");
		return 0;
	}
	if (!strcmp(section, DMEM_SECTION)) {
		if (key)
			return our_key(p, line, key, value);
		if (!p->s->present)
			p->s->line = line;
		p->s->present = true;
		return 0;
	}
	if (!key) {
		if (dmem_section_meant(section))
			mistake(p, line, section, "is not a section that is read",
				"write [" DMEM_SECTION "]");
		return 0;
	}
	if (!strcmp(section, "Service") && value)
		return service_key(p, line, key, value);
	/* systemd warns of unknown keys in its own sections only. */
	if (!strncasecmp(section, "X-", 2) && !strncmp(key, "DeviceMemory", 12) &&
	    !dmem_section_meant(section))
		mistake(p, line, key, "is in a section that is not read",
			"put it in [" DMEM_SECTION "]");
	return 0;
}

int dmem_section_parse(struct dmem_arena *a, const char *file, const char *text, size_t len,
		       dmem_report_fn report, void *data, struct dmem_section *s)
{
	struct parse p = { .arena = a, .s = s, .report = report, .data = data };

	*s = (struct dmem_section){ .file = file };
	return dmem_conf_parse(text, len, one_line, &p);
}

/* Is @path at or above @of? */
static bool covers(const char *path, size_t len, const char *of)
{
	while (len && path[len - 1] == '/')
		len--;
	return !strncmp(path, of, len) && (of[len] == '/' || !of[len]);
}

/* A mount that is in nobody's way as it is written. */
static bool add_mount(struct dmem_arena *a, struct dmem_caps *caps, struct dmem_mount m)
{
	/* Not dmem_grow(): a reset makes the array shorter than it was. */
	struct dmem_mount *all = dmem_alloc(a, (caps->n_mounts + 1) * sizeof(*all));

	if (!all || !m.path)
		return false;
	if (caps->n_mounts)
		memcpy(all, caps->mount, caps->n_mounts * sizeof(*all));
	all[caps->n_mounts++] = m;
	caps->mount = all;
	return true;
}

static void forget_mounts(struct dmem_caps *caps, int index)
{
	size_t kept = 0;

	for (size_t i = 0; i < caps->n_mounts; i++) {
		if (caps->mount[i].index != index)
			caps->mount[kept++] = caps->mount[i];
	}
	caps->n_mounts = kept;
}

/*
 * Does one of these mounts hide our program? It needs no library, and finds the
 * kernel's files in the mounts of the first process. Where links lead is for
 * dmem_caps_check_mounts().
 */
static bool hides(struct dmem_arena *a, struct dmem_caps *caps, const struct dmem_section *s,
		  const struct dmem_entry *e, const char *program)
{
	struct dmem_mount m = { .index = e->index, .key = obstacles[e->index], .file = s->file,
				.line = e->line };
	char *rest = dmem_strdup(a, e->value), *word;
	int err;

	m.empty = !strcmp(m.key, "TemporaryFileSystem");
	/* What cannot be understood is taken for the worst: quotes may hold colons. */
	if (!rest || !strncmp(m.key, "Extension", 9) || strpbrk(e->value, "\"'\\"))
		return true;
	while ((word = dmem_conf_word(&rest, &err))) {
		char *path = word + strspn(word, "-+");
		size_t len = strcspn(path, ":");

		m.same = !m.empty;
		if (!m.empty && path[len]) {
			char *to = path + len + 1;
			size_t to_len = strcspn(to, ":");

			m.same = !to_len || (to_len == len && !strncmp(path, to, len));
			if (to_len) {
				path = to;
				len = to_len;
			}
		}
		m.path = dmem_strndup(a, path, len);
		if (!m.path || *path != '/' || (!m.same && covers(path, len, program)) ||
		    !add_mount(a, caps, m))
			return true;
		/* Not as it will be, so that nobody knows what it covers. */
		if (strchr(m.path, '%') || strstr(m.path, "//") || strstr(m.path, "/."))
			return true;
	}
	return err != 0;
}

static void add_obstacle(struct dmem_arena *a, struct dmem_caps *caps, const struct dmem_section *s,
			 const struct dmem_entry *e, const char *program)
{
	struct dmem_obstacle *o = &caps->obstacle[e->index];
	const char *key = obstacles[e->index];
	bool list = e->index >= FIRST_LIST, in_the_way;

	if (list && !*e->value)
		forget_mounts(caps, e->index);
	if (!strcmp(key, "RootDirectory"))
		in_the_way = *e->value && strcmp(e->value, "/");
	else
		in_the_way = *e->value && (!list || hides(a, caps, s, e, program));
	if (in_the_way)
		*o = (struct dmem_obstacle){ key, s->file, e->line };
	else if (!list || !*e->value)
		*o = (struct dmem_obstacle){ 0 };
}

static void reset(struct dmem_caps *caps, enum dmem_kind kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < caps->n; i++) {
		if (caps->cap[i].kind != kind)
			caps->cap[kept++] = caps->cap[i];
	}
	caps->n = kept;
}

static int set_cap(struct dmem_arena *a, struct dmem_caps *caps, const char *file,
		   const struct dmem_entry *e)
{
	struct dmem_cap *c;

	/* The later line goes last: another name may be one of the same region. */
	for (size_t i = 0; i < caps->n; i++) {
		c = &caps->cap[i];
		if ((int)c->kind == e->index && !strcmp(c->region, e->region)) {
			memmove(c, c + 1, (--caps->n - i) * sizeof(*c));
			break;
		}
	}
	/* Not dmem_grow(): a reset makes the array shorter than it was. */
	c = dmem_alloc(a, (caps->n + 1) * sizeof(*c));
	if (!c)
		return -ENOMEM;
	if (caps->n)
		memcpy(c, caps->cap, caps->n * sizeof(*c));
	c[caps->n++] = (struct dmem_cap){
		(enum dmem_kind)e->index, e->region, e->value, file, e->line,
	};
	caps->cap = c;
	return 0;
}

int dmem_caps_add(struct dmem_arena *a, struct dmem_caps *caps, const struct dmem_section *s,
		  const char *hidden)
{
	if (s->mistakes && !caps->mistake_file) {
		caps->mistake_file = s->file;
		caps->mistake_line = s->mistake_line;
	}
	if (s->present)
		caps->file = s->file;
	for (size_t i = 0; i < s->n; i++) {
		const struct dmem_entry *e = &s->entry[i];

		if (e->what == STRICT)
			caps->strict = e->yes;
		else if (e->what == OBSTACLE)
			add_obstacle(a, caps, s, e, hidden);
		else if (e->what == RESET)
			reset(caps, (enum dmem_kind)e->index);
		else if (set_cap(a, caps, s->file, e))
			return -ENOMEM;
	}
	return 0;
}

bool dmem_caps_any(const struct dmem_caps *caps)
{
	return caps->n || caps->mistake_file;
}

const struct dmem_obstacle *dmem_caps_obstacle(const struct dmem_caps *caps)
{
	for (int i = 0; i < DMEM_OBSTACLES; i++) {
		if (caps->obstacle[i].key)
			return &caps->obstacle[i];
	}
	return NULL;
}

bool dmem_caps_equal(const struct dmem_caps *x, const struct dmem_caps *y)
{
	if (x->n != y->n || x->strict != y->strict || x->mistake_line != y->mistake_line)
		return false;
	if (!x->mistake_file != !y->mistake_file ||
	    (x->mistake_file && strcmp(x->mistake_file, y->mistake_file)))
		return false;
	for (size_t i = 0; i < x->n; i++) {
		if (x->cap[i].kind != y->cap[i].kind ||
		    strcmp(x->cap[i].region, y->cap[i].region) ||
		    strcmp(x->cap[i].value, y->cap[i].value))
			return false;
	}
	return true;
}
