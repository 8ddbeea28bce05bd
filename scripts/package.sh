# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Debian packages: of the programs for systemd, and of a kernel with the series.

# deb_arch ARCH: sets DEB_HOST_ARCH, and DEB_TRIPLE to its compiler's prefix.
deb_arch()
{
	need dpkg-architecture:dpkg-dev
	DEB_HOST_ARCH=$1
	DEB_TRIPLE=$(dpkg-architecture -f -a"$1" -q DEB_HOST_GNU_TYPE 2>/dev/null) ||
	die "there is no architecture '$1': DEB_ARCH=amd64, arm64, armhf or another of Debian's"
	if [ "$1" = "$HOSTARCH" ]; then
		need gcc make /usr/include/stdio.h:libc6-dev
	else
		need make "$DEB_TRIPLE-gcc:gcc-$(echo "$DEB_TRIPLE" | tr _ -)" \
			"/usr/$DEB_TRIPLE/lib/libc.so:libc6-dev-$1-cross"
	fi
}

# build_deb ARCH: the source package and that of the architecture, in DEBS. They
# are built on a copy: what debhelper leaves behind does not come into the checkout.
build_deb()
{
	deb_arch "$1"
	need dh:debhelper dpkg-buildpackage:dpkg-dev fakeroot git lintian xz:xz-utils
	step "package: dmem-systemd ($1)"
	DEBS=$CACHE/deb/$1
	_log=$LOGS/deb-$1.log
	rm -rf "$DEBS"
	mkdir -p "$DEBS/src"
	git -c safe.directory="$PWD" ls-files -c -o --exclude-standard >"$DEBS/src.list" 2>"$_log" ||
	die_log "$_log" "git does not list the repository's files: run this in a git clone"
	while read -r _f; do
		[ ! -f "$_f" ] || echo "$_f"
	done <"$DEBS/src.list" | tar -c -T - | tar -x -C "$DEBS/src"
	# What it is to build with is there, if under another name than it looks for.
	(cd "$DEBS/src" && DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -us -uc -d -a"$1") \
		>"$_log" 2>&1 || die_log "$_log" "cannot build the package: $(grep -m 1 -i error: "$_log")"
	rm -rf "$DEBS/src" "$DEBS/src.list"
	step "package: lintian"
	lintian --allow-root --fail-on error,warning "$DEBS"/*.changes >"$LOGS/lintian-$1.log" 2>&1 ||
	die_log "$LOGS/lintian-$1.log" "lintian objects: $(grep -m 1 '^[EW]: ' "$LOGS/lintian-$1.log")"
}

deb()
{
	supported_host
	lock_cache
	build_deb "${DEB_ARCH:-${DEB_HOST_ARCH:-$HOSTARCH}}"
	ls "$DEBS"/*.dsc "$DEBS"/*.deb
}

# kernel_config_lacks FILE: the options of kernel/config/need.config that are not there.
kernel_config_lacks()
{
	_heap=
	_noheap=
	# shellcheck disable=SC2013 # words are what is wanted
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

# kernel_config_check FILE WHY: all that is missing at once, and how to get it.
kernel_config_check()
{
	_lacks=$(kernel_config_lacks "$1")
	[ -n "$_lacks" ] || return 0
	{
		printf 'error: %s, %s:\n' "$1" "$2"
		printf '%s\n' "$_lacks" | sed 's/^/  /'
		printf 'remedy, in a kernel tree (make tree): scripts/config --file %s%s\n' "$KERNEL_CONFIG" \
			"$(printf '%s\n' "$_lacks" | sed 's/^CONFIG_/ -e /' | tr -d '\n')"
	} >&2
	exit 1
}

# The user's configuration, before hours are spent on it.
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
	kernel_config_check "$KERNEL_CONFIG" 'which lacks what the series needs'
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

# The kernel's own "make bindeb-pkg", which leaves its packages beside the build.
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
	kernel_config_check "$_o/.config" "made of $KERNEL_CONFIG, lost what depends on other options"
	# Debug symbols are 20 times the kernel. Headers bring a program that signs
	# modules, which would need the other architecture's OpenSSL.
	_without=pkg.linux-upstream.nokerneldbg
	[ -z "$CROSS" ] || ! grep -q '^CONFIG_MODULE_SIG_FORMAT=y' "$_o/.config" ||
	_without="$_without pkg.linux-upstream.nokernelheaders"
	STEP=$((STEP + 1))
	# shellcheck disable=SC2153 # set by who calls
	TITLE="[$STEP/$STEPS] building the kernel's package ($KERNEL_ARCH)"
	DEB_BUILD_PROFILES=${DEB_BUILD_PROFILES:-$_without} KDEB_CHANGELOG_DIST=unstable \
		kmake_progress "$_o" "$LOGS/build-kernel-deb.log" "$BASE/count-kernel-deb" \
		bindeb-pkg DPKG_FLAGS=-d ||
	exit 1
	find "$DEBS" -maxdepth 1 -name 'linux-image-*.deb' -o -maxdepth 1 -name 'linux-headers-*.deb'
}
