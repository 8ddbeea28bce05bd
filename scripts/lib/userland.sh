# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Programs of Debian for the guests, with the libraries they need. They are
# only unpacked: nothing of them runs here.

# guest_userland ARCH DIR KIND PACKAGE...: DIR becomes a root directory that
# holds the packages and all that they depend on: "programs" only to be run, a
# "system" to be booted, or "libraries" to build with. From USERLAND_SUITES, if that is set.
guest_userland()
{
	_uarch=$1
	_udir=$2
	_ukind=$3
	shift 3
	_usuites=${USERLAND_SUITES:-$(source_word guest)}
	_ukey=$({ echo "$_uarch $_usuites $_ukind $*"; cat scripts/lib/userland.sh; } | hash16)
	[ "$_ukey" != "$(cat "$_udir.key" 2>/dev/null)" ] || return 0
	_ulog=$LOGS/userland-${_udir##*/}.log
	printf '      fetching %s (%s)\n' "$*" "$_uarch" >&2
	apt_lock
	guest_lists "$_uarch" "$_usuites"
	# Archives of its own: what lies there afterwards is what was asked for.
	# They stay until all is unpacked, so that a download can be resumed.
	_udebs=$_udir.debs
	_unew=$_udir.new
	rm -rf "$_unew" "$_udir.key"
	mkdir -p "$_udebs/partial" "$_unew"
	: >"$_udebs/status"
	userland_fetch "$@" >"$_ulog" 2>&1 ||
	die_log "$_ulog" "cannot download $* with what they need from $GUEST_SUITE: $(sed -n '/^E: /{p;q;}' "$_ulog")"
	apt_unlock
	userland_unpack >>"$_ulog" 2>&1 ||
	die_log "$_ulog" "cannot unpack $*"
	rm -rf "$_udir"
	mv "$_unew" "$_udir"
	rm -rf "$_udebs"
	printf '%s\n' "$_ukey" >"$_udir.key"
}

# With an empty status nothing counts as installed, so libc comes too.
userland_apt()
{
	private_apt "$GUEST_SUITE" apt-get -y --no-install-recommends \
		-o Dir::State::status="$_udebs/status" \
		-o Dir::State::extended_states="$_udebs/extended_states" \
		-o Dir::Cache::archives="$_udebs" "$@"
}

userland_fetch()
{
	userland_apt install --download-only "$@" &&
	# Another version may lie there, from a run that was stopped.
	userland_apt autoclean
}

# As on a merged /usr, whose links are in a package that is not needed here.
userland_unpack()
{
	mkdir -p "$_unew/usr/bin" "$_unew/usr/sbin" "$_unew/usr/lib" || return 1
	for _ulink in bin sbin lib; do
		ln -s "usr/$_ulink" "$_unew/$_ulink" || return 1
	done
	for _deb in "$_udebs"/*.deb; do
		dpkg-deb --fsys-tarfile "$_deb" >"$_udebs/tar" &&
		tar -x --no-same-owner --keep-directory-symlink -f "$_udebs/tar" -C "$_unew" || return 1
	done
	(cd "$_unew" && "userland_strip_$_ukind") || return 1
	[ "$_ukind" != system ] || userland_status
}

# What dpkg knows of a system: all is installed, and no package has files, so that
# it takes none of them away.
userland_status()
{
	_udpkg=$_unew/var/lib/dpkg
	mkdir -p "$_udpkg/info" "$_udpkg/updates"
	for _deb in "$_udebs"/*.deb; do
		dpkg-deb -f "$_deb" | sed '/^Package: /a Status: install ok installed' || return 1
		echo
		_uname=$(dpkg-deb -f "$_deb" Package)
		[ "$(dpkg-deb -f "$_deb" Multi-Arch)" != same ] || _uname=$_uname:$_uarch
		: >"$_udpkg/info/$_uname.list"
	done >"$_udpkg/status"
}

# The root file system is in RAM: no documents, no tables of characters, nothing
# that only udev or a build would read.
userland_strip_programs()
{
	rm -rf usr/share usr/include usr/local var etc usr/lib/*/gconv \
		usr/lib/*/libv4l usr/lib/udev usr/lib/systemd usr/lib/modprobe.d
}

# A system, too, has no use for what only people read, nor for a table of all the
# hardware there is.
userland_strip_system()
{
	(cd usr/share && rm -rf doc man locale info bash-completion zsh lintian bug perl \
		zoneinfo gdb common-licenses polkit-1)
	rm -rf usr/include usr/lib/*/gconv usr/lib/udev/hwdb.d usr/lib/*/perl usr/lib/*/perl-base/unicore \
		usr/lib/locale usr/lib/*/*.a
	# Podman's, for networks and for its own tests: 90 MB.
	rm -rf usr/lib/cni usr/libexec/podman/podman-testing usr/lib/podman/netavark-dhcp-proxy-client
}

# Of what was asked for only: the C library is the compiler's own.
userland_strip_libraries()
{
	mkdir -p keep/include keep/lib &&
	mv usr/include/systemd usr/include/libsmartcols usr/include/json-c usr/include/slurm \
		usr/include/*fdt*.h keep/include/ &&
	mv usr/lib/*/libsystemd.so* usr/lib/*/libsmartcols.so* usr/lib/*/libfdt*.so* usr/lib/*/libjson-c.a \
		keep/lib/ &&
	find . -mindepth 1 -maxdepth 1 ! -name keep -exec rm -rf {} + &&
	mv keep/include keep/lib . && rmdir keep
}

# tools_libraries ARCH: sets LIBRARIES to the libraries of lsdmem, dmemctl and dmem-hook, and the
# headers of spank_dmem.so. A program that is linked with libraries of an old release runs on newer
# ones; what they depend on themselves is there when it runs.
tools_libraries()
{
	LIBRARIES=$CACHE/userland/libraries-$1
	USERLAND_SUITES=$(source_word libraries) guest_userland "$1" "$LIBRARIES" libraries \
		libsmartcols-dev libsystemd-dev libfdt-dev libjson-c-dev libslurm-dev
}
