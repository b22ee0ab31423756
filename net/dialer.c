// SPDX-License-Identifier: Apache-2.0
#include "net/dialer.h"

const struct bf_peer bf_peer_server = {"server", "bootferryd", BF_SIDE_SERVER};
const struct bf_peer bf_peer_proxy = {"proxy", "a proxy", BF_SIDE_NETWORK};
