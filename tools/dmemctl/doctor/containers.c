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

/* Any directory in /run/user may have containers: what is in it is the user's, and is not looked at. */
static bool may_have_containers(struct doctor *d)
{
	static const char * const places[] = { "run/runc", "run/crun", "run/containerd/runc", "run/docker" };
	const char **users;
	size_t n;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int fd = dmem_sys_openat(&d->sys, places[i], O_PATH);

		if (fd < 0)
			continue;
		close(fd);
		return true;
	}
	return d->n_roots || (!dmem_sys_list(&d->sys, "run/user", d->arena, &users, &n) && n);
}

void doctor_containers(struct doctor *d)
{
	if (may_have_containers(d))
		doctor_say(d, NOTE, "containers", "build dmemctl with json-c",
			   "not checked, because this dmemctl was built without json-c");
}

#else

#include <errno.h>
#include <string.h>

#include "hook/arguments.h"
#include "hook/container.h"
#include "containers.h"

#define START_AGAIN	"start the container again"
#define NO_HOOK_REMEDY	"dmem-hook did not run for it: install dmem-containers, see dmem-hook(8), and " START_AGAIN
/* More than engines make. A user could make as many as a path has room for, to keep root busy. */
#define MAX_LEVELS	64

struct check {
	struct doctor *d;
	int root;			/* of the cgroup tree */
	struct stat owner;		/* of the tree */
	struct hook_policy policy;
	/* Of the container that is examined. */
	const struct doctor_container *c;
	struct hook_asks asks;
	bool gone;
	bool spent;			/* no step is left for it */
};

/* The limits of one region on the way from a container's cgroup to the root. */
struct way {
	uint64_t own;			/* of the container's cgroup, or lower, of its process's;
					 * DMEM_UNKNOWN: not enabled there */
	uint64_t lowest;
	const char *at;			/* the cgroup with the lowest limit */
	uint64_t held;			/* the lowest limit that only root can change */
	const char *who;		/* a user or group that can change @lowest, or NULL */
	const char *foreign;		/* the highest cgroup whose owner can remove @lowest, or NULL */
	uint64_t min;			/* the largest reservation from the process's cgroup to its own */
};

/* ---- findings ---- */

/* Counts a finding, which the caller then prints. A container that has ended meanwhile has no problem.
 * Containers of users are the business of these users, who could also cause a false alarm. */
static bool may_say(struct check *k)
{
	if (k->d->err || k->gone || k->spent || (k->c->left && !*k->c->left))
		return false;
	k->gone = !doctor_container_lives(k->d, k->c);
	return !k->gone && doctor_take_one(k->c->left);
}

static enum severity severity(const struct check *k)
{
	return k->c->of_user ? NOTE : PROBLEM;
}

static const char *source_text(const struct hook_choice *c)
{
	if (c->source == HOOK_POLICY)
		return DOCTOR_POLICY " limits it to";
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

/* Files of a user choose the process and the cgroup: they must not put a command for another one into
 * root's hands. */
static const char *command(struct check *k, const char *cgroup, size_t region)
{
	const struct dmem_node *n = k->c->of_user ? NULL : find_node(k->d, cgroup);
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
	const char *above = k->c->own, *found = NULL;
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
		doctor_say(k->d, severity(k), k->c->name, k->c->of_user ? START_AGAIN : remedy,
			   "%s, but the controller is not enabled below /%s, so its cgroup has no limit",
			   asks, above);
}

/* A limit file that belongs to the limited user, or that is below a cgroup of another user. */
static void say_writer(struct check *k, const char *asks, const struct way *w)
{
	static const char of_user[] = "limit the slice of this user";

	if (w->foreign) {
		doctor_say(k->d, severity(k), k->c->name, k->c->of_user ? of_user :
			   "make root the owner of that cgroup and its files, or limit a slice above it",
			   "%s, but /%s is not only root's: its owner can remove the limit of /%s below it, and "
			   "none above holds", asks, w->foreign, w->at);
		return;
	}
	doctor_say(k->d, severity(k), k->c->name, k->c->of_user ? of_user :
		   "make root the owner of the file, or limit a slice above it",
		   "%s, but %s can write to dmem.max of /%s and remove that limit, and none above holds",
		   asks, w->who, w->at);
}

/* The kernel rounds down to pages. */
static bool is_reserved(const struct way *w, uint64_t bytes)
{
	return w->min >= bytes - bytes % (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The policy lowers what an annotation asks for; without a ceiling, to nothing. What is in effect
 * counts, whoever has set it. */
static void check_unreserved(struct check *k, size_t r, const struct hook_choice *c, const struct way *w)
{
	const char *region = k->d->regions.region[r].name;

	if (c->source != HOOK_ANNOTATION || c->value >= c->asked || is_reserved(w, c->asked))
		return;
	/* Otherwise check_min() reports it. */
	if (!is_reserved(w, c->value) || !may_say(k))
		return;
	if (!k->c->files.n)
		doctor_say(k->d, severity(k), k->c->name, NO_HOOK_REMEDY,
			   "an annotation asks for a reservation of %s of %s, but dmem.min of its cgroup is %s",
			   doctor_size_beside(c->asked, w->min), region, doctor_size_beside(w->min, c->asked));
	else if (!c->value)
		doctor_say(k->d, NOTE, k->c->name,
			   "write DeviceMemoryMinCeiling= there, and " START_AGAIN,
			   "an annotation asks for a reservation of %s, but " DOCTOR_POLICY " admits none", region);
	else
		doctor_say(k->d, NOTE, k->c->name,
			   "ask for less, or raise DeviceMemoryMinCeiling= there, and " START_AGAIN,
			   "an annotation asks for a reservation of %s of %s, but " DOCTOR_POLICY " admits %s",
			   doctor_size_beside(c->asked, c->value), region, doctor_size_beside(c->value, c->asked));
}

/* A reservation of the container that the cgroups above do not have gets its finding in limits.c. */
static void check_min(struct check *k, size_t r, const struct hook_choice *c, const struct way *w)
{
	const char *region = k->d->regions.region[r].name;

	if (c->source == HOOK_NOBODY || is_reserved(w, c->value) || !may_say(k))
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

/* Limits below a cgroup of another user, which were taken already, do not hold. */
static void pass_foreign(struct check *k, const char *cgroup, struct way *w)
{
	if (!hook_cgroup_foreign(k->root, cgroup, k->owner.st_uid, k->owner.st_gid))
		return;
	w->held = DMEM_NO_LIMIT;
	if (w->at)
		w->foreign = cgroup;
}

static void take_own(const char *cgroup, uint64_t max, uint64_t min, const struct check *k, struct way *w)
{
	if (strlen(cgroup) < strlen(k->c->own))
		return;
	if (max != DMEM_UNKNOWN && (w->own == DMEM_UNKNOWN || max < w->own))
		w->own = max;
	if (min != DMEM_UNKNOWN && min > w->min)
		w->min = min;
}

/* Of two equal limits, the one that holds counts. */
static void take_limit(const char *cgroup, uint64_t max, const char *who, struct way *w)
{
	if (!who && max < w->held)
		w->held = max;
	if (max > w->lowest || (max == w->lowest && !w->who && !w->foreign))
		return;
	w->lowest = max;
	w->at = cgroup;
	w->who = who;
	w->foreign = NULL;
}

static void one_level(struct check *k, const char *cgroup, const char *region, struct way *w)
{
	uint64_t max = value_of(k, cgroup, "dmem.max", region, DMEM_NO_LIMIT);
	uint64_t min = value_of(k, cgroup, "dmem.min", region, 0);

	pass_foreign(k, cgroup, w);
	take_own(cgroup, max, min, k, w);
	if (max != DMEM_UNKNOWN && max != DMEM_NO_LIMIT)
		take_limit(cgroup, max, doctor_writer(k->d, cgroup, &k->owner), w);
}

static struct way find_way(struct check *k, const char *region)
{
	struct way w = { .own = DMEM_UNKNOWN, .lowest = DMEM_NO_LIMIT, .held = DMEM_NO_LIMIT };

	for (const char *cgroup = k->c->cgroup; cgroup && *cgroup && !k->spent; cgroup = parent_of(k, cgroup)) {
		k->spent = !doctor_take_one(k->c->steps);
		if (!k->spent)
			one_level(k, cgroup, region, &w);
	}
	return w;
}

static void say_limit(struct check *k, size_t r, const char *asks, uint64_t wanted, const struct way *w)
{
	const char *remedy = command(k, k->c->own, r);

	if (!remedy)
		return;
	if (!k->c->files.n)
		remedy = NO_HOOK_REMEDY;
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
	above = w->own == DMEM_UNKNOWN && w->lowest == DMEM_NO_LIMIT ? gap(k) : NULL;
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

static void read_policy(struct check *k)
{
	uint64_t unused;

	doctor_hook_policy(k->d, k->owner.st_uid, &k->policy);
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

/* Annotations that ask for nothing, but were meant to. */
static void check_names(struct check *k)
{
	const struct hook_state *s = &k->c->files.state;
	size_t n;
	const struct hook_annotation *unknown = hook_annotation_unknown(s, &n);
	const struct hook_annotation *unnamed = hook_annotation_unnamed(s);
	static const char remedy[] = "write dmem.pool/max, /min or /strict, and " START_AGAIN;

	if (n > 1 && may_say(k))
		doctor_say(k->d, severity(k), k->c->name, remedy,
			   "its annotation %.200s and %zu more are unknown, so they ask for nothing",
			   unknown->key, n - 1);
	else if (unknown && may_say(k))
		doctor_say(k->d, severity(k), k->c->name, remedy,
			   "its annotation %.200s is unknown, so it asks for nothing", unknown->key);
	if (unnamed && !k->c->files.unclear && may_say(k))
		doctor_say(k->d, severity(k), k->c->name,
			   "write dmem.pool/max, or add the annotation io.kubernetes.container.name, and " START_AGAIN,
			   "its annotation %.200s has no effect, because none names the container", unnamed->key);
}

static void check_keys(struct check *k)
{
	const char *unclear = k->c->files.unclear, *problem;

	hook_annotation_strict(&k->c->files.state, &problem);
	if (problem && may_say(k)) {
		const char *value = hook_state_find(&k->c->files.state, "strict")->value;

		doctor_say(k->d, severity(k), k->c->name, "write yes or no, and " START_AGAIN,
			   "its annotation dmem.pool/strict: '%.200s' %s", value ? value : "", problem);
	}
	if (unclear && may_say(k))
		doctor_say(k->d, severity(k), k->c->name,
			   "write no annotation of dmem.pool/ with another \"=\", and " START_AGAIN,
			   "in '%.200s', the annotation cannot be told from its value", unclear);
}

static void read_arguments(struct check *k)
{
	const struct hook_runtime *files = &k->c->files;

	for (size_t i = 0; i < files->n; i++) {
		const char *wrong = hook_arguments_asks(k->d->arena, files->command[i].arg,
							files->command[i].n, &k->asks);

		if (wrong && may_say(k))
			doctor_say(k->d, severity(k), k->c->name,
				   "correct the CDI file or the configuration, see dmem-hook(8)",
				   "dmem-hook cannot use its argument '%.200s'", wrong);
	}
}

static void read_annotations(struct check *k)
{
	const struct hook_annotation *of[HOOK_MAX_COUNTING];

	for (int kind = DMEM_MAX; kind <= DMEM_MIN; kind++) {
		size_t n = hook_annotations_counting(&k->c->files.state, (enum dmem_kind)kind, of);

		for (size_t i = 0; i < n; i++)
			read_annotation(k, (enum dmem_kind)kind, of[i]);
	}
}

/* True if a limit before this one has the same region. */
static bool is_again(const struct hook_asks *asks, size_t i)
{
	for (size_t n = 0; n < i; n++) {
		if (!strcmp(asks->ask[n].limit.region, asks->ask[i].limit.region))
			return true;
	}
	return false;
}

static void find_regions(struct check *k)
{
	for (size_t i = 0; i < k->asks.n; i++) {
		struct hook_ask *ask = &k->asks.ask[i];

		ask->region = region_of(k, ask->limit.region, &ask->capacity);
		if (!ask->region && !is_again(&k->asks, i) && may_say(k))
			doctor_say(k->d, severity(k), k->c->name,
				   doctor_is_never(k->d, ask->limit.region) ? DMEM_PLAIN_REMEDY :
				   "see lsdmem for the names, load the driver of the region, and " START_AGAIN,
				   "asks for a limit of %.255s, which is not a region", ask->limit.region);
	}
}

static void check_region(struct check *k, size_t r, const struct hook_policy *policy)
{
	const struct dmem_region *g = &k->d->regions.region[r];
	struct hook_choice max = hook_choose(policy, &k->asks, DMEM_MAX, g->name, g->capacity);
	struct hook_choice min = hook_choose(policy, &k->asks, DMEM_MIN, g->name, g->capacity);
	struct way w;

	/* Users can have any number of containers that ask for nothing. */
	if (k->c->of_user && max.value == DMEM_NO_LIMIT && min.source == HOOK_NOBODY)
		return;
	w = find_way(k, g->name);
	check_max(k, r, &max, &w);
	check_unreserved(k, r, &min, &w);
	check_min(k, r, &min, &w);
	check_leaf(k, r, &w);
}

static bool is_in_tree(const struct check *k)
{
	struct stat st;

	return !*k->c->cgroup || !fstatat(k->root, k->c->cgroup, &st, AT_SYMLINK_NOFOLLOW);
}

static bool is_too_deep(const struct doctor_container *c)
{
	size_t levels = 1;

	for (const char *p = strchr(c->cgroup, '/'); p; p = strchr(p + 1, '/'))
		levels++;
	return c->of_user && levels > MAX_LEVELS;
}

/* The reason why the limits of the container cannot be checked, with the remedy; or NULL. */
static const char *obstacle(const struct check *k, const char **remedy)
{
	*remedy = DOCTOR_OUTSIDE;
	if (!is_in_tree(k))
		return "is not in the tree";
	*remedy = "use fewer levels";
	return is_too_deep(k->c) ? "is too deep" : NULL;
}

static void check_container(void *data, const struct doctor_container *c)
{
	static const struct hook_policy none;
	const char *problem, *remedy;
	struct check *k = data;
	const struct hook_policy *policy = c->files.n ? &k->policy : &none;

	k->c = c;
	k->asks = (struct hook_asks){ 0 };
	k->gone = k->spent = false;
	problem = obstacle(k, &remedy);
	if (problem) {
		if (may_say(k))
			doctor_say(k->d, severity(k), c->name, remedy,
				   "its cgroup /%.255s %s, so its limits are not checked", c->cgroup, problem);
		return;
	}
	read_arguments(k);
	read_annotations(k);
	check_names(k);
	check_keys(k);
	find_regions(k);
	/* The kernel limits only the first region of a name. */
	for (size_t r = 0; r < k->d->regions.n && !k->d->err && !k->spent; r++) {
		if (!doctor_is_later(k->d, r))
			check_region(k, r, policy);
	}
}

void doctor_containers(struct doctor *d)
{
	struct check k = { .d = d, .root = dmem_sys_cgroup(&d->sys) };

	if (k.root < 0)
		return;
	if (doctor_tree_owner(d, &k.owner)) {
		read_policy(&k);
		doctor_each_container(d, k.owner.st_uid, check_container, &k);
	}
	close(k.root);
}

#endif
