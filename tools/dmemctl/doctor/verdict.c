// SPDX-License-Identifier: GPL-2.0-or-later
/* The result of a proof, from the figures. */
#include <errno.h>
#include <string.h>

#include "doctor.h"
#include "prove.h"

const char * const prove_names[PROVE_RESULTS] = {
	[PROVE_HOLDS] = "holds",
	[PROVE_NO_REGION] = "no-region",
	[PROVE_NO_HEAP] = "no-heap",
	[PROVE_NO_NODE] = "no-node",
	[PROVE_NO_CGROUP] = "no-cgroup",
	[PROVE_KILLED] = "killed",
	[PROVE_NOT_CHARGED] = "not-charged",
	[PROVE_ADMITS] = "exceeded",
	[PROVE_WRONG] = "wrong-charge",
	[PROVE_EARLY] = "too-early",
	[PROVE_ABOVE] = "limit-above",
	[PROVE_RESERVED] = "reserved",
	[PROVE_FULL] = "no-room",
	[PROVE_NO_MEMORY] = "no-memory",
	[PROVE_FAILED] = "failed",
	[PROVE_KEPT] = "still-charged",
	[PROVE_LEFT] = "not-removed",
};

#define REPORT	"the limits of this region do not work: report it with the version of the kernel"

int verdict_of(struct proof *p, enum prove_result result, const char *finding, const char *remedy)
{
	p->result = result;
	p->finding = finding;
	p->remedy = remedy;
	return finding && (remedy || result == PROVE_HOLDS) ? 0 : -ENOMEM;
}

static uint64_t allocated(const struct proof *p)
{
	return p->taken.got * p->page;
}

static int unanswered(struct dmem_arena *a, struct proof *p)
{
	if (p->taken.late)
		return verdict_of(p, PROVE_KILLED, "the heap did not answer",
				  "see the kernel's log for a driver that hangs");
	if (!p->taken.signal)
		return verdict_of(p, PROVE_FAILED, "the process that allocates ended without an answer",
				  "see the kernel's log for the reason, and prove it again");
	return verdict_of(p, PROVE_KILLED,
			  dmem_printf(a, "the process that allocates was killed by signal %d (%s)",
				      p->taken.signal, strsignal(p->taken.signal)),
			  "see the kernel's log for the reason, and prove it again");
}

static int no_node(struct dmem_arena *a, struct proof *p)
{
	int err = -p->taken.open_err;
	const char *remedy = err == EACCES || err == EPERM ?
		"run as root, or give this user access to the device" :
		err == ENOENT ? "give the container the device, or see ls /dev/dma_heap" :
				"see the kernel's log";

	return verdict_of(p, PROVE_NO_NODE,
			  dmem_printf(a, "/dev/dma_heap/%s cannot be opened: %s", p->heap,
				      strerror(err)), remedy);
}

/* The request beyond the limit was granted. */
static int admitted(struct dmem_arena *a, struct proof *p)
{
	if (!p->charged)
		return verdict_of(p, PROVE_NOT_CHARGED,
				  dmem_printf(a, "/dev/dma_heap/%s allocated %s, and nothing is charged",
					      p->heap, doctor_size(allocated(p))),
				  "use a kernel with the patches for dmem regions of heaps, and "
				  "restrict access to the device until then");
	return verdict_of(p, PROVE_ADMITS,
			  dmem_printf(a, "the limit is %s, but %s were allocated, and %s are charged",
				      doctor_size(p->limit), doctor_size(allocated(p)),
				      doctor_size(p->charged)), REPORT);
}

static int wrong_charge(struct dmem_arena *a, struct proof *p)
{
	return verdict_of(p, PROVE_WRONG,
			  dmem_printf(a, "%s were allocated, but %s are charged",
				      doctor_size(allocated(p)), doctor_size(p->charged)), REPORT);
}

static int refused_above(struct dmem_arena *a, struct proof *p)
{
	char max[CLI_SIZE] = "";

	if (!p->above)
		return verdict_of(p, PROVE_ABOVE,
				  dmem_printf(a, "after %s of %s, the limit of a cgroup above refused, "
					      "which cannot be seen here", doctor_size(allocated(p)),
					      doctor_size(p->limit)),
				  "prove it outside of this container");
	if (p->above_max < DMEM_UNKNOWN)
		cli_size(max, p->above_max, false);
	return verdict_of(p, PROVE_ABOVE,
			  dmem_printf(a, "after %s of %s, the limit of /%s refused, which is %s",
				      doctor_size(allocated(p)), doctor_size(p->limit), p->above,
				      *max ? max : "unknown"),
			  "prove it as root, or end processes whose memory is charged there, see "
			  "lsdmem --tree");
}

/* A request within the limit was refused. */
static int refused_early(struct dmem_arena *a, struct proof *p)
{
	const char *got = doctor_size(allocated(p)), *limit = doctor_size(p->limit);

	if (p->own && p->own != DMEM_UNKNOWN)
		return verdict_of(p, PROVE_EARLY,
				  dmem_printf(a, "the limit is %s, but it refused a page after %s",
					      limit, got), REPORT);
	if (p->any && p->any != DMEM_UNKNOWN)
		return refused_above(a, p);
	if (p->reserved && p->reserved != DMEM_UNKNOWN)
		return verdict_of(p, PROVE_RESERVED,
				  dmem_printf(a, "after %s of %s, reservations of other cgroups "
					      "refused: the limit was not reached", got, limit),
				  "prove it when less is reserved or used, see lsdmem --tree");
	if (p->full && p->full != DMEM_UNKNOWN)
		return verdict_of(p, PROVE_FULL,
				  dmem_printf(a, "no room for a page after %s of %s: the limit was "
					      "not reached", got, limit),
				  "prove it when the region has free memory, see lsdmem");
	return verdict_of(p, PROVE_NO_MEMORY,
			  dmem_printf(a, "out of memory after %s of %s: the limit was not reached",
				      got, limit),
			  "prove it when the machine has free memory");
}

/* The refusal came at the limit, and from it. A kernel without dmem.events does not tell the
 * reason. */
static bool refused_by_limit(const struct proof *p)
{
	return p->taken.got == PROVE_PAGES && p->own;
}

static int answered(struct dmem_arena *a, struct proof *p)
{
	if (p->taken.enter_err)
		return verdict_of(p, PROVE_NO_CGROUP,
				  dmem_printf(a, "the process cannot be moved to /%s: %s", p->cgroup,
					      strerror(-p->taken.enter_err)),
				  "run as root, or in a cgroup that is delegated");
	if (p->taken.open_err)
		return no_node(a, p);
	if (!p->taken.err)
		return admitted(a, p);
	if (p->taken.err != -ENOMEM)
		return verdict_of(p, PROVE_FAILED,
				  dmem_printf(a, "/dev/dma_heap/%s refused a page: %s", p->heap,
					      strerror(-p->taken.err)), "see the kernel's log");
	if (!refused_by_limit(p))
		return refused_early(a, p);
	if (p->charged != allocated(p))
		return wrong_charge(a, p);
	if (p->kept)
		return verdict_of(p, PROVE_KEPT,
				  dmem_printf(a, "%s are still charged after the buffers were freed",
					      doctor_size(p->kept)), "see lsdmem --buffers");
	return verdict_of(p, PROVE_HOLDS,
			  dmem_printf(a, "the limit holds: /dev/dma_heap/%s allocated %s, and %s",
				      p->heap, doctor_size(allocated(p)),
				      p->own == DMEM_UNKNOWN ?
				      "the next page was refused (a kernel without dmem.events does not "
				      "tell by which limit)" : "the limit refused the next page"), NULL);
}

int verdict(struct dmem_arena *a, struct proof *p)
{
	const struct taken *t = &p->taken;
	int ret = 0;

	if (!p->finding)
		ret = t->signal || t->ended || t->late ? unanswered(a, p) : answered(a, p);
	if (ret || !p->remove_err)
		return ret;
	if (p->result == PROVE_HOLDS)
		return verdict_of(p, PROVE_LEFT,
				  dmem_printf(a, "the scratch cgroup cannot be removed: %s",
					      strerror(-p->remove_err)),
				  dmem_printf(a, "rmdir /sys/fs/cgroup/%s", p->cgroup));
	return verdict_of(p, p->result, p->finding,
			  dmem_printf(a, "%s; and rmdir /sys/fs/cgroup/%s, which cannot be removed: %s",
				      p->remedy, p->cgroup, strerror(-p->remove_err)));
}
