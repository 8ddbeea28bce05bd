#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of the build and of the installed files. Prints TAP.
#
#   test_build.sh DIR DMEMCTL
#
# DIR is a directory to work in; DMEMCTL has the sanitizers.
set -u
cd "$(dirname "$0")/../../.." || exit 2
dir=$1
dmemctl=$2
# The name of the directory to work in is random: without it, ccache knows the files again.
export CCACHE_NOHASHDIR=1

# installed PREFIX: installs below DIR/dest, with the build directory DIR/build.
installed()
{
	rm -rf "$dir/dest"
	BUILD=$dir/build PREFIX=$1 DESTDIR=$dir/dest scripts/install.sh install
}

# Each kind of file of the tools, and all programs for systemd.
install_uninstall()
{
	installed "$1" || return 1
	find "$dir/dest" ! -type d >"$dir/list"
	for _f in bin/lsdmem sbin/dmemctl share/man/man8/lsdmem.8 share/man/man8/dmemctl.8 share/man/man5/dmem-history.5 \
		  share/bash-completion/completions/lsdmem share/bash-completion/completions/dmemctl \
		  share/zsh/vendor-completions/_lsdmem share/zsh/vendor-completions/_dmemctl \
		  share/dmem-tools/dmem.rules.yml share/dmem-tools/dmem-dashboard.json \
		  libexec/dmem-apply libexec/dmem-record-request; do
		grep -q "$1/$_f\$" "$dir/list" || { echo "$1/$_f is not installed"; return 1; }
	done
	[ "$(wc -l <"$dir/list")" -ge 30 ] || { cat "$dir/list"; return 1; }
	BUILD=$dir/build PREFIX=$1 DESTDIR=$dir/dest scripts/install.sh uninstall || return 1
	find "$dir/dest" ! -type d >"$dir/list"
	[ ! -s "$dir/list" ] || { echo "these are left:"; cat "$dir/list"; return 1; }
}

# A program that a unit runs with "+" is root in that unit's environment and mounts, so
# that it must do without a loader. Programs of other packages are not looked at.
plus_static()
{
	_plus=$(grep -rIhoE '^Exec[A-Za-z]+=[-@:!|]*[+][-@:!|]*[^ ]+' "$dir/dest" | sed 's/.*[+@:!|-]\//\//' | sort -u)
	[ -n "$_plus" ] || { echo "no unit has a command with '+'"; return 1; }
	for _p in $_plus; do
		LC_ALL=C readelf -lW "$dir/dest$_p" >"$dir/elf" || return 1
		! grep INTERP "$dir/elf" || { echo "$_p has a loader"; return 1; }
	done
}

# Each program and unit that is installed, also as an example, has its place in the list of
# programs that run as root.
security_names()
{
	find "$dir/dest" -type f \( -perm -100 -o -name 'dmem*.service' -o -name 'dmem*.socket' \) |
	sed 's,.*/,,' | sort -u >"$dir/named"
	[ "$(wc -l <"$dir/named")" -ge 9 ] || { cat "$dir/named"; return 1; }
	while read -r _p; do
		case $_p in
		*.*) grep -q "\`$_p\`" docs/security.md ;;
		*) grep -q "^## $_p\$" docs/security.md ;;
		esac || { echo "docs/security.md does not have $_p"; return 1; }
	done <"$dir/named"
}

# Two builds of one release are the same.
pages_dated()
{
	_day=$(date -u -d "$(sed -n 's/^ -- .*>  //p' debian/changelog | head -n 1)" +%Y-%m-%d) || return 1
	find "$dir/dest" -name '*.[1-8]' >"$dir/named"
	[ "$(wc -l <"$dir/named")" -ge 11 ] || { cat "$dir/named"; return 1; }
	while read -r _p; do
		grep -q "^\.TH .* \"$_day\"" "$_p" || { grep '^\.TH' "$_p"; return 1; }
	done <"$dir/named"
}

# A package build tries the programs that it has built, and neither builds nor boots a kernel.
package_tests()
{
	sed -n '/^override_dh_auto_test:/,/^$/p' debian/rules >"$dir/rule"
	grep -q 'debian/tests/generator ' "$dir/rule" || { cat "$dir/rule"; return 1; }
	! grep 'make\|dh_auto_test ' "$dir/rule" || return 1
	debian/tests/generator "$dir/build/tools"
}

# The generator writes this unit once more, for slices known by a prefix.
same_slice_unit()
{
	sed -n -e '/^Documentation=/d' -e '/^AssertPathExists=/d' -e '/^ExecStart=/d' -e 's/%/%%/g' -e '/^[A-Z].*=/p' \
		systemd-units/dmem-slice@.service.in >"$dir/unit"
	sed -n '/^#define SLICE_UNIT/,/^$/s/^[[:space:]]*"\([A-Z].*=.*\)\\n".*/\1/p' tools/generator/emit.c >"$dir/macro"
	[ -s "$dir/unit" ] && diff "$dir/unit" "$dir/macro"
}

# README.md shows the chart and the text of docs/example.history.
example_chart()
{
	"$dmemctl" plan --svg="$dir/example.svg" docs/example.history >"$dir/example.txt" &&
	cmp "$dir/example.svg" docs/example.svg || return 1
	# shellcheck disable=SC2016 # backticks of the text
	sed -n '/^dmemctl plan /,/^```/{/^dmemctl plan /d;/^```/d;p;}' README.md >"$dir/readme.txt"
	[ -s "$dir/readme.txt" ] && sed -n '/^cma\/camera/,/^$/p' "$dir/example.txt" | diff - "$dir/readme.txt"
}

documented_units()
{
	# shellcheck disable=SC2046 # a list of files
	set -- $(grep -rlF '[X-Dmem]' tests/guest/containers/root systemd-units/examples)
	[ $# -ge 5 ] || { echo "there are only $# files"; return 1; }
	"$dmemctl" verify "$@"
}

# It is linked with no function of libfdt, and says so where it would need one.
without_libfdt()
{
	meson setup -Dwerror=true -Dtests=false -Dlibfdt=disabled "$dir/without-libfdt" &&
	ninja -C "$dir/without-libfdt" tools/dmemctl || return 1
	_nf=$dir/without-libfdt/tools/dmemctl
	! nm -u "$_nf" | grep ' fdt_' || return 1
	! "$_nf" plan --dts="$dir/x.dtso" docs/example.history >"$dir/text" 2>&1 || return 1
	grep -q 'built without libfdt' "$dir/text" && [ ! -e "$dir/x.dtso" ]
}

. tests/lib/tap.sh
t "make uninstall leaves nothing of make install below /usr/local" install_uninstall /usr/local
t "make uninstall leaves nothing of make install below /usr" install_uninstall /usr
t "make install succeeds once more" installed /usr
t "programs that units run with '+' are static" plus_static
t "docs/security.md has each program and unit" security_names
t "manual pages have the date of the release" pages_dated
t "a package build tries its programs and no kernel" package_tests
t "the generator has the unit that is installed" same_slice_unit
t "README.md has the chart and the text of its history" example_chart
t "units that the documentation shows have no mistake" documented_units
t "dmemctl builds without libfdt" without_libfdt
tap_end
