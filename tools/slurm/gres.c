// SPDX-License-Identifier: GPL-2.0-or-later
/* Arguments of the plugin, and Slurm's text of an allocation. */
#include <errno.h>
#include <string.h>

#include "gres.h"

static const char no_memory[] = "out of memory";

/* The characters that end a name in Slurm's own texts. */
static bool is_gres(const char *name)
{
	return *name && *name != '-' && !name[strcspn(name, ":,=( \t")];
}

/* NULL, or the problem. */
static const char *parse_unit(const char *text, uint64_t *unit)
{
	struct dmem_value v;

	if (dmem_parse_value(text, &v) || v.percent || !v.n || v.n == DMEM_NO_LIMIT)
		return "the unit is no size: write bytes, or a number with K, M or G";
	*unit = v.n;
	return NULL;
}

static const char *parse_map(struct dmem_arena *a, const char *word, struct slurm_conf *c)
{
	const char *eq = strchr(word, '='), *problem;
	struct slurm_map *all, *m;
	char *name, *unit;

	if (!eq)
		return "write GRES=REGION or GRES:UNIT=REGION";
	all = dmem_grow(a, c->map, c->n, sizeof(*all));
	name = dmem_strndup(a, word, (size_t)(eq - word));
	if (!all || !name)
		return no_memory;
	c->map = all;
	m = &all[c->n];
	*m = (struct slurm_map){
		.gres = name, .unit = 1, .limit = { .kind = DMEM_MAX, .region = eq + 1, .text = word },
	};
	unit = strchr(name, ':');
	if (unit) {
		*unit++ = 0;
		problem = parse_unit(unit, &m->unit);
		if (problem)
			return problem;
	}
	if (!is_gres(name))
		return "not the name of a GRES";
	if (dmem_region_problem(m->limit.region))
		return "not the name of a region";
	for (size_t i = 0; i < c->n; i++) {
		if (!strcmp(all[i].gres, name))
			return "this GRES has a region already";
		if (!strcmp(all[i].limit.region, m->limit.region))
			return "this region has a GRES already";
	}
	c->n++;
	return NULL;
}

/* The value of the option, or NULL: @word is another one. */
static const char *value_of(const char *word, const char *option)
{
	size_t len = strlen(option);

	return strncmp(word, option, len) ? NULL : word + len;
}

static const char *parse_option(const char *word, struct slurm_conf *c)
{
	const char *v;

	v = value_of(word, "--unlisted=");
	if (v) {
		c->unlisted = !strcmp(v, "none");
		return c->unlisted || !strcmp(v, "0") ? NULL : "write 0 or none";
	}
	/* The others are for tests. */
	v = value_of(word, "--cgroup-root=");
	if (v) {
		c->cgroup_root = v;
		c->fake = true;
		return NULL;
	}
	v = value_of(word, "--proc=");
	if (v) {
		c->proc = v;
		return NULL;
	}
	v = value_of(word, "--heaps=");
	if (v) {
		c->heaps = v;
		return NULL;
	}
	return "unknown option";
}

const char *slurm_conf_parse(struct dmem_arena *a, int argc, char **argv, struct slurm_conf *c,
			     const char **word)
{
	*c = (struct slurm_conf){
		.cgroup_root = "/sys/fs/cgroup", .proc = "/proc", .heaps = "/sys/class/dma_heap",
	};
	for (int i = 0; i < argc; i++) {
		const char *problem = strncmp(argv[i], "--", 2) ? parse_map(a, argv[i], c) :
								  parse_option(argv[i], c);

		*word = argv[i];
		if (problem)
			return problem;
	}
	*word = NULL;
	/* A plugin that limits nothing is a mistake, and not a policy. */
	return c->n ? NULL : "there is no GRES: write GRES=REGION in plugstack.conf";
}

/* Parses the digits before @end. 0, -EINVAL or -ERANGE. */
static int number(const char *s, const char *end, uint64_t *n)
{
	*n = 0;
	if (s == end)
		return -EINVAL;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(*s - '0'), n))
			return -ERANGE;
	}
	return 0;
}

/* The last character @c in the text before @end, or NULL. */
static const char *last(const char *s, const char *end, char c)
{
	return memrchr(s, c, (size_t)(end - s));
}

/* The count in "NAME(CNT:8)", "NAME:TYPE(CNT:8)", "NAME:2(IDX:0-1)" or "NAME:TYPE:2(...)", without
 * the bracket at its end. */
static int item_count(const char *s, const char *end, uint64_t *n)
{
	static const char cnt[] = "(CNT:";
	const char *open = memchr(s, '(', (size_t)(end - s)), *colon;

	if (open && !strncmp(open, cnt, sizeof(cnt) - 1))
		return number(open + sizeof(cnt) - 1, end, n);
	colon = last(s, open ? open : end, ':');
	return colon ? number(colon + 1, open ? open : end, n) : -EINVAL;
}

/* The end of the item: a comma that is not in brackets, or the end of the text. NULL: a bracket is
 * not closed, or the item goes on after it. */
static const char *item_end(const char *s)
{
	const char *p = s + strcspn(s, ",(");

	if (*p != '(')
		return p;
	p = strchr(p, ')');
	return p && (!p[1] || p[1] == ',') ? p + 1 : NULL;
}

int slurm_gres_count(const char *text, const char *gres, uint64_t *count)
{
	size_t len = strlen(gres);

	*count = 0;
	if (!text || !*text)
		return 0;
	for (;;) {
		const char *end = item_end(text);
		uint64_t n;
		int ret;

		if (!end || end == text)
			return -EINVAL;
		if (!strncmp(text, gres, len) && (text[len] == ':' || text[len] == '(')) {
			ret = item_count(text, end[-1] == ')' ? end - 1 : end, &n);
			if (ret)
				return ret;
			if (__builtin_add_overflow(*count, n, count))
				return -ERANGE;
		}
		if (!*end)
			return 0;
		text = end + 1;
	}
}

/* True if the name at @s is this one, and ends with one of @ends. */
static bool is_named(const char *s, const char *name, const char *ends)
{
	size_t len = strcspn(s, ends);

	return len == strlen(name) && !memcmp(s, name, len);
}

bool slurm_gres_asked(const char *request, const char *gres)
{
	for (const char *s = request; s && *s; s += strspn(s, ",;")) {
		/* Releases differ in the character. */
		if (!strncmp(s, "gres:", 5) || !strncmp(s, "gres/", 5))
			s += 5;
		if (is_named(s, gres, ":=,;"))
			return true;
		s += strcspn(s, ",;");
	}
	return false;
}

bool slurm_gres_listed(const char *names, const char *gres)
{
	for (const char *s = names; s && *s; s += strspn(s, ", ")) {
		if (is_named(s, gres, ", "))
			return true;
		s += strcspn(s, ", ");
	}
	return false;
}

int slurm_node_place(const int32_t *ranges, int node)
{
	int place = 0;

	if (!ranges || node < 0)
		return -1;
	for (; ranges[0] >= 0 && ranges[1] >= ranges[0]; ranges += 2) {
		if (node >= ranges[0] && node <= ranges[1])
			return place + node - ranges[0];
		place += ranges[1] - ranges[0] + 1;
	}
	return -1;
}

int slurm_gres_bytes(const struct slurm_map *m, uint64_t count, uint64_t *bytes)
{
	/* The largest number means "no limit". */
	if (__builtin_mul_overflow(m->unit, count, bytes) || *bytes == DMEM_NO_LIMIT)
		return -ERANGE;
	return 0;
}
