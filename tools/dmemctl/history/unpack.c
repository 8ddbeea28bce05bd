// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs a program that decompresses a file. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "history.h"
#include "unpack.h"

#define MEMORY		(UINT64_C(1) << 30)	/* of the program, with its code and stacks */
#define PIECE		65536
#define START		16	/* bytes that show whether it is a history */

static const struct {
	const char *program, *suffix;
	const char *magic;
	size_t len;
	const char *argv[5];
} formats[] = {
	{ "gzip", ".gz", "\x1f\x8b", 2, { "gzip", "-dc" } },
	{ "zstd", ".zst", "\x28\xb5\x2f\xfd", 4, { "zstd", "-dcq" } },
	/* Several threads would need more memory. */
	{ "xz", ".xz", "\xfd" "7zXZ", 6, { "xz", "-dc", "-T1" } },
};

#define N_FORMATS	(sizeof(formats) / sizeof(*formats))

const char *unpack_program(const char *start, size_t len)
{
	for (size_t i = 0; i < N_FORMATS; i++) {
		if (len >= formats[i].len && !memcmp(start, formats[i].magic, formats[i].len))
			return formats[i].program;
	}
	return NULL;
}

size_t unpack_stem(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < N_FORMATS; i++) {
		size_t n = strlen(formats[i].suffix);

		if (len > n && !strcmp(path + len - n, formats[i].suffix))
			return len - n;
	}
	return len;
}

/* A program's descriptors may be free if dmemctl was started without them: a file that is opened as
 * one of them would be closed in the program. */
static int above_standard(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

/* Becomes the program. Variables such as XZ_OPT would change its arguments. Writes the reason of a
 * failure to @failed: any exit status could be one of the program. */
__attribute__((noreturn))
static void become(const char *program, int from, int to, int failed)
{
	static const char * const environment[] = { "LC_ALL=C", NULL };
	const struct rlimit memory = { MEMORY, MEMORY }, core = { 0, 0 };
	int null = above_standard(open("/dev/null", O_WRONLY | O_CLOEXEC));
	ssize_t n = 0;
	sigset_t none;

	from = above_standard(from);
	to = above_standard(to);
	failed = above_standard(failed);
	/* Dead programs end: they must not wait for a reader, or ignore its end. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (lseek(from, 0, SEEK_SET) || dup2(from, STDIN_FILENO) < 0 ||
	    dup2(to, STDOUT_FILENO) < 0 || null < 0 || dup2(null, STDERR_FILENO) < 0)
		goto fail;
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_CORE, &core);
	for (size_t i = 0; i < N_FORMATS; i++) {
		if (formats[i].program == program)
			execvpe(program, (char **)formats[i].argv, (char **)environment);
	}
fail:
	n = write(failed, &errno, sizeof(errno));
	_exit(n == sizeof(errno) ? 1 : 2);
}

static int write_text(int to, uint64_t at, const char *text, size_t len)
{
	while (len) {
		ssize_t n = pwrite(to, text, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		text += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Copies the output of the program, up to its end. */
static int copy_text(int from, int to, uint64_t at, uint64_t max, uint64_t *size, int *why)
{
	char buf[PIECE];
	size_t len = 0;

	for (;;) {
		ssize_t n = read(from, buf + len, sizeof(buf) - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		/* Other files are not decompressed further than that. */
		if (!*size && n && len < START)
			continue;
		if (!*size && len && !hist_is(buf, len))
			return -EBADMSG;
		if (*size + len > max)
			return -EFBIG;
		*why = -write_text(to, at + *size, buf, len);
		if (*why)
			return -EDESTADDRREQ;
		*size += len;
		len = 0;
		if (!n)
			return 0;
	}
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* The errno that become() has written, or 0: the program was started. */
static int read_failure(int failed)
{
	int err = 0;
	ssize_t n;

	do {
		n = read(failed, &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(err) ? err : 0;
}

/* @text, @failed: pipes, of which the writing ends are closed. */
static int run_program(const char *program, int from, int to, uint64_t at, uint64_t max,
		       struct unpacked *u, int *why, const int text[2], const int failed[2])
{
	void (*on_child)(int);
	int ret, status;
	pid_t pid;

	/* If the caller of dmemctl ignores it, the status of the program would be lost. */
	on_child = signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (!pid)
		become(program, from, text[1], failed[1]);
	ret = pid < 0 ? -errno : 0;
	close(text[1]);
	close(failed[1]);
	if (!ret)
		ret = copy_text(text[0], to, at, max, &u->size, why);
	if (pid > 0 && ret)
		kill(pid, SIGKILL);
	status = pid > 0 ? wait_for(pid) : 1;
	signal(SIGCHLD, on_child);
	if (ret)
		return ret;
	*why = read_failure(failed[0]);
	if (*why)
		return *why == ENOENT ? -ENOPKG : -ENOEXEC;
	if (!u->size)
		return -EUCLEAN;
	u->damaged = status;
	return 0;
}

int unpack(const char *program, int from, int to, uint64_t at, uint64_t max, struct unpacked *u,
	   int *why)
{
	int text[2], failed[2], ret;

	*u = (struct unpacked){ 0 };
	if (pipe2(text, O_CLOEXEC))
		return -errno;
	if (pipe2(failed, O_CLOEXEC)) {
		ret = -errno;
		close(text[0]);
		close(text[1]);
		return ret;
	}
	ret = run_program(program, from, to, at, max, u, why, text, failed);
	close(text[0]);
	close(failed[0]);
	return ret;
}
