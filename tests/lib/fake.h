/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine made of plain files, for --sysroot: below "root" in the directory of tap_dir(). Call
 * the functions for the kernel first, then for regions, then for cgroups.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIB	(1024 * 1024ull)
#define KIB	1024ull

enum fake_kernel {
	FAKE_6_14,	/* capacity, current, min, low, max */
	FAKE_7_2,	/* the same */
	FAKE_7_3,	/* and also peak */
	FAKE_OURS,	/* and also events, stat, heaps' regions, unaccounted pages, fdinfo */
};

struct fake {
	enum fake_kernel kernel;
	bool namespaced;	/* the root is an ordinary cgroup */
	struct {
		const char *name;
		uint64_t capacity;
	} region[16];
	size_t n;
};

/* Use of one region by a cgroup. All zero: no use. */
struct fake_use {
	const char *region;
	uint64_t current, peak, min, low;
	uint64_t max;		/* 0: no limit; FAKE_NOTHING: 0 */
	uint64_t ev_max, alloc_fail, exhausted, reserved;
	uint64_t local, dying;
};

#define FAKE_NOTHING	UINT64_MAX

/* Empties "root". There are no processes or regions, and the controller is enabled. */
void fake_start(struct fake *f, enum fake_kernel kernel);

/* @name is not copied. */
void fake_region(struct fake *f, const char *name, uint64_t capacity);

/* Adds a heap; @region is NULL if its buffers are not accounted. */
void fake_heap(const struct fake *f, const char *heap, const char *region);

/* Adds a CMA area; sizes in bytes. @largest: the largest free run, in debugfs. */
void fake_area(const struct fake *f, const char *area, uint64_t total, uint64_t available,
	       uint64_t unaccounted, uint64_t largest);

/* Adds a cgroup with the controller enabled. "" is the root. */
void fake_cgroup(const struct fake *f, const char *path, const struct fake_use *use, size_t n);

/* Adds a cgroup without the controller. */
void fake_bare_cgroup(const char *path);

/* The id of a cgroup in fdinfo. */
uint64_t fake_cgroup_id(const char *path);

struct fake_buffer {
	unsigned long ino;
	uint64_t size;
	const char *exporter, *name;	/* @name may be NULL */
	const char *region;		/* NULL: not charged */
	uint64_t cgroup;
};

/* Adds a process without fds and maps. */
void fake_process(int pid, const char *comm);
/* Adds an fd of a buffer. */
void fake_fd(const struct fake *f, int pid, int fd, const struct fake_buffer *b);
/* Adds an fd of something else. */
void fake_other_fd(int pid, int fd, const char *target);
/* Adds mappings of buffers in this order; @sizes: also map_files, which cannot be followed. */
void fake_maps(int pid, const struct fake_buffer *b, size_t n, bool sizes);
/* Writes the list of buffers in debugfs. */
void fake_bufinfo(const struct fake *f, const struct fake_buffer *b, size_t n);

#endif
