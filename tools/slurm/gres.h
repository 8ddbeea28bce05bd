/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of spank_dmem.so, and the amounts that Slurm has allocated to a job. No I/O. Texts come
 * from root's plugstack.conf and from slurmctld: nothing here belongs to a job's user.
 */
#ifndef SLURM_GRES_H
#define SLURM_GRES_H

#include "dmem/dmem.h"

/* One GRES of gres.conf, and the region that it counts. */
struct slurm_map {
	const char *gres;		/* name without a type */
	uint64_t unit;			/* bytes of a count of one */
	struct dmem_limit limit;	/* only its region is used; may name a heap */
};

struct slurm_conf {
	struct slurm_map *map;
	size_t n;
	bool unlisted;			/* a job without the GRES has no limit, instead of 0 */
	const char *cgroup_root, *proc, *heaps;
	bool fake;			/* the files of a test */
};

/* Parses the arguments of plugstack.conf: "GRES[:UNIT]=REGION", and options. @argv is not copied.
 * Returns NULL, or the problem; *@word is then the argument, or NULL if it is none of them. */
const char *slurm_conf_parse(struct dmem_arena *a, int argc, char **argv, struct slurm_conf *c,
			     const char **word);

/* The count of a GRES in a node's part of an allocation, such as "cma_camera(CNT:8),gpu:2(IDX:0,1)".
 * The counts of its types are added. NULL or "" is an empty allocation. 0, -EINVAL: the text is not
 * of this form, or -ERANGE. */
int slurm_gres_count(const char *text, const char *gres, uint64_t *count);

/* True if a user's request names the GRES, as "gres:cma_camera:8,gpu:1" or "gres/cma_camera=8". NULL
 * asks for nothing. */
bool slurm_gres_asked(const char *request, const char *gres);

/* True if the names, with commas between them, have this one. NULL has none. */
bool slurm_gres_listed(const char *names, const char *gres);

/* The place of a number among those of ranges, "first, last, ..., -1" in their order. Negative: it is
 * in none of them, or @ranges is NULL. */
int slurm_node_place(const int32_t *ranges, int node);

/* The limit in bytes. 0 or -ERANGE. */
int slurm_gres_bytes(const struct slurm_map *m, uint64_t count, uint64_t *bytes);

#endif
