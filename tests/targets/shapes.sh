#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every kind of machine that a plan can name is accepted by QEMU, and one with UEFI is committed with the variables of
# its firmware.
# shellcheck source=tests/targets/writer.sh
. "$(dirname "$0")/writer.sh"
state_with_writer

# kind KIND FIRMWARE MACHINE-MEMBERS [TARGET-MEMBERS]
kind() {
    printf '{"version": 1, "target": {"kind": "%s", "firmware": "%s"%s}, "machine": {"memory": 128, %s}}\n' \
        "$1" "$2" "${4:+, $4}" "$3" >"$T/plan.json"
}
# shaped NAME: such a machine is made and starts.
shaped() {
    job=$((job + 1))
    check "$1 is made" target make
    check "$1 starts" target start
    check "$1 is on" power_is on
    check "$1 is removed" target remove
}
for type in q35 pc; do
    for bus in virtio-blk virtio-scsi nvme ahci; do
        kind kvm bios "\"type\": \"$type\", \"disk_bus\": \"$bus\""
        shaped "$type with disks on $bus"
    done
    for nic in virtio-net e1000e vmxnet3; do
        kind generic bios "\"type\": \"$type\", \"nic_model\": \"$nic\", \"processors\": 2"
        shaped "$type with $nic"
    done
    kind qemu-virtio uefi "\"type\": \"$type\""
    shaped "$type with UEFI"
done
kind qemu-virtio uefi '"type": "q35"' '"secure_boot": true'
shaped "a machine with Secure Boot"
kind qemu-virtio uefi '"networks": {"*": "none"}, "identity": "new"'
shaped "a machine without a network or identity"

# ---- A bridge ---------------------------------------------------------------------------------------

# In namespaces of its own: a bridge, and a file that allows it, in a copy of /etc.
bridged() {
    [ -d "$T/etc" ] || cp -a /etc "$T/etc" || return 1
    mkdir -p "$T/etc/qemu"
    printf '%s\n' "$1" >"$T/etc/qemu/bridge.conf"
    shift
    unshare --net --mount sh -ec '
        ip link add bfbr0 type bridge
        ip link set bfbr0 up
        mount -t sysfs sysfs /sys
        mount --bind "$0" /etc
        "$@"' "$T/etc" "$@"
}
job=$((job + 1))
if [ "$(id -u)" = 0 ] && unshare --net --mount ip link add bfbr0 type bridge 2>/dev/null && [ -c /dev/net/tun ]; then
    kind kvm bios '"networks": {"0": "bridge:bfbr0", "*": "none"}'
    mkdir -p "$(folder)"
    driver=("$DRIVER" "$T/state" web-1@1 "$T/plan.json" "jobs/$job" "$uri" "$test")
    check "a bridge that nobody allows" refused 1 'add this line to it: allow bfbr0' bridged 'allow other0' "${driver[@]}" check
    check "one that is allowed" bridged 'allow bfbr0' "${driver[@]}" check
    check "a machine for it" target make
    plugged_in() {
        # shellcheck disable=SC2016 # for the shell inside
        bridged 'allow bfbr0' sh -ec '"$@" start; ls /sys/class/net/bfbr0/brif; bridge link' - "${driver[@]}"
    }
    check "its NIC is plugged in" matches 'tap0' "$(plugged_in 2>&1)"
    check "removed" target remove
else
    skip "a bridge" "needs root and network namespaces"
fi

# ---- Firmware's variables ---------------------------------------------------------------------------

kind qemu-virtio uefi '"type": "q35"'
job=50
check "a machine with UEFI" target make
check "its variables are a copy" cmp /usr/share/OVMF/OVMF_VARS_4M.fd "$(folder)/vars.fd"
check "it starts" target start
written_by_firmware() { ! cmp -s /usr/share/OVMF/OVMF_VARS_4M.fd "$1/vars.fd"; }
check "its firmware writes them" within 120 written_by_firmware "$(folder)"
check "committed" target commit
check "it runs" power_is on
check "it needs nothing of the replica" needs_no_replica
no_old_variables() { [ ! -e "$(folder)/vars.fd" ] && [ -s "$(home)/vars.fd" ]; }
check "its variables are at home" no_old_variables
check "pulled" target pull
check "they have what the firmware wrote" written_by_firmware "$(home)"
check "it starts at home" target start
check "removed" target remove
job=51
check "another is made" target make
check "committed without ever having been on" target commit
check "its variables are at home, too" no_old_variables
check "it starts" target start
check "removed" target remove
finish
