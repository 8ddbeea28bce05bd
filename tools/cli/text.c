// SPDX-License-Identifier: GPL-2.0-or-later
/* Escapes text from other users. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "text.h"

/* The length and number of the UTF-8 character at @s. 0: it is invalid. */
static size_t text_decode_utf8(const unsigned char *s, size_t len, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *s < 0x80 ? 1 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;

	*c = *s;
	if (n == 1)
		return 1;
	if (*s < 0xc2 || *s > 0xf4 || n > len)
		return 0;
	*c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	/* Overlong forms, surrogates, and numbers beyond Unicode are invalid. */
	if (*c < least[n] || (*c >= 0xd800 && *c <= 0xdfff) || *c > 0x10ffff)
		return 0;
	return n;
}

/* Control characters, line ends, and characters that change the direction of text: with these, one
 * name could look like another. */
static bool text_is_obeyed(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

size_t text_character(const char *s, size_t len, enum text_reader reader)
{
	mbstate_t state = { 0 };
	uint32_t c;
	size_t n;

	if (reader == TEXT_LOCALE) {
		wchar_t wide;

		n = mbrtowc(&wide, s, len, &state);
		if (!n || n >= (size_t)-2 || !iswprint((wint_t)wide))
			return 0;
		c = (uint32_t)wide;
	} else {
		n = text_decode_utf8((const unsigned char *)s, len, &c);
	}
	return n && (reader == TEXT_JSON || !text_is_obeyed(c)) ? n : 0;
}

size_t text_put(char *out, const char *s, size_t len, enum text_reader reader)
{
	static const char digits[] = "0123456789abcdef";
	char *start = out;

	while (len) {
		size_t n = text_character(s, len, reader);

		if (n) {
			memcpy(out, s, n);
			out += n;
		} else {
			unsigned char byte = (unsigned char)*s;

			n = 1;
			*out++ = '\\';
			*out++ = 'x';
			*out++ = digits[byte >> 4];
			*out++ = digits[byte & 15];
		}
		s += n;
		len -= n;
	}
	*out = 0;
	return (size_t)(out - start);
}

char *text_harmless(const char *s, enum text_reader reader)
{
	size_t len = strlen(s);
	char *copy = malloc(TEXT_ROOM(len));

	if (copy)
		text_put(copy, s, len, reader);
	return copy;
}
