// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl doctor on running containers of runc, crun and Podman, and lsdmem inside a container.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define ABOVE		CGROUPS "/containers"
#define SLICE		CGROUPS "/machine.slice"
#define UNIFIED		",\n\t\t\t\"unified\": {\n\t\t\t\t\"dmem.max\": \"" CAMERA " 8M\"\n\t\t\t}"
#define VERSION		"\"ociVersion\": \"1.0.2\","
#define HOOK(more)	VERSION, VERSION " \"hooks\": { \"createRuntime\": [ { \"path\": " \
			"\"/usr/libexec/dmem-hook\", \"args\": [ \"dmem-hook\"" more " ] } ] },"
#define ANNOTATIONS	"\"annotations\": {"
#define ASKS		ANNOTATIONS, ANNOTATIONS " \"dmem.pool/max\": \"" CAMERA " 8M\","
#define CONTAINER_PATH	"/containers/camera"
#define LOST		" asks for 8M of " CAMERA ", but no limit is in effect"
/* The directory of a user without a session. */
#define USER		"/run/user/4242"
/* The directory of a runtime with --root. */
#define OTHER_ROOT	"/run/dmem-tests/runtime"
/* The program inside, with the libraries of the guest. */
#define PROBE_ARGS	"\"/probe\", \"hold\""
#define LSDMEM_ARGS	"\"/usr/lib/ld-linux-aarch64.so.1\", \"/usr/bin/lsdmem\", \"-nrb\", \"-o\", \"+LIMIT_PARTIAL\""
#define OWN_USR		OCI_CGROUP, "\t\t{ \"destination\": \"/usr\", \"type\": \"none\", \"source\": \"/usr\", " \
			"\"options\": [ \"rbind\", \"ro\" ] },\n" OCI_CGROUP

/* Each engine and each driver of cgroups, and the container's own cgroup there. */
static const struct way {
	const char *engine, *path, *cgroup;
} ways[] = {
	{ "runc", CONTAINER_PATH, ABOVE "/camera" },
	{ "runc --systemd-cgroup", "machine.slice:runc:camera", SLICE "/runc-camera.scope" },
	{ "crun", CONTAINER_PATH, ABOVE "/camera" },
	{ "crun --systemd-cgroup", "machine.slice:crun:camera", SLICE "/crun-camera.scope/container" },
	{ "/opt/runc/run", CONTAINER_PATH, ABOVE "/camera" },
};

#define N_WAYS		(sizeof(ways) / sizeof(*ways))

FIXTURE(doctor) {
	pid_t engine;
};

FIXTURE_SETUP(doctor)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(doctor)
{
	shell_out("runc delete --force camera; crun delete --force camera; podman rm --force --all --time=0");
	kill_hard(self->engine);
	shell_out("crun --root=" USER "/crun delete --force camera; umount " USER " " USER "; rmdir " USER);
	shell_out("runc --root=" OTHER_ROOT " delete --force camera; crun --root=" OTHER_ROOT " delete --force camera; "
		  "rm -rf " OTHER_ROOT);
	run("systemctl", "stop", "machine.slice", NULL);
	run("systemctl", "reset-failed", NULL);
	EXPECT_TRUE(wait_gone(SLICE, 10));
	EXPECT_TRUE(wait_gone(ABOVE "/camera", 10));
	EXPECT_TRUE(!rmdir(ABOVE) || errno == ENOENT);
	EXPECT_EQ(0, containers_end());
}

/*
 * While the container has its limit, dmemctl doctor has no problem with it. Then the limit is lifted
 * by hand, and set again.
 */
static void expect_found(struct __test_metadata *_metadata, const char *cg, const char *source)
{
	char finding[300];

	snprintf(finding, sizeof(finding), ": %s" LOST, source);
	ASSERT_EQ(8 * MIB, dmem_read(cg, "dmem.max", CAMERA)) TH_LOG("%s", cg);
	EXPECT_EQ(0, run("dmemctl", "doctor", NULL)) TH_LOG("%s", output());
	EXPECT_EQ(NULL, strstr(output(), USER "/crun/camera")) TH_LOG("%s", output());
	ASSERT_EQ(0, dmem_set_max(cg, CAMERA, DMEM_MAX));
	EXPECT_EQ(1, run("dmemctl", "doctor", NULL));
	EXPECT_NE(NULL, strstr(output(), "problem: container ")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), finding)) TH_LOG("%s", output());
	ASSERT_EQ(0, dmem_set_max(cg, CAMERA, 8 * MIB));
	EXPECT_EQ(0, run("dmemctl", "doctor", NULL)) TH_LOG("%s", output());
}

static int run_detached(const struct way *w)
{
	return shell_out("%s run --detach --bundle %s camera", w->engine, bundle("camera"));
}

static void end_container(struct __test_metadata *_metadata, const struct way *w)
{
	EXPECT_EQ(0, shell_out("%s delete --force camera", w->engine)) TH_LOG("%s", out());
	EXPECT_TRUE(wait_gone(w->cgroup, 10));
	out_clear();
}

TEST_F_TIMEOUT(doctor, annotation, 300)
{
	for (size_t i = 0; i < N_WAYS; i++) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, UNIFIED, "", HOOK(""), ASKS,
				       CONTAINER_PATH, w->path, NULL));
		ASSERT_EQ(0, run_detached(w)) TH_LOG("%s", out());
		expect_found(_metadata, w->cgroup, "an annotation");
		end_container(_metadata, w);
	}
}

/* The containers of a runtime with another directory are checked if it is named. */
TEST_F_TIMEOUT(doctor, other_root, 300)
{
	static const struct way other[] = {
		{ "runc --root=" OTHER_ROOT, CONTAINER_PATH, ABOVE "/camera" },
		{ "crun --root=" OTHER_ROOT, CONTAINER_PATH, ABOVE "/camera" },
	};

	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		const struct way *w = &other[i];

		TH_LOG("%s", w->engine);
		ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, UNIFIED, "", HOOK(", \"--timeout=300\""), ASKS,
				       CONTAINER_PATH, w->path, NULL));
		ASSERT_EQ(0, run_detached(w)) TH_LOG("%s", out());
		EXPECT_EQ(0, run("dmemctl", "doctor", "--runtime-root=" OTHER_ROOT, NULL)) TH_LOG("%s", output());
		ASSERT_EQ(0, dmem_set_max(w->cgroup, CAMERA, DMEM_MAX));
		EXPECT_EQ(0, run("dmemctl", "doctor", NULL)) TH_LOG("%s", output());
		EXPECT_EQ(1, run("dmemctl", "doctor", "--runtime-root=" OTHER_ROOT, NULL));
		EXPECT_NE(NULL, strstr(output(), "problem: container camera: an annotation" LOST)) TH_LOG("%s", output());
		end_container(_metadata, w);
	}
}

/* A container without the hook has no limit, whatever it asks for. */
TEST_F_TIMEOUT(doctor, no_hook, 300)
{
	for (size_t i = 0; i < N_WAYS; i++) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, UNIFIED, "", ASKS, CONTAINER_PATH,
				       w->path, NULL));
		ASSERT_EQ(0, run_detached(w)) TH_LOG("%s", out());
		EXPECT_EQ(1, run("dmemctl", "doctor", NULL));
		EXPECT_NE(NULL, strstr(output(), "problem: container camera: an annotation asks for 8M of " CAMERA))
			TH_LOG("%s", output());
		end_container(_metadata, w);
	}
	EXPECT_EQ(0, run("dmemctl", "doctor", NULL)) TH_LOG("%s", output());
}

/*
 * A container of a user's own engine causes a note, so that no user changes the exit status. Another
 * file system over the user's directory may never answer, and is not read.
 */
TEST_F_TIMEOUT(doctor, of_user, 120)
{
	static const struct way w = { "crun --root=" USER "/crun", CONTAINER_PATH, ABOVE "/camera" };

	ASSERT_EQ(0, shell_out("mkdir -p " USER " && mount -t tmpfs none " USER " && mkdir " USER "/crun && "
			       "chown 4242 " USER " " USER "/crun"));
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, UNIFIED, "", ASKS, NULL));
	ASSERT_EQ(0, run_detached(&w)) TH_LOG("%s", out());
	EXPECT_EQ(0, run("dmemctl", "doctor", NULL)) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "note: " USER "/crun/camera: an annotation asks for 8M of " CAMERA))
		TH_LOG("%s", output());
	ASSERT_EQ(0, shell_out("cp -a " USER "/crun /run/dmem-tests/ && mount -t ramfs none " USER
			       " && mv /run/dmem-tests/crun " USER)) TH_LOG("%s", out());
	EXPECT_EQ(0, run("dmemctl", "doctor", NULL)) TH_LOG("%s", output());
	EXPECT_EQ(NULL, strstr(output(), USER "/crun/camera")) TH_LOG("%s", output());
	ASSERT_EQ(0, shell_out("umount " USER)) TH_LOG("%s", out());
	end_container(_metadata, &w);
}

/* In a session of root, crun has its directory below that of the session. */
TEST_F_TIMEOUT(doctor, session_of_root, 120)
{
	static const struct way w = { "crun --root=" USER "/crun", CONTAINER_PATH, ABOVE "/camera" };

	ASSERT_EQ(0, shell_out("mkdir -p " USER " && mount -t tmpfs none " USER));
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, UNIFIED, "", ASKS, NULL));
	ASSERT_EQ(0, run_detached(&w)) TH_LOG("%s", out());
	EXPECT_EQ(1, run("dmemctl", "doctor", NULL)) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "problem: container camera: an annotation asks for 8M of " CAMERA))
		TH_LOG("%s", output());
	end_container(_metadata, &w);
}

static const char *cgroup_of_container(void)
{
	run("podman", "inspect", "--format", "{{.State.Pid}}", "camera", NULL);
	return cgroup_of_pid(atoi(output()));
}

/* Podman with an annotation and with a CDI device, with both of its runtimes. */
TEST_F_TIMEOUT(doctor, podman, 300)
{
	static const struct {
		const char *script, *runtime, *source;
	} each[] = {
		{ "hook", "crun", "an annotation" }, { "hook", "runc", "an annotation" },
		{ "cdi", "crun", "an argument of dmem-hook, as of a CDI device," },
		{ "cdi", "runc", "an argument of dmem-hook, as of a CDI device," },
	};

	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		TH_LOG("%s, %s", each[i].script, each[i].runtime);
		self->engine = spawn_out("sh /srv/podman/%s.sh --runtime=%s " GREEDY, each[i].script,
					 each[i].runtime);
		ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
		expect_found(_metadata, cgroup_of_container(), each[i].source);
		EXPECT_EQ(0, run("podman", "rm", "--force", "--time=0", "camera", NULL));
		kill_hard(self->engine);
		self->engine = 0;
		out_clear();
	}
}

/*
 * lsdmem sees the limit of its own cgroup, and says that cgroups above cannot be seen. The last way
 * has the libraries of another release in place of the guest's.
 */
TEST_F_TIMEOUT(doctor, lsdmem_inside, 300)
{
	for (size_t i = 0; i < N_WAYS - 1; i++) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, PROBE_ARGS, LSDMEM_ARGS, OWN_USR,
				       UNIFIED, "", HOOK(""), ASKS, CONTAINER_PATH, w->path, NULL));
		EXPECT_EQ(0, shell_out("%s run --bundle %s camera", w->engine, bundle("camera")));
		EXPECT_NE(NULL, strstr(out(), CAMERA " - 8388608 ")) TH_LOG("%s", out());
		EXPECT_NE(NULL, strstr(out(), DISPLAY " - max ")) TH_LOG("%s", out());
		EXPECT_NE(NULL, strstr(out(), " yes\n")) TH_LOG("%s", out());
		EXPECT_NE(NULL, strstr(out(), "cgroups above may have a lower one")) TH_LOG("%s", out());
		out_clear();
	}
}

/* Without the hook, crun's container has no files of the controller. */
TEST_F_TIMEOUT(doctor, lsdmem_without_files, 120)
{
	const struct way *w = &ways[3];

	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, PROBE_ARGS, LSDMEM_ARGS, OWN_USR, UNIFIED, "",
			       CONTAINER_PATH, w->path, NULL));
	EXPECT_EQ(1, shell_out("%s run --bundle %s camera", w->engine, bundle("camera")));
	EXPECT_NE(NULL, strstr(out(), "the cgroup of this container has no dmem files")) TH_LOG("%s", out());
}

TEST_HARNESS_MAIN
