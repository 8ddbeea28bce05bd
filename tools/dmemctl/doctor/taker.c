// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process in the scratch cgroup. It is a child, since buffers are charged to the cgroup of the
 * process that allocates them, and are freed when the last descriptor is closed: its end frees them
 * all, whatever ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "prove.h"

/* Each request needs much less than a millisecond. */
#define ANSWER_MS	10000
/* A process that a driver holds in the kernel does not even end by SIGKILL. */
#define END_MS		10000
#define NAP_MS		10

static void take(const struct scratch *s, const char * const *heap, size_t n_heaps,
		 struct taken *t)
{
	int fd = -ENOENT, page = (int)sysconf(_SC_PAGESIZE);

	t->enter_err = dmem_cgroup_enter(s->root, s->path);
	for (size_t i = 0; i < n_heaps && !t->enter_err && fd < 0; i++) {
		fd = prove_heap_open(heap[i]);
		t->heap = (unsigned int)i;
	}
	t->open_err = fd < 0 ? fd : 0;
	/* The descriptors of the buffers stay open. */
	while (fd >= 0 && t->got <= PROVE_PAGES && !t->err) {
		int buffer = prove_heap_alloc(fd, (size_t)page);

		t->got += buffer >= 0;
		t->err = buffer < 0 ? buffer : 0;
	}
}

_Noreturn static void run(const struct scratch *s, const char * const *heap, size_t n_heaps,
			  int answer, int hold, pid_t parent)
{
	struct taken t = { 0 };
	char end;

	/* If the parent is killed, the buffers must not stay. 0: it is in another namespace. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || (getppid() && getppid() != parent))
		_exit(1);
	take(s, heap, n_heaps, &t);
	if (write(answer, &t, sizeof(t)) != sizeof(t))
		_exit(1);
	while (read(hold, &end, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

int taker_start(struct taker *t, const struct scratch *s, const char * const *heap, size_t n_heaps,
		const sigset_t *mask, struct taken *taken)
{
	int answer[2], hold[2], ret;
	pid_t parent = getpid();
	struct pollfd p;

	*t = (struct taker){ .answer = -1, .hold = -1 };
	if (pipe2(answer, O_CLOEXEC))
		return -errno;
	if (pipe2(hold, O_CLOEXEC)) {
		ret = -errno;
		close(answer[0]);
		close(answer[1]);
		return ret;
	}
	t->pid = fork();
	if (!t->pid) {
		close(answer[0]);
		close(hold[1]);
		sigprocmask(SIG_SETMASK, mask, NULL);
		run(s, heap, n_heaps, answer[1], hold[0], parent);
	}
	ret = t->pid < 0 ? -errno : 0;
	close(answer[1]);
	close(hold[0]);
	t->answer = answer[0];
	t->hold = hold[1];
	p = (struct pollfd){ .fd = t->answer, .events = POLLIN };
	taken->late = !ret && !poll(&p, 1, ANSWER_MS);
	if (!ret && !taken->late && read(t->answer, taken, sizeof(*taken)) != sizeof(*taken))
		*taken = (struct taken){ .ended = true };
	return ret;
}

/* Kills a process that does not answer, and waits for its end, but not for ever. */
static void end_late(pid_t pid)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };

	kill(pid, SIGKILL);
	for (int ms = 0; ms < END_MS && !waitpid(pid, NULL, WNOHANG); ms += NAP_MS)
		nanosleep(&nap, NULL);
}

void taker_end(struct taker *t, struct taken *taken)
{
	int status = 0;

	if (t->hold >= 0)
		close(t->hold);
	if (t->answer >= 0)
		close(t->answer);
	if (t->pid <= 0)
		return;
	if (taken->late) {
		end_late(t->pid);
		return;
	}
	while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		taken->signal = WTERMSIG(status);
}
