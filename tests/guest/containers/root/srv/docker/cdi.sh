#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Its arguments are the program in the container, and that program's arguments.
set -e
docker run --name=camera --device=dmem.pool/camera-64000000=8M \
	--network=none --read-only localhost/camera "$@"
