#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# unseen.sh raid|none|kinds: disks on controllers that the firmware does not drive.
#   raid   a RAID controller beside a disk that is seen: the run stops before the first byte and the server knows why;
#          with unseen=warn the other disk is copied, and the verdict names the controller
#   none   all disks are on such a controller: the message names it and does not count the medium
#   kinds  SD, USB Attached SCSI, Fusion MPT, PVSCSI: copied and equal, or a verdict that names what was not seen
. "$(dirname "$0")/lib.sh"
kind=${1:-raid}
e2e_begin "unseen-$kind"

e2e_disk "$E2E_DIR/seen.raw" 16 50
e2e_disk "$E2E_DIR/other.raw" 32 51 # a power of two, as SD cards have
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"

# machine NAME ISO [QEMU ARGUMENT]...: other.raw is the drive `other`.
machine() {
    local name=$1 iso=$2
    shift 2
    e2e_machine "$name"
    bf_vm_cd "$name" "$iso" bootindex=0
    bf_vm_nic "$name" virtio-net-pci
    bf_vm_add "$name" -blockdev "driver=raw,node-name=other,file.driver=file,file.filename=$E2E_DIR/other.raw" "$@"
}
lines() { bf_vm_serial "$1" | grep -a "^BOOTFERRY event=$2 " || true; } # NAME EVENT
heard() { bf_cli status web-1 | grep -F "$1" || { bf_cli status web-1; return 1; }; }

raid() {
    local raid=(-device "megasas,id=raid,addr=9" -device "scsi-hd,bus=raid.0,drive=other,serial=other")
    e2e_media web-1 iso "$E2E_DIR/auto.iso"
    machine auto "$E2E_DIR/auto.iso" "${raid[@]}"
    bf_vm_disk auto virtio-blk "$E2E_DIR/seen.raw" raw serial=seen
    e2e_boot auto 300
    check "auto: it stops" e2e_verdict_is_failure unsupported source
    e2e_failure_row "no driver serves the"
    check "auto: and names the controller" matches 'what="no driver serves the RAID controller 1000:0060 at 0000:00:09.0' "$E2E_VERDICT"
    check "auto: and how to go on" matches 'todo=".*bootferry media web-1 .*unseen=warn' "$E2E_VERDICT"
    check "auto: before the first byte" equal "" "$(lines auto first-byte)"
    check "auto: there is no point" equal 0 "$(e2e_points web-1)"
    check "auto: the server has heard of it" heard 'RAID controller 1000:0060'

    e2e_media web-1 iso "$E2E_DIR/warn.iso" unseen=warn
    machine warn "$E2E_DIR/warn.iso" "${raid[@]}"
    bf_vm_disk warn virtio-blk "$E2E_DIR/seen.raw" raw serial=seen
    e2e_boot warn 300
    check "warn: the verdict" e2e_verdict_is_ok
    check "warn: carries the controller" matches ' unseen=1 which="RAID controller 1000:0060 at 0000:00:09.0"$' "$E2E_VERDICT"
    check "warn: so does the log" matches 'level=warning text="RAID controller 1000:0060 ' "$(lines warn log)"
    check "warn: and the point" equal '[["RAID controller","0000:00:09.0",false]]' \
        "$(bf_cli points web-1@1 --json | jq -c '[.. | .unseen? // empty | .[] | [.what, .slot, .asked]] | unique')"
    check "warn: what the firmware starts is known of the point" \
        matches '^boot entry: Boot[0-9A-F]{4} UEFI QEMU DVD-ROM [^,]*[^ ,], PciRoot.* \(started Bootferry\)$' "$(bf_cli points web-1@1)"
    check "warn: what was seen is copied" e2e_same web-1@1 0 "$E2E_DIR/seen.raw"
}

none() {
    e2e_media web-1 iso "$E2E_DIR/none.iso"
    machine none "$E2E_DIR/none.iso" -device lsi53c895a,id=hba,addr=9 -device scsi-hd,bus=hba.0,scsi-id=0,drive=other
    e2e_boot none 300
    check "the verdict" e2e_verdict_is_failure not-found source
    e2e_failure_row "no disk was found"
    check "no disk, and why" matches 'what="no disk was found; no driver serves: SCSI controller 1000:0012 at 0000:00:09.0"' "$E2E_VERDICT"
}

# one NAME REGEX [QEMU ARGUMENT]...: either way is right, nothing else is.
one() {
    local name=$1 named=$2 n
    shift 2
    bf_cli machine add "$name" >>"$E2E_LOGS/cli.log"
    e2e_media "$name" iso "$E2E_DIR/$name.iso" unseen=warn
    machine "$name" "$E2E_DIR/$name.iso" "$@"
    bf_vm_disk "$name" virtio-blk "$E2E_DIR/seen.raw" raw serial=seen
    e2e_boot "$name" 300
    bf_say "# $E2E_VERDICT"
    if [ -n "$(e2e_field unseen "$E2E_VERDICT")" ]; then
        check "$name: the verdict names it" matches " which=\"$named at 0000:00:09.0\"" "$E2E_VERDICT"
        return
    fi
    check "$name: the verdict" e2e_verdict_is_ok
    n=$(bf_cli points "$name" --json | jq ".points[-1].disks[] | select(.bytes == $(stat -c %s "$E2E_DIR/other.raw")) | .disk")
    check "$name: the disk on it is copied" e2e_same "$name" "$n" "$E2E_DIR/other.raw"
}

kinds() {
    local hba=id=hba,addr=9
    one sd 'SD controller 1b36:0007' -device sdhci-pci,addr=9 -device sd-card,drive=other
    one uas 'USB storage 46f4:0003' -device qemu-xhci,addr=9 -device usb-uas,id=uas -device scsi-hd,bus=uas.0,drive=other
    one mpt 'SCSI controller 1000:0054' -device "mptsas1068,$hba" -device scsi-hd,bus=hba.0,drive=other,serial=other
    one pvscsi 'SCSI controller 15ad:07c0' -device "pvscsi,$hba" -device scsi-hd,bus=hba.0,drive=other,serial=other
}

case $kind in
raid | none | kinds) "$kind" ;;
*) bf_die "no such kind: $kind" ;;
esac
e2e_end
