/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that others read at any moment. */
#ifndef REPLACE_H
#define REPLACE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A reader finds the old text or the new one, as a whole, whenever the writer ends, by
 * whatever cause. The directory may be one in which others can write: the new file has no
 * name until it is complete, or one that cannot be known before, and is always the caller's
 * own; nothing that others put there is opened, waited for or written to. A link at the
 * place of the file is replaced, not followed.
 *
 * Where the file system has no files without a name, or when the writer is killed just
 * before the last step, a file ".NAME.<16 digits>" may be left.
 *
 * All return 0 or a negative errno; -EEXIST: there is something that is no regular file,
 * such as a device, or a link to one.
 */

/* Makes or replaces a file. */
int cli_replace(const char *path, mode_t mode, const char *text, size_t len);

/* The same in a directory. @name has no slash. */
int cli_replace_at(int dir, const char *name, mode_t mode, const char *text, size_t len);

/* As cli_replace(), for a file that is not there yet: -EEXIST if it is, whatever it is. */
int cli_create(const char *path, mode_t mode, const char *text, size_t len);

/* Removes what was left of earlier writers, for a caller that holds a lock which keeps
 * others from writing now. */
void cli_replace_clean(int dir, const char *name);

/* What to say to the user of a failed cli_replace(). */
const char *cli_replace_error(int err);

#endif
