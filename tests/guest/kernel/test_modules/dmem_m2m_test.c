// SPDX-License-Identifier: GPL-2.0
/*
 * A memory-to-memory device that allocates memory for a context when it runs the first job
 * of it, as decoders do for reference frames, with DMA_ATTR_ACCOUNT. The size is that of
 * the images of the OUTPUT queue. STREAMOFF of this queue frees the memory. Buffers have one
 * page, which is not charged, and nothing is processed.
 *
 * A job ends when "finish" is written, which stands for the interrupt of the hardware. It
 * ends with an error if there was no memory for it.
 */
#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/v4l2-mem2mem.h>
#include <media/videobuf2-vmalloc.h>

#define NAME	"dmem_m2m_test"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
/* The driver puts the handle into the file. */
#define file_to_v4l2_fh(file)	((struct v4l2_fh *)(file)->private_data)
#define v4l2_fh_add(fh, file)	((file)->private_data = (fh), v4l2_fh_add(fh))
#define v4l2_fh_del(fh, file)	v4l2_fh_del(fh)
#endif

/* As in dmem_dma_test */
static char *area = "";
module_param(area, charp, 0444);
MODULE_PARM_DESC(area, "name of the CMA area of the device");

static bool worker;
module_param(worker, bool, 0644);
MODULE_PARM_DESC(worker, "run jobs in a worker of the driver");

struct test_ctx {
	struct v4l2_fh fh;
	struct work_struct work;
	u32 len;
	void *mem;
	size_t mem_len;
	dma_addr_t dma;
	pid_t ran;	/* task that has run the job which is under way */
};

static struct platform_device *pdev;
static struct v4l2_device v4l2_dev = { .name = NAME };	/* pdev has no driver */
static struct v4l2_m2m_dev *m2m_dev;
static DEFINE_MUTEX(lock);		/* of the queues and the ioctls */
static DECLARE_WAIT_QUEUE_HEAD(ran_wait);

static struct test_ctx *file_to_ctx(struct file *file)
{
	return container_of(file_to_v4l2_fh(file), struct test_ctx, fh);
}

static void run(struct test_ctx *ctx)
{
	if (!ctx->mem) {
		ctx->mem_len = ctx->len;
		ctx->mem = dma_alloc_attrs(&pdev->dev, ctx->mem_len, &ctx->dma,
					   GFP_KERNEL | __GFP_NOWARN, DMA_ATTR_ACCOUNT);
	}
	WRITE_ONCE(ctx->ran, task_pid_nr(current));
	wake_up(&ran_wait);
}

static void run_work(struct work_struct *work)
{
	struct test_ctx *ctx = container_of(work, struct test_ctx, work);
	CLASS(v4l2_m2m_charge, charge)(ctx->fh.m2m_ctx);

	run(ctx);
}

static void device_run(void *priv)
{
	struct test_ctx *ctx = priv;

	if (worker)
		schedule_work(&ctx->work);
	else
		run(ctx);
}

static void finish_job(struct test_ctx *ctx)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	enum vb2_buffer_state state;

	wait_event(ran_wait, READ_ONCE(ctx->ran));
	flush_work(&ctx->work);
	WRITE_ONCE(ctx->ran, 0);
	state = ctx->mem ? VB2_BUF_STATE_DONE : VB2_BUF_STATE_ERROR;
	v4l2_m2m_buf_done(v4l2_m2m_src_buf_remove(m2m_ctx), state);
	v4l2_m2m_buf_done(v4l2_m2m_dst_buf_remove(m2m_ctx), state);
	v4l2_m2m_job_finish(m2m_dev, m2m_ctx);
}

static void job_abort(void *priv)
{
	finish_job(priv);
}

static const struct v4l2_m2m_ops test_m2m_ops = {
	.device_run	= device_run,
	.job_abort	= job_abort,
};

static int finish_set(const char *val, const struct kernel_param *kp)
{
	struct test_ctx *ctx = m2m_dev ? v4l2_m2m_get_curr_priv(m2m_dev) : NULL;

	if (!ctx)
		return -EAGAIN;
	finish_job(ctx);
	return 0;
}

static const struct kernel_param_ops finish_ops = { .set = finish_set };
module_param_cb(finish, &finish_ops, NULL, 0200);
MODULE_PARM_DESC(finish, "ends the job that is under way");

static int ran_get(char *buf, const struct kernel_param *kp)
{
	struct test_ctx *ctx = m2m_dev ? v4l2_m2m_get_curr_priv(m2m_dev) : NULL;

	return sysfs_emit(buf, "%d\n", ctx ? READ_ONCE(ctx->ran) : 0);
}

static const struct kernel_param_ops ran_ops = { .get = ran_get };
module_param_cb(ran, &ran_ops, NULL, 0444);
MODULE_PARM_DESC(ran, "pid of the task that has run the job which is under way, or 0");

static int queue_setup(struct vb2_queue *q, unsigned int *buffers, unsigned int *planes,
		       unsigned int sizes[], struct device *alloc_devs[])
{
	if (*planes)
		return sizes[0] < PAGE_SIZE ? -EINVAL : 0;
	*planes = 1;
	sizes[0] = PAGE_SIZE;
	return 0;
}

static int buf_prepare(struct vb2_buffer *vb)
{
	vb2_set_plane_payload(vb, 0, 1);
	return 0;
}

static void buf_queue(struct vb2_buffer *vb)
{
	struct test_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	v4l2_m2m_buf_queue(ctx->fh.m2m_ctx, to_vb2_v4l2_buffer(vb));
}

static void stop_streaming(struct vb2_queue *q)
{
	struct test_ctx *ctx = vb2_get_drv_priv(q);
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	bool output = V4L2_TYPE_IS_OUTPUT(q->type);
	struct vb2_v4l2_buffer *vbuf;

	while ((vbuf = output ? v4l2_m2m_src_buf_remove(m2m_ctx) :
				v4l2_m2m_dst_buf_remove(m2m_ctx)))
		v4l2_m2m_buf_done(vbuf, VB2_BUF_STATE_ERROR);
	if (output && ctx->mem) {
		dma_free_attrs(&pdev->dev, ctx->mem_len, ctx->mem, ctx->dma, 0);
		ctx->mem = NULL;
	}
}

static const struct vb2_ops test_vb2_ops = {
	.queue_setup	= queue_setup,
	.buf_prepare	= buf_prepare,
	.buf_queue	= buf_queue,
	.stop_streaming	= stop_streaming,
};

static int init_queue(struct test_ctx *ctx, struct vb2_queue *q, enum v4l2_buf_type type)
{
	q->type = type;
	q->io_modes = VB2_MMAP;
	q->drv_priv = ctx;
	q->buf_struct_size = sizeof(struct v4l2_m2m_buffer);
	q->ops = &test_vb2_ops;
	q->mem_ops = &vb2_vmalloc_memops;
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	q->lock = &lock;
	return vb2_queue_init(q);
}

static int init_queues(void *priv, struct vb2_queue *src, struct vb2_queue *dst)
{
	int ret = init_queue(priv, src, V4L2_BUF_TYPE_VIDEO_OUTPUT);

	return ret ? ret : init_queue(priv, dst, V4L2_BUF_TYPE_VIDEO_CAPTURE);
}

static int querycap(struct file *file, void *priv, struct v4l2_capability *cap)
{
	strscpy(cap->driver, NAME);
	strscpy(cap->card, NAME);
	return 0;
}

static int g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	f->fmt.pix = (struct v4l2_pix_format) {
		.width = 16,
		.height = 16,
		.pixelformat = V4L2_PIX_FMT_GREY,
		.field = V4L2_FIELD_NONE,
		.sizeimage = file_to_ctx(file)->len,
	};
	return 0;
}

static int s_fmt_out(struct file *file, void *priv, struct v4l2_format *f)
{
	file_to_ctx(file)->len = clamp(f->fmt.pix.sizeimage, 1, SZ_64M);
	return g_fmt(file, priv, f);
}

static const struct v4l2_ioctl_ops test_ioctl_ops = {
	.vidioc_querycap	= querycap,
	.vidioc_g_fmt_vid_out	= g_fmt,
	.vidioc_s_fmt_vid_out	= s_fmt_out,
	.vidioc_g_fmt_vid_cap	= g_fmt,
	.vidioc_reqbufs		= v4l2_m2m_ioctl_reqbufs,
	.vidioc_create_bufs	= v4l2_m2m_ioctl_create_bufs,
	.vidioc_querybuf	= v4l2_m2m_ioctl_querybuf,
	.vidioc_qbuf		= v4l2_m2m_ioctl_qbuf,
	.vidioc_dqbuf		= v4l2_m2m_ioctl_dqbuf,
	.vidioc_streamon	= v4l2_m2m_ioctl_streamon,
	.vidioc_streamoff	= v4l2_m2m_ioctl_streamoff,
};

static int test_open(struct file *file)
{
	struct test_ctx *ctx = kzalloc_obj(*ctx);
	int ret;

	if (!ctx)
		return -ENOMEM;
	ctx->len = PAGE_SIZE;
	INIT_WORK(&ctx->work, run_work);
	ctx->fh.m2m_ctx = v4l2_m2m_ctx_init(m2m_dev, ctx, init_queues);
	if (IS_ERR(ctx->fh.m2m_ctx)) {
		ret = PTR_ERR(ctx->fh.m2m_ctx);
		kfree(ctx);
		return ret;
	}
	v4l2_fh_init(&ctx->fh, video_devdata(file));
	v4l2_fh_add(&ctx->fh, file);
	return 0;
}

static int test_release(struct file *file)
{
	struct test_ctx *ctx = file_to_ctx(file);

	mutex_lock(&lock);
	v4l2_m2m_ctx_release(ctx->fh.m2m_ctx);
	mutex_unlock(&lock);
	v4l2_fh_del(&ctx->fh, file);
	v4l2_fh_exit(&ctx->fh);
	kfree(ctx);
	return 0;
}

static const struct v4l2_file_operations test_fops = {
	.owner		= THIS_MODULE,
	.open		= test_open,
	.release	= test_release,
	.unlocked_ioctl	= video_ioctl2,
	.poll		= v4l2_m2m_fop_poll,
};

static struct video_device vdev = {
	.name		= NAME,
	.fops		= &test_fops,
	.ioctl_ops	= &test_ioctl_ops,
	.v4l2_dev	= &v4l2_dev,
	.lock		= &lock,
	.vfl_dir	= VFL_DIR_M2M,
	.release	= video_device_release_empty,
	.device_caps	= V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING,
};

static struct cma *find_area(void)
{
	struct cma *cma;
	unsigned int i;

	for (i = 0; (cma = dma_contiguous_get_area_by_idx(i)); i++) {
		if (!strcmp(area, cma_get_name(cma)))
			return cma;
	}
	return NULL;
}

static int __init dmem_m2m_test_init(void)
{
	struct platform_device_info info = { .name = NAME, .dma_mask = DMA_BIT_MASK(64) };
	struct cma *cma = find_area();
	int ret;

	if (!cma)
		return -ENODEV;
	pdev = platform_device_register_full(&info);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	pdev->dev.cma_area = cma;
	ret = v4l2_device_register(&pdev->dev, &v4l2_dev);
	if (ret)
		goto err_pdev;
	m2m_dev = v4l2_m2m_init(&test_m2m_ops);
	ret = PTR_ERR_OR_ZERO(m2m_dev);
	if (ret)
		goto err_v4l2;
	ret = video_register_device(&vdev, VFL_TYPE_VIDEO, -1);
	if (!ret)
		return 0;

	v4l2_m2m_release(m2m_dev);
err_v4l2:
	v4l2_device_unregister(&v4l2_dev);
err_pdev:
	platform_device_unregister(pdev);
	return ret;
}
module_init(dmem_m2m_test_init);

/* No file is open, so no job is under way. */
static void __exit dmem_m2m_test_exit(void)
{
	video_unregister_device(&vdev);
	v4l2_m2m_release(m2m_dev);
	v4l2_device_unregister(&v4l2_dev);
	platform_device_unregister(pdev);
}
module_exit(dmem_m2m_test_exit);

MODULE_DESCRIPTION("A V4L2 device with jobs that allocate, for the dmem tests");
MODULE_LICENSE("GPL");
