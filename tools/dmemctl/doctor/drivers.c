// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drivers of this machine that do not charge some of the memory that users make them take.
 *
 * The kernel does not report which drivers ask for charges: the table is of the kernel that the
 * tools are released with. Another kernel can charge more or less. A note is therefore the most
 * that a line can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "drivers.h"
#include "uncharged.h"

/* Areas, and the coherent pools that some devices have in their place. */
static bool has_areas(const struct doctor *d)
{
	for (size_t i = 0; i < d->regions.n; i++) {
		const char *name = d->regions.region[i].name;

		if (!strncmp(name, "cma/", 4) || !strncmp(name, "dma/coherent/", 13))
			return true;
	}
	return false;
}

/* Reads a file of a device. False: there is none. */
static bool read_file(struct doctor *d, const char *device, const char *name, struct dmem_text *t)
{
	const char *path = dmem_printf(d->arena, "%s/%s", device, name);

	if (!path)
		d->err = -ENOMEM;
	return path && !dmem_sys_read(&d->sys, path, t);
}

/* The file is a list of words that each end with a zero. */
static bool is_compatible(struct doctor *d, const char *device, const char *with)
{
	struct dmem_text t = { 0 };
	bool is = false;

	if (read_file(d, device, "of_node/compatible", &t)) {
		for (size_t at = 0; at < t.len && !is; at += strlen(t.s + at) + 1)
			is = !strcmp(t.s + at, with);
	}
	dmem_text_free(&t);
	return is;
}

/* @with: compatible with this, or NULL. */
static bool is_meant(struct doctor *d, const char *device, const char *with)
{
	return !with || is_compatible(d, device, with);
}

/* Behind an IOMMU memory is of single pages, unless the IOMMU translates nothing. */
static bool has_iommu(struct doctor *d, const char *device)
{
	struct dmem_text t = { 0 };
	bool has = read_file(d, device, "iommu_group/type", &t) && strncmp(t.s, "identity", 8);

	dmem_text_free(&t);
	return has;
}

static bool is_device(struct doctor *d, const char *path)
{
	int fd = dmem_sys_openat(&d->sys, path, O_PATH | O_DIRECTORY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The devices in a directory of a driver, which also has a link to its module. */
static size_t count_in(struct doctor *d, const char *dir, const struct uncharged *u)
{
	const char **names;
	size_t n, count = 0;

	if (dmem_sys_list(&d->sys, dir, d->arena, &names, &n))
		return 0;
	for (size_t i = 0; i < n; i++) {
		const char *path = dmem_printf(d->arena, "%s/%s", dir, names[i]);

		if (!path)
			d->err = -ENOMEM;
		if (!path || !strcmp(names[i], "module") || !is_device(d, path))
			continue;
		if (!is_meant(d, path, u->with))
			continue;
		count += !u->cma || !has_iommu(d, path);
	}
	return count;
}

static size_t count_devices(struct doctor *d, const struct uncharged *u, const char **buses, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		const char *dir = dmem_printf(d->arena, "sys/bus/%s/drivers/%s", buses[i], u->driver);

		if (!dir)
			d->err = -ENOMEM;
		else
			count += count_in(d, dir, u);
	}
	return count;
}

static void say(struct doctor *d, const struct uncharged *u, size_t devices)
{
	doctor_say(d, NOTE, u->driver,
		   u->cma ? "restrict access to the device nodes; lsdmem shows memory in use without a charge" :
		   "restrict access to the device nodes",
		   "the driver of %zu device%s does not charge some memory, so no limit holds for it: %s",
		   devices, devices == 1 ? "" : "s", u->memory);
}

void doctor_drivers(struct doctor *d)
{
	bool areas = has_areas(d);
	const char **buses;
	size_t n;

	if (dmem_sys_list(&d->sys, "sys/bus", d->arena, &buses, &n))
		n = 0;
	for (size_t i = 0; i < sizeof(uncharged) / sizeof(*uncharged); i++) {
		const struct uncharged *u = &uncharged[i];
		size_t devices;

		/* Without regions of areas nothing from an area is charged. */
		if (u->cma && !areas)
			continue;
		devices = count_devices(d, u, buses, n);
		if (devices)
			say(d, u, devices);
	}
}
