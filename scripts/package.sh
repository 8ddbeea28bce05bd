# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
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
