// SPDX-License-Identifier: GPL-2.0-or-later
/* The first process of a container: whether it lives, and its cgroup. All of it is hostile. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hook/container.h"
#include "containers.h"

/* Sets *@text to the content of a file of a process or thread. 0 or a negative errno. */
static int read_file(const struct doctor *d, struct dmem_arena *a, const char *dir, const char *file,
		     const char **text)
{
	const char *path = dmem_printf(a, "%s/%s", dir, file);
	struct dmem_text t = { 0 };
	int ret = path ? dmem_sys_read(&d->sys, path, &t) : -ENOMEM;

	*text = ret ? NULL : dmem_strdup(a, t.s);
	dmem_text_free(&t);
	return ret || *text ? ret : -ENOMEM;
}

static bool is_gone(int ret)
{
	return ret == -ENOENT || ret == -ESRCH;
}

/* The directory of the thread if it lives, or NULL. */
static const char *if_it_lives(const struct doctor *d, struct dmem_arena *a, const char *tasks, const char *tid)
{
	const char *dir = *tid == '.' ? NULL : dmem_printf(a, "%s/%s", tasks, tid), *stat;

	return dir && !read_file(d, a, dir, "stat", &stat) && !hook_has_ended(stat) ? dir : NULL;
}

/* The directory of a thread that lives, or NULL. The first thread may end before the others: it then
 * looks like a process that has ended, and keeps its cgroup when the others are moved. A process can
 * have any number of threads, also of such that have ended: no more names are read than needed. */
static const char *live_thread(const struct doctor *d, struct dmem_arena *a, const char *process, size_t *steps)
{
	const char *tasks = dmem_printf(a, "%s/task", process), *found = NULL;
	int fd = tasks ? dmem_sys_openat(&d->sys, tasks, O_RDONLY | O_DIRECTORY) : -ENOMEM;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while (!found && doctor_take_one(steps) && (de = readdir(dir)))
		found = if_it_lives(d, a, tasks, de->d_name);
	closedir(dir);
	return found;
}

bool doctor_process_lives(const struct doctor *d, struct dmem_arena *a, const struct hook_runtime *r,
			  size_t *steps, const char **cgroup)
{
	const char *dir = dmem_printf(a, "proc/%d", r->state.pid), *text;
	int ret = dir ? read_file(d, a, dir, "stat", &text) : -ENOMEM;

	*cgroup = NULL;
	if (ret)
		return !is_gone(ret);
	/* Another process has its pid. */
	if (r->started && hook_start_time(text) != r->started)
		return false;
	if (hook_has_ended(text))
		dir = live_thread(d, a, dir, steps);
	if (!dir)
		return false;
	ret = read_file(d, a, dir, "cgroup", &text);
	if (!ret)
		*cgroup = hook_cgroup_path(a, text);
	return !is_gone(ret);
}

bool doctor_container_lives(const struct doctor *d, const struct doctor_container *c)
{
	struct dmem_arena scratch = { 0 };
	const char *unused;
	bool lives = doctor_process_lives(d, &scratch, &c->files, c->steps, &unused);

	dmem_arena_free(&scratch);
	return lives;
}
