#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The start of an encrypted root: what opens it stands on the command line or in the initramfs's own copy of crypttab,
# and names a device that is there, by a name that the new home knows.
# shellcheck source=tests/finalize/image_trees.sh
. "$(dirname "$0")/image_trees.sh"

r=$work/root v=6.1.0-1-amd64 luks=cccccccc-1111-4111-8111-cccccccccccc gone=dddddddd-1111-4111-8111-dddddddddddd
id=11111111-2222-3333-4444-555555555555
put "$work/devices" <<EOF
[{"name": "/dev/vda1", "disk": 0, "part": 1, "type": "ext4", "uuid": "bbbbbbbb-2222-3333-4444-555555555555", "mounts": [{"at": "/boot"}]},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "crypto_LUKS", "uuid": "$luks", "partuuid": "11223344-02"},
 {"name": "/dev/mapper/root", "stacked": true, "type": "ext4", "uuid": "$id", "root": true, "mounts": [{"at": "/"}]}]
EOF
# tree WORDS [PATH]: a system on an encrypted device; with PATH, its image has standard input as this file.
tree() { image_tree /dev/mapper/root "$@"; }
is_judged() { run && equal "$1" "$(start verdict)"; }
stops() {
    local before
    before=$(snapshot "$r")
    ! run && equal "does not start" "$(start verdict)" && says "$1" && [ "$(snapshot "$r")" = "$before" ]
}

for words in "cryptdevice=UUID=$luks:root:allow-discards root=/dev/mapper/root" "rd.luks.name=$luks=root root=/dev/mapper/root" \
    "rd.luks.uuid=luks-$luks root=UUID=$id" "crypt_root=PARTUUID=11223344-02 root=UUID=$id" \
    "cryptopts=target=root,source=UUID=$luks,key=none root=/dev/mapper/root" root=/dev/mapper/root; do
    tree "$words"
    check "a root that is opened: $words" is_judged starts
done
tree "cryptdevice=/dev/sda2:root root=/dev/mapper/root"
check "by the old name, which is adapted" is_judged starts
for words in "cryptdevice=UUID=$gone:root" "rd.luks.name=$gone=root" "cryptopts=key=none,source=UUID=$gone,target=root"; do
    tree "$words root=/dev/mapper/root"
    check "a root that is not: $words" stops "UUID=$gone, which is on none of the disks"
done
tree "rd.luks.uuid=$gone root=UUID=$id"
check "a device that may be the root's" is_judged "not known"
jq 'map(select(.type != "crypto_LUKS"))' "$work/devices" >"$work/d" && cp "$work/devices" "$work/all" && mv "$work/d" "$work/devices"
check "one that is not: the start may wait for it" is_judged starts
check "which is said" says "the start may wait for it"
mv "$work/all" "$work/devices"
tree "root=UUID=$luks"
check "the encrypted device itself is no root" stops "which is an encrypted device"

# The initramfs opens it by its own copy of crypttab.
for path in cryptroot/crypttab etc/crypttab; do
    tree root=/dev/mapper/root $path <<<"root UUID=$luks none luks"
    check "$path: by UUID" is_judged starts
    check "$path: it stays" equal "root UUID=$luks none luks" "$(seen $path)"
    tree root=/dev/mapper/root $path <<<"root /dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0-part2  none luks,discard # here"
    adapted "$path: by the old slot"
    check "$path: it starts" equal starts "$(start verdict)"
    check "$path: with a stable name" equal "root UUID=$luks  none luks,discard # here" "$(seen $path)"
    tree root=/dev/mapper/root $path <<<"root UUID=$gone none luks"
    check "$path: a device that is not there" stops "$path has UUID=$gone"
done
tree root=/dev/mapper/root conf/conf.d/cryptroot <<<"target=root,source=/dev/sda2,key=none,rootdev"
check "a copy in the form of Debian 9 that names the old disk" stops "conf/conf.d/cryptroot has /dev/sda2"
finish
