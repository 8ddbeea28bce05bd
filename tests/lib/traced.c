// SPDX-License-Identifier: GPL-2.0-or-later
/* Counts the system calls of a program. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traced.h"

/* True if the call that the program begins is poll(). */
static bool is_poll(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0)
		return false;
#ifdef SYS_poll
	if (info.entry.nr == SYS_poll)
		return true;
#endif
#ifdef SYS_ppoll_time64
	if (info.entry.nr == SYS_ppoll_time64)
		return true;
#endif
	return info.entry.nr == SYS_ppoll;
}

pid_t traced_start(const char * const *argv, int options, int (*prepare)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		dup2(null, 2);
		if (!ptrace(PTRACE_TRACEME, 0, NULL, NULL) && (!prepare || (!raise(SIGSTOP) && !prepare())))
			execv(argv[0], (char **)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -ECHILD;
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | options);
	return pid;
}

int run_calls(const char * const *argv, void (*polls)(void))
{
	int status, calls = 0;
	bool inside = false;
	pid_t pid = traced_start(argv, PTRACE_O_TRACESYSGOOD, NULL);

	if (pid < 0)
		return pid;
	/* The program stops before and after each call. */
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
			return -ECHILD;
		if (WIFEXITED(status))
			return WEXITSTATUS(status) ? -ECHILD : calls;
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80))
			break;
		inside = !inside;
		calls += inside;
		if (inside && polls && is_poll(pid))
			polls();
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -ECHILD;
}
