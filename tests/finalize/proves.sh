#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# proves.sh [GUEST]: a real guest is finalized with "evidence" and started as another machine: over a virtio port, and
# again without one over the serial port, it says from inside that it runs as planned, which is read and judged as the
# server does it. Then nothing of it is on its disk.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
# shellcheck source=tests/finalize/moves.sh
. tests/finalize/moves.sh
TEST_KIND=proves
EVIDENCE=$PWD/build/tests/evidence
word=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

judged() { # FILE
    "$EVIDENCE" "$word" "$1" newhome 52:54:00:77:00:50 192.168.77.50/24 192.168.77.2 - >"$logs/judged" || { cat "$logs/judged"; return 1; }
}
# on_disk: all names of the evidence's files on the guest's root file system, once its journal is played back. The root is
# the first partition of an MBR.
on_disk() {
    qemu-img convert -f qcow2 -O raw "$T/disk.qcow2" "$T/disk.raw"
    local from
    from=$(sfdisk -J "$T/disk.raw" | jq -r '.partitiontable.partitions[0].start')
    dd if="$T/disk.raw" of="$T/root.raw" bs=512 skip="$from" conv=sparse status=none
    e2fsck -fy "$T/root.raw" >"$logs/e2fsck" 2>&1 || true
    local path
    for path in /var/lib/bootferry /etc/bootferry /etc/bootferry/evidence /etc/systemd/system/bootferry-evidence.service \
        /etc/systemd/system/multi-user.target.wants/bootferry-evidence.service /.bootferry-evidence; do
        debugfs -R "stat $path" "$T/root.raw" 2>/dev/null | grep -q '^Inode:' && echo "$path"
    done
    debugfs -R "cat /etc/hostname" "$T/root.raw" 2>/dev/null
}
# prove WAY FILE [ARG...]: the guest, finalized anew, started with these arguments for QEMU; FILE is where it speaks.
prove() {
    local way=$1 file=$2
    shift 2
    guest "$name"
    TEST_PREFIX="$guest, $way: "
    plan | jq ".evidence = {word: \"$word\"} | .undo = \"point\"" >"$T/plan"
    overlays
    check "finalized" finalizer --plan "$T/plan"
    jq -e '.result == "ok"' "$logs/report" >/dev/null 2>&1 || return 0
    check "the rehearsal agrees" equal starts "$(jq -r .start.verdict "$logs/report")"
    check "its files are on the disk" matches bootferry-evidence.service "$(on_disk)"
    refute "and no originals" matches /var/lib/bootferry "$(on_disk)"
    more=("$@")
    new_machine
    check "it speaks" within 100 grep -aq "BOOTFERRY-EVIDENCE $word end -" "$file"
    check "it runs as planned" judged "$file"
    check "its root file system" matches '^root /dev/vda1 ext4$' "$(cat "$logs/judged")"
    check "somebody can log in, with the evidence or without" bf_vm_wait_line new 'newhome login:' 60
    bf_vm_kill new
    check "nothing of it is left on the disk" equal newhome "$(on_disk)"
}

name=${1:-mbr}
logs=$BF_BUILD/test-logs/$TEST_KIND-$name
prove "a virtio port" "$logs/evidence.log" -device virtio-serial-pci -chardev "file,id=evidence,path=$logs/evidence.log" \
    -device virtserialport,chardev=evidence,name=org.bootferry.evidence
check "the serial port has none of it" equal "" "$(bf_vm_serial new | grep -a "BOOTFERRY-EVIDENCE" || true)"
prove "a serial port" "$logs/serial.log"
# The same disk once more: it has been said.
more=()
new_machine
check "it starts again" bf_vm_wait_line new 'newhome login:' 300
refute "and says nothing more" grep -aq "BOOTFERRY-EVIDENCE" "$logs/serial.log"
bf_vm_kill new
TEST_PREFIX=''
finish
