// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares the limits that running containers ask for with those in effect. A container asks by its
 * annotations and by the command lines of dmem-hook in its configuration, to which an engine adds
 * those of CDI devices. The limit in effect is the lowest one of its cgroup and those above.
 */
#include <fcntl.h>
#include <unistd.h>

#include "doctor.h"

#ifdef NO_JSONC

void doctor_containers(struct doctor *d)
{
	static const char * const places[] = { "run/runc", "run/crun", "run/containerd/runc", "run/docker" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int fd = dmem_sys_openat(&d->sys, places[i], O_PATH);

		if (fd < 0)
			continue;
		close(fd);
		doctor_say(d, NOTE, "containers", "build dmemctl with json-c",
			   "not checked, because this dmemctl was built without json-c");
		return;
	}
}

#else

#include <errno.h>
#include <string.h>

#include "hook/arguments.h"
#include "containers.h"

#define POLICY		"/etc/dmem/hook.conf"
#define START_AGAIN	"start the container again"

struct check {
	struct doctor *d;
	int root;			/* of the cgroup tree */
	struct stat owner;		/* of the tree */
	struct hook_policy policy;
	bool policy_read;
	/* Of the container that is examined. */
	const struct doctor_container *c;
	struct hook_asks asks;
	bool gone;
};

/* The limits of one region on the way from a container's cgroup to the root. */
struct way {
	uint64_t own;			/* of the container's cgroup; DMEM_UNKNOWN: not enabled there */
	uint64_t lowest;
	const char *at;			/* the cgroup with the lowest limit */
	uint64_t held;			/* the lowest limit that only root can change */
	const char *who;		/* a user or group that can change @lowest, or NULL */
	uint64_t min;			/* the largest reservation */
};

/* ---- findings ---- */

/* A container that has ended meanwhile has no problem. Containers of users are the business of these
 * users, who could also cause a false alarm. */
static bool may_say(struct check *k)
{
	if (!k->gone)
		k->gone = !doctor_container_runs(k->d, k->c);
	return !k->gone && !k->d->err;
}

static enum severity severity(const struct check *k)
{
	return k->c->of_user ? NOTE : PROBLEM;
}

static const char *source_text(const struct hook_choice *c)
{
	if (c->source == HOOK_POLICY)
		return POLICY " limits it to";
	return c->source == HOOK_ARGUMENT ? "an argument of dmem-hook, as of a CDI device, asks for" :
					    "an annotation asks for";
}

static const struct dmem_node *find_node(const struct doctor *d, const char *path)
{
	const struct dmem_node *n = d->tree.root->child;

	while (n) {
		size_t len = strlen(n->name);

		if (strncmp(path, n->name, len) || (path[len] && path[len] != '/'))
			n = n->next;
		else if (!path[len])
			return n;
		else {
			path += len + 1;
			n = n->child;
		}
	}
	return NULL;
}

static const char *command(struct check *k, const char *cgroup, size_t region)
{
	const struct dmem_node *n = find_node(k->d, cgroup);
	const char *text = n ? doctor_limit(k->d, n, region) : "";

	if (text && *text)
		text = dmem_printf(k->d->arena, "%s, or " START_AGAIN, text);
	else if (text)
		text = START_AGAIN;
	if (!text)
		k->d->err = -ENOMEM;
	return text;
}

static const char *parent_of(struct check *k, const char *cgroup)
{
	const char *slash = strrchr(cgroup, '/');
	char *path = dmem_strndup(k->d->arena, cgroup, slash ? (size_t)(slash - cgroup) : 0);

	if (!path)
		k->d->err = -ENOMEM;
	return path;
}

/* ---- the four checks of the way from the container to the root ---- */

/* The cgroup next to the root that does not enable the controller for the one below it. */
static const char *gap(struct check *k)
{
	const char *above = k->c->cgroup, *found = NULL;
	uint64_t unused;

	while (above && *above) {
		const char *cgroup = above;

		above = parent_of(k, cgroup);
		if (dmem_cgroup_get(k->root, cgroup, "dmem.max", "", &unused) == DMEM_NO_CGROUP)
			found = above;
	}
	return found;
}

/* A cgroup above without +dmem: the container's cgroup has no file for a limit. */
static void say_gap(struct check *k, const char *asks, const char *above)
{
	const char *word = dmem_printf(k->d->arena, "/sys/fs/cgroup/%s%scgroup.subtree_control", above,
				       *above ? "/" : "");
	const char *file = word ? doctor_word(k->d, word) : NULL;
	const char *remedy = file ? dmem_printf(k->d->arena, "echo +dmem >%s, and " START_AGAIN, file) : NULL;

	if (!remedy)
		k->d->err = -ENOMEM;
	else
		doctor_say(k->d, severity(k), k->c->name, remedy,
			   "%s, but the controller is not enabled below /%s, so its cgroup has no limit",
			   asks, above);
}

/* A limit file that belongs to the limited user. */
static void say_writer(struct check *k, const char *asks, const struct way *w)
{
	doctor_say(k->d, severity(k), k->c->name,
		   "make root the owner of the file, or limit a slice above it",
		   "%s, but %s can write to dmem.max of /%s and remove that limit, and none above holds",
		   asks, w->who, w->at);
}

/* A reservation of the container that the cgroups above do not have gets its finding in limits.c. */
static void check_min(struct check *k, size_t r, const struct hook_choice *c, const struct way *w)
{
	const char *region = k->d->regions.region[r].name;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (c->source == HOOK_NOBODY || w->min >= c->value - c->value % page || !may_say(k))
		return;
	doctor_say(k->d, severity(k), k->c->name, START_AGAIN ", and see the log for messages of dmem-hook",
		   "%s a reservation of %s of %s, but dmem.min of its cgroup is %s", source_text(c),
		   doctor_size_beside(c->value, w->min), region, doctor_size_beside(w->min, c->value));
}

/* A leaf that shows max below a limited cgroup: a program inside cannot see that limit. */
static void check_leaf(struct check *k, size_t r, const struct way *w)
{
	if (w->own != DMEM_NO_LIMIT || w->lowest == DMEM_NO_LIMIT || !may_say(k))
		return;
	doctor_say(k->d, NOTE, k->c->name,
		   "set the limit on its own cgroup as well if programs inside read it",
		   "its dmem.max of %s is max, but the limit of /%s, %s, is in effect",
		   k->d->regions.region[r].name, w->at, doctor_size(w->lowest));
}

/* ---- limits ---- */

static uint64_t value_of(struct check *k, const char *cgroup, const char *file, const char *region,
			 uint64_t none)
{
	uint64_t v = none;
	enum dmem_status s = dmem_cgroup_get(k->root, cgroup, file, region, &v);

	return s == DMEM_OK || s == DMEM_NO_REGION ? v : DMEM_UNKNOWN;
}

static void one_level(struct check *k, const char *cgroup, const char *region, struct way *w)
{
	uint64_t max = value_of(k, cgroup, "dmem.max", region, DMEM_NO_LIMIT);
	uint64_t min = value_of(k, cgroup, "dmem.min", region, 0);
	const char *who;

	if (cgroup == k->c->cgroup)
		w->own = max;
	if (min != DMEM_UNKNOWN && min > w->min)
		w->min = min;
	if (max == DMEM_UNKNOWN || max == DMEM_NO_LIMIT)
		return;
	who = doctor_writer(k->d, cgroup, &k->owner);
	if (!who && max < w->held)
		w->held = max;
	if (max > w->lowest || (max == w->lowest && !w->who))
		return;
	w->lowest = max;
	w->at = cgroup;
	w->who = who;
}

static struct way find_way(struct check *k, const char *region)
{
	struct way w = { .own = DMEM_UNKNOWN, .lowest = DMEM_NO_LIMIT, .held = DMEM_NO_LIMIT };

	for (const char *cgroup = k->c->cgroup; cgroup && *cgroup; cgroup = parent_of(k, cgroup))
		one_level(k, cgroup, region, &w);
	return w;
}

static void say_limit(struct check *k, size_t r, const char *asks, uint64_t wanted, const struct way *w)
{
	const char *remedy = command(k, k->c->cgroup, r);

	if (!remedy)
		return;
	if (!k->c->files.n)
		remedy = "dmem-hook did not run for it: install dmem-containers, see dmem-hook(8), and "
			START_AGAIN;
	if (w->lowest == DMEM_NO_LIMIT)
		doctor_say(k->d, severity(k), k->c->name, remedy, "%s, but no limit is in effect", asks);
	else
		doctor_say(k->d, severity(k), k->c->name, remedy,
			   "%s, but the limit in effect is %s, of /%s", asks,
			   doctor_size_beside(w->lowest, wanted), w->at);
}

static void check_max(struct check *k, size_t r, const struct hook_choice *c, const struct way *w)
{
	const char *asks, *above;

	if (c->value == DMEM_NO_LIMIT || w->held <= c->value || !may_say(k))
		return;
	asks = dmem_printf(k->d->arena, "%s %s of %s", source_text(c),
			   doctor_size_beside(c->value, w->lowest), k->d->regions.region[r].name);
	if (!asks) {
		k->d->err = -ENOMEM;
		return;
	}
	if (w->lowest <= c->value) {
		say_writer(k, asks, w);
		return;
	}
	above = w->own == DMEM_UNKNOWN && *k->c->cgroup ? gap(k) : NULL;
	if (above)
		say_gap(k, asks, above);
	else
		say_limit(k, r, asks, c->value, w);
}

/* ---- the sources ---- */

static const char *region_of(struct check *k, const char *name, uint64_t *capacity)
{
	const struct dmem_regions *all = &k->d->regions;
	const struct dmem_region *g = dmem_regions_find(all, dmem_regions_meant(all, name));

	*capacity = g ? g->capacity : DMEM_UNKNOWN;
	return g ? g->name : NULL;
}

static const char *load_policy(struct check *k)
{
	int fd = dmem_sys_openat(&k->d->sys, &POLICY[1], O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct dmem_text t = { 0 };
	const char *problem;
	struct stat st;
	int ret;

	if (fd == -EACCES)
		doctor_say(k->d, NOTE, POLICY, "run as root", "cannot be read: %s", strerror(-fd));
	if (fd < 0)
		return fd == -ENOENT || fd == -EACCES ? NULL : strerror(-fd);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return "is no regular file";
	}
	ret = dmem_read_fd(fd, &t);
	problem = ret ? strerror(-ret) : hook_policy_parse(k->d->arena, t.s, t.len, &k->policy);
	dmem_text_free(&t);
	return problem;
}

/* Only if a hook runs: without dmem-hook, the file has no effect. */
static void read_policy(struct check *k)
{
	const char *problem;
	uint64_t unused;

	if (k->policy_read)
		return;
	k->policy_read = true;
	problem = load_policy(k);
	if (problem) {
		doctor_say(k->d, PROBLEM, POLICY, "correct it, see dmem-hook(8)",
			   "%s, so no container with dmem-hook starts", problem);
		k->policy = (struct hook_policy){ 0 };
	}
	for (size_t i = 0; i < k->policy.n; i++) {
		struct hook_rule *rule = &k->policy.rule[i];

		rule->region = region_of(k, rule->limit.region, &unused);
	}
}

static void read_annotation(struct check *k, enum dmem_kind kind, const struct hook_annotation *a)
{
	const char *problem = "is no text";

	if (a->value)
		problem = hook_asks_parse(k->d->arena, kind, a->value, &k->asks);
	if (problem && may_say(k))
		doctor_say(k->d, severity(k), k->c->name,
			   "write \"REGION SIZE; REGION SIZE\", and " START_AGAIN,
			   "its annotation %.200s: '%.200s' %s", a->key, a->value ? a->value : "", problem);
}

static void read_asks(struct check *k)
{
	const struct hook_runtime *files = &k->c->files;
	const struct hook_annotation *of[HOOK_MAX_COUNTING];

	for (size_t i = 0; i < files->n; i++) {
		const char *wrong = hook_arguments_asks(k->d->arena, files->command[i].arg,
							files->command[i].n, &k->asks);

		if (wrong && may_say(k))
			doctor_say(k->d, severity(k), k->c->name,
				   "correct the CDI file or the configuration, see dmem-hook(8)",
				   "dmem-hook cannot use its argument '%.200s'", wrong);
	}
	for (int kind = DMEM_MAX; kind <= DMEM_MIN; kind++) {
		size_t n = hook_annotations_counting(&files->state, (enum dmem_kind)kind, of);

		for (size_t i = 0; i < n; i++)
			read_annotation(k, (enum dmem_kind)kind, of[i]);
	}
}

static void find_regions(struct check *k)
{
	for (size_t i = 0; i < k->asks.n; i++) {
		struct hook_ask *ask = &k->asks.ask[i];

		ask->region = region_of(k, ask->limit.region, &ask->capacity);
		if (!ask->region && may_say(k))
			doctor_say(k->d, severity(k), k->c->name,
				   "see lsdmem for the names, load the driver of the region, and " START_AGAIN,
				   "asks for a limit of %.255s, which is not a region", ask->limit.region);
	}
}

static void check_region(struct check *k, size_t r, const struct hook_policy *policy)
{
	const struct dmem_region *g = &k->d->regions.region[r];
	struct hook_choice max = hook_choose(policy, &k->asks, DMEM_MAX, g->name, g->capacity);
	struct hook_choice min = hook_choose(policy, &k->asks, DMEM_MIN, g->name, g->capacity);
	struct way w = find_way(k, g->name);

	check_max(k, r, &max, &w);
	check_min(k, r, &min, &w);
	check_leaf(k, r, &w);
}

static void check_container(void *data, const struct doctor_container *c)
{
	static const struct hook_policy none;
	struct check *k = data;
	const struct hook_policy *policy = c->files.n ? &k->policy : &none;

	k->c = c;
	k->asks = (struct hook_asks){ 0 };
	k->gone = false;
	if (c->files.n)
		read_policy(k);
	read_asks(k);
	find_regions(k);
	/* The kernel limits only the first region of a name. */
	for (size_t r = 0; r < k->d->regions.n && !k->d->err; r++) {
		if (!doctor_is_later(k->d, r))
			check_region(k, r, policy);
	}
}

void doctor_containers(struct doctor *d)
{
	struct check k = { .d = d, .root = dmem_sys_cgroup(&d->sys) };

	if (k.root < 0)
		return;
	if (doctor_tree_owner(d, &k.owner))
		doctor_each_container(d, check_container, &k);
	close(k.root);
}

#endif
