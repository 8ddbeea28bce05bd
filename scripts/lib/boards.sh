# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Boards of suite tools: "dmemctl plan --dts" writes an overlay for each board, which is merged
# into the board's device tree. A guest boots with that tree, and test_board checks the kernel's
# regions and messages.

# cells_of_one FILE: changes sizes in the root node from two cells to one. Only "reg" of its
# children has such sizes.
cells_of_one()
{
	for _n in $(fdtget -l "$1" /); do
		_reg=$(fdtget -t x "$1" "/$_n" reg 2>/dev/null) || continue
		# shellcheck disable=SC2046 # numbers
		fdtput -t x "$1" "/$_n" reg $(echo "$_reg" | xargs -n 4 | cut -d ' ' -f 1,2,4) || return 1
	done
	fdtput -t x "$1" / '#size-cells' 1
}

# silently COMMAND...: fails if the command fails or prints anything.
silently()
{
	_said=$("$@" 2>&1) || _said="it failed: $_said"
	[ -z "$_said" ] || { echo "$*: $_said"; return 1; }
}

# board_tree NAME OPTION WORDS: writes BASE/vm/plan-NAME.dtb, the board's device tree with the
# overlay. dmemctl plan must ask for WORDS on the kernel's command line.
board_tree()
{
	_bd=$BASE/boards/$1
	_plan="$BASE/boards/host/tools/dmemctl plan --headroom=0 --force"
	[ "$2" = - ] || _plan="$_plan $2"
	rm -rf "$_bd"
	mkdir -p "$_bd"
	base_dtb "$_bd/qemu.dtb" || return 1
	case $1 in
	cells) cells_of_one "$_bd/qemu.dtb" || return 1 ;;
	esac
	dtc -q -@ -I dts -O dtb -o "$_bd/nodes.dtbo" "tests/guest/board/$1.dtso" &&
	fdtoverlay -i "$_bd/qemu.dtb" -o "$_bd/board.dtb" "$_bd/nodes.dtbo" &&
	"$BASE/boards/host/board_history" "$1" >"$_bd/history" || return 1
	if $_plan --dts="$_bd/none.dtso" "$_bd/history" >/dev/null 2>&1 || [ -e "$_bd/none.dtso" ]; then
		echo "an overlay was written without a tree"
		return 1
	fi
	# shellcheck disable=SC2086 # a command
	$_plan --dtb="$_bd/board.dtb" --dts="$_bd/plan.dtso" "$_bd/history" 2>"$_bd/said" >/dev/null ||
	{ cat "$_bd/said"; return 1; }
	[ "$3" = - ] || grep -qF "add $3 to the kernel's command line" "$_bd/said" ||
	{ echo "plan does not print $3"; return 1; }
	silently dtc -@ -I dts -O dtb -o "$_bd/plan.dtbo" "$_bd/plan.dtso" &&
	fdtoverlay -i "$_bd/board.dtb" -o "$BASE/vm/plan-$1.dtb" "$_bd/plan.dtbo"
}

# Builds the guest's test, and the host's programs for the history and the overlay.
board_programs()
{
	_br=$BASE/boards/root
	mkdir -p "$_br/tests/board" "$BASE/boards/host"
	build_dmemctl "$BASE/boards/host" &&
	history_program "$BASE/boards/host/board_history" "$BASE/boards/host" \
		tests/guest/board/board_history.c tests/guest/board/boards.c &&
	guest_cc -isystem "$BASE/build-check/usr/include" \
		-o "$_br/tests/board/test_board" tests/guest/board/test_board.c tests/guest/board/boards.c
}

# The kernel "check" must have been built.
boards_boot()
{
	need fdtoverlay:device-tree-compiler
	step "guest: boards with the overlays of dmemctl plan"
	rm -rf "$BASE/boards"
	kernel_headers check
	board_programs >"$LOGS/boards.log" 2>&1 || die_log "$LOGS/boards.log" "cannot build the programs of tests/guest/board"
	guest_busybox
	echo board/test_board >"$BASE/boards/root/tests/list"
	pack_initrd "$BASE/boards/initrd" "$BASE/boards/root" "$BASE/build-check"
	"$BASE/boards/host/board_history" >"$BASE/boards/list"
	while read -r _name _option _words; do
		board_tree "$_name" "$_option" "$_words" >"$LOGS/board-$_name.log" 2>&1 ||
		die_log "$LOGS/board-$_name.log" "no overlay for the board $_name: $(tail -n 1 "$LOGS/board-$_name.log")"
		mkdir -p "$BASE/run/boards/$_name"
		echo board/test_board >"$BASE/run/boards/$_name/expect"
		(
			BOARD=plan-$_name
			[ "$_words" != - ] || _words=
			boot_tests "boards/$_name" check "$BASE/boards/initrd" none \
				"$PLAIN_WORDS dmem.board=$_name $_words"
		)
	done <"$BASE/boards/list"
}
