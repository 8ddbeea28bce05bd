// SPDX-License-Identifier: GPL-2.0-or-later
/* Recognises services that start containers, machines or jobs in other cgroups. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"

#define IN_SLICE	"/etc/systemd/system/NAME.slice.d/50-dmem.conf"
#define SEE		", see docs/containers.md"

enum engine { DOCKER, PODMAN, CONTAINERD, KUBE, LIBVIRT, LXC, NSPAWN, SLURM, NOMAD, DOBBY, ENGINES };

static const struct dmem_payload engines[ENGINES] = {
	[DOCKER] = {
		"containers, which are in system.slice/docker-ID.scope or in their cgroup_parent",
		"limit a slice, in " IN_SLICE ", and give it to the containers: cgroup_parent: NAME.slice "
		"of Compose, or --cgroup-parent=NAME.slice" SEE,
	},
	[PODMAN] = {
		"containers, which are in machine.slice",
		"limit a slice, in " IN_SLICE ", and give it to the containers by "
		"--cgroup-parent=NAME.slice, or keep them in the service by --cgroups=split" SEE,
	},
	[CONTAINERD] = {
		"containers, which are in cgroups that its client chooses, such as kubepods.slice "
		"or system.slice",
		"limit the slice of the containers, in " IN_SLICE SEE,
	},
	[KUBE] = {
		"pods, which are in kubepods.slice",
		"limit all pods, in /etc/systemd/system/kubepods.slice.d/50-dmem.conf" SEE,
	},
	[LIBVIRT] = {
		"machines, which are in machine.slice",
		"limit all machines, in /etc/systemd/system/machine.slice.d/50-dmem.conf, or one by a "
		"slice of its own: <resource><partition>" SEE,
	},
	[LXC] = {
		"containers, which are in lxc.payload.NAME",
		"write lxc.cgroup2.dmem.max into the container's configuration" SEE,
	},
	[NSPAWN] = {
		"machine, which is in machine.slice",
		"keep it in the service by --keep-unit, or limit machine.slice, in "
		"/etc/systemd/system/machine.slice.d/50-dmem.conf" SEE,
	},
	[SLURM] = {
		"jobs, which are in system.slice/slurmstepd.scope",
		"configure Slurm to write dmem.max of the job's cgroup" SEE,
	},
	[NOMAD] = {
		"tasks, which are in nomad.slice",
		"limit all tasks, in /etc/systemd/system/nomad.slice.d/50-dmem.conf" SEE,
	},
	[DOBBY] = {
		"containers, which are in cgroups of their own",
		"write dmem.max into linux.resources.unified of each container's config.json" SEE,
	},
};

/* Programs that start all their processes in other cgroups. */
static const struct {
	const char *program;
	enum engine engine;
} daemons[] = {
	{ "dockerd", DOCKER }, { "balenad", DOCKER }, { "balena-engine-daemon", DOCKER },
	{ "docker-compose", DOCKER }, { "containerd", CONTAINERD }, { "nerdctl", CONTAINERD },
	{ "crio", KUBE }, { "kubelet", KUBE }, { "k3s", KUBE }, { "k0s", KUBE }, { "rke2", KUBE },
	{ "kubelite", KUBE }, { "libvirtd", LIBVIRT }, { "virtqemud", LIBVIRT },
	{ "virtlxcd", LIBVIRT }, { "virtchd", LIBVIRT }, { "lxd", LXC }, { "incusd", LXC },
	{ "incus", LXC }, { "lxc-start", LXC }, { "slurmd", SLURM },
	{ "nomad", NOMAD }, { "DobbyDaemon", DOBBY }, { "podman-compose", PODMAN },
};

/* Names of services in packages, for units whose commands are not known. */
static const struct {
	const char *unit;
	enum engine engine;
} names[] = {
	{ "docker", DOCKER }, { "balena", DOCKER }, { "balena-engine", DOCKER },
	{ "snap.docker.dockerd", DOCKER }, { "podman", PODMAN }, { "containerd", CONTAINERD },
	{ "crio", KUBE }, { "cri-o", KUBE }, { "kubelet", KUBE }, { "k3s", KUBE },
	{ "k3s-agent", KUBE }, { "k0scontroller", KUBE }, { "k0sworker", KUBE },
	{ "rke2-server", KUBE }, { "rke2-agent", KUBE }, { "snap.microk8s.daemon-kubelite", KUBE },
	{ "snap.microk8s.daemon-containerd", KUBE }, { "libvirtd", LIBVIRT },
	{ "virtqemud", LIBVIRT }, { "virtlxcd", LIBVIRT }, { "virtchd", LIBVIRT }, { "lxd", LXC },
	{ "incus", LXC }, { "lxc", LXC }, { "lxc@", LXC }, { "snap.lxd.daemon", LXC },
	{ "slurmd", SLURM }, { "nomad", NOMAD }, { "dobby", DOBBY },
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static enum engine of_program(const char *word)
{
	for (size_t i = 0; i < sizeof(daemons) / sizeof(*daemons); i++) {
		if (!strcmp(base_name(word), daemons[i].program))
			return daemons[i].engine;
	}
	return ENGINES;
}

static enum engine of_name(const char *unit)
{
	size_t len = strrchr(unit, '.') ? (size_t)(strrchr(unit, '.') - unit) : strlen(unit);
	const char *at = memchr(unit, '@', len);

	/* An instance is treated like its template. */
	if (at)
		len = (size_t)(at - unit) + 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strlen(names[i].unit) == len && !strncmp(unit, names[i].unit, len))
			return names[i].engine;
	}
	return ENGINES;
}

/* ---- commands ---- */

/* The words of a command, without systemd's prefixes and without "sh -c". */
struct words {
	char *w[64];
	size_t n;
};

static void add_words(struct words *ws, char *line)
{
	char *word;
	int err;

	while (ws->n < sizeof(ws->w) / sizeof(*ws->w) && (word = dmem_conf_word(&line, &err)))
		ws->w[ws->n++] = word;
}

static bool has_option(const struct words *ws, const char *option, const char *value)
{
	size_t len = strlen(option);

	for (size_t i = 0; i < ws->n; i++) {
		if (strncmp(ws->w[i], option, len))
			continue;
		if (!value && (!ws->w[i][len] || ws->w[i][len] == '='))
			return true;
		if (value && ws->w[i][len] == '=' && !strcmp(ws->w[i] + len + 1, value))
			return true;
		if (value && !ws->w[i][len] && i + 1 < ws->n && !strcmp(ws->w[i + 1], value))
			return true;
	}
	return false;
}

/* True if a word after @at that is no option is one of the program's verbs. The program's options
 * may have values, which look the same, so any word may be the verb. */
static bool has_verb(const struct words *ws, size_t at, const char * const *verbs)
{
	for (size_t i = at + 1; i < ws->n; i++) {
		for (size_t v = 0; verbs[v]; v++) {
			if (!strcmp(ws->w[i], verbs[v]))
				return true;
		}
	}
	return false;
}

/* "podman run" with --cgroups=split or disabled runs the container in the service's cgroup. */
static enum engine of_podman(const struct words *ws, size_t at)
{
	static const char * const starts[] = { "run", "start", "create", "play", "up", NULL };
	static const char * const serves[] = { "service", NULL };

	if (has_option(ws, "--cgroups", "split") || has_option(ws, "--cgroups", "disabled"))
		return ENGINES;
	return has_verb(ws, at, starts) || has_verb(ws, at, serves) ? PODMAN : ENGINES;
}

static enum engine of_docker(const struct words *ws, size_t at)
{
	static const char * const starts[] = { "run", "start", "create", "up", "daemon", NULL };

	return has_verb(ws, at, starts) ? DOCKER : ENGINES;
}

static enum engine of_word(const struct words *ws, size_t at)
{
	const char *program = base_name(ws->w[at]);

	if (!strcmp(program, "podman"))
		return of_podman(ws, at);
	if (!strcmp(program, "docker") || !strcmp(program, "balena-engine"))
		return of_docker(ws, at);
	if (!strcmp(program, "systemd-nspawn"))
		return has_option(ws, "--keep-unit", NULL) ? ENGINES : NSPAWN;
	return of_program(program);
}

/* True for programs that run another program. */
static bool is_wrapper(const char *word)
{
	static const char * const programs[] = {
		"env", "sh", "bash", "dash", "busybox", "exec", "nice", "ionice", "chrt", "taskset",
		"setpriv", "nsenter", "unshare", "numactl", "flock", "sudo", "runuser", "stdbuf",
	};

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		if (!strcmp(base_name(word), programs[i]))
			return true;
	}
	return false;
}

static enum engine of_command(struct dmem_arena *a, const char *command, int *err)
{
	struct words ws = { 0 };
	char *line = dmem_strdup(a, command + strspn(command, "@-:+!|"));
	enum engine e = ENGINES;
	bool wrapped;

	*err = line ? 0 : -ENOMEM;
	if (!line)
		return ENGINES;
	add_words(&ws, line);
	wrapped = ws.n && is_wrapper(ws.w[0]);
	for (size_t i = 0, n = ws.n; wrapped && i < n; i++) {
		/* The line of a shell is a single word. */
		if (strpbrk(ws.w[i], " \t"))
			add_words(&ws, ws.w[i]);
	}
	for (size_t i = 0; i < ws.n && e == ENGINES && (wrapped || !i); i++)
		e = of_word(&ws, i);
	return e;
}

int dmem_payload(struct dmem_arena *a, const char *unit, const struct dmem_list *commands,
		 struct dmem_payload *p)
{
	enum engine e = ENGINES;
	int err = 0;

	for (size_t i = 0; i < commands->n && e == ENGINES && !err; i++)
		e = of_command(a, commands->s[i], &err);
	if (!commands->n)
		e = of_name(unit);
	*p = e == ENGINES ? (struct dmem_payload){ 0 } : engines[e];
	return err;
}

/* ---- the commands of a unit ---- */

struct exec {
	struct dmem_arena *arena;
	struct dmem_list *commands;
};

static int add_command(void *data, unsigned int line, const char *section, const char *key,
		       const char *value)
{
	struct exec *x = data;
	const char **more;

	(void)line;
	if (!section || !key || !value || strcmp(section, "Service") || strcmp(key, "ExecStart"))
		return 0;
	/* An empty value clears earlier ones. */
	if (!*value) {
		*x->commands = (struct dmem_list){ 0 };
		return 0;
	}
	more = dmem_alloc(x->arena, (x->commands->n + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	if (x->commands->n)
		memcpy(more, x->commands->s, x->commands->n * sizeof(*more));
	x->commands->s = more;
	more[x->commands->n] = dmem_strdup(x->arena, value);
	return more[x->commands->n++] ? 0 : -ENOMEM;
}

static int add_commands(struct dmem_units *u, struct dmem_unit_file *f, struct exec *x)
{
	size_t len;
	char *text;
	int ret = dmem_units_read(u, f, &text, &len);

	if (!ret)
		ret = dmem_conf_parse(text ? text : "", len, add_command, x);
	free(text);
	return ret;
}

/* The library does not search the directories of generated files. */
static int add_generated(struct dmem_units *u, const char *unit, struct exec *x)
{
	static const char * const dirs[] = { "generator.early", "generator", "generator.late" };
	int ret = 0;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && !ret && !x->commands->n; i++) {
		struct dmem_unit_file f = {
			.name = unit, .path = dmem_printf(&u->arena, "/run/systemd/%s/%s", dirs[i], unit),
		};

		ret = f.path ? add_commands(u, &f, x) : -ENOMEM;
	}
	return ret;
}

int dmem_units_payload(struct dmem_units *u, const char *unit, struct dmem_payload *p)
{
	struct dmem_list commands = { 0 };
	struct exec x = { &u->arena, &commands };
	struct dmem_unit_file **f;
	size_t n;
	int ret = dmem_units_files(u, unit, &f, &n);

	for (size_t i = 0; i < n && !ret; i++)
		ret = add_commands(u, f[i], &x);
	if (!ret && !commands.n)
		ret = add_generated(u, unit, &x);
	return ret ? ret : dmem_payload(&u->arena, unit, &commands, p);
}
