#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules that hold for the repository's files. Prints TAP.
#
#   rules.sh BUILD-DIR DIR
#
# BUILD-DIR is a configured build directory of meson. DIR takes temporary files.
set -eu
cd "$(dirname "$0")/.."
build=$1
dir=$2
cc=${HOSTCC:-gcc}
warn='-Wall -Wextra -Werror -D_GNU_SOURCE'

. scripts/lib/selftests.sh
. scripts/lib/postings.sh
. tests/lib/tap.sh

# Prints the files that git tracks, and new files that it does not ignore.
files()
{
	git -c safe.directory="$PWD" ls-files -c -o --exclude-standard | while read -r _f; do
		[ ! -f "$_f" ] || echo "$_f"
	done
}

# Fails if git lists hardly any file: each rule would then pass without a check.
all_files()
{
	files >"$dir/files"
	[ "$(wc -l <"$dir/files")" -le 20 ] || return 0
	echo "git does not list the repository's files: run this in a git clone"
	return 1
}

# nothing COMMAND...: fails if the command prints anything, and prints that.
nothing()
{
	_found=$("$@") || :
	[ -z "$_found" ] || { echo "$_found"; return 1; }
}

shell_clean()
{
	_s=$(files | while read -r _f; do
		case $_f in
		*.sh) echo "$_f" ;;
		*) ! head -n 1 "$_f" | grep -qE '^#!(/usr)?/bin/(env )?(busybox )?(ba)?sh' || echo "$_f" ;;
		esac
	done)
	[ -n "$_s" ] || { echo "no shell script found"; return 1; }
	# A clean result holds as long as no script changes.
	# shellcheck disable=SC2086 # a list of files
	{ shellcheck --version && sha256sum $_s; } >"$dir/scripts" || return 1
	! cmp -s "$dir/scripts" "$build/meson-private/shellcheck-clean" || return 0
	# shellcheck disable=SC2086 # a list of files
	shellcheck -x -s sh $_s && cp "$dir/scripts" "$build/meson-private/shellcheck-clean"
}

# The C files that the host can compile: those of the guest need the kernel's headers.
c_files()
{
	files | grep -E '\.c$' | grep -vE '^(tests/guest/|selftests/|tests/lib/program\.c|tests/bench/dmem_charge_time)' >"$dir/c-files"
	[ -s "$dir/c-files" ] || { echo "no C file found"; return 1; }
}

includes='-Itools -Itools/lib -Itests/lib -Iselftests -Itests/guest/kernel -Itests/guest/display -Itests/unit/judge -Itools/demo'

# Meson builds its files with -Werror. This compiles the other C files, which belong to the
# guest. A file of the host that is in no meson.build is an error.
compiles()
{
	c_files || return 1
	meson introspect --targets "$build" | jq -r '.[].target_sources[].sources[]' |
	xargs realpath -m | sed "s|^$(pwd -P)/||" | sort -u >"$dir/built"
	[ "$(wc -l <"$dir/built")" -ge 100 ] || { echo "meson builds only:"; cat "$dir/built"; return 1; }
	grep -vxF -f "$dir/built" "$dir/c-files" | while read -r _f; do
		# shellcheck disable=SC2086 # options
		$cc -O2 $warn $includes -c -o "$dir/prog.o" "$_f" || exit 1
		echo "$_f"
	done >"$dir/others" || return 1
	grep -vE '^(tools/demo/|tests/bench/|tests/lib/program\.c|scripts/judge/screen\.c)' "$dir/others" || return 0
	echo "these are in no meson.build"
	return 1
}

# gcc and clang warn of different mistakes. ccache keeps the result of a file without any.
compiles_with_clang()
{
	c_files || return 1
	_ccache=
	! command -v ccache >/dev/null || _ccache=ccache
	# shellcheck disable=SC2016,SC2086 # the shell of xargs expands it; options
	xargs -P 2 -I {} sh -c 'o=$(mktemp "$0.XXXXXX") && "$@" -o "$o"' "$dir/clang" \
		$_ccache clang $warn $includes -c {} <"$dir/c-files"
}

without_spdx()
{
	files | grep -v -e '\.patch$' -e '^kernel/series$' -e '^debian/changelog$' -e '^docs/example\.' |
	tr '\n' '\0' | xargs -0 awk '
		FNR == 1 { if (file != "" && !ok) print file " has no SPDX line"; file = FILENAME; ok = 0 }
		FNR <= 5 && /SPDX-License-Identifier: GPL-2\.0/ { ok = 1 }
		END { if (file != "" && !ok) print file " has no SPDX line" }'
}

# Paths of one machine and names of mirrors are wrong on other machines.
places()
{
	files | grep -v '\.patch$' | tr '\n' '\0' |
	xargs -0 grep -nE '(^|[ ="])/(root|home)/[a-z.]|'"$PWD"'/|[a-z]+\.debian\.(org|net)|debian\.snapshot' |
	grep -v -e '^scripts/rules\.sh:' -e '^debian/copyright:[0-9]*:Format: https://www\.'
}

# Only the poster of a patch can add Signed-off-by, so the series must not have it.
signed()
{
	grep -rl '^Signed-off-by:' kernel/patches kernel/selftests
}

# All kselftests are in selftests/, and the series contains each file there.
selftests_match()
{
	rule_patches_code
	rule_selftests_listed
	rule_selftests_order
}

# Each "make TARGET" in a block of shell commands must exist.
docs_targets()
{
	files | grep '\.md$' | while read -r _f; do
		awk '/^```/ { on = ($0 == "```sh") } on && $1 == "make"' "$_f" |
		tr ' ' '\n' | grep -E '^[a-z][a-z-]*$' | grep -v '^make$' | sort -u |
		while read -r _t; do
			grep -qE "^([a-z -]* )?$_t( [a-z -]*)?:" Makefile || echo "$_f: there is no 'make $_t'"
		done
	done
}

# has_test PROGRAM TEST: succeeds if the program of the guest, or the KUnit suite of the series, has
# the test. PROGRAM may have the name of a boot in front, as in arm32:.
has_test()
{
	set -- "${1##*:}" "$2"
	case $1 in
	kunit/*) grep -rq "^+.*KUNIT_CASE.*(${2##*.})" kernel/patches ;;
	cgroup/*) grep -q "^TEST.*\<${2##*.})\|^TEST.*\<${2##*.}, [0-9]*)" "selftests/${1##*/}.c" ;;
	*) grep -q "^TEST.*\<${2##*.})\|^TEST.*\<${2##*.}, [0-9]*)" "tests/guest/$1.c" ;;
	esac
}

# Prints the tests that docs/escapes.md names for an attempt to evade a limit, if they do not
# exist.
escapes_tests()
{
	# shellcheck disable=SC2016 # Markdown's
	sed -n '/^|/s,`[a-z]*/test_,\n&,gp' docs/escapes.md |
	sed -n 's,^`\([a-z]*/test_[a-z0-9_]*\) \([a-z0-9_]*\)`.*,\1 \2,p' >"$dir/escapes"
	[ "$(wc -l <"$dir/escapes")" -gt 20 ] || echo "docs/escapes.md names no test"
	while read -r _p _t; do
		has_test "$_p" "$_t" || echo "docs/escapes.md: $_p has no test $_t"
	done <"$dir/escapes"
}

# Prints mutants whose test does not exist, and those that are only in the list or the patch.
mutants_tests()
{
	awk '/^[0-9]/ { print $1, $2, $3 }' kernel/mutants/list >"$dir/mutants"
	[ "$(wc -l <"$dir/mutants")" -gt 100 ] || echo "kernel/mutants/list names no mutant"
	sort -u "$dir/mutants" -o "$dir/mutants"
	while read -r _n _p _t; do
		case $_t in
		data-race|kernel.log) ;;
		*) has_test "$_p" "$_t" || echo "kernel/mutants/list: $_n: ${_p#*:} has no test $_t" ;;
		esac
	done <"$dir/mutants"
	cut -d' ' -f1 "$dir/mutants" | sort -u >"$dir/listed"
	grep -o 'mutant([0-9]*)' kernel/mutants/mutants.patch | tr -cd '0-9\n' | sort -u >"$dir/patched"
	comm -23 "$dir/listed" "$dir/patched" | sed 's,.*,kernel/mutants/list: & is not in mutants.patch,'
	grep -o '^+.*mutant([0-9]*)' kernel/mutants/mutants.patch | sed 's/.*mutant(\([0-9]*\))/\1/' | sort -u |
	comm -13 "$dir/listed" - | sed 's/^/kernel\/mutants\/list does not have /'
}

# Prints mutants of programs that change no line of their file.
program_mutants_match()
{
	grep '^[hkpst][0-9]' tests/mutants >"$dir/mutants"
	[ "$(wc -l <"$dir/mutants")" -ge 36 ] || echo "tests/mutants names no mutant"
	while IFS='|' read -r _n _f _sed _why; do
		_f=$(echo "$_f" | tr -d ' ')
		! sed "${_sed# }" "$_f" | cmp -s - "$_f" ||
		echo "tests/mutants: ${_n%% *}: its line is not in $_f"
	done <"$dir/mutants"
}

# Prints calls of functions that musl or an older glibc lacks. System calls replace them.
musl_lacks()
{
	files | grep -E '^(tools|systemd-units)/.*\.[ch]$' | tr '\n' '\0' |
	xargs -0 grep -nE '[^_[:alnum:]](renameat2|close_range|pidfd_open|pidfd_send_signal|openat2|canonicalize_file_name|strerrorname_np|error)\([^)]'
}

# A code block with the name of a file must be a part of that file.
docs_files()
{
	grep -qE '^```[a-z]+ tests/' docs/containers.md || echo "docs/containers.md names no file"
	files | grep '\.md$' | while read -r _f; do
		awk -v doc="$_f" '
		function whole(name,    line, all) {
			while ((getline line <name) > 0)
				all = all line "\n"
			close(name)
			return all
		}
		!on && /^```/ && NF == 2 { on = 1; name = $2; text = ""; next }
		on && /^```/ {
			on = 0
			if (text == "" || !index(whole(name), text))
				print doc ": this is not in " name ": " text
			next
		}
		on { text = text $0 "\n" }' "$_f"
	done
}

# Succeeds if Podman can create containers: it needs root, and a mount of cgroup v2 in a mount
# namespace of its own.
podman_here()
{
	[ "$(id -u)" = 0 ] && command -v podman >/dev/null &&
	unshare --mount sh -c 'mount --make-rprivate / && mount -t cgroup2 cgroup2 /sys/fs/cgroup' 2>/dev/null
}

# make help must list all targets, and no others.
help_targets()
{
	make -s help >"$dir/help"
	sed -n 's/^make \(-s \)\{0,1\}\([a-z-]*\).*/\2/p' "$dir/help" | while read -r _t; do
		grep -qE "^([a-z -]* )?$_t( [a-z -]*)?:" Makefile || echo "make help names '$_t', which is no target"
	done
	# shellcheck disable=SC2013 # splits into words
	for _t in $(sed -n 's/^\.PHONY: help//p' Makefile); do
		grep -qE "^make (-s )?$_t( |\$)" "$dir/help" || echo "make help does not tell of '$_t'"
	done
}

wrong_variables()
{
	for _s in no-such-suite 'unit core'; do
		_o=$(scripts/go.sh check "$_s" 2>&1) && echo "suite '$_s' was taken"
		[ "$(echo "$_o" | wc -l)" = 1 ] || echo "suite '$_s': more than one line: $_o"
	done
	# Two arguments, as make passes them.
	scripts/go.sh check unit core >/dev/null 2>&1 && echo "two suites were taken for the first"
	for _t in nonsense test_dmem_limits test_package test_dmem_limit.nonsense test_dmem_limit.zero,test_drm arm32:nonsense nonsense:test_drm; do
		_o=$(T=$_t DMEM_CACHE=none scripts/go.sh guest 2>&1) && echo "T=$_t was taken"
		case $_o in "error: "*"$_t"*|"error: "*"'nonsense'"*) ;; *) echo "T=$_t: another error: $_o" ;; esac
		[ "$(echo "$_o" | wc -l)" = 1 ] || echo "T=$_t: more than one line: $_o"
	done
	for _t in test_dmem_limits test_limit; do
		T=$_t scripts/go.sh guest 2>&1 | grep -q 'cgroup/test_dmem_limit' ||
		echo "T=$_t: the error does not name test_dmem_limit"
	done
}

# Each file in scripts/suites/ must register one suite, and make help must list it.
suites_registered()
{
	scripts/go.sh suites >"$dir/suites"
	make -s help >"$dir/help"
	for _f in scripts/suites/*.sh; do
		_s=${_f##*/}
		_s=${_s%.sh}
		[ "$(grep -c "SUITE=$_s " "$dir/suites")" = 1 ] || echo "$_f does not register suite $_s, or twice"
		grep -q "^suite_$_s()" "$_f" || echo "$_f has no function suite_$_s"
		grep -q "SUITE=$_s " "$dir/help" || echo "make help does not name suite $_s"
	done
	[ "$(wc -l <"$dir/suites")" = "$(find scripts/suites -name '*.sh' | wc -l)" ] ||
	echo "a file in scripts/suites registers more than one suite"
}

# "make guest" must accept each program of the guest's tests.
guest_registered()
{
	T='' DMEM_CACHE=none scripts/go.sh guest 2>&1 | tr ' ' '\n' >"$dir/programs"
	for _f in tests/guest/*/test_*.c; do
		_f=${_f#tests/guest/}
		grep -qxF "${_f%.c}" "$dir/programs" || echo "no suite has the program ${_f%.c}"
	done
	# shellcheck disable=SC2046 # a list of files without blanks
	for _f in $(commit_files $(series_commits) | sed -n '/^test_[^/]*\.c$/p'); do
		grep -qxF "cgroup/${_f%.c}" "$dir/programs" || echo "no suite has the program cgroup/${_f%.c}"
	done
}

# tests/README.md must give a reason for each program in tests/guest/kernel.
kernel_programs_named()
{
	# shellcheck disable=SC2016 # Markdown's
	sed -n '/^## Tests of the kernel that are no/,/^## Write/{/^|/p}' tests/README.md | grep -o '`test_[a-z0-9_]*`' |
	tr -d '\140' | sort >"$dir/named"
	(cd tests/guest/kernel && ls test_*.c) | sed 's/\.c$//' | sort >"$dir/there"
	comm -13 "$dir/named" "$dir/there" | sed 's,.*,tests/README.md does not say why & is in tests/guest/kernel,'
	comm -23 "$dir/named" "$dir/there" | sed 's,.*,tests/README.md names &\, which is not in tests/guest/kernel,'
	uniq -d "$dir/named" | sed 's,.*,tests/README.md names & twice,'
}

# own_config WORDS COMMAND...: filters a good configuration through the command, and runs "make
# kernel-config" on the result. Its error must name the options WORDS. Without WORDS, it must
# succeed.
own_config()
{
	_words=$1
	shift
	{ echo '# Linux/arm64 7.3.0 Kernel Configuration'; "$@"; } <kernel/config/need.config >"$dir/config"
	_rc=0
	_o=$(KERNEL_CONFIG=$dir/config KERNEL_ARCH=arm64 scripts/go.sh kernel-config 2>&1) || _rc=$?
	echo "$_o"
	if [ -z "$_words" ]; then
		[ "$_rc" = 0 ]
	else
		[ "$_rc" = 1 ] && [ "$(echo "$_o" | sed -n 's/^  CONFIG_//p' | tr '\n' ' ')" = "$_words " ] &&
		case $_o in *" --file $dir/config -e $(echo "$_words" | sed 's/ / -e /g')") ;; *) false ;; esac
	fi
}

own_configs()
{
	own_config '' cat &&
	own_config '' sed 's/_CMA=y/_CMA=m/' &&
	own_config '' grep -v HEAPS_SYSTEM &&
	own_config 'CGROUP_DMEM CMA_SYSFS' grep -v -e CGROUP_DMEM -e CMA_SYSFS &&
	own_config 'DMA_CMA' sed 's/^\(CONFIG_DMA_CMA\)=y/# \1 is not set/' &&
	own_config 'DMABUF_HEAPS_CMA DMABUF_HEAPS_SYSTEM' grep -v HEAPS_ &&
	own_config 'CGROUPS CGROUP_DMEM CMA DMA_CMA CMA_SYSFS DMABUF_HEAPS DMABUF_HEAPS_CMA DMABUF_HEAPS_SYSTEM' \
		grep -v CONFIG_
}

# docs/board.md must name the options in kernel/config/need.config, and no others.
own_config_docs()
{
	sed -n 's/^\(CONFIG_[A-Z_]*\)=y$/\1/p' kernel/config/need.config | sort >"$dir/named"
	sed -n '/^- /,/^$/p' docs/board.md | grep -o 'CONFIG_[A-Z_]*' | sort -u >"$dir/there"
	[ -s "$dir/named" ] && diff "$dir/named" "$dir/there"
}

# Each error must be one line, and come before a download or a build: those would fail with
# another error, since DMEM_CACHE=none is no valid cache.
wrong_configs()
{
	cat kernel/config/need.config >"$dir/config"
	echo '# Linux/arm64 7.3.0 Kernel Configuration' >>"$dir/config"
	for _v in "KERNEL_CONFIG=$dir/config KERNEL_ARCH=arm" "KERNEL_CONFIG=$dir/config KERNEL_ARCH=vax" \
		  "KERNEL_CONFIG=$dir/no-such-file" KERNEL_CONFIG=; do
		# shellcheck disable=SC2086 # words
		_o=$(env $_v DMEM_CACHE=none scripts/go.sh kernel-deb 2>&1) && echo "$_v was taken"
		case $_o in 'error: '*KERNEL_*) ;; *) echo "$_v: another error: $_o" ;; esac
		[ "$(echo "$_o" | wc -l)" = 1 ] || echo "$_v: more than one line: $_o"
	done
}

t "git lists the files" all_files
t "shellcheck has nothing to say" shell_clean
t "C programs compile without a warning" compiles
t "clang has no warning either" compiles_with_clang
t "words are spelt right" codespell
t "the prose is within its limits" scripts/prose.sh
t "no function is used that musl 1.2.3 lacks" nothing musl_lacks
t "every file has its SPDX line" nothing without_spdx
t "no place of one machine or mirror is named" nothing places
t "kernel/series lists exactly the patches" nothing rule_series_names
t "each posting can be sent" nothing rule_postings
t "no patch is signed off before it is posted" nothing signed
t "selftests/ is what the series adds" nothing selftests_match
t "selftests/ is small enough" nothing rule_selftests_lines
t "each kselftest has a mutant" nothing rule_selftests_mutants
t "documented make targets exist" nothing docs_targets
t "each way around a cap has its test" nothing escapes_tests
t "each mutant has its test" nothing mutants_tests
t "each mutant of a program has its line" nothing program_mutants_match
t "what the documentation quotes is in the file" nothing docs_files
t "docs/demo.md shows the sentences of the demo" sh tests/unit/docs/demo_text.sh
# Where Podman works, it checks its command lines itself.
! podman_here || t "Podman takes the command lines of docs/containers.md" \
	unshare --mount sh tests/guest/containers/podman_words.sh "$dir/podman"
t "make help tells of every target" nothing help_targets
t "a wrong suite or guest program is one line" nothing wrong_variables
t "each file of a suite registers it" nothing suites_registered
t "each guest program can be run alone" nothing guest_registered
t "tests/README.md names each program of tests/guest/kernel" nothing kernel_programs_named
t "what a kernel's configuration lacks is named at once" own_configs
t "docs/board.md names these options" own_config_docs
t "a configuration that cannot be used is one line" nothing wrong_configs
tap_end
