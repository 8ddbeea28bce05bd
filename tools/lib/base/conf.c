// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses the syntax of unit files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmem/dmem.h"

#define BLANKS		" \t\r"
#define WHITESPACE	BLANKS "\n"
#define BOM		"\xef\xbb\xbf"
/* LONG_LINE_MAX of systemd, which rejects lines of this length. */
#define LONG_LINE	(1 << 20)
/* Differs from every errno and from all results of callers. */
#define END_OF_FILE	4711

/* The length of the UTF-8 character at @s, or 0 if systemd does not accept it. */
static size_t utf8_len(const char *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)*s;
	size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	uint32_t u = c & (n == 2 ? 0x1f : n == 3 ? 0x0f : 0x07);

	if (n == 1)
		return 1;
	if (c < 0xc0 || c > 0xf7 || left < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		u = u << 6 | ((unsigned char)s[i] & 0x3f);
	}
	/* Overlong forms, numbers beyond Unicode, surrogates and noncharacters are invalid. */
	if (u < least[n] || u > 0x10ffff || (u & 0xfffff800) == 0xd800 ||
	    (u >= 0xfdd0 && u <= 0xfdef) || (u & 0xfffe) == 0xfffe)
		return 0;
	return n;
}

void dmem_make_printable(char *s)
{
	size_t left = strlen(s), n;

	for (; left; s += n, left -= n) {
		unsigned char c = (unsigned char)*s;

		n = utf8_len(s, left);
		/* U+0080 to U+009f are control characters, too. */
		if (n == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0)
			n = 0;
		if (!n || c < ' ' || c == 0x7f) {
			*s = '?';
			n = 1;
		}
	}
}

static bool is_utf8(const char *s)
{
	size_t left = strlen(s), n;

	for (; left; s += n, left -= n) {
		n = utf8_len(s, left);
		if (!n)
			return false;
	}
	return true;
}

static char *strip(char *s)
{
	size_t len;

	s += strspn(s, WHITESPACE);
	for (len = strlen(s); len && strchr(WHITESPACE, s[len - 1]); len--)
		s[len - 1] = 0;
	return s;
}

/* True if systemd accepts the section's name. It reads no further otherwise. */
static bool section_ok(const char *name)
{
	for (; *name; name++) {
		if ((*name > 0 && *name < ' ') || strchr("\"'\\\x7f", *name))
			return false;
	}
	return true;
}

enum stop_reason { OPEN_HEADER, BAD_HEADER, NOT_UTF8, TOO_LONG };

struct parser {
	char *line;		/* the line with its continuations */
	size_t used;
	unsigned int number, first;
	char *section;
	bool bom_seen;
	dmem_conf_fn fn;
	void *data;
};

static int stop(struct parser *p, char *l, enum stop_reason why)
{
	static const char * const text[] = {
		[OPEN_HEADER] = "is not closed",
		[BAD_HEADER] = "has characters that are invalid in a section name",
		[NOT_UTF8] = "is not UTF-8",
		[TOO_LONG] = "is too long",
	};
	int ret = p->fn(p->data, p->first, NULL, l, text[why]);

	return ret ? ret : END_OF_FILE;
}

static int whole_line(struct parser *p)
{
	char *l = strip(p->line), *eq;

	p->used = 0;
	if (!is_utf8(l))
		return stop(p, l, NOT_UTF8);
	if (*l == '[') {
		size_t len = strlen(l);

		if (len < 2 || l[len - 1] != ']')
			return stop(p, l, OPEN_HEADER);
		l[len - 1] = 0;
		if (!section_ok(l + 1)) {
			l[len - 1] = ']';
			return stop(p, l, BAD_HEADER);
		}
		strcpy(p->section, l + 1);
		return p->fn(p->data, p->first, p->section, NULL, NULL);
	}
	eq = strchr(l, '=');
	if (!eq)
		return *l ? p->fn(p->data, p->first, p->section, l, NULL) : 0;
	*eq = 0;
	return p->fn(p->data, p->first, p->section, strip(l), strip(eq + 1));
}

/* True if the line ends in a backslash that is not escaped itself. */
static bool continues(const char *l)
{
	bool escaped = false;

	for (; *l; l++)
		escaped = !escaped && *l == '\\';
	return escaped;
}

/* The start of the next line. For systemd, a line ends at CR, LF or zero, in any combination; a
 * second one of a kind, or one after a zero, ends another line. */
static const char *next_line(const char *text, const char *end, size_t *len)
{
	const char *nl = text;
	bool lf = false, cr = false;

	while (nl < end && *nl && *nl != '\n' && *nl != '\r')
		nl++;
	*len = (size_t)(nl - text);
	for (; nl < end; nl++) {
		if (!*nl)
			return nl + 1;
		if (*nl == '\n' && !lf)
			lf = true;
		else if (*nl == '\r' && !cr)
			cr = true;
		else
			break;
	}
	return nl;
}

static int one_line(struct parser *p, const char *l, size_t n)
{
	size_t blanks = 0;

	p->number++;
	if (!p->used)
		p->first = p->number;
	if (n >= LONG_LINE)
		return stop(p, (char []){ "the line" }, TOO_LONG);
	while (blanks < n && strchr(WHITESPACE, l[blanks]))
		blanks++;
	/* A comment between continued lines is skipped, and does not end them. */
	if (blanks < n && (l[blanks] == '#' || l[blanks] == ';'))
		return 0;
	if (!p->bom_seen && n >= strlen(BOM) && !memcmp(l, BOM, strlen(BOM))) {
		p->bom_seen = true;
		l += strlen(BOM);
		n -= strlen(BOM);
	}
	if (p->used + n > LONG_LINE)
		return stop(p, (char []){ "the continued line" }, TOO_LONG);
	memcpy(p->line + p->used, l, n);
	p->used += n;
	p->line[p->used] = 0;
	if (!continues(p->line))
		return whole_line(p);
	p->line[p->used - 1] = ' ';
	return 0;
}

int dmem_conf_parse_part(const char *text, size_t len, dmem_conf_fn fn, void *data, size_t *read)
{
	struct parser p = { .line = malloc(len + 1), .section = calloc(1, len + 1), .fn = fn,
			    .data = data };
	const char *start = text, *end = text + len;
	int ret = p.line && p.section ? 0 : -ENOMEM;

	while (text < end && !ret) {
		size_t n;
		const char *next = next_line(text, end, &n);

		ret = one_line(&p, text, n);
		text = next;
	}
	if (p.used && !ret)
		ret = whole_line(&p);
	*read = (size_t)(text - start);
	free(p.line);
	free(p.section);
	return ret == END_OF_FILE ? 0 : ret;
}

int dmem_conf_parse(const char *text, size_t len, dmem_conf_fn fn, void *data)
{
	size_t read;

	return dmem_conf_parse_part(text, len, fn, data, &read);
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

int dmem_conf_escape(const char *s, size_t *taken)
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
			int c = dmem_conf_escape(in + 1, &taken);

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
