// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the id and names of a machine. Serial numbers are not read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "appid.h"
#include "identity.h"

/* Bytes of a name, at most: vendor and product together are one fact. */
#define MAX_TEXT	(HIST_FACT / 2 - 1)

/* The first line of a file, or NULL: it cannot be read, or is empty. */
static int first_line(struct identity *i, const struct dmem_sys *s, const char *path,
		      const char **line)
{
	struct dmem_text t = { 0 };
	size_t len;
	int ret = dmem_sys_read(s, path, &t);

	*line = NULL;
	if (!ret) {
		len = strcspn(t.s, "\n");
		if (len && len <= MAX_TEXT) {
			*line = dmem_strndup(&i->arena, t.s, len);
			ret = *line ? 0 : -ENOMEM;
		}
	}
	dmem_text_free(&t);
	return ret == -ENOMEM ? ret : 0;
}

static int read_machine(struct identity *i, const struct dmem_sys *s)
{
	char id[APPID_TEXT];
	const char *line;
	int ret = first_line(i, s, "etc/machine-id", &line);

	if (ret || !line || !appid_machine(line, id))
		return ret;
	i->id.machine = dmem_strdup(&i->arena, id);
	return i->id.machine ? 0 : -ENOMEM;
}

/* A board's device tree names its model, and the firmware of a PC its vendor and product. */
static int read_model(struct identity *i, const struct dmem_sys *s)
{
	static const char * const models[] = {
		"sys/firmware/devicetree/base/model", "proc/device-tree/model",
	};
	const char *vendor, *product;
	int ret = 0;

	for (size_t k = 0; k < sizeof(models) / sizeof(*models) && !ret && !i->id.model; k++)
		ret = first_line(i, s, models[k], &i->id.model);
	if (ret || i->id.model)
		return ret;
	ret = first_line(i, s, "sys/class/dmi/id/sys_vendor", &vendor);
	if (!ret)
		ret = first_line(i, s, "sys/class/dmi/id/product_name", &product);
	if (ret || !product)
		return ret;
	i->id.model = vendor ? dmem_printf(&i->arena, "%s %s", vendor, product) : product;
	return i->id.model ? 0 : -ENOMEM;
}

int identity_read(struct identity *i, const struct dmem_sys *s)
{
	const char *boot;
	int ret = first_line(i, s, "proc/sys/kernel/random/boot_id", &boot);

	if (boot && strlen(boot) == HIST_BOOT)
		memcpy(i->id.boot, boot, HIST_BOOT);
	if (!ret)
		ret = read_machine(i, s);
	if (!ret)
		ret = first_line(i, s, "proc/sys/kernel/hostname", &i->id.host);
	if (!ret)
		ret = read_model(i, s);
	return ret ? ret : first_line(i, s, "proc/sys/kernel/osrelease", &i->id.release);
}

void identity_free(struct identity *i)
{
	dmem_arena_free(&i->arena);
	*i = (struct identity){ 0 };
}
