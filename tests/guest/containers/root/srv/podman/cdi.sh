#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Its arguments are Podman's runtime, the program in the container, and that program's arguments.
set -e
runtime=$1
shift
podman "$runtime" run --rm --name=camera --device=dmem.pool/camera-64000000=8M \
	--network=none --read-only --rootfs /srv/camera "$@"
