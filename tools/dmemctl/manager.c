// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls to systemd over the system bus. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "manager.h"

#define DEST	"org.freedesktop.systemd1"
#define PATH	"/org/freedesktop/systemd1"
#define MANAGER	DEST ".Manager"
#define GONE	"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" DEST "'"
/* A reload runs all generators, and one of them may hang. */
#define SLOW_USEC	(120 * 1000000ULL)
/* A slice's limits may wait for a region, and the slice for those of its parents. */
#define JOB_USEC	(120 * 1000000ULL)
#define SECOND_USEC	1000000ULL

static int failed(struct ctl *c, const char *what, int ret, const sd_bus_error *e)
{
	cli_error(&c->cli, "systemd: %s: %s", what,
		  e && e->message ? e->message : strerror(-ret));
	return ret;
}

int manager_open(struct ctl *c, struct manager *m)
{
	int ret;

	m->bus = NULL;
	if (c->sysroot)
		return 0;
	ret = sd_bus_open_system(&m->bus);
	if (ret < 0)
		cli_error(&c->cli, "cannot connect to systemd: %s: name a cgroup by its path, as "
			  "in dmemctl set /sys/fs/cgroup/NAME",
			  strerror(-ret));
	return ret < 0 ? ret : 0;
}

void manager_close(struct manager *m)
{
	m->bus = sd_bus_flush_close_unref(m->bus);
}

static int get(struct manager *m, struct dmem_arena *a, const char *path, const char *interface,
	       const char *property, const char **value, sd_bus_error *e)
{
	char *s = NULL;
	int ret = sd_bus_get_property_string(m->bus, DEST, path, interface, property, e, &s);

	if (ret < 0)
		return ret;
	*value = dmem_strdup(a, s);
	free(s);
	return *value ? 0 : -ENOMEM;
}

/* Only these types have a cgroup; each has its own D-Bus interface. */
static const char *interface_of(const char *id)
{
	switch (dmem_unit_type(id)) {
	case DMEM_SERVICE:
		return DEST ".Service";
	case DMEM_SLICE:
		return DEST ".Slice";
	case DMEM_SCOPE:
		return DEST ".Scope";
	case DMEM_SOCKET:
		return DEST ".Socket";
	case DMEM_MOUNT:
		return DEST ".Mount";
	case DMEM_SWAP:
		return DEST ".Swap";
	default:
		return NULL;
	}
}

int manager_unit(struct ctl *c, struct manager *m, struct dmem_arena *a, const char *name,
		 struct unit_state *s)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	const char *path;
	int ret;

	*s = (struct unit_state){ 0 };
	ret = sd_bus_call_method(m->bus, DEST, PATH, MANAGER, "LoadUnit", &e, &reply, "s", name);
	if (ret >= 0)
		ret = sd_bus_message_read(reply, "o", &path);
	if (ret >= 0)
		ret = get(m, a, path, DEST ".Unit", "Id", &s->id, &e);
	if (ret >= 0)
		ret = get(m, a, path, DEST ".Unit", "LoadState", &s->load, &e);
	if (ret >= 0)
		ret = get(m, a, path, DEST ".Unit", "SubState", &s->sub, &e);
	if (ret >= 0 && interface_of(s->id))
		ret = get(m, a, path, interface_of(s->id), "ControlGroup", &s->cgroup, &e);
	if (ret < 0)
		failed(c, name, ret, &e);
	if (s->cgroup)
		s->cgroup = *s->cgroup == '/' ? s->cgroup + 1 : NULL;
	sd_bus_message_unref(reply);
	sd_bus_error_free(&e);
	return ret < 0 ? ret : 0;
}

int manager_reload(struct ctl *c, struct manager *m)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *msg = NULL;
	int ret;

	ret = sd_bus_message_new_method_call(m->bus, &msg, DEST, PATH, MANAGER, "Reload");
	if (ret >= 0)
		ret = sd_bus_call(m->bus, msg, SLOW_USEC, &e, NULL);
	if (ret < 0)
		failed(c, "daemon-reload", ret, &e);
	sd_bus_message_unref(msg);
	sd_bus_error_free(&e);
	return ret < 0 ? ret : 0;
}

/* ---- a scope ---- */

struct job {
	char *path;
	char *result;		/* "done" or a reason; NULL: the job still runs */
};

static int job_removed(sd_bus_message *msg, void *data, sd_bus_error *e)
{
	const char *path, *result;
	struct job *job = data;

	(void)e;
	if (sd_bus_message_read(msg, "uoss", NULL, &path, NULL, &result) >= 0 &&
	    job->path && !strcmp(path, job->path) && !job->result)
		job->result = strdup(result);
	return 0;
}

/* systemd will not send the end of the job any more. */
static int manager_gone(sd_bus_message *msg, void *data, sd_bus_error *e)
{
	struct job *job = data;

	(void)msg;
	(void)e;
	if (!job->result)
		job->result = strdup("systemd disconnected");
	return 0;
}

static int start_scope(struct manager *m, const char *name, const char *slice,
		       const char *description, struct job *job, sd_bus_error *e)
{
	sd_bus_message *msg = NULL, *reply = NULL;
	const char *path;
	int ret;

	ret = sd_bus_message_new_method_call(m->bus, &msg, DEST, PATH, MANAGER,
					     "StartTransientUnit");
	if (ret >= 0)
		ret = sd_bus_message_append(msg, "ss", name, "fail");
	if (ret >= 0)
		ret = sd_bus_message_open_container(msg, 'a', "(sv)");
	if (ret >= 0)
		ret = sd_bus_message_append(msg, "(sv)(sv)(sv)", "PIDs", "au", 1,
					    (uint32_t)getpid(),
					    "Description", "s", description,
					    "CollectMode", "s", "inactive-or-failed");
	if (ret >= 0 && slice)
		ret = sd_bus_message_append(msg, "(sv)", "Slice", "s", slice);
	if (ret >= 0)
		ret = sd_bus_message_close_container(msg);
	if (ret >= 0)
		ret = sd_bus_message_append(msg, "a(sa(sv))", 0);
	if (ret >= 0)
		ret = sd_bus_call(m->bus, msg, 0, e, &reply);
	if (ret >= 0)
		ret = sd_bus_message_read(reply, "o", &path);
	if (ret >= 0) {
		job->path = strdup(path);
		ret = job->path ? 0 : -ENOMEM;
	}
	sd_bus_message_unref(msg);
	sd_bus_message_unref(reply);
	return ret;
}

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* A job may never end: another one that it waits for may hang. */
static int wait_for(struct manager *m, struct job *job)
{
	uint64_t end = now_usec() + JOB_USEC;
	int ret = 0;

	while (ret >= 0 && !job->result) {
		ret = sd_bus_process(m->bus, NULL);
		if (ret || job->result)
			continue;
		ret = now_usec() < end ? sd_bus_wait(m->bus, SECOND_USEC) : -ETIMEDOUT;
	}
	return ret;
}

int manager_scope(struct ctl *c, struct manager *m, const char *name, const char *slice,
		  const char *description)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_slot *slot = NULL, *gone = NULL;
	struct job job = { 0 };
	int ret;

	/* Subscribe before the job exists, so that its end cannot be missed: signals that arrive
	 * before the reply of our call stay in the queue until wait_for(). */
	ret = sd_bus_match_signal(m->bus, &slot, DEST, PATH, MANAGER, "JobRemoved", job_removed,
				  &job);
	if (ret >= 0)
		ret = sd_bus_add_match(m->bus, &gone, GONE, manager_gone, &job);
	if (ret >= 0)
		ret = sd_bus_call_method(m->bus, DEST, PATH, MANAGER, "Subscribe", &e, NULL, NULL);
	if (ret >= 0)
		ret = start_scope(m, name, slice, description, &job, &e);
	if (ret >= 0)
		ret = wait_for(m, &job);
	if (ret < 0) {
		failed(c, name, ret, &e);
	} else if (strcmp(job.result, "done")) {
		cli_error(&c->cli, "systemd: %s: the scope could not be started: %s", name,
			  job.result);
		ret = -ECANCELED;
	}
	sd_bus_slot_unref(slot);
	sd_bus_slot_unref(gone);
	sd_bus_error_free(&e);
	free(job.path);
	free(job.result);
	return ret < 0 ? ret : 0;
}
