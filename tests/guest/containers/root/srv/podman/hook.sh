#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Its arguments are Podman's runtime, the program in the container, and that program's arguments.
set -e
runtime=$1
shift
podman "$runtime" run --rm --name=camera --annotation='dmem.pool/max=cma/camera@64000000 8M' \
	--device=/dev/dma_heap/camera@64000000 --network=none --read-only --rootfs /srv/camera "$@"
