#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# All or nothing: what would stop a change half way is found before the first one, in a dry run too; what stops it
# nevertheless is taken back; and flags, ACLs, hard links and times of a file are afterwards what they were.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022
[ "$(id -u)" = 0 ] || { skip "flags, mounts and file systems" "only root can set them"; finish; }

r=$work/root
tree() {
    chattr -R -ia "$r" 2>/dev/null || true
    rm -rf "$r"
    debian "$r"
    ifupdown "$r"
}
at_exit eval "chattr -R -ia \"$r\" 2>/dev/null"
at_exit eval "umount -q \"$r/etc/hosts\" 2>/dev/null"
plan "$work/plan"
devices "$work/devices"
run() { finalize "$r" "$work/plan" "$@"; }
undo() { "$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err"; }
flags() { lsattr -d "$1" | cut -d' ' -f1 | tr -d -- -; }
# seen: like snapshot, and flags and link counts.
seen() {
    snapshot "$r"
    (cd "$r" && find . -type f -printf '%n %p\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 lsattr -d | sed 's/e//' 2>/dev/null)
}
# refused WORD: dry run and apply refuse, say why, and change nothing.
refused() {
    local before after
    before=$(seen)
    ! run --dry-run || return 1
    says "$1" && ! run && says "$1" || return 1
    after=$(seen)
    [ "$before" = "$after" ] || { diff <(echo "$before") <(echo "$after"); return 1; }
}
back() { undo && diff <(echo "$1") <(seen); }

tree
touch "$work/probe"
if ! chattr +i "$work/probe" 2>/dev/null; then
    skip "immutable files" "the file system of $work has no such flag"
else
    chattr -i "$work/probe"
    # ---- flags ----------------------------------------------------------------------------------
    chattr +i "$r/etc/hostname"
    chattr +a "$r/etc/hosts"
    chattr +d "$r/etc/fstab"
    before=$(seen)
    check "immutable and append-only files: a dry run passes and says it" run --dry-run
    check "the dry run says that a flag is lifted" says "the flag is lifted for the change and set again"
    check "a dry run leaves everything" equal "$before" "$(seen)"
    check "an immutable file is changed" run
    check "the host name is the planned one" has "$r/etc/hostname" newhost
    check "its flag is set again" matches i "$(flags "$r/etc/hostname")"
    check "an append-only file keeps its flag" matches a "$(flags "$r/etc/hosts")"
    check "a file without dump keeps its flag" matches d "$(flags "$r/etc/fstab")"
    check "undo restores contents and flags" back "$before"

    tree
    chattr +i "$r/etc"
    check "an immutable folder is refused before the first write" refused "is immutable or append-only"
    chattr -i "$r/etc"
fi

# ---- ACLs -----------------------------------------------------------------------------------------
# acl NAME PATH USER: gives it an ACL with an entry for that user (struct posix_acl_xattr_entry, acl(5)).
acl() {
    python3 -c 'import os, struct, sys
entries = [(1, 7, 0xffffffff), (2, 7, int(sys.argv[3])), (4, 5, 0xffffffff), (0x10, 7, 0xffffffff), (0x20, 5, 0xffffffff)]
os.setxattr(sys.argv[2], sys.argv[1], struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries))' "$@"
}
tree
if acl system.posix_acl_default "$r/etc" 1234 2>/dev/null; then
    acl_of() { getfattr --absolute-names -e hex -n system.posix_acl_access "$1" 2>/dev/null || echo none; }
    no_acl() { equal none "$(acl_of "$1")"; }
    before=$(seen)
    check "in a folder with a default ACL: applied" run
    check "a replaced file has no ACL that it had not" no_acl "$r/etc/hostname"
    check "undo restores the files without it" back "$before"
    acl system.posix_acl_access "$r/etc/hostname" 77
    own=$(acl_of "$r/etc/hostname")
    before=$(seen)
    check "a file with an ACL of its own: applied" run
    check "it keeps it" equal "$own" "$(acl_of "$r/etc/hostname")"
    check "undo restores it" back "$before"
else
    skip "default ACLs" "the file system of $work has none"
fi

# ---- Hard links -----------------------------------------------------------------------------------
tree
mkdir "$r/srv"
ln "$r/etc/hostname" "$r/srv/other name"
inode=$(stat -c %i "$r/etc/hostname")
before=$(seen)
check "a file with two names: applied" run
check "it is the same file still" equal "$inode 2" "$(stat -c '%i %h' "$r/etc/hostname")"
check "both names have the new content" has "$r/srv/other name" newhost
check "the report says that the other name changes with it" says "has other names (hard links)"
check "undo restores both, and the time" back "$before"
check "applied once more" run
# As a run leaves it that is killed while the file is written.
jq '.files["/etc/hostname"].begun = true' "$r/var/lib/bootferry/undo/journal.json" >"$work/j" &&
    cat "$work/j" >"$r/var/lib/bootferry/undo/journal.json"
printf new >"$r/etc/hostname"
check "a file that a killed run wrote in part is restored" back "$before"

# ---- What cannot be written -----------------------------------------------------------------------
tree
small() { # OPTIONS...: the tree in a small file system that is mounted at $r
    mv "$r" "$work/tree"
    mkdir "$r"
    truncate -s "$size" "$work/fs"
    mke2fs -q -t ext4 -d "$work/tree" "$@" "$work/fs" && mount -o loop "$work/fs" "$r"
}
gone() { umount "$r" && rmdir "$r" && mv "$work/tree" "$r"; }
size=24M
if small; then
    at_exit eval "umount -q \"$r\" 2>/dev/null"
    dd if=/dev/zero of="$r/fill" bs=64k status=none 2>/dev/null || true
    check "a full file system is refused before the first write" refused "KiB free for it"
    rm "$r/fill"
    mount -o remount,ro "$r"
    check "a read-only file system is refused before the first write" refused "mounted read-only"
    mount -o remount,rw "$r"
    check "with room it is applied" run
    gone
    small -N 400
    i=0
    while touch "$r/node$((i++))" 2>/dev/null; do :; done
    check "a file system without inodes is refused before the first write" refused "no inode left"
    gone
else
    skip "full and read-only file systems" "no loop device"
    rm -rf "$r" && mv "$work/tree" "$r"
fi

# ---- What fails nevertheless ------------------------------------------------------------------------
touch "$work/mounted"
cp -p "$r/etc/hosts" "$work/mounted"
mount --bind "$work/mounted" "$r/etc/hosts"
before=$(seen)
refute "a file that cannot be replaced fails the run" run
check "the file is named" says "/etc/hosts could not be written"
check "what was changed before it is taken back, with the journal" equal "$before" "$(seen)"
umount "$r/etc/hosts"
before=$(seen)
check "applied once it can be" run
check "and undone" back "$before"

# ---- Without privileges ---------------------------------------------------------------------------
if id nobody >/dev/null 2>&1; then
    tree
    chmod 755 "$work"
    cp "$FINALIZE" "$work/finalize"
    chown -R nobody "$r"
    chown root "$r/etc/hostname"
    as_nobody() { setpriv --reuid nobody --clear-groups "$work/finalize" --root "$r" --plan "$work/plan" --devices "$work/devices" "$@" >"$work/report.txt" 2>&1; }
    before=$(seen)
    refute "a file of another user is refused for a user" as_nobody
    check "it says that only root can keep the owner" says "belongs to another user"
    check "nothing was changed" equal "$before" "$(seen)"
    chown nobody "$r/etc/hostname"
    chmod 555 "$r/etc"
    refute "a folder that may not be written is refused" as_nobody
    check "it names the folder" says "the folder /etc may not be written"
fi
finish
