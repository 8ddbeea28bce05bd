// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of units and slices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dmem/dmem.h"

#define NAME_LEN	255

const char * const dmem_type_names[DMEM_TYPES] = {
	"service", "slice", "socket", "mount", "swap", "scope",
	"target", "timer", "path", "device", "automount",
};

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int dmem_unit_type(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *at = strchr(name, '@');

	if (!dot || dot == name || strlen(name) > NAME_LEN || at == name)
		return -EINVAL;
	for (const char *p = name; p < dot; p++) {
		if (!is_alnum(*p) && !strchr(":-_.\\@", *p))
			return -EINVAL;
	}
	for (int t = 0; t < DMEM_TYPES; t++) {
		if (!strcmp(dot + 1, dmem_type_names[t]))
			return t;
	}
	return -EINVAL;
}

const char *dmem_unit_instance(const char *name)
{
	const char *at = strchr(name, '@');

	return at ? at + 1 : NULL;
}

bool dmem_unit_is_template(const char *name)
{
	const char *i = dmem_unit_instance(name);

	return i && i == strrchr(name, '.');
}

bool dmem_unit_is_instance(const char *name)
{
	const char *i = dmem_unit_instance(name);

	return i && i != strrchr(name, '.');
}

char *dmem_unit_with_instance(struct dmem_arena *a, const char *name, const char *instance,
			      size_t len)
{
	const char *i = dmem_unit_instance(name);

	if (!i)
		return NULL;
	return dmem_printf(a, "%.*s%.*s%s", (int)(i - name), name, (int)len, instance,
			   strrchr(name, '.'));
}

char *dmem_escape(struct dmem_arena *a, const char *s)
{
	char *buf = dmem_alloc(a, 4 * strlen(s) + 1), *p = buf;

	if (!buf)
		return NULL;
	for (const char *c = s; *c; c++) {
		if (*c == '/')
			*p++ = '-';
		else if (is_alnum(*c) || *c == ':' || *c == '_' || (*c == '.' && c != s))
			*p++ = *c;
		else
			p += sprintf(p, "\\x%02x", (unsigned char)*c);
	}
	return buf;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *dmem_name_decode(struct dmem_arena *a, const char *s)
{
	char *buf = dmem_alloc(a, strlen(s) + 1), *p = buf;

	while (buf && *s) {
		int high = s[0] == '\\' && s[1] == 'x' ? hex_digit(s[2]) : -1;
		int low = high >= 0 ? hex_digit(s[3]) : -1;
		int byte = low >= 0 ? high << 4 | low : 0;

		/* systemd's own escapes, such as that of "-", are part of the name. */
		if (byte && (byte <= ' ' || byte > '~')) {
			*p++ = (char)byte;
			s += 4;
		} else {
			*p++ = *s++;
		}
	}
	return buf;
}

/* The rest of @name from the dot on, if it starts with the name of a controller, or NULL. */
static const char *after_controller(const char *name, const char * const *controller, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(controller[i]);

		if (!strncmp(name, controller[i], len) && name[len] == '.')
			return name + len;
	}
	return NULL;
}

/* systemd puts a "_" before names that the kernel may use for files. Releases differ: they include
 * controllers of cgroup v1, newer ones know more controllers, and until 252 they did not escape
 * names of three parts. */
static enum { PLAIN, ESCAPED, EITHER } escaping(const char *name)
{
	static const char * const now[] = {
		"cpu", "cpuset", "io", "memory", "pids", "bpf-firewall", "bpf-devices", "bpf-foreign",
		"bpf-socket-bind", "bpf-restrict-network-interfaces",
	};
	static const char * const not_always[] = {
		"cpuacct", "blkio", "devices", "bpf-bind-network-interface",
	};
	const char *after;

	if (*name == '_' || *name == '.' || !strncmp(name, "cgroup.", 7))
		return ESCAPED;
	after = after_controller(name, now, sizeof(now) / sizeof(*now));
	if (after)
		return strchr(after + 1, '.') ? EITHER : ESCAPED;
	return after_controller(name, not_always, sizeof(not_always) / sizeof(*not_always)) ? EITHER : PLAIN;
}

/* "a.slice/a-b.slice" for "a-b.slice". @escape: also escape names of EITHER. */
static char *slice_path(struct dmem_arena *a, const char *slice, bool escape)
{
	size_t len = strlen(slice), n = 0;
	const char *end = strrchr(slice, '.');
	char *path = dmem_alloc(a, (len + 9) * (len / 2 + 1)), *name;

	for (const char *p = slice; path && p <= end; p++) {
		if (*p != '-' && p != end)
			continue;
		name = dmem_printf(a, "%.*s.slice", (int)(p - slice), slice);
		if (!name)
			return NULL;
		n += (size_t)sprintf(path + n, "%s%s%s", n ? "/" : "",
				     escaping(name) == ESCAPED || (escape && escaping(name) == EITHER) ? "_" : "",
				     name);
	}
	return path;
}

char *dmem_slice_path(struct dmem_arena *a, const char *slice, char **other)
{
	const char *end = strrchr(slice, '.');
	char *path;

	*other = NULL;
	if (dmem_unit_type(slice) != DMEM_SLICE || strchr(slice, '@'))
		return NULL;
	if (!strcmp(slice, "-.slice"))
		return dmem_strdup(a, "");
	/* An empty part is invalid: the parent slice would have no name. */
	if (*slice == '-' || end[-1] == '-' || strstr(slice, "--"))
		return NULL;
	path = slice_path(a, slice, true);
	*other = path ? slice_path(a, slice, false) : NULL;
	if (!*other)
		return NULL;
	if (!strcmp(path, *other))
		*other = NULL;
	return path;
}
