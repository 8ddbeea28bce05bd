/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes histories of the answers of Prometheus, one for each machine. Does no I/O. */
#ifndef CONVERT_H
#define CONVERT_H

#include <sys/types.h>

#include "answer.h"

/* Bytes of all histories together, at most. */
#define CONVERT_TEXT	(UINT64_C(512) << 20)

/* Facts about the answers that a history does not have. */
struct convert_facts {
	size_t answers, machines;
	uint64_t interval;		/* ms between two values, the longest one */
	size_t gaps, reboots;
	bool boot_times;		/* they have the times of all boots */
	bool peaks;			/* they have peaks of cgroups */
	bool any_sizes;			/* they have histograms of buffers */
	/* The histories have buffers: without owners, and as large as the ends of their buckets. */
	bool sizes;
	const char *sizeless;		/* the first machine and region without one, or NULL */
	bool incomplete;		/* some buffers are not in the histograms */
};

struct convert_machine {
	const char *name;		/* the label instance, or all labels */
	size_t file;			/* number of the text with its first value */
	struct dmem_text text;		/* the history */
};

/* All zero is empty. */
struct convert {
	struct dmem_arena arena;
	struct convert_machine *machine;
	size_t n;
	uint64_t bytes;
	struct convert_facts facts;
};

/* Reads the series of @a, which must be sorted, and live as long. @sizes: use histograms of buffers.
 * 0, -ENOMEM, or -EFBIG: the histories are larger than CONVERT_TEXT. Release @c in any case. */
int convert_answers(struct convert *c, struct answers *a, bool sizes);

/* The function of struct lines_input. @data: a struct convert; @file: number of the machine. */
ssize_t convert_read(void *data, size_t file, uint64_t offset, void *buf, size_t len);

void convert_free(struct convert *c);

#endif
