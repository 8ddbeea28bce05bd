# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Mutants of the programs for systemd: changes one line in a copy of the sources, and installs
# the programs built from it in the guest. The mutant's test must fail there.

systemd_mutants()
{
	STEPS=5
	_wanted=$1
	prepare
	build_systemd
	build_dtb ''
	build_system_tests systemd tests/guest/systemd
	step "guest: one boot a mutant"
	_passed=0
	_failed=0
	: >"$BASE/mutants.programs"
	printf '| mutant | change | test | result |\n|---|---|---|---|\n'
	grep '^s[0-9]' tests/mutants >"$BASE/mutants.list"
	while IFS='|' read -r _what _file _sed _why; do
		# shellcheck disable=SC2086 # words
		set -- $_what
		case $_wanted in
		systemd|"$1") ;;
		*) continue ;;
		esac
		_seen=survived
		if systemd_mutant "$2" "$_file" "$_sed" &&
		   grep -q -e "^ *not ok .*\\<$3\\>" -e '# SKIP the controller is not enabled' \
			"$BASE/run/systemd/mutant/results"; then
			_seen=killed
			_passed=$((_passed + 1))
		else
			_failed=$((_failed + 1))
		fi
		printf '| %s |%s | %s %s | %s |\n' "$1" "$_why" "${2#*/}" "$3" "$_seen"
		printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$_seen" >>"$BASE/mutants.programs"
	done <"$BASE/mutants.list"
	printf '%s passed, %s failed\n' "$_passed" "$_failed"
	sed -n 's/^\(s[0-9]*\) \([^ ]*\) \([^ ]*\) |.*| \(.*\)$/\1\t\2\t\3\t\4/p' tests/mutants >"$BASE/mutants.texts"
	results_mutants mutants.md "$BASE/mutants.texts" <"$BASE/mutants.programs" >"$BASE/mutants.table"
	results_put mutants.md programs <"$BASE/mutants.table"
	[ "$_failed" = 0 ] && [ "$_passed" != 0 ]
}

# systemd_mutant PROGRAM FILE SED: changes FILE, and boots the test program PROGRAM.
systemd_mutant()
{
	SYSTEMD_SOURCE=$BASE/systemd/mutant
	rm -rf "$SYSTEMD_SOURCE"
	mkdir -p "$SYSTEMD_SOURCE/debian" "$BASE/run/systemd/mutant"
	cp -a meson.build meson_options.txt systemd-units tools "$SYSTEMD_SOURCE/"
	cp debian/changelog "$SYSTEMD_SOURCE/debian/"
	_mf=$(echo "$2" | tr -d ' ')
	sed -i "${3# }" "$SYSTEMD_SOURCE/$_mf"
	if cmp -s "$_mf" "$SYSTEMD_SOURCE/$_mf"; then
		printf 'tests/mutants: the line is not found in %s\n' "$_mf" >&2
		return 1
	fi
	system_root systemd trixie
	boot 400 "$BASE/run/systemd/mutant/kernel.log" "$BASE/run/systemd/mutant/results" \
		"$(kernel_image systemd)" "$BASE/systemd/trixie/initrd" \
		"$SYSTEM_WORDS dmem.run=tests dmem.limit=300 dmem.only=$1" || :
	SYSTEMD_SOURCE=.
}
