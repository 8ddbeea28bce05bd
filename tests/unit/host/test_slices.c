// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limit of a slice is set on the cgroup in which systemd puts the slice's services:
 * the host's own systemd is the judge, with its own cgroup namespace and without.
 *
 * test_slices SYSTEMD DIRECTORY DMEM-GENERATOR DMEM-APPLY DMEM-SLICE@.SERVICE
 *
 * The kernel need not have the dmem controller: the message about that names the cgroup.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/dmem.h"
#include "tap.h"
#include "boot.h"

#define SECONDS		60
#define JOURNAL		(1 << 20)

/*
 * Names that the kernel may want for its files, and some that it does not. Of "cpu.x",
 * releases differ: both cgroups get the limit, but without the controller the second is
 * not tried.
 */
static const char * const slices[] = {
	"media", "media-video-out", "devices", "devices-cam", "memory", "memory-a", "cpu", "cpuset", "io",
	"pids", "blkio", "cpuacct", "cgroup", "_x", "_x-_y", "bpf-firewall", "dmem",
	"hugetlb", "a.b", "memory\\x2da", "system-cam",
};

#define SLICES	(sizeof(slices) / sizeof(*slices))

static char directory[200], journal[JOURNAL];

static void copy(const char *from, const char *to)
{
	if (boot_copy(from, tap_path(to)))
		return;
	printf("Bail out! cannot copy %s\n", from);
	exit(2);
}

static void put_units(const char *unit)
{
	char path[300], wants[4096] = "";

	for (size_t i = 0; i < SLICES; i++) {
		snprintf(path, sizeof(path), "units/%s.slice", slices[i]);
		put(path, "[Unit]\nDefaultDependencies=no\n[X-Dmem]\nDeviceMemoryMax=cma/x 1M\n");
		snprintf(path, sizeof(path), "units/in-%zu.service", i);
		put(path, "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nSlice=%s.slice\n"
		    "ExecStart=/bin/cp /proc/self/cgroup %s/at-%zu\n", slices[i], directory, i);
		snprintf(wants + strlen(wants), sizeof(wants) - strlen(wants), " in-%zu.service", i);
	}
	put("units/x.target", "[Unit]\nDefaultDependencies=no\nWants=end.service\nWants=%s\n", wants);
	put("units/end.service", "[Unit]\nDefaultDependencies=no\nAfter=%s\n[Service]\nType=oneshot\n"
	    "ExecStart=/bin/touch %s/done\n", wants, directory);
	copy(unit, "units/dmem-slice@.service");
}

/* The slice's cgroup, as the service in it saw it, or "". */
static const char *cgroup_of(size_t slice)
{
	static char path[4096];
	char name[100], *line, *unit;

	snprintf(name, sizeof(name), "at-%zu", slice);
	line = strstr(get(name), "0::/");
	snprintf(path, sizeof(path), "%s", line ? line + 4 : "");
	path[strcspn(path, "\n")] = 0;
	unit = strrchr(path, '/');
	if (unit)
		*unit = 0;
	return path;
}

static void boot(char **argv, bool host_cgroups)
{
	struct boot b = {
		.systemd = argv[1], .dir = directory, .target = "x.target", .done = "done",
		.seconds = SECONDS, .journal = journal, .size = JOURNAL, .host_cgroups = host_cgroups,
	};
	char name[200], message[4400];
	bool ok;

	tap_case("%s a cgroup namespace", host_cgroups ? "without" : "in");
	tap_dir(directory);
	chmod(directory, 0755);
	put("in", "%s", "");
	put("bin/none", "%s", "");
	put("gen/dmem", "#!/bin/sh\nexec %s/bin/dmem-generator --unit-path=%s/units "
	    "--helper=%s/bin/dmem-apply \"$1\"\n", directory, directory, directory);
	chmod(tap_path("gen/dmem"), 0755);
	copy(argv[3], "bin/dmem-generator");
	copy(argv[4], "bin/dmem-apply");
	put_units(argv[5]);
	ok = boot_run(&b);
	if (!check(ok, "systemd starts all units", "console: %s", get("console")))
		return;
	for (size_t i = 0; i < SLICES; i++) {
		const char *cgroup = cgroup_of(i);

		snprintf(message, sizeof(message), "MESSAGE=%s: ", cgroup);
		snprintf(name, sizeof(name), "%s.slice is limited where its services are",
			 slices[i]);
		check(*cgroup && strstr(journal, message), name, "they are in '%s'; messages: %s", cgroup, journal);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	snprintf(directory, sizeof(directory), "%s", argv[2]);
	tap_start();
	RUN(boot, argv, false);
	RUN(boot, argv, true);
	return tap_end();
}
