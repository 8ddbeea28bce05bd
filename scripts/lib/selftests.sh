# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The commits of the series. A commit of kernel code is a patch in kernel/patches. A commit
# that adds kselftests is a file in kernel/selftests: the message, the names of the files in
# selftests/ that it adds, and a diff of the kernel's own files that it changes, as the Makefile.
# postings.sh explains cover letters and the folders of postings.

# The directory of the series. kernel_version() sets another one.
SERIES=kernel
# The directory of the files in selftests/. The kernel has files of its own there.
KSELFTESTS=tools/testing/selftests/cgroup
# The files of selftests/ together have at most this number of lines.
KSELFTESTS_LINES=5500

# All commits in their order, each as the path of its file. The series of an older kernel has files
# of its own only for the patches that differ from those in kernel/.
series_list()
{
	[ -e "$SERIES/series" ] || return 0
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' \
		-e '/\.commit$/s,^,selftests/,' -e '/\.commit$/!s,^,patches/,' "$SERIES/series" |
	if [ "$SERIES" = kernel ]; then
		sed 's,^,kernel/,'
	else
		while read -r _line; do
			[ -e "$SERIES/$_line" ] && echo "$SERIES/$_line" || echo "kernel/$_line"
		done
	fi
}

series_patches()
{
	series_list | sed -e '/\.commit$/d' -e '/\/cover$/d'
}

series_commits()
{
	series_list | sed -n '/\.commit$/p'
}

# commit_files COMMIT...: prints the files that these commits add, relative to selftests/.
commit_files()
{
	for _cf; do
		sed -n -e '1,/^---$/d' -e '/^diff /q' -e 's,^selftests/,,p' "$_cf"
	done
}

# commits_after COMMIT: prints the commits of kselftests that follow it.
commits_after()
{
	series_commits | awk -v commit="$1" 'on; $0 == commit { on = 1 }'
}

series_key()
{
	_list=$(series_list)
	# shellcheck disable=SC2046,SC2086 # lists of files without blanks
	{
		echo "$_list"
		[ -z "$_list" ] || cat $_list
		commit_files $(series_commits) | sed 's,^,selftests/,' | xargs -r cat
	} | hash16
}

# Dies if a file of the series is missing, or not in its place.
series_complete()
{
	for _p in $(series_list); do
		[ -r "$_p" ] || die "$SERIES/series names $_p, which is not there: correct $SERIES/series"
	done
	for _p in $(series_commits); do
		for _f in $(commit_files "$_p"); do
			[ -r "selftests/$_f" ] || die "$_p names selftests/$_f, which is not there: correct the list"
		done
	done
	_p=$(series_misplaced | head -n 1)
	[ -z "$_p" ] || die "$_p"
}

# series_apply TREE: commits the series there, on a checkout of its base.
series_apply()
{
	: >"$BASE/am.run"
	for _s in $(series_list); do
		case $_s in
		*.commit) series_am "$1" && series_commit "$1" "$_s" || return 1 ;;
		*/cover) series_am "$1" && series_cover "$1" "$_s" || return 1 ;;
		*) echo "$PWD/$_s" >>"$BASE/am.run" ;;
		esac
	done
	series_am "$1"
}

# One call for all patches up to the next commit of kselftests or cover letter.
series_am()
{
	[ -s "$BASE/am.run" ] || return 0
	xargs env GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
		GIT_COMMITTER_NAME=dmem GIT_COMMITTER_EMAIL=dmem@localhost \
		git -C "$1" am -q --committer-date-is-author-date <"$BASE/am.run" || return 1
	: >"$BASE/am.run"
}

# series_commit TREE COMMIT: adds the files of selftests/ that it names, and commits.
series_commit()
{
	_cm=$BASE/am.commit
	series_commit_files "$1" "$2" &&
	(cd "$1/$KSELFTESTS" && kgit add -f --pathspec-from-file="$_cm.files") &&
	{ sed -n 's/^Subject: //p' "$_cm.info"; echo; cat "$_cm.message"; } >"$_cm.text" &&
	series_git "$1" commit -q --cleanup=whitespace -F "$_cm.text" && return
	echo "Patch failed at 0000 ${2##*/}"
	return 1
}

series_commit_files()
{
	_dest=$1/$KSELFTESTS
	kgit mailinfo -k "$_cm.message" "$_cm.diff" <"$2" >"$_cm.info" &&
	commit_files "$2" >"$_cm.files" &&
	mkdir -p "$_dest" &&
	tar -cf "$_cm.tar" -C selftests -T "$_cm.files" &&
	tar -xf "$_cm.tar" -C "$_dest" || return 1
	! grep -q '^diff ' "$_cm.diff" || kgit -C "$1" apply --index "$_cm.diff"
}

# series_git TREE ARGUMENT...: runs git with the author and the date in the commit's file.
series_git()
{
	_sg=$1
	shift
	_date=$(sed -n 's/^Date: //p' "$_cm.info")
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
	GIT_AUTHOR_NAME=$(sed -n 's/^Author: //p' "$_cm.info") \
	GIT_AUTHOR_EMAIL=$(sed -n 's/^Email: //p' "$_cm.info") GIT_AUTHOR_DATE=$_date \
	GIT_COMMITTER_NAME=dmem GIT_COMMITTER_EMAIL=dmem@localhost GIT_COMMITTER_DATE=$_date \
	git -C "$_sg" "$@"
}

# Paths that the series changes, for a sparse checkout.
series_paths()
{
	for _p in $(series_list | sed '/\/cover$/d'); do
		sed -n -e 's,^--- a/,/,p' -e 's,^+++ b/,/,p' "$_p"
	done | sort -u
	echo "/$KSELFTESTS/"
}

# series_format DIR: writes the tree's commits as patches, without cover letters. The options are
# fixed, so that a tree made from the patches gives the same bytes again.
series_format()
{
	rm -rf "$1"
	mkdir -p "$1"
	kgit -C "$TREE" format-patch -q -N --no-signature --zero-commit --full-index \
		--no-renames --diff-algorithm=myers --stat=72 --no-base --no-thread \
		--no-color -o "$1" base-of-series..HEAD
	# git leaves an empty file for an empty commit.
	find "$1" -size 0 -delete
}

# selftests_split DIR: replaces the patches that add kselftests, which series_format wrote, by
# commit files. A patch that only changes the kernel's own kselftests remains.
selftests_split()
{
	_names=$BASE/series.names
	tree_commits | awk '$2 == "patch" { print $1 }' >"$_names.ids"
	(cd "$1" && ls) | paste -d' ' "$_names.ids" - >"$_names"
	kgit -C "$TREE" rev-list base-of-series..HEAD -- "$KSELFTESTS" >"$_names.touch"
	grep -F -f "$_names.touch" "$_names" >"$_names.todo" || :
	while read -r _id _name; do
		kgit -C "$TREE" diff-tree -r --no-commit-id --no-renames --name-status "$_id" -- "$KSELFTESTS" \
			>"$_names.files"
		selftests_whole "$_id"
		grep -q '^A' "$_names.files" || continue
		rm "$1/$_name"
		commit_write "$_id" >"$1/${_name%.patch}.commit"
	done <"$_names.todo"
}

# selftests_whole ID: dies unless the commit adds whole files. It may change the kernel's own. Names
# are words in lists here, and git quotes those with other bytes than printable ASCII.
selftests_whole()
{
	_odd=$(sed -n '/[" ]/{s/^.*	//p;q}' "$_names.files")
	[ -z "$_odd" ] || die "'$(subject_of "$1")' has a kselftest whose name has a blank or a special character, $_odd: rename it"
	sed -n '/^A/!s/^.*	//p' "$_names.files" | while read -r _changed; do
		kgit -C "$TREE" cat-file -e "base-of-series:$_changed" 2>/dev/null ||
		die "'$(subject_of "$1")' changes $_changed, which $(
			kgit -C "$TREE" log --diff-filter=A --format='%h ("%s")' base-of-series..HEAD -- "$_changed" | tail -n 1
		) adds: each kselftest is whole in one commit, so fold the change into that one with git commit --fixup"
	done || exit 1
}

subject_of()
{
	git -C "$TREE" log -1 --format=%s "$1"
}

# message_write ID: prints author, date and message of the commit.
message_write()
{
	echo 'SPDX-License-Identifier: GPL-2.0'
	kgit -C "$TREE" log -1 --format='From: %an <%ae>%nDate: %aD%nSubject: %s%n%n%b' "$1" | sed '${/^$/d}'
}

# commit_write ID: prints the commit as a file for kernel/selftests.
commit_write()
{
	message_write "$1"
	echo ---
	sed -n "s,^A	$KSELFTESTS/,selftests/,p" "$_names.files"
	sed -n "s,^A	$KSELFTESTS/,:!&,p" "$_names.files" | sed 's,A	,,' >"$_names.others"
	# shellcheck disable=SC2046 # a list of files without blanks
	kgit -C "$TREE" diff-tree -p --no-commit-id --full-index --no-renames --diff-algorithm=myers \
		--no-color -r "$1" -- . $(cat "$_names.others") >"$_names.diff"
	[ ! -s "$_names.diff" ] || { echo; cat "$_names.diff"; }
}

# selftests_save: copies the tree's kselftests to selftests/, and removes those that the tree no
# longer has. Files that no commit named remain: they may be new work, or built.
selftests_save()
{
	kgit -C "$TREE" diff --no-renames --diff-filter=A --name-only base-of-series HEAD -- "$KSELFTESTS" |
		sed "s,^$KSELFTESTS/,," >"$BASE/series.tests"
	# shellcheck disable=SC2046 # a list of files without blanks
	commit_files $(series_commits) >"$BASE/series.tests.old"
	grep -vxF -f "$BASE/series.tests" "$BASE/series.tests.old" | while read -r _f; do
		rm -f "selftests/$_f"
	done
	while read -r _f; do
		cmp -s "$TREE/$KSELFTESTS/$_f" "selftests/$_f" || {
			mkdir -p "$(dirname "selftests/$_f")" &&
			cp "$TREE/$KSELFTESTS/$_f" "selftests/$_f"
		} || die "cannot write selftests/$_f"
	done <"$BASE/series.tests"
}

# The rules of the series, for tests. Each prints its violations, one per line.

# kernel/series names the files in kernel/patches and kernel/selftests, each once.
rule_series_names()
{
	[ -n "$(series_patches)" ] || echo "kernel/series names no patch"
	series_list | sort | uniq -d | sed 's/$/ is in kernel\/series twice/'
	{ series_list; find kernel/patches kernel/selftests -type f 2>/dev/null | sort; } |
	awk -v named="$(series_list | wc -l)" 'NR <= named { there[$0] = 1; next }
		!($0 in there) { print $0 " is not in kernel/series" }'
	for _f in $(series_list); do
		[ -e "$_f" ] || echo "kernel/series names $_f, which is not there"
	done
}

# No patch or commit file has the code of a kselftest of the series: its files are in selftests/.
# The kernel's own files in that directory may change.
rule_patches_code()
{
	_own=$(mktemp)
	# shellcheck disable=SC2046 # a list of files without blanks
	commit_files $(series_commits) >"$_own"
	# shellcheck disable=SC2016 # awk's variables
	find kernel/patches kernel/selftests -type f 2>/dev/null | sort |
	xargs -r awk -v dir="a/$KSELFTESTS/" -v list="$_own" '
		BEGIN { while ((getline file <list) > 0) own[dir file] = 1 }
		/^diff --git / { in_dir = index($3, dir) == 1; file = substr($3, 3) }
		/^diff --git / && $3 in own { print FILENAME " changes " file ": its text is in selftests/ only"; in_dir = 0 }
		/^new file mode / && in_dir { print FILENAME " adds " file ": move it to selftests/, and name it in a .commit file" }'
	rm -f "$_own"
}

# Prints the files in selftests/ that git tracks, and new ones that it does not ignore.
selftests_files()
{
	git -c safe.directory="$PWD" ls-files -c -o --exclude-standard selftests | while read -r _there; do
		[ ! -e "$_there" ] || echo "$_there"
	done
}

# Each file in selftests/ is in one commit.
rule_selftests_listed()
{
	_c=$(series_commits)
	[ -n "$_c" ] || { echo "kernel/series names no commit of kselftests"; return; }
	# shellcheck disable=SC2086 # a list of files without blanks
	_f=$(commit_files $_c)
	{
		echo "$_f" | sed 's/^/named /'
		selftests_files | sed 's,^selftests/,file ,'
	} | awk '
	$1 == "named" && named[$2]++ { print "selftests/" $2 " is in two commits" }
	$1 == "file" && !($2 in named) { print "no commit in kernel/selftests names selftests/" $2 }'
	for _f in $_f; do
		[ -e "selftests/$_f" ] || echo "kernel/selftests names selftests/$_f, which is not there"
	done
}

# Each commit has the files that its programs include, and a line of the Makefile for each
# program. No line that it adds to the Makefile needs a file of a later commit.
rule_selftests_order()
{
	_later=$(mktemp)
	for _c in $(series_commits); do
		# shellcheck disable=SC2046 # a list of files without blanks
		commit_files $(commits_after "$_c") >"$_later"
		# shellcheck disable=SC2016 # awk's variables
		for _f in $(commit_files "$_c"); do
			[ ! -e "selftests/$_f" ] || echo "selftests/$_f"
		done | xargs -r awk -v list="$_later" -v commit="${_c##*/}" '
		# The path of a file that is included from a folder of selftests/
		function path(folder, name)
		{
			while (sub(/^\.\.\//, "", name))
				sub(/[^\/]*\/$/, "", folder)
			return folder name
		}
		BEGIN { while ((getline file <list) > 0) later[file] = 1 }
		/^[ \t]*#[ \t]*include[ \t]*"/ {
			split($0, part, "\"")
			folder = FILENAME
			sub(/^selftests\//, "", folder)
			sub(/[^\/]*$/, "", folder)
			if (path(folder, part[2]) in later || part[2] in later)
				print commit ": " FILENAME " includes \"" part[2] "\", which a later commit adds"
		}'
		commit_makefile "$_c" | awk -v list="$_later" -v commit="${_c##*/}" -v makefile="$KSELFTESTS/Makefile" \
			-v programs="$(commit_files "$_c" | sed -n 's,^\(test_[^/]*\)\.c$,\1,p' | paste -s -d ' ')" '
		BEGIN {
			while ((getline file <list) > 0) {
				later[file] = 1
				if (sub(/\.c$/, "", file))
					later[file] = 1
			}
		}
		{
			for (i = 1; i <= NF; i++) {
				word = $i
				sub(/:$/, "", word)
				sub(/^\$\(OUTPUT\)\//, "", word)
				if (word in later)
					print commit ": " makefile " names " word ", which a later commit adds"
			}
		}
		$1 == "TEST_GEN_PROGS" { for (i = 3; i <= NF; i++) named[$i] = 1 }
		END {
			n = split(programs, program, " ")
			for (i = 1; i <= n; i++)
				if (!(program[i] in named))
					print commit ": no line that it adds to " makefile " has " program[i] " in TEST_GEN_PROGS"
		}'
	done
	rm -f "$_later"
}

# commit_makefile COMMIT: prints the lines that it adds to the kselftests' Makefile.
commit_makefile()
{
	sed -n -e "\\,^diff --git a/$KSELFTESTS/Makefile b/,,\$p" "$1" |
	awk '/^diff --git / && n++ { exit } /^@@ / { body = 1 } body && sub(/^\+/, "")'
}

# The kselftests are few enough for a reviewer.
rule_selftests_lines()
{
	_n=$(selftests_files | xargs -r cat | wc -l)
	[ "$_n" != 0 ] || echo "selftests/ has no line"
	[ "$_n" -le $KSELFTESTS_LINES ] ||
	echo "selftests/ has $_n lines, and at most $KSELFTESTS_LINES are allowed: move tests to tests/guest/kernel"
}

# Each kselftest kills a mutant.
rule_selftests_mutants()
{
	for _f in selftests/test_dmem_*.c; do
		_p=${_f##*/}
		selftests_names "$_f" | awk -v program="cgroup/${_p%.c}" -v list=kernel/mutants/list '
		BEGIN {
			while ((getline line <list) > 0) {
				if (split(line, word, " ") < 3 || line !~ /^[0-9]/)
					continue
				sub(/^.*:/, "", word[2])
				sub(/^.*\./, "", word[3])
				if (word[2] == program)
					listed[word[3]] = 1
			}
		}
		{ n++ }
		!($1 in listed) { print "kernel/mutants/list has no mutant for " program " " $1 }
		END { if (!n) print program " has no test" }'
	done
}

# selftests_names FILE: prints the names of the tests in a program, also of those whose first line
# ends before the name.
selftests_names()
{
	awk '
	/^TEST(_[A-Z]+)*\(/ { text = ""; on = 1 }
	on { text = text $0 }
	on && /\)/ {
		on = 0
		macro = text
		sub(/\(.*/, "", macro)
		sub(/^[^(]*\(/, "", text)
		sub(/\).*/, "", text)
		gsub(/[ \t]/, "", text)
		split(text, part, ",")
		print macro ~ /_F/ ? part[2] : part[1]
	}' "$1"
}
