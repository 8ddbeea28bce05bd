# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# "make try PATCHES=DIR": writes the series as patches for another kernel's source. While try.sh
# tries the commits on its copy of the source, each one becomes a commit of a git repository
# beside the copy. So the patches apply to that source without fuzz.

# In the first line of the lists. A list without it is the user's own.
PATCHES_MARK='"make try PATCHES=" wrote this file.'

patches_git()
{
	kgit --git-dir="$TRY/git" --work-tree="$TRY/tree" -c user.name=dmem -c user.email=dmem@localhost "$@"
}

# patches_commit TEXT: commits the changes of the copy, if there are any.
patches_commit()
{
	patches_git add -A -f
	patches_git diff --cached --quiet HEAD || patches_git commit -q --cleanup=verbatim -F "$1"
}

# patches_base SOURCE: commits the copy as it is without the series. Adds the files of the source
# that others replace.
patches_base()
{
	[ -n "${PATCHES:-}" ] || return 0
	[ ! -e "$SERIES/import" ] || sed -n 's/^files //p' "$SERIES/import" | while read -r _f; do
		[ ! -e "$1/$_f" ] || tar -chf - -C "$1" "$_f" | tar -xf - -C "$TRY/tree" --no-same-owner
	done
	chmod -R u+rw "$TRY/tree"
	patches_git init -q
	patches_git add -A -f
	patches_git commit -q --allow-empty -m base
	patches_git tag base
}

# Commits the imported files and lines, which only a series for an older kernel has.
patches_import()
{
	[ -n "${PATCHES:-}" ] || return 0
	printf 'Import the code of Linux %s that the series builds on\n' "$(try_versions | head -n 1)" >"$TRY/text"
	GIT_AUTHOR_DATE='1767225600 +0000' patches_commit "$TRY/text"
}

# patches_add FILE: commits the change that the copy has now, with the message of this file.
patches_add()
{
	[ -n "${PATCHES:-}" ] || return 0
	kgit mailinfo -b "$TRY/message" "$TRY/mail.diff" <"$1" >"$TRY/info"
	{ sed -n 's/^Subject: //p' "$TRY/info"; echo; cat "$TRY/message"; } >"$TRY/text"
	GIT_AUTHOR_NAME=$(sed -n 's/^Author: //p' "$TRY/info") GIT_AUTHOR_EMAIL=$(sed -n 's/^Email: //p' "$TRY/info") \
		GIT_AUTHOR_DATE=$(sed -n 's/^Date: //p' "$TRY/info") patches_commit "$TRY/text"
}

# patches_lists DIR: writes the lists of the names in $TRY/out.names.
patches_lists()
{
	{ echo "# For $_for. $PATCHES_MARK" && cat "$TRY/out.names"; } >"$1/series" &&
	{
		echo "# For $_for. $PATCHES_MARK"
		printf 'SRC_URI += " %s\n' \\
		sed 's,.*,    file://& \\,' "$TRY/out.names"
		printf '    file://dmem.cfg %s\n"\n' \\
	} >"$1/dmem.inc"
}

# patches_write DIR SOURCE: writes the patches, the list "series" for quilt, and "dmem.inc" and "dmem.cfg"
# for a recipe of Yocto. Writes nothing if a commit does not apply. Hunks of texts may fail.
patches_write()
{
	if grep -qvxE 'applies|fuzz|in tree|text' "$TRY/results"; then
		echo "no patches are written to $1: each commit must apply, except for its texts"
		return 1
	fi
	_for="Linux $(try_version "$2")"
	{ mkdir -p "$1" && [ -w "$1" ]; } 2>/dev/null || die "cannot write to PATCHES=$1: give a directory of your own"
	if [ -e "$1/series" ]; then
		head -n 1 "$1/series" | grep -qF "$PATCHES_MARK" ||
		die "PATCHES=$1 has a series of its own: give another directory"
		(cd "$1" && sed '/^#/d; /\//d' series | xargs -r rm -f && rm -f series dmem.inc dmem.cfg)
	fi
	patches_git format-patch -q -N --no-signature --zero-commit --full-index --no-renames --diff-algorithm=myers \
		--stat=72 --no-base --no-thread --no-color -o "$TRY/out" base..HEAD
	(cd "$TRY/out" && ls) >"$TRY/out.names"
	{ cp "$TRY/out"/*.patch "$1/" && patches_lists "$1" && sed -n '/^CONFIG_/p' kernel/config/need.config >"$1/dmem.cfg"; } ||
	die "cannot write to PATCHES=$1: see the message above"
	_text=$(grep -cx text "$TRY/results") || :
	[ "$_text" = 0 ] ||
	echo "patches that lack hunks of Documentation or MAINTAINERS: $_text"
	echo "$1: $(wc -l <"$TRY/out.names") patches, series, dmem.inc and dmem.cfg"
}
