/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for JSON: always valid UTF-8, whatever bytes a name has. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

/* '["one","two"]'. The caller frees it. NULL: out of memory. */
char *json_array(const char * const *words, size_t n);

#endif
