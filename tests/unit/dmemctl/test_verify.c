// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl verify on trees of units and on single files.
 *
 * test_verify DMEMCTL DIRECTORY [ROUNDS]
 *
 * ROUNDS: how many random files to check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmemctl/verify/lint.h"
#include "units/payload.h"
#include "units/placement.h"
#include "tap.h"
#include "fake.h"

#define ETC	"root/etc/systemd/system/"
#define LIB	"root/usr/lib/systemd/system/"
#define EXEC	"[Service]\nExecStart=/bin/true\n"
#define LIMIT(what)	"[X-Dmem]\nDeviceMemoryMax=" what "\n"
#define ETC_PATH	"/etc/systemd/system/"

static const char *dmemctl, *dir;

static unsigned long long state = 1;

static size_t pick(size_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(state >> 33) % n;
}

/* With the tree below "root", and up to three words more. */
static int go(const char *a, const char *b, const char *c)
{
	char root[4200];
	const char *argv[] = { dmemctl, "verify", root, a, b, c, NULL };

	snprintf(root, sizeof(root), "--root=%s", tap_path("root"));
	return run(argv);
}

/* All that is said of the tree, and whether it is a failure. */
static void expect(const char *said, int code, const char *name)
{
	char status[300];
	int rc;

	mkdir(tap_path("root"), 0755);
	rc = go(NULL, NULL, NULL);
	check_text(get("out"), said, name);
	snprintf(status, sizeof(status), "%s: the exit status", name);
	if (rc != code || *get("err"))
		check(false, status, "exit code %d, not %d: %s", rc, code, get("err"));
	tap_dir(dir);
}

/* One file of this text. */
static void expect_file(const char *text, const char *said, const char *name)
{
	put(ETC "a.service", "%s", text);
	expect(said, *said != 'n', name);
}

#define AT(line)	ETC_PATH "a.service:" #line ": "
#define NOT_READ(line, key, section)	\
	AT(line) "'" key "' has no effect in [" section "]: "
#define UNSECTIONED(line)	\
	AT(line) "'DeviceMemoryMax' comes before any section: write [X-Dmem] above it\n"

static void words(void)
{
	expect_file(EXEC LIMIT("a 1") "DeviceMemoryMin=b 1\nDeviceMemoryLow=c 1\n"
		    "DeviceMemoryStrict=yes\n",
		    "no mistakes: 1 file\n", "all that is right");
	expect_file("[Service]\nDeviceMemoryMax=a 1\nMemoryMax=1\nDeviceAllow=/dev/null\n",
		    NOT_READ(2, "DeviceMemoryMax", "Service") "put it in [X-Dmem]\n", "under [Service]");
	expect_file("[Service]\nDevicememoryMax=a 1\nDeviceMemoryMaximum=a 1\nDviceMemoryStrict=1\n"
		    "DeviceMemroyLow=a 1\nDeviceMemoryHigh=a 1\nDmemMax=a 1\nDeviceMem=a\n"
		    "DeviceMemroyLwo=a 1\nDEVICEMEMORYMX=a 1\nDeviceMemoryMinPropagat=1\n",
		    NOT_READ(2, "DevicememoryMax", "Service") "write DeviceMemoryMax= in [X-Dmem]\n"
		    NOT_READ(3, "DeviceMemoryMaximum", "Service") "write DeviceMemoryMax= in [X-Dmem]\n"
		    NOT_READ(4, "DviceMemoryStrict", "Service") "write DeviceMemoryStrict= in [X-Dmem]\n"
		    NOT_READ(5, "DeviceMemroyLow", "Service") "write DeviceMemoryLow= in [X-Dmem]\n"
		    NOT_READ(6, "DeviceMemoryHigh", "Service") "[X-Dmem] has DeviceMemoryMax=, DeviceMemoryMin=, "
		    "DeviceMemoryLow=, DeviceMemoryMinPropagate= and DeviceMemoryStrict=\n"
		    NOT_READ(7, "DmemMax", "Service") "[X-Dmem] has DeviceMemoryMax=, DeviceMemoryMin=, "
		    "DeviceMemoryLow=, DeviceMemoryMinPropagate= and DeviceMemoryStrict=\n"
		    NOT_READ(8, "DeviceMem", "Service") "[X-Dmem] has DeviceMemoryMax=, DeviceMemoryMin=, "
		    "DeviceMemoryLow=, DeviceMemoryMinPropagate= and DeviceMemoryStrict=\n"
		    NOT_READ(9, "DeviceMemroyLwo", "Service") "write DeviceMemoryLow= in [X-Dmem]\n"
		    NOT_READ(10, "DEVICEMEMORYMX", "Service") "write DeviceMemoryMax= in [X-Dmem]\n"
		    NOT_READ(11, "DeviceMemoryMinPropagat", "Service")
		    "write DeviceMemoryMinPropagate= in [X-Dmem]\n",
		    "keys that are nearly right");
	expect_file("[Dmem]\nDeviceMemoryMax=a 1\n[X-dmem ]\n[DMem]\n[X-Dmen]\n[X-Demo]\n",
		    AT(1) "'Dmem' is an unknown section: write [X-Dmem]\n"
		    AT(3) "'X-dmem ' is an unknown section: write [X-Dmem]\n"
		    AT(4) "'DMem' is an unknown section: write [X-Dmem]\n"
		    AT(5) "'X-Dmen' is an unknown section: write [X-Dmem]\n",
		    "sections that are nearly right");
	expect_file("[DeviceMemory]\nDeviceMemoryMax=a 1\n[X-Other]\nDeviceMemoryMax=a 1\nDevicememoryMax=a 1\n",
		    NOT_READ(2, "DeviceMemoryMax", "DeviceMemory") "put it in [X-Dmem]\n"
		    AT(4) "'DeviceMemoryMax' is in an unknown section: put it in [X-Dmem]\n"
		    NOT_READ(5, "DevicememoryMax", "X-Other") "write DeviceMemoryMax= in [X-Dmem]\n",
		    "sections of others");
	expect_file("DeviceMemoryMax=a 1\nDevicememorymax=a 1\n" EXEC,
		    UNSECTIONED(1) AT(2) "'Devicememorymax' comes before any section: "
		    "write DeviceMemoryMax= in [X-Dmem]\n", "no section above");
	expect_file(EXEC "[X-Dmem]\nDeviceMemoryMax a 1\nDeviceMemoryMax=a\nDeviceMemoryMaxx=a 1\n"
		    "DeviceMemoryMax=a 1k\nDeviceMemoryStrict=maybe\n",
		    AT(4) "'DeviceMemoryMax a 1' has no '=': write KEY=VALUE\n"
		    AT(5) "'a' has no size: write REGION SIZE, such as cma/camera@64000000 24M\n"
		    AT(6) "'DeviceMemoryMaxx' is not a key of [X-Dmem]: write DeviceMemoryMax=, "
		    "DeviceMemoryMin=, DeviceMemoryLow=, DeviceMemoryMinPropagate= or DeviceMemoryStrict=\n"
		    AT(7) "'1k' is not a size: write bytes, a number with K, M, G or T (1K, 1KB and 1KiB are 1024 bytes), a percentage of the region, or max\n"
		    AT(8) "'maybe' is neither yes nor no: write DeviceMemoryStrict=yes or no\n",
		    "in the section");
	expect_file("[X-Dmem\nDeviceMemoryMax=a 1\n", AT(1) "'[X-Dmem' is not closed: write [X-Dmem]\n",
		    "an open bracket");
	expect_file("[Serv\x1b[2J]\nDevicememoryMax=a 1\n",
		    AT(1) "'[Serv?[2J]' has characters that are invalid in a section name, so systemd ignores "
			    "the rest of the file: correct this line\n", "what a terminal would obey");
	expect_file("[X-caf\xc2\x9b]\nDevicememoryMax=a 1\n",
		    AT(2) "'DevicememoryMax' has no effect in [X-caf?\?]: write DeviceMemoryMax= in "
		    "[X-Dmem]\n", "and what another one would");
}

static void units(void)
{
	put(LIB "b.socket", "[Socket]\n" LIMIT("a 1"));
	put(LIB "c.timer", LIMIT("a 1"));
	put(ETC "x.scope.d/a.conf", LIMIT("a 1"));
	put(ETC "-.slice.d/a.conf", LIMIT("a 1"));
	put(LIB "mount.d/a.conf", LIMIT("a 1"));
	put(ETC "user-.slice.d/a.conf", LIMIT("cma/%%i 1") "DeviceMemoryMin=a%%%%b 1\n");
	expect(ETC_PATH "-.slice.d/a.conf:1: '-.slice' is the root slice, which cannot have limits: limit the "
	       "slices below it\n"
	       ETC_PATH "user-.slice.d/a.conf:2: 'cma/%i' has a specifier in the section of a slice: write the "
	       "full name of the region\n"
	       ETC_PATH "x.scope.d/a.conf:1: '[X-Dmem]' has no effect in a scope unit: limit its slice, in "
	       ETC_PATH "SLICE.d/50-dmem.conf\n"
	       "/usr/lib/systemd/system/b.socket:2: '[X-Dmem]' has no effect in a socket unit: put it into "
	       ETC_PATH "b.service.d/50-dmem.conf, or limit the slice of the socket\n"
	       "/usr/lib/systemd/system/c.timer:1: '[X-Dmem]' has no effect in a timer unit: put it into "
	       ETC_PATH "c.service.d/50-dmem.conf\n"
	       "/usr/lib/systemd/system/mount.d/a.conf:1: '[X-Dmem]' has no effect in a mount unit: limit its "
	       "slice, in "
	       ETC_PATH "system.slice.d/50-dmem.conf\n",
	       1, "where a section does nothing");

	put(LIB "here.service", EXEC);
	put(LIB "t@.service", EXEC);
	link_to(ETC "also.service", "/usr/lib/systemd/system/here.service");
	link_to(ETC "masked.service", "/dev/null");
	put("root/run/systemd/generator/made.service", EXEC);
	for (const char * const *n = (const char * const []){ "here", "t@x", "t@", "also", "masked",
							       "made", "pre-", "pre-@", NULL }; *n; n++) {
		char path[200];

		snprintf(path, sizeof(path), ETC "%s.service.d/a.conf", *n);
		put(path, LIMIT("a 1"));
	}
	put(ETC "service.d/a.conf", LIMIT("a 1"));
	put(ETC "any.slice.d/a.conf", LIMIT("a 1"));
	put(ETC "gone.service.d/nothing.conf", EXEC);
	put(ETC "gone.service.d/a.conf", LIMIT("a 1"));
	put(ETC "u@x.service.d/a.conf", LIMIT("a 1"));
	expect(ETC_PATH "gone.service.d/a.conf: warning: 'gone.service' has no unit file: rename the "
	       "directory, unless such a unit is created at run time\n"
	       ETC_PATH "u@x.service.d/a.conf: warning: 'u@x.service' has no unit file: rename the directory, "
	       "unless such a unit is created at run time\n", 0,
	       "drop-ins of a unit that is not there");

	put(LIB "a.service", EXEC "RootImage=/x.raw\n");
	put(ETC "a.service.d/cap.conf", LIMIT("a 1"));
	put(LIB "b.service", EXEC "RootDirectory=/x\n");
	expect("/usr/lib/systemd/system/a.service:3: 'RootImage=' keeps the limits from being set inside "
	       "a.service: limit its slice\n", 1, "what hides our program");

	put(LIB "big.service", EXEC);
	truncate(tap_path(LIB "big.service"), 2 << 20);
	link_to(ETC "nowhere.service", "/opt/nowhere.service");
	expect("/usr/lib/systemd/system/big.service: 'big.service' is too large, so its section is ignored: "
	       "put the section into a drop-in\n", 1, "a file that is too large");
	put(LIB "a.service", EXEC);
	expect("no mistakes: 1 file\n", 0, "nothing wrong");
	expect("no mistakes: 0 files\n", 0, "no unit");
}

/* ---- files that dmem-generator does not read ---- */

#define SECTION		"[X-Dmem]\nDeviceMemoryMax=a 1\n"
#define DROPIN(unit)	ETC_PATH unit ".d/50-dmem.conf"
#define LOST		", which dmem-generator does not read"
#define OF_QUADLET	", the drop-in of the service generated from the quadlet"
#define THIS_USER(uid)	"limit all processes of this user, in " DROPIN("user-" uid ".slice")
#define EACH_USER	"limit all processes of each user, in " DROPIN("user-.slice")
#define OF_USER		"is in a unit of a user" LOST

static const struct {
	const char *path, *head;	/* @head: the text before the section */
	const char *what, *remedy;	/* NULL: the place has no objection */
	const char *service;		/* that a quadlet becomes */
} places[] = {
	/* read */
	{ ETC_PATH "a.service", EXEC, NULL, NULL, NULL },
	{ "/usr/lib/systemd/system/a.slice.d/x.conf", "", NULL, NULL, NULL },
	{ ETC_PATH "service.d/x.conf", "", NULL, NULL, NULL },
	{ "/run/systemd/system.control/a@b.service.d/x.conf", "", NULL, NULL, NULL },
	/* left behind, and put aside */
	{ ETC_PATH "a.service~", "", NULL, NULL, NULL },
	{ ETC_PATH "a.service.d/x.conf.dpkg-old", "", NULL, NULL, NULL },
	{ ETC_PATH "a.service.d.bak/x.conf", "", NULL, NULL, NULL },
	{ "/etc/containers/systemd/a.container.disabled", "", NULL, NULL, NULL },
	/* anywhere */
	{ "/srv/a.service", "", NULL, NULL, NULL },
	{ "/srv/a.txt", "", NULL, NULL, NULL },
	{ "/srv/eth0.network", "[Network]\n", NULL, NULL, NULL },
	/* quadlets */
	{ "/etc/containers/systemd/a.container", "[Container]\n", "is in a quadlet" LOST,
	  "put it into " DROPIN("a.service") OF_QUADLET, "a.service" },
	{ "/image/usr/share/containers/systemd/sub/a.kube", "[Kube]\n", "is in a quadlet" LOST,
	  "put it into " DROPIN("a.service") OF_QUADLET, "a.service" },
	{ "/run/containers/systemd/a.pod", "[Pod]\n", "is in a quadlet" LOST,
	  "put it into " DROPIN("a-pod.service") OF_QUADLET
	  "; each container of the pod has a service of its own", "a-pod.service" },
	{ "/etc/containers/systemd/a.volume", "", "is in a quadlet" LOST,
	  "put it into " DROPIN("a-volume.service") OF_QUADLET, "a-volume.service" },
	{ "/etc/containers/systemd/a.network", "", "is in a quadlet" LOST,
	  "put it into " DROPIN("a-network.service") OF_QUADLET, "a-network.service" },
	{ "/etc/containers/systemd/a.image", "", "is in a quadlet" LOST,
	  "put it into " DROPIN("a-image.service") OF_QUADLET, "a-image.service" },
	{ "/etc/containers/systemd/a.build", "", "is in a quadlet" LOST,
	  "put it into " DROPIN("a-build.service") OF_QUADLET, "a-build.service" },
	{ "/etc/containers/systemd/a@.container", "", "is in a quadlet" LOST,
	  "put it into " DROPIN("a@.service") OF_QUADLET, "a@.service" },
	{ "/etc/containers/systemd/a@.pod", "", "is in a quadlet" LOST,
	  "put it into " DROPIN("a-pod@.service") OF_QUADLET
	  "; each container of the pod has a service of its own", "a-pod@.service" },
	{ "/etc/containers/systemd/a.container", "[Pod]\nServiceName=no\n[Container]\nServiceName=x\n"
	  "ServiceName=eye\n", "is in a quadlet" LOST,
	  "put it into " DROPIN("eye.service") OF_QUADLET, "eye.service" },
	{ "/etc/containers/systemd/a.container.d/x.conf", "", "is in a quadlet" LOST,
	  "put it into " DROPIN("a.service") OF_QUADLET, "a.service" },
	{ "/etc/containers/systemd/container.d/x.conf", "", "is in a directory of quadlets" LOST,
	  "put it into a drop-in of the service, " DROPIN("NAME.service"), NULL },
	{ "/srv/a.container", "[Container]\n", "is in a quadlet" LOST,
	  "put it into " DROPIN("a.service") OF_QUADLET, "a.service" },
	{ ETC_PATH "a.container", "[Container]\n", "is in a quadlet" LOST,
	  "put it into " DROPIN("a.service") OF_QUADLET, NULL },
	{ "/etc/containers/systemd/users/a.container", "", "is in a quadlet of a user" LOST, EACH_USER,
	  NULL },
	{ "/etc/containers/systemd/users/1000/a.container", "", "is in a quadlet of a user" LOST,
	  THIS_USER("1000"), NULL },
	{ "/var/home/u/.config/containers/systemd/a.container", "", "is in a quadlet of a user" LOST,
	  EACH_USER, NULL },
	{ "/run/user/1001/containers/systemd/a.container", "", "is in a quadlet of a user" LOST,
	  THIS_USER("1001"), NULL },
	/* Users may give their directories any name. */
	{ "/var/home/u/.config/containers/systemd/q/containers/systemd/a.container",
	  "[Container]\nServiceName=eye\n", "is in a quadlet of a user" LOST, EACH_USER, NULL },
	{ "/var/home/u/.config/systemd/user/containers/systemd/a.container", "",
	  "is in a quadlet of a user" LOST, EACH_USER, NULL },
	{ "/etc/containers/systemd/users/1000/containers/systemd/a.container", "",
	  "is in a quadlet of a user" LOST, THIS_USER("1000"), NULL },
	{ "/var/home/u/.config/systemd/user/systemd/system/a.service.d/x.conf", "", OF_USER, EACH_USER,
	  NULL },
	/* units of users */
	{ "/etc/systemd/user/a.service", "", OF_USER, EACH_USER, NULL },
	{ "/etc/systemd/user/a.service.d/x.conf", "", OF_USER, EACH_USER, NULL },
	{ "/usr/lib/systemd/user/a.slice", "", OF_USER, EACH_USER, NULL },
	{ "/usr/share/systemd/user/a.slice", "", OF_USER, EACH_USER, NULL },
	{ "/etc/xdg/systemd/user/a.service", "", OF_USER, EACH_USER, NULL },
	{ "/var/home/u/.config/systemd/user/a.service", "", OF_USER, EACH_USER, NULL },
	{ "/var/home/u/.local/share/systemd/user/a.service", "", OF_USER, EACH_USER, NULL },
	{ "/run/user/42/systemd/transient/a.service", "", OF_USER, THIS_USER("42"), NULL },
	{ "/run/user/42/systemd/generator/a.service", "", OF_USER, THIS_USER("42"), NULL },
	/* files that something else makes */
	{ "/run/systemd/generator/a.service", "", "is in a file that a generator has written" LOST,
	  "put it into " DROPIN("a.service"), NULL },
	{ "/run/systemd/generator.late/a.service.d/x.conf", "",
	  "is in a file that a generator has written" LOST, "put it into " DROPIN("a.service"), NULL },
	{ "/run/systemd/transient/a.service", "",
	  "is in a transient unit, whose files systemd removes when the unit stops",
	  "put it into " DROPIN("a.service"), NULL },
	/* of systemd itself */
	{ "/etc/systemd/system.conf", "", "is in the configuration of systemd itself" LOST,
	  "put it into " ETC_PATH "service.d/50-dmem.conf, the drop-in of all services", NULL },
	{ "/usr/lib/systemd/system.conf.d/x.conf", "", "is in the configuration of systemd itself" LOST,
	  "put it into " ETC_PATH "service.d/50-dmem.conf, the drop-in of all services", NULL },
	{ "/etc/systemd/user.conf", "", "is in the configuration of systemd itself" LOST, EACH_USER,
	  NULL },
	{ "/etc/systemd/logind.conf", "", "is in a file that is not a unit" LOST,
	  "put it into a drop-in of a service or slice, " DROPIN("NAME.service"), NULL },
	{ "/etc/systemd/nspawn/eye-1.nspawn", "", "is in the settings of a machine" LOST,
	  "put it into " DROPIN("systemd-nspawn@eye\\x2d1.service"), NULL },
	{ "/var/lib/machines/eye.nspawn", "", "is in the settings of a machine" LOST,
	  "put it into " DROPIN("systemd-nspawn@eye.service"), NULL },
	/* no units */
	{ "/etc/systemd/a.service", "", "is in a file beside the directory of units, which systemd does "
	  "not read", "move it to " ETC_PATH "a.service", NULL },
	{ "/etc/systemd/a.service.d/x.conf", "", "is in a file beside the directory of units, which "
	  "systemd does not read", "move it to " ETC_PATH "a.service.d/x.conf", NULL },
	{ ETC_PATH "a", "", "is in a file that is not a unit, because its name has no unit suffix",
	  "rename it to " ETC_PATH "a.service, or put it into " DROPIN("a.service"), NULL },
	{ ETC_PATH "a.services", "", "is in a file that is not a unit, because its name has no unit suffix",
	  "rename it to " ETC_PATH "a.service, or put it into " DROPIN("a.service"), NULL },
	{ ETC_PATH "a.service.conf", "", "is in a file that is not a unit, because its name has no unit suffix",
	  "put it into " ETC_PATH "a.service.d/a.service.conf", NULL },
	{ ETC_PATH "a.service.d/50-dmem", "", "is in a file whose name does not end in .conf, which "
	  "systemd does not read", "rename it to " DROPIN("a.service"), NULL },
	{ ETC_PATH "a.service.d/sub/x.conf", "", "is in a subdirectory of a drop-in directory, which systemd "
	  "does not read", "rename it to " ETC_PATH "a.service.d/x.conf", NULL },
	{ ETC_PATH "a.service/x.conf", "", "is in a directory whose name does not end in .d, which "
	  "systemd does not read", "rename it to " ETC_PATH "a.service.d/x.conf", NULL },
	{ ETC_PATH "a.d/x.conf", "", "is in a directory that belongs to no unit, which systemd does not read",
	  "rename it to " ETC_PATH "a.service.d/x.conf", NULL },
	{ ETC_PATH "my cam.service", "", "is in a file that is not a unit, because its name has characters "
	  "that are invalid in a unit name",
	  "rename it to " ETC_PATH "my_cam.service, or put it into " DROPIN("my_cam.service"), NULL },
	{ ETC_PATH "a$$b.slice", "", "is in a file that is not a unit, because its name has characters that "
	  "are invalid in a unit name",
	  "rename it to " ETC_PATH "a_b.slice, or put it into " DROPIN("a_b.slice"), NULL },
	{ ETC_PATH "@x.service", "", "is in a file that is not a unit, because its name has characters that "
	  "are invalid in a unit name",
	  "rename it to " ETC_PATH "x.service, or put it into " DROPIN("x.service"), NULL },
	{ ETC_PATH "c\xc3\xa4m.service", "", "is in a file that is not a unit, because its name has characters "
	  "that are invalid in a unit name",
	  "rename it to " ETC_PATH "c_m.service, or put it into " DROPIN("c_m.service"),
	  NULL },
	{ ETC_PATH "@.service", "", "is in a file that is not a unit, because its name has characters that are "
	  "invalid in a unit name",
	  "rename it to " ETC_PATH "NAME.service, or put it into " DROPIN("NAME.service"), NULL },
	{ ETC_PATH "service", "", "is in a file that is not a unit, because its name has no unit suffix",
	  "put it into " DROPIN("service"), NULL },
	{ ETC_PATH "my cam", "", "is in a file that is not a unit, because its name has no unit suffix",
	  "rename it to " ETC_PATH "my_cam.service, or put it into " DROPIN("my_cam.service"), NULL },
	{ ETC_PATH "my cam.slice.d/x.conf", "",
	  "is in a directory that belongs to no unit, which systemd does not read",
	  "rename it to " ETC_PATH "my_cam.slice.d/x.conf", NULL },
	{ ETC_PATH "a@.service.d", "", "is in a file that has the name of a drop-in directory",
	  "create a directory of this name, and put it into " DROPIN("a@.service"), NULL },
	{ ETC_PATH "a.service.wants/50-dmem.conf", "", "is in a directory in which systemd reads only the file "
	  "names", "put it into " DROPIN("a.service"), NULL },
	{ ETC_PATH "a.slice.requires/limits", "", "is in a directory in which systemd reads only the file "
	  "names", "put it into " ETC_PATH "a.slice.d/limits.conf", NULL },
	{ ETC_PATH "x.target.wants/50-dmem.conf", "", "is in a directory in which systemd reads only the file "
	  "names", "put it into a drop-in of a service or slice, " DROPIN("NAME.service"), NULL },
	{ ETC_PATH "x.target.wants/a.timer", "", "is in a directory in which systemd reads only the file "
	  "names", "put it into a drop-in of a service or slice, " DROPIN("NAME.service"), NULL },
	{ ETC_PATH "x.target.wants/a.service", "", "is in a directory in which systemd reads only the file "
	  "names", "put it into " DROPIN("a.service"), NULL },
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void judged_places(void)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct dmem_arena a = { 0 };
		struct dmem_place p = { 0 }, without = { 0 };
		char text[500];
		unsigned int line = 1;

		tap_case("place %zu, %s", i, places[i].path);
		snprintf(text, sizeof(text), "%s" SECTION, places[i].head);
		for (const char *c = places[i].head; *c; c++)
			line += *c == '\n';
		check(!dmem_place(&a, places[i].path, text, strlen(text), DMEM_NO_UID, &p) &&
		      same_text(p.what, places[i].what) && same_text(p.remedy, places[i].remedy) &&
		      same_text(p.service, places[i].service) && (!p.what || p.line == line),
		      "the finding of a section there", "%s|%s|%s|%u", p.what, p.remedy, p.service, p.line);
		/* The place alone is no mistake. */
		if (dmem_place(&a, places[i].path, places[i].head, strlen(places[i].head), DMEM_NO_UID,
			       &without) || without.what || !same_text(without.service, places[i].service))
			check(false, "a file without a section has no finding",
			      "without a section: %s", without.what);
		dmem_arena_free(&a);
	}
}

static void judged_types(void)
{
	static const struct {
		const char *unit, *text, *remedy;
	} types[] = {
		{ "a.service", "", NULL },
		{ "slice", "", NULL },
		{ "no-unit", "", NULL },
		{ "a.socket", "", "put it into " DROPIN("a.service") ", or limit the slice of the socket" },
		{ "a.socket", "[Socket]\nAccept=yes\n", "put it into " DROPIN("a@.service")
		  ", or limit the slice of the socket" },
		{ "a.socket", "[Socket]\nAccept=no\nService=b.service\n", "put it into " DROPIN("b.service")
		  ", or limit the slice of the socket" },
		{ "a.timer", "[Timer]\nUnit=b.service\n", "put it into " DROPIN("b.service") },
		{ "a.path", "", "put it into " DROPIN("a.service") },
		{ "a.mount", "[Mount]\nSlice=x.slice\n", "limit its slice, in " DROPIN("x.slice") },
		{ "a.swap", "", "limit its slice, in " DROPIN("system.slice") },
		{ "session-1.scope", "", "limit its slice, in " DROPIN("user-.slice") },
		{ "a.target", "", "put it into a drop-in of a service or slice, " DROPIN("NAME.service") },
		{ "socket", "", "put it into a drop-in of the service, " DROPIN("NAME.service") },
	};
	char name[100];

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct dmem_arena a = { 0 };
		struct dmem_place p;

		snprintf(name, sizeof(name), "type %zu, %s, %s", i, types[i].unit,
			 types[i].remedy ? "cannot have a section" : "can have a section");
		check(!dmem_place_type(&a, types[i].unit, types[i].text, strlen(types[i].text), &p) &&
		      same_text(p.remedy, types[i].remedy) && !p.what == !p.remedy, name,
		      "%s|%s", p.what, p.remedy);
		dmem_arena_free(&a);
	}
}

#define AT_PLACE(path, line, what)	path ":" #line ": '[X-Dmem]' " what

/* All places at once, in one tree. */
static void found_places(void)
{
	put("root/etc/passwd", "root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/var/home/u:/bin/sh\n");
	put("root/etc/containers/systemd/sub/q.container", "[Container]\n" SECTION);
	put("root/etc/containers/systemd/plain.pod", "[Pod]\n");
	/* A copy of a reported file, and a different file. */
	put("root/run/systemd/generator/q.service",
	    "[Unit]\nSourcePath=/etc/containers/systemd/sub/q.container\n" SECTION);
	put("root/run/systemd/generator/g.service", EXEC SECTION);
	put("root/run/systemd/transient/t.service", EXEC SECTION);
	put("root/etc/systemd/user/us.service", EXEC SECTION);
	put("root/etc/systemd/user/default.target.wants/nothing", "%s", "");
	link_to("root/etc/systemd/user/default.target.wants/us.service", "/etc/systemd/user/us.service");
	put("root/var/home/u/.config/systemd/user/h.service", EXEC SECTION);
	put("root/run/user/1001/containers/systemd/r.container", SECTION);
	put("root/etc/systemd/system.conf.d/x.conf", SECTION);
	put("root/var/lib/machines/eye.nspawn", SECTION);
	put("root/var/lib/machines/eye/etc/systemd/system.conf", SECTION);
	put(ETC "a.service/x.conf", SECTION);
	put(ETC "a.service.d/x.cnf", SECTION);
	put(ETC "a.service.d/x.conf.bak", SECTION);
	put(LIB "a.service", EXEC);
	put(ETC "no-section", "[Unit]\n");
	/* The service of a quadlet has a file, though it is not made yet. */
	put(ETC "q.service.d/50-dmem.conf", SECTION);
	put(ETC "plain-pod.service.d/50-dmem.conf", SECTION);
	/* Links that lead a reader elsewhere, and a file that nobody must open. */
	put("root/opt/secret.service", SECTION);
	link_to("root/var/home/u/.config/systemd/user/l.service", "/opt/secret.service");
	link_to("root/var/home/u/.config/systemd/user/m.service", "../../../../../../opt/secret.service");
	mkfifo(tap_path("root/var/home/u/.config/systemd/user/f.service"), 0666);
	link_to("root/var/home/u/.config/containers", "/etc/containers");
	expect(AT_PLACE("/etc/containers/systemd/sub/q.container", 2, "is in a quadlet" LOST)
	       ": put it into " DROPIN("q.service") OF_QUADLET "\n"
	       AT_PLACE("/etc/systemd/system.conf.d/x.conf", 1, "is in the configuration of systemd itself"
			LOST) ": put it into " ETC_PATH "service.d/50-dmem.conf, the drop-in of all services\n"
	       ETC_PATH "a.service: 'a.service' is a directory, so systemd ignores it: rename it to "
		       "a.service.d if it contains drop-ins\n"
	       AT_PLACE(ETC_PATH "a.service.d/x.cnf", 1, "is in a file whose name does not end in .conf, "
			"which systemd does not read") ": rename it to " ETC_PATH "a.service.d/x.cnf.conf\n"
	       AT_PLACE(ETC_PATH "a.service/x.conf", 1, "is in a directory whose name does not end in .d, "
			"which systemd does not read") ": rename it to " ETC_PATH "a.service.d/x.conf\n"
	       AT_PLACE("/etc/systemd/user/us.service", 3, OF_USER) ": " EACH_USER "\n"
	       AT_PLACE("/run/systemd/generator/g.service", 3, "is in a file that a generator has written"
			LOST) ": put it into " DROPIN("g.service") "\n"
	       AT_PLACE("/run/systemd/transient/t.service", 3, "is in a transient unit, whose files systemd "
			"removes when the unit stops") ": put it into " DROPIN("t.service") "\n"
	       AT_PLACE("/run/user/1001/containers/systemd/r.container", 1, "is in a quadlet of a user"
			LOST) ": " THIS_USER("1001") "\n"
	       AT_PLACE("/var/home/u/.config/systemd/user/h.service", 3, OF_USER) ": " THIS_USER("1000") "\n"
	       AT_PLACE("/var/lib/machines/eye.nspawn", 1, "is in the settings of a machine" LOST)
	       ": put it into " DROPIN("systemd-nspawn@eye.service") "\n", 1,
	       "sections that are not read");
	/* A directory that leads to itself has an end. */
	put("root/etc/containers/systemd/d/q.container", SECTION);
	link_to("root/etc/containers/systemd/d/loop", "..");
	expect(AT_PLACE("/etc/containers/systemd/d/q.container", 1, "is in a quadlet" LOST)
	       ": put it into " DROPIN("q.service") OF_QUADLET "\n", 1, "a loop of links");
	/* A drop-in can name the service. */
	put("root/etc/containers/systemd/q.container", "[Container]\nServiceName=no\n");
	put("root/etc/containers/systemd/q.container.d/10-name.conf", "[Container]\nServiceName=eye\n");
	put("root/etc/containers/systemd/q.container.d/20-more.conf", SECTION);
	put("root/etc/containers/systemd/q.container.d/30-no", "[Container]\nServiceName=no\n");
	put(ETC "eye.service.d/50-dmem.conf", SECTION);
	expect(AT_PLACE("/etc/containers/systemd/q.container.d/20-more.conf", 1, "is in a quadlet" LOST)
	       ": put it into " DROPIN("eye.service") OF_QUADLET "\n", 1, "a quadlet with drop-ins");
	/* Mistakes are found where the section is not read, too. */
	put("root/etc/containers/systemd/q.container", "[Container]\nDeviceMemoryMax=a 1\n");
	expect("/etc/containers/systemd/q.container:2: 'DeviceMemoryMax' has no effect in [Container]: put it "
	       "in [X-Dmem]\n", 1, "a key in a quadlet");
}

/* A file where a directory of drop-ins has to be: that is said once. */
static void file_of_dropins(void)
{
	put(ETC "a@.service.d", SECTION);
	expect(ETC_PATH "a@.service.d: 'a@.service.d' is not a directory, so systemd ignores it: create a "
	       "directory, and move the file into it\n", 1, "a file that is called as a directory of drop-ins");
}

/* An image may have no list of users yet. */
static void homes_without_list(void)
{
	put("root/home/u/.config/systemd/user/h.service", EXEC SECTION);
	put("root/root/.config/containers/systemd/q.container", SECTION);
	expect("/" "home/u/.config/systemd/user/h.service:3: '[X-Dmem]' " OF_USER ": " EACH_USER "\n"
	       "/" "root/.config/containers/systemd/q.container:1: '[X-Dmem]' is in a quadlet of a user" LOST ": "
	       THIS_USER("0") "\n", 1, "homes of users that are not listed");
}

/* Root stops reading, and tells where. The files are links, which are quickly made. */
static void too_many_files(void)
{
	char path[100];

	put("root/home/u/.config/systemd/user/b.d/x.service", "%s", "");
	for (int i = 0; i < 10000; i++) {
		snprintf(path, sizeof(path), "root/home/u/.config/systemd/user/a%d.service", i);
		link_to(path, "none");
	}
	check(go(NULL, NULL, NULL) == 1 &&
	      strstr(get("err"), "home/u/.config/systemd/user: the file or directory is too large"),
	      "a user with too many files", "%s%s", get("out"), get("err"));
	tap_dir(dir);
}

#define USERS_QUADLETS	"root/home/u/.config/containers/systemd/"

/* A user's directories can be called as those of the system, and hold links. */
static void users_names(void)
{
	put("root/opt/secret/a.conf", "[Container]\nServiceName=secret\n" SECTION);
	put(USERS_QUADLETS "q/containers/systemd/x.container", "[Container]\n" SECTION);
	link_to(USERS_QUADLETS "q/containers/systemd/x.container.d", "/opt/secret");
	put("root/home/u/.config/systemd/user/containers/systemd/y.container", SECTION);
	link_to("root/home/u/.config/systemd/user/containers/systemd/y.container.d",
		"../../../../../../../opt/secret");
	put("root/home/u/.config/systemd/user/systemd/system/z.service.d/z.conf", SECTION);
	expect(AT_PLACE("/" "home/u/.config/containers/systemd/q/containers/systemd/x.container", 2,
			"is in a quadlet of a user" LOST) ": " EACH_USER "\n"
	       AT_PLACE("/" "home/u/.config/systemd/user/containers/systemd/y.container", 1, OF_USER) ": "
	       EACH_USER "\n"
	       AT_PLACE("/" "home/u/.config/systemd/user/systemd/system/z.service.d/z.conf", 1, OF_USER) ": "
	       EACH_USER "\n", 1, "a user's directories with names of the system's, and links out of them");
}

/* Files that are large and take no space. */
static void sparse(const char *quadlet, int n, long size)
{
	char path[200];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s.d/%03d.conf", quadlet, i);
		put(path, "%s", "");
		if (truncate(tap_path(path), size))
			check(false, path, "cannot be made");
	}
}

/* Bytes that this process and its children have read, or 0. */
static long long bytes_read(void)
{
	FILE *f = fopen("/proc/self/io", "r");
	long long n = 0;

	if (f && fscanf(f, "rchar: %lld", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

#define IS_TOO_LARGE	": the file or directory is too large"

/* One file is refused, and named; no more than @mib are read. */
static void expect_bound(const char *path, long long mib, const char *name)
{
	long long before = bytes_read(), n;
	const char *said;
	char bound[200];

	go(NULL, NULL, NULL);
	n = bytes_read() - before;
	said = strstr(get("err"), IS_TOO_LARGE);
	check(path ? said && strstr(get("err"), path) && !strstr(said + 1, IS_TOO_LARGE) : !said, name,
	      "%s", get("err"));
	snprintf(bound, sizeof(bound), "%s: less than %lld MiB are read", name, mib);
	check(n < mib << 20, bound, "%lld bytes read", n);
	tap_dir(dir);
}

/* The bounds on a user's files; a quadlet's files are read only once. */
static void too_large_files(void)
{
	sparse(USERS_QUADLETS "q/containers/systemd/x.container", 300, 1 << 20);
	expect_bound("x.container.d/016.conf" IS_TOO_LARGE, 20, "a user with large files");
	sparse("root/etc/containers/systemd/x.container", 7, 1 << 20);
	expect_bound(NULL, 18, "a quadlet with large drop-ins");
	sparse("root/etc/containers/systemd/x.container", 40, 1 << 20);
	expect_bound("x.container.d/007.conf" IS_TOO_LARGE, 60, "a quadlet with many large drop-ins");
}

/* Each name counts, hidden ones too. */
static void hidden_files(void)
{
	char path[100];

	put("root/home/u/.config/systemd/user/b.service", "%s", "");
	for (int i = 0; i < 10000; i++) {
		snprintf(path, sizeof(path), "root/home/u/.config/systemd/user/.%d", i);
		link_to(path, "none");
	}
	check(go(NULL, NULL, NULL) == 1 && strstr(get("err"), "systemd/user" IS_TOO_LARGE),
	      "a user with too many hidden files", "%s%s", get("out"), get("err"));
	tap_dir(dir);
}

/* Any path and any text: no crash, and a remedy for each finding. */
static void any_place(long rounds)
{
	static const char * const parts[] = {
		"/", "/", "/", "etc", "run", "user", "1000", "systemd", "system", "generator", "containers",
		".config", "users", "a", "a.service", "a.socket", "b.container", "x.pod", "@", ".d", ".conf",
		".nspawn", "system.conf", ".wants", "transient", "nspawn", "-", "\xff", "~", ".bak", "..",
	};
	static const char * const texts[] = {
		"[X-Dmem]\n", "[Container]\n", "ServiceName=", "=", "\n", "[", "]", "DeviceMemoryMax=a 1\n",
		"Accept=yes\n", "Slice=x.slice\n", "/usr/bin/podman run", "sh -c '", "'", "\"", "\\", " ",
	};
	static const char * const dirs[] = {
		"/", "/etc/systemd/", "/etc/systemd/system/", "/etc/containers/systemd/",
		"/run/systemd/generator/", "/run/user/1/systemd/", "/x/.config/systemd/user/",
	};
	long bad = 0, found = 0;

	for (long i = 0; i < rounds; i++) {
		char path[300], text[300];
		struct dmem_arena a = { 0 };
		struct dmem_payload y;
		struct dmem_place p, q, r;
		struct dmem_list l;
		const char *line = text;

		strcpy(path, dirs[pick(sizeof(dirs) / sizeof(*dirs))]);
		strcpy(text, pick(2) ? "[X-Dmem]\n" : "");
		for (size_t k = pick(5); k; k--)
			strcat(path, parts[pick(sizeof(parts) / sizeof(*parts))]);
		for (size_t k = pick(9); k; k--)
			strcat(text, texts[pick(sizeof(texts) / sizeof(*texts))]);
		l = (struct dmem_list){ &line, 1 };
		bad += dmem_place(&a, path, text, strlen(text), DMEM_NO_UID, &p) ||
		       dmem_place_unit(&a, path + 1, text, strlen(text), &q) ||
		       dmem_place_type(&a, path + 1, text, strlen(text), &r) ||
		       dmem_payload(&a, path + 1, &l, &y) || !p.what != !p.remedy || !q.what != !q.remedy ||
		       !r.what != !r.remedy || !y.what != !y.remedy || (p.what && !p.line);
		found += p.what != NULL;
		dmem_arena_free(&a);
	}
	check(!bad && found > rounds / 10, "any path and text", "%ld bad, %ld found", bad, found);
}

static void given_places(void)
{
	char path[4200], want[9000];

	put("f/etc/containers/systemd/q.container", "[Container]\n" SECTION);
	strcpy(path, tap_path("f/etc/containers/systemd/q.container"));
	put("root/etc/hostname", "none\n");
	check(go(path, NULL, NULL) == 1 && !*get("err"), "a quadlet that is given", "%s", get("err"));
	snprintf(want, sizeof(want), "%s:2: '[X-Dmem]' is in a quadlet" LOST ": put it into "
		 DROPIN("q.service") OF_QUADLET "\n", path);
	check_text(get("out"), want, "its drop-in");
	tap_dir(dir);
}

/* ---- limits of services whose containers are elsewhere ---- */

static void payloads(void)
{
	static const struct {
		const char *unit, *command, *second;
		const char *what;	/* the start of the line; NULL: none is elsewhere */
	} services[] = {
		{ "docker.service", NULL, NULL, "containers, which are in system.slice/docker-ID.scope" },
		{ "docker.service", "/usr/bin/docker-exporter", NULL, NULL },
		{ "mine.service", "-/usr/local/bin/dockerd -H fd://", NULL, "containers" },
		{ "mine.service", "@/usr/bin/dockerd dockerd --containerd=/run/containerd/containerd.sock", NULL,
		  "containers" },
		{ "mine.service", "/usr/bin/env A=b dockerd", NULL, "containers" },
		{ "mine.service", "/bin/sh -c 'exec /usr/bin/dockerd -H fd://'", NULL, "containers" },
		{ "mine.service", "/usr/bin/exporter /usr/bin/dockerd", NULL, NULL },
		{ "mine.service", "/bin/true", "/usr/sbin/libvirtd", "machines, which are in machine.slice" },
		{ "virtqemud.service", NULL, NULL, "machines" },
		{ "containerd.service", NULL, NULL,
		  "containers, which are in cgroups that its client chooses" },
		{ "lxc@eye.service", NULL, NULL, "containers, which are in lxc.payload.NAME" },
		{ "lxc@eye.service", "/usr/bin/lxc-start -F -n eye", NULL, "containers, which are in lxc" },
		{ "k3s.service", "/usr/local/bin/k3s server", NULL, "pods" },
		{ "slurmd.service", "/usr/sbin/slurmd -D", NULL, "jobs" },
		{ "podman.service", "/usr/bin/podman --log-level=info system service", NULL, "containers, "
		  "which are in machine.slice" },
		/* Podman keeps the container in the service, or does not. */
		{ "eye.service", "/usr/bin/podman run --name=eye --cgroups=split -d x", NULL, NULL },
		{ "eye.service", "/usr/bin/podman run --cgroups disabled x", NULL, NULL },
		{ "podman.service", "/usr/bin/podman run --cgroups=split x", NULL, NULL },
		{ "eye.service", "/usr/bin/podman run --cgroups=no-conmon -d x", NULL, "containers" },
		{ "eye.service", "/usr/bin/podman start eye", NULL, "containers" },
		{ "eye.service", "/usr/bin/podman kube play x.yaml", NULL, "containers" },
		{ "prune.service", "/usr/bin/podman system prune -f", NULL, NULL },
		{ "eye.service", "/usr/bin/docker run --rm x", NULL, "containers" },
		{ "eye.service", "/usr/bin/docker compose up", NULL, "containers" },
		{ "eye.service", "/usr/bin/docker ps", NULL, NULL },
		{ "systemd-nspawn@x.service", "systemd-nspawn --quiet --keep-unit --boot --machine=x", NULL, NULL },
		{ "mine.service", "/usr/bin/systemd-nspawn -D /srv/x", NULL, "machine, which is in machine" },
		{ "camera.service", NULL, NULL, NULL },
		{ "dockerish.service", NULL, NULL, NULL },
	};
	char name[300];

	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
		const char *commands[] = { services[i].command, services[i].second };
		struct dmem_list l = { commands, (size_t)!!commands[0] + !!commands[1] };
		struct dmem_arena a = { 0 };
		struct dmem_payload p;

		snprintf(name, sizeof(name), "%s of %s: %s",
			 commands[0] ? commands[0] : "any command", services[i].unit,
			 services[i].what ? "what it runs is elsewhere" : "what it runs is in the service");
		check(!dmem_payload(&a, services[i].unit, &l, &p) && !p.what == !services[i].what &&
		      !p.what == !p.remedy &&
		      (!p.what || !strncmp(p.what, services[i].what, strlen(services[i].what))),
		      name, "%s", p.what);
		dmem_arena_free(&a);
	}
}

#define NOT_HELD(unit)	"warning: '" unit "' has a limit that does not apply to its containers, which are in "
#define IN_COMPOSE	"system.slice/docker-ID.scope or in their cgroup_parent: limit a slice, in " ETC_PATH \
			"NAME.slice.d/50-dmem.conf, and give it to the containers: cgroup_parent: NAME.slice of " \
			"Compose, or --cgroup-parent=NAME.slice, see docs/containers.md\n"

static void daemons(void)
{
	put(LIB "docker.service", "[Service]\nExecStart=/usr/bin/dockerd\nDelegate=yes\n");
	put(ETC "docker.service.d/50-dmem.conf", SECTION);
	put(LIB "mine.service", "[Service]\nExecStart=/bin/true\n" SECTION);
	put(ETC "mine.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n");
	put(LIB "theirs.service", "[Service]\nExecStart=/usr/bin/dockerd\n" SECTION);
	put(ETC "theirs.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/bin/true\n");
	/* Of a quadlet, which is split: no alarm; and of a command that is not. */
	put(ETC "q.service.d/a.conf", SECTION);
	put("root/run/systemd/generator/q.service", "[Service]\nExecStart=/usr/bin/podman run --cgroups=split x\n");
	put(ETC "p.service.d/a.conf", SECTION);
	put("root/run/systemd/generator/p.service", "[Service]\nExecStart=/usr/bin/podman kube play x.yaml\n");
	/* Without a limit, nothing is lost. */
	put(LIB "libvirtd.service", "[Service]\nExecStart=/usr/sbin/libvirtd\n");
	expect(ETC_PATH "docker.service.d/50-dmem.conf:2: " NOT_HELD("docker.service") IN_COMPOSE
	       ETC_PATH "p.service.d/a.conf:2: " NOT_HELD("p.service") "machine.slice: limit a slice, in "
	       ETC_PATH "NAME.slice.d/50-dmem.conf, and give it to the containers by --cgroup-parent=NAME.slice, "
	       "or keep them in the service by --cgroups=split, see docs/containers.md\n"
	       "/usr/lib/systemd/system/mine.service:4: " NOT_HELD("mine.service") IN_COMPOSE, 0,
	       "limits of services whose containers are elsewhere");
	/* A limit for all services is meant for the daemon, too. */
	put(LIB "docker.service", "[Service]\nExecStart=/usr/bin/dockerd\n");
	put(ETC "service.d/a.conf", SECTION);
	expect("no mistakes: 2 files\n", 0, "a limit for all services");
}

static void put_machine(void)
{
	struct fake f;

	fake_start(&f, FAKE_OURS);
	fake_region(&f, "cma/camera@64000000", 40 * MIB);
	fake_region(&f, "heap/system", 1024 * MIB);
	fake_heap(&f, "camera@64000000", "cma/camera@64000000");
	fake_heap(&f, "vendor", NULL);
	fake_cgroup(&f, "", NULL, 0);
}

static void machines(void)
{
	put_machine();
	put(ETC "a.service", EXEC LIMIT("cma/camera@64000000 40M")
	    "DeviceMemoryMax=heap/system max\n"
	    "DeviceMemoryMin=dma_heap/camera@64000000 100%%\n");
	put(LIB "t@.service", EXEC LIMIT("cma/%%i 1"));
	put(ETC "t@camera@64000000.service.d/a.conf", LIMIT("cma/%%i 1M"));
	expect("no mistakes: 3 files\n", 0, "regions that are there");
	put_machine();
	put(ETC "a.service", EXEC LIMIT("cma/camera@64000000 41M")
	    "DeviceMemoryLow=dma_heap/camera@64000000 1T\nDeviceMemoryMax=cma/none 1\n"
	    "DeviceMemoryMax=dma_heap/none 1\nDeviceMemoryMax=dma_heap/vendor 1\n");
	put(LIB "t@.service", EXEC);
	put(ETC "t@x.service.d/a.conf", LIMIT("cma/%%i 1M"));
	expect(AT(4) "warning: '41M' is more than the size of cma/camera@64000000, which is 40M: write less, "
	       "or a percentage\n"
	       AT(5) "warning: '1T' is more than the size of cma/camera@64000000, which is 40M: write less, or "
		       "a percentage\n"
	       AT(6) "warning: 'cma/none' is not a region of this machine: see lsdmem\n"
	       AT(7) "warning: 'dma_heap/none' is not a heap of this machine: see ls /dev/dma_heap\n"
	       AT(8) "warning: 'dma_heap/vendor' is a heap without a region: see the kernel's log\n"
	       ETC_PATH "t@x.service.d/a.conf:2: warning: 'cma/x' is not a region of this machine: see "
		       "lsdmem\n",
	       0, "regions that are not there, and too small ones");
}

static void given(void)
{
	char good[4200], bad[4200], both[9000], out[9000];

	put("root/etc/hostname", "none\n");
	/* The tree is not looked at. */
	put(ETC "z.service", "[Dmem]\n");
	put("f/good.service", EXEC LIMIT("a 1"));
	put("f/bad.socket.d/x.conf", LIMIT("a 1x"));
	put("f/any.txt", LIMIT("a 1"));
	strcpy(good, tap_path("f/good.service"));
	strcpy(bad, tap_path("f/bad.socket.d/x.conf"));
	check(!go(good, tap_path("f/any.txt"), NULL) && !*get("err"), "files without a mistake", "%s",
	      get("err"));
	check_text(get("out"), "no mistakes: 2 files\n", "it says so");
	check(go(good, bad, NULL) == 1 && !*get("err"), "one with a mistake", "%s", get("err"));
	snprintf(both, sizeof(both), "%s:1: '[X-Dmem]' has no effect in a socket unit: put it into "
		 ETC_PATH "bad.service.d/50-dmem.conf, or limit the slice of the socket\n"
		 "%s:2: '1x' is not a size: write bytes, a number with K, M, G or T (1K, 1KB and 1KiB are 1024 bytes), a percentage of the region, or max\n",
		 bad, bad);
	check_text(get("out"), both, "its mistakes, by its path and name");
	check(go(tap_path("f/none.service"), good, NULL) == 1 &&
	      strstr(get("err"), "No such file"), "one that is not there", "%s", get("err"));
	check(go(tap_path("f"), NULL, NULL) == 1 && strstr(get("err"), "Is a directory"),
	      "a directory", "%s", get("err"));
	snprintf(out, sizeof(out), "--root=%s", tap_path("root"));
	check(run((const char * const []){ dmemctl, "verify", out, "--json", bad, NULL }) == 1,
	      "as JSON", "%s", get("err"));
	put("json", "%s", get("out"));
	check(!run((const char * const []){ "/usr/bin/jq", "-r",
		   ".findings[] | \"\\(.line)|\\(.severity)|\\(.word)|\\(.what)|\\(.remedy)\"",
		   tap_path("json"), NULL }), "it is JSON", "%s", get("err"));
	check_text(get("out"), "1|mistake|[X-Dmem]|has no effect in a socket unit|put it into " ETC_PATH
		   "bad.service.d/50-dmem.conf, or limit the slice of the socket\n"
		   "2|mistake|1x|is not a size|write bytes, a number with K, M, G or T (1K, 1KB and 1KiB are 1024 bytes), a percentage of the region, or max\n",
		   "with all parts");
	check(!run((const char * const []){ dmemctl, "verify", out, "-J", good, NULL }),
	      "nothing as JSON", "%s", get("err"));
	put("json", "%s", get("out"));
	check(!run((const char * const []){ "/usr/bin/jq", "-e", ".findings == []", tap_path("json"),
					    NULL }), "is an empty list", "%s%s", get("out"), get("json"));
	check(go("--no-such", NULL, NULL) == 2, "a wrong option", "not 2");
	check(go("--help", NULL, NULL) == 0 && strstr(get("out"), "Usage: dmemctl verify"), "--help", "no");
	tap_dir(dir);
}

/* Keys that others have are not mistaken for ours. */
static void others(void)
{
	static const char * const known[] = {
		"MemoryMax", "MemoryMin", "MemoryLow", "StartupMemoryMax", "DeviceAllow",
		"DevicePolicy", "DefaultMemoryLow", "ManagedOOMMemoryPressure", "MemoryDenyWriteExecute",
		"IODeviceWeight", "IODeviceLatencyTargetSec", "BindsTo", "",
	};
	static const char systemd[] = "/usr/lib/systemd/systemd";
	const char *wrong = NULL;
	char *save, *l;
	int n = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		wrong = lint_meant(known[i]) ? known[i] : wrong;
	check(!wrong, "keys that are systemd's", "%s", wrong);
	/* All of them, and all of its units, where it is. */
	if (access(systemd, X_OK) ||
	    run((const char * const []){ systemd, "--dump-configuration-items", NULL }))
		return;
	for (l = strtok_r(get("out"), "\n", &save); l; l = strtok_r(NULL, "\n", &save), n++) {
		l[strcspn(l, "=")] = 0;
		wrong = lint_meant(l) ? l : wrong;
	}
	check(n > 300 && !wrong, "all keys of this systemd", "%d, %s", n, wrong);
	check(!run((const char * const []){ dmemctl, "verify", NULL }) &&
	      !strncmp(get("out"), "no mistakes: ", 13), "the units of this machine", "%s%s",
	      get("out"), get("err"));
}

/* ---- any file ---- */

struct count {
	size_t n;
	bool bad;
};

static void count(void *data, const struct dmem_report *r)
{
	struct count *c = data;

	c->n++;
	c->bad |= !r->file || !r->word || !r->what || !r->remedy;
}

/* It must not crash, and say all parts; the sanitizers see the rest. */
static void any_file(long rounds)
{
	static const char * const parts[] = {
		"[X-Dmem]\n", "[Service]\n", "[Dmem]\n", "[", "]", "\n", "=", "\\\n", "#", "%", "%i", "%%",
		"DeviceMemoryMax", "DevicememoryMin=", "DeviceMemoryStrict=yes\n", "dmem", "X-", " ",
		"cma/camera@64000000", " 41M\n", "99999999999T", "dma_heap/", "vendor 1\n", "\"", "\x1b",
		"\xff", "12.5%", "RootImage=/x\n", "DeviceMemoryDeviceMemoryDeviceMemoryDeviceMemory",
	};
	static const char * const names[] = {
		"a.service", "a@.service", "a@b.service", "a.slice", "-.slice", "a.socket", "service",
		"nothing", NULL,
	};
	struct dmem_region region = { .name = "cma/camera@64000000", .capacity = 40 * MIB };
	struct dmem_heap heap = { .name = "vendor", .told = true };
	struct dmem_regions machine = {
		.region = &region, .n = 1, .heap = &heap, .n_heaps = 1, .complete = true,
	};
	struct count c = { 0 };

	for (long i = 0; i < rounds && !c.bad; i++) {
		struct dmem_arena a = { 0 };
		struct lint l = {
			.arena = &a, .regions = pick(2) ? &machine : NULL, .mistake = count,
			.warning = count, .data = &c, .cmdline = pick(2) ? "cma=64M" : NULL,
		};
		char buf[2000], *exact;
		size_t n = 0;
		bool present;

		for (size_t k = pick(20); k; k--) {
			const char *p = parts[pick(sizeof(parts) / sizeof(*parts))];

			memcpy(buf + n, p, strlen(p));
			n += strlen(p);
			if (!pick(20))
				buf[n++] = (char)pick(256);
		}
		/* Of the right size, so that each byte too far is seen. */
		exact = malloc(n ? n : 1);
		memcpy(exact, buf, n);
		c.bad |= lint_file(&l, "f", names[pick(sizeof(names) / sizeof(*names))], exact, n,
				   &present) != 0;
		free(exact);
		dmem_arena_free(&a);
	}
	check(!c.bad && c.n > (size_t)rounds / 10, "anything in a file", "%zu reports", c.n);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	dmemctl = argv[1];
	dir = argv[2];
	unsetenv("SYSTEMD_UNIT_PATH");
	tap_start();
	tap_dir(dir);
	RUN(words);
	RUN(units);
	RUN(judged_places);
	RUN(judged_types);
	RUN(found_places);
	RUN(file_of_dropins);
	RUN(homes_without_list);
	RUN(too_many_files);
	RUN(users_names);
	RUN(too_large_files);
	RUN(hidden_files);
	RUN(given_places);
	RUN(any_place, argc > 3 ? atol(argv[3]) : 20000);
	RUN(payloads);
	RUN(daemons);
	RUN(machines);
	RUN(given);
	RUN(others);
	RUN(any_file, argc > 3 ? atol(argv[3]) : 20000);
	return tap_end();
}
