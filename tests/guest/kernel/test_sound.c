// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of PCM streams: the process that sets the parameters is charged, in the region of
 * the default area, and preallocated buffers are not. This process is in a.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_dma_driver.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "guest_util.h"
#include "sound.h"

#define LESS		(96 << 10)	/* than PCM_BYTES */
#define REFUSALS	50

FIXTURE(sound) {
	struct dmem_test t;
	char region[DMEM_NAME_LEN];
	char *a, *b;
	int pcm;
};

#define SOUND	FIXTURE_DATA(sound)

FIXTURE_SETUP(sound)
{
	struct dmem_test *t = &self->t;
	int ret;

	begin_or_skip(_metadata, t, DMEM_NO_HEAP);
	if (!default_area_region(self->region))
		SKIP(return, "no default area that tests may use");
	ret = pcm_preallocate(0);
	if (ret == -ENOENT)
		SKIP(return, "no sound card");
	ASSERT_EQ(0, ret);
	self->pcm = pcm_open(0);
	ASSERT_LE(0, self->pcm);
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	self->b = new_cgroup(_metadata, cg_create, t->cg, "b");
	ASSERT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(sound)
{
	close(self->pcm);
	dmem_end(&self->t);
}

static void expect_charges(struct __test_metadata *_metadata, SOUND *self, long long in_a,
			   long long in_b)
{
	EXPECT_EQ(in_a, dmem_current(self->a, self->region));
	EXPECT_EQ(in_b, dmem_current(self->b, self->region));
	EXPECT_EQ(in_a + in_b, dmem_current(self->t.cg, self->region));
}

#define EXPECT_CHARGES(...)	expect_charges(_metadata, self, __VA_ARGS__)

/* The charge lasts until hw_free or close(), whichever comes first. */
TEST_F(sound, charged)
{
	int other;

	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(0, pcm_buffer(self->pcm, PCM_BYTES));
	EXPECT_CHARGES(PCM_BYTES, 0);
	EXPECT_EQ(0, pcm_prepare(self->pcm));
	EXPECT_EQ(0, pcm_free(self->pcm));
	EXPECT_CHARGES(0, 0);

	EXPECT_EQ(0, pcm_buffer(self->pcm, LESS));
	other = pcm_open(1);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, pcm_buffer(other, PCM_BYTES));
	EXPECT_CHARGES(LESS + PCM_BYTES, 0);
	close(other);
	EXPECT_CHARGES(LESS, 0);
	close(self->pcm);
	self->pcm = -1;
	EXPECT_CHARGES(0, 0);
}

/* The refused stream has no buffer, and gets a smaller one. A neighbour has another limit. */
TEST_F(sound, limit)
{
	int other;

	ASSERT_EQ(0, dmem_set_max(self->a, self->region, PCM_BYTES - self->t.page));
	EXPECT_EQ(-ENOMEM, pcm_buffer(self->pcm, PCM_BYTES));
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	expect_events(_metadata, self->region, self->a, 1, 1, 0);
	EXPECT_EQ(-EBADFD, pcm_prepare(self->pcm));
	EXPECT_EQ(0, pcm_buffer(self->pcm, LESS));
	EXPECT_EQ(0, pcm_prepare(self->pcm));
	EXPECT_CHARGES(LESS, 0);

	ASSERT_EQ(0, cg_enter_current(self->b));
	other = pcm_open(1);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, pcm_buffer(other, PCM_BYTES));
	EXPECT_CHARGES(LESS, PCM_BYTES);
	expect_no_events(_metadata, self->region, self->b);
	close(other);
	expect_events(_metadata, self->region, self->a, 1, 1, 0);
}

/* A larger buffer takes the place of the old one. A smaller one is a part of it. */
TEST_F(sound, resized)
{
	EXPECT_EQ(0, pcm_buffer(self->pcm, LESS));
	EXPECT_CHARGES(LESS, 0);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, PCM_BYTES));
	EXPECT_EQ(0, pcm_buffer(self->pcm, PCM_BYTES));
	EXPECT_CHARGES(PCM_BYTES, 0);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, LESS));
	EXPECT_EQ(0, pcm_buffer(self->pcm, LESS));
	EXPECT_CHARGES(PCM_BYTES, 0);
	EXPECT_EQ(0, pcm_free(self->pcm));
	EXPECT_EQ(0, pcm_buffer(self->pcm, LESS));
	EXPECT_CHARGES(LESS, 0);
	expect_no_events(_metadata, self->region, self->a);
	/* The old one is freed before. */
	EXPECT_EQ(-ENOMEM, pcm_buffer(self->pcm, PCM_BYTES));
	EXPECT_CHARGES(0, 0);
}

/* Preallocated buffers are of the driver. They serve requests whatever the limit is. */
TEST_F(sound, preallocated)
{
	int bytes;

	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
	for (bytes = PCM_PREALLOC; bytes <= PCM_BYTES; bytes *= 2) {
		close(self->pcm);
		ASSERT_EQ(0, pcm_preallocate(bytes));
		EXPECT_CHARGES(0, 0);
		self->pcm = pcm_open(0);
		ASSERT_LE(0, self->pcm);
		EXPECT_EQ(0, pcm_buffer(self->pcm, bytes));
		EXPECT_EQ(0, pcm_prepare(self->pcm));
		EXPECT_CHARGES(0, 0);
	}
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	expect_no_events(_metadata, self->region, self->a);
	close(self->pcm);
	ASSERT_EQ(0, pcm_preallocate(0));
	self->pcm = pcm_open(0);
	ASSERT_LE(0, self->pcm);
	EXPECT_EQ(-ENOMEM, pcm_buffer(self->pcm, PCM_PREALLOC));
}

/* The charge stays where it was made. The next buffer is charged to the new cgroup. */
TEST_F(sound, moved)
{
	EXPECT_EQ(0, pcm_buffer(self->pcm, PCM_BYTES));
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_CHARGES(PCM_BYTES, 0);
	EXPECT_EQ(0, pcm_buffer(self->pcm, LESS));
	EXPECT_CHARGES(PCM_BYTES, 0);
	EXPECT_EQ(0, pcm_free(self->pcm));
	EXPECT_EQ(0, pcm_buffer(self->pcm, LESS));
	EXPECT_CHARGES(0, LESS);
}

/* Runs in b. */
static void set_and_wait(int pcm, int ready)
{
	char c = !!pcm_buffer(pcm, PCM_BYTES);

	if (write(ready, &c, 1) == 1)
		pause();
	_exit(1);
}

/* Of two processes with the file, the one that sets the parameters is charged. */
TEST_F(sound, shared)
{
	int ends[2];
	pid_t pid;
	char c = 1;

	ASSERT_EQ(0, pipe(ends));
	pid = cg_fork(self->b);
	ASSERT_LE(0, pid);
	if (!pid)
		set_and_wait(self->pcm, ends[1]);
	ASSERT_EQ(1, read(ends[0], &c, 1));
	EXPECT_EQ(0, c);
	EXPECT_CHARGES(0, PCM_BYTES);
	kill(pid, SIGKILL);
	wait_exit(pid);
	EXPECT_CHARGES(0, PCM_BYTES);
	close(self->pcm);
	self->pcm = -1;
	EXPECT_CHARGES(0, 0);
}

TEST_F(sound, killed)
{
	int ends[2], pcm;
	pid_t pid;
	char c = 1;

	ASSERT_EQ(0, pipe(ends));
	pid = cg_fork(self->b);
	ASSERT_LE(0, pid);
	if (!pid) {
		close(self->pcm);
		pcm = pcm_open(1);
		set_and_wait(pcm, ends[1]);
	}
	ASSERT_EQ(1, read(ends[0], &c, 1));
	EXPECT_EQ(0, c);
	EXPECT_CHARGES(0, PCM_BYTES);
	kill(pid, SIGKILL);
	wait_exit(pid);
	EXPECT_EQ(0, dmem_wait_current(self->b, self->region, 0, 5000));
	EXPECT_CHARGES(0, 0);
}

/* The OSS emulation sets the parameters within the system call of its user. */
TEST_F(sound, oss)
{
	int dsp;

	close(self->pcm);
	self->pcm = -1;
	dsp = dsp_open(PCM_BYTES);
	ASSERT_LE(0, dsp);
	EXPECT_CHARGES(PCM_BYTES, 0);
	close(dsp);
	EXPECT_CHARGES(0, 0);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, PCM_BYTES - self->t.page));
	EXPECT_EQ(-ENOMEM, dsp_open(PCM_BYTES));
	EXPECT_CHARGES(0, 0);
	/* close() sets the parameters again, to play what is left. */
	EXPECT_LE(1, dmem_nested(self->a, "dmem.events", self->region, "max"));
}

/*
 * Refused buffers do not count for the card, whose buffers have a limit of their own. That
 * one is no event of the cgroup.
 */
TEST_F(sound, card_limit)
{
	int i, other, left = (PCM_STREAMS - 2) * PCM_PREALLOC;
	char text[16];

	snprintf(text, sizeof(text), "%d", left + PCM_BYTES);
	ASSERT_EQ(0, file_set("/sys/module/snd_pcm/parameters", "max_alloc_per_card", text));
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, PCM_BYTES - self->t.page));
	for (i = 0; i < REFUSALS; i++)
		EXPECT_EQ(-ENOMEM, pcm_buffer(self->pcm, PCM_BYTES));
	expect_events(_metadata, self->region, self->a, REFUSALS, REFUSALS, 0);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 2 * PCM_BYTES));
	EXPECT_EQ(0, pcm_buffer(self->pcm, PCM_BYTES));
	other = pcm_open(1);
	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOMEM, pcm_buffer(other, PCM_BYTES));
	EXPECT_CHARGES(PCM_BYTES, 0);
	expect_events(_metadata, self->region, self->a, REFUSALS, REFUSALS, 0);
	EXPECT_EQ(0, pcm_free(self->pcm));
	EXPECT_EQ(0, pcm_buffer(other, PCM_BYTES));
	EXPECT_CHARGES(PCM_BYTES, 0);
	close(other);
}

/* Repeated requests do not fill the log. */
TEST_F(sound, refusals_are_quiet)
{
	int cma = kmsg_open(), pages = kmsg_open(), i;

	ASSERT_LE(0, cma);
	ASSERT_LE(0, pages);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
	for (i = 0; i < REFUSALS; i++)
		EXPECT_EQ(-ENOMEM, pcm_buffer(self->pcm, PCM_BYTES));
	EXPECT_EQ(0, kmsg_count(cma, "cma"));
	EXPECT_EQ(0, kmsg_count(pages, "allocation failure"));
	close(cma);
	close(pages);
}

TEST_HARNESS_MAIN
