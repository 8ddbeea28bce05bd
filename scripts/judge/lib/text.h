/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a file, and lists of strings. */
#ifndef JUDGE_TEXT_H
#define JUDGE_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* Removes blanks at both ends, in place. */
char *trim(char *s);

/* Like getline(), without the end of the line. False at the end of the file. */
bool next_line(FILE *f, char **line, size_t *size);

/* Owns its strings. Zeroed memory is an empty list. */
struct strings {
	char **s;
	int n;
};

void strings_add(struct strings *list, const char *s);
bool strings_have(const struct strings *list, const char *s);
/* Removes the first string, if there is one. */
void strings_shift(struct strings *list);
void strings_clear(struct strings *list);

#endif
