// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "boards.h"

#define M		(1024 * 1024ul)
#define RAM		0x40000000ul, 0x80000000ul

const struct board boards[] = {
	/* One node of each kind, with two cells for address and size. */
	{ "kinds", false, NULL, {
		{ "linux,cma", 64, 80, 0x50000000, 0x55000000, 4 * M },
		{ "camera@60000000", 40, 48, 0x60000000, 0, 0 },
		{ "linux,mmp", 16, 20, 0x64000000, 0, 0 },
		{ "cma", 40, 44, 0x68000000, 0, 0 },
		{ "adsp-rpc-remote-heap", 8, 12, RAM, 4 * M },
		{ "vpu", 8, 12, RAM, 16 * M },
	} },
	/* Addresses have two cells and sizes one, as on a Raspberry Pi 4. */
	{ "cells", false, NULL, {
		{ "linux,cma", 64, 80, 0x50000000, 0x58000000, 4 * M },
		{ "camera@60000000", 40, 48, 0x60000000, 0, 0 },
	} },
	/* The default area is not in the tree. */
	{ "command-line", false, "cma=80M", {
		{ "reserved", 64, 80, RAM, 4 * M },
		{ "camera@60000000", 40, 48, 0x60000000, 0, 0 },
	} },
	/* Another node occupies the place into which the area must grow. */
	{ "neighbour", true, NULL, {
		{ "linux,cma", 64, 64, RAM, 4 * M },
		{ "camera@60000000", 40, 48, 0x5f800000, 0, 0 },
	} },
	{ 0 },
};

const struct board *board_find(const char *name)
{
	const struct board *b = boards;

	while (b->name && strcmp(b->name, name))
		b++;
	return b->name ? b : NULL;
}
