#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo, as a test: a real guest moved by the boot program, all eight steps.
. "$(dirname "$0")/lib.sh"
e2e_begin demo

status=0
qemu/demo.sh >"$E2E_LOGS/output" 2>&1 || status=$?
tail -n 60 "$E2E_LOGS/output" | sed 's/^/# /'
check "it ends with status 0" equal 0 "$status"
check "and with its verdict" matches '^verdict: ok' "$(tail -n 1 "$E2E_LOGS/output")"
e2e_end
