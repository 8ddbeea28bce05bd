# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite containers: limits per container, with Debian's engines, in the guest of suite systemd
# with more programs. The guest has neither Docker nor a network.

suite containers 5 check 3 "limits per container, with Podman, LXC, runc, crun and nspawn"

# These packages and their dependencies contain all programs of the recipes.
CONTAINERS_PACKAGES='runc crun lxc cgroup-tools systemd-container podman'

containers_build()
{
	build_systemd
	step "guest: a system with engines"
	build_dtb ''
	containers_root
}

containers_programs()
{
	programs_of containers
}

containers_guest()
{
	containers_build
	guest_run containers systemd "$BASE/containers/trixie/initrd" containers-trixie "$SYSTEM_WORDS" "$@"
}

suite_containers()
{
	containers_build
	mkdir -p "$BASE/run/containers/trixie"
	cp "$BASE/containers/tests/list" "$BASE/run/containers/trixie/expect"
	system_boot containers trixie trixie ''
}

# The root file system of the containers has the test's program and no other file.
containers_root()
{
	build_system_tests containers tests/guest/containers tests/guest/containers/container.c
	_more=$BASE/containers/more
	rm -rf "$_more"
	mkdir -p "$_more"
	cp -a tests/guest/containers/root/. "$_more/"
	for _d in dev proc sys/fs/cgroup tmp usr; do
		mkdir -p "$_more/srv/camera/$_d"
	done
	cp "$BASE/containers/tests/containers/probe" "$_more/srv/camera/"
	# The output of dmemctl cdi, as a test of the host compares it.
	mkdir -p "$_more/etc/cdi"
	sed 1d tests/expected/cdi/camera >"$_more/etc/cdi/dmem-camera-64000000.json"
	containers_other_releases
	# dmemctl doctor examines the containers, and lsdmem runs inside of them.
	rm -rf "$BASE/tools/out"
	guest_tools "$_more"
	tools_libraries arm64
	HOOK=$LIBRARIES
	# shellcheck disable=SC2086 # a list of packages
	system_root containers trixie $CONTAINERS_PACKAGES
	HOOK=
}

# Adds programs of other releases that behave differently: an older libcgroup with its own
# library, and a newer runc with the libraries of its release.
containers_other_releases()
{
	_old=$CACHE/userland/libcgroup-bookworm
	USERLAND_SUITES=bookworm guest_userland arm64 "$_old" programs cgroup-tools
	mkdir -p "$_more/opt/libcgroup/bin" "$_more/opt/libcgroup/lib"
	cp "$_old"/usr/bin/cg* "$_old/usr/sbin/cgconfigparser" "$_more/opt/libcgroup/bin/"
	cp "$_old"/usr/lib/aarch64-linux-gnu/libcgroup.so.* "$_more/opt/libcgroup/lib/"
	_new=$CACHE/userland/runc-forky
	USERLAND_SUITES=forky guest_userland arm64 "$_new" programs runc
	mkdir -p "$_more/opt/runc/lib"
	cp "$_new/usr/sbin/runc" "$_more/opt/runc/"
	cp "$_new"/usr/lib/aarch64-linux-gnu/*.so.* "$_more/opt/runc/lib/"
}
