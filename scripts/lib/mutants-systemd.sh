# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Mutants of the programs for systemd: changes one line in a copy of the sources, and installs
# the programs built from it in the guest. The mutant's test must fail there.

systemd_mutants()
{
	STEPS=5
	prepare
	build_check
	build_dtb ''
	build_system_tests systemd tests/guest/systemd
	step "guest: one boot a mutant"
	grep '^s[0-9]' tests/mutants >"$BASE/mutants.list"
	program_mutants "$BASE/mutants.list" systemd "$1" systemd_mutant && _killed=0 || _killed=$?
	sed -n 's/^\(s[0-9]*\) \([^ ]*\) \([^ ]*\) |.*| \(.*\)$/\1\t\2\t\3\t\4/p' tests/mutants >"$BASE/mutants.texts"
	results_mutants mutants.md "$BASE/mutants.texts" <"$BASE/mutants.list.seen" >"$BASE/mutants.table"
	results_put mutants.md programs <"$BASE/mutants.table"
	return "$_killed"
}

# systemd_mutant PROGRAM TEST FILE SED: changes FILE, and boots the test program PROGRAM. Succeeds
# if the test fails.
systemd_mutant()
{
	SYSTEMD_SOURCE=$BASE/systemd/mutant
	rm -rf "$SYSTEMD_SOURCE"
	mkdir -p "$SYSTEMD_SOURCE/debian" "$BASE/run/systemd/mutant"
	cp -a meson.build meson_options.txt systemd-units tools "$SYSTEMD_SOURCE/"
	cp debian/changelog "$SYSTEMD_SOURCE/debian/"
	mutate "$3" "$4" "$SYSTEMD_SOURCE" || return 1
	system_root systemd trixie
	boot 400 "$BASE/run/systemd/mutant/kernel.log" "$BASE/run/systemd/mutant/results" \
		"$(kernel_image check)" "$BASE/systemd/trixie/initrd" \
		"$SYSTEM_WORDS dmem.run=tests dmem.limit=300 dmem.only=$1" || :
	SYSTEMD_SOURCE=.
	grep -q -e "^ *not ok .*\\<$2\\>" -e '# SKIP the controller is not enabled' \
		"$BASE/run/systemd/mutant/results"
}
