# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A system whose only initramfs has a file from its last build, and what the kernel would have of all archives of that
# image afterwards. Sourced; it needs r (the tree) and v (the kernel's version).
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "${BASH_SOURCE[0]}")/trees.sh"
umask 022
: "${r:=}" "${v:=}"

run() { finalize "$r" "$work/plan"; }
start() { jq -r ".start.$1" "$work/report"; }

# image_tree ROOT WORDS [PATH]: a Debian with GRUB on a BIOS, whose root is this device in fstab and these words in its menu;
# with PATH, standard input is that file of its image.
image_tree() {
    rm -rf "$r" "$work/ird"
    debian "$r"
    rm -r "$r/boot/efi" "$r/etc/initramfs-tools/conf.d/resume"
    mkdir -p "$r/boot/grub/i386-pc" "$work/ird"
    : >"$r/boot/grub/i386-pc/core.img"
    echo "$1 / ext4 defaults 0 1" >"$r/etc/fstab"
    put "$r/boot/grub/grub.cfg" <<GRUB
set timeout=5
menuentry 'Debian' {
	linux /vmlinuz-$v $2 ro
	initrd /initrd.img-$v
}
GRUB
    plan_to ''
    [ -z "${3:-}" ] || put "$work/ird/$3"
    (cd "$work/ird" && mkdir -p "usr/lib/modules/$v" && ln -s usr/lib lib && echo init >init &&
        find . | LC_ALL=C sort | cpio -o -H newc --quiet) >"$r/boot/initrd.img-$v"
    cp "$r/boot/initrd.img-$v" "$work/before.img"
}

# unpack: what the kernel would have of all archives, in $work/seen.
unpack() {
    local own
    rm -rf "$work/seen"
    mkdir "$work/seen"
    own=$(stat -c %s "$work/before.img")
    (cd "$work/seen" && cpio -idu --quiet <"$work/before.img" &&
        tail -c +$((own + 1)) "$r/boot/initrd.img-$v" | cpio -idu --quiet)
}
# seen PATH: this file of it.
seen() {
    unpack
    cat "$work/seen/$1"
}
