#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# refusals.sh: what the boot program must not start with, and that the remedy it names helps: no random numbers, a clock
# before the medium was made, a wrong key in the configuration, no configuration at all, no address, no NIC.
. "$(dirname "$0")/lib.sh"
e2e_begin refusals

e2e_disk "$E2E_DIR/data.raw" 16 30
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/plain.iso"

# start NAME ISO [QEMU ARGUMENT]...
start() {
    local name=$1 iso=$2
    shift 2
    e2e_machine "$name" "$E2E_DIR/data.raw"
    bf_vm_cd "$name" "$iso" bootindex=0
    bf_vm_add "$name" "$@"
}
# refused NAME CODE SIDE ISO [QEMU ARGUMENT]...
refused() {
    start "$1" "${@:4}"
    bf_vm_nic "$1" virtio-net-pci
    e2e_boot "$1" 200
    check "$1: the verdict" e2e_verdict_is_failure "$2" "$3"
}
# accepted NAME ISO [QEMU ARGUMENT]...
accepted() {
    start "$@"
    bf_vm_nic "$1" virtio-net-pci
    e2e_boot "$1" 300
    check "$1: the verdict" e2e_verdict_is_ok
}

# A processor without RDRAND; the same with a device gives random numbers, and works without AES-NI too.
refused no_entropy no-entropy source "$E2E_DIR/plain.iso" -cpu Nehalem
e2e_failure_row "provides random numbers"
accepted entropy_device "$E2E_DIR/plain.iso" -cpu Nehalem -device virtio-rng-pci
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"

refused old_clock clock source "$E2E_DIR/plain.iso" -rtc base=2005-06-07T08:09:10
e2e_failure_row "the firmware's clock says"
e2e_media web-1 iso "$E2E_DIR/time.iso" "time=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
accepted clock_set "$E2E_DIR/time.iso" -rtc base=2005-06-07T08:09:10

# Behind the medium's own configuration, QEMU's is read; nothing of it is taken on trust.
refused wrong_value config config "$E2E_DIR/plain.iso" -fw_cfg name=opt/org.bootferry/address,string=10.0.0.300/24
refused trust config config "$E2E_DIR/plain.iso" -fw_cfg name=opt/org.bootferry/root,string=AAAA

# Nobody gives it an address: retry= is shorter than the wait for one, and ends it.
e2e_media web-1 iso "$E2E_DIR/short.iso" retry=3
start no_dhcp "$E2E_DIR/short.iso" -netdev hubport,id=nobody,hubid=9 -device virtio-net-pci,netdev=nobody,romfile=
e2e_boot no_dhcp 200
check "no_dhcp: the verdict" e2e_verdict_is_failure timeout network
check "no_dhcp: what is missing" matches 'what="no DHCP server answers on .*, and no IPv6 router answers' "$E2E_VERDICT"
e2e_failure_row "no DHCP server"
# Without retry= it would be half a minute; that leaves a busy machine some time for the rest.
check "no_dhcp: and in its time" at_most 29 "$(e2e_field t "$E2E_VERDICT" | cut -d. -f1)"

start no_nic "$E2E_DIR/plain.iso"
e2e_boot no_nic 200
check "no_nic: the verdict" e2e_verdict_is_failure not-found source
e2e_failure_row "this machine shows no network interface"

# The bare image: nothing says where to go, so it says what to do.
truncate -s 33M "$E2E_DIR/bare.raw"
mformat -i "$E2E_DIR/bare.raw" -F ::
mmd -i "$E2E_DIR/bare.raw" ::/EFI ::/EFI/BOOT
mcopy -i "$E2E_DIR/bare.raw" "$BF_BUILD/bootferry.efi" ::/EFI/BOOT/BOOTX64.EFI
e2e_machine bare "$E2E_DIR/data.raw"
bf_vm_disk bare virtio-blk "$E2E_DIR/bare.raw" raw bootindex=0
bf_vm_start bare
E2E_VERDICT=$(bf_vm_wait_line bare '^BOOTFERRY verdict=' 120)
check "bare: the verdict" matches '^BOOTFERRY verdict=fail code=config side=config .*todo=.' "$E2E_VERDICT"
e2e_failure_row "this medium carries no configuration"
bf_vm_kill bare

check "there are two points" equal 2 "$(e2e_points web-1)"
e2e_end
