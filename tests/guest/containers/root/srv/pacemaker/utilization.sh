#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The argument is this node's name in the cluster.
set -e
lsdmem --raw --noheadings --bytes --output NAME,CAPACITY |
while read -r region bytes; do
	case $bytes in *[!0-9]*) continue ;; esac
	crm_attribute --node "$1" --utilization --name "$region" --update $((bytes / 1048576))
done
