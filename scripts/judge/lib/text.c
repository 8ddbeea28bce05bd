// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "text.h"

char *trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
	return s;
}

bool next_line(FILE *f, char **line, size_t *size)
{
	ssize_t n = getline(line, size, f);

	if (n < 0)
		return false;
	while (n && ((*line)[n - 1] == '\n' || (*line)[n - 1] == '\r'))
		(*line)[--n] = 0;
	return true;
}

void strings_add(struct strings *list, const char *s)
{
	list->s = check(realloc(list->s, (list->n + 1) * sizeof(*list->s)));
	list->s[list->n++] = copy(s);
}

bool strings_have(const struct strings *list, const char *s)
{
	int i;

	for (i = 0; i < list->n; i++) {
		if (!strcmp(list->s[i], s))
			return true;
	}
	return false;
}

void strings_shift(struct strings *list)
{
	if (!list->n)
		return;
	free(list->s[0]);
	list->n--;
	memmove(list->s, list->s + 1, list->n * sizeof(*list->s));
}

void strings_clear(struct strings *list)
{
	while (list->n)
		free(list->s[--list->n]);
	free(list->s);
	list->s = NULL;
}
