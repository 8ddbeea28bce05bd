# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Tries the series on another kernel's source. The files that it changes are copied; the source
# itself is only read.

# Wrong use, unlike a patch that does not apply.
try_usage()
{
	printf 'error: %s\n' "$*" >&2
	exit 2
}

# Prints the versions of Linux that have a prepared series, that of kernel/series first.
try_versions()
{
	sed -n 's/^package linux-source-//p' kernel/source
	for _s in kernel/[0-9]*/series; do
		[ ! -e "$_s" ] || echo "$_s" | cut -d/ -f2
	done
}

# try_nearest VERSION: prints the version of the nearest prepared series, the later one of two.
try_nearest()
{
	try_versions | awk -v version="$1" '
	# A major version has 20 releases.
	function place(v) { split(v, part, "."); return part[1] * 20 + part[2] }
	{ d = place($1) - place(version); d = d < 0 ? -d : d }
	NR == 1 || d < least || d == least && place($1) > place(near) { least = d; near = $1 }
	END { print near }'
}

# try_list VERSION: sets SERIES to the directory of this series, and prints its files.
try_list()
{
	SERIES=kernel
	[ "$1" = "$(try_versions | head -n 1)" ] || SERIES=kernel/$1
	series_list
}

# try_paths FILE...: prints the paths that these commits change or add.
try_paths()
{
	sed -n -e 's,^--- a/,,p' -e 's,^+++ b/,,p' "$@"
	commit_files "$@" | sed "s,^,$KSELFTESTS/,"
}

# try_fields: prints the lines of kernel/prerequisites, separated by tabs.
try_fields()
{
	sed -e '/^#/d' -e '/^$/d' -e 's/ | /	/g' kernel/prerequisites
}

# try_prerequisites SOURCE COPY: prints the table. A file of the copy is read first. Writes "PATH NAME" to $TRY/lacking for each path that
# needs a missing part.
try_prerequisites()
{
	_bit=$(xargs -a "$TRY/list" sed -n 's/^+#define DMA_ATTR_ACCOUNT[^0-9]*\(1UL << \)*\([0-9]*\).*/\2/p')
	_row='%-30s %-6s %-8s %s\n'
	: >"$TRY/lacking"
	# shellcheck disable=SC2059 # a fixed format
	printf "$_row" prerequisite since 'in tree' 'needed for'
	try_fields | while IFS='	' read -r _name _since _file _re _paths _why; do
		_re=$(echo "$_re" | sed "s/%bit%/${_bit:-none}/")
		_is=yes
		[ ! -e "$2/$_file" ] || _file=$2/$_file
		[ "$_file" != "${_file#/}" ] || _file=$1/$_file
		case $_re in
		!*) ! grep -qE -e "${_re#!}" "$_file" 2>/dev/null || _is=no ;;
		*) grep -qsE -e "$_re" "$_file" || _is=no ;;
		esac
		# shellcheck disable=SC2059 # a fixed format
		printf "$_row" "$_name" "$_since" "$_is" "$_why"
		[ "$_is" = yes ] || for _p in $_paths; do echo "$_p $_name (since $_since)"; done >>"$TRY/lacking"
	done
}

# try_subject FILE
try_subject()
{
	awk '
	/^Subject: / { text = $0; on = 1; next }
	on && /^[ \t]/ { sub(/^[ \t]+/, " "); text = text $0; next }
	on { exit }
	END { sub(/^Subject: (\[[^]]*\] )?/, "", text); print text }' "$1"
}

try_patch()
{
	(cd "$TRY/tree" && LC_ALL=C patch -p1 -f --no-backup-if-mismatch -r - "$@" <"$TRY/diff") >"$TRY/log" 2>&1
}

# Unlike patch, git finds the last lines of a file also if the tree has more lines after them, as a
# vendor's entry in Kconfig. It changes nothing unless all hunks apply.
try_apply()
{
	(cd "$TRY/tree" && GIT_CEILING_DIRECTORIES=$TRY kgit apply -C2 "$TRY/diff") >/dev/null 2>&1
}

# try_selftests COMMIT: adds its files of selftests/. Prints those that the tree has, with another
# content.
try_selftests()
{
	commit_files "$1" | while read -r _f; do
		_to=$TRY/tree/$KSELFTESTS/$_f
		if [ -e "$_to" ]; then
			cmp -s "selftests/$_f" "$_to" || printf 'fails\t%s: the tree has a file of this name\n' "$KSELFTESTS/$_f"
		else
			mkdir -p "${_to%/*}"
			cp "selftests/$_f" "$_to"
		fi
	done
}

# try_hunks LABEL: reads the diff and the messages of "patch", which has at least one. Prints "RESULT, tab, TEXT" for each
# failed hunk. $TRY/lost keeps the lines that failed hunks would have changed, as numbers in the
# files of the series: a later hunk that needs one of these lines must fail, too.
try_hunks()
{
	awk -v label="$1" -v dir="$TRY/tree/" -v lost="$TRY/lost" -v lacking="$TRY/lacking" '
	function load(name, line, i)
	{
		n_lost = n_lack = 0
		while ((getline line <lost) > 0) {
			split(line, part, " ")
			n_lost++
			where[n_lost] = part[1]; first[n_lost] = part[2]; end[n_lost] = part[3]; by[n_lost] = part[4]
		}
		while ((getline line <lacking) > 0) {
			n_lack++
			i = index(line, " ")
			path[n_lack] = substr(line, 1, i - 1); part_of[n_lack] = substr(line, i + 1)
		}
	}
	# Reads the file of the tree, as it is after the hunks that apply.
	function read_file(line)
	{
		split("", in_file)
		while ((there = (getline line <(dir file))) > 0)
			in_file[line] = 1
		close(dir file)
		there = there == 0
	}
	function has_word(word, line)
	{
		for (line in in_file)
			if (line ~ "(^|[^A-Za-z0-9_])" word "([^A-Za-z0-9_]|$)")
				return 1
		return 0
	}
	function lacks(i)
	{
		for (i = 1; i <= n_lack; i++)
			if (path[i] == file || path[i] ~ /\/$/ && index(file, path[i]) == 1)
				return part_of[i]
		return ""
	}
	function earlier(i)
	{
		for (i = 1; i <= n_lost; i++)
			if (where[i] == file && first[i] < old + n_old && (end[i] > old || first[i] == end[i] && first[i] > old))
				return by[i]
		return ""
	}
	# The function that the header of the hunk names.
	function function_of(head)
	{
		sub(/^@@[^@]*@@ ?/, "", head)
		if (!match(head, /[A-Za-z_][A-Za-z0-9_]*\(/))
			return ""
		return substr(head, RSTART, RLENGTH - 1)
	}
	function report(name)
	{
		if (!there)
			text = (name = lacks()) != "" ? "needs\t" file ": not in this tree: needs " name : "fails\t" file ": not in this tree"
		else if (exists[file])
			text = "fails\t" file ": the tree has a file of this name"
		else if ((name = earlier()) != "")
			text = "follows\t" file ": changes lines of " name ", which fails: " head
		else if ((name = lacks()) != "")
			text = "needs\t" file ": needs " name ": " head
		else if ((name = function_of(head)) != "" && !has_word(name))
			text = "fails\t" file ": no " name "() in this file, renamed or removed: " head
		else if (absent != "")
			text = "fails\t" file ": no line \"" absent "\": " head
		else if (after == 0)
			text = "fails\t" file ": has more lines at its end: " head
		else
			text = "fails\t" file ": has other lines around the change: " head
		# For text, the first hunk of a file is enough.
		if (!told[file]++ || there && !exists[file] && file !~ /^(Documentation\/|MAINTAINERS$)/)
			print text
	}
	function end_of_hunk()
	{
		if (head == "")
			return
		n_hunks++
		h_old[n_hunks] = old + n_old
		h_grown[n_hunks] = n_new - n_old
		if (!there || failed[file, number]) {
			report()
			if (there) {
				n_add++
				a_first[n_add] = from; a_end[n_add] = to
			}
		}
		head = ""
	}
	function end_of_file(i, j, grown)
	{
		end_of_hunk()
		for (i = 1; i <= n_lost; i++) {
			if (where[i] != file)
				continue
			grown = 0
			for (j = 1; j <= n_hunks; j++)
				if (h_old[j] <= first[i])
					grown += h_grown[j]
			first[i] += grown
			end[i] += grown
		}
		for (i = 1; i <= n_add; i++) {
			n_lost++
			where[n_lost] = file; first[n_lost] = a_first[i]; end[n_lost] = a_end[i]; by[n_lost] = label
		}
		n_hunks = n_add = 0
	}
	BEGIN { load() }
	FNR == NR && (/^Hunk #[0-9]+ FAILED/ || /^can.t find file to patch/) { problem = 1 }
	FNR == NR && /^The next patch would create the file / { f = $8; sub(/,$/, "", f); exists[f] = 1 }
	FNR == NR && /^patching file / { patched = $3 }
	FNR == NR && /^Hunk #[0-9]+ FAILED/ { failed[patched, substr($2, 2) + 0] = 1 }
	FNR == NR { next }
	/^diff --git / { end_of_file(); file = ""; next }
	left_old <= 0 && left_new <= 0 && /^--- / { name = $2; next }
	left_old <= 0 && left_new <= 0 && /^\+\+\+ / {
		file = $2 == "/dev/null" ? name : $2
		sub(/^[ab]\//, "", file)
		there = 1
		if (problem)
			read_file()
		number = 0
		next
	}
	/^@@ / && left_old <= 0 && left_new <= 0 {
		end_of_hunk()
		head = $0
		number++
		split($2, o, ","); split($3, p, ",")
		old = -o[1]; n_old = $2 ~ /,/ ? o[2] : 1
		at = p[1] + 0; n_new = $3 ~ /,/ ? p[2] : 1
		left_old = n_old; left_new = n_new
		from = to = after = 0
		absent = ""
		next
	}
	left_old <= 0 && left_new <= 0 { next }
	$0 == "" { $0 = " " }
	/^[- ]/ {
		line = substr($0, 2)
		if (absent == "" && line ~ /[A-Za-z0-9]/ && !(line in in_file)) {
			absent = line
			gsub(/[ \t]+/, " ", absent)
			sub(/^ /, "", absent)
		}
	}
	/^[-+]/ {
		after = 0
		if (!from)
			from = at
		to = at + (/^\+/ ? 1 : 0)
	}
	/^ / { after++ }
	/^[+ ]/ { at++; left_new-- }
	/^[- ]/ { left_old-- }
	END {
		end_of_file()
		printf "" >lost
		for (i = 1; i <= n_lost; i++)
			print where[i], first[i], end[i], by[i] >lost
	}' "$TRY/log" "$TRY/diff"
}

# try_commit FILE LABEL: tries the commit. Sets RESULT, and writes a line for each failed hunk to
# $TRY/why. The hunks that apply stay, so that later patches fail for their own reasons.
try_commit()
{
	RESULT=applies
	: >"$TRY/why"
	sed -n '/^diff --git /,$p' "$1" >"$TRY/diff"
	case $1 in
	*.commit) try_selftests "$1" >"$TRY/why" ;;
	esac
	_all=1
	if [ ! -s "$TRY/diff" ]; then
		:
	elif try_patch -F0 --dry-run; then
		try_patch -F0
	elif try_patch -F0 --dry-run -R; then
		RESULT='in tree'
	elif try_patch --dry-run; then
		try_patch
		RESULT=fuzz
	elif try_apply; then
		RESULT=fuzz
	else
		try_patch || :
		_all=
	fi
	if [ -z "$_all" ] || [ -s "$TRY/lost" ]; then
		try_hunks "$2" >>"$TRY/why"
	fi
	[ ! -s "$TRY/why" ] || RESULT=$(awk -F'\t' '
		$2 !~ /^(Documentation\/|MAINTAINERS:)/ { n[$1]++; code = 1 }
		END { print !code ? "text" : n["fails"] ? "fails" : n["needs"] ? "needs" : "follows" }' "$TRY/why")
}

# try_files VERSION: prints the paths that this series changes. Sets $TRY/list to its commits.
try_files()
{
	try_list "$1" >"$TRY/all"
	sed '/\/cover$/d' "$TRY/all" >"$TRY/list"
	[ -s "$TRY/list" ] || die "the series for Linux $1 has no patch: correct its list"
	# shellcheck disable=SC2046 # a list of files without blanks
	{
		try_paths $(cat "$TRY/list")
		[ ! -e "$SERIES/import" ] || sed -n 's/^lines \([^|]*\)|.*/\1/p' "$SERIES/import"
	} | sort -u
}

# try_import: gives the copy the files and lines that the series of an older kernel takes from the
# kernel of the main one.
try_import()
{
	[ -e "$SERIES/import" ] || return 0
	_series=$SERIES
	lock_cache
	SERIES=kernel
	kernel_source
	SERIES=$_series
	# shellcheck disable=SC2034 # for import_files
	IMPORT_FROM=$BASE/linux
	import_files "$TRY/tree"
}

# try_copy SOURCE: copies the files in $TRY/paths.
try_copy()
{
	mkdir -p "$TRY/tree"
	(
		cd "$1" && while read -r _f; do
			[ ! -f "$_f" ] || echo "$_f"
		done <"$TRY/paths" | tar -chf - --verbatim-files-from -T -
	) | tar -xf - -C "$TRY/tree" --no-same-owner
	chmod -R u+rw "$TRY/tree"
}

# try_report SOURCE VERSION: prints the report on the source with the series of this version.
try_report()
{
	try_files "$2" >"$TRY/paths"
	try_copy "$1"
	patches_base "$1"
	try_import
	patches_import
	: >"$TRY/lost"
	: >"$TRY/results"
	# The imported parts count as there.
	try_prerequisites "$1" "$TRY/tree"
	echo
	while read -r _c; do
		_base=${_c##*/}
		_label=${_c%/*}
		_label=${_label##*/}/${_base%%-*}
		try_commit "$_c" "$_label"
		patches_add "$_c"
		echo "$RESULT" >>"$TRY/results"
		printf '%-22s %-8s %s\n' "$_label" "$RESULT" "$(try_subject "$_c")"
		sed 's/^[a-z]*	/    /' "$TRY/why"
	done <"$TRY/list"
	echo
	try_summary
}

# Sets TRY_ALL if all commits apply.
try_summary()
{
	TRY_ALL=1
	awk '
	{ n[$0]++ }
	END {
		bad = n["fails"] + n["needs"] + n["follows"] + n["text"]
		printf "%d commits: %d apply, %d of them with fuzz; ", NR, NR - bad - n["in tree"], n["fuzz"]
		printf "%d are in the tree; %d do not apply", n["in tree"], bad
		if (bad)
			printf ": %d fail, %d need a missing part, %d follow a failed one, %d lack only text in Documentation or MAINTAINERS", n["fails"], n["needs"], n["follows"], n["text"]
		print ""
		exit bad != 0
	}' "$TRY/results" || TRY_ALL=
}

# try_version SOURCE: prints the version in its Makefile, as 7.3.4.
try_version()
{
	awk '$2 == "=" && $1 ~ /^(VERSION|PATCHLEVEL|SUBLEVEL)$/ { v[$1] = $3 }
	END { if (v["VERSION"] v["PATCHLEVEL"] != "") print v["VERSION"] "." v["PATCHLEVEL"] "." v["SUBLEVEL"] + 0 }' "$1/Makefile" 2>/dev/null
}

# try_source SOURCE: the report with the series in KERNEL, or else the nearest one.
try_source()
{
	_version=$(try_version "$1") || :
	if [ ! -e "$1/Kbuild" ] || [ -z "$_version" ]; then
		try_usage "TREE=$1 is not a kernel tree: give the directory that holds its Kbuild file"
	fi
	_near=$(try_nearest "$_version")
	_with=$(try_series "$_near")
	need patch
	_source=$(cd "$1" && pwd)
	echo "$_source: Linux $_version"
	echo "series: that for Linux $_with; nearest prepared series: $_near"
	echo
	try_report "$_source" "$_with"
}

# try_series NEAREST: prints the version of the series to try.
try_series()
{
	_with=${KERNEL:-$1}
	try_versions | grep -qxF -e "$_with" ||
	try_usage "KERNEL=$_with: no series is prepared for it: KERNEL= takes one of these: $(try_versions | paste -s -d ' ')"
	echo "$_with"
}

# try_tree SOURCE: the report, with PATCHES=DIR the patches for the source, and with BUILD=1 a
# kernel of the tree that they give.
try_tree()
{
	[ -n "$1" ] || try_usage "make try needs TREE=: give the directory of a kernel's source"
	try_source "$1"
	if [ -n "${PATCHES:-}" ]; then
		patches_write "$PATCHES" "$_source" || return 1
		[ "${BUILD:-}" = 1 ] || return 0
	fi
	[ -n "$TRY_ALL" ] || return 1
	if [ "${BUILD:-}" = 1 ]; then
		try_build "$_source"
	else
		echo "To build a kernel of it: make try TREE=$1 BUILD=1"
		echo "To write the patches for it: make try TREE=$1 PATCHES=/path"
	fi
}

# try_build SOURCE: builds a copy of the source with the files in $TRY/tree.
try_build()
{
	supported_host
	lock_cache
	host_packages
	build_host_tools
	export KERNEL_SRC="$1"
	own_source
	TREE=$BASE/try
	kgit -C "$BASE/linux" worktree prune
	[ -d "$TREE" ] || kgit -C "$BASE/linux" worktree add -q --detach "$TREE" base-of-series
	{ kgit -C "$TREE" read-tree -m -u base-of-series && rsync -rlc "$TRY/tree/" "$TREE/" && kgit -C "$TREE" add -A -f; } \
		>"$LOGS/try.log" 2>&1 || die_log "$LOGS/try.log" "cannot write the series' files to $TREE"
	# shellcheck disable=SC2034 # for build_kernel
	TREE_ID=$(tree_content "$(git -C "$TREE" write-tree)")
	build_kernel try kernel/config/vm.config kernel/config/media.config
	kernel_image try
}

# try_offers: prints "VERSION PACKAGE SUITE" for each linux-source that the suites have.
try_offers()
{
	for _s in $(source_word next); do
		if ! apt_lists "$_s"; then
			printf '      no complete package lists of %s\n' "$_s" >&2
			continue
		fi
		private_apt "$_s" apt-cache search --names-only '^linux-source-[0-9.]*$' | while read -r _p _; do
			private_apt "$_s" apt-cache madison "$_p" | awk -F'|' -v suite="$_s" 'NR == 1 { gsub(/ /, ""); print $2, $1, suite }'
		done
	done
}

# The report on the newest linux-source of Debian. Unpacks only the files that it reads.
try_next()
{
	lock_cache
	step "looking for the newest linux-source in $(source_word next)"
	try_offers >"$TRY/offers"
	# shellcheck disable=SC2046 # words
	set -- $(sort -V "$TRY/offers" | tail -n 1)
	[ $# = 3 ] || die "no answer from the Debian mirror $DEBIAN_MIRROR: check the network, or set DEBIAN_MIRROR="
	echo "newest: $2 $1 in $3"
	_next=$CACHE/next/$2_$(printf %s "$1" | tr -c 'A-Za-z0-9.+-' '-')
	_with=$(try_series "$(try_nearest "${2#linux-source-}")")
	{ try_files "$_with" && try_fields | cut -f 3 && printf '%s\n' Makefile Kbuild; } | sort -u | sed "s,^,$2/," >"$TRY/wanted"
	_next=$CACHE/next/$2_$(printf %s "$1" | tr -c 'A-Za-z0-9.+-' '-')-$(hash16 "$TRY/wanted")
	if [ ! -d "$_next" ]; then
		need_space 600
		step "fetching $2 $1"
		fetch_deb "$3" "$2"
		try_unpack "$2" "$_next"
		rm -f "$DEB"
	fi
	try_source "$_next"
	[ -n "$TRY_ALL" ] || return 1
	try_record "$2 $1"
}

# try_record PACKAGE: writes kernel/tried, which "make check" prints. Each commit of the series applies
# to this package.
try_record()
{
	[ "$(try_nearest "${_version:?}")" = "$(try_versions | head -n 1)" ] || return 0
	{
		echo '# SPDX-License-Identifier: GPL-2.0-or-later'
		echo '# The newest kernel to which all commits of kernel/series applied: "make next" writes this.'
		printf '%s %s\n' "$1" "$(date -u +%Y-%m-%d)"
	} >kernel/tried
	echo "      written: kernel/tried" >&2
}

# try_unpack PACKAGE DIR: unpacks the files in $TRY/wanted. Not every tree has all of them.
try_unpack()
{
	rm -rf "$2.new"
	mkdir -p "$2.new"
	dpkg-deb --fsys-tarfile "$DEB" | tar -xO "./usr/src/$1.tar.xz" |
		tar -xJ --strip-components=1 -C "$2.new" -T "$TRY/wanted" 2>"$LOGS/unpack.log" || :
	[ -e "$2.new/Kbuild" ] || die_log "$LOGS/unpack.log" "cannot unpack $DEB"
	mv "$2.new" "$2"
}
