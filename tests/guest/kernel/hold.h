/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Holds a task where no program can stop one, with dmem_hold.ko.
 *
 * Functions that return int return a negative errno on failure.
 */
#ifndef DMEM_HOLD_H
#define DMEM_HOLD_H

#include <sys/types.h>

int hold_load(void);	/* if it is not loaded */
int hold_unload(void);

/* A process that has this file open when it exits is held there. */
int hold_open(void);

enum hold_result {
	HOLD_NOT_ARMED,
	HOLD_ARMED,
	HOLD_LOCKED,	/* was not held: this kernel has the lock of the removal there */
	HOLD_FAILED,
};

/*
 * A new process notifies cgroup.events of the cgroup, and is held before it arms the timer
 * for that. Its exit status is an enum hold_result.
 */
pid_t hold_notify(const char *cg);

/* Waits for the process that is held, and returns its pid; 0 if there is none. */
pid_t hold_wait(void);
/* Lets it go, and returns its exit status. */
int hold_end(pid_t pid);

#endif /* DMEM_HOLD_H */
