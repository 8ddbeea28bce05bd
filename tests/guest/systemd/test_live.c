// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random trees of units on the running system: after a reload, each unit has exactly the limits in
 * the files that systemd has read for it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"
#include "tree.h"

#define SECONDS		40
/* Reached only if systemd does not answer any more. */
#define TIMEOUT		240
#define FIRST_SEED	1
#define MAX_UNITS	64
/* A reload takes longer than the check of a tree. */
#define TREES		3

static const char * const prefix[TREES] = { "dta", "dtb", "dtc" };

/* In systemd's order. */
static const char * const dirs[] = {
	"/etc/systemd/system.control", "/run/systemd/system.control", "/etc/systemd/system",
	"/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
};

/* A slice with limits, and the service that sets them. */
struct slice {
	char name[TREE_NAME], service[2 * TREE_NAME];
	struct tree_limits limits;
};

/* Shared with the parent, which cleans up after any end of the test. */
FIXTURE(live) {
	struct tree tree[TREES];
	struct slice slice[MAX_UNITS];
	int slices, asked, answers, compared, limited;
	char why[8192];
};

static void __attribute__((format(printf, 2, 3))) fail(FIXTURE_DATA(live) *self, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(self->why, sizeof(self->why), fmt, ap);
	va_end(ap);
}

static void remove_trees(FIXTURE_DATA(live) *self)
{
	for (int i = 0; i < TREES; i++) {
		struct tree *t = &self->tree[i];

		while (t->n) {
			char *path = t->file[--t->n].path, *slash = strrchr(path, '/');

			unlink(path);
			*slash = 0;
			if (!strcmp(slash - 2, ".d"))
				rmdir(path);
		}
	}
}

static int write_one(const struct tree_file *f)
{
	char dir[sizeof(f->path)];
	FILE *file;

	snprintf(dir, sizeof(dir), "%s", f->path);
	*strrchr(dir, '/') = 0;
	mkdir(dir, 0755);
	if (f->link)
		return symlink(f->text, f->path) ? -errno : 0;
	/* Existing files belong to another program. */
	file = fopen(f->path, "wxe");
	if (!file)
		return -errno;
	fputs(f->text, file);
	return fclose(file) ? -errno : 0;
}

FIXTURE_SETUP(live)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	for (size_t d = 0; d < sizeof(dirs) / sizeof(*dirs); d++)
		run("mkdir", "-p", dirs[d], NULL);
	for (int i = 0; i < TREES; i++) {
		self->tree[i].prefix = prefix[i];
		self->tree[i].dir = dirs;
		self->tree[i].n_dirs = sizeof(dirs) / sizeof(*dirs);
		self->tree[i].slices = true;
		/* Drop-ins for types of one tree would apply to all units. */
		self->tree[i].types = !i;
	}
}

FIXTURE_TEARDOWN_PARENT(live)
{
	remove_trees(self);
	EXPECT_EQ(0, reload());
}

/* The value of a property, which must not occur twice in the text. */
static const char *value(const char *text, const char *key, char *buf, size_t size)
{
	size_t len = strlen(key);
	const char *p = text;

	while (p && (strncmp(p, key, len) || p[len] != '=')) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	p = p ? p + len + 1 : "";
	snprintf(buf, size, "%.*s", (int)strcspn(p, "\n"), p);
	return buf;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = strstr(words, word); p; p = strstr(p + 1, word)) {
		if ((p == words || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	}
	return false;
}

static const char *loaded_from(const char *text)
{
	static char paths[8192];
	char fragment[512], dropins[4096];

	snprintf(paths, sizeof(paths), "%s %s", value(text, "FragmentPath", fragment, sizeof(fragment)),
		 value(text, "DropInPaths", dropins, sizeof(dropins)));
	return paths;
}

/* The limits in all files except ours, in the order in which systemd reads them. */
static void files_say(const char *text, struct tree_limits *limits)
{
	char paths[8192], *save, *p;

	memset(limits, 0, sizeof(*limits));
	snprintf(paths, sizeof(paths), "%s", loaded_from(text));
	for (p = strtok_r(paths, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		if (!strstr(p, "/zz-dmem.conf"))
			tree_read(p, limits);
	}
}

static void compare(FIXTURE_DATA(live) *self, const char *unit, const struct tree_limits *limits,
		    const char *command, const char *text)
{
	const char *first = strstr(command, "/dmem-apply");
	struct tree_limits given = { 0 };
	bool more = *command && !tree_given(command, &given);

	self->compared++;
	self->limited += tree_any(limits);
	/* A second command would be a second "argv[]=". */
	if (*command && (!first || strstr(strstr(command, "argv[]=") + 1, "argv[]=")))
		more = true;
	if (!more && tree_same(&given, limits))
		return;
	fail(self, "%s: gets %s%s; the files say %s\n%s\n%s", unit,
		 tree_text(&given), more ? " and more" : "", tree_text(limits), command, text);
}

static void see_service(FIXTURE_DATA(live) *self, const char *unit, const char *text)
{
	char command[4096];
	struct tree_limits limits;

	files_say(text, &limits);
	value(text, "ExecCondition", command, sizeof(command));
	compare(self, unit, &limits, command, loaded_from(text));
	/* The failure of a command must not keep a unit from starting, unless its limits are
	 * strict. */
	if (!*self->why && *command &&
	    !strstr(command, limits.strict ? "ignore_errors=no" : "ignore_errors=yes"))
		fail(self, "%s: is%s strict\n%s", unit,
			 limits.strict ? "" : " not", command);
}

/* A slice has an After= on its service, whose command is checked later. */
static void see_slice(FIXTURE_DATA(live) *self, const char *unit, const char *text)
{
	char wants[8192], requires[8192], after[8192];
	struct slice *s = &self->slice[self->slices];
	const char *in = wants, *p, *none;

	snprintf(s->name, sizeof(s->name), "%s", unit);
	files_say(text, &s->limits);
	value(text, "Wants", wants, sizeof(wants));
	value(text, "Requires", requires, sizeof(requires));
	value(text, "After", after, sizeof(after));
	if (tree_any(&s->limits) && s->limits.strict)
		in = requires;
	none = in == wants ? requires : wants;
	p = strstr(in, "dmem-slice");
	snprintf(s->service, sizeof(s->service), "%.*s", p ? (int)strcspn(p, " ") : 0, p ? p : "");
	if (!p != !tree_any(&s->limits) || strstr(none, "dmem-slice") ||
	    (p && (!has_word(after, s->service) || strstr(p + 1, "dmem-slice"))))
		fail(self, "%s: the files say %s, and it has Wants=%s Requires=%s After=%s\n%s", unit,
			 tree_text(&s->limits), wants, requires, after, loaded_from(text));
	else if (p)
		self->slices++;
	else
		self->compared++;
}

static void see_unit(FIXTURE_DATA(live) *self, const char *text)
{
	char unit[2 * TREE_NAME], state[32];

	self->answers++;
	value(text, "Id", unit, sizeof(unit));
	value(text, "LoadState", state, sizeof(state));
	if (!strcmp(state, "masked") || !strcmp(state, "not-found"))
		return;
	if (strcmp(state, "loaded"))
		fail(self, "%s is %s: %s", unit, state, loaded_from(text));
	else if (strstr(unit, ".slice"))
		see_slice(self, unit, text);
	else
		see_service(self, unit, text);
}

static void see_slice_service(FIXTURE_DATA(live) *self, const char *text)
{
	char unit[2 * TREE_NAME], command[4096], option[TREE_NAME + 20];
	struct slice *s = &self->slice[self->answers++];

	value(text, "Id", unit, sizeof(unit));
	value(text, "ExecStart", command, sizeof(command));
	snprintf(option, sizeof(option), "--slice=%s", s->name);
	if (strcmp(unit, s->service) || !has_word(command, option) ||
	    *value(text, "ExecCondition", option, sizeof(option)))
		fail(self, "%s of %s is %s: %s", s->service, s->name, unit,
			 text);
	else
		compare(self, s->name, &s->limits, command, loaded_from(text));
}

/* Queries all units at once: calls @see with the properties of each. */
static void ask(FIXTURE_DATA(live) *self, const char *units, int asked,
		void (*see)(FIXTURE_DATA(live) *, const char *))
{
	static char command[8192];
	char *text, *next;

	snprintf(command, sizeof(command), "systemctl show -p Id,LoadState,FragmentPath,DropInPaths,"
		 "ExecCondition,ExecStart,Wants,Requires,After -- %s", units);
	if (run("sh", "-c", command, NULL)) {
		fail(self, "systemctl show: %s", output());
		return;
	}
	self->answers = 0;
	for (text = strdup(output()); text && !*self->why; text = next) {
		next = strstr(text, "\n\n");
		if (next) {
			*next = 0;
			next += 2;
		}
		see(self, text);
	}
	if (!*self->why && (self->answers != asked || output()[strlen(output()) - 1] != '\n'))
		fail(self, "%d answers about %d units: %s", self->answers,
			 asked, output());
}

static void write_tree(FIXTURE_DATA(live) *self, struct tree *t, unsigned int seed)
{
	tree_make(t, seed);
	for (size_t i = 0; i < t->n && !*self->why; i++) {
		int err = write_one(&t->file[i]);

		if (err)
			fail(self, "%s: %s", t->file[i].path, strerror(-err));
	}
}

static void look_at_tree(FIXTURE_DATA(live) *self, const struct tree *t)
{
	char units[MAX_UNITS * 2 * TREE_NAME] = "", name[TREE_NAME];
	int asked;

	for (asked = 0; tree_unit(t, (size_t)asked, name); asked++)
		snprintf(units + strlen(units), sizeof(units) - strlen(units), " %s", name);
	self->slices = 0;
	ask(self, units, asked, see_unit);
	if (*self->why || !self->slices)
		return;
	*units = 0;
	for (int i = 0; i < self->slices; i++)
		snprintf(units + strlen(units), sizeof(units) - strlen(units), " %s",
			 self->slice[i].service);
	ask(self, units, self->slices, see_slice_service);
}

TEST_F_TIMEOUT(live, trees, TIMEOUT)
{
	long long end = now_ms() + SECONDS * 1000LL;
	unsigned int seed = FIRST_SEED;
	int trees = 0;

	do {
		for (int i = 0; i < TREES; i++) {
			write_tree(self, &self->tree[i], seed + (unsigned int)i);
			ASSERT_STREQ("", self->why);
		}
		ASSERT_EQ(0, reload()) TH_LOG("%s", output());
		for (int i = 0; i < TREES; i++) {
			look_at_tree(self, &self->tree[i]);
			ASSERT_STREQ("", self->why)
				TH_LOG("tree %u of %u to %u", seed + (unsigned int)i, seed, seed + TREES - 1);
			trees++;
		}
		remove_trees(self);
		seed += TREES;
	} while (now_ms() < end);
	TH_LOG("%d trees, %d units, %d of them with caps", trees, self->compared, self->limited);
	EXPECT_GT(self->compared, 12 * trees);
	EXPECT_GT(self->limited, 6 * trees);
}

TEST_HARNESS_MAIN
