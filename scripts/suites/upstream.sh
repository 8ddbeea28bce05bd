# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite upstream: upstream's own tests of what the series touches, on a kernel with
# it and on one without, whose results must be the same, test by test.

suite upstream 10 check-all 5 "the kernel's own tests, with and without the series"

# All of cgroup's, that of heaps and that of udmabuf. test_cpuset_prs.sh asks for
# eight CPUs, and skips itself; udmabuf gives up where it wants 2 GiB of huge pages.
# Not test_zswap: one of its tests takes all memory there is, and then swaps on a
# disk that is made of memory, for more than ten minutes.
UPSTREAM_CGROUP='test_core test_cpu test_cpuset test_freezer test_hugetlb_memcg test_kill
	test_kmem test_memcontrol test_pids'
UPSTREAM_SCRIPTS='test_stress.sh test_cpuset_prs.sh test_cpuset_v1_hp.sh'

# None of mm's knows of CMA by name. These go its ways: pages that are to be pinned
# for long must leave a CMA area first (cow, gup_longterm, gup_test -L), compaction
# moves pages between areas and the rest (compaction_test), and hugetlb takes its
# gigantic pages, here those of 32 MiB and 1 GiB, from a CMA area of its own
# (hugetlb-*, hugetlb_*, thuge-gen, and the first two as well).
#
# Not these: migration, ksm_tests and rmap want libnuma and two nodes;
# hugetlb-read-hwpoison, hugetlb-soft-offline and memory-failure lose pages for
# good; charge_reserved_hugetlb.sh and hugetlb_reparenting_test.sh are about
# hugetlb's controller, and wait for minutes; the rest is about mappings of
# processes, not about where pages come from.
UPSTREAM_MM='compaction_test cow gup_longterm gup_test hugetlb-madvise hugetlb-mmap
	hugetlb-mremap hugetlb-shm hugetlb_dio hugetlb_fault_after_madv hugetlb_madv_vs_map thuge-gen'

# The kernels are the same but for the series: what they are made of has no option
# of it. Suite core has the KUnit tests that it brings.
build_upstream()
{
	build_kernel "$1" kernel/config/vm.config kernel/config/upstream.config
}

# upstream_make DIRECTORY LDFLAGS PROGRAM...: by upstream's own Makefile.
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

# with_words NAME PROGRAM WORD...: a program of mm that gets some words.
with_words()
{
	_uw=$_ur/tests/mm/$1
	shift
	printf '#!/bin/sh\nexec ./%s\n' "$*" >"$_uw"
	chmod 755 "$_uw"
	echo "mm/${_uw##*/}" >>"$_ur/tests/list"
}

# on_disk PROGRAM: one of cgroup that looks for files in "/", and wants the kernel to
# remember those that are not there, as it does for a disk: see tests/guest/upstream/prepare.
on_disk()
{
	mv "$_ur/tests/cgroup/$1" "$_ur/tests/cgroup/$1.there"
	printf '#!/bin/sh\nexec chroot /disk /cgroup/%s.there\n' "$1" >"$_ur/tests/cgroup/$1"
	chmod 755 "$_ur/tests/cgroup/$1"
}

# The root file system, the same for both kernels.
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
	# Where scripts look for it. Busybox' programs, too, come to /bin.
	rm "$_ur/bin"
	mkdir "$_ur/bin"
	ln -s /usr/bin/bash "$_ur/bin/bash"
	ln -s /bin/busybox "$_ur/usr/bin/true"
	# With them comes a C library, for a program that looks up a host's name.
	echo '127.0.0.1 localhost' >"$_ur/etc/hosts"
	# shellcheck disable=SC2086 # lists of names
	{
		kmake "$BASE/build-upstream" -s headers &&
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

# upstream_boots TIME WORDS: both kernels
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

# What is not the same may be so by chance, and so may be what fails on both: it runs
# five times more. What may be not the same then runs another five times, and where that
# does not tell, thirty. In each boot KUnit's suites run once.
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
	# Room for a gigantic page beside all else.
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
