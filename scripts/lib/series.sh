# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Checks of the series that a maintainer would ask for: the style, and that each patch builds
# alone.

# series_files ENDING: prints the files with this ending that the series changes, but does not
# delete.
series_files()
{
	git -C "$TREE" diff --name-only --diff-filter=d base-of-series HEAD | grep "$1\$" || :
}

# Filters a list of files for the current architecture. The kernel of the 32-bit ARM guest has
# files of its own and the display of its board. Nothing here compiles files of architectures
# without a guest.
of_this_arch()
{
	case $KARCH in
	arm) grep -e '^arch/arm/' -e '^drivers/gpu/drm/' ;;
	*) grep -v -e '^arch/' -e '/pl111/' ;;
	esac
}

# touched_objects TREE: object files of the C files that the series changes.
# A file that another one includes has no object of its own.
touched_objects()
{
	series_files '\.c' | grep -v '^tools/' | of_this_arch | while read -r _c; do
		_o=${_c%.c}.o
		! grep -qs "[ =]${_o##*/}" "$1/${_c%/*}/Makefile" || echo "$_o"
	done
}

# small_config BUILD-DIRECTORY TREE FRAGMENT...: configures and prepares.
small_config()
{
	_sd=$1
	_st=$2
	shift 2
	mkdir -p "$_sd"
	{
		cat "$_st/kernel/configs/tiny-base.config" "$_st/kernel/configs/tiny.config" "$@" >"$_sd/fragment.config"
		kmake_in "$_st" "$_sd" -s KCONFIG_ALLCONFIG="$_sd/fragment.config" allnoconfig &&
		kmake_in "$_st" "$_sd" -s -j"$(nproc)" prepare
	} >"$LOGS/config-small.log" 2>&1 || die_log "$LOGS/config-small.log" "cannot configure ${_sd##*/}"
}

# lint TREE BUILD-DIRECTORY: prints the messages of W=1, sparse and kernel-doc for the kernels
# of both guests.
lint()
{
	lint_arch "$1" "$2"
	build_for arm
	lint_arch "$1" "$2-arm"
	build_for arm64
}

# BTF is the declaration of a kfunc, which sparse does not know.
lint_without_kfuncs()
{
	grep -v "^kernel/bpf/.* warning: symbol 'bpf_[a-z0-9_]*' was not declared" || :
}

lint_arch()
{
	_board=kernel/config/drm.config
	[ "$KARCH" != arm ] || _board=kernel/config/arm32.config
	small_config "$2" "$1" kernel/config/vm.config kernel/config/check.config kernel/config/lockdep.config \
		kernel/config/lint.config kernel/config/media.config $_board
	# Objects of an option that Kconfig dropped would not be checked.
	_lost=$(config_took "$2" $_board | sed '/^#/d' | tr '\n' ' ')
	[ -z "$_lost" ] || die "kernel/config: these options did not take effect in ${2##*/}: $_lost"
	(
		cd "$1"
		_objs=$(touched_objects "$1")
		# make would not compile existing objects again, and print no warning.
		for _o in $_objs; do rm -f "$2/$_o"; done
		# shellcheck disable=SC2046,SC2086 # lists of files
		{
			# sparse up to 0.6.4 does not know __typeof_unqual__, and
			# kbuild would silently continue without sparse.
			kmake_in "$1" "$2" -s -k -j"$(nproc)" W=1 C=1 \
				CHECK='sparse -D__typeof_unqual__=__typeof__' $_objs
			./scripts/kernel-doc -none $(series_files '\.[ch]' | grep -v '^tools/' |
				while read -r _f; do [ ! -e "$_f" ] || echo "$_f"; done)
		} 2>&1 | grep -E '(warning|error):|^Warning|^Error|\*\*\*|specified, but' | sed "s,$1/,,g" |
			lint_without_kfuncs | sort -u
	) || :
}

checkpatch()
{
	STEPS=5
	prepare
	# checkpatch runs spdxcheck.py, which needs the two modules.
	arm32_packages
	need sparse perl python3 /usr/lib/python3/dist-packages/ply:python3-ply \
		/usr/lib/python3/dist-packages/git:python3-git
	step "checkpatch.pl --strict"
	_bad=0
	series_format "$BASE/checkpatch"
	for _p in "$BASE"/checkpatch/*.patch; do
		# Our tree does not have the kernel's history, so commits in "Fixes:" are unknown.
		# The loop below checks that MAINTAINERS covers each new file.
		# The poster of the series adds Signed-off-by.
		# CAMELCASE: mount options are Opt_NAME, as in all file systems.
		# PATH: the distribution's python3 has the modules, another one may lack them.
		(cd "$TREE" && PATH=/usr/bin:/bin ./scripts/checkpatch.pl --strict -q --no-summary --no-signoff \
			--ignore UNKNOWN_COMMIT_ID,FILE_PATH_CHANGES,CAMELCASE "$_p") || _bad=1
	done
	for _p in $(git -C "$TREE" diff --name-only --diff-filter=A base-of-series); do
		[ -z "$(cd "$TREE" && ./scripts/get_maintainer.pl --no-git --no-git-fallback --no-l -f "$_p" 2>&1)" ] || continue
		echo "MAINTAINERS: nobody is named for the new file $_p"
		_bad=1
	done
	step "W=1, sparse and kernel-doc over what the series touches"
	_new=$CACHE/lint.new
	lint "$TREE" "$BASE/build-lint" >"$_new"
	if [ -s "$_new" ]; then
		# Messages that the base gives as well do not come from the series.
		_old=$CACHE/lint.base
		worktree lint-tree base-of-series
		lint "$BASE/lint-tree" "$BASE/build-lint-base" >"$_old"
		# Removes line numbers, which the patches change.
		for _f in "$_old" "$_new"; do
			sed -E 's/:[0-9]+(:[0-9]+)?[: ]/: /' "$_f" | sort -u >"$_f.n"
		done
		comm -13 "$_old.n" "$_new.n" >"$_new.only"
		_n=$(comm -12 "$_old.n" "$_new.n" | wc -l)
		# An object that does not compile was not checked: an error, even if the base
		# does not compile either.
		if grep -e '\*\*\*' -e 'specified, but' "$_new"; then
			_bad=1
		fi
		[ "$_n" = 0 ] || printf 'not shown: %s messages that the kernel gives without the series too\n' "$_n" >&2
		if [ -s "$_new.only" ]; then
			cat "$_new.only"
			_bad=1
		fi
	fi
	[ "$_bad" = 0 ] || die "the series is not clean: see above"
}

# worktree NAME COMMIT: a second checkout beside the tree.
worktree()
{
	[ -d "$BASE/$1" ] || kgit -C "$TREE" worktree add -q --no-checkout --detach "$BASE/$1" "$2" >"$LOGS/worktree.log" 2>&1 ||
	die_log "$LOGS/worktree.log" "cannot make a second tree in $BASE/$1: remove it and run 'git -C $TREE worktree prune'"
	kgit -C "$BASE/$1" checkout -q --force --detach "$2"
}

# One combination of options: dmem and CMA on or off, heaps built in or modules.
bisect_fragment()
{
	[ "$1" = y ] || printf '%s\n' '# CONFIG_CGROUP_DMEM is not set'
	[ "$2" = y ] || printf '%s\n' '# CONFIG_CMA is not set' '# CONFIG_DMA_CMA is not set' \
		'# CONFIG_DMABUF_HEAPS_CMA is not set' '# CONFIG_CMA_SYSFS is not set' '# CONFIG_CMA_DEBUGFS is not set'
	[ "$3" = y ] || printf '%s\n' 'CONFIG_DMABUF_HEAPS_SYSTEM=m'
	[ "$2$3" != ym ] || printf '%s\n' 'CONFIG_DMABUF_HEAPS_CMA=m'
	# DRM is large, so only two configurations include it.
	case "$1$2$3 $KARCH" in
	'yyy arm64'|'nny arm64') cat kernel/config/drm.config ;;
	esac
	# KUnit tests are code of the series as well.
	printf '%s\n' CONFIG_KUNIT=y
	[ "$1" != y ] || printf '%s\n' CONFIG_CGROUP_DMEM_KUNIT_TEST=y
	[ "$1$2" != yy ] || printf '%s\n' CONFIG_CMA_DMEM_KUNIT_TEST=y
}

# touched_dirs: prints the directories of the C files that the series changes.
touched_dirs()
{
	series_files '\.[ch]' | grep '^[a-z-]*/.*\.c$' | grep -v -e '^tools/' -e '^lib/' |
	of_this_arch | sed 's,[^/]*$,,' | sort -u | tr '\n' ' '
}

# bisect_one DMEM CMA HEAPS FRAGMENT...: builds all patches in this configuration, one by one.
bisect_one()
{
	_what="$KARCH dmem=$1 cma=$2 heaps=$3"
	_bo=$BASE/build-bisect-$KARCH-$1$2$3
	bisect_fragment "$1" "$2" "$3" >"$BASE/bisect.config"
	shift 3
	_i=0
	for _commit in $_commits; do
		_i=$((_i + 1))
		worktree bisect "$_commit"
		_subject=$(git -C "$TREE" log -1 --format=%s "$_commit")
		printf '      %s: %s of %s, %s\n' "$_what" "$_i" "$_total" "$_subject" >&2
		small_config "$_bo" "$BASE/bisect" kernel/config/vm.config kernel/config/lint.config \
			kernel/config/media.config "$@" "$BASE/bisect.config"
		# shellcheck disable=SC2086 # a list of directories
		if ! kmake_in "$BASE/bisect" "$_bo" -s -j"$(nproc)" KCFLAGS=-Werror $_dirs >>"$_log" 2>&1; then
			grep -m 3 'error' "$_log" >&2 || :
			die_log "$_log" "the patch '$_subject' does not build with $_what"
		fi
	done
}

# commits_of_code: prints the commits that change compiled files, the oldest first.
commits_of_code()
{
	kgit -C "$TREE" rev-list --reverse base-of-series..HEAD -- '*.c' '*.h' '*.S' '*Kconfig*' '*Makefile*' \
		':!tools' ':!Documentation'
}

# bisect_commits NUMBER: sets _commits to the commits to build, from this one of the tree on.
bisect_commits()
{
	if [ -n "${JOINTS:-}" ]; then
		tree_joints | cut -d ' ' -f 1 >"$BASE/bisect.code"
	else
		commits_of_code >"$BASE/bisect.code"
	fi
	_commits=$(git -C "$TREE" rev-list --reverse base-of-series..HEAD | tail -n +"$1" |
		grep -F -f "$BASE/bisect.code") || die "no patch from $1 on changes what is compiled"
}

# bisect_from FROM: prints the number of the line in kernel/series at which "make bisect" begins.
# FROM is that number, or a posting, or a posting and a number, as in cma/0003.
bisect_from()
{
	case $1 in
	'') echo 1; return ;;
	*[!0-9]*) ;;
	*) echo "$1"; return ;;
	esac
	series_list | awk -v from="$1" 'index($0, "/" from "/") || index($0, "/" from "-") { print NR; exit }' |
	grep . || die "FROM=$1 is no number of a patch, no posting, and no patch of one, such as cma/0003"
}

# bisect [FROM]: builds all patches, or those from that one on, one by one. With JOINTS, builds
# only the last patch of each posting.
bisect()
{
	_from=$(bisect_from "${1:-}") || exit 1
	[ -z "${JOINTS:-}" ] || [ -n "$(postings)" ] ||
	die "JOINTS=$JOINTS: kernel/series has no postings: leave JOINTS out to build each patch"
	STEPS=4
	prepare
	arm32_packages
	_dirs=$(touched_dirs)
	[ -n "$_dirs" ] || die "the series changes no C file: nothing to build"
	bisect_commits "$_from"
	_total=$(echo "$_commits" | wc -l)
	step "building $_total patches one by one in 9 configurations: $_dirs"
	_log=$LOGS/bisect.log
	: >"$_log"
	for _dmem in y n; do
	for _cma in y n; do
	for _heaps in y m; do
		bisect_one "$_dmem" "$_cma" "$_heaps"
	done
	done
	done
	build_for arm
	_dirs=$(touched_dirs)
	bisect_one y y y kernel/config/arm32.config
	build_for arm64
	# Only a link shows whether the kernel exports the functions that a modular heap calls.
	bisect_fragment y y m >"$BASE/bisect.config"
	printf '      linking kernel and modules with dmem=y cma=y heaps=m\n' >&2
	_bo=$BASE/build-bisect-$KARCH-yym
	kmake_in "$BASE/bisect" "$_bo" -s -j"$(nproc)" Image modules >>"$_log" 2>&1 ||
	die_log "$_log" "modular heaps do not link: $(grep -m 1 -e undefined -e error: "$_log")"
}
