// SPDX-License-Identifier: GPL-2.0-or-later
/* Chooses the limits of a container. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dmem/look.h"
#include "policy.h"

#define SECTION		"Hook"
/* Of all sources together: more regions than any machine has. */
#define MAX_ASKS	256

static const char no_memory[] = "out of memory";
static const char too_many[] = "has too many regions";

static const char * const rule_keys[HOOK_RULE_KINDS] = {
	"DeviceMemoryMax", "DeviceMemoryMaxCeiling", "DeviceMemoryMinCeiling",
};

struct parse {
	struct dmem_arena *arena;
	struct hook_policy *policy;
	const char *problem;
	bool section;
};

/* Ends the parser. */
static int mistake(struct parse *p, unsigned int line, const char *word, const char *what)
{
	p->problem = dmem_printf(p->arena, "line %u: '%s' %s", line, word, what);
	if (!p->problem)
		p->problem = no_memory;
	return -EINVAL;
}

/* Splits "REGION SIZE" in place. NULL, or the problem. */
static const char *region_and_size(char *text, char **region, char **size)
{
	int err = 0, err2 = 0, err3 = 0;

	*region = dmem_conf_word(&text, &err);
	*size = *region && !err ? dmem_conf_word(&text, &err2) : NULL;
	if (err || err2 || !*size || dmem_conf_word(&text, &err3) || err3)
		return "is not REGION SIZE";
	return NULL;
}

static const char *limit_of(struct dmem_arena *a, enum dmem_kind kind, const char *text,
			    struct dmem_limit *l)
{
	char *copy = dmem_strdup(a, text), *region, *size;
	const char *problem;

	if (!copy)
		return no_memory;
	problem = region_and_size(copy, &region, &size);
	if (problem)
		return problem;
	if (dmem_region_problem(region))
		return dmem_region_problem(region);
	*l = (struct dmem_limit){ .kind = kind, .region = region };
	l->text = dmem_strdup(a, text);
	if (!l->text)
		return no_memory;
	return dmem_parse_value(size, &l->value) ? "has an invalid size" : NULL;
}

static int add_rule(struct parse *p, unsigned int line, enum hook_rule_kind kind, const char *value)
{
	struct hook_rule *all = dmem_grow(p->arena, p->policy->rule, p->policy->n, sizeof(*all));
	const char *problem;

	if (!all)
		return mistake(p, line, value, no_memory);
	p->policy->rule = all;
	all[p->policy->n] = (struct hook_rule){ .kind = kind };
	problem = limit_of(p->arena, kind == HOOK_MIN_CEILING ? DMEM_MIN : DMEM_MAX, value,
			   &all[p->policy->n].limit);
	if (problem)
		return mistake(p, line, value, problem);
	p->policy->n++;
	return 0;
}

static int one_line(void *data, unsigned int line, const char *section, const char *key,
		    const char *value)
{
	struct parse *p = data;
	int yes;

	if (!section || (key && !value))
		return mistake(p, line, key, "cannot be read: write KEY=VALUE");
	if (strcmp(section, SECTION))
		return mistake(p, line, *section ? section : key, "is not in section [" SECTION "]");
	p->section = true;
	if (!key)
		return 0;
	for (int k = 0; k < HOOK_RULE_KINDS; k++) {
		if (!strcmp(key, rule_keys[k]))
			return add_rule(p, line, (enum hook_rule_kind)k, value);
	}
	if (strcmp(key, "DeviceMemoryStrict"))
		return mistake(p, line, key, "is unknown: write DeviceMemoryMax=, DeviceMemoryMaxCeiling=, "
			       "DeviceMemoryMinCeiling= or DeviceMemoryStrict=");
	yes = dmem_parse_bool(value);
	if (yes < 0)
		return mistake(p, line, value, "is neither yes nor no");
	p->policy->strict = yes;
	return 0;
}

const char *hook_policy_parse(struct dmem_arena *a, const char *text, size_t len,
			      struct hook_policy *policy)
{
	struct parse p = { .arena = a, .policy = policy };

	*policy = (struct hook_policy){ 0 };
	if (memchr(text, 0, len))
		return "the file has a zero byte";
	if (dmem_conf_parse(text, len, one_line, &p) && !p.problem)
		return no_memory;
	/* An editor or a full disk leaves an empty file, which must not lift the ceilings. */
	if (!p.problem && !p.section)
		return "the file has no section [" SECTION "]";
	return p.problem;
}

static const char *one_ask(struct dmem_arena *a, enum dmem_kind kind, const char *text, size_t len,
			   struct hook_asks *asks)
{
	char *copy = dmem_strndup(a, text, len);
	struct hook_ask *all;
	const char *problem;

	if (!copy)
		return no_memory;
	if (!copy[strspn(copy, " \t\n")])
		return NULL;
	if (asks->n >= MAX_ASKS)
		return too_many;
	all = dmem_grow(a, asks->ask, asks->n, sizeof(*all));
	if (!all)
		return no_memory;
	asks->ask = all;
	all[asks->n] = (struct hook_ask){ .root = false };
	for (char *c = copy; *c; c++) {
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	}
	problem = limit_of(a, kind, copy, &all[asks->n].limit);
	if (!problem)
		asks->n++;
	return problem;
}

const char *hook_asks_parse(struct dmem_arena *a, enum dmem_kind kind, const char *value,
			    struct hook_asks *asks)
{
	size_t before = asks->n;
	const char *problem;

	for (;;) {
		size_t len = strcspn(value, ";");

		problem = one_ask(a, kind, value, len, asks);
		if (problem)
			asks->n = before;
		if (problem || !value[len])
			return problem;
		value += len + 1;
	}
}

const struct hook_annotation *hook_annotation_own(const struct hook_state *s, enum dmem_kind kind)
{
	const char *name = dmem_kind_names[kind], *rest;

	for (size_t i = 0; s->container && i < s->n; i++) {
		const char *key = s->annotation[i].key + strlen(HOOK_PREFIX);

		if (strncmp(key, name, strlen(name)))
			continue;
		rest = key + strlen(name);
		if (!strncmp(rest, ".container.", 11) && !strcmp(rest + 11, s->container))
			return &s->annotation[i];
	}
	return NULL;
}

size_t hook_annotations_counting(const struct hook_state *s, enum dmem_kind kind,
				 const struct hook_annotation *of[HOOK_MAX_COUNTING])
{
	const struct hook_annotation *own = hook_annotation_own(s, kind);
	const struct hook_annotation *all = hook_state_find(s, dmem_kind_names[kind]);
	size_t n = 0;

	/* An image may add the one of the container, which must not lift the user's limit. */
	if (all && (kind == DMEM_MAX || !own))
		of[n++] = all;
	if (own)
		of[n++] = own;
	return n;
}

const char *hook_asks_argument(struct dmem_arena *a, enum dmem_kind kind, const char *arg,
			       struct hook_asks *asks)
{
	struct hook_ask *all;
	enum dmem_status s;

	if (asks->n >= MAX_ASKS)
		return too_many;
	all = dmem_grow(a, asks->ask, asks->n, sizeof(*all));
	if (!all)
		return no_memory;
	asks->ask = all;
	all[asks->n] = (struct hook_ask){ .root = true };
	s = dmem_limit_parse(a, kind, arg, &all[asks->n].limit);
	if (s != DMEM_OK)
		return s == DMEM_USAGE ? "write REGION=SIZE" : dmem_status_text(s);
	asks->n++;
	return NULL;
}

static bool is_known(const char *name)
{
	for (int kind = DMEM_MAX; kind <= DMEM_MIN; kind++) {
		size_t len = strlen(dmem_kind_names[kind]);

		if (!strncmp(name, dmem_kind_names[kind], len) &&
		    (!name[len] || !strncmp(name + len, ".container.", 11)))
			return true;
	}
	return !strcmp(name, "strict");
}

const struct hook_annotation *hook_annotation_unknown(const struct hook_state *s, size_t *n)
{
	const struct hook_annotation *first = NULL;

	*n = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (is_known(s->annotation[i].key + strlen(HOOK_PREFIX)))
			continue;
		if (!first)
			first = &s->annotation[i];
		++*n;
	}
	return first;
}

/* The rule for a region, or NULL. One for its name is stronger than "*"; the last one counts. */
static const struct hook_rule *rule_for(const struct hook_policy *p, enum hook_rule_kind kind,
					const char *region)
{
	const struct hook_rule *own = NULL, *other = NULL;

	for (size_t i = 0; i < p->n; i++) {
		const struct hook_rule *r = &p->rule[i];

		if (r->kind != kind)
			continue;
		if (!strcmp(r->limit.region, "*"))
			other = r;
		else if (r->region && !strcmp(r->region, region))
			own = r;
	}
	return own ? own : other;
}

static uint64_t bytes(const struct dmem_limit *l, uint64_t capacity)
{
	return dmem_resolve_value(&l->value, capacity == DMEM_UNKNOWN ? 0 : capacity);
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* True if a limit asks for the region. Of root's arguments, the last one counts. Of the limits in
 * annotations, the lowest: the image may have added one. */
static bool asked(const struct hook_asks *asks, enum dmem_kind kind, const char *region, bool root,
		  uint64_t capacity, uint64_t *value)
{
	bool found = false;

	for (size_t i = 0; i < asks->n; i++) {
		const struct hook_ask *k = &asks->ask[i];
		uint64_t n;

		if (k->root != root || k->limit.kind != kind || !k->region || strcmp(k->region, region))
			continue;
		n = bytes(&k->limit, capacity);
		*value = found && !root && kind == DMEM_MAX ? lower(n, *value) : n;
		found = true;
	}
	return found;
}

/* The limit that the policy gives to a container that asks for none: not more than to one that
 * asks. */
static uint64_t unasked(const struct hook_policy *p, const char *region, uint64_t capacity,
			uint64_t most)
{
	const struct hook_rule *rule = rule_for(p, HOOK_DEFAULT, region);

	return lower(rule ? bytes(&rule->limit, capacity) : DMEM_NO_LIMIT, most);
}

static enum hook_rule_kind ceiling_of(enum dmem_kind kind)
{
	return kind == DMEM_MAX ? HOOK_CEILING : HOOK_MIN_CEILING;
}

struct hook_choice hook_choose(const struct hook_policy *p, const struct hook_asks *asks,
			       enum dmem_kind kind, const char *region, uint64_t capacity)
{
	const struct hook_rule *top = rule_for(p, ceiling_of(kind), region);
	struct hook_choice c = { .source = HOOK_NOBODY, .most = DMEM_NO_LIMIT, .unasked = DMEM_NO_LIMIT };
	uint64_t wish;
	bool user = asked(asks, kind, region, false, capacity, &wish);

	if (top)
		c.most = bytes(&top->limit, capacity);
	if (kind == DMEM_MAX && !user)
		c.unasked = unasked(p, region, capacity, c.most);
	if (asked(asks, kind, region, true, capacity, &c.value)) {
		c.source = HOOK_ARGUMENT;
		c.asked = c.value;
		return c;
	}
	if (user) {
		c.source = HOOK_ANNOTATION;
		c.asked = wish;
		/* A reservation takes memory from all others, so that it needs a ceiling. */
		c.value = kind == DMEM_MIN && !top ? 0 : lower(wish, c.most);
		return c;
	}
	if (kind != DMEM_MAX)
		return c;
	c.value = c.asked = c.unasked;
	if (c.value != DMEM_NO_LIMIT)
		c.source = HOOK_POLICY;
	return c;
}

/* True if another hook of this container, which has no argument, may have set the limit. The kernel
 * rounds it to pages. */
static bool is_of_policy(const struct hook_choice *c, uint64_t now)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return now != DMEM_NO_LIMIT && (now == c->unasked || now == c->unasked - c->unasked % page);
}

static uint64_t new_max(const struct hook_choice *c, uint64_t now)
{
	switch (c->source) {
	case HOOK_ARGUMENT:
		return is_of_policy(c, now) ? lower(c->value, c->most) : lower(c->value, now);
	case HOOK_ANNOTATION:
		return lower(c->value, now);
	case HOOK_POLICY:
		return now == DMEM_NO_LIMIT ? c->value : lower(now, c->most);
	default:
		return now;
	}
}

static uint64_t new_min(const struct hook_choice *c, uint64_t now)
{
	if (c->source == HOOK_ARGUMENT)
		return c->value;
	return c->source == HOOK_ANNOTATION && !now ? c->value : lower(now, c->most);
}

uint64_t hook_new_value(const struct hook_choice *c, enum dmem_kind kind, uint64_t now)
{
	return kind == DMEM_MAX ? new_max(c, now) : new_min(c, now);
}

bool hook_lowers(const struct hook_choice *c, uint64_t now, uint64_t value)
{
	if (c->source == HOOK_ARGUMENT || now == DMEM_NO_LIMIT || now <= c->most)
		return false;
	return value == c->most && (c->source != HOOK_ANNOTATION || value != c->value);
}

bool hook_policy_binds(const struct hook_policy *p)
{
	return p->strict || p->n;
}

bool hook_policy_limits(const struct hook_policy *p, enum dmem_kind kind, const char *region)
{
	return rule_for(p, ceiling_of(kind), region) ||
	       (kind == DMEM_MAX && rule_for(p, HOOK_DEFAULT, region));
}
