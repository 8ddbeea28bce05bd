#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Its arguments are options of ctr run, the program in the container, and that program's arguments:
# the first word without a dash is the program.
set -e
PATH=/opt/containerd:$PATH
options=
while [ "${1#-}" != "$1" ]; do
	options="$options $1"
	shift
done
# shellcheck disable=SC2086 # options without blanks
ctr --address=/run/containerd-2/containerd.sock run $options \
	--rm --device=dmem.pool/camera-64000000=8M --read-only --rootfs /srv/camera camera "$@"
