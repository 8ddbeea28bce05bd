#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests the series of other kernels, kernel/VERSION: the files that they share with the series in
# kernel/, and those that they take from the kernel of that series. Prints TAP.
#
#   tests/unit/judge/test_versions.sh
# shellcheck disable=SC1091,SC2030,SC2031,SC2034,SC2317,SC2329 # variables of the library; t calls the functions
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
w=$(mktemp -d)
dir=$w
trap 'rm -rf "$w"' EXIT
. "$top/tests/lib/small_series.sh"

# The same first patch for both kernels; the second one differs.
make_versions()
{
	mkdir -p "$w/repo/kernel/patches" "$w/repo/kernel/selftests" "$w/repo/kernel/5.0/patches"
	cd "$w/repo" || return 1
	printf 'package linux-source-6.0\nsuites a\nguest b\n' >kernel/source
	printf 'package linux-source-5.0\nsuites c d\n' >kernel/5.0/source
	printf '%s\n' 0001-b.patch 0002-c.patch 0003-t.commit >kernel/series
	printf '%s\n' 0001-b.patch 0002-c.patch 0003-t.commit >kernel/5.0/series
	touch kernel/patches/0001-b.patch kernel/patches/0002-c.patch kernel/selftests/0003-t.commit
	touch kernel/5.0/patches/0002-c.patch
}

# with VERSION COMMAND...: runs it with the series of that version.
with()
{
	KERNEL=$1
	shift
	kernel_version && "$@"
}

# is TEXT COMMAND...: the command prints the text, and nothing else.
is()
{
	_text=$1
	shift
	"$@" >"$w/printed" || return 1
	printf '%s\n' "$_text" | diff - "$w/printed"
}

is_nothing()
{
	"$@" >"$w/printed" && [ ! -s "$w/printed" ]
}

# each COMMAND...: runs it in this repository, with SERIES set to each kernel/VERSION.
each()
{
	(
		cd "$top" && library || exit 1
		_bad=0
		for _v in kernel/*/series; do
			SERIES=${_v%/series}
			"$@" || { echo "$SERIES: not so"; _bad=1; }
		done
		exit $_bad
	)
}

# The files of a version that its series names, or all of them
own_files()
{
	case $1 in
	named) series_list | grep "^$SERIES/" ;;
	there) find "$SERIES/patches" "$SERIES/selftests" -type f 2>/dev/null ;;
	esac | sort
}

names_all()
{
	[ -n "$(series_list)" ] && (series_complete) && own_files there >"$w/there" && own_files named | diff - "$w/there"
}

# Words beside these are those of kernel/source; the others are read without a check.
says_which()
{
	[ "$(source_word package)" = "linux-source-${SERIES#kernel/}" ] && grep -q '^suites .' "$SERIES/source" &&
	[ -r "$SERIES/options" ] && [ -r "$SERIES/without-options" ] &&
	! sed -e '/^#/d' -e '/^files [^ |]*$/d' -e '/^lines [^ |]*|[^|]*|[^|]*$/d' "$SERIES/import" | grep .
}

# Without the posting "base", the lines are those of kernel/series, in its order.
in_order()
{
	sed -e '/^#/d' -e '/^base\//d' "$SERIES/series" >"$w/lines"
	[ -s "$w/lines" ] && grep -xF -f "$w/lines" kernel/series | diff - "$w/lines"
}

only_changes()
{
	_same=
	for _f in $(own_files named); do
		! same_change "kernel/${_f#"$SERIES/"}" "$_f" || { echo "$_f is the shared file"; _same=1; }
	done
	[ -z "$_same" ]
}

unsigned()
{
	! grep -rl '^Signed-off-by:' "$SERIES/patches"
}

# The later kernel, from which files are taken
make_later()
{
	IMPORT_FROM=$w/later
	rm -rf "$w/later" "$w/older"
	mkdir -p "$w/later/new/sub" "$w/older/new"
	echo new >"$w/later/new/sub/file"
	echo controller >"$w/later/new.c"
	printf '%s\n' before 'config DMEM' ' bool' '' 'config END' after >"$w/later/Kconfig"
	(cd "$w/later" && kgit init -q -b base . && kgit add -A && author kgit commit -qm base && kgit tag base-of-series)
	echo old >"$w/older/new/gone"
	printf '%s\n' first 'config END' second 'config END' >"$w/older/Kconfig"
	SERIES=kernel/5.0
}

import()
{
	make_later
	printf '%s\n' "$@" >kernel/5.0/import
	import_files "$w/older"
}

takes_files()
{
	import 'files new.c' 'files new' && [ "$(cat "$w/older/new.c")" = controller ] &&
	[ "$(cat "$w/older/new/sub/file")" = new ] && [ ! -e "$w/older/new/gone" ]
}

takes_lines()
{
	import 'lines Kconfig|config DMEM|config END' &&
	printf '%s\n' first 'config DMEM' ' bool' '' 'config END' second 'config END' | diff - "$w/older/Kconfig"
}

# import_refused WORDS LINE: one error with the words, and the older kernel's file as it was.
import_refused()
{
	! (import "$2") >"$w/printed" 2>&1 || return 1
	cat "$w/printed"
	grep '^error: ' "$w/printed" | grep -qF "$1" &&
	printf '%s\n' first 'config END' second 'config END' | diff - "$w/older/Kconfig"
}

# patch_text CONTEXT LINE SUBJECT: a patch at this line.
patch_text()
{
	printf 'From: a\nSubject: %s\n\nbody\n---\n a.c | 1 +\n 1 file changed, 1 insertion(+)\n\n' "$3"
	printf 'diff --git a/a.c b/a.c\nindex %s..2 100644\n--- a/a.c\n+++ b/a.c\n@@ -%s,1 +%s,2 @@\n %s\n+new\n' "$2" "$2" "$2" "$1"
}

# same YES|NO CONTEXT LINE SUBJECT: compares it with the patch "x" at line 1.
same()
{
	patch_text x 1 s >"$w/one"
	patch_text "$2" "$3" "$4" >"$w/two"
	if same_change "$w/one" "$w/two"; then [ "$1" = yes ]; else [ "$1" = no ]; fi
}

# The library of the guests. Programs of the kernel's folder: one, two and twofold.
guests()
{
	. "$top/scripts/lib/guest.sh"
	. "$top/scripts/lib/coverage.sh"
	suite() { :; }
	. "$top/scripts/suites/core.sh"
	series_commits() { :; }
	commit_files() { :; }
	upto_later() { :; }
	mkdir -p tests/guest/kernel tests/skips run
	for _p in one two twofold; do : >"tests/guest/kernel/test_$_p.c"; done
	printf '# comment\nkernel/test_two  # needs three\n' >kernel/5.0/without-tests
	printf '# comment\n%s\n' 'kernel/test_one: a  # x' 'kernel/test_two: *  # y' 'kernel/test_twofold: b  # z' >tests/skips/all
	printf 'kernel/test_one: c  # w\n' >tests/skips/5.0-all
}

programs()
{
	guests && core_programs | paste -s -d ' '
}

# skips NAME...: prints the lines of the files that tapsum gets.
skips()
{
	# shellcheck disable=SC2046 # names without blanks
	guests && sed '/^#/d' $(skip_files run "$@")
}

# coverage_of VERSION SOURCE: prints "judged" if the places of this kernel are judged.
coverage_of()
{
	guests
	step() { :; }
	coverage_tap() { echo judged >>judged; }
	TOTALS=
	mkdir -p "$BASE"
	rm -f judged
	KERNEL=$1
	kernel_version
	(KERNEL_SRC=$2 coverage_judged) >/dev/null 2>&1
	[ ! -e judged ] || cat judged
}

# Each line of the real files names a program that is there, and gives a reason.
without_tests_are_true()
{
	cd "$top" || return 1
	for _f in kernel/*/series; do
		_f=${_f%/series}/without-tests
		[ -r "$_f" ] || { echo "there is no $_f"; return 1; }
		sed '/^#/d' "$_f" >"$w/lines"
		while read -r _program _hash _reason; do
			[ -e "tests/guest/$_program.c" ] && [ "$_hash" = '#' ] && [ -n "$_reason" ] && continue
			echo "$_f: $_program $_hash $_reason"
			return 1
		done <"$w/lines"
	done
}

make_versions || exit 1
. "$top/tests/lib/tap.sh"
t "without KERNEL=, the series is that of kernel/" here with '' is kernel printf '%s\n' kernel
t "KERNEL= with the version of kernel/source is the series of kernel/" here with 6.0 series_list
t "a version's own file replaces the shared one" here is "kernel/patches/0001-b.patch
kernel/5.0/patches/0002-c.patch
kernel/selftests/0003-t.commit" with 5.0 series_list
t "the series of kernel/ has no file of a version" here is "kernel/patches/0001-b.patch
kernel/patches/0002-c.patch
kernel/selftests/0003-t.commit" with '' series_list
t "a version's source has its own package" here is linux-source-5.0 with 5.0 source_word package
t "what a version's source does not say is in kernel/source" here is b with 5.0 source_word guest
t "an unknown KERNEL= names those that exist" here refused \
	'KERNEL=4.0: there is no series for this kernel: use one of these: 6.0, 5.0' with 4.0 true
t "KERNEL= is no path" here refused 'KERNEL=../kernel/5.0: there is no series' with ../kernel/5.0 true
KERNEL_SRC=/src t "KERNEL= and KERNEL_SRC= together" here refused 'give only one of them' with 5.0 true
unset KERNEL_SRC
t "each version's series names all files that are there, and no other" each names_all
t "each version has the words that are read" each says_which
t "each version has the commits of kernel/series in their order" each in_order
t "each version has files only for commits that differ" each only_changes
t "no version has a patch that is signed off" each unsigned
t "import: files and directories replace those of the older kernel" here takes_files
t "import: lines are put before the first line that ends them" here takes_lines
t "import: a file that is not there" here import_refused 'cannot take gone.c' 'files gone.c'
t "import: a first line that is not there" here import_refused "has no line 'config X'" 'lines Kconfig|config X|config END'
t "import: an end that the older kernel lacks" here import_refused "no line 'after'" 'lines Kconfig|config DMEM|after'
t "same_change: the numbers of lines do not count" here same yes x 7 s
t "same_change: the context counts" here same no y 1 s
t "same_change: the message counts" here same no x 1 other
t "all programs run on the kernel of kernel/source" here is \
	'dmabuf-heaps/dmabuf-heap kernel/test_one kernel/test_two kernel/test_twofold' with '' programs
t "without-tests: a version does not run its programs" here is \
	'dmabuf-heaps/dmabuf-heap kernel/test_one kernel/test_twofold' with 5.0 programs
t "the skips of the kernel of kernel/source are those of the boot" here is 'kernel/test_one: a  # x
kernel/test_two: *  # y
kernel/test_twofold: b  # z' with '' skips all
t "the skips of a version are without its programs, and with its own" here is 'kernel/test_one: a  # x
kernel/test_twofold: b  # z
kernel/test_one: c  # w' with 5.0 skips all
t "the places of the kernel of kernel/source are judged" here is judged coverage_of '' ''
t "the places of another version are not judged" here is_nothing coverage_of 5.0 ''
t "the places of another source are not judged" here is_nothing coverage_of '' /src
t "without-tests names programs that are there, with reasons" without_tests_are_true
tap_end
