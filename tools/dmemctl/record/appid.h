/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine id as other programs may see it: machine-id(5) asks to keep the id itself on the
 * machine, and to hash it with a key of the application. The result is that of
 * sd_id128_get_machine_app_specific(), which reads only this machine's id, and needs libsystemd.
 */
#ifndef APPID_H
#define APPID_H

#include <stdbool.h>

#define APPID_TEXT	33	/* hexadecimal digits and a zero */

/* @machine: the content of /etc/machine-id. False: it has no id, and @out is "". */
bool appid_machine(const char *machine, char out[APPID_TEXT]);

#endif
