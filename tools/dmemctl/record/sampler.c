// SPDX-License-Identifier: GPL-2.0-or-later
/* Takes samples: when to search for cgroups, and in which order to read the figures. */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "sampling.h"

#define FREE_FILES	128	/* descriptors left for nested directories and other files */
#define SCAN_MS		30000	/* a controller may be enabled without an event */
#define GUESS_SAMPLES	5	/* samples between two scans for a difference that found nothing */
#define NEW_SAMPLES	3	/* a new cgroup is empty at first, and gets its limits later */
#define BUFFER_SAMPLES	4	/* attempts to read figures that match the buffers */

/* ---- constants of the machine ---- */

static void read_boot(struct sampler *s)
{
	struct hist_head *h = &s->head;
	const char *at;

	memset(h->boot, '0', HIST_BOOT);
	for (int i = 8; i < 24; i += 5)
		h->boot[i] = '-';
	if (!dmem_sys_read(s->o->sys, "proc/sys/kernel/random/boot_id", &s->text) &&
	    strspn(s->text.s, "0123456789abcdef-") == HIST_BOOT)
		memcpy(h->boot, s->text.s, HIST_BOOT);
	h->page = (uint64_t)sysconf(_SC_PAGESIZE);
	h->block = DMEM_UNKNOWN;
	if (dmem_sys_read(s->o->sys, "proc/pagetypeinfo", &s->text))
		return;
	at = strstr(s->text.s, "Page block order: ");
	if (at && strtoul(at + 18, NULL, 10) < 32)
		h->block = h->page << strtoul(at + 18, NULL, 10);
}

static rlim_t files_to_keep(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur <= FREE_FILES)
		return 0;
	return l.rlim_cur - FREE_FILES;
}

struct sampler *sampler_new(const struct sampler_options *o)
{
	struct sampler *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->o = o;
	s->root_current = -1;
	s->end = &s->watched;
	s->max_files = files_to_keep();
	s->scan = s->segment = true;
	s->head.interval = o->interval;
	s->head.buffers = o->buffers;
	s->found = calloc(o->n_wanted + 1, sizeof(*s->found));
	/* Without inotify, new cgroups are found later. */
	s->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	s->notify_error = s->notify < 0 ? errno : 0;
	if (!s->found) {
		sampler_free(s);
		return NULL;
	}
	read_boot(s);
	return s;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	watched_forget_all(s);
	if (s->notify >= 0)
		close(s->notify);
	if (s->root_current >= 0)
		close(s->root_current);
	tdestroy(s->lost_paths, free);
	free(s->owner);
	free(s->found);
	free(s->now.held);
	free(s->told.held);
	free(s->r_now);
	free(s->r_told);
	free(s->unexplained);
	free(s->last_rest);
	free(s->lines.read_in);
	dmem_text_free(&s->text);
	dmem_arena_free(&s->arena);
	free(s);
}

/* ---- buffers ---- */

static int read_buffers(struct sampler *s)
{
	struct dmem_arena arena = { 0 };
	struct dmem_buffers b;
	struct held *held;
	int ret = dmem_buffers_read(s->o->sys, &arena, NULL, NULL, &b);

	if (!ret) {
		held = realloc(s->now.held, (b.n + 1) * sizeof(*held));
		ret = held ? 0 : -ENOMEM;
	}
	if (ret) {
		dmem_arena_free(&arena);
		return ret;
	}
	s->now.held = held;
	s->now.n = s->unowned = 0;
	for (size_t i = 0; i < b.n; i++) {
		const struct owner *o = scan_owner(s, b.buffer[i].cgroup);
		const char *region = dmem_buffer_region(&s->regions, &b.buffer[i]);
		size_t at = region ? dmem_regions_index(&s->regions, region, 0) : s->regions.n;

		if (at == s->regions.n || b.buffer[i].size == DMEM_UNKNOWN)
			continue;
		held[s->now.n++] = (struct held){
			.ino = b.buffer[i].ino, .size = b.buffer[i].size,
			.region = (unsigned int)at,
			.w = o ? o->w : NULL,
		};
		s->unowned += b.buffer[i].cgroup != DMEM_UNKNOWN && !(o && o->sure);
	}
	dmem_arena_free(&arena);
	return 0;
}

/* ---- a sample ---- */

static int read_root(struct sampler *s)
{
	char *text, *name, *rest;
	size_t lines = 0;
	int ret;

	if (s->root_current < 0 || !s->regions.complete)
		return 0;
	ret = watched_read_again(s->root_current, &s->text);
	if (ret)
		return ret;
	text = s->text.s;
	dmem_lines_start(&s->lines);
	for (; dmem_next_line(&text, &name, &rest); lines++) {
		uint64_t v = dmem_number(rest);
		size_t i = dmem_lines_next(&s->lines, name);

		if (i == s->regions.n) {
			s->scan = true;
			continue;
		}
		s->changed |= v != s->r_now[i][HIST_R_CURRENT];
		s->r_now[i][HIST_R_CURRENT] = v;
	}
	/* A region was removed. */
	s->scan |= lines < s->root_lines;
	s->root_lines = lines;
	return 0;
}

/* True if the charge that no watched cgroup explains has changed. @since: remember this sample's
 * value for later comparisons. *@again: the value is the same as in the last sample. */
static bool unexplained(struct sampler *s, bool since, bool *again)
{
	bool changed = false;

	*again = true;

	for (size_t i = 0; i < s->regions.n; i++) {
		uint64_t rest = s->r_now[i][HIST_R_CURRENT];

		if (rest == DMEM_UNKNOWN)
			continue;
		for (const struct watched *w = s->watched; w; w = w->next) {
			uint64_t v = w->now[i * HIST_FIGURES + HIST_CURRENT];

			if (w->top && !w->gone && v != DMEM_UNKNOWN)
				rest -= v;
		}
		changed |= rest != s->unexplained[i];
		*again &= rest == s->last_rest[i];
		s->last_rest[i] = rest;
		if (since)
			s->unexplained[i] = rest;
	}
	return changed;
}

static int read_cgroups(struct sampler *s, bool all)
{
	unsigned int i = 0;
	int ret;

	for (struct watched *w = s->watched; w; w = w->next, i++) {
		if (w->gone)
			continue;
		/* Rare figures of different cgroups are read in different samples. */
		ret = watched_read(s, w, all || (s->samples + i) % RARELY == 0);
		if (ret == -ENOMEM)
			return ret;
		if (watched_is_gone(ret)) {
			watched_lose(s, w);
			s->scan = true;
		} else if (ret) {
			scan_unread(s, w, -ret);
		} else {
			w->unread = false;
		}
	}
	return read_root(s);
}

/* The root's figures and the cgroups' are read at different moments, and may not match. So after a
 * scan that found nothing, the next one needs a lasting difference, or some samples' time. */
static bool asks_for_scan(struct sampler *s, bool scanned)
{
	bool again, changed;

	if (s->o->only || s->o->n_wanted)
		return false;
	changed = unexplained(s, scanned, &again);
	return changed && !scanned && (again || s->samples >= s->guess_sample);
}

/* Scans again if buffers belong to a cgroup that is not recorded yet. */
static int find_owners(struct sampler *s)
{
	int ret = 0;

	if (s->unowned > s->scanned_unowned) {
		ret = scan_cgroups(s);
		if (!ret)
			ret = read_cgroups(s, true);
		if (!ret)
			ret = read_buffers(s);
	}
	s->scanned_unowned = s->unowned;
	return ret;
}

int sampler_read(struct sampler *s, uint64_t mono, uint64_t wall)
{
	bool all = false, guess = false;
	size_t before = s->n_watched;
	int ret = 0;

	s->mono = mono;
	s->wall = wall;
	s->lost_read = (struct sampler_lost){ 0 };
	if (scan_notified(s))
		s->scans = NEW_SAMPLES;
	if (s->scans || mono - s->scanned >= SCAN_MS)
		s->scan = true;
	s->scans -= s->scans > 0;
	/* The figures may show that a scan is needed: then read them once more. */
	for (int i = 0; i < 2 && !ret; i++) {
		if (s->scan) {
			ret = scan_cgroups(s);
			all = true;
		}
		if (!ret)
			ret = read_cgroups(s, all);
		if (!ret && asks_for_scan(s, all))
			s->scan = guess = true;
		if (!s->scan)
			break;
	}
	if (guess && s->n_watched <= before)
		s->guess_sample = s->samples + GUESS_SAMPLES;
	/* A search for buffers takes time: the figures must be the same afterwards. */
	for (int i = 0; i < BUFFER_SAMPLES && s->o->buffers && !ret; i++) {
		ret = read_buffers(s);
		if (!ret && !s->o->only && !s->o->n_wanted)
			ret = find_owners(s);
		s->changed = false;
		if (!ret)
			ret = read_cgroups(s, false);
		if (!s->changed)
			break;
	}
	s->samples++;
	return ret;
}

bool sampler_needs_segment(const struct sampler *s)
{
	return s->segment;
}

size_t sampler_regions(const struct sampler *s)
{
	return s->regions.n;
}

size_t sampler_count(const struct sampler *s)
{
	return s->n_watched;
}

struct sampler_lost sampler_lost(const struct sampler *s)
{
	struct sampler_lost lost = s->lost_scan.cgroups ? s->lost_scan : s->lost_read;

	lost.cgroups = s->lost_scan.cgroups + s->lost_read.cgroups;
	return lost;
}

int sampler_notify_error(const struct sampler *s)
{
	return s->notify_error;
}

bool sampler_has(const struct sampler *s, size_t wanted)
{
	return s->found[wanted];
}
