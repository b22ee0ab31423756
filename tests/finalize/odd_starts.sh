#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Starts that go otherwise than most: a first attempt without an initramfs, words of the command line that change what the
# initramfs and init do, a root that cannot be one, entries that end the machine, folders that the old host shared.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

r=$work/root v=6.1.0-1-amd64 id=11111111-2222-3333-4444-555555555555
part=aaaa0001-0000-4000-8000-000000000002 boot=aaaa0001-0000-4000-8000-000000000001
tree() { # [KIND] [MORE]
    rm -rf "$r"
    debian "$r"
    plan_to ", \"rehearsal\": \"refuse\"${2:-}" "${1:-qemu-virtio}"
    devices_mounted "$work/devices"
    jq "(.[] | select(.root)).partuuid = \"$part\"" "$work/devices" >"$work/d" && mv "$work/d" "$work/devices"
}
start() { jq -r ".start.$1" "$work/report"; }
goes() { # VERDICT
    if finalize "$r" "$work/plan" && equal "$1" "$(start verdict)"; then return 0; fi
    cat "$work/err"
    return 1
}
stops() { # WORD...: it would not start, for a reason that has all of them, and nothing is changed
    local before word
    before=$(snapshot "$r")
    ! finalize "$r" "$work/plan" || return 1
    equal "does not start" "$(start verdict)" || return 1
    for word; do says "$word" || return 1; done
    [ "$(snapshot "$r")" = "$before" ]
}
refused_of() { ! finalize "$r" "$work/plan" && equal refused "$(jq -r .result "$work/report")" && says "$1"; }
whole() { # VERDICT: so, the same in a second run, which changes nothing, and undone
    local before after
    before=$(snapshot "$r")
    goes "$1" || return 1
    after=$(snapshot "$r")
    goes "$1" && [ "$(snapshot "$r")" = "$after" ] || return 1
    "$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err" && [ "$(snapshot "$r")" = "$before" ]
}
# entry WORDS: the only entry has them on its command line.
entry() {
    put "$r/boot/grub/grub.cfg" <<END
set timeout=5
menuentry 'Debian' {
	linux /boot/vmlinuz-$v root=UUID=$id ro $1
	initrd /boot/initrd.img-$v
}
END
}

# ---- A first attempt without an initramfs -----------------------------------------------------------
# Images of Ubuntu for clouds have GRUB_FORCE_PARTUUID: the kernel is tried alone, and with an initramfs when GRUB finds
# in its environment block that it was tried already. 00_header and 10_linux of Ubuntu's GRUB 2.06, shortened.

block() { # [LINE...]
    { printf '# GRUB Environment Block\n' && [ $# = 0 ] || printf '%s\n' "$@"; } >"$work/block"
    { cat "$work/block" && head -c 1024 /dev/zero | tr '\0' '#'; } | head -c 1024 >"$r/boot/grub/grubenv"
}
fallback() { # PANIC
    put "$r/boot/grub/grub.cfg" <<END
if [ -s \$prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "\${initrdfail}" = 2 ]; then
   set initrdfail=
elif [ "\${initrdfail}" = 1 ]; then
   set next_entry="\${prev_entry}"
   set prev_entry=
   save_env prev_entry
   if [ "\${next_entry}" ]; then
      set initrdfail=2
   fi
fi
set default="0"
set timeout=0
function initrdfail {
    if [ -n "\${have_grubenv}" ]; then if [ -n "\${partuuid}" ]; then
      if [ -z "\${initrdfail}" ]; then
        set initrdfail=1
        if [ -n "\${boot_once}" ]; then
          set prev_entry="\${default}"
          save_env prev_entry
        fi
      fi
      save_env initrdfail
    fi; fi
}
set partuuid=$part
menuentry 'Ubuntu' {
	search --no-floppy --fs-uuid --set=root $id
	if [ "\${initrdfail}" = 1 ]; then
	  linux	/boot/vmlinuz-$v root=PARTUUID=$part ro
	  initrd	/boot/initrd.img-$v
	else
	  linux	/boot/vmlinuz-$v root=PARTUUID=$part ro $1
	fi
	initrdfail
}
END
}
tree
fallback panic=-1
block
check "a kernel that is tried alone first starts at the second attempt" whole starts
check "which is said" matches 'tried first without an initramfs' "$(goes starts && start 'look_at[]')"
check "with the initramfs that it then has" equal "/boot/initrd.img-$v" "$(start 'entries[0].initramfs[0]')"
tree
fallback ''
block
check "without panic= the machine stays where it is" stops virtio_blk
tree
fallback panic=-1
check "without an environment block GRUB knows nothing of it" stops virtio_blk
tree
fallback panic=-1
block initrdfail=0
check "nor where the block keeps it from being noted" stops virtio_blk
tree
fallback panic=-1
block initrdfail=1
check "a machine that noted it before" goes starts
check "needs no attempt" equal "" "$(start 'look_at[]')"
tree
fallback panic=-1
block
rm "$r/boot/initrd.img-$v"
check "the second attempt has to start, too" refused_of "$v"
tree
fallback ''
block
echo kernel/drivers/block/virtio_blk.ko >>"$r/usr/lib/modules/$v/modules.builtin"
echo kernel/drivers/scsi/virtio_scsi.ko: >>"$r/usr/lib/modules/$v/modules.dep"
mkdir "$r/usr/lib/modules/$v/kernel/drivers/scsi"
echo scsi >"$r/usr/lib/modules/$v/kernel/drivers/scsi/virtio_scsi.ko"
check "a kernel alone that has some of the drivers built in may start" goes "not known"
check "and which it lacks is said" says virtio_scsi

tree
put "$r/boot/grub/grub.cfg" <<END
load_env
if [ "\${next_entry}" ]; then
  set default="\${next_entry}"
  set next_entry=
  save_env next_entry
else
  set default="\${saved_entry}"
fi
set timeout=5
menuentry 'Once' --id once { linux /boot/vmlinuz-$v root=UUID=$id ro; initrd /boot/initrd.img-$v; }
menuentry 'Always' --id always { linux /boot/vmlinuz-9 root=UUID=$id ro; initrd /boot/initrd.img-$v; }
END
block saved_entry=always next_entry=once
check "an entry for one start" goes starts
check "and the one after it, which fails" says '"Always" is what the start after this one goes to, and fails'
block saved_entry=once next_entry=once
check "is not said where that starts" goes starts
check "as it does here" refute says "the start after this one"

# ---- The command line -------------------------------------------------------------------------------

tree
entry rootfstype=xfs
check "another type of the root than it has" stops rootfstype=xfs ext4
for types in ext4 ext3 xfs,ext4 auto; do
    tree
    entry "rootfstype=$types"
    check "a type that fits: $types" goes starts
done
tree
entry rootflags=subvol=@
check "a subvolume of a file system that has none" stops rootflags=subvol=@
tree
entry rootflags=commit=30
check "other flags" goes starts
for path in @ /@/; do
    tree
    jq '(.[] | select(.root)) |= (.type = "btrfs" | .mounts = [{"at": "/", "inside": "/@"}])' "$work/devices" >"$work/d" && mv "$work/d" "$work/devices"
    sed -i 's/ext4/btrfs/' "$r/etc/fstab"
    printf 'kernel/fs/btrfs/btrfs.ko\n' >>"$r/usr/lib/modules/$v/modules.builtin"
    entry "rootflags=noatime,subvol=$path"
    sed -i 's, /boot/, /@/boot/,' "$r/boot/grub/grub.cfg"
    sed -i "s,'/boot/grub','/@/boot/grub'," "$r/boot/efi/EFI/debian/grub.cfg"
    check "the subvolume that is adapted: $path" goes starts
done
entry rootflags=subvol=@old
sed -i 's, /boot/, /@/boot/,' "$r/boot/grub/grub.cfg"
check "another one" goes "not known"
check "is named" says "@old"
tree
entry rdinit=/sbin/nothing
check "a first program that the initramfs does not have" stops rdinit=/sbin/nothing
tree
entry rdinit=/init
check "the usual one" goes starts
tree
entry rdinit=/lib/first
check "one behind a link is not followed" goes "not known"
for word in single emergency rd.break break=premount systemd.unit=rescue.target init=/bin/sh; do
    tree
    [ "$word" != init=/bin/sh ] || ln -s dash "$r/usr/bin/sh"
    entry "$word"
    check "a start into a shell is said: $word" matches "has the word $word," "$(goes starts && start 'look_at[]')"
done
tree
entry "quiet splash"
check "an ordinary one is not" equal "" "$(goes starts && start 'look_at[]')"

# Menus of snapshots lead back to the configuration that they stand in, which openSUSE's GRUB counts from the root.
tree
jq '(.[] | select(.root)) |= (.type = "btrfs" | .mounts = [{"at": "/", "inside": "/@/.snapshots/1/snapshot"}])' "$work/devices" >"$work/d" && mv "$work/d" "$work/devices"
sed -i 's/ext4/btrfs/' "$r/etc/fstab"
printf 'kernel/fs/btrfs/btrfs.ko\n' >>"$r/usr/lib/modules/$v/modules.builtin"
entry ''
sed -i '1i set btrfs_relative_path=y\nexport btrfs_relative_path' "$r/boot/grub/grub.cfg"
cat >>"$r/boot/grub/grub.cfg" <<'END'
if [ -z "${extra_cmdline}" ]; then
  submenu "Start bootloader from a read-only snapshot" {
    menuentry "before" {
      set extra_cmdline="rootflags=subvol=@/.snapshots/2/snapshot"
      export extra_cmdline
      configfile "$prefix/grub.cfg"
    }
  }
fi
END
sed -i "s,'/boot/grub','/@/.snapshots/1/snapshot/boot/grub'," "$r/boot/efi/EFI/debian/grub.cfg"
check "a snapshot's menu" goes starts
check "leads to nothing that is missing" equal "" "$(start 'look_at[]')"

# ---- What cannot be a root, and entries that end the machine ------------------------------------------

tree
entry root=UUID=99999999-2222-3333-4444-555555555555
check "a swap area is no root" stops "a swap area"
tree
entry root=UUID=1234-ABCD
check "nor is a FAT file system" stops "a FAT file system"
for command in reboot halt; do
    tree
    entry ''
    sed -i "1a menuentry End { $command; }" "$r/boot/grub/grub.cfg"
    check "an entry that ends the machine and starts by itself: $command" stops "$command ends the start"
    sed -i '1a set default=1' "$r/boot/grub/grub.cfg"
    check "another entry than that: $command" goes starts
    check "does not matter: $command" equal "" "$(start 'look_at[]')"
done

alone() { # ROOT: the kernel gets no initramfs
    tree
    printf 'kernel/drivers/virtio/%s.ko\n' virtio virtio_ring virtio_pci virtio_blk virtio_scsi >>"$r/usr/lib/modules/$v/modules.builtin"
    put "$r/boot/grub/grub.cfg" <<END
set timeout=5
menuentry 'Debian' { linux /boot/vmlinuz-$v root=$1 ro
}
END
}
for name in "UUID=$id" LABEL=root "/dev/disk/by-uuid/$id"; do
    alone "$name"
    jq '(.[] | select(.root)).label = "root"' "$work/devices" >"$work/d" && mv "$work/d" "$work/devices"
    check "a kernel alone knows no $name" stops "has root=$name and no initramfs"
done
for name in "PARTUUID=$part" "PARTUUID=$boot/PARTNROFF=1" /dev/sda2; do
    alone "$name"
    jq "(.[] | select(.esp)).partuuid = \"$boot\"" "$work/devices" >"$work/d" && mv "$work/d" "$work/devices"
    check "it knows $name, or what that becomes" goes starts
done
alone "PARTUUID=$boot/PARTNROFF=7"
check "a partition that is not there" stops PARTNROFF=7

# ---- Units that are waited for, and the target ----------------------------------------------------------

unit() { # NAME FOLDER SECTION WHAT [OPTIONS]
    tree
    entry ''
    printf '[%s]\nWhat=%s\n%s\n' "$3" "$4" "${5:+Options=$5}" | put "$r/etc/systemd/system/$1"
    mkdir -p "$r/etc/systemd/system/$2"
    ln -s "../$1" "$r/etc/systemd/system/$2/$1"
}
gone=/dev/disk/by-uuid/00000000-1111-4000-8000-000000000000
unit data.mount local-fs.target.requires Mount $gone
check "a mount unit that is required" stops /etc/systemd/system/data.mount "$gone is on none of the disks"
unit data.mount local-fs.target.requires Mount $gone nofail
check "unless it may fail" goes starts
unit data.mount local-fs.target.requires Mount "/dev/disk/by-uuid/$id"
check "one whose disk is there" equal "" "$(goes starts && start 'look_at[]')"
unit data.mount multi-user.target.wants Mount /dev/sdb1
check "one that is wanted is waited for" goes starts
check "which is said" says "/etc/systemd/system/data.mount: /dev/sdb1 is a name that depends"
ln -sf /dev/null "$r/etc/systemd/system/data.mount"
check "not when it is masked" equal "" "$(goes starts && start 'look_at[]')"
unit old.swap swap.target.requires Swap /dev/sda3
check "a swap unit" goes starts
check "is said, too" says "/etc/systemd/system/old.swap: /dev/sda3"
for target in /lib/systemd/system/rescue.target /dev/null; do
    tree
    ln -s $target "$r/etc/systemd/system/default.target"
    check "a default target that is a shell" goes starts
    check "is said: $target" says "/etc/systemd/system/default.target: leads to $target"
done
tree
ln -s dash "$r/usr/bin/sh"
rm "$r/usr/lib/systemd/systemd"
check "a shell in place of init" goes "not known"
check "is a doubt" says "start /bin/sh instead"

# ---- Folders of the old host ----------------------------------------------------------------------------

share='share /mnt 9p trans=virtio 0 0'
tree
echo "$share" >>"$r/etc/fstab"
check "a folder that the host shares may be shared in the new home" goes "not known"
check "and is named with its line" says "/etc/fstab, line 7: /mnt is a folder that the old host shared (9p)"
hyperv() {
    tree hyperv "${1:-}"
    printf 'kernel/%s.ko\n' hv_vmbus hv_storvsc ata_piix >>"$r/usr/lib/modules/$v/modules.builtin"
}
for line in "$share" 'data /data virtiofs defaults 0 0' '.host:/ /mnt/hgfs fuse.vmhgfs-fuse allow_other 0 0' 'data /mnt/vb vboxsf uid=1000 0 0'; do
    hyperv
    echo "$line" >>"$r/etc/fstab"
    check "under another hypervisor it is not there: $line" stops "/etc/fstab, line 7" missing_disks
    hyperv ', "missing_disks": "nofail"'
    echo "$line" >>"$r/etc/fstab"
    check "the plan can give it up: $line" whole starts
    hyperv
    echo "${line/% 0 0/,nofail 0 0}" >>"$r/etc/fstab"
    check "one that the start does not wait for: $line" goes starts
done
finish
