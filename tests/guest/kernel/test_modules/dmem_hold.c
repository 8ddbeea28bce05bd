// SPDX-License-Identifier: GPL-2.0
/*
 * Holds a task where no program can stop one, until 0 is written to "held" or some time
 * has passed:
 *
 * - in its exit, if it has /dev/dmem_hold open then: its cgroup can be removed.
 * - in cgroup_file_notify(), when it writes the path of a cgroup to the device. The file
 *   is cgroup.events. The task has seen that the file is there, and is about to arm the
 *   timer for the next notification. The write fails with EBUSY if it has armed it, and
 *   with EAGAIN if it did not get there.
 *
 * One task at a time can be held.
 */
#include <linux/cgroup.h>
#include <linux/cleanup.h>
#include <linux/ftrace.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/version.h>

#define TRIES	1000

static int held;

static int held_set(const char *val, const struct kernel_param *kp)
{
	int pid, ret = kstrtoint(val, 0, &pid);

	if (!ret)
		WRITE_ONCE(held, pid);
	return ret;
}

static int held_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(held));
}

static const struct kernel_param_ops held_ops = { .set = held_set, .get = held_get };
module_param_cb(held, &held_ops, NULL, 0644);
MODULE_PARM_DESC(held, "pid of the task that is held, or 0");

static struct task_struct *notifier;	/* is to be held when it arms the timer */

static int hold_release(struct inode *inode, struct file *file)
{
	unsigned long end = jiffies + 60 * HZ;

	if (!(current->flags & PF_EXITING))
		return 0;
	WRITE_ONCE(held, task_pid_nr(current));
	while (READ_ONCE(held) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	WRITE_ONCE(held, 0);
	return 0;
}

/* Before the first instruction of timer_reduce(). The function may not sleep here. */
static void notrace before_timer(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	unsigned long end = jiffies + 10 * HZ;

	if (!in_task() || READ_ONCE(notifier) != current)
		return;
	WRITE_ONCE(notifier, NULL);
	WRITE_ONCE(held, task_pid_nr(current));
	while (READ_ONCE(held) && time_before(jiffies, end))
		cpu_relax();
	WRITE_ONCE(held, 0);
}

static struct ftrace_ops timer_ops = { .func = before_timer };

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
/* Such a kernel arms the timer under the lock of the removal: there is nothing to hold up. */
static int notify(struct cgroup_file *cfile)
{
	return -EOPNOTSUPP;
}
#else
static int notify(struct cgroup_file *cfile)
{
	unsigned long expires;
	int i;

	while (timer_pending(&cfile->notify_timer))
		schedule_timeout_uninterruptible(1);
	expires = READ_ONCE(cfile->notify_timer.expires);
	WRITE_ONCE(notifier, current);
	/* The first one has no other shortly before it, and needs no timer. */
	for (i = 0; i < TRIES && READ_ONCE(notifier); i++)
		cgroup_file_notify(cfile);
	if (READ_ONCE(notifier)) {
		WRITE_ONCE(notifier, NULL);
		return -EAGAIN;
	}
	return READ_ONCE(cfile->notify_timer.expires) == expires ? 0 : -EBUSY;
}
#endif

static ssize_t hold_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	static DEFINE_MUTEX(lock);
	char *path __free(kfree) = NULL;
	struct cgroup *cgrp;
	int ret;

	if (len >= PATH_MAX)
		return -EINVAL;
	path = memdup_user_nul(buf, len);
	if (IS_ERR(path))
		return PTR_ERR(path);
	guard(mutex)(&lock);
	cgrp = cgroup_get_from_path(path);
	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	ret = register_ftrace_function(&timer_ops);
	if (!ret) {
		ret = notify(&cgrp->events_file);
		unregister_ftrace_function(&timer_ops);
	}
	cgroup_put(cgrp);
	return ret ? ret : len;
}

static const struct file_operations hold_fops = {
	.owner		= THIS_MODULE,
	.write		= hold_write,
	.release	= hold_release,
};

static struct miscdevice hold_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "dmem_hold",
	.fops	= &hold_fops,
	.mode	= 0600,
};

static int __init dmem_hold_init(void)
{
	static unsigned char function[] __initdata = "timer_reduce";
	int ret = ftrace_set_filter(&timer_ops, function, strlen(function), 1);

	return ret ? ret : misc_register(&hold_misc);
}
module_init(dmem_hold_init);

static void __exit dmem_hold_exit(void)
{
	misc_deregister(&hold_misc);
	ftrace_free_filter(&timer_ops);
}
module_exit(dmem_hold_exit);

MODULE_DESCRIPTION("Holds a task in its exit or in a notification, for the dmem tests");
MODULE_LICENSE("GPL");
