# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# make check: the suites, and the one line at the end.

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

suite_core()
{
	build_kernel check kernel/config/vm.config kernel/config/check.config kernel/config/media.config
	LIKE=check build_kernel nodmem kernel/config/vm.config kernel/config/check.config \
		kernel/config/media.config kernel/config/nodmem.config
	step "guest: selftests"
	build_dtb ''
	guest_busybox
	build_selftests check
	build_selftests nodmem
	guest_boot core/patched check patched 'DMEM_TORTURE_SECONDS=120 dmem.limit=520'
	tell_what_was_done core/patched
	guest_boot core/disabled check disabled cgroup_disable=dmem
	memcg_boot core check ''
	guest_boot core/nodmem nodmem nodmem ''
}

# tell_what_was_done SUITE/BOOT: how many allocations have failed, and what the random
# operations were.
tell_what_was_done()
{
	sed -n -e 's/^# test_fail_nth.c:[0-9]*:[a-z_]*:\(.*tried, \(1 in a row\|with one\).*\)/      \1/p' \
		-e 's/^# test_torture.c:[0-9]*:random:/      /p' "$BASE/run/$1/results"
}

# memcg_boot SUITE KERNEL WORDS: what CMA does not serve is charged to memcg.
memcg_boot()
{
	step "guest: tests of the DMA API with dma_mem_accounting=1 ($KARCH)"
	mkdir -p "$BASE/run/$1/memcg"
	{ printf '%s\n' dmem/test_dma dmem/test_v4l2; kunit_suites; } >"$BASE/run/$1/memcg/expect"
	boot_tests "$1/memcg" "$2" "$BASE/selftests-$2/initrd" memcg \
		"dmem.only=dmem/test_dma,dmem/test_v4l2 dma_mem_accounting=1 $3"
}

check()
{
	case $1 in
	'')
		STEPS=34
		# Two releases of systemd, suites debug and upstream, and the torture test
		[ -z "${ALL:-}" ] || STEPS=52
		;;
	unit) STEPS=2 ;;
	core) STEPS=10 ;;
	media) STEPS=9 ;;
	arm32) STEPS=7 ;;
	systemd) STEPS=8 ;;
	containers) STEPS=6 ;;
	tools) STEPS=8 ;;
	debug) STEPS=9 ;;
	kcsan) STEPS=7 ;;
	upstream) STEPS=8 ;;
	*) die "there is no suite '$1': SUITE=unit, core, media, systemd, containers, tools, arm32, debug, kcsan or upstream" ;;
	esac
	supported_host
	lock_cache
	step "tools"
	case $1 in
	unit) unit_packages ;;
	'') host_packages; unit_packages ;;
	*) host_packages; need shellcheck ;;
	esac
	case $1 in
	''|arm32) arm32_packages ;;
	esac
	build_host_tools
	TOTALS=$CACHE/totals
	: >"$TOTALS"
	case $1 in
	''|unit) suite_unit ;;
	esac
	case $1 in
	unit) ;;
	*) kernel_source; kernel_tree ;;
	esac
	case $1 in
	''|core) suite_core ;;
	esac
	case $1 in
	''|media) suite_media ;;
	esac
	case $1 in
	''|systemd) suite_systemd ;;
	esac
	case $1 in
	''|containers) suite_containers ;;
	esac
	case $1 in
	''|tools) suite_tools ;;
	esac
	case $1 in
	''|arm32) suite_arm32 ;;
	esac
	case $1${ALL:-} in
	debug) suite_debug ;;
	kcsan) suite_kcsan ;;
	upstream) suite_upstream ;;
	1) suite_debug; suite_kcsan; torture_boot 600 ''; suite_upstream ;;
	esac
	"$CACHE/bin/tapsum" -S "$TOTALS"
}

# All of it, also after something has failed. Each part is in a shell of its own, not in a
# condition, where "set -e" would mean nothing.
check_all()
{
	_failed_parts=
	set +e
	(set -e; checkpatch)
	part_ended checkpatch $?
	(set -e; bisect)
	part_ended bisect $?
	(set -e; mutants '')
	part_ended mutants $?
	(set -e; systemd_mutants systemd)
	part_ended systemd_mutants $?
	ALL=1
	(set -e; check '')
	part_ended check $?
	set -e
	[ -z "$_failed_parts" ] || die "failed:$_failed_parts"
}

part_ended()
{
	[ "$2" = 0 ] || _failed_parts="$_failed_parts $1"
}
