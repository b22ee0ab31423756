#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Many more stacks made by chance than `make check` has time for (BF_STACKS, 500).
set -euo pipefail
cd "$(dirname "$0")/../.."
BF_STACKS=${BF_STACKS:-500} exec tests/usage/stacks.sh
