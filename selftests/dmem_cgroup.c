// SPDX-License-Identifier: GPL-2.0
/*
 * cgroups of the dmem selftests, and the processes in them.
 *
 * All cgroups are created below one, "dmem_selftest.<pid of the program>". It
 * is removed when the program ends, and changed files get their content back. A
 * destructor of the harness's own process does this, also after a failed or timed
 * out test, and a process that waits for the end of that one, if it is killed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dmem_cgroup.h"

#define FILE_BUF		8192

static pid_t main_pid;
static char *mount_point;		/* of cgroup2, NULL if there is none */
static char *home_cg;			/* where the program was started */
static char *top_cg;			/* parent of all cgroups of the program */

#define UNDOS			32
#define UNDO_PATH		320

/* Shared by all processes of the program */
static struct undo_list {
	bool guarded;		/* guard() has begun */
	bool done;		/* by the program itself */
	int n;
	struct undo {
		char path[UNDO_PATH], text[64];
	} undo[UNDOS];
} *undo_list;

bool text_has_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	const char *p = text;

	while ((p = strstr(p, word))) {
		bool starts = p == text || p[-1] == ' ';

		p += len;
		if (starts && (*p == ' ' || *p == '\n' || !*p))
			return true;
	}
	return false;
}

static void find_mount(void)
{
	char path[PATH_MAX];

	if (!cg_find_unified_root(path, sizeof(path), NULL))
		mount_point = strdup(path);
}

static void find_home(void)
{
	char buf[FILE_BUF], *line, *save = NULL;

	if (read_text("/proc/self/cgroup", buf, sizeof(buf)) < 0)
		return;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "0::/", 4))
			continue;
		home_cg = cg_name(mount_point, line + 4);
		break;
	}
}

static void __attribute__((constructor)) util_init(void)
{
	char name[64];

	main_pid = getpid();
	undo_list = shared_alloc(sizeof(*undo_list));
	find_mount();
	if (!mount_point)
		return;
	find_home();
	snprintf(name, sizeof(name), "dmem_selftest.%d", (int)main_pid);
	top_cg = cg_name(mount_point, name);
}

/* Removes a cgroup and all below; the processes in it are killed. */
static int remove_tree(const char *cg)
{
	struct dirent *ent;
	DIR *dir;

	dir = opendir(cg);
	if (!dir)
		return -errno;
	while ((ent = readdir(dir))) {
		char *child;

		if (ent->d_type != DT_DIR || !strcmp(ent->d_name, ".") ||
		    !strcmp(ent->d_name, ".."))
			continue;
		child = cg_name(cg, ent->d_name);
		remove_tree(child);
		free(child);
	}
	closedir(dir);
	return cg_destroy(cg);
}

static void undo_drop(int i)
{
	undo_list->n--;
	memmove(&undo_list->undo[i], &undo_list->undo[i + 1],
		(undo_list->n - i) * sizeof(undo_list->undo[0]));
}

void undo_add(const char *path, const char *text)
{
	struct undo *u = &undo_list->undo[undo_list->n];
	int i;

	for (i = 0; i < undo_list->n; i++) {
		if (!strcmp(undo_list->undo[i].path, path) &&
		    !strcmp(undo_list->undo[i].text, text))
			return;
	}
	if (undo_list->n == UNDOS || strlen(path) >= sizeof(u->path) ||
	    strlen(text) >= sizeof(u->text))
		abort();
	snprintf(u->path, sizeof(u->path), "%s", path);
	snprintf(u->text, sizeof(u->text), "%s", text);
	undo_list->n++;
}

bool undo_forget(const char *path)
{
	bool found = false;
	int i;

	for (i = undo_list->n - 1; i >= 0; i--) {
		if (strcmp(undo_list->undo[i].path, path))
			continue;
		undo_drop(i);
		found = true;
	}
	return found;
}

void undo_run(const char *prefix)
{
	int i;

	for (i = undo_list->n - 1; i >= 0; i--) {
		struct undo *u = &undo_list->undo[i];
		int fd;

		if (strncmp(u->path, prefix, strlen(prefix)))
			continue;
		fd = open(u->path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, u->text, strlen(u->text)) < 0)
			fprintf(stderr, "# cannot write %s to %s\n", u->text, u->path);
		if (fd >= 0)
			close(fd);
		undo_drop(i);
	}
}

int file_set(const char *dir, const char *file, const char *text)
{
	char *path = cg_name(dir, file), old[64];
	int i, ret = 0;

	for (i = 0; i < undo_list->n && strcmp(undo_list->undo[i].path, path); i++)
		;
	if (i == undo_list->n) {
		ret = read_text(path, old, sizeof(old));
		if (ret >= 0)
			undo_add(path, old);
	}
	free(path);
	return ret < 0 ? ret : cg_write(dir, file, (char *)text);
}

int cg_enable(const char *cg, const char *controller)
{
	char *path = cg_name(cg, "cgroup.subtree_control"), buf[FILE_BUF], text[64];
	int ret = read_text(path, buf, sizeof(buf));

	if (ret >= 0 && !text_has_word(buf, controller)) {
		snprintf(text, sizeof(text), "+%s", controller);
		ret = cg_write(cg, "cgroup.subtree_control", text);
		text[0] = '-';
		/* The program's own cgroups are removed instead. */
		if (!ret && strncmp(cg, top_cg, strlen(top_cg)))
			undo_add(path, text);
	}
	free(path);
	return ret < 0 ? ret : 0;
}

static void clean_up(void)
{
	if (!top_cg)
		return;
	if (!access(top_cg, F_OK)) {
		cg_write(top_cg, "cgroup.kill", "1");
		if (remove_tree(top_cg))
			fprintf(stderr, "# cannot remove %s\n", top_cg);
	}
	undo_run("");
}

static void __attribute__((destructor)) util_exit(void)
{
	/* Forked tests end with _exit(); this handles those that do not. */
	if (getpid() != main_pid)
		return;
	clean_up();
	undo_list->done = true;
}

/*
 * Starts a process that cleans up if the program cannot, as a runner kills it when
 * it takes too long. A session of its own: the runner may kill the process group.
 */
static void guard(void)
{
	struct pollfd end = { .events = POLLIN };
	pid_t pid;

	if (undo_list->guarded)
		return;
	undo_list->guarded = true;
	end.fd = syscall(SYS_pidfd_open, main_pid, 0);
	if (end.fd < 0)
		return;
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		if (fork())
			_exit(0);
		setsid();
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		while (poll(&end, 1, -1) < 0 && errno == EINTR)
			;
		if (!undo_list->done)
			clean_up();
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	close(end.fd);
}

const char *cgroup2_mount(void)
{
	return mount_point;
}

/* Creates a cgroup that will have children and no processes. */
int cg_create_parent(const char *cg)
{
	if (cg_create(cg))
		return -errno;
	return cg_write(cg, "cgroup.subtree_control", "+dmem");
}

int cg_leave(void)
{
	return home_cg ? cg_enter_current(home_cg) : -ENOENT;
}

/* Like fork(), but the child starts in cg. A move would take an RCU grace period. */
pid_t cg_fork(const char *cg)
{
	int fd = dirfd_open_opath(cg);
	pid_t pid;

	if (fd < 0)
		return -1;
	pid = clone_into_cgroup(fd);
	close(fd);
	if (pid >= 0)
		return pid;
	pid = fork();
	if (!pid && cg_enter_current(cg))
		_exit(127);
	return pid;
}

int cg_test_create(char **cg)
{
	int ret;

	guard();
	ret = cg_enable(mount_point, "dmem");
	if (ret)
		return ret;
	/* Leftovers of a killed test would disturb this one. */
	cg_write(top_cg, "cgroup.kill", "1");
	remove_tree(top_cg);
	undo_run("/sys/kernel/debug/");
	ret = cg_create_parent(top_cg);
	if (ret)
		return ret;
	*cg = cg_name_indexed(top_cg, "t", getpid());
	return cg_create_parent(*cg);
}

void cg_test_remove(char *cg)
{
	cg_leave();
	cg_write(cg, "cgroup.kill", "1");
	remove_tree(cg);
	free(cg);
}

/* The handle of a cgroup is its id, which follows the head without a gap. */
struct cg_handle {
	struct file_handle head;
	unsigned long long id;
};

unsigned long long cg_id(const char *cg)
{
	struct cg_handle h = { .head.handle_bytes = sizeof(h.id) };
	struct stat st;
	int mount;

	if (!name_to_handle_at(AT_FDCWD, cg, &h.head, &mount, 0) &&
	    h.head.handle_bytes == sizeof(h.id))
		return h.id;
	if (!kernel_is_64bit() || stat(cg, &st))
		return 0;
	return st.st_ino;
}

ssize_t cg_write_buf(const char *cg, const char *file, const char *buf,
		     size_t len)
{
	char *path = cg_name(cg, file);
	ssize_t ret;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return -errno;
	ret = write(fd, buf, len);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

long long cg_wait_dying(const char *cg, long long want)
{
	return cg_read_key_long_poll(cg, "cgroup.stat", "nr_dying_subsys_dmem ", want, 500,
				     20000);
}

void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

/* Exit status, 128 + signal, or a negative errno. */
int wait_exit(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

union fd_control {
	char buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int send_fd(int sock, int fd)
{
	char byte = 'f';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union fd_control control = {};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

int recv_fd(int sock)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union fd_control control = {};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -EIO;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -EBADF;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = (ms % 1000) * 1000000L,
	};

	nanosleep(&ts, NULL);
}

/* Of the kernel, not of this program. */
bool kernel_is_64bit(void)
{
	struct utsname u;

	if (sizeof(long) == 8)
		return true;
	return !uname(&u) && (strstr(u.machine, "64") ||
			      !strcmp(u.machine, "s390x"));
}

char *exe_dir(void)
{
	char path[PATH_MAX], *slash;
	ssize_t len;

	len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (len < 0)
		return strdup(".");
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	return strdup(path);
}
