/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces files that other programs may read at any moment. */
#ifndef REPLACE_H
#define REPLACE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A reader finds the old text or the new one, complete, even if the writer is killed. The directory
 * may be writable for other users: the new file has no name until it is complete, or an
 * unpredictable one, and always belongs to the caller; files of other users are not opened, waited
 * for or written to. A link with the file's name is replaced, not followed.
 *
 * A file ".NAME.<16 digits>" may remain if the file system does not support files without a name,
 * or if the writer is killed just before the last step.
 *
 * All return 0 or a negative errno; -EEXIST: the name belongs to something other than a regular
 * file, such as a device, or to a link to one.
 */

/* Makes or replaces a file. */
int cli_replace(const char *path, mode_t mode, const char *text, size_t len);

/* The same for a file in an open directory. @name has no slash. */
int cli_replace_at(int dir, const char *name, mode_t mode, const char *text, size_t len);

/* Like cli_replace(), but makes a new file: -EEXIST if the name exists. */
int cli_create(const char *path, mode_t mode, const char *text, size_t len);

/* Removes the remains of earlier writers. The caller holds a lock that excludes other writers. */
void cli_replace_clean(int dir, const char *name);

/* The text for a message about a failed cli_replace(). */
const char *cli_replace_error(int err);

#endif
