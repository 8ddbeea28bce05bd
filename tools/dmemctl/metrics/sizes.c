// SPDX-License-Identifier: GPL-2.0-or-later
/* Histogram of the sizes of buffers. */
#include <inttypes.h>
#include <string.h>

#include "metrics.h"

void sizes_count(const struct dmem_regions *r, const struct dmem_buffers *b, size_t region,
		 struct sizes *s)
{
	*s = (struct sizes){ 0 };
	for (size_t i = 0; i < b->n; i++) {
		const char *name = dmem_buffer_region(r, &b->buffer[i]);
		uint64_t size = b->buffer[i].size;

		if (!name || size == DMEM_UNKNOWN || dmem_regions_index(r, name, region) != region)
			continue;
		s->n++;
		s->sum += size;
		for (unsigned int p = SIZES_FIRST; p <= SIZES_LAST; p++)
			s->upto[p - SIZES_FIRST] += size <= UINT64_C(1) << p;
	}
}

void sizes_print_end(FILE *f, unsigned int power, bool open)
{
	uint64_t end = UINT64_C(1) << power;
	char text[24];
	int digits = snprintf(text, sizeof(text), "%" PRIu64, end);

	/* A power of two does not end in a 0, so all digits are significant. */
	if (digits > 6)
		fprintf(f, "%.*e", digits - 1, (double)end);
	else
		fprintf(f, "%s%s", text, open ? ".0" : "");
}
