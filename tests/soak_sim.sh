#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The random simulation over many seeds (BF_SIM_SEEDS, 5000): takes about a quarter of an hour.
set -euo pipefail
cd "$(dirname "$0")/.."
BF_SIM_SEEDS=${BF_SIM_SEEDS:-5000} exec build/asan/tests/unit/test_sim_random
