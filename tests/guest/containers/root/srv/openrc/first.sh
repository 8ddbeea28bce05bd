#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Starts OpenRC as the first process of new namespaces, with one service in its default runlevel.
set -e
mkdir -p /run/openrc
# shellcheck disable=SC2016 # the inner shell expands it
exec unshare --pid --fork --kill-child --mount --mount-proc sh -ec '
	for d in /run/openrc /etc/init.d /etc/conf.d /etc/runlevels; do
		mount -t tmpfs none $d
	done
	cp /srv/openrc/init.d-camera /etc/init.d/camera
	chmod +x /etc/init.d/camera
	cp /srv/openrc/camera /etc/conf.d/
	mkdir /etc/runlevels/sysinit /etc/runlevels/boot /etc/runlevels/default
	ln -s /etc/init.d/camera /etc/runlevels/default/
	exec openrc-init
'
