// SPDX-License-Identifier: GPL-2.0-or-later
/* Opens and reads the histories on a command line. */
#include <errno.h>
#include <string.h>

#include "inputs.h"

static int add_history(void *data, size_t first, size_t last, const uint64_t *size)
{
	struct inputs *in = data;
	struct inputs_history *more = dmem_grow(&in->m.arena, in->history, in->n, sizeof(*more));

	if (!more)
		return -ENOMEM;
	in->history = more;
	more += in->n++;
	*more = (struct inputs_history){ .first = first, .last = last };
	memcpy(more->size, size, (last - first + 1) * sizeof(*size));
	return model_add(&in->m, first, last, size);
}

/* Reports an error while a history was read, or all of them. */
static int say_error(const struct inputs *in, int err, const char *path)
{
	if (err == -EDOM)
		cli_error(in->cli, "%s: it overlaps with the history before it, which started earlier "
			  "in the same boot: name it first", path);
	else if (err == -ESTALE)
		cli_error(in->cli, "%s: the file changed while it was read: try again",
			  in->files.wrong ? in->files.wrong : path);
	else if (err == -EMLINK)
		cli_error(in->cli, "more than 16 recordings of one boot overlap: name fewer files");
	else if (err == -ENOMEM)
		cli_error(in->cli, "%s", strerror(ENOMEM));
	else
		cli_error(in->cli, "%s: %s", path, strerror(-err));
	return CLI_FAILED;
}

int inputs_read(struct inputs *in, const struct cli *cli, char **paths)
{
	int ret = 0;

	*in = (struct inputs){ .cli = cli, .files = { .cli = cli, .add = add_history, .data = in } };
	in->m.in = (struct lines_input){ files_read, &in->files };
	for (; *paths && !ret; paths++)
		ret = files_add(&in->files, *paths);
	if (ret)
		return CLI_FAILED;
	if (!in->n) {
		cli_error(cli, "no history found: %zu other file%s skipped", in->files.skipped,
			  in->files.skipped == 1 ? "" : "s");
		return CLI_FAILED;
	}
	ret = model_sort(&in->m);
	return ret ? say_error(in, ret, in->files.file[0].path) : CLI_OK;
}

int inputs_walk(struct inputs *in, struct walk *w)
{
	w->m = &in->m;
	for (size_t i = 0; i < in->n; i++) {
		const struct inputs_history *h = &in->history[i];
		int ret = walk_history(w, h->first, h->last, h->size);

		if (ret > 0)
			return ret;
		/* The caller reports errors of its output. */
		if (ret && ret != -EIO)
			return say_error(in, ret, in->files.file[h->last].path);
		if (ret)
			return CLI_FAILED;
	}
	return CLI_OK;
}

size_t inputs_count(const struct inputs *in)
{
	return in->n;
}

uint64_t inputs_bytes(const struct inputs *in)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < in->n; i++)
		bytes += in->history[i].size[0] + in->history[i].size[1];
	return bytes;
}

void inputs_free(struct inputs *in)
{
	files_free(&in->files);
	model_free(&in->m);
}
