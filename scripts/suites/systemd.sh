# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite systemd: Debian's systemd as the first process of the guest, with our programs
# installed. Its services and slices really start.

suite systemd 4 check "$((5 + ALL * $(source_word systemd | wc -w)))" \
	"the programs for systemd, with services that really start" system

# The packages from dpkg on install our packages, run their scripts, and have libraries of
# dmem-tools.
SYSTEMD_PACKAGES='systemd systemd-sysv dbus udev base-files base-passwd dash coreutils
	util-linux mount sed grep libpam-modules dpkg tar diffutils init-system-helpers perl-base
	libc-bin libfdt1'

# The source directory of the programs, and words for the kernel's command line. The driver of the
# IOMMU takes memory of the default area, which tests compare page by page. CMA waits for each CPU
# before it allocates, and the host may have two.
SYSTEMD_SOURCE=.
TWO_CPUS=nr_cpus=2
PLAIN_WORDS='kunit.enable=0 initcall_blacklist=arm_smmu_driver_init'
SYSTEM_WORDS="$PLAIN_WORDS systemd.firstboot=no systemd.wants=dmem-tests.service"

# system_root SUITE RELEASE [PACKAGE...]: makes the root file system of that release, as after
# "make install". Adds the tests of the suite, the packages that they need, and the files in the
# suite's directory "more". HOOK is a directory with the libraries of dmem-hook, or empty: the guest
# has no container engine.
system_root()
{
	_sys=$1
	_rel=$2
	shift 2
	_sr=$BASE/$_sys/$_rel/root
	_user=$CACHE/userland/system-$_rel
	[ $# = 0 ] || _user=$CACHE/userland/$_sys-$_rel
	# shellcheck disable=SC2086 # a list of packages
	USERLAND_SUITES=$_rel guest_userland arm64 "$_user" system $SYSTEMD_PACKAGES "$@"
	rm -rf "$_sr"
	mkdir -p "${_sr%/*}"
	cp -a "$_user" "$_sr"
	cp "$_sr/usr/share/base-passwd/passwd.master" "$_sr/etc/passwd"
	cp "$_sr/usr/share/base-passwd/group.master" "$_sr/etc/group"
	cp -a tests/guest/systemd/root/. "$_sr/"
	# Masks the generators for disks, terminals and old scripts: the guest has none of these,
	# and each reload would wait. systemd-debug-generator reads the kernel's command line.
	mkdir -p "$_sr/etc/systemd/system-generators"
	for _g in "$_sr"/usr/lib/systemd/system-generators/*; do
		[ "${_g##*/}" = systemd-debug-generator ] ||
		ln -s /dev/null "$_sr/etc/systemd/system-generators/${_g##*/}"
	done
	# Files of an earlier build may come from a mutant, and be newer than this source.
	rm -rf "$BASE/systemd/out"
	guest_meson "$SYSTEMD_SOURCE" "$BASE/systemd/out" "${HOOK:+-I$HOOK/include}" "-static${HOOK:+ -L$HOOK/lib}" \
		-Dtools=disabled "-Dhook=$([ -n "${HOOK:-}" ] && echo enabled || echo disabled)"
	guest_install "$BASE/systemd/out" "$_sr"
	cp -a "$BASE/$_sys/tests" "$_sr/"
	# The commands of "make uninstall", for a test.
	BUILD="$BASE/systemd/out" TAGS=systemd PREFIX=/usr DESTDIR='' OPTIONS='' \
		scripts/install.sh uninstall-commands >"$_sr/tests/uninstall"
	[ ! -d "$BASE/$_sys/more" ] || cp -a "$BASE/$_sys/more/." "$_sr/"
	pack_initrd "$BASE/$_sys/$_rel/initrd" "$_sr" "$BASE/build-check"
}

# build_system_tests SUITE DIR [FILE...]: builds the tests in DIR, which share these files.
build_system_tests()
{
	_sys=$1
	_from=$2
	shift 2
	_st=$BASE/$_sys/tests
	rm -rf "$_st"
	mkdir -p "$_st/$_sys"
	kernel_headers check
	for _p in "$_from"/test_*.c tests/guest/systemd/probe.c; do
		_o=${_p##*/}
		_o=${_o%.c}
		[ "$_o" = probe ] || guest_wants "$_sys/$_o" || continue
		_more="$* tests/guest/systemd/unit.c tests/lib/program.c $(dmem_util)"
		case $_o in
		probe) _more= ;;
		test_live) _more="$_more tests/lib/tree.c" ;;
		esac
		# shellcheck disable=SC2086 # a list of files
		guest_cc -Itests/guest/systemd -isystem "$BASE/build-check/usr/include" -o "$_st/$_sys/$_o" \
			"$_p" $_more -lpthread ||
		die "cannot compile $_p: see the compiler's message above"
	done
	(cd "$_st" && ls -d "$_sys"/test_*) >"$_st/list"
}

# system_boot SUITE NAME RELEASE WORDS
system_boot()
{
	step "guest: $1 of $3, $2"
	boot_tests "$1/$2" check "$BASE/$1/$3/initrd" "$1-$2" \
		"$SYSTEM_WORDS $4"
}

# check-all also boots the other releases.
suite_systemd_releases()
{
	for _r in $(source_word systemd); do
		system_root systemd "$_r"
		mkdir -p "$BASE/run/systemd/$_r"
		# The package can be installed on the host's release and newer ones only.
		grep -v test_package "$BASE/systemd/tests/list" >"$BASE/run/systemd/$_r/expect"
		system_boot systemd "$_r" "$_r" "dmem.only=$(paste -s -d , "$BASE/run/systemd/$_r/expect")"
	done
}

# The system with the tests. One of them needs our package, which takes a while to build.
systemd_root()
{
	step "guest: a system with systemd"
	build_dtb ''
	build_system_tests systemd tests/guest/systemd
	! guest_wants systemd/test_package ||
	cp "$CACHE"/deb/arm64/dmem-systemd_*_arm64.deb "$BASE/systemd/tests/systemd/dmem-systemd.deb"
	system_root systemd trixie
}

# cost_machine COMMAND...: runs the command with a machine whose guest time is a count of
# instructions, so that tests can set a limit on it.
cost_machine()
{
	_machine=$MACHINE
	MACHINE=$(echo "$MACHINE" | sed 's/-smp [0-9]*/-smp 1 -icount shift=0,sleep=off/')
	"$@"
	MACHINE=$_machine
}

systemd_programs()
{
	programs_of systemd
}

systemd_guest()
{
	build_check
	if guest_wants systemd/test_package; then
		STEPS=$((STEPS + 1))
		build_deb arm64
	fi
	systemd_root
	_initrd=$BASE/systemd/trixie/initrd
	case $* in
	systemd/test_cost)
		cost_machine guest_run systemd check "$_initrd" systemd-cost "$SYSTEM_WORDS dmem.icount" "$@"
		;;
	*) guest_run systemd check "$_initrd" systemd-trixie "$SYSTEM_WORDS $TWO_CPUS" "$@" ;;
	esac
}

suite_systemd()
{
	build_check
	build_deb arm64
	deb_results systemd/lintian
	systemd_root
	mkdir -p "$BASE/run/systemd/trixie"
	cp "$BASE/systemd/tests/list" "$BASE/run/systemd/trixie/expect"
	system_boot systemd trixie trixie "$TWO_CPUS"
	mkdir -p "$BASE/run/systemd/cost"
	echo systemd/test_cost >"$BASE/run/systemd/cost/expect"
	cost_machine system_boot systemd cost trixie 'dmem.only=systemd/test_cost dmem.icount'
	[ "$ALL" = 0 ] || suite_systemd_releases
}
