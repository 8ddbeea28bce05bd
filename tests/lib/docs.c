// SPDX-License-Identifier: GPL-2.0-or-later
/* Manuals and completions. */
#include <stdio.h>

#include "tap.h"
#include "docs.h"

void docs_read(const char *path, char text[DOCS_TEXT])
{
	FILE *f = fopen(path, "r");
	size_t len = f ? fread(text, 1, DOCS_TEXT - 1, f) : 0;

	if (f)
		fclose(f);
	text[len] = 0;
}

void docs_complete(const char *file, const char *command, const char *program, const char *words,
		   const char *want)
{
	static const char script[] =
		"PATH=$4:$PATH\n"
		"source \"$0\"\n"
		"COMP_WORDS=($1 $3)\n"
		"[[ $3 != *' ' ]] || COMP_WORDS+=('')\n"
		"COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
		"_$1 \"$2\"\n"
		"printf '%s\\n' ${COMPREPLY[@]+\"${COMPREPLY[@]}\"} | sort | tr '\\n' ' '\n";
	char bin[4096], name[400];
	const char *argv[] = {
		"/bin/bash", "-euc", script, file, command, program, words, bin, NULL
	};

	snprintf(bin, sizeof(bin), "%s", tap_path("bin"));
	snprintf(name, sizeof(name), "bash completes '%s' without an error", words);
	check(!run(argv) && !*get("err"), name, "%s", get("err"));
	snprintf(name, sizeof(name), "bash completes '%s' to '%s'", words, want);
	check_text(get("out"), want, name);
}
