#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/push.md describes the program that there is: its options and their arguments, its exit statuses, its use, the options
# of the examples, and every key of the configuration as one that counts or one that does nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
file=docs/push.md failed=0

judge() { # WHAT WANTED SEEN
    if [ -n "$2" ] && [ "$2" = "$3" ]; then
        echo "ok push.md: $1"
    else
        diff <(echo "$2") <(echo "$3") | sed 's/^/# /' || true
        echo "not ok push.md: $1"
        failed=1
    fi
}

help=$(build/bootferry-push --help)
options() { grep -oE '^ +--[a-z-]+( [A-Z=]+)?' <<<"$help" | sed 's/^ *//' | sort; }
described() { sed -nE 's/^\| `(--[a-z-]+( [A-Z=]+)?)` \|.*/\1/p' $file | sort; }
judge "every option, with its argument" "$(options)" "$(described)"
used() { grep '^bootferry-push ' $file | grep -oE -- '--[a-z-]+' | sort -u; }
judge "the examples use these options only" "$(used)" "$(used | comm -12 - <(options | cut -d' ' -f1 | sort -u))"
judge "its use" "$(sed -n 's/^usage: //p' <<<"$help")" "$(sed -n '/^## Use/,/^## /s/^bootferry-push /&/p' $file)"
statuses() { grep -oE '[012] (when )?(the recovery point is )?(the run )?(for )?(committed|failed|wrong usage|usage)' | sed -E 's/ .*(committed|failed|usage)/ \1/'; }
judge "its exit statuses" "$(grep '^Exit status' <<<"$help" | statuses)" "$(tr '\n' ' ' <$file | statuses)"

keys() { build/tests/config_keys | sed -nE 's/^`([a-z-]+)=.*/\1/p' | sort; }
named() { awk '/^Of the keys of the configuration/, 0' $file | grep -oE '`[a-z-]+`' | tr -d '`' | sort; }
judge "every key, once" "$(keys)" "$(named)"
exit $failed
