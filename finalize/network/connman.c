// SPDX-License-Identifier: Apache-2.0
// ConnMan: recognised, not adapted. Its services are made at run time and named by the MAC address.
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

static bool in_use(struct bf_fin *f)
{
    return bf_service_enabled(f->root, "connman.service") ||
           bf_fin_root_exists(f->root, "/etc/runlevels/default/connman");
}

const struct bf_stack_ops bf_connman = {
    .name = "connman",
    .title = "ConnMan (/var/lib/connman)",
    .in_use = in_use,
};
