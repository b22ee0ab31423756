#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The EFI fallback path: what takes it on each architecture, what shim's fallback loader needs, what is wrong with a file
# that is there, and what it takes to change the firmware.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

pe=$(dirname "$0")/pe.py
# shellcheck disable=SC2154 # trees.sh sets $work
r=$work/root efi=$r/boot/efi/EFI
echo text >"$work/text"
"$pe" make "$work/x64.efi" x64 ".text=$work/text"
"$pe" make "$work/aa64.efi" aa64 ".text=$work/text"
"$pe" make "$work/shim.efi" x64 ".text=$work/text" ".vendor_cert=$work/text"
"$pe" make "$work/sd-boot.efi" x64 ".text=$work/text" ".sdmagic=$work/text"

# fresh [ELFMACHINE]: a system without loaders on its ESP; 76 (octal) is x86-64, 267 64-bit ARM.
fresh() {
    rm -rf "$r"
    mkdir -p "$efi" "$r/etc" "$r/usr/bin"
    printf 'ID=debian\nNAME=Debian\n' >"$r/etc/os-release"
    echo "UUID=A-B /boot/efi vfat umask=0077 0 1" >"$r/etc/fstab"
    # shellcheck disable=SC2059 # an octal escape
    printf "\\177ELF\\2\\1\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\2\\0\\${1:-76}\\0" >"$r/usr/bin/dash"
}
plan() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"$1}}"; }
files() { (cd "$efi" && find "$1" -type f | LC_ALL=C sort | tr '\n' ' '); }
# csv FILE TEXT: as an installer writes it.
csv() { mkdir -p "$(dirname "$1")" && { printf '\377\376' && printf '%b' "$2" | iconv -f UTF-8 -t UTF-16LE; } >"$1"; }
plan ''

# ---- What takes the path ------------------------------------------------------------------------
fresh
for name in shimx64 grubx64 mmx64 fbx64; do put "$efi/debian/$name.efi" <<<"$name of /EFI/debian"; done
put "$efi/debian/BOOTX64.CSV" <<<x
adapted "shim"
check "shim: with GRUB and MOK manager, without the fallback loader" equal "$(files BOOT)" "BOOT/BOOTX64.EFI BOOT/grubx64.efi BOOT/mmx64.efi "
check "shim: it is the shim" has "$efi/BOOT/BOOTX64.EFI" "shimx64 of /EFI/debian"
fresh 267
for name in shimaa64 grubaa64 mmaa64; do put "$efi/debian/$name.efi" <<<"$name of /EFI/debian"; done
adapted "ARM"
check "ARM: its own names" equal "$(files BOOT)" "BOOT/BOOTAA64.EFI BOOT/grubaa64.efi BOOT/mmaa64.efi "
fresh 363 # 243
put "$efi/fedora/grubriscv64.efi" <<<"grub of /EFI/fedora"
check "RISC-V: apply" run
check "RISC-V: its own name" equal "$(files BOOT)" "BOOT/BOOTRISCV64.EFI "
fresh
echo 'ID="opensuse-leap"' >"$r/etc/os-release"
for name in grub MokManager; do put "$efi/opensuse/$name.efi" <<<"$name"; done
printf '%s' '\grub.efi' | iconv -t UTF-16LE >"$work/second"
printf '\0\0' >>"$work/second"
"$pe" make "$efi/opensuse/shim.efi" x64 ".text=$work/text" ".data=$work/second" ".vendor_cert=$work/text"
put "$efi/opensuse/grub.cfg" <<<"configfile"
adapted "SUSE"
check "SUSE: with the names that its shim knows" equal "$(files BOOT)" "BOOT/BOOTX64.EFI BOOT/MokManager.efi BOOT/grub.efi "
fresh
put "$efi/arch/grubx64.efi" <<<"arch /EFI/arch"
put "$efi/Debian/grubx64.efi" <<<"debian /EFI/debian"
put "$efi/zorin/grubx64.efi" <<<"zorin /EFI/zorin"
check "several vendors: apply" run
check "several vendors: the system's own is taken" has "$efi/BOOT/BOOTX64.EFI" "debian /EFI/debian"
check "several vendors: all are reported as entries that there may have been" equal \
    "$(jq -r '.system.boot_entries | map(.loader) | join(" ")' "$work/report")" \
    '\EFI\Debian\grubx64.efi \EFI\arch\grubx64.efi \EFI\zorin\grubx64.efi'
fresh
put "$efi/refind/refind_x64.efi" <<<refind
put "$efi/refind/refind.conf" <<<timeout
put "$efi/refind/drivers_x64/ext4_x64.efi" <<<driver
adapted "rEFInd"
check "rEFInd: with configuration and drivers" equal "$(files BOOT)" "BOOT/BOOTX64.EFI BOOT/drivers_x64/ext4_x64.efi BOOT/refind.conf "
fresh
put "$efi/limine/BOOTX64.EFI" <<<limine
put "$efi/limine/limine.conf" <<<"timeout: 3"
check "Limine: apply" run
check "Limine: with its configuration" equal "$(files BOOT)" "BOOT/BOOTX64.EFI BOOT/limine.conf "
fresh
put "$efi/slackware/elilo.efi" <<<elilo
put "$efi/slackware/elilo.conf" <<<"default=linux"
check "ELILO: apply" run
check "ELILO: with its configuration" equal "$(files BOOT)" "BOOT/BOOTX64.EFI BOOT/elilo.conf "
fresh
put "$efi/debian/grubx64.efi" <<<"debian /EFI/debian"
echo "UUID=C-D /boot/efi2 vfat umask=0077 0 1" >>"$r/etc/fstab"
put "$r/boot/efi2/EFI/debian/grubx64.efi" <<<"debian /EFI/debian"
check "two partitions: apply" run
check "two partitions: both start" cmp "$efi/BOOT/BOOTX64.EFI" "$r/boot/efi2/EFI/BOOT/BOOTX64.EFI"

# ---- What is there already ----------------------------------------------------------------------
fresh
put "$efi/debian/grubx64.efi" <"$work/x64.efi"
put "$efi/boot/bootx64.efi" <"$work/aa64.efi"
adapted "another architecture"
check "another architecture: it is replaced" cmp "$efi/debian/grubx64.efi" "$(find "$efi" -iname bootx64.efi)"
check "another architecture: and said" says "was for 64-bit ARM and is replaced"
fresh
put "$efi/BOOT/BOOTX64.EFI" <"$work/aa64.efi"
check "another architecture, and nothing else is there" refused_with "no loader for x86_64 was found that could take its place"
fresh
put "$efi/BOOT/BOOTX64.EFI" <"$work/shim.efi"
put "$efi/debian/shimx64.efi" <"$work/shim.efi"
put "$efi/debian/grubx64.efi" <<<"grub of /EFI/debian"
adapted "a shim that stands alone"
check "a shim that stands alone: gets its GRUB" cmp "$efi/debian/grubx64.efi" "$efi/BOOT/grubx64.efi"
fresh
put "$efi/BOOT/BOOTX64.EFI" <"$work/sd-boot.efi"
check "systemd-boot without entries" run
check "systemd-boot without entries: said" says "is systemd-boot, which has no entry on this partition"
put "$r/boot/efi/loader/entries/a.conf" <<<"title a"
run || true # what the entry starts is not there
refute "systemd-boot with one: nothing is said" says "is systemd-boot, which"
fresh
put "$efi/BOOT/BOOTX64.EFI" <<<"no program"
check "no program" run
check "no program: said" says "not an EFI program that can be read"
if command -v sbsign >/dev/null; then
    openssl req -newkey rsa:2048 -nodes -x509 -keyout "$work/key" -subj "/CN=Microsoft Windows" -out "$work/cert" 2>/dev/null
    fresh
    mkdir -p "$efi/BOOT"
    sbsign --key "$work/key" --cert "$work/cert" --output "$efi/BOOT/BOOTX64.EFI" "$work/x64.efi" 2>/dev/null
    check "Windows" run
    check "Windows: said" says "starts Windows: a machine without boot entries does not come to this system by itself"
else
    skip "Windows: no sbsign here"
fi

# ---- shim's fallback loader ---------------------------------------------------------------------
shims() { # EFI/BOOT as Debian's and Fedora's installers leave it
    fresh
    put "$efi/BOOT/BOOTX64.EFI" <"$work/shim.efi"
    put "$efi/BOOT/fbx64.efi" <"$work/x64.efi"
    put "$efi/debian/shimx64.efi" <"$work/shim.efi"
    put "$efi/debian/grubx64.efi" <"$work/x64.efi"
}
shims
csv "$efi/debian/BOOTX64.CSV" 'shimx64.efi,debian,,This is the boot entry for debian\n'
before=$(snapshot "$r")
check "fallback loader: with its file" run
check "fallback loader: nothing is changed" equal "$(snapshot "$r" | grep -v bootferry)" "$before"
check "fallback loader: the entry is reported" equal "$(jq -c '.system.boot_entries' "$work/report")" \
    '[{"loader":"\\EFI\\debian\\shimx64.efi","label":"debian"}]'
shims
adapted "fallback loader without a file"
check "fallback loader: the file is written" equal "$(iconv -f UTF-16 -t UTF-8 "$efi/debian/BOOTX64.CSV")" "shimx64.efi,debian,,This is the boot entry for debian"
shims
csv "$efi/debian/BOOTX64.CSV" 'gone.efi,old,,Old\r\nshimx64.efi,Debi\303\244n,,x\r\n'
adapted "fallback loader: a program that is gone"
check "fallback loader: its line goes, others keep their bytes" cmp "$efi/debian/BOOTX64.CSV" <(printf '\377\376' && printf 'shimx64.efi,Debi\303\244n,,x\r\n' | iconv -f UTF-8 -t UTF-16LE)
shims
csv "$efi/debian/bootx64.csv" 'gone.efi,old,,Old\n'
adapted "fallback loader: only such a line"
check "fallback loader: the file is written anew" equal "$(iconv -f UTF-16 -t UTF-8 "$efi/debian/bootx64.csv")" "shimx64.efi,debian,,This is the boot entry for debian"
shims
rm "$efi/debian/shimx64.efi"
check "fallback loader: without a shim" refused_with "fbx64.efi would start again and again"
csv "$efi/debian/BOOT.CSV" 'grubx64.efi,debian,,x\n'
check "fallback loader: BOOT.CSV for want of BOOTX64.CSV" run
csv "$efi/debian/BOOTX64.CSV" 'gone.efi,debian,,x\n'
check "fallback loader: which counts where it is there" refused_with "would start again and again"
shims
head -c 3 /dev/urandom >"$efi/debian/BOOTX64.CSV"
check "fallback loader: a file that means harm" run

# ---- Firmware -----------------------------------------------------------------------------------
fresh
rm -r "$r/boot/efi"
mkdir -p "$r/boot/grub/i386-pc" && touch "$r/boot/grub/i386-pc/core.img"
plan ', "firmware": "uefi"'
check "BIOS to UEFI says what it takes" refused_with "It needs an EFI system partition (FAT, 100 MiB or more, mounted at /boot/efi) and a loader there: install grub-efi"
plan ', "firmware": "bios"'
check "BIOS stays BIOS" run
fresh
put "$efi/debian/grubx64.efi" <<<"grub /EFI/debian"
check "UEFI to BIOS says what it takes" refused_with "a BIOS boot partition of 1 MiB, type EF02) and a loader for it: install grub-pc"
mkdir -p "$r/boot/extlinux" && touch "$r/boot/extlinux/ldlinux.sys"
check "extlinux is a loader for BIOS" run
check "and the fallback path is not made" test ! -e "$efi/BOOT"
fresh
plan ', "firmware": "uefi"'
check "UEFI without any loader" refused_with "nothing in /boot/efi/EFI can take the fallback path"
finish
