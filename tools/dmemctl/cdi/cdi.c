// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl cdi - files of the Container Device Interface for regions and sizes */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/replace.h"
#include "dmemctl/dmemctl.h"
#include "plan.h"
#include "spec.h"

#define CDI_DIR	"etc/cdi"
#ifndef HOOK
#define HOOK	"/usr/libexec/dmem-hook"
#endif

enum { PLAN = 256, PROGRAM, STRICT };

struct cdi {
	struct ctl *c;
	struct dmem_arena arena;
	struct dmem_sys sys;
	struct dmem_regions regions;
	const char *output, *plan;
	struct cdi_hook hook;
	struct cdi_kind *kind;
	size_t n;
};

/* A file of the directory: the text that it gets, and that which it had. */
struct file {
	const char *name;
	char *text;
	size_t len;
	struct dmem_text old;
	bool existed;
	mode_t mode;
};

static void help(void)
{
	printf("Usage: dmemctl cdi [options] REGION=SIZE[,SIZE]...\n"
	       "       dmemctl cdi [options] --plan=FILE\n\n"
	       "Write CDI files, with which a container engine gives a container a heap and its\n"
	       "limit in one word: podman run --device=" CDI_VENDOR "/camera=8M.\n\n"
	       "  -o, --output=DIR    write to this directory (default: /etc/cdi);\n"
	       "                      \"-\" is standard output, for one heap\n"
	       "      --plan=FILE     take the limits of dmemctl plan --json; \"-\" is standard input\n"
	       "      --strict        containers do not start if their limit cannot be set\n"
	       "      --hook=PATH     path of dmem-hook on the machine with the containers\n"
	       "  -h, --help          print this help\n\n"
	       "See dmemctl-cdi(8).\n");
}

static void note(void *data, const char *path, int err)
{
	cli_error(data, "cannot read /%s: %s", path, strerror(err));
}

static int no_memory(struct cdi *d)
{
	cli_error(&d->c->cli, "out of memory");
	return CLI_FAILED;
}

/* ---- kinds ---- */

/* Adds a size to a kind; a size that it has is no error. */
static int add_size(struct cdi *d, struct cdi_kind *k, const char *size)
{
	const char **all;

	for (size_t i = 0; i < k->n; i++) {
		if (!strcmp(k->size[i], size))
			return CLI_OK;
	}
	all = dmem_grow(&d->arena, k->size, k->n, sizeof(*all));
	if (!all)
		return no_memory(d);
	k->size = all;
	all[k->n++] = size;
	return CLI_OK;
}

static int add_kind(struct cdi *d, const char *name, const char *region, bool heap, const char *size)
{
	struct cdi_kind *all, k = { .name = name, .region = region, .heap = heap };

	for (size_t i = 0; i < d->n; i++) {
		if (d->kind[i].heap == heap && !strcmp(d->kind[i].name, name))
			return add_size(d, &d->kind[i], size);
	}
	k.class = cdi_class(&d->arena, name);
	if (!k.class) {
		cli_error(&d->c->cli, "%s: CDI has no name for it: at most %d letters and digits", name,
			  CDI_CLASS_LEN);
		return CLI_FAILED;
	}
	all = dmem_grow(&d->arena, d->kind, d->n, sizeof(*all));
	if (!all)
		return no_memory(d);
	d->kind = all;
	all[d->n] = k;
	return add_size(d, &all[d->n++], size);
}

/* Reports a region that is missing. @name: NULL if there was no memory for it. */
static int not_there(struct cdi *d, const char *name, enum dmem_status s)
{
	int root = dmem_sys_cgroup(&d->sys);

	if (name)
		cli_error(&d->c->cli, "%s: %s", name, root < 0 ? dmem_status_text(s) :
			  dmem_region_status_text(root, name, s));
	if (root >= 0)
		close(root);
	return CLI_FAILED;
}

/* One kind for the heap that @name stands for. */
static int add_heap(struct cdi *d, const char *name, const char *size)
{
	for (size_t i = 0; i < d->regions.n_heaps; i++) {
		const struct dmem_heap *h = &d->regions.heap[i];

		if (strcmp(h->name, name))
			continue;
		if (h->region)
			return add_kind(d, h->name, h->region, true, size);
		break;
	}
	return not_there(d, dmem_printf(&d->arena, "dma_heap/%s", name), DMEM_NO_HEAP_REGION);
}

/* One kind for each heap of the region, which are different devices with the same limit. */
static int add_region(struct cdi *d, const char *name, const char *size)
{
	const struct dmem_region *r = dmem_regions_find(&d->regions, name);
	int ret = CLI_OK;

	if (!r)
		return not_there(d, name, DMEM_NO_REGION);
	for (size_t i = 0; i < r->n_heaps && ret == CLI_OK; i++)
		ret = add_kind(d, r->heap[i], r->name, true, size);
	return r->n_heaps ? ret : add_kind(d, r->name, r->name, false, size);
}

static int add(struct cdi *d, const char *name, const char *size)
{
	const char *heap = dmem_region_heap(name);

	return heap ? add_heap(d, heap, size) : add_region(d, name, size);
}

/* "REGION=SIZE,SIZE": the names of many regions have commas, sizes have none. */
static int add_argument(struct cdi *d, const char *arg)
{
	const char *eq = strrchr(arg, '=');
	char *region = eq ? dmem_strndup(&d->arena, arg, (size_t)(eq - arg)) : NULL;
	char *sizes = eq ? dmem_strdup(&d->arena, eq + 1) : NULL, *size, *next;
	int ret = CLI_OK;

	if (!eq)
		return cli_usage(&d->c->cli, "%s: write REGION=SIZE", arg);
	if (!region || !sizes)
		return no_memory(d);
	if (dmem_region_problem(region))
		return cli_usage(&d->c->cli, "%s: the region's name %s", arg, dmem_region_problem(region));
	for (size = sizes; size && ret == CLI_OK; size = next) {
		next = strchr(size, ',');
		if (next)
			*next++ = 0;
		if (cdi_size_problem(size))
			return cli_usage(&d->c->cli, "%s: '%s' %s", arg, size, cdi_size_problem(size));
		ret = add(d, region, size);
	}
	return ret;
}

static int add_plan(struct cdi *d)
{
	int fd = strcmp(d->plan, "-") ? open(d->plan, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	struct dmem_text t = { 0 };
	struct cdi_planned *all = NULL;
	int ret = dmem_read_fd(fd < 0 ? -errno : fd, &t);
	const char *problem = NULL;
	size_t n = 0;

	if (ret)
		problem = strerror(-ret);
	if (!problem)
		problem = cdi_plan_parse(&d->arena, t.s, t.len, &all, &n);
	dmem_text_free(&t);
	if (!problem && !n)
		problem = "the plan has no limits";
	if (problem) {
		cli_error(&d->c->cli, "--plan=%s: %s", d->plan, problem);
		return CLI_FAILED;
	}
	ret = CLI_OK;
	for (size_t i = 0; i < n && ret == CLI_OK; i++) {
		const char *size = cdi_size_name(&d->arena, all[i].bytes);

		ret = size ? add(d, all[i].region, size) : no_memory(d);
	}
	return ret;
}

/* The name of a kind with its type, for messages. */
static const char *full_name(struct cdi *d, const struct cdi_kind *k)
{
	const char *name = dmem_printf(&d->arena, "%s%s", k->heap ? "dma_heap/" : "", k->name);

	return name ? name : k->name;
}

static int collect(struct cdi *d, char **args)
{
	size_t first, second;
	int ret = d->plan ? add_plan(d) : CLI_OK;

	for (; *args && ret == CLI_OK; args++)
		ret = add_argument(d, *args);
	if (ret == CLI_OK && cdi_clash(d->kind, d->n, &first, &second)) {
		cli_error(&d->c->cli, "%s and %s have the same name in CDI, %s: write files for one of them",
			  full_name(d, &d->kind[first]), full_name(d, &d->kind[second]),
			  d->kind[first].class);
		ret = CLI_FAILED;
	}
	return ret;
}

/* ---- files ---- */

static int make_text(struct cdi *d, const struct cdi_kind *k, struct file *file)
{
	FILE *f = open_memstream(&file->text, &file->len);
	int ret;

	if (!f)
		return no_memory(d);
	ret = cdi_print(f, k, &d->hook);
	ret = ferror(f) ? -ENOMEM : ret;
	return fclose(f) || ret ? no_memory(d) : CLI_OK;
}

static int make_file(struct cdi *d, int dir, const struct cdi_kind *k, struct file *file)
{
	struct stat st;
	int ret;

	file->name = dmem_printf(&d->arena, "dmem-%s.json", k->class);
	if (!file->name)
		return no_memory(d);
	ret = dmem_read_at(dir, file->name, &file->old);
	if (!ret && fstatat(dir, file->name, &st, AT_SYMLINK_NOFOLLOW))
		ret = -errno;
	if (ret && ret != -ENOENT) {
		cli_error(&d->c->cli, "%s: %s", file->name, strerror(-ret));
		return CLI_FAILED;
	}
	file->existed = !ret;
	if (file->existed)
		file->mode = st.st_mode & 07777;
	ret = file->existed ? cdi_is_of_other(file->old.s, k) : 0;
	if (ret < 0)
		return no_memory(d);
	if (ret) {
		cli_error(&d->c->cli, "%s is the file of another device than %s: remove it first if "
			  "no container uses that one", file->name, full_name(d, k));
		return CLI_FAILED;
	}
	return make_text(d, k, file);
}

/* Returns the first @n files to their old state. */
static void restore(struct cdi *d, int dir, const struct file *file, size_t n)
{
	while (n--) {
		int ret = file[n].existed ?
			  cli_replace_at(dir, file[n].name, file[n].mode, file[n].old.s, file[n].old.len) :
			  unlinkat(dir, file[n].name, 0) ? -errno : 0;

		if (ret)
			cli_error(&d->c->cli, "%s: cannot restore the file: %s", file[n].name, strerror(-ret));
	}
}

static int replace_files(struct cdi *d, int dir, struct file *file)
{
	for (size_t i = 0; i < d->n; i++) {
		int ret = cli_replace_at(dir, file[i].name, 0644, file[i].text, file[i].len);

		if (!ret)
			continue;
		cli_error(&d->c->cli, "cannot write %s: %s", file[i].name, cli_replace_error(ret));
		restore(d, dir, file, i);
		return CLI_FAILED;
	}
	return CLI_OK;
}

/* Writes all files, or leaves all as they were. */
static int write_files(struct cdi *d, int dir, struct file *file)
{
	sigset_t all, old;
	int ret = CLI_OK;

	for (size_t i = 0; i < d->n && ret == CLI_OK; i++)
		ret = make_file(d, dir, &d->kind[i], &file[i]);
	if (ret != CLI_OK)
		return ret;
	/* A signal between two files would leave half of them. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	ret = replace_files(d, dir, file);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}

/* The words that users give to their engine. */
static void print_devices(const struct cdi *d)
{
	for (size_t i = 0; i < d->n; i++) {
		for (size_t j = 0; j < d->kind[i].n; j++)
			printf("--device=" CDI_VENDOR "/%s=%s\n", d->kind[i].class, d->kind[i].size[j]);
	}
}

static int open_output(struct cdi *d)
{
	int dir;

	if (!d->output)
		return dmem_sys_make_dirs(&d->sys, CDI_DIR);
	dir = open(d->output, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -errno : dir;
}

static int write_dir(struct cdi *d)
{
	struct file *file = dmem_alloc(&d->arena, d->n * sizeof(*file));
	int dir = open_output(d), ret;

	if (dir < 0) {
		cli_error(&d->c->cli, "cannot open %s: %s", d->output ? d->output : "/" CDI_DIR,
			  strerror(-dir));
		return CLI_FAILED;
	}
	ret = file ? write_files(d, dir, file) : no_memory(d);
	for (size_t i = 0; file && i < d->n; i++) {
		free(file[i].text);
		dmem_text_free(&file[i].old);
	}
	close(dir);
	if (ret == CLI_OK)
		print_devices(d);
	return ret;
}

static int write_stdout(struct cdi *d)
{
	struct file file = { 0 };
	int ret;

	if (d->n != 1) {
		cli_error(&d->c->cli, "a CDI file has one kind, and these are %zu: name one heap as "
			  "dma_heap/NAME, or write to a directory", d->n);
		return CLI_FAILED;
	}
	ret = make_text(d, &d->kind[0], &file);
	if (ret == CLI_OK)
		fwrite(file.text, 1, file.len, stdout);
	free(file.text);
	return ret;
}

static int run(struct cdi *d, char **args)
{
	int ret = dmem_sys_open(&d->sys, d->c->sysroot);

	if (ret) {
		cli_error(&d->c->cli, "cannot open %s: %s", d->c->sysroot ? d->c->sysroot : "/",
			  strerror(-ret));
		return CLI_FAILED;
	}
	ret = dmem_regions_read_some(&d->sys, &d->arena, DMEM_READ_CAPACITY | DMEM_READ_HEAPS, note,
				     &d->c->cli, &d->regions);
	if (ret)
		ret = no_memory(d);
	if (ret == CLI_OK)
		ret = collect(d, args);
	if (ret == CLI_OK)
		ret = d->output && !strcmp(d->output, "-") ? write_stdout(d) : write_dir(d);
	dmem_sys_close(&d->sys);
	dmem_arena_free(&d->arena);
	return ret;
}

int verb_cdi(struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", 0, NULL, 'h' },
		{ "hook", 1, NULL, PROGRAM },
		{ "output", 1, NULL, 'o' },
		{ "plan", 1, NULL, PLAN },
		{ "strict", 0, NULL, STRICT },
		{ 0 },
	};
	static const char letters[] = ":ho:";
	struct cdi d = { .c = c, .hook.path = HOOK };
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			help();
			return CLI_OK;
		case 'o':
			d.output = optarg;
			break;
		case PLAN:
			d.plan = optarg;
			break;
		case PROGRAM:
			d.hook.path = optarg;
			break;
		case STRICT:
			d.hook.strict = true;
			break;
		default:
			return cli_bad_option(&c->cli, opt, letters, argv);
		}
	}
	/* CDI refuses other paths. */
	if (*d.hook.path != '/')
		return cli_usage(&c->cli, "--hook=%s: write a path that starts with /", d.hook.path);
	if (d.output && !*d.output)
		return cli_usage(&c->cli, "--output= needs a directory");
	if (optind == argc && !d.plan)
		return cli_usage(&c->cli, "missing REGION=SIZE");
	return run(&d, argv + optind);
}
