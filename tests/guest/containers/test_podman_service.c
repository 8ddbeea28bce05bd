// SPDX-License-Identifier: GPL-2.0-or-later
/* Podman with dmem-hook in a quadlet's service and in a pod, and with a hook that fails or is missing. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define SLICE		CGROUPS "/machine.slice"
#define TELLS		"cgroup /\nmax " CAMERA " 8388608\n"
#define TELLS_LESS	"cgroup /\nmax " CAMERA " 4194304\n"
#define QUADLET		"/srv/podman/hook.container"
#define QUADLETS	"/etc/containers/systemd"
/* Masked in the guest. */
#define GENERATOR	"/etc/systemd/system-generators/podman-system-generator"
#define UNIT		"camera.service"
#define HEAP		"AddDevice=" HEAP_FILE
#define ANNOTATION	"Annotation=\"dmem.pool/max=" CAMERA " 8M\"\n"
/* The container's program ignores a request to stop. */
#define LOGGING		"LogDriver=passthrough\n"
/* The words of the second container of the pod, and their output. */
#define PLAYER		"/probe caps " CAMERA_HEAP "=5 " MODEST " hold"
#define SAYS_PLAYER	TELLS_LESS CAMERA_HEAP "=5 12\n" SAYS_MODEST
/* A hook that fails, and one that is not installed. */
#define BROKEN		"/etc/cdi/dmem-tests.json"
#define BROKEN_DEVICE	"{ \"name\": \"%s\", \"containerEdits\": { \"hooks\": [ { \"hookName\": \"createRuntime\", " \
			"\"path\": \"%s\", \"args\": [ \"dmem-hook\", \"--max=cma/none=8M\", \"--strict\" ] } ] } }"
#define NO_HOOK		"/usr/libexec/dmem-tests/no-hook"

FIXTURE(podman_service) {
	pid_t engine, other;
	bool unmasked;
};

FIXTURE_SETUP(podman_service)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(podman_service)
{
	run("systemctl", "stop", UNIT, NULL);
	shell_out("podman pod rm --force --all --time=0; podman rm --force --all --time=0");
	kill_hard(self->engine);
	kill_hard(self->other);
	if (self->unmasked)
		EXPECT_EQ(0, symlink("/dev/null", GENERATOR));
	run("systemctl", "stop", "machine.slice", NULL);
	run("systemctl", "reset-failed", NULL);
	EXPECT_TRUE(wait_gone(SLICE, 10));
	EXPECT_EQ(0, containers_end());
}

static const char *cgroup_of_container(const char *id)
{
	static char cg[PATH_MAX];

	run("podman", "inspect", "--format", "{{.State.Pid}}", id, NULL);
	snprintf(cg, sizeof(cg), "%s", cgroup_of_pid(atoi(output())));
	return cg;
}

/* The service's container is limited in its own cgroup, which is below that of the service. */
static void expect_service(struct __test_metadata *_metadata)
{
	const char *cg;
	char unit[300];

	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(out(), TELLS SAYS_LIMITED)) TH_LOG("%s", out());
	snprintf(unit, sizeof(unit), "%s/libpod-payload-", cgroup_of(UNIT));
	cg = cgroup_of_container("systemd-camera");
	EXPECT_EQ(cg, strstr(cg, unit)) TH_LOG("%s", cg);
	EXPECT_EQ(8 * MIB, dmem_read(cg, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(cg, CAMERA));
	EXPECT_EQ(1, refused(cg, CAMERA));
	out_clear();
}

/* A quadlet with the annotation, also after a restart, and one with the CDI device. */
TEST_F_TIMEOUT(podman_service, quadlet, 290)
{
	static const char * const annotation[] = { ANNOTATION, "" };
	static const char * const device[] = { HEAP, "AddDevice=dmem.pool/camera-64000000=8M" };

	ASSERT_EQ(0, unit_write(UNIT ".d/60-out.conf", "[Service]\nStandardOutput=append:" OUT "\n"
				"StandardError=append:" OUT "\n"));
	self->unmasked = !unlink(GENERATOR);
	ASSERT_TRUE(self->unmasked);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, file_from(QUADLETS "/camera.container", QUADLET, "/probe hold", GREEDY,
				       ANNOTATION, annotation[i], HEAP, device[i], LOGGING,
				       LOGGING "StopTimeout=0\n", NULL));
		ASSERT_EQ(0, reload());
		ASSERT_EQ(0, start(UNIT)) TH_LOG("%s", out());
		expect_service(_metadata);
		if (!i) {
			ASSERT_EQ(0, restart(UNIT)) TH_LOG("%s", out());
			expect_service(_metadata);
		}
		ASSERT_EQ(0, stop(UNIT));
		EXPECT_EQ(0, dmem_wait_current(CGROUPS, CAMERA, 0, 10000));
		out_clear();
	}
}

/* Each container of a pod has the limit of its name, in a cgroup of its own. */
TEST_F_TIMEOUT(podman_service, pod, 250)
{
	char cg[PATH_MAX];

	ASSERT_EQ(0, run("podman", "pod", "create", "--infra=false", "--name=cameras", NULL)) TH_LOG("%s", output());
	self->engine = spawn_out("sh /srv/podman/pod.sh camera " GREEDY);
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_LIMITED, out());
	out_clear();
	self->other = spawn_out("sh /srv/podman/pod.sh player " PLAYER);
	ASSERT_TRUE(wait_out(MODEST " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(SAYS_PLAYER, out());

	snprintf(cg, sizeof(cg), "%s", cgroup_of_container("camera"));
	EXPECT_NE(NULL, strstr(cg, SLICE "/machine-libpod_pod_")) TH_LOG("%s", cg);
	EXPECT_EQ(8 * MIB, dmem_current(cg, CAMERA));
	snprintf(cg, sizeof(cg), "%s", cgroup_of_container("player"));
	EXPECT_NE(NULL, strstr(cg, SLICE "/machine-libpod_pod_")) TH_LOG("%s", cg);
	EXPECT_EQ(4 * MIB, dmem_read(cg, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_current(cg, CAMERA));
	EXPECT_EQ(0, run("podman", "pod", "rm", "--force", "--time=0", "cameras", NULL)) TH_LOG("%s", output());
	EXPECT_EQ(0, dmem_wait_current(CGROUPS, CAMERA, 0, 10000));
}

/* A hook that fails in a strict start, or is not installed: an error that names it, and no container. */
TEST_F_TIMEOUT(podman_service, refused, 250)
{
	static const struct {
		const char *runtime, *device;
	} broken[] = {
		{ "crun", "strict" },
		{ "runc", "missing" },
	};

	ASSERT_EQ(0, unit_write(BROKEN, "{ \"cdiVersion\": \"0.5.0\", \"kind\": \"dmem.pool/tests\", "
				"\"devices\": [ " BROKEN_DEVICE ", " BROKEN_DEVICE " ] }\n",
				"strict", "/usr/libexec/dmem-hook", "missing", NO_HOOK));
	for (int i = 0; i < 2; i++) {
		EXPECT_NE(0, shell_out("podman --runtime=%s run --rm --device=dmem.pool/tests=%s --network=none "
				       "--rootfs " ROOTFS " " GREEDY, broken[i].runtime, broken[i].device))
			TH_LOG("%s", out());
		/* crun shows no message of its hooks: it is in the journal. */
		if (i) {
			EXPECT_NE(NULL, strstr(out(), NO_HOOK)) TH_LOG("%s", out());
		} else {
			EXPECT_TRUE(logged("dmem-hook", "cma/none=8M: no such region")) TH_LOG("%s", out());
		}
		EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
		out_clear();
	}
}

TEST_HARNESS_MAIN
