#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds with musl: the programs of the units with meson, and all other files of tools/
# without linking them, as Debian has no other libraries for musl. Prints TAP.
#
#   tests/unit/build/test_musl.sh SOURCE SCRATCH
set -u
source=$(cd "$1" && pwd) || exit 2
mkdir -p "$2" || exit 2
scratch=$(cd "$2" && pwd) || exit 2
build=$scratch/musl
headers=$scratch/headers
n=0
bad=0

# result NAME: one line of TAP. The test has passed if the last command has.
result()
{
	_rc=$?
	n=$((n + 1))
	if [ "$_rc" = 0 ]; then
		echo "ok $n $1"
		return
	fi
	bad=1
	echo "not ok $n $1"
	tail -n 20 "$scratch/out" | sed 's/^/# /'
}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

# link_headers NAME...: headers that do not belong to the C library. Those of glibc must
# not be found.
link_headers()
{
	mkdir -p "$headers"
	for _h in "$@"; do
		ln -sfn "$_h" "$headers/${_h##*/}" || return 1
	done
}

programs()
{
	[ -e "$build/build.ninja" ] ||
		CC="musl-gcc -idirafter $headers" meson setup -Dtools=disabled -Dhook=disabled -Dman=disabled \
			-Dtests=false -Dwerror=true "$build" "$source" || return 1
	ninja -C "$build"
}

other_files()
{
	_failed=0
	for _f in "$source"/tools/cli/*.c "$source"/tools/lsdmem/*.c "$source"/tools/dmemctl/*.c \
		  "$source"/tools/dmemctl/*/*.c "$source"/tools/hook/*.c; do
		case $_f in
		*/dmemctl/manager.c) continue ;;
		esac
		musl-gcc -idirafter "$headers" -std=gnu11 -fsyntax-only -Wall -Wextra -Werror -D_GNU_SOURCE \
			-D_FILE_OFFSET_BITS=64 -DNO_LIBSYSTEMD -DNO_LIBFDT -I"$source/tools" -I"$source/tools/lib" \
			"$_f" || _failed=1
	done
	return $_failed
}

for _p in musl-gcc meson ninja; do
	command -v "$_p" >/dev/null || skip "no $_p"
done
asm=/usr/include/$(gcc -print-multiarch)/asm
[ -d "$asm" ] || asm=/usr/include/asm
[ -d "$asm" ] || skip "no headers of the kernel"
[ -d /usr/include/libsmartcols ] || skip "no headers of libsmartcols"
[ -d /usr/include/json-c ] || skip "no headers of json-c"
echo "1..3"
link_headers "$asm" /usr/include/asm-generic /usr/include/linux /usr/include/libsmartcols \
	/usr/include/json-c
programs >"$scratch/out" 2>&1
result "the programs of the units build with musl"
"$build/tools/dmem-apply" --help >"$scratch/out" 2>&1
_rc=$?
[ "$_rc" = 2 ]
result "dmem-apply starts with musl, and refuses a wrong command line"
other_files >"$scratch/out" 2>&1
result "lsdmem, dmemctl and dmem-hook compile with musl"
exit $bad
