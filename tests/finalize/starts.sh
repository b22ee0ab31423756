#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# starts.sh [GUEST...]: real guests (qemu/guests), each finalized by bootferry-finalize and then started as another kind of
# machine than it was made for: another chipset, disk controller, card and slot. A guest has started when a service of its
# own says so on the serial port, with its address, its root device and the kernel's command line. Without a name: all
# guests that say what they move to (GUEST_NEW in their conf file).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh

: "${FINALIZE:=build/bootferry-finalize}"
at_exit bf_vm_kill_all
field() { sed -nE "s/.*(^| )$1=([^ ]*).*/\2/p" <<<"$2" | head -n 1; }

# The plan: one static address; a bond's second card gets a MAC address, too.
plan() {
    local kind=$1 firmware=$2 second='' unlock=''
    [ "${GUEST_NICS:-1}" = 1 ] ||
        second=', { "match": { "mac": "52:54:00:10:00:51" }, "mac": "52:54:00:77:00:51" }'
    [ -z "${GUEST_PASSPHRASE:-}" ] ||
        unlock="\"unlock\": [ { \"uuid\": \"$GUEST_LUKS\", \"passphrase\": \"$GUEST_PASSPHRASE\" } ],"
    cat <<PLAN
{
  "version": 1,
  "target": { "kind": "$kind", "firmware": "$firmware" },
  "serial_console": true,
  "hostname": "newhome", $unlock
  "nics": [
    { "match": { "address": "10.0.2.50", "mac": "52:54:00:10:00:50" }, "mac": "52:54:00:77:00:50",
      "addresses": ["192.168.77.50/24"], "gateway": "192.168.77.2", "dns": ["192.168.77.3"] }$second
  ]
}
PLAN
}

# finalized: overlays over the guest's disks, adapted by the plan.
finalized() {
    local disk options=()
    for disk in "${disks[@]}"; do
        qemu-img create -q -f qcow2 -b "$BF_BUILD/guest/$guest/$disk.raw" -F raw "$T/$disk.qcow2"
        options+=(--disk "qcow2:$T/$disk.qcow2" --backing "raw:$BF_BUILD/guest/$guest/$disk.raw")
    done
    "$FINALIZE" run --kernel "$BF_BUILD/finalize-vm/vmlinuz" --initramfs "$BF_BUILD/finalize-vm/initramfs" \
        "${options[@]}" --plan "$T/plan" --report "$logs/report" --deadline 300 2>"$logs/finalize.err" ||
        { cat "$logs/finalize.err"; return 1; }
}

# cards MODEL SLOT: those of the new machine, on one network; a bond's two are on one switch.
cards() {
    if [ "${GUEST_NICS:-1}" = 1 ]; then
        bf_vm_nic new "$1" net=192.168.77.0/24 "mac=52:54:00:77:00:50,addr=$2"
        return
    fi
    bf_vm_add new -netdev user,id=outside,net=192.168.77.0/24 -netdev hubport,id=hub0,hubid=1,netdev=outside \
        -netdev hubport,id=hub1,hubid=1 -netdev hubport,id=hub2,hubid=1 \
        -device "$1,netdev=hub1,romfile=,mac=52:54:00:77:00:51,addr=$2" \
        -device "$1,netdev=hub2,romfile=,mac=52:54:00:77:00:50,addr=$(($2 + 2))"
}

# new_machine FIRMWARE MACHINE CONTROLLER CARD SLOT
new_machine() {
    local disk
    bf_vm new "$logs" "$2" typed
    [ "$1" = bios ] || bf_vm_firmware new "$T/vars.fd"
    for disk in "${disks[@]}"; do bf_vm_disk new "$3" "$T/$disk.qcow2" qcow2; done
    cards "$4" "$5"
    bf_vm_add new -m 768 -device virtio-rng-pci
    [ -z "${GUEST_CPU:-}" ] || bf_vm_add new -cpu "$GUEST_CPU"
    bf_vm_start new
}

# seen: what the guest says of itself, once it has started.
seen() {
    if [ -n "${GUEST_PASSPHRASE:-}" ]; then
        bf_vm_wait_line new '[Pp]lease (unlock disk|enter passphrase)' 300 >/dev/null || return 1
        bf_vm_type new "$GUEST_PASSPHRASE"
    fi
    bf_vm_wait_line new '^SEEN .* end$' 300
}

# start GUEST
start() {
    local guest=$1 logs=$BF_BUILD/test-logs/starts-$1 disks=(disk) line='' kind firmware machine controller card slot
    unset "${!GUEST_@}"
    TEST_PREFIX="$guest: "
    # shellcheck source=qemu/guests/mbr.conf
    . "qemu/guests/$guest.conf"
    read -r kind firmware machine controller card slot <<<"$GUEST_NEW"
    [ "${GUEST_DISKS:-1}" = 1 ] || disks+=(disk2)
    rm -rf "$logs" "$T"/*.qcow2 "$T/vars.fd"
    mkdir -p "$logs"
    qemu/guest.sh "$guest"
    plan "$kind" "$firmware" >"$T/plan"
    check "finalized" finalized
    if ! jq -e '.result == "ok"' "$logs/report" >/dev/null 2>&1; then return; fi
    new_machine "$firmware" "$machine" "$controller" "$card" "$slot"
    line=$(seen) || true
    check "it starts as $machine with $controller, $card in slot $slot" test -n "$line"
    check "it has the planned address" equal 192.168.77.50/24 "$(field address "$line")"
    check "a gateway answers it" equal yes "$(field reachable "$line")"
    check "it has the new name" equal newhome "$(field host "$line")"
    check "its kernel was told of the serial port" matches 'console=ttyS0' "$(bf_vm_serial new | grep -a '^CMDLINE ')"
    check "somebody can log in there" bf_vm_wait_line new 'newhome login:' 60
    bf_vm_kill new
}

[ $# -gt 0 ] || set -- "$(grep -l '^GUEST_NEW=' qemu/guests/*.conf | sed 's|.*/||; s|\.conf$||')"
# shellcheck disable=SC2068 # names without blanks
for name in $@; do start "$name"; done
TEST_PREFIX=''
finish
