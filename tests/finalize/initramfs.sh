#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Kernels by what the loaders name, drivers by what an initramfs has inside, and the makers' lasting settings. With the
# finalizer's VM's kernel kmod judges what modprobe would find in the unpacked result.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

# shellcheck disable=SC2154 # trees.sh sets $work
r=$work/root
: "${VM_TREE:=build/finalize-vm/tree}"
PATH=$PATH:/usr/sbin:/sbin
V=6.6.30-1-test

# tree ID: a system without a kernel.
tree() {
    rm -rf "$r"
    mkdir -p "$r"/{usr/bin,usr/sbin,usr/lib/systemd,etc,var/lib,boot}
    ln -s usr/lib "$r/lib"
    ln -s usr/sbin "$r/sbin"
    head -c 20000 /bin/ls >"$r/usr/bin/dash"
    echo x >"$r/usr/lib/systemd/systemd"
    put "$r/etc/os-release" <<<"ID=$1"
    put "$r/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
}
# modules VERSION [SUFFIX]: virtio as small files, sd_mod built in.
modules() {
    local m=$r/usr/lib/modules/$1 s=${2:-} k
    mkdir -p "$m/kernel"
    for k in virtio virtio_ring virtio_pci virtio_blk virtio_net ext4; do echo "$k of $1" >"$m/kernel/$k.ko$s"; done
    put "$m/modules.dep" <<<"kernel/virtio.ko$s:
kernel/virtio_ring.ko$s: kernel/virtio.ko$s
kernel/virtio_pci.ko$s: kernel/virtio_ring.ko$s kernel/virtio.ko$s
kernel/virtio_blk.ko$s: kernel/virtio_ring.ko$s kernel/virtio.ko$s
kernel/virtio_net.ko$s: kernel/virtio_ring.ko$s kernel/virtio.ko$s
kernel/ext4.ko$s:"
    put "$m/modules.builtin" <<<kernel/drivers/scsi/sd_mod.ko
    put "$m/modules.dep.bin" <<<"dep index of $1"
    put "$m/modules.alias.bin" <<<"alias index of $1"
    put "$m/modules.alias" <<<"alias of $1"
}
# image PATH [FILE...]: an initramfs with merged /usr and these empty files (NAME=TEXT: with a text).
image() {
    local path=$1 f
    shift
    rm -rf "$work/i"
    mkdir -p "$work/i/usr/lib/modules" "$work/i/usr/bin"
    ln -s usr/lib "$work/i/lib"
    echo udev >"$work/i/usr/bin/udevadm"
    for f in init "$@"; do
        mkdir -p "$(dirname "$work/i/${f%%=*}")"
        case $f in *=*) printf '%s\n' "${f#*=}" ;; *) : ;; esac >"$work/i/${f%%=*}"
    done
    packed "$work/i" "$path"
}
packed() { # DIR FILE
    mkdir -p "$(dirname "$2")"
    (cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc --quiet | gzip -9n) >"$2"
}
kind=qemu-virtio
plan_for() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"$kind\"}}"; }
plan_for
run() { "$FINALIZE" --root "$r" --plan "$work/plan" --report "$work/report" 2>"$work/err" || { cat "$work/err"; return 1; }; }
# The files that an image has got behind its own, and what the whole of it has, as the kernel would unpack it.
added() { # IMAGE
    local own
    own=$(jq -r ".changes[] | select(.path == \"${1#"$r"}\") | .size_before" "$work/report")
    tail -c +$(((own + 3) / 4 * 4 + 1)) "$1" | cpio -it --quiet
}
unpacked() { # IMAGE DIR
    local own
    own=$(jq -r ".changes[] | select(.path == \"${1#"$r"}\") | .size_before" "$work/report")
    rm -rf "$2"
    mkdir -p "$2"
    head -c "$own" "$1" | gzip -dc | (cd "$2" && cpio -id --quiet) &&
        tail -c +$(((own + 3) / 4 * 4 + 1)) "$1" | (cd "$2" && cpio -idu --quiet)
}
gets() { # VERSION IMAGE...: each has got the driver
    local v=$1 i
    shift
    for i in "$@"; do added "$r$i" | grep -qx "usr/lib/modules/$v/kernel/virtio_blk.ko" || return 1; done
}
stays() { ! jq -e --arg p "$1" '.changes[] | select(.path == $p)' "$work/report" >/dev/null; }
warns() { jq -e --arg t "$1" '.notes[] | select(.level == "warning" and (.text | contains($t)))' "$work/report" >/dev/null || shows "$1" "$work/report.txt"; }
# adapts WHAT VERSION IMAGE...: drivers are added to these, a second run changes nothing, undo restores all.
adapts() {
    local what=$1 before
    shift
    before=$(snapshot "$r")
    check "$what: adapted" run
    check "$what: drivers are added" gets "$@"
    check "$what: second run" again
    check "$what: undo" undone "$before"
}

# ---- Where kernels are -------------------------------------------------------------------------
tree arch
modules "$V"
echo linux >"$r/usr/lib/modules/$V/pkgbase"
modules 6.1.0-lts
echo linux-lts >"$r/usr/lib/modules/6.1.0-lts/pkgbase"
for k in linux linux-lts; do
    echo k >"$r/boot/vmlinuz-$k"
    image "$r/boot/initramfs-$k.img"
done
image "$r/boot/initramfs-linux-fallback.img"
image "$r/boot/initramfs-linuxkdump.img"
image "$r/boot/amd-ucode.img"
put "$r/boot/loader/entries/arch.conf" <<<'title Arch
linux /vmlinuz-linux
initrd /amd-ucode.img
initrd /initramfs-linux.img
options root=UUID=1 rw'
before=$(snapshot "$r")
check "Arch: adapted" run
check "Arch: both of a kernel's files" gets "$V" /boot/initramfs-linux.img /boot/initramfs-linux-fallback.img
check "Arch: the other kernel by pkgbase" gets 6.1.0-lts /boot/initramfs-linux-lts.img
check "Arch: microcode gets none" stays /boot/amd-ucode.img
check "Arch: nor what is only for crashes" stays /boot/initramfs-linuxkdump.img
check "Arch: second run" again
check "Arch: undo" undone "$before"

tree alpine
modules 6.6.31-0-lts
modules 6.6.31-0-virt
echo k >"$r/boot/vmlinuz-lts"
image "$r/boot/initramfs-lts"
put "$r/boot/extlinux.conf" <<<'DEFAULT lts
LABEL lts
  LINUX vmlinuz-lts
  INITRD initramfs-lts
  APPEND root=UUID=1'
adapts "Alpine" 6.6.31-0-lts /boot/initramfs-lts

id=0123456789abcdef0123456789abcdef
for at in /boot/efi /efi /boot; do
    tree fedora
    modules "$V"
    modules 5.0.0
    echo $id >"$r/etc/machine-id"
    mkdir -p "$r$at/$id/$V" "$r$at/EFI"
    echo k >"$r$at/$id/$V/linux"
    image "$r$at/$id/$V/initrd"
    adapts "kernel-install on $at" "$V" "$at/$id/$V/initrd"
done
tree opensuse-tumbleweed
modules "$V-default"
mkdir -p "$r/boot/efi/EFI/systemd"
put "$r/boot/efi/opensuse-tumbleweed/$V-default/linux-0a1b2c" <<<k
image "$r/boot/efi/opensuse-tumbleweed/$V-default/initrd-3d4e5f"
put "$r/boot/efi/loader/entries/snap-1.conf" <<<"linux /opensuse-tumbleweed/$V-default/linux-0a1b2c
initrd /opensuse-tumbleweed/$V-default/initrd-3d4e5f"
adapts "sdbootutil's names" "$V-default" "/boot/efi/opensuse-tumbleweed/$V-default/initrd-3d4e5f"

tree gentoo
modules 6.6.21-gentoo
echo k >"$r/boot/kernel-genkernel-x86_64-6.6.21-gentoo"
image "$r/boot/initramfs-genkernel-x86_64-6.6.21-gentoo"
put "$r/boot/grub/grub.cfg" <<<"menuentry 'Gentoo' { linux /boot/kernel-genkernel-x86_64-6.6.21-gentoo root=UUID=1; initrd /boot/initramfs-genkernel-x86_64-6.6.21-gentoo; }"
adapts "genkernel, an entry in one line" 6.6.21-gentoo /boot/initramfs-genkernel-x86_64-6.6.21-gentoo

tree slackware
modules 5.15.19
echo k >"$r/boot/vmlinuz-generic-5.15.19"
ln -s vmlinuz-generic-5.15.19 "$r/boot/vmlinuz-generic"
image "$r/boot/initrd.gz"
put "$r/etc/lilo.conf" <<<'boot = /dev/sda
image = /boot/vmlinuz-generic
  initrd = /boot/initrd.gz
  root = /dev/sda1'
adapts "Slackware with LILO" 5.15.19 /boot/initrd.gz

tree debian
modules 6.1.0-rpi7-rpi-v8
modules 6.1.0-rpi7-rpi-2712
mkdir -p "$r/boot/firmware"
for k in 8 _2712; do
    echo k >"$r/boot/firmware/kernel$k.img"
    image "$r/boot/firmware/initramfs$k"
done
put "$r/boot/firmware/config.txt" <<<'auto_initramfs=1'
check "Raspberry Pi: adapted" run
check "Raspberry Pi: 8" gets 6.1.0-rpi7-rpi-v8 /boot/firmware/initramfs8
check "Raspberry Pi: 2712" gets 6.1.0-rpi7-rpi-2712 /boot/firmware/initramfs_2712

tree rhel
modules 2.6.32-71.el6
modules 2.6.32-100.el6
for v in 71 100; do
    echo k >"$r/boot/vmlinuz-2.6.32-$v.el6"
    image "$r/boot/initramfs-2.6.32-$v.el6.img"
done
put "$r/boot/grub/menu.lst" <<<'default=0
title Xen
	root (hd0,0)
	kernel /xen.gz dom0_mem=1G
	module /vmlinuz-2.6.32-71.el6 ro root=UUID=1
	module /initramfs-2.6.32-71.el6.img
title old
	kernel (hd0,0)/vmlinuz-2.6.32-100.el6 ro
	initrd (hd0,0)/initramfs-2.6.32-100.el6.img'
echo x >"$r/boot/xen.gz"
check "GRUB legacy: adapted" run
check "GRUB legacy: behind a hypervisor" gets 2.6.32-71.el6 /boot/initramfs-2.6.32-71.el6.img
check "GRUB legacy: with a device" gets 2.6.32-100.el6 /boot/initramfs-2.6.32-100.el6.img

tree photon
modules "$V"
modules 9.9.9
echo k >"$r/boot/vmlinuz-esx"
image "$r/boot/initrd-image-esx" "usr/lib/modules/$V/modules.builtin"
put "$r/boot/photon.cfg" <<<'# GRUB Environment Block
photon_linux=vmlinuz-esx
photon_initrd=initrd-image-esx'
put "$r/boot/grub2/grub.cfg" <<<'# "set" and variables
set prefix_dir=/
menuentry "Photon" {
    linux ${prefix_dir}$photon_linux root=PARTUUID=1 $photon_cmdline
    if [ -f $photon_initrd ]; then initrd /$photon_initrd; fi
}'
adapts "variables of GRUB; the version by the initramfs" "$V" /boot/initrd-image-esx

tree arch
modules "$V"
modules 1.0
mkdir -p "$r/efi/EFI/refind" "$r/efi/EFI/Arch"
echo k >"$r/efi/EFI/Arch/vmlinuz.efi"
python3 - "$r/efi/EFI/Arch/vmlinuz.efi" "$V" <<'EOF'
import struct, sys
head = bytearray(0x1000)
head[0x202:0x206] = b"HdrS"
struct.pack_into("<H", head, 0x20e, 0x400)
head[0x600:0x600 + 64] = (sys.argv[2] + " (builder) #1 SMP\0").encode().ljust(64, b"\0")
open(sys.argv[1], "wb").write(head)
EOF
image "$r/efi/EFI/Arch/boot.img"
put "$r/efi/EFI/refind/refind.conf" <<<'menuentry Arch {
    loader \EFI\Arch\vmlinuz.efi
    options "root=UUID=1 initrd=\EFI\Arch\boot.img"
}'
adapts "rEFInd; the version by the kernel's header" "$V" /efi/EFI/Arch/boot.img

tree debian
modules "$V"
mkdir -p "$r/boot/real"
echo k >"$r/boot/real/vmlinuz-$V"
image "$r/boot/real/initrd.img-$V" "usr/lib/modules/$V/kernel/ext4.ko=ext4"
put "$r/boot/grub/grub.cfg" <<<"menuentry a { linux /real/vmlinuz-$V root=UUID=2
initrd /real/initrd.img-$V
}
menuentry memtest { linux16 /memtest86+.bin
}"
put "$work/devices" <<'EOF'
[{"name": "/dev/vda1", "disk": 0, "part": 1, "type": "ext4", "uuid": "1", "mounts": [{"at": "/boot", "inside": ""}]},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "ext4", "uuid": "2", "root": true, "mounts": [{"at": "/", "inside": ""}]}]
EOF
run_with() { "$FINALIZE" --root "$r" --plan "$work/plan" --devices "$work/devices" --report "$work/report" 2>"$work/err" || { cat "$work/err"; return 1; }; }
check "a folder that only the loader names, on a /boot of its own" run_with
check "its initramfs" gets "$V" "/boot/real/initrd.img-$V"

# ---- What an initramfs has inside --------------------------------------------------------------
one() { # IMAGE-FILE...: a Debian with one kernel
    tree debian
    modules "$V"
    echo k >"$r/boot/vmlinuz-$V"
    image "$r/boot/initrd.img-$V" "$@"
    put "$r/boot/grub/grub.cfg" <<<"menuentry a {
linux /boot/vmlinuz-$V root=UUID=1
initrd /boot/initrd.img-$V
}"
}
i=/boot/initrd.img-$V
m=usr/lib/modules/$V
all=()
for k in virtio virtio_ring virtio_pci virtio_blk virtio_net; do all+=("$m/kernel/$k.ko=$k"); done
one "${all[@]}"
check "all drivers are there: ok" run
check "all drivers are there: the file stays" stays "$i"
one "${all[@]:0:3}"
check "some drivers are there: ok" run
check "some drivers are there: the rest is added" equal "$(added "$r$i" | grep '[.]ko$' | sort | tr '\n' ' ')" "$m/kernel/virtio_blk.ko $m/kernel/virtio_net.ko "
check "some drivers are there: with the index that knows all" unpacked "$r$i" "$work/u"
check "some drivers are there: the kernel's own" cmp "$r/$m/modules.dep.bin" "$work/u/$m/modules.dep.bin"

one
rm -rf "$work/i/lib" "$work/i/usr/lib"
mkdir -p "$work/i/lib/modules/$V/kernel"
echo ext4 >"$work/i/lib/modules/$V/kernel/ext4.ko"
packed "$work/i" "$r$i"
check "/lib is a folder: ok" run
check "/lib is a folder: drivers go there" grep -qx "lib/modules/$V/kernel/virtio_blk.ko" <(added "$r$i")
check "/lib is a folder: and nowhere else" equal "$(added "$r$i" | grep -c '^usr')" 0
check "/lib is a folder: unpacked" unpacked "$r$i" "$work/u"
check "/lib is a folder: what was there stays" equal "$(cat "$work/u/lib/modules/$V/kernel/ext4.ko")" ext4

one
rm -rf "$work/i/lib" "$work/i/usr"
packed "$work/i" "$r$i"
check "an image without /lib: ok" run
check "an image without /lib: folders and the link are made" equal "$(added "$r$i" | head -n 4 | tr '\n' ' ')" "usr usr/lib lib usr/lib/modules "

one etc/modprobe.d/b.conf="blacklist virtio-blk
install virtio_scsi /bin/false"
check "a driver that the image's modprobe.d blocks is refused" refused_with "etc/modprobe.d/b.conf"
one
sed -i 's/root=/module_blacklist=floppy,virtio_blk root=/' "$r/boot/grub/grub.cfg"
check "one that the command line blocks is refused" refused_with "kept from being loaded by its kernel's command line"
one "etc/modprobe.d/b.conf=options virtio_blk x=1"
check "options are none" run

fixed() { # INIT MODULE...
    local module
    one
    rm "$work/i/usr/bin/udevadm"
    for module in "${@:2}"; do echo x >"$work/i/usr/lib/$module.ko"; done
    mkdir -p "$work/i/bin"
    echo x >"$work/i/bin/nash"
    printf '%s\n' "$1" >"$work/i/init"
    packed "$work/i" "$r$i"
}
fixed 'insmod /lib/mptspi.ko' mptspi
check "an image that loads a fixed list is refused" refused_with "loads a fixed list of modules, so drivers for the disks of a qemu-virtio machine (virtio_blk) cannot be added"
fixed 'insmod /lib/virtio_blk.ko' virtio virtio_ring virtio_pci virtio_blk
check "one that has the driver in its list is not" run
check "and stays" stays "$i"
one etc/booster.init.yaml usr/lib/modules/x.ko
check "booster's is refused" refused_with 'booster build --force'
{ printf '\x28\xb5\x2f\xfd junk'; } >"$r$i"
check "one that is damaged: said" run
check "one that is damaged: warned" warns "has a part in the format zstd that is damaged or cut off"

# ---- Kernels without drivers -------------------------------------------------------------------
one
kind=hyperv plan_for
check "a kernel without any driver for the target's disks is refused" refused_with "kernel $V, which is started by default, has no driver for the disks of a hyperv machine"
modules 7.0
put "$r/usr/lib/modules/7.0/modules.builtin" <<<kernel/drivers/scsi/hv_storvsc.ko
echo k >"$r/boot/vmlinuz-7.0"
image "$r/boot/initrd.img-7.0"
put "$r/boot/grub/grub.cfg" <<<"menuentry a {
linux /boot/vmlinuz-7.0 root=UUID=1
initrd /boot/initrd.img-7.0
}
menuentry b {
linux /boot/vmlinuz-$V root=UUID=1
initrd /boot/initrd.img-$V
}"
check "another one than the default is not" run
check "but warned of" warns "has no driver for the disks of a hyperv machine"
kind=qemu-virtio
plan_for
one
sed -i /initrd/d "$r/boot/grub/grub.cfg"
rm "$r$i"
check "drivers that are modules, and no initramfs: refused" refused_with "has no initramfs, and its drivers for the disks of a qemu-virtio machine are modules"
put "$r/usr/lib/modules/$V/modules.builtin" <<<"kernel/virtio_blk.ko"
sed -i '/virtio_blk.ko:/d' "$r/usr/lib/modules/$V/modules.dep"
check "built in, and no initramfs: ok" run
one "$m/kernel/ext4.ko"
rm -r "$r/usr/lib/modules/$V"
modules 9.9
python3 - "$r/boot/vmlinuz-$V" "$V" <<'EOF'
import struct, sys
head = bytearray(0x1000)
head[0x202:0x206] = b"HdrS"
struct.pack_into("<H", head, 0x20e, 0x400)
head[0x600:0x600 + 64] = (sys.argv[2] + " #1\0").encode().ljust(64, b"\0")
open(sys.argv[1], "wb").write(head)
EOF
check "no modules of the kernel, and none of its image's fit: refused" refused_with "has no modules below /lib/modules"
image "$r$i" "${all[@]}"
check "but with the drivers in its image: ok" run

# ---- Makers ------------------------------------------------------------------------------------
maker() { # NAME: what stands in the tree is adapted, twice, and back
    local before
    before=$(snapshot "$r")
    check "$1: adapted" run
    cp -r "$r/etc" "$work/etc"
    check "$1: second run" again
    check "$1: undo" undone "$before"
    rm -rf "${r:?}/etc"
    mv "$work/etc" "$r/etc"
}
head="# Drivers of this machine's new home, written by bootferry-finalize"
names="virtio_pci virtio_blk virtio_net"
one
put "$r/etc/mkinitcpio.conf" <<<'MODULES=(btrfs)
HOOKS=(base udev autodetect)'
mkdir "$r/etc/mkinitcpio.conf.d"
maker mkinitcpio
check "mkinitcpio: a file of its folder" is "$r/etc/mkinitcpio.conf.d/zz-bootferry.conf" <<<"$head
MODULES+=($names)"
one
put "$r/etc/mkinitcpio.conf" <<<'MODULES=(btrfs)'
put "$r/etc/mkinitcpio-lts.conf" <<<'MODULES="xfs"'
mkdir "$r/etc/mkinitcpio.conf.d"
put "$r/etc/mkinitcpio.d/linux.preset" <<<"ALL_config='/etc/mkinitcpio.conf'
ALL_kver=\"/boot/vmlinuz-linux\"
PRESETS=('default')
default_image=\"/boot/initramfs-linux.img\""
put "$r/etc/mkinitcpio.d/lts.preset" <<<'#ALL_config="/etc/other.conf"
default_config="/etc/mkinitcpio-lts.conf" # with its own'
maker "mkinitcpio whose presets name a configuration"
check "mkinitcpio: it is what --config reads" is "$r/etc/mkinitcpio.conf" <<<"MODULES=(btrfs)
$head
MODULES+=($names)"
check "mkinitcpio: and another" is "$r/etc/mkinitcpio-lts.conf" <<<"MODULES=\"xfs\"
$head
MODULES+=\" $names\""
check "mkinitcpio: others read the folder" is "$r/etc/mkinitcpio.conf.d/zz-bootferry.conf" <<<"$head
MODULES+=($names)"
one
put "$r/etc/mkinitcpio.conf" <<<'MODULES=(btrfs)
HOOKS=(base udev autodetect)'
maker "mkinitcpio before 36"
check "mkinitcpio before 36: at the end" is "$r/etc/mkinitcpio.conf" <<<"MODULES=(btrfs)
HOOKS=(base udev autodetect)
$head
MODULES+=($names)"
check "mkinitcpio: as bash reads it" equal "$(bash -c '. "$1"; echo "${MODULES[@]}"' - "$r/etc/mkinitcpio.conf")" "btrfs $names"
one
put "$r/etc/mkinitcpio.conf" <<<'MODULES="btrfs"'
maker "mkinitcpio with a string"
check "mkinitcpio with a string: as bash reads it" equal "$(bash -c '. "$1"; echo "$MODULES"' - "$r/etc/mkinitcpio.conf")" "btrfs $names"
one
put "$r/etc/booster.yaml" <<<'# c
modules: nvme,virtio_blk # these
compression: zstd'
maker booster
check "booster: the list grows" is "$r/etc/booster.yaml" <<<'# c
modules: nvme,virtio_blk,virtio_pci,virtio_net # these
compression: zstd'
one
put "$r/etc/booster.yaml" <<<'universal: true'
maker "booster without a list"
check "booster without a list" is "$r/etc/booster.yaml" <<<'universal: true
modules: virtio_pci,virtio_blk,virtio_net'
one
put "$r/etc/mkinitfs/mkinitfs.conf" <<<'features="ata base ext4"'
maker mkinitfs
check "mkinitfs: its feature" is "$r/etc/mkinitfs/features.d/bootferry.modules" <<<'kernel/virtio_pci.ko*
kernel/virtio_blk.ko*
kernel/virtio_net.ko*'
check "mkinitfs: is named" is "$r/etc/mkinitfs/mkinitfs.conf" <<<'features="ata base ext4 bootferry"'
one
mkdir -p "$r/usr/lib/mkinitrd"
put "$r/etc/sysconfig/kernel" <<<'# list
INITRD_MODULES="ata_piix ext3"
DOMU_INITRD_MODULES="xennet"'
maker "SUSE's mkinitrd"
check "SUSE's mkinitrd: its list" is "$r/etc/sysconfig/kernel" <<<"# list
INITRD_MODULES=\"ata_piix ext3 $names\"
DOMU_INITRD_MODULES=\"xennet\""
one
echo x >"$r/usr/sbin/mkinitrd"
put "$r/etc/modprobe.conf" <<<'alias eth0 e1000
alias scsi_hostadapter mptbase
alias scsi_hostadapter1 mptspi'
maker "Red Hat's mkinitrd"
check "Red Hat's mkinitrd: aliases" is "$r/etc/modprobe.conf" <<<'alias eth0 e1000
alias scsi_hostadapter mptbase
alias scsi_hostadapter1 mptspi
alias scsi_hostadapter2 virtio_pci
alias scsi_hostadapter3 virtio_blk'
one
put "$r/etc/mkinitrd.conf" <<<'MODULE_LIST="ext4:jbd2" # list'
maker "Slackware's mkinitrd"
check "Slackware's mkinitrd: colons" is "$r/etc/mkinitrd.conf" <<<"MODULE_LIST=\"ext4:jbd2:${names// /:}\" # list"
one
put "$r/etc/genkernel.conf" <<<'#ALLRAMDISKMODULES="no"
ARCH_OVERRIDE="x86_64"'
maker genkernel
check "genkernel: all modules" has "$r/etc/genkernel.conf" ALLRAMDISKMODULES=yes
one
put "$r/etc/sysconfig/kernel" <<<'INITRD_MODULES="$OTHER"'
mkdir -p "$r/usr/lib/mkinitrd"
check "a list that a shell computes stays" run
check "and is said" warns "line 1: INITRD_MODULES is computed"

# ---- A real kernel's modules, as kmod reads them -----------------------------------------------
real=$(basename "$(echo "$VM_TREE"/lib/modules/*)")
if [ -d "$VM_TREE/lib/modules/$real" ] && command -v depmod >/dev/null; then
    # real_modules DIR MODULE...: the files of these and of what they need, as they are in the tree.
    real_modules() {
        local dir=$1 name path
        shift
        for name in "$@"; do
            modprobe -d "$VM_TREE" -S "$real" --show-depends "$name" | sed -n 's/^insmod \([^ ]*\).*/\1/p' |
                while read -r path; do
                    install -D -m 644 "$path" "$dir/lib/modules/$real/${path#*"/$real/"}"
                done
        done
        cp "$VM_TREE/lib/modules/$real"/modules.{builtin,builtin.modinfo,order} "$dir/lib/modules/$real/"
        depmod -b "$dir" "$real"
    }
    real_tree() {
        tree debian
        real_modules "$r" virtio_blk virtio_pci virtio_net xfs sd_mod vfat
        echo k >"$r/boot/vmlinuz-$real"
        rm -rf "$work/i"
        mkdir -p "$work/i/usr/lib" "$work/i/usr/bin"
        ln -s usr/lib "$work/i/lib"
        echo x >"$work/i/usr/bin/kmod"
        echo init >"$work/i/init"
    }
    # loads MODULE: in the unpacked image modprobe finds its files, and they are there.
    loads() {
        local path n=0
        while read -r path; do
            [ -e "$path" ] || { echo "$path is not there"; return 1; }
            n=$((n + 1))
        done < <(modprobe -d "$work/u" -S "$real" --show-depends "$1" | sed -n 's/^insmod \([^ ]*\).*/\1/p')
        [ "$n" -gt 0 ]
    }
    by_alias() { [ "$(modprobe -d "$work/u" -S "$real" -R "$1")" = "$2" ]; }
    i=/boot/initrd.img-$real
    real_tree
    real_modules "$work/i" xfs
    packed "$work/i" "$r$i"
    check "kmod: adapted" run
    check "kmod: unpacked" unpacked "$r$i" "$work/u"
    check "kmod: the driver and what it needs" loads virtio_blk
    check "kmod: what was there before" loads xfs
    check "kmod: the driver by what the kernel says of the device" by_alias virtio:d00000002v00001AF4 virtio_blk
    check "kmod: second run" again

    for z in xz gz zst; do
        real_tree
        real_modules "$work/i" xfs
        packed "$work/i" "$r$i"
        find "$r/usr/lib/modules" -name '*.ko' | while read -r k; do
            case $z in xz) xz --check=crc32 "$k" ;; gz) gzip "$k" ;; zst) zstd -q --rm "$k" ;; esac
        done
        # Not every depmod reads every form.
        sed -i "s/[.]ko/.ko.$z/g" "$r/usr/lib/modules/$real/modules.dep"
        check "decompressed from $z: adapted" run
        check "decompressed from $z: unpacked" unpacked "$r$i" "$work/u"
        check "decompressed from $z: the driver" loads virtio_blk
        check "decompressed from $z: what was there before" loads xfs
        check "decompressed from $z: by alias" by_alias virtio:d00000002v00001AF4 virtio_blk
        check "decompressed from $z: no other form is added" equal "$(added "$r$i" | grep -c 'ko[.]')" 0
        check "decompressed from $z: kmod reads the file" grep -q 'virtio' <(modinfo "$(find "$work/u" -name virtio_blk.ko)")
        # depmod's own index of the same files answers the same
        modprobe -d "$work/u" -S "$real" --show-depends virtio_net >"$work/ours"
        depmod -b "$work/u" "$real"
        check "decompressed from $z: as depmod's own index" diff "$work/ours" <(modprobe -d "$work/u" -S "$real" --show-depends virtio_net)
    done
else
    skip "no real kernel to unpack"
fi
finish
