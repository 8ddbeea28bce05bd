# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC1091,SC2034,SC2154 # variables of the library and of the caller
# A small repository and a small kernel tree, for tests of the series.
#
# The script sets top to the repository and w to a directory to work in before it reads this
# file. The small repository is $w/repo, and $w/base has the trees. "restore" puts a copy of
# both in $w/start back.

library()
{
	DMEM_CACHE=$w/cache
	. "$top/scripts/lib/common.sh"
	. "$top/scripts/lib/selftests.sh"
	. "$top/scripts/lib/postings.sh"
	. "$top/scripts/lib/source.sh"
	BASE=$w/base
	TREE=$BASE/tree
	SRCVER='small tree'
	export DMEM_CACHE
}

# here COMMAND...: runs it in the small repository, with the library.
here()
{
	(cd "$w/repo" && library && "$@")
}

# commit MESSAGE: all that is changed in the tree.
commit()
{
	kgit add -A -f && author kgit commit -q --date='1700000000 +0100' -m "$1"
}

# Without a name, git takes the author from the machine.
author()
{
	(
		export GIT_AUTHOR_NAME='A Hacker' GIT_AUTHOR_EMAIL=hacker@example.com
		"$@"
	)
}

make_base()
{
	TREE=$BASE/linux
	_d=$TREE/$KSELFTESTS
	mkdir -p "$LOGS" "$_d/lib" "$TREE/kernel"
	printf '%s\n' 'TEST_GEN_PROGS = test_core' 'TEST_GEN_PROGS += test_zswap' '' 'LOCAL_HDRS += core.h' \
		'' 'include ../lib.mk' '' "\$(OUTPUT)/test_core: lib/util.c" >"$_d/Makefile"
	echo 'int main(void) { return 0; }' | tee "$_d/test_core.c" >"$_d/test_zswap.c"
	echo '/* core */' >"$_d/core.h"
	echo '/* lib */' >"$_d/lib/util.c"
	echo CONFIG_CGROUPS=y >"$_d/config"
	printf '%s\n' test_core test_zswap >"$_d/.gitignore"
	echo 'obj-y += a.o' >"$TREE/kernel/Makefile"
	echo 'int a;' >"$TREE/kernel/a.c"
	printf '%s\n' '*.o' '/kernel/hidden.c' >"$TREE/.gitignore"
	base_commit "$TREE" test
}

# in_makefile PROGRAM [SOURCE]: adds the program to upstream's Makefile of the kselftests, in the
# tree that is the current directory.
in_makefile()
{
	sed -i "s,^TEST_GEN_PROGS += test_zswap,TEST_GEN_PROGS += $1\n&," "$KSELFTESTS/Makefile"
	[ -z "${2:-}" ] || echo "\$(OUTPUT)/$1: $2" >>"$KSELFTESTS/Makefile"
}

# go TREE COMMAND...: as scripts/go.sh does it, where an error ends the run.
go()
{
	sh -euc '
		. "$0/scripts/lib/common.sh"
		. "$0/scripts/lib/selftests.sh"
		. "$0/scripts/lib/postings.sh"
		. "$0/scripts/lib/source.sh"
		. "$0/scripts/lib/base.sh"
		BASE=$1 SRCVER="small tree" TREE=$1/$2
		shift 2
		for _c; do "$_c"; done' "$top" "$BASE" "$@" >"$w/err" 2>&1 || { cat "$w/err"; return 1; }
}

tree()
{
	go tree kernel_tree
}

save()
{
	go tree save_series
}

# refused WORDS COMMAND: one line that has the words, and the repository as it was.
refused()
{
	_words=$1
	shift
	rm -rf "$w/before"
	cp -a . "$w/before"
	if _o=$("$@" 2>&1); then
		echo "it was not refused"
		return 1
	fi
	echo "$_o"
	echo "$_o" | grep '^error: ' | grep -qF "$_words" || { echo "no error with '$_words'"; return 1; }
	diff -r "$w/before" .
}

# From the same start for each test.
restore()
{
	rm -rf "$w/repo" "$w/base"
	cp -a "$w/start/repo" "$w/start/base" "$w"
}

# autosquash SUBJECT: what is changed in the tree becomes part of that commit.
autosquash()
{
	(
		cd "$TREE" &&
		kgit add -A -f &&
		author kgit commit -q --fixup=":/^$1" &&
		GIT_SEQUENCE_EDITOR=: kgit rebase -q -i --autosquash base-of-series
	)
}

# rule NAME WORDS [COMMAND...]: the rule finds a line with the words after the command.
rule()
{
	_rule=$1
	_words=$2
	shift 2
	"$@" || return 1
	_o=$($_rule)
	echo "$_o"
	if [ -z "$_words" ]; then
		[ -z "$_o" ]
	else
		echo "$_o" | grep -qF "$_words"
	fi
}

# real RULE: the rule has nothing about the real repository. Called by "here", for the library.
real()
{
	cd "$top" && command -v "$1" >/dev/null || return 1
	_o=$("$1")
	echo "$_o"
	[ -z "$_o" ]
}
