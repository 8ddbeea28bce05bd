/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory-to-memory device of dmem_m2m_test.ko, which allocates memory when it runs the
 * first job of a context.
 *
 * Functions that return int return a negative errno on failure.
 */
#ifndef SELFTESTS_DMEM_M2M_H
#define SELFTESTS_DMEM_M2M_H

#include <linux/videodev2.h>
#include <stdbool.h>
#include <sys/types.h>

#include "media.h"

#define M2M_OUTPUT	V4L2_BUF_TYPE_VIDEO_OUTPUT
#define M2M_CAPTURE	V4L2_BUF_TYPE_VIDEO_CAPTURE
#define M2M_BUFS	2	/* of each queue */

/* vim2m, which brings v4l2-mem2mem and videobuf2-vmalloc */
extern struct modules m2m_modules;
/* Loads the module with the area of t->heap, if it is not loaded. Sets t->reason on failure. */
int m2m_load(struct dmem_test *t);
int m2m_unload(void);
/* Whether jobs run in a worker of the driver */
int m2m_use_worker(bool on);

/* Each open file is a context. It does not wait for buffers. */
int m2m_open(void);
/* Returns the number of buffers. */
int m2m_reqbufs(int fd, int type, int n);
int m2m_create_bufs(int fd, int type, int n);
int m2m_stream(int fd, bool on);
/* Jobs use this much memory, buffers have one page. STREAMON of both queues. */
int m2m_begin(int fd, long long len);
/* Frees the memory and all buffers. */
int m2m_end(int fd);
/* Queues a job with these buffers of the context. */
int m2m_queue_one(int fd, int type, int index);
int m2m_queue(int fd, int index);
/* Returns 0 for a job that had its memory, -EIO otherwise, -EAGAIN if none is finished. */
int m2m_dequeue(int fd);

/*
 * A context of a process in cg, which has queued a job, passed the file to this process, and
 * ended. If fd is not -1, the process gets this file, and does not open one.
 */
int m2m_job_of(const char *cg, int fd, long long len);
/* The same, but the process is held in its exit, see hold.h. Its pid is in *pid. */
int m2m_job_of_held(const char *cg, long long len, pid_t *pid);

/* Waits for a job that is under way; returns the task that has run it, 0 if there is none. */
pid_t m2m_ran(void);
/* Ends the job that is under way. The next one may start. */
int m2m_finish(void);

#endif /* SELFTESTS_DMEM_M2M_H */
