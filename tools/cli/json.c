// SPDX-License-Identifier: GPL-2.0-or-later
/* Text for JSON, which is UTF-8 whatever a file's name is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

/* In UTF-8. */
#define REPLACEMENT	"\xef\xbf\xbd"

/* How many bytes the character takes, or 0: it is none. */
static size_t utf8_len(const unsigned char *s)
{
	size_t len;

	if (*s < 0x80)
		return 1;
	if (*s >= 0xc2 && *s < 0xe0)
		len = 2;
	else if (*s >= 0xe0 && *s < 0xf0)
		len = 3;
	else if (*s >= 0xf0 && *s < 0xf5)
		len = 4;
	else
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Longer than need be, halves of UTF-16's pairs, and what is beyond Unicode. */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] >= 0xa0) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] >= 0x90))
		return 0;
	return len;
}

/* Appends the text as valid UTF-8, at most three bytes for one. Returns the end. */
static char *put_utf8(char *out, const char *s)
{
	while (*s) {
		size_t len = utf8_len((const unsigned char *)s);

		if (len) {
			memcpy(out, s, len);
			out += len;
			s += len;
		} else {
			memcpy(out, REPLACEMENT, 3);
			out += 3;
			s++;
		}
	}
	*out = 0;
	return out;
}

char *json_utf8(const char *s)
{
	char *copy = malloc(3 * strlen(s) + 1);

	if (copy)
		put_utf8(copy, s);
	return copy;
}

/* At most six bytes for one, and the quotes. */
static char *put_quoted(char *out, const char *valid)
{
	*out++ = '"';
	for (; *valid; valid++) {
		unsigned char c = (unsigned char)*valid;

		if (c == '"' || c == '\\')
			*out++ = '\\';
		if (c < 0x20 || c == 0x7f)
			out += sprintf(out, "\\u%04x", c);
		else
			*out++ = (char)c;
	}
	*out++ = '"';
	return out;
}

char *json_array(const char * const *words, size_t n)
{
	size_t size = sizeof("[]");
	char *all, *out;

	for (size_t i = 0; i < n; i++)
		size += 6 * strlen(words[i]) + sizeof("\"\",");
	all = out = malloc(size);
	if (!all)
		return NULL;
	*out++ = '[';
	for (size_t i = 0; i < n; i++) {
		char *valid = json_utf8(words[i]);

		if (!valid) {
			free(all);
			return NULL;
		}
		if (i)
			*out++ = ',';
		out = put_quoted(out, valid);
		free(valid);
	}
	*out++ = ']';
	*out = 0;
	return all;
}
