// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes the files of a kernel out of a description. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kerneltree.h"
#include "tap.h"

#define KERNEL	"kernel: "
#define LINE	1024
#define WORDS	LINE

struct file {
	char name[1100];
	char *text;
	size_t len;
	FILE *to;
};

/* Writes the file that is complete, if there is one. */
static void finish(struct file *f)
{
	if (!f->to)
		return;
	fclose(f->to);
	f->to = NULL;
	put(f->name, "%s", f->text);
	free(f->text);
}

static bool start(struct file *f, const char *path)
{
	finish(f);
	snprintf(f->name, sizeof(f->name), "root/%s", path);
	f->to = open_memstream(&f->text, &f->len);
	return f->to != NULL;
}

static bool add_line(struct file *f, char *line, char words[WORDS])
{
	if (*line == '#' || !*line)
		return true;
	if (*line == '\t')
		return f->to && fprintf(f->to, "%s\n", line + 1) > 0;
	if (strncmp(line, KERNEL, strlen(KERNEL)))
		return start(f, line);
	snprintf(words, WORDS, "%s", line + strlen(KERNEL));
	return true;
}

const char *kernel_tree(const char *path)
{
	static char words[WORDS];
	char line[LINE];
	struct file f = { .to = NULL };
	FILE *in = fopen(path, "r");
	bool ok = in != NULL;

	*words = 0;
	while (ok && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = 0;
		ok = add_line(&f, line, words);
	}
	finish(&f);
	if (in)
		fclose(in);
	return ok ? words : NULL;
}
