# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# "make check-all": runs all parts, one after the other, also after a failure. A part that has passed
# is not run again for the same commit, so that the next call goes on where this one was stopped.

# Prints the names of the parts, in the order in which they run.
check_all_parts()
{
	printf '%s\n' checkpatch bisect mutants mutants-systemd mutants-plan mutants-hook mutants-slurm \
		mutants-coverage mutants-try
	suites host check check-all
}

# check_all_part NAME
check_all_part()
{
	case $1 in
	checkpatch) checkpatch ;;
	bisect) bisect ;;
	mutants) mutants '' ;;
	mutants-systemd) systemd_mutants systemd ;;
	mutants-plan) host_mutants p plan plan ;;
	mutants-hook) host_mutants h hook hook ;;
	mutants-slurm) host_mutants k slurm slurm ;;
	mutants-coverage) host_mutants c coverage coverage ;;
	mutants-try) host_mutants t try try ;;
	*) check "$1" ;;
	esac
}

# Prints what the results of all parts depend on: the commit, and changes that are in none. The pages
# that the parts write do not count.
check_all_key()
{
	{
		git rev-parse HEAD
		git diff HEAD -- . ':!docs/results'
		git ls-files -o --exclude-standard -z | xargs -0r sha256sum
	} | hash16
}

# check_all: a line of the file "state" is PART RESULT SECONDS RUNS PASSED FAILED SKIPPED.
check_all()
{
	_state=$CACHE/check-all/state
	mkdir -p "$CACHE/check-all"
	_key=$(check_all_key)
	if [ "$_key" != "$(cat "$CACHE/check-all/key" 2>/dev/null)" ]; then
		: >"$_state"
		echo "$_key" >"$CACHE/check-all/key"
	fi
	_parts=$(check_all_parts)
	for _part in $_parts; do
		if grep -q "^$_part passed " "$_state"; then
			printf '%s: passed before, for this commit\n' "$_part" >&2
			continue
		fi
		printf '%s: begins\n' "$_part" >&2
		sed -i "/^$_part /d" "$_state"
		rm -f "$CACHE/totals"
		_begin=$(date +%s)
		# In a subshell, and not in a condition, where "set -e" would have no effect.
		set +e
		(set -e; check_all_part "$_part")
		_rc=$?
		set -e
		[ "$_rc" -lt 128 ] || exit "$_rc"
		_result=passed
		[ "$_rc" = 0 ] || _result=failed
		echo "$_part $_result $(($(date +%s) - _begin)) $(check_all_totals)" >>"$_state"
	done
	check_all_table <"$_state" >"$CACHE/check-all/table"
	cat "$CACHE/check-all/table"
	_failed=$(sed -n 's/^\([^ ]*\) failed .*/ \1/p' "$_state" | tr -d '\n')
	[ -z "$_failed" ] || die "failed:$_failed"
	{ printf 'Run: %s.\n\n' "$(results_run)"; cat "$CACHE/check-all/table"; } | results_put check-all.md parts
}

# Prints the number of runs of which tapsum has written totals, and the sums of these.
check_all_totals()
{
	[ -e "$CACHE/totals" ] || { echo '0 0 0 0'; return; }
	awk '{ passed += $1; failed += $2; skipped += $3 } END { print NR, passed + 0, failed + 0, skipped + 0 }' \
		"$CACHE/totals"
}

# Makes a table of the state. Parts without tests of their own, such as checkpatch, have no numbers.
check_all_table()
{
	awk '
	BEGIN {
		print "| part | result | runs | passed | failed | skipped | minutes |"
		print "|---|---|---|---|---|---|---|"
	}
	{
		runs += $4; passed += $5; failed += $6; skipped += $7; seconds += $3
		if ($4)
			printf "| `%s` | %s | %d | %d | %d | %d | %d |\n", $1, $2, $4, $5, $6, $7, ($3 + 59) / 60
		else
			printf "| `%s` | %s | | | | | %d |\n", $1, $2, ($3 + 59) / 60
	}
	END { printf "| all | | %d | %d | %d | %d | %d |\n", runs, passed, failed, skipped, (seconds + 59) / 60 }'
}
