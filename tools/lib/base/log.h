/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the programs of this directory write: never to stdin's, stdout's or
 * stderr's peer unless told so, for that may be a client of the service.
 */
#ifndef LOG_H
#define LOG_H

struct log {
	const char *name;	/* of the program */
	const char *file;	/* a path; NULL: the journal, or the kernel's log */
	int console;		/* write to stderr instead */
	int kmsg;		/* write to the kernel's log only */
};

/* One line, with syslog's priority (LOG_ERR, ...). */
void log_line(const struct log *l, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
