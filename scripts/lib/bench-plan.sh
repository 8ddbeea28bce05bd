#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Measures user CPU and memory of "dmemctl plan" with histories that are larger than those of
# the tests. Needs 600 MB for files.
set -eu
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
. scripts/lib/results.sh
. scripts/lib/build-dir.sh
need /usr/include/stdio.h:libc6-dev /usr/bin/time:time

w=$(mktemp -d)
trap 'rm -rf "$w"' EXIT
trap 'exit 130' HUP INT TERM
build_dmemctl "$w/build"
history_program "$w/histories" "$w/build" tests/bench/histories.c

# plan_of TEXT: measures one run with $w/history, and adds a row named TEXT.
plan_of()
{
	/usr/bin/time -o "$w/time" -f '%U %M' "$w/build/tools/dmemctl" plan "$w/history" >/dev/null
	read -r _cpu _kib <"$w/time"
	printf '| %s | %s | %s | %s |\n' "$1" "$(du -sm "$w/history" | cut -f 1)" "$_cpu" "$((_kib / 1024))" |
	tee -a "$w/rows"
}

"$w/histories" services 1000 >"$w/history"
plan_of "1,000 services in one sample"
"$w/histories" samples 800000 >"$w/history"
plan_of "30 services, 800,000 samples"
"$w/histories" wide 10000 64 >"$w/history"
plan_of "10,000 cgroups in 64 regions, one sample"
"$w/histories" buffers 20000 24 >"$w/history"
plan_of "20,000 buffers, named again in each of 24 hours"
rm "$w/history"
mkdir "$w/history"
_i=0
while [ "$_i" -lt 200 ]; do
	_i=$((_i + 1))
	"$w/histories" starts 7 "$_i" >"$w/history/$_i"
done
plan_of "200 machines, 7 days, a start each minute"
{
	printf 'Run: %s.\n\n' "$(results_run)"
	printf '| history | MB | user CPU, s | memory, MiB |\n|---|---|---|---|\n'
	cat "$w/rows"
} | results_put cost.md plan
