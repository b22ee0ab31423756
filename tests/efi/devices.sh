#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The firmware drivers on a machine with every kind of disk: what build/tests/devices.efi finds
# inside OVMF is compared with what the machine was given. BF_KEEP=DIR keeps logs and pictures.
# shellcheck source=tests/efi/lib.sh
. "$(dirname "$0")/lib.sh"
TEST_PREFIX='devices: '
keep() { [ -z "${BF_KEEP:-}" ] || cp -r "$T/vm" "$BF_KEEP"; }
at_exit keep

efi_disk devices "$T/fat.img"
printf 'server=from.file.example\nend=reboot\nretry=7\nroot=MAMCAQE=\ncertificate=MAMCAQE=\nkey=MAMCAQE=\n' >"$T/conf"
mcopy -i "$T/fat.img" "$T/conf" ::/bootferry.conf
for i in 1 2 3 4 5; do openssl rand -out "$T/disk$i" $((3000000 + i * 4096)) && truncate -s $((i * 8))M "$T/disk$i"; done
openssl rand 777 | dd of="$T/disk1" bs=1 seek=$((8 * 1048576 - 777)) conv=notrunc status=none
printf 'serial:one\nserial:two\n' >"$T/selectors"
mkdir "$T/cd"
cp "$T/conf" "$T/cd/bootferry.conf" # on a medium that was not booted: to be ignored
xorriso -as mkisofs -quiet -o "$T/cd.iso" "$T/cd" 2>/dev/null

bf_vm self "$T/vm" q35
bf_vm_firmware self
bf_vm_add self -m 512 -smp 2 -device VGA -device virtio-rng-pci \
    -smbios 'type=1,manufacturer=Maker,product=Product 1,serial=serial-1,uuid=00112233-4455-6677-8899-aabbccddeeff' \
    -smbios 'type=11,value=something else,value=bootferry:server=from.smbios.example,value=bootferry:retry=8' \
    -fw_cfg name=opt/org.bootferry/server,string=10.0.2.2:7000 \
    -fw_cfg "name=opt/org.bootferry/disk,file=$T/selectors" \
    -fw_cfg name=opt/other/server,string=no
bf_vm_disk self virtio-blk "$T/fat.img" raw bootindex=0
bf_vm_disk self virtio-blk "$T/disk1" raw serial=virtio-1
bf_vm_disk self nvme "$T/disk2" raw serial=nvme-2,eui64=0x5254000123456789
bf_vm_disk self ahci "$T/disk3" raw serial=sata-3,wwn=0x5000c50011223344
bf_vm_disk self virtio-scsi "$T/disk4" raw serial=scsi-4,wwn=0x5000c50055667788
bf_vm_disk self nvme "$T/disk5" raw serial=nvme-5,logical_block_size=4096,physical_block_size=4096
# What OVMF does not list: metadata, a unit and a target beyond its search.
openssl rand -out "$T/disk6" 12000000 && truncate -s 12M "$T/disk6"
for i in meta lun far; do cp "$T/disk6" "$T/$i"; done
unlisted() { # NAME DEVICE
    bf_vm_add self -blockdev "driver=raw,node-name=$1,file.driver=file,file.filename=$T/$1" -device "$2,drive=$1"
}
bf_vm_add self -device nvme,id=ctrl,serial=nvme-6 -device virtio-scsi-pci,id=hba
unlisted meta nvme-ns,bus=ctrl,nsid=3,ms=8,mset=1
unlisted lun scsi-hd,bus=hba.0,scsi-id=1,lun=300
unlisted far scsi-hd,bus=hba.0,scsi-id=254,lun=0
bf_vm_cd self "$T/cd.iso"
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
[ $status -ne 0 ] || bf_vm_qmp self screendump "{\"filename\":\"$T/screen.ppm\"}" >/dev/null
[ $status -ne 0 ] || [ -z "${BF_KEEP:-}" ] || bf_vm_screen self "$T/vm/screen.png"
[ $status -ne 0 ] || attend self virtio-net snp || status=1
bf_vm_serial self >"$T/log"
grep -aE '^(ok|not ok) efi: ' "$T/log" || true
check 'the program came to its end' test $status -eq 0
counts "$T/log"

seen() {
    grep -aqE "$1" "$T/log" && return
    echo "the machine says:"
    cat "$T/log"
    return 1
}
check 'the last source wins' seen '^config server=10.0.2.2:7000 origin=4'
check 'SMBIOS wins over the file' seen '^config retry=8 origin=3'
check 'the file is read' seen '^config end=reboot origin=2'
check 'a repeatable key takes lines' seen '^config disk=serial:one; serial:two origin=4'
check 'the configuration is accepted as a whole' seen '^config result=ok'
check 'secrets are not shown' seen '^config key=\(set\) origin=2'
check 'every disk is there once' seen '^disks 7$'
check 'the boot medium is known' seen '^disk .* bytes=34603008 .*why=Bootferry was started from it path='
check 'the CD drive is known' seen '^disk .* block=2048 .*why=a CD or DVD drive'
check 'virtio-blk has size and path' seen '^disk .* bytes=8388608 block=512 serial= .*why= path=PciRoot'
check 'NVMe tells serial and EUI-64' seen ' bytes=16777216 block=512 serial=nvme-2 wwn=eui.5254000123456789 model=QEMU NVMe Ctrl why= '
check 'AHCI tells serial and WWN' seen ' bytes=25165824 block=512 serial=sata-3 wwn=naa.5000c50011223344 model=QEMU HARDDISK why= '
check 'SCSI tells serial and WWN' seen ' bytes=33554432 block=512 serial=scsi-4 wwn=naa.5000c50055667788 model=QEMU QEMU HARDDISK why= '
check '4096-byte blocks' seen ' bytes=41943040 block=4096 serial=nvme-5 .* why= '
check 'the machine is described' seen '^inventory vendor=Maker product=Product 1 serial=serial-1 uuid=00112233-4455-6677-8899-aabbccddeeff processors=2 memory=536870912 firmware=.* secure=0'
check 'one NIC, although it has several handles' seen '^nics 1$'
check 'and people know it by address and slot' seen '^nic driver=[a-z-]* name=52:54:00:12:34:56 \(PCI [0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\)$'
check 'and its address' seen '^nic 0 mac=52:54:00:12:34:56 link=1 '
plain() { seen '^ports 1$' && ! sed -n '/^ports/,/^devices done/p' "$T/log" | grep -aq $'\x1b'; }
check 'no escape codes among the lines' plain
check 'one channel' seen '^ports 1$'

# crc FILE OFFSET LENGTH, as the program prints it.
crc() { python3 -c 'import sys,zlib; f=open(sys.argv[1],"rb"); f.seek(int(sys.argv[2])); print("%08x"%zlib.crc32(f.read(int(sys.argv[3]))))' "$@"; }
for i in 1 2 3 4 5; do
    bytes=$((i * 8 * 1048576))
    number=$(sed -nE "s/^disk ([0-9]+) bytes=$bytes .*/\1/p" "$T/log")
    check "contents of disk $i" seen "^read $number ok crc=$(crc "$T/disk$i" 12345 100000) last=ok crc=$(crc "$T/disk$i" $((bytes - 777)) 777)"
done

native() { # NAME DRIVER BYTES PATH
    check "$1: our driver sees it" seen "^native [0-9]+ driver=$2 bytes=$3 read=ok crc=$(crc "$T/disk6" 12345 100000) .*$4\$"
}
native meta nvme $(((12582912 / 520) << 9)) 'NVMe\(0x3,[-0]+\)'
native lun virtio-scsi 12582912 'Scsi\(0x1,0x12C\)'
native far virtio-scsi 12582912 'Scsi\(0xFE,0x0\)'
check 'a namespace without a name gets one' seen '^native .* wwn=nvme.nvme-6-3 '
check 'the disks that both see are there once' test "$(grep -acE '^native ' "$T/log")" = 8
check 'nothing else is there' seen '^taken [0-9]+ asked [0-9]+ unread 0$'

# The same program from a CD, with a USB stick in the machine, and a NIC that iPXE's option ROM serves.
mkdir "$T/iso"
cp "$T/fat.img" "$T/iso/efi.img"
xorriso -as mkisofs -quiet -o "$T/boot.iso" -e efi.img -no-emul-boot "$T/iso" 2>/dev/null
bf_vm cd "$T/vm-cd" q35
bf_vm_firmware cd
bf_vm_add cd -m 256 -device qemu-xhci -blockdev "driver=raw,node-name=stick,file.driver=file,file.filename=$T/disk1" \
    -device usb-storage,drive=stick,serial=usb-1,removable=on
bf_vm_disk cd ahci "$T/disk3" raw serial=sata-3
bf_vm_cd cd "$T/boot.iso" bootindex=0
bf_vm_nic cd e1000e '' romfile=/usr/lib/ipxe/qemu/efi-e1000e.rom
bf_vm_start cd
status=0
bf_vm_wait_line cd '^screen is drawn' 120 >/dev/null && attend cd snp || status=1
bf_vm_serial cd >"$T/log"
grep -aE '^ok efi: .*(NIC|frame|link|return)|^not ok ' "$T/log" | sed 's/efi:/efi with iPXE:/' || true
counts "$T/log"
check 'the program runs from a CD' test $status -eq 0
check 'bootferry.conf is read from a CD' seen '^config server=from.file.example:7667 origin=2'
check 'without fw_cfg and SMBIOS strings nothing else counts' seen '^config retry=7 origin=2'
check 'the boot CD is known' seen '^disk .* block=2048 .*why=Bootferry was started from it'
check 'a USB stick is removable' seen '^disk .* bytes=8388608 .*why=removable; '
check 'the disk is there' seen '^disk .* serial=sata-3 .* why= '
check 'three disks' seen '^disks 3$'

# Secure Boot with Debian's published test keys: the keys of trust count in the signed section only.
sign() { # INPUT OUTPUT
    openssl rsa -in /usr/share/ovmf/PkKek-1-snakeoil.key -passin pass:snakeoil -out "$T/sb.key" 2>/dev/null
    sbsign --key "$T/sb.key" --cert /usr/share/ovmf/PkKek-1-snakeoil.pem --output "$2" "$1" 2>/dev/null
}
secure() { # NAME: boots $T/NAME.efi with the file $T/NAME.conf, leaves its lines in $T/log
    cp "$T/fat.img" "$T/$1.img"
    mcopy -o -i "$T/$1.img" "$T/$1.efi" ::/EFI/BOOT/BOOTX64.EFI
    mcopy -o -i "$T/$1.img" "$T/$1.conf" ::/bootferry.conf
    cp /usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd "$T/$1.vars"
    bf_vm "$1" "$T/vm-$1" q35,smm=on
    BF_OVMF_CODE=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd bf_vm_firmware "$1" "$T/$1.vars"
    bf_vm_add "$1" -m 256 -global driver=cfi.pflash01,property=secure,value=on -global ICH9-LPC.disable_s3=1
    bf_vm_disk "$1" virtio-blk "$T/$1.img" raw bootindex=0
    bf_vm_start "$1"
    check "$1: the signed image starts under Secure Boot" bf_vm_wait_line "$1" '^inventory .* secure=1' 120
    bf_vm_kill "$1"
    bf_vm_serial "$1" >"$T/log"
}
sign build/tests/devices.efi "$T/infile.efi"
cp "$T/conf" "$T/infile.conf"
secure infile
check 'keys of trust in an unsigned file are refused' \
    seen '^config result=config what=configuration: Secure Boot is on: root= must be in the signed section'
python3 - build/tests/devices.efi "$T/filled.efi" <<'PYTHON'
import struct, sys
image = bytearray(open(sys.argv[1], "rb").read())
at = next(i for i in range(0, len(image), 4096) if image[i:i + 16] == b"BOOTFERRY-CONFIG")
text = b"root=MAMCAQE=\ncertificate=MAMCAQE=\nkey=MAMCAQE=\n"
struct.pack_into("<I", image, at + 24, len(text))
image[at + 32:at + 32 + len(text)] = text
open(sys.argv[2], "wb").write(image)
PYTHON
sign "$T/filled.efi" "$T/insection.efi"
printf 'server=from.file.example\n' >"$T/insection.conf"
secure insection
check 'in the signed section they are accepted' seen '^config result=ok'
check 'and come from there' seen '^config root=\(5 bytes\) origin=1'
check 'while the server may come from the file' seen '^config server=from.file.example:7667 origin=2'

# The title row is blue from one edge to the other.
check 'the screen shows the title' python3 - "$T/screen.ppm" <<'PYTHON'
import sys
data = open(sys.argv[1], "rb").read()
magic, size, depth, pixels = data.split(b"\n", 3)
width, height = map(int, size.split())
blue = [sum(pixels[3 * (y * width + x) + 2] > 100 and pixels[3 * (y * width + x)] < 60 for x in range(width))
        for y in range(height)]
sys.exit(0 if 8 <= sum(count >= 600 for count in blue) <= 40 else 1)
PYTHON
finish
