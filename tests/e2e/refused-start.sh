#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# refused-start.sh: what our media show on machines that cannot run the boot program: a BIOS (started from the CD, the
# stick, the FAT image) and a 32-bit UEFI. Each says so in words and goes on with the next boot device after a key.
. "$(dirname "$0")/lib.sh"
e2e_begin refused-start

e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/boot.iso"
e2e_media web-1 fat "$E2E_DIR/boot.fat"

# The text on a screen in text mode: its characters are every second byte from physical address b8000 on.
screen() {
    bf_vm_qmp "$1" pmemsave "{\"val\":753664,\"size\":4000,\"filename\":\"$E2E_DIR/text\"}" >/dev/null &&
        python3 -c 'import sys; t = open(sys.argv[1], "rb").read()[::2].decode("cp437")
for i in range(0, 2000, 80): print(t[i:i + 80].rstrip())' "$E2E_DIR/text"
}
shows() { grep -qF -e "$2" <<<"$(screen "$1")" || { screen "$1"; return 1; }; }
key() { bf_vm_qmp "$1" send-key '{"keys":[{"type":"qcode","data":"ret"}]}' >/dev/null; }

for kind in cd stick fat; do
    name=bios-$kind
    bf_vm bios "$E2E_LOGS/$name" pc
    bf_vm_add bios -m 128 -vga std -boot menu=off
    case $kind in
    cd) bf_vm_cd bios "$E2E_DIR/boot.iso" bootindex=0 ;;
    stick) bf_vm_disk bios ide "$E2E_DIR/boot.iso" raw bootindex=0 ;;
    fat) bf_vm_disk bios ide "$E2E_DIR/boot.fat" raw bootindex=0 ;;
    esac
    bf_vm_start bios
    check "a BIOS that starts the $kind says that UEFI is needed" e2e_wait 60 "$name" shows bios \
        'this machine was started by BIOS, and Bootferry needs UEFI.'
    check "and what to do ($kind)" shows bios 'use bootferry-push.'
    key bios
    check "a key goes on with the next device ($kind)" e2e_wait 60 "$name" shows bios 'No bootable device.'
    bf_vm_kill bios
done

code=${BF_OVMF32_CODE:-/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd}
vars=${BF_OVMF32_VARS:-/usr/share/OVMF/OVMF32_VARS_4M.fd}
bf_vm ia32 "$E2E_LOGS/ia32" q35,smm=on
cp "$vars" "$E2E_DIR/vars32.fd"
BF_OVMF_CODE=$code bf_vm_firmware ia32 "$E2E_DIR/vars32.fd"
bf_vm_add ia32 -m 256 -global driver=cfi.pflash01,property=secure,value=on -global ICH9-LPC.disable_s3=1
bf_vm_add ia32 -blockdev "driver=raw,node-name=cd,read-only=on,file.driver=file,file.filename=$E2E_DIR/boot.iso" \
    -device ide-cd,bus=ide.5,drive=cd,bootindex=0
bf_vm_start ia32
check "a 32-bit UEFI says that it cannot" bf_vm_wait_line ia32 '^This machine has a 32-bit UEFI, and Bootferry is a 64-bit program' 120
check "and gives a verdict" bf_vm_wait_line ia32 '^BOOTFERRY verdict=fail code=unsupported side=source ' 60
e2e_end
