/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decompresses histories with the programs gzip, zstd and xz. They run without a shell, with fixed
 * arguments, an environment of their own and limited memory.
 */
#ifndef UNPACK_H
#define UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNPACK_MAGIC	6	/* bytes of a file that unpack_program() needs, at most */

/* The program for a file that starts with these bytes, or NULL: it is not compressed. */
const char *unpack_program(const char *start, size_t len);

/* The length of a path without ".gz", ".zst" or ".xz". */
size_t unpack_stem(const char *path);

struct unpacked {
	uint64_t size;		/* bytes that were written */
	bool damaged;		/* the text may end too early */
};

/*
 * Decompresses the file @from and writes the text to the file @to, at offset @at. 0; -EBADMSG: it
 * is no history; -EUCLEAN: it is damaged, and has no text; -ENOPKG: the program is not installed;
 * -ENOEXEC: it cannot be run; -EFBIG: the text has more than @max bytes; -EDESTADDRREQ: it cannot
 * be written; or a negative errno. *@why: the errno of -ENOEXEC and -EDESTADDRREQ.
 */
int unpack(const char *program, int from, int to, uint64_t at, uint64_t max, struct unpacked *u,
	   int *why);

#endif
