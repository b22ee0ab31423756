# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Real guests (qemu/guests) on disks of their own, the plan for each, and the machine that each moves to. Sourced after
# tests/lib.sh and qemu/lib.sh by the scripts that finalize and start guests.

: "${FINALIZE:=build/bootferry-finalize}"
at_exit bf_vm_kill_all
field() { sed -nE "s/.*(^| )$1=([^ ]*).*/\2/p" <<<"$2" | head -n 1; }

# guest NAME: makes it, if need be, and takes it as the one that all else is about.
# shellcheck disable=SC2034 # TEST_PREFIX is for tests/lib.sh
guest() {
    guest=$1 logs=$BF_BUILD/test-logs/$TEST_KIND-$1 disks=(disk)
    unset "${!GUEST_@}"
    TEST_PREFIX="$guest: "
    # shellcheck source=qemu/guests/mbr.conf
    . "qemu/guests/$guest.conf"
    read -r kind firmware machine controller card slot <<<"$GUEST_NEW"
    [ "${GUEST_DISKS:-1}" = 1 ] || disks+=(disk2)
    rm -rf "$logs"
    mkdir -p "$logs"
    qemu/guest.sh "$guest"
    plan >"$T/plan"
    overlays
}
all_guests() { grep -l '^GUEST_NEW=' qemu/guests/*.conf | sed 's|.*/||; s|\.conf$||'; }

# The plan: one static address; a bond's second card gets a MAC address, too.
plan() {
    local second='' unlock=''
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

# overlays: fresh ones over the guest's disks.
overlays() {
    local disk
    rm -f "$T"/*.qcow2 "$T/vars.fd"
    for disk in "${disks[@]}"; do
        qemu-img create -q -f qcow2 -b "$BF_BUILD/guest/$guest/$disk.raw" -F raw "$T/$disk.qcow2"
    done
}
# finalizer MODE...: the finalizer's VM with the overlays.
finalizer() {
    local disk options=()
    for disk in "${disks[@]}"; do
        options+=(--disk "qcow2:$T/$disk.qcow2" --backing "raw:$BF_BUILD/guest/$guest/$disk.raw")
    done
    "$FINALIZE" run --kernel "$BF_BUILD/finalize-vm/vmlinuz" --initramfs "$BF_BUILD/finalize-vm/initramfs" \
        "${options[@]}" "$@" --report "$logs/report" --deadline 300 2>"$logs/finalize.err" ||
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

# new_machine: starts it, with the arguments for QEMU that are in `more`.
more=()
new_machine() {
    local disk
    bf_vm new "$logs" "$machine" typed
    case $firmware in
    bios) bf_vm_add new -device VGA ;; # without a BIOS for it, GRUB asks for its modes for ever
    *) bf_vm_firmware new "$T/vars.fd" ;;
    esac
    for disk in "${disks[@]}"; do bf_vm_disk new "$controller" "$T/$disk.qcow2" qcow2; done
    cards "$card" "$slot"
    bf_vm_add new -m 768 -device virtio-rng-pci "${more[@]}"
    [ -z "${GUEST_CPU:-}" ] || bf_vm_add new -cpu "$GUEST_CPU"
    bf_vm_start new
}

# seen SECONDS: what the guest says of itself, once it has started.
seen() {
    if [ -n "${GUEST_PASSPHRASE:-}" ]; then
        bf_vm_wait_line new '[Pp]lease (unlock disk|enter passphrase)' 300 >/dev/null || return 1
        bf_vm_type new "$GUEST_PASSPHRASE"
    fi
    bf_vm_wait_line new '^SEEN .* end$' "$1"
}

# guestfs_kernel: libguestfs needs a kernel, which need not be installed: that of the finalizer's VM does. What makes its
# appliance wants the folder of the host's own modules nevertheless.
guestfs_kernel() {
    if [ ! -d /lib/modules ] && mkdir /lib/modules; then at_exit rmdir /lib/modules; fi
    SUPERMIN_KERNEL=$BF_BUILD/finalize-vm/vmlinuz
    SUPERMIN_MODULES=$(echo "$BF_BUILD"/finalize-vm/tree/lib/modules/*)
    export SUPERMIN_KERNEL SUPERMIN_MODULES
}
