/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for JSON, which is UTF-8 whatever a file's name is. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

/* '["one","two"]'. The caller frees it. NULL: no memory. */
char *json_array(const char * const *words, size_t n);

#endif
