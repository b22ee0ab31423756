#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs build/tests/workers.efi under OVMF with four processors.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../../qemu/lib.sh
. qemu/lib.sh
# shellcheck source=lib.sh
. tests/efi/lib.sh
efi_run workers 4
