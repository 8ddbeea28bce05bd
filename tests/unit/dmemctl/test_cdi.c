// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "dmemctl cdi" on a fake machine. The rules of the CDI specification 0.5.0 are checked by
 * themselves, not by a reader of it.
 *
 * test_cdi DMEMCTL DIRECTORY JQ EXPECTED
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/dmem.h"
#include "dmemctl/cdi/spec.h"
#include "machine.h"
#include "tap.h"
#include "tool.h"

#define CDI	"root/etc/cdi/"
/* Of an installation below /usr. */
#define HOOK_PATH	"/usr/libexec/dmem-hook"
#define CAMERA	CDI "dmem-camera-64000000.json"

static struct tool t;

static void start(void)
{
	struct fake f;

	tap_dir(t.dir);
	machine(&f, "ours");
}

static bool there(const char *file)
{
	return !access(tap_path(file), F_OK);
}

/* Alphabets and fields of the specification; a field that 0.5.0 lacks makes a file invalid. */
static const char rules[] =
	"(.cdiVersion == \"0.5.0\") and (keys == [\"cdiVersion\", \"devices\", \"kind\"]) and "
	"(.kind | test(\"^dmem[.]pool/[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]$\")) and (.devices | length > 0) and "
	"([.devices[].name] | length == (unique | length)) and ([.devices[] | "
	"(keys == [\"containerEdits\", \"name\"]) and (.name | test(\"^[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?$\")) "
	"and ([.containerEdits.deviceNodes[]? | (keys == [\"path\", \"permissions\"]) and (.permissions == \"rw\") "
	"and (.path | startswith(\"/dev/dma_heap/\"))] | all) and (.containerEdits.hooks | length == 1) and "
	"(.containerEdits.hooks[0] | (keys == [\"args\", \"hookName\", \"path\"]) and (.path | startswith(\"/\")) "
	"and (.hookName == \"createRuntime\") and (.args[0] == \"dmem-hook\"))] | all)";

static void check_rules(const char *file)
{
	char from[4096], name[300];
	const char *argv[] = { t.jq, "-e", rules, from, NULL };

	snprintf(from, sizeof(from), "%s", tap_path(file));
	snprintf(name, sizeof(name), "%s follows the specification", strrchr(file, '/') + 1);
	check(run(argv) == 0, name, "%s%s", get("out"), get("err"));
}

static bool is(const char *file, const char *filter)
{
	char from[4096];
	const char *argv[] = { t.jq, "-e", filter, from, NULL };

	snprintf(from, sizeof(from), "%s", tap_path(file));
	return run(argv) == 0;
}

/* The file is the one that Podman reads in suite containers. */
static void test_golden(const char *expected)
{
	char text[4000] = "", *line;
	FILE *f = fopen(expected, "r");

	if (!f || !fread(text, 1, sizeof(text) - 1, f))
		abort();
	fclose(f);
	line = strchr(text, '\n') + 1;
	start();
	check(tool(&t, "cdi --hook=" HOOK_PATH " cma/camera@64000000=8M") == 0, "a file is written", "%s", get("err"));
	check_text(get("out"), "--device=dmem.pool/camera-64000000=8M\n", "the option of the engine is printed");
	check_text(get(CAMERA), line, "the file is as expected");
	check_rules(CAMERA);
	check(tool(&t, "cdi --hook=" HOOK_PATH " -o - dma_heap/camera@64000000=8M") == 0, "standard output is possible", "%s",
	      get("err"));
	check_text(get("out"), line, "standard output has the same text");
}

/* Each size is a device, and each heap of a region a kind. */
static void test_kinds(void)
{
	struct stat st;

	start();
	check(tool(&t, "cdi --strict --hook=/opt/hook cma/linux,cma=8M,1.5G,max,4096 heap/system=1G") == 0,
	      "several regions and sizes are taken", "%s", get("err"));
	check_text(get("out"), "--device=dmem.pool/default_cma_region=8M\n--device=dmem.pool/default_cma_region=1.5G\n"
		   "--device=dmem.pool/default_cma_region=max\n--device=dmem.pool/default_cma_region=4096\n"
		   "--device=dmem.pool/linux-cma=8M\n--device=dmem.pool/linux-cma=1.5G\n"
		   "--device=dmem.pool/linux-cma=max\n--device=dmem.pool/linux-cma=4096\n"
		   "--device=dmem.pool/system=1G\n", "each heap has each size");
	check_rules(CDI "dmem-linux-cma.json");
	check_rules(CDI "dmem-default_cma_region.json");
	check_rules(CDI "dmem-system.json");
	check(is(CDI "dmem-linux-cma.json", ".devices[1].containerEdits | .deviceNodes[0].path == "
		 "\"/dev/dma_heap/linux,cma\" and .hooks[0].args == [\"dmem-hook\", "
		 "\"--max=cma/linux,cma=1.5G\", \"--strict\"] and .hooks[0].path == \"/opt/hook\""),
	      "the device has the heap's node and the region's limit", "%s", get(CDI "dmem-linux-cma.json"));
	check(!stat(tap_path(CDI "dmem-system.json"), &st) && (st.st_mode & 07777) == 0644,
	      "every user may read the file", "mode %o", st.st_mode & 07777);
	start();
	check(tool(&t, "cdi dma_heap/linux,cma=8M,8M dma_heap/linux,cma=9M") == 0, "one heap can be named", "%s",
	      get("err"));
	check_text(get("out"), "--device=dmem.pool/linux-cma=8M\n--device=dmem.pool/linux-cma=9M\n",
		   "a size that is named twice is one device");
	check(!there(CDI "dmem-default_cma_region.json"), "the other heap has no file", "it has");
}

/* A region without a heap has a limit, but no node. */
static void test_no_heap(void)
{
	struct fake f;

	tap_dir(t.dir);
	fake_start(&f, FAKE_OURS);
	fake_region(&f, "dma/coherent/3.dsp", 4 * MIB);
	fake_cgroup(&f, "", NULL, 0);
	check(tool(&t, "cdi dma/coherent/3.dsp=1M") == 0, "a region without a heap is taken", "%s", get("err"));
	check_rules(CDI "dmem-dma-coherent-3-dsp.json");
	check(is(CDI "dmem-dma-coherent-3-dsp.json", ".devices[0].containerEdits | has(\"deviceNodes\") | not"),
	      "there is no node", "%s", get(CDI "dmem-dma-coherent-3-dsp.json"));
}

/* Names are mapped to the alphabet of version 0.5.0, in which a class has no dot. */
static void test_names(void)
{
	static const struct {
		const char *name, *class;
	} names[] = {
		{ "camera@64000000", "camera-64000000" }, { "linux,cma", "linux-cma" },
		{ "default_cma_region", "default_cma_region" }, { "a.b", "a-b" }, { "64000000.pool", "dmem-64000000-pool" },
		{ "_x_", "x" }, { "x@", "x" }, { "A/b", "A-b" }, { "a\"\\b", "a--b" }, { "@@", NULL }, { "", NULL },
		{ "a234567890123456789012345678901234567890123456789012345678901234", NULL },
		{ "a23456789012345678901234567890123456789012345678901234567890123",
		  "a23456789012345678901234567890123456789012345678901234567890123" },
	};
	struct dmem_arena a = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *got = cdi_class(&a, names[i].name);

		tap_case("'%s'", names[i].name);
		check(names[i].class ? got && !strcmp(got, names[i].class) : !got, "the name is mapped", "%s",
		      got ? got : "NULL");
	}
	tap_case("%s", "");
	check_text(cdi_size_name(&a, 8 * MIB), "8M", "a size has the largest unit");
	check_text(cdi_size_name(&a, 5132 * KIB), "5132K", "a size is not rounded");
	check_text(cdi_size_name(&a, 1ull << 62), "4194304T", "there is no larger unit than T");
	check_text(cdi_size_name(&a, 5), "5", "bytes have no unit");
	dmem_arena_free(&a);
}

/* Two heaps with one name in CDI are refused by name, and nothing is written. */
static void test_clash(void)
{
	struct fake f;

	tap_dir(t.dir);
	machine(&f, "ours");
	fake_heap(&f, "linux@cma", "cma/camera@64000000");
	check(tool(&t, "cdi heap/system=1M dma_heap/linux,cma=8M dma_heap/linux@cma=8M") == 1, "a clash is an error",
	      "%s", get("out"));
	check(strstr(get("err"), "dma_heap/linux,cma and dma_heap/linux@cma have the same name in CDI, linux-cma") != NULL,
	      "both names are printed", "%s", get("err"));
	check(!there(CDI "dmem-system.json"), "no file is written", "there is one");
	check(tool(&t, "cdi dma_heap/linux@cma=8M") == 0, "one of them alone is possible", "%s", get("err"));
	/* Containers that use the name would get another heap. */
	check(tool(&t, "cdi heap/system=1M dma_heap/linux,cma=8M") == 1 &&
	      strstr(get("err"), "dmem-linux-cma.json is the file of another device than dma_heap/linux,cma: remove it"),
	      "a clash with a file of an earlier call is an error", "%s%s", get("out"), get("err"));
	check(is(CDI "dmem-linux-cma.json", ".devices[0].containerEdits.deviceNodes[0].path == "
		 "\"/dev/dma_heap/linux@cma\""), "this file stays", "%s", get(CDI "dmem-linux-cma.json"));
	check(!there(CDI "dmem-system.json"), "no other file is written", "there is one");
	check(tool(&t, "cdi dma_heap/linux@cma=16M") == 0, "a file of the same heap is replaced", "%s", get("err"));
}

/* The same for regions without heaps, whose files have no node. */
static void test_clash_no_heap(void)
{
	struct fake f;

	tap_dir(t.dir);
	fake_start(&f, FAKE_OURS);
	fake_region(&f, "dma/coherent/3.dsp", 4 * MIB);
	fake_region(&f, "dma/coherent/3,dsp", 4 * MIB);
	fake_region(&f, "dma/coherent/3.dsp=1", 4 * MIB);
	fake_cgroup(&f, "", NULL, 0);
	check(tool(&t, "cdi dma/coherent/3.dsp=1M") == 0, "a region is taken", "%s", get("err"));
	check(tool(&t, "cdi dma/coherent/3,dsp=1M") == 1 && strstr(get("err"), "the file of another device"),
	      "a region of the same name in CDI is refused", "%s%s", get("out"), get("err"));
	check(tool(&t, "cdi dma/coherent/3.dsp=2M") == 0, "the same region is taken again", "%s", get("err"));
}

static void test_mistakes(void)
{
	static const struct {
		const char *args;
		int code;
		const char *text;
	} wrong[] = {
		{ "cdi", 2, "missing REGION=SIZE" }, { "cdi heap/system", 2, "write REGION=SIZE" },
		{ "cdi heap/system=", 2, "is no size" }, { "cdi heap/system=8M,", 2, "is no size" },
		{ "cdi heap/system=50%", 2, "is a percentage" }, { "cdi =8M", 2, "is empty" },
		{ "cdi cma/none=8M", 1, "no such region" }, { "cdi dma_heap/none=8M", 1, "has no region" },
		{ "cdi dma_heap/odd=8M", 1, "has no region" }, { "cdi --hook=x heap/system=8M", 2, "starts with /" },
		{ "cdi -o - cma/linux,cma=8M", 1, "these are 2" }, { "cdi -o none/x heap/system=8M", 1, "cannot open none/x" },
		{ "cdi --plan=none", 1, "--plan=none: No such file" }, { "cdi --output= heap/system=1", 2, "needs a directory" },
		{ "cdi --what", 2, "--what" },
	};

	start();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		tap_case("%s", wrong[i].args);
		check(tool(&t, wrong[i].args) == wrong[i].code && strstr(get("err"), wrong[i].text),
		      "the mistake is named", "%s%s", get("out"), get("err"));
		check(!there("root/etc/cdi/dmem-system.json"), "no file is written", "there is one");
	}
	tap_case("%s", "");
}

/* All files are written or none: the second one is a directory, and the first one keeps its text. */
static void test_all_or_nothing(void)
{
	static const char *before[] = { "/bin/sh", "-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"" };
	struct tool limited = t;
	struct stat st;

	start();
	put(CAMERA, "the old text");
	put(CDI "dmem-system.json/x", "%s", "");
	check(tool(&t, "cdi cma/camera@64000000=8M cma/display@60000000=8M heap/system=8M") == 1,
	      "a file that cannot be written is an error", "%s", get("out"));
	check_text(get(CAMERA), "the old text", "a file that was there has its old text");
	check(!there(CDI "dmem-display-60000000.json"), "a file that was not there is not there", "it is");
	check_text(get("out"), "", "no option is printed");

	/* The second text is larger than the largest file that this process may write. */
	start();
	put(CAMERA, "the old text");
	if (chmod(tap_path(CAMERA), 0600))
		abort();
	memcpy(limited.before, before, sizeof(before));
	check(tool(&limited, "cdi cma/display@60000000=8M cma/camera@64000000=8M heap/system=1,2,3,4,5,6,7,8,9,10,11,"
		   "12,13,14,15,16,17,18,19,20") == 1 && strstr(get("err"), "cannot write dmem-system.json"),
	      "a full disk is an error", "%s%s", get("out"), get("err"));
	check_text(get(CAMERA), "the old text", "a file that was replaced has its old text again");
	check(!stat(tap_path(CAMERA), &st) && (st.st_mode & 07777) == 0600, "it has its old mode", "mode %o",
	      st.st_mode & 07777);
	check(!there(CDI "dmem-display-60000000.json"), "a file that was made is removed", "it is there");
}

/* Limits of a plan are sizes. */
static void test_plan(void)
{
	static const char * const wrong[] = {
		"", "{", "[]", "{}", "{\"regions\":7}", "{\"regions\":[{\"region\":\"heap/system\"}]}",
		"{\"regions\":[]}", "{\"regions\":[{\"region\":\"\",\"services\":[]}]}",
		"{\"regions\":[{\"region\":\"heap/system\",\"services\":[7]}]}",
		"{\"regions\":[{\"region\":\"heap/system\",\"services\":[{\"max\":8}]}]} x",
		"{\"regions\":[{\"region\":\"heap/system\\u0000\",\"services\":[{\"max\":8}]}]}",
	};

	start();
	put("in", "{\"regions\":[{\"region\":\"cma/camera@64000000\",\"services\":[{\"max\":8388608},{\"max\":null},"
	    "{\"max\":\"max\"},{\"max\":5255168},{\"max\":8388608}]},{\"region\":\"heap/system\",\"services\":[]}]}\n");
	check(tool(&t, "cdi --plan=- heap/system=1M") == 0, "a plan on standard input is taken", "%s", get("err"));
	check_text(get("out"), "--device=dmem.pool/camera-64000000=8M\n--device=dmem.pool/camera-64000000=5132K\n"
		   "--device=dmem.pool/system=1M\n", "each limit of the plan is a device, once");
	check_rules(CAMERA);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		tap_case("plan %zu", i + 1);
		put("in", "%s", wrong[i]);
		check(tool(&t, "cdi --plan=-") == 1 && strstr(get("err"), "--plan=-: "), "a wrong plan is an error", "%s",
		      get("err"));
	}
	tap_case("%s", "");
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	t = (struct tool){ .program = argv[1], .dir = argv[2], .jq = argv[3] };
	tap_start();
	RUN(test_golden, argv[4]);
	RUN(test_kinds);
	RUN(test_no_heap);
	RUN(test_names);
	RUN(test_clash);
	RUN(test_clash_no_heap);
	RUN(test_mistakes);
	RUN(test_all_or_nothing);
	RUN(test_plan);
	return tap_end();
}
