#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs build/tests/exceptions.efi under OVMF with two processors.
# shellcheck source=tests/efi/lib.sh
. "$(dirname "$0")/lib.sh"
efi_run exceptions 2
