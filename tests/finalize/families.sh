#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Families of Linux as their installers leave them, one file each: families/NAME.tree has the tree, the plan, and what
# must come of it. Arguments are the NAMEs of a few trees.
#
# A .tree begins with comments. "== SECTION" begins a section, "--- PATH" a file in it, up to the next such line:
#   == before   the tree. "--- PATH MODE" (octal), "--- PATH -> TARGET" for a link, "--- PATH/" for an empty folder
#   == plan     the plan (JSON)
#   == devices  the list of disks, where names depend on their order (--devices)
#   == after    every file that the plan changes or creates, in full; in "before" form
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
            printf "" >out
            if ($3) print "chmod " $3 " " $2
            next
        }
        out { print >out }' "$work/section" | sh -e)
}
listing() { (cd "$1" && find . -printf '%P %y %m %l\n' | grep -v '^var/lib/bootferry' | LC_ALL=C sort); }
paths() { jq -r '.changes[].path' "$1" | sed 's,^/,,' | LC_ALL=C sort; }
# Both reports name what the tree names.
lists() {
    { awk '/^--- / { print $2 }' "$work/section" && section "$1" gone; } | LC_ALL=C sort >"$work/expected"
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
# Nothing but what is expected, byte for byte, with modes and links.
compare() {
    [ ! -d "$r/var/lib/bootferry" ] || cp -a "$r/var/lib/bootferry" "$work/want/var/lib/"
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
    rm -rf "$r" "$work/want"
    mkdir -p "$r"
    unpack "$tree" before "$r"
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
