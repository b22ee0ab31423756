#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the rehearsal reads of each boot loader but GRUB 2's script: from the firmware to the loader, by the content of
# real EFI programs of Debian where they are there, and from its configuration to kernels, initramfs files and command
# lines. systemd's own bootctl judges the order of entries.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
: "${STARTS:=build/tests/finalize_starts}" "${LOADERS:=$JUDGE/opt}"

# shellcheck disable=SC2154 # trees.sh sets $work
r=$work/root esp=$r/boot/efi
programs=$LOADERS/systemd-boot-efi/usr/lib/systemd/boot/efi
tree() {
    rm -rf "$r"
    mkdir -p "$r/usr/bin" "$r/boot/grub" "$esp/EFI/BOOT"
    head -c 20000 /bin/ls >"$r/usr/bin/dash"
    put "$r/etc/os-release" <<<ID=debian
    put "$r/etc/fstab" <<'EOF'
/dev/sda2 / ext4 defaults 0 1
/dev/sda1 /boot/efi vfat defaults 0 1
EOF
    for file in "$@"; do put "$r$file" <<<content; done
}
# starts [OPTION...] <<EOF: exactly this is offered.
starts() { diff -u - <("$STARTS" "$@" "$r") >&2; }
# offers TEXT [OPTION...]: a line has it.
offers() {
    local text=$1
    shift
    "$STARTS" "$@" "$r" >"$work/starts" && { grep -qF -- "$text" "$work/starts" || shows "$text" "$work/starts"; }
}
# follows FILE: GRUB reads this configuration.
follows() { offers "GRUB 2 $1:"; }
script() { put "$r$1" <<<"menuentry 'Linux' { linux /boot/vmlinuz root=UUID=1 ; }"; }
both() { # an ESP and the root file system, with places and the boot code of the disk
    put "$work/devices" <<EOF
[{"name": "/dev/vda", "disk": 0, "part": 0, "boot_code": "${1:-none}"},
 {"name": "/dev/vda1", "disk": 0, "part": 1, "type": "vfat", "uuid": "1234-ABCD", "esp": true,
  "mounts": [{"at": "/boot/efi", "inside": ""}]},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "ext4", "uuid": "11111111-2222-3333-4444-555555555555",
  "root": true, "mounts": [{"at": "/", "inside": ""}]}]
EOF
}

# ---- Firmware ------------------------------------------------------------------------------------
tree /boot/efi/EFI/debian/shimx64.efi
rm -r "$esp/EFI/BOOT"
check "UEFI: nothing on the fallback path" starts --firmware uefi <<'EOF'
DOUBT the firmware of a new machine finds nothing to start: /boot/efi/EFI/BOOT/BOOTX64.EFI is not there
DOUBT no boot loader's configuration was found in this system
EOF
check "UEFI: when the plan wants nothing there" offers "LOOK the plan keeps /boot/efi/EFI/BOOT/BOOTX64.EFI from being made" --firmware uefi --no-fallback
tree
rm -r "$esp"
check "UEFI: no partition for it" offers "DOUBT no EFI system partition was found" --firmware uefi
tree /boot/efi/EFI/BOOT/BOOTX64.EFI
check "UEFI: a program that nothing is known of" offers "DOUBT what /boot/efi/EFI/BOOT/BOOTX64.EFI is could not be recognised"
mv "$esp/EFI" "$esp/efi"
mv "$esp/efi/BOOT/BOOTX64.EFI" "$esp/efi/BOOT/bootx64.efi"
check "UEFI: in any case" offers "DOUBT what /boot/efi/efi/BOOT/bootx64.efi is could not be recognised"
both
sed -i 's/"mounts": \[{"at": "\/boot\/efi", "inside": ""}\]/"mounts": []/' "$work/devices"
check "UEFI: a partition that is not mounted" offers "DOUBT the EFI system partition is mounted nowhere" --firmware uefi --devices "$work/devices"

tree
printf shim >"$esp/EFI/BOOT/BOOTX64.EFI"
check "shim: without what it starts" offers "DOUBT /boot/efi/EFI/BOOT/BOOTX64.EFI: shim starts /boot/efi/EFI/BOOT/grubx64.efi, which is not there"
printf 'grub\0prefix /EFI/debian\0' >"$esp/EFI/BOOT/grubx64.efi"
script /boot/efi/EFI/debian/grub.cfg
check "GRUB: its prefix" follows /boot/efi/EFI/debian/grub.cfg
printf 'grub with prefix (,gpt2)/boot/grub' >"$esp/EFI/BOOT/grubx64.efi"
script /boot/grub/grub.cfg
check "GRUB: a prefix on another partition" follows /boot/grub/grub.cfg
both
check "GRUB: by the probed partitions" offers "GRUB 2 /boot/grub/grub.cfg:" --devices "$work/devices"
printf 'binary' | tee "$esp/EFI/BOOT/BOOTX64.EFI" >"$esp/EFI/debian/grubx64.efi"
check "a copy of a program is what that is called" follows /boot/efi/EFI/debian/grub.cfg

# ---- Real programs -------------------------------------------------------------------------------
if [ -e "$LOADERS/shim-signed" ] && [ -e "$LOADERS/syslinux-efi" ]; then
    signed=$LOADERS/grub-efi-amd64-signed/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed
    real() { # a tree with Debian's signed loaders on the fallback path
        tree
        cp "$LOADERS/shim-signed/usr/lib/shim/shimx64.efi.signed" "$esp/EFI/BOOT/BOOTX64.EFI"
        cp "$signed" "$esp/EFI/BOOT/grubx64.efi"
    }
    real
    script /boot/efi/EFI/debian/grub.cfg
    check "Debian's shim and GRUB" follows /boot/efi/EFI/debian/grub.cfg
    rm -r "$esp/EFI/debian"
    script /boot/efi/EFI/BOOT/grub.cfg
    check "Debian's GRUB falls back on its own folder" follows /boot/efi/EFI/BOOT/grub.cfg
    rm "$esp/EFI/BOOT/grub.cfg"
    check "Debian's GRUB without a configuration" offers "DOUBT /boot/efi/EFI/BOOT/grubx64.efi: GRUB finds no configuration: /boot/efi/EFI/debian/grub.cfg is not there"
    cp "$LOADERS/shim-helpers-amd64-signed/usr/lib/shim/fbx64.efi.signed" "$esp/EFI/BOOT/fbx64.efi"
    check "shim's fallback loader without a list" offers "DOUBT /boot/efi/EFI/BOOT/fbx64.efi: the fallback loader finds no list of entries"
    mkdir "$esp/EFI/debian"
    cp "$esp/EFI/BOOT/BOOTX64.EFI" "$esp/EFI/debian/shimx64.efi"
    mv "$esp/EFI/BOOT/grubx64.efi" "$esp/EFI/debian/"
    script /boot/efi/EFI/debian/grub.cfg
    printf 'shimx64.efi,debian,,This is the boot entry for debian\n' | iconv -t UTF-16 >"$esp/EFI/debian/BOOTX64.CSV"
    check "shim's fallback loader follows the list" follows /boot/efi/EFI/debian/grub.cfg
    mv "$esp/EFI/debian/BOOTX64.CSV" "$esp/EFI/debian/boot.csv"
    check "and one for all architectures" follows /boot/efi/EFI/debian/grub.cfg
    rm "$esp/EFI/debian/shimx64.efi"
    check "a list that names what is gone" offers "DOUBT /boot/efi/EFI/debian/boot.csv, line 1: names /boot/efi/EFI/debian/shimx64.efi, which is not there"
    tree
    cp "$LOADERS/shim-helpers-amd64-signed/usr/lib/shim/mmx64.efi.signed" "$esp/EFI/BOOT/BOOTX64.EFI"
    check "the manager of shim's keys is no loader" offers "DOUBT /boot/efi/EFI/BOOT/BOOTX64.EFI: what the manager of shim's keys starts is not followed"
    cp "$LOADERS/syslinux-efi/usr/lib/SYSLINUX.EFI/efi32/syslinux.efi" "$esp/EFI/BOOT/BOOTX64.EFI"
    check "a program for another processor" offers "STOPS /boot/efi/EFI/BOOT/BOOTX64.EFI: is a program for another processor"
    tree /boot/efi/linux /boot/efi/initrd
    cp "$LOADERS/syslinux-efi/usr/lib/SYSLINUX.EFI/efi64/syslinux.efi" "$esp/EFI/BOOT/BOOTX64.EFI"
    put "$esp/EFI/BOOT/syslinux.cfg" <<'EOF'
DEFAULT one
LABEL one
  LINUX /linux
  INITRD ../../initrd
  APPEND root=UUID=1
EOF
    check "syslinux.efi" starts <<'EOF'
* syslinux /boot/efi/EFI/BOOT/syslinux.cfg:3 "one"
  kernel /boot/efi/linux
  initrd /boot/efi/EFI/BOOT/../../initrd
  cmdline BOOT_IMAGE=/linux initrd=../../initrd root=UUID=1
EOF
else
    skip "EFI programs of Debian: without the judges' root"
fi

# ---- systemd-boot --------------------------------------------------------------------------------
entry() { printf '%s\n' "${@:2}" >"$esp/loader/entries/$1"; }
sdboot() {
    tree /boot/efi/a/linux /boot/efi/a/initrd /boot/efi/a/ucode
    if [ -e "$programs" ]; then cp "$programs/systemd-bootx64.efi" "$esp/EFI/BOOT/BOOTX64.EFI"; else printf systemd-boot >"$esp/EFI/BOOT/BOOTX64.EFI"; fi
    mkdir -p "$esp/loader/entries" "$esp/EFI/Linux"
}
sdboot
check "systemd-boot: nothing to start" starts <<'EOF'
DOUBT /boot/efi: systemd-boot finds nothing to start: neither loader/entries nor EFI/Linux has an entry
EOF
entry one.conf '# comment' '  title  "One"' 'linux	/a/linux' 'initrd /A/ucode' 'initrd /a/initrd' 'options root=UUID=1' 'options quiet  rw' 'version 1'
entry wrong.conf 'title other' 'architecture aa64' 'linux /a/linux'
entry text.txt 'linux /a/linux'
entry empty.conf 'title none'
check "systemd-boot: an entry with all its keys" starts <<'EOF'
* systemd-boot /boot/efi/loader/entries/one.conf:3 "One"
  kernel /boot/efi/a/linux
  initrd /boot/efi/a/ucode
  initrd /boot/efi/a/initrd
  cmdline initrd=\A\ucode initrd=\a\initrd root=UUID=1 quiet  rw
EOF
entry two.conf 'linux /a/linux' 'initrd /gone'
check "systemd-boot: the last name is the default, and needs its initramfs" starts <<'EOF'
* systemd-boot /boot/efi/loader/entries/two.conf:1 "two.conf"
  kernel /boot/efi/a/linux
  initrd /boot/efi/gone
  cmdline initrd=\gone
  blocked /boot/efi/gone is not there
- systemd-boot /boot/efi/loader/entries/one.conf:3 "One"
  kernel /boot/efi/a/linux
  initrd /boot/efi/a/ucode
  initrd /boot/efi/a/initrd
  cmdline initrd=\A\ucode initrd=\a\initrd root=UUID=1 quiet  rw
EOF
put "$esp/loader/loader.conf" <<'EOF'
#default two
default ONE.c?[m-o]f
timeout 3
EOF
check "systemd-boot: the default by a pattern" offers '* systemd-boot /boot/efi/loader/entries/one.conf:3 "One"'
put "$esp/loader/loader.conf" <<<"default three.conf"
check "systemd-boot: a default that is not there" offers 'LOOK /boot/efi/loader/loader.conf, line 1: no entry is called "three.conf": systemd-boot starts the first one, /boot/efi/loader/entries/two.conf'
entry three.conf 'linux /gone'
check "systemd-boot: an entry without its kernel is left out" offers 'LOOK /boot/efi/loader/loader.conf, line 1: the default, /boot/efi/loader/entries/three.conf, is left out by systemd-boot, since /boot/efi/gone is not there'
rm "$esp"/loader/entries/{one,two}.conf
check "systemd-boot: when it is the only one, nothing starts" offers '* systemd-boot /boot/efi/loader/entries/three.conf:1 "three.conf"'
check "systemd-boot: that is said" offers "  blocked /boot/efi/gone is not there"
put "$esp/EFI/Microsoft/Boot/bootmgfw.efi" <<<windows
entry four.conf 'linux /a/linux'
put "$esp/loader/loader.conf" <<<"default auto-windows"
check "systemd-boot: another system is the default" offers '* systemd-boot /boot/efi/EFI/Microsoft/Boot/bootmgfw.efi:0 "Windows Boot Manager" (other)'
put "$esp/loader/loader.conf" <<<"default @saved"
check "systemd-boot: a saved entry stays behind" offers '* systemd-boot /boot/efi/loader/entries/four.conf:1 "four.conf"'
sdboot
put "$r/boot/loader/entries/x.conf" <<<'linux /kernel'
put "$r/boot/kernel" <<<k
echo "/dev/sda3 /boot vfat defaults 0 1" >>"$r/etc/fstab"
check "systemd-boot: an extended boot partition" starts <<'EOF'
* systemd-boot /boot/loader/entries/x.conf:1 "x.conf"
  kernel /boot/kernel
EOF

# ---- Unified images, and the order of all entries ------------------------------------------------
# image FILE [CMDLINE]: a unified image; its kernel and initramfs need not be real.
image() {
    mkdir -p "$(dirname "$1")"
    printf 'ID=%s\nPRETTY_NAME="Linux %s"\nVERSION_ID=%s\n' "${3:-debian}" "${4:-12}" "${4:-12}" >"$work/osrel"
    echo kernel >"$work/linux"
    echo initrd >"$work/initrd"
    printf '%s\n\0' "$2" >"$work/cmdline"
    objcopy --add-section .osrel="$work/osrel" --change-section-vma .osrel=0x20000 \
        --add-section .cmdline="$work/cmdline" --change-section-vma .cmdline=0x30000 \
        --add-section .linux="$work/linux" --change-section-vma .linux=0x2000000 \
        --add-section .initrd="$work/initrd" --change-section-vma .initrd=0x3000000 \
        "$programs/linuxx64.efi.stub" "$1"
}
# The bytes of a file that the line "unified AT+LEN" names.
inside() { tail -c +"$((${1%+*} + 1))" "$2" | head -c "${1#*+}"; }
if [ -e "$programs" ] && command -v objcopy >/dev/null; then
    sdboot
    image "$esp/EFI/BOOT/BOOTX64.EFI" "root=UUID=1 quiet"
    check "unified image: on the fallback path" offers '* unified kernel image /boot/efi/EFI/BOOT/BOOTX64.EFI:0 "Linux 12"'
    check "unified image: its command line" offers '  cmdline root=UUID=1 quiet'
    check "unified image: where its initramfs is" test "$(inside "$(sed -n 's/  unified //p' "$work/starts")" "$esp/EFI/BOOT/BOOTX64.EFI")" = initrd
    cp "$programs/systemd-bootx64.efi" "$esp/EFI/BOOT/BOOTX64.EFI"
    image "$esp/EFI/Linux/debian-1.efi" "root=UUID=1 quiet"
    check "unified image: an entry of systemd-boot" offers '* systemd-boot /boot/efi/EFI/Linux/debian-1.efi:0 "Linux 12"'
    entry u.conf 'efi /EFI/Linux/debian-1.efi' 'options root=UUID=2' 'sort-key a'
    check "unified image: options take the place of what is inside" offers '  cmdline root=UUID=2'
    mkdir -p "$esp/EFI/Linux/debian-1.efi.extra.d"
    put "$esp/EFI/Linux/debian-1.efi.extra.d/a.addon.efi" <<<x
    check "unified image: what is beside it adds to it" offers '  unknown /boot/efi/EFI/Linux/debian-1.efi.extra.d adds to its command line'

    # Counted tries, sort keys, machines and versions.
    order() { "$STARTS" "$r" | sed -n 's|^\([*-]\) [^/]*/boot/efi\(.*\):[0-9]* ".*|\1 \2|p'; }
    judged() { # the same from bootctl, on a file system of its own
        # shellcheck disable=SC2016 # for the inner shell
        unshare -m bash -c 'mount --make-rprivate / && mount -t tmpfs none "$3" && cp -r "$2/." "$3" &&
            SYSTEMD_RELAX_ESP_CHECKS=1 "$1" --esp-path="$3" list --no-pager' - \
            "$bootctl" "$esp" "$work/mnt" |
            awk -v top="$work/mnt" '/title:/ { mark = /\(default\)/ ? "*" : "-" } $1 == "source:" { print mark, substr($2, length(top) + 1) }'
    }
    mkdir -p "$work/mnt"
    bootctl=$LOADERS/systemd-boot/usr/bin/bootctl
    can_judge() { [ "$(id -u)" = 0 ] && "$bootctl" --version >/dev/null 2>&1 && unshare -m true 2>/dev/null; }
    sdboot
    for e in 1 2 10 1-2 1.1 1.10 1a 01; do entry "deb-$e.conf" 'linux /a/linux' "version $e"; done
    # bootctl takes no name of a file with these two in it.
    for e in 1 2 10 '2~rc' '2^x'; do entry "key-${e//[~^]/_}.conf" 'linux /a/linux' 'sort-key debian' "version $e" 'machine-id aa'; done
    entry key-other.conf 'linux /a/linux' 'sort-key debian' 'version 0' 'machine-id a0'
    entry none.conf 'linux /a/linux' 'sort-key debian' 'machine-id aa'
    entry tries+3.conf 'linux /a/linux' 'sort-key debian' 'version 99'
    entry tired+0-3.conf 'linux /a/linux' 'sort-key debian' 'version 100'
    entry tired2+0.conf 'linux /a/linux'
    entry same+2-1.conf 'linux /a/linux' 'sort-key s'
    entry same+3.conf 'linux /a/linux' 'sort-key s'
    image "$esp/EFI/Linux/z-1.efi" quiet zz 12
    image "$esp/EFI/Linux/z-2.efi" quiet zz 13
    image "$esp/EFI/Linux/debian-2+1-1.efi" quiet debian 4
    order >"$work/order"
    check "order: the one with tries left and the highest version starts" grep -q '^\* /loader/entries/tries+3.conf$' "$work/order"
    check "order: what has been tried too often comes last" test "$(tail -n 2 "$work/order" | tr -d '\n')" = "- /loader/entries/tired+0-3.conf- /loader/entries/tired2+0.conf"
    check "order: all are there" test "$(wc -l <"$work/order")" = 23
    if can_judge; then
        check "order: as bootctl has it" diff <(judged) "$work/order"
        for default in 'deb-1*' 'KEY-2.conf' 'z-?.efi' 'none' '*_rc*'; do
            put "$esp/loader/loader.conf" <<<"default $default"
            check "default $default: as bootctl has it" diff <(judged) <(order)
        done
    else
        skip "order: as bootctl has it: needs root and the judges' root"
    fi
else
    skip "unified images and the order of entries: without the judges' root"
fi

# ---- syslinux and extlinux -----------------------------------------------------------------------
bios() {
    tree "$@"
    rm -r "$esp"
}
bios /boot/vmlinuz /boot/initrd.img /boot/microcode.cpio /boot/extlinux/ldlinux.sys /boot/extlinux/ldlinux.c32 /boot/extlinux/menu.c32 /boot/extlinux/libutil.c32
put "$r/boot/extlinux/extlinux.conf" <<'EOF'
# Comment
default menu.c32
timeout 50
menu title Boot
append quiet
Include more.cfg
label linux
	menu label ^Linux one
	kernel ../vmlinuz
	initrd /boot/microcode.cpio,../initrd.img
	append root=UUID=1 ro
label bare
	MENU DEFAULT
	Linux /boot/vmlinuz
label nothing
	linux /boot/vmlinuz
	append -
label gone
	linux /boot/vmlinuz-2
	append initrd=/boot/initrd.img root=UUID=1
label other
	com32 chain.c32
	append hd1
label next
	localboot -1
EOF
check "extlinux: all that it offers" starts --firmware bios <<'EOF'
- extlinux /boot/extlinux/extlinux.conf:9 "Linux one"
  kernel /boot/extlinux/../vmlinuz
  initrd /boot/microcode.cpio
  initrd /boot/extlinux/../initrd.img
  cmdline BOOT_IMAGE=../vmlinuz initrd=/boot/microcode.cpio,../initrd.img root=UUID=1 ro
* extlinux /boot/extlinux/extlinux.conf:14 "bare"
  kernel /boot/vmlinuz
  cmdline BOOT_IMAGE=/boot/vmlinuz quiet
- extlinux /boot/extlinux/extlinux.conf:16 "nothing"
  kernel /boot/vmlinuz
  cmdline BOOT_IMAGE=/boot/vmlinuz
- extlinux /boot/extlinux/extlinux.conf:19 "gone"
  kernel /boot/vmlinuz-2
  initrd /boot/initrd.img
  cmdline BOOT_IMAGE=/boot/vmlinuz-2 initrd=/boot/initrd.img root=UUID=1
  blocked /boot/vmlinuz-2 is not there
- extlinux /boot/extlinux/extlinux.conf:22 "other" (other)
  blocked /boot/extlinux/chain.c32 is not there
- extlinux /boot/extlinux/extlinux.conf:25 "next" (other)
LOOK /boot/extlinux/extlinux.conf, line 6: includes more.cfg, which is not there
EOF
put "$r/boot/extlinux/more.cfg" <<<"ontimeout gone"
check "extlinux: what an included file says" offers '* extlinux /boot/extlinux/extlinux.conf:19 "gone"'
put "$r/boot/extlinux/more.cfg" <<<"include more.cfg"
check "extlinux: a file that includes itself" offers "DOUBT /boot/extlinux/more.cfg, line 1: includes too many files"
rm "$r/boot/extlinux/menu.c32" "$r/boot/extlinux/more.cfg"
check "extlinux: without the menu's module" offers "LOOK /boot/extlinux/extlinux.conf: the menu's module /boot/extlinux/menu.c32 is not there"
rm "$r/boot/extlinux/ldlinux.c32"
printf '\r\nSYSLINUX 6.04 EDD' >"$r/boot/extlinux/ldlinux.sys"
check "extlinux: without its library" offers "DOUBT /boot/extlinux/ldlinux.sys: needs /boot/extlinux/ldlinux.c32, which is not there"
printf '\r\nEXTLINUX 4.05' >"$r/boot/extlinux/ldlinux.sys"
refute "extlinux 4 has none" offers "needs /boot/extlinux/ldlinux.c32"
put "$r/boot/extlinux/extlinux.conf" <<'EOF'
PROMPT 0
DEFAULT /boot/vmlinuz root=UUID=1 initrd=/boot/initrd.img
EOF
check "extlinux: a command line as the default" starts --firmware bios <<'EOF'
* extlinux /boot/extlinux/extlinux.conf:2 "/boot/vmlinuz root=UUID=1 initrd=/boot/initrd.img"
  kernel /boot/vmlinuz
  initrd /boot/initrd.img
  cmdline BOOT_IMAGE=/boot/vmlinuz root=UUID=1 initrd=/boot/initrd.img
EOF
put "$r/boot/extlinux/extlinux.conf" <<'EOF'
DEFAULT LINUX
PROMPT 1
LABEL linux
  KERNEL mboot.c32
  APPEND ../xen.gz dom0_mem=1G --- ../vmlinuz root=UUID=1 --- ../initrd.img
EOF
put "$r/boot/extlinux/mboot.c32" <<<module
put "$r/boot/xen.gz" <<<xen
check "extlinux: Xen, and nobody at the prompt" starts --firmware bios <<'EOF'
* extlinux /boot/extlinux/extlinux.conf:4 "linux"
  kernel /boot/extlinux/../vmlinuz
  initrd /boot/extlinux/../initrd.img
  cmdline root=UUID=1
LOOK /boot/extlinux/extlinux.conf: extlinux waits for a key, since TIMEOUT is not set
EOF
# A /boot of its own: paths are counted from its top, with and without probed devices.
bios /boot/vmlinuz /boot/initrd.img /boot/ldlinux.sys
put "$r/boot/extlinux.conf" <<'EOF'
DEFAULT a
LABEL a
  KERNEL /vmlinuz
  INITRD initrd.img
EOF
echo "/dev/sda3 /boot ext4 defaults 0 1" >>"$r/etc/fstab"
check "extlinux: a /boot of its own, by fstab" starts --firmware bios <<'EOF'
* extlinux /boot/extlinux.conf:3 "a"
  kernel /boot/vmlinuz
  initrd /boot/initrd.img
  cmdline BOOT_IMAGE=/vmlinuz initrd=initrd.img
EOF
put "$work/devices" <<'EOF'
[{"name": "/dev/vda", "disk": 0, "part": 0, "boot_code": "syslinux"},
 {"name": "/dev/vda1", "disk": 0, "part": 1, "type": "ext4", "uuid": "1", "mounts": [{"at": "/boot", "inside": ""}]},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "ext4", "uuid": "2", "root": true, "mounts": [{"at": "/", "inside": ""}]}]
EOF
check "extlinux: by the probed devices" offers "  kernel /boot/vmlinuz" --firmware bios --devices "$work/devices"

# ---- Boot code -----------------------------------------------------------------------------------
sed -i 's/"syslinux"/"none"/' "$work/devices"
check "BIOS: a disk without boot code" offers "STOPS the first disk has no boot code: a BIOS finds nothing to start on it" --firmware bios --devices "$work/devices"
sed -i 's/"none"/"grub"/' "$work/devices"
check "BIOS: boot code of a loader that is not configured" offers "STOPS the first disk starts GRUB 2, which has no configuration" --firmware bios --devices "$work/devices"
sed -i 's/"grub"/"grub-incomplete"/' "$work/devices"
check "BIOS: GRUB without its second part" offers "STOPS the boot code of the first disk is GRUB's first sector alone" --firmware bios --devices "$work/devices"
sed -i 's/"grub-incomplete"/"other"/' "$work/devices"
check "BIOS: boot code of something else" offers "DOUBT the boot code of the first disk is of no loader that is known" --firmware bios --devices "$work/devices"
check "BIOS: what is configured is read nevertheless" grep -q '^\* extlinux ' "$work/starts"

# ---- GRUB legacy ---------------------------------------------------------------------------------
legacy() {
    bios /boot/vmlinuz /boot/initrd /boot/xen.gz /boot/grub/stage2
    cat >"$r/boot/grub/menu.lst"
}
legacy <<'EOF'
# menu
default=1
fallback 0
timeout=5
title  Old
	root (hd0,1)
	kernel --no-mem-option /boot/vmlinuz root=LABEL=/ ro
	initrd /boot/initrd
title Broken
	root (hd0,1)
	kernel (hd0,1)/boot/vmlinuz-2 root=/dev/sda2
title Xen
	root (hd0,1)
	kernel /boot/xen.gz dom0_mem=512M
	module /boot/vmlinuz root=/dev/sda2 ro
	module /boot/initrd
title Windows
	rootnoverify (hd0,0)
	chainloader +1
title Odd
	map (hd0) (hd1)
	kernel /boot/vmlinuz
EOF
check "GRUB legacy: a fallback for what is gone" starts --firmware bios <<'EOF'
* GRUB legacy /boot/grub/menu.lst:7 "Old"
  kernel /boot/vmlinuz
  initrd /boot/initrd
  cmdline root=LABEL=/ ro
- GRUB legacy /boot/grub/menu.lst:11 "Broken"
  kernel /boot/vmlinuz-2
  cmdline root=/dev/sda2
  blocked /boot/vmlinuz-2 is not there
- GRUB legacy /boot/grub/menu.lst:15 "Xen"
  kernel /boot/vmlinuz
  initrd /boot/initrd
  cmdline root=/dev/sda2 ro
- GRUB legacy /boot/grub/menu.lst:17 "Windows" (other)
- GRUB legacy /boot/grub/menu.lst:22 "Odd"
  kernel /boot/vmlinuz
  unknown line 21: "map" is not followed
LOOK /boot/grub/menu.lst, line 11: the default does not start (/boot/vmlinuz-2 is not there): the fallback does
EOF
both grub-legacy
check "GRUB legacy: by the probed partitions" offers '* GRUB legacy /boot/grub/menu.lst:7 "Old"' --firmware bios --devices "$work/devices"
sed -i 's/(hd0,1)/(hd3,1)/' "$r/boot/grub/menu.lst"
check "GRUB legacy: a disk that is not there" offers "  unknown line 6: the device (hd3,1) is not known" --firmware bios --devices "$work/devices"
legacy <<'EOF'
default saved
title One
kernel /boot/vmlinuz root=1
title Two
configfile /boot/grub/more.lst
EOF
put "$r/boot/grub/more.lst" <<'EOF'
timeout 1
title Three
kernel /boot/vmlinuz root=3
EOF
printf '1\n#\n' >"$r/boot/grub/default"
check "GRUB legacy: what was saved, a menu behind an entry" starts --firmware bios <<'EOF'
- GRUB legacy /boot/grub/menu.lst:3 "One"
  kernel /boot/vmlinuz
  cmdline root=1
- GRUB legacy /boot/grub/menu.lst:5 "Two" (other)
  kernel /boot/grub/more.lst
* GRUB legacy /boot/grub/more.lst:3 "Three"
  kernel /boot/vmlinuz
  cmdline root=3
LOOK /boot/grub/menu.lst: waits for a key, since timeout is not set
EOF
printf 'title Loop\nconfigfile /boot/grub/menu.lst\n' >"$r/boot/grub/menu.lst"
check "GRUB legacy: a menu that leads to itself" offers "  unknown its menu is one of too many"
echo "timeout 1" >"$r/boot/grub/menu.lst"
check "GRUB legacy: an empty menu" offers "STOPS /boot/grub/menu.lst: offers nothing to start"

# ---- LILO, rEFInd, boards ------------------------------------------------------------------------
bios /boot/vmlinuz /boot/initrd
put "$r/etc/lilo.conf" <<'EOF'
boot = /dev/sda # the disk
append = "quiet splash"
default = two
read-only
image = /boot/vmlinuz
  label = one
  root = /dev/sda2
  initrd = /boot/initrd
image=/boot/vmlinuz
  label=two
  root="UUID=1"
  append=""
  read-write
other = /dev/sda1
  label = dos
EOF
check "LILO: all that it offers, with the doubt" starts --firmware bios <<'EOF'
- LILO /etc/lilo.conf:5 "one"
  kernel /boot/vmlinuz
  initrd /boot/initrd
  cmdline root=/dev/sda2 ro quiet splash
* LILO /etc/lilo.conf:9 "two"
  kernel /boot/vmlinuz
  cmdline root=UUID=1 rw
- LILO /etc/lilo.conf:14 "dos" (other)
DOUBT /etc/lilo.conf: LILO starts what /sbin/lilo last wrote into its map, not what is written here: run lilo in the system before it is moved, or change to another loader
EOF

tree /boot/vmlinuz-1.2 /boot/initrd.img-1.2 /boot/efi/EFI/tools/shell.efi
if [ -e "$LOADERS/refind" ]; then cp "$LOADERS/refind/usr/share/refind/refind/refind_x64.efi" "$esp/EFI/BOOT/BOOTX64.EFI"; else printf refind >"$esp/EFI/BOOT/BOOTX64.EFI"; fi
put "$esp/EFI/BOOT/refind.conf" <<'EOF'
timeout 20
default_selection "+,mine"
menuentry "Shell" {
    loader /EFI/tools/shell.efi
}
menuentry Mine {
    loader /vmlinuz-1.2
    initrd /initrd.img-1.2
    options "root=UUID=1 ro"
    submenuentry "again" {
        options "root=UUID=2"
    }
}
menuentry "Off" {
    loader /vmlinuz
    disabled
}
EOF
put "$r/boot/refind_linux.conf" <<'EOF'
"Standard"   "root=UUID=1 ro quiet"
"Single"     "root=UUID=1 ro single"
EOF
check "rEFInd: stanzas and kernels that it finds" starts <<'EOF'
- rEFInd /boot/efi/EFI/BOOT/refind.conf:3 "Shell" (other)
  kernel /boot/efi/EFI/tools/shell.efi
* rEFInd /boot/efi/EFI/BOOT/refind.conf:6 "Mine"
  kernel /boot/vmlinuz-1.2
  initrd /boot/initrd.img-1.2
  cmdline root=UUID=1 ro
- rEFInd /boot/refind_linux.conf:1 "Standard"
  kernel /boot/vmlinuz-1.2
  initrd /boot/initrd.img-1.2
  cmdline root=UUID=1 ro quiet
LOOK /boot/efi/EFI/BOOT/refind.conf: which of 3 entries rEFInd starts depends on its memory of the last start, which stays behind, and on the times of files
EOF

arm() { # 64-bit Arm by its programs
    tree "$@"
    rm -r "$esp"
    printf '\xb7' | dd of="$r/usr/bin/dash" bs=1 seek=18 conv=notrunc status=none
}
arm /boot/vmlinuz /boot/initrd /boot/dtb
put "$r/boot/extlinux/extlinux.conf" <<'EOF'
timeout 30
default l0
label l0
	linux /boot/vmlinuz
	initrd /boot/initrd
	fdt /boot/dtb
	append root=UUID=1 rw
EOF
check "U-Boot: without modules, the command line as it is" starts <<'EOF'
* U-Boot /boot/extlinux/extlinux.conf:4 "l0"
  kernel /boot/vmlinuz
  initrd /boot/initrd
  cmdline root=UUID=1 rw
EOF
arm /boot/firmware/vmlinuz /boot/firmware/initrd.img
put "$r/boot/firmware/config.txt" <<'EOF'
[pi4]
kernel=uboot.bin
[all]
kernel=vmlinuz
initramfs initrd.img followkernel
cmdline=cmdline.txt
EOF
check "Raspberry Pi: without its command line" offers "  blocked /boot/firmware/cmdline.txt is not there"
printf 'root=LABEL=x rw\nmore\n' >"$r/boot/firmware/cmdline.txt"
check "Raspberry Pi: config.txt" starts <<'EOF'
* the Raspberry Pi's firmware /boot/firmware/config.txt:4 ""
  kernel /boot/firmware/vmlinuz
  initrd /boot/firmware/initrd.img
  cmdline root=LABEL=x rw
  unknown the lines of config.txt that are for one model of the board
EOF

# ---- Too much ------------------------------------------------------------------------------------
bios /boot/vmlinuz
mkdir -p "$r/boot/extlinux"
{
    echo "DEFAULT l1"
    for i in $(seq 300); do printf 'LABEL l%d\nLINUX /boot/vmlinuz\n' "$i"; done
} >"$r/boot/extlinux/extlinux.conf"
check "more entries than there is room for" offers "has more entries than 256"
check "the others are there" test "$(grep -c '^[*-] extlinux' "$work/starts")" = 256
bios
put "$r/boot/extlinux/extlinux.conf" < <(printf 'DEFAULT x\nLABEL x\nLINUX /\0\xff/%0400d\nINITRD ,,,\nAPPEND initrd=,\nLABEL\nKERNEL\nMENU\nINCLUDE\nAPPEND\n' 0)
check "odd values" "$STARTS" "$r"
finish
