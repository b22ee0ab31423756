#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Families of Linux as their installers leave them, one file each: families/NAME.tree has the tree, the plan, and what
# must come of it. Arguments are the NAMEs of a few trees.
#
# A .tree begins with comments: what it is, and after what it was written; a version of a program says which form was
# followed. "== SECTION" begins a section, "--- PATH" a file in it, up to the next such line:
#   == before   the tree. "--- PATH MODE" (octal), "--- PATH -> TARGET" for a link, "--- PATH/" for an empty folder;
#               "--- PATH initramfs VERSION" is the initramfs of a kernel, whose modules are installed, too;
#               "--- PATH elf [aarch64]" a program, for x86-64 without the word
#   == initramfs  "PATH FILE...": a compressed archive of these files of the tree, a line for each; "init" is always in it
#   == plan     the plan (JSON)
#   == devices  the list of disks, where names depend on their order (--devices)
#   == after    every file that the plan changes or creates, in full; in "before" form
#               "--- PATH appended" is an initramfs to which these files are appended: their names, then what is in them
#   == appended   "PATH FILE...": what is added to an archive, without its folders, in the order of the names; an image may have either form
#   == gone     paths that are removed, one per line
#   == notes    texts that the report must have, one per line
#   == refused  the same where the plan is refused: nothing changes, and "after" is empty
#   == judge READER LINKS    lines that this reader must print of the result (judge.sh)
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022
trees=$(dirname "$0")/families

section() { # TREE SECTION
    awk -v want="$2" '/^== / { on = $2 == want; next } on' "$1"
}
# unpack TREE SECTION DIR: what is there already keeps its mode.
unpack() {
    section "$1" "$2" >"$work/section"
    awk '/^--- / { p = "./" $2; sub("/[^/]*$", "", p); print p }' "$work/section" | LC_ALL=C sort -u >"$work/folders"
    (cd "$3" && xargs -r mkdir -p <"$work/folders" && awk '
        /^--- / {
            if (out) close(out)
            out = ""
            if ($3 == "->") { print "ln -sfn " $4 " " $2; next }
            if ($2 ~ /\/$/) next
            out = $2
            if ($3 != "appended") printf "" >out
            if ($3 == "appended") {
                print $2 >"../appended.path"
                out = "../appended"
                printf "" >out
            } else if ($3 == "elf") print "elf " $2 " " $4
            else if ($3 == "initramfs") print "initramfs " $2 " " $4
            else if ($3) print "chmod " $3 " " $2
            next
        }
        out { print >out }' "$work/section" | work=$work bash -e)
}
elf() { # PATH [MACHINE]
    local machine=76
    [ "${2:-}" != aarch64 ] || machine=267
    { printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0%b\0\1\0\0\0' "\\0$machine" && head -c 40 /dev/zero; } >"$1"
    chmod 0755 "$1"
}
# initramfs PATH VERSION: with the modules of virtual machines, as the installers' general images have them. In the
# current folder.
initramfs() {
    local name at=usr/lib/modules/$2/kernel
    mkdir -p "$at" "$work/image"
    for name in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk virtio_scsi virtio_net; do
        echo "$name" >"$at/$name.ko"
        echo "kernel/$name.ko:"
    done >"${at%/kernel}/modules.dep"
    printf 'kernel/%s.ko\n' scsi_mod sd_mod ext4 xfs vfat >"${at%/kernel}/modules.builtin"
    echo index | tee "${at%/kernel}/modules.dep.bin" >"${at%/kernel}/modules.alias.bin"
    mkdir -p "$work/image/${at%/*}" && cp -r "$at" "${at%/kernel}/modules.dep.bin" "$work/image/${at%/*}" &&
        ln -s usr/lib "$work/image/lib" && echo '#!/bin/sh' >"$work/image/init" &&
        (cd "$work/image" && find . | LC_ALL=C sort | cpio -o -H newc --quiet) >"$1" && rm -r "$work/image"
}
export -f elf initramfs
archives() { # TREE DIR
    local path files
    section "$1" initramfs | while read -r path files; do
        rm -rf "$work/ird"
        mkdir -p "$work/ird"
        # shellcheck disable=SC2086 # words
        [ -z "$files" ] || (cd "$2" && cp --parents -a $files "$work/ird") || return 1
        echo init >"$work/ird/init"
        (cd "$work/ird" && find . | LC_ALL=C sort | cpio -o -H newc --quiet | gzip -9n) >"$2/$path"
    done
}
# What was added to an archive is what the tree says, and what was there before is there still.
segments() { # TREE
    local path files size
    section "$1" appended | while read -r path files; do
        size=$(stat -c %s "$work/want/$path")
        cmp -n "$size" "$work/want/$path" "$r/$path" || return 1
        tail -c +$((size + 1)) "$r/$path" >"$work/tail"
        (cd "$work" && rm -rf ird && mkdir ird && cd ird && cpio -id --quiet <"$work/tail" 2>/dev/null)
        equal "$files" "$(cd "$work/ird" && find . -type f -printf '%P\n' | LC_ALL=C sort | paste -sd' ')" || return 1
        cp -p "$r/$path" "$work/want/$path"
    done
}
listing() { (cd "$1" && find . -printf '%P %y %m %l\n' | grep -v '^var/lib/bootferry' | LC_ALL=C sort); }
paths() { jq -r '.changes[].path' "$1" | sed 's,^/,,' | LC_ALL=C sort; }
# Both reports name what the tree names.
lists() {
    { awk '/^--- / { print $2 }' "$work/section" && section "$1" gone && section "$1" appended | sed 's/ .*//'; } | LC_ALL=C sort >"$work/expected"
    paths "$work/report" | diff -u "$work/expected" - >&2
}
run() {
    local disks=(--devices "$work/devices")
    [ -s "$work/devices" ] || disks=()
    "$FINALIZE" --root "$r" --plan "$work/plan" --report "$work/report" "${disks[@]}" "$@" 2>"$work/err"
}
dry() {
    run --dry-run &&
        [ "$(snapshot "$r")" = "$before" ] && lists "$1"
}
applied() { run && lists "$1"; }
# What the initramfs has after its old bytes, which stay.
appended() {
    local path size
    [ -e "$work/appended.path" ] || return 0
    path=$(cat "$work/appended.path")
    size=$(stat -c %s "$work/want/$path")
    cmp -n "$size" "$work/want/$path" "$r/$path" >&2 && tail -c +"$((size + 1))" "$r/$path" >"$work/tail" &&
        { cpio -t --quiet && cpio -i --quiet --to-stdout <"$work/tail"; } <"$work/tail" | diff -u "$work/appended" - >&2 &&
        cp -p "$r/$path" "$work/want/$path"
}
# Nothing but what is expected, byte for byte, with modes and links.
compare() {
    appended || return 1
    [ ! -d "$r/var/lib/bootferry" ] || cp -a "$r/var/lib/bootferry" "$work/want/var/lib/"
    segments "$tree" &&
        diff -ru --no-dereference "$work/want" "$r" >&2 && diff -u <(listing "$work/want") <(listing "$r") >&2
}
notes() {
    local line
    while IFS= read -r line; do says "$line" || return 1; done <"$work/notes"
}
refuses() { ! run && notes && [ "$(snapshot "$r")" = "$before" ]; }
judged() { # READER LINKS
    "judge_$1" "$2" >"$work/judged" 2>&1 || true
    local line
    while IFS= read -r line; do
        grep -qF -- "$line" "$work/judged" || { shows "$line" "$work/judged"; return 1; }
    done <"$work/verdict"
}

one() { # TREE
    local tree=$1 name reader links
    name=$(basename "$tree" .tree)
    rm -rf "$r" "$work/want" "$work/appended.path"
    mkdir -p "$r"
    unpack "$tree" before "$r"
    archives "$tree" "$r" || { check "$name: its archives are made" false; return; }
    section "$tree" plan >"$work/plan"
    section "$tree" devices >"$work/devices"
    before=$(snapshot "$r")
    if grep -q '^== refused' "$tree"; then
        section "$tree" refused >"$work/notes"
        check "$name: refused, and nothing is touched" refuses
        return
    fi
    cp -a "$r" "$work/want"
    unpack "$tree" after "$work/want"
    section "$tree" gone | (cd "$work/want" && xargs -r rm)
    section "$tree" notes >"$work/notes"
    check "$name: a dry run lists the files" dry "$tree"
    check "$name: the plan is carried out" applied "$tree"
    check "$name: the report" notes
    check "$name: the files are the expected ones, and no others change" compare
    read -r reader links < <(sed -n 's/^== judge //p' "$tree") || true
    if [ -n "$reader" ] && judge_ready; then
        section "$tree" judge >"$work/verdict"
        check "$name: $reader reads the planned addresses" judged "$reader" "$links"
    elif [ -n "$reader" ]; then
        skip "$name: $reader"
    fi
    check "$name: a second run changes nothing" again
    check "$name: undo" undone "$before"
}

if [ $# -gt 0 ]; then
    for name; do one "$trees/$name.tree"; done
else
    for tree in "$trees"/*.tree; do one "$tree"; done
fi
finish
