#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where configuration comes from: the medium's file, SMBIOS strings and fw_cfg override the image's section in this
# order, the log says whence each value came, and foreign strings are nobody's business.
. "$(dirname "$0")/lib.sh"
e2e_begin configuration

e2e_disk "$E2E_DIR/data.raw" 32 70
e2e_disk "$E2E_DIR/other.raw" 48 71
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 fat "$E2E_DIR/vm.img" server=10.0.2.2:1 disk=size:1M retry=1
printf '# of the medium\nretry = 2\ndisk=size:2M\n' >"$E2E_DIR/bootferry.conf"
mcopy -o -i "$E2E_DIR/vm.img" "$E2E_DIR/bootferry.conf" ::/bootferry.conf

e2e_machine vm "$E2E_DIR/data.raw" "$E2E_DIR/other.raw"
bf_vm_disk vm virtio-blk "$E2E_DIR/vm.img" raw bootindex=0
bf_vm_nic vm virtio-net-pci
bf_vm_add vm -smbios "type=11,value=somebody else's string,value=bootferry:disk=size:48M" \
    -fw_cfg "name=opt/org.bootferry/server,string=10.0.2.2:$BF_SERVER_PORT"
e2e_boot vm 300
log=$(bf_vm_serial vm | grep -a '^BOOTFERRY event=log ')
check "the verdict" e2e_verdict_is_ok
check "retry= is the medium's" matches 'retry=2 \(.*bootferry.conf' "$log"
check "disk= is SMBIOS's" matches 'disk=size:48M \(SMBIOS' "$log"
check "server= is fw_cfg's" matches "server=10.0.2.2:$BF_SERVER_PORT \\(.*fw_cfg" "$log"
check "the disk is the one that SMBIOS named" e2e_same web-1 0 "$E2E_DIR/other.raw"

# Our own file with a wrong line stops it, with the line's number.
printf 'retry=2\nretries=3\n' >"$E2E_DIR/bootferry.conf"
mcopy -o -i "$E2E_DIR/vm.img" "$E2E_DIR/bootferry.conf" ::/bootferry.conf
e2e_machine wrong "$E2E_DIR/data.raw"
bf_vm_disk wrong virtio-blk "$E2E_DIR/vm.img" raw bootindex=0
bf_vm_nic wrong virtio-net-pci
e2e_boot wrong 300
check "an unknown key in our file: the verdict" e2e_verdict_is_failure config config
check "with line and reason" matches 'line 2: unknown key' "$E2E_VERDICT"
e2e_end
