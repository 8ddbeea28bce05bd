// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of units. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dmem.h"

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

		/* The escapes of systemd, such as that of "-", are a part of the name. */
		if (byte && (byte <= ' ' || byte > '~')) {
			*p++ = (char)byte;
			s += 4;
		} else {
			*p++ = *s++;
		}
	}
	return buf;
}

char *dmem_slice_path(struct dmem_arena *a, const char *slice)
{
	size_t len = strlen(slice), n = 0;
	const char *end;
	char *path;

	if (dmem_unit_type(slice) != DMEM_SLICE || strchr(slice, '@'))
		return NULL;
	if (!strcmp(slice, "-.slice"))
		return dmem_strdup(a, "");
	end = strrchr(slice, '.');
	/* A part of the name must not be empty: that slice would have no parent. */
	if (*slice == '-' || end[-1] == '-' || strstr(slice, "--"))
		return NULL;
	path = dmem_alloc(a, (len + 8) * (len / 2 + 1));
	if (!path)
		return NULL;
	for (const char *p = slice; p < end; p++) {
		if (*p == '-')
			n += (size_t)sprintf(path + n, "%.*s.slice/", (int)(p - slice), slice);
	}
	strcpy(path + n, slice);
	return path;
}
