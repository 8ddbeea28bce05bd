// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "complaint.h"
#include "die.h"
#include "log_reader.h"

#define MARK		"dmem-selftest: expect WARNING "
#define MAX_CONTEXT	40
#define MAX_BLOCK	256

enum mode {
	LINES,			/* each line is judged by itself */
	CONTEXT,		/* lines after a complaint are printed */
	BLOCK,			/* a whole report is collected, as one is expected */
};

struct log_reader {
	enum mode mode;
	int context;		/* lines still to be printed */
	char *want;		/* text of the expected report, or NULL */
	bool came;		/* the expected report was there */
	struct strings block;
	bool booted, down;
	struct complaint complaint;
	const struct strings *known;
	struct verdict *v;
};

void log_read_known(const char *path, struct strings *known)
{
	FILE *f = open_or_die(path);
	struct complaint c = {};
	char *line = NULL;
	size_t size = 0;

	while (next_line(f, &line, &size)) {
		if (complaint_next(&c, message(trim(line))))
			strings_add(known, c.text);
	}
	free(line);
	fclose(f);
}

/* @mark is the text after MARK: "begin TEXT" or "end". */
static void on_mark(struct log_reader *r, char *mark)
{
	if (r->want && !r->came)
		verdict_fail(r->v, "kernel log: expected warning is missing: %s", r->want);
	free(r->want);
	r->want = NULL;
	r->came = false;
	if (!strncmp(mark, "begin ", 6) && *trim(mark + 6))
		r->want = copy(trim(mark + 6));
	else if (strcmp(mark, "end"))
		verdict_fail(r->v, "kernel log: mark is neither 'begin TEXT' nor 'end': %s", mark);
}

static bool is_wanted(const struct log_reader *r)
{
	int i;

	for (i = 0; i < r->block.n && r->want; i++) {
		if (strstr(r->block.s[i], r->want))
			return true;
	}
	return false;
}

static void fail_block(struct log_reader *r, const char *why)
{
	int i;

	for (i = 0; i < r->block.n; i++)
		verdict_keep(r->v, r->block.s[i]);
	verdict_fail(r->v, "kernel log: %s", why);
}

static void on_block_line(struct log_reader *r, const char *line, const char *text)
{
	if (r->block.n < MAX_BLOCK)
		strings_add(&r->block, line);
	if (!strstr(text, "end trace"))
		return;
	if (is_wanted(r))
		r->came = true;
	else
		fail_block(r, "not the expected warning");
	strings_clear(&r->block);
	r->mode = r->context ? CONTEXT : LINES;
}

static void on_context(struct log_reader *r, const char *line, const char *text)
{
	printf("     | %s\n", line);
	r->context--;
	if (complains(text))
		r->context = MAX_CONTEXT;
	if (strstr(text, "end trace"))
		r->context = 0;
	if (!r->context)
		r->mode = LINES;
}

static void on_line(struct log_reader *r, const char *text)
{
	if (!complaint_next(&r->complaint, text))
		return;
	if (strings_have(r->known, r->complaint.text)) {
		printf("     also without the series: %s\n", r->complaint.text);
		return;
	}
	verdict_fail(r->v, "kernel log: %s", text);
	r->context = MAX_CONTEXT;
	r->mode = CONTEXT;
}

static void read_line(struct log_reader *r, char *line)
{
	char *text = message(line);

	r->booted = r->booted || strstr(line, "Linux version ");
	r->down = r->down || strstr(line, "reboot: Power down");
	if (!strncmp(text, MARK, strlen(MARK))) {
		on_mark(r, text + strlen(MARK));
		return;
	}
	if (r->want && strstr(text, "[ cut here ]"))
		r->mode = BLOCK;
	switch (r->mode) {
	case LINES:
		on_line(r, text);
		break;
	case CONTEXT:
		on_context(r, line, text);
		break;
	case BLOCK:
		on_block_line(r, line, text);
		break;
	}
}

static void finish(struct log_reader *r)
{
	if (r->mode == BLOCK)
		fail_block(r, "the report does not end");
	if (r->want)
		verdict_fail(r->v, "kernel log: 'expect WARNING begin %s' without an end", r->want);
	if (!r->booted)
		verdict_fail(r->v, "kernel log: no boot");
	else if (!r->down)
		verdict_fail(r->v, "kernel log: no power down after the boot");
	strings_clear(&r->block);
	free(r->want);
}

void log_judge(const char *path, const struct strings *known, struct verdict *v)
{
	struct log_reader r = { .known = known, .v = v };
	FILE *f = open_or_die(path);
	char *line = NULL;
	size_t size = 0;

	while (next_line(f, &line, &size))
		read_line(&r, line);
	finish(&r);
	free(line);
	fclose(f);
}
