/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libfdt, if there is one to build with. Without it, plan writes no overlay. */
#ifndef WITHFDT_H
#define WITHFDT_H

#if !defined(NO_LIBFDT) && __has_include(<libfdt.h>)
#include <libfdt.h>
#define HAVE_LIBFDT
#endif

#endif
