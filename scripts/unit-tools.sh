# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
# The part of suite unit that is about lsdmem and dmemctl.

# lsdmem with sanitizers, without, and with a spy between it and the kernel; and its
# tests. What measures must have no sanitizers itself.
lsdmem_programs()
{
	_san='-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all'
	_l=$dir/tools
	rm -rf "$_l"
	make -s -C tools O="$_l" CC="$cc" CFLAGS="$_san -Werror" LDFLAGS="$_san" "$_l/lsdmem.bin" &&
	make -s -C tools O="$_l/fast" CC="$cc" CFLAGS='-O2 -Werror' "$_l/fast/lsdmem.bin" || return 1
	# shellcheck disable=SC2086 # options
	$cc $_san $warn -o "$_l/lsdmem-spy" tests/lib/spy.c "$_l"/lsdmem/*.o "$_l"/cli/*.o "$_l"/lib/*.o \
		-Wl,--wrap=openat,--wrap=openat64,--wrap=fstatat,--wrap=fstatat64,--wrap=read,--wrap=syscall -lsmartcols &&
	$cc $_san $warn -o "$_l/fuzz" tests/unit/lsdmem/fuzz.c tests/lib/mutate.c "$_l"/cli/*.o "$_l"/lib/*.o -lsmartcols &&
	lsdmem_test test_lsdmem $_san "$_l"/lib/*.o && lsdmem_test test_lsdmem_faults $_san -lutil "$_l"/lib/*.o &&
	lsdmem_test test_lsdmem_docs $_san && lsdmem_test test_lsdmem_scale -O2
}

# lsdmem_test PROGRAM OPTION...
lsdmem_test()
{
	_p=$1
	shift
	# shellcheck disable=SC2086 # options
	$cc $warn -o "$_l/$_p" "tests/tools/$_p.c" tests/lib/fake.c tests/lib/machine.c tests/lib/tool.c \
		tests/lib/docs.c tests/lib/tap.c "$@"
}

# As systemd_install.
tools_install()
{
	for _p in /usr /usr/local; do
		for _m in install uninstall; do
			make -s -C tools O="$dir/tools-dest" CC="$cc" CFLAGS='-O2 -Werror' PREFIX="$_p" \
				DESTDIR="$dir/tools-dest/dest" "$_m" || return 1
			find "$dir/tools-dest/dest" ! -type d >"$dir/tools-dest/$_m"
		done
		for _f in bin/lsdmem share/man/man8/lsdmem.8 share/bash-completion/completions/lsdmem \
			  share/zsh/vendor-completions/_lsdmem sbin/dmemctl share/man/man8/dmemctl.8 \
			  share/bash-completion/completions/dmemctl share/zsh/vendor-completions/_dmemctl; do
			grep -q "$_p/$_f\$" "$dir/tools-dest/install" || { echo "$_f is not installed"; return 1; }
		done
		[ ! -s "$dir/tools-dest/uninstall" ] || { cat "$dir/tools-dest/uninstall"; return 1; }
	done
}

# It is linked with no function of libfdt, and says so where it would need one.
# shellcheck disable=SC2046,SC2086 # options, and a list of files
without_libfdt()
{
	_nf=$dir/tools/without-libfdt
	rm -rf "$_nf"
	mkdir -p "$_nf"
	for _f in board devtree notes overlay; do
		$cc -O1 -DNO_LIBFDT $warn -D_FILE_OFFSET_BITS=64 -c -o "$_nf/$_f.o" "tools/dmemctl/plan/$_f.c" || return 1
	done
	$cc -o "$_nf/dmemctl" "$_nf"/*.o $(find "$dir/tools/fast/dmemctl" -name '*.o' | grep -v -E '/plan/(board|devtree|notes|overlay)\.o$') \
		"$dir"/tools/fast/cli/*.o "$dir"/tools/fast/lib/*.o -lsmartcols -lsystemd -lm || return 1
	! "$_nf/dmemctl" plan --dts="$_nf/x.dtso" docs/example.history >"$_nf/out" 2>&1 &&
	grep -q 'built without libfdt' "$_nf/out" && [ ! -e "$_nf/x.dtso" ]
}

# The objects of plan, without its command line.
plan_objects()
{
	for _o in "$dir"/tools/dmemctl/plan/*.o "$dir"/tools/cli/*.o; do
		[ "${_o##*/}" = plan.o ] || echo "${_o#"$dir/tools/"}"
	done
}

# dmemctl with sanitizers, and without for what is counted or killed; and its tests,
# with the objects that each needs.
# shellcheck disable=SC2046,SC2086 # options, and a list of files
dmemctl_programs()
{
	_san='-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all'
	make -s -C tools O="$dir/tools" CC="$cc" CFLAGS="$_san -Werror" LDFLAGS="$_san" "$dir/tools/dmemctl.bin" &&
	make -s -C tools O="$dir/tools/fast" CC="$cc" CFLAGS='-O2 -Werror' "$dir/tools/fast/dmemctl.bin" &&
	dmemctl_test metrics dmemctl/metrics/text.o cli/text.o &&
	dmemctl_test watch dmemctl/watch/keys.o &&
	dmemctl_test verify dmemctl/verify/lint.o cli/cli.o cli/text.o &&
	dmemctl_test replace cli/replace.o -Wl,--wrap=openat,--wrap=openat64,--wrap=linkat,--wrap=fsync &&
	dmemctl_test history dmemctl/record/history.o histlog.c &&
	dmemctl_test record dmemctl/record/history.o histlog.c &&
	dmemctl_test plan dmemctl/record/history.o dmemctl/plan/firstfit.o dmemctl/plan/conflicts.o load.c past.c -lpng &&
	plan_scale_programs && fuzz_plan_program &&
	dmemctl_test chart dmemctl/record/history.o past.c -lm &&
	dmemctl_test board dmemctl/record/history.o past.c rmem.c -lfdt &&
	dmemctl_test overlay rmem.c dmemctl/record/history.o \
		$(plan_objects) -lfdt -lsmartcols -lm &&
	$cc $_san $warn -o "$dir/tools/fuzz_history" tests/unit/dmemctl/fuzz_history.c tests/lib/mutate.c \
		"$dir/tools/dmemctl/record/history.o" "$dir"/tools/lib/*.o
}

# shellcheck disable=SC2046,SC2086 # options, and a list of files
fuzz_plan_program()
{
	$cc $_san $warn -o "$dir/tools/fuzz_plan" tests/unit/dmemctl/fuzz_plan.c tests/lib/mutate.c \
		$(plan_objects | sed "s|^|$dir/tools/|") "$dir/tools/dmemctl/record/history.o" "$dir"/tools/lib/*.o \
		-lsmartcols -lm -lfdt
}

# They count, and have no sanitizers.
# shellcheck disable=SC2086 # options
plan_scale_programs()
{
	$cc -O2 $warn -o "$dir/tools/histories" tests/bench/histories.c "$dir/tools/fast/dmemctl/record/history.o" \
		"$dir"/tools/fast/lib/*.o &&
	$cc -O2 $warn -o "$dir/tools/test_plan_scale" tests/unit/dmemctl/test_plan_scale.c tests/lib/tap.c
}

# dmemctl on a tree of plain files, and a systemd that does little; and the tests of
# the verbs that set, show and check. What is killed must have no sanitizers.
# shellcheck disable=SC2086 # options
dmemctl_fakes()
{
	_fakes='tests/lib/fake_ctl.c tests/lib/fakecg.c'
	_wrap=-Wl,--wrap=write,--wrap=mkdirat,--wrap=manager_open,--wrap=change_open,--wrap=dmem_first_line,--wrap=clock_gettime
	_t=$dir/tools
	$cc $_san $warn -o "$_t/dmemctl-fake" $_fakes "$_t"/dmemctl/*.o "$_t"/dmemctl/*/*.o "$_t"/cli/*.o "$_t"/lib/*.o $_wrap \
		-lsmartcols -lsystemd -lfdt -lm &&
	$cc -O2 $warn -o "$_t/fast/dmemctl-fake" $_fakes "$_t"/fast/dmemctl/*.o "$_t"/fast/dmemctl/*/*.o "$_t"/fast/cli/*.o \
		"$_t"/fast/lib/*.o $_wrap -lsmartcols -lsystemd -lfdt -lm &&
	$cc $_san $warn -o "$_t/fake_manager" tests/lib/fake_manager.c -lsystemd || return 1
	for _v in set show doctor manager ctl_docs look word states sysroot; do
		dmemctl_test "$_v" board.c tool.c bus.c docs.c || return 1
	done
}

# dmemctl_test NAME [OBJECT|FILE.c|-lLIBRARY]...
dmemctl_test()
{
	_p=test_$1
	shift
	for _w in "$@"; do
		shift
		case $_w in
		-*) ;;
		*.c) _w=tests/tools/$_w ;;
		*) _w=$dir/tools/$_w ;;
		esac
		set -- "$@" "$_w"
	done
	# shellcheck disable=SC2086 # options
	$cc $_san $warn -o "$dir/tools/$_p" "tests/tools/$_p.c" tests/lib/fake.c tests/lib/tap.c \
		tests/lib/traced.c "$@" "$dir"/tools/lib/*.o
}

# What README.md shows of a history, it is what is drawn and said of it.
example_chart()
{
	rm -f "$dir/tools/example.svg"
	"$dir/tools/dmemctl.bin" plan --svg="$dir/tools/example.svg" docs/example.history >"$dir/tools/example.txt" &&
	cmp "$dir/tools/example.svg" docs/example.svg || return 1
	# shellcheck disable=SC2016 # backticks of the text
	sed -n '/^dmemctl plan /,/^```/{/^dmemctl plan /d;/^```/d;p;}' README.md >"$dir/tools/readme.txt"
	[ -s "$dir/tools/readme.txt" ] && sed -n '/^cma\/camera/,/^$/p' "$dir/tools/example.txt" | diff - "$dir/tools/readme.txt"
}

# The sections that docs/containers.md shows have no mistake.
documented_units()
{
	# shellcheck disable=SC2046 # a list of files
	set -- $(grep -rlF '[X-Dmem]' tests/guest/containers/root systemd-units/examples)
	[ $# -ge 5 ] || { echo "there are only $# files"; return 1; }
	"$dir/tools/dmemctl.bin" verify "$@"
}

unit_tools()
{
	n=0
	bad=0
	echo "# run unit/tools-lsdmem-build"
	echo "TAP version 13"
	t "lsdmem and its tests build" lsdmem_programs
	t "its parsers stand random input" "$dir/tools/fuzz" 20000 1
	t "make uninstall of the tools leaves nothing" tools_install
	echo "1..$n"
	echo
	echo "# exit unit/tools-lsdmem-build $bad"

	# A part of it is done as another user, who must get at the program. There, 10,000
	# cgroups are many files: in memory, if that can be.
	w=$(mktemp -d)
	chmod 755 "$w"
	cp "$dir/tools/lsdmem.bin" "$w/lsdmem" || :
	tap tools-lsdmem "$dir/tools/test_lsdmem" "$w/lsdmem" "$w/t" tests/unit/lsdmem/golden.txt "$(command -v jq)"
	tap tools-lsdmem-faults "$dir/tools/test_lsdmem_faults" "$w/lsdmem" "$w/t" "$(command -v jq)" "$dir/tools/lsdmem-spy"
	tap tools-lsdmem-docs "$dir/tools/test_lsdmem_docs" "$w/lsdmem" "$w/t" tools/lsdmem/lsdmem.8.scd \
		tools/completion/lsdmem.bash tools/completion/_lsdmem
	rm -rf "$w"
	[ -w /dev/shm ] && w=$(mktemp -d -p /dev/shm) || w=$(mktemp -d)
	tap tools-lsdmem-scale "$dir/tools/test_lsdmem_scale" "$dir/tools/fast/lsdmem.bin" "$w/t"
	rm -rf "$w"

	n=0
	bad=0
	echo "# run unit/tools"
	echo "TAP version 13"
	t "dmemctl and its tests build" dmemctl_programs
	t "dmemctl is linked with what is fake, and its tests build" dmemctl_fakes
	t "units that the documentation shows have no mistake" documented_units
	t "dmemctl builds without libfdt" without_libfdt
	t "README.md has the chart and the text of its history" example_chart
	t "the reader of histories stands random input" "$dir/tools/fuzz_history" 20000 1
	t "plans of random histories do not contradict themselves" "$dir/tools/fuzz_plan" 10000 1
	echo "1..$n"
	echo
	echo "# exit unit/tools $bad"

	tap tools-metrics "$dir/tools/test_metrics" "$dir/tools/dmemctl.bin" "$dir/tools/w" "$dir/tools/fast/dmemctl.bin"
	tap tools-watch "$dir/tools/test_watch" "$dir/tools/dmemctl.bin" "$dir/tools/w"
	tap tools-verify "$dir/tools/test_verify" "$dir/tools/dmemctl.bin" "$dir/tools/w"
	tap tools-replace "$dir/tools/test_replace" "$dir/tools/w"
	tap tools-history "$dir/tools/test_history"
	tap tools-record "$dir/tools/test_record" "$dir/tools/dmemctl.bin" "$dir/tools/fast/dmemctl.bin" "$dir/tools/w" \
		tools/dmemctl/plan/dmemctl-plan.8.scd
	tap tools-plan "$dir/tools/test_plan" "$dir/tools/dmemctl.bin" "$dir/tools/w"
	tap tools-plan-scale "$dir/tools/test_plan_scale" "$dir/tools/fast/dmemctl.bin" "$dir/tools/histories" \
		"$(command -v valgrind)" "$dir/tools/w"
	tap tools-chart "$dir/tools/test_chart" "$dir/tools/dmemctl.bin" "$dir/tools/w"
	tap tools-board "$dir/tools/test_board" "$dir/tools/dmemctl.bin" "$dir/tools/w"
	tap tools-overlay "$dir/tools/test_overlay"

	# Another user must get at the program, and a socket's path must be short. What is
	# written to a disk each time takes long where that is done some hundred times.
	w=$(mktemp -d)
	chmod 755 "$w"
	[ -w /dev/shm ] && m=$(mktemp -d -p /dev/shm) || m=$(mktemp -d)
	cp "$dir/tools/dmemctl-fake" "$w/dmemctl" || :
	j=$(command -v jq)
	d=$(command -v dbus-daemon)
	tap tools-look "$dir/tools/test_look" "$w/t"
	tap tools-word "$dir/tools/test_word" "$w/t"
	tap tools-states "$dir/tools/test_states" "$w/dmemctl" "$dir/tools/lsdmem.bin" "$w/t"
	tap tools-sysroot "$dir/tools/test_sysroot" "$dir/tools/fast/dmemctl-fake" "$dir/tools/fast/lsdmem.bin" "$m/t"
	tap tools-set "$dir/tools/test_set" "$w/dmemctl" "$dir/tools/fast/dmemctl-fake" "$j" "$m/t"
	tap tools-show "$dir/tools/test_show" "$w/dmemctl" "$j" "$w/t"
	tap tools-doctor "$dir/tools/test_doctor" "$w/dmemctl" "$j" "$w/t"
	tap tools-manager "$dir/tools/test_manager" "$w/dmemctl" "$dir/tools/fake_manager" "$d" "$j" "$w/t"
	tap tools-ctl-docs "$dir/tools/test_ctl_docs" "$w/dmemctl" "$dir/tools/fake_manager" "$d" "$w/t" tools/dmemctl \
		tools/dmemctl/dmemctl.8.scd tools/completion/dmemctl.bash tools/completion/_dmemctl
	rm -rf "$w" "$m"
}
