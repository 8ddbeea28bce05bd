// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers of Prometheus against anything: they must be refused with a reason, or become histories
 * without a damaged line, whose plan has no error.
 *
 * As a program: fuzz_prometheus ROUNDS SEED. With -fsanitize=fuzzer and -DFUZZER it is a target for
 * libFuzzer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/plan/report.h"
#include "dmemctl/prometheus/convert.h"
#include "mutate.h"

static void require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_prometheus: %s\n", what);
	abort();
}

static void print(const struct model *m, const struct needs *n, const struct needs_options *o)
{
	FILE *f = fopen("/dev/null", "w");

	require(f != NULL, "there is no /dev/null");
	report_text(f, m, n, o);
	report_json(f, m, n, o);
	fclose(f);
}

static void plan(struct convert *c)
{
	struct needs_options o = { .headroom = 0.1, .quantile = 1, .block = DMEM_UNKNOWN, .align_order = 8 };
	struct model m = { .in = { convert_read, c }, .prometheus = &c->facts };
	struct needs n = { 0 };
	int ret = 0;

	for (size_t i = 0; i < c->n && !ret; i++) {
		uint64_t size = c->machine[i].text.len;

		ret = model_add(&m, i, i, &size);
	}
	if (!ret)
		ret = model_sort(&m);
	require(!m.bad && !m.newer, "a damaged line");
	if (!ret)
		ret = needs_find(&n, &m, &o);
	require(!ret, "a plan with an error");
	print(&m, &n, &o);
	needs_free(&n);
	model_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answers a = { 0 };
	struct convert c = { 0 };
	int ret = answers_add(&a, (const char *)data, size);

	require(!ret || (ret == -EINVAL && a.problem), "an error without a reason");
	answers_sort(&a);
	for (size_t i = 0; i < a.n; i++) {
		for (size_t k = 1; k < a.series[i].n; k++)
			require(a.series[i].value[k - 1].t < a.series[i].value[k].t, "values that are not sorted");
	}
	require(!convert_answers(&c, &a, size % 2), "no history");
	plan(&c);
	convert_free(&c);
	answers_free(&a);
	return 0;
}

#ifndef FUZZER

#define REST	",\"region\":\"cma/a\",\"instance\":\"i\"},\"values\":[[60,\"4096\"],[120.5,\"8192\"],[180,\"1e6\"]]}"
#define ANSWER	"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["

static const char * const seeds[] = {
	ANSWER "{\"metric\":{\"__name__\":\"dmem_region_charged_bytes\"" REST
	",{\"metric\":{\"cgroup\":\"/a.service\",\"__name__\":\"dmem_cgroup_charged_bytes\"" REST
	",{\"metric\":{\"cgroup\":\"/a.service\",\"__name__\":\"dmem_cgroup_peak_bytes\"" REST
	",{\"metric\":{\"cgroup\":\"/b.slice\",\"reason\":\"limit\",\"__name__\":\"dmem_cgroup_refused_total\"" REST "]}}",
	ANSWER "{\"metric\":{\"__name__\":\"dmem_region_peak_bytes\"" REST
	",{\"metric\":{\"cgroup\":\"/b.service\",\"__name__\":\"dmem_cgroup_charged_bytes\"" REST
	",{\"metric\":{\"le\":\"4096\",\"__name__\":\"dmem_region_buffer_size_bytes_bucket\",\"region\":\"cma/a\",\"instance\":\"i\"},"
	"\"values\":[[60,\"1\"],[120.5,\"3\"],[180,\"2\"]]}"
	",{\"metric\":{\"le\":\"+Inf\",\"__name__\":\"dmem_region_buffer_size_bytes_bucket\",\"region\":\"cma/a\",\"instance\":\"i\"},"
	"\"values\":[[60,\"2\"],[120,\"3\"],[240,\"4\"]]}"
	",{\"metric\":{\"__name__\":\"dmem_region_capacity_bytes\"" REST "]}}"
	ANSWER "{\"metric\":{\"__name__\":\"node_boot_time_seconds\",\"instance\":\"i\"},\"values\":[[60,\"1\"],[120,\"99\"]]}"
	",{\"metric\":{\"__name__\":\"dmem_scrape_success\",\"instance\":\"i\"},\"values\":[[60,\"0\"],[120,\"1\"]]}]}}",
	"{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"x\"}",
};

static const char * const words[] = {
	"\"", ",", "[", "]", "{", "}", ":", "NaN", "+Inf", "-1", "1e300", "1152921504606846976", "9999999999", "0.0001",
	"\\u0000", "\\u001b", "/", "[60,\"1\"]", ",[60,\"9\"]", "matrix", "vector", "\"le\":\"1e9\",", "\"duplicate\":\"2\",",
	"\"instance\":\"j\",", "dmem_buffers_complete", "dmem_cgroup_max_bytes", "dmem_cgroup_min_bytes", "", "\"reason\":\"reserved\",",
	"dmem_region_unaccounted_bytes", "dmem_region_largest_free_bytes", "253402300799",
};

int main(int argc, char **argv)
{
	static const struct mutate m = {
		.seed = seeds, .n_seeds = sizeof(seeds) / sizeof(*seeds),
		.word = words, .n_words = sizeof(words) / sizeof(*words),
	};

	return mutate_main(argc, argv, &m);
}

#endif
