/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine made of plain files, for --sysroot: below "root" in the directory of
 * tap_dir(). First the kernel, then the regions, then the cgroups.
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
	FAKE_7_3,	/* and peak */
	FAKE_OURS,	/* and events, stat, heaps' regions, unaccounted pages, fdinfo */
};

struct fake {
	enum fake_kernel kernel;
	bool namespaced;	/* the root is a cgroup like others */
	struct {
		const char *name;
		uint64_t capacity;
	} region[16];
	size_t n;
};

/* What a cgroup does with one region. All zero is nothing. */
struct fake_use {
	const char *region;
	uint64_t current, peak, min, low;
	uint64_t max;		/* 0: no limit; FAKE_NOTHING: 0 */
	uint64_t ev_max, alloc_fail, exhausted, reserved;
	uint64_t local, dying;
};

#define FAKE_NOTHING	UINT64_MAX

/* Empties "root". There is no process, no region, and the controller is enabled. */
void fake_start(struct fake *f, enum fake_kernel kernel);

/* @name is kept. */
void fake_region(struct fake *f, const char *name, uint64_t capacity);

/* A heap; @region is NULL if its buffers are not accounted. */
void fake_heap(const struct fake *f, const char *heap, const char *region);

/* A CMA area, in bytes. @largest: the largest free run, in debugfs. */
void fake_area(const struct fake *f, const char *area, uint64_t total, uint64_t available,
	       uint64_t unaccounted, uint64_t largest);

/* A cgroup for which the controller is enabled, or "", the root. */
void fake_cgroup(const struct fake *f, const char *path, const struct fake_use *use, size_t n);

/* One for which it is not. */
void fake_bare_cgroup(const char *path);

/* What fdinfo gives as the id of a cgroup. */
uint64_t fake_cgroup_id(const char *path);

struct fake_buffer {
	unsigned long ino;
	uint64_t size;
	const char *exporter, *name;	/* @name may be NULL */
	const char *region;		/* NULL: nobody pays */
	uint64_t cgroup;
};

/* A process without fds and maps. */
void fake_process(int pid, const char *comm);
/* It holds a buffer by an fd. */
void fake_fd(const struct fake *f, int pid, int fd, const struct fake_buffer *b);
/* It has an fd of something else. */
void fake_other_fd(int pid, int fd, const char *target);
/* It has mapped these, in this order; @sizes: map_files is there, which nobody may
 * follow. */
void fake_maps(int pid, const struct fake_buffer *b, size_t n, bool sizes);
/* debugfs lists these. */
void fake_bufinfo(const struct fake_buffer *b, size_t n);

#endif
