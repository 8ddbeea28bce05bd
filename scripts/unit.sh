#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Suite unit: what can be checked without a kernel. Writes the stream that
# tapsum judges. $1 is a directory to work in.
set -eu
cd "$(dirname "$0")/.."
dir=$1
cc=${HOSTCC:-gcc}
warn='-Wall -Wextra -Werror -D_GNU_SOURCE'
n=0
bad=0

. scripts/unit-tools.sh

# t NAME COMMAND...: one test; what the command says is why it failed.
t()
{
	_name=$1
	shift
	n=$((n + 1))
	if "$@" >"$dir/out" 2>&1; then
		echo "ok $n $_name"
	else
		sed 's/^/# /' "$dir/out"
		echo "not ok $n $_name"
		bad=1
	fi
}

# The files that are in the repository, or would be.
files()
{
	git -c safe.directory="$PWD" ls-files -c -o --exclude-standard | while read -r _f; do
		[ ! -f "$_f" ] || echo "$_f"
	done
}

# Rules over no file at all would all hold.
all_files()
{
	files >"$dir/files"
	[ "$(wc -l <"$dir/files")" -le 20 ] || return 0
	echo "git does not list the repository's files: run this in a git clone"
	return 1
}

# nothing COMMAND...: the command must find nothing. Says what it found.
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
	# shellcheck disable=SC2086 # a list of files
	shellcheck -x -s sh $_s
}

c_files()
{
	files | grep -E '^((scripts|tools|systemd-units)/.*|tests/(systemd|tools)/[^/]*)\.c$' >"$dir/c-files"
	[ -s "$dir/c-files" ] || { echo "no C file found"; return 1; }
}

compiles()
{
	c_files || return 1
	while read -r _f; do
		# shellcheck disable=SC2086 # options
		$cc -O2 $warn -c -o "$dir/prog.o" "$_f" || return 1
	done <"$dir/c-files"
}

# gcc and clang warn of different mistakes.
compiles_with_clang()
{
	c_files || return 1
	# shellcheck disable=SC2046,SC2086 # options, a list of files
	clang -fsyntax-only $warn $(cat "$dir/c-files")
}

without_spdx()
{
	files | grep -v -e '\.patch$' -e '^kernel/series$' -e '^debian/changelog$' -e '^docs/example\.' | while read -r _f; do
		head -n 5 "$_f" | grep -q 'SPDX-License-Identifier: GPL-2\.0' || echo "$_f has no SPDX line"
	done
}

# Paths of one machine and names of mirrors belong to nobody else.
places()
{
	files | grep -v '\.patch$' | tr '\n' '\0' |
	xargs -0 grep -nE '(^|[ ="])/(root|home)/[a-z.]|'"$PWD"'/|[a-z]+\.debian\.(org|net)|debian\.snapshot' |
	grep -v -e '^scripts/unit\.sh:' -e '^debian/copyright:[0-9]*:Format: https://www\.'
}

series_matches()
{
	{ sed -e 's/#.*//' -e '/^[[:space:]]*$/d' kernel/series | sort; } >"$dir/named"
	(cd kernel/patches && ls) | sort >"$dir/there"
	[ -s "$dir/named" ] || { echo "kernel/series names no patch"; return 1; }
	diff "$dir/named" "$dir/there"
}

unsigned()
{
	for _p in kernel/patches/*.patch; do
		grep -q '^Signed-off-by: .* <.*@.*>$' "$_p" || echo "$_p has no Signed-off-by"
	done
}

# selftests/ is what the series adds as tools/testing/selftests/dmem.
selftests_match()
{
	_tree=$dir/selftests-tree
	rm -rf "$_tree"
	mkdir -p "$_tree"
	_top=$PWD
	# shellcheck disable=SC2013 # words are what is wanted
	for _p in $(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' kernel/series); do
		grep -q '^+++ b/tools/testing/selftests/dmem/' "kernel/patches/$_p" || continue
		(cd "$_tree" && GIT_CEILING_DIRECTORIES="$dir" git apply \
			--include='tools/testing/selftests/dmem/*' "$_top/kernel/patches/$_p") || return 1
	done
	_made=$_tree/tools/testing/selftests/dmem
	[ -d "$_made" ] || { echo "no patch adds tools/testing/selftests/dmem: make series"; return 1; }
	mkdir -p "$dir/selftests-here"
	rm -rf "$dir/selftests-here"
	mkdir -p "$dir/selftests-here"
	files | sed -n 's,^selftests/,,p' | tar -cf - -C selftests -T - | tar -xf - -C "$dir/selftests-here"
	diff -r "$_made" "$dir/selftests-here"
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

# has_test PROGRAM TEST: in selftests/ or among the series' KUnit tests.
has_test()
{
	case $1 in
	kunit/*) grep -q "^+.*KUNIT_CASE.*(${2##*.})" kernel/patches/*.patch ;;
	*) grep -q "^TEST.*\<${2##*.})\|^TEST.*\<${2##*.}, [0-9]*)" "selftests/${1##*/}.c" ;;
	esac
}

# A way around a cap of which no test tells.
escapes_tests()
{
	# shellcheck disable=SC2016 # Markdown's
	sed -n '/^|/s/`test_/\n&/gp' docs/escapes.md |
	sed -n 's/^`\(test_[a-z0-9_]*\) \([a-z0-9_]*\)`.*/\1 \2/p' >"$dir/escapes"
	[ "$(wc -l <"$dir/escapes")" -gt 20 ] || echo "docs/escapes.md names no test"
	while read -r _p _t; do
		has_test "$_p" "$_t" || echo "docs/escapes.md: selftests/$_p.c has no test $_t"
	done <"$dir/escapes"
}

# A mutant that no test could notice.
mutants_tests()
{
	awk '/^[0-9]/ { print $1, $2, $3 }' kernel/mutants/list >"$dir/mutants"
	[ "$(wc -l <"$dir/mutants")" -gt 100 ] || echo "kernel/mutants/list names no mutant"
	while read -r _n _p _t; do
		case $_t in
		data-race|kernel.log) ;;
		*) has_test "$_p" "$_t" || echo "kernel/mutants/list: $_n: ${_p#*:} has no test $_t" ;;
		esac
		grep -q "mutant($_n)" kernel/mutants/mutants.patch ||
		echo "kernel/mutants/list: $_n is not in mutants.patch"
	done <"$dir/mutants"
	grep -o '^+.*mutant([0-9]*)' kernel/mutants/mutants.patch | sed 's/.*mutant(\([0-9]*\))/\1/' | sort -u |
	while read -r _n; do
		grep -q "^$_n " kernel/mutants/list || echo "kernel/mutants/list does not have $_n"
	done
}

# A mutant of the programs for systemd whose line is not there any more.
systemd_mutants_match()
{
	grep '^s[0-9]' tests/mutants >"$dir/mutants"
	[ "$(wc -l <"$dir/mutants")" -ge 18 ] || echo "tests/mutants names no mutant"
	while IFS='|' read -r _n _f _sed _why; do
		_f=$(echo "$_f" | tr -d ' ')
		! sed "${_sed# }" "$_f" | cmp -s - "$_f" ||
		echo "tests/mutants: ${_n%% *}: its line is not in $_f"
	done <"$dir/mutants"
}

# Functions that musl, or an older glibc, does not have: the system call does it.
musl_lacks()
{
	files | grep -E '^(tools|systemd-units)/.*\.[ch]$' | tr '\n' '\0' |
	xargs -0 grep -nE '[^_[:alnum:]](renameat2|close_range|pidfd_open|pidfd_send_signal|openat2|canonicalize_file_name|strerrorname_np|error)\([^)]'
}

# A block that names a file is a part of it.
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

# Podman makes containers here: as root, on cgroup v2 in a mount namespace of its own.
podman_here()
{
	[ "$(id -u)" = 0 ] && command -v podman >/dev/null &&
	unshare --mount sh -c 'mount --make-rprivate / && mount -t cgroup2 cgroup2 /sys/fs/cgroup' 2>/dev/null
}

# make help is the list of what there is.
help_targets()
{
	make -s help | sed -n 's/^make \(-s \)\{0,1\}\([a-z-]*\).*/\2/p' | while read -r _t; do
		grep -qE "^([a-z -]* )?$_t( [a-z -]*)?:" Makefile || echo "make help names '$_t', which is no target"
	done
	# shellcheck disable=SC2013 # words are what is wanted
	for _t in $(sed -n 's/^\.PHONY: help//p' Makefile); do
		make -s help | grep -qE "^make (-s )?$_t( |\$)" || echo "make help does not tell of '$_t'"
	done
}

wrong_variables()
{
	for _s in no-such-suite 'unit core'; do
		_o=$(scripts/go.sh check "$_s" 2>&1) && echo "suite '$_s' was taken"
		[ "$(echo "$_o" | wc -l)" = 1 ] || echo "suite '$_s': more than one line: $_o"
	done
	# As make gives them.
	scripts/go.sh check unit core >/dev/null 2>&1 && echo "two suites were taken for the first"
}

# own_config WORDS COMMAND...: "make kernel-config" of a configuration that the
# command makes of a good one. It says these words, or nothing is wrong if there are none.
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

# What is looked for is what docs/board.md tells of.
own_config_docs()
{
	sed -n 's/^\(CONFIG_[A-Z_]*\)=y$/\1/p' kernel/config/need.config | sort >"$dir/named"
	sed -n '/^- /,/^$/p' docs/board.md | grep -o 'CONFIG_[A-Z_]*' | sort -u >"$dir/there"
	[ -s "$dir/named" ] && diff "$dir/named" "$dir/there"
}

# In one line, and before anything is fetched or built: no cache can be had here.
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

# model_build NAME OPTION...: tests/model, as $dir/NAME.
model_build()
{
	_m=$1
	shift
	# shellcheck disable=SC2086 # options
	$cc "$@" $warn -Iselftests -o "$dir/$_m" tests/model/*.c selftests/reserve_model.c
}

# The model has a flaw, and must find it: one line, and the way to it.
model_finds()
{
	_rc=0
	"$dir/model" --break "$1" >"$dir/model-$1" 2>&1 || _rc=$?
	[ "$_rc" != 1 ] || [ "$(wc -l <"$dir/model-$1")" -lt 3 ] || return 0
	cat "$dir/model-$1"
	echo "status $_rc: the flaw was not found"
	return 1
}

# The programs for systemd, with sanitizers, and dmem-apply on a tree of plain
# files. The generator also without, to see how long it takes.
systemd_programs()
{
	_san='-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all'
	rm -rf "$dir/systemd"
	mkdir -p "$dir/systemd/lib"
	for _f in tools/lib/*.c systemd-units/*.c tests/systemd/*.c; do
		_o=$dir/systemd/$(basename "$_f" .c).o
		case $_f in tools/lib/*) _o=$dir/systemd/lib/${_o##*/} ;; esac
		# shellcheck disable=SC2086 # options
		$cc $_san $warn -c -o "$_o" "$_f" || return 1
	done
	systemd_link dmem-generator emit log &&
	systemd_link dmem-apply context log fakecg -Wl,--wrap=write,--wrap=mkdirat &&
	systemd_link test_lib tap && systemd_link test_apply tap && systemd_link test_generator tap complaints &&
	systemd_link test_kill tap traced && systemd_link test_differential tap tree complaints &&
	systemd_link test_texts tap && systemd_link fuzz mutate && log_program &&
	make -s -C systemd-units O="$dir/systemd/fast" CC="$cc" CFLAGS='-O2 -Werror' && host_programs
}

# Messages to a journal of our own.
log_program()
{
	# shellcheck disable=SC2086 # options
	$cc $_san $warn -DJOURNAL='"journal"' -DKMSG='"kmsg"' -o "$dir/systemd/test_log" tests/unit/systemd/test_log.c \
		tools/lib/base/log.c "$dir/systemd/tap.o" "$dir"/systemd/lib/*.o
}

# systemd as the first process of namespaces, and what is tried there. The program that
# stays in the unit's context is dynamic, as it must be to be attacked.
host_programs()
{
	_h=$dir/systemd/host
	mkdir -p "$_h"
	# shellcheck disable=SC2086 # options
	$cc $_san $warn -c -o "$dir/systemd/boot.o" tests/lib/boot.c && systemd_link test_host tap boot &&
	$cc $_san $warn -o "$_h/test_record_now" tests/unit/host/test_record_now.c tests/lib/fake.c \
		"$dir/systemd/boot.o" "$dir/systemd/tap.o" &&
	$cc $_san $warn -o "$_h/test_slices" tests/unit/host/test_slices.c "$dir/systemd/boot.o" "$dir/systemd/tap.o" &&
	$cc -O2 $warn -shared -fPIC -o "$_h/evil.so" tests/unit/host/evil.c -ldl &&
	$cc -O2 $warn -o "$_h/stay" tests/unit/host/stay.c tools/apply/dmem-apply.c tools/lib/base/log.c \
		"$dir/systemd/fast/libdmem.a"
}

# systemd_link PROGRAM OBJECT... [OPTION]
systemd_link()
{
	_p=$1
	for _w in "$@"; do
		shift
		case $_w in -*) ;; *) _w=$dir/systemd/$_w.o ;; esac
		set -- "$@" "$_w"
	done
	# shellcheck disable=SC2086 # options
	$cc $_san -o "$dir/systemd/$_p" "$@" "$dir"/systemd/lib/*.o
}

# What make install puts somewhere, make uninstall takes away.
systemd_install()
{
	for _p in /usr /usr/local; do
		for _m in install uninstall; do
			make -s -C systemd-units O="$dir/systemd/fast" CC="$cc" CFLAGS='-O2 -Werror' \
				PREFIX="$_p" DESTDIR="$dir/systemd/dest" "$_m" || return 1
			find "$dir/systemd/dest" ! -type d >"$dir/systemd/$_m"
		done
		[ "$(wc -l <"$dir/systemd/install")" -ge 10 ] || { cat "$dir/systemd/install"; return 1; }
		[ ! -s "$dir/systemd/uninstall" ] || { cat "$dir/systemd/uninstall"; return 1; }
	done
}

# A program that a unit runs with "+" is root in that unit's environment and mounts, so
# that it must do without a loader. What other packages bring is not looked at.
plus_static()
{
	make -s -C systemd-units O="$dir/systemd/fast" CC="$cc" CFLAGS='-O2 -Werror' \
		DESTDIR="$dir/systemd/dest" install || return 1
	_plus=$(grep -rIhoE '^Exec[A-Za-z]+=[-@:!|]*[+][-@:!|]*[^ ]+' "$dir/systemd/dest" | sed 's/.*[+@:!|-]\//\//' | sort -u)
	[ -n "$_plus" ] || { echo "no unit has a command with '+'"; return 1; }
	for _p in $_plus; do
		LC_ALL=C readelf -lW "$dir/systemd/dest$_p" >"$dir/elf" || return 1
		! grep INTERP "$dir/elf" || { echo "$_p has a loader"; return 1; }
	done
}

# Each program and unit that is installed, also as an example, has its place in the list of
# what runs as root.
security_names()
{
	make -s -C systemd-units O="$dir/systemd/fast" CC="$cc" CFLAGS='-O2 -Werror' \
		DESTDIR="$dir/systemd/dest" install || return 1
	{
		find "$dir/systemd/dest" -type f \( -perm -100 -o -name 'dmem*.service' -o -name 'dmem*.socket' \)
		sed -n 's/^[[:space:]]*install -D -m 755 .*\/\([a-z]*\)$/\1/p' tools/Makefile
	} | sed 's,.*/,,' | sort -u >"$dir/named"
	[ "$(wc -l <"$dir/named")" -ge 9 ] || { cat "$dir/named"; return 1; }
	while read -r _p; do
		case $_p in
		*.*) grep -q "\`$_p\`" docs/security.md ;;
		*) grep -q "^## $_p\$" docs/security.md ;;
		esac || { echo "docs/security.md does not have $_p"; return 1; }
	done <"$dir/named"
}

# The manual pages carry the date of the release, so that two builds are the same.
pages_dated()
{
	_day=$(date -u -d "$(sed -n 's/^ -- .*>  //p' debian/changelog | head -n 1)" +%Y-%m-%d) || return 1
	for _w in systemd-units tools; do
		env -u SOURCE_DATE_EPOCH make -s -C "$_w" O="$dir/pages" CC="$cc" pages || return 1
	done
	find "$dir/pages" -name '*.[1-8]' >"$dir/named"
	[ "$(wc -l <"$dir/named")" -ge 11 ] || { cat "$dir/named"; return 1; }
	while read -r _p; do
		grep -q "^\.TH .* \"$_day\"" "$_p" || { grep '^\.TH' "$_p"; return 1; }
	done <"$dir/named"
}

# A package build tries what it has built, and neither builds nor boots a kernel.
package_tests()
{
	sed -n '/^override_dh_auto_test:/,/^$/p' debian/rules >"$dir/rule"
	grep -q 'debian/tests/generator systemd-units/out' "$dir/rule" || { cat "$dir/rule"; return 1; }
	! grep 'make\|dh_auto_test ' "$dir/rule" || return 1
	debian/tests/generator "$dir/systemd/fast"
}

# The generator writes this unit once more, for slices known by a prefix.
same_slice_unit()
{
	sed -n -e '/^Documentation=/d' -e '/^AssertPathExists=/d' -e '/^ExecStart=/d' -e 's/%/%%/g' -e '/^[A-Z].*=/p' \
		systemd-units/dmem-slice@.service.in >"$dir/unit"
	sed -n '/^#define SLICE_UNIT/,/^$/s/^[[:space:]]*"\([A-Z].*=.*\)\\n".*/\1/p' tools/generator/emit.c >"$dir/macro"
	[ -s "$dir/unit" ] && diff "$dir/unit" "$dir/macro"
}

# judge NAME: tests a program of scripts/judge. Both have sanitizers.
judge()
{
	_san='-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all'
	# shellcheck disable=SC2086 # options
	$cc $_san $warn -o "$dir/$1" "scripts/judge/$1.c" scripts/judge/lib/*.c -lm &&
	$cc $_san $warn -o "$dir/test_$1" "tests/unit/judge/test_$1.c" tests/unit/judge/judge_test.c &&
	"$dir/test_$1" "$dir/$1" "$dir/judge-$1"
}

# A program that writes TAP.
tap()
{
	_rc=0
	_name=$1
	shift
	echo "# run unit/$_name"
	"$@" || _rc=$?
	echo
	echo "# exit unit/$_name $_rc"
}

echo "# run unit/rules"
echo "TAP version 13"
t "git lists the files" all_files
t "shellcheck has nothing to say" shell_clean
t "C programs compile without a warning" compiles
t "clang has no warning either" compiles_with_clang
t "no function is used that musl 1.2.3 lacks" nothing musl_lacks
t "every file has its SPDX line" nothing without_spdx
t "no place of one machine or mirror is named" nothing places
t "kernel/series lists exactly the patches" series_matches
t "every patch is signed off" nothing unsigned
t "selftests/ is what the series adds" selftests_match
t "documented make targets exist" nothing docs_targets
t "each way around a cap has its test" nothing escapes_tests
t "each mutant has its test" nothing mutants_tests
t "each mutant of the programs for systemd has its line" nothing systemd_mutants_match
t "what the documentation quotes is in the file" nothing docs_files
t "docs/demo.md shows the sentences of the demo" sh tests/unit/docs/demo_text.sh
# Podman as the judge of its command lines, where it is there.
! podman_here || t "Podman takes the command lines of docs/containers.md" \
	unshare --mount sh tests/guest/containers/podman_words.sh "$dir/podman"
t "make help tells of every target" nothing help_targets
t "a wrong suite is one line" nothing wrong_variables
t "what a kernel's configuration lacks is named at once" own_configs
t "docs/board.md names these options" own_config_docs
t "a configuration that cannot be used is one line" nothing wrong_configs
echo "1..$n"
echo
echo "# exit unit/rules $bad"

echo "# run unit/model"
echo "TAP version 13"
n=0
bad=0
t "the model compiles without a warning" model_build model -O2
t "nothing is wrong in any state and order" "$dir/model"
sed 's/^/# /' "$dir/out"
t "the model compiles with sanitizers" model_build model-san -g -O1 \
	-fsanitize=address,undefined -fno-sanitize-recover=all
t "the sanitizers have nothing to say" "$dir/model-san" --quick
"$dir/model" --list >"$dir/flaws" || :
while IFS='	' read -r _flaw _what; do
	t "it is found when $_what" model_finds "$_flaw"
	# What is wrong, without the numbers of what was well before.
	sed -n '/ states, /d;/->/d;/^  /d;s/^/# /p;' "$dir/model-$_flaw"
	echo "#   in $(grep -c -e '->' "$dir/model-$_flaw") steps: $dir/model-$_flaw"
done <"$dir/flaws"
t "there are flaws to be found" test "$n" -gt 20
echo "1..$n"
echo
echo "# exit unit/model $bad"

tap tapsum judge tapsum
tap samesum judge samesum
tap mutmap judge mutmap
tap progress judge progress
tap bench-report judge bench_report

unit_tools

n=0
bad=0
echo "# run unit/systemd"
echo "TAP version 13"
t "the programs for systemd build" systemd_programs
t "their parsers stand random input" "$dir/systemd/fuzz" 20000 1
t "make uninstall leaves nothing" systemd_install
t "programs that units run with '+' are static" plus_static
t "docs/security.md has each program and unit" security_names
t "manual pages have the date of the release" pages_dated
t "a package build tries its programs and no kernel" package_tests
t "the generator has the unit that is installed" same_slice_unit
echo "1..$n"
echo
echo "# exit unit/systemd $bad"

tap systemd-lib "$dir/systemd/test_lib"
tap systemd-apply "$dir/systemd/test_apply" "$dir/systemd/dmem-apply" "$dir/systemd/w" \
	"$dir/systemd/fast/dmem-apply"
tap systemd-log "$dir/systemd/test_log" "$dir/systemd/w"
tap systemd-generator "$dir/systemd/test_generator" "$dir/systemd/dmem-generator" "$dir/systemd/w" \
	"$dir/systemd/fast/dmem-generator" "$dir/tools/dmemctl.bin"
tap systemd-kill "$dir/systemd/test_kill" "$dir/systemd/fast/dmem-generator" "$dir/systemd/w"

# systemd itself as the judge, where it is there. It gets a directory that
# anybody may read, for it must not be root there.
why='no systemd on this machine'
for s in /usr/lib/systemd/systemd /lib/systemd/systemd; do
	[ -x "$s" ] || continue
	w=$(mktemp -d)
	chmod 755 "$w"
	if "$dir/systemd/test_differential" - "$s" "$w/t" 0 >/dev/null 2>&1; then
		tap systemd-differential "$dir/systemd/test_differential" "$dir/systemd/dmem-generator" \
			"$s" "$w/t" 25 1 "$dir/tools/dmemctl.bin"
		tap systemd-texts "$dir/systemd/test_texts" "$s" "$w/t" 12
	fi
	# As root it starts units of its own, in namespaces.
	if why=$("$dir/systemd/test_host" "$s"); then
		tap systemd-host "$dir/systemd/test_host" "$s" "$w/h" "$dir/systemd/fast/dmem-generator" \
			"$dir/systemd/fast/dmem-apply" "$dir/systemd/host/stay" "$dir/systemd/host/evil.so"
		tap systemd-slices "$dir/systemd/host/test_slices" "$s" "$w/h" "$dir/systemd/fast/dmem-generator" \
			"$dir/systemd/fast/dmem-apply" "$dir/systemd/fast/dmem-slice@.service"
		tap systemd-record-now "$dir/systemd/host/test_record_now" "$s" "$w/h" systemd-units/examples \
			"$dir/tools/fast/dmemctl.bin" "$dir/systemd/fast/dmem-record-request" "$dir/systemd/host/evil.so"
	fi
	rm -rf "$w"
	break
done
[ -z "$why" ] || echo "# not run: unit/systemd-host: $why"
echo "# end"
