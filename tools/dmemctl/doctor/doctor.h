/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dmemctl doctor looks at, and how it says what it finds. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "cli/table.h"
#include "dmemctl/section.h"

enum severity {
	NOTE,		/* worth to know, and may be meant */
	PROBLEM,
};

struct doctor {
	struct ctl *c;
	struct dmem_arena *arena;	/* that of the units */
	struct dmem_sys sys;
	struct dmem_units units;
	struct dmem_regions regions;
	struct dmem_tree tree;
	struct dmem_lines lines;	/* of the file that events.c reads */
	bool json, sections;		/* some unit has a section */
	struct table *table;		/* of JSON */
	size_t problems, notes;
	int err;			/* the first failure of our own */
};

/* ---- say.c ---- */

/* From here on all lines are kept for table_print(). 0 or -ENOMEM. */
int doctor_say_json(struct doctor *d);

/* One line: whom it is about, what was found, and what to do. */
void doctor_say(struct doctor *d, enum severity severity, const char *subject, const char *remedy,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* "24M", good until eight calls later. */
const char *doctor_size(uint64_t bytes);

/* The same, in bytes where the two would look alike. */
const char *doctor_size_beside(uint64_t bytes, uint64_t other);

/* A word that a shell passes as it is: in quotes where it needs them. NULL: no memory. */
const char *doctor_word(struct doctor *d, const char *word);

/* "dmemctl set camera.service --max=REGION=SIZE", as set takes it for the cgroup. Where no
 * command can do that, what helps. NULL: no memory. */
const char *doctor_limit(struct doctor *d, const struct dmem_node *n, size_t region);

/* Is it one more region of a name, which no command can mean? */
bool doctor_is_later(const struct doctor *d, size_t region);

#define DOCTOR_OLD_DEVICE \
	"end the processes that hold files of the old device, see lsof and lsdmem --buffers"

/* ---- the checks ---- */

/* system.c: kernel, heaps, what is installed. False: there is nothing more to see. */
bool doctor_controller(struct doctor *d);
void doctor_heaps(struct doctor *d);
void doctor_installed(struct doctor *d);

/* units.c: what the files say, and what is in force. */
void doctor_units(struct doctor *d);

/* places.c: sections that dmem-generator does not read, or that mean nothing. */
void doctor_places(struct doctor *d);

/* limits.c: limits that cannot mean what they say. */
void doctor_limits(struct doctor *d);

/* events.c: refused requests, and why. */
void doctor_events(struct doctor *d);

/* owner.c: limits that the limited user can change. */
void doctor_owners(struct doctor *d);

/* regions.c: memory that is free and cannot be had, or held by nobody. */
void doctor_regions(struct doctor *d);

#endif
