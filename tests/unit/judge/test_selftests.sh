#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests scripts/lib/selftests.sh: the rules on this repository, and the way from the series
# to a kernel tree and back on a small tree of its own. Prints TAP.
#
#   tests/unit/judge/test_selftests.sh
# shellcheck disable=SC1091,SC2034,SC2086,SC2317,SC2329 # variables of the library, paths without blanks; t calls the functions
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
w=$(mktemp -d)
dir=$w
trap 'rm -rf "$w"' EXIT
. "$top/tests/lib/small_series.sh"

# program NAME [INCLUDE]
program()
{
	printf '/* %s */\n' "$1"
	[ -z "${2:-}" ] || printf '#include "%s"\n' "$2"
	printf 'int main(void) { return 0; }\n'
}

# The tree as an author leaves it: code, tests, code, tests.
make_commits()
{
	cd "$TREE" || return 1
	_d=$KSELFTESTS
	mkdir -p "$_d/sub"
	echo 'int b;' >>kernel/a.c
	commit 'kernel: Add b'
	in_makefile test_one util.c
	program one util.h >$_d/test_one.c
	program util >$_d/util.c
	echo '/* util */' >$_d/util.h
	echo '/* sub */' >$_d/sub/part.h
	# Names that end or begin as a command of sed, or as the state of a file in git's list
	echo '/* d */' | tee $_d/d $_d/D.h $_d/A >$_d/sub/d.d
	echo CONFIG_B=y >>$_d/config
	echo test_one >>$_d/.gitignore
	echo 'B' >MAINTAINERS
	commit "$(printf 'selftests/cgroup: Add a test\n\nBody, with \303\274.\n\n* a list\n\nLast.')"
	echo 'int c;' >>kernel/a.c
	commit 'kernel: Add c'
	in_makefile test_two more.c
	program two more.h >$_d/test_two.c
	program more >$_d/more.c
	echo '/* more */' >$_d/more.h
	commit 'selftests/cgroup: Add another test'
}

# in_tree COMMIT FILE: the file of the kselftests there.
in_tree()
{
	git -C "$TREE" show "$1:$KSELFTESTS/$2"
}

same_files()
{
	[ "$(git -C "$TREE" rev-parse 'HEAD^{tree}')" = "$(cat "$w/start/id")" ]
}

split_names()
{
	diff - kernel/series <<-END
	# SPDX-License-Identifier: GPL-2.0-only
	0001-kernel-Add-b.patch
	0002-selftests-cgroup-Add-a-test.commit
	0003-kernel-Add-c.patch
	0004-selftests-cgroup-Add-another-test.commit
	END
}

first_list()
{
	commit_files kernel/selftests/0002* | diff - "$w/expect-first"
}

both_ways()
{
	cp -a . "$w/saved"
	tree && same_files && save && diff -r "$w/saved" .
}

message_back()
{
	git -C "$TREE" log -4 --format='%an %ae %aI %s %b' >"$w/m1"
	git -C "$TREE" log -4 --format='%an %ae %aI %s %b' author | diff - "$w/m1"
}

# The files of the series only: not upstream's Makefile, config, .gitignore and programs.
own_files()
{
	(cd selftests && find . -type f | sed 's,^\./,,' | LC_ALL=C sort) | diff "$w/expect-files" - &&
	in_tree HEAD test_core.c >"$w/core" && [ -s "$w/core" ]
}

# The Makefile of upstream with the lines of this commit, and of none after it
first_makefile()
{
	in_tree HEAD~2 Makefile >"$w/makefile"
	cat "$w/makefile"
	grep -qx 'TEST_GEN_PROGS += test_one' "$w/makefile" && grep -qx 'TEST_GEN_PROGS = test_core' "$w/makefile" &&
	! grep test_two "$w/makefile" && in_tree HEAD Makefile | grep -qx 'TEST_GEN_PROGS += test_two'
}

# The diff of a commit file has the files of upstream, and MAINTAINERS, but no kselftest.
other_files()
{
	sed -n 's,^diff --git a/.* b/,,p' kernel/selftests/0002* | diff - "$w/expect-others" &&
	[ "$(git -C "$TREE" show --format= --name-only HEAD~2 | wc -l)" = 12 ]
}

edit_to_tree()
{
	echo '/* edited */' >>selftests/util.c
	tree &&
	in_tree HEAD~2 util.c | grep -q edited &&
	[ -z "$(git -C "$TREE" diff HEAD~1 HEAD -- "$KSELFTESTS/util.c")" ] && save &&
	grep -q edited selftests/util.c
}

tree_to_edit()
{
	echo '/* edited */' >>"$TREE/$KSELFTESTS/util.c"
	autosquash 'selftests/cgroup: Add a test' && save || return 1
	diff -r "$w/start/repo" . >"$w/diff"
	[ "$(cat "$w/diff")" = "diff -r $w/start/repo/selftests/util.c ./selftests/util.c
2a3
> /* edited */" ] || { cat "$w/diff"; return 1; }
	tree && in_tree HEAD~2 util.c | grep -q edited
}

# The id of a kernel depends on its code only.
kernel_key()
{
	tree
	_one=$(tree_content HEAD)
	echo '/* edited */' >>selftests/util.c
	tree
	[ "$_one" = "$(tree_content HEAD)" ] || { echo "a selftest changed the kernel's key"; return 1; }
	sed -i 's/^+int c;/+int cc;/' kernel/patches/0003*
	tree
	[ "$_one" != "$(tree_content HEAD)" ] || { echo "code did not change the kernel's key"; return 1; }
}

new_test()
{
	program three >"$TREE/$KSELFTESTS/test_three.c"
	(cd "$TREE" && in_makefile test_three && commit 'selftests/cgroup: Add a third') && save &&
	[ "$(commit_files kernel/selftests/0005*)" = test_three.c ] && [ -e selftests/test_three.c ] &&
	_id=$(git -C "$TREE" rev-parse 'HEAD^{tree}') && tree &&
	[ "$_id" = "$(git -C "$TREE" rev-parse 'HEAD^{tree}')" ] &&
	! in_tree HEAD~1 Makefile | grep three
}

gone_test()
{
	echo mine >selftests/mine.c
	rm "$TREE/$KSELFTESTS/sub/part.h"
	autosquash 'selftests/cgroup: Add a test' && save &&
	[ ! -e selftests/sub/part.h ] && [ -e selftests/mine.c ] && ! grep -r part.h kernel/selftests
}

# new_tree: forgets the tree that the series was saved from, so that the commits are made anew.
new_tree()
{
	git -C "$TREE" rev-parse 'HEAD^{tree}' >"$w/id" &&
	rm -f "$BASE/tree.stamp" "$BASE/tree.saved" &&
	git -C "$BASE/linux" worktree remove -f "$TREE" && git -C "$BASE/linux" branch -qD series &&
	go tree kernel_tree edit_tree && git -C "$TREE" rev-parse 'HEAD^{tree}' | diff "$w/id" -
}

# Files of the kernel that the commit changes, adds and removes beside a test; the first in the
# directory of the kselftests.
upstream_changed()
{
	(
		cd "$TREE" && git rm -q "$KSELFTESTS/test_zswap.c" && git mv "$KSELFTESTS/core.h" "$KSELFTESTS/lib/core.h" &&
		echo '/* more lib */' >>"$KSELFTESTS/lib/util.c" && program three >"$KSELFTESTS/test_three.c" &&
		commit 'selftests/cgroup: Add a third'
	) && save && cp -a . "$w/changed" && [ "$(commit_files kernel/selftests/0005*)" = 'lib/core.h
test_three.c' ] && [ ! -e selftests/lib/util.c ] && new_tree && ! in_tree HEAD test_zswap.c 2>/dev/null &&
	save && diff -r "$w/changed" .
}

# It has no file of selftests/, so it is a patch like those of kernel code.
upstream_only()
{
	(cd "$TREE" && in_makefile test_core2 && commit 'selftests/cgroup: Change the Makefile') && save &&
	[ "$(tail -n 1 kernel/series)" = 0005-selftests-cgroup-Change-the-Makefile.patch ] &&
	[ -z "$(rule_patches_code; rule_series_names; rule_selftests_listed; rule_selftests_order)" ] &&
	cp -a . "$w/only" && new_tree && in_tree HEAD Makefile | grep test_core2 && save && diff -r "$w/only" .
}

# A commit file without a name, as it is written by hand
no_names()
{
	(cd "$TREE" && in_makefile test_core2 && commit 'selftests/cgroup: Change the Makefile') && save || return 1
	{
		printf '%s\n' 'SPDX-License-Identifier: GPL-2.0' 'From: A <a@example.com>' 'Date: Sun, 29 Nov 2026 18:26:21 +0000' \
			'Subject: selftests/cgroup: By hand' '' 'Body.' --- ''
		sed -n '/^diff /,$p' kernel/patches/0005*
	} >kernel/selftests/0005-by-hand.commit
	rm kernel/patches/0005*
	sed -i 's/^0005.*/0005-by-hand.commit/' kernel/series
	new_tree && in_tree HEAD Makefile | grep test_core2 && [ -z "$(rule_selftests_order)" ]
}

# refused_later SUBJECT FILE: the commit on top of the tree is refused, for this file.
refused_later()
{
	refused '("selftests/cgroup: Add a test") adds' save &&
	refused "'$1' changes $KSELFTESTS/$2, which" save
}

changed_later()
{
	echo '/* edited */' >>"$TREE/$KSELFTESTS/util.c"
	(cd "$TREE" && commit 'selftests/cgroup: Change a test') &&
	refused_later 'selftests/cgroup: Change a test' util.c
}

# The commit also adds a test and changes upstream's Makefile, which it may.
changed_beside()
{
	echo '/* edited */' >>"$TREE/$KSELFTESTS/sub/d.d"
	program three >"$TREE/$KSELFTESTS/test_three.c"
	(cd "$TREE" && in_makefile test_three && commit 'selftests/cgroup: Add a third') &&
	refused_later 'selftests/cgroup: Add a third' sub/d.d
}

# Names that the lists of files cannot have
odd_name()
{
	for _name in 'a b.h' "$(printf '\303\274.h')"; do
		echo '/* odd */' >"$TREE/$KSELFTESTS/$_name"
		(cd "$TREE" && commit 'selftests/cgroup: Add a header') &&
		refused "'selftests/cgroup: Add a header' has a kselftest whose name has a blank" save || return 1
		git -C "$TREE" reset -q --hard HEAD^
	done
}

removed_later()
{
	rm "$TREE/$KSELFTESTS/D.h"
	(cd "$TREE" && commit 'selftests/cgroup: Remove a file') &&
	refused_later 'selftests/cgroup: Remove a file' D.h
}

uncommitted()
{
	echo >>"$TREE/$KSELFTESTS/util.c"
	refused 'not committed' save
}

missing_commit()
{
	rm kernel/selftests/0004*
	refused 'kernel/selftests/0004-selftests-cgroup-Add-another-test.commit, which is not there' tree
}

missing_test()
{
	rm selftests/more.c
	refused 'selftests/more.c, which is not there' tree
}

wrong_diff()
{
	sed -i 's/^ TEST_GEN_PROGS = test_core/ TEST_GEN_PROGS = test_other/' kernel/selftests/0002*
	refused "at patch '0002-selftests-cgroup-Add-a-test.commit'" tree
}

wrong_patch()
{
	sed -i 's/^ int b;/ int bb;/' kernel/patches/0003*
	refused "at patch 'kernel: Add c'" tree
}

# The tree for builds, which nobody edits.
build_tree()
{
	git -C "$BASE/linux" "$@"
}

# A file of the build's tree that did not change keeps its time, so that nothing is built again.
builds_see_edits()
{
	tree || return 1
	_time=$(stat -c %y "$BASE/linux/kernel/Makefile")
	echo 'int d;' >>"$TREE/kernel/a.c"
	echo 'int e;' | tee "$TREE/kernel/e.c" >"$TREE/kernel/hidden.c"
	tree && grep -q 'changes of your own' "$w/err" &&
	grep -q "not built before 'git add -f': kernel/hidden.c \$" "$w/err" &&
	grep -qx 'int d;' "$BASE/linux/kernel/a.c" && [ -e "$BASE/linux/kernel/e.c" ] &&
	[ "$(git -C "$TREE" status --porcelain)" = " M kernel/a.c
?? kernel/e.c" ] || return 1
	rm "$TREE/kernel/e.c" "$TREE/kernel/hidden.c"
	git -C "$TREE" checkout -q kernel/a.c
	tree && ! grep 'changes of your own' "$w/err" &&
	! grep 'int d;' "$BASE/linux/kernel/a.c" && [ ! -e "$BASE/linux/kernel/e.c" ] &&
	[ "$(stat -c %y "$BASE/linux/kernel/Makefile")" = "$_time" ]
}

builds_see_commits()
{
	echo 'int d;' >>"$TREE/kernel/a.c"
	(cd "$TREE" && commit 'kernel: Add d') && tree && grep -qx 'int d;' "$BASE/linux/kernel/a.c" &&
	[ "$(build_tree rev-parse HEAD)" = "$(git -C "$TREE" rev-parse HEAD)" ] &&
	[ -z "$(build_tree status --porcelain)" ] && save && tree && ! grep 'changes of your own' "$w/err" &&
	[ "$(build_tree rev-parse HEAD)" = "$(git -C "$TREE" rev-parse HEAD)" ]
}

# A build takes the series out of its tree, or puts mutants into it, and is killed.
edits_during_build()
{
	tree && cp -a "$BASE/linux/kernel" "$w/kernel" || return 1
	go linux tree_aside || return 1
	! grep 'int b;' "$BASE/linux/kernel/a.c" || return 1
	echo 'int d;' >>"$TREE/kernel/a.c"
	(cd "$TREE" && commit 'kernel: Add d') && tree && grep -qx 'int d;' "$BASE/linux/kernel/a.c" || return 1
	git -C "$TREE" reset -q --hard HEAD~1
	tree && diff -r "$w/kernel" "$BASE/linux/kernel" || return 1
	: >"$BASE/mutants.here"
	echo 'int mutant;' >>"$BASE/linux/kernel/a.c"
	echo 'int d;' >>"$TREE/kernel/a.c"
	tree && ! grep mutant "$BASE/linux/kernel/a.c" && grep -qx 'int d;' "$BASE/linux/kernel/a.c" &&
	tail -n 1 "$TREE/kernel/a.c" | grep -qx 'int d;'
}

edits_of_build_tree()
{
	tree || return 1
	echo 'int d;' >>"$BASE/linux/kernel/a.c"
	refused 'linux is for builds, and has changes' tree &&
	tail -n 1 "$BASE/linux/kernel/a.c" | grep -qx 'int d;'
}

# A build was killed while it wrote its tree, and left git's lock.
killed_put()
{
	echo 'int d;' >>"$TREE/kernel/a.c"
	(cd "$TREE" && commit 'kernel: Add d') && tree || return 1
	: >"$BASE/tree.moving"
	: >"$BASE/linux/.git/index.lock"
	echo half >"$BASE/linux/kernel/a.c"
	echo half >"$BASE/linux/kernel/new.c"
	tree && grep -qx 'int d;' "$BASE/linux/kernel/a.c" && [ ! -e "$BASE/linux/kernel/new.c" ] &&
	[ -z "$(build_tree status --porcelain)" ]
}

# The series changes while the author is on another branch, with a commit on series.
other_branch()
{
	echo 'int d;' >>"$TREE/kernel/a.c"
	(cd "$TREE" && commit 'kernel: Add d' && kgit checkout -q -b mine HEAD~1) || return 1
	_series=$(git -C "$TREE" rev-parse series)
	echo '/* edited */' >>selftests/util.c
	refused 'changes of your own' tree && [ "$(git -C "$TREE" rev-parse series)" = "$_series" ] &&
	[ "$(git -C "$TREE" symbolic-ref HEAD)" = refs/heads/mine ]
}

rebasing()
{
	! (cd "$TREE" && GIT_SEQUENCE_EDITOR='sed -i 2ibreak' author kgit rebase -q -i HEAD~3 && false) || return 1
	refused 'in the middle of a rebase' save
}

broken_author_tree()
{
	rm "$TREE/.git"
	refused 'tree is not a git tree' tree || return 1
	rm -rf "$TREE"
	tree && go tree kernel_tree edit_tree && same_files
}

# The author commits while the series is applied.
changed_meanwhile()
{
	cat >"$BASE/linux/.git/hooks/post-applypatch" <<-END
	#!/bin/sh
	unset \$(git rev-parse --local-env-vars)
	rm "\$0"
	cd "$TREE" && echo 'int f;' >>kernel/a.c &&
	git -c user.name=A -c user.email=a@example.com commit -q -a -m 'kernel: Add f'
	END
	chmod +x "$BASE/linux/.git/hooks/post-applypatch"
	cp selftests/util.c "$w/util.c"
	echo '/* edited */' >>selftests/util.c
	_o=$(tree) && return 1
	echo "$_o" | grep 'changed at the same time: run this again' || return 1
	cp "$w/util.c" selftests/util.c
	[ "$(git -C "$TREE" log -1 --format=%s)" = 'kernel: Add f' ] && tree && grep -qx 'int f;' "$BASE/linux/kernel/a.c"
}

# As "make distclean" checks it.
unsaved()
{
	go tree kernel_tree edit_saved || return 1
	echo 'int d;' >>"$TREE/kernel/a.c"
	! go tree kernel_tree edit_saved || return 1
	(cd "$TREE" && commit 'kernel: Add d') || return 1
	! go tree kernel_tree edit_saved || return 1
	save && go tree kernel_tree edit_saved
}

# Commits of a tree that was removed are kept in a branch.
removed_author_tree()
{
	echo 'int d;' >>"$TREE/kernel/a.c"
	(cd "$TREE" && commit 'kernel: Add d') || return 1
	_mine=$(git -C "$TREE" rev-parse HEAD)
	rm -rf "$TREE"
	go tree kernel_tree edit_tree && same_files &&
	build_tree for-each-ref --format='%(refname) %(objectname)' | grep "refs/heads/series-.* $_mine"
}

# The commit with tests as a patch of its own
home_of()
{
	git -C "$TREE" format-patch -q --stdout -1 HEAD >"kernel/patches/$1"
}

# patch_of FILE NAME: a patch that changes this file of the kselftests
patch_of()
{
	echo '/* edited */' >>"$TREE/$KSELFTESTS/$1"
	git -C "$TREE" diff >"kernel/patches/$2"
	git -C "$TREE" checkout -q .
}

# new_file COMMIT: the code of a kselftest in a commit file
new_file()
{
	cat >>"$1" <<-END
	diff --git a/$KSELFTESTS/test_new.c b/$KSELFTESTS/test_new.c
	new file mode 100644
	--- /dev/null
	+++ b/$KSELFTESTS/test_new.c
	@@ -0,0 +1 @@
	+int main(void) { return 0; }
	END
}

# A file that is removed and still in git's index is not there.
removed_unlisted()
{
	touch selftests/mine.c && git add -f selftests/mine.c && rm selftests/mine.c
}

# long LINES: a file in selftests/, so that the files there have this number of lines.
long()
{
	: >selftests/long.h
	seq "$(($1 - $(cat selftests/* selftests/sub/* 2>/dev/null | wc -l)))" >selftests/long.h
}

# mutants_of [SED]: makes a program with five tests, and a list of mutants that has them. The command
# of sed changes both.
mutants_of()
{
	mkdir -p kernel/mutants
	cat >selftests/test_dmem_a.c <<-END
	TEST(plain)
	TEST_SIGNAL(dies, SIGSEGV)
	TEST_F(limit, in_fixture)
	TEST_F_TIMEOUT(limit, slow, 250)
	TEST_F(
	       limit, wrapped)
	FIXTURE_TEARDOWN(limit)
	TEST_HARNESS_MAIN
	END
	cat >kernel/mutants/list <<-END
	#1 cgroup/test_dmem_a commented
	1 cgroup/test_dmem_a plain text
	2 arm32:cgroup/test_dmem_a dies text
	3 cgroup/test_dmem_a limit.cma.in_fixture text
	4 cgroup/test_dmem_a slow text
	4 cgroup/test_dmem_a wrapped text
	5 kernel/test_dmem_a other text
	6 cgroup/test_dmem_b another text
	END
	sed -i "${1:-}" selftests/test_dmem_a.c kernel/mutants/list
}

mkdir -p "$w/repo" "$w/start"
here make_base
here go tree kernel_tree edit_tree
printf '%s\n' A D.h d sub/d.d sub/part.h test_one.c util.c util.h >"$w/expect-first"
printf '%s\n' A D.h d more.c more.h sub/d.d sub/part.h test_one.c test_two.c util.c util.h >"$w/expect-files"
printf '%s\n' MAINTAINERS "tools/testing/selftests/cgroup/.gitignore" "tools/testing/selftests/cgroup/Makefile" "tools/testing/selftests/cgroup/config" >"$w/expect-others"

. "$top/tests/lib/tap.sh"
t "the tree's commits are made" here make_commits
t "the tree is saved as a series" here save
git -C "$w/base/tree" rev-parse 'HEAD^{tree}' >"$w/start/id"
git -C "$w/base/tree" tag author
git -C "$w/repo" init -q
t "commits of kselftests have a file of their own" here split_names
t "such a file names the files that the commit adds" here first_list
t "selftests/ has the files of the series, and none of upstream" here own_files
t "no patch has a kselftest" here rule rule_patches_code '' :
t "tree and series turn into each other without a byte's difference" here both_ways
cp -a "$w/repo" "$w/base" "$w/start"
t "author, date and message are the same" here message_back
t "upstream's Makefile has the lines of each commit, and of no later one" here first_makefile
t "a commit file has the changes of upstream's files as a diff" here other_files
restore
t "an edit in selftests/ is in the commit of its file" here edit_to_tree
restore
t "a fixup in the tree changes that file of selftests/ only" here tree_to_edit
restore
t "a kselftest does not change the key of a kernel" here kernel_key
restore
t "a new test in the tree gets a commit and its files" here new_test
restore
t "a test that is gone in the tree is gone, other files stay" here gone_test
restore
t "a commit may change, move and remove upstream's files beside a test" here upstream_changed
restore
t "a commit that only changes upstream's Makefile is a patch" here upstream_only
restore
t "a commit file without a name is applied" here no_names
restore
t "a second commit that changes a test is refused" here changed_later
restore
t "a commit that adds a test and changes another one is refused" here changed_beside
restore
t "a second commit that removes a file is refused" here removed_later
restore
t "a name with a blank or a special character is refused" here odd_name
restore
t "changes that are not committed are refused" here uncommitted
restore
t "a build sees edits that are not committed, and writes no other file" here builds_see_edits
restore
t "a build sees commits, and the saved series is no change" here builds_see_commits
restore
t "edits during a build are kept, and so are the files of a killed one" here edits_during_build
restore
t "edits in the tree for builds are refused, and kept" here edits_of_build_tree
restore
t "a build that was killed at its first step begins again" here killed_put
restore
t "a change of the series leaves an author's branches" here other_branch
restore
t "a commit that is made while the series is applied is kept" here changed_meanwhile
restore
t "a series is not saved in the middle of a rebase" here rebasing
restore
t "a broken tree of the author is named, with a remedy" here broken_author_tree
restore
t "changes that are not saved are found" here unsaved
restore
t "commits of a tree that was removed are kept" here removed_author_tree
restore
t "a commit that is not there is named" here missing_commit
restore
t "a test that is not there is named" here missing_test
restore
t "a commit whose other changes do not apply is named" here wrong_diff
restore
t "a patch that does not apply is named" here wrong_patch

for r in rule_series_names rule_patches_code rule_selftests_listed rule_selftests_order; do
	restore
	t "$r: nothing in the small series" rule $r '' :
	t "$r: nothing in this repository" here real $r
done
t "rule_series_names: a file that is not named" here rule rule_series_names 'x.commit is not in' touch kernel/selftests/x.commit
restore
t "rule_series_names: a name without its file" here rule rule_series_names 'which is not there' rm kernel/patches/0001-kernel-Add-b.patch
restore
t "rule_series_names: a name that is there twice" here rule rule_series_names 'twice' sed -i 's/^0001.*/&\n&/' kernel/series
restore
t "rule_patches_code: a patch with a kselftest" here rule rule_patches_code 'x.patch changes' home_of x.patch
restore
t "rule_patches_code: a patch that changes a kselftest" here rule rule_patches_code \
	'x.patch changes tools/testing/selftests/cgroup/util.h: its text' patch_of util.h x.patch
restore
t "rule_patches_code: a patch may change upstream's Makefile" here rule rule_patches_code '' patch_of Makefile x.patch
restore
t "rule_patches_code: a commit file with the code of a kselftest" here rule rule_patches_code \
	'0004-selftests-cgroup-Add-another-test.commit adds tools/testing/selftests/cgroup/test_new.c' \
	new_file kernel/selftests/0004-selftests-cgroup-Add-another-test.commit
restore
t "rule_selftests_listed: a file in no commit" here rule rule_selftests_listed 'names selftests/mine.c' touch selftests/mine.c
restore
t "rule_selftests_listed: a file in two commits" here rule rule_selftests_listed 'util.c is in two commits' \
	sed -i 's,^selftests/more\.c,&\nselftests/util.c,' kernel/selftests/0004-selftests-cgroup-Add-another-test.commit
restore
t "rule_selftests_listed: a name without its file" here rule rule_selftests_listed 'more.c, which is not there' rm selftests/more.c
restore
t "rule_selftests_listed: a removed file in git's index is not there" here rule rule_selftests_listed '' removed_unlisted
restore
t "rule_selftests_order: a later file is included" here rule rule_selftests_order 'test_one.c includes "more.h", which' \
	sed -i 's/util\.h/more.h/' selftests/test_one.c
restore
t "rule_selftests_order: a later file is included from a folder" here rule rule_selftests_order \
	'sub/part.h includes "../more.h", which' sed -i 's/.*/# include "..\/more.h"/' selftests/sub/part.h
restore
t "rule_selftests_order: a later file is linked" here rule rule_selftests_order \
	'0002-selftests-cgroup-Add-a-test.commit: tools/testing/selftests/cgroup/Makefile names more.c, which' \
	sed -i 's/test_one: util/test_one: more/' kernel/selftests/0002-selftests-cgroup-Add-a-test.commit
restore
t "rule_selftests_order: a later program is in the Makefile" here rule rule_selftests_order \
	'0002-selftests-cgroup-Add-a-test.commit: tools/testing/selftests/cgroup/Makefile names test_two, which' \
	sed -i 's/^+TEST_GEN_PROGS += test_one/& test_two/' kernel/selftests/0002-selftests-cgroup-Add-a-test.commit
restore
t "rule_selftests_order: a program without its line in the Makefile" here rule rule_selftests_order \
	'has test_two in TEST_GEN_PROGS' sed -i 's/^+TEST_GEN_PROGS += test_two/+TEST_PROGS += test_two/' \
	kernel/selftests/0004-selftests-cgroup-Add-another-test.commit
restore
t "rule_selftests_order: the line of a program is in another Makefile" here rule rule_selftests_order \
	'has test_two in TEST_GEN_PROGS' sed -i "s,cgroup/Makefile b/,other/Makefile b/," \
	kernel/selftests/0004-selftests-cgroup-Add-another-test.commit
restore
t "rule_selftests_order: the line of a program is in the next file" here rule rule_selftests_order \
	'has test_one in TEST_GEN_PROGS' sed -i 's/^+TEST_GEN_PROGS/+TEST_PROGS/; s/^+CONFIG_B=y/+TEST_GEN_PROGS += test_one/' \
	kernel/selftests/0002-selftests-cgroup-Add-a-test.commit
restore
t "rule_selftests_lines: 5,500 lines are allowed" here rule rule_selftests_lines '' long 5500
t "rule_selftests_lines: 5,501 lines are too many" here rule rule_selftests_lines 'has 5501 lines' long 5501
t "rule_selftests_lines: without a file there is nothing to count" here rule rule_selftests_lines 'has no line' rm -r selftests
restore
t "rule_selftests_mutants: each test is listed" here rule rule_selftests_mutants '' mutants_of
t "rule_selftests_mutants: a program without a test" here rule rule_selftests_mutants 'cgroup/test_dmem_a has no test' \
	mutants_of '/^TEST/d;/wrapped/d'
for test in plain dies in_fixture slow wrapped; do
	t "rule_selftests_mutants: the list lacks $test" here rule rule_selftests_mutants \
		"has no mutant for cgroup/test_dmem_a $test" mutants_of "/^[0-9].*$test /d"
done
t "rule_selftests_mutants: a test of another program does not count" here rule rule_selftests_mutants \
	'cgroup/test_dmem_a other' mutants_of 's/(plain/(other/'
t "rule_selftests_mutants: a line that is a comment does not count" here rule rule_selftests_mutants \
	'cgroup/test_dmem_a commented' mutants_of 's/(plain/(commented/'
tap_end
