#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boot loaders' own files, each as it was and as it has to be, byte for byte: what starts the kernel has stable names
# and the serial console, and everything else is kept.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

# shellcheck disable=SC2154 # trees.sh sets $work and $r
root=UUID=11111111-2222-3333-4444-555555555555 swap=UUID=99999999-2222-3333-4444-555555555555
part=PARTUUID=abcdabcd-02
console='console=tty0 console=ttyS0,115200'
put "$work/devices" <<'EOF'
[{"name": "/dev/vda1", "disk": 0, "part": 1, "type": "vfat", "uuid": "1234-ABCD", "esp": true, "partuuid": "abcdabcd-01"},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "ext4", "uuid": "11111111-2222-3333-4444-555555555555", "root": true, "partuuid": "abcdabcd-02"},
 {"name": "/dev/vda3", "disk": 0, "part": 3, "type": "swap", "uuid": "99999999-2222-3333-4444-555555555555", "partuuid": "abcdabcd-03"},
 {"name": "/dev/vdb1", "disk": 1, "part": 1, "type": "ext4", "uuid": "77777777-2222-3333-4444-555555555555", "partuuid": "beefbeef-01"},
 {"name": "/dev/vdb2", "disk": 1, "part": 2, "type": "crypto_LUKS", "uuid": "88888888-2222-3333-4444-555555555555", "partuuid": "beefbeef-02"}]
EOF
run() { finalize "$r" "$work/plan"; }
serial() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"}${1:+, \"serial_console\": $1}}"; }
note() { jq -e --arg l "$1" --arg a "$2" --arg t "$3" '.notes[] | select(.level == $l and .about == $a and (.text | contains($t)))' "$work/report" >/dev/null || shows "$1 $2 $3" "$work/report.txt"; }
loader() { jq -e --arg n "$1" '.system.boot_loaders[] | select(.name == $n)' "$work/report" >/dev/null || shows "$1" "$work/report.txt"; }
# A loader where the firmware of a new machine looks for one.
esp() { put "$r/boot/efi/EFI/BOOT/BOOTX64.EFI" <<<loader; }
refuses() { ! run && says "$1" && [ "$(jq -r .result "$work/report")" = refused ]; }
judge=${JUDGE:-build/judge/root}
# judged COMMAND...: a tool of GRUB's package, of the host or of the judges' root; its argument is a file.
tool() {
    if command -v "$1" >/dev/null 2>&1; then
        "$@"
    elif [ -x "$judge/usr/bin/$1" ] && [ "$(id -u)" = 0 ]; then
        local name=$1 file=$2
        shift 2
        cp "$file" "$judge/tmp/loaders.$$"
        chroot "$judge" "$name" "/tmp/loaders.$$" "$@"
        local status=$?
        rm -f "$judge/tmp/loaders.$$"
        return "$status"
    else
        return 99
    fi
}
have() { command -v "$1" >/dev/null 2>&1 || { [ -x "$judge/usr/bin/$1" ] && [ "$(id -u)" = 0 ]; }; }
script() { # NAME FILE
    if have grub-script-check; then
        check "$1: grub-script-check" tool grub-script-check "$2"
    else
        skip "$1: grub-script-check"
    fi
}
block() { # LINE...: an environment block of GRUB
    { printf '# GRUB Environment Block\n' && printf '%s\n' "$@" && head -c 1024 /dev/zero | tr '\0' '#'; } | head -c 1024
}
env_has() { tool grub-editenv "$1" list >"$work/env" && has "$work/env" "$2"; }

# ---- GRUB 2: the menu and all that it reads --------------------------------------------------------
serial true
bare "$r"
put "$r/boot/grub/grub.cfg" <<'EOF'
# a comment with root=/dev/sda2
if [ -s $prefix/grubenv ]; then
  load_env
fi
set default="${saved_entry}"
if [ x"${feature_menuentry_id}" = xy ]; then menuentry_id_option="--id"; else menuentry_id_option=""; fi
terminal_output gfxterm
set rootpartition=/dev/sda2
set cmdline="ro \
 resume=/dev/sda3 quiet"
function load_video { insmod all_video; }
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple' {
	savedefault
	search --no-floppy --fs-uuid --set=root 11111111-2222-3333-4444-555555555555
	linux	/boot/vmlinuz-6.1 \
		root=/dev/sda2 ro "dyndbg=file x \
+p" \
		resume=/dev/sda3 -- single
	initrd	/boot/initrd.img-6.1
}
submenu 'Advanced' {
	menuentry 'variables' { linux /boot/$image root=${rootpartition} $cmdline; initrd /boot/initrd.img; }
	menuentry 'quotes' {
		linux /vmlinuz "root=/dev/sda2" 'resume=/dev/sda3' rw # root=/dev/sda2
		initrd /initrd.img
	}
	menuentry 'no initramfs' { linux /vmlinuz root=/dev/sda2 rw; }
	menuentry 'Another Linux (on /dev/sdb1)' {
		set root='hd1,msdos1'
		linux /vmlinuz root=/dev/sdb1
		initrd /initrd.img
	}
	menuentry 'Xen' {
		multiboot2 /boot/xen.gz placeholder ${xen_rm_opts}
		module2 --nounzip /vmlinuz placeholder root=/dev/sda2 ro
		module2 --nounzip /initrd.img
	}
}
menuentry 'Memory test' {
	linux16 /boot/memtest86+.bin console=ttyS0,115200
}
if [ -f ${config_directory}/custom.cfg ]; then
  source ${config_directory}/custom.cfg
fi
source $prefix/more.cfg
EOF
put "$r/boot/grub/custom.cfg" <<'EOF'
menuentry "mine" { linux (hd0,msdos1)/vmlinuz root=/dev/sda2 ro ; initrd /initrd.img }
EOF
put "$r/boot/grub/more.cfg" <<<'configfile ($root)/grub/last.cfg'
put "$r/boot/grub/last.cfg" <<'EOF'
menuentry last { linuxefi /vmlinuz root=/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part2; initrdefi /initrd.img; }
EOF
block saved_entry=gnulinux-simple 'note=a\\b' | put "$r/boot/grub/grubenv"
adapted "grub"
check "grub: the menu" is "$r/boot/grub/grub.cfg" <<EOF
# a comment with root=/dev/sda2
if [ -s \$prefix/grubenv ]; then
  load_env
fi
set default="\${saved_entry}"
if [ x"\${feature_menuentry_id}" = xy ]; then menuentry_id_option="--id"; else menuentry_id_option=""; fi
terminal_output gfxterm
set rootpartition=$root
set cmdline="ro \\
 resume=$swap quiet"
function load_video { insmod all_video; }
serial --unit=0 --speed=115200
terminal_input --append serial
terminal_output --append serial
menuentry 'Debian GNU/Linux' --class debian \$menuentry_id_option 'gnulinux-simple' {
	savedefault
	search --no-floppy --fs-uuid --set=root 11111111-2222-3333-4444-555555555555
	linux	/boot/vmlinuz-6.1 \\
		root=$root ro "dyndbg=file x \\
+p" \\
		resume=$swap $console -- single
	initrd	/boot/initrd.img-6.1
}
submenu 'Advanced' {
	menuentry 'variables' { linux /boot/\$image root=\${rootpartition} \$cmdline $console; initrd /boot/initrd.img; }
	menuentry 'quotes' {
		linux /vmlinuz root=$root resume=$swap rw $console # root=/dev/sda2
		initrd /initrd.img
	}
	menuentry 'no initramfs' { linux /vmlinuz root=$part rw $console; }
	menuentry 'Another Linux (on /dev/sdb1)' {
		set root='hd1,msdos1'
		linux /vmlinuz root=UUID=77777777-2222-3333-4444-555555555555 $console
		initrd /initrd.img
	}
	menuentry 'Xen' {
		multiboot2 /boot/xen.gz placeholder \${xen_rm_opts}
		module2 --nounzip /vmlinuz placeholder root=$root ro $console
		module2 --nounzip /initrd.img
	}
}
menuentry 'Memory test' {
	linux16 /boot/memtest86+.bin console=ttyS0,115200
}
if [ -f \${config_directory}/custom.cfg ]; then
  source \${config_directory}/custom.cfg
fi
source \$prefix/more.cfg
EOF
script "grub" "$r/boot/grub/grub.cfg"
check "grub: what source leads to" has "$r/boot/grub/custom.cfg" "menuentry \"mine\" { linux (hd0,msdos1)/vmlinuz root=$root ro $console ; initrd /initrd.img }"
check "grub: and configfile, from a file that is sourced" has "$r/boot/grub/last.cfg" "menuentry last { linuxefi /vmlinuz root=$root $console; initrdefi /initrd.img; }"
check "grub: a block without a command line keeps its bytes" cmp "$r/boot/grub/grubenv" <(block saved_entry=gnulinux-simple 'note=a\\b')
check "grub: a disk by its number is said" note warning /boot/grub/grub.cfg "root=hd1,msdos1 depends on the order of the disks"
serial false
check "grub: the serial console goes" run
check "grub: from the words" lacks "$r/boot/grub/grub.cfg" 'quiet console=ttyS0'
check "grub: from each entry, and the screen stays" has "$r/boot/grub/custom.cfg" "menuentry \"mine\" { linux (hd0,msdos1)/vmlinuz root=$root ro console=tty0 ; initrd /initrd.img }"
refute "grub: and GRUB's terminal with it" grep -E '^(serial|terminal_.*serial)' "$r/boot/grub/grub.cfg"
script "grub: without serial" "$r/boot/grub/grub.cfg"

# A terminal that is set up stays, at the port that the new home has, and goes word by word.
serial true
bare "$r"
put "$r/boot/grub2/grub.cfg" <<'EOF'
serial --unit=1 --speed=9600
terminal_input console serial
terminal_output serial
if loadfont unicode; then
  terminal_output serial gfxterm
fi
menuentry a { linux /vmlinuz root=UUID=1 console=ttyS0,9600; initrd /i; }
EOF
check "grub: a serial terminal that is set up" run
check "grub: stays, at the first port" is "$r/boot/grub2/grub.cfg" <<'EOF'
serial --unit=0 --speed=9600
terminal_input console serial
terminal_output serial
if loadfont unicode; then
  terminal_output serial gfxterm
fi
menuentry a { linux /vmlinuz root=UUID=1 console=ttyS0,9600; initrd /i; }
EOF
check "grub: a second run" again
script "grub: a serial terminal that was set up" "$r/boot/grub2/grub.cfg"
serial false
cp "$r/boot/grub2/grub.cfg" "$work/menu"
bare "$r"
put "$r/boot/grub2/grub.cfg" <"$work/menu"
adapted "grub: a serial terminal that goes"
check "grub: what is left" is "$r/boot/grub2/grub.cfg" <<'EOF'
terminal_input console
terminal_output console
if loadfont unicode; then
  terminal_output gfxterm
fi
menuentry a { linux /vmlinuz root=UUID=1; initrd /i; }
EOF
script "grub: a serial terminal that went" "$r/boot/grub2/grub.cfg"

# ---- GRUB 2: a root that cannot be named -----------------------------------------------------------
serial ""
bare "$r"
put "$r/boot/grub/grub.cfg" <<'EOF'
set default=1
menuentry a { linux /vmlinuz root=/dev/sda2; initrd /i; }
menuentry b {
	linux /vmlinuz root=PARTUUID=abcdabcd-02
	initrd /i
}
menuentry c { linux /vmlinuz resume=/dev/sdq7 root=/dev/sda2; initrd /i; }
EOF
sed -i 's/, "root": true//' "$work/devices"
sed -i 's,root=/dev/sda2; initrd /i; }$,root=/dev/sdq2; initrd /i; },' "$r/boot/grub/grub.cfg"
check "grub: a root that is not known, of an entry that somebody has to choose" run
check "grub: is said with its line" note warning /boot/grub/grub.cfg "line 2: root=/dev/sdq2 stays"
check "grub: and so is a swap area" note warning /boot/grub/grub.cfg "line 7: resume=/dev/sdq7 stays"
for default in 'set default=0' 'set default="a"' 'set default=nobody' 'set default="${saved_entry}"' 'set timeout=5'; do
    sed -i "1s/.*/$default/" "$r/boot/grub/grub.cfg"
    check "grub: of the default ($default) it is refused with file and line" refuses "/boot/grub/grub.cfg, line 2: the system is started with root=/dev/sdq2"
done
sed -i '1s/.*/set default="${saved_entry}"/' "$r/boot/grub/grub.cfg"
block saved_entry=b | put "$r/boot/grub/grubenv"
check "grub: what grubenv remembers is the default" run
block 'saved_entry=c' | put "$r/boot/grub/grubenv"
check "grub: also where that is the one" refuses "line 7: the system is started with root=/dev/sdq2"
sed -i 's/"uuid": "11111111-2222-3333-4444-555555555555"/&, "root": true/' "$work/devices"

# ---- GRUB 2: RHEL 8 with kernelopts in grubenv, on the EFI system partition -------------------------
serial true
bare "$r"
esp
mkdir -p "$r/boot/grub2"
ln -s ../efi/EFI/redhat/grubenv "$r/boot/grub2/grubenv"
block 'saved_entry=abc-4.18' 'kernelopts=root=/dev/sda2 ro resume=/dev/sda3 rhgb ' boot_success=0 | put "$r/boot/efi/EFI/redhat/grubenv"
put "$r/boot/efi/EFI/redhat/grub.cfg" <<'EOF'
set default="${saved_entry}"
if [ -z "${kernelopts}" ]; then
  set kernelopts="root=/dev/sda2 ro "
fi
insmod blscfg
blscfg
EOF
put "$r/boot/loader/entries/abc-4.18.conf" <<'EOF'
title Red Hat Enterprise Linux
linux /vmlinuz-4.18
initrd /initramfs-4.18.img $tuned_initrd
options $kernelopts $tuned_params
EOF
cp "$r/boot/loader/entries/abc-4.18.conf" "$work/entry"
adapted "kernelopts"
check "kernelopts: the block has the size it had" equal 1024 "$(stat -c %s "$r/boot/efi/EFI/redhat/grubenv")"
check "kernelopts: root, resume, console" cmp "$r/boot/efi/EFI/redhat/grubenv" <(block saved_entry=abc-4.18 "kernelopts=root=$root ro resume=$swap rhgb $console " boot_success=0)
if have grub-editenv; then
    check "kernelopts: grub-editenv reads it" env_has "$r/boot/efi/EFI/redhat/grubenv" "kernelopts=root=$root ro resume=$swap rhgb $console "
else
    skip "kernelopts: grub-editenv"
fi
check "kernelopts: what the menu falls back on" is "$r/boot/efi/EFI/redhat/grub.cfg" <<EOF
set default="\${saved_entry}"
if [ -z "\${kernelopts}" ]; then
  set kernelopts="root=$root ro $console "
fi
insmod blscfg
serial --unit=0 --speed=115200
terminal_input --append serial
terminal_output --append serial
blscfg
EOF
script "kernelopts" "$r/boot/efi/EFI/redhat/grub.cfg"
check "kernelopts: the entry stays" cmp "$r/boot/loader/entries/abc-4.18.conf" "$work/entry"
bare "$r"
printf 'kernelopts=root=/dev/sda2\n' | put "$r/boot/grub2/grubenv"
cp "$r/boot/grub2/grubenv" "$work/env"
check "kernelopts: a block that GRUB would not read" run
check "kernelopts: is left alone" cmp "$r/boot/grub2/grubenv" "$work/env"
check "kernelopts: and said" note warning /boot/grub2/grubenv "no environment block"
block "kernelopts=root=/dev/sda2 $(printf 'x%.0s' {1..960})" | put "$r/boot/grub2/grubenv"
check "kernelopts: a block that would become too large is refused" refuses "do not fit into the 1024 bytes"
before=$(block "kernelopts=root=UUID=1 $console" | sha256sum)
block "kernelopts=root=UUID=1 $console" | put "$r/boot/grub2/grubenv"
check "kernelopts: nothing to do" run
check "kernelopts: nothing done" equal "$before" "$(sha256sum <"$r/boot/grub2/grubenv")"

# ---- GRUB 2: Photon, whose environment blocks are not filled ----------------------------------------
serial true
bare "$r"
put "$r/boot/grub2/grub.cfg" <<'EOF'
set default=0
set rootpartition=PARTUUID=abcdabcd-02
load_env -f /boot/photon.cfg
if [ -f /boot/systemd.cfg ]; then
    load_env -f /boot/systemd.cfg
else
    set systemd_cmdline=net.ifnames=0
fi
menuentry "Photon" {
    linux /boot/$photon_linux root=$rootpartition $photon_cmdline $systemd_cmdline
    if [ -f /boot/$photon_initrd ]; then
        initrd /boot/$photon_initrd
    fi
}
EOF
put "$r/boot/photon.cfg" <<'EOF'
# GRUB Environment Block
photon_cmdline=init=/lib/systemd/systemd ro resume=/dev/sda3 quiet
photon_linux=vmlinuz-6.1.10-10.ph5
photon_initrd=initrd.img-6.1.10-10.ph5
EOF
put "$r/boot/systemd.cfg" <<'EOF'
# GRUB Environment Block
systemd_cmdline=net.ifnames=0 mount.usr=/dev/sdb1
EOF
adapted "photon"
check "photon: its block" is "$r/boot/photon.cfg" <<EOF
# GRUB Environment Block
photon_cmdline=init=/lib/systemd/systemd ro resume=$swap quiet
photon_linux=vmlinuz-6.1.10-10.ph5
photon_initrd=initrd.img-6.1.10-10.ph5
EOF
check "photon: systemd.cfg" is "$r/boot/systemd.cfg" <<EOF
# GRUB Environment Block
systemd_cmdline=net.ifnames=0 mount.usr=UUID=77777777-2222-3333-4444-555555555555
EOF
check "photon: the kernel's line" has "$r/boot/grub2/grub.cfg" "    linux /boot/\$photon_linux root=\$rootpartition \$photon_cmdline \$systemd_cmdline $console"

# ---- GRUB 2: what update-grub makes the menu from ---------------------------------------------------
bare "$r"
put "$r/etc/default/grub" <<'EOF'
GRUB_DEVICE="/dev/sda2"
GRUB_CMDLINE_LINUX=""
GRUB_TERMINAL_OUTPUT="console"
EOF
put "$r/etc/default/grub.d/50-cloudimg-settings.cfg" <<'EOF'
GRUB_TERMINAL=console
EOF
put "$r/etc/grub.d/10_linux" <<'EOF'
#! /bin/sh
linux_entry () {
    sed "s/^/$submenu_indentation/" << EOF2
	linux	${rel_dirname}/${basename} root=${linux_root_device_thisversion} ro ${args}
EOF2
}
EOF
cp "$r/etc/grub.d/10_linux" "$work/script"
put "$r/etc/grub.d/40_custom" <<'EOF'
#!/bin/sh
exec tail -n +3 $0
# This file provides an easy way to add custom menu entries.
menuentry 'by hand' {
	linux /vmlinuz root=/dev/sda2 ro
	initrd /initrd.img
}
EOF
put "$r/etc/grub.d/42_here" <<'EOF'
#!/bin/sh
echo "Adding an entry" >&2
cat <<-'END'
	menuentry 'literal' { linux /vmlinuz root=/dev/sda2 $more; initrd /i; }
	END
cat << END
menuentry 'expanded' {
  linux /vmlinuz root=/dev/sda2 ${GRUB_CMDLINE_LINUX}
  linux /vmlinuz root=/dev/sda2 quiet
  initrd /i
}
END
EOF
adapted "update-grub"
check "update-grub: the defaults" is "$r/etc/default/grub" <<EOF
GRUB_DEVICE=/dev/disk/by-uuid/${root#UUID=}
GRUB_CMDLINE_LINUX="$console"
GRUB_TERMINAL_OUTPUT="console serial"
GRUB_TERMINAL_INPUT="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
EOF
check "update-grub: a file that comes after them" has "$r/etc/default/grub.d/50-cloudimg-settings.cfg" 'GRUB_TERMINAL="console serial"'
check "update-grub: a program stays" cmp "$r/etc/grub.d/10_linux" "$work/script"
check "update-grub: entries behind tail" has "$r/etc/grub.d/40_custom" "	linux /vmlinuz root=$root ro $console"
check "update-grub: here-documents" is "$r/etc/grub.d/42_here" <<EOF
#!/bin/sh
echo "Adding an entry" >&2
cat <<-'END'
	menuentry 'literal' { linux /vmlinuz root=$root \$more $console; initrd /i; }
	END
cat << END
menuentry 'expanded' {
  linux /vmlinuz root=$part \${GRUB_CMDLINE_LINUX}
  linux /vmlinuz root=$root quiet $console
  initrd /i
}
END
EOF
serial false
check "update-grub: the serial console goes" run
check "update-grub: and is not in the defaults" is "$r/etc/default/grub" <<EOF
GRUB_DEVICE=/dev/disk/by-uuid/${root#UUID=}
GRUB_CMDLINE_LINUX="console=tty0"
GRUB_TERMINAL_OUTPUT="console"
GRUB_TERMINAL_INPUT="console"
EOF
# terminals LIST WANTED: what becomes of a list of terminals when a serial console is wanted.
terminals() {
    bare "$r"
    put "$r/etc/default/grub" <<<"GRUB_TERMINAL=\"$1\""
    run && has "$r/etc/default/grub" "GRUB_TERMINAL=\"$2\""
}
serial true
for list in console gfxterm "gfxterm console" ofconsole "vga_text at_keyboard"; do
    check "terminals: $list" terminals "$list" "$list serial"
    check "terminals: $list: a second run" again
done
# port OLD WANTED: what becomes of the port that is set up, in the defaults and in a menu.
port() {
    bare "$r"
    put "$r/etc/default/grub" <<<"GRUB_SERIAL_COMMAND=\"$1\""
    put "$r/boot/grub/grub.cfg" <<<"$1
menuentry a { linux /vmlinuz root=UUID=1 console=ttyS0; initrd /i; }"
    run && has "$r/etc/default/grub" "GRUB_SERIAL_COMMAND=\"$2\"" && has "$r/boot/grub/grub.cfg" "$2"
}
while IFS='|' read -r old new; do
    check "port: $old" port "$old" "$new"
    check "port: $old: a second run" again
done <<'EOF'
serial --unit=1 --speed=9600 --word=8|serial --unit=0 --speed=9600 --word=8
serial --speed=115200 --unit=3|serial --speed=115200 --unit=0
serial -u 1 -s 9600|serial -u 0 -s 9600
serial --unit 2 --speed 9600|serial --unit 0 --speed 9600
serial --port=0x2f8 --speed=9600|serial --port=0x3f8 --speed=9600
serial -p 0x2f8|serial -p 0x3f8
serial com1 --speed=9600|serial com0 --speed=9600
serial --unit=0 --speed=9600|serial --unit=0 --speed=9600
serial --port=0x3f8|serial --port=0x3f8
serial --speed=1|serial --speed=1
serial -s 1|serial -s 1
EOF
for list in serial "serial console" serial_com0 "console serial_efi0"; do
    check "terminals: $list stays" terminals "$list" "$list"
done
# GRUB does nothing of a command that has a terminal which it does not find, and grub-mkconfig ends at such a name.
for list in ec2-console "console consol" "gfxterm,serial"; do
    check "terminals: $list is nothing to add to" terminals "$list" "$list"
    check "terminals: no port is set up for it" lacks "$r/etc/default/grub" GRUB_SERIAL
    check "terminals: it is said" note warning /etc/default/grub "which is no terminal of GRUB itself, so the serial console is not added"
done
serial ""
bare "$r"
put "$r/boot/grub/device.map" <<'EOF'
(hd0)	/dev/disk/by-id/ata-VMware_Virtual_SATA_1
(hd1)	/dev/sdb
EOF
put "$r/var/cache/debconf/config.dat" <<'EOF'
Name: grub-pc/install_devices
Template: grub-pc/install_devices
Value: /dev/disk/by-id/ata-VMware_Virtual_SATA_1
Owners: grub-pc
EOF
check "grub: names of disks that its packages keep" run
check "grub: in device.map" note warning /boot/grub/device.map "line 2: /dev/sdb is a disk of the old home"
check "grub: in debconf" note warning /var/cache/debconf/config.dat "line 3: the next upgrade of grub-pc would install it on /dev/disk/by-id/ata-VMware_Virtual_SATA_1"

# ---- Entries of the Boot Loader Specification --------------------------------------------------------
serial true
bare "$r"
esp
mkdir -p "$r/boot/efi/EFI/systemd"
put "$r/boot/efi/loader/loader.conf" <<'EOF'
timeout 3
default opensuse-*
EOF
put "$r/boot/efi/loader/entries/opensuse-tumbleweed-6.9.1-1.conf" <<'EOF'
# Boot Loader Specification type#1 entry
title      openSUSE Tumbleweed
linux      /opensuse-tumbleweed/6.9.1/linux-abc
initrd     /opensuse-tumbleweed/6.9.1/initrd-def
options    splash=silent quiet security=selinux
options    root=/dev/sda2 rootflags=subvol=@/.snapshots/1/snapshot systemd.machine_id=1
EOF
put "$r/efi/loader/entries/bare.conf" <<'EOF'
linux /linux
options root=/dev/sda2 console=ttyS0
EOF
put "$r/usr/lib/kernel/cmdline" <<'EOF'
root=/dev/sda2 quiet
EOF
put "$r/etc/kernel/cmdline.d/10-resume.conf" <<<'resume=/dev/sda3'
put "$r/etc/kernel/install.conf" <<<'layout=uki'
adapted "BLS"
check "BLS: an entry" is "$r/boot/efi/loader/entries/opensuse-tumbleweed-6.9.1-1.conf" <<EOF
# Boot Loader Specification type#1 entry
title      openSUSE Tumbleweed
linux      /opensuse-tumbleweed/6.9.1/linux-abc
initrd     /opensuse-tumbleweed/6.9.1/initrd-def
options    splash=silent quiet security=selinux
options    root=$root rootflags=subvol=@/.snapshots/1/snapshot systemd.machine_id=1 $console
EOF
check "BLS: without an initramfs" has "$r/efi/loader/entries/bare.conf" "options root=$part console=ttyS0"
check "BLS: a file below /usr stays" has "$r/usr/lib/kernel/cmdline" "root=/dev/sda2 quiet"
check "BLS: its copy takes its place" is "$r/etc/kernel/cmdline" <<<"root=$root quiet $console"
check "BLS: cmdline.d" is "$r/etc/kernel/cmdline.d/10-resume.conf" <<<"resume=$swap"
check "BLS: the layout is said" note info /etc/kernel/install.conf "layout uki"
bare "$r"
put "$r/boot/loader/entries/a-6.1.conf" <<'EOF'
linux /l
initrd /i
options root=/dev/disk/by-id/ata-OLD-part2
EOF
put "$r/boot/loader/entries/a-6.10.conf" <<'EOF'
linux /l
initrd /i
options root=UUID=1
EOF
sed -i 's/, "root": true//' "$work/devices"
check "BLS: an older entry whose root is not known" run
check "BLS: is said" note warning /boot/loader/entries/a-6.1.conf "line 3: root=/dev/disk/by-id/ata-OLD-part2 stays"
put "$r/boot/loader/loader.conf" <<<'default a-6.1.conf'
check "BLS: as the default it is refused" refuses "/boot/loader/entries/a-6.1.conf, line 3: the system is started with root=/dev/disk/by-id/ata-OLD-part2"
sed -i 's/"uuid": "11111111-2222-3333-4444-555555555555"/&, "root": true/' "$work/devices"

# ---- GRUB legacy -----------------------------------------------------------------------------------
bare "$r"
put "$r/boot/grub/menu.lst" <<'EOF'
# menu.lst - See: grub(8), info grub, update-grub(8)
default		1
timeout		5
### BEGIN AUTOMAGIC KERNELS LIST
## e.g. kopt=root=/dev/hda1 ro
# kopt=root=/dev/sda2 ro
# kopt_2_6=root=/dev/sda2 ro
# groot=(hd0,0)
# defoptions=quiet resume=/dev/sda3
## ## End Default Options ##

title		Debian GNU/Linux, kernel 2.6.32-5-amd64
root		(hd0,0)
kernel		/boot/vmlinuz-2.6.32-5-amd64 root=/dev/sda2 ro quiet resume=/dev/sda3
initrd		/boot/initrd.img-2.6.32-5-amd64

title		Xen
root		(hd1,0)
kernel		/boot/xen.gz dom0_mem=1024M
module		/boot/vmlinuz root=/dev/sda2 ro
module		/boot/initrd.img

title		without an initramfs
kernel --no-mem-option /boot/vmlinuz root=/dev/sda2 ro
### END DEBIAN AUTOMAGIC KERNELS LIST
EOF
adapted "GRUB legacy"
check "GRUB legacy: the menu" is "$r/boot/grub/menu.lst" <<EOF
# menu.lst - See: grub(8), info grub, update-grub(8)
serial --unit=0 --speed=115200
terminal --timeout=5 serial console
default		1
timeout		5
### BEGIN AUTOMAGIC KERNELS LIST
## e.g. kopt=root=/dev/hda1 ro
# kopt=root=$root ro $console
# kopt_2_6=root=$root ro $console
# groot=(hd0,0)
# defoptions=quiet resume=$swap
## ## End Default Options ##

title		Debian GNU/Linux, kernel 2.6.32-5-amd64
root		(hd0,0)
kernel		/boot/vmlinuz-2.6.32-5-amd64 root=$root ro quiet resume=$swap $console
initrd		/boot/initrd.img-2.6.32-5-amd64

title		Xen
root		(hd1,0)
kernel		/boot/xen.gz dom0_mem=1024M
module		/boot/vmlinuz root=$root ro $console
module		/boot/initrd.img

title		without an initramfs
kernel --no-mem-option /boot/vmlinuz root=$part ro $console
### END DEBIAN AUTOMAGIC KERNELS LIST
EOF
check "GRUB legacy: recognised" loader grub-legacy
check "GRUB legacy: a second disk is said" note warning /boot/grub/menu.lst "(hd1,0) depends on the order of the disks"
serial false
check "GRUB legacy: the serial console goes" run
check "GRUB legacy: from the menu" lacks "$r/boot/grub/menu.lst" ttyS
refute "GRUB legacy: and from its terminal" grep -E '^(serial|terminal)' "$r/boot/grub/menu.lst"
serial ""
bare "$r"
put "$r/boot/grub/grub.conf" <<'EOF'
default=0
title CentOS (2.6.32-754.el6.x86_64)
	root (hd0,0)
	kernel /vmlinuz-2.6.32-754.el6.x86_64 ro root=/dev/sdq2 rd_NO_LUKS
	initrd /initramfs-2.6.32-754.el6.x86_64.img
EOF
ln -s ./grub.conf "$r/boot/grub/menu.lst"
sed -i 's/, "root": true//' "$work/devices"
check "GRUB legacy: a root that is not known is refused" refuses "line 4: the system is started with root=/dev/sdq2"
sed -i 's/"uuid": "11111111-2222-3333-4444-555555555555"/&, "root": true/' "$work/devices"

# ---- extlinux, syslinux ----------------------------------------------------------------------------
serial true
bare "$r"
put "$r/boot/extlinux.conf" <<'EOF'
# Generated by update-extlinux 6.04_pre1-r15
DEFAULT menu.c32
PROMPT 0
MENU TITLE Alpine/Linux Boot Menu
TIMEOUT 10
LABEL lts
  MENU DEFAULT
  MENU LABEL Linux lts
  LINUX vmlinuz-lts
  INITRD initramfs-lts
  APPEND root=/dev/sda2 modules=sd-mod,usb-storage,ext4 quiet rootfstype=ext4

label virt
  kernel vmlinuz-virt
  append initrd=initramfs-virt root=/dev/sda2 cryptroot=/dev/sdb2 cryptdm=root
LABEL memtest
  KERNEL memtest
  APPEND console=ttyS9
MENU INCLUDE more.cfg
EOF
put "$r/boot/more.cfg" <<'EOF'
LABEL more
  LINUX vmlinuz
  APPEND root=/dev/sda2
EOF
put "$r/etc/update-extlinux.conf" <<'EOF'
# configuration for extlinux config builder
overwrite=1
default_kernel_opts="quiet rootfstype=ext4"
modules=sd-mod,usb-storage,ext4
root=/dev/sda2
default=lts
serial_port=
serial_baud=115200
EOF
adapted "extlinux"
check "extlinux: recognised" loader extlinux
check "extlinux: the menu" is "$r/boot/extlinux.conf" <<EOF
SERIAL 0 115200
# Generated by update-extlinux 6.04_pre1-r15
DEFAULT menu.c32
PROMPT 0
MENU TITLE Alpine/Linux Boot Menu
TIMEOUT 10
LABEL lts
  MENU DEFAULT
  MENU LABEL Linux lts
  LINUX vmlinuz-lts
  INITRD initramfs-lts
  APPEND root=$root modules=sd-mod,usb-storage,ext4 quiet rootfstype=ext4 $console

label virt
  kernel vmlinuz-virt
  append initrd=initramfs-virt root=$root cryptroot=UUID=88888888-2222-3333-4444-555555555555 cryptdm=root $console
LABEL memtest
  KERNEL memtest
  APPEND console=ttyS9
MENU INCLUDE more.cfg
EOF
check "extlinux: a file that is included" has "$r/boot/more.cfg" "  APPEND root=$part $console"
check "extlinux: what update-extlinux makes it from" is "$r/etc/update-extlinux.conf" <<EOF
# configuration for extlinux config builder
overwrite=1
default_kernel_opts="quiet rootfstype=ext4 $console"
modules=sd-mod,usb-storage,ext4
root=$root
default=lts
serial_port=0
serial_baud=115200
EOF
serial false
check "extlinux: the serial console goes" run
check "extlinux: from the entries, the script's file and SERIAL" test "$(cat "$r/boot/extlinux.conf" "$r/etc/update-extlinux.conf" | grep -cE '^SERIAL|ttyS0|^serial_port=[0-9]')" = 0
serial ""
bare "$r"
esp
put "$r/boot/efi/EFI/SYSLINUX/syslinux.cfg" <<'EOF'
default a
append root=/dev/sda2 initrd=/initrd.img
label a
  kernel /vmlinuz
label b
  kernel /vmlinuz
  append -
EOF
put "$r/etc/default/extlinux" <<'EOF'
EXTLINUX_PARAMETERS="ro quiet"
EXTLINUX_ROOT="root=/dev/sda2"
EOF
put "$r/etc/default/u-boot" <<'EOF'
U_BOOT_ROOT="root=/dev/mmcblk0p2"
U_BOOT_PARAMETERS="ro resume=/dev/sda3"
EOF
adapted "syslinux"
check "syslinux: words for all entries, on the EFI system partition" has "$r/boot/efi/EFI/SYSLINUX/syslinux.cfg" "append root=$root initrd=/initrd.img"
check "syslinux: Debian's defaults" has "$r/etc/default/extlinux" "EXTLINUX_ROOT=\"root=$root\""
check "syslinux: and u-boot-menu's" is "$r/etc/default/u-boot" <<EOF
U_BOOT_ROOT="root=$root"
U_BOOT_PARAMETERS="ro resume=$swap"
EOF
sed -i 's/, "root": true//' "$work/devices"
sed -i 's,^append root=.*,append root=/dev/sdq2,' "$r/boot/efi/EFI/SYSLINUX/syslinux.cfg"
check "syslinux: a root that is not known is refused" refuses "syslinux.cfg, line 2: the system is started with root=/dev/sdq2"
sed -i 's/"uuid": "11111111-2222-3333-4444-555555555555"/&, "root": true/' "$work/devices"

# ---- rEFInd, Limine, zipl, Raspberry Pi, U-Boot ------------------------------------------------------
serial true
bare "$r"
esp
put "$r/boot/refind_linux.conf" <<'EOF'
# by mkrlconf
"Boot with standard options"  "root=/dev/sda2 ro quiet dyndbg=""file x +p"""
"Boot to single-user mode"    "root=/dev/sda2 ro single"
"Boot with minimal options"   "ro root=/dev/sda2"
EOF
put "$r/boot/efi/EFI/refind/refind.conf" <<'EOF'
timeout 20
include extra.conf
menuentry "Arch Linux" {
	icon /EFI/refind/icons/os_arch.png
	loader /vmlinuz-linux
	initrd /initramfs-linux.img
	options "root=/dev/sda2 rw add_efi_memmap"
	submenuentry "fallback" {
		initrd /initramfs-linux-fallback.img
		add_options "resume=/dev/sda3"
	}
}
EOF
put "$r/boot/efi/EFI/refind/extra.conf" <<'EOF'
menuentry x {
	loader /vmlinuz
	options root=/dev/sda2
}
EOF
adapted "rEFInd"
check "rEFInd: recognised" loader refind
check "rEFInd: beside the kernels" is "$r/boot/refind_linux.conf" <<EOF
# by mkrlconf
"Boot with standard options"  "root=$root ro quiet dyndbg=""file x +p"" $console"
"Boot to single-user mode"    "root=$root ro single $console"
"Boot with minimal options"   "ro root=$root $console"
EOF
check "rEFInd: stanzas" is "$r/boot/efi/EFI/refind/refind.conf" <<EOF
timeout 20
include extra.conf
menuentry "Arch Linux" {
	icon /EFI/refind/icons/os_arch.png
	loader /vmlinuz-linux
	initrd /initramfs-linux.img
	options "root=$root rw add_efi_memmap $console"
	submenuentry "fallback" {
		initrd /initramfs-linux-fallback.img
		add_options "resume=$swap"
	}
}
EOF
check "rEFInd: what it includes, in quotes now" is "$r/boot/efi/EFI/refind/extra.conf" <<EOF
menuentry x {
	loader /vmlinuz
	options "root=$part $console"
}
EOF
bare "$r"
put "$r/boot/limine.conf" <<'EOF'
timeout: 3
/Arch
    protocol: linux
    path: boot():/vmlinuz-linux
    cmdline: root=/dev/sda2 rw
    module_path: boot():/initramfs-linux.img
EOF
put "$r/etc/zipl.conf" <<'EOF'
[defaultboot]
default=linux
[linux]
    image=/boot/vmlinuz
    parameters="root=/dev/sda2 ro"
    ramdisk=/boot/initrd
EOF
put "$r/boot/firmware/config.txt" <<<'arm_64bit=1'
put "$r/boot/firmware/cmdline.txt" <<<'console=tty1 root=/dev/mmcblk0p2 rootfstype=ext4 fsck.repair=yes rootwait'
printf '\x27\x05\x19\x56 setenv bootargs "root=/dev/mmcblk0p2 rw"\n' | put "$r/boot/boot.scr"
adapted "others"
check "Limine" has "$r/boot/limine.conf" "    cmdline: root=$root rw $console"
check "Limine: recognised" loader limine
check "zipl" has "$r/etc/zipl.conf" "    parameters=\"root=$root ro\""
check "zipl: has to be run" note warning /etc/zipl.conf "zipl has to be run"
check "Raspberry Pi" is "$r/boot/firmware/cmdline.txt" <<<"console=tty1 root=$part rootfstype=ext4 fsck.repair=yes rootwait console=ttyS0,115200"
check "Raspberry Pi: recognised" loader raspberry-pi
check "U-Boot's script is recognised" loader u-boot
check "U-Boot: its root is said" note warning /boot/boot.scr "starts with root=/dev/mmcblk0p2"

# ---- Words -----------------------------------------------------------------------------------------
# word OLD NEW: what becomes of a word in /etc/kernel/cmdline, which has no entry.
serial ""
word() {
    bare "$r"
    put "$r/etc/kernel/cmdline" <<<"a $1 b"
    check "word: $1" run
    check "word: $1 becomes $2" is "$r/etc/kernel/cmdline" <<<"a $2 b"
}
luks=UUID=88888888-2222-3333-4444-555555555555
word "root=/dev/sda2" "root=$root"
word 'root="/dev/sda2"' "root=\"$root\""
word "root=802" "root=$root"
word "root=8:2" "root=$root"
word "root=LABEL=root" "root=LABEL=root"
word "real_root=/dev/sda2" "real_root=$root"
word "resume=/dev/sda3" "resume=$swap"
word "resume=/dev/sda2 resume_offset=4096" "resume=$root resume_offset=4096"
word "resume=/dev/sda2" "resume=/dev/sda2"
word "cryptdevice=/dev/sdb2:root:allow-discards" "cryptdevice=$luks:root:allow-discards"
word "crypt_root=/dev/sdb2" "crypt_root=$luks"
word "cryptroot=/dev/sdb2" "cryptroot=$luks"
word "mount.usr=/dev/sdb1" "mount.usr=UUID=77777777-2222-3333-4444-555555555555"
word "boot=live" "boot=live"
word "root=/dev/mapper/vg-root rd.lvm.lv=vg/root rd.luks.uuid=luks-1 rd.md.uuid=1" "root=/dev/mapper/vg-root rd.lvm.lv=vg/root rd.luks.uuid=luks-1 rd.md.uuid=1"
word 'dyndbg="file root=/dev/sda2 +p"' 'dyndbg="file root=/dev/sda2 +p"'
word "md=0,/dev/sda1,/dev/sdb1" "md=0,/dev/sda1,/dev/sdb1"
check "word: further names of disks are said" note warning /etc/kernel/cmdline "/dev/sdb1, in md=0,/dev/sda1,/dev/sdb1, depends on the order"
serial true
bare "$r"
printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0' | put "$r/usr/bin/dash"
mkdir -p "$r/bin" "$r/boot/grub"
ln -s /usr/bin/dash "$r/bin/sh"
put "$r/etc/kernel/cmdline" <<<"root=/dev/sda2"
put "$r/boot/grub/grub.cfg" <<<'menuentry a { linux /l root=UUID=1; initrd /i; }'
check "aarch64: applied" run
check "aarch64: the serial console has another name there" is "$r/etc/kernel/cmdline" <<<"root=$root console=tty0 console=ttyAMA0,115200"
check "aarch64: GRUB is on the firmware's console" is "$r/boot/grub/grub.cfg" <<<'menuentry a { linux /l root=UUID=1 console=tty0 console=ttyAMA0,115200; initrd /i; }'
finish
