// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl record - write samples of charges to a file */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "units/word.h"
#include "dmemctl/dmemctl.h"
#include "dmemctl/history/histfile.h"
#include "identity.h"
#include "machine.h"
#include "peer.h"
#include "sampler.h"

#define DIR		"/var/lib/dmem"
#define OUTPUT		DIR "/record.history"
#define OUTPUT_ONCE	DIR "/stops.history"
#define MAX_SIZE	(64 * 1024 * 1024)
#define TIME_MS		60000		/* the longest time without a record */
#define SEGMENT_MS	3600000		/* the most that a damaged line can cost */
#define ONCE_SECONDS	2
#define ONCE_WAIT_MS	500

struct record {
	struct ctl *c;
	struct sampler_options o;
	const char *output;
	uint64_t max_size, count;
	bool once, peer;
	char **wanted;
	const char **problem;	/* why a word has no cgroup now, or NULL */
	/* State */
	struct dmem_sys sys;
	struct sampler *s;
	struct histfile file;
	char path[64];		/* path of the default output, see default_output() */
	struct dmem_text text;
	uint64_t segment, written;	/* ms */
	bool whole;		/* the file is complete up to here */
	bool failing, quiet, notify_told;
	size_t lost;		/* largest number of unread cgroups that was reported */
	struct identity told, telling;	/* the machine in the file, and in @text */
	bool unnoted;		/* a failure to note the device tree was reported */
};

static void help(void)
{
	printf("Usage: dmemctl record [OPTION]... [UNIT|CGROUP]...\n\n"
	       "Record the charges of units and cgroups in each region until you stop it.\n"
	       "Without names: all units and cgroups that use or limit a region.\n\n"
	       "      --interval=TIME   time between two samples: 1s (default), 100ms, 5m\n"
	       "      --output=FILE     file to write, default: " OUTPUT "\n"
	       "      --max-size=SIZE   size of FILE and FILE.1 together, default: 64M\n"
	       "      --count=N         end after N samples\n"
	       "      --buffers         record each buffer as well\n"
	       "      --once            take one sample, end within two seconds; default output:\n"
	       "                        " OUTPUT_ONCE "\n"
	       "      --unit=NAME       the same as NAME\n"
	       "      --peer            with --once: record the service connected to stdin\n"
	       "  -h, --help            print this help\n\n"
	       "See dmemctl-record(8) and dmem-history(5).\n");
}

/* Blocks the signals and returns a descriptor to read them from, which the caller closes, or a
 * negative errno. They are read between two records, so that none is cut. */
static int take_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A limit on the size of files is then an error of write(). */
	signal(SIGXFSZ, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static uint64_t now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* "1s", "100ms", "5m", "0.5": returns ms, or 0 for a malformed text. */
static uint64_t parse_time(const char *s)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "m", 60000 }, { "h", 3600000 } };
	char *end;
	double v;

	if (*s < '0' || *s > '9')
		return 0;
	v = strtod(s, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!strcmp(end, units[i].unit) && v * units[i].ms <= 24 * 3600000.0)
			return (uint64_t)(v * units[i].ms + 0.5);
	}
	return 0;
}

static bool parse_count(const char *s, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno && *n;
}

static int parse_option(struct record *r, int opt)
{
	struct dmem_value v;

	switch (opt) {
	case 'i':
		r->o.interval = parse_time(optarg);
		if (r->o.interval)
			return 0;
		return cli_usage(&r->c->cli,
				 "invalid interval '%s': write a time such as 1s or 100ms", optarg);
	case 'o':
		r->output = optarg;
		return 0;
	case 'm':
		if (dmem_parse_value(optarg, &v) || v.percent || v.n == DMEM_NO_LIMIT ||
		    v.n < 2 * HISTFILE_MIN)
			return cli_usage(&r->c->cli,
					 "invalid size '%s': write a size of at least %dK", optarg,
					 2 * HISTFILE_MIN / 1024);
		r->max_size = v.n;
		return 0;
	case 'c':
		if (parse_count(optarg, &r->count))
			return 0;
		return cli_usage(&r->c->cli, "invalid count '%s': write a number of samples",
				 optarg);
	case 'b':
		r->o.buffers = true;
		return 0;
	case '1':
		r->once = true;
		r->count = 1;
		return 0;
	case 'u':
		r->wanted[r->o.n_wanted++] = optarg;
		return 0;
	case 'p':
		r->peer = true;
		return 0;
	default:
		return CLI_USAGE;
	}
}

/* An exit code, or -1: continue. */
static int parse(struct record *r, int argc, char **argv)
{
	static const struct option options[] = {
		{ "buffers", no_argument, NULL, 'b' },
		{ "count", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "interval", required_argument, NULL, 'i' },
		{ "max-size", required_argument, NULL, 'm' },
		{ "once", no_argument, NULL, '1' },
		{ "output", required_argument, NULL, 'o' },
		{ "peer", no_argument, NULL, 'p' },
		{ "unit", required_argument, NULL, 'u' },
		{ 0 },
	};
	int opt, ret = 0;

	while (!ret && (opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			help();
			return CLI_OK;
		}
		if (opt == '?')
			return cli_usage(&r->c->cli,
					 "unknown option, or an option without its value: %s",
					 argv[optind - 1]);
		ret = parse_option(r, opt);
	}
	for (; !ret && optind < argc; optind++)
		r->wanted[r->o.n_wanted++] = argv[optind];
	if (!ret && r->peer && (!r->once || r->o.n_wanted))
		ret = cli_usage(&r->c->cli,
				"--peer needs --once, and cannot be combined with units");
	return ret ? ret : -1;
}

static void note(void *data, const char *path, int err)
{
	struct record *r = data;

	/* Report it once: it would be the same at each sample. */
	if (!r->quiet)
		cli_error(&r->c->cli, "%s: %s", path, strerror(err));
}

static const char *remedy(int err, char *buf, size_t size)
{
	struct rlimit l;

	switch (err) {
	case EMFILE:
		if (getrlimit(RLIMIT_NOFILE, &l))
			return ": raise LimitNOFILE=";
		snprintf(buf, size, ": raise LimitNOFILE=, which is %llu",
			 (unsigned long long)l.rlim_max);
		return buf;
	case ENFILE:
		return ": raise the sysctl fs.file-max";
	case EACCES:
	case EPERM:
		return ": run as root";
	default:
		return "";
	}
}

/* Reports unread cgroups once, and again if there are more. */
static void say_lost(struct record *r)
{
	struct sampler_lost lost = sampler_lost(r->s);
	char text[64];

	if (lost.cgroups > r->lost) {
		r->lost = lost.cgroups;
		cli_error(&r->c->cli, "%zu cgroup%s not recorded, the first is /%s: %s%s",
			  lost.cgroups,
			  lost.cgroups > 1 ? "s are" : " is", lost.first, strerror(lost.err),
			  remedy(lost.err, text, sizeof(text)));
	}
	if (sampler_notify_error(r->s) && !r->notify_told && r->count != 1) {
		r->notify_told = true;
		cli_error(&r->c->cli, "some cgroups cannot be watched (%s), so new ones are found "
			  "later: raise the sysctls fs.inotify.max_user_watches and "
			  "max_user_instances",
			  strerror(sampler_notify_error(r->s)));
	}
}

/* The reason why a unit of this name never has a cgroup, or NULL. */
static const char *never_runs(struct dmem_arena *a, const char *word, const struct dmem_word *w)
{
	if (w->kind != DMEM_WORD_UNIT)
		return NULL;
	if (dmem_unit_is_template(w->name))
		return dmem_printf(a, "%s: a template is never running: write the name of an "
				   "instance", word);
	switch (w->type) {
	case DMEM_SERVICE:
	case DMEM_SLICE:
	case DMEM_SOCKET:
	case DMEM_MOUNT:
	case DMEM_SWAP:
	case DMEM_SCOPE:
		return NULL;
	default:
		return dmem_printf(a, "%s: a %s has no cgroup: write the name of a service, slice or scope",
				   word, dmem_type_names[w->type]);
	}
}

/* A word that names nothing now may name a cgroup later, if samples continue and it is no region.
 * @w is parsed again then. CLI_OK or CLI_FAILED, or a negative errno. */
static int wait_for_wanted(struct record *r, struct dmem_words *all, size_t i, struct dmem_word *w)
{
	const struct dmem_regions *g = all->regions_read ? &all->own_regions : NULL;
	const char *problem = w->problem;

	if (r->count || (g && dmem_regions_find(g, dmem_regions_meant(g, r->wanted[i])))) {
		cli_error(&r->c->cli, "%s", problem);
		return CLI_FAILED;
	}
	r->problem[i] = problem;
	return dmem_word_parse(all, r->wanted[i], w);
}

static int find_one(struct record *r, struct dmem_words *all, size_t i)
{
	const char *word = r->wanted[i], *never;
	struct dmem_word w = { 0 };
	int ret;

	/* dmem_word_find() reads all unit files, which takes too long at the stop of a service. */
	ret = r->once ? dmem_word_parse(all, word, &w) : dmem_word_find(all, word, &w);
	never = ret && ret != -ENOENT ? NULL : never_runs(all->arena, word, &w);
	if (never) {
		cli_error(&r->c->cli, "%s", never);
		return CLI_FAILED;
	}
	if (ret == -ENOENT && w.problem)
		ret = wait_for_wanted(r, all, i, &w);
	if (ret == -EINVAL)
		return cli_usage(&r->c->cli, "%s", w.problem);
	if (ret)
		return ret;
	if (!*w.name)
		return cli_usage(&r->c->cli, "the root cgroup is always recorded: name a unit or a "
				 "cgroup below it");
	r->wanted[i] = dmem_strdup(all->arena, w.name);
	return r->wanted[i] ? 0 : -ENOMEM;
}

/* Replaces each word by the name of a unit or the path of a cgroup. CLI_OK, CLI_FAILED or
 * CLI_USAGE, or a negative errno. */
static int find_wanted(struct record *r, struct dmem_arena *a)
{
	struct dmem_words all = {
		.sys = &r->sys, .arena = a, .kinds = DMEM_WORD_UNIT | DMEM_WORD_CGROUP,
	};
	int ret = CLI_OK;

	for (size_t i = 0; i < r->o.n_wanted && !ret; i++)
		ret = find_one(r, &all, i);
	dmem_words_free(&all);
	return ret;
}

/* In ExecStopPost= of a service, dmemctl runs in the cgroup that it is to record. */
static const char *own_cgroup(struct record *r, const char *unit, struct dmem_arena *a)
{
	struct dmem_text t = { 0 };
	const char *path = NULL, *u;
	char *line;
	size_t len;

	if (!dmem_sys_read(&r->sys, "proc/self/cgroup", &t)) {
		line = strstr(t.s, "0::/");
		if (line) {
			line += 4;
			line[strcspn(line, "\n")] = 0;
			u = dmem_cgroup_unit(line, &len);
			if (u && len == strlen(unit) && !strncmp(u, unit, len))
				path = dmem_strndup(a, line, (size_t)(u - line) + len);
		}
	}
	dmem_text_free(&t);
	return path;
}

static int say_write_error(struct record *r, int err)
{
	if (!r->failing)
		cli_error(&r->c->cli,
			  "cannot write to %s: %s: changes are written when this is possible again",
			  r->output, strerror(-err));
	r->failing = true;
	return 0;
}

/* Notes come at the start of each file. A file of single samples has them once: a service that
 * stops often would fill it with notes. */
static int tell_machine(struct record *r)
{
	int ret;

	if (r->whole || (r->once && r->file.size))
		return 0;
	ret = machine_tell(&r->sys, now_ms(CLOCK_REALTIME), &r->text);
	if (!ret || ret == -ENOMEM || r->unnoted)
		return ret == -ENOMEM ? ret : 0;
	r->unnoted = true;
	cli_error(&r->c->cli, "the device tree is not recorded in %s: %s: give it to \"dmemctl "
		  "plan --dts\" with --dtb=FILE",
		  r->output, ret == -E2BIG ? "it is too large" : strerror(-ret));
	return 0;
}

/* True if the file has a line with this identity, or needs none. A file of single samples has such
 * a line once for each boot, or once in 64K. */
static int is_identity_told(struct record *r, const struct hist_identity *id)
{
	const char *first = hist_identity_first(id);
	char text[HIST_BOOT + 32];

	if (!first)
		return true;
	if (r->whole)
		return hist_identity_same(id, &r->told.id);
	if (!r->once)
		return false;
	snprintf(text, sizeof(text), " %s %s=", id->boot, first);
	return histfile_recent(&r->file, text);
}

/* The line comes before the segments of its boot, at the start of each file. A machine may receive
 * its host name after the recorder has started. */
static int tell_identity(struct record *r)
{
	int ret;

	identity_free(&r->telling);
	ret = identity_read(&r->telling, &r->sys);
	if (!ret)
		ret = is_identity_told(r, &r->telling.id);
	if (!ret)
		ret = hist_put_identity(&r->text, now_ms(CLOCK_REALTIME), &r->telling.id);
	return ret < 0 ? ret : 0;
}

static void identity_told(struct record *r)
{
	identity_free(&r->told);
	r->told = r->telling;
	r->telling = (struct identity){ 0 };
}

static int append(struct record *r, enum sampler_how how)
{
	int ret;

	r->text.len = 0;
	ret = how == TELL_ALL ? tell_identity(r) : 0;
	if (!ret && how == TELL_ALL)
		ret = tell_machine(r);
	if (!ret)
		ret = sampler_tell(r->s, how, &r->text);
	if (ret || !r->text.len)
		return ret;
	ret = histfile_append(&r->file, r->text.s, r->text.len);
	if (ret)
		return ret;
	sampler_told(r->s);
	if (how == TELL_ALL)
		identity_told(r);
	return 0;
}

static int write_down(struct record *r, uint64_t now)
{
	enum sampler_how how = TELL_CHANGES;
	int ret;

	if (sampler_needs_segment(r->s) || !r->whole || now - r->segment >= SEGMENT_MS)
		how = TELL_ALL;
	else if (now - r->written >= TIME_MS)
		how = TELL_TIME;
	ret = append(r, how);
	if (ret == -EFBIG) {
		how = TELL_ALL;
		r->whole = false;
		ret = histfile_rotate(&r->file);
		if (!ret)
			ret = append(r, how);
		if (ret == -EFBIG) {
			cli_error(&r->c->cli,
				  "--max-size= is too small for one sample of %zu cgroup%s",
				  sampler_count(r->s), sampler_count(r->s) == 1 ? "" : "s");
			return CLI_FAILED;
		}
	}
	if (ret == -ENOMEM)
		return ret;
	if (ret)
		return say_write_error(r, ret);
	if (r->text.len) {
		r->written = now;
		if (r->failing)
			cli_error(&r->c->cli, "%s: writing works again", r->output);
		r->failing = false;
	}
	if (how == TELL_ALL) {
		r->segment = now;
		r->whole = true;
	}
	return 0;
}

static int check_first_sample(struct record *r)
{
	static const struct dmem_regions none;

	r->quiet = true;
	if (!sampler_regions(r->s)) {
		cli_error(&r->c->cli, "%s", dmem_status_text(dmem_regions_status(&r->sys, &none)));
		return CLI_FAILED;
	}
	for (size_t i = 0; i < r->o.n_wanted; i++) {
		if (sampler_has(r->s, i))
			continue;
		if (r->problem[i])
			cli_error(&r->c->cli, "%s (waiting for it)", r->problem[i]);
		else
			cli_error(&r->c->cli,
				  "%s: no such cgroup, or the controller is not enabled for it%s",
				  r->wanted[i], r->count == 1 ? "" : ": waiting for it");
		if (r->once)
			return CLI_FAILED;
	}
	return 0;
}

/* Reports the units that are not in the history after the last sample. */
static int check_last_sample(struct record *r)
{
	int ret = CLI_OK;

	for (size_t i = 0; i < r->o.n_wanted; i++) {
		if (sampler_has(r->s, i))
			continue;
		/* With a single sample, this was reported before. */
		if (r->count > 1)
			cli_error(&r->c->cli, "%s: not found in any of the %llu samples",
				  r->wanted[i],
				  (unsigned long long)r->count);
		ret = CLI_FAILED;
	}
	return ret;
}

static void finish(struct record *r)
{
	struct hist_line l;

	r->text.len = 0;
	hist_begin(&l, &r->text, 'E');
	hist_add(&l, " %llu", (unsigned long long)now_ms(CLOCK_MONOTONIC));
	/* Without this record, the history ends at its last sample. */
	if (r->whole && !hist_end(&l))
		histfile_append(&r->file, r->text.s, r->text.len);
}

/* True: the recorder must end. */
static bool wait_until(uint64_t next, int signals)
{
	struct pollfd p = { .fd = signals, .events = POLLIN };
	uint64_t now = now_ms(CLOCK_MONOTONIC);

	return poll(&p, 1, next > now ? (int)(next - now) : 0) > 0;
}

static int take_samples(struct record *r, int signals)
{
	uint64_t next = now_ms(CLOCK_MONOTONIC), left = r->count;

	do {
		uint64_t now = now_ms(CLOCK_MONOTONIC);
		int ret = sampler_read(r->s, now, now_ms(CLOCK_REALTIME));

		if (!ret)
			say_lost(r);
		/* Without a cgroup tree there are no figures. */
		if ((!ret || ret == -ENOENT) && !r->quiet)
			ret = check_first_sample(r);
		if (!ret)
			ret = write_down(r, now);
		if (ret < 0)
			cli_error(&r->c->cli, "%s", strerror(-ret));
		if (ret)
			return CLI_FAILED;
		if (r->count && !--left)
			return check_last_sample(r);
		next += r->o.interval;
		now = now_ms(CLOCK_MONOTONIC);
		if (next < now)
			next = now;
	} while (!wait_until(next, signals));
	return CLI_OK;
}

/* Opens the default output below --sysroot. Its path leads through a descriptor that stays open,
 * since the file is renamed while it is written. */
static int default_output(struct record *r)
{
	int dir = dmem_sys_make_dirs(&r->sys, &DIR[1]);

	if (dir < 0)
		return dir;
	snprintf(r->path, sizeof(r->path), "/proc/self/fd/%d/%s", dir,
		 strrchr(r->output, '/') + 1);
	return 0;
}

static int open_output(struct record *r)
{
	const char *path = r->output;
	int ret = 0;

	if (!path) {
		r->output = r->once ? OUTPUT_ONCE : OUTPUT;
		path = r->path;
		ret = default_output(r);
	}
	if (!ret)
		ret = histfile_open(&r->file, path, r->max_size, r->once ? ONCE_WAIT_MS : 0);
	if (!ret)
		return 0;
	if (ret == -EBUSY)
		cli_error(&r->c->cli, "%s: another recorder is writing to this file", r->output);
	else if (ret == -EBADMSG)
		cli_error(&r->c->cli, "%s: not a history: the file was not changed", r->output);
	else
		cli_error(&r->c->cli, "%s: %s", r->output, strerror(-ret));
	return CLI_FAILED;
}

/* Each cgroup has one open file per figure. */
static void allow_many_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

/* Limits the sample to the cgroup of the process that requested it. */
static int serve_peer(struct record *r, struct dmem_arena *a)
{
	int ret = peer_service(&r->sys, a, STDIN_FILENO, &r->o.only);

	if (ret == -EPERM)
		cli_error(&r->c->cli,
			  "the connected process is not in a service: start it as a service");
	else if (ret == -ENOTSOCK)
		cli_error(&r->c->cli, "stdin is not a socket: start dmem-record-now.socket");
	else if (ret)
		cli_error(&r->c->cli, "the connected process: %s", strerror(-ret));
	return ret ? CLI_FAILED : CLI_OK;
}

/* Checks that there is a region: without one, nothing is written. */
static int check_regions(struct record *r, struct dmem_arena *a)
{
	enum dmem_status status;
	struct dmem_regions g;

	if (dmem_regions_read_some(&r->sys, a, DMEM_READ_CAPACITY | DMEM_READ_HEAPS, NULL, NULL,
				   &g)) {
		cli_error(&r->c->cli, "%s", strerror(ENOMEM));
		return CLI_FAILED;
	}
	status = dmem_regions_status(&r->sys, &g);
	if (status == DMEM_OK)
		return CLI_OK;
	cli_error(&r->c->cli, "%s", dmem_status_text(status));
	return CLI_FAILED;
}

static int record(struct record *r)
{
	struct dmem_arena a = { 0 };
	int signals = take_signals(), ret = CLI_OK;

	/* A hanging disk must not delay the stop of a service. */
	if (r->once)
		alarm(ONCE_SECONDS);
	allow_many_files();
	/* Interval 0 marks a single sample: other cgroups may exist that it does not name. */
	if (r->once)
		r->o.interval = 0;
	ret = find_wanted(r, &a);
	if (ret < 0) {
		cli_error(&r->c->cli, "%s", strerror(-ret));
		ret = CLI_FAILED;
	}
	if (!ret && r->once && r->o.n_wanted == 1)
		r->o.only = own_cgroup(r, r->wanted[0], &a);
	if (r->o.only)
		r->o.n_wanted = 0;
	if (!ret && r->peer)
		ret = serve_peer(r, &a);
	if (!ret)
		ret = check_regions(r, &a);
	if (!ret)
		r->s = sampler_new(&r->o);
	if (!ret && (!r->s || signals < 0)) {
		cli_error(&r->c->cli, "%s", strerror(r->s ? -signals : ENOMEM));
		ret = CLI_FAILED;
	}
	if (!ret)
		ret = open_output(r);
	if (!ret) {
		ret = take_samples(r, signals);
		finish(r);
	}
	if (signals >= 0)
		close(signals);
	if (histfile_close(&r->file) && !ret)
		r->failing = true;
	if (r->peer && !ret && !r->failing)
		peer_done(STDIN_FILENO);
	sampler_free(r->s);
	identity_free(&r->told);
	identity_free(&r->telling);
	dmem_text_free(&r->text);
	dmem_arena_free(&a);
	return ret ? ret : r->failing || r->lost ? CLI_FAILED : CLI_OK;
}

int verb_record(struct ctl *c, int argc, char **argv)
{
	struct record r = {
		.c = c, .max_size = MAX_SIZE, .file = { .fd = -1, .lock = -1 },
		.o = { .interval = 1000, .note = note },
	};
	int ret;

	r.wanted = calloc((size_t)argc + 1, sizeof(*r.wanted));
	r.problem = calloc((size_t)argc + 1, sizeof(*r.problem));
	if (!r.wanted || !r.problem) {
		free(r.wanted);
		free(r.problem);
		cli_error(&c->cli, "%s", strerror(ENOMEM));
		return CLI_FAILED;
	}
	r.o.wanted = r.wanted;
	r.o.data = &r;
	r.o.sys = &r.sys;
	ret = parse(&r, argc, argv);
	if (ret < 0) {
		ret = dmem_sys_open(&r.sys, c->sysroot);
		if (ret) {
			cli_error(&c->cli, "%s: %s", c->sysroot ? c->sysroot : "/", strerror(-ret));
			ret = CLI_FAILED;
		} else {
			ret = record(&r);
			dmem_sys_close(&r.sys);
		}
	}
	free(r.wanted);
	free(r.problem);
	return ret;
}
