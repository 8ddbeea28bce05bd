/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a file of tests/trees: the files of a kernel below "root". A path is a line, and its content
 * are the lines after it that begin with a tab. The line "kernel:" has words for tests/lib/fakecg.c;
 * lines that begin with "#" are comments.
 */
#ifndef KERNELTREE_H
#define KERNELTREE_H

/* Adds the files in @path to "root". Returns the words of "kernel:", "" if there are none, which are
 * good until the next call. NULL: the file cannot be read, or has a wrong line. */
const char *kernel_tree(const char *path);

#endif
