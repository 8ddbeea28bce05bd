# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# Suite machines: Debian's Slurm on two guests with a network between them. The first one is the
# controller and a node, and runs the tests. The second one is a node without one of the regions.

suite machines 12 check-all 4 "Slurm on two guests with a network between them"

MACHINES_PACKAGES='slurmctld slurmd slurm-client munge'
# Seconds: programs run dozens of commands of Slurm, and the host has two guests at a time. The
# second guest waits for the first one, which may not be ended before its own limit.
MACHINES_WORDS='systemd.hostname=n1 dmem.limit=2400'
MACHINES_OTHER_WORDS='systemd.hostname=n2 dmem.limit=3000'
MACHINES_SECONDS=3600

# Kernel check with a network card, and the system of both guests: that of suite cluster with
# another configuration of Slurm and of the network.
machines_system()
{
	build_check
	# shellcheck disable=SC2046 # a list of files
	LIKE=check build_kernel machines $(check_config) kernel/config/network.config
	step "guest: a system with Slurm"
	build_dtb ''
	machines_dtb
	build_system_tests machines tests/guest/machines -Itests/guest/cluster tests/guest/cluster/slurm.c
	_more=$BASE/machines/more
	rm -rf "$_more"
	mkdir -p "$_more"
	cp -a tests/guest/cluster/root/. "$_more/"
	rm -rf "$_more/etc/slurm" "$_more/etc/systemd/network"
	cp -a tests/guest/machines/root/. "$_more/"
	cluster_plugin "$_more"
	# shellcheck disable=SC2086 # a list of packages
	system_root machines trixie $MACHINES_PACKAGES
	MACHINES_INITRD=$BASE/machines/trixie/initrd
}

# The device tree of the second guest
machines_dtb()
{
	cp "$BASE/vm/$BOARD.dtb" "$BASE/vm/machines-other.dtb"
	fdtput -r "$BASE/vm/machines-other.dtb" /reserved-memory/display@60000000 ||
	die "cannot remove the display from the second guest's device tree"
}

# machines_card NUMBER OPTION: prints QEMU's options for the network card of this guest, which has
# an address of its own for this card. OPTION says which end of the socket it is.
machines_card()
{
	echo "-netdev stream,id=link,addr.type=unix,addr.path=$_md/link,$2
		-device virtio-net-device,netdev=link,mac=52:54:00:00:00:0$1"
}

# Boots the second guest. QEMU's files do not mix with those of the first one.
machines_other()
{
	LOGS=$LOGS/machines
	mkdir -p "$LOGS"
	DTB_NAME=machines-other
	BOOT_DEVICES="$(machines_card 2 server=on) -pidfile $_md/pid"
	boot_only "$_mo" machines "$MACHINES_INITRD" \
		"$SYSTEM_WORDS $MACHINES_OTHER_WORDS dmem.only=machines/test_node"
}

# machines_with_other BOOT COMMAND...: runs the command, which boots the first guest, while the
# second one runs. BOOT is the second one's name.
machines_with_other()
{
	_mo=$1
	shift
	# Not in the cache: the path of a socket must be short.
	_md=$(mktemp -d /tmp/dmem.XXXXXX)
	_mp=
	trap machines_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	_mlog=$BASE/run/$_mo/kernel.log
	mkdir -p "${_mlog%/*}"
	rm -f "$_mlog"
	echo machines/test_node >"${_mlog%/*}/expect"
	BOOT_SECONDS=$MACHINES_SECONDS
	machines_other 9>&- &
	_mp=$!
	# Once a kernel prints, QEMU listens at its socket.
	until [ -s "$_mlog" ]; do
		kill -0 "$_mp" 2>/dev/null || die "the second guest does not start (log: $LOGS/machines/qemu.log)"
		sleep 0.2
	done
	BOOT_DEVICES=$(machines_card 1 server=off)
	"$@"
	BOOT_DEVICES=
	BOOT_SECONDS=
	# The first guest has told the other one to end, unless it crashed.
	timeout 300 tail --pid="$_mp" -f /dev/null || :
	machines_end
	trap - EXIT INT TERM HUP
	boot_judged "$_mo" none
}

# Ends the second guest, if it has not ended itself. Its results are incomplete then.
machines_end()
{
	[ ! -e "$_md/pid" ] || kill "$(cat "$_md/pid")" 2>/dev/null || :
	[ -z "$_mp" ] || wait "$_mp" || :
	rm -rf "$_md"
}

machines_programs()
{
	programs_of machines
}

# Both programs run, whichever is named: neither does anything alone.
machines_guest()
{
	GUEST_ONLY=
	STEPS=$((STEPS + 1))
	machines_system
	machines_with_other guest/machines-other guest_run machines machines "$MACHINES_INITRD" none \
		"$SYSTEM_WORDS $MACHINES_WORDS" machines/test_jobs
}

suite_machines()
{
	machines_system
	step "guest: Slurm on two machines"
	mkdir -p "$BASE/run/machines/first"
	echo machines/test_jobs >"$BASE/run/machines/first/expect"
	machines_with_other machines/other boot_tests machines/first machines "$MACHINES_INITRD" none \
		"$SYSTEM_WORDS $MACHINES_WORDS dmem.only=machines/test_jobs"
}
