# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Writes the tables in docs/results/ from the results of runs. A page there has sections
# between two marks, <!-- results: NAME --> and <!-- end of results -->. A run replaces
# its own section and keeps the others.

RESULTS=${RESULTS:-docs/results}

# The date and the commit of this run. A "+" means uncommitted changes, except in the
# results themselves.
results_run()
{
	_rr=$(git rev-parse --short HEAD 2>/dev/null || echo 'no commit')
	git diff --quiet HEAD -- . ":!$RESULTS" 2>/dev/null || _rr=$_rr+
	printf '%s %s\n' "$(date -u +%Y-%m-%d)" "$_rr"
}

# results_put PAGE SECTION: replaces that section by standard input. Empty input or a
# missing section is an error: readers would trust an incomplete page.
results_put()
{
	_rp=$RESULTS/$1
	cat >"$_rp.text"
	grep -q . "$_rp.text" || { rm -f "$_rp.text"; die "there are no results for section '$2' of $_rp"; }
	awk -v name="$2" -v text="$_rp.text" '
	$0 == "<!-- results: " name " -->" {
		print
		print ""
		while ((getline line <text) > 0)
			print line
		print ""
		inside = done = 1
	}
	inside && $0 == "<!-- end of results -->" { inside = 0 }
	!inside { print }
	END { exit !done || inside }' "$_rp" >"$_rp.new" || {
		rm -f "$_rp.text" "$_rp.new"
		die "$_rp has no section '$2'"
	}
	rm "$_rp.text"
	mv "$_rp.new" "$_rp"
	printf '      results: %s, section %s\n' "$_rp" "$2" >&2
}

# results_mutants PAGE LIST: the table of the mutants in LIST, with the results of this run on
# standard input and those of earlier runs from PAGE for the others. Fields are separated by
# tabs: NUMBER PROGRAM TEST TEXT in LIST, NUMBER PROGRAM TEST RESULT in the input.
results_mutants()
{
	awk -F '\t' -v page="$RESULTS/$1" -v list="$2" -v run="$(results_run)" '
	function trimmed(s)
	{
		gsub(/^ +| +$/, "", s)
		return s
	}
	function key_of(number, test)
	{
		return number " " test
	}
	function count(result)
	{
		if (result ~ /^killed/)
			killed++
		else if (result == "survived")
			survived++
		else
			missing++
	}
	BEGIN {
		while ((getline line <page) > 0) {
			if (split(line, cell, "|") != 7)
				continue
			key = key_of(trimmed(cell[2]), trimmed(cell[4]))
			result[key] = trimmed(cell[5])
			when[key] = trimmed(cell[6])
		}
	}
	{
		key = key_of($1, $2 " " $3)
		result[key] = $4
		when[key] = run
	}
	END {
		while ((getline line <list) > 0) {
			split(line, field, "\t")
			key = key_of(field[1], field[2] " " field[3])
			if (!(key in result))
				result[key] = "not run"
			count(result[key])
			rows = rows sprintf("| %s | %s | %s | %s | %s |\n", field[1], field[4],
				field[2] " " field[3], result[key], when[key])
			total++
			mutants += !(field[1] in seen)
			seen[field[1]] = 1
		}
		if (!total)
			exit 1
		printf "%d tests of %d mutants: %d killed, %d survived, %d not run.\n\n", total, mutants,
			killed, survived, missing
		printf "| mutant | change | test | result | run |\n|---|---|---|---|---|\n%s", rows
	}' || die "cannot make the table of mutants from $2"
}

# results_torture: the figures of test_torture, from its results on standard input.
results_torture()
{
	awk '
	function row(name, value)
	{
		printf "| %s | %s |\n", name, value
	}
	!/^# test_torture.c:[0-9]*:random:/ { next }
	{
		sub(/^# [^:]*:[0-9]*:random:/, "")
		sub(/^[^0-9]*/, "")
		split($0, v, /[^0-9]+/)
	}
	/operations in .* epochs/ {
		print "| measure | value |\n|---|---|"
		row("operations that changed the state", v[1])
		row("epochs", v[2])
		row("seconds", int(v[3] / 1000))
		row("regions", v[4])
		row("buffers granted", v[5])
		row("requests refused", v[6])
	}
	/to compare all counters/ {
		row("comparisons of all counters", v[2])
		row("samples of the usage, none above a limit", v[3])
		row("differences", 0)
	}
	/operations on .* cameras gave/ {
		row("operations on cameras", v[1])
		row("buffers from cameras", v[3])
		row("operations on displays", v[4])
		row("buffers from displays", v[6])
	}
	/exported, and .* fds imported/ {
		row("buffers exported", v[1])
		row("buffers imported", v[2])
	}'
}

# results_loads: the tables of suite loads, from the results of its boots on standard input.
results_loads()
{
	awk '
	function mib(bytes)
	{
		return sprintf("%.4g", bytes / 1048576)
	}
	function cell(bytes, runs)
	{
		return mib(bytes) (runs ? "" : " fails")
	}
	function add(way, bytes, runs)
	{
		sum[way] += bytes
		fails[way] += !runs
	}
	function way(name, title)
	{
		printf "| %s | %d | %s | %+.0f %% |\n", title, fails[name], mib(sum[name]),
			100 * (sum[name] / sum["plan"] - 1)
	}
	/^# test_plan_loads.c:[0-9]*:predicted:/ || /^# .*\/test_plan_loads.c:[0-9]*:predicted:/ {
		sub(/^# [^:]*:[0-9]*:predicted:/, "")
	}
	$1 == "predictions:" {
		kind = $0
		sub(/^predictions: [0-9]+ [0-9]+ [0-9]+ /, "", kind)
		if (!(kind in total))
			order[++kinds] = kind
		page[$2 / 1024] = 1
		made[kind, $2 / 1024] += $3
		total[kind] += $3
		missed[kind] += $4
	}
	$1 == "load:" {
		loads[$6 / 1024, $2] = 1
		add("need", $8, 1)
		add("plan", $9, $10)
		add("half", $11, $12)
		add("sum", $13, $14)
		add("double", $15, 1)
		guesses += $16
		n++
		rows = rows sprintf("| %d | %dK | %s | %d | %s | %s | %s | %s | %s | %s | %s |\n", $2,
			$6 / 1024, $3, $4, $5, mib($7), mib($8), cell($9, $10), cell($11, $12),
			cell($13, $14), mib($15))
	}
	END {
		if (!n || !kinds)
			exit 1
		printf "| answer"
		for (p = 4; p <= 64; p *= 4)
			if (p in page) {
				printf " | pages of %dK", p
				line = line "---|"
			}
		printf " | all | misses |\n|---|%s---|---|\n", line
		for (i = 1; i <= kinds; i++) {
			printf "| %s", order[i]
			for (p = 4; p <= 64; p *= 4)
				if (p in page) {
					printf " | %d", made[order[i], p]
					of_page[p] += made[order[i], p]
				}
			printf " | %d | %d |\n", total[order[i]], missed[order[i]]
			all += total[order[i]]
			wrong += missed[order[i]]
		}
		printf "| all"
		for (p = 4; p <= 64; p *= 4)
			if (p in page)
				printf " | %d", of_page[p]
		printf " | %d | %d |\n\n", all, wrong
		printf "%d needs of regions:\n\n", n
		print "| size | loads that fail | sum of all sizes, MiB | more than planned |\n|---|---|---|---|"
		way("plan", "`dmemctl plan`, with 10 % headroom")
		way("half", "peak times 1.5")
		way("sum", "sum of the peaks of all services")
		way("double", sprintf("16M, doubled until the load runs: %d boots", guesses))
		print "\n| load | page | region | services | buffers | peak | needed | planned | peak x 1.5 | sum of peaks | doubled |"
		print "|---|---|---|---|---|---|---|---|---|---|---|"
		printf "%s", rows
	}' || die "cannot make the table of loads"
}
