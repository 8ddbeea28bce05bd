/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes notes about the machine into a history: its reserved memory in the device tree. */
#ifndef MACHINE_H
#define MACHINE_H

#include "dmemctl/history/history.h"

/* Appends a segment of notes to @t, or nothing on a machine without a device tree. @wall: ms since
 * 1970. 0, -ENOMEM, -E2BIG: the notes are too large, or a negative errno: a part could not be read.
 * After an error nothing is appended, since an incomplete tree would mislead a plan. */
int machine_tell(const struct dmem_sys *s, uint64_t wall, struct dmem_text *t);

#endif
