# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# "make torture": runs the torture test for longer than suite core does.

# torture SECONDS [SEED [EPOCH [SCRIPT]]]: SCRIPT is a file with the operations that a failed
# run printed.
torture()
{
	STEPS=6
	[ -z "${4:-}" ] || [ -r "$4" ] || die "SCRIPT=$4: cannot read it"
	prepare
	build_check
	step "guest: selftests"
	build_dtb ''
	guest_busybox
	build_selftests check
	TOTALS=$CACHE/totals
	: >"$TOTALS"
	torture_boot "$@"
	tell_what_was_done torture/random
	[ -n "${4:-}" ] || torture_results
	"$CACHE/bin/tapsum" -S "$TOTALS"
}

# Writes docs/results/robustness.md, if the run came to its end.
torture_results()
{
	_tr=$BASE/run/torture/random/results
	grep -q '^# test_torture.c:[0-9]*:random:.* operations in ' "$_tr" || return 0
	{
		printf 'Run: %s, arm64, 4 CPUs.\n\n' "$(results_run)"
		results_torture <"$_tr"
	} | results_put robustness.md torture
}

# Boots the test. Its results have the number of operations and, after a failure, the script to
# repeat it. The test may use 400 seconds more to shorten that script.
torture_boot()
{
	torture_number TIME "$1"
	torture_number SEED "${2:-0}"
	torture_number EPOCH "${3:-0}"
	_ti=$BASE/selftests-check/initrd
	_tw="dmem.only=kernel/test_torture dmem.limit=$(($1 + 400)) DMEM_TORTURE_SECONDS=$1"
	_tw="$_tw ${2:+DMEM_TORTURE_SEED=$2} ${3:+DMEM_TORTURE_EPOCH=$3}"
	if [ -n "${4:-}" ]; then
		cp "$4" "$BASE/selftests-check/root/tests/script"
		_ti=$BASE/selftests-check/initrd-script
		pack_initrd "$_ti" "$BASE/selftests-check/root" "$BASE/build-check"
		rm "$BASE/selftests-check/root/tests/script"
		_tw="$_tw DMEM_TORTURE_SCRIPT=/tests/script"
	fi
	step "guest: $1 seconds of random operations"
	mkdir -p "$BASE/run/torture/random"
	{ echo kernel/test_torture; kunit_suites; } >"$BASE/run/torture/random/expect"
	BOOT_SECONDS=$(($1 + 600))
	boot_tests torture/random check "$_ti" none "$_tw"
	BOOT_SECONDS=
}

# torture_number NAME VALUE
torture_number()
{
	case $2 in
	''|*[!0-9]*) die "$1=$2 is no number" ;;
	esac
}
