/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds histories in files and directories, and reads them; also compressed ones. */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "dmem/dmem.h"

#define FILES_OPEN	16

/* Text of all compressed files in one run, at most: a small file can have any amount of it. */
#define FILES_UNPACKED	(UINT64_C(4) << 30)

struct files_file {
	const char *path;
	bool unpacked;		/* its text is in the temporary file, from @base on */
	int fd;			/* -1: closed */
	dev_t dev;
	ino_t ino;
	uint64_t size;		/* of the text, when found: it may grow later */
	uint64_t base;
};

struct files {
	const struct cli *cli;	/* for messages */
	/* Called for each history: files @first to @last, the oldest first, with @size bytes each.
	 * 0 or a negative errno. */
	int (*add)(void *data, size_t first, size_t last, const uint64_t *size);
	void *data;
	struct files_file *file;
	size_t n;
	size_t skipped;		/* files that are not histories, and links */
	size_t damaged;		/* files that are read in part: a message was printed */
	const char *wrong;	/* the file that could not be read */
	/* Private */
	struct dmem_arena arena;
	size_t room;
	size_t opened[FILES_OPEN], turn;	/* indexes of open files, plus 1 */
	int temporary;		/* 0: none */
	const char *dir;	/* of that file */
	uint64_t unpacked;	/* bytes in it */
	bool told;		/* the error was reported */
};

/* Reads a history, or all histories below a directory, in which links are not followed. FILE.1 is
 * read with FILE. Prints errors. 0 or a negative errno. */
int files_add(struct files *f, const char *path);

/* The function of struct lines_input. @data: a struct files. */
ssize_t files_read(void *data, size_t file, uint64_t offset, void *buf, size_t len);

void files_free(struct files *f);

/* Opens a file without a name, in *@dir: TMPDIR of the environment, or a directory on disk. A
 * descriptor, or a negative errno. */
int files_temporary(const char **dir);

#endif
