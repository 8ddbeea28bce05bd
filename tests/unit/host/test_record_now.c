// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The examples that record a service's last peak, under the host's own systemd: the
 * service's user steers nothing of root's, and cannot keep others from being recorded.
 *
 * test_record_now SYSTEMD DIRECTORY EXAMPLES DMEMCTL DMEM-RECORD-REQUEST EVIL.SO
 *
 * The cgroups are a tree of plain files, for this kernel need not have the controller.
 * The first boot has the command with "+", and must show that it is root for the user.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "tap.h"
#include "boot.h"

#define SECONDS		60
#define JOURNAL		(1 << 20)
#define CLIENTS		60
#define CAM		"cma/camera@64000000"
#define STOPS		"system.slice/rec-stop.service"

static char directory[200], journal[JOURNAL];
static const char *examples, *dmemctl, *request, *library;

static void copy(const char *from, const char *to)
{
	if (boot_copy(from, tap_path(to)))
		return;
	printf("Bail out! cannot copy %s\n", from);
	exit(2);
}

/* A file of the examples, with the path of a program replaced. */
static void put_example(const char *name, const char *to, const char *program, const char *ours)
{
	char path[600], text[4096], *at;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", examples, name);
	f = fopen(path, "r");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	if (f)
		fclose(f);
	text[n] = 0;
	at = program ? strstr(text, program) : text;
	if (!n || !at) {
		printf("Bail out! %s does not run %s\n", path, program ? program : "");
		exit(2);
	}
	if (program)
		put(to, "%.*s%s%s", (int)(at - text), text, ours, at + strlen(program));
	else
		put(to, "%s", text);
}

static void put_tree(void)
{
	const struct fake_use uses = { .region = CAM, .current = 0, .peak = 5 * MIB };
	struct fake f = { 0 };

	fake_start(&f, FAKE_OURS);
	fake_region(&f, CAM, 40 * MIB);
	fake_cgroup(&f, "", &uses, 1);
	fake_cgroup(&f, "system.slice", &uses, 1);
	fake_cgroup(&f, STOPS, &uses, 1);
	put("root/proc/none", "%s", "");
}

/* The program of root's service in place of dmemctl: it prints its context first. */
static void put_server(void)
{
	put("bin/server", "#!/bin/sh\n{ echo uid=$(id -u); env; } >>/var/lib/dmem/context\n"
	    "shift\nexec %s/bin/dmemctl --sysroot=%s/root record --output=/var/lib/dmem/stops.history \"$@\"\n",
	    directory, directory);
	chmod(tap_path("bin/server"), 0755);
	/* The tree has this machine's processes. */
	put("units/dmem-record-now@.service.d/tree.conf", "[Service]\nBindReadOnlyPaths=/proc:%s/root/proc\n",
	    directory);
}

static void put_units(bool plus)
{
	char server[300], client[300];

	snprintf(server, sizeof(server), "%s/bin/server", directory);
	snprintf(client, sizeof(client), "%s%s/bin/request", plus ? "+" : "", directory);
	put_example("dmem-record-now.socket", "units/dmem-record-now.socket", NULL, NULL);
	put_example("dmem-record-now@.service", "units/dmem-record-now@.service", "/usr/sbin/dmemctl", server);
	put_example("dmem-record-stop.conf", "units/rec-stop.service.d/60-dmem-record.conf",
		    "/usr/libexec/dmem-record-request", client);
	/* As in service.d/: the recorder's own stop must not be recorded for ever. */
	put_example("dmem-record-stop.conf", "units/dmem-record-now@.service.d/60-dmem-record.conf",
		    "/usr/libexec/dmem-record-request", client);
	put("units/rec-stop.service", "[Unit]\nDefaultDependencies=no\nAfter=rec-flood.service\n"
	    "[Service]\nType=oneshot\nUser=%d\nEnvironmentFile=%s/home/env\nExecStart=/bin/true\n",
	    BOOT_USER, directory);
	put("units/rec-flood.service", "[Unit]\nDefaultDependencies=no\nAfter=dmem-record-now.socket\n"
	    "[Service]\nType=oneshot\nUser=%d\nExecStart=/bin/sh -c 'i=0; while [ $$i -lt %d ]; do "
	    "%s/bin/request & i=$$((i+1)); done; wait'\n", BOOT_USER, CLIENTS, directory);
	put("units/x.target", "[Unit]\nDefaultDependencies=no\nWants=dmem-record-now.socket rec-flood.service "
	    "rec-stop.service end.service\n");
	put("units/end.service", "[Unit]\nDefaultDependencies=no\nAfter=rec-stop.service\n[Service]\n"
	    "Type=oneshot\nExecStart=/bin/touch %s/done\n", directory);
}

static bool boot(const char *systemd, bool plus)
{
	struct boot b = {
		.systemd = systemd, .dir = directory, .target = "x.target", .done = "done",
		.seconds = SECONDS, .journal = journal, .size = JOURNAL,
	};

	tap_dir(directory);
	chmod(directory, 0755);
	put("in", "%s", "");
	put("gen/none", "%s", "");
	put("var/none", "%s", "");
	put("bin/none", "%s", "");
	put("home/env", "LD_PRELOAD=%s/home/evil.so\nMARK=of-the-user\n", directory);
	put("home/ran", "%s", "");
	copy(library, "home/evil.so");
	copy(dmemctl, "bin/dmemctl");
	copy(request, "bin/request");
	chmod(tap_path("home/ran"), 0666);
	boot_give_away(tap_path("home"));
	put_tree();
	put_server();
	put_units(plus);
	return boot_run(&b);
}

static int count(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what)))
		n++, text++;
	return n;
}

static void record(void)
{
	const char *history = get("var/dmem/stops.history");

	check(count(history, STOPS) == 1, "the service's last peak is recorded, after a flood of requests",
	      "%s", history);
	/* Those of the flood are in no cgroup of the tree, and have been asked for. */
	check(count(get("var/dmem/context"), "uid=0\n") > 4, "each request is served by a process of root's",
	      "%s", get("var/dmem/context"));
	check(!strstr(get("var/dmem/context"), "MARK") && !strstr(get("var/dmem/context"), "LD_PRELOAD"),
	      "whose environment is not the service's", "%s", get("var/dmem/context"));
	check(strstr(get("home/ran"), "uid=65534 comm=request\n") && !strstr(get("home/ran"), "uid=0 "),
	      "the user's code runs as the user only", "%s", get("home/ran"));
}

int main(int argc, char **argv)
{
	bool ok;

	if (argc != 7)
		return 2;
	snprintf(directory, sizeof(directory), "%s", argv[2]);
	examples = argv[3];
	dmemctl = argv[4];
	request = argv[5];
	library = argv[6];
	tap_start();
	/* The console's text is read after the boot. */
	ok = boot(argv[1], true);
	if (check(ok, "systemd runs all units, with '+'", "console: %s", get("console")))
		check(strstr(get("home/ran"), "uid=0 comm=request\n"), "with '+', the user's code would run as root",
		      "%s", get("home/ran"));
	ok = boot(argv[1], false);
	if (check(ok, "systemd runs all units", "console: %s", get("console")))
		RUN(record);
	return tap_end();
}
