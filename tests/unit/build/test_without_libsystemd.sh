#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds dmemctl without libsystemd, and tries its verbs on a tree of plain files.
# Prints TAP.
#
#   tests/unit/build/test_without_libsystemd.sh SOURCE SCRATCH
set -u
source=$(cd "$1" && pwd) || exit 2
mkdir -p "$2" || exit 2
scratch=$(cd "$2" && pwd) || exit 2
build=$scratch/without_libsystemd
root=$scratch/root
cg=$root/sys/fs/cgroup
camera=$cg/video/camera
region=cma/camera@64000000
dmemctl=$build/tools/dmemctl
n=0
bad=0

# result NAME WHY: one line of TAP. WHY is empty if the test has passed.
result()
{
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n $1"
		return
	fi
	bad=1
	echo "not ok $n $1: $2"
	sed 's/^/# /' "$scratch/out"
}

# t NAME STATUS TEXT ARGUMENT...: dmemctl ends with STATUS, and prints a line with TEXT.
t()
{
	_name=$1
	_status=$2
	_text=$3
	shift 3
	"$dmemctl" "$@" >"$scratch/out" 2>&1
	_rc=$?
	_why=
	[ "$_rc" = "$_status" ] || _why="status $_rc, not $_status"
	[ -n "$_why" ] || [ -z "$_text" ] || grep -qF -e "$_text" "$scratch/out" || _why="no line with '$_text'"
	result "$_name" "$_why"
}

# one_line NAME ARGUMENT...: the verb fails with one line, the reason and the remedy.
one_line()
{
	_name=$1
	shift
	"$dmemctl" "$@" >"$scratch/out" 2>&1
	_rc=$?
	_why=
	[ "$_rc" != 0 ] || _why="status 0"
	[ "$(wc -l <"$scratch/out")" = 1 ] || _why="not one line"
	grep -q 'built without libsystemd: .*/sys/fs/cgroup/NAME$' "$scratch/out" || _why="another text"
	result "$_name" "$_why"
}

# cgroup DIRECTORY: a cgroup with the controller.
cgroup()
{
	mkdir -p "$1"
	echo dmem >"$1/cgroup.controllers"
	echo dmem >"$1/cgroup.subtree_control"
	: >"$1/cgroup.procs"
	echo "$region 8388608" >"$1/dmem.current"
	echo "$region 9437184" >"$1/dmem.peak"
	echo "$region 25165824" >"$1/dmem.max"
	echo "$region 0" >"$1/dmem.min"
	echo "$region 0" >"$1/dmem.low"
	printf 'low 0\nmax 0\n' >"$1/dmem.events"
	echo "$region local=8388608 dying=0" >"$1/dmem.stat"
}

make_root()
{
	cgroup "$cg"
	rm "$cg"/dmem.*
	echo "$region 41943040" >"$cg/dmem.capacity"
	echo "$region 8388608" >"$cg/dmem.current"
	cgroup "$cg/video"
	cgroup "$camera"
	mkdir -p "$root/etc/systemd/system" "$root/usr/lib/systemd/system" "$root/proc"
	printf '[Service]\nExecStart=/bin/true\n[X-Dmem]\nDeviceMemoryMax=%s 24M\n' "$region" \
		>"$root/etc/systemd/system/camera.service"
}

build()
{
	rm -rf "$root"
	[ -e "$build/build.ninja" ] || meson setup -Dlibsystemd=disabled -Dman=disabled -Dtests=false "$build" "$source" || return 1
	nice ninja -C "$build" tools/dmemctl
}

if ! command -v meson >/dev/null || ! command -v ninja >/dev/null; then
	echo "1..0 # SKIP no meson"
	exit 0
fi
echo "1..16"
_why=
build >"$scratch/out" 2>&1 || _why="it does not build"
result "dmemctl builds without libsystemd" "$_why"
[ -z "$_why" ] || exit 1

_why=
readelf -d "$dmemctl" >"$scratch/out" 2>&1 || _why="readelf failed"
grep -q 'NEEDED.*libsystemd' "$scratch/out" && _why="it needs libsystemd"
result "dmemctl does not need libsystemd" "$_why"

make_root
t "show: a cgroup" 0 " 24M " --sysroot="$root" show /video/camera
t "show: all cgroups" 0 "camera" --sysroot="$root" show --all
t "set: a cgroup" 0 "" --sysroot="$root" set /video/camera --max="$region=20M"
_why=
cp "$camera/dmem.max" "$scratch/out"
grep -qx "$region 20971520" "$scratch/out" || _why="another limit"
result "set: the limit is written" "$_why"
t "apply: a unit of another tree that is not running" 1 "camera.service: not running" \
	--sysroot="$root" apply camera.service
t "apply: a cgroup has no files" 1 "a cgroup has no unit files" --sysroot="$root" apply /video/camera
t "verify: a unit file" 0 "" verify "$root/etc/systemd/system/camera.service"
t "doctor: the tree" 1 "dmem-apply: missing" --sysroot="$root" doctor
t "record: a cgroup" 0 "" --sysroot="$root" record --count=2 --interval=100ms \
	--output="$scratch/history" /video/camera
t "plan: the history" 0 "$region" plan "$scratch/history"
one_line "set: a unit is refused with a remedy" set camera.service --max="$region=20M"
one_line "show: a unit is refused with a remedy" show camera.service
one_line "apply: a unit is refused with a remedy" apply camera.service
one_line "run is refused with a remedy" run --max="$region=20M" true
exit $bad
