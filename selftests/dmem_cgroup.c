// SPDX-License-Identifier: GPL-2.0
/*
 * cgroups of the dmem selftests, and the processes in them.
 *
 * All cgroups are created below one, "dmem_selftest_<pid of the program>". It
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
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dmem_cgroup.h"

#define UNDOS			32
#define UNDO_PATH		320
#define REMOVE_MS		10000	/* A process may never die. */
#define MODULES			"/sys/module/"

static pid_t main_pid;
static char *mount_point;		/* of cgroup2, NULL if there is none */
static char *top_cg;			/* parent of all cgroups of the program */

/* Shared by all processes of the program */
static struct undo_list {
	bool guarded;		/* guard() has begun */
	bool done;		/* by the program itself */
	bool enabled;		/* dmem, in the root */
	int n;
	struct undo {
		char path[UNDO_PATH], text[64];
	} undo[UNDOS];
} *undo_list;

static void __attribute__((constructor)) util_init(void)
{
	char path[PATH_MAX];

	main_pid = getpid();
	undo_list = shared_alloc(sizeof(*undo_list));
	if (cg_find_unified_root(path, sizeof(path), NULL))
		return;
	mount_point = strdup(path);
	top_cg = cg_name_indexed(mount_point, "dmem_selftest", main_pid);
}

/* Removes a cgroup and all below until then; the processes in it are killed. */
static int remove_tree(const char *cg, long long end)
{
	struct dirent *ent;
	char *child;
	DIR *dir;
	int ret;

	/* An instance of tracefs is removed with all below. */
	if (!rmdir(cg) || errno == ENOENT)
		return 0;
	dir = opendir(cg);
	if (!dir)
		return -errno;
	while ((ent = readdir(dir))) {
		if (ent->d_type != DT_DIR || ent->d_name[0] == '.')
			continue;
		child = cg_name(cg, ent->d_name);
		remove_tree(child, end);
		free(child);
	}
	closedir(dir);
	while ((ret = rmdir(cg)) && errno == EBUSY && now_ms() < end) {
		cg_killall(cg);
		sleep_ms(1);
	}
	return ret ? -errno : 0;
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
		if (!strcmp(undo_list->undo[i].path, path))
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
	int i;

	for (i = 0; i < undo_list->n; i++) {
		if (!strcmp(undo_list->undo[i].path, path)) {
			undo_drop(i);
			return true;
		}
	}
	return false;
}

int module_unload_unused(const char *name)
{
	if (!syscall(SYS_delete_module, name, O_NONBLOCK))
		return 0;
	return errno == ENOENT || errno == EWOULDBLOCK ? 0 : -errno;
}

static int undo_one(struct undo *u)
{
	if (!strncmp(u->path, MODULES, strlen(MODULES)))
		return module_unload_unused(u->path + strlen(MODULES));
	if (!strcmp(u->text, UNDO_REMOVE))
		return remove_tree(u->path, now_ms() + REMOVE_MS);
	return write_text(u->path, u->text, strlen(u->text));
}

void undo_run(const char *prefix)
{
	int i;

	for (i = undo_list->n - 1; i >= 0; i--) {
		struct undo *u = &undo_list->undo[i];

		if (strncmp(u->path, prefix, strlen(prefix)))
			continue;
		if (undo_one(u) < 0)
			fprintf(stderr, "# cannot undo %s: %s\n", u->path, u->text);
		undo_drop(i);
	}
}

static void clean_up(void)
{
	if (!top_cg)
		return;
	cg_killall(top_cg);
	if (remove_tree(top_cg, now_ms() + REMOVE_MS))
		fprintf(stderr, "# cannot remove %s\n", top_cg);
	undo_run("");
	if (undo_list->enabled && cg_write(mount_point, SUBTREE_CONTROL, "-dmem"))
		fprintf(stderr, "# cannot disable dmem in %s\n", mount_point);
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
	int null;

	if (undo_list->guarded)
		return;
	undo_list->guarded = true;
	end.fd = syscall(SYS_pidfd_open, main_pid, 0);
	if (end.fd >= 0 && !fork()) {
		setsid();
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		while (poll(&end, 1, -1) < 0 && errno == EINTR)
			;
		if (!undo_list->done)
			clean_up();
		_exit(0);
	}
	if (end.fd >= 0)
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
	return cg_write(cg, SUBTREE_CONTROL, "+dmem");
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
	int ret = 0;

	guard();
	if (cg_read_strstr(mount_point, SUBTREE_CONTROL, "dmem")) {
		ret = cg_write(mount_point, SUBTREE_CONTROL, "+dmem");
		undo_list->enabled = !ret;
	}
	if (ret)
		return ret;
	/* Leftovers of a killed test would disturb this one. */
	cg_killall(top_cg);
	remove_tree(top_cg, now_ms() + REMOVE_MS);
	undo_run("/sys/kernel/debug/");
	ret = cg_create_parent(top_cg);
	if (ret)
		return ret;
	*cg = cg_name_indexed(top_cg, "t", getpid());
	return cg_create_parent(*cg);
}

void cg_test_remove(char *cg)
{
	cg_enter_current(mount_point);
	cg_killall(cg);
	remove_tree(cg, now_ms() + REMOVE_MS);
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

long long cg_wait_dying(const char *cg, long long want)
{
	return cg_read_key_long_poll(cg, "cgroup.stat", DYING, want, 500, 20000);
}

void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

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
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A message with one byte and room for an fd */
struct fd_message {
	struct msghdr head;
	struct iovec iov;
	char byte;
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
};

static void fd_message_init(struct fd_message *m)
{
	memset(m, 0, sizeof(*m));
	m->iov.iov_base = &m->byte;
	m->iov.iov_len = 1;
	m->head.msg_iov = &m->iov;
	m->head.msg_iovlen = 1;
	m->head.msg_control = m->control.buf;
	m->head.msg_controllen = sizeof(m->control.buf);
}

int send_fd(int sock, int fd)
{
	struct fd_message m;
	struct cmsghdr *cmsg;

	fd_message_init(&m);
	cmsg = CMSG_FIRSTHDR(&m.head);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &m.head, 0) == 1 ? 0 : -errno;
}

int recv_fd(int sock)
{
	struct fd_message m;
	struct cmsghdr *cmsg;
	int fd;

	fd_message_init(&m);
	if (recvmsg(sock, &m.head, MSG_CMSG_CLOEXEC) != 1)
		return -EIO;
	cmsg = CMSG_FIRSTHDR(&m.head);
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
	usleep(ms * 1000);
}

/* Of the kernel, not of this program, or of the personality that linux32 sets. */
bool kernel_is_64bit(void)
{
	struct utsname u;
	int old = personality(PER_LINUX), ret = uname(&u);

	personality(old);
	return sizeof(long) == 8 ||
	       (!ret && (strstr(u.machine, "64") || !strcmp(u.machine, "s390x")));
}

char *exe_dir(void)
{
	char *path = realpath("/proc/self/exe", NULL);

	if (!path)
		return strdup(".");
	*strrchr(path, '/') = '\0';
	return path;
}
