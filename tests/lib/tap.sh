# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Tests in shell that print TAP.
#
# The script sets dir to a directory to work in before it reads this file, and ends with
# tap_end.

n=0
bad=0
: >"${dir:?}/names"
echo "TAP version 13"

# t NAME COMMAND...: one test. The output of a failed command gives the reason. A name that
# is used twice fails the test.
t()
{
	n=$((n + 1))
	_name=$1
	shift
	if grep -qxF -e "$_name" "$dir/names"; then
		bad=1
		echo "# this name is used twice"
		echo "not ok $n $_name"
	elif "$@" >"$dir/out" 2>&1; then
		echo "ok $n $_name"
	else
		bad=1
		sed 's/^/# /' "$dir/out"
		echo "not ok $n $_name"
	fi
	printf '%s\n' "$_name" >>"$dir/names"
}

# Fails if a test failed.
tap_end()
{
	echo "1..$n"
	[ $bad = 0 ]
}
