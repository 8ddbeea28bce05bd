#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Its arguments are the program in the container, and what that one gets.
set -e
podman run --rm --name=camera --cgroup-parent=machine-camera.slice \
	--device=/dev/dma_heap/camera@64000000 --network=none --read-only --rootfs /srv/camera "$@"
