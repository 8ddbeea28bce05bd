// SPDX-License-Identifier: GPL-2.0-or-later
/* The syntax of unit files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmem.h"

#define BLANKS		" \t\r"
/* No errno, and nothing that a caller returns. */
#define END_OF_FILE	4711

static char *strip(char *s)
{
	size_t len;

	s += strspn(s, BLANKS);
	for (len = strlen(s); len && strchr(BLANKS, s[len - 1]); len--)
		s[len - 1] = 0;
	return s;
}

static int whole_line(char *l, unsigned int line, char *section, dmem_conf_fn fn, void *data)
{
	char *eq;

	l = strip(l);
	if (*l == '[') {
		size_t len = strlen(l);

		if (len < 2 || l[len - 1] != ']') {
			int ret = fn(data, line, NULL, l, "");

			return ret ? ret : END_OF_FILE;
		}
		l[len - 1] = 0;
		strcpy(section, l + 1);
		return fn(data, line, section, NULL, NULL);
	}
	eq = strchr(l, '=');
	if (!eq)
		return *l ? fn(data, line, section, l, NULL) : 0;
	*eq = 0;
	return fn(data, line, section, strip(l), strip(eq + 1));
}

/* Does the line end in a backslash that is not escaped itself? */
static bool continues(const char *l)
{
	bool escaped = false;

	for (; *l; l++)
		escaped = !escaped && *l == '\\';
	return escaped;
}

int dmem_conf_parse(const char *text, size_t len, dmem_conf_fn fn, void *data)
{
	unsigned int number = 0, first = 0;
	const char *end = text + len;
	char *line, *section;
	size_t used = 0;
	int ret = 0;

	line = malloc(len + 1);
	section = calloc(1, len + 1);
	if (!line || !section) {
		ret = -ENOMEM;
		goto out;
	}
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text < end && !ret) {
		const char *nl = text;
		size_t n;

		/* systemd ends a line at a zero, too. */
		while (nl < end && *nl != '\n' && *nl)
			nl++;
		while (text < nl && strchr(BLANKS, *text))
			text++;
		n = (size_t)(nl - text);
		number++;
		/* A comment among continued lines is skipped, and does not end them. */
		if (n && (*text == '#' || *text == ';')) {
			text = nl + 1;
			continue;
		}
		if (!used)
			first = number;
		memcpy(line + used, text, n);
		line[used + n] = 0;
		text = nl + 1;
		if (continues(line)) {
			used += n;
			line[used - 1] = ' ';
			continue;
		}
		used = 0;
		ret = whole_line(line, first, section, fn, data);
	}
	if (used && !ret)
		ret = whole_line(line, first, section, fn, data);
out:
	free(line);
	free(section);
	return ret == END_OF_FILE ? 0 : ret;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The character after a backslash; sets how many bytes it took. */
static int unescape(const char *s, size_t *taken)
{
	static const char from[] = "abfnrtv\\\"'s", to[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *p;

	if (*s == 'x' && hex(s[1]) >= 0 && hex(s[2]) >= 0 && hex(s[1]) + hex(s[2])) {
		*taken = 3;
		return hex(s[1]) << 4 | hex(s[2]);
	}
	p = *s ? strchr(from, *s) : NULL;
	if (!p)
		return -EINVAL;
	*taken = 1;
	return (unsigned char)to[p - from];
}

char *dmem_conf_word(char **s, int *err)
{
	char *in = *s + strspn(*s, BLANKS "\n"), *word = in, *out = in;
	char quote = 0;

	*err = 0;
	if (!*in)
		return NULL;
	for (; *in && (quote || !strchr(BLANKS "\n", *in)); in++) {
		if (quote ? *in == quote : *in == '"' || *in == '\'') {
			quote = quote ? 0 : *in;
		} else if (*in == '\\') {
			size_t taken;
			int c = unescape(in + 1, &taken);

			if (c < 0)
				goto wrong;
			*out++ = (char)c;
			in += taken;
		} else {
			*out++ = *in;
		}
	}
	if (quote)
		goto wrong;
	*s = *in ? in + 1 : in;
	*out = 0;
	return word;
wrong:
	*err = -EINVAL;
	return NULL;
}

size_t dmem_quote(char *buf, size_t size, const char *text, bool specifiers)
{
	size_t n = 0;

	for (; *text; text++) {
		const char *add = NULL;

		if (*text == '%' && !specifiers)
			add = "%";
		else if (*text == '$')
			add = "$";
		else if (*text == '"' || *text == '\\')
			add = "\\";
		if (add) {
			if (n + 1 < size)
				buf[n] = *add;
			n++;
		}
		if (n + 1 < size)
			buf[n] = *text;
		n++;
	}
	if (size)
		buf[n < size ? n : size - 1] = 0;
	return n;
}
