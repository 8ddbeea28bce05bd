// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl doctor on running containers: the files of runc and crun in a tree of plain files.
 *
 * test_doctor_containers DMEMCTL FAST JQ DIRECTORY
 *
 * FAST: dmemctl without sanitizers, whose system calls are counted.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "traced.h"

#define MACHINE		"machine.slice"
#define SCOPE		MACHINE "/libpod-c1.scope"
#define PAYLOAD		SCOPE "/container"
#define POLICY		"root/etc/dmem/hook.conf"
#define LONG_ID		"3f2a00112233445566778899aabbccddeeff00112233445566778899aabbccdd"
#define ASKS(value)	"dmem.pool/max", value
#define EIGHT		CAMERA " 8M"
#define HOOK		"{\"path\":\"/usr/libexec/dmem-hook\",\"args\":[\"dmem-hook\"]}"
#define HOOK_WITH(more)	"{\"path\":\"/usr/libexec/dmem-hook\",\"args\":[\"dmem-hook\"," more "]}"
#define CDI		HOOK_WITH("\"--strict\",\"--max=dma_heap/camera@64000000=8M\"")
#define PID		4711
#define START		99887

#define AGAIN		"start the container again\n"
#define RAISED		"an annotation asks for 8M of " CAMERA ", but no limit is in effect: "
#define SET		"dmemctl set --runtime libpod-c1.scope --max=" CAMERA "=SIZE, or " AGAIN
#define SET_PAYLOAD	"dmemctl set /" PAYLOAD " --max=" CAMERA "=SIZE, or " AGAIN

static struct tool t;
static const char *fast;

/* ---- the machine ---- */

/* 0: no limit of its own. */
static void cgroup(const char *path, uint64_t max)
{
	struct fake f = { .kernel = FAKE_OURS, .n = 2, .region = { { CAMERA, 40 * MIB }, { DISPLAY, 48 * MIB } } };
	struct fake_use use = { CAMERA, .max = max };

	fake_cgroup(&f, path, &use, 1);
}

static void process(int pid, const char *state, int start, const char *path)
{
	char name[100];

	snprintf(name, sizeof(name), "root/proc/%d/stat", pid);
	/* Users choose the name of the program. */
	put(name, "%d (a) Z 1) %s 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid, state, start);
	snprintf(name, sizeof(name), "root/proc/%d/cgroup", pid);
	put(name, "1:name=x:/y\n0::/%s\n", path);
}

/* runc keeps annotations as labels. */
static void runc(const char *dir, const char *key, const char *value, const char *hooks)
{
	char name[300];

	snprintf(name, sizeof(name), "root%s/state.json", dir);
	put(name, "{\"id\":\"x\",\"init_process_pid\":%d,\"init_process_start\":%d,\"config\":{\"labels\":["
	    "\"a\",\"%s=%s\",\"bundle=/b\"],\"Hooks\":{\"prestart\":null,\"createRuntime\":[%s]}}}\n",
	    PID, START, key, value, hooks);
}

static void crun(const char *dir, const char *key, const char *value, const char *hooks)
{
	char name[300];

	snprintf(name, sizeof(name), "root%s/status", dir);
	put(name, "{\"pid\":%d,\"process-start-time\":%d,\"cgroup-path\":\"/x\",\"bundle\":\"/b\"}\n", PID, START);
	snprintf(name, sizeof(name), "root%s/config.json", dir);
	put(name, "{\"ociVersion\":\"1.0.2\",\"annotations\":{\"%s\":\"%s\"},\"hooks\":{\"createRuntime\":[%s]}}\n",
	    key, value, hooks);
}

/* The files of crun with the path of the container's cgroup. */
static void crun_at(const char *dir, const char *path, const char *key, const char *value)
{
	char name[300];

	crun(dir, key, value, HOOK);
	snprintf(name, sizeof(name), "root%s/status", dir);
	put(name, "{\"pid\":%d,\"process-start-time\":%d,\"cgroup-path\":\"%s\"}\n", PID, START, path);
}

/* A directory that others than root can write to, as one of a user. */
static void give_away(const char *path)
{
	if (chmod(tap_path(path), 0777))
		check(false, path, "its mode cannot be changed");
}

/* A thread of the process. */
static void thread(int tid, const char *state, const char *path)
{
	char name[100];

	snprintf(name, sizeof(name), "root/proc/%d/task/%d/stat", PID, tid);
	put(name, "%d (a) %s 1\n", tid, state);
	snprintf(name, sizeof(name), "root/proc/%d/task/%d/cgroup", PID, tid);
	put(name, "0::/%s\n", path);
}

/* A process of a container in the scope of runc. */
static void in_scope(uint64_t slice, uint64_t scope)
{
	cgroup(MACHINE, slice);
	cgroup(SCOPE, scope);
	process(PID, "S", START, SCOPE);
}

/* The same for crun. */
static void in_payload(uint64_t slice, uint64_t payload)
{
	in_scope(slice, 0);
	cgroup(PAYLOAD, payload);
	process(PID, "S", START, PAYLOAD);
}

/* ---- limits that hold ---- */

static void runc_holds(void)
{
	in_scope(0, 8 * MIB);
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

static void crun_holds(void)
{
	in_payload(0, 8 * MIB);
	crun("/run/crun/c1", ASKS(EIGHT), HOOK);
}

static void cdi_holds(void)
{
	in_payload(0, 8 * MIB);
	crun("/run/crun/c1", "a", "b", CDI);
}

static void lower_holds(void)
{
	in_scope(0, 4 * MIB);
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

static void rounded_holds(void)
{
	in_scope(0, 8 * MIB);
	runc("/run/runc/c1", ASKS(CAMERA " 8388609"), HOOK);
}

static void percent_holds(void)
{
	in_scope(0, 10 * MIB);
	runc("/run/runc/c1", ASKS(CAMERA " 25%"), HOOK);
}

static void asks_for_nothing(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "dmem.poolish/max", EIGHT, "");
}

static void another_hook(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "a", "b", "{\"path\":\"/opt/other\",\"args\":[\"dmem-hook\",\"--max=" CAMERA "=8M\"]}");
}

static void ceiling_holds(void)
{
	put(POLICY, "[Hook]\nDeviceMemoryMaxCeiling=" EIGHT "\n");
	in_scope(0, 8 * MIB);
	runc("/run/runc/c1", ASKS(CAMERA " 16M"), HOOK);
}

/* ---- processes that are no container's any more ---- */

static void has_ended(void)
{
	runc_holds();
	cgroup(SCOPE, 0);
	unlink(tap_path("root/proc/4711/stat"));
}

static void another_process(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
	process(PID, "S", START + 1, SCOPE);
}

static void zombie(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
	process(PID, "Z", START, SCOPE);
}

static void removed_cgroup(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
	process(PID, "Z", START, SCOPE " (deleted)");
}

static void zombie_threads(void)
{
	zombie();
	thread(PID, "Z", SCOPE);
	thread(PID + 1, "X", SCOPE);
}

static void not_made_yet(void)
{
	put("root/run/runc/c1/other", "x");
	put("root/run/crun/.empty-directory/x", "x");
	put("root/run/crun/file", "x");
}

/* Its configuration is unusable, but it has ended. */
static void ended_without_json(void)
{
	in_payload(0, 0);
	crun("/run/crun/c1", ASKS(EIGHT), HOOK);
	put("root/run/crun/c1/config.json", "{");
	process(PID, "Z", START, PAYLOAD);
}

/* ---- containers that hide ---- */

static void named_deleted(void)
{
	in_scope(0, 0);
	cgroup(MACHINE "/a (deleted)", 0);
	process(PID, "S", START, MACHINE "/a (deleted)");
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

static void named_dots(void)
{
	in_scope(0, 0);
	cgroup("..a", 0);
	process(PID, "S", START, "..a");
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

static void named_dot(void)
{
	in_scope(0, 0);
	runc("/run/runc/.c1", ASKS(EIGHT), HOOK);
}

/* The first thread has ended, and keeps its cgroup, which has a limit. */
static void first_thread_ended(void)
{
	runc_holds();
	process(PID, "Z", START, SCOPE);
	thread(PID, "Z", SCOPE);
	cgroup(MACHINE "/b.scope", 0);
	thread(PID + 1, "S", MACHINE "/b.scope");
}

static void outside(void)
{
	in_scope(0, 8 * MIB);
	process(PID, "S", START, "../x");
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

static void not_in_tree(void)
{
	in_scope(0, 8 * MIB);
	process(PID, "S", START, MACHINE "/none");
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

/* ---- limits that do not hold ---- */

static void raised(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

static void crun_raised(void)
{
	in_payload(0, 0);
	crun("/run/crun/c1", ASKS(EIGHT), HOOK);
}

static void by_docker(void)
{
	in_scope(0, 0);
	runc("/run/docker/runtime-runc/moby/" LONG_ID, ASKS(EIGHT), HOOK);
	runc("/run/docker/plugins/moby/c2", ASKS(EIGHT), HOOK);
}

static void by_containerd(void)
{
	in_scope(0, 0);
	runc("/run/containerd/runc/k8s.io/c1", ASKS(EIGHT), HOOK);
}

static void by_cdi(void)
{
	in_payload(0, 0);
	crun("/run/crun/c1", "a", "b", CDI);
}

/* Such as two CDI devices of one region. */
static void two_hooks(void)
{
	in_payload(0, 0);
	crun("/run/crun/c1", "a", "b", HOOK "," HOOK_WITH("\"--max=" CAMERA "=9M\"") "," CDI);
}

static void two_words(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "a", "b", HOOK_WITH("\"--timeout\",\"9\",\"--max\",\"" CAMERA "=8M\""));
}

static void higher_above(void)
{
	in_scope(15 * MIB, 0);
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

static void higher_by_a_page(void)
{
	in_scope(0, 8 * MIB + 4096);
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

static void lower_above(void)
{
	in_scope(8 * MIB, 0);
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

static void no_hook(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", ASKS(EIGHT), "");
}

static void one_of_a_pod(void)
{
	in_payload(0, 0);
	put("root/run/crun/c1/status", "{\"pid\":%d}\n", PID);
	put("root/run/crun/c1/config.json", "{\"annotations\":{\"io.kubernetes.container.name\":\"front\","
	    "\"dmem.pool/max.container.front\":\"" EIGHT "\",\"dmem.pool/max.container.back\":\"" CAMERA " 1M\"},"
	    "\"hooks\":{\"createRuntime\":[" HOOK "]}}");
}

static void ceiling_is_lost(void)
{
	ceiling_holds();
	cgroup(SCOPE, 15 * MIB);
}

static void default_is_lost(void)
{
	put(POLICY, "[Hook]\nDeviceMemoryMax=* 50%%\nDeviceMemoryMax=" DISPLAY " max\nDeviceMemoryMax=" SYSTEM " max\n");
	in_scope(0, 0);
	runc("/run/runc/c1", "a", "b", HOOK);
}

/* Without the hook, the policy has no effect. */
static void default_without_hook(void)
{
	default_is_lost();
	runc("/run/runc/c1", "a", "b", "");
}

/* The policy that was read for one container is not that of the next one. */
static void default_for_one(void)
{
	default_is_lost();
	put(POLICY, "[Hook]\nDeviceMemoryMax=" CAMERA " 25%%\n");
	cgroup(SCOPE, 10 * MIB);
	cgroup(MACHINE "/other.scope", 0);
	process(PID + 1, "S", START, MACHINE "/other.scope");
	put("root/run/runc/c2/state.json", "{\"init_process_pid\":%d,\"config\":{}}", PID + 1);
}

static void default_of_user(void)
{
	in_payload(0, 0);
	crun("/run/user/1000/crun/c1", "a", "b", HOOK);
	give_away("root/run/user/1000/crun");
	put(POLICY, "[Hook]\nDeviceMemoryMax=lots\n");
}

static void bad_policy_only(void)
{
	put(POLICY, "[Hook]\nDeviceMemoryMax=lots\n");
}

static void policy_is_link(void)
{
	put("root/etc/dmem/other", "[Hook]\n");
	link_to(POLICY, "other");
}

static void policy_of_others(void)
{
	put(POLICY, "[Hook]\n");
	give_away(POLICY);
}

static void policy_in_open_directory(void)
{
	put(POLICY, "[Hook]\n");
	give_away("root/etc/dmem");
}

static void policy_is_long(void)
{
	put(POLICY, "[Hook]\n");
	if (truncate(tap_path(POLICY), 2 << 20))
		check(false, "file", "cannot be made larger");
}

static void policy_behind_link(void)
{
	link_to("root/etc/dmem", "nowhere");
}

static void bad_policy(void)
{
	raised();
	put(POLICY, "[Hook]\nDeviceMemoryMaxCeiling=lots\n");
	cgroup(SCOPE, 8 * MIB);
}

static void policy_is_fifo(void)
{
	runc_holds();
	put("root/etc/dmem/x", "x");
	if (mkfifo(tap_path(POLICY), 0600))
		check(false, "fifo", "cannot be made");
}

static void no_cgroup(void)
{
	in_scope(0, 0);
	process(PID, "S", START, "");
	runc("/run/runc/c1", ASKS(EIGHT), HOOK);
}

/* ---- a gap, a foreign file, a reservation, a leaf ---- */

/* The owner of a cgroup above can turn the controller off there, or move processes. */
static void foreign_cgroup(void)
{
	crun_holds();
	put(CG MACHINE "/cgroup.subtree_control", "dmem\n");
	give_away(CG MACHINE "/cgroup.subtree_control");
}

static void foreign_processes(void)
{
	crun_holds();
	give_away(CG SCOPE "/cgroup.procs");
}

static void foreign_cgroup_below_limit(void)
{
	crun_holds();
	cgroup(MACHINE, 8 * MIB);
	give_away(CG SCOPE);
}

static void foreign_own_cgroup(void)
{
	crun_holds();
	give_away(CG PAYLOAD);
}

/* systemd inside moves itself to a cgroup below the container's. */
static void init_scope(uint64_t payload)
{
	in_payload(0, payload);
	fake_bare_cgroup(PAYLOAD "/init.scope");
	process(PID, "S", START, PAYLOAD "/init.scope");
	crun_at("/run/crun/c1", "/" PAYLOAD, ASKS(EIGHT));
}

static void systemd_holds(void)
{
	init_scope(8 * MIB);
}

static void systemd_raised(void)
{
	init_scope(15 * MIB);
}

static void systemd_gap(void)
{
	in_scope(0, 0);
	fake_bare_cgroup(PAYLOAD "/init.scope");
	process(PID, "S", START, PAYLOAD "/init.scope");
	crun_at("/run/crun/c1", PAYLOAD, ASKS(EIGHT));
}

/* The kernel's file has another path than the runtime's for a container that was moved. */
static void moved_away(void)
{
	in_payload(0, 8 * MIB);
	cgroup(MACHINE "/b.scope", 0);
	process(PID, "S", START, MACHINE "/b.scope");
	crun_at("/run/crun/c1", "/" PAYLOAD, ASKS(EIGHT));
}

static void runc_systemd_raised(void)
{
	in_scope(0, 15 * MIB);
	fake_bare_cgroup(SCOPE "/init.scope");
	process(PID, "S", START, SCOPE "/init.scope");
	put("root/run/runc/c1/state.json", "{\"init_process_pid\":%d,\"cgroup_paths\":{\"\":\"/sys/fs/cgroup/"
	    SCOPE "\"},\"config\":{\"labels\":[\"dmem.pool/max=" EIGHT "\"],\"Hooks\":{\"prestart\":[" HOOK "]}}}",
	    PID);
}

static void gap(void)
{
	in_scope(0, 0);
	fake_bare_cgroup(PAYLOAD);
	process(PID, "S", START, PAYLOAD);
	crun("/run/crun/c1", ASKS(EIGHT), HOOK);
}

static void gap_of_two(void)
{
	cgroup(MACHINE, 0);
	fake_bare_cgroup(MACHINE "/a b/c");
	process(PID, "S", START, MACHINE "/a b/c");
	crun("/run/crun/c1", ASKS(EIGHT), HOOK);
}

static void gap_below_limit(void)
{
	gap();
	cgroup(SCOPE, 15 * MIB);
}

static void own_file(void)
{
	crun_holds();
	chmod(tap_path(CG PAYLOAD "/dmem.max"), 0666);
}

static void own_file_below_limit(void)
{
	own_file();
	cgroup(MACHINE, 8 * MIB);
}

/* Of two equal limits, the one that holds counts. */
static void foreign_file_above(void)
{
	crun_holds();
	cgroup(SCOPE, 8 * MIB);
	chmod(tap_path(CG SCOPE "/dmem.max"), 0666);
}

static void min_is_lost(void)
{
	put(POLICY, "[Hook]\nDeviceMemoryMinCeiling=" CAMERA " 4M\n");
	in_scope(0, 0);
	runc("/run/runc/c1", "dmem.pool/min", EIGHT, HOOK);
}

/* The policy admits all of it. */
static void min_is_admitted(void)
{
	min_is_lost();
	runc("/run/runc/c1", "dmem.pool/min", CAMERA " 4M", HOOK);
}

static void min_in_effect(void)
{
	put(CG SCOPE "/dmem.min", CAMERA " 4194304\n");
	put(CG MACHINE "/dmem.min", CAMERA " 4194304\n");
	put(CG SCOPE "/dmem.stat", CAMERA " local=0 dying=0 reserved=4194304 committed=4194304\n");
	put(CG MACHINE "/dmem.stat", CAMERA " local=0 dying=0 reserved=4194304 committed=4194304\n");
}

static void min_holds(void)
{
	min_is_admitted();
	min_in_effect();
}

/* The finding about the cgroup above is the one for any cgroup. */
static void min_not_above(void)
{
	min_is_admitted();
	put(CG SCOPE "/dmem.min", CAMERA " 4194304\n");
	unlink(tap_path(CG SCOPE "/dmem.stat"));
}

/* It reserves for all of its containers together. */
static void min_above_only(void)
{
	min_is_lost();
	put(CG MACHINE "/dmem.min", CAMERA " 8388608\n");
	put(CG MACHINE "/dmem.stat", CAMERA " local=0 dying=0 reserved=8388608 committed=8388608\n");
}

static void min_of_systemd(void)
{
	static const char * const with[] = { MACHINE, SCOPE, PAYLOAD };
	char name[200];

	init_scope(0);
	put(POLICY, "[Hook]\nDeviceMemoryMinCeiling=" CAMERA " 4M\n");
	crun_at("/run/crun/c1", "/" PAYLOAD, "dmem.pool/min", CAMERA " 4M");
	for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++) {
		snprintf(name, sizeof(name), CG "%s/dmem.min", with[i]);
		put(name, CAMERA " 4194304\n");
		snprintf(name, sizeof(name), CG "%s/dmem.stat", with[i]);
		put(name, CAMERA " local=0 dying=0 reserved=4194304 committed=4194304\n");
	}
}

static void leaf(void)
{
	in_scope(15 * MIB, 0);
	runc("/run/runc/c1", "a", "b", "");
}

/* ---- requests that cannot be met ---- */

static void no_region(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", ASKS("cma/none 8M"), HOOK);
}

static void bad_annotation(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", ASKS("x\\u001b[31m"), HOOK);
}

static void no_text(void)
{
	in_payload(0, 0);
	crun("/run/crun/c1", "a", "b", HOOK);
	put("root/run/crun/c1/config.json", "{\"annotations\":{\"dmem.pool/max\":8},\"hooks\":null}");
}

static void bad_argument(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "a", "b", HOOK_WITH("\"--max=" CAMERA "\""));
}

static void unknown_option(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "a", "b", HOOK_WITH("\"--most=1\""));
}

static void positional(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "a", "b", HOOK_WITH("\"x\",\"--max=" CAMERA "=8M\""));
}

static void misspelt(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "dmem.pool/Max", EIGHT, HOOK);
}

static void two_misspelt(void)
{
	in_payload(0, 0);
	crun("/run/crun/c1", "a", "b", HOOK);
	put("root/run/crun/c1/config.json", "{\"annotations\":{\"dmem.pool/Max\":\"x\",\"dmem.pool/stric\":\"yes\"}}");
}

/* ---- strict ---- */

static void bad_strict(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "dmem.pool/strict", "yess", HOOK);
}

static void strict_is_no_text(void)
{
	in_payload(0, 0);
	crun("/run/crun/c1", "a", "b", HOOK);
	put("root/run/crun/c1/config.json", "{\"annotations\":{\"dmem.pool/strict\":true}}");
}

static void good_strict(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "dmem.pool/strict", "no", HOOK);
}

/* ---- pods ---- */

static void put_pod(const char *more)
{
	in_payload(0, 0);
	crun("/run/crun/c1", "a", "b", HOOK);
	put("root/run/crun/c1/config.json", "{\"annotations\":{\"dmem.pool/max.container.front\":\"" EIGHT "\"%s}}",
	    more);
}

static void unnamed(void)
{
	put_pod("");
}

static void another_of_pod(void)
{
	put_pod(",\"io.kubernetes.container.name\":\"back\"");
}

/* containerd gives no name to the pause container. */
static void pause_of_pod(void)
{
	put_pod(",\"io.kubernetes.cri.container-type\":\"sandbox\"");
}

static void unnamed_of_containerd(void)
{
	put_pod(",\"io.kubernetes.cri.container-type\":\"container\"");
}

/* ---- reservations that the policy does not admit ---- */

static void min_without_ceiling(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "dmem.pool/min", EIGHT, HOOK);
}

static void min_without_hook(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", "dmem.pool/min", EIGHT, "");
}

/* Others have reserved it, such as dmemctl set. */
static void min_by_others(void)
{
	in_scope(0, 0);
	min_in_effect();
	runc("/run/runc/c1", "dmem.pool/min", CAMERA " 4194305", "");
}

static void min_by_others_with_hook(void)
{
	min_by_others();
	runc("/run/runc/c1", "dmem.pool/min", CAMERA " 4M", HOOK);
}

static void min_is_lowered(void)
{
	min_is_lost();
	min_in_effect();
}

/* The key of one annotation looks like another annotation. */
static void forged_key(void)
{
	in_scope(0, 8 * MIB);
	put("root/run/runc/c1/state.json", "{\"init_process_pid\":%d,\"config\":{\"labels\":[\"dmem.pool/max="
	    CAMERA " max; b=1M\",\"dmem.pool/max=" EIGHT "\"],\"Hooks\":{\"createRuntime\":[" HOOK "]}}}", PID);
}

static void forged_name(void)
{
	in_scope(0, 8 * MIB);
	put("root/run/runc/c1/state.json", "{\"init_process_pid\":%d,\"config\":{\"labels\":["
	    "\"io.kubernetes.container.name=front=x\",\"dmem.pool/max.container.front=" EIGHT "\"],"
	    "\"Hooks\":{\"createRuntime\":[" HOOK "]}}}", PID);
}

static void zero_in_label(void)
{
	in_scope(0, 0);
	runc("/run/runc/c1", ASKS(EIGHT "\\u0000"), HOOK);
}

/* More limits than any machine has regions. */
static void many_asks(void)
{
	char words[300 * 16] = "";
	char name[] = "root/run/runc/c1/state.json";

	in_scope(0, 0);
	for (int i = 0; i < 300; i++)
		sprintf(words + strlen(words), ",\"--max=a=%d\"", i);
	put(name, "{\"init_process_pid\":%d,\"config\":{\"Hooks\":{\"createRuntime\":[{\"path\":\"/dmem-hook\","
	    "\"args\":[\"dmem-hook\"%s]}]}}}", PID, words);
}

static void put_hooks(const char *dir, int n)
{
	static char all[400 * sizeof(HOOK)];
	char name[300];

	*all = 0;
	for (int i = 0; i < n; i++)
		sprintf(all + strlen(all), "%s" HOOK, i ? "," : "");
	snprintf(name, sizeof(name), "root%s/state.json", dir);
	put(name, "{\"init_process_pid\":%d,\"config\":{\"Hooks\":{\"createRuntime\":[%s]}}}", PID, all);
}

static void many_hooks(void)
{
	in_scope(0, 0);
	put_hooks("/run/runc/c1", 256);
}

static void too_many_hooks(void)
{
	in_scope(0, 0);
	put_hooks("/run/runc/c1", 257);
}

/* ---- files that cannot be used ---- */

static void zero_in_key(void)
{
	crun_raised();
	crun("/run/crun/c1", "dmem.pool/max\\u0000z", EIGHT, HOOK);
}

static void no_json(void)
{
	raised();
	put("root/run/runc/c1/state.json", "{\"init_process_pid\":4711");
}

static void no_pid(void)
{
	raised();
	put("root/run/runc/c1/state.json", "{\"init_process_pid\":1}");
}

static void state_is_fifo(void)
{
	raised();
	unlink(tap_path("root/run/runc/c1/state.json"));
	if (mkfifo(tap_path("root/run/runc/c1/state.json"), 0600))
		check(false, "fifo", "cannot be made");
}

static void state_is_link(void)
{
	raised();
	rename(tap_path("root/run/runc/c1/state.json"), tap_path("root/run/runc/other"));
	link_to("root/run/runc/c1/state.json", "../other");
}

static void state_is_huge(void)
{
	raised();
	if (truncate(tap_path("root/run/runc/c1/state.json"), 5 << 20))
		check(false, "file", "cannot be made larger");
}

static void no_config(void)
{
	crun_raised();
	unlink(tap_path("root/run/crun/c1/config.json"));
}

static void id_is_link(void)
{
	raised();
	rename(tap_path("root/run/runc/c1"), tap_path("root/run/elsewhere"));
	link_to("root/run/runc/c1", "../elsewhere");
}

static void ids_are_links(void)
{
	id_is_link();
	link_to("root/run/runc/c2", "../elsewhere");
}

/* ---- users ---- */

static void of_user(void)
{
	in_payload(0, 0);
	crun("/run/user/1000/crun/c1", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1000/crun");
}

/* The process, its start and its cgroup can be read by everyone. */
static void of_user_service(void)
{
	process(PID, "S", START, "system.slice/camera.service");
	crun_at("/run/user/1000/crun/c1", "/system.slice", ASKS(EIGHT));
	give_away("root/run/user/1000/crun");
}

static void of_user_gap(void)
{
	in_scope(0, 0);
	fake_bare_cgroup(PAYLOAD);
	process(PID, "S", START, PAYLOAD);
	crun("/run/user/1000/crun/c1", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1000/crun");
}

static void of_user_writer(void)
{
	foreign_cgroup();
	rename(tap_path("root/run/crun"), tap_path("root/run/old"));
	crun("/run/user/1000/crun/c1", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1000/crun");
}

/* In a login session of root, crun uses its directory. */
static void of_root(void)
{
	in_payload(0, 0);
	crun("/run/user/0/crun/c1", ASKS(EIGHT), HOOK);
	if (chmod(tap_path("root/run/user/0/crun"), 0700))
		check(false, "directory", "its mode cannot be changed");
}

/* As with sudo -E. */
static void of_root_below_user(void)
{
	in_payload(0, 0);
	crun("/run/user/1000/crun/c1", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1000");
	if (chmod(tap_path("root/run/user/1000/crun"), 0700))
		check(false, "directory", "its mode cannot be changed");
}

static void of_root_empty(void)
{
	put("root/run/user/1000/crun/c1/x", "x");
	give_away("root/run/user/1000");
}

static void of_user_outside(void)
{
	of_user();
	process(PID, "S", START, "../x");
}

static void of_user_without_json(void)
{
	of_user();
	put("root/run/user/1000/crun/c1/config.json", "{");
}

/* 65 cgroups, and 64 of another user. */
static void of_user_deep(void)
{
	char path[200] = "", second[200];

	for (int i = 0; i < 65; i++)
		strcat(path, i ? "/d" : "d");
	of_user();
	fake_bare_cgroup(path);
	process(PID, "S", START, path);
	snprintf(second, sizeof(second), "%s", path + strlen("d/"));
	fake_bare_cgroup(second);
	process(PID + 1, "S", START, second);
	put("root/run/user/1001/runc/c2/state.json", "{\"init_process_pid\":%d}", PID + 1);
	give_away("root/run/user/1001/runc");
}

static void of_rootless_docker(void)
{
	in_scope(0, 0);
	runc("/run/user/1000/docker/runtime-runc/moby/c1", ASKS(EIGHT), HOOK);
	runc("/run/user/1000/docker/plugins/moby/c2", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1000/docker");
}

static void of_rootless_containerd(void)
{
	in_scope(0, 0);
	runc("/run/user/1000/containerd/runc/default/c1", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1000/containerd/runc");
}

static void hostile_name(void)
{
	in_payload(0, 0);
	crun("/run/user/1000/crun/c\x1b[31m", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1000/crun");
}

static void of_user_by_link(void)
{
	raised();
	rename(tap_path("root/run/runc"), tap_path("root/run/elsewhere"));
	link_to("root/run/user/1000/runc", "../../elsewhere");
}

/* More than 16 MiB of one user, and the container of another one. */
static void of_user_too_much(void)
{
	static const char * const ids[] = { "c1", "c2", "c3", "c4", "c5" };
	char dir[100], file[200];

	in_payload(0, 0);
	for (size_t i = 0; i < 5; i++) {
		snprintf(dir, sizeof(dir), "/run/user/1000/runc/%s", ids[i]);
		runc(dir, ASKS(EIGHT), HOOK);
		snprintf(file, sizeof(file), "root%s/state.json", dir);
		if (truncate(tap_path(file), (4 << 20) - 1))
			check(false, "file", "cannot be made larger");
	}
	crun("/run/user/1001/crun/c6", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1000/runc");
	give_away("root/run/user/1001/crun");
}

#define CANNOT(path, why)	path ": cannot be read, so the limits of its containers are not checked: " why \
				": see the log of the engine, and start the container again\n"
#define UNREAD(path, why)	"problem: " CANNOT(path, why)
#define STATE			"/run/runc/c1/state.json"
#define LINK			"Too many levels of symbolic links"
#define USERS			"/run/user/1000/"
#define HUGE(id)		"note: " CANNOT("/run/user/1000/runc/" id "/state.json", "more text follows it")
#define HOST			": run dmemctl doctor on the host, outside of any container\n"
#define D16			"d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/"
#define D63			D16 D16 D16 "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d"
#define DEEP			D16 D16 D16 D16 "d"
#define POLICY_BAD(why)		"problem: /etc/dmem/hook.conf: " why ", so no container with dmem-hook starts: correct " \
				"it, see dmem-hook(8)\n"
#define ASKED_BY(what)		what " asks for 8M of " CAMERA
#define TO_ROOT			": make root the owner of that cgroup and its files, or limit a slice above it\n"

struct test_case {
	const char *name;
	void (*make)(void);
	const char *said;		/* NULL: no problem */
	int code;
	int containers;			/* if there is no problem */
};

static const struct test_case holds_cases[] = {
	{ "runc, an annotation", runc_holds, NULL, 0, 1 },
	{ "crun, an annotation", crun_holds, NULL, 0, 1 },
	{ "a CDI device", cdi_holds, NULL, 0, 1 },
	{ "a lower limit is in effect", lower_holds, NULL, 0, 1 },
	{ "the kernel rounds", rounded_holds, NULL, 0, 1 },
	{ "a percentage", percent_holds, NULL, 0, 1 },
	{ "it asks for nothing", asks_for_nothing, NULL, 0, 1 },
	{ "another hook", another_hook, NULL, 0, 1 },
	{ "the ceiling of the policy", ceiling_holds, NULL, 0, 1 },
};

static const struct test_case processes_cases[] = {
	{ "the process has ended", has_ended, NULL, 0, 0 },
	{ "another process has its pid", another_process, NULL, 0, 0 },
	{ "the process is a zombie", zombie, NULL, 0, 0 },
	{ "its cgroup is removed", removed_cgroup, NULL, 0, 0 },
	{ "its threads are zombies", zombie_threads, NULL, 0, 0 },
	{ "it has ended, and has no usable file", ended_without_json, NULL, 0, 0 },
	{ "the files are not there yet", not_made_yet, NULL, 0, 0 },
};

static const struct test_case hidden_cases[] = {
	{ "a name that ends like one of a removed cgroup", named_deleted, "problem: container c1: " RAISED
	  "dmemctl set '/" MACHINE "/a (deleted)' --max=" CAMERA "=SIZE, or " AGAIN, 1, 0 },
	{ "a name that begins like a path outside", named_dots, "problem: container c1: " RAISED
	  "dmemctl set /..a --max=" CAMERA "=SIZE, or " AGAIN, 1, 0 },
	{ "a name with a dot in front", named_dot, "problem: container .c1: " RAISED SET, 1, 0 },
	{ "only the first thread has ended", first_thread_ended, "problem: container c1: " RAISED
	  "dmemctl set --runtime b.scope --max=" CAMERA "=SIZE, or " AGAIN, 1, 0 },
	{ "a cgroup outside", outside, "problem: container c1: the cgroup of its process 4711 cannot be determined, so "
	  "its limits are not checked" HOST, 1, 0 },
	{ "a cgroup that is not there", not_in_tree, "problem: container c1: its cgroup /" MACHINE "/none is not in "
	  "the tree, so its limits are not checked" HOST, 1, 0 },
};

static const struct test_case raised_limits_cases[] = {
	{ "the limit was raised", raised, "problem: container c1: " RAISED SET, 1, 0 },
	{ "the limit was raised, with crun", crun_raised, "problem: container c1: " RAISED SET_PAYLOAD, 1, 0 },
	{ "Docker", by_docker, "problem: container 3f2a00112233: " RAISED SET, 1, 0 },
	{ "containerd", by_containerd, "problem: container c1: " RAISED SET, 1, 0 },
	{ "the limit of a CDI device was raised", by_cdi,
	  "problem: container c1: an argument of dmem-hook, as of a CDI device, asks for 8M of " CAMERA
	  ", but no limit is in effect: " SET_PAYLOAD, 1, 0 },
	{ "two CDI devices", two_hooks,
	  "problem: container c1: an argument of dmem-hook, as of a CDI device, asks for 8M of " CAMERA
	  ", but no limit is in effect: " SET_PAYLOAD, 1, 0 },
	{ "an option and its value are two words", two_words,
	  "problem: container c1: an argument of dmem-hook, as of a CDI device, asks for 8M of " CAMERA
	  ", but no limit is in effect: " SET, 1, 0 },
	{ "a higher limit above", higher_above,
	  "problem: container c1: an annotation asks for 8M of " CAMERA ", but the limit in effect is 15M, of /"
	  MACHINE ": " SET "note: container c1: its dmem.max of " CAMERA " is max, but the limit of /" MACHINE
	  ", 15M, is in effect: set the limit on its own cgroup as well if programs inside read it\n", 1, 0 },
	{ "a limit that is a page too high", higher_by_a_page,
	  "problem: container c1: an annotation asks for 8388608 of " CAMERA ", but the limit in effect is "
	  "8392704, of /" SCOPE ": " SET, 1, 0 },
	{ "a limit above that is low enough", lower_above,
	  "note: container c1: its dmem.max of " CAMERA " is max, but the limit of /" MACHINE ", 8M, is in "
	  "effect: set the limit on its own cgroup as well if programs inside read it\n", 0, 0 },
	{ "no hook", no_hook, "problem: container c1: " RAISED "dmem-hook did not run for it: install "
	  "dmem-containers, see dmem-hook(8), and " AGAIN, 1, 0 },
	{ "one container of a pod", one_of_a_pod, "problem: container c1: " RAISED SET_PAYLOAD, 1, 0 },
};

static const struct test_case policy_cases[] = {
	{ "above the ceiling", ceiling_is_lost,
	  "problem: container c1: an annotation asks for 8M of " CAMERA ", but the limit in effect is 15M, of /"
	  SCOPE ": " SET, 1, 0 },
	{ "without the default of the policy", default_is_lost,
	  "problem: container c1: /etc/dmem/hook.conf limits it to 20M of " CAMERA ", but no limit is in effect: "
	  SET, 1, 0 },
	{ "a policy without a hook", default_without_hook, NULL, 0, 1 },
	{ "a policy for one of two", default_for_one, NULL, 0, 2 },
	{ "a mistake in the policy", bad_policy,
	  "problem: /etc/dmem/hook.conf: line 2: 'lots' is not REGION SIZE, so no container with dmem-hook "
	  "starts: correct it, see dmem-hook(8)\n", 1, 0 },
	{ "a mistake, and the container of a user", default_of_user,
	  POLICY_BAD("line 2: 'lots' is not REGION SIZE"), 1, 0 },
	{ "a mistake, and no container", bad_policy_only, POLICY_BAD("line 2: 'lots' is not REGION SIZE"), 1, 0 },
	{ "the policy is a FIFO", policy_is_fifo, POLICY_BAD("is no regular file"), 1, 0 },
	{ "the policy is a link", policy_is_link, POLICY_BAD(LINK), 1, 0 },
	{ "others can write to the policy", policy_of_others,
	  POLICY_BAD("can be written by others: chmod go-w"), 1, 0 },
	{ "others can write to its directory", policy_in_open_directory,
	  POLICY_BAD("the directory can be written by others: chmod go-w"), 1, 0 },
	{ "the policy is too long", policy_is_long, POLICY_BAD("is too long"), 1, 0 },
	{ "a link to nowhere above the policy", policy_behind_link,
	  POLICY_BAD("no file is seen below /etc/dmem: No such file or directory"), 1, 0 },
};

static const struct test_case levels_cases[] = {
	{ "no cgroup of its own", no_cgroup, "problem: container c1: " RAISED AGAIN, 1, 0 },
	{ "a gap", gap, "problem: container c1: an annotation asks for 8M of " CAMERA ", but the controller is not "
	  "enabled below /" SCOPE ", so its cgroup has no limit: echo +dmem >/sys/fs/cgroup/" SCOPE
	  "/cgroup.subtree_control, and " AGAIN, 1, 0 },
	{ "a gap above two cgroups", gap_of_two,
	  "problem: container c1: an annotation asks for 8M of " CAMERA ", but the controller is not enabled "
	  "below /" MACHINE ", so its cgroup has no limit: echo +dmem >/sys/fs/cgroup/" MACHINE
	  "/cgroup.subtree_control, and " AGAIN, 1, 0 },
	{ "a gap below a limit that is too high", gap_below_limit, "problem: container c1: " ASKED_BY("an annotation")
	  ", but the limit in effect is 15M, of /" SCOPE ": " SET_PAYLOAD, 1, 0 },
	{ "a file that the user can write to", own_file,
	  "note: " PAYLOAD ": every user can write to its dmem.max and remove its limit of " CAMERA "; no cgroup "
	  "above has a limit that holds: make root the owner of the file, or dmemctl set --runtime "
	  "libpod-c1.scope --max=" CAMERA "=SIZE\n"
	  "problem: container c1: an annotation asks for 8M of " CAMERA ", but every user can write to dmem.max "
	  "of /" PAYLOAD " and remove that limit, and none above holds: make root the owner of the file, or "
	  "limit a slice above it\n", 1, 0 },
	{ "such a file below a limit that holds", own_file_below_limit,
	  "note: " PAYLOAD ": every user can write to its dmem.max and remove its limit of " CAMERA "; the limit "
	  "of " MACHINE ", 8M, still holds: change nothing if that limit is low enough\n", 0, 0 },
	{ "such a file above a limit that holds", foreign_file_above,
	  "problem: " SCOPE ": every user can write to its dmem.max and remove its limit of " CAMERA "; no cgroup "
	  "above has a limit that holds: make root the owner of the file, or dmemctl set " MACHINE " --max="
	  CAMERA "=SIZE\n", 1, 0 },
	{ "a reservation is not there", min_is_lost,
	  "problem: container c1: an annotation asks for a reservation of 4M of " CAMERA ", but dmem.min of its "
	  "cgroup is 0B: start the container again, and see the log for messages of dmem-hook\n", 1, 0 },
	{ "a reservation", min_holds, NULL, 0, 1 },
	{ "a reservation of the cgroup above only", min_above_only,
	  "problem: container c1: an annotation asks for a reservation of 4M of " CAMERA ", but dmem.min of its "
	  "cgroup is 0B: start the container again, and see the log for messages of dmem-hook\n", 1, 0 },
	{ "a cgroup above of another user", foreign_cgroup, "problem: container c1: " ASKED_BY("an annotation")
	  ", but /" MACHINE " is not only root's: its owner can remove the limit of /" PAYLOAD " below it, and none "
	  "above holds" TO_ROOT, 1, 0 },
	{ "a cgroup above whose processes others move", foreign_processes, "problem: container c1: "
	  ASKED_BY("an annotation") ", but /" SCOPE " is not only root's: its owner can remove the limit of /" PAYLOAD
	  " below it, and none above holds" TO_ROOT, 1, 0 },
	{ "such a cgroup below a limit that holds", foreign_cgroup_below_limit, NULL, 0, 1 },
	{ "the container's own cgroup is another user's", foreign_own_cgroup, NULL, 0, 1 },
	{ "a reservation that the cgroup above does not have", min_not_above,
	  "problem: " SCOPE ": dmem.min of " CAMERA " is 4M, and " MACHINE " above reserves only 0B, which bounds "
	  "it: reserve as much for each cgroup above, and not more than the region has\n", 1, 0 },
	{ "a leaf below a limit", leaf,
	  "note: container c1: its dmem.max of " CAMERA " is max, but the limit of /" MACHINE ", 15M, is in "
	  "effect: set the limit on its own cgroup as well if programs inside read it\n", 0, 0 },
};

static const struct test_case systemd_inside_cases[] = {
	{ "the limit of the container holds", systemd_holds, NULL, 0, 1 },
	{ "it was raised", systemd_raised, "problem: container c1: " ASKED_BY("an annotation") ", but the limit in "
	  "effect is 15M, of /" PAYLOAD ": " SET_PAYLOAD, 1, 0 },
	{ "it was raised, with runc", runc_systemd_raised, "problem: container c1: " ASKED_BY("an annotation")
	  ", but the limit in effect is 15M, of /" SCOPE ": " SET, 1, 0 },
	{ "the container has a gap above", systemd_gap, "problem: container c1: " ASKED_BY("an annotation") ", but the "
	  "controller is not enabled below /" SCOPE ", so its cgroup has no limit: echo +dmem >/sys/fs/cgroup/" SCOPE
	  "/cgroup.subtree_control, and " AGAIN, 1, 0 },
	{ "a reservation of the container", min_of_systemd, NULL, 0, 1 },
	{ "the process was moved away", moved_away, "problem: container c1: " RAISED
	  "dmemctl set --runtime b.scope --max=" CAMERA "=SIZE, or " AGAIN, 1, 0 },
};

static const struct test_case requests_cases[] = {
	{ "no such region", no_region,
	  "problem: container c1: asks for a limit of cma/none, which is not a region: see lsdmem for the names, "
	  "load the driver of the region, and " AGAIN, 1, 0 },
	{ "an annotation with a mistake", bad_annotation,
	  "problem: container c1: its annotation dmem.pool/max: 'x\\x1b[31m' is not REGION SIZE: write "
	  "\"REGION SIZE; REGION SIZE\", and " AGAIN, 1, 0 },
	{ "an annotation that is no text", no_text,
	  "problem: container c1: its annotation dmem.pool/max: '' is no text: write \"REGION SIZE; REGION "
	  "SIZE\", and " AGAIN, 1, 0 },
	{ "an argument with a mistake", bad_argument,
	  "problem: container c1: dmem-hook cannot use its argument '" CAMERA "': correct the CDI file or the "
	  "configuration, see dmem-hook(8)\n", 1, 0 },
	{ "strict is neither yes nor no", bad_strict, "problem: container c1: its annotation dmem.pool/strict: 'yess' is "
	  "neither yes nor no: write yes or no, and " AGAIN, 1, 0 },
	{ "strict is no text", strict_is_no_text, "problem: container c1: its annotation dmem.pool/strict: '' is no "
	  "text: write yes or no, and " AGAIN, 1, 0 },
	{ "strict is no", good_strict, NULL, 0, 1 },
	{ "an unknown option", unknown_option,
	  "problem: container c1: dmem-hook cannot use its argument '--most=1': correct the CDI file or the "
	  "configuration, see dmem-hook(8)\n", 1, 0 },
};

static const struct test_case many_cases[] = {
	{ "a word that is no option", positional, "problem: container c1: dmem-hook cannot use its argument 'x': "
	  "correct the CDI file or the configuration, see dmem-hook(8)\n", 1, 0 },
	{ "a misspelt annotation", misspelt, "problem: container c1: its annotation dmem.pool/Max is unknown, so it "
	  "asks for nothing: write dmem.pool/max, /min or /strict, and " AGAIN, 1, 0 },
	{ "two misspelt annotations", two_misspelt, "problem: container c1: its annotation dmem.pool/Max and 1 more are "
	  "unknown, so they ask for nothing: write dmem.pool/max, /min or /strict, and " AGAIN, 1, 0 },
	{ "a key like another annotation", forged_key, "problem: container c1: in 'dmem.pool/max=" CAMERA " max; b=1M', "
	  "the annotation cannot be told from its value: write no annotation of dmem.pool/ with another \"=\", and "
	  AGAIN, 1, 0 },
	{ "a key like a name", forged_name, "problem: container c1: in 'io.kubernetes.container.name=front=x', "
	  "the annotation cannot be told from its value: write no annotation of dmem.pool/ with another \"=\", and "
	  AGAIN, 1, 0 },
	{ "a zero in a label", zero_in_label, "problem: container c1: its annotation dmem.pool/max: '' is no text: "
	  "write \"REGION SIZE; REGION SIZE\", and " AGAIN, 1, 0 },
	{ "more limits than regions", many_asks, "problem: container c1: dmem-hook cannot use its argument 'a=256': "
	  "correct the CDI file or the configuration, see dmem-hook(8)\nproblem: container c1: asks for a limit of "
	  "a, which is not a region: see lsdmem for the names, load the driver of the region, and " AGAIN, 1, 0 },
	{ "many hooks", many_hooks, NULL, 0, 1 },
	{ "too many hooks", too_many_hooks, UNREAD(STATE, "it has too many hooks"), 1, 0 },
};

#define UNNAMED	"problem: container c1: its annotation dmem.pool/max.container.front has no effect, because none names the " \
		"container: write dmem.pool/max, or add the annotation io.kubernetes.container.name, and " AGAIN

static const struct test_case pods_cases[] = {
	{ "no name of the container", unnamed, UNNAMED, 1, 0 },
	{ "another container of the pod", another_of_pod, NULL, 0, 1 },
	{ "the pause container", pause_of_pod, NULL, 0, 1 },
	{ "containerd, without a name", unnamed_of_containerd, UNNAMED, 1, 0 },
};

static const struct test_case ceilings_cases[] = {
	{ "a reservation without a ceiling", min_without_ceiling, "note: container c1: an annotation asks for a "
	  "reservation of " CAMERA ", but /etc/dmem/hook.conf admits none: write DeviceMemoryMinCeiling= there, and "
	  AGAIN, 0, 0 },
	{ "a reservation without the hook", min_without_hook, "problem: container c1: an annotation asks for a "
	  "reservation of 8M of " CAMERA ", but dmem.min of its cgroup is 0B: dmem-hook did not run for it: install "
	  "dmem-containers, see dmem-hook(8), and " AGAIN, 1, 0 },
	{ "a reservation by others, without the hook", min_by_others, NULL, 0, 1 },
	{ "a reservation by others, without a ceiling", min_by_others_with_hook, NULL, 0, 1 },
	{ "a reservation above the ceiling", min_is_lowered, "note: container c1: an annotation asks for a reservation of "
	  "8M of " CAMERA ", but /etc/dmem/hook.conf admits 4M: ask for less, or raise DeviceMemoryMinCeiling= there, "
	  "and " AGAIN, 0, 0 },
};

static const struct test_case files_cases[] = {
	{ "no JSON", no_json, UNREAD(STATE, "it ends too early"), 1, 0 },
	{ "no pid", no_pid, UNREAD(STATE, "it has no pid of a container's process"), 1, 0 },
	{ "a FIFO", state_is_fifo, UNREAD(STATE, "is no regular file"), 1, 0 },
	{ "a link", state_is_link, UNREAD(STATE, LINK), 1, 0 },
	{ "a huge file", state_is_huge, UNREAD(STATE, "is too long"), 1, 0 },
	{ "a zero in a key", zero_in_key, UNREAD("/run/crun/c1/config.json", "a key has a zero in it"), 1, 0 },
	{ "crun without its configuration", no_config,
	  UNREAD("/run/crun/c1/config.json", "No such file or directory"), 1, 0 },
	{ "a link in place of the directory", id_is_link, UNREAD("/run/runc/c1", LINK), 1, 0 },
	{ "two such links are one finding", ids_are_links, UNREAD("/run/runc/c1", LINK), 1, 0 },
};

static const struct test_case users_cases[] = {
	{ "a user's container is not the machine's problem", of_user,
	  "note: " USERS "crun/c1: " RAISED AGAIN, 0, 0 },
	{ "a user's name is harmless", hostile_name, "note: " USERS "crun/c\\x1b[31m: " RAISED AGAIN, 0, 0 },
	{ "a user's files name a service", of_user_service, "note: " USERS "crun/c1: an annotation asks for 8M of " CAMERA
	  ", but the limit in effect is 24M, of /system.slice/camera.service: " AGAIN, 0, 0 },
	{ "a user's container below a gap", of_user_gap, "note: " USERS "crun/c1: an annotation asks for 8M of " CAMERA
	  ", but the controller is not enabled below /" SCOPE ", so its cgroup has no limit: " AGAIN, 0, 0 },
	{ "a user's own limit", of_user_writer, "note: " USERS "crun/c1: an annotation asks for 8M of " CAMERA
	  ", but /" MACHINE " is not only root's: its owner can remove the limit of /" PAYLOAD " below it, and none "
	  "above holds: limit the slice of this user\n", 0, 0 },
	{ "root's own container in a session", of_root, "problem: container c1: " RAISED SET_PAYLOAD, 1, 0 },
	{ "root's own container below a user's directory", of_root_below_user, "problem: container c1: " RAISED SET_PAYLOAD
	  "note: /run/user/1000/crun: the containers are root's, but /run/user/1000 is not: its owner can rename this "
	  "directory, and so hide them: start them in a login session of root, or from a service\n", 1, 0 },
	{ "an empty directory of root there", of_root_empty, NULL, 0, 0 },
	{ "rootless Docker", of_rootless_docker, "note: " USERS "docker/runtime-runc/moby/c1: " RAISED AGAIN, 0, 0 },
	{ "rootless containerd", of_rootless_containerd, "note: " USERS "containerd/runc/default/c1: " RAISED AGAIN, 0, 0 },
	{ "a user's cgroup is outside", of_user_outside, "note: " USERS "crun/c1: the cgroup of its process 4711 cannot be "
	  "determined, so its limits are not checked" HOST, 0, 0 },
	{ "a user's cgroup is too deep", of_user_deep, "note: " USERS "crun/c1: its cgroup /" DEEP " is too deep, so its "
	  "limits are not checked: use fewer levels\n", 0, 0 },
	{ "a user's file is unusable", of_user_without_json,
	  "note: " CANNOT("/run/user/1000/crun/c1/config.json", "it ends too early"), 0, 0 },
	{ "a user's link leads nowhere", of_user_by_link, "note: " CANNOT("/run/user/1000/runc", LINK), 0, 0 },
	{ "a user with too many files", of_user_too_much,
	  HUGE("c1") HUGE("c2") HUGE("c3") HUGE("c4")
	  "note: " CANNOT("/run/user/1000/runc/c5/state.json", "this user's files are too long")
	  "note: /run/user/1001/crun/c6: " RAISED AGAIN, 0, 0 },
};

static void one(const struct test_case *c)
{
	char text[8000], want[100], json[200];
	const char *summary;
	size_t lines = 0;
	int code;

	tap_case("%s", c->name);
	board(&t);
	put(CG "media.slice/dmem.max", CAMERA " 1048576\n");
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 1M\n");
	c->make();
	code = tool(&t, "doctor");
	snprintf(text, sizeof(text), "%s", get("out"));
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	*want = 0;
	if (!c->said && c->containers)
		snprintf(want, sizeof(want), ", %d container%s\n", c->containers,
			 c->containers == 1 ? "" : "s");
	summary = strstr(text, " container");
	check(code == c->code && !*get("err") &&
	      (c->said ? !strcmp(text, c->said) :
	       strstr(text, "no problems: ") == text && (*want ? strstr(text, want) != NULL : !summary)),
	      "the text", "exit code %d: %s%s", code, text, get("err"));
	code = tool(&t, "doctor --json");
	if (!c->said)
		snprintf(json, sizeof(json), ".findings == []");
	else
		snprintf(json, sizeof(json), "(.findings | length) == %zu and all(.findings[]; keys == "
			 "[\"finding\", \"remedy\", \"severity\", \"subject\"])", lines);
	check(code == c->code && !jq(&t, json), "JSON has the same findings", "exit code %d: %s%s",
	      code, get("json"), get("err"));
}

#define GROUP(name)							\
	static void name(void)						\
	{								\
		for (size_t i = 0; i < sizeof(name##_cases) / sizeof(*name##_cases); i++) \
			one(&name##_cases[i]);				\
	}

GROUP(holds)
GROUP(processes)
GROUP(raised_limits)
GROUP(policy)
GROUP(levels)
GROUP(requests)
GROUP(files)
GROUP(users)
GROUP(hidden)
GROUP(systemd_inside)
GROUP(many)
GROUP(pods)
GROUP(ceilings)

static int with_root(const char *dir)
{
	char args[600];

	snprintf(args, sizeof(args), "doctor --runtime-root=%s", tap_path(dir));
	return tool(&t, args);
}

/* Directories of runtimes with --root. */
static void roots(void)
{
	char said[5000], path[500];
	int code;

	tap_case("root's");
	board(&t);
	put(CG "media.slice/dmem.max", CAMERA " 1048576\n");
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 1M\n");
	in_scope(0, 0);
	runc("/opt/runc/c1", ASKS(EIGHT), HOOK);
	if (chmod(tap_path("root/opt/runc"), 0755))
		check(false, "directory", "its mode cannot be changed");
	check(!tool(&t, "doctor") && strstr(get("out"), "no problems: ") == get("out"), "it is not found",
	      "%s", get("out"));
	code = with_root("root/opt/runc");
	check(code == 1 && !strcmp(get("out"), "problem: container c1: " RAISED SET), "it is found if it is named",
	      "exit code %d: %s%s", code, get("out"), get("err"));
	tap_case("a user's");
	give_away("root/opt/runc");
	code = with_root("root/opt/runc");
	snprintf(said, sizeof(said), "note: %s/c1: " RAISED AGAIN, tap_path("root/opt/runc"));
	check(!code && !strcmp(get("out"), said), "is a note", "exit code %d: %s%s", code, get("out"), get("err"));
	tap_case("of another level");
	snprintf(path, sizeof(path), "%s", tap_path("root/opt"));
	snprintf(said, sizeof(said), "note: %s: has no files of runc or crun: name the directory with one directory for "
		 "each container\n", path);
	code = with_root("root/opt");
	check(!code && !strcmp(get("out"), said), "a note says so", "exit code %d: %s%s", code, get("out"), get("err"));
	tap_case("missing");
	snprintf(said, sizeof(said), "problem: %s/none: cannot be read, so the limits of its containers are not checked: No "
		 "such file or directory: name the directory that the runtime has as --root\n", path);
	code = with_root("root/opt/none");
	check(code == 1 && !strcmp(get("out"), said), "is a problem", "exit code %d: %s%s", code, get("out"), get("err"));
	tap_case("a directory that is searched anyway");
	raised();
	code = with_root("root/run/runc");
	snprintf(said, sizeof(said), "problem: container c1: " RAISED SET "note: %s: is /run/runc, which was searched already: "
		 "name another directory, or leave out the option\n", tap_path("root/run/runc"));
	check(code == 1 && !strcmp(get("out"), said), "counts once", "exit code %d: %s%s", code, get("out"), get("err"));
	tap_case("with --prove");
	code = tool(&t, "doctor --prove=" CAMERA " --runtime-root=/");
	check(code == 2 && strstr(get("err"), "--runtime-root cannot be combined with --prove"), "is refused",
	      "exit code %d: %s", code, get("err"));
}

/* A container of user 1000 with a process of its own. */
static void of_thousand(int i, int pid, const char *path, const char *key, const char *value)
{
	char name[100];

	process(pid, "S", START, path);
	snprintf(name, sizeof(name), "root/run/user/1000/runc/c%03d/state.json", i);
	put(name, "{\"init_process_pid\":%d,\"init_process_start\":%d,\"config\":{\"labels\":[\"%s=%s\"],\"Hooks\":{"
	    "\"createRuntime\":[" HOOK "]}}}\n", pid, START, key, value);
	give_away("root/run/user/1000/runc");
}

/* A directory of root at "root/opt/runc", with a container whose limit was raised. */
static void make_opt(void)
{
	board(&t);
	put(CG "media.slice/dmem.max", CAMERA " 1048576\n");
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 1M\n");
	in_scope(0, 0);
	runc("/opt/runc/c1", ASKS(EIGHT), HOOK);
	if (chmod(tap_path("root/opt"), 0755) || chmod(tap_path("root/opt/runc"), 0755))
		check(false, "directory", "its mode cannot be changed");
}

/* The finding is a note with the directory, or a problem of the container. */
static void is_note(const char *dir, bool note)
{
	char said[5000];
	int code = with_root(dir);

	if (note)
		snprintf(said, sizeof(said), "note: %s/c1: " RAISED AGAIN, tap_path(dir));
	else
		snprintf(said, sizeof(said), "problem: container c1: " RAISED SET);
	check(code == !note && !strcmp(get("out"), said), note ? "causes a note" : "causes a problem", "exit code %d: %s%s",
	      code, get("out"), get("err"));
}

/* Others may put another directory in the place of the named one. */
static void ways_to_roots(void)
{
	char said[5000];
	int code;

	tap_case("a directory that others can write to, with the sticky bit");
	make_opt();
	chmod(tap_path("root/opt/runc"), 01777);
	is_note("root/opt/runc", true);
	tap_case("one below a directory with the sticky bit");
	make_opt();
	chmod(tap_path("root/opt"), 01777);
	is_note("root/opt/runc", false);
	tap_case("one below a user's");
	make_opt();
	give_away("root/opt");
	is_note("root/opt/runc", true);
	tap_case("a link of root");
	make_opt();
	link_to("root/link", "../root//opt/");
	is_note("root/link/runc", false);
	tap_case("a link in a user's directory");
	make_opt();
	link_to("root/home/u/rt", "../../opt/runc");
	give_away("root/home/u");
	is_note("root/home/u/rt", true);
	tap_case("a link of root to one");
	link_to("root/link", "home/u/rt");
	is_note("root/link", true);
	tap_case("a link to itself");
	link_to("root/loop", "loop");
	code = with_root("root/loop");
	check(code == 1 && strstr(get("out"), LINK), "is a problem", "exit code %d: %s", code, get("out"));
	tap_case("one that a user has removed");
	code = with_root("root/home/u/none");
	snprintf(said, sizeof(said), "note: %s: cannot be read, so the limits of its containers are not checked: No such file or "
		 "directory: name the directory that the runtime has as --root\n", tap_path("root/home/u/none"));
	check(!code && !strcmp(get("out"), said), "causes a note", "exit code %d: %s", code, get("out"));
}

/* The same limits as for /run/user. */
static void flood_of_root(void)
{
	char said[5000];
	int code;

	board(&t);
	in_payload(0, 0);
	for (int i = 0; i < 101; i++)
		of_thousand(i, PID + i, PAYLOAD, ASKS(EIGHT));
	rename(tap_path("root/run/user/1000/runc"), tap_path("root/run/elsewhere"));
	code = with_root("root/run/elsewhere");
	snprintf(said, sizeof(said), "note: %s: only the first 100 findings about the containers of this user are shown: see to "
		 "these first\n", tap_path("root/run/elsewhere"));
	check(!code && strstr(get("out"), said), "a note says that 100 findings are shown", "exit code %d: %s", code,
	      get("out"));
}

/* The findings about the containers of one user are limited, so that those about others are seen. */
static void flood(void)
{
	size_t lines = 0;
	char text[40000];
	int code;

	board(&t);
	in_payload(0, 0);
	for (int i = 0; i < 101; i++)
		of_thousand(i, PID + i, PAYLOAD, ASKS(EIGHT));
	crun("/run/user/1001/crun/other", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1001/crun");
	code = tool(&t, "doctor");
	snprintf(text, sizeof(text), "%s", get("out"));
	for (const char *p = text; (p = strstr(p, "note: " USERS "runc/c")); p++)
		lines++;
	check(!code && lines == 100 && !strstr(text, "runc/c100"), "100 findings are shown", "%zu: %s", lines,
	      text);
	check(strstr(text, "note: /run/user/1000: only the first 100 findings about the containers of this user are "
		     "shown: see to these first\n") != NULL, "a note says so", "%s", text);
	check(strstr(text, "note: /run/user/1001/crun/other: ") != NULL, "other users have their own findings", "%s", text);
}

/* A user can make directories in directories, to keep root busy. */
static void many_names(void)
{
	char name[200];
	int code;

	board(&t);
	in_payload(0, 0);
	for (int i = 0; i < 5; i++) {
		for (int k = 0; k < 250; k++) {
			snprintf(name, sizeof(name), "root/run/user/1000/docker/runtime-runc/n%d/c%d/x", i, k);
			put(name, "%s", "");
		}
	}
	give_away("root/run/user/1000/docker");
	crun("/run/user/1001/crun/other", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1001/crun");
	code = tool(&t, "doctor");
	check(!code && strstr(get("out"), "note: /run/user/1000: has 1024 names or more: not all of them are checked: remove "
			      "what is left of old containers\n"), "a note says so", "%d: %s", code, get("out"));
	check(strstr(get("out"), "note: /run/user/1001/crun/other: ") != NULL, "other users are examined", "%s", get("out"));
}

/* ---- what a user's containers cost root ---- */

/* System calls of doctor, which prints notes only. */
static int calls(void)
{
	char root[4096];
	const char *argv[] = { fast, "--sysroot", root, "doctor", NULL };

	snprintf(root, sizeof(root), "%s", tap_path("root"));
	return run_calls(argv, NULL);
}

/* Calls for 20 more directories of a user, which @make makes from one number to another. */
static int calls_for_20(const char *name, void (*make)(int from, int to))
{
	int few, more;

	board(&t);
	fake_bare_cgroup(D63);
	make(0, 20);
	few = calls();
	make(20, 40);
	more = calls();
	check(few > 0 && more > 0, name, "%d and %d calls", few, more);
	return more - few;
}

static void same_process(int from, int to)
{
	for (int i = from; i < to; i++)
		of_thousand(i, PID, D63, ASKS(EIGHT));
}

static void without_a_wish(int from, int to)
{
	for (int i = from; i < to; i++)
		of_thousand(i, PID + i, D63, "a", "b");
}

static void directories(void)
{
	int n = calls_for_20("directories of one process", same_process);

	/* Three are read for each: a directory and two files, one of which is not there. */
	check(n <= 20 * 30, "a process is examined once", "%d calls for 20 more directories", n);
	board(&t);
	fake_bare_cgroup(D63);
	same_process(0, 3);
	tool(&t, "doctor");
	check(strstr(get("out"), "note: /run/user/1000/runc/c001: another directory names the same process 4711, so this one "
		     "is not checked: remove what is left of old containers\n") && !strstr(get("out"), "c002"),
	      "one note says so", "%s", get("out"));
	n = calls_for_20("containers without a limit", without_a_wish);
	/* And two files of the process. */
	check(n <= 20 * 45, "no limit is read if nobody asks for one", "%d calls for 20 more containers", n);
}

/* After 100 findings, nothing more is read. */
static void after_the_last_finding(void)
{
	int few, more;

	board(&t);
	in_payload(0, 0);
	for (int i = 0; i < 120; i++)
		of_thousand(i, PID + i, PAYLOAD, ASKS(EIGHT));
	few = calls();
	for (int i = 120; i < 200; i++)
		of_thousand(i, PID + i, PAYLOAD, ASKS(EIGHT));
	more = calls();
	check(few > 0 && more > 0 && more - few < 80, "nothing more is read", "%d and %d calls", few, more);
}

/* All limits hold, so there is no finding. Each container takes 3 times 63 steps of 16384. */
static void steps(void)
{
	board(&t);
	fake_bare_cgroup(D63);
	put(CG D63 "/dmem.max", CAMERA " 8388608\n" DISPLAY " 8388608\n" SYSTEM " 8388608\n");
	for (int i = 0; i < 80; i++)
		of_thousand(i, PID + 1 + i, D63, ASKS(EIGHT "; " DISPLAY " 8M; " SYSTEM " 8M"));
	tool(&t, "doctor");
	check(!strstr(get("out"), "too many threads"), "80 deep containers are all checked", "%s", get("out"));
	for (int i = 80; i < 90; i++)
		of_thousand(i, PID + 1 + i, D63, ASKS(EIGHT "; " DISPLAY " 8M; " SYSTEM " 8M"));
	in_payload(0, 0);
	crun("/run/user/1001/crun/other", ASKS(EIGHT), HOOK);
	give_away("root/run/user/1001/crun");
	check(!tool(&t, "doctor") &&
	      strstr(get("out"), "note: /run/user/1000: the containers of this user have too many threads, or cgroups above "
		     "them: not all of them are checked: use fewer levels of cgroups, or fewer containers\n") &&
	      !strstr(get("out"), "/runc/c"), "after 16384 steps a note says so", "%s", get("out"));
	check(strstr(get("out"), "other: " RAISED) != NULL, "other users are examined", "%s", get("out"));
}

/* The first thread has ended. A list of all others is not needed. */
static int calls_with_threads(int n)
{
	board(&t);
	in_scope(0, 0);
	of_thousand(0, PID, SCOPE, "a", "b");
	process(PID, "Z", START, SCOPE);
	for (int i = 1; i <= n; i++)
		thread(PID + i, "S", SCOPE);
	return calls();
}

static void threads(void)
{
	int few = calls_with_threads(10), more = calls_with_threads(5000);

	check(few > 0 && few == more, "only one thread that lives is read", "%d and %d calls", few, more);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	fast = argv[2];
	t = (struct tool){ .program = argv[1], .jq = argv[3], .dir = argv[4] };
	tap_start();
	RUN(holds);
	RUN(processes);
	RUN(hidden);
	RUN(raised_limits);
	RUN(policy);
	RUN(levels);
	RUN(systemd_inside);
	RUN(requests);
	RUN(many);
	RUN(files);
	RUN(users);
	RUN(flood);
	RUN(many_names);
	RUN(directories);
	RUN(after_the_last_finding);
	RUN(steps);
	RUN(threads);
	RUN(pods);
	RUN(ceilings);
	RUN(roots);
	RUN(ways_to_roots);
	RUN(flood_of_root);
	return tap_end();
}
