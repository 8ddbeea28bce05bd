// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random bytes as drop-ins: systemd itself reads the same lines, keys and words in
 * them as the library does, and the library finds an obstacle exactly where the
 * settings that systemd has read are one.
 *
 * test_texts SYSTEMD DIRECTORY RUNS [FIRST-SEED]
 *
 * A run is one of systemd with --test, on UNITS units. See test_differential.c, which
 * does the same for trees, and finds out whether this systemd can be used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/dmem.h"
#include "tap.h"

#define UNITS	60
#define MAX_TEXT	600
#define MAX_WORDS	64
#define NOBODY	"65534"

/* The results of systemd and of the library for one text. */
struct reading {
	char env[MAX_WORDS][MAX_TEXT];
	size_t n;
	char description[MAX_TEXT], root[MAX_TEXT];
};

static unsigned long long state;

static size_t pick(size_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(state >> 33) % n;
}

struct piece {
	const char *s;
	size_t len;
};

#define PIECE(s)	{ s, sizeof(s) - 1 }

static const struct piece headers[] = {
	PIECE("[Service]"), PIECE("[Service]"), PIECE("[Service]"), PIECE("[Unit]"), PIECE(" [Unit] "),
	PIECE("[X-Dmem]"), PIECE("[Serv\\\nice]"), PIECE("[ Service ]"), PIECE("[X-caf\xc3\xa9]"), PIECE("[]"),
};

/* systemd reads no further. */
static const struct piece ends[] = {
	PIECE("[X-\"a\"]"), PIECE("[X-\x01]"), PIECE("[X-a\\b]"), PIECE("[Service"), PIECE("[X-\x7f]"), PIECE("[X-'"),
	PIECE("\xff"), PIECE("\xe9"), PIECE("\xed\xa0\x80"), PIECE("\xf4\x90\x80\x80"), PIECE("\xc0\xaf"),
	PIECE("\xef\xb7\x90"), PIECE("\xef\xbf\xbe"), PIECE("\xef\xbb"), PIECE("RootDirectory=relative"),
};

static const struct piece keys[] = {
	PIECE("Environment="), PIECE("Environment="), PIECE("Environment="), PIECE("Environment = "),
	PIECE("\tEnvironment\\\n="), PIECE("Description="), PIECE("Description="), PIECE("RootDirectory="),
	PIECE("RootDirectory=/a"), PIECE("RootDirectoryStartOnly=yes"), PIECE("RootDirectoryStartOnly=0"),
	PIECE("BOM=\xef\xbb\xbf"), PIECE("="),
};

static const struct piece words[] = {
	PIECE("A=1"), PIECE("B=2"), PIECE("C=3 D=4"), PIECE("\"E=5 6\""), PIECE("'F=7'"), PIECE("G=\"8 9\""),
	PIECE("H=\\x41"), PIECE("I=a\\sb"), PIECE("J=a\\tb"), PIECE("K=\\\\"), PIECE("L='\"'"), PIECE("M=\"\\\"\""),
	PIECE("no words"), PIECE("N=\xf0\x9f\x98\x80"), PIECE("O=\xc2\x85"), PIECE("1P=1"), PIECE("Q=\x01"),
	PIECE("R=#"), PIECE("S=;"), PIECE("T=\\"), PIECE("U=\\q"), PIECE("'V=1"), PIECE(""), PIECE("/a"), PIECE("/"),
	PIECE("//b/./c/"), PIECE("//"), PIECE("\x7f"), PIECE("W=\xef\xbb\xbf"),
};

static const struct piece mount_keys[] = {
	PIECE("BindPaths="), PIECE("BindReadOnlyPaths="), PIECE("TemporaryFileSystem="), PIECE("MountImages="),
};

static const struct piece mounts[] = {
	PIECE("/a"), PIECE("/a:/b"), PIECE("-/a:/a"), PIECE("//a/:/./a"), PIECE("/a:/b/../c"), PIECE("a:/b"),
	PIECE("/a:b"), PIECE("/a:"), PIECE("/a:/b:rbind"), PIECE("/a:/a:norbind"), PIECE("\"/a b\":/c"), PIECE("'/a b'"),
	PIECE("/"), PIECE("/:/"), PIECE("/img:/"), PIECE("/x%%:/y%%"),
	PIECE("%t/a:/b"), PIECE("/usr:ro"), PIECE("/usr/:mode=0755,size=1M"), PIECE("-/usr"), PIECE("\"/open"), PIECE(""),
	PIECE("/a:/b/."), PIECE("/a//b:/c/./d"), PIECE("/...:/.../x"),
};

static const struct piece between[] = {
	PIECE(" "), PIECE(" "), PIECE(" "), PIECE("\t"), PIECE("\\\n"), PIECE(" \\\n  "), PIECE("\\\r\n"), PIECE("\\\r"),
	PIECE("\\\n# in it\n"), PIECE("\\\n ; in it\\\r\n"), PIECE(" \\\n\xef\xbb\xbf"), PIECE("\\\n\r"), PIECE("\\ \n"),
	PIECE("\\\\\n"), PIECE("\\\n\n"), PIECE("\\\0"), PIECE(""),
};

static const struct piece newlines[] = {
	PIECE("\n"), PIECE("\n"), PIECE("\n"), PIECE("\n"), PIECE("\r"), PIECE("\r\n"), PIECE("\n\r"), PIECE("\0"),
	PIECE("\n\0"), PIECE("\r\0\n"), PIECE("\r\r"), PIECE("\r\n\r\n"), PIECE(" \n"), PIECE("\\\\\n"),
	PIECE("\n#"), PIECE("\n# \\\n"), PIECE("\r;\r"), PIECE("\n\xef\xbb\xbf"), PIECE("\n\xef\xbb\xbf#"), PIECE(""),
};

struct text {
	char s[MAX_TEXT];
	size_t n;
};

static void add_piece(struct text *t, const struct piece *p)
{
	if (t->n + p->len > MAX_TEXT)
		return;
	memcpy(t->s + t->n, p->s, p->len);
	t->n += p->len;
}

#define ADD(t, from)	add_piece(t, &(from)[pick(sizeof(from) / sizeof(*(from)))])

static void make(struct text *t)
{
	t->n = 0;
	for (size_t lines = 2 + pick(12); lines; lines--) {
		if (!t->n && pick(5)) {
			add_piece(t, &headers[0]);
		} else if (!t->n || !pick(9)) {
			ADD(t, headers);
		} else if (!pick(40)) {
			ADD(t, ends);
		} else if (!pick(4)) {
			ADD(t, mount_keys);
			for (size_t k = pick(3); k; k--) {
				ADD(t, mounts);
				if (k > 1)
					ADD(t, between);
			}
		} else {
			ADD(t, keys);
			for (size_t k = pick(8) ? 1 + pick(3) : 0; k; k--) {
				ADD(t, words);
				if (k > 1)
					ADD(t, between);
			}
		}
		ADD(t, newlines);
		if (!pick(16) && t->n < MAX_TEXT)
			t->s[t->n++] = (char)pick(pick(4) ? 128 : 256);
	}
	/* One byte is lost. */
	if (!pick(8)) {
		size_t at = pick(t->n);

		t->n--;
		memmove(t->s + at, t->s + at + 1, t->n - at);
	}
}

static void put_bytes(const char *rel, const char *text, size_t n)
{
	FILE *f;

	put(rel, "%s", "");
	f = fopen(tap_path(rel), "w");
	if (!f || fwrite(text, 1, n, f) != n || fclose(f))
		abort();
}

/* The last one of a name counts. */
static void add_env(struct reading *r, const char *word)
{
	const char *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) + 1 : 0, i;

	/* systemd takes no other names. */
	if (len < 2 || strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") + 1 != len ||
	    (*word >= '0' && *word <= '9'))
		return;
	for (i = 0; i < r->n && strncmp(r->env[i], word, len); i++)
		;
	if (i == MAX_WORDS)
		abort();
	r->n += i == r->n;
	/* The part that systemd prints in one line. */
	snprintf(r->env[i], MAX_TEXT, "%.*s", (int)strcspn(word, "\n"), word);
}

static void add_text(struct reading *r, const char *text)
{
	size_t i = 0;

	while (i < r->n && strcmp(r->env[i], text))
		i++;
	if (i == MAX_WORDS)
		abort();
	r->n += i == r->n;
	strcpy(r->env[i], text);
}

/* Where it is mounted, and whether it was there before. */
static void add_mount(struct reading *r, const char *key, const char *path, bool same)
{
	char text[MAX_TEXT];

	snprintf(text, sizeof(text), "%s %s %s", key, *path ? path : "/", same ? "same" : "other");
	add_text(r, text);
}

/* The specifiers that are in our words. */
static const char *expanded(const char *s)
{
	static char text[2 * MAX_TEXT];
	char *out = text;

	while (*s) {
		if (s[0] == '%' && s[1] == 't')
			out = stpcpy(out, "/run");
		else if (s[0] == '%' && s[1] == '%')
			*out++ = '%';
		else
			*out++ = *s;
		s += 1 + (s[0] == '%' && (s[1] == 't' || s[1] == '%'));
	}
	*out = 0;
	return text;
}

static int one_line(void *data, unsigned int line, const char *section, const char *key,
		    const char *value)
{
	char text[MAX_TEXT], *rest = text, *word;
	struct reading *r = data;
	int err;

	(void)line;
	if (!section || !key || !value)
		return 0;
	if (!strcmp(section, "Unit") && !strcmp(key, "Description"))
		snprintf(r->description, MAX_TEXT, "%s", expanded(value));
	if (strcmp(section, "Service"))
		return 0;
	/* A fatal mistake ends the file, too. */
	if (!strcmp(key, "RootDirectory") && *value && *value != '/')
		return 1;
	if (strcmp(key, "Environment"))
		return 0;
	if (!*value)
		r->n = 0;
	snprintf(text, sizeof(text), "%s", value);
	while ((word = dmem_conf_word(&rest, &err)))
		add_env(r, expanded(word));
	return 0;
}

static void ignore(void *data, const struct dmem_report *r)
{
	(void)data;
	(void)r;
}

static void read_ours(const char *text, size_t n, struct reading *r)
{
	struct dmem_arena a = { 0 };
	struct dmem_unit_limits limits = { 0 };
	struct dmem_section s;

	memset(r, 0, sizeof(*r));
	if (dmem_conf_parse(text, n, one_line, r) < 0 ||
	    dmem_section_parse(&a, "f", text, n, ignore, NULL, &s) ||
	    dmem_unit_limits_add(&a, &limits, &s, "/x"))
		abort();
	if (!limits.root_start_only && limits.obstacle[0].key)
		strcpy(r->root, "an obstacle");
	/* This systemd does not make the mount, but another one may. */
	for (size_t i = 0; i < limits.n_mounts; i++) {
		if (!limits.mount[i].unsure)
			add_mount(r, limits.mount[i].o.key, limits.mount[i].path,
				  limits.mount[i].same);
	}
	dmem_arena_free(&a);
}

static int run_systemd(const char *systemd)
{
	const char *plain[] = { systemd, "--test", "--system", "--unit=x.target", NULL };
	const char *root[] = { "/usr/bin/setpriv", "--reuid=" NOBODY, "--regid=" NOBODY,
			       "--clear-groups", systemd, "--test", "--system", "--unit=x.target",
			       NULL };

	return run(geteuid() ? plain : root);
}

/* The value in "\t\tKey: value\n", without the end of the line. */
static char *value_of(char *line, const char *key)
{
	size_t len = strlen(key);

	line += strspn(line, "\t ");
	if (strncmp(line, key, len) || strncmp(line + len, ": ", 2))
		return NULL;
	line += len + 2;
	line[strcspn(line, "\n")] = 0;
	return line;
}

/* "TemporaryFileSystem: /a", "BindPaths: -/a:/b:rbind", "MountImages: /a:/b". */
static void systemds_mount(struct reading *r, const char *key, char *v)
{
	char *to = strstr(v, ":/"), *end;

	if (!strcmp(key, "TemporaryFileSystem")) {
		v[strcspn(v, ":")] = 0;
		add_mount(r, key, v, false);
		return;
	}
	if (!to)
		abort();
	*to++ = 0;
	end = strchr(to, ':');
	if (end)
		*end = 0;
	add_mount(r, key, to, !strcmp(v + (*v == '-'), to) && strcmp(key, "MountImages"));
}

/* Reads the output of systemd. Returns the number of units in it. */
static int read_systemds(struct reading *r)
{
	static const char * const mounted[] = {
		"BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem", "MountImages",
	};
	static char line[8192];
	FILE *f = fopen(tap_path("out"), "r");
	struct reading *now = NULL;
	int units = 0, i;
	bool start_only = false;
	char *v;

	memset(r, 0, UNITS * sizeof(*r));
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "\t-> Unit ", 9)) {
			now = sscanf(line, "\t-> Unit s%d.service:", &i) == 1 ? &r[i] : NULL;
			units += !!now;
			start_only = false;
		} else if (!now) {
			continue;
		} else if ((v = value_of(line, "Environment"))) {
			add_env(now, v);
		} else if ((v = value_of(line, "RootDirectoryStartOnly"))) {
			start_only = !strcmp(v, "yes");
		} else if ((v = value_of(line, "RootDirectory"))) {
			if (strcmp(v, "/") && !start_only)
				strcpy(now->root, "an obstacle");
		} else if ((v = value_of(line, "Description"))) {
			snprintf(now->description, MAX_TEXT, "%s", v);
		}
		for (size_t k = 0; now && k < sizeof(mounted) / sizeof(*mounted); k++) {
			v = value_of(line, mounted[k]);
			if (v)
				systemds_mount(now, mounted[k], v);
		}
	}
	if (f)
		fclose(f);
	return units;
}

static bool has(const struct reading *r, const char *text)
{
	size_t i = 0;

	while (i < r->n && strcmp(r->env[i], text))
		i++;
	return i < r->n;
}

static bool same(const struct reading *ours, const struct reading *theirs, int i)
{
	char name[32];

	snprintf(name, sizeof(name), "s%d.service", i);
	if (strcmp(*ours->description ? ours->description : name, theirs->description) ||
	    strcmp(ours->root, theirs->root))
		return false;
	for (size_t j = 0; j < theirs->n; j++) {
		if (!has(ours, theirs->env[j]))
			return false;
	}
	/* An image whose options systemd does not understand is mounted for us only. */
	for (size_t j = 0; j < ours->n; j++) {
		if (!has(theirs, ours->env[j]) && strncmp(ours->env[j], "MountImages ", 12))
			return false;
	}
	return true;
}

static void show(char *buf, size_t size, const char *who, const struct reading *r)
{
	size_t n = strlen(buf);

	n += (size_t)snprintf(buf + n, size - n, "%s: '%s', root '%s'", who, r->description, r->root);
	for (size_t i = 0; i < r->n; i++)
		n += (size_t)snprintf(buf + n, size - n, ", %s", r->env[i]);
	snprintf(buf + n, size - n, "\n");
}

int main(int argc, char **argv)
{
	static struct reading theirs[UNITS], ours;
	static struct text text[UNITS];
	static char why[20000];
	int runs, first, units = 0, said = 0, obstacles = 0;
	char path[100];

	if (argc < 4)
		return 2;
	runs = atoi(argv[3]);
	first = argc > 4 ? atoi(argv[4]) : 1;
	tap_start();
	for (int r = first; r < first + runs && !*why; r++) {
		tap_dir(argv[2]);
		state = (unsigned long long)r;
		put("etc/x.target", "[Unit]\nDefaultDependencies=no\n");
		for (int i = 0; i < UNITS; i++) {
			snprintf(path, sizeof(path), "etc/x.target.wants/s%d.service", i);
			link_to(path, "/nowhere");
			snprintf(path, sizeof(path), "etc/s%d.service", i);
			put(path, "[Service]\nExecStart=/bin/true\n");
			snprintf(path, sizeof(path), "etc/s%d.service.d/a.conf", i);
			make(&text[i]);
			put_bytes(path, text[i].s, text[i].n);
		}
		setenv("SYSTEMD_UNIT_PATH", tap_path("etc"), 1);
		if (run_systemd(argv[1]))
			snprintf(why, sizeof(why), "systemd --test failed: %s", get("err"));
		unsetenv("SYSTEMD_UNIT_PATH");
		if (!*why && read_systemds(theirs) != UNITS)
			snprintf(why, sizeof(why), "systemd did not load all units");
		for (int i = 0; i < UNITS && !*why; i++) {
			read_ours(text[i].s, text[i].n, &ours);
			units++;
			said += ours.n || *ours.description;
			obstacles += *ours.root != 0;
			if (same(&ours, &theirs[i], i))
				continue;
			snprintf(why, sizeof(why), "run %d, s%d.service.d/a.conf\n", r, i);
			show(why, sizeof(why), "systemd", &theirs[i]);
			show(why, sizeof(why), "we", &ours);
		}
	}
	check(!*why && units == UNITS * runs && said > units / 4 && obstacles > units / 40,
	      "systemd reads the same lines, keys and words", "after %d texts, of which %d said something, "
	      "and %d hid something: %s", units, said, obstacles, why);
	printf("# %d texts, of which %d say something, and %d are an obstacle\n", units, said, obstacles);
	return tap_end();
}
