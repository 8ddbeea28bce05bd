# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The test suites, and the commands that run all or some of them.
#
# A file scripts/suites/NAME.sh is one suite. It calls
#
#   suite NAME ORDER PART STEPS TEXT [SYSTEM]
#
# and nothing else lists the suites. PART is "host" (in "make check", needs no kernel),
# "check" (in "make check") or "check-all" (only there). Suites run by ORDER. STEPS is how
# often the suite calls step(), also through other functions. ALL is 1 in "make check-all",
# otherwise 0: a suite may have more steps then. "make check" runs the suites with SYSTEM, whose
# guests have systemd, at the same time as the others. The file has these functions:
#
#   suite_NAME            runs the suite
#   NAME_packages         installs further packages of the host; optional
#   NAME_ahead            starts build_ahead for a kernel of the suite; optional
#   NAME_programs         prints the programs for "make guest"; optional
#   NAME_guest PROGRAM... builds the kernel and these programs, calls guest_run

SUITES=

suite()
{
	SUITES="$SUITES$2|$1|$3|$4|$5|${6:-}
"
}

# suites PART...: prints the names of the suites in the order in which they run.
suites()
{
	printf '%s' "$SUITES" | sort -n | while IFS='|' read -r _ _name _part _; do
		case " $* " in *" $_part "*) echo "$_name" ;; esac
	done
}

# suite_field NAME FIELD: 3 is PART, 4 STEPS, 5 TEXT, 6 SYSTEM.
suite_field()
{
	printf '%s' "$SUITES" | awk -F '|' -v name="$1" -v field="$2" '$2 == name { print $field }'
}

# Prints the list of suites for "make help".
suites_help()
{
	for _help in $(suites host check check-all); do
		_only=
		[ "$(suite_field "$_help" 3)" != check-all ] || _only=' (only in check-all)'
		printf '  SUITE=%-12s %s%s\n' "$_help" "$(suite_field "$_help" 5)" "$_only"
	done
}

# suite_words: prints all names, as in "unit, core or media".
suite_words()
{
	suites host check check-all | sed '$!s/$/,/' | tr '\n' ' ' | sed 's/, \([^ ]*\) $/ or \1/'
}

# suite_packages NAME
suite_packages()
{
	! command -v "$1_packages" >/dev/null || "$1_packages"
}

# build_ahead_of_suites: starts a build that a chosen suite needs. Guests of this suite run at the
# same time.
build_ahead_of_suites()
{
	for _later in $CHOSEN; do
		! command -v "${_later}_ahead" >/dev/null || "${_later}_ahead"
	done
}

# suite_run NAME: runs the suite, and checks its STEPS, so that the total in the progress
# messages is correct.
suite_run()
{
	SUITE_NOW=$1
	# shellcheck disable=SC2153 # in common.sh
	SUITE_STEP=$STEP
	"suite_$1"
	_taken=$((STEP - SUITE_STEP))
	[ "$_taken" = "$(suite_field "$SUITE_NOW" 4)" ] ||
	printf ' scripts/suites/%s.sh (%s)' "$SUITE_NOW" "$_taken" >>"$CACHE/wrong-steps"
}

# suites_run FIRST SYSTEM: runs the chosen suites that have this field SYSTEM. FIRST is the number of
# steps before the first suite with guests.
suites_run()
{
	_next=$1
	for _run in $GUEST_SUITES; do
		STEP=$_next
		_next=$((_next + $(suite_field "$_run" 4)))
		[ "$(suite_field "$_run" 6)" != "$2" ] || suite_run "$_run"
	done
}

# suites_run_system FIRST: the same for those with systemd, with log files of their own.
suites_run_system()
{
	LOGS=$LOGS/system
	mkdir -p "$LOGS"
	suites_run "$1" system
}

# suites_run_both: runs the suites with systemd and the others at the same time: a guest uses one CPU
# most of the time. First makes what both read, so that none of them writes it later.
suites_run_both()
{
	build_check
	build_dtb ''
	guest_busybox
	kernel_headers check
	_first=$STEP
	trap stop_both INT TERM HUP
	suites_run_system "$_first" &
	_system=$!
	suites_run "$_first" '' &
	_others=$!
	_both=0
	wait "$_others" || _both=1
	wait "$_system" || _both=1
	trap - INT TERM HUP
	STEP=$STEPS
	[ "$_both" = 0 ] || die "a suite did not come to its end: see the line that begins with 'error:' above"
}

# check [SUITE]: runs this suite, or those of "make check". In check-all, runs all suites.
check()
{
	_chosen=$1
	case $_chosen in
	'')
		_chosen=$(suites host check)
		[ "$ALL" = 0 ] || _chosen=$(suites host check check-all)
		;;
	*) suites host check check-all | grep -qxF -e "$_chosen" ||
		die "there is no suite '$_chosen': SUITE=$(suite_words)" ;;
	esac
	CHOSEN=$(echo "$_chosen" | tr '\n' ' ')
	STEPS=1
	GUESTS=
	for _c in $CHOSEN; do
		STEPS=$((STEPS + $(suite_field "$_c" 4)))
		[ "$(suite_field "$_c" 3)" = host ] || GUESTS=1
	done
	# The kernel's source and the series
	[ -z "$GUESTS" ] || STEPS=$((STEPS + 2))
	GUEST_SUITES=
	_kinds=
	for _c in $CHOSEN; do
		[ "$(suite_field "$_c" 3)" != host ] || continue
		GUEST_SUITES="$GUEST_SUITES $_c"
		_kinds="$_kinds:$(suite_field "$_c" 6):"
	done
	BOTH=
	case $ALL$_kinds in
	0*:system:*::* | 0*::*:system:*)
		BOTH=1
		# The kernel of both
		STEPS=$((STEPS + 1))
		;;
	esac
	supported_host
	lock_cache
	step "tools"
	[ -z "$GUESTS" ] || host_packages
	for SUITE_NOW in $CHOSEN; do
		suite_packages "$SUITE_NOW"
	done
	build_host_tools
	TOTALS=$CACHE/totals
	: >"$TOTALS"
	rm -f "$CACHE/wrong-steps"
	for SUITE_NOW in $CHOSEN; do
		[ "$(suite_field "$SUITE_NOW" 3)" != host ] || suite_run "$SUITE_NOW"
	done
	if [ -n "$GUESTS" ]; then
		kernel_source
		kernel_tree
	fi
	if [ -n "$BOTH" ]; then
		suites_run_both
	else
		for SUITE_NOW in $GUEST_SUITES; do
			suite_run "$SUITE_NOW"
		done
	fi
	[ ! -r kernel/tried ] || printf 'newest kernel that the series was tried on: %s\n' "$(sed '/^#/d' kernel/tried)"
	[ ! -s "$CACHE/wrong-steps" ] || die "another number of steps than declared:$(cat "$CACHE/wrong-steps")"
	"$CACHE/bin/tapsum" -S "$TOTALS"
}
