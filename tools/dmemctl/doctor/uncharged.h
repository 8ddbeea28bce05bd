/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Written by "make coverage UPDATE=1" from kernel/coverage/places: drivers that do not charge some of
 * the memory that they take for users. */
static const struct uncharged uncharged[] = {
	{ "armada-drm", NULL, false,
	  "GEM_CREATE takes from a carve-out of the device tree" },
	{ "habanalabs", NULL, false,
	  "memory of the device" },
	{ "st-delta", "st,st-delta", true,
	  "access units and messages of one context" },
	{ "st-hva", NULL, true,
	  "reference frames and work buffers of one encoder" },
	{ "omap3isp", NULL, true,
	  "statistics; the size is from the user" },
};
