#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The firmware drivers on a machine with every kind of disk: what build/tests/devices.efi finds
# inside OVMF is compared with what the machine was given. BF_KEEP=DIR keeps logs and pictures.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../../qemu/lib.sh
. qemu/lib.sh
tmp=$(mktemp -d)
trap 'bf_vm_kill_all; [ -z "${BF_KEEP:-}" ] || cp -r "$tmp/vm" "$BF_KEEP"; rm -rf "$tmp"' EXIT
failed=0

judge() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >/dev/null; then echo "ok devices: $name"; else echo "not ok devices: $name"; failed=1; fi
}

truncate -s 33M "$tmp/fat.img"
mformat -i "$tmp/fat.img" -F ::
mmd -i "$tmp/fat.img" ::/EFI ::/EFI/BOOT
mcopy -i "$tmp/fat.img" build/tests/devices.efi ::/EFI/BOOT/BOOTX64.EFI
printf 'server=from.file.example\nend=reboot\nretry=7\nroot=MAMCAQE=\ncertificate=MAMCAQE=\nkey=MAMCAQE=\n' >"$tmp/conf"
mcopy -i "$tmp/fat.img" "$tmp/conf" ::/bootferry.conf
for i in 1 2 3 4 5; do openssl rand -out "$tmp/disk$i" $((3000000 + i * 4096)) && truncate -s $((i * 8))M "$tmp/disk$i"; done
openssl rand 777 | dd of="$tmp/disk1" bs=1 seek=$((8 * 1048576 - 777)) conv=notrunc status=none
printf 'serial:one\nserial:two\n' >"$tmp/selectors"
mkdir "$tmp/cd"
cp "$tmp/conf" "$tmp/cd/bootferry.conf" # on a medium that was not booted: to be ignored
xorriso -as mkisofs -quiet -o "$tmp/cd.iso" "$tmp/cd" 2>/dev/null

bf_vm self "$tmp/vm" q35
bf_vm_firmware self
bf_vm_add self -m 512 -smp 2 -device VGA -device virtio-rng-pci \
    -smbios 'type=1,manufacturer=Maker,product=Product 1,serial=serial-1,uuid=00112233-4455-6677-8899-aabbccddeeff' \
    -smbios 'type=11,value=something else,value=bootferry:server=from.smbios.example,value=bootferry:retry=8' \
    -fw_cfg name=opt/org.bootferry/server,string=10.0.2.2:7000 \
    -fw_cfg "name=opt/org.bootferry/disk,file=$tmp/selectors" \
    -fw_cfg name=opt/other/server,string=no
bf_vm_disk self virtio-blk "$tmp/fat.img" raw bootindex=0
bf_vm_disk self virtio-blk "$tmp/disk1" raw serial=virtio-1
bf_vm_disk self nvme "$tmp/disk2" raw serial=nvme-2,eui64=0x5254000123456789
bf_vm_disk self ahci "$tmp/disk3" raw serial=sata-3,wwn=0x5000c50011223344
bf_vm_disk self virtio-scsi "$tmp/disk4" raw serial=scsi-4,wwn=0x5000c50055667788
bf_vm_disk self nvme "$tmp/disk5" raw serial=nvme-5,logical_block_size=4096,physical_block_size=4096
# What OVMF does not list: metadata, a unit and a target beyond its search.
openssl rand -out "$tmp/disk6" 12000000 && truncate -s 12M "$tmp/disk6"
for i in meta lun far; do cp "$tmp/disk6" "$tmp/$i"; done
unlisted() { # NAME DEVICE
    bf_vm_add self -blockdev "driver=raw,node-name=$1,file.driver=file,file.filename=$tmp/$1" -device "$2,drive=$1"
}
bf_vm_add self -device nvme,id=ctrl,serial=nvme-6 -device virtio-scsi-pci,id=hba
unlisted meta nvme-ns,bus=ctrl,nsid=3,ms=8,mset=1
unlisted lun scsi-hd,bus=hba.0,scsi-id=1,lun=300
unlisted far scsi-hd,bus=hba.0,scsi-id=254,lun=0
bf_vm_cd self "$tmp/cd.iso"
bf_vm_nic self virtio-net-pci
bf_vm_start self

# Does for the program what it asks for: a key, the link pulled and put back.
attend() { # NAME DRIVER...
    local name=$1 driver
    shift
    bf_vm_qmp "$name" send-key '{"keys":[{"type":"qcode","data":"esc"}]}' >/dev/null
    for driver in "$@"; do
        bf_vm_wait_line "$name" "^link off please, $driver" 60 >/dev/null && bf_vm_link "$name" false &&
            bf_vm_wait_line "$name" "^link on please, $driver" 60 >/dev/null && bf_vm_link "$name" true || return
    done
    bf_vm_wait_line "$name" '^devices done' 60 >/dev/null && bf_vm_wait_exit "$name" 60
}
status=0
bf_vm_wait_line self '^screen is drawn' 120 >/dev/null || status=1
[ $status -ne 0 ] || bf_vm_qmp self screendump "{\"filename\":\"$tmp/screen.ppm\"}" >/dev/null
[ $status -ne 0 ] || [ -z "${BF_KEEP:-}" ] || bf_vm_screen self "$tmp/vm/screen.png"
[ $status -ne 0 ] || attend self virtio-net snp || status=1
bf_vm_serial self >"$tmp/log"
grep -aE '^(ok|not ok) efi: ' "$tmp/log" || true
judge 'the program came to its end' test $status -eq 0
! grep -aq '^not ok' "$tmp/log" || failed=1

seen() { grep -aqE "$1" "$tmp/log"; }
judge 'the last source wins' seen '^config server=10.0.2.2:7000 origin=4'
judge 'SMBIOS wins over the file' seen '^config retry=8 origin=3'
judge 'the file is read' seen '^config end=reboot origin=2'
judge 'a repeatable key takes lines' seen '^config disk=serial:one; serial:two origin=4'
judge 'the configuration is accepted as a whole' seen '^config result=ok'
judge 'secrets are not shown' seen '^config key=\(set\) origin=2'
judge 'every disk is there once' seen '^disks 7$'
judge 'the boot medium is known' seen '^disk .* bytes=34603008 .*why=Bootferry was started from it path='
judge 'the CD drive is known' seen '^disk .* block=2048 .*why=a CD or DVD drive'
judge 'virtio-blk has size and path' seen '^disk .* bytes=8388608 block=512 serial= .*why= path=PciRoot'
judge 'NVMe tells serial and EUI-64' seen ' bytes=16777216 block=512 serial=nvme-2 wwn=eui.5254000123456789 model=QEMU NVMe Ctrl why= '
judge 'AHCI tells serial and WWN' seen ' bytes=25165824 block=512 serial=sata-3 wwn=naa.5000c50011223344 model=QEMU HARDDISK why= '
judge 'SCSI tells serial and WWN' seen ' bytes=33554432 block=512 serial=scsi-4 wwn=naa.5000c50055667788 model=QEMU QEMU HARDDISK why= '
judge '4096-byte blocks' seen ' bytes=41943040 block=4096 serial=nvme-5 .* why= '
judge 'the machine is described' seen '^inventory vendor=Maker product=Product 1 serial=serial-1 uuid=00112233-4455-6677-8899-aabbccddeeff processors=2 memory=536870912 firmware=.* secure=0'
judge 'one NIC, although it has several handles' seen '^nics 1$'
judge 'and people know it by address and slot' seen '^nic driver=[a-z-]* name=52:54:00:12:34:56 \(PCI [0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\)$'
judge 'and its address' seen '^nic 0 mac=52:54:00:12:34:56 link=1 '
plain() { seen '^ports 1$' && ! sed -n '/^ports/,/^devices done/p' "$tmp/log" | grep -aq $'\x1b'; }
judge 'no escape codes among the lines' plain
judge 'one channel' seen '^ports 1$'

# crc FILE OFFSET LENGTH, as the program prints it.
crc() { python3 -c 'import sys,zlib; f=open(sys.argv[1],"rb"); f.seek(int(sys.argv[2])); print("%08x"%zlib.crc32(f.read(int(sys.argv[3]))))' "$@"; }
for i in 1 2 3 4 5; do
    bytes=$((i * 8 * 1048576))
    number=$(sed -nE "s/^disk ([0-9]+) bytes=$bytes .*/\1/p" "$tmp/log")
    judge "contents of disk $i" seen "^read $number ok crc=$(crc "$tmp/disk$i" 12345 100000) last=ok crc=$(crc "$tmp/disk$i" $((bytes - 777)) 777)"
done

native() { # NAME DRIVER BYTES PATH
    judge "$1: our driver sees it" seen "^native [0-9]+ driver=$2 bytes=$3 read=ok crc=$(crc "$tmp/disk6" 12345 100000) .*$4\$"
}
native meta nvme $(((12582912 / 520) << 9)) 'NVMe\(0x3,[-0]+\)'
native lun virtio-scsi 12582912 'Scsi\(0x1,0x12C\)'
native far virtio-scsi 12582912 'Scsi\(0xFE,0x0\)'
judge 'a namespace without a name gets one' seen '^native .* wwn=nvme.nvme-6-3 '
judge 'the disks that both see are there once' test "$(grep -acE '^native ' "$tmp/log")" = 8
judge 'nothing else is there' seen '^taken [0-9]+ asked [0-9]+ unread 0$'

# The same program from a CD, with a USB stick in the machine, and a NIC that iPXE's option ROM serves.
mkdir "$tmp/iso"
cp "$tmp/fat.img" "$tmp/iso/efi.img"
xorriso -as mkisofs -quiet -o "$tmp/boot.iso" -e efi.img -no-emul-boot "$tmp/iso" 2>/dev/null
bf_vm cd "$tmp/vm-cd" q35
bf_vm_firmware cd
bf_vm_add cd -m 256 -device qemu-xhci -blockdev "driver=raw,node-name=stick,file.driver=file,file.filename=$tmp/disk1" \
    -device usb-storage,drive=stick,serial=usb-1,removable=on
bf_vm_disk cd ahci "$tmp/disk3" raw serial=sata-3
bf_vm_cd cd "$tmp/boot.iso" bootindex=0
bf_vm_nic cd e1000e '' romfile=/usr/lib/ipxe/qemu/efi-e1000e.rom
bf_vm_start cd
status=0
bf_vm_wait_line cd '^screen is drawn' 120 >/dev/null && attend cd snp || status=1
bf_vm_serial cd >"$tmp/log"
grep -aE '^(ok|not ok) efi: .*(NIC|frame|link|return)' "$tmp/log" | sed 's/efi:/efi with iPXE:/' || true
! grep -aq '^not ok' "$tmp/log" || failed=1
judge 'the program runs from a CD' test $status -eq 0
judge 'bootferry.conf is read from a CD' seen '^config server=from.file.example:7667 origin=2'
judge 'without fw_cfg and SMBIOS strings nothing else counts' seen '^config retry=7 origin=2'
judge 'the boot CD is known' seen '^disk .* block=2048 .*why=Bootferry was started from it'
judge 'a USB stick is removable' seen '^disk .* bytes=8388608 .*why=removable; '
judge 'the disk is there' seen '^disk .* serial=sata-3 .* why= '
judge 'three disks' seen '^disks 3$'

# Secure Boot with Debian's published test keys: the keys of trust count in the signed section only.
sign() { # INPUT OUTPUT
    openssl rsa -in /usr/share/ovmf/PkKek-1-snakeoil.key -passin pass:snakeoil -out "$tmp/sb.key" 2>/dev/null
    sbsign --key "$tmp/sb.key" --cert /usr/share/ovmf/PkKek-1-snakeoil.pem --output "$2" "$1" 2>/dev/null
}
secure() { # NAME: boots $tmp/NAME.efi with the file $tmp/NAME.conf, leaves its lines in $tmp/log
    cp "$tmp/fat.img" "$tmp/$1.img"
    mcopy -o -i "$tmp/$1.img" "$tmp/$1.efi" ::/EFI/BOOT/BOOTX64.EFI
    mcopy -o -i "$tmp/$1.img" "$tmp/$1.conf" ::/bootferry.conf
    cp /usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd "$tmp/$1.vars"
    bf_vm "$1" "$tmp/vm-$1" q35,smm=on
    BF_OVMF_CODE=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd bf_vm_firmware "$1" "$tmp/$1.vars"
    bf_vm_add "$1" -m 256 -global driver=cfi.pflash01,property=secure,value=on -global ICH9-LPC.disable_s3=1
    bf_vm_disk "$1" virtio-blk "$tmp/$1.img" raw bootindex=0
    bf_vm_start "$1"
    judge "$1: the signed image starts under Secure Boot" bf_vm_wait_line "$1" '^inventory .* secure=1' 120
    bf_vm_kill "$1"
    bf_vm_serial "$1" >"$tmp/log"
}
sign build/tests/devices.efi "$tmp/infile.efi"
cp "$tmp/conf" "$tmp/infile.conf"
secure infile
judge 'keys of trust in an unsigned file are refused' \
    seen '^config result=config what=configuration: Secure Boot is on: root= must be in the signed section'
python3 - build/tests/devices.efi "$tmp/filled.efi" <<'PYTHON'
import struct, sys
image = bytearray(open(sys.argv[1], "rb").read())
at = next(i for i in range(0, len(image), 4096) if image[i:i + 16] == b"BOOTFERRY-CONFIG")
text = b"root=MAMCAQE=\ncertificate=MAMCAQE=\nkey=MAMCAQE=\n"
struct.pack_into("<I", image, at + 24, len(text))
image[at + 32:at + 32 + len(text)] = text
open(sys.argv[2], "wb").write(image)
PYTHON
sign "$tmp/filled.efi" "$tmp/insection.efi"
printf 'server=from.file.example\n' >"$tmp/insection.conf"
secure insection
judge 'in the signed section they are accepted' seen '^config result=ok'
judge 'and come from there' seen '^config root=\(5 bytes\) origin=1'
judge 'while the server may come from the file' seen '^config server=from.file.example:7667 origin=2'

# The title row is blue from one edge to the other.
judge 'the screen shows the title' python3 - "$tmp/screen.ppm" <<'PYTHON'
import sys
data = open(sys.argv[1], "rb").read()
magic, size, depth, pixels = data.split(b"\n", 3)
width, height = map(int, size.split())
blue = [sum(pixels[3 * (y * width + x) + 2] > 100 and pixels[3 * (y * width + x)] < 60 for x in range(width))
        for y in range(height)]
sys.exit(0 if 8 <= sum(count >= 600 for count in blue) <= 40 else 1)
PYTHON
exit $failed
