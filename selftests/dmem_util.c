// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers of the dmem cgroup selftests.
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
#include <linux/dma-heap.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dmem_util.h"

#define SKIPPED			4	/* KSFT_SKIP */
#define FILE_BUF		8192
#define MIN_FREE		(4LL << 20)

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

static bool has_word(const char *text, const char *word)
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

static void exec_hold(const char *fds)
{
	int ready, end;
	char c = 'r';

	if (sscanf(fds, "%d %d", &ready, &end) != 2)
		_exit(1);
	if (write(ready, &c, 1) != 1)
		_exit(1);
	while (read(end, &c, 1) > 0)
		;
	_exit(0);
}

static void __attribute__((constructor)) util_init(void)
{
	const char *hold = getenv(DMEM_EXEC_HOLD);
	char name[64];

	if (hold)
		exec_hold(hold);

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

static char *trace_instance(void)
{
	char *s;

	if (asprintf(&s, "/sys/kernel/tracing/instances/dmem_selftest.%d",
		     (int)main_pid) < 0)
		abort();
	return s;
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

	if (ret >= 0 && !has_word(buf, controller)) {
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
	char *instance;

	instance = trace_instance();
	rmdir(instance);
	free(instance);
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

/*
 * Allocates in cg through a child that has exited on return; this process gets
 * the fd.
 */
int cg_alloc(const char *cg, int heap_fd, long long len)
{
	int sv[2], fd = -ECHILD, status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return -errno;
	pid = cg_fork(cg);
	if (!pid) {
		fd = heap_alloc(heap_fd, len);
		/* The errno is the status. */
		_exit(fd < 0 ? -fd : send_fd(sv[1], fd) ? ECHILD : 0);
	}
	close(sv[1]);
	status = pid < 0 ? ECHILD : wait_exit(pid);
	fd = status ? -status : recv_fd(sv[0]);
	close(sv[0]);
	return fd;
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

/* The value that follows "<region> " at the start of a line. */
long long dmem_value(const char *text, const char *region)
{
	size_t len = strlen(region);
	const char *line = text;

	while (line && *line) {
		if (!strncmp(line, region, len) && line[len] == ' ') {
			if (!strncmp(line + len + 1, "max\n", 4))
				return DMEM_MAX;
			return strtoll(line + len + 1, NULL, 10);
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return -ENODATA;
}

/* The number after " <key>=" in the line that starts with "<region> ". */
long long dmem_nested_value(const char *text, const char *region, const char *key)
{
	size_t len = strlen(region), key_len = strlen(key);
	const char *line = text, *word;

	while (line && (strncmp(line, region, len) || line[len] != ' ')) {
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	if (!line)
		return -ENODATA;
	for (word = line + len; *word == ' '; word += strcspn(word, "\n ")) {
		word++;
		if (!strncmp(word, key, key_len) && word[key_len] == '=')
			return strtoll(word + key_len + 1, NULL, 10);
	}
	return -ENODATA;
}

long long dmem_nested(const char *cg, const char *file, const char *region,
		      const char *key)
{
	char buf[FILE_BUF];
	int ret = cg_read(cg, file, buf, sizeof(buf));

	return ret < 0 ? ret : dmem_nested_value(buf, region, key);
}

long long dmem_read(const char *cg, const char *file, const char *region)
{
	char buf[FILE_BUF];
	int ret = cg_read(cg, file, buf, sizeof(buf));

	return ret < 0 ? ret : dmem_value(buf, region);
}

long long dmem_current(const char *cg, const char *region)
{
	return dmem_read(cg, "dmem.current", region);
}

long long dmem_peak(const char *cg, const char *region)
{
	return dmem_read(cg, "dmem.peak", region);
}

/* Only for figures that change asynchronously. Returns the last value. */
long long dmem_wait_current(const char *cg, const char *region,
			    long long want, int timeout_ms)
{
	long long end = now_ms() + timeout_ms;
	long long val;

	while ((val = dmem_current(cg, region)) != want && now_ms() < end)
		sleep_ms(2);
	return val;
}

int dmem_set(const char *cg, const char *file, const char *region,
	     long long bytes)
{
	char text[DMEM_NAME_LEN + 32];
	int ret;

	if (bytes == DMEM_MAX)
		snprintf(text, sizeof(text), "%s max", region);
	else
		snprintf(text, sizeof(text), "%s %lld", region, bytes);
	ret = cg_write(cg, file, text);
	if (ret)
		return ret;
	return dmem_read(cg, file, region) == bytes ? 0 : -EBADMSG;
}

int dmem_reserve_above(const struct dmem_test *t, const char *top, long long bytes)
{
	int ret = dmem_set(top, "dmem.min", t->heap.region, bytes);

	return ret ? ret : dmem_set(t->cg, "dmem.min", t->heap.region, bytes);
}

int dmem_set_max(const char *cg, const char *region, long long bytes)
{
	return dmem_set(cg, "dmem.max", region, bytes);
}

long long cma_read(const char *area, const char *file)
{
	char path[PATH_MAX], buf[64];
	int ret;

	snprintf(path, sizeof(path), "/sys/kernel/mm/cma/%s/%s", area, file);
	ret = read_text(path, buf, sizeof(buf));
	return ret < 0 ? ret : strtoll(buf, NULL, 10);
}

const char *region_area(const char *region)
{
	return strncmp(region, "cma/", 4) ? NULL : region + 4;
}

static int heap_cmp(const void *a, const void *b)
{
	const struct dmem_heap *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool is_named(const char *heap)
{
	const char *names = getenv(DMEM_TEST_HEAP);
	size_t len = strlen(heap);

	while (names && *names) {
		if (strcspn(names, ":") == len && !strncmp(names, heap, len))
			return true;
		names += strcspn(names, ":");
		names += *names == ':';
	}
	return false;
}

static void mark_usable(struct dmem_heap *heaps, int n)
{
	int i, j;

	for (i = 0; i < n; i++)
		heaps[i].usable = is_named(heaps[i].name) || !strcmp(heaps[i].name, "system");
	for (i = 0; i < n; i++) {
		for (j = 0; j < n && heaps[i].region[0]; j++) {
			if (is_named(heaps[j].name) && !strcmp(heaps[i].region, heaps[j].region))
				heaps[i].usable = true;
		}
	}
}

int heap_list(struct dmem_heap *heaps, int max)
{
	struct dirent *ent;
	DIR *dir;
	int n = 0;

	dir = opendir("/dev/dma_heap");
	if (!dir)
		return -errno;
	while (n < max && (ent = readdir(dir))) {
		struct dmem_heap *h = &heaps[n];
		char path[PATH_MAX];
		int ret;

		if (ent->d_name[0] == '.')
			continue;
		memset(h, 0, sizeof(*h));
		snprintf(h->name, sizeof(h->name), "%s", ent->d_name);
		snprintf(path, sizeof(path),
			 "/sys/class/dma_heap/%s/dmem_region", h->name);
		ret = read_text(path, h->region, sizeof(h->region));
		h->has_region_file = ret >= 0;
		h->region[strcspn(h->region, "\n")] = '\0';
		n++;
	}
	closedir(dir);
	qsort(heaps, n, sizeof(*heaps), heap_cmp);
	mark_usable(heaps, n);
	return n;
}

bool region_is_private(const char *region)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n = heap_list(heaps, DMEM_HEAPS);

	for (i = 0; i < n; i++) {
		if (!strcmp(heaps[i].name, "default_cma_region") &&
		    !strcmp(heaps[i].region, region))
			return false;
	}
	return !!region_area(region);
}

int heap_open(const char *name)
{
	char *path = cg_name("/dev/dma_heap", name);
	int fd;

	fd = open(path, O_RDWR | O_CLOEXEC);
	free(path);
	return fd < 0 ? -errno : fd;
}

/* A new dma-buf's fd. */
int heap_alloc_flags(int heap_fd, uint64_t len, uint32_t fd_flags,
		     uint64_t heap_flags)
{
	struct dma_heap_allocation_data data = {
		.len = len,
		.fd_flags = fd_flags,
		.heap_flags = heap_flags,
	};

	if (ioctl(heap_fd, DMA_HEAP_IOCTL_ALLOC, &data))
		return -errno;
	return (int)data.fd;
}

int heap_alloc(int heap_fd, long long len)
{
	return heap_alloc_flags(heap_fd, len, O_RDWR | O_CLOEXEC, 0);
}

int heap_fill(int heap_fd, long long size, int *fds, int max)
{
	long long page = sysconf(_SC_PAGESIZE);
	struct rlimit lim = { max + 64, max + 64 };
	int fd, n = 0;

	setrlimit(RLIMIT_NOFILE, &lim);
	while (size && n < max) {
		fd = heap_alloc(heap_fd, size);
		if (fd >= 0)
			fds[n++] = fd;
		else if (size == page)
			size = 0;
		else
			size = size > 4 * page ? size / 4 / page * page : page;
	}
	return n;
}

/* Opens the heap for the test, or returns a negative errno and sets the reason. */
static int use_heap(struct dmem_test *t, enum dmem_kind kind)
{
	const char *names = getenv(DMEM_TEST_HEAP);
	struct dmem_heap heaps[DMEM_HEAPS];
	char name[DMEM_NAME_LEN] = "system";
	long long avail;
	int i, n;

	if (kind == DMEM_CMA && !(names && *names)) {
		snprintf(t->reason, sizeof(t->reason),
			 DMEM_TEST_HEAP " does not name a CMA heap for the tests");
		return -ENOENT;
	}
	if (kind == DMEM_CMA)
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(names, ":"), names);
	n = heap_list(heaps, DMEM_HEAPS);
	for (i = 0; i < n && strcmp(heaps[i].name, name); i++)
		;
	if (i >= n || !heaps[i].region[0] ||
	    (kind == DMEM_CMA && !region_area(heaps[i].region))) {
		snprintf(t->reason, sizeof(t->reason), "no %s heap \"%.99s\" with a dmem region",
			 kind == DMEM_CMA ? "CMA" : "system", name);
		return -ENOENT;
	}
	t->heap = heaps[i];
	t->area = region_area(t->heap.region);
	avail = t->area ? cma_read(t->area, "available_pages") : -1;
	if (avail >= 0 && avail * t->page < MIN_FREE) {
		snprintf(t->reason, sizeof(t->reason), "heap \"%.99s\" has less than 4 MiB free",
			 name);
		return -ENOSPC;
	}
	t->heap_fd = heap_open(name);
	if (t->heap_fd < 0)
		snprintf(t->reason, sizeof(t->reason), "cannot open heap \"%.99s\": %s", name,
			 strerror(-t->heap_fd));
	return t->heap_fd < 0 ? t->heap_fd : 0;
}

bool dmem_is_on(char *reason)
{
	char buf[FILE_BUF], *path;
	int ret;

	if (!mount_point) {
		snprintf(reason, DMEM_NAME_LEN, "cgroup2 is not mounted");
		return false;
	}
	path = cg_name(mount_point, "cgroup.controllers");
	ret = read_text(path, buf, sizeof(buf));
	free(path);
	if (ret < 0 || !has_word(buf, "dmem")) {
		snprintf(reason, DMEM_NAME_LEN,
			 "no dmem controller in cgroup2 (CONFIG_CGROUP_DMEM, cgroup_disable=dmem)");
		return false;
	}
	return true;
}

static int make_cgroup(struct dmem_test *t)
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
	t->cg = cg_name_indexed(top_cg, "t", getpid());
	return cg_create_parent(t->cg);
}

int dmem_begin(struct dmem_test *t, enum dmem_kind kind)
{
	int ret;

	memset(t, 0, sizeof(*t));
	t->heap_fd = -1;
	t->root = mount_point;
	t->page = sysconf(_SC_PAGESIZE);
	t->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (!dmem_is_on(t->reason))
		return SKIPPED;
	if (geteuid()) {
		snprintf(t->reason, sizeof(t->reason), "needs root");
		return SKIPPED;
	}
	ret = make_cgroup(t);
	if (ret) {
		snprintf(t->reason, sizeof(t->reason),
			 "cannot make a cgroup below %s: %s", t->root,
			 strerror(-ret));
		goto fail;
	}
	if (kind == DMEM_NO_HEAP)
		return 0;
	if (use_heap(t, kind)) {
		ret = SKIPPED;
		goto fail;
	}
	return 0;
fail:
	dmem_end(t);
	return ret;
}

void dmem_end(struct dmem_test *t)
{
	if (t->heap_fd >= 0)
		close(t->heap_fd);
	t->heap_fd = -1;
	if (!t->cg)
		return;
	cg_leave();
	cg_write(t->cg, "cgroup.kill", "1");
	remove_tree(t->cg);
	free(t->cg);
	t->cg = NULL;
}

int dmem_renew(struct dmem_test *t)
{
	cg_write(t->cg, "cgroup.kill", "1");
	remove_tree(t->cg);
	return cg_create_parent(t->cg);
}

int fd_owner(pid_t pid, int fd, struct dmem_owner *owner)
{
	char path[64], buf[FILE_BUF], *line, *save, *end;
	int regions = 0, cgroups = 0, bad = 0, ret;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d",
		 (int)(pid ? pid : getpid()), fd);
	ret = read_text(path, buf, sizeof(buf));
	if (ret < 0)
		return ret;
	memset(owner, 0, sizeof(*owner));
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		/*
		 * The lines after it may belong to the name, which any process
		 * can set.
		 */
		if (!strncmp(line, "name:\t", 6))
			break;
		if (strncmp(line, "dmem_", 5))
			continue;
		if (!strncmp(line, "dmem_region:\t", 13)) {
			snprintf(owner->region, sizeof(owner->region), "%s",
				 line + 13);
			regions++;
		} else if (!strncmp(line, "dmem_cgroup:\t", 13)) {
			owner->cgroup = strtoull(line + 13, &end, 10);
			bad += *end || line[13] < '1' || line[13] > '9';
			cgroups++;
		} else {
			bad++;
		}
	}
	if (!regions && !cgroups && !bad)
		return -ENODATA;
	return regions == 1 && cgroups == 1 && !bad ? 0 : -EBADMSG;
}

/* Returns an fd for the messages that the kernel logs from now on. */
int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

/* Counts the records that contain needle; reads all records available. */
int kmsg_count(int fd, const char *needle)
{
	char buf[FILE_BUF];
	int n = 0;

	for (;;) {
		ssize_t ret = read(fd, buf, sizeof(buf) - 1);

		if (ret < 0 && errno == EPIPE)
			continue;	/* records were overwritten */
		if (ret <= 0)
			return n;
		buf[ret] = '\0';
		if (strstr(buf, needle))
			n++;
	}
}

char *trace_dir(void)
{
	char *instance = trace_instance();

	if (access("/sys/kernel/tracing/trace", F_OK))
		mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	mkdir(instance, 0700);
	return instance;
}

void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

void cpu_pin(int n)
{
	cpu_set_t all, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	n %= CPU_COUNT(&all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

void run_threads(int n, void *(*fn)(void *), void *args, size_t size)
{
	pthread_t *threads = calloc(n, sizeof(*threads));
	int i;

	for (i = 0; i < n; i++) {
		if (pthread_create(&threads[i], NULL, fn,
				   (char *)args + i * size))
			abort();
	}
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
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

int lowest_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
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
