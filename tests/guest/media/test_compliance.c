// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debian's v4l2-compliance with its streaming tests, in a cgroup that may use the whole area. Its
 * report is on the lines that begin with "# | ": it must be the same on a kernel with the series
 * and on one without it.
 */
#include <stdlib.h>
#include <string.h>

#include "kselftest.h"

#include "dmem_util.h"
#include "media_util.h"
#include "program.h"

#define SECONDS		200

/* A camera, and an output device that imports the camera's buffers. */
#define TWO_DEVICES							\
	"n_devs=2 node_types=0x1,0x100 num_inputs=1,1 input_types=0,0 "	\
	"num_outputs=1,1 output_types=0,1 allocators=1,1"

static const char charged[] = "the buffers were charged";
static const char nothing[] = "nothing is left of them";

/* True if the report has its last line. */
static bool report(struct program *p)
{
	bool complete = false;
	char *line;

	while ((line = program_line(p))) {
		ksft_print_msg("| %s\n", line);
		if (!strncmp(line, "Total for ", 10))
			complete = true;
	}
	return complete;
}

/* Makes a cgroup that may use the whole region; NULL without the controller. */
static char *make_cgroup(struct dmem_test *t, char *region)
{
	int ret = dmem_begin(t, DMEM_NO_HEAP);
	char *cg;

	if (ret && ret != KSFT_SKIP)
		ksft_exit_fail_msg("%s\n", t->reason);
	if (ret)
		return NULL;
	if (!default_region(region, DMEM_NAME_LEN)) {
		strcpy(t->reason, "the default CMA area has no dmem region");
		return NULL;
	}
	cg = cg_name(t->cg, "compliance");
	if (cg_create(cg) ||
	    dmem_set_max(cg, region, dmem_read(t->root, "dmem.capacity", region)))
		ksft_exit_fail_msg("cannot make a cgroup with a limit\n");
	return cg;
}

int main(void)
{
	char *argv[] = {
		"v4l2-compliance", "-C", "never", "-P", "-s",
		"-e", "/dev/video1", "-d", "/dev/video0", NULL,
	};
	char region[DMEM_NAME_LEN], *cg;
	struct program p;
	struct dmem_test t;
	bool complete;
	int code;

	ksft_print_header();
	ksft_set_plan(3);
	if (load_vivid(TWO_DEVICES))
		ksft_exit_fail_msg("cannot load vivid\n");
	atexit(unload_vivid);
	cg = make_cgroup(&t, region);
	if (program_start(&p, cg, argv, SECONDS))
		ksft_exit_fail_msg("cannot start %s\n", argv[0]);
	complete = report(&p);
	code = program_end(&p);
	/* Exit code 1: some test failed, and the report names it. */
	ksft_test_result(complete && !p.late && (code == 0 || code == 1),
			 "%s came to its end\n", argv[0]);
	if (!cg) {
		ksft_test_result_skip("%s: %s\n", charged, t.reason);
		ksft_test_result_skip("%s: %s\n", nothing, t.reason);
		ksft_finished();
	}
	ksft_print_msg("peak %lld, now %lld\n", dmem_peak(cg, region),
		       dmem_current(cg, region));
	ksft_test_result(dmem_peak(cg, region) > 0, "%s\n", charged);
	ksft_test_result(!dmem_current(cg, region), "%s\n", nothing);
	dmem_end(&t);
	ksft_finished();
}
