/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of others (names of cgroups, regions, processes, files) on its way to a reader.
 * One spelling everywhere: a character that can be printed stays, a backslash too, so
 * that systemd's own "app-a\x2db.scope" is printed as it is; any other byte is "\xNN".
 * dmem_name_decode() is the way back, for names that are pasted into a command line.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

enum text_reader {
	TEXT_LOCALE,	/* a terminal: characters that the locale can print stay */
	TEXT_UTF8,	/* a chart, metrics: UTF-8 without control characters stays */
	TEXT_JSON,	/* all of UTF-8 stays, for JSON has its own escapes */
};

/* Bytes that text_put() may need for a text of @len bytes. */
#define TEXT_ROOM(len)	(4 * (len) + 1)

/* How many bytes at @s are a character that may stay, or 0: the first byte is written as
 * "\xNN". */
size_t text_character(const char *s, size_t len, enum text_reader reader);

/* Writes @s harmless to @out, which has TEXT_ROOM() bytes. Returns the length. What a
 * terminal would obey, and what changes the direction of a line, never stays. */
size_t text_put(char *out, const char *s, size_t len, enum text_reader reader);

/* The same as a copy, which the caller frees. NULL: no memory. */
char *text_harmless(const char *s, enum text_reader reader);

#endif
