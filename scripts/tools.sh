# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite tools: lsdmem and dmemctl in the guest of suite systemd, on real regions.

# What "make -C tools" needs to build for the guest.
guest_tools_make()
{
	need scdoc:scdoc
	tools_libraries "$GUESTARCH"
	make -s -C tools O="$BASE/tools/out" CC="${CROSS}gcc" CFLAGS='-O2 -Werror' \
		CPPFLAGS="-I$LIBRARIES/include" LDFLAGS="-L$LIBRARIES/lib -Wl,--allow-shlib-undefined" "$@"
}

# tools_root: the system with both programs, and the tests.
tools_root()
{
	build_system_tests tools tests/tools/guest tests/tools/load.c
	cp "$DEBS"/dmem-tools_*.deb "$BASE/tools/tests/tools/dmem-tools.deb"
	# Its transcript is what they print.
	cp README.md "$BASE/tools/tests/tools/"
	_more=$BASE/tools/more
	rm -rf "$_more" "$BASE/tools/out"
	mkdir -p "$_more/tests/systemd"
	cp "$BASE/tools/tests/tools/probe" "$_more/tests/systemd/"
	guest_tools_make DESTDIR="$_more" install >"$LOGS/tools-install.log" 2>&1 ||
	die_log "$LOGS/tools-install.log" "cannot build or install tools"
	system_root tools trixie
}

suite_tools()
{
	build_kernel systemd kernel/config/vm.config kernel/config/systemd.config
	build_deb "$GUESTARCH"
	step "guest: a system with lsdmem and dmemctl"
	build_dtb ''
	tools_root
	mkdir -p "$BASE/run/tools/trixie"
	cp "$BASE/tools/tests/list" "$BASE/run/tools/trixie/expect"
	system_boot tools trixie trixie ''
}
