// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * screen - check the screen of a guest
 *
 *   screen MONITOR-SOCKET PORT-SOCKET PICTURE
 *
 * The guest cannot see its own screen. It writes "look WIDTH HEIGHT SEED" to a virtio
 * port. The answer is "wrong N": the number of pixels that differ from the pattern of
 * that seed, or a negative errno. QEMU's monitor writes the picture of the screen to the
 * file PICTURE.
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
#include "lib/die.h"

#define TRIES	600		/* at intervals of 100 ms, until QEMU listens */

struct peer {
	int fd;
	FILE *in;
};

/* Returns a socket, or a negative errno. */
static int try_connect(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static void connect_to(struct peer *peer, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timespec wait = { .tv_nsec = 100000000 };
	int i;

	if (strlen(path) >= sizeof(addr.sun_path))
		die("%s: too long for a socket", path);
	strcpy(addr.sun_path, path);
	for (i = 0; i < TRIES; i++) {
		peer->fd = try_connect(&addr);
		if (peer->fd >= 0)
			break;
		nanosleep(&wait, NULL);
	}
	if (peer->fd < 0)
		die("cannot connect to %s: %s", path, strerror(-peer->fd));
	peer->in = check(fdopen(peer->fd, "r"));
}

static int send_text(const struct peer *peer, const char *text)
{
	size_t len = strlen(text);

	return write(peer->fd, text, len) == (ssize_t)len ? 0 : -EIO;
}

/* Sends a command to the monitor and skips events up to its answer. */
static int command(const struct peer *monitor, const char *text)
{
	char line[4096];

	if (send_text(monitor, text))
		return -EIO;
	while (fgets(line, sizeof(line), monitor->in)) {
		if (!strncmp(line, "{\"return\"", 9))
			return 0;
		if (!strncmp(line, "{\"error\"", 8)) {
			fprintf(stderr, "error: the monitor reports %s", line);
			return -EINVAL;
		}
	}
	return -EPIPE;
}

/* "P6 WIDTH HEIGHT 255" and one blank */
static bool has_size(FILE *f, int width, int height)
{
	int w, h, depth;

	return fscanf(f, "P6 %d %d %d", &w, &h, &depth) == 3 && fgetc(f) != EOF &&
	       w == width && h == height && depth == 255;
}

/* The number of pixels that differ from the pattern, or a negative errno. */
static long count_wrong(FILE *f, int width, int height, int seed)
{
	unsigned char rgb[3];
	long wrong = 0;
	int x, y;

	for (y = 0; y < height; y++) {
		for (x = 0; x < width; x++) {
			if (fread(rgb, 3, 1, f) != 1)
				return -EBADMSG;
			wrong += (rgb[0] << 16 | rgb[1] << 8 | rgb[2]) !=
				 (int)pattern_pixel(x, y, seed);
		}
	}
	return wrong;
}

/* The same for a file in the format PPM. */
static long compare(const char *path, int width, int height, int seed)
{
	FILE *f = fopen(path, "re");
	long wrong = -EBADMSG;

	if (!f)
		return -errno;
	if (has_size(f, width, height))
		wrong = count_wrong(f, width, height, seed);
	fclose(f);
	return wrong;
}

/* @line is "look WIDTH HEIGHT SEED". */
static long look(const struct peer *monitor, const char *picture, const char *line)
{
	int width, height, seed, ret;
	char text[4096];

	if (sscanf(line, "look %d %d %d", &width, &height, &seed) != 3)
		return -EINVAL;
	snprintf(text, sizeof(text),
		 "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"%s\"}}\n", picture);
	ret = command(monitor, text);
	if (ret)
		return ret;
	return compare(picture, width, height, seed);
}

int main(int argc, char **argv)
{
	struct peer monitor, port;
	char line[256];

	if (argc != 4)
		die("usage: screen MONITOR-SOCKET PORT-SOCKET PICTURE");
	connect_to(&monitor, argv[1]);
	connect_to(&port, argv[2]);
	if (command(&monitor, "{\"execute\":\"qmp_capabilities\"}\n"))
		die("the monitor does not take commands");
	while (fgets(line, sizeof(line), port.in)) {
		snprintf(line, sizeof(line), "wrong %ld\n", look(&monitor, argv[3], line));
		if (send_text(&port, line))
			break;
	}
	return 0;
}
