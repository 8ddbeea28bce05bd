# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# What the guest runs: the selftests, and boots whose results are judged.

# The selftests for one kernel, as a root file system. The sources are copied:
# a build of modules writes beside them.
build_selftests()
{
	_k=$BASE/build-$1
	_st=$BASE/selftests-$1
	_r=$_st/root
	_log=$LOGS/selftests-$1.log
	mkdir -p "$_st/src" "$_st/out" "$_st/heaps"
	rsync -rlp --checksum --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' --exclude='.*' \
		--exclude='Module.symvers' --exclude='modules.order' selftests/ "$_st/src/"
	rm -rf "$_r"
	mkdir -p "$_r/tests/bin" "$_r/tests/dmem" "$_r/tests/dmabuf-heaps" "$_r/etc"
	{
		kmake "$_k" -s headers &&
		st_make "$1" -C "$_st/src" OUTPUT="$_st/out" INSTALL_PATH="$_r/tests/dmem" install &&
		st_make "$1" -C "$TREE/tools/testing/selftests/dmabuf-heaps" OUTPUT="$_st/heaps" \
			INSTALL_PATH="$_r/tests/dmabuf-heaps" install
	} >"$_log" 2>&1 || die_log "$_log" "cannot build the selftests: $(grep -m1 -e 'error:' -e ' Error ' "$_log")"
	# The modules lie beside the programs as well, where a test looks first.
	find "$_r/tests/dmem" -mindepth 2 -name '*.ko' -exec cp {} "$_r/tests/dmem/" \;
	# So do the drivers of the kernel that a test loads itself.
	find "$_k/drivers" "$_k/lib" -name '*.ko' -exec cp {} "$_r/tests/dmem/" \;
	{
		st_make "$1" -s -C "$_st/src" OUTPUT="$_st/out" COLLECTION=dmem emit_tests
		st_make "$1" -s -C "$TREE/tools/testing/selftests/dmabuf-heaps" \
			OUTPUT="$_st/heaps" COLLECTION=dmabuf-heaps emit_tests
	} 2>>"$_log" | sed -n 's,^\([a-z-]*\):\(.*\)$,\1/\2,p' >"$_r/tests/list"
	[ -s "$_r/tests/list" ] || die "selftests/Makefile names no program: add TEST_GEN_PROGS"
	pack_initrd "$_st/initrd" "$_r" "$_k"
}

st_make()
{
	_kk=$BASE/build-$1
	shift
	make -j"$(nproc)" ARCH="$KARCH" CROSS_COMPILE="$CROSS" KSRC="$TREE" KDIR="$_kk" \
		LDFLAGS=-static KHDR_INCLUDES="-isystem $_kk/usr/include" "$@"
}

# The KUnit suites that the series brings.
kunit_suites()
{
	# shellcheck disable=SC2046 # a list of files without blanks
	sed -n '/^+.*struct kunit_suite/,/};/s/^+.*\.name = "\(.*\)".*/kunit\/\1/p' $(series_patches)
}

# guest_boot SUITE/BOOT KERNEL SKIPS WORDS: SKIPS are files in tests/skips/.
guest_boot()
{
	_d=$BASE/run/$1
	mkdir -p "$_d"
	step "guest: tests on the ${1#*/} kernel ($KARCH)"
	cp "$BASE/selftests-$2/root/tests/list" "$_d/expect"
	[ "$2" = nodmem ] || kunit_suites >>"$_d/expect"
	boot_tests "$1" "$2" "$BASE/selftests-$2/initrd" "$3" "$4"
}

# boot_tests SUITE/BOOT KERNEL INITRD SKIPS WORDS: what is to run is in the
# boot's file "expect".
boot_tests()
{
	boot_only "$1" "$2" "$3" "$5"
	boot_judged "$1" "$4"
}

# boot_only SUITE/BOOT KERNEL INITRD WORDS
boot_only()
{
	_d=$BASE/run/$1
	boot "${BOOT_SECONDS:-1500}" "$_d/kernel.log" "$_d/results" "$(kernel_image "$2")" "$3" \
		"dmem.run=tests dmem.limit=300 $4"
	[ -e "$_d/results" ] || : >"$_d/results"
}

# boot_judged SUITE/BOOT SKIPS OPTION...: the options are tapsum's.
boot_judged()
{
	_d=$BASE/run/$1
	_name=$1
	_skips=$2
	shift 2
	# shellcheck disable=SC2046,SC2086 # names without blanks
	"$CACHE/bin/tapsum" -n "$_name" -e "$_d/expect" $(printf ' -s tests/skips/%s' $_skips) \
		-k "$_d/kernel.log" -t "$TOTALS" "$@" "$_d/results" || {
		_rc=$?
		[ "$_rc" = 1 ] || die "tapsum gave up on $_d/results"
		printf '     (results: %s, kernel log: %s)\n' "$_d/results" "$_d/kernel.log"
	}
}

# programs_of DIR: the programs of tests/guest/DIR.
programs_of()
{
	for _source in tests/guest/"$1"/test_*.c; do
		_source=${_source#tests/guest/}
		echo "${_source%.c}"
	done
}

# guest_wants PROGRAM: is it to be built? All are, but for "make guest".
guest_wants()
{
	case ${GUEST_ONLY:- $1 } in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}
