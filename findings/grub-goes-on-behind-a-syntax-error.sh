#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A configuration that grub-script-check refuses still starts: GRUB drops the line and goes on, and a command that it does
# not have counts as true.
#
# Versions: grub-emu and grub-common 2.06-13+deb12u2 (Debian 12).
# Believed: a grub.cfg is read as a whole, as a shell script is; with a syntax error in it GRUB ends at its prompt, and a
#   condition whose command does not exist is false, as in a shell.
# True: GRUB reads a line, and more of them only while a block or a quote is open, and runs what it read. A line that cannot
#   be read costs that line alone, all statements on it included; what follows runs. grub-script-check, which update-grub
#   asks, reads the file as a whole and refuses it. An unknown command prints an error and leaves the status as it was:
#   `if` takes that for true. So a file that the check refuses may start a machine, and one that it accepts may take a
#   branch that nobody meant, for instance where a module is missing.
#
# This script succeeds as long as that is so. It needs neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }
mmdebstrap --quiet --mode=chrootless --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
    --include=grub-emu=2.06-13+deb12u2,grub-common=2.06-13+deb12u2 bookworm "$T/tree"
mkdir -p "$T/tree/tmp/grub"
tee "$T/tree/tmp/grub/grub.cfg" <<'CFG'
echo @ first
echo @ lost ; fi ; echo @ lost too
if nosuchcommand; then echo @ taken for true; else echo @ taken for false; fi
echo @ last
halt
CFG
inside() { unshare --map-root-user chroot "$T/tree" "$@"; }
inside grub-emu --version

if inside grub-script-check /tmp/grub/grub.cfg 2>"$T/check"; then differs 'grub-script-check accepts it'; fi
cat "$T/check"
inside grub-emu -d /tmp/grub </dev/null 2>/dev/null | sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/\r//g' | tee "$T/out"
grep -a '^@' "$T/out" >"$T/lines" || differs 'nothing runs'
diff - "$T/lines" <<'LINES' || differs 'what runs'
@ first
@ taken for true
@ last
LINES
echo 'as described: one line is lost, the rest runs, and the unknown command is true'
