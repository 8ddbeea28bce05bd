/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of the expected outputs. */
#ifndef MACHINE_H
#define MACHINE_H

#include "fake.h"

/* @name: "6.14", "7.2", "7.3", "ours", "container" (ours, in a cgroup namespace), or "empty" (ours,
 * without a region). False: unknown name. */
bool machine(struct fake *f, const char *name);

#endif
