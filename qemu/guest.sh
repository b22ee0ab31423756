#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# guest.sh NAME: makes the disk of a real Debian guest, once, in build/guest/NAME: disk.raw (and disk2.raw), with the
# tree by mmdebstrap. Where its .conf file names a GUEST_LAYOUT, the workshop divides the disk and installs the boot loader.
# Otherwise sgdisk, mke2fs and mtools write the disk without mounts or loop devices; then the guest boots once, with the
# kernel given from outside, and installs its own boot loader as an installer would; vars.fd has the firmware variables
# that this left. Packages are kept in BOOTFERRY_CACHE.
# Needs root, or user namespaces with subordinate ids (mmdebstrap's unshare mode).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=qemu/lib.sh
. "$here/lib.sh"
# shellcheck source=qemu/workshop.sh
. "$here/workshop.sh"

name=${1:?usage: guest.sh NAME}
out=$BF_BUILD/guest/$name
debs=${BOOTFERRY_CACHE:-$BF_BUILD/cache}/guest-debs
[ -e "$here/guests/$name.conf" ] || bf_die "no guest named $name in qemu/guests"
# shellcheck source=qemu/guests/debian12.conf
. "$here/guests/$name.conf"
suite=${GUEST_SUITE:-bookworm} packages=$GUEST_PACKAGES made_by=()
if [ -n "${GUEST_LAYOUT:-}" ]; then
    packages=systemd-sysv,dbus,udev,kmod,iproute2,iputils-ping,netbase,e2fsprogs,$packages
    made_by=("$here/workshop.sh" "$here"/workshop/*)
fi

# shellcheck disable=SC2086 # a list
stamp=$(cat "$here/guest.sh" "${made_by[@]}" <(grep -v '^GUEST_NEW=' "$here/guests/$name.conf") \
    <(cd "$here/guests" && find $GUEST_TREES -type f -print0 | LC_ALL=C sort -z | xargs -0 cat) | sha256sum | cut -c1-32)
if [ -e "$out/stamp" ] && [ "$(cat "$out/stamp")" = "$stamp" ]; then exit 0; fi

rm -rf "$out"
mkdir -p "$out" "$debs"
log=$out/build.log
work=$(mktemp -d "$out/work.XXXXXX")
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else mmdebstrap --unshare-helper "$@"; fi; }
trap 'bf_vm_kill_all; as_root rm -rf "$work"' EXIT

mode=root
if [ "$(id -u)" != 0 ]; then
    mode=unshare
    mmdebstrap --unshare-helper true 2>/dev/null ||
        bf_die "making a guest needs root, or user namespaces with ids for $(id -un) in /etc/subuid"
fi

# sources SUITE: the Debian mirrors of this machine, as one-line sources; a machine without any takes mmdebstrap's own.
# What has another suite than its own comes without updates.
# shellcheck disable=SC2016 # the dollars are for apt
sources() {
    apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
        awk -v suite="$1" '
            suite != "bookworm" && $3 == "bookworm" { $3 = suite; print }
            suite == "bookworm" && $3 ~ /^bookworm(-updates|-security)?$/' | awk '!seen[$0]++'
}

make_tree() {
    sources "$suite" >"$work/sources"
    local from=() tree early='./etc/initramfs-tools ./etc/mdadm ./etc/dracut.conf.d' keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    # The guest's own files, first those that packages read while they are installed.
    mkdir -p "$work"/tree/etc/{initramfs-tools,mdadm,dracut.conf.d}
    for tree in $GUEST_TREES; do cp -r "$here/guests/$tree/." "$work/tree/"; done
    chmod -R u+rwX,go+rX,go-w "$work/tree"
    # Git keeps no modes, and NetworkManager ignores what others may read.
    find "$work/tree" -name '*.nmconnection' -exec chmod 600 {} +
    [ -s "$work/sources" ] && from=("$work/sources")
    mmdebstrap --mode="$mode" --variant=minbase --quiet --format=tar --keyring="$keyring" \
        --include="$packages" \
        --aptopt='Acquire::Retries "5"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --skip=essential/unlink \
        --setup-hook="mkdir -p \"\$1/var/cache/apt/archives\"" \
        --setup-hook="sync-in '$debs' /var/cache/apt/archives" \
        --essential-hook="tar -C '$work/tree' --owner=0 --group=0 -c $early | tar -C \"\$1\" -x" \
        --customize-hook="sync-out /var/cache/apt/archives '$debs'" \
        --customize-hook="rm -f \"\$1\"/var/cache/apt/archives/*.deb" \
        --customize-hook="tar -C '$work/tree' --owner=0 --group=0 -c . | tar -C \"\$1\" --no-overwrite-dir -x" \
        --customize-hook="chroot \"\$1\" systemd-machine-id-setup" \
        --customize-hook="chroot \"\$1\" systemctl enable seen.service token.socket ${GUEST_ENABLE:-}" \
        --customize-hook="mkdir -p \"\$1/boot/efi\"" \
        "$suite" "$work/root.tar" "${from[@]}"
}

make_disk() {
    local disk=$out/disk.raw start=$((97 * 1024 * 1024)) swap=0
    [ "$GUEST_SWAP" = no ] || swap=64
    truncate -s "$GUEST_SIZE" "$disk"
    sgdisk --new=1:2048:+96M --typecode=1:ef00 --change-name=1:esp \
        --new=2:$((start / 512)):-$((swap + 1))M --typecode=2:8300 --change-name=2:root "$disk" >/dev/null
    if [ "$swap" != 0 ]; then
        sgdisk --new=3:0:+${swap}M --typecode=3:8200 --change-name=3:swap "$disk" >/dev/null
        truncate -s "${swap}M" "$work/swap"
        mkswap -q "$work/swap"
        dd if="$work/swap" of="$disk" conv=notrunc,sparse status=none \
            seek="$(sgdisk -i 3 "$disk" | sed -nE 's/^First sector: ([0-9]+).*/\1/p')"
    fi
    mformat -i "$disk@@1M" -T $((96 * 2048)) -h 64 -s 32 -F -v ESP ::
    mkdir "$work/base"
    as_root tar -C "$work/base" --numeric-owner -xf "$work/root.tar"
    as_root mke2fs -q -t ext4 -L root -d "$work/base" -E offset=$start "$disk" \
        $((($(stat -c %s "$disk") - start - (swap + 2) * 1024 * 1024) / 1024))k
}

# A small FAT disk with GRUB and the guest's own kernel, to start what cannot start by itself yet. Not -kernel: the
# firmware then leaves an IDE controller disabled, and Linux finds no disk on it.
make_medium() {
    local medium=$work/medium.img
    as_root cat "$work/base/vmlinuz" >"$work/vmlinuz"
    as_root cat "$work/base/initrd.img" >"$work/initrd.img"
    as_root cat "$work/base/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" >"$work/grub.efi"
    printf '%s\n' 'linux /vmlinuz'" root=$GUEST_ROOT ro console=ttyS0 no_timer_check \
systemd.run=/usr/local/sbin/install-loader systemd.run_success_action=poweroff \
systemd.run_failure_action=poweroff" 'initrd /initrd.img' boot >"$work/grub.cfg"
    truncate -s 64M "$medium"
    mformat -i "$medium" -F ::
    mmd -i "$medium" ::/EFI ::/EFI/BOOT ::/EFI/debian
    mcopy -i "$medium" "$work/grub.efi" ::/EFI/BOOT/BOOTX64.EFI
    mcopy -i "$medium" "$work/grub.cfg" ::/EFI/debian/grub.cfg
    mcopy -i "$medium" "$work/vmlinuz" "$work/initrd.img" ::/
}

# The guest's own grub-install and update-grub, run by its systemd.
install_loader() {
    local root="$out/disk.raw?offset=$((97 * 1024 * 1024))"
    cp "$BF_OVMF_VARS" "$out/vars.fd"
    bf_vm install "$out/install" "$GUEST_MACHINE"
    bf_vm_firmware install "$out/vars.fd"
    bf_vm_disk install "$GUEST_CONTROLLER" "$out/disk.raw" raw
    bf_vm_disk install virtio-blk "$work/medium.img" raw
    bf_vm_add install -m 768 -device virtio-rng-pci
    bf_vm_start install
    { bf_vm_wait_line install "reboot: Power down" 240 &&
        bf_vm_wait_exit install 20; } >>"$log" ||
        bf_die "the guest did not install its boot loader"
    debugfs -R 'cat /boot/grub/grub.cfg' "$root" 2>/dev/null | grep -q "linux.*root=$GUEST_ROOT" ||
        bf_die "no Linux entry in the guest's grub.cfg: $out/install/serial.log"
    mdir -i "$out/disk.raw@@1M" ::/EFI/debian/shimx64.efi >/dev/null || bf_die "no boot loader in the guest's ESP"
    if mdir -i "$out/disk.raw@@1M" ::/EFI/BOOT >/dev/null 2>&1; then
        bf_die "the guest's ESP has a fallback loader; it should not"
    fi
}

# What the workshop makes of the tree.
make_in_workshop() {
    local disks=("$out/disk.raw") from=()
    [ "${GUEST_DISKS:-1}" = 1 ] || disks+=("$out/disk2.raw")
    truncate -s "$GUEST_SIZE" "${disks[@]}"
    sources bookworm >"$work/sources"
    [ -s "$work/sources" ] && from=("$work/sources")
    workshop_make "$mode" "$debs" "${from[@]}" >>"$log" 2>&1 # not as a condition: within it each step must succeed
    workshop_run "$here/guests/$name.conf" "$work/root.tar" "$out/workshop" "${disks[@]}" >>"$log" ||
        bf_die "the workshop did not make the guest: $out/workshop/serial.log"
}

bf_say "making the guest $name (once; the log is $log)"
for try in 1 2 3; do
    if make_tree >>"$log" 2>&1; then break; fi
    [ "$try" -lt 3 ] || { tail -n 20 "$log" >&2; bf_die "mmdebstrap failed three times: $log"; }
    bf_say "mmdebstrap failed (a mirror does that now and then); once more"
done
if [ -n "${GUEST_LAYOUT:-}" ]; then
    make_in_workshop
else
    make_disk
    make_medium
    install_loader
fi
echo "$stamp" >"$out/stamp"
bf_say "guest $name: $(du -m "$out/disk.raw" | cut -f1) MiB used of $GUEST_SIZE"
