/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manuals and completions. */
#ifndef DOCS_H
#define DOCS_H

#define DOCS_TEXT	65536

/* A file's text, or "". */
void docs_read(const char *path, char text[DOCS_TEXT]);

/* What bash would offer after these words, sorted, with blanks between: two tests. A blank
 * at the end of @words starts another one. The command's name is that of its function,
 * which has a "_" before it; programs in "bin" come first. */
void docs_complete(const char *file, const char *command, const char *program, const char *words,
		   const char *want);

#endif
