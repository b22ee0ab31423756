// SPDX-License-Identifier: Apache-2.0
// Open vSwitch: recognised, not adapted. Its bridges are kept in a database.
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

static bool in_use(struct bf_fin *f)
{
    return bf_fin_root_exists(f->root, "/etc/openvswitch/conf.db") &&
           (bf_service_enabled(f->root, "openvswitch.service") ||
            bf_service_enabled(f->root, "ovs-vswitchd.service") ||
            bf_service_enabled(f->root, "openvswitch-switch.service"));
}

const struct bf_stack_ops bf_openvswitch = {
    .name = "openvswitch",
    .title = "Open vSwitch (/etc/openvswitch/conf.db)",
    .in_use = in_use,
};
