#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# move.sh GUEST: a real guest from its own Linux through the hosted sender, the finalizer and the export to its new home:
# it comes up there with a new address and with its old data. `make demo` does the same with the boot program.
. "$(dirname "$0")/lib.sh"
guest=${1:?usage: move.sh GUEST}
e2e_begin "move-$guest"
# shellcheck source=qemu/guests/debian12.conf
. "qemu/guests/$guest.conf"

qemu/guest.sh "$guest"
cp --sparse=always "$BF_BUILD/guest/$guest/disk.raw" "$E2E_DIR/data.raw"
cp "$BF_BUILD/guest/$guest/vars.fd" "$E2E_DIR/vars.fd"
bf_vm source "$E2E_LOGS/source" "$GUEST_MACHINE"
bf_vm_firmware source "$E2E_DIR/vars.fd"
bf_vm_disk source "$GUEST_CONTROLLER" "$E2E_DIR/data.raw" raw
bf_vm_nic source virtio-net-pci "" "mac=$GUEST_MAC,addr=3"
bf_vm_add source -m 768
bf_vm_start source
old=$(bf_vm_wait_line source '^SEEN .* end$' 300)
bf_vm_powerdown source
bf_vm_wait_exit source 120
check "the source is up with its address" equal "$GUEST_ADDRESS" "$(e2e_field address "$old")"

e2e_server
bf_cli machine add "$guest" >>"$E2E_LOGS/cli.log"
e2e_config "$guest" "$BF_SERVER_PORT" "$E2E_DIR/push.conf"
e2e_push 300 "$E2E_DIR/push.conf" "$E2E_DIR/data.raw"
check "the sender's verdict" e2e_push_is_ok
check "the point is the disk" e2e_same "$guest@1" 0 "$E2E_DIR/data.raw"

cat >"$E2E_DIR/plan.json" <<PLAN
{
  "version": 1,
  "target": { "kind": "qemu-virtio" },
  "serial_console": true,
  "hostname": "moved-$guest",
  "nics": [
    { "match": { "mac": "$GUEST_MAC" }, "mac": "52:54:00:77:00:99",
      "addresses": ["192.168.77.99/24"], "gateway": "192.168.77.2", "dns": ["192.168.77.3"] }
  ]
}
PLAN
before=$(bf_cli points "$guest" --json)
check "a dry run" bf_cli finalize "$guest" --plan "$E2E_DIR/plan.json" --dry-run
check "leaves no trace" equal "$before" "$(bf_cli points "$guest" --json)"
check "the finalizer" bf_cli finalize "$guest" --plan "$E2E_DIR/plan.json"
bf_cli export "$guest@1/1" --disk 0 --format qcow2 "$E2E_DIR/target.qcow2" >>"$E2E_LOGS/cli.log"
check "the point is still the disk" e2e_same "$guest@1" 0 "$E2E_DIR/data.raw"

bf_vm target "$E2E_LOGS/target" q35
cp "$BF_OVMF_VARS" "$E2E_DIR/target-vars.fd"
bf_vm_firmware target "$E2E_DIR/target-vars.fd"
bf_vm_disk target virtio-blk "$E2E_DIR/target.qcow2" qcow2
bf_vm_nic target virtio-net-pci "net=192.168.77.0/24,hostfwd=tcp:127.0.0.1:0-192.168.77.99:7000" "mac=52:54:00:77:00:99,addr=8"
bf_vm_add target -m 768 -device virtio-rng-pci
bf_vm_start target
new=$(bf_vm_wait_line target '^SEEN .* end$' 300)
check "it comes up in its new home, with its new name" equal "moved-$guest" "$(e2e_field host "$new")"
check "with the new address" equal 192.168.77.99/24 "$(e2e_field address "$new")"
check "with a gateway that answers" equal yes "$(e2e_field reachable "$new")"
check "with the old token" equal "$(e2e_field token "$old")" "$(e2e_field token "$new")"
check "with the old data" equal "$(e2e_field data "$old")" "$(e2e_field data "$new")"
check "as its next start" equal $(($(e2e_field boots "$old") + 1)) "$(e2e_field boots "$new")"
check "and answers at that address" equal "$(e2e_field token "$old")" \
    "$(bf_ask "$(bf_vm_forwarded target)" 60)"
bf_vm_powerdown target
bf_vm_wait_exit target 120
# The kernel's last word; with "quiet" it says little before.
check "its kernel speaks on the serial port" matches 'reboot: Power down' "$(bf_vm_serial target | tail -n 3)"
e2e_end
