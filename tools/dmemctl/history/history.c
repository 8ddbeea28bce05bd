// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes and reads the lines of a history. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"

#define SUM		8	/* hexadecimal digits, followed by a blank */
#define MAX_NAME	HIST_NAME
/* Far above any number in a valid file; protects readers from huge arrays. */
#define MAX_ID		1000000

static uint32_t checksum(const char *s, size_t len)
{
	uint32_t crc = ~0u, half[16];

	for (uint32_t i = 0; i < 16; i++) {
		half[i] = i;
		for (int bit = 0; bit < 4; bit++)
			half[i] = half[i] & 1 ? half[i] >> 1 ^ 0xedb88320u : half[i] >> 1;
	}
	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)s[i];
		crc = crc >> 4 ^ half[crc & 15];
		crc = crc >> 4 ^ half[crc & 15];
	}
	return ~crc;
}

/* ---- identity ---- */

static const struct {
	const char *name;
	size_t offset;
} facts[] = {
	{ "machine", offsetof(struct hist_identity, machine) },
	{ "host", offsetof(struct hist_identity, host) },
	{ "model", offsetof(struct hist_identity, model) },
	{ "release", offsetof(struct hist_identity, release) },
};

#define N_FACTS		(sizeof(facts) / sizeof(*facts))

static const char **fact_of(struct hist_identity *id, size_t i)
{
	return (const char **)((char *)id + facts[i].offset);
}

bool hist_identity_same(const struct hist_identity *a, const struct hist_identity *b)
{
	if (strcmp(a->boot, b->boot))
		return false;
	for (size_t i = 0; i < N_FACTS; i++) {
		const char *x = *fact_of((struct hist_identity *)a, i);
		const char *y = *fact_of((struct hist_identity *)b, i);

		if (x && y ? strcmp(x, y) : x != y)
			return false;
	}
	return true;
}

int hist_identity_copy(struct hist_identity *to, struct dmem_arena *a,
		       const struct hist_identity *from)
{
	*to = *from;
	for (size_t i = 0; i < N_FACTS; i++) {
		const char **v = fact_of(to, i);

		if (!*v)
			continue;
		*v = dmem_strdup(a, *v);
		if (!*v)
			return -ENOMEM;
	}
	return 0;
}

/* ---- writing ---- */

static int make_room(struct dmem_text *t, size_t more)
{
	size_t size = t->size ? t->size : 1024;
	char *s;

	while (size - t->len <= more)
		size *= 2;
	if (size == t->size)
		return 0;
	s = realloc(t->s, size);
	if (!s)
		return -ENOMEM;
	t->s = s;
	t->size = size;
	return 0;
}

void hist_add(struct hist_line *l, const char *fmt, ...)
{
	struct dmem_text *t = l->t;
	va_list ap;
	int len;

	if (l->err)
		return;
	for (int i = 0; i < 2; i++) {
		size_t room = t->size - t->len;

		va_start(ap, fmt);
		len = vsnprintf(t->s ? t->s + t->len : NULL, room, fmt, ap);
		va_end(ap);
		if (len >= 0 && (size_t)len < room) {
			t->len += (size_t)len;
			return;
		}
		l->err = len < 0 ? -EINVAL : make_room(t, (size_t)len);
		if (l->err)
			return;
	}
}

void hist_begin(struct hist_line *l, struct dmem_text *t, char record)
{
	*l = (struct hist_line){ .t = t, .start = t->len };
	hist_add(l, "%*s %c", SUM, "", record);
}

static void add_escaped(struct hist_line *l, const char *name)
{
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		hist_add(l, c <= ' ' || c == '%' || c == 127 ? "%%%02x" : "%c", c);
	}
}

void hist_add_name(struct hist_line *l, const char *name)
{
	hist_add(l, " ");
	add_escaped(l, name);
}

void hist_add_figures(struct hist_line *l, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] == DMEM_UNKNOWN)
			hist_add(l, "%c-", i ? ',' : '=');
		else if (v[i] == DMEM_NO_LIMIT)
			hist_add(l, "%cmax", i ? ',' : '=');
		else
			hist_add(l, "%c%" PRIu64, i ? ',' : '=', v[i]);
	}
}

int hist_end(struct hist_line *l)
{
	struct dmem_text *t = l->t;
	char sum[SUM + 1];

	hist_add(l, "\n");
	if (l->err) {
		t->len = l->start;
		return l->err;
	}
	snprintf(sum, sizeof(sum), "%08" PRIx32, checksum(t->s + l->start + SUM + 1,
							  t->len - l->start - SUM - 2));
	memcpy(t->s + l->start, sum, SUM);
	return 0;
}

int hist_put_head(struct dmem_text *t, const struct hist_head *h)
{
	struct hist_line l;

	hist_begin(&l, t, 'H');
	hist_add(&l, " %d %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " ", HIST_VERSION,
		 h->boot, h->wall, h->mono, h->interval, h->page);
	if (h->block == DMEM_UNKNOWN)
		hist_add(&l, "-");
	else
		hist_add(&l, "%" PRIu64, h->block);
	hist_add(&l, " %d", h->buffers);
	return hist_end(&l);
}

const char *hist_identity_first(const struct hist_identity *id)
{
	for (size_t i = 0; i < N_FACTS; i++) {
		if (*fact_of((struct hist_identity *)id, i))
			return facts[i].name;
	}
	return NULL;
}

int hist_put_identity(struct dmem_text *t, uint64_t wall, const struct hist_identity *id)
{
	struct hist_line l;

	hist_begin(&l, t, 'H');
	hist_add(&l, " %d %" PRIu64 " %s", HIST_IDENTITY, wall, id->boot);
	for (size_t i = 0; i < N_FACTS; i++) {
		const char *v = *fact_of((struct hist_identity *)id, i);

		if (!v)
			continue;
		hist_add_name(&l, facts[i].name);
		hist_add(&l, "=");
		add_escaped(&l, v);
	}
	return hist_end(&l);
}

int hist_put_notes_head(struct dmem_text *t, uint64_t wall)
{
	struct hist_line l;

	hist_begin(&l, t, 'H');
	hist_add(&l, " %d %" PRIu64, HIST_NOTES, wall);
	return hist_end(&l);
}

void hist_add_property(struct hist_line *l, const char *name, const void *value, size_t len)
{
	const unsigned char *v = value;

	hist_add(l, " %s=", name);
	for (size_t i = 0; i < len; i++)
		hist_add(l, "%02x", v[i]);
}

/* ---- reading ---- */

struct reader {
	const struct hist_ops *ops;
	void *data;
	unsigned int regions, cgroups, nodes;
	bool lost;	/* until the next segment starts */
	bool newer;
	bool notes;	/* the segment contains notes */
	/* Parse without calling @ops, so that a broken record has no effect. */
	bool dry;
};

#define OP(r, op, ...) \
	((r)->dry || !(r)->ops->op ? 0 : (r)->ops->op((r)->data, ##__VA_ARGS__))

static bool number(const char **s, uint64_t *v)
{
	uint64_t n = 0;
	const char *p = *s;

	if (*p == '0' && p[1] >= '0' && p[1] <= '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > (DMEM_UNKNOWN - 1 - (uint64_t)(*p - '0')) / 10)
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (p == *s)
		return false;
	*s = p;
	*v = n;
	return true;
}

static bool figure(const char **s, uint64_t *v)
{
	if (**s == '-') {
		(*s)++;
		*v = DMEM_UNKNOWN;
		return true;
	}
	if (!strncmp(*s, "max", 3)) {
		*s += 3;
		*v = DMEM_NO_LIMIT;
		return true;
	}
	return number(s, v);
}

static bool character(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool field(const char **s, uint64_t *v)
{
	return character(s, ' ') && number(s, v);
}

static bool id(const char **s, unsigned int end, unsigned int *v)
{
	uint64_t n;

	if (!number(s, &n) || n >= end)
		return false;
	*v = (unsigned int)n;
	return true;
}

/* The number of figures, or 0 for a malformed text. */
static size_t figures(const char **s, uint64_t *v, size_t max)
{
	size_t n = 0;

	if (!character(s, '='))
		return 0;
	do {
		if (n == max || !figure(s, &v[n++]))
			return 0;
	} while (character(s, ','));
	return n;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads a blank, and a name up to the next blank or the end. */
static bool word(const char **text, char *out)
{
	const char *s = *text;
	size_t n = 0;

	if (*s++ != ' ')
		return false;
	while (*s && *s != ' ') {
		char c = *s++;

		if (n == MAX_NAME - 1)
			return false;
		if (c == '%') {
			if (hex(s[0]) < 0 || hex(s[1]) < 0)
				return false;
			c = (char)(hex(s[0]) << 4 | hex(s[1]));
			s += 2;
			if (!c)
				return false;
		}
		out[n++] = c;
	}
	out[n] = 0;
	*text = s;
	return true;
}

/* Reads a name that ends the line. */
static bool name(const char *s, char *out)
{
	return word(&s, out) && !*s;
}

static int read_notes_head(struct reader *r, const char *s)
{
	uint64_t wall;

	if (!field(&s, &wall) || *s)
		return -EBADMSG;
	if (!r->dry) {
		r->notes = true;
		r->nodes = 0;
	}
	return OP(r, notes, wall);
}

static bool read_boot(const char **s, char boot[HIST_BOOT + 1])
{
	if (strspn(*s, "0123456789abcdef-") != HIST_BOOT)
		return false;
	memcpy(boot, *s, HIST_BOOT);
	boot[HIST_BOOT] = 0;
	*s += HIST_BOOT;
	return true;
}

/* Reads a blank and "name=value". A fact of a later version is skipped. */
static bool read_fact(const char **s, struct hist_identity *id, char values[][HIST_FACT])
{
	char text[MAX_NAME], *value;

	if (!word(s, text))
		return false;
	value = strchr(text, '=');
	if (!value)
		return false;
	*value++ = 0;
	for (size_t i = 0; i < N_FACTS; i++) {
		if (strcmp(text, facts[i].name))
			continue;
		if (*fact_of(id, i) || !*value || strlen(value) >= HIST_FACT)
			return false;
		strcpy(values[i], value);
		*fact_of(id, i) = values[i];
	}
	return true;
}

static int read_identity(struct reader *r, const char *s)
{
	char values[N_FACTS][HIST_FACT];
	struct hist_identity id = { 0 };
	uint64_t wall;

	if (!field(&s, &wall) || !character(&s, ' ') || !read_boot(&s, id.boot))
		return -EBADMSG;
	while (*s) {
		if (!read_fact(&s, &id, values))
			return -EBADMSG;
	}
	/* Records that a later version puts behind this line are skipped. */
	if (!r->dry)
		r->newer = true;
	return OP(r, identity, wall, &id);
}

static int read_head(struct reader *r, const char *s)
{
	struct hist_head h = { 0 };
	uint64_t version, buffers;

	if (!field(&s, &version))
		return -EBADMSG;
	if (version == HIST_NOTES)
		return read_notes_head(r, s);
	if (version == HIST_IDENTITY)
		return read_identity(r, s);
	if (version != HIST_VERSION)
		return -ENOTSUP;
	if (!r->dry)
		r->notes = false;
	if (!character(&s, ' ') || !read_boot(&s, h.boot))
		return -EBADMSG;
	if (!field(&s, &h.wall) || !field(&s, &h.mono) || !field(&s, &h.interval) ||
	    !field(&s, &h.page) || !character(&s, ' ') || !figure(&s, &h.block) ||
	    !field(&s, &buffers) || buffers > 1 || *s)
		return -EBADMSG;
	/* Readers divide by these. */
	if (!h.page || !h.block || h.block == DMEM_NO_LIMIT)
		return -EBADMSG;
	h.buffers = buffers;
	return OP(r, head, &h);
}

static int read_region(struct reader *r, const char *s)
{
	char text[MAX_NAME];
	uint64_t n;

	if (!field(&s, &n) || n != r->regions || n >= MAX_ID || !name(s, text) || !*text)
		return -EBADMSG;
	if (!r->dry)
		r->regions++;
	return OP(r, region, (unsigned int)n, text);
}

static int read_cgroup(struct reader *r, const char *s)
{
	char text[MAX_NAME];
	uint64_t n, life;

	if (!field(&s, &n) || n != r->cgroups || n >= MAX_ID || !field(&s, &life) || !name(s, text))
		return -EBADMSG;
	if (!r->dry)
		r->cgroups++;
	return OP(r, cgroup, (unsigned int)n, life, text);
}

static int read_buffer(struct reader *r, const char **s)
{
	unsigned int cgroup = 0, region;
	uint64_t ino, size;
	bool nobody;

	if (!number(s, &ino) || !character(s, '='))
		return -EBADMSG;
	nobody = character(s, '-');
	if ((!nobody && !id(s, r->cgroups, &cgroup)) || !character(s, '.') ||
	    !id(s, r->regions, &region) || !character(s, ',') || !number(s, &size))
		return -EBADMSG;
	return OP(r, buffer, ino, nobody ? -1 : (int)cgroup, region, size);
}

static int read_figures(struct reader *r, const char **s)
{
	uint64_t v[HIST_FIGURES];
	unsigned int cgroup, region;
	size_t n;

	if (!id(s, r->cgroups, &cgroup) || !character(s, '.') || !id(s, r->regions, &region))
		return -EBADMSG;
	n = figures(s, v, HIST_FIGURES);
	return n ? OP(r, figures, cgroup, region, v, n) : -EBADMSG;
}

static int read_region_figures(struct reader *r, const char **s)
{
	uint64_t v[HIST_R_FIGURES];
	unsigned int region;
	size_t n;

	if (!id(s, r->regions, &region))
		return -EBADMSG;
	n = figures(s, v, HIST_R_FIGURES);
	return n ? OP(r, region_figures, region, v, n) : -EBADMSG;
}

static int read_item(struct reader *r, char what, const char **s)
{
	unsigned int cgroup;
	uint64_t ino;

	switch (what) {
	case 'r':
		return read_region_figures(r, s);
	case 'c':
		return read_figures(r, s);
	case 'x':
		return id(s, r->cgroups, &cgroup) ? OP(r, gone, cgroup) : -EBADMSG;
	case 'b':
		return read_buffer(r, s);
	case 'f':
		return number(s, &ino) ? OP(r, freed, ino) : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

static int read_sample(struct reader *r, const char *s)
{
	uint64_t mono, wall;
	int ret;

	if (!field(&s, &mono) || !field(&s, &wall))
		return -EBADMSG;
	ret = OP(r, sample, mono, wall);
	while (!ret && *s) {
		char what;

		if (!character(&s, ' ') || !*s)
			return -EBADMSG;
		what = *s++;
		ret = read_item(r, what, &s);
	}
	return ret;
}

static int read_end(struct reader *r, const char *s)
{
	uint64_t mono;

	if (!field(&s, &mono) || *s)
		return -EBADMSG;
	return OP(r, end, mono);
}

static int read_property(struct reader *r, const char **s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789,#_-";
	unsigned char value[HIST_PROPERTY];
	char text[32];
	size_t len = 0, n;

	if (!character(s, ' '))
		return -EBADMSG;
	n = strspn(*s, letters);
	if (!n || n >= sizeof(text))
		return -EBADMSG;
	memcpy(text, *s, n);
	text[n] = 0;
	*s += n;
	if (!character(s, '='))
		return -EBADMSG;
	for (; **s && **s != ' '; *s += 2) {
		if (len == sizeof(value) || hex((*s)[0]) < 0 || hex((*s)[1]) < 0)
			return -EBADMSG;
		value[len++] = (unsigned char)(hex((*s)[0]) << 4 | hex((*s)[1]));
	}
	return OP(r, property, text, value, len);
}

static int read_node(struct reader *r, const char *s)
{
	char path[MAX_NAME];
	int ret;

	if (r->nodes == HIST_NODES || !word(&s, path) || *path != '/')
		return -EBADMSG;
	if (!r->dry)
		r->nodes++;
	ret = OP(r, node, path);
	while (!ret && *s)
		ret = read_property(r, &s);
	return ret;
}

static int read_word(struct reader *r, const char *s)
{
	char text[MAX_NAME];

	return name(s, text) ? OP(r, word, text) : -EBADMSG;
}

/* A tree without one of its nodes would show free memory that is reserved. */
static int read_noted(struct reader *r, const char *s)
{
	uint64_t nodes;

	if (!field(&s, &nodes) || *s || nodes != r->nodes)
		return -EBADMSG;
	return OP(r, noted);
}

static int read_note(struct reader *r, const char *s)
{
	switch (*s) {
	case 'N':
		return read_noted(r, s + 1);
	case 'D':
		return read_node(r, s + 1);
	case 'K':
		return read_word(r, s + 1);
	default:
		return -EBADMSG;
	}
}

static int read_record(struct reader *r, const char *s)
{
	if (*s == 'H')
		return read_head(r, s + 1);
	if (r->notes)
		return read_note(r, s);
	switch (*s) {
	case 'R':
		return read_region(r, s + 1);
	case 'C':
		return read_cgroup(r, s + 1);
	case 'S':
		return read_sample(r, s + 1);
	case 'E':
		return read_end(r, s + 1);
	default:
		return -EBADMSG;
	}
}

struct hist_reader {
	struct reader r;
	bool trusted;
	const char *checked;	/* a line whose checksum is right */
};

/* True if the record has the right checksum. */
static bool is_whole(const char *s, size_t len)
{
	char *end;

	return len >= SUM + 2 && s[SUM] == ' ' && strlen(s) == len &&
	       strspn(s, "0123456789abcdef") == SUM &&
	       strtoul(s, &end, 16) == checksum(s + SUM + 1, len - SUM - 1);
}

static int read_dry(struct reader *r, const char *payload)
{
	int ret;

	r->dry = true;
	ret = read_record(r, payload);
	r->dry = false;
	return ret;
}

/* @s: a line without its end. 1: the record was used; 0: it was not, or the result of an op. */
static int read_line(struct hist_reader *h, const char *s, size_t len, struct hist_found *found,
		     int *op)
{
	bool known = h->checked == s || (h->trusted && len >= SUM + 2);
	struct reader *r = &h->r;
	const char *payload = s + SUM + 1;
	int ret;

	*op = 0;
	h->checked = NULL;
	if (!known && !is_whole(s, len))
		return 0;
	if (*payload == 'H') {
		r->regions = r->cgroups = 0;
		r->lost = r->newer = false;
	} else if (r->newer) {
		found->newer++;
		return 1;
	} else if (r->lost) {
		return 0;
	}
	ret = known && *payload != 'H' ? 0 : read_dry(r, payload);
	if (ret == -ENOTSUP) {
		r->newer = true;
		found->newer++;
		return 1;
	}
	if (ret)
		return 0;
	*op = read_record(r, payload);
	found->records++;
	return 1;
}

struct hist_reader *hist_reader_new(const struct hist_ops *ops, void *data)
{
	struct hist_reader *r = calloc(1, sizeof(*r));

	if (r)
		r->r = (struct reader){ .ops = ops, .data = data, .lost = true };
	return r;
}

void hist_reader_trust(struct hist_reader *r, bool trusted)
{
	r->trusted = trusted;
}

bool hist_reader_time(struct hist_reader *r, const char *line, size_t len, uint64_t *mono)
{
	const char *s = line + SUM + 2;

	if (len < SUM + 2 || (s[-1] != 'S' && s[-1] != 'E') || r->r.lost || r->r.newer)
		return false;
	if (!r->trusted && (!is_whole(line, len) || read_dry(&r->r, s - 1)))
		return false;
	r->checked = line;
	return field(&s, mono);
}

int hist_reader_line(struct hist_reader *r, const char *line, size_t len,
		     struct hist_found *found)
{
	int op;

	if (!read_line(r, line, len, found, &op)) {
		found->bad++;
		r->r.lost = true;
	}
	return op;
}

bool hist_is(const char *text, size_t len)
{
	for (size_t i = 0; i < len && i < SUM + 3; i++) {
		if (i < SUM ? hex(text[i]) < 0 : text[i] != " H "[i - SUM])
			return false;
	}
	return true;
}

size_t hist_whole(const char *text, size_t len)
{
	while (len && text[len - 1] != '\n')
		len--;
	return len;
}

int hist_read(const char *text, size_t len, const struct hist_ops *ops, void *data,
	      struct hist_found *found)
{
	struct hist_reader *r = hist_reader_new(ops, data);
	size_t whole = hist_whole(text, len), room = 0;
	char *line = NULL;
	int ret = r ? 0 : -ENOMEM;

	*found = (struct hist_found){ .torn = whole < len };
	for (size_t at = 0; at < whole && !ret; ) {
		const char *end = memchr(text + at, '\n', whole - at);
		size_t n = (size_t)(end - (text + at));

		if (n >= room) {
			free(line);
			room = 2 * n + 1024;
			line = malloc(room);
			if (!line) {
				ret = -ENOMEM;
				break;
			}
		}
		memcpy(line, text + at, n);
		line[n] = 0;
		at += n + 1;
		ret = hist_reader_line(r, line, n, found);
	}
	free(line);
	free(r);
	return ret;
}
