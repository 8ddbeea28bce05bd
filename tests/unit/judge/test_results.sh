#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests scripts/lib/results.sh on pages of its own, and the pages in docs/results. Prints TAP.
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
lib=${1-$top/scripts/lib/results.sh}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
RESULTS=$dir
n=0
bad=0

die()
{
	echo "error: $*"
	exit 1
}

# shellcheck source=scripts/lib/results.sh
. "$lib"

# t NAME: the files "is" and "wanted" are the same.
t()
{
	n=$((n + 1))
	if diff "$dir/wanted" "$dir/is" >"$dir/diff"; then
		echo "ok $n $1"
	else
		bad=1
		echo "not ok $n $1"
		sed 's/^/# /' "$dir/diff"
	fi
}

# The run of a test is always the same.
results_run()
{
	echo '2030-01-02 abcdef0'
}

page()
{
	cat >"$dir/page.md" <<'END'
Before.
<!-- results: one -->
old
<!-- end of results -->
Between.
<!-- results: two -->
<!-- end of results -->
After.
END
}

echo "TAP version 13"
page
printf 'new\nlines\n' | (results_put page.md two) 2>/dev/null
cat >"$dir/wanted" <<'END'
Before.
<!-- results: one -->
old
<!-- end of results -->
Between.
<!-- results: two -->

new
lines

<!-- end of results -->
After.
END
cp "$dir/page.md" "$dir/is"
t "a section is filled, the rest stays"
echo newer | (results_put page.md two) 2>/dev/null
sed -i 's/^new$/newer/; /^lines$/d' "$dir/wanted"
cp "$dir/page.md" "$dir/is"
t "a section is replaced"
cp "$dir/page.md" "$dir/wanted"
echo text | (results_put page.md three) >"$dir/said" 2>&1 && echo 'no error' >>"$dir/page.md"
cp "$dir/page.md" "$dir/is"
t "an unknown section leaves the page"
echo "error: $dir/page.md has no section 'three'" >"$dir/wanted"
cp "$dir/said" "$dir/is"
t "an unknown section is an error"
(results_put page.md one) </dev/null >"$dir/is" 2>&1 && echo 'no error' >>"$dir/is"
echo "error: there are no results for section 'one' of $dir/page.md" >"$dir/wanted"
t "no results are an error"
sed -i '/end of results/d' "$dir/page.md"
echo "error: $dir/page.md has no section 'one'" >"$dir/wanted"
echo text | (results_put page.md one) >"$dir/is" 2>&1 && echo 'no error' >>"$dir/is"
t "a section without an end is an error"
find "$dir" -name 'page.md?*' >"$dir/is"
: >"$dir/wanted"
t "no temporary file is left"

printf '7\tdmem/test_a\tone\tfirst\n7\tdmem/test_a\ttwo\tfirst\n8\tdmem/test_b\tone\tsecond\n9\tdmem/test_b\tone\tthird\n' >"$dir/list"
cat >"$dir/page.md" <<'END'
| mutant | change | test | result | run |
|---|---|---|---|---|
| 7 | old text | dmem/test_a two | survived | 2029-01-01 1234567 |
| 8 | old text | dmem/test_b one | survived | 2029-01-01 1234567 |
| 6 | gone | dmem/test_b one | killed | 2029-01-01 1234567 |
END
printf '7\tdmem/test_a\tone\tkilled\n8\tdmem/test_b\tone\tkilled, program ended with status 137\n' |
(results_mutants page.md "$dir/list") >"$dir/is"
cat >"$dir/wanted" <<'END'
4 tests of 3 mutants: 2 killed, 1 survived, 1 not run.

| mutant | change | test | result | run |
|---|---|---|---|---|
| 7 | first | dmem/test_a one | killed | 2030-01-02 abcdef0 |
| 7 | first | dmem/test_a two | survived | 2029-01-01 1234567 |
| 8 | second | dmem/test_b one | killed, program ended with status 137 | 2030-01-02 abcdef0 |
| 9 | third | dmem/test_b one | not run |  |
END
t "mutants: this run, else an earlier one, in the order of the list"
: >"$dir/empty"
(results_mutants page.md "$dir/empty") </dev/null >"$dir/is" && echo 'no error' >>"$dir/is"
echo "error: cannot make the table of mutants from $dir/empty" >"$dir/wanted"
t "an empty list of mutants is an error"

results_torture >"$dir/is" <<'END'
# test_torture.c:503:random:seed 3, from epoch 0, 4 workers
# test_torture.c:463:random:11 operations in 12 epochs and 13999 ms, 14 regions; 15 granted, 16 refused
# test_torture.c:466:random:20 ms to compare all counters, 21 times; 22 samples, none above a limit
# test_torture.c:468:random:31 operations on 32 cameras gave 33 buffers, 34 on 35 displays 36
# test_torture.c:472:random:of all these were 41 exported, and 42 fds imported
# test_other.c:463:random:99 operations in 99 epochs and 99999 ms, 99 regions; 99 granted, 99 refused
END
cat >"$dir/wanted" <<'END'
| measure | value |
|---|---|
| operations that changed the state | 11 |
| epochs | 12 |
| seconds | 13 |
| regions | 14 |
| buffers granted | 15 |
| requests refused | 16 |
| comparisons of all counters | 21 |
| samples of the usage, none above a limit | 22 |
| differences | 0 |
| operations on cameras | 31 |
| buffers from cameras | 33 |
| operations on displays | 34 |
| buffers from displays | 36 |
| buffers exported | 41 |
| buffers imported | 42 |
END
t "the figures of the torture test"

results_loads >"$dir/is" <<'END'
# tests/guest/tools/test_plan_loads.c:1:predicted:load: 3 cma/a 5 odd 4096 10485760 12582912 16777216 1 15728640 0 20971520 1 16777216 1
# tests/guest/tools/test_plan_loads.c:2:predicted:predictions: 4096 7 1 the needed size
# tests/guest/tools/test_plan_loads.c:2:predicted:predictions: 4096 2 0 another size
# tests/guest/tools/test_plan_loads.c:1:predicted:load: 4 cma/b 1 large 65536 10485760 10485760 12582912 1 15728640 1 8388608 0 33554432 2
# tests/guest/tools/test_plan_loads.c:2:predicted:predictions: 65536 3 0 the needed size
# tests/guest/tools/test_plan_loads.c:2:predicted:load 4: recorded in 3 ms, compared in 4 ms
END
cat >"$dir/wanted" <<'END'
| answer | pages of 4K | pages of 64K | all | misses |
|---|---|---|---|---|
| the needed size | 7 | 3 | 10 | 1 |
| another size | 2 | 0 | 2 | 0 |
| all | 9 | 3 | 12 | 1 |

2 needs of regions:

| size | loads that fail | sum of all sizes, MiB | more than planned |
|---|---|---|---|
| `dmemctl plan`, with 10 % headroom | 0 | 28 | +0 % |
| peak times 1.5 | 1 | 30 | +7 % |
| sum of the peaks of all services | 1 | 28 | +0 % |
| 16M, doubled until the load runs: 3 boots | 0 | 48 | +71 % |

| load | page | region | services | buffers | peak | needed | planned | peak x 1.5 | sum of peaks | doubled |
|---|---|---|---|---|---|---|---|---|---|---|
| 3 | 4K | cma/a | 5 | odd | 10 | 12 | 16 | 15 fails | 20 | 16 |
| 4 | 64K | cma/b | 1 | large | 10 | 10 | 12 | 15 | 8 fails | 32 |
END
t "the tables of loads"

: | (results_loads) >"$dir/is" 2>&1
echo "error: cannot make the table of loads" >"$dir/wanted"
t "a run without loads has no table"

# Each section that a script fills is on a page.
cd "$top" || exit 1
grep -rhoE 'results_put [a-z]+\.md [a-z]+' scripts --include='*.sh' | sort -u >"$dir/puts"
while read -r _ page section; do
	grep -qxF "<!-- results: $section -->" "docs/results/$page" || echo "$page has no section '$section'"
done <"$dir/puts" >"$dir/is"
[ "$(wc -l <"$dir/puts")" -ge 6 ] || echo "scripts fill only $(wc -l <"$dir/puts") sections" >>"$dir/is"
: >"$dir/wanted"
t "each section that is filled is on its page"
echo "1..$n"
exit $bad
