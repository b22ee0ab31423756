#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boot media, looked at with other programs: mtools, xorriso, sgdisk, sbverify, openssl, objdump.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

"$B" init --address replica.example.org,10.0.0.5,fd00::7 >/dev/null
"$B" machine add web-1 >/dev/null
"$B" machine add db-1 >/dev/null
"$B" machine add px-1 >/dev/null
media() { "$B" media "$@" --image "$EFI"; }

# config IMAGE: the text in the configuration section of a boot image.
config() {
    local size offset
    read -r size offset < <(objdump -h "$1" | awk '$2 == ".bfconf" { print $3, $6 }')
    head -c "$((0x$offset + 0x$size))" "$1" | tail -c "$((0x$size - 32))" | tr -d '\0'
}
key() { config "$1" | sed -n "s/^$2=//p"; }

# ---- The four shapes ---------------------------------------------------------------------------

check "the EFI program" exits 0 media web-1 --efi "$T/m.efi"
check "it says that it carries a key" grep -q 'private key' "$T/stdout"
check "it is private" mode_is 600 "$T/m.efi"
check "it names the machine" test "$(key "$T/m.efi" name)" = web-1
check "it has all addresses in order" test "$(key "$T/m.efi" server)" = 'replica.example.org,10.0.0.5,[fd00::7]'
key "$T/m.efi" root | base64 -d >"$T/root.der"
check "it pins the root" cmp "$T/root.der" <(openssl x509 -in "$BOOTFERRY_STATE/pki/root.pem" -outform DER)
key "$T/m.efi" certificate | base64 -d | openssl x509 -inform DER -out "$T/m.pem"
key "$T/m.efi" key | base64 -d | openssl ec -inform DER -out "$T/m.key" 2>/dev/null
check "its certificate is a client's" openssl verify -x509_strict -purpose sslclient \
    -CAfile "$BOOTFERRY_STATE/pki/root.pem" "$T/m.pem"
check "and not a server's" exits 2 openssl verify -purpose sslserver \
    -CAfile "$BOOTFERRY_STATE/pki/root.pem" "$T/m.pem"
check "with the machine's role" grep -q 'URI:bootferry:machine:web-1' <(openssl x509 -in "$T/m.pem" -noout -ext subjectAltName)
check "the key belongs to it" cmp <(openssl x509 -in "$T/m.pem" -noout -pubkey) <(openssl pkey -in "$T/m.key" -pubout)
check "the database knows it" json '.certificates | length == 1 and .[0].origin == "media" and .[0].revoked == null' \
    "$B" machine show web-1 --json
check "apart from section and checksum it is the boot image" test \
    "$(cmp -l "$EFI" "$T/m.efi" | wc -l)" -le 65540

check "the FAT image" exits 0 media web-1 --fat "$T/m.fat"
check "it is private too" mode_is 600 "$T/m.fat"
check "it is a sound file system" fsck.fat -n "$T/m.fat"
mcopy -i "$T/m.fat" ::/EFI/BOOT/BOOTX64.EFI "$T/from-fat.efi"
check "it has the program at the fallback path" test "$(key "$T/from-fat.efi" name)" = web-1
mcopy -i "$T/m.fat" ::/EFI/BOOT/BOOTIA32.EFI "$T/ia32.efi"
check "beside it a program for 32-bit UEFI" grep -q 'file format pei-i386' <(objdump -f "$T/ia32.efi")
check "and an editable configuration" grep -q '^#server=' <(mtype -i "$T/m.fat" ::/bootferry.conf)
check "which sets nothing" test -z "$(mtype -i "$T/m.fat" ::/bootferry.conf | tr -d '\r' | grep -v '^#' | grep .)"
check "every medium has a key of its own" test "$(key "$T/from-fat.efi" key)" != "$(key "$T/m.efi" key)"

check "the ISO image" exits 0 media web-1 --iso "$T/m.iso"
check "it is private as well" mode_is 600 "$T/m.iso"
xorriso -indev "$T/m.iso" -report_el_torito plain >"$T/eltorito" 2>/dev/null
check "it boots as a CD by El Torito for UEFI" grep -q '^El Torito boot img : *2  UEFI  y' "$T/eltorito"
check "with an entry for a BIOS before it" grep -q '^El Torito boot img : *1  BIOS  y' "$T/eltorito"
check "and as a disk by its GPT" grep -q ' EF00 ' <(sgdisk -p "$T/m.iso")
start=$(sgdisk -i 2 "$T/m.iso" | sed -n 's/^First sector: \([0-9]*\).*/\1/p')
mcopy -i "$T/m.iso@@$((start * 512))" ::/EFI/BOOT/BOOTX64.EFI "$T/from-iso.efi"
check "both hold the program" test "$(key "$T/from-iso.efi" name)" = web-1
lba=$(sed -n 's/^El Torito boot img.*UEFI.* \([0-9]*\)$/\1/p' "$T/eltorito")
check "El Torito points at the partition" test $((lba * 4)) = "$start"

check "the configuration alone" exits 0 "$B" media web-1 --conf "$T/m.conf"
check "it is private like the others" mode_is 600 "$T/m.conf"
check "it names the machine and has a key" test "$(grep -cE '^(name=web-1$|key=.)' "$T/m.conf")" = 2

check "the PXE folder" exits 0 media web-1 --pxe "$T/pxe" --enrol-days 2 --enrol-uses 3
check "and that is said" grep -q 'no lasting secret' "$T/stdout"
check "a PXE folder with a proxy's password" exits 0 media px-1 --pxe "$T/pxe-proxy" --set proxy=http://u:p@proxy.example:3128
check "is said to have one" grep -q "the proxy's password" "$T/stdout"
check "a boot server can read it" mode_is 644 "$T/pxe/bootferry.efi"
check "it carries no private key" test -z "$(key "$T/pxe/bootferry.efi" key)$(key "$T/pxe/bootferry.efi" certificate)"
check "but an enrolment key" test "$(key "$T/pxe/bootferry.efi" enrol-key | wc -c)" = 65
check "bound to name, period and uses" json \
    '.enrolments | length == 1 and .[0].uses == 0 and .[0].uses_max == 3 and
     ((.[0].not_after | fromdate) - (.[0].not_before | fromdate)) == 172800' "$B" machine show web-1 --json
check "of which the database keeps only a hash" test \
    "$(grep -c "$(key "$T/pxe/bootferry.efi" enrol-key)" "$BOOTFERRY_STATE/db.sqlite")" = 0

# ---- Where the key is meanwhile ----------------------------------------------------------------

# between PROGRAM COMMAND...: makes a medium in $T/cut with COMMAND run before the program that makes part of it. All
# that is on a disk by then, in TMPDIR and beside the target, is kept in $T/seen.
between() {
    rm -rf "$T/fake" "$T/seen" "$T/cut"
    mkdir "$T/fake" "$T/seen" "$T/cut"
    cat >"$T/fake/$1" <<EOF
#!/bin/bash
cp -a "$TMPDIR/." "$T/cut/." "$T/seen"
${*:2}
exec $(command -v "$1") "\$@"
EOF
    chmod 755 "$T/fake/$1"
    PATH=$T/fake:$PATH "$B" media web-1 --iso "$T/cut/m.iso" --image "$EFI" --sign "$T/sign.key" "$T/sign.pem" >"$T/stdout" 2>&1
}
# A key is in the text of the section, or anywhere in an image that has it.
has_key() { grep -rlaE '^key=.' "$@"; }
no_key_in() { ! has_key "$@"; }
killed_between() { ! between "$1" 'kill -KILL "$PPID"' && no_key_in "$T/seen" "$TMPDIR" "$T/cut"; }
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=signer -keyout "$T/sign.key" -out "$T/sign.pem" 2>/dev/null
check "a key would be found" has_key "$T/m.efi" "$T/m.iso"
for program in sbsign mcopy xorriso; do
    check "a medium is made with $program" between "$program"
    check "no disk has a key meanwhile, neither TMPDIR nor the target's" no_key_in "$T/seen"
    check "killed then, it leaves no key" killed_between "$program"
done
check "a folder that one that was killed left" test -n "$(ls -A "$TMPDIR")"
check "is removed by the next" between xorriso
check "with all in it" test -z "$(ls -A "$TMPDIR")"
# A signal waits until the key is overwritten.
ended_between() {
    between "$1" 'kill -TERM "$PPID"' || true
    [ -z "$(ls -A "$TMPDIR")" ] && [ -z "$(find "$T/cut" -mindepth 1 ! -name m.iso)" ]
}
check "media that is ended leaves nothing but a medium" ended_between xorriso

# ---- Settings ----------------------------------------------------------------------------------

check "--set" exits 0 media web-1 --efi "$T/s.efi" --set 'server=[fd00::9]:7000' --set disk=serial:A --set disk=serial:B
check "server= takes the place of init's addresses" test "$(key "$T/s.efi" server)" = '[fd00::9]:7000'
check "which the certificate does not name" grep -q '^Warning: .* not for fd00::9: web-1 will refuse' "$T/stdout"
check "but others" grep -q 'for replica.example.org, 10.0.0.5, fd00::7\.' "$T/stdout"
check "server= with names of the certificate" exits 0 media web-1 --efi "$T/k.efi" --set 'server=Replica.example.org:70,[fd00:0::7]'
check "is no reason for a warning" test -z "$(grep -i warning "$T/stdout")"
check "a repeatable key is there twice" test "$(key "$T/s.efi" disk | wc -l)" = 2
# The server of this state: none runs, so what counts is this program's own; then an older one, which says nothing of it.
check "kex=hybrid, where the server can" exits 0 media web-1 --efi "$T/k.efi" --set kex=hybrid
check "which is no reason for a warning" test -z "$(grep -i warning "$T/stdout")"
check "it is on the medium" test "$(key "$T/k.efi" kex)" = hybrid
printf '{"version": "0.0"}' >"$T/older.json"
bf_bound socat UNIX-LISTEN:"$BOOTFERRY_STATE/run/control",fork SYSTEM:"head -n 1 >/dev/null; cat '$T/older.json'" &
older=$!
for _ in {1..300}; do [ ! -S "$BOOTFERRY_STATE/run/control" ] || break; sleep 0.1; done
check "kex=hybrid, where the server cannot" exits 0 media web-1 --efi "$T/k.efi" --set kex=hybrid
check "says so, and what to do" grep -q 'Update bootferryd' <(grep -A2 '^Warning: kex=hybrid .*X25519MLKEM768' "$T/stdout")
check "kex=auto does not" exits 0 media web-1 --efi "$T/k.efi" --set kex=auto
check "since it takes what there is" test -z "$(grep -i warning "$T/stdout")"
kill "$older"
rm -f "$BOOTFERRY_STATE/run/control"
check "an unknown key is refused" refused 2 colour "$B" media web-1 --efi "$T/no.efi" --set colour=red
check "a bad value is refused" refused 2 end "$B" media web-1 --efi "$T/no.efi" --set end=never
check "the identity cannot be set" refused 2 'by bootferry itself' "$B" media web-1 --efi "$T/no.efi" --set name=db-1
check "what contradicts itself is refused" refused 1 gateway media web-1 --efi "$T/no.efi" \
    --set address=10.0.0.9/24 --set gateway=10.9.0.1
check "an MTU too small for the only family is refused" refused 1 'mtu= is below 1280' media web-1 --efi "$T/no.efi" \
    --set mtu=1000 --set 'server=[fd00::7]'
check "and not where there is another" exits 0 media web-1 --efi "$T/k.efi" --set mtu=1000 --set 'server=[fd00::7],10.0.0.5'
check "no server has the address of none" refused 2 'number 1' media web-1 --efi "$T/no.efi" --set server=0.0.0.0
check "two shapes are wrong usage" refused 2 'exactly one' "$B" media web-1 --efi "$T/no.efi" --iso "$T/no.iso"
check "no shape is wrong usage" refused 2 'exactly one' "$B" media web-1
check "enrolment options belong to PXE" refused 2 'belong to --pxe' "$B" media web-1 --efi "$T/no.efi" --enrol-uses 3
check "nothing of these was written" test ! -e "$T/no.efi"

# ---- Failures ----------------------------------------------------------------------------------

head -c 100000 /dev/zero >"$T/not.efi"
certificates() { "$B" machine show db-1 --json | jq -c '[.certificates[] | .revoked != null]'; }
check "a file that is no boot image is refused" refused 1 'PE32+' "$B" media db-1 --efi "$T/no.efi" --image "$T/not.efi"
check "a folder that is not there" refused 1 'cannot create' media db-1 --iso "$T/none/m.iso"
check "nor for PXE" refused 1 'cannot create' media db-1 --pxe "$T/none/pxe"
check "an enrolment key that nobody got is revoked" json \
    '.enrolments | length == 1 and all(.revoked != null)' "$B" machine show db-1 --json
check "a device is not replaced by a file" refused 1 'not a regular file' media db-1 --iso /dev/null
check "identities of media that were not made are revoked" test "$(certificates)" = '[true,true,true]'
check "an unknown machine" refused 1 'no machine' media nobody --iso "$T/no.iso"
check "temporary files are gone" test -z "$(ls -A "$TMPDIR"; find "$T" -maxdepth 1 -name '*.??????' -newer "$T/not.efi")"

# ---- Secure Boot -------------------------------------------------------------------------------

check "--sign" exits 0 media web-1 --efi "$T/signed.efi" --sign "$T/sign.key" "$T/sign.pem"
check "the signature verifies" sbverify --cert "$T/sign.pem" "$T/signed.efi"
check "and covers the configuration" test "$(key "$T/signed.efi" name)" = web-1
"$B" media web-1 --image "$EFI" --fat "$T/signed.fat" --sign "$T/sign.key" "$T/sign.pem" >/dev/null
mcopy -i "$T/signed.fat" ::/EFI/BOOT/BOOTIA32.EFI "$T/signed-ia32.efi"
check "the program for 32-bit UEFI is signed too" sbverify --cert "$T/sign.pem" "$T/signed-ia32.efi"
check "a signed image cannot be filled" refused 1 'is signed' "$B" media web-1 --efi "$T/no.efi" --image "$T/signed.efi"
# unsigned WORDS KEY CERT: refused with these words about the files that were named, and no numbers of OpenSSL's.
unsigned() {
    refused 1 "$1" "$B" media web-1 --image "$EFI" --efi "$T/no.efi" --sign "$2" "$3" &&
        grep -q 'side: config' "$T/stderr" && ! grep -q ":error:" "$T/stderr"
}
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -keyout "$T/other.key" -out "$T/other.pem" 2>/dev/null
openssl rsa -aes128 -passout pass:x -in "$T/sign.key" -out "$T/locked.key" 2>/dev/null
: >"$T/empty"
check "a signing key that is not there" unsigned "$T/nokey cannot be read: No such file" "$T/nokey" "$T/sign.pem"
check "a certificate that is not there" unsigned "$T/nocert cannot be read: No such file" "$T/sign.key" "$T/nocert"
check "a folder" unsigned "$T cannot be read: Is a directory" "$T" "$T/sign.pem"
check "a key that is none" unsigned "$T/empty holds no private key" "$T/empty" "$T/sign.pem"
check "a certificate that is none" unsigned "$T/empty holds no certificate" "$T/sign.key" "$T/empty"
check "key and certificate in the wrong order" unsigned 'is a certificate, not a private key' "$T/sign.pem" "$T/sign.key"
check "the key twice" unsigned 'is a private key, not a certificate' "$T/sign.key" "$T/sign.key"
check "a key with a passphrase" unsigned "$T/locked.key is protected by a passphrase" "$T/locked.key" "$T/sign.pem"
check "the certificate of another key" unsigned 'does not belong to the certificate' "$T/sign.key" "$T/other.pem"
check "an unsigned medium is not left instead" test ! -e "$T/no.efi"

finish
