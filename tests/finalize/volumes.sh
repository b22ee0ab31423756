#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The small VM on arrays (md), volumes of LVM (thin and RAID) and LUKS, one inside the other, whole and degraded. A VM makes
# the disks with the real tools, the finalizer adapts them, and a VM reads what came of it.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/volumes_vm.sh
. tests/finalize/volumes_vm.sh
umask 022
if ! command -v busybox >/dev/null; then
    skip "volumes" "busybox is not installed"
    finish
fi

tree=$work/root data=$work/data luks_lvm=aaaaaaaa-1111-4444-8888-000000000001 luks_lv=aaaaaaaa-1111-4444-8888-000000000002
debian "$tree"
ifupdown "$tree"
plan "$work/plan.uefi"
sed 's/, "firmware": "uefi"//' "$work/plan.uefi" >"$work/plan"
sed -i '/ \/boot\/efi /d; /swap/d' "$tree/etc/fstab"
mkdir -p "$data"
printf 'fixture pass' >"$data/pass"
head -c 64 /dev/urandom >"$data/key"
# pack NAME FSTAB CRYPTTAB: the tree as this system would have it.
pack() {
    printf '%s\n' "$2" >"$tree/etc/fstab"
    printf '%s\n' "$3" >"$tree/etc/crypttab"
    tar -C "$tree" --numeric-owner --owner=0 --group=0 -czf "$data/$1.tgz" .
}
pack luks '/dev/mapper/vg_crypt-root / ext4 defaults 0 1' "vda_crypt UUID=$luks_lvm none luks"
pack thin $'/dev/thin/root / ext4 defaults 0 1\n/dev/thin/var /var ext4 defaults 0 2' ''
pack md $'/dev/md0 / ext4 defaults 0 1' ''
pack inner $'/dev/mapper/inner_crypt / ext4 defaults 0 1' "inner_crypt UUID=$luks_lv /etc/key luks"

cat >"$work/make" <<'INIT'
put() { mke2fs -q -t ext4 $3 "$1" && mount -t ext4 "$1" /mnt && tar -C /mnt -xzf /data/$2.tgz && umount /mnt && echo "made $2"; }
kdf="--pbkdf pbkdf2 --pbkdf-force-iterations 1000"
d=$(disk luks)
cryptsetup luksFormat -q --type luks2 $kdf --uuid aaaaaaaa-1111-4444-8888-000000000001 --key-file /data/pass $d
cryptsetup open --key-file /data/pass $d one
lvm pvcreate -qq -y /dev/mapper/one; lvm vgcreate -qq vg_crypt /dev/mapper/one; lvm lvcreate -qq -y -Wn -L 72M -n root vg_crypt
put /dev/mapper/vg_crypt-root luks
a=$(disk thin1) b=$(disk thin2)
lvm pvcreate -qq -y $a $b; lvm vgcreate -qq thin $a $b
lvm lvcreate -qq -y --type thin-pool -L 80M --poolmetadatasize 4M -n pool thin $a
lvm lvcreate -qq -y -V 96M --thinpool pool -n root thin
lvm lvcreate -qq -y --type raid1 -m 1 -L 24M -n var thin
mke2fs -q -t ext4 /dev/thin/root; mke2fs -q -t ext4 /dev/thin/var
mount -t ext4 /dev/thin/root /mnt; mkdir /mnt/var; mount -t ext4 /dev/thin/var /mnt/var
tar -C /mnt -xzf /data/thin.tgz && echo "made thin"; umount /mnt/var; umount /mnt
mdadm --create /dev/md0 --run --metadata=1.2 --name=0 --homehost=guest --level=1 --raid-devices=2 --assume-clean $(disk md1) $(disk md2)
put /dev/md0 md
d=$(disk inner)
lvm pvcreate -qq -y $d; lvm vgcreate -qq vg_inner $d; lvm lvcreate -qq -y -Wn -L 88M -n crypt vg_inner
cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 --uuid aaaaaaaa-1111-4444-8888-000000000002 --key-file /data/key /dev/vg_inner/crypt
cryptsetup open --key-file /data/key /dev/vg_inner/crypt two
put /dev/mapper/two inner
cryptsetup close two; lvm vgchange -qq -an; cryptsetup close one; mdadm --stop --scan
INIT
cat >"$work/read" <<'INIT'
read_root() { # NAME DEVICE [VAR]
    mount -t ext4 -o ro "$2" /mnt || return
    [ -z "$3" ] || mount -t ext4 -o ro "$3" /mnt/var
    show $1-interfaces /mnt/etc/network/interfaces; show $1-host /mnt/etc/hostname
    [ -d /mnt/var/lib/bootferry/undo ] && echo "=== $1-undo"
    [ -z "$3" ] || umount /mnt/var
    umount /mnt
}
echo 1 >/sys/module/md_mod/parameters/start_ro
cryptsetup open --key-file /data/pass $(disk luks) one
lvm vgchange -ay
cryptsetup open --key-file /data/key /dev/vg_inner/crypt two
read_root luks /dev/vg_crypt/root
read_root thin /dev/thin/root /dev/thin/var
read_root inner /dev/mapper/two
for n in 1 2; do mdadm --assemble --run /dev/md$n $(disk md$n) >/dev/null 2>&1; read_root md$n /dev/md$n; mdadm --stop /dev/md$n >/dev/null 2>&1; done
INIT

disks=()
for name in luks:128 thin1:128 thin2:64 md1:80 md2:80 inner:112; do
    truncate -s "${name#*:}M" "$work/${name%:*}.raw"
    disks+=("$work/${name%:*}.raw")
done
make_builder "$work/maker" "$work/make" "$data"
check "disks are made in a VM" run_builder "$work/maker" "$work/made" "${disks[@]}"
check "all of them" test "$(grep -c '^made ' "$work/made.text")" = 4

# run PLAN DISK...: one run over these disks.
# shellcheck disable=SC2120 # check passes the arguments
run() {
    local plan=$1 name args=()
    shift
    for name; do args+=(--disk "raw:$work/$name.raw"); done
    "$FINALIZE" run --kernel build/finalize-vm/vmlinuz --initramfs build/finalize-vm/initramfs "${args[@]}" \
        --plan "$plan" --report "$work/report" --deadline 600 2>"$work/err" || { sed 's/^/# /' "$work/err"; return 1; }
}
with() { jq -c "$1" "$work/plan" >"$work/plan.$2"; }
cp "$work/md1.raw" "$work/half.raw"
cp "$work/thin1.raw" "$work/lone.raw"

# ---- LVM inside LUKS2 --------------------------------------------------------------------------
# A second key slot, as systemd-cryptenroll would bind it to a TPM.
cryptsetup luksAddKey -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$data/pass" "$work/luks.raw" "$data/key" &&
    cryptsetup token import "$work/luks.raw" <<<'{"type":"systemd-tpm2","keyslots":["1"],"tpm2-blob":"AA==","tpm2-pcrs":[7],"tpm2-policy-hash":"00"}'
before=$(sha256sum <"$work/luks.raw")
refute "LUKS: without a key" run "$work/plan" luks
check "LUKS: the device that wants one is named" says "encrypted; give its key as \"unlock\": UUID=$luks_lvm"
check "LUKS: what is bound to a TPM is told before the move" says 'key slot 1 is bound to the TPM of the old machine (systemd-tpm2), which the new home does not have: at each start a passphrase will be asked for'
with ".unlock = [{uuid: \"$luks_lvm\", passphrase: \"fixture pazz\"}]" wrong
refute "LUKS: a wrong passphrase" run "$work/plan.wrong" luks
check "LUKS: is told with its UUID" says "the plan's key for the encrypted device UUID=$luks_lvm does not open it"
check "LUKS: and the disk is as it was" test "$(sha256sum <"$work/luks.raw")" = "$before"
with ".unlock = [{uuid: \"$luks_lvm\", passphrase: \"fixture pass\"}]" luks
check "LUKS: LVM inside, with the passphrase" run "$work/plan.luks" luks
refute "LUKS: the passphrase is in no report" grep -q 'fixture pass' "$work/report" "$work/report.txt"

# ---- LUKS1 inside LVM, with a key file ---------------------------------------------------------
with ".unlock = [{uuid: \"$luks_lv\", key_file: \"$data/none\"}]" nofile
refute "LUKS in LVM: a key file that is not there" run "$work/plan.nofile" inner
check "LUKS in LVM: is named" says "the key file of UUID=$luks_lv"
with ".unlock = [{uuid: \"$luks_lv\", key_file: \"$data/key\"}]" inner
check "LUKS in LVM: with the key file" run "$work/plan.inner" inner
refute "LUKS in LVM: the key is in no report" grep -qF "$(base64 -w0 "$data/key" | head -c 40)" "$work/report"
with ".unlock = [{uuid: \"$luks_lv\", key: \"$(base64 -w0 "$data/key")\"}]" base64
check "LUKS in LVM: with the key in base64, and nothing is left to do" run "$work/plan.base64" inner
check "LUKS in LVM: second run" test "$(jq '.changes | length' "$work/report")" = 0

# ---- Thin and RAID volumes over two disks ------------------------------------------------------
check "LVM: thin root, /var on RAID1" run "$work/plan" thin1 thin2
check "LVM: /var is mounted" jq -e '.system.devices[] | select(.mounts[]?.at == "/var")' "$work/report"
refute "LVM: hidden volumes are not looked at" grep -q 'rimage\|tdata' "$work/report"
check "LVM: with one disk of two, RAID1 goes on" run "$work/plan" lone
check "LVM: what LVM misses is told" says 'missing'

# ---- md ----------------------------------------------------------------------------------------
check "md: RAID1, called as it was" run "$work/plan" md1 md2
check "md: by its old name" jq -e '.system.devices[] | select(.name == "/dev/md0" and .root)' "$work/report"
refute "md: whole, nothing is said of members" grep -q 'members' "$work/report.txt"
check "md: half of it" run "$work/plan" half
check "md: is told" says 'the array (raid1) has 1 of 2 members'

# ---- What came of it ---------------------------------------------------------------------------
make_builder "$work/reader" "$work/read" "$data"
check "the disks are read in a VM" run_builder "$work/reader" "$work/seen" "${disks[@]}"
for name in luks inner thin md1 md2; do
    check "$name: address" grep -qxF '    address 203.0.113.5/24' <(shown "$work/seen" "$name-interfaces")
    check "$name: host name" grep -qx newhost <(shown "$work/seen" "$name-host")
done
check "thin: the journal is in /var's own file system" grep -qx '=== thin-undo' "$work/seen.text"
finish
