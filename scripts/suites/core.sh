# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite core: the kselftests and KUnit tests of the series in the guest: on the patched
# kernel, and with the controller disabled. Compiles the series without the controller.

suite core 2 check $((6 + ALL)) "the kselftests on the patched kernel, and with the controller disabled"

CORE_WORDS='DMEM_TORTURE_SECONDS=120 dmem.limit=520'

# check_config: prints the configuration of kernel check.
check_config()
{
	printf 'kernel/config/%s.config ' vm check media devices systemd
}

# The patched kernel of this suite, of media, of "make torture", and of the suites with systemd.
# One kernel: building one takes longer than all tests of a suite.
build_check()
{
	# shellcheck disable=SC2046 # a list of files
	build_kernel check $(check_config)
}

# compile_nodmem: compiles the files that the series changes, as far as kernel check has them, for a
# kernel without the controller. Suite without boots that kernel.
compile_nodmem()
{
	step "files of the series without the controller"
	_small=$BASE/build-nodmem-files
	_options=kernel/config/nodmem.config
	[ "$SERIES" = kernel ] || _options="$_options $SERIES/options"
	# shellcheck disable=SC2046,SC2086 # lists of files
	small_config "$_small" "$TREE" $(check_config) $_options
	_objects=$(touched_objects "$TREE" | while read -r _o; do
		[ ! -e "$BASE/build-check/$_o" ] || ! object_enabled "$_o" "$_small/.config" || echo "$_o"
	done)
	[ -n "$_objects" ] || die "kernel check has no file that the series changes"
	# shellcheck disable=SC2086 # a list of files
	kmake "$_small" -s -j"$(nproc)" KCFLAGS=-Werror $_objects >"$LOGS/nodmem-files.log" 2>&1 ||
	die_log "$LOGS/nodmem-files.log" "cannot compile without CONFIG_CGROUP_DMEM: $(grep -m 1 'error:' "$LOGS/nodmem-files.log")"
}

# object_enabled OBJECT CONFIG: fails if the object's Makefile wants an option for it that is off. If
# make is told an object by name, it compiles it in any case.
object_enabled()
{
	_option=$(sed -n "s/^obj-\$(\(CONFIG_[A-Z0-9_]*\)).*[[:space:]=]${1##*/}.*/\1/p" "$TREE/${1%/*}/Makefile")
	[ -z "$_option" ] || grep -q "^$_option=" "$2"
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
	[ -n "${UPTO:-}" ] || programs_of kernel | known_programs
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
	compile_nodmem
	step "guest: selftests"
	build_dtb ''
	guest_busybox
	build_selftests check
	build_ahead_of_suites
	guest_boot core/patched check patched "$CORE_WORDS"
	tell_what_was_done core/patched
	guest_boot core/disabled check disabled cgroup_disable=dmem
	[ "$ALL" = 0 ] || torture_boot 600 ''
}

# tell_what_was_done SUITE/BOOT: prints the number of injected allocation failures, and figures
# of the random operations.
tell_what_was_done()
{
	sed -n -e 's/^# test_fail_nth.c:[0-9]*:[a-z_]*:\(.*tried, \(1 in a row\|with one\).*\)/      \1/p' \
		-e 's/^# test_torture.c:[0-9]*:random:/      /p' "$BASE/run/$1/results"
}
