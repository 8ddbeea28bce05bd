#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests scripts/lib/postings.sh: cover letters on their way from a kernel tree to the series and
# back, the mails of "make post", and the last commits of postings, on a small tree of its own.
# Prints TAP.
#
#   tests/unit/judge/test_postings.sh
# shellcheck disable=SC1091,SC2034,SC2086,SC2154,SC2317,SC2329 # variables of the library, paths without blanks; t calls the functions
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
w=$(mktemp -d)
dir=$w
trap 'rm -rf "$w"' EXIT
. "$top/tests/lib/small_series.sh"

# with COMMAND...: as scripts/go.sh runs it, on the small tree.
with()
{
	sh -euc '
		for _l in common selftests postings source series guest suites; do . "$0/scripts/lib/$_l.sh"; done
		ALL=0
		for _s in "$0"/scripts/suites/*.sh; do . "$_s"; done
		prepare() { kernel_tree; }
		need() { :; }
		BASE=$1 SRCVER="small tree" TREE=$1/linux EDIT=$1/tree STEPS=1
		shift
		"$@"' "$top" "$BASE" "$@" 2>"$w/err" || { cat "$w/err"; return 1; }
}

# letter GROUP SUBJECT [LINE]: prints a message with all sections.
letter()
{
	printf '%s\n\n' "$2"
	for _s in Problem Approach ABI Cost Tests Objections Later; do
		printf '%s:\nText of %s.\n\n' "$_s" "$_s"
	done
	[ -z "${3:-}" ] || printf '%s\n' "$3"
	printf 'Posting: %s\n' "$1"
}

# Commits the letter that it reads.
cover()
{
	author kgit commit -q --allow-empty --cleanup=verbatim --date='1700000000 +0100' -F -
}

# The people of a file are in MAINTAINERS as "FILE TYPE ADDRESS".
post_base_tree()
{
	make_base
	mkdir -p "$TREE/scripts"
	cat >"$TREE/scripts/get_maintainer.pl" <<-'END'
	#!/bin/sh
	case " $* " in *" --no-fixes "*) ;; *) exit 1 ;; esac
	types=Lr
	case " $* " in *" --no-l --no-r "*) types=m ;; esac
	for patch; do :; done
	sed -n 's,^+++ b/,,p' "$patch" | while read -r file; do
		sed -n "s,^$file [$types] ,,p" MAINTAINERS
	done
	END
	chmod +x "$TREE/scripts/get_maintainer.pl"
	cat >"$TREE/MAINTAINERS" <<-END
	kernel/a.c m Ann A <ann@example.com>
	kernel/a.c r Rob <rob@example.com>
	kernel/a.c L list@example.com
	kernel/b.c m Bob B <bob@example.com>
	kernel/b.c m Rob <ROB@example.com>
	kernel/b.c L list@example.com
	kernel/only.c L list@example.com
	END
	printf '%s\n' '# SPDX-License-Identifier: GPL-2.0' 'VERSION = 7' 'PATCHLEVEL = 3' 'SUBLEVEL = 4' 'EXTRAVERSION =' >"$TREE/Makefile"
	echo 'config A' >"$TREE/Kconfig"
	(
		cd "$TREE" && kgit add -A -f &&
		kgit -c user.name=dmem -c user.email=dmem@localhost commit -q --amend --no-edit && kgit tag -f base-of-series
	) >/dev/null
}

# a_test NAME: adds a kselftest and its line in the Makefile.
a_test()
{
	in_makefile "$1"
	echo 'int main(void) { return 0; }' >"$KSELFTESTS/$1.c"
}

# Three postings, two of them with kselftests.
make_commits()
{
	cd "$TREE" || return 1
	letter fixes 'kernel: Fixes' | cover || return 1
	echo 'int fixed;' >>kernel/a.c
	commit 'kernel: Fix a'
	letter count "kernel: Count with $(printf '\303\274')" 'Prefix: RFC PATCH' | cover || return 1
	echo 'int b;' >kernel/b.c
	printf 'config B_TEST\nconfig C_TEST\n' >>Kconfig
	commit "$(printf 'kernel: Add b\n\nBody.\n\nCc: stable@vger.kernel.org')"
	echo 'int bb;' >>kernel/a.c
	commit 'kernel: Use b'
	a_test test_one
	commit 'selftests/cgroup: Add a test'
	letter late 'kernel: Late' | cover || return 1
	echo 'int only;' >kernel/only.c
	echo 'config ONLY_TEST' >>Kconfig
	commit 'kernel: Add only'
	a_test test_two
	commit 'selftests/cgroup: Add another test'
}

saved_names()
{
	diff - kernel/series <<-END
	# SPDX-License-Identifier: GPL-2.0-only
	fixes/cover
	fixes/0001-kernel-Fix-a.patch
	count/cover
	count/0001-kernel-Add-b.patch
	count/0002-kernel-Use-b.patch
	count/0003-selftests-cgroup-Add-a-test.commit
	late/cover
	late/0001-kernel-Add-only.patch
	late/0002-selftests-cgroup-Add-another-test.commit
	END
	[ "$(series_patches | wc -l)" = 4 ] &&
	[ "$(find kernel -type f | wc -l)" = 10 ] && [ -e kernel/patches/count/0002-kernel-Use-b.patch ] &&
	[ -e kernel/selftests/late/0002-selftests-cgroup-Add-another-test.commit ]
}

# The series begins with another key, so that the commits are made from the files.
both_ways()
{
	rm -rf "$w/saved"
	cp -a . "$w/saved"
	git -C "$TREE" log --format='%T %an %ae %aI %B' base-of-series..HEAD >"$w/log"
	rm -f "$BASE/tree.stamp" "$BASE/tree.saved"
	git -C "$BASE/linux" worktree remove -f "$TREE" && git -C "$BASE/linux" branch -qD series &&
	go tree kernel_tree edit_tree || return 1
	git -C "$TREE" log --format='%T %an %ae %aI %B' base-of-series..HEAD | diff "$w/log" - &&
	save && diff -r "$w/saved" .
}

# A letter may have lines that look like a patch, a comment or a header.
odd_letter()
{
	(
		cd "$TREE" && letter odd 'kernel: Odd' | sed 's/^Text of ABI/\n\nFrom: here\n# kept\n---\ndiff --git a\/x b\/x\n&  /' | cover &&
		echo 'int odd;' >>kernel/a.c && commit 'kernel: Add odd'
	) && save && grep -q '^# kept$' kernel/patches/odd/cover && both_ways
}

# Commits before the first letter are in no posting.
flat_before()
{
	(
		cd "$TREE" && GIT_SEQUENCE_EDITOR='sed -i 1d' author kgit rebase -q -i base-of-series
	) && save && [ "$(grep -c 'no cover letter of the posting' "$w/err")" = 1 ] &&
	grep -q 'no cover letter of the posting fixes any more' "$w/err" &&
	[ "$(sed -n '2,3p' kernel/series)" = '0001-kernel-Fix-a.patch
count/cover' ] && [ -e kernel/patches/0001-kernel-Fix-a.patch ] && [ ! -e kernel/patches/fixes ] &&
	[ -z "$(rule_postings)" ] && both_ways
}

fixup_kept()
{
	sed -i 's/int bb/int bbb/' "$TREE/kernel/a.c"
	autosquash 'kernel: Use b' && save && diff -r "$w/start/repo" . >"$w/diff"
	[ "$(grep -c '^diff' "$w/diff")" = 1 ] && grep -q '0002-kernel-Use-b.patch$' "$w/diff"
}

reworded()
{
	(
		cd "$TREE" && GIT_EDITOR='sed -i s/Text/Words/' author kgit commit -q --fixup=reword:':/^kernel: Late' &&
		GIT_EDITOR=: GIT_SEQUENCE_EDITOR=: author kgit rebase -q -i --autosquash base-of-series
	) && save && grep -q '^Words of Later' kernel/patches/late/cover && saved_names
}

# in_the_tree COMMAND...: changes the tree there.
in_the_tree()
{
	(cd "$TREE" && "$@") >/dev/null
}

empty_commit()
{
	echo 'kernel: Nothing' | in_the_tree cover && refused "'kernel: Nothing' changes no file: a cover letter needs" save
}

full_letter()
{
	echo 'int d;' >>"$TREE/kernel/a.c"
	in_the_tree commit "$(letter full 'kernel: Full')" && refused "cover letter 'kernel: Full' changes files" save
}

second_letter()
{
	letter count 'kernel: Again' | in_the_tree cover && refused "two cover letters have the trailer 'Posting: count'" save
}

bad_name()
{
	for _name in a/b .. 'a b' Up -a; do
		letter "$_name" 'kernel: Name' | in_the_tree cover &&
		refused "the cover letter 'kernel: Name' has the trailer" save || return 1
		git -C "$TREE" reset -q --hard HEAD^
	done
}

# series_line SED WORDS: the changed series is refused.
series_line()
{
	sed -i "$1" kernel/series
	refused "$2" tree && rule rule_postings "$2" :
}

outside()
{
	cp kernel/patches/fixes/0001* kernel/patches/0009-x.patch
	echo 0009-x.patch >>kernel/series
	series_line '' '0009-x.patch follows the posting late'
}

two_places()
{
	sed -n '/^fixes.0/p' kernel/series >"$w/moved"
	sed -i '/^fixes.0/d' kernel/series
	cat "$w/moved" >>kernel/series
	series_line '' 'the posting fixes is in two places'
}

lost_letter()
{
	rm kernel/patches/count/cover
	refused 'names kernel/patches/count/cover, which is not there' tree &&
	rule rule_postings 'the posting count has no cover letter' :
}

letter_lines()
{
	sed -i 's/^Date: .*/Date: never/' kernel/patches/count/cover
	refused "at patch 'count/cover'" tree
}

other_trailer()
{
	sed -i 's/^Posting: .*/Posting: other/' kernel/patches/count/cover
	refused "count/cover: its trailer is not 'Posting: count'" tree
}

# fault WORDS COMMAND...: after the command, the rule and make post have these words.
fault()
{
	_fault=$1
	shift
	rule rule_postings "$_fault" "$@" && refused "$_fault" with post count
}

many()
{
	for _i in $(seq 4 "$1"); do
		_p=0$(printf %03d $_i)-kernel.patch
		cp kernel/patches/count/0001* "kernel/patches/count/$_p"
		sed -i "/^late.cover/i count/$_p" kernel/series
	done
}

# lines N: a patch with this number of changed lines; half of them are removed.
lines()
{
	{
		printf 'Subject: [PATCH] x\n\nBody.\n---\n x | 3 ++-\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n'
		seq $(($1 / 2)) | sed 's/^/-/'
		seq $(($1 - $1 / 2)) | sed 's/^/+/'
		printf ' same\n'
	} >kernel/patches/count/0002-kernel-Use-b.patch
}

test_lines()
{
	seq "$1" >selftests/test_one.c
}

# The commit of kselftests adds one line to upstream's Makefile.
longest()
{
	many 15 && lines 800 && test_lines 799 && rule rule_postings '' : &&
	[ "$(commit_lines kernel/selftests/count/0003*)" = 800 ]
}

listed()
{
	with post '' >"$w/list" && diff "$w/list" - <<-END
	GROUP           PATCHES  LINES  SUBJECT
	fixes                 1      1  kernel: Fixes
	count                 3      6  kernel: Count with $(printf '\303\274')
	late                  2      4  kernel: Late
	END
}

unknown()
{
	refused 'GROUP=fix is no posting of the series: GROUP= takes one of these: fixes count late' with post fix &&
	refused 'GROUP=c.* is no posting' with post 'c.*' || return 1
	: >kernel/series
	refused 'kernel/series has no postings' with post fixes && refused 'kernel/series has no postings' with post ''
}

own_changes()
{
	echo 'int d;' >>"$TREE/kernel/a.c"
	refused 'changes that are not in the series: run make series first' with post count || return 1
	in_the_tree commit 'kernel: Add d' && refused 'run make series first' with post count &&
	save && with post count
}

no_people()
{
	(cd "$TREE" && git rm -q scripts/get_maintainer.pl && commit 'scripts: Remove it') && save &&
	refused 'get_maintainer.pl cannot read' with post count
}

# header MAIL NAME: prints a field, with its folded lines.
header()
{
	sed '/^$/q' "$w/base/post/$POSTED"/$1-* | awk -v name="$2: " '
	/^[^ \t]/ { on = index($0, name) == 1 }
	on { sub(/^[ \t]+/, " "); printf "%s", $0 }
	END { print "" }'
}

posted()
{
	POSTED=$1
	with post "$1" >"$w/posted" && cat "$w/posted"
}

# Applies the mailbox to the series up to the posting before it.
mails_apply()
{
	posted count && [ "$(cat "$w/posted")" = "$BASE/post/count.mbox" ] || return 1
	_base=$(git -C "$TREE" rev-parse ':/^kernel: Count')
	_want=$(git -C "$TREE" rev-parse ':/^selftests.cgroup: Add a test')
	kgit -C "$TREE" checkout -q --detach "$_base" && kgit -C "$TREE" am -q --empty=drop "$BASE/post/count.mbox" &&
	[ "$(git -C "$TREE" rev-parse 'HEAD^{tree}')" = "$(git -C "$TREE" rev-parse "$_want^{tree}")" ] &&
	[ "$(git -C "$TREE" rev-list --count "$_base..")" = 3 ] &&
	git -C "$TREE" log -3 --format='%an %ae %aI %B' >"$w/m1" &&
	git -C "$TREE" log -3 --format='%an %ae %aI %B' "$_want" | diff "$w/m1" - &&
	! grep -r Signed-off-by: "$BASE/post/count.mbox"
}

numbered()
{
	posted count || return 1
	grep -h '^Subject: ' "$BASE/post/count.mbox" | diff - "$w/expect-subjects" || return 1
	# All answer the letter.
	_ids=$(sed -n 's/^Message-I[dD]: //p' "$BASE/post/count.mbox")
	[ "$(echo "$_ids" | sort -u | grep -c '@example.com>$')" = 4 ] &&
	[ "$(sed -n 's/^In-Reply-To: //p' "$BASE/post/count.mbox" | uniq -c)" = "      3 $(echo "$_ids" | head -n 1)" ] &&
	posted fixes && [ "$(header 0001 Subject)" = 'Subject: [PATCH 1/1] kernel: Fix a' ]
}

addressed()
{
	posted count || return 1
	header 0001 To
	[ "$(header 0001 To)" = 'To: Bob B <bob@example.com>, Rob <ROB@example.com>' ] &&
	[ "$(header 0001 Cc)" = 'Cc: list@example.com' ] &&
	[ "$(header 0002 To)" = 'To: Ann A <ann@example.com>' ] &&
	[ "$(header 0002 Cc)" = 'Cc: Rob <rob@example.com>, list@example.com' ] &&
	header 0000 To && header 0000 Cc &&
	[ "$(header 0000 To)" = 'To: Bob B <bob@example.com>, Rob <ROB@example.com>, Ann A <ann@example.com>' ] &&
	[ "$(header 0000 Cc)" = 'Cc: list@example.com' ] &&
	posted late && [ "$(header 0001 To)" = 'To: list@example.com' ] && [ -z "$(header 0001 Cc)" ]
}

letter_mail()
{
	posted count || return 1
	sed -e '1,/^$/d' -e '/^-- $/,$d' "$BASE/post/count"/0000* | diff - "$w/expect-letter" || return 1
	posted fixes && grep -qx 'The patches are for Linux 7.3.4.' "$BASE/post/fixes"/0000* && posted late &&
	grep -qx '  kernel: Fixes (1 patch)' "$BASE/post/late"/0000* &&
	grep -qx "  kernel: Count with $(printf '\303\274') (3 patches)" "$BASE/post/late"/0000*
}

# Names and titles may have letters beyond ASCII, and git adds these lines only for a message.
encoded()
{
	posted count || return 1
	for _mail in "$BASE/post/count"/*; do
		[ "$(sed '/^$/q' "$_mail" | grep -c '^Content-Type: text/plain; charset=UTF-8$')" = 1 ] || { cat "$_mail"; return 1; }
	done
}

# The line about tags is the first one below the message of each patch, and not in the letter.
noted()
{
	posted count || return 1
	grep -h -A 1 '^---$' "$BASE/post/count.mbox" | grep -c '^\*\*\* The poster adds Assisted-by' | grep -qx 3 &&
	[ "$(grep -c '^\*\*\*' "$BASE/post/count.mbox")" = 3 ] || return 1
	git interpret-trailers --in-place --trailer 'Signed-off-by: P <p@example.com>' "$BASE/post/count"/000[1-9]* &&
	sed -i '/^\*\*\* /d' "$BASE/post/count"/* &&
	[ "$(grep -B 1 -A 1 '^Signed-off-by' "$BASE/post/count"/0001*)" = 'Cc: stable@vger.kernel.org
Signed-off-by: P <p@example.com>
---' ]
}

new_mails()
{
	posted count && posted fixes && : >"$BASE/post/count/0009-old.patch" && posted count &&
	[ ! -e "$BASE/post/count/0009-old.patch" ] && [ -e "$BASE/post/fixes.mbox" ]
}


joints()
{
	. "$top/scripts/lib/series.sh"
	kernel_tree >/dev/null 2>&1
	[ "$(tree_joints | cut -d ' ' -f 2 | paste -s -d ' ')" = 'fixes count late' ] || return 1
	for _from in '' 1 count count/0002 7; do
		_n=$(bisect_from "$_from") || return 1
		for JOINTS in '' 1; do
			bisect_commits "$_n"
			echo "$_from:$JOINTS: $(echo "$_commits" | git -C "$TREE" log --no-walk=unsorted --stdin --format=%s | paste -s -d ,)"
		done
	done >"$w/joints"
	diff "$w/joints" - <<-END
	:: kernel: Fix a,kernel: Add b,kernel: Use b,kernel: Add only
	:1: kernel: Fix a,selftests/cgroup: Add a test,selftests/cgroup: Add another test
	1:: kernel: Fix a,kernel: Add b,kernel: Use b,kernel: Add only
	1:1: kernel: Fix a,selftests/cgroup: Add a test,selftests/cgroup: Add another test
	count:: kernel: Add b,kernel: Use b,kernel: Add only
	count:1: selftests/cgroup: Add a test,selftests/cgroup: Add another test
	count/0002:: kernel: Use b,kernel: Add only
	count/0002:1: selftests/cgroup: Add a test,selftests/cgroup: Add another test
	7:: kernel: Add only
	7:1: selftests/cgroup: Add another test
	END
}

wrong_from()
{
	for _from in coun count/3 count/; do
		refused "FROM=$_from is no number of a patch" with bisect "$_from" || return 1
	done
	: >kernel/series
	JOINTS=1
	export JOINTS
	refused 'kernel/series has no postings: leave JOINTS out' with bisect ''
}


# The next build has all of the series again.
builds_upto()
{
	(
		UPTO=count
		kernel_tree && _all=$TREE_ID && tree_upto count && [ "$TREE_ID" != "$_all" ] || exit 1
		printf '%s\n' CONFIG_B_TEST=y CONFIG_ONLY_TEST=y | without_later_options
	) >"$w/options" 2>&1 || return 1
	[ "$(tail -n 1 "$w/options")" = CONFIG_B_TEST=y ] &&
	[ -e "$BASE/linux/kernel/b.c" ] && [ ! -e "$BASE/linux/kernel/only.c" ] &&
	grep -qx 'TEST_GEN_PROGS += test_one' "$BASE/linux/$KSELFTESTS/Makefile" &&
	! grep test_two "$BASE/linux/$KSELFTESTS/Makefile" &&
	[ -e "$TREE/kernel/only.c" ] && [ -z "$(git -C "$TREE" status --porcelain)" ] || return 1
	with kernel_tree && [ -e "$BASE/linux/kernel/only.c" ] && ! grep 'changes of your own' "$w/err" && save &&
	diff -r "$w/start/repo" .
}

# An author's commits count, and so does a letter that is not saved.
upto_own()
{
	sed -i 's/int b;/int own;/' "$TREE/kernel/b.c"
	autosquash 'kernel: Add b' || return 1
	(kernel_tree && tree_upto count) 2>/dev/null && grep -qx 'int own;' "$BASE/linux/kernel/b.c" &&
	[ ! -e "$BASE/linux/kernel/only.c" ] || return 1
	in_the_tree kgit reset -q --hard HEAD~3
	! (kernel_tree && tree_upto late) 2>"$w/err" && grep "UPTO=late: .* has no cover letter with 'Posting: late'" "$w/err"
}

# The programs of tests/guest/kernel are those of the real repository's folder, here an empty one.
upto_programs()
{
	UPTO=''
	export UPTO
	mkdir -p tests/guest/kernel
	: >tests/guest/kernel/test_heavy.c
	: >selftests/test_unlisted.c
	[ "$(with core_programs | paste -s -d ' ')" = 'cgroup/test_one cgroup/test_two dmabuf-heaps/dmabuf-heap kernel/test_heavy' ] &&
	[ "$(UPTO=late with guest_all | paste -s -d ,)" = 'core cgroup/test_one,core cgroup/test_two,core dmabuf-heaps/dmabuf-heap' ] &&
	[ "$(UPTO=count with guest_all | paste -s -d ,)" = 'core cgroup/test_one,core dmabuf-heaps/dmabuf-heap' ] || return 1
	UPTO=count
	refused "there is no guest program 'test_two'" with guest test_two || return 1
	UPTO=fixes
	[ "$(with core_programs)" = dmabuf-heaps/dmabuf-heap ] &&
	refused "there is no guest program 'test_one'" with guest test_one
}

# guest_files FOLDER: prints the files there that the guest gets, on one line.
guest_files()
{
	(cd "$BASE/selftests-check/root/tests/$1" 2>/dev/null && find . -type f | sed 's,^\./,,' | sort | paste -s -d ' ')
}

# Sets up build_selftests without a compiler: each program that make is called for becomes a file,
# and each source of a module a module.
fake_build()
{
	. "$top/scripts/lib/guest.sh"
	. "$top/scripts/lib/build.sh"
	. "$top/scripts/lib/suites.sh"
	. "$top/scripts/suites/core.sh"
	kmake() { :; }
	kernel_modules() { :; }
	pack_initrd() { :; }
	# Of the options, --delete counts.
	rsync()
	{
		while [ $# -gt 2 ]; do shift; done
		case $1 in
		*/) rm -f "$2"*.c; cp "$1"* "$2" ;;
		*) cp -r "$1" "$2" ;;
		esac
	}
	st_make()
	{
		echo "$*" >>"$w/makes"
		[ "$2" = -C ] || return 1
		for _made; do
			case $_made in
			"$BASE"/*/test_*|"$BASE"/*/dmabuf-heap) echo "$3" >"$_made" ;;
			modules) for _source in "$3"/*.c; do : >"${_source%.c}.ko"; done ;;
			esac
		done
	}
	mkdir -p tests/guest/kernel/test_modules
	: >tests/guest/kernel/test_heavy.c
	: >tests/guest/kernel/test_modules/area.c
	: >"$w/makes"
	ALL=0
}

# The small tree has no modules of kselftests.
upto_selftests()
(
	fake_build
	UPTO=count
	kernel_tree && tree_upto count && build_selftests check || exit 1
	[ "$(guest_files .)" = 'cgroup/test_modules/area.ko cgroup/test_one dmabuf-heaps/dmabuf-heap list' ] &&
	[ "$(paste -s -d ' ' "$_r/tests/list")" = 'cgroup/test_one dmabuf-heaps/dmabuf-heap' ] &&
	[ "$(cat "$_r/tests/cgroup/test_one")" = "$BASE/linux/$KSELFTESTS" ] || exit 1
	UPTO=''
	kernel_tree && build_selftests check &&
	[ "$(guest_files cgroup)" = 'test_modules/area.ko test_one test_two' ] &&
	[ "$(guest_files kernel)" = 'test_heavy test_modules/area.ko' ] && [ "$(cat "$_r/tests/kernel/test_heavy")" = "$_st/src/tests/guest/kernel" ]
)

# chosen PROGRAMS FILES: "make guest" of these programs gives the guest these files.
chosen()
{
	GUEST_ONLY=$1
	: >"$w/makes"
	build_selftests check && guest_files . && [ "$(guest_files .)" = "$2" ]
}

# A folder without a program that is wanted is not built, nor are modules for it.
chosen_selftests()
(
	fake_build
	UPTO=''
	kernel_tree || exit 1
	chosen ' dmabuf-heaps/dmabuf-heap ' 'dmabuf-heaps/dmabuf-heap list' && [ "$(wc -l <"$w/makes")" = 1 ] &&
	chosen ' kernel/test_heavy ' 'kernel/test_heavy kernel/test_modules/area.ko list' && ! grep cgroup/test "$w/makes" &&
	chosen ' cgroup/test_two ' 'cgroup/test_modules/area.ko cgroup/test_two list' && ! grep test_one "$w/makes"
)

# A module whose source is gone is gone in the guest, as is the former run's program.
gone_module()
(
	fake_build
	UPTO=''
	kernel_tree && chosen ' kernel/test_heavy ' 'kernel/test_heavy kernel/test_modules/area.ko list' || exit 1
	mv tests/guest/kernel/test_modules/area.c tests/guest/kernel/test_modules/other.c
	chosen ' kernel/test_heavy ' 'kernel/test_heavy kernel/test_modules/other.ko list'
)

# The module of the kselftests is for both folders, and so is that of tests/guest/kernel.
two_modules()
(
	fake_build
	UPTO=''
	mkdir -p "$TREE/$KSELFTESTS/test_modules" && : >"$TREE/$KSELFTESTS/test_modules/dma.c" &&
	(cd "$TREE" && commit 'selftests/cgroup: Add a module') && kernel_tree &&
	chosen ' kernel/test_heavy ' 'kernel/test_heavy kernel/test_modules/area.ko kernel/test_modules/dma.ko list'
)

no_compiler()
(
	fake_build
	UPTO=''
	kernel_tree
	st_make() { echo 'x.c:1: error: no'; return 1; }
	GUEST_ONLY=' kernel/test_heavy '
	refused 'cannot build the selftests: x.c:1: error: no' build_selftests check
)

# The real scripts/go.sh, which refuses before it uses the cache.
upto_targets()
{
	for _target in tree series check bisect post shell; do
		_o=$(UPTO=none DMEM_CACHE=none "$top/scripts/go.sh" $_target 2>&1) && return 1
		[ "$_o" = 'error: UPTO=none: only make kernel and make guest can end the series at a posting' ] || { echo "$_o"; return 1; }
	done
	for _target in kernel guest; do
		_o=$(UPTO=none DMEM_CACHE=none "$top/scripts/go.sh" $_target 2>&1) && return 1
		case $_o in 'error: UPTO=none'*) ;; *) echo "$_o"; return 1 ;; esac
	done
}

mkdir -p "$w/repo" "$w/start"
here post_base_tree
here go tree kernel_tree edit_tree
cat >"$w/expect-subjects" <<-END
Subject: [RFC PATCH 0/3] =?UTF-8?q?kernel:=20Count=20with=20=C3=BC?=
Subject: [RFC PATCH 1/3] kernel: Add b
Subject: [RFC PATCH 2/3] kernel: Use b
Subject: [RFC PATCH 3/3] selftests/cgroup: Add a test
END
{
	letter count x | sed -e '1,2d' -e '/^Posting/d'
	cat <<-END
	The patches are for Linux 7.3.4 with these postings, in this order:
	  kernel: Fixes (1 patch)

	A Hacker (3):
	  kernel: Add b
	  kernel: Use b
	  selftests/cgroup: Add a test

	 Kconfig                                   | 2 ++
	 kernel/a.c                                | 1 +
	 kernel/b.c                                | 1 +
	 tools/testing/selftests/cgroup/Makefile   | 1 +
	 tools/testing/selftests/cgroup/test_one.c | 1 +
	 5 files changed, 6 insertions(+)
	 create mode 100644 kernel/b.c
	 create mode 100644 tools/testing/selftests/cgroup/test_one.c

	END
} >"$w/expect-letter"

. "$top/tests/lib/tap.sh"
t "the tree's commits are made" here make_commits
t "the tree is saved as a series" here save
git -C "$w/repo" init -q
git -C "$w/repo" config user.email poster@example.com
t "the series is put on the tree" here tree
cp -a "$w/repo" "$w/base" "$w/start"
t "each posting has a folder with numbers of its own" here saved_names
t "the rule has nothing about the small series" here rule rule_postings '' :
t "the other rules know the folders" here rule rule_series_names '' :
t "cover letters turn into commits and back without a byte's difference" here both_ways
restore
t "a letter with lines of other formats comes back as well" here odd_letter
restore
t "commits before the first letter stay outside" here flat_before
restore
t "a fixup changes one patch, and keeps the letters" here fixup_kept
restore
t "a letter is reworded in the tree" here reworded
restore
t "an empty commit without the trailer is refused" here empty_commit
restore
t "a letter that changes files is refused" here full_letter
restore
t "a second letter of a posting is refused" here second_letter
restore
t "a name that is no folder is refused" here bad_name
restore
t "a posting without a letter in kernel/series is refused" here series_line '/count.cover/d' 'the posting count does not begin with count/cover'
restore
t "a patch outside of all postings is refused" here outside
restore
t "a posting in two places is refused" here two_places
restore
t "a letter that is not the first line is refused" here series_line '/count.cover/d;/count.0001/s/$/\ncount\/cover/' 'the posting count does not begin with count/cover'
restore
t "a letter that is not there is named" here lost_letter
restore
t "a letter that cannot be committed is named" here letter_lines
restore
t "a letter with the trailer of another posting is refused" here other_trailer

restore
t "make post lists the postings" here listed
t "a posting that does not exist is refused, with a list" here unknown
restore
t "a letter without a section is refused" here fault "count/cover has no section 'Cost:'" sed -i 's/^Cost:/Price:/' kernel/patches/count/cover
restore
t "a posting without a patch is refused" here fault 'the posting count has no patch' sed -i '/^count.0/d' kernel/series
restore
t "15 patches of 800 lines are a posting" here longest
restore
t "16 patches are refused" here fault 'the posting count has 16 patches' many 16
restore
t "a patch of 801 lines is refused" here fault '0002-kernel-Use-b.patch changes 801 lines' lines 801
restore
t "kselftests of 801 lines are refused" here fault '0003-selftests-cgroup-Add-a-test.commit changes 801 lines' test_lines 800
restore
t "a patch with Signed-off-by is refused" here fault '0001-kernel-Add-b.patch has a Signed-off-by' \
	sed -i 's/^Cc: stable.*/Signed-off-by: A <a@example.com>/' kernel/patches/count/0001-kernel-Add-b.patch
restore
t "a letter with Signed-off-by is refused" here fault 'count/cover has a Signed-off-by' \
	sed -i 's/^Posting/Signed-off-by: A <a@example.com>\n&/' kernel/patches/count/cover
restore
t "changes that are not in the series are refused" here own_changes
restore
t "get_maintainer.pl must succeed" here no_people
restore
t "git am makes the commits of the series from the mailbox" here mails_apply
restore
t "mails are numbered, and answer the letter" here numbered
t "mails go to the people of their files, the letter to all" here addressed
t "the letter ends with base, list and diffstat" here letter_mail
t "each mail declares its encoding once" here encoded
t "each patch has a line about the missing tags" here noted
t "old mails are removed, mails of other postings stay" here new_mails
restore
t "make bisect builds the commits from FROM on, or the joints" here joints
restore
t "a wrong FROM and JOINTS without postings are refused" here wrong_from
restore
t "UPTO gives builds the series up to a posting, once" here builds_upto
restore
t "UPTO sees the commits of an author" here upto_own
restore
t "UPTO leaves out later programs" here upto_programs
restore
t "UPTO gives the guest the kselftests up to a posting" here upto_selftests
restore
t "make guest builds the programs that it names, and no others" here chosen_selftests
restore
t "a module without its source is not in the guest" here gone_module
restore
t "both folders of programs have the modules of both" here two_modules
restore
t "a program that does not compile is named" here no_compiler
t "UPTO is for make kernel and make guest" upto_targets

restore
t "no posting of this repository has a fault" here real rule_postings
tap_end
