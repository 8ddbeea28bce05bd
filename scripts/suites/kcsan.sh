# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite kcsan: the tests of suite debug on a kernel that searches for data races.

suite kcsan 9 check-all 4 "the same on a kernel that looks for data races"

# In a data race, two CPUs use the same memory at the same time without synchronization. Only the
# files that the series changes are compiled with KCSAN: races in other files do not come from the
# series, and KCSAN spends all of its time on these files.
kcsan_words()
{
	printf 'KCSAN_SANITIZE=n'
	kgit -C "$TREE" diff --name-only base-of-series HEAD -- '*.c' ':!tools' |
	sed 's,.*/,,; s,\(.*\)\.c$, KCSAN_SANITIZE_\1.o=y,' | tr -d '\n'
}

# The kernel, and the selftests after test_kcsan, which turns KCSAN on.
kcsan_build()
{
	build_dtb ''
	guest_busybox
	KERNEL_WORDS=$(kcsan_words)
	# shellcheck disable=SC2046 # a list of files
	build_kernel kcsan $(check_config) kernel/config/lockdep.config kernel/config/kcsan.config
	KERNEL_WORDS=
	step "guest: selftests (kcsan)"
	build_selftests kcsan
	debug_first kcsan "$BASE/selftests-kcsan" test_kcsan
}

kcsan_programs()
{
	echo debug/test_kcsan
}

kcsan_guest()
{
	kcsan_build
	BOOT_SECONDS=3600
	guest_run kcsan kcsan "$BASE/selftests-kcsan/initrd" none dmem.limit=900 "$@"
	BOOT_SECONDS=
}

suite_kcsan()
{
	kcsan_build
	debug_media kcsan
	debug_first kcsan "$BASE/media/kcsan" test_kcsan
	BOOT_SECONDS=3600
	guest_boot debug/kcsan kcsan patched dmem.limit=900
	debug_media_boot kcsan dmem.limit=900
	BOOT_SECONDS=
}
