#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# crash.sh PROCESSOR KIND: the first or the second processor (main, worker) of a machine that is copying meets an exception
# (invalid, page-fault, division): the verdict names it and its place, what is configured for a failure follows, and
# the next run makes the point.
. "$(dirname "$0")/lib.sh"
processor=${1:-main} kind=${2:-invalid}
e2e_begin "crash-$processor-$kind"

e2e_disk "$E2E_DIR/data.raw" 192 60
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
# Slowly, so that there is time, but not so slowly that the worker goes home.
e2e_media web-1 iso "$E2E_DIR/vm.iso" compress=zstd workers=1 limit=8M
e2e_cd_machine vm "$E2E_DIR/data.raw"
bf_vm_add vm -smp 2 -gdb "unix:$E2E_DIR/gdb,server=on,wait=off"
bf_vm_start vm
e2e_sending vm 1000000 200

number=1 where=''
[ "$processor" = main ] || { number=2 where=', on a worker'; }
seen=$(tests/e2e/crash.py "$E2E_DIR/gdb" "$BF_BUILD/bootferry.efi" $number "$kind")
address=''
[ "$kind" != page-fault ] || address=', address 0x7f0000000010'
e2e_verdict vm 100
check "the verdict" e2e_verdict_is_failure crash source
check "what, and where" matches "what=\"exception ${seen% *} \([a-z ]+$address\) at image\\+${seen#* image+}$where\"" "$E2E_VERDICT"
check "one verdict" equal 1 "$(grep -c verdict= <<<"$E2E_VERDICT")"
check "no point" equal 0 "$(e2e_points web-1)"

e2e_media web-1 iso "$E2E_DIR/again.iso"
e2e_cd_machine again "$E2E_DIR/data.raw"
e2e_boot again 300
check "the next run succeeds" e2e_verdict_is_ok
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
e2e_end
