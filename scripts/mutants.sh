# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Breaks one line of the series at a time and expects a test to notice. All
# mutants are in one kernel, which a boot parameter tells which one to be.

mutants()
{
	STEPS=8
	prepare
	build_kernel check kernel/config/vm.config kernel/config/check.config \
		kernel/config/media.config
	step "guest: selftests"
	build_dtb
	guest_busybox
	build_selftests check
	[ -z "$TREE_OWN" ] || die "$TREE has changes of your own: commit them, and run 'make series'"
	trap mutants_undo EXIT
	git -C "$TREE" apply --index "$PWD/kernel/mutants/mutants.patch" 2>"$LOGS/mutants.log" ||
	die_log "$LOGS/mutants.log" "kernel/mutants/mutants.patch does not apply to the series: bring it up to date"
	TREE_ID=$TREE_ID-$(hash16 kernel/mutants/mutants.patch)
	LIKE=check build_kernel mutants kernel/config/vm.config kernel/config/check.config \
		kernel/config/media.config
	mutants_undo
	trap - EXIT

	step "guest: one boot a mutant"
	_passed=0
	_failed=0
	printf '| mutant | what is broken | the test that must fail | did it |\n|---|---|---|---|\n'
	sed '/^#/d' kernel/mutants/list >"$BASE/mutants.list"
	while read -r _n _prog _test _what; do
		[ -z "$1" ] || [ "$1" = "$_n" ] || continue
		mutant_boot "$_n" "$_prog"
		_seen=no
		sed -n "\\,^# run ${_prog#disabled:}\$,,/^# exit/p" "$BASE/run/mutant/results" >"$BASE/mutant.tap"
		if grep -q "^ *not ok .*\\<$_test\\>" "$BASE/mutant.tap"; then
			_seen=yes
		elif grep -q "^# exit .* 137\$" "$BASE/mutant.tap" &&
		     ! grep -q "^ *ok .*\\<$_test\\>" "$BASE/mutant.tap"; then
			_seen='yes, it was killed'
		fi
		case $_seen in
		yes*) _passed=$((_passed + 1)) ;;
		no) _failed=$((_failed + 1)) ;;
		esac
		printf '| %s | %s | %s %s | %s |\n' "$_n" "$_what" "${_prog#disabled:}" "$_test" "$_seen"
	done <"$BASE/mutants.list"
	printf '%s passed, %s failed\n' "$_passed" "$_failed"
	[ "$_failed" = 0 ] && [ "$_passed" != 0 ]
}

mutants_undo()
{
	git -C "$TREE" reset -q --hard HEAD
}

mutant_boot()
{
	mkdir -p "$BASE/run/mutant"
	_words="dmem.run=tests dmem.limit=200 dmem.only=${2#disabled:} dmem_mutant=$1"
	case $2 in
	disabled:*) _words="$_words cgroup_disable=dmem" ;;
	esac
	# A broken kernel may not come to the end, which is no reason to stop.
	boot 300 "$BASE/run/mutant/kernel.log" "$BASE/run/mutant/results" \
		"$BASE/build-mutants/arch/arm64/boot/Image" "$BASE/selftests-check/initrd" \
		"$_words" || :
	[ -e "$BASE/run/mutant/results" ] || : >"$BASE/run/mutant/results"
}
