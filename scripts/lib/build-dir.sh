# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Build directories of meson. common.sh must have been read.

BUILD=${BUILD:-build}

# build_setup [OPTION...]: configures BUILD with these options of "meson setup", unless it
# has them. Options of an earlier call that are not given remain. Meson uses ccache by
# itself, unless CC is set.
build_setup()
{
	_cc=${CC:-cc}
	need "${_cc%% *}:gcc" /usr/include/stdio.h:libc6-dev meson ninja:ninja-build pkg-config
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

# cross_file FILE: writes meson's cross file for the architecture that build_for has set.
cross_file()
{
	_cpu=${TRIPLE%%-*}
	_ccache=
	! command -v ccache >/dev/null || _ccache="'ccache', "
	mkdir -p "${1%/*}"
	cat >"$1" <<-END
	[binaries]
	c = [$_ccache'$TRIPLE-gcc']
	ar = '$TRIPLE-ar'
	strip = '$TRIPLE-strip'
	[host_machine]
	system = 'linux'
	cpu_family = '$_cpu'
	cpu = '$_cpu'
	endian = 'little'
	END
}

# guest_meson SOURCE DIR CFLAGS LDFLAGS [OPTION...]: builds the programs for the guest, which has no
# Slurm.
guest_meson()
{
	need meson ninja:ninja-build pkg-config scdoc
	cross_packages
	_gsource=$1
	_gdir=$2
	_gcflags=$3
	_gldflags=$4
	shift 4
	if [ -n "$CROSS" ]; then
		cross_file "$_gdir.cross"
		set -- "$@" --cross-file="$_gdir.cross"
	fi
	meson_setup "$_gsource" "$_gdir" --prefix=/usr -Doptimization=2 -Ddebug=false -Dwerror=true \
		-Dman=enabled -Dtests=false -Dslurm=disabled -Dc_args="$_gcflags" -Dc_link_args="$_gldflags" "$@"
	CCACHE_DIR=$CACHE/ccache meson_ninja "$_gdir"
}

# guest_install DIR DESTDIR [TAG]: installs the programs that guest_meson has built in DIR.
guest_install()
{
	meson install -C "$1" --no-rebuild --quiet --destdir "$2" ${3:+--tags "$3"} >"$1/install.log" 2>&1 ||
	die_log "$1/install.log" "cannot install from $1"
}

# build_dmemctl DIR: builds dmemctl for this machine as DIR/tools/dmemctl.
build_dmemctl()
{
	_cc=${HOSTCC:-gcc}
	need "${_cc%% *}:gcc" meson ninja:ninja-build pkg-config \
		/usr/include/libsmartcols/libsmartcols.h:libsmartcols-dev \
		/usr/include/systemd/sd-bus.h:libsystemd-dev /usr/include/libfdt.h:libfdt-dev
	(
		[ -z "${HOSTCC:-}" ] || export CC="$HOSTCC"
		meson_setup . "$1" -Doptimization=2 -Ddebug=false -Dwerror=true -Dlibsystemd=enabled \
			-Dlibfdt=enabled -Dman=disabled -Dtests=false
		meson_ninja "$1" tools/dmemctl tools/libdmem.a
	)
}

# history_program OUTPUT DIR FILE...: compiles a program that writes histories. Needs the
# library that build_dmemctl has built in DIR.
history_program()
{
	_out=$1
	_lib=$2/tools/libdmem.a
	shift 2
	${HOSTCC:-gcc} -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -Itools -Itools/lib -o "$_out" "$@" \
		tools/dmemctl/history/history.c "$_lib"
}
