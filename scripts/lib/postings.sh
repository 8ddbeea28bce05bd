# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# The postings of the series. A posting is a group of commits that is sent as one set of mails.
# Its files are in kernel/patches/GROUP and kernel/selftests/GROUP. Its first file is the cover
# letter, kernel/patches/GROUP/cover: in a git tree, an empty commit with a trailer
# "Posting: GROUP". A series without a cover letter has no postings.

POSTING_PATCHES=15
POSTING_LINES=800
POSTING_SECTIONS='Problem Approach ABI Cost Tests Objections Later'

# Prints "GROUP FILE" for each commit of the series. GROUP is "-" outside of all postings.
series_groups()
{
	series_list | awk '{
		n = split($0, part, "/")
		print part[n - 2] ~ /^(patches|selftests)$/ ? part[n - 1] : "-", $0
	}'
}

# Prints the names of the postings in their order.
postings()
{
	series_groups | awk '$1 != "-" && !seen[$1]++ { print $1 }'
}

# posting_patches GROUP: prints the files of its commits, without the cover letter.
posting_patches()
{
	series_groups | sed -n -e '/\/cover$/d' -e "s,^$1 ,,p"
}

# posting_known GROUP VARIABLE: dies if there is no such posting.
posting_known()
{
	! postings | grep -qxF -e "$1" || return 0
	_all=$(postings | paste -s -d ' ')
	[ -n "$_all" ] || die "$2=$1: kernel/series has no postings: docs/hacking.md describes their cover letters"
	die "$2=$1 is no posting of the series: $2= takes one of these: $_all"
}

# posting_subject GROUP: prints the title of the posting.
posting_subject()
{
	sed -n 's/^Subject: //p;/^$/q' "kernel/patches/$1/cover" 2>/dev/null || :
}

# commit_lines FILE: prints the number of lines that the commit adds and removes.
commit_lines()
{
	{
		cat "$1"
		case $1 in
		*.commit) echo '@@ '; commit_files "$1" | sed 's,^,selftests/,' | xargs -r sed 's/^/+/' ;;
		esac
	} | awk '/^diff --git / { body = 0 } /^@@ / { body = 1 } body && /^[-+]/ { n++ } END { print n + 0 }'
}

# Prints lines of kernel/series that are in a wrong place. The tree would give other files.
series_misplaced()
{
	series_groups | awk '
	$1 == "-" && group { print "kernel/series: " $2 " follows the posting " group ": move it into the folder of a posting"; next }
	$1 == group || $1 == "-" { next }
	seen[$1]++ { print "kernel/series: the posting " $1 " is in two places: put its lines together" }
	$2 !~ "/patches/" $1 "/cover$" && seen[$1] == 1 { print "kernel/series: the posting " $1 " does not begin with " $1 "/cover: its cover letter is the first line, see docs/hacking.md" }
	{ group = $1 }'
	for _f in $(series_list | grep '/cover$'); do
		_g=${_f%/cover}
		[ ! -e "$_f" ] || [ "$(sed -n 's/^Posting: //p' "$_f")" = "${_g##*/}" ] ||
		echo "$_f: its trailer is not 'Posting: ${_g##*/}': correct it, or the name of the folder"
	done
}

# posting_faults GROUP: prints the reasons why it cannot be posted, one per line, with a remedy.
posting_faults()
{
	_cover=kernel/patches/$1/cover
	_files=$(posting_patches "$1")
	_n=$(echo "$_files" | sed '/^$/d' | wc -l)
	if [ -e "$_cover" ]; then
		for _s in $POSTING_SECTIONS; do
			grep -qx "$_s:" "$_cover" || echo "$_cover has no section '$_s:': add it to the cover letter"
		done
	else
		echo "the posting $1 has no cover letter $_cover: write it, see docs/hacking.md"
		_cover=
	fi
	[ "$_n" != 0 ] || echo "the posting $1 has no patch: add one after its cover letter"
	[ "$_n" -le $POSTING_PATCHES ] ||
	echo "the posting $1 has $_n patches, and at most $POSTING_PATCHES are sent at once: split it with another cover letter"
	for _f in $_files; do
		[ -e "$_f" ] || continue
		_n=$(commit_lines "$_f")
		[ "$_n" -le $POSTING_LINES ] || echo "$_f changes $_n lines, a patch has at most $POSTING_LINES: split it"
	done
	for _f in $_cover $_files; do
		! grep -qs '^Signed-off-by:' "$_f" || echo "$_f has a Signed-off-by: remove it, the person who posts the patch adds it"
	done
}

# A rule of the series, for tests: its postings can be sent.
rule_postings()
{
	series_misplaced
	for _g in $(postings); do
		posting_faults "$_g"
	done
}

# ---- the commits of a git tree ----

# Prints "ID KIND CONTENT GROUP" for each commit of the series in the tree, the oldest first. KIND
# is cover or patch, CONTENT is empty if the commit changes no file.
tree_commits()
{
	kgit -C "$TREE" log --reverse --no-merges \
		--format='%H %T %(trailers:key=Posting,valueonly,separator=%x2C)' base-of-series..HEAD |
	awk -v before="$(git -C "$TREE" rev-parse 'base-of-series^{tree}')" '
	{ kind = "patch"; content = "change" }
	NF > 2 { kind = "cover"; group = $3 }
	NF > 3 { group = group "?" }
	$2 == before { content = "empty" }
	{ print $1, kind, content, group; before = $2 }'
}

# Dies if the commits of the tree are no series of postings.
tree_postings_check()
{
	_seen=' '
	tree_commits | while read -r _id _kind _content _group; do
		_words="'$(subject_of "$_id")'"
		case $_kind:$_content:$_group in
		patch:empty:*)
			die "$_words changes no file: a cover letter needs a trailer 'Posting: GROUP'; drop another empty commit with git rebase -i" ;;
		patch:*) continue ;;
		cover:change:*)
			die "the cover letter $_words changes files: it must be empty, so move the change to a commit of its own with git rebase -i" ;;
		*[!a-z0-9:-]*|*:-*)
			die "the cover letter $_words has the trailer 'Posting: $_group': take one word of small letters, digits and -" ;;
		esac
		case $_seen in
		*" $_group "*) die "two cover letters have the trailer 'Posting: $_group': give $_words another name" ;;
		esac
		_seen="$_seen$_group "
	done || exit 1
}

# tree_joints: prints "ID GROUP" for the last commit of each posting.
tree_joints()
{
	tree_commits | awk '
	$2 == "cover" { if (joint) print joint; joint = "" }
	$4 != "" { joint = $1 " " $4 }
	END { if (joint) print joint }'
}

# series_cover TREE FILE: commits the cover letter, as series_commit does it with kselftests.
series_cover()
{
	_cm=$BASE/am.commit
	# Only the header is read as mail: the letter may have lines that mailinfo takes for a patch.
	sed '/^$/q' "$2" | kgit mailinfo -k "$_cm.message" "$_cm.diff" >"$_cm.info" &&
	{ sed -n 's/^Subject: //p' "$_cm.info"; echo; sed '1,/^$/d' "$2"; } >"$_cm.text" &&
	series_git "$1" commit -q --allow-empty --cleanup=verbatim -F "$_cm.text" && return
	_g=${2%/cover}
	echo "Patch failed at 0000 ${_g##*/}/cover"
	return 1
}

# shared_name GROUP NAME: prints the file name that the patch NAME has in kernel/, with its number,
# if another series is the current one: a patch that both have has one name.
shared_name()
{
	[ "$SERIES" != kernel ] || return 1
	for _sn in "kernel/patches/$1"/[0-9]*-"$2" "kernel/selftests/$1"/[0-9]*-"$2"; do
		[ -e "$_sn" ] || continue
		echo "${_sn##*/}"
		return
	done
	return 1
}

# series_split DIR: moves the files that series_format and selftests_split wrote to a folder for
# each posting, with numbers of their own, and adds the cover letters. Prints the lines of
# kernel/series.
series_split()
{
	(cd "$1" && ls) >"$BASE/series.flat"
	_n=0
	exec 4<"$BASE/series.flat"
	tree_commits >"$BASE/series.tree"
	while read -r _id _kind _ _group; do
		if [ "$_kind" = cover ]; then
			mkdir -p "$1/$_group"
			message_write "$_id" >"$1/$_group/cover"
			echo "$_group/cover"
			_n=0
			continue
		fi
		read -r _name <&4
		_n=$((_n + 1))
		_to=${_group:+$_group/}$(shared_name "$_group" "${_name#*-}" || printf '%04d-%s' $_n "${_name#*-}")
		[ "$_to" = "$_name" ] || mv "$1/$_name" "$1/$_to"
		echo "$_to"
	done <"$BASE/series.tree"
	exec 4<&-
}

# ---- UPTO=GROUP: a kernel that ends at a posting ----

# tree_upto GROUP: gives the tree for builds the last commit of this posting. The next
# kernel_tree takes that back.
tree_upto()
{
	SERIES_HEAD=$(git -C "$TREE" rev-parse HEAD)
	_joint=$(tree_joints | sed -n "s/ $1\$//p")
	[ -n "$_joint" ] || die "UPTO=$1: $EDIT has no cover letter with 'Posting: $1': add it there, or run make series"
	tree_put "$_joint" "$_joint^{tree}"
	printf '      the series ends after the posting %s\n' "$1" >&2
}

# Filters options of a kernel: drops those that a posting after UPTO adds.
without_later_options()
{
	[ -n "${UPTO:-}" ] || { cat; return; }
	kgit -C "$TREE" diff HEAD "$SERIES_HEAD" -- '*Kconfig*' |
		sed -n 's/^+config \(.*\)/CONFIG_\1=/p' >"$BASE/upto.options"
	grep -vF -f "$BASE/upto.options" || :
}

# Prints the files of selftests/ that postings after UPTO add.
upto_later()
{
	[ -n "${UPTO:-}" ] || return 0
	_last=$(series_groups | awk -v group="$UPTO" '$1 == group { last = NR } END { print last }')
	# shellcheck disable=SC2046 # a list of files without blanks
	commit_files $(series_list | sed "1,${_last}d" | sed -n '/\.commit$/p')
}

# ---- make post ----

# Prints a table of the postings.
post_list()
{
	_all=$(postings)
	[ -n "$_all" ] || die "kernel/series has no postings: docs/hacking.md describes their cover letters"
	printf '%-15s %7s %6s  %s\n' GROUP PATCHES LINES SUBJECT
	for _g in $_all; do
		_lines=0
		_patches=0
		for _f in $(posting_patches "$_g"); do
			_patches=$((_patches + 1))
			_lines=$((_lines + $(commit_lines "$_f")))
		done
		printf '%-15s %7s %6s  %s\n' "$_g" "$_patches" "$_lines" "$(posting_subject "$_g")"
	done
}

# post [GROUP]: writes the mails of this posting, or lists all of them. Sends nothing.
post()
{
	[ -n "$1" ] || { post_list; return; }
	posting_known "$1" GROUP
	series_complete
	_fault=$(posting_faults "$1" | head -n 1)
	[ -z "$_fault" ] || die "$_fault"
	STEPS=4
	prepare
	need perl
	[ -z "$TREE_OWN" ] || die "$EDIT has changes that are not in the series: run make series first, so that the mails are the series"
	step "posting $1"
	post_write "$1"
}

# post_write GROUP: prints the path of the mailbox.
post_write()
{
	_to=$BASE/post/$1
	rm -rf "$_to" "$_to.mbox"
	mkdir -p "$_to"
	POST_COVER=$(tree_commits | awk -v group="$1" '$2 == "cover" && $4 == group { print $1 }')
	POST_LAST=$(tree_joints | sed -n "s/ $1\$//p")
	_prefix=$(kgit -C "$TREE" log -1 --format='%(trailers:key=Prefix,valueonly,separator=%x20)' "$POST_COVER")
	# The address is a part of each Message-Id.
	_address=$(git config user.email || echo dmem@localhost)
	# The cover letter is an empty commit, so it becomes mail 0.
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_COMMITTER_NAME=dmem GIT_COMMITTER_EMAIL=$_address \
	git -C "$TREE" format-patch -q -n --always --start-number=0 --thread=shallow --zero-commit \
		--no-base --no-color --subject-prefix="${_prefix:-PATCH}" -o "$_to" "$POST_COVER^..$POST_LAST"
	: >"$_to.to"
	: >"$_to.cc"
	for _mail in "$_to"/*.patch; do
		case $_mail in */0000-*) continue ;; esac
		post_people "$_mail" --no-l --no-r >"$_to.to.one"
		post_people "$_mail" --no-m >"$_to.cc.one"
		cat "$_to.to.one" >>"$_to.to"
		cat "$_to.cc.one" >>"$_to.cc"
		post_header "$_mail" "$_to.to.one" "$_to.cc.one"
	done
	post_letter "$1" "$_to"/0000-*.patch
	post_header "$_to"/0000-*.patch "$_to.to" "$_to.cc"
	rm -f "$_to.to" "$_to.cc" "$_to.to.one" "$_to.cc.one"
	cat "$_to"/*.patch >"$_to.mbox"
	printf '      the mails, one by one: %s\n      they lack your tags and were not sent: see docs/hacking.md\n' "$_to" >&2
	echo "$_to.mbox"
}

# post_people MAIL OPTION...: prints addresses from MAINTAINERS, one per line.
post_people()
{
	_of=$1
	shift
	# --no-fixes: the tree lacks the commits that "Fixes:" names.
	(cd "$TREE" && ./scripts/get_maintainer.pl --no-git --no-git-fallback --no-fixes --no-rolestats "$@" "$_of") \
		2>"$LOGS/post.log" || die_log "$LOGS/post.log" "get_maintainer.pl cannot read $_of"
}

# post_header MAIL TO CC: adds the addresses in these files to the header, each once, and the
# encoding. Adds a line about the missing tags below the message of a patch.
post_header()
{
	awk -v to="$2" -v cc="$3" '
	# Mails of a file without a maintainer go to the lists.
	function people(name, file,    line, key, text) {
		while ((getline line <file) > 0) {
			key = tolower(line)
			sub(/.*</, "", key)
			sub(/>.*/, "", key)
			if (!seen[key]++)
				text = text (text ? ",\n\t" : name ": ") line
		}
		if (text)
			print text
		return text != ""
	}
	/^Content-Type:/ { encoded = 1 }
	!body && /^$/ {
		people(people("To", to) ? "Cc" : "To", cc)
		if (!encoded)
			print "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit"
		body = 1
	}
	{ print }
	/^---$/ && !noted++ { print "*** The poster adds Assisted-by and Signed-off-by above, and removes this line. ***\n" }' \
		"$1" >"$1.new" && mv "$1.new" "$1"
}

# post_letter GROUP MAIL: removes the trailers from the letter, and adds the base, the list of
# the patches and the diffstat.
post_letter()
{
	sed '/^-- $/,$d' "$2" | awk '
	/^(Posting|Prefix): / { next }
	/^$/ { blank = blank "\n"; next }
	{ printf "%s%s\n", blank, $0; blank = "" }' >"$2.new"
	{
		cat "$2.new"
		echo
		post_base "$1"
		echo
		kgit -C "$TREE" shortlog -w72,2,4 "$POST_COVER..$POST_LAST"
		kgit -C "$TREE" diff --no-color --stat=72 --summary "$POST_COVER" "$POST_LAST"
		echo
		sed -n '/^-- $/,$p' "$2"
	} >"$2.out"
	mv "$2.out" "$2"
	rm "$2.new"
}

# post_base GROUP: prints the kernel's version and the postings before this one.
post_base()
{
	_version=$(git -C "$TREE" show base-of-series:Makefile |
		sed -n 's/^\(VERSION\|PATCHLEVEL\|SUBLEVEL\) = //p' | paste -s -d .)
	_before=$(postings | sed "/^$1\$/,\$d")
	if [ -z "$_before" ]; then
		echo "The patches are for Linux $_version."
		return
	fi
	echo "The patches are for Linux $_version with these postings, in this order:"
	for _g in $_before; do
		_n=$(posting_patches "$_g" | wc -l)
		_s=es
		[ "$_n" != 1 ] || _s=
		printf '  %s (%s patch%s)\n' "$(posting_subject "$_g")" "$_n" "$_s"
	done
}
