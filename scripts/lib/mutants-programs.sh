# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Mutants of programs: each changes one line of a source, and its test must fail. The list is
# tests/mutants.

# program_mutants LIST ALL NUMBER FUNCTION: runs the mutant of this number, or all of LIST, a
# part of tests/mutants, if NUMBER is ALL. FUNCTION PROGRAM TEST FILE SED succeeds if the test
# fails with the change. LIST.seen gets a line for each mutant. Succeeds if all are killed.
program_mutants()
{
	_mlist=$1
	_mall=$2
	_mwanted=$3
	_mfunction=$4
	_passed=0
	_failed=0
	: >"$_mlist.seen"
	printf '| mutant | change | test | result |\n|---|---|---|---|\n'
	while IFS='|' read -r _what _file _sed _why; do
		# shellcheck disable=SC2086 # words
		set -- $_what
		case $_mwanted in
		"$_mall"|"$1") ;;
		*) continue ;;
		esac
		_file=$(echo "$_file" | tr -d ' ')
		_seen=survived
		! "$_mfunction" "$2" "$3" "$_file" "${_sed# }" || _seen=killed
		[ "$_seen" = killed ] && _passed=$((_passed + 1)) || _failed=$((_failed + 1))
		printf '| %s |%s | %s %s | %s |\n' "$1" "$_why" "${2#*/}" "$3" "$_seen"
		printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$_seen" >>"$_mlist.seen"
	done <"$_mlist"
	printf '%s passed, %s failed\n' "$_passed" "$_failed"
	[ "$_failed" = 0 ] && [ "$_passed" != 0 ]
}

# mutate FILE SED DIR: changes FILE in DIR, a copy of the sources.
mutate()
{
	sed "$2" "$1" >"$3/$1"
	! cmp -s "$1" "$3/$1" || {
		printf 'tests/mutants: the line is not found in %s\n' "$1" >&2
		return 1
	}
}
