/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that others read at any moment. */
#ifndef REPLACE_H
#define REPLACE_H

#include <stddef.h>
#include <sys/types.h>

/* Makes or replaces a file: a reader finds the old text or the new one, as a whole,
 * whenever this ends, by whatever cause. What is left of one that was killed is
 * ".NAME.new" beside it, which the next one takes. Returns 0 or a negative errno;
 * -EEXIST: there is something of that name, and it is no file. */
int cli_replace(const char *path, mode_t mode, const char *text, size_t len);

/* The same in a directory. @name has no slash. */
int cli_replace_at(int dir, const char *name, mode_t mode, const char *text, size_t len);

/* As cli_replace(), for a file that is not there yet: -EEXIST. */
int cli_create(const char *path, mode_t mode, const char *text, size_t len);

#endif
