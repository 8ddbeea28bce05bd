# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite containers: caps per container, with the engines as Debian ships them, in
# the guest of suite systemd with more programs. No Docker and no network.

# A program of the recipes needs no more than these and what they depend on.
CONTAINERS_PACKAGES='runc crun lxc cgroup-tools systemd-container'

suite_containers()
{
	build_kernel systemd kernel/config/vm.config kernel/config/systemd.config
	step "guest: a system with engines"
	build_dtb ''
	containers_root
	mkdir -p "$BASE/run/containers/trixie"
	cp "$BASE/containers/tests/list" "$BASE/run/containers/trixie/expect"
	system_boot containers trixie trixie ''
}

# The containers have a root file system of the test's program and nothing else.
containers_root()
{
	build_system_tests containers tests/containers tests/containers/container.c
	_more=$BASE/containers/more
	rm -rf "$_more"
	mkdir -p "$_more"
	cp -a tests/containers/root/. "$_more/"
	for _d in dev proc sys/fs/cgroup tmp usr; do
		mkdir -p "$_more/srv/camera/$_d"
	done
	cp "$BASE/containers/tests/containers/probe" "$_more/srv/camera/"
	# shellcheck disable=SC2086 # a list of packages
	system_root containers trixie $CONTAINERS_PACKAGES
}
