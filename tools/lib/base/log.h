/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of programs that systemd runs. stdin, stdout and stderr may belong to a client of the
 * service, so they are used only if @console is set.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>

struct log {
	const char *name;	/* program name */
	const char *file;	/* output file; NULL: the journal, or the kernel's log */
	int console;		/* use stderr instead */
	int kmsg;		/* use only the kernel's log */
};

/* Writes one line, with a priority of syslog (LOG_ERR, ...). */
void log_line(const struct log *l, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Opens the log for the handler of a signal, and makes the message that write() sends there.
 * Returns the descriptor, or -1 if there is no log. Ignores @console and @kmsg. */
int log_prepare(const struct log *l, int priority, const char *text, char *msg, size_t size)
	__attribute__((nonnull));

#endif
