/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Simulates the boot of Linux with a device tree, for its reserved memory: page by page, and
 * without code of the tested programs.
 */
#ifndef RMEM_H
#define RMEM_H

#include <stddef.h>

#define RMEM_LOG	8192

/* Writes a line for each node: "area NAME 0xBASE 0xSIZE[ default]", "reserved NAME 0xBASE
 * 0xSIZE", "disabled NAME", "refused NAME: REASON", "overlap NAME NAME"; or one line:
 * "unsupported node format". @block: bytes, CMA's alignment. @cma: "cma=" is on the
 * command line. Memory is up to 4 GiB from 0. */
void rmem_boot(const void *fdt, unsigned long block, int cma, char log[RMEM_LOG]);

#endif
