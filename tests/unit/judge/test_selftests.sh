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

# tests_makefile PROGRAM...
tests_makefile()
{
	echo '# All of them.'
	for _p; do echo "TEST_GEN_PROGS += $_p"; done
	echo 'LOCAL_HDRS += util.h more.h'
	echo 'LOCAL_HDRS += more.h'
	# shellcheck disable=SC2016 # make's
	printf '%s\n' '$(TEST_GEN_PROGS): util.c' '$(OUTPUT)/test_two: more.c' '$(OUTPUT)/test_two: override CFLAGS += -DTWO'
}

# The tree as an author leaves it: code, tests, code, tests.
make_commits()
{
	cd "$TREE" || return 1
	_d=tools/testing/selftests/dmem
	mkdir -p "$_d/sub"
	echo 'int b;' >>kernel/a.c
	commit 'kernel: Add b'
	tests_makefile test_one | sed '/more\.h$/s/ more\.h//;/+=$/d;/test_two/d' >$_d/Makefile
	program one util.h >$_d/test_one.c
	program util >$_d/util.c
	echo '/* util */' >$_d/util.h
	echo '/* sub */' >$_d/sub/part.h
	echo '/test_*' >$_d/.gitignore
	echo 'TARGETS += dmem' >>tools/testing/selftests/Makefile
	commit "$(printf 'selftests/dmem: Add a test\n\nBody, with \303\274.\n\n* a list\n\nLast.')"
	echo 'int c;' >>kernel/a.c
	commit 'kernel: Add c'
	tests_makefile test_one test_two >$_d/Makefile
	program two more.h >$_d/test_two.c
	program more >$_d/more.c
	echo '/* more */' >$_d/more.h
	commit 'selftests/dmem: Add another test'
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
	0002-selftests-dmem-Add-a-test.commit
	0003-kernel-Add-c.patch
	0004-selftests-dmem-Add-another-test.commit
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

first_makefile()
{
	in_tree HEAD~2 Makefile | diff - "$w/expect-makefile" && in_tree HEAD Makefile | diff - selftests/Makefile
}

other_files()
{
	git -C "$TREE" show --format= --name-only HEAD~2 | grep -qx tools/testing/selftests/Makefile &&
	[ "$(git -C "$TREE" show --format= --name-only HEAD~2 | wc -l)" = 7 ]
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
	autosquash 'selftests/dmem: Add a test' && save || return 1
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
	sed -i 's/^TEST_GEN_PROGS += test_two/TEST_GEN_PROGS += test_three\n&/' "$TREE/$KSELFTESTS/Makefile"
	(cd "$TREE" && commit 'selftests/dmem: Add a third') && save &&
	[ "$(commit_files kernel/selftests/0005*)" = test_three.c ] && [ -e selftests/test_three.c ] &&
	_id=$(git -C "$TREE" rev-parse 'HEAD^{tree}') && tree &&
	[ "$_id" = "$(git -C "$TREE" rev-parse 'HEAD^{tree}')" ] &&
	! in_tree HEAD~1 Makefile | grep three
}

gone_test()
{
	echo mine >selftests/mine.c
	rm "$TREE/$KSELFTESTS/sub/part.h"
	autosquash 'selftests/dmem: Add a test' && save &&
	[ ! -e selftests/sub/part.h ] && [ -e selftests/mine.c ] && ! grep -r part.h kernel/selftests
}

changed_later()
{
	echo '/* edited */' >>"$TREE/$KSELFTESTS/util.c"
	(cd "$TREE" && commit 'selftests/dmem: Change a test') &&
	refused '("selftests/dmem: Add a test") adds' save &&
	refused "'selftests/dmem: Change a test' changes $KSELFTESTS/util.c" save
}

makefile_later()
{
	sed -i 's/All of them/Some/' "$TREE/$KSELFTESTS/Makefile"
	autosquash 'selftests/dmem: Add another' &&
	refused "'selftests/dmem: Add a test' has a $KSELFTESTS/Makefile that differs" save
}

needs_later()
{
	# shellcheck disable=SC2016 # make's
	echo '$(OUTPUT)/test_one: more.c' >>selftests/Makefile
	refused 'does not apply' tree && grep 'test_one needs more.c' "$LOGS/am.log"
}

uncommitted()
{
	echo >>"$TREE/$KSELFTESTS/util.c"
	refused 'not committed' save
}

missing_commit()
{
	rm kernel/selftests/0004*
	refused 'kernel/selftests/0004-selftests-dmem-Add-another-test.commit, which is not there' tree
}

missing_test()
{
	rm selftests/more.c
	refused 'selftests/more.c, which is not there' tree
}

wrong_diff()
{
	sed -i 's/^ TARGETS += other/ TARGETS += another/' kernel/selftests/0002*
	refused "at patch '0002-selftests-dmem-Add-a-test.commit'" tree
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

home_of()
{
	cp "$TREE/$KSELFTESTS/util.c" selftests/util.c
	git -C "$TREE" format-patch -q --stdout -1 HEAD >"kernel/patches/$1"
}

mkdir -p "$w/repo" "$w/start"
here make_base
here go tree kernel_tree edit_tree
printf '%s\n' .gitignore Makefile sub/part.h test_one.c util.c util.h >"$w/expect-first"
tests_makefile test_one | sed '/more\.h$/s/ more\.h//;/+=$/d;/test_two/d' >"$w/expect-makefile"

. "$top/tests/lib/tap.sh"
t "the tree's commits are made" here make_commits
t "the tree is saved as a series" here save
git -C "$w/base/tree" rev-parse 'HEAD^{tree}' >"$w/start/id"
git -C "$w/base/tree" tag author
git -C "$w/repo" init -q
t "commits of kselftests have a file of their own" here split_names
t "such a file names the files that the commit adds" here first_list
t "no patch has a kselftest" here rule rule_patches_code '' :
t "tree and series turn into each other without a byte's difference" here both_ways
cp -a "$w/repo" "$w/base" "$w/start"
t "author, date and message are the same" here message_back
t "an earlier Makefile lacks the programs and headers of later commits" here first_makefile
t "other files that a commit changes are changed in it" here other_files
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
t "a second commit that changes a test is refused" here changed_later
restore
t "a Makefile changed in the wrong commit is refused" here makefile_later
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
t "a program that needs a later file is refused" here needs_later
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
	t "$r: nothing in this repository" real $r
done
t "rule_series_names: a file that is not named" here rule rule_series_names 'x.commit is not in' touch kernel/selftests/x.commit
restore
t "rule_series_names: a name without its file" here rule rule_series_names 'which is not there' rm kernel/patches/0001-kernel-Add-b.patch
restore
t "rule_series_names: a name that is there twice" here rule rule_series_names 'twice' sed -i 's/^0001.*/&\n&/' kernel/series
restore
t "rule_patches_code: a patch with a kselftest" here rule rule_patches_code 'x.patch changes' home_of x.patch
restore
t "rule_selftests_listed: a file in no commit" here rule rule_selftests_listed 'names selftests/mine.c' touch selftests/mine.c
restore
t "rule_selftests_listed: a file in two commits" here rule rule_selftests_listed 'util.c is in two commits' \
	sed -i 's,^selftests/more\.c,&\nselftests/util.c,' kernel/selftests/0004-selftests-dmem-Add-another-test.commit
restore
t "rule_selftests_listed: a name without its file" here rule rule_selftests_listed 'more.c, which is not there' rm selftests/more.c
restore
t "rule_selftests_order: a later file is included" here rule rule_selftests_order 'test_one.c includes "more.h", which' \
	sed -i 's/util\.h/more.h/' selftests/test_one.c
restore
t "rule_selftests_order: a later file is linked" here rule rule_selftests_order 'test_one needs more.c' \
	sed -i 's/test_two: more/test_one: more/' selftests/Makefile
tap_end
