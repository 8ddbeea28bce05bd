// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor --prove: tries the limits of regions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/text.h"
#include "units/word.h"
#include "doctor.h"
#include "prove.h"

/* A driver may free buffers a moment after their last descriptor is closed. */
#define NAP_MS		10
#define MAX_NAPS	100

enum {
	REGION, HEAP, CGROUP, LIMIT, ALLOCATED, CHARGED, RESULT, FINDING, REMEDY, COLUMNS
};

static const struct table_column columns[COLUMNS] = {
	[REGION] = { "REGION", "region", TABLE_TEXT, 0 },
	[HEAP] = { "HEAP", "heap that allocated", TABLE_TEXT, 0 },
	[CGROUP] = { "CGROUP", "scratch cgroup, which was removed", TABLE_TEXT, 0 },
	[LIMIT] = { "LIMIT", "its dmem.max", TABLE_SIZE, 0 },
	[ALLOCATED] = { "ALLOCATED", "size of the buffers that were allocated", TABLE_SIZE, 0 },
	[CHARGED] = { "CHARGED", "charge of the cgroup with these buffers", TABLE_SIZE, 0 },
	[RESULT] = { "RESULT", "result", TABLE_TEXT, 0 },
	[FINDING] = { "FINDING", "finding", TABLE_TEXT, 0 },
	[REMEDY] = { "REMEDY", "remedy", TABLE_TEXT, 0 },
};

struct prove {
	struct doctor *d;
	struct change tree;		/* the cgroup tree, and the machine that has it */
	struct dmem_regions regions;
	struct table *table;
	sigset_t mask;			/* of the caller */
};

/* Sets finding and remedy from "finding: remedy". */
static int of_sentence(struct prove *v, struct proof *p, enum prove_result result, const char *text)
{
	const char *colon = strstr(text, ": ");

	if (!colon)
		return verdict_of(p, result, text, "see the kernel's log");
	return verdict_of(p, result, dmem_strndup(v->d->arena, text, (size_t)(colon - text)), colon + 2);
}

static int no_region(struct prove *v, struct proof *p, const char *problem)
{
	size_t len = strlen(p->word);

	if (!strncmp(problem, p->word, len) && !strncmp(problem + len, ": ", 2))
		problem += len + 2;
	return of_sentence(v, p, PROVE_NO_REGION, problem);
}

static bool any_heap_told(const struct prove *v)
{
	for (size_t i = 0; i < v->regions.n_heaps; i++) {
		if (v->regions.heap[i].told)
			return true;
	}
	return false;
}

/* Finds the region and its heaps. Sets @p->finding if it cannot be proved. */
static int find(struct prove *v, struct proof *p, const char ***heap, size_t *n_heaps)
{
	struct dmem_words all = {
		.sys = &v->tree.sys, .arena = v->d->arena, .regions = &v->regions,
		.kinds = DMEM_WORD_REGION,
	};
	struct dmem_region *g;
	struct dmem_word w = { 0 };
	int ret = dmem_word_find(&all, p->word, &w);
	enum dmem_status status = dmem_regions_status(&v->tree.sys, &v->regions);

	dmem_words_free(&all);
	if (status != DMEM_OK)
		return of_sentence(v, p, PROVE_NO_REGION, dmem_status_text(status));
	if (ret)
		return w.problem ? no_region(v, p, w.problem) : ret;
	p->region = w.name;
	g = dmem_regions_find(&v->regions, w.name);
	if (!g)
		return no_region(v, p, dmem_status_text(DMEM_NO_REGION));
	if (g->listed && strcmp(g->listed, g->name))
		return verdict_of(p, PROVE_NO_REGION,
				  "the kernel limits only the first of several regions of one name",
				  DOCTOR_OLD_DEVICE);
	if (!g->n_heaps && !any_heap_told(v))
		return verdict_of(p, PROVE_NO_HEAP, "the kernel does not report the regions of heaps",
				  "use a kernel with the patches for dmem regions of heaps");
	if (!g->n_heaps)
		return verdict_of(p, PROVE_NO_HEAP, "no heap allocates from this region",
				  "prove a region that has a heap, see the column HEAPS of lsdmem");
	*heap = g->heap;
	*n_heaps = g->n_heaps;
	return 0;
}

static uint64_t figure(const struct scratch *s, const struct proof *p, enum dmem_figure f)
{
	const char *key = dmem_figure_key(f);
	struct dmem_text t = { 0 };
	const char *rest = scratch_line(s, s->path, dmem_figure_file(f), p->region, &t);
	uint64_t v = !rest ? DMEM_UNKNOWN : key ? dmem_keyed_number(rest, key) : dmem_number(rest);

	dmem_text_free(&t);
	return v;
}

/* Requests that the limit of this cgroup has refused, or DMEM_UNKNOWN. */
static uint64_t refused_by(const struct scratch *s, const char *cgroup, const char *region)
{
	struct dmem_text t = { 0 };
	const char *rest = scratch_line(s, cgroup, "dmem.events.local", region, &t);
	uint64_t v = rest ? dmem_keyed_number(rest, "max") : DMEM_UNKNOWN;

	dmem_text_free(&t);
	return v;
}

#define MAX_LEVELS	64

/* Reads the counters of the cgroups above, before and after. */
static void count_above(const struct scratch *s, const char *region, uint64_t count[MAX_LEVELS])
{
	const char *path = scratch_above(s, s->path);

	for (size_t i = 0; i < MAX_LEVELS; i++) {
		count[i] = path ? refused_by(s, path, region) : DMEM_UNKNOWN;
		path = path ? scratch_above(s, path) : NULL;
	}
}

/* Finds the cgroup above whose counter has changed. */
static void find_above(const struct scratch *s, struct proof *p, const uint64_t before[MAX_LEVELS])
{
	const char *path = scratch_above(s, s->path);
	uint64_t after[MAX_LEVELS];

	count_above(s, p->region, after);
	for (size_t i = 0; i < MAX_LEVELS && path; i++, path = scratch_above(s, path)) {
		if (after[i] == before[i])
			continue;
		p->above = path;
		if (dmem_cgroup_get(s->root, path, "dmem.max", p->region, &p->above_max) != DMEM_OK)
			p->above_max = DMEM_UNKNOWN;
		return;
	}
}

static void wait_free(const struct scratch *s, struct proof *p)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };

	for (int i = 0; i < MAX_NAPS; i++) {
		p->kept = figure(s, p, DMEM_F_CURRENT);
		if (!p->kept || p->kept == DMEM_UNKNOWN)
			break;
		nanosleep(&nap, NULL);
	}
	if (p->kept == DMEM_UNKNOWN)
		p->kept = 0;
}

/* Runs the process in the scratch cgroup, and reads the figures while it holds its buffers. */
static int try_limit(struct prove *v, const struct scratch *s, struct proof *p,
		     const char * const *heap, size_t n_heaps)
{
	uint64_t before[MAX_LEVELS];
	struct taker t;
	int ret;

	count_above(s, p->region, before);
	ret = taker_start(&t, s, heap, n_heaps, &v->mask, &p->taken);
	if (!ret) {
		p->heap = heap[p->taken.heap];
		p->charged = figure(s, p, DMEM_F_CURRENT);
		p->own = refused_by(s, s->path, p->region);
		p->any = figure(s, p, DMEM_F_EV_ALLOC_FAIL);
		p->full = figure(s, p, DMEM_F_EV_EXHAUSTED);
		p->reserved = figure(s, p, DMEM_F_EV_RESERVED);
		find_above(s, p, before);
	}
	taker_end(&t, &p->taken);
	wait_free(s, p);
	return ret;
}

static int no_cgroup(struct prove *v, struct proof *p, int err)
{
	if (err == -EOPNOTSUPP)
		return of_sentence(v, p, PROVE_NO_CGROUP, dmem_status_text(DMEM_NOT_ENABLED));
	return verdict_of(p, PROVE_NO_CGROUP,
			  dmem_printf(v->d->arena, "no scratch cgroup can be made: %s", strerror(-err)),
			  "run as root, or in a cgroup that is delegated with the dmem controller "
			  "enabled below it");
}

static int prove_region(struct prove *v, struct proof *p, const char * const *heap, size_t n_heaps)
{
	struct scratch s = {
		.sys = &v->tree.sys, .root = v->tree.root, .arena = v->d->arena,
	};
	enum dmem_status status;
	int ret = scratch_make(&s);

	if (ret)
		return ret == -ENOMEM ? ret : no_cgroup(v, p, ret);
	p->cgroup = s.path;
	status = dmem_cgroup_set(s.root, s.path, DMEM_MAX, p->region, p->limit);
	if (status == DMEM_OK)
		ret = try_limit(v, &s, p, heap, n_heaps);
	p->remove_err = scratch_remove(&s);
	if (status != DMEM_OK)
		ret = of_sentence(v, p, PROVE_FAILED, dmem_status_text(status));
	else if (ret)
		ret = verdict_of(p, PROVE_FAILED,
				 dmem_printf(v->d->arena, "no process can be started: %s",
					     strerror(-ret)), "see ulimit -u, ulimit -n, and pids.max");
	return ret ? ret : verdict(v->d->arena, p);
}

static void say_json(struct prove *v, const struct proof *p)
{
	struct table_line *l = table_line(v->table, NULL);

	table_text(v->table, l, REGION, p->region ? p->region : p->word);
	if (p->heap)
		table_text(v->table, l, HEAP, p->heap);
	if (p->cgroup) {
		table_text(v->table, l, CGROUP, p->cgroup);
		table_number(v->table, l, LIMIT, p->limit);
		table_number(v->table, l, ALLOCATED, p->taken.got * p->page);
		table_number(v->table, l, CHARGED, p->charged);
	}
	table_text(v->table, l, RESULT, prove_names[p->result]);
	table_text(v->table, l, FINDING, p->finding);
	if (p->remedy)
		table_text(v->table, l, REMEDY, p->remedy);
}

static void say(struct prove *v, const struct proof *p)
{
	const char *region = p->region ? p->region : p->word;

	if (v->table) {
		v->d->problems += p->result != PROVE_HOLDS;
		say_json(v, p);
	} else if (p->result != PROVE_HOLDS) {
		doctor_say(v->d, PROBLEM, region, p->remedy, "%s", p->finding);
	} else {
		printf("%s: %s\n", region, p->finding);
	}
}

/* While a scratch cgroup exists, signals wait: those to a group end the process in it, and this one
 * after the cgroup was removed. Only those of faults in this program end it at once. */
static void block_signals(sigset_t *mask)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(&set, faults[i]);
	sigprocmask(SIG_BLOCK, &set, mask);
}

static int prove_one(struct prove *v, const char *word)
{
	struct proof p = {
		.word = word, .page = (uint64_t)sysconf(_SC_PAGESIZE), .charged = DMEM_UNKNOWN,
	};
	const char **heap = NULL;
	size_t n_heaps = 0;
	int ret;

	p.limit = PROVE_PAGES * p.page;
	ret = find(v, &p, &heap, &n_heaps);
	if (!ret && !p.finding) {
		block_signals(&v->mask);
		ret = prove_region(v, &p, heap, n_heaps);
		sigprocmask(SIG_SETMASK, &v->mask, NULL);
	}
	if (!ret)
		say(v, &p);
	return ret;
}

static int prove_all(struct prove *v, const char * const *words, size_t n)
{
	static const int ids[] = {
		REGION, HEAP, CGROUP, LIMIT, ALLOCATED, CHARGED, RESULT, FINDING, REMEDY,
	};
	const struct table_options o = { .json = true };
	int ret = dmem_regions_read_some(&v->tree.sys, v->d->arena,
					 DMEM_READ_CAPACITY | DMEM_READ_CURRENT | DMEM_READ_HEAPS,
					 NULL, NULL, &v->regions);

	if (!ret && v->d->json) {
		v->table = table_new("proofs", columns, ids, COLUMNS, &o);
		ret = v->table ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < n && !ret; i++)
		ret = prove_one(v, words[i]);
	if (!ret && v->table)
		ret = table_print(v->table);
	table_free(v->table);
	return ret;
}

int doctor_prove(struct doctor *d, const char * const *words, size_t n)
{
	struct prove v = { .d = d, .tree.root = -1, .tree.sys.root = -1 };
	int ret = change_open(d->c, d->arena, &v.tree);

	if (!ret)
		ret = prove_all(&v, words, n);
	if (ret == -ENOMEM)
		cli_error(&d->c->cli, "out of memory");
	change_close(&v.tree);
	return ret || d->problems ? CLI_FAILED : CLI_OK;
}
