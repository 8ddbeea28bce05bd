/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manuals and completions. */
#ifndef DOCS_H
#define DOCS_H

#define DOCS_TEXT	65536

/* A file's text, or "". */
void docs_read(const char *path, char text[DOCS_TEXT]);

/* The completions of bash for these words, sorted, joined by blanks: the result of two calls. A
 * blank at the end of @words starts a new word. The command's name is that of its function, which
 * starts with "_"; programs in "bin" come first in PATH. */
void docs_complete(const char *file, const char *command, const char *program, const char *words,
		   const char *want);

#endif
