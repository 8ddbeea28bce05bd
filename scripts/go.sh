#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands behind the Makefile's targets.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/selftests.sh
. scripts/lib/postings.sh
. scripts/lib/source.sh
. scripts/lib/build.sh
. scripts/lib/build-dir.sh
. scripts/lib/userland.sh
. scripts/lib/package.sh
. scripts/lib/base.sh
. scripts/lib/guest.sh
. scripts/lib/boards.sh
. scripts/lib/torture.sh
. scripts/lib/series.sh
. scripts/lib/try.sh
. scripts/lib/patches.sh
. scripts/lib/results.sh
. scripts/lib/coverage.sh
. scripts/lib/bench.sh
. scripts/lib/mutants.sh
. scripts/lib/mutants-programs.sh
. scripts/lib/mutants-systemd.sh
. scripts/lib/mutants-plan.sh
. scripts/lib/suites.sh
. scripts/lib/check-all.sh

# shellcheck disable=SC2034 # for the suites: see scripts/lib/suites.sh
ALL=0
[ "${1:-}" != check-all ] || ALL=1
for _s in scripts/suites/*.sh; do
	# shellcheck source=/dev/null
	. "$_s"
done

prepare()
{
	supported_host
	lock_cache
	step "tools"
	host_packages
	build_host_tools
	kernel_source
	kernel_tree
	[ -z "${UPTO:-}" ] || tree_upto "$UPTO"
}

vm()
{
	prepare
	build_kernel vm kernel/config/vm.config kernel/config/media.config
	IMAGE=$(kernel_image vm)
	step "guest: device tree and root file system"
	build_dtb ''
	build_guest
}

# Boots the guest and prints the output of the demo, without the lines that scripts/guest/run
# adds before and after it.
run_demo()
{
	_res=$BASE/vm/demo.results
	_log=$LOGS/demo-kernel.log
	boot 120 "$_log" "$_res" "$IMAGE" "$BASE/vm/initrd" dmem.run=demo
	sed -e '/^# run demo$/d' -e '/^# exit demo /,$d' "$_res"
	case $(sed -n 's/^# exit demo //p' "$_res") in
	0)
		echo "To try it by hand: make shell"
		echo "and there:"
		sed -n '/^  /p' tools/demo/motd
		;;
	'') die_log "$_log" "the guest did not get to the end of the demo" ;;
	*) die_log "$_log" "the demo found something that is not as it should be" ;;
	esac
}

# Boots links to the kernel and the initrd, and releases the cache's lock: other runs can go on,
# and do not replace the files of this guest.
run_shell()
{
	_own=$BASE/vm/shell.$$
	mkdir -p "$_own"
	trap 'rm -rf "$_own"' EXIT
	trap : INT
	ln -f "$IMAGE" "$_own/Image" && ln -f "$BASE/vm/initrd" "$_own/initrd"
	flock -u 9
	_size=
	[ ! -t 0 ] || _size=$(stty size 2>/dev/null | sed 's/\([0-9]*\) \([0-9]*\)/dmem.rows=\1 dmem.cols=\2/')
	# shellcheck disable=SC2046 # a command line
	$(qemu_command "$_own/Image" "$_own/initrd") -display none \
		-chardev stdio,id=con,signal=off -serial chardev:con \
		-append "console=ttyAMA0 quiet DMEM_TEST_HEAP=$TEST_HEAPS dmem.run=shell $_size" 9>&-
}

kernel_version

case ${UPTO:+${1:-}} in
''|kernel|guest) [ -z "${UPTO:-}" ] || posting_known "$UPTO" UPTO ;;
*) die "UPTO=$UPTO: only make kernel and make guest can end the series at a posting" ;;
esac

case ${1:-} in
kernel)
	STEPS=4
	prepare
	build_kernel vm kernel/config/vm.config kernel/config/media.config
	kernel_image vm
	;;
vm)
	STEPS=5
	vm
	;;
shell)
	STEPS=7
	vm
	step "guest: selftests"
	build_selftests vm
	cp -a "$BASE/selftests-vm/root/tests/cgroup" "$BASE/selftests-vm/root/tests/kernel" "$BASE/vm/root/tests/"
	pack_initrd "$BASE/vm/initrd" "$BASE/vm/root" "$BASE/build-vm"
	step "guest: a shell"
	run_shell
	;;
paths)
	STEPS=5
	vm
	echo "KERNEL=$IMAGE"
	# shellcheck disable=SC2031 # another boot's machine, in a subshell
	echo "DTB=$BASE/vm/$BOARD.dtb"
	echo "INITRD=$BASE/vm/initrd"
	echo "CACHE=$CACHE"
	echo "QEMU=$(qemu_command "$IMAGE" "$BASE/vm/initrd")"
	;;
run)
	STEPS=6
	vm
	step "guest: the demo"
	run_demo
	;;
check)
	shift
	check "$*"
	;;
check-all)
	check_all
	;;
guest)
	guest "${T:-}"
	;;
suites)
	suites_help
	;;
tree)
	STEPS=3
	prepare
	edit_tree
	echo "$EDIT"
	;;
series)
	STEPS=3
	prepare
	! edit_there || TREE=$EDIT
	save_series
	;;
try|next)
	STEPS=2
	TRY=$(mktemp -d)
	trap 'rm -rf "$TRY"' EXIT
	trap 'exit 130' HUP INT TERM
	if [ "$1" = try ]; then try_tree "${TREE:-}"; else try_next; fi
	;;
post)
	post "${GROUP:-}"
	;;
checkpatch)
	checkpatch
	;;
coverage)
	coverage
	;;
bisect)
	bisect "${2:-}"
	;;
torture)
	torture "${TIME:-600}" "${SEED:-}" "${EPOCH:-}" "${SCRIPT:-}"
	;;
example)
	STEPS=7
	prepare
	save_example
	;;
mutants)
	shift
	case $* in
	s[0-9]* | systemd) systemd_mutants "$*" ;;
	p*) host_mutants p plan "$*" ;;
	h*) host_mutants h hook "$*" ;;
	k[0-9]* | slurm) host_mutants k slurm "$*" ;;
	t[0-9]* | try) host_mutants t try "$*" ;;
	c*) host_mutants c coverage "$*" ;;
	*) mutants "$*" ;;
	esac
	;;
bench)
	bench
	;;
deb)
	STEPS=1
	make_deb
	;;
kernel-config)
	kernel_config
	echo "$KERNEL_CONFIG has what the series needs"
	;;
kernel-deb)
	STEPS=4
	kernel_deb
	;;
clean)
	find selftests tools scripts \( -name '*.o' -o -name '*.ko' -o -name '*.new' \) -delete
	rm -rf build build-*
	;;
distclean)
	for BASE in "$CACHE"/*; do
		EDIT=$BASE/tree
		[ ! -d "$EDIT" ] || edit_saved ||
		die "$EDIT has changes that 'make series' has not saved: save them, or remove it with 'rm -rf $EDIT'"
	done
	case $CACHE in
	*/*[!/]*) rm -rf "$CACHE" ;;
	esac
	;;
*)
	die "go.sh does not know '${1:-}': see make help"
	;;
esac
