// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The readers of dmem-hook against anything: the state document, annotations and the policy. To be
 * built with sanitizers.
 *
 * As a program: fuzz ROUNDS SEED, random changes of some documents. With -fsanitize=fuzzer and
 * -DFUZZER it is a target for libFuzzer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmem/look.h"
#include "hook/arguments.h"
#include "hook/policy.h"
#include "hook/runtime.h"
#include "hook/state.h"
#include "mutate.h"

static void require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* No annotation is above a ceiling, whatever its text is. */
static void check_choices(const struct hook_policy *p, struct hook_asks *asks)
{
	for (size_t i = 0; i < asks->n; i++) {
		struct hook_ask *k = &asks->ask[i];
		struct hook_choice c;

		require(!dmem_region_problem(k->limit.region), "asks: a bad region");
		k->region = k->limit.region;
		c = hook_choose(p, asks, DMEM_MAX, k->region, 1000000);
		require(c.source == HOOK_ANNOTATION || k->limit.kind != DMEM_MAX, "choice: another source");
		require(c.value <= c.asked, "choice: more than was asked for");
		require(c.value <= c.most, "choice: more than the ceiling");
		require(hook_new_value(&c, DMEM_MAX, 5000) <= 5000, "choice: a limit is raised");
		c = hook_choose(p, asks, DMEM_MIN, k->region, 1000000);
		require(!c.value || p->n, "choice: a reservation that nobody allows");
	}
}

static void check_state(struct dmem_arena *a, const struct hook_state *s, const struct hook_policy *p)
{
	require(s->pid > 1 && s->id, "state: a part is missing");
	for (int kind = DMEM_MAX; kind <= DMEM_MIN; kind++) {
		const struct hook_annotation *own = hook_annotation_own(s, (enum dmem_kind)kind);
		const struct hook_annotation *n = own ? own : hook_state_find(s, dmem_kind_names[kind]);
		struct hook_asks asks = { 0 };

		if (!n || !n->value)
			continue;
		require(!strncmp(n->key, HOOK_PREFIX, strlen(HOOK_PREFIX)), "state: a foreign annotation");
		if (hook_asks_parse(a, (enum dmem_kind)kind, n->value, &asks))
			require(!asks.n, "asks: a part of a wrong annotation is left");
		check_choices(p, &asks);
	}
}

/* The command lines and annotations of a runtime's file, whatever they are. */
static void check_runtime(struct dmem_arena *a, const char *text, size_t size,
			  const char *(*parse)(struct dmem_arena *a, const char *text, size_t len,
					       struct hook_runtime *r))
{
	struct hook_runtime r = { 0 };
	struct hook_asks asks = { 0 };

	if (parse(a, text, size, &r))
		return;
	for (size_t i = 0; i < r.n; i++) {
		require(r.command[i].n && r.command[i].arg[0] && !r.command[i].arg[r.command[i].n],
			"runtime: a command line without an end");
		hook_arguments_asks(a, r.command[i].arg, r.command[i].n, &asks);
	}
	require(r.n <= 256 && asks.n <= 256, "runtime: too many hooks or limits");
	require(!r.cgroup || (*r.cgroup && *r.cgroup != '/'), "runtime: no path of a cgroup");
	for (size_t i = 0; i < asks.n; i++)
		require(asks.ask[i].root && !dmem_region_problem(asks.ask[i].limit.region),
			"arguments: a bad region");
	for (size_t i = 0; i < r.state.n; i++)
		require(!strncmp(r.state.annotation[i].key, HOOK_PREFIX, strlen(HOOK_PREFIX)),
			"runtime: a foreign annotation");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dmem_arena a = { 0 };
	struct hook_policy p;
	struct hook_state s;
	struct hook_asks asks = { 0 };
	char *text = dmem_strndup(&a, (const char *)data, size);

	require(text != NULL, "no memory");
	if (hook_policy_parse(&a, (const char *)data, size, &p))
		p = (struct hook_policy){ 0 };
	for (size_t i = 0; i < p.n; i++)
		p.rule[i].region = p.rule[i].limit.region;
	if (!hook_state_parse(&a, (const char *)data, size, &s))
		check_state(&a, &s, &p);
	else
		require(!s.pid && !s.n, "state: a part of a wrong document is left");
	if (hook_asks_parse(&a, DMEM_MAX, text, &asks))
		require(!asks.n, "asks: a part of a wrong text is left");
	check_choices(&p, &asks);
	check_runtime(&a, (const char *)data, size, hook_runtime_runc);
	check_runtime(&a, (const char *)data, size, hook_runtime_crun_status);
	check_runtime(&a, (const char *)data, size, hook_runtime_crun_config);
	dmem_arena_free(&a);
	return 0;
}

#ifndef FUZZER

static const char * const seeds[] = {
	("{\"ociVersion\":\"1.0.2\",\"id\":\"c1\",\"status\":\"creating\",\"pid\":4711,\"bundle\":\"/b\","
	 "\"annotations\":{\"dmem.pool/max\":\"cma/camera@64000000 8M; heap/system 64M\","
	 "\"dmem.pool/min\":\"dma_heap/linux,cma 12.5%\",\"dmem.pool/strict\":\"yes\","
	 "\"dmem.pool/max.container.front\":\"a 1\",\"io.kubernetes.container.name\":\"front\"}}\n"),
	"cma/camera@64000000 8M;\n;heap/system max; 'a b' \"c\" \\x41 1",
	("[Hook]\nDeviceMemoryMax=* 0\nDeviceMemoryMaxCeiling=cma/camera@64000000 8M\n"
	 "DeviceMemoryMinCeiling=* 10%\nDeviceMemoryStrict=yes\n"),
	"{\"pid\":2,\"annotations\":null,\"x\":[[[[{}]]],1e9,-0.5,true,null,\"\\ud83d\\ude00\\u0000\"]}",
	("{\"init_process_pid\":4711,\"init_process_start\":9,\"config\":{\"labels\":[\"a\",\"dmem.pool/max=a 1\"],"
	 "\"Hooks\":{\"prestart\":null,\"createRuntime\":[{\"path\":\"/x/dmem-hook\",\"args\":[\"dmem-hook\","
	 "\"--strict\",\"--max=cma/a=8M\",\"--min\",\"a=1\"]},{\"path\":\"dmem-hook\"}]}}}"),
	("{\"pid\":4711,\"process-start-time\":9,\"annotations\":{\"dmem.pool/max\":\"a 1\"},\"hooks\":"
	 "{\"createRuntime\":[{\"path\":\"/dmem-hook\",\"args\":[\"dmem-hook\",\"--max=a=1\"]}]}}"),
};

static const char * const words[] = {
	"\"cgroup-path\":\"//a/\",", "\"cgroup_paths\":{\"\":\"/sys/fs/cgroup/a\"},", "\"prestart\":", "=",
	"{", "}", "[", "]", ":", ",", "\"", "\\u0000", "\\ud800", "\\n", "null", "\"pid\":", "\"id\":",
	"\"annotations\":{", "\"dmem.pool/max\":", "\"dmem.pool/min\":", "; ", " ", "%", "max", "99999999999999999999",
	"\xff", "\xef\xbb\xbf", "1e308", "-1", "[Hook]\n", "DeviceMemoryMax=", "* ", "\n", "'", "NaN", "//",
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
