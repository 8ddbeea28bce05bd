#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests scripts/lib/check-all.sh: what it runs, after which calls, and its table. Functions take the
# place of the parts. Prints TAP.
# shellcheck disable=SC1091,SC2034,SC2317,SC2329 # variables of the library; the library calls the functions
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
w=$(mktemp -d)
trap 'rm -rf "$w"' EXIT
n=0
bad=0

# all: runs check_all with three parts. A file in $w with a part's name has the status of its end.
all()
{
	(
		set -eu
		DMEM_CACHE=$w/cache
		. "$top/scripts/lib/common.sh"
		. "$top/scripts/lib/check-all.sh"
		mkdir -p "$CACHE"
		check_all_parts() { printf '%s\n' one two three; }
		check_all_key() { cat "$w/key"; }
		results_run() { echo 2030-01-02; }
		results_put() { cat >"$w/$1"; }
		check_all_part()
		{
			printf '%s ' "$1" >>"$w/ran"
			[ "$1" = one ] || echo '3 1 2' >>"$CACHE/totals"
			[ "$1" != three ] || echo '4 0 0' >>"$CACHE/totals"
			exit "$(cat "$w/$1" 2>/dev/null || echo 0)"
		}
		check_all
	) >"$w/out" 2>"$w/err"
	echo "$?" >"$w/status"
}

# t NAME: the file "is" has the content of "wanted".
t()
{
	n=$((n + 1))
	if diff "$w/wanted" "$w/is" >"$w/diff"; then
		echo "ok $n $1"
	else
		bad=1
		echo "not ok $n $1"
		sed 's/^/# /' "$w/diff" "$w/err"
	fi
}

# ran NAME STATUS PART...: the last call ran these parts, and had this status.
ran()
{
	_test=$1
	shift
	echo "$*" >"$w/wanted"
	{ cat "$w/status" "$w/ran" 2>/dev/null || echo; } | xargs >"$w/is"
	rm -f "$w/ran"
	t "$_test"
}

echo 1 >"$w/key"
echo 1 >"$w/two"
all
ran "the parts after a failed one run" 1 one two three
echo 'error: failed: two' >"$w/wanted"
tail -n 1 "$w/err" >"$w/is"
t "the failed part is named"
sed -E 's/[0-9]+ \|$/N |/' "$w/out" >"$w/is"
cat >"$w/wanted" <<'END'
| part | result | runs | passed | failed | skipped | minutes |
|---|---|---|---|---|---|---|
| `one` | passed | | | | | N |
| `two` | failed | 1 | 3 | 1 | 2 | N |
| `three` | passed | 2 | 7 | 1 | 2 | N |
| all | | 3 | 10 | 2 | 4 | N |
END
t "the table has the numbers of each part, and their sums"
ls "$w/check-all.md" >"$w/is" 2>/dev/null
: >"$w/wanted"
t "no page is written after a failure"
echo 130 >"$w/two"
all
ran "an interrupted part ends the call" 130 two
rm "$w/two"
all
ran "only what has not passed runs again" 0 two
{ printf 'Run: 2030-01-02.\n\n'; cat "$w/out"; } >"$w/wanted"
cp "$w/check-all.md" "$w/is"
t "the page has the table"
all
ran "nothing runs after all have passed" 0
echo 2 >"$w/key"
all
ran "all parts run for another commit" 0 one two three
echo "1..$n"
exit $bad
