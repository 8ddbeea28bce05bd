/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the Container Device Interface (CDI), version 0.5.0: one for each kind of device, which
 * is a heap or a region here, with a device for each size. No I/O but to a stream.
 */
#ifndef CDI_SPEC_H
#define CDI_SPEC_H

#include <stdio.h>

#include "dmem/dmem.h"

#define CDI_VENDOR	"dmem.pool"
/* The longest name of a kind after the vendor. */
#define CDI_CLASS_LEN	63

struct cdi_kind {
	const char *name;	/* a heap, or a region without heaps */
	const char *region;	/* the one that is limited */
	bool heap;		/* @name is a heap: the device has its node */
	const char *class;	/* @name in CDI's alphabet */
	const char **size;	/* as written, and legal as names of devices */
	size_t n;
};

struct cdi_hook {
	const char *path;
	bool strict;
};

/*
 * Maps a name to a class: each character but letters, digits, "_" and "-" becomes "-". Dots are
 * legal only from version 0.6.0 on. A name that starts with a digit gets "dmem-" in front. NULL: no
 * letter or digit is left, the result is too long, or out of memory.
 */
const char *cdi_class(struct dmem_arena *a, const char *name);

/* The problem with this size as the name of a device, or NULL. */
const char *cdi_size_problem(const char *size);

/* A size in bytes as a name, in the largest unit that has no fraction: "8M", "5132K", "max". NULL:
 * out of memory. */
const char *cdi_size_name(struct dmem_arena *a, uint64_t bytes);

/* Two kinds whose classes are equal, or false. */
bool cdi_clash(const struct cdi_kind *kind, size_t n, size_t *first, size_t *second);

/* Is this the text of a file of the same class for another heap, or, of a kind without a heap, for
 * another region? The layout of the text does not matter. 1, 0 or -ENOMEM. */
int cdi_is_of_other(const char *text, const struct cdi_kind *k);

/* Writes the file of one kind. 0 or -ENOMEM; the caller checks @f for write errors. */
int cdi_print(FILE *f, const struct cdi_kind *k, const struct cdi_hook *hook);

#endif
