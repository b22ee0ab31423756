#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# killed.sh STORY: the story, with everything of the server's killed in every phase of its failovers, and at the places
# within a phase where something was done that is not on record yet. Each kill is a plug that is pulled: SIGKILL to the
# daemon, to the process that works on the job, and with it to its storage daemon and the finalizer's VM. The story then
# has to end as it always does. kills.sh is how.
set -euo pipefail
cd "$(dirname "$0")/../.."
story=${1:?usage: killed.sh STORY}
begins=(finalizing 'finalizer runs' making)
made=('machine images' 'machine made')
runs=(starting 'machine started' looking)
removed=(removing 'machine removed' 'fence lifted' 'object dropped')
moved=(committing 'home chosen' 'home has room' 'mirror begun' 'mirror equal' 'machine paused' 'mirror completed'
    'home recorded' 'machine continued' 'layers dropped' committed)
case $story in
planned) places=(waiting 'source is sent' "${begins[@]}" "${made[@]}" "${runs[@]}" ready "${removed[@]}" rolled-back) ;;
unplanned) places=("${begins[@]}" "${made[@]}" "${runs[@]}" ready "${moved[@]}") ;;
tests) places=("${begins[@]}" "${made[@]}" "${runs[@]}" ready "${removed[@]}" cleaned-up) ;;
unproven) places=("${begins[@]}" failed "${made[@]}" "${runs[@]}" unproven "${removed[@]}" rolled-back) ;;
libvirt) places=("${begins[@]}" "${runs[@]}" ready removing 'machine removed' cleaned-up committing committed) ;;
*) echo "no story $story that kills are known for" >&2; exit 2 ;;
esac
exec env BF_KILLS="$(printf '%s\n' "${places[@]}")" "tests/stories/$story.sh"
