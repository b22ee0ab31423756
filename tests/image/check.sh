#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The boot image as a file: pe_check's demands hold, and pe_check itself notices each kind of
# damage, done here to copies of the image.
set -euo pipefail
cd "$(dirname "$0")/../.."
check=build/tests/pe_check
image=build/bootferry.efi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

failed=0
"$check" "$image" || failed=1

pe=$(od -An -tu4 -j60 -N4 "$image" | tr -d ' ')
optional=$((pe + 24))
sections=$((optional + $(od -An -tu2 -j$((pe + 20)) -N2 "$image" | tr -d ' ')))

# damaged NAME OFFSET BYTES(octal escapes) DEMAND: the changed copy must fail exactly this demand.
damaged() {
    cp "$image" "$tmp/$1.efi"
    # shellcheck disable=SC2059 # escapes are meant
    printf "$3" | dd of="$tmp/$1.efi" bs=1 seek="$2" conv=notrunc status=none
    "$check" "$tmp/$1.efi" >"$tmp/out" && true
    if [ "$(grep '^not ok' "$tmp/out")" = "not ok image: $4" ]; then
        echo "ok damage is noticed: $1"
    else
        sed 's/^/# /' "$tmp/out"
        echo "not ok damage is noticed: $1"
        failed=1
    fi
}

# Characteristics of the first section (.text) with write added; the NX bit of DllCharacteristics
# taken away; alignment; the first letters of the two named sections' contents.
damaged writable-text $((sections + 36 + 3)) '\340' 'no section both writable and executable'
damaged no-nx $((optional + 71)) '\000' 'NX compatible'
damaged alignment $((optional + 33)) '\002' 'sections aligned to 4 KiB'
# raw_of SECTION: where it begins in the file.
raw_of() {
    echo $(($(llvm-readobj --sections "$image" |
        awk -v name="$1" '$1 == "Name:" { here = $2 == name }
            here && $1 == "PointerToRawData:" { print $2 }')))
}
damaged sbat "$(raw_of .sbat)" 'S' 'SBAT names itself and Bootferry'
damaged section "$(raw_of .bfconf)" 'b' 'configuration section well formed and empty'

# Signing as for Secure Boot: the tools accept the image, the signature verifies, and it covers the
# configuration section.
key=$tmp/key.pem certificate=$tmp/certificate.pem
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$key" -out "$certificate" -days 2 \
    -subj /CN=test 2>/dev/null
if sbsign --key "$key" --cert "$certificate" --output "$tmp/signed.efi" "$image" &&
    sbverify --cert "$certificate" "$tmp/signed.efi"; then
    echo "ok the image can be signed"
else
    echo "not ok the image can be signed"
    failed=1
fi >"$tmp/sign" 2>&1
grep -E '^(ok|not ok) ' "$tmp/sign"
image=$tmp/signed.efi
printf 'X' | dd of="$image" bs=1 seek=$(($(raw_of .bfconf) + 32)) conv=notrunc status=none
if sbverify --cert "$certificate" "$image" >/dev/null 2>&1; then
    echo "not ok the signature covers the configuration"
    failed=1
else
    echo "ok the signature covers the configuration"
fi
exit $failed
