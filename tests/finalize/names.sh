#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Names of disks in fstab, crypttab, and the files of md, LVM and multipath: what changes, what stays, what is said.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

# shellcheck disable=SC2154 # trees.sh sets $work
r=$work/root
root=11111111-2222-3333-4444-555555555555
fresh() { bare "$r"; }
plan_to ''
run() { finalize "$r" "$work/plan"; }
# Two disks; no partition of the one looks like one of the other.
put "$work/devices" <<EOF
[{"name": "/dev/vda", "disk": 0, "part": 0, "type": ""},
 {"name": "/dev/vda1", "disk": 0, "part": 1, "type": "vfat", "uuid": "1234-ABCD", "esp": true, "partlabel": "EFI system", "partuuid": "e0e0e0e0-01"},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "ext4", "uuid": "$root", "root": true, "partuuid": "e0e0e0e0-02"},
 {"name": "/dev/vda3", "disk": 0, "part": 3, "type": "swap", "uuid": "22222222-2222-3333-4444-555555555555", "partuuid": "e0e0e0e0-03"},
 {"name": "/dev/vda5", "disk": 0, "part": 5, "type": "", "partuuid": "e0e0e0e0-05"},
 {"name": "/dev/vdb", "disk": 1, "part": 0, "type": "xfs", "uuid": "33333333-2222-3333-4444-555555555555", "label": "my data"},
 {"name": "/dev/vdb2", "disk": 1, "part": 2, "type": "xfs", "uuid": "44444444-2222-3333-4444-555555555555"},
 {"name": "/dev/vdb4", "disk": 1, "part": 4, "type": "crypto_LUKS", "uuid": "55555555-2222-3333-4444-555555555555", "partuuid": "b0b0-04"},
 {"name": "/dev/mapper/vg-root", "stacked": true, "type": "ext4", "uuid": "66666666-2222-3333-4444-555555555555"}]
EOF

# ---- fstab -------------------------------------------------------------------------------------------
# fstab_line BEFORE AFTER: a second line of fstab.
fstab_line() {
    fresh
    printf 'UUID=%s / ext4 defaults 0 1\n%s\n' "$root" "$1" | put "$r/etc/fstab"
    run || return 1
    printf 'UUID=%s / ext4 defaults 0 1\n%s\n' "$root" "$2" | is "$r/etc/fstab"
}
stays() { check "fstab stays: $1" fstab_line "$1" "$1"; }
second=44444444-2222-3333-4444-555555555555
fresh
for name in sdb2 vdb2 xvdb2 hdb2 nvme1n1p2 mmcblk1p2 cciss/c0d1p2 ida/c0d1p2 rd/c0d1p2 i2o/hdb2 \
    disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0-part2 disk/by-id/scsi-36000c29abcdef-part2 \
    disk/by-id/dm-uuid-part2-mpath-36000c29abcdef-part2 mapper/mpathb-part2 mapper/mpathbp2 mapper/mpathb2 \
    mapper/36000c29abcdef0123456789abcdef012p2 mapper/36000c29abcdef0123456789abcdef012-part2; do
    printf '/dev/%s\t/%s xfs defaults 0 2\n' $name $name >>"$r/etc/fstab"
done
printf '/dev/sdb2 /auto auto\n/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0 /whole xfs\n' >>"$r/etc/fstab"
sed -e '/^UUID/b' -e "/whole/s,^[^ \t]*,UUID=33333333-2222-3333-4444-555555555555," -e '/whole/b' \
    -e "s,^[^ \t]*,UUID=$second," "$r/etc/fstab" >"$work/wanted"
check "fstab: names of one disk" run
check "fstab: each is told" is "$r/etc/fstab" <"$work/wanted"
put "$r/etc/fstab" <<EOF
UUID=$second /srv auto
LABEL=my\\040data /srv auto
LABEL="my\\040data" /srv auto
PARTLABEL=EFI\\040system /srv auto
PARTUUID=e0e0e0e0-02 /srv auto
/dev/disk/by-label/my\\x20data /srv auto
UUID="$second" /srv auto
/dev/mapper/vg-root /srv auto
/dev/vg/root /srv auto
/dev/md0 /srv auto
/dev/sr0 /srv auto
server:/export /srv nfs
tmpfs /srv tmpfs
/dev/disk/by-id/md-uuid-1 /srv auto
/dev/disk/by-id/dm-name-vg-root /srv auto
EOF
cp "$r/etc/fstab" "$work/wanted"
check "fstab: names that last" run
check "fstab: stay" is "$r/etc/fstab" <"$work/wanted"
refute "nothing is said of them" says /etc/fstab
# What is not on these disks: said LEVEL WORDS LINE
said() {
    stays "$3"
    check "said: $3" says "$1: /etc/fstab: line 2: $2"
}
unless="unless it is in an encrypted device that was not opened"
said warning "UUID=dead-beef (/srv) is on no disk of this machine, $unless; the start may stop at it" "UUID=dead-beef /srv ext4 defaults 0 2"
said warning "UUID=dead-beef (none) is on no disk of this machine, $unless; the start waits for it" "UUID=dead-beef none swap sw 0 0"
said warning "PARTLABEL=x (/srv) is on no disk" "PARTLABEL=x /srv ext4"
said warning "/dev/vg/none (/srv) is on no disk" "/dev/vg/none /srv ext4 defaults"
said warning "/dev/cciss/c1d0p9 depends on the order of the disks, and" "/dev/cciss/c1d0p9 /srv ext4 defaults 0 0"
said warning "/dev/sdc1 depends on the order of the disks, and no probed device has that name; the start may stop at it" \
    "/dev/sdc1 /srv xfs defaults 0 2"
said warning "/dev/dm-3 depends on the order of the disks, and no probed device has that name" "/dev/dm-3 /srv xfs"
said warning "/dev/block/8:2 depends" "/dev/block/8:2 /srv xfs"
said warning "/dev/sda2 depends on the order of the disks, and the device found there has a different type" \
    "/dev/sda2 /srv xfs defaults 0 2"
said warning "/dev/disk/by-id/ata-X-part9 depends" "/dev/disk/by-id/ata-X-part9 /srv xfs"
for options in noauto nofail rw,nofail,x x-systemd.automount; do
    said skipped "/dev/sdc1 depends on the order" "/dev/sdc1 /srv xfs $options 0 2"
    refute "it stops nothing" says "the start"
    stays "UUID=dead-beef /srv xfs $options 0 2"
    refute "nothing is said of it" says dead-beef
done
# unbootable LINE: refused with the line, and nothing is changed.
unbootable() {
    fresh
    put "$r/etc/fstab" <<<"$1"
    refused_with "/etc/fstab: line 1: "
}
check "/usr on a disk that is not known" unbootable "/dev/sdc7 /usr ext4 defaults 0 1"
check "it is said" says "/usr is mounted from /dev/sdc7, which depends on the order of the disks, and no probed device has that name"
mv "$work/devices" "$work/devices.all"
sed 's/"root": true, //' "$work/devices.all" >"$work/devices"
check "/ on a disk that is not known" unbootable "/dev/sdc7 / ext4 defaults 0 1"
put "$work/devices" <<<'[]'
fresh
put "$r/etc/fstab" <<<"/dev/sdc7 / ext4 defaults 0 1"
check "without a list of devices" run
check "it is said only" says "warning: /etc/fstab: line 1: /dev/sdc7 depends on the order of the disks"
mv "$work/devices.all" "$work/devices"

fresh
put "$r/etc/fstab" <<'EOF'
# by-path of two disks, and one that only the first line explains
/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0-part2	/	ext4	errors=remount-ro 0 1
	/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0-part1  /boot/efi	vfat	umask=0077	0	1   # no comment
/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0-part3 none swap sw 0 0
/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:1:0-part2 /with\040blank xfs defaults 0 2
tmpfs /tmp tmpfs defaults 0 0
EOF
adapted fstab
check "fstab: all of it" is "$r/etc/fstab" <<EOF
# by-path of two disks, and one that only the first line explains
UUID=$root	/	ext4	errors=remount-ro 0 1
	UUID=1234-ABCD  /boot/efi	vfat	umask=0077	0	1   # no comment
UUID=22222222-2222-3333-4444-555555555555 none swap sw 0 0
UUID=$second /with\040blank xfs defaults 0 2
tmpfs /tmp tmpfs defaults 0 0
EOF
check "findmnt reads it" equal "$(findmnt --tab-file "$r/etc/fstab" -n -o SOURCE '/with blank')" "UUID=$second"

# ---- crypttab ----------------------------------------------------------------------------------------
luks=UUID=55555555-2222-3333-4444-555555555555
fresh
put "$r/etc/crypttab" <<EOF
# name device key options
data	/dev/sdb4	none	luks,discard
byid  /dev/disk/by-id/ata-DISK-part4 none luks
swap /dev/sda5 /dev/urandom swap,cipher=aes-xts-plain64
lost /dev/sdq1 none luks
bad /dev/sda2 /dev/urandom tmp
tpm $luks - tpm2-device=auto,discard
token $luks - fido2-device=auto
stick $luks /dev/sdc1:/key luks,header=/dev/sdd
label $luks /key:LABEL=stick luks
file $luks /etc/key luks,header=/etc/header
EOF
adapted crypttab
check "crypttab: all of it" is "$r/etc/crypttab" <<EOF
# name device key options
data	$luks	none	luks,discard
byid  $luks none luks
swap PARTUUID=e0e0e0e0-05 /dev/urandom swap,cipher=aes-xts-plain64
lost /dev/sdq1 none luks
bad /dev/sda2 /dev/urandom tmp
tpm $luks - tpm2-device=auto,discard
token $luks - fido2-device=auto
stick $luks /dev/sdc1:/key luks,header=/dev/sdd
label $luks /key:LABEL=stick luks
file $luks /etc/key luks,header=/etc/header
EOF
check "crypttab: what is not known is said" says "warning: /etc/crypttab: line 5: /dev/sdq1 depends on the order of the disks"
check "crypttab: what would be emptied" says "line 6: /dev/sda2 depends on the order of the disks, and what is on the device found there would be lost"
check "crypttab: the TPM" says "warning: /etc/crypttab: line 7: tpm: its key is in the old machine's TPM"
check "crypttab: the token" says "line 8: token: its key needs the FIDO2 token"
check "crypttab: the key file's disk" says "line 9: stick: the key file is on /dev/sdc1"
check "crypttab: the header's disk" says "line 9: stick: the header is on /dev/sdd"
refute "crypttab: a label is no such name" says "line 10"
refute "crypttab: nor is a file" says "line 11"
put "$r/etc/fstab" <<EOF
UUID=$root / ext4 defaults 0 1
/dev/mapper/data /srv xfs defaults 0 2
EOF
check "a device that crypttab opens" run
refute "is not missing" says "/dev/mapper/data"

# ---- md ----------------------------------------------------------------------------------------------
put "$work/devices" <<EOF
[{"name": "/dev/vda1", "disk": 0, "part": 1, "type": "linux_raid_member", "uuid": "aabbccdd-0011-2233-4455-66778899aabb"},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "ext4", "uuid": "$root", "root": true},
 {"name": "/dev/vda3", "disk": 0, "part": 3, "type": "LVM2_member", "uuid": "x1"},
 {"name": "/dev/vdb1", "disk": 1, "part": 1, "type": "linux_raid_member", "uuid": "aabbccdd-0011-2233-4455-66778899aabb"}]
EOF
fresh
put "$r/etc/mdadm/mdadm.conf" <<'EOF'
# arrays
DEVICE /dev/sda1	/dev/sdb1 # of the office
  /dev/disk/by-id/ata-X-part2
HOMEHOST <system>
ARRAY /dev/md0 UUID=aabbccdd:00112233:44556677:8899aabb devices=/dev/sda1,/dev/sdb1
array /dev/md1 devices=/dev/sda1,/dev/sdb1
  level=raid1
ARRAY /dev/md2 level=raid1
   name=host:2 devices=/dev/sda2
ARRAY /dev/md3 devices=/dev/sdq1
MAILADDR root # devices=/dev/sda1
EOF
adapted md
blank='  ' # what is left of a line that goes on
check "md: all of it" is "$r/etc/mdadm/mdadm.conf" <<EOF
# arrays
DEVICE partitions containers # of the office
${blank}
HOMEHOST <system>
ARRAY /dev/md0 UUID=aabbccdd:00112233:44556677:8899aabb
array /dev/md1 UUID=aabbccdd:00112233:44556677:8899aabb
  level=raid1
ARRAY /dev/md2 level=raid1
   name=host:2
ARRAY /dev/md3 devices=/dev/sdq1
MAILADDR root # devices=/dev/sda1
EOF
check "md: what is not known is said" says "warning: /etc/mdadm/mdadm.conf: line 10: the array is told by the names of its disks"
check "md: the scan is said" says "info: /etc/mdadm/mdadm.conf: line 2: DEVICE named disks"
check "md: mdadm reads it" equal "$(mdadm --detail --scan --config="$r/etc/mdadm/mdadm.conf" 2>&1 | grep -ci unknown)" 0
for line in "DEVICE partitions /dev/sda1" "DEVICE /dev/sd* /dev/vd*" "DEVICE /dev/[sv]d[a-z]*" "DEVICE /dev/md/*" "MAILADDR /dev/sda1"; do
    fresh
    put "$r/etc/mdadm.conf" <<<"$line"
    check "md stays: $line" run
    check "as it was" is "$r/etc/mdadm.conf" <<<"$line"
done
fresh
put "$r/etc/mdadm.conf" <<<"dev /dev/sd*"
check "md: what would find a part of the names" run
check "md: is widened" is "$r/etc/mdadm.conf" <<<"dev partitions containers"

# ---- LVM ---------------------------------------------------------------------------------------------
# lvm_reads KEY: what LVM itself reads there.
lvm_reads() { LVM_SUPPRESS_FD_WARNINGS=1 LVM_SYSTEM_DIR=$r/etc/lvm lvmconfig "$1" 2>/dev/null; }
plan_to '' kvm
fresh
put "$r/etc/lvm/lvm.conf" <<'EOF'
# filter = [ "r|.*|" ]
devices {
	dir = "/dev"
	scan = [ "/dev" ]
	# a comment with { and "
	filter = [ "a|^/dev/sda3$|", "r|.*|" ] # mine
	global_filter=["r|^/dev/cdrom|","r|/dev/[sv]da3|",
		"a/.*/"]
}
allocation { filter = [ "r|.*|" ] }
EOF
adapted LVM
check "LVM: all of it" is "$r/etc/lvm/lvm.conf" <<'EOF'
# filter = [ "r|.*|" ]
devices {
	dir = "/dev"
	scan = [ "/dev" ]
	# a comment with { and "
	filter = [ "a|^/dev/vd|", "a|^/dev/sd|", "a|^/dev/nvme|", "a|^/dev/sda3$|", "r|.*|" ] # mine
	global_filter=[ "a|^/dev/vd|", "a|^/dev/sd|", "a|^/dev/nvme|","r|^/dev/cdrom|","r|/dev/[sv]da3|",
		"a/.*/"]
}
allocation { filter = [ "r|.*|" ] }
EOF
check "LVM: it is said" says "info: /etc/lvm/lvm.conf: line 6: devices/filter rejected the names that disks have in the new home"
check "LVM reads the filter" equal "$(lvm_reads devices/filter)" 'filter=["a|^/dev/vd|","a|^/dev/sd|","a|^/dev/nvme|","a|^/dev/sda3$|","r|.*|"]'
check "LVM reads the other" equal "$(lvm_reads devices/global_filter)" \
    'global_filter=["a|^/dev/vd|","a|^/dev/sd|","a|^/dev/nvme|","r|^/dev/cdrom|","r|/dev/[sv]da3|","a/.*/"]'
for line in 'filter = [ "a|.*|" ]' 'filter = [ "r|^/dev/sr|" ]' 'filter = [ "a|^/dev/([sv]d|nvme)|", "r|.*|" ]' \
    'filter = [ "a(/dev/(sda|vda|nvme0n1p)3)", "r|.*|" ]' 'global_filter = [ "r|^/dev/drbd|" ]' 'devices/filter = [ "a|.|" ]'; do
    fresh
    printf 'devices {\n %s\n}\n' "$line" | put "$r/etc/lvm/lvm.conf"
    check "LVM stays: $line" run
    check "as it was" has "$r/etc/lvm/lvm.conf" " $line"
done
fresh
put "$r/etc/lvm/lvmlocal.conf" <<<'devices/filter = [ "a|^/dev/sda3|", "r|.*|" ]'
check "LVM: a key with its section, in another file" run
check "LVM: gets the same" is "$r/etc/lvm/lvmlocal.conf" <<<'devices/filter = [ "a|^/dev/vd|", "a|^/dev/sd|", "a|^/dev/nvme|", "a|^/dev/sda3|", "r|.*|" ]'
for filter in '"a|((((((a+)+)+)+)+)+)+|"' '"r|a++|"' '"r|[|"' '"r|x"' '"x|y|"'; do
    fresh
    put "$r/etc/lvm/lvm.conf" <<<"devices { filter = [ $filter ] }"
    check "LVM: what cannot be decided: $filter" run
    check "is said" says "warning: /etc/lvm/lvm.conf: line 1: devices/filter may reject the disks of the new home"
done
fresh
put "$r/etc/lvm/lvm.conf" <<'EOF'
devices {
 scan = [ "/dev/mapper" ]
 devicesfile = "mine.devices"
}
EOF
check "LVM: other folders and lists" run
check "LVM: the folder is said" says "line 2: LVM looks for disks in /dev/mapper"
check "LVM: the list is said" says "line 3: LVM uses the list of devices mine.devices"
fresh
put "$r/etc/lvm/devices/system.devices" <<'EOF'
# LVM uses devices listed in this file.
# Created by LVM command vgimportdevices
VERSION=1.1.2
IDTYPE=sys_wwid IDNAME=naa.6000c29abc DEVNAME=/dev/sda3 PVID=abcdefghijklmnopqrstuvwxyz012345 PART=3
EOF
adapted "LVM's devices file"
check "LVM: the devices file is gone" test ! -e "$r/etc/lvm/devices/system.devices"
check "LVM: it is said" says "/etc/lvm/devices/system.devices: line 4 names a disk by the old hardware"
fresh
put "$r/etc/lvm/devices/system.devices" <<'EOF'
VERSION=1.1.2
IDTYPE=crypt_uuid IDNAME=CRYPT-LUKS2-1 DEVNAME=/dev/mapper/x PVID=abc
IDTYPE=md_uuid IDNAME=1 DEVNAME=/dev/md0 PVID=def
EOF
check "LVM: volumes on LUKS and md" run
check "LVM: their devices file stays" test -e "$r/etc/lvm/devices/system.devices"

# ---- multipath ---------------------------------------------------------------------------------------
fresh
put "$r/etc/multipath/wwids" <<'EOF'
# Multipath wwids
#
/36000c29abc/
EOF
put "$r/etc/multipath/bindings" <<<"mpatha 36000c29abc"
put "$r/etc/multipath.conf" <<'EOF'
blacklist {
	wwid 36000c29def
}
EOF
before=$(snapshot "$r")
check "multipath" run
check "multipath: nothing is changed" equal "$(snapshot "$r")" "$before"
check "multipath: its WWIDs are said" says "/etc/multipath/wwids: line 3: has 1 disk of the old home by WWID"
check "multipath: its names too" says "/etc/multipath/bindings: line 1: has 1 disk of the old home"
check "multipath: and those of its configuration" says "/etc/multipath.conf: line 2: names a disk of the old home by its WWID"

# ---- modprobe.d and kdump ----------------------------------------------------------------------------
fresh
put "$r/etc/modprobe.d/blacklist.conf" <<'EOF'
# no virtio
blacklist virtio-net
  blacklist	virtio_blk # why
blacklist floppy
install virtio_scsi /bin/false
install usb_storage /bin/true
install virtio_pci /sbin/modprobe --ignore-install virtio_pci && echo
options virtio_net csum=0
EOF
put "$r/usr/lib/modprobe.d/vendor.conf" <<<"blacklist virtio_console"
put "$r/usr/lib/modprobe.d/blacklist.conf" <<<"blacklist virtio_rng" # hidden by the one in /etc
ln -s usr/lib "$r/lib"
adapted modprobe
check "modprobe: all of it" is "$r/etc/modprobe.d/blacklist.conf" <<'EOF'
# no virtio
#blacklist virtio-net
#  blacklist	virtio_blk # why
blacklist floppy
#install virtio_scsi /bin/false
install usb_storage /bin/true
install virtio_pci /sbin/modprobe --ignore-install virtio_pci && echo
options virtio_net csum=0
EOF
check "modprobe: a package's file is hidden" is "$r/etc/modprobe.d/vendor.conf" <<<"#blacklist virtio_console"
check "modprobe: and stays" is "$r/usr/lib/modprobe.d/vendor.conf" <<<"blacklist virtio_console"
check "modprobe: it is said" says "info: /etc/modprobe.d/blacklist.conf: line 2 kept virtio-net from being loaded"
if modprobe --version >/dev/null 2>&1; then
    check "modprobe: kmod reads no blacklist of them" equal \
        "$(modprobe -C "$r/etc/modprobe.d" --showconfig 2>/dev/null | grep -cE '^(blacklist|install) virtio_(net|blk|scsi)')" 0
fi
put "$work/devices" <<EOF
[{"name": "/dev/vda2", "disk": 0, "part": 2, "type": "ext4", "uuid": "$root", "root": true},
 {"name": "/dev/vda5", "disk": 0, "part": 5, "type": "", "partuuid": "e0e0e0e0-05"},
 {"name": "/dev/vdb2", "disk": 1, "part": 2, "type": "xfs", "uuid": "$second", "partuuid": "b0-02"}]
EOF
fresh
put "$r/etc/kdump.conf" <<'EOF'
# where to
raw /dev/sda5
xfs /dev/sdb2
raw /dev/sdb2
ext4 UUID=1
ssh root@192.0.2.1
path /var/crash
EOF
put "$r/etc/default/kdump-tools" <<<'NFS="192.0.2.2:/crash"'
ln -s /usr/lib/systemd/system/kdump.service "$r/etc/systemd/system/multi-user.target.wants/kdump.service"
adapted kdump
check "kdump: all of it" is "$r/etc/kdump.conf" <<EOF
# where to
raw /dev/disk/by-partuuid/e0e0e0e0-05
xfs UUID=$second
raw /dev/sdb2
ext4 UUID=1
ssh root@192.0.2.1
path /var/crash
EOF
check "kdump: what would be overwritten" says "warning: /etc/kdump.conf: line 4: kdump writes to /dev/sdb2, which depends on the order of the disks, and a dump would overwrite"
check "kdump: servers" says "line 6: kdump writes over the network (ssh)"
check "kdump: Debian's" says "/etc/default/kdump-tools: line 1: kdump writes over the network"
check "kdump: its initramfs" says "info: kdump: its own initramfs was made for the old machine"

finish
