#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests scripts/prose.sh on a tree of its own. Prints TAP.
#
#   tests/unit/judge/test_prose.sh [PROGRAM]
set -u
prose=${1-$(cd "$(dirname "$0")/../../.." && pwd)/scripts/prose.sh}
PROSE_TOP=$(mktemp -d)
export PROSE_TOP
trap 'rm -rf "$PROSE_TOP"' EXIT
bad=0
cd "$PROSE_TOP" || exit 1
n=0

git_here()
{
	git -c user.name=test -c user.email=test@example.com -c init.defaultBranch=main "$@" >/dev/null 2>&1
}

# words N [LINE]: N words, ten in a line.
words()
{
	_w=0
	while [ "$_w" -lt "$1" ]; do
		echo "one two three four five six seven eight nine ten."
		_w=$((_w + 10))
	done
}

# t NAME STATUS TEXT [ARGUMENT]: the program ends with STATUS, and its output has a line
# with TEXT; with "" as TEXT it has none at all.
t()
{
	n=$((n + 1))
	_name=$1
	_status=$2
	_text=$3
	shift 3
	sh "$prose" "$@" >"$PROSE_TOP.out" 2>&1
	_rc=$?
	if [ "$_rc" != "$_status" ]; then
		_why="status $_rc, not $_status"
	elif [ -n "$_text" ]; then
		_why=
		grep -qF -e "$_text" "$PROSE_TOP.out" || _why="no line with '$_text'"
	else
		_why=
		[ ! -s "$PROSE_TOP.out" ] || _why="there is output"
	fi
	if [ -z "$_why" ]; then
		echo "ok $n $_name"
	else
		bad=1
		echo "not ok $n $_name: $_why"
		sed 's/^/# /' "$PROSE_TOP.out"
	fi
	rm -f "$PROSE_TOP.out"
	git_here reset -q --hard
	git_here clean -qfd
}

# doc FILE WORDS: that many words, and standard input after them.
doc()
{
	mkdir -p "$(dirname "$1")"
	{
		words "$2"
		cat
	} >"$1"
}

git_here init
mkdir docs tools
words 100 >docs/old.md
echo 'int main(void) { return 0; } /* Returns. */' >tools/old.c
git_here add .
git_here commit -m base

echo "TAP version 13"
t "a clean tree passes and has a table" 0 "docs                                 100 words     0 =   0.0"
t "no changed file, no output" 0 "" HEAD
t "an unknown revision is an error of its own" 2 "error: 'nonsense' is no revision" nonsense

doc docs/new.md 600 <<'END'
It shows what is there.
It shows what is not there.
END
t "two in 600 words of docs are too many" 1 "docs/new.md: 2 times" HEAD
doc docs/new.md 600 <<'END'
It shows what is there.
It shows WHO is there.
END
t "the lines are printed" 1 "  docs/new.md:62: It shows WHO is there." HEAD
doc docs/new.md 700 <<'END'
It shows what is there.
It shows whatever is there.
END
t "two in 700 words of docs are allowed" 0 "" HEAD
doc docs/new.md 0 <<'END'
It shows what is there.
END
t "one is allowed in a short text" 0 "" HEAD
doc docs/new.md 0 <<'END'
What is there? It is good to know: who reads
this page?
END
t "questions are allowed" 0 "" HEAD
doc docs/new.md 0 <<'END'
It shows what and who: is it there?
END
t "a question behind a colon is another sentence" 1 "docs/new.md: 2 times" HEAD
doc docs/new.md 0 <<'END'
`what` and `a long
piece of what` are code.

```
what what what
```

| what | what |
|---|---|
| who | who |

    what what what
END
t "code and tables of docs are no text" 0 "" HEAD
doc docs/new.md 0 <<'END'
Two are here: `code`, what, who.
END
t "text behind code counts" 1 "docs/new.md: 2 times" HEAD
doc docs/new.md 0 <<'END'
abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi a
END
t "a line of 81 columns is too wide" 1 "  docs/new.md:1: line of more than 80 columns" HEAD
doc docs/new.md 0 <<'END'
abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi ébcdéfghi.

- https://example.com/abcdefghi/abcdefghi/abcdefghi/abcdefghi/abcdefghi/abcdefghi/abcdefghi

| abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi |
|---|

```
abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi
```
END
t "80 characters, addresses, tables and blocks are not too wide" 0 "" HEAD
doc tools/new.scd 0 <<'END'
*--option*
	It prints what it finds, and who has it.
END
t "an indented line of a manual page counts" 1 "tools/new.scd: 2 times" HEAD
doc tools/new.c 0 <<'END'
/* What is there. */
int what(int who)
{
	const char *s = "\"/* what */", c = '\"'; /* one */ who(); /* who
						 * has it */
	return what(who); // whoever
}
END
t "comments of C count, its code and strings do not" 1 "tools/new.c: 3 times \"what\" or \"who\" as a noun in 8 words" HEAD
doc tools/new.h 0 <<'END'
/* What is there. */
END
t "one is allowed in a short comment" 0 "" HEAD
doc tools/new.sh 0 <<'END'
#!/bin/what
# What is there.
who what # here
	# Who is there.
END
t "comments of shell count, its code does not" 1 "tools/new.sh: 2 times \"what\" or \"who\" as a noun in 6 words" HEAD
{ echo '/*'; words 500; echo 'what is, what was. */'; } >tools/new.c
t "two in 500 words of comments are allowed" 0 "" HEAD
{ echo '/*'; words 500; echo 'what is, what was, who was. */'; } >tools/new.c
t "three in 500 words of comments are too many" 1 "at most 5" HEAD
mkdir -p kernel/patches kernel/selftests
echo 'what what what' >kernel/patches/a.md
t "other files beside the patches are not checked" 0 "" HEAD
# patch FILE: a message of standard input, between a header and a diff.
patch()
{
	mkdir -p "$(dirname "$1")"
	{
		printf '%s\n' 'From: what what' 'Subject: [PATCH] mm: Show what is there,' ' and more' \
			'X-Who: what' ''
		cat
		printf '%s\n' --- ' what | 2 +-' '+ what'
	} >"$1"
}
patch kernel/patches/0001.patch <<'END'
One word is in the subject.

  What is quoted with two blanks? This is a question.

Cc: what, who
Reviewed-by: A person who has a name of so many words that the line is longer than 75 columns
END
t "header, tags and diff of a patch are not checked" 0 "" HEAD
patch kernel/patches/0001.patch <<'END'
It shows what there is.
END
t "the subject and the body of a message count" 1 "kernel/patches/0001.patch: 2 times" HEAD
patch kernel/selftests/0002.commit <<'END'
It shows

  what there is.
END
t "a message of kselftests is checked as well" 1 "kernel/selftests/0002.commit: 2 times" HEAD
# commit_file TEXT: a commit of kselftests with this message, names of files, and a diff.
commit_file()
{
	mkdir -p kernel/selftests/cma
	cat >kernel/selftests/cma/0003.commit <<-END
	SPDX-License-Identifier: GPL-2.0
	From: What what <who@example.com>
	Subject: selftests/cgroup: Add a test

	$1
	---
	selftests/what.c
	selftests/who/what.h

	diff --git a/what/Makefile b/what/Makefile
	--- a/what/Makefile
	+++ b/what/Makefile
	@@ -1 +1,2 @@
	 what what
	+# what is what, and who is who: a line of the Makefile may have more than 75 columns
	END
}
commit_file 'It shows the rest.'
t "names of files and the diff of kselftests are not checked" 0 "" HEAD
commit_file 'It shows what there is, and who has it.'
t "the message of kselftests in a posting is checked" 1 "kernel/selftests/cma/0003.commit: 2 times" HEAD
patch kernel/patches/cma/cover <<'END'
It shows what there is.
END
t "a cover letter is checked as well" 1 "kernel/patches/cma/cover: 2 times" HEAD
echo "abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdef" | patch kernel/patches/cma/cover
t "a line of 76 columns in a cover letter is too wide" 1 \
	"  kernel/patches/cma/cover:6: line of more than 75 columns" HEAD
patch kernel/patches/0001.patch <<'END'
abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdef

	abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdef
END
t "a line of 76 columns in a message is too wide" 1 \
	"  kernel/patches/0001.patch:6: line of more than 75 columns" HEAD
patch kernel/patches/0001.patch <<'END'
abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcde

	abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdef
END
t "75 columns, and quoted blocks, are not too wide" 0 "" HEAD
words 1000 | patch kernel/patches/0001.patch
patch kernel/selftests/0002.commit <<'END'
It shows what is there.
END
t "all messages are counted together" 0 "messages of the series" ''
words 700 | patch kernel/patches/0001.patch
patch kernel/selftests/0002.commit <<'END'
It shows what is there.
END
t "three in 700 words of messages are too many" 1 "messages of the series: 3 times" ''
echo 'It shows what is there, and what is not.' >>docs/old.md
t "a changed file is checked" 1 "docs/old.md: 2 times" HEAD
echo 'It shows what is there, and what is not.' >>docs/old.md
t "without a revision, folders are checked" 1 "docs: 2 times" ''
rm docs/old.md
t "a removed file is no error" 0 "" HEAD
rm -rf .git
t "a directory that git does not track is an error" 2 "error: git lists no files in" ""
echo "1..$n"
exit $bad
