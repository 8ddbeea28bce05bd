// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <sound/asound.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/soundcard.h>
#include <unistd.h>

#include "guest_util.h"
#include "sound.h"

#define FRAGMENTS	4

int pcm_preallocate(int bytes)
{
	char dir[64], text[16];
	int i, ret = 0;

	snprintf(text, sizeof(text), "%d\n", bytes >> 10);
	for (i = 0; i < 2 && !ret; i++) {
		snprintf(dir, sizeof(dir), "/proc/asound/card0/pcm%dp/sub0", i);
		ret = file_set(dir, "prealloc", text);
	}
	return ret;
}

int pcm_open(int device)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/snd/pcmC0D%dp", device);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void set_mask(struct snd_pcm_hw_params *params, int which, unsigned int bit)
{
	struct snd_mask *mask = &params->masks[which - SNDRV_PCM_HW_PARAM_FIRST_MASK];

	memset(mask, 0, sizeof(*mask));
	mask->bits[bit / 32] = 1U << bit % 32;
}

static void set_interval(struct snd_pcm_hw_params *params, int which, unsigned int value)
{
	struct snd_interval *interval =
		&params->intervals[which - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL];

	*interval = (struct snd_interval) { .min = value, .max = value, .integer = 1 };
}

int pcm_buffer(int fd, int bytes)
{
	struct snd_pcm_hw_params params = { .rmask = ~0U, .info = ~0U };
	unsigned int i;

	memset(params.masks, 0xff, sizeof(params.masks));
	for (i = 0; i < sizeof(params.intervals) / sizeof(params.intervals[0]); i++)
		params.intervals[i].max = ~0U;
	set_mask(&params, SNDRV_PCM_HW_PARAM_ACCESS, SNDRV_PCM_ACCESS_RW_INTERLEAVED);
	set_mask(&params, SNDRV_PCM_HW_PARAM_FORMAT, SNDRV_PCM_FORMAT_S16_LE);
	set_interval(&params, SNDRV_PCM_HW_PARAM_CHANNELS, 2);
	set_interval(&params, SNDRV_PCM_HW_PARAM_RATE, 44100);
	set_interval(&params, SNDRV_PCM_HW_PARAM_BUFFER_BYTES, bytes);
	return ioctl(fd, SNDRV_PCM_IOCTL_HW_PARAMS, &params) ? -errno : 0;
}

int pcm_prepare(int fd)
{
	return ioctl(fd, SNDRV_PCM_IOCTL_PREPARE) ? -errno : 0;
}

int pcm_free(int fd)
{
	return ioctl(fd, SNDRV_PCM_IOCTL_HW_FREE) ? -errno : 0;
}

int dsp_open(int bytes)
{
	struct audio_buf_info info;
	int fragment = FRAGMENTS << 16, fd, ret;

	while (FRAGMENTS << (fragment & 0xffff) < bytes)
		fragment++;
	fd = open("/dev/dsp", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The second one sets the parameters. */
	if (!ioctl(fd, SNDCTL_DSP_SETFRAGMENT, &fragment) &&
	    !ioctl(fd, SNDCTL_DSP_GETOSPACE, &info))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}
