#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: finalize/vm/fetch.sh DIR: unpacks Debian's cloud kernel and the packages of finalize/vm/packages
# into DIR/tree; nothing is installed. apt's signatures are the trust; a cache
# (BOOTFERRY_CACHE, default build/cache) is used again while its files have the sums noted at the download.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$(mkdir -p "${1:?usage: fetch.sh DIR}" && cd "$1" && pwd)
cache=${BOOTFERRY_CACHE:-$top/build/cache}/finalize-debs
private=$top/build/apt/finalize-vm
wanted=$(sha256sum <"$here/packages" | cut -c1-16)

# The machine's own index is tried first, then a new one in a folder of ours, so that no root is needed.
apt_options=()
refresh() {
    mkdir -p "$private/lists/partial" "$private/cache/archives/partial"
    apt_options=(-o "Dir::State::Lists=$private/lists" -o "Dir::Cache=$private/cache" -o Acquire::Retries=3)
    apt-get "${apt_options[@]}" -q update >"$private/update.log" 2>&1 || true
}

kernel_package() {
    apt-cache "${apt_options[@]}" depends linux-image-cloud-amd64 |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -n 1
}

download() {
    local kernel packages
    kernel=$(kernel_package)
    [ -n "$kernel" ] || return 1
    mapfile -t packages < <(sed 's/#.*//; /^$/d' "$here/packages")
    rm -rf "$cache.new"
    mkdir -p "$cache.new"
    (cd "$cache.new" && apt-get "${apt_options[@]}" -o Acquire::Retries=3 -q download "$kernel" "${packages[@]}" \
        >"$out/download.log" 2>&1 && sha256sum -- *.deb >SHA256SUMS && echo "$wanted" >wanted) || return 1
    rm -rf "$cache"
    mv "$cache.new" "$cache"
}

in_cache() {
    [ "$(cat "$cache/wanted" 2>/dev/null)" = "$wanted" ] && (cd "$cache" && sha256sum --status -c SHA256SUMS)
}

mkdir -p "$(dirname "$cache")"
exec 9>"$cache.lock"
flock 9 # several builds may share the cache
if ! in_cache; then
    download || { refresh && download; } || {
        tail -n 5 "$out/download.log" >&2
        echo "finalize-vm: Debian's packages could not be downloaded" >&2
        exit 1
    }
fi
rm -rf "$out/tree"
mkdir -p "$out/tree"
for deb in "$cache"/*.deb; do
    dpkg-deb -x "$deb" "$out/tree"
done
(cd "$cache" && for deb in *.deb; do dpkg-deb -W --showformat='${Package}=${Version}\n' "$deb"; done) |
    LC_ALL=C sort >"$out/packages"
echo "finalize-vm: $(grep -c . "$out/packages") packages, $(grep '^linux-image' "$out/packages")"
