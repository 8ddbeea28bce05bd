// SPDX-License-Identifier: GPL-2.0-or-later
/* Kills a program at one of its system calls. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traced.h"

int run_until(const char * const *argv, int n)
{
	int status, calls = 0;
	bool inside = false;
	pid_t pid;

	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		if (!ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			execv(argv[0], (char **)argv);
		_exit(127);
	}
	/* The program stops after execve(), and then before and after each call. */
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -ECHILD;
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
			return -ECHILD;
		if (WIFEXITED(status))
			return WEXITSTATUS(status) ? -ECHILD : calls;
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80))
			break;
		inside = !inside;
		if (!inside || ++calls < n)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return calls;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -ECHILD;
}
