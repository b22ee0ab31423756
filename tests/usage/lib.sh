# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of the maps share: disks whose free space is not empty, files to put on them, maps.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../cli/lib.sh"
MAP=$PWD/build/tests/usage_map
COMPARE=$PWD/tests/usage/compare.py
# shellcheck disable=SC2034 # for the tests
CHUNK=65536 # of disks of this size, docs/formats.md

# garbage FILE MIB: a disk that is nowhere zero, so that what was left out can be told.
garbage() { yes 'this was deleted long ago' | head -c "$2M" >"$1" || true; }
# files FOLDER COUNT: some files, of sizes from nothing to several chunks.
files() {
    mkdir -p "$1/deep/er"
    for ((i = 0; i < $2; i++)); do
        head -c $((i * i * 97 % 200000)) /dev/urandom >"$1/file-$i"
    done
    cp "$1/file-$(($2 / 2))" "$1/deep/er/copy"
    ln -s ../file-1 "$1/deep/link"
}
map() { "$MAP" "$1" >"$1.map" 2>"$1.log"; }
map_is_empty() { map "$1" && "$COMPARE" none "$1.map"; }
# whole IMAGE WORDS: nothing of it is left out, for this reason.
whole() {
    map_is_empty "$1" && grep -qF -- "$2" "$1.log" && return
    cat "$1.log"
    return 1
}
# digests FOLDER: of every file in it
digests() { (cd "$1" && find . -type f -exec sha256sum {} + | sort -k2); }

# server NAME...: a daemon with these machines, their media in $T/NAME.conf
server() {
    "$B" init --address 127.0.0.1 >/dev/null
    daemon_start --sessions 8
    for machine; do
        "$B" machine add "$machine" >/dev/null
        # shellcheck disable=SC2154 # daemon_start sets port
        "$B" media "$machine" --conf "$T/$machine.conf" --set "server=127.0.0.1:$port" >/dev/null
    done
}
push() { "$PUSH" --conf "$@" >"$T/push.log" 2>"$T/push.err" || { cat "$T/push.err"; return 1; }; }
# left_out: bytes that the last push called unused
left_out() { field unused; }
