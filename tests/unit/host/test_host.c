// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nothing that a unit's user may shape steers dmem-apply, which is root there: the
 * host's own systemd starts a unit for each way to try it.
 *
 * test_host SYSTEMD DIRECTORY DMEM-GENERATOR DMEM-APPLY STAYING-DMEM-APPLY EVIL.SO
 * test_host SYSTEMD: ends well if this machine can do it, or prints why not.
 *
 * The first boot has the units' lines written by hand, for a dmem-apply that is
 * dynamic and stays in the unit's context: each attack must succeed, or this test
 * could not fail. The second one has the generator and the real dmem-apply. The
 * kernel need not have the dmem controller: the message about it, under the name of
 * the unit's cgroup, is the end of a way that was gone.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/dmem.h"
#include "boot.h"
#include "tap.h"

#define SECONDS		60
#define JOURNAL		(4 << 20)
#define VICTIM		"victim.service"

/* The effect of an attack on a dmem-apply without protection. */
enum harm {
	ROOT_CODE	= 1,	/* the user's code runs as root */
	LOST		= 2,	/* the limit is never tried */
	OTHER_CGROUP	= 4,	/* another unit's cgroup gets it */
	FILES		= 8,	/* root writes to a file of the user's choice */
};

/* @H is the user's directory, @A that of dmem-apply. */
struct way {
	const char *name;
	const char *environment;	/* text of the EnvironmentFile= */
	const char *service;		/* lines of [Service] */
	const char *file, *text;	/* in the user's directory; executable */
	const char *library;		/* a name for the library there */
	const char *link, *to;
	const char *release;		/* the file that makes an extension of it */
	const char *program;		/* in the line by hand, if not dmem-apply's own path */
	enum harm harm;
	/* The generator writes no line. Or a line by hand, and how that ends. */
	bool obstacle;
	const char *command;
	enum dmem_status status;
	const char *region;
	/* The environment leaves no room for the many arguments of dmem-apply, but for
	 * those of ExecStart=. Known to cost the limit, if the unit is not strict. */
	bool full, strict;
};

#define OWN_PROGRAM	"#!/bin/sh\necho uid=$(id -u) comm=own >>@H/ran\n"

/* Where PID 1 is another process than systemd. */
#define OWN_PIDS(arguments)	\
	"/bin/sh -c '/usr/bin/unshare --pid --fork @A/dmem-apply " arguments "; echo $$? >@H/exit'"

static const struct way ways[] = {
	{ .name = "plain" },
	{ .name = "environment", .service = "Environment=LD_PRELOAD=@H/evil.so\n",
	  .library = "evil.so", .harm = ROOT_CODE },
	{ .name = "environment-file", .environment = "LD_PRELOAD=@H/evil.so\n",
	  .library = "evil.so", .harm = ROOT_CODE },
	{ .name = "audit", .environment = "LD_AUDIT=@H/evil.so\n", .library = "evil.so",
	  .harm = ROOT_CODE },
	{ .name = "library-path", .environment = "LD_LIBRARY_PATH=@H\n", .library = "libc.so.6",
	  .harm = LOST },
	{ .name = "loader-prints", .environment = "LD_TRACE_LOADED_OBJECTS=1\n", .harm = LOST },
	{ .name = "loader-writes", .environment = "LD_DEBUG=all\nLD_DEBUG_OUTPUT=@H/debug\n",
	  .harm = FILES },
	{ .name = "library", .environment = "GCONV_PATH=@H\nLOCPATH=@H\nLANG=xx_XX.UTF-8\nLC_ALL=xx_XX.UTF-8\n"
	  "LANGUAGE=xx\nNLSPATH=@H/%%N\nTMPDIR=@H\nTZ=:@H/fifo\nTZDIR=@H\nHOME=@H\nPATH=@H\n"
	  "MALLOC_TRACE=@H/trace\nMALLOC_CHECK_=3\nMALLOC_PERTURB_=90\nMALLOC_TOP_PAD_=-1\n"
	  "GLIBC_TUNABLES=glibc.malloc.mxfast=glibc.malloc.mxfast=AAAAAAAA:glibc.malloc.check=3\n"
	  "LD_PROFILE=libc.so.6\nLD_PROFILE_OUTPUT=@H\nGMON_OUT_PREFIX=@H/gmon\nPOSIXLY_CORRECT=1\n"
	  "ASAN_OPTIONS=log_path=@H/asan\nLISTEN_FDS=9\nNOTIFY_SOCKET=@H/notify\n",
	  .file = "gconv-modules", .text = "module X// Y// evil 1\n" },
	{ .name = "etc", .service = "BindReadOnlyPaths=@H/etc:/etc\n", .library = "evil.so",
	  .file = "etc/ld.so.preload", .text = "@H/evil.so\n", .harm = ROOT_CODE },
	{ .name = "libraries", .service = "TemporaryFileSystem=/usr/lib /lib64\n", .harm = LOST },
	{ .name = "proc", .service = "BindPaths=@H/proc:/proc\n", .file = "proc/self/cgroup",
	  .text = "0::/system.slice/" VICTIM "\n", .harm = OTHER_CGROUP },
	{ .name = "proc-of-other", .service = "BindPaths=@H/cgroup:/proc/self/cgroup\n",
	  .file = "cgroup", .text = "0::/system.slice/" VICTIM "\n" },
	{ .name = "class", .service = "BindPaths=@H/class:/sys/class\n", .file = "class/dma_heap/h/dmem_region",
	  .text = "cma/of-the-user\n", .region = "dma_heap/h" },
	{ .name = "cgroup", .service = "BindPaths=@H/cg:/sys/fs/cgroup\n",
	  .file = "cg/cgroup.controllers", .text = "dmem\n", .harm = LOST },
	{ .name = "kmsg-and-journal", .service = "BindPaths=@H/log:/dev/kmsg\nTemporaryFileSystem=/run/systemd/journal\n",
	  .file = "log", .text = "the user's\n", .harm = LOST },
	{ .name = "directory", .service = "WorkingDirectory=@H\nEnvironment=LD_PRELOAD=./evil.so\n",
	  .library = "evil.so", .harm = ROOT_CODE },
	/* systemd 252 lifts them with "+". */
	{ .name = "limits", .service = "LimitNOFILE=3\nLimitFSIZE=0\nLimitCPU=1\nLimitCORE=infinity\n"
	  "LimitNPROC=1\nLimitMEMLOCK=0\nUMask=0777\nIgnoreSIGPIPE=no\n" },
	{ .name = "memory-limit", .service = "LimitAS=1500K\nLimitSTACK=64K\nLimitDATA=64K\n" },

	/* A file of the user's in the place of the program is no business of its own. */
	{ .name = "program", .service = "BindPaths=@H/bin:@A\n", .file = "bin/dmem-apply",
	  .text = OWN_PROGRAM, .harm = ROOT_CODE, .obstacle = true },
	{ .name = "program-slashes", .service = "BindReadOnlyPaths=-@H/bin:/@A/:rbind\n", .file = "bin/dmem-apply",
	  .text = OWN_PROGRAM, .harm = ROOT_CODE, .obstacle = true },
	{ .name = "program-specifier", .service = "BindPaths=@H/bin:@A%%\n", .obstacle = true },
	{ .name = "program-link", .service = "BindPaths=@H/bin:@H/link\n", .file = "bin/dmem-apply",
	  .text = OWN_PROGRAM, .link = "link", .to = "@A",
	  .harm = ROOT_CODE, .obstacle = true },

	/* A file system that is put over /usr. */
	{ .name = "extension", .service = "ExtensionDirectories=@H/ext\n",
	  .file = "ext/usr/local/libexec/dmem-apply", .text = OWN_PROGRAM,
	  .release = "ext/usr/lib/extension-release.d/extension-release.ext",
	  .program = "/usr/local/libexec/dmem-apply", .harm = ROOT_CODE, .obstacle = true },

	{ .name = "full", .full = true, .harm = LOST },
	{ .name = "full-strict", .full = true, .strict = true },

	/* Where it cannot enter the mounts of systemd, it is no worse than none. */
	{ .name = "pids", .command = OWN_PIDS("--max=cma/x=1M"), .status = DMEM_NO_CONTROLLER },
	{ .name = "pids-proc", .command = OWN_PIDS("--max=cma/x=1M"),
	  .service = "BindPaths=@H/proc:/proc\n", .file = "proc/self/cgroup",
	  .text = "0::/system.slice/" VICTIM "\n", .status = DMEM_FOREIGN_MOUNT },
	{ .name = "pids-cgroup", .command = OWN_PIDS("--max=cma/x=1M"),
	  .service = "BindPaths=@H/cg:/sys/fs/cgroup\n", .file = "cg/cgroup.controllers",
	  .text = "dmem\n", .status = DMEM_NO_CGROUP2 },
	{ .name = "pids-part", .command = OWN_PIDS("--max=cma/x=1M"),
	  .service = "BindPaths=@H/link:/sys/fs/cgroup\n", .link = "link", .to = "/sys/fs/cgroup/init.scope",
	  .status = DMEM_NO_CGROUP },
	{ .name = "pids-file", .command = OWN_PIDS("--max=cma/x=1M"),
	  .service = "BindPaths=@H/own:/sys/fs/cgroup/system.slice/host-pids-file.service/cgroup.procs\n",
	  .file = "own", .text = "1\n", .status = DMEM_FOREIGN_MOUNT },
	{ .name = "pids-log", .command = OWN_PIDS("--max=cma/x=1M"),
	  .service = "BindPaths=@H/log:/dev/kmsg\nTemporaryFileSystem=/run/systemd/journal\n",
	  .file = "log", .text = "the user's\n", .status = DMEM_NO_CONTROLLER },
	{ .name = "pids-slice", .command = OWN_PIDS("--slice=host-x.slice --max=cma/x=1M"),
	  .service = "BindPaths=@H/cg:/sys/fs/cgroup\n", .file = "cg/cgroup.controllers",
	  .text = "dmem\n", .status = DMEM_NO_CGROUP2 },
};

#define WAYS	(sizeof(ways) / sizeof(*ways))

static char directory[200], journal[JOURNAL];
static const char *library;

/* @text with @H and @A replaced. Good until the next call. */
static const char *filled(const struct way *w, const char *text)
{
	static char buf[8192];
	size_t n = 0;

	for (const char *p = text; *p && n < sizeof(buf) - 300; p++) {
		if (p[0] == '@' && p[1] == 'H')
			n += (size_t)sprintf(buf + n, "%s/home/%s", directory, w->name), p++;
		else if (p[0] == '@' && p[1] == 'A')
			n += (size_t)sprintf(buf + n, "%s/apply", directory), p++;
		else
			buf[n++] = *p;
	}
	buf[n] = 0;
	return buf;
}

static int owned_by_root;

static int count_of_root(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)type, (void)ftw;
	owned_by_root += st->st_uid == 0;
	return 0;
}

static void copy(const char *from, const char *to)
{
	if (boot_copy(from, tap_path(to)))
		return;
	printf("Bail out! cannot copy %s\n", from);
	exit(2);
}

#define MANY	50		/* arguments of LONG bytes and more */
#define LONG	100

/* MANY limits, each of a region with a long name, between @before and @after. */
static const char *many(const char *before, const char *after)
{
	static char buf[MANY * (LONG + 100)];
	size_t n = 0;

	for (int i = 0; i < MANY; i++)
		n += (size_t)sprintf(buf + n, "%scma/%0*d%s", before, LONG, i, after);
	return buf;
}

/* An environment that leaves half of those arguments below the kernel's limit. Variables that
 * systemd adds have 1 KiB, and a variable cannot have more than 128 KiB. */
static void put_full(const char *path)
{
	static char value[100000];
	size_t room = MANY * LONG / 2, size = 6 << 20, n;
	struct rlimit stack;
	FILE *f;

	/* See bprm_stack_limits() in the kernel. */
	if (!getrlimit(RLIMIT_STACK, &stack) && stack.rlim_cur / 4 < size)
		size = stack.rlim_cur / 4;
	memset(value, 'x', sizeof(value));
	f = fopen(tap_path(path), "w");
	for (int i = 0; f && size > room + 100; i++, size -= n) {
		n = size - room < sizeof(value) ? size - room : sizeof(value);
		/* "A000=", the zero byte at the end, and a pointer. */
		fprintf(f, "A%03d=%.*s\n", i, (int)n - 14, value);
	}
	if (f)
		fclose(f);
}

static void put_home(const struct way *w)
{
	char path[300];

	snprintf(path, sizeof(path), "home/%s/ran", w->name);
	put(path, "%s", "");
	chmod(tap_path(path), 0666);
	snprintf(path, sizeof(path), "home/%s/env", w->name);
	put(path, "%s", w->environment ? filled(w, w->environment) : "");
	if (w->full)
		put_full(path);
	snprintf(path, sizeof(path), "home/%s/exit", w->name);
	put(path, "%s", "");
	if (w->file) {
		snprintf(path, sizeof(path), "home/%s/%s", w->name, w->file);
		put(path, "%s", filled(w, w->text));
		chmod(tap_path(path), 0755);
	}
	if (w->release) {
		snprintf(path, sizeof(path), "home/%s/%s", w->name, w->release);
		put(path, "ID=_any\n");
	}
	if (w->library) {
		snprintf(path, sizeof(path), "home/%s/%s", w->name, w->library);
		copy(library, path);
	}
	if (w->link) {
		snprintf(path, sizeof(path), "home/%s/%s", w->name, w->link);
		link_to(path, filled(w, w->to));
	}
	snprintf(path, sizeof(path), "home/%s/fifo", w->name);
	mkfifo(tap_path(path), 0644);
	snprintf(path, sizeof(path), "home/%s", w->name);
	boot_give_away(tap_path(path));
}

/* The unit of one way. @by_hand: with the line that the generator would write. */
static void put_unit(const struct way *w, bool by_hand)
{
	char path[300], line[MANY * (LONG + 100) + 1000] = "", section[sizeof(line)] = "", file[300], start[300];
	const char *region = w->region ? w->region : "cma/x";

	if (w->command)
		snprintf(line, sizeof(line), "ExecCondition=-+%s\n", filled(w, w->command));
	else if (by_hand && w->full)
		snprintf(line, sizeof(line), "ExecCondition=%s+%s%s %s\n", w->strict ? "" : "-",
			 filled(w, "@A/dmem-apply"), w->strict ? " --strict" : "", many(" --max=", "=1M"));
	else if (by_hand)
		snprintf(line, sizeof(line), "ExecCondition=-+%s --max=%s=1M\n",
			 filled(w, w->program ? w->program : "@A/dmem-apply"), region);
	else if (w->full)
		snprintf(section, sizeof(section), "[X-Dmem]\nDeviceMemoryStrict=%s\n%s",
			 w->strict ? "yes" : "no", many("DeviceMemoryMax=", " 1M\n"));
	else
		snprintf(section, sizeof(section), "[X-Dmem]\nDeviceMemoryMax=%s 1M\n", region);
	snprintf(file, sizeof(file), "%s", filled(w, "@H/env"));
	snprintf(start, sizeof(start), "%s", filled(w, w->full ? "/bin/touch @H/started" : "/bin/true"));
	snprintf(path, sizeof(path), "units/host-%s.service", w->name);
	put(path, "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nUser=%d\nTimeoutSec=15\n"
	    "EnvironmentFile=%s\n%s%sExecStart=-%s\n%s", BOOT_USER, file,
	    w->service ? filled(w, w->service) : "", line, start, section);
}

static void put_target(void)
{
	char wants[4096] = "";

	for (size_t i = 0; i < WAYS; i++) {
		strcat(wants, " host-");
		strcat(wants, ways[i].name);
		strcat(wants, ".service");
	}
	put("units/x.target", "[Unit]\nDefaultDependencies=no\nWants=end.service\nWants=%s\n", wants);
	put("units/end.service", "[Unit]\nDefaultDependencies=no\nAfter=%s\n[Service]\nType=oneshot\n"
	    "ExecStart=/bin/touch %s/done\n", wants, directory);
}

/* Boots with one of the programs. */
static bool boot(const char *systemd, const char *generator, const char *apply)
{
	struct boot b = {
		.systemd = systemd, .dir = directory, .target = "x.target", .done = "done",
		.seconds = SECONDS, .journal = journal, .size = JOURNAL,
	};

	tap_dir(directory);
	chmod(directory, 0755);
	put("in", "%s", "");
	put("apply/none", "%s", "");
	copy(apply, "apply/dmem-apply");
	put("gen/none", "%s", "");
	if (generator) {
		copy(generator, "apply/dmem-generator");
		put("gen/dmem", "#!/bin/sh\nexec %s/apply/dmem-generator --unit-path=%s/units "
		    "--helper=%s/apply/dmem-apply \"$@\"\n", directory, directory, directory);
		chmod(tap_path("gen/dmem"), 0755);
	}
	for (size_t i = 0; i < WAYS; i++) {
		put_home(&ways[i]);
		put_unit(&ways[i], !generator);
	}
	put_target();
	return boot_run(&b);
}

/* Is there a message of dmem-apply about this cgroup? With @status, with its text. */
static bool told(const char *cgroup, const enum dmem_status *status)
{
	char about[200];
	size_t len = (size_t)snprintf(about, sizeof(about), "MESSAGE=%s: ", cgroup);

	for (const char *l = journal; l && *l; l = strchr(l, '\n')) {
		const char *end, *m;

		l += *l == '\n';
		end = strchrnul(l, '\n');
		m = strstr(l, "MESSAGE=");
		if (!m || m > end || !memmem(l, (size_t)(end - l), "SYSLOG_IDENTIFIER=dmem-apply", 28))
			continue;
		if (strncmp(m, about, len))
			continue;
		if (!status || memmem(m, (size_t)(end - m), dmem_status_text(*status),
				      strlen(dmem_status_text(*status))))
			return true;
	}
	return false;
}

/* The way was gone to its end: this kernel has no controller, or no such region. */
static bool tried(const struct way *w)
{
	static const enum dmem_status ends[] = {
		DMEM_NO_CONTROLLER, DMEM_NO_REGION, DMEM_NO_HEAP_REGION,
	};
	char cgroup[200];

	snprintf(cgroup, sizeof(cgroup), "system.slice/host-%s.service", w->name);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (told(cgroup, &ends[i]))
			return true;
	}
	return false;
}

static int harm_done(const struct way *w)
{
	char path[300];
	int harm = 0;

	snprintf(path, sizeof(path), "home/%s/ran", w->name);
	if (strstr(get(path), "uid=0 "))
		harm |= ROOT_CODE;
	if (!tried(w))
		harm |= LOST;
	owned_by_root = 0;
	snprintf(path, sizeof(path), "home/%s", w->name);
	nftw(tap_path(path), count_of_root, 16, FTW_PHYS);
	if (owned_by_root)
		harm |= FILES;
	if (w->file && !w->library) {
		snprintf(path, sizeof(path), "home/%s/%s", w->name, w->file);
		if (strcmp(get(path), filled(w, w->text)))
			harm |= FILES;
	}
	return harm;
}

static const char *words(int harm)
{
	static char buf[100];

	snprintf(buf, sizeof(buf), "%s%s%s%s", harm & ROOT_CODE ? " user's code as root" : "",
		 harm & LOST ? " no limit" : "", harm & OTHER_CGROUP ? " another cgroup" : "",
		 harm & FILES ? " user's file written" : "");
	return *buf ? buf : " nothing";
}

/* Each attack succeeds on the program without a defence. */
static void undefended(void)
{
	char name[200];

	for (size_t i = 0; i < WAYS; i++) {
		const struct way *w = &ways[i];
		int harm = harm_done(w);

		if (!w->harm)
			continue;
		if (w->harm & OTHER_CGROUP && told("system.slice/" VICTIM, NULL))
			harm |= OTHER_CGROUP;
		snprintf(name, sizeof(name), "%s: succeeds on a program without a defence", w->name);
		check((harm & (int)w->harm) == (int)w->harm, name, "it did:%s", words(harm));
	}
}

/* Has the generator said that the user of this way's unit can keep its limit off? */
static bool warned(const struct way *w)
{
	char about[200];

	snprintf(about, sizeof(about), "the user of host-%s.service can keep its limit from being set: "
		 "add DeviceMemoryStrict=yes, or limit the slice", w->name);
	return strstr(journal, about);
}

/* No program can prevent this if it is not run: the remedy is a strict unit. */
static void not_run(void)
{
	char name[200], path[300];

	for (size_t i = 0; i < WAYS; i++) {
		const struct way *w = &ways[i];
		bool started;

		if (!w->full)
			continue;
		snprintf(path, sizeof(path), "home/%s/started", w->name);
		started = !access(tap_path(path), F_OK);
		snprintf(name, sizeof(name), "%s: %s", w->name, w->strict ? "does not start" : "starts, and the generator warned");
		check(started == !w->strict && warned(w) == !w->strict, name, "started %d, warned %d",
		      started, warned(w));
	}
}

static void defended(void)
{
	char name[200], path[300];

	for (size_t i = 0; i < WAYS; i++) {
		const struct way *w = &ways[i];
		int harm = harm_done(w), status;

		snprintf(path, sizeof(path), "home/%s/exit", w->name);
		status = atoi(get(path));
		/* Its message has no cgroup, or nobody has it: the status is enough. */
		if (w->status)
			harm &= ~LOST;
		snprintf(name, sizeof(name), "%s: %s", w->name, w->obstacle ? "is an obstacle" :
			 w->full ? "keeps dmem-apply from being run" :
			 w->status ? dmem_status_text(w->status) : "changes nothing");
		check(status == (int)w->status && harm == (w->obstacle || w->full ? LOST : 0), name,
		      "status %d, harm:%s", status, words(harm));
	}
	check(!told("system.slice/" VICTIM, NULL), "no other unit's cgroup is touched", "it is");
}

int main(int argc, char **argv)
{
	const char *why = argc == 2 ? boot_problem(argv[1]) : NULL;
	bool ok;

	if (argc == 2) {
		if (why)
			puts(why);
		return !!why;
	}
	if (argc != 7)
		return 2;
	snprintf(directory, sizeof(directory), "%s", argv[2]);
	library = argv[6];
	tap_start();
	/* The console's text is read after the boot. */
	ok = boot(argv[1], NULL, argv[5]);
	if (check(ok, "systemd starts all units, without a defence", "console: %s", get("console")))
		RUN(undefended);
	ok = boot(argv[1], argv[3], argv[4]);
	if (check(ok, "systemd starts all units", "console: %s", get("console"))) {
		RUN(defended);
		RUN(not_run);
	}
	return tap_end();
}
