# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Mutants of dmemctl plan, of dmem-hook and of spank_dmem.so: changes one line in a copy of the
# sources, and runs a program of the host's tests there. The mutant's test must fail.

# host_mutants LETTER SECTION NUMBER: runs this mutant, or all whose number starts with the letter
# if NUMBER is the name of the section.
host_mutants()
{
	unit_packages
	_copy=$(mktemp -d)
	trap 'rm -rf "$_copy"' EXIT
	trap 'exit 130' HUP INT TERM
	git ls-files -z | grep -zv '^kernel/' | xargs -0 cp -a --parents -t "$_copy"
	(cd "$_copy" && meson_setup . build -Dwerror=false)
	grep "^$1[0-9]" tests/mutants >"$_copy/list"
	program_mutants "$_copy/list" "$2" "$3" host_mutant
}

# host_mutant PROGRAM TEST FILE SED: succeeds if the test fails with the change. A mutant that
# does not compile is not killed.
host_mutant()
{
	mutate "$3" "$4" "$_copy" || return 1
	TAP_ONLY=$2 meson test -C "$_copy/build" "${1#unit/}" >"$_copy/log" 2>&1 || :
	cp "$3" "$_copy/$3"
	! grep -q '^FAILED: \|ninja: build stopped' "$_copy/log" &&
	grep -q "^not ok .*$2" "$_copy/build/meson-logs/testlog.txt"
}
