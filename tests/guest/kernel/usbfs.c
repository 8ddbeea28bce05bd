// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_util.h"
#include "usbfs.h"

#define ROOT_HUB	"/dev/bus/usb/001/001"
#define DEVICE		"/dev/bus/usb/001/002"
#define FOUND_MS	20000		/* by the kernel, at most */
#define ENDPOINT	0x81		/* events */
#define EVENT		8		/* bytes */

static struct usbdevfs_urb urb;

int usbfs_open(void)
{
	long long end = now_ms() + FOUND_MS;
	int fd;

	if (access(ROOT_HUB, F_OK))
		return -errno;
	do {
		fd = open(DEVICE, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		sleep_ms(100);
	} while (errno == ENOENT && now_ms() < end);
	return -errno;
}

void *usbfs_map(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int usbfs_begin(int fd, void *buf, size_t len)
{
	int interface = 0;

	if (len < EVENT)
		return -EINVAL;
	urb = (struct usbdevfs_urb) {
		.type = USBDEVFS_URB_TYPE_INTERRUPT, .endpoint = ENDPOINT,
		.buffer = buf, .buffer_length = EVENT,
	};
	if (ioctl(fd, USBDEVFS_CLAIMINTERFACE, &interface) || ioctl(fd, USBDEVFS_SUBMITURB, &urb))
		return -errno;
	return 0;
}

int usbfs_cancel(int fd)
{
	void *done;

	if (ioctl(fd, USBDEVFS_DISCARDURB, &urb) || ioctl(fd, USBDEVFS_REAPURB, &done))
		return -errno;
	return done == &urb ? 0 : -EPROTO;
}
