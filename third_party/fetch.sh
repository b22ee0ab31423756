#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Obtains the third-party sources into build/third_party/NAME, each from a Debian source package.
#
# apt's signatures are the trust. The mirror is the machine's own; the sources come through a
# private apt configuration under build/, so that /etc is neither needed nor touched. Downloads
# are kept in $BOOTFERRY_CACHE (default build/cache), and a cache whose files all have the hashes
# of third_party/hashes is used without any network. Afterwards the archive, when it answers, is asked
# for newer versions, security updates included: a line for each, and never an error. An unknown hash is a warning, and an error
# when RELEASE=1. LWIP_DIR, MBEDTLS_DIR, LZ4_DIR, ZSTD_DIR, BLAKE3_DIR replace a download.
#
# What a source lacks and upstream has not released yet is in third_party/patches/NAME-NN-WHAT.patch,
# applied in that order after the source has been verified; each says why in its head. A patch that
# the source already contains is skipped with a note, and one that does not apply is an error.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
out=$top/build/third_party
cache=$(mkdir -p "${BOOTFERRY_CACHE:-$top/build/cache}" && cd "${BOOTFERRY_CACHE:-$top/build/cache}" && pwd)
hashes=$here/hashes
patches=$here/patches

# name, the variable that replaces it, the folder inside the package (- for any), a file that must
# be there, and then where to look, in this order: SUITE/PACKAGE/VERSIONS (a glob).
components() {
    cat <<'TABLE'
lwip LWIP_DIR - src/core/tcp.c trixie/lwip/2.2.* sid/lwip/2.2.*
mbedtls MBEDTLS_DIR - library/ssl_tls13_client.c trixie/mbedtls/3.6.* sid/mbedtls/3.6.*
lz4 LZ4_DIR lib lz4.c trixie/lz4/1.* bookworm/lz4/1.*
zstd ZSTD_DIR lib compress/zstd_compress.c trixie/libzstd/1.5.* bookworm/libzstd/1.5.*
blake3 BLAKE3_DIR - blake3_avx2.c trixie/mold/2.* trixie/ccache/4.* bookworm/ccache/4.* sid/blake3-py/1.*
libcrux LIBCRUX_DIR - libcrux_mlkem768_sha3.h trixie/openssh/10.0*
TABLE
}

say() { echo "third_party: $*"; }
complain() { echo "third_party: $*" >&2; }

# mirror SUITE: the machine's own for it: security updates have one of theirs.
mirror() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
    [ "${1%-security}" = "$1" ] || codename=$codename-security
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v r="$codename" '$2 == r && $3 == "main" { print $1; exit }'
}

# apt_in SUITE COMMAND...: runs an apt command that knows nothing but the sources of one suite.
apt_in() {
    local dir=$top/build/apt/$1 command=$2
    shift 2
    "$command" -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/sources" \
        -o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache" -o Acquire::Retries=3 \
        -o APT::Get::List-Cleanup=0 -q "$@"
}

# prepare_suite SUITE [ATTEMPTS [OPTION...]]: makes the private configuration for a suite and loads its index, once per
# run. The options are apt's.
prepare_suite() {
    local suite=$1 dir=$top/build/apt/$1 site attempt
    [ ! -e "$dir/fresh.$$" ] || return 0
    site=$(mirror "$suite")
    [ -n "$site" ] || { complain "this machine's apt names no Debian mirror"; return 1; }
    mkdir -p "$dir/sources" "$dir/lists/partial" "$dir/cache/archives/partial"
    printf '%s\n' "Types: deb-src" "URIs: $site" "Suites: $suite" "Components: main" \
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" >"$dir/sources/debian.sources"
    for attempt in $(seq "${2:-3}"); do
        if apt_in "$suite" apt-get update "${@:3}" >"$dir/update.log" 2>&1; then
            rm -f "$dir"/fresh.*
            touch "$dir/fresh.$$"
            return 0
        fi
        complain "index of $suite: attempt $attempt failed: $(grep -m1 '^[EW]:' "$dir/update.log" || true)"
        [ "$attempt" = "${2:-3}" ] || sleep "$attempt"
    done
    return 1
}

# check_hashes NAME FILE...: is every file the one that is listed?
check_hashes() {
    local name=$1 file sum known=0
    shift
    for file in "$@"; do
        sum=$(sha256sum "$file" | cut -d' ' -f1)
        if ! grep -q "^$name $sum ${file##*/}\$" "$hashes"; then
            complain "WARNING: $name: ${file##*/} has an unknown hash: $sum"
            known=1
        fi
    done
    return $known
}

# package_in DIR: prints what to unpack there: the .dsc, or the upstream tarball if that is all.
package_in() {
    find "$1" -maxdepth 1 -name '*.dsc' -print -quit | grep . ||
        find "$1" -maxdepth 1 -name '*.orig.tar.*' -print -quit | grep .
}

# from_cache NAME: prints what to unpack if the cache holds this component and knows every file.
from_cache() {
    local dir=$cache/$1
    [ -d "$dir" ] && package_in "$dir" && check_hashes "$1" "$dir"/* 2>/dev/null
}

# fetch_version SUITE PACKAGE=VERSION DIR LOG [OPTION]
fetch_version() {
    rm -rf "$3" && mkdir -p "$3"
    (cd "$3" && apt_in "$1" apt-get source --download-only --only-source "${@:5}" "$2") >"$4" 2>&1
}

# download NAME SUITE PACKAGE GLOB: leaves a source package in the cache, prints what to unpack.
# A mirror may lack a file of it: the upstream tarball by itself is good enough then.
download() {
    local name=$1 suite=$2 package=$3 glob=$4 dir=$cache/$1 versions version option
    prepare_suite "$suite" || return 1
    versions=$(apt_in "$suite" apt-cache showsrc --only-source "$package" 2>/dev/null |
        sed -n 's/^Version: //p' | sort -rV)
    for version in $versions; do
        # shellcheck disable=SC2254 # the glob is meant as one
        case ${version#*:} in $glob) ;; *) continue ;; esac
        for option in --no-tar-only --tar-only; do
            if fetch_version "$suite" "$package=$version" "$dir.new" "$dir.log" "$option"; then
                rm -rf "$dir" && mv "$dir.new" "$dir"
                package_in "$dir"
                return 0
            fi
            complain "$name: $package $version from $suite: $(grep -m1 '^E:' "$dir.log" || echo failed)"
        done
    done
    rm -rf "$dir.new"
    return 1
}

# open_package PACKAGE DIR
open_package() {
    case $1 in
    *.dsc) dpkg-source -x "$1" "$2" ;;
    *) mkdir -p "$2" && tar -xf "$1" -C "$2" ;;
    esac
}

# add_licence FOLDER TOP: the licence of a part may lie in a folder above it; the nearest one counts.
add_licence() {
    local above=$1 licences
    while [ "$above" != "$(dirname "$2")" ]; do
        licences=$(find "$above" -maxdepth 1 -type f \( -name 'LICEN*' -o -name 'COPYING*' \))
        if [ -n "$licences" ]; then
            [ "$above" = "$1" ] || xargs -d '\n' cp -t "$1" <<<"$licences"
            return 0
        fi
        above=$(dirname "$above")
    done
}

patches_of() { find "$patches" -maxdepth 1 -name "$1-[0-9]*.patch" 2>/dev/null | LC_ALL=C sort; }

# patch_state NAME: what identifies the patches of a component, to see later whether they changed.
patch_state() {
    local file
    while read -r file; do
        printf '%s %s\n' "$(sha256sum <"$file" | cut -d' ' -f1)" "${file##*/}"
    done < <(patches_of "$1")
}

try_patch() { # DIR FILE OPTION...
    patch -d "$1" -p1 --batch --fuzz=0 --no-backup-if-mismatch --reject-file=- -i "$2" "${@:3}" >>"$out/patch.log" 2>&1
}

# patch_source NAME DIR: applies the component's patches. A source that has only some of their
# lines is nobody's: it is an error, and the caller removes it.
patch_source() {
    local name=$1 dir=$2 file
    : >"$out/patch.log"
    while read -r file; do
        if try_patch "$dir" "$file" --dry-run --forward; then
            try_patch "$dir" "$file" --forward || return 1
            say "$name: ${file##*/} applied"
        elif try_patch "$dir" "$file" --dry-run --reverse; then
            say "$name: ${file##*/} is in the source already: please remove it from third_party/patches"
        else
            complain "$name: ${file##*/} does not apply, see $out/patch.log; if this version has a" \
                "fix of its own, remove the patch, else adapt it"
            return 1
        fi
    done < <(patches_of "$name")
    patch_state "$name" >"$dir/.patches"
}

# unpack NAME PACKAGE FOLDER PROBE: the folder that ends in FOLDER and holds PROBE becomes
# build/third_party/NAME.
unpack() {
    local name=$1 package=$2 folder=$3 probe=$4 work=$out/.unpack/$1 found
    rm -rf "$work" "${out:?}/$name" && mkdir -p "$out/.unpack"
    open_package "$package" "$work" >"$out/$name.log" 2>&1 ||
        { complain "$name: $package does not unpack, see $out/$name.log"; return 1; }
    found=$(find "$work" -path "*${folder:+/$folder}/$probe" -printf '%d %p\n' | sort -n |
        head -n 1 | cut -d' ' -f2-)
    [ -n "$found" ] || { complain "$name: $(basename "$package") has no $folder/$probe"; return 1; }
    found=${found%/"$probe"}
    add_licence "$found" "$work"
    patch_source "$name" "$found" || return 1
    mv "$found" "$out/$name"
    find "$out/$name" -type f -exec touch {} +
    rm -rf "$out/.unpack"
    basename "$package" .dsc >"$out/$name/.origin"
}

# obtain NAME FOLDER PROBE PLACE...
obtain() {
    local name=$1 folder=$2 probe=$3 place dsc suite package glob
    shift 3
    if dsc=$(from_cache "$name"); then
        # Verified, so another download would be the same: a patch that fails, fails there as well.
        unpack "$name" "$dsc" "$folder" "$probe" || return 1
        say "$name: $(cat "$out/$name/.origin") (cache)"
        return 0
    fi
    for place in "$@"; do
        IFS=/ read -r suite package glob <<<"$place"
        dsc=$(download "$name" "$suite" "$package" "$glob") || continue
        check_hashes "$name" "$cache/$name"/* || [ "${RELEASE:-0}" != 1 ] ||
            { complain "$name: refused, this is a release build"; continue; }
        unpack "$name" "$dsc" "$folder" "$probe" || continue
        say "$name: $(cat "$out/$name/.origin") ($suite)"
        return 0
    done
    complain "$name could not be obtained (tried: $*)"
    return 1
}

# is_there NAME PROBE: was it unpacked here, with the patches that there are now?
is_there() {
    local dir=$out/$1
    [ ! -L "$dir" ] && [ -f "$dir/$2" ] && [ -f "$dir/.origin" ] &&
        [ "$(cat "$dir/.patches" 2>/dev/null)" = "$(patch_state "$1")" ]
}

# ---- Newer patch levels ------------------------------------------------------------------------

# newest_in SUITE PACKAGE GLOB: the newest version in the suite that we would take.
newest_in() {
    local version
    apt_in "$1" apt-cache showsrc --only-source "$2" 2>/dev/null | sed -n 's/^Version: //p' | sort -rV |
        while read -r version; do
            # shellcheck disable=SC2254 # the glob is meant as one
            case ${version#*:} in $3) echo "${version#*:}" && break ;; esac
        done
}

# tell_newer NAME PLACE...: a line when the archive has a newer version than the one that is used, of the same package.
tell_newer() {
    local name=$1 origin package version place suite glob level newest
    shift
    origin=$(cat "$out/$name/.origin" 2>/dev/null) || return 0
    package=${origin%%_*} version=${origin#*_}
    for place in "$@"; do
        IFS=/ read -r suite place glob <<<"$place"
        [ "$place" = "$package" ] || continue
        for level in "$suite" "$suite-updates" "$suite-security"; do
            [ "$suite" != sid ] || [ "$level" = sid ] || continue
            prepare_suite "$level" 1 -o Acquire::Retries=0 -o Acquire::http::Timeout=5 -o Acquire::https::Timeout=5 \
                2>/dev/null || return 1
            newest=$(newest_in "$level" "$package" "$glob")
            # Of a tarball only the upstream version is known.
            [ "$version" = "${version%.orig.tar.*}" ] || newest=${newest%-*}
            if [ -n "$newest" ] && dpkg --compare-versions "$newest" gt "${version%.orig.tar.*}"; then
                say "$name: WARNING: $level has $package $newest, ${version%.orig.tar.*} is used: look at what it mends," \
                    "remove $name from the cache, and list its hashes in third_party/hashes"
            fi
        done
        return 0
    done
}

# Never an error: without a network there is nothing to compare with.
tell_all_newer() {
    local name variable folder probe places
    command -v dpkg >/dev/null || return 0
    while read -r name variable folder probe places; do
        [ -z "${!variable:-}" ] || continue
        # shellcheck disable=SC2086 # a list of places
        tell_newer "$name" $places || { say "the archive does not answer: newer patch levels were not looked for"; return 0; }
    done < <(components)
}

main() {
    local name variable folder probe places failed=()
    mkdir -p "$out"
    while read -r name variable folder probe places; do
        folder=${folder#-}
        if [ -n "${!variable:-}" ]; then
            [ -f "${!variable}/$probe" ] || { complain "$variable=${!variable} has no $probe"; exit 1; }
            rm -rf "${out:?}/$name"
            ln -s "$(cd "${!variable}" && pwd)" "$out/$name"
            say "$name: ${!variable}"
            [ -z "$(patches_of "$name")" ] ||
                say "$name: used as it is, without third_party/patches/$name-*"
        elif is_there "$name" "$probe"; then
            say "$name: $(cat "$out/$name/.origin") (there)"
        else
            rm -f "$out/$name" 2>/dev/null || true
            # shellcheck disable=SC2086 # a list of places
            obtain "$name" "$folder" "$probe" $places || failed+=("$name")
        fi
    done < <(components)
    tell_all_newer
    [ ${#failed[@]} -eq 0 ] || { complain "missing: ${failed[*]}; NAME_DIR= may name a copy"; exit 1; }
}
main
