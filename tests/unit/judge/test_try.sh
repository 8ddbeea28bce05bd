#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests scripts/lib/try.sh: the report on a kernel's source that differs from that of the series,
# on a small series and small trees. Prints TAP.
#
#   tests/unit/judge/test_try.sh
# shellcheck disable=SC1091,SC2016,SC2030,SC2031,SC2317,SC2329 # code for another shell; t calls the functions
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
w=$(mktemp -d)
dir=$w
trap 'chmod -R u+w "$w"; rm -rf "$w"' EXIT
. "$top/scripts/lib/common.sh"

# The commits of the small series have the author that they name.
unset GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE

ksub=tools/testing/selftests/cgroup

# numbered NAME FROM TO: prints lines that occur once.
numbered()
{
	seq -f "	$1 = %g;" "$2" "$3"
}

# The kernel's source that the small series is made for.
small_base()
{
	mkdir -p kernel/cgroup mm drivers/dma-buf/heaps include/linux Documentation "$ksub"
	printf '%s\n' 'VERSION = 7' 'PATCHLEVEL = 3' 'SUBLEVEL = 4' 'EXTRAVERSION =' >Makefile
	: >Kbuild
	{
		echo 'int dmem_cgroup_try_charge(void)'; echo '{'; numbered charge 1 20; echo '}'; echo
		echo 'int dmem_limit(void)'; echo '{'; numbered limit 1 20; echo '}'
	} >kernel/cgroup/dmem.c
	{ echo 'struct page *cma_alloc(struct cma *cma)'; echo '{'; numbered bitmap 1 20; echo '}'; } >mm/cma.c
	printf '%s\n' 'struct cma_memrange {' '};' >mm/cma.h
	echo 'obj-$(CONFIG_DMABUF_HEAPS_SYSTEM)	+= system_heap.o' >drivers/dma-buf/heaps/Makefile
	printf '%s\n' 'config DMABUF_HEAPS_SYSTEM' '	bool "System heap"' '' 'config DMABUF_HEAPS_CMA' '	bool "CMA heap"' '	depends on CMA' \
		>drivers/dma-buf/heaps/Kconfig
	{ echo 'static int cma_heap_allocate(void)'; echo '{'; numbered heap 1 20; echo '}'; } >drivers/dma-buf/heaps/cma_heap.c
	printf '%s\n' '#define DMA_ATTR_LAST	(1UL << 14)' >include/linux/dma-mapping.h
	numbered text 1 20 >Documentation/dmem.rst
	printf '%s\n' 'TEST_GEN_PROGS = test_core' '' 'include ../lib.mk' >"$ksub/Makefile"
}

# patch_of POSTING NUMBER SUBJECT: commits the tree's changes as a patch of the series.
patch_of()
{
	kgit add -A && kgit -c user.name=a -c user.email=a@example.com commit -q -m "$3" || return 1
	mkdir -p "$w/repo/kernel/patches/$1"
	kgit format-patch -q -1 --stdout --no-signature --full-index >"$w/repo/kernel/patches/$1/$2-x.patch"
	echo "$1/$2-x.patch" >>"$w/repo/kernel/series"
}

make_series()
{
	mkdir -p "$w/base" "$w/repo/kernel/patches/core" "$w/repo/kernel/selftests/core" "$w/repo/selftests"
	cd "$w/base" && small_base && cp -a . "$w/tree" && kgit init -q &&
	kgit add -A && kgit -c user.name=a -c user.email=a@example.com commit -q -m base || return 1
	echo '# SPDX-License-Identifier: GPL-2.0-only' >"$w/repo/kernel/series"
	echo core/cover >>"$w/repo/kernel/series"
	: >"$w/repo/kernel/patches/core/cover"
	sed -i 's/charge = 10;/charge = 10 + a;/' kernel/cgroup/dmem.c && patch_of core 0001 'cgroup/dmem: Add a'
	{ numbered first 1 9; cat kernel/cgroup/dmem.c; } >"$w/new" && mv "$w/new" kernel/cgroup/dmem.c &&
	patch_of core 0002 'cgroup/dmem: Grow'
	sed -i 's/charge = 10 + a;/charge = 10 + a + b;/' kernel/cgroup/dmem.c && patch_of core 0003 'cgroup/dmem: Add b'
	sed -i 's/limit = 2;/limit = 2 + a;/; s/limit = 10;/limit = 10 + a;/' kernel/cgroup/dmem.c && patch_of core 0004 'cgroup/dmem: Limit a'
	sed -i 's/bitmap = 10;/bitmap = 10 + a;/' mm/cma.c && echo 'int new;' >mm/new.c && patch_of cma 0001 'mm/cma: Add a'
	sed -i 's/heap = 10;/heap = 10 + a;/' drivers/dma-buf/heaps/cma_heap.c &&
	echo '	help' >>drivers/dma-buf/heaps/Kconfig && echo '#define DMA_ATTR_ACCOUNT	BIT(15)' >>include/linux/dma-mapping.h && patch_of cma 0002 'dma-buf: heaps: cma: Add a'
	sed -i 's/text = 2;/text = 2 and a;/; s/text = 10;/text = 10 and a;/' Documentation/dmem.rst && patch_of cma 0003 'Documentation: Add a'
	sed -i 's/test_core/test_core test_new/' "$ksub/Makefile"
	mkdir -p "$w/repo/kernel/selftests/cma"
	{ printf 'From: a <a@example.com>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nSubject: [PATCH] selftests: Add\n  a test\n\n---\nselftests/test_new.c\n\n'; kgit diff --full-index; } \
		>"$w/repo/kernel/selftests/cma/0004-x.commit"
	echo cma/0004-x.commit >>"$w/repo/kernel/series"
	echo 'int main(void) { return 0; }' | tee "$w/repo/selftests/test_new.c" >"$ksub/test_new.c"
	printf '%s\n' 'package linux-source-7.3' 'next stable newer' >"$w/repo/kernel/source"
	cat >"$w/repo/kernel/prerequisites" <<-'END'
	# NAME | VERSION | FILE | EXPRESSION | FILES | PURPOSE
	dmem controller | 6.14 | kernel/cgroup/dmem.c | dmem_cgroup_try_charge | kernel/cgroup/ | each charge
	ranges in CMA | 6.15 | mm/cma.h | struct cma_memrange | mm/cma.c mm/cma.h | owners
	free bit | - | include/linux/dma-mapping.h | !DMA_ATTR_[B-Z][A-Z]*.*(<< |BIT\()%bit%\) | - | opt-in
	END
	mkdir "$w/repo/kernel/config"
	printf '%s\n' '# of the heaps' CONFIG_CGROUP_DMEM=y CONFIG_CMA=y >"$w/repo/kernel/config/need.config"
	ln -s "$top/scripts" "$w/repo/scripts"
}

# try COMMAND ARGUMENT: as scripts/go.sh runs it, in the small repository. Sets the variable
# status, and writes $w/o.
try()
{
	rm -rf "$w/try"
	mkdir "$w/try"
	status=0
	(cd "$w/repo" && DMEM_CACHE=$w/cache TRY=$w/try sh -euc '
		for _l in common selftests source build try patches; do . "scripts/lib/$_l.sh"; done
		mkdir -p "$LOGS"
		lock_cache() { :; }; supported_host() { :; }; host_packages() { :; }; build_host_tools() { :; }
		need_space() { :; }
		build_kernel() { cp -a "$TREE" "$CACHE/built"; echo "$TREE_ID" >"$CACHE/id"; }
		kernel_image() { echo "image $1"; }
		KARCH=arm64
		[ ! -e "$CACHE/apt.sh" ] || . "$CACHE/apt.sh"
		"$@"' sh "$@") >"$w/o" 2>&1 || status=$?
	cat "$w/o"
}

# reports STATUS LINE...: the report on the tree has these lines, as fixed words.
reports()
{
	_wanted=$1
	shift
	try try_tree "$w/tree"
	[ "$status" = "$_wanted" ] || { echo "status $status"; return 1; }
	has "$@"
}

has()
{
	for _l; do
		grep -qF -e "$_l" "$w/o" || { echo "no line: $_l"; return 1; }
	done
}

lacks()
{
	! grep -F -e "$1" "$w/o"
}

# results RESULT...: the results of the eight commits, in their order.
results()
{
	diff - "$w/try/results" <<-END
	$(printf '%s\n' "$@")
	END
}

change()
{
	sed -i "$1" "$w/tree/$2" && ! cmp -s "$w/tree/$2" "$w/base-tree/$2"
}

# state DIR: all that a run could change there.
state()
{
	(cd "$1" && find . -printf '%p %m %T@ %y\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

restore()
{
	chmod -R u+w "$w/tree"
	rm -rf "$w/tree" "$w/repo" "$w/cache" "$w/new-patches"
	cp -a "$w/base-tree" "$w/tree"
	cp -a "$w/base-repo" "$w/repo"
	mkdir -p "$w/cache"
}

all_apply()
{
	reports 0 'Linux 7.3.4' 'series: that for Linux 7.3' '8 commits: 8 apply, 0 of them with fuzz; 0 are in the tree; 0 do not apply' \
		'core/0001              applies  cgroup/dmem: Add a' 'cma/0004               applies  selftests: Add a test' 'BUILD=1' &&
	same_as_series "$w/try/tree"
}

# The files that were copied are those of the series' own tree.
same_as_series()
{
	(cd "$1" && find . -type f -not -path './.git*') | while read -r _f; do
		cmp "$1/$_f" "$w/base/$_f" || exit 1
	done && [ -e "$1/mm/new.c" ] && [ -e "$1/$ksub/test_new.c" ]
}

moved()
{
	{ numbered vendor 1 30; cat "$w/base-tree/mm/cma.c"; } >"$w/tree/mm/cma.c"
	reports 0 '8 apply, 0 of them with fuzz'
}

fuzz()
{
	change 's/bitmap = 7;/bitmap = 77;/' mm/cma.c && reports 0 '8 apply, 1 of them with fuzz' 'cma/0001               fuzz     mm/cma: Add a'
}

fails()
{
	change 's/bitmap = 10;/bitmap = 99;/' mm/cma.c && reports 1 \
		'cma/0001               fails    mm/cma: Add a' \
		'    mm/cma.c: no line "bitmap = 10;": @@ -9,7 +9,7 @@ struct page *cma_alloc(struct cma *cma)' \
		'7 apply, 0 of them with fuzz; 0 are in the tree; 1 do not apply: 1 fail' &&
	lacks BUILD=1 && results applies applies applies applies fails applies applies applies
}

no_controller()
{
	rm "$w/tree/kernel/cgroup/dmem.c" && reports 1 'dmem controller                6.14   no       each charge' \
		'kernel/cgroup/dmem.c: not in this tree: needs dmem controller (since 6.14)' &&
	[ "$(grep -c 'not in this tree' "$w/o")" = 4 ] &&
	results needs needs needs needs applies applies applies applies
}

no_ranges()
{
	change 's/cma_memrange/cma_vendor/' mm/cma.h && reports 0 'ranges in CMA                  6.15   no ' &&
	change 's/bitmap = 10;/bitmap = 99;/' mm/cma.c && reports 1 \
		'    mm/cma.c: needs ranges in CMA (since 6.15): @@ -9,7' &&
	results applies applies applies applies needs applies applies applies
}

not_needed_there()
{
	change 's/cma_memrange/cma_vendor/' mm/cma.h && change 's/heap = 10;/heap = 99;/' drivers/dma-buf/heaps/cma_heap.c &&
	reports 1 'cma_heap.c: no line "heap = 10;"' && results applies applies applies applies applies fails applies applies
}

follow_up()
{
	change 's/charge = 10;/charge = 99;/' kernel/cgroup/dmem.c && reports 1 \
		'kernel/cgroup/dmem.c: no line "charge = 10;": @@ -9,7' \
		'kernel/cgroup/dmem.c: changes lines of core/0001, which fails: @@ -18,7' &&
	results fails applies follows applies applies applies applies applies
}

# A hunk of the same file that fails for its own reason is no follow-up.
two_reasons()
{
	change 's/charge = 10;/charge = 99;/; s/limit = 10;/limit = 99;/' kernel/cgroup/dmem.c &&
	reports 1 'no line "limit = 10;"' && results fails applies follows fails applies applies applies applies
}

renamed()
{
	change 's/cma_alloc/vendor_alloc/; s/bitmap = 1\([012]\);/map = 1\1;/' mm/cma.c && reports 1 \
		'mm/cma.c: no cma_alloc() in this file, renamed or removed: @@'
}

# A function whose name only begins alike is another one.
renamed_longer()
{
	change 's/cma_alloc/cma_alloc_frozen/; s/bitmap = 1\([012]\);/map = 1\1;/' mm/cma.c && reports 1 'no cma_alloc() in this file'
}

own_allocator()
{
	{ echo 'struct page *cma_alloc(struct cma *cma)'; echo '{'; numbered vendor_map 1 60; echo '}'; } >"$w/tree/mm/cma.c"
	cp "$w/tree/mm/cma.c" "$w/tree/mm/vendor_cma.c"
	reports 1 'mm/cma.c: no line "bitmap = 7;"' '1 do not apply: 1 fail' &&
	results applies applies applies applies fails applies applies applies
}

# As in TI's tree, whose entry in Kconfig is the last one.
carveout()
{
	printf '%s\n' '' 'config DMABUF_HEAPS_CARVEOUT' '	bool "Carveout heaps"' >>"$w/tree/drivers/dma-buf/heaps/Kconfig"
	{ echo 'static int carveout_dma_heap_allocate(void)'; numbered pool 1 40; } >"$w/tree/drivers/dma-buf/heaps/carveout-heap.c"
	echo 'obj-$(CONFIG_DMABUF_HEAPS_CARVEOUT)	+= carveout-heap.o' >>"$w/tree/drivers/dma-buf/heaps/Makefile"
	reports 0 '8 commits: 8 apply, 1 of them with fuzz' 'cma/0002               fuzz ' || return 1
	printf '%s\n' '	depends on CMA' '	help' '' >"$w/wanted"
	sed -n '6,8p' "$w/try/tree/drivers/dma-buf/heaps/Kconfig" | diff "$w/wanted" -
}

# Where another hunk fails too, the report has both.
more_lines()
{
	echo 'config VENDOR' >>"$w/tree/drivers/dma-buf/heaps/Kconfig"
	change 's/heap = 10;/heap = 99;/' drivers/dma-buf/heaps/cma_heap.c &&
	reports 1 'drivers/dma-buf/heaps/Kconfig: has more lines at its end: @@' 'no line "heap = 10;"'
}

other_lines()
{
	sed -i 's/^.*bitmap = 10;/	vendor = 1;\n	vendor = 2;\n&\n	vendor = 3;\n	vendor = 4;/' "$w/tree/mm/cma.c"
	reports 1 'mm/cma.c: has other lines around the change: @@'
}

in_tree()
{
	cp "$w/base/drivers/dma-buf/heaps/cma_heap.c" "$w/tree/drivers/dma-buf/heaps/"
	cp "$w/base/include/linux/dma-mapping.h" "$w/tree/include/linux/"
	cp "$w/base/drivers/dma-buf/heaps/Kconfig" "$w/tree/drivers/dma-buf/heaps/"
	reports 0 '7 apply, 0 of them with fuzz; 1 are in the tree; 0 do not apply' && same_as_series "$w/try/tree"
}

only_text()
{
	change 's/text = 2;/text = 22;/; s/text = 10;/text = 99;/' Documentation/dmem.rst &&
	reports 1 'Documentation/dmem.rst: no line "text = 2;"' '1 lack only text' && [ "$(grep -c dmem.rst: "$w/o")" = 1 ] && results applies applies applies applies applies applies text applies
}

same_name()
{
	echo 'int vendor;' >"$w/tree/mm/new.c"
	reports 1 'mm/new.c: the tree has a file of this name'
}

same_selftest()
{
	echo 'int vendor;' >"$w/tree/$ksub/test_new.c"
	reports 1 "$ksub/test_new.c: the tree has a file of this name" '1 do not apply' &&
	[ "$(cat "$w/try/tree/$ksub/test_new.c")" = 'int vendor;' ]
}

bit_taken()
{
	echo '#define DMA_ATTR_VENDOR	(1UL << 15)' >>"$w/tree/include/linux/dma-mapping.h"
	reports 0 'free bit                       -      no       opt-in' || return 1
	echo '#define DMA_ATTR_VENDOR	(1UL << 16)' >"$w/tree/include/linux/dma-mapping.h"
	echo '#define DMA_ATTR_LAST	(1UL << 14)' >>"$w/tree/include/linux/dma-mapping.h"
	reports 0 'free bit                       -      yes      opt-in'
}

# What the author has not committed is tried, and stays.
dirty()
{
	(cd "$w/tree" && kgit init -q && kgit add -A && kgit -c user.name=a -c user.email=a@example.com commit -qm base) || return 1
	change 's/bitmap = 10;/bitmap = 99;/' mm/cma.c || return 1
	touch "$w/tree/mm/untracked.c"
	state "$w/tree" >"$w/before"
	reports 1 'mm/cma.c: no line "bitmap = 10;"' || return 1
	state "$w/tree" | diff "$w/before" -
}

read_only()
{
	chmod -R a-w "$w/tree"
	state "$w/tree" >"$w/before"
	reports 0 '8 commits: 8 apply' || return 1
	state "$w/tree" | diff "$w/before" - && [ -z "$(find "$w/try/tree" -not -perm -u+w)" ]
}

# wrong WORDS ARGUMENT: one line, and the status of wrong use.
wrong()
{
	try try_tree "$2"
	[ "$status" = 2 ] && [ "$(wc -l <"$w/o")" = 1 ] && has "error: $1"
}

no_makefile()
{
	rm "$w/tree/Makefile" && wrong "TREE=$w/tree is not a kernel tree: give" "$w/tree"
}

wrong_series()
{
	mkdir -p "$w/repo/kernel/6.12" && : >"$w/repo/kernel/6.12/series"
	KERNEL=6.6
	export KERNEL
	wrong 'KERNEL=6.6: no series is prepared for it: KERNEL= takes one of these: 7.3 6.12' "$w/tree" || { unset KERNEL; return 1; }
	unset KERNEL
}

# nearest VERSION WANTED
nearest()
{
	[ "$(try try_nearest "$1")" = "$2" ] || { echo "$1: not $2"; return 1; }
}

all_nearest()
{
	nearest 6.12.117 7.3 || return 1
	for _v in 6.12 6.19; do
		mkdir -p "$w/repo/kernel/$_v" && : >"$w/repo/kernel/$_v/series"
	done
	mkdir -p "$w/repo/kernel/6.1"
	nearest 6.12.117 6.12 && nearest 6.1.176 6.12 && nearest 6.18.20 6.19 && nearest 7.0 6.19 && nearest 7.1.2 7.3 &&
	nearest 8.0 7.3 && nearest 6.15 6.12 && nearest 6.16 6.19
}

tie()
{
	for _v in 6.12 6.16 7.1; do
		mkdir -p "$w/repo/kernel/$_v" && : >"$w/repo/kernel/$_v/series"
	done
	nearest 7.2 7.3 && nearest 6.14 6.16
}

# The series of another version has patches of its own, and some of the main one.
own_series()
{
	mkdir -p "$w/repo/kernel/7.1/patches/core"
	printf '%s\n' '# SPDX' core/cover core/0001-x.patch cma/0003-x.patch cma/0004-x.commit >"$w/repo/kernel/7.1/series"
	sed 's/10/11/; s/^Subject.*/Subject: [PATCH] mine/' "$w/repo/kernel/patches/core/0001-x.patch" >"$w/repo/kernel/7.1/patches/core/0001-x.patch"
	change 's/^PATCHLEVEL.*/PATCHLEVEL = 1/' Makefile && change 's/charge = 10;/charge = 11;/' kernel/cgroup/dmem.c || return 1
	sed -i 's/charge = 10 + a/charge = 11 + a/; s/charge = 10;/charge = 11;/' "$w/repo/kernel/7.1/patches/core/0001-x.patch"
	reports 0 'series: that for Linux 7.1' '3 commits: 3 apply' 'applies  mine' || return 1
	KERNEL=7.3
	export KERNEL
	reports 1 'series: that for Linux 7.3; nearest prepared series: 7.1' || { unset KERNEL; return 1; }
	unset KERNEL
}

builds()
{
	echo 'int vendor;' >"$w/tree/mm/vendor.c"
	change 's/bitmap = 7;/bitmap = 77;/' mm/cma.c || return 1
	state "$w/tree" >"$w/before"
	BUILD=1
	export BUILD
	reports 0 'image try' || { unset BUILD; return 1; }
	unset BUILD
	state "$w/tree" | diff "$w/before" - && grep -q 'bitmap = 10 + a' "$w/cache/built/mm/cma.c" && [ -e "$w/cache/built/mm/vendor.c" ] &&
	cmp "$w/cache/built/kernel/cgroup/dmem.c" "$w/base/kernel/cgroup/dmem.c"
}

# After a change of the series, the tree that was built is the new one.
builds_again()
{
	builds || return 1
	sed -i '/cma.0001/d' "$w/repo/kernel/series"
	cp "$w/cache/id" "$w/id"
	rm -rf "$w/cache/built"
	BUILD=1
	export BUILD
	reports 0 'image try' || { unset BUILD; return 1; }
	unset BUILD
	grep -q 'bitmap = 10;' "$w/cache/built/mm/cma.c" && [ ! -e "$w/cache/built/mm/new.c" ] && ! cmp -s "$w/id" "$w/cache/id"
}

builds_nothing()
{
	change 's/bitmap = 10;/bitmap = 99;/' mm/cma.c || return 1
	BUILD=1
	export BUILD
	reports 1 '1 do not apply' || { unset BUILD; return 1; }
	unset BUILD
	[ ! -e "$w/cache/built" ]
}

# writes STATUS LINE...: like reports, with PATCHES=$w/new-patches.
writes()
{
	PATCHES=$w/new-patches
	export PATCHES
	reports "$@" || { unset PATCHES; return 1; }
	unset PATCHES
}

# same_tree DIR: has the files that the copy has after the report.
same_tree()
{
	(cd "$w/try/tree" && find . -type f) | while read -r _f; do
		cmp "$w/try/tree/$_f" "$1/$_f" || exit 1
	done
}

# The patches apply to the tree with git and with patch, in the order of their names and of the
# list, and give the tree that the report is about.
patches_give_it()
{
	[ "$(sed '/^#/d' "$w/new-patches/series")" = "$(cd "$w/new-patches" && ls -- *.patch)" ] || { cat "$w/new-patches/series"; return 1; }
	rm -rf "$w/am" "$w/patched"
	cp -a "$w/tree" "$w/am" && cp -a "$w/tree" "$w/patched" || return 1
	(cd "$w/am" && kgit init -q && kgit add -A && kgit -c user.name=a -c user.email=a@example.com commit -qm base &&
		kgit -c user.name=a -c user.email=a@example.com am -q "$w"/new-patches/*.patch) && same_tree "$w/am" || return 1
	sed '/^#/d' "$w/new-patches/series" | while read -r _p; do
		(cd "$w/patched" && patch -p1 -F0 -f -s <"$w/new-patches/$_p") || { echo "$_p"; exit 1; }
	done && same_tree "$w/patched"
}

# subjects SUBJECT...: those of the patches, in their order.
subjects()
{
	(cd "$w/am" && kgit log --reverse --format=%s | sed 1d) >"$w/subjects"
	printf '%s\n' "$@" | diff - "$w/subjects"
}

# The tree has other lines above a change, and two lines of a change's context differ.
patches()
{
	{ numbered vendor 1 30; cat "$w/base-tree/mm/cma.c"; } >"$w/tree/mm/cma.c"
	sed -i 's/bitmap = 7;/bitmap = 77;/' "$w/tree/mm/cma.c"
	state "$w/tree" >"$w/before"
	writes 0 '8 apply, 1 of them with fuzz' "$w/new-patches: 8 patches, series, dmem.inc and dmem.cfg" && patches_give_it &&
	state "$w/tree" | diff "$w/before" - && grep -q 'bitmap = 10 + a' "$w/am/mm/cma.c" && [ -e "$w/am/$ksub/test_new.c" ] &&
	subjects 'cgroup/dmem: Add a' 'cgroup/dmem: Grow' 'cgroup/dmem: Add b' 'cgroup/dmem: Limit a' 'mm/cma: Add a' \
		'dma-buf: heaps: cma: Add a' 'Documentation: Add a' 'selftests: Add a test' &&
	[ "$(cd "$w/am" && kgit log -1 --format='%an <%ae>' HEAD~1)" = 'a <a@example.com>' ] &&
	[ "$(cat "$w"/new-patches/*.patch | grep -c '^Subject: \[PATCH\] [a-zA-Z]')" = 8 ]
}

recipe()
{
	writes 0 || return 1
	printf '%s\n' CONFIG_CGROUP_DMEM=y CONFIG_CMA=y | diff - "$w/new-patches/dmem.cfg" || return 1
	{
		echo '# For Linux 7.3.4. "make try PATCHES=" wrote this file.'
		printf 'SRC_URI += " %s\n' \\
		sed -n 's,.*\.patch$,    file://& \\,p' "$w/new-patches/series"
		printf '    file://dmem.cfg %s\n"\n' \\
	} | diff - "$w/new-patches/dmem.inc" && [ "$(grep -c 'file://.*patch' "$w/new-patches/dmem.inc")" = 8 ]
}

no_patches()
{
	change 's/bitmap = 10;/bitmap = 99;/' mm/cma.c && writes 1 "no patches are written to $w/new-patches: each commit must apply" && [ ! -e "$w/new-patches" ]
}

patches_in_tree()
{
	cp "$w/base/mm/cma.c" "$w/base/mm/new.c" "$w/tree/mm/"
	writes 0 '7 apply, 0 of them with fuzz; 1 are in the tree' "$w/new-patches: 7 patches" && patches_give_it
}

patches_text()
{
	change 's/text = 2;/text = 22;/; s/text = 10;/text = 99;/' Documentation/dmem.rst &&
	writes 0 '1 lack only text' 'lack hunks of Documentation or MAINTAINERS: 1' "$w/new-patches: 7 patches" && patches_give_it
}

# Only the files of the former run are removed.
patches_again()
{
	writes 0 || return 1
	cp "$w/new-patches/series" "$w/first"
	echo mine >"$w/new-patches/0100-mine.patch"
	sed -i '/cma.0001/d' "$w/repo/kernel/series"
	writes 0 "$w/new-patches: 7 patches" && ! cmp -s "$w/first" "$w/new-patches/series" && [ "$(cat "$w/new-patches/0100-mine.patch")" = mine ] &&
	rm "$w/new-patches/0100-mine.patch" && patches_give_it
}

# A directory with patches that make try did not write is left alone.
patches_own()
{
	mkdir "$w/new-patches"
	echo mine.patch >"$w/new-patches/series"
	echo mine >"$w/new-patches/mine.patch"
	state "$w/new-patches" >"$w/before"
	writes 1 "error: PATCHES=$w/new-patches has a series of its own: give another directory" &&
	state "$w/new-patches" | diff "$w/before" -
}

patches_nowhere()
{
	PATCHES=$w/tree/Makefile/out
	export PATCHES
	reports 1 "error: cannot write to PATCHES=$PATCHES: give a directory of your own" || { unset PATCHES; return 1; }
	unset PATCHES
	[ "$(grep -c cannot "$w/o")" = 1 ]
}

# The series of an older kernel takes files and lines of the newer one.
patches_imported()
{
	mkdir -p "$w/repo/kernel/6.12" "$w/cache/src"
	printf '%s\n' core/0001-x.patch cma/0001-x.patch >"$w/repo/kernel/6.12/series"
	printf '%s\n' 'files kernel/cgroup/dmem.c' "files $ksub" 'lines Documentation/dmem.rst|	text = 5;|	text = 7;' >"$w/repo/kernel/6.12/import"
	cp -a "$w/base-tree" "$w/cache/src/linux"
	(cd "$w/cache/src/linux" && kgit init -q && kgit add -A && kgit -c user.name=a -c user.email=a@example.com commit -qm base &&
		kgit tag base-of-series) || return 1
	echo 'kernel_source() { BASE=$CACHE/src; }' >"$w/cache/apt.sh"
	rm "$w/tree/kernel/cgroup/dmem.c"
	echo 'int old;' | tee "$w/tree/$ksub/test_old.c" >"$w/tree/$ksub/Makefile"
	sed -i '/text = [56];/d' "$w/tree/Documentation/dmem.rst"
	change 's/^VERSION.*/VERSION = 6/; s/^PATCHLEVEL.*/PATCHLEVEL = 12/' Makefile || return 1
	writes 0 'series: that for Linux 6.12' '2 commits: 2 apply' "$w/new-patches: 3 patches" && patches_give_it &&
	subjects 'Import the code of Linux 7.3 that the series builds on' 'cgroup/dmem: Add a' 'mm/cma: Add a' &&
	grep -q 'text = 6;' "$w/am/Documentation/dmem.rst" && [ ! -e "$w/am/$ksub/test_old.c" ] && cmp "$w/am/$ksub/Makefile" "$w/base-tree/$ksub/Makefile"
}

# offer SUITE VERSION...: the suite has the linux-source packages of these versions.
offer()
{
	_suite=$1
	shift
	mkdir -p "$w/cache/offers"
	for _v; do
		printf 'linux-source-%s | %s | mirror\n' "$(echo "$_v" | cut -c1-3)" "$_v"
	done >"$w/cache/offers/$_suite"
}

# A mirror for "make next", with the package of the small tree.
mirror()
{
	mkdir -p "$w/cache" "$w/deb/usr/src" "$w/deb/DEBIAN"
	rm -rf "$w/src"
	mkdir "$w/src"
	cp -a "$w/tree" "$w/src/linux-source-7.3"
	tar -C "$w/src" -cJf "$w/deb/usr/src/linux-source-7.3.tar.xz" linux-source-7.3
	printf '%s\n' 'Package: linux-source-7.3' 'Version: 1' 'Architecture: all' 'Maintainer: a <a@example.com>' \
		'Description: test' >"$w/deb/DEBIAN/control"
	dpkg-deb --build "$w/deb" "$w/test.deb" >/dev/null || return 1
	cat >"$w/cache/apt.sh" <<-'END'
	DEBIAN_MIRROR=http://mirror.invalid
	apt_lists() { : >"$LOGS/apt-$1.log"; [ -e "$CACHE/offers/$1" ]; }
	private_apt() {
		if [ "$3" = search ]; then
			cut -d' ' -f1 "$CACHE/offers/$1" | sort -u | sed 's/$/ - Linux kernel source/'
		else
			grep "^$4 " "$CACHE/offers/$1"
		fi
	}
	fetch_deb() { echo "fetched $2 from $1"; DEB=$CACHE/fetched.deb; cp "$CACHE/../test.deb" "$DEB"; }
	END
}

newest()
{
	mirror && offer stable 7.2.13-1 7.3.4-1~bpo13+1 && offer newer 7.2.20-1 7.3~rc7-1 || return 1
	try try_next
	[ "$status" = 0 ] && has 'newest: linux-source-7.3 7.3.4-1~bpo13+1 in stable' 'fetched linux-source-7.3 from stable' \
		'8 commits: 8 apply' && lacks BUILD=1 && [ ! -e "$w/cache/fetched.deb" ] &&
	try try_next && [ "$status" = 0 ] && lacks fetched && has '8 commits: 8 apply' &&
	[ "$(sed "/^#/d" "$w/repo/kernel/tried")" = "linux-source-7.3 7.3.4-1~bpo13+1 $(date -u +%Y-%m-%d)" ]
}

newest_fails()
{
	change 's/bitmap = 10;/bitmap = 99;/' mm/cma.c && mirror && offer stable 7.3.4-1 || return 1
	rm -f "$w/repo/kernel/tried"
	try try_next
	[ "$status" = 1 ] && [ ! -e "$w/repo/kernel/tried" ] && has 'no complete package lists of newer' 'mm/cma.c: no line "bitmap = 10;"'
}

no_network()
{
	mirror || return 1
	rm -rf "$w/cache/offers"
	try try_next
	[ "$status" = 1 ] && [ "$(grep -c '^error: ' "$w/o")" = 1 ] &&
	has 'error: no answer from the Debian mirror http://mirror.invalid: check the network, or set DEBIAN_MIRROR='
}

# The list of the repository: six fields, files that the series has, and an expression each.
real_list()
{
	cd "$top" || return 1
	. scripts/lib/selftests.sh
	. scripts/lib/try.sh
	try_fields >"$w/fields"
	[ "$(wc -l <"$w/fields")" -ge 10 ] || return 1
	awk -F'\t' 'NF != 6 || $2 !~ /^([0-9]+\.[0-9]+|-)$/ || length($1) > 30 { print "kernel/prerequisites: " $0; bad = 1 }
		END { exit bad }' "$w/fields" || return 1
	# shellcheck disable=SC2046 # a list of files without blanks
	try_paths $(series_list | sed '/\/cover$/d') | sort -u >"$w/paths"
	cut -f 5 "$w/fields" | tr ' ' '\n' | sed '/^-$/d' | while read -r _p; do
		case $_p in
		*/) grep -q "^$_p" "$w/paths" ;;
		*) grep -qxF "$_p" "$w/paths" ;;
		esac || { echo "the series does not change $_p"; exit 1; }
	done || return 1
	cut -f 4 "$w/fields" | sed -e 's/^!//' -e 's/%bit%/1/' | while read -r _re; do
		grep -qE -e "$_re" /dev/null
		[ $? = 1 ] || { echo "$_re"; exit 1; }
	done
}

make_series >"$w/out" 2>&1 || { cat "$w/out"; exit 1; }
cp -a "$w/tree" "$w/base-tree"
cp -a "$w/repo" "$w/base-repo"
. "$top/tests/lib/tap.sh"
# one NAME COMMAND...: a test that begins with the series' own base.
one()
{
	restore
	t "$@"
}
one "all patches apply to their own base" all_apply
one "lines above a change do not matter" moved
one "a patch that applies with fuzz is reported" fuzz
one "a patch that fails names the file, the line and the hunk" fails
one "a missing controller explains the patches of its file, with one line each" no_controller
one "a missing part explains a failed hunk, and no patch that applies" no_ranges
one "a missing part does not explain other files" not_needed_there
one "a patch that needs lines of a failed one is a follow-up" follow_up
one "a later failure for another reason is no follow-up" two_reasons
one "a renamed function is named" renamed
one "a function with a longer name is another one" renamed_longer
one "an own CMA allocator fails mm/cma.c only" own_allocator
one "the series applies beside a carveout heap" carveout
one "lines at the end of a file are reported" more_lines
one "lines in between are reported" other_lines
one "a patch that the tree has is reported, and no failure" in_tree
one "a failure in documentation only is reported" only_text
one "a file of the same name is reported" same_name
one "a kselftest of the same name is reported, and kept" same_selftest
one "a vendor's attribute with the same number is reported" bit_taken
one "a tree with uncommitted changes is tried as it is, and not changed" dirty
one "a read-only tree is tried" read_only
one "an empty TREE= is one line" wrong 'make try needs TREE=: give' ''
one "a wrong TREE= is one line" wrong 'TREE=/nowhere is not a kernel tree: give the directory that holds its Kbuild file' /nowhere
one "a tree without a version is one line" no_makefile
one "a wrong KERNEL= is one line" wrong_series
one "the nearest prepared series is found" all_nearest
one "of two series at the same distance, the later one is taken" tie
one "a series of its own is tried on its version" own_series
one "BUILD=1 builds the tree with the series" builds
one "BUILD=1 builds the tree of a changed series" builds_again
one "BUILD=1 builds nothing if a patch fails" builds_nothing
one "PATCHES= writes patches in the order of the series, which give the tree without fuzz" patches
one "the recipe has the patches in that order, and the options" recipe
one "PATCHES= writes nothing if a commit does not apply" no_patches
one "PATCHES= leaves out a change that the tree has" patches_in_tree
one "PATCHES= leaves out hunks of documentation that fail" patches_text
one "PATCHES= replaces the files of the former run, and no others" patches_again
one "PATCHES= does not touch a series of the user's own" patches_own
one "PATCHES= for a directory that cannot be made is one line" patches_nowhere
one "PATCHES= puts imported code into a patch of its own, the first one" patches_imported
one "make next takes the newest version of all suites, and fetches it once" newest
one "make next reports patches that fail, and suites without an answer" newest_fails
one "make next without a network is one line" no_network
t "kernel/prerequisites is complete" real_list
tap_end
