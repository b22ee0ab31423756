#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A disk whose first bytes are a qcow2 header that names a file of the server as its backing file: it is bytes, and stays
# bytes, in the store and in every export.
. "$(dirname "$0")/lib.sh"
e2e_begin hostile-disk

e2e_random 42 1048576 >"$E2E_DIR/secret.raw"
qemu-img create -q -f qcow2 -b "$E2E_DIR/secret.raw" -F raw "$E2E_DIR/data.raw" 1M
truncate -s 16M "$E2E_DIR/data.raw"
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/web-1.conf"
e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "the verdict" e2e_push_is_ok
check "the raw export is the disk" e2e_same web-1 0 "$E2E_DIR/data.raw"
bf_cli export web-1 --disk 0 --format qcow2 "$E2E_DIR/export.qcow2" >>"$E2E_LOGS/cli.log"
check "the qcow2 export holds the disk" qemu-img compare -f qcow2 -F raw "$E2E_DIR/export.qcow2" "$E2E_DIR/data.raw"
check "and has no backing file" equal null "$(qemu-img info -f qcow2 --output=json "$E2E_DIR/export.qcow2" | jq '."backing-filename"')"
check "the server's copy verifies" bf_cli verify web-1
e2e_end
