/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Escapes text from other users (names of cgroups, regions, processes, files) in the same way
 * everywhere: printable characters are kept, also the backslash, so that systemd's own
 * "app-a\x2db.scope" is printed unchanged; any other byte becomes "\xNN". dmem_name_decode()
 * reverses this for names on a command line.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

enum text_reader {
	TEXT_LOCALE,	/* a terminal: keep characters that the locale can print */
	TEXT_UTF8,	/* a chart, metrics: keep UTF-8 without control characters */
	TEXT_JSON,	/* keep all UTF-8, as JSON has its own escapes */
};

/* Bytes that text_put() needs for a text of @len bytes, at most. */
#define TEXT_ROOM(len)	(4 * (len) + 1)

/* The number of bytes of the printable character at @s, or 0: the first byte must be escaped. */
size_t text_character(const char *s, size_t len, enum text_reader reader);

/* Writes @s, escaped, to @out, which has TEXT_ROOM() bytes. Returns the length. Control sequences
 * and changes of direction are always escaped. */
size_t text_put(char *out, const char *s, size_t len, enum text_reader reader);

/* Returns an escaped copy, which the caller frees. NULL: out of memory. */
char *text_harmless(const char *s, enum text_reader reader);

#endif
