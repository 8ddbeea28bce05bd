#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests build_ahead of scripts/lib/build.sh, which builds a kernel while guests of an earlier suite
# run. A script takes the place of make. Prints TAP.
# shellcheck disable=SC1091,SC2034,SC2317,SC2329 # variables of the library; t calls the functions
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
w=$(mktemp -d)
trap 'rm -rf "$w"' EXIT
n=0
bad=0

# t NAME COMMAND...: the command succeeds, in a shell of its own.
t()
{
	_name=$1
	shift
	n=$((n + 1))
	rm -rf "$w/cache" "$w/made" "$w/child" "$w/slow"
	# Not in a condition, where "set -e" has no effect
	("$@") >"$w/log" 2>&1
	_rc=$?
	if [ "$_rc" = 0 ]; then
		echo "ok $n $_name"
	else
		bad=1
		echo "not ok $n $_name"
		sed 's/^/# /' "$w/log"
	fi
}

mkdir -p "$w/bin"
cat >"$w/bin/make" <<-'END'
	#!/bin/sh
	case " $* " in
	*' allnoconfig '*) : >"$W/cache/base/build-x/.config" ;;
	*' modules '*)
		[ ! -e "$W/fails" ] || { echo "no compiler"; exit 1; }
		echo begun >>"$W/made"
		if [ -e "$W/slow" ]; then
			rm "$W/slow"
			sleep 60 &
			echo $! >"$W/child"
			wait
		fi
		echo ended >>"$W/made"
		;;
	esac
END
cat >"$w/bin/compiler" <<-'END'
	#!/bin/sh
	echo compiler
END
chmod +x "$w/bin/make" "$w/bin/compiler"
ln -s compiler "$w/bin/x-gcc"
W=$w
PATH=$w/bin:$PATH
export W PATH

library()
{
	set -eu
	DMEM_CACHE=$w/cache
	. "$top/scripts/lib/common.sh"
	. "$top/scripts/lib/build.sh"
	BASE=$CACHE/base
	TREE=$w/tree
	TREE_ID=1
	SERIES=kernel
	KARCH=arm64
	KIMAGE=Image
	CROSS=x-
	STEPS=2
	mkdir -p "$LOGS" "$CACHE/bin" "$BASE" "$TREE/kernel/configs"
	: >"$TREE/kernel/configs/tiny-base.config"
	: >"$TREE/kernel/configs/tiny.config"
	echo 'CONFIG_X=y' >"$w/fragment"
	config_took() { :; }
	without_later_options() { cat; }
	source_word() { echo 1; }
	# progress TITLE LOG COUNT-FILE FILES COMMAND...
	printf '#!/bin/sh\nshift 4\nexec "$@"\n' >"$CACHE/bin/progress"
	chmod +x "$CACHE/bin/progress"
}

made()
{
	[ "$(paste -s -d ' ' "$w/made" 2>/dev/null)" = "$1" ]
}

# Waits until the build has a child, at most 20 seconds.
until_child()
{
	_tries=0
	until [ -s "$w/child" ]; do
		_tries=$((_tries + 1))
		[ "$_tries" -lt 200 ] || return 1
		sleep 0.1
	done
}

# The caller goes on while the build runs, and build_kernel ends it.
continued()
{
	library
	: >"$w/slow"
	build_ahead x "$w/fragment"
	until_child
	build_kernel x "$w/fragment"
	gone "$(cat "$w/child")" && made 'begun begun ended' && [ -e "$BASE/build-x/built" ]
}

failed_build_is_repeated()
{
	library
	: >"$w/fails"
	build_ahead x "$w/fragment"
	until grep -q compiler "$LOGS/ahead-x.log"; do
		sleep 0.1
	done
	rm "$w/fails"
	build_kernel x "$w/fragment"
	made 'begun ended' && [ -e "$BASE/build-x/built" ]
}

built_kernel_is_left()
{
	library
	build_kernel x "$w/fragment"
	build_ahead x "$w/fragment"
	[ -z "$AHEAD" ] && made 'begun ended'
}

# gone PROCESS: waits for its end, at most 20 seconds.
gone()
{
	_tries=0
	while kill -0 "$1" 2>/dev/null; do
		_tries=$((_tries + 1))
		[ "$_tries" -lt 200 ] || return 1
		sleep 0.1
	done
}

# A run that ends early takes the build and its children with it.
ends_with_run()
{
	: >"$w/slow"
	(
		library
		build_ahead x "$w/fragment"
		until_child
		die "a guest failed"
	) && return 1
	gone "$(cat "$w/child")"
}

t "build_kernel ends a build that began earlier, and goes on with it" continued
t "a build that failed is repeated" failed_build_is_repeated
t "a kernel that is built is not built again" built_kernel_is_left
t "a run that ends early ends the build" ends_with_run
echo "1..$n"
exit $bad
