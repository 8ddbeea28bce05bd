// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-apply - set limits of the cgroup that this process is in, or of a slice
 *
 * dmem-apply [--strict] [--mistake=FILE:LINE] [--max=REGION=SIZE]... [--min=...] [--low=...]
 * dmem-apply --slice=NAME [--clear-min] [--sum-min=REGION=SIZE]... ...
 *
 * systemd runs it before a unit's own programs, see dmem-generator. The exit code is an enum
 * dmem_status. With --strict it is 255 for every failure: systemd takes any other code of an
 * ExecCondition= as "skip this unit, without an error".
 *
 * The unit's user may shape the environment, the mounts and the resource limits of this process,
 * which is root: it is linked statically, see context.h, and opens nothing before it has left them.
 * stdin, stdout and stderr may be a client's connection. They are never used.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dmem/look.h"
#include "context.h"
#include "base/log.h"

#define STRICT_FAILURE	255
#define WAIT_SECONDS	5
#define POLL_MS		20
#define MAX_WAIT	300

/* The value of one --max=, --min= or --low=. */
struct argument {
	enum dmem_kind kind;
	const char *text;
	bool sum;		/* from --sum-min= */
};

struct apply {
	struct dmem_arena arena;
	struct log log;
	const char *cgroup_root, *own, *cgroup, *slice, *heaps, *mistake;
	const char *base;	/* systemd's root cgroup */
	char *other;		/* another cgroup that may be the slice's, or NULL */
	/* The process is still in the unit's mounts. */
	bool check_mounts;
	bool fake, strict, clear_min;
	int wait, root;
	struct argument *argument;
	size_t arguments;
	struct dmem_limit *wish;
	size_t n;
	/* The first failure. All limits are tried, even after one has failed. */
	enum dmem_status status;
};

static void failed_because(struct apply *a, enum dmem_status s, const char *what, const char *why)
{
	if (a->status == DMEM_OK)
		a->status = s;
	log_line(&a->log, a->strict ? LOG_ERR : LOG_WARNING, "%s%s%s%s%s",
		 a->cgroup ? a->cgroup : "", a->cgroup ? ": " : "", what, *what ? ": " : "", why);
}

static void failed(struct apply *a, enum dmem_status s, const char *what)
{
	failed_because(a, s, what, dmem_status_text(s));
}

/* The slice has no line for this region: the files of its units must not decide whether it starts. */
static void sum_failed(struct apply *a, const char *what, const char *why)
{
	log_line(&a->log, LOG_WARNING, "%s: the sum of the units in it, %s: %s", a->cgroup, what, why);
}

static enum dmem_status add_argument(struct apply *a, enum dmem_kind kind, const char *text, bool sum)
{
	struct argument *all = dmem_grow(&a->arena, a->argument, a->arguments, sizeof(*all));

	if (!all)
		return DMEM_NO_MEMORY;
	a->argument = all;
	all[a->arguments++] = (struct argument){ kind, text, sum };
	return DMEM_OK;
}

static enum dmem_status add_wish(struct apply *a, const struct argument *arg)
{
	struct dmem_limit *w = dmem_grow(&a->arena, a->wish, a->n, sizeof(*w));
	enum dmem_status s;

	if (!w)
		return DMEM_NO_MEMORY;
	a->wish = w;
	s = dmem_limit_parse(&a->arena, arg->kind, arg->text, &w[a->n]);
	w[a->n].sum = arg->sum;
	if (s == DMEM_OK)
		a->n++;
	if (s != DMEM_BAD_NAME && s != DMEM_BAD_VALUE)
		return s;
	/* The value of a specifier may be no region name. The other limits are set. */
	failed(a, s, arg->text);
	return DMEM_OK;
}

static enum dmem_status add_wishes(struct apply *a)
{
	enum dmem_status s = DMEM_OK;

	for (size_t i = 0; s == DMEM_OK && i < a->arguments; i++)
		s = add_wish(a, &a->argument[i]);
	return s;
}

/* True if the file lists this process. */
static bool lists_this_process(int fd)
{
	char buf[4096];
	pid_t pid = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				pid = pid * 10 + buf[i] - '0';
				continue;
			}
			if (pid == getpid())
				return true;
			pid = 0;
		}
	}
	return false;
}

/* The line of the v2 hierarchy. Hierarchies of v1 come first; some programs need one, so they may
 * be mounted elsewhere. NULL: there is none. */
static char *v2_line(char *text)
{
	char *line = strncmp(text, "0::/", 4) ? strstr(text, "\n0::/") : text;

	if (!line)
		return NULL;
	line += *line == '\n' ? 5 : 4;
	line[strcspn(line, "\n")] = 0;
	return line;
}

/*
 * In the unit's mounts, another directory may hide the kernel's files: nothing may be mounted over
 * them, and the cgroup found must contain this process.
 */
static enum dmem_status check_mounts(struct apply *a)
{
	char text[4096], *line, *procs;
	int fd = context_open("/proc", PROC_SUPER_MAGIC, "self/cgroup");
	bool member;
	ssize_t n;

	if (fd == -EXDEV || fd == -EMEDIUMTYPE)
		return DMEM_FOREIGN_MOUNT;
	if (fd < 0)
		return DMEM_NO_OWN_CGROUP;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	line = v2_line(text);
	if (!line)
		return *text ? DMEM_NO_CGROUP2 : DMEM_NO_OWN_CGROUP;
	procs = dmem_printf(&a->arena, "%s%scgroup.procs", line, *line ? "/" : "");
	if (!procs)
		return DMEM_NO_MEMORY;
	fd = context_open(a->cgroup_root, CGROUP2_SUPER_MAGIC, procs);
	if (fd == -EMEDIUMTYPE)
		return DMEM_NO_CGROUP2;
	if (fd < 0)
		return fd == -EXDEV ? DMEM_FOREIGN_MOUNT : DMEM_NO_CGROUP;
	member = lists_this_process(fd);
	close(fd);
	return member ? DMEM_OK : DMEM_FOREIGN_MOUNT;
}

/* The same check for the device behind dma_heap/NAME. */
static enum dmem_status check_heap(struct apply *a, const char *region)
{
	const char *heap = dmem_region_heap(region), *path;
	int fd;

	if (!heap || !a->check_mounts)
		return DMEM_OK;
	path = dmem_printf(&a->arena, "class/dma_heap/%s/dmem_region", heap);
	if (!path)
		return DMEM_NO_MEMORY;
	fd = context_open("/sys", SYSFS_MAGIC, path);
	if (fd >= 0)
		close(fd);
	return fd == -EXDEV || fd == -EMEDIUMTYPE ? DMEM_FOREIGN_MOUNT : DMEM_OK;
}

/* The cgroup of the unit: that of this process, as systemd made it. */
static enum dmem_status own_cgroup(struct apply *a)
{
	static const char control[] = "/.control";
	struct dmem_text text = { 0 };
	char *line = NULL, *deleted;
	bool read = !dmem_read_at(AT_FDCWD, a->own, &text) && text.len;
	size_t len;

	if (read)
		line = v2_line(text.s);
	if (line)
		line = dmem_strdup(&a->arena, line);
	dmem_text_free(&text);
	if (!line)
		return read ? DMEM_NO_CGROUP2 : DMEM_NO_OWN_CGROUP;
	deleted = strstr(line, " (deleted)");
	len = strlen(line);
	/* systemd starts commands of a delegated unit in a cgroup of this name, since an inner
	 * cgroup must not have processes. */
	if (len >= sizeof(control) && !strcmp(line + len - sizeof(control) + 1, control))
		line[len - sizeof(control) + 1] = 0;
	if (!*line || deleted)
		return DMEM_NO_OWN_CGROUP;
	a->cgroup = line;
	return DMEM_OK;
}

/*
 * The path of systemd's root below the mounted tree; it is not "" in a container without a cgroup
 * namespace. The units that run this program for a slice are in "-.slice", which is systemd's root.
 * NULL: this process is in another cgroup.
 */
static char *systemds_root(struct apply *a, const char *own)
{
	const char *unit = strrchr(own, '/');

	unit = unit ? unit + 1 : own;
	if (strncmp(unit, "dmem-slice@", 11) && strncmp(unit, "dmem-slice-", 11) &&
	    strcmp(unit, "dmem-controller.service"))
		return NULL;
	return dmem_strndup(&a->arena, own, unit == own ? 0 : (size_t)(unit - own) - 1);
}

/* The cgroup of the slice. It is made if it does not exist: systemd adopts it. */
static enum dmem_status slice_cgroup(struct apply *a)
{
	enum dmem_status s = own_cgroup(a);
	const char *base = s == DMEM_OK ? systemds_root(a, a->cgroup) : NULL;
	char *path = dmem_slice_path(&a->arena, a->slice, &a->other);

	a->base = base ? base : "";
	a->cgroup = a->slice;
	if (!path || !*path)
		return DMEM_BAD_NAME;
	if (*a->base) {
		path = dmem_printf(&a->arena, "%s/%s", a->base, path);
		a->other = a->other ? dmem_printf(&a->arena, "%s/%s", a->base, a->other) : NULL;
	}
	if (!path)
		return DMEM_NO_MEMORY;
	a->cgroup = path;
	return dmem_cgroup_make(a->root, a->cgroup);
}

/* Some releases of systemd escape the slice's name, and this program cannot find out which release
 * runs. The cgroup that systemd does not use stays empty. */
static enum dmem_status other_cgroup(struct apply *a)
{
	enum dmem_status s;

	a->cgroup = a->other;
	s = dmem_cgroup_make(a->root, a->cgroup);
	return s == DMEM_OK ? dmem_cgroup_enable_below(a->root, a->base, a->cgroup) : s;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A region appears when its driver is loaded, which may be later than the start of the unit. All
 * limits share one deadline. On a kernel without regions of this kind, there is nothing to wait for. */
static enum dmem_status find_and_wait(struct apply *a, const struct dmem_limit *w,
				      const char **region,
				      uint64_t *capacity, int64_t deadline)
{
	const struct timespec nap = { .tv_nsec = POLL_MS * 1000000L };
	enum dmem_status s;

	for (;;) {
		s = dmem_limit_find(&a->arena, a->root, NULL, a->heaps, w, region, capacity);
		if (s != DMEM_NO_REGION && s != DMEM_NO_HEAP_REGION)
			return s;
		if (now_ms() >= deadline || dmem_region_never(a->root, w->region))
			return s;
		nanosleep(&nap, NULL);
	}
}

/* Removes the reservations that no unit in the slice needs any more. In doubt, they stay. */
static void clear_others(struct apply *a, const char * const *keep, size_t n)
{
	enum dmem_status s = a->status == DMEM_OK && a->clear_min ?
		dmem_cgroup_clear(a->root, a->cgroup, DMEM_MIN, keep, n) : DMEM_OK;

	if (s != DMEM_OK)
		failed(a, s, "old reservations");
}

static void apply_all(struct apply *a, int64_t deadline)
{
	const char **keep = dmem_alloc(&a->arena, (a->n + 1) * sizeof(*keep));
	size_t kept = 0;

	if (!keep) {
		failed(a, DMEM_NO_MEMORY, "");
		return;
	}
	for (size_t i = 0; i < a->n; i++) {
		const struct dmem_limit *w = &a->wish[i];
		const char *region;
		uint64_t capacity;
		enum dmem_status s;

		s = find_and_wait(a, w, &region, &capacity, w->sum ? 0 : deadline);
		if (s == DMEM_OK)
			s = check_heap(a, w->region);
		if (s == DMEM_OK)
			s = dmem_cgroup_set(a->root, a->cgroup, w->kind, region,
					    dmem_resolve_value(&w->value, capacity));
		if (s != DMEM_OK && w->sum)
			sum_failed(a, w->text, dmem_region_status_text(a->root, w->region, s));
		else if (s != DMEM_OK)
			failed_because(a, s, w->text, dmem_region_status_text(a->root, w->region, s));
		else if (w->kind == DMEM_MIN)
			keep[kept++] = region;
	}
	clear_others(a, keep, kept);
}

/* Options without a kind of limit. */
enum { CGROUP_ROOT = DMEM_KINDS, OWN, SLICE, HEAPS, MISTAKE, STRICT, CLEAR_MIN, SUM_MIN, WAIT, LOG };

/* Seconds, 0 to MAX_WAIT. Returns -EINVAL for another text. */
static int parse_wait(const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < 0 || n > MAX_WAIT)
		return -EINVAL;
	return (int)n;
}

static enum dmem_status take_option(struct apply *a, int c, const char *arg)
{
	int seconds;

	switch (c) {
	case CGROUP_ROOT:
		a->fake = true;
		a->cgroup_root = arg;
		break;
	case OWN:
		a->own = arg;
		break;
	case SLICE:
		a->slice = arg;
		break;
	case HEAPS:
		a->heaps = arg;
		break;
	case MISTAKE:
		a->mistake = arg;
		break;
	case STRICT:
		a->strict = true;
		break;
	case CLEAR_MIN:
		a->clear_min = true;
		break;
	case SUM_MIN:
		return add_argument(a, DMEM_MIN, arg, true);
	case WAIT:
		seconds = parse_wait(arg);
		if (seconds < 0)
			return DMEM_USAGE;
		a->wait = seconds;
		break;
	case LOG:
		a->log.file = arg;
		break;
	default:
		if (c < 0 || c >= DMEM_KINDS)
			return DMEM_USAGE;
		return add_argument(a, (enum dmem_kind)c, arg, false);
	}
	return DMEM_OK;
}

static enum dmem_status parse(struct apply *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "max", 1, NULL, DMEM_MAX }, { "min", 1, NULL, DMEM_MIN },
		{ "low", 1, NULL, DMEM_LOW }, { "slice", 1, NULL, SLICE },
		{ "strict", 0, NULL, STRICT }, { "mistake", 1, NULL, MISTAKE },
		{ "clear-min", 0, NULL, CLEAR_MIN }, { "sum-min", 1, NULL, SUM_MIN },
		{ "wait", 1, NULL, WAIT },
		/* For tests. */
		{ "cgroup-root", 1, NULL, CGROUP_ROOT }, { "own", 1, NULL, OWN },
		{ "heaps", 1, NULL, HEAPS }, { "log", 1, NULL, LOG },
		{ 0 },
	};
	enum dmem_status s, first = DMEM_OK;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		s = take_option(a, c, optarg);
		if (first == DMEM_OK)
			first = s;
	}
	if (optind < argc)
		return DMEM_USAGE;
	return first;
}

static void run(struct apply *a, int argc, char **argv)
{
	enum dmem_status s = parse(a, argc, argv);
	int64_t deadline;

	/* The tree of a test is not in the mounts of the first process. */
	if (!a->fake)
		a->check_mounts = !context_leave();
	if (s == DMEM_OK)
		s = add_wishes(a);
	if (s == DMEM_OK && a->check_mounts)
		s = check_mounts(a);
	if (s == DMEM_OK)
		s = dmem_cgroup_open(a->cgroup_root, a->fake, &a->root);
	if (s == DMEM_OK)
		s = a->slice ? slice_cgroup(a) : own_cgroup(a);
	if (s == DMEM_OK)
		s = dmem_cgroup_enable_below(a->root, a->base, a->cgroup);
	if (s != DMEM_OK) {
		failed(a, s, *a->base && s == DMEM_NO_CONTROLLER ?
		       "the host does not enable dmem for this container, or" : "");
		return;
	}
	if (a->mistake)
		failed(a, DMEM_MISTAKE, a->mistake);
	deadline = now_ms() + a->wait * 1000;
	apply_all(a, deadline);
	if (!a->other)
		return;
	s = other_cgroup(a);
	if (s == DMEM_OK)
		apply_all(a, deadline);
	else
		failed(a, s, "");
}

int main(int argc, char **argv)
{
	struct apply a = {
		.log = { .name = "dmem-apply" }, .cgroup_root = "/sys/fs/cgroup",
		.own = "/proc/self/cgroup", .base = "", .heaps = "/sys/class/dma_heap",
		.wait = WAIT_SECONDS, .root = -1,
	};

	run(&a, argc, argv);
	if (a.root >= 0)
		close(a.root);
	dmem_arena_free(&a.arena);
	return a.strict && a.status != DMEM_OK ? STRICT_FAILURE : (int)a.status;
}
