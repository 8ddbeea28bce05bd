// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * progress - run a kernel build with one line that tells how far it is
 *
 * progress TITLE LOG COUNTFILE ESTIMATE COMMAND...
 *
 * The build's output goes to LOG. Files compiled are counted and compared with
 * what the last complete build needed (COUNTFILE), or with ESTIMATE. On a
 * terminal the line is rewritten in place, otherwise a new one is written
 * now and then, so that a CI log shows life without growing.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define QUIET_SECONDS 20

static int on_tty;
static int total;

static void show(const char *title, int files, time_t start, int end)
{
	int s = (int)(time(NULL) - start);
	char of[32] = "";

	if (total > 0 && files <= total)
		snprintf(of, sizeof(of), " of %d", total);
	fprintf(stderr, "%s%s: %d%s files, %dm%02ds%s", on_tty ? "\r" : "",
		title, files, of, s / 60, s % 60, on_tty ? "\033[K" : "\n");
	if (on_tty && end)
		fputc('\n', stderr);
	fflush(stderr);
}

/* kbuild's short lines: two blanks, a word, the target. */
static int is_compile(const char *line)
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

static void write_count(const char *path, int n)
{
	FILE *f;

	/* An incremental build says nothing about a complete one. */
	if (n < read_count(path) || n < 100)
		return;
	f = fopen(path, "w");
	if (!f)
		return;
	fprintf(f, "%d\n", n);
	fclose(f);
}

/* The line that tells most: the first error, else the last line. */
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
	fprintf(stderr, "error: the build failed: %s%s (log: %s)\n", best,
		rank == 0 ? ": free some space, or set DMEM_CACHE= to a larger disk" : "",
		log);
}

int main(int argc, char **argv)
{
	int fds[2], status, files = 0, step;
	time_t start = time(NULL), shown = start;
	struct pollfd pfd;
	char line[4096];
	size_t len = 0;
	FILE *log;
	pid_t pid;

	if (argc < 6) {
		fprintf(stderr, "usage: progress TITLE LOG COUNTFILE ESTIMATE COMMAND...\n");
		return 2;
	}
	log = fopen(argv[2], "w");
	if (!log || pipe(fds)) {
		fprintf(stderr, "error: cannot write %s: %s\n", argv[2], strerror(errno));
		return 2;
	}
	total = read_count(argv[3]);
	if (!total)
		total = atoi(argv[4]);
	on_tty = isatty(2);
	step = on_tty ? 1 : QUIET_SECONDS;

	pid = fork();
	if (pid < 0) {
		fprintf(stderr, "error: fork: %s\n", strerror(errno));
		return 2;
	}
	if (!pid) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		close(fds[0]);
		close(fds[1]);
		execvp(argv[5], argv + 5);
		fprintf(stderr, "error: %s: %s\n", argv[5], strerror(errno));
		_exit(127);
	}
	close(fds[1]);
	pfd.fd = fds[0];
	pfd.events = POLLIN;
	for (;;) {
		ssize_t n;
		char *nl;

		if (time(NULL) - shown >= step) {
			show(argv[1], files, start, 0);
			shown = time(NULL);
		}
		if (poll(&pfd, 1, 500) == 0)
			continue;
		n = read(fds[0], line + len, sizeof(line) - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		fwrite(line + len, 1, n, log);
		len += n;
		line[len] = 0;
		while ((nl = strchr(line, '\n'))) {
			*nl = 0;
			if (is_compile(line))
				files++;
			len -= nl + 1 - line;
			memmove(line, nl + 1, len + 1);
		}
		if (len == sizeof(line) - 1)
			len = 0;
	}
	fclose(log);
	if (waitpid(pid, &status, 0) < 0)
		return 2;
	if (files || on_tty)
		show(argv[1], files, start, 1);
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		write_count(argv[3], files);
		return 0;
	}
	show_reason(argv[2]);
	return 1;
}
