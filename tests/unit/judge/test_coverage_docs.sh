#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Compares the tables of docs/coverage.md, and that of dmemctl doctor, with the files in
# kernel/coverage. Prints TAP.
#
#   test_coverage_docs.sh COVERAGE_PAGE DIR
set -eu
cd "$(dirname "$0")/../../.."
page=$1
dir=$2
mkdir -p "$dir"
. tests/lib/tap.sh

# The lines of docs/coverage.md between the marks of a section.
section()
{
	awk -v name="$1" '
	$0 == "<!-- results: " name " -->" { inside = found = 1; next }
	$0 == "<!-- end of results -->" { inside = 0 }
	inside && NF { print }
	END { exit !found }' docs/coverage.md
}

is_current()
{
	"$page" "$1" kernel/coverage/places kernel/coverage/boards >"$dir/all" || return 1
	grep . "$dir/all" >"$dir/wanted"
	[ "$(wc -l <"$dir/wanted")" -ge 5 ] || { echo "section $1 is empty"; return 1; }
	section "$1" >"$dir/is" || { echo "docs/coverage.md has no section $1"; return 1; }
	diff "$dir/wanted" "$dir/is" || { echo "run: make coverage UPDATE=1"; return 1; }
}

table_is_current()
{
	"$page" drivers kernel/coverage/places kernel/coverage/boards >"$dir/wanted" || return 1
	diff "$dir/wanted" tools/dmemctl/doctor/uncharged.h || { echo "run: make coverage UPDATE=1"; return 1; }
}

t "dmemctl doctor has the current drivers" table_is_current
for s in classes boards charged through open rest; do
	t "docs/coverage.md has the current table: $s" is_current "$s"
done
tap_end
