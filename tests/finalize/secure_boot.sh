#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Secure Boot before anything is touched: who signed what starts, what it is trusted by, and its revocations. Images are
# made here and signed with sbsign; Debian's own are read where the judges' root has them.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022
for program in sbsign sbverify openssl python3 jq; do
    command -v $program >/dev/null || { skip "no $program here"; finish; }
done

pe=$(dirname "$0")/pe.py
# shellcheck disable=SC2154 # trees.sh sets $work
k=$work/keys r=$work/root esp=$r/boot/efi/EFI
mkdir -p "$k"
# key NAME COMMONNAME [ISSUER]: a key and its certificate.
key() {
    openssl req -newkey rsa:2048 -nodes -keyout "$k/$1.key" -subj "/CN=$2" -out "$k/$1.csr" 2>/dev/null
    if [ -n "${3:-}" ]; then
        openssl x509 -req -in "$k/$1.csr" -CA "$k/$3.pem" -CAkey "$k/$3.key" -CAcreateserial -days 9 -out "$k/$1.pem"
    else
        openssl x509 -req -in "$k/$1.csr" -signkey "$k/$1.key" -days 9 -out "$k/$1.pem" \
            -extfile <(echo basicConstraints=critical,CA:true)
    fi 2>/dev/null
    openssl x509 -in "$k/$1.pem" -outform der -out "$k/$1.der"
}
key firm "Our Firmware CA"
key vendor "Vendor CA"
key leaf "Vendor Signer" vendor
key other "Somebody Else"
key mimic "Microsoft Corporation UEFI CA 2011"
key victim "Publisher" mimic

sbat() { printf 'sbat,1,SBAT Version,sbat,1,https://example.org\n%s,Somebody,x,1,https://example.org\n' "$1"; }
echo text >"$work/text"
"$pe" vendor "$work/vendor" "$k/vendor.der"
"$pe" level "$work/level" 'sbat,1,2022052400\ngrub,2\n' 'sbat,1,2023012900\nshim,2\ngrub,3\n'
# image OUT KEY SBAT NAME=FILE...: a signed image; KEY or SBAT "" for none.
image() {
    local out=$1 signer=$2 sections=(".text=$work/text")
    [ -z "$3" ] || { sbat "$3" >"$work/sbat" && sections+=(".sbat=$work/sbat"); }
    shift 3
    "$pe" make "$out" x64 "${sections[@]}" "$@"
    [ -z "$signer" ] || sbsign --key "$k/$signer.key" --cert "$k/$signer.pem" --output "$out" "$out" 2>/dev/null
}
shim() { image "$1" "${2-firm}" "${3-shim,4}" ".vendor_cert=$work/vendor" ".sbatlevel=$work/level"; }

# modules VERSION: of a kernel that has the disk's drivers built in.
modules() {
    mkdir -p "$r/usr/lib/modules/$1"
    echo 'kernel/a.ko:' >"$r/usr/lib/modules/$1/modules.dep"
    printf 'kernel/%s.ko\n' sd_mod virtio_pci virtio_blk ahci >"$r/usr/lib/modules/$1/modules.builtin"
}
fresh() {
    rm -rf "$r"
    mkdir -p "$esp/BOOT" "$r/etc" "$r/usr/bin" "$r/usr/lib/modules/6.1" "$r/boot"
    ln -s usr/lib "$r/lib"
    echo ID=debian >"$r/etc/os-release"
    printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\76\0' >"$r/usr/bin/dash" # x86-64
    modules 6.1
    shim "$esp/BOOT/BOOTX64.EFI"
    image "$esp/BOOT/grubx64.efi" leaf grub,5
    image "$r/boot/vmlinuz-6.1" leaf ""
}
plan() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"$1}}"; }
state() { jq -r ".system.secure_boot.$1" "$work/report"; }
of() { jq -r ".system.secure_boot.files[] | select(.path == \"$1\") | $2" "$work/report"; }

# ---- A chain ------------------------------------------------------------------------------------
fresh
check "sbverify accepts the shim" sbverify --cert "$k/firm.pem" "$esp/BOOT/BOOTX64.EFI"
check "sbverify accepts the GRUB by the vendor's CA" sbverify --cert "$k/vendor.pem" "$esp/BOOT/grubx64.efi"
plan ', "secure_boot": true'
check "a chain whose every signature fits" run
check "it starts with the first one's key" equal "$(state starts)" "with its own key"
check "and says which" says "starts with Secure Boot where the firmware trusts Our Firmware CA, a key of its own"
check "it is a warning" equal "$(jq -r '.notes[] | select(.about == "Secure Boot").level' "$work/report")" warning
check "the shim is one" equal "$(of /boot/efi/EFI/BOOT/BOOTX64.EFI '.kind + " " + .trusts + " " + .sbat[1]')" "shim Vendor CA shim,4"
check "the GRUB is one" equal "$(of /boot/efi/EFI/BOOT/grubx64.efi '.kind + " " + .signatures[0].signer + " " + .signatures[0].issuer')" "grub Vendor Signer Vendor CA"
check "nothing is wrong with either" equal "$(state 'files | map(.problem // empty) | length')" 0
check "inspection has the same" "$FINALIZE" --root "$r" --inspect --report "$work/report"
check "inspection says who signed" equal "$(of /boot/vmlinuz-6.1 .signatures[0].signer)" "Vendor Signer"

# ---- What breaks it -----------------------------------------------------------------------------
fresh
image "$esp/BOOT/BOOTX64.EFI" "" shim,4
check "an unsigned loader is refused" refused_with "/boot/efi/EFI/BOOT/BOOTX64.EFI is not signed"
plan ''
check "without a word about Secure Boot it is not" run
check "but said" says "does not start with Secure Boot"
check "as information" equal "$(jq -r '.notes[] | select(.about == "Secure Boot").level' "$work/report")" info
plan ', "secure_boot": false'
check "where it is off" run
refute "nothing is said" says "Secure Boot"
plan ', "secure_boot": true'
fresh
image "$esp/BOOT/grubx64.efi" other grub,5
check "a GRUB by somebody else is refused" refused_with 'grubx64.efi is signed by "Somebody Else", which the shim does not trust: it trusts "Vendor CA"'
fresh
printf X | dd of="$esp/BOOT/grubx64.efi" bs=1 seek=520 conv=notrunc 2>/dev/null
refute "sbverify refuses a changed GRUB" sbverify --cert "$k/vendor.pem" "$esp/BOOT/grubx64.efi"
check "a GRUB that was changed is refused" refused_with 'grubx64.efi was changed after it was signed by "Vendor Signer"'
fresh
image "$r/boot/vmlinuz-6.1" "" ""
check "an unsigned kernel is refused" refused_with "/boot/vmlinuz-6.1 is not signed"
fresh
image "$r/boot/vmlinuz-6.1" other ""
check "a kernel with a key of the machine's owner is refused" refused_with "what was enrolled with mokutil on the old machine, which does not come along"
modules 6.2
image "$r/boot/vmlinuz-6.2" leaf ""
check "where another kernel is accepted it starts" run
check "and the first is reported" matches "Somebody Else" "$(of /boot/vmlinuz-6.1 .problem)"
fresh
image "$esp/BOOT/BOOTX64.EFI" victim shim,4 ".vendor_cert=$work/vendor"
check "an authority's name alone" run
check "makes nobody Microsoft" equal "$(state starts)" "with its own key"

# ---- Revocations --------------------------------------------------------------------------------
fresh
image "$esp/BOOT/grubx64.efi" leaf grub,3
check "an old GRUB is refused" refused_with "grubx64.efi has grub,3 in its SBAT data, which firmware with the revocations of 2024-04-09 or later refuses"
image "$esp/BOOT/grubx64.efi" leaf grub,1
check "one that its own shim refuses" refused_with "has grub,1 in its SBAT data, which the shim in front of it refuses itself"
image "$esp/BOOT/grubx64.efi" leaf ""
check "one without SBAT data" refused_with "has no SBAT data, and shim starts nothing without it"
fresh
shim "$esp/BOOT/BOOTX64.EFI" firm shim,3
check "an old shim" refused_with "BOOTX64.EFI has shim,3 in its SBAT data, which firmware with the revocations of 2024-01-09 or later refuses"
shim "$esp/BOOT/BOOTX64.EFI" firm ""
check "an older shim" refused_with "is a shim without SBAT data, older than 15.3"
plan ''
check "without the plan's word they are adapted" run
check "and said" says "is a shim without SBAT data"

# ---- Images that mean harm ----------------------------------------------------------------------
plan ', "secure_boot": true'
fresh
cp "$esp/BOOT/BOOTX64.EFI" "$work/whole"
cut_everywhere() {
    local size n
    size=$(stat -c %s "$work/whole")
    for ((n = 0; n < size; n += size / 40)); do
        head -c "$n" "$work/whole" >"$esp/BOOT/BOOTX64.EFI"
        run && return 1
        says "EFI/BOOT/BOOTX64.EFI" || return 1
    done
}
check "an image that is cut anywhere is refused" cut_everywhere
flip_everywhere() {
    local n
    for n in 60 64 68 70 84 88 124 144 148 232 236 328 336 340 344 348; do
        cp "$work/whole" "$esp/BOOT/BOOTX64.EFI"
        printf '\377\377\377\377' | dd of="$esp/BOOT/BOOTX64.EFI" bs=1 seek="$n" conv=notrunc 2>/dev/null
        run
        [ "$(jq -r .result "$work/report")" != failed ] || return 1
        jq -e '.result == "refused"' "$work/report" >/dev/null || return 1
    done
}
check "one whose headers lie is refused" flip_everywhere

# ---- Debian's own -------------------------------------------------------------------------------
opt=${JUDGE:-build/judge/root}/opt
if [ -e "$opt/shim-signed/usr/lib/shim/shimx64.efi.signed" ]; then
    fresh
    cp "$opt/shim-signed/usr/lib/shim/shimx64.efi.signed" "$esp/BOOT/BOOTX64.EFI"
    cp "$opt/grub-efi-amd64-signed/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$esp/BOOT/grubx64.efi"
    rm "$r/boot/vmlinuz-6.1"
    check "Debian's shim and GRUB" "$FINALIZE" --root "$r" --inspect --report "$work/report"
    check "Debian's start by Microsoft's key" equal "$(state starts)" yes
    check "sbverify finds the same authority" matches "$(state 'authorities[0]')" "$(sbverify --list "$esp/BOOT/BOOTX64.EFI" 2>/dev/null)"
    check "Debian's GRUB is by Debian's CA" equal "$(of /boot/efi/EFI/BOOT/grubx64.efi .signatures[0].issuer)" "$(of /boot/efi/EFI/BOOT/BOOTX64.EFI .trusts)"
    image "$r/boot/vmlinuz-6.1" leaf ""
    check "another's kernel behind Debian's shim is refused" refused_with 'is signed by "Vendor Signer", which the shim does not trust: it trusts "Debian Secure Boot CA"'
else
    skip "Debian's signed loaders are not in the judges' root"
fi
finish
