#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# second_opinion.sh [GUEST...]: libguestfs and the finalizer look at the same guests and must say the same of each:
# distribution, version, host name, architecture, package format, root file system and what is mounted where.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
# shellcheck source=tests/finalize/moves.sh
. tests/finalize/moves.sh
TEST_KIND=opinion

if ! command -v virt-inspector >/dev/null; then
    skip "the second opinion" "libguestfs-tools is not installed"
    finish
fi
guestfs_kernel
export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg

inspector() {
    local disk options=()
    for disk in "${disks[@]}"; do options+=(-a "$BF_BUILD/guest/$guest/$disk.raw"); done
    [ -z "${GUEST_PASSPHRASE:-}" ] || options+=(--key "/dev/sda3:key:$GUEST_PASSPHRASE")
    virt-inspector --no-applications --no-icon --format=raw "${options[@]}" >"$logs/theirs.xml"
}

look() {
    guest "$1"
    check "libguestfs inspects it" inspector
    check "the finalizer inspects it" finalizer --plan "$T/plan" --dry-run
    check "libguestfs says what it is" eval 'tests/finalize/second_opinion.py theirs "$logs/theirs.xml" >"$logs/theirs"'
    check "the finalizer says what it is" eval 'tests/finalize/second_opinion.py ours "$logs/report" >"$logs/ours"'
    check "both say the same" diff -u --label libguestfs --label ours "$logs/theirs" "$logs/ours"
}

mapfile -t names < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else all_guests; fi)
for name in "${names[@]}"; do look "$name"; done
TEST_PREFIX=''
finish
