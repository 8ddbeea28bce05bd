# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite systemd: Debian's systemd as the first process of the guest, with our
# programs installed, and services and slices that really start.

SYSTEMD_PACKAGES='systemd systemd-sysv dbus udev base-files base-passwd dash coreutils
	util-linux mount sed grep libpam-modules'

# What the programs are built from, and how a systemd is booted.
SYSTEMD_SOURCE=.
SYSTEM_WORDS='systemd.firstboot=no systemd.wants=dmem-tests.service'

# system_root SUITE: the root file system, as after "make install".
system_root()
{
	_sr=$BASE/systemd/$1/root
	# shellcheck disable=SC2086 # a list of packages
	USERLAND_SUITES=$1 guest_userland arm64 "$CACHE/userland/system-$1" system \
		$SYSTEMD_PACKAGES
	rm -rf "$_sr"
	mkdir -p "${_sr%/*}"
	cp -a "$CACHE/userland/system-$1" "$_sr"
	cp "$_sr/usr/share/base-passwd/passwd.master" "$_sr/etc/passwd"
	cp "$_sr/usr/share/base-passwd/group.master" "$_sr/etc/group"
	cp -a tests/systemd/guest/root/. "$_sr/"
	# Disks, terminals, old scripts: nothing of that is here, and each reload
	# waits for them. One reads the kernel's command line.
	mkdir -p "$_sr/etc/systemd/system-generators"
	for _g in "$_sr"/usr/lib/systemd/system-generators/*; do
		[ "${_g##*/}" = systemd-debug-generator ] ||
		ln -s /dev/null "$_sr/etc/systemd/system-generators/${_g##*/}"
	done
	make -s -C "$SYSTEMD_SOURCE/systemd-units" O="$BASE/systemd/out" CC="${CROSS}gcc" CFLAGS='-O2 -Werror' \
		LDFLAGS=-static DESTDIR="$_sr" install >"$LOGS/systemd-install.log" 2>&1 ||
	die_log "$LOGS/systemd-install.log" "cannot build or install systemd-units"
	cp -a "$BASE/systemd/tests" "$_sr/"
	pack_initrd "$BASE/systemd/$1/initrd" "$_sr" "$BASE/build-systemd"
}

build_system_tests()
{
	_st=$BASE/systemd/tests
	rm -rf "$_st"
	mkdir -p "$_st/systemd"
	kmake "$BASE/build-systemd" -s headers >"$LOGS/systemd-headers.log" 2>&1 ||
	die_log "$LOGS/systemd-headers.log" "cannot make the kernel's headers"
	for _p in tests/systemd/guest/test_*.c tests/systemd/guest/probe.c; do
		_o=${_p##*/}
		_o=${_o%.c}
		_more='tests/systemd/guest/unit.c tests/program.c selftests/dmem_util.c'
		case $_o in
		probe) _more= ;;
		test_live) _more="$_more tests/systemd/tree.c" ;;
		esac
		# shellcheck disable=SC2086 # a list of files
		guest_cc -Iselftests -Itests -I"$TREE/tools/testing/selftests" \
			-isystem "$BASE/build-systemd/usr/include" -o "$_st/systemd/$_o" \
			"$_p" $_more -lpthread ||
		die "cannot compile $_p: see the compiler's message above"
	done
	(cd "$_st" && ls -d systemd/test_*) >"$_st/list"
}

# system_boot NAME SUITE WORDS
system_boot()
{
	_d=$BASE/run/systemd/$1
	mkdir -p "$_d"
	step "guest: systemd of $2, $1"
	boot_tests "systemd/$1" systemd "$BASE/systemd/$2/initrd" "systemd-$1" \
		"$SYSTEM_WORDS $3"
}

# The other releases, in check-all.
suite_systemd_releases()
{
	for _rel in $(source_word systemd); do
		system_root "$_rel"
		mkdir -p "$BASE/run/systemd/$_rel"
		cp "$BASE/systemd/tests/list" "$BASE/run/systemd/$_rel/expect"
		system_boot "$_rel" "$_rel" ''
	done
}

suite_systemd()
{
	build_kernel systemd kernel/config/vm.config kernel/config/systemd.config
	step "guest: a system with systemd"
	build_dtb ''
	build_system_tests
	system_root trixie
	mkdir -p "$BASE/run/systemd/trixie"
	cp "$BASE/systemd/tests/list" "$BASE/run/systemd/trixie/expect"
	system_boot trixie trixie ''
	# Guest time is a count of instructions there, so that it can have a limit.
	mkdir -p "$BASE/run/systemd/cost"
	echo systemd/test_cost >"$BASE/run/systemd/cost/expect"
	(
		MACHINE=$(echo "$MACHINE" | sed 's/-smp [0-9]*/-smp 1 -icount shift=0,sleep=off/')
		system_boot cost trixie 'dmem.only=systemd/test_cost dmem.icount'
	)
	[ -z "${ALL:-}" ] || suite_systemd_releases
}
