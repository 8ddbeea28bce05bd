// SPDX-License-Identifier: GPL-2.0-or-later
/* dmem-hook with runc and crun, each with and without systemd. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"
#include "hook.h"

#define TELLS_BOTH	TELLS "max " DISPLAY " 4194304\n"
#define POLICY_DIR	"/etc/dmem"
#define POLICY		POLICY_DIR "/hook.conf"
#define RULES		"[Hook]\nDeviceMemoryMax=" DISPLAY " 4M\nDeviceMemoryMaxCeiling=" CAMERA " 8M\n"

/* Each engine and each driver of cgroups. */
static const struct way ways[] = {
	{ "runc", "/containers/camera", ABOVE "/camera" },
	{ "runc --systemd-cgroup", "machine.slice:runc:camera", SLICE "/runc-camera.scope" },
	{ "crun", "/containers/camera", ABOVE "/camera" },
	{ "crun --systemd-cgroup", "machine.slice:crun:camera", SLICE "/crun-camera.scope/container" },
	{ "/opt/runc/run", "/containers/camera", ABOVE "/camera" },
};

#define N_WAYS		(sizeof(ways) / sizeof(*ways))

FIXTURE(hook) {
	int unused;
};

FIXTURE_SETUP(hook)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(hook)
{
	hook_clean();
	EXPECT_TRUE(wait_gone(SLICE, 10));
	/* The parent cgroup remains, as after each container. */
	EXPECT_TRUE(wait_gone(ABOVE "/camera", 10));
	EXPECT_TRUE(!rmdir(ABOVE) || errno == ENOENT);
	EXPECT_EQ(0, containers_end());
	EXPECT_TRUE(!rmdir(POLICY_DIR) || errno == ENOENT);
}

/*
 * An annotation with two regions. The container sees both limits in its own cgroup, gets its amount
 * to the byte and then ENOMEM.
 */
TEST_F_TIMEOUT(hook, annotation, 250)
{
	for (size_t i = 0; i < N_WAYS; i++) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
				       WITH_HOOK(", \"--strict\""), ASKS(CAMERA " 8M; " DISPLAY " 4M"),
				       CONTAINER_PATH, w->path, NULL));
		ASSERT_EQ(0, hook_run(w)) TH_LOG("%s", out());
		ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
		EXPECT_STREQ(TELLS_BOTH SAYS_LIMITED, out());
		ASSERT_STREQ(w->cgroup, cgroup_of_pid(first_pid(w->cgroup)));
		EXPECT_EQ(8 * MIB, dmem_read(w->cgroup, "dmem.max", CAMERA));
		EXPECT_EQ(4 * MIB, dmem_read(w->cgroup, "dmem.max", DISPLAY));
		EXPECT_EQ(8 * MIB, dmem_current(w->cgroup, CAMERA));
		EXPECT_EQ(1, refused(w->cgroup, CAMERA));
		ASSERT_EQ(0, hook_end(w)) TH_LOG("%s", out());
	}
}

/* The arguments of a CDI file are stronger than an annotation. */
TEST_F_TIMEOUT(hook, arguments, 250)
{
	for (size_t i = 0; i < N_WAYS; i++) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
				       WITH_HOOK(", \"--max=dma_heap/" CAMERA_HEAP "=8M\""),
				       ASKS(CAMERA " max"), CONTAINER_PATH, w->path, NULL));
		ASSERT_EQ(0, hook_run(w)) TH_LOG("%s", out());
		ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
		EXPECT_STREQ(TELLS SAYS_LIMITED, out());
		EXPECT_EQ(1, refused(w->cgroup, CAMERA));
		ASSERT_EQ(0, hook_end(w)) TH_LOG("%s", out());
	}
}

/* A strict start that fails leaves neither a cgroup nor a process; one that is not strict goes on. */
TEST_F_TIMEOUT(hook, strict, 250)
{
	for (size_t i = 0; i < N_WAYS; i++) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
				       WITH_HOOK(", \"--strict\""), ASKS("cma/none 8M"),
				       CONTAINER_PATH, w->path, NULL));
		EXPECT_NE(0, hook_run(w)) TH_LOG("%s", out());
		EXPECT_NE(NULL, strstr(out(), "cma/none 8M: no such region")) TH_LOG("%s", out());
		EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
		EXPECT_TRUE(wait_gone(w->cgroup, 10)) TH_LOG("%s", w->cgroup);
		shell_out("%s delete --force camera", w->engine);
		out_clear();
	}
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
			       WITH_HOOK(""), ASKS("cma/none 8M"), NULL));
	ASSERT_EQ(0, hook_run(&ways[0])) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(out(), "cgroup /\n" SAYS_FREE)) TH_LOG("%s", out());
	ASSERT_EQ(0, hook_end(&ways[0])) TH_LOG("%s", out());
}

/* root's policy: a user gets no more than the ceiling, and who asks for nothing gets the default. */
TEST_F_TIMEOUT(hook, policy, 250)
{
	char asks[8], message[100];

	ASSERT_EQ(0, unit_write(POLICY, RULES));
	for (size_t i = 0; i < N_WAYS; i++) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		/* Another value each time, so that its message is not that of another engine. */
		snprintf(asks, sizeof(asks), "%zuM", 20 + i);
		snprintf(message, sizeof(message), "%llu is above the ceiling of " POLICY, (20ULL + i) * MIB);
		ASSERT_EQ(0, hook_run_asking(w, "", asks)) TH_LOG("%s", out());
		ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
		EXPECT_NE(NULL, strstr(out(), TELLS_BOTH SAYS_LIMITED)) TH_LOG("%s", out());
		EXPECT_EQ(8 * MIB, dmem_read(w->cgroup, "dmem.max", CAMERA));
		EXPECT_EQ(4 * MIB, dmem_read(w->cgroup, "dmem.max", DISPLAY));
		EXPECT_TRUE(logged("dmem-hook", message)) TH_LOG("%s", message);
		ASSERT_EQ(0, hook_end(w)) TH_LOG("%s", out());
	}
}

/*
 * A policy that is there, but has no effect: an empty file, and one that a mount of the engine's
 * namespace hides. No container starts, and the next one has the limits of the policy again.
 */
TEST_F_TIMEOUT(hook, lost_policy, 250)
{
	static const char hidden[] = "unshare -m sh -c 'mount -t tmpfs none " POLICY_DIR " && exec \"$@\"' hide ";
	static const struct {
		const char *policy, *in_front, *message;
	} lost[] = {
		{ "", "", POLICY ": the file has no section [Hook]" },
		{ RULES, hidden, POLICY ": process 1 sees this file" },
	};

	for (size_t i = 0; i < 2 * N_WAYS; i++) {
		const struct way *w = &ways[i / 2];
		const char *message = lost[i % 2].message;

		TH_LOG("%s: %s", w->engine, message);
		ASSERT_EQ(0, unit_write(POLICY, "%s", lost[i % 2].policy));
		EXPECT_NE(0, hook_run_asking(w, lost[i % 2].in_front, "8M")) TH_LOG("%s", out());
		EXPECT_NE(NULL, strstr(out(), message)) TH_LOG("%s", out());
		EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
		EXPECT_TRUE(wait_gone(w->cgroup, 10)) TH_LOG("%s", w->cgroup);
		shell_out("%s delete --force camera", w->engine);
		out_clear();
	}
}

TEST_HARNESS_MAIN
