# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# What accounting costs, on one CPU with -icount: guest time is a count of
# instructions, so two runs agree.

bench()
{
	STEPS=7
	vm
	step "guest: the cost with the controller, and without"
	for _w in '' cgroup_disable=dmem; do
		_res=$BASE/vm/bench.results
		(
			MACHINE=$(echo "$MACHINE" | sed 's/-smp [0-9]*/-smp 1 -icount shift=0,sleep=off/')
			boot 300 "$LOGS/bench-kernel.log" "$_res" "$IMAGE" "$BASE/vm/initrd" "dmem.run=bench $_w"
		)
		grep -q '^# exit bench 0' "$_res" ||
		die_log "$LOGS/bench-kernel.log" "the benchmark did not come to its end: $(head -n 3 "$_res" | tr '\n' ' ')"
		printf '\nnanoseconds for an allocation and a close%s\n' "${_w:+, with $_w}"
		sed -e '/^#/d' -e '/^$/d' "$_res"
	done
}
