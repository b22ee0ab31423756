#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/waits.md against the code: each number is the constant's, each constant of the headers of waits is
# in a table, and a call that waits without a limit is listed with what ends it. An argument
# names another document, to try this test itself.
set -uo pipefail
shopt -s lastpipe # judge, the last part of each pipeline, remembers what failed
cd "$(dirname "$0")/../.." || exit 1
document=${1:-docs/waits.md}
failed=0

# judge WHAT: standard input has what is wrong.
judge() {
    local wrong
    wrong=$(cat)
    if [ -z "$wrong" ]; then
        echo "ok waits: $1"
    else
        printf '%s\n' "$wrong" | sed 's/^/# /'
        echo "not ok waits: $1"
        failed=1
    fi
}

# The rows: NUMBER UNIT FILE NAME.
rows() { sed -nE 's/^\|[^|]*\| ([0-9]+) (ms|s) \| `([^`]+)` `([A-Za-z_0-9]+)` \|.*/\1 \2 \3 \4/p' "$document"; }

# value FILE NAME: the constant in microseconds; its name tells the unit, seconds without one.
value() {
    local text
    text=$(sed -nE "s/^(.*[ ,{])?$2 += *([0-9 *()]+)[,;} ].*/\2/p; s/^#define $2 +([0-9]+)( .*)?$/\1/p" "$1" | head -n 1)
    [ -n "$text" ] || return 1
    case $2 in
    *_US) echo $((text)) ;;
    *_MS) echo $(((text) * 1000)) ;;
    *) echo $(((text) * 1000000)) ;;
    esac
}

numbers() {
    local number unit file name want have
    while read -r number unit file name; do
        [ "$unit" = s ] && want=$((number * 1000000)) || want=$((number * 1000))
        have=$(value "$file" "$name") || { echo "$file has no constant $name"; continue; }
        [ "$have" = "$want" ] || echo "$file: $name is $have us, the document has $number $unit"
    done < <(rows)
}
numbers | judge "the numbers are those of the code"
{ [ "$(rows | wc -l)" -gt 60 ] || echo "there are only $(rows | wc -l) rows"; } | judge "the tables are read"

# Every constant of the headers that exist for waits.
for header in replica/state/waits.h finalize/core/waits.h linux/child_state.h; do
    grep -oE '\bBF_[A-Z_]+_(MS|S)\b *(=|[0-9])' "$header" | sed 's/[ =0-9]*$//' | sort -u | while read -r name; do
        grep -qF " $header $name" < <(rows) || echo "$header: $name is in no table"
    done
done | judge "each constant is in a table"

# Calls that wait without a limit: FILE:TEXT.
calls='poll\([^;]*-1\)|[^_]nbd_(poll|connect_unix|pread|pread_structured|pwrite|flush|zero|trim|block_status|shutdown)\('
calls+='|waitpid\([^;]*, 0\)|[^_a-z]wait\(&|pthread_cond_wait\(|sigwait(info)?\(|F_(OFD_)?SETLKW|flock\([^;]*LOCK_(EX|SH)\)'
sources=(replica linux finalize migrate net base image boot drivers)
listed() { sed -nE 's/^\| `([^`]+)` \| `([^`]+)` \|.*/\1\t\2/p' "$document"; }
grep -rHnE --include='*.c' -e "$calls" "${sources[@]}" | grep -vE '^[^:]*:[0-9]+: *//' |
    while IFS=: read -r file line text; do
        listed | while IFS=$'\t' read -r where call; do
            if [ "$where" = "$file" ] && [[ $text == *"$call"* ]]; then echo yes; fi
        done | grep yes >/dev/null || echo "$file:$line:$text"
    done | judge "a call without a limit is listed"
listed | while IFS=$'\t' read -r where call; do
    grep -qF -- "$call" "$where" || echo "$where has no $call"
done | judge "what is listed exists"
exit $failed
