# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Measures the cost of accounting. On one CPU with -icount, guest time is a count of
# instructions, so two runs agree.

bench()
{
	STEPS=8
	prepare
	RUNS=$BASE/run/bench
	rm -rf "$RUNS"
	mkdir -p "$RUNS"
	build_dtb ''
	guest_busybox
	bench_kernel bench ''
	LIKE=bench without_series bench_kernel bench-base KCFLAGS=-DWITHOUT_SERIES
	_machine=$MACHINE
	bench_machine '-smp 1 -icount shift=0,sleep=off'
	step "guest: instructions, four times"
	bench_boot unpatched bench-base ''
	bench_boot series bench ''
	bench_boot disabled bench cgroup_disable=dmem
	bench_boot memcg bench 'cgroup_disable=dmem dma_heap.mem_accounting=1'
	MACHINE=$_machine
	bench_machine '-smp 4'
	step "guest: processes on 1, 2 and 4 CPUs, by turns with and without"
	for _i in 1 2 3 4 5; do
		bench_boot unpatched-$_i bench-base ''
		bench_boot series-$_i bench ''
	done
	MACHINE=$_machine
	step "tables and charts"
	"$CACHE/bin/bench_report" "$RUNS" "$RUNS" >"$RUNS/tables"
	cat "$RUNS/tables"
	{
		printf 'Run: %s.\n' "$(results_run)"
		cat "$RUNS/tables"
	} | results_put cost.md instructions
	cp "$RUNS"/cost-*.svg docs/results/
}

# bench_machine SMP: selects a CPU with atomic operations of one instruction, as current CPUs
# have, and sets the number of CPUs.
bench_machine()
{
	MACHINE=$(echo "$MACHINE" | sed "s/-cpu [^ ]*/-cpu cortex-a76/; s/-smp [0-9]*/$1/")
}

# bench_kernel NAME MAKE-WORDS
bench_kernel()
{
	build_kernel "$1" kernel/config/vm.config kernel/config/bench.config
	_r=$BASE/bench/$1/root
	rm -rf "$_r"
	mkdir -p "$_r/tests/bin" "$_r/lib/modules"
	kernel_modules "$1" "$_r/lib/modules"
	guest_module "$1" tests/bench/dmem_charge_time.c "$_r/lib/modules"/* "$2"
	guest_cc -Itools/demo -o "$_r/tests/bin/dmem-bench" tests/bench/bench.c ||
	die "cannot compile tests/bench/bench.c: see the compiler's message above"
	: >"$_r/tests/list"
	pack_initrd "$BASE/bench/$1/initrd" "$_r" "$BASE/build-$1"
}

# bench_boot NAME KERNEL WORDS
bench_boot()
{
	boot 900 "$RUNS/$1.log" "$RUNS/$1.results" "$(kernel_image "$2")" \
		"$BASE/bench/$2/initrd" "dmem.run=bench $3"
	grep -q '^# exit bench 0' "$RUNS/$1.results" ||
	die_log "$RUNS/$1.log" "the benchmark did not come to its end: $(head -n 3 "$RUNS/$1.results" | tr '\n' ' ')"
}
