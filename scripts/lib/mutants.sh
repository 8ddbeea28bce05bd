# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Breaks one line of the series at a time, and expects a test to fail. One kernel for
# each guest contains all mutants, and a boot parameter selects one. Mutants for KCSAN
# are in a kernel of their own.

# mutants NUMBERS: runs these, or all.
mutants()
{
	STEPS=9
	prepare
	[ -z "$TREE_OWN" ] || die "$EDIT has changes of your own: commit them, and run 'make series'"
	sed '/^#/d' kernel/mutants/list | while read -r _n _rest; do
		case " $1 " in
		'  '|*" $_n "*) echo "$_n $_rest" ;;
		esac
	done >"$BASE/mutants.list"
	[ -s "$BASE/mutants.list" ] || die "kernel/mutants/list has no mutant '$1'"
	mutants_map
	trap mutants_back EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	: >"$BASE/mutants.here"
	git -C "$TREE" apply --index "$PWD/kernel/mutants/mutants.patch" 2>"$LOGS/mutants.log" ||
	die_log "$LOGS/mutants.log" "kernel/mutants/mutants.patch does not apply to the series: bring it up to date"
	TREE_ID=$TREE_ID-$(hash16 kernel/mutants/mutants.patch)
	if grep -qv -e '^[0-9]* arm32:' -e '^[0-9]* kcsan:' -e '^[0-9]* numa:' \
		"$BASE/mutants.list"; then
		mutants_build mutants check kernel/config/devices.config
	fi
	if grep -q '^[0-9]* kcsan:' "$BASE/mutants.list"; then
		KERNEL_WORDS=$(kcsan_words)
		mutants_build mutants-kcsan kcsan kernel/config/devices.config \
			kernel/config/kcsan.config
		KERNEL_WORDS=
		debug_first mutants-kcsan "$BASE/selftests-mutants-kcsan" test_kcsan
	fi
	if grep -q '^[0-9]* numa:' "$BASE/mutants.list"; then
		numa_machine
		LIKE=numa numa_build mutants-numa
		build_for arm64
	fi
	if grep -q '^[0-9]* arm32:' "$BASE/mutants.list"; then
		arm32_packages
		build_for arm
		mutants_build mutants32 arm32 kernel/config/arm32.config
		build_for arm64
	fi
	mutants_back
	trap - EXIT INT TERM HUP

	step "guest: without a mutant"
	mutants_control
	step "guest: one boot for each mutant and program, two at a time"
	printf '| mutant | change | test | result |\n|---|---|---|---|\n'
	mutants_part 0 &
	_other=$!
	trap stop_both INT TERM HUP
	mutants_part 1
	wait
	trap - INT TERM HUP
	_passed=$(cat "$BASE"/mutants.seen.* | cut -f4 | grep -c '^killed' || :)
	_failed=$(($(wc -l <"$BASE/mutants.list") - _passed))
	printf '%s tests of %s mutants: %s passed, %s failed\n' "$(wc -l <"$BASE/mutants.list")" \
		"$(cut -d' ' -f1 "$BASE/mutants.list" | sort -u | wc -l)" "$_passed" "$_failed"
	mutants_results
	[ "$_failed" = 0 ] && [ "$_passed" != 0 ]
}

# Writes docs/results/mutants.md. The prefix of a program, as in "arm32:", is not shown.
mutants_results()
{
	sed -n 's/^\([0-9][0-9]*\)  *\([^ :]*:\)*\([^ ]*\) \([^ ]*\) \(.*\)$/\1\t\3\t\4\t\5/p' \
		kernel/mutants/list >"$BASE/mutants.texts"
	cat "$BASE"/mutants.seen.* | results_mutants mutants.md "$BASE/mutants.texts" >"$BASE/mutants.table"
	results_put mutants.md kernel <"$BASE/mutants.table"
	mutants_functions <"$BASE/mutants.functions" | results_put mutants.md functions
}

# Prints mutmap's line of figures as a table.
mutants_functions()
{
	awk '{
		gsub(/[^0-9]+/, " ")
		print "| functions changed | with a mutant | listed in kernel/mutants/none |\n|---|---|---|"
		printf "| %d | %d | %d |\n", $1, $2, $3
	}'
}

# Checks that each function changed by the series has a mutant, or a reason in
# kernel/mutants/none.
mutants_map()
{
	kgit -C "$TREE" diff -U0 base-of-series HEAD -- '*.c' '*.h' ':!tools' ':!*_kunit.c' >"$BASE/mutants.series"
	"$CACHE/bin/mutmap" "$TREE" "$BASE/mutants.series" kernel/mutants/mutants.patch kernel/mutants/none \
		>"$BASE/mutants.none" 2>"$BASE/mutants.functions" && {
		cat "$BASE/mutants.functions" >&2
		return
	}
	_rc=$?
	cat "$BASE/mutants.functions" >&2
	[ "$_rc" = 1 ] || die "mutmap gave up on $BASE/mutants.series"
	sed 's/^/      /' "$BASE/mutants.none" >&2
	die "some functions of the series have no mutant: add one, or a line to kernel/mutants/none"
}

# Ctrl-C does not reach a process in the background, nor its guest.
stop_both()
{
	trap - INT TERM HUP
	kill -s TERM 0
}

# mutants_part 0|1: runs every other pair of mutant and program. Those that need much memory run
# one by one.
mutants_part()
{
	MUTANT=$BASE/run/mutant-$1
	awk -v part="$1" '{ pair = $1 " " $2 } !(pair in turn) { turn[pair] = n++ % 2 }
		($2 ~ /^arm32:/ ? 0 : turn[pair]) == part' "$BASE/mutants.list" |
		sort -s -k 1,1n -k 2,2 >"$BASE/mutants.list.$1"
	_booted=
	while read -r _n _prog _test _what; do
		[ "$_booted" = "$_n $_prog" ] || mutant_boot "$_n" "$_prog"
		_booted="$_n $_prog"
		_seen=$(mutant_seen "$_prog" "$_test")
		printf '%s\t%s\t%s\t%s\n' "$_n" "${_prog#*:}" "$_test" "$_seen" >&3
		printf '| %s | %s | %s %s | %s |\n' "$_n" "$_what" "${_prog#*:}" "$_test" "$_seen"
	done <"$BASE/mutants.list.$1" 3>"$BASE/mutants.seen.$1"
}

# mutant_seen PROGRAM TEST: the result of the boot for that test. TEST is kernel.log if
# the kernel must warn while the program runs.
mutant_seen()
{
	sed -n "\\,^# run ${1#*:}\$,,/^# exit/p" "$MUTANT/results" >"$MUTANT/tap"
	if [ "${1%%:*}" = kcsan ]; then
		if grep -q "BUG: KCSAN: $2 " "$MUTANT/kernel.log"; then echo killed; else echo survived; fi
	elif [ "$2" = kernel.log ]; then
		if mutant_warned; then echo killed; else echo survived; fi
	elif grep -q "^ *not ok .*\\<$2\\>" "$MUTANT/tap"; then
		echo killed
	elif grep -q "^# exit .* 137\$" "$MUTANT/tap" && ! grep -q "^ *ok .*\\<$2\\>" "$MUTANT/tap"; then
		echo 'killed, program ended with status 137'
	else
		echo survived
	fi
}

# Without a mutant, each program must pass: a test that always fails would kill all
# mutants.
mutants_control()
{
	cut -d' ' -f2 "$BASE/mutants.list" | sort -u >"$BASE/mutants.programs"
	mutants_control_part 0 &
	_other=$!
	trap stop_both INT TERM HUP
	mutants_control_part 1
	wait "$_other" || exit 1
	trap - INT TERM HUP
}

mutants_control_part()
{
	MUTANT=$BASE/run/mutant-$1
	awk -v part="$1" '(/^arm32:/ ? 0 : NR % 2) == part' "$BASE/mutants.programs" >"$BASE/mutants.programs.$1"
	while read -r _prog; do
		mutant_boot 0 "$_prog"
		case $_prog in
		kcsan:*)
			grep -q "^ok .* it is on" "$MUTANT/results" ||
			die "KCSAN was not turned on: see $MUTANT/results"
			;;
		esac
		if ! grep -q "^# exit ${_prog#*:} 0\$" "$MUTANT/results" ||
		   grep -q '^ *not ok' "$MUTANT/results"; then
			die "${_prog#*:} fails without a mutant: see $MUTANT/results"
		fi
		case $_prog in
		kunit/*) ;;
		*) ! mutant_warned || die "the kernel warns without a mutant: see $MUTANT/kernel.log" ;;
		esac
	done <"$BASE/mutants.programs.$1"
}

# KUnit tests cause some warnings on purpose: these do not count.
mutant_warned()
{
	grep -e 'WARNING:' -e 'BUG:' -e 'Internal error:' -e 'Kernel panic' "$MUTANT/kernel.log" |
		grep -v kunit | grep -q .
}

# mutants_build KERNEL LIKE FRAGMENT...: builds a kernel, and the tests with its
# modules.
mutants_build()
{
	_mk=$1
	_like=$2
	shift 2
	LIKE=$_like build_kernel "$_mk" kernel/config/vm.config kernel/config/check.config kernel/config/lockdep.config \
		kernel/config/media.config "$@"
	build_dtb "$_mk"
	guest_busybox
	build_selftests "$_mk"
}

mutant_boot()
{
	mkdir -p "$MUTANT"
	_mk=mutants
	_seconds=500
	_words="dmem.run=tests dmem.limit=300 dmem.only=${2#*:} dmem_mutant=$1"
	case $2 in
	disabled:*) _words="$_words cgroup_disable=dmem" ;;
	kcsan:*)
		_mk=mutants-kcsan
		_words="$_words dmem.only=debug/test_kcsan,${2#*:}"
		;;
	numa:*)
		_mk=mutants-numa
		_words="$_words $NUMA_WORDS"
		_seconds=1800
		numa_machine
		;;
	arm32:*)
		_mk=mutants32
		build_for arm
		arm32_memory 2>/dev/null
		;;
	esac
	# A broken kernel may hang, which is no reason to stop.
	boot $_seconds "$MUTANT/kernel.log" "$MUTANT/results" \
		"$(kernel_image "$_mk")" "$BASE/selftests-$_mk/initrd" \
		"$_words" || :
	[ -e "$MUTANT/results" ] || : >"$MUTANT/results"
	build_for arm64
}
