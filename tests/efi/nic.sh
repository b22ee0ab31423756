#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs build/tests/nic.efi under OVMF.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../../qemu/lib.sh
. qemu/lib.sh
# shellcheck source=lib.sh
. tests/efi/lib.sh
efi_run nic 1
