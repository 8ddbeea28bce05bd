// SPDX-License-Identifier: GPL-2.0-or-later
/* Output of findings. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/text.h"
#include "doctor.h"

enum { SEVERITY, SUBJECT, FINDING, REMEDY, COLUMNS };

static const struct table_column columns[COLUMNS] = {
	[SEVERITY] = { "SEVERITY", "problem or note", TABLE_TEXT, 0 },
	[SUBJECT] = { "SUBJECT", "unit, cgroup, region or file", TABLE_TEXT, 0 },
	[FINDING] = { "FINDING", "finding", TABLE_TEXT, 0 },
	[REMEDY] = { "REMEDY", "remedy", TABLE_TEXT, 0 },
};

int doctor_say_json(struct doctor *d)
{
	static const int ids[] = { SEVERITY, SUBJECT, FINDING, REMEDY };
	const struct table_options o = { .json = true };

	d->table = table_new("findings", columns, ids, COLUMNS, &o);
	return d->table ? 0 : -ENOMEM;
}

const char *doctor_size(uint64_t bytes)
{
	static _Thread_local char buf[8][CLI_SIZE];
	static _Thread_local unsigned int n;

	return cli_size(buf[n++ % 8], bytes, false);
}

const char *doctor_size_beside(uint64_t bytes, uint64_t other)
{
	static _Thread_local char buf[8][CLI_SIZE];
	static _Thread_local unsigned int n;
	char beside[CLI_SIZE], *text = buf[n++ % 8];

	cli_size(text, bytes, false);
	if (bytes != other && !strcmp(text, cli_size(beside, other, false)))
		cli_size(text, bytes, true);
	return text;
}

const char *doctor_word(struct doctor *d, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_@%+=:,./-";
	const char *quoted = "'";

	if (*word && strspn(word, plain) == strlen(word))
		return dmem_strdup(d->arena, word);
	while (quoted && *word) {
		size_t len = strcspn(word, "'");

		quoted = dmem_printf(d->arena, "%s%.*s%s", quoted, (int)len, word,
				     word[len] ? "'\\''" : "");
		word += len + (word[len] != 0);
	}
	return quoted ? dmem_printf(d->arena, "%s'", quoted) : NULL;
}

void doctor_say(struct doctor *d, enum severity severity, const char *subject, const char *remedy,
		const char *fmt, ...)
{
	struct table_line *l;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (severity == PROBLEM)
		d->problems++;
	else
		d->notes++;
	if (!d->table) {
		char line[8192], harmless[TEXT_ROOM(sizeof(line))];

		snprintf(line, sizeof(line), "%s: %s: %s: %s",
			 severity == PROBLEM ? "problem" : "note",
			 subject, text, remedy);
		/* Users choose the names of their cgroups and processes: escape control
		 * characters. */
		text_put(harmless, line, strlen(line), TEXT_LOCALE);
		puts(harmless);
		return;
	}
	l = table_line(d->table, NULL);
	table_text(d->table, l, SEVERITY, severity == PROBLEM ? "problem" : "note");
	table_text(d->table, l, SUBJECT, subject);
	table_text(d->table, l, FINDING, text);
	table_text(d->table, l, REMEDY, remedy);
}
