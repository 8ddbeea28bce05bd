#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds and runs tests of the host: "make test".
#
#   T=NAME           one program: its name in "meson test --list"
#   T=NAME.FUNCTION  one test function of it
#   UPDATE=1         writes expected files anew instead of comparing with them
#
# Without T, runs all tests except meson's suite "slow", and does not look for leaks of
# memory, as that is half of the time: with T, and in "make check", the tests do. Fails if a
# test fails.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/build.sh
. scripts/lib/build-dir.sh
. scripts/lib/suites.sh
. scripts/suites/unit.sh

supported_host
unit_packages
build_setup -Dwerror=true
# The list of tests below is that of the last configuration, which may be older than the sources.
meson_ninja "$BUILD" build.ninja

set -- --no-suite slow
if [ -n "${T-}" ]; then
	unit_tests | grep -qxF "${T%%.*}" ||
	die "there is no test '${T%%.*}': T= is one of $(unit_tests | sort | tr '\n' ' ')"
	set -- "${T%%.*}"
	case $T in *.*) TAP_ONLY=${T#*.}; export TAP_ONLY ;; esac
fi
[ -n "${T-}" ] || export ASAN_OPTIONS="${ASAN_OPTIONS-detect_leaks=0}"
[ -z "${UPDATE-}" ] || export UPDATE
exec meson test -C "$BUILD" --print-errorlogs --timeout-multiplier 4 "$@"
