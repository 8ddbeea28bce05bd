/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checks the contents of dmem.events, dmem.events.local and dmem.stat. Include this
 * header after kselftest_harness.h.
 */
#ifndef SELFTESTS_DMEM_EXPECT_EVENTS_H
#define SELFTESTS_DMEM_EXPECT_EVENTS_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmem_util.h"

/*
 * A file with one line per region has these keys in this order, all 0; keys that
 * may be added later follow. Of regions whose memory the kernel can evict, it has no
 * "exhausted", and no line at all in dmem.stat.
 */
static inline void expect_format(struct __test_metadata *_metadata,
				 const struct dmem_test *t, const char *cg, const char *file,
				 const char *keys)
{
	static const char only_pinned[] = " exhausted=0";
	char line[2 * DMEM_NAME_LEN], region[2 * DMEM_NAME_LEN], *path, *rest;
	int lines = 0, regions = 0, len;
	bool pinned, stat = !strcmp(file, "dmem.stat");
	FILE *f;

	path = cg_name(cg, file);
	f = fopen(path, "r");
	free(path);
	ASSERT_TRUE(!!f);
	while (fgets(line, sizeof(line), f)) {
		rest = line + strcspn(line, " ");
		snprintf(region, sizeof(region), "%.*s", (int)(rest - line), line);
		pinned = dmem_nested(t->root, "dmem.stat", region, "local") >= 0;
		len = strlen(keys);
		if (!pinned && strstr(keys, only_pinned))
			len = strstr(keys, only_pinned) - keys;
		EXPECT_EQ(0, strncmp(rest, keys, len))
			TH_LOG("%s/%s: %s", cg, file, line);
		rest += len;
		if (!pinned)
			EXPECT_FALSE(!!strstr(rest, only_pinned))
				TH_LOG("%s/%s: %s", cg, file, line);
		while (*rest == ' ') {
			rest += 1 + strspn(rest + 1, "abcdefghijklmnopqrstuvwxyz_");
			if (strncmp(rest, "=0", 2))
				break;
			rest += 2;
		}
		EXPECT_STREQ("\n", rest);
		EXPECT_LT(0, dmem_read(t->root, "dmem.capacity", region));
		EXPECT_EQ(0, dmem_current(cg, region));
		lines++;
	}
	fclose(f);
	/* That of the test has a line. */
	EXPECT_LE(0, dmem_nested(t->root, "dmem.stat", t->heap.region, "local"));
	path = cg_name(t->root, "dmem.capacity");
	f = fopen(path, "r");
	free(path);
	ASSERT_TRUE(!!f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, " ")] = '\0';
		regions += !stat || dmem_nested(t->root, "dmem.stat", line, "local") >= 0;
	}
	fclose(f);
	EXPECT_EQ(regions, lines);
	EXPECT_GT(0, cg_write(cg, file, "0"));
}

static inline void expect_counts(struct __test_metadata *_metadata, const char *region,
				 const char *cg, const char *file, long long max,
				 long long alloc_fail, long long exhausted)
{
	EXPECT_EQ(max, dmem_nested(cg, file, region, "max"))
		TH_LOG("max in %s/%s", cg, file);
	EXPECT_EQ(alloc_fail, dmem_nested(cg, file, region, "alloc_fail"))
		TH_LOG("alloc_fail in %s/%s", cg, file);
	EXPECT_EQ(exhausted, dmem_nested(cg, file, region, "exhausted"))
		TH_LOG("exhausted in %s/%s", cg, file);
}

static inline void expect_events(struct __test_metadata *_metadata, const char *region,
				 const char *cg, long long max, long long alloc_fail,
				 long long exhausted)
{
	expect_counts(_metadata, region, cg, "dmem.events", max, alloc_fail, exhausted);
}

static inline void expect_local(struct __test_metadata *_metadata, const char *region,
				const char *cg, long long max, long long alloc_fail,
				long long exhausted)
{
	expect_counts(_metadata, region, cg, "dmem.events.local", max, alloc_fail, exhausted);
}

static inline void expect_no_events(struct __test_metadata *_metadata, const char *region,
				    const char *cg)
{
	expect_events(_metadata, region, cg, 0, 0, 0);
	expect_local(_metadata, region, cg, 0, 0, 0);
}

static inline long long stat_of(const struct dmem_test *t, const char *cg, const char *key)
{
	return dmem_nested(cg, "dmem.stat", t->heap.region, key);
}

/* In pages */
static inline void expect_stat(struct __test_metadata *_metadata,
			       const struct dmem_test *t, const char *cg, long long current,
			       long long local, long long dying)
{
	EXPECT_EQ(current * t->page, dmem_current(cg, t->heap.region))
		TH_LOG("current in %s", cg);
	EXPECT_EQ(local * t->page, stat_of(t, cg, "local"))
		TH_LOG("local in %s", cg);
	EXPECT_EQ(dying * t->page, stat_of(t, cg, "dying"))
		TH_LOG("dying in %s", cg);
}

/*
 * This identity holds for cg and every cgroup below it; users of the files rely
 * on it:
 *
 *   current = local + current of the children + dying - dying of the children
 */
static inline void expect_identity(struct __test_metadata *_metadata,
				   const struct dmem_test *t, const char *cg)
{
	long long sum = stat_of(t, cg, "local") + stat_of(t, cg, "dying");
	struct dirent *ent;
	DIR *dir;

	dir = opendir(cg);
	ASSERT_TRUE(!!dir);
	while ((ent = readdir(dir))) {
		long long current;
		char *child;

		if (ent->d_type != DT_DIR || ent->d_name[0] == '.')
			continue;
		child = cg_name(cg, ent->d_name);
		current = dmem_current(child, t->heap.region);
		if (current >= 0) {
			sum += current - stat_of(t, child, "dying");
			expect_identity(_metadata, t, child);
		}
		free(child);
	}
	closedir(dir);
	EXPECT_EQ(sum, dmem_current(cg, t->heap.region))
		TH_LOG("in %s", cg);
}

#endif /* SELFTESTS_DMEM_EXPECT_EVENTS_H */
