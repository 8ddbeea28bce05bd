# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The test suites, and the commands that run all or some of them.
#
# A file scripts/suites/NAME.sh is one suite. It calls
#
#   suite NAME ORDER PART STEPS TEXT
#
# and nothing else lists the suites. PART is "host" (in "make check", needs no kernel),
# "check" (in "make check") or "check-all" (only there). Suites run by ORDER. STEPS is how
# often the suite calls step(), also through other functions. ALL is 1 in "make check-all",
# otherwise 0: a suite may have more steps then. The file has these functions:
#
#   suite_NAME            runs the suite
#   NAME_packages         installs further packages of the host; optional
#   NAME_ahead            starts build_ahead for a kernel of the suite; optional
#   NAME_programs         prints the programs for "make guest"; optional
#   NAME_guest PROGRAM... builds the kernel and these programs, calls guest_run

SUITES=

suite()
{
	SUITES="$SUITES$2|$1|$3|$4|$5
"
}

# suites PART...: prints the names of the suites in the order in which they run.
suites()
{
	printf '%s' "$SUITES" | sort -n | while IFS='|' read -r _ _name _part _; do
		case " $* " in *" $_part "*) echo "$_name" ;; esac
	done
}

# suite_field NAME FIELD: 3 is PART, 4 STEPS, 5 TEXT.
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
	WRONG_STEPS="$WRONG_STEPS scripts/suites/$SUITE_NOW.sh ($_taken)"
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
	WRONG_STEPS=
	TREE=
	for SUITE_NOW in $CHOSEN; do
		if [ -z "$TREE" ] && [ "$(suite_field "$SUITE_NOW" 3)" != host ]; then
			kernel_source
			kernel_tree
		fi
		suite_run "$SUITE_NOW"
	done
	[ -z "$WRONG_STEPS" ] || die "another number of steps than declared:$WRONG_STEPS"
	"$CACHE/bin/tapsum" -S "$TOTALS"
}

# Runs all parts, also after a failure. Each part is in a subshell and not in a condition, where
# "set -e" would have no effect.
check_all()
{
	_failed_parts=
	set +e
	(set -e; checkpatch)
	part_ended checkpatch $?
	(set -e; bisect)
	part_ended bisect $?
	(set -e; mutants '')
	part_ended mutants $?
	(set -e; systemd_mutants systemd)
	part_ended systemd_mutants $?
	(set -e; check '')
	part_ended check $?
	set -e
	[ -z "$_failed_parts" ] || die "failed:$_failed_parts"
}

part_ended()
{
	[ "$2" = 0 ] || _failed_parts="$_failed_parts $1"
}
