// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "complaint.h"

static const char * const complaints[] = {
	"WARNING: ", "BUG: ", "BUG at ", "Oops", "Kernel panic", "INFO: ", "Call trace:",
	"Unable to handle kernel", "Internal error", "possible recursive locking",
	"possible circular locking", "inconsistent lock state",
	"suspicious RCU", "DEBUG_LOCKS_WARN_ON", "page_counter underflow",
	"suspected memory leaks", "leak detector disabled", "hung task", "blocked for more than",
	"soft lockup",
	"rcu_preempt detected stalls", "self-detected stall", "UBSAN:", "KASAN:", "KCSAN:",
	"KFENCE:", "refcount_t: ", "list_add corruption", "list_del corruption",
	"sleeping function called", "scheduling while atomic", "Bad page state",
	"nobody cared", "------------[ cut here ]------------", "Out of memory: ",
	NULL
};

/* Between a message and its trace; they are not the subject of the trace. */
static const char * const headers[] = {
	"CPU: ", "Tainted: ", "Hardware name: ", "Workqueue: ", NULL
};

bool complains(const char *message)
{
	int i;

	for (i = 0; complaints[i]; i++) {
		if (strstr(message, complaints[i]))
			return true;
	}
	return false;
}

char *message(char *line)
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

/* The least number of digits of a hexadecimal number, such as ffffffffffffffff, that may have no
 * decimal one. */
#define HEX_LEN		8

/* Replaces each word that has a digit by '#', in place. */
static void without_numbers(char *s)
{
	char *to = s;

	while (*s) {
		int n = 0, digits = 0, hex = 0;

		while (isalnum((unsigned char)s[n])) {
			digits += !!isdigit((unsigned char)s[n]);
			hex += !!isxdigit((unsigned char)s[n++]);
		}
		if (digits || (n >= HEX_LEN && hex == n)) {
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

static bool is_header(const char *message)
{
	int i;

	for (i = 0; headers[i]; i++) {
		if (!strncmp(message, headers[i], strlen(headers[i])))
			return true;
	}
	return false;
}

bool complaint_next(struct complaint *c, const char *message)
{
	if (!complains(message)) {
		if (!is_header(message))
			snprintf(c->subject, sizeof(c->subject), "%s", message);
		return false;
	}
	if (strstr(message, "Call trace:"))
		snprintf(c->text, sizeof(c->text), "%s after '%s'", message, c->subject);
	else
		snprintf(c->text, sizeof(c->text), "%s", message);
	without_numbers(c->text);
	return true;
}
