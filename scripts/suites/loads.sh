# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite loads: the answers of dmemctl plan on 40 loads, compared with the kernel, with pages of 4K,
# 16K and 64K. Suite tools compares some of these loads.

suite loads 11 check-all 9 "answers of dmemctl plan on 40 loads, with three sizes of pages"

# The load whose planned sizes become device trees: OF_BOARD of the program. Then the sizes of
# pages in KiB, and the loads that are compared with each.
LOADS_BOARD=8
LOADS_SIZES='4:0-39 16:0-11 64:0-11'

# A Cortex-A57 has no pages of 16K. With one CPU, CMA waits for no other one before each
# allocation: the emulator needs a fraction of the time.
loads_machine()
{
	MACHINE=$(echo "$MACHINE" | sed 's/-cpu [^ ]*/-cpu cortex-a76/; s/-smp [0-9]*/-smp 1/')
}

loads_programs()
{
	echo tools/test_plan_loads
}

# loads_kernel PAGE: prints the name of the kernel with this size of pages, in KiB.
loads_kernel()
{
	case $1 in
	4) echo check ;;
	*) echo "pages$1" ;;
	esac
}

loads_build()
{
	loads_machine
	build_check
	for _kib in 64 16; do
		build_kernel "pages$_kib" kernel/config/vm.config kernel/config/systemd.config \
			"kernel/config/pages$_kib.config"
	done
}

# The system of suite tools without systemd, which would need most of the emulator's time.
loads_system()
{
	step "guest: dmemctl and the loads"
	build_dtb ''
	guest_busybox
	GUEST_ONLY=' tools/test_plan_loads '
	tools_root
	GUEST_ONLY=
	_lr=$BASE/loads/root
	_from=$BASE/tools/trixie/root
	rm -rf "$_lr"
	mkdir -p "$_lr/usr/lib" "$_lr/usr/sbin" "$_lr/tests"
	cp -a "$_from/lib" "$_lr/"
	cp -a "$_from/usr/lib/aarch64-linux-gnu" "$_from/usr/lib"/ld-linux-* "$_lr/usr/lib/"
	cp -a "$_from/usr/sbin/dmemctl" "$_lr/usr/sbin/"
	cp -a "$_from/tests/tools" "$_from/tests/list" "$_lr/tests/"
	pack_initrd "$BASE/loads/initrd" "$_lr" "$BASE/build-check"
}

# "make guest T=loads:test_plan_loads" has pages of 4K and all loads, with PAGES=64 pages of 64K, and
# with LOADS=7-9 three loads.
loads_guest()
{
	loads_machine
	case ${PAGES:-4} in
	4) build_check ;;
	*) build_kernel "pages$PAGES" kernel/config/vm.config kernel/config/systemd.config \
		"kernel/config/pages$PAGES.config" ;;
	esac
	loads_system
	BOOT_SECONDS=3600
	guest_run "loads-${PAGES:-4}" "$(loads_kernel "${PAGES:-4}")" "$BASE/loads/initrd" none \
		"$PLAIN_WORDS dmem.limit=3500 dmem.loads=${LOADS:-0-39}" "$@"
	BOOT_SECONDS=
	build_for arm64
}

# loads_tree RESULTS: makes device trees whose areas have exactly the sizes that are planned, in
# whole blocks, for the load whose history is in these results, and areas that are a block smaller.
loads_tree()
{
	_ld=$BASE/loads/tree
	rm -rf "$_ld"
	mkdir -p "$_ld"
	sed -n "s/^# .*:predicted:history $LOADS_BOARD: //p" "$1" >"$_ld/history"
	[ -s "$_ld/history" ] || die "there is no history of load $LOADS_BOARD in $1"
	{
		build_dmemctl "$_ld/host" &&
		"$_ld/host/tools/dmemctl" plan --headroom=0 --shrink --dtb="$BASE/vm/virt.dtb" \
			--dts="$_ld/plan.dtso" "$_ld/history" &&
		dtc -@ -I dts -O dtb -o "$_ld/plan.dtbo" "$_ld/plan.dtso" &&
		fdtoverlay -i "$BASE/vm/virt.dtb" -o "$BASE/vm/plan-fits.dtb" "$_ld/plan.dtbo" &&
		cp "$BASE/vm/plan-fits.dtb" "$BASE/vm/plan-less.dtb" &&
		loads_less "$BASE/vm/plan-less.dtb"
	} >"$LOGS/loads-tree.log" 2>&1 || die_log "$LOGS/loads-tree.log" "cannot make the device trees of suite loads"
}

# loads_less FILE: makes each area of this tree 4M smaller, which is one block.
loads_less()
{
	for _node in $(fdtget -l "$1" /reserved-memory); do
		case $_node in
		*@*) _prop=reg ;;
		*) _prop=size ;;
		esac
		_cells=$(fdtget -t u "$1" "/reserved-memory/$_node" $_prop) || return 1
		# shellcheck disable=SC2086 # numbers
		fdtput -t u "$1" "/reserved-memory/$_node" $_prop ${_cells% *} $((${_cells##* } - 4194304)) ||
		return 1
	done
}

loads_board()
{
	for _board in fits less; do
		step "guest: areas of the planned size, $_board"
		mkdir -p "$BASE/run/loads/$_board"
		loads_programs >"$BASE/run/loads/$_board/expect"
		(
			BOARD=plan-$_board
			boot_tests "loads/$_board" check "$BASE/loads/initrd" none \
				"$PLAIN_WORDS dmem.board=$_board dmem.loads=$LOADS_BOARD-$LOADS_BOARD"
		)
		cat "$BASE/run/loads/$_board/results" >>"$CACHE/loads.results"
	done
}

suite_loads()
{
	loads_build
	loads_system
	rm -f "$CACHE/loads.results"
	BOOT_SECONDS=3600
	for _size in $LOADS_SIZES; do
		step "guest: loads with pages of ${_size%:*}K"
		mkdir -p "$BASE/run/loads/${_size%:*}K"
		loads_programs >"$BASE/run/loads/${_size%:*}K/expect"
		boot_tests "loads/${_size%:*}K" "$(loads_kernel "${_size%:*}")" "$BASE/loads/initrd" \
			none "$PLAIN_WORDS dmem.limit=3500 dmem.loads=${_size#*:}"
		cat "$BASE/run/loads/${_size%:*}K/results" >>"$CACHE/loads.results"
	done
	BOOT_SECONDS=
	loads_tree "$BASE/run/loads/4K/results"
	loads_board
	{
		printf 'Run: %s, arm64.\n\n' "$(results_run)"
		results_loads <"$CACHE/loads.results"
	} | results_put loads.md loads
	build_for arm64
}
