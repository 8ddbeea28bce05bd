// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl watch - what is used and refused, as it happens */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "../dmemctl.h"
#include "keys.h"
#include "notify.h"
#include "screen.h"
#include "view.h"

/* Many refusals in a row are one event to the eye. */
#define GAP_MS		100
#define MAX_INTERVAL	86400

/* Without a colour: REGION and what was refused in bold, the last in red, too. */
#define BOLD		"\033[1m"
#define RED		"\033[1;31m"
#define INVERSE		"\033[7m"
#define NORMAL		"\033[m"

struct watch {
	struct ctl *c;
	struct dmem_sys sys;
	/* Until the end; until the next snapshot; until the next view of it. */
	struct dmem_arena forever, now, drawn;
	struct view_filter filter;
	enum view_sort sort;
	long long interval;			/* ms */
	unsigned long count;			/* snapshots to make, 0: no end */
	struct view_start start;
	bool started;
	time_t since;
	struct dmem_regions regions;
	struct dmem_tree tree;
	struct view view;
	unsigned int unread;			/* files, in this snapshot */
	struct notify notify;
	/* Of a terminal only. */
	struct screen screen;
	struct keys keys;
	bool colours, quit;
	size_t top;				/* the first line that is shown */
	int signals, signal;			/* an fd; the one that ends us */
};

static void help(void)
{
	printf("Usage: dmemctl watch [options] [REGION|UNIT|/CGROUP ...]\n\n"
	       "Shows what is used and refused, as it happens.\n\n"
	       "  -i, --interval=SEC  look that often, and at once when something is refused (2)\n"
	       "  -n, --count=N       end after N times\n"
	       "  -s, --sort=ORDER    of a region's cgroups: name, use or refusals\n"
	       "  -h, --help          this text\n\n"
	       "Keys: q quits, space looks now, s sorts in another order; arrows, page up and\n"
	       "down, home and end scroll. Without a terminal, each time is a table.\n\n"
	       "See dmemctl-watch(8).\n");
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void note(void *data, const char *path, int err)
{
	struct watch *w = data;

	w->unread++;
	/* Once, and not where it would spoil the screen. */
	if (!w->started && !w->screen.entered)
		cli_error(&w->c->cli, "cannot read /%s: %s", path, strerror(err));
}

/* ---- what is shown ---- */

static int look(struct watch *w)
{
	int ret = notify_update(&w->notify, &w->sys);

	dmem_arena_free(&w->now);
	w->unread = 0;
	/* What is refused from here on is told once more. */
	notify_clear(&w->notify);
	if (!ret)
		ret = dmem_regions_read_some(&w->sys, &w->now, DMEM_READ_CAPACITY |
					     DMEM_READ_CURRENT | DMEM_READ_PEAK |
					     DMEM_READ_UNACCOUNTED | DMEM_READ_AVAILABLE, note, w,
					     &w->regions);
	if (!ret)
		ret = dmem_tree_read(&w->sys, &w->now, &w->regions, "", VIEW_FIGURES, UINT_MAX,
				     note, w, &w->tree);
	/* Its root is there all the same. */
	if (ret == -ENOENT)
		ret = 0;
	if (ret || w->started)
		return ret;
	w->started = true;
	w->since = time(NULL);
	return view_begin(&w->start, &w->forever, &w->tree);
}

static int make_view(struct watch *w)
{
	dmem_arena_free(&w->drawn);
	return view_make(&w->view, &w->drawn, &w->tree, &w->start, &w->filter, w->sort,
			 w->screen.entered ? w->screen.columns : 0);
}

static const char *clock_of(time_t t, char buf[32])
{
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(buf, 32, "%H:%M:%S", &tm))
		*buf = 0;
	return buf;
}

/* "12:30:07  3 regions, 12 cgroups, 2 refused since 12:29:55" */
static void print_title(const struct watch *w, FILE *f)
{
	char now[32], since[32];

	fprintf(f, "%s  %zu region%s, %zu cgroup%s, %llu refused since %s",
		clock_of(time(NULL), now), w->view.regions, w->view.regions == 1 ? "" : "s",
		w->view.cgroups, w->view.cgroups == 1 ? "" : "s",
		(unsigned long long)w->view.since, clock_of(w->since, since));
	if (w->unread)
		fprintf(f, ", %u files unread", w->unread);
}

static void print_plain(const struct watch *w)
{
	print_title(w, stdout);
	printf("\n%s\n", w->view.heading);
	for (size_t i = 0; i < w->view.n; i++)
		printf("%s\n", w->view.line[i].text);
	printf("\n");
	fflush(stdout);
}

/* One line of the screen, cut where it ends. All is ASCII. */
static void put_line(const struct watch *w, FILE *f, const char *style, const char *text)
{
	bool styled = *style && w->colours;

	fprintf(f, "%s%.*s%s\033[K", styled ? style : "", (int)w->screen.columns, text,
		styled ? NORMAL : "");
}

static size_t body_rows(const struct watch *w)
{
	return w->screen.rows > 3 ? w->screen.rows - 3 : 0;
}

static void scroll_to(struct watch *w, long line)
{
	long last = (long)w->view.n - (long)body_rows(w);

	if (line > last)
		line = last;
	w->top = line > 0 ? (size_t)line : 0;
}

static void print_status(const struct watch *w, FILE *f)
{
	size_t last = w->top + body_rows(w);

	fprintf(f, "q quit  space now  s sort: %s  ", view_sort_names[w->sort]);
	if (w->notify.fd < 0)
		fprintf(f, "no events  ");
	if (w->top || last < w->view.n)
		fprintf(f, "lines %zu-%zu of %zu", w->top + 1,
			last < w->view.n ? last : w->view.n, w->view.n);
}

/* What one of these prints, good until the next view. */
static const char *line_of(struct watch *w, void (*print)(const struct watch *w, FILE *f))
{
	char *text = NULL, *copy;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	print(w, f);
	copy = fclose(f) ? NULL : dmem_strdup(&w->drawn, text);
	free(text);
	return copy;
}

static int draw_on(struct watch *w, FILE *f)
{
	static const char * const styles[] = {
		[VIEW_REGION] = BOLD, [VIEW_CGROUP] = "", [VIEW_REFUSED] = RED,
	};
	const char *title, *status;

	scroll_to(w, (long)w->top);
	title = line_of(w, print_title);
	status = line_of(w, print_status);
	if (!title || !status)
		return -ENOMEM;
	fputs("\033[H", f);
	put_line(w, f, "", title);
	if (w->screen.rows > 2) {
		fputs("\n", f);
		put_line(w, f, INVERSE, w->view.heading);
	}
	for (size_t i = 0; i < body_rows(w); i++) {
		const struct view_line *l = NULL;

		if (w->top + i < w->view.n)
			l = &w->view.line[w->top + i];
		fputs("\n", f);
		put_line(w, f, l ? styles[l->kind] : "", l ? l->text : "");
	}
	if (w->screen.rows > 1) {
		fputs("\n", f);
		put_line(w, f, "", status);
	}
	return 0;
}

static int draw(struct watch *w)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int ret = f ? draw_on(w, f) : -ENOMEM;

	if (f && fclose(f))
		ret = -ENOMEM;
	if (!ret)
		ret = screen_write(&w->screen, text, len);
	free(text);
	return ret;
}

static int redraw(struct watch *w)
{
	int ret = make_view(w);

	return ret ? ret : draw(w);
}

/* ---- the terminal ---- */

static int enter(struct watch *w)
{
	screen_measure(&w->screen);
	return screen_enter(&w->screen);
}

static int take_signal(struct watch *w)
{
	struct signalfd_siginfo s;
	int ret = 0;

	if (read(w->signals, &s, sizeof(s)) != sizeof(s))
		return 0;
	switch (s.ssi_signo) {
	case SIGWINCH:
		screen_measure(&w->screen);
		break;
	case SIGTSTP:
		screen_leave(&w->screen);
		raise(SIGSTOP);
		/* Here we go on, which SIGCONT tells as well. */
		return 0;
	case SIGCONT:
		/* A shell may have had the terminal meanwhile, or somebody has stopped us
		 * in another way. */
		screen_leave(&w->screen);
		ret = enter(w);
		break;
	default:
		w->signal = (int)s.ssi_signo;
		return 0;
	}
	return ret ? ret : redraw(w);
}

static void take_key(struct watch *w, enum key key, bool *now)
{
	long page = (long)body_rows(w), top = (long)w->top;

	switch (key) {
	case KEY_NONE:
		break;
	case KEY_QUIT:
		w->quit = true;
		break;
	case KEY_REFRESH:
		*now = true;
		break;
	case KEY_SORT:
		w->sort = (w->sort + 1) % VIEW_SORTS;
		break;
	case KEY_UP:
		scroll_to(w, top - 1);
		break;
	case KEY_DOWN:
		scroll_to(w, top + 1);
		break;
	case KEY_PAGE_UP:
		scroll_to(w, top - page);
		break;
	case KEY_PAGE_DOWN:
		scroll_to(w, top + page);
		break;
	case KEY_HOME:
		scroll_to(w, 0);
		break;
	case KEY_END:
		scroll_to(w, (long)w->view.n);
		break;
	}
}

static int take_keys(struct watch *w, bool *now)
{
	unsigned char buf[64];
	ssize_t n = read(w->screen.in, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	/* The terminal is gone. */
	if (n <= 0)
		w->quit = true;
	for (ssize_t i = 0; i < n; i++)
		take_key(w, keys_next(&w->keys, buf[i]), now);
	keys_idle(&w->keys);
	return n > 0 && !w->quit ? redraw(w) : 0;
}

static int begin_screen(struct watch *w)
{
	static const int ours[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH,
	};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		sigaddset(&set, ours[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals < 0)
		return -errno;
	w->colours = cli_colours(stdout);
	return enter(w);
}

/* The signal that has ended us does what it would have done. */
static void end_by_signal(int signal_number)
{
	sigset_t set;

	signal(signal_number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	raise(signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- the loop ---- */

/* Waits until it is time to look again, at *@due or before. */
static int wait_until(struct watch *w, long long *due, long long last)
{
	while (!w->quit && !w->signal) {
		long long left = *due - now_ms();
		struct pollfd p[] = {
			{ .fd = w->screen.entered ? w->screen.in : -1, .events = POLLIN },
			{ .fd = w->signals, .events = POLLIN },
			/* Without a terminal, it is by time only. */
			{ .fd = w->screen.entered ? w->notify.fd : -1, .events = POLLIN },
		};
		bool now = false;
		int ret = 0;

		if (left <= 0)
			return 0;
		if (poll(p, 3, left < INT_MAX ? (int)left : INT_MAX) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			ret = take_signal(w);
		if (!ret && p[0].revents)
			ret = take_keys(w, &now);
		if (ret)
			return ret;
		if (now)
			return 0;
		if (p[2].revents) {
			notify_clear(&w->notify);
			if (last + GAP_MS < *due)
				*due = last + GAP_MS;
		}
	}
	return 0;
}

static int run(struct watch *w)
{
	long long due = now_ms(), last;
	int ret = 0;

	for (unsigned long i = 1; !ret; i++) {
		ret = look(w);
		if (!ret)
			ret = make_view(w);
		if (!ret && w->screen.entered)
			ret = draw(w);
		else if (!ret)
			print_plain(w);
		if (ret || ferror(stdout) || (w->count && i == w->count))
			break;
		last = now_ms();
		/* In step, unless it takes longer than that. */
		due = due + w->interval > last ? due + w->interval : last + w->interval;
		ret = wait_until(w, &due, last);
		if (w->quit || w->signal)
			break;
		due = now_ms() < due ? now_ms() : due;
	}
	return ret;
}

/* ---- the command line ---- */

static int keep(struct watch *w, const char ***words, size_t *n, const char *word)
{
	const char **more = dmem_grow(&w->forever, *words, *n, sizeof(*more));

	if (!more || !word)
		return -ENOMEM;
	*words = more;
	more[(*n)++] = word;
	return 0;
}

static const char *region_of(const struct dmem_regions *r, const char *word)
{
	const char *heap = dmem_region_heap(word);

	for (size_t i = 0; heap && i < r->n_heaps; i++) {
		if (!strcmp(r->heap[i].name, heap))
			return r->heap[i].region;
	}
	return dmem_regions_find(r, word) ? word : NULL;
}

static int take_word(struct watch *w, const struct dmem_regions *r, const char *word)
{
	struct view_filter *f = &w->filter;
	const char *region = region_of(r, word);

	if (region)
		return keep(w, &f->region, &f->n_regions, region);
	if (*word == '/') {
		char *path = dmem_strdup(&w->forever, word + strspn(word, "/"));

		for (size_t n = path ? strlen(path) : 0; n && path[n - 1] == '/'; n--)
			path[n - 1] = 0;
		return keep(w, &f->path, &f->n_paths, path);
	}
	if (dmem_unit_type(word) >= 0)
		return keep(w, &f->unit, &f->n_units, word);
	word = dmem_printf(&w->forever, "%s.service", word);
	if (word && dmem_unit_type(word) < 0)
		return -EINVAL;
	return keep(w, &f->unit, &f->n_units, word);
}

static int take_words(struct watch *w, int n, char **word)
{
	struct dmem_regions r = { 0 };
	int ret = 0;

	if (n)
		ret = dmem_regions_read_some(&w->sys, &w->forever,
					     DMEM_READ_CAPACITY | DMEM_READ_HEAPS, NULL, NULL, &r);
	for (int i = 0; i < n && !ret; i++) {
		ret = take_word(w, &r, word[i]);
		if (ret == -EINVAL)
			return cli_usage(&w->c->cli, "'%s' is neither a region nor a unit", word[i]);
	}
	if (!ret)
		return CLI_OK;
	cli_error(&w->c->cli, "%s", strerror(-ret));
	return CLI_FAILED;
}

static int take_option(struct watch *w, int opt)
{
	double seconds;
	char *end;

	switch (opt) {
	case 'i':
		seconds = strtod(optarg, &end);
		/* Written so that what is not a number is wrong, too. */
		if (*end || end == optarg || !(seconds >= 0.1 && seconds <= MAX_INTERVAL))
			return cli_usage(&w->c->cli, "'%s' is no interval: write 0.1 to %d seconds",
					 optarg, MAX_INTERVAL);
		w->interval = (long long)(seconds * 1000);
		return CLI_OK;
	case 'n':
		errno = 0;
		w->count = strtoul(optarg, &end, 10);
		if (*end || *optarg < '0' || *optarg > '9' || errno || !w->count)
			return cli_usage(&w->c->cli, "'%s' is no count", optarg);
		return CLI_OK;
	default:
		for (w->sort = 0; w->sort < VIEW_SORTS; w->sort++) {
			if (!strcmp(optarg, view_sort_names[w->sort]))
				return CLI_OK;
		}
		return cli_usage(&w->c->cli, "'%s' is no order: write name, use or refusals", optarg);
	}
}

static int watch(struct watch *w, int n, char **words)
{
	int ret = dmem_sys_open(&w->sys, w->c->sysroot);
	bool full = screen_find(&w->screen);

	if (ret) {
		cli_error(&w->c->cli, "cannot open %s: %s", w->c->sysroot ? w->c->sysroot : "/",
			  strerror(-ret));
		return CLI_FAILED;
	}
	ret = take_words(w, n, words);
	if (ret)
		return ret;
	if (full)
		ret = begin_screen(w);
	if (!ret)
		ret = run(w);
	screen_leave(&w->screen);
	/* A terminal that has gone takes no message. */
	if (ret && ret != -EIO)
		cli_error(&w->c->cli, "%s", strerror(-ret));
	return ret ? CLI_FAILED : CLI_OK;
}

int verb_watch(struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", 1, NULL, 'i' }, { "count", 1, NULL, 'n' }, { "sort", 1, NULL, 's' },
		{ "help", 0, NULL, 'h' }, { 0 },
	};
	struct watch w = { .c = c, .interval = 2000, .signals = -1, .sys.root = -1 };
	int opt, ret = CLI_OK;

	opterr = 0;
	while (ret == CLI_OK && (opt = getopt_long(argc, argv, ":hi:n:s:", options, NULL)) != -1) {
		if (opt == 'h') {
			help();
			return CLI_OK;
		}
		if (opt == ':')
			ret = cli_usage(&c->cli, "option '%s' wants a value", argv[optind - 1]);
		else if (opt == '?')
			ret = cli_usage(&c->cli, "there is no option '%s'", argv[optind - 1]);
		else
			ret = take_option(&w, opt);
	}
	if (ret != CLI_OK)
		return ret;
	notify_begin(&w.notify);
	ret = watch(&w, argc - optind, argv + optind);
	notify_end(&w.notify);
	if (w.signals >= 0)
		close(w.signals);
	dmem_arena_free(&w.forever);
	dmem_arena_free(&w.now);
	dmem_arena_free(&w.drawn);
	dmem_sys_close(&w.sys);
	if (w.signal)
		end_by_signal(w.signal);
	return ret;
}
