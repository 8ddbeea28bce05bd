// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A minimal systemd on a test's bus, with the methods that dmemctl calls: units from a table,
 * daemon-reload, and a scope.
 *
 * fake_manager LOG [HOW]
 *
 * Each call becomes a line in LOG. HOW selects a failure: "reload" is refused, "scope" is refused,
 * the "job" fails or "hang"s, or the manager "vanish"es before the job ends. Or an event of a unit
 * during a reload, in the tree "root" beside LOG:
 *
 * restart	camera.service restarts with the files from before the reload
 * condition	it is starting, and its old limit is set later
 * start	stopped.service starts
 * stop		camera.service stops
 * timeout	the first reload times out; "timeouts": each does
 * writer	another program sets the camera's limit again and again
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define NAME	"org.freedesktop.systemd1"
#define PATH	"/org/freedesktop/systemd1"
#define UNITS	PATH "/unit"
#define JOB	PATH "/job/7"

static const struct unit {
	const char *name, *id, *load, *cgroup;
} units[] = {
	{ "camera.service", "camera.service", "loaded", "/system.slice/camera.service" },
	{ "cam.service", "camera.service", "loaded", "/system.slice/camera.service" },
	{ "stopped.service", "stopped.service", "loaded", "" },
	{ "masked.service", "masked.service", "masked", "" },
	{ "system.slice", "system.slice", "loaded", "/system.slice" },
	{ "media.slice", "media.slice", "loaded", "/media.slice" },
	{ "-.slice", "-.slice", "loaded", "/" },
	{ "lone.scope", "lone.scope", "loaded", "/system.slice/lone.scope" },
	{ "lone.timer", "lone.timer", "loaded", NULL },
};

struct manager {
	FILE *log;
	const char *how;
	char camera[4300];	/* path of its cgroup */
	int reloads, looks;
};

static bool is(const struct manager *m, const char *how)
{
	return !strcmp(m->how, how);
}

static void say(struct manager *m, const char *what, const char *of)
{
	fprintf(m->log, "%s %s\n", what, of);
	fflush(m->log);
}

/* Acts like dmem-apply with the limit from before. */
static void set_old_limit(const struct manager *m)
{
	char path[4400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/dmem.max", m->camera);
	f = fopen(path, "w");
	if (!f)
		return;
	fprintf(f, "cma/camera@64000000 25165824\ncma/display@60000000 max\nheap/system max\n");
	fclose(f);
}

static void stop_camera(const struct manager *m)
{
	char gone[4400];

	snprintf(gone, sizeof(gone), "%s.gone", m->camera);
	rename(m->camera, gone);
}

static int load_unit(sd_bus_message *msg, void *data, sd_bus_error *e)
{
	char *path;
	const char *name;
	int ret = sd_bus_message_read(msg, "s", &name);

	(void)e;
	if (ret < 0)
		return ret;
	say(data, "LoadUnit", name);
	ret = sd_bus_path_encode(UNITS, name, &path);
	if (ret < 0)
		return ret;
	ret = sd_bus_reply_method_return(msg, "o", path);
	free(path);
	return ret;
}

static int subscribe(sd_bus_message *msg, void *data, sd_bus_error *e)
{
	(void)e;
	say(data, "Subscribe", "");
	return sd_bus_reply_method_return(msg, "");
}

static int reload(sd_bus_message *msg, void *data, sd_bus_error *e)
{
	struct manager *m = data;

	say(data, "Reload", "");
	m->reloads++;
	if (is(m, "restart"))
		set_old_limit(m);
	if (is(m, "stop"))
		stop_camera(m);
	if (is(m, "timeouts") || (is(m, "timeout") && m->reloads == 1))
		return sd_bus_error_set(e, SD_BUS_ERROR_TIMEOUT, "Connection timed out");
	if (is(data, "reload"))
		return sd_bus_error_set(e, SD_BUS_ERROR_ACCESS_DENIED,
					"Interactive authentication required.");
	return sd_bus_reply_method_return(msg, "");
}

/* Reads strings, and the number of processes. */
static int read_properties(struct manager *m, sd_bus_message *msg)
{
	const char *name, *type, *text;
	int ret = sd_bus_message_enter_container(msg, 'a', "(sv)");

	while (ret >= 0 && (ret = sd_bus_message_enter_container(msg, 'r', "sv")) > 0) {
		ret = sd_bus_message_read(msg, "s", &name);
		if (ret >= 0)
			ret = sd_bus_message_peek_type(msg, NULL, &type);
		if (ret >= 0 && !strcmp(type, "s")) {
			ret = sd_bus_message_read(msg, "v", "s", &text);
			if (ret >= 0) {
				fprintf(m->log, "%s=%s\n", name, text);
				fflush(m->log);
			}
		} else if (ret >= 0) {
			say(m, name, type);
			ret = sd_bus_message_skip(msg, "v");
		}
		if (ret >= 0)
			ret = sd_bus_message_exit_container(msg);
	}
	return ret;
}

static int start(sd_bus_message *msg, void *data, sd_bus_error *e)
{
	struct manager *m = data;
	sd_bus *bus = sd_bus_message_get_bus(msg);
	const char *name, *mode;
	int ret = sd_bus_message_read(msg, "ss", &name, &mode);

	if (ret >= 0) {
		say(m, "StartTransientUnit", name);
		ret = read_properties(m, msg);
	}
	if (ret < 0)
		return ret;
	if (is(m, "scope"))
		return sd_bus_error_set(e, SD_BUS_ERROR_INVALID_ARGS, "Unit is already loaded.");
	/* First the end of another job, and the end of this one before the reply. */
	sd_bus_emit_signal(bus, PATH, NAME ".Manager", "JobRemoved", "uoss", 6, PATH "/job/6",
			   "x.scope", "failed");
	if (!is(m, "vanish") && !is(m, "hang"))
		sd_bus_emit_signal(bus, PATH, NAME ".Manager", "JobRemoved", "uoss", 7, JOB, name,
				   is(m, "job") ? "failed" : "done");
	ret = sd_bus_reply_method_return(msg, "o", JOB);
	if (is(m, "vanish")) {
		sd_bus_flush(bus);
		exit(0);
	}
	return ret;
}

static const char *sub_state(struct manager *m, const struct unit *u)
{
	if (!u->id || strcmp(u->id, "camera.service"))
		return "dead";
	if (is(m, "writer") && m->reloads)
		set_old_limit(m);
	if (!is(m, "condition") || !m->reloads)
		return "running";
	/* The third query finds that the command has just ended. */
	if (++m->looks == 3)
		set_old_limit(m);
	return m->looks < 3 ? "condition" : "running";
}

static const char *cgroup_of(const struct manager *m, const struct unit *u)
{
	if (m->reloads && is(m, "start") && u->id && !strcmp(u->id, "stopped.service"))
		return "/system.slice/stopped.service";
	if (m->reloads && is(m, "stop") && u->id && !strcmp(u->id, "camera.service"))
		return "";
	return u->cgroup;
}

/* An unknown unit is "not-found". */
static int get(sd_bus *bus, const char *path, const char *interface, const char *property,
	       sd_bus_message *reply, void *data, sd_bus_error *e)
{
	struct unit none = { NULL, NULL, "not-found", "" };
	const struct unit *u = &none;
	const char *text;
	char *name = NULL;
	int ret = sd_bus_path_decode(path, UNITS, &name);

	(void)bus;
	(void)interface;
	if (ret <= 0)
		return ret < 0 ? ret : sd_bus_error_set(e, SD_BUS_ERROR_UNKNOWN_OBJECT, path);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!strcmp(units[i].name, name))
			u = &units[i];
	}
	text = !strcmp(property, "Id")		? u->id
	       : !strcmp(property, "LoadState") ? u->load
	       : !strcmp(property, "SubState")	? sub_state(data, u)
						: cgroup_of(data, u);
	ret = sd_bus_message_append(reply, "s", text ? text : name);
	free(name);
	return ret;
}

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("LoadUnit", "s", "o", load_unit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Subscribe", "", "", subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Reload", "", "", reload, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("StartTransientUnit", "ssa(sv)a(sa(sv))", "o", start,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
	SD_BUS_VTABLE_END
};

static const sd_bus_vtable unit[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("LoadState", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("SubState", "s", get, 0, 0),
	SD_BUS_VTABLE_END
};

static const sd_bus_vtable cgroup[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("ControlGroup", "s", get, 0, 0),
	SD_BUS_VTABLE_END
};

/* A unit has only the interface of its type, like in systemd. */
static int find(sd_bus *bus, const char *path, const char *interface, void *data, void **found,
		sd_bus_error *e)
{
	const char *type = strrchr(interface, '.') + 1;
	char *name = NULL, *dot;
	int ret = sd_bus_path_decode(path, UNITS, &name);

	(void)bus;
	(void)e;
	if (ret <= 0)
		return ret;
	dot = strrchr(name, '.');
	*found = data;
	ret = !strcmp(type, "Unit") || (dot && !strcasecmp(dot + 1, type));
	free(name);
	return ret;
}

int main(int argc, char **argv)
{
	static const char *const types[] = {
		"Service", "Slice", "Scope", "Socket", "Mount", "Swap"
	};
	struct manager m = { .how = argc > 2 ? argv[2] : "" };
	char interface[64];
	sd_bus *bus;
	int ret;

	m.log = argc > 1 ? fopen(argv[1], "w") : NULL;
	if (!m.log)
		return 2;
	snprintf(m.camera, sizeof(m.camera), "%.*sroot/sys/fs/cgroup/system.slice/camera.service",
		 (int)(strrchr(argv[1], '/') + 1 - argv[1]), argv[1]);
	ret = sd_bus_open_system(&bus);
	if (ret >= 0)
		ret = sd_bus_add_object_vtable(bus, NULL, PATH, NAME ".Manager", manager, &m);
	if (ret >= 0)
		ret = sd_bus_add_fallback_vtable(bus, NULL, UNITS, NAME ".Unit", unit, find, &m);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types) && ret >= 0; i++) {
		snprintf(interface, sizeof(interface), NAME ".%s", types[i]);
		ret = sd_bus_add_fallback_vtable(bus, NULL, UNITS, interface, cgroup, find, &m);
	}
	if (ret >= 0)
		ret = sd_bus_request_name(bus, NAME, 0);
	if (ret >= 0)
		say(&m, "ready", "");
	while (ret >= 0) {
		ret = sd_bus_process(bus, NULL);
		if (!ret)
			ret = sd_bus_wait(bus, UINT64_MAX);
	}
	fclose(m.log);
	return 1;
}
