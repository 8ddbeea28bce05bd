# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite arm32: the tests of suite core on a patched kernel for 32-bit ARM, with high memory, and
# enough RAM for limits that do not fit in 32 bits. Also tests the board's display.

suite arm32 7 check 4 "the kselftests on 32-bit ARM, and a display"

arm32_packages()
{
	build_for arm
	cross_packages
	build_for arm64
}

arm32_config()
{
	printf 'kernel/config/%s.config ' vm check lockdep media arm32
}

build_arm32()
{
	# shellcheck disable=SC2046 # a list of files
	build_kernel arm32 $(arm32_config)
}

arm32_ahead()
{
	build_for arm
	# shellcheck disable=SC2046 # a list of files
	build_ahead arm32 $(arm32_config)
	build_for arm64
}

arm32_programs()
{
	core_programs
	programs_of display
}

# The programs of the display have another root file system than those of suite core.
arm32_guest()
{
	build_for arm
	build_arm32
	step "guest: programs (arm)"
	build_dtb arm32
	guest_busybox
	arm32_memory
	_display=
	_core=
	for _p; do
		case $_p in
		display/*) _display="$_display $_p" ;;
		*) _core="$_core $_p" ;;
		esac
	done
	# shellcheck disable=SC2086 # words
	[ -z "$_core" ] || {
		build_selftests arm32
		guest_run arm32 arm32 "$BASE/selftests-arm32/initrd" "$SKIPS" '' $_core
	}
	# shellcheck disable=SC2086 # words
	[ -z "$_display" ] || {
		display_root
		with_screen guest_run display arm32 "$BASE/display/initrd" display '' $_display
	}
	build_for arm64
}

suite_arm32()
{
	build_for arm
	build_arm32
	step "guest: selftests (arm)"
	build_dtb arm32
	guest_busybox
	build_selftests arm32
	arm32_memory
	guest_boot arm32/patched arm32 "$SKIPS" ''
	display_boot
	build_for arm64
}

# One test fills the guest's memory. A host with less free memory boots a smaller guest, where
# this test skips.
arm32_memory()
{
	_free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
	SKIPS=arm32
	[ "$_free" -lt 7680 ] || return 0
	printf '      7680 MiB of free memory are needed for limits of 6 GiB, there are %s\n' "$_free" >&2
	MACHINE=$(echo "$MACHINE" | sed 's/-m 7G/-m 2G/')
	SKIPS='arm32 arm32-small'
}

# The tests of the display: Debian's modetest, and pictures that are compared with the content
# of the emulated screen.
display_boot()
{
	step "guest: the display's screen (arm)"
	display_root
	mkdir -p "$BASE/run/arm32/display"
	{ cat "$BASE/display/root/tests/list"; kunit_suites; } >"$BASE/run/arm32/display/expect"
	with_screen boot_tests arm32/display arm32 "$BASE/display/initrd" display ''
}

display_root()
{
	guest_userland armhf "$CACHE/userland/armhf" programs libdrm-tests
	_dr=$BASE/display/root
	rm -rf "$_dr"
	mkdir -p "${_dr%/*}"
	cp -a "$CACHE/userland/armhf" "$_dr"
	mkdir -p "$_dr/etc" "$_dr/tests/display"
	kernel_modules arm32 "$_dr/usr/lib/modules"
	for _p in tests/guest/display/test_*.c; do
		_o=${_p##*/}
		guest_wants "display/${_o%.c}" || continue
		# shellcheck disable=SC2046 # two files
		guest_cc -isystem "$BASE/build-arm32/usr/include" -o "$_dr/tests/display/${_o%.c}" \
			"$_p" tests/lib/program.c tests/guest/kernel/media.c tests/guest/kernel/display.c \
			$(dmem_util) -lpthread ||
		die "cannot compile $_p: see the compiler's message above"
	done
	(cd "$_dr/tests" && ls -d display/*) >"$_dr/tests/list"
	pack_initrd "$BASE/display/initrd" "$_dr" "$BASE/build-arm32"
}

# with_screen COMMAND...: runs the command. Guests that it boots have a screen, whose content
# tests can read.
with_screen()
{
	# Not in the cache: the path of a socket must be short.
	_ds=$(mktemp -d /tmp/dmem.XXXXXX)
	trap 'rm -rf "$_ds"' EXIT
	"$CACHE/bin/screen" "$_ds/monitor" "$_ds/port" "$BASE/display/picture.ppm" 9>&- &
	_dp=$!
	BOOT_DEVICES="-qmp unix:$_ds/monitor,server=on,wait=off
		-chardev socket,id=screen,path=$_ds/port,server=on,wait=off
		-device virtserialport,chardev=screen,name=dmem.screen"
	"$@"
	BOOT_DEVICES=
	kill "$_dp" 2>/dev/null || :
	wait "$_dp" || :
	rm -rf "$_ds"
	trap - EXIT
}
