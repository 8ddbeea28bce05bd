# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Compares kernel/coverage/places with the kernel in TREE, and writes docs/coverage.md.

COVERAGE_PAGE=${COVERAGE_PAGE:-docs/coverage.md}

# coverage_find FILE: writes the differences to the file. Fails if there is one.
coverage_find()
{
	_cf=0
	"$CACHE/bin/coverage" "$TREE" kernel/coverage/places >"$1" || _cf=$?
	[ "$_cf" -le 1 ] || die "coverage gave up on kernel/coverage/places"
	return "$_cf"
}

# Prints the result as one test, as a guest prints that of a program.
coverage_tap()
{
	echo "# run kernel/coverage"
	echo "TAP version 13"
	if coverage_find "$BASE/coverage"; then
		echo "ok 1 each place of the kernel is in kernel/coverage/places"
		_ct=0
	else
		sed 's/^/# /' "$BASE/coverage"
		echo "not ok 1 each place of the kernel is in kernel/coverage/places"
		_ct=1
	fi
	echo "1..1"
	echo "# exit kernel/coverage $_ct"
	echo "# end"
}

# The list is of the source that the series is made for: another one has other places.
coverage_judged()
{
	step "places that take memory from finite pools"
	[ -z "${KERNEL_SRC:-}" ] && [ "$SERIES" = kernel ] || return 0
	coverage_tap >"$BASE/coverage.results"
	"$CACHE/bin/tapsum" -n coverage -t "$TOTALS" "$BASE/coverage.results" || [ $? = 1 ] ||
	die "tapsum gave up on $BASE/coverage.results"
}

# Writes the tables of the page, and that of dmemctl doctor, from the files in kernel/coverage.
coverage_write_page()
{
	# All tables before the first is put: a mistake in the files changes none.
	for _section in classes boards charged through open rest drivers; do
		"$CACHE/bin/coverage_page" "$_section" kernel/coverage/places kernel/coverage/boards \
			>"$CACHE/coverage.$_section" || die "coverage_page gave up on kernel/coverage"
	done
	for _section in classes boards charged through open rest; do
		(RESULTS=$(dirname "$COVERAGE_PAGE")
		results_put "$(basename "$COVERAGE_PAGE")" "$_section" <"$CACHE/coverage.$_section")
	done
	cat "$CACHE/coverage.drivers" >tools/dmemctl/doctor/uncharged.h
}

# With UPDATE, writes the numbers and the page before the comparison.
coverage()
{
	STEPS=4
	prepare
	! edit_there || TREE=$EDIT
	step "places that take memory from finite pools"
	if [ -n "${UPDATE:-}" ]; then
		"$CACHE/bin/coverage" -u "$TREE" kernel/coverage/places >"$BASE/places" || die "coverage gave up on kernel/coverage/places"
		cat "$BASE/places" >kernel/coverage/places
		coverage_write_page
	fi
	coverage_find "$BASE/coverage" || {
		cat "$BASE/coverage"
		die "kernel/coverage/places is not that of the kernel: see the lines above"
	}
}
