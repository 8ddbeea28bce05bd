# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Build directories of meson. common.sh must have been read.

BUILD=${BUILD:-build}

# build_setup [OPTION...]: configures BUILD with these options of "meson setup", unless it
# has them. Options of an earlier call that are not given remain. Meson uses ccache by
# itself, unless CC is set.
build_setup()
{
	need "${CC:-cc}:gcc" /usr/include/stdio.h:libc6-dev meson ninja:ninja-build pkg-config
	meson_setup . "$BUILD" "$@"
}

# meson_setup SOURCE DIR [OPTION...]
meson_setup()
{
	_source=$1
	_dir=$2
	shift 2
	_options=$*
	if [ -e "$_dir/build.ninja" ]; then
		[ "$_options" != "$(cat "$_dir/meson-private/dmem-options" 2>/dev/null)" ] || return 0
		set -- --reconfigure "$@"
	fi
	mkdir -p "$_dir"
	meson setup "$@" "$_dir" "$_source" >"$_dir/setup.log" 2>&1 ||
	die_log "$_dir/setup.log" "cannot configure $_dir: $(meson_error "$_dir/setup.log")"
	printf '%s\n' "$_options" >"$_dir/meson-private/dmem-options"
}

# meson_error LOG: the line of meson's output that has the reason.
meson_error()
{
	sed -n -e 's/.*ERROR: //p' -e 's/^meson: error: //p' "$1" | grep . | head -n 1 || tail -n 1 "$1"
}

# meson_ninja DIR [TARGET...]
meson_ninja()
{
	_dir=$1
	shift
	ninja -C "$_dir" "$@" >"$_dir/ninja.log" 2>&1 ||
	die_log "$_dir/ninja.log" "cannot build in $_dir: $(grep -m 1 -i -e 'error:' "$_dir/ninja.log")"
}

# cross_file FILE TRIPLE [CFLAGS [LDFLAGS]]: a cross file for meson.
cross_file()
{
	_cpu=${2%%-*}
	cat >"$1.new" <<-END
	[binaries]
	c = [$(! command -v ccache >/dev/null || printf "'ccache', ")'$2-gcc']
	ar = '$2-ar'
	strip = '$2-strip'
	[host_machine]
	system = 'linux'
	cpu_family = '$_cpu'
	cpu = '$_cpu'
	endian = 'little'
	END
	{ ! cmp -s "$1.new" "$1" && mv "$1.new" "$1"; } || rm -f "$1.new"
}
