#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copies of LVM's files that an initramfs has from its last build: a filter by names, a list of the old hardware. Without
# a new copy the volume of the root would not be found; cpio shows what the kernel would unpack.
# shellcheck source=tests/finalize/image_trees.sh
. "$(dirname "$0")/image_trees.sh"

r=$work/root v=6.1.0-1-amd64 id=11111111-2222-3333-4444-555555555555
put "$work/devices" <<EOF
[{"name": "/dev/vda1", "disk": 0, "part": 1, "type": "ext4", "uuid": "bbbbbbbb-2222-3333-4444-555555555555", "mounts": [{"at": "/boot"}]},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "LVM2_member", "uuid": "abcdef-ABCD-abcd-abcd-ABCD-abcd-ABCDEF"},
 {"name": "/dev/mapper/vg-root", "stacked": true, "type": "ext4", "uuid": "$id", "root": true, "mounts": [{"at": "/"}]}]
EOF
# tree PATH: a system on a volume of LVM, whose image has standard input as this file.
tree() { image_tree /dev/mapper/vg-root root=/dev/mapper/vg-root "$@"; }
lvm() { seen "etc/lvm/$1"; }
refuses() { ! run && says "$1"; }

tree etc/lvm/lvm.conf <<'EOF'
devices {
	# global_filter = [ "r|.*|" ]
	filter = [ "a|^/dev/sda2$|", "r|.*|" ]
}
EOF
adapted "a filter by the old names"
check "it starts" equal starts "$(start verdict)"
lvm lvm.conf >"$work/conf"
check "the copy accepts the new names" is "$work/conf" <<'EOF'
devices {
	# global_filter = [ "r|.*|" ]
	filter = [ "a|^/dev/vd|", "a|^/dev/sd|", "a|^/dev/sda2$|", "r|.*|" ]
}
EOF
check "which is said" says "/boot/initrd.img-$v: etc/lvm/lvm.conf: line 3: devices/filter rejected"
tree etc/lvm/lvmlocal.conf <<<'devices/global_filter = [ "r|^/dev/vd|", "r|^/dev/sd|" ]'
adapted "in lvmlocal.conf"
lvm lvmlocal.conf >"$work/conf"
check "the new names come first" is "$work/conf" <<'EOF'
devices/global_filter = [ "a|^/dev/vd|", "a|^/dev/sd|", "r|^/dev/vd|", "r|^/dev/sd|" ]
EOF
tree etc/lvm/lvm.conf <<<'devices { filter = [ "a|.*|" ] }'
check "a filter that accepts all" run
check "stays" equal 'devices { filter = [ "a|.*|" ] }' "$(lvm lvm.conf)"
check "and is not said" refute says "etc/lvm/lvm.conf"

# The list of devices is hidden by a link, and LVM looks at all disks.
tree etc/lvm/devices/system.devices <<<'IDTYPE=sys_wwid IDNAME=naa.6000c29 DEVNAME=/dev/sda2 PVID=x'
adapted "a list of the old hardware"
check "it starts with it" equal starts "$(start verdict)"
unpack
check "a link hides it" equal /nonexistent "$(readlink "$work/seen/etc/lvm/devices/system.devices")"
tree etc/lvm/devices/system.devices <<<'IDTYPE=crypt_uuid IDNAME=CRYPT-LUKS2-1 DEVNAME=/dev/dm-0 PVID=x'
check "what travels with the disks" run
unpack
check "stays there" [ -f "$work/seen/etc/lvm/devices/system.devices" ]

# What cannot be adapted stops the start; a pattern that is not tried, or hides some names only, makes it a doubt.
tree etc/lvm/lvm.conf <<<'devices { filter = "r|.*|" }'
check "one pattern that rejects all" refuses "etc/lvm/lvm.conf hides the disks"
sed -i "s,/dev/mapper/vg-root,UUID=$id," "$r/boot/grub/grub.cfg"
check "by the volume's UUID as well" refuses "etc/lvm/lvm.conf hides the disks"
tree etc/lvm/lvm.conf <<<'devices { filter = "r|/dev/vd|" }'
check "one that leaves some names" run
check "is a doubt" equal "not known" "$(start verdict)"
tree etc/lvm/lvm.conf <<<'devices { filter = "a|/dev/disk/by-id/ata|" global_filter = "r|((((a*)*)*)*)*b|" }'
check "one that is not tried" run
check "is one, too" equal "not known" "$(start verdict)"
tree etc/lvm/lvm.conf <<<'devices { filter = "r|.*|" }'
sed -i 's,"/dev/mapper/vg-root","/dev/mapper/luks-1",' "$work/devices"
sed -i "s,/dev/mapper/vg-root,UUID=$id," "$r/boot/grub/grub.cfg" "$r/etc/fstab"
check "a root that is no volume does not need LVM" run
check "and starts" equal starts "$(start verdict)"
finish
