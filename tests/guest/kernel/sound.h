/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streams of the first sound card, QEMU's ES1370: device 0 plays and captures, device 1
 * plays. Its driver preallocates a buffer for each stream. Without one, the kernel
 * allocates the buffer when the process sets its size.
 *
 * Functions that return int return a negative errno on failure.
 */
#ifndef DMEM_SOUND_H
#define DMEM_SOUND_H

#include <stdbool.h>

#define PCM_BYTES	(128 << 10)	/* the largest buffer of a stream */
#define PCM_PREALLOC	(64 << 10)	/* that the driver preallocates */
#define PCM_STREAMS	3

/*
 * Sets the size of the preallocated buffers of the streams that play, until the program
 * ends. With 0 there are none. Returns -ENOENT without a sound card.
 */
int pcm_preallocate(int bytes);
int pcm_open(int device);		/* for playback; returns the file */
int pcm_buffer(int fd, int bytes);	/* hw_params with a buffer of this size */
int pcm_prepare(int fd);
int pcm_free(int fd);			/* hw_free */
/* Opens the OSS emulation of device 0 and has it allocate a buffer of this size. */
int dsp_open(int bytes);

#endif /* DMEM_SOUND_H */
