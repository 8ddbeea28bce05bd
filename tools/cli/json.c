// SPDX-License-Identifier: GPL-2.0-or-later
/* Text for JSON: always valid UTF-8, whatever bytes a name has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

/* Writes at most six bytes per byte, and two quotes. */
static char *put_quoted(char *out, const char *valid)
{
	*out++ = '"';
	for (; *valid; valid++) {
		unsigned char c = (unsigned char)*valid;

		if (c == '"' || c == '\\')
			*out++ = '\\';
		/* Some terminals obey U+0080 to U+009f, too. */
		if (c == 0xc2 && (unsigned char)valid[1] < 0xa0)
			out += sprintf(out, "\\u%04x", (unsigned char)*++valid);
		else if (c < 0x20 || c == 0x7f)
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
		size += 6 * TEXT_ROOM(strlen(words[i])) + sizeof("\"\",");
	all = out = malloc(size);
	if (!all)
		return NULL;
	*out++ = '[';
	for (size_t i = 0; i < n; i++) {
		char *valid = text_harmless(words[i], TEXT_JSON);

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
