// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl watch - show charges and refused requests as they happen */
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

#include "cli/text.h"
#include "units/word.h"
#include "dmemctl/dmemctl.h"
#include "columns.h"
#include "keys.h"
#include "notify.h"
#include "replay.h"
#include "screen.h"
#include "view.h"

/* Refusals within this time lead to one new sample. */
#define GAP_MS		100
#define MAX_INTERVAL	86400

#define BOLD		"\033[1m"
#define YELLOW		"\033[33m"
#define RED		"\033[1;31m"
#define INVERSE		"\033[7m"
#define NORMAL		"\033[m"

struct watch {
	struct ctl *c;
	struct dmem_sys sys;
	/* Freed at the end, at the next sample, and at the next drawing. */
	struct dmem_arena forever, now, drawn;
	struct view_options o;
	struct columns columns;
	bool batch, coloured, plain;		/* options */
	long long interval;			/* ms */
	unsigned long count;			/* number of samples; 0: unlimited */
	struct view_start start;
	bool started;
	time_t since;
	struct dmem_regions regions;
	struct dmem_tree tree;
	struct view view;
	unsigned int unread;			/* files of this sample */
	struct notify notify;
	bool colours;
	/* Used with a terminal only. */
	struct screen screen;
	struct keys keys;
	char *replayed;				/* the history to show, or NULL */
	struct replay replay;
	uint64_t when;				/* ms since 1970, of its sample */
	unsigned long shown;			/* number of its samples */
	bool quit, help;
	size_t top;				/* the first visible row */
	int signals, signal;			/* a descriptor; the signal that ends us */
};

static void help(void)
{
	printf("Usage: dmemctl watch [options] [REGION|UNIT|CGROUP...]\n\n"
	       "Show the charges of regions and cgroups, and refused requests, as they happen.\n\n"
	       "  -b, --batch           print each sample as text, also on a terminal\n"
	       "      --bytes           print sizes in bytes\n"
	       "      --color[=WHEN]    use colours: auto, always or never\n"
	       "  -d, --depth=N         show this number of levels of cgroups below the root\n"
	       "  -i, --interval=SEC    seconds between two samples, default: 2; a refused\n"
	       "                        request is shown at once\n"
	       "  -J, --json            print each sample as a line of JSON\n"
	       "  -l, --list            show paths instead of a tree\n"
	       "  -n, --count=N         end after N samples\n"
	       "  -o, --output=LIST     columns; +LIST adds them to the default ones\n"
	       "  -r, --reverse         sort in reverse\n"
	       "      --replay=FILE     show the samples of a history, as fast as they were\n"
	       "                        recorded, but at most SEC seconds apart\n"
	       "  -s, --sort=ORDER      sort cgroups by name, charged, peak, free, refused,\n"
	       "                        or new (refused since the start)\n"
	       "  -t, --tree            show a tree (the default)\n"
	       "  -h, --help            print this help\n\n"
	       "Keys: q quits, ? lists the others. See dmemctl-watch(8).\n\n"
	       "Columns:\n");
	columns_help(stdout);
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
	/* Reported once, and not while a message would damage the screen. */
	if (!w->started && !w->screen.entered)
		cli_error(&w->c->cli, "cannot read /%s: %s", path, strerror(err));
}

/* ---- samples ---- */

static int take_sample(struct watch *w)
{
	int ret = notify_update(&w->notify, &w->sys);

	dmem_arena_free(&w->now);
	w->unread = 0;
	/* A request refused from now on makes the descriptor readable again. */
	notify_clear(&w->notify);
	if (!ret)
		ret = dmem_regions_read_some(&w->sys, &w->now, DMEM_READ_CAPACITY |
					     DMEM_READ_CURRENT | DMEM_READ_PEAK |
					     DMEM_READ_UNACCOUNTED | DMEM_READ_AVAILABLE, note, w,
					     &w->regions);
	/* The refusals of a region are the sum of its first level. */
	if (!ret)
		ret = dmem_tree_read(&w->sys, &w->now, &w->regions, "", VIEW_FIGURES,
				     w->o.depth ? w->o.depth : 1, note, w, &w->tree);
	/* -ENOENT: there is no cgroup below the root, which is no error. */
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
	const struct dmem_tree *tree = w->replayed ? &w->replay.tree : &w->tree;

	return view_make(&w->view, tree, &w->start, &w->o);
}

/* ---- text ---- */

static const char *clock_of(const struct watch *w, time_t t, char buf[32])
{
	const char *format = w->replayed ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S";
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(buf, 32, format, &tm))
		*buf = 0;
	return buf;
}

static time_t time_of(const struct watch *w)
{
	return w->replayed ? (time_t)(w->when / 1000) : time(NULL);
}

/* "12:30:07  3 regions, 12 cgroups, 2 refused since 12:29:55" */
static void print_title(const struct watch *w, FILE *f)
{
	char now[32], since[32];

	fprintf(f, "%s  %zu region%s, %zu cgroup%s, %llu refused since %s",
		clock_of(w, time_of(w), now), w->view.regions, w->view.regions == 1 ? "" : "s",
		w->view.cgroups, w->view.cgroups == 1 ? "" : "s",
		(unsigned long long)w->view.since, clock_of(w, w->since, since));
	if (w->unread)
		fprintf(f, ", %u file%s unread", w->unread, w->unread == 1 ? "" : "s");
}

static const char *style_of(const struct watch *w, size_t row)
{
	static const char * const styles[] = {
		[VIEW_NORMAL] = "", [VIEW_LIMIT] = YELLOW, [VIEW_REFUSED] = RED,
		[VIEW_NO_ROOM] = RED,
	};
	const struct view_row *r = &w->view.row[row];
	enum view_state state = view_state(&w->view, r);

	return state == VIEW_NORMAL && !r->node ? BOLD : styles[state];
}

/* Makes the lines of a heading and rows, and sets *@n to their number. */
static int make_lines(struct watch *w, size_t from, size_t rows, unsigned int width,
		      const char ***lines, size_t *n)
{
	char *text = NULL, *copy, *line;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int ret = f ? columns_print(&w->columns, f, &w->view, from, rows, width) : -ENOMEM;

	if (f && fclose(f))
		ret = -ENOMEM;
	copy = ret ? NULL : dmem_strdup(&w->drawn, text);
	free(text);
	*lines = dmem_alloc(&w->drawn, (rows + 2) * sizeof(**lines));
	if (!copy || !*lines)
		return ret ? ret : -ENOMEM;
	*n = 0;
	while (*n < rows + 1 && (line = strsep(&copy, "\n")))
		(*lines)[(*n)++] = line;
	return 0;
}

/* Columns of the terminal, so that no row needs two lines; or 0. */
static unsigned int text_width(struct watch *w)
{
	if (!isatty(w->screen.out))
		return 0;
	screen_measure(&w->screen);
	return w->screen.columns;
}

static int print_coloured(struct watch *w, size_t from, size_t rows)
{
	const char **lines;
	size_t n;
	int ret;

	dmem_arena_free(&w->drawn);
	ret = make_lines(w, from, rows, text_width(w), &lines, &n);
	for (size_t i = 0; i < n && !ret; i++) {
		const char *style = i ? style_of(w, from + i - 1) : INVERSE;

		printf("%s%s%s\n", style, lines[i], *style ? NORMAL : "");
	}
	return ret;
}

static int print_text(struct watch *w, size_t from, size_t rows)
{
	int ret;

	print_title(w, stdout);
	printf("\n");
	ret = w->colours ? print_coloured(w, from, rows) :
			   columns_print(&w->columns, stdout, &w->view, from, rows, text_width(w));
	printf("\n");
	fflush(stdout);
	return ret;
}

/* {"time":"2026-11-28T23:59:00.250Z","refused":0,"rows":[...]} */
static int print_json(struct watch *w)
{
	char when[64] = "";
	struct timespec t;
	struct tm tm;
	int ret;

	clock_gettime(CLOCK_REALTIME, &t);
	if (w->replayed)
		t = (struct timespec){ time_of(w), (long)(w->when % 1000) * 1000000 };
	if (gmtime_r(&t.tv_sec, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	printf("{\"time\":\"%s.%03ldZ\",\"refused\":%llu,\"unread\":%u,\"rows\":", when,
	       t.tv_nsec / 1000000,
	       (unsigned long long)w->view.since, w->unread);
	ret = columns_print_json(&w->columns, stdout, &w->view);
	printf("}\n");
	fflush(stdout);
	return ret;
}

static int print_sample(struct watch *w)
{
	return w->columns.json ? print_json(w) : print_text(w, 0, w->view.n);
}

/* ---- the screen ---- */

/* Prints one line, cut at the edge of the screen. */
static void put_line(const struct watch *w, FILE *f, const char *style, const char *text)
{
	bool styled = *style && w->colours;

	fprintf(f, "%s%.*s%s\033[K", styled ? style : "", (int)screen_fit(text, w->screen.columns),
		text,
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

	if (w->help) {
		fprintf(f, "press any key to return");
		return;
	}
	fprintf(f, "q quit  ? help  s sort: %s%s  every %gs  ", view_sort_names[w->o.sort],
		w->o.reverse ? ", reversed" : "", (double)w->interval / 1000);
	if (w->notify.fd < 0 && !w->replayed)
		fprintf(f, "no events  ");
	if (w->top || last < w->view.n)
		fprintf(f, "lines %zu-%zu of %zu", w->top + 1,
			last < w->view.n ? last : w->view.n, w->view.n);
}

/* Returns the output of @print as a string, valid until the next view. */
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

static void draw_help(const struct watch *w, FILE *f)
{
	static const char * const text[] = {
		"q           quit", "space       take a sample now",
		"s           sort by the next column",
		"r           reverse the order", "t           switch between tree and paths",
		"+ -         make the interval longer or shorter",
		"arrows j k  scroll, also page up and down,",
		"            home and end", "",
		"STATE limit: a limit is reached. no room: the region is full.",
		"NEW: refused since the start. USE: # charged, + not charged.",
	};

	for (size_t i = 0; i < body_rows(w) + 1; i++) {
		fputs("\n", f);
		put_line(w, f, "", i < sizeof(text) / sizeof(*text) ? text[i] : "");
	}
}

static size_t shown_rows(const struct watch *w)
{
	return w->view.n - w->top < body_rows(w) ? w->view.n - w->top : body_rows(w);
}

static int draw_rows(struct watch *w, FILE *f)
{
	size_t rows = shown_rows(w), n;
	const char **lines;
	int ret = make_lines(w, w->top, rows, w->screen.columns, &lines, &n);

	if (ret)
		return ret;
	for (size_t i = 0; i < body_rows(w) + 1; i++) {
		const char *style = !i ? INVERSE : i <= rows ? style_of(w, w->top + i - 1) : "";

		fputs("\n", f);
		put_line(w, f, style, i < n ? lines[i] : "");
	}
	return 0;
}

static int draw_on(struct watch *w, FILE *f)
{
	const char *title, *status;
	int ret = 0;

	dmem_arena_free(&w->drawn);
	scroll_to(w, (long)w->top);
	title = line_of(w, print_title);
	status = line_of(w, print_status);
	if (!title || !status)
		return -ENOMEM;
	fputs("\033[H", f);
	put_line(w, f, "", title);
	if (w->screen.rows > 2 && w->help)
		draw_help(w, f);
	else if (w->screen.rows > 2)
		ret = draw_rows(w, f);
	if (w->screen.rows > 1) {
		fputs("\n", f);
		put_line(w, f, "", status);
	}
	return ret;
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
		/* The program continues here; SIGCONT then enters the screen again. */
		return 0;
	case SIGCONT:
		/* A shell may have changed the terminal, or SIGSTOP has left it as it was. */
		screen_leave(&w->screen);
		ret = enter(w);
		break;
	default:
		w->signal = (int)s.ssi_signo;
		return 0;
	}
	return ret ? ret : redraw(w);
}

/* Selects the next longer or shorter of a few intervals. */
static void change_interval(struct watch *w, bool longer)
{
	static const long long ms[] = {
		100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 300000, 600000, 3600000,
		86400000,
	};
	size_t n = sizeof(ms) / sizeof(*ms), i = 0;

	if (longer) {
		while (i < n - 1 && ms[i] <= w->interval)
			i++;
	} else {
		for (i = n - 1; i && ms[i] >= w->interval; )
			i--;
	}
	w->interval = ms[i];
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
		w->o.sort = (w->o.sort + 1) % VIEW_SORTS;
		break;
	case KEY_REVERSE:
		w->o.reverse = !w->o.reverse;
		break;
	case KEY_TREE:
		w->o.list = w->columns.list = !w->o.list;
		break;
	case KEY_SLOWER:
	case KEY_FASTER:
		change_interval(w, key == KEY_SLOWER);
		break;
	case KEY_HELP:
		w->help = true;
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
	/* The terminal was closed. */
	if (n <= 0)
		w->quit = true;
	if (w->help && n > 0) {
		/* Any key closes the help. */
		w->help = false;
		w->keys = (struct keys){ 0 };
		return redraw(w);
	}
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
	return enter(w);
}

/* Ends by the default action of the signal, so that the parent sees it. */
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

/* Waits until the next sample is due, at *@due, or earlier after a refusal. */
static int wait_until(struct watch *w, long long *due, long long last)
{
	while (!w->quit && !w->signal) {
		long long left = *due - now_ms();
		struct pollfd p[] = {
			{ .fd = w->screen.entered ? w->screen.in : -1, .events = POLLIN },
			{ .fd = w->signals, .events = POLLIN },
			/* Without a terminal, samples are taken at fixed times only. */
			{ .fd = w->screen.entered ? w->notify.fd : -1, .events = POLLIN },
		};
		long long interval = w->interval;
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
		if (w->interval != interval)
			*due = last + w->interval;
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
		ret = take_sample(w);
		if (!ret)
			ret = make_view(w);
		if (!ret && w->screen.entered)
			ret = draw(w);
		else if (!ret)
			ret = print_sample(w);
		if (ret || ferror(stdout) || (w->count && i == w->count))
			break;
		last = now_ms();
		/* Keep the rhythm, unless a sample takes longer than the interval. */
		due = due + w->interval > last ? due + w->interval : last + w->interval;
		ret = wait_until(w, &due, last);
		if (w->quit || w->signal)
			break;
		due = now_ms() < due ? now_ms() : due;
	}
	return ret;
}

/* ---- a history ---- */

/* On a terminal, samples follow each other as they were recorded, or earlier. */
static int wait_for_sample(void *data, uint64_t ms)
{
	struct watch *w = data;
	long long last = now_ms(), due;
	int ret;

	if (!w->shown || !w->screen.entered)
		return 0;
	due = last + (ms < (uint64_t)w->interval ? (long long)ms : w->interval);
	ret = wait_until(w, &due, last);
	return ret ? ret : w->quit || w->signal ? REPLAY_END : 0;
}

static int show_sample(void *data, uint64_t wall)
{
	struct watch *w = data;
	int ret = 0;

	w->when = wall;
	if (!w->shown++) {
		w->started = true;
		w->since = time_of(w);
		ret = view_begin(&w->start, &w->forever, &w->replay.tree);
	}
	if (!ret)
		ret = make_view(w);
	if (!ret)
		ret = w->screen.entered ? draw(w) : print_sample(w);
	if (!ret && ferror(stdout))
		ret = -EIO;
	return ret ? ret : w->count && w->shown == w->count ? REPLAY_END : 0;
}

/* The last sample of a history stays until somebody ends it. */
static int wait_for_end(struct watch *w)
{
	int ret = 0;

	while (w->screen.entered && w->shown && !w->count && !w->quit && !w->signal && !ret) {
		/* A key may set another time. */
		long long due = LLONG_MAX;

		ret = wait_until(w, &due, now_ms());
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

static int take_word(struct watch *w, struct dmem_words *all, const char *text)
{
	struct view_options *o = &w->o;
	struct dmem_word word = { 0 };
	int ret = dmem_word_find(all, text, &word);

	if (ret) {
		cli_error(&w->c->cli, "%s", word.problem ? word.problem : strerror(-ret));
		return ret;
	}
	if (word.kind == DMEM_WORD_REGION)
		return keep(w, &o->region, &o->n_regions, word.name);
	if (word.kind == DMEM_WORD_UNIT)
		return keep(w, &o->unit, &o->n_units, word.name);
	return keep(w, &o->path, &o->n_paths, word.name);
}

static int take_words(struct watch *w, int n, char **word)
{
	struct dmem_regions r = { 0 };
	struct dmem_words all = {
		.sys = &w->sys, .arena = &w->forever, .regions = &r,
		.kinds = DMEM_WORD_UNIT | DMEM_WORD_CGROUP | DMEM_WORD_REGION,
	};
	enum dmem_status status;
	int ret;

	ret = dmem_regions_read_some(&w->sys, &w->forever, DMEM_READ_CAPACITY | DMEM_READ_HEAPS,
				     NULL,
				     NULL, &r);
	if (ret)
		cli_error(&w->c->cli, "%s", strerror(-ret));
	status = ret ? DMEM_OK : dmem_regions_status(&w->sys, &r);
	if (status != DMEM_OK) {
		cli_error(&w->c->cli, "%s", dmem_status_text(status));
		ret = -ENODEV;
	}
	for (int i = 0; i < n && !ret; i++)
		ret = take_word(w, &all, word[i]);
	dmem_words_free(&all);
	return ret ? CLI_FAILED : CLI_OK;
}

static int take_interval(struct watch *w, const char *s)
{
	char *end;
	double seconds = strtod(s, &end);

	/* The condition is written so that it rejects NaN, too. */
	if (*end || end == s || !(seconds >= 0.1 && seconds <= MAX_INTERVAL))
		return cli_usage(&w->c->cli, "invalid interval '%s': write 0.1 to %d seconds", s,
				 MAX_INTERVAL);
	w->interval = (long long)(seconds * 1000);
	return CLI_OK;
}

static bool take_number(const char *s, unsigned long most, unsigned long *n)
{
	char *end;

	errno = 0;
	*n = strtoul(s, &end, 10);
	return !*end && *s >= '0' && *s <= '9' && !errno && *n <= most;
}

static int take_sort(struct watch *w, const char *s)
{
	for (w->o.sort = 0; w->o.sort < VIEW_SORTS; w->o.sort++) {
		if (!strcmp(s, view_sort_names[w->o.sort]))
			return CLI_OK;
	}
	return cli_usage(&w->c->cli,
			 "invalid order '%s': write name, charged, peak, free, refused or new", s);
}

static int take_colour(struct watch *w, const char *s)
{
	w->coloured = !s || !strcmp(s, "always");
	w->plain = s && !strcmp(s, "never");
	if (w->coloured || w->plain || !strcmp(s, "auto"))
		return CLI_OK;
	return cli_usage(&w->c->cli, "invalid colour mode '%s': write auto, always or never", s);
}

enum { OPT_BYTES = 256, OPT_COLOUR, OPT_REPLAY };

static int take_option(struct watch *w, int opt, const char **list)
{
	unsigned long n;

	switch (opt) {
	case OPT_BYTES:
		w->columns.bytes = true;
		return CLI_OK;
	case OPT_COLOUR:
		return take_colour(w, optarg);
	case OPT_REPLAY:
		w->replayed = optarg;
		return *optarg ? CLI_OK : cli_usage(&w->c->cli, "--replay= needs a history");
	case 'b':
		w->batch = true;
		return CLI_OK;
	case 'd':
		if (!take_number(optarg, INT_MAX, &n))
			return cli_usage(&w->c->cli, "invalid depth '%s': write a number of levels",
					 optarg);
		w->o.depth = (unsigned int)n;
		return CLI_OK;
	case 'i':
		return take_interval(w, optarg);
	case 'J':
		w->columns.json = true;
		return CLI_OK;
	case 'l':
	case 't':
		w->o.list = w->columns.list = opt == 'l';
		return CLI_OK;
	case 'n':
		if (!take_number(optarg, ULONG_MAX, &w->count) || !w->count)
			return cli_usage(&w->c->cli, "invalid count '%s': write a number from 1 on",
					 optarg);
		return CLI_OK;
	case 'o':
		*list = optarg;
		return CLI_OK;
	case 'r':
		w->o.reverse = true;
		return CLI_OK;
	default:
		return take_sort(w, optarg);
	}
}

/* Called after all options, since the default columns depend on them. */
static int take_columns(struct watch *w, const char *list)
{
	char *wrong;
	int ret;

	if (!list || columns_choose(&w->columns, list, &wrong))
		return CLI_OK;
	ret = wrong ? cli_usage(&w->c->cli, "unknown column: %s", wrong) :
		      cli_usage(&w->c->cli, "too many columns");
	free(wrong);
	return ret;
}

static int watch(struct watch *w, int n, char **words)
{
	int ret = dmem_sys_open(&w->sys, w->c->sysroot), failed = CLI_OK;
	/* One sample is printed as text: the alternate screen would vanish with it. */
	bool full = screen_find(&w->screen) && !w->batch && !w->columns.json && w->count != 1, last;

	if (ret) {
		cli_error(&w->c->cli, "cannot open %s: %s", w->c->sysroot ? w->c->sysroot : "/",
			  strerror(-ret));
		return CLI_FAILED;
	}
	if (w->replayed) {
		w->replay.wait = wait_for_sample;
		w->replay.show = show_sample;
		w->replay.data = w;
		ret = replay_open(&w->replay, &w->c->cli, w->replayed, &w->forever, words, (size_t)n,
				  &w->o);
	} else {
		ret = take_words(w, n, words);
	}
	if (ret)
		return ret;
	w->colours = w->coloured || (!w->plain && cli_colours(stdout));
	if (full)
		ret = begin_screen(w);
	if (!ret && w->replayed) {
		failed = replay_run(&w->replay);
		if (!failed)
			ret = wait_for_end(w);
	} else if (!ret) {
		ret = run(w);
	}
	last = w->screen.entered && !w->quit && !w->signal;
	screen_leave(&w->screen);
	/* Print only the visible rows: there may be thousands. */
	if (!ret && last)
		ret = print_text(w, w->top, shown_rows(w));
	/* -EIO: the terminal was closed. */
	if (ret && ret != -EIO)
		cli_error(&w->c->cli, "%s", strerror(-ret));
	return ret ? CLI_FAILED : failed;
}

int verb_watch(struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "batch", 0, NULL, 'b' },
		{ "bytes", 0, NULL, OPT_BYTES },
		{ "color", 2, NULL, OPT_COLOUR },
		{ "count", 1, NULL, 'n' },
		{ "depth", 1, NULL, 'd' },
		{ "help", 0, NULL, 'h' },
		{ "interval", 1, NULL, 'i' },
		{ "json", 0, NULL, 'J' },
		{ "list", 0, NULL, 'l' },
		{ "output", 1, NULL, 'o' },
		{ "replay", 1, NULL, OPT_REPLAY },
		{ "reverse", 0, NULL, 'r' },
		{ "sort", 1, NULL, 's' },
		{ "tree", 0, NULL, 't' },
		{ 0 },
	};
	static const char letters[] = ":bd:hi:Jln:o:rs:t";
	struct watch w = {
		.c = c, .interval = 2000, .signals = -1, .sys.root = -1, .o.depth = UINT_MAX,
	};
	const char *list = NULL;
	int opt, ret = CLI_OK;

	columns_begin(&w.columns);
	opterr = 0;
	while (ret == CLI_OK && (opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (opt == 'h') {
			help();
			return CLI_OK;
		}
		if (opt == ':' || opt == '?')
			ret = cli_bad_option(&c->cli, opt, letters, argv);
		else
			ret = take_option(&w, opt, &list);
	}
	if (ret == CLI_OK)
		ret = take_columns(&w, list);
	if (ret != CLI_OK)
		return ret;
	notify_begin(&w.notify);
	ret = watch(&w, argc - optind, argv + optind);
	notify_end(&w.notify);
	if (w.signals >= 0)
		close(w.signals);
	view_free(&w.view);
	replay_close(&w.replay);
	dmem_arena_free(&w.forever);
	dmem_arena_free(&w.now);
	dmem_arena_free(&w.drawn);
	dmem_sys_close(&w.sys);
	if (w.signal)
		end_by_signal(w.signal);
	return ret;
}
