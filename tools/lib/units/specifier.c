// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces the specifiers that a section may have, see systemd.unit(5). */
#include <string.h>

#include "dmem/dmem.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reverses systemd-escape. */
static char *unescape(struct dmem_arena *a, const char *s, size_t len)
{
	char *buf = dmem_alloc(a, len + 1), *p = buf;

	for (size_t i = 0; buf && i < len; i++) {
		if (s[i] == '-') {
			*p++ = '/';
		} else if (i + 3 < len && s[i] == '\\' && s[i + 1] == 'x' &&
			   hex(s[i + 2]) >= 0 && hex(s[i + 3]) >= 0) {
			*p++ = (char)(hex(s[i + 2]) << 4 | hex(s[i + 3]));
			i += 3;
		} else {
			*p++ = s[i];
		}
	}
	return buf;
}

/* The value of one specifier of a unit's name. NULL: unknown specifier, or out of memory. */
static char *specifier(struct dmem_arena *a, const char *unit, char letter)
{
	const char *instance = dmem_unit_instance(unit), *dot = strrchr(unit, '.'), *part;
	size_t prefix = (size_t)((instance ? instance - 1 : dot) - unit), len;

	switch (letter) {
	case '%':
		return dmem_strdup(a, "%");
	case 'n':
		return dmem_strdup(a, unit);
	case 'N':
		return dmem_strndup(a, unit, (size_t)(dot - unit));
	case 'i':
	case 'I':
		part = instance ? instance : dot;
		len = (size_t)(dot - part);
		break;
	case 'p':
	case 'P':
		part = unit;
		len = prefix;
		break;
	case 'j':
	case 'J':
		part = memrchr(unit, '-', prefix);
		part = part ? part + 1 : unit;
		len = (size_t)(unit + prefix - part);
		break;
	default:
		return NULL;
	}
	if (letter == 'I' || letter == 'P' || letter == 'J')
		return unescape(a, part, len);
	return dmem_strndup(a, part, len);
}

char *dmem_expand(struct dmem_arena *a, const char *unit, const char *text)
{
	char *s = dmem_strdup(a, "");

	while (s && *text) {
		size_t len = strcspn(text, "%");
		const char *value = "";

		if (text[len] == '%')
			value = specifier(a, unit, text[len + 1]);
		if (!value)
			return NULL;
		s = dmem_printf(a, "%s%.*s%s", s, (int)len, text, value);
		text += len + (text[len] ? 2 : 0);
	}
	return s;
}
