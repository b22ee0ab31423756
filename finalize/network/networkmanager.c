// SPDX-License-Identifier: Apache-2.0
// NetworkManager: recognised, not adapted.
#include "finalize/system/service.h"
#include "finalize/network/stack.h"

static bool in_use(struct bf_fin *f)
{
    return bf_service_enabled(f->root, "NetworkManager.service");
}

const struct bf_stack_ops bf_networkmanager = {
    .name = "networkmanager",
    .title = "NetworkManager",
    .in_use = in_use,
};
