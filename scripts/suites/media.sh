# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite media: Debian's V4L2 programs and upstream's own tests on the patched kernel.

suite media 3 check 3 "Debian's V4L2 programs"

# media_root KERNEL: makes the root file system with Debian's programs and the modules of this
# kernel.
media_root()
{
	_mr=$BASE/media/$1/root
	_mk=$BASE/build-$1
	rm -rf "$_mr"
	mkdir -p "${_mr%/*}"
	cp -a "$CACHE/userland/$GUESTARCH" "$_mr"
	mkdir -p "$_mr/etc"
	cp -a "$BASE/media/tests" "$_mr/"
	kernel_modules "$1" "$_mr/usr/lib/modules"
	pack_initrd "$BASE/media/$1/initrd" "$_mr" "$_mk"
}

# Upstream's tests of the code that the series changes, without those of the freezer and of memcg:
# these fail now and then in a slow guest, on any kernel.
UPSTREAM='dmabuf-heaps/dmabuf-heap cgroup/test_core cgroup/test_pids'

# build_media_tests KERNEL: builds our programs and upstream's tests, which are the same for all
# kernels.
build_media_tests()
{
	_mt=$BASE/media/tests
	_log=$LOGS/media-tests.log
	rm -rf "$_mt"
	mkdir -p "$_mt/media"
	: >"$_log"
	kernel_headers "$1"
	for _p in $UPSTREAM; do
		_o=$BASE/media/${_p%/*}
		mkdir -p "$_o" "$_mt/${_p%/*}"
		{
			st_make "$1" -s -C "$TREE/tools/testing/selftests/${_p%/*}" \
				OUTPUT="$_o" "$_o/${_p#*/}" &&
			cp "$_o/${_p#*/}" "$_mt/$_p"
		} >>"$_log" 2>&1 || die_log "$_log" "cannot build the kernel's test $_p"
	done
	for _p in tests/guest/media/test_*.c; do
		_o=${_p##*/}
		guest_wants "media/${_o%.c}" || continue
		# shellcheck disable=SC2046 # two files
		guest_cc -isystem "$BASE/build-$1/usr/include" -o "$_mt/media/${_o%.c}" \
			"$_p" tests/guest/media/media_util.c tests/lib/program.c $(dmem_util) -lpthread ||
		die "cannot compile $_p: see the compiler's message above"
	done
	(cd "$_mt" && find media -type f | sort) >"$_mt/list"
	for _p in $UPSTREAM; do
		echo "$_p" >>"$_mt/list"
	done
}

# media_boot NAME KERNEL
media_boot()
{
	_d=$BASE/run/media/$1
	mkdir -p "$_d"
	step "guest: Debian's V4L2 programs on the $1 kernel"
	cp "$BASE/media/tests/list" "$_d/expect"
	[ "$2" = base ] || kunit_suites >>"$_d/expect"
	boot_only "media/$1" "$2" "$BASE/media/$2/initrd" ''
	if [ "$2" = base ]; then
		boot_judged "media/$1" "media-$1" -b tests/known/unpatched
	else
		boot_judged "media/$1" "media-$1"
	fi
}

media_programs()
{
	programs_of media
	echo "$UPSTREAM" | tr ' ' '\n'
}

media_guest()
{
	build_check
	step "guest: Debian's V4L2 programs"
	build_dtb ''
	guest_busybox
	guest_userland arm64 "$CACHE/userland/arm64" programs v4l-utils
	build_media_tests check
	media_root check
	guest_run media check "$BASE/media/check/initrd" media-patched '' "$@"
}

suite_media()
{
	build_check
	step "guest: selftests, and Debian's V4L2 programs"
	build_dtb ''
	guest_busybox
	guest_userland arm64 "$CACHE/userland/arm64" programs v4l-utils
	build_media_tests check
	media_root check
	media_boot patched check
}
