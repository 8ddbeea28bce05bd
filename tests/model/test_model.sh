#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the model, and each flaw that it must find. Prints TAP.
#
#   test_model.sh MODEL SANITIZED-MODEL DIR
set -u
model=$1
sanitized=$2
dir=$3
# shellcheck source=tests/lib/tap.sh
. "${0%/*}/../lib/tap.sh"

# finds FLAW: with this flaw, the model reports an error and the steps that lead to it.
finds()
{
	_rc=0
	"$model" --break "$1" >"$dir/flaw" 2>&1 || _rc=$?
	[ "$_rc" != 1 ] || [ "$(wc -l <"$dir/flaw")" -lt 2 ] || return 0
	cat "$dir/flaw"
	echo "status $_rc: the flaw was not found"
	return 1
}

t "nothing is wrong in any state and order" "$model"
sed 's/^/# /' "$dir/out"
t "the sanitizers have nothing to say" "$sanitized" --quick
"$model" --list >"$dir/flaws"
while IFS='	' read -r flaw text; do
	t "it is found when $text" finds "$flaw"
	# The error, without the counts of the states that were right before.
	sed -n '/ states, /d;/->/d;/^  /d;s/^/# /p;' "$dir/flaw"
	echo "#   in $(grep -c -e '->' "$dir/flaw") steps"
done <"$dir/flaws"
t "there are flaws to be found" test "$n" -gt 20
tap_end
