// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-hook - set limits of device memory on a container, as an OCI hook at createRuntime
 *
 * dmem-hook [--strict] [--timeout=SECONDS] [--max=REGION=SIZE]... [--min=REGION=SIZE]...
 *
 * At createRuntime the container's process is in its last cgroup, and has not executed anything.
 * runc and crun write a state document to the hook's standard input, and wait for its end.
 *
 * Control over the parts of this program, which runs as root on the host:
 *
 *   arguments, path     the engine's configuration, or a CDI file: root's
 *   environment         the engine's or root's; emptied all the same, and never read
 *   mounts, namespaces  the runtime's, which are the host's
 *   files, directory    the runtime's: files above stderr are closed, the directory is left
 *   state document      the runtime's; but the values of the annotations are the user's
 *   container's files and process: hostile. No path of the document is opened, and of the process
 *   only its entries in /proc are read: its cgroup, and the time of its start.
 *
 * It is linked statically with the entry point of dmem-apply, so that a loader uses no variable.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "absent.h"
#include "arguments.h"
#include "base/log.h"
#include "base/syscalls.h"
#include "container.h"
#include "dmem/look.h"
#include "policy.h"
#include "policy_file.h"
#include "state.h"

#define VERSION		"0.1"
#define POLICY_FILE	"/etc/dmem/hook.conf"
#define TIMEOUT		5
#define MAX_TIMEOUT	300
/* Waiting for a region ends so long before the timeout. */
#define SPARE_MS	500
#define POLL_MS		100
#define TIME_IS_OVER	"the time is over, see --timeout="

enum { OK = 0, FAILED = 1, USAGE = 2 };

struct hook {
	struct dmem_arena arena;
	struct log log;
	const char *cgroup_root, *proc, *heaps, *policy_file;
	bool fake;		/* the files of a test */
	bool rootless;		/* in a user namespace, or without root's rights */
	bool strict;
	bool failed;
	bool refused;		/* the message that ends the start is printed */
	int timeout;
	int64_t start;
	int root;
	struct hook_state state;
	struct hook_policy policy;
	struct hook_asks asks;
	struct hook_container container;
};

/* For the handler of the alarm, which has no other way to learn it. Until the policy is read, it may
 * have any rule. */
static volatile sig_atomic_t late_status = FAILED;

/* The handler can only write() what is prepared. */
static struct {
	char text[256];
	size_t len;
	int log;
} late = { .log = -1 };

/* A full pipe must not keep the engine waiting. */
static void out_of_time(int sig)
{
	static const char text[] = "dmem-hook: " TIME_IS_OVER "\n";
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n = 0;

	(void)sig;
	if (poll(&p, 1, 0) > 0)
		n = write(STDERR_FILENO, text, sizeof(text) - 1);
	/* It does not block: see log_prepare(). If it fails, there is nothing left to do. */
	if (late.log >= 0 && write(late.log, late.text, late.len) < 0)
		n = -1;
	_exit(n < 0 ? FAILED : late_status);
}

/* A test without a file must not write to the log of the machine. */
static bool has_log(const struct hook *h)
{
	return !h->fake || h->log.file;
}

/* Prints and logs one line, and remembers the failure. Texts of other users lose control characters. */
static void fail(struct hook *h, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void fail(struct hook *h, const char *fmt, ...)
{
	const char *warning = h->strict ? "" : "warning: ";
	char text[2000], who[160] = "";
	va_list ap;

	/* A strict start ends with its first failure, in one line. */
	if (h->refused)
		return;
	h->failed = true;
	h->refused = h->strict;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dmem_make_printable(text);
	if (h->state.id && *h->state.id)
		snprintf(who, sizeof(who), "container %.128s: ", h->state.id);
	fprintf(stderr, "dmem-hook: %s%s%s\n", warning, who, text);
	/* crun shows neither output of its hooks. */
	if (has_log(h))
		log_line(&h->log, h->strict ? LOG_ERR : LOG_WARNING, "%s%s", who, text);
}

static void fail_status(struct hook *h, const char *what, enum dmem_status s)
{
	static const char rootless[] = "a rootless engine cannot do this, except below a cgroup that root has "
		"prepared: ask root to limit user-UID.slice with a section [X-Dmem], see dmem-hook(8)";

	if (h->rootless && (s == DMEM_PERMISSION || s == DMEM_NO_CONTROLLER || s == DMEM_CANNOT_ENABLE ||
			    s == DMEM_READ_ONLY || s == DMEM_NO_CGROUP))
		fail(h, "%s: %s", what, rootless);
	else
		fail(h, "%s: %s", what, dmem_status_text(s));
}

static void be_strict(struct hook *h)
{
	h->strict = true;
	late_status = FAILED;
}

/* Before a failure that a user could cause, to escape from the policy. */
static void must_hold(struct hook *h)
{
	if (hook_policy_binds(&h->policy))
		be_strict(h);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the environment of this program ---- */

static bool in_user_namespace(struct hook *h)
{
	char *path = dmem_printf(&h->arena, "%s/self/uid_map", h->proc);
	char *line = path ? dmem_first_line(&h->arena, AT_FDCWD, path) : NULL;
	unsigned int inside, outside, count;

	if (!h->fake && geteuid())
		return true;
	/* The file does not exist if the kernel has no user namespaces. */
	if (!line || sscanf(line, "%u %u %u", &inside, &outside, &count) != 3)
		return false;
	return inside || outside || count != UINT32_MAX;
}

static void prepare_late(struct hook *h)
{
	if (!has_log(h))
		return;
	late.log = log_prepare(&h->log, LOG_ERR, TIME_IS_OVER, late.text, sizeof(late.text));
	late.len = strlen(late.text);
}

static void leave_context(struct hook *h)
{
	struct sigaction alarmed = { .sa_handler = out_of_time }, ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	/* The variables of a test are for its own code. */
	if (!h->fake)
		clearenv();
	umask(022);
	dmem_close_from(STDERR_FILENO + 1);
	prepare_late(h);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGALRM, &alarmed, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm((unsigned int)h->timeout);
	/* The inherited directory may be that of the container. */
	if (chdir("/"))
		fail(h, "cannot change the directory: %s", strerror(errno));
}

/* ---- the three sources ---- */

/* True if the host's root is not mapped into this user namespace, so that its files seem to belong
 * to the overflow user. */
static bool root_is_hidden(struct hook *h)
{
	char *path = dmem_printf(&h->arena, "%s/self/uid_map", h->proc), *line, *save;
	unsigned int inside, outside, count;
	struct dmem_text t = { 0 };
	bool hidden = true;

	if (!path || !h->rootless || dmem_read_at(AT_FDCWD, path, &t))
		return false;
	for (line = strtok_r(t.s, "\n", &save); hidden && line; line = strtok_r(NULL, "\n", &save))
		hidden = sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 && outside;
	dmem_text_free(&t);
	return hidden;
}

static bool is_overflow_user(struct hook *h, uid_t uid)
{
	char *path = dmem_printf(&h->arena, "%s/sys/kernel/overflowuid", h->proc);
	char *line = path ? dmem_first_line(&h->arena, AT_FDCWD, path) : NULL;

	return line && strtoul(line, NULL, 10) == uid;
}

/* A user's own engine may have a policy of that user. */
static bool owner_is_fine(void *data, uid_t uid)
{
	struct hook *h = data;

	if (!uid || ((h->fake || geteuid()) && uid == geteuid()))
		return true;
	return root_is_hidden(h) && is_overflow_user(h, uid);
}

static const char *load_policy(struct hook *h)
{
	const char *name = strrchr(h->policy_file, '/') + 1, *problem;
	char *path = dmem_strndup(&h->arena, h->policy_file, (size_t)(name - h->policy_file));
	int dir = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1, err = errno;

	if (dir < 0 && err == ENOENT)
		return hook_absent_problem(&h->arena, h->policy_file, h->proc, h->rootless);
	if (dir < 0)
		return strerror(err);
	problem = hook_policy_read(&h->arena, dir, name, owner_is_fine, h, &h->policy, &err);
	close(dir);
	if (err == ENOENT)
		return hook_absent_problem(&h->arena, h->policy_file, h->proc, h->rootless);
	return problem;
}

static bool read_policy(struct hook *h)
{
	const char *problem = load_policy(h);

	/* A mistake there is root's, and would be a ceiling that does not hold. */
	if (problem) {
		be_strict(h);
		fail(h, "%s: %s", h->policy_file, problem);
	}
	if (h->policy.strict)
		be_strict(h);
	/* A user could use up the time to escape from a ceiling, or from root's arguments. */
	if (!h->strict && !hook_policy_binds(&h->policy) && !h->asks.n)
		late_status = OK;
	return !problem;
}

/* Reads standard input up to its end; the alarm ends this program if there is none. NULL: no
 * memory. */
static char *read_input(size_t *len)
{
	char *text = NULL;
	size_t room = 0;

	*len = 0;
	for (;;) {
		char *more = dmem_room(text, *len + 4096, &room, 1);
		ssize_t n;

		if (!more)
			break;
		text = more;
		n = read(STDIN_FILENO, text + *len, room - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*len += (size_t)n;
		/* The parser refuses the length. */
		if (*len > HOOK_STATE_MAX)
			break;
	}
	return text;
}

static bool read_state(struct hook *h)
{
	size_t len;
	char *text = read_input(&len);
	const char *problem = text ? hook_state_parse(&h->arena, text, len, &h->state) : "out of memory";

	free(text);
	if (!problem)
		return true;
	/* A user could make the document too long to escape from a ceiling, or from root's arguments. */
	must_hold(h);
	if (h->asks.n)
		be_strict(h);
	fail(h, "the state document on standard input: %s", problem);
	return false;
}

/* The user can make the start strict, but cannot take that away. */
static void read_strict(struct hook *h)
{
	const char *problem;

	if (hook_annotation_strict(&h->state, &problem))
		be_strict(h);
	if (problem)
		fail(h, "annotation " HOOK_PREFIX "strict: write yes or no");
}

/* One line, however many there are: an annotation costs nothing, and a line has to be written. */
static void refuse_unknown(struct hook *h)
{
	size_t n;
	const struct hook_annotation *a = hook_annotation_unknown(&h->state, &n);

	if (n == 1)
		fail(h, "annotation %.200s: unknown: write dmem.pool/max, /min or /strict", a->key);
	else if (n)
		fail(h, "annotation %.200s and %zu more: unknown: write dmem.pool/max, /min or /strict",
		     a->key, n - 1);
}

static void read_limits(struct hook *h, enum dmem_kind kind, const struct hook_annotation *a)
{
	const char *problem = a->value ? hook_asks_parse(&h->arena, kind, a->value, &h->asks) : "is no text";

	if (problem)
		fail(h, "annotation %.200s: '%.200s' %s: write \"REGION SIZE; REGION SIZE\"", a->key,
		     a->value ? a->value : "", problem);
}

static void read_annotations(struct hook *h)
{
	const struct hook_annotation *of[HOOK_MAX_COUNTING];

	read_strict(h);
	refuse_unknown(h);
	for (int kind = DMEM_MAX; kind <= DMEM_MIN; kind++) {
		size_t n = hook_annotations_counting(&h->state, (enum dmem_kind)kind, of);

		for (size_t i = 0; i < n; i++)
			read_limits(h, (enum dmem_kind)kind, of[i]);
	}
}

/* ---- regions ---- */

static enum dmem_status find_region(struct hook *h, const struct dmem_limit *l, const char **name,
				    uint64_t *capacity)
{
	return dmem_limit_find(&h->arena, h->root, NULL, h->heaps, l, name, capacity);
}

/* A region appears when its driver is loaded, perhaps while the container starts. */
static enum dmem_status wait_for_region(struct hook *h, const struct dmem_limit *l, const char **name,
					uint64_t *capacity)
{
	const struct timespec nap = { .tv_nsec = POLL_MS * 1000000L };
	int64_t end = h->start + h->timeout * 1000 - SPARE_MS;
	enum dmem_status s;

	for (;;) {
		s = find_region(h, l, name, capacity);
		if ((s != DMEM_NO_REGION && s != DMEM_NO_HEAP_REGION) || now_ms() >= end)
			return s;
		if (dmem_region_never(h->root, l->region))
			return s;
		nanosleep(&nap, NULL);
	}
}

/* 0: the machine has no such heap. Otherwise an errno: it has one without a region, or no heap is
 * seen. */
static int heap_problem(struct hook *h, const char *heap)
{
	const char *path = dmem_printf(&h->arena, "%s/%s", h->heaps, heap);
	struct stat st;

	if (!path)
		return ENOMEM;
	if (!lstat(path, &st))
		return ENODATA;
	if (errno != ENOENT)
		return errno;
	return access(h->heaps, R_OK | X_OK) ? errno : 0;
}

static void find_rule(struct hook *h, struct hook_rule *r)
{
	uint64_t capacity;
	enum dmem_status s = find_region(h, &r->limit, &r->region, &capacity);
	int err = 0;

	/* Without capacities, a percentage is 0. */
	if (s == DMEM_OK || s == DMEM_NO_CAPACITY)
		return;
	r->region = NULL;
	/* A rule for a region that this machine lacks has no effect. */
	if (s == DMEM_NO_HEAP_REGION)
		err = heap_problem(h, dmem_region_heap(r->limit.region));
	if (s == DMEM_NO_REGION || (s == DMEM_NO_HEAP_REGION && !err))
		return;
	be_strict(h);
	if (err && err != ENODATA)
		fail(h, "%s: %s: %s: %s", h->policy_file, r->limit.text, h->heaps, strerror(err));
	else
		fail(h, "%s: %s: %s", h->policy_file, r->limit.text,
		     dmem_region_status_text(h->root, r->limit.region, s));
}

static void find_rules(struct hook *h)
{
	for (size_t i = 0; i < h->policy.n; i++)
		find_rule(h, &h->policy.rule[i]);
}

/* Those of annotations that are there already. */
static void look_for_asks(struct hook *h)
{
	for (size_t i = 0; i < h->asks.n; i++) {
		struct hook_ask *k = &h->asks.ask[i];

		if (!k->root && find_region(h, &k->limit, &k->region, &k->capacity) != DMEM_OK)
			k->region = NULL;
	}
}

/* Those of root's arguments, or those of annotations. Waits for those that are missing. */
static void find_asks(struct hook *h, bool root)
{
	for (size_t i = 0; i < h->asks.n; i++) {
		struct hook_ask *k = &h->asks.ask[i];
		enum dmem_status s;

		if (k->root != root)
			continue;
		s = wait_for_region(h, &k->limit, &k->region, &k->capacity);
		if (s == DMEM_OK)
			continue;
		k->region = NULL;
		if (s == DMEM_NO_REGION || s == DMEM_NO_HEAP_REGION)
			fail(h, "%s: %s", k->limit.text, dmem_region_status_text(h->root, k->limit.region, s));
		else
			fail_status(h, k->limit.text, s);
	}
}

/* ---- the limits ---- */

/* The value in force. A missing line means that none is set. */
static enum dmem_status value_now(struct hook *h, enum dmem_kind kind, const char *region, uint64_t *now)
{
	enum dmem_status s;
	char file[16];

	*now = kind == DMEM_MAX ? DMEM_NO_LIMIT : 0;
	snprintf(file, sizeof(file), "dmem.%s", dmem_kind_names[kind]);
	s = dmem_cgroup_get(h->container.dir, "", file, region, now);
	return s == DMEM_NO_REGION ? DMEM_OK : s;
}

static void above_ceiling(struct hook *h, enum dmem_kind kind, const char *region, uint64_t value,
			  uint64_t most)
{
	fail(h, "%s: dmem.%s: %llu is above the ceiling of %s, %llu", region, dmem_kind_names[kind],
	     (unsigned long long)value, h->policy_file, (unsigned long long)most);
}

static enum dmem_status set_limit(struct hook *h, enum dmem_kind kind, const char *region,
				  const struct hook_choice *c)
{
	uint64_t now, value;
	enum dmem_status s = value_now(h, kind, region, &now);

	if (s != DMEM_OK)
		return s;
	value = hook_new_value(c, kind, now);
	if (value == now)
		return DMEM_OK;
	if (hook_lowers(c, now, value))
		above_ceiling(h, kind, region, now, value);
	return dmem_cgroup_set(h->container.dir, "", kind, region, value);
}

static void limit_region(struct hook *h, enum dmem_kind kind, const char *region,
			 const struct hook_choice *c)
{
	enum dmem_status s;

	if (c->value < c->asked)
		above_ceiling(h, kind, region, c->asked, c->value);
	s = set_limit(h, kind, region, c);
	if (s == DMEM_OK)
		return;
	if (hook_policy_limits(&h->policy, kind, region))
		be_strict(h);
	fail_status(h, region, s);
}

/* Root's limits come first, so that a wait for the regions of annotations cannot use up their time. */
static void limit_arguments(struct hook *h)
{
	for (size_t i = 0; i < h->asks.n; i++) {
		const struct hook_ask *k = &h->asks.ask[i];
		struct hook_choice c;

		if (!k->root || !k->region)
			continue;
		c = hook_choose(&h->policy, &h->asks, k->limit.kind, k->region, k->capacity);
		limit_region(h, k->limit.kind, k->region, &c);
	}
}

static void limit_others(struct hook *h, const char *region, uint64_t capacity)
{
	for (int kind = DMEM_MAX; kind <= DMEM_MIN; kind++) {
		struct hook_choice c = hook_choose(&h->policy, &h->asks, (enum dmem_kind)kind, region, capacity);

		if (c.source != HOOK_ARGUMENT)
			limit_region(h, (enum dmem_kind)kind, region, &c);
	}
}

/* All regions, since the policy may limit those that nobody asks for. */
static void limit_regions(struct hook *h)
{
	struct dmem_text t = { 0 };
	char *text, *region, *rest;
	int fd = openat(h->root, "dmem.capacity", O_RDONLY | O_CLOEXEC);
	bool capacity = fd >= 0;

	/* In a cgroup namespace, the root is an ordinary cgroup without that file. */
	if (fd < 0)
		fd = openat(h->root, "dmem.current", O_RDONLY | O_CLOEXEC);
	if (dmem_read_fd(fd < 0 ? -ENOENT : fd, &t)) {
		must_hold(h);
		fail_status(h, "dmem.capacity", DMEM_NO_CONTROLLER);
	}
	/* Each region that has a line by now has to have its rule. */
	find_rules(h);
	text = t.s;
	while (text && dmem_next_line(&text, &region, &rest))
		limit_others(h, region, capacity ? dmem_number(rest) : DMEM_UNKNOWN);
	dmem_text_free(&t);
}

/* Nothing is enabled for a container without limits. */
static bool anything(const struct hook *h)
{
	return h->policy.n || h->asks.n;
}

static enum dmem_status open_tree(struct hook *h)
{
	struct statfs fs;

	if (!h->fake && (statfs(h->proc, &fs) || fs.f_type != PROC_SUPER_MAGIC))
		return DMEM_FOREIGN_MOUNT;
	return dmem_cgroup_open(h->cgroup_root, h->fake, &h->root);
}

/* Opens the container's cgroup, and enables the controller there. */
static bool open_cgroup(struct hook *h)
{
	const char *what = h->cgroup_root, *problem;
	enum dmem_status s = open_tree(h);

	if (s == DMEM_OK) {
		problem = hook_container_open(&h->arena, h->root, h->proc, h->state.pid, &h->container);
		if (problem) {
			must_hold(h);
			fail(h, "%s", problem);
			return false;
		}
		what = h->container.path;
		s = dmem_cgroup_enable_delegated(h->root, what);
	}
	if (s == DMEM_OK)
		return true;
	must_hold(h);
	fail_status(h, what, s);
	return false;
}

/* The owner of a cgroup above can turn the controller off there. In a user namespace, root's cgroups
 * have another number. */
static void warn_of_owners(struct hook *h)
{
	const char *path;

	if (h->rootless || !hook_policy_binds(&h->policy))
		return;
	path = hook_container_foreign(&h->arena, h->root, &h->container, h->fake ? geteuid() : 0,
				      h->fake ? getegid() : 0);
	if (path)
		fail(h, "%s: this cgroup is not root's: its owner can remove the limits of %s", path,
		     h->policy_file);
}

static void run(struct hook *h)
{
	const char *problem;

	if (!read_policy(h) || !read_state(h))
		return;
	read_annotations(h);
	if (!anything(h) || !open_cgroup(h))
		return;
	warn_of_owners(h);
	find_asks(h, true);
	find_rules(h);
	look_for_asks(h);
	limit_arguments(h);
	find_asks(h, false);
	limit_regions(h);
	problem = hook_container_check(&h->container);
	if (!problem)
		return;
	must_hold(h);
	fail(h, "%s", problem);
}

/* ---- the command line ---- */

static void help(void)
{
	printf("Usage: dmem-hook [--strict] [--timeout=SECONDS] [--max=REGION=SIZE]...\n"
	       "                 [--min=REGION=SIZE]...\n\n"
	       "Set limits of device memory on a container. A container runtime runs this\n"
	       "program as an OCI hook at createRuntime, with the state document on standard\n"
	       "input.\n\n"
	       "      --max=REGION=SIZE  set dmem.max of the container's cgroup\n"
	       "      --min=REGION=SIZE  set dmem.min\n"
	       "      --strict           do not start the container if a limit cannot be set\n"
	       "      --timeout=SECONDS  end after this time (default: %d)\n"
	       "  -h, --help             print this help\n"
	       "  -V, --version          print the version\n\n"
	       "Other limits are from the annotations dmem.pool/max and dmem.pool/min, and from\n"
	       POLICY_FILE ". See dmem-hook(8).\n", TIMEOUT);
}

static int parse_timeout(const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	return errno || end == text || *end || n < 1 || n > MAX_TIMEOUT ? -EINVAL : (int)n;
}

static int usage(const char *word, const char *problem)
{
	fprintf(stderr, "dmem-hook: %s: %s\n", word, problem);
	return USAGE;
}

static int add_argument(struct hook *h, enum dmem_kind kind, const char *arg)
{
	const char *problem = hook_asks_argument(&h->arena, kind, arg, &h->asks);

	return problem ? usage(arg, problem) : OK;
}

static int take(struct hook *h, int opt)
{
	switch (opt) {
	case DMEM_MAX:
	case DMEM_MIN:
		return add_argument(h, (enum dmem_kind)opt, optarg);
	case HOOK_STRICT:
		be_strict(h);
		return OK;
	case HOOK_TIMEOUT:
		h->timeout = parse_timeout(optarg);
		return h->timeout < 0 ? usage(optarg, "write 1 to 300 seconds") : OK;
	case HOOK_CGROUP_ROOT:
		h->fake = true;
		h->cgroup_root = optarg;
		return OK;
	case HOOK_PROC:
		h->proc = optarg;
		return OK;
	case HOOK_HEAPS:
		h->heaps = optarg;
		return OK;
	case HOOK_LOG:
		h->log.file = optarg;
		return OK;
	default:
		h->policy_file = optarg;
		return OK;
	}
}

static int parse(struct hook *h, int argc, char **argv, bool *done)
{
	int opt, ret = OK;

	opterr = 0;
	while (ret == OK && !*done && (opt = getopt_long(argc, argv, HOOK_SHORT_OPTIONS, hook_options,
						      NULL)) != -1) {
		*done = opt == 'h' || opt == 'V';
		if (opt == 'h')
			help();
		else if (opt == 'V')
			printf("dmem-hook %s\n", VERSION);
		else if (opt == ':' || opt == '?')
			ret = usage(argv[optind - 1], opt == ':' ? "a value is missing" : "unknown option");
		else
			ret = take(h, opt);
	}
	if (ret == OK && !*done && optind < argc)
		ret = usage(argv[optind], "unexpected argument");
	return ret;
}

int main(int argc, char **argv)
{
	struct hook h = {
		.log = { .name = "dmem-hook" }, .cgroup_root = "/sys/fs/cgroup", .proc = "/proc", .heaps = "/sys/class/dma_heap",
		.policy_file = POLICY_FILE, .timeout = TIMEOUT, .start = now_ms(), .root = -1,
		.container = HOOK_NO_CONTAINER,
	};
	bool done = false;
	int ret = parse(&h, argc, argv, &done);

	if (ret == OK && !done) {
		leave_context(&h);
		h.rootless = in_user_namespace(&h);
		run(&h);
		ret = h.failed && h.strict ? FAILED : OK;
	}
	hook_container_close(&h.container);
	if (h.root >= 0)
		close(h.root);
	dmem_arena_free(&h.arena);
	return ret;
}
