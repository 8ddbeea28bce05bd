# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite containers: limits per container, with Debian's engines, in the guest of suite systemd
# with more programs. The guest has no network.

suite containers 5 check 3 "limits per container, with Podman, Docker, containerd, LXC, runc, crun and nspawn" system

# Docker, and a cluster of Pacemaker, need minutes for all of their tests.
CONTAINERS_WORDS='dmem.limit=900 nr_cpus=2'

# These packages and their dependencies contain all programs of the recipes.
CONTAINERS_PACKAGES='runc crun lxc cgroup-tools systemd-container podman docker.io docker-cli
	pacemaker-cli-utils pacemaker corosync'

containers_build()
{
	build_check
	step "guest: a system with engines"
	build_dtb ''
	containers_root
}

containers_programs()
{
	programs_of containers
}

# containers_machine COMMAND...: runs the command with a machine whose memory holds all engines twice:
# at boot, the kernel unpacks the root file system beside its archive.
containers_machine()
{
	_machine=$MACHINE
	MACHINE=$(echo "$MACHINE" | sed 's/-m [^ ]*/-m 2G/')
	"$@"
	MACHINE=$_machine
}

containers_guest()
{
	containers_machine containers_guest_boot "$@"
}

containers_guest_boot()
{
	containers_build
	guest_run containers check "$BASE/containers/trixie/initrd" containers-trixie "$SYSTEM_WORDS $CONTAINERS_WORDS" "$@"
}

suite_containers()
{
	containers_machine containers_boot
}

containers_boot()
{
	containers_build
	mkdir -p "$BASE/run/containers/trixie"
	cp "$BASE/containers/tests/list" "$BASE/run/containers/trixie/expect"
	system_boot containers trixie trixie "$CONTAINERS_WORDS"
}

# The root file system of the containers has the test's program and no other file.
containers_root()
{
	build_system_tests containers tests/guest/containers tests/guest/containers/container.c \
		tests/guest/containers/hook.c
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
	containers_openrc
	# dmemctl doctor examines the containers, and lsdmem runs inside of them.
	rm -rf "$BASE/tools/out"
	guest_tools "$_more"
	! guest_wants containers/test_hook_faults ||
	guest_module check tests/guest/debug/dmem_test_region.c "$BASE/containers/tests/containers"
	tools_libraries arm64
	HOOK=$LIBRARIES
	# shellcheck disable=SC2086 # a list of packages
	system_root containers trixie $CONTAINERS_PACKAGES
	HOOK=
}

# Adds programs of other releases that behave differently: an older libcgroup with its own
# library, a newer runc with the libraries of its release, and a newer containerd.
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
	# Its programs need no newer libraries.
	_new=$CACHE/userland/containerd-forky
	USERLAND_SUITES=forky guest_userland arm64 "$_new" programs containerd
	mkdir -p "$_more/opt/containerd"
	for _p in containerd ctr containerd-shim-runc-v2; do
		cp "$_new/usr/bin/$_p" "$_more/opt/containerd/"
	done
}

# Adds the programs of OpenRC, and directories that a test mounts over. They are beside systemd: as a
# package, OpenRC would replace it.
containers_openrc()
{
	_rc=$CACHE/userland/openrc-trixie
	USERLAND_SUITES=trixie guest_userland arm64 "$_rc" programs openrc
	mkdir -p "$_more/usr/lib/aarch64-linux-gnu" "$_more/usr/sbin" "$_more/etc/init.d" "$_more/etc/conf.d" \
		"$_more/etc/runlevels"
	cp -R "$_rc/usr/lib/rc" "$_more/usr/lib/"
	cp "$_rc/usr/sbin/openrc" "$_rc/usr/sbin/openrc-init" "$_rc/usr/sbin/openrc-run" "$_more/usr/sbin/"
	cp "$_rc"/usr/lib/aarch64-linux-gnu/librc.so.* "$_rc"/usr/lib/aarch64-linux-gnu/libeinfo.so.* \
		"$_more/usr/lib/aarch64-linux-gnu/"
}
