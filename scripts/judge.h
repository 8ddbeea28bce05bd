/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tapsum and samesum share: a line, and what they look for in a kernel's log.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <ctype.h>
#include <stdbool.h>
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

#endif
