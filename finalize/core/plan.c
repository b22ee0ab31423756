// SPDX-License-Identifier: Apache-2.0
// What follows from a plan's interfaces.
#include "finalize/core/plan.h"

bool bf_nic_readdresses(const struct bf_plan_nic *nic)
{
    return nic->dhcp || nic->addresses > 0;
}

const struct bf_address *bf_nic_address(const struct bf_plan_nic *nic, int family)
{
    for (size_t i = 0; i < nic->addresses; i++)
        if (nic->address[i].family == family)
            return &nic->address[i];
    return NULL;
}

const char *bf_nic_mac(const struct bf_plan_nic *nic)
{
    return nic->new_mac[0] ? nic->new_mac : nic->mac;
}
