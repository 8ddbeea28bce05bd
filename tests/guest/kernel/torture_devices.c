// SPDX-License-Identifier: GPL-2.0
/*
 * Cameras and a display, see torture.h. Each worker has a camera of its own, as the
 * buffers of a queue are the file's that asked for the first; and a file of its own of
 * the display that all have in common.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dmem_dma_driver.h"
#include "media.h"
#include "torture_worker.h"

#define SMALL	16	/* pixels each way, which is less than a page */
#define LINES	32	/* of a page, in a format that is larger */
#define MOST	4	/* buffers in one request */

/* For all workers, before there are any. */
void tt_find_devices(struct tt_devices *d, int workers)
{
	struct dmem_heap heap;
	struct dumb dumb;
	int n, fd;

	memset(d, 0, sizeof(*d));
	d->vivid = !vivid_load_many(workers);
	n = default_area_region(d->camera_region) ? workers : 0;
	while (d->cameras < n) {
		fd = vivid_open_nth(d->cameras, d->camera[d->cameras], sizeof(d->camera[0]));
		if (fd < 0)
			break;
		close(fd);
		d->cameras++;
	}
	modules_load(&display_modules);
	modules_load(&importer_modules);
	fd = display_open(d->display, sizeof(d->display));
	d->has_display = fd >= 0 && dumb_find_heap(fd, SMALL, SMALL, &heap, &dumb);
	if (d->has_display)
		memcpy(d->display_region, heap.region, sizeof(heap.region));
	if (fd >= 0)
		close(fd);
}

/* Other tests load them with parameters of their own. */
bool tt_unload_devices(const struct tt_devices *d)
{
	modules_unload(&importer_modules);
	modules_unload(&display_modules);
	modules_unload(&vivid_modules);
	return !d->vivid || access("/sys/module/vivid", F_OK);
}

static int open_device(struct tt_worker *k, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	tt_must(k, "open", path, fd < 0 ? -errno : 0);
	return fd;
}

/* The queue has no buffer. */
static void set_format(struct tt_worker *k, int width, int height)
{
	k->frame = vivid_set_format(k->camera, width, height);
	tt_must(k, "set the format of", "a camera", k->frame);
}

void tt_open_devices(struct tt_worker *k)
{
	const struct tt_devices *d = k->w->devices;

	k->dev = -1;
	k->camera = -1;
	k->display = -1;
	k->importer = importer_open();
	if (k->w->dma_region >= 0)
		k->dev = open_device(k, "/dev/" DMEM_DMA_TEST_DEV);
	if (k->number < d->cameras)
		k->camera = open_device(k, d->camera[k->number]);
	if (k->camera >= 0)
		set_format(k, SMALL, SMALL);
	if (d->has_display)
		k->display = open_device(k, d->display);
}

void tt_close_devices(struct tt_worker *k)
{
	if (k->dev >= 0)
		close(k->dev);
	if (k->camera >= 0)
		close(k->camera);
	if (k->display >= 0)
		close(k->display);
	if (k->importer >= 0)
		close(k->importer);
}

/* Of a buffer that has just room for a frame */
static int frame_pages(const struct tt_worker *k)
{
	return (k->frame + k->w->t->page - 1) / k->w->t->page;
}

/* Full to the first byte of its last page, or as a frame is. */
static int by_camera(struct tt_worker *k, int slot, int number, long long len)
{
	long long size = len - k->w->t->page + 1;
	int index, ret;

	(void)slot;
	(void)number;
	ret = vivid_create_bufs(k->camera, k->flags, 1, size < k->frame ? k->frame : size,
				&index);
	return ret < 0 ? ret : index;
}

static int coherency(unsigned int number)
{
	return number % 2 ? V4L2_MEMORY_FLAG_NON_COHERENT : 0;
}

/* One buffer more. For one page CMA is not asked. */
static void do_camera(struct tt_worker *k, const struct tt_op *op)
{
	int pages = 1 + tt_pages(op->b);

	if (k->camera < 0)
		return;
	/* All in the queue are of one kind. */
	if (!tt_some_handle(k, 0, 1 << CAMERA))
		k->flags = coherency(op->a);
	if (pages < frame_pages(k))
		pages = frame_pages(k);
	k->w->gave[op->kind] += tt_allocate(k, k->at, k->w->camera_region, pages, CAMERA,
					    by_camera, 0);
}

/* The queue drops all of its buffers, even those that are mapped or exported. */
static void empty_queue(struct tt_worker *k)
{
	struct tt_handle *h;

	while ((h = tt_some_handle(k, 0, 1 << CAMERA))) {
		tt_lock(k);
		tt_put(k->w, h->buf);
		tt_unlock(k);
		memset(h, 0, sizeof(*h));
	}
	tt_must(k, "empty the queue of", "a camera",
		vivid_reqbufs(k->camera, V4L2_MEMORY_MMAP, 0, 0, NULL));
}

static int count_free(const struct tt_worker *k)
{
	int i, n = 0;

	for (i = 0; i < TT_HANDLES; i++)
		n += k->handle[i].type == FREE;
	return n;
}

/*
 * The camera may give fewer than it was asked for, and nothing if these are not enough
 * for it. Either way one was refused, which ended the request.
 */
static void request(struct tt_worker *k, int n, int kind)
{
	int region = k->w->camera_region, pages = frame_pages(k), node, got, i;
	struct tt_world *w = k->w;

	tt_lock(k);
	node = tt_payer(w, k->number, k->at, region);
	tt_begin_request(w, region, node);
	tt_unlock(k);
	got = vivid_reqbufs(k->camera, V4L2_MEMORY_MMAP, k->flags, n, NULL);
	tt_lock(k);
	if (got == -ENOMEM || (got >= 0 && got < n))
		tt_was_refused(w, region, node);
	for (i = 0; i < got; i++) {
		struct tt_handle *h = tt_free_handle(k);

		h->type = CAMERA;
		h->fd = i;
		h->len = pages * w->t->page;
		h->buf = tt_granted(w, region, node, pages);
		w->gave[kind]++;
	}
	tt_unlock(k);
	if (got != -ENOMEM)
		tt_must(k, "ask for buffers of", "a camera", got);
	tt_remark(k, "%d of %d buffers of %d pages of %s for %s", got < 0 ? 0 : got, n, pages,
		  w->region[region].name, strstr(w->slot[k->number][k->at].path, "slice"));
}

/* Replaces the queue's buffers by as many as an application starts with, or by none. */
static void do_queue(struct tt_worker *k, const struct tt_op *op)
{
	int n = op->a / 2 % MOST, width = k->w->t->page / LINES / 2;

	if (k->camera < 0)
		return;
	/* Fewer than two it does not give. */
	n += n > 0;
	empty_queue(k);
	k->flags = coherency(op->a);
	if (!n || count_free(k) < n) {
		set_format(k, SMALL, SMALL);
		tt_remark(k, "the queue is empty");
		return;
	}
	/* The last page has room for one line more. */
	set_format(k, width, LINES * (1 + tt_pages(op->b)) - 1);
	request(k, n, op->kind);
}

static int by_display(struct tt_worker *k, int slot, int number, long long len)
{
	long long page = k->w->t->page;
	struct dumb dumb;
	int ret;

	(void)slot;
	(void)number;
	/* Of 32 bits a pixel; one less than fits into a page. */
	ret = dumb_create(k->display, page / 4 - 1, len / page, &dumb);
	if (ret < 0)
		return ret;
	if ((long long)dumb.size != len)
		tt_fail(k->w, "a dumb buffer has %lld bytes, not %lld", (long long)dumb.size,
			len);
	return dumb.handle;
}

static void do_dumb(struct tt_worker *k, const struct tt_op *op)
{
	if (k->display >= 0)
		k->w->gave[op->kind] += tt_allocate(k, k->at, k->w->display_region,
						    tt_pages(op->b), DUMB, by_display, 0);
}

/* One reference more to the buffer of h */
static void begin_handle(struct tt_worker *k, struct tt_handle *new, int type, int fd,
			 const struct tt_handle *h)
{
	new->type = type;
	new->fd = fd;
	new->buf = h->buf;
	new->len = h->len;
	tt_lock(k);
	tt_get(k->w, h->buf);
	tt_unlock(k);
}

/* As an fd like that of a heap */
static void do_export(struct tt_worker *k, const struct tt_op *op)
{
	struct tt_handle *h = tt_some_handle(k, op->a, 1 << CAMERA | 1 << DUMB | 1 << IMPORT);
	struct tt_handle *new = tt_free_handle(k);
	int fd;

	if (!h || !new)
		return;
	fd = h->type == CAMERA ? vivid_export(k->camera, h->fd) :
	     prime_export(h->type == DUMB ? k->display : k->importer, h->fd);
	tt_must(k, "export", "a buffer", fd);
	if (fd < 0)
		return;
	begin_handle(k, new, FD, fd, h);
	tt_remark(k, "buffer %d", h->buf);
}

/* The entry of a GEM handle in the importer's file */
static struct tt_handle *find_gem(struct tt_worker *k, int gem)
{
	int i;

	for (i = 0; i < TT_HANDLES; i++) {
		struct tt_handle *h = &k->handle[i];

		if (h->type == IMPORT && h->fd == gem)
			return h;
	}
	return NULL;
}

static void do_import(struct tt_worker *k, const struct tt_op *op)
{
	struct tt_handle *h = tt_some_handle(k, op->a, 1 << FD), *new = tt_free_handle(k), *old;
	__u32 gem;
	int ret;

	if (k->importer < 0 || !h || !new)
		return;
	ret = prime_import(k->importer, h->fd, &gem);
	tt_must(k, "import", "a buffer", ret);
	if (ret < 0)
		return;
	/* A buffer that the file already holds gets no second handle or reference. */
	old = find_gem(k, gem);
	if (old && old->buf != h->buf)
		tt_fail(k->w, "worker %d imports buffer %d, and gets buffer %d", k->number,
			h->buf, old->buf);
	if (!old)
		begin_handle(k, new, IMPORT, gem, h);
	tt_remark(k, "buffer %d%s", h->buf, old ? ", again" : "");
}

void tt_do_device(struct tt_worker *k, const struct tt_op *op)
{
	switch (op->kind) {
	case TT_CAMERA:
		do_camera(k, op);
		break;
	case TT_QUEUE:
		do_queue(k, op);
		break;
	case TT_DUMB:
		do_dumb(k, op);
		break;
	case TT_EXPORT:
		do_export(k, op);
		break;
	case TT_IMPORT:
		do_import(k, op);
		break;
	}
}

void *tt_map(struct tt_worker *k, const struct tt_handle *h)
{
	struct dumb dumb = { .handle = h->fd, .size = h->len };

	switch (h->type) {
	case CAMERA:
		return vivid_map(k->camera, h->fd, h->len);
	case DUMB:
		return dumb_map(k->display, &dumb);
	default:
		return mmap(NULL, h->len, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);
	}
}

void tt_release(struct tt_worker *k, const struct tt_handle *h)
{
	if (h->type == CAMERA)
		tt_must(k, "remove", "a camera's buffer", vivid_remove_bufs(k->camera, h->fd, 1));
	else
		tt_must(k, "close", "a GEM handle",
			dumb_destroy(h->type == DUMB ? k->display : k->importer, h->fd));
}
