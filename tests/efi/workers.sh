#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs build/tests/workers.efi under OVMF with four processors.
# shellcheck source=tests/efi/lib.sh
. "$(dirname "$0")/lib.sh"
efi_run workers 4
