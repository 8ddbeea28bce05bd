# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Breaks one line of the series at a time and expects a test to notice. All
# mutants are in one kernel for each guest, which a boot parameter tells which
# one to be. What KCSAN has to notice is in a kernel of its own.

# mutants NUMBERS: those, or all.
mutants()
{
	STEPS=7
	prepare
	[ -z "$TREE_OWN" ] || die "$TREE has changes of your own: commit them, and run 'make series'"
	sed '/^#/d' kernel/mutants/list | while read -r _n _rest; do
		case " $1 " in
		'  '|*" $_n "*) echo "$_n $_rest" ;;
		esac
	done >"$BASE/mutants.list"
	[ -s "$BASE/mutants.list" ] || die "kernel/mutants/list has no mutant '$1'"
	trap mutants_undo EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	git -C "$TREE" apply --index "$PWD/kernel/mutants/mutants.patch" 2>"$LOGS/mutants.log" ||
	die_log "$LOGS/mutants.log" "kernel/mutants/mutants.patch does not apply to the series: bring it up to date"
	TREE_ID=$TREE_ID-$(hash16 kernel/mutants/mutants.patch)
	if grep -qv -e '^[0-9]* arm32:' -e '^[0-9]* kcsan:' "$BASE/mutants.list"; then
		mutants_build mutants check
	fi
	if grep -q '^[0-9]* kcsan:' "$BASE/mutants.list"; then
		mutants_build mutants-kcsan kcsan kernel/config/kcsan.config
		debug_first mutants-kcsan "$BASE/selftests-mutants-kcsan" test_kcsan
	fi
	if grep -q '^[0-9]* arm32:' "$BASE/mutants.list"; then
		arm32_packages
		build_for arm
		mutants_build mutants32 arm32 kernel/config/arm32.config
		build_for arm64
	fi
	mutants_undo
	trap - EXIT INT TERM HUP

	step "guest: without a mutant"
	mutants_control
	step "guest: one boot a mutant"
	_passed=0
	_failed=0
	printf '| mutant | what is broken | the test that must fail | did it |\n|---|---|---|---|\n'
	while read -r _n _prog _test _what; do
		mutant_boot "$_n" "$_prog"
		_seen=no
		sed -n "\\,^# run ${_prog#*:}\$,,/^# exit/p" "$BASE/run/mutant/results" >"$BASE/mutant.tap"
		if [ "${_prog%%:*}" = kcsan ]; then
			! grep -q "BUG: KCSAN: $_test " "$BASE/run/mutant/kernel.log" || _seen=yes
		elif grep -q "^ *not ok .*\\<$_test\\>" "$BASE/mutant.tap"; then
			_seen=yes
		elif grep -q "^# exit .* 137\$" "$BASE/mutant.tap" &&
		     ! grep -q "^ *ok .*\\<$_test\\>" "$BASE/mutant.tap"; then
			_seen='yes, it was killed'
		fi
		case $_seen in
		yes*) _passed=$((_passed + 1)) ;;
		no) _failed=$((_failed + 1)) ;;
		esac
		printf '| %s | %s | %s %s | %s |\n' "$_n" "$_what" "${_prog#*:}" "$_test" "$_seen"
	done <"$BASE/mutants.list"
	printf '%s passed, %s failed\n' "$_passed" "$_failed"
	[ "$_failed" = 0 ] && [ "$_passed" != 0 ]
}

# With no mutant on, each of the programs must be content: what fails in any case
# notices nothing.
mutants_control()
{
	cut -d' ' -f2 "$BASE/mutants.list" | sort -u >"$BASE/mutants.programs"
	while read -r _prog; do
		mutant_boot 0 "$_prog"
		case $_prog in
		kcsan:*)
			grep -q "^ok .* it is on" "$BASE/run/mutant/results" ||
			die "KCSAN was not turned on: see $BASE/run/mutant/results"
			;;
		esac
		if ! grep -q "^# exit ${_prog#*:} 0\$" "$BASE/run/mutant/results" ||
		   grep -q '^ *not ok' "$BASE/run/mutant/results"; then
			die "${_prog#*:} fails without a mutant: see $BASE/run/mutant/results"
		fi
		case $_prog in
		kunit/*) ;;
		*) ! mutant_warned || die "the kernel warns without a mutant: see $BASE/run/mutant/kernel.log" ;;
		esac
	done <"$BASE/mutants.programs"
}

# Not by a KUnit test that wants it to.
mutant_warned()
{
	sed -n '/WARNING:/p' "$BASE/run/mutant/kernel.log" | grep -v kunit | grep -q .
}

# mutants_build KERNEL LIKE FRAGMENT...: a kernel, and the tests with its modules.
mutants_build()
{
	_mk=$1
	_like=$2
	shift 2
	LIKE=$_like build_kernel "$_mk" kernel/config/vm.config kernel/config/check.config \
		kernel/config/media.config "$@"
	build_dtb "$_mk"
	guest_busybox
	build_selftests "$_mk"
}

mutants_undo()
{
	git -C "$TREE" reset -q --hard HEAD
}

mutant_boot()
{
	mkdir -p "$BASE/run/mutant"
	_mk=mutants
	_words="dmem.run=tests dmem.limit=200 dmem.only=${2#*:} dmem_mutant=$1"
	case $2 in
	disabled:*) _words="$_words cgroup_disable=dmem" ;;
	memcg:*) _words="$_words dma_mem_accounting=1" ;;
	kcsan:*)
		_mk=mutants-kcsan
		_words="$_words dmem.only=debug/test_kcsan,${2#*:}"
		;;
	arm32:*)
		_mk=mutants32
		build_for arm
		arm32_memory 2>/dev/null
		;;
	esac
	# A broken kernel may not come to the end, which is no reason to stop.
	boot 300 "$BASE/run/mutant/kernel.log" "$BASE/run/mutant/results" \
		"$(kernel_image "$_mk")" "$BASE/selftests-$_mk/initrd" \
		"$_words" || :
	[ -e "$BASE/run/mutant/results" ] || : >"$BASE/run/mutant/results"
	build_for arm64
}
