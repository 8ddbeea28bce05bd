// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes histories of any size, to measure the cost of "dmemctl plan". As a program:
 *
 * 	histories services N	one sample of N services
 * 	histories samples N	one boot of 30 services in 3 regions, N samples
 * 	histories starts DAYS SEED	one boot of a machine with a start each minute
 * 	histories wide N M	one sample of N cgroups in M regions
 * 	histories buffers N H	N buffers, named again in each of H hours
 * 	histories equal N	N services with equal peaks in one sample
 * 	histories boots N	N boots of one sample
 * 	histories peaks N	N services with peaks between samples, in 4 boots of 3 days
 * 	histories regions N	N regions, of which each sample of N names another one
 * 	histories late N	N services whose buffers are recorded before them
 * 	histories crowd N M	N services with memory, one of which changes in each of M samples
 * 	histories turns N M	the same with M services and N samples
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/history/history.h"

#define MIB		(UINT64_C(1) << 20)
#define WALL		UINT64_C(1764000000000)
#define SERVICES	30
#define REGIONS		3

struct history {
	struct dmem_text text;
	struct hist_line line;
	uint64_t random;
};

static void die(const char *why)
{
	fprintf(stderr, "histories: %s\n", why);
	exit(2);
}

static uint64_t pick(struct history *h, uint64_t n)
{
	h->random = h->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (h->random >> 33) % n;
}

static void finish(struct history *h)
{
	if (hist_end(&h->line))
		die("no memory");
	if (h->text.len < 1 << 20)
		return;
	fwrite(h->text.s, 1, h->text.len, stdout);
	h->text.len = 0;
}

static void head(struct history *h, uint64_t boot, uint64_t mono, bool buffers)
{
	struct hist_head head = { "", WALL + mono, mono, 1000, 4096, 4 * MIB, buffers };

	snprintf(head.boot, sizeof(head.boot), "%08" PRIx64 "-0000-0000-0000-000000000000", boot);
	if (hist_put_head(&h->text, &head))
		die("no memory");
}

static void region(struct history *h, unsigned int i, const char *name)
{
	hist_begin(&h->line, &h->text, 'R');
	hist_add(&h->line, " %u", i);
	hist_add_name(&h->line, name);
	finish(h);
}

static void cgroup(struct history *h, unsigned int i, uint64_t life, const char *slice, unsigned int n)
{
	char path[128];

	snprintf(path, sizeof(path), "%s.slice/svc%05u.service", slice, n);
	hist_begin(&h->line, &h->text, 'C');
	hist_add(&h->line, " %u %" PRIu64, i, life);
	hist_add_name(&h->line, path);
	finish(h);
}

static void sample(struct history *h, uint64_t mono)
{
	hist_begin(&h->line, &h->text, 'S');
	hist_add(&h->line, " %" PRIu64 " %" PRIu64, mono, WALL + mono);
}

static void end(struct history *h, uint64_t mono)
{
	hist_begin(&h->line, &h->text, 'E');
	hist_add(&h->line, " %" PRIu64, mono);
	finish(h);
	fwrite(h->text.s, 1, h->text.len, stdout);
	if (fflush(stdout))
		die("cannot write");
}

static void regions(struct history *h)
{
	region(h, 0, "cma/camera@64000000");
	region(h, 1, "cma/linux,cma");
	region(h, 2, "heap/system");
}

/* Each service has a different charge, by its number. */
static void services(struct history *h, unsigned int n, bool equal)
{
	head(h, 1, 1000, false);
	region(h, 0, equal ? "cma/camera@64000000" : "heap/system");
	for (unsigned int i = 0; i < n; i++)
		cgroup(h, i, 100 + i, "pods", i);
	sample(h, 1000);
	hist_add(&h->line, " r0=%" PRIu64 ",-,-,%" PRIu64, n * MIB, equal ? n * MIB : UINT64_C(64) << 30);
	for (unsigned int i = 0; i < n; i++)
		hist_add(&h->line, " c%u.0=%" PRIu64, i, equal ? MIB : MIB + i * UINT64_C(4096));
	finish(h);
	end(h, 62000);
}

/* One service changes in each sample, as in most real ones. */
static void samples(struct history *h, uint64_t n)
{
	uint64_t use[SERVICES][REGIONS] = { 0 }, sum[REGIONS] = { 0 };

	for (uint64_t s = 0; s < n; s++) {
		unsigned int i = (unsigned int)pick(h, SERVICES), r = (unsigned int)pick(h, REGIONS);
		uint64_t v = pick(h, 8) * MIB / 2;

		if (s % 3600 == 0) {
			head(h, 1, 1000 + s * 1000, false);
			regions(h);
			for (unsigned int k = 0; k < SERVICES; k++)
				cgroup(h, k, 100 + k, "system", k);
		}
		sum[r] += v - use[i][r];
		use[i][r] = v;
		sample(h, 1000 + s * 1000);
		for (unsigned int k = 0; k < REGIONS; k++) {
			if (k == r || s % 3600 == 0)
				hist_add(&h->line, " r%u=%" PRIu64, k, sum[k]);
		}
		for (unsigned int k = 0; k < SERVICES * REGIONS; k++) {
			if (s % 3600 == 0 || k == i * REGIONS + r)
				hist_add(&h->line, " c%u.%u=%" PRIu64, k / REGIONS, k % REGIONS,
					 use[k / REGIONS][k % REGIONS]);
		}
		finish(h);
	}
	end(h, 1000 + n * 1000);
}

/* Of ten services, one starts each minute, allocates buffers and stops. */
static void starts(struct history *h, unsigned int days, unsigned int seed)
{
	uint64_t ino = 1, life = 1000;
	unsigned int n = 0;

	h->random = seed;
	for (uint64_t minute = 0; minute < days * UINT64_C(1440); minute++) {
		uint64_t t = 1000 + minute * 60000, size = (1 + pick(h, 6)) * MIB / 2;
		unsigned int who = (unsigned int)(minute % 10), buffers = 2 + (unsigned int)pick(h, 3);

		if (minute % 60 == 0) {
			head(h, seed + 1, t, true);
			regions(h);
			n = 0;
			sample(h, t);
			hist_add(&h->line, " r0=0,0,41943040,41943040 r1=0,131072,66977792,67108864 "
				 "r2=0,-,-,1048576000");
			finish(h);
		}
		cgroup(h, n, ++life, "media", who);
		sample(h, t + 1000);
		hist_add(&h->line, " c%u.0=0,0,0,0,0,0,max,0 c%u.1=0,0,0,0,0,0,max,0 c%u.2=0,0,0,0,0,0,max,0", n,
			 n, n);
		finish(h);
		sample(h, t + 2000);
		hist_add(&h->line, " r0=%" PRIu64 " c%u.0=%" PRIu64 ",%" PRIu64, buffers * size, n, buffers * size,
			 buffers * size);
		for (unsigned int i = 0; i < buffers; i++)
			hist_add(&h->line, " b%" PRIu64 "=%u.0,%" PRIu64, ino + i, n, size);
		finish(h);
		sample(h, t + 50000);
		hist_add(&h->line, " r0=0,0,41943040 x%u", n++);
		for (unsigned int i = 0; i < buffers; i++)
			hist_add(&h->line, " f%" PRIu64, ino++);
		finish(h);
	}
	end(h, 1000 + days * UINT64_C(86400000));
}

static void wide(struct history *h, unsigned int n, unsigned int m)
{
	char name[64];

	head(h, 1, 1000, false);
	for (unsigned int r = 0; r < n; r++) {
		snprintf(name, sizeof(name), "cma/area%u", r);
		region(h, r, name);
	}
	for (unsigned int i = 0; i < m; i++)
		cgroup(h, i, 100 + i, "pods", i);
	sample(h, 1000);
	for (unsigned int r = 0; r < n; r++)
		hist_add(&h->line, " r%u=%" PRIu64 ",0,-,%" PRIu64, r, m * UINT64_C(4096), m * UINT64_C(16384));
	for (unsigned int i = 0; i < m; i++) {
		for (unsigned int r = 0; r < n; r++)
			hist_add(&h->line, " c%u.%u=4096", i, r);
	}
	finish(h);
	end(h, 1000);
}

/* The service's cgroup is recorded later than its buffer. */
static void late(struct history *h, unsigned int n)
{
	head(h, 1, 1000, true);
	region(h, 0, "cma/camera@64000000");
	for (unsigned int i = 0; i < n; i++) {
		uint64_t t = 1000 + i * UINT64_C(10000);

		sample(h, t);
		hist_add(&h->line, " r0=8192 b%u=-.0,8192", i + 1);
		finish(h);
		cgroup(h, i, 100 + i, "media", i % 100);
		sample(h, t + 5000);
		hist_add(&h->line, " c%u.0=8192 b%u=%u.0,8192", i, i + 1, i);
		finish(h);
		sample(h, t + 9000);
		hist_add(&h->line, " r0=0 x%u f%u", i, i + 1);
		finish(h);
	}
	end(h, 1000 + n * UINT64_C(10000));
}

static void crowd(struct history *h, unsigned int n, unsigned int looks)
{
	head(h, 1, 1000, false);
	region(h, 0, "cma/camera@64000000");
	for (unsigned int i = 0; i < n; i++)
		cgroup(h, i, 100 + i, "pods", i);
	sample(h, 1000);
	hist_add(&h->line, " r0=0,0,-,%" PRIu64, 64 * MIB);
	for (unsigned int i = 0; i < n; i++)
		hist_add(&h->line, " c%u.0=%" PRIu64, i, MIB);
	finish(h);
	for (unsigned int i = 0; i < looks; i++) {
		sample(h, 2000 + i * UINT64_C(1000));
		hist_add(&h->line, " c%u.0=%" PRIu64, (unsigned int)pick(h, n), pick(h, 8) * MIB / 2);
		finish(h);
	}
	end(h, 2000 + looks * UINT64_C(1000));
}

static void boots(struct history *h, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		head(h, 1 + i, 1000, false);
		region(h, 0, "cma/camera@64000000");
		cgroup(h, 0, 100, "media", i % 100);
		sample(h, 1000);
		hist_add(&h->line, " r0=4096 c0.0=4096");
		finish(h);
	}
	end(h, 2000);
}

static void peaks(struct history *h, unsigned int n)
{
	for (unsigned int boot = 0; boot < 4; boot++) {
		head(h, 1 + boot, 1000, false);
		region(h, 0, "cma/camera@64000000");
		for (unsigned int i = 0; i < n; i++)
			cgroup(h, i, 100 + i, "media", i);
		for (unsigned int day = 0; day < 3; day++) {
			sample(h, 1000 + day * UINT64_C(86400000));
			hist_add(&h->line, " r0=%" PRIu64, n * UINT64_C(4096));
			for (unsigned int i = 0; i < n; i++)
				hist_add(&h->line, " c%u.0=4096,%" PRIu64, i,
					 4096 * (2 + pick(h, 100) * (i % 3 == day)));
			finish(h);
		}
	}
	end(h, 1000 + 3 * UINT64_C(86400000));
}

static void many_regions(struct history *h, unsigned int n)
{
	char name[32];

	head(h, 1, 1000, true);
	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "cma/area%u", i);
		region(h, i, name);
	}
	cgroup(h, 0, 100, "media", 0);
	for (unsigned int i = 0; i < n; i++) {
		sample(h, 1000 + i * UINT64_C(1000));
		hist_add(&h->line, " c0.%u=4096", i);
		finish(h);
	}
	end(h, 1000 + n * UINT64_C(1000));
}

static void buffers(struct history *h, unsigned int n, unsigned int hours)
{
	for (unsigned int k = 0; k < hours; k++) {
		uint64_t t = 1000 + k * UINT64_C(3600000);

		head(h, 1, t, true);
		region(h, 0, "cma/gpu");
		cgroup(h, 0, 100, "system", 0);
		sample(h, t);
		hist_add(&h->line, " r0=%" PRIu64 ",0,-,%" PRIu64 " c0.0=%" PRIu64, n * UINT64_C(49152),
			 n * UINT64_C(131072), n * UINT64_C(49152));
		for (unsigned int i = 0; i < n; i++)
			hist_add(&h->line, " b%u=0.0,%u", i + 1, i % 2 ? 65536 : 32768);
		finish(h);
	}
	end(h, 1000 + hours * UINT64_C(3600000));
}

int main(int argc, char **argv)
{
	struct history h = { .random = 1 };
	unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long m = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

	if (!n || argc > 4)
		die("usage: histories KIND N [M]");
	if (!strcmp(argv[1], "services"))
		services(&h, (unsigned int)n, false);
	else if (!strcmp(argv[1], "equal"))
		services(&h, (unsigned int)n, true);
	else if (!strcmp(argv[1], "samples"))
		samples(&h, n);
	else if (!strcmp(argv[1], "starts"))
		starts(&h, (unsigned int)n, (unsigned int)m);
	else if (!strcmp(argv[1], "wide") && m)
		wide(&h, (unsigned int)m, (unsigned int)n);
	else if (!strcmp(argv[1], "boots"))
		boots(&h, (unsigned int)n);
	else if (!strcmp(argv[1], "peaks"))
		peaks(&h, (unsigned int)n);
	else if (!strcmp(argv[1], "regions"))
		many_regions(&h, (unsigned int)n);
	else if (!strcmp(argv[1], "late"))
		late(&h, (unsigned int)n);
	else if (!strcmp(argv[1], "crowd") && m)
		crowd(&h, (unsigned int)n, (unsigned int)m);
	else if (!strcmp(argv[1], "turns") && m)
		crowd(&h, (unsigned int)m, (unsigned int)n);
	else if (!strcmp(argv[1], "buffers") && m)
		buffers(&h, (unsigned int)n, (unsigned int)m);
	else
		die("there is no such kind");
	dmem_text_free(&h.text);
	return 0;
}
