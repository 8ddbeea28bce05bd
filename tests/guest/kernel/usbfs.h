/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device of /dev/bus/usb that has no driver: QEMU's tablet. User space maps memory of it
 * for transfers without a copy.
 *
 * Functions that return int return a negative errno on failure.
 */
#ifndef DMEM_USBFS_H
#define DMEM_USBFS_H

#include <stddef.h>

/* Waits until the kernel has found the device. Returns -ENOENT without a controller. */
int usbfs_open(void);
void *usbfs_map(int fd, size_t len);	/* or NULL, with errno */
/*
 * Begins a transfer from the device to buf, which takes place when the tablet is touched, and
 * so never. The second function ends it.
 */
int usbfs_begin(int fd, void *buf, size_t len);
int usbfs_cancel(int fd);

#endif /* DMEM_USBFS_H */
