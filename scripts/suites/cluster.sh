# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite cluster: what counts and limits regions on many machines, with Debian's Slurm and
# Prometheus. One guest is a controller and several nodes.

suite cluster 7 check 3 "Slurm, with limits per job, and Prometheus, with figures of each region" system

# A program starts servers, and runs dozens of commands of Slurm.
CLUSTER_WORDS=dmem.limit=1200
CLUSTER_PACKAGES='slurmctld slurmd slurm-client munge prometheus prometheus-node-exporter curl'

# The files of the other suite's system with programs for clusters. spank_dmem.so is built with the
# headers of the Slurm that loads it, lsdmem and dmemctl as for suite tools.
cluster_root()
{
	build_system_tests cluster tests/guest/cluster tests/guest/cluster/slurm.c
	_more=$BASE/cluster/more
	rm -rf "$_more" "$BASE/tools/out"
	mkdir -p "$_more"
	cp -a tests/guest/cluster/root/. "$_more/"
	guest_tools "$_more"
	cluster_plugin "$_more"
	# shellcheck disable=SC2086 # a list of packages
	system_root cluster trixie $CLUSTER_PACKAGES
}

# cluster_machine COMMAND...: runs the command with a machine that has room for all of this in RAM.
cluster_machine()
{
	_machine=$MACHINE
	MACHINE=$(echo "$MACHINE" | sed 's/-m 1G/-m 2G/')
	DTB_NAME=cluster
	"$@"
	MACHINE=$_machine
	DTB_NAME=
}

# cluster_plugin DESTDIR: installs spank_dmem.so where the guest's Slurm looks for plugins. Only the
# headers of Slurm are needed; a userland of this kind has the other packages as well.
cluster_plugin()
{
	_slurm=$CACHE/userland/slurm-trixie
	USERLAND_SUITES=trixie guest_userland arm64 "$_slurm" libraries \
		libsmartcols-dev libsystemd-dev libfdt-dev libjson-c-dev libslurm-dev
	rm -rf "$BASE/cluster/plugin"
	guest_meson . "$BASE/cluster/plugin" "-I$_slurm/include" '' -Dtools=disabled -Dhook=disabled \
		-Dslurm=enabled -Dspankdir=/usr/lib/aarch64-linux-gnu/slurm-wlm
	guest_install "$BASE/cluster/plugin" "$1" slurm
}

cluster_system()
{
	build_check
	step "guest: a system with Slurm and Prometheus"
	cluster_machine build_dtb ''
	cluster_root
}

cluster_programs()
{
	programs_of cluster
}

cluster_guest()
{
	cluster_system
	cluster_machine guest_run cluster check "$BASE/cluster/trixie/initrd" cluster-trixie "$SYSTEM_WORDS $CLUSTER_WORDS" "$@"
}

suite_cluster()
{
	cluster_system
	mkdir -p "$BASE/run/cluster/trixie"
	cp "$BASE/cluster/tests/list" "$BASE/run/cluster/trixie/expect"
	cluster_machine system_boot cluster trixie trixie "$CLUSTER_WORDS"
}
