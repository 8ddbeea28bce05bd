# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The kernel's tree as it is without the series, for a while.

# without_series COMMAND...: runs it while the tree is what the series is for.
without_series()
{
	_series_id=$TREE_ID
	TREE_ID=$(tree_content base-of-series)
	trap tree_back EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	tree_aside
	"$@"
	tree_back
	trap - EXIT INT TERM HUP
	TREE_ID=$_series_id
}

# All files in which the tree differs from the base, also what is not committed,
# are put aside, not changed: they come back with the times they had, so that
# nothing looks newer than what was built of it.
tree_aside()
{
	_a=$BASE/aside
	rm -rf "$_a.new"
	mkdir -p "$_a.new/tree"
	tree_differs d >"$_a.new/changed"
	tree_differs D >"$_a.new/deleted"
	tree_differs a >"$_a.new/base"
	if [ -s "$_a.new/base" ]; then
		# shellcheck disable=SC2046 # a list of files without blanks
		kgit -C "$TREE" archive -o "$_a.new/base.tar" base-of-series -- $(cat "$_a.new/base") ||
		die "cannot read the base of the series in $TREE"
	fi
	# From here on kernel_tree brings them back, should this run be killed.
	mv "$_a.new" "$_a"
	while read -r _f; do
		mkdir -p "$_a/tree/$(dirname "$_f")"
		mv "$TREE/$_f" "$_a/tree/$_f"
	done <"$_a/changed"
	[ ! -e "$_a/base.tar" ] || tar -x -m -f "$_a/base.tar" -C "$TREE"
}

# tree_differs FILTER: files in the tree that are not as in the base.
tree_differs()
{
	kgit -C "$TREE" diff --no-renames --name-only --diff-filter="$1" base-of-series
}
