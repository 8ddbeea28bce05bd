/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture that the guest paints and the host expects, as 0xRRGGBB. Pictures of two seeds differ
 * in nearly all pixels, and so do neighbouring pixels.
 */
#ifndef DMEM_PATTERN_H
#define DMEM_PATTERN_H

#include <stdint.h>

/* The port on which the guest asks the host to check the screen. */
#define SCREEN_PORT	"dmem.screen"

static inline uint32_t pattern_pixel(uint32_t x, uint32_t y, uint32_t seed)
{
	uint32_t red = x + 37 * seed, green = 3 * y + 91 * seed;
	uint32_t blue = (x ^ y) * (2 * seed + 1);

	return (red & 0xff) << 16 | (green & 0xff) << 8 | (blue & 0xff);
}

#endif /* DMEM_PATTERN_H */
