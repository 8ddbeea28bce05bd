# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The kernel's source and the git tree with the series on it.

# source_word WORD: prints its value for the kernel of KERNEL=, or that of kernel/source.
source_word()
{
	[ "$SERIES" = kernel ] || ! grep -q "^$1 " "$SERIES/source" || {
		sed -n "s/^$1 //p" "$SERIES/source"
		return
	}
	sed -n "s/^$1 //p" kernel/source
}

# Sets SERIES, the directory of the series for KERNEL=, and dies if there is none.
# shellcheck disable=SC2034 # for the functions of the series
kernel_version()
{
	SERIES=kernel
	case ${KERNEL:-} in
	''|"$(sed -n 's/^package linux-source-//p' kernel/source)") return 0 ;;
	esac
	_all=$(cd kernel && for _d in */series; do [ ! -e "$_d" ] || printf ', %s' "${_d%/series}"; done)
	case $KERNEL in
	*/* | .*) ;;
	*) [ ! -r "kernel/$KERNEL/series" ] || SERIES=kernel/$KERNEL ;;
	esac
	[ "$SERIES" != kernel ] ||
	die "KERNEL=$KERNEL: there is no series for this kernel: use one of these: $(sed -n 's/^package linux-source-//p' kernel/source)$_all"
	[ -z "${KERNEL_SRC:-}" ] || die "KERNEL=$KERNEL and KERNEL_SRC=$KERNEL_SRC: give only one of them"
}

find_mirror()
{
	[ -z "${DEBIAN_MIRROR:-}" ] || return 0
	for _try in 1 2; do
		# shellcheck disable=SC2016 # apt's own variable
		DEBIAN_MIRROR=$(apt-get indextargets --format '$(REPO_URI)' \
			'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)
		[ -z "$DEBIAN_MIRROR" ] || return 0
		# A fresh image has no lists, so apt does not know the origins yet.
		[ "$_try" = 1 ] || break
		if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
			break
		fi
		as_root apt-get -q update >"$LOGS/apt-host.log" 2>&1 || :
	done
	die "no Debian mirror in apt's sources: set DEBIAN_MIRROR= to the address of one"
}

# suite_arch SUITE[:ARCH]: prints ARCH, or the default architecture.
suite_arch()
{
	case $1 in
	*:*) echo "${1#*:}" ;;
	*) echo arm64 ;;
	esac
}

# private_apt SUITE[:ARCH] COMMAND...: runs apt with lists and archives of its own. The host's
# sources stay as they are, and apt checks the signatures.
private_apt()
{
	_root=$CACHE/apt/$1
	_arch=$(suite_arch "$1")
	shift
	_cmd=$1
	shift
	"$_cmd" -q -o Dir::Etc::sourcelist="$_root/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State::lists="$_root/lists" -o Dir::Cache::archives="$_root/archives" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o APT::Architecture="$_arch" -o APT::Architectures="$_arch" \
		-o APT::Sandbox::User="$(id -un)" -o APT::Update::Error-Mode=any \
		-o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@"
}

# Two suites may fetch packages at the same time, and apt fails if another apt works in its directory.
apt_lock()
{
	exec 8>>"$CACHE/apt.lock"
	flock 8
}

apt_unlock()
{
	exec 8>&-
}

apt_lists()
{
	_suite=$1
	_keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e "$_keys" ] || need "$_keys:debian-archive-keyring"
	find_mirror
	_root=$CACHE/apt/$_suite
	mkdir -p "$_root/lists/partial" "$_root/archives/partial"
	printf 'deb [signed-by=%s arch=%s target=Packages] %s %s main\n' "$_keys" \
		"$(suite_arch "$_suite")" "$DEBIAN_MIRROR" "${_suite%:*}" >"$_root/sources.list"
	private_apt "$_suite" apt-get update >"$LOGS/apt-$_suite.log" 2>&1
}

# guest_lists ARCH [SUITES]: sets GUEST_SUITE to the first suite with valid package lists. apt
# rejects the lists of a mirror in the middle of an update.
guest_lists()
{
	for GUEST_SUITE in ${2:-$(source_word guest)}; do
		[ "$1" = arm64 ] || GUEST_SUITE=$GUEST_SUITE:$1
		! apt_lists "$GUEST_SUITE" || return 0
		printf '      no complete package lists of %s\n' "$GUEST_SUITE" >&2
	done
	die_log "$LOGS/apt-$GUEST_SUITE.log" "no answer from the Debian mirror $DEBIAN_MIRROR: check the network, or set DEBIAN_MIRROR="
}

# fetch_deb SUITE PACKAGE: sets DEB to the downloaded file.
fetch_deb()
{
	_dir=$CACHE/apt/$1/new
	rm -rf "$_dir"
	mkdir -p "$_dir"
	(cd "$_dir" && private_apt "$1" apt-get download "$2") >>"$LOGS/apt-$1.log" 2>&1 ||
	die_log "$LOGS/apt-$1.log" "cannot download $2 from $1: check the network, or set DEBIAN_MIRROR="
	DEB=$(echo "$_dir"/*.deb)
}

# Sets BASE, the directory for all files made from one kernel source, and fetches the source if
# it is missing.
kernel_source()
{
	IMPORT=
	if [ -n "${KERNEL_SRC:-}" ]; then
		own_source
		return
	fi
	[ "$SERIES" = kernel ] || import_source
	_pkg=$(source_word package)
	_cur=$CACHE/src-$_pkg
	if [ -r "$_cur" ]; then
		SRCVER=$(cat "$_cur")
		BASE=$CACHE/$SRCVER$IMPORT
		if [ -d "$BASE/linux" ]; then
			step "kernel source: $SRCVER"
			return
		fi
	fi
	step "kernel source: fetching $_pkg"
	need_space 6000
	_found=
	_reached=
	for _s in $(source_word suites); do
		apt_lists "$_s" || continue
		_reached=1
		_v=$(private_apt "$_s" apt-cache madison "$_pkg" | awk -F'|' 'NR == 1 { gsub(/ /, "", $2); print $2 }')
		[ -n "$_v" ] || continue
		_found=$_s
		break
	done
	[ -n "$_reached" ] ||
	die_log "$LOGS/apt-$_s.log" "no answer from the Debian mirror $DEBIAN_MIRROR: check the network, or set DEBIAN_MIRROR="
	[ -n "$_found" ] ||
	die "$_pkg is no longer offered in $(source_word suites | tr ' ' ','): give a tree of that version with KERNEL_SRC=/path"
	SRCVER=${_pkg}_$(printf %s "$_v" | tr -c 'A-Za-z0-9.+-' '-')
	BASE=$CACHE/$SRCVER$IMPORT
	if [ ! -d "$BASE/linux" ]; then
		fetch_deb "$_found" "$_pkg"
		printf '      unpacking %s\n' "${DEB##*/}" >&2
		rm -rf "$BASE.new"
		mkdir -p "$BASE.new/linux"
		{ dpkg-deb --fsys-tarfile "$DEB" | tar -xO "./usr/src/$_pkg.tar.xz" |
		  tar -xJ --strip-components=1 -C "$BASE.new/linux"; } 2>"$LOGS/unpack.log" ||
		die_log "$LOGS/unpack.log" "cannot unpack $DEB"
		[ -e "$BASE.new/linux/Kbuild" ] || die_log "$LOGS/unpack.log" "cannot unpack $DEB"
		[ -z "$IMPORT" ] || import_files "$BASE.new/linux"
		base_commit "$BASE.new/linux" "$_pkg $_v"
		mv "$BASE.new" "$BASE"
		rm -f "$DEB"
	fi
	printf '%s\n' "$SRCVER" >"$_cur.new"
	mv "$_cur.new" "$_cur"
}

# Fetches the kernel of kernel/source, from which the series of an older kernel takes files. Sets
# IMPORT_FROM, its git tree, and IMPORT, a mark of what is taken, for the name of BASE.
import_source()
{
	_version=$SERIES
	STEPS=$((STEPS + 1))
	SERIES=kernel
	kernel_source
	SERIES=$_version
	IMPORT_FROM=$BASE/linux
	IMPORT=-$(cat "$SERIES/import" "$CACHE/src-$(sed -n 's/^package //p' kernel/source)" | hash16)
}

# import_files DIR: makes the changes of the file "import" in the source of an older kernel.
import_files()
{
	sed -n 's/^files //p' "$SERIES/import" | while read -r _f; do
		rm -rf "${1:?}/$_f"
		git -C "$IMPORT_FROM" archive base-of-series -- "$_f" | tar -x -C "$1" ||
		die "$SERIES/import: cannot take $_f from $IMPORT_FROM"
	done || exit 1
	sed -n 's/^lines //p' "$SERIES/import" | while IFS='|' read -r _f _first _end; do
		git -C "$IMPORT_FROM" show "base-of-series:$_f" |
		FIRST=$_first END=$_end awk '
			$0 == ENVIRON["FIRST"] { on = 1 }
			on && $0 == ENVIRON["END"] { exit }
			on' >"$1/../import.lines"
		LINES_OF=$1/../import.lines END=$_end awk '
			$0 == ENVIRON["END"] && !n++ { while ((getline line <ENVIRON["LINES_OF"]) > 0) print line }
			{ print }
			END { exit !n }' "$1/$_f" >"$1/../import.file" && [ -s "$1/../import.lines" ] ||
		die "$SERIES/import: $_f has no line '$_first' before '$_end', or this kernel no line '$_end': correct the line"
		cat "$1/../import.file" >"$1/$_f"
	done || exit 1
	rm -f "$1/../import.lines" "$1/../import.file"
}

# The user's own tree is copied, never changed.
own_source()
{
	[ -e "$KERNEL_SRC/Kbuild" ] || die "KERNEL_SRC=$KERNEL_SRC is not a kernel tree: give the directory that holds its Kbuild file"
	_list=$CACHE/own-source.list
	if [ -e "$KERNEL_SRC/.git" ]; then
		(cd "$KERNEL_SRC" && git ls-files -c -o --exclude-standard -z) >"$_list"
	else
		(cd "$KERNEL_SRC" && find . \( -type f -o -type l \) -print0) >"$_list"
	fi
	_key=$( (cd "$KERNEL_SRC" && pwd && xargs -0 stat -c '%n %Y %s' <"$_list" 2>/dev/null) | hash16)
	SRCVER=own-$_key
	BASE=$CACHE/$SRCVER
	step "kernel source: $KERNEL_SRC"
	[ ! -d "$BASE/linux" ] || return 0
	need_space 6000
	rm -rf "$BASE.new"
	mkdir -p "$BASE.new/linux"
	rsync -a --from0 --ignore-missing-args --files-from="$_list" "$KERNEL_SRC/" "$BASE.new/linux/" 2>"$LOGS/unpack.log" ||
	die_log "$LOGS/unpack.log" "cannot copy $KERNEL_SRC"
	base_commit "$BASE.new/linux" "own tree"
	mv "$BASE.new" "$BASE"
}

# base_commit DIR TEXT
base_commit()
{
	(
		cd "$1"
		kgit init -q -b base .
		# Straight into one pack: 90000 loose files would take a minute more.
		kgit -c core.bigFileThreshold=1 -c core.compression=1 add -A -f .
		kgit -c user.name=dmem -c user.email=dmem@localhost commit -q \
			--date='1767225600 +0000' -m "base: $2"
		kgit tag base-of-series
	) >"$LOGS/base.log" 2>&1 || die_log "$LOGS/base.log" "cannot make a git tree of the kernel source"
}

# Restores the files that tree_aside has moved, also after a killed run. Files that it had not
# moved yet are still in place.
tree_back()
{
	_a=$BASE/aside
	[ -d "$_a" ] || return 0
	while read -r _f; do
		rm -f "$TREE/$_f"
	done <"$_a/deleted"
	while read -r _f; do
		# A link may point nowhere while it is aside.
		if [ -e "$_a/tree/$_f" ] || [ -h "$_a/tree/$_f" ]; then
			mv -f "$_a/tree/$_f" "$TREE/$_f"
		fi
	done <"$_a/changed"
	rm -rf "$_a.old"
	mv "$_a" "$_a.old"
	rm -rf "$_a.old"
}

# Drops the mutants, also those of a killed run.
mutants_back()
{
	[ -e "$BASE/mutants.here" ] || return 0
	kgit -C "$TREE" reset -q --hard HEAD
	rm -f "$BASE/mutants.here"
}

# tree_content TREE-ISH: prints a checksum of all files that a kernel can be built from. Leaves
# out kselftests and documentation, whose changes must not rebuild a kernel, except for the one
# file of Documentation that Kconfig reads.
tree_content()
{
	{
		git -C "$TREE" ls-tree "$1" &&
		git -C "$TREE" ls-tree "$1" tools/ tools/testing/ Documentation/Kconfig
	} | sed -E '/\t(tools|tools\/testing|tools\/testing\/selftests|Documentation)$/d' | hash16
}

# Succeeds if there is an author's tree.
edit_there()
{
	[ -e "$EDIT" ] || return 1
	[ "$(git -C "$EDIT" rev-parse --show-toplevel 2>/dev/null)" = "$(cd "$EDIT" && pwd -P)" ] ||
	die "$EDIT is not a git tree: save your files there, remove it with 'rm -rf $EDIT', and run 'make tree'"
}

# in_rebase TREE: succeeds in the middle of git rebase or git am.
in_rebase()
{
	[ -d "$(git -C "$1" rev-parse --path-format=absolute --git-path rebase-merge)" ] ||
	[ -d "$(git -C "$1" rev-parse --path-format=absolute --git-path rebase-apply)" ]
}

# edit_is COMMIT: succeeds if the author's tree has this commit on the branch series, and no
# changes.
edit_is()
{
	[ "$(git -C "$EDIT" rev-parse HEAD)" = "$1" ] &&
	[ "$(git -C "$EDIT" symbolic-ref -q HEAD)" = refs/heads/series ] && ! in_rebase "$EDIT" &&
	[ -z "$(git --no-optional-locks -C "$EDIT" status --porcelain --untracked-files=normal)" ]
}

# Succeeds if the author's tree has no changes that "make series" has not saved.
edit_saved()
{
	while read -r _ _saved; do
		! edit_is "$_saved" || return 0
	done <<-END
	$(cat "$BASE/tree.stamp" "$BASE/tree.saved" 2>/dev/null)
	END
	return 1
}

# Prints the id of a git tree of all files in the author's tree, committed or not. Names source
# files that .gitignore hides: Debian's hides all new files.
edit_snapshot()
{
	_hidden=$(git -C "$EDIT" ls-files -o -i --exclude-standard -- '*.c' '*.h' '*.S' | grep -v /generated/ | head -n 5)
	[ -z "$_hidden" ] ||
	printf "      not built before 'git add -f': %s\n" "$(echo "$_hidden" | tr '\n' ' ')" >&2
	# With its time, or git would take a file that was written in the same second for unchanged.
	cp -p "$(git -C "$EDIT" rev-parse --path-format=absolute --git-path index)" "$BASE/now.index"
	GIT_INDEX_FILE=$BASE/now.index git -C "$EDIT" add -A
	GIT_INDEX_FILE=$BASE/now.index git -C "$EDIT" write-tree
	rm -f "$BASE/now.index"
}

# Makes the author's tree, unless it is there. Commits on the branch series of a tree that was
# removed get a branch of another name.
edit_tree()
{
	! edit_there || return 0
	need_space 2500
	git -C "$TREE" worktree unlock "$EDIT" 2>/dev/null || :
	kgit -C "$TREE" worktree prune
	if git -C "$TREE" rev-parse -q --verify refs/heads/series >/dev/null &&
	   ! git -C "$TREE" merge-base --is-ancestor series HEAD; then
		_branch=series-$(date +%Y%m%d-%H%M%S)
		kgit -C "$TREE" branch -m series "$_branch"
		printf '      the former branch series is %s now\n' "$_branch" >&2
	fi
	kgit -C "$TREE" worktree add -q -B series "$EDIT" HEAD >"$LOGS/worktree.log" 2>&1 ||
	die_log "$LOGS/worktree.log" "cannot make a git tree in $EDIT: remove it with 'rm -rf $EDIT', and run this again"
}

# tree_is_put COMMIT...: succeeds if the tree for builds is as tree_put left it; without a call
# of tree_put, if it has one of these commits and no changes.
tree_is_put()
{
	_head=$(git -C "$TREE" rev-parse HEAD)
	_content=$(git -C "$TREE" rev-parse 'HEAD^{tree}')
	if [ -s "$BASE/tree.put" ]; then
		read -r _put _content <"$BASE/tree.put"
		set -- "$_put"
	fi
	git -C "$TREE" update-index -q --refresh >/dev/null || :
	case " $* " in
	*" $_head "*) ;;
	*) return 1 ;;
	esac
	[ "$(git -C "$TREE" write-tree)" = "$_content" ] && git -C "$TREE" diff-files --quiet &&
	[ -z "$(git -C "$TREE" ls-files -o --exclude-standard | head -n 1)" ]
}

# After tree_put was killed: the next one begins with the commit alone. Nobody else holds the
# lock of the cache, so a lock of git is that of a killed one.
tree_put_back()
{
	rm -f "$TREE/.git/index.lock"
	[ -e "$BASE/tree.moving" ] || return 0
	kgit -C "$TREE" reset -q --hard HEAD
	kgit -C "$TREE" clean -q -fdx
	git -C "$TREE" rev-parse HEAD 'HEAD^{tree}' | paste -d' ' - - >"$BASE/tree.put"
	rm -f "$BASE/tree.moving"
}

# tree_put COMMIT CONTENT: gives the tree for builds this commit and this content, which is
# another one if the author's tree has uncommitted changes. Writes only files that differ, so
# that the next build compiles only these. Sets TREE_ID to the checksum of tree_content.
# shellcheck disable=SC2034 # builds use TREE_ID
tree_put()
{
	_content=$(git -C "$TREE" rev-parse "$2")
	TREE_ID=$(tree_content "$_content")
	[ "$1 $_content" != "$(cat "$BASE/tree.put" 2>/dev/null)" ] || return 0
	: >"$BASE/tree.moving"
	{
		kgit -C "$TREE" read-tree -m -u "$(git -C "$TREE" write-tree)" "$_content" &&
		kgit -C "$TREE" update-ref --no-deref HEAD "$1"
	} >"$LOGS/tree.log" 2>&1 || die_log "$LOGS/tree.log" "cannot check the series out in $TREE"
	printf '%s %s\n' "$1" "$_content" >"$BASE/tree.put.new"
	mv "$BASE/tree.put.new" "$BASE/tree.put"
	rm -f "$BASE/tree.moving"
}

# Puts the series on the base. Sets TREE, the git tree for builds, and EDIT, the one that authors
# edit, which "make tree" makes. Builds may change TREE for a while, and leave EDIT alone.
kernel_tree()
{
	TREE=$BASE/linux
	EDIT=$BASE/tree
	tree_put_back
	tree_back
	mutants_back
	_n=$(series_list | wc -l)
	series_complete
	_key=$(series_key)
	_oldkey=
	_oldhead=$(git -C "$TREE" rev-parse base-of-series)
	[ ! -s "$BASE/tree.stamp" ] || read -r _oldkey _oldhead <"$BASE/tree.stamp"
	_saved=
	_savedhead=
	[ ! -s "$BASE/tree.saved" ] || read -r _saved _savedhead <"$BASE/tree.saved"
	_own=
	[ "$_key" != "$_saved" ] || _own=$(git -C "$TREE" rev-parse HEAD)
	tree_is_put "$_oldhead" "$_own" ||
	die "$TREE is for builds, and has changes: keep them with 'git -C $TREE branch mine' and 'git -C $TREE stash -a', or leave them to be dropped; then 'git -C $TREE checkout -q -f --detach $_oldhead && git -C $TREE clean -fdx && rm -f $BASE/tree.put', and run this again; 'make tree' makes a tree to edit"
	TREE_OWN=
	_edit=
	if edit_there; then
		_edit=$(git -C "$EDIT" rev-parse HEAD)
		edit_is "$_oldhead" || TREE_OWN=1
	fi
	step "kernel tree: $_n commits"
	if [ -n "$TREE_OWN" ] && [ "$_key" = "$_saved" ] && edit_is "$_savedhead"; then
		TREE_OWN= # it holds what 'make series' saved: start from that
	elif [ -n "$TREE_OWN" ]; then
		[ -z "$_oldkey" ] || [ "$_key" = "$_oldkey" ] || [ "$_key" = "$_saved" ] ||
		die "the series changed, and $EDIT has changes of your own: commit them and keep them with 'git -C $EDIT branch mine', or leave them to be dropped; then 'git -C $EDIT checkout -q -f -B series $_oldhead && git -C $EDIT clean -fd', and run this again"
		printf '      building with the changes of your own in %s\n' "$EDIT" >&2
		_snapshot=$(edit_snapshot)
		[ -n "$_snapshot" ] || die "git cannot read $EDIT: see its message above"
		tree_put "$_edit" "$_snapshot"
		return
	elif [ "$_key" = "$_oldkey" ]; then
		tree_put "$_oldhead" "$_oldhead^{tree}"
		return
	fi
	_log=$LOGS/am.log
	_tmp=$BASE/am
	rm -rf "$_tmp"
	kgit -C "$TREE" worktree prune
	(
		kgit -C "$TREE" worktree add -q --no-checkout --detach "$_tmp" base-of-series
		[ "$_n" -gt 0 ] || exit 0
		# Only the files of the series are needed to apply it.
		series_paths >"$BASE/am.paths"
		(cd "$_tmp" && kgit sparse-checkout set --no-cone --stdin <"$BASE/am.paths" && kgit checkout -q) &&
		series_apply "$_tmp"
	) >"$_log" 2>&1 || {
		_bad=$(sed -n 's/^Patch failed at [0-9]* //p' "$_log")
		rm -rf "$_tmp"
		kgit -C "$TREE" worktree prune
		die_log "$_log" "the series does not apply to $SRCVER, at patch '$_bad': rebase it, or give the tree it was made for with KERNEL_SRC="
	}
	_head=$(git -C "$_tmp" rev-parse HEAD)
	kgit -C "$TREE" update-ref refs/dmem/series "$_head"
	tree_put "$_head" "$_head^{tree}"
	if [ -n "$_edit" ]; then
		edit_is "$_edit" || die "$EDIT changed at the same time: run this again"
		kgit -C "$EDIT" checkout -q --no-overwrite-ignore -B series "$_head" >>"$_log" 2>&1 ||
		die_log "$_log" "cannot check the series out in $EDIT: move the files that are in the way"
	fi
	rm -rf "$_tmp"
	kgit -C "$TREE" worktree prune
	printf '%s %s\n' "$_key" "$_head" >"$BASE/tree.stamp.new"
	mv "$BASE/tree.stamp.new" "$BASE/tree.stamp"
}

# same_change FILE FILE: succeeds if both are there and have the same message and the same hunks,
# whatever the numbers of the lines are. Then one applies where the other does.
same_change()
{
	[ -e "$1" ] || return 1
	[ "$(change_text "$1")" = "$(change_text "$2")" ] &&
	[ "$(git patch-id --verbatim <"$1" | cut -d' ' -f1)" = "$(git patch-id --verbatim <"$2" | cut -d' ' -f1)" ]
}

# change_text FILE: prints its message, and the files of selftests/ that it names.
change_text()
{
	sed -e '/^diff /,$d' -e '/^ [^ ]* *| /d' -e '/^ [0-9]* files* changed/d' "$1"
}

# Writes the tree's commits to the files of the series. Checks all commits before the first
# write.
save_series()
{
	[ -z "$(git -C "$TREE" status --porcelain --untracked-files=normal)" ] ||
	die "$TREE has changes that are not committed: commit them there first"
	! in_rebase "$TREE" || die "$TREE is in the middle of a rebase: finish it first"
	tree_postings_check
	_before=$(postings)
	_out=$BASE/series.new
	series_format "$_out"
	selftests_split "$_out"
	series_split "$_out" >"$BASE/series.list"
	selftests_save
	mkdir -p "$SERIES/patches" "$SERIES/selftests"
	_first=$(sed -n '/^# /p' "$SERIES/series" 2>/dev/null || :)
	[ -n "$_first" ] || _first='# SPDX-License-Identifier: GPL-2.0-only'
	{ printf '%s\n' "$_first"; cat "$BASE/series.list"; } >"$SERIES/series.new"
	find "$SERIES/patches" "$SERIES/selftests" -type f \
		\( -name '*.patch' -o -name '*.commit' -o -name cover \) -delete
	mv "$SERIES/series.new" "$SERIES/series"
	while read -r _f; do
		_to=patches/$_f
		[ "$_f" = "${_f%.commit}" ] || _to=selftests/$_f
		[ "$SERIES" = kernel ] || ! same_change "kernel/$_to" "$_out/$_f" || continue
		mkdir -p "$SERIES/${_to%/*}"
		cp "$_out/$_f" "$SERIES/$_to"
	done <"$BASE/series.list"
	find "$SERIES/patches" "$SERIES/selftests" -mindepth 1 -type d -empty -delete
	# "git am" and "git rebase --apply" drop the empty commits.
	for _g in $_before; do
		postings | grep -qxF -e "$_g" || printf 'the tree has no cover letter of the posting %s any more\n' "$_g" >&2
	done
	printf '%s %s\n' "$(series_key)" "$(git -C "$TREE" rev-parse HEAD)" >"$BASE/tree.saved.new"
	mv "$BASE/tree.saved.new" "$BASE/tree.saved"
	printf '%s/series: %s commits\n' "$SERIES" "$(series_list | wc -l)"
}
