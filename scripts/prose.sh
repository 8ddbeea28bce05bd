#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks the prose of the tree: question words in place of a noun, and the width of docs.
#
#   scripts/prose.sh [BASE]
#
# With BASE, checks each file that differs from that revision by itself. Without BASE, checks
# each folder as a whole. Docs (*.md, *.scd) and the commit messages of the kernel series may
# have 3 of these words in 1,000, comments (C, shell, make, meson) 5. One word is always
# allowed, and words in a question do not count. Lines of *.md end at column 80, except in
# tables and blocks, lines of messages at column 75, except in tags and quoted blocks. Lines of
# a single word may be longer.
#
# Prints each text above its limit with the lines and, without BASE, a table of all counts.
# Returns 0 if all texts are within their limits, 1 if one is not, and 2 if BASE is no
# revision, or git lists no files.
set -eu
cd "${PROSE_TOP:-$(dirname "$0")/..}"
LC_ALL=C
export LC_ALL

# The tree may belong to another user, as in a container.
in_git()
{
	git -c safe.directory="$PWD" "$@"
}

# Prints the files to check, one per line, including those that git does not track yet.
list()
{
	{
		if [ -n "$1" ]; then
			in_git diff --name-only --relative "$1" --
		else
			in_git ls-files
		fi
		in_git ls-files --others --exclude-standard
	} | sort -u | while read -r _f; do
		case $_f in
		kernel/patches/*.patch|kernel/patches/*/cover|kernel/selftests/*.commit) printf '%s\n' "$_f" ;;
		kernel/patches/*|kernel/selftests/*|debian/*) ;;
		*) [ ! -f "$_f" ] || [ -h "$_f" ] || printf '%s\n' "$_f" ;;
		esac
	done
}

base=${1-}
[ -z "$base" ] || in_git rev-parse -q --verify "$base^{commit}" >/dev/null || {
	echo "error: '$base' is no revision" >&2
	exit 2
}
files=$(mktemp)
trap 'rm -f "$files"' EXIT
list "$base" >"$files"
[ -n "$base" ] || [ -s "$files" ] || {
	echo "error: git lists no files in $PWD" >&2
	exit 2
}

awk -v each="$base" '
# The kind of text in a file: "docs", "messages", "comments", or "" for one that is not checked.
function kind_of(file)
{
	if (file ~ /\.(patch|commit)$|\/cover$/)
		return "messages"
	if (file ~ /\.(md|scd)$/)
		return "docs"
	if (file ~ /\.([ch]|sh)$/ || file ~ /(^|\/)(Makefile|meson\.build)$/ || file ~ /^scripts\/guest\//)
		return "comments"
	return ""
}

# Files of one group are counted together.
function group_of(file, kind,    part)
{
	if (each != "")
		return file
	if (kind == "docs")
		return file ~ /\.scd$/ ? "manuals" : file ~ /\// ? "docs" : file
	if (kind == "messages")
		return "messages of the series"
	split(file, part, "/")
	return "comments of " (file !~ /\// ? "the top" : file ~ /^(tools|tests|scripts)\/.*\// ? part[1] "/" part[2] : part[1])
}

function is_noun_word(w)
{
	return tolower(w) ~ /^(what|who|whom|whoever|whatever)$/
}

# Adds the words of a line. "asked" holds the words of the sentence so far: they count
# when it ends without a question mark.
function add_text(s,    n, i, w, word, end)
{
	n = split(s, w, /[ \t]+/)
	for (i = 1; i <= n; i++) {
		word = w[i]
		end = word
		gsub(/[^A-Za-z\047]/, "", word)
		if (word == "")
			continue
		words[group]++
		if (is_noun_word(word))
			asked[++nr_asked] = FILENAME_ ":" FNR_
		gsub(/[*_)"\047\]]+$/, "", end)
		if (end ~ /\?$/)
			nr_asked = 0
		else if (end ~ /[.!:;]$/)
			end_sentence()
	}
}

function end_sentence(    i)
{
	for (i = 1; i <= nr_asked; i++) {
		found[group]++
		lines[group] = lines[group] "  " asked[i] ": " text_at[asked[i]] "\n"
	}
	nr_asked = 0
}

# Drops `code`, also over the end of a line.
function without_code(s,    out, c, i)
{
	out = ""
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "`") {
			in_code = !in_code
			if (in_code)
				out = out "X"
		} else if (!in_code) {
			out = out c
		}
	}
	return out
}

function md_line(s)
{
	if (s ~ /^[ \t]*```/) {
		fenced = !fenced
		in_code = 0
		end_sentence()
		return
	}
	if (fenced || s ~ /^(    |\t)/)
		return
	if (s ~ /^\|/ || s ~ /^[ \t]*$/) {
		in_code = 0
		end_sentence()
		return
	}
	check_width(s)
	if (s ~ /^ *([-*#]|[0-9]+\.) /)
		end_sentence()
	add_text(without_code(s))
}

# A manual page: indented lines are text as well.
function scd_line(s)
{
	if (s ~ /^[ \t]*```/) {
		fenced = !fenced
		end_sentence()
	} else if (!fenced) {
		if (s ~ /^[ \t]*$/)
			end_sentence()
		add_text(s)
	}
}

# The message of a commit, from its subject to the line "---". "part" is the place in the
# file. Tags have a fixed form, and lines with three blanks or a tab before them are quoted.
function message_line(s)
{
	if (part == "header") {
		if (s == "") {
			end_sentence()
			part = "body"
		} else if (s ~ /^Subject: /) {
			sub(/^Subject: (\[PATCH\] )?/, "", s)
			add_text(s)
			in_subject = 1
		} else if (s ~ /^ / && in_subject) {
			add_text(s)
		} else {
			in_subject = 0
		}
		return
	}
	if (s == "---")
		part = "diff"
	if (part != "body" || s ~ /^(   |\t)/ || s ~ /^(Fixes|Cc|Link|Closes|[A-Za-z-]+-by): /)
		return
	check_width(s)
	if (s == "" || s ~ /^[-*] /)
		end_sentence()
	add_text(s)
}

# Columns are characters: the later bytes of one in UTF-8 are not counted. A line of one
# word, such as an address, cannot be broken.
function check_width(s,    t, most)
{
	t = s
	gsub(/[\200-\277]/, "", t)
	most = FILENAME_ ~ /\.md$/ ? 80 : FILENAME_ ~ /\.(patch|commit)$|\/cover$/ ? 75 : 0
	if (!most || length(t) <= most)
		return
	sub(/^ *([-*] )?/, "", t)
	if (t ~ / /)
		wide[group] = wide[group] "  " FILENAME_ ":" FNR_ ": line of more than " most " columns\n"
}

# The comments of a line of C; "in_comment" lasts to the next line.
function c_line(s,    at)
{
	while (s != "") {
		if (in_comment) {
			at = index(s, "*/")
			add_text(at ? substr(s, 1, at - 1) : s)
			if (!at)
				return
			in_comment = 0
			end_sentence()
			s = substr(s, at + 2)
		} else if (!match(s, /"|\047|\/[*\/]/)) {
			return
		} else if (substr(s, RSTART, 1) != "/") {
			s = after_string(substr(s, RSTART))
		} else if (substr(s, RSTART, 2) == "//") {
			add_text(substr(s, RSTART + 2))
			return
		} else {
			in_comment = 1
			s = substr(s, RSTART + 2)
		}
	}
}

# The rest of a line behind the string or character that it begins with.
function after_string(s,    quote, i, c)
{
	quote = substr(s, 1, 1)
	for (i = 2; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "\\")
			i++
		else if (c == quote)
			return substr(s, i + 1)
	}
	return ""
}

function read_file(file, kind,    s)
{
	group = group_of(file, kind)
	limit[group] = kind == "comments" ? 5 : 3
	if (!(group in seen)) {
		seen[group] = 1
		order[++nr] = group
	}
	FILENAME_ = file
	FNR_ = fenced = in_code = in_comment = in_subject = nr_asked = 0
	part = "header"
	while ((getline s <file) > 0) {
		text_at[file ":" ++FNR_] = s
		if (kind == "messages")
			message_line(s)
		else if (file ~ /\.md$/)
			md_line(s)
		else if (kind == "docs")
			scd_line(s)
		else if (file ~ /\.[ch]$/)
			c_line(s)
		else if (s ~ /^[ \t]*#[^!]/ && s !~ /shellcheck/)
			add_text(s)
		else
			end_sentence()
	}
	end_sentence()
	close(file)
}

# One word is always allowed: a rate says nothing about a text of 50 words.
function too_many(group,    most)
{
	most = limit[group] * words[group] / 1000
	return found[group] > (most < 1 ? 1 : most)
}

{
	kind = kind_of($0)
	if (kind != "")
		read_file($0, kind)
}

END {
	for (i = 1; i <= nr; i++) {
		group = order[i]
		rate = words[group] ? 1000 * found[group] / words[group] : 0
		if (too_many(group)) {
			bad = 1
			printf "%s: %d times \"what\" or \"who\" as a noun in %d words, %.1f per 1,000; at most %d:\n%s",
				group, found[group], words[group], rate, limit[group], lines[group]
		}
		if (wide[group] != "") {
			bad = 1
			printf "%s: too wide:\n%s", group, wide[group]
		}
		if (each == "")
			table = table sprintf("%-32s %7d words %5d = %5.1f\n", group, words[group], found[group], rate)
	}
	printf "%s", table
	exit bad
}' "$files"
