# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite without: a kernel without the controller, where heaps must work as they always did, and a
# kernel without the series. Compares what the programs of suite media report on that one and on the
# patched kernel: the series must not change it.

suite without 6 check-all 8 "kernels without the controller, and without the series"

# Builds the kernel without the series from the same tree in the same place, so that ccache and
# kbuild can reuse most objects.
build_base()
{
	# shellcheck disable=SC2046 # a list of files
	LIKE=check without_series build_kernel base $(check_config) kernel/config/base.config
}

build_nodmem()
{
	# shellcheck disable=SC2046 # a list of files
	LIKE=check build_kernel nodmem $(check_config) kernel/config/nodmem.config
}

# report_of BOOT PROGRAM SED-COMMAND: prints the lines of a program's output that are its report.
# A report does not vary from run to run: both kernels have the same version, and all counts
# depend on the tests alone.
report_of()
{
	tr -d '\r' <"$BASE/run/media/$1/results" |
	sed -n "\\,^# run $2\$,,\\,^# exit $2 ,p" | sed -n "$3"
}

# Compares the reports of both kernels. Each comparison is a test.
media_compare()
{
	_c=$BASE/run/media/same
	mkdir -p "$_c"
	step "suite media: the reports of both kernels"
	_n=0
	_bad=0
	{
		echo "# run media/same"
		echo "TAP version 13"
		same_report media/test_compliance 's/^# | //p'
		for _p in $UPSTREAM; do
			# Other lines report the slow steps, which vary.
			same_report "$_p" '/^\(not \)\{0,1\}ok /p'
		done
		echo "1..$_n"
		echo
		echo "# exit media/same $_bad"
		echo "# end"
	} >"$_c/results"
	"$CACHE/bin/tapsum" -n media/same -t "$TOTALS" "$_c/results" || [ $? = 1 ] ||
	die "tapsum gave up on $_c/results"
}

# same_report PROGRAM SED-COMMAND
same_report()
{
	_n=$((_n + 1))
	for _b in patched unpatched; do
		report_of "$_b" "$1" "$2" >"$_c/$_b"
	done
	if ! grep -q . "$_c/unpatched"; then
		echo "# there is no report of the unpatched kernel"
	elif (cd "$_c" && diff -u unpatched patched) >"$_c/diff"; then
		echo "ok $_n $1 says the same on both kernels"
		return
	else
		sed 's/^/# /' "$_c/diff"
	fi
	echo "not ok $_n $1 says the same on both kernels"
	_bad=1
}

suite_without()
{
	build_check
	build_nodmem
	build_base
	step "guest: selftests, and Debian's V4L2 programs"
	build_dtb ''
	guest_busybox
	build_selftests nodmem
	guest_userland arm64 "$CACHE/userland/arm64" programs v4l-utils
	build_media_tests check
	media_root check
	media_root base
	guest_boot core/nodmem nodmem nodmem ''
	media_boot patched check
	media_boot unpatched base
	media_compare
}
