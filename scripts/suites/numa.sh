# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite numa: tests on a kernel and a machine of their own, with two memory nodes, dma-heaps that
# also charge memcg, and a tracer of the time with interrupts off.

suite numa 8 check-all 4 "areas of memory nodes, and how long interrupts are off"

NUMA_WORDS='numa_cma=0:16M,1:16M dma_heap.mem_accounting=1 dmem.limit=1500'

# One CPU and -icount: the guest's time is a number of instructions, which does not depend on the
# host's load. The second node has no CPU.
numa_machine()
{
	DTB_NAME=numa
	bench_machine '-smp 1 -icount shift=0,sleep=off'
	for _node in 0 1; do
		MACHINE="$MACHINE -object memory-backend-ram,id=node$_node,size=512M"
		MACHINE="$MACHINE -numa node,nodeid=$_node,memdev=node$_node"
	done
	MACHINE="$MACHINE -numa cpu,node-id=0,core-id=0"
}

numa_programs()
{
	echo debug/test_numa
	echo debug/test_memcg
	echo debug/test_irqsoff
}

# numa_build KERNEL: builds the kernel, and selftests-KERNEL/initrd. For the machine of
# numa_machine.
numa_build()
{
	build_kernel "$1" kernel/config/vm.config kernel/config/numa.config
	build_dtb ''
	guest_busybox
	_root=$BASE/selftests-$1/root
	rm -rf "$_root"
	mkdir -p "$_root/tests/debug"
	for _module in selftests/test_modules/dmem_dma_test tests/guest/debug/dmem_dma_node \
		tests/guest/debug/dmem_test_region; do
		guest_module "$1" "$_module.c" "$_root/tests/debug" "KCFLAGS=-I$PWD/selftests/test_modules"
	done
	kernel_headers "$1"
	numa_programs >"$_root/tests/list"
	while read -r _program; do
		# shellcheck disable=SC2046 # files
		guest_cc -isystem "$BASE/build-$1/usr/include" -o "$_root/tests/$_program" \
			"tests/guest/$_program.c" selftests/dmem_dma_driver.c \
			selftests/dmem_unaccounted.c $(dmem_util) -lpthread ||
		die "cannot compile tests/guest/$_program.c: see the compiler's message above"
	done <"$_root/tests/list"
	pack_initrd "$BASE/selftests-$1/initrd" "$_root" "$BASE/build-$1"
}

numa_guest()
{
	numa_machine
	step "guest: memory nodes"
	numa_build numa
	BOOT_SECONDS=3600
	guest_run numa numa "$BASE/selftests-numa/initrd" numa "$NUMA_WORDS" "$@"
	BOOT_SECONDS=
	build_for arm64
}

suite_numa()
{
	numa_machine
	step "guest: memory nodes"
	numa_build numa
	BOOT_SECONDS=3600
	# shellcheck disable=SC2046 # words
	numa_boot patched numa "$NUMA_WORDS" $(numa_programs)
	# Without a default area, and so without one of the heaps in TEST_HEAPS
	numa_boot node-only none "$NUMA_WORDS cma=0 DMEM_TEST_HEAP= dmem.only=debug/test_numa dmem.part=node_only" \
		debug/test_numa
	BOOT_SECONDS=
	build_for arm64
}

# numa_boot BOOT SKIPS WORDS PROGRAM...
numa_boot()
{
	_boot=$1
	_skips_of=$2
	_words=$3
	shift 3
	step "guest: memory nodes, $_boot"
	mkdir -p "$BASE/run/numa/$_boot"
	printf '%s\n' "$@" >"$BASE/run/numa/$_boot/expect"
	boot_tests "numa/$_boot" numa "$BASE/selftests-numa/initrd" "$_skips_of" "$_words"
}
