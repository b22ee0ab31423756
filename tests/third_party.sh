#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# third_party/fetch.sh with packages and an archive of the test's own: newer versions are told of; patches are applied to a verified source, once,
# again when they change, not where they are in the source already, and never half.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/cli/lib.sh"

F=$T/tree/third_party
L=$T/tree/build/third_party/lwip
mkdir -p "$F/patches" "$T/made" "$T/cache/lwip" "$T/copies"
cp third_party/fetch.sh "$F"
# The others are copies that the caller has, so nothing is downloaded.
others=()
copy() { # NAME VARIABLE PROBE
    mkdir -p "$T/copies/$1/$(dirname "$3")" && touch "$T/copies/$1/$3"
    others+=("$2=$T/copies/$1")
}
while read -r name variable _ probe _; do
    [ "$name" = lwip ] || copy "$name" "$variable" "$probe"
done < <(sed -n "/<<'TABLE'/,/^TABLE/p" third_party/fetch.sh | grep '_DIR ')

# An archive of the test's own: index SUITE VERSION... has these versions of lwip, and `archive` says whether it answers.
mkdir "$T/bin" "$T/index"
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
cat >"$T/bin/apt-get" <<EOF
#!/bin/sh
case " \$* " in
*" indextargets "*) printf '%s\n' "http://archive.test $codename main" "http://security.test $codename-security main" ;;
*) [ "\$(cat "$T/archive")" = answers ] ;;
esac
EOF
cat >"$T/bin/apt-cache" <<EOF
#!/bin/sh
for word; do
    case \$word in Dir::State::Lists=*) suite=\${word%/lists} && suite=\${suite##*/} ;; esac
done
case " \$* " in *" lwip "*) cat "$T/index/\$suite" 2>/dev/null ;; esac
EOF
chmod +x "$T/bin/"*
PATH=$T/bin:$PATH
echo silent >"$T/archive"
index() { printf 'Version: %s\n' "${@:2}" >"$T/index/$1"; }
# package_of VERSION: the cache has lwip as a tarball of this upstream version
package_of() {
    rm -rf "$T/cache/lwip" "$L" && mkdir -p "$T/cache/lwip"
    tar -C "$T" -czf "$T/cache/lwip/lwip_$1.orig.tar.gz" made
    echo "lwip $(sha256sum <"$T/cache/lwip/lwip_$1.orig.tar.gz" | cut -d' ' -f1) lwip_$1.orig.tar.gz" >"$F/hashes"
}

# source_of WORD: makes the package, whose src/core/tcp.c says WORD, and lists its hash as known.
source_of() {
    mkdir -p "$T/made/src/core" && printf '%s\n' one "$1" three >"$T/made/src/core/tcp.c"
    tar -C "$T" -czf "$T/cache/lwip/lwip_9.orig.tar.gz" made
    echo "lwip $(sha256sum <"$T/cache/lwip/lwip_9.orig.tar.gz" | cut -d' ' -f1) lwip_9.orig.tar.gz" >"$F/hashes"
    rm -rf "$L"
}
# patch_of NUMBER FROM TO
patch_of() {
    printf '%s\n' "Why: $2 is wrong." '' '--- a/src/core/tcp.c' '+++ b/src/core/tcp.c' '@@ -1,3 +1,3 @@' ' one' "-$2" \
        "+$3" ' three' >"$F/patches/lwip-$1-test.patch"
}
fetch() { env BOOTFERRY_CACHE="$T/cache" "${others[@]}" "$F/fetch.sh"; }
# fetched WORD [SAYS]: fetch.sh succeeds, the source says WORD, and fetch.sh says SAYS.
fetched() {
    fetch >"$T/said" 2>&1 || { cat "$T/said"; return 1; }
    cat "$T/said" "$L/src/core/tcp.c"
    [ "$(sed -n 2p "$L/src/core/tcp.c")" = "$1" ] && grep -qF "${2:-}" "$T/said"
}
no_source() { # SAYS
    ! fetch >"$T/said" 2>&1 || { cat "$T/said"; return 1; }
    cat "$T/said"
    grep -qF "$1" "$T/said" && [ ! -e "$L" ]
}
silent_about() { ! grep -F "$1" "$T/said"; }

source_of two
check "without patches the source stays as it is" fetched two
patch_of 01 two deux
patch_of 02 deux zwei
check "patches are applied in their order" fetched zwei "lwip-02-test.patch applied"
check "a second run leaves them alone" fetched zwei "lwip: lwip_9.orig.tar.gz (there)"
check "and says nothing of them" silent_about applied
rm "$F/patches/lwip-02-test.patch"
check "a patch that was removed is taken back" fetched deux
patch_of 01 two dos
check "a patch that changed is applied to a fresh source" fetched dos
source_of dos
check "a patch that the source contains is skipped" fetched dos \
    "lwip-01-test.patch is in the source already: please remove it"
source_of drei
check "a patch that does not apply is an error, and no source is left" no_source \
    "lwip-01-test.patch does not apply"
patch_of 01 drei dos
patch_of 02 two zwei
check "also when an earlier one was applied" no_source "lwip-02-test.patch does not apply"
source_of two
rm "$F/patches/"*
patch_of 01 two deux
echo "tampered" >>"$T/cache/lwip/lwip_9.orig.tar.gz"
check "a source that is not the verified one is not patched" no_source "lwip could not be obtained"

# Newer patch levels: told, and never in the way.
package_of 2.2.1+dfsg1
check "an archive that does not answer is no error" fetched deux "newer patch levels were not looked for"
echo answers >"$T/archive"
index trixie 2.2.0-1 2.2.1+dfsg1-1
check "the same version in the archive" fetched deux
check "is nothing to tell" silent_about WARNING
index trixie-security 2.2.1+dfsg2-1
check "a newer one among the security updates is told" fetched deux \
    "lwip: WARNING: trixie-security has lwip 2.2.1+dfsg2, 2.2.1+dfsg1 is used"
index trixie-security 2.3.0-1
check "a version that would not be taken" fetched deux
check "is nothing to tell, either" silent_about WARNING

mkdir -p "$T/copies/lwip/src/core" && printf '%s\n' one two three >"$T/copies/lwip/src/core/tcp.c"
others+=("LWIP_DIR=$T/copies/lwip")
check "a copy that the caller names stays as it is, with a note" fetched two \
    "used as it is, without third_party/patches/lwip-*"
finish
