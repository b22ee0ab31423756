#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# LUKS2 devices whose keys take memory to derive (Argon2id): one of 1 GiB, as cryptsetup chooses it on a large machine;
# one for which the VM has to be larger; and headers that ask for what this host or cryptsetup does not give.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/volumes_vm.sh
. tests/finalize/volumes_vm.sh
umask 022
if ! command -v busybox >/dev/null; then
    skip "LUKS and memory" "busybox is not installed"
    finish
fi

tree=$work/root data=$work/data uuid=aaaaaaaa-1111-4444-8888-000000000003
debian "$tree"
ifupdown "$tree"
plan "$work/plan.uefi"
sed 's/, "firmware": "uefi"//' "$work/plan.uefi" | jq ".unlock = [{uuid: \"$uuid\", passphrase: \"fixture pass\"}]" >"$work/plan"
echo '/dev/mapper/root / ext4 defaults 0 1' >"$tree/etc/fstab"
echo "root UUID=$uuid none luks" >"$tree/etc/crypttab"
mkdir -p "$data"
printf 'fixture pass' >"$data/pass"
tar -C "$tree" --numeric-owner --owner=0 --group=0 -czf "$data/root.tgz" .
cat >"$work/make" <<INIT
d=\$(disk luks)
cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --uuid $uuid --key-file /data/pass \$d
cryptsetup open --key-file /data/pass \$d one
mke2fs -q -t ext4 /dev/mapper/one && mount -t ext4 /dev/mapper/one /mnt && tar -C /mnt -xzf /data/root.tgz && umount /mnt &&
    echo "made root"
cryptsetup close one
INIT
truncate -s 128M "$work/luks.raw"
make_builder "$work/maker" "$work/make" "$data"
check "a device is made in a VM" run_builder "$work/maker" "$work/made" "$work/luks.raw"
check "with a system on it" grep -q '^made root' "$work/made.text"

# costs MIB: the device's key slot takes this much memory. No device mapper is needed for that.
costs() {
    cryptsetup luksConvertKey -q --pbkdf argon2id --pbkdf-memory $(($1 * 1024)) --pbkdf-parallel 1 \
        --pbkdf-force-iterations 4 --key-file "$data/pass" "$work/luks.raw" &&
        equal $(($1 * 1024)) "$(cryptsetup luksDump --dump-json-metadata "$work/luks.raw" | jq '.keyslots[].kdf.memory')"
}
# claims KIB: both copies of the header say so, with a right checksum, whatever the key was derived with.
claims() {
    python3 - "$work/luks.raw" "$1" <<'EOF'
import hashlib, re, struct, sys
with open(sys.argv[1], "r+b") as f:
    size = struct.unpack(">Q", f.read(16)[8:])[0]
    for at in (0, size):
        f.seek(at)
        head = bytearray(f.read(size))
        text = bytes(head[4096:]).rstrip(b"\0")
        text = re.sub(rb'"memory":\d+', b'"memory":' + sys.argv[2].encode(), text)
        head[4096:] = text.ljust(size - 4096, b"\0")
        head[448:512] = bytes(64)
        head[448:480] = hashlib.sha256(head).digest()
        f.seek(at)
        f.write(head)
EOF
}
# shellcheck disable=SC2120 # check passes the arguments
run() {
    "$FINALIZE" run --kernel build/finalize-vm/vmlinuz --initramfs build/finalize-vm/initramfs --disk "raw:$work/luks.raw" \
        --plan "$work/plan" --report "$work/report" --deadline 1200 "$@" 2>"$work/err" || { sed 's/^/# /' "$work/err"; return 1; }
}

check "a key that costs 1 GiB" costs 1024
check "1 GiB: the device is opened" run
check "1 GiB: and what is in it was adapted" test "$(jq '.changes | length' "$work/report")" -gt 0
available=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
if [ "$available" -gt 3500 ]; then
    check "a key that costs 2 GiB" costs 2048
    check "2 GiB: the VM becomes large enough" run
    check "2 GiB: nothing is left to do" test "$(jq '.changes | length' "$work/report")" = 0
else
    skip "2 GiB" "this machine has $available MiB available"
fi

claims 4194305
refute "more than cryptsetup sets" run
check "which is refused" test "$(jq -r .result "$work/report")" = refused
check "with the device, the sum and what to do" says "the encrypted device UUID=$uuid is not opened: its header asks for 4097 MiB of memory to derive a key, and cryptsetup sets no more than 4096 MiB; on the source, give the key slot a lower cost with cryptsetup luksConvertKey --pbkdf-memory"
claims 9223372036854775807
before=$(sha256sum <"$work/luks.raw")
refute "an absurd sum" run
check "is refused alike" says "cryptsetup sets no more than 4096 MiB"
check "and the disk is as it was" test "$(sha256sum <"$work/luks.raw")" = "$before"
finish
