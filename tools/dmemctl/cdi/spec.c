// SPDX-License-Identifier: GPL-2.0-or-later
/* Names and text of CDI files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "spec.h"

/* Not isalnum(): the alphabet does not depend on the locale. */
static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool letter_or_digit(char c)
{
	return letter(c) || (c >= '0' && c <= '9');
}

const char *cdi_class(struct dmem_arena *a, const char *name)
{
	char *class;
	size_t len;

	while (*name && !letter_or_digit(*name))
		name++;
	class = dmem_printf(a, "%s%s", letter(*name) ? "" : "dmem-", name);
	if (!class || !*name)
		return NULL;
	for (char *c = class; *c; c++) {
		if (!letter_or_digit(*c) && *c != '_' && *c != '-')
			*c = '-';
	}
	for (len = strlen(class); len && !letter_or_digit(class[len - 1]); len--)
		class[len - 1] = 0;
	return len && len <= CDI_CLASS_LEN ? class : NULL;
}

const char *cdi_size_problem(const char *size)
{
	struct dmem_value v;

	if (dmem_parse_value(size, &v))
		return "is no size: write bytes, a number with K, M, G or T, or max";
	/* "%" is not in the alphabet of names. */
	if (v.percent)
		return "is a percentage, which CDI has no name for: write the size";
	return NULL;
}

const char *cdi_size_name(struct dmem_arena *a, uint64_t bytes)
{
	static const char units[] = "KMGT";
	size_t unit = 0;

	if (bytes == DMEM_NO_LIMIT)
		return "max";
	while (unit < sizeof(units) - 1 && bytes && !(bytes % 1024)) {
		bytes /= 1024;
		unit++;
	}
	return dmem_printf(a, "%llu%.1s", (unsigned long long)bytes, unit ? &units[unit - 1] : "");
}

bool cdi_clash(const struct cdi_kind *kind, size_t n, size_t *first, size_t *second)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(kind[i].class, kind[j].class))
				continue;
			*first = j;
			*second = i;
			return true;
		}
	}
	return false;
}

/* A text in quotes, which the caller frees. NULL: out of memory. */
static char *quoted(const char *s)
{
	char *array = json_array(&s, 1);

	if (!array)
		return NULL;
	array[strlen(array) - 1] = 0;
	memmove(array, array + 1, strlen(array));
	return array;
}

/* The path of the heap's node. NULL: out of memory. */
static const char *node_path(struct dmem_arena *a, const struct cdi_kind *k)
{
	return dmem_printf(a, "/dev/dma_heap/%s", k->name);
}

int cdi_is_of_other(const char *text, const struct cdi_kind *k)
{
	struct dmem_arena a = { 0 };
	const char *class = dmem_printf(&a, "\"" CDI_VENDOR "/%s\"", k->class);
	const char *own = k->heap ? node_path(&a, k) : dmem_printf(&a, "--max=%s=", k->region);
	char *mark = own ? quoted(own) : NULL;
	int ret = -ENOMEM;

	if (class && mark) {
		/* A size follows the region. */
		if (!k->heap)
			mark[strlen(mark) - 1] = 0;
		ret = strstr(text, class) && !strstr(text, mark);
	}
	free(mark);
	dmem_arena_free(&a);
	return ret;
}

static int print_node(FILE *f, const struct cdi_kind *k, struct dmem_arena *a)
{
	const char *path = node_path(a, k);
	char *text = path ? quoted(path) : NULL;

	if (!text)
		return -ENOMEM;
	/* Without numbers: the reader takes those of the node, which change from boot to boot. */
	fprintf(f, "        \"deviceNodes\": [\n"
		"          { \"path\": %s, \"permissions\": \"rw\" }\n"
		"        ],\n", text);
	free(text);
	return 0;
}

static int print_hook(FILE *f, const struct cdi_kind *k, const char *size, const struct cdi_hook *hook,
		      struct dmem_arena *a)
{
	const char *limit = dmem_printf(a, "--max=%s=%s", k->region, size);
	const char *args[] = { "dmem-hook", limit, "--strict" };
	char *path = quoted(hook->path), *array = limit ? json_array(args, hook->strict ? 3 : 2) : NULL;
	int ret = path && array ? 0 : -ENOMEM;

	if (!ret)
		fprintf(f, "        \"hooks\": [\n"
			"          { \"hookName\": \"createRuntime\", \"path\": %s,\n"
			"            \"args\": %s }\n"
			"        ]\n", path, array);
	free(path);
	free(array);
	return ret;
}

static int print_device(FILE *f, const struct cdi_kind *k, const char *size, const struct cdi_hook *hook,
			struct dmem_arena *a)
{
	int ret = 0;

	fprintf(f, "    {\n"
		"      \"name\": \"%s\",\n"
		"      \"containerEdits\": {\n", size);
	if (k->heap)
		ret = print_node(f, k, a);
	if (!ret)
		ret = print_hook(f, k, size, hook, a);
	fprintf(f, "      }\n"
		"    }");
	return ret;
}

int cdi_print(FILE *f, const struct cdi_kind *k, const struct cdi_hook *hook)
{
	struct dmem_arena a = { 0 };
	int ret = 0;

	fprintf(f, "{\n"
		"  \"cdiVersion\": \"0.5.0\",\n"
		"  \"kind\": \"" CDI_VENDOR "/%s\",\n"
		"  \"devices\": [\n", k->class);
	for (size_t i = 0; i < k->n && !ret; i++) {
		ret = print_device(f, k, k->size[i], hook, &a);
		fprintf(f, "%s\n", i + 1 < k->n ? "," : "");
	}
	fprintf(f, "  ]\n"
		"}\n");
	dmem_arena_free(&a);
	return ret;
}
