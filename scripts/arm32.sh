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
	guest_boot arm32/patched arm32 arm32 ''
	build_for arm64
}
