# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite core: the kselftests and KUnit tests of the series in the guest: on the patched
# kernel, with the controller disabled, and without the controller.

suite core 2 check $((7 + ALL)) "the kselftests on the patched kernel, and without the controller"

CORE_WORDS='DMEM_TORTURE_SECONDS=120 dmem.limit=520'

# The patched kernel of this suite, of media, and of "make torture"
build_check()
{
	build_kernel check kernel/config/vm.config kernel/config/check.config kernel/config/media.config \
		kernel/config/devices.config
}

# The kselftests that the commits of the series add: the kernel's tree has no others. Before the end
# of the series, only these run: the programs of tests/guest/kernel need all of it.
core_programs()
{
	# shellcheck disable=SC2046 # a list of files without blanks
	commit_files $(series_commits) | grep -vxF -e "$(upto_later)" |
	sed -n 's,^\(test_[^/]*\)\.c$,cgroup/\1,p' | sort
	# It allocates from all heaps: before test_tee, which leaves heaps without memory
	echo dmabuf-heaps/dmabuf-heap
	[ -n "${UPTO:-}" ] || programs_of kernel
}

core_guest()
{
	build_check
	step "guest: selftests"
	build_dtb ''
	guest_busybox
	build_selftests check
	guest_run core check "$BASE/selftests-check/initrd" patched "$CORE_WORDS" "$@"
}

suite_core()
{
	coverage_judged
	build_check
	LIKE=check build_kernel nodmem kernel/config/vm.config kernel/config/check.config \
		kernel/config/media.config kernel/config/devices.config kernel/config/nodmem.config
	step "guest: selftests"
	build_dtb ''
	guest_busybox
	build_selftests check
	build_selftests nodmem
	guest_boot core/patched check patched "$CORE_WORDS"
	tell_what_was_done core/patched
	guest_boot core/disabled check disabled cgroup_disable=dmem
	guest_boot core/nodmem nodmem nodmem ''
	[ "$ALL" = 0 ] || torture_boot 600 ''
}

# tell_what_was_done SUITE/BOOT: prints the number of injected allocation failures, and figures
# of the random operations.
tell_what_was_done()
{
	sed -n -e 's/^# test_fail_nth.c:[0-9]*:[a-z_]*:\(.*tried, \(1 in a row\|with one\).*\)/      \1/p' \
		-e 's/^# test_torture.c:[0-9]*:random:/      /p' "$BASE/run/$1/results"
}
