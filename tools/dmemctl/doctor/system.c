// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks the kernel, the heaps, and the installed programs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

#define CGROUP	"sys/fs/cgroup"

bool doctor_is_never(const struct doctor *d, const char *region)
{
	int root = dmem_sys_cgroup(&d->sys);
	bool never = root >= 0 && dmem_region_never(root, region);

	if (root >= 0)
		close(root);
	return never;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += len) {
		if ((p == text || strchr(" \n,", p[-1])) && (!p[len] || strchr(" \n,", p[len])))
			return true;
	}
	return false;
}

/* The parameter may occur more than once. */
static bool is_disabled(char *line)
{
	static const char key[] = "cgroup_disable=";
	char *save;

	for (char *w = strtok_r(line, " \n", &save); w; w = strtok_r(NULL, " \n", &save)) {
		if (!strncmp(w, key, sizeof(key) - 1) && has_word(w + sizeof(key) - 1, "dmem"))
			return true;
	}
	return false;
}

static void no_controller(struct doctor *d, struct dmem_text *t)
{
	if (!dmem_sys_read(&d->sys, "proc/cmdline", t) && is_disabled(t->s))
		doctor_say(d, PROBLEM, "/proc/cmdline",
			   "remove it from the configuration of the boot loader",
			   "cgroup_disable=dmem disables the controller");
	else
		doctor_say(d, PROBLEM, "/sys/fs/cgroup", "build it with CONFIG_CGROUP_DMEM, which Linux has since 6.14",
			   "the kernel has no dmem controller");
}

bool doctor_controller(struct doctor *d)
{
	struct dmem_text t = { 0 };
	int ret = dmem_sys_read(&d->sys, CGROUP "/cgroup.controllers", &t);
	bool ok = !ret;

	if (ret) {
		doctor_say(d, PROBLEM, "/sys/fs/cgroup",
			   "boot with systemd.unified_cgroup_hierarchy=1",
			   "no cgroup v2 tree is mounted");
	} else if (!has_word(t.s, "dmem")) {
		no_controller(d, &t);
		ok = false;
	} else if (!dmem_sys_read(&d->sys, CGROUP "/cgroup.subtree_control", &t) &&
		   !has_word(t.s, "dmem")) {
		doctor_say(d, PROBLEM, "/sys/fs/cgroup",
			   "run systemctl enable --now dmem-controller.service",
			   "the dmem controller is not enabled in any cgroup");
	}
	dmem_text_free(&t);
	return ok;
}

static bool has_areas(struct doctor *d)
{
	const char **names;
	size_t n;

	return !dmem_sys_list(&d->sys, "sys/kernel/mm/cma", d->arena, &names, &n) && n;
}

/* Reports a kernel without the series once, and not for each heap. False: there is nothing to report.
 * @none: there is no region of a graphics card either. */
static bool says_plain(struct doctor *d, bool none)
{
	if (!doctor_is_never(d, "heap/system") || (!none && !d->regions.n_heaps && !has_areas(d)))
		return false;
	doctor_say(d, none ? PROBLEM : NOTE, "/sys/fs/cgroup", DMEM_PLAIN_REMEDY, "%s" DMEM_PLAIN_KERNEL
		   ", so nothing limits their memory%s", none ? "the dmem controller has no region: " : "",
		   none ? ", and no driver of a graphics card has registered its own" : "");
	return true;
}

void doctor_heaps(struct doctor *d)
{
	bool none = dmem_regions_status(&d->sys, &d->regions) == DMEM_NO_REGIONS;

	if (says_plain(d, none))
		return;
	if (none)
		doctor_say(d, PROBLEM, "/sys/fs/cgroup",
			   "see the kernel's log, and load the drivers of the memory",
			   "the dmem controller has no region");
	for (size_t i = 0; i < d->regions.n_heaps; i++) {
		const struct dmem_heap *h = &d->regions.heap[i];
		const char *name = dmem_printf(d->arena, "/dev/dma_heap/%s", h->name);

		if (!name) {
			d->err = -ENOMEM;
			return;
		}
		if (!h->told)
			doctor_say(d, NOTE, name,
				   "use a kernel with the patches for dmem regions of heaps",
				   "the kernel does not report its region");
		else if (!h->region)
			doctor_say(d, PROBLEM, name,
				   "see the boot log for the reason, and restrict access to the "
				   "device until then",
				   "not accounted, so a process that can open it can exhaust the "
				   "memory behind it");
	}
}

static const char * const generator_dirs[] = {
	"run/systemd/system-generators", "etc/systemd/system-generators",
	"usr/local/lib/systemd/system-generators", "usr/lib/systemd/system-generators",
	"lib/systemd/system-generators",
};

/* systemd runs the first one. It is masked if it is empty or a link to /dev/null. */
static const char *find_generator(struct doctor *d, bool *masked)
{
	for (size_t i = 0; i < sizeof(generator_dirs) / sizeof(*generator_dirs); i++) {
		const char *path = dmem_printf(d->arena, "%s/dmem-generator", generator_dirs[i]);
		struct stat st;
		int fd = path ? dmem_sys_openat(&d->sys, path, O_PATH) : -ENOMEM;

		/* The copy of another machine may lack /dev/null. */
		if (fd == -ENOENT && d->c->sysroot) {
			fd = dmem_sys_openat(&d->sys, path, O_PATH | O_NOFOLLOW);
			*masked = fd >= 0;
		}
		if (fd < 0)
			continue;
		if (!fstat(fd, &st) && !*masked)
			*masked = S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && !st.st_size);
		close(fd);
		return path;
	}
	return NULL;
}

static bool exists(struct doctor *d, const char *path)
{
	int fd = dmem_sys_openat(&d->sys, path, O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_masked(struct doctor *d, const char *unit)
{
	struct dmem_unit *u = dmem_units_find(&d->units, unit);

	return u && u->masked;
}

void doctor_installed(struct doctor *d)
{
	bool masked = false;
	const char *path;

	/* Programs of dmem-systemd are needed only if a unit has a section. */
	if (!d->sections)
		return;
	path = find_generator(d, &masked);
	if (!path)
		doctor_say(d, PROBLEM, "dmem-generator", "install dmem-systemd",
			   "not installed, so the units' sections [" DMEM_SECTION "] have no "
			   "effect");
	else if (masked)
		doctor_say(d, PROBLEM, path, "remove this file, and run systemctl daemon-reload",
			   "masks the generator, so the units' sections [" DMEM_SECTION "] have no "
			   "effect");
	if (!exists(d, "usr/libexec/dmem-apply") && !exists(d, "usr/local/libexec/dmem-apply"))
		doctor_say(d, PROBLEM, "/usr/libexec/dmem-apply", "install dmem-systemd",
			   "missing, so no unit gets its limits");
	if (is_masked(d, "dmem-slice@.service"))
		doctor_say(d, PROBLEM, "dmem-slice@.service",
			   "run systemctl unmask dmem-slice@.service",
			   "masked, so no slice gets its limits");
	if (is_masked(d, "dmem-controller.service"))
		doctor_say(d, NOTE, "dmem-controller.service",
			   "run systemctl unmask dmem-controller.service",
			   "masked, so the controller is enabled only when the first unit needs "
			   "it");
}
