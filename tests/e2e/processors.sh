#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# processors.sh MODEL: the boot program on a processor of this kind, its worker on another one: qemu64 and kvm64 (no more
# than SSE3), Nehalem (SSE4.2, no AES), Haswell (AVX2), EPYC (AVX2, SHA). Emulated, since a real processor executes what
# CPUID denies.
export QEMU_ACCEL=tcg
. "$(dirname "$0")/lib.sh"
model=${1:-qemu64}
e2e_begin "processors-$model"

more=()
case $model in
Haswell | EPYC) gcm='aes-ni, pclmul' ;;
*)
    gcm='no CPU instructions for it'
    more=(-device virtio-rng-pci) # in place of RDRAND
    ;;
esac
e2e_disk "$E2E_DIR/data.raw" 16 50
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" compress=zstd workers=1
e2e_cd_machine vm "$E2E_DIR/data.raw"
bf_vm_add vm -cpu "$model" -smp 2 "${more[@]}"
e2e_boot vm 300
check "the verdict" e2e_verdict_is_ok
check "records are sealed by what it has" matches "\"AES-GCM: $gcm\"" "$(bf_vm_serial vm | grep -a 'AES-GCM' || true)"
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
e2e_end
