# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite tools: lsdmem and dmemctl in the guest of suite systemd, on real regions.

suite tools 6 check 5 "lsdmem and dmemctl on real regions, and boards with planned overlays" system

# guest_tools DESTDIR: installs lsdmem and dmemctl for the guest, with its libraries.
guest_tools()
{
	tools_libraries "$GUESTARCH"
	guest_meson . "$BASE/tools/out" "-I$LIBRARIES/include" "-L$LIBRARIES/lib -Wl,--allow-shlib-undefined" \
		-Dlibsystemd=enabled -Dlibfdt=enabled
	guest_install "$BASE/tools/out" "$1" tools
}

# tools_root: makes the system with both programs and the tests.
tools_root()
{
	build_system_tests tools tests/guest/tools tests/lib/load.c tests/guest/tools/answer.c \
		tests/guest/tools/area.c tests/guest/tools/services.c
	! guest_wants tools/test_package ||
	cp "$DEBS"/dmem-tools_*.deb "$BASE/tools/tests/tools/dmem-tools.deb"
	# test_as_shown runs the commands that they show.
	cp README.md docs/demo.md "$BASE/tools/tests/tools/"
	_more=$BASE/tools/more
	rm -rf "$_more" "$BASE/tools/out"
	mkdir -p "$_more/tests/systemd"
	cp "$BASE/tools/tests/tools/probe" "$_more/tests/systemd/"
	guest_tools "$_more"
	system_root tools trixie
}

tools_system()
{
	build_check
	! guest_wants tools/test_package || build_deb "$GUESTARCH"
	step "guest: a system with lsdmem and dmemctl"
	build_dtb ''
	tools_root
}

tools_programs()
{
	programs_of tools
	programs_of board
}

tools_guest()
{
	! guest_wants tools/test_package || STEPS=$((STEPS + 1))
	case " $*" in
	*' board/'*)
		[ $# = 1 ] || die "T=board/test_board boots several boards: give it alone"
		build_check
		build_dtb ''
		boards_boot
		return
		;;
	esac
	tools_system
	guest_run tools check "$BASE/tools/trixie/initrd" tools-trixie "$SYSTEM_WORDS $TWO_CPUS" "$@"
}

suite_tools()
{
	tools_system
	mkdir -p "$BASE/run/tools/trixie"
	cp "$BASE/tools/tests/list" "$BASE/run/tools/trixie/expect"
	system_boot tools trixie trixie "$TWO_CPUS"
	boards_boot
}

# Records README's example in the guest, and draws it with this checkout's dmemctl.
save_example()
{
	build_dmemctl "$CACHE/example"
	tools_system
	mkdir -p "$BASE/run/tools/example"
	echo tools/test_example >"$BASE/run/tools/example/expect"
	TOTALS=$CACHE/totals
	: >"$TOTALS"
	step "guest: recording the example"
	boot_tests tools/example check "$BASE/tools/trixie/initrd" tools-trixie \
		"$SYSTEM_WORDS $TWO_CPUS dmem.only=tools/test_example"
	_results=$BASE/run/tools/example/results
	"$CACHE/bin/tapsum" -S "$TOTALS" >/dev/null || die "the example failed: see $_results"
	sed -n 's/^# history: //p' "$_results" >"$BASE/run/tools/example/history"
	[ -s "$BASE/run/tools/example/history" ] || die "the guest printed no history: see $_results"
	cp "$BASE/run/tools/example/history" docs/example.history
	rm -f docs/example.svg
	"$CACHE/example/tools/dmemctl" plan --svg=docs/example.svg docs/example.history
}
