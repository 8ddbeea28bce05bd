/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes about the machine in a history: reserved memory of its device tree. */
#ifndef MACHINE_H
#define MACHINE_H

#include "dmemctl/history/history.h"

/* Adds a segment of notes to @t. Nothing on a machine without a device tree. @wall: ms
 * since 1970. 0, -ENOMEM, -E2BIG: it is too much for notes, or a negative errno: a part
 * could not be read. Then nothing is added: half of a tree is worse than none. */
int machine_tell(const struct dmem_sys *s, uint64_t wall, struct dmem_text *t);

#endif
