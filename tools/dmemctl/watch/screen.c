// SPDX-License-Identifier: GPL-2.0-or-later
/* Control of the whole terminal. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "screen.h"

/* Switch to the alternate screen and hide the cursor; and back. */
#define ENTER	"\033[?1049h\033[?25l"
#define LEAVE	"\033[?25h\033[?1049l"

bool screen_find(struct screen *s)
{
	const char *term = getenv("TERM");

	*s = (struct screen){ .in = isatty(STDIN_FILENO) ? STDIN_FILENO : -1, .out = STDOUT_FILENO };
	return isatty(s->out) && term && *term && strcmp(term, "dumb");
}

void screen_measure(struct screen *s)
{
	struct winsize w = { 0 };

	ioctl(s->out, TIOCGWINSZ, &w);
	/* A serial line does not report its size: assume 24 rows and 80 columns. */
	s->rows = w.ws_row ? w.ws_row : 24;
	s->columns = w.ws_col ? w.ws_col : 80;
}

size_t screen_fit(const char *text, unsigned int columns)
{
	size_t at = 0, left = columns, len = strlen(text);
	mbstate_t state = { 0 };

	while (at < len) {
		wchar_t c;
		size_t n = mbrtowc(&c, text + at, len - at, &state);
		int width;

		if (n >= (size_t)-2 || !n)
			break;
		width = wcwidth(c);
		if (width < 0 || (size_t)width > left)
			break;
		left -= (size_t)width;
		at += n;
	}
	return at;
}

int screen_write(const struct screen *s, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(s->out, text, len);
		struct pollfd p = { .fd = s->out, .events = POLLOUT };

		if (n < 0 && errno == EAGAIN)
			poll(&p, 1, -1);
		else if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int screen_enter(struct screen *s)
{
	struct termios t;

	if (s->in >= 0) {
		if (tcgetattr(s->in, &s->saved))
			return -errno;
		t = s->saved;
		/* Ctrl-C and Ctrl-Z still send signals. */
		t.c_lflag &= (tcflag_t)~(ICANON | ECHO);
		t.c_cc[VMIN] = 1;
		t.c_cc[VTIME] = 0;
		if (tcsetattr(s->in, TCSANOW, &t))
			return -errno;
	}
	s->entered = true;
	return screen_write(s, ENTER, strlen(ENTER));
}

void screen_leave(struct screen *s)
{
	if (!s->entered)
		return;
	s->entered = false;
	screen_write(s, LEAVE, strlen(LEAVE));
	/* Discard typed keys: the shell must not read them. */
	if (s->in >= 0)
		tcsetattr(s->in, TCSAFLUSH, &s->saved);
}
