// SPDX-License-Identifier: GPL-2.0-or-later
/* "dmemctl plan --by" on fleets whose needs are known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "past.h"
#include "tap.h"

#define CAM	"cma/camera@64000000"
#define SYS	"heap/system"
#define MIB	(1024 * 1024ull)

static const char *dmemctl, *top, *jq_program;

typedef unsigned long long ull;

static int plan(const char *words)
{
	char script[12000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	snprintf(script, sizeof(script), "cd '%s' && exec '%s' plan %s", tap_path(""), dmemctl, words);
	return run(argv);
}

/* Is the filter true for the last output? The output stays. */
static bool is(const char *filter)
{
	const char *argv[] = { jq_program, "-e", filter, NULL };
	bool ok;

	rename(tap_path("out"), tap_path("in"));
	ok = !run(argv);
	rename(tap_path("in"), tap_path("out"));
	return ok;
}

/* One boot of a machine, with @use and then @use / 2 bytes of a camera, and @capacity. */
struct boot {
	const char *id, *machine, *host, *model;
	uint64_t use, capacity;
};

static void add(struct dmem_text *t, const struct boot *b, uint64_t mono)
{
	struct hist_identity id = { "", b->machine, b->host, b->model, "7.3.4" };

	snprintf(id.boot, sizeof(id.boot), "%.8s-0000-0000-0000-000000000000", b->id);
	if (b->machine || b->host)
		hist_put_identity(t, PAST_WALL + mono, &id);
	past_head(t, b->id, mono, 1000, false);
	past_region(t, 0, CAM);
	past_region(t, 1, SYS);
	past_cgroup(t, 0, 7, "system.slice/cam.service");
	past_look(t, mono, "r0=0,0,-,%llu r1=0,-,-,%llu c0.0=0,0 c0.1=0,0", (ull)b->capacity, 1000 * MIB);
	past_look(t, mono + 2000, "r0=%llu r1=4096 c0.0=%llu,%llu c0.1=4096,8192", (ull)b->use, (ull)b->use,
		  (ull)(b->use + 4096));
	past_look(t, mono + 3000, "r0=%llu c0.0=%llu", (ull)b->use / 2, (ull)b->use / 2);
	past_end(t, mono + 4000);
}

static void make(const char *name, const struct boot *b)
{
	struct dmem_text t = { 0 };

	add(&t, b, 1000);
	past_write(&t, name);
}

/* Machine @i of a fleet. */
static void make_one(unsigned int i, uint64_t use, uint64_t capacity, const char *model)
{
	char id[16], machine[40], host[32], name[32];
	const struct boot b = { id, machine, host, model, use, capacity };

	snprintf(id, sizeof(id), "%08x", 0xbb000000 + i);
	snprintf(machine, sizeof(machine), "%032x", i);
	snprintf(host, sizeof(host), "board-%u", i);
	snprintf(name, sizeof(name), "d/%02u.history", i);
	make(name, &b);
}

static void distribution(void)
{
	tap_dir(top);
	for (unsigned int i = 0; i < 20; i++)
		make_one(i, (20 + i) * MIB, 48 * MIB, "A");
	check(!plan("--by=machine --json d") && is(".by == \"machine\" and .machines == 20 and .boots == 20 and "
	      "(.groups | length) == 2 and .groups[0].region == \"cma/camera@64000000\""), "regions of 20 machines", "%s",
	      get("out"));
	/* A page more was seen by the kernel between two samples. */
	check(is(".groups[0] | [.min, .p50, .p95, .max] == ([20, 29, 38, 39] | map(. * 1048576 + 4096))"),
	      "the distribution of their needs", "%s", get("out"));
	check(is(".groups[0] | .capacity_min == 50331648 and .capacity_max == 50331648 and .outliers == 0 and "
	      "[.needs[].need] == ([.needs[].need] | sort) and (.needs[19] | .host == \"board-19\" and .machine == "
	      "\"00000000000000000000000000000013\" and .model == \"A\" and .file == \"d/19.history\" and .time == "
	      "1764000003000 and .boot == \"bb000013-0000-0000-0000-000000000000\" and .boots == 1)"),
	      "the machine that decided, and the moment", "%s", get("out"));
	check(!plan("--by=machine d") && strstr(get("out"), "\ncma/camera@64000000       20      20M      29M      38M      39M       48M\n"
	      "    decided by board-19, 2025-11-24 16:00:03 UTC\n      boot bb000013-0000-0000-0000-000000000000\n"
	      "      in d/19.history\n") && !strstr(get("out"), "outlier") && !strstr(get("out"), "warning"), "as text", "%s",
	      get("out"));
}

static void outliers(void)
{
	tap_dir(top);
	for (unsigned int i = 0; i < 8; i++)
		make_one(i, (30 + i % 2) * MIB, 48 * MIB, "A");
	make_one(8, 34 * MIB, 48 * MIB, "A");
	make_one(9, 10 * MIB, 48 * MIB, "A");
	check(!plan("--by=machine --json d") && is(".groups[0] | .outliers == 2 and [.needs[] | select(.outlier) | .host] == "
	      "[\"board-9\", \"board-8\"]"), "machines that need more or less than all others", "%s", get("out"));
	check(!plan("--by=machine d") && strstr(get("out"), "\n    outlier, 34M (median 30M): board-8, 2025-11-24 16:00:03 UTC\n"),
	      "as text", "%s", get("out"));
	make_one(8, 33 * MIB - 8192, 48 * MIB, "A");
	check(!plan("--by=machine --json d") && is("[.groups[0].needs[] | select(.outlier) | .host] == [\"board-9\"]"),
	      "a tenth more than the median is none", "%s", get("out"));
	tap_dir(top);
	for (unsigned int i = 0; i < 4; i++)
		make_one(i, (i ? 30 : 3) * MIB, 48 * MIB, "A");
	check(!plan("--by=machine --json d") && is(".groups[0].outliers == 0"), "four machines are too few", "%s", get("out"));
}

static void models(void)
{
	tap_dir(top);
	for (unsigned int i = 0; i < 6; i++)
		make_one(i, (i % 2 ? 10 + i : 30 + i) * MIB, (i == 5 ? 32 : i % 2 ? 16 : 64) * MIB, i % 2 ? "Small" : "Large\033[1m");
	check(!plan("--by=model --json d") && is("[.groups[] | select(.region == \"cma/camera@64000000\") | [.model, .machines, "
	      ".min - 4096, .max - 4096, .capacity_min, .capacity_max]] == [[\"Large\\\\x1b[1m\", 3, 30 * 1048576, 34 * 1048576, 64 * 1048576, "
	      "64 * 1048576], [\"Small\", 3, 11 * 1048576, 15 * 1048576, 16 * 1048576, 32 * 1048576]]"), "each model has its needs",
	      "%s", get("out"));
	check(!plan("--by=model d") && strstr(get("out"), "    model: Large\\x1b[1m\n") &&
	      strstr(get("out"), "16M-32M\n    model: Small\n") && strstr(strstr(get("out"), "model: Small"),
	      "warning: the capacities differ") && !strstr(strstr(strstr(get("out"), "warning") + 1, "heap"), "warning"),
	      "a warning where capacities differ", "%s", get("out"));
	check(!plan("--by=machine --json d") && is(".groups[0] | .machines == 6 and .capacity_min == 16777216 and "
	      ".capacity_max == 67108864"), "and all together", "%s", get("out"));
}

static void identities(void)
{
	static const char id[] = "0123456789abcdef0123456789abcdef";
	struct dmem_text t = { 0 };

	tap_dir(top);
	make("a", &(struct boot){ "aaaaaaaa", id, "one", NULL, 20 * MIB, 48 * MIB });
	make("b", &(struct boot){ "bbbbbbbb", id, "one", NULL, 30 * MIB, 48 * MIB });
	check(!plan("--by=machine --json a b") && is(".machines == 1 and (.groups[0] | .machines == 1 and .max == 31461376 and "
	      ".needs[0].boots == 2 and .needs[0].file == \"b\")"), "two boots of one machine", "%s", get("out"));
	make("c", &(struct boot){ "cccccccc", id, "two", NULL, 25 * MIB, 48 * MIB });
	check(!plan("--by=machine --json a b c") && is(".machines == 2"), "a copied id with another host name is another machine",
	      "%s", get("out"));
	make("d", &(struct boot){ "dddddddd", NULL, NULL, NULL, 25 * MIB, 48 * MIB });
	make("e", &(struct boot){ "eeeeeeee", NULL, NULL, NULL, 26 * MIB, 48 * MIB });
	check(!plan("--by=machine --json d e") && is(".machines == 2 and ([.groups[0].needs[] | [.machine, .host, .file]] == "
	      "[[null, null, \"d\"], [null, null, \"e\"]])"), "without an identity, each history is a machine", "%s", get("out"));
	check(!plan("--by=model d e") && strstr(get("out"), "    model: (unknown)\n    decided by (unknown machine), "),
	      "as text", "%s", get("out"));
	add(&t, &(struct boot){ "00000001", NULL, NULL, NULL, 20 * MIB, 48 * MIB }, 1000);
	add(&t, &(struct boot){ "00000002", id, "one", NULL, 21 * MIB, 48 * MIB }, 1000);
	past_write(&t, "f");
	check(!plan("--by=machine --json f a") && is(".machines == 1 and .groups[0].needs[0].boots == 3"),
	      "a boot of an earlier recorder belongs to the machine of its file", "%s", get("out"));
}

/* The need of a machine is that of the plan of its history. */
static void as_planned(void)
{
	unsigned int same = 0;

	tap_dir(top);
	for (unsigned int i = 0; i < 6; i++) {
		char words[64], filter[200];
		const char *at;
		double need;

		make_one(i, (13 + 7 * i % 20) * MIB + 4096 * (i % 3), 48 * MIB, "A");
		snprintf(words, sizeof(words), "--json d/%02u.history", i);
		plan(words);
		at = strstr(get("out"), "\"need\":");
		need = at ? atof(at + 7) : 0;
		snprintf(words, sizeof(words), "--by=machine --json d/%02u.history", i);
		plan(words);
		snprintf(filter, sizeof(filter), ".groups[0] | .max == %.0f and .min == .max and .p50 == .max", need);
		same += need > 0 && is(filter);
	}
	check(same == 6, "the need of one machine is that of its plan", "%u of 6", same);
}

static void mistakes(void)
{
	struct dmem_text t = { 0 };

	tap_dir(top);
	make_one(0, MIB, 48 * MIB, "A");
	check(plan("--by=colour d") == 2 && strstr(get("err"), "invalid value 'colour' of --by: write 'machine' or 'model'"),
	      "a value that is none", "%s", get("err"));
	check(plan("--by=model --svg=x.svg d") == 2 && strstr(get("err"), "--by compares machines"), "a chart needs a plan", "%s",
	      get("err"));
	check(plan("--by=machine --scale=cam=2 d") == 2 && strstr(get("err"), "it cannot be used with --scale"),
	      "a changed load needs a plan", "%s", get("err"));
	past_head(&t, "aaaaaaaa", 0, 1000, false);
	past_region(&t, 0, CAM);
	past_look(&t, 0, "r0=0,0,-,4096");
	past_write(&t, "unused");
	check(plan("--by=machine unused") == 1 && strstr(get("err"), "no cgroup was charged for anything in this history"),
	      "nothing to compare", "%s", get("err"));
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: test_fleet DMEMCTL DIR JQ\n");
		return 2;
	}
	dmemctl = argv[1];
	top = argv[2];
	jq_program = argv[3];
	tap_start();
	RUN(distribution);
	RUN(outliers);
	RUN(models);
	RUN(identities);
	RUN(as_planned);
	RUN(mistakes);
	return tap_end();
}
