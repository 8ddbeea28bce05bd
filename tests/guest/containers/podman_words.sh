#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# podman_words.sh DIRECTORY: how the Podman of this machine takes the commands of
# docs/containers.md with names that have a comma. Root, in a mount namespace of its own.
# Containers are made and never started.
set -eu
dir=$1
made=0
here=$(dirname "$0")

# The options of the commands are Podman's own, but for where it keeps things, and a runtime
# that may not be installed.
real=$(command -v podman)
rm -rf "$dir"
mkdir -p "$dir/bin" "$dir/dev/dma_heap" "$dir/root/bin" "$dir/dev/pts" "$dir/dev/shm"
cat >"$dir/bin/podman" <<WRAPPER
#!/bin/sh
while [ "\$1" != run ]; do shift; done
shift
exec "$real" --root "$dir/s" --runroot "$dir/r" --storage-driver=vfs --cgroup-manager=cgroupfs create "\$@"
WRAPPER
chmod 755 "$dir/bin/podman"
for n in 'null 3' 'zero 5' 'full 7' 'random 8' 'urandom 9'; do
	mknod -m 666 "$dir/dev/${n% *}" c 1 "${n#* }"
done
for h in linux,cma default_cma_region camera@64000000; do
	mknod "$dir/dev/dma_heap/$h" c 1 3
done

mount --make-rprivate /
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind "$dir/dev" /dev
# The root file system of the commands is that of the tests' guest.
sed "s,/srv/camera,$dir/root," "$here/root/srv/podman/comma.sh" >"$dir/comma.sh"
sed "s,/srv/camera,$dir/root," "$here/root/srv/podman/unified.sh" >"$dir/unified.sh"
PATH=$dir/bin:$PATH
export PATH

fail()
{
	echo "$*"
	exit 1
}

# of ID FORMAT
of()
{
	"$real" --root "$dir/s" --runroot "$dir/r" --storage-driver=vfs inspect --format "$2" "$1"
}

# made COMMAND...: makes a container, whose id is $id.
made()
{
	id=$("$@" 2>"$dir/err") || fail "$*: $(cat "$dir/err")"
	# The next one has the same name.
	"$real" --root "$dir/s" --runroot "$dir/r" --storage-driver=vfs rename "$id" "made$made"
	made=$((made + 1))
}

# refused COMMAND...
refused()
{
	! "$@" >"$dir/out" 2>&1 || fail "$*: was taken, and is documented as refused"
}

# device PATH: a container with it has it, by this name.
device()
{
	made podman run --network=none --device="$1" --rootfs "$dir/root" /bin/true
	[ "$(of "$id" '{{range .HostConfig.Devices}}{{.PathInContainer}}{{end}}')" = /dev/dma_heap/linux,cma ] ||
		fail "--device=$1: $(of "$id" '{{json .HostConfig.Devices}}')"
}

made sh "$dir/comma.sh" /bin/true
[ "$(of "$id" '{{index .HostConfig.CgroupConf "dmem.max"}}')" = 'cma/linux,cma 8M' ] ||
	fail "comma.sh: $(of "$id" '{{json .HostConfig.CgroupConf}}')"
[ "$(of "$id" '{{range .HostConfig.Devices}}{{.PathInContainer}}{{end}}')" = /dev/dma_heap/default_cma_region ] ||
	fail "comma.sh: $(of "$id" '{{json .HostConfig.Devices}}')"
made sh "$dir/unified.sh" /bin/true
[ "$(of "$id" '{{index .HostConfig.CgroupConf "dmem.max"}}')" = 'cma/camera@64000000 8M' ] ||
	fail "unified.sh: $(of "$id" '{{json .HostConfig.CgroupConf}}')"
refused podman run --network=none --cgroup-conf='dmem.max=cma/linux,cma 8M' --rootfs "$dir/root" /bin/true

version=$("$real" --version)
version=${version##* }
if [ "${version%%.*}" -ge 5 ]; then
	device /dev/dma_heap/linux,cma
	refused podman run --network=none --device='"/dev/dma_heap/linux,cma"' --rootfs "$dir/root" /bin/true
else
	device '"/dev/dma_heap/linux,cma"'
	refused podman run --network=none --device=/dev/dma_heap/linux,cma --rootfs "$dir/root" /bin/true
fi
"$real" --root "$dir/s" --runroot "$dir/r" --storage-driver=vfs rm -a -f >"$dir/out" 2>&1 || :
