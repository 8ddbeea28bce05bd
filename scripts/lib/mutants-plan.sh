# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Mutants of dmemctl plan: changes one line in a copy of the sources, and runs a program of the
# host's tests there. The mutant's test must fail.

# plan_mutants NUMBER: runs this mutant, or all with "plan".
plan_mutants()
{
	_wanted=$1
	_passed=0
	_failed=0
	unit_packages
	_copy=$(mktemp -d)
	trap 'rm -rf "$_copy"' EXIT
	trap 'exit 130' HUP INT TERM
	git ls-files -z | grep -zv '^kernel/' | xargs -0 cp -a --parents -t "$_copy"
	(cd "$_copy" && meson_setup . build -Dwerror=false)
	grep '^p[0-9]' tests/mutants >"$_copy/list"
	printf '| mutant | change | test | result |\n|---|---|---|---|\n'
	while IFS='|' read -r _what _file _sed _why; do
		# shellcheck disable=SC2086 # words
		set -- $_what
		case $_wanted in
		plan|"$1") ;;
		*) continue ;;
		esac
		_seen=survived
		! plan_mutant "${2#unit/}" "$3" "$_file" "$_sed" || _seen=killed
		[ "$_seen" = killed ] && _passed=$((_passed + 1)) || _failed=$((_failed + 1))
		printf '| %s |%s | %s %s | %s |\n' "$1" "$_why" "${2#*/}" "$3" "$_seen"
	done <"$_copy/list"
	printf '%s passed, %s failed\n' "$_passed" "$_failed"
	[ "$_failed" = 0 ] && [ "$_passed" != 0 ]
}

# plan_mutant PROGRAM TEST FILE SED: succeeds if the test fails with the change. A mutant that
# does not compile is not killed.
plan_mutant()
{
	_mf=$(echo "$3" | tr -d ' ')
	sed "${4# }" "$_mf" >"$_copy/$_mf"
	if cmp -s "$_mf" "$_copy/$_mf"; then
		printf 'tests/mutants: the line is not found in %s\n' "$_mf" >&2
		return 1
	fi
	TAP_ONLY=$2 meson test -C "$_copy/build" "$1" >"$_copy/log" 2>&1 || :
	cp "$_mf" "$_copy/$_mf"
	! grep -q '^FAILED: \|ninja: build stopped' "$_copy/log" &&
	grep -q "^not ok .*$2" "$_copy/build/meson-logs/testlog.txt"
}
