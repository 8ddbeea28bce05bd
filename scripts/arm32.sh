# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite arm32: the tests of suite core on 32-bit ARM, with high memory and with
# RAM for the limits that 32 bits do not hold.

arm32_packages()
{
	build_for arm
	cross_packages
	build_for arm64
}

suite_arm32()
{
	build_for arm
	build_kernel arm32 kernel/config/vm.config kernel/config/check.config \
		kernel/config/media.config kernel/config/arm32.config
	step "guest: selftests (arm)"
	build_dtb
	guest_busybox
	build_selftests arm32
	arm32_memory
	guest_boot arm32/patched arm32 "$SKIPS" ''
	build_for arm64
}

# One test fills the guest's memory. A host that has less gets a smaller guest,
# in which this test skips.
arm32_memory()
{
	_free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
	SKIPS=arm32
	[ "$_free" -lt 7680 ] || return 0
	printf '      7680 MiB of free memory are needed for limits of 6 GiB, there are %s\n' "$_free" >&2
	MACHINE=$(echo "$MACHINE" | sed 's/-m 7G/-m 2G/')
	SKIPS='arm32 arm32-small'
}
