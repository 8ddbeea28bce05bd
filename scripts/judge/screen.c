// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looks at the guest's screen for the guest: "look WIDTH HEIGHT SEED" on a
 * virtio port is answered with "wrong N", the number of pixels that differ from
 * the pattern of that seed. QEMU's monitor gives the picture.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/guest/display/pattern.h"

#define TRIES	600		/* of 100 ms, until QEMU is there */

struct peer {
	int fd;
	FILE *in;
};

static int connect_to(struct peer *peer, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timespec wait = { .tv_nsec = 100000000 };
	int fd, i;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		fprintf(stderr, "screen: %s: too long for a socket\n", path);
		return -EINVAL;
	}
	strcpy(addr.sun_path, path);
	for (i = 0; i < TRIES; i++) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			break;
		if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
			peer->fd = fd;
			peer->in = fdopen(fd, "r");
			return peer->in ? 0 : -ENOMEM;
		}
		close(fd);
		nanosleep(&wait, NULL);
	}
	fprintf(stderr, "screen: cannot connect to %s: %s\n", path,
		strerror(errno));
	return -ENOENT;
}

static int say(const struct peer *peer, const char *text)
{
	size_t len = strlen(text);

	return write(peer->fd, text, len) == (ssize_t)len ? 0 : -EIO;
}

/* Sends a command to the monitor and reads up to its answer. */
static int command(const struct peer *monitor, const char *text)
{
	char line[4096];

	if (say(monitor, text))
		return -EIO;
	while (fgets(line, sizeof(line), monitor->in)) {
		if (!strncmp(line, "{\"return\"", 9))
			return 0;
		if (!strncmp(line, "{\"error\"", 8)) {
			fprintf(stderr, "screen: the monitor says %s", line);
			return -EINVAL;
		}
	}
	return -EPIPE;
}

/* Pixels of a PPM that are not the pattern's, or a negative errno. */
static long compare(const char *path, int width, int height, int seed)
{
	FILE *f = fopen(path, "re");
	int w, h, depth, x, y;
	long wrong = 0;

	if (!f)
		return -errno;
	if (fscanf(f, "P6 %d %d %d", &w, &h, &depth) != 3 ||
	    fgetc(f) == EOF || w != width || h != height || depth != 255) {
		fclose(f);
		return -EBADMSG;
	}
	for (y = 0; y < h; y++) {
		for (x = 0; x < w; x++) {
			unsigned char rgb[3];

			if (fread(rgb, 3, 1, f) != 1) {
				fclose(f);
				return -EBADMSG;
			}
			wrong += (rgb[0] << 16 | rgb[1] << 8 | rgb[2]) !=
				 (int)pattern_pixel(x, y, seed);
		}
	}
	fclose(f);
	return wrong;
}

static long look(const struct peer *monitor, const char *picture,
		 const char *line)
{
	int width, height, seed, ret;
	char text[4096];

	if (sscanf(line, "look %d %d %d", &width, &height, &seed) != 3)
		return -EINVAL;
	snprintf(text, sizeof(text),
		 "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"%s\"}}\n",
		 picture);
	ret = command(monitor, text);
	if (ret)
		return ret;
	return compare(picture, width, height, seed);
}

int main(int argc, char **argv)
{
	struct peer monitor, port;
	char line[256];

	if (argc != 4) {
		fprintf(stderr, "usage: screen MONITOR-SOCKET PORT-SOCKET PICTURE\n");
		return 2;
	}
	if (connect_to(&monitor, argv[1]) || connect_to(&port, argv[2]) ||
	    command(&monitor, "{\"execute\":\"qmp_capabilities\"}\n"))
		return 1;
	while (fgets(line, sizeof(line), port.in)) {
		snprintf(line, sizeof(line), "wrong %ld\n",
			 look(&monitor, argv[3], line));
		if (say(&port, line))
			break;
	}
	return 0;
}
