#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# As unified.sh, for the default CMA area, whose name has a comma.
set -e
podman --runtime=runc run --rm --name=camera --cgroup-conf='"dmem.max=cma/linux,cma 8M"' \
	--device=/dev/dma_heap/default_cma_region --network=none --read-only --rootfs /srv/camera "$@"
