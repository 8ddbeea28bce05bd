# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Included by all scripts: paths, progress messages, and errors in one line.

CACHE=${DMEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dmem-pools}
LOGS=$CACHE/log
export CACHE LOGS

# Patches and base commits must be the same everywhere, so git sees neither the user's
# configuration nor the user's name.
kgit()
{
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
	GIT_COMMITTER_NAME=dmem GIT_COMMITTER_EMAIL=dmem@localhost \
	GIT_COMMITTER_DATE='1767225600 +0000' \
	git -c core.autocrlf=false -c gc.auto=0 -c advice.detachedHead=false \
		-c core.commentChar='#' "$@"
}

# The flags and variables of a calling make must not reach the kernel's make.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES || :

STEP=0
STEPS=${STEPS:-6}

# Prints one numbered line for each step.
step()
{
	STEP=$((STEP + 1))
	TITLE="[$STEP/$STEPS] $1"
	printf '%s\n' "$TITLE" >&2
}

die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# die_log LOG TEXT: like die, but reports a full disk if that is the reason.
die_log()
{
	_log=$1
	shift
	if grep -q -e 'No space left on device' -e 'not have enough free space' "$_log" 2>/dev/null; then
		die "disk full in $CACHE: free some space there, or set DMEM_CACHE= to a larger disk (log: $_log)"
	fi
	die "$* (log: $_log)"
}

# The checksum of a file or a pipe, short enough for a file name.
hash16()
{
	sha256sum "$@" | sha256sum | cut -c1-16
}

supported_host()
{
	case $(uname -m) in
	x86_64) HOSTARCH=amd64 ;;
	aarch64) HOSTARCH=arm64 ;;
	*) die "unsupported host $(uname -m): use an amd64 or arm64 machine" ;;
	esac
	export HOSTARCH
	build_for arm64
	if [ ! -r "${DMEM_OS_RELEASE:-/etc/os-release}" ] || ! command -v apt-get >/dev/null ||
	   ! command -v dpkg-deb >/dev/null; then
		die "unsupported host: this needs Debian 12 or newer (apt-get and dpkg-deb)"
	fi
	_os=$(sed -n 's/^ID=//p;s/^ID_LIKE=//p' "${DMEM_OS_RELEASE:-/etc/os-release}" | tr -d '"' | tr '\n' ' ')
	case " $_os " in
	*" debian "*) ;;
	*) die "unsupported host '${_os% }': this needs Debian 12 or newer" ;;
	esac
}

# Runs a command as root, with sudo if needed.
as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

apt_update_done=

# apt_update LOG: updates the lists of packages, once.
apt_update()
{
	[ -z "$apt_update_done" ] || return 0
	as_root apt-get -q -o Acquire::Retries=2 -o Acquire::http::Timeout=30 \
		-o APT::Update::Error-Mode=any update >"$1" 2>&1 ||
	printf 'W: apt-get update was not complete\n' >>"$1"
	apt_update_done=1
}

# need COMMAND-OR-FILE:PACKAGE...: installs the packages whose command or file is missing.
need()
{
	_missing=
	for _n; do
		_what=${_n%%:*}
		case $_what in
		/*) [ -e "$_what" ] || _missing="$_missing ${_n#*:}" ;;
		*) command -v "$_what" >/dev/null || _missing="$_missing ${_n#*:}" ;;
		esac
	done
	[ -n "$_missing" ] || return 0
	if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
		die "missing tools, and neither root nor sudo to install them: run as root: apt-get install --no-install-recommends$_missing"
	fi
	printf '      installing%s\n' "$_missing" >&2
	_log=$LOGS/apt-host.log
	mkdir -p "$LOGS"
	apt_update "$_log"
	# shellcheck disable=SC2086 # a list of packages
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
		-o Acquire::Retries=2 -o Acquire::http::Timeout=30 install \
		--no-install-recommends $_missing >>"$_log" 2>&1 </dev/null ||
	die_log "$_log" "cannot install$_missing: check the network and apt's sources"
}

# Only one run at a time uses the cache: trees and builds are changed in place.
lock_cache()
{
	case $CACHE in
	[!/]*) die "the path of the cache must begin with /: $CACHE: set DMEM_CACHE=" ;;
	*[!A-Za-z0-9/._+@%~-]*) die "the path of the cache has a character that make or QEMU does not take: $CACHE: set DMEM_CACHE=" ;;
	esac
	mkdir -p "$CACHE" "$LOGS" 2>/dev/null ||
	die "cannot write to $CACHE: set DMEM_CACHE= to a directory of your own"
	exec 9>>"$CACHE/lock"
	if ! flock -n 9; then
		printf 'another run works in %s: waiting for it to end\n' "$CACHE" >&2
		flock 9
	fi
}

# need_space MIB: dies if the cache has less free space. Called before long work, which would
# otherwise fail in the middle.
need_space()
{
	_free=$(df -Pk "$CACHE" | awk 'NR == 2 { print int($4 / 1024) }')
	if [ "$_free" -lt "$1" ]; then
		die "disk full: $CACHE has $_free MiB free, $1 MiB are needed: free some space there, or set DMEM_CACHE= to a larger disk"
	fi
}

# Builds the programs of scripts/judge, each from one file and the files in lib, in
# $CACHE/bin.
build_host_tools()
{
	mkdir -p "$CACHE/bin"
	for _p in progress tapsum samesum mutmap screen bench_report coverage coverage_page; do
		set -- "scripts/judge/$_p.c" scripts/judge/lib/*.c
		# Compares a key, not dates: another checkout may have built a newer
		# program.
		_k=$(hash16 "$@" scripts/judge/lib/*.h tests/guest/display/pattern.h)
		[ "$_k" != "$(cat "$CACHE/bin/$_p.key" 2>/dev/null)" ] || continue
		{ ${HOSTCC:-gcc} -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -o "$CACHE/bin/$_p.new" "$@" -lm &&
		  mv "$CACHE/bin/$_p.new" "$CACHE/bin/$_p" &&
		  echo "$_k" >"$CACHE/bin/$_p.key"; } ||
		die "cannot compile $1: see the compiler's message above"
	done
}
