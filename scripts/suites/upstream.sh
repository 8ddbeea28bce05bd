# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite upstream: upstream's own tests of the code that the series changes, on a kernel with the
# series and on one without. Each test must have the same result on both.

suite upstream 10 check-all 5 "the kernel's own tests, with and without the series"

# All tests of cgroup, and those of heaps and udmabuf. test_cpuset_prs.sh needs eight CPUs, and
# skips itself; udmabuf stops where it needs 2 GiB of huge pages. test_zswap is left out: one of
# its tests allocates all memory, and then swaps to a disk in memory for more than ten minutes.
UPSTREAM_CGROUP='test_core test_cpu test_cpuset test_freezer test_hugetlb_memcg test_kill
	test_kmem test_memcontrol test_pids'
UPSTREAM_SCRIPTS='test_stress.sh test_cpuset_prs.sh test_cpuset_v1_hp.sh'

# No test of mm is about CMA, but these execute its code: pages must leave a CMA area before a
# long-term pin (cow, gup_longterm, gup_test -L), compaction moves pages between areas and other
# memory (compaction_test), and hugetlb allocates its gigantic pages, here of 32 MiB and 1 GiB,
# from a CMA area of its own (hugetlb-*, hugetlb_*, thuge-gen, and the first two as well).
#
# Left out: migration, ksm_tests and rmap need libnuma and two nodes; hugetlb-read-hwpoison,
# hugetlb-soft-offline and memory-failure lose pages for good; charge_reserved_hugetlb.sh and
# hugetlb_reparenting_test.sh test hugetlb's controller, and wait for minutes; the others test
# mappings of processes, not the source of their pages.
UPSTREAM_MM='compaction_test cow gup_longterm gup_test hugetlb-madvise hugetlb-mmap
	hugetlb-mremap hugetlb-shm hugetlb_dio hugetlb_fault_after_madv hugetlb_madv_vs_map thuge-gen'

# The kernels differ by the series alone: their configuration has no option that the series adds.
# Suite core runs the KUnit tests of the series.
build_upstream()
{
	build_kernel "$1" kernel/config/vm.config kernel/config/upstream.config
}

# upstream_make DIRECTORY LDFLAGS PROGRAM...: builds the programs with upstream's Makefile.
upstream_make()
{
	_ud=$1
	_uf=$2
	shift 2
	_uo=$BASE/upstream/${_ud##*/}
	mkdir -p "$_uo" "$_ur/tests/${_ud##*/}"
	for _p in "$@"; do
		st_make upstream -s -C "$TREE/tools/testing/selftests/$_ud" LDFLAGS="$_uf" \
			OUTPUT="$_uo" "$_uo/$_p" &&
		cp "$_uo/$_p" "$_ur/tests/${_ud##*/}/" || return 1
		echo "${_ud##*/}/$_p" >>"$_ur/tests/list"
	done
}

# with_words NAME PROGRAM WORD...: adds a test that runs a program of mm with these arguments.
with_words()
{
	_uw=$_ur/tests/mm/$1
	shift
	printf '#!/bin/sh\nexec ./%s\n' "$*" >"$_uw"
	chmod 755 "$_uw"
	echo "mm/${_uw##*/}" >>"$_ur/tests/list"
}

# on_disk PROGRAM: runs a program of cgroup in a root directory on a disk. The program looks up
# missing files in "/", and expects the kernel to cache these lookups, as it does for a disk: see
# tests/guest/upstream/prepare.
on_disk()
{
	mv "$_ur/tests/cgroup/$1" "$_ur/tests/cgroup/$1.there"
	printf '#!/bin/sh\nexec chroot /disk /cgroup/%s.there\n' "$1" >"$_ur/tests/cgroup/$1"
	chmod 755 "$_ur/tests/cgroup/$1"
}

# Makes the root file system, which is the same for both kernels.
upstream_root()
{
	_ur=$BASE/upstream/root
	_log=$LOGS/upstream-tests.log
	_st=$TREE/tools/testing/selftests
	rm -rf "$_ur"
	mkdir -p "$BASE/upstream"
	cp -a "$CACHE/userland/upstream" "$_ur"
	mkdir -p "$_ur/etc" "$_ur/tests/cgroup" "$_ur/tests/upstream"
	cp tests/guest/upstream/prepare* "$_ur/tests/upstream/"
	echo upstream/prepare >"$_ur/tests/list"
	# Scripts look for bash in /bin. A directory of its own, because busybox installs its
	# programs there.
	rm "$_ur/bin"
	mkdir "$_ur/bin"
	ln -s /usr/bin/bash "$_ur/bin/bash"
	ln -s /bin/busybox "$_ur/usr/bin/true"
	# One program looks up a host name, with the C library of the packages.
	echo '127.0.0.1 localhost' >"$_ur/etc/hosts"
	kernel_headers upstream
	# shellcheck disable=SC2086 # lists of names
	{
		upstream_make dmabuf-heaps -static dmabuf-heap &&
		upstream_make drivers/dma-buf -static udmabuf &&
		upstream_make cgroup '' $UPSTREAM_CGROUP &&
		upstream_make mm -static $UPSTREAM_MM
	} >"$_log" 2>&1 || die_log "$_log" "cannot build the kernel's tests: $(grep -m1 -e 'error:' -e ' Error ' "$_log")"
	on_disk test_kmem
	with_words gup_test-long gup_test -L -n 512
	with_words gup_test-long-huge gup_test -L -H -n 512
	cp "$_st/cgroup"/*.sh "$_ur/tests/cgroup/"
	for _p in $UPSTREAM_SCRIPTS; do
		[ "$_p" != test_cpuset_v1_hp.sh ] || echo upstream/prepare_v1 >>"$_ur/tests/list"
		echo "cgroup/$_p" >>"$_ur/tests/list"
	done
	pack_initrd "$BASE/upstream/initrd" "$_ur" "$BASE/build-upstream"
}

# upstream_boot KERNEL NAME WORDS
upstream_boot()
{
	_d=$BASE/run/upstream/$2
	mkdir -p "$_d"
	boot 3600 "$_d/kernel.log" "$_d/results" "$(kernel_image "$1")" "$BASE/upstream/initrd" \
		"dmem.run=tests dmem.limit=600 hugetlb_cma=1G zram.num_devices=2 $3"
	[ -e "$_d/results" ] || : >"$_d/results"
}

# upstream_boots TIME WORDS: boots both kernels. TIME is a number for their names.
upstream_boots()
{
	upstream_boot upstream-base "unpatched-$1" "$2"
	upstream_boot upstream "patched-$1" "$2"
	_boots="$_u/unpatched-$1 $_boots $_u/patched-$1"
}

upstream_same()
{
	# shellcheck disable=SC2086 # names without blanks
	"$CACHE/bin/samesum" "$@" "$BASE/upstream/root/tests/list" $_boots
}

# Boots both kernels, and repeats tests whose result may be chance. Tests that differ, or fail on
# both kernels, run five times more. Those that may still differ run another five times, and then
# thirty times if that is not enough. KUnit's suites run once in each boot.
upstream_run()
{
	_u=$BASE/run/upstream
	_boots=--
	rm -rf "$_u"
	step "guest: upstream's tests on the unpatched kernel and on the patched"
	upstream_boots 1 ''
	_which=-f
	_times=5
	for _i in 2 3 4; do
		_again=$(upstream_same $_which) || die "samesum gave up on $_u"
		[ -n "$_again" ] || return 0
		_again=$(echo "$_again" | tr '\n' ' ')
		printf '      again: %s\n' "$_again" >&2
		_which=-p
		[ "$_i" != 4 ] || _times=30
		upstream_boots "$_i" "dmem.times=$_times dmem.only=upstream/prepare,upstream/prepare_v1,$(echo "$_again" | tr ' ' ,)"
	done
}

upstream_compare()
{
	step "suite upstream: the results of both kernels"
	mkdir -p "$_u/same"
	upstream_same >"$_u/same/results" || [ $? = 1 ] || die "samesum gave up on $_u"
	"$CACHE/bin/tapsum" -n upstream/same -s tests/skips/upstream -t "$TOTALS" "$_u/same/results" || {
		[ $? = 1 ] || die "tapsum gave up on $_u/same/results"
		printf '     (results and kernel logs: %s)\n' "$_u"
	}
}

suite_upstream()
{
	build_upstream upstream
	LIKE=upstream without_series build_upstream upstream-base
	step "guest: upstream's tests"
	# Increases the memory, for a gigantic page beside all other programs.
	_machine=$MACHINE
	MACHINE=$(echo "$MACHINE" | sed 's/-m [^ ]*/-m 3G/')
	build_dtb ''
	guest_busybox
	guest_userland arm64 "$CACHE/userland/upstream" programs bash e2fsprogs
	upstream_root
	upstream_run
	upstream_compare
	MACHINE=$_machine
}
