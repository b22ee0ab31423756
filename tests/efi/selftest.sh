#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs build/tests/selftest.efi under OVMF.
# shellcheck source=tests/efi/lib.sh
. "$(dirname "$0")/lib.sh"
efi_run selftest 1
