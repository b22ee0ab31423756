#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The copy of mdadm.conf that an initramfs has from its last build: it finds the array of the root by the old names of its
# disks. Without a new copy the start would wait for the root; cpio shows what the kernel would unpack, and mdadm reads it.
# shellcheck source=tests/finalize/image_trees.sh
. "$(dirname "$0")/image_trees.sh"

r=$work/root v=6.1.0-1-amd64 id=11111111-2222-3333-4444-555555555555
put "$work/devices" <<EOF
[{"name": "/dev/vda1", "disk": 0, "part": 1, "type": "ext4", "uuid": "bbbbbbbb-2222-3333-4444-555555555555", "mounts": [{"at": "/boot"}]},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "linux_raid_member", "uuid": "aabbccdd-0011-2233-4455-66778899aabb"},
 {"name": "/dev/vdb2", "disk": 1, "part": 2, "type": "linux_raid_member", "uuid": "aabbccdd-0011-2233-4455-66778899aabb"},
 {"name": "/dev/md0", "stacked": true, "type": "ext4", "uuid": "$id", "root": true, "mounts": [{"at": "/"}]}]
EOF
# tree PATH: a system on an array, whose image has standard input as this file.
tree() { image_tree "UUID=$id" "root=UUID=$id" "$@"; }

for path in etc/mdadm/mdadm.conf etc/mdadm.conf etc/mdadm.conf.d/old.conf; do
    tree $path <<'EOF'
DEVICE /dev/sda2 /dev/sdb2
HOMEHOST <system>
ARRAY /dev/md0 devices=/dev/sda2,/dev/sdb2
EOF
    adapted "$path by the old names"
    seen $path >"$work/conf"
    check "$path: the copy finds the array by what its members hold" is "$work/conf" <<'EOF'
DEVICE partitions containers
HOMEHOST <system>
ARRAY /dev/md0 UUID=aabbccdd:00112233:44556677:8899aabb
EOF
    check "$path: which is said" says "/boot/initrd.img-$v: $path: line 1: DEVICE named disks"
    check "$path: mdadm reads it" equal 0 "$(mdadm --detail --scan --config="$work/conf" 2>&1 | grep -ci unknown)"
done
tree etc/mdadm/mdadm.conf <<<'ARRAY /dev/md0 UUID=aabbccdd:00112233:44556677:8899aabb'
check "a copy that names no disks" run
check "stays" equal 'ARRAY /dev/md0 UUID=aabbccdd:00112233:44556677:8899aabb' "$(seen etc/mdadm/mdadm.conf)"
refute "and is not said" says "etc/mdadm/mdadm.conf"
tree etc/mdadm/mdadm.conf <<<'ARRAY /dev/md0 devices=/dev/sdq1'
check "names that are on no disk" run
check "are said" says "warning: /boot/initrd.img-$v: etc/mdadm/mdadm.conf: line 1: the array is told by the names of its disks"
finish
