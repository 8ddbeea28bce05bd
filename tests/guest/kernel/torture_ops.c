// SPDX-License-Identifier: GPL-2.0
/* The operations of the torture test, see torture.h */
#include <string.h>

#include "torture.h"

static const struct {
	const char *name;
	int weight;
} kinds[TT_KINDS] = {
	[TT_ALLOC] = { "alloc", 44 },
	[TT_ALLOC_CHILD] = { "alloc-child", 4 },
	[TT_ALLOC_COMMON] = { "alloc-common", 8 },
	[TT_ALLOC_DMA] = { "alloc-dma", 8 },
	[TT_CLOSE] = { "close", 54 },
	[TT_DUP] = { "dup", 7 },
	[TT_MAP] = { "map", 7 },
	[TT_SEND] = { "send", 16 },
	[TT_RECEIVE] = { "receive", 15 },
	[TT_FORK] = { "fork", 1 },
	[TT_KILL] = { "kill", 1 },
	[TT_MOVE] = { "move", 2 },
	[TT_CREATE] = { "create", 4 },
	[TT_REMOVE] = { "remove", 2 },
	[TT_ENABLE] = { "enable", 3 },
	[TT_DISABLE] = { "disable", 1 },
	[TT_MIN] = { "min", 6 },
	[TT_LOW] = { "low", 1 },
	[TT_MAX] = { "max", 8 },
	[TT_SLICE_MIN] = { "slice-min", 1 },
	[TT_SLICE_MAX] = { "slice-max", 1 },
	[TT_CAMERA] = { "camera", 8 },
	[TT_QUEUE] = { "queue", 4 },
	[TT_DUMB] = { "dumb", 10 },
	[TT_EXPORT] = { "export", 6 },
	[TT_IMPORT] = { "import", 4 },
};

static unsigned int next(unsigned int *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random;
}

static enum tt_kind roll_kind(unsigned int *random)
{
	int sum = 0, i;

	for (i = 0; i < TT_KINDS; i++)
		sum += kinds[i].weight;
	sum = next(random) % sum;
	for (i = 0; sum >= kinds[i].weight; i++)
		sum -= kinds[i].weight;
	return i;
}

/* rounds * workers * per_round of them, the same for the same numbers */
void tt_generate(unsigned int seed, int epoch, int workers, int rounds, int per_round,
		 struct tt_op *ops)
{
	unsigned int random = (seed + 1) * 2654435761u ^ (epoch + 1) * 40503u;
	int round, worker, i;

	if (!random)
		random = 1;
	for (i = 0; i < 8; i++)
		next(&random);
	for (round = 0; round < rounds; round++) {
		for (worker = 0; worker < workers; worker++) {
			for (i = 0; i < per_round; i++, ops++) {
				ops->round = round;
				ops->worker = worker;
				ops->kind = roll_kind(&random);
				ops->a = next(&random);
				ops->b = next(&random);
			}
		}
	}
}

/* A line of a script, without its end; the text after "#" is for the reader. */
void tt_say(const struct tt_op *op, const struct tt_note *note, char *buf, size_t size)
{
	snprintf(buf, size, "%d %d %s %u %u%s%s", op->round, op->worker,
		 kinds[op->kind].name, op->a, op->b, note && note->text[0] ? "\t# " : "",
		 note ? note->text : "");
}

static bool parse_line(const char *line, struct tt_op *op)
{
	int round, worker, i;
	char name[32];

	if (sscanf(line, "%d %d %31s %u %u", &round, &worker, name, &op->a, &op->b) != 5 ||
	    worker < 0 || worker >= TT_WORKERS || round < 0 || round > UINT16_MAX)
		return false;
	for (i = 0; i < TT_KINDS && strcmp(name, kinds[i].name); i++)
		;
	op->round = round;
	op->worker = worker;
	op->kind = i;
	return i < TT_KINDS;
}

int tt_parse(FILE *f, struct tt_op *ops, int max)
{
	char line[256];
	int n = 0;

	while (n < max && fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (!parse_line(line, &ops[n++]))
			return -1;
	}
	return n;
}
