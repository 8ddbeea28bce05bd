# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# The tests in the guest: builds the selftests, boots the guest, and judges the results.

# build_selftests KERNEL: builds the kselftests of the series, the tests in tests/guest/kernel and
# upstream's test of heaps for this kernel, and a root file system with them.
build_selftests()
{
	_k=$BASE/build-$1
	_st=$BASE/selftests-$1
	_r=$_st/root
	_log=$LOGS/selftests-$1.log
	rm -rf "$_r"
	mkdir -p "$_st/dmabuf-heaps" "$_st/cgroup" "$_st/kernel" "$_r/tests" "$_r/etc"
	# A copy, because objects must not depend on the place of this repository: another clone
	# with the same cache has other sources.
	mkdir -p "$_st/src/tests/guest"
	rsync -rlp --checksum --delete --exclude='.*' selftests "$_st/src/"
	rsync -rlp --checksum --delete --exclude='.*' tests/guest/kernel "$_st/src/tests/guest/"
	# "make guest" builds only the programs that it names: all of them take minutes.
	core_programs | while read -r _p; do
		! guest_wants "$_p" || echo "$_p"
	done >"$_r/tests/list"
	[ -s "$_r/tests/list" ] || die "there is no program for the guest in selftests/ and tests/guest/kernel"
	kernel_headers "$1"
	{
		st_programs "$1" cgroup "$TREE/$KSELFTESTS" &&
		st_programs "$1" kernel "$_st/src/tests/guest/kernel" &&
		st_programs "$1" dmabuf-heaps "$TREE/tools/testing/selftests/dmabuf-heaps" &&
		st_modules "$1"
	} >"$_log" 2>&1 || die_log "$_log" "cannot build the selftests: $(grep -m1 -e 'error:' -e ' Error ' "$_log")"
	kernel_modules "$1" "$_r/lib/modules"
	pack_initrd "$_st/initrd" "$_r" "$_k"
}

# st_programs KERNEL FOLDER SOURCE: builds the programs FOLDER/* that are in the guest's list.
st_programs()
{
	_wanted=$(sed -n "s,^$2/,$_st/$2/,p" "$_r/tests/list")
	[ -n "$_wanted" ] || return 0
	mkdir -p "$_r/tests/$2"
	# shellcheck disable=SC2086 # a list of files without blanks
	st_make "$1" -C "$3" OUTPUT="$_st/$2" $_wanted && cp $_wanted "$_r/tests/$2/"
}

# st_modules KERNEL: builds the modules that tests load. Copies the sources, because a build of
# modules writes files beside them. With UPTO, the tree may have none yet.
st_modules()
{
	[ -e "$_r/tests/cgroup" ] || [ -e "$_r/tests/kernel" ] || return 0
	for _m in "$TREE/$KSELFTESTS" tests/guest/kernel; do
		[ -e "$_m/test_modules" ] || continue
		_to=$_st/modules/${_m##*/}
		mkdir -p "$_to"
		rsync -rlp --checksum --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' --exclude='.*' \
			--exclude='Module.symvers' --exclude='modules.order' "$_m/test_modules/" "$_to/" &&
		rm -f "$_to"/*.ko &&
		st_make "$1" -C "$_to" modules || return 1
		for _d in cgroup kernel; do
			[ -e "$_r/tests/$_d" ] || continue
			mkdir -p "$_r/tests/$_d/test_modules" && cp "$_to"/*.ko "$_r/tests/$_d/test_modules/" || return 1
		done
	done
}

st_make()
{
	_kk=$BASE/build-$1
	shift
	make -j"$(nproc)" ARCH="$KARCH" CROSS_COMPILE="$CROSS" KSRC="$TREE" KDIR="$_kk" \
		LDFLAGS=-static KHDR_INCLUDES="-isystem $_kk/usr/include" "$@"
}

# The KUnit suites that the series brings, with UPTO those up to there.
kunit_suites()
{
	kgit -C "$TREE" diff base-of-series HEAD -- '*.c' |
	sed -n '/^+.*struct kunit_suite/,/};/s/^+.*\.name = "\(.*\)".*/kunit\/\1/p'
}

# guest_boot SUITE/BOOT KERNEL SKIPS WORDS: SKIPS are files in tests/skips/.
guest_boot()
{
	_d=$BASE/run/$1
	mkdir -p "$_d"
	step "guest: tests on the ${1#*/} kernel ($KARCH)"
	cp "$BASE/selftests-$2/root/tests/list" "$_d/expect"
	[ "$2" = nodmem ] || kunit_suites >>"$_d/expect"
	boot_tests "$1" "$2" "$BASE/selftests-$2/initrd" "$3" "$4"
}

# boot_tests SUITE/BOOT KERNEL INITRD SKIPS WORDS: boots and judges. The boot's file "expect"
# lists the programs that must run.
boot_tests()
{
	boot_only "$1" "$2" "$3" "$5"
	boot_judged "$1" "$4"
}

# boot_only SUITE/BOOT KERNEL INITRD WORDS
boot_only()
{
	_d=$BASE/run/$1
	boot "${BOOT_SECONDS:-1500}" "$_d/kernel.log" "$_d/results" "$(kernel_image "$2")" "$3" \
		"dmem.run=tests dmem.limit=300 $4"
	[ -e "$_d/results" ] || : >"$_d/results"
}

# boot_judged SUITE/BOOT SKIPS OPTION...: judges the results with tapsum and these options.
boot_judged()
{
	_d=$BASE/run/$1
	_name=$1
	_skips=$2
	shift 2
	# shellcheck disable=SC2046,SC2086 # names without blanks
	"$CACHE/bin/tapsum" -n "$_name" -e "$_d/expect" $(printf ' -s %s' $(skip_files "$_d" $_skips)) \
		-k "$_d/kernel.log" -t "$TOTALS" "$@" "$_d/results" || {
		_rc=$?
		[ "$_rc" = 1 ] || die "tapsum gave up on $_d/results"
		printf '     (results: %s, kernel log: %s)\n' "$_d/results" "$_d/kernel.log"
	}
}

# ---- make guest: selected programs of the suites, one boot per suite ----

# programs_of DIR: prints the names of the programs in tests/guest/DIR.
programs_of()
{
	for _source in tests/guest/"$1"/test_*.c; do
		_source=${_source#tests/guest/}
		echo "${_source%.c}"
	done
}

# Filters programs: drops those that cannot run on the kernel of KERNEL=.
known_programs()
{
	if [ "$SERIES" = kernel ]; then cat; else grep -vxF -e "$(sed 's/ *#.*//; /^$/d' "$SERIES/without-tests")"; fi
}

# skip_files DIR SKIPS: prints the files in tests/skips/ with these names. For the kernel of KERNEL=,
# writes them to DIR, without the lines of programs that it does not have, and adds a file of this
# kernel, if there is one for the boot.
skip_files()
{
	_dir=$1
	shift
	if [ "$SERIES" = kernel ]; then
		printf 'tests/skips/%s ' "$@"
		return
	fi
	for _skip; do
		awk -F '[:# ]+' 'NR == FNR { without[$1]; next } !($1 in without)' "$SERIES/without-tests" \
			"tests/skips/$_skip" >"$_dir/skips.$_skip"
		printf '%s ' "$_dir/skips.$_skip"
		_skip=tests/skips/${SERIES#kernel/}-$_skip
		[ ! -e "$_skip" ] || printf '%s ' "$_skip"
	done
}

# guest_wants PROGRAM: succeeds if this run builds the program. "make guest" builds only the
# programs that it names, a suite all of them.
guest_wants()
{
	case ${GUEST_ONLY:- $1 } in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

# guest_all [SUITE]: prints "SUITE PROGRAM" for each program of this suite, or of all, with the
# first suite that has it. Before the end of the series, only suite core has programs: the others
# need all of it.
guest_all()
{
	_owners=core
	[ -n "${UPTO:-}" ] || _owners=${1:-$(suites check check-all)}
	for _owner in $_owners; do
		! command -v "${_owner}_programs" >/dev/null || "${_owner}_programs" | sed "s/^/$_owner /"
	done | awk '!seen[$2]++'
}

# guest_find NAME: prints "SUITE PROGRAM". NAME is the name of a program, or the last part of a
# name if only one program has it. "SUITE:" in front chooses the suite.
guest_find()
{
	case $1 in
	*:*)
		_in=${1%%:*}
		suites check check-all | grep -qxF -e "$_in" || die "there is no suite '$_in' with guests"
		set -- "${1#*:}" "$_in"
		;;
	esac
	_found=$(guest_all "${2:-}" | awk -v name="$1" '
		$2 == name { exact = $0 }
		$2 ~ ("/" name "$") { print }
		END { if (exact) print exact }')
	case $_found in
	*'
'*) die "more than one guest program is called '$1': T=$(echo "$_found" | sed 's/.* //; $!s/$/ or/' | paste -s -d ' ')" ;;
	'') die "there is no guest program '$1'${2:+ in suite $2}: similar names: $(guest_near "$@" | paste -s -d ' ')" ;;
	esac
	echo "$_found"
}

# guest_near NAME [SUITE]: the three programs whose names have the smallest edit distance from it.
# The beginnings that many names share do not count.
guest_near()
{
	guest_all "${2:-}" | awk -v name="$1" '
	function least(a, b, c)
	{
		return a < b ? (a < c ? a : c) : (b < c ? b : c)
	}
	function distance(s, t,    i, j, row, above, left_above)
	{
		for (j = 0; j <= length(t); j++)
			row[j] = j
		for (i = 1; i <= length(s); i++) {
			left_above = row[0]
			row[0] = i
			for (j = 1; j <= length(t); j++) {
				above = row[j]
				row[j] = least(above + 1, row[j - 1] + 1,
					left_above + (substr(s, i, 1) != substr(t, j, 1)))
				left_above = above
			}
		}
		return row[length(t)]
	}
	BEGIN { asked = name; sub(/test_(dmem_)?/, "", asked) }
	{
		program = $2
		if (name !~ "/")
			sub(".*/", "", program)
		sub(/test_(dmem_)?/, "", program)
		print distance(asked, program), $2
	}' | sort -n | sed 's/[^ ]* //; 3q'
}

# guest_part PROGRAM TEST: dies if the program does not have the test.
guest_part()
{
	_file=tests/guest/$1.c
	[ "${1%%/*}" != cgroup ] || _file=selftests/${1#*/}.c
	grep -qsE "^TEST[A-Z_]*\((.*[, ])?$2[,)]" "$_file" ||
	die "$1 has no test '$2': the names are in $_file"
}

# guest NAME,...: runs "make guest" with this value of T. With UPTO, the default is all programs,
# and KUnit's tests.
guest()
{
	GUEST_KUNIT=
	if [ -n "${UPTO:-}" ] && [ -z "$1" ]; then
		GUEST_KUNIT=1
		set -- "$(core_programs | paste -s -d ,)"
	fi
	[ -n "$1" ] || die "T= names no guest program, such as T=test_dmem_limit; there are: $(
		guest_all | sed 's/.* //' | paste -s -d ' ')"
	GUEST_PART=
	_chosen=
	for _t in $(echo "$1" | tr ',' ' '); do
		case $_t in
		*.*)
			GUEST_PART=${_t#*.}
			[ "$_t" = "$1" ] || die "T=$1: a test of a program can only be run alone"
			_t=${_t%%.*}
			;;
		esac
		# An assignment of its own, so that an error ends this shell too.
		_one=$(guest_find "$_t") || exit 1
		[ -z "$GUEST_PART" ] || guest_part "${_one#* }" "$GUEST_PART"
		_chosen="$_chosen$_one
"
	done
	CHOSEN=$(printf %s "$_chosen" | sort -u)
	GUESTS=$(echo "$CHOSEN" | cut -d ' ' -f 1 | sort -u)
	# shellcheck disable=SC2046 # words
	STEPS=$((3 + 3 * $(echo "$GUESTS" | wc -l)))
	prepare
	TOTALS=$CACHE/totals
	: >"$TOTALS"
	for SUITE_NOW in $GUESTS; do
		suite_packages "$SUITE_NOW"
		_programs=$(echo "$CHOSEN" | sed -n "s/^$SUITE_NOW //p" | tr '\n' ' ')
		GUEST_ONLY=" $_programs"
		# shellcheck disable=SC2086 # words
		"${SUITE_NOW}_guest" $_programs
	done
	"$CACHE/bin/tapsum" -S "$TOTALS"
}

# guest_run NAME KERNEL INITRD SKIPS WORDS PROGRAM...: boots and judges. SKIPS are files in
# tests/skips/; uses only their lines that are for these programs. KUnit's tests run with
# GUEST_KUNIT only.
guest_run()
{
	_boot=guest/$1
	_kernel=$2
	_initrd=$3
	_from=$4
	_words="$5${GUEST_PART:+ dmem.part=$GUEST_PART}"
	shift 5
	# heap/system is a region from the posting "system" on.
	kgit -C "$TREE" grep -q dmem_cgroup_register_region HEAD -- drivers/dma-buf/heaps/system_heap.c ||
		_from="$_from before-system"
	_d=$BASE/run/$_boot
	mkdir -p "$_d"
	printf '%s\n' "$@" >"$_d/expect"
	if [ -n "$GUEST_KUNIT" ]; then
		kunit_suites >>"$_d/expect"
	else
		_words="$_words kunit.enable=0"
	fi
	# shellcheck disable=SC2046,SC2086 # names without blanks
	awk -F '[:# ]+' -v programs=" $* " -v part="$GUEST_PART" '
		index(programs, " " $1 " ") && (!part || $2 ~ /\*$/ || $2 ~ ("(^|[.])" part "$"))' \
		$(skip_files "$_d" $_from) >"$_d/skips"
	step "guest: $*${GUEST_PART:+, test $GUEST_PART} ($KARCH)"
	boot_only "$_boot" "$_kernel" "$_initrd" "dmem.only=$(echo "$*" | tr ' ' ,) $_words"
	boot_judged "$_boot" none -s "$_d/skips"
	printf '      results: %s\n' "$_d/results"
}
