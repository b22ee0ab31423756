#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The reader of initramfs files: every compression and what stands between archives, against what cpio lists and what was
# packed.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

: "${LIST_ARCHIVE:=build/tests/list_archive}"
# shellcheck disable=SC2154 # trees.sh sets $work
t=$work/tree
mkdir -p "$t"/{usr/lib/modules/6.1,etc,dev}
ln -s usr/lib "$t/lib"
head -c 300000 /bin/bash >"$t/bash"
ln "$t/bash" "$t/etc/linked"
ln "$t/bash" "$t/zz"
head -c 400000 /dev/urandom >"$t/large"
head -c 70001 /dev/urandom >"$t/usr/lib/modules/6.1/m.ko"
: >"$t/etc/empty"
echo "#!/bin/sh" >"$t/init"
pack() { # DIR FORMAT
    (cd "$1" && find . | LC_ALL=C sort | cpio -o -H "$2" --quiet)
}
pack "$t" newc >"$work/a.cpio"
pack "$t" crc >"$work/sums.cpio"
mkdir -p "$work/early/kernel/x86/microcode"
head -c 3001 /dev/urandom >"$work/early/kernel/x86/microcode/GenuineIntel.bin"
pack "$work/early" newc >"$work/early.cpio"

names() { LC_ALL=C sort -u; }
listed() { "$LIST_ARCHIVE" "$1" | sed '$d' | cut -d' ' -f4- | names; }
last() { "$LIST_ARCHIVE" "$1" | tail -n 1; }
content() { "$LIST_ARCHIVE" "$1" "$2" | cmp - "$t/$2"; }
lists() { diff -u <(cpio -it --quiet <"$work/a.cpio" | names) <(listed "$1"); }
tells() { [[ $(last "$1") == *"$2"* ]] || { last "$1"; return 1; }; }
# judged FILE FORMAT WHAT: everything of the tree is there.
judged() {
    check "$3: cpio's names" lists "$1"
    check "$3: a file over several blocks" content "$1" usr/lib/modules/6.1/m.ko
    check "$3: hard links have the content, the first one too" content "$1" bash
    check "$3: and the last" content "$1" zz
    check "$3: the format, without trouble" tells "$1" "format=$2 "
    check "$3: no trouble" tells "$1" "trouble="
    refute "$3: nothing is wrong" grep -q 'trouble=.' <(last "$1")
}

judged "$work/a.cpio" cpio "uncompressed"
judged "$work/sums.cpio" cpio "with checksums"
packs() { # SUFFIX
    case $1 in
    gzip) gzip -9nc ;;
    zstd) zstd -qc ;;
    xz) xz -c --check=crc32 ;;
    lzma) xz -c --format=lzma ;;
    lz4) lz4 -qlc ;;
    bzip2) bzip2 -c ;;
    lzo) lzop -c ;;
    esac
}
for format in gzip zstd xz lzma lz4 bzip2 lzo; do
    if [ "$format" = lzo ] && ! command -v lzop >/dev/null; then
        skip "no lzop"
        continue
    fi
    packs "$format" <"$work/a.cpio" >"$work/a.$format"
    judged "$work/a.$format" "$format" "$format"
    { cat "$work/early.cpio"; head -c 1024 /dev/zero; cat "$work/a.$format"; } >"$work/both"
    check "$format: behind microcode" tells "$work/both" "parts=2 format=$format early=1"
    check "$format: behind microcode, its files" content "$work/both" usr/lib/modules/6.1/m.ko
    head -c $(($(stat -c %s "$work/a.$format") * 2 / 3)) "$work/a.$format" >"$work/cut"
    check "$format: one that is cut off is told" tells "$work/cut" "trouble=has a part in the format $format that is damaged or cut off"
    # A block of these is longer than the whole file.
    [[ $format = @(lz4|bzip2) ]] || check "$format: what stands before is shown" grep -q ' etc/empty$' <("$LIST_ARCHIVE" "$work/cut")
    # As a finalized image is: padded, with an archive behind it.
    { cat "$work/a.$format"; head -c $((8 + (4 - $(stat -c %s "$work/a.$format") % 4) % 4)) /dev/zero; cat "$work/early.cpio"; } >"$work/both"
    check "$format: an archive behind it" tells "$work/both" "parts=2 format=cpio early=0"
    check "$format: its file" grep -q ' 3001 kernel/x86/microcode/GenuineIntel.bin$' <("$LIST_ARCHIVE" "$work/both")
done

# ---- What the kernel takes, and what not -------------------------------------------------------
{ gzip -nc "$work/a.cpio"; gzip -nc "$work/early.cpio"; } >"$work/both"
check "two gzip members are two parts" tells "$work/both" "parts=2 format=gzip early=0"
{ lz4 -qlc "$work/a.cpio"; lz4 -qlc "$work/early.cpio"; } >"$work/both"
check "two LZ4 frames are unpacked as one" grep -q GenuineIntel <(listed "$work/both")
cat "$work/a.cpio" "$work/early.cpio" | gzip -nc >"$work/both"
check "two archives in one compressed part" grep -q GenuineIntel <(listed "$work/both")
{ cat "$work/a.cpio"; head -c 5 /dev/zero; gzip -nc "$work/early.cpio"; } >"$work/both"
check "a compressed part at an odd place" tells "$work/both" "trouble=has padding that does not end at a multiple of 4 bytes"
{ gzip -nc "$work/a.cpio"; echo junk; } >"$work/both"
check "junk at the end" tells "$work/both" "trouble=has bytes behind an archive that begin no other one"
head -c 300000 "$work/a.cpio" | gzip -nc >"$work/both"
check "a compressed part that ends within a file" tells "$work/both" "trouble=ends a compressed part in the middle of an entry"
sed 's|#!/bin/sh|#!/bin/sH|' "$work/sums.cpio" >"$work/both"
check "a wrong checksum" tells "$work/both" "trouble=has a file whose checksum is wrong"
(cd "$t" && find . | cpio -o -H odc --quiet) >"$work/both"
check "cpio's old format" tells "$work/both" "trouble=is in an old cpio format, which no kernel reads"
echo "no archive at all" >"$work/both"
refute "anything else is refused" "$LIST_ARCHIVE" "$work/both"
head -c 1100000000 /dev/zero | zstd -1qc >"$work/zeros"
refute "more than 1 GiB of nothing is refused" "$LIST_ARCHIVE" "$work/zeros"
printf '07070100000001000081A4000000000000000000000001000000007FFFFFF000000000000000000000000000000000000000020000000%sa\0\0' 0 >"$work/both"
refute "a file larger than 1 GiB is refused" "$LIST_ARCHIVE" "$work/both"
if [ -d "$T" ] && command -v lsinitramfs >/dev/null && [ -e build/finalize-vm/initramfs ]; then
    check "the finalizer's own VM, as lsinitramfs lists it" diff <(lsinitramfs build/finalize-vm/initramfs | names) <(listed build/finalize-vm/initramfs)
fi
finish
