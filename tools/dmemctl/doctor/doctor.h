/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of dmemctl doctor, and the output of their findings. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <sys/stat.h>

#include "cli/table.h"
#include "dmemctl/section.h"

enum severity {
	NOTE,		/* may be intended */
	PROBLEM,
};

struct doctor {
	struct ctl *c;
	struct dmem_arena *arena;	/* belongs to @units */
	struct dmem_sys sys;
	struct dmem_units units;
	struct dmem_regions regions;
	struct dmem_tree tree;
	struct dmem_lines lines;	/* text of the file that events.c reads */
	const char * const *root;	/* further directories of OCI runtimes */
	size_t n_roots;
	bool json, sections;		/* @sections: some unit has a section */
	struct table *table;		/* of JSON, or NULL */
	size_t problems, notes, containers;
	int err;			/* the first error of dmemctl itself */
};

/* ---- say.c: output ---- */

/* Collects all findings for table_print() from here on. 0 or -ENOMEM. */
int doctor_say_json(struct doctor *d);

/* Reports a finding: the unit, cgroup, region or file, the finding, and the remedy. */
void doctor_say(struct doctor *d, enum severity severity, const char *subject, const char *remedy,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* "24M". The text is valid until the eighth call after this one. */
const char *doctor_size(uint64_t bytes);

/* Like doctor_size(), but in bytes if both sizes would get the same text. */
const char *doctor_size_beside(uint64_t bytes, uint64_t other);

/* Quotes a word for a shell, if it needs quotes. NULL: out of memory. */
const char *doctor_word(struct doctor *d, const char *word);

/* The command that limits the cgroup: "dmemctl set camera.service --max=REGION=SIZE". If no command
 * can, another remedy. NULL: out of memory. */
const char *doctor_limit(struct doctor *d, const struct dmem_node *n, size_t region);

/* True for a further region of the same name: the kernel limits only the first one. */
bool doctor_is_later(const struct doctor *d, size_t region);

#define DOCTOR_OLD_DEVICE \
	"end the processes that hold files of the old device, see lsof and lsdmem --buffers"

/* ---- the checks ---- */

/* system.c: kernel, heaps, and installed programs. False: no other check makes sense. */
bool doctor_controller(struct doctor *d);

/* dmem_region_never() for this machine. */
bool doctor_is_never(const struct doctor *d, const char *region);

void doctor_heaps(struct doctor *d);
void doctor_installed(struct doctor *d);

/* units.c: compares the limits in the units' files with those in force. */
void doctor_units(struct doctor *d);

/* places.c: sections that dmem-generator does not read, or that have no effect. */
void doctor_places(struct doctor *d);

/* limits.c: limits that contradict each other or the region. */
void doctor_limits(struct doctor *d);

/* events.c: refused requests and their reasons. */
void doctor_events(struct doctor *d);

/* owner.c: limits that the limited user can change. */
void doctor_owners(struct doctor *d);

/* The owner of the tree: root, or the user that made a copy. False: it cannot be read. */
bool doctor_tree_owner(const struct doctor *d, struct stat *st);

/* The name of a user or group, other than the owner of the tree, that can write to dmem.max of a
 * cgroup; or NULL, also without memory: see d->err. */
const char *doctor_writer(struct doctor *d, const char *cgroup, const struct stat *root);

/* containers.c: compares the limits that running containers ask for with those in effect. */
void doctor_containers(struct doctor *d);

/* drivers.c: drivers of this machine that do not charge all memory of users. */
void doctor_drivers(struct doctor *d);

/* regions.c: fragmented regions, and memory charged to removed cgroups. */
void doctor_regions(struct doctor *d);

#endif
