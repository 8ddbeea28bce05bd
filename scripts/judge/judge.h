/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tapsum and samesum share: a line, and what they look for in a kernel's log.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Without blanks at both ends, in place. */
static char *trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
	return s;
}

/* What the kernel says when something is wrong. */
static const char * const complaints[] = {
	"WARNING: ", "BUG: ", "BUG at ", "Oops", "Kernel panic", "INFO: ", "Call trace:",
	"Unable to handle kernel", "Internal error", "possible recursive locking",
	"possible circular locking", "inconsistent lock state",
	"suspicious RCU", "DEBUG_LOCKS_WARN_ON", "page_counter underflow",
	"suspected memory leaks", "leak detector disabled", "hung task", "blocked for more than", "soft lockup",
	"rcu_preempt detected stalls", "self-detected stall", "UBSAN:", "KASAN:", "KCSAN:",
	"KFENCE:", "refcount_t: ", "list_add corruption", "list_del corruption",
	"sleeping function called", "scheduling while atomic", "Bad page state",
	"nobody cared", "------------[ cut here ]------------", "Out of memory: ",
	NULL
};

static bool complains(const char *line)
{
	int i;

	for (i = 0; complaints[i]; i++) {
		if (strstr(line, complaints[i]))
			return true;
	}
	return false;
}

/* "[    1.234567] text" or "[    1.234567][  T1] text" -> text */
static char *message(char *line)
{
	char *s = line;

	while (*s == '[') {
		char *close = strchr(s, ']');

		if (!close)
			break;
		s = close + 1;
		while (*s == ' ')
			s++;
	}
	return s;
}

/* Numbers and addresses are not the same from boot to boot. */
static void without_numbers(char *s)
{
	char *to = s;

	while (*s) {
		int n = 0, digits = 0;

		while (isalnum((unsigned char)s[n]))
			digits += !!isdigit((unsigned char)s[n++]);
		if (digits) {
			*to++ = '#';
			s += n;
			continue;
		}
		memmove(to, s, n + !n);
		to += n + !n;
		s += n + !n;
	}
	*to = 0;
}

struct complaint {
	char text[512];		/* the same in each boot */
	char subject[256];	/* what a trace of calls is about */
};

/* Is that line of a log, to be given one by one, one more complaint? */
static bool complaint(struct complaint *c, const char *s)
{
	static const char * const dump[] = { "CPU: ", "Tainted: ", "Hardware name: ", "Workqueue: " };
	size_t i;

	if (!complains(s)) {
		for (i = 0; i < sizeof(dump) / sizeof(dump[0]); i++) {
			if (!strncmp(s, dump[i], strlen(dump[i])))
				return false;
		}
		snprintf(c->subject, sizeof(c->subject), "%s", s);
		return false;
	}
	if (strstr(s, "Call trace:"))
		snprintf(c->text, sizeof(c->text), "%s after '%s'", s, c->subject);
	else
		snprintf(c->text, sizeof(c->text), "%s", s);
	without_numbers(c->text);
	return true;
}

#endif
