# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The kernel, the device tree and the guest's root file system.

# build_for ARCH: sets the architecture of later builds, the machine that boots them, and the heaps
# of that machine that the kselftests may use.
build_for()
{
	KARCH=$1
	DTB_NAME=
	case $KARCH in
	arm64)
		GUESTARCH=arm64
		TRIPLE=aarch64-linux-gnu
		KIMAGE=Image
		BOARD=virt
		# The IOMMU is for the devices of devices_of. All guests have it, as they
		# share the device tree; only devices on PCI are behind it.
		MACHINE='-M virt,iommu=smmuv3,gic-version=3 -cpu cortex-a57 -smp 4 -m 1G'
		TEST_HEAPS=camera@64000000:display@60000000:default_cma_region
		;;
	arm)
		GUESTARCH=armhf
		TRIPLE=arm-linux-gnueabihf
		KIMAGE=zImage
		BOARD=vexpress
		# The board has a sound chip: it must not use that of the host.
		MACHINE='-M vexpress-a15 -smp 2 -m 7G -audiodev none,id=none -global pl041.audiodev=none'
		TEST_HEAPS=camera@b8000000:codec@a4000000:display@a0000000:default_cma_region
		;;
	amd64)
		# Builds only: there is no guest.
		KARCH=x86
		GUESTARCH=amd64
		TRIPLE=x86_64-linux-gnu
		;;
	esac
	CROSS=
	[ "$HOSTARCH" = "$GUESTARCH" ] || CROSS=$TRIPLE-
}

host_packages()
{
	build_packages
	need fdtoverlay:device-tree-compiler qemu-system-aarch64:qemu-system-arm
}

build_packages()
{
	need make gcc /usr/include/stdio.h:libc6-dev bc bison flex git rsync ccache xz:xz-utils
	cross_packages
}

cross_packages()
{
	[ -z "$CROSS" ] || need "${CROSS}gcc:gcc-$(echo "$TRIPLE" | tr _ -)" \
		"/usr/$TRIPLE/lib/libc.a:libc6-dev-$GUESTARCH-cross"
}

# ccache in depend mode: a miss costs nothing, while preprocessing each file first would
# make the first build a third longer. The fixed stamp and names let the same source
# give the same objects.
exec_with_ccache()
{
	export CCACHE_DIR="$CACHE/ccache" CCACHE_MAXSIZE=3G CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
	export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 2026'
	export KBUILD_BUILD_USER=dmem KBUILD_BUILD_HOST=dmem
	exec "$@"
}

with_ccache()
{
	(exec_with_ccache "$@")
}

# kmake DIR ARGUMENT...: the kernel's make, with reproducible results.
kmake()
{
	kmake_in "$TREE" "$@"
}

# kmake_in SOURCE DIR ARGUMENT...
kmake_in()
{
	_ksrc=$1
	_kdir=$2
	shift 2
	with_ccache make -C "$_ksrc" O="$_kdir" ARCH="$KARCH" CROSS_COMPILE="$CROSS" \
		CC="ccache ${CROSS}gcc" HOSTCC="ccache gcc" "$@"
}

# Kconfig silently drops options with missing dependencies. Tests would then pass
# without testing anything, so each option must be there.
config_took()
{
	_o=$1
	shift
	cat "$@" | sed -n -e '/^CONFIG_/p' -e '/^# CONFIG_.* is not set$/p' | known_options |
	awk -F'[= ]' '{ k = ($1 == "#") ? $2 : $1; last[k] = $0 } END { for (k in last) print last[k] }' |
	while read -r _line; do
		case $_line in
		\#*)
			_k=${_line#\# }
			! grep -q "^${_k%% *}=" "$_o/.config" || echo "$_line"
			;;
		*) grep -qxF "$_line" "$_o/.config" || echo "$_line" ;;
		esac
	done
}

# Filters options of a kernel: drops those that the kernel of KERNEL= does not have.
known_options()
{
	if [ "$SERIES" = kernel ]; then cat; else grep -vxF -f "$SERIES/without-options"; fi
}

# kernel_key FRAGMENT...: prints a checksum of everything that a kernel is built from.
kernel_key()
{
	{
		echo "$TREE_ID${KERNEL_WORDS:+ $KERNEL_WORDS}"
		cat "$@"
		"${CROSS}gcc" --version
	} | hash16
}

# kernel_is_built NAME KEY
kernel_is_built()
{
	[ "$2" = "$(cat "$BASE/build-$1/built" 2>/dev/null)" ]
}

# build_kernel NAME FRAGMENT...: builds BASE/build-NAME. KERNEL_WORDS: extra arguments
# for the kernel's make.
build_kernel()
{
	_name=$1
	shift
	[ "$SERIES" = kernel ] || set -- "$@" "$SERIES/options"
	_o=$BASE/build-$_name
	_key=$(kernel_key "$@")
	if kernel_is_built "$_name" "$_key"; then
		step "kernel $_name: as it was built"
		return
	fi
	need_space 2500
	ahead_stop
	configure_kernel "$_name" "$@"
	STEP=$((STEP + 1))
	# shellcheck disable=SC2153 # set by the caller
	TITLE="[$STEP/$STEPS] building kernel $_name ($KARCH)"
	# shellcheck disable=SC2086 # words
	kmake_progress "$_o" "$LOGS/build-$_name.log" "$BASE/count-$_name" ${KERNEL_WORDS:-} Image modules ||
	exit 1
	[ "$KIMAGE" = Image ] || compressed_image "$_o" "$LOGS/build-$_name.log"
	printf '%s\n' "$_key" >"$_o/built"
}

# configure_kernel NAME FRAGMENT...: makes BASE/build-NAME and its .config.
configure_kernel()
{
	_name=$1
	shift
	_o=$BASE/build-$_name
	# kbuild knows which objects an option changes: start from a build that
	# differs in few of them, instead of from nothing.
	if [ ! -d "$_o" ] && [ -n "${LIKE:-}" ] && [ -e "$BASE/build-$LIKE/built" ]; then
		rm -rf "$_o.new"
		cp -a --reflink=auto "$BASE/build-$LIKE" "$_o.new"
		mv "$_o.new" "$_o"
	fi
	mkdir -p "$_o"
	rm -f "$_o/built"
	_log=$LOGS/config-$_name.log
	{
		[ -e "$_o/Makefile" ] || kmake "$_o" outputmakefile
		# allnoconfig and not tinyconfig + olddefconfig: the latter takes the
		# default of each option that ours made visible, which is half a PC's
		# drivers.
		for _f in "$TREE/kernel/configs/tiny-base.config" \
			  "$TREE/kernel/configs/tiny.config" "$@"; do
			cat "$_f"
		done >"$_o/fragment.config"
		kmake "$_o" -s KCONFIG_ALLCONFIG="$_o/fragment.config" allnoconfig
	} >"$_log" 2>&1 || die_log "$_log" "cannot configure the kernel '$_name'"
	_lost=$(config_took "$_o" "$@" | without_later_options | tr '\n' ' ')
	[ -z "$_lost" ] || die "kernel/config: these options did not take effect in kernel '$_name': $_lost: add what they depend on"
}

# build_ahead NAME FRAGMENT...: starts to build BASE/build-NAME for a later suite while this one's
# guests run: most of the time, a guest needs one CPU. The build takes only what the guest leaves.
# build_kernel ends it, and builds the rest with progress messages.
build_ahead()
{
	[ "$SERIES" = kernel ] || set -- "$@" "$SERIES/options"
	_key=$(shift; kernel_key "$@")
	! kernel_is_built "$1" "$_key" || return 0
	need_space 2500
	ahead_stop
	configure_kernel "$@"
	# timeout is the leader of a process group, and ends all of it at a signal.
	(exec_with_ccache timeout -k 10 7200 nice -n 19 make -C "$TREE" O="$_o" ARCH="$KARCH" \
		CROSS_COMPILE="$CROSS" CC="ccache ${CROSS}gcc" HOSTCC="ccache gcc" -j"$(nproc)" \
		Image modules) >"$LOGS/ahead-$1.log" 2>&1 &
	AHEAD=$!
	trap ahead_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

AHEAD=

# ahead_stop: ends the build that build_ahead began. What it has built stays.
ahead_stop()
{
	[ -n "$AHEAD" ] || return 0
	ahead_end
	AHEAD=
	trap - EXIT INT TERM HUP
}

ahead_end()
{
	kill "$AHEAD" 2>/dev/null || :
	wait "$AHEAD" || :
}

# compressed_image DIR LOG: without ccache, which does not see that piggy.S includes the
# kernel, and would return an old image.
compressed_image()
{
	rm -f "$1/arch/$KARCH/boot/compressed/piggy.o"
	(
		export CCACHE_DISABLE=1
		kmake "$1" "$KIMAGE"
	) >>"$2" 2>&1 || die_log "$2" "cannot compress the kernel"
}

# kernel_image NAME: the image that QEMU boots.
kernel_image()
{
	echo "$BASE/build-$1/arch/$KARCH/boot/$KIMAGE"
}

kmake_progress()
{
	_po=$1
	_plog=$2
	_pcount=$3
	shift 3
	with_ccache "$CACHE/bin/progress" "$TITLE" "$_plog" "$_pcount" "$(source_word files)" \
		make -C "$TREE" O="$_po" ARCH="$KARCH" CROSS_COMPILE="$CROSS" \
		CC="ccache ${CROSS}gcc" HOSTCC="ccache gcc" -j"$(nproc)" "$@"
}

guest_busybox()
{
	_g=$CACHE/guest-$GUESTARCH
	BUSYBOX=$_g/busybox
	[ ! -x "$BUSYBOX" ] || return 0
	apt_lock
	guest_lists "$GUESTARCH"
	fetch_deb "$GUEST_SUITE" busybox-static
	apt_unlock
	rm -rf "$_g.new"
	mkdir -p "$_g.new"
	dpkg-deb -x "$DEB" "$_g.new/x" >"$LOGS/busybox.log" 2>&1 ||
	die_log "$LOGS/busybox.log" "cannot unpack $DEB"
	_b=$_g.new/x/bin/busybox
	[ -x "$_b" ] || _b=$_g.new/x/usr/bin/busybox
	mv "$_b" "$_g.new/busybox"
	rm -rf "$_g.new/x" "$_g"
	mv "$_g.new" "$_g"
}

# build_dtb KERNEL: makes the board's device tree with our reserved-memory nodes. The tree of
# "virt" comes from QEMU, and that of "vexpress" from the kernel. DTB_NAME: the name of the file,
# for a MACHINE that differs from that of build_for.
build_dtb()
{
	_dtb_kernel=$1
	_v=$BASE/vm
	_dtb=$_v/${DTB_NAME:-$BOARD}
	mkdir -p "$_v"
	# A guest that another suite starts may be reading it.
	_key=$({ echo "$BOARD $MACHINE"; cat "kernel/dts/$BOARD-regions.dtso" scripts/lib/build.sh
		qemu-system-aarch64 --version; [ "$BOARD" = virt ] || cat "$BASE/build-$_dtb_kernel/built"; } | hash16)
	[ "$_key" != "$(cat "$_dtb.key" 2>/dev/null)" ] || [ ! -e "$_dtb.dtb" ] || return 0
	{
		base_dtb "$_dtb.base" &&
		dtc -q -@ -I dts -O dtb -o "$_dtb.dtbo" "kernel/dts/$BOARD-regions.dtso" &&
		fdtoverlay -i "$_dtb.base" -o "$_dtb.dtb.new" "$_dtb.dtbo" &&
		mv "$_dtb.dtb.new" "$_dtb.dtb" && echo "$_key" >"$_dtb.key"
	} >"$LOGS/dtb.log" 2>&1 || die_log "$LOGS/dtb.log" "cannot make the guest's device tree from kernel/dts/$BOARD-regions.dtso"
}

base_dtb()
{
	case $BOARD in
	virt)
		# shellcheck disable=SC2086 # options
		qemu-system-aarch64 ${MACHINE%% -cpu*},dumpdtb="$1" ${MACHINE#*gic-version=3 } \
			-nodefaults -display none </dev/null
		;;
	vexpress)
		_b=arm/vexpress-v2p-ca15-tc1.dtb
		kmake "$BASE/build-$_dtb_kernel" $_b &&
		cp "$BASE/build-$_dtb_kernel/arch/arm/boot/dts/$_b" "$1"
		;;
	esac
}

# dmem_util: prints the sources that programs with selftests/dmem_util.h need.
dmem_util()
{
	echo "tests/guest/kernel/guest_util.c selftests/dmem_util.c selftests/dmem_cgroup.c $TREE/tools/testing/selftests/cgroup/lib/cgroup_util.c"
}

# guest_cc ARGUMENT...: compiles a program of the guest. Includes are relative to tools/,
# tools/lib/, tests/lib/, selftests/, tests/guest/kernel/ and the kernel's selftests.
guest_cc()
{
	# cgroup_util.c defines _GNU_SOURCE like this itself.
	"${CROSS}gcc" -static -O2 -Wall -Wextra -Werror -D_GNU_SOURCE= -Itools -Itools/lib -Itests/lib -Iselftests -Itests/guest/kernel \
		-I"$TREE/tools/testing/selftests" -I"$TREE/tools/testing/selftests/cgroup/lib/include" "$@"
}

# initrd_list DIR: prints the directory's content in the format of gen_init_cpio. Adds our first
# process, unless the directory has systemd.
initrd_list()
{
	[ -e "$1/usr/lib/systemd/systemd" ] || cat <<-END
	dir /bin 755 0 0
	dir /etc 755 0 0
	file /init scripts/guest/init 755 0 0
	file /bin/busybox $BUSYBOX 755 0 0
	slink /bin/sh busybox 777 0 0
	END
	cat <<-END
	dir /dev 755 0 0
	nod /dev/console 600 0 0 c 5 1
	nod /dev/null 666 0 0 c 1 3
	dir /tests 755 0 0
	file /tests/run scripts/guest/run 755 0 0
	END
	(cd "$1" && find . -mindepth 1 -type d -printf 'dir /%P %m 0 0\n') | sort
	(cd "$1" && find . -type l -printf 'slink /%P %l 777 0 0\n') | sort
	(cd "$1" && find . -type f -printf "file /%P $1/%P %m 0 0\n") | sort
}

# kernel_headers NAME: makes the headers for user space of a kernel, in BASE/build-NAME/usr/include,
# once: two suites may want them at the same time.
kernel_headers()
{
	_kh=$BASE/build-$1
	[ "$(cat "$_kh/built")" != "$(cat "$_kh/headers.built" 2>/dev/null)" ] || return 0
	kmake "$_kh" -s headers >"$LOGS/headers-$1.log" 2>&1 ||
	die_log "$LOGS/headers-$1.log" "cannot make the headers of the kernel $1"
	cp "$_kh/built" "$_kh/headers.built"
}

# kernel_modules NAME DIR: copies the modules of a kernel to DIR/<release>.
kernel_modules()
{
	_km=$2/$(cat "$BASE/build-$1/include/config/kernel.release")
	mkdir -p "$_km"
	find "$BASE/build-$1/drivers" "$BASE/build-$1/lib" -name '*.ko' -exec cp {} "$_km/" \;
}

# pack_initrd FILE DIR BUILD
pack_initrd()
{
	initrd_list "$2" | awk '!seen[$2]++' >"$2.list"
	"$3/usr/gen_init_cpio" -t 0 "$2.list" >"$1.new" 2>"$LOGS/initrd.log" ||
	die_log "$LOGS/initrd.log" "cannot pack the guest's root file system"
	# QEMU puts the file 128 MiB above the start of RAM, and the regions of kernel/dts begin 512 MiB
	# above it. The kernel would take and free pages of an overlap twice.
	if [ "$(stat -c %s "$1.new")" -gt 402653184 ]; then
		gzip -1 -f "$1.new"
		mv "$1.new.gz" "$1.new"
		[ "$(stat -c %s "$1.new")" -le 402653184 ] || die "$1 is too large for the guest: above 384 MiB"
	fi
	mv "$1.new" "$1"
}

# guest_module KERNEL FILE DIR MAKE-WORDS: builds a module for a kernel into DIR.
guest_module()
{
	_gm=$BASE/module-$1/$(basename "$2" .c)
	mkdir -p "$_gm"
	rsync -a --checksum "$2" "$_gm/"
	echo "obj-m += $(basename "$2" .c).o" >"$_gm/Kbuild"
	kmake "$BASE/build-$1" -s M="$_gm" modules ${4:+"$4"} >"$LOGS/module.log" 2>&1 ||
	die_log "$LOGS/module.log" "cannot build $2 for the kernel $1"
	cp "$_gm"/*.ko "$3/"
}

# The root file system of make shell and make run.
build_guest()
{
	_r=$BASE/vm/root
	rm -rf "$_r"
	mkdir -p "$_r/tests/bin" "$_r/etc"
	for _p in demo hog; do
		_more=
		[ "$_p" != demo ] || _more='tools/demo/demo.c tools/demo/camera.c tools/demo/reserve.c'
		# shellcheck disable=SC2086 # a list of files
		guest_cc -o "$_r/tests/bin/dmem-$_p" "tools/demo/dmem-$_p.c" $_more ||
		die "cannot compile tools/demo/dmem-$_p.c: see the compiler's message above"
	done
	kernel_modules vm "$_r/lib/modules"
	# Assigns vivid the area that the device tree names.
	guest_module vm tests/guest/kernel/test_modules/dmem_vivid_area.c "$_r/lib/modules"/*
	sed 1d tools/demo/motd >"$_r/etc/motd"
	: >"$_r/tests/list"
	guest_busybox
	pack_initrd "$BASE/vm/initrd" "$_r" "$BASE/build-vm"
}

# qemu_command KERNEL INITRD: prints the command line, without a console. The 32-bit board uses
# qemu-system-aarch64: qemu-system-arm truncates addresses of page tables to 32 bits.
qemu_command()
{
	echo "qemu-system-aarch64 $MACHINE -nodefaults -no-reboot -kernel $1 -dtb $BASE/vm/${DTB_NAME:-$BOARD}.dtb -initrd $2"
}

# devices_of BUILD INITRD: prints QEMU's arguments for the devices of kernel/config/devices.config, if
# this kernel has their drivers and the guest is one of suite core. Other suites need areas from which
# no driver takes memory.
devices_of()
{
	case $2 in
	"$BASE"/selftests-*) ;;
	*) return 0 ;;
	esac
	grep -qsx CONFIG_SND_ENS1370=y "$1/.config" || return 0
	echo '-audiodev none,id=sound -device ES1370,audiodev=sound -device qemu-xhci,id=usb -device usb-tablet,bus=usb.0'
}

# boot SECONDS LOG RESULTS KERNEL INITRD WORDS: boots a guest that ends by itself.
# BOOT_DEVICES: arguments for more devices.
boot()
{
	rm -f "$2" "$3"
	# In the foreground, or Ctrl-C would not reach the guest.
	# shellcheck disable=SC2046,SC2086 # a command line
	timeout --foreground -k 10 "$1" $(qemu_command "$4" "$5") -display none \
		-chardev file,id=log,path="$2" -serial chardev:log \
		-device virtio-serial-device \
		-chardev file,id=res,path="$3" -device virtserialport,chardev=res,name=dmem.results \
		$(devices_of "${4%/arch/*}" "$5") ${BOOT_DEVICES:-} \
		-append "console=ttyAMA0 ignore_loglevel DMEM_TEST_HEAP=$TEST_HEAPS $6" \
		</dev/null >"$LOGS/qemu.log" 2>&1 9>&- || {
		_rc=$?
		case $_rc in
		124|137) printf 'the guest ran out of time after %s seconds\n' "$1" >&2 ;;
		*) die_log "$LOGS/qemu.log" "QEMU failed: $(head -n 1 "$LOGS/qemu.log")" ;;
		esac
	}
}
