#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# As run.sh, with a cap of the container's own.
set -e
podman --runtime=runc run --rm --name=camera --cgroup-conf='dmem.max=cma/camera@64000000 8M' \
	--device=/dev/dma_heap/camera@64000000 --network=none --read-only --rootfs /srv/camera "$@"
