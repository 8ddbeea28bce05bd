#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the kernel's own functions for pinned regions in a program, next to the model:
#
#   kernel.sh DMEM_C [STEPS [SEED]]
#
# DMEM_C is kernel/cgroup/dmem.c of a tree with the series. Prints the first difference.
set -eu
[ $# -ge 1 ] || { sed -n 's/^#   /usage: /p' "$0" >&2; exit 2; }
here=$(dirname "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
{
	sed -n '/^static unsigned long get_resource_peak/,/^}/p' "$1"
	# All from here to the functions that remove a cgroup
	sed -n '/^static unsigned long dmemcg_available/,/^static .*dmemcg_next_to_kill/p' "$1" |
	sed '$d' | sed '/^\/\* Marks a pool of/,$d'
} >"$dir/dmem_rule.h"
grep -q dmemcg_reserve "$dir/dmem_rule.h" || { echo "$1: no reservations" >&2; exit 2; }
"${CC:-cc}" -O2 -w -I"$dir" -I"$here/../guest/kernel" -x c "$here/kernel.c.in" \
	"$here/../guest/kernel/reserve_model.c" -o "$dir/kernel"
shift
"$dir/kernel" "$@"
