// SPDX-License-Identifier: GPL-2.0-or-later
/* The first process of a container: whether it lives, and its cgroup. All of it is hostile. */
#include <errno.h>
#include <string.h>

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

/* The directory of a thread that lives, or NULL. The first thread may end before the others: it then
 * looks like a process that has ended, and keeps its cgroup when the others are moved. */
static const char *live_thread(const struct doctor *d, struct dmem_arena *a, const char *process)
{
	const char *tasks = dmem_printf(a, "%s/task", process), *dir, *stat, **names;
	size_t n = 0;

	if (!tasks || dmem_sys_list(&d->sys, tasks, a, &names, &n))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		dir = dmem_printf(a, "%s/%s", tasks, names[i]);
		if (dir && !read_file(d, a, dir, "stat", &stat) && !hook_has_ended(stat))
			return dir;
	}
	return NULL;
}

bool doctor_process_lives(const struct doctor *d, struct dmem_arena *a, const struct hook_runtime *r,
			  const char **cgroup)
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
		dir = live_thread(d, a, dir);
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
	bool lives = doctor_process_lives(d, &scratch, &c->files, &unused);

	dmem_arena_free(&scratch);
	return lives;
}
