#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/docs/screen.sh [--write]
# docs/screen.svg is what the program's layout draws today. --write puts it there.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "${1:-}" != --write ] || build/tests/screen_svg >docs/screen.svg
if diff <(build/tests/screen_svg) docs/screen.svg >&2; then
    echo 'ok docs/screen.svg is the screen'
else
    echo 'not ok docs/screen.svg is the screen'
    exit 1
fi
