/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for JSON, which is UTF-8 whatever a file's name is. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

/* A copy in which U+FFFD stands for each byte that is no UTF-8. The caller frees it.
 * NULL: no memory. */
char *json_utf8(const char *s);

/* '["one","two"]'. The caller frees it. NULL: no memory. */
char *json_array(const char * const *words, size_t n);

#endif
