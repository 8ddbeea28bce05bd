# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite media: Debian's V4L2 programs on the kernel with the series, in check-all also on the kernel
# without. Compares the reports that the series must not change.

suite media 3 check $((3 + 3 * ALL)) "Debian's V4L2 programs, in check-all also without the series"

# Builds the kernel without the series from the same tree in the same place, so that ccache and
# kbuild can reuse most objects.
build_base()
{
	# shellcheck disable=SC2046 # a list of files
	LIKE=check without_series build_kernel base $(check_config) kernel/config/base.config
}

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
	kmake "$BASE/build-$1" -s headers >"$_log" 2>&1 ||
	die_log "$_log" "cannot make the kernel's headers"
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

# report_of BOOT PROGRAM SED-COMMAND: prints the lines of a program's output that are its report.
# A report does not vary from run to run: both kernels have the same version, and all counts
# depend on the tests alone.
report_of()
{
	tr -d '\r' <"$BASE/run/media/$1/results" |
	sed -n "\\,^# run $2\$,,\\,^# exit $2 ,p" | sed -n "$3"
}

# Compares the reports of both kernels. Each comparison is a test.
media_compare()
{
	_c=$BASE/run/media/same
	mkdir -p "$_c"
	step "suite media: the reports of both kernels"
	_n=0
	_bad=0
	{
		echo "# run media/same"
		echo "TAP version 13"
		same_report media/test_compliance 's/^# | //p'
		for _p in $UPSTREAM; do
			# Other lines report the slow steps, which vary.
			same_report "$_p" '/^\(not \)\{0,1\}ok /p'
		done
		echo "1..$_n"
		echo
		echo "# exit media/same $_bad"
		echo "# end"
	} >"$_c/results"
	"$CACHE/bin/tapsum" -n media/same -t "$TOTALS" "$_c/results" || [ $? = 1 ] ||
	die "tapsum gave up on $_c/results"
}

# same_report PROGRAM SED-COMMAND
same_report()
{
	_n=$((_n + 1))
	for _b in patched unpatched; do
		report_of "$_b" "$1" "$2" >"$_c/$_b"
	done
	if ! grep -q . "$_c/unpatched"; then
		echo "# there is no report of the unpatched kernel"
	elif (cd "$_c" && diff -u unpatched patched) >"$_c/diff"; then
		echo "ok $_n $1 says the same on both kernels"
		return
	else
		sed 's/^/# /' "$_c/diff"
	fi
	echo "not ok $_n $1 says the same on both kernels"
	_bad=1
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
	[ "$ALL" = 0 ] || build_base
	step "guest: selftests, and Debian's V4L2 programs"
	build_dtb ''
	guest_busybox
	guest_userland arm64 "$CACHE/userland/arm64" programs v4l-utils
	build_media_tests check
	media_root check
	media_boot patched check
	[ "$ALL" = 1 ] || return 0
	media_root base
	media_boot unpatched base
	media_compare
}
