#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A libvirt host: web-1's source is gone. A test of its new self runs there and says so from inside, then the failover
# does, and is committed while it runs. The libvirt daemon is the story's own, for a session.
set -euo pipefail
# A session needs a user other than root: inside a user namespace, root is called one.
if [ "$(id -u)" = 0 ] && [ -z "${BF_TEST_INSIDE:-}" ]; then
    BF_TEST_INSIDE=1 exec unshare --user --map-user=1000 --map-group=1000 "$0" "$@"
fi
# shellcheck source=tests/stories/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/targets/lib.sh
. tests/targets/lib.sh
export QEMU_ACCEL=tcg
session_start
target() { failover "$@" --target libvirt:qemu:///session; }
machines() { virsh_ list --name | sed '/^$/d' | sort | paste -sd ' '; }

replica bios
source_disk mbr
check "web-1 has a point" pushed
check "a test begins at the libvirt host" target test
check "it runs there, proven from inside" reaches 2 ready 600
check "as a machine of libvirt" equal web-1-test-2 "$(machines)"
check "with the planned address and its gateway" runs_as_planned 2
check "the cleanup ends it" bf_cli cleanup web-1
check "nothing of it is left there" equal "" "$(virsh_ list --all --name)"

check "the failover begins" target unplanned
check "the new machine runs there, proven from inside" reaches 3 ready 600
check "as web-1" equal web-1 "$(machines)"
mkdir "$T/disks"
check "it is committed while it runs" bf_cli commit web-1 --to "$T/disks"
check "it still runs" equal web-1 "$(machines)"
check "its disk is where it was told to be" equal "$T/disks/web-1-disk-0.qcow2" \
    "$(virsh_ dumpxml web-1 | xmllint --xpath 'string(//disk/source/@file)' -)"
check "and has no other below it" equal null \
    "$(qemu-img info -U --output=json -f qcow2 "$T/disks/web-1-disk-0.qcow2" | jq '."backing-filename"')"
check "the job has succeeded" equal committed "$(step 3)"
finish
