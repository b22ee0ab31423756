#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SELinux labels: what is replaced keeps its label, what is made new gets the one that the guest's policy has for it, and
# setfiles, with Debian's policy, finds nothing to correct. A policy that cannot be used ends in a relabel.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022
r=$work/root
label() { python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "security.selinux", follow_symlinks=False).decode().rstrip("\0"))' "$1" 2>/dev/null || echo none; }
run() { finalize "$r" "$work/plan"; }
plan "$work/plan"
devices "$work/devices"

tree() {
    rm -rf "$r"
    debian "$r"
    ifupdown "$r"
    mkdir -p "$r/etc/selinux/default/contexts/files"
    printf '# comment\nSELINUX=enforcing\nSELINUXTYPE=default\n' >"$r/etc/selinux/config"
}
small_policy() {
    put "$r/etc/selinux/default/contexts/files/file_contexts" <<'EOF'
/.*	system_u:object_r:default_t:s0
/etc(/.*)?	system_u:object_r:etc_t:s0
/etc/network(/.*)?	system_u:object_r:net_conf_t:s0
/usr/lib/systemd/network(/.*)?	system_u:object_r:systemd_network_t:s0
/var/lib(/.*)?	system_u:object_r:var_lib_t:s0
/boot(/.*)?	system_u:object_r:boot_t:s0
/boot/efi(/.*)?	<<none>>
EOF
    put "$r/etc/selinux/default/contexts/files/file_contexts.subs_dist" <<<'/etc/systemd/network /usr/lib/systemd/network'
}

if [ "$(id -u)" != 0 ]; then
    tree
    small_policy
    check "without root: applied" run
    check "a relabel is arranged" [ -e "$r/.autorelabel" ]
    check "and the report says so" says "labels everything anew at its first start"
    finish
fi

tree
small_policy
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "security.selinux", b"system_u:object_r:own_t:s0\0")' "$r/etc/hostname" ||
    { skip "SELinux labels" "the file system of $work has no security attributes"; finish; }
before=$(snapshot "$r")
check "with a policy: applied" run
check "a file that had a label keeps it" equal system_u:object_r:own_t:s0 "$(label "$r/etc/hostname")"
check "a new file gets the policy's, by its substitutions" \
    equal system_u:object_r:systemd_network_t:s0 "$(label "$r/etc/systemd/network/00-bootferry-enp0s3.link")"
check "so does a new folder" equal system_u:object_r:systemd_network_t:s0 "$(label "$r/etc/systemd/network")"
check "and what undo keeps" equal system_u:object_r:var_lib_t:s0 "$(label "$r/var/lib/bootferry/undo/journal.json")"
check "what the policy leaves without a label has none" equal none "$(label "$r/boot/efi/EFI/BOOT/BOOTX64.EFI")"
refute "no relabel is arranged" [ -e "$r/.autorelabel" ]
undone() { "$FINALIZE" --root "$r" --undo --report "$work/report" && [ "$(snapshot "$r")" = "$before" ]; }
check "undo restores all" undone

# Policies that cannot be used, and none at all.
broken() {
    check "$1: applied" run
    check "$1: a relabel is arranged" [ -e "$r/.autorelabel" ]
    check "$1: and said" says "labels everything anew at its first start"
}
tree
broken "no file contexts"
tree
head -c 3000 /dev/urandom >"$r/etc/selinux/default/contexts/files/file_contexts"
broken "file contexts that are noise"
tree
small_policy
sed -i 's/SELINUXTYPE=.*/SELINUXTYPE=..\/..\/..\/tmp/' "$r/etc/selinux/config"
broken "a type that leads elsewhere"
tree
small_policy
head -c 2000000 /dev/zero | tr '\0' x >>"$r/etc/selinux/default/contexts/files/file_contexts"
broken "file contexts beyond the limit"
# A compiled form is never read: the text beside it counts.
tree
small_policy
head -c 5000 /dev/urandom >"$r/etc/selinux/default/contexts/files/file_contexts.bin"
check "a compiled form that is noise: applied" run
check "the text counts" equal system_u:object_r:systemd_network_t:s0 "$(label "$r/etc/systemd/network")"
for off in 'SELINUX=disabled' '# nothing'; do
    tree
    small_policy
    echo "$off" >"$r/etc/selinux/config"
    check "$off: applied" run
    refute "$off: no relabel" [ -e "$r/.autorelabel" ]
    check "$off: new files have no label" equal none "$(label "$r/etc/systemd/network")"
done

# ---- The judge ----------------------------------------------------------------------------------
if judge_ready; then
    tree
    cp -r "$JUDGE/etc/selinux/." "$r/etc/selinux/"
    sed -i 's/^SELINUX=.*/SELINUX=enforcing/' "$r/etc/selinux/config"
    # setfiles [OPTION...]: over the tree, with the policy that it was given.
    setfiles() {
        tree=$r judge=$JUDGE options=$* unshare -m bash -ec 'mount --make-rprivate /; mount --bind "$tree" "$judge/mnt"
            mount -t proc proc "$judge/proc"
            chroot "$judge" setfiles $options -r /mnt /etc/selinux/default/contexts/files/file_contexts /mnt'
    }
    check "a tree without labels has something to do for setfiles" matches 'Would relabel /mnt/etc/hostname' "$(setfiles -nvF)"
    setfiles -F >/dev/null
    check "setfiles labels the whole tree, and then has nothing to do" equal "" "$(setfiles -nvF)"
    check "with Debian's policy: applied" run
    check "setfiles finds nothing to correct" equal "" "$(setfiles -nvF)"
    check "a new network file has the type of Debian's policy" matches ':object_r:[a-z_]+_t:' "$(label "$r/etc/systemd/network/00-bootferry-enp0s3.link")"
else
    skip "setfiles as a judge" "it needs root and overlays"
fi
finish
