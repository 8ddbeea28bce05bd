# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite debug: the tests of suites core and media on a patched kernel that checks its memory
# accesses, locks and objects. At the end, test_kmemleak searches for lost memory.
#
# In the tests of suite core, each complaint of the kernel is a failure. In those of suite media,
# complaints are accepted if the kernel without the series prints them as well: vivid has faults
# of its own when the guest is slow.

suite debug 7 check-all 6 "the programs of core and media with KASAN, lockdep and kmemleak"

DEBUG_WORDS='page_owner=on dmem.limit=900'

# The kernel, and the selftests with test_kmemleak as the last of them.
debug_build()
{
	# shellcheck disable=SC2046 # a list of files
	build_kernel debug $(check_config) kernel/config/lockdep.config kernel/config/debug.config
	step "guest: selftests (debug)"
	build_dtb ''
	guest_busybox
	build_selftests debug
	debug_program debug "$BASE/selftests-debug" test_kmemleak
}

debug_programs()
{
	echo debug/test_kmemleak
}

debug_guest()
{
	debug_build
	BOOT_SECONDS=3600
	guest_run debug debug "$BASE/selftests-debug/initrd" none "$DEBUG_WORDS" "$@"
	BOOT_SECONDS=
}

suite_debug()
{
	debug_build
	debug_media debug
	debug_program debug "$BASE/media/debug" test_kmemleak
	BOOT_SECONDS=3600
	guest_boot debug/patched debug patched "$DEBUG_WORDS"
	tell_what_was_done debug/patched
	guest_boot debug/disabled debug disabled "cgroup_disable=dmem $DEBUG_WORDS"
	debug_media_boot debug "$DEBUG_WORDS"
	BOOT_SECONDS=
}

# debug_program KERNEL DIR PROGRAM: adds a program of tests/guest/debug to a root file
# system, DIR/root, and makes DIR/initrd anew. The program runs last.
debug_program()
{
	mkdir -p "$2/root/tests/debug"
	# shellcheck disable=SC2046 # two files
	guest_cc -isystem "$BASE/build-$1/usr/include" -o "$2/root/tests/debug/$3" \
		"tests/guest/debug/$3.c" $(dmem_util) -lpthread ||
	die "cannot compile tests/guest/debug/$3.c: see the compiler's message above"
	echo "debug/$3" >>"$2/root/tests/list"
	pack_initrd "$2/initrd" "$2/root" "$BASE/build-$1"
}

# debug_first KERNEL DIR PROGRAM: the same, but the program runs first.
debug_first()
{
	_list=$2/root/tests/list
	mv "$_list" "$_list.rest"
	debug_program "$@"
	cat "$_list.rest" >>"$_list"
	rm "$_list.rest"
	pack_initrd "$2/initrd" "$2/root" "$BASE/build-$1"
}

# debug_media KERNEL: builds the programs of suite media for this kernel.
debug_media()
{
	guest_userland arm64 "$CACHE/userland/arm64" programs v4l-utils
	build_media_tests "$1"
	media_root "$1"
}

# debug_media_boot KERNEL WORDS
debug_media_boot()
{
	_dm=$BASE/run/debug/media-$1
	mkdir -p "$_dm"
	rm -f "$_dm/base.log"
	step "guest: Debian's V4L2 programs on the $1 kernel"
	{ cat "$BASE/media/$1/root/tests/list"; kunit_suites; } >"$_dm/expect"
	boot_only "debug/media-$1" "$1" "$BASE/media/$1/initrd" "$2"
	if debug_complains "$_dm"; then
		debug_base "$1" "$2"
	fi
	: >>"$_dm/base.log"
	boot_judged "debug/media-$1" media-patched -b "$_dm/base.log"
}

# debug_complains DIR: succeeds if the kernel log has a complaint that DIR/base.log lacks.
debug_complains()
{
	[ ! -e "$1/base.log" ] || set -- "$1" -b "$1/base.log"
	_dc=$1
	shift
	"$CACHE/bin/tapsum" -k "$_dc/kernel.log" "$@" "$_dc/results" | grep -q 'kernel log:'
}

# debug_base KERNEL WORDS: boots the same kernel without the series up to three times, until it
# has printed the same complaints.
debug_base()
{
	printf '      the kernel has complained: does it without the series?\n' >&2
	_words=${KERNEL_WORDS:-}
	KERNEL_WORDS=
	[ "$1" != kcsan ] || KERNEL_WORDS=$(kcsan_words)
	STEP=$((STEP - 1))
	# shellcheck disable=SC2046 # a list of files
	LIKE=$1 without_series build_kernel "$1-base" $(check_config) kernel/config/lockdep.config \
		"kernel/config/$1.config" kernel/config/base.config
	KERNEL_WORDS=$_words
	cp "$BASE/media/$1/root/tests/list" "$BASE/media/$1.list"
	media_root "$1-base"
	cp "$BASE/media/$1.list" "$BASE/media/$1-base/root/tests/list"
	for _p in test_kmemleak test_kcsan; do
		[ ! -e "$BASE/media/$1/root/tests/debug/$_p" ] || {
			mkdir -p "$BASE/media/$1-base/root/tests/debug"
			cp "$BASE/media/$1/root/tests/debug/$_p" "$BASE/media/$1-base/root/tests/debug/"
		}
	done
	pack_initrd "$BASE/media/$1-base/initrd" "$BASE/media/$1-base/root" "$BASE/build-$1-base"
	mkdir -p "$BASE/run/debug/media-$1-base"
	for _i in 1 2 3; do
		boot_only "debug/media-$1-base" "$1-base" "$BASE/media/$1-base/initrd" "$2"
		cat "$BASE/run/debug/media-$1-base/kernel.log" >>"$BASE/run/debug/media-$1/base.log"
		debug_complains "$BASE/run/debug/media-$1" || return 0
	done
}
