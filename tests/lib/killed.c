// SPDX-License-Identifier: GPL-2.0-or-later
/* Kills a program at one of the system calls that may change a file. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "killed.h"
#include "traced.h"

#define CHANGES		(O_CREAT | O_TRUNC)
#define MAX_FILTER	100
#define STEP(...)	(f[n++] = (struct sock_filter)__VA_ARGS__)

/* System calls that change no file. A call that is missing here is a stop too many at most. */
static const int harmless[] = {
	SYS_read, SYS_pread64, SYS_readlinkat, SYS_close, SYS_lseek, SYS_getdents64, SYS_fstat,
	SYS_newfstatat, SYS_statx, SYS_statfs, SYS_fstatfs, SYS_faccessat, SYS_flock, SYS_fcntl,
	SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_execve,
	SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_set_tid_address, SYS_set_robust_list,
	SYS_prlimit64, SYS_getrandom, SYS_clock_gettime, SYS_futex,
#ifdef SYS_rseq
	SYS_rseq,
#endif
#ifdef SYS_arch_prctl
	SYS_arch_prctl,
#endif
#ifdef SYS_access
	SYS_access, SYS_readlink, SYS_stat, SYS_lstat,
#endif
};

/* Lets harmless calls pass, and openat() without a flag that changes a file. Others stop. */
static int filter_calls(void)
{
	struct sock_filter f[MAX_FILTER];
	unsigned short n = 0;
	struct sock_fprog prog = { .filter = f };

	_Static_assert(2 * sizeof(harmless) / sizeof(*harmless) + 6 <= MAX_FILTER, "the filter has room");
	STEP(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		STEP(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)harmless[i], 0, 1));
		STEP(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	}
	STEP(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3));
	STEP(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])));
	STEP(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CHANGES, 1, 0));
	STEP(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	STEP(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) ? -errno : 0;
}

/* A filter cannot see the flags of openat2(), which are in the caller's memory. */
static bool changes_nothing(pid_t pid)
{
	struct __ptrace_syscall_info info;
	unsigned long flags;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_SECCOMP || info.seccomp.nr != SYS_openat2)
		return false;
	errno = 0;
	flags = (unsigned long)ptrace(PTRACE_PEEKDATA, pid,
				      info.seccomp.args[2] + offsetof(struct open_how, flags), NULL);
	return !errno && !(flags & CHANGES);
}

int run_until(const char * const *argv, int n)
{
	int status, calls = 0;
	pid_t pid = traced_start(argv, PTRACE_O_TRACESECCOMP, filter_calls);

	if (pid < 0)
		return pid;
	for (;;) {
		if (ptrace(PTRACE_CONT, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
			return -ECHILD;
		if (WIFEXITED(status))
			return WEXITSTATUS(status) ? -ECHILD : calls;
		if (!WIFSTOPPED(status))
			return -ECHILD;
		/* The program stops after execve(). */
		if (status >> 8 == SIGTRAP)
			continue;
		if (status >> 8 != (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			break;
		if (changes_nothing(pid) || ++calls < n)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return calls;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -ECHILD;
}
