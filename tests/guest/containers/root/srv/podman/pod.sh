#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Its arguments are the name of the container in the pod, the program, and that program's arguments.
set -e
name=$1
shift
podman run --rm --pod=cameras --name="$name" --annotation=io.kubernetes.container.name="$name" \
	--annotation='dmem.pool/max.container.camera=cma/camera@64000000 8M' \
	--annotation='dmem.pool/max.container.player=cma/camera@64000000 4M' \
	--device=/dev/dma_heap/camera@64000000 --network=none --read-only --rootfs /srv/camera "$@"
