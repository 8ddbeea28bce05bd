# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Restores the kernel's tree without the series for a while.

# without_series COMMAND...: runs it while the tree has no changes of the series.
without_series()
{
	ahead_stop
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

# Puts all files aside in which the tree differs from the base, also uncommitted ones.
# They are moved, not changed: they come back with their old times, so that make
# rebuilds nothing.
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
	# From here on kernel_tree restores them if this run is killed.
	mv "$_a.new" "$_a"
	while read -r _f; do
		mkdir -p "$_a/tree/$(dirname "$_f")"
		mv "$TREE/$_f" "$_a/tree/$_f"
	done <"$_a/changed"
	[ ! -e "$_a/base.tar" ] || tar -x -m -f "$_a/base.tar" -C "$TREE"
}

# tree_differs FILTER: files in the tree that differ from the base.
tree_differs()
{
	kgit -C "$TREE" -c core.quotePath=false diff --no-renames --name-only --diff-filter="$1" base-of-series
}
