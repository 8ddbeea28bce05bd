// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl doctor: drivers of the machine that do not charge all memory of users. The cases take
 * entries of the table, since the next kernel may charge the memory of any driver in it.
 *
 * test_doctor_drivers DMEMCTL JQ DIRECTORY
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "dmemctl/doctor/drivers.h"
#include "dmemctl/doctor/uncharged.h"

#define ENTRIES		(sizeof(uncharged) / sizeof(*uncharged))
#define DEVICES		"root/sys/devices/"
#define NOTHING		"no problems: 3 regions, 9 cgroups\n"

static struct tool t;
static char wanted[65536];

/* The first entry of the table with these properties; the test fails if there is none. */
static const struct uncharged *entry(bool cma, bool compatible)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct uncharged *u = &uncharged[i];

		if (u->cma == cma && !u->with == !compatible)
			return u;
	}
	check(false, "the table has an entry of each kind", "cma %d, compatible %d", cma, compatible);
	return NULL;
}

static void base(void)
{
	board(&t);
	put(CG "media.slice/dmem.max", CAMERA " 10485760\n");
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 10M\n");
	*wanted = 0;
}

/* A file or link of a device: rel("soc/a", "uevent") */
static const char *rel(const char *device, const char *name)
{
	static char path[4][512];
	static unsigned int n;
	char *p = path[n++ % 4];

	snprintf(p, sizeof(path[0]), DEVICES "%s/%s", device, name);
	return p;
}

/* A device, which the driver of this bus has, if it is not NULL. */
static void device(const char *name, const char *bus, const char *driver, const char *compatible)
{
	char path[512], target[512];

	put(rel(name, "uevent"), "%s", "");
	snprintf(target, sizeof(target), "../../../bus/%s", bus);
	link_to(rel(name, "subsystem"), target);
	if (compatible) {
		char *file = (char *)tap_path(rel(name, "of_node/compatible"));
		FILE *f;

		put(rel(name, "of_node/compatible"), "%s", "");
		f = fopen(file, "w");
		/* With a zero behind each. */
		if (!f || fwrite("vendor,first", 1, 13, f) != 13 ||
		    fwrite(compatible, 1, strlen(compatible) + 1, f) != strlen(compatible) + 1 || fclose(f))
			check(false, "the test writes its files", "%s", file);
	}
	if (!driver)
		return;
	snprintf(path, sizeof(path), "root/sys/bus/%s/drivers/%s/%s", bus, driver, name);
	snprintf(target, sizeof(target), "../../../../devices/%s", name);
	link_to(path, target);
}

/* The files that a driver without a device has, too. */
static void driver(const char *bus, const char *name)
{
	static const char * const files[] = { "bind", "unbind", "uevent" };
	char path[512];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "root/sys/bus/%s/drivers/%s/%s", bus, name, files[i]);
		put(path, "%s", "");
	}
	put("root/sys/module/drv/uevent", "%s", "");
	snprintf(path, sizeof(path), "root/sys/bus/%s/drivers/%s/module", bus, name);
	/* A driver can have two entries. */
	if (!is_there(path))
		link_to(path, "../../../../module/drv");
}

/* Adds the line of an entry to the wanted output. */
static void want(const struct uncharged *u, size_t devices)
{
	size_t at = strlen(wanted);

	snprintf(wanted + at, sizeof(wanted) - at,
		 "note: %s: the driver of %zu device%s does not charge some memory, so no limit holds for it: %s: "
		 "restrict access to the device nodes%s\n",
		 u->driver, devices, devices == 1 ? "" : "s", u->memory,
		 u->cma ? "; lsdmem shows memory in use without a charge" : "");
}

static void same(const char *name)
{
	int code = tool(&t, "doctor");

	check(!code && !*get("err") && !strcmp(get("out"), *wanted ? wanted : NOTHING), name, "exit code %d: %s", code,
	      get("out"));
}

/* All entries of the table, each with two devices on different buses */
static void all(void)
{
	char name[64];

	base();
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct uncharged *u = &uncharged[i];

		snprintf(name, sizeof(name), "a%zu", i);
		device(name, "platform", u->driver, u->with);
		snprintf(name, sizeof(name), "b%zu", i);
		device(name, "pci", u->driver, u->with);
		driver("platform", u->driver);
		want(u, 2);
	}
	same("each driver with devices is named");
	check(!tool(&t, "doctor --json") &&
	      !jq(&t, "(.findings | length) > 0 and all(.findings[]; .severity == \"note\" and "
		      "keys == [\"finding\", \"remedy\", \"severity\", \"subject\"])"),
	      "in JSON they are findings, too", "%s", get("err"));
}

static void without_devices(void)
{
	base();
	for (size_t i = 0; i < ENTRIES; i++)
		driver("platform", uncharged[i].driver);
	device("x", "platform", "another", NULL);
	same("drivers without devices are not named");
}

static void compatible(void)
{
	const struct uncharged *u = entry(true, true);

	if (!u)
		return;
	base();
	device("x", "platform", u->driver, "vendor,second");
	same("a driver is not named for another device");
	base();
	device("x", "platform", u->driver, NULL);
	same("nor for a device without a device tree");
	base();
	device("x", "platform", u->driver, "vendor,second");
	device("y", "platform", u->driver, u->with);
	want(u, 1);
	same("only compatible devices are counted");
}

static void iommu(void)
{
	const struct uncharged *u = entry(true, false), *other = entry(false, false);

	if (!u || !other)
		return;
	base();
	device("x", "platform", u->driver, NULL);
	put(rel("x", "iommu_group/type"), "DMA-FQ\n");
	same("behind an IOMMU nothing is from an area");
	put(rel("x", "iommu_group/type"), "identity\n");
	want(u, 1);
	same("an IOMMU may translate nothing");
	base();
	device("x", "pci", other->driver, NULL);
	put(rel("x", "iommu_group/type"), "DMA\n");
	want(other, 1);
	same("memory of the device does not depend on an IOMMU");
}

/* A kernel without the series has a region, but none of an area. */
static void without_areas(void)
{
	const struct uncharged *u = entry(true, false), *other = entry(false, false);
	struct fake f;

	if (!u || !other)
		return;
	base();
	tap_dir(t.dir);
	fake_start(&f, FAKE_6_14);
	fake_region(&f, "drm/0/vram", 512 * MIB);
	fake_cgroup(&f, "", NULL, 0);
	fake_cgroup(&f, "user.slice", NULL, 0);
	device("x", "platform", u->driver, NULL);
	device("y", "pci", other->driver, NULL);
	want(other, 1);
	same("without a region of an area no driver is named for one");
}

/* A coherent pool is in the place of an area for its devices. */
static void only_pools(void)
{
	const struct uncharged *u = entry(true, false);
	struct fake f;

	if (!u)
		return;
	base();
	tap_dir(t.dir);
	fake_start(&f, FAKE_OURS);
	fake_region(&f, "dma/coherent/vpu@90000000", 16 * MIB);
	fake_cgroup(&f, "", NULL, 0);
	fake_cgroup(&f, "user.slice", NULL, 0);
	device("x", "platform", u->driver, NULL);
	want(u, 1);
	same("with a region of a coherent pool, drivers are named");
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	t = (struct tool){ .program = argv[1], .jq = argv[2], .dir = argv[3] };
	tap_start();
	RUN(all);
	RUN(without_devices);
	RUN(compatible);
	RUN(iommu);
	RUN(without_areas);
	RUN(only_pools);
	return tap_end();
}
