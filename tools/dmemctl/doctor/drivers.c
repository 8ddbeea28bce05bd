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

/* Entries of the table that are no drivers. */
static const char * const sound = "/card";
static const char * const protected = "/protected";

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

static bool has_property(struct doctor *d, const char *device, const char *name)
{
	struct dmem_text t = { 0 };
	const char *path = dmem_printf(d->arena, "of_node/%s", name);
	bool has = path && read_file(d, device, path, &t);

	if (!path)
		d->err = -ENOMEM;
	dmem_text_free(&t);
	return has;
}

/* @with: compatible with this, or "/NAME": has this property in the device tree; or NULL. */
static bool is_meant(struct doctor *d, const char *device, const char *with)
{
	if (!with)
		return true;
	return *with == '/' ? has_property(d, device, with + 1) : is_compatible(d, device, with);
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

/* True if the last part of a link of a device is one of these words. */
static bool leads_to(struct doctor *d, const char *device, const char *name, const char * const *words)
{
	int fd = dmem_sys_openat(&d->sys, device, O_PATH | O_DIRECTORY);
	char link[256];
	const char *slash;
	ssize_t len;

	if (fd < 0)
		return false;
	len = readlinkat(fd, name, link, sizeof(link) - 1);
	close(fd);
	link[len < 0 ? 0 : len] = 0;
	slash = strrchr(link, '/');
	for (size_t i = 0; slash && words[i]; i++) {
		if (!strcmp(slash + 1, words[i]))
			return true;
	}
	return false;
}

/* Others than those of a board have another kind of memory. Cards without hardware are devices of a
 * platform, too, and take ordinary pages, or have no streams. */
static bool takes_areas(struct doctor *d, const char *device)
{
	static const char * const buses[] = { "platform", "amba", "vchiq-bus", NULL };
	static const char * const without[] = {
		"snd_aloop", "snd_dummy", "snd_virmidi", "snd_mtpav", "snd_serial_u16550", "pcspkr", NULL
	};

	return leads_to(d, device, "subsystem", buses) && !leads_to(d, device, "driver", without);
}

/* Sound cards of a board. Those of USB take no DMA memory for streams; Intel HD Audio, usual on PCI,
 * takes scattered pages. */
static size_t count_cards(struct doctor *d)
{
	const char **names;
	size_t n, count = 0;

	if (dmem_sys_list(&d->sys, "sys/class/sound", d->arena, &names, &n))
		return 0;
	for (size_t i = 0; i < n; i++) {
		const char *device = dmem_printf(d->arena, "sys/class/sound/%s/device", names[i]);

		if (!device)
			d->err = -ENOMEM;
		else if (!strncmp(names[i], "card", 4))
			count += takes_areas(d, device);
	}
	return count;
}

/* Heaps that OP-TEE has made. Most boards with OP-TEE have none. */
static size_t count_protected(struct doctor *d)
{
	const char **names;
	size_t n, count = 0;

	if (dmem_sys_list(&d->sys, "sys/class/dma_heap", d->arena, &names, &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		count += !strncmp(names[i], "protected,", 10);
	return count;
}

static const char *subject(const struct uncharged *u)
{
	if (!strcmp(u->driver, sound))
		return "sound cards";
	return strcmp(u->driver, protected) ? u->driver : "protected heaps";
}

static void say(struct doctor *d, const struct uncharged *u, size_t devices)
{
	doctor_say(d, NOTE, subject(u),
		   u->cma ? "restrict access to the device nodes; lsdmem shows memory in use without a charge" :
		   "restrict access to the device nodes",
		   "the driver of %zu %s%s does not charge some memory, so no limit holds for it: %s", devices,
		   strcmp(u->driver, protected) ? "device" : "heap", devices == 1 ? "" : "s", u->memory);
}

static size_t count_of(struct doctor *d, const struct uncharged *u, const char **buses, size_t n)
{
	if (!strcmp(u->driver, sound))
		return count_cards(d);
	return strcmp(u->driver, protected) ? count_devices(d, u, buses, n) : count_protected(d);
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
		devices = count_of(d, u, buses, n);
		if (devices)
			say(d, u, devices);
	}
}
