/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Includes libfdt if the build has it. Without it, plan writes no overlay. */
#ifndef WITHFDT_H
#define WITHFDT_H

#if !defined(NO_LIBFDT) && __has_include(<libfdt.h>)
#include <libfdt.h>
#define HAVE_LIBFDT
#endif

#endif
