// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * progress - run a kernel build and show how far it is
 *
 *   progress TITLE LOG COUNTFILE ESTIMATE COMMAND...
 *
 * Writes the output of the build to LOG. Counts the compiled files and compares their
 * number with that of the last complete build (COUNTFILE), or with ESTIMATE. On a
 * terminal, one line is rewritten in place. Elsewhere a new line is printed every 20
 * seconds, so that the log of a CI job shows the build is alive and stays short.
 *
 * The status is 0 if the build succeeds, 1 if it fails, and 2 if it cannot be started.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/die.h"

#define QUIET_SECONDS	20
#define MIN_FILES	100	/* a build of fewer files is no complete one */

struct build {
	const char *title, *log_path, *count_path;
	FILE *log;
	int out;		/* reads the output of the command */
	int files, total;	/* total is 0 if it is unknown */
	bool on_tty;
	time_t start, shown;
	char line[4096];	/* that is not complete yet */
	size_t len;
};

static void show(struct build *b, bool last)
{
	int s = (int)(time(NULL) - b->start);
	char of[32] = "";

	if (b->total > 0 && b->files <= b->total)
		snprintf(of, sizeof(of), " of %d", b->total);
	fprintf(stderr, "%s%s: %d%s files, %dm%02ds%s",
		b->on_tty ? "\r" : "", b->title, b->files, of, s / 60, s % 60,
		b->on_tty ? "\033[K" : "\n");
	if (b->on_tty && last)
		fputc('\n', stderr);
	fflush(stderr);
	b->shown = time(NULL);
}

/* Short lines of kbuild have two blanks, a word and the target. */
static bool is_compile(const char *line)
{
	return !strncmp(line, "  CC ", 5) || !strncmp(line, "  AS ", 5) ||
	       !strncmp(line, "  HOSTCC ", 9);
}

static int read_count(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%d", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* An incremental build compiles fewer files than a complete one, whose count stays. */
static void write_count(const char *path, int n)
{
	FILE *f;

	if (n < read_count(path) || n < MIN_FILES)
		return;
	f = fopen(path, "w");
	if (!f)
		return;
	fprintf(f, "%d\n", n);
	fclose(f);
}

/* Prints the first line of the log with the most telling of these words. */
static void show_reason(const char *log)
{
	static const char * const words[] = {
		"No space left on device", "error:", "Error ", "ERROR:", NULL
	};
	char line[512], best[512] = "";
	int rank = 99, i;
	FILE *f = fopen(log, "r");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		for (i = 0; words[i] && !strstr(line, words[i]); i++)
			;
		if (!words[i] || i >= rank)
			continue;
		rank = i;
		strcpy(best, line);
	}
	fclose(f);
	best[strcspn(best, "\n")] = 0;
	if (!*best)
		strcpy(best, "no error in its output");
	fprintf(stderr, "error: the build failed: %s%s (log: %s)\n", best,
		rank == 0 ? ": free some space, or set DMEM_CACHE= to a larger disk" : "", log);
}

/* Starts the command with its output in a pipe. */
static pid_t start(struct build *b, char **command)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		close(fds[0]);
		close(fds[1]);
		execvp(command[0], command);
		fprintf(stderr, "error: %s: %s\n", command[0], strerror(errno));
		_exit(127);
	}
	close(fds[1]);
	b->out = fds[0];
	return pid;
}

static void count_lines(struct build *b)
{
	char *nl;

	b->line[b->len] = 0;
	while ((nl = strchr(b->line, '\n'))) {
		*nl = 0;
		b->files += is_compile(b->line);
		b->len -= nl + 1 - b->line;
		memmove(b->line, nl + 1, b->len + 1);
	}
	if (b->len == sizeof(b->line) - 1)
		b->len = 0;
}

/* Copies a piece of the output to the log. Returns false at its end. */
static bool copy_output(struct build *b)
{
	ssize_t n = read(b->out, b->line + b->len, sizeof(b->line) - 1 - b->len);

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	fwrite(b->line + b->len, 1, n, b->log);
	b->len += n;
	count_lines(b);
	return true;
}

static void watch(struct build *b)
{
	struct pollfd pfd = { .fd = b->out, .events = POLLIN };
	int step = b->on_tty ? 1 : QUIET_SECONDS;

	do {
		if (time(NULL) - b->shown >= step)
			show(b, false);
	} while (poll(&pfd, 1, 500) == 0 || copy_output(b));
}

int main(int argc, char **argv)
{
	struct build b = { .start = time(NULL), .on_tty = isatty(2) };
	int status;
	pid_t pid;

	if (argc < 6)
		die("usage: progress TITLE LOG COUNTFILE ESTIMATE COMMAND...");
	b.title = argv[1];
	b.log_path = argv[2];
	b.count_path = argv[3];
	b.shown = b.start;
	b.total = read_count(b.count_path);
	if (!b.total)
		b.total = atoi(argv[4]);
	b.log = fopen(b.log_path, "w");
	if (!b.log)
		die("cannot write %s: %s", b.log_path, strerror(errno));

	pid = start(&b, argv + 5);
	watch(&b);
	fclose(b.log);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid: %s", strerror(errno));
	if (b.files || b.on_tty)
		show(&b, true);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		show_reason(b.log_path);
		return 1;
	}
	write_count(b.count_path, b.files);
	return 0;
}
