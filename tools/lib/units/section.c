// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses the section [X-Dmem], and merges the sections of several files. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "dmem/dmem.h"

enum what { LIMIT, RESET, STRICT, PROPAGATE, IN_SLICE, OBSTACLE };

struct dmem_entry {
	enum what what;
	enum dmem_kind kind;
	unsigned int line;
	bool yes;
	const char *region;	/* or the key of an obstacle */
	const char *value;
};

const char * const dmem_limit_keys[DMEM_KINDS] = {
	"DeviceMemoryMax", "DeviceMemoryMin", "DeviceMemoryLow",
};

#define ALL_KEYS	"DeviceMemoryMax=, DeviceMemoryMin=, DeviceMemoryLow=, " DMEM_PROPAGATE_KEY "= or " \
			DMEM_STRICT_KEY "="

struct parse {
	struct dmem_arena *arena;
	struct dmem_section *s;
	dmem_report_fn report;
	void *data;
	bool ours;			/* inside our section */
	bool fatal;			/* systemd stopped at a key of its own */
	/* The line at which systemd stops reading, and the reason. */
	unsigned int stop_line;
	const char *stop, *why;
};

bool dmem_section_hint(const char *text, size_t len)
{
	static const char * const words[] = {
		"[X-", "[x-", "DeviceMem", "mem]", "MEM]", "Dmem", "dmem", "DMEM",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (memmem(text, len, words[i], strlen(words[i])))
			return true;
	}
	return false;
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

/* True if one letter more, less or different turns @a into @b. Ignores case. */
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
	char name[sizeof(DMEM_SECTION) + 1];
	size_t len;

	/* systemd regards blanks in a header as a part of the name. */
	section += strspn(section, " \t");
	for (len = strlen(section); len && strchr(" \t", section[len - 1]); len--)
		;
	/* A misspelt name may have one letter more. */
	if (len >= sizeof(name))
		return false;
	memcpy(name, section, len);
	name[len] = 0;
	return nearly(name, DMEM_SECTION) || !strcasecmp(name, "dmem");
}

static struct dmem_entry *new_entry(struct parse *p, enum what what, enum dmem_kind kind)
{
	struct dmem_section *s = p->s;
	struct dmem_entry *e;

	e = dmem_grow(p->arena, s->entry, s->n, sizeof(*e));
	if (!e)
		return NULL;
	s->entry = e;
	e = &s->entry[s->n++];
	*e = (struct dmem_entry){ .what = what, .kind = kind };
	return e;
}

/* True if the name has only specifiers of the unit's name: these are the same in all releases of
 * systemd, and always have a value. */
static bool specifiers_ok(const char *region)
{
	for (const char *c = strchr(region, '%'); c; c = strchr(c + 2, '%')) {
		if (!c[1] || !strchr("%iIjJnNpP", c[1]))
			return false;
	}
	return true;
}

static int parse_limit(struct parse *p, unsigned int line, enum dmem_kind kind, const char *text)
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
		mistake(p, line, more, "is an unexpected word", "write one region per line");
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
			"write bytes, a number with K, M, G or T (1K, 1KB and 1KiB are 1024 bytes), a percentage of the region, or max");
		return 0;
	}
	e = new_entry(p, LIMIT, kind);
	if (!e)
		return -ENOMEM;
	e->line = line;
	e->region = region;
	e->value = amount;
	return 0;
}

/* @what: STRICT or PROPAGATE. An empty value is the default, no. */
static int parse_switch(struct parse *p, enum what what, unsigned int line, const char *key,
			const char *value)
{
	int yes = *value ? dmem_parse_bool(value) : 0;
	struct dmem_entry *e;
	const char *remedy;

	if (yes < 0) {
		remedy = dmem_printf(p->arena, "write %s=yes or no", key);
		if (!remedy)
			return -ENOMEM;
		mistake(p, line, value, "is neither yes nor no", remedy);
		return 0;
	}
	e = new_entry(p, what, 0);
	if (!e)
		return -ENOMEM;
	e->line = line;
	e->yes = yes;
	if (what == PROPAGATE)
		p->s->propagate_line = line;
	return 0;
}

static int our_key(struct parse *p, unsigned int line, const char *key, const char *value)
{
	if (!value) {
		mistake(p, line, key, "has no '='", "write KEY=VALUE");
		return 0;
	}
	for (int k = 0; k < DMEM_KINDS; k++) {
		if (strcmp(key, dmem_limit_keys[k]))
			continue;
		if (*value)
			return parse_limit(p, line, (enum dmem_kind)k, value);
		return new_entry(p, RESET, (enum dmem_kind)k) ? 0 : -ENOMEM;
	}
	if (!strcmp(key, DMEM_STRICT_KEY))
		return parse_switch(p, STRICT, line, key, value);
	if (!strcmp(key, DMEM_PROPAGATE_KEY))
		return parse_switch(p, PROPAGATE, line, key, value);
	mistake(p, line, key, "is not a key of [" DMEM_SECTION "]", "write " ALL_KEYS);
	return 0;
}

static int service_key(struct parse *p, unsigned int line, const char *key, const char *value)
{
	struct dmem_entry *e;
	bool slice;

	if (!strcmp(key, "ExecCondition") && !*value)
		p->s->clears_line = line;
	p->fatal = p->fatal || dmem_obstacle_ends_file(p->arena, key, value);
	slice = !strcmp(key, "Slice");
	if (p->fatal || !(slice || dmem_obstacle_key(key)))
		return 0;
	e = new_entry(p, slice ? IN_SLICE : OBSTACLE, DMEM_KINDS);
	if (!e)
		return -ENOMEM;
	e->line = line;
	e->region = dmem_strdup(p->arena, key);
	e->value = dmem_strdup(p->arena, value);
	return e->region && e->value ? 0 : -ENOMEM;
}

static int one_line(void *data, unsigned int line, const char *section, const char *key,
		    const char *value)
{
	struct parse *p = data;

	if (!section) {
		p->stop_line = line;
		p->stop = dmem_strdup(p->arena, key);
		p->why = value;
		return p->stop ? 0 : -ENOMEM;
	}
	if (!*section) {
		if (key && !strncmp(key, "DeviceMemory", 12))
			mistake(p, line, key, "comes before any section",
				"write [" DMEM_SECTION "] above it");
		return 0;
	}
	p->ours = !strcmp(section, DMEM_SECTION);
	if (p->ours) {
		if (key)
			return our_key(p, line, key, value);
		if (!p->s->present)
			p->s->line = line;
		p->s->present = true;
		return 0;
	}
	if (!key) {
		if (dmem_section_meant(section))
			mistake(p, line, section, "is an unknown section",
				"write [" DMEM_SECTION "]");
		return 0;
	}
	if (!strcmp(section, "Service") && value)
		return service_key(p, line, key, value);
	/* systemd does not warn of unknown keys in sections "X-...". */
	if (!strncasecmp(section, "X-", 2) && !strncmp(key, "DeviceMemory", 12) &&
	    !dmem_section_meant(section))
		mistake(p, line, key, "is in an unknown section",
			"put it in [" DMEM_SECTION "]");
	return 0;
}

/* True if the text may be about our section, even if it is misspelt. */
static bool is_about_us(const char *text, size_t len)
{
	for (; len; text++, len--) {
		if ((len >= 4 && !strncasecmp(text, "dmem", 4)) ||
		    (len >= 9 && !strncasecmp(text, "devicemem", 9)))
			return true;
	}
	return false;
}

int dmem_section_parse(struct dmem_arena *a, const char *file, const char *text, size_t len,
		       dmem_report_fn report, void *data, struct dmem_section *s)
{
	struct parse p = { .arena = a, .s = s, .report = report, .data = data };
	const char *what;
	bool meant;
	size_t read;
	int ret;

	*s = (struct dmem_section){ .file = file };
	ret = dmem_conf_parse_part(text, len, one_line, &p, &read);
	if (ret || !p.stop)
		return ret;
	meant = is_about_us(p.stop, strlen(p.stop));
	if (meant && *p.stop == '[') {
		mistake(&p, p.stop_line, p.stop, p.why, "write [" DMEM_SECTION "]");
		return 0;
	}
	/* Only report it if a section or key of ours is lost. */
	if (!p.ours && !meant && !is_about_us(text + read, len - read))
		return 0;
	what = dmem_printf(a, "%s, so systemd ignores the rest of the file", p.why);
	if (!what)
		return -ENOMEM;
	mistake(&p, p.stop_line, p.stop, what, "correct this line");
	return 0;
}

static void reset(struct dmem_unit_limits *limits, enum dmem_kind kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < limits->n; i++) {
		if (limits->limit[i].kind != kind)
			limits->limit[kept++] = limits->limit[i];
	}
	limits->n = kept;
}

static int set_limit(struct dmem_arena *a, struct dmem_unit_limits *limits, const char *file,
		     const struct dmem_entry *e)
{
	struct dmem_section_limit *c;

	/* The later line goes to the end: a line with another name may be of the same region. */
	for (size_t i = 0; i < limits->n; i++) {
		c = &limits->limit[i];
		if (c->kind == e->kind && !strcmp(c->region, e->region)) {
			memmove(c, c + 1, (--limits->n - i) * sizeof(*c));
			break;
		}
	}
	/* Not dmem_grow(), since a reset makes the array shorter. */
	c = dmem_alloc(a, (limits->n + 1) * sizeof(*c));
	if (!c)
		return -ENOMEM;
	if (limits->n)
		memcpy(c, limits->limit, limits->n * sizeof(*c));
	c[limits->n++] = (struct dmem_section_limit){
		e->kind, e->region, e->value, file, e->line, false,
	};
	limits->limit = c;
	return 0;
}

/* systemd ignores a name that is not that of a slice, and the slice from before stays. */
static void set_slice(struct dmem_unit_limits *limits, const char *file, const struct dmem_entry *e)
{
	const char *name = e->value;

	if (!strchr(name, '%') && dmem_unit_type(name) != DMEM_SLICE)
		return;
	limits->slice = name;
	limits->slice_file = file;
	limits->slice_line = e->line;
}

static void set_propagate(struct dmem_unit_limits *limits, const char *file, const struct dmem_entry *e)
{
	limits->propagate = e->yes;
	limits->propagate_file = file;
	limits->propagate_line = e->line;
}

int dmem_unit_limits_add(struct dmem_arena *a, struct dmem_unit_limits *limits,
			 const struct dmem_section *s, const char *hidden)
{
	limits->program = hidden;
	if (s->mistakes && !limits->mistake_file) {
		limits->mistake_file = s->file;
		limits->mistake_line = s->mistake_line;
	}
	if (s->present)
		limits->file = s->file;
	for (size_t i = 0; i < s->n; i++) {
		const struct dmem_entry *e = &s->entry[i];

		int ret = 0;

		if (e->what == STRICT)
			limits->strict = e->yes;
		else if (e->what == PROPAGATE)
			set_propagate(limits, s->file, e);
		else if (e->what == IN_SLICE)
			set_slice(limits, s->file, e);
		else if (e->what == OBSTACLE)
			ret = dmem_obstacle_add(a, limits, e->region, e->value, s->file, e->line);
		else if (e->what == RESET)
			reset(limits, e->kind);
		else
			ret = set_limit(a, limits, s->file, e);
		if (ret)
			return -ENOMEM;
	}
	return 0;
}

bool dmem_unit_limits_any(const struct dmem_unit_limits *limits)
{
	return limits->n || limits->mistake_file;
}

bool dmem_unit_limits_equal(const struct dmem_unit_limits *x, const struct dmem_unit_limits *y)
{
	if (x->n != y->n || x->strict != y->strict || x->propagate != y->propagate ||
	    x->mistake_line != y->mistake_line)
		return false;
	if (!x->mistake_file != !y->mistake_file ||
	    (x->mistake_file && strcmp(x->mistake_file, y->mistake_file)))
		return false;
	for (size_t i = 0; i < x->n; i++) {
		if (x->limit[i].kind != y->limit[i].kind ||
		    x->limit[i].sum != y->limit[i].sum || strcmp(x->limit[i].region, y->limit[i].region) ||
		    strcmp(x->limit[i].value, y->limit[i].value))
			return false;
	}
	return true;
}
