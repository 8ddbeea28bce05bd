# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Debian packages: the programs of this repository, and a kernel with the series.

# deb_compiler ARCH: installs the compiler and the libraries for this architecture.
deb_compiler()
{
	need dpkg-architecture:dpkg-dev
	_triple=$(dpkg-architecture -f -a"$1" -q DEB_HOST_GNU_TYPE 2>/dev/null) ||
	die "there is no architecture '$1': DEB_ARCH=amd64, arm64, armhf or another of Debian's"
	LIBRARIES=
	if [ "$1" = "$HOSTARCH" ]; then
		need gcc make meson ninja:ninja-build pkg-config /usr/include/stdio.h:libc6-dev scdoc \
			/usr/include/libsmartcols/libsmartcols.h:libsmartcols-dev \
			/usr/include/systemd/sd-bus.h:libsystemd-dev /usr/include/libfdt.h:libfdt-dev \
			/usr/include/json-c/json.h:libjson-c-dev /usr/include/slurm/spank.h:libslurm-dev
	else
		need make meson ninja:ninja-build scdoc "$_triple-gcc:gcc-$(echo "$_triple" | tr _ -)" \
			"/usr/$_triple/lib/libc.so:libc6-dev-$1-cross"
		tools_libraries "$1"
	fi
}

# Prints the files of the source package, which has no files of the kernel or the tests.
deb_files()
{
	git -c safe.directory="$PWD" ls-files -c -o --exclude-standard \
		COPYING debian docs meson.build meson_options.txt systemd-units tools | while read -r _f; do
		[ ! -f "$_f" ] || echo "$_f"
	done
}

# build_deb ARCH: builds the source package and the packages of the architecture in DEBS. Works
# on a copy, because debhelper leaves files behind.
build_deb()
{
	deb_compiler "$1"
	need dh:debhelper dpkg-buildpackage:dpkg-dev fakeroot git lintian xz:xz-utils
	DEBS=$CACHE/deb/$1
	_list=$CACHE/deb/$1.list
	mkdir -p "$CACHE/deb"
	deb_files >"$_list"
	[ -s "$_list" ] || die "git does not list the repository's files: run this in a git clone"
	_key=$({ cat "$_list"; tr '\n' '\0' <"$_list" | xargs -0 sha256sum
		cat scripts/lib/package.sh /etc/debian_version; } | hash16)
	if [ "$_key" = "$(cat "$DEBS/key" 2>/dev/null)" ]; then
		step "package: as it was built ($1)"
		return
	fi
	step "packages: dmem-systemd, dmem-tools, dmem-containers, dmem-slurm ($1)"
	_log=$LOGS/deb-$1.log
	rm -rf "$DEBS"
	mkdir -p "$DEBS/src"
	tar -c -T "$_list" | tar -x -C "$DEBS/src"
	# -d: the build dependencies are there, but in a cross build not as the packages that
	# debian/control names.
	(
		cd "$DEBS/src" && export LIBRARIES DEB_BUILD_OPTIONS=nocheck
		[ -z "$LIBRARIES" ] || export DEB_CPPFLAGS_APPEND="-I$LIBRARIES/include" \
			DEB_LDFLAGS_APPEND="-L$LIBRARIES/lib -Wl,--allow-shlib-undefined"
		dpkg-buildpackage -us -uc -d -a"$1"
	) \
		>"$_log" 2>&1 || die_log "$_log" "cannot build the package: $(grep -m 1 -i error: "$_log")"
	rm -rf "$DEBS/src"
	echo "$_key" >"$DEBS/key"
}

# Runs lintian on the packages in DEBS, and sets LINTIAN to the file with its output. Fails if
# lintian prints an error or a warning.
lint_deb()
{
	LINTIAN=$LOGS/lintian-${DEBS##*/}.log
	lintian --allow-root --fail-on error,warning "$DEBS"/*.changes >"$LINTIAN" 2>&1
}

# deb_results SUITE/NAME: reports lint_deb as a test. DEBS must have a source package and a
# package of the architecture.
deb_results()
{
	_d=$BASE/run/$1
	mkdir -p "$_d"
	_rc=0
	{
		echo "# run $1"
		echo "TAP version 13"
		if lint_deb && grep -q '\.dsc$' "$DEBS"/*.changes && grep -q '\.deb$' "$DEBS"/*.changes; then
			echo "ok 1 lintian has nothing to say"
		else
			_rc=1
			sed 's/^/# /' "$LINTIAN"
			echo "not ok 1 lintian has nothing to say"
		fi
		printf '1..1\n\n# exit %s %s\n# end\n' "$1" "$_rc"
	} >"$_d/results"
	"$CACHE/bin/tapsum" -n "$1" -t "$TOTALS" "$_d/results" || [ $? = 1 ] ||
	die "tapsum gave up on $_d/results"
}

make_deb()
{
	supported_host
	lock_cache
	build_deb "${DEB_ARCH:-${DEB_HOST_ARCH:-$HOSTARCH}}"
	lint_deb || die_log "$LINTIAN" "lintian objects: $(grep -m 1 '^[EW]: ' "$LINTIAN")"
	ls "$DEBS"/*.dsc "$DEBS"/*.deb
}

# kernel_config_lacks FILE: prints the options of kernel/config/need.config that FILE lacks. One
# of the heaps is enough.
kernel_config_lacks()
{
	_heap=
	_noheap=
	# shellcheck disable=SC2013 # splits into words
	for _opt in $(sed -n 's/^\(CONFIG_[A-Z_]*\)=y$/\1/p' kernel/config/need.config); do
		if grep -q "^$_opt=[ym]\$" "$1"; then
			case $_opt in *_HEAPS_*) _heap=1 ;; esac
			continue
		fi
		case $_opt in
		*_HEAPS_*) _noheap="$_noheap $_opt" ;;
		*) echo "$_opt" ;;
		esac
	done
	# shellcheck disable=SC2086 # a list of options
	[ -n "$_heap" ] || printf '%s\n' $_noheap
}

# options_missing OPTIONS TEXT REMEDY: dies with one message that lists all options.
options_missing()
{
	printf 'error: %s:\n%s\nremedy: %s\n' "$2" "$(printf '%s\n' "$1" | sed 's/^/  /')" "$3" >&2
	exit 1
}

# Checks the user's configuration before a build that takes long.
kernel_config()
{
	supported_host
	case ${KERNEL_ARCH:=arm64} in
	arm64|arm|amd64) build_for "$KERNEL_ARCH" ;;
	*) die "there is no architecture '$KERNEL_ARCH' here: KERNEL_ARCH=arm64, arm or amd64" ;;
	esac
	[ -n "${KERNEL_CONFIG:-}" ] || die "which configuration? KERNEL_CONFIG=/path/to/.config"
	if [ ! -f "$KERNEL_CONFIG" ] || [ ! -r "$KERNEL_CONFIG" ]; then
		die "cannot read KERNEL_CONFIG=$KERNEL_CONFIG: give the .config of a kernel"
	fi
	_is=$(sed -n 's,^# Linux/\([a-z0-9]*\) .*,\1,p' "$KERNEL_CONFIG" | head -n 1)
	[ "${_is:-$KARCH}" = "$KARCH" ] ||
	die "$KERNEL_CONFIG is for $_is, and KERNEL_ARCH=$KERNEL_ARCH: say which one is right"
	_lacks=$(kernel_config_lacks "$KERNEL_CONFIG")
	[ -z "$_lacks" ] || options_missing "$_lacks" "$KERNEL_CONFIG lacks what the series needs" \
		"in a kernel tree (make tree), scripts/config --file $KERNEL_CONFIG$(printf '%s\n' "$_lacks" |
		sed 's/^CONFIG_/ -e /' | tr -d '\n')"
}

kernel_packages()
{
	build_packages
	need dh:debhelper dpkg-buildpackage:dpkg-dev fakeroot kmod cpio python3 \
		/usr/include/openssl/opensslv.h:libssl-dev /usr/include/libelf.h:libelf-dev
	! grep -q '^CONFIG_DEBUG_INFO_BTF=y' "$KERNEL_CONFIG" || need pahole
	! grep -q '^CONFIG_GENDWARFKSYMS=y' "$KERNEL_CONFIG" || need /usr/include/dwarf.h:libdw-dev
	! grep -q '^CONFIG_.*_ZSTD=y' "$KERNEL_CONFIG" || need zstd
	! grep -q '^CONFIG_.*_LZ4=y' "$KERNEL_CONFIG" || need lz4
}

# Runs the kernel's "make bindeb-pkg", which writes the packages beside the build directory.
kernel_deb()
{
	kernel_config
	lock_cache
	step "tools"
	kernel_packages
	build_host_tools
	kernel_source
	kernel_tree
	need_space 4000
	DEBS=$BASE/kernel-deb-$KERNEL_ARCH
	_o=$DEBS/build
	_log=$LOGS/config-kernel-deb.log
	mkdir -p "$_o"
	rm -f "$DEBS"/*.deb
	{
		[ -e "$_o/Makefile" ] || kmake "$_o" outputmakefile
		cmp -s "$KERNEL_CONFIG" "$DEBS/config" || cp "$KERNEL_CONFIG" "$_o/.config"
		kmake "$_o" -s olddefconfig
		cp "$KERNEL_CONFIG" "$DEBS/config"
	} >"$_log" 2>&1 </dev/null || die_log "$_log" "cannot configure the kernel"
	_lacks=$(kernel_config_lacks "$_o/.config")
	[ -z "$_lacks" ] || options_missing "$_lacks" \
		"$KERNEL_CONFIG has these, but not what they depend on in this kernel" \
		"make menuconfig in a kernel tree (make tree): / finds an option, and tells what it depends on"
	# Debug symbols are 20 times as large as the kernel. The package of headers has a program
	# that signs modules, which in a cross build needs OpenSSL of the other architecture.
	_without=pkg.linux-upstream.nokerneldbg
	[ -z "$CROSS" ] || ! grep -q '^CONFIG_MODULE_SIG_FORMAT=y' "$_o/.config" ||
	_without="$_without pkg.linux-upstream.nokernelheaders"
	STEP=$((STEP + 1))
	# shellcheck disable=SC2153 # set by the caller
	TITLE="[$STEP/$STEPS] building the kernel's package ($KERNEL_ARCH)"
	DEB_BUILD_PROFILES=${DEB_BUILD_PROFILES:-$_without} KDEB_CHANGELOG_DIST=unstable \
		kmake_progress "$_o" "$LOGS/build-kernel-deb.log" "$BASE/count-kernel-deb" \
		bindeb-pkg DPKG_FLAGS=-d ||
	exit 1
	find "$DEBS" -maxdepth 1 -name 'linux-image-*.deb' -o -maxdepth 1 -name 'linux-headers-*.deb'
}
