// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Debian package of the two programs is installed, and purged without a trace. The guest image
 * contains the files of "make install"; the package is installed over it, and stays.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define NAME	"dmem-tools"
#define DEB	"/tests/tools/" NAME ".deb"
#define LSDMEM	"/usr/bin/lsdmem"
#define DMEMCTL	"/usr/sbin/dmemctl"

FIXTURE(package) {
	int unused;
};

FIXTURE_SETUP(package)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, run("dpkg", "-i", DEB, NULL)) TH_LOG("%s", output());
}

FIXTURE_TEARDOWN(package)
{
	EXPECT_EQ(0, run("dpkg", "-i", DEB, NULL)) TH_LOG("%s", output());
	EXPECT_EQ(0, units_end());
}

/* All its files are as packed, and the programs run. */
TEST_F_TIMEOUT(package, works, 120)
{
	EXPECT_EQ(0, run("dpkg", "--verify", NAME, NULL));
	EXPECT_STREQ("", output());
	EXPECT_EQ(0, run(LSDMEM, "-rn", "-o", "CAPACITY", CAMERA, NULL));
	EXPECT_STREQ("40M\n", output());
	EXPECT_EQ(0, run(DMEMCTL, "doctor", NULL)) TH_LOG("%s", output());
}

/* The package also contains manual pages and completions. */
TEST_F_TIMEOUT(package, files, 120)
{
	static const char * const files[] = {
		LSDMEM, DMEMCTL, "/usr/share/man/man8/lsdmem.8.gz", "/usr/share/man/man8/dmemctl.8.gz",
		"/usr/share/bash-completion/completions/lsdmem",
		"/usr/share/bash-completion/completions/dmemctl",
		"/usr/share/zsh/vendor-completions/_lsdmem",
		"/usr/share/zsh/vendor-completions/_dmemctl",
		"/usr/share/dmem-tools/dmem.rules.yml",
		"/usr/share/dmem-tools/dmem-dashboard.json",
	};
	char line[200];

	ASSERT_EQ(0, run("dpkg", "-L", NAME, NULL));
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(line, sizeof(line), "%s\n", files[i]);
		EXPECT_NE(NULL, strstr(output(), line)) TH_LOG("%s is not in it", files[i]);
	}
}

TEST_F_TIMEOUT(package, purge, 120)
{
	char list[16384], *save;

	ASSERT_EQ(0, run("dpkg", "-L", NAME, NULL));
	snprintf(list, sizeof(list), "%s", output());
	ASSERT_EQ(0, run("dpkg", "-P", NAME, NULL)) TH_LOG("%s", output());
	EXPECT_NE(0, access(LSDMEM, F_OK));
	EXPECT_NE(0, access(DMEMCTL, F_OK));
	for (char *p = strtok_r(list, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		/* Directories shared with other packages remain. */
		if (strstr(p, "dmem"))
			EXPECT_NE(0, access(p, F_OK)) TH_LOG("%s is still there", p);
	}
	EXPECT_NE(0, run("dpkg-query", "-W", NAME, NULL));
}

TEST_HARNESS_MAIN
