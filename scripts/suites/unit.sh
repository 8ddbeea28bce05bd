# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite unit: the tests of the host, which meson builds and runs.

suite unit 1 host 1 "the tests of the host"

unit_packages()
{
	need gcc clang /usr/include/stdio.h:libc6-dev git shellcheck codespell make meson ninja:ninja-build pkg-config jq \
		gzip xz:xz-utils zstd tmux zsh scdoc valgrind python3 dbus-daemon /usr/include/libsmartcols/libsmartcols.h:libsmartcols-dev \
		/usr/include/systemd/sd-bus.h:libsystemd-dev /usr/include/libfdt.h:libfdt-dev \
		/usr/include/json-c/json.h:libjson-c-dev /usr/include/slurm/spank.h:libslurm-dev \
		musl-gcc:musl-tools /usr/include/png.h:libpng-dev rsvg-convert:librsvg2-bin dtc:device-tree-compiler \
		/usr/lib/python3/dist-packages/prometheus_client:python3-prometheus-client
	unit_promtool
}

# In Debian 12, promtool is in the package prometheus, which starts a server when it is installed:
# takes only the program out of the package. Debian 13 has a package promtool.
unit_promtool()
{
	_promtool=$CACHE/prometheus
	PATH=$PATH:$_promtool
	export PATH
	! command -v promtool >/dev/null || return 0
	printf '      fetching promtool\n' >&2
	mkdir -p "$_promtool" "$LOGS"
	_promdir=$(mktemp -d "$_promtool/new-XXXXXX")
	_rc=0
	: >"$LOGS/apt-promtool.log"
	# Without root, the lists are taken as they are.
	if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
		apt_update "$LOGS/apt-promtool.log"
	fi
	_package=promtool
	apt-cache show promtool >/dev/null 2>&1 || _package=prometheus
	(
		cd "$_promdir" && apt-get -q -o Acquire::Retries=2 -o Acquire::http::Timeout=30 download "$_package" &&
		dpkg-deb --fsys-tarfile "${_package}"_*.deb | tar -x ./usr/bin/promtool && mv usr/bin/promtool ../promtool
	) >>"$LOGS/apt-promtool.log" 2>&1 || _rc=$?
	rm -rf "$_promdir"
	[ "$_rc" = 0 ] ||
	die_log "$LOGS/apt-promtool.log" "cannot fetch promtool: check the network and apt's sources"
}

# Prints the names of all tests, one per line.
unit_tests()
{
	meson introspect --tests "$BUILD" | jq -r '.[].name'
}

# unit_stream DIR: prints the files that in-dir wrote there, one per test, as one stream for
# tapsum. A test that could not be built did not run, and counts as failed.
unit_stream()
{
	unit_tests | while read -r _t; do
		if grep -qs '^1\.\.0 # SKIP' "$1/$_t"; then
			sed -n "s|^1\.\.0 # SKIP |# not run: unit/$_t: |p" "$1/$_t"
			continue
		fi
		echo "# run unit/$_t"
		cat "$1/$_t" 2>/dev/null || :
		echo
		echo "# exit unit/$_t $(cat "$1/$_t.status" 2>/dev/null || echo 127)"
	done
	echo "# end"
}

# The time limits are for an idle machine. The suite multiplies them by four.
suite_unit()
{
	step "suite unit"
	_d=$CACHE/unit
	rm -rf "$_d"
	mkdir -p "$_d/tap"
	build_setup -Dwerror=true
	TAP_STREAM=$_d/tap meson test -C "$BUILD" --timeout-multiplier 4 >"$_d/log" 2>&1 || :
	grep -q '^Ok: ' "$_d/log" || die_log "$_d/log" "cannot build the tests: $(grep -m 1 -e 'error:' -e ERROR "$_d/log")"
	unit_stream "$_d/tap" >"$_d/results"
	"$CACHE/bin/tapsum" -n unit -t "$TOTALS" "$_d/results" || [ $? = 1 ] ||
	die "tapsum gave up on $_d/results"
	sed -n 's/^# not run: /      not run: /p' "$_d/results"
}
