// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds and reads the files of histories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "history.h"
#include "unpack.h"

#define MAX_DEPTH	8
#define START		16	/* bytes that show whether a file is a history */

/* ---- compressed files ---- */

int files_temporary(const char **dir)
{
	char path[PATH_MAX];
	int fd;

	*dir = getenv("TMPDIR");
	/* /tmp may be in memory, and a history can be large. */
	if (!*dir || !**dir)
		*dir = "/var/tmp";
	fd = open(*dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "%s/dmemctl-XXXXXX", *dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0 && unlink(path)) {
		close(fd);
		fd = -1;
	}
	return fd >= 0 ? fd : -errno;
}

/* Prints the reason, and returns the error. */
static int say_packed(struct files *f, const char *path, const char *program, int err, int why)
{
	char size[CLI_SIZE];

	f->told = true;
	if (err == -ENOPKG)
		cli_error(f->cli, "%s: the program %s is missing: install it, or decompress the file "
			  "on another machine", path, program);
	else if (err == -ENOEXEC)
		cli_error(f->cli, "%s: cannot run the program %s: %s: repair it, or decompress the file "
			  "on another machine", path, program, strerror(why));
	else if (err == -EFBIG)
		cli_error(f->cli, "%s: all files together have more than %s of text: decompress it, or "
			  "name fewer files", path, cli_size(size, FILES_UNPACKED, false));
	else if (err == -EDESTADDRREQ)
		cli_error(f->cli, "%s: cannot write its text to a temporary file in %s: %s: set TMPDIR "
			  "to a directory with more space", path, f->dir, strerror(why));
	else if (err == -EUCLEAN)
		cli_error(f->cli, "%s: damaged: %s finds no text in it", path, program);
	else
		cli_error(f->cli, "%s: %s", path, strerror(-err));
	return err;
}

/* Decompresses a file, once: a plan reads parts of it several times. 0, -EBADMSG: it is no history,
 * or another negative errno. */
static int unpack_file(struct files *f, int fd, const char *program, struct files_file *file)
{
	struct unpacked u;
	char size[CLI_SIZE];
	int why = 0, ret;

	if (!f->temporary)
		f->temporary = files_temporary(&f->dir);
	if (f->temporary < 0) {
		why = -f->temporary;
		f->temporary = 0;
		return say_packed(f, file->path, program, -EDESTADDRREQ, why);
	}
	ret = unpack(program, fd, f->temporary, f->unpacked, FILES_UNPACKED - f->unpacked, &u, &why);
	if (ret == -EBADMSG)
		return ret;
	if (ret)
		return say_packed(f, file->path, program, ret, why);
	file->unpacked = true;
	file->base = f->unpacked;
	file->size = u.size;
	f->unpacked += u.size;
	f->damaged += u.damaged;
	if (u.damaged)
		cli_error(f->cli, "%s: damaged or cut off: only the first %s of its text are read",
			  file->path, cli_size(size, u.size, false));
	return 0;
}

/* ---- files ---- */

/* Closes the file that was opened first. */
static void close_one(struct files *f)
{
	size_t file = f->opened[f->turn];

	if (!file)
		return;
	close(f->file[file - 1].fd);
	f->file[file - 1].fd = -1;
	f->opened[f->turn] = 0;
}

/* Opens a file again. Only the files that were used last stay open. */
static int open_again(struct files *f, size_t at)
{
	struct files_file *file = &f->file[at];
	struct stat st;

	close_one(f);
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	/* The recorder has renamed it. */
	if (file->fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	f->opened[f->turn] = at + 1;
	f->turn = (f->turn + 1) % FILES_OPEN;
	if (fstat(file->fd, &st))
		return -errno;
	return st.st_dev != file->dev || st.st_ino != file->ino ? -ESTALE : 0;
}

ssize_t files_read(void *data, size_t at, uint64_t offset, void *buf, size_t len)
{
	struct files *f = data;
	struct files_file *file = &f->file[at];
	int fd = file->unpacked ? f->temporary : file->fd;
	ssize_t n;

	f->wrong = file->path;
	if (fd < 0) {
		int ret = open_again(f, at);

		if (ret)
			return ret;
		fd = file->fd;
	}
	do {
		n = pread(fd, buf, len, (off_t)(file->base + offset));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* 1: the file is a history, and was added; 0: it is none; or a negative errno. */
static int add_open(struct files *f, int fd, const char *path)
{
	struct files_file *more;
	const char *program = NULL;
	struct stat st;
	char start[START];
	ssize_t n = 0;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode))
		n = pread(fd, start, sizeof(start), 0);
	if (n < 0)
		return -errno;
	if (n)
		program = unpack_program(start, (size_t)n);
	if (!n || (!program && !hist_is(start, (size_t)n)))
		return 0;
	more = dmem_room(f->file, f->n, &f->room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	f->file = more;
	more += f->n;
	*more = (struct files_file){
		.path = dmem_strdup(&f->arena, path), .fd = -1, .dev = st.st_dev, .ino = st.st_ino,
		.size = (uint64_t)st.st_size,
	};
	if (!more->path)
		return -ENOMEM;
	ret = program ? unpack_file(f, fd, program, more) : 0;
	if (ret)
		return ret == -EBADMSG ? 0 : ret;
	f->n++;
	return 1;
}

/* Links are followed only if the user has named them: others can lead to a file that is read
 * anyway. */
static int add_file(struct files *f, const char *path, bool asked)
{
	int link = asked ? 0 : O_NOFOLLOW;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | link), ret;

	if (fd < 0 && errno == ELOOP && !asked) {
		f->skipped++;
		return -ENOENT;
	}
	if (fd < 0)
		return -errno;
	ret = add_open(f, fd, path);
	close(fd);
	return ret;
}

static const char * const suffixes[] = { "", ".gz", ".zst", ".xz" };

#define N_SUFFIXES	(sizeof(suffixes) / sizeof(*suffixes))

/* Adds the file with the older part of a history, which may be compressed or not, whether the other
 * one is or not. 0 or a negative errno: it is absent, or cannot be read. */
static int add_older(struct files *f, const char *path, bool asked)
{
	int ret = -ENOENT;

	for (size_t i = 0; i < N_SUFFIXES && ret == -ENOENT; i++) {
		char *older = dmem_printf(&f->arena, "%.*s.1%s", (int)unpack_stem(path), path,
					  suffixes[i]);

		ret = older ? add_file(f, older, asked) : -ENOMEM;
	}
	return ret < 0 ? ret : 0;
}

/* FILE.1 has the older part, and comes first. */
static int read_history(struct files *f, const char *path, bool asked)
{
	size_t first = f->n;
	uint64_t size[2];
	int ret;

	f->told = false;
	ret = add_older(f, path, asked);
	if (ret < 0 && !f->told && ret != -ENOENT && ret != -ENAMETOOLONG && ret != -ENOMEM) {
		f->damaged++;
		cli_error(f->cli, "%s: its older part is not read: %s", path, strerror(-ret));
	}
	if (ret != -ENOMEM && (!f->told || ret == -EUCLEAN))
		ret = add_file(f, path, asked);
	for (size_t i = first; i < f->n; i++)
		size[i - first] = f->file[i].size;
	/* The recorder could write nothing after it had renamed the file. */
	if ((!ret || ret == -EUCLEAN) && f->n > first) {
		f->damaged++;
		cli_error(f->cli, "%s: not a history: only its older part is read", path);
		ret = 1;
	}
	if (ret == 1)
		ret = f->add(f->data, first, f->n - 1, size);
	else if (!ret)
		ret = -EBADMSG;
	if ((ret == -EBADMSG || ret == -EUCLEAN) && !asked) {
		f->damaged += ret == -EUCLEAN;
		f->skipped++;
		return 0;
	}
	if (ret == -EBADMSG)
		cli_error(f->cli, "%s: not a history", path);
	else if (ret == -EMSGSIZE)
		cli_error(f->cli, "%s: not a history: it has a line of more than 128M", path);
	else if (ret && !f->told)
		cli_error(f->cli, "%s: %s", path, strerror(-ret));
	return ret;
}

/* ---- directories ---- */

static int read_path(struct files *f, const char *path, unsigned int depth);

static int not_dots(const struct dirent *de)
{
	return *de->d_name != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int compare_name(const void *name, const void *de)
{
	return strcmp(name, (*(struct dirent * const *)de)->d_name);
}

/* True if "NAME.1" is read together with NAME. @de: sorted by name. */
static bool is_older(struct dirent **de, int n, const char *name)
{
	struct dirent **found;
	char newer[NAME_MAX + 8];
	size_t len = unpack_stem(name);

	if (len < 3 || strncmp(name + len - 2, ".1", 2))
		return false;
	for (size_t i = 0; i < N_SUFFIXES; i++) {
		snprintf(newer, sizeof(newer), "%.*s%s", (int)len - 2, name, suffixes[i]);
		found = bsearch(newer, de, (size_t)n, sizeof(*de), compare_name);
		if (found && (*found)->d_type != DT_DIR && (*found)->d_type != DT_LNK)
			return true;
	}
	return false;
}

static int read_dir(struct files *f, const char *path, unsigned int depth)
{
	struct dirent **de;
	int n = scandir(path, &de, not_dots, by_name), ret = 0;

	if (n < 0) {
		ret = -errno;
		cli_error(f->cli, "%s: %s", path, strerror(-ret));
		return ret;
	}
	for (int i = 0; i < n; i++) {
		char *sub = dmem_printf(&f->arena, "%s/%s", path, de[i]->d_name);

		if (!ret && !sub)
			ret = -ENOMEM;
		if (!ret && !is_older(de, n, de[i]->d_name))
			ret = read_path(f, sub, depth + 1);
	}
	for (int i = 0; i < n; i++)
		free(de[i]);
	free(de);
	return ret;
}

static int read_path(struct files *f, const char *path, unsigned int depth)
{
	struct stat st;

	if (depth ? lstat(path, &st) : stat(path, &st)) {
		int err = errno;

		cli_error(f->cli, "%s: %s", path, strerror(err));
		return -err;
	}
	if (S_ISLNK(st.st_mode)) {
		f->skipped++;
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return S_ISREG(st.st_mode) || !depth ? read_history(f, path, !depth) : 0;
	return depth < MAX_DEPTH ? read_dir(f, path, depth) : 0;
}

int files_add(struct files *f, const char *path)
{
	return read_path(f, path, 0);
}

void files_free(struct files *f)
{
	for (size_t i = 0; i < FILES_OPEN; i++) {
		f->turn = i;
		close_one(f);
	}
	if (f->temporary)
		close(f->temporary);
	free(f->file);
	dmem_arena_free(&f->arena);
}
