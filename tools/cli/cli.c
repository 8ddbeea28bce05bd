// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages, sizes, dates, and output that reports write errors. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dmem/look.h"
#include "cli.h"
#include "text.h"

static void say(const struct cli *c, const char *fmt, va_list ap)
{
	char text[4096], harmless[TEXT_ROOM(sizeof(text))];

	vsnprintf(text, sizeof(text), fmt, ap);
	text_put(harmless, text, strlen(text), TEXT_LOCALE);
	fprintf(stderr, "%s: %s\n", c->program, harmless);
}

void cli_error(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
}

int cli_usage(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try '%s --help' for more information.\n", c->program);
	return CLI_USAGE;
}

int cli_bad_option(const struct cli *c, int opt, const char *letters, char **argv)
{
	const char *word = argv[optind - 1];

	if (opt == ':')
		return cli_usage(c, "option needs a value: %s", word);
	/* Inside a group of letters, optind has not moved to the next word yet. */
	if (optopt && optopt < 256 && !strchr(letters, optopt))
		return cli_usage(c, "unknown option: -%c", optopt);
	return cli_usage(c, "unknown option: %s", word);
}

const char *cli_size(char buf[CLI_SIZE], uint64_t size, bool bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned int shift = 0;
	uint64_t whole, tenths;

	if (size == DMEM_UNKNOWN || size == DMEM_NO_LIMIT) {
		snprintf(buf, CLI_SIZE, "%s", size == DMEM_UNKNOWN ? "-" : "max");
		return buf;
	}
	if (bytes) {
		snprintf(buf, CLI_SIZE, "%llu", (unsigned long long)size);
		return buf;
	}
	while (shift < 60 && size >> shift >= 1024)
		shift += 10;
	whole = size >> shift;
	tenths = 0;
	if (shift) {
		/* Drop low bits, so that ten times the rest does not overflow. */
		uint64_t rest = size - (whole << shift), unit = 1ull << shift;

		tenths = ((rest >> (shift - 10)) * 10 + (unit >> (shift - 10)) / 2) >> 10;
	}
	if (tenths == 10) {
		tenths = 0;
		whole++;
		/* 1023.96M is 1G. */
		if (whole == 1024 && shift < 60) {
			whole = 1;
			shift += 10;
		}
	}
	if (tenths)
		snprintf(buf, CLI_SIZE, "%llu.%u%c", (unsigned long long)whole,
			 (unsigned int)tenths, units[shift / 10]);
	else
		snprintf(buf, CLI_SIZE, "%llu%c", (unsigned long long)whole, units[shift / 10]);
	return buf;
}

const char *cli_date(char buf[CLI_DATE], uint64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, CLI_DATE, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(buf, CLI_DATE, "?");
	return buf;
}

bool cli_colours(FILE *f)
{
	const char *plain = getenv("NO_COLOR"), *term = getenv("TERM");

	if ((plain && *plain) || !term || !*term || !strcmp(term, "dumb"))
		return false;
	return isatty(fileno(f));
}

int cli_close_stdout(const struct cli *c, int status)
{
	/* ferror() remembers an earlier error, but not its errno. */
	bool failed = ferror(stdout);
	int err = 0;

	if (fflush(stdout)) {
		failed = true;
		err = errno;
	}
	/* A network file system may report a full disk only at close. */
	if (fclose(stdout) && !failed) {
		failed = true;
		err = errno;
	}
	if (!failed || err == EPIPE)
		return status;
	if (err)
		cli_error(c, "cannot write: %s", strerror(err));
	else
		cli_error(c, "cannot write the whole output");
	return status ? status : CLI_FAILED;
}
