/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges the log of a kernel. */
#ifndef JUDGE_LOG_READER_H
#define JUDGE_LOG_READER_H

#include "text.h"
#include "verdict.h"

/* Adds the complaints of a log to @known. */
void log_read_known(const char *path, struct strings *known);

/*
 * Each complaint that is not in @known is a failure, and so is a log that does not go
 * from boot to power down.
 *
 * A test that provokes a warning writes to /dev/kmsg
 * "dmem-selftest: expect WARNING begin TEXT" before it and
 * "dmem-selftest: expect WARNING end" after it. Between them, a report (from "cut here"
 * to "end trace") that contains TEXT is required, and no other is allowed.
 */
void log_judge(const char *path, const struct strings *known, struct verdict *v);

#endif
