#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs build/tests/nic.efi under OVMF.
# shellcheck source=tests/efi/lib.sh
. "$(dirname "$0")/lib.sh"
efi_run nic 1
