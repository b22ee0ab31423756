#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Disks with blocks that cannot be read, on a native driver and on the firmware's (which says "success" after an error on
# AHCI): on-read-error=stop names the place and makes no point; map copies all the rest and records what is missing; when
# the disks read well again, a later run completes the copy.
. "$(dirname "$0")/lib.sh"
e2e_begin read-errors

e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_disk "$E2E_DIR/sick.raw" 32 31
e2e_disk "$E2E_DIR/ill.raw" 24 32
# bad_disk NAME FILE DEVICE SECTOR...: reads of these sectors fail, every time, or with passing=N for N times.
passing=
bad_disk() {
    local vm=$1 file=$2 device=$3 rules='' i=0 n
    shift 3
    while [ $# -gt 0 ]; do
        for n in $(seq "${passing:-1}"); do
            rules+=",file.inject-error.$i.event=none,file.inject-error.$i.iotype=read,file.inject-error.$i.errno=5,file.inject-error.$i.sector=$1"
            [ -z "$passing" ] || rules+=",file.inject-error.$i.once=on"
            i=$((i + 1))
        done
        shift
    done
    bf_vm_add "$vm" -blockdev "driver=raw,node-name=$file,file.driver=blkdebug,file.image.driver=file,file.image.filename=$E2E_DIR/$file.raw$rules" \
        -device "$device,drive=$file,serial=$file-1"
}
machine() { # NAME SECTORS-OF-SICK SECTORS-OF-ILL
    e2e_cd_machine "$1"
    # shellcheck disable=SC2086 # lists
    bad_disk "$1" sick virtio-blk-pci $2
    # shellcheck disable=SC2086
    bad_disk "$1" ill ide-hd,bus=ide.0 $3
}
# Two neighbours and one by itself; on the other disk the first block of a chunk.
sick='20001 20002 30000' ill=12800
unreadable() { bf_cli points "web-1@$1" --json | jq -c '[.points[0].unreadable[] | [.disk, .offset, .bytes]]'; }
disk_number() { bf_cli points web-1 --json | jq ".points[-1].disks[] | select(.bytes == $(stat -c %s "$E2E_DIR/$1.raw")) | .disk"; }
# without FILE SECTOR...: a copy of the disk in which these are zero
without() {
    cp "$E2E_DIR/$1.raw" "$E2E_DIR/$1-mapped.raw"
    for sector in "${@:2}"; do dd if=/dev/zero of="$E2E_DIR/$1-mapped.raw" bs=512 seek="$sector" count=1 conv=notrunc status=none; done
}

e2e_media web-1 iso "$E2E_DIR/stop.iso" driver=firmware
machine stop '' "$ill"
e2e_boot stop 300
check "stop: it fails, at the source" e2e_verdict_is_failure io source
e2e_failure_row "cannot be read at byte"
check "stop: and names the place" matches "ill-1.* cannot be read at byte $((12800 * 512))" "$E2E_VERDICT"
check "stop: there is no point" equal 0 "$(e2e_points web-1)"

e2e_media web-1 iso "$E2E_DIR/map.iso" on-read-error=map
machine map "$sick" "$ill"
e2e_boot map 300
check "map: the verdict" e2e_verdict_is_ok
check "map: says how much is missing" equal 2048 "$(e2e_field unreadable "$E2E_VERDICT")"
sick_n=$(disk_number sick) ill_n=$(disk_number ill)
wanted=$(jq -nc "[[$sick_n, 10240512, 1024], [$sick_n, 15360000, 512], [$ill_n, 6553600, 512]] | sort")
check "map: the point lists it" equal "$wanted" "$(unreadable 1)"
check "map: for people too" matches "disk $sick_n: 1024 bytes from byte 10240512 on" "$(bf_cli points web-1@1)"
check "map: verify says it" matches '2.0 KiB that could not be read' "$(bf_cli verify web-1@1)"
# shellcheck disable=SC2086
without sick $sick
without ill "$ill"
check "map: all the rest is there" e2e_same web-1@1 "$sick_n" "$E2E_DIR/sick-mapped.raw"
check "map: on the other disk too" e2e_same web-1@1 "$ill_n" "$E2E_DIR/ill-mapped.raw"

# What passes is not recorded: a few errors of each sector, on a driver of ours and on AHCI.
cp "$E2E_DIR/map.iso" "$E2E_DIR/passing.iso"
passing=4 machine passing "$sick" "$ill"
e2e_boot passing 300
check "passing: the verdict" e2e_verdict_is_ok
check "passing: nothing is missing" equal '[]' "$(unreadable 2)"
check "passing: the point is the disk" e2e_same web-1@2 "$sick_n" "$E2E_DIR/sick.raw"
check "passing: and the other disk" e2e_same web-1@2 "$ill_n" "$E2E_DIR/ill.raw"

cp "$E2E_DIR/map.iso" "$E2E_DIR/well.iso"
machine well '' ''
e2e_boot well 300
check "well again: the verdict" e2e_verdict_is_ok
check "well again: nothing is missing" equal '[]' "$(unreadable 3)"
check "well again: the point is the disk" e2e_same web-1@3 "$sick_n" "$E2E_DIR/sick.raw"
check "well again: and the other disk" e2e_same web-1@3 "$ill_n" "$E2E_DIR/ill.raw"
check "the earlier point is what it was" equal "$wanted" "$(unreadable 1)"
e2e_end
