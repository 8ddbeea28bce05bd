// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "die.h"
#include "verdict.h"

#define MAX_CONTEXT	60

void verdict_begin(struct verdict *v, const char *program)
{
	verdict_drop(v);
	v->program = copy(program);
	v->program_failed = 0;
}

void verdict_end(struct verdict *v)
{
	verdict_drop(v);
	free(v->program);
	v->program = NULL;
}

void verdict_keep(struct verdict *v, const char *line)
{
	if (v->context.n == MAX_CONTEXT)
		strings_shift(&v->context);
	strings_add(&v->context, line);
}

void verdict_drop(struct verdict *v)
{
	strings_clear(&v->context);
}

void verdict_fail(struct verdict *v, const char *fmt, ...)
{
	va_list ap;
	int i;

	v->failed++;
	v->program_failed++;
	printf("FAIL %s: ", v->run);
	if (v->program)
		printf("%s: ", v->program);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	for (i = 0; i < v->context.n; i++)
		printf("     | %s\n", v->context.s[i]);
	verdict_drop(v);
}
